//! What a program writes to its standard output and error: one pipe, cut into lines.
//!
//! Whatever was written before the program answered is read before its invocation ends.

use std::io;
use std::process::Stdio;

use crate::clock::Clock;
use crate::engine::lambda::environment::Line;
use crate::engine::lambda::written::Written;

/// Longest event of CloudWatch Logs; longer lines become several.
const LINE_BYTES_MAX: usize = 256 * 1024;
const CHUNK: usize = 64 * 1024;
/// More room than usual, so that a program that writes much waits less.
const PIPE_BYTES: usize = 1024 * 1024;

pub(super) struct Output {
    pipe: pipe::Reader,
    /// The line that has not ended yet.
    partial: Vec<u8>,
    written: Written,
    clock: Clock,
    buffer: Vec<u8>,
}

impl Output {
    /// The reading end, and what to give a program as its standard output and error.
    pub(super) fn open(clock: Clock) -> io::Result<(Self, Stdio, Stdio)> {
        let (reader, writer) = io::pipe()?;
        let twin = writer.try_clone()?;
        let output = Self {
            pipe: pipe::Reader::new(reader)?,
            partial: Vec::new(),
            written: Written::default(),
            clock,
            buffer: vec![0; CHUNK],
        };
        Ok((output, writer.into(), twin.into()))
    }

    /// Waits until there is something and reads it; for ever when nobody can write any more.
    pub(super) async fn read(&mut self) {
        let size = self.pipe.read(&mut self.buffer).await;
        self.take_in(size);
    }

    /// Reads what is there, without waiting for more: of a program that goes on writing, as much as the pipe holds.
    pub(super) async fn drain(&mut self) {
        for _ in 0..2 * PIPE_BYTES / CHUNK {
            match self.pipe.read_now(&mut self.buffer).await {
                Some(size) => self.take_in(size),
                None => return,
            }
        }
    }

    /// The lines since the last time; one that has not ended counts as ended.
    pub(super) fn take_lines(&mut self) -> Vec<Line> {
        if !self.partial.is_empty() {
            self.end_line();
        }
        self.written.take()
    }

    fn take_in(&mut self, size: usize) {
        if self.written.is_full() {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        for part in buffer[..size].split_inclusive(|byte| *byte == b'\n') {
            let (part, ends) = match part.strip_suffix(b"\n") {
                Some(part) => (part, true),
                None => (part, false),
            };
            self.partial.extend_from_slice(part);
            if ends || self.partial.len() >= LINE_BYTES_MAX {
                self.end_line();
            }
        }
        self.buffer = buffer;
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.partial);
        let line = line.trim_end_matches('\r').to_owned();
        self.partial.clear();
        self.written.add(self.clock.now(), line);
    }
}

#[cfg(unix)]
mod pipe {
    use std::io::{self, PipeReader};

    use tokio::net::unix::pipe::Receiver;

    pub(super) struct Reader {
        pipe: Receiver,
        is_closed: bool,
    }

    impl Reader {
        pub(super) fn new(pipe: PipeReader) -> io::Result<Self> {
            #[cfg(target_os = "linux")]
            rustix::pipe::fcntl_setpipe_size(&pipe, super::PIPE_BYTES).ok();
            Ok(Self {
                pipe: Receiver::from_owned_fd(pipe.into())?,
                is_closed: false,
            })
        }

        pub(super) async fn read(&mut self, buffer: &mut [u8]) -> usize {
            while !self.is_closed && self.pipe.readable().await.is_ok() {
                match self.pipe.try_read(buffer) {
                    Ok(0) => self.is_closed = true,
                    Ok(size) => return size,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                    Err(error) => self.is_closed = error.kind() != io::ErrorKind::Interrupted,
                }
            }
            std::future::pending().await
        }

        /// Asks the system, not the runtime: what was written a moment ago may be news to that.
        pub(super) async fn read_now(&mut self, buffer: &mut [u8]) -> Option<usize> {
            let size = rustix::io::read(&self.pipe, buffer).ok();
            std::future::ready(size.filter(|size| *size > 0)).await
        }
    }
}

#[cfg(not(unix))]
mod pipe {
    use std::io::{self, PipeReader, Read as _};
    use std::time::Duration;

    use tokio::sync::mpsc;

    /// How long after an answer more is waited for.
    const GRACE: Duration = Duration::from_millis(5);

    /// A thread reads, as pipes of this system cannot be asked without waiting.
    pub(super) struct Reader(mpsc::Receiver<Vec<u8>>);

    impl Reader {
        pub(super) fn new(mut pipe: PipeReader) -> io::Result<Self> {
            let (send, receive) = mpsc::channel(4);
            std::thread::Builder::new().spawn(move || {
                let mut buffer = vec![0; super::CHUNK];
                while let Ok(size) = pipe.read(&mut buffer)
                    && size > 0
                    && send.blocking_send(buffer[..size].to_vec()).is_ok()
                {}
            })?;
            Ok(Self(receive))
        }

        pub(super) async fn read(&mut self, buffer: &mut [u8]) -> usize {
            match self.0.recv().await {
                Some(chunk) => copied(&chunk, buffer),
                None => std::future::pending().await,
            }
        }

        pub(super) async fn read_now(&mut self, buffer: &mut [u8]) -> Option<usize> {
            let chunk = tokio::time::timeout(GRACE, self.0.recv()).await;
            Some(copied(&chunk.ok()??, buffer))
        }
    }

    fn copied(chunk: &[u8], buffer: &mut [u8]) -> usize {
        buffer[..chunk.len()].copy_from_slice(chunk);
        chunk.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn output() -> (Output, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output {
            pipe: pipe::Reader::new(reader).unwrap(),
            partial: Vec::new(),
            written: Written::default(),
            clock: Clock::real(),
            buffer: vec![0; CHUNK],
        };
        (output, writer)
    }

    fn texts(output: &mut Output) -> Vec<String> {
        let lines = output.take_lines().into_iter();
        lines.map(|(_, line)| line).collect()
    }

    #[tokio::test]
    async fn lines_are_what_ends_with_a_new_line_or_with_the_invocation() {
        let (mut output, mut writer) = output();
        writer.write_all(b"a\nb\rc\r\n\nd\xff").unwrap();
        output.drain().await;
        assert_eq!(texts(&mut output), ["a", "b\rc", "", "d\u{fffd}"]);
        writer.write_all(b"e").unwrap();
        output.read().await;
        writer.write_all(b"f\n").unwrap();
        output.read().await;
        assert_eq!(texts(&mut output), ["ef"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut() {
        let (mut output, mut writer) = output();
        let writing = std::thread::spawn(move || writer.write_all(&vec![b'x'; 600_000]));
        while !writing.is_finished() {
            output.drain().await;
            tokio::task::yield_now().await;
        }
        output.drain().await;
        let lengths: Vec<usize> = texts(&mut output).iter().map(String::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 600_000);
        assert!(lengths.iter().all(|it| *it < LINE_BYTES_MAX + CHUNK));
    }
}

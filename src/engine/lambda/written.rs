//! What a program wrote to its log, up to a bound. Pure.

use std::time::SystemTime;

use super::environment::Line;

/// Most bytes of log lines kept of one invocation; what comes after is dropped with a note.
const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
const FULL: &str = "The log of this invocation is full; what follows is not kept.";

#[derive(Default)]
pub(super) struct Written {
    lines: Vec<Line>,
    bytes: usize,
}

impl Written {
    pub(super) fn add(&mut self, at: SystemTime, line: String) {
        if self.is_full() {
            return;
        }
        self.bytes += line.len();
        self.lines.push((at, line));
        if self.is_full() {
            self.lines.push((at, FULL.to_owned()));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > LOG_BYTES_MAX
    }

    pub(super) fn take(&mut self) -> Vec<Line> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }
}

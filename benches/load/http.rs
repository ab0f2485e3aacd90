//! As little HTTP as a load needs: requests are bytes made beforehand, of answers only status and length are read.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a request and gives the body of its answer, which must be a success.
    pub(crate) async fn call(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let (head, whole) = loop {
            filled += self.fill(filled).await?;
            if let Some(end) = end_of_head(&self.buffer[..filled]) {
                break (end, end + body_bytes(&self.buffer[..end])?);
            }
        };
        while filled < whole {
            self.buffer.resize(self.buffer.len().max(whole), 0);
            filled += self.fill(filled).await?;
        }
        let answer = &self.buffer[..whole];
        if !answer.starts_with(b"HTTP/1.1 200") {
            bail!("the server refused: {}", String::from_utf8_lossy(answer));
        }
        Ok(&answer[head..])
    }

    async fn fill(&mut self, from: usize) -> anyhow::Result<usize> {
        let read = self.stream.read(&mut self.buffer[from..]).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(read)
    }
}

/// A whole request: `PutItem` and its JSON text.
pub(crate) fn request(operation: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.{operation}\r\nX-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
    end.map(|at| at + 4)
}

fn body_bytes(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse().ok()).flatten()
    });
    length.with_context(|| format!("an answer without Content-Length: {head}"))
}

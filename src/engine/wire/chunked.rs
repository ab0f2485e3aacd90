//! Bodies that arrive as `aws-chunked`: pieces with their sizes before them, and headers behind the last. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>

use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::engine::call::Fault;

/// What arrived, put together.
#[derive(Debug, PartialEq)]
pub(super) struct Unpacked {
    pub(super) body: Bytes,
    /// Headers that only the end of the body could tell, such as its checksum; names in lower case.
    pub(super) trailers: Vec<(String, String)>,
}

/// Whether the body comes in pieces.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let is_streamed = text("x-amz-content-sha256").is_some_and(|it| it.starts_with("STREAMING-"));
    let codings = text(CONTENT_ENCODING.as_str()).unwrap_or_default();
    is_streamed || codings.split(',').any(|it| it.trim() == "aws-chunked")
}

/// Puts the pieces together. Their signatures are not looked at: the engine judges keys only.
pub(super) fn unpacked(headers: &HeaderMap, body: &Bytes) -> Result<Unpacked, Fault> {
    let mut rest = body.as_ref();
    let mut whole = BytesMut::with_capacity(body.len());
    loop {
        let line = line(&mut rest)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16)
            .ok()
            .ok_or_else(incomplete)?;
        if size == 0 {
            break;
        }
        let (piece, behind) = rest.split_at_checked(size).ok_or_else(incomplete)?;
        whole.put_slice(piece);
        rest = behind.strip_prefix(b"\r\n").ok_or_else(incomplete)?;
    }
    let mut trailers = Vec::new();
    while !rest.is_empty() {
        let line = line(&mut rest)?;
        if let Some((name, value)) = line.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let announced = headers.get("x-amz-decoded-content-length");
    let announced = announced.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes != whole.len()) {
        return Err(incomplete());
    }
    Ok(Unpacked {
        body: whole.freeze(),
        trailers,
    })
}

/// The text up to the next end of a line, which is taken off.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Fault> {
    let end = rest.windows(2).position(|it| it == b"\r\n");
    let end = end.ok_or_else(incomplete)?;
    let (line, behind) = rest.split_at(end);
    *rest = &behind[2..];
    std::str::from_utf8(line).ok().ok_or_else(incomplete)
}

fn incomplete() -> Fault {
    Fault::new(
        400,
        "IncompleteBody",
        "The request body terminated unexpectedly",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str, length: &'static str) -> Result<Unpacked, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-decoded-content-length", length.parse().unwrap());
        unpacked(&headers, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn pieces_are_put_together_and_trailers_kept() {
        let read = read(
            "5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0\r\nX-Amz-Checksum-Crc32:DUoRhQ==\r\n\r\n",
            "11",
        );
        let expected = Unpacked {
            body: Bytes::from("hello world"),
            trailers: vec![("x-amz-checksum-crc32".to_owned(), "DUoRhQ==".to_owned())],
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn a_body_may_be_empty() {
        assert_eq!(read("0\r\n\r\n", "0").unwrap().body, "");
        assert_eq!(read("0;chunk-signature=ab\r\n\r\n", "0").unwrap().body, "");
    }

    #[test]
    fn a_body_that_ends_too_early_is_refused() {
        for (body, length) in [
            ("", "0"),
            ("5\r\nhel", "5"),
            ("5\r\nhello", "5"),
            ("x\r\nhello\r\n0\r\n\r\n", "5"),
            ("5\r\nhello\r\n0\r\n\r\n", "6"),
            ("ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5"),
        ] {
            assert_eq!(read(body, length).unwrap_err().code, "IncompleteBody");
        }
    }

    #[test]
    fn either_header_tells_of_pieces() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            is_chunked(&headers)
        };
        assert!(with(
            "x-amz-content-sha256",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        ));
        assert!(with("content-encoding", "gzip, aws-chunked"));
        assert!(!with("content-encoding", "gzip"));
        assert!(!with("x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
    }
}

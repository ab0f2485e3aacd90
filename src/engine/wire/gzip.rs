//! Compressed bodies: requests that come so, answers that may go so. Pure.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, Response};

use super::Wire;
use crate::engine::call::Fault;

/// The body of a request as it was before it was compressed.
pub(super) fn unpacked(wire: Wire, headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Fault> {
    let Some(coding) = headers.get(CONTENT_ENCODING) else {
        return Ok(body.clone());
    };
    let coding = coding.to_str().unwrap_or_default();
    if !matches!(
        coding.trim().to_ascii_lowercase().as_str(),
        "gzip" | "x-gzip"
    ) {
        return Ok(body.clone());
    }
    let max = wire.body_bytes_max();
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(body.as_ref()).take(max as u64 + 1);
    if reader.read_to_end(&mut unpacked).is_err() {
        return Err(Fault::new(400, "SerializationException", ""));
    }
    if unpacked.len() > max {
        return Err(wire.too_large());
    }
    Ok(Bytes::from(unpacked))
}

/// Whether whoever asks can read a compressed answer.
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    values
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality.trim().strip_prefix("q=").map(str::parse::<f32>);
            name.trim().eq_ignore_ascii_case("gzip") && refused != Some(Ok(0.0))
        })
}

/// The answer compressed, if it is one with a checksum: that is of the bytes that are sent.
pub fn packed(response: Response<Bytes>) -> Response<Bytes> {
    const CHECKSUM: &str = "x-amz-crc32";
    if !response.headers().contains_key(CHECKSUM) || response.body().is_empty() {
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(response.body());
    let Some(body) = written
        .and_then(|()| encoder.finish())
        .ok()
        .map(Bytes::from)
    else {
        return response;
    };
    let mut response = response;
    let headers = response.headers_mut();
    headers.insert(CHECKSUM, crc32fast::hash(&body).into());
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    response.map(|_| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn coded(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn dynamodb() -> Wire {
        let head = http::Request::post("/").body(()).unwrap().into_parts().0;
        Wire::of(&head, b"")
    }

    #[test]
    fn a_request_may_be_compressed() {
        let headers = coded(CONTENT_ENCODING, "gzip");
        let body = Bytes::from(gzipped(b"{}"));
        assert_eq!(unpacked(dynamodb(), &headers, &body).unwrap(), "{}");
        let plain = unpacked(dynamodb(), &HeaderMap::new(), &Bytes::from("{}"));
        assert_eq!(plain.unwrap(), "{}");
        for wrong in [
            Bytes::from("{}"),
            body.slice(..body.len() - 9),
            Bytes::new(),
        ] {
            let fault = unpacked(dynamodb(), &headers, &wrong).unwrap_err();
            assert_eq!(fault.code, "SerializationException");
        }
        let bomb = Bytes::from(gzipped(&vec![b' '; 17 * 1024 * 1024]));
        let fault = unpacked(dynamodb(), &headers, &bomb).unwrap_err();
        assert_eq!(fault.status, 413);
    }

    #[test]
    fn an_answer_is_compressed_for_those_who_read_it() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let headers = coded(ACCEPT_ENCODING, value);
            assert_eq!(is_accepted(&headers), expected, "{value}");
        }
        let response = Response::builder()
            .header("x-amz-crc32", "1")
            .body(Bytes::from("{\"Count\":1}"))
            .unwrap();
        let sent = packed(response);
        assert_eq!(sent.headers()["content-encoding"], "gzip");
        let sum = crc32fast::hash(sent.body()).to_string();
        assert_eq!(sent.headers()["x-amz-crc32"], sum.as_str());
        let headers = coded(CONTENT_ENCODING, "gzip");
        let read = unpacked(dynamodb(), &headers, sent.body()).unwrap();
        assert_eq!(read, "{\"Count\":1}");
    }
}

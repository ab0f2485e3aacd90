//! The sums by which an upload is checked. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_smithy_checksums::ChecksumAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::engine::call::{Call, Fault};

/// As in `x-amz-checksum-crc32`, with the member and AWS's name.
const ALGORITHMS: [(&str, &str, &str); 5] = [
    ("crc32", "ChecksumCrc32", "CRC32"),
    ("crc32c", "ChecksumCrc32c", "CRC32C"),
    ("crc64nvme", "ChecksumCrc64nvme", "CRC64NVME"),
    ("sha1", "ChecksumSha1", "SHA1"),
    ("sha256", "ChecksumSha256", "SHA256"),
];
/// Of objects that were put without a checksum.
const DEFAULT: &str = "crc64nvme";

/// The sums of a payload.
#[derive(Debug, PartialEq)]
pub(super) struct Sums {
    /// MD5 in hexadecimal digits.
    pub(super) etag: String,
    /// Algorithm to checksum in base64: those the caller gave, or the one every object has.
    pub(super) checksums: BTreeMap<String, String>,
}

/// Computes the sums of the payload, and refuses it where one that the caller gave differs.
pub(super) fn verified(call: &Call) -> Result<Sums, Fault> {
    let payload = call.payload.as_ref();
    check_content_sha256(call)?;
    let md5 = Md5::digest(payload);
    if let Some(given) = call.text("ContentMd5") {
        let given = STANDARD.decode(given).ok().filter(|sum| sum.len() == 16);
        let given = given.ok_or_else(|| {
            Fault::new(
                400,
                "InvalidDigest",
                "The Content-MD5 you specified was invalid.",
            )
        })?;
        if given != md5[..] {
            return Err(differs(
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
    }
    let mut checksums = BTreeMap::new();
    for (name, member, shown) in ALGORITHMS {
        let Some(given) = call.text(member) else {
            continue;
        };
        let sum = of(name, payload)?;
        if given != sum {
            return Err(differs(&format!(
                "The {shown} you specified did not match the calculated checksum."
            )));
        }
        checksums.insert(name.to_owned(), sum);
    }
    if checksums.is_empty() {
        checksums.insert(DEFAULT.to_owned(), of(DEFAULT, payload)?);
    }
    Ok(Sums {
        etag: hex(&md5),
        checksums,
    })
}

/// AWS's name of an algorithm: `CRC32`.
pub(super) fn shown(name: &str) -> &'static str {
    let found = ALGORITHMS.iter().find(|(it, ..)| *it == name);
    found.map_or("", |(.., shown)| shown)
}

/// The checksum in base64.
fn of(name: &str, bytes: &[u8]) -> Result<String, Fault> {
    let algorithm = name.parse::<ChecksumAlgorithm>();
    let algorithm = algorithm.map_err(|error| Fault::internal(error.to_string()))?;
    let mut sum = algorithm.into_impl();
    sum.update(bytes);
    Ok(STANDARD.encode(sum.finalize()))
}

/// What the signature says of the body.
fn check_content_sha256(call: &Call) -> Result<(), Fault> {
    let given = call.text("ContentSha256").unwrap_or_default();
    let is_sum = given.len() == 64 && given.bytes().all(|it| it.is_ascii_hexdigit());
    if is_sum && !given.eq_ignore_ascii_case(&hex(&Sha256::digest(&call.payload))) {
        return Err(Fault::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    Ok(())
}

fn differs(message: &str) -> Fault {
    Fault::new(400, "BadDigest", message)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

//! What is known of an object, and how it shows in headers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::engine::call::Call;

/// Members that are kept with an object, and their headers.
const KEPT: [(&str, &str); 7] = [
    ("CacheControl", "cache-control"),
    ("ContentDisposition", "content-disposition"),
    ("ContentEncoding", "content-encoding"),
    ("ContentLanguage", "content-language"),
    ("ContentType", "content-type"),
    ("Expires", "expires"),
    ("StorageClass", "x-amz-storage-class"),
];
const HTTP_DATE: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) size: u64,
    /// MD5 of the bytes in hexadecimal digits, without quotes.
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    /// As the object was put with: header to value, the user's metadata included.
    pub(super) headers: BTreeMap<String, String>,
    /// Algorithm, as in `crc32`, to checksum in base64.
    pub(super) checksums: BTreeMap<String, String>,
}

impl Meta {
    pub(super) fn of(call: &Call, etag: String, checksums: BTreeMap<String, String>) -> Self {
        let mut headers: BTreeMap<String, String> = KEPT
            .iter()
            .filter_map(|(member, header)| {
                Some(((*header).to_owned(), call.text(member)?.to_owned()))
            })
            .collect();
        if let Some(codings) = headers.remove("content-encoding") {
            let codings = codings.split(',').map(str::trim);
            // How the request was sent is not how the object is.
            let kept: Vec<&str> = codings.filter(|it| *it != "aws-chunked").collect();
            if !kept.is_empty() {
                headers.insert("content-encoding".to_owned(), kept.join(","));
            }
        }
        let metadata = call.input.get("Metadata").and_then(Value::as_object);
        for (name, value) in metadata.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            headers.insert(format!("x-amz-meta-{name}"), value);
        }
        Self {
            size: call.payload.len() as u64,
            etag,
            modified: call.now,
            headers,
            checksums,
        }
    }

    pub(super) fn storage_class(&self) -> &str {
        let class = self.headers.get("x-amz-storage-class");
        class.map_or("STANDARD", String::as_str)
    }

    pub(super) fn etag_header(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// The headers of an answer that tells of the object; `is_whole` when all of its bytes are told of.
    pub(super) fn shown(&self, call: &Call, is_whole: bool) -> Vec<(Cow<'static, str>, String)> {
        let mut shown: BTreeMap<Cow<'static, str>, String> = BTreeMap::from([
            ("accept-ranges".into(), "bytes".to_owned()),
            ("content-type".into(), "binary/octet-stream".to_owned()),
            ("etag".into(), self.etag_header()),
            ("last-modified".into(), http_date(self.modified)),
            ("x-amz-server-side-encryption".into(), "AES256".to_owned()),
        ]);
        for (header, value) in &self.headers {
            shown.insert(header.clone().into(), value.clone());
        }
        if self.storage_class() == "STANDARD" {
            shown.remove("x-amz-storage-class");
        }
        for (member, header) in KEPT {
            if let Some(value) = call.text(&format!("Response{member}")) {
                shown.insert(header.into(), value.to_owned());
            }
        }
        let wants_checksum = call
            .text("ChecksumMode")
            .is_some_and(|it| it.eq_ignore_ascii_case("enabled"));
        if wants_checksum && is_whole {
            shown.extend(self.checksum_headers());
        }
        shown.into_iter().collect()
    }

    pub(super) fn checksum_headers(
        &self,
    ) -> impl Iterator<Item = (Cow<'static, str>, String)> + use<'_> {
        let sums = self.checksums.iter();
        let kind = (!self.checksums.is_empty())
            .then(|| ("x-amz-checksum-type".into(), "FULL_OBJECT".to_owned()));
        sums.map(|(name, sum)| (format!("x-amz-checksum-{name}").into(), sum.clone()))
            .chain(kind)
    }
}

/// `Thu, 01 Jan 2026 00:00:00 GMT`
pub(super) fn http_date(at: SystemTime) -> String {
    // Years have four digits for a long time to come.
    OffsetDateTime::from(at)
        .format(HTTP_DATE)
        .unwrap_or_default()
}

/// `None` for anything but the form of [`http_date`].
pub(super) fn read_http_date(text: &str) -> Option<SystemTime> {
    let at = PrimitiveDateTime::parse(text, HTTP_DATE).ok()?;
    Some(at.assume_utc().into())
}

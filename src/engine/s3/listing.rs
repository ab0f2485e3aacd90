//! `ListObjectsV2`, and `ListObjects` as it was before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::shelf::{After, Entry, Wanted};
use super::{bucket_arn, buckets, checksum, find, invalid_argument, permitted, shelf};
use crate::clock::iso_millis;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};

/// Entries of one page, whatever is asked for.
const PAGE_MAX: usize = 1000;
/// What stays as it is where names are encoded.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

pub(super) fn v2(engine: &Engine, call: &Call) -> Answer {
    let request = Request::of(engine, call)?;
    let token = call.text("ContinuationToken");
    let position = token.map(position_of).transpose()?;
    let after = match &position {
        Some((true, group)) => Some(After::Group(group)),
        Some((false, name)) => Some(After::Name(name)),
        None => call.text("StartAfter").map(After::Name),
    };
    let (entries, is_truncated) = request.page(engine, after)?;
    let mut result = request.head(call);
    result.insert("KeyCount".to_owned(), entries.len().into());
    result.insert("IsTruncated".to_owned(), is_truncated.into());
    if let Some(token) = token {
        result.insert("ContinuationToken".to_owned(), token.into());
    }
    if let Some(last) = entries.last().filter(|_| is_truncated) {
        result.insert("NextContinuationToken".to_owned(), token_of(last).into());
    }
    if let Some(name) = call.text("StartAfter") {
        result.insert("StartAfter".to_owned(), request.shown(name));
    }
    let with_owner = call.text("FetchOwner") == Some("true");
    request.add(&mut result, &entries, call, with_owner);
    Ok(json!({ "ListBucketResult": result }).into())
}

pub(super) fn v1(engine: &Engine, call: &Call) -> Answer {
    let request = Request::of(engine, call)?;
    let marker = call.text("Marker").unwrap_or_default();
    // The marker may be the last group of the page before.
    let is_group = request
        .delimiter
        .as_deref()
        .is_some_and(|it| marker.ends_with(it) && marker.len() > request.prefix.len());
    let after = match marker {
        "" => None,
        group if is_group => Some(After::Group(group)),
        name => Some(After::Name(name)),
    };
    let (entries, is_truncated) = request.page(engine, after)?;
    let mut result = request.head(call);
    result.insert("Marker".to_owned(), request.shown(marker));
    result.insert("IsTruncated".to_owned(), is_truncated.into());
    // Without a delimiter the last key says where to go on.
    let is_told = is_truncated && request.delimiter.is_some();
    if let Some(last) = entries.last().filter(|_| is_told) {
        result.insert("NextMarker".to_owned(), request.shown(last.name()));
    }
    request.add(&mut result, &entries, call, true);
    Ok(json!({ "ListBucketResult": result }).into())
}

pub(super) fn bad_token(token: &str) -> Fault {
    invalid_argument(
        "continuation-token",
        token,
        "The continuation token provided is incorrect",
    )
}

/// What both versions are asked for.
struct Request {
    /// Of the bucket.
    store_id: u64,
    prefix: String,
    delimiter: Option<String>,
    /// As asked, and as many as there are at most.
    max_keys: u64,
    most: usize,
    is_encoded: bool,
}

impl Request {
    fn of(engine: &Engine, call: &Call) -> Result<Self, Fault> {
        let facts = [
            ("s3:prefix", "Prefix"),
            ("s3:delimiter", "Delimiter"),
            ("s3:max-keys", "MaxKeys"),
        ];
        let facts = facts
            .into_iter()
            .filter_map(|(key, member)| Some((key, call.text(member)?.to_owned())))
            .collect();
        permitted(engine, call, "s3:ListBucket", &bucket_arn(call), facts)?;
        let max_keys = max_keys(call)?;
        let is_encoded = match call.text("EncodingType") {
            None => false,
            Some("url") => true,
            Some(other) => {
                return Err(invalid_argument(
                    "encoding-type",
                    other,
                    "Invalid Encoding Method specified in Request",
                ));
            }
        };
        let store_id = engine.read(|state| find(state, call).map(|bucket| bucket.store_id))?;
        let delimiter = call.text("Delimiter").filter(|it| !it.is_empty());
        Ok(Self {
            store_id,
            prefix: call.text("Prefix").unwrap_or_default().to_owned(),
            delimiter: delimiter.map(str::to_owned),
            max_keys,
            most: usize::try_from(max_keys).unwrap_or(PAGE_MAX).min(PAGE_MAX),
            is_encoded,
        })
    }

    fn page(&self, engine: &Engine, after: Option<After<'_>>) -> Result<(Vec<Entry>, bool), Fault> {
        if self.most == 0 {
            return Ok((Vec::new(), false));
        }
        let wanted = Wanted {
            prefix: &self.prefix,
            delimiter: self.delimiter.as_deref(),
            after,
            most: self.most,
        };
        shelf::list(engine.store(), self.store_id, wanted)
    }

    fn head(&self, call: &Call) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("Name".to_owned(), call.text("Bucket").into());
        head.insert("Prefix".to_owned(), self.shown(&self.prefix));
        if let Some(delimiter) = &self.delimiter {
            head.insert("Delimiter".to_owned(), self.shown(delimiter));
        }
        head.insert("MaxKeys".to_owned(), self.max_keys.into());
        if self.is_encoded {
            head.insert("EncodingType".to_owned(), "url".into());
        }
        head
    }

    fn add(
        &self,
        result: &mut Map<String, Value>,
        entries: &[Entry],
        call: &Call,
        with_owner: bool,
    ) {
        let (mut contents, mut groups) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Group(name) => groups.push(json!({ "Prefix": self.shown(name) })),
                Entry::Object(name, meta) => {
                    let sums: Vec<&str> = meta
                        .checksums
                        .keys()
                        .map(|it| checksum::shown(it))
                        .collect();
                    let mut object = json!({
                        "Key": self.shown(name),
                        "LastModified": iso_millis(meta.modified),
                        "ETag": meta.etag_header(),
                        "ChecksumAlgorithm": sums,
                        "ChecksumType": "FULL_OBJECT",
                        "Size": meta.size,
                        "StorageClass": meta.storage_class(),
                    });
                    if with_owner {
                        object["Owner"] = json!({ "ID": buckets::owner(&call.account) });
                    }
                    contents.push(object);
                }
            }
        }
        result.insert("Contents".to_owned(), contents.into());
        result.insert("CommonPrefixes".to_owned(), groups.into());
    }

    fn shown(&self, name: &str) -> Value {
        if self.is_encoded {
            utf8_percent_encode(name, &PLAIN).to_string().into()
        } else {
            name.into()
        }
    }
}

fn max_keys(call: &Call) -> Result<u64, Fault> {
    let Some(text) = call.text("MaxKeys") else {
        return Ok(PAGE_MAX as u64);
    };
    let number: i32 = text.parse().ok().ok_or_else(|| {
        let message = "Provided max-keys not an integer or within integer range";
        invalid_argument("max-keys", text, message)
    })?;
    u64::try_from(number).ok().ok_or_else(|| {
        let message = "Argument maxKeys must be an integer between 0 and 2147483647";
        invalid_argument("maxKeys", text, message)
    })
}

/// Says which entry was the last, and whether it was a group.
fn token_of(last: &Entry) -> String {
    let kind = match last {
        Entry::Object(..) => 'k',
        Entry::Group(_) => 'g',
    };
    URL_SAFE_NO_PAD.encode(format!("{kind}{}", last.name()))
}

fn position_of(token: &str) -> Result<(bool, String), Fault> {
    let text = URL_SAFE_NO_PAD.decode(token).ok();
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| bad_token(token))?;
    match (text.strip_prefix('g'), text.strip_prefix('k')) {
        (Some(group), _) => Ok((true, group.to_owned())),
        (_, Some(name)) => Ok((false, name.to_owned())),
        _ => Err(bad_token(token)),
    }
}

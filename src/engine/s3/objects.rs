//! `PutObject`, `GetObject` and `HeadObject`.

use bytes::Bytes;

use super::conditions::{self, Verdict};
use super::meta::Meta;
use super::{bucket_arn, checksum, find, invalid_argument, permitted, shelf};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Reply};

/// Bytes of an object. AWS takes five gigabytes at once.
const SIZE_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a key.
const KEY_MAX: usize = 1024;
/// Bytes of the names and values of metadata together.
const METADATA_MAX: usize = 2048;
/// Members, and their headers, that ask for what is not there.
const UNKNOWN: [(&str, &str); 8] = [
    ("CopySource", "x-amz-copy-source"),
    ("ObjectLockLegalHold", "x-amz-object-lock-legal-hold"),
    ("ObjectLockMode", "x-amz-object-lock-mode"),
    (
        "ObjectLockRetainUntilDate",
        "x-amz-object-lock-retain-until-date",
    ),
    (
        "ServerSideEncryptionCustomerAlgorithm",
        "x-amz-server-side-encryption-customer-algorithm",
    ),
    ("Tagging", "x-amz-tagging"),
    ("WebsiteRedirectLocation", "x-amz-website-redirect-location"),
    ("WriteOffsetBytes", "x-amz-write-offset-bytes"),
];

pub(super) fn put(engine: &Engine, call: &Call) -> Answer {
    let key = call.text("Key").unwrap_or_default();
    check_key(key)?;
    if let Some((_, header)) = UNKNOWN.iter().find(|(it, _)| call.text(it).is_some()) {
        return Err(conditions::not_implemented(header));
    }
    check_acl(call)?;
    check_metadata(call)?;
    if call.payload.len() > SIZE_MAX {
        return Err(Fault::new(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        ));
    }
    let sums = checksum::verified(call)?;
    let meta = Meta::of(call, sums.etag, sums.checksums);
    let _writing = engine.s3().writing.lock();
    let bucket = engine.read(|state| find(state, call).cloned())?;
    let store = engine.store();
    let before = shelf::meta(store, bucket.store_id, key)?;
    conditions::of_write(call, before.as_ref())?;
    shelf::put(store, bucket.store_id, key, &meta, &call.payload)?;
    let mut headers = vec![
        ("etag".into(), meta.etag_header()),
        ("x-amz-server-side-encryption".into(), "AES256".to_owned()),
    ];
    headers.extend(meta.checksum_headers());
    Ok(Reply {
        status: 200,
        headers,
        body: Body::Empty,
    })
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    read(engine, call, |bucket, key| {
        let bytes = shelf::bytes(engine.store(), bucket, key)?;
        Ok(Bytes::from(bytes))
    })
}

pub(super) fn head(engine: &Engine, call: &Call) -> Answer {
    let mut reply = read(engine, call, |_, _| Ok(Bytes::new()))?;
    reply.body = Body::Empty;
    Ok(reply)
}

pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    if key.len() <= KEY_MAX {
        return Ok(());
    }
    let mut fault = Fault::new(400, "KeyTooLongError", "Your key is too long");
    fault.extra = Some(serde_json::json!({
        "Size": key.len().to_string(),
        "MaxSizeAllowed": KEY_MAX.to_string(),
    }));
    Err(fault)
}

/// Versions are never switched on, so there is one of each object, and its name is `null`.
pub(super) fn check_version(call: &Call) -> Result<(), Fault> {
    match call.text("Versionid") {
        None | Some("null") => Ok(()),
        Some(version) => Err(invalid_argument(
            "versionId",
            version,
            "Invalid version id specified",
        )),
    }
}

/// `bytes` is only asked for where they are wanted.
fn read(
    engine: &Engine,
    call: &Call,
    bytes: impl FnOnce(u64, &str) -> Result<Bytes, Fault>,
) -> Answer {
    check_version(call)?;
    let key = call.text("Key").unwrap_or_default();
    check_key(key)?;
    // What is read of an object must be of one and the same.
    let _writing = engine.s3().writing.lock();
    let bucket = engine.read(|state| find(state, call).cloned())?;
    let Some(meta) = shelf::meta(engine.store(), bucket.store_id, key)? else {
        // Who may not list the bucket is not told what is in it.
        permitted(engine, call, "s3:ListBucket", &bucket_arn(call), Vec::new())?;
        return Err(conditions::missing(call));
    };
    if conditions::of_read(call, &meta)? == Verdict::NotModified {
        return Ok(Reply {
            status: 304,
            headers: meta.shown(call, false),
            body: Body::Empty,
        });
    }
    let range = conditions::range(call, meta.size)?;
    let whole = bytes(bucket.store_id, key)?;
    let mut headers = meta.shown(call, range.is_none());
    let Some(range) = range else {
        headers.push(("content-length".into(), meta.size.to_string()));
        return Ok(Reply {
            status: 200,
            headers,
            body: Body::Blob(whole),
        });
    };
    let size = meta.size;
    let (first, last) = (range.start, range.end - 1);
    headers.push(("content-length".into(), (range.end - first).to_string()));
    headers.push((
        "content-range".into(),
        format!("bytes {first}-{last}/{size}"),
    ));
    let at = |offset: u64| {
        usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(whole.len())
    };
    let part = whole.slice(at(first)..at(range.end));
    Ok(Reply {
        status: 206,
        headers,
        body: Body::Blob(part),
    })
}

/// New buckets belong to their owner with all that is in them.
fn check_acl(call: &Call) -> Result<(), Fault> {
    let is_usual = |acl| matches!(acl, "bucket-owner-full-control" | "private");
    let grants = [
        "GrantFullControl",
        "GrantRead",
        "GrantReadAcp",
        "GrantWriteAcp",
    ];
    let is_granted = grants.iter().any(|grant| call.text(grant).is_some());
    if call.text("Acl").is_none_or(is_usual) && !is_granted {
        return Ok(());
    }
    Err(Fault::new(
        400,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    ))
}

fn check_metadata(call: &Call) -> Result<(), Fault> {
    let metadata = call.input.get("Metadata").and_then(|it| it.as_object());
    let bytes: usize = metadata
        .into_iter()
        .flatten()
        .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
        .sum();
    if bytes <= METADATA_MAX {
        return Ok(());
    }
    let mut fault = Fault::new(
        400,
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
    );
    fault.extra = Some(serde_json::json!({
        "Size": bytes.to_string(),
        "MaxSizeAllowed": METADATA_MAX.to_string(),
    }));
    Err(fault)
}

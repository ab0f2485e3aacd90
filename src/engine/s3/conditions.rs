//! `If-…` headers and ranges of bytes. Pure.

use std::ops::Range;

use serde_json::json;

use super::meta::{Meta, read_http_date};
use crate::clock::epoch_millis;
use crate::engine::call::{Call, Fault};

/// What the conditions of a read say.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Read,
    NotModified,
}

/// Judges the conditions of a read in HTTP's order.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html>
pub(super) fn of_read(call: &Call, meta: &Meta) -> Result<Verdict, Fault> {
    let since = |member: &str| {
        let since = read_http_date(call.text(member)?)?;
        // Headers have whole seconds.
        Some(epoch_millis(meta.modified) / 1000 > epoch_millis(since) / 1000)
    };
    match call.text("IfMatch") {
        Some(wanted) if !is_among(&meta.etag, wanted) => return Err(failed("If-Match")),
        Some(_) => (),
        None => {
            if since("IfUnmodifiedSince") == Some(true) {
                return Err(failed("If-Unmodified-Since"));
            }
        }
    }
    let is_known = match call.text("IfNoneMatch") {
        Some(known) => is_among(&meta.etag, known),
        None => since("IfModifiedSince") == Some(false),
    };
    Ok(if is_known {
        Verdict::NotModified
    } else {
        Verdict::Read
    })
}

/// Judges the conditions of a write or a removal; `meta` is of the object as it is.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
pub(super) fn of_write(call: &Call, meta: Option<&Meta>) -> Result<(), Fault> {
    if let Some(unwanted) = call.text("IfNoneMatch") {
        if unwanted.trim() != "*" {
            return Err(not_implemented("If-None-Match"));
        }
        if meta.is_some() {
            return Err(failed("If-None-Match"));
        }
    }
    match (call.text("IfMatch"), meta) {
        (None, _) => Ok(()),
        (Some(wanted), Some(meta)) if is_among(&meta.etag, wanted) => Ok(()),
        (Some(_), Some(_)) => Err(failed("If-Match")),
        (Some(_), None) => Err(missing(call)),
    }
}

/// The bytes of `Range`; `None` for all of them: without the header, or with one that makes no sense.
pub(super) fn range(call: &Call, size: u64) -> Result<Option<Range<u64>>, Fault> {
    let Some(asked) = call.text("Range") else {
        return Ok(None);
    };
    let Some((first, last)) = asked
        .strip_prefix("bytes=")
        .and_then(|text| text.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.trim().is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (None, Some(last)) if first.trim().is_empty() => size.saturating_sub(last)..size,
        _ => return Ok(None),
    };
    if range.is_empty() {
        let mut fault = Fault::new(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
        );
        fault.extra = Some(json!({
            "RangeRequested": asked,
            "ActualObjectSize": size.to_string(),
        }));
        return Err(fault);
    }
    Ok(Some(range))
}

pub(super) fn missing(call: &Call) -> Fault {
    let mut fault = Fault::new(404, "NoSuchKey", "The specified key does not exist.");
    fault.extra = Some(json!({ "Key": call.text("Key") }));
    fault
}

pub(super) fn not_implemented(header: &str) -> Fault {
    let mut fault = Fault::new(
        501,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
    );
    fault.extra = Some(json!({ "Header": header }));
    fault
}

fn failed(condition: &str) -> Fault {
    let mut fault = Fault::new(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    );
    fault.extra = Some(json!({ "Condition": condition }));
    fault
}

fn is_among(etag: &str, list: &str) -> bool {
    list.split(',').any(|it| {
        let it = it.trim();
        it == "*" || it.trim_start_matches("W/").trim_matches('"') == etag
    })
}

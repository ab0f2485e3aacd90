//! Operations on buckets.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{find, invalid_argument, shelf};
use crate::clock::iso_millis;
use crate::engine::Engine;
use crate::engine::call::{Account, Answer, Body, Call, Fault, Reply};
use crate::engine::state::{Bucket, State};

/// Where a request that names no region ends up.
const DEFAULT_REGION: &str = "us-east-1";
const PAGE_MAX: usize = 10_000;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = call.text("Bucket").unwrap_or_default();
    if !is_valid(name) {
        let mut fault = Fault::new(
            400,
            "InvalidBucketName",
            "The specified bucket is not valid.",
        );
        fault.extra = Some(json!({ "BucketName": name }));
        return Err(fault);
    }
    check_region(call)?;
    if state.buckets.contains_key(name) {
        // The oldest region goes on as if nothing had been there.
        if call.account.region != DEFAULT_REGION {
            let mut fault = Fault::new(
                409,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            );
            fault.extra = Some(json!({ "BucketName": name }));
            return Err(fault);
        }
    } else {
        let bucket = Bucket {
            name: name.to_owned(),
            created: call.now,
            region: call.account.region.clone(),
            store_id: state.take_store_id(),
        };
        state.buckets.insert(name.to_owned(), bucket);
    }
    Ok(Reply {
        status: 200,
        headers: vec![("location".into(), format!("/{name}"))],
        body: Body::Empty,
    })
}

pub(super) fn head(state: &mut State, call: &Call) -> Answer {
    let region = find(state, call)?.region.clone();
    Ok(Reply {
        status: 200,
        headers: vec![("x-amz-bucket-region".into(), region)],
        body: Body::Empty,
    })
}

pub(super) fn location(state: &mut State, call: &Call) -> Answer {
    let region = find(state, call)?.region.as_str();
    // The oldest region has no name here.
    let shown = if region == DEFAULT_REGION { "" } else { region };
    Ok(json!({ "LocationConstraint": shown }).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("Prefix").unwrap_or_default();
    let most = match call.text("MaxBuckets") {
        None => PAGE_MAX,
        Some(text) => text
            .parse()
            .ok()
            .filter(|most| (1..=PAGE_MAX).contains(most))
            .ok_or_else(|| {
                let message = "Argument max-buckets must be an integer between 1 and 10000";
                invalid_argument("max-buckets", text, message)
            })?,
    };
    let after = match call.text("ContinuationToken") {
        None => String::new(),
        Some(token) => URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| super::listing::bad_token(token))?,
    };
    let region = call.text("BucketRegion");
    let mut rest = state.buckets.values().filter(|bucket| {
        bucket.name.starts_with(prefix)
            && bucket.name > after
            && region.is_none_or(|region| region == bucket.region)
    });
    let page: Vec<&Bucket> = rest.by_ref().take(most).collect();
    let rows: Vec<Value> = page
        .iter()
        .map(|bucket| {
            json!({
                "Name": bucket.name,
                "CreationDate": iso_millis(bucket.created),
                "BucketRegion": bucket.region,
            })
        })
        .collect();
    let mut result = json!({
        "Owner": { "ID": owner(&call.account) },
        "Buckets": { "Bucket": rows },
    });
    if call.text("Prefix").is_some() {
        result["Prefix"] = prefix.into();
    }
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        result["ContinuationToken"] = URL_SAFE_NO_PAD.encode(&last.name).into();
    }
    Ok(json!({ "ListAllMyBucketsResult": result }).into())
}

pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let _writing = engine.s3().writing.lock();
    let bucket = engine.read(|state| find(state, call).cloned())?;
    if !shelf::is_empty(engine.store(), bucket.store_id)? {
        let message = "The bucket you tried to delete is not empty";
        let mut fault = Fault::new(409, "BucketNotEmpty", message);
        fault.extra = Some(json!({ "BucketName": bucket.name }));
        return Err(fault);
    }
    engine.change(|state| {
        state.buckets.remove(&bucket.name);
        Ok(())
    })?;
    Ok(Reply {
        status: 204,
        headers: Vec::new(),
        body: Body::Empty,
    })
}

/// The canonical id of the account: 64 hexadecimal digits.
pub(super) fn owner(account: &Account) -> String {
    use std::fmt::Write as _;

    let mut id = String::with_capacity(64);
    for byte in Sha256::digest(&account.id) {
        // Writing to a text cannot fail.
        write!(id, "{byte:02x}").ok();
    }
    id
}

/// A request can only be about the region whose endpoint it was sent to.
fn check_region(call: &Call) -> Result<(), Fault> {
    let here = call.account.region.as_str();
    let asked = call
        .input
        .pointer("/CreateBucketConfiguration/LocationConstraint/0")
        .and_then(Value::as_str)
        .filter(|region| !region.is_empty());
    match asked {
        None if here == DEFAULT_REGION => Ok(()),
        Some(DEFAULT_REGION) => Err(Fault::new(
            400,
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        )),
        Some(asked) if asked == here => Ok(()),
        asked => {
            let asked = asked.unwrap_or("unspecified");
            Err(Fault::new(
                400,
                "IllegalLocationConstraintException",
                format!(
                    "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
                ),
            ))
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn is_valid(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["amzn-s3-demo-", "sthree-", "xn--"];
    const SUFFIXES: [&str; 5] = ["--ol-s3", "--table-s3", "--x-s3", "-s3alias", ".mrap"];
    let is_alphanumeric = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name
            .chars()
            .all(|it| is_alphanumeric(it) || matches!(it, '-' | '.'))
        && name.starts_with(is_alphanumeric)
        && name.ends_with(is_alphanumeric)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !PREFIXES.iter().any(|it| name.starts_with(it))
        && !SUFFIXES.iter().any(|it| name.ends_with(it))
}

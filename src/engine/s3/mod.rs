//! Buckets and their objects: destinations of what functions could not process. No versions, no parts, no ACLs.
//!
//! Buckets are part of the state; objects are kept in the store only.

mod buckets;
mod checksum;
mod conditions;
mod delete;
mod listing;
mod meta;
mod objects;
mod shelf;

use parking_lot::Mutex;
use serde_json::json;

use super::Engine;
use super::call::{Call, Fault, Operation, Run};
use super::iam;
use super::state::{Bucket, State};

/// In-memory parts.
#[derive(Default)]
pub struct Live {
    /// Held while objects are written or a bucket is removed: nothing is put into a bucket that is gone, and a
    /// condition still holds when its object is written.
    writing: Mutex<()>,
}

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const OPERATIONS: &[Operation] = &[
    Operation::new(
        "ListBuckets",
        "GET /",
        "s3:ListAllMyBuckets",
        every_bucket,
        Run::Now(buckets::list),
    ),
    Operation::new(
        "CreateBucket",
        "PUT /{Bucket}",
        "s3:CreateBucket",
        bucket_arn,
        Run::Now(buckets::create),
    ),
    Operation::new(
        "HeadBucket",
        "HEAD /{Bucket}",
        "s3:ListBucket",
        bucket_arn,
        Run::Now(buckets::head),
    ),
    Operation::new(
        "DeleteBucket",
        "DELETE /{Bucket}",
        "s3:DeleteBucket",
        bucket_arn,
        Run::Data(buckets::delete),
    ),
    Operation::new(
        "GetBucketLocation",
        "GET /{Bucket}?location",
        "s3:GetBucketLocation",
        bucket_arn,
        Run::Now(buckets::location),
    ),
    // Policies may ask what is listed.
    Operation::new(
        "ListObjects",
        "GET /{Bucket}",
        "",
        bucket_arn,
        Run::Data(listing::v1),
    ),
    Operation::new(
        "ListObjectsV2",
        "GET /{Bucket}?list-type",
        "",
        bucket_arn,
        Run::Data(listing::v2),
    ),
    // Every key is judged by itself.
    Operation::new(
        "DeleteObjects",
        "POST /{Bucket}?delete",
        "",
        bucket_arn,
        Run::Data(delete::many),
    ),
    Operation::new(
        "PutObject",
        "PUT /{Bucket}/{Key}",
        "s3:PutObject",
        object_arn,
        Run::Data(objects::put),
    ),
    Operation::new(
        "GetObject",
        "GET /{Bucket}/{Key}",
        "s3:GetObject",
        object_arn,
        Run::Data(objects::get),
    ),
    Operation::new(
        "HeadObject",
        "HEAD /{Bucket}/{Key}",
        "s3:GetObject",
        object_arn,
        Run::Data(objects::head),
    ),
    Operation::new(
        "DeleteObject",
        "DELETE /{Bucket}/{Key}",
        "s3:DeleteObject",
        object_arn,
        Run::Data(delete::one),
    ),
];

fn every_bucket(call: &Call) -> String {
    call.account.arn("s3", "*").to_string()
}

fn bucket_arn(call: &Call) -> String {
    let bucket = call.text("Bucket").unwrap_or_default();
    call.account.arn("s3", bucket).to_string()
}

fn object_arn(call: &Call) -> String {
    arn_of(call, call.text("Key").unwrap_or_default())
}

fn arn_of(call: &Call, key: &str) -> String {
    let bucket = call.text("Bucket").unwrap_or_default();
    call.account
        .arn("s3", format!("{bucket}/{key}"))
        .to_string()
}

/// Asks for a permission that the operation's row cannot name.
fn permitted(
    engine: &Engine,
    call: &Call,
    action: &str,
    resource: &str,
    facts: Vec<(&str, String)>,
) -> Result<(), Fault> {
    if !call.principal.is_judged() || !engine.enforces_iam() {
        return Ok(());
    }
    engine.read(|state| iam::authorize_call_with(state, call, action, resource, facts))
}

/// The bucket that the request names, if it belongs to whom the caller thinks.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Bucket, Fault> {
    let name = call.text("Bucket").unwrap_or_default();
    let found = state.buckets.get(name).ok_or_else(|| {
        let message = "The specified bucket does not exist";
        let mut fault = Fault::new(404, "NoSuchBucket", message);
        fault.extra = Some(json!({ "BucketName": name }));
        fault
    })?;
    match call.text("ExpectedBucketOwner") {
        Some(owner) if owner != call.account.id => {
            Err(Fault::new(403, "AccessDenied", "Access Denied"))
        }
        _ => Ok(found),
    }
}

fn invalid_argument(name: &str, value: &str, message: &str) -> Fault {
    let mut fault = Fault::new(400, "InvalidArgument", message);
    fault.extra = Some(json!({ "ArgumentName": name, "ArgumentValue": value }));
    fault
}

fn malformed() -> Fault {
    Fault::new(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

#[cfg(test)]
mod tests;

//! REST with XML: S3. Bucket and key come from the host and the path; path, query, headers and an XML body become one
//! input under AWS's member names.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::chunked;
use super::query_xml::{close, escape, open};
use crate::engine::call::{Answer, Body, Fault, Operation};

const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Query parameters without a value that make another operation of a method and a path.
const SUBRESOURCES: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// Query parameters that belong to a signature.
const SIGNATURE: [&str; 9] = [
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// What a request is about.
#[derive(Debug, Default, PartialEq)]
struct Target {
    /// Empty where only the service is addressed.
    bucket: String,
    /// Empty where the bucket is addressed.
    key: String,
}

/// The access key of a signature in the query, as presigned addresses have it, or of one of the former kind.
pub(super) fn access_key(head: &Parts) -> Option<Cow<'_, str>> {
    let header = head.headers.get(http::header::AUTHORIZATION);
    if let Some(former) = header.and_then(|it| it.to_str().ok()?.strip_prefix("AWS ")) {
        return former.split(':').next().map(Cow::Borrowed);
    }
    let credential = parameter(head, "X-Amz-Credential")
        .and_then(|it| it.split('/').next().map(str::to_owned))
        .or_else(|| parameter(head, "AWSAccessKeyId"));
    credential.filter(|key| !key.is_empty()).map(Cow::Owned)
}

/// Whether the request is signed for S3 by its query, or in the former way that only S3 still takes.
pub(super) fn is_signed(head: &Parts) -> bool {
    let header = head.headers.get(http::header::AUTHORIZATION);
    if header.is_some_and(|it| it.as_bytes().starts_with(b"AWS ")) {
        return true;
    }
    match parameter(head, "X-Amz-Credential") {
        Some(scope) => scope.split('/').nth(3) == Some("s3"),
        None => parameter(head, "AWSAccessKeyId").is_some(),
    }
}

/// The row whose method, depth and subresource fit: `GET /{Bucket}?location`.
pub(super) fn row<'a>(head: &Parts, rows: &'a [Operation]) -> Result<&'a Operation, Fault> {
    let target = target(head)?;
    let depth = match (target.bucket.is_empty(), target.key.is_empty()) {
        (true, _) => "/",
        (false, true) => "/{Bucket}",
        (false, false) => "/{Bucket}/{Key}",
    };
    let query = head.uri.query().unwrap_or_default();
    let subresource = form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name)
        .find(|name| SUBRESOURCES.contains(&name.as_ref()));
    let asked = match &subresource {
        None => format!("{} {depth}", head.method),
        Some(name) => format!("{} {depth}?{name}", head.method),
    };
    let row = rows.iter().find(|row| row.http == asked);
    row.ok_or_else(|| match subresource {
        Some(_) => Fault::new(
            501,
            "NotImplemented",
            format!("Waterwheel does not know the operation {asked}"),
        ),
        None => Fault::new(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        ),
    })
}

/// Members are texts, but for `Metadata` and what comes as XML; the payload is the body, put together.
pub(super) fn input(head: &Parts, body: &Bytes) -> Result<(Value, Bytes), Fault> {
    let mut members = Map::new();
    let query = head.uri.query().unwrap_or_default();
    let query = form_urlencoded::parse(query.as_bytes());
    for (name, value) in query.filter(|(name, _)| !SIGNATURE.contains(&name.as_ref())) {
        add(&mut members, &name.to_ascii_lowercase(), &value);
    }
    for (name, value) in &head.headers {
        let name = name.as_str();
        if is_member(name) {
            add(
                &mut members,
                name,
                &String::from_utf8_lossy(value.as_bytes()),
            );
        }
    }
    let body = if chunked::is_chunked(&head.headers) {
        let unpacked = chunked::unpacked(&head.headers, body)?;
        for (name, value) in &unpacked.trailers {
            add(&mut members, name, value);
        }
        unpacked.body
    } else {
        body.clone()
    };
    let Target { bucket, key } = target(head)?;
    if key.is_empty() && !body.is_empty() && matches!(head.method, Method::POST | Method::PUT) {
        let (root, value) = read(&body)?;
        members.insert(root, value);
    }
    members.insert("Bucket".to_owned(), bucket.into());
    members.insert("Key".to_owned(), key.into());
    Ok((Value::Object(members), body))
}

/// An answer's value has one member, which names the root of the document. Its lists become elements side by side.
pub(super) fn encode(operation: &str, answer: Answer, request_id: &str) -> Response<Bytes> {
    const XML: &str = "application/xml";
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut response = match answer {
        Ok(reply) => {
            let (content_type, body) = match reply.body {
                Body::Json(value) => {
                    document(&mut xml, &value);
                    (XML, xml.into())
                }
                Body::Blob(bytes) => ("binary/octet-stream", bytes),
                Body::Records(_) | Body::Empty => ("", Bytes::new()),
            };
            let mut response = super::response(reply.status, content_type, request_id, body);
            for (name, value) in reply.headers {
                super::set(response.headers_mut(), &name, &value);
            }
            response
        }
        // There is nothing to read in the answer to a HEAD.
        Err(fault) if operation.starts_with("Head") => {
            super::response(fault.status, XML, request_id, Bytes::new())
        }
        Err(fault) => {
            let mut error = json!({ "Code": wire_code(fault.code), "Message": fault.message });
            if let (Value::Object(error), Some(Value::Object(extra))) = (&mut error, fault.extra) {
                error.extend(extra);
            }
            error["RequestId"] = request_id.into();
            error["HostId"] = "waterwheel".into();
            element(&mut xml, "Error", "", &error);
            super::response(fault.status, XML, request_id, xml.into())
        }
    };
    let headers = response.headers_mut();
    headers.remove("x-amzn-requestid");
    if headers.get(CONTENT_TYPE).is_some_and(HeaderValue::is_empty) {
        headers.remove(CONTENT_TYPE);
    }
    super::set(headers, "x-amz-request-id", request_id);
    super::set(headers, "x-amz-id-2", "waterwheel");
    response
}

/// The bucket in the host's name, or in the first segment of the path.
fn target(head: &Parts) -> Result<Target, Fault> {
    let path = head.uri.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.ok()
            .map(Cow::into_owned)
            .ok_or_else(|| Fault::new(400, "InvalidURI", "Couldn't parse the specified URI."))
    };
    if let Some(bucket) = bucket_of_host(head) {
        return Ok(Target {
            bucket,
            key: decoded(path)?,
        });
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    Ok(Target {
        bucket: decoded(bucket)?,
        key: decoded(key)?,
    })
}

/// `b` of `b.s3.us-east-1.amazonaws.com`, `b.s3.localhost` and `b.localhost`.
fn bucket_of_host(head: &Parts) -> Option<String> {
    let header = head.headers.get(HOST).and_then(|it| it.to_str().ok());
    let host = header.or_else(|| head.uri.authority().map(http::uri::Authority::as_str))?;
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let local = host.strip_suffix(".localhost");
    let name = local.or_else(|| {
        let host = host.strip_suffix(".cn").unwrap_or(&host);
        host.strip_suffix(".amazonaws.com")
    })?;
    let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
    let (first, _) = name.split_once('.').unwrap_or((name, ""));
    if is_service(first) {
        return None;
    }
    // A bucket's name may have dots of its own, so the service is the last label of its name.
    let ends = name.match_indices('.').rev().map(|(at, _)| at);
    let end = ends
        .into_iter()
        .find(|at| is_service(name[at + 1..].split('.').next().unwrap_or_default()));
    match end {
        Some(end) => Some(name[..end].to_owned()),
        None => local.map(str::to_owned),
    }
}

fn parameter(head: &Parts, name: &str) -> Option<String> {
    let query = form_urlencoded::parse(head.uri.query()?.as_bytes());
    let mut found = query.filter(|(it, _)| it == name);
    found.next().map(|(_, value)| value.into_owned())
}

/// Whether a header is about the request's meaning.
fn is_member(header: &str) -> bool {
    const PREFIXES: [&str; 3] = ["x-amz-", "content-", "if-"];
    matches!(header, "cache-control" | "expires" | "range")
        || PREFIXES.iter().any(|prefix| header.starts_with(prefix))
}

/// Adds a header or query parameter under its member's name: `max-keys` as `MaxKeys`.
fn add(members: &mut Map<String, Value>, name: &str, value: &str) {
    if let Some(name) = name.strip_prefix("x-amz-meta-") {
        let metadata = members.entry("Metadata").or_insert_with(|| json!({}));
        if let Value::Object(metadata) = metadata {
            append(metadata, name.to_owned(), value);
        }
        return;
    }
    let words = name.strip_prefix("x-amz-").unwrap_or(name).split('-');
    let member = words
        .map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            first.to_ascii_uppercase() + rest
        })
        .collect();
    append(members, member, value);
}

/// Values of one header sent several times are one list.
fn append(members: &mut Map<String, Value>, name: String, value: &str) {
    let value = match members.get(&name).and_then(Value::as_str) {
        Some(known) => format!("{known},{value}"),
        None => value.to_owned(),
    };
    members.insert(name, value.into());
}

/// The root's name and value: elements are lists of what has their name, those without children are texts.
fn read(body: &[u8]) -> Result<(String, Value), Fault> {
    let malformed = || {
        Fault::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let text = std::str::from_utf8(body).ok().ok_or_else(malformed)?;
    if !is_shallow(text) {
        return Err(malformed());
    }
    let document = roxmltree::Document::parse(text);
    let document = document.ok().ok_or_else(malformed)?;
    let root = document.root_element();
    Ok((root.tag_name().name().to_owned(), value_of(root)))
}

/// Whether elements are nested as little as requests need: the parser calls itself for each level.
fn is_shallow(text: &str) -> bool {
    const DEPTH_MAX: usize = 32;
    let mut depth = 0_usize;
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or(tag);
        match tag.as_bytes() {
            [b'/', ..] => depth = depth.saturating_sub(1),
            [b'!' | b'?', ..] | [.., b'/'] => (),
            _ => depth += 1,
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    true
}

fn value_of(node: roxmltree::Node<'_, '_>) -> Value {
    let mut members: Map<String, Value> = Map::new();
    for child in node.children().filter(roxmltree::Node::is_element) {
        let list = members.entry(child.tag_name().name());
        if let Value::Array(list) = list.or_insert_with(|| json!([])) {
            list.push(value_of(child));
        }
    }
    if members.is_empty() {
        node.text().unwrap_or_default().into()
    } else {
        members.into()
    }
}

/// S3's names for what all services share.
fn wire_code(code: &str) -> &str {
    match code {
        "AccessDeniedException" => "AccessDenied",
        "InternalServerError" => "InternalError",
        other => other,
    }
}

fn document(xml: &mut String, value: &Value) {
    for (root, value) in value.as_object().into_iter().flatten() {
        element(xml, root, &format!(" xmlns=\"{XMLNS}\""), value);
    }
}

fn element(xml: &mut String, name: &str, attributes: &str, value: &Value) {
    if let Value::Array(values) = value {
        for value in values {
            element(xml, name, attributes, value);
        }
        return;
    }
    if value.is_null() {
        return;
    }
    open(xml, &format!("{name}{attributes}"));
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                element(xml, name, "", value);
            }
        }
        Value::String(text) => escape(xml, text),
        other => xml.push_str(&other.to_string()),
    }
    close(xml, name);
}

#[cfg(test)]
#[path = "rest_xml_tests.rs"]
mod tests;

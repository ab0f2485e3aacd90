//! Which wire a request is on; one row and one input in, one answer out. Bytes and values only: may not touch `State`.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Response};
use serde_json::Value;

use super::call::{Answer, Fault, Operation};
use super::control;
use super::dynamodb::plain::Plain;
use crate::ids::Ids;

mod aws_json;
mod chunked;
pub mod gzip;
mod query_xml;
mod rest_json;
mod rest_xml;

// Made once: a name given as a text is parsed at every use.
static TARGET: HeaderName = HeaderName::from_static("x-amz-target");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
static CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// How a service talks.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    /// AWS JSON 1.0 and 1.1: `X-Amz-Target` names the operation, everything else is in the body.
    Json(&'static aws_json::Service),
    /// Lambda: method and path name the operation; path, query, headers and body carry the input.
    Rest,
    /// S3: method, host, path and query name the operation; answered in XML or with an object.
    Xml,
    /// A form with `Action` and `Version`, answered in XML.
    Query(&'static query_xml::Service),
}

/// What the `Authorization` header claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub access_key: &'a str,
    /// Signing name of the service: streams sign as `dynamodb`.
    pub service: &'a str,
}

/// What a request asks for, as [`super::call::Call`] holds it.
#[derive(Debug)]
pub struct Input {
    pub members: Value,
    pub plain: Option<Plain>,
    pub payload: Bytes,
}

impl From<Value> for Input {
    fn from(members: Value) -> Self {
        Self {
            members,
            plain: None,
            payload: Bytes::new(),
        }
    }
}

impl Wire {
    /// Finds the wire by target, then by the scope of the signature, then by path and form.
    /// What fits nothing counts as DynamoDB's, which answers that it knows no such operation.
    pub fn of(head: &Parts, body: &[u8]) -> Self {
        if let Some(service) = target(&head.headers).and_then(aws_json::by_target) {
            return Self::Json(service);
        }
        let signed_for = credential(&head.headers).map(|it| it.service);
        match signed_for {
            Some("lambda") => return Self::Rest,
            Some("s3") => return Self::Xml,
            None if rest_xml::is_signed(head) => return Self::Xml,
            Some(name @ ("logs" | "sqs" | control::SERVICE)) => {
                return Self::Json(aws_json::by_name(name));
            }
            Some(name @ ("iam" | "sns" | "sts")) => return Self::Query(query_xml::by_name(name)),
            _ => (),
        }
        if is_dated(head.uri.path()) {
            return Self::Rest;
        }
        query_xml::by_version(body).map_or(Self::Json(aws_json::by_name("dynamodb")), Self::Query)
    }

    /// As in `Call.service`.
    pub fn service(self) -> &'static str {
        match self {
            Self::Json(service) => service.name,
            Self::Rest => "lambda",
            Self::Xml => "s3",
            Self::Query(service) => service.name,
        }
    }

    /// Most bytes a request may have.
    pub fn body_bytes_max(self) -> usize {
        const MB: usize = 1024 * 1024;
        match self {
            Self::Json(_) => 16 * MB,
            // A package of 50 MB, in base64.
            Self::Rest => 70 * MB,
            // An object, and what its pieces have around them.
            Self::Xml => 66 * MB,
            Self::Query(service) => service.body_bytes_max,
        }
    }

    /// The answer to a request with more bytes than that.
    pub fn too_large(self) -> Fault {
        if let Self::Xml = self {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Fault::new(400, "EntityTooLarge", message);
        }
        let bytes = self.body_bytes_max();
        let message = format!("The request must be smaller than {bytes} bytes");
        Fault::new(413, "RequestEntityTooLarge", message)
    }

    /// The row the request asks for.
    pub fn row<'a>(
        self,
        head: &Parts,
        body: &[u8],
        rows: &'a [Operation],
    ) -> Result<&'a Operation, Fault> {
        match self {
            Self::Json(service) => aws_json::row(service, head, rows),
            Self::Rest => rest_json::row(head, rows),
            Self::Xml => rest_xml::row(head, rows),
            Self::Query(service) => query_xml::row(service, body, rows),
        }
    }

    /// The request's members.
    pub fn input(self, head: &Parts, body: &Bytes, row: &Operation) -> Result<Input, Fault> {
        match self {
            Self::Json(service) => {
                let body = gzip::unpacked(self, &head.headers, body)?;
                aws_json::input(service, &body, row)
            }
            Self::Rest => {
                let (members, payload) = rest_json::input(head, body, row)?;
                Ok(Input {
                    payload,
                    ..Input::from(members)
                })
            }
            Self::Xml => {
                let (members, payload) = rest_xml::input(head, body)?;
                Ok(Input {
                    payload,
                    ..Input::from(members)
                })
            }
            Self::Query(_) => query_xml::input(body).map(Input::from),
        }
    }

    pub fn encode(self, operation: &str, answer: Answer, request_id: &str) -> Response<Bytes> {
        match self {
            Self::Json(service) => aws_json::encode(service, answer, request_id),
            Self::Rest => rest_json::encode(answer, request_id),
            Self::Xml => rest_xml::encode(operation, answer, request_id),
            Self::Query(service) => query_xml::encode(service, operation, answer, request_id),
        }
    }

    /// The access key a request is signed with; `None` without a signature.
    pub fn access_key(self, head: &Parts) -> Option<Cow<'_, str>> {
        let in_header = credential(&head.headers).map(|it| Cow::Borrowed(it.access_key));
        match self {
            Self::Xml => in_header.or_else(|| rest_xml::access_key(head)),
            _ => in_header,
        }
    }

    /// The service's words for a key nobody issued.
    pub fn unknown_key(self) -> Fault {
        let message = "The security token included in the request is invalid.";
        match self {
            Self::Json(service) if service.name == "sqs" => {
                Fault::new(403, "InvalidClientTokenId", message)
            }
            Self::Json(_) => Fault::new(400, "UnrecognizedClientException", message),
            Self::Rest => Fault::new(403, "UnrecognizedClientException", message),
            Self::Xml => Fault::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::Query(_) => Fault::new(403, "InvalidClientTokenId", message),
        }
    }

    /// The id of a request in the form the service gives it.
    pub fn request_id(self, ids: &Ids) -> String {
        match self {
            Self::Json(service) if service.is_dynamodb() => {
                ids.key_between("", 26, "VV4KQNSO5AEMVJF66Q9ASUAAJG")
            }
            Self::Xml => ids.key("", 16),
            _ => ids.uuid(),
        }
    }

    /// The service's words for a request without a signature.
    pub fn unsigned(self, headers: &HeaderMap) -> Fault {
        match self {
            Self::Json(service) if service.is_dynamodb() && is_signed_in_part(headers) => {
                Fault::new(400, "IncompleteSignatureException", missing_parts(headers))
            }
            Self::Json(_) => Fault::new(
                400,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            ),
            Self::Rest => Fault::new(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Xml => Fault::new(403, "AccessDenied", "Access Denied"),
            Self::Query(_) => Fault::new(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
        }
    }
}

/// The key and scope of a `SigV4` header; `None` without one.
pub fn credential(headers: &HeaderMap) -> Option<Credential<'_>> {
    let value = headers.get(http::header::AUTHORIZATION)?.as_bytes();
    let fields = value.strip_prefix(b"AWS4-HMAC-SHA256")?;
    let scope = match fields.trim_ascii_start().strip_prefix(b"Credential=") {
        // Nearly always it is the first, and its end need not be looked for.
        Some(scope) => scope,
        None => fields
            .split(|it| *it == b',')
            .find_map(|field| field.trim_ascii().strip_prefix(b"Credential="))?,
    };
    // The key, the day, the region, the service, `aws4_request`; behind a comma another field begins.
    let mut rest = Some(scope);
    let mut part = || {
        let bytes = rest?;
        let is_end = |it: &u8| matches!(it, b'/' | b',');
        let end = bytes.iter().position(is_end).unwrap_or(bytes.len());
        rest = (bytes.get(end) == Some(&b'/')).then(|| &bytes[end + 1..]);
        Some(bytes[..end].trim_ascii_end())
    };
    let (access_key, _day, _region, service) = (part()?, part()?, part()?, part()?);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    (!access_key.is_empty()).then_some(Credential {
        access_key: text(access_key)?,
        service: text(service)?,
    })
}

fn authorization(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::AUTHORIZATION);
    value.and_then(|it| it.to_str().ok()).unwrap_or_default()
}

fn is_signed_in_part(headers: &HeaderMap) -> bool {
    authorization(headers).starts_with("AWS4-")
}

/// What an `Authorization` header of the right kind lacks.
fn missing_parts(headers: &HeaderMap) -> String {
    let value = authorization(headers);
    let missing = ["Credential", "Signature", "SignedHeaders"]
        .into_iter()
        .filter(|part| !value.contains(&format!("{part}=")));
    let mut words: Vec<String> = missing
        .map(|part| format!("Authorization header requires '{part}' parameter."))
        .collect();
    if !headers.contains_key("x-amz-date") && !headers.contains_key(http::header::DATE) {
        words.push(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                .to_owned(),
        );
    }
    words.push(format!("Authorization={value}"));
    words.join(" ")
}

/// What a load balancer hears that asks whether the service is up.
pub fn healthy(region: &str, request_id: &str) -> Response<Bytes> {
    let body = Bytes::from(format!("healthy: dynamodb.{region}.amazonaws.com "));
    let checksum = crc32fast::hash(&body);
    let mut response = response(200, "text/plain", request_id, body);
    let headers = response.headers_mut();
    headers.insert(&CRC32, checksum.into());
    response
}

/// `DynamoDB_20120810.PutItem`.
pub fn target(headers: &HeaderMap) -> Option<&str> {
    // What is no text of ASCII names nothing either.
    std::str::from_utf8(headers.get(&TARGET)?.as_bytes()).ok()
}

/// Whether the path begins like `/2015-03-31/`.
fn is_dated(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() > 11
        && bytes[..12]
            .iter()
            .zip(b"/dddd-dd-dd/")
            .all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            })
}

/// A response with the headers every service sends.
fn response(
    status: u16,
    content_type: &'static str,
    request_id: &str,
    body: Bytes,
) -> Response<Bytes> {
    use http::header::{CONTENT_TYPE, HeaderValue};

    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(&REQUEST_ID, id);
    }
    response
}

/// Sets a header, in lower case as HTTP wants it, unless its name or value has bytes a header cannot carry.
fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// JSON text of a value; values made of strings as keys always have one.
fn text(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(build: http::request::Builder) -> Parts {
        build.body(()).unwrap().into_parts().0
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        )
    }

    #[test]
    fn a_target_says_more_than_the_signature() {
        let head = head(
            http::Request::post("/")
                .header("X-Amz-Target", "DynamoDBStreams_20120810.GetRecords")
                .header("Authorization", signed("dynamodb")),
        );
        assert_eq!(Wire::of(&head, b"{}").service(), "streams");
    }

    #[test]
    fn signature_path_and_form_tell_the_rest_apart() {
        let by_scope =
            |service: &str| head(http::Request::post("/").header("Authorization", signed(service)));
        assert_eq!(Wire::of(&by_scope("sts"), b"").service(), "sts");
        assert_eq!(Wire::of(&by_scope("lambda"), b"").service(), "lambda");
        let by_path = head(http::Request::get("/2015-03-31/functions/"));
        assert_eq!(Wire::of(&by_path, b"").service(), "lambda");
        let plain = head(http::Request::post("/"));
        let form = b"Action=ListRoles&Version=2010-05-08";
        assert_eq!(Wire::of(&plain, form).service(), "iam");
        let form = b"Action=ListTopics&Version=2010-03-31";
        assert_eq!(Wire::of(&plain, form).service(), "sns");
        assert_eq!(Wire::of(&plain, b"").service(), "dynamodb");
    }

    #[test]
    fn a_credential_names_its_key_and_service() {
        let head = head(http::Request::post("/").header("Authorization", signed("iam")));
        let found = credential(&head.headers).unwrap();
        assert_eq!((found.access_key, found.service), ("AKIA1", "iam"));
        for (value, found) in [
            (
                "AWS4-HMAC-SHA256 Signature=00, Credential=A/1/r/sqs/aws4_request",
                Some(("A", "sqs")),
            ),
            (
                "AWS4-HMAC-SHA256 Credential=A/1/r/sqs , Signature=00",
                Some(("A", "sqs")),
            ),
            (
                "AWS4-HMAC-SHA256 Credential=A/1, SignedHeaders=a/b/c, Signature=00",
                None,
            ),
            (
                "AWS4-HMAC-SHA256 Credential=/1/r/sqs/aws4_request, Signature=00",
                None,
            ),
            ("AWS4-HMAC-SHA256 Signature=00", None),
        ] {
            let head = self::head(http::Request::post("/").header("Authorization", value));
            let credential = credential(&head.headers);
            assert_eq!(
                credential.map(|it| (it.access_key, it.service)),
                found,
                "{value}"
            );
        }
        let bearer = self::head(http::Request::post("/").header("Authorization", "Bearer x"));
        assert_eq!(credential(&bearer.headers), None);
    }

    #[test]
    fn bytes_without_sense_are_answered_and_never_panic() {
        use crate::engine::call::{Run, any_resource};

        const ALPHABET: &[u8] = b"{}[]\":,\\u0%=&.+/member.1aA<\x00\xff\n";

        let ids = Ids::seeded(7);
        let row = Operation {
            name: "Any",
            http: "POST /2015-03-31/functions/{FunctionName}",
            action: "",
            resource: any_resource,
            run: Run::Data(|_, _| Ok(Value::Null.into())),
        };
        for round in 0..3000 {
            let length = ids.number() % 40;
            let letter = |number: u64| ALPHABET[usize::try_from(number).unwrap() % ALPHABET.len()];
            let body: Bytes = (0..length).map(|_| letter(ids.number())).collect();
            let service = ["dynamodb", "sqs", "lambda", "iam", "sns", "s3"][round % 6];
            let head = head(
                http::Request::post("/2015-03-31/functions/%ff%2")
                    .header("Authorization", signed(service)),
            );
            let wire = Wire::of(&head, &body);
            let input = wire.input(&head, &body, &row);
            let answer = input.map(|input| input.members.into());
            let status = wire.encode("Any", answer, "id").status();
            assert!(
                status == 200 || status == 400,
                "{service} {body:?}: {status}"
            );
        }
    }
}

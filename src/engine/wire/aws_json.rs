//! AWS JSON 1.0 and 1.1: DynamoDB, Streams, CloudWatch Logs, SQS, the engine's own control service.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use serde_json::{Map, Value};

use super::Input;
use crate::engine::call::{Answer, Body, Fault, Operation, Run};
use crate::engine::control;
use crate::engine::dynamodb::plain;

/// A service on this wire.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    /// Of `X-Amz-Target`, with its dot.
    prefix: &'static str,
    content_type: &'static str,
    /// Before the error's code in `__type`.
    namespace: &'static str,
}

const UNKNOWN: &str = "UnknownOperationException";
/// Levels at which the parser of requests gives up.
const LEVELS_READ: usize = 128;
/// Levels at which the service's parser does.
const LEVELS_MAX: usize = 4000;
const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

impl Service {
    /// Whether it is DynamoDB or its streams, which share a front door.
    pub(super) fn is_dynamodb(&self) -> bool {
        matches!(self.name, "dynamodb" | "streams")
    }
}

static SERVICES: [Service; 5] = [
    Service {
        name: "dynamodb",
        prefix: "DynamoDB_20120810.",
        content_type: JSON_1_0,
        namespace: "com.amazonaws.dynamodb.v20120810#",
    },
    Service {
        name: "streams",
        prefix: "DynamoDBStreams_20120810.",
        content_type: JSON_1_0,
        namespace: "com.amazonaws.dynamodb.v20120810#",
    },
    Service {
        name: "logs",
        prefix: "Logs_20140328.",
        content_type: JSON_1_1,
        namespace: "",
    },
    Service {
        name: "sqs",
        prefix: "AmazonSQS.",
        content_type: JSON_1_0,
        namespace: "com.amazonaws.sqs#",
    },
    Service {
        name: control::SERVICE,
        prefix: control::TARGET,
        content_type: JSON_1_0,
        namespace: "waterwheel#",
    },
];

pub(super) fn by_target(target: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|it| target.starts_with(it.prefix))
}

/// DynamoDB for a name that is not here.
pub(super) fn by_name(name: &str) -> &'static Service {
    SERVICES
        .iter()
        .find(|it| it.name == name)
        .unwrap_or(&SERVICES[0])
}

/// The row of the operation the target names. DynamoDB takes nothing but JSON that is posted, and answers anything
/// else as if it were a page that is not there.
pub(super) fn row<'a>(
    service: &Service,
    head: &Parts,
    rows: &'a [Operation],
) -> Result<&'a Operation, Fault> {
    if service.is_dynamodb() && (head.method != http::Method::POST || !is_json(&head.headers)) {
        return Err(Fault::new(404, UNKNOWN, ""));
    }
    let target = super::target(&head.headers);
    let name = target.and_then(|it| it.strip_prefix(service.prefix));
    let found = match name {
        // Theirs are in order.
        Some(name) if service.is_dynamodb() => {
            let at = rows.binary_search_by(|row| row.name.cmp(name));
            at.ok().map(|at| &rows[at])
        }
        _ => rows.iter().find(|row| Some(row.name) == name),
    };
    found.ok_or_else(|| {
        let message = match target {
            _ if service.is_dynamodb() => String::new(),
            Some(target) => format!("Waterwheel does not know the operation {target}"),
            None => "The request names no operation: X-Amz-Target is missing".to_owned(),
        };
        Fault::new(400, UNKNOWN, message)
    })
}

pub(super) fn input(service: &Service, body: &[u8], row: &Operation) -> Result<Input, Fault> {
    if let Run::Item(member, _) = row.run
        && let Some(plain) = plain::read(body, member)
    {
        return Ok(Input {
            plain: Some(plain),
            ..Input::from(Value::Null)
        });
    }
    members(service, body).map(Input::from)
}

fn members(service: &Service, body: &[u8]) -> Result<Value, Fault> {
    match serde_json::from_slice(body) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) if service.is_dynamodb() => Err(unreadable("")),
        Ok(_) => Err(unreadable(
            "Start of structure or map found where not expected.",
        )),
        Err(_) if service.is_dynamodb() => {
            // The parser gives up at 128 levels; the service reads on and looks at what is nested there.
            let depth = depth_of(body);
            Err(if (LEVELS_READ..=LEVELS_MAX).contains(&depth) {
                Fault::validation(
                    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
                     supported limit",
                )
            } else {
                unreadable("")
            })
        }
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Levels of lists and maps in a text of JSON, whether it is well-formed or not.
fn depth_of(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE);
    if kind.is_some_and(|it| it == JSON_1_0) {
        return true;
    }
    let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    [JSON_1_0, "application/json"]
        .iter()
        .any(|it| kind.eq_ignore_ascii_case(it))
}

pub(super) fn encode(service: &Service, answer: Answer, request_id: &str) -> Response<Bytes> {
    let mut records = None;
    let (status, headers, body, query_error) = match answer {
        Ok(reply) => {
            let body = match reply.body {
                Body::Json(value) => super::text(&value),
                Body::Blob(bytes) => bytes,
                Body::Records(found) => {
                    records = Some(found);
                    Bytes::new()
                }
                Body::Empty => Bytes::new(),
            };
            (reply.status, reply.headers, body, None)
        }
        Err(fault) if service.is_dynamodb() && fault.status == 404 => {
            return not_found(&fault, request_id);
        }
        Err(fault) => {
            let query_error = (service.name == "sqs").then(|| query_error(&fault));
            let body = super::text(&error(service, &fault));
            (fault.status, Vec::new(), body, query_error)
        }
    };
    let checksum = service.is_dynamodb().then(|| crc32fast::hash(&body));
    let mut response = super::response(status, service.content_type, request_id, body);
    for (name, value) in headers {
        super::set(response.headers_mut(), &name, &value);
    }
    if let Some(checksum) = checksum {
        response
            .headers_mut()
            .insert(&super::CRC32, checksum.into());
    }
    if let Some(code) = query_error {
        super::set(response.headers_mut(), "x-amzn-query-error", &code);
    }
    if let Some(records) = records {
        response.extensions_mut().insert(records);
    }
    response
}

/// What the front door says to requests that are none: no JSON, no content type.
fn not_found(fault: &Fault, request_id: &str) -> Response<Bytes> {
    let body = Bytes::from(format!("<{}/>\n", fault.code));
    let checksum = crc32fast::hash(&body);
    let mut response = super::response(fault.status, JSON_1_0, request_id, body);
    let headers = response.headers_mut();
    headers.remove(http::header::CONTENT_TYPE);
    headers.insert(&super::CRC32, checksum.into());
    response
}

fn unreadable(message: impl Into<String>) -> Fault {
    Fault::new(400, "SerializationException", message)
}

fn error(service: &Service, fault: &Fault) -> Value {
    let code = model_code(service, fault.code);
    let mut body = Map::new();
    let kind = format!("{}{code}", namespace(service, code));
    body.insert("__type".to_owned(), kind.into());
    let member = match code {
        "AccessDeniedException"
        | "IdempotentParameterMismatchException"
        | "SerializationException"
        | "TransactionCanceledException"
        | "TransactionInProgressException" => "Message",
        _ => "message",
    };
    if !fault.message.is_empty() {
        body.insert(member.to_owned(), fault.message.as_str().into());
    }
    if let Some(Value::Object(extra)) = &fault.extra {
        body.extend(extra.clone());
    }
    Value::Object(body)
}

fn namespace(service: &Service, code: &str) -> &'static str {
    if service.name == "logs" {
        return service.namespace;
    }
    match code {
        "ValidationException" => "com.amazon.coral.validate#",
        "ThrottlingException" => "com.amazon.coral.availability#",
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "SerializationException"
        | "UnknownOperationException"
        | "UnrecognizedClientException" => "com.amazon.coral.service#",
        _ => service.namespace,
    }
}

/// Codes of SQS's former Query protocol beside their names in today's model, where the two differ.
/// SDKs of both ages expect theirs: the old one in `x-amzn-query-error`, the new one in `__type`.
const QUERY_CODES: [(&str, &str); 9] = [
    (
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    ),
    (
        "QueueDeletedRecently",
        "AWS.SimpleQueueService.QueueDeletedRecently",
    ),
    ("QueueNameExists", "QueueAlreadyExists"),
    (
        "PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress",
    ),
    (
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
    ),
    (
        "EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest",
    ),
    (
        "InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId",
    ),
    (
        "BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ),
    (
        "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
];

fn model_code(service: &Service, code: &'static str) -> &'static str {
    if service.name != "sqs" {
        return code;
    }
    let known = QUERY_CODES.iter().find(|(_, old)| *old == code);
    known.map_or(code, |(new, _)| new)
}

/// `AWS.SimpleQueueService.NonExistentQueue;Sender`
fn query_error(fault: &Fault) -> String {
    let known = QUERY_CODES.iter().find(|(new, _)| *new == fault.code);
    let code = known.map_or(fault.code, |(_, old)| old);
    let side = if fault.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    format!("{code};{side}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{dynamodb, streams};
    use serde_json::json;

    #[test]
    fn rows_that_are_looked_up_by_halves_are_in_order() {
        for rows in [dynamodb::operations(), streams::operations()] {
            assert!(rows.is_sorted_by_key(|row| row.name));
        }
    }

    fn body(response: &Response<Bytes>) -> Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn answers_of_dynamodb_carry_a_checksum_of_their_bytes() {
        let response = encode(by_name("dynamodb"), Ok(json!({"Count": 1}).into()), "id-1");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-amzn-requestid"], "id-1");
        let sum = crc32fast::hash(response.body()).to_string();
        assert_eq!(response.headers()["x-amz-crc32"], sum.as_str());
    }

    #[test]
    fn errors_name_their_shape_with_its_namespace() {
        let validation = encode(by_name("dynamodb"), Err(Fault::validation("no")), "1");
        let expected =
            json!({"__type": "com.amazon.coral.validate#ValidationException", "message": "no"});
        assert_eq!(body(&validation), expected);
        let mut fault = Fault::new(
            400,
            "ConditionalCheckFailedException",
            "The conditional request failed",
        );
        fault.extra = Some(json!({"Item": {"id": {"S": "1"}}}));
        let failed = body(&encode(by_name("dynamodb"), Err(fault), "1"));
        assert_eq!(
            failed["__type"],
            "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
        );
        assert_eq!(failed["Item"]["id"]["S"], "1");
        let logs = Fault::new(400, "ResourceNotFoundException", "none");
        let logs = encode(by_name("logs"), Err(logs), "1");
        assert_eq!(body(&logs)["__type"], "ResourceNotFoundException");
        assert_eq!(logs.headers()["content-type"], JSON_1_1);
    }

    #[test]
    fn errors_of_sqs_carry_their_former_code_as_well() {
        for code in [
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        ] {
            let response = encode(by_name("sqs"), Err(Fault::new(400, code, "gone")), "1");
            assert_eq!(
                response.headers()["x-amzn-query-error"],
                "AWS.SimpleQueueService.NonExistentQueue;Sender"
            );
            assert_eq!(
                body(&response)["__type"],
                "com.amazonaws.sqs#QueueDoesNotExist"
            );
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for text in ["", "[]", "{\"a\":", "7", "null", "{} {}", "{\"a\":1,}"] {
            for (service, is_silent) in [("dynamodb", true), ("logs", false)] {
                let fault = members(by_name(service), text.as_bytes()).unwrap_err();
                assert_eq!((fault.status, fault.code), (400, "SerializationException"));
                assert_eq!(fault.message.is_empty(), is_silent, "{text}");
            }
        }
        let read = members(by_name("dynamodb"), b" {\"a\":1}\n");
        assert_eq!(read.unwrap(), json!({"a": 1}));
    }

    #[test]
    fn a_body_nested_too_deeply_is_refused_and_never_a_crash() {
        for (levels, code) in [
            (70, "ValidationException"),
            (900, "ValidationException"),
            (10_000, "SerializationException"),
            (1_000_000, "SerializationException"),
        ] {
            let open = "{\"L\":[".repeat(levels);
            let close = "]}".repeat(levels);
            for text in [format!("{open}{close}"), open] {
                let fault = members(by_name("dynamodb"), text.as_bytes()).unwrap_err();
                assert_eq!(fault.code, code, "{levels}");
            }
        }
        assert_eq!(depth_of(br#"{"a":"[[[\"{","b":[1]}"#), 2);
    }

    fn asked(method: &str, kind: Option<&str>, target: Option<&str>) -> Parts {
        let mut request = http::Request::builder().method(method).uri("/");
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        if let Some(target) = target {
            request = request.header("X-Amz-Target", target);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_posted_json_gets_in() {
        let rows = dynamodb::operations();
        let get = Some("DynamoDB_20120810.GetItem");
        for (method, kind, target, status) in [
            ("POST", Some(JSON_1_0), get, 200),
            ("POST", Some("application/json; charset=utf-8"), get, 200),
            ("POST", Some("text/plain"), get, 404),
            ("POST", Some(JSON_1_1), get, 404),
            ("POST", None, get, 404),
            ("PUT", Some(JSON_1_0), get, 404),
            ("POST", Some(JSON_1_0), None, 400),
            ("POST", Some(JSON_1_0), Some("GetItem"), 400),
            (
                "POST",
                Some(JSON_1_0),
                Some("DynamoDB_20111205.GetItem"),
                400,
            ),
            (
                "POST",
                Some(JSON_1_0),
                Some("DynamoDB_20120810.GetItems"),
                400,
            ),
        ] {
            let found = row(by_name("dynamodb"), &asked(method, kind, target), rows);
            let found = found.map_or_else(|fault| fault.status, |_| 200);
            assert_eq!(found, status, "{method} {kind:?} {target:?}");
        }
        let refused = encode(by_name("dynamodb"), Err(Fault::new(404, UNKNOWN, "")), "1");
        assert_eq!(refused.body().as_ref(), b"<UnknownOperationException/>\n");
        assert_eq!(refused.headers()["x-amz-crc32"], "3552371480");
        assert!(!refused.headers().contains_key("content-type"));
        let unknown = encode(by_name("dynamodb"), Err(Fault::new(400, UNKNOWN, "")), "1");
        assert_eq!(
            body(&unknown),
            json!({"__type": "com.amazon.coral.service#UnknownOperationException"})
        );
    }
}

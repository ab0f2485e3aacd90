//! REST with JSON bodies: Lambda. Path, query, headers and body become one input under AWS's member names.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::engine::call::{Answer, Body, Fault, Operation};

/// Operations whose body is a blob of the user's.
const BLOBS: [&str; 1] = ["Invoke"];

/// Headers that are members of an input.
const HEADERS: [(&str, &str); 3] = [
    ("x-amz-invocation-type", "InvocationType"),
    ("x-amz-log-type", "LogType"),
    ("x-amz-client-context", "ClientContext"),
];

/// The row whose method and path template fit; a slash at the end does not matter.
pub(super) fn row<'a>(head: &Parts, rows: &'a [Operation]) -> Result<&'a Operation, Fault> {
    rows.iter()
        .find(|row| parameters(head, row.http).is_some())
        .ok_or_else(|| {
            let (method, path) = (&head.method, head.uri.path());
            Fault::new(
                404,
                "UnknownOperationException",
                format!("Waterwheel does not know the operation {method} {path}"),
            )
        })
}

pub(super) fn input(head: &Parts, body: &Bytes, row: &Operation) -> Result<(Value, Bytes), Fault> {
    let is_blob = BLOBS.contains(&row.name);
    let mut members = if is_blob || body.is_empty() {
        Map::new()
    } else {
        read(body)?
    };
    for (name, value) in query(head)? {
        match (members.get_mut(&name), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, value) => {
                members.insert(name, value);
            }
        }
    }
    for (header, member) in HEADERS {
        if let Some(value) = head.headers.get(header).and_then(|it| it.to_str().ok()) {
            members.insert(member.to_owned(), value.into());
        }
    }
    for (name, value) in parameters(head, row.http).unwrap_or_default() {
        members.insert(name.to_owned(), value.into());
    }
    let payload = if is_blob { body.clone() } else { Bytes::new() };
    Ok((Value::Object(members), payload))
}

pub(super) fn encode(answer: Answer, request_id: &str) -> Response<Bytes> {
    const JSON: &str = "application/json";
    match answer {
        Ok(reply) => {
            let body = match reply.body {
                Body::Json(value) => super::text(&value),
                Body::Blob(bytes) => bytes,
                Body::Records(_) | Body::Empty => Bytes::new(),
            };
            let mut response = super::response(reply.status, JSON, request_id, body);
            for (name, value) in reply.headers {
                super::set(response.headers_mut(), &name, &value);
            }
            response
        }
        Err(fault) => {
            let body = super::text(&error(&fault));
            let mut response = super::response(fault.status, JSON, request_id, body);
            super::set(response.headers_mut(), "x-amzn-errortype", fault.code);
            response
        }
    }
}

fn read(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let unreadable = |message: String| {
        let message = format!("Could not parse request body into json: {message}");
        Fault::new(400, "InvalidRequestContentException", message)
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(unreadable("an object was expected".to_owned())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// The path's parameters, decoded, when method and template fit.
fn parameters<'a>(head: &Parts, http: &'a str) -> Option<Vec<(&'a str, String)>> {
    let (method, template) = http.split_once(' ')?;
    if head.method.as_str() != method {
        return None;
    }
    let mut found = Vec::new();
    let mut asked = segments(head.uri.path());
    for wanted in segments(template) {
        let given = asked.next()?;
        let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match name {
            Some(name) => {
                let value = percent_decode_str(given).decode_utf8().ok()?;
                found.push((name, value.into_owned()));
            }
            None if wanted == given => (),
            None => return None,
        }
    }
    asked.next().is_none().then_some(found)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_end_matches('/').split('/')
}

/// Query parameters as members: all texts but for a page's length, a flag, and the repeated `tagKeys`.
fn query(head: &Parts) -> Result<Vec<(String, Value)>, Fault> {
    let mut members: Vec<(String, Value)> = Vec::new();
    let text = head.uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        match name.as_ref() {
            "tagKeys" => {
                let known = members.iter_mut().find(|(name, _)| name == "TagKeys");
                if let Some((_, Value::Array(keys))) = known {
                    keys.push(value.into());
                } else {
                    members.push(("TagKeys".to_owned(), vec![Value::from(value)].into()));
                }
            }
            "MaxItems" => {
                let Ok(number) = value.parse::<i64>() else {
                    let message = format!("MaxItems must be a number, not '{value}'");
                    return Err(Fault::new(400, "SerializationException", message));
                };
                members.push(("MaxItems".to_owned(), number.into()));
            }
            _ => members.push((name.into_owned(), value.into())),
        }
    }
    Ok(members)
}

fn error(fault: &Fault) -> Value {
    // Which of the two spellings a shape has is an accident of Lambda's model.
    let member = match fault.code {
        "AccessDeniedException"
        | "ProvisionedConcurrencyConfigNotFoundException"
        | "ResourceInUseException"
        | "ResourceNotFoundException"
        | "ServiceException" => "Message",
        _ => "message",
    };
    let side = if fault.status < 500 {
        "User"
    } else {
        "Service"
    };
    let mut body = Map::new();
    body.insert("Type".to_owned(), side.into());
    body.insert(member.to_owned(), fault.message.as_str().into());
    if let Some(Value::Object(extra)) = &fault.extra {
        body.extend(extra.clone());
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::call::{Reply, Run, any_resource};
    use serde_json::json;

    const fn row_of(name: &'static str, http: &'static str) -> Operation {
        Operation {
            name,
            http,
            action: "",
            resource: any_resource,
            run: Run::Data(|_, _| Ok(Value::Null.into())),
        }
    }

    const ROWS: [Operation; 5] = [
        row_of("ListFunctions", "GET /2015-03-31/functions"),
        row_of("GetFunction", "GET /2015-03-31/functions/{FunctionName}"),
        row_of(
            "Invoke",
            "POST /2015-03-31/functions/{FunctionName}/invocations",
        ),
        row_of(
            "UpdateEventSourceMapping",
            "PUT /2015-03-31/event-source-mappings/{UUID}",
        ),
        row_of("UntagResource", "DELETE /2017-03-31/tags/{Resource}"),
    ];

    fn decode(request: http::request::Builder, body: &'static str) -> (&'static str, Value, Bytes) {
        let head = request.body(()).unwrap().into_parts().0;
        let row = row(&head, &ROWS).unwrap();
        let (value, payload) = input(&head, &Bytes::from(body), row).unwrap();
        (row.name, value, payload)
    }

    #[test]
    fn a_slash_at_the_end_does_not_matter() {
        for path in [
            "/2015-03-31/functions",
            "/2015-03-31/functions/?MaxItems=5&Marker=a%2Fb",
        ] {
            assert_eq!(decode(http::Request::get(path), "").0, "ListFunctions");
        }
        let paged = decode(
            http::Request::get("/2015-03-31/functions/?MaxItems=5&Marker=a%2Fb"),
            "",
        );
        assert_eq!(paged.1, json!({"MaxItems": 5, "Marker": "a/b"}));
    }

    #[test]
    fn an_invocation_keeps_its_payload_apart() {
        let request = http::Request::post("/2015-03-31/functions/bill/invocations?Qualifier=v1")
            .header("X-Amz-Invocation-Type", "Event")
            .header("X-Amz-Log-Type", "Tail");
        let (name, value, payload) = decode(request, "[not json");
        assert_eq!(name, "Invoke");
        let expected = json!({
            "Qualifier": "v1", "InvocationType": "Event", "LogType": "Tail", "FunctionName": "bill",
        });
        assert_eq!(value, expected);
        assert_eq!(payload, "[not json");
    }

    #[test]
    fn the_path_wins_over_the_body() {
        let request = http::Request::put("/2015-03-31/event-source-mappings/u-1");
        let (_, value, _) = decode(request, r#"{"UUID": "u-2", "Enabled": false}"#);
        assert_eq!(value, json!({"UUID": "u-1", "Enabled": false}));
    }

    #[test]
    fn an_arn_in_a_path_is_decoded_and_keys_are_gathered() {
        let path = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af?tagKeys=a&tagKeys=b";
        let (_, value, _) = decode(http::Request::delete(path), "");
        let expected = json!({
            "TagKeys": ["a", "b"], "Resource": "arn:aws:lambda:us-east-1:0:function:f",
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn what_no_template_fits_is_not_found() {
        let head = http::Request::post("/2015-03-31/functions/a/b/c")
            .body(())
            .unwrap();
        let fault = row(&head.into_parts().0, &ROWS).err().unwrap();
        assert_eq!(
            (fault.status, fault.code),
            (404, "UnknownOperationException")
        );
    }

    #[test]
    fn results_may_be_headers_and_errors_name_their_type() {
        let reply = Reply {
            status: 200,
            headers: vec![("X-Amz-Function-Error".into(), "Unhandled".to_owned())],
            body: Body::Blob(Bytes::from("null")),
        };
        let response = encode(Ok(reply), "1");
        assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
        assert_eq!(response.body(), "null");
        let missing = Fault::new(404, "ResourceNotFoundException", "gone");
        let response = encode(Err(missing), "1");
        assert_eq!(
            response.headers()["x-amzn-errortype"],
            "ResourceNotFoundException"
        );
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body, json!({"Type": "User", "Message": "gone"}));
    }
}

//! The Query wire: a form in, XML out. IAM, SNS and STS.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::engine::call::{Answer, Body, Fault, Operation};

/// A service on this wire.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    version: &'static str,
    xmlns: &'static str,
    /// Members of answers whose objects are maps: written as entries of a key and a value.
    maps: &'static [&'static str],
    /// Most bytes a form may have.
    pub body_bytes_max: usize,
}

const MB: usize = 1024 * 1024;

static SERVICES: [Service; 3] = [
    Service {
        name: "iam",
        version: "2010-05-08",
        xmlns: "https://iam.amazonaws.com/doc/2010-05-08/",
        maps: &[],
        body_bytes_max: MB,
    },
    Service {
        name: "sns",
        version: "2010-03-31",
        xmlns: "http://sns.amazonaws.com/doc/2010-03-31/",
        maps: &["Attributes"],
        // Ten messages of 256 KB are refused as messages; every byte of them may be written as three.
        body_bytes_max: 8 * MB,
    },
    Service {
        name: "sts",
        version: "2011-06-15",
        xmlns: "https://sts.amazonaws.com/doc/2011-06-15/",
        maps: &[],
        body_bytes_max: MB,
    },
];

/// Most parts a parameter's name may have, so that nesting stays shallow.
const PARTS_MAX: usize = 12;

/// IAM for a name that is not here.
pub(super) fn by_name(name: &str) -> &'static Service {
    let known = SERVICES.iter().find(|it| it.name == name);
    known.unwrap_or(&SERVICES[0])
}

/// The service a form is for; `None` when the body is no form of theirs.
pub(super) fn by_version(body: &[u8]) -> Option<&'static Service> {
    let version = parameter(body, "Version")?;
    SERVICES.iter().find(|it| it.version == version)
}

pub(super) fn row<'a>(
    service: &Service,
    body: &[u8],
    rows: &'a [Operation],
) -> Result<&'a Operation, Fault> {
    let action = parameter(body, "Action").unwrap_or_default();
    let version = parameter(body, "Version").unwrap_or_default();
    rows.iter()
        .find(|row| row.name == action && version == service.version)
        .ok_or_else(|| {
            let message = format!("Could not find operation {action} for version {version}");
            Fault::new(400, "InvalidAction", message)
        })
}

/// The form with `X.member.N` folded to arrays, and `X.entry.N` with its key and value to objects; every leaf is a
/// text.
pub(super) fn input(body: &[u8]) -> Result<Value, Fault> {
    let mut root = Node::default();
    for (name, value) in form_urlencoded::parse(body) {
        if matches!(name.as_ref(), "Action" | "Version") {
            continue;
        }
        let mut node = &mut root;
        for (depth, part) in name.split('.').enumerate() {
            if depth == PARTS_MAX {
                let message = format!("The parameter {name} is nested too deeply");
                return Err(Fault::new(400, "MalformedQueryString", message));
            }
            node = node.parts.entry(part.to_owned()).or_default();
        }
        node.text = value.into_owned();
    }
    Ok(match fold(root) {
        Value::Object(members) => Value::Object(members),
        _ => Value::Object(Map::new()),
    })
}

pub(super) fn encode(
    service: &Service,
    operation: &str,
    answer: Answer,
    request_id: &str,
) -> Response<Bytes> {
    let xmlns = service.xmlns;
    let mut xml = String::new();
    let status = match answer {
        Ok(reply) => {
            open(&mut xml, &format!("{operation}Response xmlns=\"{xmlns}\""));
            if let Body::Json(value) = &reply.body {
                element(&mut xml, &format!("{operation}Result"), value, service.maps);
            }
            open(&mut xml, "ResponseMetadata");
            element(&mut xml, "RequestId", &request_id.into(), &[]);
            close(&mut xml, "ResponseMetadata");
            close(&mut xml, &format!("{operation}Response"));
            reply.status
        }
        Err(fault) => {
            let side = if fault.status < 500 {
                "Sender"
            } else {
                "Receiver"
            };
            open(&mut xml, &format!("ErrorResponse xmlns=\"{xmlns}\""));
            open(&mut xml, "Error");
            element(&mut xml, "Type", &side.into(), &[]);
            let code = wire_code(service, fault.code);
            element(&mut xml, "Code", &code.into(), &[]);
            element(&mut xml, "Message", &fault.message.into(), &[]);
            close(&mut xml, "Error");
            element(&mut xml, "RequestId", &request_id.into(), &[]);
            close(&mut xml, "ErrorResponse");
            fault.status
        }
    };
    super::response(status, "text/xml", request_id, Bytes::from(xml))
}

fn parameter(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body)
        .find(|(it, _)| it == name)
        .map(|(_, value)| value.into_owned())
}

/// A form's names, split at their dots.
#[derive(Default)]
struct Node {
    text: String,
    parts: BTreeMap<String, Self>,
}

fn fold(node: Node) -> Value {
    let Node { text, mut parts } = node;
    if parts.is_empty() {
        return text.into();
    }
    if parts.len() == 1
        && let Some(list) = parts.remove("member")
    {
        return numbered(list).map(fold).collect();
    }
    if parts.len() == 1
        && let Some(list) = parts.remove("entry")
    {
        let entries = numbered(list).map(entry);
        return entries.collect::<Map<_, _>>().into();
    }
    parts
        .into_iter()
        .map(|(name, part)| (name, fold(part)))
        .collect::<Map<_, _>>()
        .into()
}

/// The parts of a list in the order of their numbers.
fn numbered(list: Node) -> impl Iterator<Item = Node> {
    let parts = list.parts.into_iter();
    let mut numbered: Vec<(u32, Node)> = parts
        .map(|(name, part)| (name.parse().unwrap_or(u32::MAX), part))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, part)| part)
}

/// One entry of a map; its two parts have other names in some maps. A value that is left out is null.
fn entry(node: Node) -> (String, Value) {
    let mut parts = node.parts;
    let mut take = |names: [&str; 2]| names.into_iter().find_map(|name| parts.remove(name));
    let key = take(["key", "Name"]).map_or_else(String::new, |key| key.text);
    let value = take(["value", "Value"]).map_or(Value::Null, fold);
    (key, value)
}

/// These services leave off the `Exception` of the codes that all services share.
fn wire_code<'a>(service: &Service, code: &'a str) -> &'a str {
    match code {
        "InternalServerError" if service.name == "sns" => "InternalError",
        "AccessDeniedException" => "AccessDenied",
        "InternalServerError" => "InternalFailure",
        "ThrottlingException" => "Throttling",
        "ValidationException" => "ValidationError",
        other => other,
    }
}

fn element(xml: &mut String, name: &str, value: &Value, maps: &[&str]) {
    match value {
        Value::Null => return,
        Value::Object(members) if maps.contains(&name) => {
            open(xml, name);
            for (key, value) in members {
                open(xml, "entry");
                element(xml, "key", &key.as_str().into(), maps);
                element(xml, "value", value, maps);
                close(xml, "entry");
            }
        }
        Value::Object(members) => {
            open(xml, name);
            for (name, value) in members {
                element(xml, name, value, maps);
            }
        }
        Value::Array(values) => {
            open(xml, name);
            for value in values {
                element(xml, "member", value, maps);
            }
        }
        Value::String(text) => {
            open(xml, name);
            escape(xml, text);
        }
        Value::Bool(_) | Value::Number(_) => {
            open(xml, name);
            xml.push_str(&value.to_string());
        }
    }
    close(xml, name);
}

pub(super) fn open(xml: &mut String, name: &str) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
}

pub(super) fn close(xml: &mut String, name: &str) {
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// A carriage return would be read back as a line feed; other control characters XML cannot say.
pub(super) fn escape(xml: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' => xml.push(char),
            char if char.is_control() && u32::from(char) < 0x20 => xml.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            char => xml.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_a_form_become_arrays_in_their_order() {
        let form = "Action=TagRole&Version=2010-05-08&RoleName=a+b&Tags.member.2.Key=two&Tags.member.2.Value=2\
                    &Tags.member.1.Key=one&Tags.member.1.Value=%3C1%3E&ActionNames.member.10=j&ActionNames.member.9=i";
        let expected = json!({
            "RoleName": "a b",
            "Tags": [{"Key": "one", "Value": "<1>"}, {"Key": "two", "Value": "2"}],
            "ActionNames": ["i", "j"],
        });
        assert_eq!(input(form.as_bytes()).unwrap(), expected);
        assert_eq!(input(b"Action=ListRoles").unwrap(), json!({}));
    }

    #[test]
    fn maps_of_a_form_become_objects_whatever_their_parts_are_called() {
        let form = "Action=Publish&Version=2010-03-31&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=\
                    &M.member.1.MessageAttributes.entry.2.Name=b&M.member.1.MessageAttributes.entry.2.Value.DataType=String\
                    &M.member.1.MessageAttributes.entry.1.Name=a";
        let expected = json!({
            "Attributes": {"DisplayName": ""},
            "M": [{"MessageAttributes": {"a": null, "b": {"DataType": "String"}}}],
        });
        assert_eq!(input(form.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn maps_of_an_answer_are_written_as_entries() {
        let topic = json!({ "Attributes": {"Owner": "1", "Policy": "{\"a\":1}"} });
        let response = encode(by_name("sns"), "GetTopicAttributes", Ok(topic.into()), "id");
        assert_eq!(
            response.body(),
            "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><GetTopicAttributesResult>\
             <Attributes><entry><key>Owner</key><value>1</value></entry><entry><key>Policy</key>\
             <value>{&quot;a&quot;:1}</value></entry></Attributes></GetTopicAttributesResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetTopicAttributesResponse>"
        );
    }

    #[test]
    fn a_name_of_a_thousand_parts_is_refused() {
        let form = vec!["a"; 1000].join(".");
        assert_eq!(
            input(form.as_bytes()).unwrap_err().code,
            "MalformedQueryString"
        );
    }

    #[test]
    fn answers_nest_and_escape() {
        let role = json!({
            "Roles": [{"RoleName": "a<b", "MaxSessionDuration": 3600, "Description": null}],
            "IsTruncated": false,
        });
        let response = encode(by_name("iam"), "ListRoles", Ok(role.into()), "id-1");
        assert_eq!(
            response.body(),
            "<ListRolesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListRolesResult><Roles>\
             <member><RoleName>a&lt;b</RoleName><MaxSessionDuration>3600</MaxSessionDuration></member></Roles>\
             <IsTruncated>false</IsTruncated></ListRolesResult><ResponseMetadata><RequestId>id-1</RequestId>\
             </ResponseMetadata></ListRolesResponse>"
        );
    }

    #[test]
    fn errors_say_whose_fault_it_is() {
        let fault = Fault::new(
            404,
            "NoSuchEntity",
            "The role with name a & b cannot be found.",
        );
        let response = encode(by_name("iam"), "GetRole", Err(fault), "id-2");
        assert_eq!(response.status(), 404);
        assert_eq!(
            response.body(),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>NoSuchEntity</Code><Message>The role with name a &amp; b cannot be found.</Message></Error>\
             <RequestId>id-2</RequestId></ErrorResponse>"
        );
    }
}

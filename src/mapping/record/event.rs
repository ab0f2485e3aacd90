//! A record as the function receives it: text that is written once, and read only by who looks into it. Pure.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodbstreams::types::{
    AttributeValue, Identity, OperationType, Record as Sdk, StreamViewType,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::ordered;

/// One element of an event's `Records`. Cheap to clone; looks like the JSON value it is the text of.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

struct Inner {
    text: Box<str>,
    value: OnceLock<Value>,
}

impl Event {
    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The JSON value, where somebody has asked for it before.
    pub(in crate::mapping) fn value_if_read(&self) -> Option<&Value> {
        self.0.value.get()
    }

    /// Of a record of the SDK. `keys` are the names of the key attributes in their order.
    pub(super) fn from_stream(record: &Sdk, stream_arn: &str, keys: &[String]) -> Self {
        Self::from(Writer::default().record(record, stream_arn, keys))
    }
}

impl From<String> for Event {
    /// What is no JSON reads as null.
    fn from(text: String) -> Self {
        Self(Arc::new(Inner {
            text: text.into(),
            value: OnceLock::new(),
        }))
    }
}

impl From<Value> for Event {
    fn from(value: Value) -> Self {
        Self(Arc::new(Inner {
            text: value.to_string().into(),
            value: OnceLock::from(value),
        }))
    }
}

impl Deref for Event {
    type Target = Value;

    fn deref(&self) -> &Value {
        let Inner { text, value } = &*self.0;
        value.get_or_init(|| serde_json::from_str(text).unwrap_or_default())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Value::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::from)
    }
}

/// JSON text of an attribute in DynamoDB's form, `{"S": "x"}`; members of maps in alphabetical order.
pub(super) fn attribute_text(value: &AttributeValue) -> String {
    let mut writer = Writer::default();
    writer.attribute(value);
    writer.0
}

/// Writes members in the order AWS writes them; what the record does not have is left out.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn record(mut self, record: &Sdk, stream_arn: &str, keys: &[String]) -> String {
        self.0.reserve(512);
        self.0.push('{');
        self.member("eventID", record.event_id.as_deref());
        let name = record.event_name.as_ref().map(OperationType::as_str);
        self.member("eventName", name);
        self.member("eventVersion", record.event_version.as_deref());
        self.member("eventSource", record.event_source.as_deref());
        self.member("awsRegion", record.aws_region.as_deref());
        if let Some(body) = &record.dynamodb {
            self.name("dynamodb");
            self.0.push('{');
            if let Some(at) = body.approximate_creation_date_time {
                // A float, as AWS writes it.
                self.plain("ApproximateCreationDateTime", &format!("{}.0", at.secs()));
            }
            let images = [
                ("Keys", &body.keys, keys),
                ("NewImage", &body.new_image, &[]),
                ("OldImage", &body.old_image, &[]),
            ];
            for (name, members, first) in images {
                if let Some(members) = members {
                    self.name(name);
                    self.image(members, first);
                }
            }
            self.member("SequenceNumber", body.sequence_number.as_deref());
            if let Some(size) = body.size_bytes {
                self.plain("SizeBytes", &size.to_string());
            }
            let kind = body.stream_view_type.as_ref().map(StreamViewType::as_str);
            self.member("StreamViewType", kind);
            self.0.push('}');
        }
        if let Some(Identity {
            principal_id,
            r#type,
            ..
        }) = &record.user_identity
        {
            // Lower-case here, unlike in the Streams API.
            self.name("userIdentity");
            self.0.push('{');
            self.member("type", r#type.as_deref());
            self.member("principalId", principal_id.as_deref());
            self.0.push('}');
        }
        self.member("eventSourceARN", Some(stream_arn));
        self.0.push('}');
        self.0
    }

    /// Members in the order of `first`, then the others by name.
    fn image(&mut self, members: &HashMap<String, AttributeValue>, first: &[String]) {
        self.0.push('{');
        for (name, value) in ordered(members, first) {
            self.name(name);
            self.attribute(value);
        }
        self.0.push('}');
    }

    fn attribute(&mut self, value: &AttributeValue) {
        self.0.push('{');
        match value {
            AttributeValue::S(text) => self.member("S", Some(text)),
            AttributeValue::N(digits) => self.member("N", Some(digits)),
            AttributeValue::B(bytes) => {
                self.member("B", Some(&BASE64_STANDARD.encode(bytes.as_ref())));
            }
            AttributeValue::Bool(flag) => self.plain("BOOL", &flag.to_string()),
            AttributeValue::Null(flag) => self.plain("NULL", &flag.to_string()),
            AttributeValue::M(members) => {
                self.name("M");
                self.image(members, &[]);
            }
            AttributeValue::L(elements) => {
                self.list("L", elements, Self::attribute);
            }
            AttributeValue::Ss(texts) => self.list("SS", texts, |it, text| it.text(text)),
            AttributeValue::Ns(numbers) => self.list("NS", numbers, |it, digits| it.text(digits)),
            AttributeValue::Bs(blobs) => self.list("BS", blobs, |it, blob| {
                it.text(&BASE64_STANDARD.encode(blob.as_ref()));
            }),
            _ => {}
        }
        self.0.push('}');
    }

    fn list<T>(&mut self, name: &str, elements: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.name(name);
        self.0.push('[');
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            write(self, element);
        }
        self.0.push(']');
    }

    fn member(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.name(name);
            self.text(text);
        }
    }

    /// A member that needs no quotes.
    fn plain(&mut self, name: &str, text: &str) {
        self.name(name);
        self.0.push_str(text);
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.text(name);
        self.0.push(':');
    }

    fn text(&mut self, text: &str) {
        let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        // Without a branch for each byte: nearly every text is plain.
        if text.bytes().fold(false, |any, byte| any | is_special(byte)) {
            self.0.push_str(&Value::from(text).to_string());
        } else {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::Blob;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_is_written_as_dynamodb_writes_it() {
        let text = |it: &str| AttributeValue::S(it.to_owned());
        let blob = || Blob::new(*b"hi");
        let nested = HashMap::from([
            (
                "b".to_owned(),
                AttributeValue::L(vec![text("x"), AttributeValue::Null(true)]),
            ),
            ("a\"".to_owned(), AttributeValue::M(HashMap::new())),
        ]);
        for (value, json) in [
            (text("a\"\n\\é"), json!({"S": "a\"\n\\é"})),
            (AttributeValue::N("-1.5".to_owned()), json!({"N": "-1.5"})),
            (AttributeValue::B(blob()), json!({"B": "aGk="})),
            (AttributeValue::Bool(false), json!({"BOOL": false})),
            (AttributeValue::L(Vec::new()), json!({"L": []})),
            (
                AttributeValue::M(nested),
                json!({"M": {"a\"": {"M": {}}, "b": {"L": [{"S": "x"}, {"NULL": true}]}}}),
            ),
            (
                AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]),
                json!({"SS": ["a", "b"]}),
            ),
            (
                AttributeValue::Ns(vec!["1".to_owned()]),
                json!({"NS": ["1"]}),
            ),
            (
                AttributeValue::Bs(vec![blob(), blob()]),
                json!({"BS": ["aGk=", "aGk="]}),
            ),
        ] {
            assert_eq!(attribute_text(&value), json.to_string());
        }
    }

    #[test]
    fn an_event_is_its_text_and_its_value() {
        let event = Event::from(r#"{"a":[1,2]}"#.to_owned());
        assert_eq!(event["a"][1], 2);
        assert_eq!(event, Event::from(json!({"a": [1, 2]})));
        let saved = serde_json::to_string(&event).unwrap();
        assert_eq!(saved, event.text());
        assert_eq!(serde_json::from_str::<Event>(&saved).unwrap(), event);
    }
}

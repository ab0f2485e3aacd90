//! A stream record as the pipeline sees it: converted once from the SDK's shape. Pure.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record as Sdk};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod event;

pub use event::Event;
use event::attribute_text;

/// Position of a record in its shard: 21 to 40 decimal digits, ordered as an integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SequenceNumber(Arc<str>);

impl SequenceNumber {
    pub fn new(digits: &str) -> Self {
        Self(Arc::from(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// First four and last six digits, for narrow columns.
    pub fn short(&self) -> String {
        let digits = &*self.0;
        match (
            digits.get(..4),
            digits.get(digits.len().saturating_sub(6)..),
        ) {
            (Some(head), Some(tail)) if digits.len() > 12 => format!("{head}…{tail}"),
            _ => digits.to_owned(),
        }
    }

    fn magnitude(&self) -> (usize, &str) {
        let digits = self.0.trim_start_matches('0');
        (digits.len(), digits)
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self.0.len() == other.0.len() {
            return self.0.cmp(&other.0);
        }
        self.magnitude().cmp(&other.magnitude())
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventName {
    Insert,
    Modify,
    Remove,
}

impl EventName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// One change of one item. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub sequence_number: SequenceNumber,
    pub event_id: Arc<str>,
    pub event_name: EventName,
    /// The key in words, for people: `cust-7 / 2026-11-02`.
    pub key: Arc<str>,
    /// `ApproximateCreationDateTime`; whole seconds.
    pub created: SystemTime,
    pub size_bytes: u64,
    /// The record as the function receives it, one element of `Records`, `eventSourceARN` included.
    pub event: Event,
}

impl Record {
    /// From a reply of `GetRecords`. `keys` are the names of the key attributes, partition key
    /// first, as `DescribeStream` tells them; without them the key is told in alphabetical order.
    pub fn from_stream(record: &Sdk, stream_arn: &str, keys: &[String]) -> Self {
        let body = record.dynamodb.as_ref();
        let created = body.and_then(|body| body.approximate_creation_date_time);
        let created = created.map_or(0, |at| u64::try_from(at.secs()).unwrap_or(0));
        let number = body.and_then(|body| body.sequence_number.as_deref());
        let size = body.and_then(|body| body.size_bytes).unwrap_or(0);
        Self {
            sequence_number: SequenceNumber::new(number.unwrap_or_default()),
            event_id: Arc::from(record.event_id.as_deref().unwrap_or_default()),
            event_name: match record.event_name {
                Some(OperationType::Modify) => EventName::Modify,
                Some(OperationType::Remove) => EventName::Remove,
                _ => EventName::Insert,
            },
            key: Arc::from(key_words(body.and_then(|body| body.keys.as_ref()), keys)),
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(created),
            size_bytes: u64::try_from(size).unwrap_or(0),
            event: Event::from_stream(record, stream_arn, keys),
        }
    }

    /// From an element of an event's `Records`, whoever wrote it: what is not there is empty.
    pub fn from_event(event: Value, keys: &[String]) -> Self {
        let body = &event["dynamodb"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let created = body["ApproximateCreationDateTime"].as_f64();
        Self {
            sequence_number: SequenceNumber::new(&text(&body["SequenceNumber"])),
            event_id: Arc::from(text(&event["eventID"])),
            event_name: match event["eventName"].as_str() {
                Some("MODIFY") => EventName::Modify,
                Some("REMOVE") => EventName::Remove,
                _ => EventName::Insert,
            },
            key: Arc::from(event_key_words(&body["Keys"], keys)),
            created: created
                .and_then(|secs| Duration::try_from_secs_f64(secs).ok())
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
                .unwrap_or(SystemTime::UNIX_EPOCH),
            size_bytes: body["SizeBytes"].as_u64().unwrap_or(0),
            event: Event::from(event),
        }
    }
}

fn ordered<'a>(
    members: &'a HashMap<String, AttributeValue>,
    first: &'a [String],
) -> impl Iterator<Item = (&'a String, &'a AttributeValue)> {
    let sorted: BTreeMap<&String, &AttributeValue> = members.iter().collect();
    let rest = sorted.into_iter().filter(|(name, _)| !first.contains(name));
    first
        .iter()
        .filter_map(|name| members.get_key_value(name))
        .chain(rest)
}

fn event_key_words(members: &Value, keys: &[String]) -> String {
    let Some(members) = members.as_object() else {
        return String::new();
    };
    let rest = members.keys().filter(|name| !keys.contains(name));
    let values = keys.iter().chain(rest).filter_map(|name| members.get(name));
    let words = values.map(|value| {
        let plain = ["S", "N", "B"].iter().find_map(|kind| value.get(kind));
        let plain = plain.and_then(Value::as_str);
        plain.map_or_else(|| value.to_string(), str::to_owned)
    });
    words.collect::<Vec<_>>().join(" / ")
}

fn key_words(members: Option<&HashMap<String, AttributeValue>>, keys: &[String]) -> String {
    let Some(members) = members else {
        return String::new();
    };
    let words = ordered(members, keys).map(|(_, value)| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::B(bytes) => BASE64_STANDARD.encode(bytes.as_ref()),
        other => attribute_text(other),
    });
    words.collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::{Blob, DateTime};
    use aws_sdk_dynamodbstreams::types::{Identity, StreamRecord, StreamViewType};
    use serde_json::json;

    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    fn modified() -> Sdk {
        let body = StreamRecord::builder()
            .approximate_creation_date_time(DateTime::from_secs(1_678_831_218))
            .keys("when", text("2026-11-02"))
            .keys("customer", text("cust-7"))
            .new_image("blob", AttributeValue::B(Blob::new("hi")))
            .old_image("n", AttributeValue::N("42".to_owned()))
            .sequence_number("100000000005391461882")
            .size_bytes(15)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build();
        Sdk::builder()
            .event_id("0d3a")
            .event_name(OperationType::Modify)
            .event_version("1.1")
            .event_source("aws:dynamodb")
            .aws_region("us-east-1")
            .dynamodb(body)
            .build()
    }

    #[test]
    fn the_event_has_the_members_and_the_order_of_aws() {
        let keys = ["customer".to_owned(), "when".to_owned()];
        let record = Record::from_stream(&modified(), "stream-arn", &keys);
        assert_eq!(
            record.event.to_string(),
            concat!(
                r#"{"eventID":"0d3a","eventName":"MODIFY","eventVersion":"1.1","#,
                r#""eventSource":"aws:dynamodb","awsRegion":"us-east-1","#,
                r#""dynamodb":{"ApproximateCreationDateTime":1678831218.0,"#,
                r#""Keys":{"customer":{"S":"cust-7"},"when":{"S":"2026-11-02"}},"#,
                r#""NewImage":{"blob":{"B":"aGk="}},"OldImage":{"n":{"N":"42"}},"#,
                r#""SequenceNumber":"100000000005391461882","SizeBytes":15,"#,
                r#""StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"stream-arn"}"#
            )
        );
        assert_eq!(&*record.key, "cust-7 / 2026-11-02");
        assert_eq!(record.size_bytes, 15);
    }

    #[test]
    fn a_deletion_by_ttl_names_the_service_in_lower_case() {
        let identity = Identity::builder()
            .principal_id("dynamodb.amazonaws.com")
            .r#type("Service")
            .build();
        let mut removed = modified();
        removed.user_identity = Some(identity);
        let record = Record::from_stream(&removed, "stream-arn", &[]);
        assert_eq!(
            record.event["userIdentity"],
            json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" })
        );
    }

    #[test]
    fn a_record_is_read_from_its_event() {
        let keys = ["customer".to_owned(), "when".to_owned()];
        let record = Record::from_stream(&modified(), "stream-arn", &keys);
        let read = Record::from_event((*record.event).clone(), &keys);
        assert_eq!(
            Record {
                event: record.event.clone(),
                ..read
            },
            record
        );
        let empty = Record::from_event(json!("no record"), &keys);
        assert_eq!((&*empty.key, empty.sequence_number.as_str()), ("", ""));
    }

    #[test]
    fn sequence_numbers_are_ordered_as_integers() {
        let number = SequenceNumber::new;
        assert!(number("99") < number("100"));
        assert!(number("0100") > number("99"));
    }
}

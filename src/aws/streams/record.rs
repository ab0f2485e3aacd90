//! SDK record → [`Record`], for watching. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::mapping::Record;
use crate::mapping::record::{EventName, SequenceNumber};

/// The record as a function would receive it, and what lists need of it.
pub(super) fn convert(record: &aws_sdk_dynamodbstreams::types::Record, arn: &str) -> Record {
    let empty = HashMap::new();
    let change = record.dynamodb();
    let keys = change.and_then(|it| it.keys()).unwrap_or(&empty);
    let secs = change
        .and_then(|it| it.approximate_creation_date_time())
        .map_or(0, aws_smithy_types::DateTime::secs);
    let sequence_number = change
        .and_then(|it| it.sequence_number())
        .unwrap_or_default();
    let event_name = match record.event_name() {
        Some(OperationType::Insert) => EventName::Insert,
        Some(OperationType::Remove) => EventName::Remove,
        _ => EventName::Modify,
    };
    let size_bytes = change.and_then(|it| it.size_bytes()).unwrap_or(0);
    let mut dynamodb = Map::new();
    dynamodb.insert(
        "ApproximateCreationDateTime".to_owned(),
        json!(f64::from(i32::try_from(secs).unwrap_or(i32::MAX))),
    );
    dynamodb.insert("Keys".to_owned(), image(keys));
    if let Some(new) = change.and_then(|it| it.new_image()) {
        dynamodb.insert("NewImage".to_owned(), image(new));
    }
    if let Some(old) = change.and_then(|it| it.old_image()) {
        dynamodb.insert("OldImage".to_owned(), image(old));
    }
    dynamodb.insert("SequenceNumber".to_owned(), json!(sequence_number));
    dynamodb.insert("SizeBytes".to_owned(), json!(size_bytes));
    let view = change.and_then(|it| it.stream_view_type());
    let view = view.map(aws_sdk_dynamodbstreams::types::StreamViewType::as_str);
    dynamodb.insert("StreamViewType".to_owned(), json!(view));
    let mut event = json!({
        "eventID": record.event_id(),
        "eventName": event_name.as_str(),
        "eventVersion": record.event_version().unwrap_or("1.1"),
        "eventSource": record.event_source().unwrap_or("aws:dynamodb"),
        "awsRegion": record.aws_region(),
        "dynamodb": dynamodb,
    });
    if let Some(identity) = record.user_identity() {
        event["userIdentity"] = json!({
            "principalId": identity.principal_id(),
            "type": identity.r#type(),
        });
    }
    event["eventSourceARN"] = json!(arn);
    Record {
        sequence_number: SequenceNumber::new(sequence_number),
        event_id: Arc::from(record.event_id().unwrap_or_default()),
        event_name,
        key: Arc::from(key_text(keys)),
        created: SystemTime::UNIX_EPOCH
            + Duration::from_secs(u64::try_from(secs).unwrap_or_default()),
        size_bytes: u64::try_from(size_bytes).unwrap_or(0),
        event: Arc::new(event),
    }
}

/// The record does not say which attribute is the partition key; alphabetical order is stable.
fn key_text(keys: &HashMap<String, AttributeValue>) -> String {
    let sorted: BTreeMap<_, _> = keys.iter().collect();
    let text = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::B(bytes) => BASE64.encode(bytes.as_ref()),
        _ => String::new(),
    };
    let parts: Vec<String> = sorted.into_values().map(text).collect();
    parts.join(" / ")
}

fn image(item: &HashMap<String, AttributeValue>) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    let typed = |(name, value): (&String, &AttributeValue)| (name.clone(), attribute(value));
    Value::Object(sorted.into_iter().map(typed).collect())
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(digits) => json!({ "N": digits }),
        AttributeValue::B(bytes) => json!({ "B": BASE64.encode(bytes.as_ref()) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => {
            let texts: Vec<_> = blobs.iter().map(|it| BASE64.encode(it.as_ref())).collect();
            json!({ "BS": texts })
        }
        AttributeValue::L(list) => {
            json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() })
        }
        AttributeValue::M(map) => json!({ "M": image(map) }),
        _ => json!({ "NULL": true }),
    }
}

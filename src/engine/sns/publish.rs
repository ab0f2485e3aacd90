//! `Publish` and `PublishBatch`: messages checked in AWS's words, then handed on.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::delivery::Hearers;
use super::{invalid, list, null_at, required};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};

/// Bytes of a message with its attributes, and of all messages of a batch.
const BYTES_MAX: usize = 262_144;
const SUBJECT_MAX: usize = 100;
/// Entries of one batch.
const ENTRIES_MAX: usize = 10;
const ENTRY_ID_MAX: usize = 80;

/// A message that was found sound.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) subject: Option<String>,
    /// What a queue gets.
    pub(super) body: String,
    pub(super) attributes: Map<String, Value>,
}

pub(super) fn one(engine: &Engine, call: &Call) -> Answer {
    if call.text("PhoneNumber").is_some() {
        return Err(invalid(
            "PhoneNumber Reason: text messages are not supported here. Publish to a topic.",
        ));
    }
    let member = ["TopicArn", "TargetArn"]
        .into_iter()
        .find(|member| call.text(member).is_some())
        .ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    if member == "TargetArn" && required(call, member)?.contains(":endpoint/") {
        return Err(invalid(
            "TargetArn Reason: No endpoint found for the target arn specified",
        ));
    }
    let message = message(call, &call.input, None)?;
    if bytes(&call.input) > BYTES_MAX {
        return Err(invalid("Message too long"));
    }
    let hearers = Hearers::of(engine, call, member)?;
    hearers.tell(engine, call, &message);
    Ok(json!({ "MessageId": message.id }).into())
}

/// A batch is refused as a whole for what is wrong with one of its messages.
pub(super) fn batch(engine: &Engine, call: &Call) -> Answer {
    required(call, "TopicArn")?;
    let entries = list(&call.input, "PublishBatchRequestEntries");
    let ids = entry_ids(entries)?;
    if entries.iter().map(bytes).sum::<usize>() > BYTES_MAX {
        return Err(Fault::new(
            400,
            "BatchRequestTooLong",
            "The length of all the messages put together is more than the limit.",
        ));
    }
    let messages = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| message(call, entry, Some(at + 1)))
        .collect::<Result<Vec<_>, _>>()?;
    let hearers = Hearers::of(engine, call, "TopicArn")?;
    let mut successful = Vec::new();
    for (id, message) in ids.into_iter().zip(&messages) {
        hearers.tell(engine, call, message);
        successful.push(json!({ "Id": id, "MessageId": message.id }));
    }
    Ok(json!({ "Failed": [], "Successful": successful }).into())
}

fn entry_ids(entries: &[Value]) -> Result<Vec<&str>, Fault> {
    let fault = |code, message: String| Err(Fault::new(400, code, message));
    if entries.is_empty() {
        let message = "The batch request doesn't contain any entries.";
        return fault("EmptyBatchRequest", message.to_owned());
    }
    if entries.len() > ENTRIES_MAX {
        let message = "The batch request contains more entries than permissible.";
        return fault("TooManyEntriesInBatchRequest", message.to_owned());
    }
    let mut ids = Vec::new();
    let mut distinct = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let id = entry
            .get("Id")
            .and_then(Value::as_str)
            .ok_or_else(|| null_at(&format!("publishBatchRequestEntries.{}.member.id", at + 1)))?;
        if !distinct.insert(id) {
            let message = "Two or more batch entries in the request have the same Id.";
            return fault("BatchEntryIdsNotDistinct", message.to_owned());
        }
        ids.push(id);
    }
    for id in &ids {
        let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        let trouble = if id.len() > ENTRY_ID_MAX {
            "is too long"
        } else if id.is_empty() || !id.chars().all(is_letter) {
            "contains an impermissible character"
        } else {
            continue;
        };
        let message = format!("The Id of a batch entry in the batch request {trouble}: {id}");
        return fault("InvalidBatchEntryId", message);
    }
    Ok(ids)
}

/// A message from the members of a request, or of the entry of a batch with this number.
fn message(call: &Call, input: &Value, entry: Option<usize>) -> Result<Message, Fault> {
    let text = |member: &str| input.get(member).and_then(Value::as_str);
    let at = |path: &str| match entry {
        Some(number) => format!("publishBatchRequestEntries.{number}.member.{path}"),
        None => path.to_owned(),
    };
    if text("MessageDeduplicationId").is_some() {
        return Err(invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ));
    }
    let subject = text("Subject");
    if subject.is_some_and(|it| !is_subject(it)) {
        return Err(invalid("Subject"));
    }
    let body = text("Message").ok_or_else(|| null_at(&at("message")))?;
    if body.is_empty() {
        return Err(invalid("Empty message"));
    }
    let body = match text("MessageStructure") {
        None | Some("") => body.to_owned(),
        Some("json") => for_queues(body)?,
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let attributes = input.get("MessageAttributes").and_then(Value::as_object);
    for (name, attribute) in attributes.into_iter().flatten() {
        check_attribute_name(name)?;
        check_attribute(name, attribute, || {
            at(&format!("messageAttributes.{name}.member.dataType"))
        })?;
    }
    Ok(Message {
        id: call.ids.uuid(),
        subject: subject.map(str::to_owned),
        body,
        attributes: attributes.cloned().unwrap_or_default(),
    })
}

fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= SUBJECT_MAX && !text.chars().any(char::is_control)
}

/// A message that says something else to every protocol.
fn for_queues(body: &str) -> Result<String, Fault> {
    let no_default = || invalid("Message Structure - No default entry in JSON message body");
    let Ok(bodies) = serde_json::from_str::<Value>(body) else {
        return Err(invalid(
            "Message Structure - JSON message body failed to parse",
        ));
    };
    let text = |protocol: &str| bodies.get(protocol).and_then(Value::as_str);
    let default = text("default").ok_or_else(no_default)?;
    Ok(text("sqs").unwrap_or(default).to_owned())
}

/// Bytes that count towards limits: message, and names, types and values of its attributes.
fn bytes(input: &Value) -> usize {
    let attributes = input.get("MessageAttributes").and_then(Value::as_object);
    let of_attribute = |(name, attribute): (&String, &Value)| {
        let text = |member: &str| {
            let text = attribute.get(member).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        let binary = text("BinaryValue");
        let binary = STANDARD.decode(binary).map_or(binary.len(), |it| it.len());
        name.len() + text("DataType").len() + text("StringValue").len() + binary
    };
    let body = input.get("Message").and_then(Value::as_str);
    let of_attributes: usize = attributes.into_iter().flatten().map(of_attribute).sum();
    body.map_or(0, str::len) + of_attributes
}

fn wrong_attribute(message: impl Into<String>) -> Fault {
    Fault::new(400, "ParameterValueInvalid", message)
}

fn check_attribute_name(name: &str) -> Result<(), Fault> {
    const LENGTH_MAX: usize = 256;
    if name.len() > LENGTH_MAX {
        return Err(wrong_attribute(
            "Length of message attribute name must be less than 256 bytes.",
        ));
    }
    if name.starts_with('.') {
        return Err(wrong_attribute(
            "Invalid message attribute name starting with character '.' was found.",
        ));
    }
    if name.ends_with('.') {
        return Err(wrong_attribute(
            "Invalid message attribute name ending with character '.' was found.",
        ));
    }
    let is_letter = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if let Some(wrong) = name.chars().find(|it| !is_letter(*it)) {
        return Err(wrong_attribute(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(wrong)
        )));
    }
    if name.contains("..") {
        return Err(wrong_attribute(
            "Message attribute name can not have successive '.' character.",
        ));
    }
    Ok(())
}

fn check_attribute(
    name: &str,
    attribute: &Value,
    path: impl FnOnce() -> String,
) -> Result<(), Fault> {
    let text = |member: &str| attribute.get(member).and_then(Value::as_str);
    let Some(kind) = text("DataType") else {
        return Err(null_at(&path()));
    };
    let (field, other) = match kind.split('.').next() {
        Some("String" | "Number") => ("String", "Binary"),
        Some("Binary") => ("Binary", "String"),
        _ => {
            return Err(wrong_attribute(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    let value = text(&format!("{field}Value"));
    if value.is_none() && text(&format!("{other}Value")).is_some() {
        return Err(wrong_attribute(format!(
            "The message attribute '{name}' with type '{kind}' must use field '{field}'."
        )));
    }
    let value = value.unwrap_or_default();
    if value.is_empty() {
        return Err(wrong_attribute(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
        )));
    }
    let is_number = || value.trim().parse::<f64>().is_ok_and(f64::is_finite);
    if kind.starts_with("Number") && !is_number() {
        return Err(wrong_attribute(format!(
            "Could not cast message attribute '{name}' value to number."
        )));
    }
    Ok(())
}

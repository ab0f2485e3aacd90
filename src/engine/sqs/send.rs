//! `SendMessage` and `SendMessageBatch`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::shelf::{Message, Messages};
use super::{attributes, checksum, find, input};
use crate::clock::epoch_millis;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Principal};
use crate::engine::state::{Queue, State};

/// Seconds a message may be held back.
const DELAY_MAX: u64 = 900;
/// Bytes of a batch's bodies and attributes together.
const BATCH_BYTES_MAX: usize = 1_048_576;
const ATTRIBUTES_MAX: usize = 10;

pub(super) fn one(engine: &Engine, call: &Call) -> Answer {
    let sender = Sender::of(engine, call)?;
    let message = sender.message(&call.input)?;
    let result = describe(&message);
    sender.send(vec![message])?;
    Ok(Value::Object(result).into())
}

pub(super) fn batch(engine: &Engine, call: &Call) -> Answer {
    let sender = Sender::of(engine, call)?;
    let entries = call.input.get("Entries").and_then(Value::as_array);
    let bytes: usize = entries.into_iter().flatten().map(size).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(Fault::new(
            400,
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {bytes} bytes."
            ),
        ));
    }
    let mut messages = Vec::new();
    let answer = input::each_entry(call, |entry| {
        let message = sender.message(entry)?;
        let result = describe(&message);
        messages.push(message);
        Ok(result)
    })?;
    sender.send(messages)?;
    Ok(answer)
}

/// Sends what another service hands on to the queue with this ARN; `input` has the members of a `SendMessage`.
pub(super) fn deliver(
    engine: &Engine,
    call: &Call,
    principal: &Principal,
    queue: &str,
    input: &Value,
) -> Result<(), Fault> {
    let name = queue.rsplit(':').next().unwrap_or(queue);
    let (queue, id) = engine.read(|state| {
        let known = state.queues.get(name).filter(|it| it.arn == queue);
        let id = sender_id(state, call, principal);
        known
            .map(|known| (known.clone(), id))
            .ok_or_else(super::no_queue)
    })?;
    let sender = Sender {
        engine,
        call,
        queue,
        id,
    };
    let message = sender.message(input)?;
    sender.send(vec![message])
}

/// `SenderId`
fn sender_id(state: &State, call: &Call, principal: &Principal) -> String {
    match principal {
        Principal::Root => call.account.id.clone(),
        Principal::Role { role, session } => {
            let id = state.roles.get(role).map_or("", |role| role.id.as_str());
            format!("{id}:{session}")
        }
        Principal::User { name, .. } => {
            let id = state.users.get(name).map_or("", |user| user.id.as_str());
            id.to_owned()
        }
        Principal::Service(name) => name.clone(),
    }
}

/// Who sends where.
struct Sender<'a> {
    engine: &'a Engine,
    call: &'a Call,
    queue: Queue,
    /// `SenderId`
    id: String,
}

impl<'a> Sender<'a> {
    fn of(engine: &'a Engine, call: &'a Call) -> Result<Self, Fault> {
        let (queue, id) = engine.read(|state| {
            let id = sender_id(state, call, &call.principal);
            find(state, call).map(|queue| (queue.clone(), id))
        })?;
        Ok(Self {
            engine,
            call,
            queue,
            id,
        })
    }

    /// A message from the members of a request or of an entry of a batch.
    fn message(&self, input: &Value) -> Result<Message, Fault> {
        let body = input.get("MessageBody").and_then(Value::as_str);
        let body = body
            .filter(|body| !body.is_empty())
            .ok_or_else(|| input::missing("MessageBody"))?;
        check_characters(body)?;
        let limit = attributes::number(&self.queue, "MaximumMessageSize");
        if size(input) as u64 > limit {
            return Err(input::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            )));
        }
        let attributes = message_attributes(input)?;
        let delay = input::number(input, "DelaySeconds", DELAY_MAX)?
            .unwrap_or_else(|| attributes::number(&self.queue, "DelaySeconds"));
        let sent = epoch_millis(self.call.now);
        let mut system = BTreeMap::from([("SenderId".to_owned(), self.id.clone())]);
        let trace = input.pointer("/MessageSystemAttributes/AWSTraceHeader/StringValue");
        if let Some(trace) = trace.and_then(Value::as_str) {
            system.insert("AWSTraceHeader".to_owned(), trace.to_owned());
        }
        Ok(Message {
            number: 0,
            id: self.call.ids.uuid(),
            body: body.to_owned(),
            attributes,
            system,
            sent,
            visible: sent + delay * 1000,
            first_received: None,
            receives: 0,
            receipt: String::new(),
        })
    }

    fn send(&self, messages: Vec<Message>) -> Result<(), Fault> {
        let live = self.engine.sqs();
        let store = self.engine.store();
        Messages::lock(store, &live.numbers, self.queue.store_id).add(messages)?;
        live.arrived.notify_waiters();
        Ok(())
    }
}

fn describe(message: &Message) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut set = |member: &str, value: String| shown.insert(member.to_owned(), json!(value));
    set("MessageId", message.id.clone());
    set("MD5OfMessageBody", checksum::of_body(&message.body));
    if let Some(sum) = checksum::of_attributes(&message.attributes) {
        set("MD5OfMessageAttributes", sum);
    }
    shown
}

/// Bytes of body and attributes, as they count towards limits.
fn size(input: &Value) -> usize {
    let body = input.get("MessageBody").and_then(Value::as_str);
    let attributes = input.get("MessageAttributes").and_then(Value::as_object);
    let texts = |attribute: &Value| -> usize {
        let members = attribute.as_object().into_iter().flatten();
        members
            .filter_map(|(_, value)| value.as_str())
            .map(str::len)
            .sum()
    };
    let of_attributes: usize = attributes
        .into_iter()
        .flatten()
        .map(|(name, attribute)| name.len() + texts(attribute))
        .sum();
    body.map_or(0, str::len) + of_attributes
}

/// `MessageAttributes`, each with a type and a value of it.
fn message_attributes(input: &Value) -> Result<Value, Fault> {
    let Some(attributes) = input.get("MessageAttributes").and_then(Value::as_object) else {
        return Ok(json!({}));
    };
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(input::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        let text = |member: &str| attribute.get(member).and_then(Value::as_str);
        let kind = text("DataType").unwrap_or_default();
        let member = match kind.split('.').next() {
            Some("String" | "Number") => "StringValue",
            Some("Binary") => "BinaryValue",
            _ => {
                return Err(input::invalid(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                )));
            }
        };
        if text(member).is_none_or(str::is_empty) {
            return Err(input::invalid(format!(
                "The message attribute '{name}' must contain a non-empty value of type '{kind}'."
            )));
        }
    }
    Ok(Value::Object(attributes.clone()))
}

fn check_characters(body: &str) -> Result<(), Fault> {
    let valid = |it: char| matches!(it, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if body.chars().all(valid) {
        return Ok(());
    }
    Err(Fault::new(
        400,
        "InvalidMessageContents",
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    ))
}

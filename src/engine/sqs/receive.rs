//! Receiving, deleting and holding back messages.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::attributes::{self, Redrive};
use super::queues::nothing;
use super::shelf::{Message, Messages};
use super::{checksum, find, input};
use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Later};
use crate::engine::state::Queue;
use crate::engine::store::StoreError;

/// Messages of one answer.
const MESSAGES_MAX: u64 = 10;
/// Seconds a receive may wait for a message.
const WAIT_MAX: u64 = 20;
/// Seconds a message may be hidden.
const VISIBILITY_MAX: u64 = 43_200;

pub(super) fn receive(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let wish = Wish::of(&engine, &call)?;
        // A wait of the caller's, not of the world's.
        let until = engine.clock().uptime() + wish.wait;
        loop {
            // Listening begins before looking, so that nothing arrives unnoticed in between.
            let mut arrived = std::pin::pin!(engine.sqs().arrived.notified());
            arrived.as_mut().enable();
            let now = engine.clock().now();
            let (found, next) = take(&engine, &call, &wish, now)?;
            if !found.is_empty() || engine.clock().uptime() >= until {
                return Ok(answer(&found, &wish));
            }
            let visible = async {
                match next {
                    Some(next) => engine.clock().sleep_until(from_epoch_millis(next)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = arrived => (),
                () = visible => (),
                () = engine.clock().wait_until(until) => (),
            }
        }
    })
}

pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    delete_one(engine, call, &call.input)?;
    Ok(nothing())
}

pub(super) fn delete_batch(engine: &Engine, call: &Call) -> Answer {
    engine.read(|state| find(state, call).map(|_| ()))?;
    input::each_entry(call, |entry| delete_one(engine, call, entry))
}

pub(super) fn change_visibility(engine: &Engine, call: &Call) -> Answer {
    change_one(engine, call, &call.input)?;
    Ok(nothing())
}

pub(super) fn change_visibility_batch(engine: &Engine, call: &Call) -> Answer {
    engine.read(|state| find(state, call).map(|_| ()))?;
    input::each_entry(call, |entry| change_one(engine, call, entry))
}

/// Forgets messages that are older than the queue keeps them.
pub(super) fn expire(messages: &Messages<'_>, queue: &Queue, now: u64) -> Result<(), StoreError> {
    let kept = attributes::number(queue, "MessageRetentionPeriod") * 1000;
    while let Some(first) = messages.first()? {
        if first.sent + kept > now {
            break;
        }
        messages.remove(&[first])?;
    }
    Ok(())
}

/// What a receive asks for.
struct Wish {
    most: usize,
    wait: Duration,
    /// Milliseconds for which received messages are hidden.
    hidden: u64,
    /// Names of system attributes to show.
    system: Vec<String>,
    /// Names of message attributes to show; `prefix.*` and `All` stand for several.
    custom: Vec<String>,
}

impl Wish {
    fn of(engine: &Engine, call: &Call) -> Result<Self, Fault> {
        let queue = engine.read(|state| find(state, call).cloned())?;
        let number = |member, max| input::number(&call.input, member, max);
        let most = number("MaxNumberOfMessages", MESSAGES_MAX)?.unwrap_or(1);
        if most == 0 {
            return Err(input::invalid(format!(
                "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and {MESSAGES_MAX}, if provided."
            )));
        }
        let wait = number("WaitTimeSeconds", WAIT_MAX)?
            .unwrap_or_else(|| attributes::number(&queue, "ReceiveMessageWaitTimeSeconds"));
        let hidden = number("VisibilityTimeout", VISIBILITY_MAX)?
            .unwrap_or_else(|| attributes::number(&queue, "VisibilityTimeout"));
        let mut system = input::texts(&call.input, "AttributeNames");
        system.extend(input::texts(&call.input, "MessageSystemAttributeNames"));
        Ok(Self {
            most: usize::try_from(most).unwrap_or(1),
            wait: Duration::from_secs(wait),
            hidden: hidden * 1000,
            system,
            custom: input::texts(&call.input, "MessageAttributeNames"),
        })
    }

    fn shows(&self, attribute: &str) -> bool {
        self.custom.iter().any(|wanted| {
            wanted == "All"
                || wanted == attribute
                || wanted
                    .strip_suffix(".*")
                    .is_some_and(|prefix| attribute.starts_with(prefix))
        })
    }
}

/// Hides and returns visible messages; without any, tells when the next becomes visible.
fn take(
    engine: &Engine,
    call: &Call,
    wish: &Wish,
    now: SystemTime,
) -> Result<(Vec<Message>, Option<u64>), Fault> {
    let (queue, redrive) = engine.read(|state| {
        let queue = find(state, call)?;
        let redrive = attributes::redrive(queue).and_then(|redrive| {
            let target = state.queues.get(&redrive.queue)?.store_id;
            (target != queue.store_id).then_some((redrive, target))
        });
        Ok::<_, Fault>((queue.clone(), redrive))
    })?;
    let now = epoch_millis(now);
    let mut messages = Messages::lock(engine.store(), &engine.sqs().numbers, queue.store_id);
    expire(&messages, &queue, now)?;
    if let Some((redrive, target)) = redrive {
        move_dead_letters(&mut messages, &queue, &redrive, target, now)?;
    }
    let found = messages.visible(now, wish.most)?;
    if found.is_empty() {
        return Ok((found, messages.next_visible()?));
    }
    let received = |before: &Message| Message {
        visible: now + wish.hidden,
        first_received: before.first_received.or(Some(now)),
        receives: before.receives + 1,
        receipt: call.ids.hex(32),
        ..before.clone()
    };
    let changed: Vec<(Message, Message)> = found
        .into_iter()
        .map(|before| {
            let after = received(&before);
            (before, after)
        })
        .collect();
    messages.update(&changed)?;
    let found = changed.into_iter().map(|(_, after)| after).collect();
    Ok((found, None))
}

/// Messages that were received as often as the queue allows go to its dead-letter queue.
fn move_dead_letters(
    messages: &mut Messages<'_>,
    queue: &Queue,
    redrive: &Redrive,
    target: u64,
    now: u64,
) -> Result<(), StoreError> {
    const AT_ONCE: usize = 100;
    loop {
        let visible = messages.visible(now, AT_ONCE)?;
        let dead: Vec<Message> = visible
            .into_iter()
            .filter(|message| message.receives >= redrive.receives_max)
            .map(|mut message| {
                let source = ("DeadLetterQueueSourceArn".to_owned(), queue.arn.clone());
                message.system.extend([source]);
                message
            })
            .collect();
        if dead.is_empty() {
            return Ok(());
        }
        messages.move_to(target, dead)?;
    }
}

fn delete_one(engine: &Engine, call: &Call, input: &Value) -> Result<Map<String, Value>, Fault> {
    let (messages, number, receipt) = received(engine, call, input)?;
    // What is gone is deleted, and only the last receipt of a message counts.
    if let Some(message) = messages.get(number)?
        && message.receipt == receipt
    {
        messages.remove(&[message])?;
    }
    Ok(Map::new())
}

fn change_one(engine: &Engine, call: &Call, input: &Value) -> Result<Map<String, Value>, Fault> {
    let hidden = input::number(input, "VisibilityTimeout", VISIBILITY_MAX)?
        .ok_or_else(|| input::missing("VisibilityTimeout"))?;
    let now = epoch_millis(call.now);
    let (messages, number, receipt) = received(engine, call, input)?;
    let before = messages
        .get(number)?
        .filter(|message| message.receipt == receipt && message.visible > now)
        .ok_or_else(|| {
            input::invalid(
                "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
            )
        })?;
    let after = Message {
        visible: now + hidden * 1000,
        ..before.clone()
    };
    messages.update(&[(before, after)])?;
    engine.sqs().arrived.notify_waiters();
    Ok(Map::new())
}

/// The queue's messages with the number and receipt in `ReceiptHandle`.
fn received<'a>(
    engine: &'a Engine,
    call: &Call,
    input: &Value,
) -> Result<(Messages<'a>, u64, String), Fault> {
    let store_id = engine.read(|state| find(state, call).map(|queue| queue.store_id))?;
    let handle = input.get("ReceiptHandle").and_then(Value::as_str);
    let handle = handle.ok_or_else(|| input::missing("ReceiptHandle"))?;
    let (number, receipt) = read_handle(handle).ok_or_else(|| {
        Fault::new(
            400,
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    })?;
    let messages = Messages::lock(engine.store(), &engine.sqs().numbers, store_id);
    Ok((messages, number, receipt))
}

fn handle_of(message: &Message) -> String {
    STANDARD.encode(format!("{}:{}", message.number, message.receipt))
}

fn read_handle(handle: &str) -> Option<(u64, String)> {
    let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
    let (number, receipt) = text.split_once(':')?;
    Some((number.parse().ok()?, receipt.to_owned()))
}

fn answer(found: &[Message], wish: &Wish) -> crate::engine::call::Reply {
    if found.is_empty() {
        return nothing();
    }
    let shown: Vec<Value> = found.iter().map(|message| show(message, wish)).collect();
    json!({ "Messages": shown }).into()
}

fn show(message: &Message, wish: &Wish) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle_of(message),
        "MD5OfBody": checksum::of_body(&message.body),
        "Body": message.body,
    });
    let times = [
        ("SentTimestamp", message.sent),
        ("ApproximateReceiveCount", message.receives),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.unwrap_or(0),
        ),
    ];
    let system = message.system.iter();
    let system: Map<String, Value> = times
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number.to_string()))
        .chain(system.map(|(name, text)| (name.clone(), text.clone())))
        .filter(|(name, _)| wish.system.iter().any(|it| it == "All" || it == name))
        .map(|(name, text)| (name, Value::from(text)))
        .collect();
    if !system.is_empty() {
        shown["Attributes"] = Value::Object(system);
    }
    let attributes = message.attributes.as_object().into_iter().flatten();
    let custom: Map<String, Value> = attributes
        .filter(|(name, _)| wish.shows(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let custom = Value::Object(custom);
    if let Some(sum) = checksum::of_attributes(&custom) {
        shown["MD5OfMessageAttributes"] = json!(sum);
        shown["MessageAttributes"] = custom;
    }
    shown
}

//! Settings of queues and their values, and what a queue tells of itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::queues::nothing;
use super::shelf::{Counts, Messages};
use super::{find, find_mut, input};
use crate::clock::epoch_millis;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{Queue, State};

/// Settings that are numbers: name, range, default.
const NUMBERS: &[(&str, u64, u64, &str)] = &[
    ("DelaySeconds", 0, 900, "0"),
    ("MaximumMessageSize", 1024, 1_048_576, "1048576"),
    ("MessageRetentionPeriod", 60, 1_209_600, "345600"),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, "0"),
    ("VisibilityTimeout", 0, 43_200, "30"),
];
/// Settings that are kept and returned.
const TEXTS: &[&str] = &[
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

/// What happens to messages received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redrive {
    /// Name of the queue they go to.
    pub(super) queue: String,
    pub(super) receives_max: u64,
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let queue = engine.read(|state| find(state, call).cloned())?;
    let now = epoch_millis(call.now);
    let wanted = input::texts(&call.input, "AttributeNames");
    let messages = Messages::lock(engine.store(), &engine.sqs().numbers, queue.store_id);
    super::receive::expire(&messages, &queue, now)?;
    let all = describe(&queue, messages.counts(now)?);
    if let Some(unknown) = wanted.iter().find(|name| !is_known(name)) {
        return Err(Fault::new(
            400,
            "InvalidAttributeName",
            format!("Unknown Attribute {unknown}."),
        ));
    }
    let is_wanted = |name: &String| wanted.iter().any(|it| it == "All" || it == name);
    let shown: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| is_wanted(name))
        .collect();
    if shown.is_empty() {
        return Ok(nothing());
    }
    Ok(json!({ "Attributes": shown }).into())
}

pub(super) fn set(state: &mut State, call: &Call) -> Answer {
    let given = given(call)?;
    let queue = find_mut(state, call)?;
    for (name, value) in given {
        // An empty text takes a policy away.
        if value.is_empty() {
            queue.attributes.remove(&name);
        } else {
            queue.attributes.insert(name, value);
        }
    }
    Ok(nothing())
}

/// `Attributes` of a request, checked.
pub(super) fn given(call: &Call) -> Result<BTreeMap<String, String>, Fault> {
    let list = call.input.get("Attributes").and_then(Value::as_object);
    let mut found = BTreeMap::new();
    for (name, value) in list.into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        check(name, &text)?;
        found.insert(name.clone(), text);
    }
    Ok(found)
}

/// The value in force: as set, or SQS's default.
pub(super) fn setting<'a>(queue: &'a Queue, name: &str) -> &'a str {
    let default = NUMBERS
        .iter()
        .find(|(it, ..)| *it == name)
        .map_or("", |(.., default)| default);
    queue.attributes.get(name).map_or(default, String::as_str)
}

/// The value in force of a numeric setting.
pub(super) fn number(queue: &Queue, name: &str) -> u64 {
    setting(queue, name).parse().unwrap_or(0)
}

/// Where messages go that are received again and again.
pub(super) fn redrive(queue: &Queue) -> Option<Redrive> {
    redrive_of(queue.attributes.get("RedrivePolicy")?)
}

fn redrive_of(policy: &str) -> Option<Redrive> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let max = policy.get("maxReceiveCount")?;
    let max = max.as_u64().or_else(|| max.as_str()?.parse().ok())?;
    let arn = policy.get("deadLetterTargetArn")?.as_str()?;
    Some(Redrive {
        queue: arn.rsplit(':').next()?.to_owned(),
        receives_max: max,
    })
}

fn check(name: &str, value: &str) -> Result<(), Fault> {
    let wrong = |reason: &str| {
        Err(Fault::new(
            400,
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}. {reason}"),
        ))
    };
    if let Some((_, min, max, _)) = NUMBERS.iter().find(|(it, ..)| *it == name) {
        return match value.parse() {
            Ok(number) if (*min..=*max).contains(&number) => Ok(()),
            _ => wrong(&format!("Reason: Must be between {min} and {max}.")),
        };
    }
    if !TEXTS.contains(&name) {
        return Err(Fault::new(
            400,
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        ));
    }
    if name == "RedrivePolicy" && !value.is_empty() && redrive_of(value).is_none() {
        return wrong(
            "Reason: It must be a JSON object with deadLetterTargetArn and maxReceiveCount.",
        );
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    const COMPUTED: &[&str] = &[
        "All",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    ];
    COMPUTED.contains(&name) || TEXTS.contains(&name) || NUMBERS.iter().any(|(it, ..)| *it == name)
}

fn describe(queue: &Queue, counts: Counts) -> Map<String, Value> {
    let created = epoch_millis(queue.created) / 1000;
    let computed = [
        ("QueueArn", queue.arn.clone()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            counts.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            counts.delayed.to_string(),
        ),
        ("CreatedTimestamp", created.to_string()),
        ("LastModifiedTimestamp", created.to_string()),
        ("SqsManagedSseEnabled", "true".to_owned()),
    ];
    let numbers = NUMBERS
        .iter()
        .map(|(name, ..)| (*name, setting(queue, name).to_owned()));
    let mut shown: Map<String, Value> = computed
        .into_iter()
        .chain(numbers)
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    for (name, value) in &queue.attributes {
        shown.insert(name.clone(), Value::from(value.as_str()));
    }
    shown
}

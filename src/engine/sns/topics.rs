//! Operations on topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::attributes::{self, Place};
use super::{find, find_mut, invalid, page, required, tags, topic_name};
use crate::engine::call::{Answer, Body, Call, Fault, Reply};
use crate::engine::state::{State, Topic};

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = required(call, "Name")?;
    let mut given = attributes::given(&call.input);
    check_name(name, given.remove("FifoTopic").as_deref())?;
    for (attribute, value) in &given {
        attributes::check_topic(attribute, value, Place::Creation)?;
    }
    let tags = tags::given(&call.input)?;
    if let Some(known) = state.topics.get(name) {
        let differs = |(name, value): (&String, &String)| known.attributes.get(name) != Some(value);
        if given.iter().any(differs) {
            return Err(invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        let differs = |(key, value): (&String, &String)| known.tags.get(key) != Some(value);
        if tags.iter().any(differs) {
            return Err(invalid(
                "Tags Reason: Topic already exists with different tags",
            ));
        }
        return Ok(json!({ "TopicArn": known.arn }).into());
    }
    let arn = call.account.arn("sns", name).to_string();
    let topic = Topic {
        name: name.to_owned(),
        arn: arn.clone(),
        created: call.now,
        attributes: given,
        tags,
        subscriptions_deleted: 0,
    };
    state.topics.insert(name.to_owned(), topic);
    Ok(json!({ "TopicArn": arn }).into())
}

/// A topic that is not there is fine; its subscriptions go with it.
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let arn = required(call, "TopicArn")?;
    let name = topic_name("TopicArn", arn, &call.account)?;
    if state.topics.get(name).is_some_and(|topic| topic.arn == arn) {
        state.topics.remove(name);
        state.subscriptions.retain(|_, it| it.topic != arn);
    }
    Ok(nothing())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let topics = state.topics.values();
    let (shown, next) = page(call, topics.map(|topic| (topic.name.as_str(), topic)))?;
    let shown: Vec<Value> = shown
        .into_iter()
        .map(|topic| json!({ "TopicArn": topic.arn }))
        .collect();
    Ok(json!({ "Topics": shown, "NextToken": next }).into())
}

pub(super) fn get_attributes(state: &mut State, call: &Call) -> Answer {
    let topic = find(state, call, "TopicArn")?;
    let confirmed = super::subscriptions::of_topic(state, &topic.arn).count();
    let mut shown: BTreeMap<&str, String> = topic
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let delivery = topic.attributes.get("DeliveryPolicy");
    let computed = [
        ("DisplayName", String::new()),
        (
            "EffectiveDeliveryPolicy",
            effective_delivery_policy(delivery),
        ),
        ("Owner", call.account.id.clone()),
        ("Policy", default_policy(topic, &call.account.id)),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        (
            "SubscriptionsDeleted",
            topic.subscriptions_deleted.to_string(),
        ),
        ("SubscriptionsPending", "0".to_owned()),
        ("TopicArn", topic.arn.clone()),
    ];
    for (name, value) in computed {
        shown.entry(name).or_insert(value);
    }
    Ok(json!({ "Attributes": shown }).into())
}

pub(super) fn set_attribute(state: &mut State, call: &Call) -> Answer {
    let topic = find_mut(state, call, "TopicArn")?;
    let name = required(call, "AttributeName")?;
    let value = call.text("AttributeValue").unwrap_or_default();
    attributes::check_topic(name, value, Place::Change)?;
    if value.is_empty() {
        topic.attributes.remove(name);
    } else {
        topic.attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(nothing())
}

/// The answer of operations that have nothing to say.
pub(super) fn nothing() -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: Body::Empty,
    }
}

/// 1 to 256 letters, digits, hyphens and underscores; only first-in-first-out topics end in `.fifo`, and they must.
fn check_name(name: &str, fifo: Option<&str>) -> Result<(), Fault> {
    let is_fifo = fifo.is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let stem = name.strip_suffix(".fifo");
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let is_sound = stem.unwrap_or(name).chars().all(is_letter)
        && (1..=256).contains(&name.len())
        && stem.is_some() == is_fifo
        && stem != Some("");
    if !is_sound {
        return Err(invalid("Topic Name"));
    }
    if is_fifo {
        return Err(invalid(
            "Attributes Reason: FIFO topics are not supported here. Create a standard topic.",
        ));
    }
    Ok(())
}

/// What AWS does for HTTP subscribers, with the user's changes.
fn effective_delivery_policy(changes: Option<&String>) -> String {
    let mut policy = json!({"http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20,
            "maxDelayTarget": 20,
            "numRetries": 3,
            "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0,
            "numMinDelayRetries": 0,
            "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": { "headerContentType": "text/plain; charset=UTF-8" },
    }});
    let changes = changes.and_then(|it| serde_json::from_str::<Value>(it).ok());
    let changes = changes.as_ref().and_then(|it| it["http"].as_object());
    for (name, value) in changes.into_iter().flatten() {
        policy["http"][name] = value.clone();
    }
    policy.to_string()
}

/// The policy AWS gives a new topic: whoever belongs to the account may do everything with it.
fn default_policy(topic: &Topic, account: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": topic.arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
        }],
    })
    .to_string()
}

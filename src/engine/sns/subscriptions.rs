//! Operations on subscriptions: queues that hear of what is published.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::attributes::{self, Place};
use super::policy::Scope;
use super::topics::nothing;
use super::{check_arn, find, invalid, not_found, page, required};
use crate::arn::Arn;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{State, Subscription};

/// Protocols of AWS that are not here.
const ELSEWHERE: [&str; 8] = [
    "application",
    "email",
    "email-json",
    "firehose",
    "http",
    "https",
    "lambda",
    "sms",
];

/// A queue of the caller's own account is confirmed at once; it need not exist yet.
pub(super) fn subscribe(state: &mut State, call: &Call) -> Answer {
    let protocol = required(call, "Protocol")?;
    let topic = find(state, call, "TopicArn")?.arn.clone();
    check_protocol(protocol)?;
    let endpoint = endpoint(call)?;
    let given = attributes::given(&call.input);
    let mut kept = BTreeMap::new();
    // The scope decides which filter policies are sound.
    let scope_first = given
        .iter()
        .filter(|(name, _)| *name == "FilterPolicyScope");
    let others = given
        .iter()
        .filter(|(name, _)| *name != "FilterPolicyScope");
    for (name, value) in scope_first.chain(others) {
        attributes::set_subscription(&mut kept, name, value, Place::Creation)?;
    }
    let known = of_topic(state, &topic).find(|known| known.endpoint == endpoint);
    if let Some(known) = known {
        let differs =
            |(name, value): (&String, &String)| setting(known, name) != Some(value.as_str());
        if kept.iter().any(differs) {
            return Err(invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        return Ok(json!({ "SubscriptionArn": known.arn }).into());
    }
    let arn = format!("{topic}:{}", call.ids.uuid());
    let subscription = Subscription {
        arn: arn.clone(),
        topic,
        endpoint: endpoint.to_owned(),
        principal: call.principal.arn(&call.account),
        attributes: kept,
    };
    state.subscriptions.insert(arn.clone(), subscription);
    Ok(json!({ "SubscriptionArn": arn }).into())
}

/// A subscription that is not there is fine.
pub(super) fn unsubscribe(state: &mut State, call: &Call) -> Answer {
    let arn = call.text("SubscriptionArn").unwrap_or_default();
    if arn.is_empty() {
        return Err(invalid(
            "SubscriptionArn Reason: no value for required parameter",
        ));
    }
    check_arn("SubscriptionArn", arn)?;
    if !arn.rsplit(':').next().is_some_and(is_uuid) {
        return Err(invalid("SubscriptionId"));
    }
    if let Some(gone) = state.subscriptions.remove(arn) {
        let mut topics = state.topics.values_mut();
        if let Some(topic) = topics.find(|topic| topic.arn == gone.topic) {
            topic.subscriptions_deleted += 1;
        }
    }
    Ok(nothing())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let all = state.subscriptions.values();
    listed(call, all)
}

pub(super) fn list_by_topic(state: &mut State, call: &Call) -> Answer {
    let topic = find(state, call, "TopicArn")?;
    listed(call, of_topic(state, &topic.arn))
}

pub(super) fn get_attributes(state: &mut State, call: &Call) -> Answer {
    let subscription = known(state, call)?;
    let mut shown: BTreeMap<&str, &str> = BTreeMap::from([
        ("ConfirmationWasAuthenticated", "true"),
        ("Endpoint", subscription.endpoint.as_str()),
        ("Owner", call.account.id.as_str()),
        ("PendingConfirmation", "false"),
        ("Protocol", "sqs"),
        ("RawMessageDelivery", "false"),
        ("SubscriptionArn", subscription.arn.as_str()),
        ("SubscriptionPrincipal", subscription.principal.as_str()),
        ("TopicArn", subscription.topic.as_str()),
    ]);
    for (name, value) in &subscription.attributes {
        shown.insert(name, value);
    }
    // The scope is told only of a policy that is there.
    if subscription.attributes.contains_key("FilterPolicy") {
        let scope = Scope::of(&subscription.attributes);
        shown.insert("FilterPolicyScope", scope.name());
    } else {
        shown.remove("FilterPolicyScope");
    }
    Ok(json!({ "Attributes": shown }).into())
}

pub(super) fn set_attribute(state: &mut State, call: &Call) -> Answer {
    let arn = known(state, call)?.arn.clone();
    let name = required(call, "AttributeName")?;
    let value = call.text("AttributeValue").unwrap_or_default();
    if let Some(subscription) = state.subscriptions.get_mut(&arn) {
        let attributes = &mut subscription.attributes;
        attributes::set_subscription(attributes, name, value, Place::Change)?;
    }
    Ok(nothing())
}

/// The subscriptions of a topic, by their ARNs.
pub(super) fn of_topic<'s>(
    state: &'s State,
    topic: &str,
) -> impl Iterator<Item = &'s Subscription> + use<'s> {
    let head = format!("{topic}:");
    let from = state.subscriptions.range(head.clone()..);
    from.take_while(move |(arn, _)| arn.starts_with(&head))
        .map(|(_, subscription)| subscription)
}

fn known<'s>(state: &'s State, call: &Call) -> Result<&'s Subscription, Fault> {
    let arn = required(call, "SubscriptionArn")?;
    check_arn("SubscriptionArn", arn)?;
    let found = state.subscriptions.get(arn);
    found.ok_or_else(|| not_found("Subscription does not exist"))
}

/// The value in force of what a request may have given.
fn setting<'a>(subscription: &'a Subscription, name: &str) -> Option<&'a str> {
    let given = subscription.attributes.get(name).map(String::as_str);
    given.or(match name {
        "RawMessageDelivery" => Some("false"),
        "FilterPolicyScope" => Some("MessageAttributes"),
        _ => None,
    })
}

fn listed<'a>(call: &Call, all: impl Iterator<Item = &'a Subscription>) -> Answer {
    let (shown, next) = page(call, all.map(|it| (it.arn.as_str(), it)))?;
    let shown: Vec<Value> = shown
        .into_iter()
        .map(|it| {
            json!({
                "TopicArn": it.topic,
                "Protocol": "sqs",
                "SubscriptionArn": it.arn,
                "Owner": call.account.id,
                "Endpoint": it.endpoint,
            })
        })
        .collect();
    Ok(json!({ "Subscriptions": shown, "NextToken": next }).into())
}

fn check_protocol(protocol: &str) -> Result<(), Fault> {
    match protocol {
        "sqs" => Ok(()),
        other if ELSEWHERE.contains(&other) => Err(invalid(format!(
            "Protocol Reason: {other} is not supported here. Subscribe an SQS queue."
        ))),
        other => Err(invalid(format!(
            "Amazon SNS does not support this protocol string: {other}"
        ))),
    }
}

/// ARN of a standard queue.
fn endpoint(call: &Call) -> Result<&str, Fault> {
    let endpoint = call.text("Endpoint").unwrap_or_default();
    if endpoint.is_empty() {
        return Err(not_found("Endpoint not specified in subscription"));
    }
    let is_queue = endpoint
        .parse::<Arn>()
        .is_ok_and(|arn| arn.service == "sqs");
    if !is_queue {
        return Err(invalid("SQS endpoint ARN"));
    }
    if endpoint.rsplit('.').next() == Some("fifo") {
        return Err(invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ));
    }
    Ok(endpoint)
}

/// 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|it| it == '-' || it.is_ascii_hexdigit())
}

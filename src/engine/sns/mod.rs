//! Topics: destinations of what functions could not process, and the queues that hear of it. Standard topics only.
//!
//! Topics and subscriptions are part of the state; a message is handed on at once and never kept here. Policies of
//! topics and of queues are kept, and nobody is judged by them.

mod attributes;
mod delivery;
mod json;
mod notification;
mod policy;
mod publish;
mod redrive;
mod subscriptions;
mod tags;
mod topics;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::call::{Account, Call, Fault, Operation, Run};
use super::state::{State, Topic};
use crate::arn::Arn;

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const OPERATIONS: &[Operation] = &[
    row("CreateTopic", "sns:CreateTopic", Run::Now(topics::create)),
    row("DeleteTopic", "sns:DeleteTopic", Run::Now(topics::delete)),
    everywhere("ListTopics", "sns:ListTopics", Run::Now(topics::list)),
    row(
        "GetTopicAttributes",
        "sns:GetTopicAttributes",
        Run::Now(topics::get_attributes),
    ),
    row(
        "SetTopicAttributes",
        "sns:SetTopicAttributes",
        Run::Now(topics::set_attribute),
    ),
    row(
        "Subscribe",
        "sns:Subscribe",
        Run::Now(subscriptions::subscribe),
    ),
    everywhere(
        "Unsubscribe",
        "sns:Unsubscribe",
        Run::Now(subscriptions::unsubscribe),
    ),
    everywhere(
        "ListSubscriptions",
        "sns:ListSubscriptions",
        Run::Now(subscriptions::list),
    ),
    row(
        "ListSubscriptionsByTopic",
        "sns:ListSubscriptionsByTopic",
        Run::Now(subscriptions::list_by_topic),
    ),
    everywhere(
        "GetSubscriptionAttributes",
        "sns:GetSubscriptionAttributes",
        Run::Now(subscriptions::get_attributes),
    ),
    everywhere(
        "SetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        Run::Now(subscriptions::set_attribute),
    ),
    row("Publish", "sns:Publish", Run::Data(publish::one)),
    row("PublishBatch", "sns:Publish", Run::Data(publish::batch)),
    row("TagResource", "sns:TagResource", Run::Now(tags::tag)),
    row("UntagResource", "sns:UntagResource", Run::Now(tags::untag)),
    row(
        "ListTagsForResource",
        "sns:ListTagsForResource",
        Run::Now(tags::list),
    ),
];

const fn row(name: &'static str, action: &'static str, run: Run) -> Operation {
    Operation {
        name,
        http: "",
        action,
        resource: topic_resource,
        run,
    }
}

/// For actions that name no topic: AWS judges them on all topics of the account and region.
const fn everywhere(name: &'static str, action: &'static str, run: Run) -> Operation {
    Operation {
        resource: all_topics,
        ..row(name, action, run)
    }
}

fn all_topics(call: &Call) -> String {
    call.account.arn("sns", "*").to_string()
}

fn topic_resource(call: &Call) -> String {
    let named = ["TopicArn", "TargetArn", "ResourceArn"];
    if let Some(arn) = named.into_iter().find_map(|member| call.text(member)) {
        return arn.to_owned();
    }
    call.text("Name").map_or_else(
        || all_topics(call),
        |name| call.account.arn("sns", name).to_string(),
    )
}

/// `reason` is what AWS says after `Invalid parameter: `.
fn invalid(reason: impl std::fmt::Display) -> Fault {
    Fault::new(
        400,
        "InvalidParameter",
        format!("Invalid parameter: {reason}"),
    )
}

fn not_found(message: &str) -> Fault {
    Fault::new(404, "NotFound", message)
}

fn no_topic() -> Fault {
    not_found("Topic does not exist")
}

/// A text that AWS's model requires; one that is there may be empty.
fn required<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    call.text(member).ok_or_else(|| null_at(&lower(member)))
}

fn null_at(path: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
    ))
}

/// `TopicArn` as the model names it in its refusals: `topicArn`.
fn lower(member: &str) -> String {
    let mut chars = member.chars();
    let first = chars.next().map(|it| it.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// The text has as many parts as an ARN.
fn check_arn(member: &str, text: &str) -> Result<(), Fault> {
    let parts = text.split(':').count();
    if parts < 6 {
        return Err(invalid(format!(
            "{member} Reason: An ARN must have at least 6 elements, not {parts}"
        )));
    }
    Ok(())
}

/// A topic's ARN of this region, and its name; the topic need not exist.
fn topic_name<'a>(member: &str, arn: &'a str, account: &Account) -> Result<&'a str, Fault> {
    check_arn(member, arn)?;
    let is_topic = arn
        .parse::<Arn>()
        .is_ok_and(|it| it.service == "sns" && it.region == account.region);
    if !is_topic {
        return Err(invalid(member));
    }
    Ok(arn.splitn(6, ':').nth(5).unwrap_or_default())
}

/// The topic that `member` of the request names.
fn find<'s>(state: &'s State, call: &Call, member: &str) -> Result<&'s Topic, Fault> {
    let arn = required(call, member)?;
    let name = topic_name(member, arn, &call.account)?;
    let found = state.topics.get(name).filter(|topic| topic.arn == arn);
    found.ok_or_else(no_topic)
}

fn find_mut<'s>(state: &'s mut State, call: &Call, member: &str) -> Result<&'s mut Topic, Fault> {
    let name = find(state, call, member)?.name.clone();
    state.topics.get_mut(&name).ok_or_else(no_topic)
}

/// The elements of a list; a form writes an empty one as an empty text.
fn list<'a>(input: &'a Value, member: &str) -> &'a [Value] {
    let list = input.get(member).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// Up to a hundred of what comes after `NextToken`, and the token of the next page.
fn page<'a, T>(
    call: &Call,
    all: impl Iterator<Item = (&'a str, T)>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    const PAGE_MAX: usize = 100;
    let after = call.text("NextToken").unwrap_or_default();
    let after = STANDARD.decode(after).ok();
    let after = after.ok_or_else(|| invalid("NextToken"))?;
    let mut rest = all.filter(|(key, _)| key.as_bytes() > after.as_slice());
    let mut shown = Vec::new();
    let mut last = None;
    for (key, item) in rest.by_ref().take(PAGE_MAX) {
        shown.push(item);
        last = Some(key);
    }
    let more = rest.next().is_some();
    Ok((shown, last.filter(|_| more).map(|key| STANDARD.encode(key))))
}

//! Attributes of topics and subscriptions and their values. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::Scope;
use super::{invalid, json, policy, redrive};
use crate::engine::call::Fault;

/// Where an attribute is given; refusals are worded by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the `Attributes` of a request that makes something.
    Creation,
    /// Alone, of something that is there.
    Change,
}

impl Place {
    pub(super) fn refuse(self, reason: impl std::fmt::Display) -> Fault {
        match self {
            Self::Creation => invalid(format!("Attributes Reason: {reason}")),
            Self::Change => invalid(reason),
        }
    }
}

/// Attributes of topics that are kept and returned, beside those about deliveries that are logged.
const TOPIC: [&str; 6] = [
    "DeliveryPolicy",
    "DisplayName",
    "KmsMasterKeyId",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
];
/// Beginnings of the names of attributes about logged deliveries, and their ends.
const FEEDBACK: ([&str; 5], [&str; 3]) = (
    ["Application", "Firehose", "HTTP", "Lambda", "SQS"],
    [
        "SuccessFeedbackRoleArn",
        "SuccessFeedbackSampleRate",
        "FailureFeedbackRoleArn",
    ],
);
/// Characters of a `DisplayName`.
const DISPLAY_NAME_MAX: usize = 100;

/// `Attributes` of a request.
pub(super) fn given(input: &Value) -> BTreeMap<String, String> {
    let list = input.get("Attributes").and_then(Value::as_object);
    list.into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

pub(super) fn check_topic(name: &str, value: &str, place: Place) -> Result<(), Fault> {
    let (heads, tails) = FEEDBACK;
    let is_feedback = heads.into_iter().any(|head| {
        name.strip_prefix(head)
            .is_some_and(|tail| tails.contains(&tail))
    });
    if name == "ContentBasedDeduplication" {
        return Err(place.refuse("Content-based deduplication can only be set for FIFO topics"));
    }
    if !TOPIC.contains(&name) && !is_feedback {
        return Err(place.refuse("AttributeName"));
    }
    // An empty text takes the setting away.
    let wrong = match name {
        _ if value.is_empty() => None,
        "DisplayName" if value.chars().count() > DISPLAY_NAME_MAX => Some("DisplayName".to_owned()),
        "SignatureVersion" if !["1", "2"].contains(&value) => Some("SignatureVersion".to_owned()),
        "TracingConfig" if !["Active", "PassThrough"].contains(&value) => {
            Some("TracingConfig".to_owned())
        }
        "Policy" if json::check(value).is_err() => Some("Policy Error: null".to_owned()),
        "DeliveryPolicy" => unreadable(name, value),
        _ => None,
    };
    wrong.map_or(Ok(()), |reason| Err(place.refuse(reason)))
}

/// Changes one attribute of a subscription, in AWS's order: known, sound, kept.
pub(super) fn set_subscription(
    attributes: &mut BTreeMap<String, String>,
    name: &str,
    value: &str,
    place: Place,
) -> Result<(), Fault> {
    let kept = match name {
        "RawMessageDelivery" => Some(truth(value, place)?),
        "FilterPolicyScope" => {
            let scope = Scope::parse(value).ok_or_else(|| {
                place.refuse(format!("FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"))
            })?;
            if let Some(policy) = attributes.get("FilterPolicy") {
                policy::check(policy, scope, place)?;
            }
            Some(value.to_owned())
        }
        "FilterPolicy" => {
            let is_none = matches!(value.trim(), "" | "{}");
            if !is_none {
                policy::check(value, Scope::of(attributes), place)?;
            }
            (!is_none).then(|| value.to_owned())
        }
        "RedrivePolicy" => {
            redrive::check(value, place)?;
            (!value.is_empty()).then(|| value.to_owned())
        }
        "DeliveryPolicy" => {
            if let Some(reason) = unreadable(name, value).filter(|_| !value.is_empty()) {
                return Err(place.refuse(reason));
            }
            (!value.is_empty()).then(|| value.to_owned())
        }
        _ => return Err(place.refuse("AttributeName")),
    };
    match kept {
        Some(value) => attributes.insert(name.to_owned(), value),
        None => attributes.remove(name),
    };
    Ok(())
}

fn truth(value: &str, place: Place) -> Result<String, Fault> {
    let lower = value.to_ascii_lowercase();
    if lower == "true" || lower == "false" {
        return Ok(lower);
    }
    Err(place.refuse(format!(
        "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
    )))
}

/// Why a value is no JSON.
fn unreadable(name: &str, value: &str) -> Option<String> {
    let error = json::check(value).err()?;
    Some(format!("{name}: failed to parse JSON. {error}"))
}

//! Where a subscription's messages go that could not be delivered. Pure.

use serde_json::Value;

use super::attributes::Place;
use super::json;
use crate::arn::Arn;
use crate::engine::call::Fault;

/// An empty text takes the policy away.
pub(super) fn check(policy: &str, place: Place) -> Result<(), Fault> {
    if policy.is_empty() {
        return Ok(());
    }
    json::check(policy)
        .map_err(|error| place.refuse(format!("RedrivePolicy: failed to parse JSON. {error}")))?;
    let members: Value = serde_json::from_str(policy).unwrap_or_default();
    let members = members.as_object();
    let unknown = members
        .into_iter()
        .flatten()
        .find(|(name, _)| *name != "deadLetterTargetArn");
    if let Some((name, _)) = unknown {
        return Err(place.refuse(format!(
            "RedrivePolicy: invalid JSON. Attribute {name} is unknown."
        )));
    }
    let is_queue = queue(policy)
        .and_then(|arn| arn.parse::<Arn>().ok())
        .is_some_and(|arn| arn.service == "sqs");
    if !is_queue {
        return Err(place.refuse("RedrivePolicy: deadLetterTargetArn is an invalid arn"));
    }
    Ok(())
}

/// ARN of the dead-letter queue.
pub(super) fn queue(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    Some(policy.get("deadLetterTargetArn")?.as_str()?.to_owned())
}

//! Tags of topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{find, find_mut, invalid, list as elements, null_at};
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{State, Topic};

/// Tags of one topic.
const TAGS_MAX: usize = 50;

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    let given = given(&call.input)?;
    let topic = find_mut(state, call, "ResourceArn").map_err(of_resource)?;
    topic.tags.extend(given);
    check_count(&topic.tags)?;
    Ok(json!({}).into())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let topic = find_mut(state, call, "ResourceArn").map_err(of_resource)?;
    for key in elements(&call.input, "TagKeys") {
        topic.tags.remove(key.as_str().unwrap_or_default());
    }
    Ok(json!({}).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let topic: &Topic = find(state, call, "ResourceArn").map_err(of_resource)?;
    let tags: Vec<Value> = topic
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "Tags": tags }).into())
}

/// `Tags` of a request, checked.
pub(super) fn given(input: &Value) -> Result<BTreeMap<String, String>, Fault> {
    let mut found = BTreeMap::new();
    for (at, tag) in elements(input, "Tags").iter().enumerate() {
        let text = |member: &str| {
            let text = tag.get(member).and_then(Value::as_str);
            text.map(str::to_owned).ok_or_else(|| {
                let member = member.to_lowercase();
                null_at(&format!("tags.{}.member.{member}", at + 1))
            })
        };
        if found.insert(text("Key")?, text("Value")?).is_some() {
            return Err(invalid("Duplicated keys are not allowed."));
        }
    }
    check_count(&found)?;
    Ok(found)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS_MAX {
        return Err(Fault::new(
            400,
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    Ok(())
}

/// Operations on tags call a missing topic a missing resource.
fn of_resource(fault: Fault) -> Fault {
    if fault.code == "NotFound" {
        return Fault::new(404, "ResourceNotFound", "Resource does not exist");
    }
    fault
}

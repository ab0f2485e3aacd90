//! Tags of functions and event source mappings, by ARN.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::checks::{Checks, invalid, not_found};
use super::functions::no_content;
use super::names;
use crate::arn::Arn;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::State;

const TAGS_MAX: usize = 50;
const PATTERN: &str = r"arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12})";

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    let given = read(&call.input["Tags"]);
    let tags = tags_of(state, call)?;
    let mut all = tags.clone();
    all.extend(given);
    check_count(all.len())?;
    *tags = all;
    Ok(no_content())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let keys = call.input["TagKeys"].as_array().cloned();
    let tags = tags_of(state, call)?;
    for key in keys.unwrap_or_default() {
        tags.remove(key.as_str().unwrap_or_default());
    }
    Ok(no_content())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let tags = tags_of(state, call)?;
    Ok(json!({ "Tags": tags }).into())
}

/// For the rows of the operations table.
pub(super) fn resource(call: &Call) -> String {
    call.text("Resource").unwrap_or("*").to_owned()
}

/// The tags of a create request.
pub(super) fn read(tags: &Value) -> BTreeMap<String, String> {
    let given = tags.as_object();
    given
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub(super) fn check(tags: &Value) -> Result<(), Fault> {
    check_count(read(tags).len())
}

fn check_count(count: usize) -> Result<(), Fault> {
    if count > TAGS_MAX {
        return Err(invalid("Number of tags exceeds resource tag limit."));
    }
    Ok(())
}

fn tags_of<'s>(
    state: &'s mut State,
    call: &Call,
) -> Result<&'s mut BTreeMap<String, String>, Fault> {
    let text = call.text("Resource").unwrap_or_default();
    let arn = text.parse::<Arn>().ok().filter(|it| it.service == "lambda");
    let (kind, name) = arn
        .as_ref()
        .and_then(|arn| arn.resource.split_once(':'))
        .unwrap_or_default();
    match kind {
        "function" if name.contains(':') => Err(invalid(
            "Tags on function aliases and versions are not supported. Please specify either a function ARN or an event source mapping ARN.",
        )),
        "function" => match state.functions.get_mut(name) {
            Some(function) if function.arn == text => Ok(&mut function.tags),
            _ => Err(names::missing(
                &names::parse_checked(Some(text), &call.account)?,
                &call.account,
            )),
        },
        "event-source-mapping" => match state.mappings.get_mut(name) {
            Some(mapping) => Ok(&mut mapping.tags),
            None => Err(not_found("The resource you requested does not exist.")),
        },
        _ => {
            let mut checks = Checks::default();
            checks.pattern("resource", text, false, PATTERN);
            checks.finish()?;
            Err(invalid("This resource cannot be tagged."))
        }
    }
}

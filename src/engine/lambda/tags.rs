//! Tags of functions and event source mappings, by ARN.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::checks::{Checks, invalid, not_found};
use super::functions::no_content;
use super::{names, shapes};
use crate::arn::Arn;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::State;

const TAGS_MAX: usize = 50;
/// Characters of a tag: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html>.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;
const TAG_PATTERN: &str = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$";
const PATTERN: &str = r"arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12})";

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    shapes::check(&call.input, shapes::TAG)?;
    let mut checks = Checks::default();
    if call.input["Tags"].is_null() {
        checks.missing("tags");
    }
    check_form(&call.input["Tags"], &mut checks);
    checks.finish()?;
    let given = read(&call.input["Tags"]);
    check_prefixes(&given)?;
    let tags = tags_of(state, call)?;
    let mut all = tags.clone();
    all.extend(given);
    check_count(all.len())?;
    *tags = all;
    Ok(no_content())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let keys = call.input["TagKeys"].as_array().cloned();
    if keys.is_none() {
        let mut checks = Checks::default();
        checks.missing("tagKeys");
        checks.finish()?;
    }
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

/// Gathers what is wrong with the lengths and characters of tags.
pub(super) fn check_form(tags: &Value, checks: &mut Checks) {
    let given = read(tags);
    let fits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.chars().count()) && text.chars().all(is_in_tag)
    };
    let violated = |kind: &str, least: usize, most: usize| {
        format!(
            "Map {kind} must satisfy constraint: [Member must have length less than or equal to {most}, Member must have length greater than or equal to {least}, Member must satisfy regular expression pattern: {TAG_PATTERN}]"
        )
    };
    let shown = || {
        let pairs = given.iter().map(|(key, value)| format!("{key}={value}"));
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
    };
    if !given.keys().all(|key| fits(key, 1, KEY_CHARS_MAX)) {
        checks.violated("tags", shown(), &violated("keys", 1, KEY_CHARS_MAX));
    }
    if !given.values().all(|value| fits(value, 0, VALUE_CHARS_MAX)) {
        checks.violated("tags", shown(), &violated("value", 0, VALUE_CHARS_MAX));
    }
}

/// Checks the tags of a creation whose form is right.
pub(super) fn check(tags: &Value) -> Result<(), Fault> {
    let given = read(tags);
    check_prefixes(&given)?;
    check_count(given.len())
}

fn check_prefixes(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    let is_reserved = |key: &String| {
        key.get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case("aws:"))
    };
    if tags.keys().any(is_reserved) {
        return Err(invalid(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    Ok(())
}

/// [`TAG_PATTERN`]
fn is_in_tag(char: char) -> bool {
    char.is_alphanumeric()
        || (char.is_whitespace() && !char.is_control())
        || "_.:/=+-@".contains(char)
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
            Some(function) if function.latest.arn == text => Ok(&mut function.tags),
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

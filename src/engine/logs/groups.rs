//! Operations on log groups and streams.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::input::{self, invalid};
use super::{events, new_group, new_stream};
use crate::clock::epoch_millis;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{LogGroup, LogStream, State};

/// Days that CloudWatch offers.
const RETENTIONS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
/// Items of a page, when the request does not say and at most.
const PAGE: usize = 50;

pub(super) fn create_group(state: &mut State, call: &Call) -> Answer {
    let name = input::group_name(call, "logGroupName")?;
    if state.log_groups.contains_key(name) {
        return Err(exists("group"));
    }
    let mut group = new_group(&call.account, call.now, name);
    let tags = call.input.get("tags").and_then(Value::as_object);
    for (key, value) in tags.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().to_owned();
        group.tags.insert(key.clone(), value);
    }
    state.log_groups.insert(name.to_owned(), group);
    Ok(nothing())
}

pub(super) fn delete_group(engine: &Engine, call: &Call) -> Answer {
    let name = input::group_name(call, "logGroupName")?;
    let group = engine.change(|state| state.log_groups.remove(name).ok_or_else(no_group))?;
    for stream in group.streams.values() {
        events::clear(engine.store(), engine.logs(), stream.store_id)?;
    }
    Ok(nothing())
}

pub(super) fn describe_groups(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("logGroupNamePrefix").unwrap_or_default();
    let part = call.text("logGroupNamePattern").map(str::to_lowercase);
    if !prefix.is_empty() && part.is_some() {
        return Err(invalid(
            "LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive parameters.",
        ));
    }
    let groups: Vec<&LogGroup> = state
        .log_groups
        .values()
        .filter(|group| group.name.starts_with(prefix))
        .filter(|group| {
            part.as_ref()
                .is_none_or(|part| group.name.to_lowercase().contains(part))
        })
        .collect();
    let page = input::page(call, PAGE, &groups, |group| &group.name)?;
    let shown: Vec<Value> = page.items.iter().map(|group| show_group(group)).collect();
    Ok(page.answer("logGroups", shown))
}

pub(super) fn create_stream(state: &mut State, call: &Call) -> Answer {
    let name = input::stream_name(call)?;
    let group = find_mut(state, call)?;
    if group.streams.contains_key(name) {
        return Err(exists("stream"));
    }
    let group_name = group.name.clone();
    let store_id = state.take_store_id();
    let stream = new_stream(call.now, name, store_id);
    if let Some(group) = state.log_groups.get_mut(&group_name) {
        group.streams.insert(name.to_owned(), stream);
    }
    Ok(nothing())
}

pub(super) fn delete_stream(engine: &Engine, call: &Call) -> Answer {
    let name = input::stream_name(call)?;
    let stream = engine.change(|state| {
        let group = find_mut(state, call)?;
        group.streams.remove(name).ok_or_else(no_stream)
    })?;
    events::clear(engine.store(), engine.logs(), stream.store_id)?;
    Ok(nothing())
}

pub(super) fn describe_streams(engine: &Engine, call: &Call) -> Answer {
    let prefix = call.text("logStreamNamePrefix").unwrap_or_default();
    let is_by_time = match call.text("orderBy") {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") if prefix.is_empty() => true,
        Some("LastEventTime") => {
            return Err(invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    let group = engine.read(|state| find(state, call).cloned())?;
    let mut rows = Vec::new();
    for stream in group.streams.values() {
        if !stream.name.starts_with(prefix) {
            continue;
        }
        let first = events::first(engine.store(), stream.store_id)?;
        let last = events::last(engine.store(), stream.store_id)?;
        rows.push((stream, first, last));
    }
    if is_by_time {
        let time = |stream: &LogStream, last: Option<&events::Event>| {
            last.map_or(epoch_millis(stream.created), |it| it.position.millis)
        };
        rows.sort_by_key(|(stream, _, last)| time(stream, last.as_ref()));
    }
    if call.input.get("descending") == Some(&Value::Bool(true)) {
        rows.reverse();
    }
    let page = input::page(call, PAGE, &rows, |(stream, ..)| &stream.name)?;
    let shown = page
        .items
        .iter()
        .map(|(stream, first, last)| show_stream(&group, stream, first.as_ref(), last.as_ref()))
        .collect();
    Ok(page.answer("logStreams", shown))
}

pub(super) fn put_retention(state: &mut State, call: &Call) -> Answer {
    let days = call
        .input
        .get("retentionInDays")
        .and_then(Value::as_u64)
        .and_then(|days| u32::try_from(days).ok())
        .filter(|days| RETENTIONS.contains(days));
    let Some(days) = days else {
        let offered: Vec<String> = RETENTIONS.iter().map(u32::to_string).collect();
        return Err(invalid(format!(
            "Value at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            offered.join(", ")
        )));
    };
    find_mut(state, call)?.retention_days = Some(days);
    Ok(nothing())
}

pub(super) fn delete_retention(state: &mut State, call: &Call) -> Answer {
    find_mut(state, call)?.retention_days = None;
    Ok(nothing())
}

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    let group = find_mut(state, call)?;
    let tags = call.input.get("tags").and_then(Value::as_object);
    for (key, value) in tags.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().to_owned();
        group.tags.insert(key.clone(), value);
    }
    Ok(nothing())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let group = find_mut(state, call)?;
    let keys = call.input.get("tagKeys").and_then(Value::as_array);
    for key in keys.into_iter().flatten().filter_map(Value::as_str) {
        group.tags.remove(key);
    }
    Ok(nothing())
}

pub(super) fn list_tags(state: &mut State, call: &Call) -> Answer {
    Ok(json!({ "tags": find(state, call)?.tags }).into())
}

/// The group that a request names or identifies by its ARN.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a LogGroup, Fault> {
    let name = input::group_of(call)?;
    state.log_groups.get(name).ok_or_else(no_group)
}

/// The stream that a request names.
pub(super) fn find_stream(state: &State, call: &Call) -> Result<(LogGroup, LogStream), Fault> {
    let name = input::stream_name(call)?;
    let group = find(state, call)?;
    let stream = group.streams.get(name).ok_or_else(no_stream)?.clone();
    Ok((group.clone(), stream))
}

/// Milliseconds since 1970 before which events have expired.
pub(super) fn expired_before(group: &LogGroup, now: SystemTime) -> u64 {
    const DAY: Duration = Duration::from_hours(24);
    group
        .retention_days
        .and_then(|days| now.checked_sub(DAY * days))
        .map_or(0, epoch_millis)
}

pub(super) fn no_stream() -> Fault {
    not_found("The specified log stream does not exist.")
}

pub(super) fn nothing() -> Reply {
    Reply::from(json!({}))
}

fn find_mut<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut LogGroup, Fault> {
    let name = input::group_of(call)?;
    state.log_groups.get_mut(name).ok_or_else(no_group)
}

fn no_group() -> Fault {
    not_found("The specified log group does not exist.")
}

fn not_found(message: &str) -> Fault {
    Fault::new(400, "ResourceNotFoundException", message)
}

fn exists(what: &str) -> Fault {
    Fault::new(
        400,
        "ResourceAlreadyExistsException",
        format!("The specified log {what} already exists"),
    )
}

fn show_group(group: &LogGroup) -> Value {
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("logGroupName", json!(group.name));
    set("creationTime", json!(epoch_millis(group.created)));
    if let Some(days) = group.retention_days {
        set("retentionInDays", json!(days));
    }
    set("metricFilterCount", json!(0));
    set("arn", json!(format!("{}:*", group.arn)));
    set("storedBytes", json!(0));
    set("logGroupClass", json!("STANDARD"));
    set("logGroupArn", json!(group.arn));
    Value::Object(shown)
}

fn show_stream(
    group: &LogGroup,
    stream: &LogStream,
    first: Option<&events::Event>,
    last: Option<&events::Event>,
) -> Value {
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("logStreamName", json!(stream.name));
    set("creationTime", json!(epoch_millis(stream.created)));
    if let Some((first, last)) = first.zip(last) {
        set("firstEventTimestamp", json!(first.position.millis));
        set("lastEventTimestamp", json!(last.position.millis));
        set("lastIngestionTime", json!(last.ingested));
    }
    let arn = format!("{}:log-stream:{}", group.arn, stream.name);
    set("arn", json!(arn));
    set("storedBytes", json!(0));
    Value::Object(shown)
}

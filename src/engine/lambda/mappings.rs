//! Event source mappings: operations on the state. Starts nothing; the supervisor does.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::checks::{Checks, conflict, invalid, not_found, whole};
use super::mapping_settings::{
    apply, check_creation_form, check_function, check_kind, check_no_success, check_source,
    check_update_form, starting_position,
};
use super::names::{self, Reference};
use super::{filter_keys, permissions, tags};
use crate::arn::Arn;
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Account, Answer, Call, Fault, Reply};
use crate::engine::checkpoints;
use crate::engine::state::{Mapping, MappingState, NextSettings, State, Version};
use crate::engine::streams::shards;
use crate::mapping::MappingConfig;
use crate::mapping::assumed::UpdateAnswers;
use crate::mapping::config::StartingPosition;

/// Mappings in one page, whatever is asked for.
const PAGE_MAX: usize = 100;
const STREAM_ACTIONS: [&str; 4] = [
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:DescribeStream",
    "dynamodb:ListStreams",
];

pub(super) fn create(engine: &Engine, call: &Call) -> Answer {
    let input = &call.input;
    let asked = permissions::asked_function(call, &call.account);
    engine.read(|state| permissions::permit_mapping(engine, state, call, "*", asked.as_slice()))?;
    let function = check_creation_form(input)?;
    check_no_success(input)?;
    let stream = stream_arn(input)?;
    check_kind(input, true)?;
    let mut config = MappingConfig {
        starting_position: starting_position(input, &stream)?,
        ..MappingConfig::default()
    };
    apply(&mut config, input, engine.settings().filters_max)?;
    tags::check(&input["Tags"])?;
    let reference = names::reachable(function, &call.account)?;
    let made = engine.change(|state| {
        let function = function_of(state, &reference, &call.account)?;
        check_stream(engine, state, function, &stream, call.now)?;
        check_destination(engine, state, function, &config)?;
        let function_arn = reference.arn(&call.account);
        check_unique(state, &stream, &function_arn, "")?;
        let mut mapping = Mapping {
            uuid: call.ids.uuid(),
            stream_arn: stream.clone(),
            function_arn,
            config,
            enabled: input["Enabled"].as_bool().unwrap_or(true),
            state: MappingState::Creating,
            settles_at: call.now,
            last_modified: call.now,
            last_processing_result: "No records processed".to_owned(),
            tags: tags::read(&input["Tags"]),
            revision: 0,
            next: None,
            polls_from: None,
            paused: false,
        };
        pass(engine, call, &mut mapping, MappingState::Creating);
        if mapping.enabled {
            fix_beginning(engine, state, &mapping)?;
        }
        state.mappings.insert(mapping.uuid.clone(), mapping.clone());
        Ok(mapping)
    })?;
    Ok(Reply::json(202, shown(&made, &call.account)))
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    engine.read(|state| {
        permit(engine, state, call)?;
        let mapping = find(state, call)?;
        Ok(shown_to(engine, state, call, mapping).into())
    })
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "MaxItems")?.unwrap_or(100);
    let mut checks = Checks::default();
    check_source(&call.input, &mut checks);
    let function = check_function(&call.input, &mut checks);
    checks.range("maxItems", asked, (1, 10_000));
    checks.finish()?;
    let limit = usize::try_from(asked).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    // Neither the function nor the stream of the filter needs to exist.
    let function = match function {
        Some(_) => Some(names::reachable(function, &call.account)?.arn(&call.account)),
        None => None,
    };
    let stream = call.text("EventSourceArn");
    let after = call.text("Marker").unwrap_or_default();
    let mut rest = state.mappings.values().filter(|mapping| {
        mapping.uuid.as_str() > after
            && function
                .as_ref()
                .is_none_or(|it| *it == mapping.function_arn)
            && stream.is_none_or(|it| it == mapping.stream_arn)
    });
    let page: Vec<&Mapping> = rest.by_ref().take(limit).collect();
    let rows = page.iter().map(|mapping| {
        let mut shown = shown(mapping, &call.account);
        filter_keys::hide(&mut shown, mapping);
        shown
    });
    let rows: Vec<Value> = rows.collect();
    let mut reply = json!({ "EventSourceMappings": rows });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        reply["NextMarker"] = json!(last.uuid);
    }
    Ok(reply.into())
}

/// Answers with the settings as they were, unless told otherwise: the new ones hold once `Updating` is over.
pub(super) fn update(engine: &Engine, call: &Call) -> Answer {
    let input = &call.input;
    engine.read(|state| permit(engine, state, call))?;
    let function = check_update_form(input)?;
    check_no_success(input)?;
    check_kind(input, false)?;
    let answered = engine.change(|state| {
        let before = find(state, call)?.clone();
        check_stable(&before, "update")?;
        let mut next = NextSettings {
            function_arn: before.function_arn.clone(),
            config: before.config.clone(),
        };
        apply(&mut next.config, input, engine.settings().filters_max)?;
        let function = function.or_else(|| Reference::parse(&before.function_arn));
        let reference = names::reachable(function, &call.account)?;
        next.function_arn = reference.arn(&call.account);
        if next.function_arn != before.function_arn {
            let function = function_of(state, &reference, &call.account)?;
            check_stream(engine, state, function, &before.stream_arn, call.now)?;
            check_unique(state, &before.stream_arn, &next.function_arn, &before.uuid)?;
        }
        if next.config.on_failure != before.config.on_failure
            || next.function_arn != before.function_arn
        {
            let function = function_of(state, &reference, &call.account)?;
            check_destination(engine, state, function, &next.config)?;
        }
        let mut after = before.clone();
        after.enabled = input["Enabled"].as_bool().unwrap_or(before.enabled);
        let passing = match (before.enabled, after.enabled) {
            (true, false) => MappingState::Disabling,
            (false, true) => MappingState::Enabling,
            _ => MappingState::Updating,
        };
        pass(engine, call, &mut after, passing);
        if passing == MappingState::Enabling {
            fix_beginning(engine, state, &after)?;
        }
        after.next = Some(next);
        state.mappings.insert(after.uuid.clone(), after.clone());
        if engine.settings().assumed.update_answers == UpdateAnswers::After
            && let Some(next) = after.next.take()
        {
            after.function_arn = next.function_arn;
            after.config = next.config;
        }
        Ok(shown_to(engine, state, call, &after))
    })?;
    Ok(Reply::json(202, answered))
}

/// The settings a mapping would have after `UpdateEventSourceMapping` with these members; nothing changes.
pub fn proposed(engine: &Engine, mapping: &Mapping, input: &Value) -> Result<MappingConfig, Fault> {
    check_update_form(input)?;
    check_no_success(input)?;
    check_kind(input, false)?;
    let mut config = mapping.config.clone();
    apply(&mut config, input, engine.settings().filters_max)?;
    if config.on_failure != mapping.config.on_failure
        && let Some(reference) = Reference::parse(&mapping.function_arn)
    {
        engine.read(|state| {
            let function = function_of(state, &reference, engine.account())?;
            check_destination(engine, state, function, &config)
        })?;
    }
    Ok(config)
}

pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let deleted = engine.change(|state| {
        permit(engine, state, call)?;
        let mut mapping = find(state, call)?.clone();
        check_stable(&mapping, "delete")?;
        mapping.enabled = false;
        pass(engine, call, &mut mapping, MappingState::Deleting);
        let shown = shown_to(engine, state, call, &mapping);
        state.mappings.insert(mapping.uuid.clone(), mapping);
        Ok(shown)
    })?;
    Ok(Reply::json(202, deleted))
}

/// Lets a mapping into a passing state, for as long as it takes.
fn pass(engine: &Engine, call: &Call, mapping: &mut Mapping, state: MappingState) {
    let delays = engine.settings().delays;
    mapping.state = state;
    mapping.settles_at = call.now + delays.of(state, &call.ids);
    if matches!(state, MappingState::Creating | MappingState::Enabling) {
        mapping.polls_from = Some(mapping.settles_at + delays.until_first_poll(&call.ids));
    }
    mapping.last_modified = call.now;
    mapping.revision += 1;
}

/// A mapping begins at the oldest record there is now, or behind the latest, unless it is to miss some after that.
fn fix_beginning(engine: &Engine, state: &State, mapping: &Mapping) -> Result<(), Fault> {
    let is_latest = mapping.config.starting_position == StartingPosition::Latest;
    if !(is_latest && engine.settings().has_latest_gap()) {
        checkpoints::begin(engine, state, mapping)?;
    }
    Ok(())
}

/// The caller may do this to the mapping it names, whatever it calls now and is to call.
fn permit(engine: &Engine, state: &State, call: &Call) -> Result<(), Fault> {
    let resource = mapping_arn(&call.account, call.text("UUID").unwrap_or("*"));
    let current = find(state, call).ok().map(|it| it.function_arn.clone());
    let asked = permissions::asked_function(call, &call.account);
    let functions: Vec<String> = current.into_iter().chain(asked).collect();
    permissions::permit_mapping(engine, state, call, &resource, &functions)
}

fn mapping_arn(account: &Account, uuid: &str) -> String {
    account
        .arn("lambda", format!("event-source-mapping:{uuid}"))
        .to_string()
}

/// As far as the caller may see it.
fn shown_to(engine: &Engine, state: &State, call: &Call, mapping: &Mapping) -> Value {
    let mut out = shown(mapping, &call.account);
    filter_keys::reveal(engine, state, call, mapping, &mut out);
    out
}

/// `EventSourceMappingConfiguration`
fn shown(mapping: &Mapping, account: &Account) -> Value {
    let mut out = mapping.config.to_aws();
    out["UUID"] = mapping.uuid.as_str().into();
    out["EventSourceArn"] = mapping.stream_arn.as_str().into();
    out["EventSourceMappingArn"] = mapping_arn(account, &mapping.uuid).into();
    out["FunctionArn"] = mapping.function_arn.as_str().into();
    out["LastModified"] = epoch_secs(mapping.last_modified).into();
    out["LastProcessingResult"] = mapping.last_processing_result.as_str().into();
    out["State"] = json!(mapping.state);
    out["StateTransitionReason"] = "User action".into();
    out
}

fn find<'s>(state: &'s State, call: &Call) -> Result<&'s Mapping, Fault> {
    let uuid = call.text("UUID").unwrap_or_default();
    state.mappings.get(uuid).ok_or_else(unknown)
}

fn unknown() -> Fault {
    not_found("The resource you requested does not exist.")
}

/// The source must at least look like a DynamoDB stream.
fn stream_arn(input: &Value) -> Result<String, Fault> {
    let text = input["EventSourceArn"].as_str().unwrap_or_default();
    let is_stream = text.parse::<Arn>().is_ok_and(|arn| {
        arn.service == "dynamodb"
            && arn.resource.starts_with("table/")
            && arn.resource.contains("/stream/")
    });
    if is_stream {
        return Ok(text.to_owned());
    }
    Err(invalid("Unrecognized event source."))
}

fn function_of<'s>(
    state: &'s State,
    reference: &Reference,
    account: &Account,
) -> Result<&'s Arc<Version>, Fault> {
    names::known(state, reference, account).ok_or_else(|| invalid("Function does not exist"))
}

/// The stream is there and the execution role may read it.
fn check_stream(
    engine: &Engine,
    state: &State,
    function: &Version,
    stream: &str,
    now: SystemTime,
) -> Result<(), Fault> {
    let found = state.streams.get(stream);
    if found.is_none_or(|it| shards::is_forgotten(it, now)) {
        return Err(invalid(format!("Stream not found: {stream}")));
    }
    let may = |action: &str| permissions::function_may(engine, state, function, action, stream);
    if STREAM_ACTIONS.into_iter().all(may) {
        return Ok(());
    }
    Err(invalid(format!(
        "Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )))
}

/// The execution role may write to the on-failure destination.
fn check_destination(
    engine: &Engine,
    state: &State,
    function: &Version,
    config: &MappingConfig,
) -> Result<(), Fault> {
    let Some(destination) = &config.on_failure else {
        return Ok(());
    };
    let service = destination.parse::<Arn>().map(|arn| arn.service);
    let needs = match service.as_deref() {
        Ok("sqs") => vec![("sqs:SendMessage", destination.clone())],
        Ok("sns") => vec![("sns:Publish", destination.clone())],
        Ok("s3") => vec![
            ("s3:PutObject", format!("{destination}/*")),
            ("s3:ListBucket", destination.clone()),
        ],
        _ => Vec::new(),
    };
    let denied = needs.into_iter().find(|(action, resource)| {
        !permissions::function_may(engine, state, function, action, resource)
    });
    let Some((action, _)) = denied else {
        return Ok(());
    };
    let (service, operation) = action.split_once(':').unwrap_or_default();
    Err(invalid(format!(
        "The provided execution role does not have permissions to call {operation} on {}",
        service.to_uppercase()
    )))
}

/// One mapping of a function on a stream is enough; `uuid` is the mapping that may be the one.
fn check_unique(state: &State, stream: &str, function_arn: &str, uuid: &str) -> Result<(), Fault> {
    let calls = |mapping: &Mapping| {
        let next = mapping.next.as_ref();
        mapping.function_arn == function_arn
            || next.is_some_and(|next| next.function_arn == function_arn)
    };
    let twin = state
        .mappings
        .values()
        .find(|it| it.stream_arn == stream && calls(it) && it.uuid != uuid);
    let Some(twin) = twin else {
        return Ok(());
    };
    let name = Reference::parse(function_arn).map_or_else(String::new, |it| it.name);
    // The blanks inside the brackets are AWS's.
    Err(conflict(format!(
        "The event source arn (\" {stream} \") and function (\" {name} \") provided mapping already exists. Please update or delete the existing mapping with UUID {}",
        twin.uuid
    )))
}

fn check_stable(mapping: &Mapping, verb: &str) -> Result<(), Fault> {
    if matches!(
        mapping.state,
        MappingState::Enabled | MappingState::Disabled
    ) {
        return Ok(());
    }
    Err(Fault::new(
        400,
        "ResourceInUseException",
        format!("Cannot {verb} the event source mapping because it is in use."),
    ))
}

#[cfg(test)]
#[path = "mappings_tests.rs"]
mod tests;

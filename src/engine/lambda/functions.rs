//! Functions: made, shown, changed and deleted. Runs none of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::checks::{Checks, conflict, flag, invalid, whole};
use super::code::{self, Code};
use super::names::{self, LATEST, Reference};
use super::{permissions, settings, shapes, tags, versions};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Later, Reply};
use crate::engine::state::{Function, State, Version};

/// How long a function is `Pending`, or an update `InProgress`.
const SETTLING: Duration = Duration::from_millis(200);
/// Functions in one page, whatever is asked for.
const PAGE_MAX: usize = 50;

pub(super) fn create(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let name = check_creation(&call)?;
        let call_for_code = call.clone();
        let code = engine
            .beside(move || Code::read(&call_for_code.input["Code"]))
            .await??;
        let created = engine.change(|state| {
            if state.functions.contains_key(&name) {
                return Err(conflict(format!("Function already exist: {name}")));
            }
            let mut latest = new_version(&call, &name, &code);
            settings::apply(&mut latest, &call.input)?;
            permissions::may_use_role(&engine, state, &call, &latest.role)?;
            code.save(&engine)?;
            let mut function = Function {
                latest: Arc::new(latest),
                reserved_concurrency: None,
                tags: tags::read(&call.input["Tags"]),
                published: BTreeMap::new(),
                last_published: 0,
                aliases: BTreeMap::new(),
                follows: None,
            };
            let made = match flag(&call.input, "Publish") {
                Some(true) => versions::publish_latest(&mut function, None, &call.ids),
                _ => Arc::clone(&function.latest),
            };
            state.functions.insert(name.clone(), function);
            Ok(made)
        })?;
        Ok(Reply::json(201, settings::shown(&created, call.now).into()))
    })
}

/// Of a version only what is its own.
pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let found = names::find(state, call)?;
    let (function, version) = (found.function, found.version);
    let region = &call.account.region;
    let is_latest = version.version == LATEST;
    let query = if is_latest {
        String::new()
    } else {
        format!("?Qualifier={}", version.version)
    };
    let location = format!(
        "https://lambda.{region}.amazonaws.com/2015-03-31/functions/{}/package{query}",
        version.name
    );
    let mut reply = json!({
        "Configuration": shown_as(version, call, found.qualifier.as_deref()),
        "Code": { "RepositoryType": "S3", "Location": location },
    });
    if is_latest && !function.tags.is_empty() {
        reply["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved_concurrency.filter(|_| is_latest) {
        reply["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(reply.into())
}

pub(super) fn get_configuration(state: &mut State, call: &Call) -> Answer {
    let found = names::find(state, call)?;
    Ok(shown_as(found.version, call, found.qualifier.as_deref()).into())
}

/// The package as it was uploaded. Not an operation of AWS, where `Code.Location` leads to S3.
pub(super) fn package(engine: &Engine, call: &Call) -> Answer {
    let sha256 = engine.read(|state| {
        let found = names::find(state, call)?;
        Ok::<_, Fault>(found.version.code_sha256.clone())
    })?;
    let zip = code::stored(engine, &sha256)?;
    Ok(Reply {
        status: 200,
        headers: vec![("content-type".into(), "application/zip".to_owned())],
        body: Body::Blob(zip.into()),
    })
}

/// `ListFunctions`: the `$LATEST` of each, or every version (`FunctionVersion=ALL`), named with its qualifier.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "MaxItems")?.unwrap_or(i64::MAX);
    let versions = call.text("FunctionVersion");
    let mut checks = Checks::default();
    if let Some(versions) = versions {
        checks.one_of("functionVersion", versions, &["ALL"]);
    }
    checks.range("maxItems", asked.min(10_000), (1, 10_000));
    checks.finish()?;
    let limit = usize::try_from(asked).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let place = |it: &Version| (it.name.clone(), versions::number(&it.version));
    let after = call.text("Marker").map(|marker| {
        let (name, number) = marker.split_once(':').unwrap_or((marker, ""));
        (name.to_owned(), versions::number(number))
    });
    let mut rest = state
        .functions
        .values()
        .flat_map(|it| {
            let published = it.published.values().filter(|_| versions.is_some());
            [&it.latest].into_iter().chain(published)
        })
        .filter(|it| after.as_ref().is_none_or(|after| place(it) > *after));
    let page: Vec<&Arc<Version>> = rest.by_ref().take(limit).collect();
    let shown: Vec<Value> = page
        .iter()
        .map(|it| match versions {
            Some(_) => versions::shown_qualified(it, call),
            None => shown_as(it, call, None),
        })
        .collect();
    let mut reply = json!({ "Functions": shown });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        let marker = match versions::number(&last.version) {
            Some(number) => format!("{}:{number}", last.name),
            None => last.name.clone(),
        };
        reply["NextMarker"] = marker.into();
    }
    Ok(reply.into())
}

pub(super) fn update_code(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        names::reference(&call)?;
        versions::check_publish_to(&call.input)?;
        let call_for_code = call.clone();
        let code = engine
            .beside(move || Code::read(&call_for_code.input))
            .await??;
        let shown = engine.change(|state| {
            let mut function = changeable(state, &call)?;
            let latest = Arc::make_mut(&mut function.latest);
            let former = std::mem::replace(&mut latest.code_sha256, code.sha256.clone());
            latest.code_size = code.zip.len() as u64;
            if let Some(architectures) = call.input.get("Architectures") {
                latest
                    .settings
                    .insert("Architectures".to_owned(), architectures.clone());
            }
            touch(latest, &call);
            let name = latest.name.clone();
            if flag(&call.input, "DryRun") == Some(true) {
                return Ok(shown_as(latest, &call, None));
            }
            code.save(&engine)?;
            let shown = match flag(&call.input, "Publish") {
                Some(true) => {
                    let made = versions::publish_latest(&mut function, None, &call.ids);
                    versions::shown_qualified(&made, &call)
                }
                _ => shown_as(&function.latest, &call, None),
            };
            state.functions.insert(name, function);
            code::release(&engine, state, &former)?;
            Ok(shown)
        })?;
        Ok(shown.into())
    })
}

pub(super) fn update_configuration(engine: &Engine, call: &Call) -> Answer {
    settings::check(&call.input)?;
    let updated = engine.change(|state| {
        let mut function = changeable(state, call)?;
        let latest = Arc::make_mut(&mut function.latest);
        settings::apply(latest, &call.input)?;
        if call.text("Role").is_some() {
            permissions::may_use_role(engine, state, call, &latest.role)?;
        }
        touch(latest, call);
        let shown = shown_as(latest, call, None);
        state.functions.insert(latest.name.clone(), function);
        Ok(shown)
    })?;
    Ok(updated.into())
}

/// A version, or the function with all that is of it.
pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    if reference.qualifier.is_some() {
        return versions::delete(engine, call, &reference);
    }
    delete_whole(engine, call, &reference)
}

fn delete_whole(engine: &Engine, call: &Call, reference: &Reference) -> Answer {
    engine.change(|state| {
        if names::function(state, reference, &call.account).is_none() {
            return Err(names::missing(reference, &call.account));
        }
        if let Some(function) = state.functions.remove(&reference.name) {
            for version in function.published.values().chain([&function.latest]) {
                code::release(engine, state, &version.code_sha256)?;
            }
        }
        Ok(())
    })?;
    engine.lambda().pool.forget(&reference.name, None);
    engine.lambda().follows.ring();
    Ok(no_content())
}

pub(super) fn no_content() -> Reply {
    Reply {
        status: 204,
        headers: Vec::new(),
        body: Body::Empty,
    }
}

/// The form of a creation, before its code is looked at. Returns the name.
fn check_creation(call: &Call) -> Result<String, Fault> {
    let reference = names::reference(call)?;
    let input = &call.input;
    if input["Role"].is_null() {
        let mut checks = Checks::default();
        checks.missing("role");
        checks.finish()?;
    }
    versions::check_publish_to(input)?;
    settings::check(input)?;
    shapes::check(input, shapes::TAG)?;
    let mut checks = Checks::default();
    tags::check_form(&input["Tags"], &mut checks);
    checks.finish()?;
    tags::check(&input["Tags"])?;
    let is_image = input["PackageType"] == "Image";
    if !is_image && (input["Runtime"].is_null() || input["Handler"].is_null()) {
        return Err(invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ));
    }
    Ok(reference.name)
}

fn new_version(call: &Call, name: &str, code: &Code) -> Version {
    let mut settings = BTreeMap::new();
    if let Some(architectures) = call.input.get("Architectures") {
        settings.insert("Architectures".to_owned(), architectures.clone());
    }
    Version {
        name: name.to_owned(),
        arn: names::function_arn(&call.account, name),
        version: LATEST.to_owned(),
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        description: String::new(),
        published_as: None,
        timeout_secs: 3,
        memory_mb: 128,
        environment: BTreeMap::new(),
        code_sha256: code.sha256.clone(),
        code_size: code.zip.len() as u64,
        revision_id: call.ids.uuid(),
        last_modified: call.now,
        ready_at: call.now + SETTLING,
        created: true,
        settings,
    }
}

/// A copy of the function a call wants to change, when nothing else changes it at the time.
pub(super) fn changeable(state: &State, call: &Call) -> Result<Function, Fault> {
    let function = names::find_whole(state, call)?;
    let latest = &function.latest;
    if settings::is_pending(latest, call.now) {
        return Err(pending());
    }
    if settings::is_updating(latest, call.now) {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            latest.arn
        )));
    }
    check_revision(call, &latest.revision_id)?;
    Ok(function.clone())
}

/// A call that names a revision means that one and no other.
pub(super) fn check_revision(call: &Call, current: &str) -> Result<(), Fault> {
    match call.text("RevisionId") {
        Some(revision) if revision != current => Err(Fault::new(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        )),
        _ => Ok(()),
    }
}

/// What a function that is not active yet answers to everything.
pub(super) fn pending() -> Fault {
    conflict(
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
    )
}

fn touch(latest: &mut Version, call: &Call) {
    latest.revision_id = call.ids.uuid();
    latest.last_modified = call.now;
    latest.ready_at = call.now + SETTLING;
    latest.created = false;
}

/// The ARN carries the qualifier that was asked for.
pub(super) fn shown_as(version: &Version, call: &Call, qualifier: Option<&str>) -> Value {
    let mut shown = settings::shown(version, call.now);
    if let Some(qualifier) = qualifier {
        let arn = format!("{}:{qualifier}", version.arn);
        shown.insert("FunctionArn".to_owned(), arn.into());
    }
    shown.into()
}

#[cfg(test)]
#[path = "functions_tests.rs"]
mod tests;

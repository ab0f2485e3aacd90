//! Functions: made, shown, changed and deleted. Runs none of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::checks::{Checks, conflict, flag, invalid, whole};
use super::code::{self, Code};
use super::names::{self, LATEST};
use super::{permissions, settings, shapes, tags};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Later, Reply};
use crate::engine::state::{Function, State};

/// How long a function is `Pending`, or an update `InProgress`.
const SETTLING: Duration = Duration::from_millis(200);
/// Concurrent executions of the account.
pub(super) const CONCURRENCY: u32 = 1000;
/// What must stay for functions that reserve nothing.
const UNRESERVED_MIN: u32 = 100;
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
            let mut function = new_function(&call, &name, &code);
            settings::apply(&mut function, &call.input)?;
            permissions::may_use_role(&engine, state, &call, &function.role)?;
            code.save(&engine)?;
            state.functions.insert(name.clone(), function.clone());
            Ok(function)
        })?;
        Ok(Reply::json(201, settings::shown(&created, call.now).into()))
    })
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let (function, qualifier) = names::find(state, call)?;
    let region = &call.account.region;
    let location = format!(
        "https://lambda.{region}.amazonaws.com/2015-03-31/functions/{}/package",
        function.name
    );
    let mut reply = json!({
        "Configuration": shown_as(function, call, qualifier.as_deref()),
        "Code": { "RepositoryType": "S3", "Location": location },
    });
    if !function.tags.is_empty() {
        reply["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved_concurrency {
        reply["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(reply.into())
}

pub(super) fn get_configuration(state: &mut State, call: &Call) -> Answer {
    let (function, qualifier) = names::find(state, call)?;
    Ok(shown_as(function, call, qualifier.as_deref()).into())
}

/// The package as it was uploaded. Not an operation of AWS, where `Code.Location` leads to S3.
pub(super) fn package(engine: &Engine, call: &Call) -> Answer {
    let sha256 = engine.read(|state| {
        let (function, _) = names::find(state, call)?;
        Ok::<_, Fault>(function.code_sha256.clone())
    })?;
    let zip = code::stored(engine, &sha256)?;
    Ok(Reply {
        status: 200,
        headers: vec![("content-type".into(), "application/zip".to_owned())],
        body: Body::Blob(zip.into()),
    })
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "MaxItems")?.unwrap_or(i64::MAX);
    let mut checks = Checks::default();
    checks.range("maxItems", asked.min(10_000), (1, 10_000));
    checks.finish()?;
    let limit = usize::try_from(asked).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let after = call.text("Marker").unwrap_or_default();
    let mut rest = state
        .functions
        .values()
        .filter(|function| function.name.as_str() > after);
    let page: Vec<&Function> = rest.by_ref().take(limit).collect();
    let shown: Vec<Value> = page
        .iter()
        .map(|function| settings::shown(function, call.now).into())
        .collect();
    let mut reply = json!({ "Functions": shown });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        reply["NextMarker"] = json!(last.name);
    }
    Ok(reply.into())
}

pub(super) fn update_code(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        names::reference(&call)?;
        let call_for_code = call.clone();
        let code = engine
            .beside(move || Code::read(&call_for_code.input))
            .await??;
        let updated = engine.change(|state| {
            let mut function = changeable(state, &call)?;
            let former = std::mem::replace(&mut function.code_sha256, code.sha256.clone());
            function.code_size = code.zip.len() as u64;
            if let Some(architectures) = call.input.get("Architectures") {
                function
                    .settings
                    .insert("Architectures".to_owned(), architectures.clone());
            }
            touch(&mut function, &call);
            if flag(&call.input, "DryRun") == Some(true) {
                return Ok(function);
            }
            code.save(&engine)?;
            state
                .functions
                .insert(function.name.clone(), function.clone());
            code::release(&engine, state, &former)?;
            Ok(function)
        })?;
        Ok(Value::from(settings::shown(&updated, call.now)).into())
    })
}

pub(super) fn update_configuration(engine: &Engine, call: &Call) -> Answer {
    settings::check(&call.input)?;
    let updated = engine.change(|state| {
        let mut function = changeable(state, call)?;
        settings::apply(&mut function, &call.input)?;
        if call.text("Role").is_some() {
            permissions::may_use_role(engine, state, call, &function.role)?;
        }
        touch(&mut function, call);
        state
            .functions
            .insert(function.name.clone(), function.clone());
        Ok(function)
    })?;
    Ok(Value::from(settings::shown(&updated, call.now)).into())
}

pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let name = engine.change(|state| {
        let (function, qualifier) = names::find(state, call)?;
        if qualifier.as_deref() == Some(LATEST) {
            return Err(invalid(
                "$LATEST version cannot be deleted without deleting the function.",
            ));
        }
        let (name, sha256) = (function.name.clone(), function.code_sha256.clone());
        state.functions.remove(&name);
        code::release(engine, state, &sha256)?;
        Ok(name)
    })?;
    engine.lambda().pool.forget(&name);
    Ok(no_content())
}

pub(super) fn put_concurrency(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "ReservedConcurrentExecutions")?;
    let mut checks = Checks::default();
    match asked {
        None => checks.missing("reservedConcurrentExecutions"),
        Some(asked) => checks.range("reservedConcurrentExecutions", asked, (0, i64::MAX)),
    }
    checks.finish()?;
    let name = names::find(state, call)?.0.name.clone();
    let asked = u32::try_from(asked.unwrap_or_default()).unwrap_or(u32::MAX);
    let others: u32 = state
        .functions
        .values()
        .filter(|function| function.name != name)
        .filter_map(|function| function.reserved_concurrency)
        .sum();
    if asked > CONCURRENCY - UNRESERVED_MIN - others.min(CONCURRENCY - UNRESERVED_MIN) {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
        )));
    }
    set_concurrency(state, &name, Some(asked));
    Ok(json!({ "ReservedConcurrentExecutions": asked }).into())
}

pub(super) fn get_concurrency(state: &mut State, call: &Call) -> Answer {
    let (function, _) = names::find(state, call)?;
    Ok(match function.reserved_concurrency {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    }
    .into())
}

pub(super) fn delete_concurrency(state: &mut State, call: &Call) -> Answer {
    let name = names::find(state, call)?.0.name.clone();
    set_concurrency(state, &name, None);
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

fn new_function(call: &Call, name: &str, code: &Code) -> Function {
    let mut settings = std::collections::BTreeMap::new();
    if let Some(architectures) = call.input.get("Architectures") {
        settings.insert("Architectures".to_owned(), architectures.clone());
    }
    Function {
        name: name.to_owned(),
        arn: names::function_arn(&call.account, name),
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        description: String::new(),
        timeout_secs: 3,
        memory_mb: 128,
        environment: std::collections::BTreeMap::new(),
        code_sha256: code.sha256.clone(),
        code_size: code.zip.len() as u64,
        revision_id: call.ids.uuid(),
        last_modified: call.now,
        ready_at: call.now + SETTLING,
        created: true,
        reserved_concurrency: None,
        tags: tags::read(&call.input["Tags"]),
        settings,
    }
}

/// A copy of the function a call wants to change, when nothing else changes it at the time.
fn changeable(state: &State, call: &Call) -> Result<Function, Fault> {
    let (function, _) = names::find(state, call)?;
    if settings::is_pending(function, call.now) {
        return Err(pending());
    }
    if settings::is_updating(function, call.now) {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            function.arn
        )));
    }
    match call.text("RevisionId") {
        Some(revision) if revision != function.revision_id => Err(Fault::new(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        )),
        _ => Ok(function.clone()),
    }
}

/// What a function that is not active yet answers to everything.
pub(super) fn pending() -> Fault {
    conflict(
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
    )
}

fn touch(function: &mut Function, call: &Call) {
    function.revision_id = call.ids.uuid();
    function.last_modified = call.now;
    function.ready_at = call.now + SETTLING;
    function.created = false;
}

fn set_concurrency(state: &mut State, name: &str, reserved: Option<u32>) {
    if let Some(function) = state.functions.get_mut(name) {
        function.reserved_concurrency = reserved;
    }
}

/// The ARN carries the qualifier that was asked for.
fn shown_as(function: &Function, call: &Call, qualifier: Option<&str>) -> Value {
    let mut shown = settings::shown(function, call.now);
    if let Some(qualifier) = qualifier {
        let arn = format!("{}:{qualifier}", function.arn);
        shown.insert("FunctionArn".to_owned(), arn.into());
    }
    shown.into()
}

#[cfg(test)]
#[path = "functions_tests.rs"]
mod tests;

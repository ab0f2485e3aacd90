//! Published versions: made from `$LATEST`, listed and deleted. They never change.

use std::sync::Arc;

use serde_json::{Value, json};

use super::checks::{Checks, conflict, invalid, whole};
use super::names::{self, LATEST, Reference};
use super::{aliases, code, functions};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Function, State, Version};
use crate::ids::Ids;

/// Versions in one page, whatever is asked for.
const PAGE_MAX: usize = 50;
pub(super) const DESCRIPTION_CHARS_MAX: usize = 256;
/// What a list leaves out, as its answer on AWS does.
const UNLISTED: [&str; 7] = [
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RuntimeVersionConfig",
];

/// `PublishVersion`
pub(super) fn publish(state: &mut State, call: &Call) -> Answer {
    names::reference(call)?;
    let description = call.text("Description");
    let mut checks = Checks::default();
    if let Some(description) = description {
        checks.length("description", description, DESCRIPTION_CHARS_MAX);
    }
    checks.finish()?;
    check_publish_to(&call.input)?;
    let mut function = functions::changeable(state, call)?;
    let current = &function.latest.code_sha256;
    if let Some(given) = call.text("CodeSha256").filter(|it| it != current) {
        return Err(invalid(format!(
            "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). Please try again with the CodeSHA256 in $LATEST."
        )));
    }
    let version = publish_latest(&mut function, description, &call.ids);
    let shown = shown_qualified(&version, call);
    state
        .functions
        .insert(function.latest.name.clone(), function);
    Ok(Reply::json(201, shown))
}

/// Makes a version of `$LATEST` as it is, unless the last version is the same. `description` stands for its own.
pub(super) fn publish_latest(
    function: &mut Function,
    description: Option<&str>,
    ids: &Ids,
) -> Arc<Version> {
    if let Some(last) = function.published.get(&function.last_published)
        && is_same(last, &function.latest)
    {
        return Arc::clone(last);
    }
    function.last_published += 1;
    let mut version = (*function.latest).clone();
    version.version = function.last_published.to_string();
    version.published_as = description.map(str::to_owned);
    version.revision_id = ids.uuid();
    // What is made along with it is pending until `$LATEST` is ready.
    version.created = true;
    let version = Arc::new(version);
    function
        .published
        .insert(function.last_published, Arc::clone(&version));
    // A publication gives `$LATEST` a new revision, too.
    Arc::make_mut(&mut function.latest).revision_id = ids.uuid();
    version
}

/// Only functions of capacity providers, which are not simulated, publish to other places.
pub(super) fn check_publish_to(input: &Value) -> Result<(), Fault> {
    if input["PublishTo"].is_null() {
        return Ok(());
    }
    Err(invalid(
        "PublishTo is for functions with a capacity provider, which this cloud does not have; leave it out.",
    ))
}

/// `ListVersionsByFunction`: `$LATEST`, then versions by their number.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "MaxItems")?.unwrap_or(i64::MAX);
    let mut checks = Checks::default();
    checks.range("maxItems", asked.min(10_000), (1, 10_000));
    checks.finish()?;
    let function = names::find_whole(state, call)?;
    let limit = usize::try_from(asked).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let after = call.text("Marker").unwrap_or_default();
    let all = [&function.latest]
        .into_iter()
        .chain(function.published.values());
    let mut rest = all.skip_while(|it| !after.is_empty() && it.version != after);
    if !after.is_empty() {
        rest.next();
    }
    let page: Vec<&Arc<Version>> = rest.by_ref().take(limit).collect();
    let shown: Vec<Value> = page.iter().map(|it| listed(it, call)).collect();
    let mut reply = json!({ "Versions": shown });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        reply["NextMarker"] = json!(last.version);
    }
    Ok(reply.into())
}

/// `DeleteFunction` with a qualifier. One that is not there is as good as deleted.
pub(super) fn delete(engine: &Engine, call: &Call, reference: &Reference) -> Answer {
    let asked = reference.qualifier.as_deref().unwrap_or_default();
    if asked == LATEST {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
    }
    let Some(number) = number(asked) else {
        return Err(invalid("Deletion of aliases is not currently supported."));
    };
    let gone = engine.change(|state| {
        let Some(function) = names::function(state, reference, &call.account) else {
            return Err(names::missing(&reference.unqualified(), &call.account));
        };
        let aliases = aliases::leading_to(function, asked);
        if !aliases.is_empty() {
            return Err(conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                aliases.join(", ")
            )));
        }
        let mut function = function.clone();
        let Some(version) = function.published.remove(&number) else {
            return Ok(None);
        };
        let name = version.name.clone();
        state.functions.insert(name, function);
        code::release(engine, state, &version.code_sha256)?;
        Ok(Some(version))
    })?;
    if let Some(version) = gone {
        engine
            .lambda()
            .pool
            .forget(&version.name, Some(&version.version));
    }
    Ok(functions::no_content())
}

/// With the version in its ARN.
pub(super) fn shown_qualified(version: &Version, call: &Call) -> Value {
    functions::shown_as(version, call, Some(&version.version))
}

/// As lists of versions show it.
pub(super) fn listed(version: &Version, call: &Call) -> Value {
    let mut shown = shown_qualified(version, call);
    if let Value::Object(members) = &mut shown {
        members.retain(|name, _| !UNLISTED.contains(&name.as_str()));
    }
    shown
}

/// A version's number; not that of an alias.
pub(super) fn number(qualifier: &str) -> Option<u64> {
    let is_number = qualifier.bytes().all(|byte| byte.is_ascii_digit());
    // Of a number too large for any version: one that is never there.
    (is_number && !qualifier.is_empty()).then(|| qualifier.parse().unwrap_or(u64::MAX))
}

/// Whether two versions have the same code and settings.
fn is_same(one: &Version, other: &Version) -> bool {
    one.code_sha256 == other.code_sha256
        && one.runtime == other.runtime
        && one.handler == other.handler
        && one.role == other.role
        && one.description == other.description
        && one.timeout_secs == other.timeout_secs
        && one.memory_mb == other.memory_mb
        && one.environment == other.environment
        && one.settings == other.settings
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;

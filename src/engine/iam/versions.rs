//! Versions of managed policies: the default one counts, up to four others are kept.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::entities::{conflict, nothing};
use super::input::{self, limit_exceeded, no_such_entity, url_encoded};
use super::policies;
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{ManagedPolicy, PolicyVersion, State};

/// Versions of one policy, the default one among them.
const VERSIONS_MAX: usize = 5;

/// A version, whether the default one or not.
struct Version<'a> {
    number: u32,
    is_default: bool,
    document: &'a str,
    created: SystemTime,
}

/// `v2`
pub(super) fn shown(number: u32) -> String {
    format!("v{number}")
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let policy = find_own(state, call)?;
    let document = policies::asked_document(call, &policy.name)?;
    if policy.others.len() + 1 >= VERSIONS_MAX {
        return Err(limit_exceeded(format!(
            "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete an \
             existing version."
        )));
    }
    policy.versions_made += 1;
    let number = policy.versions_made;
    let version = PolicyVersion {
        document,
        created: call.now,
    };
    policy.others.insert(number, version);
    if input::boolean(call, "SetAsDefault") {
        make_default(policy, number);
    }
    let made = all(policy).into_iter().find(|it| it.number == number);
    Ok(json!({ "PolicyVersion": made.map(|it| describe(&it)) }).into())
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let policy = policies::find(state, call)?;
    let number = asked(policy, call)?;
    let found = all(policy).into_iter().find(|it| it.number == number);
    let shown = found.map(|version| {
        let mut shown = describe(&version);
        let document = json!(url_encoded(version.document));
        shown.insert("Document".to_owned(), document);
        shown
    });
    Ok(json!({ "PolicyVersion": shown }).into())
}

/// Newest first.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let versions = all(policies::find(state, call)?);
    let versions: Vec<(String, Version<'_>)> = versions
        .into_iter()
        .rev()
        .map(|it| (shown(it.number), it))
        .collect();
    let page = input::page(
        call,
        "Versions",
        &versions,
        |(name, _)| name,
        |(_, version)| Value::Object(describe(version)),
    )?;
    Ok(Value::Object(page).into())
}

pub(super) fn set_default(state: &mut State, call: &Call) -> Answer {
    let policy = find_own(state, call)?;
    let number = asked(policy, call)?;
    make_default(policy, number);
    Ok(nothing())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let policy = find_own(state, call)?;
    let number = asked(policy, call)?;
    if policy.others.remove(&number).is_none() {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    Ok(nothing())
}

fn find_own<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut ManagedPolicy, Fault> {
    let arn = policies::find(state, call)?.arn.clone();
    policies::check_own(&arn)?;
    state
        .policies
        .get_mut(&arn)
        .ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
}

/// The number of a version that the request names and the policy has.
fn asked(policy: &ManagedPolicy, call: &Call) -> Result<u32, Fault> {
    let version = input::required(call, "VersionId")?;
    let number = version.strip_prefix('v').and_then(|it| it.parse().ok());
    number
        .filter(|it| *it == policy.version || policy.others.contains_key(it))
        .ok_or_else(|| {
            no_such_entity(format!(
                "Policy {} version {version} does not exist or is not attachable.",
                policy.arn
            ))
        })
}

fn make_default(policy: &mut ManagedPolicy, number: u32) {
    let Some(next) = policy.others.remove(&number) else {
        return;
    };
    let former = PolicyVersion {
        document: std::mem::replace(&mut policy.document, next.document),
        created: policy.version_created.unwrap_or(policy.created),
    };
    policy.others.insert(policy.version, former);
    policy.version = number;
    policy.version_created = Some(next.created);
}

/// By number.
fn all(policy: &ManagedPolicy) -> Vec<Version<'_>> {
    let mut found: Vec<Version<'_>> = policy
        .others
        .iter()
        .map(|(number, other)| Version {
            number: *number,
            is_default: false,
            document: &other.document,
            created: other.created,
        })
        .collect();
    found.push(Version {
        number: policy.version,
        is_default: true,
        document: &policy.document,
        created: policy.version_created.unwrap_or(policy.created),
    });
    found.sort_by_key(|it| it.number);
    found
}

fn describe(version: &Version<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("VersionId".to_owned(), json!(shown(version.number)));
    members.insert("IsDefaultVersion".to_owned(), json!(version.is_default));
    members.insert("CreateDate".to_owned(), json!(iso_secs(version.created)));
    members
}

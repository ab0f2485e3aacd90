//! Operations on roles alone: the role itself and its trust policy.

use serde_json::{Map, Value, json};

use super::entities::{self, Kind, nothing, policy_size};
use super::input::{self, limit_exceeded, url_encoded};
use super::policy::{self, check_trust};
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{Role, State};

/// Characters of a trust policy, white space not counted.
const TRUST_CHARS_MAX: usize = 2048;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = Kind::Role.name(call)?;
    let path = input::path(call)?;
    let trust = trust_document(call, "AssumeRolePolicyDocument")?;
    let max_session_secs = input::number(call, "MaxSessionDuration", 3600, 43200)?.unwrap_or(3600);
    let grants = entities::first_grants(state, call)?;
    // Role names are the same in upper and lower case.
    if state
        .roles
        .keys()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Err(Fault::new(
            409,
            "EntityAlreadyExists",
            format!("Role with name {name} already exists."),
        ));
    }
    let role = Role {
        name: name.to_owned(),
        arn: call
            .account
            .arn("iam", format!("role{path}{name}"))
            .to_string(),
        id: call.ids.key("AROA", 17),
        path: path.to_owned(),
        created: call.now,
        description: call.text("Description").map(str::to_owned),
        max_session_secs,
        trust_policy: trust,
        grants,
    };
    let answer = json!({ "Role": describe(&role, true) });
    state.roles.insert(name.to_owned(), role);
    Ok(answer.into())
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let mut role = describe(find(state, call)?, true);
    role.insert("RoleLastUsed".to_owned(), json!({}));
    Ok(json!({ "Role": role }).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let roles: Vec<&Role> = state
        .roles
        .values()
        .filter(|role| role.path.starts_with(prefix))
        .collect();
    let page = input::page(
        call,
        "Roles",
        &roles,
        |role| &role.name,
        |role| Value::Object(describe(role, false)),
    )?;
    Ok(Value::Object(page).into())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let role = find(state, call)?;
    entities::check_deletable(&role.grants)?;
    let name = role.name.clone();
    state.roles.remove(&name);
    Ok(nothing())
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let max_session_secs = input::number(call, "MaxSessionDuration", 3600, 43200)?;
    let role = find_mut(state, call)?;
    if let Some(secs) = max_session_secs {
        role.max_session_secs = secs;
    }
    if let Some(text) = call.text("Description") {
        role.description = Some(text.to_owned());
    }
    Ok(nothing())
}

pub(super) fn update_trust(state: &mut State, call: &Call) -> Answer {
    let role = find_mut(state, call)?;
    role.trust_policy = trust_document(call, "PolicyDocument")?;
    Ok(nothing())
}

/// Roles for functions are in no instance profile; clients ask before they delete one.
pub(super) fn list_instance_profiles(state: &mut State, call: &Call) -> Answer {
    find(state, call)?;
    Ok(json!({ "InstanceProfiles": [], "IsTruncated": false }).into())
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Role, Fault> {
    let name = Kind::Role.name(call)?;
    state
        .roles
        .get(name)
        .ok_or_else(|| Kind::Role.missing(name))
}

fn find_mut<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut Role, Fault> {
    let name = Kind::Role.name(call)?;
    state
        .roles
        .get_mut(name)
        .ok_or_else(|| Kind::Role.missing(name))
}

fn trust_document(call: &Call, member: &str) -> Result<String, Fault> {
    let document = input::required(call, member)?;
    check_trust(&policy::parse("trust policy", document)?)?;
    if policy_size(document) > TRUST_CHARS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {TRUST_CHARS_MAX}"
        )));
    }
    Ok(document.to_owned())
}

fn describe(role: &Role, with_grants: bool) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("Path", json!(role.path));
    set("RoleName", json!(role.name));
    set("RoleId", json!(role.id));
    set("Arn", json!(role.arn));
    set("CreateDate", json!(iso_secs(role.created)));
    set(
        "AssumeRolePolicyDocument",
        json!(url_encoded(&role.trust_policy)),
    );
    if let Some(description) = &role.description {
        set("Description", json!(description));
    }
    set("MaxSessionDuration", json!(role.max_session_secs));
    if with_grants {
        entities::show_grants(&role.grants, &mut shown);
    }
    shown
}

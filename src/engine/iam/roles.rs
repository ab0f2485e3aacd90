//! Operations on roles: trust policy, inline policies, tags.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::input::{self, limit_exceeded, no_such_entity};
use super::policy::{self, check_identity, check_trust};
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Role, State};

/// Characters of all inline policies of a role together, white space not counted.
const INLINE_CHARS_MAX: usize = 10_240;
/// Characters of a trust policy, white space not counted.
const TRUST_CHARS_MAX: usize = 2048;
const TAGS_MAX: usize = 50;
const ROLE_NAME_CHARS_MAX: usize = 64;
pub(super) const POLICY_NAME_CHARS_MAX: usize = 128;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "RoleName", ROLE_NAME_CHARS_MAX)?;
    let path = input::path(call)?;
    let trust = trust_document(call, "AssumeRolePolicyDocument")?;
    let max_session_secs = input::number(call, "MaxSessionDuration", 3600, 43200)?.unwrap_or(3600);
    let tags = input::tags(call)?;
    if call.text("PermissionsBoundary").is_some() {
        return Err(Fault::new(
            400,
            "InvalidInput",
            "Permissions boundaries are not supported here. Create the role without one.",
        ));
    }
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
        inline: std::collections::BTreeMap::new(),
        attached: Vec::new(),
        tags: tags.into_iter().collect(),
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
    let conflict = |message: &str| Err(Fault::new(409, "DeleteConflict", message));
    if !role.attached.is_empty() {
        return conflict("Cannot delete entity, must detach all policies first.");
    }
    if !role.inline.is_empty() {
        return conflict("Cannot delete entity, must delete policies first.");
    }
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

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    let tags = input::tags(call)?;
    let role = find_mut(state, call)?;
    for (key, value) in tags {
        role.tags
            .retain(|known, _| !known.eq_ignore_ascii_case(&key));
        role.tags.insert(key, value);
    }
    if role.tags.len() > TAGS_MAX {
        return Err(limit_exceeded(format!(
            "The number of tags has reached the maximum limit of {TAGS_MAX}."
        )));
    }
    Ok(nothing())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let keys = input::texts(call, "TagKeys");
    let role = find_mut(state, call)?;
    role.tags
        .retain(|known, _| !keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
    Ok(nothing())
}

pub(super) fn list_tags(state: &mut State, call: &Call) -> Answer {
    let tags: Vec<(&String, &String)> = find(state, call)?.tags.iter().collect();
    let page = input::page(call, "Tags", &tags, |(key, _)| key, show_tag)?;
    Ok(Value::Object(page).into())
}

/// Roles for functions are in no instance profile; clients ask before they delete one.
pub(super) fn list_instance_profiles(state: &mut State, call: &Call) -> Answer {
    find(state, call)?;
    Ok(json!({ "InstanceProfiles": [], "IsTruncated": false }).into())
}

pub(super) fn put_policy(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let document = identity_document(call, name)?;
    let role = find_mut(state, call)?;
    role.inline.insert(name.to_owned(), document);
    let size: usize = role
        .inline
        .values()
        .map(|document| policy_size(document))
        .sum();
    if size > INLINE_CHARS_MAX {
        return Err(limit_exceeded(format!(
            "Maximum policy size of {INLINE_CHARS_MAX} bytes exceeded for role {}",
            role.name
        )));
    }
    Ok(nothing())
}

pub(super) fn get_policy(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let role = find(state, call)?;
    let document = role.inline.get(name).ok_or_else(|| no_role_policy(name))?;
    Ok(json!({
        "RoleName": role.name,
        "PolicyName": name,
        "PolicyDocument": url_encoded(document),
    })
    .into())
}

pub(super) fn list_policies(state: &mut State, call: &Call) -> Answer {
    let names: Vec<&String> = find(state, call)?.inline.keys().collect();
    let page = input::page(call, "PolicyNames", &names, |name| name, |name| json!(name))?;
    Ok(Value::Object(page).into())
}

pub(super) fn delete_policy(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let role = find_mut(state, call)?;
    role.inline
        .remove(name)
        .ok_or_else(|| no_role_policy(name))?;
    Ok(nothing())
}

pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Role, Fault> {
    let name = input::name(call, "RoleName", ROLE_NAME_CHARS_MAX)?;
    state.roles.get(name).ok_or_else(|| no_role(name))
}

pub(super) fn find_mut<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut Role, Fault> {
    let name = input::name(call, "RoleName", ROLE_NAME_CHARS_MAX)?;
    state.roles.get_mut(name).ok_or_else(|| no_role(name))
}

/// A document for roles, checked.
pub(super) fn identity_document(call: &Call, policy: &str) -> Result<String, Fault> {
    let document = input::required(call, "PolicyDocument")?;
    check_identity(&policy::parse(policy, document)?)?;
    Ok(document.to_owned())
}

/// Characters that count towards IAM's limits.
pub(super) fn policy_size(document: &str) -> usize {
    document.chars().filter(|it| !it.is_whitespace()).count()
}

/// Documents travel with everything but letters, digits and `-._~` percent-encoded.
pub(super) fn url_encoded(document: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(document, KEPT).to_string()
}

pub(super) fn nothing() -> Reply {
    Reply::from(json!({}))
}

fn show_tag((key, value): &(&String, &String)) -> Value {
    json!({ "Key": key, "Value": value })
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

/// Tags are shown by `GetRole` and `CreateRole`, not in lists.
fn describe(role: &Role, with_tags: bool) -> Map<String, Value> {
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
    if with_tags && !role.tags.is_empty() {
        let tags = role.tags.iter().map(|tag| show_tag(&tag)).collect();
        set("Tags", Value::Array(tags));
    }
    shown
}

fn no_role(name: &str) -> Fault {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

fn no_role_policy(name: &str) -> Fault {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

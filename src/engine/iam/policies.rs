//! Operations on managed policies and what they are attached to.

use serde_json::{Map, Value, json};

use super::input::{self, limit_exceeded, no_such_entity};
use super::managed;
use super::roles::{self, POLICY_NAME_CHARS_MAX, identity_document, nothing, url_encoded};
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{ManagedPolicy, State};

/// Characters of a managed policy, white space not counted.
const POLICY_CHARS_MAX: usize = 6144;
/// Managed policies of one role.
const ATTACHED_MAX: usize = 10;
/// Policies have one version here.
const VERSION: &str = "v1";

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let path = input::path(call)?;
    let document = identity_document(call, name)?;
    if roles::policy_size(&document) > POLICY_CHARS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PolicySize: {POLICY_CHARS_MAX}"
        )));
    }
    let taken = |policy: &ManagedPolicy| policy.name.eq_ignore_ascii_case(name);
    if state.policies.values().any(taken) {
        return Err(Fault::new(
            409,
            "EntityAlreadyExists",
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
        ));
    }
    let policy = ManagedPolicy {
        name: name.to_owned(),
        arn: call
            .account
            .arn("iam", format!("policy{path}{name}"))
            .to_string(),
        id: call.ids.key("ANPA", 17),
        path: path.to_owned(),
        created: call.now,
        description: call.text("Description").map(str::to_owned),
        document,
    };
    let answer = json!({ "Policy": describe(state, &policy, true) });
    state.policies.insert(policy.arn.clone(), policy);
    Ok(answer.into())
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let policy = find(state, call)?;
    Ok(json!({ "Policy": describe(state, policy, true) }).into())
}

pub(super) fn get_version(state: &mut State, call: &Call) -> Answer {
    let policy = find(state, call)?;
    let version = input::required(call, "VersionId")?;
    if version != VERSION {
        return Err(no_such_entity(format!(
            "Policy {} version {version} does not exist or is not attachable.",
            policy.arn
        )));
    }
    let mut shown = version_of(policy);
    shown.insert("Document".to_owned(), json!(url_encoded(&policy.document)));
    Ok(json!({ "PolicyVersion": shown }).into())
}

pub(super) fn list_versions(state: &mut State, call: &Call) -> Answer {
    let policy = find(state, call)?;
    let page = input::page(
        call,
        "Versions",
        &[policy],
        |_| VERSION,
        |policy| Value::Object(version_of(policy)),
    )?;
    Ok(Value::Object(page).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let scope = call.text("Scope").unwrap_or("All");
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let only_attached = input::boolean(call, "OnlyAttached");
    let mut policies: Vec<&ManagedPolicy> = Vec::new();
    if scope != "AWS" {
        policies.extend(state.policies.values());
    }
    if scope != "Local" {
        policies.extend(managed::all());
    }
    policies.retain(|policy| {
        policy.path.starts_with(prefix) && (!only_attached || attachments(state, &policy.arn) > 0)
    });
    policies.sort_by(|one, other| one.arn.cmp(&other.arn));
    let page = input::page(
        call,
        "Policies",
        &policies,
        |policy| &policy.arn,
        |policy| Value::Object(describe(state, policy, false)),
    )?;
    Ok(Value::Object(page).into())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let arn = find(state, call)?.arn.clone();
    if managed::is_of_aws(&arn) {
        return Err(Fault::new(
            403,
            "AccessDenied",
            format!("Policy {arn} belongs to AWS and cannot be deleted."),
        ));
    }
    if attachments(state, &arn) > 0 {
        return Err(Fault::new(
            409,
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    state.policies.remove(&arn);
    Ok(nothing())
}

pub(super) fn list_entities(state: &mut State, call: &Call) -> Answer {
    let arn = &find(state, call)?.arn;
    let wanted = matches!(call.text("EntityFilter"), None | Some("Role"));
    let roles: Vec<_> = state
        .roles
        .values()
        .filter(|role| wanted && role.attached.contains(arn))
        .collect();
    let mut page = input::page(
        call,
        "PolicyRoles",
        &roles,
        |role| &role.name,
        |role| json!({ "RoleName": role.name, "RoleId": role.id }),
    )?;
    page.insert("PolicyGroups".to_owned(), json!([]));
    page.insert("PolicyUsers".to_owned(), json!([]));
    Ok(Value::Object(page).into())
}

pub(super) fn attach(state: &mut State, call: &Call) -> Answer {
    let arn = input::policy_arn(call)?;
    if managed::find(state, arn).is_none() {
        roles::find(state, call)?;
        return Err(no_such_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    let role = roles::find_mut(state, call)?;
    if role.attached.iter().any(|it| it == arn) {
        return Ok(nothing());
    }
    if role.attached.len() == ATTACHED_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PoliciesPerRole: {ATTACHED_MAX}"
        )));
    }
    role.attached.push(arn.to_owned());
    Ok(nothing())
}

pub(super) fn detach(state: &mut State, call: &Call) -> Answer {
    let arn = input::policy_arn(call)?;
    let role = roles::find_mut(state, call)?;
    let before = role.attached.len();
    role.attached.retain(|it| it != arn);
    if role.attached.len() == before {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    }
    Ok(nothing())
}

pub(super) fn list_attached(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let role = roles::find(state, call)?;
    let attached: Vec<&ManagedPolicy> = role
        .attached
        .iter()
        .filter_map(|arn| managed::find(state, arn))
        .filter(|policy| policy.path.starts_with(prefix))
        .collect();
    let page = input::page(
        call,
        "AttachedPolicies",
        &attached,
        |policy| &policy.arn,
        |policy| json!({ "PolicyName": policy.name, "PolicyArn": policy.arn }),
    )?;
    Ok(Value::Object(page).into())
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a ManagedPolicy, Fault> {
    let arn = input::policy_arn(call)?;
    managed::find(state, arn).ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
}

fn attachments(state: &State, arn: &str) -> usize {
    let has = |role: &&crate::engine::state::Role| role.attached.iter().any(|it| it == arn);
    state.roles.values().filter(has).count()
}

/// Descriptions are not shown in lists.
fn describe(state: &State, policy: &ManagedPolicy, with_description: bool) -> Map<String, Value> {
    let created = iso_secs(policy.created);
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("PolicyName", json!(policy.name));
    set("PolicyId", json!(policy.id));
    set("Arn", json!(policy.arn));
    set("Path", json!(policy.path));
    set("DefaultVersionId", json!(VERSION));
    set("AttachmentCount", json!(attachments(state, &policy.arn)));
    set("PermissionsBoundaryUsageCount", json!(0));
    set("IsAttachable", json!(true));
    set("CreateDate", json!(created));
    set("UpdateDate", json!(created));
    if let Some(description) = policy.description.as_ref().filter(|_| with_description) {
        set("Description", json!(description));
    }
    shown
}

fn version_of(policy: &ManagedPolicy) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("VersionId".to_owned(), json!(VERSION));
    shown.insert("IsDefaultVersion".to_owned(), json!(true));
    shown.insert("CreateDate".to_owned(), json!(iso_secs(policy.created)));
    shown
}

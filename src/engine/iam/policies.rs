//! Operations on managed policies and what has them. Their versions are in `versions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entities::{POLICY_NAME_CHARS_MAX, conflict, identity_document, nothing, policy_size};
use super::input::{self, limit_exceeded, no_such_entity};
use super::policy::{self, Statement};
use super::{managed, versions};
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::{Grants, ManagedPolicy, State};

/// Characters of a managed policy, white space not counted.
const POLICY_CHARS_MAX: usize = 6144;
/// Characters of the policy that a session is given.
const SESSION_CHARS_MAX: usize = 2048;
/// Managed policies that a session is given.
const SESSION_POLICIES_MAX: usize = 10;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let path = input::path(call)?;
    let document = asked_document(call, name)?;
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
        version: 1,
        version_created: None,
        others: BTreeMap::new(),
        versions_made: 1,
    };
    let answer = json!({ "Policy": describe(state, &policy, true) });
    state.policies.insert(policy.arn.clone(), policy);
    Ok(answer.into())
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let policy = find(state, call)?;
    Ok(json!({ "Policy": describe(state, policy, true) }).into())
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
    let policy = find(state, call)?;
    let arn = policy.arn.clone();
    check_own(&arn)?;
    if uses(state, |it| {
        it.attached.contains(&arn) || it.boundary.as_ref() == Some(&arn)
    }) > 0
    {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    if !policy.others.is_empty() {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    state.policies.remove(&arn);
    Ok(nothing())
}

/// Roles, then users, in pages of both together.
pub(super) fn list_entities(state: &mut State, call: &Call) -> Answer {
    let arn = &find(state, call)?.arn;
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let usage = call.text("PolicyUsageFilter");
    let has = |grants: &Grants| {
        usage != Some("PermissionsBoundary") && grants.attached.contains(arn)
            || usage != Some("PermissionsPolicy") && grants.boundary.as_ref() == Some(arn)
    };
    let wants = |kind: &str| call.text("EntityFilter").is_none_or(|it| it == kind);
    let roles = state.roles.values();
    let roles = roles
        .filter(|it| wants("Role") && it.path.starts_with(prefix) && has(&it.grants))
        .map(|it| {
            (
                &it.arn,
                "PolicyRoles",
                json!({ "RoleName": it.name, "RoleId": it.id }),
            )
        });
    let users = state.users.values();
    let users = users
        .filter(|it| wants("User") && it.path.starts_with(prefix) && has(&it.grants))
        .map(|it| {
            (
                &it.arn,
                "PolicyUsers",
                json!({ "UserName": it.name, "UserId": it.id }),
            )
        });
    let found: Vec<_> = roles.chain(users).collect();
    let mut page = input::page(
        call,
        "Found",
        &found,
        |(arn, ..)| arn,
        |(_, list, shown)| json!([list, shown]),
    )?;
    let found = page.remove("Found").unwrap_or_default();
    for list in ["PolicyGroups", "PolicyRoles", "PolicyUsers"] {
        let of_list = found.as_array().into_iter().flatten();
        let of_list = of_list.filter(|it| it[0] == list).map(|it| it[1].clone());
        page.insert(list.to_owned(), of_list.collect());
    }
    Ok(Value::Object(page).into())
}

/// What `Policy` and `PolicyArns` of `AssumeRole` allow together; `None` where there is neither.
pub fn session_policies(state: &State, call: &Call) -> Result<Option<Arc<[Statement]>>, Fault> {
    let given = call.text("Policy");
    let arns = call.input.get("PolicyArns").and_then(Value::as_array);
    let arns = arns.map(Vec::as_slice).unwrap_or_default();
    if given.is_none() && arns.is_empty() {
        return Ok(None);
    }
    if arns.len() > SESSION_POLICIES_MAX {
        return Err(input::validation(format!(
            "A session takes {SESSION_POLICIES_MAX} managed policies at most."
        )));
    }
    let mut statements = Vec::new();
    if let Some(document) = given {
        if document.chars().count() > SESSION_CHARS_MAX {
            return Err(input::constraint(&format!(
                "Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to {SESSION_CHARS_MAX}"
            )));
        }
        let parsed = policy::parse("session policy", document)?;
        policy::check_identity(&parsed)?;
        statements.extend(parsed.statements);
    }
    for item in arns {
        let arn = item.get("arn").and_then(Value::as_str).unwrap_or_default();
        let policy = managed::find(state, arn).ok_or_else(|| not_attachable(arn))?;
        statements.extend(policy::parse(&policy.name, &policy.document)?.statements);
    }
    Ok(Some(statements.into()))
}

pub(super) fn not_attachable(arn: &str) -> Fault {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

/// The document of a new policy or version.
pub(super) fn asked_document(call: &Call, name: &str) -> Result<String, Fault> {
    let document = identity_document(call, name)?;
    if policy_size(&document) > POLICY_CHARS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PolicySize: {POLICY_CHARS_MAX}"
        )));
    }
    Ok(document)
}

/// AWS's own policies cannot be changed.
pub(super) fn check_own(arn: &str) -> Result<(), Fault> {
    if !managed::is_of_aws(arn) {
        return Ok(());
    }
    Err(Fault::new(
        403,
        "AccessDenied",
        format!("Policy {arn} belongs to AWS and cannot be changed or deleted."),
    ))
}

pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a ManagedPolicy, Fault> {
    let arn = input::policy_arn(call, "PolicyArn")?;
    managed::find(state, arn).ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
}

fn attachments(state: &State, arn: &str) -> usize {
    uses(state, |it| it.attached.iter().any(|it| it == arn))
}

/// Roles and users with such grants.
fn uses(state: &State, has: impl Fn(&Grants) -> bool) -> usize {
    let roles = state.roles.values().map(|it| &it.grants);
    let users = state.users.values().map(|it| &it.grants);
    roles.chain(users).filter(|it| has(it)).count()
}

/// Descriptions are not shown in lists.
fn describe(state: &State, policy: &ManagedPolicy, with_description: bool) -> Map<String, Value> {
    let updated = policy.version_created.unwrap_or(policy.created);
    let bounded = uses(state, |it| it.boundary.as_ref() == Some(&policy.arn));
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("PolicyName", json!(policy.name));
    set("PolicyId", json!(policy.id));
    set("Arn", json!(policy.arn));
    set("Path", json!(policy.path));
    set("DefaultVersionId", json!(versions::shown(policy.version)));
    set("AttachmentCount", json!(attachments(state, &policy.arn)));
    set("PermissionsBoundaryUsageCount", json!(bounded));
    set("IsAttachable", json!(true));
    set("CreateDate", json!(iso_secs(policy.created)));
    set("UpdateDate", json!(iso_secs(updated)));
    if let Some(description) = policy.description.as_ref().filter(|_| with_description) {
        set("Description", json!(description));
    }
    shown
}

//! Operations that roles and users share: their policies, boundary and tags.

use serde_json::{Map, Value, json};

use super::input::{self, limit_exceeded, no_such_entity};
use super::managed;
use super::policies::not_attachable;
use super::policy::{self, check_identity};
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Grants, ManagedPolicy, State};

pub(super) const POLICY_NAME_CHARS_MAX: usize = 128;
pub(super) const NAME_CHARS_MAX: usize = 64;
const TAGS_MAX: usize = 50;
/// Managed policies of one role or user.
const ATTACHED_MAX: usize = 10;

/// What an operation is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Role,
    User,
}

impl Kind {
    /// Operations say it in their names: `PutUserPolicy`.
    pub(super) fn of(call: &Call) -> Self {
        if call.operation.contains("User") {
            Self::User
        } else {
            Self::Role
        }
    }

    /// `RoleName`
    fn member(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::User => "UserName",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }

    /// Characters of all inline policies together, white space not counted.
    fn inline_chars_max(self) -> usize {
        match self {
            Self::Role => 10_240,
            Self::User => 2048,
        }
    }

    pub(super) fn missing(self, name: &str) -> Fault {
        no_such_entity(format!(
            "The {} with name {name} cannot be found.",
            self.word()
        ))
    }

    fn missing_policy(self, name: &str) -> Fault {
        no_such_entity(format!(
            "The {} policy with name {name} cannot be found.",
            self.word()
        ))
    }

    pub(super) fn name(self, call: &Call) -> Result<&str, Fault> {
        input::name(call, self.member(), NAME_CHARS_MAX)
    }
}

/// The name and the grants of the role or user that the request names.
fn find<'a>(state: &'a State, call: &'a Call) -> Result<(&'a str, &'a Grants), Fault> {
    let kind = Kind::of(call);
    let name = kind.name(call)?;
    let grants = match kind {
        Kind::Role => state.roles.get(name).map(|it| &it.grants),
        Kind::User => state.users.get(name).map(|it| &it.grants),
    };
    grants
        .map(|grants| (name, grants))
        .ok_or_else(|| kind.missing(name))
}

fn find_mut<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut Grants, Fault> {
    let kind = Kind::of(call);
    let name = kind.name(call)?;
    let grants = match kind {
        Kind::Role => state.roles.get_mut(name).map(|it| &mut it.grants),
        Kind::User => state.users.get_mut(name).map(|it| &mut it.grants),
    };
    grants.ok_or_else(|| kind.missing(name))
}

/// What a new role or user is given at once: its boundary and tags.
pub(super) fn first_grants(state: &State, call: &Call) -> Result<Grants, Fault> {
    let boundary = match call.text("PermissionsBoundary") {
        None => None,
        Some(_) => Some(asked_boundary(state, call)?),
    };
    Ok(Grants {
        tags: input::tags(call)?.into_iter().collect(),
        boundary,
        ..Grants::default()
    })
}

/// Fails where something has to go first.
pub(super) fn check_deletable(grants: &Grants) -> Result<(), Fault> {
    if !grants.attached.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !grants.inline.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    Ok(())
}

pub(super) fn conflict(message: &str) -> Fault {
    Fault::new(409, "DeleteConflict", message)
}

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    let tags = input::tags(call)?;
    let grants = find_mut(state, call)?;
    for (key, value) in tags {
        grants
            .tags
            .retain(|known, _| !known.eq_ignore_ascii_case(&key));
        grants.tags.insert(key, value);
    }
    if grants.tags.len() > TAGS_MAX {
        return Err(limit_exceeded(format!(
            "The number of tags has reached the maximum limit of {TAGS_MAX}."
        )));
    }
    Ok(nothing())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let keys = input::texts(call, "TagKeys");
    find_mut(state, call)?
        .tags
        .retain(|known, _| !keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
    Ok(nothing())
}

pub(super) fn list_tags(state: &mut State, call: &Call) -> Answer {
    let (_, grants) = find(state, call)?;
    let tags: Vec<(&String, &String)> = grants.tags.iter().collect();
    let page = input::page(call, "Tags", &tags, |(key, _)| key, show_tag)?;
    Ok(Value::Object(page).into())
}

pub(super) fn put_policy(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let document = identity_document(call, name)?;
    let grants = find_mut(state, call)?;
    grants.inline.insert(name.to_owned(), document);
    let size: usize = grants.inline.values().map(|it| policy_size(it)).sum();
    let kind = Kind::of(call);
    let most = kind.inline_chars_max();
    if size > most {
        return Err(limit_exceeded(format!(
            "Maximum policy size of {most} bytes exceeded for {} {}",
            kind.word(),
            kind.name(call)?
        )));
    }
    Ok(nothing())
}

pub(super) fn get_policy(state: &mut State, call: &Call) -> Answer {
    let policy = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    let kind = Kind::of(call);
    let (name, grants) = find(state, call)?;
    let document = grants
        .inline
        .get(policy)
        .ok_or_else(|| kind.missing_policy(policy))?;
    let mut answer = json!({
        "PolicyName": policy,
        "PolicyDocument": input::url_encoded(document),
    });
    answer[kind.member()] = json!(name);
    Ok(answer.into())
}

pub(super) fn list_policies(state: &mut State, call: &Call) -> Answer {
    let (_, grants) = find(state, call)?;
    let names: Vec<&String> = grants.inline.keys().collect();
    let page = input::page(call, "PolicyNames", &names, |name| name, |name| json!(name))?;
    Ok(Value::Object(page).into())
}

pub(super) fn delete_policy(state: &mut State, call: &Call) -> Answer {
    let name = input::name(call, "PolicyName", POLICY_NAME_CHARS_MAX)?;
    find_mut(state, call)?
        .inline
        .remove(name)
        .ok_or_else(|| Kind::of(call).missing_policy(name))?;
    Ok(nothing())
}

pub(super) fn attach(state: &mut State, call: &Call) -> Answer {
    let arn = input::policy_arn(call, "PolicyArn")?;
    let is_known = managed::find(state, arn).is_some();
    let grants = find_mut(state, call)?;
    if !is_known {
        return Err(not_attachable(arn));
    }
    if grants.attached.iter().any(|it| it == arn) {
        return Ok(nothing());
    }
    if grants.attached.len() == ATTACHED_MAX {
        let quota = match Kind::of(call) {
            Kind::Role => "PoliciesPerRole",
            Kind::User => "PoliciesPerUser",
        };
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for {quota}: {ATTACHED_MAX}"
        )));
    }
    grants.attached.push(arn.to_owned());
    Ok(nothing())
}

pub(super) fn detach(state: &mut State, call: &Call) -> Answer {
    let arn = input::policy_arn(call, "PolicyArn")?;
    let grants = find_mut(state, call)?;
    let before = grants.attached.len();
    grants.attached.retain(|it| it != arn);
    if grants.attached.len() == before {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    }
    Ok(nothing())
}

pub(super) fn list_attached(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let (_, grants) = find(state, call)?;
    let attached: Vec<&ManagedPolicy> = grants
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

pub(super) fn put_boundary(state: &mut State, call: &Call) -> Answer {
    find(state, call)?;
    let boundary = asked_boundary(state, call)?;
    find_mut(state, call)?.boundary = Some(boundary);
    Ok(nothing())
}

/// Also well where there is none.
pub(super) fn delete_boundary(state: &mut State, call: &Call) -> Answer {
    find_mut(state, call)?.boundary = None;
    Ok(nothing())
}

fn asked_boundary(state: &State, call: &Call) -> Result<String, Fault> {
    let arn = input::policy_arn(call, "PermissionsBoundary")?;
    match managed::find(state, arn) {
        Some(_) => Ok(arn.to_owned()),
        None => Err(no_such_entity(format!(
            "Scope ARN: {arn} does not exist or is not attachable."
        ))),
    }
}

/// A document for roles and users, checked.
pub(super) fn identity_document(call: &Call, policy: &str) -> Result<String, Fault> {
    let document = input::required(call, "PolicyDocument")?;
    check_identity(&policy::parse(policy, document)?)?;
    Ok(document.to_owned())
}

/// Characters that count towards IAM's limits.
pub(super) fn policy_size(document: &str) -> usize {
    document.chars().filter(|it| !it.is_whitespace()).count()
}

/// Tags and boundary, which answers about one role or user show and lists do not.
pub(super) fn show_grants(grants: &Grants, shown: &mut Map<String, Value>) {
    if let Some(arn) = &grants.boundary {
        let boundary = json!({
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": arn,
        });
        shown.insert("PermissionsBoundary".to_owned(), boundary);
    }
    if !grants.tags.is_empty() {
        let tags = grants.tags.iter().map(|tag| show_tag(&tag)).collect();
        shown.insert("Tags".to_owned(), Value::Array(tags));
    }
}

pub(super) fn nothing() -> Reply {
    Reply::from(json!({}))
}

fn show_tag((key, value): &(&String, &String)) -> Value {
    json!({ "Key": key, "Value": value })
}

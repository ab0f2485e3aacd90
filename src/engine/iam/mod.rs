//! Roles, users and policies, and what they let a principal do.

mod authorize;
mod entities;
mod input;
mod keys;
mod managed;
mod policies;
pub mod policy;
mod read;
mod roles;
mod simulate;
mod subject;
mod users;
mod versions;
mod words;

use super::call::{Call, Fault, Operation, Run, any_resource};
use policy::Malformed;

pub use authorize::{
    authorize, authorize_assuming, authorize_call, authorize_call_with, is_judged, trusts_service,
};
pub use keys::{Whose, whose};
pub use policies::session_policies;
pub use words::denied_by_nobody;

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// A row; actions are named like their operations.
macro_rules! row {
    ($name:literal, $resource:expr, $run:expr) => {
        Operation::new($name, "", concat!("iam:", $name), $resource, Run::Now($run))
    };
}

const OPERATIONS: &[Operation] = &[
    row!("CreateRole", role_arn, roles::create),
    row!("GetRole", role_arn, roles::get),
    row!("ListRoles", role_arn, roles::list),
    row!("DeleteRole", role_arn, roles::delete),
    row!("UpdateRole", role_arn, roles::update),
    row!("UpdateAssumeRolePolicy", role_arn, roles::update_trust),
    row!(
        "ListInstanceProfilesForRole",
        role_arn,
        roles::list_instance_profiles
    ),
    row!("TagRole", role_arn, entities::tag),
    row!("UntagRole", role_arn, entities::untag),
    row!("ListRoleTags", role_arn, entities::list_tags),
    row!("PutRolePolicy", role_arn, entities::put_policy),
    row!("GetRolePolicy", role_arn, entities::get_policy),
    row!("ListRolePolicies", role_arn, entities::list_policies),
    row!("DeleteRolePolicy", role_arn, entities::delete_policy),
    row!("AttachRolePolicy", role_arn, entities::attach),
    row!("DetachRolePolicy", role_arn, entities::detach),
    row!(
        "ListAttachedRolePolicies",
        role_arn,
        entities::list_attached
    ),
    row!(
        "PutRolePermissionsBoundary",
        role_arn,
        entities::put_boundary
    ),
    row!(
        "DeleteRolePermissionsBoundary",
        role_arn,
        entities::delete_boundary
    ),
    row!("CreateUser", user_arn, users::create),
    row!("GetUser", user_arn, users::get),
    row!("ListUsers", user_arn, users::list),
    row!("UpdateUser", user_arn, users::update),
    row!("DeleteUser", user_arn, users::delete),
    row!("TagUser", user_arn, entities::tag),
    row!("UntagUser", user_arn, entities::untag),
    row!("ListUserTags", user_arn, entities::list_tags),
    row!("PutUserPolicy", user_arn, entities::put_policy),
    row!("GetUserPolicy", user_arn, entities::get_policy),
    row!("ListUserPolicies", user_arn, entities::list_policies),
    row!("DeleteUserPolicy", user_arn, entities::delete_policy),
    row!("AttachUserPolicy", user_arn, entities::attach),
    row!("DetachUserPolicy", user_arn, entities::detach),
    row!(
        "ListAttachedUserPolicies",
        user_arn,
        entities::list_attached
    ),
    row!(
        "PutUserPermissionsBoundary",
        user_arn,
        entities::put_boundary
    ),
    row!(
        "DeleteUserPermissionsBoundary",
        user_arn,
        entities::delete_boundary
    ),
    row!("ListGroupsForUser", user_arn, users::list_groups),
    row!("CreateAccessKey", user_arn, keys::create),
    row!("ListAccessKeys", user_arn, keys::list),
    row!("UpdateAccessKey", user_arn, keys::update),
    row!("DeleteAccessKey", user_arn, keys::delete),
    Operation::new(
        "GetAccessKeyLastUsed",
        "",
        "iam:GetAccessKeyLastUsed",
        user_arn,
        Run::Data(keys::last_used),
    ),
    row!("CreatePolicy", policy_arn, policies::create),
    row!("GetPolicy", policy_arn, policies::get),
    row!("ListPolicies", policy_arn, policies::list),
    row!("ListEntitiesForPolicy", policy_arn, policies::list_entities),
    row!("DeletePolicy", policy_arn, policies::delete),
    row!("CreatePolicyVersion", policy_arn, versions::create),
    row!("GetPolicyVersion", policy_arn, versions::get),
    row!("ListPolicyVersions", policy_arn, versions::list),
    row!("SetDefaultPolicyVersion", policy_arn, versions::set_default),
    row!("DeletePolicyVersion", policy_arn, versions::delete),
    row!("SimulatePrincipalPolicy", source_arn, simulate::principal),
    row!("SimulateCustomPolicy", any_resource, simulate::custom),
];

/// A path is not part of most requests; it is left out where it is not.
fn arn_of(call: &Call, kind: &str, member: &str) -> String {
    let path = call.text("Path").unwrap_or("/");
    let name = call.text(member).unwrap_or_default();
    call.account
        .arn("iam", format!("{kind}{path}{name}"))
        .to_string()
}

fn role_arn(call: &Call) -> String {
    arn_of(call, "role", "RoleName")
}

/// Who names nobody asks about themselves.
fn user_arn(call: &Call) -> String {
    if call.text("UserName").is_none() && call.operation != "ListUsers" {
        return call.principal.arn(&call.account);
    }
    arn_of(call, "user", "UserName")
}

fn policy_arn(call: &Call) -> String {
    call.text("PolicyArn")
        .map_or_else(|| arn_of(call, "policy", "PolicyName"), str::to_owned)
}

fn source_arn(call: &Call) -> String {
    call.text("PolicySourceArn").unwrap_or("*").to_owned()
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::new(400, "MalformedPolicyDocument", malformed.0)
    }
}

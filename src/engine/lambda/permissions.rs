//! What execution roles must be allowed before Lambda works for them. Decides by IAM alone.

use super::checks::invalid;
use crate::arn::Arn;
use crate::engine::Engine;
use crate::engine::call::{Call, Fault};
use crate::engine::iam;
use crate::engine::iam::policy::Context;
use crate::engine::state::State;

/// The service that assumes execution roles.
pub(super) const SERVICE: &str = "lambda.amazonaws.com";

/// The caller may hand this role to Lambda, and Lambda may assume it.
pub(super) fn may_use_role(
    engine: &Engine,
    state: &State,
    call: &Call,
    role_arn: &str,
) -> Result<(), Fault> {
    if !engine.options().enforce_iam {
        return Ok(());
    }
    iam::authorize(
        state,
        &call.account,
        &call.principal,
        "iam:PassRole",
        role_arn,
    )
    .map_err(|refusal| Fault {
        // The words are IAM's, the code is Lambda's.
        code: "AccessDeniedException",
        ..refusal
    })?;
    let assumable = state
        .roles
        .get(&role_name(role_arn))
        .is_some_and(|role| role.arn == role_arn && iam::trusts_service(role, SERVICE));
    if assumable {
        return Ok(());
    }
    Err(invalid(
        "The role defined for the function cannot be assumed by Lambda.",
    ))
}

/// Whether the role's own policies let it do this.
pub(super) fn role_may(
    engine: &Engine,
    state: &State,
    role_arn: &str,
    action: &str,
    resource: &str,
) -> bool {
    if !engine.options().enforce_iam {
        return true;
    }
    let account = &engine.account().id;
    let context = Context::default().with("aws:PrincipalAccount", account.as_str());
    iam::decide_role(state, &role_name(role_arn), action, resource, &context).is_allowed()
}

/// The last segment of a role's ARN.
pub(super) fn role_name(role_arn: &str) -> String {
    role_arn
        .parse::<Arn>()
        .map(|arn| arn.name().to_owned())
        .unwrap_or_default()
}

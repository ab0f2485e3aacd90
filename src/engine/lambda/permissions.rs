//! Who must be allowed what before Lambda works: callers, and execution roles. Decides by IAM alone.

use super::checks::invalid;
use super::names::Reference;
use crate::arn::Arn;
use crate::engine::Engine;
use crate::engine::call::{Account, Call, Fault, Principal};
use crate::engine::iam;
use crate::engine::state::{Role, State, Version};

/// The service that assumes execution roles.
const SERVICE: &str = "lambda.amazonaws.com";
/// What Lambda says of a role that does not trust it, or is not there.
pub const NOT_ASSUMABLE: &str = "The role defined for the function cannot be assumed by Lambda.";

/// The caller may hand this role to Lambda, and Lambda may assume it.
pub(super) fn may_use_role(
    engine: &Engine,
    state: &State,
    call: &Call,
    role_arn: &str,
) -> Result<(), Fault> {
    if !engine.enforces_iam() {
        return Ok(());
    }
    let to = ("iam:PassedToService", SERVICE.to_owned());
    iam::authorize_call_with(state, call, "iam:PassRole", role_arn, vec![to]).map_err(
        |refusal| Fault {
            // The words are IAM's, the code is Lambda's.
            code: "AccessDeniedException",
            ..refusal
        },
    )?;
    if is_assumable(engine, state, role_arn) {
        return Ok(());
    }
    Err(invalid(NOT_ASSUMABLE))
}

/// Whether Lambda may assume this role as things are now.
pub fn is_assumable(engine: &Engine, state: &State, role_arn: &str) -> bool {
    !engine.enforces_iam()
        || role_of(state, role_arn).is_some_and(|role| iam::trusts_service(role, SERVICE))
}

/// Whether the function, which runs and polls as its role, may do this: judged as its own calls are.
pub(super) fn function_may(
    engine: &Engine,
    state: &State,
    function: &Version,
    action: &str,
    resource: &str,
) -> bool {
    if !engine.enforces_iam() {
        return true;
    }
    role_of(state, &function.role).is_some_and(|role| {
        let session = Principal::Role {
            role: role.name.clone(),
            session: function.name.clone(),
        };
        let now = engine.clock().now();
        iam::authorize(state, engine.account(), &session, action, resource, now).is_ok()
    })
}

/// Whether the caller may do this to an event source mapping. Policies may ask for the functions it calls:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>
pub(super) fn permit_mapping(
    engine: &Engine,
    state: &State,
    call: &Call,
    resource: &str,
    functions: &[String],
) -> Result<(), Fault> {
    if !engine.enforces_iam() {
        return Ok(());
    }
    let action = format!("lambda:{}", call.operation);
    if functions.is_empty() {
        return iam::authorize_call(state, call, &action, resource);
    }
    functions.iter().try_for_each(|function| {
        let fact = ("lambda:FunctionArn", function.clone());
        iam::authorize_call_with(state, call, &action, resource, vec![fact])
    })
}

/// The ARN of the function that a request names, as far as its name can be read.
pub(super) fn asked_function(call: &Call, account: &Account) -> Option<String> {
    Reference::parse(call.text("FunctionName")?).map(|it| it.arn(account))
}

/// The last segment of a role's ARN.
pub(super) fn role_name(role_arn: &str) -> String {
    role_arn
        .parse::<Arn>()
        .map(|arn| arn.name().to_owned())
        .unwrap_or_default()
}

fn role_of<'s>(state: &'s State, role_arn: &str) -> Option<&'s Role> {
    state
        .roles
        .get(&role_name(role_arn))
        .filter(|role| role.arn == role_arn)
}

//! Roles and policies, and what they let a principal do.

pub mod policy;

use super::call::{Account, Fault, Operation, Principal};
use super::state::{Role, State};
use policy::{Context, Decision, Malformed, Statement, Who};

pub fn operations() -> &'static [Operation] {
    &[]
}

/// Whether this principal may do this. The account and services may; a role by its policies.
/// The refusal is worded as the action's service words it.
pub fn authorize(
    state: &State,
    account: &Account,
    principal: &Principal,
    action: &str,
    resource: &str,
) -> Result<(), Fault> {
    let Principal::Role { role, session } = principal else {
        return Ok(());
    };
    let Some(known) = state.roles.get(role) else {
        return Err(invalid_token(action));
    };
    let context = session_context(account, known, session);
    match decide_role(state, role, action, resource, &context) {
        Decision::Allowed { .. } => Ok(()),
        Decision::ExplicitDeny { .. } => Err(denied(
            action,
            &principal.arn(account),
            resource,
            "with an explicit deny in an identity-based policy",
        )),
        Decision::ImplicitDeny { .. } => {
            let shown = shown_action(action);
            Err(denied(
                action,
                &principal.arn(account),
                resource,
                &format!("because no identity-based policy allows the {shown} action"),
            ))
        }
    }
}

/// What a role's inline and attached policies say. An unknown role has none.
pub fn decide_role(
    state: &State,
    role_name: &str,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    let statements = state
        .roles
        .get(role_name)
        .map(|role| statements_of(state, role))
        .unwrap_or_default();
    policy::evaluate(&statements, action, resource, context)
}

/// Whether the role's trust policy lets a service such as `lambda.amazonaws.com` assume it.
pub fn trusts_service(role: &Role, service: &str) -> bool {
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let context = Context::default().with("aws:SourceAccount", account);
    decide_trust(role, Who::Service(service), &context).is_allowed()
}

/// What the role's trust policy says of a caller that wants to assume it.
pub fn decide_trust(role: &Role, who: Who<'_>, context: &Context) -> Decision {
    match policy::parse("trust policy", &role.trust_policy) {
        Ok(trust) => {
            policy::evaluate_for(&trust.statements, who, "sts:AssumeRole", &role.arn, context)
        }
        Err(_) => Decision::ImplicitDeny { closest: None },
    }
}

/// Every statement that counts for a role: inline policies by name, then attached ones.
fn statements_of(state: &State, role: &Role) -> Vec<Statement> {
    let inline = role
        .inline
        .iter()
        .map(|(name, document)| (name.as_str(), document.as_str()));
    let attached = role.attached.iter().filter_map(|arn| {
        let found = state.policies.get(arn)?;
        Some((found.name.as_str(), found.document.as_str()))
    });
    inline
        .chain(attached)
        // Documents are checked before they are kept; one that cannot be read allows nothing.
        .filter_map(|(name, document)| policy::parse(name, document).ok())
        .flat_map(|policy| policy.statements)
        .collect()
}

fn session_context(account: &Account, role: &Role, session: &str) -> Context {
    let mut context = Context::default()
        .with("aws:PrincipalArn", &role.arn)
        .with("aws:PrincipalAccount", &account.id)
        .with("aws:PrincipalType", "AssumedRole")
        .with("aws:ResourceAccount", &account.id)
        .with("aws:RequestedRegion", &account.region)
        .with("aws:SecureTransport", "true")
        .with("aws:userid", format!("{}:{session}", role.id));
    for (key, value) in &role.tags {
        context.add(&format!("aws:PrincipalTag/{key}"), value);
    }
    context
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::new(400, "MalformedPolicyDocument", malformed.0)
    }
}

fn denied(action: &str, who: &str, resource: &str, why: &str) -> Fault {
    let (status, code) = match service_of(action) {
        "iam" | "sts" => (403, "AccessDenied"),
        "lambda" | "sqs" => (403, "AccessDeniedException"),
        _ => (400, "AccessDeniedException"),
    };
    let shown = shown_action(action);
    Fault::new(
        status,
        code,
        format!("User: {who} is not authorized to perform: {shown} on resource: {resource} {why}"),
    )
}

/// The session's role is gone.
fn invalid_token(action: &str) -> Fault {
    let (status, code) = match service_of(action) {
        "iam" | "sts" | "sqs" => (403, "InvalidClientTokenId"),
        "lambda" => (403, "UnrecognizedClientException"),
        _ => (400, "UnrecognizedClientException"),
    };
    Fault::new(
        status,
        code,
        "The security token included in the request is invalid.",
    )
}

fn service_of(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// SQS names actions in lower case in its refusals.
fn shown_action(action: &str) -> String {
    if service_of(action) == "sqs" {
        action.to_lowercase()
    } else {
        action.to_owned()
    }
}

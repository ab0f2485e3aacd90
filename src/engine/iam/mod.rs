//! Roles and policies, and what they let a principal do.

mod input;
mod managed;
mod policies;
pub mod policy;
mod read;
mod roles;
mod simulate;

use std::sync::Arc;
use std::time::SystemTime;

use super::call::{Account, Answer, Call, Fault, Operation, Principal, Run, any_resource};
use super::state::{Role, State};
use crate::clock::{epoch_millis, iso_secs};
use policy::{Context, Decision, Malformed, Span, Statement, Who};

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const OPERATIONS: &[Operation] = &[
    row("CreateRole", "iam:CreateRole", role_arn, roles::create),
    row("GetRole", "iam:GetRole", role_arn, roles::get),
    row("ListRoles", "iam:ListRoles", role_arn, roles::list),
    row("DeleteRole", "iam:DeleteRole", role_arn, roles::delete),
    row("UpdateRole", "iam:UpdateRole", role_arn, roles::update),
    row(
        "UpdateAssumeRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        role_arn,
        roles::update_trust,
    ),
    row("TagRole", "iam:TagRole", role_arn, roles::tag),
    row("UntagRole", "iam:UntagRole", role_arn, roles::untag),
    row(
        "ListRoleTags",
        "iam:ListRoleTags",
        role_arn,
        roles::list_tags,
    ),
    row(
        "PutRolePolicy",
        "iam:PutRolePolicy",
        role_arn,
        roles::put_policy,
    ),
    row(
        "GetRolePolicy",
        "iam:GetRolePolicy",
        role_arn,
        roles::get_policy,
    ),
    row(
        "ListRolePolicies",
        "iam:ListRolePolicies",
        role_arn,
        roles::list_policies,
    ),
    row(
        "DeleteRolePolicy",
        "iam:DeleteRolePolicy",
        role_arn,
        roles::delete_policy,
    ),
    row(
        "AttachRolePolicy",
        "iam:AttachRolePolicy",
        role_arn,
        policies::attach,
    ),
    row(
        "DetachRolePolicy",
        "iam:DetachRolePolicy",
        role_arn,
        policies::detach,
    ),
    row(
        "ListAttachedRolePolicies",
        "iam:ListAttachedRolePolicies",
        role_arn,
        policies::list_attached,
    ),
    row(
        "ListInstanceProfilesForRole",
        "iam:ListInstanceProfilesForRole",
        role_arn,
        roles::list_instance_profiles,
    ),
    row(
        "CreatePolicy",
        "iam:CreatePolicy",
        policy_arn,
        policies::create,
    ),
    row("GetPolicy", "iam:GetPolicy", policy_arn, policies::get),
    row(
        "GetPolicyVersion",
        "iam:GetPolicyVersion",
        policy_arn,
        policies::get_version,
    ),
    row(
        "ListPolicyVersions",
        "iam:ListPolicyVersions",
        policy_arn,
        policies::list_versions,
    ),
    row(
        "ListPolicies",
        "iam:ListPolicies",
        policy_arn,
        policies::list,
    ),
    row(
        "ListEntitiesForPolicy",
        "iam:ListEntitiesForPolicy",
        policy_arn,
        policies::list_entities,
    ),
    row(
        "DeletePolicy",
        "iam:DeletePolicy",
        policy_arn,
        policies::delete,
    ),
    row(
        "SimulatePrincipalPolicy",
        "iam:SimulatePrincipalPolicy",
        source_arn,
        simulate::principal,
    ),
    row(
        "SimulateCustomPolicy",
        "iam:SimulateCustomPolicy",
        any_resource,
        simulate::custom,
    ),
];

const fn row(
    name: &'static str,
    action: &'static str,
    resource: fn(&Call) -> String,
    run: fn(&mut State, &Call) -> Answer,
) -> Operation {
    Operation {
        name,
        http: "",
        action,
        resource,
        run: Run::Now(run),
    }
}

/// A role's path is not part of most requests; it is left out where it is not.
fn role_arn(call: &Call) -> String {
    let path = call.text("Path").unwrap_or("/");
    let name = call.text("RoleName").unwrap_or_default();
    call.account
        .arn("iam", format!("role{path}{name}"))
        .to_string()
}

fn policy_arn(call: &Call) -> String {
    if let Some(arn) = call.text("PolicyArn") {
        return arn.to_owned();
    }
    let path = call.text("Path").unwrap_or("/");
    let name = call.text("PolicyName").unwrap_or_default();
    call.account
        .arn("iam", format!("policy{path}{name}"))
        .to_string()
}

fn source_arn(call: &Call) -> String {
    call.text("PolicySourceArn").unwrap_or("*").to_owned()
}

/// A policy document with where it comes from.
struct Source {
    /// Its name.
    id: String,
    /// `IAM Policy` or `Resource Policy`.
    kind: &'static str,
    spans: Vec<Span>,
    statements: Vec<Statement>,
}

impl Source {
    fn parse(id: &str, kind: &'static str, document: &str) -> Result<Self, Malformed> {
        Ok(Self {
            id: id.to_owned(),
            kind,
            spans: policy::statement_spans(document),
            statements: policy::parse(id, document)?.statements,
        })
    }
}

/// Whether the caller of an operation may do this. The account and services may; a role by its policies.
/// The refusal is worded as the action's service words it.
pub fn authorize_call(
    state: &State,
    call: &Call,
    action: &str,
    resource: &str,
) -> Result<(), Fault> {
    authorize_call_with(state, call, action, resource, Vec::new())
}

/// As [`authorize_call`], for an action that is known by more condition keys.
pub fn authorize_call_with(
    state: &State,
    call: &Call,
    action: &str,
    resource: &str,
    facts: Vec<(&str, String)>,
) -> Result<(), Fault> {
    let context = |known: &Role, session: &str| {
        let context = context_of(&call.account, known, session, call.now);
        let facts = facts.into_iter();
        facts.fold(context, |context, (key, value)| context.with(key, value))
    };
    judge(
        state,
        &call.account,
        &call.principal,
        action,
        resource,
        context,
    )
}

/// As [`authorize_call`], for what a service does as this principal.
pub fn authorize(
    state: &State,
    account: &Account,
    principal: &Principal,
    action: &str,
    resource: &str,
    now: SystemTime,
) -> Result<(), Fault> {
    let context = |known: &Role, session: &str| context_of(account, known, session, now);
    judge(state, account, principal, action, resource, context)
}

fn judge(
    state: &State,
    account: &Account,
    principal: &Principal,
    action: &str,
    resource: &str,
    context: impl FnOnce(&Role, &str) -> Context,
) -> Result<(), Fault> {
    let Principal::Role { role, session } = principal else {
        return Ok(());
    };
    let Some(known) = state.roles.get(role) else {
        return Err(invalid_token(action));
    };
    let statements = statements_of(state, known);
    // Most policies ask for nothing but action and resource, and to say all the rest takes longer than to judge.
    let context = if statements.iter().any(Statement::asks_for_context) {
        context(known, session)
    } else {
        Context::default()
    };
    match policy::evaluate(&statements, action, resource, &context) {
        Decision::Allowed { .. } => Ok(()),
        Decision::ExplicitDeny { .. } => Err(denied(
            action,
            &principal.arn(account),
            resource,
            "with an explicit deny in an identity-based policy",
        )),
        Decision::ImplicitDeny { .. } => {
            Err(denied_by_nobody(&principal.arn(account), action, resource))
        }
    }
}

/// Whether the role's trust policy lets a service such as `lambda.amazonaws.com` assume it.
pub fn trusts_service(role: &Role, service: &str) -> bool {
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let context = Context::default().with("aws:SourceAccount", account);
    decide_trust(role, Who::Service(service), &context).is_allowed()
}

/// What the role's trust policy says of a caller that wants to assume it.
pub fn decide_trust(role: &Role, who: Who<'_>, context: &Context) -> Decision {
    let trust = read::trust(&role.arn, &role.trust_policy);
    policy::evaluate_for(&trust, who, "sts:AssumeRole", &role.arn, context)
}

/// Every document that counts for a role: inline policies by name, then attached ones.
fn documents_of<'a>(
    state: &'a State,
    role: &'a Role,
) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
    let inline = role
        .inline
        .iter()
        .map(|(name, document)| (name.as_str(), document.as_str()));
    let attached = role
        .attached
        .iter()
        .filter_map(|arn| managed::find(state, arn))
        .map(|policy| (policy.name.as_str(), policy.document.as_str()));
    inline.chain(attached)
}

fn statements_of(state: &State, role: &Role) -> Arc<[Statement]> {
    read::statements(&role.arn, documents_of(state, role))
}

fn sources_of(state: &State, role: &Role) -> Vec<Source> {
    documents_of(state, role)
        .filter_map(|(name, document)| Source::parse(name, "IAM Policy", document).ok())
        .collect()
}

/// What is known of a request of a role's session.
fn context_of(account: &Account, role: &Role, session: &str, now: SystemTime) -> Context {
    let secs = epoch_millis(now) / 1000;
    let context = Context::default()
        .with("aws:CurrentTime", iso_secs(now))
        .with("aws:EpochTime", secs.to_string());
    with_subject(context, account, role).with("aws:userid", format!("{}:{session}", role.id))
}

/// What is known of every request of a role.
fn with_subject(context: Context, account: &Account, role: &Role) -> Context {
    let mut context = context
        .with("aws:PrincipalArn", &role.arn)
        .with("aws:PrincipalAccount", &account.id)
        .with("aws:PrincipalType", "AssumedRole")
        .with("aws:ResourceAccount", &account.id)
        .with("aws:RequestedRegion", &account.region)
        .with("aws:SecureTransport", "true");
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
        "iam" | "s3" | "sts" => (403, "AccessDenied"),
        "sns" => (403, "AuthorizationError"),
        "lambda" | "sqs" => (403, "AccessDeniedException"),
        _ => (400, "AccessDeniedException"),
    };
    let shown = shown_action(action);
    // S3 alone quotes what a caller may not touch.
    let quote = if service_of(action) == "s3" { "\"" } else { "" };
    Fault::new(
        status,
        code,
        format!(
            "User: {who} is not authorized to perform: {shown} on resource: {quote}{resource}{quote} {why}"
        ),
    )
}

/// What somebody, by their ARN, is told whom no policy allows this.
pub fn denied_by_nobody(who: &str, action: &str, resource: &str) -> Fault {
    let shown = shown_action(action);
    let why = format!("because no identity-based policy allows the {shown} action");
    denied(action, who, resource, &why)
}

/// The session's role is gone.
fn invalid_token(action: &str) -> Fault {
    let (status, code) = match service_of(action) {
        "s3" => {
            return Fault::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            );
        }
        "iam" | "sns" | "sts" | "sqs" => (403, "InvalidClientTokenId"),
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

/// SQS names actions in lower case in its refusals, SNS names itself in capitals.
fn shown_action(action: &str) -> String {
    match action.split_once(':') {
        Some(("sqs", _)) => action.to_lowercase(),
        Some(("sns", operation)) => format!("SNS:{operation}"),
        _ => action.to_owned(),
    }
}

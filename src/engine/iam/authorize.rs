//! Whether a caller may do something, by all the policies that have a say.

use std::sync::Arc;
use std::time::SystemTime;

use super::policy::{self, Context, Decision, Judged, Kind, Policies, Statement, Who};
use super::subject::{self, Subject};
use super::{read, words};
use crate::engine::call::{Account, Call, Fault, Principal};
use crate::engine::dynamodb;
use crate::engine::state::{Role, State};

/// Whether the caller of an operation may do this. The account and services may; users and roles by their policies.
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
    let request = Request {
        account: &call.account,
        principal: &call.principal,
        session_policies: call.session_policies.as_deref(),
        call: Some(call),
        action,
        resource,
        now: call.now,
    };
    request.judge(state, facts)
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
    let request = Request {
        account,
        principal,
        session_policies: None,
        call: None,
        action,
        resource,
        now,
    };
    request.judge(state, Vec::new())
}

/// Whether policies have a say in what this caller does. In what the account itself does only those of tables and
/// streams have.
pub fn is_judged(state: &State, principal: &Principal) -> bool {
    match principal {
        Principal::Root => !state.resource_policies.is_empty(),
        Principal::Role { .. } | Principal::User { .. } => true,
        Principal::Service(_) => false,
    }
}

/// Whether the caller may become a session of this role. The role must trust them; where it trusts only their account,
/// their own policies must allow it too.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>
pub fn authorize_assuming(
    state: &State,
    call: &Call,
    role: &Role,
    facts: Vec<(&str, String)>,
) -> bool {
    let action = "sts:AssumeRole";
    let caller = call.principal.arn(&call.account);
    let who = match &call.principal {
        Principal::Service(name) => Who::Service(name),
        Principal::Root | Principal::Role { .. } | Principal::User { .. } => Who::Arn(&caller),
    };
    let subject = Subject::of(state, &call.principal);
    let context = subject.map_or_else(|| of_account(&call.account), |it| it.context(&call.account));
    let context = with(subject::at(context, call.now), facts);
    let trust = read::trust(&role.arn, &role.trust_policy);
    let decision = policy::evaluate_for(&trust, who, action, &role.arn, &context);
    let Some(subject) = subject else {
        // The account and services have no policies of their own.
        return decision.is_allowed() && !call.principal.is_judged();
    };
    let (identity, boundary) = (subject.statements(state), subject.boundary(state));
    let policies = Policies {
        identity: &identity,
        resource: &trust,
        boundary: boundary.as_deref(),
        session: call.session_policies.as_deref(),
    };
    let judged = policy::judge(&policies, who, action, &role.arn, &context);
    decision.is_allowed() && judged.decision.is_allowed()
}

/// Whether the role's trust policy lets a service such as `lambda.amazonaws.com` assume it.
pub fn trusts_service(role: &Role, service: &str) -> bool {
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let context = Context::default().with("aws:SourceAccount", account);
    let trust = read::trust(&role.arn, &role.trust_policy);
    let who = Who::Service(service);
    policy::evaluate_for(&trust, who, "sts:AssumeRole", &role.arn, &context).is_allowed()
}

/// What is asked, by whom and when.
struct Request<'a> {
    account: &'a Account,
    principal: &'a Principal,
    session_policies: Option<&'a [Statement]>,
    /// Where it is a call's.
    call: Option<&'a Call>,
    action: &'a str,
    resource: &'a str,
    now: SystemTime,
}

impl Request<'_> {
    fn judge(&self, state: &State, facts: Vec<(&str, String)>) -> Result<(), Fault> {
        let own = self.resource_policy(state);
        match self.principal {
            Principal::Service(_) => return Ok(()),
            Principal::Root => {
                return self.judge_root(state, own.as_deref().unwrap_or_default(), facts);
            }
            Principal::Role { .. } | Principal::User { .. } => (),
        }
        let Some(subject) = Subject::of(state, self.principal) else {
            return Err(words::invalid_token(self.action));
        };
        let (identity, boundary) = (subject.statements(state), subject.boundary(state));
        let policies = Policies {
            identity: &identity,
            resource: own.as_deref().unwrap_or_default(),
            boundary: boundary.as_deref(),
            session: self.session_policies,
        };
        // Most policies ask for nothing but action and resource, and to say all the rest takes longer than to judge.
        let context = if policies.ask_for_context() {
            self.context(state, subject.context(self.account), facts)
        } else {
            Context::default()
        };
        // Only policies that name principals ask who calls.
        let caller = own.as_ref().map(|_| self.principal.arn(self.account));
        let who = Who::Arn(caller.as_deref().unwrap_or_default());
        let judged = policy::judge(&policies, who, self.action, self.resource, &context);
        self.answer(&judged)
    }

    /// Users' and roles' policies say nothing of the account itself, a table's own policy may.
    fn judge_root(
        &self,
        state: &State,
        own: &[Statement],
        facts: Vec<(&str, String)>,
    ) -> Result<(), Fault> {
        // Whoever shut themselves out must be able to take that back.
        if own.is_empty() || self.action.ends_with("ResourcePolicy") {
            return Ok(());
        }
        let caller = self.principal.arn(self.account);
        let context = self.context(state, of_account(self.account), facts);
        let who = Who::Arn(&caller);
        let decision = policy::evaluate_for(own, who, self.action, self.resource, &context);
        if let Decision::ExplicitDeny { .. } = decision {
            return self.answer(&Judged {
                kind: Kind::Resource,
                decision,
            });
        }
        Ok(())
    }

    fn answer(&self, judged: &Judged) -> Result<(), Fault> {
        if judged.decision.is_allowed() {
            return Ok(());
        }
        let who = self.principal.arn(self.account);
        Err(words::refusal(judged, &who, self.action, self.resource))
    }

    /// The policy of the table or stream that is asked for; an index has its table's.
    fn resource_policy(&self, state: &State) -> Option<Arc<[Statement]>> {
        if state.resource_policies.is_empty() {
            return None;
        }
        let table = self.resource.split("/index/").next().unwrap_or_default();
        let own = state.resource_policies.get(table)?;
        Some(read::resource(table, &own.document))
    }

    fn context(&self, state: &State, of_caller: Context, facts: Vec<(&str, String)>) -> Context {
        let mut context = subject::at(of_caller, self.now);
        let table = self.resource.split_once(":table/");
        let table = table.and_then(|(_, it)| it.split('/').next());
        if let Some(table) = table.and_then(|name| state.tables.get(name)) {
            for (key, value) in &table.tags {
                context.add(&format!("aws:ResourceTag/{key}"), value);
            }
        }
        // Batches name several tables; the resource says which one is asked for.
        let call = self.call.filter(|call| call.service == "dynamodb");
        if let Some(call) = call {
            let asked = dynamodb::facts::of(state, call, self.resource);
            context = with(context, asked);
        }
        with(context, facts)
    }
}

fn with(context: Context, facts: Vec<(&str, String)>) -> Context {
    let facts = facts.into_iter();
    facts.fold(context, |context, (key, value)| context.with(key, value))
}

/// What is known of every request of the account itself.
fn of_account(account: &Account) -> Context {
    subject::everywhere(account)
        .with("aws:PrincipalArn", account.arn("iam", "root").to_string())
        .with("aws:PrincipalType", "Account")
        .with("aws:userid", &account.id)
}

impl Policies<'_> {
    fn ask_for_context(&self) -> bool {
        let all = [
            self.identity,
            self.resource,
            self.boundary.unwrap_or_default(),
            self.session.unwrap_or_default(),
        ];
        all.iter()
            .any(|statements| statements.iter().any(Statement::asks_for_context))
    }
}

//! What policies would say: `SimulatePrincipalPolicy` and `SimulateCustomPolicy`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::input::{self, no_such_entity};
use super::policy::{
    self, Context, Decision, Effect, Judged, Malformed, Policies, Span, Statement, Who,
};
use super::subject::Subject;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::State;

/// The policies a simulation asks.
struct World {
    identity: Sources,
    resource: Sources,
    /// Where there is one.
    boundary: Option<Sources>,
    context: Context,
    /// ARN of whoever would call.
    caller: String,
}

/// Policy documents with where they come from.
#[derive(Default)]
struct Sources {
    /// `IAM Policy` or `Resource Policy`.
    kind: &'static str,
    /// By the name of their policy.
    spans: Vec<(Arc<str>, Vec<Span>)>,
    statements: Vec<Statement>,
}

impl Sources {
    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    fn add(&mut self, id: &str, document: &str) -> Result<(), Malformed> {
        let parsed = policy::parse(id, document)?;
        if let Some(statement) = parsed.statements.first() {
            let spans = policy::statement_spans(document);
            self.spans.push((Arc::clone(&statement.policy), spans));
        }
        self.statements.extend(parsed.statements);
        Ok(())
    }

    /// Policies of the request itself, named by their place: `PolicyInputList.1`.
    fn add_given(&mut self, call: &Call, member: &str) -> Result<(), Fault> {
        for (index, document) in input::texts(call, member).iter().enumerate() {
            let id = format!("{member}.{}", index + 1);
            self.add(&id, document)
                .map_err(|error| Fault::new(400, "InvalidInput", format!("{id}: {error}")))?;
        }
        Ok(())
    }

    fn show(&self, statement: &Statement) -> Value {
        let mut shown = json!({
            "SourcePolicyId": statement.policy,
            "SourcePolicyType": self.kind,
        });
        let position = |(line, column): (usize, usize)| json!({ "Line": line, "Column": column });
        let spans = self.spans.iter().find(|(id, _)| *id == statement.policy);
        let span = spans.and_then(|(_, spans)| spans.get(statement.number - 1));
        if let Some(Span { start, end }) = span {
            shown["StartPosition"] = position(*start);
            shown["EndPosition"] = position(*end);
        }
        shown
    }
}

const IDENTITY: &str = "IAM Policy";
const RESOURCE: &str = "Resource Policy";
/// What the request gives instead of the boundary.
const BOUNDARY_INPUT: &str = "PermissionsBoundaryPolicyInputList";

pub(super) fn principal(state: &mut State, call: &Call) -> Answer {
    let arn = input::required(call, "PolicySourceArn")?;
    let subject = source(state, arn)?;
    let mut identity = Sources::of(IDENTITY);
    for (name, document) in subject.documents(state) {
        // Documents are checked before they are kept.
        identity.add(name, document)?;
    }
    identity.add_given(call, "PolicyInputList")?;
    let boundary = match subject.boundary_document(state) {
        Some((name, document)) => {
            let mut boundary = Sources::of(IDENTITY);
            boundary.add(name, document)?;
            Some(boundary)
        }
        None => None,
    };
    let context = subject.context(&call.account);
    simulate(call, identity, boundary, context, arn)
}

pub(super) fn custom(_: &mut State, call: &Call) -> Answer {
    let mut identity = Sources::of(IDENTITY);
    identity.add_given(call, "PolicyInputList")?;
    if identity.statements.is_empty() {
        input::required(call, "PolicyInputList")?;
    }
    simulate(call, identity, None, Context::default(), "")
}

/// The role or user with this ARN.
fn source<'a>(state: &'a State, arn: &str) -> Result<Subject<'a>, Fault> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let (kind, found) = if arn.contains(":role/") {
        let role = state.roles.get(name).map(|it| Subject::Role(it, None));
        ("role", role)
    } else if arn.contains(":user/") {
        ("user", state.users.get(name).map(Subject::User))
    } else {
        return Err(Fault::new(
            400,
            "InvalidInput",
            format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."),
        ));
    };
    found
        .filter(|it| it.arn() == arn)
        .ok_or_else(|| no_such_entity(format!("The {kind} with name {name} cannot be found.")))
}

fn simulate(
    call: &Call,
    identity: Sources,
    mut boundary: Option<Sources>,
    context: Context,
    caller: &str,
) -> Answer {
    let actions = input::texts(call, "ActionNames");
    if actions.is_empty() {
        input::required(call, "ActionNames")?;
    }
    if let Some(wrong) = actions.iter().find(|action| !action.contains(':')) {
        return Err(Fault::new(
            400,
            "InvalidInput",
            format!("Invalid action name: {wrong}. It should look like dynamodb:GetRecords."),
        ));
    }
    let mut resources = input::texts(call, "ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let mut resource = Sources::of(RESOURCE);
    if let Some(document) = call.text("ResourcePolicy") {
        resource.add("ResourcePolicy", document)?;
    }
    // One that is given takes the place of the one there is.
    if !input::texts(call, BOUNDARY_INPUT).is_empty() {
        let mut given = Sources::of(IDENTITY);
        given.add_given(call, BOUNDARY_INPUT)?;
        boundary = Some(given);
    }
    let world = World {
        identity,
        resource,
        boundary,
        context: with_entries(call, context),
        caller: call.text("CallerArn").unwrap_or(caller).to_owned(),
    };
    let mut results = Vec::new();
    for action in &actions {
        for resource in &resources {
            results.push((
                format!("{action} {resource}"),
                world.result(action, resource),
            ));
        }
    }
    let page = input::page(
        call,
        "EvaluationResults",
        &results,
        |(key, _)| key,
        |(_, result)| result.clone(),
    )?;
    Ok(Value::Object(page).into())
}

impl World {
    fn result(&self, action: &str, resource: &str) -> Value {
        let boundary = self.boundary.as_ref().map(|it| it.statements.as_slice());
        let policies = Policies {
            identity: &self.identity.statements,
            resource: &self.resource.statements,
            boundary,
            session: None,
        };
        let who = Who::Arn(&self.caller);
        let Judged { decision, .. } =
            policy::judge(&policies, who, action, resource, &self.context);
        let mut result = json!({
            "EvalActionName": action,
            "EvalResourceName": resource,
        });
        if let Some(boundary) = boundary {
            let bounded = policy::evaluate(boundary, action, resource, &self.context);
            result["PermissionsBoundaryDecisionDetail"] =
                json!({ "AllowedByPermissionsBoundary": bounded.is_allowed() });
        }
        let matched = self.matched(&decision, action, resource);
        let missing = self.missing();
        result["EvalDecision"] = json!(decision.as_str());
        result["MatchedStatements"] = json!(matched);
        result["MissingContextValues"] = json!(missing);
        if resource != "*" {
            result["ResourceSpecificResults"] = json!([{
                "EvalResourceName": resource,
                "EvalResourceDecision": decision.as_str(),
                "MatchedStatements": matched,
                "MissingContextValues": missing,
            }]);
        }
        result
    }

    /// The statements that decided: when one denies, only those that deny.
    fn matched(&self, decision: &Decision, action: &str, resource: &str) -> Vec<Value> {
        let effect = match decision {
            Decision::Allowed { .. } => Effect::Allow,
            Decision::ExplicitDeny { .. } => Effect::Deny,
            Decision::ImplicitDeny { .. } => return Vec::new(),
        };
        let decides =
            |it: &&Statement| it.effect == effect && it.matches(action, resource, &self.context);
        let who = Who::Arn(&self.caller);
        let identity = self.identity.statements.iter().filter(decides);
        let identity = identity.map(|it| self.identity.show(it));
        let resource = self.resource.statements.iter().filter(decides);
        let resource = resource
            .filter(|it| it.reach(who).is_some())
            .map(|it| self.resource.show(it));
        // A boundary allows nothing by itself.
        let boundary = self.boundary.iter().filter(|_| effect == Effect::Deny);
        let boundary = boundary.flat_map(|it| {
            let statements = it.statements.iter().filter(decides);
            statements.map(|statement| it.show(statement))
        });
        identity.chain(resource).chain(boundary).collect()
    }

    /// Condition keys of the policies for which the simulation was given no value.
    fn missing(&self) -> BTreeSet<&str> {
        [
            Some(&self.identity),
            Some(&self.resource),
            self.boundary.as_ref(),
        ]
        .into_iter()
        .flatten()
        .flat_map(|it| &it.statements)
        .flat_map(|statement| &statement.conditions)
        .map(|condition| condition.key.as_str())
        .filter(|key| self.context.get(key).is_none())
        .collect()
    }
}

/// `ContextEntries`: `ContextKeyName`, `ContextKeyValues`. A given key replaces ours.
fn with_entries(call: &Call, mut context: Context) -> Context {
    let entries = call.input.get("ContextEntries").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let Some(key) = entry.get("ContextKeyName").and_then(Value::as_str) else {
            continue;
        };
        let values = entry.get("ContextKeyValues").and_then(Value::as_array);
        let texts = values
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        context.set(key, texts);
    }
    context
}

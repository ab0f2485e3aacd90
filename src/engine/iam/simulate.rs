//! What policies would say: `SimulatePrincipalPolicy` and `SimulateCustomPolicy`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::input::{self, no_such_entity};
use super::policy::{self, Context, Decision, Effect, Span, Statement, Who};
use super::{Source, sources_of, with_subject};
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::State;

/// The policies a simulation asks.
struct World {
    sources: Vec<Source>,
    /// When there are any, they must allow as well.
    boundaries: Vec<Statement>,
    context: Context,
}

pub(super) fn principal(state: &mut State, call: &Call) -> Answer {
    let arn = input::required(call, "PolicySourceArn")?;
    let Some((_, path)) = arn.split_once(":role/") else {
        return Err(Fault::new(
            400,
            "InvalidInput",
            format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."),
        ));
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let role = state
        .roles
        .get(name)
        .filter(|role| role.arn == arn)
        .ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))?;
    let mut sources = sources_of(state, role);
    sources.extend(given_policies(call, "PolicyInputList")?);
    let context = with_subject(Context::default(), &call.account, role);
    simulate(call, sources, context, arn)
}

pub(super) fn custom(_: &mut State, call: &Call) -> Answer {
    let sources = given_policies(call, "PolicyInputList")?;
    if sources.is_empty() {
        input::required(call, "PolicyInputList")?;
    }
    let caller = call.text("CallerArn").unwrap_or_default().to_owned();
    simulate(call, sources, Context::default(), &caller)
}

fn simulate(call: &Call, mut sources: Vec<Source>, context: Context, caller: &str) -> Answer {
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
    if let Some(document) = call.text("ResourcePolicy") {
        let caller = call.text("CallerArn").unwrap_or(caller);
        let mut source = Source::parse("ResourcePolicy", "Resource Policy", document)?;
        source
            .statements
            .retain(|statement| statement.names(Who::Arn(caller)));
        sources.push(source);
    }
    let boundaries = given_policies(call, "PermissionsBoundaryPolicyInputList")?;
    let world = World {
        sources,
        boundaries: boundaries
            .into_iter()
            .flat_map(|source| source.statements)
            .collect(),
        context: with_entries(call, context),
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
        let statements: Vec<Statement> = self
            .sources
            .iter()
            .flat_map(|source| source.statements.clone())
            .collect();
        let mut decision = policy::evaluate(&statements, action, resource, &self.context);
        let mut result = json!({
            "EvalActionName": action,
            "EvalResourceName": resource,
        });
        if !self.boundaries.is_empty() {
            let bounded = policy::evaluate(&self.boundaries, action, resource, &self.context);
            result["PermissionsBoundaryDecisionDetail"] =
                json!({ "AllowedByPermissionsBoundary": bounded.is_allowed() });
            if decision.is_allowed() && !bounded.is_allowed() {
                decision = bounded;
            }
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
        let of_source = |source: &Source| -> Vec<Value> {
            source
                .statements
                .iter()
                .filter(|it| it.effect == effect && it.matches(action, resource, &self.context))
                .map(|statement| source.show(statement))
                .collect()
        };
        self.sources.iter().flat_map(of_source).collect()
    }

    /// Condition keys of the policies for which the simulation was given no value.
    fn missing(&self) -> BTreeSet<&str> {
        self.sources
            .iter()
            .flat_map(|source| &source.statements)
            .flat_map(|statement| &statement.conditions)
            .map(|condition| condition.key.as_str())
            .filter(|key| self.context.get(key).is_none())
            .collect()
    }
}

impl Source {
    fn show(&self, statement: &Statement) -> Value {
        let mut shown = json!({
            "SourcePolicyId": self.id,
            "SourcePolicyType": self.kind,
        });
        let position = |(line, column): (usize, usize)| json!({ "Line": line, "Column": column });
        if let Some(Span { start, end }) = self.spans.get(statement.number - 1) {
            shown["StartPosition"] = position(*start);
            shown["EndPosition"] = position(*end);
        }
        shown
    }
}

/// Policies of the request itself, named by their place: `PolicyInputList.1`.
fn given_policies(call: &Call, member: &str) -> Result<Vec<Source>, Fault> {
    input::texts(call, member)
        .iter()
        .enumerate()
        .map(|(index, document)| {
            let id = format!("{member}.{}", index + 1);
            Source::parse(&id, "IAM Policy", document)
                .map_err(|error| Fault::new(400, "InvalidInput", format!("{id}: {error}")))
        })
        .collect()
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

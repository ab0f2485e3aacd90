//! Permission for requests that need more than one: every table they name, every action they take.

use serde_json::Value;

use super::schema::{elements, text};
use super::{facts, names};
use crate::engine::Engine;
use crate::engine::call::{Call, Fault};
use crate::engine::iam;

/// Whether the caller may do this; `facts` are condition keys that policies may ask for.
pub(super) fn permit(
    engine: &Engine,
    call: &Call,
    action: &str,
    resource: &str,
    facts: Vec<(&str, String)>,
) -> Result<(), Fault> {
    if !engine.enforces_iam() {
        return Ok(());
    }
    engine.read(|state| iam::authorize_call_with(state, call, action, resource, facts))
}

/// One action on every table of `RequestItems`.
pub(super) fn permit_tables(engine: &Engine, call: &Call, action: &str) -> Result<(), Fault> {
    let requests = call.input.get("RequestItems").and_then(Value::as_object);
    for table in requests.into_iter().flat_map(|it| it.keys()) {
        permit(
            engine,
            call,
            action,
            &names::arn_of(call, table),
            Vec::new(),
        )?;
    }
    Ok(())
}

/// What each of the `TransactItems` does to its table: a transaction needs the permissions of its parts.
pub(super) fn permit_actions(engine: &Engine, call: &Call) -> Result<(), Fault> {
    for item in elements(&call.input, "TransactItems") {
        for (member, action) in [
            ("ConditionCheck", "dynamodb:ConditionCheckItem"),
            ("Put", "dynamodb:PutItem"),
            ("Delete", "dynamodb:DeleteItem"),
            ("Update", "dynamodb:UpdateItem"),
            ("Get", "dynamodb:GetItem"),
        ] {
            let Some(part) = item.get(member).filter(|it| it.is_object()) else {
                continue;
            };
            let resource = names::arn_of(call, text(part, "TableName"));
            let mut facts = if call.principal.is_judged() {
                let table = resource.rsplit('/').next().unwrap_or_default();
                engine.read(|state| facts::of_part(state, table, part))
            } else {
                Vec::new()
            };
            facts.push(("dynamodb:EnclosingOperation", call.operation.to_owned()));
            permit(engine, call, action, &resource, facts)?;
        }
    }
    Ok(())
}

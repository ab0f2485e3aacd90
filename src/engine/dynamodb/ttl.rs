//! Time to live of a table: told and changed. Expired items stay until something deletes them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::schema::text;
use super::{names, shapes, tables, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::Table;

/// Setting: `TimeToLiveSpecification` as it was given, while it is enabled.
const SETTING: &str = "TimeToLiveSpecification";

pub(super) fn describe_time_to_live(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    let table = engine.read(|state| tables::managed(state, &name).map(Arc::clone))?;
    let description = match attribute(&table) {
        Some(attribute) => json!({"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}),
        None => json!({"TimeToLiveStatus": "DISABLED"}),
    };
    Ok(Reply::from(json!({"TimeToLiveDescription": description})))
}

pub(super) fn update_time_to_live(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, shapes::UPDATE_TIME_TO_LIVE)?;
    let specification = &call.input["TimeToLiveSpecification"];
    let wanted = text(specification, "AttributeName");
    let enable = specification["Enabled"].as_bool().unwrap_or(false);
    tables::locked(engine, &name, |table| {
        let mut table = Table::clone(table);
        match (attribute(&table), enable) {
            (Some(current), _) if current != wanted => {
                return Err(Fault::validation(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
                )));
            }
            (Some(_), true) => return Err(Fault::validation("TimeToLive is already enabled")),
            (None, false) => return Err(Fault::validation("TimeToLive is already disabled")),
            (None, true) => {
                table
                    .settings
                    .insert(SETTING.to_owned(), specification.clone());
            }
            (Some(_), false) => {
                table.settings.remove(SETTING);
            }
        }
        engine.change(|state| {
            state.tables.insert(name.clone(), Arc::new(table));
            Ok(())
        })
    })?;
    Ok(Reply::from(
        json!({"TimeToLiveSpecification": specification}),
    ))
}

fn attribute(table: &Table) -> Option<&str> {
    table
        .settings
        .get(SETTING)?
        .get("AttributeName")
        .and_then(Value::as_str)
}

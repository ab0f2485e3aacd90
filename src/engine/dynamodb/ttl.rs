//! Time to live of a table: told and changed. Items whose time is over go in `chores`.

use std::sync::Arc;

use serde_json::json;

use super::schema::text;
use super::{chores, names, passing, shapes, tables, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Expiry, Table};

/// Where former versions kept the specification, among the table's settings.
pub(super) const FORMER_SETTING: &str = "TimeToLiveSpecification";

pub(super) fn describe_time_to_live(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_known(call)?;
    let table = engine.read(|state| tables::managed(state, &name).map(Arc::clone))?;
    let description = match &table.expiry {
        Some(expiry) => {
            json!({"TimeToLiveStatus": expiry.status, "AttributeName": expiry.attribute})
        }
        None => json!({"TimeToLiveStatus": "DISABLED"}),
    };
    Ok(Reply::from(json!({"TimeToLiveDescription": description})))
}

pub(super) fn update_time_to_live(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, shapes::UPDATE_TIME_TO_LIVE)?;
    let specification = &call.input["TimeToLiveSpecification"];
    let wanted = text(specification, "AttributeName");
    let enable = flag(&specification["Enabled"]);
    let table = tables::locked(engine, &name, |table| {
        passing::check_active(table)?;
        let mut table = Table::clone(table);
        match (&mut table.expiry, enable) {
            (Some(expiry), _) if expiry.status != "ENABLED" => {
                return Err(Fault::validation(
                    "Time to live has been modified multiple times within a fixed interval",
                ));
            }
            (Some(expiry), _) if expiry.attribute != wanted => {
                return Err(Fault::validation(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                    expiry.attribute
                )));
            }
            (Some(_), true) => return Err(Fault::validation("TimeToLive is already enabled")),
            (None, false) => return Err(Fault::validation("TimeToLive is already disabled")),
            (Some(expiry), false) => {
                "DISABLING".clone_into(&mut expiry.status);
                expiry.since = call.now;
            }
            (None, true) => {}
        }
        engine.change(|state| {
            if enable {
                table.expiry = Some(Expiry {
                    attribute: wanted.to_owned(),
                    store_id: state.take_store_id(),
                    status: "ENABLING".to_owned(),
                    since: call.now,
                });
            }
            state.tables.insert(name.clone(), Arc::new(table.clone()));
            Ok(table)
        })
    })?;
    // Small tables are done at once; whatever is left or goes wrong here is done in the background.
    drop(chores::advance(engine, &table, call.now));
    engine.dynamodb().bell.ring();
    Ok(Reply::from(json!({
        "TimeToLiveSpecification": {"AttributeName": wanted, "Enabled": enable},
    })))
}

fn flag(value: &serde_json::Value) -> bool {
    value.as_bool().unwrap_or_else(|| {
        value
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("true"))
    })
}

//! Contributor insights: whether they are wanted is kept and told. Reports are not made.

use std::sync::Arc;

use serde_json::{Value, json};

use super::validate::{Member, Shape};
use super::{names, passing, tables, update_table, validate};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::Table;

/// Setting: by the name of an index, empty for the table itself.
const SETTING: &str = "ContributorInsights";
const INDEX: Member = Member::new("IndexName", Shape::Name(3, 255));
static UPDATE: &[Member] = &[
    INDEX,
    Member::required(
        "ContributorInsightsAction",
        Shape::Enum(&["ENABLE", "DISABLE"]),
    ),
    Member::new(
        "ContributorInsightsMode",
        Shape::Enum(&["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"]),
    ),
];
static DESCRIBE: &[Member] = &[INDEX];
static LIST: &[Member] = &[
    Member::new("NextToken", Shape::Text(0, 0)),
    Member::new("MaxResults", Shape::Integer(i64::MIN, 100)),
];
const MODE: &str = "ACCESSED_AND_THROTTLED_KEYS";

pub(super) fn update(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, UPDATE)?;
    let index = call.text("IndexName").unwrap_or_default();
    let enable = call.text("ContributorInsightsAction") == Some("ENABLE");
    tables::locked(engine, &name, |table| {
        passing::check_active(table)?;
        check_index(table, index)?;
        let mut table = Table::clone(table);
        let all = table.settings.entry(SETTING.to_owned());
        let all = all.or_insert_with(|| json!({}));
        all[index] = json!({
            "ContributorInsightsStatus": if enable { "ENABLED" } else { "DISABLED" },
            "ContributorInsightsMode": call.text("ContributorInsightsMode").unwrap_or(MODE),
            "LastUpdateDateTime": epoch_secs(call.now),
        });
        engine.change(|state| {
            state.tables.insert(name.clone(), Arc::new(table));
            Ok(())
        })
    })?;
    let mut answer = told(&name, index);
    answer["ContributorInsightsStatus"] = json!(if enable { "ENABLING" } else { "DISABLING" });
    answer["ContributorInsightsMode"] = json!(call.text("ContributorInsightsMode").unwrap_or(MODE));
    Ok(Reply::from(answer))
}

pub(super) fn describe(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, DESCRIBE)?;
    let index = call.text("IndexName").unwrap_or_default();
    let table = engine.read(|state| tables::managed(state, &name).map(Arc::clone))?;
    check_index(&table, index)?;
    let mut answer = told(&name, index);
    answer["ContributorInsightsStatus"] = json!("DISABLED");
    let known = table.settings.get(SETTING).and_then(|it| it.get(index));
    if let Some(known) = known.and_then(Value::as_object) {
        for (member, value) in known {
            answer[member] = value.clone();
        }
    }
    Ok(Reply::from(answer))
}

pub(super) fn list(engine: &Engine, call: &Call) -> Answer {
    let wanted = names::checked(call.text("TableName"), 1).transpose()?;
    validate::check(&call.input, LIST)?;
    let limit = call.input["MaxResults"].as_u64();
    let limit = limit.and_then(|it| usize::try_from(it).ok()).unwrap_or(100);
    let after = call.text("NextToken").and_then(|it| it.parse().ok());
    let after: usize = after.unwrap_or(0);
    engine.read(|state| {
        let mut all = Vec::new();
        for table in state.tables.values() {
            let is_wanted = wanted.is_none_or(|it| *it == table.name);
            let known = table.settings.get(SETTING).and_then(Value::as_object);
            for (index, known) in known.into_iter().flatten().filter(|_| is_wanted) {
                let mut summary = told(&table.name, index);
                for member in ["ContributorInsightsStatus", "ContributorInsightsMode"] {
                    summary[member] = known[member].clone();
                }
                all.push(summary);
            }
        }
        let left: Vec<Value> = all.into_iter().skip(after).collect();
        let mut answer = json!({"ContributorInsightsSummaries": left[..left.len().min(limit)]});
        if left.len() > limit {
            answer["NextToken"] = json!((after + limit).to_string());
        }
        Ok(Reply::from(answer))
    })
}

fn told(table: &str, index: &str) -> Value {
    let mut told = json!({ "TableName": table });
    if !index.is_empty() {
        told["IndexName"] = json!(index);
    }
    told
}

fn check_index(table: &Table, index: &str) -> Result<(), Fault> {
    let is_there = |it: &crate::engine::state::Index| it.global && it.name == index;
    if index.is_empty() || table.indexes.iter().any(is_there) {
        return Ok(());
    }
    Err(update_table::no_index(&table.name, index))
}

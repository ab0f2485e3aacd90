//! `UpdateTable`: billing, throughput, stream, global indexes, deletion protection and settings. New indexes are filled
//! in the background, see `chores`; everything else happens at once unless the options want it to take its time.

use std::sync::Arc;

use serde_json::{Value, json};

use super::schema::{self, IndexRequest, elements, invalid, text};
use super::tables::{self, check_capacity, given};
use super::{chores, indexes, names, passing, shapes, validate};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Index, State, Table};
use crate::engine::streams::shards;

const GLOBAL_MAX: usize = 20;

pub(super) fn update_table(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_known(call)?;
    validate::check(&call.input, shapes::UPDATE_TABLE)?;
    check_request(&call.input)?;
    let (table, stored) = tables::locked(engine, &name, |before| change(engine, before, call))?;
    let description = tables::describe_now(engine, &table)?;
    // A small table's index is filled at once; the rest is done in the background, and so is what goes wrong here.
    drop(chores::advance(engine, &stored, call.now));
    engine.dynamodb().bell.ring();
    Ok(Reply::from(json!({ "TableDescription": description })))
}

/// The table as AWS would describe it at this moment, and as it is kept.
fn change(engine: &Engine, before: &Table, call: &Call) -> Result<(Table, Table), Fault> {
    passing::check_active(before)?;
    let mut table = before.clone();
    change_billing(&mut table, call)?;
    if let Some(protected) = call.input["DeletionProtectionEnabled"].as_bool() {
        table.deletion_protection = protected;
    }
    tables::keep_settings(&call.input, &mut table.settings)?;
    change_indexes(&mut table, call)?;
    check_settings(&table, &call.input)?;
    passing::begin(&mut table, "UPDATING", call.now);
    let stored = engine.change(|state| {
        change_stream(engine, state, &mut table, call)?;
        // Of new ones.
        for index in table.indexes.iter_mut().filter(|it| it.store_id == 0) {
            index.store_id = state.take_store_id();
        }
        let mut stored = table.clone();
        if engine.settings().settle.is_zero() {
            state.trash.extend(passing::end(&mut stored));
        }
        state
            .tables
            .insert(stored.name.clone(), Arc::new(stored.clone()));
        Ok(stored)
    })?;
    Ok((table, stored))
}

fn check_request(input: &Value) -> Result<(), Fault> {
    const MEMBERS: [&str; 9] = [
        "ProvisionedThroughput",
        "BillingMode",
        "StreamSpecification",
        "GlobalSecondaryIndexUpdates",
        "SSESpecification",
        "DeletionProtectionEnabled",
        "TableClass",
        "OnDemandThroughput",
        "WarmThroughput",
    ];
    for member in ["ReplicaUpdates", "GlobalTableWitnessUpdates"] {
        if !elements(input, member).is_empty() {
            return Err(Fault::validation(format!(
                "{member} needs other regions, and Waterwheel has only one: a table here cannot have replicas"
            )));
        }
    }
    let says = |it: &&str| given(input, it).is_some_and(|it| *it != json!([]));
    if !MEMBERS.iter().any(says) {
        return Err(Fault::validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, \
             SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, \
             MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass \
             is required",
        ));
    }
    let throughput = given(input, "ProvisionedThroughput");
    match text(input, "BillingMode") {
        "PROVISIONED" if throughput.is_none() => {
            return Err(invalid(
                "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            ));
        }
        "PAY_PER_REQUEST" if throughput.is_some() => return Err(no_throughput()),
        _ => {}
    }
    throughput.map_or(Ok(()), check_capacity)?;
    let updates = elements(input, "GlobalSecondaryIndexUpdates");
    check_together(input, updates)?;
    let mut names = Vec::new();
    for update in updates {
        let given: Vec<&Value> = ["Update", "Create", "Delete"]
            .iter()
            .filter_map(|it| given(update, it))
            .collect();
        let [action] = given[..] else {
            return Err(invalid(if given.is_empty() {
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                 GlobalSecondaryIndexUpdate.Delete must not be null"
            } else {
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            }));
        };
        let name = text(action, "IndexName");
        if names.contains(&name) {
            return Err(invalid(&format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )));
        }
        names.push(name);
    }
    Ok(())
}

/// Some changes need a request of their own.
fn check_together(input: &Value, updates: &[Value]) -> Result<(), Fault> {
    let moved = |it: &&Value| given(it, "Create").or(given(it, "Delete")).is_some();
    let moved = updates.iter().filter(moved).count();
    let stream = given(input, "StreamSpecification").is_some();
    let capacity = given(input, "ProvisionedThroughput").is_some();
    let words = if stream && capacity {
        "You cannot modify stream status while updating table IOPS"
    } else if moved > 0 && capacity && text(input, "BillingMode").is_empty() {
        "You cannot create or delete index while updating table IOPS"
    } else if moved > 0 && stream {
        "You cannot create or delete index while changing stream status"
    } else if moved > 1 {
        return Err(only_one_index());
    } else {
        return Ok(());
    };
    Err(invalid(words))
}

fn change_billing(table: &mut Table, call: &Call) -> Result<(), Fault> {
    let throughput = given(&call.input, "ProvisionedThroughput");
    match text(&call.input, "BillingMode") {
        "PAY_PER_REQUEST" => {
            if !table.pay_per_request {
                table.pay_per_request = true;
                table.throughput = None;
                table.indexes.iter_mut().for_each(|it| it.throughput = None);
                let since = json!(epoch_secs(call.now));
                table
                    .settings
                    .insert(tables::ON_DEMAND_SINCE.to_owned(), since);
            }
            return Ok(());
        }
        "PROVISIONED" if table.pay_per_request => {
            table.pay_per_request = false;
            table.throughput = throughput.cloned();
            return Ok(());
        }
        _ => {}
    }
    let Some(throughput) = throughput else {
        return Ok(());
    };
    if table.pay_per_request {
        return Err(no_throughput());
    }
    let units =
        |of: Option<&Value>, member: &str| of.and_then(|it| it[member].as_u64()).unwrap_or(0);
    let current = table.throughput.as_ref();
    let (reads, writes) = (
        units(current, "ReadCapacityUnits"),
        units(current, "WriteCapacityUnits"),
    );
    if units(Some(throughput), "ReadCapacityUnits") == reads
        && units(Some(throughput), "WriteCapacityUnits") == writes
    {
        return Err(Fault::validation(format!(
            "The provisioned throughput for the table will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the table: {reads}. Requested ReadCapacityUnits: {reads}. \
             Current WriteCapacityUnits provisioned for the table: {writes}. Requested WriteCapacityUnits: {writes}. \
             Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )));
    }
    table.throughput = Some(throughput.clone());
    Ok(())
}

/// Applies the index updates to `table`: new ones are `CREATING`, old ones `DELETING`.
fn change_indexes(table: &mut Table, call: &Call) -> Result<(), Fault> {
    let defined = schema::attributes(&call.input)?;
    for attribute in &defined {
        if !table.attributes.iter().any(|it| it.name == attribute.name) {
            table.attributes.push(attribute.clone());
        }
    }
    for update in elements(&call.input, "GlobalSecondaryIndexUpdates") {
        if let Some(action) = given(update, "Create") {
            let index = new_index(table, action)?;
            table.indexes.push(index);
            schema::check_projected(&table.indexes)?;
        }
        if let Some(action) = given(update, "Delete") {
            let at = global_index(table, action)?;
            "DELETING".clone_into(&mut table.indexes[at].status);
            table.indexes[at].backfilling = None;
        }
        if let Some(action) = given(update, "Update") {
            let at = global_index(table, action)?;
            change_index(&mut table.indexes[at], action)?;
        }
    }
    let keys = |indexes: &mut dyn Iterator<Item = &Index>| -> Vec<String> {
        let keys = std::iter::once(&table.keys).chain(indexes.map(|it| &it.keys));
        let attributes = keys.flat_map(indexes::key_attributes);
        attributes.map(|it| it.name.clone()).collect()
    };
    // Definitions no key uses any more go; new ones have to be used.
    let used = keys(&mut table.indexes.iter().filter(|it| it.status != "DELETING"));
    if defined.iter().any(|it| !used.contains(&it.name)) {
        let names = |all: &mut dyn Iterator<Item = &str>| all.collect::<Vec<_>>().join(", ");
        return Err(invalid(&format!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
            names(&mut defined.iter().map(|it| it.name.as_str())),
            names(&mut used.iter().map(String::as_str)),
        )));
    }
    table.attributes.retain(|it| used.contains(&it.name));
    if !table.pay_per_request {
        let lacks = |it: &&Index| it.global && it.throughput.is_none() && it.status != "DELETING";
        if let Some(index) = table.indexes.iter().find(lacks) {
            return Err(invalid(&format!(
                "ProvisionedThroughput is not specified for index: {}",
                index.name
            )));
        }
    }
    Ok(())
}

fn change_index(index: &mut Index, action: &Value) -> Result<(), Fault> {
    if index.status != "ACTIVE" {
        let doing = if index.status == "CREATING" {
            "created"
        } else {
            "deleted"
        };
        let words = format!("Index is being {doing}: {}", index.name);
        return Err(passing::in_use(&words));
    }
    if let Some(throughput) = given(action, "ProvisionedThroughput") {
        check_capacity(throughput)?;
        index.throughput = Some(throughput.clone());
    }
    let kept = tables::kept(action, &tables::KEPT_OF_INDEXES);
    index.settings.extend(kept);
    Ok(())
}

/// Settings that contradict the table's billing.
fn check_settings(table: &Table, input: &Value) -> Result<(), Fault> {
    if !table.pay_per_request && given(input, "OnDemandThroughput").is_some() {
        return Err(invalid(
            "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST",
        ));
    }
    Ok(())
}

fn new_index(table: &Table, action: &Value) -> Result<Index, Fault> {
    let name = text(action, "IndexName");
    if table.indexes.iter().any(|it| it.name == name) {
        return Err(Fault::validation(
            "Attempting to create an index which already exists",
        ));
    }
    if table.indexes.iter().filter(|it| it.global).count() >= GLOBAL_MAX {
        return Err(Fault::new(
            400,
            "LimitExceededException",
            "GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ));
    }
    if table.indexes.iter().any(|it| it.status != "ACTIVE") {
        return Err(only_one_index());
    }
    let request = IndexRequest {
        input: action,
        global: true,
    };
    let mut index = schema::index(
        &request,
        &table.keys,
        &table.attributes,
        table.pay_per_request,
    )?;
    index.backfilling = Some(false);
    Ok(index)
}

fn global_index(table: &Table, action: &Value) -> Result<usize, Fault> {
    let name = text(action, "IndexName");
    let at = table.indexes.iter().position(|it| it.name == name);
    match at {
        Some(at) if table.indexes[at].global => Ok(at),
        Some(_) => Err(Fault::validation(format!(
            "Cannot delete an index that is not a GlobalSecondaryIndex: {name}"
        ))),
        None => Err(no_index(&table.name, name)),
    }
}

/// The table has no such global index.
pub(super) fn no_index(table: &str, index: &str) -> Fault {
    Fault::new(
        400,
        "ResourceNotFoundException",
        format!("Requested resource not found: Table: {table} index: {index} not found"),
    )
}

fn change_stream(
    engine: &Engine,
    state: &mut State,
    table: &mut Table,
    call: &Call,
) -> Result<(), Fault> {
    let Some(specification) = given(&call.input, "StreamSpecification") else {
        return Ok(());
    };
    let enable = specification["StreamEnabled"].as_bool().unwrap_or(false);
    let view_type = tables::view_type(specification);
    match (enable, view_type) {
        (true, None) => Err(invalid(
            "If stream is being enabled then UpdateViewType is required",
        )),
        (false, Some(_)) => Err(invalid(
            "If stream is being disabled, then UpdateViewType must not be specified",
        )),
        (true, Some(view_type)) => {
            if table.stream.is_some() {
                return Err(Fault::validation(format!(
                    "Table already has an enabled stream: TableName: {}",
                    table.name
                )));
            }
            let count = engine.settings().streams.shards;
            let arn = shards::open(state, table, view_type, count, (call.now, &call.ids));
            table.stream = Some(arn.clone());
            table.latest_stream = Some(arn);
            Ok(())
        }
        (false, None) => {
            if table.stream.is_none() {
                return Err(Fault::validation(format!(
                    "Table has no stream to disable: TableName: {}",
                    table.name
                )));
            }
            tables::close_stream(engine, state, table, call.now)?;
            table.stream = None;
            Ok(())
        }
    }
}

fn only_one_index() -> Fault {
    Fault::new(
        400,
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )
}

fn no_throughput() -> Fault {
    invalid(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    )
}

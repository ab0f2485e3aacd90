//! Tables made of copies: from a backup, or as a table was at a former moment. The copying goes on in the background,
//! a chunk at a time, also after a restart; the table is `CREATING` until it is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::indexes::{self, Entry};
use super::schema::{elements, invalid, text};
use super::tables::{self, check_capacity, given};
use super::tally::{Tally, filled_key};
use super::{chores, copies, filling, names, passing};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Index, Restored, Table};
use crate::engine::store::codec::{decode_item, size_of};
use crate::engine::store::{Commit, Shelf};

/// What a table is made of.
pub(super) struct Source<'a> {
    /// The table that was copied.
    pub table: &'a Table,
    /// Key prefix of the copy.
    pub store_id: u64,
    pub backup: Option<String>,
    /// Nobody needs the copy afterwards.
    pub drops: bool,
}

/// `TargetTableName`, when no table has it.
pub(super) fn target(engine: &Engine, call: &Call) -> Result<String, Fault> {
    let name = names::checked(call.text("TargetTableName"), 3).unwrap_or_else(|| {
        Err(Fault::validation(
            "1 validation error detected: Value null at 'targetTableName' failed to satisfy constraint: \
             Member must not be null",
        ))
    })?;
    if engine.read(|state| state.tables.contains_key(name)) {
        return Err(exists(name));
    }
    Ok(name.to_owned())
}

/// Makes the table and begins to copy.
pub(super) fn begin(engine: &Engine, call: &Call, name: String, source: &Source<'_>) -> Answer {
    let mut table = definition(call, name, source)?;
    passing::begin(&mut table, "CREATING", call.now);
    engine.change(|state| {
        if state.tables.contains_key(&table.name) {
            return Err(exists(&table.name));
        }
        table.store_id = state.take_store_id();
        for index in &mut table.indexes {
            index.store_id = state.take_store_id();
        }
        state.scratch.retain(|it| *it != source.store_id);
        state
            .tables
            .insert(table.name.clone(), Arc::new(table.clone()));
        Ok(())
    })?;
    let description = tables::describe_now(engine, &table)?;
    // A small copy is made at once; the rest in the background, and so is what goes wrong here.
    for _ in 0..2 {
        if let Some(table) = engine.read(|state| state.tables.get(&table.name).cloned()) {
            drop(chores::advance(engine, &table, call.now));
        }
    }
    engine.dynamodb().bell.ring();
    Ok(Reply::from(json!({ "TableDescription": description })))
}

/// Copies some more items into a table that is restored.
pub(super) fn step(engine: &Engine, table: &Table) -> Result<(), Fault> {
    let store = engine.store();
    tables::locked_with(engine, &table.name, |found, tallies| {
        let source = found.restored.as_ref().and_then(|it| it.source);
        let Some(source) = source.filter(|_| found.store_id == table.store_id) else {
            return Ok(());
        };
        let chunk = filling::next(store, source, tallies.filled(store, found.store_id)?)?;
        let mut commit = Commit::default();
        let mut counted: BTreeMap<u64, Tally> = BTreeMap::new();
        for store_id in passing::store_ids(found) {
            counted.insert(store_id, tallies.get(store, store_id)?);
        }
        let mut count = |store_id: u64, size: usize| {
            let tally = counted.entry(store_id).or_default();
            *tally = tally.after(None, Some(size));
        };
        for (key, value) in chunk.items {
            count(found.store_id, size_of(&value)?);
            if !found.indexes.is_empty() {
                let item = decode_item(&value)?;
                for index in &found.indexes {
                    if let Some(entry) = Entry::of(index, &found.keys, &item) {
                        count(index.store_id, size_of(&entry.item)?);
                        commit.put(Shelf::Indexes, entry.key, entry.item);
                    }
                }
            }
            commit.put(Shelf::Items, copies::moved(&key, found.store_id), value);
        }
        for (store_id, tally) in &counted {
            tally.put(&mut commit, *store_id);
        }
        commit.put(
            Shelf::Documents,
            filled_key(found.store_id),
            chunk.reached.clone(),
        );
        store.commit(commit)?;
        for (store_id, tally) in counted {
            tallies.set(store_id, tally);
        }
        tallies.set_filled(found.store_id, chunk.reached);
        if chunk.is_last {
            finish(engine, found)?;
        }
        Ok(())
    })
}

fn finish(engine: &Engine, found: &Table) -> Result<(), Fault> {
    let mut table = found.clone();
    engine.change(|state| {
        if let Some(restored) = &mut table.restored {
            let source = restored.source.take().filter(|_| restored.drops_source);
            state.trash.extend(source);
        }
        state.tables.insert(table.name.clone(), Arc::new(table));
        Ok(())
    })?;
    let store = engine.store();
    Ok(store.remove(Shelf::Documents, filled_key(found.store_id))?)
}

/// The new table: keys, indexes and billing of the copied one. Stream, time to live, tags, protection against deletion
/// and point-in-time recovery are not restored.
fn definition(call: &Call, name: String, source: &Source<'_>) -> Result<Table, Fault> {
    let mut table = Table {
        arn: call
            .account
            .arn("dynamodb", format!("table/{name}"))
            .to_string(),
        name,
        id: call.ids.uuid(),
        store_id: 0,
        created: call.now,
        stream: None,
        latest_stream: None,
        deletion_protection: false,
        tags: BTreeMap::new(),
        expiry: None,
        undo: None,
        restored: Some(Restored {
            backup: source.backup.clone(),
            table: source.table.arn.clone(),
            at: call.now,
            source: Some(source.store_id),
            drops_source: source.drops,
        }),
        ..source.table.clone()
    };
    override_billing(call, &mut table)?;
    for (member, global) in [
        ("GlobalSecondaryIndexOverride", true),
        ("LocalSecondaryIndexOverride", false),
    ] {
        if given(&call.input, member).is_some() {
            override_indexes(&mut table, elements(&call.input, member), global)?;
        }
    }
    for index in &mut table.indexes {
        index.store_id = 0;
        index.backfilling = None;
        "CREATING".clone_into(&mut index.status);
        let lacks = index.global && !table.pay_per_request && index.throughput.is_none();
        if lacks {
            return Err(invalid(&format!(
                "ProvisionedThroughput is not specified for index: {}",
                index.name
            )));
        }
    }
    let used: Vec<&str> = std::iter::once(&table.keys)
        .chain(table.indexes.iter().map(|it| &it.keys))
        .flat_map(indexes::key_attributes)
        .map(|it| it.name.as_str())
        .collect();
    let attributes = table.attributes.iter();
    let attributes = attributes.filter(|it| used.contains(&it.name.as_str()));
    table.attributes = attributes.cloned().collect();
    for (member, setting) in [
        ("SSESpecificationOverride", "SSESpecification"),
        ("OnDemandThroughputOverride", "OnDemandThroughput"),
    ] {
        if let Some(value) = given(&call.input, member) {
            table.settings.insert(setting.to_owned(), value.clone());
        }
    }
    Ok(table)
}

fn override_billing(call: &Call, table: &mut Table) -> Result<(), Fault> {
    let throughput = given(&call.input, "ProvisionedThroughputOverride");
    match text(&call.input, "BillingModeOverride") {
        "PAY_PER_REQUEST" => {
            if throughput.is_some() {
                return Err(invalid(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                     PAY_PER_REQUEST",
                ));
            }
            if !table.pay_per_request {
                let since = json!(epoch_secs(call.now));
                let setting = tables::ON_DEMAND_SINCE.to_owned();
                table.settings.insert(setting, since);
            }
            table.pay_per_request = true;
            table.throughput = None;
            table.indexes.iter_mut().for_each(|it| it.throughput = None);
        }
        "PROVISIONED" => {
            if throughput.is_none() && table.pay_per_request {
                return Err(invalid(
                    "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
                ));
            }
            table.pay_per_request = false;
        }
        _ => {}
    }
    if let Some(throughput) = throughput {
        check_capacity(throughput)?;
        table.throughput = Some(throughput.clone());
    }
    Ok(())
}

/// Keeps the indexes of one kind that are named; a restore can leave indexes out, not add or change them.
fn override_indexes(table: &mut Table, wanted: &[Value], global: bool) -> Result<(), Fault> {
    let mut kept: Vec<Index> = Vec::new();
    for input in wanted {
        let name = text(input, "IndexName");
        let is_it = |it: &&Index| it.global == global && it.name == name;
        let Some(index) = table.indexes.iter().find(is_it) else {
            return Err(invalid(&format!(
                "Index {name} is not an index of the source table: a restore can leave indexes out, not add them"
            )));
        };
        let mut index = index.clone();
        if let Some(throughput) = given(input, "ProvisionedThroughput") {
            check_capacity(throughput)?;
            index.throughput = Some(throughput.clone());
        }
        kept.push(index);
    }
    table.indexes.retain(|it| it.global != global);
    table.indexes.extend(kept);
    Ok(())
}

fn exists(name: &str) -> Fault {
    Fault::new(
        400,
        "TableAlreadyExistsException",
        format!("Table already exists: {name}"),
    )
}

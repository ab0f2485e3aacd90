//! `ExecuteTransaction`: many statements, everything or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::read::Read;
use super::statement::{Bound, Work, found};
use super::write::{Planned, Write};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::dynamodb::capacity::{Units, read_units};
use crate::engine::dynamodb::schema::elements;
use crate::engine::dynamodb::transact::{
    BYTES_MAX, FACTOR, all_or_canceled, places, tell_consumed, twice,
};
use crate::engine::dynamodb::value::{Item, item_size, item_to_json};
use crate::engine::dynamodb::write::{Batch, Locks, Stored};
use crate::engine::dynamodb::{fitness, shapes, validate};
use crate::engine::state::Table;
use crate::engine::store::codec::{decode_item, encode_item, size_of};

pub(in crate::engine::dynamodb) fn execute_transaction(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::EXECUTE_TRANSACTION)?;
    let mut statements = Vec::new();
    let inputs = elements(&call.input, "TransactStatements");
    for (at, input) in inputs.iter().enumerate() {
        statements.push(Bound::of(input).map_err(|fault| within(at, fault))?);
    }
    for statement in &statements {
        statement.permit(engine, call)?;
    }
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    let mut keys = Vec::new();
    for (at, statement) in statements.into_iter().enumerate() {
        let table = found(engine, &statement.table)?;
        let key = key(&statement, &table).map_err(|fault| within(at, fault))?;
        keys.push((statement.table.clone(), key));
        match statement.work {
            Work::Read(read) => reads.push(read),
            Work::Write(write) => writes.push(write),
        }
    }
    if !reads.is_empty() && !writes.is_empty() {
        return Err(Fault::validation(
            "The statements of a transaction must either all be reads or all be writes",
        ));
    }
    let mut seen = BTreeSet::new();
    if !keys
        .iter()
        .all(|(table, key)| seen.insert((table, encode_item(key))))
    {
        return Err(twice());
    }
    let tables: Vec<&str> = keys.iter().map(|(table, _)| table.as_str()).collect();
    if writes.is_empty() {
        let locks = Locks::of(engine, &tables)?;
        return get(call, &locks.open(call, engine)?, &reads, &keys);
    }
    let live = engine.dynamodb();
    let items = keys.iter().map(|(table, key)| (table.as_str(), key));
    let (_claim, free) = live.claims.claim(&places(engine, items)?);
    all_or_canceled(free)?;
    let tokens = &live.tokens;
    let locks = Locks::of(engine, &tables)?;
    let batch = locks.open(call, engine)?;
    if tokens.is_repeated(call)? {
        return replay(call, &batch, &keys);
    }
    let answer = change(call, batch, &writes)?;
    tokens.remember(call);
    Ok(answer)
}

/// What is wrong with a statement whatever is stored, named by its place.
fn within(at: usize, fault: Fault) -> Fault {
    if fault.code != "ValidationException" {
        return fault;
    }
    Fault::validation(format!(
        "Validation failed in TransactStatements[{at}]: {}",
        fault.message
    ))
}

/// The key of the statement's item.
fn key(statement: &Bound, table: &Arc<Table>) -> Result<Item, Fault> {
    match &statement.work {
        Work::Write(write) if write.returning.is_some() => Err(Fault::validation(
            "RETURNING clause is not supported in ExecuteTransaction.",
        )),
        Work::Write(write) => write.check_key(table),
        Work::Read(read) if read.select.from.index.is_some() => Err(Fault::validation(
            "Reads on indices are not supported within transactions.",
        )),
        Work::Read(read) => {
            let key = read.only_key(table).ok_or_else(|| {
                Fault::validation(
                    "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
                )
            })?;
            fitness::check_key(&table.keys, &key)?;
            Ok(key)
        }
    }
}

fn change(call: &Call, mut batch: Batch<'_>, writes: &[Box<Write>]) -> Answer {
    let plans: Vec<Result<Planned, Fault>> = writes.iter().map(|it| it.plan(&batch)).collect();
    let plans = all_or_canceled(plans)?;
    let bytes = |plan: &Planned| plan.new.as_ref().map_or(0, item_size);
    if plans.iter().map(bytes).sum::<usize>() > BYTES_MAX {
        return Err(Fault::validation(
            "Transaction request size exceeds the maximum allowed size of 4 MB",
        ));
    }
    let mut consumed: BTreeMap<String, Units> = BTreeMap::new();
    for (write, plan) in writes.iter().zip(&plans) {
        let units = write.perform(&mut batch, plan)?;
        let sum = consumed.entry(write.table.clone()).or_default();
        sum.add(&units.times(FACTOR));
    }
    let mut answer = json!({"Responses": []});
    let told = tell_consumed(call, "WriteCapacityUnits", &consumed, |name| {
        batch.table(name)
    })?;
    if let Some(told) = told {
        answer["ConsumedCapacity"] = told;
    }
    batch.commit()?;
    Ok(Reply::from(answer))
}

/// The answer to a token that was seen before: nothing happens, but its items are looked at.
fn replay(call: &Call, batch: &Batch<'_>, keys: &[(String, Item)]) -> Answer {
    let (_, consumed) = stored(batch, keys)?;
    let mut answer = json!({"Responses": []});
    tell_read(call, batch, &consumed, &mut answer)?;
    Ok(Reply::from(answer))
}

fn get(call: &Call, batch: &Batch<'_>, reads: &[Box<Read>], keys: &[(String, Item)]) -> Answer {
    let free = |(table, key): &(String, Item)| batch.check_free(&*batch.table(table)?, key);
    all_or_canceled(keys.iter().map(free).collect())?;
    let (found, consumed) = stored(batch, keys)?;
    let mut responses = Vec::new();
    for (read, item) in reads.iter().zip(found) {
        responses.push(match item.item() {
            None => json!({}),
            Some(item) => json!({"Item": item_to_json(&read.project(decode_item(item)?))}),
        });
    }
    let mut answer = json!({ "Responses": responses });
    tell_read(call, batch, &consumed, &mut answer)?;
    Ok(Reply::from(answer))
}

/// The stored items and the units it takes to read them, by table.
fn stored(
    batch: &Batch<'_>,
    keys: &[(String, Item)],
) -> Result<(Vec<Stored>, BTreeMap<String, Units>), Fault> {
    let mut found = Vec::new();
    let mut consumed: BTreeMap<String, Units> = BTreeMap::new();
    for (name, key) in keys {
        let table = batch.table(name)?;
        let item = batch.read(&table, key)?;
        let size = item.item().map(size_of).transpose()?.unwrap_or(0);
        let sum = consumed.entry(name.clone()).or_default();
        sum.add(&Units::new(read_units(size, true)).times(FACTOR));
        found.push(item);
    }
    Ok((found, consumed))
}

fn tell_read(
    call: &Call,
    batch: &Batch<'_>,
    consumed: &BTreeMap<String, Units>,
    answer: &mut Value,
) -> Result<(), Fault> {
    let told = tell_consumed(call, "ReadCapacityUnits", consumed, |name| {
        batch.table(name)
    })?;
    if let Some(told) = told {
        answer["ConsumedCapacity"] = told;
    }
    Ok(())
}

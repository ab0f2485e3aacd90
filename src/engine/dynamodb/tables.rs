//! Tables: made, described, listed, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::schema::{self, elements, invalid, text};
use super::tally::{Tallies, Tally};
use super::{describe, names, passing, resource_policies, shapes, tags, validate};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{State, Stream, Table, ViewType};
use crate::engine::streams::shards;
use crate::mapping::assumed::StreamEnds;

/// Setting: when the table became on-demand, in seconds.
pub(super) const ON_DEMAND_SINCE: &str = "LastUpdateToPayPerRequestDateTime";
/// Settings that are stored and described as they were given.
pub(super) const KEPT: [&str; 4] = [
    "TableClass",
    "SSESpecification",
    "OnDemandThroughput",
    "WarmThroughput",
];
pub(super) const KEPT_OF_INDEXES: [&str; 2] = ["OnDemandThroughput", "WarmThroughput"];
const CAPACITY_MAX: u64 = 1_000_000_000_000;
const LIST_MAX: usize = 100;

pub(super) fn create_table(engine: &Engine, call: &Call) -> Answer {
    let (mut table, view_type) = new_table(call)?;
    let policy = resource_policies::of_new_table(call)?;
    passing::begin(&mut table, "CREATING", call.now);
    engine.change(|state| {
        if let Some(known) = state.tables.get(&table.name) {
            if known.status == "DELETING" {
                passing::check_active(known)?;
            }
            return Err(Fault::new(
                400,
                "ResourceInUseException",
                format!("Table already exists: {}", table.name),
            ));
        }
        table.store_id = state.take_store_id();
        for index in &mut table.indexes {
            index.store_id = state.take_store_id();
        }
        if let Some(view_type) = view_type {
            let count = engine.settings().streams.shards;
            let arn = shards::open(state, &table, view_type, count, (call.now, &call.ids));
            table.stream = Some(arn.clone());
            table.latest_stream = Some(arn);
        }
        // Usable at once where nothing else is wanted; the answer says what AWS says at this moment.
        let mut stored = table.clone();
        if engine.settings().settle.is_zero() {
            passing::end(&mut stored);
        }
        state.tables.insert(table.name.clone(), Arc::new(stored));
        if let Some(policy) = policy {
            state.resource_policies.insert(table.arn.clone(), policy);
        }
        Ok(())
    })?;
    engine.dynamodb().bell.ring();
    Ok(Reply::from(
        json!({"TableDescription": describe_now(engine, &table)?}),
    ))
}

/// The table a request asks for, without its key prefixes, and the view type of its stream.
fn new_table(call: &Call) -> Result<(Table, Option<ViewType>), Fault> {
    let name = names::of_table(call, 3)?;
    let input = &call.input;
    validate::check(input, shapes::CREATE_TABLE)?;
    let pay_per_request = check_billing(input)?;
    let attributes = schema::attributes(input)?;
    let keys = schema::keys(input, &attributes)?;
    let indexes = schema::indexes(input, &keys, &attributes, pay_per_request)?;
    schema::check_all_used(&attributes, &keys, &indexes)?;
    let view_type = new_stream(input)?;
    let mut settings = BTreeMap::new();
    if pay_per_request {
        settings.insert(ON_DEMAND_SINCE.to_owned(), json!(epoch_secs(call.now)));
    }
    keep_settings(input, &mut settings)?;
    let table = Table {
        arn: call
            .account
            .arn("dynamodb", format!("table/{name}"))
            .to_string(),
        name,
        id: call.ids.uuid(),
        store_id: 0,
        created: call.now,
        status: String::new(),
        since: None,
        attributes,
        keys,
        indexes,
        pay_per_request,
        throughput: given(input, "ProvisionedThroughput").cloned(),
        stream: None,
        latest_stream: None,
        deletion_protection: input["DeletionProtectionEnabled"]
            .as_bool()
            .unwrap_or(false),
        tags: tags::read(elements(input, "Tags"))?,
        expiry: None,
        undo: None,
        restored: None,
        settings,
    };
    Ok((table, view_type))
}

pub(super) fn describe_table(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_known(call)?;
    let table = engine.read(|state| managed(state, &name).map(Arc::clone))?;
    Ok(Reply::from(json!({"Table": describe_now(engine, &table)?})))
}

pub(super) fn list_tables(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::LIST_TABLES)?;
    let after = call.text("ExclusiveStartTableName");
    let limit = validate::integer(&call.input["Limit"]);
    let limit = limit
        .and_then(|it| usize::try_from(it).ok())
        .unwrap_or(LIST_MAX);
    engine.read(|state| {
        let mut names = state
            .tables
            .keys()
            .filter(|it| after.is_none_or(|after| it.as_str() > after))
            .peekable();
        let page: Vec<&String> = names.by_ref().take(limit).collect();
        let mut answer = json!({ "TableNames": page });
        if let (Some(last), true) = (page.last(), names.peek().is_some()) {
            answer["LastEvaluatedTableName"] = json!(last);
        }
        Ok(Reply::from(answer))
    })
}

pub(super) fn delete_table(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_known(call)?;
    let table = locked(engine, &name, |table| {
        passing::check_active(table)?;
        if table.deletion_protection {
            return Err(Fault::validation(
                "Resource cannot be deleted as it is currently protected against deletion. \
                 Disable deletion protection first.",
            ));
        }
        let mut going = Table::clone(table);
        passing::begin(&mut going, "DELETING", call.now);
        let settings = engine.settings();
        engine.change(|state| {
            if settings.settle.is_zero() || settings.assumed.stream_ends == StreamEnds::Asked {
                close_stream(engine, state, table, call.now)?;
                going.stream = None;
            }
            state.resource_policies.remove(&table.arn);
            if settings.settle.is_zero() {
                state.tables.remove(&name);
                state.trash.extend(passing::store_ids(table));
            } else {
                state.tables.insert(name.clone(), Arc::new(going.clone()));
            }
            Ok(())
        })?;
        Ok(going)
    })?;
    if engine.settings().settle.is_zero() {
        engine.dynamodb().forget(table.store_id);
    }
    engine.dynamodb().bell.ring();
    let facts = describe::Facts {
        tally: &|_| Tally::default(),
        stream: None,
    };
    Ok(Reply::from(
        json!({"TableDescription": describe::table(&table, &facts)}),
    ))
}

/// Switches the table's stream off, if it has one; its records stay readable.
pub(super) fn close_stream(
    engine: &Engine,
    state: &mut State,
    table: &Table,
    now: SystemTime,
) -> Result<(), Fault> {
    let stream = table
        .stream
        .as_ref()
        .and_then(|it| state.streams.get_mut(it));
    let Some(stream) = stream else {
        return Ok(());
    };
    let mut last = BTreeMap::new();
    for shard in &stream.shards {
        let tip = engine.streams().tip(engine.store(), shard)?;
        last.insert(shard.id.clone(), tip.last(shard));
        // Who reads next waits for the change that is under way.
        tip.ring();
    }
    shards::close(stream, now, |it| last.get(&it.id).copied().flatten());
    Ok(())
}

/// The table as it is described at this moment.
pub(super) fn describe_now(engine: &Engine, table: &Table) -> Result<Value, Fault> {
    let lock = engine.dynamodb().lock_of(table.store_id);
    let mut tallies = lock.lock();
    let mut counted = BTreeMap::new();
    let ids = table.indexes.iter().map(|it| it.store_id);
    for store_id in std::iter::once(table.store_id).chain(ids) {
        counted.insert(store_id, tallies.get(engine.store(), store_id)?);
    }
    drop(tallies);
    let stream: Option<Stream> = engine.read(|state| {
        let arn = table.latest_stream.as_ref()?;
        state.streams.get(arn).cloned()
    });
    let facts = describe::Facts {
        tally: &|store_id| counted.get(&store_id).copied().unwrap_or_default(),
        stream: stream.as_ref(),
    };
    Ok(describe::table(table, &facts))
}

/// Works on a table that nobody writes to meanwhile. Nothing inside may ask for the same lock.
pub(in crate::engine) fn locked<T>(
    engine: &Engine,
    name: &str,
    work: impl FnOnce(&Arc<Table>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    locked_with(engine, name, |table, _| work(table))
}

/// The same for work that counts.
pub(super) fn locked_with<T>(
    engine: &Engine,
    name: &str,
    work: impl FnOnce(&Arc<Table>, &mut Tallies) -> Result<T, Fault>,
) -> Result<T, Fault> {
    loop {
        let store_id = engine.read(|state| managed(state, name).map(|it| it.store_id))?;
        let lock = engine.dynamodb().lock_of(store_id);
        let mut tallies = lock.lock();
        let table = engine.read(|state| managed(state, name).map(Arc::clone))?;
        // Otherwise it was deleted and made again while we waited.
        if table.store_id == store_id {
            return work(&table, &mut tallies);
        }
    }
}

/// The table of this name, or what AWS says when an operation on tables meets none.
pub(super) fn managed<'a>(state: &'a State, name: &str) -> Result<&'a Arc<Table>, Fault> {
    state.tables.get(name).ok_or_else(|| {
        Fault::new(
            400,
            "ResourceNotFoundException",
            format!("Requested resource not found: Table: {name} not found"),
        )
    })
}

/// `StreamViewType` of `StreamSpecification`.
pub(super) fn view_type(specification: &Value) -> Option<ViewType> {
    Some(match text(specification, "StreamViewType") {
        "KEYS_ONLY" => ViewType::KeysOnly,
        "NEW_IMAGE" => ViewType::NewImage,
        "OLD_IMAGE" => ViewType::OldImage,
        "NEW_AND_OLD_IMAGES" => ViewType::NewAndOldImages,
        _ => return None,
    })
}

/// Stores `TableClass` and its like.
pub(super) fn keep_settings(
    input: &Value,
    settings: &mut BTreeMap<String, Value>,
) -> Result<(), Fault> {
    let class = text(input, "TableClass");
    if !["", "STANDARD", "STANDARD_INFREQUENT_ACCESS"].contains(&class) {
        return Err(Fault::validation(
            "Invalid table-class parameter provided. Please try again with a valid table-class value: \
             [STANDARD, STANDARD_INFREQUENT_ACCESS].",
        ));
    }
    settings.extend(kept(input, &KEPT));
    Ok(())
}

/// Those of a request's members that are there.
pub(super) fn kept(input: &Value, members: &[&str]) -> BTreeMap<String, Value> {
    let given = |member: &&str| Some(((*member).to_owned(), given(input, member)?.clone()));
    members.iter().filter_map(given).collect()
}

/// A member that is there and not null.
pub(super) fn given<'a>(input: &'a Value, member: &str) -> Option<&'a Value> {
    input.get(member).filter(|it| !it.is_null())
}

/// Refuses capacities out of bounds.
pub(super) fn check_capacity(throughput: &Value) -> Result<(), Fault> {
    for member in ["ReadCapacityUnits", "WriteCapacityUnits"] {
        if let Some(units) = throughput[member].as_u64().filter(|it| *it > CAPACITY_MAX) {
            return Err(Fault::validation(format!(
                "Given value {units} for {member} is out of bounds"
            )));
        }
    }
    Ok(())
}

/// Whether the new table is on-demand; refuses what does not go with that.
fn check_billing(input: &Value) -> Result<bool, Fault> {
    let throughput = given(input, "ProvisionedThroughput");
    if text(input, "BillingMode") == "PAY_PER_REQUEST" {
        return match throughput {
            None => Ok(true),
            Some(_) => Err(invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            )),
        };
    }
    let throughput = throughput.ok_or_else(|| {
        invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )
    })?;
    check_capacity(throughput)?;
    Ok(false)
}

/// The view type of the stream a new table is asked for.
fn new_stream(input: &Value) -> Result<Option<ViewType>, Fault> {
    let Some(specification) = given(input, "StreamSpecification") else {
        return Ok(None);
    };
    let enabled = specification["StreamEnabled"].as_bool().unwrap_or(false);
    match (enabled, view_type(specification)) {
        (true, Some(view_type)) => Ok(Some(view_type)),
        (false, None) => Ok(None),
        (true, None) => Err(invalid(
            "Table is being created with a stream enabled, UpdateViewType is required",
        )),
        (false, Some(_)) => Err(invalid(
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        )),
    }
}

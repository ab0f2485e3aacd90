//! `PutItem`, `GetItem`, `UpdateItem` and `DeleteItem`.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::capacity::{self, Units, read_units};
use super::clauses::{CONDITION, Clauses, PROJECTION, UPDATE};
use super::expression::condition::Condition;
use super::expression::projection::Projection;
use super::expression::update::Update;
use super::fitness;
use super::plain::Plain;
use super::throttle::{self, Kind};
use super::validate::Member;
use super::value::{Item, item_from_json, item_to_json};
use super::write::{self, Change, Locks};
use super::{names, shapes, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::Table;
use crate::engine::store::codec::{decode_item, size_of};
use crate::engine::store::{Shared, Shelf, keys, text};

pub(super) fn get_item(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[PROJECTION];
    let name = names::of_items(call)?;
    let (key, clauses) = asked(call, "Key", shapes::GET_ITEM, KINDS, |_, _| Ok(()))?;
    let table = engine.read(|state| write::table(state, name).map(Arc::clone))?;
    fitness::check_key(&table.keys, &key)?;
    throttle::admit(engine, &table, None, Kind::Read, call.now)?;
    let found = stored(engine, &table, &key)?;
    let mut answer = Vec::with_capacity(found.as_ref().map_or(2, |it| it.len() * 2 + 64));
    answer.push(b'{');
    if let Some(found) = &found {
        answer.extend_from_slice(br#""Item":"#);
        push_projected(&mut answer, found, clauses.projection.as_ref())?;
    }
    let size = found.as_deref().map(size_of).transpose()?.unwrap_or(0);
    let consistent = call.input["ConsistentRead"].as_bool().unwrap_or(false);
    let units = Units::new(read_units(size, consistent));
    throttle::take(engine, &table, &units, Kind::Read, call.now);
    if let Some(consumed) = capacity::consumed(call, &table, &units) {
        let comma = if found.is_some() { "," } else { "" };
        answer.extend_from_slice(format!(r#"{comma}"ConsumedCapacity":{consumed}"#).as_bytes());
    }
    answer.push(b'}');
    Ok(Reply::text(answer))
}

/// Appends JSON text of a stored item, or of what is wanted of it.
pub(super) fn push_projected(
    out: &mut Vec<u8>,
    stored: &[u8],
    projection: Option<&Projection>,
) -> Result<(), Fault> {
    match projection {
        None => text::push_stored(out, stored)?,
        Some(projection) => text::push_item(out, &projection.apply(&decode_item(stored)?))?,
    }
    Ok(())
}

/// The stored item and its size in bytes.
pub(super) fn read(
    engine: &Engine,
    table: &Table,
    key: &Item,
) -> Result<(Option<Item>, usize), Fault> {
    match stored(engine, table, key)? {
        None => Ok((None, 0)),
        Some(bytes) => Ok((Some(decode_item(&bytes)?), size_of(&bytes)?)),
    }
}

/// The item as it is stored.
pub(super) fn stored(engine: &Engine, table: &Table, key: &Item) -> Result<Option<Shared>, Fault> {
    let key = keys::item_key(table.store_id, &table.keys, key);
    let key = key.ok_or_else(|| Fault::internal("a checked key lacks an attribute"))?;
    Ok(engine.store().get(Shelf::Items, &key)?)
}

pub(super) fn put_item(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[CONDITION];
    let name = names::of_items(call)?;
    let (item, clauses) = asked(call, "Item", shapes::PUT_ITEM, KINDS, |call, item| {
        returns_old_or_nothing(call).and_then(|()| fitness::check_size(item))
    })?;
    let locks = Locks::of(engine, &[name])?;
    let mut batch = locks.open(call, engine)?;
    let table = batch.table(name)?;
    fitness::check_new(&table, &item)?;
    let old = batch.read_free(&table, &item)?;
    check_condition(
        clauses.condition.as_ref(),
        old.item(),
        wants_failed_item(&call.input),
    )?;
    let change = Change {
        keys: &item,
        old: &old,
        new: Some(&item),
        expired: false,
    };
    let written = batch.change(name, &change)?;
    batch.commit()?;
    answer_old(call, &table, &item, old.item(), &written)
}

pub(super) fn delete_item(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[CONDITION];
    let name = names::of_items(call)?;
    let (key, clauses) = asked(call, "Key", shapes::DELETE_ITEM, KINDS, |call, _| {
        returns_old_or_nothing(call)
    })?;
    let locks = Locks::of(engine, &[name])?;
    let mut batch = locks.open(call, engine)?;
    let table = batch.table(name)?;
    fitness::check_key(&table.keys, &key)?;
    let old = batch.read_free(&table, &key)?;
    check_condition(
        clauses.condition.as_ref(),
        old.item(),
        wants_failed_item(&call.input),
    )?;
    let change = Change {
        keys: &key,
        old: &old,
        new: None,
        expired: false,
    };
    let written = batch.change(name, &change)?;
    batch.commit()?;
    answer_old(call, &table, &key, old.item(), &written)
}

pub(super) fn update_item(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[UPDATE, CONDITION];
    let name = names::of_items(call)?;
    let (key, clauses) = asked(call, "Key", shapes::UPDATE_ITEM, KINDS, |_, _| Ok(()))?;
    let locks = Locks::of(engine, &[name])?;
    let mut batch = locks.open(call, engine)?;
    let table = batch.table(name)?;
    fitness::check_key(&table.keys, &key)?;
    if let Some(update) = &clauses.update {
        update.check_keys(&table.keys)?;
    }
    let stored = batch.read_free(&table, &key)?;
    check_condition(
        clauses.condition.as_ref(),
        stored.item(),
        wants_failed_item(&call.input),
    )?;
    let old = stored.item().map(decode_item).transpose()?;
    let updated = Updated::of(&clauses, &table, &key, old)?;
    let change = Change {
        keys: &key,
        old: &stored,
        new: updated.new.as_ref(),
        expired: false,
    };
    let written = batch.change(name, &change)?;
    batch.commit()?;
    let mut answer = common(call, &table, &key, &written);
    let attributes = match call.text("ReturnValues") {
        Some("ALL_OLD") => updated.old.as_ref(),
        Some("ALL_NEW") => updated.new.as_ref(),
        Some("UPDATED_OLD") => Some(&updated.touched_old),
        Some("UPDATED_NEW") => Some(&updated.touched_new),
        _ => None,
    };
    if let Some(attributes) = attributes.filter(|it| !it.is_empty()) {
        answer["Attributes"] = item_to_json(attributes);
    }
    Ok(Reply::from(answer))
}

/// The item or key under this member and what is said beside it, checked in AWS's order: `check` comes before the
/// expressions are read.
fn asked<'a>(
    call: &'a Call,
    member: &str,
    members: &[Member],
    kinds: &[&'static str],
    check: fn(&Call, &Item) -> Result<(), Fault>,
) -> Result<(Cow<'a, Item>, Clauses), Fault> {
    if let Some(Plain { item, .. }) = &call.plain {
        check(call, item)?;
        return Ok((Cow::Borrowed(item), Clauses::default()));
    }
    validate::check(&call.input, members)?;
    Clauses::check(&call.input, kinds)?;
    let item = item_from_json(&call.input[member])?;
    check(call, &item)?;
    Ok((Cow::Owned(item), Clauses::read(&call.input, kinds)?))
}

/// An item before and after an update expression, and what it touched.
pub(super) struct Updated {
    pub(super) old: Option<Item>,
    pub(super) new: Option<Item>,
    pub(super) touched_old: Item,
    pub(super) touched_new: Item,
}

impl Updated {
    pub(super) fn of(
        clauses: &Clauses,
        table: &Table,
        key: &Item,
        old: Option<Item>,
    ) -> Result<Self, Fault> {
        let before = old.clone().unwrap_or_default();
        let mut updated = Self {
            old,
            new: None,
            touched_old: Item::new(),
            touched_new: Item::new(),
        };
        let creates = clauses.update.as_ref().is_none_or(Update::creates_item);
        let mut new = before.clone();
        if let Some(update) = &clauses.update {
            let applied = update.apply(&before, &table.keys)?;
            new = applied.item;
            updated.touched_old = applied.updated_old;
            updated.touched_new = applied.updated_new;
        }
        if updated.old.is_some() || creates {
            new.extend(key.clone());
            fitness::check_index_keys(table, &new)?;
            fitness::check_updated_size(&new)?;
            updated.new = Some(new);
        }
        Ok(updated)
    }
}

/// Refuses when the condition does not hold; the item goes with the fault if it is wanted.
pub(super) fn check_condition(
    condition: Option<&Condition>,
    stored: Option<&[u8]>,
    wants_item: bool,
) -> Result<(), Fault> {
    let Some(condition) = condition else {
        return Ok(());
    };
    let item = stored.map(decode_item).transpose()?;
    let nothing = Item::new();
    if condition.matches(item.as_ref().unwrap_or(&nothing)) {
        return Ok(());
    }
    let mut fault = Fault::new(
        400,
        "ConditionalCheckFailedException",
        "The conditional request failed",
    );
    if let Some(item) = item.filter(|_| wants_item) {
        fault.extra = Some(json!({"Item": item_to_json(&item)}));
    }
    Err(fault)
}

/// `ReturnValuesOnConditionCheckFailure` of a request or of one action of a transaction.
pub(super) fn wants_failed_item(input: &Value) -> bool {
    let wanted = input.get("ReturnValuesOnConditionCheckFailure");
    wanted.and_then(Value::as_str) == Some("ALL_OLD")
}

fn returns_old_or_nothing(call: &Call) -> Result<(), Fault> {
    match call.text("ReturnValues") {
        None | Some("NONE" | "ALL_OLD") => Ok(()),
        Some(_) => Err(Fault::validation(
            "ReturnValues can only be ALL_OLD or NONE",
        )),
    }
}

fn answer_old(
    call: &Call,
    table: &Table,
    key: &Item,
    old: Option<&[u8]>,
    written: &Units,
) -> Answer {
    if call.plain.is_some() {
        return Ok(Reply::text(Bytes::from_static(b"{}")));
    }
    let mut answer = common(call, table, key, written);
    if let Some(old) = old.filter(|_| call.text("ReturnValues") == Some("ALL_OLD")) {
        answer["Attributes"] = item_to_json(&decode_item(old)?);
    }
    Ok(Reply::from(answer))
}

/// What every write may be asked to answer.
fn common(call: &Call, table: &Table, key: &Item, written: &Units) -> Value {
    let mut answer = json!({});
    if let Some(consumed) = capacity::consumed(call, table, written) {
        answer["ConsumedCapacity"] = consumed;
    }
    if call.text("ReturnItemCollectionMetrics") == Some("SIZE")
        && let Some(metrics) = collection_metrics(table, key)
    {
        answer["ItemCollectionMetrics"] = metrics;
    }
    answer
}

/// `ItemCollectionMetrics`: only tables with local indexes have them.
pub(super) fn collection_metrics(table: &Table, key: &Item) -> Option<Value> {
    if table.indexes.iter().all(|it| it.global) {
        return None;
    }
    let partition = &table.keys.partition.name;
    let value = key.get(partition)?.to_json();
    Some(json!({
        "ItemCollectionKey": {partition: value},
        // Estimates of AWS are as coarse as this.
        "SizeEstimateRangeGB": [0.0, 1.0],
    }))
}

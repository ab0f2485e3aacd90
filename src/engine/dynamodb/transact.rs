//! `TransactWriteItems` and `TransactGetItems`: everything or nothing, also across tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::capacity::{self, Units, read_units};
use super::clauses::{CONDITION, Clauses, PROJECTION, UPDATE};
use super::items::{self, Updated, check_condition, wants_failed_item};
use super::permission::permit_actions;
use super::schema::{elements, text};
use super::value::{Item, item_from_json, item_size, item_to_json};
use super::write::{self, Batch, Change, Locks, Stored};
use super::{fitness, names, shapes, throttle, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::Table;
use crate::engine::store::codec::{decode_item, encode_item, size_of};
use crate::engine::store::keys;

/// Most bytes of all items of a transaction.
pub(super) const BYTES_MAX: usize = 4 * 1024 * 1024;
/// A transaction prepares and commits: every unit counts twice.
pub(super) const FACTOR: f64 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Check,
    Put,
    Delete,
    Update,
}

/// One action of a transaction, its values and expressions read.
struct Action<'a> {
    kind: Kind,
    table: String,
    input: &'a Value,
    /// The item of a put, the key of any other.
    item: Item,
    clauses: Clauses,
}

/// What an action does, once it was checked against the stored item.
struct Planned {
    key: Item,
    old: Stored,
    new: Option<Item>,
}

pub(super) fn transact_write_items(engine: &Engine, call: &Call) -> Answer {
    permit_actions(engine, call)?;
    validate::check(&call.input, shapes::TRANSACT_WRITE_ITEMS)?;
    let actions: Vec<Action<'_>> = elements(&call.input, "TransactItems")
        .iter()
        .map(Action::read)
        .collect::<Result<_, _>>()?;
    let tokens = &engine.dynamodb().tokens;
    if tokens.is_repeated(call)? {
        return repeated(engine, call, &actions);
    }
    let items = actions.iter().map(|it| (it.table.as_str(), &it.item));
    let (_claim, free) = engine.dynamodb().claims.claim(&places(engine, items)?);
    all_or_canceled(free)?;
    // What was claimed before us may have been by the same request.
    if tokens.is_repeated(call)? {
        return Ok(Reply::from(json!({})));
    }
    let tables: Vec<&str> = actions.iter().map(|it| it.table.as_str()).collect();
    let locks = Locks::of(engine, &tables)?;
    let mut batch = locks.open(call, engine)?;
    check_distinct(&batch, &actions)?;
    let plans: Vec<Result<Planned, Fault>> = actions.iter().map(|it| it.plan(&batch)).collect();
    let plans = all_or_canceled(plans)?;
    let bytes = |plan: &Planned| plan.new.as_ref().map_or(0, item_size);
    if plans.iter().map(bytes).sum::<usize>() > BYTES_MAX {
        return Err(Fault::validation(
            "Transaction request size exceeds the maximum allowed size of 4 MB",
        ));
    }
    let mut consumed = BTreeMap::new();
    let mut metrics = Map::new();
    for (action, plan) in actions.iter().zip(&plans) {
        let units = action.perform(&mut batch, plan)?;
        let sum: &mut Units = consumed.entry(action.table.clone()).or_default();
        // Indexes follow later, as after any write.
        sum.add(&Units {
            table: units.table * FACTOR,
            ..units
        });
        let table = batch.table(&action.table)?;
        if let Some(collection) = items::collection_metrics(&table, &plan.key) {
            let collections = metrics.entry(action.table.clone());
            if let Some(all) = collections.or_insert_with(|| json!([])).as_array_mut() {
                all.push(collection);
            }
        }
    }
    let mut answer = json!({});
    let consumed = tell_consumed(call, "WriteCapacityUnits", &consumed, |name| {
        batch.table(name)
    })?;
    if let Some(consumed) = consumed {
        answer["ConsumedCapacity"] = consumed;
    }
    if call.text("ReturnItemCollectionMetrics") == Some("SIZE") && !metrics.is_empty() {
        answer["ItemCollectionMetrics"] = Value::Object(metrics);
    }
    batch.commit()?;
    tokens.remember(call);
    Ok(Reply::from(answer))
}

/// What a transaction answers that happened before: it only takes the reads of its items.
fn repeated(engine: &Engine, call: &Call, actions: &[Action<'_>]) -> Answer {
    let mut consumed = BTreeMap::new();
    for action in actions {
        let table = engine.read(|state| write::table(state, &action.table).map(Arc::clone))?;
        let key = fitness::key_of(&table.keys, &action.item);
        let (_, size) = items::read(engine, &table, &key)?;
        let sum: &mut Units = consumed.entry(action.table.clone()).or_default();
        sum.add(&Units::new(read_units(size, true) * FACTOR));
    }
    let consumed = tell_consumed(call, "ReadCapacityUnits", &consumed, |name| {
        engine.read(|state| write::table(state, name).map(Arc::clone))
    })?;
    Ok(Reply::from(consumed.map_or_else(
        || json!({}),
        |consumed| json!({ "ConsumedCapacity": consumed }),
    )))
}

pub(super) fn transact_get_items(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[PROJECTION];
    permit_actions(engine, call)?;
    validate::check(&call.input, shapes::TRANSACT_GET_ITEMS)?;
    let mut gets = Vec::new();
    for get in elements(&call.input, "TransactItems") {
        let get = &get["Get"];
        Clauses::check(get, KINDS)?;
        let clauses = Clauses::read(get, KINDS)?;
        gets.push((table_name(get)?, item_from_json(&get["Key"])?, clauses));
    }
    let tables: Vec<&str> = gets.iter().map(|(table, _, _)| table.as_str()).collect();
    // Nobody writes while it reads: it sees one moment of all tables.
    let locks = Locks::of(engine, &tables)?;
    let batch = locks.open(call, engine)?;
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (name, key, _) in &gets {
        let table = batch.table(name)?;
        if !seen.insert((name, encode_item(key))) {
            return Err(twice());
        }
        let found_one = fitness::check_key(&table.keys, key)
            .and_then(|()| batch.check_free(&table, key))
            .and_then(|()| throttle::admit(engine, &table, None, throttle::Kind::Read, call.now))
            .and_then(|()| batch.read(&table, key));
        found.push(found_one);
    }
    let found = all_or_canceled(found)?;
    let mut consumed = BTreeMap::new();
    let mut responses = Vec::new();
    for ((name, _, clauses), item) in gets.iter().zip(found) {
        let size = item.item().map(size_of).transpose()?.unwrap_or(0);
        let sum: &mut Units = consumed.entry(name.clone()).or_default();
        sum.add(&Units::new(read_units(size, true)).times(FACTOR));
        responses.push(match item.item().map(decode_item).transpose()? {
            None => json!({}),
            Some(item) => {
                let projected = clauses.projection.as_ref().map(|it| it.apply(&item));
                json!({"Item": item_to_json(projected.as_ref().unwrap_or(&item))})
            }
        });
    }
    for (name, units) in &consumed {
        let table = batch.table(name)?;
        throttle::take(engine, &table, units, throttle::Kind::Read, call.now);
    }
    let mut answer = json!({ "Responses": responses });
    let consumed = tell_consumed(call, "ReadCapacityUnits", &consumed, |name| {
        batch.table(name)
    })?;
    if let Some(consumed) = consumed {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(Reply::from(answer))
}

impl<'a> Action<'a> {
    fn read(action: &'a Value) -> Result<Self, Fault> {
        let given: Vec<(Kind, &Value)> = [
            ("ConditionCheck", Kind::Check),
            ("Put", Kind::Put),
            ("Delete", Kind::Delete),
            ("Update", Kind::Update),
        ]
        .into_iter()
        .filter_map(|(name, kind)| Some((kind, action.get(name).filter(|it| !it.is_null())?)))
        .collect();
        let [(kind, input)] = given[..] else {
            return Err(Fault::validation(if given.is_empty() {
                "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
            } else {
                "TransactItems can only contain one of Check, Put, Update or Delete"
            }));
        };
        let kinds: &[&str] = if kind == Kind::Update {
            &[UPDATE, CONDITION]
        } else {
            &[CONDITION]
        };
        Clauses::check(input, kinds)?;
        let member = if kind == Kind::Put { "Item" } else { "Key" };
        let item = item_from_json(&input[member])?;
        if kind == Kind::Put {
            fitness::check_size(&item)?;
        }
        Ok(Self {
            kind,
            table: table_name(input)?,
            input,
            item,
            clauses: Clauses::read(input, kinds)?,
        })
    }

    /// Checks the action against the stored item.
    fn plan(&self, batch: &Batch<'_>) -> Result<Planned, Fault> {
        let table = batch.table(&self.table)?;
        let key = if self.kind == Kind::Put {
            fitness::check_item(&table, &self.item)?
        } else {
            fitness::check_key(&table.keys, &self.item)?;
            self.item.clone()
        };
        if let Some(update) = &self.clauses.update {
            update.check_keys(&table.keys)?;
        }
        let old = batch.read(&table, &key)?;
        check_condition(
            self.clauses.condition.as_ref(),
            old.item(),
            wants_failed_item(self.input),
        )?;
        let new = match self.kind {
            Kind::Put => Some(self.item.clone()),
            Kind::Check | Kind::Delete => None,
            Kind::Update => {
                let item = old.item().map(decode_item).transpose()?;
                Updated::of(&self.clauses, &table, &key, item)?.new
            }
        };
        let change = Change {
            keys: &key,
            old: &old,
            new: new.as_ref(),
            expired: false,
        };
        batch.admit(&table, &change)?;
        Ok(Planned { key, old, new })
    }

    fn perform(&self, batch: &mut Batch<'_>, plan: &Planned) -> Result<Units, Fault> {
        if self.kind == Kind::Check {
            let size = plan.old.item().map(size_of).transpose()?;
            return Ok(Units::new(capacity::write_units(size, None)));
        }
        let change = Change {
            keys: &plan.key,
            old: &plan.old,
            new: plan.new.as_ref(),
            expired: false,
        };
        batch.change(&self.table, &change)
    }
}

/// Keys in the store of what a transaction is about; `None` where the key is not as it should be.
pub(super) fn places<'a>(
    engine: &Engine,
    items: impl Iterator<Item = (&'a str, &'a Item)>,
) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    engine.read(|state| {
        let places = items.map(|(table, item)| {
            let table = write::table(state, table)?;
            Ok(keys::item_key(table.store_id, &table.keys, item))
        });
        places.collect()
    })
}

/// Refuses two actions on one item.
fn check_distinct(batch: &Batch<'_>, actions: &[Action<'_>]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for action in actions {
        let table: &Table = &*batch.table(&action.table)?;
        let key = fitness::key_of(&table.keys, &action.item);
        if !seen.insert((&action.table, encode_item(&key))) {
            return Err(twice());
        }
    }
    Ok(())
}

pub(super) fn twice() -> Fault {
    Fault::validation("Transaction request cannot include multiple operations on one item")
}

/// Every result, or the fault that names a reason for each action.
pub(super) fn all_or_canceled<T>(results: Vec<Result<T, Fault>>) -> Result<Vec<T>, Fault> {
    if results.iter().all(Result::is_ok) {
        return results.into_iter().collect();
    }
    let mut codes = Vec::new();
    let mut reasons = Vec::new();
    for result in results {
        let fault = match result {
            Ok(_) => {
                codes.push("None");
                reasons.push(json!({"Code": "None"}));
                continue;
            }
            Err(fault) if fault.status >= 500 || is_of_the_request(&fault) => return Err(fault),
            Err(fault) => fault,
        };
        let code = match fault.code {
            "ConditionalCheckFailedException" => "ConditionalCheckFailed",
            "DuplicateItemException" => "DuplicateItem",
            "TransactionConflictException" => "TransactionConflict",
            _ if throttle::is_refusal(&fault) => "ProvisionedThroughputExceeded",
            _ => "ValidationError",
        };
        let mut reason = json!({"Code": code, "Message": fault.message});
        if let Some(item) = fault.extra.as_ref().and_then(|it| it.get("Item")) {
            reason["Item"] = item.clone();
        }
        codes.push(code);
        reasons.push(reason);
    }
    let mut fault = Fault::new(
        400,
        "TransactionCanceledException",
        format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
    );
    fault.extra = Some(json!({ "CancellationReasons": reasons }));
    Err(fault)
}

/// Whether AWS refuses the whole request for this, and not one action of it: an empty key.
fn is_of_the_request(fault: &Fault) -> bool {
    const EMPTY_KEY: &str =
        "One or more parameter values are not valid. The AttributeValue for a key attribute";
    fault.message.starts_with(EMPTY_KEY)
}

/// `ConsumedCapacity` of every table; `member` says once more whether it was read or written.
pub(super) fn tell_consumed(
    call: &Call,
    member: &str,
    consumed: &BTreeMap<String, Units>,
    table: impl Fn(&str) -> Result<Arc<Table>, Fault>,
) -> Result<Option<Value>, Fault> {
    let mut all = Vec::new();
    for (name, units) in consumed {
        let table = table(name)?;
        if let Some(mut told) = capacity::consumed(call, &table, units) {
            told[member] = told["CapacityUnits"].clone();
            for part in ["Table", "LocalSecondaryIndexes", "GlobalSecondaryIndexes"] {
                for units in told.get_mut(part).map(parts_of).unwrap_or_default() {
                    units[member] = units["CapacityUnits"].clone();
                }
            }
            all.push(told);
        }
    }
    Ok((!all.is_empty()).then_some(Value::Array(all)))
}

/// The objects with units in a part of `ConsumedCapacity`: the part itself, or one of each index in it.
fn parts_of(part: &mut Value) -> Vec<&mut Value> {
    if part.get("CapacityUnits").is_some() {
        return vec![part];
    }
    let indexes = part.as_object_mut().into_iter();
    indexes.flat_map(|it| it.values_mut()).collect()
}

fn table_name(input: &Value) -> Result<String, Fault> {
    let name = text(input, "TableName");
    names::checked(Some(name), 1)
        .unwrap_or(Ok(name))
        .map(str::to_owned)
}

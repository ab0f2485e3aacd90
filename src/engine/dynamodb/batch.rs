//! `BatchWriteItem` and `BatchGetItem`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::capacity::{self, Units, read_units};
use super::clauses::{Clauses, PROJECTION};
use super::permission::permit_tables;
use super::schema::elements;
use super::value::{Item, item_from_json, item_to_json};
use super::write::{self, Change, Locks};
use super::{fitness, items, names, shapes, throttle, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::Table;
use crate::engine::store::codec::size_of;
use crate::engine::store::text;

const WRITES_MAX: usize = 25;
const READS_MAX: usize = 100;
/// Bytes after which keys are left for the next request.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// One put (with its item) or delete (with its key).
struct Write {
    item: Item,
    is_put: bool,
}

pub(super) fn batch_write_item(engine: &Engine, call: &Call) -> Answer {
    permit_tables(engine, call, "dynamodb:BatchWriteItem")?;
    validate::check(&call.input, shapes::BATCH)?;
    let requests = requests(call, "BatchWriteItem")?;
    check_counts(requests)?;
    let mut wanted = Vec::new();
    for (name, writes) in requests {
        let writes = writes.as_array().map_or(&[][..], Vec::as_slice);
        let writes: Vec<Write> = writes.iter().map(read_write).collect::<Result<_, _>>()?;
        wanted.push((table_name(name)?, writes));
    }
    let tables: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    let locks = Locks::of(engine, &tables)?;
    let mut batch = locks.open(call, engine)?;
    let mut consumed = Vec::new();
    let mut metrics = Map::new();
    let mut left = Left::default();
    for ((name, writes), (named, requests)) in wanted.iter().zip(requests) {
        let table = batch.table(name)?;
        let keys = keys_of(&table, writes)?;
        let mut units = Units::default();
        for (at, (write, key)) in writes.iter().zip(&keys).enumerate() {
            let old = batch.read(&table, key)?;
            let change = Change {
                keys: key,
                old: &old,
                new: write.is_put.then_some(&write.item),
                expired: false,
            };
            match batch.change(name, &change) {
                Ok(written) => {
                    units.add(&written);
                    left.is_any_done = true;
                }
                Err(fault) if throttle::is_refusal(&fault) => {
                    left.add(named, requests[at].clone(), fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        consumed.extend(capacity::consumed(call, &table, &units));
        let collections: Vec<Value> = keys
            .iter()
            .filter_map(|key| items::collection_metrics(&table, key))
            .collect();
        if !collections.is_empty() {
            metrics.insert(name.clone(), Value::Array(collections));
        }
    }
    batch.commit()?;
    let mut answer = json!({"UnprocessedItems": left.or_refused()?});
    if !consumed.is_empty() {
        answer["ConsumedCapacity"] = Value::Array(consumed);
    }
    if call.text("ReturnItemCollectionMetrics") == Some("SIZE") && !metrics.is_empty() {
        answer["ItemCollectionMetrics"] = Value::Object(metrics);
    }
    Ok(Reply::from(answer))
}

pub(super) fn batch_get_item(engine: &Engine, call: &Call) -> Answer {
    permit_tables(engine, call, "dynamodb:BatchGetItem")?;
    validate::check(&call.input, shapes::BATCH)?;
    let gets = Get::all(call)?;
    let mut responses = Vec::new();
    let mut unprocessed = Map::new();
    let mut consumed = Vec::new();
    let mut bytes = 0;
    let mut refused = None;
    let mut is_any_read = false;
    for get in gets {
        let table = engine.read(|state| write::table(state, &get.table).map(Arc::clone))?;
        for key in &get.keys {
            fitness::check_key(&table.keys, key)?;
        }
        let mut units = Units::default();
        let mut left = Vec::new();
        let before: &[u8] = if responses.is_empty() { b"" } else { b"]," };
        responses.extend_from_slice(before);
        text::push_text(&mut responses, get.name);
        responses.extend_from_slice(b":[");
        let mut comma: &[u8] = b"";
        for key in &get.keys {
            let admitted = throttle::admit(engine, &table, None, throttle::Kind::Read, call.now);
            let is_throttled = admitted.is_err();
            refused = admitted.err().or(refused);
            if bytes > ANSWER_MAX || is_throttled {
                left.push(item_to_json(key));
                continue;
            }
            let item = items::stored(engine, &table, key)?;
            let size = item.as_deref().map(size_of).transpose()?.unwrap_or(0);
            bytes += size;
            if bytes > ANSWER_MAX {
                left.push(item_to_json(key));
                continue;
            }
            is_any_read = true;
            let read = Units::new(read_units(size, get.consistent));
            throttle::take(engine, &table, &read, throttle::Kind::Read, call.now);
            units.add(&read);
            if let Some(item) = item {
                responses.extend_from_slice(comma);
                comma = b",";
                items::push_projected(&mut responses, &item, get.clauses.projection.as_ref())?;
            }
        }
        if !left.is_empty() {
            let mut request = get.request.clone();
            request["Keys"] = Value::Array(left);
            unprocessed.insert(get.name.to_owned(), request);
        }
        consumed.extend(capacity::consumed(call, &table, &units));
    }
    if let Some(fault) = refused.filter(|_| !is_any_read) {
        return Err(fault);
    }
    let mut others = json!({ "UnprocessedKeys": unprocessed });
    if !consumed.is_empty() {
        others["ConsumedCapacity"] = Value::Array(consumed);
    }
    let mut answer = others.to_string().into_bytes();
    answer.pop();
    answer.reserve(responses.len() + 24);
    answer.extend_from_slice(br#","Responses":{"#);
    answer.extend(responses);
    answer.extend_from_slice(b"]}}");
    Ok(Reply::text(answer))
}

/// What was throttled of a batch, as it was asked for.
#[derive(Default)]
struct Left {
    requests: Map<String, Value>,
    refused: Option<Fault>,
    is_any_done: bool,
}

impl Left {
    fn add(&mut self, table: &str, request: Value, fault: Fault) {
        let of_table = self.requests.entry(table);
        if let Value::Array(requests) = of_table.or_insert_with(|| json!([])) {
            requests.push(request);
        }
        self.refused = Some(fault);
    }

    /// A batch of which nothing was done is refused as a whole.
    fn or_refused(self) -> Result<Value, Fault> {
        match self.refused {
            Some(fault) if !self.is_any_done => Err(fault),
            _ => Ok(Value::Object(self.requests)),
        }
    }
}

/// What is read of one table.
struct Get<'a> {
    /// As the request writes it: a name or an ARN.
    name: &'a str,
    table: String,
    request: &'a Value,
    keys: Vec<Item>,
    clauses: Clauses,
    consistent: bool,
}

impl<'a> Get<'a> {
    /// Of a whole request.
    fn all(call: &'a Call) -> Result<Vec<Self>, Fault> {
        let mut gets = Vec::new();
        for (name, request) in requests(call, "BatchGetItem")? {
            gets.push(Self::read(name, request)?);
        }
        if gets.iter().map(|it| it.keys.len()).sum::<usize>() > READS_MAX {
            return Err(Fault::validation(
                "Too many items requested for the BatchGetItem call",
            ));
        }
        Ok(gets)
    }

    fn read(name: &'a str, request: &'a Value) -> Result<Self, Fault> {
        const KINDS: &[&str] = &[PROJECTION];
        let keys = elements(request, "Keys");
        if keys.is_empty() || keys.len() > READS_MAX {
            let (comparison, limit) = if keys.is_empty() {
                ("greater", 1)
            } else {
                ("less", READS_MAX)
            };
            return Err(Fault::validation(format!(
                "1 validation error detected: Value at 'RequestItems.{name}.member.Keys' failed to satisfy \
                 constraint: Member must have length {comparison} than or equal to {limit}"
            )));
        }
        Clauses::check(request, KINDS)?;
        let clauses = Clauses::read(request, KINDS)?;
        let keys: Vec<Item> = keys.iter().map(item_from_json).collect::<Result<_, _>>()?;
        refuse_twice(&keys)?;
        Ok(Self {
            name,
            table: table_name(name)?,
            request,
            keys,
            clauses,
            consistent: request["ConsistentRead"].as_bool().unwrap_or(false),
        })
    }
}

fn requests<'a>(call: &'a Call, operation: &str) -> Result<&'a Map<String, Value>, Fault> {
    call.input["RequestItems"]
        .as_object()
        .filter(|it| !it.is_empty())
        .ok_or_else(|| {
            Fault::validation(format!(
                "The requestItems parameter is required for {operation}"
            ))
        })
}

fn check_counts(requests: &Map<String, Value>) -> Result<(), Fault> {
    let count = |writes: &Value| writes.as_array().map_or(0, Vec::len);
    if requests
        .values()
        .any(|it| !(1..=WRITES_MAX).contains(&count(it)))
    {
        let words: Vec<String> = requests
            .iter()
            .map(|(name, writes)| format!("{name}={writes}"))
            .collect();
        let words = format!("{{{}}}", words.join(", "));
        return Err(validate::violated(
            &words,
            "requestItems",
            "Map value must satisfy constraint: [Member must have length less than or equal to 25, \
             Member must have length greater than or equal to 1]",
        ));
    }
    if requests.values().map(count).sum::<usize>() > WRITES_MAX {
        return Err(Fault::validation(
            "Too many items requested for the BatchWriteItem call",
        ));
    }
    Ok(())
}

fn table_name(name: &str) -> Result<String, Fault> {
    names::checked(Some(name), 1)
        .unwrap_or(Ok(name))
        .map(str::to_owned)
}

fn read_write(request: &Value) -> Result<Write, Fault> {
    let given = |member: &str| request.get(member).filter(|it| !it.is_null());
    match (given("PutRequest"), given("DeleteRequest")) {
        (Some(put), None) => {
            let item = item_from_json(member(put, "putRequest.item", "Item")?)?;
            fitness::check_size(&item)?;
            Ok(Write { item, is_put: true })
        }
        (None, Some(delete)) => Ok(Write {
            item: item_from_json(member(delete, "deleteRequest.key", "Key")?)?,
            is_put: false,
        }),
        _ => Err(Fault::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        )),
    }
}

fn member<'a>(request: &'a Value, path: &str, name: &str) -> Result<&'a Value, Fault> {
    request.get(name).filter(|it| !it.is_null()).ok_or_else(|| {
        Fault::validation(format!(
            "1 validation error detected: {}",
            validate::violation("null", path, "Member must not be null")
        ))
    })
}

/// The keys of writes to one table; each item once.
fn keys_of(table: &Table, writes: &[Write]) -> Result<Vec<Item>, Fault> {
    let keys: Vec<Item> = writes
        .iter()
        .map(|write| {
            let key = fitness::key_of(&table.keys, &write.item);
            if write.is_put {
                fitness::check_key(&table.keys, &key)?;
                return fitness::check_item(table, &write.item);
            }
            fitness::check_key(&table.keys, &write.item)?;
            Ok(key)
        })
        .collect::<Result<_, Fault>>()?;
    refuse_twice(&keys)?;
    Ok(keys)
}

fn refuse_twice(keys: &[Item]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    let is_new = |key: &Item| seen.insert(crate::engine::store::codec::encode_item(key));
    if keys.iter().all(is_new) {
        return Ok(());
    }
    Err(Fault::validation(
        "Provided list of item keys contains duplicates",
    ))
}

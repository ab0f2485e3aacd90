//! Filling what is derived from items, a chunk at a time, while the table is written to: how far it got is kept in
//! the same commit, so that it goes on there after a restart. Writers leave alone what was not reached yet.

use std::ops::Bound;
use std::time::SystemTime;

use super::expiry;
use super::indexes::Entry;
use super::tally::{Tallies, Tally, filled_key};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::{Expiry, Index, Table};
use crate::engine::store::codec::{decode_item, size_of};
use crate::engine::store::{Commit, Pair, Shelf, Store, keys};

/// Items looked at under one lock.
const AT_ONCE: usize = 500;

/// After every key of an item: key prefixes are never that large.
const END: &[u8] = &[255; 8];

/// What is filled.
#[derive(Clone, Copy)]
pub(super) enum Filled<'a> {
    Index(&'a Index),
    Expiry(&'a Expiry),
}

impl Filled<'_> {
    fn store_id(self) -> u64 {
        match self {
            Self::Index(index) => index.store_id,
            Self::Expiry(expiry) => expiry.store_id,
        }
    }
}

/// Takes the table's next items; true when there are no more. The table must be locked.
pub(super) fn fill(
    engine: &Engine,
    tallies: &mut Tallies,
    table: &Table,
    what: Filled<'_>,
    now: SystemTime,
) -> Result<bool, Fault> {
    let store = engine.store();
    let store_id = what.store_id();
    let filled = tallies.filled(store, store_id)?;
    if filled == END {
        return Ok(true);
    }
    let chunk = next(store, table.store_id, filled)?;
    let mut commit = Commit::default();
    let mut tally: Option<Tally> = None;
    for (key, value) in &chunk.items {
        let item = decode_item(value)?;
        match what {
            Filled::Index(index) => {
                if let Some(entry) = Entry::of(index, &table.keys, &item) {
                    let known = tally.map_or_else(|| tallies.get(store, store_id), Ok)?;
                    tally = Some(known.after(None, Some(size_of(&entry.item)?)));
                    commit.put(Shelf::Indexes, entry.key, entry.item);
                }
            }
            Filled::Expiry(expiry) => {
                if let Some(entry) = expiry::entry(expiry, key, &item) {
                    commit.put(Shelf::Indexes, entry, expiry::written(now));
                }
            }
        }
    }
    if let Some(tally) = tally {
        tally.put(&mut commit, store_id);
    }
    commit.put(
        Shelf::Documents,
        filled_key(store_id),
        chunk.reached.clone(),
    );
    store.commit(commit)?;
    if let Some(tally) = tally {
        tallies.set(store_id, tally);
    }
    tallies.set_filled(store_id, chunk.reached);
    Ok(chunk.is_last)
}

/// Some of the items under a key prefix, as they are stored.
pub(super) struct Chunk {
    pub(super) items: Vec<Pair>,
    /// How far this goes: the last key, or [`END`] when nothing follows.
    pub(super) reached: Vec<u8>,
    pub(super) is_last: bool,
}

/// The items after the key that was reached; from the first on where that is empty.
pub(super) fn next(store: &Store, store_id: u64, reached: &[u8]) -> Result<Chunk, Fault> {
    let (first, end) = keys::segment(store_id, 0, 1);
    let first = if reached.is_empty() {
        first
    } else {
        Bound::Excluded(reached.to_vec())
    };
    let range = (
        first.as_ref().map(Vec::as_slice),
        end.as_ref().map(Vec::as_slice),
    );
    let mut items: Vec<Pair> = Vec::new();
    store.scan(Shelf::Items, range, false, |key, value| {
        items.push((key.to_vec(), value.to_vec()));
        items.len() < AT_ONCE
    })?;
    // Whoever writes after the last item is followed by writers from here on.
    let is_last = items.len() < AT_ONCE;
    let reached = match items.last() {
        Some((key, _)) if !is_last => key.clone(),
        _ => END.to_vec(),
    };
    Ok(Chunk {
        items,
        reached,
        is_last,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;
    use crate::engine::call::{Answer, Body, Call, Principal};
    use crate::engine::dynamodb::value::item_to_json;
    use crate::engine::dynamodb::{chores, items, query, tables, update_table};
    use crate::engine::{EngineHost, Options};

    /// A world whose background tasks never run: its runtime is not driven.
    struct Still {
        host: Option<EngineHost>,
        runtime: tokio::runtime::Runtime,
    }

    impl Still {
        fn open(folder: &Path) -> Self {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let guard = runtime.enter();
            let host = EngineHost::open(Options {
                folder: Some(folder.to_owned()),
                ..Options::temporary(Clock::real())
            });
            drop(guard);
            Self {
                host: Some(host.unwrap()),
                runtime,
            }
        }

        fn close(mut self) {
            let host = self.host.take().unwrap();
            self.runtime.block_on(host.close());
        }

        fn engine(&self) -> &Engine {
            self.host.as_ref().unwrap().engine()
        }

        fn call(&self, run: fn(&Engine, &Call) -> Answer, input: Value) -> Result<Value, Fault> {
            let engine = self.engine();
            let call = Call {
                service: "dynamodb",
                operation: "",
                principal: Principal::Root,
                session_policies: None,
                input,
                plain: None,
                record_keys: None,
                payload: bytes::Bytes::new(),
                now: engine.clock().now(),
                ids: engine.ids().clone(),
                account: std::sync::Arc::clone(engine.account()),
                request_id: String::new(),
            };
            Ok(match run(engine, &call)?.body {
                Body::Json(value) => value,
                Body::Blob(text) => serde_json::from_slice(&text).unwrap(),
                Body::Records(_) | Body::Empty => Value::Null,
            })
        }

        fn put(&self, id: usize, kind: &Value) {
            let item = json!({"id": {"S": id.to_string()}, "kind": kind});
            let input = json!({"TableName": "orders", "Item": item});
            self.call(items::put_item, input).unwrap();
        }

        fn delete(&self, id: usize) {
            let input = json!({"TableName": "orders", "Key": {"id": {"S": id.to_string()}}});
            self.call(items::delete_item, input).unwrap();
        }

        fn index(&self) -> Value {
            let input = json!({"TableName": "orders"});
            let described = self.call(tables::describe_table, input).unwrap();
            described["Table"]["GlobalSecondaryIndexes"][0].clone()
        }

        fn advance(&self) {
            let engine = self.engine();
            let table = engine.read(|state| std::sync::Arc::clone(&state.tables["orders"]));
            chores::advance(engine, &table, engine.clock().now()).unwrap();
        }
    }

    fn kind(kind: &str) -> Value {
        json!({ "S": kind })
    }

    /// Items by their ids, with their kinds; every hundredth has a kind the index cannot take.
    fn items_without_index(world: &Still) -> BTreeMap<usize, String> {
        let create = json!({
            "TableName": "orders", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        });
        world.call(tables::create_table, create).unwrap();
        let mut expected = BTreeMap::new();
        for id in 0..1300 {
            if id % 100 == 0 {
                world.put(id, &json!({"N": "1"}));
            } else {
                world.put(id, &kind("a"));
                expected.insert(id, "a".to_owned());
            }
        }
        expected
    }

    fn add_index(world: &Still) {
        let update = json!({
            "TableName": "orders",
            "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {
                "IndexName": "by_kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }}],
        });
        let answer = world.call(update_table::update_table, update).unwrap();
        let description = &answer["TableDescription"];
        assert_eq!(description["TableStatus"], "UPDATING");
        let index = &description["GlobalSecondaryIndexes"][0];
        assert_eq!(index["IndexStatus"], "CREATING");
        assert_eq!(index["Backfilling"], false);
        let index = world.index();
        assert_eq!(index["IndexStatus"], "CREATING");
        assert_eq!(index["Backfilling"], true);
        assert!(index["ItemCount"].as_u64().unwrap() > 400);
        let scan = json!({"TableName": "orders", "IndexName": "by_kind"});
        let refused = world.call(query::scan, scan).unwrap_err();
        assert_eq!(
            refused.message,
            "Cannot read from backfilling global secondary index: by_kind"
        );
    }

    /// Deletes, changes and adds items all over the table.
    fn change_items(world: &Still, part: usize, expected: &mut BTreeMap<usize, String>) {
        for id in (part..1300).step_by(5) {
            match id % 3 {
                0 => {
                    world.delete(id);
                    expected.remove(&id);
                }
                1 => {
                    world.put(id, &kind("b"));
                    expected.insert(id, "b".to_owned());
                }
                _ => {
                    world.put(id + 2000, &kind("c"));
                    expected.insert(id + 2000, "c".to_owned());
                }
            }
        }
    }

    #[test]
    fn an_index_is_right_whatever_is_written_while_it_is_filled_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let world = Still::open(folder.path());
        let mut expected = items_without_index(&world);
        add_index(&world);
        change_items(&world, 0, &mut expected);
        world.close();

        let world = Still::open(folder.path());
        change_items(&world, 1, &mut expected);
        world.advance();
        assert_eq!(world.index()["Backfilling"], true);
        change_items(&world, 2, &mut expected);
        for _ in 0..3 {
            world.advance();
        }
        change_items(&world, 3, &mut expected);
        let index = world.index();
        assert_eq!(index["IndexStatus"], "ACTIVE");
        assert_eq!(index.get("Backfilling"), None);

        let engine = world.engine();
        let store_id = engine.read(|state| state.tables["orders"].indexes[0].store_id);
        let prefix = store_id.to_be_bytes();
        let entries = engine.store().list(Shelf::Indexes, &prefix, 5000).unwrap();
        let found: BTreeMap<usize, String> = entries
            .iter()
            .map(|(_, entry)| {
                let item = item_to_json(&decode_item(entry).unwrap());
                let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
                (text("id").parse().unwrap(), text("kind"))
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(index["ItemCount"], expected.len());
        world.close();
    }
}

//! Changing items: one atomic commit holds the item, its index entries and its stream record.
//!
//! A table's writes happen one after another under its lock, which control-plane changes of the table take as well;
//! so a record never lands in a stream that was switched off. Locks are taken in the order of `store_id`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::capacity::{Units, write_units};
use super::chores::Bell;
use super::claims::Claims;
use super::copies;
use super::expiry;
use super::indexes::{Entry, key_names};
use super::lag::{Before, Lag};
use super::passing;
use super::tally::{Tallies, Tally};
use super::throttle::{self, Buckets, Kind};
use super::tokens::Tokens;
use super::value::Item;
use crate::engine::Engine;
use crate::engine::call::{Call, Fault};
use crate::engine::state::{State, Table, ViewType};
use crate::engine::store::codec::{decode_item, encode_item, encode_some, size_of};
use crate::engine::store::{Commit, Shared, Shelf, Store, keys};
use crate::engine::streams::shards::first_number;
use crate::engine::streams::{Tip, records};

/// One lock for each table, by its `store_id`, the tokens of recent transactions, and what transactions are at work on.
#[derive(Default)]
pub struct Live {
    locks: Mutex<BTreeMap<u64, Arc<TableLock>>>,
    pub(super) tokens: Tokens,
    pub(super) claims: Claims,
    pub(super) bell: Bell,
    pub(super) buckets: Buckets,
    pub(super) lag: Lag,
}

#[derive(Default)]
pub(super) struct TableLock(Mutex<Tallies>);

impl Live {
    /// Lets the chores look at what is due now.
    pub fn wake_chores(&self) {
        self.bell.ring();
    }

    /// Reads of global indexes see everything as it is.
    pub fn forget_lag(&self) {
        self.lag.forget();
    }

    pub(super) fn lock_of(&self, store_id: u64) -> Arc<TableLock> {
        Arc::clone(self.locks.lock().entry(store_id).or_default())
    }

    pub(super) fn forget(&self, store_id: u64) {
        self.locks.lock().remove(&store_id);
    }
}

impl TableLock {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tallies> {
        self.0.lock()
    }
}

/// The locks of the tables one request changes.
pub(super) struct Locks<'n>(SmallVec<[(u64, &'n str, Arc<TableLock>); 1]>);

impl<'n> Locks<'n> {
    /// Of tables that exist; names may repeat.
    pub(super) fn of(engine: &Engine, names: &[&'n str]) -> Result<Self, Fault> {
        let mut found: SmallVec<[_; 1]> = SmallVec::with_capacity(names.len());
        engine.read(|state| {
            for name in names {
                let store_id = table(state, name)?.store_id;
                found.push((store_id, *name));
            }
            Ok::<_, Fault>(())
        })?;
        found.sort_unstable();
        found.dedup();
        let live = engine.dynamodb();
        let locks = found
            .into_iter()
            .map(|(store_id, name)| (store_id, name, live.lock_of(store_id)));
        Ok(Self(locks.collect()))
    }

    /// Locks them and looks at the tables as they are from now on.
    pub(super) fn open<'a>(
        &'a self,
        call: &'a Call,
        engine: &'a Engine,
    ) -> Result<Batch<'a>, Fault> {
        let guards = self.0.iter().map(|(_, _, lock)| lock.lock());
        let guards: SmallVec<[_; 1]> = guards.collect();
        let tables = engine.read(|state| {
            self.0
                .iter()
                .zip(guards)
                .map(|((store_id, name, _), tallies)| {
                    let table = table(state, name)?;
                    if table.store_id != *store_id {
                        // Deleted and made again while we waited.
                        return Err(not_found());
                    }
                    Ok(Locked {
                        table: Arc::clone(table),
                        stream: OpenStream::of(state, table),
                        tallies,
                        counted: SmallVec::new(),
                        moved: SmallVec::new(),
                    })
                })
                .collect::<Result<SmallVec<_>, Fault>>()
        })?;
        Ok(Batch {
            engine,
            call,
            tables,
            commit: Commit::default(),
            next_goes: None,
            before: Vec::new(),
        })
    }
}

/// Changes that happen together or not at all.
pub(super) struct Batch<'a> {
    engine: &'a Engine,
    call: &'a Call,
    tables: SmallVec<[Locked<'a>; 1]>,
    commit: Commit,
    /// When the first of the written items goes whose time to live will be over, in seconds since 1970.
    next_goes: Option<u64>,
    /// Entries of global indexes as they were, when reads of them lag.
    before: Vec<Before>,
}

struct Locked<'a> {
    table: Arc<Table>,
    stream: Option<OpenStream>,
    tallies: MutexGuard<'a, Tallies>,
    /// New tallies, once they are committed.
    counted: SmallVec<[(u64, Tally); 1]>,
    moved: Moved,
}

/// Shards with new records: the tip, and where it will be.
type Moved = SmallVec<[(Arc<Tip>, u64); 1]>;

/// What is stored of an item, and where.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    key: Vec<u8>,
    item: Option<Shared>,
}

impl Stored {
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The item, encoded.
    pub(super) fn item(&self) -> Option<&[u8]> {
        self.item.as_deref()
    }
}

/// An item before and after.
pub(super) struct Change<'a> {
    /// The key attributes; there may be others beside them.
    pub keys: &'a Item,
    pub old: &'a Stored,
    pub new: Option<&'a Item>,
    /// The item's time to live is over.
    pub expired: bool,
}

impl Batch<'_> {
    /// The table of this name; only asked for tables that were locked.
    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>, Fault> {
        let at = self.place(name)?;
        Ok(Arc::clone(&self.tables[at].table))
    }

    /// The stored item. Changes of this batch do not show yet.
    pub(super) fn read(&self, table: &Table, keys: &Item) -> Result<Stored, Fault> {
        self.read_at(key_of(table, keys)?)
    }

    /// The same by its key in the store.
    pub(super) fn read_at(&self, key: Vec<u8>) -> Result<Stored, Fault> {
        let item = self.engine.store().get(Shelf::Items, &key)?;
        Ok(Stored { key, item })
    }

    /// As [`Self::read`], refusing an item that a transaction is at work on.
    pub(super) fn read_free(&self, table: &Table, keys: &Item) -> Result<Stored, Fault> {
        let key = key_of(table, keys)?;
        self.engine.dynamodb().claims.check(&key)?;
        self.read_at(key)
    }

    /// Refuses an item that a transaction is at work on.
    pub(super) fn check_free(&self, table: &Table, keys: &Item) -> Result<(), Fault> {
        self.engine.dynamodb().claims.check(&key_of(table, keys)?)
    }

    /// Refuses a change that the table's capacity does not allow now.
    pub(super) fn admit(&self, table: &Table, change: &Change<'_>) -> Result<(), Fault> {
        throttle::admit_write(self.engine, table, change, self.call.now)
    }

    /// Adds a change of one item; no other change of this batch may be of the same item.
    pub(super) fn change(&mut self, table: &str, change: &Change<'_>) -> Result<Units, Fault> {
        let at = self.place(table)?;
        self.admit(&self.tables[at].table, change)?;
        let written = self.add(at, change)?;
        if !change.expired {
            let table = &self.tables[at].table;
            throttle::take(self.engine, table, &written, Kind::Write, self.call.now);
        }
        Ok(written)
    }

    fn add(&mut self, at: usize, change: &Change<'_>) -> Result<Units, Fault> {
        let locked = &mut self.tables[at];
        let Stored { key, item: old } = change.old;
        let old = old.as_deref();
        let new = change.new.map(encode_item);
        let old_size = old.map(size_of).transpose()?;
        let new_size = new.as_deref().map(size_of).transpose()?;
        let mut written = Units::new(write_units(old_size, new_size));
        if old == new.as_deref() {
            return Ok(written);
        }
        let store = self.engine.store();
        locked.count(store, locked.table.store_id, old_size, new_size)?;
        if !locked.table.indexes.is_empty() || locked.table.expiry.is_some() {
            let decoded = old.map(decode_item).transpose()?;
            let items = (decoded.as_ref(), change.new);
            let before = (!self.engine.gsi_lag().is_zero()).then_some(&mut self.before);
            written.indexes = locked.change_indexes(store, &mut self.commit, key, items, before)?;
            let now = self.call.now;
            let goes = locked.change_expiry(self.engine, now, &mut self.commit, key, items)?;
            self.next_goes = self.next_goes.into_iter().chain(goes).min();
        }
        let undone = (self.call.now, key.as_slice(), old);
        copies::keep(
            store,
            &locked.table,
            &mut locked.tallies,
            &mut self.commit,
            undone,
        )?;
        if let Some(stream) = &locked.stream {
            let (tip, number) = stream.take(self.engine, key, &mut locked.moved)?;
            let record = records::Change {
                keys: &encode_some(change.keys, key_names(&locked.table.keys)),
                old,
                new: new.as_deref(),
                at: tip.time(self.call.now),
                id: event_id(self.call),
                expired: change.expired,
            };
            let record = records::encode(stream.view_type, &record);
            self.commit.put(Shelf::Records, tip.key(number), record);
        }
        match new {
            Some(new) => self.commit.put(Shelf::Items, key.as_slice(), new),
            None => self.commit.remove(Shelf::Items, key.as_slice()),
        }
        Ok(written)
    }

    /// Makes everything happen, then lets readers of the streams see it.
    pub(super) fn commit(mut self) -> Result<(), Fault> {
        if self.commit.is_empty() {
            return Ok(());
        }
        for locked in &self.tables {
            for (store_id, tally) in &locked.counted {
                tally.put(&mut self.commit, *store_id);
            }
        }
        let store = self.engine.store();
        if self.before.is_empty() {
            store.commit(self.commit)?;
        } else {
            let now = self.engine.clock().now();
            let lag = &self.engine.dynamodb().lag;
            let commit = || store.commit(self.commit);
            lag.keep(self.before, now, self.engine.gsi_lag(), commit)?;
        }
        for mut locked in self.tables {
            for (store_id, tally) in locked.counted {
                locked.tallies.set(store_id, tally);
            }
            for (tip, next) in locked.moved {
                tip.publish(next);
            }
        }
        if let Some(secs) = self.next_goes {
            self.engine.dynamodb().bell.goes(secs);
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, Fault> {
        let place = self.tables.iter().position(|it| it.table.name == name);
        place.ok_or_else(not_found)
    }
}

impl Locked<'_> {
    fn count(
        &mut self,
        store: &Store,
        store_id: u64,
        old: Option<usize>,
        new: Option<usize>,
    ) -> Result<(), Fault> {
        if let Some((_, tally)) = self.counted.iter_mut().find(|(it, _)| *it == store_id) {
            *tally = tally.after(old, new);
        } else {
            let tally = self.tallies.get(store, store_id)?;
            self.counted.push((store_id, tally.after(old, new)));
        }
        Ok(())
    }

    /// Moves the item's entry by the time it ends; gives when the item goes, in seconds since 1970.
    fn change_expiry(
        &mut self,
        engine: &Engine,
        now: SystemTime,
        commit: &mut Commit,
        key: &[u8],
        items: (Option<&Item>, Option<&Item>),
    ) -> Result<Option<u64>, Fault> {
        let table = Arc::clone(&self.table);
        let Some(expiry) = &table.expiry else {
            return Ok(None);
        };
        let follows = match expiry.status.as_str() {
            "ENABLED" => true,
            "ENABLING" => key <= self.tallies.filled(engine.store(), expiry.store_id)?,
            _ => false,
        };
        let entry = |item: Option<&Item>| expiry::entry(expiry, key, item?);
        let (old, new) = (entry(items.0), entry(items.1));
        if !follows || old == new {
            return Ok(None);
        }
        if let Some(old) = old {
            commit.remove(Shelf::Indexes, old);
        }
        let Some(new) = new else {
            return Ok(None);
        };
        let written = expiry::written(now);
        let ends = expiry::item_of(&new, 0).map(|(ends, _)| ends);
        let delay = engine.ttl_delay();
        let goes = ends.filter(|it| expiry::ever_goes(*it, now));
        let goes = goes.map(|it| expiry::goes(it, &written, delay));
        commit.put(Shelf::Indexes, new, written);
        Ok(goes)
    }

    /// Moves the item's entries; gives the write units each index took.
    fn change_indexes(
        &mut self,
        store: &Store,
        commit: &mut Commit,
        key: &[u8],
        items: (Option<&Item>, Option<&Item>),
        mut before: Option<&mut Vec<Before>>,
    ) -> Result<Vec<(usize, f64)>, Fault> {
        let table = Arc::clone(&self.table);
        let mut units = Vec::new();
        for (at, index) in table.indexes.iter().enumerate() {
            // Items that a new index was not filled with yet are taken when it comes to them.
            let follows = index.status == "ACTIVE"
                || passing::is_filling(index)
                    && key <= self.tallies.filled(store, index.store_id)?;
            if !follows {
                continue;
            }
            let entry = |item: Option<&Item>| Entry::of(index, &table.keys, item?);
            let (old, new) = (entry(items.0), entry(items.1));
            if old == new {
                continue;
            }
            if let Some(before) = before.as_deref_mut().filter(|_| index.global) {
                let is_new = |it: &&Entry| old.as_ref().is_none_or(|old| old.key != it.key);
                let appears = new.as_ref().filter(is_new).map(|it| (&it.key, None));
                let was = old.as_ref().map(|it| (&it.key, Some(it.item.clone())));
                let changed = was.into_iter().chain(appears);
                before.extend(changed.map(|(key, was)| (index.store_id, key.clone(), was)));
            }
            let size = |it: &Option<Entry>| it.as_ref().map(|it| size_of(&it.item)).transpose();
            let (old_size, new_size) = (size(&old)?, size(&new)?);
            self.count(store, index.store_id, old_size, new_size)?;
            let moved = matches!((&old, &new), (Some(old), Some(new)) if old.key != new.key);
            units.push((
                at,
                if moved {
                    write_units(old_size, None) + write_units(None, new_size)
                } else {
                    write_units(old_size, new_size)
                },
            ));
            if let Some(old) = old.filter(|old| new.as_ref().is_none_or(|new| new.key != old.key)) {
                commit.remove(Shelf::Indexes, old.key);
            }
            if let Some(new) = new {
                commit.put(Shelf::Indexes, new.key, new.item);
            }
        }
        Ok(units)
    }
}

/// The enabled stream of a locked table, as far as writers need it.
struct OpenStream {
    view_type: ViewType,
    shards: SmallVec<[OpenShard; 1]>,
}

struct OpenShard {
    store_id: u64,
    /// Number of its first record.
    first: u64,
    hash_range: (u64, u64),
}

impl OpenStream {
    fn of(state: &State, table: &Table) -> Option<Self> {
        let stream = state.streams.get(table.stream.as_ref()?)?;
        Some(Self {
            view_type: stream.view_type,
            shards: stream
                .shards
                .iter()
                .filter(|it| it.ending.is_none())
                .map(|it| OpenShard {
                    store_id: it.store_id,
                    first: first_number(it),
                    hash_range: it.hash_range,
                })
                .collect(),
        })
    }

    /// The end of the item's shard and the number of its next record.
    fn take<'a>(
        &self,
        engine: &Engine,
        key: &[u8],
        moved: &'a mut Moved,
    ) -> Result<(&'a Tip, u64), Fault> {
        let hash = keys::hash_in(key).unwrap_or_default();
        let shard = self
            .shards
            .iter()
            .find(|it| (it.hash_range.0..=it.hash_range.1).contains(&hash))
            .ok_or_else(|| Fault::internal("no open shard takes this partition key"))?;
        let tip = engine
            .streams()
            .tip_of(engine.store(), shard.store_id, shard.first)?;
        let known = moved.iter().position(|(it, _)| Arc::ptr_eq(it, &tip));
        let at = known.unwrap_or_else(|| {
            let number = tip.next();
            moved.push((tip, number));
            moved.len() - 1
        });
        let (tip, next) = &mut moved[at];
        *next += 1;
        Ok((&*tip, *next - 1))
    }
}

/// The table of this name, or what AWS says when an operation on items meets none.
pub(super) fn table<'a>(state: &'a State, name: &str) -> Result<&'a Arc<Table>, Fault> {
    let found = state.tables.get(name);
    let is_there = |it: &&Arc<Table>| !matches!(it.status.as_str(), "CREATING" | "DELETING");
    found.filter(is_there).ok_or_else(not_found)
}

fn not_found() -> Fault {
    Fault::new(
        400,
        "ResourceNotFoundException",
        "Requested resource not found",
    )
}

fn key_of(table: &Table, keys: &Item) -> Result<Vec<u8>, Fault> {
    keys::item_key(table.store_id, &table.keys, keys)
        .ok_or_else(|| Fault::internal("a checked key lacks an attribute"))
}

fn event_id(call: &Call) -> [u8; 16] {
    call.ids.long_number().to_be_bytes()
}

//! What tables need beside requests: new settings take hold, items whose time is over go, what was deleted is cleared.
//! A little at a time, so that nobody waits long for a table's lock; asleep while nothing is due.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::Notify;

use super::filling::{self, Filled};
use super::tally::{filled_key, key as tally_key};
use super::write::{Change, Locks};
use super::{copies, expiry, fitness, passing, restore, tables, ttl};
use crate::clock::epoch_millis;
use crate::engine::Engine;
use crate::engine::call::{Call, Fault, Principal};
use crate::engine::state::{Expiry, Index, Table};
use crate::engine::store::codec::decode_item;
use crate::engine::store::{Commit, Shelf, prefix_end};
use crate::engine::streams::floor_key;

/// Items deleted under one lock.
const SWEPT_AT_ONCE: usize = 100;
const CLEARED_AT_ONCE: usize = 4096;
/// How long to wait after a failure: a full disk does not get better by trying.
const REST: Duration = Duration::from_secs(1);
/// How often writes past the period of recovery are forgotten.
const FORGETS_EVERY: Duration = Duration::from_hours(1);
const LONGEST_SLEEP_SECS: u64 = 24 * 60 * 60;

/// Wakes the chores.
#[derive(Default)]
pub(super) struct Bell {
    notify: Notify,
    /// When the next item goes that the chores know of, in seconds since 1970.
    next_goes: AtomicU64,
}

impl Bell {
    /// There is something to do.
    pub(super) fn ring(&self) {
        self.notify.notify_one();
    }

    /// Items that go then were written.
    pub(super) fn goes(&self, secs: u64) {
        if secs < self.next_goes.fetch_min(secs, Ordering::SeqCst) {
            self.ring();
        }
    }
}

/// When to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    AtOnce,
    At(SystemTime),
    WhenCalled,
}

/// Runs until dropped.
pub(in crate::engine) async fn run(engine: Engine) {
    let clock = engine.clock().clone();
    loop {
        let (worker, now) = (engine.clone(), clock.now());
        let next = match engine.beside(move || round(&worker, now)).await {
            Ok(Ok(next)) => next,
            Ok(Err(_)) | Err(_) => Next::At(now + REST),
        };
        let pause = async {
            match next {
                Next::AtOnce => {}
                Next::At(at) => clock.sleep_until(at).await,
                Next::WhenCalled => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = engine.dynamodb().bell.notify.notified() => {}
            () = pause => {}
        }
    }
}

/// A little of everything that is due.
fn round(engine: &Engine, now: SystemTime) -> Result<Next, Fault> {
    // Before the look at the tables: whoever writes from here on rings.
    let next_goes = &engine.dynamodb().bell.next_goes;
    next_goes.store(u64::MAX, Ordering::SeqCst);
    let (tables, trash) = engine.read(|state| {
        let busy = state.tables.values().filter(|it| is_busy(it));
        let busy: Vec<Arc<Table>> = busy.map(Arc::clone).collect();
        (busy, state.trash.first().copied())
    });
    let mut next = Next::WhenCalled;
    for table in tables {
        next = next.min(advance(engine, &table, now)?);
    }
    if let Some(store_id) = trash {
        clear(engine, store_id)?;
        next = Next::AtOnce;
    }
    Ok(next)
}

fn is_busy(table: &Table) -> bool {
    table.status != "ACTIVE"
        || table.expiry.is_some()
        || table.undo.is_some()
        || table.indexes.iter().any(passing::is_filling)
        || table.settings.contains_key(ttl::FORMER_SETTING)
}

/// A little of what this table needs.
pub(super) fn advance(engine: &Engine, table: &Table, now: SystemTime) -> Result<Next, Fault> {
    if let Some(former) = table.settings.get(ttl::FORMER_SETTING) {
        adopt(engine, table, former, now)?;
        return Ok(Next::AtOnce);
    }
    if table
        .restored
        .as_ref()
        .is_some_and(|it| it.source.is_some())
    {
        restore::step(engine, table)?;
        return Ok(Next::AtOnce);
    }
    let mut next = pass(engine, table, now)?;
    for index in table.indexes.iter().filter(|it| passing::is_filling(it)) {
        fill_index(engine, table, index, now)?;
        next = Next::AtOnce;
    }
    if let Some(expiry) = &table.expiry {
        next = next.min(advance_expiry(engine, table, expiry, now)?);
    }
    if let Some(undo) = &table.undo {
        next = next.min(if copies::forget(engine, undo, now)? {
            Next::AtOnce
        } else {
            Next::At(now + FORGETS_EVERY)
        });
    }
    Ok(next)
}

/// Ends the table's passing state when its time is over.
fn pass(engine: &Engine, table: &Table, now: SystemTime) -> Result<Next, Fault> {
    if table.status == "ACTIVE" {
        return Ok(Next::WhenCalled);
    }
    let settled = table.since.unwrap_or(SystemTime::UNIX_EPOCH) + engine.settings().settle;
    if settled > now {
        return Ok(Next::At(settled));
    }
    tables::locked(engine, &table.name, |found| {
        if found.store_id != table.store_id || found.since != table.since {
            return Ok(());
        }
        engine.change(|state| {
            if found.status == "DELETING" {
                tables::close_stream(engine, state, found, now)?;
                state.tables.remove(&found.name);
                state.trash.extend(passing::store_ids(found));
            } else {
                let mut table = Table::clone(found);
                state.trash.extend(passing::end(&mut table));
                state.tables.insert(table.name.clone(), Arc::new(table));
            }
            Ok(())
        })
    })?;
    if table.status == "DELETING" {
        engine.dynamodb().forget(table.store_id);
    }
    Ok(Next::AtOnce)
}

/// Takes the next items into an index; it becomes active with the last.
fn fill_index(engine: &Engine, table: &Table, index: &Index, now: SystemTime) -> Result<(), Fault> {
    let store_id = index.store_id;
    let is_done = tables::locked_with(engine, &table.name, |found, tallies| {
        let is_this = |it: &&Index| it.store_id == store_id && passing::is_filling(it);
        let Some(index) = found.indexes.iter().find(is_this) else {
            return Ok(false);
        };
        if !filling::fill(engine, tallies, found, Filled::Index(index), now)? {
            return Ok(false);
        }
        let mut table = Table::clone(found);
        for index in table
            .indexes
            .iter_mut()
            .filter(|it| it.store_id == store_id)
        {
            "ACTIVE".clone_into(&mut index.status);
            index.backfilling = None;
        }
        engine.change(|state| {
            state.tables.insert(table.name.clone(), Arc::new(table));
            Ok(true)
        })
    })?;
    if is_done {
        let store = engine.store();
        store.remove(Shelf::Documents, filled_key(store_id))?;
    }
    Ok(())
}

fn advance_expiry(
    engine: &Engine,
    table: &Table,
    expiry: &Expiry,
    now: SystemTime,
) -> Result<Next, Fault> {
    let settled = expiry.since + engine.settings().settle;
    match expiry.status.as_str() {
        "ENABLED" => return sweep(engine, table, expiry, now),
        _ if settled > now => return Ok(Next::At(settled)),
        "DISABLING" => change_expiry(engine, table, expiry, |_| None)?,
        _ => {
            let filled = tables::locked_with(engine, &table.name, |found, tallies| {
                if found.expiry.as_ref() == Some(expiry) {
                    filling::fill(engine, tallies, found, Filled::Expiry(expiry), now)
                } else {
                    Ok(false)
                }
            });
            if filled? {
                change_expiry(engine, table, expiry, |expiry| {
                    Some(Expiry {
                        status: "ENABLED".to_owned(),
                        since: now,
                        ..expiry
                    })
                })?;
                let filled = filled_key(expiry.store_id);
                engine.store().remove(Shelf::Documents, filled)?;
            }
        }
    }
    Ok(Next::AtOnce)
}

/// Replaces the time to live a table was seen with; what nobody needs any more becomes trash.
fn change_expiry(
    engine: &Engine,
    table: &Table,
    seen: &Expiry,
    change: impl FnOnce(Expiry) -> Option<Expiry>,
) -> Result<(), Fault> {
    tables::locked(engine, &table.name, |found| {
        if found.expiry.as_ref() != Some(seen) {
            return Ok(());
        }
        let mut table = Table::clone(found);
        table.expiry = change(seen.clone());
        engine.change(|state| {
            if table.expiry.is_none() {
                state.trash.push(seen.store_id);
            }
            state.tables.insert(table.name.clone(), Arc::new(table));
            Ok(())
        })
    })
}

/// A folder of a former version: time to live was only a setting.
fn adopt(engine: &Engine, table: &Table, former: &Value, now: SystemTime) -> Result<(), Fault> {
    tables::locked(engine, &table.name, |found| {
        let mut table = Table::clone(found);
        table.settings.remove(ttl::FORMER_SETTING);
        engine.change(|state| {
            if table.expiry.is_none() {
                table.expiry = former["AttributeName"].as_str().map(|attribute| Expiry {
                    attribute: attribute.to_owned(),
                    store_id: state.take_store_id(),
                    status: "ENABLING".to_owned(),
                    since: now,
                });
            }
            state.tables.insert(table.name.clone(), Arc::new(table));
            Ok(())
        })
    })
}

/// Deletes items whose time is over as the service does; when the next one goes.
fn sweep(engine: &Engine, table: &Table, expiry: &Expiry, now: SystemTime) -> Result<Next, Fault> {
    let (entries, next) = ended(engine, expiry, now)?;
    if entries.is_empty() {
        return Ok(next);
    }
    let call = service_call(engine, now);
    // It may have been deleted meanwhile.
    let Ok(locks) = Locks::of(engine, &[&table.name]) else {
        return Ok(Next::AtOnce);
    };
    let Ok(mut batch) = locks.open(&call, engine) else {
        return Ok(Next::AtOnce);
    };
    let table = batch.table(&table.name)?;
    if table.expiry.as_ref() != Some(expiry) {
        return Ok(Next::AtOnce);
    }
    for entry in entries {
        let Some((_, key)) = expiry::item_of(&entry, table.store_id) else {
            continue;
        };
        let stored = batch.read_at(key)?;
        let item = stored.item().map(decode_item).transpose()?;
        // Written to since we looked: that commit took the entry away.
        let Some(item) =
            item.filter(|it| expiry::entry(expiry, stored.key(), it).as_ref() == Some(&entry))
        else {
            engine.store().remove(Shelf::Indexes, entry)?;
            continue;
        };
        let change = Change {
            keys: &fitness::key_of(&table.keys, &item),
            old: &stored,
            new: None,
            expired: true,
        };
        batch.change(&table.name, &change)?;
    }
    batch.commit()?;
    Ok(Next::AtOnce)
}

/// Entries of items to go now, a few at a time, or else when there will be some.
fn ended(engine: &Engine, expiry: &Expiry, now: SystemTime) -> Result<(Vec<Vec<u8>>, Next), Fault> {
    let delay = engine.ttl_delay();
    let (from, to) = expiry::from(expiry, now);
    let range = (
        from.as_ref().map(Vec::as_slice),
        to.as_ref().map(Vec::as_slice),
    );
    let mut entries = Vec::new();
    let mut next: Option<u64> = None;
    let now_secs = epoch_millis(now) / 1000;
    engine
        .store()
        .scan(Shelf::Indexes, range, false, |entry, written| {
            let Some((ends, _)) = expiry::item_of(entry, 0) else {
                return true;
            };
            let goes = expiry::goes(ends, written, delay);
            if goes <= now_secs {
                entries.push(entry.to_vec());
            } else {
                next = Some(next.map_or(goes, |next| next.min(goes)));
            }
            // What ends later goes later; what has ended may have been written a moment ago.
            ends <= now_secs && entries.len() < SWEPT_AT_ONCE
        })?;
    let next = match next {
        Some(goes) => {
            let known = &engine.dynamodb().bell.next_goes;
            known.fetch_min(goes, Ordering::SeqCst);
            let at = Duration::from_secs(goes.min(now_secs + LONGEST_SLEEP_SECS));
            Next::At(SystemTime::UNIX_EPOCH + at)
        }
        None => Next::WhenCalled,
    };
    Ok((entries, next))
}

/// What the service itself does, as if it had been asked to.
fn service_call(engine: &Engine, now: SystemTime) -> Call {
    Call {
        service: "dynamodb",
        operation: "DeleteItem",
        principal: Principal::Service("dynamodb.amazonaws.com".to_owned()),
        session_policies: None,
        input: Value::Null,
        plain: None,
        record_keys: None,
        payload: bytes::Bytes::new(),
        now,
        ids: engine.ids().clone(),
        account: Arc::clone(engine.account()),
        request_id: String::new(),
    }
}

/// Clears some of what a table, an index or a shard held that is gone; forgets it once nothing is left.
fn clear(engine: &Engine, store_id: u64) -> Result<(), Fault> {
    let store = engine.store();
    let mut commit = Commit::default();
    let mut left = CLEARED_AT_ONCE;
    let prefix = store_id.to_be_bytes();
    let end = prefix_end(&prefix);
    let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    for shelf in [Shelf::Items, Shelf::Indexes, Shelf::Records] {
        if left > 0 {
            let range = (Bound::Included(&prefix[..]), end);
            store.scan(shelf, range, false, |key, _| {
                commit.remove(shelf, key.to_vec());
                left -= 1;
                left > 0
            })?;
        }
    }
    if left > 0 {
        commit.remove(Shelf::Documents, tally_key(store_id));
        commit.remove(Shelf::Documents, filled_key(store_id));
        commit.remove(Shelf::Documents, floor_key(store_id));
    }
    store.commit(commit)?;
    if left > 0 {
        engine.change(|state| {
            state.trash.retain(|it| *it != store_id);
            Ok(())
        })?;
    }
    Ok(())
}

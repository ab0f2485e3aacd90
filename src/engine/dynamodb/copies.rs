//! Copies of a table's items, and a table's items as they were: what backups and restores are made of.
//!
//! With point-in-time recovery every write keeps what was there before, in the same commit. A former moment is
//! today's items with those writes taken back, newest first.

use std::time::{Duration, SystemTime};

use super::tally::Tallies;
use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::{Table, Undo};
use crate::engine::store::codec::Reader;
use crate::engine::store::frozen::Frozen;
use crate::engine::store::{Commit, Shelf, Store, StoreError};

/// Bytes of one commit of a copy, about.
const AT_ONCE_BYTES: usize = 1024 * 1024;
/// Writes forgotten by one commit.
const FORGOTTEN_AT_ONCE: usize = 1000;
const DAY: Duration = Duration::from_hours(24);

/// Copies the items under key prefix `from` to prefix `to`, which nobody else uses.
pub(super) fn copy(frozen: &Frozen, store: &Store, from: u64, to: u64) -> Result<(), StoreError> {
    let mut commit = Commit::default();
    let mut bytes = 0;
    frozen.scan(Shelf::Items, &from.to_be_bytes(), false, |key, value| {
        bytes += key.len() + value.len();
        commit.put(Shelf::Items, moved(key, to), value.to_vec());
        if bytes >= AT_ONCE_BYTES {
            bytes = 0;
            store.commit(std::mem::take(&mut commit))?;
        }
        Ok(true)
    })?;
    store.commit(commit)
}

/// Takes back what was written after a moment, in a copy under prefix `to`.
pub(super) fn take_back(
    frozen: &Frozen,
    store: &Store,
    undo: &Undo,
    after: SystemTime,
    to: u64,
) -> Result<(), Fault> {
    let mut damaged = false;
    let mut commit = Commit::default();
    let mut bytes = 0;
    frozen.scan(
        Shelf::Indexes,
        &undo.store_id.to_be_bytes(),
        true,
        |_, value| {
            let Some((at, key, old)) = read(value) else {
                damaged = true;
                return Ok(false);
            };
            if at <= after {
                return Ok(false);
            }
            bytes += value.len();
            let mut place = to.to_be_bytes().to_vec();
            place.extend_from_slice(key);
            // In the order they are taken back: the last one of a key counts.
            match old {
                Some(old) => commit.put(Shelf::Items, place, old.to_vec()),
                None => commit.remove(Shelf::Items, place),
            }
            if bytes >= AT_ONCE_BYTES {
                bytes = 0;
                store.commit(std::mem::take(&mut commit))?;
            }
            Ok(true)
        },
    )?;
    if damaged {
        return Err(Fault::internal("a record of a former item cannot be read"));
    }
    Ok(store.commit(commit)?)
}

/// Keeps what was there before a write, when the table wants that. `key` is the item's key in the table.
pub(super) fn keep(
    store: &Store,
    table: &Table,
    tallies: &mut Tallies,
    commit: &mut Commit,
    write: Written<'_>,
) -> Result<(), Fault> {
    let Some(undo) = &table.undo else {
        return Ok(());
    };
    let (at, key, old) = write;
    let tail = key.get(8..).unwrap_or_default();
    let number = tallies.next_undo(store, undo.store_id)?;
    let mut value = epoch_millis(at).to_be_bytes().to_vec();
    value.extend_from_slice(&u64::try_from(tail.len()).unwrap_or_default().to_be_bytes());
    value.extend_from_slice(tail);
    if let Some(old) = old {
        value.push(1);
        value.extend_from_slice(old);
    } else {
        value.push(0);
    }
    commit.put(Shelf::Indexes, place(undo, number), value);
    Ok(())
}

/// Forgets writes that are past the period of recovery, some at a time; whether there may be more.
pub(super) fn forget(engine: &Engine, undo: &Undo, now: SystemTime) -> Result<bool, StoreError> {
    let from = earliest(undo, now);
    let mut commit = Commit::default();
    let mut left = FORGOTTEN_AT_ONCE;
    let store = engine.store();
    let prefix = undo.store_id.to_be_bytes();
    let end = undo.store_id.saturating_add(1).to_be_bytes();
    let range = (
        std::ops::Bound::Included(&prefix[..]),
        std::ops::Bound::Excluded(&end[..]),
    );
    store.scan(Shelf::Indexes, range, false, |key, value| {
        let is_over = read(value).is_none_or(|(at, _, _)| at < from);
        if is_over {
            commit.remove(Shelf::Indexes, key.to_vec());
            left -= 1;
        }
        is_over && left > 0
    })?;
    store.commit(commit)?;
    Ok(left == 0)
}

/// The first moment the table can be restored to.
pub(super) fn earliest(undo: &Undo, now: SystemTime) -> SystemTime {
    let period = DAY * undo.days;
    now.checked_sub(period)
        .map_or(undo.since, |it| it.max(undo.since))
}

/// When it was written, the item's key behind the table's prefix, and the item as it was.
type Written<'a> = (SystemTime, &'a [u8], Option<&'a [u8]>);

fn read(value: &[u8]) -> Option<Written<'_>> {
    let mut from = Reader(value);
    let at = from_epoch_millis(from.number().ok()?);
    let length = usize::try_from(from.number().ok()?).ok()?;
    let key = from.take(length).ok()?;
    let is_there = from.byte().ok()? == 1;
    Some((at, key, is_there.then_some(from.0)))
}

fn place(undo: &Undo, number: u64) -> Vec<u8> {
    let mut key = undo.store_id.to_be_bytes().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The same item's key under another prefix.
pub(super) fn moved(key: &[u8], to: u64) -> Vec<u8> {
    let mut moved = to.to_be_bytes().to_vec();
    moved.extend_from_slice(key.get(8..).unwrap_or_default());
    moved
}

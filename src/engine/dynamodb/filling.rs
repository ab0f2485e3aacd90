//! Filling what is derived from items, a chunk at a time, while the table is written to: how far it got is kept in
//! the same commit, so that it goes on there after a restart. Writers leave alone what was not reached yet.

use std::ops::Bound;
use std::time::SystemTime;

use super::expiry;
use super::tally::{Tallies, filled_key};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::{Expiry, Table};
use crate::engine::store::codec::decode_item;
use crate::engine::store::{Commit, Shelf, keys};

/// Items looked at under one lock.
const AT_ONCE: usize = 500;

/// What is filled.
#[derive(Clone, Copy)]
pub(super) enum Filled<'a> {
    Expiry(&'a Expiry),
}

impl Filled<'_> {
    fn store_id(self) -> u64 {
        match self {
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
    let (first, end) = keys::segment(table.store_id, 0, 1);
    let first = if filled.is_empty() {
        first
    } else {
        Bound::Excluded(filled.to_vec())
    };
    let range = (
        first.as_ref().map(Vec::as_slice),
        end.as_ref().map(Vec::as_slice),
    );
    let mut seen = Vec::new();
    store.scan(Shelf::Items, range, false, |key, value| {
        seen.push((key.to_vec(), value.to_vec()));
        seen.len() < AT_ONCE
    })?;
    let Some((last, _)) = seen.last().cloned() else {
        return Ok(true);
    };
    let mut commit = Commit::default();
    for (key, value) in &seen {
        let item = decode_item(value)?;
        match what {
            Filled::Expiry(expiry) => {
                if let Some(entry) = expiry::entry(expiry, key, &item) {
                    commit.put(Shelf::Indexes, entry, expiry::written(now));
                }
            }
        }
    }
    commit.put(Shelf::Documents, filled_key(store_id), last.clone());
    store.commit(commit)?;
    tallies.set_filled(store_id, last);
    Ok(seen.len() < AT_ONCE)
}

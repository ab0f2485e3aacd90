//! How many items a table or index holds and how large they are: counted with every write, in the same commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use crate::engine::call::Fault;
use crate::engine::store::codec::Reader;
use crate::engine::store::{Commit, Shelf, Store};

/// `ItemCount` and `TableSizeBytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub items: u64,
    pub bytes: u64,
}

/// Tallies of one table and its indexes, by `store_id`, and how far new indexes are filled. What is not known yet is
/// read from the store.
#[derive(Debug, Default)]
pub struct Tallies {
    known: BTreeMap<u64, Tally>,
    filled: BTreeMap<u64, Vec<u8>>,
    undo: BTreeMap<u64, u64>,
}

impl Tally {
    /// After an item of `old` bytes became one of `new` bytes; `None` where there is no item.
    #[must_use]
    pub fn after(self, old: Option<usize>, new: Option<usize>) -> Self {
        let bytes = |size: Option<usize>| size.map_or(0, |it| it as u64);
        Self {
            items: (self.items + u64::from(new.is_some())).saturating_sub(u64::from(old.is_some())),
            bytes: (self.bytes + bytes(new)).saturating_sub(bytes(old)),
        }
    }

    pub fn put(self, commit: &mut Commit, store_id: u64) {
        let value = u128::from(self.items) << 64 | u128::from(self.bytes);
        commit.put(Shelf::Documents, key(store_id), value.to_be_bytes());
    }
}

impl Tallies {
    pub fn get(&mut self, store: &Store, store_id: u64) -> Result<Tally, Fault> {
        if let Some(tally) = self.known.get(&store_id) {
            return Ok(*tally);
        }
        let tally = match store.get(Shelf::Documents, &key(store_id))? {
            None => Tally::default(),
            Some(bytes) => {
                let mut from = Reader(&bytes);
                Tally {
                    items: from.number()?,
                    bytes: from.number()?,
                }
            }
        };
        self.known.insert(store_id, tally);
        Ok(tally)
    }

    /// What was committed.
    pub fn set(&mut self, store_id: u64, tally: Tally) {
        self.known.insert(store_id, tally);
    }

    /// Key of the last item that a new index was filled with; empty before the first.
    pub fn filled(&mut self, store: &Store, store_id: u64) -> Result<&[u8], Fault> {
        let filled = match self.filled.entry(store_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(slot) => {
                let stored = store.get(Shelf::Documents, &filled_key(store_id))?;
                slot.insert(stored.map(|it| it.to_vec()).unwrap_or_default())
            }
        };
        Ok(filled)
    }

    /// Number of the next write that can be taken back.
    pub fn next_undo(&mut self, store: &Store, store_id: u64) -> Result<u64, Fault> {
        let next = match self.undo.get(&store_id) {
            Some(next) => *next,
            None => last_number(store, store_id)?.map_or(0, |it| it + 1),
        };
        self.undo.insert(store_id, next + 1);
        Ok(next)
    }

    /// What was committed.
    pub fn set_filled(&mut self, store_id: u64, last: Vec<u8>) {
        self.filled.insert(store_id, last);
    }
}

/// Where a tally is kept on [`Shelf::Documents`].
pub fn key(store_id: u64) -> [u8; 13] {
    let mut key = *b"tally\0\0\0\0\0\0\0\0";
    key[5..].copy_from_slice(&store_id.to_be_bytes());
    key
}

/// The largest number behind a key prefix.
fn last_number(store: &Store, store_id: u64) -> Result<Option<u64>, Fault> {
    let (first, end) = (store_id.to_be_bytes(), (store_id + 1).to_be_bytes());
    let range = (Bound::Included(&first[..]), Bound::Excluded(&end[..]));
    let mut last = None;
    store.scan(Shelf::Indexes, range, true, |key, _| {
        last = key.get(8..16).and_then(|it| it.try_into().ok());
        false
    })?;
    Ok(last.map(u64::from_be_bytes))
}

/// Where it is kept on [`Shelf::Documents`] how far an index is filled.
pub fn filled_key(store_id: u64) -> Vec<u8> {
    let mut key = b"filled".to_vec();
    key.extend_from_slice(&store_id.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_follows_insert_change_and_removal() {
        let tally = Tally::default().after(None, Some(10));
        assert_eq!(
            tally,
            Tally {
                items: 1,
                bytes: 10
            }
        );
        let tally = tally.after(Some(10), Some(4));
        assert_eq!(tally, Tally { items: 1, bytes: 4 });
        assert_eq!(tally.after(Some(4), None), Tally::default());
    }
}

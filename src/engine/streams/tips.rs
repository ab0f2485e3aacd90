//! Where each shard ends: kept in memory, so that a poll at the tip asks no store and costs the same however much is
//! stored. The store is the truth: a tip not known yet is read from the shard's last record.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::RwLock;

use super::records::Stored;
use super::shards::{RETENTION, first_number};
use crate::engine::call::Fault;
use crate::engine::state::Shard;
use crate::engine::store::{Commit, Shelf, Store, StoreError, keys};

/// Records looked at by one trim at most.
const TRIM_MAX: u64 = 8192;
/// A trim is tried after this many new records of a shard.
const TRIM_EVERY: u64 = 4096;

/// Ends of shards, by the shard's `store_id`.
#[derive(Default)]
pub struct Live {
    tips: RwLock<HashMap<u64, Arc<Tip>>>,
}

/// The end of one shard. Only who holds the table's lock may move it.
#[derive(Debug)]
pub struct Tip {
    shard: u64,
    next: AtomicU64,
    /// No record below this number is stored.
    oldest: AtomicU64,
}

impl Live {
    pub fn tip(&self, store: &Store, shard: &Shard) -> Result<Arc<Tip>, StoreError> {
        if let Some(tip) = self.tips.read().get(&shard.store_id) {
            return Ok(Arc::clone(tip));
        }
        let mut tips = self.tips.write();
        if let Some(tip) = tips.get(&shard.store_id) {
            return Ok(Arc::clone(tip));
        }
        let first = first_number(shard);
        let mut next = first;
        let (from, to) = whole(shard.store_id);
        store.scan(
            Shelf::Records,
            (
                from.as_ref().map(Vec::as_slice),
                to.as_ref().map(Vec::as_slice),
            ),
            true,
            |key, _| {
                next = keys::record_number(key).map_or(first, |last| last + 1);
                false
            },
        )?;
        let tip = Arc::new(Tip {
            shard: shard.store_id,
            next: AtomicU64::new(next),
            oldest: AtomicU64::new(first),
        });
        tips.insert(shard.store_id, Arc::clone(&tip));
        Ok(tip)
    }

    /// Forgets shards whose records are gone for good.
    pub fn forget(&self, shards: &[u64]) {
        let mut tips = self.tips.write();
        for shard in shards {
            tips.remove(shard);
        }
    }
}

impl Tip {
    /// Number of the next record.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Lets readers see every record below `next`; call it after their commit.
    pub fn publish(&self, next: u64) {
        self.next.store(next, Ordering::Release);
    }

    /// Number of the last record, if the shard ever had one.
    pub fn last(&self, shard: &Shard) -> Option<u64> {
        let next = self.next();
        (next > first_number(shard)).then(|| next - 1)
    }

    /// Number of the first record that is at least as young as `since`; `next` when all are older. Numbers are
    /// dense and times ascend, so it halves its way.
    pub(super) fn first_since(&self, store: &Store, since: SystemTime) -> Result<u64, Fault> {
        let (mut low, mut high) = (self.oldest.load(Ordering::Relaxed), self.next());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at_or_after(store, middle)? {
                Some((number, created)) if created < since => low = number + 1,
                _ => high = middle,
            }
        }
        Ok(self
            .at_or_after(store, low)?
            .map_or(low, |(number, _)| number))
    }

    /// Number and time of the first record from `number` on.
    pub(super) fn at_or_after(
        &self,
        store: &Store,
        number: u64,
    ) -> Result<Option<(u64, SystemTime)>, Fault> {
        let mut found = None;
        self.visit(store, number, |number, record| {
            found = Some((number, record.created()));
            false
        })?;
        Ok(found)
    }

    /// Records from `number` up to the tip, until `visit` returns false.
    pub(super) fn visit(
        &self,
        store: &Store,
        number: u64,
        mut visit: impl FnMut(u64, Stored<'_>) -> bool,
    ) -> Result<(), Fault> {
        let from = keys::record(self.shard, number);
        let to = keys::record(self.shard, self.next());
        let mut unreadable = None;
        store.scan(
            Shelf::Records,
            (Bound::Included(&from), Bound::Excluded(&to)),
            false,
            |key, value| match (keys::record_number(key), Stored::decode(value)) {
                (Some(number), Ok(record)) => visit(number, record),
                (_, Err(error)) => {
                    unreadable = Some(error);
                    false
                }
                (None, Ok(_)) => false,
            },
        )?;
        unreadable.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Now and then removes records nobody may read any more; the last one stays, it is what the tip is read from.
    /// `before` is the tip before the records just published.
    pub fn trim(&self, store: &Store, before: u64, now: SystemTime) -> Result<(), Fault> {
        let next = self.next();
        if before / TRIM_EVERY == next / TRIM_EVERY {
            return Ok(());
        }
        let horizon = now - RETENTION;
        let mut commit = Commit::default();
        let oldest = self.oldest.load(Ordering::Relaxed);
        let mut end = oldest;
        let mut left = TRIM_MAX;
        self.visit(store, oldest, |number, record| {
            let gone = record.created() < horizon && number + 1 < next && left > 0;
            if gone {
                commit.remove(Shelf::Records, keys::record(self.shard, number));
                end = number + 1;
                left -= 1;
            }
            gone
        })?;
        if !commit.is_empty() {
            store.commit(commit)?;
        }
        self.oldest.store(end, Ordering::Relaxed);
        Ok(())
    }
}

fn whole(shard: u64) -> keys::Range {
    (
        Bound::Included(keys::record(shard, 0)),
        Bound::Included(keys::record(shard, u64::MAX)),
    )
}

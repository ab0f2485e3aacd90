//! Reads of global indexes that lag, when the options want them to: eventual consistency made visible. The store holds
//! every entry at once; what was there before is remembered as long as the lag, and readers are shown that instead.
//! It is remembered in memory: after a restart nothing lags.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::engine::Engine;
use crate::engine::state::Index;
use crate::engine::store::keys::{self, Range};
use crate::engine::store::{Shelf, StoreError};

/// An entry of an index before it was changed: the index, its key, what was there.
pub(super) type Before = (u64, Vec<u8>, Value);

/// An entry's value, if it had one.
type Value = Option<Vec<u8>>;

/// What changed lately.
#[derive(Default)]
pub(super) struct Lag(Mutex<Changes>);

#[derive(Default)]
pub(super) struct Changes {
    /// By index and key of the entry, oldest first.
    by_entry: HashMap<u64, BTreeMap<Vec<u8>, VecDeque<Value>>>,
    /// In the order they happened.
    order: VecDeque<(SystemTime, u64, Vec<u8>)>,
}

impl Lag {
    /// Everything is seen as it is.
    pub(super) fn forget(&self) {
        *self.0.lock() = Changes::default();
    }

    /// Remembers entries that `commit` changes; readers see neither half of it meanwhile.
    pub(super) fn keep(
        &self,
        before: Vec<Before>,
        now: SystemTime,
        lag: Duration,
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut changes = self.0.lock();
        changes.forget(now);
        commit()?;
        let until = now + lag;
        for (index, key, value) in before {
            let of_entry = changes.by_entry.entry(index).or_default();
            let former = of_entry.entry(key.clone()).or_default();
            former.push_back(value);
            changes.order.push_back((until, index, key));
        }
        Ok(())
    }
}

impl Changes {
    /// What is older than the lag.
    fn forget(&mut self, now: SystemTime) {
        while self.order.front().is_some_and(|(until, ..)| *until <= now) {
            let Some((_, index, key)) = self.order.pop_front() else {
                return;
            };
            let Some(of_index) = self.by_entry.get_mut(&index) else {
                continue;
            };
            if let Some(former) = of_index.get_mut(&key) {
                former.pop_front();
                if former.is_empty() {
                    of_index.remove(&key);
                }
            }
            if of_index.is_empty() {
                self.by_entry.remove(&index);
            }
        }
    }

    /// Entries in a range that readers see otherwise than they are.
    fn within(&self, index: u64, range: &Range) -> BTreeMap<&[u8], Option<&[u8]>> {
        let of_index = self.by_entry.get(&index).into_iter().flatten();
        of_index
            .filter(|(key, _)| keys::contains(range, key))
            .filter_map(|(key, former)| Some((key.as_slice(), former.front()?.as_deref())))
            .collect()
    }
}

/// Visits what is in a range of a shelf; entries of a global index as readers see them while reads lag.
pub(super) fn scan_any(
    engine: &Engine,
    shelf: Shelf,
    index: Option<&Index>,
    range: &Range,
    reverse: bool,
    visit: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), StoreError> {
    let lags = !engine.gsi_lag().is_zero();
    if let Some(index) = index.filter(|it| it.global && lags) {
        return scan(engine, index.store_id, range, reverse, visit);
    }
    let bounds = (
        range.0.as_ref().map(Vec::as_slice),
        range.1.as_ref().map(Vec::as_slice),
    );
    engine.store().scan(shelf, bounds, reverse, visit)
}

/// Visits the entries of an index as they are seen now, in their order or the reverse, until `visit` returns false.
fn scan(
    engine: &Engine,
    index: u64,
    range: &Range,
    reverse: bool,
    mut visit: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), StoreError> {
    let mut changes = engine.dynamodb().lag.0.lock();
    changes.forget(engine.clock().now());
    let former = changes.within(index, range);
    let mut former: VecDeque<(&[u8], Option<&[u8]>)> = former.into_iter().collect();
    if reverse {
        former.make_contiguous().reverse();
    }
    let bounds = (
        range.0.as_ref().map(Vec::as_slice),
        range.1.as_ref().map(Vec::as_slice),
    );
    let comes_before = |one: &[u8], two: &[u8]| if reverse { one > two } else { one < two };
    let mut goes_on = true;
    engine
        .store()
        .scan(Shelf::Indexes, bounds, reverse, |key, value| {
            while goes_on && former.front().is_some_and(|(it, _)| comes_before(it, key)) {
                if let Some((key, Some(value))) = former.pop_front() {
                    goes_on = visit(key, value);
                }
            }
            if !goes_on {
                return false;
            }
            let value = match former.pop_front_if(|(it, _)| *it == key) {
                Some((_, former)) => former,
                None => Some(value),
            };
            goes_on = value.is_none_or(|value| visit(key, value));
            goes_on
        })?;
    while goes_on && let Some((key, value)) = former.pop_front() {
        goes_on = value.is_none_or(|value| visit(key, value));
    }
    Ok(())
}

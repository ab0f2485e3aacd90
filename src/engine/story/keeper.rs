//! Writes the story to disk behind those who tell it, and reads it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::block;
use super::ring::{Place, Ring, own_bytes};
use super::unit::{Kept, Unit};
use super::{Settings, keys};
use crate::engine::store::{Commit, Shelf, Store, StoreError};
use crate::mapping::progress::{Progress, What};

/// Steps copied at once out of memory, whose lock pollers wait for.
const READ_MAX: usize = 64;
/// Bytes, roughly, after which a commit is made.
const COMMIT_BYTES: usize = 2 * 1024 * 1024;
/// Most bytes read back when somebody asks for the past: it has to fit beside what is told from now on.
const LOAD_BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Keeper {
    /// What was read out of memory.
    place: Place,
    /// By mapping UUID; `None` until the store was looked at.
    mappings: Option<BTreeMap<Arc<str>, Kept>>,
    /// Number of the next step that is expected of a mapping.
    expected: BTreeMap<Arc<str>, u64>,
    /// Steps that could not be written, to be told with the next.
    lost: BTreeMap<Arc<str>, u64>,
    is_told: bool,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self {
            place: Ring::start_place(),
            mappings: None,
            expected: BTreeMap::new(),
            lost: BTreeMap::new(),
            is_told: false,
        }
    }

    /// Writes what was told since the last time. On a full disk it is counted as skipped.
    pub(super) fn keep(
        &mut self,
        ring: &Mutex<Ring>,
        store: &Store,
        settings: &Settings,
    ) -> Result<(), StoreError> {
        loop {
            let mut commit = Commit::default();
            let mut taken: BTreeMap<Arc<str>, u64> = BTreeMap::new();
            let mut bytes = 0;
            let mappings = found(&mut self.mappings, store)?;
            while bytes < COMMIT_BYTES {
                let steps = ring.lock().read(&mut self.place, READ_MAX);
                if steps.is_empty() {
                    break;
                }
                for (nth, progress) in steps {
                    let uuid = &progress.mapping;
                    let kept = mappings.entry(Arc::clone(uuid)).or_default();
                    let expected = self.expected.entry(Arc::clone(uuid)).or_default();
                    let missed = nth.saturating_sub(*expected);
                    let missed = missed + self.lost.remove(uuid).unwrap_or_default();
                    *expected = nth + 1;
                    if missed > 0 {
                        kept.take(&skipped(&progress, missed));
                    }
                    bytes += kept.take(&progress) + own_bytes(&progress.what);
                    *taken.entry(Arc::clone(uuid)).or_default() += 1 + missed;
                }
            }
            if taken.is_empty() {
                return Ok(());
            }
            for uuid in taken.keys() {
                if let Some(kept) = mappings.get_mut(uuid) {
                    kept.write(uuid, settings, &mut commit);
                }
            }
            if let Err(error) = store.commit(commit) {
                // What is known of the units is not what is there.
                self.mappings = None;
                for (uuid, steps) in taken {
                    *self.lost.entry(uuid).or_default() += steps;
                }
                return Err(error);
            }
        }
    }

    /// What is kept from before this opening, as far as it fits; once. How many steps of a mapping did not fit is told
    /// first.
    pub(super) fn past(&mut self, store: &Store) -> Result<Vec<Progress>, StoreError> {
        if std::mem::replace(&mut self.is_told, true) {
            return Ok(Vec::new());
        }
        let mappings = found(&mut self.mappings, store)?;
        let room = LOAD_BYTES_MAX / mappings.len().max(1);
        let mut steps: Vec<(u64, Progress)> = Vec::new();
        for (uuid, kept) in mappings {
            let (mut bytes, mut left) = (0, 0);
            let mut of_mapping: Vec<(u64, Progress)> = Vec::new();
            for (number, unit) in kept.former() {
                bytes += unit.bytes();
                if bytes > room {
                    left += unit.steps() + unit.skipped;
                    continue;
                }
                let blocks = store.list(Shelf::Stories, &keys::blocks(uuid, number), usize::MAX)?;
                let blocks = blocks.iter().map(|(_, bytes)| bytes.as_slice());
                let decoded = block::decode(uuid, blocks);
                if let Some((no, last)) = decoded.last().filter(|_| unit.skipped > 0) {
                    of_mapping.push((*no, skipped(last, unit.skipped)));
                }
                of_mapping.extend(decoded);
            }
            let first = of_mapping.iter().min_by_key(|(no, _)| no);
            if let Some((_, first)) = first.filter(|_| left > 0) {
                let told = skipped(first, left);
                of_mapping.push((0, told));
            }
            steps.extend(of_mapping);
        }
        steps.sort_by_key(|(no, progress)| (progress.at, *no));
        Ok(steps.into_iter().map(|(_, progress)| progress).collect())
    }

    /// Removes the stories of mappings that are not wanted any more, from the store as well.
    pub(super) fn forget(
        &mut self,
        store: &Store,
        is_gone: impl Fn(&str) -> bool,
    ) -> Result<(), StoreError> {
        self.expected.retain(|uuid, _| !is_gone(uuid));
        self.lost.retain(|uuid, _| !is_gone(uuid));
        let mappings = found(&mut self.mappings, store)?;
        let mut commit = Commit::default();
        mappings.retain(|uuid, kept| {
            let is_gone = is_gone(uuid);
            if is_gone {
                kept.clear(uuid, &mut commit);
            }
            !is_gone
        });
        if commit.is_empty() {
            return Ok(());
        }
        store.commit(commit)
    }
}

/// The units in the store, looked for once.
fn found<'m>(
    mappings: &'m mut Option<BTreeMap<Arc<str>, Kept>>,
    store: &Store,
) -> Result<&'m mut BTreeMap<Arc<str>, Kept>, StoreError> {
    if mappings.is_none() {
        let mut found: BTreeMap<Arc<str>, Kept> = BTreeMap::new();
        for (key, entry) in store.list(Shelf::Stories, keys::UNITS, usize::MAX)? {
            // What cannot be read is another version's: it goes with its mapping, or is written over.
            if let (Some((uuid, number)), Ok(unit)) =
                (keys::parse(&key), serde_json::from_slice::<Unit>(&entry))
            {
                let kept = found.entry(Arc::from(uuid)).or_default();
                kept.found(number, unit);
            }
        }
        *mappings = Some(found);
    }
    Ok(mappings.get_or_insert_default())
}

/// Tells of steps missing before another one of the same mapping.
fn skipped(next: &Progress, steps: u64) -> Progress {
    Progress {
        mapping: Arc::clone(&next.mapping),
        shard: Arc::clone(&next.shard),
        at: next.at,
        what: What::Skipped { steps },
    }
}

#[cfg(test)]
mod tests;

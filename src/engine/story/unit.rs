//! What is kept of one mapping: units of a batch with everything that was split off it, and the steps around it.
//!
//! A unit's records are written once, however often they are tried, and a unit goes as a whole. Pure: what is to be
//! written is added to a commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::block::{Draft, Span};
use super::ring::own_bytes;
use super::{Settings, keys};
use crate::engine::store::{Commit, Shelf};
use crate::mapping::progress::{BatchId, Outcome, Progress, What};
use crate::mapping::record::{Record, SequenceNumber};

/// Steps that are no batch's begin a unit of their own behind so many bytes of them.
const LOOSE_BYTES_MAX: usize = 256 * 1024;
/// A batch nothing was heard of for so long is over, whatever became of it: no function runs, and no pause between
/// attempts lasts, so long.
const OVER_AFTER: Duration = Duration::from_mins(20);

/// What the store knows of a unit.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Unit {
    pub(super) blocks: Vec<Block>,
    /// Batches begun in it.
    pub(super) batches: usize,
    /// Steps that had no room.
    pub(super) skipped: u64,
    /// Number of its last step.
    pub(super) last: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) number: u32,
    pub(super) bytes: usize,
    pub(super) steps: u64,
}

/// What more is known of a unit that may still grow.
#[derive(Debug)]
struct Growing {
    draft: Draft,
    /// Records in it so far.
    records: u32,
    /// Those of the batch it began with, and the number of the first of them.
    root: (u32, Vec<SequenceNumber>),
    members: Vec<Batch>,
    /// Batches that have not ended.
    open: BTreeSet<Batch>,
    /// Bytes of steps that are no batch's.
    loose: usize,
    touched: SystemTime,
}

type Batch = (Arc<str>, BatchId);

/// One mapping.
#[derive(Debug, Default)]
pub(super) struct Kept {
    units: BTreeMap<u64, Unit>,
    /// Of units begun since this was opened.
    growing: BTreeMap<u64, Growing>,
    by_batch: BTreeMap<Batch, u64>,
    /// Units with drafts.
    touched: BTreeSet<u64>,
    /// Number of the next step.
    next: u64,
    now: Option<SystemTime>,
}

impl Unit {
    pub(super) fn bytes(&self) -> usize {
        self.blocks.iter().map(|it| it.bytes).sum()
    }

    pub(super) fn steps(&self) -> u64 {
        self.blocks.iter().map(|it| it.steps).sum()
    }
}

impl Kept {
    /// A unit found in the store.
    pub(super) fn found(&mut self, number: u64, unit: Unit) {
        self.next = self.next.max(unit.last + 1);
        self.units.insert(number, unit);
    }

    /// Units from before this was opened, newest first.
    pub(super) fn former(&self) -> impl Iterator<Item = (u64, &Unit)> {
        let former = self.units.iter().rev();
        former
            .filter(|(number, _)| !self.growing.contains_key(number))
            .map(|(number, unit)| (*number, unit))
    }

    /// Takes a step in. Bytes of texts it brought.
    pub(super) fn take(&mut self, progress: &Progress) -> usize {
        self.now = Some(progress.at);
        let number = self.unit_for(progress);
        let no = self.next;
        self.next += 1;
        let Some(unit) = self.growing.get_mut(&number) else {
            return 0;
        };
        self.touched.insert(number);
        unit.touched = progress.at;
        let before = unit.draft.bytes();
        let span = match &progress.what {
            What::Invoking { records, .. } | What::Discarded { records, .. } => {
                Some(unit.span(records))
            }
            _ => None,
        };
        if progress.what.batch().is_none() {
            unit.loose += own_bytes(&progress.what);
        }
        unit.draft.add(no, progress, span);
        unit.records = unit.draft.records_end();
        let brought = unit.draft.bytes() - before;
        if let Some(unit) = self.units.get_mut(&number) {
            unit.last = no;
        }
        self.note_batches(number, progress);
        brought
    }

    /// Adds to a commit what was taken in since the last one, and what no longer has room. What cannot be written as
    /// JSON is left out.
    pub(super) fn write(&mut self, uuid: &str, settings: &Settings, commit: &mut Commit) {
        for number in std::mem::take(&mut self.touched) {
            let (Some(unit), Some(growing)) =
                (self.units.get_mut(&number), self.growing.get_mut(&number))
            else {
                continue;
            };
            let draft = std::mem::replace(&mut growing.draft, Draft::new(growing.records));
            let steps = u64::try_from(draft.steps()).unwrap_or(u64::MAX);
            match draft.encode() {
                Ok(bytes) => {
                    let last = unit.blocks.last();
                    let block = Block {
                        number: last.map_or(0, |it| it.number + 1),
                        bytes: bytes.len(),
                        steps,
                    };
                    unit.blocks.push(block);
                    commit.put(
                        Shelf::Stories,
                        keys::block(uuid, number, block.number),
                        bytes,
                    );
                }
                Err(_) => unit.skipped += steps,
            }
            // Of what is tried again for hours the beginning and the end are kept.
            while unit.bytes() > settings.bytes_max / 2 && unit.blocks.len() > 2 {
                let block = unit.blocks.remove(1);
                unit.skipped += block.steps;
                commit.remove(Shelf::Stories, keys::block(uuid, number, block.number));
            }
            if growing.open.is_empty() {
                growing.root.1 = Vec::new();
            }
            if let Ok(entry) = serde_json::to_vec(unit) {
                commit.put(Shelf::Stories, keys::unit(uuid, number), entry);
            }
        }
        self.make_room(uuid, settings, commit);
    }

    /// Removes everything.
    pub(super) fn clear(&self, uuid: &str, commit: &mut Commit) {
        for (number, unit) in &self.units {
            remove(uuid, *number, unit, commit);
        }
    }

    fn unit_for(&mut self, progress: &Progress) -> u64 {
        let begins = matches!(
            &progress.what,
            What::Invoking { .. } | What::Discarded { .. }
        );
        if let Some(batch) = progress.what.batch() {
            let batch = (Arc::clone(&progress.shard), batch);
            if let Some(number) = self.by_batch.get(&batch) {
                return *number;
            }
            if begins {
                return self.begin(progress.at);
            }
        }
        match self.growing.last_key_value() {
            Some((number, unit)) if unit.loose < LOOSE_BYTES_MAX => *number,
            _ => self.begin(progress.at),
        }
    }

    fn begin(&mut self, at: SystemTime) -> u64 {
        let number = self.units.last_key_value().map_or(0, |(last, _)| last + 1);
        self.units.insert(number, Unit::default());
        self.growing.insert(
            number,
            Growing {
                draft: Draft::new(0),
                records: 0,
                root: (0, Vec::new()),
                members: Vec::new(),
                open: BTreeSet::new(),
                loose: 0,
                touched: at,
            },
        );
        number
    }

    /// Which batches there are, and which have ended.
    fn note_batches(&mut self, number: u64, progress: &Progress) {
        let (Some(batch), Some(growing)) = (progress.what.batch(), self.growing.get_mut(&number))
        else {
            return;
        };
        let named = |batch: BatchId| (Arc::clone(&progress.shard), batch);
        let mut begun = Vec::new();
        match &progress.what {
            What::Invoking { .. } => {
                begun.push(named(batch));
                growing.open.insert(named(batch));
            }
            What::Split { into, .. } => {
                growing.open.remove(&named(batch));
                growing.open.extend(into.iter().map(|it| named(*it)));
                begun.extend(into.iter().map(|it| named(*it)));
            }
            What::Discarded { .. } => {
                begun.push(named(batch));
                growing.open.remove(&named(batch));
            }
            What::Invoked { outcome, .. } if *outcome == Outcome::Succeeded => {
                growing.open.remove(&named(batch));
            }
            _ => {}
        }
        for batch in begun {
            if self.by_batch.insert(batch.clone(), number).is_none() {
                growing.members.push(batch);
                if let Some(unit) = self.units.get_mut(&number) {
                    unit.batches += 1;
                }
            }
        }
    }

    /// Units whose batches have ended go first, oldest first; of the others those nothing was heard of for longest.
    fn make_room(&mut self, uuid: &str, settings: &Settings, commit: &mut Commit) {
        let mut batches: usize = self.units.values().map(|it| it.batches).sum();
        let mut bytes: usize = self.units.values().map(Unit::bytes).sum();
        while batches > settings.batches_max || bytes > settings.bytes_max {
            let is_over = |number: &u64| {
                self.growing.get(number).is_none_or(|unit| {
                    let quiet = self
                        .now
                        .and_then(|now| now.duration_since(unit.touched).ok());
                    unit.open.is_empty() || quiet.is_some_and(|quiet| quiet > OVER_AFTER)
                })
            };
            let over = self.units.keys().copied().find(is_over);
            let quietest = || {
                let growing = self.growing.iter();
                growing
                    .min_by_key(|(_, it)| it.touched)
                    .map(|(number, _)| *number)
            };
            let Some(number) = over.or_else(quietest) else {
                return;
            };
            if let Some(unit) = self.units.remove(&number) {
                batches -= unit.batches;
                bytes -= unit.bytes();
                remove(uuid, number, &unit, commit);
            }
            if let Some(growing) = self.growing.remove(&number) {
                for batch in &growing.members {
                    self.by_batch.remove(batch);
                }
            }
        }
    }
}

impl Growing {
    /// Where these records are in the unit. They are added where they are not those it began with, or some of them.
    fn span(&mut self, records: &[Record]) -> Span {
        let (first, root) = &self.root;
        if let (Some(from), Some(to)) = (records.first(), records.last()) {
            let at = root.partition_point(|it| *it < from.sequence_number);
            let end = at + records.len();
            if root.get(at) == Some(&from.sequence_number)
                && root.get(end - 1) == Some(&to.sequence_number)
            {
                return Span {
                    first: first + u32::try_from(at).unwrap_or(u32::MAX),
                    count: u32::try_from(records.len()).unwrap_or(u32::MAX),
                };
            }
        }
        let span = self.draft.add_records(records);
        if self.root.1.is_empty() {
            let numbers = records.iter().map(|it| it.sequence_number.clone());
            self.root = (span.first, numbers.collect());
        }
        span
    }
}

fn remove(uuid: &str, number: u64, unit: &Unit, commit: &mut Commit) {
    for block in &unit.blocks {
        commit.remove(Shelf::Stories, keys::block(uuid, number, block.number));
    }
    commit.remove(Shelf::Stories, keys::unit(uuid, number));
}

#[cfg(test)]
mod tests;

//! The last steps in memory, bounded in number and bytes. Records are shared with whoever told of them, so a batch
//! weighs once however often it is tried. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::mapping::progress::{BatchId, FilteredRecord, Progress, What};
use crate::mapping::record::Record;

/// Polls that found nothing, kept for who follows: four a second for every shard.
const POLLS_MAX: usize = 4096;
/// Numbers before the first step told are for steps that are read from disk later.
const FIRST: u64 = 1 << 40;
/// What a step takes beside texts.
const STEP_BYTES: usize = 320;
/// What a record takes beside its text, in each list it is on.
const RECORD_BYTES: usize = 128;
/// What a leaf that said no takes.
const REJECTION_BYTES: usize = 256;

/// Most steps, and most bytes, roughly, that stay in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) steps: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Ring {
    room: Room,
    steps: VecDeque<Kept>,
    /// Number of the first of `steps`.
    first: u64,
    polls: VecDeque<EmptyPoll>,
    /// How many of them were told.
    polled: u64,
    bytes: usize,
    /// Batches with steps here.
    batches: HashMap<Batch, Held>,
    /// By mapping UUID: how many steps were told.
    told: HashMap<Arc<str>, u64>,
}

#[derive(Debug)]
struct Kept {
    /// How many were told of the mapping before.
    nth: u64,
    /// `None` where it was forgotten.
    progress: Option<Progress>,
}

/// A poll that found nothing.
#[derive(Debug)]
struct EmptyPoll {
    number: u64,
    /// Number of the step that came next.
    before: u64,
    progress: Progress,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Batch(Arc<str>, Arc<str>, BatchId);

/// What the records of a batch weigh goes with its last step.
#[derive(Debug, Default)]
struct Held {
    steps: usize,
    bytes: usize,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    step: u64,
    poll: u64,
}

/// What a reader finds next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// So many steps went before they were read.
    Skipped(u64),
    Step(Progress),
    Nothing,
}

impl Ring {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            steps: VecDeque::new(),
            first: FIRST,
            polls: VecDeque::new(),
            polled: 0,
            bytes: 0,
            batches: HashMap::new(),
            told: HashMap::new(),
        }
    }

    /// Adds a step; those that no longer have room go, oldest first.
    pub(super) fn push(&mut self, progress: Progress) {
        if matches!(progress.what, What::Polled { records: 0, .. }) {
            if self.polls.len() == POLLS_MAX {
                self.polls.pop_front();
            }
            self.polls.push_back(EmptyPoll {
                number: self.polled,
                before: self.end(),
                progress,
            });
            self.polled += 1;
            return;
        }
        let mapping = Arc::clone(&progress.mapping);
        let told = self.told.entry(mapping).or_default();
        let nth = *told;
        *told += 1;
        self.weigh(&progress);
        let progress = Some(progress);
        self.steps.push_back(Kept { nth, progress });
        while self.is_full() {
            self.drop_first();
        }
    }

    /// Puts what was told before the first step in front of it, oldest first, as far as there is room. Where there is
    /// none, how many steps are missing is told first.
    pub(super) fn prepend(&mut self, mut past: Vec<Progress>) {
        while let Some(progress) = past.pop() {
            // What went to make room is younger than these.
            let is_full = self.steps.len() + 1 >= self.room.steps || self.bytes >= self.room.bytes;
            if is_full || self.first > FIRST {
                let steps = count(past.len() + 1);
                self.push_front(Progress {
                    mapping: Arc::from(""),
                    shard: Arc::from(""),
                    what: What::Skipped { steps },
                    ..progress
                });
                return;
            }
            self.push_front(progress);
        }
    }

    fn push_front(&mut self, progress: Progress) {
        self.weigh(&progress);
        self.first -= 1;
        let progress = Some(progress);
        self.steps.push_front(Kept { nth: 0, progress });
    }

    /// Behind everything told so far.
    pub(super) fn end_place(&self) -> Place {
        Place {
            step: self.end(),
            poll: self.polled,
        }
    }

    /// Before the first step ever told.
    pub(super) fn start_place() -> Place {
        Place {
            step: FIRST,
            poll: 0,
        }
    }

    /// Everything in memory, without polls that found nothing.
    pub(super) fn all(&self) -> Vec<Progress> {
        let steps = self.steps.iter();
        steps.filter_map(|it| it.progress.clone()).collect()
    }

    /// The next step or empty poll behind `place`, which moves on.
    pub(super) fn next(&self, place: &mut Place) -> Next {
        if place.step < self.first {
            let skipped = self.first - place.step;
            place.step = self.first;
            return Next::Skipped(skipped);
        }
        let at = self.polls.partition_point(|it| it.number < place.poll);
        if let Some(poll) = self.polls.get(at)
            && poll.before <= place.step
        {
            place.poll = poll.number + 1;
            return Next::Step(poll.progress.clone());
        }
        while let Some(kept) = self.steps.get(index(place.step - self.first)) {
            place.step += 1;
            if let Some(progress) = &kept.progress {
                return Next::Step(progress.clone());
            }
        }
        Next::Nothing
    }

    /// Nothing is left to read behind `place`.
    pub(super) fn is_read(&self, place: Place) -> bool {
        let end = self.end_place();
        place.step >= end.step && place.poll >= end.poll
    }

    /// Up to `limit` steps behind `place`, which moves on, each with how many were told of its mapping before.
    pub(super) fn read(&self, place: &mut Place, limit: usize) -> Vec<(u64, Progress)> {
        place.step = place.step.max(self.first);
        let mut found = Vec::new();
        while let Some(kept) = self.steps.get(index(place.step - self.first))
            && found.len() < limit
        {
            place.step += 1;
            if let Some(progress) = &kept.progress {
                found.push((kept.nth, progress.clone()));
            }
        }
        found
    }

    /// Forgets mappings by their UUIDs. Nobody is told that their steps were skipped.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&str) -> bool) {
        for at in 0..self.steps.len() {
            let kept = &mut self.steps[at].progress;
            if let Some(progress) = kept.take_if(|it| is_gone(&it.mapping)) {
                self.unweigh(&progress);
            }
        }
        self.polls.retain(|it| !is_gone(&it.progress.mapping));
        self.told.retain(|uuid, _| !is_gone(uuid));
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn end(&self) -> u64 {
        self.first + count(self.steps.len())
    }

    fn is_full(&self) -> bool {
        // One step stays, however large it is.
        self.steps.len() > self.room.steps || (self.bytes > self.room.bytes && self.steps.len() > 1)
    }

    fn drop_first(&mut self) {
        self.first += 1;
        if let Some(progress) = self.steps.pop_front().and_then(|it| it.progress) {
            self.unweigh(&progress);
        }
    }

    fn weigh(&mut self, progress: &Progress) {
        self.bytes += own_bytes(&progress.what);
        let Some(batch) = batch_of(progress) else {
            return;
        };
        let held = self.batches.entry(batch).or_default();
        held.steps += 1;
        if held.bytes == 0
            && let What::Invoking { records, .. } | What::Discarded { records, .. } = &progress.what
        {
            held.bytes = records.iter().map(record_bytes).sum();
            self.bytes += held.bytes;
        }
    }

    fn unweigh(&mut self, progress: &Progress) {
        self.bytes -= own_bytes(&progress.what);
        let Some(batch) = batch_of(progress) else {
            return;
        };
        if let Some(held) = self.batches.get_mut(&batch) {
            held.steps -= 1;
            if held.steps == 0 {
                self.bytes -= held.bytes;
                self.batches.remove(&batch);
            }
        }
    }
}

fn batch_of(progress: &Progress) -> Option<Batch> {
    let batch = progress.what.batch()?;
    let (mapping, shard) = (&progress.mapping, &progress.shard);
    Some(Batch(Arc::clone(mapping), Arc::clone(shard), batch))
}

/// What a step takes that it shares with no other step of its batch.
pub(super) fn own_bytes(what: &What) -> usize {
    STEP_BYTES
        + match what {
            What::FilteredOut { records } => records.iter().map(filtered_bytes).sum(),
            What::Invoked { answer, reason, .. } => {
                answer.payload.len() + answer.log_tail.len() + reason.len()
            }
            What::Delivered { .. } => 2048,
            _ => 0,
        }
}

pub(super) fn record_bytes(record: &Record) -> usize {
    RECORD_BYTES + record.event.text().len()
}

fn filtered_bytes(filtered: &FilteredRecord) -> usize {
    record_bytes(&filtered.record) + filtered.because.len() * REJECTION_BYTES
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;

//! What pollers did lately, gathered from `Progress` alone: counters, batch stories, what became of a record.
//!
//! Draws nothing. Bounded: [`shard::BATCHES_MAX`] batches per shard, [`FATES_MAX`] records.

pub mod rates;
pub mod shard;
pub mod story;
#[cfg(test)]
pub(super) mod testing;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use crate::aws::local::Follower;
use crate::mapping::filter::Rejection;
use crate::mapping::progress::{FilteredRecord, Outcome, Progress, What};
use crate::mapping::record::{Record, SequenceNumber};
use rates::Rate;
use shard::ShardStory;
use story::BatchStory;

/// Records whose fate is remembered.
const FATES_MAX: usize = 200_000;
/// Filtered records of which it is remembered which leaf said no.
const REJECTED_MAX: usize = 20_000;
/// Steps taken in one frame; the rest wait for the next.
const DRAIN_MAX: usize = 5_000;

/// What became of a record, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    FilteredOut,
    InFlight,
    Succeeded,
    Retrying,
    /// Taken out by hand.
    Skipped,
    /// Given up, no destination.
    Dropped,
    /// Given up, details kept by the on-failure destination.
    Delivered,
}

impl Fate {
    /// One word for a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::FilteredOut => "filtered",
            Self::InFlight => "in flight",
            Self::Succeeded => "ok",
            Self::Retrying => "retrying",
            Self::Skipped => "skipped",
            Self::Dropped => "dropped",
            Self::Delivered => "delivered",
        }
    }
}

/// AWS's event-count metrics of one mapping, of all that is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// `PolledEventCount`
    pub polled: u64,
    /// `FilteredOutEventCount`
    pub filtered_out: u64,
    /// `InvokedEventCount`, retries included
    pub invoked: u64,
    /// `FailedInvokeEventCount`
    pub failed: u64,
    /// Records that are done, those in front of a failed one included.
    pub succeeded: u64,
    /// `DroppedEventCount`
    pub dropped: u64,
    /// `OnFailureDestinationDeliveredEventCount`
    pub delivered: u64,
    /// Taken out by hand.
    pub skipped: u64,
    pub invocations: u64,
    pub errors: u64,
    /// Calls made by hand; counted nowhere else.
    pub replays: u64,
    pub polls_failed: u64,
}

/// Why one mapping did not take a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// UUID of the mapping.
    pub mapping: Arc<str>,
    /// For each of its filters the leaf that said no.
    pub because: Vec<Rejection>,
}

/// Everything known of one mapping.
#[derive(Clone, Debug, Default)]
pub struct MappingStory {
    pub funnel: Funnel,
    /// By shard id.
    pub shards: BTreeMap<Arc<str>, ShardStory>,
    /// `LastProcessingResult`.
    pub result: Option<String>,
    pub polled_rate: Rate,
    pub invoked_rate: Rate,
    pub failed_rate: Rate,
    /// Milliseconds of the last invocations, newest last.
    pub durations: VecDeque<u64>,
}

impl MappingStory {
    /// 95th percentile of the last invocations, in milliseconds.
    pub fn p95_ms(&self) -> Option<u64> {
        let mut sorted: Vec<u64> = self.durations.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get(last * 95 / 100).copied()
    }

    /// The shard that is held up longest by a failing batch, and that batch.
    pub fn blocked(&self) -> Option<(&Arc<str>, &BatchStory)> {
        self.shards
            .iter()
            .filter_map(|(shard, story)| Some((shard, story.blocked_by()?)))
            .min_by_key(|(_, batch)| batch.began)
    }

    /// The last record no filter let through, with the verdict.
    pub fn last_filtered(&self) -> Option<&FilteredRecord> {
        let last = self.shards.values().filter_map(ShardStory::last_filtered);
        last.max_by_key(|(at, _)| *at).map(|(_, record)| record)
    }

    /// Every batch, newest root last, shard by shard.
    pub fn batches(&self) -> impl Iterator<Item = (&Arc<str>, &BatchStory)> {
        self.shards
            .iter()
            .flat_map(|(shard, story)| story.batches.values().map(move |batch| (shard, batch)))
    }
}

/// The live half of the console.
#[derive(Default)]
pub struct Live {
    feed: Option<Follower>,
    /// Told before the feed was opened.
    backlog: VecDeque<Progress>,
    /// By mapping UUID.
    pub mappings: BTreeMap<Arc<str>, MappingStory>,
    /// Steps that were too many to keep up with.
    pub skipped: u64,
    /// Grows with every step taken but empty polls: derived data is stale when it differs.
    pub version: u64,
    fates: HashMap<SequenceNumber, Fate>,
    fate_order: VecDeque<SequenceNumber>,
    /// Several mappings may filter out the same record.
    rejected: HashMap<SequenceNumber, Vec<Rejected>>,
    rejected_order: VecDeque<SequenceNumber>,
}

impl Live {
    /// Follows a cloud's pollers: first what it remembers, then what comes.
    pub fn follow(&mut self, past: Vec<Progress>, feed: Follower) {
        *self = Self {
            feed: Some(feed),
            backlog: past.into(),
            ..Self::default()
        };
    }

    /// Forgets everything and follows nothing.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// Takes what has arrived; true when there was anything. Call before drawing, hidden windows too.
    pub fn drain(&mut self) -> bool {
        let before = self.version;
        for _ in 0..DRAIN_MAX {
            let next = match self.backlog.pop_front() {
                Some(step) => Some(step),
                None => self.feed.as_mut().and_then(Follower::try_next),
            };
            match next {
                Some(step) => self.take(&step),
                None => break,
            }
        }
        self.version != before
    }

    /// More is waiting than one frame takes.
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty() || self.feed.as_ref().is_some_and(|feed| !feed.is_at_end())
    }

    pub fn fate(&self, sequence_number: &SequenceNumber) -> Option<Fate> {
        self.fates.get(sequence_number).copied()
    }

    /// Which mappings did not take a record, and which leaf of their filters said no, as far as it is remembered.
    pub fn rejections(&self, record: &SequenceNumber) -> &[Rejected] {
        self.rejected.get(record).map_or(&[], Vec::as_slice)
    }

    pub fn mapping(&self, uuid: &str) -> Option<&MappingStory> {
        self.mappings.get(uuid)
    }

    pub fn batch(&self, uuid: &str, shard: &str, batch: u64) -> Option<&BatchStory> {
        self.mapping(uuid)?.shards.get(shard)?.batches.get(&batch)
    }

    /// The newest batch that had this record, on any mapping: uuid, shard, batch.
    pub fn batch_of(&self, sequence_number: &SequenceNumber) -> Option<(Arc<str>, Arc<str>, u64)> {
        for (uuid, mapping) in &self.mappings {
            for (shard, story) in &mapping.shards {
                let found = story.batches.values().rev().find(|batch| {
                    let mut records = batch.records.iter();
                    records.any(|record| record.sequence_number == *sequence_number)
                });
                if let Some(batch) = found {
                    return Some((Arc::clone(uuid), Arc::clone(shard), batch.id));
                }
            }
        }
        None
    }

    /// Adds one step. Public so that tests and screens can be fed by hand.
    pub fn take(&mut self, step: &Progress) {
        let is_empty_poll = matches!(step.what, What::Polled { records: 0, .. });
        self.version += u64::from(!is_empty_poll);
        if let What::Skipped { steps } = step.what {
            self.skipped += steps;
            return;
        }
        self.note_fates(step);
        let mapping = self.mappings.entry(Arc::clone(&step.mapping)).or_default();
        mapping.take(step);
        let shard = mapping.shards.entry(Arc::clone(&step.shard)).or_default();
        shard.take(step);
    }

    fn note_fates(&mut self, step: &Progress) {
        match &step.what {
            What::FilteredOut { records } => {
                for filtered in records.iter() {
                    let record = std::slice::from_ref(&filtered.record);
                    self.note(record, Fate::FilteredOut);
                    self.note_rejections(&step.mapping, filtered);
                }
            }
            What::Invoking { records, .. } => self.note(records, Fate::InFlight),
            What::Invoked { batch, outcome, .. } => {
                let records = self
                    .batch(&step.mapping, &step.shard, batch.0)
                    .map(BatchStory::sent)
                    .unwrap_or_default();
                for record in &*records {
                    let fate = match outcome {
                        Outcome::Succeeded => Fate::Succeeded,
                        Outcome::FailedFrom(from) if record.sequence_number < *from => {
                            Fate::Succeeded
                        }
                        _ => Fate::Retrying,
                    };
                    self.note(std::slice::from_ref(record), fate);
                }
            }
            What::Discarded { records, .. } => self.note(records, Fate::Dropped),
            What::RecordSkipped { record, .. } => {
                self.note(std::slice::from_ref(record), Fate::Skipped);
            }
            What::Delivered {
                batch, error: None, ..
            } => {
                let records = self
                    .batch(&step.mapping, &step.shard, batch.0)
                    .and_then(|batch| batch.given_up.as_ref())
                    .map(|given_up| Arc::clone(&given_up.records))
                    .unwrap_or_default();
                self.note(&records, Fate::Delivered);
            }
            _ => {}
        }
    }

    fn note_rejections(&mut self, mapping: &Arc<str>, filtered: &FilteredRecord) {
        let number = &filtered.record.sequence_number;
        let of_record = self.rejected.entry(number.clone()).or_default();
        if of_record.is_empty() {
            self.rejected_order.push_back(number.clone());
        }
        // A record may be read twice.
        of_record.retain(|it| it.mapping != *mapping);
        of_record.push(Rejected {
            mapping: Arc::clone(mapping),
            because: filtered.because.clone(),
        });
        if self.rejected_order.len() > REJECTED_MAX
            && let Some(oldest) = self.rejected_order.pop_front()
        {
            self.rejected.remove(&oldest);
        }
    }

    fn note(&mut self, records: &[Record], fate: Fate) {
        for record in records {
            let number = &record.sequence_number;
            if self.fates.insert(number.clone(), fate).is_none() {
                self.fate_order.push_back(number.clone());
                if self.fate_order.len() > FATES_MAX
                    && let Some(oldest) = self.fate_order.pop_front()
                {
                    self.fates.remove(&oldest);
                }
            }
        }
    }
}

impl MappingStory {
    fn take(&mut self, step: &Progress) {
        const DURATIONS_MAX: usize = 500;
        let count = |records: &[Record]| u64::try_from(records.len()).unwrap_or(u64::MAX);
        match &step.what {
            What::Polled { records, .. } => {
                let records = u64::try_from(*records).unwrap_or(u64::MAX);
                self.funnel.polled += records;
                self.polled_rate.add(step.at, records);
            }
            What::FilteredOut { records } => {
                let records = u64::try_from(records.len()).unwrap_or(u64::MAX);
                self.funnel.filtered_out += records;
            }
            What::Invoking { records, .. } => {
                self.funnel.invocations += 1;
                self.funnel.invoked += count(records);
                self.invoked_rate.add(step.at, 1);
            }
            What::Invoked {
                batch,
                outcome,
                answer,
                ..
            } => {
                let shard = self.shards.get(&step.shard);
                let batch = shard.and_then(|shard| shard.batches.get(&batch.0));
                let sent = batch.map(BatchStory::sent).unwrap_or_default();
                let done = match outcome {
                    Outcome::Succeeded => count(&sent),
                    Outcome::FailedFrom(from) => {
                        let done = sent.partition_point(|it| it.sequence_number < *from);
                        count(&sent[..done])
                    }
                    Outcome::Failed | Outcome::Throttled => 0,
                };
                self.funnel.succeeded += done;
                if *outcome != Outcome::Succeeded {
                    self.funnel.errors += 1;
                    self.funnel.failed += count(&sent) - done;
                    self.failed_rate.add(step.at, 1);
                }
                if self.durations.len() == DURATIONS_MAX {
                    self.durations.pop_front();
                }
                let took = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
                self.durations.push_back(took);
            }
            What::Discarded { records, .. } => self.funnel.dropped += count(records),
            What::Delivered {
                batch, error: None, ..
            } => {
                let shard = self.shards.get(&step.shard);
                let batch = shard.and_then(|shard| shard.batches.get(&batch.0));
                let given_up = batch.and_then(|batch| batch.given_up.as_ref());
                let size = given_up.map_or(1, |given_up| count(&given_up.records));
                self.funnel.delivered += size;
                self.funnel.dropped = self.funnel.dropped.saturating_sub(size);
            }
            What::RecordSkipped { .. } => self.funnel.skipped += 1,
            What::Replayed { .. } => self.funnel.replays += 1,
            What::PollFailed { .. } => self.funnel.polls_failed += 1,
            What::Result { text } => self.result = Some(text.clone()),
            _ => {}
        }
    }

    /// When anything last happened.
    pub fn last_at(&self) -> Option<SystemTime> {
        self.shards
            .values()
            .filter_map(|shard| shard.last_polled)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{record, replayed, skipped, step, tried};
    use super::*;

    fn told(steps: Vec<What>) -> Live {
        let mut live = Live::default();
        for what in steps {
            live.take(&step(0, what));
        }
        live
    }

    #[test]
    fn records_in_front_of_a_failed_one_are_done_and_stay_so() {
        let records = [record(1), record(2), record(3)];
        let from = Outcome::FailedFrom(records[1].sequence_number.clone());
        let mut steps: Vec<What> = tried(1, 1, &records, from).into();
        steps.extend(tried(1, 2, &records[1..], Outcome::Failed));
        let live = told(steps);
        let fate = |nth: usize| live.fate(&records[nth].sequence_number);
        assert_eq!(fate(0), Some(Fate::Succeeded));
        assert_eq!(fate(1), Some(Fate::Retrying));
        let funnel = &live.mapping("m").unwrap().funnel;
        assert_eq!((funnel.succeeded, funnel.failed), (1, 4));
    }

    #[test]
    fn what_is_done_by_hand_is_counted_apart() {
        let records = [record(1), record(2)];
        let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
        steps.push(skipped(Some(1), record(1), 1));
        steps.push(replayed(Some(1), &records[1..], Outcome::Succeeded));
        steps.extend(tried(1, 2, &records[1..], Outcome::Succeeded));
        let live = told(steps);
        let fate = |nth: usize| live.fate(&records[nth].sequence_number);
        assert_eq!(fate(0), Some(Fate::Skipped));
        assert_eq!(fate(1), Some(Fate::Succeeded));
        let funnel = &live.mapping("m").unwrap().funnel;
        assert_eq!((funnel.succeeded, funnel.failed), (1, 2));
        assert_eq!((funnel.skipped, funnel.replays), (1, 1));
        assert_eq!(funnel.invocations, 2);
    }
}

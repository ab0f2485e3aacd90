//! One shard as its poller sees it: its batches, how reading goes, and what happened to records outside any batch. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::story::{Attempt, BatchStory, Delivery, GivenUp, Replay, Skipped, Status, Wait};
use crate::mapping::progress::{Answer, FilteredRecord, Outcome, Progress, What};
use crate::mapping::record::SequenceNumber;

/// Batches kept per shard; the oldest finished ones go first.
pub const BATCHES_MAX: usize = 2_000;
/// Notes kept per shard.
pub const NOTES_MAX: usize = 500;
/// Filtered records in one note, and for how long they go into the same one.
const FILTERED_MAX: usize = 200;
const FILTERED_FOR: Duration = Duration::from_secs(10);
/// Replays kept per batch.
const REPLAYS_MAX: usize = 100;

/// Reading that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollTrouble {
    /// When the first of these polls failed.
    pub since: SystemTime,
    /// What the last one was answered.
    pub problem: String,
    /// Of that poll; empty where nothing was answered.
    pub request_id: String,
    /// How many failed in a row.
    pub setbacks: u32,
    /// When it is tried again.
    pub until: SystemTime,
}

/// Something that happened to no batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Counts from 1 on each shard.
    pub number: u64,
    pub at: SystemTime,
    pub what: Noted,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    /// Records no filter let through, until something else happened.
    Filtered(Vec<FilteredRecord>),
    /// Skipped before it was in a batch, or in one that is no longer kept.
    Skipped(Skipped),
    /// Of no batch that is kept.
    Replayed(Replay),
    /// Polls that failed in a row.
    PollFailed(PollTrouble),
    /// Records were gone before they were read: why.
    Trimmed(String),
}

/// One shard as its poller sees it.
#[derive(Clone, Debug, Default)]
pub struct ShardStory {
    /// By batch number.
    pub batches: BTreeMap<u64, BatchStory>,
    pub checkpoint: Option<SequenceNumber>,
    pub closed: bool,
    pub polls: u64,
    pub last_polled: Option<SystemTime>,
    /// Age of the last record polled, when it was polled.
    pub behind: Option<Duration>,
    /// A wait for records that are in no batch yet.
    pub wait: Option<Wait>,
    /// Why records were gone before they were read, where some were.
    pub trimmed: Option<String>,
    /// Until a poll works again.
    pub poll_trouble: Option<PollTrouble>,
    /// Oldest first.
    pub notes: VecDeque<Note>,
    noted: u64,
}

impl ShardStory {
    pub(super) fn take(&mut self, step: &Progress) {
        let at = step.at;
        match &step.what {
            What::ShardOpened => self.open(at),
            What::ShardClosed => self.closed = true,
            What::Polled { records, behind } => {
                self.polls += 1;
                self.poll_trouble = None;
                self.last_polled = Some(at);
                if *records > 0 {
                    self.behind = *behind;
                }
            }
            What::Checkpoint { sequence_number } => {
                self.checkpoint = Some(sequence_number.clone());
            }
            What::Trimmed { reason, .. } => {
                self.trimmed = Some(reason.clone());
                self.note(at, Noted::Trimmed(reason.clone()));
            }
            What::PollFailed {
                problem,
                request_id,
                setbacks,
                until,
            } => {
                let since = self.poll_trouble.as_ref().map_or(at, |it| it.since);
                self.poll_failed(PollTrouble {
                    since,
                    problem: problem.clone(),
                    request_id: request_id.clone(),
                    setbacks: *setbacks,
                    until: *until,
                });
            }
            What::FilteredOut { records } => self.filtered(at, records),
            What::Result { .. } | What::Skipped { .. } => {}
            _ => self.take_batch(step),
        }
    }

    /// A poller begins: whatever the last one left undone is done by nobody else.
    fn open(&mut self, at: SystemTime) {
        self.closed = false;
        self.wait = None;
        self.poll_trouble = None;
        for batch in self.batches.values_mut().filter(|it| it.is_open()) {
            batch.interrupted = true;
            batch.ended = Some(at);
            for attempt in &mut batch.attempts {
                attempt.interrupted = attempt.outcome.is_none();
            }
        }
    }

    fn take_batch(&mut self, step: &Progress) {
        let at = step.at;
        match &step.what {
            What::Waiting {
                batch,
                until,
                reason,
            } => {
                let mut wait = Wait {
                    at,
                    behind: 0,
                    until: *until,
                    reason: reason.clone(),
                };
                match batch.and_then(|batch| self.batches.get_mut(&batch.0)) {
                    Some(batch) => {
                        wait.behind = batch.attempts.len();
                        batch.waits.push(wait);
                    }
                    None => self.wait = Some(wait),
                }
            }
            What::Invoking {
                batch,
                parent,
                attempt,
                lane,
                window,
                records,
                reason,
            } => {
                let batch = self.batch(batch.0, parent.map(|it| it.0), at);
                if batch.records.is_empty() {
                    batch.records = Arc::clone(records);
                }
                batch.attempts.push(Attempt {
                    number: *attempt,
                    began: at,
                    lane: *lane,
                    window: *window,
                    records: Arc::clone(records),
                    why: reason.clone(),
                    outcome: None,
                    interrupted: false,
                    answer: None,
                    reason: String::new(),
                });
                self.wait = None;
            }
            What::Invoked {
                batch,
                outcome,
                answer,
                reason,
                ..
            } => self.answered(batch.0, at, outcome, answer, reason),
            _ => self.take_end(step),
        }
    }

    /// Splits, and what was given up.
    fn take_end(&mut self, step: &Progress) {
        let at = step.at;
        match &step.what {
            What::Split {
                batch,
                into,
                reason,
            } => {
                let parent = self.batch(batch.0, None, at);
                parent.children = into.iter().map(|it| it.0).collect();
                parent.split_reason = Some(reason.clone());
                parent.ended = Some(at);
                for child in into {
                    self.batch(child.0, Some(batch.0), at);
                }
            }
            What::Discarded {
                batch,
                records,
                condition,
                attempts,
                reason,
                ..
            } => {
                let batch = self.batch(batch.0, None, at);
                if batch.records.is_empty() {
                    batch.records = Arc::clone(records);
                }
                batch.ended = Some(at);
                batch.given_up = Some(GivenUp {
                    at,
                    records: Arc::clone(records),
                    condition: *condition,
                    attempts: *attempts,
                    reason: reason.clone(),
                });
            }
            What::Delivered {
                batch,
                destination,
                body,
                error,
                ..
            } => {
                self.batch(batch.0, None, at).delivery = Some(Delivery {
                    at,
                    destination: destination.clone(),
                    body: Arc::clone(body),
                    error: error.clone(),
                });
            }
            _ => self.take_by_hand(step),
        }
    }

    /// What the user did to records.
    fn take_by_hand(&mut self, step: &Progress) {
        let at = step.at;
        match &step.what {
            What::RecordSkipped {
                batch,
                record,
                left,
                reason,
            } => {
                let mut skipped = Skipped {
                    at,
                    behind: 0,
                    record: record.clone(),
                    reason: reason.clone(),
                };
                match batch.and_then(|it| self.batches.get_mut(&it.0)) {
                    Some(batch) => {
                        skipped.behind = batch.attempts.len();
                        batch.skipped.push(skipped);
                        if *left == 0 {
                            batch.is_emptied = true;
                            batch.ended = Some(at);
                        }
                    }
                    None => self.note(at, Noted::Skipped(skipped)),
                }
            }
            What::Replayed {
                batch,
                records,
                is_edited,
                outcome,
                answer,
                reason,
            } => {
                let replay = Replay {
                    at,
                    records: Arc::clone(records),
                    is_edited: *is_edited,
                    outcome: outcome.clone(),
                    answer: Arc::clone(answer),
                    reason: reason.clone(),
                };
                match batch.and_then(|it| self.batches.get_mut(&it.0)) {
                    Some(batch) => {
                        if batch.replays.len() == REPLAYS_MAX {
                            batch.replays.remove(0);
                        }
                        batch.replays.push(replay);
                    }
                    None => self.note(at, Noted::Replayed(replay)),
                }
            }
            _ => {}
        }
    }

    fn poll_failed(&mut self, trouble: PollTrouble) {
        let is_same =
            |it: &&mut Note| matches!(&it.what, Noted::PollFailed(it) if it.since == trouble.since);
        let told = self.notes.iter_mut().rev().find(is_same);
        match told.filter(|_| self.poll_trouble.is_some()) {
            Some(note) => note.what = Noted::PollFailed(trouble.clone()),
            None => self.note(trouble.since, Noted::PollFailed(trouble.clone())),
        }
        self.poll_trouble = Some(trouble);
    }

    fn filtered(&mut self, at: SystemTime, records: &[FilteredRecord]) {
        for record in records {
            let last = self.notes.back_mut();
            let last = last.filter(|it| at <= it.at + FILTERED_FOR);
            match last.map(|it| &mut it.what) {
                Some(Noted::Filtered(told)) if told.len() < FILTERED_MAX => {
                    told.push(record.clone());
                }
                _ => self.note(at, Noted::Filtered(vec![record.clone()])),
            }
        }
    }

    fn note(&mut self, at: SystemTime, what: Noted) {
        if self.notes.len() == NOTES_MAX {
            self.notes.pop_front();
        }
        self.noted += 1;
        self.notes.push_back(Note {
            number: self.noted,
            at,
            what,
        });
    }

    /// The replay that was answered with this request id: its batch, and its place among that batch's.
    pub fn replay_of(&self, request_id: &str) -> Option<(u64, usize)> {
        self.batches.values().rev().find_map(|batch| {
            let mut replays = batch.replays.iter();
            let at = replays.position(|it| it.answer.request_id == request_id)?;
            Some((batch.id, at))
        })
    }

    /// The same of no batch: the number of its note.
    pub fn replay_note(&self, request_id: &str) -> Option<u64> {
        let is_it = |note: &&Note| matches!(&note.what, Noted::Replayed(it) if it.answer.request_id == request_id);
        self.notes.iter().rev().find(is_it).map(|it| it.number)
    }

    /// The last record no filter let through, with the verdict.
    pub fn last_filtered(&self) -> Option<(SystemTime, &FilteredRecord)> {
        self.notes.iter().rev().find_map(|note| match &note.what {
            Noted::Filtered(records) => Some((note.at, records.last()?)),
            _ => None,
        })
    }

    fn answered(
        &mut self,
        id: u64,
        at: SystemTime,
        outcome: &Outcome,
        answer: &Arc<Answer>,
        reason: &str,
    ) {
        let batch = self.batch(id, None, at);
        if let Some(attempt) = batch.attempts.last_mut() {
            attempt.outcome = Some(outcome.clone());
            attempt.answer = Some(Arc::clone(answer));
            reason.clone_into(&mut attempt.reason);
        }
        if *outcome == Outcome::Succeeded {
            batch.ended = Some(at);
        }
    }

    /// The oldest batch that failed and holds the shard up, if any.
    pub fn blocked_by(&self) -> Option<&BatchStory> {
        self.batches.values().find(|batch| {
            batch.is_open()
                && (batch.parent.is_some()
                    || batch.attempts.len() > 1
                    || batch.status() == Status::Retrying)
        })
    }

    /// Batches that were not split off another one, oldest first.
    pub fn roots(&self) -> impl DoubleEndedIterator<Item = &BatchStory> {
        self.batches.values().filter(|batch| batch.parent.is_none())
    }

    /// The batch this one came from in the end.
    pub fn root_of(&self, mut id: u64) -> u64 {
        while let Some(parent) = self.batches.get(&id).and_then(|batch| batch.parent) {
            id = parent;
        }
        id
    }

    fn batch(&mut self, id: u64, parent: Option<u64>, at: SystemTime) -> &mut BatchStory {
        if !self.batches.contains_key(&id) && self.batches.len() >= BATCHES_MAX {
            self.forget_oldest();
        }
        let batch = self
            .batches
            .entry(id)
            .or_insert_with(|| BatchStory::new(id, parent, at));
        if batch.parent.is_none() {
            batch.parent = parent;
        }
        batch
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .batches
            .values()
            .find(|batch| !batch.is_open())
            .or_else(|| self.batches.values().next())
            .map(|batch| batch.id);
        if let Some(oldest) = oldest {
            self.batches.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;

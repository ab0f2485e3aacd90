//! The story of one batch: attempts, waits, splits, what was skipped, replayed or given up, and why. Pure.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use crate::mapping::progress::{Answer, Condition, Outcome, TumblingWindow};
use crate::mapping::record::{Record, SequenceNumber};

/// How a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InFlight,
    /// Its poller ended before it was done; the records come again, in another batch.
    Interrupted,
    Succeeded,
    /// The function named the first record it could not process; the rest is tried again.
    Partial,
    Retrying,
    Split,
    /// Its last records were skipped by hand.
    Skipped,
    /// Given up, nowhere to tell.
    Dropped,
    /// Given up, the on-failure destination knows.
    Delivered,
}

/// One invocation of a batch.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1, within the batch.
    pub number: u32,
    pub began: SystemTime,
    /// Which of the shard's concurrent batches, from 0.
    pub lane: usize,
    pub window: Option<TumblingWindow>,
    /// What was sent; after a partial failure fewer than the batch had.
    pub records: Arc<[Record]>,
    /// Why it was sent when it was, in words.
    pub why: String,
    /// `None` while in flight, and where the poller did not see the end.
    pub outcome: Option<Outcome>,
    pub interrupted: bool,
    pub answer: Option<Arc<Answer>>,
    /// Why it ended as it did, in words.
    pub reason: String,
}

/// A wait before an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub at: SystemTime,
    /// How many attempts there had been.
    pub behind: usize,
    pub until: SystemTime,
    pub reason: String,
}

/// A record taken out by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    pub at: SystemTime,
    /// How many attempts of its batch there had been.
    pub behind: usize,
    pub record: Record,
    pub reason: String,
}

/// Records delivered once more by hand. It moved no checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    pub at: SystemTime,
    /// What was sent; of an edited event the records it had.
    pub records: Arc<[Record]>,
    pub is_edited: bool,
    /// What the mapping would have made of it.
    pub outcome: Outcome,
    pub answer: Arc<Answer>,
    pub reason: String,
}

/// What was given up.
#[derive(Clone, Debug)]
pub struct GivenUp {
    pub at: SystemTime,
    pub records: Arc<[Record]>,
    pub condition: Condition,
    pub attempts: u32,
    pub reason: String,
}

/// What the on-failure destination was told.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub at: SystemTime,
    pub destination: String,
    pub body: Arc<Value>,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub struct BatchStory {
    pub id: u64,
    pub parent: Option<u64>,
    pub children: Vec<u64>,
    pub began: SystemTime,
    pub ended: Option<SystemTime>,
    pub records: Arc<[Record]>,
    pub attempts: Vec<Attempt>,
    pub split_reason: Option<String>,
    /// All there were, in order.
    pub waits: Vec<Wait>,
    pub skipped: Vec<Skipped>,
    /// None of its records is left.
    pub is_emptied: bool,
    pub replays: Vec<Replay>,
    pub interrupted: bool,
    pub given_up: Option<GivenUp>,
    pub delivery: Option<Delivery>,
}

impl BatchStory {
    pub(super) fn new(id: u64, parent: Option<u64>, began: SystemTime) -> Self {
        Self {
            id,
            parent,
            children: Vec::new(),
            began,
            ended: None,
            records: Arc::default(),
            attempts: Vec::new(),
            split_reason: None,
            waits: Vec::new(),
            skipped: Vec::new(),
            is_emptied: false,
            replays: Vec::new(),
            interrupted: false,
            given_up: None,
            delivery: None,
        }
    }

    pub fn status(&self) -> Status {
        if self.given_up.is_some() {
            let told = self.delivery.as_ref().is_some_and(|it| it.error.is_none());
            return if told {
                Status::Delivered
            } else {
                Status::Dropped
            };
        }
        if self.split_reason.is_some() {
            return Status::Split;
        }
        if self.is_emptied {
            return Status::Skipped;
        }
        if self.interrupted {
            return Status::Interrupted;
        }
        match self.attempts.last().map(|it| &it.outcome) {
            None | Some(None) => Status::InFlight,
            Some(Some(Outcome::Succeeded)) => Status::Succeeded,
            Some(Some(Outcome::FailedFrom(_))) => Status::Partial,
            Some(Some(Outcome::Failed | Outcome::Throttled)) => Status::Retrying,
        }
    }

    /// Still to be finished.
    pub fn is_open(&self) -> bool {
        matches!(
            self.status(),
            Status::InFlight | Status::Retrying | Status::Partial
        )
    }

    /// What its last attempt was sent; all there is where it was not sent yet.
    pub fn sent(&self) -> Arc<[Record]> {
        let last = self.attempts.last();
        Arc::clone(last.map_or(&self.records, |it| &it.records))
    }

    /// The wait it is in.
    pub fn wait(&self) -> Option<&Wait> {
        let last = self.waits.last()?;
        (last.behind == self.attempts.len() && self.is_open()).then_some(last)
    }

    /// Records that are still to be delivered, as far as they are known: of a half that was never sent none are.
    pub fn waiting(&self) -> Vec<&Record> {
        if !self.is_open() {
            return Vec::new();
        }
        let last = self.attempts.last();
        let from = last.and_then(|it| match &it.outcome {
            Some(Outcome::FailedFrom(number)) => Some(number),
            _ => None,
        });
        let is_waiting = |record: &&Record| {
            let number = &record.sequence_number;
            let is_skipped = |it: &Skipped| it.record.sequence_number == *number;
            from.is_none_or(|from| number >= from) && !self.skipped.iter().any(is_skipped)
        };
        let records = last.map_or(&self.records, |it| &it.records);
        records.iter().filter(is_waiting).collect()
    }

    /// The one record that could not be processed, once it is alone.
    pub fn poison(&self) -> Option<&Record> {
        let given_up = self.given_up.as_ref()?;
        match &*given_up.records {
            [record] if given_up.condition == Condition::RetryAttemptsExhausted => Some(record),
            _ => None,
        }
    }

    pub fn first(&self) -> Option<&SequenceNumber> {
        self.records.first().map(|it| &it.sequence_number)
    }

    pub fn last(&self) -> Option<&SequenceNumber> {
        self.records.last().map(|it| &it.sequence_number)
    }
}

//! The batch story of one shard: attempts, waits, splits, what was given up and why. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::mapping::progress::{Answer, Condition, Outcome, Progress, TumblingWindow, What};
use crate::mapping::record::{Record, SequenceNumber};

/// Batches kept per shard; the oldest finished ones go first.
pub const BATCHES_MAX: usize = 2_000;

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

/// A wait between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub until: SystemTime,
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
    pub wait: Option<Wait>,
    pub interrupted: bool,
    pub given_up: Option<GivenUp>,
    pub delivery: Option<Delivery>,
}

impl BatchStory {
    fn new(id: u64, parent: Option<u64>, began: SystemTime) -> Self {
        Self {
            id,
            parent,
            children: Vec::new(),
            began,
            ended: None,
            records: Arc::default(),
            attempts: Vec::new(),
            split_reason: None,
            wait: None,
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

/// Reading that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollTrouble {
    /// When the first of these polls failed.
    pub since: SystemTime,
    /// What the last one was answered.
    pub problem: String,
    /// How many failed in a row.
    pub setbacks: u32,
    /// When it is tried again.
    pub until: SystemTime,
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
    /// A wait that is not a batch's.
    pub wait: Option<Wait>,
    /// Why records were gone before they were read, where some were.
    pub trimmed: Option<String>,
    /// Until a poll works again.
    pub poll_trouble: Option<PollTrouble>,
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
            What::Trimmed { reason, .. } => self.trimmed = Some(reason.clone()),
            What::PollFailed {
                problem,
                setbacks,
                until,
            } => {
                let since = self.poll_trouble.as_ref().map_or(at, |it| it.since);
                self.poll_trouble = Some(PollTrouble {
                    since,
                    problem: problem.clone(),
                    setbacks: *setbacks,
                    until: *until,
                });
            }
            What::FilteredOut { .. } | What::Result { .. } | What::Skipped { .. } => {}
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
            batch.wait = None;
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
                let wait = Some(Wait {
                    until: *until,
                    reason: reason.clone(),
                });
                match batch.and_then(|batch| self.batches.get_mut(&batch.0)) {
                    Some(batch) => batch.wait = wait,
                    None => self.wait = wait,
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
                batch.wait = None;
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
                batch.wait = None;
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
            _ => {}
        }
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
mod tests {
    use super::*;
    use crate::mapping::progress::BatchId;
    use crate::mapping::record::EventName;

    fn record(number: u32) -> Record {
        Record {
            sequence_number: SequenceNumber::new(&format!("1000000000000000000{number:02}")),
            event_id: "e".into(),
            event_name: EventName::Insert,
            key: "k".into(),
            created: SystemTime::UNIX_EPOCH,
            size_bytes: 1,
            event: Value::Null.into(),
        }
    }

    fn told(what: Vec<What>) -> ShardStory {
        let mut shard = ShardStory::default();
        for what in what {
            shard.take(&Progress {
                mapping: "m".into(),
                shard: "s".into(),
                at: SystemTime::UNIX_EPOCH,
                what,
            });
        }
        shard
    }

    fn tried(batch: u64, attempt: u32, records: &[Record], outcome: Outcome) -> [What; 2] {
        let answer = Answer {
            request_id: "r".to_owned(),
            status: 200,
            function_error: None,
            executed_version: "$LATEST".to_owned(),
            payload: "null".to_owned(),
            log_tail: String::new(),
            took: Duration::from_millis(1),
        };
        [
            What::Invoking {
                batch: BatchId(batch),
                parent: None,
                attempt,
                lane: 0,
                window: None,
                records: records.into(),
                reason: "sends: no batching window".to_owned(),
            },
            What::Invoked {
                batch: BatchId(batch),
                attempt,
                outcome,
                failed: 0,
                answer: Arc::new(answer),
                reason: "because".to_owned(),
            },
        ]
    }

    #[test]
    fn a_split_down_to_one_record_names_the_poison() {
        let records = [record(1), record(2)];
        let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
        steps.push(What::Split {
            batch: BatchId(1),
            into: vec![BatchId(2), BatchId(3)],
            reason: "splits 2 into 1 + 1".to_owned(),
        });
        steps.extend(tried(2, 1, &records[..1], Outcome::Succeeded));
        steps.extend(tried(3, 1, &records[1..], Outcome::Failed));
        steps.push(What::Discarded {
            batch: BatchId(3),
            records: [record(2)].into(),
            condition: Condition::RetryAttemptsExhausted,
            attempts: 1,
            has_destination: false,
            reason: "no attempts left".to_owned(),
        });
        let shard = told(steps);
        assert_eq!(shard.batches[&1].status(), Status::Split);
        assert_eq!(shard.batches[&2].status(), Status::Succeeded);
        assert_eq!(shard.batches[&3].status(), Status::Dropped);
        assert_eq!(shard.batches[&3].poison(), Some(&record(2)));
        assert_eq!(shard.root_of(3), 1);
        assert_eq!(shard.roots().count(), 1);
        assert!(shard.blocked_by().is_none());
    }

    #[test]
    fn a_batch_that_is_tried_again_blocks_its_shard() {
        let shard = told(tried(1, 1, &[record(1)], Outcome::Failed).into());
        assert_eq!(shard.blocked_by().map(|batch| batch.id), Some(1));
    }

    #[test]
    fn what_a_poller_left_undone_is_interrupted_when_the_next_begins() {
        let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
        steps.extend(tried(2, 1, &[record(2)], Outcome::Succeeded));
        let [under_way, _] = tried(3, 1, &[record(3)], Outcome::Succeeded);
        steps.extend([under_way, What::ShardOpened]);
        let shard = told(steps);
        let status = |batch: u64| shard.batches[&batch].status();
        assert_eq!(status(1), Status::Interrupted);
        assert_eq!(status(2), Status::Succeeded);
        assert_eq!(status(3), Status::Interrupted);
        assert!(shard.batches[&3].attempts[0].interrupted);
        assert!(!shard.batches[&1].attempts[0].interrupted);
        assert!(shard.blocked_by().is_none());
    }

    #[test]
    fn finished_batches_are_forgotten_before_open_ones() {
        let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
        for id in 2..=(BATCHES_MAX as u64 + 1) {
            steps.extend(tried(id, 1, &[record(2)], Outcome::Succeeded));
        }
        let shard = told(steps);
        assert_eq!(shard.batches.len(), BATCHES_MAX);
        assert!(shard.batches.contains_key(&1));
        assert!(!shard.batches.contains_key(&2));
    }
}

//! A consumer that is held: paused, let through step by step, freed of single records; and how it stands. Pure.

use std::time::SystemTime;

use super::lane::{Around, Busy, Lane, Look, Work};
use super::{BatchId, Position, QUEUED_MAX, SequenceNumber, ShardConsumer, Step, What};
use crate::mapping::payload::PAYLOAD_BYTES_MAX;
use crate::mapping::record::Record;

const PAUSED: &str = "waits: paused";
/// Records without a batch that a standing tells of, in each lane.
const QUEUED_TOLD: usize = 20;

/// What one step lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// One reading of the shard.
    Poll,
    /// One attempt of one batch, or the giving up that comes in its place.
    Batch,
}

/// When a record is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    Now,
    /// Its batch is under way: with the answer, unless that settles the record.
    WhenAnswered,
}

/// How a consumer stands between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub is_paused: bool,
    /// Reading goes on here.
    pub read: Position,
    pub checkpoint: Position,
    pub is_polling: bool,
    pub lanes: Vec<LaneStanding>,
    /// What it waits for, in words.
    pub waits: String,
    /// Until when; `None` for as long as it takes.
    pub until: Option<SystemTime>,
    /// Why it could not step by a poll now.
    pub poll_refusal: Option<String>,
    /// Why it could not step by a batch now.
    pub batch_refusal: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LaneStanding {
    /// Records that are in no batch yet.
    pub queued: usize,
    /// The first 20 of them.
    pub first_queued: Vec<Record>,
    pub last_queued: Option<SequenceNumber>,
    /// Records are being given up.
    pub is_discarding: bool,
    /// Those made and not settled, the next one first.
    pub batches: Vec<BatchStanding>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BatchStanding {
    pub id: BatchId,
    pub parent: Option<BatchId>,
    /// None in the final call of a tumbling window.
    pub records: usize,
    pub first: Option<SequenceNumber>,
    pub last: Option<SequenceNumber>,
    /// Invocations so far, the one under way included.
    pub attempts: u32,
    pub is_under_way: bool,
    /// Not tried again before this time.
    pub not_before: SystemTime,
    /// What went wrong last, in a few words; empty when nothing did.
    pub trouble: String,
}

#[derive(Debug, Default)]
pub(super) struct Hold {
    is_paused: bool,
    /// What may be done once all the same.
    lets: Option<By>,
    /// Records to be skipped when their batch has been answered.
    skips: Vec<(BatchId, SequenceNumber)>,
    /// What the last step said when it was to wait.
    waits: String,
    until: Option<SystemTime>,
}

impl Hold {
    /// Whether this may be done now, of itself or because a step was asked for.
    pub(super) fn lets(&self, by: By) -> bool {
        !self.is_paused || self.lets == Some(by)
    }

    /// Whether it is done because a step was asked for, whatever timers say.
    pub(super) fn forces(&self, by: By) -> bool {
        self.is_paused && self.lets == Some(by)
    }

    /// Ends the step that was asked for, and keeps what is told of waiting.
    pub(super) fn settle(&mut self, step: Step) -> Step {
        self.lets = None;
        let Step::Wait { until, reason } = step else {
            return step;
        };
        let (until, reason) = if self.is_paused {
            (None, PAUSED.to_owned())
        } else {
            (until, reason)
        };
        (self.until, self.waits) = (until, reason.clone());
        Step::Wait { until, reason }
    }
}

impl ShardConsumer {
    /// From now on nothing new is begun: no poll, no call, no giving up. What is under way may end. Timers go on, and
    /// are judged when it does.
    pub fn pause(&mut self) {
        self.hold.is_paused = true;
    }

    /// Goes on by itself.
    pub fn resume(&mut self) {
        self.hold.is_paused = false;
    }

    pub fn is_paused(&self) -> bool {
        self.hold.is_paused
    }

    /// Lets exactly one poll or attempt through, at once: neither the pace of polls nor a batching window nor the wait
    /// before a retry holds it up. `Err` says why there is nothing to let through.
    pub fn step(&mut self, by: By, now: SystemTime) -> Result<(), String> {
        self.may_step(by, now)?;
        self.hold.lets = Some(by);
        Ok(())
    }

    /// Takes a record out of whatever it waits in. It counts as done, the others keep their order. `Err` says why it
    /// does not wait here.
    pub fn skip(&mut self, number: &SequenceNumber) -> Result<Skip, String> {
        let holds = |work: &Work| work.records.iter().any(|it| it.sequence_number == *number);
        for lane in &self.lanes {
            if let Some(work) = lane.works.iter().find(|work| holds(work))
                && lane.busy == Busy::Invoking(work.id)
            {
                let mark = (work.id, number.clone());
                if !self.hold.skips.contains(&mark) {
                    self.hold.skips.push(mark);
                }
                return Ok(Skip::WhenAnswered);
            }
        }
        if self.take_out(number) {
            self.advance();
            return Ok(Skip::Now);
        }
        let is_read = match &self.read {
            Position::After(last) => number <= last,
            Position::Finished => true,
            Position::TrimHorizon | Position::Latest(_) => false,
        };
        Err(if is_read {
            format!("record {number} does not wait any more: it is done, or being given up")
        } else {
            format!("record {number} has not been read yet: let a poll read it first")
        })
    }

    pub fn standing(&self, now: SystemTime) -> Standing {
        Standing {
            is_paused: self.hold.is_paused,
            read: self.read.clone(),
            checkpoint: self.checkpoint.clone(),
            is_polling: self.polls.is_under_way,
            lanes: self.lanes.iter().map(LaneStanding::of).collect(),
            waits: self.hold.waits.clone(),
            until: self.hold.until,
            poll_refusal: self.may_step(By::Poll, now).err(),
            batch_refusal: self.may_step(By::Batch, now).err(),
        }
    }

    /// Records that were to be skipped and still wait after this answer.
    pub(super) fn skip_marked(&mut self, batch: BatchId) {
        let marked = self.hold.skips.extract_if(.., |(id, _)| *id == batch);
        let numbers: Vec<SequenceNumber> = marked.map(|(_, number)| number).collect();
        for number in numbers {
            self.take_out(&number);
        }
    }

    /// More records than this are not read, whoever asks.
    pub(super) fn has_room(&self) -> bool {
        let queued: usize = self.lanes.iter().map(|lane| lane.queue.len()).sum();
        let bytes: usize = self.lanes.iter().map(Lane::bytes).sum();
        let batches = self.rules.config.batch_size as usize * self.lanes.len();
        queued < batches.max(QUEUED_MAX) && bytes < PAYLOAD_BYTES_MAX * self.lanes.len()
    }

    fn may_step(&self, by: By, now: SystemTime) -> Result<(), String> {
        let refuse = |why: &str| Err(why.to_owned());
        if self.is_stopping {
            return refuse("it is being stopped");
        }
        if !self.hold.is_paused {
            return refuse("it is not paused: pause it first");
        }
        if self.must_deal {
            return refuse("new settings wait until what is under way has ended");
        }
        match by {
            By::Poll if self.polls.is_under_way => refuse("a poll is under way"),
            By::Poll if self.is_ended() => refuse("the shard has been read to its end"),
            By::Poll if !self.has_room() => {
                refuse("enough records wait already: step by a batch first")
            }
            By::Poll => Ok(()),
            By::Batch => {
                let around = Around {
                    is_forced: true,
                    ..self.around(now)
                };
                let mut looks = self.lanes.iter().map(|lane| lane.look(around));
                if looks.any(|look| !matches!(look, Look::Nothing | Look::Until(..))) {
                    Ok(())
                } else if self.is_busy() {
                    refuse("an attempt is under way")
                } else {
                    refuse("no record waits: step by a poll first")
                }
            }
        }
    }

    /// Takes a record out of a queue or of a batch that is not under way; whether it was there.
    fn take_out(&mut self, number: &SequenceNumber) -> bool {
        let mut lanes = self.lanes.iter_mut();
        let Some((record, batch)) = lanes.find_map(|lane| lane.take_out(number)) else {
            return false;
        };
        self.ledger.done(std::slice::from_ref(&record));
        self.news.push(What::RecordSkipped {
            batch: batch.map(|(id, _)| id),
            record,
            left: batch.map_or(0, |(_, left)| left),
            reason: "skipped by hand: counts as done".to_owned(),
        });
        true
    }
}

impl LaneStanding {
    fn of(lane: &Lane) -> Self {
        let first = lane.queue.iter().take(QUEUED_TOLD);
        let last = lane.queue.back();
        Self {
            queued: lane.queue.len(),
            first_queued: first.map(|it| it.record.clone()).collect(),
            last_queued: last.map(|it| it.record.sequence_number.clone()),
            is_discarding: lane.busy == Busy::Discarding,
            batches: lane
                .works
                .iter()
                .map(|work| BatchStanding::of(work, lane.busy))
                .collect(),
        }
    }
}

impl BatchStanding {
    fn of(work: &Work, busy: Busy) -> Self {
        let number = |it: &Record| it.sequence_number.clone();
        Self {
            id: work.id,
            parent: work.parent,
            records: work.records.len(),
            first: work.records.first().map(number),
            last: work.records.last().map(number),
            attempts: work.attempts,
            is_under_way: busy == Busy::Invoking(work.id),
            not_before: work.not_before,
            trouble: work.trouble.clone(),
        }
    }
}

//! What to do next on one shard: batches, lanes, retries, splits, windows. Pure: no async, no
//! clock, no log. The driver performs each [`Step`] and tells how it went.

mod hold;
mod lane;
mod ledger;
mod settle;
mod step;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::assumed::{FailureBlocks, doubled};
use super::pace::Pace;
use super::payload::{self, WindowCall};
use super::progress::{BatchId, Condition, FilteredRecord, TumblingWindow, What};
use super::record::{Record, SequenceNumber};
use super::window::Window;
use super::words;
use hold::Hold;
use lane::{Around, Busy, Closing, Lane, Look, Queued, Work};
use ledger::Ledger;

pub use hold::{BatchStanding, By, LaneStanding, Skip, Standing};
pub(super) use lane::RETENTION;
pub use step::{Batch, Checkpoint, Discard, Page, Place, Position, Rules, Step};

/// Four polls a second.
pub(super) const POLL_EVERY: Duration = Duration::from_millis(250);
/// A shard that is read as it is written to is looked at even when nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Shortest and longest wait after polls that failed.
const POLL_BACKOFF_FIRST: Duration = Duration::from_millis(500);
const POLL_BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Records that may wait behind a blocked lane while the other lanes go on.
const QUEUED_MAX: usize = 10_000;
/// How far ahead numbers of batches are taken, so that few of them need to be saved for their own sake.
const NUMBERS_AHEAD: u64 = 16;

/// Decides, never does.
#[derive(Debug)]
pub struct ShardConsumer {
    rules: Arc<Rules>,
    place: Arc<Place>,
    /// Reading goes on here; ahead of the checkpoint.
    read: Position,
    checkpoint: Position,
    ledger: Ledger,
    lanes: Vec<Lane>,
    window: Option<Window>,
    polls: Polls,
    /// No record created before this time is still to come.
    passed: SystemTime,
    is_stopping: bool,
    hold: Hold,
    /// The settings changed so that the lanes have to be made anew, once nothing is under way.
    must_deal: bool,
    /// Number of the last batch.
    batches: u64,
    /// Numbers up to this one were saved as used.
    numbered: u64,
    /// Something changed that a restart must know.
    is_unsaved: bool,
    news: Vec<What>,
    result: Said,
}

#[derive(Debug)]
struct Polls {
    next: SystemTime,
    is_under_way: bool,
    /// When the poll under way was asked for.
    asked: SystemTime,
    /// Something was written while the poll was under way, which its page may not hold.
    is_stale: bool,
    failures: u32,
}

/// The last text of `LastProcessingResult`.
#[derive(Debug, Default)]
struct Said {
    text: Option<String>,
    /// It tells of reading, so that the next poll that works takes it back.
    is_about_polls: bool,
    has_processed: bool,
}

/// The wait after so many looks in a row that failed.
pub(super) fn poll_backoff(failures: u32) -> Duration {
    doubled(POLL_BACKOFF_FIRST, failures).min(POLL_BACKOFF_MAX)
}

impl ShardConsumer {
    pub fn new(rules: Arc<Rules>, place: Arc<Place>, from: Checkpoint, now: SystemTime) -> Self {
        let lanes = (0..rules.lanes()).map(|_| Lane::default()).collect();
        let secs = rules.config.tumbling_window_secs;
        Self {
            window: from.window.filter(|window| Some(window.secs) == secs),
            read: from.position.clone(),
            checkpoint: from.position,
            batches: from.batches,
            numbered: from.batches,
            rules,
            place,
            ledger: Ledger::default(),
            lanes,
            polls: Polls {
                next: now,
                is_under_way: false,
                asked: now,
                is_stale: false,
                failures: 0,
            },
            passed: SystemTime::UNIX_EPOCH,
            is_stopping: false,
            hold: Hold::default(),
            must_deal: false,
            is_unsaved: false,
            news: vec![What::ShardOpened],
            result: Said::default(),
        }
    }

    /// Ask until it says `Wait` or `Closed`; every other step must be answered, in whatever order the answers come. A poll
    /// under way when it says `Closed` need not be.
    pub fn next(&mut self, now: SystemTime) -> Step {
        let step = self.decide(now);
        self.hold.settle(step)
    }

    fn decide(&mut self, now: SystemTime) -> Step {
        if self.must_deal && !self.is_busy() {
            self.deal_again(now);
        }
        let mut soonest: Option<(SystemTime, String)> = None;
        if !self.must_deal && !self.is_stopping && self.hold.lets(By::Batch) {
            // A lane whose batch failed may hold up the others.
            let held_up_by = match self.rules.assumed.failure_blocks {
                FailureBlocks::Lane => None,
                FailureBlocks::Shard => self.lanes.iter().position(Lane::is_trying_again),
            };
            for at in 0..self.lanes.len() {
                if held_up_by.is_some_and(|by| by != at) {
                    continue;
                }
                match self.lanes[at].look(self.around(now)) {
                    Look::Nothing => {}
                    Look::Until(until, reason) => {
                        self.tell_gathering(at, until, now);
                        sooner(&mut soonest, until, reason);
                    }
                    doable => return self.take(at, doable, now),
                }
            }
        }
        if self.is_done() {
            return self.close();
        }
        if self.wants_records() {
            if now >= self.polls.next || self.hold.forces(By::Poll) {
                self.polls.asked = now;
                self.polls.is_under_way = true;
                self.polls.is_stale = false;
                return Step::Poll;
            }
            sooner(&mut soonest, self.polls.next, "next poll".to_owned());
        }
        match soonest {
            Some((until, why)) => {
                let time = words::span(until.duration_since(now).unwrap_or_default());
                Step::Wait {
                    until: Some(until),
                    reason: format!("waits {time}: {why}"),
                }
            }
            None => Step::Wait {
                until: None,
                reason: "waits for an answer".to_owned(),
            },
        }
    }

    /// The event of a batch as JSON text, between its step and its answer.
    pub fn event_of(&self, batch: &Batch) -> String {
        let invoking = |lane: &&Lane| lane.busy == Busy::Invoking(batch.id);
        let lane = self.lanes.iter().find(invoking);
        let closing = lane.and_then(|lane| lane.works.front()?.closing);
        let call = self.window.as_ref().map(|window| WindowCall {
            window,
            shard: &self.place.shard,
            stream_arn: &self.place.stream_arn,
            is_final: closing.is_some(),
            is_terminated_early: closing.is_some_and(|closing| closing.is_early),
        });
        payload::event(&batch.records, call)
    }

    /// A poll returned these records.
    pub fn polled(&mut self, page: Page, now: SystemTime) {
        let behind = page.records.last().map(|last| last.created);
        let behind = behind.map(|created| now.duration_since(created).unwrap_or_default());
        self.news.push(What::Polled {
            records: page.records.len(),
            behind,
        });
        if let Some(reason) = page.gap {
            let after = self.read.number().cloned();
            self.news.push(What::Trimmed { after, reason });
        }
        self.polls.failures = 0;
        self.polls.is_under_way = false;
        if page.records.is_empty() {
            // What was written after the page was asked for may be older than the moment it came.
            self.passed = self.passed.max(self.polls.asked);
        }
        self.polls.next = match self.rules.pace {
            Pace::FourPerSecond => next_on_grid(self.polls.asked),
            Pace::AsWritten if !page.records.is_empty() || self.polls.is_stale => now,
            // A window that is over is finished once a look shows that nothing more goes into it.
            Pace::AsWritten => {
                let end = self.window.as_ref().map(Window::end);
                let end = end.filter(|end| *end > self.passed);
                end.map_or(now + LOOK_EVERY, |end| end.min(now + LOOK_EVERY))
            }
        }
        .max(now);
        self.accept(page.records, now);
        if page.is_last {
            self.read = Position::Finished;
        }
        self.advance();
        self.polls_work_again();
    }

    /// Something was written to the shard, or it was closed. After trouble the wait goes on.
    pub fn written(&mut self, now: SystemTime) {
        if self.rules.pace == Pace::AsWritten && self.polls.failures == 0 {
            self.polls.next = self.polls.next.min(now);
            self.polls.is_stale = self.polls.is_under_way;
        }
    }

    /// A poll failed: `problem` is the text for `LastProcessingResult`, without `PROBLEM: `; `request_id` is of the call
    /// that failed.
    pub fn poll_failed(&mut self, problem: &str, request_id: &str, now: SystemTime) {
        self.polls.is_under_way = false;
        self.polls.failures = self.polls.failures.saturating_add(1);
        self.polls.next = now + poll_backoff(self.polls.failures);
        self.news.push(What::PollFailed {
            problem: problem.to_owned(),
            request_id: request_id.to_owned(),
            setbacks: self.polls.failures,
            until: self.polls.next,
        });
        self.say(format!("PROBLEM: {problem}"), true);
    }

    /// Applies new settings, also to retries that are under way.
    pub fn reconfigure(&mut self, rules: Arc<Rules>) {
        let size = rules.config.batch_size as usize;
        let mut works = self.lanes.iter().flat_map(|lane| &lane.works);
        self.must_deal |= rules.lanes() != self.lanes.len()
            || rules.config.tumbling_window_secs != self.rules.config.tumbling_window_secs
            || works.any(|work| work.records.len() > size);
        if rules.pace != self.rules.pace && self.polls.failures == 0 {
            // Whoever waited for something to be written looks at once.
            self.polls.next = self.polls.next.min(self.polls.asked + POLL_EVERY);
        }
        self.rules = rules;
    }

    /// The settings in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Begins nothing new; `Closed` comes when what is under way has been answered.
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Where reading goes on.
    pub fn position(&self) -> &Position {
        &self.read
    }

    /// What a restart has to know once nothing more is done.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.checkpoint.clone(),
            window: self.window.clone(),
            batches: self.batches,
        }
    }

    /// What a restart has to know while work goes on, where it changed since it was asked for last. It must be saved
    /// before any of the [`Self::news`] is told.
    pub fn unsaved(&mut self) -> Option<Checkpoint> {
        if !std::mem::take(&mut self.is_unsaved) {
            return None;
        }
        self.numbered = self.batches.saturating_add(NUMBERS_AHEAD);
        Some(Checkpoint {
            batches: self.numbered,
            ..self.checkpoint()
        })
    }

    /// What happened since it was asked for last, in order.
    pub fn news(&mut self) -> Vec<What> {
        std::mem::take(&mut self.news)
    }

    /// Everything in the shard has been read and settled.
    pub fn is_finished(&self) -> bool {
        self.checkpoint == Position::Finished
    }

    fn around(&self, now: SystemTime) -> Around<'_> {
        Around {
            rules: &self.rules,
            now,
            window: self.window.as_ref(),
            passed: self.passed,
            is_ended: self.is_ended(),
            is_forced: self.hold.forces(By::Batch),
        }
    }

    /// Everything in the shard has been read.
    fn is_ended(&self) -> bool {
        self.read == Position::Finished
    }

    fn is_busy(&self) -> bool {
        self.lanes.iter().any(|lane| lane.busy != Busy::No)
    }

    /// Everything read is settled, and no tumbling window has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.window.is_none() && self.lanes.iter().all(Lane::is_empty)
    }

    /// A tumbling window has begun.
    pub(super) fn has_window(&self) -> bool {
        self.window.is_some()
    }

    /// The soonest time at which anything but a poll is due, where a lane waits for one.
    pub(super) fn due(&self, now: SystemTime) -> Option<SystemTime> {
        let lanes = self.lanes.iter();
        let waits = lanes.filter_map(|lane| match lane.look(self.around(now)) {
            Look::Until(until, _) => Some(until),
            _ => None,
        });
        waits.min()
    }

    fn is_done(&self) -> bool {
        if self.is_stopping {
            return !self.is_busy();
        }
        self.is_ended() && self.is_idle()
    }

    fn close(&mut self) -> Step {
        if !self.is_stopping && !self.is_finished() {
            self.checkpoint = Position::Finished;
            self.is_unsaved = true;
            self.news.push(What::ShardClosed);
        }
        Step::Closed
    }

    /// Reading stops while enough is waiting: for every lane a full batch, or its part of a page while it delivers; or a
    /// large queue behind a lane that is blocked.
    fn wants_records(&self) -> bool {
        if self.is_ended() || self.is_stopping || self.must_deal || self.polls.is_under_way {
            return false;
        }
        let wants = |lane: &Lane| lane.wants_records(&self.rules);
        self.hold.lets(By::Poll)
            && self.has_room()
            && (self.hold.forces(By::Poll) || self.lanes.iter().any(wants))
    }

    /// Puts records that pass the filters into their lanes; the others are done.
    fn accept(&mut self, records: Vec<Record>, now: SystemTime) {
        let mut filtered = Vec::new();
        for record in records {
            if let Position::After(last) = &self.read
                && record.sequence_number <= *last
            {
                // Read twice, after the iterator had to be renewed.
                continue;
            }
            self.read = Position::After(record.sequence_number.clone());
            self.passed = self.passed.max(record.created);
            self.ledger.add(&record);
            let lane = lane_of(&record, self.lanes.len());
            match self.rules.filters.judge(&record.event) {
                Ok(()) => self.lanes[lane].push(Queued::new(record, now)),
                Err(because) => {
                    self.lanes[lane].pass_over(&self.rules);
                    filtered.push(FilteredRecord { record, because });
                }
            }
        }
        if !filtered.is_empty() {
            self.ledger.done(filtered.iter().map(|it| &it.record));
            let records = filtered.into();
            self.news.push(What::FilteredOut { records });
        }
    }

    /// Says once for every batch that it is being gathered.
    fn tell_gathering(&mut self, at: usize, until: SystemTime, now: SystemTime) {
        let lane = &self.lanes[at];
        if lane.gathering.is_some() || !lane.works.is_empty() {
            return;
        }
        let id = self.new_batch();
        self.lanes[at].gathering = Some(id);
        let time = words::span(until.duration_since(now).unwrap_or_default());
        self.news.push(What::Waiting {
            batch: Some(id),
            until,
            reason: format!("waits {time}: batching window"),
        });
    }

    fn new_batch(&mut self) -> BatchId {
        self.batches += 1;
        self.is_unsaved |= self.batches > self.numbered;
        BatchId(self.batches)
    }

    fn take(&mut self, at: usize, look: Look, now: SystemTime) -> Step {
        match look {
            Look::Again(reason) => self.invoke(at, reason, now),
            Look::Send { count, reason } => {
                let gathered = self.lanes[at].gathering.take();
                let id = gathered.unwrap_or_else(|| self.new_batch());
                let records = self.lanes[at].take(count, &self.rules);
                let reason = format!("sends {}: {reason}", words::count(count, "record"));
                if let (None, Some(first)) = (&self.window, records.first()) {
                    self.window = self.rules.window_at(first.created);
                }
                let work = Work::new(id, records, now);
                self.lanes[at].works.push_back(work);
                self.invoke(at, reason, now)
            }
            Look::CloseWindow { is_early } => {
                self.push_closing(at, is_early, now);
                let reason = if is_early {
                    "finishes the tumbling window early: its state is larger than 1 MB"
                } else {
                    "finishes the tumbling window"
                };
                self.invoke(at, reason.to_owned(), now)
            }
            Look::GiveUp {
                count,
                condition,
                reason,
            } => self.give_up(at, count, condition, &reason),
            Look::Nothing | Look::Until(..) => self.decide(now),
        }
    }

    fn push_closing(&mut self, at: usize, is_early: bool, now: SystemTime) {
        let window_end = self.window.as_ref().map_or(now, Window::end);
        let mut work = Work::new(self.new_batch(), Arc::default(), now);
        work.closing = Some(Closing {
            is_early,
            window_end,
        });
        self.lanes[at].works.push_front(work);
    }

    fn invoke(&mut self, at: usize, reason: String, now: SystemTime) -> Step {
        let Some(work) = self.lanes[at].works.front_mut() else {
            return self.decide(now);
        };
        work.attempts += 1;
        let batch = Batch {
            id: work.id,
            parent: work.parent,
            attempt: work.attempts,
            records: Arc::clone(&work.records),
            reason,
        };
        let window = self.window.as_ref().map(|window| TumblingWindow {
            start: window.start,
            end: window.end(),
            is_final: work.closing.is_some(),
        });
        self.lanes[at].busy = Busy::Invoking(batch.id);
        self.news.push(What::Invoking {
            batch: batch.id,
            parent: batch.parent,
            attempt: batch.attempt,
            lane: at,
            window,
            records: Arc::clone(&batch.records),
            reason: batch.reason.clone(),
        });
        Step::Invoke(batch)
    }

    fn give_up(&mut self, at: usize, count: usize, condition: Condition, why: &str) -> Step {
        let (batch, records, failures, answer): (_, Arc<[Record]>, _, _) =
            match self.lanes[at].works.pop_front() {
                None => {
                    let gathered = self.lanes[at].gathering.take();
                    let id = gathered.unwrap_or_else(|| self.new_batch());
                    (id, self.lanes[at].take(count, &self.rules), 0, None)
                }
                Some(mut work) => {
                    let (old, rest) = work.records.split_at(count.min(work.records.len()));
                    let (records, rest) = (old.into(), rest.into());
                    work.records = rest;
                    let told = (work.id, records, work.failures, work.answer.clone());
                    if work.closing.is_some() {
                        self.window = None;
                        self.is_unsaved = true;
                    } else if !work.records.is_empty() {
                        self.lanes[at].works.push_front(work);
                    }
                    told
                }
            };
        // The attempt that finds a record too old counts, even when it was never delivered.
        let attempts = match condition {
            Condition::RetryAttemptsExhausted => failures,
            Condition::RecordAgeExceeded => failures.saturating_add(1),
        };
        let given_up = words::count(records.len(), "record");
        let reason = match condition {
            Condition::RetryAttemptsExhausted => {
                let attempts = words::count(attempts as usize, "attempt");
                format!("gives up {given_up} after {attempts}: {why}")
            }
            Condition::RecordAgeExceeded => format!("gives up {given_up}: {why}"),
        };
        self.lanes[at].busy = Busy::Discarding;
        self.news.push(What::Discarded {
            batch,
            records: Arc::clone(&records),
            condition,
            attempts,
            has_destination: self.rules.config.on_failure.is_some(),
            reason: reason.clone(),
        });
        Step::Discard(Discard {
            batch,
            records,
            condition,
            attempts,
            answer,
            reason,
            lane: at,
        })
    }
}

/// Polls keep to quarters of seconds, in which those of many shards come together: there is more rest between them.
fn next_on_grid(asked: SystemTime) -> SystemTime {
    let since = asked.duration_since(SystemTime::UNIX_EPOCH);
    let over = since.unwrap_or_default().as_nanos() % POLL_EVERY.as_nanos();
    let over = Duration::from_nanos(u64::try_from(over).unwrap_or_default());
    asked + POLL_EVERY.saturating_sub(over)
}

fn sooner(soonest: &mut Option<(SystemTime, String)>, until: SystemTime, reason: String) {
    if soonest.as_ref().is_none_or(|(at, _)| until < *at) {
        *soonest = Some((until, reason));
    }
}

/// All changes of one item go the same way.
fn lane_of(record: &Record, lanes: usize) -> usize {
    if lanes < 2 {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    record.key.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
pub(in crate::mapping) mod tests;

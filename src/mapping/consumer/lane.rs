//! One lane of a shard: records of the same items, in order, one batch at a time. Pure.
//! Says what it could do next; the consumer does the bookkeeping between lanes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::step::{Page, Rules};
use crate::mapping::assumed::{Assumed, BatchSizeCounts};
use crate::mapping::payload;
use crate::mapping::progress::{Answer, BatchId, Condition};
use crate::mapping::record::{Record, SequenceNumber};
use crate::mapping::window::Window;

/// DynamoDB keeps records no longer than this, so nothing is tried again for longer.
pub(in crate::mapping) const RETENTION: Duration = Duration::from_hours(24);
const STEPPED: &str = "a step was asked for";
const FULL: &str = "the batch is full";

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub queue: VecDeque<Queued>,
    /// JSON text of the queue, a comma for each record included.
    bytes: usize,
    /// Records that were filtered out since the last one of the queue.
    passed_over: usize,
    /// The same before all of the queue, these included.
    passed_over_all: usize,
    /// Batches made and not settled, oldest first: halves wait here for their turn.
    pub works: VecDeque<Work>,
    /// The first batch is being delivered, or records are being discarded.
    pub busy: Busy,
    /// Number of the batch that is being gathered.
    pub gathering: Option<BatchId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Busy {
    #[default]
    No,
    Invoking(BatchId),
    Discarding,
}

/// A record waiting to become part of a batch.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub record: Record,
    bytes: usize,
    /// Records of its lane that were filtered out right before it.
    passed_over: usize,
    /// When it was read: a batching window starts with the first record.
    pub since: SystemTime,
}

/// A batch.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub id: BatchId,
    pub parent: Option<BatchId>,
    pub records: Arc<[Record]>,
    /// Invocations of this batch.
    pub attempts: u32,
    /// Those that count against the retry attempts.
    pub failures: u32,
    /// Answers in a row that moved nothing.
    pub setbacks: u32,
    pub not_before: SystemTime,
    /// What went wrong last, in a few words.
    pub trouble: String,
    pub answer: Option<Arc<Answer>>,
    /// The final invocation of the window.
    pub closing: Option<Closing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closing {
    pub is_early: bool,
    /// Stands in for the age of records, which a final invocation may not have.
    pub window_end: SystemTime,
}

/// What a lane sees of the rest of its shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub rules: &'a Rules,
    pub now: SystemTime,
    /// The tumbling window that has begun.
    pub window: Option<&'a Window>,
    /// No record created before this time is still to come.
    pub passed: SystemTime,
    /// Everything in the shard has been read.
    pub is_ended: bool,
    /// A step was asked for: what can be done is done now.
    pub is_forced: bool,
}

/// What a lane could do next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    Nothing,
    Until(SystemTime, String),
    /// Deliver the first batch again.
    Again(String),
    /// Make a batch of the first records of the queue.
    Send {
        count: usize,
        reason: &'static str,
    },
    /// Give up the first records of the first batch, or of the queue where there is none.
    GiveUp {
        count: usize,
        condition: Condition,
        reason: String,
    },
    /// Let the function finish the tumbling window: early when its state has grown too large.
    CloseWindow {
        is_early: bool,
    },
}

impl Queued {
    pub(super) fn new(record: Record, since: SystemTime) -> Self {
        Self {
            bytes: record.event.text().len().saturating_add(1),
            passed_over: 0,
            record,
            since,
        }
    }
}

impl Work {
    pub(super) fn new(id: BatchId, records: Arc<[Record]>, now: SystemTime) -> Self {
        Self {
            id,
            parent: None,
            records,
            attempts: 0,
            failures: 0,
            setbacks: 0,
            not_before: now,
            trouble: String::new(),
            answer: None,
            closing: None,
        }
    }

    /// Waits longer after every answer in a row that moved nothing.
    pub(super) fn back_off(&mut self, assumed: &Assumed, now: SystemTime) {
        self.setbacks = self.setbacks.saturating_add(1);
        self.not_before = now + assumed.backoff(self.setbacks);
    }

    fn look(&self, around: Around<'_>) -> Look {
        let config = &around.rules.config;
        if let Some(retries) = config.retry_attempts_max
            && self.failures > retries
        {
            return Look::GiveUp {
                count: self.records.len(),
                condition: Condition::RetryAttemptsExhausted,
                reason: self.trouble.clone(),
            };
        }
        let is_early = around.now < self.not_before;
        if is_early && !around.is_forced {
            return Look::Until(self.not_before, self.trouble.clone());
        }
        let limit = age_limit(around.rules, self.attempts > 0);
        let count = expired(self.records.iter(), limit, around.now);
        let window_expired = self.closing.is_some_and(|closing| {
            limit.is_some_and(|limit| closing.window_end + limit < around.now)
        });
        if count > 0 || window_expired {
            return give_up_old(count, limit);
        }
        let reason = if is_early {
            format!("tries again before its time: {STEPPED}")
        } else if self.attempts == 0 {
            "its turn has come".to_owned()
        } else {
            format!("tries again: {}", self.trouble)
        };
        Look::Again(reason)
    }
}

impl Lane {
    /// Whether its first batch failed before.
    pub(super) fn is_trying_again(&self) -> bool {
        self.works.front().is_some_and(|work| work.setbacks > 0)
    }

    pub(super) fn push(&mut self, mut queued: Queued) {
        self.bytes = self.bytes.saturating_add(queued.bytes);
        queued.passed_over = std::mem::take(&mut self.passed_over);
        self.queue.push_back(queued);
    }

    /// A record of the lane was filtered out.
    pub(super) fn pass_over(&mut self, rules: &Rules) {
        self.passed_over += 1;
        self.passed_over_all += 1;
        // A batch of which nothing is left.
        if self.queue.is_empty() && self.passed_over >= rules.config.batch_size as usize {
            self.passed_over = 0;
            self.passed_over_all = 0;
        }
    }

    /// Takes the first records out of the queue, and of those filtered out as many as fill the batch.
    pub(super) fn take(&mut self, count: usize, rules: &Rules) -> Arc<[Record]> {
        let size = (rules.config.batch_size as usize).max(1);
        let taken = self.queue.drain(..count.min(self.queue.len()));
        let mut records = Vec::with_capacity(taken.len());
        let mut read = 0;
        for queued in taken {
            self.bytes = self.bytes.saturating_sub(queued.bytes);
            self.passed_over_all -= queued.passed_over;
            read += queued.passed_over + 1;
            records.push(queued.record);
        }
        let next = self.queue.front_mut().map(|it| &mut it.passed_over);
        let behind = next.unwrap_or(&mut self.passed_over);
        let left = behind.saturating_sub(size.saturating_sub(read)) % size;
        self.passed_over_all -= *behind - left;
        *behind = left;
        records.into()
    }

    /// How many records count of the batch that is being gathered.
    fn counted(&self, rules: &Rules) -> usize {
        if counts_read(rules) {
            self.queue.len() + self.passed_over_all
        } else {
            self.queue.len()
        }
    }

    /// Takes one record out of the queue or of a batch; a batch without records is no more.
    pub(super) fn take_out(
        &mut self,
        number: &SequenceNumber,
    ) -> Option<(Record, Option<(BatchId, usize)>)> {
        let is_it = |it: &Record| it.sequence_number == *number;
        if let Some(at) = self.queue.iter().position(|it| is_it(&it.record)) {
            let queued = self.queue.remove(at)?;
            self.bytes = self.bytes.saturating_sub(queued.bytes);
            match self.queue.get_mut(at) {
                Some(next) => next.passed_over += queued.passed_over,
                None => self.passed_over += queued.passed_over,
            }
            if self.queue.is_empty() {
                self.gathering = None;
            }
            return Some((queued.record, None));
        }
        for (at, work) in self.works.iter_mut().enumerate() {
            let Some(record) = work.records.iter().find(|it| is_it(it)).cloned() else {
                continue;
            };
            let batch = work.id;
            work.records = work
                .records
                .iter()
                .filter(|it| !is_it(it))
                .cloned()
                .collect();
            let left = work.records.len();
            if left == 0 {
                self.works.remove(at);
            }
            return Some((record, Some((batch, left))));
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.works.is_empty() && self.busy == Busy::No
    }

    /// The queue holds less than a full batch. While a batch is delivered for the first time, less than its part of a
    /// page: so reading and delivering go on side by side, and behind a batch that fails no more is read than needed.
    pub(super) fn wants_records(&self, rules: &Rules) -> bool {
        let batch = rules.config.batch_size as usize;
        let is_first_try = self.works.front().is_some_and(|it| it.setbacks == 0);
        let enough = if is_first_try && matches!(self.busy, Busy::Invoking(_)) {
            batch.max(usize::from(Page::RECORDS_MAX).div_ceil(rules.lanes()))
        } else {
            batch
        };
        self.queue.len() < enough && self.bytes < payload::PAYLOAD_BYTES_MAX
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn look(&self, around: Around<'_>) -> Look {
        if self.busy != Busy::No {
            return Look::Nothing;
        }
        if let Some(work) = self.works.front() {
            return work.look(around);
        }
        if let Some(window) = around.window {
            let is_over = self.window_is_over(window, around);
            if is_over || window.is_too_full() {
                return Look::CloseWindow {
                    is_early: window.is_too_full(),
                };
            }
        }
        let Some(first) = self.queue.front() else {
            return Look::Nothing;
        };
        let limit = age_limit(around.rules, false);
        let queued = self.queue.iter().map(|queued| &queued.record);
        let old = expired(queued, limit, around.now);
        if old > 0 {
            // A letter tells of a batch.
            return give_up_old(old.min(around.rules.config.batch_size as usize), limit);
        }
        if let Some(reason) = self.why_full(first, around) {
            let count = self.fit(first, around);
            let is_cut =
                counts_read(around.rules) && count < around.rules.config.batch_size as usize;
            let reason = if reason == FULL && is_cut {
                "the batch is full with those filtered out"
            } else {
                reason
            };
            return Look::Send { count, reason };
        }
        let until = first.since + batching_window(around.rules);
        Look::Until(until, "batching window".to_owned())
    }

    /// Why the batch in the queue need not wait for more; `None` while it should.
    fn why_full(&self, first: &Queued, around: Around<'_>) -> Option<&'static str> {
        let config = &around.rules.config;
        let window_end = window_end(first, around);
        let last = self.queue.back().unwrap_or(first);
        if self.counted(around.rules) >= config.batch_size as usize {
            Some(FULL)
        } else if self.bytes > payload::room(around.window) {
            Some("the payload reaches 6 MB")
        } else if window_end.is_some_and(|end| last.record.created >= end || around.passed >= end) {
            Some("the tumbling window ends")
        } else if around.is_ended {
            Some("the shard is closed")
        } else if config.batching_window_secs == 0 {
            Some("no batching window")
        } else if around.now >= first.since + batching_window(around.rules) {
            Some("the batching window is over")
        } else if around.is_forced {
            Some(STEPPED)
        } else {
            None
        }
    }

    /// How many records of the queue go into one batch; at least one.
    fn fit(&self, first: &Queued, around: Around<'_>) -> usize {
        let room = payload::room(around.window);
        let window_end = window_end(first, around);
        let size = around.rules.config.batch_size as usize;
        let counts_read = counts_read(around.rules);
        let (mut bytes, mut read) = (0_usize, 0);
        let fitting = self.queue.iter().take_while(|queued| {
            bytes = bytes.saturating_add(queued.bytes);
            read += 1 + if counts_read { queued.passed_over } else { 0 };
            bytes <= room
                && read <= size
                && window_end.is_none_or(|end| queued.record.created < end)
        });
        fitting.count().max(1)
    }

    fn window_is_over(&self, window: &Window, around: Around<'_>) -> bool {
        match self.queue.front() {
            Some(first) => first.record.created >= window.end(),
            None => around.is_ended || around.passed >= window.end(),
        }
    }
}

/// Whether records that are filtered out count until a batch is full.
fn counts_read(rules: &Rules) -> bool {
    rules.assumed.batch_size_counts == BatchSizeCounts::Read
}

/// How old a record may be. Retries also end when the stream no longer holds it.
fn age_limit(rules: &Rules, is_retry: bool) -> Option<Duration> {
    let set = rules.config.record_age_secs_max;
    let set = set.map(|secs| Duration::from_secs(u64::from(secs)));
    match set {
        Some(limit) if is_retry => Some(limit.min(RETENTION)),
        None if is_retry => Some(RETENTION),
        set => set,
    }
}

/// Length of the prefix that is too old; younger records behind it are still delivered.
fn expired<'a>(
    mut records: impl Iterator<Item = &'a Record>,
    limit: Option<Duration>,
    now: SystemTime,
) -> usize {
    let Some(limit) = limit else { return 0 };
    let mut count = 0;
    while records.next().is_some_and(|it| it.created + limit < now) {
        count += 1;
    }
    count
}

fn give_up_old(count: usize, limit: Option<Duration>) -> Look {
    let limit = crate::mapping::words::span(limit.unwrap_or(RETENTION));
    Look::GiveUp {
        count,
        condition: Condition::RecordAgeExceeded,
        reason: format!("older than {limit}"),
    }
}

fn batching_window(rules: &Rules) -> Duration {
    Duration::from_secs(u64::from(rules.config.batching_window_secs))
}

/// End of the tumbling window the first record goes into.
fn window_end(first: &Queued, around: Around<'_>) -> Option<SystemTime> {
    around.rules.config.tumbling_window_secs?;
    match around.window {
        Some(window) => Some(window.end()),
        None => Some(around.rules.window_at(first.record.created)?.end()),
    }
}

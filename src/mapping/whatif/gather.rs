//! Counts what happens while a stretch is played. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::function::{Called, Kind};
use super::report::{BatchSize, Note, Report, ShardReport, Tally, count_size};
use super::series::Series;
use crate::clock::epoch_secs;
use crate::mapping::consumer::Batch;
use crate::mapping::progress::{Condition, Outcome, What};
use crate::mapping::record::Record;

/// Notes of each kind.
const NOTES_MAX: usize = 10;

pub(super) struct Gather {
    starts: SystemTime,
    memory_mb: u32,
    lines: Vec<Counts>,
    sizes: Vec<BatchSize>,
    ages: Series,
    concurrency: Series,
    running: Running,
    all_ages: Ages,
    notes: Vec<Note>,
    notes_by_kind: BTreeMap<&'static str, usize>,
}

/// One shard.
#[derive(Default)]
struct Counts {
    tally: Tally,
    billed: Duration,
    took: Duration,
    ages: Ages,
    running: u32,
}

#[derive(Clone, Copy, Default)]
struct Ages {
    sum: Duration,
    count: u32,
    maximum: Duration,
}

/// Calls that run, and since when so many.
struct Running {
    count: u32,
    since: SystemTime,
    maximum: u32,
}

impl Gather {
    pub(super) fn new(starts: SystemTime, memory_mb: u32, shards: usize) -> Self {
        Self {
            starts,
            memory_mb,
            lines: (0..shards).map(|_| Counts::default()).collect(),
            sizes: Vec::new(),
            ages: Series::new(),
            concurrency: Series::new(),
            running: Running {
                count: 0,
                since: starts,
                maximum: 0,
            },
            all_ages: Ages::default(),
            notes: Vec::new(),
            notes_by_kind: BTreeMap::new(),
        }
    }

    /// A batch is sent.
    pub(super) fn called(&mut self, at: usize, batch: &Batch, called: &Called, now: SystemTime) {
        let after = self.after(now);
        let line = &mut self.lines[at];
        if let Some(last) = batch.records.last() {
            let age = now.duration_since(last.created).unwrap_or_default();
            line.ages.add(age);
            self.all_ages.add(age);
            self.ages.add(after, age.as_secs_f64());
        }
        let tally = &mut line.tally;
        tally.retries += u64::from(batch.attempt > 1);
        if called.kind == Kind::Throttled {
            tally.throttles += 1;
            return;
        }
        tally.invocations += 1;
        tally.timeouts += u64::from(called.kind == Kind::TimedOut);
        tally.cold_starts += u64::from(called.is_cold);
        tally.deliveries += batch.records.len() as u64;
        tally.delivered_again += called.again as u64;
        tally.batch_maximum = tally.batch_maximum.max(batch.records.len() as u64);
        count_size(&mut self.sizes, batch.records.len());
        line.took += called.took;
        line.billed += Duration::from_millis(millis_up(called.took));
        let longest = &mut tally.longest_in_milliseconds;
        *longest = (*longest).max(millis(called.took));
        line.running += 1;
        tally.concurrency_maximum = tally.concurrency_maximum.max(line.running);
        self.run(1, now);
    }

    /// A call that ran is over.
    pub(super) fn returned(&mut self, at: usize, now: SystemTime) {
        self.lines[at].running -= 1;
        self.run(-1, now);
    }

    /// Something the trigger tells. `answered` is the batch whose answer made it happen.
    pub(super) fn told(
        &mut self,
        at: usize,
        shard: &str,
        what: &What,
        answered: Option<&Batch>,
        now: SystemTime,
    ) {
        let (kind, records, reason) = match what {
            What::FilteredOut { records } => {
                self.lines[at].tally.filtered_out += records.len() as u64;
                return;
            }
            What::Invoked {
                outcome, reason, ..
            } => {
                let records = answered.map_or(&[][..], |batch| &batch.records);
                match self.outcome(at, outcome, records) {
                    Some(kind) => (kind, records, reason),
                    None => return,
                }
            }
            What::Split { reason, into, .. } => {
                if into.len() < 2 {
                    // What is left of a batch after a partial answer.
                    return;
                }
                self.lines[at].tally.splits += 1;
                let records = answered.map_or(&[][..], |batch| &batch.records);
                ("split", records, reason)
            }
            What::Discarded {
                records,
                condition,
                reason,
                ..
            } => {
                let tally = &mut self.lines[at].tally;
                tally.discards += 1;
                let count = records.len() as u64;
                match condition {
                    Condition::RetryAttemptsExhausted => tally.discarded_by_attempts += count,
                    Condition::RecordAgeExceeded => tally.discarded_by_age += count,
                }
                ("discarded", &records[..], reason)
            }
            What::Trimmed { reason, .. } => ("trimmed", &[][..], reason),
            What::Checkpoint { .. } => {
                let done = millis(self.after(now));
                self.lines[at].tally.done_after_milliseconds = done;
                return;
            }
            _ => return,
        };
        self.note(kind, shard, records, reason, now);
    }

    /// `shards` in the order of the stretch.
    pub(super) fn finish(
        mut self,
        shards: impl Iterator<Item = Ended>,
        remarks: Vec<String>,
        now: SystemTime,
    ) -> Report {
        self.run(0, now);
        let mut total = Tally::default();
        let mut all = Counts::default();
        let mut reports = Vec::new();
        let mut last_of_all = None;
        for (mut line, ended) in self.lines.into_iter().zip(shards) {
            line.tally.records = ended.records;
            line.tally.polls = ended.polls;
            line.tally.trimmed = ended.trimmed;
            last_of_all = last_of_all.max(ended.last);
            line.close(self.memory_mb, self.starts, ended.last);
            add(&mut total, &line.tally);
            all.took += line.took;
            all.billed += line.billed;
            reports.push(ShardReport {
                shard_id: ended.id,
                tally: line.tally,
            });
        }
        all.tally = total;
        all.ages = self.all_ages;
        all.tally.concurrency_maximum = self.running.maximum;
        all.close(self.memory_mb, self.starts, last_of_all);
        Report {
            starts: epoch_secs(self.starts),
            total: all.tally,
            shards: reports,
            batch_sizes: self.sizes,
            iterator_age: self.ages.finish(3),
            concurrency: self.concurrency.finish(2),
            notes: self.notes,
            remarks,
        }
    }

    fn after(&self, now: SystemTime) -> Duration {
        now.duration_since(self.starts).unwrap_or_default()
    }

    /// Counts an answer; what to note of it.
    fn outcome(
        &mut self,
        at: usize,
        outcome: &Outcome,
        records: &[Record],
    ) -> Option<&'static str> {
        let tally = &mut self.lines[at].tally;
        match outcome {
            Outcome::Succeeded => {
                tally.successes += 1;
                tally.processed += records.len() as u64;
                None
            }
            Outcome::FailedFrom(number) => {
                tally.partial_failures += 1;
                let done = records.partition_point(|it| it.sequence_number < *number);
                tally.processed += done as u64;
                Some("reported")
            }
            Outcome::Failed => {
                tally.failures += 1;
                Some("failed")
            }
            Outcome::Throttled => Some("throttled"),
        }
    }

    fn note(
        &mut self,
        kind: &'static str,
        shard: &str,
        records: &[Record],
        reason: &str,
        now: SystemTime,
    ) {
        let count = self.notes_by_kind.entry(kind).or_default();
        if *count == NOTES_MAX {
            return;
        }
        *count += 1;
        let first = records.first();
        self.notes.push(Note {
            kind: kind.to_owned(),
            after_milliseconds: millis(self.after(now)),
            shard_id: shard.to_owned(),
            sequence_number: first.map_or_else(String::new, |it| it.sequence_number.to_string()),
            records: records.len() as u64,
            reason: reason.to_owned(),
        });
    }

    fn run(&mut self, change: i32, now: SystemTime) {
        let (from, to) = (self.after(self.running.since), self.after(now));
        let count = self.running.count;
        self.concurrency.hold(from, to, f64::from(count));
        self.running.count = count.saturating_add_signed(change);
        self.running.maximum = self.running.maximum.max(self.running.count);
        self.running.since = now;
    }
}

/// A shard at the end.
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) records: u64,
    pub(super) polls: u64,
    pub(super) trimmed: u64,
    /// When its last record was written.
    pub(super) last: Option<SystemTime>,
}

impl Ages {
    fn add(&mut self, age: Duration) {
        self.sum = self.sum.saturating_add(age);
        self.count += 1;
        self.maximum = self.maximum.max(age);
    }
}

impl Counts {
    /// Writes what is only known at the end.
    fn close(&mut self, memory_mb: u32, starts: SystemTime, last: Option<SystemTime>) {
        let tally = &mut self.tally;
        tally.duration_in_milliseconds = millis(self.took);
        let gigabytes = f64::from(memory_mb) / 1024.0;
        let exact = self.billed.as_secs_f64() * gigabytes;
        tally.gigabyte_seconds = super::series::rounded(exact, 6);
        tally.iterator_age_maximum_in_milliseconds = millis(self.ages.maximum);
        let average = self.ages.sum.checked_div(self.ages.count);
        tally.iterator_age_average_in_milliseconds = millis(average.unwrap_or_default());
        let done = starts + Duration::from_millis(tally.done_after_milliseconds);
        let behind = last.and_then(|last| done.duration_since(last).ok());
        tally.behind_in_milliseconds = millis(behind.unwrap_or_default());
    }
}

/// Adds the counts of a shard.
fn add(total: &mut Tally, shard: &Tally) {
    for (sum, count) in [
        (&mut total.records, shard.records),
        (&mut total.processed, shard.processed),
        (&mut total.filtered_out, shard.filtered_out),
        (
            &mut total.discarded_by_attempts,
            shard.discarded_by_attempts,
        ),
        (&mut total.discarded_by_age, shard.discarded_by_age),
        (&mut total.trimmed, shard.trimmed),
        (&mut total.polls, shard.polls),
        (&mut total.invocations, shard.invocations),
        (&mut total.successes, shard.successes),
        (&mut total.failures, shard.failures),
        (&mut total.timeouts, shard.timeouts),
        (&mut total.partial_failures, shard.partial_failures),
        (&mut total.throttles, shard.throttles),
        (&mut total.retries, shard.retries),
        (&mut total.splits, shard.splits),
        (&mut total.discards, shard.discards),
        (&mut total.cold_starts, shard.cold_starts),
        (&mut total.deliveries, shard.deliveries),
        (&mut total.delivered_again, shard.delivered_again),
    ] {
        *sum += count;
    }
    for (most, count) in [
        (&mut total.batch_maximum, shard.batch_maximum),
        (
            &mut total.longest_in_milliseconds,
            shard.longest_in_milliseconds,
        ),
        (
            &mut total.done_after_milliseconds,
            shard.done_after_milliseconds,
        ),
    ] {
        *most = (*most).max(count);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn millis_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

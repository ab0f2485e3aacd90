//! Whether a poller may do what it does, by the settings that hold at that time.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use waterwheel::mapping::progress::Condition;
use waterwheel::mapping::record::{Record, SequenceNumber};

use super::{DAY, Trial, Verdict, brief, ensure};

/// How long former settings may still be seen.
const SLACK: Duration = Duration::from_secs(2);

impl Trial<'_> {
    pub(super) fn may_invoke(&self, shard: &str, at: SystemTime, records: &[Record]) -> Verdict {
        let most = self.most(at, "BatchSize");
        ensure(records.len() as u64 <= most, || {
            format!("{} records in a batch of {most}", records.len())
        })?;
        ensure(records.is_sorted_by_key(|it| &it.sequence_number), || {
            "a batch out of order".to_owned()
        })?;
        let run = &self.runs[shard];
        let most = self.most(at, "ParallelizationFactor");
        ensure((run.under_way.len() as u64) < most, || {
            format!("more than {most} batches at once")
        })?;
        let mut with: BTreeSet<&SequenceNumber> = BTreeSet::new();
        for record in records {
            self.may_hand_over(shard, at, record)?;
            let shares = |other: &Record| other.key == record.key;
            let others = run.under_way.values();
            let is_shared = others.flat_map(|it| it.iter()).any(shares);
            ensure(!is_shared, || format!("two batches share {}", record.key))?;
            let mut earlier = self.earlier(record);
            if let Some(open) =
                earlier.find(|it| !self.settled.contains(*it) && !with.contains(*it))
            {
                let written = &self.truth.records[open];
                let (number, open) = (brief(&record.sequence_number), brief(open));
                return Err(format!(
                    "{}:{number} comes before {open} of {}",
                    record.key, written.shard
                ));
            }
            with.insert(&record.sequence_number);
        }
        let Some(first) = records.first() else {
            return Ok(());
        };
        let is_young = self.any_settings(at, |it| {
            limit(it).is_none_or(|limit| first.created + limit >= at)
        });
        ensure(is_young, || {
            format!("{} is too old", brief(&first.sequence_number))
        })
    }

    /// A record of this shard that the trigger begins with and that its filters let through.
    fn may_hand_over(&self, shard: &str, at: SystemTime, record: &Record) -> Verdict {
        let number = &record.sequence_number;
        let Some(written) = self.truth.records.get(number) else {
            return Err(format!("{} was never written", brief(number)));
        };
        ensure(*written.shard == *shard, || {
            format!("{} is of another shard", brief(number))
        })?;
        ensure(!self.trigger.before.contains(number), || {
            format!("{} was written before the trigger was made", brief(number))
        })?;
        // It may have been read long ago.
        let mut settings = self.trigger.settings.iter().take_while(|it| it.0 <= at);
        ensure(settings.any(|(_, it)| written.passes(it)), || {
            format!("{} passes no filter", brief(number))
        })
    }

    pub(super) fn may_filter(&self, at: SystemTime, number: &SequenceNumber) -> Verdict {
        let Some(written) = self.truth.records.get(number) else {
            return Err(format!("{} was never written", brief(number)));
        };
        ensure(self.any_settings(at, |it| !written.passes(it)), || {
            format!("{} is filtered out, though it passes", brief(number))
        })
    }

    /// A batch is sent for the reason that is told.
    pub(super) fn may_send(&self, at: SystemTime, records: &[Record], reason: &str) -> Verdict {
        let Some(first) = records.first() else {
            return Ok(());
        };
        let is_true = self.any_settings(at, |it| {
            let secs = it["MaximumBatchingWindowInSeconds"].as_u64().unwrap();
            let size = it["BatchSize"].as_u64().unwrap();
            if reason.ends_with("the batch is full") {
                // A tumbling window that ends cuts a full one short.
                records.len() as u64 == size || it["TumblingWindowInSeconds"] != 0
            } else if reason.ends_with("no batching window") {
                secs == 0
            } else if reason.ends_with("the batching window is over") {
                at >= first.created + Duration::from_secs(secs)
            } else {
                true
            }
        });
        ensure(is_true, || format!("{reason} is not true"))
    }

    pub(super) fn may_discard(
        &self,
        at: SystemTime,
        records: &[Record],
        condition: Condition,
        attempts: u32,
    ) -> Verdict {
        let is_due = self.any_settings(at, |it| match condition {
            Condition::RetryAttemptsExhausted => {
                let retries = it["MaximumRetryAttempts"].as_i64().unwrap();
                retries >= 0 && i64::from(attempts) > retries
            }
            Condition::RecordAgeExceeded => {
                let limit = limit(it).map_or(DAY, |limit| limit.min(DAY));
                records.iter().all(|record| record.created + limit < at)
            }
        });
        ensure(is_due, || {
            format!("given up too early: {condition:?} after {attempts}")
        })
    }

    /// Whether there is somewhere to send letters to, whichever settings hold.
    pub(super) fn owes_letter(&self, at: SystemTime) -> bool {
        let destination = |it: &Value| it["DestinationConfig"]["OnFailure"]["Destination"] != "";
        self.settings(at).all(destination)
    }

    /// The settings that may hold at this time.
    fn settings(&self, at: SystemTime) -> impl Iterator<Item = &Value> {
        let all = &self.trigger.settings;
        let numbered = all.iter().enumerate();
        numbered.filter_map(move |(n, (from, settings))| {
            let until = all.get(n + 1).map(|(next, _)| *next + SLACK);
            let holds = (n == 0 || *from <= at) && until.is_none_or(|until| at <= until);
            holds.then_some(settings)
        })
    }

    fn any_settings(&self, at: SystemTime, holds: impl Fn(&Value) -> bool) -> bool {
        self.settings(at).any(holds)
    }

    fn most(&self, at: SystemTime, name: &str) -> u64 {
        let values = self.settings(at).filter_map(|it| it[name].as_u64());
        values.max().unwrap_or(0)
    }
}

fn limit(settings: &Value) -> Option<Duration> {
    let secs = settings["MaximumRecordAgeInSeconds"].as_i64().unwrap();
    u64::try_from(secs).ok().map(Duration::from_secs)
}

//! What AWS counts of event source mappings, minute by minute, from the same steps the story is told of. Pure.
//!
//! AWS publishes the counts of events only where `MetricsConfig` asks for `EventCount`; here everything is counted.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>

use std::collections::{BTreeMap, VecDeque};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::clock::{epoch_millis, from_epoch_millis};
use crate::mapping::progress::{Progress, What};

/// Minutes that are remembered: three hours.
pub const MINUTES_MAX: u64 = 180;
const MINUTE_MILLIS: u64 = 60_000;

/// Records of a stream, counted as AWS's metrics count events. There is no `DeletedEventCount`: nothing is deleted from
/// a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `PolledEventCount`
    pub polled: u64,
    /// `FilteredOutEventCount`
    pub filtered_out: u64,
    /// `InvokedEventCount`: once for every attempt.
    pub invoked: u64,
    /// `FailedInvokeEventCount`: those of an attempt that are to be tried again or given up, throttles included.
    pub failed_invoke: u64,
    /// `DroppedEventCount`: given up, and no destination knows. Records the stream no longer held are not among them.
    pub dropped: u64,
    /// `OnFailureDestinationDeliveredEventCount`
    pub delivered: u64,
}

/// `IteratorAge`: how old the last record of a batch was when the batch was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IteratorAge {
    pub maximum: Duration,
    pub sum: Duration,
    /// Attempts.
    pub samples: u32,
}

/// What was counted in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    pub counts: Counts,
    pub iterator_age: IteratorAge,
}

/// Minutes in which anything was heard of a poller, by their beginnings, oldest first. An idle one is heard of, too.
pub type Minutes = BTreeMap<SystemTime, Minute>;

/// All mappings.
#[derive(Debug, Default)]
pub(super) struct Counters {
    by_mapping: BTreeMap<Arc<str>, Shards>,
}

/// By id; their minutes are those since 1970.
type Shards = BTreeMap<Arc<str>, VecDeque<(u64, Minute)>>;

impl IteratorAge {
    pub fn average(&self) -> Duration {
        self.sum.checked_div(self.samples).unwrap_or_default()
    }
}

impl AddAssign for Minute {
    fn add_assign(&mut self, other: Self) {
        let (counts, more) = (&mut self.counts, other.counts);
        counts.polled += more.polled;
        counts.filtered_out += more.filtered_out;
        counts.invoked += more.invoked;
        counts.failed_invoke += more.failed_invoke;
        counts.dropped += more.dropped;
        counts.delivered += more.delivered;
        let (age, more) = (&mut self.iterator_age, other.iterator_age);
        age.maximum = age.maximum.max(more.maximum);
        age.sum += more.sum;
        age.samples += more.samples;
    }
}

impl Counters {
    pub(super) fn take(&mut self, progress: &Progress) {
        let Some(counted) = counted(progress) else {
            return;
        };
        let minute = epoch_millis(progress.at) / MINUTE_MILLIS;
        let mapping = Arc::clone(&progress.mapping);
        let shards = self.by_mapping.entry(mapping).or_default();
        if !shards.contains_key(&progress.shard) {
            // Shards come and go: those nothing was heard of for long are forgotten.
            let first = first_minute(minute);
            shards.retain(|_, minutes| minutes.back().is_some_and(|(last, _)| *last >= first));
            shards.insert(Arc::clone(&progress.shard), VecDeque::new());
        }
        if let Some(minutes) = shards.get_mut(&progress.shard) {
            *slot(minutes, minute) += counted;
        }
    }

    /// The last three hours of one mapping, by shard.
    pub(super) fn of(&self, uuid: &str, now: SystemTime) -> BTreeMap<Arc<str>, Minutes> {
        let first = first_minute(epoch_millis(now) / MINUTE_MILLIS);
        let shards = self.by_mapping.get(uuid).into_iter().flatten();
        let shards = shards.map(|(shard, minutes)| {
            let minutes = minutes.iter().filter(|(minute, _)| *minute >= first);
            let minutes = minutes.map(|(at, it)| (from_epoch_millis(at * MINUTE_MILLIS), *it));
            (Arc::clone(shard), minutes.collect::<Minutes>())
        });
        shards.filter(|(_, minutes)| !minutes.is_empty()).collect()
    }

    pub(super) fn forget(&mut self, is_gone: impl Fn(&str) -> bool) {
        self.by_mapping.retain(|uuid, _| !is_gone(uuid));
    }
}

/// The place for a minute; what is older than three hours goes.
fn slot(minutes: &mut VecDeque<(u64, Minute)>, minute: u64) -> &mut Minute {
    // A step that is told a moment late counts for the later minute.
    if minutes.back().is_none_or(|(last, _)| *last < minute) {
        let first = first_minute(minute);
        while minutes.front().is_some_and(|(old, _)| *old < first) {
            minutes.pop_front();
        }
        minutes.push_back((minute, Minute::default()));
    }
    let end = minutes.len() - 1;
    &mut minutes[end].1
}

/// The first of three hours of minutes.
fn first_minute(last: u64) -> u64 {
    last.saturating_sub(MINUTES_MAX - 1)
}

fn counted(progress: &Progress) -> Option<Minute> {
    let mut minute = Minute::default();
    let counts = &mut minute.counts;
    match &progress.what {
        What::Polled { records, .. } => counts.polled = count(*records),
        What::FilteredOut { records } => counts.filtered_out = count(records.len()),
        What::Invoking { records, .. } => {
            counts.invoked = count(records.len());
            if let Some(last) = records.last() {
                let age = progress.at.duration_since(last.created).unwrap_or_default();
                minute.iterator_age = IteratorAge {
                    maximum: age,
                    sum: age,
                    samples: 1,
                };
            }
        }
        What::Invoked { failed, .. } => counts.failed_invoke = count(*failed),
        What::Discarded {
            records,
            has_destination: false,
            ..
        } => counts.dropped = count(records.len()),
        What::Delivered { records, error, .. } => match error {
            None => counts.delivered = count(*records),
            Some(_) => counts.dropped = count(*records),
        },
        _ => return None,
    }
    Some(minute)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

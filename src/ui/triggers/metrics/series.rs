//! The metrics of a trigger over time: sixty bars of a minute or three each, and the numbers beside them. Pure.

use std::time::{Duration, SystemTime};

use crate::aws::control::{Counted, Minute, Minutes};
use crate::ui::time;
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Health, Icon};

pub(super) const BARS: usize = 60;
const MINUTE_SECS: u64 = 60;

/// How far back is looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Period {
    #[default]
    Hour,
    ThreeHours,
}

impl Period {
    pub(super) const ALL: [Self; 2] = [Self::Hour, Self::ThreeHours];

    /// As the periods of AWS's consoles are named.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hour => "1 h",
            Self::ThreeHours => "3 h",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Hour => "in the last hour",
            Self::ThreeHours => "in the last 3 hours",
        }
    }

    /// Minutes of one bar.
    fn minutes(self) -> u64 {
        match self {
            Self::Hour => 1,
            Self::ThreeHours => 3,
        }
    }
}

/// One of AWS's metrics of event source mappings, or Lambda's `IteratorAge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Polled,
    FilteredOut,
    Invoked,
    FailedInvoke,
    Dropped,
    Delivered,
    IteratorAge,
}

impl Metric {
    /// In the order of the pipeline.
    pub(super) const ALL: [Self; 7] = [
        Self::Polled,
        Self::FilteredOut,
        Self::Invoked,
        Self::FailedInvoke,
        Self::Dropped,
        Self::Delivered,
        Self::IteratorAge,
    ];

    /// AWS's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Polled => "PolledEventCount",
            Self::FilteredOut => "FilteredOutEventCount",
            Self::Invoked => "InvokedEventCount",
            Self::FailedInvoke => "FailedInvokeEventCount",
            Self::Dropped => "DroppedEventCount",
            Self::Delivered => "OnFailureDestinationDeliveredEventCount",
            Self::IteratorAge => "IteratorAge",
        }
    }

    /// What it counts.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Polled => "Records that were read from the stream",
            Self::FilteredOut => "Records that no filter let through",
            Self::Invoked => "Records the function was called with, once for every attempt",
            Self::FailedInvoke => {
                "Records of calls that failed or were throttled, to be tried again or given up"
            }
            Self::Dropped => {
                "Records that were given up and that no on-failure destination knows of"
            }
            Self::Delivered => {
                "Records that were given up and that the on-failure destination knows of"
            }
            Self::IteratorAge => {
                "How old the last record of a batch was when the function was called"
            }
        }
    }

    pub(super) fn health(self) -> Health {
        match self {
            Self::Polled => Health::Idle,
            Self::FilteredOut => Health::Filtered,
            Self::Invoked | Self::IteratorAge => Health::InFlight,
            Self::FailedInvoke => Health::Retry,
            Self::Dropped => Health::Failed,
            Self::Delivered => Health::Delivered,
        }
    }

    /// The sign that says the same without colour.
    pub(super) fn sign(self) -> Icon {
        match self {
            Self::Polled => Icon::Stream,
            Self::Invoked => Icon::Function,
            Self::IteratorAge => Icon::Clock,
            other => other.health().sign(),
        }
    }

    /// A count as it is, an age with its unit.
    pub(super) fn text(self, value: u64) -> String {
        match self {
            Self::IteratorAge if value == 0 => "0 ms".to_owned(),
            Self::IteratorAge => time::span(Duration::from_millis(value)),
            _ => grouped(value),
        }
    }

    /// Records, or milliseconds; nothing in a minute without a call, whose iterator had no age.
    fn of(self, minute: &Minute) -> Option<u64> {
        let counts = &minute.counts;
        Some(match self {
            Self::Polled => counts.polled,
            Self::FilteredOut => counts.filtered_out,
            Self::Invoked => counts.invoked,
            Self::FailedInvoke => counts.failed_invoke,
            Self::Dropped => counts.dropped,
            Self::Delivered => counts.delivered,
            Self::IteratorAge => {
                let age = &minute.iterator_age;
                return (age.samples > 0).then(|| millis(age.maximum));
            }
        })
    }
}

/// One metric over a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) metric: Metric,
    pub(super) period: Period,
    /// Where the first bar begins.
    pub(super) begins: SystemTime,
    /// Oldest first; nothing was heard of the poller where there is none.
    pub(super) bars: Vec<Option<u64>>,
    /// The sum of all; of ages the highest.
    pub(super) whole: Option<u64>,
    /// Of ages: over all calls.
    pub(super) average: Option<u64>,
    /// The last minute of which anything is known, and its value.
    pub(super) latest: Option<(SystemTime, u64)>,
}

impl Series {
    pub(super) fn of(metric: Metric, minutes: &Minutes, period: Period, now: SystemTime) -> Self {
        let each = period.minutes() * MINUTE_SECS;
        let last = secs(now) / each;
        let first = (last + 1).saturating_sub(BARS as u64);
        let mut series = Self {
            metric,
            period,
            begins: SystemTime::UNIX_EPOCH + Duration::from_secs(first * each),
            bars: vec![None; BARS],
            whole: None,
            average: None,
            latest: None,
        };
        let mut all = Minute::default();
        for (at, minute) in minutes {
            let nth = (secs(*at) / each).checked_sub(first);
            let nth = nth.and_then(|it| usize::try_from(it).ok());
            let Some(bar) = nth.and_then(|it| series.bars.get_mut(it)) else {
                continue;
            };
            let Some(value) = metric.of(minute) else {
                continue;
            };
            all += *minute;
            *bar = Some(bar.map_or(value, |sum| match metric {
                Metric::IteratorAge => sum.max(value),
                _ => sum + value,
            }));
            series.latest = Some((*at, value));
        }
        if series.latest.is_some() {
            series.whole = metric.of(&all);
            series.average =
                (metric == Metric::IteratorAge).then(|| millis(all.iterator_age.average()));
        }
        series
    }

    /// The highest bar.
    pub(super) fn peak(&self) -> u64 {
        self.bars.iter().flatten().copied().max().unwrap_or(0)
    }

    /// When a bar begins, and the last minute of it.
    pub(super) fn span_of(&self, nth: usize) -> (SystemTime, SystemTime) {
        let minutes = self.period.minutes();
        let minute = |nth: u64| self.begins + Duration::from_secs(nth * MINUTE_SECS);
        let first = nth as u64 * minutes;
        (minute(first), minute(first + minutes - 1))
    }
}

/// The minutes of one shard, or of all of them together.
pub(super) fn minutes_of(counted: &Counted, shard: Option<&str>) -> Minutes {
    let mut all = Minutes::new();
    let shards = counted.shards.iter();
    for (_, minutes) in shards.filter(|(id, _)| shard.is_none_or(|it| it == &***id)) {
        for (at, minute) in minutes {
            *all.entry(*at).or_default() += *minute;
        }
    }
    all
}

/// Whether anything happened in these minutes: those of an idle poller say that nothing did.
pub(super) fn is_quiet<'a>(mut minutes: impl Iterator<Item = &'a Minute>) -> bool {
    minutes.all(|it| *it == Minute::default())
}

/// How long the minute of this time still lasts.
pub(super) fn minute_ends_in(now: SystemTime) -> Duration {
    Duration::from_secs(MINUTE_SECS - secs(now) % MINUTE_SECS)
}

/// The number of the minute of this time, since 1970.
pub(super) fn minute_of(now: SystemTime) -> u64 {
    secs(now) / MINUTE_SECS
}

fn secs(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(minute: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(minute * MINUTE_SECS)
    }

    fn polled(records: u64) -> Minute {
        let mut minute = Minute::default();
        minute.counts.polled = records;
        minute
    }

    fn called(ages: &[u64]) -> Minute {
        let mut minute = Minute::default();
        let ages = ages.iter().copied().map(Duration::from_secs);
        minute.iterator_age.maximum = ages.clone().max().unwrap();
        minute.iterator_age.samples = u32::try_from(ages.len()).unwrap();
        minute.iterator_age.sum = ages.sum();
        minute
    }

    #[test]
    fn the_last_bar_is_the_minute_of_now_and_what_is_older_than_the_period_is_left_out() {
        let minutes = Minutes::from([
            (at(100), polled(9)),
            (at(141), polled(3)),
            (at(200), polled(4)),
        ]);
        let now = at(200) + Duration::from_secs(30);
        let hour = Series::of(Metric::Polled, &minutes, Period::Hour, now);
        assert_eq!(hour.bars.len(), BARS);
        assert_eq!((hour.bars[0], hour.bars[59]), (Some(3), Some(4)));
        assert_eq!((hour.whole, hour.peak()), (Some(7), 4));
        assert_eq!(hour.latest, Some((at(200), 4)));
        assert_eq!(hour.span_of(59), (at(200), at(200)));
        let three = Series::of(Metric::Polled, &minutes, Period::ThreeHours, now);
        assert_eq!(three.whole, Some(16));
        assert_eq!(three.span_of(59), (at(198), at(200)));
    }

    #[test]
    fn a_bar_of_three_minutes_adds_counts_and_takes_the_highest_age() {
        let both = |records, ages: &[u64]| Minute {
            counts: polled(records).counts,
            ..called(ages)
        };
        let minutes = Minutes::from([(at(198), both(2, &[9, 1])), (at(199), both(3, &[2]))]);
        let last = |metric| {
            let series = Series::of(metric, &minutes, Period::ThreeHours, at(200));
            (series.bars[59], series.whole, series.average)
        };
        assert_eq!(last(Metric::Polled), (Some(5), Some(5), None));
        let ages = (Some(9000), Some(9000), Some(4000));
        assert_eq!(last(Metric::IteratorAge), ages);
    }

    #[test]
    fn without_a_call_there_is_no_age_and_its_latest_is_that_of_the_last_call() {
        let minutes = Minutes::from([(at(198), called(&[5])), (at(200), polled(0))]);
        let series = Series::of(Metric::IteratorAge, &minutes, Period::Hour, at(200));
        assert_eq!(series.latest, Some((at(198), 5000)));
        let idle = Minutes::from([(at(200), polled(0))]);
        let series = Series::of(Metric::IteratorAge, &idle, Period::Hour, at(200));
        assert_eq!((series.whole, series.average), (None, None));
        assert!(is_quiet(idle.values()) && !is_quiet(minutes.values()));
    }

    #[test]
    fn shards_are_summed_unless_one_is_chosen() {
        let counted = Counted {
            is_published: false,
            shards: [("a", 1), ("b", 2)]
                .map(|(id, records)| (Arc::from(id), Minutes::from([(at(1), polled(records))])))
                .into(),
        };
        assert_eq!(minutes_of(&counted, None)[&at(1)], polled(3));
        assert_eq!(minutes_of(&counted, Some("b"))[&at(1)], polled(2));
        assert!(minutes_of(&counted, Some("gone")).is_empty());
    }

    #[test]
    fn an_age_is_told_with_its_unit_and_a_count_without() {
        assert_eq!(Metric::IteratorAge.text(0), "0 ms");
        assert_eq!(Metric::IteratorAge.text(4200), "4.2 s");
        assert_eq!(Metric::Polled.text(12_480), "12,480");
        assert_eq!(
            minute_ends_in(at(3) + Duration::from_secs(59)),
            Duration::from_secs(1)
        );
    }
}

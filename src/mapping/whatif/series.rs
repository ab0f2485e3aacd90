//! A level over time, in at most a few hundred intervals however long the time is. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most intervals; beyond it they become twice as long.
const LEVELS_MAX: usize = 240;
const FIRST: Duration = Duration::from_secs(1);

/// A level over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Levels {
    /// Length of every interval; the first begins where the what-if does.
    pub interval_in_milliseconds: u64,
    pub levels: Vec<Level>,
}

/// One interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Level {
    pub maximum: f64,
    /// 0 where nothing was measured.
    pub average: f64,
    /// Whether anything was.
    pub is_measured: bool,
}

/// Gathers measurements, each with a weight.
#[derive(Debug)]
pub(super) struct Series {
    interval: Duration,
    sums: Vec<Sum>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    maximum: f64,
    weighted: f64,
    weight: f64,
}

impl Series {
    pub(super) fn new() -> Self {
        Self {
            interval: FIRST,
            sums: Vec::new(),
        }
    }

    /// A measurement at this time after the beginning.
    pub(super) fn add(&mut self, after: Duration, value: f64) {
        self.weigh(after, value, 1.0);
    }

    /// A level that held from one time to another.
    pub(super) fn hold(&mut self, from: Duration, to: Duration, value: f64) {
        self.room(to);
        let mut from = from;
        while from < to {
            let place = from.as_nanos() / self.interval.as_nanos() + 1;
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let end = self.interval.saturating_mul(place).min(to);
            self.weigh(from, value, end.saturating_sub(from).as_secs_f64());
            from = end;
        }
    }

    /// Rounded to `decimals`.
    pub(super) fn finish(self, decimals: i32) -> Levels {
        let levels = self.sums.iter().map(|sum| Level {
            maximum: rounded(sum.maximum, decimals),
            average: if sum.weight > 0.0 {
                rounded(sum.weighted / sum.weight, decimals)
            } else {
                0.0
            },
            is_measured: sum.weight > 0.0,
        });
        Levels {
            interval_in_milliseconds: u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX),
            levels: levels.collect(),
        }
    }

    fn weigh(&mut self, after: Duration, value: f64, weight: f64) {
        let place = self.room(after);
        let sum = &mut self.sums[place];
        sum.maximum = sum.maximum.max(value);
        sum.weighted += value * weight;
        sum.weight += weight;
    }

    /// Makes room for this time; its place.
    fn room(&mut self, after: Duration) -> usize {
        loop {
            let place = after.as_nanos() / self.interval.as_nanos();
            match usize::try_from(place) {
                Ok(place) if place < LEVELS_MAX => {
                    if self.sums.len() <= place {
                        self.sums.resize(place + 1, Sum::default());
                    }
                    return place;
                }
                _ => self.double(),
            }
        }
    }

    fn double(&mut self) {
        self.interval *= 2;
        let joined = self.sums.chunks(2).map(|pair| {
            let mut sum = pair[0];
            if let Some(next) = pair.get(1) {
                sum.maximum = sum.maximum.max(next.maximum);
                sum.weighted += next.weighted;
                sum.weight += next.weight;
            }
            sum
        });
        self.sums = joined.collect();
    }
}

/// To so many decimals.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_until_the_whole_time_fits() {
        let mut series = Series::new();
        for second in 0..1000_u32 {
            series.add(Duration::from_secs(u64::from(second)), f64::from(second));
        }
        let levels = series.finish(3);
        assert_eq!(levels.interval_in_milliseconds, 8000);
        assert_eq!(levels.levels.len(), 125);
        assert_eq!(
            levels.levels[1],
            Level {
                maximum: 15.0,
                average: 11.5,
                is_measured: true
            }
        );
    }

    #[test]
    fn a_level_that_holds_weighs_by_its_time() {
        let mut series = Series::new();
        let at = Duration::from_millis;
        series.hold(at(0), at(500), 0.0);
        series.hold(at(500), at(2250), 2.0);
        let levels = series.finish(3).levels;
        let two = |average| Level {
            maximum: 2.0,
            average,
            is_measured: true,
        };
        assert_eq!(levels, [two(1.0), two(2.0), two(2.0)]);
    }
}

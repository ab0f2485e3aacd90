//! How much happened in each of the last seconds. Pure.

use std::collections::VecDeque;
use std::time::SystemTime;

/// Seconds kept.
pub const SECONDS: usize = 120;

/// Counts by whole second of the cloud's time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// (second since 1970, count), oldest first.
    seconds: VecDeque<(u64, u64)>,
}

impl Rate {
    pub fn add(&mut self, at: SystemTime, count: u64) {
        let second = second(at);
        match self.seconds.back_mut() {
            Some((last, sum)) if *last >= second => *sum += count,
            _ => self.seconds.push_back((second, count)),
        }
        while self.seconds.len() > SECONDS {
            self.seconds.pop_front();
        }
    }

    /// Mean per second over the last five full seconds before `now`.
    pub fn per_sec(&self, now: SystemTime) -> f64 {
        const OVER: u32 = 5;
        let end = second(now);
        let start = end.saturating_sub(u64::from(OVER));
        let sum: u64 = self
            .seconds
            .iter()
            .filter(|(at, _)| (start..end).contains(at))
            .map(|(_, count)| count)
            .sum();
        f64::from(u32::try_from(sum).unwrap_or(u32::MAX)) / f64::from(OVER)
    }

    /// One value per second for the last `length` seconds, oldest first.
    pub fn history(&self, now: SystemTime, length: usize) -> Vec<f32> {
        let end = second(now);
        let start = end.saturating_sub(u64::try_from(length).unwrap_or(0));
        let mut values = vec![0.0; length];
        for (at, count) in &self.seconds {
            if let Some(slot) = at
                .checked_sub(start)
                .and_then(|slot| usize::try_from(slot).ok())
                .and_then(|slot| values.get_mut(slot))
            {
                *slot = f32::from(u16::try_from(*count).unwrap_or(u16::MAX));
            }
        }
        values
    }

    /// Something was counted in the last second.
    pub fn is_moving(&self, now: SystemTime) -> bool {
        let last = self.seconds.back();
        last.is_some_and(|(at, count)| *count > 0 && at + 1 >= second(now))
    }
}

fn second(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
    }

    #[test]
    fn a_rate_is_the_mean_of_the_last_five_full_seconds() {
        let mut rate = Rate::default();
        for second in 100..105 {
            rate.add(at(second), 40);
        }
        assert!((rate.per_sec(at(105)) - 40.0).abs() < 1e-9);
        assert!((rate.per_sec(at(107)) - 24.0).abs() < 1e-9);
        assert!(rate.is_moving(at(105)));
        assert!(!rate.is_moving(at(107)));
    }

    #[test]
    fn a_history_has_a_value_for_every_second() {
        let mut rate = Rate::default();
        rate.add(at(98), 2);
        rate.add(at(100), 3);
        assert_eq!(rate.history(at(101), 4), [0.0, 2.0, 0.0, 3.0]);
    }
}

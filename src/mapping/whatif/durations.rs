//! How long a call takes: a line through what was measured, and how far calls lie off it. Pure.

use std::time::Duration;

use super::model::{Durations, Sample};

/// Seconds for a call and for each of its records, and differences to draw from.
#[derive(Debug)]
pub(super) struct Line {
    call: f64,
    record: f64,
    /// Empty where nothing is drawn.
    off: Vec<f64>,
    /// All samples had the same number of records, so nothing is known of a record.
    pub(super) is_flat: bool,
}

impl Line {
    pub(super) fn new(durations: &Durations) -> Self {
        let straight = |call: Duration, record: Duration| Self {
            call: call.as_secs_f64(),
            record: record.as_secs_f64(),
            off: Vec::new(),
            is_flat: false,
        };
        match durations {
            Durations::Constant(took) => straight(*took, Duration::ZERO),
            Durations::PerRecord { call, record } => straight(*call, *record),
            Durations::Measured(samples) => Self::through(samples),
        }
    }

    /// The line with the least squares. Neither a call nor a record takes less than no time.
    fn through(samples: &[Sample]) -> Self {
        let points: Vec<(f64, f64)> = samples
            .iter()
            .map(|it| (f64::from(it.records), it.took.as_secs_f64()))
            .collect();
        let count = points.iter().map(|_| 1.0).sum::<f64>().max(1.0);
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (records, took) = (mean(|it| it.0), mean(|it| it.1));
        let spread: f64 = points.iter().map(|it| (it.0 - records).powi(2)).sum();
        let both: f64 = points
            .iter()
            .map(|it| (it.0 - records) * (it.1 - took))
            .sum();
        let is_flat = spread <= 0.0;
        let mut record = if is_flat {
            0.0
        } else {
            (both / spread).max(0.0)
        };
        let mut call = took - record * records;
        if call < 0.0 {
            // Through nothing: a call without records takes no time.
            let squares: f64 = points.iter().map(|it| it.0.powi(2)).sum();
            let products: f64 = points.iter().map(|it| it.0 * it.1).sum();
            record = products / squares.max(1.0);
            call = 0.0;
        }
        let off = points.iter().map(|it| it.1 - call - record * it.0);
        Self {
            off: off.collect(),
            call,
            record,
            is_flat,
        }
    }

    /// `draw` is any number; the same number gives the same duration. Whole microseconds.
    pub(super) fn took(&self, records: usize, draw: impl FnOnce() -> u64) -> Duration {
        let records = f64::from(u32::try_from(records).unwrap_or(u32::MAX));
        let mut secs = self.call + self.record * records;
        if !self.off.is_empty() {
            let at = draw() % self.off.len() as u64;
            secs += self.off[usize::try_from(at).unwrap_or(0)];
        }
        let took = Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or(Duration::MAX);
        // Less is the noise of fractions.
        let micros = (took + Duration::from_nanos(500)).as_micros();
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(samples: &[(u32, u64)]) -> Line {
        let samples = samples.iter().map(|(records, millis)| Sample {
            records: *records,
            took: Duration::from_millis(*millis),
        });
        Line::new(&Durations::Measured(samples.collect()))
    }

    #[test]
    fn a_line_through_samples_tells_a_call_from_a_record() {
        let line = measured(&[(10, 120), (100, 210), (50, 160)]);
        for draw in 0..3 {
            assert_eq!(line.took(1, || draw), Duration::from_millis(111));
            assert_eq!(line.took(1000, || draw), Duration::from_millis(1110));
        }
        assert!(!line.is_flat);
    }

    #[test]
    fn what_lies_off_the_line_is_drawn() {
        let line = measured(&[(10, 100), (10, 300), (20, 200), (20, 400)]);
        let drawn = [0, 1, 2, 3].map(|draw| line.took(10, || draw).as_millis());
        assert_eq!(drawn, [100, 300, 100, 300]);
        assert_eq!(line.took(40, || 1), Duration::from_millis(600));
    }

    #[test]
    fn samples_of_one_size_say_nothing_of_a_record() {
        let line = measured(&[(100, 200), (100, 400)]);
        assert!(line.is_flat);
        assert_eq!(line.took(1, || 1), Duration::from_millis(400));
    }

    #[test]
    fn no_call_takes_less_than_no_time() {
        let line = measured(&[(10, 10), (100, 1000), (110, 1100)]);
        assert!(line.took(0, || 0) < Duration::from_millis(10));
        let falling = measured(&[(10, 200), (20, 100)]);
        assert_eq!(falling.took(10, || 0), Duration::from_millis(200));
        assert_eq!(falling.took(1000, || 1), Duration::from_millis(100));
    }
}

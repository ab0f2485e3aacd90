//! What the function is taken to do: how long it runs and when it fails. Plain data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::mapping::filter::Filters;
use crate::mapping::record::SequenceNumber;

/// Most patterns that may say which records fail.
pub(super) const PATTERNS_MAX: usize = 8;

/// Stands in for the function.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub durations: Durations,
    /// Added to the first call of every new execution environment. An environment that was idle for ten minutes is gone.
    pub cold_start: Duration,
    /// A call that would take longer fails after this time, cold start not counted.
    pub timeout: Option<Duration>,
    /// Any of them makes a call fail.
    pub failures: Vec<Failure>,
    /// With `ReportBatchItemFailures` on, the function names the records that failed and does the others; otherwise it
    /// throws.
    pub reports_failures: bool,
    /// Calls beyond this many at once are throttled; 0 throttles all.
    pub concurrency_max: Option<u32>,
    /// 128 to 10,240; for the estimate of GB-seconds only.
    pub memory_mb: u32,
}

/// How long calls take.
#[derive(Clone, Debug, PartialEq)]
pub enum Durations {
    Constant(Duration),
    /// So much for a call, and so much for each of its records.
    PerRecord {
        call: Duration,
        record: Duration,
    },
    /// Drawn from what was measured. The line that fits the samples best says what a call and a record take; how far a
    /// sample lies off that line is what is drawn. Samples of one size only say nothing of a record: then a call takes
    /// as long for many records as for few.
    Measured(Vec<Sample>),
}

/// One measured call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub records: u32,
    pub took: Duration,
}

/// When calls fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// Every nth call, from 1; all shards count together, throttled calls do not.
    EveryNth(u32),
    /// This share of calls, 0 to 1.
    Share(f64),
    /// Calls with a record that matches this filter pattern: always, or in the first deliveries of that record only.
    Matching {
        pattern: String,
        deliveries: Option<u32>,
    },
    /// Calls with one of these records, in so many of its first deliveries; `u32::MAX` is always.
    Records(BTreeMap<SequenceNumber, u32>),
}

/// A field that cannot be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// `Failures[0].Pattern`
    pub field: String,
    pub problem: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl Default for Model {
    /// A function of 128 MB that takes 100 ms and never fails.
    fn default() -> Self {
        Self {
            durations: Durations::Constant(Duration::from_millis(100)),
            cold_start: Duration::ZERO,
            timeout: None,
            failures: Vec::new(),
            reports_failures: true,
            concurrency_max: None,
            memory_mb: 128,
        }
    }
}

impl Model {
    /// Everything that is wrong with it.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if matches!(&self.durations, Durations::Measured(samples) if samples.is_empty()) {
            found.push(Violation::new(
                "Durations",
                "there are no measured calls to draw from",
            ));
        }
        if !(128..=10_240).contains(&self.memory_mb) {
            let problem = "a function has 128 to 10,240 MB";
            found.push(Violation::new("MemorySize", problem));
        }
        if self.timeout == Some(Duration::ZERO) {
            found.push(Violation::new("Timeout", "a call needs some time"));
        }
        let mut patterns = 0;
        for (at, failure) in self.failures.iter().enumerate() {
            let (member, problem) = match failure {
                Failure::EveryNth(0) => ("EveryNth", "counts from 1".to_owned()),
                Failure::Share(share) if !(0.0..=1.0).contains(share) => {
                    ("Share", "a share is between 0 and 1".to_owned())
                }
                Failure::Matching { pattern, .. } => {
                    patterns += 1;
                    match Filters::parse(std::slice::from_ref(pattern)) {
                        Err(bad) => ("Pattern", bad.reason),
                        Ok(_) if patterns > PATTERNS_MAX => {
                            let problem = format!("at most {PATTERNS_MAX} patterns can be tried");
                            ("Pattern", problem)
                        }
                        Ok(_) => continue,
                    }
                }
                Failure::EveryNth(_) | Failure::Share(_) | Failure::Records(_) => continue,
            };
            found.push(Violation::new(format!("Failures[{at}].{member}"), problem));
        }
        found
    }
}

//! What another configuration would have done to a recorded stretch of a stream. Pure: no I/O, no clock, no async.
//!
//! The same [`ShardConsumer`](super::ShardConsumer) that works for a trigger is told of recorded records on a virtual
//! clock, and a [`Model`] answers in the function's place. Of one stretch, plan and seed there is one report.

mod compare;
mod durations;
mod function;
mod gather;
mod line;
mod model;
mod play;
mod report;
mod series;
mod stretch;

use std::time::{Duration, SystemTime};

pub use compare::{Better, Row, compare};
pub use model::{Durations, Failure, Model, Sample, Violation};
pub use report::{BatchSize, Note, Report, ShardReport, Tally};
pub use series::{Level, Levels};
pub use stretch::{Shard, Stretch, Written};

use super::assumed::Assumed;
use super::config::MappingConfig;
use super::consumer::Rules;
use super::pace::Pace;
use super::progress::Progress;
use play::Play;

/// A configuration to try and the function to try it with.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The starting position is of no account: the stretch is read from its beginning.
    pub config: MappingConfig,
    pub pace: Pace,
    pub assumed: Assumed,
    pub model: Model,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// When the trigger begins to read; with the first record where there is none. Later than that, it finds a backlog.
    pub starts: Option<SystemTime>,
    /// From the request for a page to its arrival.
    pub poll_latency: Duration,
}

impl Plan {
    /// This configuration and function, read four times a second from the first record on.
    pub fn new(config: MappingConfig, model: Model) -> Self {
        Self {
            config,
            pace: Pace::default(),
            assumed: Assumed::default(),
            model,
            seed: 1,
            starts: None,
            poll_latency: Duration::ZERO,
        }
    }
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Everything that is wrong with the plan, each with its field.
    #[error("{}", words(.0))]
    Plan(Vec<Violation>),
    /// The stretch is none that a stream could have.
    #[error("{0}")]
    Stretch(String),
    #[error("the what-if was called off")]
    Cancelled,
}

/// Plays the stretch under the plan. `is_cancelled` is asked now and then.
///
/// # Errors
/// Fails where the plan or the stretch makes no sense, or where it was called off.
pub fn run(
    stretch: &Stretch,
    plan: &Plan,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Report, Refused> {
    run_told(stretch, plan, is_cancelled, &mut |_| ())
}

/// The same, and tells what the trigger would tell its watchers, in order.
///
/// # Errors
/// As [`run`].
pub fn run_told(
    stretch: &Stretch,
    plan: &Plan,
    is_cancelled: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Report, Refused> {
    let mut violations = plan.model.violations();
    let rules = match Rules::new(plan.config.clone()) {
        Ok(rules) => Some(rules.at(plan.pace).assuming(plan.assumed)),
        Err(bad) => {
            violations.push(Violation::new("FilterCriteria", bad.reason));
            None
        }
    };
    let Some(rules) = rules.filter(|_| violations.is_empty()) else {
        return Err(Refused::Plan(violations));
    };
    stretch.check().map_err(Refused::Stretch)?;
    Play::new(stretch, plan, rules, tell).run(is_cancelled)
}

fn words(violations: &[Violation]) -> String {
    let words: Vec<String> = violations.iter().map(Violation::to_string).collect();
    words.join("; ")
}

#[cfg(test)]
mod tests;

//! What a trigger would have done with other settings: records still in the stream, played beside everything else.
//!
//! Nothing is invoked and nothing moves. One simulation works at a time, on a thread of its own; it ends soon after
//! nobody waits for it any more.

mod function;
mod recorded;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::pollers::mapping;
use super::{input, time, without_nulls};
use crate::clock::{epoch_secs, iso_millis};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Later};
use crate::engine::lambda::{self, proposed_settings};
use crate::engine::state::Mapping;
use crate::engine::streams::{self, PastLimits, Range};
use crate::mapping::MappingConfig;
use crate::mapping::assumed::Assumed;
use crate::mapping::config::PARAMETERS;
use crate::mapping::pace::Pace;
use crate::mapping::whatif::{self, Plan, Refused, Report, Stretch};
use crate::mapping::words::span;
use function::{Function, FunctionInput};

/// Longest that one request may be worked on.
const TIME_MAX: Duration = Duration::from_mins(1);
/// Settings beside those of [`PARAMETERS`] that can be tried.
const SETTINGS: [&str; 6] = [
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "FunctionResponseTypes",
    "KMSKeyArn",
    "MetricsConfig",
];

/// Lets one simulation work at a time.
pub struct Live {
    turn: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Self { turn }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Simulate {
    #[serde(rename = "UUID")]
    uuid: String,
    #[serde(default)]
    stretch: StretchInput,
    now: Option<Value>,
    proposed: Option<Value>,
    #[serde(default)]
    function: FunctionInput,
    seed: Option<u64>,
    starts_at: Option<f64>,
    poll: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StretchInput {
    since: Option<f64>,
    until: Option<f64>,
    shard_id: Option<String>,
    first_sequence_number: Option<String>,
    last_sequence_number: Option<String>,
}

/// A request that makes sense as far as it can be told without the records.
struct Job {
    engine: Engine,
    mapping: Mapping,
    range: Range,
    now: MappingConfig,
    proposed: Option<MappingConfig>,
    function: FunctionInput,
    seed: u64,
    starts: Option<SystemTime>,
    pace: Pace,
    assumed: Assumed,
}

/// Tells the thread that nobody waits any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) fn run(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let job = Job::new(&engine, &call)?;
        let turn = Arc::clone(&engine.control().turn).acquire_owned().await;
        let is_gone = Arc::new(AtomicBool::new(false));
        let waiting = Waiting(Arc::clone(&is_gone));
        let done = tokio::task::spawn_blocking(move || {
            // Until the thread is through, whoever waits for it.
            let _turn = turn;
            job.work(&is_gone)
        })
        .await;
        drop(waiting);
        done.unwrap_or_else(|error| Err(Fault::internal(error.to_string())))
    })
}

impl Job {
    fn new(engine: &Engine, call: &Call) -> Result<Self, Fault> {
        let asked: Simulate = input(call)?;
        let mapping = mapping(engine, &asked.uuid)?;
        let config = |member: &str, given: Option<&Value>| match given {
            None => Ok(None),
            Some(given) => settings(engine, &mapping, given)
                .map(Some)
                .map_err(|fault| within(member, fault)),
        };
        let now = config("Now", asked.now.as_ref())?;
        let proposed = config("Proposed", asked.proposed.as_ref())?;
        let since = |member: &str, secs: Option<f64>| time(&format!("Stretch.{member}"), secs);
        let pace = asked.poll.as_deref().map(str::parse).transpose();
        let pace = pace.map_err(|wrong| Fault::validation(format!("Poll: {wrong}")))?;
        Ok(Self {
            range: Range {
                since: since("Since", asked.stretch.since)?,
                until: since("Until", asked.stretch.until)?,
                shard: asked.stretch.shard_id,
                first: asked.stretch.first_sequence_number,
                last: asked.stretch.last_sequence_number,
            },
            now: now.unwrap_or_else(|| mapping.config.clone()),
            proposed,
            function: asked.function,
            seed: asked.seed.unwrap_or(1),
            starts: time("StartsAt", asked.starts_at)?,
            pace: pace.unwrap_or_else(|| engine.settings().poll),
            assumed: engine.settings().assumed,
            engine: engine.clone(),
            mapping,
        })
    }

    fn work(self, is_gone: &AtomicBool) -> Answer {
        let watch = self.engine.clock().stopwatch();
        let is_late = || watch.elapsed() > TIME_MAX;
        let is_over = || is_gone.load(Ordering::Relaxed) || is_late();
        let answer = self.answer(&is_over);
        if answer.is_err() && is_late() {
            return Err(Fault::new(
                400,
                "LimitExceededException",
                format!(
                    "The simulation took longer than {}: choose a shorter stretch with Since and Until, or name a ShardId",
                    span(TIME_MAX)
                ),
            ));
        }
        answer
    }

    fn answer(&self, is_over: &dyn Fn() -> bool) -> Answer {
        let (engine, arn) = (&self.engine, &self.mapping.stream_arn);
        let limits = PastLimits::default();
        let stretch = streams::past(engine, arn, &self.range, limits, is_over)?;
        let Some((first, last)) = stretch.span() else {
            return Err(Fault::validation(
                "There is no record in this stretch: write some, or leave out what limits it",
            ));
        };
        if self.starts.is_some_and(|it| it > last + streams::RETENTION) {
            return Err(Fault::validation(
                "StartsAt: 24 hours after the last record of the stretch nothing is left to read",
            ));
        }
        let (story, _) = engine.watch();
        let function = Function::new(engine, &self.mapping, &self.function, &story, &stretch)?;
        drop(story);
        let now = self.play(&stretch, &self.now, &function, is_over)?;
        let mut answer = json!({
            "Stretch": {
                "Records": stretch.len(),
                "Shards": stretch.shards.len(),
                "First": epoch_secs(first),
                "Last": epoch_secs(last),
            },
            "Function": function.described(),
            "Now": side(&self.now, &now)?,
            "Remarks": function.remarks(),
        });
        if let Some(config) = &self.proposed {
            let proposed = self.play(&stretch, config, &function, is_over)?;
            answer["Proposed"] = side(config, &proposed)?;
            answer["Comparison"] = told(&whatif::compare(&now, &proposed))?;
        }
        Ok(answer.into())
    }

    fn play(
        &self,
        stretch: &Stretch,
        config: &MappingConfig,
        function: &Function,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Report, Fault> {
        let plan = Plan {
            pace: self.pace,
            assumed: self.assumed,
            seed: self.seed,
            starts: self.starts,
            ..Plan::new(config.clone(), function.model().clone())
        };
        whatif::run(stretch, &plan, is_over).map_err(|refused| {
            Fault::validation(match &refused {
                Refused::Plan(_) => format!("Function.{refused}"),
                Refused::Stretch(_) | Refused::Cancelled => refused.to_string(),
            })
        })
    }
}

/// What Lambda would make of these settings in an update of the mapping.
fn settings(engine: &Engine, mapping: &Mapping, given: &Value) -> Result<MappingConfig, Fault> {
    let members = given.as_object().ok_or_else(|| {
        Fault::validation(
            "give the members of UpdateEventSourceMapping, or {} for the mapping's own",
        )
    })?;
    let known = PARAMETERS.iter().map(|it| it.name).chain(SETTINGS);
    let known: Vec<&str> = known.collect();
    let unknown = members.keys().find(|it| {
        let name = it.as_str();
        !known.contains(&name) && !lambda::is_for_other_sources(name)
    });
    if let Some(name) = unknown {
        let known = known.join(", ");
        return Err(Fault::validation(format!(
            "{name} is no setting that can be tried; those are {known}"
        )));
    }
    proposed_settings(engine, mapping, given)
}

fn within(member: &str, fault: Fault) -> Fault {
    let message = format!("{member}: {}", fault.message);
    Fault { message, ..fault }
}

fn side(config: &MappingConfig, report: &Report) -> Result<Value, Fault> {
    Ok(json!({ "Configuration": config.to_aws(), "Report": told(report)? }))
}

fn told(told: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(told).map_err(|error| Fault::internal(error.to_string()))
}

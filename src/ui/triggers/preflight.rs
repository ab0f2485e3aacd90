//! Will this trigger work? Checks before it is made, each with a way to mend it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionConfiguration};

use crate::arn::Arn;
use crate::aws::iam::{Decision, Verdict, trigger_needs};
use crate::aws::{self, Aws, Error};
use crate::mapping::filter::Filters;
use crate::mapping::{MappingConfig, Record};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdictness {
    Good,
    /// It will work, but not as most people want.
    Warning,
    Bad,
}

/// What would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// Show what would let a role, by its name, do what it may not.
    Role(String),
    /// Make a queue and use it as on-failure destination.
    AddQueue(String),
    /// Show the mapping that is there already.
    OpenTrigger(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) verdict: Verdictness,
    pub(super) words: String,
    pub(super) fix: Option<Fix>,
}

impl Check {
    fn new(verdict: Verdictness, words: impl Into<String>) -> Self {
        Self {
            verdict,
            words: words.into(),
            fix: None,
        }
    }
}

/// What is to be checked.
pub(super) struct Plan<'a> {
    pub(super) table: Option<&'a TableDescription>,
    pub(super) stream_arn: &'a str,
    pub(super) function: Option<&'a FunctionConfiguration>,
    pub(super) mappings: &'a [EventSourceMappingConfiguration],
    pub(super) config: &'a MappingConfig,
    /// Verdicts for the function's role, once they are there.
    pub(super) verdicts: Option<&'a [Verdict]>,
}

pub(super) fn checks(plan: &Plan<'_>) -> Vec<Check> {
    let mut found = vec![stream_check(plan), readers_check(plan)];

    found.extend(duplicate_check(plan));
    found.extend(role_check(plan));
    found.extend(timeout_check(plan));
    found.extend(destination_check(plan));
    found
}

fn stream_check(plan: &Plan<'_>) -> Check {
    let current = plan
        .table
        .filter(|it| it.latest_stream_arn() == Some(plan.stream_arn));
    let enabled = current
        .and_then(|it| it.stream_specification())
        .filter(|it| it.stream_enabled());
    match enabled.and_then(|it| it.stream_view_type()) {
        Some(view) => Check::new(
            Verdictness::Good,
            format!("Stream is on, {}", view.as_str()),
        ),
        None => Check::new(
            Verdictness::Bad,
            "The stream is off: turn it on in the table's Stream tab",
        ),
    }
}

fn readers_check(plan: &Plan<'_>) -> Check {
    let readers = plan
        .mappings
        .iter()
        .filter(|it| it.event_source_arn() == Some(plan.stream_arn))
        .count();
    let words = format!(
        "{} of 2 readers used on each shard with this one",
        readers + 1
    );
    let verdict = if readers < 2 {
        Verdictness::Good
    } else {
        Verdictness::Warning
    };
    Check::new(verdict, words)
}

fn duplicate_check(plan: &Plan<'_>) -> Option<Check> {
    let arn = plan.function?.function_arn()?;
    let there = plan.mappings.iter().find(|it| {
        it.event_source_arn() == Some(plan.stream_arn) && it.function_arn() == Some(arn)
    })?;
    let words = "This function already has a trigger on this stream";
    Some(Check {
        fix: there.uuid().map(|it| Fix::OpenTrigger(it.to_owned())),
        ..Check::new(Verdictness::Bad, words)
    })
}

fn role_check(plan: &Plan<'_>) -> Option<Check> {
    let verdicts = plan.verdicts?;
    let missing: Vec<&Verdict> = verdicts
        .iter()
        .filter(|it| {
            !matches!(
                it.decision,
                Decision::Allowed { .. } | Decision::CannotTell { .. }
            )
        })
        .collect();
    let unknown = verdicts
        .iter()
        .any(|it| matches!(it.decision, Decision::CannotTell { .. }));
    let role = plan
        .function?
        .role()
        .and_then(|arn| arn.parse::<Arn>().ok());
    let role_name = role.map_or_else(String::new, |arn| arn.name().to_owned());
    if missing.is_empty() {
        return Some(if unknown {
            let words = format!("Cannot tell whether role {role_name} may do everything");
            Check::new(Verdictness::Warning, words)
        } else {
            let count = verdicts.len();
            let words = format!("Role {role_name} may do all {count} things it needs");
            Check::new(Verdictness::Good, words)
        });
    }
    let names: Vec<&str> = missing.iter().map(|it| it.action.as_str()).collect();
    let required = missing.iter().any(|it| !it.action.starts_with("logs:"));
    let verdict = if required {
        Verdictness::Bad
    } else {
        Verdictness::Warning
    };
    Some(Check {
        // Where a denial or a boundary is in the way, that is what is shown.
        fix: Some(Fix::Role(role_name.clone())),
        ..Check::new(
            verdict,
            format!("Role {role_name} cannot {}", names.join(", ")),
        )
    })
}

/// A rule of thumb: ten milliseconds for each record.
fn timeout_check(plan: &Plan<'_>) -> Option<Check> {
    const MILLIS_PER_RECORD: u64 = 10;
    let timeout = u64::try_from(plan.function?.timeout()?).ok()?;
    let needed = u64::from(plan.config.batch_size) * MILLIS_PER_RECORD;
    if timeout * 1000 >= needed {
        return None;
    }
    let words = format!(
        "A timeout of {timeout} s is short for {} records",
        plan.config.batch_size
    );
    Some(Check::new(Verdictness::Warning, words))
}

fn destination_check(plan: &Plan<'_>) -> Option<Check> {
    if plan.config.on_failure.is_some() {
        return Some(Check::new(
            Verdictness::Good,
            "Given-up batches are reported to the on-failure destination",
        ));
    }
    let words = if plan.config.retry_attempts_max.is_none() {
        "No on-failure destination and endless retries: one bad record can block a shard for 24 hours"
    } else {
        "No on-failure destination: given-up batches are dropped silently"
    };
    let function = plan.function?.function_name()?;
    Some(Check {
        fix: Some(Fix::AddQueue(format!("{function}-failures"))),
        ..Check::new(Verdictness::Warning, words)
    })
}

/// What the role of this function must be allowed for this trigger.
pub(super) fn needs(
    stream_arn: &str,
    config: &MappingConfig,
    function: &str,
) -> Vec<(String, String)> {
    let group = format!("/aws/lambda/{function}");
    trigger_needs(stream_arn, config.on_failure.as_deref(), &group)
}

/// The newest records of a stream, up to `limit` of each shard.
pub(super) async fn sample(aws: Aws, arn: String, limit: usize) -> Result<Vec<Record>, Error> {
    let stream = aws::streams::describe(aws.clone(), arn.clone()).await?;
    let mut found = Vec::new();
    for shard in stream.shards() {
        let id = shard.shard_id().unwrap_or_default().to_owned();
        let from = aws::streams::From::TrimHorizon;
        let records = aws::streams::records(aws.clone(), arn.clone(), id, from, limit).await?;
        found.extend(records);
    }
    Ok(found)
}

/// What a trigger would make of records that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    pub(super) records: usize,
    pub(super) kept: usize,
    pub(super) calls: usize,
    pub(super) largest_bytes: u64,
}

pub(super) fn forecast(records: &[Record], config: &MappingConfig) -> Option<Forecast> {
    let filters = Filters::parse(&config.filters).ok()?;
    let kept: Vec<&Record> = records
        .iter()
        .filter(|record| filters.pass(&record.event))
        .collect();
    let size = usize::try_from(config.batch_size)
        .unwrap_or(usize::MAX)
        .max(1);
    let largest = kept
        .chunks(size)
        .map(|batch| batch.iter().map(|record| record.size_bytes).sum())
        .max();
    Some(Forecast {
        records: records.len(),
        kept: kept.len(),
        calls: kept.len().div_ceil(size),
        largest_bytes: largest.unwrap_or(0),
    })
}

/// Which records each kind of event has, for the filter help: `INSERT 12, MODIFY 30`.
pub(super) fn kinds(records: &[Record]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *counts.entry(record.event_name.as_str()).or_default() += 1;
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    words.join(", ")
}

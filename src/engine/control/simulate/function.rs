//! The function of a simulation: what a request says of it, what its settings say, and what the story tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::recorded::Recorded;
use super::{iso_millis, without_nulls};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::lambda;
use crate::engine::state::Mapping;
use crate::engine::streams::shards::number_of;
use crate::mapping::Progress;
use crate::mapping::record::SequenceNumber;
use crate::mapping::whatif::{Durations, Failure, Model, Sample, Stretch};

/// Longest that a call may take: fifteen minutes.
const MILLIS_MAX: f64 = 900_000.0;
const SAMPLES_MAX: usize = 10_000;
const FAILURES_MAX: usize = 20;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct FunctionInput {
    duration_in_milliseconds: Option<f64>,
    duration_per_record_in_milliseconds: Option<f64>,
    samples: Option<Vec<SampleInput>>,
    cold_start_in_milliseconds: Option<f64>,
    timeout: Option<u32>,
    memory_size: Option<u32>,
    reserved_concurrent_executions: Option<u32>,
    reports_failures: Option<bool>,
    failures: Option<Vec<FailureInput>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SampleInput {
    records: u32,
    duration_in_milliseconds: f64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct FailureInput {
    every_nth: Option<u32>,
    share: Option<f64>,
    pattern: Option<String>,
    sequence_numbers: Option<Vec<String>>,
    as_recorded: Option<bool>,
    deliveries: Option<u32>,
}

/// What stands in for the function, and where that came from.
pub(super) struct Function {
    model: Model,
    is_measured: bool,
    /// Of the stretch, by their numbers.
    failing: usize,
    remarks: Vec<String>,
}

impl Function {
    /// `story` may be of other mappings, too.
    pub(super) fn new(
        engine: &Engine,
        mapping: &Mapping,
        asked: &FunctionInput,
        story: &[Progress],
        stretch: &Stretch,
    ) -> Result<Self, Fault> {
        let own = story.iter().filter(|it| *it.mapping == *mapping.uuid);
        let recorded = Recorded::of(own);
        let mut remarks = Vec::new();
        let (settings, reserved) = engine.read(|state| {
            let version = lambda::version_of(state, &mapping.function_arn).cloned();
            let function = version
                .as_ref()
                .and_then(|it| state.functions.get(&it.name));
            let reserved = function.and_then(|it| it.reserved_concurrency);
            (version, reserved)
        });
        if settings.is_none() {
            let arn = &mapping.function_arn;
            remarks.push(format!(
                "There is no function {arn}: Timeout, MemorySize and ReservedConcurrentExecutions are those of the request"
            ));
        }
        let settings = settings.as_ref();
        let timeout = asked.timeout.or(settings.map(|it| it.timeout_secs));
        let durations = durations(asked, &recorded)?;
        let is_measured = asked.samples.is_none() && matches!(durations, Durations::Measured(_));
        let cold = millis("ColdStartInMilliseconds", asked.cold_start_in_milliseconds)?;
        let memory = settings.map_or(128, |it| it.memory_mb);
        let failures = failures(asked, &recorded, stretch, &mut remarks)?;
        let failing = failing(&failures, stretch);
        Ok(Self {
            model: Model {
                durations,
                cold_start: cold.unwrap_or_default(),
                timeout: timeout.map(|secs| Duration::from_secs(u64::from(secs))),
                failures,
                reports_failures: asked.reports_failures.unwrap_or(true),
                concurrency_max: asked.reserved_concurrent_executions.or(reserved),
                memory_mb: asked.memory_size.unwrap_or(memory),
            },
            is_measured,
            failing,
            remarks,
        })
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    pub(super) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    pub(super) fn described(&self) -> Value {
        let model = &self.model;
        let samples = match &model.durations {
            Durations::Measured(samples) => Some(samples.len()),
            _ => None,
        };
        without_nulls(json!({
            "Durations": if self.is_measured { "MEASURED" } else { "GIVEN" },
            "Samples": samples,
            "Timeout": model.timeout.map(|it| it.as_secs()),
            "MemorySize": model.memory_mb,
            "ReservedConcurrentExecutions": model.concurrency_max,
            "ReportsFailures": model.reports_failures,
            "FailingRecords": self.failing,
        }))
    }
}

fn durations(asked: &FunctionInput, recorded: &Recorded) -> Result<Durations, Fault> {
    let call = millis("DurationInMilliseconds", asked.duration_in_milliseconds)?;
    let record = millis(
        "DurationPerRecordInMilliseconds",
        asked.duration_per_record_in_milliseconds,
    )?;
    match (&asked.samples, call, record) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(wrong(
            "Samples",
            "give either Samples or DurationInMilliseconds and DurationPerRecordInMilliseconds",
        )),
        (Some(samples), None, None) => {
            if samples.is_empty() || samples.len() > SAMPLES_MAX {
                return Err(wrong(
                    "Samples",
                    &format!("give 1 to {SAMPLES_MAX} measured calls"),
                ));
            }
            let samples = samples.iter().map(|it| {
                let took = millis("Samples", Some(it.duration_in_milliseconds))?;
                Ok(Sample {
                    records: it.records,
                    took: took.unwrap_or_default(),
                })
            });
            Ok(Durations::Measured(samples.collect::<Result<_, Fault>>()?))
        }
        (None, None, None) if recorded.samples.is_empty() => Err(wrong(
            "DurationInMilliseconds",
            "the story has no call of this trigger to measure: say how long a call takes",
        )),
        (None, None, None) => Ok(Durations::Measured(recorded.samples.clone())),
        (None, call, record) => Ok(Durations::PerRecord {
            call: call.unwrap_or_default(),
            record: record.unwrap_or_default(),
        }),
    }
}

fn failures(
    asked: &FunctionInput,
    recorded: &Recorded,
    stretch: &Stretch,
    remarks: &mut Vec<String>,
) -> Result<Vec<Failure>, Fault> {
    let Some(failures) = &asked.failures else {
        return Ok(vec![as_recorded(recorded, stretch, remarks)]);
    };
    if failures.len() > FAILURES_MAX {
        return Err(wrong("Failures", &format!("give {FAILURES_MAX} at most")));
    }
    let mut checked = Vec::new();
    for (at, failure) in failures.iter().enumerate() {
        let wrong = |problem: String| wrong(&format!("Failures[{at}]"), &problem);
        let mut given = failure.given(stretch).map_err(wrong)?;
        if failure.as_recorded == Some(true) {
            given.push(as_recorded(recorded, stretch, remarks));
        }
        match <[Failure; 1]>::try_from(given) {
            Ok([failure]) => checked.push(failure),
            Err(_) => {
                return Err(wrong(
                    "give exactly one of EveryNth, Share, Pattern, SequenceNumbers and \"AsRecorded\": true"
                        .to_owned(),
                ));
            }
        }
    }
    Ok(checked)
}

impl FailureInput {
    /// What is said here; more than one thing makes no sense.
    fn given(&self, stretch: &Stretch) -> Result<Vec<Failure>, String> {
        if self.deliveries.is_some() && self.pattern.is_none() && self.sequence_numbers.is_none() {
            return Err("Deliveries belongs to Pattern or SequenceNumbers".to_owned());
        }
        if self.deliveries == Some(0) {
            return Err("Deliveries counts from 1".to_owned());
        }
        let numbers = self.sequence_numbers.as_ref();
        let numbers = numbers.map(|it| named(it, stretch)).transpose()?;
        let deliveries = self.deliveries.unwrap_or(u32::MAX);
        let given = [
            self.every_nth.map(Failure::EveryNth),
            self.share.map(Failure::Share),
            self.pattern.clone().map(|pattern| Failure::Matching {
                pattern,
                deliveries: self.deliveries,
            }),
            numbers.map(|it| Failure::Records(it.into_iter().map(|it| (it, deliveries)).collect())),
        ];
        Ok(given.into_iter().flatten().collect())
    }
}

/// Fails as the story tells, and says what the story does not know.
fn as_recorded(recorded: &Recorded, stretch: &Stretch, remarks: &mut Vec<String>) -> Failure {
    let first = stretch.span().map(|(first, _)| first);
    match (recorded.since, first) {
        (None, _) => {
            remarks.push("The story has no call of this trigger: no record fails".to_owned());
        }
        (Some(since), Some(first)) if since > first + Duration::from_mins(1) => {
            remarks.push(format!(
                "The story of this trigger begins at {}: records that failed before do not fail here",
                iso_millis(since)
            ));
        }
        _ => {}
    }
    if recorded.guessed > 0 {
        remarks.push(format!(
            "Of {} failed calls it is not known which record made them fail: their first record is taken",
            recorded.guessed
        ));
    }
    Failure::Records(recorded.failed.clone())
}

/// Records of the stretch by their sequence numbers.
fn named(numbers: &[String], stretch: &Stretch) -> Result<BTreeSet<SequenceNumber>, String> {
    let mut wanted = BTreeSet::new();
    for number in numbers {
        if number_of(number).is_none() {
            return Err(format!(
                "\"{number}\" is no sequence number of this stream: those have 21 digits"
            ));
        }
        wanted.insert(SequenceNumber::new(number));
    }
    let is_there = |number: &SequenceNumber| {
        let mut shards = stretch.shards.iter();
        shards.any(|shard| {
            let records = &shard.records;
            let found = records.binary_search_by(|it| it.record.sequence_number.cmp(number));
            found.is_ok()
        })
    };
    match wanted.iter().find(|it| !is_there(it)) {
        Some(missing) => Err(format!("record {missing} is not in the stretch")),
        None => Ok(wanted),
    }
}

/// How many records of the stretch fail by their numbers.
fn failing(failures: &[Failure], stretch: &Stretch) -> usize {
    let named: Vec<&BTreeMap<SequenceNumber, u32>> = failures
        .iter()
        .filter_map(|it| match it {
            Failure::Records(records) => Some(records),
            _ => None,
        })
        .collect();
    let records = stretch.shards.iter().flat_map(|it| &it.records);
    let fails = |number: &SequenceNumber| named.iter().any(|it| it.contains_key(number));
    records
        .filter(|it| fails(&it.record.sequence_number))
        .count()
}

fn millis(member: &str, millis: Option<f64>) -> Result<Option<Duration>, Fault> {
    match millis {
        Some(millis) if !(0.0..=MILLIS_MAX).contains(&millis) => Err(wrong(
            member,
            &format!("a call takes 0 to {MILLIS_MAX} milliseconds"),
        )),
        Some(millis) => Ok(Some(Duration::from_secs_f64(millis / 1000.0))),
        None => Ok(None),
    }
}

fn wrong(member: &str, problem: &str) -> Fault {
    Fault::validation(format!("Function.{member}: {problem}"))
}

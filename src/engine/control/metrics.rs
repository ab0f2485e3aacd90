//! What AWS counts of event source mappings, by minute: read, nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::pollers::mapping;
use super::{input, millis, time, without_nulls};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::story::{Minute, Minutes};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    #[serde(rename = "UUID")]
    uuid: String,
    since: Option<f64>,
    until: Option<f64>,
}

/// What is counted of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Its `MetricsConfig` asks for `EventCount`: AWS would publish the counts, too.
    pub is_published: bool,
    /// By shard id: the last three hours, as far as this process saw them.
    pub shards: BTreeMap<Arc<str>, Minutes>,
}

/// Looks at what is counted of a mapping, by its UUID; refused where there is none.
pub fn counted(engine: &Engine, uuid: &str) -> Result<Counted, Fault> {
    let mapping = mapping(engine, uuid)?;
    Ok(Counted {
        is_published: mapping.config.event_count_metrics,
        shards: engine.metrics(uuid),
    })
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let asked: Get = input(call)?;
    let Counted {
        is_published,
        mut shards,
    } = counted(engine, &asked.uuid)?;
    let since = time("Since", asked.since)?;
    let until = time("Until", asked.until)?;
    let mut all = Minutes::new();
    for minutes in shards.values_mut() {
        minutes.retain(|at, _| {
            since.is_none_or(|since| *at >= since) && until.is_none_or(|until| *at <= until)
        });
        for (at, minute) in minutes {
            *all.entry(*at).or_default() += *minute;
        }
    }
    let shards = shards.iter().filter(|(_, minutes)| !minutes.is_empty());
    let shards = shards.map(|(shard, minutes)| {
        let mut told = metrics(minutes);
        told["ShardId"] = (&**shard).into();
        told
    });
    let shards: Vec<Value> = shards.collect();
    let mut told = metrics(&all);
    told["UUID"] = asked.uuid.into();
    told["IsEventCountPublished"] = is_published.into();
    told["PeriodInSeconds"] = 60.into();
    told["Shards"] = shards.into();
    Ok(told.into())
}

fn metrics(minutes: &Minutes) -> Value {
    let mut total = Minute::default();
    for minute in minutes.values() {
        total += *minute;
    }
    let minutes = minutes.iter().map(|(at, minute)| {
        let mut told = described(minute);
        told["Timestamp"] = epoch_secs(*at).into();
        told
    });
    let minutes: Vec<Value> = minutes.collect();
    json!({ "Total": described(&total), "Minutes": minutes })
}

/// By the names of AWS's metrics.
fn described(minute: &Minute) -> Value {
    let (counts, age) = (&minute.counts, &minute.iterator_age);
    let iterator_age = (age.samples > 0).then(|| {
        json!({
            "Maximum": millis(age.maximum),
            "Average": millis(age.average()),
            "SampleCount": age.samples,
        })
    });
    without_nulls(json!({
        "PolledEventCount": counts.polled,
        "FilteredOutEventCount": counts.filtered_out,
        "InvokedEventCount": counts.invoked,
        "FailedInvokeEventCount": counts.failed_invoke,
        "DroppedEventCount": counts.dropped,
        "OnFailureDestinationDeliveredEventCount": counts.delivered,
        "IteratorAge": iterator_age,
    }))
}

//! What this engine is and which settings are in force.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::{Nothing, clock, input, millis, without_nulls};
use crate::engine::call::{Answer, Call};
use crate::engine::store::Durability;
use crate::engine::{Engine, Options};

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let Nothing {} = input(call)?;
    let store = engine.store();
    let folder = (!store.is_temporary()).then(|| store.folder().display().to_string());
    let (mappings, paused) = engine.read(|state| {
        let paused = state.mappings.values().filter(|it| it.paused);
        let paused: Vec<String> = paused.map(|it| it.uuid.clone()).collect();
        (state.mappings.len(), paused)
    });
    Ok(without_nulls(json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "Account": engine.account().id,
        "Region": engine.account().region,
        "Folder": folder,
        "Clock": clock::described(engine),
        "Settings": settings(engine.options()),
        "Mappings": mappings,
        "PausedPollers": paused,
    }))
    .into())
}

/// As the options of `serve` set them.
fn settings(options: &Options) -> Value {
    let streams = options.streams;
    without_nulls(json!({
        "Poll": options.poll.to_string(),
        "Delays": options.delays.to_string(),
        "LatestGap": options.has_latest_gap(),
        "FiltersMax": options.filters_max,
        "Shards": streams.shards.get(),
        "ShardPeriodInSeconds": streams.period.map(|it| it.as_secs()),
        "SplitRate": streams.split_rate.map(NonZeroU32::get),
        "StreamLimits": streams.has_limits,
        "Throttle": options.throttle,
        "GsiLagInMilliseconds": millis(options.gsi_lag),
        "TtlDelayInSeconds": options.ttl_delay.as_secs(),
        "SettleInMilliseconds": millis(options.settle),
        "EnforceIam": options.enforce_iam,
        "StrictKeys": options.strict_keys,
        "Durability": match options.durability {
            Durability::Process => "process",
            Durability::Power => "power",
        },
    }))
}

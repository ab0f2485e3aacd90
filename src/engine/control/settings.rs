//! Settings that can change while the engine runs.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{input, millis, without_nulls};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::settings::Settings;
use crate::engine::store::Durability;
use crate::engine::streams::{PERIOD_MIN, SHARDS_MAX};
use crate::mapping::assumed::Assumed;

/// Longest time that can be set: a year.
pub const TIME_MAX: Duration = Duration::from_hours(365 * 24);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Set {
    poll: Option<String>,
    delays: Option<String>,
    latest_gap: Option<bool>,
    filters_max: Option<usize>,
    shards: Option<u32>,
    shard_period_in_seconds: Option<u64>,
    split_rate: Option<u32>,
    stream_limits: Option<bool>,
    throttle: Option<bool>,
    gsi_lag_in_milliseconds: Option<u64>,
    ttl_delay_in_seconds: Option<u64>,
    settle_in_milliseconds: Option<u64>,
    enforce_iam: Option<bool>,
    strict_keys: Option<Value>,
    durability: Option<Value>,
    retry_first_in_milliseconds: Option<u64>,
    retry_max_in_milliseconds: Option<u64>,
    larger_half: Option<String>,
    failure_blocks: Option<String>,
    windows_begin: Option<String>,
    letter_payload: Option<String>,
    reported_failures: Option<String>,
    batch_size_counts: Option<String>,
    update_answers: Option<String>,
    stream_ends: Option<String>,
}

pub(super) fn set(engine: &Engine, call: &Call) -> Answer {
    let wanted: Set = input(call)?;
    if call.input.as_object().is_none_or(serde_json::Map::is_empty) {
        let message = "SetEngineSettings needs a setting; GetEngine names them";
        return Err(Fault::validation(message));
    }
    if wanted.strict_keys.is_some() || wanted.durability.is_some() {
        return Err(Fault::validation(
            "StrictKeys and Durability are said when the engine starts and cannot change while it runs",
        ));
    }
    // Checked as a whole first: nothing changes where something is wrong.
    let mut checked = engine.settings();
    wanted.apply(&mut checked).map_err(Fault::validation)?;
    engine.change_settings(|settings| {
        // Others may have changed what is not named here.
        drop(wanted.apply(settings));
    });
    Ok(json!({ "Settings": described(engine) }).into())
}

impl Set {
    fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        let streams = &mut settings.streams;
        put(&mut settings.poll, word("Poll", self.poll.as_deref())?);
        put(
            &mut settings.delays,
            word("Delays", self.delays.as_deref())?,
        );
        put(&mut settings.latest_gap, self.latest_gap.map(Some));
        put(&mut settings.throttle, self.throttle);
        put(&mut settings.enforce_iam, self.enforce_iam);
        put(&mut streams.has_limits, self.stream_limits);
        match self.filters_max {
            Some(0) => return Err("FiltersMax must be at least 1".to_owned()),
            most => put(&mut settings.filters_max, most),
        }
        if let Some(count) = self.shards {
            let count = NonZeroU32::new(count).filter(|it| it.get() <= SHARDS_MAX);
            streams.shards = count.ok_or_else(|| format!("Shards must be 1 to {SHARDS_MAX}"))?;
        }
        if let Some(secs) = self.shard_period_in_seconds {
            streams.period = match Duration::from_secs(secs) {
                Duration::ZERO => None,
                period if (PERIOD_MIN..=TIME_MAX).contains(&period) => Some(period),
                _ => {
                    return Err(format!(
                        "ShardPeriodInSeconds must be 0, which is never, or {} to {}",
                        PERIOD_MIN.as_secs(),
                        TIME_MAX.as_secs()
                    ));
                }
            };
        }
        put(
            &mut streams.split_rate,
            self.split_rate.map(NonZeroU32::new),
        );
        let time = |name: &str, time: Option<Duration>| match time {
            Some(time) if time > TIME_MAX => Err(format!("{name} must be a year at most")),
            time => Ok(time),
        };
        let lag = self.gsi_lag_in_milliseconds.map(Duration::from_millis);
        put(&mut settings.gsi_lag, time("GsiLagInMilliseconds", lag)?);
        let delay = self.ttl_delay_in_seconds.map(Duration::from_secs);
        put(&mut settings.ttl_delay, time("TtlDelayInSeconds", delay)?);
        let settle = self.settle_in_milliseconds.map(Duration::from_millis);
        put(&mut settings.settle, time("SettleInMilliseconds", settle)?);
        let assumed = &mut settings.assumed;
        for (name, wait, millis) in [
            (
                "RetryFirstInMilliseconds",
                &mut assumed.retry_first,
                self.retry_first_in_milliseconds,
            ),
            (
                "RetryMaxInMilliseconds",
                &mut assumed.retry_max,
                self.retry_max_in_milliseconds,
            ),
        ] {
            if millis == Some(0) {
                return Err(format!("{name} must be at least 1"));
            }
            put(wait, time(name, millis.map(Duration::from_millis))?);
        }
        self.apply_ways(assumed)
    }

    fn apply_ways(&self, assumed: &mut Assumed) -> Result<(), String> {
        put(
            &mut assumed.larger_half,
            word("LargerHalf", self.larger_half.as_deref())?,
        );
        put(
            &mut assumed.failure_blocks,
            word("FailureBlocks", self.failure_blocks.as_deref())?,
        );
        put(
            &mut assumed.windows_begin,
            word("WindowsBegin", self.windows_begin.as_deref())?,
        );
        put(
            &mut assumed.letter_payload,
            word("LetterPayload", self.letter_payload.as_deref())?,
        );
        put(
            &mut assumed.reported_failures,
            word("ReportedFailures", self.reported_failures.as_deref())?,
        );
        put(
            &mut assumed.batch_size_counts,
            word("BatchSizeCounts", self.batch_size_counts.as_deref())?,
        );
        put(
            &mut assumed.update_answers,
            word("UpdateAnswers", self.update_answers.as_deref())?,
        );
        put(
            &mut assumed.stream_ends,
            word("StreamEnds", self.stream_ends.as_deref())?,
        );
        Ok(())
    }
}

fn put<T>(setting: &mut T, wanted: Option<T>) {
    if let Some(wanted) = wanted {
        *setting = wanted;
    }
}

fn word<T: FromStr<Err = String>>(name: &str, text: Option<&str>) -> Result<Option<T>, String> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|wrong| format!("{name}: {wrong}"))
}

/// The settings in force, named after the options of `serve`, as `GetEngine` answers them.
pub fn described(engine: &Engine) -> Value {
    let settings = engine.settings();
    let (streams, assumed) = (settings.streams, settings.assumed);
    without_nulls(json!({
        "Poll": settings.poll.to_string(),
        "Delays": settings.delays.to_string(),
        "LatestGap": settings.has_latest_gap(),
        "FiltersMax": settings.filters_max,
        "Shards": streams.shards.get(),
        "ShardPeriodInSeconds": streams.period.map(|it| it.as_secs()),
        "SplitRate": streams.split_rate.map(NonZeroU32::get),
        "StreamLimits": streams.has_limits,
        "Throttle": settings.throttle,
        "GsiLagInMilliseconds": millis(settings.gsi_lag),
        "TtlDelayInSeconds": settings.ttl_delay.as_secs(),
        "SettleInMilliseconds": millis(settings.settle),
        "RetryFirstInMilliseconds": millis(assumed.retry_first),
        "RetryMaxInMilliseconds": millis(assumed.retry_max),
        "LargerHalf": assumed.larger_half.to_string(),
        "FailureBlocks": assumed.failure_blocks.to_string(),
        "WindowsBegin": assumed.windows_begin.to_string(),
        "LetterPayload": assumed.letter_payload.to_string(),
        "ReportedFailures": assumed.reported_failures.to_string(),
        "BatchSizeCounts": assumed.batch_size_counts.to_string(),
        "UpdateAnswers": assumed.update_answers.to_string(),
        "StreamEnds": assumed.stream_ends.to_string(),
        "EnforceIam": settings.enforce_iam,
        "StrictKeys": engine.has_strict_keys(),
        "Durability": match engine.durability() {
            Durability::Process => "process",
            Durability::Power => "power",
        },
    }))
}

//! Shards and records of streams: what AWS does by itself is done when it is asked for.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;

use super::input;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::streams::{self, Horizon};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Replace {
    stream_arn: String,
    shard_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Trim {
    stream_arn: String,
    before: Option<f64>,
    shard_id: Option<String>,
    sequence_number: Option<String>,
}

pub(super) fn roll(engine: &Engine, call: &Call) -> Answer {
    replace(engine, call, streams::roll_shard)
}

pub(super) fn split(engine: &Engine, call: &Call) -> Answer {
    replace(engine, call, streams::split_shard)
}

/// Answers the children that go on.
fn replace(
    engine: &Engine,
    call: &Call,
    replace: fn(&Engine, &str, &str) -> Result<(), Fault>,
) -> Answer {
    let Replace {
        stream_arn,
        shard_id,
    } = input(call)?;
    if !engine.read(|state| state.streams.contains_key(&stream_arn)) {
        return Err(streams::not_found(&format!("Stream: {stream_arn}")));
    }
    replace(engine, &stream_arn, &shard_id)?;
    let children: Vec<String> = engine.read(|state| {
        let shards = state.streams.get(&stream_arn).map(|it| &it.shards);
        let shards = shards.into_iter().flatten();
        let children = shards.filter(|it| it.parent.as_deref() == Some(shard_id.as_str()));
        children.map(|it| it.id.clone()).collect()
    });
    Ok(json!({ "ChildShardIds": children }).into())
}

pub(super) fn trim(engine: &Engine, call: &Call) -> Answer {
    let wanted: Trim = input(call)?;
    let horizon = match (wanted.before, wanted.shard_id, wanted.sequence_number) {
        (None, None, None) => Horizon::Tip,
        (Some(secs), None, None) => {
            let since = Duration::try_from_secs_f64(secs).ok();
            let before = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
            Horizon::Before(
                before.ok_or_else(|| {
                    Fault::validation("Before: give a time in seconds since 1970")
                })?,
            )
        }
        (None, Some(shard), Some(number)) => Horizon::UpTo { shard, number },
        _ => {
            return Err(Fault::validation(
                "TrimStream takes Before, or ShardId with SequenceNumber, or neither to trim everything there is",
            ));
        }
    };
    streams::trim(engine, &wanted.stream_arn, &horizon)?;
    Ok(json!({}).into())
}

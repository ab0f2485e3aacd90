//! Shards and records of streams: what AWS does by itself is done when it is asked for.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{input, time, without_nulls};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::streams::{self, Horizon, KeptShard};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Get {
    stream_arn: String,
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let Get { stream_arn } = input(call)?;
    let kept = streams::kept(engine, &stream_arn)?;
    let shards: Vec<Value> = kept.shards.into_iter().map(described).collect();
    Ok(json!({
        "StreamArn": stream_arn,
        "TableName": kept.table,
        "IsOn": kept.is_on,
        "Shards": shards,
    })
    .into())
}

fn described(shard: KeptShard) -> Value {
    let (first, last) = shard.range.unzip();
    without_nulls(json!({
        "ShardId": shard.id,
        "ParentShardId": shard.parent,
        "State": if shard.closed.is_some() { "CLOSED" } else { "OPEN" },
        "Opened": epoch_secs(shard.opened),
        "Closed": shard.closed.map(epoch_secs),
        "KeyShare": shard.key_share,
        "Records": shard.records,
        "TrimmedRecords": shard.trimmed,
        "FirstSequenceNumber": first,
        "LastSequenceNumber": last,
    }))
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
    let horizon = match (
        time("Before", wanted.before)?,
        wanted.shard_id,
        wanted.sequence_number,
    ) {
        (None, None, None) => Horizon::Tip,
        (Some(before), None, None) => Horizon::Before(before),
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

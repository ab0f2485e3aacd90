//! Shards of a stream: their lineage and what is kept of them; in the local cloud they are rolled over, split and
//! trimmed by hand.

use std::time::SystemTime;

use serde_json::json;

use super::control::ask;
use super::{Aws, Error, streams};
use crate::clock::epoch_secs;
use crate::engine::streams::{KeptShard, kept};

/// One shard.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardRow {
    pub id: String,
    /// It may be gone.
    pub parent: Option<String>,
    pub is_open: bool,
    /// What only the local cloud tells.
    pub kept: Option<Kept>,
}

/// What is kept of a shard.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub opened: SystemTime,
    pub closed: Option<SystemTime>,
    /// The part of all partition keys it takes, 0 to 1.
    pub key_share: f64,
    /// Records that can be read.
    pub records: u64,
    /// Records it had that cannot be read any more.
    pub trimmed: u64,
    /// Sequence number of the last record that can be read.
    pub last: Option<String>,
}

/// What is trimmed of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Trim {
    Everything,
    /// Records written before.
    Before(SystemTime),
    /// The records of a shard up to and with this number.
    Shard {
        shard: String,
        last: String,
    },
}

/// The shards of a stream that can still be read, oldest first.
pub async fn list(aws: Aws, stream_arn: String) -> Result<Vec<ShardRow>, Error> {
    if let Ok(engine) = aws.engine() {
        // Looked at again and again: no call that would fill the list of calls.
        let kept = kept(engine, &stream_arn)?;
        return Ok(kept.shards.into_iter().map(row).collect());
    }
    let described = streams::describe(aws, stream_arn).await?;
    let row = |shard: &aws_sdk_dynamodbstreams::types::Shard| ShardRow {
        id: shard.shard_id().unwrap_or_default().to_owned(),
        parent: shard.parent_shard_id().map(str::to_owned),
        is_open: shard
            .sequence_number_range()
            .is_none_or(|it| it.ending_sequence_number().is_none()),
        kept: None,
    };
    Ok(described.shards().iter().map(row).collect())
}

fn row(shard: KeptShard) -> ShardRow {
    ShardRow {
        id: shard.id,
        parent: shard.parent,
        is_open: shard.closed.is_none(),
        kept: Some(Kept {
            opened: shard.opened,
            closed: shard.closed,
            key_share: shard.key_share,
            records: shard.records,
            trimmed: shard.trimmed,
            last: shard.range.map(|(_, last)| last),
        }),
    }
}

/// Closes an open shard; it goes on in one child, whose id is answered.
pub async fn roll(aws: Aws, stream_arn: String, shard: String) -> Result<Vec<String>, Error> {
    replace(&aws, "RollShard", &stream_arn, &shard).await
}

/// Closes an open shard; it goes on in two children, whose ids are answered.
pub async fn split(aws: Aws, stream_arn: String, shard: String) -> Result<Vec<String>, Error> {
    replace(&aws, "SplitShard", &stream_arn, &shard).await
}

async fn replace(
    aws: &Aws,
    operation: &str,
    stream_arn: &str,
    shard: &str,
) -> Result<Vec<String>, Error> {
    let input = json!({ "StreamArn": stream_arn, "ShardId": shard });
    let told = ask(aws, operation, input).await?;
    let children = told["ChildShardIds"].as_array().into_iter().flatten();
    let ids = children.filter_map(|it| it.as_str().map(str::to_owned));
    Ok(ids.collect())
}

/// Lets nobody read these records any more, for good.
pub async fn trim(aws: Aws, stream_arn: String, what: Trim) -> Result<(), Error> {
    let mut input = json!({ "StreamArn": stream_arn });
    match what {
        Trim::Everything => {}
        Trim::Before(time) => input["Before"] = epoch_secs(time).into(),
        Trim::Shard { shard, last } => {
            input["ShardId"] = shard.into();
            input["SequenceNumber"] = last.into();
        }
    }
    ask(&aws, "TrimStream", input).await?;
    Ok(())
}

//! DynamoDB Streams: the four operations that read what tables write. May not know functions.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::Engine;
use super::call::{Answer, Call, Fault, Operation, Reply, Run};
use super::dynamodb::describe::key_schema;
use super::dynamodb::{self, shapes, validate};
use super::state::{Shard, Stream};
use crate::clock::epoch_secs;

mod chores;
mod iterators;
mod kept;
mod limits;
mod past;
mod read;
pub mod records;
pub mod shards;
mod tips;
mod trim;

pub(super) use chores::run as run_chores;
pub(super) use iterators::{expired_iterator, stream_of};
pub use kept::{Kept, KeptShard, kept};
pub use past::{Limits as PastLimits, Range, key_names, past};
pub(super) use read::{begins_late, trimmed};
pub use shards::RETENTION;
pub use tips::{Live, Tip, floor_key};
pub use trim::{Horizon, not_found, trim};

/// Most open shards a stream begins with: every write looks at those of its table.
pub const SHARDS_MAX: u32 = 100;
/// Shortest period of shards: closed ones are kept for a day.
pub const PERIOD_MIN: Duration = Duration::from_mins(1);

/// How shards are opened, replaced and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Open shards a new stream begins with.
    pub shards: NonZeroU32,
    /// How old an open shard gets before it is rolled over, a minute at least: closed shards are kept for a day. About
    /// four hours on AWS.
    pub period: Option<Duration>,
    /// Records a second above which an open shard is split, once it takes more for ten seconds.
    pub split_rate: Option<NonZeroU32>,
    /// Refuse a third reader of a shard, and more than ten `DescribeStream` or five `ListStreams` calls a second.
    pub has_limits: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: NonZeroU32::MIN,
            period: None,
            split_rate: None,
            has_limits: false,
        }
    }
}

/// Streams or shards in one answer, when the caller wants no fewer.
const PAGE_MAX: usize = 100;
const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "DescribeStream",
        http: "",
        action: "dynamodb:DescribeStream",
        resource: stream_arn,
        run: Run::Data(describe_stream),
    },
    Operation {
        name: "GetRecords",
        http: "",
        action: "dynamodb:GetRecords",
        resource: iterator_stream_arn,
        run: Run::Data(read::get_records),
    },
    Operation {
        name: "GetShardIterator",
        http: "",
        action: "dynamodb:GetShardIterator",
        resource: stream_arn,
        run: Run::Data(read::get_shard_iterator),
    },
    Operation {
        name: "ListStreams",
        http: "",
        action: "dynamodb:ListStreams",
        resource: table_streams_arn,
        run: Run::Data(list_streams),
    },
];

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// Closes an open shard and goes on in one child: AWS does so every few hours.
pub fn roll_shard(engine: &Engine, stream_arn: &str, shard: &str) -> Result<(), Fault> {
    replace_shard(engine, stream_arn, shard, NonZeroU32::MIN)
}

/// Closes an open shard and goes on in two children: AWS does so when a partition splits.
pub fn split_shard(engine: &Engine, stream_arn: &str, shard: &str) -> Result<(), Fault> {
    replace_shard(engine, stream_arn, shard, TWO)
}

fn replace_shard(
    engine: &Engine,
    stream_arn: &str,
    shard: &str,
    children: NonZeroU32,
) -> Result<(), Fault> {
    let table = engine.read(|state| state.streams.get(stream_arn).map(|it| it.table.clone()));
    // No record may be written to a shard that is being closed.
    dynamodb::locked(engine, &table.unwrap_or_default(), |_| {
        engine.change(|state| {
            let found = state.streams.get(stream_arn);
            let found = found.and_then(|it| it.shards.iter().find(|it| it.id == shard));
            let last = match found {
                Some(shard) => engine.streams().tip(engine.store(), shard)?.last(shard),
                None => None,
            };
            let made = (engine.clock().now(), engine.ids());
            shards::replace(state, stream_arn, shard, children, last, made)
        })
    })?;
    if let Some(bell) = tip_of(engine, stream_arn, shard) {
        bell.ring();
    }
    Ok(())
}

/// The end of a shard that is there.
pub fn tip_of(engine: &Engine, stream_arn: &str, shard: &str) -> Option<Arc<Tip>> {
    let (store_id, first) = engine.read(|state| {
        let mut shards = state.streams.get(stream_arn)?.shards.iter();
        let found = shards.find(|it| it.id == shard)?;
        Some((found.store_id, shards::first_number(found)))
    })?;
    let tip = engine.streams().tip_of(engine.store(), store_id, first);
    // A damaged store is told of by whoever reads it.
    tip.ok()
}

fn stream_arn(call: &Call) -> String {
    call.text("StreamArn").unwrap_or("*").to_owned()
}

fn iterator_stream_arn(call: &Call) -> String {
    call.text("ShardIterator").map_or("*", stream_of).to_owned()
}

/// All streams of the table asked for, of every table when none is.
fn table_streams_arn(call: &Call) -> String {
    call.text("TableName").map_or_else(
        || "*".to_owned(),
        |table| {
            let resource = format!("table/{table}/stream/*");
            call.account.arn("dynamodb", resource).to_string()
        },
    )
}

fn list_streams(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::LIST_STREAMS)?;
    if engine.has_stream_limits() {
        engine.streams().limits.list(call.now)?;
    }
    let table = call.text("TableName");
    let after = call.text("ExclusiveStartStreamArn");
    if after.is_some_and(|it| !is_stream_arn(it)) {
        return Err(Fault::validation("Invalid ExclusiveStartStreamArn"));
    }
    let limit = page_size(call);
    engine.read(|state| {
        let mut wanted = state
            .streams
            .values()
            .filter(|it| !shards::is_forgotten(it, call.now))
            .filter(|it| table.is_none_or(|table| it.table == table))
            .filter(|it| after.is_none_or(|after| it.arn.as_str() > after))
            .peekable();
        let page: Vec<&Stream> = wanted.by_ref().take(limit).collect();
        let streams: Vec<Value> = page
            .iter()
            .map(|it| json!({"StreamArn": it.arn, "TableName": it.table, "StreamLabel": it.label}))
            .collect();
        let mut answer = json!({ "Streams": streams });
        if let (Some(last), true) = (page.last(), wanted.peek().is_some()) {
            answer["LastEvaluatedStreamArn"] = json!(last.arn);
        }
        Ok(Reply::from(answer))
    })
}

fn describe_stream(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::DESCRIBE_STREAM)?;
    if engine.has_stream_limits() {
        engine.streams().limits.describe(call.now)?;
    }
    let arn = call.text("StreamArn").unwrap_or_default();
    let after = call.text("ExclusiveStartShardId");
    let parent = call
        .input
        .get("ShardFilter")
        .and_then(|it| it.get("ShardId"))
        .and_then(Value::as_str);
    let limit = page_size(call);
    engine.read(|state| {
        let stream = find(&state.streams, arn, call)?;
        let mut wanted: Vec<&Shard> = shards::readable(stream, call.now)
            .filter(|it| parent.is_none() || it.parent.as_deref() == parent)
            .filter(|it| after.is_none_or(|after| it.id.as_str() > after))
            .collect();
        wanted.sort_by(|a, b| a.id.cmp(&b.id));
        let page = &wanted[..wanted.len().min(limit)];
        let mut description = json!({
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": status(stream, call.now, engine.settings().settle),
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": epoch_secs(stream.created),
            "TableName": stream.table,
            "KeySchema": key_schema(&stream.keys),
            "Shards": page.iter().map(|it| shard_description(it)).collect::<Vec<_>>(),
        });
        if let (Some(last), true) = (page.last(), wanted.len() > limit) {
            description["LastEvaluatedShardId"] = json!(last.id);
        }
        Ok(Reply::from(json!({ "StreamDescription": description })))
    })
}

/// `StreamStatus`; `settle` is how long it takes to switch a stream on or off. It can be read all the time.
fn status(stream: &Stream, now: SystemTime, settle: Duration) -> &'static str {
    match stream.disabled {
        Some(since) if now < since + settle => "DISABLING",
        Some(_) => "DISABLED",
        None if now < stream.created + settle => "ENABLING",
        None => "ENABLED",
    }
}

fn shard_description(shard: &Shard) -> Value {
    let mut range = json!({"StartingSequenceNumber": shard.starting});
    if let Some(ending) = &shard.ending {
        range["EndingSequenceNumber"] = json!(ending);
    }
    let mut description = json!({"ShardId": shard.id, "SequenceNumberRange": range});
    if let Some(parent) = &shard.parent {
        description["ParentShardId"] = json!(parent);
    }
    description
}

/// A stream that can still be read.
fn find<'a>(
    streams: &'a std::collections::BTreeMap<String, Stream>,
    arn: &str,
    call: &Call,
) -> Result<&'a Stream, Fault> {
    if !is_stream_arn(arn) {
        return Err(Fault::validation("Invalid StreamArn"));
    }
    streams
        .get(arn)
        .filter(|it| !shards::is_forgotten(it, call.now))
        .ok_or_else(|| {
            Fault::new(
                400,
                "ResourceNotFoundException",
                format!("Requested resource not found: Stream: {arn} not found"),
            )
        })
}

fn is_stream_arn(text: &str) -> bool {
    text.parse::<crate::arn::Arn>().is_ok_and(|arn| {
        arn.service == "dynamodb"
            && arn.resource.starts_with("table/")
            && arn.resource.contains("/stream/")
    })
}

fn page_size(call: &Call) -> usize {
    let wanted = call.input.get("Limit").and_then(Value::as_u64);
    wanted
        .and_then(|it| usize::try_from(it).ok())
        .map_or(PAGE_MAX, |it| it.min(PAGE_MAX))
}

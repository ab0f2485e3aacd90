//! Log groups, their streams and events.
//!
//! Groups and streams are part of the state; events are kept in the store only.

mod events;
mod groups;
mod input;
mod pattern;
mod reading;

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::Engine;
use super::call::{Account, Call, Fault, Operation, Run};
use super::state::{LogGroup, LogStream, State};
use crate::clock::epoch_millis;
pub use events::Live;

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const OPERATIONS: &[Operation] = &[
    row(
        "CreateLogGroup",
        "logs:CreateLogGroup",
        Run::Now(groups::create_group),
    ),
    row(
        "DeleteLogGroup",
        "logs:DeleteLogGroup",
        Run::Data(groups::delete_group),
    ),
    row(
        "DescribeLogGroups",
        "logs:DescribeLogGroups",
        Run::Now(groups::describe_groups),
    ),
    row(
        "CreateLogStream",
        "logs:CreateLogStream",
        Run::Now(groups::create_stream),
    ),
    row(
        "DeleteLogStream",
        "logs:DeleteLogStream",
        Run::Data(groups::delete_stream),
    ),
    row(
        "DescribeLogStreams",
        "logs:DescribeLogStreams",
        Run::Data(groups::describe_streams),
    ),
    row(
        "PutRetentionPolicy",
        "logs:PutRetentionPolicy",
        Run::Now(groups::put_retention),
    ),
    row(
        "DeleteRetentionPolicy",
        "logs:DeleteRetentionPolicy",
        Run::Now(groups::delete_retention),
    ),
    row("PutLogEvents", "logs:PutLogEvents", Run::Data(reading::put)),
    row("GetLogEvents", "logs:GetLogEvents", Run::Data(reading::get)),
    row(
        "FilterLogEvents",
        "logs:FilterLogEvents",
        Run::Data(reading::filter),
    ),
    row("TagResource", "logs:TagResource", Run::Now(groups::tag)),
    row(
        "UntagResource",
        "logs:UntagResource",
        Run::Now(groups::untag),
    ),
    row(
        "ListTagsForResource",
        "logs:ListTagsForResource",
        Run::Now(groups::list_tags),
    ),
];

const fn row(name: &'static str, action: &'static str, run: Run) -> Operation {
    Operation {
        name,
        http: "",
        action,
        resource: stream_arn,
        run,
    }
}

/// What IAM judges names a stream even where the request is about a group: `…:log-group:g:log-stream:`.
fn stream_arn(call: &Call) -> String {
    let group = input::group_of(call).unwrap_or_default();
    let stream = call.text("logStreamName").unwrap_or_default();
    call.account
        .arn("logs", format!("log-group:{group}:log-stream:{stream}"))
        .to_string()
}

/// Writes lines in their order, and makes group and stream where they are missing.
pub fn append(
    engine: &Engine,
    group: &str,
    stream: &str,
    lines: &[(SystemTime, String)],
) -> Result<(), Fault> {
    let now = engine.clock().now();
    let known = engine.read(|state| {
        let group = state.log_groups.get(group)?;
        let stream = group.streams.get(stream)?;
        Some((stream.store_id, groups::expired_before(group, now)))
    });
    let (store_id, expired) = match known {
        Some(known) => known,
        None => {
            engine.change(|state| Ok((ensure(state, engine.account(), now, group, stream), 0)))?
        }
    };
    if expired > 0 {
        events::expire(engine.store(), engine.logs(), store_id, expired)?;
    }
    let lines = lines
        .iter()
        .map(|(at, line)| (epoch_millis(*at), line.as_str()));
    events::add(
        engine.store(),
        engine.logs(),
        store_id,
        epoch_millis(now),
        lines,
    )?;
    Ok(())
}

/// Finds or makes group and stream; returns the stream's key prefix in the store.
fn ensure(state: &mut State, account: &Account, now: SystemTime, group: &str, stream: &str) -> u64 {
    let store_id = state.next_store_id + 1;
    let found = state
        .log_groups
        .entry(group.to_owned())
        .or_insert_with(|| new_group(account, now, group))
        .streams
        .entry(stream.to_owned())
        .or_insert_with(|| new_stream(now, stream, store_id))
        .store_id;
    state.next_store_id = state.next_store_id.max(found);
    found
}

fn new_group(account: &Account, now: SystemTime, name: &str) -> LogGroup {
    LogGroup {
        name: name.to_owned(),
        arn: account.arn("logs", format!("log-group:{name}")).to_string(),
        created: now,
        retention_days: None,
        streams: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn new_stream(now: SystemTime, name: &str, store_id: u64) -> LogStream {
    LogStream {
        name: name.to_owned(),
        created: now,
        store_id,
    }
}

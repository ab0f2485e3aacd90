//! Log groups, streams and events.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::{Aws, Error};
use crate::clock::{epoch_millis, from_epoch_millis};

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `/aws/lambda/on-order`
    pub name: String,
    pub arn: String,
    pub created: Option<SystemTime>,
    pub stored_bytes: u64,
    /// `None` keeps events for ever.
    pub retention_days: Option<u32>,
}

/// A log stream: one execution environment of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub name: String,
    pub first_event: Option<SystemTime>,
    pub last_event: Option<SystemTime>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: SystemTime,
    pub stream: String,
    pub message: String,
}

/// Most pages read for one question; a filter on a large group on AWS gives many empty ones.
const PAGES_MAX: u32 = 100;

/// Every log group.
pub async fn list_groups(aws: Aws) -> Result<Vec<Group>, Error> {
    let mut found = Vec::new();
    let pages = aws.logs.describe_log_groups().into_paginator();
    let mut pages = pages.items().send();
    while let Some(group) = pages.next().await {
        let group = group?;
        found.push(Group {
            name: group.log_group_name.unwrap_or_default(),
            arn: group.arn.unwrap_or_default(),
            created: group.creation_time.map(at),
            stored_bytes: group.stored_bytes.map_or(0, unsigned),
            retention_days: group
                .retention_in_days
                .and_then(|days| u32::try_from(days).ok()),
        });
    }
    Ok(found)
}

/// The streams of a group, the one with the newest event first.
pub async fn list_streams(aws: Aws, group: String) -> Result<Vec<Stream>, Error> {
    let mut found = Vec::new();
    let request = aws.logs.describe_log_streams().log_group_name(group);
    let mut pages = request.into_paginator().items().send();
    while let Some(stream) = pages.next().await {
        let stream = stream?;
        found.push(Stream {
            name: stream.log_stream_name.unwrap_or_default(),
            first_event: stream.first_event_timestamp.map(at),
            last_event: stream.last_event_timestamp.map(at),
        });
    }
    found.sort_by_key(|it: &Stream| std::cmp::Reverse(it.last_event));
    Ok(found)
}

/// The newest `limit` events that match, oldest first. An empty pattern matches everything; it is
/// CloudWatch's filter syntax: `ERROR`, `"two words"`, `{ $.level = "error" }`.
pub async fn events(
    aws: Aws,
    group: String,
    stream: Option<String>,
    pattern: String,
    since: Option<SystemTime>,
    limit: usize,
) -> Result<Vec<LogLine>, Error> {
    let mut lines = VecDeque::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let answer = aws
            .logs
            .filter_log_events()
            .log_group_name(&group)
            .set_log_stream_names(stream.clone().map(|it| vec![it]))
            .set_filter_pattern(Some(pattern.clone()).filter(|it| !it.is_empty()))
            .set_start_time(since.map(|it| i64::try_from(epoch_millis(it)).unwrap_or(i64::MAX)))
            .set_next_token(next)
            .send()
            .await?;
        for event in answer.events.unwrap_or_default() {
            if lines.len() == limit {
                lines.pop_front();
            }
            lines.push_back(LogLine {
                at: at(event.timestamp.unwrap_or_default()),
                stream: event.log_stream_name.unwrap_or_default(),
                message: event.message.unwrap_or_default(),
            });
        }
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok(lines.into())
}

/// Deletes a group with everything in it.
pub async fn delete_group(aws: Aws, group: String) -> Result<(), Error> {
    aws.logs
        .delete_log_group()
        .log_group_name(group)
        .send()
        .await?;
    Ok(())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn at(millis: i64) -> SystemTime {
    from_epoch_millis(unsigned(millis))
}

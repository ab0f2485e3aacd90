//! A shard consumer played through by hand: time is a number, the function a closure.

mod assumed;
mod batching;
mod failures;
mod hold;
mod lanes;
mod pace;
mod random;
mod windows;

use std::collections::VecDeque;
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;
use crate::mapping::config::MappingConfig;
use crate::mapping::progress::{Answer, Outcome};
use crate::mapping::record::EventName;

/// A minute past a full hour, so that windows begin at round times.
pub(in crate::mapping) fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(490_000)
}

pub(in crate::mapping) fn record(number: u32, key: &str, created: SystemTime) -> Record {
    let sequence_number = format!("{number:021}");
    let event = json!({
        "eventName": "INSERT",
        "dynamodb": { "Keys": { "id": { "S": key } }, "SequenceNumber": sequence_number },
    });
    Record {
        sequence_number: SequenceNumber::new(&sequence_number),
        event_id: Arc::from(format!("{number}")),
        event_name: EventName::Insert,
        key: Arc::from(key),
        created,
        size_bytes: 10,
        event: event.into(),
    }
}

/// Every record is a change of an item of its own.
pub(in crate::mapping) fn records(numbers: RangeInclusive<u32>) -> Vec<Record> {
    let made = numbers.map(|number| record(number, &format!("item {number}"), start()));
    made.collect()
}

pub(in crate::mapping) fn number_of(record: &Record) -> u32 {
    record.sequence_number.as_str().parse().unwrap()
}

pub(in crate::mapping) fn answer(payload: &str) -> Answer {
    Answer {
        request_id: "request".to_owned(),
        status: 200,
        function_error: None,
        executed_version: "$LATEST".to_owned(),
        payload: payload.to_owned(),
        log_tail: String::new(),
        took: Duration::from_millis(1),
    }
}

pub(in crate::mapping) fn thrown() -> Answer {
    Answer {
        function_error: Some("Unhandled".to_owned()),
        ..answer(r#"{"errorType":"Error","errorMessage":"boom"}"#)
    }
}

pub(in crate::mapping) fn throttled() -> Answer {
    Answer {
        status: 429,
        ..answer("Rate Exceeded.")
    }
}

pub(in crate::mapping) fn failing_from(number: u32) -> Answer {
    let number = format!("{number:021}");
    answer(&json!({ "batchItemFailures": [{ "itemIdentifier": number }] }).to_string())
}

/// A shard, its consumer and what was seen of them.
struct Desk {
    consumer: ShardConsumer,
    now: SystemTime,
    pages: VecDeque<Vec<Record>>,
    /// The shard ends after the last page.
    ends: bool,
    polls: usize,
    /// Sequence numbers of every delivery, and when after the start.
    seen: Vec<(Duration, Vec<u32>)>,
    events: Vec<Value>,
    lost: Vec<Discard>,
    news: Vec<What>,
    checkpoints: Vec<u32>,
}

/// A batch and its event.
struct Sent {
    batch: Batch,
    event: String,
}

impl Deref for Sent {
    type Target = Batch;

    fn deref(&self) -> &Batch {
        &self.batch
    }
}

impl Desk {
    fn new(config: MappingConfig) -> Self {
        Self::going_on(config, Checkpoint::default())
    }

    fn going_on(config: MappingConfig, from: Checkpoint) -> Self {
        let place = Place {
            mapping: Arc::from("uuid"),
            shard: Arc::from("shardId-1"),
            stream_arn: Arc::from("stream-arn"),
            function_arn: Arc::from("function-arn"),
        };
        let rules = Arc::new(Rules::new(config).unwrap());
        Self {
            consumer: ShardConsumer::new(rules, Arc::new(place), from, start()),
            now: start(),
            pages: VecDeque::new(),
            ends: false,
            polls: 0,
            seen: Vec::new(),
            events: Vec::new(),
            lost: Vec::new(),
            news: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    fn page(mut self, records: Vec<Record>) -> Self {
        self.pages.push_back(records);
        self
    }

    fn ending(mut self) -> Self {
        self.ends = true;
        self
    }

    fn poll(&mut self) {
        self.polls += 1;
        let records = self.pages.pop_front().unwrap_or_default();
        let is_last = self.ends && self.pages.is_empty();
        let page = Page {
            records,
            is_last,
            gap: None,
        };
        self.consumer.polled(page, self.now);
    }

    /// Goes on until `time` has passed or the consumer closes. The function answers at once.
    fn run(&mut self, time: Duration, mut function: impl FnMut(&Sent) -> Answer) {
        let end = self.now + time;
        loop {
            match self.consumer.next(self.now) {
                Step::Poll => self.poll(),
                Step::Invoke(batch) => {
                    let numbers = batch.records.iter().map(number_of).collect();
                    let since = self.now.duration_since(start()).unwrap();
                    self.seen.push((since, numbers));
                    let event = self.consumer.event_of(&batch);
                    self.events.push(serde_json::from_str(&event).unwrap());
                    let sent = Sent { batch, event };
                    let answer = function(&sent);
                    self.consumer.invoked(sent.id, &Arc::new(answer), self.now);
                }
                Step::Discard(lost) => {
                    self.consumer.discarded(&lost);
                    self.lost.push(lost);
                }
                Step::Wait { until, .. } => match until {
                    Some(until) if until < end => self.now = until,
                    _ => {
                        self.now = end;
                        self.look();
                        return;
                    }
                },
                Step::Closed => {
                    self.look();
                    return;
                }
            }
            self.look();
        }
    }

    fn look(&mut self) {
        for what in self.consumer.news() {
            if let What::Checkpoint { sequence_number } = &what {
                let number: u32 = sequence_number.as_str().parse().unwrap();
                assert!(self.checkpoints.last().is_none_or(|last| *last < number));
                self.checkpoints.push(number);
            }
            self.news.push(what);
        }
    }

    fn deliveries(&self) -> Vec<Vec<u32>> {
        self.seen
            .iter()
            .map(|(_, numbers)| numbers.clone())
            .collect()
    }

    fn times(&self) -> Vec<u128> {
        self.seen.iter().map(|(at, _)| at.as_millis()).collect()
    }

    fn lost_numbers(&self) -> Vec<Vec<u32>> {
        let numbers = |lost: &Discard| lost.records.iter().map(number_of).collect();
        self.lost.iter().map(numbers).collect()
    }

    /// The reasons told for people, in order.
    fn reasons(&self) -> Vec<String> {
        let reason = |what| match what {
            What::Waiting { reason, .. }
            | What::Split { reason, .. }
            | What::Discarded { reason, .. }
            | What::Invoked { reason, .. } => Some(reason),
            _ => None,
        };
        let told = self.news.iter().cloned().filter_map(reason);
        told.collect()
    }
}

fn fine(_: &Sent) -> Answer {
    answer("null")
}

fn seconds(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn has(batch: &Batch, number: u32) -> bool {
    batch.records.iter().any(|it| number_of(it) == number)
}

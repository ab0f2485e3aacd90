//! Steps and records for tests of what is told from them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::mapping::filter::Filters;
use crate::mapping::progress::{
    Answer, BatchId, Condition, FilteredRecord, Outcome, Progress, What,
};
use crate::mapping::record::{EventName, Record, SequenceNumber};

pub(in crate::ui) const MAPPING: &str = "m";
pub(in crate::ui) const SHARD: &str = "shardId-00000000000000000001-0a1b2c3d";

/// So many seconds after 1970.
pub(in crate::ui) fn at(secs: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

/// An insert of the item `item-<number>`.
pub(in crate::ui) fn record(number: u32) -> Record {
    let key = format!("item-{number}");
    let sequence_number = SequenceNumber::new(&format!("1000000000000000000{number:02}"));
    let event = json!({
        "eventID": "e",
        "eventName": "INSERT",
        "dynamodb": { "Keys": { "id": { "S": key } }, "SequenceNumber": sequence_number.as_str() },
    });
    Record {
        sequence_number,
        event_id: "e".into(),
        event_name: EventName::Insert,
        key: key.into(),
        created: SystemTime::UNIX_EPOCH,
        size_bytes: 1,
        event: event.into(),
    }
}

pub(in crate::ui) fn step(secs: u64, what: What) -> Progress {
    Progress {
        mapping: MAPPING.into(),
        shard: SHARD.into(),
        at: at(secs),
        what,
    }
}

/// What a function answered to the request `r<batch>.<attempt>`.
pub(in crate::ui) fn answer(batch: u64, attempt: u32, outcome: &Outcome) -> Arc<Answer> {
    let failed = *outcome == Outcome::Failed;
    let payload = if failed {
        r#"{"errorType":"Error","errorMessage":"ouch"}"#
    } else {
        "null"
    };
    Arc::new(Answer {
        request_id: format!("r{batch}.{attempt}"),
        status: 200,
        function_error: failed.then(|| "Unhandled".to_owned()),
        executed_version: "$LATEST".to_owned(),
        payload: payload.to_owned(),
        log_tail: "START\nEND\n".to_owned(),
        took: Duration::from_millis(1),
    })
}

/// An attempt and its end.
pub(in crate::ui) fn tried(
    batch: u64,
    attempt: u32,
    records: &[Record],
    outcome: Outcome,
) -> [What; 2] {
    let answer = answer(batch, attempt, &outcome);
    let reason = match &outcome {
        Outcome::Succeeded => "all done".to_owned(),
        _ => format!("function error: Error: ouch, attempt {attempt} of 3"),
    };
    [
        What::Invoking {
            batch: BatchId(batch),
            parent: None,
            attempt,
            lane: 0,
            window: None,
            records: records.into(),
            reason: "sends: no batching window".to_owned(),
        },
        What::Invoked {
            batch: BatchId(batch),
            attempt,
            failed: 0,
            outcome,
            answer,
            reason,
        },
    ]
}

pub(in crate::ui) fn split(batch: u64, into: [u64; 2]) -> What {
    What::Split {
        batch: BatchId(batch),
        into: into.map(BatchId).into(),
        reason: "splits 2 into 1 + 1: function error, bisect is on".to_owned(),
    }
}

pub(in crate::ui) fn discarded(batch: u64, records: &[Record]) -> What {
    What::Discarded {
        batch: BatchId(batch),
        records: records.into(),
        condition: Condition::RetryAttemptsExhausted,
        attempts: 1,
        has_destination: false,
        reason: "no attempts left".to_owned(),
    }
}

pub(in crate::ui) fn skipped(batch: Option<u64>, record: Record, left: usize) -> What {
    What::RecordSkipped {
        batch: batch.map(BatchId),
        record,
        left,
        reason: "skipped by hand: counts as done".to_owned(),
    }
}

pub(in crate::ui) fn replayed(batch: Option<u64>, records: &[Record], outcome: Outcome) -> What {
    What::Replayed {
        batch: batch.map(BatchId),
        records: records.into(),
        is_edited: false,
        answer: answer(batch.unwrap_or_default(), 90, &outcome),
        outcome,
        reason: "1 record would be done".to_owned(),
    }
}

pub(in crate::ui) fn poll_failed(setbacks: u32, until: u64) -> What {
    What::PollFailed {
        problem: "Rate exceeded (Service: AmazonDynamoDBStreams)".to_owned(),
        request_id: format!("p{setbacks}"),
        setbacks,
        until: at(until),
    }
}

/// A record that one filter wanted to be a REMOVE.
pub(in crate::ui) fn filtered(record: Record) -> What {
    let filters = [r#"{"eventName":["REMOVE"]}"#.to_owned()];
    let because = Filters::parse(&filters).unwrap().judge(&record.event);
    let because = because.unwrap_err();
    What::FilteredOut {
        records: [FilteredRecord { record, because }].into(),
    }
}

//! Steps for the tests of the story.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::mapping::filter::Filters;
use crate::mapping::progress::{
    Answer, BatchId, Condition, FilteredRecord, Outcome, Progress, What,
};
use crate::mapping::record::{EventName, Record, SequenceNumber};

pub(super) fn at(secs: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + secs)
}

pub(super) fn record(number: u64, bytes: usize) -> Record {
    let sequence_number = format!("{number:021}");
    let event = json!({ "eventName": "INSERT", "note": "x".repeat(bytes) });
    Record {
        sequence_number: SequenceNumber::new(&sequence_number),
        event_id: Arc::from(format!("event {number}")),
        event_name: EventName::Insert,
        key: Arc::from(format!("item {number}")),
        created: at(0),
        size_bytes: 10,
        event: event.to_string().into(),
    }
}

pub(super) fn records(numbers: std::ops::Range<u64>) -> Arc<[Record]> {
    numbers.map(|number| record(number, 10)).collect()
}

pub(super) fn step(what: What) -> Progress {
    told("m", 0, what)
}

pub(super) fn told(mapping: &str, secs: u64, what: What) -> Progress {
    Progress {
        mapping: Arc::from(mapping),
        shard: Arc::from("shardId-1"),
        at: at(secs),
        what,
    }
}

pub(super) fn invoking(batch: u64, attempt: u32, records: &Arc<[Record]>) -> What {
    What::Invoking {
        batch: BatchId(batch),
        parent: None,
        attempt,
        lane: 0,
        window: None,
        records: Arc::clone(records),
        reason: "sends: no batching window".to_owned(),
    }
}

pub(super) fn invoked(batch: u64, attempt: u32, outcome: Outcome) -> What {
    answered(batch, attempt, outcome, "null".to_owned())
}

pub(super) fn answered(batch: u64, attempt: u32, outcome: Outcome, payload: String) -> What {
    What::Invoked {
        batch: BatchId(batch),
        attempt,
        failed: 0,
        outcome,
        answer: Arc::new(Answer {
            request_id: "request".to_owned(),
            status: 200,
            function_error: None,
            executed_version: "$LATEST".to_owned(),
            payload,
            log_tail: "START\nEND\n".to_owned(),
            took: Duration::from_millis(3),
        }),
        reason: "because".to_owned(),
    }
}

pub(super) fn split(batch: u64, into: [u64; 2]) -> What {
    What::Split {
        batch: BatchId(batch),
        into: into.map(BatchId).to_vec(),
        reason: "splits".to_owned(),
    }
}

pub(super) fn discarded(batch: u64, records: &Arc<[Record]>) -> What {
    What::Discarded {
        batch: BatchId(batch),
        records: Arc::clone(records),
        condition: Condition::RetryAttemptsExhausted,
        attempts: 2,
        has_destination: false,
        reason: "gives up".to_owned(),
    }
}

pub(super) fn checkpoint(number: u64) -> What {
    What::Checkpoint {
        sequence_number: SequenceNumber::new(&format!("{number:021}")),
    }
}

pub(super) fn filtered(records: &[Record]) -> What {
    let filters = Filters::parse(&[r#"{"eventName":["REMOVE"]}"#.to_owned()]).unwrap();
    let records = records.iter().map(|record| FilteredRecord {
        record: record.clone(),
        because: filters.judge(&record.event).unwrap_err(),
    });
    What::FilteredOut {
        records: records.collect(),
    }
}

/// A batch that succeeds at once.
pub(super) fn success(batch: u64, records: &Arc<[Record]>) -> [What; 3] {
    [
        invoking(batch, 1, records),
        invoked(batch, 1, Outcome::Succeeded),
        checkpoint(batch),
    ]
}

//! What a poller did, for watchers. Plain data: the batch story is told from these alone.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filter::Rejection;
use super::record::{Record, SequenceNumber};

/// A batch of one mapping on one shard. A split makes two new batches with this one as parent. No number is used twice
/// on a shard; after a restart some are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId(pub u64);

/// How an invocation ended, as the mapping sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Succeeded,
    /// Partial batch response: everything before this record is done.
    FailedFrom(SequenceNumber),
    /// Function error, timeout, or an answer that makes no sense: counts as an attempt.
    Failed,
    /// Throttle, service or permission trouble: tried again, does not count as an attempt.
    Throttled,
}

/// Why records were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// Invocation as AWS answered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub request_id: String,
    /// HTTP status of the Invoke call; 0 when there was no answer.
    pub status: u16,
    /// `X-Amz-Function-Error`.
    pub function_error: Option<String>,
    pub executed_version: String,
    /// What the function returned, or the service's error message.
    pub payload: String,
    /// Last 4 KB of the log, decoded.
    pub log_tail: String,
    pub took: Duration,
}

/// One thing that happened on one shard of one mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// UUID of the mapping.
    pub mapping: Arc<str>,
    pub shard: Arc<str>,
    pub at: SystemTime,
    pub what: What,
}

/// Reasons are whole phrases for people: "splits 8 into 4 + 4: function error, bisect is on".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    ShardOpened,
    ShardClosed,
    /// Sent for every poll, empty ones too; `behind` is the age of the last record returned.
    Polled {
        records: usize,
        behind: Option<Duration>,
    },
    /// Records behind `after`, or from the beginning on, were gone before they were read: nobody gets them.
    Trimmed {
        after: Option<SequenceNumber>,
        reason: String,
    },
    /// Nothing could be read, for the `setbacks`th time in a row: `problem` in AWS's words. On no shard at all where
    /// the stream's shards could not be listed.
    PollFailed {
        problem: String,
        /// Of the call that failed; empty where no answer arrived.
        request_id: String,
        setbacks: u32,
        /// When it is tried again.
        until: SystemTime,
    },
    /// Records no filter let through: they count as done.
    FilteredOut {
        records: Arc<[FilteredRecord]>,
    },
    Waiting {
        batch: Option<BatchId>,
        until: SystemTime,
        reason: String,
    },
    /// An attempt begins. `attempt` counts from 1 within this batch.
    Invoking {
        batch: BatchId,
        parent: Option<BatchId>,
        attempt: u32,
        /// Which of the shard's concurrent batches, from 0. All records of one item go the same way.
        lane: usize,
        window: Option<TumblingWindow>,
        /// Empty in the final invocation of a tumbling window.
        records: Arc<[Record]>,
        /// Why now.
        reason: String,
    },
    /// How that attempt ended. Its lines in the log have the answer's `request_id`.
    Invoked {
        batch: BatchId,
        attempt: u32,
        outcome: Outcome,
        /// Records that are to be tried again or given up.
        #[serde(default)]
        failed: usize,
        answer: Arc<Answer>,
        reason: String,
    },
    /// The failed batch goes on as these, in this order.
    Split {
        batch: BatchId,
        into: Vec<BatchId>,
        reason: String,
    },
    /// Given up; `attempts` is what the dead letter calls `approximateInvokeCount`.
    Discarded {
        batch: BatchId,
        records: Arc<[Record]>,
        condition: Condition,
        attempts: u32,
        /// A letter follows, or why it could not be sent.
        #[serde(default)]
        has_destination: bool,
        reason: String,
    },
    /// Taken out by hand: counts as done. `batch` is the one it waited in, if it was in one.
    RecordSkipped {
        batch: Option<BatchId>,
        record: Record,
        /// How many records of that batch are left; a batch that has none is over.
        left: usize,
        reason: String,
    },
    /// Sent to the on-failure destination, which is an object's ARN where it is in a bucket, or `error` says why not.
    /// The payload that a bucket receives is not repeated.
    Delivered {
        batch: BatchId,
        /// How many it tells of.
        #[serde(default)]
        records: usize,
        destination: String,
        body: Arc<Value>,
        error: Option<String>,
    },
    /// Delivered once more by hand, beside everything else: no batch and no checkpoint takes notice.
    Replayed {
        /// The batch it came from, where that was named.
        batch: Option<BatchId>,
        /// What was sent; of an edited event the records it has.
        records: Arc<[Record]>,
        is_edited: bool,
        /// What the mapping would make of the answer.
        outcome: Outcome,
        answer: Arc<Answer>,
        reason: String,
    },
    /// Everything up to here is done and will not be read again.
    Checkpoint {
        sequence_number: SequenceNumber,
    },
    /// The text AWS shows as `LastProcessingResult`.
    Result {
        text: String,
    },
    /// So many steps of this mapping or shard are missing here: they were more than could be kept.
    Skipped {
        steps: u64,
    },
}

impl What {
    /// The batch it is about.
    pub fn batch(&self) -> Option<BatchId> {
        match self {
            Self::Waiting { batch, .. } => *batch,
            Self::Invoking { batch, .. }
            | Self::Invoked { batch, .. }
            | Self::Split { batch, .. }
            | Self::Discarded { batch, .. }
            | Self::Delivered { batch, .. } => Some(*batch),
            _ => None,
        }
    }
}

/// A record that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilteredRecord {
    pub record: Record,
    /// For each filter the leaf that said no.
    pub because: Vec<Rejection>,
}

/// The tumbling window an invocation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TumblingWindow {
    pub start: SystemTime,
    /// Not part of it.
    pub end: SystemTime,
    /// It ends with this invocation.
    pub is_final: bool,
}

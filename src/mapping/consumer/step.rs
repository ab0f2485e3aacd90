//! What a shard consumer is told, and what it asks for. Plain data.

use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::mapping::assumed::Assumed;
use crate::mapping::config::MappingConfig;
use crate::mapping::filter::{BadPattern, Filters};
use crate::mapping::pace::Pace;
use crate::mapping::progress::{Answer, BatchId, Condition};
use crate::mapping::record::{Record, SequenceNumber};
use crate::mapping::window::Window;

/// What to do next on one shard. Reasons are phrases for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read on, then tell `polled` or `poll_failed`. One at a time.
    Poll,
    /// Call the function, then tell `invoked`. Up to the parallelization factor at once.
    Invoke(Batch),
    /// Send the dead letter if there is a destination, then tell `discarded`.
    Discard(Discard),
    /// Nothing to do before this time, or before an answer where there is none.
    Wait {
        until: Option<SystemTime>,
        reason: String,
    },
    /// The shard is used up, or the consumer was stopped, and nothing is under way.
    Closed,
}

/// One invocation. Its event is asked for by whoever sends it: [`super::ShardConsumer::event_of`].
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub id: BatchId,
    pub parent: Option<BatchId>,
    /// From 1 within this batch.
    pub attempt: u32,
    /// Empty in the final invocation of a tumbling window.
    pub records: Arc<[Record]>,
    pub reason: String,
}

/// Records given up.
#[derive(Clone, Debug, PartialEq)]
pub struct Discard {
    /// One of its own where they were never part of a batch that was delivered.
    pub batch: BatchId,
    pub records: Arc<[Record]>,
    pub condition: Condition,
    /// `approximateInvokeCount` of the dead letter.
    pub attempts: u32,
    /// The last answer of the function or the service.
    pub answer: Option<Arc<Answer>>,
    pub reason: String,
    pub(super) lane: usize,
}

/// A reply of `GetRecords`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Record>,
    /// There is no next iterator: the shard is closed and used up.
    pub is_last: bool,
    /// Why the first of these is not the next one: some were older than the stream keeps them.
    pub gap: Option<String>,
}

impl Page {
    /// Most records AWS returns at once.
    pub const RECORDS_MAX: u16 = 1000;
}

/// Where reading a shard goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Position {
    /// The first record the shard ever had; the oldest one still there where nothing tells which that was.
    #[default]
    TrimHorizon,
    /// Records written from this time on.
    Latest(SystemTime),
    /// The record after this one.
    After(SequenceNumber),
    /// Used up: nothing is left to read.
    Finished,
}

impl Position {
    /// The last record behind it, where it names one.
    pub fn number(&self) -> Option<&SequenceNumber> {
        match self {
            Self::After(number) => Some(number),
            Self::TrimHorizon | Self::Latest(_) | Self::Finished => None,
        }
    }
}

/// What has to be remembered of a shard to go on after a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub position: Position,
    /// The tumbling window that has begun.
    pub window: Option<Window>,
    /// No batch made so far has a higher number. Ahead of the last one while a shard is worked on, so that no number
    /// is used twice after a restart either, whatever was saved last.
    pub batches: u64,
}

impl From<Position> for Checkpoint {
    fn from(position: Position) -> Self {
        Self {
            position,
            window: None,
            batches: 0,
        }
    }
}

/// One shard of one mapping, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// UUID of the mapping.
    pub mapping: Arc<str>,
    pub shard: Arc<str>,
    pub stream_arn: Arc<str>,
    /// As the mapping names it, qualifier included.
    pub function_arn: Arc<str>,
}

/// Settings whose filters have been understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub config: MappingConfig,
    pub pace: Pace,
    pub assumed: Assumed,
    pub(super) filters: Filters,
}

impl Rules {
    pub fn new(config: MappingConfig) -> Result<Self, BadPattern> {
        let filters = Filters::parse(&config.filters)?;
        Ok(Self {
            config,
            pace: Pace::default(),
            assumed: Assumed::default(),
            filters,
        })
    }

    /// The same, read at this pace.
    #[must_use]
    pub fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same, where what is not known of AWS is done like this.
    #[must_use]
    pub fn assuming(self, assumed: Assumed) -> Self {
        Self { assumed, ..self }
    }

    /// The tumbling window that begins with a record created then; `None` without such windows.
    pub(super) fn window_at(&self, created: SystemTime) -> Option<Window> {
        let secs = self.config.tumbling_window_secs?;
        Some(Window::of(created, secs, self.assumed.windows_begin))
    }

    /// Concurrent batches per shard; windows allow only one.
    pub(super) fn lanes(&self) -> usize {
        match self.config.tumbling_window_secs {
            Some(_) => 1,
            None => self.config.parallelization_factor.max(1) as usize,
        }
    }
}

#[cfg(test)]
impl Discard {
    pub(in crate::mapping) fn for_test(
        records: Vec<Record>,
        condition: Condition,
        attempts: u32,
        answer: Option<Arc<Answer>>,
    ) -> Self {
        Self {
            batch: BatchId(1),
            records: records.into(),
            condition,
            attempts,
            answer,
            reason: String::new(),
            lane: 0,
        }
    }
}

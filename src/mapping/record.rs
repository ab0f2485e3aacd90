//! A stream record as the pipeline sees it: converted once from the SDK's shape. Pure.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Position of a record in its shard: 21 to 40 decimal digits, ordered as an integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SequenceNumber(Arc<str>);

impl SequenceNumber {
    pub fn new(digits: &str) -> Self {
        Self(Arc::from(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// First four and last six digits, for narrow columns.
    pub fn short(&self) -> String {
        let digits = &*self.0;
        match (
            digits.get(..4),
            digits.get(digits.len().saturating_sub(6)..),
        ) {
            (Some(head), Some(tail)) if digits.len() > 12 => format!("{head}…{tail}"),
            _ => digits.to_owned(),
        }
    }

    fn magnitude(&self) -> (usize, &str) {
        let digits = self.0.trim_start_matches('0');
        (digits.len(), digits)
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.magnitude().cmp(&other.magnitude())
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventName {
    Insert,
    Modify,
    Remove,
}

impl EventName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// One change of one item. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub sequence_number: SequenceNumber,
    pub event_id: Arc<str>,
    pub event_name: EventName,
    /// The key in words, for people: `cust-7 / 2026-11-02`.
    pub key: Arc<str>,
    /// `ApproximateCreationDateTime`; whole seconds.
    pub created: SystemTime,
    pub size_bytes: u64,
    /// The record as the function receives it, one element of `Records`, `eventSourceARN` included.
    pub event: Arc<Value>,
}

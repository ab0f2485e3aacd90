//! A recorded stretch of a stream: shards, their lineage and their records. Plain data.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use crate::mapping::record::Record;

/// What is played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// Ids are unique. A parent that is not among them is gone.
    pub shards: Vec<Shard>,
}

/// One shard and what is wanted of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    pub id: Arc<str>,
    pub parent: Option<Arc<str>>,
    /// When it came to be.
    pub opened: SystemTime,
    /// When it ended, where it has: everything later is in its children.
    pub closed: Option<SystemTime>,
    /// In the order of their sequence numbers.
    pub records: Vec<Written>,
}

/// A record, and when it could be read: at most a second after `created`, which knows no fractions.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub at: SystemTime,
    pub record: Record,
}

impl Stretch {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.records.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.records.is_empty())
    }

    /// When the first and the last record were written.
    pub fn span(&self) -> Option<(SystemTime, SystemTime)> {
        let ends = self.shards.iter().filter_map(|shard| {
            let (first, last) = (shard.records.first()?, shard.records.last()?);
            Some((first.at, last.at))
        });
        ends.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for shard in &self.shards {
            let id = &shard.id;
            if !ids.insert(id) {
                return Err(format!("shard {id} is there twice"));
            }
            for pair in shard.records.windows(2) {
                let (a, b) = (&pair[0], &pair[1]);
                if a.record.sequence_number >= b.record.sequence_number {
                    return Err(format!(
                        "record {} of shard {id} comes before record {}: put the records in the order of their sequence numbers",
                        a.record.sequence_number, b.record.sequence_number
                    ));
                }
                if a.at > b.at {
                    return Err(format!(
                        "record {} of shard {id} was written before the one in front of it",
                        b.record.sequence_number
                    ));
                }
            }
            if let (Some(last), Some(closed)) = (shard.records.last(), shard.closed)
                && last.at > closed
            {
                return Err(format!("shard {id} was closed before its last record"));
            }
        }
        if self.is_empty() {
            return Err("there is no record in this stretch".to_owned());
        }
        Ok(())
    }
}

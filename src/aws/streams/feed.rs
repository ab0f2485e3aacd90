//! What a tail has brought: a ring that writers and the window share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::mapping::Record;

/// Most records kept; older ones are counted as skipped.
pub const ROWS_MAX: usize = 200_000;

/// A record and the shard it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub shard: Arc<str>,
    pub record: Record,
}

/// Records of a stream as they come. Share it in an `Arc`.
#[derive(Debug, Default)]
pub struct Feed {
    rows: Mutex<Rows>,
    version: AtomicU64,
    paused: AtomicBool,
    waker: Waker,
}

/// Told of every change.
#[derive(Default)]
struct Waker(Option<Box<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Waker").field(&self.0.is_some()).finish()
    }
}

#[derive(Debug, Default)]
struct Rows {
    ring: VecDeque<Row>,
    skipped: u64,
    polls: u64,
    trouble: Option<String>,
}

impl Feed {
    /// A feed that calls `wake` after every change; it should return at once.
    pub fn waking(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            waker: Waker(Some(Box::new(wake))),
            ..Self::default()
        }
    }

    /// Grows with every change; a window that has seen this version need not look again.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks at the records, oldest first. Keep it short: the tail waits meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&VecDeque<Row>) -> T) -> T {
        look(&self.rows.lock().ring)
    }

    pub fn len(&self) -> usize {
        self.rows.lock().ring.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that fell out of the ring.
    pub fn skipped(&self) -> u64 {
        self.rows.lock().skipped
    }

    /// How often the shards were asked: the heartbeat of a quiet stream.
    pub fn polls(&self) -> u64 {
        self.rows.lock().polls
    }

    /// Why the last poll failed; it is tried again.
    pub fn trouble(&self) -> Option<String> {
        self.rows.lock().trouble.clone()
    }

    /// A paused tail reads nothing and goes on from where it was.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
        self.changed();
    }

    /// Forgets what has come so far.
    pub fn clear(&self) {
        let mut rows = self.rows.lock();
        rows.ring.clear();
        rows.skipped = 0;
        drop(rows);
        self.changed();
    }

    /// Adds records at the end.
    pub fn push(&self, new: impl IntoIterator<Item = Row>) {
        let mut rows = self.rows.lock();
        for row in new {
            if rows.ring.len() == ROWS_MAX {
                rows.ring.pop_front();
                rows.skipped += 1;
            }
            rows.ring.push_back(row);
        }
        drop(rows);
        self.changed();
    }

    pub(super) fn polled(&self, trouble: Option<String>) {
        let mut rows = self.rows.lock();
        rows.polls += 1;
        let news = rows.trouble != trouble;
        rows.trouble = trouble;
        drop(rows);
        if news {
            self.changed();
        }
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        if let Some(wake) = &self.waker.0 {
            wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::mapping::record::{EventName, SequenceNumber};

    fn row(number: usize) -> Row {
        Row {
            shard: Arc::from("shardId-1"),
            record: Record {
                sequence_number: SequenceNumber::new(&number.to_string()),
                event_id: Arc::from("e"),
                event_name: EventName::Insert,
                key: Arc::from("k"),
                created: SystemTime::UNIX_EPOCH,
                size_bytes: 1,
                event: serde_json::Value::Null.into(),
            },
        }
    }

    #[test]
    fn a_full_feed_counts_what_it_forgets() {
        let feed = Feed::default();
        feed.push((0..ROWS_MAX + 3).map(row));
        assert_eq!((feed.len(), feed.skipped()), (ROWS_MAX, 3));
        assert_eq!(
            feed.look(|rows| rows[0].record.sequence_number.to_string()),
            "3"
        );
    }

    #[test]
    fn every_change_makes_a_new_version() {
        let feed = Feed::default();
        let before = feed.version();
        feed.push([row(1)]);
        let after = feed.version();
        assert_ne!(before, after);
        feed.polled(None);
        assert_eq!(feed.version(), after);
        feed.polled(Some("slow down".to_owned()));
        assert_ne!(feed.version(), after);
    }
}

//! How often streams may be asked, and by how many at once, where the engine is told to mind.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::engine::call::Fault;

/// Readers of a shard at the same time.
/// See <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html>.
const READERS_MAX: usize = 2;
/// A reader that was silent for so long is gone. AWS does not say how it counts; Lambda reads four times a second.
const READER_STAYS: Duration = Duration::from_secs(1);
/// Calls a second.
/// See <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html>.
const DESCRIBES_MAX: usize = 10;
/// See <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html>.
const LISTS_MAX: usize = 5;

/// Who read what a moment ago.
#[derive(Default)]
pub(super) struct Limits {
    /// Readers of a shard, by its `store_id`, and when each was last here.
    readers: Mutex<HashMap<u64, Vec<(u64, SystemTime)>>>,
    described: Mutex<Calls>,
    listed: Mutex<Calls>,
}

/// When the calls of the last second were made.
#[derive(Default)]
struct Calls(VecDeque<SystemTime>);

impl Limits {
    /// Counts a reader of the shard, unless there are others enough.
    pub(super) fn read(&self, shard: u64, reader: u64, now: SystemTime) -> Result<(), Fault> {
        let mut readers = self.readers.lock();
        let readers = readers.entry(shard).or_default();
        readers.retain(|(it, last)| *it != reader && is_within(*last, READER_STAYS, now));
        if readers.len() >= READERS_MAX {
            return Err(Fault::new(
                400,
                "LimitExceededException",
                format!("More than {READERS_MAX} readers of one shard at the same time"),
            ));
        }
        readers.push((reader, now));
        Ok(())
    }

    pub(super) fn describe(&self, now: SystemTime) -> Result<(), Fault> {
        self.described.lock().add(DESCRIBES_MAX, now)
    }

    pub(super) fn list(&self, now: SystemTime) -> Result<(), Fault> {
        self.listed.lock().add(LISTS_MAX, now)
    }

    pub(super) fn forget(&self, shard: u64) {
        self.readers.lock().remove(&shard);
    }
}

impl Calls {
    fn add(&mut self, most: usize, now: SystemTime) -> Result<(), Fault> {
        self.0
            .retain(|at| is_within(*at, Duration::from_secs(1), now));
        if self.0.len() >= most {
            return Err(Fault::new(400, "ThrottlingException", "Rate exceeded"));
        }
        self.0.push_back(now);
        Ok(())
    }
}

/// Less than `time` has passed since. Requests may overtake each other, so it may seem to lie ahead.
fn is_within(since: SystemTime, time: Duration, now: SystemTime) -> bool {
    now.duration_since(since).unwrap_or_default() < time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn a_third_reader_waits_until_one_of_the_two_has_been_silent_for_a_second() {
        let limits = Limits::default();
        for (shard, reader, millis, fine) in [
            (1, 7, 0, true),
            (1, 8, 100, true),
            (1, 9, 200, false),
            (2, 9, 200, true),
            (1, 7, 300, true),
            (1, 9, 1099, false),
            (1, 9, 1100, true),
            (1, 8, 1200, false),
            (1, 7, 1200, true),
        ] {
            let read = limits.read(shard, reader, at(millis));
            assert_eq!(read.is_ok(), fine, "{shard} {reader} {millis}");
        }
        assert_eq!(
            limits.read(1, 8, at(1300)).unwrap_err().code,
            "LimitExceededException"
        );
    }

    #[test]
    fn so_many_calls_a_second_and_no_more() {
        let mut calls = Calls::default();
        for (millis, fine) in [
            (0, true),
            (500, true),
            (999, false),
            (1000, true),
            (1001, false),
            (1500, true),
        ] {
            assert_eq!(calls.add(2, at(millis)).is_ok(), fine, "{millis}");
        }
    }
}

//! What came of a what-if. Plain data; as JSON, the members have these names in AWS's way of writing.

use serde::{Deserialize, Serialize};

use super::series::Levels;

/// What a configuration did to a stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// Seconds since 1970, when the trigger began to read.
    pub starts: f64,
    /// All shards together.
    pub total: Tally,
    pub shards: Vec<ShardReport>,
    /// How many calls had how many records, in order of size; sizes that no call had are left out.
    pub batch_sizes: Vec<BatchSize>,
    /// Age of the last record of a batch when it was sent, in seconds.
    pub iterator_age: Levels,
    /// Calls that ran at once.
    pub concurrency: Levels,
    /// The first things of each kind that went another way than a success, with the reasons the trigger gives.
    pub notes: Vec<Note>,
    /// What to bear in mind when reading these numbers.
    pub remarks: Vec<String>,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShardReport {
    pub shard_id: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// Counts of one shard, or of all. Every record is in exactly one of the first groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tally {
    pub records: u64,
    /// Done by the function.
    pub processed: u64,
    pub filtered_out: u64,
    pub discarded_by_attempts: u64,
    pub discarded_by_age: u64,
    /// Older than the stream keeps records before they were read.
    pub trimmed: u64,

    pub polls: u64,
    /// Calls that ran; throttled ones did not.
    pub invocations: u64,
    pub successes: u64,
    /// Calls that threw, timed out or answered nonsense.
    pub failures: u64,
    pub timeouts: u64,
    /// Calls that reported some records as failed.
    pub partial_failures: u64,
    pub throttles: u64,
    /// Calls of a batch after its first.
    pub retries: u64,
    /// Batches that went on as halves.
    pub splits: u64,
    /// Letters to an on-failure destination, or silent losses where there is none.
    pub discards: u64,
    pub cold_starts: u64,

    /// Records in all calls that ran.
    pub deliveries: u64,
    /// Records that were delivered more than once.
    pub delivered_again: u64,
    /// Records in the largest batch.
    pub batch_maximum: u64,
    pub duration_in_milliseconds: u64,
    pub longest_in_milliseconds: u64,
    /// Every call rounded up to milliseconds, cold start included, times the memory. An estimate.
    pub gigabyte_seconds: f64,

    /// Most calls that ran at once.
    pub concurrency_maximum: u32,
    pub iterator_age_maximum_in_milliseconds: u64,
    pub iterator_age_average_in_milliseconds: u64,
    /// From the start until nothing was left to do.
    pub done_after_milliseconds: u64,
    /// From the last record's writing until nothing was left to do.
    pub behind_in_milliseconds: u64,
}

/// Calls with batches of one size up to 10 records, and of a range of sizes above: to 20, 50, 100, 200 and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchSize {
    /// Most records.
    pub up_to: u32,
    pub calls: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Note {
    /// `failed`, `reported`, `throttled`, `split`, `discarded` or `trimmed`.
    pub kind: String,
    pub after_milliseconds: u64,
    pub shard_id: String,
    /// The first record concerned; empty where there is none.
    pub sequence_number: String,
    pub records: u64,
    pub reason: String,
}

/// Counts a call with so many records.
pub(super) fn count_size(sizes: &mut Vec<BatchSize>, records: usize) {
    let records = u32::try_from(records).unwrap_or(u32::MAX);
    let mut up_to = records.min(10);
    let mut base = 10_u32;
    let mut steps = [2, 5, 10].into_iter().cycle();
    while up_to < records {
        let step = steps.next().unwrap_or(10);
        up_to = base.saturating_mul(step);
        if step == 10 {
            base = up_to;
        }
    }
    match sizes.binary_search_by_key(&up_to, |it| it.up_to) {
        Ok(at) => sizes[at].calls += 1,
        Err(at) => sizes.insert(at, BatchSize { up_to, calls: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_sizes_are_gathered_in_steps_that_grow() {
        let mut sizes = Vec::new();
        for records in [0, 1, 10, 11, 20, 21, 100, 101, 9_999, 10_000] {
            count_size(&mut sizes, records);
        }
        let told: Vec<(u32, u64)> = sizes.iter().map(|it| (it.up_to, it.calls)).collect();
        assert_eq!(
            told,
            [
                (0, 1),
                (1, 1),
                (10, 1),
                (20, 2),
                (50, 1),
                (100, 1),
                (200, 1),
                (10_000, 2)
            ]
        );
    }
}

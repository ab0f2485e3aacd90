//! What the story tells of a function: how long its calls took, and which records failed. Pure.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use crate::mapping::progress::{BatchId, Outcome, Progress, What};
use crate::mapping::record::{Record, SequenceNumber};
use crate::mapping::whatif::Sample;

/// Taken out of the calls of one mapping.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Recorded {
    /// Calls that ran.
    pub(super) samples: Vec<Sample>,
    /// Records that failed, with how many of their first deliveries did; `u32::MAX` where none succeeded so far.
    pub(super) failed: BTreeMap<SequenceNumber, u32>,
    /// Batches that failed as a whole though no record of them is known to fail: their first one is among those above.
    pub(super) guessed: usize,
    /// When the first of the calls began.
    pub(super) since: Option<SystemTime>,
}

/// A record in the calls that ran.
#[derive(Default)]
struct Seen {
    deliveries: u32,
    is_done: bool,
    /// It was named as failed, or failed alone.
    is_bad: bool,
}

impl Recorded {
    pub(super) fn of<'a>(story: impl Iterator<Item = &'a Progress>) -> Self {
        let mut recorded = Self::default();
        let mut calls: HashMap<(&str, BatchId), &[Record]> = HashMap::new();
        let mut seen: BTreeMap<&SequenceNumber, Seen> = BTreeMap::new();
        let mut failed_whole: Vec<&[Record]> = Vec::new();
        for progress in story {
            match &progress.what {
                What::Invoking { batch, records, .. } => {
                    recorded.since.get_or_insert(progress.at);
                    calls.insert((&progress.shard, *batch), records);
                }
                What::Invoked {
                    batch,
                    outcome,
                    answer,
                    ..
                } if *outcome != Outcome::Throttled => {
                    let call = calls.get(&(&*progress.shard, *batch));
                    let Some(records) = call.copied() else {
                        continue;
                    };
                    recorded.samples.push(Sample {
                        records: u32::try_from(records.len()).unwrap_or(u32::MAX),
                        took: answer.took,
                    });
                    for record in records {
                        let seen = seen.entry(&record.sequence_number).or_default();
                        seen.deliveries += 1;
                        match outcome {
                            Outcome::Succeeded => seen.is_done = true,
                            Outcome::FailedFrom(number) => {
                                seen.is_done = record.sequence_number < *number;
                                seen.is_bad |= record.sequence_number == *number;
                            }
                            Outcome::Failed | Outcome::Throttled => {
                                seen.is_bad |= records.len() == 1;
                            }
                        }
                    }
                    if *outcome == Outcome::Failed && records.len() > 1 {
                        failed_whole.push(records);
                    }
                }
                _ => {}
            }
        }
        for records in failed_whole {
            let is_bad = |it: &Record| seen.get(&it.sequence_number).is_some_and(|it| it.is_bad);
            if !records.iter().any(is_bad)
                && let Some(seen) = seen.get_mut(&records[0].sequence_number)
            {
                seen.is_bad = true;
                recorded.guessed += 1;
            }
        }
        let bad = seen.into_iter().filter(|(_, it)| it.is_bad);
        let bad = bad.map(|(number, it)| {
            let failed = if it.is_done {
                it.deliveries - 1
            } else {
                u32::MAX
            };
            (number.clone(), failed)
        });
        recorded.failed = bad.collect();
        recorded
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::mapping::progress::Answer;

    fn record(number: u64) -> Record {
        let number = format!("{number:021}");
        Record::from_event(json!({ "dynamodb": { "SequenceNumber": number } }), &[])
    }

    fn number(number: u64) -> SequenceNumber {
        record(number).sequence_number
    }

    /// Calls with these records and outcomes, each a batch of its own.
    fn story(calls: &[(&[u64], Outcome)]) -> Vec<Progress> {
        let mut story = Vec::new();
        for (at, (numbers, outcome)) in (1..).zip(calls) {
            let batch = BatchId(at);
            let records: Vec<Record> = numbers.iter().map(|it| record(*it)).collect();
            let invoking = What::Invoking {
                batch,
                parent: None,
                attempt: 1,
                lane: 0,
                window: None,
                records: records.into(),
                reason: String::new(),
            };
            let invoked = What::Invoked {
                batch,
                attempt: 1,
                outcome: outcome.clone(),
                failed: 0,
                answer: Arc::new(Answer {
                    request_id: String::new(),
                    status: 200,
                    function_error: None,
                    executed_version: String::new(),
                    payload: String::new(),
                    log_tail: String::new(),
                    took: Duration::from_millis(at * 10),
                }),
                reason: String::new(),
            };
            story.extend([invoking, invoked].map(|what| Progress {
                mapping: Arc::from("uuid"),
                shard: Arc::from("shard"),
                at: SystemTime::UNIX_EPOCH,
                what,
            }));
        }
        story
    }

    #[track_caller]
    fn check(calls: &[(&[u64], Outcome)], failed: &[(u64, u32)], guessed: usize) -> Recorded {
        let recorded = Recorded::of(story(calls).iter());
        let expected = failed.iter().map(|(it, times)| (number(*it), *times));
        assert_eq!(recorded.failed, expected.collect());
        assert_eq!(recorded.guessed, guessed);
        recorded
    }

    #[test]
    fn a_record_that_failed_alone_is_to_blame_for_the_batches_it_was_in() {
        check(
            &[
                (&[1, 2, 3, 4], Outcome::Failed),
                (&[1, 2], Outcome::Succeeded),
                (&[3, 4], Outcome::Failed),
                (&[3], Outcome::Failed),
                (&[4], Outcome::Succeeded),
            ],
            &[(3, u32::MAX)],
            0,
        );
    }

    #[test]
    fn a_record_that_was_named_failed_until_its_last_delivery() {
        check(
            &[
                (&[1, 2, 3], Outcome::FailedFrom(number(2))),
                (&[2, 3], Outcome::FailedFrom(number(2))),
                (&[2, 3], Outcome::Succeeded),
            ],
            &[(2, 2)],
            0,
        );
    }

    #[test]
    fn of_a_batch_that_failed_as_a_whole_the_first_record_is_taken() {
        check(
            &[
                (&[1, 2, 3], Outcome::Failed),
                (&[1, 2, 3], Outcome::Succeeded),
            ],
            &[(1, 1)],
            1,
        );
    }

    #[test]
    fn calls_that_never_ran_say_nothing() {
        let recorded = check(
            &[(&[1], Outcome::Throttled), (&[1, 2], Outcome::Succeeded)],
            &[],
            0,
        );
        let took = Duration::from_millis(20);
        assert_eq!(recorded.samples, [Sample { records: 2, took }]);
        assert_eq!(recorded.since, Some(SystemTime::UNIX_EPOCH));
    }
}

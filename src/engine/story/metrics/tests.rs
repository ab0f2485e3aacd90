//! Steps told, and what was counted of them.

use serde_json::json;

use super::*;
use crate::engine::story::testing::{at, discarded, filtered, invoked, invoking, records};
use crate::mapping::progress::{BatchId, Outcome};

fn told(counters: &mut Counters, shard: &str, secs: u64, what: What) {
    counters.take(&Progress {
        mapping: Arc::from("uuid"),
        shard: Arc::from(shard),
        at: at(secs),
        what,
    });
}

fn polled(records: usize) -> What {
    What::Polled {
        records,
        behind: None,
    }
}

fn delivered(records: usize, error: Option<&str>) -> What {
    What::Delivered {
        batch: BatchId(1),
        records,
        destination: "arn".to_owned(),
        body: Arc::new(json!({})),
        error: error.map(str::to_owned),
    }
}

/// An answer after which so many records are not done.
fn failed(records: usize) -> What {
    let mut what = invoked(1, 1, Outcome::Failed);
    if let What::Invoked { failed, .. } = &mut what {
        *failed = records;
    }
    what
}

#[test]
fn steps_are_counted_by_shard_and_minute() {
    let mut counters = Counters::default();
    let three = records(1..4);
    for (shard, secs, what) in [
        ("a", 0, polled(5)),
        ("a", 1, filtered(&three[..2])),
        ("a", 2, invoking(1, 1, &three)),
        ("a", 3, failed(3)),
        ("a", 59, invoking(1, 2, &three)),
        ("a", 61, failed(2)),
        ("a", 62, discarded(1, &three)),
        ("b", 62, polled(0)),
        ("b", 63, delivered(4, None)),
        ("b", 64, delivered(1, Some("denied"))),
        ("b", 65, What::ShardClosed),
    ] {
        told(&mut counters, shard, secs, what);
    }
    let shards = counters.of("uuid", at(70));
    let first = shards["a"][&at(0)];
    assert_eq!(
        first.counts,
        Counts {
            polled: 5,
            filtered_out: 2,
            invoked: 6,
            failed_invoke: 3,
            ..Counts::default()
        }
    );
    assert_eq!(first.iterator_age.samples, 2);
    // The records were made at the beginning.
    let age = &first.iterator_age;
    assert_eq!(age.maximum, Duration::from_secs(59));
    assert_eq!(age.average(), Duration::from_millis(30_500));
    let second = shards["a"][&at(60)];
    assert_eq!((second.counts.failed_invoke, second.counts.dropped), (2, 3));
    let other = shards["b"][&at(60)];
    assert_eq!((other.counts.delivered, other.counts.dropped), (4, 1));
    assert_eq!(shards["b"].len(), 1);
    assert!(counters.of("other", at(70)).is_empty());
}

#[test]
fn three_hours_are_remembered() {
    let mut counters = Counters::default();
    for minute in 0..MINUTES_MAX + 20 {
        told(&mut counters, "a", minute * 60, polled(1));
    }
    let last = (MINUTES_MAX + 19) * 60;
    let shards = counters.of("uuid", at(last));
    assert_eq!(shards["a"].len(), usize::try_from(MINUTES_MAX).unwrap());
    assert_eq!(shards["a"].keys().next(), Some(&at(20 * 60)));
    let later = counters.of("uuid", at(last + 60 * 60));
    assert_eq!(later["a"].len(), usize::try_from(MINUTES_MAX - 60).unwrap());
    assert!(counters.of("uuid", at(last + 24 * 60 * 60)).is_empty());
    // The next shard that is heard of takes its place.
    told(&mut counters, "b", last + 24 * 60 * 60, polled(0));
    assert_eq!(counters.by_mapping["uuid"].len(), 1);
    counters.forget(|uuid| uuid == "uuid");
    assert!(counters.by_mapping.is_empty());
}

#[test]
fn a_step_that_is_told_late_counts_for_the_later_minute() {
    let mut counters = Counters::default();
    told(&mut counters, "a", 61, polled(1));
    told(&mut counters, "a", 59, polled(2));
    let shards = counters.of("uuid", at(61));
    assert_eq!(shards["a"][&at(60)].counts.polled, 3);
}

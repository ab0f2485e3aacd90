//! Stories told from steps.

use super::*;
use crate::mapping::progress::BatchId;
use crate::ui::live::testing::{
    at, discarded, filtered, poll_failed, record, replayed, skipped, split, step, tried,
};

fn told(steps: Vec<What>) -> ShardStory {
    timed(steps.into_iter().map(|what| (0, what)).collect())
}

/// Steps with their seconds.
fn timed(steps: Vec<(u64, What)>) -> ShardStory {
    let mut shard = ShardStory::default();
    for (secs, what) in steps {
        shard.take(&step(secs, what));
    }
    shard
}

#[test]
fn a_split_down_to_one_record_names_the_poison() {
    let records = [record(1), record(2)];
    let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
    steps.push(split(1, [2, 3]));
    steps.extend(tried(2, 1, &records[..1], Outcome::Succeeded));
    steps.extend(tried(3, 1, &records[1..], Outcome::Failed));
    steps.push(discarded(3, &records[1..]));
    let shard = told(steps);
    assert_eq!(shard.batches[&1].status(), Status::Split);
    assert_eq!(shard.batches[&2].status(), Status::Succeeded);
    assert_eq!(shard.batches[&3].status(), Status::Dropped);
    assert_eq!(shard.batches[&3].poison(), Some(&record(2)));
    assert_eq!(shard.root_of(3), 1);
    assert_eq!(shard.roots().count(), 1);
    assert!(shard.blocked_by().is_none());
}

#[test]
fn a_batch_that_is_tried_again_blocks_its_shard() {
    let shard = told(tried(1, 1, &[record(1)], Outcome::Failed).into());
    assert_eq!(shard.blocked_by().map(|batch| batch.id), Some(1));
}

#[test]
fn what_a_poller_left_undone_is_interrupted_when_the_next_begins() {
    let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
    steps.extend(tried(2, 1, &[record(2)], Outcome::Succeeded));
    let [under_way, _] = tried(3, 1, &[record(3)], Outcome::Succeeded);
    steps.extend([under_way, What::ShardOpened]);
    let shard = told(steps);
    let status = |batch: u64| shard.batches[&batch].status();
    assert_eq!(status(1), Status::Interrupted);
    assert_eq!(status(2), Status::Succeeded);
    assert_eq!(status(3), Status::Interrupted);
    assert!(shard.batches[&3].attempts[0].interrupted);
    assert!(!shard.batches[&1].attempts[0].interrupted);
    assert!(shard.blocked_by().is_none());
}

#[test]
fn finished_batches_are_forgotten_before_open_ones() {
    let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
    for id in 2..=(BATCHES_MAX as u64 + 1) {
        steps.extend(tried(id, 1, &[record(2)], Outcome::Succeeded));
    }
    let shard = told(steps);
    assert_eq!(shard.batches.len(), BATCHES_MAX);
    assert!(shard.batches.contains_key(&1));
    assert!(!shard.batches.contains_key(&2));
}

#[test]
fn a_skipped_record_waits_no_more_and_its_batch_ends_with_the_last() {
    let records = [record(1), record(2)];
    let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
    let keys = |shard: &ShardStory| -> Vec<String> {
        let waiting = shard.batches[&1].waiting();
        waiting.iter().map(|it| it.key.to_string()).collect()
    };
    assert_eq!(keys(&told(steps.clone())), ["item-1", "item-2"]);
    steps.push(skipped(Some(1), record(1), 1));
    let shard = told(steps.clone());
    assert_eq!(keys(&shard), ["item-2"]);
    assert!(shard.blocked_by().is_some());
    steps.push(skipped(Some(1), record(2), 0));
    let shard = told(steps);
    assert_eq!(shard.batches[&1].status(), Status::Skipped);
    assert_eq!(shard.batches[&1].skipped.len(), 2);
    assert!(shard.blocked_by().is_none());
}

#[test]
fn after_a_partial_failure_the_records_before_it_wait_no_more() {
    let records = [record(1), record(2)];
    let from = Outcome::FailedFrom(records[1].sequence_number.clone());
    let shard = told(tried(1, 1, &records, from).into());
    let waiting = shard.batches[&1].waiting();
    assert_eq!(waiting, [&records[1]]);
}

#[test]
fn a_wait_is_over_with_the_next_attempt_and_stays_told() {
    let waits = What::Waiting {
        batch: Some(BatchId(1)),
        until: at(9),
        reason: "waits 1 s before attempt 2 of 3: function error".to_owned(),
    };
    let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
    steps.push(waits);
    let shard = told(steps.clone());
    assert_eq!(shard.batches[&1].wait().map(|it| it.until), Some(at(9)));
    steps.extend(tried(1, 2, &[record(1)], Outcome::Failed));
    let shard = told(steps);
    assert_eq!(shard.batches[&1].wait(), None);
    assert_eq!(shard.batches[&1].waits.len(), 1);
}

#[test]
fn a_replay_changes_nothing_but_what_is_told() {
    let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
    steps.push(replayed(Some(1), &[record(1)], Outcome::Succeeded));
    steps.push(replayed(Some(7), &[record(2)], Outcome::Failed));
    let shard = told(steps);
    assert_eq!(shard.batches[&1].status(), Status::Retrying);
    assert_eq!(shard.replay_of("r1.90"), Some((1, 0)));
    // That one is kept no more.
    assert!(!shard.batches.contains_key(&7));
    assert!(matches!(shard.notes[0].what, Noted::Replayed(_)));
}

#[test]
fn polls_that_fail_in_a_row_are_one_note() {
    let page = What::Polled {
        records: 0,
        behind: None,
    };
    let shard = timed(vec![
        (1, poll_failed(1, 2)),
        (2, poll_failed(2, 4)),
        (4, page),
        (5, poll_failed(1, 6)),
    ]);
    let setbacks = shard.notes.iter().map(|note| match &note.what {
        Noted::PollFailed(trouble) => (trouble.since, trouble.setbacks),
        other => panic!("{other:?}"),
    });
    assert_eq!(setbacks.collect::<Vec<_>>(), [(at(1), 2), (at(5), 1)]);
}

#[test]
fn filtered_records_that_follow_on_each_other_are_one_note() {
    let shard = timed(vec![
        (1, filtered(record(1))),
        (2, filtered(record(2))),
        (3, skipped(None, record(3), 0)),
        (4, filtered(record(4))),
        (60, filtered(record(5))),
    ]);
    let sizes = shard.notes.iter().map(|note| match &note.what {
        Noted::Filtered(records) => records.len(),
        _ => 0,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [2, 0, 1, 1]);
    let (_, last) = shard.last_filtered().unwrap();
    assert_eq!(&*last.record.key, "item-5");
}

//! When a batch is sent, and what is in it.

use super::*;

#[test]
fn an_idle_shard_is_polled_exactly_four_times_a_second() {
    let mut desk = Desk::new(MappingConfig::default());
    desk.run(seconds(600), fine);
    assert_eq!(desk.polls, 2400);
    assert!(desk.seen.is_empty());
}

#[test]
fn polls_go_on_while_every_poll_takes_a_while() {
    let mut desk = Desk::new(MappingConfig::default());
    for _ in 0..40 {
        if desk.consumer.next(desk.now) == Step::Poll {
            desk.now += Duration::from_millis(20);
            desk.poll();
        } else {
            desk.now += Duration::from_millis(230);
        }
    }
    assert_eq!(desk.polls, 20);
}

#[test]
fn without_a_window_a_batch_is_what_a_poll_returned() {
    let mut desk = Desk::new(MappingConfig::default())
        .page(records(1..=3))
        .page(records(4..=4));
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2, 3], vec![4]]);
    assert_eq!(desk.times(), [0, 250]);
    assert_eq!(desk.checkpoints, [3, 4]);
}

#[test]
fn a_batch_never_exceeds_its_size() {
    let config = MappingConfig {
        batch_size: 2,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=5));
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![3, 4], vec![5]]);
}

#[test]
fn the_batching_window_starts_with_the_first_record() {
    let config = MappingConfig {
        batching_window_secs: 2,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config)
        .page(Vec::new())
        .page(records(1..=1))
        .page(records(2..=2));
    desk.run(seconds(5), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2]]);
    assert_eq!(desk.times(), [2250]);
    assert_eq!(desk.reasons()[0], "waits 2 s: batching window");
}

#[test]
fn a_full_batch_does_not_wait_for_its_window() {
    let config = MappingConfig {
        batching_window_secs: 300,
        batch_size: 2,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=5));
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![3, 4]]);
    desk.run(seconds(300), fine);
    assert_eq!(desk.seen.len(), 3);
    assert_eq!(desk.times()[2], 300_000);
}

#[test]
fn a_payload_never_exceeds_six_megabytes() {
    let large = |number| {
        let mut record = record(number, "item", start());
        record.event = json!({ "x": "y".repeat(700_000) }).into();
        record
    };
    let mut desk = Desk::new(MappingConfig::default()).page((1..=10).map(large).collect());
    let mut sizes = Vec::new();
    desk.run(seconds(1), |batch| {
        sizes.push(batch.event.len());
        answer("null")
    });
    assert_eq!(desk.deliveries().concat(), (1..=10).collect::<Vec<_>>());
    assert_eq!(desk.seen.len(), 2);
    assert!(sizes.iter().all(|bytes| *bytes <= 6 * 1024 * 1024));
}

#[test]
fn batch_size_counts_records_after_filtering() {
    let config = MappingConfig {
        batch_size: 2,
        filters: vec![r#"{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"0"}]}}}}"#.to_owned()],
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=45));
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [vec![10, 20], vec![30, 40]]);
    // The records that were filtered out are done as well.
    assert_eq!(desk.checkpoints.last(), Some(&45));
    let dropped: usize = desk
        .news
        .iter()
        .map(|what| match what {
            What::FilteredOut { records } => records.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(dropped, 41);
}

#[test]
fn the_next_page_is_read_while_a_batch_is_delivered() {
    let mut desk = Desk::new(MappingConfig::default());
    let mut pages = (0..).map(|page| records(page * 700 + 1..=page * 700 + 700));
    let mut page = || Page {
        records: pages.next().unwrap(),
        ..Page::default()
    };
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    desk.consumer.polled(page(), desk.now);
    let Step::Invoke(first) = desk.consumer.next(desk.now) else {
        panic!("a full batch waits");
    };
    desk.now += POLL_EVERY;
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    desk.consumer.polled(page(), desk.now);
    // More than a page waits now.
    desk.now += POLL_EVERY;
    let waits = |step| matches!(step, Step::Wait { until: None, .. });
    assert!(waits(desk.consumer.next(desk.now)));
    let fine = Arc::new(answer("null"));
    desk.consumer.invoked(first.id, &fine, desk.now);
    assert_eq!(desk.consumer.standing(desk.now).lanes[0].queued, 1300);
}

#[test]
fn a_batch_that_failed_is_tried_again_without_reading_on() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=700));
    desk.run(Duration::from_millis(100), |_| thrown());
    desk.now += seconds(1);
    assert!(matches!(desk.consumer.next(desk.now), Step::Invoke(_)));
    let step = desk.consumer.next(desk.now);
    assert!(matches!(step, Step::Wait { until: None, .. }), "{step:?}");
    assert_eq!(desk.polls, 1);
}

#[test]
fn reading_stops_while_a_full_batch_waits() {
    let config = MappingConfig {
        batch_size: 10,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=50));
    for page in 1..100 {
        desk.pages
            .push_back(records(page * 50 + 1..=page * 50 + 50));
    }
    desk.run(seconds(30), |_| thrown());
    assert_eq!(desk.polls, 1);
    assert!(
        desk.seen
            .iter()
            .all(|(_, numbers)| numbers == &desk.seen[0].1)
    );
}

#[test]
fn a_closed_shard_closes_when_everything_is_settled() {
    let config = MappingConfig {
        batching_window_secs: 60,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=2)).ending();
    desk.run(seconds(10), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2]]);
    assert_eq!(desk.times(), [0]);
    assert!(desk.consumer.is_finished());
    assert_eq!(desk.consumer.checkpoint().position, Position::Finished);
    assert_eq!(desk.news.last(), Some(&What::ShardClosed));
}

#[test]
fn a_restart_goes_on_behind_the_checkpoint_with_new_batch_numbers() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=3));
    desk.run(seconds(1), fine);
    let saved = desk.consumer.unsaved().unwrap();
    assert_eq!(desk.consumer.unsaved(), None);
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Checkpoint = serde_json::from_str(&text).unwrap();
    // The stream returns a record once more: it is not delivered twice.
    let mut again = Desk::going_on(MappingConfig::default(), saved).page(records(3..=4));
    let mut ids = Vec::new();
    again.run(seconds(1), |batch| {
        ids.push(batch.id);
        answer("null")
    });
    assert_eq!(again.deliveries(), [vec![4]]);
    // Some numbers ahead of the first were saved as used.
    assert_eq!(ids, [BatchId(2 + NUMBERS_AHEAD)]);
}

#[test]
fn numbers_of_a_blocked_shard_are_saved_before_they_are_told() {
    let config = MappingConfig {
        batch_size: 64,
        bisect_on_function_error: true,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=64));
    let (mut saved, mut seen, mut saves) = (Checkpoint::default(), 0, 0);
    for _ in 0..200 {
        match desk.consumer.next(desk.now) {
            Step::Poll => desk.poll(),
            Step::Invoke(batch) => {
                let answer = if has(&batch, 64) || batch.records.len() > 1 {
                    thrown()
                } else {
                    answer("null")
                };
                let answer = Arc::new(answer);
                desk.consumer.invoked(batch.id, &answer, desk.now);
            }
            Step::Wait { until, .. } => desk.now = until.unwrap(),
            Step::Discard(_) | Step::Closed => panic!("it never gives up"),
        }
        if let Some(checkpoint) = desk.consumer.unsaved() {
            saved = checkpoint;
            saves += 1;
        }
        for what in desk.consumer.news() {
            if let What::Split { into, .. } = what {
                seen = into.iter().map(|it| it.0).fold(seen, u64::max);
            }
            assert!(seen <= saved.batches, "{seen} was told before it was saved");
        }
    }
    // Two numbers for each of the first splits; the first record that is done moves the checkpoint.
    assert!(seen >= 13 && saves < 60, "{seen} numbers, {saves} saves");
}

#[test]
fn records_that_do_not_pass_are_told_with_the_leaf_that_said_no() {
    let config = MappingConfig {
        filters: vec![r#"{"dynamodb":{"Keys":{"id":{"S":["item 2"]}}}}"#.to_owned()],
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=2));
    desk.run(seconds(1), fine);
    let filtered = desk.news.iter().find_map(|what| match what {
        What::FilteredOut { records } => Some(records),
        _ => None,
    });
    let [filtered] = &**filtered.unwrap() else {
        panic!("one record does not pass")
    };
    assert_eq!(number_of(&filtered.record), 1);
    assert_eq!(
        filtered.because[0].words(),
        r#"filter 1: dynamodb.Keys.id.S is "item 1", the pattern wants ["item 2"]"#
    );
}

#[test]
fn a_stop_waits_for_the_answer_under_way() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=3));
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    desk.poll();
    let Step::Invoke(batch) = desk.consumer.next(desk.now) else {
        panic!("a batch was expected");
    };
    desk.consumer.stop();
    assert!(matches!(
        desk.consumer.next(desk.now),
        Step::Wait { until: None, .. }
    ));
    desk.consumer
        .invoked(batch.id, &Arc::new(answer("null")), desk.now);
    assert_eq!(desk.consumer.next(desk.now), Step::Closed);
    let number = batch.records[2].sequence_number.clone();
    assert_eq!(desk.consumer.checkpoint().position, Position::After(number));
    assert!(!desk.consumer.is_finished());
}

#[test]
fn polls_that_fail_are_tried_again_more_slowly_and_all_told() {
    let mut desk = Desk::new(MappingConfig::default());
    let mut at = Vec::new();
    for _ in 0..12 {
        match desk.consumer.next(desk.now) {
            Step::Poll => {
                at.push(desk.now.duration_since(start()).unwrap().as_millis());
                let problem = "Cannot access stream";
                desk.consumer.poll_failed(problem, "r", desk.now);
            }
            Step::Wait { until, .. } => desk.now = until.unwrap(),
            step => panic!("{step:?} was not expected"),
        }
    }
    assert_eq!(at, [0, 500, 1500, 3500, 7500, 15_500]);
    desk.run(seconds(60), fine);
    let told: Vec<_> = desk
        .news
        .iter()
        .filter_map(|what| match what {
            What::Result { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        ["PROBLEM: Cannot access stream", "No records processed"]
    );
    let failed = desk.news.iter().filter_map(|what| match what {
        What::PollFailed {
            setbacks, until, ..
        } => Some((*setbacks, until.duration_since(start()).unwrap())),
        _ => None,
    });
    let failed: Vec<_> = failed.map(|(nth, at)| (nth, at.as_millis())).collect();
    assert_eq!(failed[..3], [(1, 500), (2, 1500), (3, 3500)]);
    assert_eq!(failed.len(), 6);
}

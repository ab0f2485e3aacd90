//! Pausing, stepping and skipping.

use super::*;

fn single() -> MappingConfig {
    MappingConfig {
        batch_size: 1,
        ..MappingConfig::default()
    }
}

fn paused(config: MappingConfig) -> Desk {
    let mut desk = Desk::new(config);
    desk.consumer.pause();
    desk
}

fn number(number: u32) -> SequenceNumber {
    SequenceNumber::new(&format!("{number:021}"))
}

/// Lets a step through and goes on until nothing more is done.
fn step(desk: &mut Desk, by: By, function: impl FnMut(&Sent) -> Answer) {
    desk.consumer.step(by, desk.now).unwrap();
    desk.run(Duration::ZERO, function);
}

fn refusal(desk: &Desk, by: By) -> String {
    let standing = desk.consumer.standing(desk.now);
    match by {
        By::Poll => standing.poll_refusal,
        By::Batch => standing.batch_refusal,
    }
    .unwrap()
}

/// Which record was skipped, of which batch, and how many were left in that.
fn skipped(desk: &Desk) -> Vec<(u32, Option<u64>, usize)> {
    let told = desk.news.iter().filter_map(|what| match what {
        What::RecordSkipped {
            record,
            batch,
            left,
            ..
        } => Some((number_of(record), batch.map(|it| it.0), *left)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_paused_consumer_begins_nothing() {
    let mut desk = paused(single()).page(records(1..=2));
    assert_eq!(
        desk.consumer.next(desk.now),
        Step::Wait {
            until: None,
            reason: "waits: paused".to_owned()
        }
    );
    desk.run(seconds(60), fine);
    assert_eq!((desk.polls, desk.seen.len()), (0, 0));
    desk.consumer.resume();
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [[1], [2]]);
}

#[test]
fn what_is_under_way_may_end_and_the_retry_waits_until_it_goes_on() {
    let mut desk = Desk::new(single()).page(records(1..=1));
    desk.run(Duration::from_millis(100), |_| thrown());
    desk.consumer.pause();
    desk.run(seconds(60), |_| thrown());
    assert_eq!(desk.times(), [0]);
    // Half a second was over long ago.
    desk.consumer.resume();
    desk.run(Duration::from_millis(1), fine);
    assert_eq!(desk.times(), [0, 60_100]);
    assert_eq!(desk.checkpoints, [1]);
}

#[test]
fn an_answer_is_taken_while_paused() {
    let mut desk = Desk::new(single()).page(records(1..=2));
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    desk.poll();
    let Step::Invoke(batch) = desk.consumer.next(desk.now) else {
        panic!("nothing is delivered");
    };
    desk.consumer.pause();
    desk.consumer
        .invoked(batch.id, &Arc::new(answer("null")), desk.now);
    desk.look();
    assert_eq!(desk.checkpoints, [1]);
    assert!(matches!(desk.consumer.next(desk.now), Step::Wait { .. }));
}

#[test]
fn a_step_lets_one_poll_or_one_attempt_through() {
    let mut desk = paused(single()).page(records(1..=2)).page(records(3..=3));
    assert_eq!(
        refusal(&desk, By::Batch),
        "no record waits: step by a poll first"
    );
    step(&mut desk, By::Poll, fine);
    assert_eq!((desk.polls, desk.seen.len()), (1, 0));
    step(&mut desk, By::Batch, fine);
    assert_eq!((desk.polls, desk.deliveries()), (1, vec![vec![1]]));
    // Reading on is for whoever steps to decide, however much waits.
    step(&mut desk, By::Poll, fine);
    assert_eq!((desk.polls, desk.seen.len()), (2, 1));
    step(&mut desk, By::Batch, fine);
    step(&mut desk, By::Batch, fine);
    assert_eq!(desk.deliveries(), [[1], [2], [3]]);
    assert_eq!(desk.checkpoints, [1, 2, 3]);
    assert_eq!(desk.times(), [0, 0, 0]);
}

#[test]
fn a_step_waits_for_no_timer() {
    let config = MappingConfig {
        batching_window_secs: 300,
        bisect_on_function_error: true,
        retry_attempts_max: Some(0),
        ..MappingConfig::default()
    };
    let mut desk = paused(config).page(records(1..=2));
    step(&mut desk, By::Poll, fine);
    step(&mut desk, By::Batch, |_| thrown());
    assert_eq!(desk.deliveries(), [[1, 2]]);
    step(&mut desk, By::Batch, |_| thrown());
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![1]]);
    // Its attempts are used up: giving it up is a step of its own.
    assert!(desk.lost.is_empty());
    step(&mut desk, By::Batch, fine);
    assert_eq!((desk.seen.len(), desk.lost_numbers()), (2, vec![vec![1]]));
    step(&mut desk, By::Batch, fine);
    assert_eq!(desk.deliveries()[2..], [[2]]);
    assert_eq!(desk.times(), [0, 0, 0]);
    assert_eq!(desk.checkpoints, [1, 2]);
}

#[test]
fn what_cannot_be_stepped_says_why() {
    let mut desk = Desk::new(single()).page(records(1..=2)).ending();
    let refused = desk.consumer.step(By::Poll, desk.now);
    assert_eq!(refused.unwrap_err(), "it is not paused: pause it first");
    desk.consumer.pause();
    desk.consumer.step(By::Poll, desk.now).unwrap();
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    assert_eq!(refusal(&desk, By::Poll), "a poll is under way");
    desk.poll();
    assert_eq!(
        refusal(&desk, By::Poll),
        "the shard has been read to its end"
    );
    desk.consumer.step(By::Batch, desk.now).unwrap();
    assert!(matches!(desk.consumer.next(desk.now), Step::Invoke(_)));
    assert_eq!(refusal(&desk, By::Batch), "an attempt is under way");
}

#[test]
fn a_step_that_was_refused_is_not_made_up_for() {
    let mut desk = paused(single()).page(records(1..=1));
    assert!(desk.consumer.step(By::Batch, desk.now).is_err());
    step(&mut desk, By::Poll, fine);
    assert!(desk.seen.is_empty());
}

#[test]
fn a_paused_shard_still_ends() {
    let mut desk = paused(single()).page(records(1..=1)).ending();
    step(&mut desk, By::Poll, fine);
    step(&mut desk, By::Batch, fine);
    assert!(desk.consumer.is_finished());
}

#[test]
fn a_paused_consumer_can_be_stopped() {
    let mut desk = paused(single()).page(records(1..=1));
    step(&mut desk, By::Poll, fine);
    desk.consumer.stop();
    assert_eq!(desk.consumer.next(desk.now), Step::Closed);
    assert!(!desk.consumer.is_finished());
}

#[test]
fn a_queued_record_is_skipped_at_once_and_the_others_keep_their_order() {
    let config = MappingConfig {
        batch_size: 2,
        ..MappingConfig::default()
    };
    let mut desk = paused(config).page(records(1..=5));
    step(&mut desk, By::Poll, fine);
    assert_eq!(desk.consumer.skip(&number(2)), Ok(Skip::Now));
    desk.consumer.resume();
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries(), [vec![1, 3], vec![4, 5]]);
    assert_eq!(desk.checkpoints, [3, 5]);
    assert_eq!(skipped(&desk), [(2, None, 0)]);
}

#[test]
fn the_checkpoint_moves_behind_a_skipped_record() {
    let mut desk = paused(single()).page(records(1..=2));
    step(&mut desk, By::Poll, fine);
    assert_eq!(desk.consumer.skip(&number(2)), Ok(Skip::Now));
    desk.look();
    assert!(desk.checkpoints.is_empty());
    assert_eq!(desk.consumer.skip(&number(1)), Ok(Skip::Now));
    desk.look();
    assert_eq!(desk.checkpoints, [2]);
    assert!(desk.consumer.unsaved().is_some());
}

#[test]
fn a_poison_record_is_skipped_out_of_its_batch() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=3));
    desk.run(seconds(10), |batch| {
        if has(batch, 2) {
            thrown()
        } else {
            answer("null")
        }
    });
    assert!(desk.checkpoints.is_empty());
    assert_eq!(desk.consumer.skip(&number(2)), Ok(Skip::Now));
    desk.run(seconds(10), |batch| {
        if has(batch, 2) {
            thrown()
        } else {
            answer("null")
        }
    });
    assert_eq!(desk.deliveries().last().unwrap(), &[1, 3]);
    assert_eq!(desk.checkpoints, [3]);
    assert_eq!(skipped(&desk), [(2, Some(1), 2)]);
}

#[test]
fn a_batch_without_records_is_no_more() {
    let mut desk = Desk::new(single()).page(records(1..=2));
    desk.run(seconds(10), |batch| {
        if has(batch, 1) {
            thrown()
        } else {
            answer("null")
        }
    });
    let before = desk.seen.len();
    assert_eq!(desk.consumer.skip(&number(1)), Ok(Skip::Now));
    desk.run(seconds(1), fine);
    assert_eq!(desk.deliveries()[before..], [[2]]);
    assert_eq!(desk.checkpoints, [1, 2]);
}

#[test]
fn a_record_under_way_is_skipped_when_its_batch_has_failed() {
    for (said, left, told) in [
        (thrown(), vec![2], vec![(1, Some(1), 1)]),
        (throttled(), vec![2], vec![(1, Some(1), 1)]),
        // It is done already.
        (answer("null"), vec![], vec![]),
        (failing_from(2), vec![2], vec![]),
        (failing_from(1), vec![2], vec![(1, Some(1), 1)]),
    ] {
        let config = MappingConfig {
            report_batch_item_failures: true,
            ..MappingConfig::default()
        };
        let mut desk = Desk::new(config).page(records(1..=2));
        assert_eq!(desk.consumer.next(desk.now), Step::Poll);
        desk.poll();
        let Step::Invoke(batch) = desk.consumer.next(desk.now) else {
            panic!("nothing is delivered");
        };
        for _ in 0..2 {
            assert_eq!(desk.consumer.skip(&number(1)), Ok(Skip::WhenAnswered));
        }
        desk.consumer.invoked(batch.id, &Arc::new(said), desk.now);
        desk.look();
        assert_eq!(skipped(&desk), told);
        desk.run(seconds(10), fine);
        assert_eq!(desk.deliveries().concat(), left);
        assert_eq!(desk.checkpoints.last(), Some(&2));
    }
}

#[test]
fn a_record_in_a_half_that_waits_its_turn_is_skipped() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        ..MappingConfig::default()
    };
    let mut desk = paused(config).page(records(1..=4));
    step(&mut desk, By::Poll, fine);
    step(&mut desk, By::Batch, |_| thrown());
    let halves = &desk.consumer.standing(desk.now).lanes[0].batches;
    let counts: Vec<usize> = halves.iter().map(|it| it.records).collect();
    assert_eq!((counts, halves[1].parent), (vec![2, 2], Some(BatchId(1))));
    assert_eq!(desk.consumer.skip(&number(4)), Ok(Skip::Now));
    desk.look();
    assert_eq!(skipped(&desk), [(4, Some(3), 1)]);
    step(&mut desk, By::Batch, fine);
    step(&mut desk, By::Batch, fine);
    assert_eq!(desk.deliveries()[1..], [vec![1, 2], vec![3]]);
}

#[test]
fn what_does_not_wait_cannot_be_skipped() {
    let mut desk = Desk::new(single()).page(records(1..=1));
    let early = desk.consumer.skip(&number(1)).unwrap_err();
    assert!(early.contains("has not been read yet"), "{early}");
    desk.run(seconds(1), fine);
    let late = desk.consumer.skip(&number(1)).unwrap_err();
    assert!(late.contains("does not wait any more"), "{late}");
}

#[test]
fn a_standing_tells_the_first_records_that_wait_for_a_batch() {
    let mut desk = paused(MappingConfig::default()).page(records(1..=25));
    step(&mut desk, By::Poll, fine);
    let lane = &desk.consumer.standing(desk.now).lanes[0];
    let told: Vec<u32> = lane.first_queued.iter().map(number_of).collect();
    assert_eq!(told, (1..=20).collect::<Vec<u32>>());
    assert_eq!((lane.queued, &lane.last_queued), (25, &Some(number(25))));
}

#[test]
fn a_standing_tells_what_waits_and_why() {
    let mut desk = Desk::new(single()).page(records(1..=3));
    desk.run(Duration::from_millis(100), |_| thrown());
    let standing = desk.consumer.standing(desk.now);
    assert!(!standing.is_paused && !standing.is_polling);
    assert_eq!(standing.read, Position::After(number(3)));
    assert_eq!(standing.checkpoint, Position::TrimHorizon);
    assert_eq!(standing.waits, "waits 500 ms: function error: Error: boom");
    assert_eq!(standing.until, Some(start() + Duration::from_millis(500)));
    let lane = &standing.lanes[0];
    assert_eq!(
        (lane.queued, lane.last_queued.clone()),
        (2, Some(number(3)))
    );
    let batch = &lane.batches[0];
    assert_eq!((batch.attempts, batch.is_under_way), (1, false));
    assert_eq!(batch.first, Some(number(1)));
    desk.consumer.pause();
    desk.run(Duration::ZERO, fine);
    let standing = desk.consumer.standing(desk.now);
    assert_eq!(
        (standing.waits.as_str(), standing.until),
        ("waits: paused", None)
    );
}

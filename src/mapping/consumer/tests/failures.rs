//! Retries, ages, splits and partial answers.

use super::*;

pub(super) fn retries(count: u32) -> MappingConfig {
    MappingConfig {
        retry_attempts_max: Some(count),
        ..MappingConfig::default()
    }
}

#[test]
fn n_retry_attempts_are_n_plus_one_invocations() {
    for count in [0, 1, 3] {
        let mut desk = Desk::new(retries(count)).page(records(1..=2));
        desk.run(seconds(60), |_| thrown());
        assert_eq!(desk.seen.len(), count as usize + 1);
        assert_eq!(desk.lost.len(), 1);
        assert_eq!(desk.lost[0].attempts, count + 1);
        assert_eq!(desk.lost[0].condition, Condition::RetryAttemptsExhausted);
        assert_eq!(desk.lost_numbers(), [[1, 2]]);
        assert_eq!(desk.checkpoints, [2]);
    }
}

#[test]
pub(super) fn retries_wait_twice_as_long_each_time() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=1));
    desk.run(seconds(40), |_| thrown());
    assert_eq!(desk.times(), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert!(desk.lost.is_empty());
    assert!(desk.checkpoints.is_empty());
    assert_eq!(
        desk.reasons()[..2],
        [
            "function error: Error: boom, attempt 1",
            "waits 500 ms before attempt 2: function error: Error: boom"
        ]
    );
}

#[test]
fn the_shard_goes_on_after_a_batch_was_given_up() {
    let config = MappingConfig {
        batch_size: 1,
        ..retries(0)
    };
    let mut desk = Desk::new(config).page(records(1..=3));
    desk.run(seconds(5), |batch| {
        if has(batch, 2) {
            thrown()
        } else {
            answer("null")
        }
    });
    assert_eq!(desk.deliveries(), [[1], [2], [3]]);
    assert_eq!(desk.lost_numbers(), [[2]]);
    assert_eq!(desk.checkpoints, [1, 2, 3]);
}

#[test]
fn a_throttled_function_is_tried_again_without_losing_order() {
    let config = MappingConfig {
        batch_size: 2,
        ..retries(0)
    };
    let mut desk = Desk::new(config).page(records(1..=3));
    let mut left = 1;
    desk.run(seconds(5), |_| {
        if left > 0 {
            left -= 1;
            throttled()
        } else {
            answer("null")
        }
    });
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![1, 2], vec![3]]);
    assert!(desk.lost.is_empty());
}

#[test]
fn throttles_count_as_no_attempt_and_cause_no_split() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        ..retries(1)
    };
    let mut desk = Desk::new(config).page(records(1..=2));
    desk.run(seconds(600), |_| throttled());
    assert!(desk.seen.len() > 10);
    assert!(desk.seen.iter().all(|(_, numbers)| numbers == &[1, 2]));
    assert!(desk.lost.is_empty());
}

#[test]
fn a_poison_record_is_isolated_by_bisecting() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        ..retries(1)
    };
    let mut desk = Desk::new(config).page(records(1..=8));
    desk.run(seconds(30), |batch| {
        if has(batch, 7) {
            thrown()
        } else {
            answer("null")
        }
    });
    assert_eq!(
        desk.deliveries(),
        [
            vec![1, 2, 3, 4, 5, 6, 7, 8],
            vec![1, 2, 3, 4],
            vec![5, 6, 7, 8],
            vec![5, 6],
            vec![7, 8],
            vec![7],
            vec![7],
            vec![8],
        ]
    );
    // Splits used up no attempt.
    assert_eq!(desk.lost_numbers(), [[7]]);
    assert_eq!(desk.lost[0].attempts, 2);
    assert_eq!(desk.checkpoints, [4, 6, 7, 8]);
    let reasons = desk.reasons();
    assert!(reasons.contains(&"splits 8 into 4 + 4: function error, bisect is on".to_owned()));
    assert!(
        reasons.contains(
            &"gives up 1 record after 2 attempts: function error: Error: boom".to_owned()
        )
    );
}

#[test]
fn the_first_half_of_an_odd_batch_is_the_larger() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        ..retries(0)
    };
    let mut desk = Desk::new(config).page(records(1..=3));
    desk.run(seconds(30), |batch| {
        if batch.records.len() > 1 {
            thrown()
        } else {
            answer("null")
        }
    });
    let seen = desk.deliveries();
    assert_eq!(seen, [vec![1, 2, 3], vec![1, 2], vec![1], vec![2], vec![3]]);
    let parents: Vec<_> = desk
        .news
        .iter()
        .filter_map(|what| match what {
            What::Split { batch, into, .. } => {
                Some((batch.0, into.iter().map(|it| it.0).collect()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(parents, [(1, vec![2, 3]), (2, vec![4, 5])]);
}

#[test]
fn a_partial_failure_restarts_the_count_of_attempts() {
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..retries(3)
    };
    let mut desk = Desk::new(config).page(records(1..=3));
    desk.run(seconds(60), |_| failing_from(3));
    // Once within the batch and four times alone.
    assert_eq!(
        desk.deliveries(),
        [vec![1, 2, 3], vec![3], vec![3], vec![3], vec![3]]
    );
    assert_eq!(desk.lost.len(), 1);
    assert_eq!((desk.lost[0].attempts, desk.lost[0].records.len()), (4, 1));
    assert_eq!(desk.checkpoints, [2, 3]);
    assert!(
        desk.reasons()[1].starts_with("2 records done, goes on with 1 from 0000…000003"),
        "{:?}",
        desk.reasons()
    );
}

#[test]
fn the_lowest_of_several_reported_records_counts() {
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=4));
    let both = r#"{"batchItemFailures":[{"itemIdentifier":"000000000000000000004"},{"itemIdentifier":"000000000000000000002"}]}"#;
    let mut first = true;
    desk.run(seconds(5), |_| {
        if std::mem::take(&mut first) {
            answer(both)
        } else {
            answer("{}")
        }
    });
    assert_eq!(desk.deliveries(), [vec![1, 2, 3, 4], vec![2, 3, 4]]);
}

#[test]
fn bisecting_with_partial_answers_splits_at_the_reported_record() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        report_batch_item_failures: true,
        ..retries(1)
    };
    let mut desk = Desk::new(config).page(records(1..=4));
    desk.run(seconds(30), |batch| {
        if has(batch, 3) {
            failing_from(3)
        } else {
            answer("null")
        }
    });
    assert_eq!(
        desk.deliveries(),
        [vec![1, 2, 3, 4], vec![3, 4], vec![3], vec![3], vec![4]]
    );
    assert_eq!(desk.lost_numbers(), [[3]]);
}

#[test]
fn an_expired_record_is_given_up_before_delivery_and_the_rest_is_delivered() {
    let config = MappingConfig {
        record_age_secs_max: Some(60),
        ..MappingConfig::default()
    };
    let old = start() - seconds(61);
    let mut desk = Desk::new(config).page(vec![
        record(1, "a", old),
        record(2, "b", old),
        record(3, "c", start()),
    ]);
    desk.run(seconds(5), fine);
    assert_eq!(desk.deliveries(), [[3]]);
    assert_eq!(desk.lost_numbers(), [[1, 2]]);
    assert_eq!(desk.lost[0].condition, Condition::RecordAgeExceeded);
    assert_eq!((desk.lost[0].attempts, desk.lost[0].batch), (1, BatchId(1)));
    assert_eq!(desk.checkpoints, [2, 3]);
    assert!(desk.reasons()[0].starts_with("gives up 2 records: older than 60 s"));
}

#[test]
fn a_record_that_expires_while_retrying_counts_eight_invocations() {
    let config = MappingConfig {
        record_age_secs_max: Some(60),
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=1));
    desk.run(seconds(120), |_| thrown());
    assert_eq!(desk.lost.len(), 1);
    assert_eq!(desk.lost[0].attempts, 8);
}

#[test]
pub(super) fn retries_end_when_the_stream_no_longer_holds_the_record() {
    let config = MappingConfig {
        batch_size: 1,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=2));
    let day = Duration::from_hours(24) + Duration::from_mins(2);
    desk.run(day, |batch| {
        if has(batch, 1) {
            thrown()
        } else {
            answer("null")
        }
    });
    assert_eq!(desk.lost_numbers(), [[1]]);
    assert_eq!(desk.lost[0].condition, Condition::RecordAgeExceeded);
    assert!(desk.lost[0].reason.ends_with("older than 24 h"));
}

#[test]
fn new_settings_apply_to_retries_under_way() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=2));
    desk.run(seconds(10), |_| thrown());
    assert!(desk.lost.is_empty());
    let rules = Rules::new(retries(2)).unwrap();
    desk.consumer.reconfigure(Arc::new(rules));
    let before = desk.seen.len();
    desk.run(seconds(1), |_| thrown());
    assert_eq!(desk.seen.len(), before);
    assert_eq!(desk.lost_numbers(), [[1, 2]]);
}

#[test]
fn the_processing_result_is_told_when_it_changes() {
    let config = MappingConfig {
        batch_size: 1,
        ..retries(1)
    };
    let mut desk = Desk::new(config).page(records(1..=3));
    desk.run(seconds(10), |batch| {
        if has(batch, 2) {
            thrown()
        } else {
            answer("null")
        }
    });
    let told: Vec<_> = desk
        .news
        .iter()
        .filter_map(|what| match what {
            What::Result { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["OK", "PROBLEM: Function call failed", "OK"]);
}

#[test]
fn a_letter_about_records_never_delivered_tells_of_a_batch_at_most() {
    let config = MappingConfig {
        batch_size: 2,
        record_age_secs_max: Some(60),
        ..MappingConfig::default()
    };
    let old = start() - seconds(3600);
    let page = (1..=5).map(|number| record(number, "a", old)).collect();
    let mut desk = Desk::new(config).page(page);
    desk.run(seconds(1), fine);
    assert_eq!(desk.lost_numbers(), [vec![1, 2], vec![3, 4], vec![5]]);
    let ids: Vec<BatchId> = desk.lost.iter().map(|lost| lost.batch).collect();
    assert_eq!(ids, [BatchId(1), BatchId(2), BatchId(3)]);
}

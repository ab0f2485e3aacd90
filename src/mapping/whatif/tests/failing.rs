//! Functions that fail: what is tried again, split, given up or throttled.

use super::*;

fn bisecting(retries: u32) -> MappingConfig {
    MappingConfig {
        bisect_on_function_error: true,
        retry_attempts_max: Some(retries),
        ..config(8)
    }
}

#[test]
fn a_poison_record_in_a_batch_of_eight_is_isolated_by_eight_calls() {
    let plan = Plan::new(bisecting(1), failing(vec![poison("item 7", None)]));
    let seen = calls(&burst(8), &plan);
    assert_eq!(
        seen,
        [
            (0, vec![1, 2, 3, 4, 5, 6, 7, 8]),
            (600, vec![1, 2, 3, 4]),
            (700, vec![5, 6, 7, 8]),
            (1300, vec![5, 6]),
            (1400, vec![7, 8]),
            (2000, vec![7]),
            (3100, vec![7]),
            (3200, vec![8]),
        ]
    );
    let report = play(&burst(8), &plan);
    let total = &report.total;
    assert_eq!((total.successes, total.failures), (3, 5));
    assert_eq!((total.splits, total.retries, total.discards), (3, 1, 1));
    assert_eq!((total.processed, total.discarded_by_attempts), (7, 1));
    assert_eq!((total.deliveries, total.delivered_again), (23, 8));
    assert_eq!(total.done_after_milliseconds, 3300);
    let kinds: Vec<&str> = report.notes.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "failed",
            "split",
            "failed",
            "split",
            "failed",
            "split",
            "failed",
            "failed",
            "discarded"
        ]
    );
    assert_eq!(
        report.notes[1].reason,
        "splits 8 into 4 + 4: function error, bisect is on"
    );
    assert_eq!(
        report.notes[8].reason,
        "gives up 1 record after 2 attempts: function error: Model: record of item 7 failed"
    );
    assert_eq!(report.notes[8].sequence_number, format!("{:021}", 7));
}

#[test]
fn a_function_that_names_the_record_needs_fewer_calls() {
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..bisecting(1)
    };
    let plan = Plan::new(config, failing(vec![poison("item 7", None)]));
    let seen: Vec<Vec<u32>> = calls(&burst(8), &plan).into_iter().map(|it| it.1).collect();
    // Of the pair the first record is reported, so nothing moved: it is split.
    assert_eq!(
        seen,
        [
            vec![1, 2, 3, 4, 5, 6, 7, 8],
            vec![7, 8],
            vec![7],
            vec![7],
            vec![8]
        ]
    );
    let total = play(&burst(8), &plan).total;
    assert_eq!((total.partial_failures, total.failures), (4, 0));
    let mut throws = plan.clone();
    throws.model.reports_failures = false;
    assert_eq!(play(&burst(8), &throws).total.invocations, 8);
}

#[test]
fn a_record_that_fails_twice_goes_through_at_the_third_time() {
    let plan = Plan::new(config(1), failing(vec![poison("item 1", Some(2))]));
    let seen = calls(&burst(2), &plan);
    assert_eq!(
        seen,
        [
            (0, vec![1]),
            (600, vec![1]),
            (1700, vec![1]),
            (1800, vec![2])
        ]
    );
    let total = play(&burst(2), &plan).total;
    assert_eq!((total.retries, total.delivered_again), (2, 1));
}

#[test]
fn without_limits_a_poison_record_blocks_its_shard_for_a_day() {
    let plan = Plan::new(config(10), failing(vec![poison("item 3", None)]));
    let stretch = one(vec![
        written(3, Duration::ZERO),
        written(4, seconds(1)),
        written(5, Duration::from_hours(2)),
    ]);
    let report = play(&stretch, &plan);
    assert_eq!(report.total.discarded_by_age, 1);
    assert_eq!(report.total.processed, 2);
    let day = 24 * 3600 * 1000;
    assert!(report.total.done_after_milliseconds > day);
    assert!(report.total.iterator_age_maximum_in_milliseconds > day - 61_000);
    assert_eq!(
        report.notes.last().unwrap().reason,
        "gives up 1 record: older than 24 h"
    );
    assert!(report.iterator_age.levels.len() <= 240);
}

#[test]
fn a_second_lane_goes_past_a_poison_record() {
    let stretch = one(["bad", "a", "b", "c", "d", "e"]
        .iter()
        .zip(1..)
        .map(|(key, number)| keyed(number, key, Duration::ZERO))
        .collect());
    let plan = |factor| {
        let config = MappingConfig {
            parallelization_factor: factor,
            retry_attempts_max: Some(2),
            ..config(1)
        };
        Plan::new(config, failing(vec![poison("bad", None)]))
    };
    let alone = calls(&stretch, &plan(1));
    let times: Vec<u64> = alone.iter().map(|it| it.0).collect();
    // 0.1 s for a call, 0.5 s and 1 s between the attempts.
    assert_eq!(times, [0, 600, 1700, 1800, 1900, 2000, 2100, 2200]);
    let both = calls(&stretch, &plan(2));
    let early = both.iter().filter(|(at, _)| *at < 600).count();
    let blocked = both.iter().filter(|(at, _)| *at >= 1800).count();
    // The lane of the poison record waits, the other does not.
    assert!(early > 1 && early + blocked + 2 == 8, "{both:?}");
    assert_eq!(play(&stretch, &plan(2)).total.concurrency_maximum, 2);
}

#[test]
fn a_throttled_batch_waits_without_losing_an_attempt() {
    let model = Model {
        concurrency_max: Some(1),
        durations: Durations::Constant(seconds(1)),
        ..Model::default()
    };
    let stretch = Stretch {
        shards: vec![
            shard("a", vec![written(1, Duration::ZERO)]),
            shard("b", vec![written(2, Duration::ZERO)]),
        ],
    };
    let config = MappingConfig {
        retry_attempts_max: Some(0),
        ..config(1)
    };
    let report = play(&stretch, &Plan::new(config.clone(), model.clone()));
    // Tried at 0, 0.5 and 1.5 s.
    assert_eq!((report.total.throttles, report.total.processed), (2, 2));
    assert_eq!(report.total.invocations, 2);
    assert_eq!(report.total.done_after_milliseconds, 2500);
    assert_eq!(report.total.concurrency_maximum, 1);
    let never = Model {
        concurrency_max: Some(0),
        ..model
    };
    let report = play(&stretch, &Plan::new(config, never));
    assert_eq!(
        (report.total.discarded_by_age, report.total.invocations),
        (2, 0)
    );
}

#[test]
fn a_call_ends_at_its_timeout_and_a_cold_start_adds_to_it() {
    let model = Model {
        durations: Durations::PerRecord {
            call: millis(10),
            record: millis(20),
        },
        cold_start: millis(400),
        timeout: Some(millis(150)),
        ..Model::default()
    };
    let report = play(&burst(8), &Plan::new(bisecting(0), model));
    // 8 records would take 170 ms; 4 take 90 ms.
    assert_eq!((report.total.timeouts, report.total.failures), (1, 1));
    assert_eq!(report.total.cold_starts, 1);
    assert_eq!(report.total.duration_in_milliseconds, 550 + 90 + 90);
    assert_eq!(report.total.longest_in_milliseconds, 550);
}

#[test]
fn a_tumbling_window_is_finished_by_a_call_of_its_own() {
    let config = MappingConfig {
        tumbling_window_secs: Some(5),
        ..config(100)
    };
    let stretch = one(vec![
        written(1, Duration::ZERO),
        written(2, seconds(2)),
        written(3, seconds(7)),
    ]);
    let plan = Plan::new(config, Model::default());
    assert_eq!(
        calls(&stretch, &plan),
        [
            (0, vec![1]),
            (2000, vec![2]),
            (5000, vec![]),
            (7000, vec![3]),
            (10_000, vec![])
        ]
    );
    assert_eq!(play(&stretch, &plan).total.successes, 5);
}

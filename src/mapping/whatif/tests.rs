//! Small stretches whose outcome can be told by hand.

mod failing;
mod shards;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::mapping::consumer::tests::{number_of, record, start};
use crate::mapping::progress::What;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn seconds(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(after: Duration) -> SystemTime {
    start() + after
}

/// A record of an item of its own, unless it has the number of another.
fn written(number: u32, after: Duration) -> Written {
    keyed(number, &format!("item {number}"), after)
}

fn keyed(number: u32, key: &str, after: Duration) -> Written {
    let created = start() + Duration::from_secs(after.as_secs());
    Written {
        at: at(after),
        record: record(number, key, created),
    }
}

fn shard(id: &str, records: Vec<Written>) -> Shard {
    Shard {
        id: Arc::from(id),
        parent: None,
        opened: start(),
        closed: None,
        records,
    }
}

fn one(records: Vec<Written>) -> Stretch {
    Stretch {
        shards: vec![shard("shard", records)],
    }
}

/// So many records, all written at the beginning.
fn burst(count: u32) -> Stretch {
    one((1..=count)
        .map(|number| written(number, Duration::ZERO))
        .collect())
}

/// Fails always where this item is in the batch.
fn poison(key: &str, deliveries: Option<u32>) -> Failure {
    Failure::Matching {
        pattern: format!(r#"{{"dynamodb":{{"Keys":{{"id":{{"S":["{key}"]}}}}}}}}"#),
        deliveries,
    }
}

fn failing(failures: Vec<Failure>) -> Model {
    Model {
        failures,
        ..Model::default()
    }
}

fn play(stretch: &Stretch, plan: &Plan) -> Report {
    let report = run(stretch, plan, &|| false).unwrap();
    let total = &report.total;
    let ends = [
        total.processed,
        total.filtered_out,
        total.discarded_by_attempts,
        total.discarded_by_age,
        total.trimmed,
    ];
    assert_eq!(total.records, ends.iter().sum::<u64>(), "{report:#?}");
    report
}

/// Numbers of the records of every call, and milliseconds after the start.
fn calls(stretch: &Stretch, plan: &Plan) -> Vec<(u64, Vec<u32>)> {
    let mut seen = Vec::new();
    run_told(stretch, plan, &|| false, &mut |progress| {
        if let What::Invoking { records, .. } = progress.what {
            let after = progress.at.duration_since(start()).unwrap();
            let numbers = records.iter().map(number_of).collect();
            seen.push((u64::try_from(after.as_millis()).unwrap(), numbers));
        }
    })
    .unwrap();
    seen
}

fn config(batch_size: u32) -> MappingConfig {
    MappingConfig {
        batch_size,
        ..MappingConfig::default()
    }
}

#[test]
fn a_burst_is_worked_off_in_full_batches() {
    let plan = Plan::new(config(100), Model::default());
    let report = play(&burst(250), &plan);
    let total = &report.total;
    assert_eq!(
        (total.invocations, total.deliveries, total.delivered_again),
        (3, 250, 0)
    );
    let sizes: Vec<(u32, u64)> = report
        .batch_sizes
        .iter()
        .map(|it| (it.up_to, it.calls))
        .collect();
    assert_eq!(sizes, [(50, 1), (100, 2)]);
    assert_eq!(total.duration_in_milliseconds, 300);
    assert_eq!(total.done_after_milliseconds, 300);
    // The third batch is sent when two calls are over.
    assert_eq!(total.iterator_age_maximum_in_milliseconds, 200);
    assert_eq!(total.iterator_age_average_in_milliseconds, 100);
    assert_eq!(total.concurrency_maximum, 1);
    assert!((total.gigabyte_seconds - 0.3 * 0.125).abs() < 1e-9);
    assert!(report.notes.is_empty() && report.remarks.is_empty());
}

#[test]
fn a_record_waits_for_the_next_of_four_polls_a_second() {
    let stretch = one(vec![
        written(1, Duration::ZERO),
        written(2, millis(10)),
        written(3, millis(500)),
        written(4, millis(501)),
    ]);
    let mut plan = Plan::new(config(100), Model::default());
    let seen = calls(&stretch, &plan);
    assert_eq!(
        seen,
        [(0, vec![1]), (250, vec![2]), (500, vec![3]), (750, vec![4])]
    );
    assert_eq!(play(&stretch, &plan).total.polls, 4);
    plan.poll_latency = millis(30);
    let times: Vec<u64> = calls(&stretch, &plan).iter().map(|it| it.0).collect();
    assert_eq!(times, [30, 280, 530, 780]);
    plan.poll_latency = Duration::ZERO;
    plan.pace = Pace::AsWritten;
    let times: Vec<u64> = calls(&stretch, &plan).iter().map(|it| it.0).collect();
    assert_eq!(times, [0, 100, 500, 600]);
}

#[test]
fn empty_polls_are_counted_though_nobody_plays_them() {
    let stretch = one(vec![
        written(1, Duration::ZERO),
        written(2, Duration::from_hours(1) + millis(1)),
    ]);
    let report = play(&stretch, &Plan::new(config(1), Model::default()));
    // One at the beginning, four in each of 3,600 seconds, and the one that finds the second record.
    assert_eq!(report.total.polls, 3600 * 4 + 2);
    assert_eq!(
        calls(&stretch, &Plan::new(config(1), Model::default()))[1],
        (3_600_250, vec![2])
    );
}

#[test]
fn a_batching_window_gathers_for_five_seconds() {
    let records = (0..20).map(|number| written(number + 1, seconds(u64::from(number))));
    let stretch = one(records.collect());
    let plan = |window| {
        let config = MappingConfig {
            batching_window_secs: window,
            ..config(100)
        };
        Plan::new(config, Model::default())
    };
    let seen = calls(&stretch, &plan(5));
    let expected: Vec<(u64, Vec<u32>)> = (0..4)
        .map(|at| {
            (5000 * (at + 1), {
                let first = u32::try_from(at).unwrap() * 5;
                (first + 1..=first + 5).collect()
            })
        })
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(play(&stretch, &plan(0)).total.invocations, 20);
    let rows = compare(&play(&stretch, &plan(0)), &play(&stretch, &plan(5)));
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    let invocations = row("Invocations");
    assert_eq!(invocations.verdict, Better::Proposed);
    assert!((invocations.difference + 16.0).abs() < 1e-9);
    assert_eq!(row("Iterator age, maximum").verdict, Better::Now);
    assert_eq!(row("Records processed").verdict, Better::Neither);
}

#[test]
fn records_older_than_the_limit_are_never_delivered() {
    let config = MappingConfig {
        record_age_secs_max: Some(60),
        ..config(10)
    };
    let mut plan = Plan::new(config, Model::default());
    let stretch = one((1..=25)
        .map(|number| written(number, seconds(u64::from(number) * 2)))
        .collect());
    assert_eq!(play(&stretch, &plan).total.discarded_by_age, 0);
    // At 90 seconds everything written up to second 28 is older than a minute.
    plan.starts = Some(at(millis(90_001)));
    let report = play(&stretch, &plan);
    assert_eq!(report.total.discarded_by_age, 15);
    assert_eq!(report.total.processed, 10);
    assert_eq!(report.total.discards, 2);
    assert_eq!(
        report.notes[0].reason,
        "gives up 10 records: older than 60 s"
    );
    // A day later nothing is left to be read.
    plan.starts = Some(at(Duration::from_hours(25)));
    assert_eq!(play(&stretch, &plan).total.trimmed, 25);
}

#[test]
fn what_filters_hold_back_costs_nothing() {
    let config = MappingConfig {
        filters: vec![r#"{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"0"}]}}}}"#.to_owned()],
        ..config(5)
    };
    let report = play(&burst(100), &Plan::new(config, Model::default()));
    assert_eq!(
        (report.total.filtered_out, report.total.processed),
        (90, 10)
    );
    assert_eq!(report.total.invocations, 2);
}

#[test]
fn one_seed_gives_one_report() {
    let model = Model {
        durations: Durations::Measured(
            [(1, 20), (50, 90), (10, 300), (100, 110)]
                .map(|(records, took)| Sample {
                    records,
                    took: millis(took),
                })
                .to_vec(),
        ),
        ..failing(vec![Failure::Share(0.2), Failure::EveryNth(7)])
    };
    let config = MappingConfig {
        bisect_on_function_error: true,
        retry_attempts_max: Some(2),
        parallelization_factor: 3,
        ..config(20)
    };
    let stretch = one((1..=2000)
        .map(|number| written(number, millis(u64::from(number) * 7)))
        .collect());
    let mut plan = Plan::new(config, model);
    let first = play(&stretch, &plan);
    assert_eq!(play(&stretch, &plan), first);
    assert!(first.total.failures > 10 && first.total.splits > 10);
    assert_eq!(first.total.concurrency_maximum, 3);
    plan.seed = 2;
    assert_ne!(play(&stretch, &plan), first);
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_field_by_field() {
    let config = MappingConfig {
        filters: vec!["{".to_owned()],
        ..config(1)
    };
    let model = Model {
        durations: Durations::Measured(Vec::new()),
        memory_mb: 1,
        ..failing(vec![
            Failure::EveryNth(0),
            Failure::Share(1.5),
            poison("x\"", None),
        ])
    };
    let refused = run(&burst(1), &Plan::new(config, model), &|| false);
    let Err(Refused::Plan(violations)) = refused else {
        panic!("{refused:?}");
    };
    let fields: Vec<&str> = violations.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "Durations",
            "MemorySize",
            "Failures[0].EveryNth",
            "Failures[1].Share",
            "Failures[2].Pattern",
            "FilterCriteria"
        ]
    );
}

#[test]
fn a_what_if_can_be_called_off() {
    let plan = Plan::new(config(1), Model::default());
    assert_eq!(run(&burst(5000), &plan, &|| true), Err(Refused::Cancelled));
}

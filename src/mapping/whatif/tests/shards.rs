//! Several shards: parents before children, and counts of each.

use super::*;

fn child(id: &str, parent: &str, opened: Duration, records: Vec<Written>) -> Shard {
    Shard {
        parent: Some(Arc::from(parent)),
        opened: at(opened),
        ..shard(id, records)
    }
}

#[test]
fn children_begin_when_their_parent_is_used_up() {
    let mut parent = shard(
        "parent",
        vec![written(1, Duration::ZERO), written(2, seconds(3))],
    );
    parent.closed = Some(at(seconds(4)));
    let stretch = Stretch {
        shards: vec![
            child("left", "parent", seconds(4), vec![written(11, seconds(5))]),
            child("right", "parent", seconds(4), vec![written(12, seconds(6))]),
            parent,
            child(
                "orphan",
                "long gone",
                Duration::ZERO,
                vec![written(21, millis(100))],
            ),
        ],
    };
    let plan = Plan::new(config(10), Model::default());
    assert_eq!(
        calls(&stretch, &plan),
        [
            (0, vec![1]),
            (250, vec![21]),
            (3000, vec![2]),
            (5000, vec![11]),
            (6000, vec![12])
        ]
    );
    // While the parent's record fails, its children wait.
    let slow = Plan::new(config(10), failing(vec![poison("item 2", Some(4))]));
    assert_eq!(
        calls(&stretch, &slow)[2..],
        [
            (3000, vec![2]),
            (3600, vec![2]),
            (4700, vec![2]),
            (6800, vec![2]),
            (10_900, vec![2]),
            (11_000, vec![11]),
            (11_000, vec![12])
        ]
    );
    let report = play(&stretch, &slow);
    let ids: Vec<&str> = report
        .shards
        .iter()
        .map(|it| it.shard_id.as_str())
        .collect();
    assert_eq!(ids, ["left", "right", "parent", "orphan"]);
    assert_eq!(report.shards[2].tally.failures, 4);
    assert_eq!(report.total.processed, 5);
    assert_eq!(report.total.concurrency_maximum, 2);
}

#[test]
fn a_shard_that_opens_later_is_found_within_a_minute() {
    let stretch = Stretch {
        shards: vec![
            shard("a", vec![written(1, Duration::ZERO)]),
            child("b", "gone", seconds(61), vec![written(2, seconds(62))]),
        ],
    };
    let plan = Plan::new(config(10), Model::default());
    assert_eq!(calls(&stretch, &plan), [(0, vec![1]), (120_000, vec![2])]);
}

#[test]
fn a_stretch_no_stream_could_have_is_refused() {
    let plan = Plan::new(config(10), Model::default());
    let refused = |shards: Vec<Shard>| {
        let refused = run(&Stretch { shards }, &plan, &|| false);
        refused.unwrap_err().to_string()
    };
    let records = || vec![written(2, Duration::ZERO)];
    for (shards, words) in [
        (vec![], "there is no record"),
        (
            vec![shard(
                "a",
                vec![written(2, Duration::ZERO), written(1, Duration::ZERO)],
            )],
            "in the order of their sequence numbers",
        ),
        (
            vec![shard(
                "a",
                vec![written(1, seconds(2)), written(2, seconds(1))],
            )],
            "was written before",
        ),
        (vec![shard("a", records()), shard("a", records())], "twice"),
        (
            vec![
                child("a", "b", Duration::ZERO, records()),
                child("b", "a", Duration::ZERO, records()),
            ],
            "never begins",
        ),
    ] {
        let refused = refused(shards);
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn lanes_shards_and_filters_lose_nothing_at_any_pace() {
    let shards = (0..3_u32).map(|at| {
        let records = (0..700_u32).map(|number| {
            let key = format!("item {}", number % 37);
            keyed(number + 1, &key, millis(u64::from(number * (at + 3))))
        });
        shard(&format!("shard {at}"), records.collect())
    });
    let stretch = Stretch {
        shards: shards.collect(),
    };
    for (pace, latency) in [
        (Pace::FourPerSecond, 0),
        (Pace::FourPerSecond, 400),
        (Pace::AsWritten, 20),
    ] {
        let config = MappingConfig {
            parallelization_factor: 4,
            retry_attempts_max: Some(3),
            bisect_on_function_error: true,
            filters: vec![
                r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":["item 5"]}]}}}}"#.to_owned(),
            ],
            ..config(9)
        };
        let model = failing(vec![Failure::Share(0.1), poison("item 7", None)]);
        let mut plan = Plan::new(config, model);
        plan.pace = pace;
        plan.poll_latency = millis(latency);
        let total = play(&stretch, &plan).total;
        assert_eq!(total.filtered_out, 3 * 19);
        assert!(total.discarded_by_attempts >= 3 * 19, "{total:?}");
        assert!(total.concurrency_maximum > 4 && total.concurrency_maximum <= 12);
    }
}

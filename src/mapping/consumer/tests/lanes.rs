//! Several batches of one shard at once.

use super::*;

fn two_lanes() -> MappingConfig {
    MappingConfig {
        parallelization_factor: 2,
        batch_size: 1,
        ..MappingConfig::default()
    }
}

/// Two items that go different ways.
pub(super) fn two_keys() -> (String, String) {
    let lane = |key: &str| lane_of(&record(1, key, start()), 2);
    let first = "item 0".to_owned();
    let other = (1..).map(|number| format!("item {number}"));
    let other = { other }.find(|key| lane(key) != lane(&first)).unwrap();
    (first, other)
}

/// Takes every step that needs no waiting; returns the batches under way.
fn begin(desk: &mut Desk) -> Vec<Batch> {
    let mut begun = Vec::new();
    loop {
        match desk.consumer.next(desk.now) {
            Step::Poll => desk.poll(),
            Step::Invoke(batch) => begun.push(batch),
            Step::Discard(lost) => desk.consumer.discarded(&lost),
            Step::Wait { .. } | Step::Closed => {
                desk.look();
                return begun;
            }
        }
    }
}

#[test]
fn changes_of_one_item_are_never_under_way_together() {
    let (a, b) = two_keys();
    let page = vec![
        record(1, &a, start()),
        record(2, &a, start()),
        record(3, &b, start()),
        record(4, &a, start()),
    ];
    let mut desk = Desk::new(two_lanes()).page(page);
    let begun = begin(&mut desk);
    let mut numbers: Vec<u32> = begun
        .iter()
        .map(|batch| number_of(&batch.records[0]))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 3]);
    for what in &desk.news {
        if let What::Invoking { lane, records, .. } = what {
            assert_eq!(*lane, lane_of(&records[0], 2));
        }
    }
    let first = begun.iter().find(|batch| has(batch, 1)).unwrap();
    desk.consumer
        .invoked(first.id, &Arc::new(answer("null")), desk.now);
    let next = begin(&mut desk);
    assert_eq!(next.len(), 1);
    assert!(has(&next[0], 2));
}

#[test]
fn at_most_the_parallelization_factor_is_under_way() {
    let config = MappingConfig {
        parallelization_factor: 10,
        batch_size: 3,
        ..MappingConfig::default()
    };
    let mut desk = Desk::new(config).page(records(1..=500));
    let begun = begin(&mut desk);
    assert_eq!(begun.len(), 10);
    assert!(begin(&mut desk).is_empty());
}

#[test]
fn a_failed_lane_blocks_only_itself_and_the_checkpoint() {
    let (a, b) = two_keys();
    let mut page = vec![record(1, &a, start())];
    page.extend((2..=20).map(|number| record(number, &b, start())));
    page.push(record(21, &a, start()));
    let mut desk = Desk::new(two_lanes()).page(page);
    for number in 22..=40 {
        desk.pages.push_back(vec![record(number, &b, start())]);
    }
    desk.run(seconds(20), |batch| {
        if has(batch, 1) {
            thrown()
        } else {
            answer("null")
        }
    });
    let other: Vec<u32> = desk
        .deliveries()
        .concat()
        .into_iter()
        .filter(|it| *it != 1)
        .collect();
    assert_eq!(other, (2..=20).chain(22..=40).collect::<Vec<_>>());
    assert!(desk.checkpoints.is_empty());
    desk.run(seconds(60), fine);
    assert_eq!(desk.checkpoints.last(), Some(&40));
    assert_eq!(desk.deliveries().last(), Some(&vec![21]));
}

#[test]
fn a_blocked_lane_does_not_fill_the_memory() {
    let (a, b) = two_keys();
    let mut desk = Desk::new(two_lanes()).page(vec![record(1, &b, start())]);
    for page in 0..20 {
        let first = page * 1000 + 2;
        desk.pages.push_back(
            (first..first + 1000)
                .map(|number| record(number, &a, start()))
                .collect(),
        );
    }
    desk.run(seconds(60), |_| thrown());
    let queued: usize = desk
        .consumer
        .lanes
        .iter()
        .map(|lane| lane.queue.len())
        .sum();
    assert!(queued <= QUEUED_MAX + 1000, "{queued} records are queued");
}

#[test]
fn a_new_parallelization_factor_waits_for_what_is_under_way() {
    let (a, b) = two_keys();
    let page = vec![
        record(1, &a, start()),
        record(2, &a, start()),
        record(3, &b, start()),
    ];
    let mut desk = Desk::new(two_lanes()).page(page);
    let begun = begin(&mut desk);
    assert_eq!(begun.len(), 2);
    let config = MappingConfig {
        parallelization_factor: 1,
        batch_size: 10,
        ..MappingConfig::default()
    };
    desk.consumer
        .reconfigure(Arc::new(Rules::new(config).unwrap()));
    assert!(begin(&mut desk).is_empty());
    desk.consumer
        .invoked(begun[0].id, &Arc::new(answer("null")), desk.now);
    assert!(begin(&mut desk).is_empty());
    desk.consumer
        .invoked(begun[1].id, &Arc::new(answer("null")), desk.now);
    let next = begin(&mut desk);
    assert_eq!(next.len(), 1);
    let numbers: Vec<u32> = next[0].records.iter().map(number_of).collect();
    assert!(numbers.is_sorted() && numbers.contains(&2));
}

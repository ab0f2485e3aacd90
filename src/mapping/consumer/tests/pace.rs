//! Reading as written.

use super::*;

fn as_written(config: MappingConfig) -> Desk {
    let mut desk = Desk::new(config.clone());
    let rules = Rules::new(config).unwrap().at(Pace::AsWritten);
    desk.consumer.reconfigure(Arc::new(rules));
    desk
}

/// When the shard is read next, after the start.
fn next_poll(desk: &mut Desk) -> Duration {
    loop {
        match desk.consumer.next(desk.now) {
            Step::Poll => return desk.now.duration_since(start()).unwrap(),
            Step::Wait { until, .. } => desk.now = until.unwrap(),
            step => panic!("{step:?} was not expected"),
        }
    }
}

#[test]
fn reading_goes_on_at_once_while_there_is_more() {
    let mut desk = as_written(MappingConfig::default())
        .page(records(1..=3))
        .page(records(4..=4));
    desk.run(Duration::from_millis(1), fine);
    assert_eq!(desk.deliveries(), [vec![1, 2, 3], vec![4]]);
    assert_eq!((desk.times(), desk.polls), (vec![0, 0], 3));
}

#[test]
fn an_idle_shard_waits_for_the_word() {
    let mut desk = as_written(MappingConfig::default());
    assert_eq!(next_poll(&mut desk), Duration::ZERO);
    desk.poll();
    desk.now += seconds(1);
    assert!(matches!(desk.consumer.next(desk.now), Step::Wait { .. }));
    desk.consumer.written(desk.now);
    assert_eq!(next_poll(&mut desk), seconds(1));
    desk.poll();
    // Nobody says anything: a look now and then.
    assert_eq!(next_poll(&mut desk), seconds(6));
}

#[test]
fn a_word_that_comes_while_a_page_is_on_its_way_is_kept() {
    let mut desk = as_written(MappingConfig::default());
    assert_eq!(next_poll(&mut desk), Duration::ZERO);
    desk.now += Duration::from_millis(5);
    desk.consumer.written(desk.now);
    desk.now += Duration::from_millis(5);
    // The page was made before the write.
    desk.poll();
    assert_eq!(next_poll(&mut desk), Duration::from_millis(10));
    desk.poll();
    assert_eq!(next_poll(&mut desk), Duration::from_millis(5010));
}

#[test]
fn the_word_does_not_shorten_the_wait_after_trouble() {
    let mut desk = as_written(MappingConfig::default());
    assert_eq!(next_poll(&mut desk), Duration::ZERO);
    desk.consumer
        .poll_failed("Cannot access stream", "r", desk.now);
    desk.consumer.written(desk.now);
    assert_eq!(next_poll(&mut desk), Duration::from_millis(500));
}

#[test]
fn four_times_a_second_stays_so_whatever_is_written() {
    let mut desk = Desk::new(MappingConfig::default());
    assert_eq!(next_poll(&mut desk), Duration::ZERO);
    desk.poll();
    desk.consumer.written(desk.now);
    assert_eq!(next_poll(&mut desk), Duration::from_millis(250));
}

#[test]
fn a_tumbling_window_ends_in_time_without_a_word() {
    let config = MappingConfig {
        tumbling_window_secs: Some(3),
        ..MappingConfig::default()
    };
    let mut desk = as_written(config).page(records(1..=1));
    desk.run(seconds(10), |_| answer(r#"{"state":{}}"#));
    assert_eq!(desk.deliveries(), [vec![1], vec![]]);
    assert_eq!(desk.times(), [0, 3000]);
}

#[test]
fn answers_are_taken_while_a_page_is_on_its_way() {
    let mut desk = Desk::new(MappingConfig::default()).page(records(1..=3));
    assert_eq!(next_poll(&mut desk), Duration::ZERO);
    desk.poll();
    let Step::Invoke(batch) = desk.consumer.next(desk.now) else {
        panic!("a batch was expected");
    };
    desk.now += seconds(1);
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    assert!(matches!(
        desk.consumer.next(desk.now),
        Step::Wait { until: None, .. }
    ));
    let done = Arc::new(answer("null"));
    desk.consumer.invoked(batch.id, &done, desk.now);
    assert_eq!(
        desk.consumer.checkpoint().position,
        Position::After(batch.records[2].sequence_number.clone())
    );
    desk.consumer.stop();
    assert_eq!(desk.consumer.next(desk.now), Step::Closed);
}

//! Tumbling windows.

use super::*;

fn tumbling(secs: u32) -> MappingConfig {
    MappingConfig {
        tumbling_window_secs: Some(secs),
        ..MappingConfig::default()
    }
}

/// Adds the number of records to `n`.
fn summing(batch: &Sent) -> Answer {
    let event: Value = serde_json::from_str(&batch.event).unwrap();
    let before = event["state"]["n"].as_u64().unwrap_or(0);
    let sum = before + batch.records.len() as u64;
    answer(&json!({ "state": { "n": sum } }).to_string())
}

fn at(number: u32, secs: u64) -> Record {
    record(number, "item", start() + seconds(secs))
}

#[test]
fn state_is_carried_through_a_window_and_dropped_at_its_end() {
    let mut desk = Desk::new(tumbling(10))
        .page(vec![at(1, 0)])
        .page(vec![at(2, 0)]);
    for _ in 0..50 {
        desk.pages.push_back(Vec::new());
    }
    desk.pages.push_back(vec![at(3, 12)]);
    desk.run(seconds(30), summing);
    assert_eq!(
        desk.deliveries(),
        [vec![1], vec![2], vec![], vec![3], vec![]]
    );
    let states: Vec<&Value> = desk.events.iter().map(|event| &event["state"]).collect();
    assert_eq!(
        states,
        [
            &json!({}),
            &json!({ "n": 1 }),
            &json!({ "n": 2 }),
            &json!({}),
            &json!({ "n": 1 })
        ]
    );
    let finals: Vec<_> = desk
        .events
        .iter()
        .map(|event| event["isFinalInvokeForWindow"] == true)
        .collect();
    assert_eq!(finals, [false, false, true, false, true]);
    assert_eq!(desk.times()[2], 10_000);
    assert!(desk.consumer.window.is_none());
}

#[test]
fn an_attempt_tells_of_its_window_and_why_it_is_made() {
    let mut desk = Desk::new(tumbling(10)).page(vec![at(1, 1), at(2, 10)]);
    desk.run(seconds(1), summing);
    let told = desk.news.iter().filter_map(|what| match what {
        What::Invoking { window, reason, .. } => {
            let window = window.unwrap();
            let begins = window.start.duration_since(start()).unwrap();
            assert_eq!(window.end, window.start + seconds(10));
            Some((begins.as_secs(), window.is_final, reason.as_str()))
        }
        _ => None,
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (0, false, "sends 1 record: the tumbling window ends"),
            (0, true, "finishes the tumbling window"),
            (10, false, "sends 1 record: no batching window"),
        ]
    );
}

#[test]
fn a_batch_holds_records_of_one_window_only() {
    let mut desk = Desk::new(tumbling(10)).page(vec![at(1, 1), at(2, 9), at(3, 10), at(4, 25)]);
    desk.run(seconds(1), summing);
    assert_eq!(
        desk.deliveries(),
        [vec![1, 2], vec![], vec![3], vec![], vec![4]]
    );
    let start_of = |at: usize| desk.events[at]["window"]["start"].clone();
    assert_eq!(start_of(0), start_of(1));
    assert_ne!(start_of(0), start_of(2));
}

#[test]
fn an_answer_without_state_is_a_failed_attempt() {
    let config = MappingConfig {
        retry_attempts_max: Some(1),
        ..tumbling(10)
    };
    let mut desk = Desk::new(config).page(vec![at(1, 0)]);
    desk.run(seconds(5), |_| answer(r#"{"done":true}"#));
    assert_eq!(desk.deliveries(), [[1], [1]]);
    assert_eq!(desk.lost_numbers(), [[1]]);
    assert!(desk.reasons()[0].starts_with("the answer has no state"));
}

#[test]
fn too_much_state_ends_the_window_early() {
    let mut desk = Desk::new(tumbling(60))
        .page(vec![at(1, 0)])
        .page(vec![at(2, 0)]);
    let large = json!({ "state": { "x": "y".repeat(1024 * 1024) } }).to_string();
    desk.run(seconds(5), |batch| {
        if has(batch, 1) {
            answer(&large)
        } else {
            answer(r#"{"state":{}}"#)
        }
    });
    assert_eq!(desk.deliveries(), [vec![1], vec![], vec![2]]);
    assert_eq!(desk.events[1]["isFinalInvokeForWindow"], true);
    assert_eq!(desk.events[1]["isWindowTerminatedEarly"], true);
    assert_eq!(desk.events[2]["state"], json!({}));
    assert_eq!(desk.events[2]["isWindowTerminatedEarly"], false);
}

#[test]
fn a_final_invocation_is_retried_and_later_windows_wait() {
    let config = MappingConfig {
        retry_attempts_max: Some(2),
        ..tumbling(10)
    };
    let mut desk = Desk::new(config).page(vec![at(1, 0), at(2, 15)]);
    desk.run(seconds(8), |batch| {
        if batch.records.is_empty() {
            thrown()
        } else {
            summing(batch)
        }
    });
    assert_eq!(
        desk.deliveries(),
        [vec![1], vec![], vec![], vec![], vec![2]]
    );
    assert_eq!(desk.lost.len(), 1);
    assert!(desk.lost[0].records.is_empty());
    assert_eq!(desk.events[4]["state"], json!({}));
}

#[test]
fn a_shard_that_closes_ends_its_window() {
    let mut desk = Desk::new(tumbling(300)).page(vec![at(1, 0)]).ending();
    desk.run(seconds(5), summing);
    assert_eq!(desk.deliveries(), [vec![1], vec![]]);
    assert_eq!(desk.events[1]["isWindowTerminatedEarly"], false);
    assert!(desk.consumer.is_finished());
}

#[test]
fn a_restart_carries_the_state_on() {
    let mut desk = Desk::new(tumbling(300)).page(vec![at(1, 0)]);
    desk.run(seconds(1), summing);
    let saved = serde_json::to_string(&desk.consumer.checkpoint()).unwrap();
    let saved: Checkpoint = serde_json::from_str(&saved).unwrap();
    let mut again = Desk::going_on(tumbling(300), saved).page(vec![at(2, 1)]);
    again.run(seconds(1), summing);
    assert_eq!(again.events[0]["state"], json!({ "n": 1 }));
}

#[test]
fn windows_allow_one_batch_at_a_time_whatever_the_factor() {
    let config = MappingConfig {
        parallelization_factor: 10,
        ..tumbling(10)
    };
    let desk = Desk::new(config);
    assert_eq!(desk.consumer.lanes.len(), 1);
}

#[test]
fn a_partial_answer_hands_its_state_on() {
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..tumbling(60)
    };
    let mut desk = Desk::new(config).page(vec![at(1, 0), at(2, 0)]);
    let partial =
        r#"{"state":{"n":1},"batchItemFailures":[{"itemIdentifier":"000000000000000000002"}]}"#;
    let mut first = true;
    desk.run(seconds(3), |batch| {
        if std::mem::take(&mut first) {
            answer(partial)
        } else {
            summing(batch)
        }
    });
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![2]]);
    assert_eq!(desk.events[1]["state"], json!({ "n": 1 }));
}

#[test]
fn a_window_ends_early_after_a_partial_answer_with_too_much_state() {
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..tumbling(60)
    };
    let mut desk = Desk::new(config).page(vec![at(1, 0), at(2, 0)]);
    let state = json!({ "x": "y".repeat(1024 * 1024) });
    let partial = json!({
        "state": state,
        "batchItemFailures": [{ "itemIdentifier": "000000000000000000002" }],
    });
    let whole = json!({ "state": state });
    desk.run(seconds(3), |batch| {
        let reply = match batch.records.len() {
            2 => &partial,
            1 => &whole,
            _ => &Value::Null,
        };
        answer(&reply.to_string())
    });
    assert_eq!(desk.deliveries(), [vec![1, 2], vec![2], vec![]]);
    assert_eq!(desk.events[2]["isWindowTerminatedEarly"], true);
}

#[test]
fn new_settings_do_not_forget_that_a_window_has_to_end_early() {
    let mut desk = Desk::new(tumbling(60)).page(vec![at(1, 0)]);
    assert_eq!(desk.consumer.next(desk.now), Step::Poll);
    desk.poll();
    let Step::Invoke(batch) = desk.consumer.next(desk.now) else {
        panic!("a batch was expected");
    };
    let config = MappingConfig {
        batch_size: 1,
        ..tumbling(60)
    };
    desk.consumer
        .reconfigure(Arc::new(Rules::new(config).unwrap()));
    let large = json!({ "state": { "x": "y".repeat(1024 * 1024) } }).to_string();
    let large = Arc::new(answer(&large));
    desk.consumer.invoked(batch.id, &large, desk.now);
    desk.run(seconds(1), |_| answer("null"));
    assert_eq!(desk.events[0]["isWindowTerminatedEarly"], true);
}

#[test]
fn a_record_written_while_an_empty_page_came_is_of_its_window() {
    let mut desk = Desk::new(tumbling(10)).page(vec![at(1, 0)]);
    desk.run(Duration::from_millis(9_700), summing);
    // Asked for before the window ends, answered afterwards.
    while desk.consumer.next(desk.now) != Step::Poll {
        desk.now += Duration::from_millis(10);
    }
    assert!(desk.now < start() + seconds(10));
    desk.now = start() + seconds(10);
    desk.poll();
    desk.pages.push_back(vec![at(2, 9)]);
    desk.run(seconds(5), summing);
    assert_eq!(desk.deliveries(), [vec![1], vec![2], vec![]]);
}

//! How long triggers take from one state to the next, by setting, and what happens to records meanwhile.

use std::time::Duration;

use aws_sdk_lambda::types::EventSourcePosition;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::Options;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::faults::{Kind, Rule};

use crate::lab::{CreateTrigger, Lab, Story};

const QUIET: &str = "exports.handler = async () => {};";

async fn world(change: impl FnOnce(&mut Options)) -> Lab {
    // 2026-01-01T00:00:00Z
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let mut options = Options {
        seed: Some(7),
        ..Options::temporary(clock)
    };
    change(&mut options);
    let lab = Lab::with(options);
    lab.role("worker").await;
    lab
}

fn latest(create: CreateTrigger) -> CreateTrigger {
    create.starting_position(EventSourcePosition::Latest)
}

/// Asks for a trigger and does not wait for it.
async fn ask(lab: &Lab, stream: &str, settings: impl Fn(CreateTrigger) -> CreateTrigger) -> String {
    let create = lab.lambda.create_event_source_mapping();
    let create = create.event_source_arn(stream).function_name("bill");
    let create = create.starting_position(EventSourcePosition::TrimHorizon);
    let made = settings(create).send().await.unwrap();
    assert_eq!(made.state(), Some("Creating"));
    made.uuid.unwrap()
}

/// How long the trigger stays in the state it is in, to a tenth of a second, and what it becomes.
async fn lasts(lab: &Lab, uuid: &str) -> (Duration, String) {
    let state = async || {
        let get = lab.lambda.get_event_source_mapping().uuid(uuid);
        match get.send().await {
            Ok(got) => got.state.unwrap(),
            Err(_) => "gone".to_owned(),
        }
    };
    let (began, first) = (lab.now(), state().await);
    loop {
        lab.clock.sleep(Duration::from_millis(50)).await;
        let now = state().await;
        if now != first {
            return (lab.now().duration_since(began).unwrap(), now);
        }
        assert!(lab.now() < began + Duration::from_mins(10), "{now}");
    }
}

async fn switch(lab: &Lab, uuid: &str, on: bool) -> Option<String> {
    let update = lab.lambda.update_event_source_mapping().uuid(uuid);
    update.enabled(on).send().await.unwrap().state
}

#[tokio::test(start_paused = true)]
async fn quick_triggers_pass_each_state_in_a_fifth_of_a_second() {
    let lab = world(|_| {}).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = ask(&lab, &stream, |it| it).await;
    let fifth = |(time, state): (Duration, String)| {
        assert!(
            (150..=300).contains(&time.as_millis()),
            "{state} after {time:?}"
        );
        state
    };
    assert_eq!(fifth(lasts(&lab, &uuid).await), "Enabled");
    let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
    let updating = update.batch_size(5).send().await.unwrap();
    assert_eq!(updating.state(), Some("Updating"));
    assert_eq!(fifth(lasts(&lab, &uuid).await), "Enabled");
    assert_eq!(switch(&lab, &uuid, false).await.unwrap(), "Disabling");
    assert_eq!(fifth(lasts(&lab, &uuid).await), "Disabled");
    assert_eq!(switch(&lab, &uuid, true).await.unwrap(), "Enabling");
    assert_eq!(fifth(lasts(&lab, &uuid).await), "Enabled");
    let delete = lab.lambda.delete_event_source_mapping().uuid(&uuid);
    assert_eq!(delete.send().await.unwrap().state(), Some("Deleting"));
    assert_eq!(fifth(lasts(&lab, &uuid).await), "gone");
}

#[tokio::test(start_paused = true)]
async fn instant_triggers_answer_their_passing_state_and_are_through_it_at_once() {
    let lab = world(|options| options.delays = Delays::Instant).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = ask(&lab, &stream, latest).await;
    lab.put("orders", ["1"]).await;
    let soon = Duration::from_millis(1);
    lab.clock.sleep(soon).await;
    assert_eq!(lab.trigger_now(&uuid).await.state(), Some("Enabled"));
    lab.sleep(1).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    assert_eq!(switch(&lab, &uuid, false).await.unwrap(), "Disabling");
    lab.clock.sleep(soon).await;
    assert_eq!(lab.trigger_now(&uuid).await.state(), Some("Disabled"));
    let delete = lab.lambda.delete_event_source_mapping().uuid(&uuid);
    assert_eq!(delete.send().await.unwrap().state(), Some("Deleting"));
    lab.clock.sleep(soon).await;
    let gone = lab.lambda.get_event_source_mapping().uuid(&uuid);
    assert!(gone.send().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn triggers_like_those_of_aws_take_up_to_a_minute_and_poll_later_still() {
    let lab = world(|options| options.delays = Delays::Aws).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let starts = |(time, state): (Duration, String)| {
        assert!(
            (10..=60).contains(&time.as_secs()),
            "{state} after {time:?}"
        );
        state
    };
    let stops = |(time, state): (Duration, String)| {
        assert!(
            (30..=60).contains(&time.as_secs()),
            "{state} after {time:?}"
        );
        state
    };
    let uuid = ask(&lab, &stream, |it| it).await;
    assert_eq!(starts(lasts(&lab, &uuid).await), "Enabled");
    lab.put("orders", ["1"]).await;
    let enabled = lab.now();
    while Story::of(&lab).deliveries().is_empty() {
        lab.clock.sleep(Duration::from_millis(250)).await;
    }
    let wait = lab.now().duration_since(enabled).unwrap();
    assert!((1..=181).contains(&wait.as_secs()), "{wait:?}");
    let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
    update.batch_size(5).send().await.unwrap();
    assert_eq!(starts(lasts(&lab, &uuid).await), "Enabled");
    switch(&lab, &uuid, false).await;
    assert_eq!(stops(lasts(&lab, &uuid).await), "Disabled");
    switch(&lab, &uuid, true).await;
    assert_eq!(starts(lasts(&lab, &uuid).await), "Enabled");
    let delete = lab.lambda.delete_event_source_mapping().uuid(&uuid);
    delete.send().await.unwrap();
    assert_eq!(stops(lasts(&lab, &uuid).await), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_switch_off_takes_its_time_from_the_end_of_the_running_invocation() {
    let lab = world(|_| {}).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let slow = Rule::always("lambda:Invoke", Kind::delay(Duration::from_secs(40)));
    lab.host.engine().faults().set(1, vec![slow]);
    lab.put("orders", ["1"]).await;
    lab.sleep(10).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    switch(&lab, &uuid, false).await;
    let (time, state) = lasts(&lab, &uuid).await;
    assert_eq!(state, "Disabled");
    // Forty seconds, less the ten that have passed, and a fifth.
    assert!((30_000..31_500).contains(&time.as_millis()), "{time:?}");
    assert_eq!(
        lab.trigger_now(&uuid).await.last_processing_result(),
        Some("OK")
    );
}

#[tokio::test(start_paused = true)]
async fn latest_begins_where_the_trigger_was_made_or_first_enabled() {
    let lab = world(|_| {}).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    lab.put("orders", ["before"]).await;
    ask(&lab, &stream, latest).await;
    lab.put("orders", ["after"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["after"]]);

    lab.function("ship", QUIET).await;
    let off = |it: CreateTrigger| latest(it).function_name("ship").enabled(false);
    let uuid = ask(&lab, &stream, off).await;
    lab.settle(&uuid, "Disabled").await;
    lab.put("orders", ["meanwhile"]).await;
    lab.sleep(1).await;
    switch(&lab, &uuid, true).await;
    lab.put("orders", ["at last"]).await;
    lab.sleep(2).await;
    // The last of them is the new trigger's.
    assert_eq!(
        Story::of(&lab).deliveries(),
        [["after"], ["meanwhile"], ["at last"], ["at last"]]
    );
}

#[tokio::test(start_paused = true)]
async fn latest_with_a_gap_skips_what_is_written_before_the_first_poll() {
    let lab = world(|options| options.latest_gap = Some(true)).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = ask(&lab, &stream, latest).await;
    lab.put("orders", ["skipped"]).await;
    lab.settle(&uuid, "Enabled").await;
    lab.put("orders", ["seen"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["seen"]]);
}

#[tokio::test(start_paused = true)]
async fn latest_like_that_of_aws_skips_what_is_written_in_the_first_minutes() {
    let lab = world(|options| options.delays = Delays::Aws).await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = ask(&lab, &stream, latest).await;
    lab.settle(&uuid, "Enabled").await;
    lab.put("orders", ["skipped"]).await;
    lab.sleep(200).await;
    lab.put("orders", ["seen"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["seen"]]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_may_be_made_while_its_table_and_stream_still_are() {
    let lab = world(|options| options.settle = Duration::from_secs(5)).await;
    lab.function("bill", QUIET).await;
    let stream = lab.table_asked("orders").await;
    let described = async || {
        let streams = lab.streams.describe_stream().stream_arn(&stream);
        let answer = streams.send().await.unwrap();
        let status = answer.stream_description.unwrap().stream_status.unwrap();
        status.as_str().to_owned()
    };
    assert_eq!(described().await, "ENABLING");
    lab.trigger(&stream, "bill", |it| it).await;
    assert_eq!(described().await, "ENABLING");
    lab.sleep(6).await;
    assert_eq!(described().await, "ENABLED");
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    let delete = lab.dynamodb.delete_table().table_name("orders");
    delete.send().await.unwrap();
    lab.sleep(1).await;
    assert_eq!(described().await, "DISABLING");
    lab.sleep(10).await;
    assert_eq!(described().await, "DISABLED");
}

#[tokio::test(start_paused = true)]
async fn the_last_result_outlives_a_restart_until_there_is_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let open = || Lab::open(clock.clone(), Some(folder.path()));
    let lab = open();
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    lab.function(
        "bill",
        "exports.handler = async () => { throw new Error('boom'); };",
    )
    .await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let blind = lab.table("blind").await;
    let blocked = lab.trigger(&blind, "bill", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(70).await;
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:us-east-1:123456789012:table/orders*"}]}"#;
    lab.allow("worker", deny).await;
    lab.sleep(5).await;
    let result = async |lab: &Lab, uuid: &str| {
        let trigger = lab.trigger_now(uuid).await;
        trigger.last_processing_result.unwrap()
    };
    assert!(
        result(&lab, &blocked)
            .await
            .starts_with("PROBLEM: Cannot access")
    );
    lab.close().await;

    let lab = open();
    assert_eq!(result(&lab, &uuid).await, "PROBLEM: Function call failed");
    assert!(
        result(&lab, &blocked)
            .await
            .starts_with("PROBLEM: Cannot access")
    );
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}"#;
    lab.allow("worker", all).await;
    lab.close().await;

    let lab = open();
    lab.sleep(5).await;
    assert_eq!(result(&lab, &blocked).await, "No records processed");
    lab.close().await;
}

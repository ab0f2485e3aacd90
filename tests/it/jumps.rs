//! A world whose time stands still and jumps: what falls due is done, once, and nothing waits that must not.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveSpecification};
use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_lambda::types::{DestinationConfig, OnFailure};
use waterwheel::clock::{Clock, Mode, epoch_millis, from_epoch_millis};
use waterwheel::engine::store::Shelf;
use waterwheel::mapping::progress::{Condition, What};

use crate::lab::{Lab, Story, polls};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const SAYS_ALL: &str =
    "exports.handler = async (event) => { console.log(JSON.stringify(event)); };";
const FAILS: &str = "exports.handler = async () => { throw new Error('no'); };";

impl Lab {
    fn set_clock(&self, mode: Option<Mode>, secs: u64) {
        let by = Duration::from_secs(secs);
        self.host.engine().set_clock(mode, by).unwrap();
    }

    fn jump(&self, secs: u64) {
        self.set_clock(None, secs);
    }

    /// Lets everything under way come to rest; the world's time need not go.
    async fn rest(&self) {
        self.clock.wait(Duration::from_secs(5)).await;
    }

    async fn iterator(&self, stream: &str, kind: ShardIteratorType) -> String {
        let described = self.streams.describe_stream().stream_arn(stream);
        let described = described.send().await.unwrap().stream_description.unwrap();
        let get = self.streams.get_shard_iterator().stream_arn(stream);
        let get = get.shard_id(described.shards()[0].shard_id().unwrap());
        let got = get.shard_iterator_type(kind).send().await.unwrap();
        got.shard_iterator.unwrap()
    }

    /// Ids of the items in the records from here on.
    async fn records(&self, iterator: &str) -> Result<Vec<String>, String> {
        let read = self.streams.get_records().shard_iterator(iterator);
        let read = read.send().await;
        let read = read.map_err(|error| error.code().unwrap_or_default().to_owned())?;
        let keys = read.records().iter().map(|record| {
            let keys = record.dynamodb.as_ref().unwrap().keys.as_ref().unwrap();
            keys["id"].as_s().unwrap().clone()
        });
        Ok(keys.collect())
    }

    /// Everything the functions logged.
    async fn logged(&self) -> String {
        let events = self.logs.filter_log_events();
        let events = events.log_group_name("/aws/lambda/listen").send().await;
        let events = events.map(|it| it.events.unwrap_or_default());
        let lines = events.unwrap_or_default().into_iter();
        lines.filter_map(|it| it.message).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_five_hours_later_records_are_trimmed_and_iterators_expired() {
    for mode in [Mode::Running, Mode::Manual] {
        let lab = Lab::new().await;
        let stream = lab.table("orders").await;
        lab.put("orders", ["a", "b", "c"]).await;
        let before = lab.iterator(&stream, ShardIteratorType::TrimHorizon).await;
        assert_eq!(lab.records(&before).await.unwrap(), ["a", "b", "c"]);
        lab.set_clock(Some(mode), 0);
        lab.rest().await;
        let then = lab.now();
        lab.jump(25 * HOUR);
        assert_eq!(lab.now(), then + Duration::from_secs(25 * HOUR));
        let expired = lab.records(&before).await;
        assert_eq!(expired, Err("ExpiredIteratorException".to_owned()));
        let now = lab.iterator(&stream, ShardIteratorType::TrimHorizon).await;
        assert_eq!(lab.records(&now).await, Ok(Vec::new()));
        // What nobody can read any more leaves the folder, but for the last record, where the shard ends.
        lab.rest().await;
        let store = lab.host.engine().store();
        let kept = store.list(Shelf::Records, &[], 10).unwrap().len();
        assert_eq!(kept, 1, "{mode:?}");
        lab.put("orders", ["d"]).await;
        assert_eq!(lab.records(&now).await.unwrap(), ["d"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_is_swept_by_a_jump_and_its_record_delivered() {
    for mode in [Mode::Running, Mode::Manual] {
        let lab = Lab::new().await;
        let stream = lab.table("orders").await;
        lab.function("listen", SAYS_ALL).await;
        lab.trigger(&stream, "listen", |it| it).await;
        let ttl = TimeToLiveSpecification::builder().attribute_name("ends");
        let switch = lab.dynamodb.update_time_to_live().table_name("orders");
        let switch = switch.time_to_live_specification(ttl.enabled(true).build().unwrap());
        switch.send().await.unwrap();
        let ends = epoch_millis(lab.now()) / 1000 + 24 * HOUR;
        let put = lab.dynamodb.put_item().table_name("orders");
        let put = put.item("id", AttributeValue::S("short".to_owned()));
        let put = put.item("ends", AttributeValue::N(ends.to_string()));
        put.send().await.unwrap();
        lab.sleep(2).await;
        lab.set_clock(Some(mode), 25 * HOUR);
        lab.rest().await;
        // The poll of the jump's moment may have come before the sweep.
        lab.jump(1);
        lab.rest().await;
        let left = lab.dynamodb.scan().table_name("orders").send().await;
        assert_eq!(left.unwrap().count, 0, "{mode:?}");
        let logged = lab.logged().await;
        let identity =
            r#""userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;
        for expected in [identity, r#""eventName":"REMOVE""#] {
            assert!(logged.contains(expected), "{expected} in {logged}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_given_up_by_a_jump_beyond_its_age() {
    for mode in [Mode::Running, Mode::Manual] {
        let lab = Lab::new().await;
        let stream = lab.table("orders").await;
        let (queue, url) = lab.queue("lost").await;
        lab.function("listen", FAILS).await;
        let lost = OnFailure::builder().destination(queue).build();
        let lost = DestinationConfig::builder().on_failure(lost).build();
        lab.trigger(&stream, "listen", |it| {
            it.maximum_record_age_in_seconds(HOUR.try_into().unwrap())
                .destination_config(lost.clone())
        })
        .await;
        lab.put("orders", ["a"]).await;
        lab.sleep(10).await;
        lab.set_clock(Some(mode), 0);
        lab.rest().await;
        assert_eq!(lab.messages(&url).await.len(), 0);
        let attempts = Story::of(&lab).deliveries().len();
        assert!((2..10).contains(&attempts), "{attempts}");
        lab.jump(2 * HOUR);
        lab.rest().await;
        let letters = lab.messages(&url).await;
        assert_eq!(letters.len(), 1, "{mode:?}");
        assert_eq!(
            letters[0]["requestContext"]["condition"],
            "RecordAgeExceeded"
        );
        let story = Story::of(&lab);
        let given_up = story.all().into_iter().filter_map(|it| match it.what {
            What::Discarded { condition, .. } => Some(condition),
            _ => None,
        });
        let given_up: Vec<_> = given_up.collect();
        assert_eq!(given_up, [Condition::RecordAgeExceeded]);
        assert_eq!(story.deliveries().len(), attempts, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batching_window_ends_by_a_jump_and_not_before() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("listen", SAYS_ALL).await;
    lab.trigger(&stream, "listen", |it| {
        it.maximum_batching_window_in_seconds(300)
    })
    .await;
    lab.set_clock(Some(Mode::Manual), 0);
    lab.put("orders", ["a", "b"]).await;
    lab.jump(1);
    lab.rest().await;
    lab.put("orders", ["c"]).await;
    lab.jump(298);
    lab.rest().await;
    assert!(Story::of(&lab).deliveries().is_empty());
    lab.jump(2);
    lab.rest().await;
    assert_eq!(Story::of(&lab).deliveries(), [["a", "b", "c"]]);
}

#[tokio::test(start_paused = true)]
async fn a_jump_over_a_day_makes_no_polls_up_for() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("listen", SAYS_ALL).await;
    lab.trigger(&stream, "listen", |it| it).await;
    let (_, mut watch) = lab.host.engine().watch();
    let mut polls = || polls(&mut watch);
    lab.sleep(10).await;
    assert_eq!(polls(), 40);
    lab.set_clock(Some(Mode::Manual), 0);
    lab.rest().await;
    assert!(polls() <= 1);
    for _ in 0..10 {
        lab.jump(25 * HOUR);
        lab.rest().await;
    }
    assert_eq!(polls(), 10);
    lab.set_clock(Some(Mode::Running), 25 * HOUR);
    lab.sleep(10).await;
    assert!((39..=42).contains(&polls()));
    lab.put("orders", ["a"]).await;
    lab.sleep(1).await;
    assert_eq!(Story::of(&lab).deliveries(), [["a"]]);
}

#[tokio::test(start_paused = true)]
async fn a_running_function_has_its_time_while_the_world_stands_still() {
    let lab = Lab::new().await;
    let waits = "exports.handler = async (event) => {
        const began = Date.now();
        await new Promise((done) => setTimeout(done, event.millis));
        return Date.now() - began;
    };";
    lab.function("waits", waits).await;
    lab.set_clock(Some(Mode::Manual), 0);
    let invoke = async |millis: u32| {
        let event = format!("{{\"millis\":{millis}}}").into_bytes();
        let invoke = lab.lambda.invoke().function_name("waits");
        let answer = invoke.payload(event.into()).send().await.unwrap();
        String::from_utf8(answer.payload.unwrap().into_inner()).unwrap()
    };
    assert_eq!(invoke(30_000).await, "0");
    let late = invoke(90_000).await;
    assert!(
        late.contains("Task timed out after 60.00 seconds"),
        "{late}"
    );
    // A jump is no part of an invocation's time.
    let (answer, ()) = tokio::join!(invoke(30_000), async {
        lab.clock.wait(Duration::from_secs(10)).await;
        lab.jump(25 * HOUR);
    });
    assert_eq!(answer, (25 * HOUR * 1000).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_for_messages_as_long_as_it_asked_to() {
    let lab = Lab::new().await;
    let (_, url) = lab.queue("lost").await;
    lab.set_clock(Some(Mode::Manual), 0);
    let send = lab.sqs.send_message().queue_url(&url).message_body("a");
    send.send().await.unwrap();
    let receive = || {
        let receive = lab.sqs.receive_message().queue_url(&url);
        let receive = receive.wait_time_seconds(20).visibility_timeout(600);
        async {
            receive
                .send()
                .await
                .unwrap()
                .messages
                .unwrap_or_default()
                .len()
        }
    };
    assert_eq!(receive().await, 1);
    let began = lab.clock.uptime();
    assert_eq!(receive().await, 0);
    assert_eq!(lab.clock.since(began), Duration::from_secs(20));
    let (received, ()) = tokio::join!(receive(), async {
        lab.clock.wait(Duration::from_secs(5)).await;
        lab.jump(600);
    });
    assert_eq!(received, 1);
    assert_eq!(lab.clock.since(began), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn a_world_that_jumped_goes_on_ahead_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = || Clock::at(from_epoch_millis(1_767_225_600_000));
    let began = clock().now();
    let hours = |hours: u64| Duration::from_secs(hours * HOUR);
    let ahead = |lab: &Lab, began: SystemTime| lab.now().duration_since(began).unwrap();

    let lab = Lab::open(clock(), Some(folder.path()));
    lab.table("orders").await;
    lab.jump(25 * HOUR);
    lab.put("orders", ["a"]).await;
    lab.close().await;

    let lab = Lab::open(clock(), Some(folder.path()));
    assert!((hours(25)..hours(26)).contains(&ahead(&lab, began)));
    // Time that stood still is not made up for.
    lab.set_clock(Some(Mode::Manual), HOUR);
    lab.clock.wait(hours(6)).await;
    let last = lab.now();
    lab.close().await;

    let lab = Lab::open(clock(), Some(folder.path()));
    assert_eq!(lab.clock.mode(), Mode::Running);
    assert!(lab.clock.ahead_millis() > 0);
    assert!(lab.clock.now() <= last);
    lab.close().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_jumps_further_than_a_hundred_years() {
    let lab = Lab::new().await;
    let engine = lab.host.engine();
    let century = Duration::from_hours(100 * 365 * 24);
    engine.set_clock(None, century).unwrap();
    let refused = engine.set_clock(None, Duration::from_secs(1)).unwrap_err();
    assert_eq!(refused.code, "ValidationException");
    engine
        .set_clock(Some(Mode::Manual), Duration::ZERO)
        .unwrap();
}

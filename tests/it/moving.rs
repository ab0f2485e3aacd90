//! Triggers over shards that are split, rolled over, forgotten and trimmed while they are read.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::EventSourcePosition;
use parking_lot::Mutex;
use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::store::Shelf;
use waterwheel::engine::streams::{Settings, roll_shard, split_shard};
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::consumer::Position;
use waterwheel::mapping::progress::{Progress, What};

use crate::lab::{Lab, Story};
use crate::poller::{Tap, fine, oldest, thrown};

const HOUR: u64 = 3600;
pub(crate) const NOTHING: &str = "exports.handler = async () => {};";

/// Writes version `n` of the item.
pub(crate) async fn write(lab: &Lab, id: &str, n: u32) {
    let put = lab.dynamodb.put_item().table_name("orders");
    let put = put.item("id", AttributeValue::S(id.to_owned()));
    let put = put.item("n", AttributeValue::N(n.to_string()));
    put.send().await.unwrap();
}

/// Ids of the open shards, in the order they were opened.
pub(crate) fn open(lab: &Lab, stream: &str) -> Vec<String> {
    lab.host.engine().read(|state| {
        let shards = state.streams[stream].shards.iter();
        let open = shards.filter(|it| it.ending.is_none());
        open.map(|it| it.id.clone()).collect()
    })
}

pub(crate) fn roll(lab: &Lab, stream: &str) {
    let shard = &open(lab, stream)[0];
    roll_shard(lab.host.engine(), stream, shard).unwrap();
}

/// Item and version of every record of an event.
fn versions(event: &Value) -> Vec<(String, u32)> {
    let version = |record: &Value| {
        let image = &record["dynamodb"]["NewImage"];
        let id = image["id"]["S"].as_str().unwrap().to_owned();
        (id, image["n"]["N"].as_str().unwrap().parse().unwrap())
    };
    let records = event["Records"].as_array().unwrap();
    records.iter().map(version).collect()
}

pub(crate) fn trimmed(story: &[Progress]) -> Vec<(&str, bool, &str)> {
    let all = story.iter().filter_map(|it| match &it.what {
        What::Trimmed { after, reason } => Some((&*it.shard, after.is_some(), reason.as_str())),
        _ => None,
    });
    all.collect()
}

/// Shards with a checkpoint.
pub(crate) fn checkpoints(lab: &Lab) -> Vec<String> {
    let store = lab.host.engine().store();
    let kept = store.list(Shelf::Checkpoints, &[], usize::MAX).unwrap();
    let names = kept.into_iter().map(|(key, _)| {
        let key = String::from_utf8(key).unwrap();
        key.split_once('/').unwrap().1.to_owned()
    });
    names.collect()
}

/// Closes an open shard; one or two children go on.
fn cut(lab: &Lab, stream: &str, dice: &mut fastrand::Rng) {
    let open = open(lab, stream);
    let shard = &open[dice.usize(..open.len())];
    let cut = if dice.bool() && open.len() < 6 {
        split_shard
    } else {
        roll_shard
    };
    cut(lab.host.engine(), stream, shard).unwrap();
}

/// Writes, cuts shards, lets the function fail and starts the poller anew, all at random.
async fn shaken(lanes: u32, seed: u64) {
    let lab = Lab::streaming(Settings {
        shards: NonZeroU32::new(2).unwrap(),
        ..Settings::default()
    })
    .await;
    let stream = lab.table("orders").await;
    let config = MappingConfig {
        parallelization_factor: lanes,
        batch_size: 7,
        bisect_on_function_error: seed.is_multiple_of(2),
        ..oldest()
    };
    let done: Arc<Mutex<BTreeMap<String, Vec<u32>>>> = Arc::default();
    let tap = |checkpoints, seed| {
        let (done, dice) = (
            Arc::clone(&done),
            Mutex::new(fastrand::Rng::with_seed(seed)),
        );
        Tap::watched(&lab, &stream, config.clone(), checkpoints, move |event| {
            let mut said = fine();
            if dice.lock().u8(..4) == 0 {
                said = thrown();
            } else {
                for (id, n) in versions(event) {
                    done.lock().entry(id).or_default().push(n);
                }
            }
            said.after = Duration::from_millis(dice.lock().u64(..400));
            said
        })
    };
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut running = tap(BTreeMap::new(), seed);
    let mut written: BTreeMap<String, u32> = BTreeMap::new();
    for step in 0..80 {
        for _ in 0..dice.usize(..8) {
            let id = dice.u32(..12).to_string();
            let n = written.entry(id.clone()).or_default();
            *n += 1;
            write(&lab, &id, *n).await;
        }
        if dice.u8(..6) == 0 {
            cut(&lab, &stream, &mut dice);
        }
        if dice.u8(..12) == 0 {
            running = tap(running.stop().await, seed + step);
        }
        lab.clock
            .sleep(Duration::from_millis(dice.u64(..900)))
            .await;
    }
    for _ in 0..200 {
        if !are_through(&written, &done.lock()) {
            lab.sleep(5).await;
        }
    }
    running.stop().await;
    check_order(&written, &done.lock());
}

/// Every item's last version was processed.
fn are_through(written: &BTreeMap<String, u32>, done: &BTreeMap<String, Vec<u32>>) -> bool {
    let last = |id: &String| done.get(id).and_then(|it| it.iter().max());
    written.iter().all(|(id, n)| last(id) == Some(n))
}

/// Every version of every item was processed. One may come again, but none comes first after a later one.
fn check_order(written: &BTreeMap<String, u32>, done: &BTreeMap<String, Vec<u32>>) {
    for (id, last) in written {
        let mut seen: Vec<u32> = Vec::new();
        for n in &done[id] {
            if !seen.contains(n) {
                seen.push(*n);
            }
        }
        let expected: Vec<u32> = (1..=*last).collect();
        assert_eq!(seen, expected, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_items_keep_their_order_while_shards_are_cut() {
    for (lanes, seed) in [(1, 0), (1, 1), (2, 2), (2, 3), (10, 4), (10, 5)] {
        shaken(lanes, seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_ends_with_its_shard_and_the_child_begins_a_new_one() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let config = MappingConfig {
        tumbling_window_secs: Some(300),
        ..oldest()
    };
    let events: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&events);
    let tap = Tap::watched(&lab, &stream, config, BTreeMap::new(), move |event| {
        let before = event["state"]["count"].as_u64().unwrap_or(0);
        let count = before + event["Records"].as_array().unwrap().len() as u64;
        kept.lock().push(event.clone());
        let mut said = fine();
        said.body = json!({"state": {"count": count}}).to_string();
        said
    });
    for n in 1..=2 {
        write(&lab, "a", n).await;
        lab.sleep(2).await;
    }
    roll(&lab, &stream);
    write(&lab, "a", 3).await;
    lab.sleep(10).await;
    let told: Vec<Value> = events
        .lock()
        .iter()
        .map(|it| {
            json!([
                versions(it).len(),
                it["state"],
                it["isFinalInvokeForWindow"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([1, {}, false]),
            json!([1, {"count": 1}, false]),
            json!([0, {"count": 2}, true]),
            json!([1, {}, false]),
        ]
    );
    let shards: Vec<Value> = events
        .lock()
        .iter()
        .map(|it| it["shardId"].clone())
        .collect();
    assert_eq!(shards[2], shards[0]);
    assert_ne!(shards[3], shards[2]);
    tap.stop().await;
}

#[tokio::test(start_paused = true)]
async fn latest_begins_where_the_trigger_was_made_though_its_shard_is_split_before_it_is_enabled() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    for id in ["1", "2"] {
        write(&lab, id, 1).await;
    }
    let create = lab.lambda.create_event_source_mapping();
    let create = create.event_source_arn(&stream).function_name("bill");
    let create = create.starting_position(EventSourcePosition::Latest);
    let uuid = create.send().await.unwrap().uuid.unwrap();
    let parent = open(&lab, &stream).remove(0);
    split_shard(lab.host.engine(), &stream, &parent).unwrap();
    for id in ["1", "2", "3", "4"] {
        write(&lab, id, 2).await;
    }
    lab.settle(&uuid, "Enabled").await;
    for id in ["1", "2", "3", "4"] {
        write(&lab, id, 3).await;
    }
    lab.sleep(5).await;
    let counts = Story::of(&lab).counts();
    let twice = ["1", "2", "3", "4"].map(|id| (id.to_owned(), 2));
    assert_eq!(counts, BTreeMap::from(twice));
}

#[tokio::test(start_paused = true)]
async fn a_restart_between_parent_and_child_goes_on_with_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let lab = Lab::open(clock.clone(), Some(folder.path()));
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    let slow = "exports.handler = () => new Promise((done) => setTimeout(done, 1000));";
    lab.function("bill", slow).await;
    for n in 1..=6 {
        write(&lab, "a", n).await;
    }
    roll(&lab, &stream);
    for n in 7..=9 {
        write(&lab, "a", n).await;
    }
    lab.trigger(&stream, "bill", |it| it.batch_size(1)).await;
    let mut delivered: Vec<u32> = Vec::new();
    let mut lab = lab;
    for round in 0..8 {
        lab.sleep(3).await;
        let story = Story::of(&lab).all();
        let invoked = story.iter().filter_map(|it| match &it.what {
            What::Invoking { records, .. } => Some(records),
            _ => None,
        });
        for record in invoked.flat_map(|it| it.iter()) {
            let n = &record.event["dynamodb"]["NewImage"]["n"]["N"];
            delivered.push(n.as_str().unwrap().parse().unwrap());
        }
        assert_eq!(trimmed(&story), [], "{round}");
        lab.close().await;
        lab = Lab::open(clock.clone(), Some(folder.path()));
    }
    lab.close().await;
    // What was under way at the end is delivered again.
    delivered.dedup();
    assert_eq!(delivered, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[tokio::test(start_paused = true)]
async fn a_child_waits_while_the_last_call_for_its_forgotten_parent_is_under_way() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let parent = open(&lab, &stream).remove(0);
    lab.sleep(60).await;
    write(&lab, "a", 1).await;
    roll(&lab, &stream);
    lab.sleep(24 * HOUR - 300).await;
    write(&lab, "b", 1).await;
    // Under way from before the parent is forgotten until long after.
    let slow = |event: &Value| {
        let mut said = fine();
        if versions(event)[0].0 == "a" {
            said.after = Duration::from_mins(20);
        }
        said
    };
    let tap = Tap::watched(&lab, &stream, oldest(), BTreeMap::new(), slow);
    lab.sleep(19 * 60).await;
    assert!(lab.host.engine().read(|state| {
        let mut shards = state.streams[&stream].shards.iter();
        shards.all(|it| it.id != parent)
    }));
    assert_eq!(tap.story.deliveries(), [["a"]]);
    lab.sleep(2 * 60).await;
    assert_eq!(tap.story.deliveries(), [["a"], ["b"]]);
    tap.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_blocked_shard_that_is_forgotten_gives_way_to_its_child() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let parent = open(&lab, &stream).remove(0);
    let tap = |checkpoints| {
        Tap::watched(&lab, &stream, oldest(), checkpoints, |event| {
            if versions(event).contains(&("a".to_owned(), 1)) {
                thrown()
            } else {
                fine()
            }
        })
    };
    write(&lab, "a", 1).await;
    roll(&lab, &stream);
    let running = tap(BTreeMap::new());
    lab.sleep(60).await;
    let saved = running.stop().await;
    lab.sleep(24 * HOUR - 360).await;
    write(&lab, "a", 2).await;
    let running = tap(saved);
    lab.sleep(4 * 60).await;
    let versions = || {
        let all = running.story.all().into_iter();
        let invoked = all.filter_map(|it| match it.what {
            What::Invoking { records, .. } => Some((*it.shard == *parent, records)),
            _ => None,
        });
        let mut told: Vec<_> = invoked.map(|(old, records)| (old, records.len())).collect();
        told.dedup();
        told
    };
    assert_eq!(versions(), [(true, 1)]);
    lab.sleep(5 * 60).await;
    assert_eq!(versions(), [(true, 1), (false, 1)]);
    let given_up = running.story.all();
    let given_up = given_up.iter().filter_map(|it| match &it.what {
        What::Discarded { records, .. } => Some(records.len()),
        _ => None,
    });
    assert_eq!(given_up.collect::<Vec<_>>(), [1]);
    assert_eq!(running.stop().await[&parent].position, Position::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_was_off_for_more_than_a_day_tells_what_it_missed() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    write(&lab, "1", 1).await;
    lab.sleep(5).await;
    let switch = async |on: bool| {
        let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
        update.enabled(on).send().await.unwrap();
        let state = if on { "Enabled" } else { "Disabled" };
        lab.settle(&uuid, state).await;
        lab.sleep(5).await;
    };
    let first = open(&lab, &stream).remove(0);
    // An open shard whose records are gone.
    switch(false).await;
    write(&lab, "2", 1).await;
    lab.sleep(25 * HOUR).await;
    write(&lab, "3", 1).await;
    switch(true).await;
    let older = "goes on at the oldest record: those before it were older than 24 hours";
    let story = Story::of(&lab);
    assert_eq!(story.deliveries(), [["1"], ["3"]]);
    assert_eq!(trimmed(&story.all()), [(first.as_str(), true, older)]);
    // A shard that is gone itself.
    switch(false).await;
    write(&lab, "4", 1).await;
    roll(&lab, &stream);
    lab.sleep(25 * HOUR).await;
    write(&lab, "5", 1).await;
    assert!(checkpoints(&lab).contains(&first));
    switch(true).await;
    let gone = "the shard is gone: what was not read of it was older than 24 hours";
    let story = Story::of(&lab);
    assert_eq!(story.deliveries(), [["1"], ["3"], ["5"]]);
    assert_eq!(trimmed(&story.all())[1..], [(first.as_str(), true, gone)]);
    // It is told once.
    switch(false).await;
    switch(true).await;
    assert_eq!(trimmed(&Story::of(&lab).all()).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_first_read_after_a_day_tells_that_some_of_it_is_gone() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    let day = Duration::from_hours(25);
    let jump = || lab.host.engine().set_clock(None, day).unwrap();
    let may = async |effect: &str| {
        let statement = json!({ "Effect": effect, "Action": "dynamodb:*", "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        lab.allow("worker", &policy.to_string()).await;
        lab.sleep(15).await;
    };
    write(&lab, "0", 1).await;
    jump();
    write(&lab, "1", 1).await;
    // What was gone before the trigger was made is none of its own.
    let create = lab.lambda.create_event_source_mapping();
    let create = create.event_source_arn(&stream).function_name("bill");
    let create = create.starting_position(EventSourcePosition::TrimHorizon);
    create.send().await.unwrap();
    may("Deny").await;
    may("Allow").await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    assert!(trimmed(&Story::of(&lab).all()).is_empty());
    // What went before it could read for the first time is.
    lab.function("ship", NOTHING).await;
    let create = lab.lambda.create_event_source_mapping();
    let create = create.event_source_arn(&stream).function_name("ship");
    let create = create.starting_position(EventSourcePosition::TrimHorizon);
    create.send().await.unwrap();
    may("Deny").await;
    let parent = open(&lab, &stream).remove(0);
    roll(&lab, &stream);
    let child = open(&lab, &stream).remove(0);
    write(&lab, "2", 1).await;
    jump();
    write(&lab, "3", 1).await;
    may("Allow").await;
    let story = Story::of(&lab);
    assert_eq!(story.deliveries(), [["1"], ["3"], ["3"]]);
    let all = story.all();
    let told: std::collections::BTreeSet<_> = trimmed(&all).into_iter().collect();
    let gone = "the shard is gone: what was not read of it was older than 24 hours";
    let older = "goes on at the oldest record: those before it were older than 24 hours";
    let expected = [(parent.as_str(), true, gone), (&child, false, older)];
    assert!(expected.iter().all(|it| told.contains(it)), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_third_trigger_of_a_stream_is_told_where_readers_are_limited() {
    let lab = Lab::streaming(Settings {
        has_limits: true,
        ..Settings::default()
    })
    .await;
    let stream = lab.table("orders").await;
    let mut taps = Vec::new();
    for _ in 0..3 {
        taps.push(Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| {
            fine()
        }));
        lab.sleep(1).await;
    }
    lab.put("orders", ["1"]).await;
    lab.sleep(30).await;
    for tap in &taps[..2] {
        assert_eq!(tap.story.deliveries(), [["1"]]);
        assert_eq!(tap.story.results(), ["OK"]);
    }
    assert!(taps[2].story.deliveries().is_empty());
    let told = taps[2].story.results();
    assert!(told[0].starts_with("PROBLEM: "), "{told:?}");
    assert!(told[0].contains("LimitExceededException"), "{told:?}");
    // It takes the place of one that leaves.
    taps.remove(0).stop().await;
    lab.sleep(20).await;
    assert_eq!(taps[1].story.deliveries(), [["1"]]);
    assert_eq!(taps[1].story.results().last().unwrap(), "OK");
}

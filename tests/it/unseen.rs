//! Shards that are gone before a trigger saw them, or before it began with their children: what it tells, and what is
//! kept of how far it had come.

use std::num::NonZeroU32;
use std::time::Duration;

use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::engine::streams::{Settings, roll_shard};

use crate::lab::{Lab, Story};
use crate::moving::{NOTHING, checkpoints, open, roll, trimmed, write};

/// And a little more.
const DAY: Duration = Duration::from_hours(25);
const UNSEEN: &str = "the shard came and went unseen: what was in it, or in others before it, was older than 24 hours";

async fn switch(lab: &Lab, uuid: &str, on: bool) {
    let update = lab.lambda.update_event_source_mapping().uuid(uuid);
    update.enabled(on).send().await.unwrap();
    let state = if on { "Enabled" } else { "Disabled" };
    lab.settle(uuid, state).await;
}

/// Nobody finds new shards from now on.
fn blind(lab: &Lab) {
    let rule = Rule {
        calls: "streams:DescribeStream".to_owned(),
        subject: None,
        probability: 1.0,
        skip: 0,
        first: None,
        kind: Kind::InternalError,
    };
    lab.host.engine().faults().set(1, vec![rule]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_came_and_went_while_none_could_be_found_is_told_once() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    write(&lab, "a", 1).await;
    lab.sleep(61).await;
    blind(&lab);
    let mut unseen = String::new();
    for n in 2..=3 {
        roll(&lab, &stream);
        unseen = open(&lab, &stream).remove(0);
        write(&lab, "a", n).await;
        lab.sleep(61).await;
    }
    roll(&lab, &stream);
    lab.host.engine().set_clock(None, DAY).unwrap();
    write(&lab, "a", 4).await;
    lab.host.engine().faults().clear();
    lab.sleep(61).await;
    let told = || Story::of(&lab).all();
    assert_eq!(trimmed(&told()), [(unseen.as_str(), false, UNSEEN)]);
    assert_eq!(Story::of(&lab).deliveries(), [["a"], ["a"]]);
    switch(&lab, &uuid, false).await;
    switch(&lab, &uuid, true).await;
    lab.sleep(61).await;
    assert_eq!(trimmed(&told()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_parent_is_remembered_until_its_child_is_begun() {
    let lab = Lab::streaming(Settings {
        shards: NonZeroU32::new(2).unwrap(),
        ..Settings::default()
    })
    .await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.sleep(61).await;
    blind(&lab);
    let parent = open(&lab, &stream).remove(0);
    roll_shard(lab.host.engine(), &stream, &parent).unwrap();
    lab.sleep(61).await;
    switch(&lab, &uuid, false).await;
    lab.clock.sleep(DAY).await;
    assert!(checkpoints(&lab).contains(&parent));
    lab.host.engine().faults().clear();
    switch(&lab, &uuid, true).await;
    for id in ["1", "2", "3", "4", "5"] {
        write(&lab, id, 1).await;
    }
    lab.sleep(61).await;
    let story = Story::of(&lab);
    assert_eq!(story.counts().len(), 5);
    assert_eq!(trimmed(&story.all()), []);
}

#[tokio::test(start_paused = true)]
async fn checkpoints_on_shards_that_are_gone_are_forgotten_but_never_all() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", NOTHING).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    for n in 0..10 {
        write(&lab, "a", n).await;
        lab.sleep(61).await;
        roll(&lab, &stream);
    }
    lab.sleep(61).await;
    // The open shard has told nothing yet, but it was begun.
    assert_eq!(checkpoints(&lab).len(), 11);
    switch(&lab, &uuid, false).await;
    lab.clock.sleep(DAY).await;
    assert_eq!(checkpoints(&lab), open(&lab, &stream));
    switch(&lab, &uuid, true).await;
    write(&lab, "a", 10).await;
    lab.sleep(61).await;
    assert_eq!(Story::of(&lab).counts()["a"], 11);
    assert_eq!(trimmed(&Story::of(&lab).all()), []);
    // With none it would begin anew.
    blind(&lab);
    let last = open(&lab, &stream);
    roll(&lab, &stream);
    lab.sleep(61).await;
    roll(&lab, &stream);
    switch(&lab, &uuid, false).await;
    lab.clock.sleep(DAY).await;
    assert_eq!(checkpoints(&lab), last);
    lab.host.engine().faults().clear();
    switch(&lab, &uuid, true).await;
    write(&lab, "a", 11).await;
    lab.sleep(61).await;
    assert_eq!(Story::of(&lab).counts()["a"], 12);
    assert_eq!(trimmed(&Story::of(&lab).all()).len(), 1);
    // Once there is another, it goes with the next shard.
    roll(&lab, &stream);
    lab.sleep(61).await;
    lab.host.engine().set_clock(None, DAY).unwrap();
    lab.sleep(61).await;
    assert_eq!(checkpoints(&lab), open(&lab, &stream));
}

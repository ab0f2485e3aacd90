//! Pausing, stepping and skipping through the control service, on paused time.

use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::mapping::progress::What;

use super::{refused, told};
use crate::lab::{Lab, Story};

const QUIET: &str = "exports.handler = async () => {};";
/// Fails on the item "poison".
const TOUCHY: &str = r#"exports.handler = async (event) => {
    if (event.Records.some((it) => it.dynamodb.Keys.id.S === "poison")) throw new Error("ouch");
};"#;

/// A table with records, a trigger with batches of one, and its UUID.
async fn world(code: &str) -> (Lab, String) {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", code).await;
    let uuid = lab.trigger(&stream, "bill", |it| it.batch_size(1)).await;
    lab.sleep(1).await;
    (lab, uuid)
}

async fn poller(lab: &Lab, uuid: &str) -> Value {
    told(lab, "GetPoller", json!({ "UUID": uuid })).await
}

async fn step(lab: &Lab, uuid: &str, by: &str) {
    told(lab, "StepPoller", json!({ "UUID": uuid, "By": by })).await;
    lab.sleep(1).await;
}

fn delivered(lab: &Lab) -> Vec<String> {
    Story::of(lab).deliveries().concat()
}

#[tokio::test(start_paused = true)]
async fn a_paused_poller_neither_reads_nor_calls_until_it_is_resumed() {
    let (lab, uuid) = world(QUIET).await;
    let paused = told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    assert_eq!(paused["Paused"], true);
    assert_eq!(paused["Shards"][0]["Paused"], true);
    assert_eq!(paused["Shards"][0]["Next"], "waits: paused");
    let calls = lab.host.engine().calls_answered();
    lab.put("orders", ["a", "b"]).await;
    lab.sleep(100).await;
    assert_eq!(delivered(&lab).len(), 0);
    // The two writes, and a look for new shards once a minute.
    let asked = lab.host.engine().calls_answered().1 - calls.1;
    assert!(asked <= 4, "{asked} calls while it was paused");
    // Lambda's own API does not tell.
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(trigger.state(), Some("Enabled"));
    assert_eq!(
        told(&lab, "GetEngine", json!({})).await["PausedPollers"],
        json!([uuid])
    );

    let resumed = told(&lab, "ResumePoller", json!({ "UUID": uuid })).await;
    assert_eq!(resumed["Paused"], false);
    lab.sleep(1).await;
    assert_eq!(delivered(&lab), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn steps_let_one_poll_or_one_batch_through() {
    let (lab, uuid) = world(QUIET).await;
    told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    lab.put("orders", ["a", "b"]).await;
    let early = refused(&lab, "StepPoller", json!({ "UUID": uuid, "By": "BATCH" })).await;
    assert_eq!(early.code, "ValidationException");
    assert!(early.message.contains("step by a poll first"), "{early}");
    step(&lab, &uuid, "POLL").await;
    let now = poller(&lab, &uuid).await;
    let lane = &now["Shards"][0]["Lanes"][0];
    assert_eq!(
        (lane["Queued"].clone(), delivered(&lab).len()),
        (json!(2), 0)
    );
    let queued = lane["QueuedRecords"].as_array().unwrap();
    let keys: Vec<&Value> = queued.iter().map(|it| &it["Key"]).collect();
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(queued[0]["SequenceNumber"], lane["FirstQueued"]);
    assert_eq!(queued[1]["SequenceNumber"], lane["LastQueued"]);
    assert_eq!(queued[0]["EventName"], "INSERT");
    assert!(queued[0]["Created"].is_number(), "{now}");
    step(&lab, &uuid, "BATCH").await;
    assert_eq!(delivered(&lab), ["a"]);
    step(&lab, &uuid, "BATCH").await;
    assert_eq!(delivered(&lab), ["a", "b"]);
    let now = poller(&lab, &uuid).await;
    let shard = &now["Shards"][0];
    assert_eq!(shard["Checkpoint"], shard["Position"]);
    assert_eq!(shard["Checkpoint"]["Type"], "AFTER_SEQUENCE_NUMBER");
}

#[tokio::test(start_paused = true)]
async fn no_step_is_lost_however_fast_they_come() {
    let (lab, uuid) = world(QUIET).await;
    told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    lab.put("orders", ["a", "b", "c"]).await;
    step(&lab, &uuid, "POLL").await;
    for done in 1..=3 {
        loop {
            let by = json!({ "UUID": uuid, "By": "BATCH" });
            let asked = waterwheel::engine::control::ask(lab.host.engine(), "StepPoller", &by);
            match asked.await {
                Ok(_) => break,
                Err(refused) => assert!(refused.message.contains("under way"), "{refused}"),
            }
            tokio::task::yield_now().await;
        }
        assert!(delivered(&lab).len() <= done);
    }
    lab.sleep(1).await;
    assert_eq!(delivered(&lab), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_is_skipped_and_the_shard_goes_on() {
    let (lab, uuid) = world(TOUCHY).await;
    lab.put("orders", ["poison", "fine"]).await;
    lab.sleep(5).await;
    let now = poller(&lab, &uuid).await;
    let shard = &now["Shards"][0];
    let batch = &shard["Lanes"][0]["Batches"][0];
    assert!(batch["Attempts"].as_u64() > Some(1), "{now}");
    assert_eq!(batch["Trouble"], "function error: Error: ouch");
    assert!(shard["NextAt"].is_number(), "{now}");
    let skip = json!({
        "UUID": uuid,
        "ShardId": shard["ShardId"],
        "SequenceNumber": batch["FirstSequenceNumber"],
    });
    assert_eq!(
        told(&lab, "SkipRecord", skip.clone()).await["Skipped"],
        "NOW"
    );
    lab.sleep(1).await;
    assert_eq!(delivered(&lab).last().unwrap(), "fine");
    let all = Story::of(&lab).all().into_iter();
    let skipped: Vec<_> = all
        .filter_map(|it| match it.what {
            What::RecordSkipped { record, .. } => Some(record.key.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(skipped, ["poison"]);
    let again = refused(&lab, "SkipRecord", skip).await;
    assert_eq!(again.code, "ResourceNotFoundException");
    assert!(again.message.contains("does not wait any more"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_new_settings_a_new_poller_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(waterwheel::clock::from_epoch_millis(1_767_225_600_000));
    let lab = Lab::open(clock.clone(), Some(folder.path()));
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    for name in ["bill", "mail"] {
        lab.function(name, QUIET).await;
    }
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    for function in ["bill", "mail"] {
        // The first changes settings of a running poller, the second needs another one.
        let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
        let update = update.batch_size(7).function_name(function);
        update.send().await.unwrap();
        lab.settle(&uuid, "Enabled").await;
        lab.put("orders", [function]).await;
        lab.sleep(5).await;
        let now = poller(&lab, &uuid).await;
        assert_eq!(now["Shards"][0]["Paused"], true, "{now}");
    }
    assert_eq!(delivered(&lab).len(), 0);
    lab.close().await;

    let lab = Lab::open(clock, Some(folder.path()));
    lab.sleep(5).await;
    assert_eq!(poller(&lab, &uuid).await["Paused"], true);
    assert_eq!(delivered(&lab).len(), 0);
    told(&lab, "ResumePoller", json!({ "UUID": uuid })).await;
    lab.sleep(1).await;
    assert_eq!(delivered(&lab), ["bill", "mail"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_held_says_what_to_do() {
    let (lab, uuid) = world(QUIET).await;
    for operation in ["GetPoller", "PausePoller", "ResumePoller"] {
        let unknown = refused(&lab, operation, json!({ "UUID": "none" })).await;
        assert_eq!(unknown.code, "ResourceNotFoundException");
        assert!(unknown.message.contains("ListEventSourceMappings"));
        let missing = refused(&lab, operation, json!({})).await;
        assert!(
            missing.message.contains("missing field `UUID`"),
            "{missing}"
        );
    }
    let by = |by: &str| json!({ "UUID": uuid, "By": by });
    let unpaused = refused(&lab, "StepPoller", by("POLL")).await;
    assert!(unpaused.message.contains("pause it first"), "{unpaused}");
    let misspelt = refused(&lab, "StepPoller", by("RECORD")).await;
    assert!(misspelt.message.contains("`POLL` or `BATCH`"), "{misspelt}");
    let elsewhere = json!({ "UUID": uuid, "By": "POLL", "ShardId": "shardId-1" });
    let elsewhere = refused(&lab, "StepPoller", elsewhere).await;
    assert_eq!(elsewhere.code, "ResourceNotFoundException");

    let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
    update.enabled(false).send().await.unwrap();
    lab.settle(&uuid, "Disabled").await;
    let disabled = refused(&lab, "StepPoller", by("POLL")).await;
    assert!(disabled.message.contains("it is disabled"), "{disabled}");
    let now = poller(&lab, &uuid).await;
    assert_eq!(
        (&now["Polling"], &now["State"]),
        (&json!(false), &json!("Disabled"))
    );
}

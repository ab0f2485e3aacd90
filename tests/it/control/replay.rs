//! Delivering records once more through the control service, on paused time.

use serde_json::{Value, json};
use waterwheel::mapping::progress::What;

use super::{refused, told};
use crate::lab::{Lab, Story, ids};

/// Fails on the item "poison", and says how many records it was given.
const TOUCHY: &str = r#"exports.handler = async (event) => {
    console.log("got " + event.Records.length);
    if (event.Records.some((it) => it.dynamodb.Keys.id.S === "poison")) throw new Error("ouch");
    return { fine: true };
};"#;

/// A trigger that is blocked by a batch of these records, its UUID and its shard.
async fn blocked(items: &[&str]) -> (Lab, String, String) {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", TOUCHY).await;
    let uuid = lab
        .trigger(&stream, "bill", |it| {
            it.maximum_batching_window_in_seconds(1)
        })
        .await;
    lab.put("orders", items.iter().copied()).await;
    lab.sleep(3).await;
    let poller = told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    let shard = poller["Shards"][0]["ShardId"].as_str().unwrap().to_owned();
    (lab, uuid, shard)
}

/// What was told of replays: batch, items, whether it was edited.
fn replays(lab: &Lab) -> Vec<(Option<u64>, Vec<String>, bool)> {
    let all = Story::of(lab).all().into_iter();
    all.filter_map(|it| match it.what {
        What::Replayed {
            batch,
            records,
            is_edited,
            ..
        } => Some((batch.map(|it| it.0), ids(&records), is_edited)),
        _ => None,
    })
    .collect()
}

fn owned(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_replayed_against_the_code_of_now_and_nothing_moves() {
    let (lab, uuid, shard) = blocked(&["a", "poison", "b"]).await;
    let before = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    let batch = json!({ "UUID": uuid, "ShardId": shard, "Batch": 1 });
    let failed = told(&lab, "ReplayBatch", batch.clone()).await;
    assert_eq!(failed["Outcome"], "FAILED", "{failed}");
    assert_eq!(failed["Reason"], "function error: Error: ouch");
    assert_eq!(failed["FunctionError"], "Unhandled");
    assert!(failed["LogTail"].as_str().unwrap().contains("got 3"));
    lab.recode("bill", "exports.handler = async () => 7;").await;
    let done = told(&lab, "ReplayBatch", batch).await;
    assert_eq!(done["Outcome"], "SUCCEEDED");
    assert_eq!(done["Payload"], "7");
    assert_eq!(done["Reason"], "3 records would be done");
    let after = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    assert_eq!(after["Shards"], before["Shards"]);
    let all = (Some(1), owned(&["a", "poison", "b"]), false);
    assert_eq!(replays(&lab), [all.clone(), all]);
}

#[tokio::test(start_paused = true)]
async fn halves_and_single_records_are_replayed() {
    let (lab, uuid, shard) = blocked(&["a", "poison", "b"]).await;
    let half = |half: &str| json!({ "UUID": uuid, "ShardId": shard, "Batch": 1, "Half": half });
    let first = told(&lab, "ReplayBatch", half("FIRST")).await;
    let second = told(&lab, "ReplayBatch", half("SECOND")).await;
    assert_eq!(
        (&first["Outcome"], &second["Outcome"]),
        (&json!("FAILED"), &json!("SUCCEEDED"))
    );
    let one = first["SequenceNumbers"][0].clone();
    let one = json!({ "UUID": uuid, "ShardId": shard, "SequenceNumbers": [one] });
    let one = told(&lab, "ReplayBatch", one).await;
    assert_eq!(one["Outcome"], "SUCCEEDED");
    assert_eq!(
        replays(&lab),
        [
            (Some(1), owned(&["a", "poison"]), false),
            (Some(1), owned(&["b"]), false),
            (None, owned(&["a"]), false)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_story_knows_no_more_is_read_again() {
    let (lab, uuid, shard) = blocked(&["a", "poison", "b"]).await;
    let batch = json!({ "UUID": uuid, "ShardId": shard, "Batch": 1, "DryRun": true });
    let told_before = told(&lab, "ReplayBatch", batch.clone()).await;
    lab.sleep(1).await;
    // Written while it is paused: no poller has read it.
    lab.put("orders", ["new"]).await;
    told(&lab, "StepPoller", json!({ "UUID": uuid, "By": "POLL" })).await;
    lab.sleep(1).await;
    let poller = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    let new = &poller["Shards"][0]["Lanes"][0]["LastQueued"];
    let numbers = json!([new, told_before["SequenceNumbers"][0]]);
    let asked = json!({ "UUID": uuid, "ShardId": shard, "SequenceNumbers": numbers });
    let answer = told(&lab, "ReplayBatch", asked).await;
    assert_eq!(answer["Outcome"], "SUCCEEDED");
    assert_eq!(replays(&lab), [(None, owned(&["a", "new"]), false)]);

    let gone = json!({ "UUID": uuid, "ShardId": shard, "SequenceNumbers": ["9".repeat(21)] });
    let gone = refused(&lab, "ReplayBatch", gone).await;
    assert_eq!(gone.code, "ResourceNotFoundException");
    assert!(gone.message.contains("24 hours"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_edited_and_replayed() {
    let (lab, uuid, shard) = blocked(&["a", "poison"]).await;
    let batch = |more: Value| {
        let mut batch = json!({ "UUID": uuid, "ShardId": shard, "Batch": 1 });
        let members = more.as_object().unwrap().clone();
        batch.as_object_mut().unwrap().extend(members);
        batch
    };
    let shown = told(&lab, "ReplayBatch", batch(json!({ "DryRun": true }))).await;
    assert!(replays(&lab).is_empty());
    let mut event: Value = serde_json::from_str(shown["Event"].as_str().unwrap()).unwrap();
    event["Records"][1]["dynamodb"]["Keys"]["id"]["S"] = json!("cured");
    let answer = told(&lab, "ReplayBatch", batch(json!({ "Event": event }))).await;
    assert_eq!(
        (&answer["Outcome"], &answer["Edited"]),
        (&json!("SUCCEEDED"), &json!(true))
    );
    assert_eq!(replays(&lab), [(Some(1), owned(&["a", "cured"]), true)]);
    let alone = json!({ "UUID": uuid, "ShardId": shard, "Event": { "Records": [] } });
    assert_eq!(
        told(&lab, "ReplayBatch", alone).await["Outcome"],
        "SUCCEEDED"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_replayed_says_what_to_do() {
    let (lab, uuid, shard) = blocked(&["poison"]).await;
    for (more, code, words) in [
        (json!({}), "ValidationException", "name a Batch"),
        (
            json!({ "Batch": 99 }),
            "ResourceNotFoundException",
            "by SequenceNumbers",
        ),
        (
            json!({ "Batch": 1, "Half": "SECOND" }),
            "ValidationException",
            "leave Half out",
        ),
        (
            json!({ "SequenceNumbers": ["x"] }),
            "ValidationException",
            "21 to 40 digits",
        ),
        (
            json!({ "Batches": 1 }),
            "ValidationException",
            "unknown field",
        ),
    ] {
        let mut asked = json!({ "UUID": uuid, "ShardId": shard });
        let members = more.as_object().unwrap().clone();
        asked.as_object_mut().unwrap().extend(members);
        let refused = refused(&lab, "ReplayBatch", asked).await;
        assert_eq!(refused.code, code, "{refused}");
        assert!(refused.message.contains(words), "{refused}");
    }
    lab.lambda
        .delete_function()
        .function_name("bill")
        .send()
        .await
        .unwrap();
    let asked = json!({ "UUID": uuid, "ShardId": shard, "Batch": 1 });
    let gone = refused(&lab, "ReplayBatch", asked).await;
    assert!(gone.message.contains("There is no function"), "{gone}");
}

//! Settings tried on the recorded stretch of a trigger, on paused time.

use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::engine::control::ask;
use waterwheel::engine::streams::{PastLimits, Range, past};

use super::{refused, told, with};
use crate::lab::{Lab, Story};

/// Takes 100 ms and 20 ms for every record, and throws where a record with id `bad` is in the batch.
const SLOW: &str = r"exports.handler = async (event) => {
    await new Promise((done) => setTimeout(done, 100 + 20 * event.Records.length));
    if (event.Records.some((record) => record.dynamodb.Keys.id.S === 'bad')) throw new Error('boom');
};";

/// A trigger that has done everything: ten records and a bad one, given up after two attempts and three halvings.
async fn recorded() -> (Lab, String) {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", SLOW).await;
    lab.put("orders", ["1", "2", "3", "4", "5", "6", "bad", "8"])
        .await;
    let uuid = lab
        .trigger(&stream, "bill", |it| {
            it.batch_size(8)
                .bisect_batch_on_function_error(true)
                .maximum_retry_attempts(1)
        })
        .await;
    for id in ["9", "10", "11"] {
        lab.sleep(7).await;
        lab.put("orders", [id]).await;
    }
    lab.sleep(30).await;
    (lab, uuid)
}

/// The record with this id: its shard and its sequence number.
fn record(lab: &Lab, id: &str) -> (String, String) {
    let story = Story::of(lab).all();
    let found = story.iter().find_map(|progress| {
        let waterwheel::mapping::progress::What::Invoking { records, .. } = &progress.what else {
            return None;
        };
        let record = records.iter().find(|it| &*it.key == id)?;
        Some((
            progress.shard.to_string(),
            record.sequence_number.to_string(),
        ))
    });
    found.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_trigger_is_simulated_as_it_was() {
    let (lab, uuid) = recorded().await;
    let before = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    let story = Story::of(&lab).all().len();
    let answer = told(&lab, "SimulateMapping", json!({ "UUID": uuid })).await;
    assert_eq!(answer["Stretch"]["Records"], 11, "{answer:#}");
    assert_eq!(answer["Stretch"]["Shards"], 1);
    assert_eq!(answer["Remarks"], json!([]));
    let function = &answer["Function"];
    assert_eq!(function["Durations"], "MEASURED");
    assert_eq!(function["FailingRecords"], 1);
    assert_eq!(function["Timeout"], 60);
    let total = &answer["Now"]["Report"]["Total"];
    assert_eq!(total["Processed"], 10);
    assert_eq!(total["DiscardedByAttempts"], 1);
    assert_eq!(total["Invocations"], Story::of(&lab).deliveries().len());
    assert_eq!(answer["Now"]["Configuration"]["BatchSize"], 8);
    assert_eq!(answer.get("Proposed"), None);
    // Nothing moved, nobody was told.
    let after = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    for member in ["Position", "Checkpoint", "Lanes"] {
        assert_eq!(after["Shards"][0][member], before["Shards"][0][member]);
    }
    assert_eq!(Story::of(&lab).all().len(), story);
}

#[tokio::test(start_paused = true)]
async fn settings_are_tried_and_compared() {
    let (lab, uuid) = recorded().await;
    let asked = with(
        &uuid,
        json!({
            "Proposed": { "BatchSize": 1, "BisectBatchOnFunctionError": false },
            "Function": { "DurationInMilliseconds": 200, "DurationPerRecordInMilliseconds": 20 },
            "Seed": 7,
        }),
    );
    let answer = told(&lab, "SimulateMapping", asked.clone()).await;
    assert_eq!(answer["Function"]["Durations"], "GIVEN");
    let proposed = &answer["Proposed"];
    assert_eq!(proposed["Configuration"]["BatchSize"], 1);
    // What is not named is the mapping's own.
    assert_eq!(proposed["Configuration"]["MaximumRetryAttempts"], 1);
    assert_eq!(proposed["Report"]["Total"]["Invocations"], 12);
    assert_eq!(proposed["Report"]["BatchSizes"][0]["UpTo"], 1);
    let rows = answer["Comparison"].as_array().unwrap();
    let again = rows
        .iter()
        .find(|it| it["Name"] == "Records delivered more than once")
        .unwrap();
    assert_eq!(
        (&again["Proposed"], &again["Verdict"]),
        (&json!(1.0), &json!("Proposed"))
    );
    assert_eq!(told(&lab, "SimulateMapping", asked).await, answer);
    let now = lab.trigger_now(&uuid).await;
    assert_eq!(now.batch_size(), Some(8));
}

#[tokio::test(start_paused = true)]
async fn failures_are_chosen() {
    let (lab, uuid) = recorded().await;
    let (_, number) = record(&lab, "5");
    for (failures, processed, failed) in [
        (json!([]), 11, 0),
        (json!([{ "Share": 1.0 }]), 0, 0),
        (json!([{ "EveryNth": 1 }]), 0, 0),
        (json!([{ "SequenceNumbers": [number] }]), 10, 1),
        (
            json!([{ "SequenceNumbers": [number], "Deliveries": 1 }]),
            11,
            1,
        ),
        (
            json!([{ "AsRecorded": true }, { "SequenceNumbers": [number] }]),
            9,
            2,
        ),
        (
            json!([{ "Pattern": r#"{"dynamodb":{"Keys":{"id":{"S":["1","2"]}}}}"# }]),
            9,
            0,
        ),
    ] {
        let asked = with(&uuid, json!({ "Function": { "Failures": failures } }));
        let answer = told(&lab, "SimulateMapping", asked).await;
        let total = &answer["Now"]["Report"]["Total"];
        assert_eq!(total["Processed"], processed, "{failures}");
        assert_eq!(answer["Function"]["FailingRecords"], failed, "{failures}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stretch_is_chosen_by_time_and_by_number() {
    let (lab, uuid) = recorded().await;
    let (shard, first) = record(&lab, "8");
    let (_, last) = record(&lab, "10");
    let all = told(&lab, "SimulateMapping", json!({ "UUID": uuid })).await;
    let end = all["Stretch"]["Last"].as_f64().unwrap();
    for (stretch, records) in [
        (json!({ "ShardId": shard }), 11),
        (json!({ "ShardId": shard, "FirstSequenceNumber": first }), 4),
        (
            json!({ "ShardId": shard, "FirstSequenceNumber": first, "LastSequenceNumber": last }),
            3,
        ),
        (json!({ "Since": end }), 1),
        (json!({ "Until": end - 1.0 }), 10),
        (json!({ "Since": end - 8.0, "Until": end - 1.0 }), 1),
    ] {
        let asked = with(&uuid, json!({ "Stretch": stretch }));
        let answer = told(&lab, "SimulateMapping", asked).await;
        assert_eq!(answer["Stretch"]["Records"], records, "{stretch}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_while_a_shard_was_split_is_played_in_its_shards() {
    let (lab, uuid) = recorded().await;
    let stream = lab.trigger_now(&uuid).await.event_source_arn.unwrap();
    let (shard, _) = record(&lab, "1");
    let split = json!({ "StreamArn": stream, "ShardId": shard });
    told(&lab, "SplitShard", split).await;
    let ids: Vec<String> = (0..20).map(|it| format!("later {it}")).collect();
    lab.put("orders", ids.iter().map(String::as_str)).await;
    lab.sleep(10).await;
    let answer = told(&lab, "SimulateMapping", json!({ "UUID": uuid })).await;
    assert_eq!(answer["Stretch"]["Shards"], 3);
    let total = &answer["Now"]["Report"]["Total"];
    assert_eq!(
        (&total["Records"], &total["Processed"]),
        (&json!(31), &json!(30))
    );
}

/// Each is refused with this code and these words.
async fn check_refusals(rows: impl IntoIterator<Item = (Value, &str, &str)>) {
    let (lab, uuid) = recorded().await;
    for (more, code, words) in rows {
        let refused = refused(&lab, "SimulateMapping", with(&uuid, more)).await;
        assert_eq!(refused.code, code, "{refused}");
        assert!(refused.message.contains(words), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_are_refused_as_an_update_would_refuse_them() {
    check_refusals([
        (
            json!({ "Proposed": { "BatchSize": 0 } }),
            "ValidationException",
            "Proposed: 1 validation error detected: Value '0' at 'batchSize'",
        ),
        (
            json!({ "Now": { "BatchSzie": 1 } }),
            "ValidationException",
            "Now: BatchSzie is no setting that can be tried; those are BatchSize,",
        ),
        (
            json!({ "Proposed": { "TumblingWindowInSeconds": 5, "ParallelizationFactor": 2 } }),
            "InvalidParameterValueException",
            "ParallelizationFactor must be 1",
        ),
        (
            json!({ "Proposed": { "ScalingConfig": { "MaximumConcurrency": 2 } } }),
            "InvalidParameterValueException",
            "Unsupported ScalingConfig parameter",
        ),
        (
            json!({ "Proposed": { "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:s3:::b" } } } }),
            "InvalidParameterValueException",
            "does not have permissions to call PutObject",
        ),
        (
            json!({ "Now": [] }),
            "ValidationException",
            "Now: give the members of UpdateEventSourceMapping",
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_function_that_makes_no_sense_is_refused() {
    check_refusals([
        (
            json!({ "Function": { "Failures": [{ "Share": 2 }] } }),
            "ValidationException",
            "Function.Failures[0].Share: a share is between 0 and 1",
        ),
        (
            json!({ "Function": { "Failures": [{}] } }),
            "ValidationException",
            "Function.Failures[0]: give exactly one of EveryNth",
        ),
        (
            json!({ "Function": { "Failures": [{ "SequenceNumbers": ["9"] }] } }),
            "ValidationException",
            "those have 21 digits",
        ),
        (
            json!({ "Function": { "Samples": [] } }),
            "ValidationException",
            "Function.Samples: give 1 to 10000",
        ),
        (
            json!({ "Function": { "DurationInMilliseconds": -1 } }),
            "ValidationException",
            "a call takes 0 to 900000 milliseconds",
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stretch_that_makes_no_sense_is_refused() {
    check_refusals([
        (
            json!({ "Stretch": { "FirstSequenceNumber": "1" } }),
            "ValidationException",
            "name it by ShardId",
        ),
        (
            json!({ "Stretch": { "ShardId": "shardId-1" } }),
            "ResourceNotFoundException",
            "Shard: shardId-1",
        ),
        (
            json!({ "Stretch": { "Until": 1 } }),
            "ValidationException",
            "There is no record in this stretch",
        ),
        (
            json!({ "StartsAt": 9e9 }),
            "ValidationException",
            "nothing is left to read",
        ),
        (
            json!({ "Poll": "often" }),
            "ValidationException",
            "neither as-written nor 4/s",
        ),
        (
            json!({ "UUID": "none" }),
            "ResourceNotFoundException",
            "There is no event source mapping none",
        ),
        (
            json!({ "Stretches": {} }),
            "ValidationException",
            "unknown field",
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_never_called_needs_a_duration() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", SLOW).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    told(&lab, "PausePoller", json!({ "UUID": uuid })).await;
    lab.put("orders", ["1"]).await;
    let refused = refused(&lab, "SimulateMapping", json!({ "UUID": uuid })).await;
    assert!(
        refused.message.contains("say how long a call takes"),
        "{refused}"
    );
    let asked = json!({ "UUID": uuid, "Function": { "DurationInMilliseconds": 5 } });
    let answer = told(&lab, "SimulateMapping", asked).await;
    assert_eq!(answer["Now"]["Report"]["Total"]["Processed"], 1);
    assert_eq!(
        answer["Remarks"][0],
        "The story has no call of this trigger: no record fails"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stretch_that_is_too_long_says_where_to_begin() {
    let (lab, uuid) = recorded().await;
    let stream = lab.trigger_now(&uuid).await.event_source_arn.unwrap();
    let read = |range: &Range, records, bytes| {
        let limits = PastLimits { records, bytes };
        past(lab.host.engine(), &stream, range, limits, &|| false)
    };
    let fault = read(&Range::default(), 2, 1 << 20).unwrap_err();
    assert_eq!(fault.code, "LimitExceededException");
    let since = fault.message.split("Since ").nth(1).unwrap();
    let since = since.split(' ').next().unwrap().parse().unwrap();
    let range = Range {
        since: Some(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(since)),
        ..Range::default()
    };
    assert_eq!(read(&range, 2, 1 << 20).unwrap().len(), 2);
    let fault = read(&range, 2, 300).unwrap_err();
    assert!(fault.message.contains("choose a shorter one"), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn who_no_longer_waits_leaves_the_next_one_a_place() {
    let (lab, uuid) = recorded().await;
    let asked = json!({ "UUID": uuid });
    for _ in 0..3 {
        let answer = ask(lab.host.engine(), "SimulateMapping", &asked);
        let at_once = tokio::time::timeout(Duration::ZERO, answer).await;
        drop(at_once);
    }
    told(&lab, "SimulateMapping", asked).await;
}

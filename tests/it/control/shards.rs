//! Shards that are rolled over, split and trimmed through the control service.

use std::time::Duration;

use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use serde_json::json;
use waterwheel::clock::{Clock, epoch_secs, from_epoch_millis};
use waterwheel::engine::store::Shelf;
use waterwheel::mapping::progress::What;

use super::{refused, told};
use crate::lab::{Lab, Story};

const NOTHING: &str = "exports.handler = async () => {};";

async fn shards(lab: &Lab, stream: &str) -> Vec<String> {
    let described = lab.streams.describe_stream().stream_arn(stream);
    let described = described.send().await.unwrap().stream_description.unwrap();
    let ids = described.shards().iter();
    ids.map(|it| it.shard_id().unwrap().to_owned()).collect()
}

/// Sequence numbers of what can be read of a shard.
async fn numbers(lab: &Lab, stream: &str, shard: &str) -> Vec<String> {
    let get = lab.streams.get_shard_iterator().stream_arn(stream);
    let get = get.shard_id(shard);
    let got = get.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = got.send().await.unwrap().shard_iterator.unwrap();
    let read = lab.streams.get_records().shard_iterator(iterator);
    let read = read.send().await.unwrap();
    let numbers = read.records().iter().map(|it| {
        let number = it.dynamodb.as_ref().unwrap().sequence_number();
        number.unwrap().to_owned()
    });
    numbers.collect()
}

#[tokio::test(start_paused = true)]
async fn a_shard_goes_on_in_one_child_or_in_two() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let first = shards(&lab, &stream).await.remove(0);
    let asked = |shard: &str| json!({"StreamArn": stream, "ShardId": shard});
    let rolled = told(&lab, "RollShard", asked(&first)).await;
    let child = rolled["ChildShardIds"][0].as_str().unwrap().to_owned();
    let split = told(&lab, "SplitShard", asked(&child)).await;
    assert_eq!(split["ChildShardIds"].as_array().unwrap().len(), 2);
    assert_eq!(shards(&lab, &stream).await.len(), 4);
    let again = refused(&lab, "RollShard", asked(&first)).await;
    assert!(again.message.contains("is not an open shard"), "{again}");
    let unknown = json!({"StreamArn": "arn:aws:dynamodb:x", "ShardId": first});
    let unknown = refused(&lab, "SplitShard", unknown).await;
    assert_eq!(unknown.code, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_what_is_kept_of_each_shard() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let asked = json!({"StreamArn": stream});
    let shards = async || told(&lab, "GetStream", asked.clone()).await["Shards"].clone();
    lab.put("orders", ["a", "b", "c"]).await;
    let first = shards().await[0].clone();
    assert_eq!(
        (&first["State"], &first["KeyShare"]),
        (&json!("OPEN"), &json!(1.0))
    );
    assert_eq!(
        (&first["Records"], &first["TrimmedRecords"]),
        (&json!(3), &json!(0))
    );
    let id = first["ShardId"].as_str().unwrap();
    lab.sleep(5).await;
    told(
        &lab,
        "SplitShard",
        json!({"StreamArn": stream, "ShardId": id}),
    )
    .await;
    let last = first["LastSequenceNumber"].as_str().unwrap();
    told(
        &lab,
        "TrimStream",
        json!({"StreamArn": stream, "ShardId": id, "SequenceNumber": last}),
    )
    .await;
    let now = shards().await;
    assert_eq!(now[0]["State"], "CLOSED");
    assert_eq!(now[0]["Closed"], now[1]["Opened"]);
    assert_eq!(
        (&now[0]["Records"], &now[0]["TrimmedRecords"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(now[0].get("LastSequenceNumber"), None);
    for child in [&now[1], &now[2]] {
        assert_eq!(child["ParentShardId"], first["ShardId"]);
        assert_eq!(child["KeyShare"], 0.5);
    }
    // As old as that, nothing can be read.
    lab.put("orders", ["d"]).await;
    lab.sleep(24 * 3600).await;
    let now = shards().await;
    let kept: u64 = now
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["Records"].as_u64().unwrap())
        .sum();
    assert_eq!(kept, 0);
    let unknown = refused(&lab, "GetStream", json!({"StreamArn": "arn"})).await;
    assert_eq!(unknown.code, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn what_is_trimmed_cannot_be_read_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let clock = || Clock::at(from_epoch_millis(1_767_225_600_000));
    let lab = Lab::open(clock(), Some(folder.path()));
    let stream = lab.table("orders").await;
    let shard = shards(&lab, &stream).await.remove(0);
    lab.put("orders", ["a", "b"]).await;
    lab.sleep(10).await;
    let between = epoch_secs(lab.now());
    lab.sleep(10).await;
    lab.put("orders", ["c", "d", "e"]).await;
    let all = numbers(&lab, &stream, &shard).await;
    assert_eq!(all.len(), 5);

    told(
        &lab,
        "TrimStream",
        json!({"StreamArn": stream, "Before": between}),
    )
    .await;
    assert_eq!(numbers(&lab, &stream, &shard).await, all[2..]);
    let third = json!({"StreamArn": stream, "ShardId": shard, "SequenceNumber": all[2]});
    told(&lab, "TrimStream", third).await;
    assert_eq!(numbers(&lab, &stream, &shard).await, all[3..]);
    let get = lab.streams.get_shard_iterator().stream_arn(&stream);
    let get = get.shard_id(&shard).sequence_number(&all[1]);
    let get = get.shard_iterator_type(ShardIteratorType::AtSequenceNumber);
    let gone = get.send().await.unwrap_err();
    assert_eq!(gone.code(), Some("TrimmedDataAccessException"));
    // Records nobody can read leave the folder.
    lab.clock.wait(Duration::from_secs(5)).await;
    let kept = |lab: &Lab| {
        let store = lab.host.engine().store();
        store.list(Shelf::Records, &[], 10).unwrap().len()
    };
    assert_eq!(kept(&lab), 2);

    told(&lab, "TrimStream", json!({"StreamArn": stream})).await;
    assert!(numbers(&lab, &stream, &shard).await.is_empty());
    lab.close().await;
    let lab = Lab::open(clock(), Some(folder.path()));
    assert!(numbers(&lab, &stream, &shard).await.is_empty());
    lab.put("orders", ["f"]).await;
    assert_eq!(numbers(&lab, &stream, &shard).await.len(), 1);
    lab.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_is_behind_is_told_of_what_was_trimmed() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("listen", NOTHING).await;
    let uuid = lab.trigger(&stream, "listen", |it| it).await;
    lab.put("orders", ["a"]).await;
    lab.sleep(2).await;
    told(&lab, "PausePoller", json!({"UUID": uuid})).await;
    lab.put("orders", ["b", "c"]).await;
    told(&lab, "TrimStream", json!({"StreamArn": stream})).await;
    lab.put("orders", ["d"]).await;
    told(&lab, "ResumePoller", json!({"UUID": uuid})).await;
    lab.sleep(10).await;
    let story = Story::of(&lab);
    assert_eq!(story.deliveries().concat(), ["a", "d"]);
    let trimmed = |it: &What| matches!(it, What::Trimmed { .. });
    assert!(story.all().iter().any(|it| trimmed(&it.what)));
}

#[tokio::test(start_paused = true)]
async fn a_trim_names_one_horizon() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let shard = shards(&lab, &stream).await.remove(0);
    for (input, words) in [
        (
            json!({"StreamArn": stream, "ShardId": shard}),
            "ShardId with SequenceNumber",
        ),
        (
            json!({"StreamArn": stream, "Before": 1, "SequenceNumber": "1"}),
            "or neither",
        ),
        (
            json!({"StreamArn": stream, "Before": -1}),
            "seconds since 1970",
        ),
        (
            json!({"StreamArn": stream, "ShardId": shard, "SequenceNumber": "1"}),
            "Invalid SequenceNumber",
        ),
        (
            json!({"StreamArn": stream, "ShardId": "x", "SequenceNumber": "1"}),
            "Shard: x in Stream",
        ),
        (json!({"StreamArn": "arn"}), "Stream: arn not found"),
        (json!({}), "missing field `StreamArn`"),
    ] {
        let refused = refused(&lab, "TrimStream", input.clone()).await;
        assert!(refused.message.contains(words), "{input}: {refused}");
    }
}

//! Streams of tables as SDKs see them, and in the JSON of the wire.

use std::time::Duration;

use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{Engine, EngineHost, Options};

use crate::tables::{call, make, refusal, world};

/// Every record that can be read of a stream, shard after shard.
pub(crate) async fn records(engine: &Engine, stream: &str) -> Vec<Value> {
    let described = call(engine, "DescribeStream", json!({"StreamArn": stream}))
        .await
        .unwrap();
    let mut records = Vec::new();
    for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
        let mut iterator = iterator(
            engine,
            stream,
            json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard["ShardId"]}),
        )
        .await;
        loop {
            let page = call(engine, "GetRecords", json!({"ShardIterator": iterator}))
                .await
                .unwrap();
            let found = page["Records"].as_array().unwrap();
            records.extend(found.clone());
            match page.get("NextShardIterator") {
                Some(next) if !found.is_empty() => iterator = next.clone(),
                _ => break,
            }
        }
    }
    records
}

pub(crate) async fn iterator(engine: &Engine, stream: &str, request: Value) -> Value {
    let mut request = request;
    request["StreamArn"] = json!(stream);
    let answer = call(engine, "GetShardIterator", request).await.unwrap();
    answer["ShardIterator"].clone()
}

pub(crate) async fn with_stream(engine: &Engine, name: &str, view_type: &str) -> (String, String) {
    let specification = json!({"StreamEnabled": true, "StreamViewType": view_type});
    make(
        engine,
        name,
        false,
        json!({"StreamSpecification": specification}),
    )
    .await;
    let stream = latest(engine, name).await;
    let described = call(engine, "DescribeStream", json!({"StreamArn": stream}))
        .await
        .unwrap();
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    (stream, shard.as_str().unwrap().to_owned())
}

pub(crate) async fn latest(engine: &Engine, table: &str) -> String {
    let table = call(engine, "DescribeTable", json!({"TableName": table}))
        .await
        .unwrap();
    table["Table"]["LatestStreamArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) async fn put(engine: &Engine, table: &str, id: &str, n: u32) {
    let item = json!({"pk": {"S": id}, "n": {"N": n.to_string()}});
    call(engine, "PutItem", json!({"TableName": table, "Item": item}))
        .await
        .unwrap();
}

async fn delete(engine: &Engine, table: &str, id: &str) {
    let request = json!({"TableName": table, "Key": {"pk": {"S": id}}});
    call(engine, "DeleteItem", request).await.unwrap();
}

#[tokio::test]
async fn every_change_makes_one_record_and_no_change_makes_none() {
    let host = world();
    let engine = host.engine();
    let (stream, _) = with_stream(engine, "table", "NEW_AND_OLD_IMAGES").await;
    put(engine, "table", "a", 1).await;
    put(engine, "table", "a", 1).await;
    put(engine, "table", "a", 2).await;
    let request =
        json!({"TableName": "table", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET n = n"});
    call(engine, "UpdateItem", request).await.unwrap();
    delete(engine, "table", "missing").await;
    delete(engine, "table", "a").await;
    let records = records(engine, &stream).await;
    let names: Vec<&str> = records
        .iter()
        .map(|it| it["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    assert_eq!(records[1]["dynamodb"]["OldImage"]["n"], json!({"N": "1"}));
    assert_eq!(records[1]["dynamodb"]["NewImage"]["n"], json!({"N": "2"}));
    assert_eq!(records[1]["dynamodb"]["Keys"], json!({"pk": {"S": "a"}}));
    assert_eq!(records[1]["eventID"].as_str().unwrap().len(), 32);
    assert!(
        records[1]["dynamodb"]["SequenceNumber"]
            .as_str()
            .unwrap()
            .len()
            >= 21
    );
    assert!(records[1]["dynamodb"]["ApproximateCreationDateTime"].is_u64());
    host.close().await;
}

#[tokio::test]
async fn images_follow_the_view_type() {
    let host = world();
    let engine = host.engine();
    for (view_type, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let (stream, _) = with_stream(engine, view_type, view_type).await;
        put(engine, view_type, "a", 1).await;
        put(engine, view_type, "a", 2).await;
        delete(engine, view_type, "a").await;
        let records = records(engine, &stream).await;
        let images = |at: usize| {
            let change = &records[at]["dynamodb"];
            assert_eq!(change["StreamViewType"], view_type);
            (
                change.get("NewImage").is_some(),
                change.get("OldImage").is_some(),
            )
        };
        assert_eq!(
            (images(0), images(1), images(2)),
            ((new, false), (new, old), (false, old))
        );
    }
    host.close().await;
}

#[tokio::test]
async fn the_sdk_reads_a_shard_from_every_kind_of_position() {
    let host = world();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    for n in 1..=3 {
        put(engine, "table", "a", n).await;
    }
    let client = aws_sdk_dynamodbstreams::Client::new(&engine.sdk_config(&Principal::Root));
    let second = records(engine, &stream).await[1]["dynamodb"]["SequenceNumber"]
        .as_str()
        .unwrap()
        .to_owned();
    for (kind, number, expected) in [
        (ShardIteratorType::TrimHorizon, None, 3),
        (ShardIteratorType::AtSequenceNumber, Some(&second), 2),
        (ShardIteratorType::AfterSequenceNumber, Some(&second), 1),
        (ShardIteratorType::Latest, None, 0),
    ] {
        let iterator = client
            .get_shard_iterator()
            .stream_arn(&stream)
            .shard_id(&shard)
            .shard_iterator_type(kind.clone())
            .set_sequence_number(number.cloned())
            .send()
            .await
            .unwrap();
        let page = client
            .get_records()
            .set_shard_iterator(iterator.shard_iterator)
            .send()
            .await
            .unwrap();
        assert_eq!(page.records().len(), expected, "{kind:?}");
        let next = client
            .get_records()
            .set_shard_iterator(page.next_shard_iterator)
            .send()
            .await
            .unwrap();
        assert!(next.records().is_empty());
    }
    let unknown = client
        .describe_stream()
        .stream_arn(format!("{stream}1"))
        .send()
        .await
        .unwrap_err();
    let unknown = unknown.into_service_error();
    let words = format!("Requested resource not found: Stream: {stream}1 not found");
    assert_eq!(unknown.meta().message(), Some(words.as_str()));
    host.close().await;
}

#[tokio::test]
async fn a_time_finds_the_first_record_at_or_after_it() {
    let host = world();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    put(engine, "table", "a", 1).await;
    Clock::real().sleep(Duration::from_millis(20)).await;
    let between = waterwheel::clock::epoch_secs(engine.clock().now());
    Clock::real().sleep(Duration::from_millis(20)).await;
    put(engine, "table", "a", 2).await;
    for (time, expected) in [(0.0, 2), (between, 1)] {
        let request =
            json!({"ShardIteratorType": "AT_TIMESTAMP", "ShardId": shard, "Timestamp": time});
        let iterator = iterator(engine, &stream, request).await;
        let page = call(engine, "GetRecords", json!({"ShardIterator": iterator}))
            .await
            .unwrap();
        assert_eq!(page["Records"].as_array().unwrap().len(), expected);
    }
    let future = json!({
        "StreamArn": stream, "ShardIteratorType": "AT_TIMESTAMP", "ShardId": shard, "Timestamp": between + 1000.0,
    });
    assert!(
        refusal(call(engine, "GetShardIterator", future).await).starts_with("ValidationException")
    );
    host.close().await;
}

#[tokio::test]
async fn a_page_of_records_ends_at_the_limit_at_a_thousand_or_at_a_megabyte() {
    let host = world();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    for round in 0..48 {
        let writes: Vec<Value> = (0..25)
            .map(|at| json!({"PutRequest": {"Item": {"pk": {"S": format!("{round}-{at}")}}}}))
            .collect();
        call(
            engine,
            "BatchWriteItem",
            json!({"RequestItems": {"table": writes}}),
        )
        .await
        .unwrap();
    }
    for at in 0..4 {
        let item = json!({"pk": {"S": format!("big {at}")}, "data": {"S": "x".repeat(300_000)}});
        call(
            engine,
            "PutItem",
            json!({"TableName": "table", "Item": item}),
        )
        .await
        .unwrap();
    }
    let request = json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard});
    let mut iterator = iterator(engine, &stream, request).await;
    for (limit, expected) in [
        (Some(7), 7),
        (None, 1000),
        (Some(193), 193),
        (None, 3),
        (None, 1),
        (None, 0),
    ] {
        let page = call(
            engine,
            "GetRecords",
            json!({"ShardIterator": iterator, "Limit": limit}),
        )
        .await
        .unwrap();
        assert_eq!(page["Records"].as_array().unwrap().len(), expected);
        iterator = page["NextShardIterator"].clone();
    }
    let too_many = call(
        engine,
        "GetRecords",
        json!({"ShardIterator": iterator, "Limit": 1001}),
    )
    .await;
    assert!(refusal(too_many).starts_with("LimitExceededException"));
    host.close().await;
}

#[tokio::test]
async fn switching_a_stream_off_closes_it_and_on_again_makes_a_new_one() {
    let host = world();
    let engine = host.engine();
    let (old, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    put(engine, "table", "a", 1).await;
    let enable = json!({"TableName": "table", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    let disable = json!({"TableName": "table", "StreamSpecification": {"StreamEnabled": false}});
    assert_eq!(
        refusal(call(engine, "UpdateTable", enable.clone()).await),
        "ValidationException: Table already has an enabled stream: TableName: table"
    );
    call(engine, "UpdateTable", disable.clone()).await.unwrap();
    assert_eq!(
        refusal(call(engine, "UpdateTable", disable).await),
        "ValidationException: Table has no stream to disable: TableName: table"
    );
    put(engine, "table", "b", 1).await;
    let described = call(engine, "DescribeStream", json!({"StreamArn": old}))
        .await
        .unwrap();
    let described = &described["StreamDescription"];
    assert_eq!(described["StreamStatus"], "DISABLED");
    let range = &described["Shards"][0]["SequenceNumberRange"];
    assert!(range["EndingSequenceNumber"].is_string());
    let request = json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard});
    let begin = iterator(engine, &old, request).await;
    let page = call(engine, "GetRecords", json!({"ShardIterator": begin}))
        .await
        .unwrap();
    assert_eq!(page["Records"].as_array().unwrap().len(), 1);
    assert!(page.get("NextShardIterator").is_none());
    call(engine, "UpdateTable", enable).await.unwrap();
    let new = latest(engine, "table").await;
    assert_ne!(new, old);
    let listed = call(engine, "ListStreams", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(listed["Streams"].as_array().unwrap().len(), 2);
    call(engine, "DeleteTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    let described = call(engine, "DescribeStream", json!({"StreamArn": new}))
        .await
        .unwrap();
    assert_eq!(described["StreamDescription"]["StreamStatus"], "DISABLED");
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn records_and_iterators_age_with_the_clock_of_the_engine() {
    let clock = Clock::at(waterwheel::clock::from_epoch_millis(1_800_000_000_000));
    let host = EngineHost::open(Options::temporary(clock.clone())).unwrap();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    put(engine, "table", "a", 1).await;
    let horizon = json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard});
    let early = iterator(engine, &stream, horizon.clone()).await;
    clock.sleep(Duration::from_secs(901)).await;
    assert!(
        refusal(call(engine, "GetRecords", json!({"ShardIterator": early})).await)
            .starts_with("ExpiredIteratorException")
    );
    clock.sleep(Duration::from_hours(12)).await;
    put(engine, "table", "a", 2).await;
    let both = records(engine, &stream).await;
    assert_eq!(both.len(), 2);
    clock.sleep(Duration::from_hours(12)).await;
    let late = records(engine, &stream).await;
    assert_eq!(late.len(), 1);
    assert_eq!(late[0], both[1]);
    let gone = json!({
        "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "SequenceNumber": both[0]["dynamodb"]["SequenceNumber"],
    });
    assert!(
        refusal(call(engine, "GetShardIterator", gone).await)
            .starts_with("TrimmedDataAccessException")
    );
    call(engine, "DeleteTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    clock.sleep(Duration::from_hours(24)).await;
    let listed = call(engine, "ListStreams", json!({})).await.unwrap();
    assert_eq!(listed["Streams"], json!([]));
    host.close().await;
}

#[tokio::test]
async fn streams_and_shards_are_listed_page_by_page() {
    let host = world();
    let engine = host.engine();
    let mut streams = Vec::new();
    for name in ["one", "two", "zoo"] {
        streams.push(with_stream(engine, name, "KEYS_ONLY").await);
    }
    let first = call(engine, "ListStreams", json!({"Limit": 2}))
        .await
        .unwrap();
    assert_eq!(first["Streams"].as_array().unwrap().len(), 2);
    assert_eq!(first["LastEvaluatedStreamArn"], streams[1].0.as_str());
    let more = json!({"ExclusiveStartStreamArn": first["LastEvaluatedStreamArn"]});
    let second = call(engine, "ListStreams", more).await.unwrap();
    assert_eq!(second["Streams"][0]["TableName"], "zoo");
    let (stream, shard) = &streams[0];
    for (more, expected) in [
        (json!({"ExclusiveStartShardId": shard}), 0),
        (
            json!({"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": shard}}),
            0,
        ),
        (json!({"Limit": 1}), 1),
    ] {
        let mut request = more;
        request["StreamArn"] = json!(stream);
        let described = call(engine, "DescribeStream", request).await.unwrap();
        let shards = described["StreamDescription"]["Shards"].as_array().unwrap();
        assert_eq!(shards.len(), expected);
    }
    host.close().await;
}

#[tokio::test]
async fn a_split_shard_goes_on_in_two_children_that_share_out_the_keys() {
    let host = world();
    let engine = host.engine();
    let (stream, parent) = with_stream(engine, "table", "NEW_IMAGE").await;
    for id in 0..20 {
        put(engine, "table", &id.to_string(), 1).await;
    }
    waterwheel::engine::streams::split_shard(engine, &stream, &parent).unwrap();
    for id in 0..20 {
        put(engine, "table", &id.to_string(), 2).await;
    }
    let filter = json!({"Type": "CHILD_SHARDS", "ShardId": parent});
    let request = json!({"StreamArn": stream, "ShardFilter": filter});
    let children = call(engine, "DescribeStream", request).await.unwrap();
    let children = &children["StreamDescription"]["Shards"];
    assert_eq!(children.as_array().unwrap().len(), 2);
    assert_eq!(children[0]["ParentShardId"], parent.as_str());
    let mut seen = Vec::new();
    for child in children.as_array().unwrap() {
        let request = json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": child["ShardId"]});
        let begin = iterator(engine, &stream, request).await;
        let page = call(engine, "GetRecords", json!({"ShardIterator": begin}))
            .await
            .unwrap();
        assert!(page["NextShardIterator"].is_string());
        let found = page["Records"].as_array().unwrap();
        assert!(!found.is_empty());
        seen.extend(
            found
                .iter()
                .map(|it| it["dynamodb"]["Keys"]["pk"].to_string()),
        );
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20);
    assert_eq!(records(engine, &stream).await.len(), 40);
    let again = waterwheel::engine::streams::roll_shard(engine, &stream, &parent);
    assert!(again.unwrap_err().message.contains("is not an open shard"));
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_rolled_shard_is_forgotten_after_a_day() {
    let clock = Clock::at(waterwheel::clock::from_epoch_millis(1_800_000_000_000));
    let host = EngineHost::open(Options::temporary(clock.clone())).unwrap();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "NEW_IMAGE").await;
    put(engine, "table", "a", 1).await;
    waterwheel::engine::streams::roll_shard(engine, &stream, &shard).unwrap();
    put(engine, "table", "a", 2).await;
    let shards = async || {
        let described = call(engine, "DescribeStream", json!({"StreamArn": stream}));
        let described = described.await.unwrap();
        described["StreamDescription"]["Shards"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(shards().await.len(), 2);
    clock.sleep(Duration::from_hours(24)).await;
    let left = shards().await;
    assert_eq!(
        (left.len(), left[0]["ParentShardId"].as_str()),
        (1, Some(shard.as_str()))
    );
    host.close().await;
}

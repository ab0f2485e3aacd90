//! Time to live: its statuses, its refusals, and items that go when their time is over.

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, TimeToLiveSpecification, TimeToLiveStatus, WriteRequest,
};
use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{EngineHost, Options};

use crate::tables::{call, dynamodb, make, put, refusal, s};

/// 2026-01-01T00:00:00Z
const START: u64 = 1_767_225_600;

fn open(clock: &Clock, folder: Option<&Path>) -> EngineHost {
    EngineHost::open(Options {
        folder: folder.map(Path::to_owned),
        ..Options::temporary(clock.clone())
    })
    .unwrap()
}

fn clock() -> Clock {
    Clock::at(from_epoch_millis(START * 1000))
}

async fn switch(client: &Client, table: &str, enabled: bool) {
    let specification = TimeToLiveSpecification::builder().attribute_name("ends");
    let specification = specification.enabled(enabled).build().unwrap();
    let update = client.update_time_to_live().table_name(table);
    let update = update.time_to_live_specification(specification);
    update.send().await.unwrap();
}

async fn status(client: &Client, table: &str) -> TimeToLiveStatus {
    let described = client.describe_time_to_live().table_name(table);
    let described = described.send().await.unwrap();
    let description = described.time_to_live_description.unwrap();
    description.time_to_live_status.unwrap()
}

async fn keys(client: &Client, table: &str) -> Vec<String> {
    let scanned = client.scan().table_name(table).send().await.unwrap();
    let items = scanned.items().iter();
    let mut keys: Vec<String> = items
        .map(|it| it["pk"].as_s().unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}

fn by_kind() -> Value {
    json!({
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    })
}

#[tokio::test(start_paused = true)]
async fn an_item_goes_ten_seconds_after_its_time_as_the_service_deletes() {
    let clock = clock();
    let host = open(&clock, None);
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    make(engine, "orders", false, by_kind()).await;
    switch(&client, "orders", true).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabled);
    for (key, ends) in [
        ("soon", json!({"N": (START + 100).to_string()})),
        ("late", json!({"N": (START + 1000).to_string()})),
        ("text", json!({"S": (START + 100).to_string()})),
        ("old", json!({"N": "1000000000"})),
    ] {
        let item = json!({"pk": {"S": key}, "kind": {"S": "k"}, "ends": ends});
        put(engine, "orders", item).await;
    }
    clock.sleep(Duration::from_secs(109)).await;
    assert_eq!(
        keys(&client, "orders").await,
        ["late", "old", "soon", "text"]
    );
    clock.sleep(Duration::from_millis(1500)).await;
    assert_eq!(keys(&client, "orders").await, ["late", "old", "text"]);
    let by_kind = client.scan().table_name("orders").index_name("by_kind");
    assert_eq!(by_kind.send().await.unwrap().count, 3);
    let described = client.describe_table().table_name("orders").send().await;
    let table = described.unwrap().table.unwrap();
    assert_eq!(table.item_count, Some(3));

    let arn = json!({"StreamArn": table.latest_stream_arn});
    let described = call(engine, "DescribeStream", arn.clone()).await.unwrap();
    let mut removed = Vec::new();
    let shards = &described["StreamDescription"]["Shards"];
    for shard in shards.as_array().unwrap() {
        let mut asked = arn.clone();
        asked["ShardId"] = shard["ShardId"].clone();
        asked["ShardIteratorType"] = json!("TRIM_HORIZON");
        let answer = call(engine, "GetShardIterator", asked).await.unwrap();
        let records = call(engine, "GetRecords", answer).await.unwrap();
        let records = records["Records"].as_array().unwrap().clone();
        removed.extend(records.into_iter().filter(|it| it["eventName"] == "REMOVE"));
    }
    assert_eq!(removed.len(), 1);
    assert_eq!(
        removed[0]["userIdentity"],
        json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
    );
    assert_eq!(
        removed[0]["dynamodb"]["OldImage"]["pk"],
        json!({"S": "soon"})
    );
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_item_whose_time_was_moved_stays_until_then() {
    let clock = clock();
    let host = open(&clock, None);
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    make(engine, "orders", false, json!({})).await;
    switch(&client, "orders", true).await;
    for (key, ends) in [("a", START + 100), ("b", START + 100), ("c", START + 100)] {
        let item = json!({"pk": {"S": key}, "ends": {"N": ends.to_string()}});
        put(engine, "orders", item).await;
    }
    let update = |key: &str, expression: &str| {
        let update = client.update_item().table_name("orders").key("pk", s(key));
        update.update_expression(expression)
    };
    let later = AttributeValue::N((START + 500).to_string());
    let moved = update("a", "SET ends = :later").expression_attribute_values(":later", later);
    moved.send().await.unwrap();
    update("b", "REMOVE ends").send().await.unwrap();
    clock.sleep(Duration::from_mins(2)).await;
    assert_eq!(keys(&client, "orders").await, ["a", "b"]);
    clock.sleep(Duration::from_secs(400)).await;
    assert_eq!(keys(&client, "orders").await, ["b"]);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_over_already_gives_the_item_ten_seconds() {
    let clock = clock();
    let host = open(&clock, None);
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    make(engine, "orders", false, json!({})).await;
    switch(&client, "orders", true).await;
    clock.sleep(Duration::from_mins(1)).await;
    let item = json!({"pk": {"S": "a"}, "ends": {"N": (START - 5).to_string()}});
    put(engine, "orders", item).await;
    clock.sleep(Duration::from_secs(9)).await;
    assert_eq!(keys(&client, "orders").await, ["a"]);
    clock.sleep(Duration::from_secs(2)).await;
    assert!(keys(&client, "orders").await.is_empty());
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn items_written_before_it_was_enabled_go_as_well_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let host = open(&clock, Some(folder.path()));
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    make(engine, "orders", false, json!({})).await;
    let ends = AttributeValue::N((START + 100).to_string());
    for batch in 0..60 {
        let writes = (0..25).map(|at| {
            let put = aws_sdk_dynamodb::types::PutRequest::builder()
                .item("pk", s(&format!("{batch}-{at}")))
                .item("ends", ends.clone());
            WriteRequest::builder()
                .put_request(put.build().unwrap())
                .build()
        });
        let write = client
            .batch_write_item()
            .request_items("orders", writes.collect());
        write.send().await.unwrap();
    }
    switch(&client, "orders", true).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabling);
    // Closed while the table is looked through.
    drop(client);
    host.close().await;

    let host = open(&clock, Some(folder.path()));
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    clock.sleep(Duration::from_secs(50)).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabled);
    assert_eq!(keys(&client, "orders").await.len(), 1500);
    clock.sleep(Duration::from_secs(70)).await;
    assert!(keys(&client, "orders").await.is_empty());
    switch(&client, "orders", false).await;
    put(
        engine,
        "orders",
        json!({"pk": {"S": "a"}, "ends": {"N": START.to_string()}}),
    )
    .await;
    clock.sleep(Duration::from_secs(100)).await;
    assert_eq!(keys(&client, "orders").await, ["a"]);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_of_a_former_version_gets_its_time_to_live_going() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let host = open(&clock, Some(folder.path()));
    make(host.engine(), "orders", false, json!({})).await;
    let item = json!({"pk": {"S": "a"}, "ends": {"N": START.to_string()}});
    put(host.engine(), "orders", item).await;
    let former = json!({"AttributeName": "ends", "Enabled": true});
    let changed = host.engine().change(|state| {
        let table = std::sync::Arc::make_mut(state.tables.get_mut("orders").unwrap());
        let setting = "TimeToLiveSpecification".to_owned();
        table.settings.insert(setting, former);
        Ok(())
    });
    changed.unwrap();
    host.close().await;

    let host = open(&clock, Some(folder.path()));
    let client = dynamodb(host.engine());
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabled);
    clock.sleep(Duration::from_secs(10)).await;
    assert!(keys(&client, "orders").await.is_empty());
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_passing_status_lasts_as_long_as_the_options_say() {
    let clock = clock();
    let options = Options {
        settle: Duration::from_secs(30),
        ..Options::temporary(clock.clone())
    };
    let host = EngineHost::open(options).unwrap();
    let client = dynamodb(host.engine());
    make(host.engine(), "orders", false, json!({})).await;
    clock.sleep(Duration::from_mins(1)).await;
    switch(&client, "orders", true).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabling);
    let again = json!({
        "TableName": "orders", "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": false},
    });
    assert_eq!(
        refusal(call(host.engine(), "UpdateTimeToLive", again).await),
        "ValidationException: Time to live has been modified multiple times within a fixed interval"
    );
    clock.sleep(Duration::from_secs(31)).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Enabled);
    switch(&client, "orders", false).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Disabling);
    clock.sleep(Duration::from_secs(31)).await;
    assert_eq!(status(&client, "orders").await, TimeToLiveStatus::Disabled);
    host.close().await;
}

#[tokio::test]
async fn what_would_change_nothing_is_refused() {
    let host = open(&Clock::real(), None);
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    let update = |attribute: &str, enabled: bool| {
        let specification = json!({"AttributeName": attribute, "Enabled": enabled});
        let input = json!({"TableName": "orders", "TimeToLiveSpecification": specification});
        call(engine, "UpdateTimeToLive", input)
    };
    assert_eq!(
        refusal(update("ends", false).await),
        "ValidationException: TimeToLive is already disabled"
    );
    update("ends", true).await.unwrap();
    assert_eq!(
        refusal(update("ends", true).await),
        "ValidationException: TimeToLive is already enabled"
    );
    assert_eq!(
        refusal(update("other", true).await),
        "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is ends"
    );
    let answer = update("ends", false).await.unwrap();
    assert_eq!(
        answer["TimeToLiveSpecification"],
        json!({"AttributeName": "ends", "Enabled": false})
    );
    host.close().await;
}

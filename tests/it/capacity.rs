//! What the options add: throttling by provisioned capacity, and reads of global indexes that lag.

use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{Engine, EngineHost, Options};

use crate::tables::{call, make, put, refusal};

fn open(change: impl FnOnce(&mut Options)) -> (Clock, EngineHost) {
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let mut options = Options::temporary(clock.clone());
    change(&mut options);
    (clock, EngineHost::open(options).unwrap())
}

/// Reads five units and writes one unit a second; its index writes as told.
async fn provisioned(engine: &Engine, index_writes: u64) {
    let units = |writes: u64| json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": writes});
    let more = json!({
        "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(1),
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind", "ProvisionedThroughput": units(index_writes),
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    make(engine, "orders", false, more).await;
}

fn item(id: usize) -> Value {
    json!({"pk": {"S": id.to_string()}})
}

async fn put_one(engine: &Engine, item: Value) -> Result<Value, Value> {
    call(
        engine,
        "PutItem",
        json!({"TableName": "orders", "Item": item}),
    )
    .await
}

const TABLE_EXCEEDED: &str = "ProvisionedThroughputExceededException: The level of configured provisioned throughput \
                              for the table was exceeded. Consider increasing your provisioning level with the \
                              UpdateTable API.";

#[tokio::test(start_paused = true)]
async fn a_table_takes_what_it_saved_up_and_then_its_capacity() {
    let (clock, host) = open(|options| options.throttle = true);
    let engine = host.engine();
    provisioned(engine, 1).await;
    for id in 0..300 {
        put_one(engine, item(id)).await.unwrap();
    }
    let refused = put_one(engine, item(300)).await;
    let reasons = refused.clone().unwrap_err()["ThrottlingReasons"].clone();
    assert_eq!(
        reasons[0]["reason"],
        "TableWriteProvisionedThroughputExceeded"
    );
    assert_eq!(refusal(refused), TABLE_EXCEEDED);
    let update = json!({"TransactItems": [
        {"Put": {"TableName": "orders", "Item": item(301)}},
        {"Put": {"TableName": "orders", "Item": item(302)}},
    ]});
    let canceled = call(engine, "TransactWriteItems", update.clone()).await;
    let reasons = canceled.unwrap_err()["CancellationReasons"].clone();
    assert_eq!(reasons[0]["Code"], "ProvisionedThroughputExceeded");
    clock.sleep(Duration::from_secs(2)).await;
    let puts: Vec<Value> = (400..405)
        .map(|id| json!({"PutRequest": {"Item": item(id)}}))
        .collect();
    let batch = json!({"RequestItems": {"orders": puts}});
    let answer = call(engine, "BatchWriteItem", batch.clone()).await.unwrap();
    let left = answer["UnprocessedItems"]["orders"].as_array().unwrap();
    assert_eq!(left[..], puts[2..]);
    assert_eq!(
        refusal(call(engine, "BatchWriteItem", batch).await),
        TABLE_EXCEEDED
    );
    // Reads have a capacity of their own: five minutes of five units, half a unit each.
    let get = json!({"TableName": "orders", "Key": item(1)});
    for _ in 0..3000 {
        call(engine, "GetItem", get.clone()).await.unwrap();
    }
    assert_eq!(refusal(call(engine, "GetItem", get).await), TABLE_EXCEEDED);
    let keys = json!({"RequestItems": {"orders": {"Keys": [item(1), item(2)]}}});
    assert_eq!(
        refusal(call(engine, "BatchGetItem", keys.clone()).await),
        TABLE_EXCEEDED
    );
    let change = json!({"TableName": "orders", "BillingMode": "PAY_PER_REQUEST"});
    call(engine, "UpdateTable", change).await.unwrap();
    put_one(engine, item(500)).await.unwrap();
    call(engine, "BatchGetItem", keys).await.unwrap();
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_index_with_less_capacity_holds_up_writes_that_reach_it() {
    let (_, host) = open(|options| options.throttle = true);
    let engine = host.engine();
    provisioned(engine, 1).await;
    let raise = json!({
        "TableName": "orders", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 100},
    });
    call(engine, "UpdateTable", raise).await.unwrap();
    let kind = |id: usize| json!({"pk": {"S": id.to_string()}, "kind": {"S": "k"}});
    for id in 0..300 {
        put_one(engine, kind(id)).await.unwrap();
    }
    let refused = put_one(engine, kind(300)).await;
    let reasons = refused.clone().unwrap_err()["ThrottlingReasons"].clone();
    assert_eq!(
        reasons[0]["reason"],
        "IndexWriteProvisionedThroughputExceeded"
    );
    assert!(refusal(refused).contains("one or more global secondary indexes"));
    put_one(engine, item(301)).await.unwrap();
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_throttled_or_lags_unless_the_options_want_it() {
    let (_, host) = open(|_| {});
    let engine = host.engine();
    provisioned(engine, 1).await;
    for id in 0..400 {
        put_one(engine, item(id)).await.unwrap();
    }
    put(
        engine,
        "orders",
        json!({"pk": {"S": "a"}, "kind": {"S": "k"}}),
    )
    .await;
    assert_eq!(seen(engine).await, ["a"]);
    host.close().await;
}

async fn seen(engine: &Engine) -> Vec<String> {
    let input = json!({"TableName": "orders", "IndexName": "by_kind"});
    let answer = call(engine, "Scan", input).await.unwrap();
    let items = answer["Items"].as_array().unwrap().iter();
    let mut seen: Vec<String> = items
        .map(|it| {
            format!(
                "{}{}",
                it["pk"]["S"],
                it.get("n").map_or("", |it| it["N"].as_str().unwrap())
            )
        })
        .map(|it| it.replace('"', ""))
        .collect();
    seen.sort();
    seen
}

#[tokio::test(start_paused = true)]
async fn reads_of_a_global_index_see_changes_when_they_are_as_old_as_the_lag() {
    let (clock, host) = open(|options| options.gsi_lag = Duration::from_secs(5));
    let engine = host.engine();
    provisioned(engine, 1).await;
    let entry =
        |id: &str, n: u64| json!({"pk": {"S": id}, "kind": {"S": "k"}, "n": {"N": n.to_string()}});
    put(engine, "orders", entry("a", 1)).await;
    put(engine, "orders", entry("b", 1)).await;
    assert!(seen(engine).await.is_empty());
    let get = json!({"TableName": "orders", "Key": {"pk": {"S": "a"}}});
    let found = call(engine, "GetItem", get).await.unwrap();
    assert_eq!(found["Item"]["n"]["N"], "1");
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(seen(engine).await, ["a1", "b1"]);
    put(engine, "orders", entry("a", 2)).await;
    clock.sleep(Duration::from_secs(3)).await;
    put(engine, "orders", entry("a", 3)).await;
    put(engine, "orders", entry("c", 1)).await;
    let delete = json!({"TableName": "orders", "Key": {"pk": {"S": "b"}}});
    call(engine, "DeleteItem", delete).await.unwrap();
    assert_eq!(seen(engine).await, ["a1", "b1"]);
    clock.sleep(Duration::from_secs(2)).await;
    assert_eq!(seen(engine).await, ["a2", "b1"]);
    let query = json!({
        "TableName": "orders", "IndexName": "by_kind", "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": {":k": {"S": "k"}}, "ScanIndexForward": false,
    });
    let answer = call(engine, "Query", query).await.unwrap();
    let ids = answer["Items"].as_array().unwrap().iter();
    let ids: Vec<&str> = ids.map(|it| it["pk"]["S"].as_str().unwrap()).collect();
    assert_eq!(ids, ["b", "a"]);
    clock.sleep(Duration::from_secs(3)).await;
    assert_eq!(seen(engine).await, ["a3", "c1"]);
    host.close().await;
}

//! What `UpdateTable` changes, the states a table and its indexes pass, and what is refused meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{Engine, EngineHost, Options};
use waterwheel::mapping::assumed::StreamEnds;

use crate::tables::{call, make, put, refusal, world};

fn slow() -> (Clock, EngineHost) {
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let options = Options {
        settle: Duration::from_secs(30),
        ..Options::temporary(clock.clone())
    };
    (clock, EngineHost::open(options).unwrap())
}

async fn described(engine: &Engine) -> Value {
    let input = json!({"TableName": "orders"});
    let answer = call(engine, "DescribeTable", input).await.unwrap();
    answer["Table"].clone()
}

async fn update(engine: &Engine, more: Value) -> Result<Value, Value> {
    let mut input = json!({"TableName": "orders"});
    for (member, value) in more.as_object().unwrap() {
        input[member] = value.clone();
    }
    let answer = call(engine, "UpdateTable", input).await?;
    Ok(answer["TableDescription"].clone())
}

fn new_index(name: &str, attribute: &str) -> Value {
    json!({
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": name,
            "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }}],
    })
}

fn without(name: &str) -> Value {
    json!({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]})
}

fn index(table: &Value) -> (Value, Option<Value>) {
    let index = &table["GlobalSecondaryIndexes"][0];
    (
        index["IndexStatus"].clone(),
        index.get("Backfilling").cloned(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_table_is_used_once_it_is_active() {
    let (clock, host) = slow();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    assert_eq!(described(engine).await["TableStatus"], "CREATING");
    let item = json!({"TableName": "orders", "Item": {"pk": {"S": "a"}}});
    assert_eq!(
        refusal(call(engine, "PutItem", item.clone()).await),
        "ResourceNotFoundException: Requested resource not found"
    );
    let name = json!({"TableName": "orders"});
    let early = call(engine, "DeleteTable", name.clone()).await;
    assert_eq!(
        refusal(early),
        "ResourceInUseException: Attempt to change a resource which is still in use: Table is being created: orders"
    );
    clock.sleep(Duration::from_secs(31)).await;
    assert_eq!(described(engine).await["TableStatus"], "ACTIVE");
    call(engine, "PutItem", item).await.unwrap();

    call(engine, "DeleteTable", name.clone()).await.unwrap();
    assert_eq!(described(engine).await["TableStatus"], "DELETING");
    let twice = call(engine, "DeleteTable", name.clone()).await;
    assert_eq!(
        refusal(twice),
        "ResourceInUseException: Attempt to change a resource which is still in use: Table is being deleted: orders"
    );
    clock.sleep(Duration::from_secs(31)).await;
    assert_eq!(
        refusal(call(engine, "DescribeTable", name).await),
        "ResourceNotFoundException: Requested resource not found: Table: orders not found"
    );
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_deleted_table_ends_when_that_is_asked_or_when_it_is_gone() {
    for (ends, while_deleting) in [
        (StreamEnds::Asked, "DISABLING"),
        (StreamEnds::Gone, "ENABLED"),
    ] {
        let (clock, host) = slow();
        let engine = host.engine();
        engine.change_settings(|it| it.assumed.stream_ends = ends);
        let streams =
            json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
        make(engine, "orders", false, streams).await;
        clock.sleep(Duration::from_secs(31)).await;
        let stream = json!({"StreamArn": described(engine).await["LatestStreamArn"]});
        let name = json!({"TableName": "orders"});
        call(engine, "DeleteTable", name).await.unwrap();
        let status = async || {
            let answer = call(engine, "DescribeStream", stream.clone()).await;
            answer.unwrap()["StreamDescription"]["StreamStatus"].clone()
        };
        assert_eq!(status().await, while_deleting);
        clock.sleep(Duration::from_secs(62)).await;
        assert_eq!(status().await, "DISABLED");
        clock.sleep(Duration::from_hours(25)).await;
        let gone = call(engine, "DescribeStream", stream).await;
        assert!(refusal(gone).starts_with("ResourceNotFoundException"));
        host.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_is_allocated_then_filled_then_active_and_goes_the_same_way() {
    let (clock, host) = slow();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    clock.sleep(Duration::from_secs(31)).await;
    put(
        engine,
        "orders",
        json!({"pk": {"S": "a"}, "kind": {"S": "k"}}),
    )
    .await;
    update(engine, new_index("by_kind", "kind")).await.unwrap();
    let table = described(engine).await;
    assert_eq!(table["TableStatus"], "UPDATING");
    assert_eq!(index(&table), (json!("CREATING"), Some(json!(false))));
    assert_eq!(
        refusal(update(engine, json!({"DeletionProtectionEnabled": true})).await),
        "ResourceInUseException: Attempt to change a resource which is still in use: Table is being updated: orders"
    );
    // Items are used as ever.
    put(
        engine,
        "orders",
        json!({"pk": {"S": "b"}, "kind": {"S": "k"}}),
    )
    .await;
    let wrong = json!({"TableName": "orders", "Item": {"pk": {"S": "c"}, "kind": {"N": "1"}}});
    assert!(refusal(call(engine, "PutItem", wrong).await).contains("Type mismatch for Index Key"));
    let scan = json!({"TableName": "orders", "IndexName": "by_kind"});
    assert_eq!(
        refusal(call(engine, "Scan", scan.clone()).await),
        "ValidationException: Cannot read from backfilling global secondary index: by_kind"
    );
    clock.sleep(Duration::from_secs(31)).await;
    let table = described(engine).await;
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(index(&table), (json!("ACTIVE"), None));
    let scanned = call(engine, "Scan", scan.clone()).await.unwrap();
    assert_eq!(scanned["Count"], 2);

    update(engine, without("by_kind")).await.unwrap();
    assert_eq!(index(&described(engine).await), (json!("DELETING"), None));
    assert_eq!(
        refusal(call(engine, "Scan", scan).await),
        "ValidationException: The table does not have the specified index: by_kind"
    );
    clock.sleep(Duration::from_secs(31)).await;
    let table = described(engine).await;
    assert_eq!(table.get("GlobalSecondaryIndexes"), None);
    assert_eq!(table["AttributeDefinitions"].as_array().unwrap().len(), 1);
    host.close().await;
}

#[tokio::test]
async fn one_index_is_made_at_a_time_and_may_be_given_up() {
    let host = world();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    let mut both = new_index("one", "kind");
    let two = new_index("two", "kind")["GlobalSecondaryIndexUpdates"][0].clone();
    let updates = both["GlobalSecondaryIndexUpdates"].as_array_mut().unwrap();
    updates.push(two);
    let words = "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted \
                 simultaneously per table";
    assert_eq!(refusal(update(engine, both).await), words);
    update(engine, new_index("one", "kind")).await.unwrap();
    // As if it were being filled still.
    let filling = engine.change(|state| {
        let table = std::sync::Arc::make_mut(state.tables.get_mut("orders").unwrap());
        "CREATING".clone_into(&mut table.indexes[0].status);
        table.indexes[0].backfilling = Some(false);
        Ok(())
    });
    filling.unwrap();
    assert_eq!(
        refusal(update(engine, new_index("two", "kind")).await),
        words
    );
    update(engine, without("one")).await.unwrap();
    let table = described(engine).await;
    assert_eq!(table.get("GlobalSecondaryIndexes"), None);
    update(engine, new_index("two", "kind")).await.unwrap();
    assert_eq!(index(&described(engine).await), (json!("ACTIVE"), None));
    host.close().await;
}

#[tokio::test]
async fn settings_are_kept_and_described() {
    let host = world();
    let engine = host.engine();
    make(engine, "orders", false, new_index_at_creation()).await;
    let most = json!({"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50});
    let warm = json!({"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 5000});
    update(
        engine,
        json!({
            "OnDemandThroughput": most, "WarmThroughput": warm, "TableClass": "STANDARD_INFREQUENT_ACCESS",
            "SSESpecification": {"Enabled": true, "SSEType": "KMS"}, "DeletionProtectionEnabled": true,
            "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_kind", "OnDemandThroughput": most}}],
        }),
    )
    .await
    .unwrap();
    let table = described(engine).await;
    assert_eq!(table["OnDemandThroughput"], most);
    assert_eq!(table["WarmThroughput"]["ReadUnitsPerSecond"], 15000);
    assert_eq!(
        table["TableClassSummary"]["TableClass"],
        "STANDARD_INFREQUENT_ACCESS"
    );
    assert_eq!(table["SSEDescription"]["Status"], "ENABLED");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    let index = &table["GlobalSecondaryIndexes"][0];
    assert_eq!(index["OnDemandThroughput"], most);
    assert_eq!(index["WarmThroughput"]["WriteUnitsPerSecond"], 4000);

    let units = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
    let provisioned = json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": units});
    assert_eq!(
        refusal(update(engine, provisioned.clone()).await),
        "ValidationException: One or more parameter values were invalid: ProvisionedThroughput is not specified for \
         index: by_kind"
    );
    let mut with_index = provisioned;
    with_index["GlobalSecondaryIndexUpdates"] =
        json!([{"Update": {"IndexName": "by_kind", "ProvisionedThroughput": units}}]);
    update(engine, with_index).await.unwrap();
    let table = described(engine).await;
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PROVISIONED");
    let index = &table["GlobalSecondaryIndexes"][0];
    assert_eq!(index["ProvisionedThroughput"]["WriteCapacityUnits"], 6);
    let unused = json!({
        "DeletionProtectionEnabled": false,
        "AttributeDefinitions": [{"AttributeName": "nobody", "AttributeType": "S"}],
    });
    assert!(
        refusal(update(engine, unused).await).contains("Some AttributeDefinitions are not used")
    );
    let replica = json!({"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]});
    assert!(refusal(update(engine, replica).await).contains("cannot have replicas"));
    host.close().await;
}

fn new_index_at_creation() -> Value {
    let mut index = new_index("by_kind", "kind");
    let create = index["GlobalSecondaryIndexUpdates"][0]["Create"].clone();
    json!({
        "AttributeDefinitions": index["AttributeDefinitions"].take(),
        "GlobalSecondaryIndexes": [create],
    })
}

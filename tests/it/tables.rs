//! Tables and items as SDKs see them, and in the JSON of the wire where exact words matter.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ReturnValue, ScalarAttributeType, StreamSpecification, StreamViewType, WriteRequest,
};
use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{Engine, EngineHost, Options};

pub(crate) fn world() -> EngineHost {
    EngineHost::open(Options::temporary(Clock::real())).unwrap()
}

pub(crate) fn dynamodb(engine: &Engine) -> Client {
    Client::new(&engine.sdk_config(&Principal::Root))
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A request as JSON; the answer's JSON, or the error's.
pub(crate) async fn call(engine: &Engine, operation: &str, input: Value) -> Result<Value, Value> {
    call_as(engine, &Principal::Root, operation, input).await
}

pub(crate) async fn call_as(
    engine: &Engine,
    principal: &Principal,
    operation: &str,
    input: Value,
) -> Result<Value, Value> {
    call_with(engine, &engine.issue_key(principal), operation, input).await
}

/// As whoever has this access key.
pub(crate) async fn call_with(
    engine: &Engine,
    key: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Value> {
    let target = if operation.contains("Stream")
        || operation == "GetRecords"
        || operation == "GetShardIterator"
    {
        format!("DynamoDBStreams_20120810.{operation}")
    } else {
        format!("DynamoDB_20120810.{operation}")
    };
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = http::Request::post("http://dynamodb.us-east-1.amazonaws.com/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", target)
        .header("authorization", credential)
        .body(bytes::Bytes::from(input.to_string()))
        .unwrap();
    let response = engine.handle(request).await;
    let is_ok = response.status().is_success();
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if is_ok { Ok(body) } else { Err(body) }
}

/// The error's code and words.
pub(crate) fn refusal(answer: Result<Value, Value>) -> String {
    let error = answer.unwrap_err();
    let code = error["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let message = error.get("message").or_else(|| error.get("Message"));
    format!(
        "{code}: {}",
        message.and_then(Value::as_str).unwrap_or_default()
    )
}

/// Makes a table with a text partition key `pk`, a text sort key `sk` when wanted, and more of the request.
pub(crate) async fn make(engine: &Engine, name: &str, with_sort: bool, more: Value) {
    let mut request = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    });
    if with_sort {
        request["AttributeDefinitions"]
            .as_array_mut()
            .unwrap()
            .push(json!({"AttributeName": "sk", "AttributeType": "S"}));
        request["KeySchema"]
            .as_array_mut()
            .unwrap()
            .push(json!({"AttributeName": "sk", "KeyType": "RANGE"}));
    }
    for (member, value) in more.as_object().unwrap() {
        match (request.get_mut(member), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.clone()),
            _ => request[member] = value.clone(),
        }
    }
    call(engine, "CreateTable", request).await.unwrap();
}

pub(crate) async fn put(engine: &Engine, table: &str, item: Value) {
    call(engine, "PutItem", json!({"TableName": table, "Item": item}))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_sdk_makes_and_describes_a_table() {
    let host = world();
    let client = dynamodb(host.engine());
    let id = AttributeDefinition::builder().attribute_name("id");
    let key = KeySchemaElement::builder().attribute_name("id");
    let stream = StreamSpecification::builder().stream_enabled(true);
    let request = client
        .create_table()
        .table_name("orders")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(id.attribute_type(ScalarAttributeType::S).build().unwrap())
        .key_schema(key.key_type(KeyType::Hash).build().unwrap())
        .stream_specification(
            stream
                .stream_view_type(StreamViewType::NewImage)
                .build()
                .unwrap(),
        );
    let made = request.send().await.unwrap().table_description.unwrap();
    assert_eq!(made.table_status.unwrap().as_str(), "CREATING");
    let stream = made.latest_stream_arn.unwrap();
    assert!(stream.contains(":table/orders/stream/20"), "{stream}");
    let described = client.describe_table().table_name("orders");
    let table = described.send().await.unwrap().table.unwrap();
    assert_eq!(table.table_status.unwrap().as_str(), "ACTIVE");
    let billing = table.billing_mode_summary.unwrap().billing_mode;
    assert_eq!(billing, Some(BillingMode::PayPerRequest));
    assert!(table.creation_date_time.is_some());
    client
        .delete_table()
        .table_name("orders")
        .send()
        .await
        .unwrap();
    let gone = client.describe_table().table_name("orders").send().await;
    assert!(
        gone.unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    host.close().await;
}

#[tokio::test]
async fn the_sdk_puts_changes_and_deletes_an_item() {
    let host = world();
    make(host.engine(), "orders", false, json!({})).await;
    let client = dynamodb(host.engine());
    let number = |text: &str| AttributeValue::N(text.to_owned());
    let put = client.put_item().table_name("orders").item("pk", s("1"));
    put.item("amount", number("12.50")).send().await.unwrap();
    let get = client.get_item().table_name("orders").key("pk", s("1"));
    let got = get.send().await.unwrap();
    assert_eq!(got.item.unwrap()["amount"], number("12.5"));
    let update = client
        .update_item()
        .table_name("orders")
        .key("pk", s("1"))
        .update_expression("SET amount = amount + :one, #s = :s")
        .expression_attribute_names("#s", "status")
        .expression_attribute_values(":one", number("1"))
        .expression_attribute_values(":s", s("paid"))
        .return_values(ReturnValue::UpdatedNew);
    let touched = update.send().await.unwrap().attributes.unwrap();
    assert_eq!((&touched["amount"], touched.len()), (&number("13.5"), 2));
    let described = client.describe_table().table_name("orders");
    let counted = described.send().await.unwrap().table.unwrap();
    assert_eq!(counted.item_count, Some(1));
    assert_eq!(counted.table_size_bytes, Some(3 + 9 + 10));
    let delete = client.delete_item().table_name("orders").key("pk", s("1"));
    let deleted = delete
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.attributes.unwrap()["status"], s("paid"));
    host.close().await;
}

#[tokio::test]
async fn a_failed_condition_changes_nothing_and_may_show_the_item() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    put(engine, "table", json!({"pk": {"S": "a"}, "n": {"N": "1"}})).await;
    let mut request = json!({
        "TableName": "table", "Item": {"pk": {"S": "a"}, "n": {"N": "2"}},
        "ConditionExpression": "attribute_not_exists(pk)",
    });
    let failed = call(engine, "PutItem", request.clone()).await;
    assert_eq!(
        refusal(failed.clone()),
        "ConditionalCheckFailedException: The conditional request failed"
    );
    assert!(failed.unwrap_err().get("Item").is_none());
    request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let failed = call(engine, "PutItem", request).await.unwrap_err();
    assert_eq!(failed["Item"], json!({"pk": {"S": "a"}, "n": {"N": "1"}}));
    let got = call(
        engine,
        "GetItem",
        json!({"TableName": "table", "Key": {"pk": {"S": "a"}}}),
    )
    .await
    .unwrap();
    assert_eq!(got["Item"]["n"], json!({"N": "1"}));
    host.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_said_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    make(
        engine,
        "table",
        true,
        json!({
            "AttributeDefinitions": [{"AttributeName": "at", "AttributeType": "N"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by_at", "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }],
        }),
    )
    .await;
    let invalid = "ValidationException: One or more parameter values were invalid:";
    let (pk, sk) = (json!({"S": "a"}), json!({"S": "b"}));
    for (item, words) in [
        (json!({"pk": pk}), format!("{invalid} Missing the key sk in the item")),
        (json!({"pk": {"N": "1"}, "sk": sk}), format!("{invalid} Type mismatch for key pk expected: S actual: N")),
        (
            json!({"pk": pk, "sk": sk, "at": pk}),
            format!("{invalid} Type mismatch for Index Key at Expected: N Actual: S IndexName: by_at"),
        ),
        (
            json!({"pk": {"S": ""}, "sk": sk}),
            "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute \
             cannot contain an empty string value. Key: pk"
                .to_owned(),
        ),
        (
            json!({"pk": pk, "sk": {"S": "x".repeat(1025)}}),
            format!("{invalid} Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
        ),
        (
            json!({"pk": pk, "sk": sk, "big": {"S": "x".repeat(400 * 1024)}}),
            "ValidationException: Item size has exceeded the maximum allowed size".to_owned(),
        ),
    ] {
        let answer = call(engine, "PutItem", json!({"TableName": "table", "Item": item})).await;
        assert_eq!(refusal(answer), words);
    }
    let unknown = "ResourceNotFoundException: Requested resource not found";
    let answer = call(
        engine,
        "PutItem",
        json!({"TableName": "other", "Item": {"pk": pk}}),
    )
    .await;
    assert_eq!(refusal(answer), unknown);
    let answer = call(engine, "DescribeTable", json!({"TableName": "other"})).await;
    assert_eq!(
        refusal(answer),
        format!("{unknown}: Table: other not found")
    );
    let answer = call(
        engine,
        "GetItem",
        json!({"TableName": "table", "Key": {"pk": pk}}),
    )
    .await;
    assert_eq!(
        refusal(answer),
        "ValidationException: The provided key element does not match the schema"
    );
    host.close().await;
}

#[tokio::test]
async fn a_batch_writes_and_reads_many_items() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    let client = dynamodb(engine);
    let write = |number: u32| {
        let put = PutRequest::builder()
            .item("pk", s(&number.to_string()))
            .build()
            .unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let writes: Vec<_> = (0..25).map(write).collect();
    let answer = client
        .batch_write_item()
        .request_items("table", writes)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.unprocessed_items.unwrap().len(), 0);
    let keys: Vec<Value> = (0..30)
        .map(|it| json!({"pk": {"S": it.to_string()}}))
        .collect();
    let answer = call(
        engine,
        "BatchGetItem",
        json!({"RequestItems": {"table": {"Keys": keys}}}),
    )
    .await
    .unwrap();
    assert_eq!(answer["Responses"]["table"].as_array().unwrap().len(), 25);
    let twice = json!({"RequestItems": {"table": [
        {"PutRequest": {"Item": {"pk": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "a"}}}},
    ]}});
    assert_eq!(
        refusal(call(engine, "BatchWriteItem", twice).await),
        "ValidationException: Provided list of item keys contains duplicates"
    );
    host.close().await;
}

#[tokio::test]
async fn a_protected_table_is_not_deleted() {
    let host = world();
    let engine = host.engine();
    make(
        engine,
        "table",
        false,
        json!({"DeletionProtectionEnabled": true}),
    )
    .await;
    let refused = call(engine, "DeleteTable", json!({"TableName": "table"})).await;
    assert_eq!(
        refusal(refused),
        "ValidationException: Resource cannot be deleted as it is currently protected against deletion. \
         Disable deletion protection first."
    );
    let open = json!({"TableName": "table", "DeletionProtectionEnabled": false});
    call(engine, "UpdateTable", open).await.unwrap();
    call(engine, "DeleteTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    // A table of the same name begins empty.
    put_then_remake(engine).await;
    host.close().await;
}

async fn put_then_remake(engine: &Engine) {
    make(engine, "table", false, json!({})).await;
    put(engine, "table", json!({"pk": {"S": "a"}})).await;
    call(engine, "DeleteTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    make(engine, "table", false, json!({})).await;
    let found = call(engine, "Scan", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(found["Count"], 0);
}

#[tokio::test]
async fn tables_are_listed_page_by_page() {
    let host = world();
    let engine = host.engine();
    for name in ["one", "three", "two"] {
        make(engine, name, false, json!({})).await;
    }
    let first = call(engine, "ListTables", json!({"Limit": 2}))
        .await
        .unwrap();
    assert_eq!(
        first,
        json!({"TableNames": ["one", "three"], "LastEvaluatedTableName": "three"})
    );
    let more = json!({"ExclusiveStartTableName": "three"});
    let second = call(engine, "ListTables", more).await.unwrap();
    assert_eq!(second, json!({"TableNames": ["two"]}));
    host.close().await;
}

#[tokio::test]
async fn two_writers_of_one_item_do_not_lose_an_increment() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    let client = dynamodb(engine);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..25 {
                let add = client.update_item().table_name("table").key("pk", s("a"));
                let add = add.update_expression("ADD n :one");
                let add = add.expression_attribute_values(":one", AttributeValue::N("1".into()));
                add.send().await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let got = client
        .get_item()
        .table_name("table")
        .key("pk", s("a"))
        .send()
        .await
        .unwrap();
    assert_eq!(got.item.unwrap()["n"], AttributeValue::N("200".into()));
    host.close().await;
}

#[tokio::test]
async fn everything_is_there_after_the_program_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::temporary(Clock::real())
    };
    let indexed = json!({
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    let host = EngineHost::open(options()).unwrap();
    make(host.engine(), "table", false, indexed).await;
    for number in 0..10 {
        put(
            host.engine(),
            "table",
            json!({"pk": {"S": number.to_string()}, "kind": {"S": "k"}}),
        )
        .await;
    }
    // Dropped without being closed: nothing is flushed on purpose.
    drop(host);
    let host = reopen(options).await;
    let engine = host.engine();
    let found = call(engine, "Scan", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(found["Count"], 10);
    let found = call(
        engine,
        "Scan",
        json!({"TableName": "table", "IndexName": "by_kind"}),
    )
    .await
    .unwrap();
    assert_eq!(found["Count"], 10);
    put(engine, "table", json!({"pk": {"S": "new"}})).await;
    let table = call(engine, "DescribeTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(table["Table"]["ItemCount"], 11);
    let records =
        crate::streams::records(engine, table["Table"]["LatestStreamArn"].as_str().unwrap()).await;
    assert_eq!(records.len(), 11);
    let numbers: Vec<&str> = records
        .iter()
        .map(|it| it["dynamodb"]["SequenceNumber"].as_str().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    host.close().await;
}

/// Background tasks let go of the folder a moment after the drop.
async fn reopen(options: impl Fn() -> Options) -> EngineHost {
    for _ in 0..200 {
        if let Ok(host) = EngineHost::open(options()) {
            return host;
        }
        tokio::task::yield_now().await;
        Clock::real().sleep(Duration::from_millis(5)).await;
    }
    panic!("the folder stays locked");
}

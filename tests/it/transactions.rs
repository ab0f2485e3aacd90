//! Transactions across tables, in the JSON of the wire.

use serde_json::{Value, json};
use waterwheel::engine::Engine;

use crate::tables::{call, make, put, refusal, world};

async fn write(engine: &Engine, items: Value) -> Result<Value, Value> {
    call(
        engine,
        "TransactWriteItems",
        json!({"TransactItems": items}),
    )
    .await
}

async fn count(engine: &Engine, table: &str) -> Value {
    let found = call(
        engine,
        "Scan",
        json!({"TableName": table, "Select": "COUNT"}),
    );
    found.await.unwrap()["Count"].clone()
}

fn put_action(table: &str, id: &str) -> Value {
    json!({"Put": {"TableName": table, "Item": {"pk": {"S": id}}}})
}

#[tokio::test]
async fn a_transaction_happens_in_all_its_tables_or_in_none() {
    let host = world();
    let engine = host.engine();
    let stream =
        json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    make(engine, "one", false, stream).await;
    make(engine, "two", false, json!({})).await;
    put(
        engine,
        "two",
        json!({"pk": {"S": "there"}, "n": {"N": "1"}}),
    )
    .await;
    let guarded = |id: &str| {
        json!({"Put": {
            "TableName": "two", "Item": {"pk": {"S": id}}, "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }})
    };
    let failed = write(engine, json!([put_action("one", "a"), guarded("there")])).await;
    assert_eq!(
        refusal(failed.clone()),
        "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific \
         reasons [None, ConditionalCheckFailed]"
    );
    let reasons = failed.unwrap_err()["CancellationReasons"].clone();
    assert_eq!(reasons[0], json!({"Code": "None"}));
    assert_eq!(reasons[1]["Item"]["n"], json!({"N": "1"}));
    assert_eq!(
        (count(engine, "one").await, count(engine, "two").await),
        (json!(0), json!(1))
    );

    let actions = json!([
        put_action("one", "a"),
        put_action("one", "b"),
        guarded("new"),
        {"Update": {
            "TableName": "two", "Key": {"pk": {"S": "there"}}, "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }},
    ]);
    write(engine, actions).await.unwrap();
    assert_eq!(
        (count(engine, "one").await, count(engine, "two").await),
        (json!(2), json!(2))
    );
    let gets = json!({"TransactItems": [
        {"Get": {"TableName": "two", "Key": {"pk": {"S": "there"}}, "ProjectionExpression": "n"}},
        {"Get": {"TableName": "one", "Key": {"pk": {"S": "missing"}}}},
    ]});
    let got = call(engine, "TransactGetItems", gets).await.unwrap();
    assert_eq!(got["Responses"], json!([{"Item": {"n": {"N": "2"}}}, {}]));
    let table = call(engine, "DescribeTable", json!({"TableName": "one"}))
        .await
        .unwrap();
    let stream = table["Table"]["LatestStreamArn"].as_str().unwrap();
    assert_eq!(crate::streams::records(engine, stream).await.len(), 2);
    host.close().await;
}

#[tokio::test]
async fn an_item_is_touched_once_by_a_transaction() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    let twice = json!([put_action("table", "a"), {"Delete": {"TableName": "table", "Key": {"pk": {"S": "a"}}}}]);
    assert_eq!(
        refusal(write(engine, twice).await),
        "ValidationException: Transaction request cannot include multiple operations on one item"
    );
    host.close().await;
}

#[tokio::test]
async fn a_repeated_token_does_not_happen_twice() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    let add = |by: &str| {
        json!({"ClientRequestToken": "token", "TransactItems": [{"Update": {
            "TableName": "table", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "ADD n :by",
            "ExpressionAttributeValues": {":by": {"N": by}},
        }}]})
    };
    for _ in 0..2 {
        call(engine, "TransactWriteItems", add("1")).await.unwrap();
    }
    let key = json!({"TableName": "table", "Key": {"pk": {"S": "a"}}});
    let got = call(engine, "GetItem", key).await.unwrap();
    assert_eq!(got["Item"]["n"], json!({"N": "1"}));
    let other = call(engine, "TransactWriteItems", add("2")).await;
    assert!(refusal(other).starts_with("IdempotentParameterMismatchException"));
    host.close().await;
}

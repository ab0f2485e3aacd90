//! Queries, scans and indexes in the JSON of the wire.

use serde_json::{Value, json};

use crate::tables::{call, make, put, refusal, world};

fn texts(answer: &Value, name: &str) -> Vec<String> {
    let items = answer["Items"].as_array().unwrap();
    items
        .iter()
        .map(|it| it[name]["S"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_query_reads_one_partition_in_the_order_of_sort_keys() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", true, json!({})).await;
    for (pk, sk) in [("p", "b"), ("p", "a"), ("q", "x"), ("p", "ab"), ("p", "c")] {
        put(engine, "table", json!({"pk": {"S": pk}, "sk": {"S": sk}})).await;
    }
    let ask = |condition: &str, more: Value| {
        let mut request = json!({
            "TableName": "table", "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":p": {"S": "p"}},
        });
        for (member, value) in more.as_object().unwrap() {
            request[member] = value.clone();
        }
        request
    };
    let all = call(engine, "Query", ask("pk = :p", json!({})))
        .await
        .unwrap();
    assert_eq!(texts(&all, "sk"), ["a", "ab", "b", "c"]);
    let back = call(
        engine,
        "Query",
        ask("pk = :p", json!({"ScanIndexForward": false, "Limit": 2})),
    )
    .await
    .unwrap();
    assert_eq!(texts(&back, "sk"), ["c", "b"]);
    let start = back["LastEvaluatedKey"].clone();
    assert_eq!(start, json!({"pk": {"S": "p"}, "sk": {"S": "b"}}));
    let more = json!({"ScanIndexForward": false, "ExclusiveStartKey": start});
    let back = call(engine, "Query", ask("pk = :p", more)).await.unwrap();
    assert_eq!(texts(&back, "sk"), ["ab", "a"]);
    assert!(back.get("LastEvaluatedKey").is_none());
    let values = json!({"ExpressionAttributeValues": {":p": {"S": "p"}, ":s": {"S": "a"}}});
    let some = call(
        engine,
        "Query",
        ask("pk = :p AND begins_with(sk, :s)", values),
    )
    .await
    .unwrap();
    assert_eq!(texts(&some, "sk"), ["a", "ab"]);
    let elsewhere = json!({"ExclusiveStartKey": {"pk": {"S": "q"}, "sk": {"S": "x"}}});
    assert_eq!(
        refusal(call(engine, "Query", ask("pk = :p", elsewhere)).await),
        "ValidationException: The provided starting key is outside query boundaries based on provided conditions"
    );
    host.close().await;
}

#[tokio::test]
async fn a_page_ends_after_a_megabyte_before_filters_look_at_it() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", true, json!({})).await;
    for number in 0..20 {
        let item = json!({"pk": {"S": "p"}, "sk": {"S": format!("{number:02}")}, "data": {"S": "x".repeat(100_000)}});
        put(engine, "table", item).await;
    }
    let mut request = json!({
        "TableName": "table", "FilterExpression": "sk = :s", "ExpressionAttributeValues": {":s": {"S": "19"}},
    });
    let first = call(engine, "Scan", request.clone()).await.unwrap();
    assert_eq!(
        (first["Count"].as_u64(), first["ScannedCount"].as_u64()),
        (Some(0), Some(11))
    );
    request["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
    let second = call(engine, "Scan", request).await.unwrap();
    assert_eq!(
        (second["Count"].as_u64(), second["ScannedCount"].as_u64()),
        (Some(1), Some(9))
    );
    assert!(second.get("LastEvaluatedKey").is_none());
    host.close().await;
}

#[tokio::test]
async fn segments_of_a_scan_share_out_the_items() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    for number in 0..50 {
        put(engine, "table", json!({"pk": {"S": number.to_string()}})).await;
    }
    let mut seen = Vec::new();
    for segment in 0..3 {
        let mut start = Value::Null;
        loop {
            let request = json!({
                "TableName": "table", "Segment": segment, "TotalSegments": 3, "Limit": 4, "ExclusiveStartKey": start,
            });
            let page = call(engine, "Scan", request).await.unwrap();
            seen.extend(texts(&page, "pk"));
            match page.get("LastEvaluatedKey") {
                Some(last) => start = last.clone(),
                None => break,
            }
        }
    }
    assert_eq!(seen.len(), 50);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 50);
    host.close().await;
}

#[tokio::test]
async fn indexes_follow_their_items() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", true, json!({
        "AttributeDefinitions": [
            {"AttributeName": "kind", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "by_at",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
        }],
    }))
    .await;
    for (sk, kind, at) in [("1", "red", 30), ("2", "red", 4), ("3", "blue", 5)] {
        let item = json!({
            "pk": {"S": "p"}, "sk": {"S": sk}, "kind": {"S": kind}, "at": {"N": at.to_string()},
            "note": {"S": "n"}, "more": {"S": "m"},
        });
        put(engine, "table", item).await;
    }
    let reds = json!({
        "TableName": "table", "IndexName": "by_kind", "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": {":k": {"S": "red"}},
    });
    let found = call(engine, "Query", reds.clone()).await.unwrap();
    assert_eq!(texts(&found, "sk"), ["2", "1"]);
    assert!(found["Items"][0].get("note").is_none());
    let local = json!({
        "TableName": "table", "IndexName": "by_at", "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}}, "ConsistentRead": true,
    });
    let found = call(engine, "Query", local.clone()).await.unwrap();
    assert_eq!(texts(&found, "sk"), ["2", "3", "1"]);
    assert!(found["Items"][0].get("note").is_some() && found["Items"][0].get("more").is_none());
    let mut fetched = local;
    fetched["Select"] = json!("ALL_ATTRIBUTES");
    let found = call(engine, "Query", fetched).await.unwrap();
    assert_eq!(texts(&found, "more"), ["m", "m", "m"]);

    let request = json!({
        "TableName": "table", "Key": {"pk": {"S": "p"}, "sk": {"S": "2"}}, "UpdateExpression": "REMOVE kind",
    });
    call(engine, "UpdateItem", request).await.unwrap();
    let found = call(engine, "Query", reds.clone()).await.unwrap();
    assert_eq!(texts(&found, "sk"), ["1"]);
    let table = call(engine, "DescribeTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(table["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 2);
    assert_eq!(table["Table"]["LocalSecondaryIndexes"][0]["ItemCount"], 3);
    let mut consistent = reds;
    consistent["ConsistentRead"] = json!(true);
    assert_eq!(
        refusal(call(engine, "Query", consistent).await),
        "ValidationException: Consistent reads are not supported on global secondary indexes"
    );
    host.close().await;
}

#[tokio::test]
async fn a_new_index_is_filled_from_the_table() {
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    for number in 0..5 {
        let kind = if number % 2 == 0 {
            json!({"S": "even"})
        } else {
            json!({"N": "1"})
        };
        put(
            engine,
            "table",
            json!({"pk": {"S": number.to_string()}, "kind": kind}),
        )
        .await;
    }
    let request = json!({
        "TableName": "table",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "kind", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "by_kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }}],
    });
    let answer = call(engine, "UpdateTable", request).await.unwrap();
    assert_eq!(
        answer["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"],
        "CREATING"
    );
    let found = call(
        engine,
        "Scan",
        json!({"TableName": "table", "IndexName": "by_kind"}),
    )
    .await
    .unwrap();
    assert_eq!(found["Count"], 3);
    let request = json!({
        "TableName": "table", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_kind"}}],
    });
    call(engine, "UpdateTable", request).await.unwrap();
    let table = call(engine, "DescribeTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert!(table["Table"].get("GlobalSecondaryIndexes").is_none());
    assert_eq!(
        table["Table"]["AttributeDefinitions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    host.close().await;
}

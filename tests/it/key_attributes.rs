//! Global indexes with keys of several attributes.

use serde_json::{Value, json};
use waterwheel::engine::Engine;

use crate::tables::{call, make, put, refusal, world};

fn keys(partition: &[&str], sort: &[&str]) -> Vec<Value> {
    let element = |name: &&str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let partition = partition.iter().map(|it| element(it, "HASH"));
    partition
        .chain(sort.iter().map(|it| element(it, "RANGE")))
        .collect()
}

fn index(keys: &[Value]) -> Value {
    json!({"IndexName": "by_place", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}})
}

fn definitions(names: &[(&str, &str)]) -> Vec<Value> {
    let names = names.iter();
    names
        .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}))
        .collect()
}

const PLACES: [(&str, &str); 4] = [("land", "S"), ("town", "S"), ("year", "N"), ("name", "S")];

async fn places(engine: &Engine) {
    let more = json!({
        "AttributeDefinitions": definitions(&PLACES),
        "GlobalSecondaryIndexes": [index(&keys(&["land", "town"], &["year", "name"]))],
    });
    make(engine, "places", false, more).await;
    for (id, land, town, year, name) in [
        ("1", "fr", "paris", 2024, "b"),
        ("2", "fr", "paris", 2024, "a"),
        ("3", "fr", "paris", 999, "z"),
        ("4", "fr", "lyon", 2024, "a"),
        ("5", "frp", "aris", 2024, "a"),
        ("6", "fr", "paris", 2025, "c"),
    ] {
        let item = json!({
            "pk": {"S": id}, "land": {"S": land}, "town": {"S": town},
            "year": {"N": year.to_string()}, "name": {"S": name},
        });
        put(engine, "places", item).await;
    }
    // Without one of the attributes it is not in the index.
    let bare =
        json!({"pk": {"S": "7"}, "land": {"S": "fr"}, "town": {"S": "paris"}, "name": {"S": "a"}});
    put(engine, "places", bare).await;
}

async fn query(engine: &Engine, condition: &str, more: Value) -> Result<Value, Value> {
    let mut input = json!({
        "TableName": "places", "IndexName": "by_place", "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#y": "year", "#n": "name"},
        "ExpressionAttributeValues": {
            ":fr": {"S": "fr"}, ":paris": {"S": "paris"}, ":y": {"N": "2024"}, ":a": {"S": "a"},
        },
    });
    for (placeholder, members) in [
        ("#y", "ExpressionAttributeNames"),
        ("#n", "ExpressionAttributeNames"),
        (":fr", "ExpressionAttributeValues"),
        (":paris", "ExpressionAttributeValues"),
        (":y", "ExpressionAttributeValues"),
        (":a", "ExpressionAttributeValues"),
    ] {
        let word = |it: &str| it == placeholder;
        if !condition.split([' ', '(', ')', ',']).any(word) {
            input[members].as_object_mut().unwrap().remove(placeholder);
        }
    }
    if input["ExpressionAttributeNames"]
        .as_object()
        .unwrap()
        .is_empty()
    {
        input
            .as_object_mut()
            .unwrap()
            .remove("ExpressionAttributeNames");
    }
    for (member, value) in more.as_object().unwrap() {
        input[member] = value.clone();
    }
    call(engine, "Query", input).await
}

async fn ids(engine: &Engine, condition: &str) -> Vec<String> {
    let answer = query(engine, condition, json!({})).await.unwrap();
    let items = answer["Items"].as_array().unwrap().iter();
    items
        .map(|it| it["pk"]["S"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn items_are_found_by_the_whole_partition_key_and_sorted_by_every_sort_attribute() {
    let host = world();
    let engine = host.engine();
    places(engine).await;
    let home = "land = :fr AND town = :paris";
    assert_eq!(ids(engine, home).await, ["3", "2", "1", "6"]);
    assert_eq!(
        ids(engine, &format!("{home} AND #y = :y")).await,
        ["2", "1"]
    );
    assert_eq!(ids(engine, &format!("{home} AND #y > :y")).await, ["6"]);
    assert_eq!(
        ids(engine, &format!("{home} AND #y = :y AND #n > :a")).await,
        ["1"]
    );
    assert_eq!(
        ids(engine, &format!("#n = :a AND #y = :y AND {home}")).await,
        ["2"]
    );
    // Page by page, forwards and back.
    for forward in [true, false] {
        let mut found = Vec::new();
        let mut start = Value::Null;
        loop {
            let more = json!({"Limit": 1, "ScanIndexForward": forward, "ExclusiveStartKey": start});
            let answer = query(engine, home, more).await.unwrap();
            let page = answer["Items"].as_array().unwrap().iter();
            found.extend(page.map(|it| it["pk"]["S"].as_str().unwrap().to_owned()));
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
            assert_eq!(start.as_object().unwrap().len(), 5);
        }
        let mut expected = ["3", "2", "1", "6"];
        if !forward {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
    let described = call(engine, "DescribeTable", json!({"TableName": "places"})).await;
    let schema = described.unwrap()["Table"]["GlobalSecondaryIndexes"][0]["KeySchema"].clone();
    assert_eq!(schema, json!(keys(&["land", "town"], &["year", "name"])));
    host.close().await;
}

#[tokio::test]
async fn a_condition_leaves_no_gap() {
    let host = world();
    let engine = host.engine();
    places(engine).await;
    for (condition, words) in [
        (
            "land = :fr",
            "Query condition missed key schema element: town",
        ),
        (
            "land = :fr AND town = :paris AND #n = :a",
            "Query condition missed key schema element: year",
        ),
        (
            "land = :fr AND town > :paris",
            "Query key condition not supported",
        ),
        (
            "land = :fr AND town = :paris AND #y > :y AND #n = :a",
            "Query key condition not supported",
        ),
    ] {
        assert_eq!(
            refusal(query(engine, condition, json!({})).await),
            format!("ValidationException: {words}"),
            "{condition}"
        );
    }
    host.close().await;
}

#[tokio::test]
async fn such_an_index_is_added_to_a_table_and_has_four_attributes_of_a_kind_at_most() {
    let host = world();
    let engine = host.engine();
    make(engine, "places", false, json!({})).await;
    let item = json!({
        "pk": {"S": "1"}, "land": {"S": "fr"}, "town": {"S": "paris"}, "year": {"N": "1"}, "name": {"S": "a"},
    });
    put(engine, "places", item).await;
    let add = |keys: Vec<Value>, defined: Vec<Value>| {
        let input = json!({
            "TableName": "places", "AttributeDefinitions": defined,
            "GlobalSecondaryIndexUpdates": [{"Create": index(&keys)}],
        });
        call(engine, "UpdateTable", input)
    };
    let five: Vec<(&str, &str)> = ["a", "b", "c", "d", "e"].map(|it| (it, "S")).to_vec();
    let too_many = add(keys(&["a", "b", "c", "d", "e"], &[]), definitions(&five)).await;
    assert!(refusal(too_many).contains("exceeds the limit of 4"));
    let mixed = keys(&["a"], &["b"]).into_iter().chain(keys(&["c"], &[]));
    let mixed = add(mixed.collect(), definitions(&five[..3])).await;
    assert!(refusal(mixed).contains("must come before"));
    let made = add(
        keys(&["land", "town"], &["year", "name"]),
        definitions(&PLACES),
    )
    .await;
    made.unwrap();
    assert_eq!(ids(engine, "land = :fr AND town = :paris").await, ["1"]);
    let wrong = json!({"TableName": "places", "Item": {"pk": {"S": "2"}, "town": {"N": "1"}}});
    let wrong = call(engine, "PutItem", wrong).await;
    assert!(refusal(wrong).contains("Type mismatch for Index Key town Expected: S Actual: N"));
    let two_hashes = json!({
        "TableName": "simple", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": definitions(&five[..2]), "KeySchema": keys(&["a", "b"], &[]),
    });
    assert_eq!(
        refusal(call(engine, "CreateTable", two_hashes).await),
        "ValidationException: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"
    );
    host.close().await;
}

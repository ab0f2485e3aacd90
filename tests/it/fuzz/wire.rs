//! Requests of any shape: an answer or a refusal, never a failure of ours.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use waterwheel::engine::{Engine, EngineHost, dynamodb, streams};

use super::{any_text, check};
use crate::tables::{make, put, world};

/// A world with a table that valid requests mean.
struct World {
    runtime: Runtime,
    host: EngineHost,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let host = runtime.block_on(async {
            let host = world();
            let more = json!({
                "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
                "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }],
            });
            make(host.engine(), "table", true, more).await;
            for sk in ["a", "b", "c"] {
                let item = json!({"pk": {"S": "p"}, "sk": {"S": sk}, "g": {"S": "g"}, "n": {"N": "1"}});
                put(host.engine(), "table", item).await;
            }
            host
        });
        Self { runtime, host }
    }

    fn engine(&self) -> &Engine {
        self.host.engine()
    }

    /// Sends it and checks that the answer is one of AWS's; gives its status.
    fn send(&self, request: http::Request<Bytes>) -> u16 {
        let shown = format!("{:?} {:?}", request.headers(), request.body());
        let response = self.runtime.block_on(self.engine().handle(request));
        let status = response.status().as_u16();
        let body = String::from_utf8_lossy(response.body());
        assert!((200..500).contains(&status), "{status} {body}\n{shown}");
        status
    }

    fn send_json(&self, target: &str, body: impl Into<Bytes>) -> u16 {
        let request = http::Request::post("http://localhost/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header("authorization", signed("dynamodb"))
            .body(body.into());
        self.send(request.unwrap())
    }

    fn close(self) {
        self.runtime.block_on(self.host.close());
    }
}

/// A world for so many requests, then another: one of them may have deleted the table.
struct Worlds {
    now: RefCell<World>,
    left: Cell<u32>,
}

impl Worlds {
    const REQUESTS: u32 = 500;

    fn new() -> Self {
        Self {
            now: RefCell::new(World::new()),
            left: Cell::new(Self::REQUESTS),
        }
    }

    /// With the world of this moment.
    fn visit(&self, visit: impl FnOnce(&World)) {
        visit(&self.now.borrow());
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.now.replace(World::new()).close();
            self.left.set(Self::REQUESTS);
        }
    }

    fn close(self) {
        self.now.into_inner().close();
    }
}

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAANYKEY/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, \
         Signature=00"
    )
}

/// `DynamoDB_20120810.PutItem` and all the others.
fn targets() -> Vec<String> {
    let tables = dynamodb::operations().iter();
    let tables = tables.map(|it| format!("DynamoDB_20120810.{}", it.name));
    let streams = streams::operations().iter();
    let streams = streams.map(|it| format!("DynamoDBStreams_20120810.{}", it.name));
    tables.chain(streams).collect()
}

const MEMBERS: &[&str] = &[
    "TableName",
    "Key",
    "Item",
    "Keys",
    "RequestItems",
    "TransactItems",
    "IndexName",
    "Limit",
    "Select",
    "Segment",
    "TotalSegments",
    "ExclusiveStartKey",
    "ConsistentRead",
    "ReturnValues",
    "ReturnConsumedCapacity",
    "Put",
    "Update",
    "Delete",
    "Get",
    "ConditionCheck",
    "PutRequest",
    "DeleteRequest",
    "ConditionExpression",
    "UpdateExpression",
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "AttributesToGet",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "Expected",
    "AttributeUpdates",
    "ConditionalOperator",
    "AttributeDefinitions",
    "AttributeName",
    "AttributeType",
    "KeySchema",
    "KeyType",
    "BillingMode",
    "ProvisionedThroughput",
    "ReadCapacityUnits",
    "GlobalSecondaryIndexes",
    "Projection",
    "ProjectionType",
    "NonKeyAttributes",
    "LocalSecondaryIndexes",
    "StreamSpecification",
    "StreamEnabled",
    "StreamViewType",
    "Tags",
    "ResourceArn",
    "StreamArn",
    "ShardId",
    "ShardIterator",
    "ShardIteratorType",
    "SequenceNumber",
    "TimeToLiveSpecification",
    "AttributeValueList",
    "ComparisonOperator",
    "Exists",
    "Action",
    "Value",
    "Statement",
    "Statements",
    "Parameters",
    "ClientRequestToken",
    "GlobalSecondaryIndexUpdates",
    "Create",
    "BackupArn",
    "BackupName",
    "Policy",
    "pk",
    "sk",
    "table",
    "S",
    "N",
    "B",
    "M",
    "L",
    "SS",
    "NS",
    "BS",
    "BOOL",
    "NULL",
];
const TEXTS: &[&str] = &[
    "",
    "table",
    "by_g",
    "p",
    "a",
    "1",
    "-1e200",
    "S",
    "N",
    "HASH",
    "RANGE",
    "ALL",
    "ALL_OLD",
    "COUNT",
    "EQ",
    "IN",
    "a = :v",
    "SET a = :v",
    "SELECT * FROM \"table\"",
    "AAEC",
    "=",
    "LATEST",
    "TRIM_HORIZON",
    "\0",
    "é",
    "PAY_PER_REQUEST",
    "arn:aws:dynamodb:us-east-1:123456789012:table/table",
    "KEYS_ONLY",
    "PUT",
    "ADD",
    "TOTAL",
    "INDEXES",
];

/// Any JSON, with the words of the API at every place.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2..30_i32).prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let member = (prop::sample::select(MEMBERS), inner.clone());
        let object = prop::collection::vec(member, 0..6).prop_map(|members| {
            let members = members.into_iter().map(|(name, it)| (name.to_owned(), it));
            Value::Object(members.collect())
        });
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            object
        ]
    })
}

/// Requests that work, by operation.
fn valid() -> Vec<(String, Value)> {
    let key = json!({"pk": {"S": "p"}, "sk": {"S": "a"}});
    let values = json!({":v": {"S": "p"}});
    let table = |members: Value| {
        let mut request = json!({"TableName": "table"});
        for (name, value) in members.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    };
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/table";
    [
        ("PutItem", table(json!({"Item": {"pk": {"S": "p"}, "sk": {"S": "z"}, "l": {"L": [{"M": {"a": {"NS": ["1"]}}}]}},
            "ConditionExpression": "attribute_not_exists(#l) OR l <> :v", "ExpressionAttributeNames": {"#l": "l"},
            "ExpressionAttributeValues": values, "ReturnValues": "ALL_OLD"}))),
        ("GetItem", table(json!({"Key": key, "ProjectionExpression": "g, n", "ConsistentRead": true}))),
        ("UpdateItem", table(json!({"Key": key, "UpdateExpression": "SET m = :v REMOVE n", "ReturnValues": "ALL_NEW",
            "ExpressionAttributeValues": values}))),
        ("UpdateItem", table(json!({"Key": key, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}},
            "Expected": {"g": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "a"}, {"S": "z"}]}}}))),
        ("DeleteItem", table(json!({"Key": key, "ConditionExpression": "g <> :v", "ExpressionAttributeValues": values}))),
        ("Query", table(json!({"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": values, "Limit": 2,
            "FilterExpression": "attribute_exists(g)", "ExclusiveStartKey": key, "ScanIndexForward": false}))),
        ("Query", table(json!({"IndexName": "by_g", "KeyConditions": {"g": {"ComparisonOperator": "EQ",
            "AttributeValueList": [{"S": "g"}]}}, "QueryFilter": {"n": {"ComparisonOperator": "NOT_NULL"}}}))),
        ("Scan", table(json!({"Segment": 0, "TotalSegments": 2, "Select": "COUNT", "ReturnConsumedCapacity": "INDEXES"}))),
        ("BatchGetItem", json!({"RequestItems": {"table": {"Keys": [key], "AttributesToGet": ["g"]}}})),
        ("BatchWriteItem", json!({"RequestItems": {"table": [{"PutRequest": {"Item": key}}, {"DeleteRequest": {"Key":
            {"pk": {"S": "p"}, "sk": {"S": "b"}}}}]}})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": table(json!({"Key": key}))}]})),
        ("TransactWriteItems", json!({"ClientRequestToken": "token", "TransactItems": [
            {"Put": table(json!({"Item": key}))},
            {"ConditionCheck": table(json!({"Key": {"pk": {"S": "q"}, "sk": {"S": "a"}},
                "ConditionExpression": "attribute_not_exists(pk)"}))}]})),
        ("DescribeTable", table(json!({}))),
        ("UpdateTable", table(json!({"StreamSpecification": {"StreamEnabled": false}}))),
        ("CreateTable", json!({"TableName": "other", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}})),
        ("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]})),
        ("UpdateTimeToLive", table(json!({"TimeToLiveSpecification": {"Enabled": true, "AttributeName": "ttl"}}))),
        ("ExecuteStatement", json!({"Statement": "SELECT * FROM \"table\" WHERE pk = ?", "Parameters": [{"S": "p"}]})),
        ("BatchExecuteStatement", json!({"Statements": [{"Statement": "DELETE FROM \"table\" WHERE pk='p' AND sk='c'"}]})),
    ]
    .into_iter()
    .map(|(operation, request)| (format!("DynamoDB_20120810.{operation}"), request))
    .collect()
}

/// Puts something else in the place that a random walk from the top ends at.
fn graft(request: &mut Value, walk: &[u8], scion: Value) {
    let Some((step, walk)) = walk.split_first() else {
        *request = scion;
        return;
    };
    let at = |count: usize| usize::from(*step) % count;
    match request {
        Value::Object(members) if !members.is_empty() => {
            let count = members.len();
            if let Some((_, member)) = members.iter_mut().nth(at(count)) {
                graft(member, walk, scion);
            }
        }
        Value::Array(members) if !members.is_empty() => {
            let count = members.len();
            graft(&mut members[at(count)], walk, scion);
        }
        _ => *request = scion,
    }
}

#[test]
fn the_requests_to_be_damaged_work_as_they_are() {
    let world = World::new();
    for (target, body) in valid() {
        assert_eq!(
            world.send_json(&target, body.to_string()),
            200,
            "{target} {body}"
        );
    }
    world.close();
}

#[test]
fn any_json_is_answered_for_every_operation() {
    let worlds = Worlds::new();
    let target = prop::sample::select(targets());
    check(300, &(target, any_json()), |(target, body)| {
        worlds.visit(|world| {
            world.send_json(&target, body.to_string());
        });
        Ok(())
    });
    worlds.close();
}

#[test]
fn valid_requests_with_a_part_replaced_are_answered() {
    let worlds = Worlds::new();
    let request = prop::sample::select(valid());
    let grafts =
        prop::collection::vec((prop::collection::vec(any::<u8>(), 1..7), any_json()), 0..3);
    check(300, &(request, grafts), |((target, mut body), grafts)| {
        for (walk, scion) in grafts {
            graft(&mut body, &walk, scion);
        }
        worlds.visit(|world| {
            world.send_json(&target, body.to_string());
        });
        Ok(())
    });
    worlds.close();
}

#[test]
fn any_bytes_are_answered() {
    let worlds = Worlds::new();
    let target = prop::sample::select(targets());
    let bytes = prop::collection::vec(
        prop_oneof![prop::sample::select(&b"{}[]\":,\\u0en1.-"[..]), any::<u8>()],
        0..80,
    );
    let service = prop::sample::select(vec!["dynamodb", "sqs", "logs", "iam", "sts", "lambda"]);
    check(300, &(target, bytes, service), |(target, body, service)| {
        worlds.visit(|world| {
            world.send_json(&target, body.clone());
            let request = http::Request::post("http://localhost/")
                .header("authorization", signed(service))
                .body(Bytes::from(body));
            world.send(request.unwrap());
        });
        Ok(())
    });
    worlds.close();
}

#[test]
fn a_request_nested_ten_thousand_deep_is_refused() {
    let world = World::new();
    for (open, close) in [
        ("[", "]"),
        ("{\"M\":", "}"),
        ("{\"M\":{\"a\":", "}}"),
        ("{\"L\":[", "]}"),
    ] {
        for depth in [100, 10_000, 1_000_000] {
            let deep = format!(
                "{}{{\"S\":\"a\"}}{}",
                open.repeat(depth),
                close.repeat(depth)
            );
            let body = format!(
                "{{\"TableName\":\"table\",\"Item\":{{\"pk\":{{\"S\":\"p\"}},\"sk\":{{\"S\":\"a\"}},\"d\":{deep}}}}}"
            );
            let status = world.send_json("DynamoDB_20120810.PutItem", body);
            assert_eq!(status, 400, "{open} {depth}");
        }
    }
    world.close();
}

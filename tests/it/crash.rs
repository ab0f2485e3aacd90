//! What is left when the program is killed in the middle of its writes.

#![cfg(unix)]

use std::collections::BTreeSet;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use aws_sdk_dynamodb::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use waterwheel::clock::Clock;
use waterwheel::engine::{Engine, EngineHost, Options};

use crate::port::Serving;
use crate::tables::{call, make, s};

const WRITERS: usize = 4;
const ACKNOWLEDGED: usize = 400;

#[tokio::test]
async fn a_killed_program_has_every_acknowledged_write_whole_and_no_half_of_another() {
    let folder = tempfile::tempdir().unwrap();
    make_table(folder.path()).await;
    let mut serving = Serving::start(&["--data", folder.path().to_str().unwrap()]);
    let acknowledged = write_until_killed(&mut serving).await;
    assert!(acknowledged.len() >= ACKNOWLEDGED);

    let host = open(folder.path());
    let engine = host.engine();
    let items = ids(&everything(engine, json!({"TableName": "table"})).await);
    let lost: Vec<_> = acknowledged.difference(&items).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let by_kind = everything(
        engine,
        json!({"TableName": "table", "IndexName": "by_kind"}),
    )
    .await;
    assert_eq!(ids(&by_kind), items);
    let table = call(engine, "DescribeTable", json!({"TableName": "table"}))
        .await
        .unwrap();
    assert_eq!(table["Table"]["ItemCount"], items.len());
    let stream = table["Table"]["LatestStreamArn"].as_str().unwrap();
    let records = crate::streams::records(engine, stream).await;
    let recorded: BTreeSet<String> = records
        .iter()
        .map(|it| {
            it["dynamodb"]["Keys"]["pk"]["S"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!((records.len(), &recorded), (items.len(), &items));
    host.close().await;
}

fn open(folder: &std::path::Path) -> EngineHost {
    EngineHost::open(Options {
        folder: Some(folder.to_owned()),
        ..Options::temporary(Clock::real())
    })
    .unwrap()
}

async fn make_table(folder: &std::path::Path) {
    let host = open(folder);
    let more = json!({
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    make(host.engine(), "table", false, more).await;
    make(host.engine(), "counter", false, json!({})).await;
    host.close().await;
}

/// Kills the program while several writers are at work; gives the ids whose writes were answered.
async fn write_until_killed(serving: &mut Serving) -> BTreeSet<String> {
    let (answered, answers) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = client(&serving.endpoint);
        let answered = answered.clone();
        writers.spawn(async move {
            for number in 0.. {
                let id = format!("{writer}-{number}");
                let put = client.put_item().table_name("table");
                let put = put.item("pk", s(&id)).item("kind", s("k"));
                if put.send().await.is_err() || answered.send(id).is_err() {
                    return;
                }
            }
        });
    }
    drop(answered);
    let acknowledged = killed_after(serving, ACKNOWLEDGED, answers).await;
    writers.join_all().await;
    acknowledged
}

/// What was answered, by a program that is killed after so many answers.
async fn killed_after(
    serving: &mut Serving,
    after: usize,
    mut answers: UnboundedReceiver<String>,
) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    while let Some(name) = answers.recv().await {
        acknowledged.insert(name);
        if acknowledged.len() == after {
            serving.kill();
        }
    }
    acknowledged
}

/// Transactions of two items and their index entries, killed again and again on one folder.
#[tokio::test]
async fn a_transaction_a_kill_interrupts_is_there_with_all_its_parts_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    make_table(folder.path()).await;
    let mut acknowledged = BTreeSet::new();
    for (round, after) in [23, 61, 140].into_iter().enumerate() {
        let mut serving = Serving::start(&["--data", folder.path().to_str().unwrap()]);
        acknowledged.extend(transact_until_killed(&mut serving, round, after).await);
    }
    let host = open(folder.path());
    let engine = host.engine();
    let items = everything(engine, json!({"TableName": "table"})).await;
    let whole = ids(&items);
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|pair| {
            !whole.contains(&format!("{pair}-a")) || !whole.contains(&format!("{pair}-b"))
        })
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let pair = |id: &String| id[..id.len() - 2].to_owned();
    let pairs: BTreeSet<String> = whole.iter().map(pair).collect();
    assert_eq!(whole.len(), pairs.len() * 2);
    let by_kind = json!({"TableName": "table", "IndexName": "by_kind"});
    assert_eq!(ids(&everything(engine, by_kind).await), whole);
    // One item counts the transactions that happened, in the same transactions.
    let counted = call(
        engine,
        "GetItem",
        json!({"TableName": "counter", "Key": {"pk": {"S": "n"}}}),
    );
    let counted = counted.await.unwrap()["Item"]["n"]["N"].clone();
    assert_eq!(counted, pairs.len().to_string());
    let table = call(engine, "DescribeTable", json!({"TableName": "table"})).await;
    let stream = table.unwrap()["Table"]["LatestStreamArn"].clone();
    let records = crate::streams::records(engine, stream.as_str().unwrap()).await;
    assert_eq!(records.len(), whole.len());
    host.close().await;
}

/// Gives the names of the pairs whose transactions were answered.
async fn transact_until_killed(
    serving: &mut Serving,
    round: usize,
    after: usize,
) -> BTreeSet<String> {
    let (answered, answers) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = client(&serving.endpoint);
        let answered = answered.clone();
        writers.spawn(async move {
            for number in 0.. {
                let name = format!("{round}-{writer}-{number}");
                match transact(&client, &name).await {
                    Transacted::Conflict => (),
                    Transacted::Done if answered.send(name).is_ok() => (),
                    Transacted::Done | Transacted::Unanswered => return,
                }
            }
        });
    }
    drop(answered);
    let acknowledged = killed_after(serving, after, answers).await;
    writers.join_all().await;
    acknowledged
}

enum Transacted {
    Done,
    /// Another writer's transaction was at work on the counter.
    Conflict,
    Unanswered,
}

async fn transact(client: &Client, name: &str) -> Transacted {
    let put = |end: &str| {
        let put = Put::builder()
            .table_name("table")
            .item("pk", s(&format!("{name}-{end}")));
        TransactWriteItem::builder()
            .put(put.item("kind", s("k")).build().unwrap())
            .build()
    };
    let count = Update::builder()
        .table_name("counter")
        .key("pk", s("n"))
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    let count = TransactWriteItem::builder().update(count.build().unwrap());
    let request = client.transact_write_items().transact_items(put("a"));
    let request = request
        .transact_items(put("b"))
        .transact_items(count.build());
    match request.send().await {
        Ok(_) => Transacted::Done,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(TransactWriteItemsError::is_transaction_canceled_exception) =>
        {
            Transacted::Conflict
        }
        Err(_) => Transacted::Unanswered,
    }
}

fn client(endpoint: &str) -> Client {
    Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("AKIAANYKEY", "any", None, None, "test"))
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    )
}

async fn everything(engine: &Engine, mut request: Value) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let page = call(engine, "Scan", request.clone()).await.unwrap();
        items.extend(page["Items"].as_array().unwrap().clone());
        match page.get("LastEvaluatedKey") {
            Some(last) => request["ExclusiveStartKey"] = last.clone(),
            None => return items,
        }
    }
}

fn ids(items: &[Value]) -> BTreeSet<String> {
    let ids = items
        .iter()
        .map(|it| it["pk"]["S"].as_str().unwrap().to_owned());
    ids.collect()
}

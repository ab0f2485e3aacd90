//! What is left when the program is killed in the middle of its writes.

#![cfg(unix)]

use std::collections::BTreeSet;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::{Client, Config};
use serde_json::{Value, json};
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
    host.close().await;
}

/// Kills the program while several writers are at work; gives the ids whose writes were answered.
async fn write_until_killed(serving: &mut Serving) -> BTreeSet<String> {
    let (answered, mut answers) = tokio::sync::mpsc::unbounded_channel();
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
    let mut acknowledged = BTreeSet::new();
    while let Some(id) = answers.recv().await {
        acknowledged.insert(id);
        if acknowledged.len() == ACKNOWLEDGED {
            serving.kill();
        }
    }
    writers.join_all().await;
    acknowledged
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

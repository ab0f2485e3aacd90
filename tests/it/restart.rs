//! The process is killed in the middle of writes: nothing acknowledged is lost, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionCode, Runtime};
use parking_lot::Mutex;
use waterwheel::aws::lambda::zip_files;
use waterwheel::clock::Clock;
use waterwheel::engine::{EngineHost, Options};
use waterwheel::mapping::progress::What;

use crate::wire::over_the_port;

const TABLE: &str = "restart-table";
const FUNCTION: &str = "say-keys";
const CODE: &str = "exports.handler = async (event) => {
  for (const record of event.Records) console.log('key ' + record.dynamodb.Keys.id.S + '.');
};";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole";

struct Served {
    process: Child,
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    lambda: aws_sdk_lambda::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_waterwheel"))
            .args(["serve", "--port", "0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let config = over_the_port(line.split_whitespace().last().unwrap());
        Self {
            process,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
        }
    }

    /// SIGKILL.
    fn kill(self) {
        drop(self);
    }

    async fn make_pipeline(&self) {
        let role = self
            .iam
            .create_role()
            .role_name("restart-role")
            .assume_role_policy_document(TRUST);
        let role = role.send().await.unwrap().role.unwrap();
        let attach = self.iam.attach_role_policy().role_name("restart-role");
        attach.policy_arn(POLICY).send().await.unwrap();
        let zip = zip_files(&[("index.js".to_owned(), CODE.to_owned())]).unwrap();
        self.lambda
            .create_function()
            .function_name(FUNCTION)
            .runtime(Runtime::from("nodejs22.x"))
            .role(role.arn)
            .handler("index.handler")
            .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
            .send()
            .await
            .unwrap();
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages);
        let table = self
            .dynamodb
            .create_table()
            .table_name(TABLE)
            .key_schema(key.build().unwrap())
            .attribute_definitions(attribute.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        let table = table.table_description.unwrap();
        self.lambda
            .create_event_source_mapping()
            .function_name(FUNCTION)
            .event_source_arn(table.latest_stream_arn.unwrap())
            .starting_position(EventSourcePosition::TrimHorizon)
            .send()
            .await
            .unwrap();
    }

    async fn put(&self, id: &str) -> bool {
        let put = self.dynamodb.put_item().table_name(TABLE);
        let put = put.item("id", AttributeValue::S(id.to_owned()));
        put.send().await.is_ok()
    }

    async fn items(&self) -> BTreeSet<String> {
        let scan = self.dynamodb.scan().table_name(TABLE);
        let mut found = BTreeSet::new();
        let mut pages = scan.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            found.insert(item.unwrap()["id"].as_s().unwrap().clone());
        }
        found
    }

    /// How many stream records each key has.
    async fn records(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let streams = self.streams.list_streams().table_name(TABLE);
        let streams = streams.send().await.unwrap().streams.unwrap();
        let arn = streams[0].stream_arn.clone().unwrap();
        let described = self.streams.describe_stream().stream_arn(&arn);
        let described = described.send().await.unwrap().stream_description.unwrap();
        for shard in described.shards() {
            let iterator = self
                .streams
                .get_shard_iterator()
                .stream_arn(&arn)
                .shard_id(shard.shard_id().unwrap())
                .shard_iterator_type(ShardIteratorType::TrimHorizon);
            let mut next = iterator.send().await.unwrap().shard_iterator;
            while let Some(iterator) = next {
                let page = self.streams.get_records().shard_iterator(iterator);
                let page = page.send().await.unwrap();
                let records = page.records.unwrap_or_default();
                if records.is_empty() {
                    break;
                }
                for record in records {
                    let keys = record.dynamodb.unwrap().keys.unwrap();
                    *found.entry(keys["id"].as_s().unwrap().clone()).or_default() += 1;
                }
                next = page.next_shard_iterator;
            }
        }
        found
    }

    /// How often the function said each key.
    async fn said(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let events = self
            .logs
            .filter_log_events()
            .log_group_name(format!("/aws/lambda/{FUNCTION}"));
        let mut pages = events.into_paginator().send();
        while let Some(Ok(page)) = pages.next().await {
            for event in page.events.unwrap_or_default() {
                let message = event.message.unwrap_or_default();
                if let Some((_, key)) = message.split_once("key ") {
                    let key = key.trim_end().trim_end_matches('.').to_owned();
                    *found.entry(key).or_default() += 1;
                }
            }
        }
        found
    }

    async fn until_all_said(&self, clock: &Clock, keys: &BTreeSet<String>) {
        for _ in 0..600 {
            let said = self.said().await;
            if keys.iter().all(|key| said.contains_key(key)) {
                return;
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "not every record reached the function: {:?}",
            self.said().await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_keeps_every_acknowledged_write_and_goes_on_from_its_checkpoints() {
    const EARLY: usize = 20;
    const ACKNOWLEDGED: usize = 150;
    let clock = Clock::real();
    let folder = tempfile::tempdir().unwrap();
    let served = Arc::new(Served::start(folder.path()));
    served.make_pipeline().await;
    let early: BTreeSet<String> = (0..EARLY).map(|nth| format!("early-{nth}")).collect();
    for id in &early {
        assert!(served.put(id).await);
    }
    served.until_all_said(&clock, &early).await;

    let acknowledged = Arc::new(Mutex::new(early.clone()));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (served, acknowledged) = (Arc::clone(&served), Arc::clone(&acknowledged));
        writers.spawn(async move {
            for nth in 0.. {
                let id = format!("late-{writer}-{nth}");
                if !served.put(&id).await {
                    return;
                }
                acknowledged.lock().insert(id);
            }
        });
    }
    while acknowledged.lock().len() < ACKNOWLEDGED {
        tokio::task::yield_now().await;
    }
    // Killed while the writers are at it; they stop when nobody answers.
    let process = served.process.id();
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(killed.unwrap().success());
    while writers.join_next().await.is_some() {}
    Arc::into_inner(served).unwrap().kill();

    let again = Served::start(folder.path());
    let acknowledged = acknowledged.lock().clone();
    let items = again.items().await;
    let lost: Vec<_> = acknowledged.difference(&items).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    let records = again.records().await;
    let with_records: BTreeSet<String> = records.keys().cloned().collect();
    assert_eq!(
        with_records, items,
        "every item has its record and no other is there"
    );
    assert!(records.values().all(|count| *count == 1), "{records:?}");
    again.until_all_said(&clock, &items).await;
    let said = again.said().await;
    let again_early: Vec<_> = early.iter().filter(|key| said[*key] != 1).collect();
    assert!(again_early.is_empty(), "delivered again: {again_early:?}");
    assert!(again.put("after").await);
    again
        .until_all_said(&clock, &BTreeSet::from(["after".to_owned()]))
        .await;
    again.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_its_story_but_for_the_last_moment() {
    const MOMENT: Duration = Duration::from_secs(2);
    let clock = Clock::real();
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    served.make_pipeline().await;
    let early: BTreeSet<String> = (0..20).map(|nth| format!("early-{nth}")).collect();
    for id in &early {
        assert!(served.put(id).await);
    }
    served.until_all_said(&clock, &early).await;
    let said = clock.stopwatch();
    let mut nth = 0;
    while said.elapsed() < MOMENT {
        nth += 1;
        let late = format!("late-{nth}");
        assert!(served.put(&late).await);
        served.until_all_said(&clock, &BTreeSet::from([late])).await;
    }
    served.kill();

    let host = EngineHost::open(Options {
        folder: Some(folder.path().to_owned()),
        ..Options::temporary(clock)
    });
    let host = host.unwrap();
    let (story, _) = host.engine().watch();
    let (mut sent, mut lines) = (BTreeMap::new(), String::new());
    for progress in story {
        match progress.what {
            What::Invoking { batch, records, .. } => {
                let keys = records.iter().map(|it| it.key.to_string());
                sent.insert(batch, keys.collect::<Vec<_>>());
            }
            What::Invoked { batch, answer, .. } => {
                assert!(sent.contains_key(&batch), "the answer of a batch not sent");
                lines.push_str(&answer.log_tail);
            }
            What::Skipped { steps } => panic!("{steps} steps skipped"),
            _ => {}
        }
    }
    let sent: BTreeSet<String> = sent.into_values().flatten().collect();
    let missing: Vec<_> = early.difference(&sent).collect();
    assert!(missing.is_empty(), "{missing:?} is not in the story");
    for key in &early {
        assert!(lines.contains(&format!("key {key}.")), "{key} has no log");
    }
    host.close().await;
}

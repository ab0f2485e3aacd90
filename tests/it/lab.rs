//! A small world for tests of triggers: a table with a stream, a role that may read it, a queue.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus,
};
use parking_lot::Mutex;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};
use waterwheel::mapping::progress::{Progress, What};
use waterwheel::mapping::record::Record;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
/// What the functions' role may do.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*","sqs:SendMessage"],"Resource":"*"}]}"#;

pub(crate) struct Lab {
    pub(crate) host: EngineHost,
    pub(crate) clock: Clock,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

impl Lab {
    /// Forgotten at the end.
    pub(crate) async fn new() -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        let lab = Self::open(clock, None);
        lab.role("worker").await;
        lab
    }

    /// Opens a world again, or a new one without a role.
    pub(crate) fn open(clock: Clock, folder: Option<&Path>) -> Self {
        let options = Options {
            folder: folder.map(Path::to_owned),
            seed: Some(7),
            ..Options::temporary(clock.clone())
        };
        let host = EngineHost::open(options).unwrap();
        let config = host.engine().sdk_config(&Principal::Root);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            clock,
            host,
        }
    }

    /// Closes the world and waits until its folder can be opened again.
    pub(crate) async fn close(self) {
        let Self { host, .. } = self;
        host.close().await;
    }

    pub(crate) async fn role(&self, name: &str) -> String {
        let made = self.iam.create_role().role_name(name);
        let made = made
            .assume_role_policy_document(TRUST)
            .send()
            .await
            .unwrap();
        self.allow(name, POLICY).await;
        made.role.unwrap().arn
    }

    /// Puts the role's only policy.
    pub(crate) async fn allow(&self, role: &str, policy: &str) {
        let put = self.iam.put_role_policy().role_name(role).policy_name("p");
        put.policy_document(policy).send().await.unwrap();
    }

    /// A table with key `id` and a stream of both images; answers the stream's ARN.
    pub(crate) async fn table(&self, name: &str) -> String {
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash);
        let id = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages);
        self.dynamodb
            .create_table()
            .table_name(name)
            .key_schema(key.build().unwrap())
            .attribute_definitions(id.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        loop {
            let described = self.dynamodb.describe_table().table_name(name);
            let table = described.send().await.unwrap().table.unwrap();
            if table.table_status == Some(TableStatus::Active) {
                return table.latest_stream_arn.unwrap();
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// Writes items with these ids, one after the other.
    pub(crate) async fn put(&self, table: &str, ids: impl IntoIterator<Item = &str>) {
        for id in ids {
            let put = self.dynamodb.put_item().table_name(table);
            let put = put.item("id", AttributeValue::S(id.to_owned()));
            put.send().await.unwrap();
        }
    }

    /// Answers the queue's ARN and URL.
    pub(crate) async fn queue(&self, name: &str) -> (String, String) {
        let made = self.sqs.create_queue().queue_name(name);
        let url = made.send().await.unwrap().queue_url.unwrap();
        (format!("arn:aws:sqs:us-east-1:000000000000:{name}"), url)
    }

    /// Bodies of up to ten messages.
    pub(crate) async fn messages(&self, url: &str) -> Vec<serde_json::Value> {
        let received = self.sqs.receive_message().queue_url(url);
        let received = received.max_number_of_messages(10).send().await.unwrap();
        let messages = received.messages.unwrap_or_default();
        let bodies = messages.iter().filter_map(|message| message.body());
        bodies
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    pub(crate) async fn sleep(&self, secs: u64) {
        self.clock.sleep(Duration::from_secs(secs)).await;
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }
}

/// Everything a poller told.
#[derive(Clone, Default)]
pub(crate) struct Story(Arc<Mutex<Vec<Progress>>>);

impl Story {
    pub(crate) fn tell(&self, progress: Progress) {
        self.0.lock().push(progress);
    }

    /// Takes everything told so far out of the engine.
    pub(crate) fn of(lab: &Lab) -> Self {
        let (past, _) = lab.host.engine().watch();
        Self(Arc::new(Mutex::new(past)))
    }

    pub(crate) fn all(&self) -> Vec<Progress> {
        self.0.lock().clone()
    }

    pub(crate) fn polls(&self) -> Vec<SystemTime> {
        let all = self.all().into_iter();
        all.filter(|it| matches!(it.what, What::Polled { .. }))
            .map(|it| it.at)
            .collect()
    }

    /// Ids of the items in every delivery, in order.
    pub(crate) fn deliveries(&self) -> Vec<Vec<String>> {
        let all = self.all().into_iter();
        all.filter_map(|it| match it.what {
            What::Invoking { records, .. } => Some(ids(&records)),
            _ => None,
        })
        .collect()
    }

    pub(crate) fn results(&self) -> Vec<String> {
        let all = self.all().into_iter();
        all.filter_map(|it| match it.what {
            What::Result { text } => Some(text),
            _ => None,
        })
        .collect()
    }

    /// How often each item was delivered.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for id in self.deliveries().into_iter().flatten() {
            *counts.entry(id).or_default() += 1;
        }
        counts
    }
}

pub(crate) fn ids(records: &[Record]) -> Vec<String> {
    records.iter().map(|it| it.key.to_string()).collect()
}

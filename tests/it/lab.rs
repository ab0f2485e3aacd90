//! A small world for tests of triggers: a table with a stream, a role that may read it, a queue.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus,
};
pub(crate) use aws_sdk_lambda::operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder as CreateTrigger;
use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder as CreateFunction;
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput as GetTriggerOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionCode, Runtime, State as FunctionState};
use parking_lot::Mutex;
use tempfile::TempDir;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::call::Principal;
use waterwheel::engine::story::Follower;
use waterwheel::engine::streams::Settings;
use waterwheel::engine::{EngineHost, Options};
use waterwheel::mapping::progress::{Progress, What};
use waterwheel::mapping::record::Record;

pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
/// What the functions' role may do.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*","sns:Publish","sqs:SendMessage"],"Resource":"*"}]}"#;

pub(crate) struct Lab {
    pub(crate) host: EngineHost,
    pub(crate) clock: Clock,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    /// Steps kept by the process before.
    kept: usize,
}

impl Lab {
    /// Forgotten at the end.
    pub(crate) async fn new() -> Self {
        Self::streaming(Settings::default()).await
    }

    /// The same with these settings of streams.
    pub(crate) async fn streaming(streams: Settings) -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        let lab = Self::with(Options {
            seed: Some(7),
            streams,
            ..Options::temporary(clock)
        });
        lab.role("worker").await;
        lab
    }

    /// Opens a world again, or a new one without a role.
    pub(crate) fn open(clock: Clock, folder: Option<&Path>) -> Self {
        Self::with(Options {
            folder: folder.map(Path::to_owned),
            seed: Some(7),
            ..Options::temporary(clock)
        })
    }

    /// Opens a world of these options, without a role where it is new.
    pub(crate) fn with(options: Options) -> Self {
        Self::of(EngineHost::open(options).unwrap())
    }

    /// Clients for a world that is open.
    pub(crate) fn of(host: EngineHost) -> Self {
        let clock = host.engine().clock().clone();
        let (kept, _) = host.engine().watch();
        let config = host.engine().sdk_config(&Principal::Root);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            kept: kept.len(),
            clock,
            host,
        }
    }

    /// Closes the world and waits until its folder can be opened again.
    pub(crate) async fn close(self) {
        let Self {
            host,
            dynamodb,
            iam,
            lambda,
            logs,
            sns,
            sqs,
            streams,
            ..
        } = self;
        // Every client holds the engine.
        drop((dynamodb, iam, lambda, logs, sns, sqs, streams));
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

    /// A table with key `id` and a stream of both images, once it is there; answers the stream's ARN.
    pub(crate) async fn table(&self, name: &str) -> String {
        self.table_viewed(name, StreamViewType::NewAndOldImages)
            .await
    }

    /// As [`Self::table`], with a stream of this view.
    pub(crate) async fn table_viewed(&self, name: &str, view: StreamViewType) -> String {
        let stream_arn = self.table_asked_for(name, view).await;
        loop {
            let described = self.dynamodb.describe_table().table_name(name);
            let table = described.send().await.unwrap().table.unwrap();
            if table.table_status == Some(TableStatus::Active) {
                return stream_arn;
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// As [`Self::table`], without waiting for it.
    pub(crate) async fn table_asked(&self, name: &str) -> String {
        self.table_asked_for(name, StreamViewType::NewAndOldImages)
            .await
    }

    async fn table_asked_for(&self, name: &str, view: StreamViewType) -> String {
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash);
        let id = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(view);
        let create = self
            .dynamodb
            .create_table()
            .table_name(name)
            .key_schema(key.build().unwrap())
            .attribute_definitions(id.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream.build().unwrap());
        let made = create.send().await.unwrap().table_description.unwrap();
        made.latest_stream_arn.unwrap()
    }

    /// Writes items with these ids, one after the other.
    pub(crate) async fn put(&self, table: &str, ids: impl IntoIterator<Item = &str>) {
        for id in ids {
            let put = self.dynamodb.put_item().table_name(table);
            let put = put.item("id", AttributeValue::S(id.to_owned()));
            put.send().await.unwrap();
        }
    }

    /// A JavaScript function of the role `worker`; the code is its `index.js`.
    pub(crate) async fn function(&self, name: &str, code: &str) {
        self.function_with(name, code, |it| it).await;
    }

    /// As [`Self::function`], with settings of its own.
    pub(crate) async fn function_with(
        &self,
        name: &str,
        code: &str,
        settings: impl FnOnce(CreateFunction) -> CreateFunction,
    ) {
        let zip = FunctionCode::builder().zip_file(Blob::new(zipped(code)));
        let create = self
            .lambda
            .create_function()
            .function_name(name)
            .runtime(Runtime::from("nodejs22.x"))
            .handler("index.handler")
            .role("arn:aws:iam::123456789012:role/worker")
            .timeout(60)
            .code(zip.build());
        settings(create).send().await.unwrap();
        loop {
            let asked = self.lambda.get_function_configuration().function_name(name);
            if asked.send().await.unwrap().state == Some(FunctionState::Active) {
                return;
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// Replaces the code of a function.
    pub(crate) async fn recode(&self, name: &str, code: &str) {
        let update = self.lambda.update_function_code().function_name(name);
        let update = update.zip_file(Blob::new(zipped(code)));
        update.send().await.unwrap();
        self.sleep(2).await;
    }

    /// A trigger from the oldest record on; answers its UUID when it is enabled.
    pub(crate) async fn trigger(
        &self,
        stream_arn: &str,
        function: &str,
        settings: impl Fn(CreateTrigger) -> CreateTrigger,
    ) -> String {
        let create = self
            .lambda
            .create_event_source_mapping()
            .event_source_arn(stream_arn)
            .function_name(function)
            .starting_position(EventSourcePosition::TrimHorizon);
        let made = settings(create).send().await.unwrap();
        assert_eq!(made.state(), Some("Creating"));
        let uuid = made.uuid.unwrap();
        self.settle(&uuid, "Enabled").await;
        uuid
    }

    /// Waits until a trigger is in this state.
    pub(crate) async fn settle(&self, uuid: &str, state: &str) {
        for _ in 0..4000 {
            if self.trigger_now(uuid).await.state() == Some(state) {
                return;
            }
            self.clock.sleep(Duration::from_millis(50)).await;
        }
        panic!("the trigger is not {state}");
    }

    pub(crate) async fn trigger_now(&self, uuid: &str) -> GetTriggerOutput {
        let get = self.lambda.get_event_source_mapping().uuid(uuid);
        get.send().await.unwrap()
    }

    /// Answers the queue's ARN and URL.
    pub(crate) async fn queue(&self, name: &str) -> (String, String) {
        let made = self.sqs.create_queue().queue_name(name);
        let url = made.send().await.unwrap().queue_url.unwrap();
        (format!("arn:aws:sqs:us-east-1:123456789012:{name}"), url)
    }

    /// A topic with a queue that gets its messages raw; answers the topic's ARN and the queue's URL.
    pub(crate) async fn topic(&self, name: &str) -> (String, String) {
        let made = self.sns.create_topic().name(name).send().await.unwrap();
        let arn = made.topic_arn.unwrap();
        let (queue, url) = self.queue(&format!("{name}-heard")).await;
        self.sns
            .subscribe()
            .topic_arn(&arn)
            .protocol("sqs")
            .endpoint(queue)
            .attributes("RawMessageDelivery", "true")
            .send()
            .await
            .unwrap();
        (arn, url)
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

    /// Takes everything told since the world was opened out of the engine.
    pub(crate) fn of(lab: &Lab) -> Self {
        let (past, _) = lab.host.engine().watch();
        Self(Arc::new(Mutex::new(past[lab.kept..].to_vec())))
    }

    /// What was kept by the process before.
    pub(crate) fn before(lab: &Lab) -> Self {
        let (past, _) = lab.host.engine().watch();
        Self(Arc::new(Mutex::new(past[..lab.kept].to_vec())))
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

/// A folder for a world, in memory where there is such a place: many worlds are slow to open on a disk.
pub(crate) fn fast_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        return tempfile::tempdir_in(memory).unwrap();
    }
    tempfile::tempdir().unwrap()
}

fn zipped(code: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("index.js", options).unwrap();
    zip.write_all(code.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

pub(crate) fn ids(records: &[Record]) -> Vec<String> {
    records.iter().map(|it| it.key.to_string()).collect()
}

/// How often pollers looked since this was asked last.
pub(crate) fn polls(watch: &mut Follower) -> usize {
    std::iter::from_fn(|| watch.try_next())
        .filter(|progress| matches!(progress.what, What::Polled { .. }))
        .count()
}

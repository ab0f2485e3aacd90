//! A world for one fact, and what its steps do.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeValue, StreamSpecification, StreamViewType, TimeToLiveSpecification,
};
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use aws_sdk_lambda::types::EventSourcePosition;
use serde_json::{Value, json};
use tempfile::TempDir;
use waterwheel::aws::dynamodb::item_from_json;
use waterwheel::clock::{Clock, from_epoch_millis, iso_secs};
use waterwheel::engine::call::Principal;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::{Options, Pace};

use super::pattern::fits;
use super::versions;
use crate::lab::{Lab, fast_folder};
use crate::trigger_rows::reply::{Answer, answer, shown};
use crate::trigger_rows::{judge, request};

/// How long is waited for what a step expects.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(50);
/// How long nothing more may arrive in the end.
const SILENCE: Duration = Duration::from_secs(3);
const NOTHING: &str = "async () => {}";

pub(super) struct World {
    lab: Lab,
    _folder: TempDir,
    s3: aws_sdk_s3::Client,
    queue: (String, String),
    topic: (String, String),
    view: StreamViewType,
    stream: Option<String>,
    has_function: bool,
    uuid: String,
    letters: Vec<Value>,
    heard: Vec<Value>,
    /// Steps that are true to the end.
    standing: BTreeMap<String, Value>,
}

/// One call of the function.
struct Seen {
    at_millis: i64,
    request: String,
    version: String,
    event: Value,
}

impl World {
    pub(super) async fn new(pace: Pace) -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        let folder = fast_folder();
        let lab = Lab::with(Options {
            folder: Some(folder.path().to_owned()),
            seed: Some(7),
            delays: Delays::Instant,
            poll: pace,
            ..Options::temporary(clock)
        });
        lab.role("worker").await;
        let s3 = aws_sdk_s3::Client::new(&lab.host.engine().sdk_config(&Principal::Root));
        s3.create_bucket().bucket("lost").send().await.unwrap();
        let mut world = Self {
            queue: lab.queue("lost").await,
            topic: lab.topic("lost").await,
            lab,
            _folder: folder,
            s3,
            view: StreamViewType::NewAndOldImages,
            stream: None,
            has_function: false,
            uuid: String::new(),
            letters: Vec::new(),
            heard: Vec::new(),
            standing: BTreeMap::new(),
        };
        world.allow(&json!(["*"])).await;
        world
    }

    pub(super) async fn play(mut self, steps: &Value) -> Result<(), String> {
        for (number, step) in steps.as_array().unwrap().iter().enumerate() {
            let verb = step[0].as_str().unwrap();
            let done = self.step(verb, step).await;
            done.map_err(|why| format!("step {number}, {verb}: {why}"))?;
        }
        self.lab.clock.sleep(SILENCE).await;
        for (verb, expected) in std::mem::take(&mut self.standing) {
            let now = self.look(&verb, &expected).await;
            now.map_err(|why| format!("in the end, {verb}: {why}"))?;
        }
        Ok(())
    }

    async fn step(&mut self, verb: &str, step: &Value) -> Result<(), String> {
        let words = |at: usize| step[at].as_str().unwrap();
        match verb {
            "view" => self.view = StreamViewType::from(words(1)),
            "function" => {
                self.function(&wrapped(words(1)), &step[2]).await;
            }
            "module" => self.function(words(1), &step[2]).await,
            "forget" => {
                let delete = self.lab.lambda.delete_function().function_name("bill");
                delete.send().await.unwrap();
                self.has_function = false;
            }
            "publish" => versions::publish(&self.lab).await,
            "unpublish" => versions::unpublish(&self.lab, words(1)).await,
            "alias" => versions::alias(&self.lab, words(1), words(2), &step[3]).await,
            "unalias" => versions::unalias(&self.lab, words(1)).await,
            "concurrency" => self.concurrency(&step[1]).await,
            "put" => {
                for item in &step.as_array().unwrap()[1..] {
                    self.put(item).await;
                }
            }
            "delete" => {
                for id in &step.as_array().unwrap()[1..] {
                    let key = AttributeValue::S(id.as_str().unwrap().to_owned());
                    let delete = self.lab.dynamodb.delete_item().table_name("orders");
                    delete.key("id", key).send().await.unwrap();
                }
            }
            "ttl" => self.ttl().await,
            "trigger" => return self.trigger(&step[1], &step[2]).await,
            "update" => return self.update(&step[1], &step[2]).await,
            "stream off" => {
                let off = StreamSpecification::builder().stream_enabled(false);
                let update = self.lab.dynamodb.update_table().table_name("orders");
                let update = update.stream_specification(off.build().unwrap());
                update.send().await.unwrap();
            }
            "allow" => self.allow(&step[1]).await,
            "wait" => self.lab.sleep(step[1].as_u64().unwrap()).await,
            _ => return self.until(verb, &step[1]).await,
        }
        Ok(())
    }

    /// Waits until what a step expects is there.
    async fn until(&mut self, verb: &str, expected: &Value) -> Result<(), String> {
        let deadline = self.lab.now() + PATIENCE;
        loop {
            let found = self.look(verb, expected).await;
            if found.is_ok() {
                if verb != "result" {
                    self.standing.insert(verb.to_owned(), expected.clone());
                }
                return Ok(());
            }
            if self.lab.now() > deadline {
                return found;
            }
            self.lab.clock.sleep(STEP).await;
        }
    }

    async fn look(&mut self, verb: &str, expected: &Value) -> Result<(), String> {
        let shown = match verb {
            "got" => json!(self.seen().await.iter().map(ids).collect::<Vec<_>>()),
            "ran" => {
                let seen = self.seen().await;
                let ran = seen.iter().map(|it| json!([it.version, ids(it)]));
                ran.collect()
            }
            "events" => self.seen().await.into_iter().map(|it| it.event).collect(),
            "each" => each(&self.seen().await),
            "times" => {
                let times: Vec<i64> = self.seen().await.iter().map(|it| it.at_millis).collect();
                times.iter().map(|at| at - times[0]).collect()
            }
            "letters" => {
                receive(&self.lab, &self.queue.1, &mut self.letters).await;
                Value::from(self.letters.clone())
            }
            "heard" => {
                receive(&self.lab, &self.topic.1, &mut self.heard).await;
                Value::from(self.heard.clone())
            }
            "lost" => self.lost().await,
            "objects" => self.objects().await,
            "tried" => tried(&self.seen().await),
            "ends" => self.seen().await.iter().map(ending).collect(),
            "sums" => {
                let seen = self.seen().await;
                seen.iter()
                    .map(|it| it.event["state"]["n"].as_u64().unwrap_or(0))
                    .collect()
            }
            "windows" => self.seen().await.iter().map(window).collect(),
            "result" => {
                let trigger = self.lab.trigger_now(&self.uuid).await;
                json!(trigger.last_processing_result())
            }
            other => panic!("no step {other}"),
        };
        fits(&shown, &self.filled(expected).await)
    }

    async fn function(&mut self, code: &str, settings: &Value) {
        if self.has_function {
            self.lab.recode("bill", code).await;
            return;
        }
        self.has_function = true;
        let number = |name: &str| settings[name].as_i64().map(|it| i32::try_from(it).unwrap());
        let (timeout, memory) = (number("Timeout").unwrap_or(60), number("MemorySize"));
        let make = self.lab.function_with("bill", code, |it| {
            it.timeout(timeout).set_memory_size(memory)
        });
        make.await;
    }

    async fn concurrency(&mut self, reserved: &Value) {
        self.complete().await;
        let lambda = &self.lab.lambda;
        if let Some(number) = reserved.as_i64() {
            let put = lambda.put_function_concurrency().function_name("bill");
            let put = put.reserved_concurrent_executions(i32::try_from(number).unwrap());
            put.send().await.unwrap();
        } else {
            let delete = lambda.delete_function_concurrency();
            delete.function_name("bill").send().await.unwrap();
        }
    }

    /// Makes what a fact does not speak of.
    async fn complete(&mut self) {
        if self.stream.is_none() {
            let view = self.view.clone();
            self.stream = Some(self.lab.table_viewed("orders", view).await);
        }
        if !self.has_function && self.uuid.is_empty() {
            self.function(&wrapped(NOTHING), &Value::Null).await;
        }
    }

    async fn put(&mut self, item: &Value) {
        self.complete().await;
        let item = match item {
            Value::String(id) => json!({ "id": id }),
            item => item.clone(),
        };
        let (item, _) = item_from_json(&item.to_string()).unwrap();
        let put = self.lab.dynamodb.put_item().table_name("orders");
        put.set_item(Some(item.into_iter().collect()))
            .send()
            .await
            .unwrap();
    }

    async fn ttl(&mut self) {
        self.complete().await;
        let until = TimeToLiveSpecification::builder().attribute_name("until");
        let until = until.enabled(true).build().unwrap();
        let update = self.lab.dynamodb.update_time_to_live().table_name("orders");
        let update = update.time_to_live_specification(until);
        update.send().await.unwrap();
    }

    async fn trigger(&mut self, given: &Value, refusal: &Value) -> Result<(), String> {
        self.complete().await;
        let mut whole = self.settings(given).await;
        if whole["FunctionName"].is_null() {
            whole["FunctionName"] = json!("bill");
        }
        whole["EventSourceArn"] = json!(self.stream);
        whole["StartingPosition"] = json!(EventSourcePosition::TrimHorizon.as_str());
        let made = answer!(request::create(&self.lab.lambda, &whole));
        if let Ok(made) = &made {
            made["UUID"].as_str().unwrap().clone_into(&mut self.uuid);
        }
        self.settled(made, &self.filled(refusal).await).await
    }

    async fn update(&mut self, given: &Value, refusal: &Value) -> Result<(), String> {
        let given = self.settings(given).await;
        let made = answer!(request::update(&self.lab.lambda, &self.uuid, &given));
        self.settled(made, refusal).await
    }

    async fn settled(&self, answer: Answer, refusal: &Value) -> Result<(), String> {
        if refusal.is_string() {
            return judge(answer, refusal);
        }
        judge(answer, &json!({}))?;
        for _ in 0..400 {
            let now = self.lab.trigger_now(&self.uuid).await;
            if ["Enabled", "Disabled"].contains(&now.state().unwrap()) {
                return Ok(());
            }
            self.lab.clock.sleep(STEP).await;
        }
        Err("the state does not pass".to_owned())
    }

    /// As the API has them.
    async fn settings(&self, given: &Value) -> Value {
        let mut settings = self.filled(given).await;
        if let Some(patterns) = settings.as_object_mut().unwrap().remove("Filters") {
            let filters = patterns.as_array().unwrap().iter().map(|pattern| {
                let text = pattern.as_str().map(str::to_owned);
                json!({ "Pattern": text.unwrap_or_else(|| pattern.to_string()) })
            });
            settings["FilterCriteria"] = json!({ "Filters": filters.collect::<Vec<_>>() });
        }
        settings
    }

    async fn allow(&mut self, actions: &Value) {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        self.lab.allow("worker", &policy.to_string()).await;
    }

    /// Every call of the function, from its log.
    async fn seen(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut next = None;
        loop {
            let find = self.lab.logs.filter_log_events();
            let find = find.log_group_name("/aws/lambda/bill").set_next_token(next);
            let Ok(page) = find.send().await else {
                // Nothing was logged yet.
                return seen;
            };
            for event in page.events() {
                let message = event.message().unwrap();
                let Some((head, text)) = message.split_once("\tINFO\tSEEN ") else {
                    continue;
                };
                seen.push(Seen {
                    at_millis: event.timestamp().unwrap(),
                    version: versions::of_stream(event.log_stream_name().unwrap()),
                    request: head.rsplit('\t').next().unwrap().to_owned(),
                    event: serde_json::from_str(text).unwrap(),
                });
            }
            next = page.next_token;
            if next.is_none() {
                return seen;
            }
        }
    }

    /// Every record still in the stream, with its shard.
    async fn records(&self) -> Vec<(String, Record)> {
        let Some(stream) = &self.stream else {
            return Vec::new();
        };
        let described = self.lab.streams.describe_stream().stream_arn(stream);
        let described = described.send().await.unwrap().stream_description.unwrap();
        let mut found = Vec::new();
        for shard in described.shards() {
            let id = shard.shard_id().unwrap();
            let records = self
                .read(id, ShardIteratorType::TrimHorizon, None, 1000)
                .await;
            found.extend(records.into_iter().flatten().map(|it| (id.to_owned(), it)));
        }
        found
    }

    /// The first records of a shard from there on; `None` where they are older than a day.
    async fn read(
        &self,
        shard: &str,
        from: ShardIteratorType,
        number: Option<String>,
        limit: i32,
    ) -> Option<Vec<Record>> {
        let get = self.lab.streams.get_shard_iterator().shard_id(shard);
        let get = get.stream_arn(self.stream.as_ref().unwrap());
        let get = get.shard_iterator_type(from).set_sequence_number(number);
        let iterator = match get.send().await {
            Ok(got) => got.shard_iterator.unwrap(),
            Err(error) => {
                assert!(
                    error
                        .into_service_error()
                        .is_trimmed_data_access_exception()
                );
                return None;
            }
        };
        let read = self.lab.streams.get_records().shard_iterator(iterator);
        let page = read.limit(limit).send().await.unwrap();
        Some(page.records.unwrap_or_default())
    }

    /// What the letters tell, with the items whose records can be read where they say.
    async fn lost(&mut self) -> Value {
        receive(&self.lab, &self.queue.1, &mut self.letters).await;
        receive(&self.lab, &self.topic.1, &mut self.heard).await;
        let mut told = Vec::new();
        for letter in self.letters.iter().chain(&self.heard) {
            let info = &letter["DDBStreamBatchInfo"];
            let number = info["startSequenceNumber"].as_str().unwrap().to_owned();
            let size = i32::try_from(info["batchSize"].as_i64().unwrap()).unwrap();
            let (shard, from) = (info["shardId"].as_str().unwrap(), "AT_SEQUENCE_NUMBER");
            let ids = match self.read(shard, from.into(), Some(number), size).await {
                Some(records) => records.iter().map(id_of).collect(),
                None => json!("trimmed"),
            };
            let error = match letter.get("responseContext") {
                Some(response) => response["functionError"].clone(),
                None => json!("no response"),
            };
            let request = &letter["requestContext"];
            let (condition, count) = (&request["condition"], &request["approximateInvokeCount"]);
            told.push(json!([condition, count, error, ids]));
        }
        json!(told)
    }

    async fn objects(&self) -> Value {
        let listed = self
            .s3
            .list_objects_v2()
            .bucket("lost")
            .send()
            .await
            .unwrap();
        let mut objects = Vec::new();
        for object in listed.contents() {
            let key = object.key().unwrap();
            let got = self.s3.get_object().bucket("lost").key(key);
            let bytes = got.send().await.unwrap().body.collect().await.unwrap();
            let body: Value = serde_json::from_slice(&bytes.into_bytes()).unwrap();
            objects.push(json!({ "key": key, "body": body }));
        }
        Value::from(objects)
    }

    /// With everything in its place that is only named in the files.
    async fn filled(&self, value: &Value) -> Value {
        if !value.to_string().contains('@') {
            return value.clone();
        }
        let mut names = vec![
            ("@stream".to_owned(), json!(self.stream)),
            (
                "@function".to_owned(),
                json!("arn:aws:lambda:us-east-1:123456789012:function:bill"),
            ),
            ("@queue".to_owned(), json!(self.queue.0)),
            ("@topic".to_owned(), json!(self.topic.0)),
            ("@bucket".to_owned(), json!("arn:aws:s3:::lost")),
            ("@uuid".to_owned(), json!(self.uuid)),
        ];
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (shard, record) in self.records().await {
            let id = id_of(&record);
            let nth = counts.entry(id.clone()).or_default();
            *nth += 1;
            let body = record.dynamodb.unwrap();
            let created = body.approximate_creation_date_time.unwrap();
            let at = from_epoch_millis(u64::try_from(created.secs()).unwrap() * 1000);
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
            let secs = created.secs() as f64;
            for (name, value) in [
                ("seq", json!(body.sequence_number)),
                ("shard", json!(shard)),
                ("arrival", json!(iso_secs(at))),
                ("created", json!(secs)),
            ] {
                if *nth == 1 {
                    names.push((format!("@{name}({id})"), value.clone()));
                }
                names.push((format!("@{name}({id},{nth})"), value));
            }
        }
        for (at, seen) in self.seen().await.into_iter().enumerate() {
            names.push((format!("@request({})", at + 1), json!(seen.request)));
        }
        put_in(value, &names)
    }
}

fn put_in(value: &Value, names: &[(String, Value)]) -> Value {
    match value {
        Value::String(text) => {
            if let Some((_, value)) = names.iter().find(|(name, _)| name == text) {
                return value.clone();
            }
            let texts = names
                .iter()
                .filter_map(|(name, it)| Some((name, it.as_str()?)));
            let text = texts.fold(text.clone(), |text, (name, it)| text.replace(name, it));
            Value::String(text)
        }
        Value::Array(elements) => elements.iter().map(|it| put_in(it, names)).collect(),
        Value::Object(members) => match members.get("@text") {
            Some(value) => Value::String(put_in(value, names).to_string()),
            None => members
                .iter()
                .map(|(name, it)| (name.clone(), put_in(it, names)))
                .collect(),
        },
        other => other.clone(),
    }
}

/// A handler that logs its event before it does anything.
fn wrapped(handler: &str) -> String {
    let head = include_str!("../../triggers/handler.js");
    format!("{head}\nconst handler = {handler};\n")
}

async fn receive(lab: &Lab, url: &str, letters: &mut Vec<Value>) {
    let received = lab.sqs.receive_message().queue_url(url);
    let received = received.max_number_of_messages(10).send().await.unwrap();
    for message in received.messages.unwrap_or_default() {
        letters.push(serde_json::from_str(message.body().unwrap()).unwrap());
        let delete = lab.sqs.delete_message().queue_url(url);
        let delete = delete.receipt_handle(message.receipt_handle.unwrap());
        delete.send().await.unwrap();
    }
}

fn id_of(record: &Record) -> String {
    let keys = record.dynamodb().unwrap().keys().unwrap();
    keys["id"].as_s().unwrap().clone()
}

fn ids(seen: &Seen) -> Vec<&str> {
    let records = seen.event["Records"].as_array().unwrap();
    let ids = records.iter().map(|it| &it["dynamodb"]["Keys"]["id"]["S"]);
    ids.map(|it| it.as_str().unwrap()).collect()
}

/// By item: its attribute `n`, in the order it arrived.
fn each(seen: &[Seen]) -> Value {
    let mut told: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for seen in seen {
        for (id, record) in ids(seen)
            .into_iter()
            .zip(seen.event["Records"].as_array().unwrap())
        {
            told.entry(id)
                .or_default()
                .push(&record["dynamodb"]["NewImage"]["n"]["N"]);
        }
    }
    json!(told)
}

/// By item: how often it was delivered.
fn tried(seen: &[Seen]) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for id in seen.iter().flat_map(ids) {
        *counts.entry(id).or_default() += 1;
    }
    json!(counts)
}

fn ending(seen: &Seen) -> Value {
    let event = &seen.event;
    let (is_final, is_early) = (
        &event["isFinalInvokeForWindow"],
        &event["isWindowTerminatedEarly"],
    );
    json!([ids(seen), is_final, is_early])
}

fn window(seen: &Seen) -> Value {
    let time = |name: &str| seen.event["window"][name].as_str().unwrap()[11..19].to_owned();
    json!([time("start"), time("end"), ids(seen)])
}

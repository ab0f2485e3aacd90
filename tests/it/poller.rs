//! A poller on its own: a stream of the engine into a function that lives elsewhere, as in a tap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared as _;
use aws_smithy_types::body::SdkBody;
use parking_lot::Mutex;
use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::ids::Ids;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::config::StartingPosition;
use waterwheel::mapping::consumer::{Checkpoint, Position, Rules};
use waterwheel::mapping::poller::{Clients, Control, Followed, Poller};
use waterwheel::mapping::progress::What;
use waterwheel::mapping::signal;

use crate::lab::{Lab, Story};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:bill";
pub(crate) type Keys = Vec<String>;

/// What a function elsewhere answers, and how long it takes.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

pub(crate) fn fine() -> Said {
    Said {
        status: 200,
        headers: vec![("x-amz-executed-version", "$LATEST")],
        body: "null".to_owned(),
        after: Duration::ZERO,
    }
}

pub(crate) fn thrown() -> Said {
    let mut said = fine();
    said.headers.push(("x-amz-function-error", "Unhandled"));
    said.body = r#"{"errorType":"Error","errorMessage":"boom"}"#.to_owned();
    said
}

pub(crate) fn refused(status: u16, code: &'static str, message: &str) -> Said {
    Said {
        status,
        headers: vec![("x-amzn-errortype", code)],
        body: json!({ "Type": "User", "message": message }).to_string(),
        after: Duration::ZERO,
    }
}

type Function = Arc<dyn Fn(&Value) -> Said + Send + Sync>;

/// Lambda, as far as a poller needs it.
#[derive(Clone)]
struct Elsewhere {
    clock: Clock,
    function: Function,
}

impl std::fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Elsewhere")
    }
}

impl HttpConnector for Elsewhere {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let here = self.clone();
        HttpConnectorFuture::new(async move {
            let event: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            let said = (here.function)(&event);
            here.clock.sleep(said.after).await;
            let mut response = http::Response::builder()
                .status(said.status)
                .header("x-amzn-requestid", "request-1");
            for (name, value) in said.headers {
                response = response.header(name, value);
            }
            let response = response.body(SdkBody::from(said.body)).unwrap();
            Ok(HttpResponse::try_from(response).unwrap())
        })
    }
}

impl HttpClient for Elsewhere {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

/// A poller at work.
pub(crate) struct Tap {
    pub(crate) story: Story,
    control: signal::Sender<Control>,
    task: tokio::task::JoinHandle<()>,
    saved: Arc<Mutex<BTreeMap<String, Checkpoint>>>,
}

impl Tap {
    /// The function is told the ids of the items.
    pub(crate) fn open(
        lab: &Lab,
        stream_arn: &str,
        config: MappingConfig,
        checkpoints: BTreeMap<String, Checkpoint>,
        function: impl Fn(Keys) -> Said + Send + Sync + 'static,
    ) -> Self {
        Self::watched(lab, stream_arn, config, checkpoints, move |event| {
            let records = event["Records"].as_array().unwrap();
            let ids = records.iter().map(|it| &it["dynamodb"]["Keys"]["id"]["S"]);
            function(ids.filter_map(|it| Some(it.as_str()?.to_owned())).collect())
        })
    }

    /// The function is told the whole event.
    pub(crate) fn watched(
        lab: &Lab,
        stream_arn: &str,
        config: MappingConfig,
        checkpoints: BTreeMap<String, Checkpoint>,
        function: impl Fn(&Value) -> Said + Send + Sync + 'static,
    ) -> Self {
        let engine = lab.host.engine();
        let reader = Principal::Role {
            role: "worker".to_owned(),
            session: "bill".to_owned(),
        };
        let elsewhere = Elsewhere {
            clock: lab.clock.clone(),
            function: Arc::new(function),
        };
        let invoker: SdkConfig = engine
            .sdk_config(&Principal::Root)
            .into_builder()
            .http_client(elsewhere)
            .build();
        let story = Story::default();
        let saved: Arc<Mutex<BTreeMap<String, Checkpoint>>> = Arc::default();
        let (told, kept) = (story.clone(), Arc::clone(&saved));
        let poller = Poller {
            mapping: Arc::from("uuid"),
            stream_arn: Arc::from(stream_arn),
            function_arn: Arc::from(FUNCTION),
            checkpoints,
            clients: Clients::new(&engine.sdk_config(&reader), &invoker),
            clock: lab.clock.clone(),
            ids: Ids::seeded(1),
            watch: Arc::new(move |progress| told.tell(progress)),
            save: Arc::new(move |shard, checkpoint| {
                kept.lock().insert(shard.to_owned(), checkpoint.clone());
            }),
            wake: None,
            followed: Followed::default(),
        };
        let (control, controlled) = signal::channel(run(config));
        Self {
            story,
            control,
            task: tokio::spawn(poller.run(controlled)),
            saved,
        }
    }

    /// Stops it and waits for its end; answers the checkpoints.
    pub(crate) async fn stop(self) -> BTreeMap<String, Checkpoint> {
        self.control.send(Control::Stop);
        self.task.await.unwrap();
        self.saved.lock().clone()
    }
}

fn run(config: MappingConfig) -> Control {
    Control::Run {
        rules: Arc::new(Rules::new(config).unwrap()),
        is_paused: false,
    }
}

/// From the oldest record.
pub(crate) fn oldest() -> MappingConfig {
    MappingConfig {
        starting_position: StartingPosition::TrimHorizon,
        ..MappingConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_is_polled_exactly_2400_times_in_ten_minutes() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let tap = Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| fine());
    lab.sleep(601).await;
    let polls = tap.story.polls();
    let end = polls[0] + Duration::from_mins(10);
    assert_eq!(polls.iter().filter(|at| **at < end).count(), 2400);
}

#[tokio::test(start_paused = true)]
async fn records_are_delivered_once_and_in_order() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2", "3"]).await;
    let tap = Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| fine());
    lab.sleep(1).await;
    lab.put("orders", ["4"]).await;
    lab.sleep(1).await;
    assert_eq!(tap.story.deliveries(), [vec!["1", "2", "3"], vec!["4"]]);
    assert_eq!(tap.story.results(), ["OK"]);
    let kinds: Vec<&str> = tap
        .story
        .all()
        .iter()
        .filter_map(|it| match it.what {
            What::Polled { records: 0, .. } => None,
            What::Polled { .. } => Some("polled"),
            What::ShardOpened => Some("opened"),
            What::Invoking { .. } => Some("invoking"),
            What::Invoked { .. } => Some("invoked"),
            What::Result { .. } => Some("result"),
            What::Checkpoint { .. } => Some("checkpoint"),
            _ => Some("other"),
        })
        .collect();
    assert_eq!(
        kinds[..6],
        [
            "opened",
            "polled",
            "invoking",
            "invoked",
            "result",
            "checkpoint"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn latest_begins_with_what_is_written_after_the_start() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["old"]).await;
    lab.sleep(1).await;
    let config = MappingConfig::default();
    let tap = Tap::open(&lab, &stream, config.clone(), BTreeMap::new(), |_| fine());
    lab.sleep(1).await;
    assert!(tap.story.deliveries().is_empty());
    // Nothing was delivered yet, so the moment of the start itself is the checkpoint.
    let saved = tap.stop().await;
    lab.put("orders", ["new"]).await;
    lab.sleep(60).await;
    let tap = Tap::open(&lab, &stream, config, saved, |_| fine());
    lab.sleep(1).await;
    assert_eq!(tap.story.deliveries(), [["new"]]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_running_invocation_and_a_restart_goes_on_behind_it() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2"]).await;
    let config = MappingConfig {
        batch_size: 1,
        ..oldest()
    };
    let slow = |_| Said {
        after: Duration::from_secs(30),
        ..fine()
    };
    let tap = Tap::open(&lab, &stream, config.clone(), BTreeMap::new(), slow);
    lab.sleep(1).await;
    let asked = lab.now();
    let story = tap.story.clone();
    let saved = tap.stop().await;
    assert_eq!(story.deliveries(), [["1"]]);
    let waited = lab.now().duration_since(asked).unwrap();
    assert_eq!(waited.as_secs(), 29);
    let tap = Tap::open(&lab, &stream, config, saved, |_| fine());
    lab.sleep(1).await;
    assert_eq!(tap.story.deliveries(), [["2"]]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_iterator_is_renewed_without_losing_or_repeating_a_record() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let config = MappingConfig {
        batch_size: 1,
        ..oldest()
    };
    // Reading pauses while the first records wait, for longer than an iterator lives.
    let mended = lab.now() + Duration::from_mins(40);
    let clock = lab.clock.clone();
    let tap = Tap::open(&lab, &stream, config, BTreeMap::new(), move |_| {
        if clock.now() < mended {
            thrown()
        } else {
            fine()
        }
    });
    lab.put("orders", ["1", "2"]).await;
    lab.sleep(60).await;
    lab.put("orders", ["3", "4"]).await;
    lab.sleep(45 * 60).await;
    let counts = tap.story.counts();
    assert!(counts["1"] > 10);
    assert_eq!((counts["2"], counts["3"], counts["4"]), (1, 1, 1));
    assert_eq!(tap.story.results(), ["PROBLEM: Function call failed", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_position_older_than_a_day_goes_on_at_the_oldest_record() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2", "3"]).await;
    let config = MappingConfig {
        batch_size: 1,
        ..oldest()
    };
    let tap = Tap::open(&lab, &stream, config.clone(), BTreeMap::new(), |ids| {
        if ids == ["2"] { thrown() } else { fine() }
    });
    lab.sleep(1).await;
    let saved = tap.stop().await;
    assert!(matches!(
        saved.values().next().unwrap().position,
        Position::After(_)
    ));
    lab.sleep(25 * 3600).await;
    lab.put("orders", ["4"]).await;
    let tap = Tap::open(&lab, &stream, config, saved, |_| fine());
    lab.sleep(1).await;
    assert_eq!(tap.story.deliveries(), [["4"]]);
}

#[tokio::test(start_paused = true)]
async fn throttles_and_a_missing_function_are_told_in_the_words_of_aws_and_lose_nothing() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1"]).await;
    let config = MappingConfig {
        retry_attempts_max: Some(0),
        ..oldest()
    };
    let calls = Mutex::new(0);
    let tap = Tap::open(&lab, &stream, config, BTreeMap::new(), move |_| {
        *calls.lock() += 1;
        match *calls.lock() {
            1 | 2 => refused(429, "TooManyRequestsException", "Rate Exceeded."),
            3 => refused(404, "ResourceNotFoundException", "Function not found: bill"),
            _ => fine(),
        }
    });
    lab.sleep(10).await;
    assert_eq!(tap.story.deliveries().len(), 4);
    assert_eq!(
        tap.story.results(),
        [
            "PROBLEM: Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: request-1)",
            "PROBLEM: Function not found: bill (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: request-1)",
            "OK",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_read_is_told_and_tried_again() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1"]).await;
    let nothing = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"dynamodb:*","Resource":"*"}]}"#;
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    lab.allow("worker", nothing).await;
    let tap = Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| fine());
    lab.sleep(30).await;
    let words = format!(
        "PROBLEM: Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    );
    assert!(tap.story.results().iter().all(|it| *it == words));
    assert!(!tap.story.results().is_empty());
    lab.allow("worker", everything).await;
    lab.sleep(20).await;
    assert_eq!(tap.story.deliveries(), [["1"]]);
    // Taken away while it runs, and given back.
    lab.allow("worker", nothing).await;
    lab.put("orders", ["2"]).await;
    lab.sleep(30).await;
    assert_eq!(tap.story.results().last(), Some(&words));
    lab.allow("worker", everything).await;
    lab.sleep(20).await;
    assert_eq!(tap.story.deliveries(), [["1"], ["2"]]);
    assert_eq!(tap.story.results().last().unwrap(), "OK");
}

#[tokio::test(start_paused = true)]
async fn a_letter_about_lost_records_arrives_in_the_queue() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, url) = lab.queue("lost").await;
    lab.put("orders", ["1", "2"]).await;
    let config = MappingConfig {
        retry_attempts_max: Some(1),
        bisect_on_function_error: true,
        on_failure: Some(queue.clone()),
        ..oldest()
    };
    let tap = Tap::open(&lab, &stream, config, BTreeMap::new(), |ids| {
        if ids.contains(&"2".to_owned()) {
            thrown()
        } else {
            fine()
        }
    });
    lab.sleep(10).await;
    let letters = lab.messages(&url).await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        letter["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(letter["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(letter["requestContext"]["functionArn"], FUNCTION);
    assert_eq!(letter["responseContext"]["functionError"], "Unhandled");
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(letter["DDBStreamBatchInfo"]["streamArn"], stream);
    let delivered = tap.story.all().into_iter().find_map(|it| match it.what {
        What::Delivered {
            destination, error, ..
        } => Some((destination, error)),
        _ => None,
    });
    assert_eq!(delivered, Some((queue, None)));
}

#[tokio::test(start_paused = true)]
async fn new_settings_reach_a_shard_that_is_blocked() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1"]).await;
    let tap = Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| thrown());
    lab.sleep(20).await;
    let before = tap.story.deliveries().len();
    let config = MappingConfig {
        retry_attempts_max: Some(1),
        ..oldest()
    };
    tap.control.send(run(config));
    lab.sleep(1).await;
    assert_eq!(tap.story.deliveries().len(), before);
    let all = tap.story.all();
    assert!(
        all.iter()
            .any(|it| matches!(it.what, What::Discarded { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_switched_off_is_read_to_its_end() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1"]).await;
    let gone = lab.dynamodb.delete_table().table_name("orders");
    gone.send().await.unwrap();
    lab.sleep(1).await;
    let tap = Tap::open(&lab, &stream, oldest(), BTreeMap::new(), |_| fine());
    lab.sleep(5).await;
    assert_eq!(tap.story.deliveries(), [["1"]]);
    let closed = |it: &waterwheel::mapping::Progress| it.what == What::ShardClosed;
    assert!(tap.story.all().iter().any(closed));
    // A day later nothing of it is left.
    lab.sleep(24 * 3600 + 30).await;
    let told = tap.story.results();
    assert_eq!(
        told.last(),
        Some(&format!("PROBLEM: Stream not found: {stream}"))
    );
    let saved = tap.stop().await;
    assert!(saved.values().all(|it| it.position == Position::Finished));
}

#[tokio::test(start_paused = true)]
async fn the_same_world_tells_the_same_story_twice() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let lab = Lab::new().await;
        let stream = lab.table("orders").await;
        lab.put("orders", ["1", "2", "bad", "4", "5"]).await;
        let config = MappingConfig {
            parallelization_factor: 3,
            bisect_on_function_error: true,
            retry_attempts_max: Some(2),
            ..oldest()
        };
        let tap = Tap::open(&lab, &stream, config, BTreeMap::new(), |ids| {
            if ids.contains(&"bad".to_owned()) {
                thrown()
            } else {
                fine()
            }
        });
        lab.sleep(60).await;
        stories.push(tap.story.all());
    }
    assert!(stories[0].len() > 240);
    assert_eq!(stories[0], stories[1]);
}

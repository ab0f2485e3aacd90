//! The verbs of the console against the embedded cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use waterwheel::aws::dynamodb::{self, Item, JsonForm, KeyPart, NewTable, PutRule, ReadRequest};
use waterwheel::aws::iam::Decision;
use waterwheel::aws::lambda::{self, Code, FunctionSettings, NewFunction, NewMapping};
use waterwheel::aws::{Aws, Connection, error, files, iam, local, sqs, streams};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::Options;
use waterwheel::engine::streams::Settings;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::config::StartingPosition;

/// A world of its own at a fixed time.
pub(crate) fn world() -> Aws {
    let clock = Clock::at(from_epoch_millis(1_790_000_000_000));
    let options = Options {
        seed: Some(7),
        ..Options::temporary(clock)
    };
    Aws::embedded(options).unwrap()
}

fn item(json: &str) -> Item {
    dynamodb::item_from_json(json).unwrap().0
}

async fn table(aws: &Aws, name: &str) {
    let new = NewTable {
        stream: Some(aws_sdk_dynamodb::types::StreamViewType::NewAndOldImages),
        ..NewTable::new(name, KeyPart::text("id"))
    };
    dynamodb::create_table(aws.clone(), new).await.unwrap();
}

async fn role(aws: &Aws) -> String {
    let new = iam::NewRole {
        name: "worker".to_owned(),
        attached: vec![iam::MANAGED_TRIGGER_POLICIES[0].1.to_owned()],
        ..iam::NewRole::default()
    };
    iam::create_role(aws.clone(), new).await.unwrap().arn
}

async fn function(aws: &Aws, name: &str, source: &str) {
    let files = vec![("index.mjs".to_owned(), source.to_owned())];
    let new = NewFunction::new(name, "index.handler", &role(aws).await, Code::Files(files));
    lambda::create_function(aws.clone(), new).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_item_of_every_type_comes_back_exactly() {
    let aws = world();
    table(&aws, "Things").await;
    let written = item(
        r#"{
        "id": {"S": "1"}, "b": {"B": "AP8H"}, "t": {"BOOL": true}, "x": {"NULL": true},
        "n": {"N": "12345678901234567890123456789012345678"},
        "small": {"N": "-0.00000000000000000000000000000000000012345"},
        "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": ["AA=="]},
        "l": {"L": [{"N": "1"}, {"M": {}}, {"L": []}]}, "m": {"M": {"S": {"S": "deep"}}}
        }"#,
    );
    let put = dynamodb::put_item(
        aws.clone(),
        "Things".to_owned(),
        written.clone(),
        PutRule::Any,
    );
    put.await.unwrap();
    let described = dynamodb::describe_table(aws.clone(), "Things".to_owned())
        .await
        .unwrap();
    let key = dynamodb::key_of(&described, &written);
    let read = dynamodb::get_item(aws, "Things".to_owned(), key)
        .await
        .unwrap();
    let lines = |it: &Item| dynamodb::item_to_line(it, JsonForm::DynamoDb);
    assert_eq!(lines(&read.unwrap()), lines(&written));
}

#[tokio::test]
async fn a_statement_goes_on_page_by_page() {
    let aws = world();
    table(&aws, "Orders").await;
    let run = |statement: &str, parameters, next| {
        dynamodb::execute_statement(aws.clone(), statement.to_owned(), parameters, Some(1), next)
    };
    for id in ["1", "2"] {
        let id = aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned());
        let insert = run("INSERT INTO \"Orders\" VALUE {'id': ?}", vec![id], None);
        assert!(insert.await.unwrap().items.is_empty());
    }
    let select = "SELECT id FROM \"Orders\"";
    let first = run(select, Vec::new(), None).await.unwrap();
    assert_eq!((first.items.len(), first.consumed), (1, Some(0.5)));
    let second = run(select, Vec::new(), first.next).await.unwrap();
    assert_ne!(first.items, second.items);
    let refused = run("SELEC", Vec::new(), None).await.unwrap_err();
    assert_eq!(refused.code, "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn an_item_that_changed_meanwhile_is_not_overwritten() {
    let aws = world();
    table(&aws, "Things").await;
    let put =
        |json: &str, rule| dynamodb::put_item(aws.clone(), "Things".to_owned(), item(json), rule);
    let loaded = item(r#"{"id":"1","n":1,"gone":true}"#);
    put(r#"{"id":"1","n":1,"gone":true}"#, PutRule::OnlyNew)
        .await
        .unwrap();
    let failed = put(r#"{"id":"1"}"#, PutRule::OnlyNew).await.unwrap_err();
    assert_eq!(failed.code, "ConditionalCheckFailedException");
    put(
        r#"{"id":"1","n":2,"new":0}"#,
        PutRule::OnlyIfUnchanged(loaded.clone()),
    )
    .await
    .unwrap();
    let failed = put(r#"{"id":"1","n":3}"#, PutRule::OnlyIfUnchanged(loaded)).await;
    assert_eq!(failed.unwrap_err().code, "ConditionalCheckFailedException");
}

#[tokio::test(start_paused = true)]
async fn an_export_is_an_import_elsewhere() {
    let aws = world();
    table(&aws, "Things").await;
    table(&aws, "Copies").await;
    let items: Vec<Item> = (0..1200)
        .map(|at| item(&format!(r#"{{"id":"{at:05}","n":{at}}}"#)))
        .collect();
    let written = dynamodb::write_items(aws.clone(), "Things".to_owned(), items).await;
    assert_eq!(written.unwrap(), 1200);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.jsonl");
    for form in [JsonForm::Plain, JsonForm::DynamoDb] {
        let request = ReadRequest {
            table: "Things".to_owned(),
            limit: Some(500),
            ..ReadRequest::default()
        };
        let counter = files::Counter::default();
        let export = files::export_items(aws.clone(), request, path.clone(), form, counter);
        assert_eq!(export.await.unwrap(), 1200);
        let counter = files::Counter::default();
        let to = "Copies".to_owned();
        let import = files::import_items(aws.clone(), to, path.clone(), Arc::clone(&counter));
        let imported = import.await.unwrap();
        assert_eq!(imported.written, 1200);
        assert_eq!(
            imported.plain,
            if form == JsonForm::Plain { 1200 } else { 0 }
        );
        assert_eq!(counter.load(std::sync::atomic::Ordering::Acquire), 1200);
    }
    let all = ReadRequest {
        table: "Copies".to_owned(),
        ..ReadRequest::default()
    };
    let page = dynamodb::read(aws.clone(), all).await.unwrap();
    assert_eq!((page.items.len(), page.scanned), (1200, 1200));
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_stops_an_import_before_it_begins() {
    let aws = world();
    table(&aws, "Things").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"id\":\"1\"}\n{\"id\":\n").unwrap();
    let path = file.path().to_owned();
    let import = files::import_items(
        aws.clone(),
        "Things".to_owned(),
        path,
        files::Counter::default(),
    );
    let error = import.await.unwrap_err();
    assert!(error.message.starts_with("line 2: "), "{error}");
    let all = ReadRequest {
        table: "Things".to_owned(),
        ..ReadRequest::default()
    };
    assert_eq!(dynamodb::read(aws, all).await.unwrap().items, []);
}

#[tokio::test(start_paused = true)]
async fn of_items_with_one_key_the_last_stays() {
    let aws = world();
    table(&aws, "Things").await;
    let items = (0..60)
        .map(|at| item(&format!(r#"{{"id":"{}","n":{at}}}"#, at % 7)))
        .collect();
    let written = dynamodb::write_items(aws.clone(), "Things".to_owned(), items).await;
    assert_eq!(written.unwrap(), 60);
    let all = ReadRequest {
        table: "Things".to_owned(),
        ..ReadRequest::default()
    };
    let page = dynamodb::read(aws, all).await.unwrap();
    let mut numbers: Vec<u32> = page
        .items
        .iter()
        .map(|it| it["n"].as_n().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [53, 54, 55, 56, 57, 58, 59]);
}

#[tokio::test(start_paused = true)]
async fn a_role_is_judged_by_its_policies() {
    let aws = world();
    let arn = role(&aws).await;
    let stream = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026";
    let queue = "arn:aws:sqs:us-east-1:123456789012:dlq";
    let needs = iam::trigger_needs(stream, Some(queue), "/aws/lambda/f");
    let verdicts = |role: String| iam::check(aws.clone(), role, needs.clone());
    let missing = |verdicts: Vec<iam::Verdict>| {
        let refused = verdicts.into_iter().filter(|it| !it.decision.is_allowed());
        refused
            .map(|it| (it.action, it.decision))
            .collect::<Vec<_>>()
    };
    let before = missing(verdicts(arn.clone()).await.unwrap());
    assert_eq!(
        before,
        [("sqs:SendMessage".to_owned(), Decision::NoStatement)]
    );
    let send = iam::policy_for(&[("sqs:SendMessage".to_owned(), queue.to_owned())]);
    let put = iam::put_inline(aws.clone(), "worker".to_owned(), "send".to_owned(), send);
    put.await.unwrap();
    assert_eq!(missing(verdicts(arn).await.unwrap()), []);
    let detail = iam::get_role(aws.clone(), "worker".to_owned())
        .await
        .unwrap();
    assert!(
        detail.trust.contains("lambda.amazonaws.com"),
        "{}",
        detail.trust
    );
    assert!(detail.inline[0].document.contains("sqs:SendMessage"));
    let managed = detail.attached[0].document.as_ref().unwrap();
    assert!(managed.contains("dynamodb:GetRecords"), "{managed}");
    iam::delete_role(aws.clone(), "worker".to_owned())
        .await
        .unwrap();
    assert!(iam::list_roles(aws).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn looking_into_a_queue_takes_nothing_out() {
    let aws = world();
    let queue = sqs::create_queue(aws.clone(), "dlq".to_owned())
        .await
        .unwrap();
    for at in 0..25 {
        let sent = sqs::send(aws.clone(), queue.url.clone(), format!("body {at}"));
        sent.await.unwrap();
    }
    for _ in 0..2 {
        let seen = sqs::peek(aws.clone(), queue.url.clone()).await.unwrap();
        assert_eq!(seen.len(), 25);
        let listed = sqs::list_queues(aws.clone()).await.unwrap();
        assert_eq!((listed[0].visible, listed[0].in_flight), (25, 0));
    }
    let seen = sqs::peek(aws.clone(), queue.url.clone()).await.unwrap();
    let first = seen[0].receipt.clone();
    sqs::delete_message(aws.clone(), queue.url.clone(), first)
        .await
        .unwrap();
    let listed = sqs::list_queues(aws.clone()).await.unwrap();
    assert_eq!(listed[0].visible, 24);
}

#[tokio::test(start_paused = true)]
async fn a_function_shows_the_code_it_was_given() {
    let aws = world();
    function(&aws, "f", "export const handler = async () => 1;\n").await;
    let name = || "f".to_owned();
    let detail = lambda::get_function(aws.clone(), name()).await.unwrap();
    assert_eq!(detail.unread, None);
    assert_eq!(detail.files[0].0, "index.mjs");
    let files = vec![("index.mjs".to_owned(), "// new\n".to_owned())];
    lambda::update_code(aws.clone(), name(), Code::Files(files.clone()))
        .await
        .unwrap();
    let settings = FunctionSettings {
        name: name(),
        timeout_secs: Some(30),
        environment: Some(BTreeMap::from([("MODE".to_owned(), "1".to_owned())])),
        ..FunctionSettings::default()
    };
    let changed = lambda::update_configuration(aws.clone(), settings).await;
    assert_eq!(changed.unwrap().timeout, Some(30));
    let detail = lambda::get_function(aws, name()).await.unwrap();
    assert_eq!(detail.files, files);
    assert_eq!(
        detail.configuration.handler.as_deref(),
        Some("index.handler")
    );
}

#[tokio::test]
async fn a_failing_function_is_an_answer_and_not_an_error() {
    let aws = Aws::embedded(Options::temporary(Clock::real())).unwrap();
    let source = "export const handler = async (event) => {
        console.log('seen', event.n);
        if (event.n === 0) throw new TypeError('nothing');
        return { twice: event.n * 2 };
    };";
    function(&aws, "f", source).await;
    let invoke = |payload: &str| lambda::invoke(aws.clone(), "f".to_owned(), payload.to_owned());
    let good = invoke(r#"{"n":21}"#).await.unwrap();
    assert_eq!(good.payload, r#"{"twice":42}"#);
    assert_eq!((good.status, good.function_error), (200, None));
    assert!(good.log_tail.contains("seen 21"), "{}", good.log_tail);
    let bad = invoke(r#"{"n":0}"#).await.unwrap();
    assert_eq!(bad.function_error.as_deref(), Some("Unhandled"));
    assert!(bad.payload.contains("TypeError"), "{}", bad.payload);
    let not_sent = invoke("{").await.unwrap_err();
    assert_eq!(not_sent.code, "InvalidRequestContentException");
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_a_trigger_come_back_as_they_were_given() {
    let aws = world();
    table(&aws, "Things").await;
    function(&aws, "f", "export const handler = async () => {};").await;
    let queue = sqs::create_queue(aws.clone(), "dlq".to_owned())
        .await
        .unwrap();
    let document = iam::policy_for(&[("sqs:SendMessage".to_owned(), queue.arn.clone())]);
    let put = iam::put_inline(
        aws.clone(),
        "worker".to_owned(),
        "send".to_owned(),
        document,
    );
    put.await.unwrap();
    let described = dynamodb::describe_table(aws.clone(), "Things".to_owned());
    let stream_arn = described.await.unwrap().latest_stream_arn.unwrap();
    let full = MappingConfig {
        batch_size: 7,
        batching_window_secs: 2,
        parallelization_factor: 3,
        retry_attempts_max: Some(0),
        record_age_secs_max: Some(60),
        bisect_on_function_error: true,
        report_batch_item_failures: true,
        on_failure: Some(queue.arn),
        filters: vec![r#"{"eventName":["INSERT"]}"#.to_owned()],
        starting_position: StartingPosition::TrimHorizon,
        event_count_metrics: true,
        kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/k".to_owned()),
        ..MappingConfig::default()
    };
    let new = NewMapping {
        function: "f".to_owned(),
        stream_arn,
        config: full.clone(),
        enabled: false,
    };
    let made = lambda::create_mapping(aws.clone(), new).await.unwrap();
    assert_eq!(lambda::config_of(&made), full);
    let uuid = made.uuid.unwrap();
    settled(&aws, &uuid, "Disabled").await;
    // Lambda's own lists leave out filters that a key encrypts.
    let listed = lambda::list_mappings(aws.clone()).await.unwrap();
    assert_eq!(lambda::config_of(&listed[0]), full);
    let plain = MappingConfig {
        starting_position: StartingPosition::TrimHorizon,
        ..MappingConfig::default()
    };
    lambda::update_mapping(aws.clone(), uuid.clone(), plain.clone(), Some(true), None)
        .await
        .unwrap();
    let changed = settled(&aws, &uuid, "Enabled").await;
    assert_eq!(changed, plain);
    lambda::delete_mapping(aws.clone(), uuid).await.unwrap();
}

/// Waits for the state and gives the settings in it.
async fn settled(aws: &Aws, uuid: &str, state: &str) -> MappingConfig {
    for _ in 0..100 {
        let mapping = lambda::get_mapping(aws.clone(), uuid.to_owned())
            .await
            .unwrap();
        if mapping.state() == Some(state) {
            return lambda::config_of(&mapping);
        }
        Clock::real().sleep(Duration::from_millis(100)).await;
    }
    panic!("{uuid} never became {state}");
}

#[tokio::test(start_paused = true)]
async fn a_tail_brings_every_record_in_order_and_pauses() {
    let aws = world();
    table(&aws, "Things").await;
    let described = dynamodb::describe_table(aws.clone(), "Things".to_owned());
    let arn = described.await.unwrap().latest_stream_arn.unwrap();
    let feed = Arc::new(streams::Feed::default());
    let from = streams::From::TrimHorizon;
    let tail = tokio::spawn(streams::tail(aws.clone(), arn, from, Arc::clone(&feed)));
    let put = async |at: usize| {
        let item = item(&format!(r#"{{"id":"one","n":{at}}}"#));
        dynamodb::put_item(aws.clone(), "Things".to_owned(), item, PutRule::Any)
            .await
            .unwrap();
    };
    let clock = Clock::real();
    for at in 0..20 {
        put(at).await;
        clock.sleep(Duration::from_millis(100)).await;
    }
    clock.sleep(Duration::from_secs(2)).await;
    let numbers = || {
        feed.look(|rows| {
            let number = |row: &streams::Row| {
                row.record.event["dynamodb"]["NewImage"]["n"]["N"]
                    .as_str()
                    .unwrap()
                    .parse::<usize>()
                    .unwrap()
            };
            rows.iter().map(number).collect::<Vec<_>>()
        })
    };
    assert_eq!(numbers(), (0..20).collect::<Vec<_>>());
    feed.pause(true);
    clock.sleep(Duration::from_secs(1)).await;
    put(20).await;
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(feed.len(), 20);
    feed.pause(false);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(numbers(), (0..=20).collect::<Vec<_>>());
    assert!(feed.trouble().is_none());
    tail.abort();
}

#[tokio::test]
async fn other_programs_reach_the_local_cloud_while_its_port_is_open() {
    let aws = Aws::embedded(Options::temporary(Clock::real())).unwrap();
    role(&aws).await;
    let port = local::open_port(aws.clone(), 0).await.unwrap();
    let status = local::status(aws.clone()).await.unwrap();
    assert_eq!(status.port, Some(port));
    assert!(status.temporary);
    let there = Connection::Endpoint {
        url: status.endpoint.unwrap(),
        region: status.region,
    };
    let there = there.open().await.unwrap();
    let roles = iam::list_roles(there.clone()).await.unwrap();
    assert_eq!(roles[0].role_name, "worker");
    let only_local = local::status(there.clone()).await.unwrap_err();
    assert_eq!(only_local.kind, error::Kind::Input);
    local::close_port(aws.clone()).await.unwrap();
    let closed = iam::list_roles(there).await.unwrap_err();
    assert_eq!(closed.kind, error::Kind::Unreachable);
    assert!(closed.message.contains("refused"), "{}", closed.message);
    assert!(!closed.message.contains('{'), "{}", closed.message);
    let calls = local::recent_calls(aws).await.unwrap();
    assert!(calls.iter().any(|it| it.operation == "ListRoles"));
}

#[tokio::test(start_paused = true)]
async fn a_reset_leaves_nothing_behind() {
    let aws = world();
    waterwheel::aws::demo::build(aws.clone()).await.unwrap();
    local::reset(aws.clone()).await.unwrap();
    assert_eq!(dynamodb::list_tables(aws.clone()).await.unwrap(), []);
    assert_eq!(lambda::list_functions(aws.clone()).await.unwrap(), []);
    assert_eq!(lambda::list_mappings(aws.clone()).await.unwrap(), []);
    assert_eq!(iam::list_roles(aws.clone()).await.unwrap(), []);
    assert_eq!(sqs::list_queues(aws.clone()).await.unwrap(), []);
    let streams = streams::list_streams(aws.clone(), None).await.unwrap();
    assert_eq!(streams, []);
    waterwheel::aws::demo::build(aws).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_follows_a_stream_from_a_number_misses_nothing_of_the_shards_beside_it() {
    let clock = Clock::at(from_epoch_millis(1_790_000_000_000));
    let aws = Aws::embedded(Options {
        streams: Settings {
            shards: NonZeroU32::new(3).unwrap(),
            ..Settings::default()
        },
        ..Options::temporary(clock.clone())
    })
    .unwrap();
    table(&aws, "Things").await;
    for id in 0..30 {
        let new = item(&format!(r#"{{"id": {{"S": "{id}"}}}}"#));
        let put = dynamodb::put_item(aws.clone(), "Things".to_owned(), new, PutRule::Any);
        put.await.unwrap();
    }
    let described = dynamodb::describe_table(aws.clone(), "Things".to_owned());
    let arn = described.await.unwrap().latest_stream_arn.unwrap();
    let follow = async |from| {
        let feed = Arc::new(streams::Feed::default());
        tokio::select! {
            ended = streams::tail(aws.clone(), arn.clone(), from, Arc::clone(&feed)) => panic!("{ended:?}"),
            () = clock.sleep(Duration::from_secs(2)) => {}
        }
        assert_eq!(feed.trouble(), None);
        feed.look(|rows| rows.iter().cloned().collect::<Vec<_>>())
    };
    let all = follow(streams::From::TrimHorizon).await;
    let shards: BTreeSet<_> = all.iter().map(|it| &it.shard).collect();
    assert_eq!((all.len(), shards.len()), (30, 3));
    for row in &all {
        let number = &row.record.sequence_number;
        let expected = all
            .iter()
            .filter(|it| it.shard != row.shard || it.record.sequence_number >= *number);
        let mut expected: Vec<_> = expected.cloned().collect();
        let mut found = follow(streams::From::At(number.clone())).await;
        for rows in [&mut expected, &mut found] {
            rows.sort_by(|a, b| a.record.sequence_number.cmp(&b.record.sequence_number));
        }
        assert_eq!(found, expected);
    }
}

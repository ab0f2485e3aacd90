//! The sample world, end to end: one bad order ends in the queue, everything else is billed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::aws::demo::{self, Writer};
use waterwheel::aws::lambda::Code;
use waterwheel::aws::{Aws, dynamodb, iam, lambda, local, logs, samples, sqs};
use waterwheel::clock::Clock;
use waterwheel::mapping::progress::{Condition, What};

use crate::aws::world;

#[tokio::test(start_paused = true)]
async fn the_sample_world_is_made_once() {
    let aws = world();
    let clock = Clock::real();
    let started = clock.now();
    let first = demo::build(aws.clone()).await.unwrap();
    let took = clock.now().duration_since(started).unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
    let repaired = vec![(demo::FILE.to_owned(), demo::FIXED.to_owned())];
    let name = || demo::FUNCTION.to_owned();
    lambda::update_code(aws.clone(), name(), Code::Files(repaired.clone()))
        .await
        .unwrap();
    let second = demo::build(aws.clone()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(lambda::list_mappings(aws.clone()).await.unwrap().len(), 1);
    let function = lambda::get_function(aws, name()).await.unwrap();
    assert_eq!(function.files, repaired);
}

#[tokio::test(start_paused = true)]
async fn the_role_of_the_sample_world_may_do_what_it_has_to_and_no_more() {
    let aws = world();
    let built = demo::build(aws.clone()).await.unwrap();
    let group = format!("/aws/lambda/{}", demo::FUNCTION);
    let needs = iam::trigger_needs(&built.stream_arn, Some(&built.queue.arn), &group);
    let check = |needs| iam::check(aws.clone(), built.role_arn.clone(), needs);
    let verdicts = check(needs).await.unwrap();
    assert!(
        verdicts.iter().all(|it| it.decision.is_allowed()),
        "{verdicts:?}"
    );
    let beyond = vec![
        ("dynamodb:PutItem".to_owned(), "*".to_owned()),
        ("sqs:ReceiveMessage".to_owned(), built.queue.arn.clone()),
    ];
    let verdicts = check(beyond).await.unwrap();
    assert!(verdicts.iter().all(|it| !it.decision.is_allowed()));
}

#[tokio::test(start_paused = true)]
async fn a_paused_writer_writes_nothing() {
    let aws = world();
    demo::build(aws.clone()).await.unwrap();
    let steer = Arc::new(Writer::new(1, None));
    let writing = tokio::spawn(demo::writer(aws.clone(), Arc::clone(&steer)));
    let clock = Clock::real();
    clock.sleep(Duration::from_secs(1)).await;
    steer.pause(true);
    clock.sleep(Duration::from_millis(50)).await;
    let written = steer.written();
    assert!((38..=41).contains(&written), "{written}");
    clock.sleep(Duration::from_secs(10)).await;
    assert_eq!(steer.written(), written);
    steer.pause(false);
    clock.sleep(Duration::from_secs(1)).await;
    assert!(steer.written() > written + 35);
    writing.abort();
}

#[tokio::test(start_paused = true)]
async fn one_bad_order_is_isolated_and_everything_else_is_billed() {
    let aws = world();
    let built = demo::build(aws.clone()).await.unwrap();
    let steer = Arc::new(Writer::default());
    let writing = tokio::spawn(demo::writer(aws.clone(), Arc::clone(&steer)));
    let clock = Clock::real();
    let mut letter = None;
    for _ in 0..150 {
        clock.sleep(Duration::from_millis(200)).await;
        let url = built.queue.url.clone();
        letter = sqs::peek(aws.clone(), url).await.unwrap().pop();
        if letter.is_some() {
            break;
        }
    }
    let letter = letter.unwrap();
    writing.abort();
    let poison = steer.poisoned().unwrap();
    let letter: Value = serde_json::from_str(&letter.body).unwrap();
    let key = format!("{} / {}", poison.customer, poison.order);
    let discarded = discarded(&aws, &key);
    check_letter(&letter, &built, &discarded);
    check_reason(&aws);
    // Let the rest of the stream through.
    clock.sleep(Duration::from_secs(4)).await;
    check_billed(&aws, Some(&key)).await;
}

#[tokio::test(start_paused = true)]
async fn the_suggested_fix_bills_the_bad_order_too() {
    let aws = world();
    let built = demo::build(aws.clone()).await.unwrap();
    let fixed = vec![(demo::FILE.to_owned(), demo::FIXED.to_owned())];
    let name = demo::FUNCTION.to_owned();
    lambda::update_code(aws.clone(), name, Code::Files(fixed))
        .await
        .unwrap();
    let steer = Arc::new(Writer::new(3, Some(Duration::from_secs(1))));
    let writing = tokio::spawn(demo::writer(aws.clone(), Arc::clone(&steer)));
    let clock = Clock::real();
    clock.sleep(Duration::from_secs(3)).await;
    writing.abort();
    clock.sleep(Duration::from_secs(4)).await;
    assert!(steer.poisoned().is_some());
    check_billed(&aws, None).await;
    let letters = sqs::peek(aws, built.queue.url).await.unwrap();
    assert_eq!(letters, []);
}

/// Sequence number of the one discarded record, which has to be the poison.
fn discarded(aws: &Aws, key: &str) -> String {
    let (story, _) = local::watch(aws).unwrap();
    let lost: Vec<_> = story
        .iter()
        .filter_map(|it| match &it.what {
            What::Discarded {
                records,
                condition: Condition::RetryAttemptsExhausted,
                attempts,
                ..
            } => Some((records, *attempts)),
            _ => None,
        })
        .collect();
    let [(records, attempts)] = lost.as_slice() else {
        panic!("{lost:?}");
    };
    assert_eq!((records.len(), *attempts), (1, 3));
    assert_eq!(&*records[0].key, key);
    records[0].sequence_number.to_string()
}

/// Every failed call names the line that the fix changes.
fn check_reason(aws: &Aws) {
    let (story, _) = local::watch(aws).unwrap();
    let failed: Vec<_> = story
        .iter()
        .filter_map(|it| match &it.what {
            What::Invoked { answer, .. } if answer.function_error.is_some() => Some(answer),
            _ => None,
        })
        .collect();
    assert!(failed.len() > 3, "bisecting takes several calls");
    for answer in failed {
        let payload: Value = serde_json::from_str(&answer.payload).unwrap();
        assert_eq!(payload["errorType"], "TypeError");
        let line = format!("{}:{}", demo::FILE, demo::POISON_LINE);
        assert!(payload["trace"].to_string().contains(&line), "{payload}");
    }
}

fn check_letter(letter: &Value, built: &demo::World, sequence_number: &str) {
    let request = &letter["requestContext"];
    assert_eq!(request["condition"], "RetryAttemptsExhausted");
    assert_eq!(request["approximateInvokeCount"], 3);
    assert_eq!(request["functionArn"], built.function_arn.as_str());
    assert_eq!(request["requestId"].as_str().unwrap().len(), 36);
    assert_eq!(
        letter["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    assert_eq!(letter["version"], "1.0");
    let timestamp = letter["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), "2026-01-01T00:00:05.123Z".len());
    let info = &letter["DDBStreamBatchInfo"];
    assert_eq!(info["batchSize"], 1);
    assert_eq!(info["startSequenceNumber"], sequence_number);
    assert_eq!(info["endSequenceNumber"], sequence_number);
    assert_eq!(info["streamArn"], built.stream_arn.as_str());
    let first = info["approximateArrivalOfFirstRecord"].as_str().unwrap();
    assert_eq!(first.len(), "2026-01-01T00:00:04Z".len());
    assert_eq!(info["approximateArrivalOfLastRecord"], first);
    let mut names: Vec<_> = letter.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "DDBStreamBatchInfo",
            "requestContext",
            "responseContext",
            "timestamp",
            "version"
        ]
    );
}

/// Every order that is still in the table was logged, and only the bad one was not.
async fn check_billed(aws: &Aws, poison: Option<&str>) {
    let group = format!("/aws/lambda/{}", demo::FUNCTION);
    let lines = logs::events(aws.clone(), group, None, String::new(), None, 100_000)
        .await
        .unwrap();
    let billed: BTreeSet<String> = lines
        .iter()
        .filter_map(|line| {
            let words = line.message.split("INFO\t").nth(1)?;
            let mut words = words.split(' ');
            let (_kind, customer, order) = (words.next()?, words.next()?, words.next()?);
            Some(format!("{customer} / {order}"))
        })
        .collect();
    let all = dynamodb::ReadRequest {
        table: demo::TABLE.to_owned(),
        ..dynamodb::ReadRequest::default()
    };
    let table = dynamodb::describe_table(aws.clone(), demo::TABLE.to_owned())
        .await
        .unwrap();
    let page = dynamodb::read(aws.clone(), all).await.unwrap();
    assert!(page.items.len() > 10, "only {} orders", page.items.len());
    for item in &page.items {
        let key = dynamodb::key_text(&table, item);
        assert_eq!(billed.contains(&key), Some(key.as_str()) != poison, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_sample_function_takes_the_sample_event() {
    let aws = world();
    let role = iam::NewRole {
        name: "sample".to_owned(),
        ..iam::NewRole::default()
    };
    let role_arn = iam::create_role(aws.clone(), role).await.unwrap().arn;
    let in_process = |it: &&samples::Template| it.runtime.starts_with("nodejs");
    for (at, sample) in samples::TEMPLATES.iter().filter(in_process).enumerate() {
        let name = format!("sample-{at}");
        let code = Code::Files(vec![(sample.path.to_owned(), sample.text.to_owned())]);
        let new = lambda::NewFunction::new(&name, sample.handler, &role_arn, code);
        lambda::create_function(aws.clone(), new).await.unwrap();
        let event = samples::EVENTS[0].text.to_owned();
        let answer = lambda::invoke(aws.clone(), name, event).await.unwrap();
        assert_eq!(answer.function_error, None, "{}: {answer:?}", sample.name);
        if at == 0 {
            let lines = ["INSERT", "MODIFY", "REMOVE", "DynamoDB Record: {"];
            let log = &answer.log_tail;
            assert!(lines.iter().all(|it| log.contains(it)), "{log}");
            assert_eq!(answer.payload, "null");
        }
    }
}

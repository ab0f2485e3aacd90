//! The answers recorded on AWS, and the dead letters that follow.

use std::sync::Arc;

use super::*;
use crate::clock::from_epoch_millis;
use crate::mapping::assumed::LetterPayload;
use crate::mapping::consumer::tests::{answer, records, start, throttled, thrown};

#[track_caller]
fn check(payload: &str, outcome: &Outcome) {
    let records = records(1..=3);
    let asked = Asked {
        records: &records,
        reports_failures: true,
        wants_state: false,
    };
    assert_eq!(
        judge(&answer(payload), asked).outcome,
        *outcome,
        "{payload}"
    );
}

fn from(number: u32) -> Outcome {
    Outcome::FailedFrom(SequenceNumber::new(&format!("{number:021}")))
}

#[test]
fn an_empty_or_null_answer_is_a_success() {
    for payload in [
        r#"{"batchItemFailures":[]}"#,
        r#"{"batchItemFailures":null}"#,
        "{}",
        "null",
        "[]",
        r#""""#,
        "",
    ] {
        check(payload, &Outcome::Succeeded);
    }
}

#[test]
fn the_lowest_identifier_of_the_batch_is_where_to_go_on() {
    let item = |number: u32| format!(r#"{{"itemIdentifier":"{number:021}"}}"#);
    check(
        &format!(r#"{{"batchItemFailures":[{}]}}"#, item(2)),
        &from(2),
    );
    check(
        &format!(r#"{{"batchItemFailures":[{},{}]}}"#, item(3), item(1)),
        &from(1),
    );
}

#[test]
fn an_identifier_that_makes_no_sense_fails_the_whole_batch() {
    for item in [
        r#"{"itemIdentifier":"123"}"#,
        r#"{"itemIdentifier":123}"#,
        r#"{"itemIdentifier":""}"#,
        r#"{"itemIdentifier":null}"#,
        r#"{"itemidentifier":"000000000000000000001"}"#,
        "{}",
        "7",
    ] {
        check(
            &format!(r#"{{"batchItemFailures":[{item}]}}"#),
            &Outcome::Failed,
        );
    }
    check(r#"{"batchItemFailures":"all"}"#, &Outcome::Failed);
    check("done", &Outcome::Failed);
    check("5", &Outcome::Failed);
}

#[test]
fn the_answer_is_ignored_while_the_feature_is_off() {
    let records = records(1..=3);
    let asked = Asked {
        records: &records,
        reports_failures: false,
        wants_state: false,
    };
    let partial = answer(r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#);
    assert_eq!(judge(&partial, asked).outcome, Outcome::Succeeded);
    assert_eq!(judge(&answer("done"), asked).outcome, Outcome::Succeeded);
    let verdict = judge(&thrown(), asked);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(verdict.reason, "function error: Error: boom");
    assert_eq!(judge(&throttled(), asked).outcome, Outcome::Throttled);
}

fn place() -> Place {
    Place {
        mapping: Arc::from("uuid"),
        shard: Arc::from("shardId-00000001795284314000-0a1b2c3d"),
        stream_arn: Arc::from("stream-arn"),
        function_arn: Arc::from("function-arn"),
    }
}

fn lost(condition: Condition, answer: Option<Answer>) -> Value {
    let lost = Discard::for_test(records(1..=1), condition, 2, answer.map(Arc::new));
    dead_letter(
        &lost,
        &place(),
        "never-sent",
        from_epoch_millis(1_767_225_605_123),
    )
}

#[test]
fn a_dead_letter_has_the_members_and_the_order_of_aws() {
    let arrival = iso_secs(start());
    let expected = format!(
        concat!(
            r#"{{"requestContext":{{"requestId":"request","functionArn":"function-arn","#,
            r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2}},"#,
            r#""responseContext":{{"statusCode":200,"executedVersion":"$LATEST","#,
            r#""functionError":"Unhandled"}},"version":"1.0","#,
            r#""timestamp":"2026-01-01T00:00:05.123Z","DDBStreamBatchInfo":{{"#,
            r#""shardId":"shardId-00000001795284314000-0a1b2c3d","#,
            r#""startSequenceNumber":"000000000000000000001","#,
            r#""endSequenceNumber":"000000000000000000001","#,
            r#""approximateArrivalOfFirstRecord":"{0}","#,
            r#""approximateArrivalOfLastRecord":"{0}","batchSize":1,"#,
            r#""streamArn":"stream-arn"}}}}"#
        ),
        arrival
    );
    let letter = lost(Condition::RetryAttemptsExhausted, Some(thrown()));
    assert_eq!(letter.to_string(), expected);
}

#[test]
fn a_partial_failure_leaves_the_function_error_null() {
    let letter = lost(Condition::RetryAttemptsExhausted, Some(answer("{}")));
    assert_eq!(
        letter["responseContext"],
        json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": null })
    );
}

#[test]
fn a_letter_about_age_tells_of_no_response() {
    let letter = lost(Condition::RecordAgeExceeded, None);
    assert_eq!(letter.get("responseContext"), None);
    assert_eq!(letter["requestContext"]["requestId"], "never-sent");
    assert_eq!(letter["requestContext"]["condition"], "RecordAgeExceeded");
    let letter = lost(Condition::RecordAgeExceeded, Some(thrown()));
    assert_eq!(letter.get("responseContext"), None);
}

#[test]
fn a_bucket_receives_the_event_as_text_under_a_key_of_its_time() {
    let records = records(1..=2);
    let event = payload::event(&records, None);
    let letter = json!({ "version": "1.0" });
    let lost = Discard::for_test(records, Condition::RetryAttemptsExhausted, 1, None);
    let now = from_epoch_millis(1_767_225_605_123);
    let object = |payload| dead_object(&letter, &lost, &place(), "id", payload, now);
    let (key, text) = object(LetterPayload::Text);
    assert_eq!(
        key,
        "aws/lambda/uuid/shardId-00000001795284314000-0a1b2c3d/2026/01/01/2026-01-01T00.00.05-id"
    );
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told, json!({ "version": "1.0", "payload": event }));
    let (_, text) = object(LetterPayload::Object);
    let told: Value = serde_json::from_str(&text).unwrap();
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(told, json!({ "version": "1.0", "payload": event }));
}

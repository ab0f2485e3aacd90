//! Which calls a rule strikes, and how often.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::*;
use crate::engine::call::{Account, Principal};
use crate::engine::handle;
use crate::ids::Ids;

fn call(service: &'static str, operation: &'static str, input: Value) -> Call {
    Call {
        service,
        operation,
        principal: Principal::Root,
        session_policies: None,
        input,
        plain: None,
        record_keys: None,
        payload: bytes::Bytes::new(),
        now: SystemTime::UNIX_EPOCH,
        ids: Ids::seeded(1),
        account: Arc::new(Account {
            id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
        }),
        request_id: String::new(),
    }
}

fn fate(faults: &Faults, service: &'static str, operation: &'static str) -> Fate {
    faults.fate(&call(service, operation, json!({})), "")
}

/// Code and message of what this call is refused with.
fn refused(kind: Kind, service: &'static str, name: &'static str) -> (&'static str, String) {
    let faults = Faults::default();
    faults.set(1, vec![Rule::always("*", kind)]);
    let call = call(service, name, json!({"TableName": "orders"}));
    let mut operations = handle::operations(service).iter();
    let operation = operations.find(|it| it.name == name).unwrap();
    let strike = faults.fate(&call, "").strike.unwrap();
    let fault = strike.fault(&call, operation);
    (fault.code, fault.message)
}

#[test]
fn a_rule_strikes_only_the_calls_it_names() {
    let faults = Faults::default();
    faults.set(1, vec![Rule::always("dynamodb:*Item", Kind::Throttle)]);
    let strike = |operation| fate(&faults, "dynamodb", operation).strike;
    assert_eq!(strike("PutItem"), Some(Strike::Throttle));
    assert_eq!(strike("PutItems"), None);
    assert_eq!(strike("Query"), None);
    faults.clear();
    assert_eq!(strike("PutItem"), None);
    assert!(faults.is_empty());
}

#[test]
fn a_rule_may_name_what_calls_are_about() {
    let stream =
        "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000";
    let about = |pattern: &str, input: Value, shown: &str| {
        let faults = Faults::default();
        let rule = Rule {
            subject: Some(pattern.to_owned()),
            ..Rule::always("*", Kind::Throttle)
        };
        faults.set(1, vec![rule]);
        let call = call("dynamodb", "PutItem", input);
        faults.fate(&call, shown).strike.is_some()
    };
    assert!(about("orders", json!({}), "orders"));
    assert!(about("ord*", json!({}), stream) && about("*/stream/*", json!({}), stream));
    assert!(!about("orders", json!({}), "orders-2") && !about("orders", json!({}), ""));
    let read = json!({"ShardIterator": format!("{stream}|1|eA==")});
    assert!(about("orders", read.clone(), "") && !about("order", read, ""));
    assert!(about("b", json!({"RequestItems": {"a": {}, "b": {}}}), ""));
    let put = json!({"TransactItems": [{"Put": {"TableName": "t"}}]});
    assert!(about("t", put.clone(), "") && !about("Put", put, ""));
}

#[test]
fn one_seed_strikes_the_same_calls() {
    let struck = |seed| {
        let faults = Faults::default();
        let rule = Rule {
            probability: 0.3,
            ..Rule::always("*", Kind::AnswerLost)
        };
        faults.set(seed, vec![rule]);
        let fates = (0..100).map(|_| fate(&faults, "lambda", "Invoke").answer_lost);
        fates.collect::<Vec<_>>()
    };
    assert_eq!(struck(7), struck(7));
    assert_ne!(struck(7), struck(8));
    let count = struck(7).into_iter().filter(|struck| *struck).count();
    assert!((10..50).contains(&count), "{count} of 100 at 0.3");
}

#[test]
fn calls_of_others_do_not_move_a_rule_s_dice() {
    let rules = || {
        let half = |calls: &str, kind| Rule {
            probability: 0.5,
            ..Rule::always(calls, kind)
        };
        vec![
            half("sqs:*", Kind::Throttle),
            half("lambda:*", Kind::AnswerLost),
        ]
    };
    let struck = |others: bool| {
        let faults = Faults::default();
        faults.set(3, rules());
        let fates = (0..64).map(|_| {
            if others {
                fate(&faults, "sqs", "SendMessage");
                fate(&faults, "dynamodb", "PutItem");
            }
            fate(&faults, "lambda", "Invoke").answer_lost
        });
        fates.collect::<Vec<_>>()
    };
    assert_eq!(struck(false), struck(true));
}

#[test]
fn a_rule_spares_the_first_calls_and_stops_after_some() {
    let faults = Faults::default();
    let rule = Rule {
        skip: 2,
        first: Some(3),
        ..Rule::always("*", Kind::Throttle)
    };
    faults.set(1, vec![rule.clone()]);
    let struck = (0..8).map(|_| fate(&faults, "sqs", "SendMessage").strike.is_some());
    let struck: Vec<bool> = struck.collect();
    assert_eq!(
        struck,
        [false, false, true, true, true, false, false, false]
    );
    let count = Count {
        number: 1,
        is_on: true,
        rule,
        seen: 8,
        struck: 3,
    };
    assert_eq!(faults.counts(), (1, vec![count]));
}

#[test]
fn a_delay_is_any_time_of_its_range() {
    let faults = Faults::default();
    let millis = Duration::from_millis;
    let kind = Kind::Delay {
        least: millis(10),
        most: millis(13),
    };
    faults.set(1, vec![Rule::always("*", kind)]);
    let delays = (0..100).map(|_| fate(&faults, "sqs", "SendMessage").delay);
    let delays: BTreeSet<Duration> = delays.collect();
    assert_eq!(delays, (10..=13).map(millis).collect());
}

#[test]
fn a_call_is_refused_once_and_everything_else_adds_up() {
    let faults = Faults::default();
    let hour = Kind::delay(Duration::from_hours(2));
    let kinds = [
        Kind::AccessDenied,
        hour.clone(),
        Kind::Throttle,
        hour,
        Kind::AnswerLost,
    ];
    let rules = kinds.into_iter().map(|kind| Rule::always("*", kind));
    faults.set(1, rules.collect());
    let fate = fate(&faults, "sqs", "SendMessage");
    assert_eq!(fate.strike, Some(Strike::AccessDenied));
    assert_eq!(
        (fate.delay, fate.answer_lost),
        (Duration::from_hours(4), true)
    );
    assert_eq!(
        fate.words,
        "denial, delay of 2 h, delay of 2 h, lost answer"
    );
    let struck: Vec<u64> = faults.counts().1.iter().map(|it| it.struck).collect();
    assert_eq!(struck, [1, 1, 0, 1, 1]);
}

#[test]
fn some_kinds_strike_only_what_they_can_happen_to() {
    let faults = Faults::default();
    let kinds = [Kind::ExpiredIterator, Kind::TrimmedData, Kind::Timeout];
    let strikes = |kind: &Kind, operation| {
        faults.set(1, vec![Rule::always("*", kind.clone())]);
        fate(&faults, "streams", operation).strike.is_some()
    };
    let [expired, trimmed, timeout] = kinds.each_ref();
    assert!(strikes(expired, "GetRecords") && !strikes(expired, "GetShardIterator"));
    assert!(strikes(trimmed, "GetRecords") && strikes(trimmed, "GetShardIterator"));
    assert!(!strikes(trimmed, "DescribeStream") && !strikes(timeout, "GetRecords"));
    faults.set(1, vec![Rule::always("*", Kind::Timeout)]);
    // The call itself goes through: it is the handler that does not run.
    assert_eq!(fate(&faults, "lambda", "Invoke"), Fate::default());
    assert_eq!(faults.fate_of_run("bill", "arn"), Some(Kind::Timeout));
    assert_eq!(faults.counts().1[0].seen, 1);
}

#[test]
fn refusals_are_worded_as_the_service_words_them() {
    let throttle = |service, name| refused(Kind::Throttle, service, name).0;
    assert_eq!(
        throttle("dynamodb", "PutItem"),
        "ProvisionedThroughputExceededException"
    );
    assert_eq!(throttle("lambda", "Invoke"), "TooManyRequestsException");
    assert_eq!(throttle("s3", "PutObject"), "SlowDown");
    let (code, message) = refused(Kind::AccessDenied, "dynamodb", "PutItem");
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(
        message,
        "User: arn:aws:iam::123456789012:root is not authorized to perform: dynamodb:PutItem on resource: \
         arn:aws:dynamodb:us-east-1:123456789012:table/orders because no identity-based policy allows the \
         dynamodb:PutItem action"
    );
    let (code, message) = refused(Kind::ExpiredIterator, "streams", "GetRecords");
    assert_eq!(code, "ExpiredIteratorException");
    assert_eq!(
        message,
        "The provided iterator exceeds the maximum age allowed"
    );
    let (code, _) = refused(Kind::TrimmedData, "streams", "GetRecords");
    assert_eq!(code, "TrimmedDataAccessException");
    assert_eq!(
        refused(Kind::InternalError, "logs", "PutLogEvents").0,
        "ServiceUnavailableException"
    );
}

#[test]
fn what_was_injected_is_remembered_for_a_while() {
    let faults = Faults::default();
    faults.mark("a", "throttle");
    assert_eq!(faults.injected("a").as_deref(), Some("throttle"));
    assert_eq!(faults.injected("b"), None);
    for _ in 0..MARKS_MAX {
        faults.mark("b", "delay");
    }
    assert_eq!(faults.injected("a"), None);
}

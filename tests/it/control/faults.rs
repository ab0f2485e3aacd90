//! Injected faults through the control service, and what triggers and callers make of them.

use std::time::Duration;

use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use waterwheel::mapping::progress::What;

use super::{refused, told};
use crate::lab::{Lab, Story};

const FINE: &str = "exports.handler = async () => 'fine';";

async fn put(lab: &Lab, rules: Value) -> Value {
    told(lab, "PutFaultRules", json!({"Seed": 7, "Rules": rules})).await
}

/// Seen and struck of each rule.
async fn counts(lab: &Lab) -> Vec<(u64, u64)> {
    let told = told(lab, "GetFaultRules", json!({})).await;
    let rules = told["Rules"].as_array().unwrap().iter();
    let count = |rule: &Value, name: &str| rule[name].as_u64().unwrap();
    rules
        .map(|rule| (count(rule, "Seen"), count(rule, "Struck")))
        .collect()
}

/// A table with a trigger; answers the stream's ARN.
async fn pipeline(lab: &Lab) -> String {
    let stream = lab.table("orders").await;
    lab.function("listen", FINE).await;
    lab.trigger(&stream, "listen", |it| it).await;
    stream
}

/// Answer, function error and log of an invocation.
async fn invoke(lab: &Lab) -> (String, Option<String>, String) {
    let invoke = lab.lambda.invoke().function_name("listen");
    let answer = invoke.log_type(LogType::Tail).send().await.unwrap();
    let log = BASE64_STANDARD.decode(answer.log_result.unwrap()).unwrap();
    let payload = answer.payload.unwrap().into_inner();
    (
        String::from_utf8(payload).unwrap(),
        answer.function_error,
        String::from_utf8(log).unwrap(),
    )
}

#[tokio::test(start_paused = true)]
async fn rules_come_back_with_what_came_of_them() {
    let lab = Lab::new().await;
    lab.table("orders").await;
    lab.table("others").await;
    let rules = json!([
        {"Calls": "dynamodb:PutItem", "Subject": "orders", "Kind": "Throttle", "Skip": 1, "First": 1},
        {"Calls": "dynamodb:*", "Kind": "Delay", "MinMilliseconds": 5, "MaxMilliseconds": 9, "Probability": 0.5},
        {"Calls": "lambda:Invoke", "Kind": "FunctionError", "ErrorMessage": "no"},
    ]);
    put(&lab, rules).await;
    let write = async |table: &str| {
        let put = lab.dynamodb.put_item().table_name(table);
        let id = aws_sdk_dynamodb::types::AttributeValue::S("a".to_owned());
        put.item("id", id).send().await.is_ok()
    };
    assert!(write("orders").await && !write("orders").await && write("orders").await);
    assert!(write("others").await);
    let told = told(&lab, "GetFaultRules", json!({})).await;
    let delayed = told["Rules"][1]["Struck"].as_u64().unwrap();
    assert!(delayed <= 4);
    assert_eq!(
        told,
        json!({"Seed": 7, "Rules": [
            {"RuleId": 1, "State": "ON", "Calls": "dynamodb:PutItem", "Subject": "orders", "Kind": "Throttle", "Probability": 1.0, "Skip": 1,
                "First": 1, "Seen": 3, "Struck": 1},
            {"RuleId": 2, "State": "ON", "Calls": "dynamodb:*", "Kind": "Delay", "MinMilliseconds": 5, "MaxMilliseconds": 9, "Probability": 0.5,
                "Skip": 0, "Seen": 4, "Struck": delayed},
            {"RuleId": 3, "State": "ON", "Calls": "lambda:Invoke", "Kind": "FunctionError", "ErrorType": "Error", "ErrorMessage": "no",
                "Probability": 1.0, "Skip": 0, "Seen": 0, "Struck": 0},
        ]})
    );
    // The list of calls tells which were made to fail, and so does the answer.
    let calls = lab.host.engine().recent_calls();
    let throttled = calls.iter().find(|it| it.code.is_some()).unwrap();
    assert!(throttled.injected.starts_with("throttle"), "{throttled:?}");
    super::told(&lab, "DeleteFaultRules", json!({})).await;
    let none = super::told(&lab, "GetFaultRules", json!({})).await;
    assert_eq!(none, json!({"Rules": []}));
}

#[tokio::test(start_paused = true)]
async fn rules_that_come_go_or_are_switched_leave_the_counts_of_others() {
    let lab = Lab::new().await;
    lab.table("orders").await;
    let every =
        |operation: &str| json!([{"Calls": operation, "Kind": "Delay", "MaxMilliseconds": 1}]);
    put(&lab, every("dynamodb:PutItem")).await;
    lab.put("orders", ["a", "b"]).await;
    let twice = json!({"Seed": 7, "Rules": every("dynamodb:*")});
    let told_of = told(&lab, "AddFaultRules", twice).await;
    assert_eq!(told_of["Rules"][1]["RuleId"], 2);
    lab.put("orders", ["c"]).await;
    assert_eq!(counts(&lab).await, [(3, 3), (1, 1)]);

    let off = json!({"RuleId": 1, "State": "OFF"});
    let told_of = told(&lab, "SwitchFaultRule", off).await;
    assert_eq!(told_of["Rules"][0]["State"], "OFF");
    lab.put("orders", ["d"]).await;
    assert_eq!(counts(&lab).await, [(3, 3), (2, 2)]);
    told(&lab, "DeleteFaultRules", json!({"RuleIds": [1]})).await;
    assert_eq!(counts(&lab).await, [(2, 2)]);

    // Numbers are not given twice: they decide which calls are struck.
    let third = told(&lab, "AddFaultRules", json!({"Rules": every("*")})).await;
    assert_eq!(third["Rules"][1]["RuleId"], 3);
    let anew = told(&lab, "RestartFaultRules", json!({"Seed": 9})).await;
    assert_eq!(anew["Seed"], 9);
    assert_eq!(counts(&lab).await, [(0, 0), (0, 0)]);
    told(&lab, "DeleteFaultRules", json!({"RuleIds": [2, 3]})).await;
    assert!(lab.host.engine().faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_not_there_cannot_be_changed() {
    let lab = Lab::new().await;
    let rule = json!({"Calls": "*", "Kind": "Throttle"});
    put(&lab, json!([rule])).await;
    for (operation, input, words) in [
        (
            "SwitchFaultRule",
            json!({"RuleId": 2, "State": "ON"}),
            "there is no rule 2",
        ),
        (
            "SwitchFaultRule",
            json!({"RuleId": 1, "State": "HALF"}),
            "unknown variant `HALF`",
        ),
        (
            "DeleteFaultRules",
            json!({"RuleIds": [1, 9]}),
            "there is no rule 9",
        ),
        (
            "AddFaultRules",
            json!({"Rules": [rule], "Seed": 8}),
            "the rules in force have the seed 7",
        ),
        (
            "AddFaultRules",
            json!({"Rules": vec![rule.clone(); 100]}),
            "there are 1 rules in force, and 100 at most",
        ),
    ] {
        let refused = refused(&lab, operation, input.clone()).await;
        assert!(refused.message.contains(words), "{input}: {refused}");
    }
    assert_eq!(counts(&lab).await, [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_function_error_takes_the_place_of_the_handler() {
    let lab = Lab::new().await;
    pipeline(&lab).await;
    let rule = json!({"Calls": "lambda:Invoke", "Subject": "listen", "First": 2, "Kind": "FunctionError",
        "ErrorType": "DatabaseDown", "ErrorMessage": "no connection"});
    put(&lab, json!([rule])).await;
    lab.put("orders", ["a"]).await;
    lab.sleep(30).await;
    let story = Story::of(&lab);
    assert_eq!(story.deliveries(), [["a"], ["a"], ["a"]]);
    let answers = story.all().into_iter().filter_map(|it| match it.what {
        What::Invoked { answer, .. } => Some(answer),
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    let told: Value = serde_json::from_str(&answers[0].payload).unwrap();
    let expected = json!({"errorType": "DatabaseDown", "errorMessage": "no connection",
        "trace": ["DatabaseDown: no connection"]});
    assert_eq!(told, expected);
    assert_eq!(answers[0].function_error.as_deref(), Some("Unhandled"));
    let tail = &answers[0].log_tail;
    assert!(
        tail.contains("\tWARN\tAn injected function error takes"),
        "{tail}"
    );
    assert!(tail.contains("\tERROR\tInvoke Error \t{"), "{tail}");
    assert!(tail.contains("REPORT RequestId:"), "{tail}");
    assert_eq!(answers[2].function_error, None);
    assert_eq!(counts(&lab).await, [(3, 2)]);
    let faults = lab.host.engine().faults();
    let injected = |nth: usize| faults.injected(&answers[nth].request_id);
    assert_eq!(injected(0).as_deref(), Some("function error"));
    assert_eq!(injected(2), None);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_takes_the_function_s_time_by_the_world_s_clock() {
    let lab = Lab::new().await;
    lab.function("listen", FINE).await;
    put(&lab, json!([{"Calls": "lambda:*", "Kind": "Timeout"}])).await;
    let began = lab.clock.uptime();
    let (answer, error, log) = invoke(&lab).await;
    assert_eq!(lab.clock.since(began), Duration::from_mins(1));
    assert!(
        answer.contains("Task timed out after 60.00 seconds"),
        "{answer}"
    );
    assert!(answer.contains("Sandbox.Timedout"), "{answer}");
    assert_eq!(error.as_deref(), Some("Unhandled"));
    for expected in [
        "START RequestId:",
        "An injected timeout takes the place of the handler",
        " Task timed out after 60.00 seconds",
        "Duration: 60000.00 ms",
        "Status: timeout",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    told(&lab, "SetClock", json!({"Mode": "MANUAL"})).await;
    let ((answer, ..), _) = tokio::join!(invoke(&lab), async {
        lab.clock.wait(Duration::from_hours(1)).await;
        told(&lab, "SetClock", json!({"AdvanceSeconds": 60})).await
    });
    assert!(answer.contains("Task timed out"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn asynchronous_invocations_fail_by_rule_as_well() {
    let lab = Lab::new().await;
    lab.function("listen", FINE).await;
    put(
        &lab,
        json!([{"Calls": "lambda:Invoke", "First": 2, "Kind": "FunctionError"}]),
    )
    .await;
    let invoke = lab.lambda.invoke().function_name("listen");
    let invoke = invoke.invocation_type(InvocationType::Event).send().await;
    assert_eq!(invoke.unwrap().status_code, 202);
    lab.sleep(1).await;
    assert_eq!(counts(&lab).await, [(1, 1)]);
    // Tried again after one minute and after two more.
    lab.sleep(60).await;
    assert_eq!(counts(&lab).await, [(2, 2)]);
    lab.sleep(600).await;
    assert_eq!(counts(&lab).await, [(3, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_reads_on_after_expired_iterators_and_trimmed_data() {
    let lab = Lab::new().await;
    pipeline(&lab).await;
    lab.put("orders", ["a"]).await;
    lab.sleep(1).await;
    let rules = json!([
        {"Calls": "streams:GetRecords", "Subject": "orders", "First": 1, "Kind": "ExpiredIterator"},
        {"Calls": "streams:*", "First": 2, "Skip": 3, "Kind": "TrimmedData"},
    ]);
    put(&lab, rules).await;
    lab.put("orders", ["b"]).await;
    lab.sleep(1).await;
    lab.put("orders", ["c"]).await;
    lab.sleep(10).await;
    let story = Story::of(&lab);
    assert_eq!(story.deliveries().concat(), ["a", "b", "c"]);
    let trimmed = |it: &What| matches!(it, What::Trimmed { .. });
    let trimmed = story.all().iter().filter(|it| trimmed(&it.what)).count();
    assert!(trimmed > 0);
    let counts = counts(&lab).await;
    assert_eq!((counts[0].1, counts[1].1), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_denial_stops_a_trigger_until_it_is_taken_back() {
    let lab = Lab::new().await;
    pipeline(&lab).await;
    put(
        &lab,
        json!([{"Calls": "streams:GetRecords", "Kind": "AccessDenied"}]),
    )
    .await;
    lab.sleep(2).await;
    lab.put("orders", ["a"]).await;
    lab.sleep(60).await;
    let story = Story::of(&lab);
    assert!(story.deliveries().is_empty());
    let denied = "PROBLEM: Cannot access stream arn:aws:dynamodb:";
    let problems = story.results();
    assert!(
        problems.iter().any(|it| it.contains(denied)),
        "{problems:?}"
    );
    told(&lab, "DeleteFaultRules", json!({})).await;
    lab.sleep(60).await;
    assert_eq!(Story::of(&lab).deliveries(), [["a"]]);
}

#[tokio::test(start_paused = true)]
async fn rules_that_could_never_strike_are_refused() {
    let lab = Lab::new().await;
    let delay = |least: u64, most: u64| json!({"Calls": "*", "Kind": "Delay", "MinMilliseconds": least, "MaxMilliseconds": most});
    for (rule, words) in [
        (json!({"Kind": "Throttle"}), "missing field `Calls`"),
        (
            json!({"Calls": "*", "Kind": "Thunder"}),
            "\"Thunder\" is none of Throttle, ",
        ),
        (
            json!({"Calls": "dynamodb:PutItm", "Kind": "Throttle"}),
            "names no operation",
        ),
        (
            json!({"Calls": "waterwheel:*", "Kind": "Throttle"}),
            "names no operation",
        ),
        (
            json!({"Calls": "PutItem", "Kind": "Throttle"}),
            "write service:Operation",
        ),
        (
            json!({"Calls": "sqs:*", "Kind": "Timeout"}),
            "Timeout cannot happen to what",
        ),
        (
            json!({"Calls": "streams:List*", "Kind": "TrimmedData"}),
            "cannot happen",
        ),
        (
            json!({"Calls": "*", "Kind": "Throttle", "Probability": 1.5}),
            "from 0 to 1",
        ),
        (
            json!({"Calls": "*", "Kind": "Throttle", "First": 0}),
            "nonzero",
        ),
        (
            json!({"Calls": "*", "Kind": "Throttle", "Skip": -1}),
            "integer `-1`",
        ),
        (
            json!({"Calls": "*", "Kind": "Throttle", "MinMilliseconds": 1}),
            "belong to the kind Delay",
        ),
        (
            json!({"Calls": "*", "Kind": "Timeout", "ErrorType": "E"}),
            "belong to the kind FunctionError",
        ),
        (json!({"Calls": "*", "Kind": "Delay"}), "a Delay needs"),
        (delay(9, 5), "a Delay needs"),
        (delay(0, 4_000_000), "up to 3600000"),
    ] {
        let input = json!({"Rules": [{"Calls": "*", "Kind": "Throttle"}, rule]});
        let refused = refused(&lab, "PutFaultRules", input).await;
        assert_eq!(refused.code, "ValidationException", "{rule}");
        assert!(refused.message.contains(words), "{rule}: {refused}");
    }
    let refused = refused(&lab, "PutFaultRules", json!({"Rules": []})).await;
    assert!(refused.message.contains("1 to 100 rules"), "{refused}");
    // Nothing was put in force.
    assert!(lab.host.engine().faults().is_empty());
}

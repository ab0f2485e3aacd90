//! Aliases through their operations, without a wire.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::call::{Body, Fault};
use crate::engine::lambda::testing::{EVERYTHING, Lab, TRUST, body};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const TELLING: (&str, &str) = (
    "index.js",
    "exports.handler = async (event, context) => [context.functionVersion, context.invokedFunctionArn]",
);

/// The function `f` with the versions 1 and 2.
async fn lab() -> Lab {
    let lab = Lab::new();
    lab.function("f", TELLING, json!({})).await;
    for timeout in [4, 5] {
        lab.call("PublishVersion", json!({ "FunctionName": "f" }))
            .await;
        let settings = json!({ "FunctionName": "f", "Timeout": timeout });
        lab.call("UpdateFunctionConfiguration", settings).await;
        lab.sleep(Duration::from_secs(1)).await;
    }
    lab
}

/// `f`'s alias of this name, with these members beside.
fn alias(name: &str, more: Value) -> Value {
    let mut input = json!({ "FunctionName": "f", "Name": name });
    if let (Value::Object(input), Value::Object(more)) = (&mut input, more) {
        input.extend(more);
    }
    input
}

fn weights(pairs: Value) -> Value {
    let mut routing = json!({});
    routing["AdditionalVersionWeights"] = pairs;
    routing
}

async fn invoke(lab: &Lab, name: &str) -> Value {
    let reply = lab
        .run("Invoke", json!({ "FunctionName": name }), "{}")
        .await;
    match reply.unwrap().body {
        Body::Blob(bytes) => serde_json::from_slice(&bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(fault: &Fault, status: u16, code: &str, message: &str) {
    assert_eq!(
        (fault.status, fault.code),
        (status, code),
        "{}",
        fault.message
    );
    assert_eq!(fault.message, message);
}

#[tokio::test(start_paused = true)]
async fn an_alias_leads_to_its_version() {
    let lab = lab().await;
    let input = alias(
        "live",
        json!({ "FunctionVersion": "1", "Description": "d" }),
    );
    let made = lab.run("CreateAlias", input, "").await.unwrap();
    assert_eq!(made.status, 201);
    let made = body(made);
    let revision = made["RevisionId"].clone();
    let expected = json!({
        "AliasArn": format!("{ARN}:live"), "Name": "live", "FunctionVersion": "1", "Description": "d",
        "RevisionId": revision,
    });
    assert_eq!(made, expected);
    assert_eq!(lab.call("GetAlias", alias("live", json!({}))).await, made);
    let got = lab
        .call("GetFunction", json!({ "FunctionName": "f:live" }))
        .await;
    assert_eq!(got["Configuration"]["Version"], "1");
    assert_eq!(got["Configuration"]["FunctionArn"], format!("{ARN}:live"));
    assert_eq!(
        invoke(&lab, "f:live").await,
        json!(["1", format!("{ARN}:live")])
    );

    let stale = alias("live", json!({ "FunctionVersion": "2", "RevisionId": "x" }));
    let fault = lab.refusal("UpdateAlias", stale).await;
    assert_eq!(
        (fault.status, fault.code),
        (412, "PreconditionFailedException")
    );
    let moved = alias(
        "live",
        json!({ "FunctionVersion": "2", "RevisionId": revision }),
    );
    let moved = lab.call("UpdateAlias", moved).await;
    assert_eq!(
        (&moved["FunctionVersion"], &moved["Description"]),
        (&json!("2"), &json!("d"))
    );
    assert_eq!(invoke(&lab, "f:live").await[0], "2");
    let same = lab.call("UpdateAlias", alias("live", json!({}))).await;
    assert_ne!(same["RevisionId"], moved["RevisionId"]);
    let moved = alias("live", json!({ "FunctionVersion": "$LATEST" }));
    lab.call("UpdateAlias", moved).await;
    assert_eq!(
        invoke(&lab, "f:live").await,
        json!(["$LATEST", format!("{ARN}:live")])
    );

    for _ in 0..2 {
        let gone = lab
            .run("DeleteAlias", alias("live", json!({})), "")
            .await
            .unwrap();
        assert_eq!(gone.status, 204);
    }
    let fault = lab
        .refusal("Invoke", json!({ "FunctionName": "f:live" }))
        .await;
    let missing = format!("Function not found: {ARN}:live");
    check(&fault, 404, "ResourceNotFoundException", &missing);
}

#[tokio::test(start_paused = true)]
async fn two_versions_share_the_invocations_of_an_alias_by_weight() {
    let lab = lab().await;
    let input = json!({ "FunctionVersion": "1", "RoutingConfig": weights(json!({ "2": 0.25 })) });
    let made = lab.call("CreateAlias", alias("live", input)).await;
    assert_eq!(made["RoutingConfig"], weights(json!({ "2": 0.25 })));
    let counts = async || {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..200 {
            let answer = invoke(&lab, "f:live").await;
            *counts
                .entry(answer[0].as_str().unwrap().to_owned())
                .or_default() += 1;
            assert_eq!(answer[1], format!("{ARN}:live"));
        }
        counts
    };
    let shared = counts().await;
    assert_eq!(shared.values().sum::<u32>(), 200);
    assert!((30..70).contains(&shared["2"]), "{shared:?}");
    for (weight, version) in [(0.0, "1"), (1.0, "2")] {
        let input = json!({ "RoutingConfig": weights(json!({ "2": weight })) });
        lab.call("UpdateAlias", alias("live", input)).await;
        assert_eq!(counts().await, BTreeMap::from([(version.to_owned(), 200)]));
    }
    let input = json!({ "RoutingConfig": weights(json!({})) });
    let alone = lab.call("UpdateAlias", alias("live", input)).await;
    assert_eq!(alone["RoutingConfig"], Value::Null);
    assert_eq!(invoke(&lab, "f:live").await[0], "1");
}

#[tokio::test(start_paused = true)]
async fn weights_that_make_no_sense_are_refused_in_the_words_of_lambda() {
    let lab = lab().await;
    let create = async |version: &str, pairs: Value| {
        let input = json!({ "FunctionVersion": version, "RoutingConfig": weights(pairs) });
        lab.refusal("CreateAlias", alias("live", input)).await
    };
    let (invalid, form) = ("InvalidParameterValueException", "ValidationException");
    let violation = |pairs: &str, constraint: &str| {
        format!(
            "1 validation error detected: Value '{{{pairs}}}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: {constraint}"
        )
    };
    let value = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]";
    let key = "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]";
    let fault = create("1", json!({ "1": 0.5, "2": 0.5 })).await;
    check(
        &fault,
        400,
        invalid,
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    );
    check(
        &create("1", json!({ "2": 2 })).await,
        400,
        form,
        &violation("2=2.0", value),
    );
    check(
        &create("1", json!({ "2": -1.0 })).await,
        400,
        form,
        &violation("2=-1.0", value),
    );
    check(
        &create("1", json!({ "$LATEST": 0.5 })).await,
        400,
        form,
        &violation("$LATEST=0.5", key),
    );
    let fault = create("1", json!({ "1": 0.5 })).await;
    check(
        &fault,
        400,
        invalid,
        "Invalid function version 1. Function version 1 is already included in routing configuration.",
    );
    let fault = create("1", json!({ "10": 0.5 })).await;
    check(
        &fault,
        404,
        "ResourceNotFoundException",
        &format!("Function not found: {ARN}:10"),
    );
    let fault = create("$LATEST", json!({ "1": 0.5 })).await;
    check(
        &fault,
        400,
        invalid,
        "$LATEST is not supported for an alias pointing to more than 1 version",
    );
}

#[tokio::test(start_paused = true)]
async fn weights_that_are_there_are_checked_against_another_version() {
    let lab = lab().await;
    let input = json!({ "FunctionVersion": "1", "RoutingConfig": weights(json!({ "2": 0.5 })) });
    lab.call("CreateAlias", alias("live", input)).await;
    for (version, part) in [
        ("2", "is already included"),
        ("$LATEST", "is not supported"),
    ] {
        let input = json!({ "FunctionVersion": version });
        let fault = lab.refusal("UpdateAlias", alias("live", input)).await;
        assert!(fault.message.contains(part), "{}", fault.message);
    }
    let input = json!({ "RoutingConfig": weights(json!({ "2": "x" })) });
    let fault = lab.refusal("UpdateAlias", alias("live", input)).await;
    assert_eq!(fault.code, "SerializationException");
}

#[tokio::test(start_paused = true)]
async fn aliases_that_are_there_not_there_or_no_names() {
    let lab = lab().await;
    let to = |version: &str| json!({ "FunctionVersion": version });
    lab.call("CreateAlias", alias("2026-01-02", to("1"))).await;
    let missing = "ResourceNotFoundException";
    let fault = lab
        .refusal("CreateAlias", alias("2026-01-02", to("2")))
        .await;
    let there = format!("Alias already exists: {ARN}:2026-01-02");
    check(&fault, 409, "ResourceConflictException", &there);
    let fault = lab.refusal("CreateAlias", alias("x", to("10"))).await;
    check(
        &fault,
        404,
        missing,
        &format!("Function not found: {ARN}:10"),
    );
    let mut elsewhere = alias("x", to("1"));
    elsewhere["FunctionName"] = json!("f-unknown");
    let fault = lab.refusal("CreateAlias", elsewhere).await;
    check(
        &fault,
        404,
        missing,
        &format!("Function not found: {ARN}-unknown:1"),
    );
    let fault = lab.refusal("GetAlias", alias("x", json!({}))).await;
    check(
        &fault,
        404,
        missing,
        &format!("Cannot find alias arn: {ARN}:x"),
    );
    let fault = lab.refusal("UpdateAlias", alias("x", to("1"))).await;
    check(&fault, 404, missing, &format!("Alias not found: {ARN}:x"));
    let fault = lab
        .refusal("UpdateAlias", alias("2026-01-02", to("10")))
        .await;
    check(
        &fault,
        404,
        missing,
        &format!("Function not found: {ARN}:10"),
    );
    for name in ["2024", "a b", "", "$LATEST"] {
        let fault = lab.refusal("CreateAlias", alias(name, to("1"))).await;
        let expected = format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
        );
        check(&fault, 400, "ValidationException", &expected);
    }
    let fault = lab.refusal("CreateAlias", alias("x", to("one"))).await;
    assert!(
        fault
            .message
            .contains("Value 'one' at 'functionVersion' failed")
    );
    let fault = lab.refusal("CreateAlias", alias("x", json!({}))).await;
    assert!(fault.message.contains("Value null at 'functionVersion'"));
    let mut qualified = alias("x", to("1"));
    qualified["FunctionName"] = json!("f:1");
    let fault = lab.refusal("CreateAlias", qualified).await;
    assert!(
        fault
            .message
            .starts_with("This operation is permitted on Lambda functions only.")
    );
}

#[tokio::test(start_paused = true)]
async fn aliases_are_listed_by_name_version_and_page() {
    let lab = lab().await;
    for (name, version) in [("b", "1"), ("a", "2"), ("c", "1"), ("d", "$LATEST")] {
        let input = json!({ "FunctionVersion": version });
        lab.call("CreateAlias", alias(name, input)).await;
    }
    let list = async |more: Value| {
        let mut input = alias("", more);
        input.as_object_mut().unwrap().remove("Name");
        let listed = lab.call("ListAliases", input).await;
        let names = listed["Aliases"].as_array().unwrap().iter();
        let names: Vec<String> = names
            .map(|it| it["Name"].as_str().unwrap().to_owned())
            .collect();
        (names, listed["NextMarker"].clone())
    };
    let (names, marker) = list(json!({ "MaxItems": 3 })).await;
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(list(json!({ "Marker": marker })).await.0, ["d"]);
    assert_eq!(list(json!({ "FunctionVersion": "1" })).await.0, ["b", "c"]);
    assert!(list(json!({ "FunctionVersion": "7" })).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_version_an_alias_leads_to_cannot_be_deleted() {
    let lab = lab().await;
    let input = json!({ "FunctionVersion": "1", "RoutingConfig": weights(json!({ "2": 0.5 })) });
    lab.call("CreateAlias", alias("live", input)).await;
    let input = json!({ "FunctionVersion": "2" });
    lab.call("CreateAlias", alias("beta", input)).await;
    for (version, aliases) in [("1", "live"), ("2", "beta, live")] {
        let input = json!({ "FunctionName": "f", "Qualifier": version });
        let fault = lab.refusal("DeleteFunction", input).await;
        let message = format!(
            "Unable to delete version because the following aliases reference it: [{aliases}]"
        );
        check(&fault, 409, "ResourceConflictException", &message);
    }
    lab.call("DeleteAlias", alias("live", json!({}))).await;
    lab.call("DeleteFunction", json!({ "FunctionName": "f:1" }))
        .await;
    lab.call("DeleteFunction", json!({ "FunctionName": "f" }))
        .await;
    lab.function("f", TELLING, json!({})).await;
    let fault = lab.refusal("GetAlias", alias("beta", json!({}))).await;
    assert_eq!(fault.status, 404);
}

#[tokio::test(start_paused = true)]
async fn two_versions_of_an_alias_have_one_role_and_one_dead_letter_queue() {
    let lab = lab().await;
    lab.role("other", TRUST, &[EVERYTHING]);
    let queue = json!({ "TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead" });
    let role = "arn:aws:iam::123456789012:role/other";
    for change in [
        json!({ "DeadLetterConfig": queue }),
        json!({ "Role": role }),
    ] {
        let mut settings = json!({ "FunctionName": "f" });
        if let (Value::Object(settings), Value::Object(change)) = (&mut settings, change) {
            settings.extend(change);
        }
        lab.call("UpdateFunctionConfiguration", settings).await;
        lab.sleep(Duration::from_secs(1)).await;
        lab.call("PublishVersion", json!({ "FunctionName": "f" }))
            .await;
    }
    for (pair, what) in [
        (("1", "3"), "dead-letter queue"),
        (("3", "4"), "execution role"),
    ] {
        let routing = weights(json!({ pair.1: 0.5 }));
        let input = json!({ "FunctionVersion": pair.0, "RoutingConfig": routing });
        let fault = lab.refusal("CreateAlias", alias("live", input)).await;
        let message = format!("Specified versions must be associated with the same {what}");
        check(&fault, 400, "InvalidParameterValueException", &message);
    }
}

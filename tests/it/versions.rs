//! Versions of functions through the official SDK.

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;
use waterwheel::clock::{Clock, from_epoch_millis};

use crate::lab::{Lab, fast_folder};

/// Answers with a text and what runs.
pub(crate) fn telling(text: &str) -> String {
    format!(
        "exports.handler = async (event, context) => ['{text}', context.functionVersion, context.invokedFunctionArn]"
    )
}

/// The executed version and the answer.
pub(crate) async fn invoke(lab: &Lab, name: &str, qualifier: Option<&str>) -> (String, Value) {
    let invoke = lab.lambda.invoke().function_name(name);
    let invoke = invoke.set_qualifier(qualifier.map(str::to_owned));
    let answer = invoke.payload(Blob::new("{}")).send().await.unwrap();
    let payload = answer.payload.unwrap();
    (
        answer.executed_version.unwrap(),
        serde_json::from_slice(payload.as_ref()).unwrap(),
    )
}

/// Publishes `$LATEST` and answers the number.
pub(crate) async fn publish(lab: &Lab, name: &str) -> String {
    let publish = lab.lambda.publish_version().function_name(name);
    publish.send().await.unwrap().version.unwrap()
}

#[tokio::test(start_paused = true)]
async fn versions_run_what_they_were_published_with_also_after_a_restart() {
    let folder = fast_folder();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let lab = Lab::open(clock.clone(), Some(folder.path()));
    lab.role("worker").await;
    lab.function("bill", &telling("one")).await;
    assert_eq!(publish(&lab, "bill").await, "1");
    lab.recode("bill", &telling("two")).await;
    assert_eq!(publish(&lab, "bill").await, "2");
    assert_eq!(publish(&lab, "bill").await, "2");
    lab.recode("bill", &telling("three")).await;
    lab.close().await;

    let lab = Lab::open(clock, Some(folder.path()));
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:bill";
    for (name, qualifier, version, text) in [
        ("bill", Some("1"), "1", "one"),
        ("bill:2", None, "2", "two"),
        ("bill:2", Some("2"), "2", "two"),
        (&format!("{arn}:1"), None, "1", "one"),
        ("bill", Some("$LATEST"), "$LATEST", "three"),
    ] {
        let (executed, answer) = invoke(&lab, name, qualifier).await;
        assert_eq!(executed, version, "{name}");
        assert_eq!(answer[0], text, "{name}");
        assert_eq!(answer[1], version, "{name}");
        assert_eq!(answer[2], format!("{arn}:{version}"), "{name}");
    }
    let (executed, answer) = invoke(&lab, "bill", None).await;
    assert_eq!((executed.as_str(), &answer[2]), ("$LATEST", &arn.into()));
    lab.recode("bill", &telling("four")).await;
    assert_eq!(publish(&lab, "bill").await, "3");
}

#[tokio::test(start_paused = true)]
async fn versions_are_listed_by_pages_and_deleted_one_by_one() {
    let lab = Lab::new().await;
    lab.function("bill", &telling("0")).await;
    for text in ["1", "2", "3"] {
        lab.recode("bill", &telling(text)).await;
        publish(&lab, "bill").await;
    }
    let listed = async || {
        let list = lab.lambda.list_versions_by_function().function_name("bill");
        let mut pages = list.into_paginator().page_size(2).items().send();
        let mut versions = Vec::new();
        while let Some(version) = pages.next().await {
            versions.push(version.unwrap().version.unwrap());
        }
        versions
    };
    assert_eq!(listed().await, ["$LATEST", "1", "2", "3"]);
    let delete = lab.lambda.delete_function().function_name("bill");
    let deleted = delete.qualifier("2").send().await.unwrap();
    drop(deleted);
    assert_eq!(listed().await, ["$LATEST", "1", "3"]);
    let get = lab
        .lambda
        .get_function_configuration()
        .function_name("bill");
    let gone = get.qualifier("2").send().await.unwrap_err();
    assert_eq!(
        gone.into_service_error().message(),
        Some("Function not found: arn:aws:lambda:us-east-1:123456789012:function:bill:2")
    );
    let get = lab.lambda.get_function().function_name("bill:3");
    let kept = get.send().await.unwrap().configuration.unwrap();
    assert_eq!(kept.version(), Some("3"));
}

//! S3 as its SDKs see it, and buckets as destinations of what functions could not process.

use std::process::Command;

use aws_sdk_lambda::types::{DestinationConfig, OnFailure};
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, Delete, ObjectIdentifier};
use serde_json::Value;
use waterwheel::engine::call::Principal;
use waterwheel::engine::server;
use waterwheel::mapping::progress::What;

use crate::lab::{Lab, Story};
use crate::sdks::{or_skip, passes, python_with, script};
use crate::wire::{over_the_port, world};

const BUCKET: &str = "arn:aws:s3:::lost";
const THROWS: &str = "exports.handler = async () => { throw new Error('no'); };";
const MAY_FILL: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["dynamodb:*","logs:*"],"Resource":"*"},
    {"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::lost/*"},
    {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lost"}]}"#;
const MAY_NOT_FILL: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["dynamodb:*","logs:*"],"Resource":"*"}]}"#;

fn to_bucket() -> DestinationConfig {
    let on_failure = OnFailure::builder().destination(BUCKET).build();
    DestinationConfig::builder().on_failure(on_failure).build()
}

/// A world whose worker may fill the bucket `lost`.
async fn lab_with_bucket() -> (Lab, aws_sdk_s3::Client) {
    let lab = Lab::new().await;
    lab.allow("worker", MAY_FILL).await;
    let s3 = aws_sdk_s3::Client::new(&lab.host.engine().sdk_config(&Principal::Root));
    s3.create_bucket().bucket("lost").send().await.unwrap();
    lab.function("bill", THROWS).await;
    (lab, s3)
}

/// What the poller told of deliveries: where to, and what went wrong.
fn deliveries(lab: &Lab) -> Vec<(String, Option<String>)> {
    let told = Story::of(lab).all().into_iter();
    told.filter_map(|it| match it.what {
        What::Delivered {
            destination, error, ..
        } => Some((destination, error)),
        _ => None,
    })
    .collect()
}

async fn keys(s3: &aws_sdk_s3::Client) -> Vec<String> {
    let listed = s3.list_objects_v2().bucket("lost").send().await.unwrap();
    let keys = listed.contents().iter();
    keys.map(|it| it.key().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_receives_the_letter_with_the_event_of_the_lost_batch() {
    let (lab, s3) = lab_with_bucket().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2"]).await;
    let uuid = lab
        .trigger(&stream, "bill", |it| {
            it.maximum_retry_attempts(1).destination_config(to_bucket())
        })
        .await;
    lab.sleep(30).await;

    let keys = keys(&s3).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let parts: Vec<&str> = keys[0].split('/').collect();
    assert_eq!(parts[..3], ["aws", "lambda", &uuid]);
    assert!(parts[3].starts_with("shardId-"));
    assert_eq!(parts[4..7], ["2026", "01", "01"]);
    assert!(parts[7].starts_with("2026-01-01T00.00."), "{}", parts[7]);
    assert_eq!(parts[7].len(), "2026-01-01T00.00.00-".len() + 36);

    let got = s3.get_object().bucket("lost").key(&keys[0]);
    let text = got.send().await.unwrap().body.collect().await.unwrap();
    let object: Value = serde_json::from_slice(&text.into_bytes()).unwrap();
    assert_eq!(
        object["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(object["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(object["responseContext"]["functionError"], "Unhandled");
    assert_eq!(object["DDBStreamBatchInfo"]["batchSize"], 2);
    assert_eq!(object["DDBStreamBatchInfo"]["shardId"], parts[3]);
    let event: Value = serde_json::from_str(object["payload"].as_str().unwrap()).unwrap();
    let ids: Vec<&Value> = event["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["dynamodb"]["Keys"]["id"]["S"])
        .collect();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(deliveries(&lab), [(format!("{BUCKET}/{}", keys[0]), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_denied_or_has_no_bucket_is_told_as_lost() {
    let (lab, s3) = lab_with_bucket().await;
    let stream = lab.table("orders").await;
    lab.trigger(&stream, "bill", |it| {
        it.maximum_retry_attempts(0).destination_config(to_bucket())
    })
    .await;
    lab.allow("worker", MAY_NOT_FILL).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(30).await;
    let denied = deliveries(&lab);
    let error = denied[0].1.as_deref().unwrap();
    assert!(
        error.starts_with(
            "User: arn:aws:sts::123456789012:assumed-role/worker/bill is not authorized to perform: \
             s3:PutObject on resource: \"arn:aws:s3:::lost/aws/lambda/"
        ),
        "{error}"
    );
    assert!(error.contains("(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied;"));

    lab.allow("worker", MAY_FILL).await;
    s3.delete_bucket().bucket("lost").send().await.unwrap();
    lab.put("orders", ["2"]).await;
    lab.sleep(30).await;
    let missing = deliveries(&lab).pop().unwrap();
    assert!(
        missing.1.as_deref().unwrap().starts_with(
            "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket;"
        ),
        "{missing:?}"
    );

    s3.create_bucket().bucket("lost").send().await.unwrap();
    assert!(keys(&s3).await.is_empty());
    lab.put("orders", ["3"]).await;
    lab.sleep(30).await;
    assert_eq!(keys(&s3).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_needs_a_role_that_may_fill_its_bucket() {
    let (lab, _) = lab_with_bucket().await;
    let stream = lab.table("orders").await;
    let allowed = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":["dynamodb:*","{action}"],"Resource":"*"}}]}}"#
        )
    };
    for (action, missing) in [
        ("s3:ListBucket", "PutObject"),
        ("s3:PutObject", "ListBucket"),
    ] {
        lab.allow("worker", &allowed(action)).await;
        let create = lab
            .lambda
            .create_event_source_mapping()
            .event_source_arn(&stream)
            .function_name("bill")
            .starting_position("LATEST".into())
            .destination_config(to_bucket());
        let error = create.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("InvalidParameterValueException"));
        assert_eq!(
            error.message().unwrap(),
            format!(
                "The provided execution role does not have permissions to call {missing} on S3"
            )
        );
    }
}

fn code<E: aws_sdk_s3::error::ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    let service = error.as_service_error();
    service.and_then(|it| it.code()).unwrap_or_default()
}

#[tokio::test]
async fn objects_work_through_the_sdk_in_process_and_over_the_port() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let inside = host.engine().sdk_config(&Principal::Root);
    let outside = over_the_port(&listening.endpoint());
    // In process the bucket is in the host's name, over the port in the path.
    let by_host = aws_sdk_s3::Client::new(&inside);
    let by_path = aws_sdk_s3::config::Builder::from(&outside).force_path_style(true);
    let by_path = aws_sdk_s3::Client::from_conf(by_path.build());
    for (s3, bucket) in [(by_host, "by-host"), (by_path, "by-path")] {
        s3.create_bucket().bucket(bucket).send().await.unwrap();
        for algorithm in [
            ChecksumAlgorithm::Crc32,
            ChecksumAlgorithm::Crc32C,
            ChecksumAlgorithm::Crc64Nvme,
            ChecksumAlgorithm::Sha1,
            ChecksumAlgorithm::Sha256,
        ] {
            let key = format!("a b/{algorithm}");
            let put = s3.put_object().bucket(bucket).key(&key);
            put.checksum_algorithm(algorithm)
                .metadata("color", "red")
                .body(ByteStream::from_static(b"hello"))
                .send()
                .await
                .unwrap();
            // The SDK checks what it reads against the sum it put.
            let got = s3.get_object().bucket(bucket).key(&key).send().await;
            let got = got.unwrap();
            assert_eq!(got.metadata().unwrap()["color"], "red");
            let body = got.body.collect().await.unwrap().into_bytes();
            assert_eq!(body, "hello");
        }
        let head = s3.head_object().bucket(bucket).key("a b/SHA1");
        assert_eq!(head.send().await.unwrap().content_length(), Some(5));
        let error = s3.get_object().bucket(bucket).key("none").send().await;
        assert_eq!(code(&error.unwrap_err()), "NoSuchKey");
        let error = s3.head_object().bucket(bucket).key("none").send().await;
        let error = error.unwrap_err().into_service_error();
        assert!(error.is_not_found());

        let list = s3.list_objects_v2().bucket(bucket).max_keys(2);
        let mut found = Vec::new();
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.unwrap().contents() {
                let id = ObjectIdentifier::builder().key(object.key().unwrap());
                found.push(id.build().unwrap());
            }
        }
        assert_eq!(found.len(), 5);
        let error = s3.delete_bucket().bucket(bucket).send().await;
        assert_eq!(code(&error.unwrap_err()), "BucketNotEmpty");
        let all = Delete::builder().set_objects(Some(found)).build().unwrap();
        let delete = s3.delete_objects().bucket(bucket).delete(all);
        assert_eq!(delete.send().await.unwrap().deleted().len(), 5);
        s3.delete_bucket().bucket(bucket).send().await.unwrap();
    }
}

#[tokio::test]
async fn buckets_work_through_boto3() {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let mut command = Command::new(python);
    command.arg(script("tests/boto3/buckets.py"));
    passes(command).await;
}

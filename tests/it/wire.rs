//! The seam as SDKs see it: signatures, permissions, errors, injected faults; in process and over the port.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use waterwheel::clock::{self, Clock};
use waterwheel::engine::call::Principal;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::engine::server;
use waterwheel::engine::{EngineHost, Options};

pub(crate) fn world() -> EngineHost {
    EngineHost::open(Options::temporary(Clock::real())).unwrap()
}

/// The settings of a program of the user's that talks to the port.
pub(crate) fn over_the_port(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIAANYKEY", "any", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

fn code<E: ProvideErrorMetadata>(error: &E) -> String {
    error.code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_waterwheel_cannot_do_is_an_unknown_operation() {
    let host = world();
    let config = host.engine().sdk_config(&Principal::Root);
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let error = dynamodb
        .list_imports()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "UnknownOperationException");
    let lambda = aws_sdk_lambda::Client::new(&config);
    let error = lambda.list_layers().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
    let iam = aws_sdk_iam::Client::new(&config);
    let error = iam
        .list_users()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "InvalidAction");
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_takes_the_engines_time_and_no_other() {
    let clock = Clock::at(clock::from_epoch_millis(1_767_225_600_000));
    let host = EngineHost::open(Options::temporary(clock.clone())).unwrap();
    let hour = Duration::from_secs(3600);
    let rule = Rule::always("sqs:ListQueues", Kind::Delay(hour));
    host.engine().faults().set(1, vec![rule]);
    let sqs = aws_sdk_sqs::Client::new(&host.engine().sdk_config(&Principal::Root));
    sqs.list_queues().send().await.unwrap();
    assert_eq!(clock::iso_secs(clock.now()), "2026-01-01T01:00:00Z");
}

#[tokio::test]
async fn a_lost_answer_is_a_broken_connection_after_the_deed() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let inside = host.engine().sdk_config(&Principal::Root);
    let sqs = aws_sdk_sqs::Client::new(&inside);
    let rule = Rule::always("sqs:CreateQueue", Kind::AnswerLost);
    host.engine().faults().set(1, vec![rule]);
    for (config, name) in [
        (&inside, "in"),
        (&over_the_port(&listening.endpoint()), "out"),
    ] {
        let client = aws_sdk_sqs::Client::new(config);
        let error = client
            .create_queue()
            .queue_name(name)
            .send()
            .await
            .unwrap_err();
        assert!(error.as_service_error().is_none(), "{error:?}");
        sqs.get_queue_url().queue_name(name).send().await.unwrap();
    }
}

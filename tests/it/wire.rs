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
async fn errors_of_every_service_arrive_as_their_sdk_models_them() {
    let host = world();
    let config = host.engine().sdk_config(&Principal::Root);
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    for config in [config, over_the_port(&listening.endpoint())] {
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let error = dynamodb.describe_table().table_name("nothing").send().await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_resource_not_found_exception()
        );

        let streams = aws_sdk_dynamodbstreams::Client::new(&config);
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000";
        let error = streams.describe_stream().stream_arn(arn).send().await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_resource_not_found_exception()
        );

        let lambda = aws_sdk_lambda::Client::new(&config);
        let error = lambda.get_function().function_name("nothing").send().await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_resource_not_found_exception()
        );

        let iam = aws_sdk_iam::Client::new(&config);
        let error = iam.get_role().role_name("nothing").send().await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_no_such_entity_exception()
        );

        let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
        let error = logs
            .describe_log_streams()
            .log_group_name("nothing")
            .send()
            .await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_resource_not_found_exception()
        );

        let sqs = aws_sdk_sqs::Client::new(&config);
        let error = sqs.get_queue_url().queue_name("nothing").send().await;
        assert!(
            error
                .unwrap_err()
                .into_service_error()
                .is_queue_does_not_exist()
        );
    }
}

#[tokio::test]
async fn what_waterwheel_cannot_do_is_an_unknown_operation() {
    let host = world();
    let config = host.engine().sdk_config(&Principal::Root);
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    let error = logs
        .describe_destinations()
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
        .list_groups()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "InvalidAction");
}

#[tokio::test]
async fn a_key_nobody_issued_is_refused_where_keys_are_strict() {
    let mut options = Options::temporary(Clock::real());
    options.strict_keys = true;
    let host = EngineHost::open(options).unwrap();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let stranger = aws_sdk_dynamodb::Client::new(&over_the_port(&listening.endpoint()));
    let error = stranger
        .list_tables()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "UnrecognizedClientException");
    let known = host.engine().sdk_config(&Principal::Root);
    let known = aws_sdk_dynamodb::Client::new(&known);
    known.list_tables().send().await.unwrap();
}

#[tokio::test]
async fn a_session_of_a_role_may_do_what_its_policies_say() {
    let host = world();
    let iam = aws_sdk_iam::Client::new(&host.engine().sdk_config(&Principal::Root));
    iam.create_role()
        .role_name("reader")
        .assume_role_policy_document(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
                "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
        )
        .send()
        .await
        .unwrap();
    let reader = Principal::Role {
        role: "reader".to_owned(),
        session: "f".to_owned(),
    };
    let dynamodb = aws_sdk_dynamodb::Client::new(&host.engine().sdk_config(&reader));
    let error = dynamodb
        .list_tables()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "AccessDeniedException");
    assert_eq!(
        error.message().unwrap_or_default(),
        "User: arn:aws:sts::123456789012:assumed-role/reader/f is not authorized to perform: \
         dynamodb:ListTables on resource: * because no identity-based policy allows the dynamodb:ListTables action"
    );
    iam.put_role_policy()
        .role_name("reader")
        .policy_name("read")
        .policy_document(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:List*","Resource":"*"}]}"#,
        )
        .send()
        .await
        .unwrap();
    dynamodb.list_tables().send().await.unwrap();
    let calls = host.engine().recent_calls();
    let last = calls.last().unwrap();
    assert_eq!((last.service, last.operation), ("dynamodb", "ListTables"));
    assert_eq!(
        (&last.principal, last.status, last.code),
        (&reader, 200, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_takes_the_engines_time_and_no_other() {
    let clock = Clock::at(clock::from_epoch_millis(1_767_225_600_000));
    let host = EngineHost::open(Options::temporary(clock.clone())).unwrap();
    let hour = Duration::from_hours(1);
    let rule = Rule::always("sqs:ListQueues", Kind::delay(hour));
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

#[tokio::test]
async fn a_key_from_assume_role_speaks_for_the_session() {
    let host = world();
    let iam = aws_sdk_iam::Client::new(&host.engine().sdk_config(&Principal::Root));
    for (name, trusted) in [
        ("open", r#"{"AWS":"arn:aws:iam::123456789012:root"}"#),
        ("closed", r#"{"Service":"lambda.amazonaws.com"}"#),
    ] {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{trusted},"Action":"sts:AssumeRole"}}]}}"#
        );
        let create = iam.create_role().role_name(name);
        create
            .assume_role_policy_document(trust)
            .send()
            .await
            .unwrap();
    }
    let assume = |role: &str| {
        format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn=arn:aws:iam::123456789012:role/{role}"
        )
    };
    let (status, xml) = sts(&host, "AKIAANYKEY", assume("open")).await;
    assert_eq!(status, 200, "{xml}");
    let key = between(&xml, "<AccessKeyId>", "</AccessKeyId>");
    let (_, me) = sts(
        &host,
        key,
        "Action=GetCallerIdentity&Version=2011-06-15".to_owned(),
    )
    .await;
    let arn = between(&me, "<Arn>", "</Arn>");
    assert_eq!(arn, "arn:aws:sts::123456789012:assumed-role/open/me");

    let mut answers = Vec::new();
    for role in ["closed", "missing"] {
        let (status, xml) = sts(&host, "AKIAANYKEY", assume(role)).await;
        assert_eq!(status, 403, "{xml}");
        assert_eq!(between(&xml, "<Code>", "</Code>"), "AccessDenied");
        answers.push(between(&xml, "<Message>", "</Message>").replace(role, "it"));
    }
    assert_eq!(answers[0], answers[1]);
}

/// Sends a form to STS in process; status and XML.
pub(crate) async fn sts(host: &EngineHost, key: &str, form: String) -> (u16, String) {
    let scope = format!("Credential={key}/20260101/us-east-1/sts/aws4_request");
    let request = http::Request::post("/")
        .header(
            "Authorization",
            format!("AWS4-HMAC-SHA256 {scope}, Signature=00"),
        )
        .body(bytes::Bytes::from(form));
    let response = host.engine().handle(request.unwrap()).await;
    let status = response.status().as_u16();
    (
        status,
        String::from_utf8(response.into_body().to_vec()).unwrap(),
    )
}

pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let found = text
        .split_once(from)
        .and_then(|(_, rest)| rest.split_once(to));
    found.unwrap_or_else(|| panic!("no {from} in {text}")).0
}

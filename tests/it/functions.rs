//! Functions through the official SDK: made, changed, invoked, throttled, deleted.

use std::io::{Cursor, Write as _};

use aws_sdk_lambda::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Environment, EventSourcePosition, FunctionCode, InvocationType, LastUpdateStatus, LogType,
    Runtime, State, ThrottleReason,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::lab::Lab;

const ROLE: &str = "arn:aws:iam::123456789012:role/worker";

fn package(files: &[(&str, &str)]) -> Blob {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        writer
            .start_file(*path, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    Blob::new(writer.finish().unwrap().into_inner())
}

fn code(files: &[(&str, &str)]) -> FunctionCode {
    FunctionCode::builder().zip_file(package(files)).build()
}

/// An active function of this one file.
async fn function(lab: &Lab, name: &str, source: &str) {
    lab.lambda
        .create_function()
        .function_name(name)
        .runtime(Runtime::Nodejs24x)
        .handler("index.handler")
        .role(ROLE)
        .code(code(&[("index.js", source)]))
        .send()
        .await
        .unwrap();
    lab.sleep(1).await;
}

async fn invoke(lab: &Lab, name: &str, event: &Value) -> InvokeOutput {
    lab.lambda
        .invoke()
        .function_name(name)
        .log_type(LogType::Tail)
        .payload(Blob::new(event.to_string()))
        .send()
        .await
        .unwrap()
}

fn payload(output: &InvokeOutput) -> Value {
    serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap()
}

fn tail(output: &InvokeOutput) -> String {
    let bytes = STANDARD.decode(output.log_result().unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_function_lives_from_creation_to_deletion() {
    let lab = Lab::new().await;
    let made = lab
        .lambda
        .create_function()
        .function_name("hello")
        .runtime(Runtime::Nodejs24x)
        .handler("index.handler")
        .role(ROLE)
        .memory_size(256)
        .environment(Environment::builder().variables("STAGE", "test").build())
        .tags("team", "orders")
        .code(code(&[(
            "index.mjs",
            "export const handler = async () => process.env.STAGE;",
        )]))
        .send()
        .await
        .unwrap();
    assert_eq!(made.state, Some(State::Pending));
    lab.sleep(1).await;
    let got = lab.lambda.get_function().function_name("hello");
    let got = got.send().await.unwrap();
    let configuration = got.configuration.unwrap();
    assert_eq!(configuration.state, Some(State::Active));
    assert_eq!(
        configuration.last_update_status,
        Some(LastUpdateStatus::Successful)
    );
    assert_eq!(got.tags.unwrap()["team"], "orders");
    assert!(got.code.unwrap().location.unwrap().ends_with("/package"));
    let answer = invoke(&lab, "hello", &json!({})).await;
    assert_eq!(answer.status_code, 200);
    assert_eq!(answer.executed_version(), Some("$LATEST"));
    assert_eq!(payload(&answer), "test");

    lab.lambda
        .update_function_code()
        .function_name("hello")
        .zip_file(package(&[(
            "index.mjs",
            "export const handler = async (e) => e.n + 1;",
        )]))
        .send()
        .await
        .unwrap();
    lab.sleep(1).await;
    lab.lambda
        .update_function_configuration()
        .function_name("hello")
        .timeout(30)
        .send()
        .await
        .unwrap();
    lab.sleep(1).await;
    let answer = invoke(&lab, "hello", &json!({ "n": 1 })).await;
    assert_eq!(payload(&answer), 2);
    let listed = lab.lambda.list_functions().send().await.unwrap();
    assert_eq!(listed.functions.unwrap()[0].timeout, Some(30));
    let deleted = lab.lambda.delete_function().function_name("hello");
    deleted.send().await.unwrap();
    let gone = lab.lambda.get_function().function_name("hello");
    let gone = gone.send().await.unwrap_err().into_service_error();
    assert!(gone.is_resource_not_found_exception());
    assert_eq!(
        gone.message(),
        Some("Function not found: arn:aws:lambda:us-east-1:123456789012:function:hello")
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_error_comes_with_its_log() {
    let lab = Lab::new().await;
    let source = "exports.handler = async () => { console.log('before'); throw new RangeError('too far'); };";
    function(&lab, "fails", source).await;
    let output = invoke(&lab, "fails", &json!({})).await;
    assert_eq!(output.status_code, 200);
    assert_eq!(output.function_error(), Some("Unhandled"));
    let failed = payload(&output);
    assert_eq!(failed["errorType"], "RangeError");
    assert_eq!(failed["errorMessage"], "too far");
    assert_eq!(failed["trace"][0], "RangeError: too far");
    let tail = tail(&output);
    assert!(tail.contains("\tINFO\tbefore\n"));
    assert!(tail.contains("\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\""));
    let events = lab.logs.filter_log_events();
    let events = events.log_group_name("/aws/lambda/fails").send().await;
    let messages: Vec<String> = events
        .unwrap()
        .events
        .unwrap()
        .into_iter()
        .filter_map(|event| event.message)
        .collect();
    assert_eq!(messages.concat().replace('\n', ""), tail.replace('\n', ""));
}

#[tokio::test(start_paused = true)]
async fn the_errors_of_a_creation_arrive_as_the_sdk_knows_them() {
    let lab = Lab::new().await;
    function(&lab, "taken", "exports.handler = async () => 1;").await;
    let create = |name: &str| {
        lab.lambda
            .create_function()
            .function_name(name)
            .runtime(Runtime::Nodejs24x)
            .handler("index.handler")
            .role(ROLE)
            .code(code(&[("index.js", "")]))
    };
    let fault = create("taken").send().await.unwrap_err();
    let fault = fault.into_service_error();
    assert!(fault.is_resource_conflict_exception());
    assert_eq!(fault.message(), Some("Function already exist: taken"));
    let broken = FunctionCode::builder().zip_file(Blob::new("x")).build();
    let fault = create("new").code(broken).send().await.unwrap_err();
    let fault = fault.into_service_error();
    assert!(fault.is_invalid_parameter_value_exception());
    let fault = create("new").role("r1").send().await.unwrap_err();
    assert_eq!(fault.code(), Some("ValidationException"));
    let role = "arn:aws:iam::123456789012:role/nobody";
    let fault = create("new").role(role).send().await.unwrap_err();
    assert_eq!(
        fault.message(),
        Some("The role defined for the function cannot be assumed by Lambda.")
    );
}

#[tokio::test(start_paused = true)]
async fn a_throttle_says_which_limit_was_reached() {
    let lab = Lab::new().await;
    function(&lab, "busy", "exports.handler = async () => 1;").await;
    lab.lambda
        .put_function_concurrency()
        .function_name("busy")
        .reserved_concurrent_executions(0)
        .send()
        .await
        .unwrap();
    let refused = lab.lambda.invoke().function_name("busy").send().await;
    let SdkError::ServiceError(refused) = refused.unwrap_err() else {
        panic!("the engine answers");
    };
    assert_eq!(refused.raw().status().as_u16(), 429);
    let reason = match refused.into_err() {
        aws_sdk_lambda::operation::invoke::InvokeError::TooManyRequestsException(it) => it.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason,
        Some(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded)
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_is_answered_before_it_is_run() {
    let lab = Lab::new().await;
    function(
        &lab,
        "later",
        "exports.handler = async (event) => { console.log('ran', event.n); };",
    )
    .await;
    let accepted = lab
        .lambda
        .invoke()
        .function_name("later")
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(r#"{"n": 5}"#))
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.status_code, 202);
    lab.sleep(1).await;
    let events = lab.logs.filter_log_events();
    let events = events.log_group_name("/aws/lambda/later").send().await;
    let events = events.unwrap().events.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.message().unwrap().ends_with("\tINFO\tran 5"))
    );
    let dry = lab.lambda.invoke().function_name("later");
    let dry = dry.invocation_type(InvocationType::DryRun).send().await;
    assert_eq!(dry.unwrap().status_code, 204);
}

#[tokio::test(start_paused = true)]
async fn the_uploaded_package_can_be_read_back() {
    let lab = Lab::new().await;
    function(&lab, "kept", "exports.handler = async () => 1;").await;
    let files = waterwheel::engine::lambda::code_of(lab.host.engine(), "kept").unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0, "index.js");
    assert_eq!(files[0].1, "exports.handler = async () => 1;");
}

/// The tutorial "Using Lambda with DynamoDB Streams", step by step.
#[tokio::test(start_paused = true)]
async fn the_tutorial_works_from_role_to_log() {
    let lab = Lab::new().await;
    let source = "console.log('Loading function');\nexports.handler = async (event) => {\n  console.log(JSON.stringify(event, null, 2));\n  for (const record of event.Records) {\n    console.log(record.eventID);\n    console.log(record.eventName);\n    console.log('DynamoDB Record: %j', record.dynamodb);\n  }\n};\n";
    function(&lab, "ProcessDynamoDBRecords", source).await;
    let event = json!({ "Records": [{ "eventID": "1", "eventName": "INSERT", "dynamodb": { "Keys": { "Id": { "N": "101" } } } }] });
    let output = invoke(&lab, "ProcessDynamoDBRecords", &event).await;
    assert_eq!(payload(&output), Value::Null);
    assert!(
        tail(&output).contains("\tINFO\tDynamoDB Record: {\"Keys\":{\"Id\":{\"N\":\"101\"}}}\n")
    );
    let stream = lab.table("lambda-dynamodb-stream").await;
    lab.lambda
        .create_event_source_mapping()
        .function_name("ProcessDynamoDBRecords")
        .event_source_arn(&stream)
        .batch_size(100)
        .starting_position(EventSourcePosition::TrimHorizon)
        .send()
        .await
        .unwrap();
    lab.put("lambda-dynamodb-stream", ["a", "b"]).await;
    lab.sleep(5).await;
    let events = lab.logs.filter_log_events();
    let events = events
        .log_group_name("/aws/lambda/ProcessDynamoDBRecords")
        .filter_pattern("\"DynamoDB Record\"")
        .send()
        .await
        .unwrap();
    let seen: Vec<String> = events
        .events
        .unwrap()
        .into_iter()
        .filter_map(|event| event.message)
        .collect();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen[1].contains("\"Keys\":{\"id\":{\"S\":\"a\"}}"));
    assert!(seen[2].contains("\"Keys\":{\"id\":{\"S\":\"b\"}}"));
}

//! AWS's tutorial "Using AWS Lambda with Amazon DynamoDB", through the SDK in process and through boto3 on the port.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionCode, LogType, Runtime};
use waterwheel::aws::lambda::zip_files;
use waterwheel::aws::samples;
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

use crate::sdks::{or_skip, python_with};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole";
const FUNCTION: &str = "ProcessDynamoDBRecords";
const TABLE: &str = "lambda-dynamodb-stream";

struct Cloud {
    host: EngineHost,
    clock: Clock,
    dynamodb: aws_sdk_dynamodb::Client,
    lambda: aws_sdk_lambda::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
}

impl Cloud {
    fn open() -> Self {
        let clock = Clock::real();
        let host = EngineHost::open(Options::temporary(clock.clone())).unwrap();
        let config = host.engine().sdk_config(&Principal::Root);
        Self {
            clock,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            host,
        }
    }

    async fn make_role(&self) -> String {
        let name = "lambda-dynamodb-role";
        let made = self
            .iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(TRUST)
            .send()
            .await
            .unwrap();
        let attach = self.iam.attach_role_policy().role_name(name);
        attach.policy_arn(POLICY).send().await.unwrap();
        made.role.unwrap().arn
    }

    async fn make_function(&self, role: &str) {
        let text = samples::TEMPLATES[0].text.to_owned();
        let zip = zip_files(&[("example.js".to_owned(), text)]).unwrap();
        self.lambda
            .create_function()
            .function_name(FUNCTION)
            .runtime(Runtime::from("nodejs24.x"))
            .role(role)
            .handler("example.handler")
            .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
            .send()
            .await
            .unwrap();
        self.clock.sleep(Duration::from_secs(1)).await;
    }

    async fn make_table(&self) -> String {
        let id = || "id".to_owned();
        let key = KeySchemaElement::builder()
            .attribute_name(id())
            .key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name(id())
            .attribute_type(ScalarAttributeType::S);
        self.dynamodb
            .create_table()
            .table_name(TABLE)
            .key_schema(key.build().unwrap())
            .attribute_definitions(attribute.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .unwrap();
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::KeysOnly);
        let updated = self
            .dynamodb
            .update_table()
            .table_name(TABLE)
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        updated
            .table_description
            .unwrap()
            .latest_stream_arn
            .unwrap()
    }

    async fn change_an_item(&self) {
        let text = |it: &str| AttributeValue::S(it.to_owned());
        let put = self.dynamodb.put_item().table_name(TABLE);
        put.item("id", text("1")).send().await.unwrap();
        self.dynamodb
            .update_item()
            .table_name(TABLE)
            .key("id", text("1"))
            .update_expression("SET message = :m")
            .expression_attribute_values(":m", text("This item has changed"))
            .send()
            .await
            .unwrap();
        let delete = self.dynamodb.delete_item().table_name(TABLE);
        delete.key("id", text("1")).send().await.unwrap();
    }

    async fn log(&self) -> Vec<String> {
        let events = self.logs.filter_log_events();
        let found = events
            .log_group_name(format!("/aws/lambda/{FUNCTION}"))
            .send()
            .await
            .unwrap();
        let events = found.events.unwrap_or_default();
        events.into_iter().filter_map(|it| it.message).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_tutorial_works_through_the_sdk() {
    let cloud = Cloud::open();
    let role = cloud.make_role().await;
    cloud.make_function(&role).await;
    let answer = cloud
        .lambda
        .invoke()
        .function_name(FUNCTION)
        .log_type(LogType::Tail)
        .payload(Blob::new(samples::EVENTS[0].text))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status_code, 200);
    assert_eq!(answer.function_error, None);
    assert_eq!(answer.payload.unwrap().as_ref(), b"null");

    let stream = cloud.make_table().await;
    let mapping = cloud
        .lambda
        .create_event_source_mapping()
        .function_name(FUNCTION)
        .event_source_arn(&stream)
        .batch_size(100)
        .starting_position(EventSourcePosition::Latest)
        .send()
        .await
        .unwrap();
    assert_eq!(mapping.state.as_deref(), Some("Creating"));
    cloud.clock.sleep(Duration::from_secs(2)).await;
    cloud.change_an_item().await;
    cloud.clock.sleep(Duration::from_secs(2)).await;

    let log = cloud.log().await;
    let kinds: Vec<&str> = log
        .iter()
        .filter_map(|line| line.rsplit('\t').next())
        .filter(|said| matches!(*said, "INSERT" | "MODIFY" | "REMOVE"))
        .collect();
    // The first three are the test event's.
    assert_eq!(
        kinds,
        ["INSERT", "MODIFY", "REMOVE", "INSERT", "MODIFY", "REMOVE"]
    );
    let records: Vec<&String> = log
        .iter()
        .filter(|line| line.contains("DynamoDB Record: ") && line.contains("KEYS_ONLY"))
        .collect();
    assert_eq!(records.len(), 3, "{log:#?}");
    assert!(records.iter().all(|line| !line.contains("NewImage")));
    let uuid = mapping.uuid.unwrap();
    let now = cloud.lambda.get_event_source_mapping().uuid(uuid);
    let now = now.send().await.unwrap();
    assert_eq!(now.state.as_deref(), Some("Enabled"));
    assert_eq!(now.last_processing_result.as_deref(), Some("OK"));
    cloud.host.close().await;
}

#[test]
fn the_tutorial_works_through_boto3_on_the_port() {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let mut served = Command::new(env!("CARGO_BIN_EXE_waterwheel"))
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = served.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let endpoint = line.split_whitespace().last().unwrap().to_owned();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(python)
        .arg(root.join("tests/boto3/walkthrough.py"))
        .arg(&endpoint)
        .arg(root.join("assets/handlers/process-records.js"))
        .envs(HashMap::from([("AWS_EC2_METADATA_DISABLED", "true")]))
        .output()
        .unwrap();
    served.kill().unwrap();
    served.wait().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}");
    assert!(said.contains("ok clean up"), "{said}");
}

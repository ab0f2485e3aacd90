//! The SDKs people use, each with a script of its own against the port: tables, items, transactions, streams.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, Delete, KeySchemaElement, KeyType, Put,
    ReturnValue, ScalarAttributeType, StreamSpecification, StreamViewType, TransactWriteItem,
};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use waterwheel::engine::server;

use crate::tables::s;
use crate::wire::{over_the_port, world};

const JAVASCRIPT: [&str; 3] = [
    "@aws-sdk/client-dynamodb@3",
    "@aws-sdk/client-dynamodb-streams@3",
    "@aws-sdk/lib-dynamodb@3",
];

/// One test at a time installs.
static INSTALLING: Mutex<()> = Mutex::new(());

/// A folder for what tests install for themselves; kept between runs.
fn installed(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A Python with these modules, installed the first time; `Err` says why there is none.
pub(crate) fn python_with(modules: &[&str]) -> Result<PathBuf, String> {
    let _installing = INSTALLING.lock();
    let venv = installed("boto3").join("venv");
    let python = venv.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let import = format!("import {}", modules.join(", "));
    let has_all = |python: &Path| {
        let found = Command::new(python).args(["-c", &import]).output();
        found.is_ok_and(|it| it.status.success())
    };
    if has_all(&python) {
        return Ok(python);
    }
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    // All at once: their versions depend on each other.
    let install = ["-m", "pip", "install", "--quiet", "boto3", "awscli"];
    run(Command::new(&python).args(install))?;
    if has_all(&python) {
        Ok(python)
    } else {
        Err(format!("installed, but `{import}` fails"))
    }
}

/// A folder of node modules with the SDK for JavaScript, installed the first time; `Err` says why there is none.
fn node_modules() -> Result<PathBuf, String> {
    let _installing = INSTALLING.lock();
    run(Command::new("node").arg("--version"))?;
    let folder = installed("javascript");
    let modules = folder.join("node_modules");
    if !modules.join("@aws-sdk/lib-dynamodb/package.json").exists() {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let mut install = Command::new(npm);
        install.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]);
        run(install.arg(&folder).args(JAVASCRIPT))?;
    }
    Ok(modules)
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| error.to_string())?;
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

/// What was asked for, or a line that says why a test is skipped; skipping fails where nothing may be skipped.
pub(crate) fn or_skip<T>(found: Result<T, String>, what: &str) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(why) => {
            let must = std::env::var_os("WATERWHEEL_TEST_NO_SKIP").is_some();
            assert!(!must, "{what} is needed: {why}");
            #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
            {
                eprintln!("skipped: no {what} here: {why}");
            }
            None
        }
    }
}

pub(crate) fn script(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a script against the port of a new world.
pub(crate) async fn passes(mut command: Command) {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    command
        .arg(listening.endpoint())
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let done: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}");
    assert!(said.contains("ok clean up"), "{said}");
    listening.stop().await;
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_work_through_boto3() {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let mut command = Command::new(python);
    command.arg(script("tests/boto3/tables.py"));
    passes(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_work_through_boto3() {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let mut command = Command::new(python);
    command.arg(script("tests/boto3/topics.py"));
    passes(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_work_through_the_aws_cli() {
    let python = python_with(&["awscli"]);
    let Some(python) = or_skip(python, "python3 with awscli") else {
        return;
    };
    let mut command = Command::new(python);
    command.arg(script("tests/awscli/tables.py"));
    passes(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_work_through_the_sdk_for_javascript() {
    let Some(modules) = or_skip(node_modules(), "node with the AWS SDK") else {
        return;
    };
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", modules)
        .arg(script("tests/javascript/tables.cjs"));
    passes(command).await;
}

#[tokio::test]
async fn tables_work_through_the_sdk_for_rust() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let config = over_the_port(&listening.endpoint());
    let client = aws_sdk_dynamodb::Client::new(&config);
    make(&client).await;
    let number = |it: i32| AttributeValue::N(it.to_string());
    for n in 0..5 {
        let put = client.put_item().table_name("orders").item("id", s("a"));
        put.item("n", number(n)).send().await.unwrap();
    }
    let pages = client
        .query()
        .table_name("orders")
        .key_condition_expression("id = :id AND n > :n")
        .expression_attribute_values(":id", s("a"))
        .expression_attribute_values(":n", number(0))
        .into_paginator()
        .page_size(3)
        .items();
    let found = pages.send().try_collect().await.unwrap();
    let numbers: Vec<_> = found.iter().map(|it| it["n"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3, 4].map(number));

    let update = client.update_item().table_name("orders").key("id", s("a"));
    let updated = update
        .key("n", number(1))
        .update_expression("ADD hits :one")
        .expression_attribute_values(":one", number(1))
        .return_values(ReturnValue::UpdatedNew)
        .send()
        .await
        .unwrap();
    assert_eq!(updated.attributes.unwrap()["hits"], number(1));
    transact(&client).await;
    assert_eq!(
        stream(&client, &config).await,
        ["INSERT"; 5]
            .into_iter()
            .chain(["MODIFY", "INSERT", "REMOVE"])
            .collect::<Vec<_>>()
    );
    listening.stop().await;
    host.close().await;
}

async fn make(client: &aws_sdk_dynamodb::Client) {
    let attribute = |name: &str, kind| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(kind).build().unwrap()
    };
    let key = |name: &str, kind| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(kind).build().unwrap()
    };
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::KeysOnly);
    client
        .create_table()
        .table_name("orders")
        .attribute_definitions(attribute("id", ScalarAttributeType::S))
        .attribute_definitions(attribute("n", ScalarAttributeType::N))
        .key_schema(key("id", KeyType::Hash))
        .key_schema(key("n", KeyType::Range))
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream.build().unwrap())
        .send()
        .await
        .unwrap();
}

/// Puts and deletes together; the same once more is refused with its reasons.
async fn transact(client: &aws_sdk_dynamodb::Client) {
    let number = |it: i32| AttributeValue::N(it.to_string());
    let put = Put::builder().table_name("orders").item("id", s("b"));
    let put = put
        .item("n", number(0))
        .condition_expression("attribute_not_exists(id)");
    let delete = Delete::builder().table_name("orders").key("id", s("a"));
    let request = client
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .put(put.build().unwrap())
                .build(),
        )
        .transact_items(
            TransactWriteItem::builder()
                .delete(delete.key("n", number(4)).build().unwrap())
                .build(),
        );
    request.clone().send().await.unwrap();
    let refused = request.send().await.unwrap_err().into_service_error();
    assert!(refused.is_transaction_canceled_exception());
}

/// Event names of the table's stream.
async fn stream(
    client: &aws_sdk_dynamodb::Client,
    config: &aws_config::SdkConfig,
) -> Vec<&'static str> {
    const EVENTS: [&str; 3] = ["INSERT", "MODIFY", "REMOVE"];
    let streams = aws_sdk_dynamodbstreams::Client::new(config);
    let described = client.describe_table().table_name("orders").send().await;
    let arn = described.unwrap().table.unwrap().latest_stream_arn.unwrap();
    let described = streams.describe_stream().stream_arn(&arn).send().await;
    let shards = described
        .unwrap()
        .stream_description
        .unwrap()
        .shards
        .unwrap();
    let start = streams
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shards[0].shard_id().unwrap())
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = start.send().await.unwrap().shard_iterator;
    let read = streams.get_records().set_shard_iterator(iterator);
    let records = read.send().await.unwrap().records.unwrap();
    records
        .iter()
        .map(|it| it.event_name().unwrap().as_str())
        .map(|told| *EVENTS.iter().find(|it| **it == told).unwrap())
        .collect()
}

//! The tutorial's function in three languages, as processes that a stream triggers.
//!
//! Code of AWS's own is no part of this project. `WATERWHEEL_SAMPLES=FOLDER` runs what lies there instead of ours:
//! `example.js` and `example.py` of AWS's page, unchanged.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};

use super::{active, has, invoke, logged, package, world};
use crate::lab::Lab;

struct Sample {
    runtime: &'static str,
    handler: String,
    zip: Vec<u8>,
}

impl Sample {
    /// AWS's file where it is given, otherwise ours.
    fn of(runtime: &'static str, file: &str, theirs: &str, ours: (&str, &str)) -> Self {
        let folder = std::env::var_os("WATERWHEEL_SAMPLES").map(PathBuf::from);
        let given = folder.map(|it| std::fs::read_to_string(it.join(file)).unwrap());
        let (handler, text) = given.as_deref().map_or(ours, |text| (theirs, text));
        Self {
            runtime,
            handler: handler.to_owned(),
            zip: package(&[(file, text)]),
        }
    }

    /// Writes, changes and deletes an item, and waits until the function has told of all three.
    async fn follows_a_stream(self, lab: &Lab, name: &str) {
        let code = FunctionCode::builder().zip_file(Blob::new(self.zip));
        let create = lab.lambda.create_function().function_name(name);
        create
            .runtime(Runtime::from(self.runtime))
            .handler(self.handler)
            .role("arn:aws:iam::123456789012:role/worker")
            .code(code.build())
            .send()
            .await
            .unwrap();
        active(&lab.lambda, name).await;
        let stream = lab.table(name).await;
        lab.trigger(&stream, name, |it| it.batch_size(100)).await;
        lab.put(name, ["a"]).await;
        let changed = lab.dynamodb.put_item().table_name(name);
        let changed = changed.item("id", AttributeValue::S("a".to_owned()));
        let changed = changed.item("message", AttributeValue::S("changed".to_owned()));
        changed.send().await.unwrap();
        let gone = lab.dynamodb.delete_item().table_name(name);
        let gone = gone.key("id", AttributeValue::S("a".to_owned()));
        gone.send().await.unwrap();
        let mut lines = Vec::new();
        for _ in 0..400 {
            lab.clock.sleep(Duration::from_millis(50)).await;
            let group = lab.logs.describe_log_groups().send().await.unwrap();
            let wanted = format!("/aws/lambda/{name}");
            let groups = group.log_groups.unwrap_or_default();
            if groups.iter().any(|it| it.log_group_name() == Some(&wanted)) {
                lines = logged(lab, name).await;
            }
            if lines
                .iter()
                .filter(|it| it.contains("DynamoDB Record: "))
                .count()
                == 3
            {
                break;
            }
        }
        for kind in ["INSERT", "MODIFY", "REMOVE"] {
            assert!(
                lines.iter().any(|it| it.ends_with(kind)),
                "{kind} {lines:#?}"
            );
        }
        assert!(lines.iter().any(|it| it.starts_with("REPORT RequestId: ")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_function_runs_on_node() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    let ours = include_str!("../../../assets/handlers/process-records.js");
    let sample = Sample::of(
        "nodejs24.x",
        "example.js",
        "example.handler",
        ("example.handler", ours),
    );
    sample.follows_a_stream(&lab, "node").await;
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_function_runs_on_python() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let ours = include_str!("../../../assets/handlers/process-records.py");
    let sample = Sample::of(
        "python3.14",
        "example.py",
        "example.lambda_handler",
        ("example.handler", ours),
    );
    sample.follows_a_stream(&lab, "python").await;
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_in_rust_is_built_and_runs() {
    let built = tokio::task::spawn_blocking(build).await.unwrap();
    let lab = world().await;
    let sample = Sample {
        runtime: "provided.al2023",
        handler: "bootstrap".to_owned(),
        zip: executable(&built),
    };
    sample.follows_a_stream(&lab, "rust").await;
    let bad = invoke(&lab.lambda, "rust", "[]").await;
    assert!(bad.is_error, "{bad:?}");
    lab.close().await;
}

/// Built the first time, with the toolchain that built this test.
fn build() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rust-function");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-function");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(project.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    let done = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "examples/rust-function is not built: {said}"
    );
    target
        .join("debug")
        .join(format!("bootstrap{}", std::env::consts::EXE_SUFFIX))
}

fn executable(file: &Path) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    let bytes = std::fs::read(file).unwrap();
    std::io::Write::write_all(&mut writer, &bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

//! The examples of `docs/control.md`, run as they stand against a port.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use waterwheel::clock::Clock;
use waterwheel::engine::{Options, server};
use waterwheel::mapping::progress::What;

use crate::lab::Lab;
use crate::sdks::{or_skip, python_with};

const PAGE: &str = include_str!("../../../docs/control.md");
/// Where the page says the engine listens.
const ENDPOINT: &str = "http://127.0.0.1:8700";

/// The page's blocks in this language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let parts = PAGE.split(&fence).skip(1);
    parts.filter_map(|it| it.split("```").next()).collect()
}

async fn succeeds(mut command: Command) -> String {
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done: Output = done.await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_of_the_page_works_on_a_port() {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let lab = Lab::with(Options::temporary(Clock::real()));
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    lab.function("bill", "exports.handler = async () => 7;")
        .await;
    let (_, mut story) = lab.host.engine().watch();
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.put("orders", ["a", "b"]).await;
    let (shard, batch) = loop {
        let step = story.next().await.unwrap();
        if let What::Invoked { batch, .. } = step.what {
            break (step.shard, batch.0);
        }
    };
    // For the steps of the page; it is read once the page has paused the poller.
    super::told(&lab, "PausePoller", serde_json::json!({ "UUID": uuid })).await;
    lab.put("orders", ["c"]).await;

    let listening = server::listen(lab.host.engine().clone(), 0).await.unwrap();
    let script = blocks("python").concat();
    assert!(script.contains("Batch=7"));
    let script = script
        .replace(ENDPOINT, &listening.endpoint())
        .replace("Batch=7", &format!("Batch={batch}"));
    let mut command = Command::new(python);
    let known = format!("uuid, shard = {uuid:?}, {:?}\n", &*shard);
    command.args(["-c", &format!("{known}{script}")]);
    let said = succeeds(command).await;
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("4/s"));
    assert_eq!(lines.next(), Some("SUCCEEDED"));
    assert!(lines.any(|it| it.starts_with("Invocations ")), "{said}");
    assert!(said.contains("waits") || said.contains("paused"), "{said}");
    listening.stop().await;
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_of_the_page_works_on_a_port() {
    let found = Command::new("curl").args(["--help", "all"]).output();
    let found = found.map_err(|error| error.to_string()).and_then(|it| {
        let can_sign = String::from_utf8_lossy(&it.stdout).contains("--aws-sigv4");
        can_sign
            .then_some(())
            .ok_or_else(|| "it is too old to sign".to_owned())
    });
    let shell = Path::new("/bin/sh").exists();
    let found = found.and_then(|()| shell.then_some(()).ok_or_else(|| "no /bin/sh".to_owned()));
    if or_skip(found, "curl that signs").is_none() {
        return;
    }
    let lab = Lab::with(Options::temporary(Clock::real()));
    let listening = server::listen(lab.host.engine().clone(), 0).await.unwrap();
    let blocks = blocks("sh");
    assert_eq!(blocks.len(), 1);
    for block in blocks {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &block.replace(ENDPOINT, &listening.endpoint())]);
        let said = succeeds(command).await;
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(told["Settings"]["Poll"], "4/s", "{told}");
    }
    listening.stop().await;
    lab.close().await;
}

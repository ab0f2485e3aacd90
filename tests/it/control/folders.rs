//! Functions that follow a folder: what is saved is deployed.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::engine::Options;

use super::{refused, told};
use crate::lab::Lab;

/// A handler that answers this.
fn answers(text: &str) -> String {
    format!("export const handler = async () => \"{text}\";")
}

async fn answer(lab: &Lab) -> String {
    let invoke = lab.lambda.invoke().function_name("reader");
    let answer = invoke.send().await.unwrap().payload.unwrap();
    String::from_utf8(answer.into_inner()).unwrap()
}

/// Files are watched in this machine's time: waits for what they say.
async fn until(what: &str, lab: &Lab, done: impl AsyncFn(&Lab) -> bool) {
    for _ in 0..1000 {
        if done(lab).await {
            return;
        }
        lab.clock.wait(Duration::from_millis(10)).await;
    }
    panic!("waited in vain until {what}");
}

async fn problem(lab: &Lab) -> Option<String> {
    let listed = told(lab, "ListFollowedFolders", json!({})).await;
    let problem = &listed["Folders"][0]["Problem"];
    problem.as_str().map(str::to_owned)
}

fn asked(path: &Path) -> Value {
    json!({ "FunctionName": "reader", "Path": path })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_in_a_folder_is_deployed() {
    let (world, code) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = code.path().join("reader");
    let save = |text: &str| std::fs::write(folder.join("index.mjs"), answers(text)).unwrap();
    std::fs::create_dir(&folder).unwrap();
    save("one");
    let open = || {
        Lab::with(Options {
            folder: Some(world.path().to_owned()),
            ..Options::temporary(Clock::real())
        })
    };
    let lab = open();
    lab.role("worker").await;
    lab.function("reader", &answers("nothing")).await;
    let begun = told(&lab, "FollowFolder", asked(&folder)).await;
    assert_eq!(begun["FunctionName"], "reader");
    assert_eq!(begun["Path"], json!(folder));
    until("it is deployed", &lab, async |lab| {
        answer(lab).await == "\"one\""
    })
    .await;
    save("two");
    until("it is again", &lab, async |lab| {
        answer(lab).await == "\"two\""
    })
    .await;

    // What cannot be deployed is told, and tried again.
    std::fs::remove_dir_all(&folder).unwrap();
    until("it is missed", &lab, async |lab| {
        problem(lab).await.is_some()
    })
    .await;
    assert!(problem(&lab).await.unwrap().contains("cannot be read"));
    assert_eq!(answer(&lab).await, "\"two\"");
    std::fs::create_dir(&folder).unwrap();
    save("three");
    until("it is back", &lab, async |lab| {
        answer(lab).await == "\"three\""
    })
    .await;
    until("all is well", &lab, async |lab| {
        problem(lab).await.is_none()
    })
    .await;
    lab.close().await;

    // What is saved while nobody looks is deployed by the next start.
    save("four");
    let lab = open();
    until("it goes on", &lab, async |lab| {
        answer(lab).await == "\"four\""
    })
    .await;
    told(&lab, "UnfollowFolder", json!({ "FunctionName": "reader" })).await;
    let listed = told(&lab, "ListFollowedFolders", json!({})).await;
    assert_eq!(listed, json!({ "Folders": [] }));
    assert_eq!(answer(&lab).await, "\"four\"");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_followed_is_refused() {
    let lab = Lab::new().await;
    lab.function("reader", &answers("one")).await;
    let folder = tempfile::tempdir().unwrap();
    for (asked, words) in [
        (asked(Path::new("src")), "\"src\" is relative"),
        (asked(folder.path()), "is empty"),
        (asked(&folder.path().join("gone")), "gone cannot be read"),
    ] {
        let refused = refused(&lab, "FollowFolder", asked).await;
        assert_eq!(refused.code, "ValidationException");
        assert!(refused.message.contains(words), "{refused}");
    }
    std::fs::write(folder.path().join("index.mjs"), answers("two")).unwrap();
    let path = folder.path();
    let nobody = json!({ "FunctionName": "nobody", "Path": path });
    let refused = refused(&lab, "FollowFolder", nobody).await;
    assert_eq!(refused.code, "ResourceNotFoundException");
    let listed = told(&lab, "ListFollowedFolders", json!({})).await;
    assert_eq!(listed, json!({ "Folders": [] }));
}

//! What every world begins with, made once and copied: a role, a queue for letters, functions.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{Options, Threads};

use super::program::TIMEOUT;
use super::world::START_MILLIS;
use crate::lab::{Lab, fast_folder};

pub(super) const FUNCTIONS: [&str; 2] = ["bill-0", "bill-1"];
const CODE: &str = "// The host runs this one.";
/// Before the worlds begin.
const MADE_MILLIS: u64 = START_MILLIS - 60_000;

/// A closed data folder.
pub(super) struct Template {
    folder: TempDir,
    /// ARN and URL.
    pub(super) queue: (String, String),
}

impl Template {
    pub(super) fn new() -> Self {
        let runtime = super::runtime();
        runtime.block_on(async {
            let folder = fast_folder();
            let lab = Lab::with(Options {
                folder: Some(folder.path().to_owned()),
                seed: Some(u64::MAX),
                threads: Threads::One,
                ..Options::temporary(Clock::at(from_epoch_millis(MADE_MILLIS)))
            });
            lab.role("worker").await;
            allow(&lab, true).await;
            for name in FUNCTIONS {
                make_function(&lab, name).await;
            }
            let queue = lab.queue("lost").await;
            lab.close().await;
            Self { folder, queue }
        })
    }

    /// A copy of the folder.
    pub(super) fn copy(&self) -> TempDir {
        let folder = fast_folder();
        copy(self.folder.path(), folder.path());
        folder
    }
}

/// Whether the role may read streams and send letters; it never may write logs.
pub(super) async fn allow(lab: &Lab, may: bool) {
    let effect = if may { "Allow" } else { "Deny" };
    let statement = json!({ "Effect": effect, "Action": ["dynamodb:*", "sqs:*"], "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    lab.allow("worker", &policy.to_string()).await;
}

pub(super) async fn make_function(lab: &Lab, name: &str) {
    let secs = i32::try_from(Duration::as_secs(&TIMEOUT)).unwrap();
    lab.function_with(name, CODE, |it| it.timeout(secs)).await;
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

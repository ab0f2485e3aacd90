//! The facts of `tests/triggers/flows`: what a trigger hands to its function, and what comes of its answers, through the
//! Rust SDK. `tests/triggers/README.md` says which line of the specification each of them proves.
//!
//! A file is an object of facts, a fact a list of steps, played in a world of its own: the table `orders` with the key
//! `id`, its stream, the function `bill`, the queue `lost`, the topic `lost` with a queue that hears it, the bucket `lost`
//! and a role that may do everything. `tests/boto3/flows.py` plays the same facts on a port, but for those that wait for
//! more than three seconds or use `times`. The steps:
//!
//! | step | does |
//! |---|---|
//! | `view` | the stream has this view instead of both images |
//! | `function` | replaces the function, which otherwise answers nothing: `async (event) => …`, and settings. It may use `ids(event)` and `number(event, id)`, the sequence number of an item's record |
//! | `module` | the same, with the whole of `index.js` |
//! | `forget` | deletes the function |
//! | `publish`, `unpublish` | makes a version of the function, deletes this one |
//! | `alias`, `unalias` | points this alias to a version, and to others by weight; deletes it |
//! | `concurrency` | reserves so many concurrent executions, or gives them back (`null`) |
//! | `put`, `delete` | writes these items, one after the other (a text is an item of nothing but its id), deletes those with these ids |
//! | `ttl` | items end at `until` |
//! | `trigger`, `update` | makes the trigger, from the oldest record on and of `bill` unless `FunctionName` says otherwise, and waits until it is enabled or disabled; or is refused. `Filters` are patterns |
//! | `stream off` | switches the stream off, which closes its shards |
//! | `allow` | takes every permission from the role but these |
//! | `wait` | so many seconds |
//! | `got` | waits until the function got these batches of items, all since the beginning |
//! | `ran` | the same, with the version that ran |
//! | `events` | the same, with the whole events |
//! | `each` | by item: its attribute `n` in the order it arrived |
//! | `tried` | by item: how often it was delivered |
//! | `sums` | of every call: `state.n`, or 0 |
//! | `ends` | of every call: its items, whether it is the window's last, whether that ended early |
//! | `windows` | of every call: when its window begins and ends, its items |
//! | `times` | when the function was called, in milliseconds since the first time |
//! | `letters`, `heard`, `objects` | waits for these letters in the queue, at the topic, these objects in the bucket, all since the beginning |
//! | `lost` | the same of letters in the queue and at the topic, in short: condition, how often it was tried, function error (`no response` where the letter has none), and the items whose records are read where the letter says |
//! | `result` | waits until the trigger shows this `LastProcessingResult` |
//!
//! Texts may name `@stream`, `@function`, `@queue`, `@topic`, `@bucket`, `@uuid` of the trigger, and of what was written
//! `@seq(a)`, `@shard(a)`, `@arrival(a)`, `@created(a)` (a number): of the first record of item `a`, or of another one in
//! `@seq(a,2)`. `@request(1)` is the request of the first call. `@id`, `@millis`, `@hex32` and `@stamp` stand for any text of
//! this form, `…` for any rest, and `{"@text": …}` for the JSON text of a value. Nothing more may have arrived in the end.

mod pattern;
mod rows;
mod trouble;
mod versions;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use waterwheel::engine::Pace;

use crate::trigger_rows::play_with_boto3;
use world::World;

/// Every file of facts.
pub(super) fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triggers/flows");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

pub(super) fn facts(file: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Plays the facts whose names hold `WATERWHEEL_FACT`, all unless it is set.
async fn play(pace: Pace) {
    let only = std::env::var("WATERWHEEL_FACT").unwrap_or_default();
    let mut failures = Vec::new();
    for file in files() {
        for (fact, steps) in facts(&file) {
            if !fact.contains(&only) {
                continue;
            }
            if let Err(why) = World::new(pace).await.play(&steps).await {
                failures.push(format!("{fact}\n  {why}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn triggers_hand_over_records_as_lambda_does() {
    play(Pace::FourPerSecond).await;
}

#[tokio::test(start_paused = true)]
async fn triggers_that_read_as_written_do_the_same() {
    play(Pace::AsWritten).await;
}

/// Of a port where facts are played in real time.
const QUICK: [&str; 6] = [
    "--delays",
    "instant",
    "--poll",
    "as-written",
    "--ttl-delay",
    "0",
];

#[test]
fn triggers_hand_over_records_to_functions_made_with_boto3() {
    play_with_boto3("flows", &files(), &QUICK);
}

#[test]
fn triggers_hand_over_records_to_functions_in_python() {
    let python = PathBuf::from("--python");
    let files: Vec<PathBuf> = [python].into_iter().chain(files()).collect();
    play_with_boto3("flows", &files, &QUICK);
}

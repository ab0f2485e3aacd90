//! The rows of `tests/triggers`: requests on triggers and what Lambda answers to them, through the Rust SDK.
//!
//! A file is an object of facts. A fact is a list of steps, each a verb, a request and what comes of it: members the
//! reply has (`null`: has not), the whole reply behind `=`, or a refusal as `400 Code: words`. A creation names the
//! function `bill`, the stream `@stream` and `TRIM_HORIZON` unless it says otherwise (`null`: leaves it out); the other
//! verbs are about the trigger made last, `@uuid`. `…` ends words that go on, `@time` stands for any time, `#300` for
//! 300 letters. `becomes` waits until a trigger shows these members, `gone` until it is no more.
//! `tests/boto3/triggers.py` plays the same rows.

pub(crate) mod reply;
pub(crate) mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::Options;
use waterwheel::engine::delays::Delays;

use crate::lab::Lab;
use crate::sdks::{or_skip, python_with};
use reply::{Answer, answer, shown};

/// How many facts about single requests there are at least.
const FACTS_MIN: usize = 84;
const SUCCEEDS: &str = "exports.handler = async () => {};";
const FAILS: &str = "exports.handler = async () => { throw new Error('boom'); };";
const FAILS_IN_PART: &str = "exports.handler = async (event) => ({ batchItemFailures: [{ itemIdentifier: event.Records[0].dynamodb.SequenceNumber }] });";

struct World {
    lab: Lab,
    stream: String,
    other: String,
}

impl World {
    /// Two tables with streams, and functions of which some fail and two may not do everything.
    async fn new(delays: Delays) -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        let lab = Lab::with(Options {
            seed: Some(7),
            delays,
            ..Options::temporary(clock)
        });
        for (role, action) in [
            ("worker", "*"),
            ("blind", "logs:*"),
            ("reader", "dynamodb:*"),
        ] {
            lab.role(role).await;
            let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
            let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
            lab.allow(role, &policy.to_string()).await;
        }
        for (name, code) in [
            ("bill", SUCCEEDS),
            ("blind", SUCCEEDS),
            ("gone", SUCCEEDS),
            ("mail", SUCCEEDS),
            ("partial", FAILS_IN_PART),
            ("reader", SUCCEEDS),
            ("throws", FAILS),
        ] {
            lab.function(name, code).await;
        }
        for name in ["blind", "reader"] {
            let role = format!("arn:aws:iam::123456789012:role/{name}");
            let assign = lab.lambda.update_function_configuration();
            assign.function_name(name).role(role).send().await.unwrap();
        }
        let stream = lab.table("orders").await;
        let other = lab.table("others").await;
        Self { lab, stream, other }
    }

    async fn play(&self, steps: &Value) -> Result<(), String> {
        let mut made: Vec<String> = Vec::new();
        let mut result = Ok(());
        for (number, step) in steps.as_array().unwrap().iter().enumerate() {
            result = self.step(step, &mut made).await;
            if let Err(why) = &result {
                result = Err(format!("  step {number}: {why}"));
                break;
            }
        }
        for uuid in &made {
            self.clear(uuid).await;
        }
        result
    }

    async fn step(&self, step: &Value, made: &mut Vec<String>) -> Result<(), String> {
        let last = made.last().cloned().unwrap_or_default();
        let step = self.filled(step, &last);
        let verb = step[0].as_str().unwrap();
        match verb {
            "put" => {
                self.lab.put("orders", [step[1].as_str().unwrap()]).await;
                return Ok(());
            }
            "forget" => {
                let delete = self.lab.lambda.delete_function();
                let delete = delete.function_name(step[1].as_str().unwrap());
                delete.send().await.unwrap();
                return Ok(());
            }
            "gone" => return self.until(&last, None).await,
            "becomes" => return self.until(&last, Some(&step[1])).await,
            "pages" => return self.pages(&step).await,
            _ => {}
        }
        let answer = self.ask(verb, &step[1], &last).await;
        if let ("create", Ok(made_now)) = (verb, &answer) {
            made.push(made_now["UUID"].as_str().unwrap().to_owned());
        }
        let expected = self.filled(&step[2], made.last().unwrap_or(&last));
        judge(answer, &expected)
    }

    async fn ask(&self, verb: &str, input: &Value, last: &str) -> Answer {
        let client = &self.lab.lambda;
        let uuid = input["UUID"].as_str().unwrap_or(last);
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{last}");
        let resource = input["Resource"].as_str().unwrap_or(&arn);
        match verb {
            "create" => {
                let mut whole = json!({
                    "FunctionName": "bill", "EventSourceArn": self.stream, "StartingPosition": "TRIM_HORIZON",
                });
                for (name, value) in input.as_object().unwrap() {
                    whole[name] = value.clone();
                }
                answer!(request::create(client, &whole))
            }
            "update" => answer!(request::update(client, uuid, input)),
            "get" => answer!(client.get_event_source_mapping().uuid(uuid)),
            "delete" => answer!(client.delete_event_source_mapping().uuid(uuid)),
            "list" => reply::list(request::list(client, input)).await,
            "tag" => reply::nothing(request::tag(client, resource, input).send().await),
            "untag" => reply::nothing(request::untag(client, resource, input).send().await),
            "tags" => reply::tags(client.list_tags().resource(resource)).await,
            _ => panic!("{verb}"),
        }
    }

    /// How many pages a list has.
    async fn pages(&self, step: &Value) -> Result<(), String> {
        let (mut count, mut marker) = (0, None);
        loop {
            let list = request::list(&self.lab.lambda, &step[1]).set_marker(marker);
            let page = list.send().await.map_err(|error| format!("{error:?}"))?;
            count += 1;
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        if step[2] == json!(count) {
            return Ok(());
        }
        Err(format!("{count} pages"))
    }

    /// Waits until a trigger is as expected, or no more.
    async fn until(&self, uuid: &str, expected: Option<&Value>) -> Result<(), String> {
        let mut why = String::new();
        for _ in 0..400 {
            let get = self.lab.lambda.get_event_source_mapping().uuid(uuid);
            why = match (answer!(get), expected) {
                (Err(_), None) => return Ok(()),
                (Ok(shown), None) => format!("still there: {shown}"),
                (answer, Some(expected)) => match judge(answer, expected) {
                    Ok(()) => return Ok(()),
                    Err(why) => why,
                },
            };
            self.lab.clock.sleep(Duration::from_millis(50)).await;
        }
        Err(why)
    }

    /// Deletes a trigger as soon as that is allowed.
    async fn clear(&self, uuid: &str) {
        for _ in 0..4000 {
            let delete = self.lab.lambda.delete_event_source_mapping().uuid(uuid);
            match answer!(delete) {
                Err((_, code, _)) if code == "ResourceNotFoundException" => return,
                _ => self.lab.clock.sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("{uuid} cannot be deleted");
    }

    /// With everything in its place that is only named in the files.
    fn filled(&self, value: &Value, uuid: &str) -> Value {
        match value {
            Value::String(text) => {
                let text = long(text);
                let text = text.replace("@stream", &self.stream);
                let text = text.replace("@other", &self.other);
                // A row that was not made yet fills its own place later.
                let text = if uuid.is_empty() {
                    text
                } else {
                    text.replace("@uuid", uuid)
                };
                Value::String(text)
            }
            Value::Array(elements) => elements.iter().map(|it| self.filled(it, uuid)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, it)| (name.clone(), self.filled(it, uuid)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// `#3` as `xxx`.
fn long(text: &str) -> String {
    let Some((before, after)) = text.split_once('#') else {
        return text.to_owned();
    };
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let count: usize = digits.parse().unwrap();
    format!("{before}{}{}", "x".repeat(count), &after[digits.len()..])
}

pub(crate) fn judge(answer: Answer, expected: &Value) -> Result<(), String> {
    match (answer, expected) {
        (Err((status, code, words)), Value::String(expected)) => {
            let told = format!("{status} {code}: {words}");
            fits(&json!(told), &json!(expected))
        }
        (Err((status, code, words)), _) => Err(format!("refused: {status} {code}: {words}")),
        (Ok(_), Value::String(expected)) => Err(format!("accepted, not {expected}")),
        (Ok(shown), expected) => shows(&shown, expected),
    }
}

fn shows(shown: &Value, expected: &Value) -> Result<(), String> {
    match (shown, expected) {
        (Value::Array(shown), Value::Array(expected)) if shown.len() == expected.len() => shown
            .iter()
            .zip(expected)
            .try_for_each(|(shown, expected)| shows(shown, expected)),
        (Value::Object(shown), Value::Object(expected)) => {
            let (expected, is_whole) = match expected.get("=") {
                Some(whole) => (whole.as_object().unwrap(), true),
                None => (expected, false),
            };
            let names: BTreeSet<&String> = shown.keys().collect();
            if is_whole && names != expected.keys().collect() {
                return Err(format!("the reply has {names:?}"));
            }
            expected.iter().try_for_each(|(name, expected)| {
                let shown = shown.get(name).unwrap_or(&Value::Null);
                fits(shown, expected).map_err(|why| format!("{name}: {why}"))
            })
        }
        _ => Err(format!("{shown}, not {expected}")),
    }
}

fn fits(shown: &Value, expected: &Value) -> Result<(), String> {
    let is_fine = match (shown, expected.as_str()) {
        (Value::Number(_), Some("@time")) => true,
        (Value::String(shown), Some(expected)) if expected.ends_with('…') => {
            shown.starts_with(expected.trim_end_matches('…'))
        }
        _ => shown == expected,
    };
    if is_fine {
        return Ok(());
    }
    Err(format!("{shown}, not {expected}"))
}

/// Where the rows are.
pub(crate) fn rows(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triggers");
    folder.join(format!("{file}.json"))
}

async fn play(files: &[&str], delays: Delays) -> usize {
    let world = World::new(delays).await;
    let mut count = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(rows(file)).unwrap();
        let facts: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        for (fact, steps) in &facts {
            count += 1;
            if let Err(why) = world.play(steps).await {
                failures.push(format!("{file}: {fact}\n{why}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    count
}

/// Plays the facts of these files through a script of boto3's, on the port of a new world.
pub(crate) fn play_with_boto3(script: &str, files: &[PathBuf], options: &[&str]) {
    let python = python_with(&["boto3"]);
    let Some(python) = or_skip(python, "python3 with boto3") else {
        return;
    };
    let mut served = Command::new(env!("CARGO_BIN_EXE_waterwheel"))
        .args(["serve", "--port", "0"])
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = served.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let endpoint = line.split_whitespace().last().unwrap().to_owned();
    let script = crate::sdks::script(&format!("tests/boto3/{script}.py"));
    let done = Command::new(python)
        .arg(script)
        .arg(&endpoint)
        .args(files)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    served.kill().unwrap();
    served.wait().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}");
    assert!(said.contains("\n0 failed"), "{said}");
}

#[test]
fn requests_on_triggers_are_answered_the_same_through_boto3() {
    let files = ["parameters", "refusals", "replies"].map(rows);
    play_with_boto3("triggers", &files, &["--delays", "instant"]);
}

#[test]
fn triggers_in_a_passing_state_are_left_alone_through_boto3() {
    play_with_boto3("triggers", &[rows("passing")], &["--delays", "aws"]);
}

#[tokio::test(start_paused = true)]
async fn requests_on_triggers_are_answered_as_lambda_answers_them() {
    let files = ["parameters", "refusals", "replies"];
    let count = play(&files, Delays::Instant).await;
    assert!(count >= FACTS_MIN, "{count}");
    play(&files, Delays::Quick).await;
}

#[tokio::test(start_paused = true)]
async fn triggers_in_a_passing_state_are_left_alone() {
    play(&["passing"], Delays::Aws).await;
}

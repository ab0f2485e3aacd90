//! Functions as processes of this machine: real time, real interpreters, nothing left behind.

#[cfg(target_os = "linux")]
mod hostile;
mod node;
mod options;
mod provided;
mod python;
mod samples;

use std::io::{Cursor, Write as _};
use std::process::Command;
use std::time::Duration;

use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder as CreateFunction;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, LogType, Runtime, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use waterwheel::clock::Clock;
use waterwheel::engine::Options;
use waterwheel::engine::lambda::process::Processes;
use zip::write::SimpleFileOptions;

use crate::lab::Lab;
use crate::sdks::or_skip;

/// Whether this machine has the interpreter; where nothing may be skipped it fails when not.
fn has(interpreter: &str) -> bool {
    let asked = Command::new(interpreter).arg("--version").output();
    let found = asked.map_err(|error| error.to_string());
    or_skip(found, interpreter).is_some()
}

/// A world whose functions are processes, with the role `worker`.
async fn world() -> Lab {
    let lab = Lab::with(options());
    lab.role("worker").await;
    lab
}

fn options() -> Options {
    Options {
        processes: Some(Processes::default()),
        seed: Some(7),
        ..Options::temporary(Clock::real())
    }
}

/// A function of one file that may be executed.
struct Source<'a> {
    runtime: &'a str,
    handler: &'a str,
    files: &'a [(&'a str, &'a str)],
}

impl Source<'_> {
    async fn create(&self, lambda: &Lambda, name: &str) {
        self.create_with(lambda, name, |it| it).await;
    }

    async fn create_with(
        &self,
        lambda: &Lambda,
        name: &str,
        settings: impl FnOnce(CreateFunction) -> CreateFunction,
    ) {
        let zip = FunctionCode::builder().zip_file(Blob::new(package(self.files)));
        let create = lambda.create_function().function_name(name);
        let create = create
            .runtime(Runtime::from(self.runtime))
            .handler(self.handler)
            .role("arn:aws:iam::123456789012:role/worker")
            .timeout(20)
            .memory_size(512)
            .code(zip.build());
        settings(create).send().await.unwrap();
        active(lambda, name).await;
    }
}

fn package(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default().unix_permissions(mode);
        writer.start_file(*path, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

async fn active(lambda: &Lambda, name: &str) {
    let clock = Clock::real();
    loop {
        let asked = lambda.get_function_configuration().function_name(name);
        if asked.send().await.unwrap().state == Some(State::Active) {
            return;
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
}

/// How an invocation went.
#[derive(Debug)]
struct Answer {
    is_error: bool,
    payload: String,
    log: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap()
    }

    /// The lines of the function's own.
    fn lines(&self) -> Vec<&str> {
        let frame = ["INIT_START", "START", "END", "REPORT", "INIT_REPORT"];
        let is_own = |line: &&str| !frame.iter().any(|it| line.starts_with(it));
        self.log.lines().filter(is_own).collect()
    }

    fn is_cold(&self) -> bool {
        self.log.contains("Init Duration")
    }
}

async fn invoke(lambda: &Lambda, name: &str, event: &str) -> Answer {
    let asked = lambda.invoke().function_name(name);
    let asked = asked.log_type(LogType::Tail).payload(Blob::new(event));
    let output = asked.send().await.unwrap();
    let log = STANDARD.decode(output.log_result().unwrap()).unwrap();
    Answer {
        is_error: output.function_error().is_some(),
        payload: String::from_utf8(output.payload.unwrap().into_inner()).unwrap(),
        log: String::from_utf8(log).unwrap(),
    }
}

/// Everything the function wrote to its log group.
async fn logged(lab: &Lab, name: &str) -> Vec<String> {
    let mut messages = Vec::new();
    let mut token = None;
    loop {
        let asked = lab.logs.filter_log_events();
        let asked = asked.log_group_name(format!("/aws/lambda/{name}"));
        let page = asked.set_next_token(token).send().await.unwrap();
        let events = page.events.unwrap_or_default().into_iter();
        messages.extend(events.filter_map(|event| event.message));
        token = page.next_token;
        if token.is_none() {
            return messages;
        }
    }
}

//! The lines Lambda itself writes around an invocation. Pure.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::environment::{Ended, Failure, Init, Line, LogFormat, Ran};
use super::settings::{log_format, runtime_version_arn};
use crate::clock::iso_millis;
use crate::engine::state::Version;

/// Most of the log that comes back with an answer, in bytes.
const TAIL_BYTES_MAX: usize = 4096;

/// Everything one invocation writes to its log, in order and in the function's format.
pub(super) fn lines(function: &Version, request_id: &str, ran: &Ran) -> Vec<Line> {
    match log_format(function) {
        LogFormat::Text => text_lines(function, request_id, ran),
        LogFormat::Json(_) => json_lines(function, request_id, ran),
    }
}

fn text_lines(function: &Version, request_id: &str, ran: &Ran) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(init) = &ran.init {
        write_init(&mut out, function, init, &ran.ended);
    }
    let ended_at = ran.ended_at;
    let version = &function.version;
    let start = format!("START RequestId: {request_id} Version: {version}");
    out.push((ran.started, start));
    out.extend(ran.lines.iter().cloned());
    match &ran.ended {
        Ended::TimedOut => {
            let timed_out = timed_out(function.timeout_secs);
            let line = format!("{} {request_id} {timed_out}", iso_millis(ended_at));
            out.push((ended_at, line));
        }
        Ended::Failed(failure) if is_crash(failure) => {
            let payload: Value = serde_json::from_str(&failure.payload).unwrap_or_default();
            let message = payload["errorMessage"].as_str().unwrap_or_default();
            out.push((ended_at, format!("{message}\n{}", failure.kind)));
        }
        Ended::Answered(_) | Ended::Failed(_) => (),
    }
    out.push((ended_at, format!("END RequestId: {request_id}")));
    out.push((ended_at, report(function, request_id, ran)));
    out
}

/// `Task timed out after 3.00 seconds`
pub(super) fn timed_out(timeout_secs: u32) -> String {
    format!("Task timed out after {timeout_secs}.00 seconds")
}

/// The last four kilobytes.
pub(super) fn tail(lines: &[Line]) -> String {
    let mut text = String::new();
    for (_, line) in lines {
        text.push_str(line);
        text.push('\n');
    }
    let from = text.len().saturating_sub(TAIL_BYTES_MAX);
    text.split_off(text.ceil_char_boundary(from))
}

fn json_lines(function: &Version, request_id: &str, ran: &Ran) -> Vec<Line> {
    let line = |at: SystemTime, kind: &str, record: Value| {
        let kind = format!("platform.{kind}");
        let line = json!({ "time": iso_millis(at), "type": kind, "record": record });
        (at, line.to_string())
    };
    let mut out = Vec::new();
    if let Some(init) = &ran.init {
        let record = json!({
            "initializationType": "on-demand", "phase": "init",
            "runtimeVersion": runtime_version(function),
            "runtimeVersionArn": runtime_version_arn(function),
            "runsOn": init.runs_on,
        });
        out.push(line(init.started, "initStart", record));
        out.extend(init.lines.iter().cloned());
    }
    let record = json!({ "requestId": request_id, "version": function.version });
    out.push(line(ran.started, "start", record));
    out.extend(ran.lines.iter().cloned());
    let record = json_report(function, request_id, ran);
    out.push(line(ran.ended_at, "report", record));
    out
}

fn json_report(function: &Version, request_id: &str, ran: &Ran) -> Value {
    let mut metrics = json!({
        "durationMs": rounded_millis(ran.took),
        "billedDurationMs": billed_millis(ran.took),
        "memorySizeMB": function.memory_mb,
        "maxMemoryUsedMB": ran.memory_used_mb.min(function.memory_mb),
    });
    if let Some(init) = ran.init.as_ref().filter(|init| init.is_successful) {
        metrics["initDurationMs"] = json!(rounded_millis(init.took));
    }
    let mut record = json!({ "requestId": request_id, "metrics": metrics });
    match &ran.ended {
        Ended::Answered(_) => record["status"] = "success".into(),
        Ended::TimedOut => record["status"] = "timeout".into(),
        Ended::Failed(failure) => {
            record["status"] = "error".into();
            record["errorType"] = failure.kind.as_str().into();
        }
    }
    record
}

fn write_init(out: &mut Vec<Line>, function: &Version, init: &Init, ended: &Ended) {
    let version = runtime_version(function);
    let arn = runtime_version_arn(function);
    let start = format!(
        "INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\tRuns On: {}",
        init.runs_on
    );
    out.push((init.started, start));
    out.extend(init.lines.iter().cloned());
    if !init.is_successful {
        let status = match ended {
            Ended::TimedOut => "timeout".to_owned(),
            Ended::Failed(failure) => format!("error\tError Type: {}", failure.kind),
            Ended::Answered(_) => "success".to_owned(),
        };
        let line = format!(
            "INIT_REPORT Init Duration: {} ms\tPhase: init\tStatus: {status}",
            millis(init.took)
        );
        out.push((init.ended_at, line));
    }
}

fn report(function: &Version, request_id: &str, ran: &Ran) -> String {
    let billed = billed_millis(ran.took);
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {} ms\tBilled Duration: {billed} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
        millis(ran.took),
        function.memory_mb,
        ran.memory_used_mb.min(function.memory_mb),
    );
    if let Some(init) = ran.init.as_ref().filter(|init| init.is_successful) {
        line.push_str("Init Duration: ");
        line.push_str(&millis(init.took));
        line.push_str(" ms\t");
    }
    match &ran.ended {
        Ended::TimedOut => line.push_str("Status: timeout"),
        Ended::Failed(failure) if !ran.is_reusable => {
            line.push_str("Status: error\tError Type: ");
            line.push_str(&failure.kind);
        }
        Ended::Answered(_) | Ended::Failed(_) => (),
    }
    line
}

/// The program is gone, and not by an exception of its own.
fn is_crash(failure: &Failure) -> bool {
    matches!(
        failure.kind.as_str(),
        "Runtime.ExitError" | "Runtime.InvalidEntrypoint" | "Runtime.OutOfMemory"
    )
}

/// `nodejs:22.v1`, `python:3.12.v1`, `provided:al2023.v1`
fn runtime_version(function: &Version) -> String {
    let runtime = function.runtime.trim_end_matches(".x");
    let at = runtime.find(|it: char| it.is_ascii_digit() || it == '.');
    let (name, version) = runtime.split_at(at.unwrap_or(runtime.len()));
    format!("{name}:{}.v1", version.trim_start_matches('.'))
}

/// Whole milliseconds, rounded up; nothing is free.
fn billed_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000).max(1)).unwrap_or(u64::MAX)
}

fn rounded_millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

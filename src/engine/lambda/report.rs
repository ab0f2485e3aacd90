//! The lines Lambda itself writes around an invocation. Pure.

use std::time::Duration;

use super::environment::{Ended, Failure, Init, Line, Ran};
use super::names::LATEST;
use super::settings::runtime_version_arn;
use crate::clock::iso_millis;
use crate::engine::state::Function;

/// Most of the log that comes back with an answer, in bytes.
const TAIL_BYTES_MAX: usize = 4096;

/// Everything one invocation writes to its log, in order.
pub(super) fn lines(function: &Function, request_id: &str, ran: &Ran) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(init) = &ran.init {
        write_init(&mut out, function, init, &ran.ended);
    }
    let ended_at = ran.started + ran.took;
    let start = format!("START RequestId: {request_id} Version: {LATEST}");
    out.push((ran.started, start));
    out.extend(ran.lines.iter().cloned());
    match &ran.ended {
        Ended::TimedOut => {
            let timed_out = timed_out(function.timeout_secs);
            let line = format!("{} {request_id} {timed_out}", iso_millis(ended_at));
            out.push((ended_at, line));
        }
        Ended::Failed(failure) if is_crash(failure) => {
            let payload: serde_json::Value =
                serde_json::from_str(&failure.payload).unwrap_or_default();
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

fn write_init(out: &mut Vec<Line>, function: &Function, init: &Init, ended: &Ended) {
    let line = function.runtime.trim_start_matches("nodejs");
    let version = line.trim_end_matches(".x");
    let arn = runtime_version_arn(function);
    let start =
        format!("INIT_START Runtime Version: nodejs:{version}.v1\tRuntime Version ARN: {arn}");
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
        out.push((init.started + init.took, line));
    }
}

fn report(function: &Function, request_id: &str, ran: &Ran) -> String {
    let billed = ran.took.as_nanos().div_ceil(1_000_000).max(1);
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
        "Runtime.ExitError" | "Runtime.OutOfMemory"
    )
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

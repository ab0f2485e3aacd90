//! One invocation: who may run it, where, how long, and what is written about it.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::checks::{Checks, not_found};
use super::environment::{ANSWER_BYTES_MAX, Ended, Failure, Invocation, Line};
use super::functions::{no_content, pending};
use super::names::{self, Reference};
use super::permissions::{NOT_ASSUMABLE, function_may, is_assumable};
use super::pool::Warm;
use super::queue::Queued;
use super::start::start;
use super::{injected, report, settings, targets};
use crate::engine::Engine;
use crate::engine::call::{Body, Call, Fault, Later, Principal, Reply};
use crate::engine::faults::HEADER;
use crate::engine::logs;
use crate::engine::state::Version;

/// Largest event of a synchronous invocation.
const PAYLOAD_BYTES_MAX: usize = 6_291_456;
/// Largest event of an asynchronous invocation.
const EVENT_BYTES_MAX: usize = 1_048_576;
const KINDS: [&str; 3] = ["Event", "RequestResponse", "DryRun"];

/// What is asked of a function, however it was asked.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) function_name: String,
    pub(super) qualifier: Option<String>,
    /// With the qualifier the caller named.
    pub(super) function_arn: String,
    /// JSON text.
    pub(super) event: String,
    /// JSON text.
    pub(super) client_context: Option<String>,
}

/// How it went.
pub(super) struct Finished {
    pub(super) ended: Result<String, Failure>,
    /// `$LATEST` or a number.
    pub(super) version: String,
    pub(super) log_tail: String,
    /// What took the handler's place, in a few words.
    pub(super) injected: Option<&'static str>,
}

pub(super) fn invoke(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let kind = check_kind(&call)?;
        let request = read(&engine, &call, kind)?;
        match kind {
            "DryRun" => Ok(no_content()),
            "Event" => {
                engine.lambda().queue.add(Queued::new(request, call.now))?;
                Ok(Reply {
                    status: 202,
                    headers: Vec::new(),
                    body: Body::Empty,
                })
            }
            _ => {
                let finished = run(&engine, request).await?;
                Ok(reply(finished, call.text("LogType") == Some("Tail")))
            }
        }
    })
}

/// Runs a function once, to its end, and writes its log.
pub(super) async fn run(engine: &Engine, request: Request) -> Result<Finished, Fault> {
    let now = engine.clock().now();
    let (version, warm) = engine.read(|state| {
        let function = state.functions.get(&request.function_name);
        let version = function
            .and_then(|it| targets::drawn(it, request.qualifier.as_deref(), engine.ids()))
            .ok_or_else(|| not_found(format!("Function not found: {}", request.function_arn)))?;
        if settings::is_pending(version, now) {
            return Err(pending());
        }
        if !is_assumable(engine, state, &version.role) {
            return Err(Fault::new(403, "AccessDeniedException", NOT_ASSUMABLE));
        }
        let warm = engine.lambda().pool.enter(state, version, now)?;
        Ok::<_, Fault>((Arc::clone(version), warm))
    })?;
    let mut seat = Seat {
        engine,
        version: &version,
        warm,
    };
    let mut warm = match seat.warm.take() {
        Some(warm) => warm,
        None => start(engine, &version, now).await?,
    };
    let fate = (engine.faults()).fate_of_run(&version.name, &request.function_arn);
    let ran = if let Some(kind) = &fate {
        injected::run(engine, &version, &request.id, kind).await
    } else {
        let invocation = Invocation {
            request_id: request.id.clone(),
            function_arn: request.function_arn,
            event: request.event,
            client_context: request.client_context,
            trace_id: trace_id(engine, now),
        };
        warm.environment.invoke(invocation).await
    };
    let lines = report::lines(&version, &request.id, &ran);
    write_log(engine, &version, &warm.log_stream, &lines);
    if ran.is_reusable {
        seat.warm = Some(warm);
    }
    drop(seat);
    Ok(Finished {
        ended: ended(ran.ended, &version, &request.id),
        version: version.version.clone(),
        log_tail: report::tail(&lines),
        injected: fate.map(|kind| kind.words()),
    })
}

/// A running invocation; when it ends, however it ends, it is counted no more.
struct Seat<'a> {
    engine: &'a Engine,
    version: &'a Arc<Version>,
    /// The environment to keep for the next invocation.
    warm: Option<Warm>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let now = self.engine.clock().now();
        let pool = &self.engine.lambda().pool;
        pool.leave(self.version, self.warm.take(), now);
    }
}

fn check_kind(call: &Call) -> Result<&'static str, Fault> {
    let asked = call.text("InvocationType").unwrap_or("RequestResponse");
    let known = KINDS.into_iter().find(|it| *it == asked);
    let mut checks = Checks::default();
    checks.one_of("invocationType", asked, &KINDS);
    checks.finish()?;
    Ok(known.unwrap_or("RequestResponse"))
}

/// Checks the function, the size and the form of the event, in this order.
fn read(engine: &Engine, call: &Call, kind: &str) -> Result<Request, Fault> {
    let reference = names::reference(call)?;
    engine.read(|state| {
        let Some(version) = names::known(state, &reference, &call.account) else {
            return Err(missing(call, &reference));
        };
        if settings::is_pending(version, call.now) {
            return Err(pending());
        }
        Ok(())
    })?;
    let size = call.payload.len();
    let most = if kind == "Event" {
        EVENT_BYTES_MAX
    } else {
        PAYLOAD_BYTES_MAX
    };
    if size > most {
        return Err(Fault::new(
            413,
            "RequestTooLargeException",
            format!(
                "{size} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
            ),
        ));
    }
    Ok(Request {
        id: call.request_id.clone(),
        function_arn: reference.arn(&call.account),
        function_name: reference.name,
        qualifier: reference.qualifier,
        event: event(call)?,
        client_context: client_context(call)?,
    })
}

/// Callers hear of the `$LATEST` that is not there; what mappings show names the function as they do.
fn missing(call: &Call, reference: &Reference) -> Fault {
    let reference = match call.principal {
        Principal::Service(_) => reference.clone(),
        _ => reference.clone().or_latest(),
    };
    names::missing(&reference, &call.account)
}

/// Nothing at all counts as an empty object.
fn event(call: &Call) -> Result<String, Fault> {
    let payload = &call.payload;
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Ok("{}".to_owned());
    }
    let checked = match call.principal {
        // Services write their events themselves; to read one takes as long as many a handler.
        Principal::Service(_) => Ok(serde::de::IgnoredAny),
        _ => serde_json::from_slice(payload),
    };
    match (checked, std::str::from_utf8(payload)) {
        (Ok(_), Ok(text)) => Ok(text.to_owned()),
        (Err(error), _) => Err(unreadable(&error.to_string())),
        (_, Err(error)) => Err(unreadable(&error.to_string())),
    }
}

fn unreadable(why: &str) -> Fault {
    let message = format!("Could not parse request body into json: {why}");
    Fault::new(400, "InvalidRequestContentException", message)
}

fn client_context(call: &Call) -> Result<Option<String>, Fault> {
    let Some(given) = call.text("ClientContext").filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let text = STANDARD
        .decode(given)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match text {
        Some(text) if serde_json::from_str::<Value>(&text).is_ok() => Ok(Some(text)),
        _ => Err(Fault::new(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}

fn reply(finished: Finished, wants_log: bool) -> Reply {
    let mut headers = vec![("x-amz-executed-version".into(), finished.version)];
    if let Some(words) = finished.injected {
        headers.push((HEADER.into(), words.to_owned()));
    }
    if wants_log {
        headers.push((
            "x-amz-log-result".into(),
            STANDARD.encode(&finished.log_tail),
        ));
    }
    let payload = match finished.ended {
        Ok(answer) => answer,
        Err(failure) => {
            headers.push(("x-amz-function-error".into(), "Unhandled".to_owned()));
            failure.payload
        }
    };
    Reply {
        status: 200,
        headers,
        body: Body::Blob(payload.into()),
    }
}

fn ended(ended: Ended, function: &Version, request_id: &str) -> Result<String, Failure> {
    match ended {
        Ended::Answered(answer) if answer.len() > ANSWER_BYTES_MAX => Err(Failure::too_large()),
        Ended::Answered(answer) => Ok(answer),
        Ended::Failed(failure) => Err(failure),
        Ended::TimedOut => Err(Failure::of_program(
            "Sandbox.Timedout",
            request_id,
            &report::timed_out(function.timeout_secs),
        )),
    }
}

fn trace_id(engine: &Engine, now: SystemTime) -> String {
    let ids = engine.ids();
    let secs = crate::clock::epoch_millis(now) / 1000;
    format!(
        "Root=1-{secs:08x}-{};Parent={};Sampled=0;Lineage=1:{}:0",
        ids.hex(24),
        ids.hex(16),
        ids.hex(8)
    )
}

/// Writes as the execution role; without permission there are silently no logs.
fn write_log(engine: &Engine, function: &Version, stream: &str, lines: &[Line]) {
    let group = settings::log_group(function);
    let may_write = engine.read(|state| {
        let known = state.log_groups.get(&group);
        let account = engine.account();
        let resource = |stream: &str| {
            let name = format!("log-group:{group}:log-stream:{stream}");
            account.arn("logs", name).to_string()
        };
        let may = |action: &str, stream: &str| {
            function_may(engine, state, function, action, &resource(stream))
        };
        may("logs:PutLogEvents", stream)
            && (known.is_some() || may("logs:CreateLogGroup", ""))
            && (known.is_some_and(|it| it.streams.contains_key(stream))
                || may("logs:CreateLogStream", stream))
    });
    if may_write {
        // A full disk must not undo what the function did; its own writes will tell.
        drop(logs::append(engine, &group, stream, lines));
    }
}

#[cfg(test)]
#[path = "invoke_tests.rs"]
mod tests;

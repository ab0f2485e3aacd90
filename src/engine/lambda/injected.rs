//! A run in which an injected fault takes the handler's place: what is answered and logged is what the program's own error,
//! or its being too slow, would have left. One line of the log says where it came from.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::environment::{Ended, Failure, Line, Ran};
use super::settings::log_format;
use crate::engine::Engine;
use crate::engine::faults::Kind;
use crate::engine::state::Version;

/// `kind` is an error or a timeout. A timeout takes its time by the world's clock.
pub(super) async fn run(engine: &Engine, function: &Version, request_id: &str, kind: &Kind) -> Ran {
    let clock = engine.clock();
    let started = clock.now();
    let log = Log {
        function,
        request_id,
        at: started,
    };
    let mut lines: Vec<Line> = Vec::new();
    let note = format!(
        "An injected {} takes the place of the handler, which does not run",
        kind.words()
    );
    lines.extend(log.line("WARN", &note, None));
    let (ended, took) = if let Kind::FunctionError { kind, message } = kind {
        let (failure, line) = log.failure(kind, message);
        lines.extend(line);
        (Ended::Failed(failure), Duration::ZERO)
    } else {
        let timeout = Duration::from_secs(u64::from(function.timeout_secs));
        clock.sleep(timeout).await;
        (Ended::TimedOut, timeout)
    };
    Ran {
        is_reusable: ended != Ended::TimedOut,
        ended,
        init: None,
        lines,
        started,
        took,
        ended_at: clock.now(),
        memory_used_mb: 1,
    }
}

struct Log<'a> {
    function: &'a Version,
    request_id: &'a str,
    at: SystemTime,
}

impl Log<'_> {
    fn line(&self, level: &str, text: &str, json: Option<serde_json::Value>) -> Option<Line> {
        let format = log_format(self.function);
        let line = format.line(self.at, Some(self.request_id), level, text, json)?;
        Some((self.at, line))
    }

    /// As Node.js functions answer and log an error they threw.
    fn failure(&self, kind: &str, message: &str) -> (Failure, Option<Line>) {
        let trace = [format!("{kind}: {message}")];
        let shown = json!({ "errorType": kind, "errorMessage": message, "stack": trace });
        let text = format!("Invoke Error \t{shown}");
        let told = json!({ "errorType": kind, "errorMessage": message, "stackTrace": trace });
        let line = self.line("ERROR", &text, Some(told));
        let payload = json!({ "errorType": kind, "errorMessage": message, "trace": trace });
        let failure = Failure {
            kind: kind.to_owned(),
            payload: payload.to_string(),
        };
        (failure, line)
    }
}

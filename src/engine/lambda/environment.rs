//! Where a function's code runs: what an execution environment is made of, asked and answers.
//!
//! Knows no function, no log group and no permission.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::package::Package;
use crate::clock::{Clock, iso_millis};
use crate::ids::Ids;

/// Largest answer of a synchronous invocation: the wire lets 100 bytes more pass than what is documented.
pub(super) const ANSWER_BYTES_MAX: usize = 6_291_556;

/// One program that serves one invocation at a time. Dropping it ends the program.
pub trait ExecutionEnvironment: Send {
    /// Never fails: what goes wrong is a result too.
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran>;
}

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A line of the log and when it was written.
pub type Line = (SystemTime, String);

/// Programs that the host runs by itself, whatever is in the packages of their functions.
#[derive(Clone)]
pub struct HostPrograms(Arc<Start>);

type Start = dyn Fn(&str) -> Option<Box<dyn ExecutionEnvironment>> + Send + Sync;

impl HostPrograms {
    /// `start` is given the name of a function and gives an environment, or none where the package is to be run.
    pub fn new(
        start: impl Fn(&str) -> Option<Box<dyn ExecutionEnvironment>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(start))
    }

    pub(super) fn start(&self, function: &str) -> Option<Box<dyn ExecutionEnvironment>> {
        (self.0)(function)
    }
}

impl fmt::Debug for HostPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostPrograms")
    }
}

/// What an environment is made of.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// `nodejs22.x`
    pub runtime: String,
    /// `index.handler`
    pub handler: String,
    pub memory_mb: u32,
    /// How long an invocation may take, without the start of the environment.
    pub timeout: Duration,
    /// Lambda's variables.
    pub variables: BTreeMap<String, String>,
    /// The user's, which come before those of the same name.
    pub environment: BTreeMap<String, String>,
    pub package: Arc<Package>,
    /// Base64; tells packages apart.
    pub code_sha256: String,
    pub log_format: LogFormat,
    pub clock: Clock,
    pub ids: Ids,
}

impl Blueprint {
    /// Every variable the program sees.
    pub fn all_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = |(name, _): &(&String, &String)| !self.environment.contains_key(*name);
        let lambdas = self.variables.iter().filter(own);
        let all = lambdas.chain(&self.environment);
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `LoggingConfig`: how the program's lines look, and which of them are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    /// One object a line; lines below this level are left out.
    Json(Level),
}

impl LogFormat {
    /// A line of the program's; `json` is the message where it is more than a text. `None` below the least level.
    pub fn line(
        self,
        at: SystemTime,
        request_id: Option<&str>,
        level: &str,
        text: &str,
        json: Option<Value>,
    ) -> Option<String> {
        match self {
            Self::Text => {
                let request_id = request_id.unwrap_or("undefined");
                let text = text.replace('\n', "\r");
                Some(format!("{}\t{request_id}\t{level}\t{text}", iso_millis(at)))
            }
            Self::Json(least) if Level::parse(level) >= Some(least) => {
                let mut line = json!({ "timestamp": iso_millis(at), "level": level });
                if let Some(request_id) = request_id {
                    line["requestId"] = request_id.into();
                }
                line["message"] = json.unwrap_or_else(|| Value::from(text));
                Some(line.to_string())
            }
            Self::Json(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// `WARN`
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "TRACE" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARN" => Self::Warn,
            "ERROR" => Self::Error,
            "FATAL" => Self::Fatal,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Invocation {
    pub request_id: String,
    /// With the qualifier the caller named.
    pub function_arn: String,
    /// JSON text.
    pub event: String,
    /// JSON text.
    pub client_context: Option<String>,
    /// `_X_AMZN_TRACE_ID`
    pub trace_id: String,
}

/// How one invocation went.
#[derive(Debug)]
pub struct Ran {
    pub ended: Ended,
    /// Present when the environment was started for this invocation.
    pub init: Option<Init>,
    /// What the program wrote during the invocation, in order.
    pub lines: Vec<Line>,
    /// When the handler was called.
    pub started: SystemTime,
    pub took: Duration,
    /// By the world's clock, which may have stood still or jumped meanwhile.
    pub ended_at: SystemTime,
    pub memory_used_mb: u32,
    /// Whether the environment may serve another invocation.
    pub is_reusable: bool,
}

/// The start of an environment.
#[derive(Debug)]
pub struct Init {
    pub started: SystemTime,
    pub took: Duration,
    /// By the world's clock.
    pub ended_at: SystemTime,
    pub lines: Vec<Line>,
    pub is_successful: bool,
    /// What runs the program: `Node.js 22.12.0 (/usr/bin/node)`
    pub runs_on: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What the function returned, as JSON text.
    Answered(String),
    Failed(Failure),
    /// The deadline passed first.
    TimedOut,
}

/// A function error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `errorType`: `Error`, `Runtime.ImportModuleError`
    pub kind: String,
    /// The JSON text the caller gets.
    pub payload: String,
}

impl Failure {
    /// The answer is larger than Lambda takes.
    pub(super) fn too_large() -> Self {
        let kind = "Function.ResponseSizeTooLarge";
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes)."
        );
        Self {
            kind: kind.to_owned(),
            payload: json!({ "errorType": kind, "errorMessage": message }).to_string(),
        }
    }

    /// A failure of the program as a whole: `RequestId: … Error: …`
    pub fn of_program(kind: &str, request_id: &str, what: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: {what}");
        let payload = json!({ "errorType": kind, "errorMessage": message });
        Self {
            kind: kind.to_owned(),
            payload: payload.to_string(),
        }
    }
}

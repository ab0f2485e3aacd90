//! A request as operations see it, whatever wire it came on, and their answers. Knows no service.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Engine;
use super::dynamodb::plain::Plain;
use super::iam::policy::Statement;
use super::state::State;
use crate::arn::Arn;
use crate::ids::Ids;
use crate::mapping::poller::Records;

/// The account every embedded world lives in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    pub region: String,
}

impl Account {
    pub fn arn(&self, service: &str, resource: impl Into<String>) -> Arn {
        let (region, account) = match service {
            "iam" | "sts" => ("", self.id.as_str()),
            // Names of buckets are taken for everybody.
            "s3" => ("", ""),
            _ => (self.region.as_str(), self.id.as_str()),
        };
        Arn::new(service, region, account, resource)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account itself: everything is allowed.
    Root,
    /// A session of a role: what the role's policies allow.
    Role { role: String, session: String },
    /// What the user's policies allow.
    User { path: String, name: String },
    /// `lambda.amazonaws.com` and its like: the service itself.
    Service(String),
}

impl Principal {
    /// Whether policies decide what it may do.
    pub fn is_judged(&self) -> bool {
        matches!(self, Self::Role { .. } | Self::User { .. })
    }

    /// The ARN AWS would name in a denial.
    pub fn arn(&self, account: &Account) -> String {
        match self {
            Self::Root => account.arn("iam", "root").to_string(),
            Self::User { path, name } => {
                account.arn("iam", format!("user{path}{name}")).to_string()
            }
            Self::Role { role, session } => account
                .arn("sts", format!("assumed-role/{role}/{session}"))
                .to_string(),
            Self::Service(name) => name.clone(),
        }
    }
}

/// One decoded request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Signing name: `dynamodb`, `lambda`, `iam`, `sts`, `logs`, `s3`, `sns`, `sqs`, `waterwheel`; streams
    /// are `streams`.
    pub service: &'static str,
    /// `PutItem`.
    pub operation: &'static str,
    pub principal: Principal,
    /// What the session's own policies allow, where `AssumeRole` was given some.
    pub session_policies: Option<Arc<[Statement]>>,
    /// The request's members, path, query and header parameters included.
    pub input: Value,
    /// All of a request that holds nothing but a table's name and an item or key; `input` is null then.
    pub plain: Option<Plain>,
    /// The body where it is a blob of the user's (Lambda `Invoke`) or an object, empty otherwise.
    pub payload: Bytes,
    /// Who asks is in this process and takes stream records as they are, not as text: the names of the key attributes.
    pub record_keys: Option<Arc<[String]>>,
    pub now: SystemTime,
    pub ids: Ids,
    pub account: Arc<Account>,
    /// Goes back in the response's request id header and into logs.
    pub request_id: String,
}

impl Call {
    /// The input as a typed request; a shape error is the caller's mistake.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.input)
            .map_err(|error| Fault::new(400, "SerializationException", error.to_string()))
    }

    /// A text member, `None` when absent, null or of another type.
    pub fn text(&self, member: &str) -> Option<&str> {
        match &self.plain {
            Some(plain) if member == "TableName" => Some(&plain.table),
            _ => self.input.get(member).and_then(Value::as_str),
        }
    }
}

/// An error as AWS words it on the wire. Data, not a Rust failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// Further members beside the message: `Item`, `CancellationReasons`, `Reason`.
    pub extra: Option<Value>,
}

impl Fault {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            extra: None,
        }
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// The engine itself failed: disk full, a bug. Says what happened.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalServerError", message)
    }
}

/// A successful response.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Encoded by the wire the request came on.
    Json(Value),
    /// Sent as it is.
    Blob(Bytes),
    /// For who asked with [`Call::record_keys`].
    Records(Records),
    Empty,
}

impl Reply {
    pub fn json(status: u16, value: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(value),
        }
    }

    /// 200 with JSON text made already.
    pub fn text(json: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Blob(json.into()),
        }
    }

    /// 200 with the serialized value.
    pub fn of(value: &impl Serialize) -> Result<Self, Fault> {
        serde_json::to_value(value)
            .map(Self::from)
            .map_err(|error| Fault::internal(error.to_string()))
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::json(200, value)
    }
}

pub type Answer = Result<Reply, Fault>;
pub type Later = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// How an operation runs.
#[derive(Clone, Copy)]
pub enum Run {
    /// On the control plane's state, under its lock; saved afterwards when it changed.
    Now(fn(&mut State, &Call) -> Answer),
    /// Short work that takes the locks it needs: items, streams, logs, messages.
    Data(fn(&Engine, &Call) -> Answer),
    /// The same on one item, which is under this member; see [`Call::plain`].
    Item(&'static str, fn(&Engine, &Call) -> Answer),
    /// Work that waits: an invocation.
    Later(fn(Engine, Call) -> Later),
}

/// One row of a service's table of operations.
pub struct Operation {
    pub name: &'static str,
    /// `POST /2015-03-31/functions/{FunctionName}/invocations` for REST services, empty otherwise. S3's end with the
    /// parameter that tells operations on one path apart: `GET /{Bucket}?location`.
    pub http: &'static str,
    /// IAM action, `dynamodb:PutItem`; empty when nobody needs permission, or when the operation asks for each of the
    /// tables it is given itself.
    pub action: &'static str,
    /// ARN that IAM judges; `*` where the action knows no resource.
    pub resource: fn(&Call) -> String,
    pub run: Run,
}

impl Operation {
    /// A row, its members in order.
    pub const fn new(
        name: &'static str,
        http: &'static str,
        action: &'static str,
        resource: fn(&Call) -> String,
        run: Run,
    ) -> Self {
        Self {
            name,
            http,
            action,
            resource,
            run,
        }
    }
}

/// For actions without a resource.
pub fn any_resource(_: &Call) -> String {
    "*".to_owned()
}

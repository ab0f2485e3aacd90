//! A small cloud for the tests of this module: an engine, a role, a stream, and calls without a wire.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::code::tests::zip_of;
use crate::clock::{Clock, from_epoch_millis};
use crate::engine::call::{Answer, Body, Call, Fault, Operation, Principal, Reply, Run};
use crate::engine::state::{
    Grants, KeyAttribute, KeySchema, KeyType, MoreKeys, Role, Stream, ViewType,
};
use crate::engine::{Engine, EngineHost, Options};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/worker";
pub(super) const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000";

pub(super) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
pub(super) const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

pub(super) struct Lab {
    host: EngineHost,
    pub(super) principal: Principal,
}

impl Lab {
    pub(super) fn new() -> Self {
        let mut options = Options::temporary(Clock::at(from_epoch_millis(1_767_225_600_000)));
        options.seed = Some(1);
        let lab = Self {
            host: EngineHost::open(options).unwrap(),
            principal: Principal::Root,
        };
        lab.role("worker", TRUST, &[EVERYTHING]);
        lab.stream(STREAM);
        lab
    }

    pub(super) fn engine(&self) -> &Engine {
        self.host.engine()
    }

    pub(super) fn role(&self, name: &str, trust: &str, policies: &[&str]) {
        let role = Role {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::123456789012:role/{name}"),
            id: "AROA".to_owned(),
            path: "/".to_owned(),
            created: self.engine().clock().now(),
            description: None,
            max_session_secs: 3600,
            trust_policy: trust.to_owned(),
            grants: Grants {
                inline: policies
                    .iter()
                    .enumerate()
                    .map(|(index, text)| (format!("p{index}"), (*text).to_owned()))
                    .collect(),
                ..Grants::default()
            },
        };
        self.engine()
            .change(|state| {
                state.roles.insert(name.to_owned(), role);
                Ok(())
            })
            .unwrap();
    }

    pub(super) fn stream(&self, arn: &str) {
        let stream: Stream = Stream {
            arn: arn.to_owned(),
            label: arn.rsplit('/').next().unwrap().to_owned(),
            table: "orders".to_owned(),
            store_id: 1,
            view_type: ViewType::NewAndOldImages,
            keys: KeySchema {
                partition: KeyAttribute {
                    name: "id".to_owned(),
                    kind: KeyType::S,
                },
                sort: None,
                more: MoreKeys::default(),
            },
            created: self.engine().clock().now(),
            disabled: None,
            shards: Vec::new(),
        };
        self.engine()
            .change(|state| {
                state.streams.insert(arn.to_owned(), stream);
                Ok(())
            })
            .unwrap();
    }

    pub(super) async fn sleep(&self, time: Duration) {
        self.engine().clock().sleep(time).await;
    }

    /// Runs an operation as the wire would.
    pub(super) async fn run(&self, operation: &str, input: Value, payload: &str) -> Answer {
        let engine = self.engine();
        let call = Call {
            payload: Bytes::from(payload.to_owned()),
            ..self.asked(operation, input)
        };
        match row(operation).run {
            Run::Now(run) => engine.change(|state| run(state, &call)),
            Run::Data(run) | Run::Item(_, run) => run(engine, &call),
            Run::Later(run) => run(engine.clone(), call).await,
        }
    }

    /// The call of an operation, not run.
    pub(super) fn asked(&self, operation: &str, input: Value) -> Call {
        let engine = self.engine();
        Call {
            service: "lambda",
            operation: row(operation).name,
            principal: self.principal.clone(),
            session_policies: None,
            input,
            plain: None,
            record_keys: None,
            payload: Bytes::new(),
            now: engine.clock().now(),
            ids: engine.ids().clone(),
            account: std::sync::Arc::clone(engine.account()),
            request_id: engine.ids().uuid(),
        }
    }

    pub(super) async fn call(&self, operation: &str, input: Value) -> Value {
        body(self.run(operation, input, "").await.unwrap())
    }

    pub(super) async fn refusal(&self, operation: &str, input: Value) -> Fault {
        self.run(operation, input, "").await.unwrap_err()
    }

    /// An active function with this one file.
    pub(super) async fn function(&self, name: &str, file: (&str, &str), more: Value) {
        let mut input = new_function(name, &[file]);
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        self.call("CreateFunction", input).await;
        self.sleep(Duration::from_secs(1)).await;
    }
}

pub(super) fn row(operation: &str) -> &'static Operation {
    let mut rows = super::operations().iter();
    rows.find(|row| row.name == operation).unwrap()
}

pub(super) fn new_function(name: &str, files: &[(&str, &str)]) -> Value {
    json!({
        "FunctionName": name, "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ROLE,
        "Code": { "ZipFile": STANDARD.encode(zip_of(files)) },
    })
}

pub(super) fn body(reply: Reply) -> Value {
    match reply.body {
        Body::Json(value) => value,
        Body::Blob(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Body::Records(_) | Body::Empty => Value::Null,
    }
}

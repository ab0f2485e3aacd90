//! The control service for callers in this process: a request like any other, signed as root. Knows no operation.

use bytes::Bytes;
use serde_json::Value;

use super::{SERVICE, TARGET};
use crate::engine::Engine;
use crate::engine::call::Principal;

/// A request the engine refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// `ValidationException`
    pub code: String,
    pub message: String,
}

/// Asks for an operation by its bare name, as root.
pub async fn ask(engine: &Engine, operation: &str, input: &Value) -> Result<Value, Refused> {
    ask_as(engine, &Principal::Root, operation, input).await
}

/// The same as anybody: others than root are refused.
pub async fn ask_as(
    engine: &Engine,
    principal: &Principal,
    operation: &str,
    input: &Value,
) -> Result<Value, Refused> {
    let lost = |error: &dyn std::error::Error| Refused {
        code: String::new(),
        message: error.to_string(),
    };
    let authorization = engine.authorization(principal, SERVICE);
    let request = http::Request::post("/")
        .header("x-amz-target", format!("{TARGET}{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", authorization)
        .body(Bytes::from(input.to_string()))
        .map_err(|error| lost(&error))?;
    let response = engine.handle(request).await;
    let body: Value = serde_json::from_slice(response.body()).map_err(|error| lost(&error))?;
    if response.status().is_success() {
        return Ok(body);
    }
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let code = text("__type").unwrap_or_default();
    let message = text("message").or_else(|| text("Message"));
    Err(Refused {
        code: code.rsplit('#').next().unwrap_or(code).to_owned(),
        message: message.unwrap_or_default().to_owned(),
    })
}

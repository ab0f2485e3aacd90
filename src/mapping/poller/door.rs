//! A cloud in this process whose records are read and whose functions are called as plain HTTP.
//!
//! The SDK makes the same requests, but what it does around them takes longer than many a handler.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::calls::Reply;
use super::trouble::Trouble;
use crate::mapping::consumer::Page;
use crate::mapping::record::Record;

/// What comes back of a request; the SDK's own error where nothing does.
pub type Exchange =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, ConnectorError>> + Send + 'static>>;

/// Among the extensions of a request for records: whoever asks takes them as [`Records`].
#[derive(Clone, Debug)]
pub struct AsRecords {
    /// Names of the key attributes, partition key first.
    pub keys: Arc<[String]>,
}

/// Records of a shard. Among the extensions of an answer where they were asked for so: its body is empty then.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    pub records: Vec<Record>,
    /// `NextShardIterator`
    pub next: Option<String>,
}

type Exchanging = dyn Fn(Request<Bytes>) -> Exchange + Send + Sync;

/// The way into a cloud in this process, as one caller.
#[derive(Clone)]
pub struct Door {
    /// The `Authorization` header.
    authorization: Arc<str>,
    send: Arc<Exchanging>,
}

impl Door {
    /// `send` is given whole requests with this `Authorization` header.
    pub fn new(
        authorization: String,
        send: impl Fn(Request<Bytes>) -> Exchange + Send + Sync + 'static,
    ) -> Self {
        Self {
            authorization: authorization.into(),
            send: Arc::new(send),
        }
    }

    /// The next records of a shard.
    pub(super) async fn records(
        &self,
        iterator: &str,
        keys: &Arc<[String]>,
    ) -> Result<Records, Trouble> {
        let body = json!({ "ShardIterator": iterator, "Limit": Page::RECORDS_MAX });
        let request = Request::post("/")
            .header("authorization", &*self.authorization)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDBStreams_20120810.GetRecords")
            .extension(AsRecords {
                keys: Arc::clone(keys),
            })
            .body(Bytes::from(body.to_string()));
        let mut response = self.send(request).await?;
        let found = response.extensions_mut().remove();
        found.ok_or_else(|| Trouble {
            message: "The answer holds no records".to_owned(),
            ..Trouble::default()
        })
    }

    /// Calls a function and waits for its answer.
    pub(super) async fn invoke(
        &self,
        function_arn: &str,
        payload: String,
    ) -> Result<Reply, Trouble> {
        let name = utf8_percent_encode(function_arn, NON_ALPHANUMERIC);
        let request = Request::post(format!("/2015-03-31/functions/{name}/invocations"))
            .header("authorization", &*self.authorization)
            .header("content-type", "application/octet-stream")
            .header("x-amz-invocation-type", "RequestResponse")
            .header("x-amz-log-type", "Tail")
            .body(Bytes::from(payload));
        let (head, body) = self.send(request).await?.into_parts();
        let text = |name: &str| text(&head.headers, name);
        Ok(Reply {
            request_id: text(REQUEST_ID).unwrap_or_default(),
            status: head.status.as_u16(),
            function_error: text("x-amz-function-error"),
            executed_version: text("x-amz-executed-version").unwrap_or_default(),
            payload: body,
            log_result: text("x-amz-log-result"),
        })
    }

    /// What is no success is trouble.
    async fn send(
        &self,
        request: http::Result<Request<Bytes>>,
    ) -> Result<Response<Bytes>, Trouble> {
        let response = match request {
            Ok(request) => (self.send)(request).await,
            Err(error) => Err(ConnectorError::user(error.into())),
        };
        let response = response.map_err(|error| {
            Trouble::from(SdkError::<InvokeError, HttpResponse>::dispatch_failure(
                error,
            ))
        })?;
        if !response.status().is_success() {
            let (head, body) = response.into_parts();
            return Err(trouble(head.status.as_u16(), &head.headers, &body));
        }
        Ok(response)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

const REQUEST_ID: &str = "x-amzn-requestid";

/// An error in the protocols of Lambda and of DynamoDB, the code of the latter behind its namespace:
/// <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>,
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>
fn trouble(status: u16, headers: &HeaderMap, body: &[u8]) -> Trouble {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = ["message", "Message"].iter().find_map(|it| body.get(it));
    let message = message.and_then(Value::as_str).unwrap_or_default();
    let kind = body.get("__type").and_then(Value::as_str);
    let kind = kind.map(|it| it.rsplit('#').next().unwrap_or(it).to_owned());
    Trouble {
        status,
        code: text(headers, "x-amzn-errortype")
            .or(kind)
            .unwrap_or_default(),
        message: message.to_owned(),
        request_id: text(headers, REQUEST_ID).unwrap_or_default(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

//! The Runtime API of one environment, on a loopback port of its own.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::desk::{Desk, Heard, Order, Refused};
use crate::engine::faults::AnswerLost;
use crate::engine::lambda::environment::{ANSWER_BYTES_MAX, BoxFuture, Failure};
use crate::engine::server::{collect, refusal};

const ROOT: &str = "/2018-06-01/runtime/";

/// An open Runtime API; it closes when this is dropped.
///
/// It answers only while [`Self::serve`] is awaited, which is during the phases of an invocation: whoever waits for the
/// program serves it on the same thread, and no time goes by waking another. What the program asks meanwhile waits.
pub(super) struct Api {
    /// `127.0.0.1:40123`
    pub(super) address: String,
    desk: Arc<Desk>,
    listener: TcpListener,
    connections: Vec<BoxFuture<'static, ()>>,
}

impl Api {
    pub(super) async fn open(desk: Arc<Desk>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            address: listener.local_addr()?.to_string(),
            desk,
            listener,
            connections: Vec::new(),
        })
    }

    /// Answers whatever is asked, for ever.
    pub(super) async fn serve(&mut self) -> Infallible {
        poll_fn(|cx| {
            while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
                let Ok((stream, _)) = accepted else {
                    // The program cannot connect, and its start or its answer takes too long.
                    cx.waker().wake_by_ref();
                    break;
                };
                let desk = Arc::clone(&self.desk);
                self.connections.push(Box::pin(converse(desk, stream)));
            }
            self.connections
                .retain_mut(|connection| connection.as_mut().poll(cx).is_pending());
            Poll::Pending
        })
        .await
    }
}

/// One connection until the program closes it.
async fn converse(desk: Arc<Desk>, stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.await.ok();
}

async fn answer(
    desk: Arc<Desk>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    if let Some(reason) = refusal(&head) {
        return Ok(refused(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            reason,
        ));
    }
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    if head.method == Method::GET && path == "invocation/next" {
        let order = desk.next().await;
        return Ok(order.map_or_else(Refused::response, event));
    }
    if head.method != Method::POST {
        return Ok(unknown());
    }
    let kind = head.headers.get("lambda-runtime-function-error-type");
    let kind = error_type(kind.and_then(|it| it.to_str().ok()));
    let Some(body) = collect(body, ANSWER_BYTES_MAX).await else {
        return Err(AnswerLost);
    };
    // What is no UTF-8 could not stand in any answer: it is shown as what it is.
    let body = body.map(|body| String::from_utf8_lossy(&body).into_owned());
    if path == "init/error" {
        let payload = body.unwrap_or_default();
        let heard = desk.cannot_start(Failure { kind, payload });
        return Ok(heard.map_or_else(Refused::response, accepted));
    }
    let parts = path.strip_prefix("invocation/");
    let Some((request_id, what)) = parts.and_then(|it| it.split_once('/')) else {
        return Ok(unknown());
    };
    let heard = match (what, body) {
        ("response" | "error", Err(_)) => {
            if !desk.is_running(request_id) {
                return Ok(Refused::UnknownRequest.response());
            }
            desk.answer(request_id, Heard::Failed(Failure::too_large()))
                .ok();
            let message =
                format!("Exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes).");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(refused(status, "RequestEntityTooLarge", &message));
        }
        ("response", Ok(body)) => Heard::Answered(body),
        ("error", Ok(payload)) => Heard::Failed(Failure { kind, payload }),
        _ => return Ok(unknown()),
    };
    let heard = desk.answer(request_id, heard);
    Ok(heard.map_or_else(Refused::response, accepted))
}

impl Refused {
    fn response(self) -> Response<Full<Bytes>> {
        match self {
            Self::UnknownRequest => refused(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ),
            Self::WrongState => refused(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                "State transition is not allowed",
            ),
        }
    }
}

/// Other names than those of Lambda count as unknown.
fn error_type(given: Option<&str>) -> String {
    let is_known = |name: &&str| {
        let rest = name
            .strip_prefix("Runtime.")
            .or(name.strip_prefix("Function."));
        rest.is_some_and(|it| {
            it.starts_with(|first: char| first.is_ascii_uppercase())
                && it.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
    };
    given
        .filter(is_known)
        .unwrap_or("Runtime.Unknown")
        .to_owned()
}

fn event(order: Order) -> Response<Full<Bytes>> {
    let it = order.invocation;
    let mut response = Response::new(Full::new(Bytes::from(it.event)));
    let millis = order.deadline_millis.to_string();
    let context = it.client_context.unwrap_or_default();
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", &it.request_id),
        ("lambda-runtime-invocation-id", &it.request_id),
        ("lambda-runtime-deadline-ms", &millis),
        ("lambda-runtime-invoked-function-arn", &it.function_arn),
        ("lambda-runtime-trace-id", &it.trace_id),
        ("lambda-runtime-client-context", &context),
    ];
    for (name, value) in headers {
        // A text that cannot stand in a header is left out.
        if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes())
            && !value.is_empty()
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn accepted(_heard: ()) -> Response<Full<Bytes>> {
    said(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn unknown() -> Response<Full<Bytes>> {
    refused(
        StatusCode::NOT_FOUND,
        "NotFound",
        "No such call of the Runtime API",
    )
}

fn refused(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    said(
        status,
        &json!({ "errorMessage": message, "errorType": kind }),
    )
}

fn said(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_types_of_errors_than_lambdas_count_as_unknown() {
        assert_eq!(error_type(Some("Runtime.ExitError")), "Runtime.ExitError");
        assert_eq!(error_type(Some("Function.MyError")), "Function.MyError");
        for other in ["Error", "Runtime.x", "Runtime.A1", "Extension.A", ""] {
            assert_eq!(error_type(Some(other)), "Runtime.Unknown", "{other}");
        }
        assert_eq!(error_type(None), "Runtime.Unknown");
    }
}

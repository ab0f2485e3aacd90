//! The engine on a loopback port. The only listener but the Runtime API.
//!
//! Only signed requests of programs on this machine get through, so that no web page can reach the simulated cloud.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::call::Fault;
use super::faults::AnswerLost;
use super::store::OpenError;
use super::wire::{self, Wire};
use super::{Engine, EngineHost, Options};

/// Where `waterwheel serve` listens when nothing else is said.
pub const PORT: u16 = 8700;

/// How long requests under way may take when the port closes.
const GRACE: Duration = Duration::from_secs(5);
/// How many times too large a body may be until its sender is cut off.
const HEARD_OUT: usize = 4;
/// Bytes set aside for a body before any of it came.
const BUFFER: usize = 64 * 1024;
/// Wait before the next try when the system hands out no more sockets.
const BREATH: Duration = Duration::from_millis(50);

/// An open port; it closes when this is dropped.
#[derive(Debug)]
pub struct Listening {
    port: u16,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
    engine: Engine,
    is_public: bool,
}

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {0} is in use; choose another with --port")]
    InUse(u16),
    #[error("port {0} cannot be opened: {1}; choose another with --port")]
    Refused(u16, #[source] io::Error),
}

/// Why `serve` ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("signals of the system cannot be received: {0}")]
    Signals(#[source] io::Error),
}

impl Listening {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:8700`
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Closes the port, and lets requests under way end for some seconds.
    pub async fn stop(mut self) {
        self.stop.send_replace(());
        // The task only fails when it was aborted or panicked; the port is closed either way.
        (&mut self.task).await.ok();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if self.is_public {
            self.engine.lambda().set_endpoint(None);
        }
        self.task.abort();
    }
}

/// Opens a port on 127.0.0.1 in front of the engine; 0 takes any that is free.
pub async fn listen(engine: Engine, port: u16) -> Result<Listening, ListenError> {
    let mut listening = open(engine, port).await?;
    listening.is_public = true;
    let lambda = listening.engine.lambda();
    lambda.set_endpoint(Some(listening.endpoint()));
    Ok(listening)
}

/// A port for the functions' own calls, of which nobody else is told.
pub(super) async fn open_door(engine: Engine) -> Result<Listening, ListenError> {
    open(engine, 0).await
}

async fn open(engine: Engine, port: u16) -> Result<Listening, ListenError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(port),
        _ => ListenError::Refused(port, error),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let (stop, stopped) = watch::channel(());
    let task = tokio::spawn(accept(engine.clone(), listener, stopped));
    Ok(Listening {
        port,
        stop,
        task,
        engine,
        is_public: false,
    })
}

/// A world on a port until the process is asked to end (SIGTERM or Ctrl-C). `ready` gets the endpoint's URL as well.
pub async fn serve(
    options: Options,
    port: u16,
    ready: impl FnOnce(&Engine, &str),
) -> Result<(), ServeError> {
    let ending = ending().map_err(ServeError::Signals)?;
    let host = EngineHost::open(options)?;
    let listening = listen(host.engine().clone(), port).await?;
    ready(host.engine(), &listening.endpoint());
    ending.await;
    listening.stop().await;
    host.close().await;
    Ok(())
}

/// Resolves at the first signal to end. Signals count from this call on, not from the first poll.
#[cfg(unix)]
fn ending() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}

#[cfg(windows)]
fn ending() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_c, ctrl_close};

    let mut interrupt = ctrl_c()?;
    let mut close = ctrl_close()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = close.recv() => (),
        }
    })
}

async fn accept(engine: Engine, listener: TcpListener, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => (),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(engine.clone(), stream, stopped.clone()));
                }
                Err(_) => engine.clock().wait(BREATH).await,
            },
        }
    }
    drop(listener);
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => (),
        () = engine.clock().wait(GRACE) => (),
    }
}

/// One connection until either side closes it. Errors concern nobody: the client has gone.
async fn converse(engine: Engine, stream: TcpStream, mut stopped: watch::Receiver<()>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| answer(engine.clone(), request));
    let mut connection =
        pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        result = connection.as_mut() => drop(result),
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}

/// An error breaks the connection.
async fn answer(
    engine: Engine,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    let wire = Wire::of(&head, &[]);
    let refuse = |fault: Fault| {
        let response = wire.encode("", Err(fault), &engine.ids().uuid());
        Ok(response.map(Full::new))
    };
    if let Some(reason) = refusal(&head) {
        return refuse(Fault::new(403, "AccessDeniedException", reason));
    }
    let is_for_s3 = matches!(wire, Wire::Xml);
    if head.method == http::Method::GET && head.uri.path() == "/" && !is_for_s3 {
        let region = &engine.account().region;
        let healthy = wire::healthy(region, &wire.request_id(engine.ids()));
        return Ok(healthy.map(Full::new));
    }
    let packs = wire::gzip::is_accepted(&head.headers);
    let body = match collect(body, wire.body_bytes_max()).await {
        Some(Ok(body)) => body,
        Some(Err(_)) => return refuse(wire.too_large()),
        None => return Err(AnswerLost),
    };
    let response = engine.handle(Request::from_parts(head, body)).await;
    match response.extensions().get::<AnswerLost>() {
        Some(lost) => Err(*lost),
        None if packs => Ok(wire::gzip::packed(response).map(Full::new)),
        None => Ok(response.map(Full::new)),
    }
}

/// More bytes than `max`.
pub(super) struct TooLarge;

/// The whole body. Of one that is too large the rest is heard out for a while, so that the answer arrives;
/// `None` when the client went away in the middle of it.
pub(super) async fn collect(mut body: Incoming, max: usize) -> Option<Result<Bytes, TooLarge>> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > HEARD_OUT * max {
        return Some(Err(TooLarge));
    }
    let mut bytes = BytesMut::with_capacity(announced.min(BUFFER));
    let mut heard = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        heard = heard.saturating_add(data.len());
        if heard > HEARD_OUT * max {
            break;
        }
        if heard <= max && announced <= max {
            bytes.extend_from_slice(&data);
        }
    }
    Some(if heard > max || announced > max {
        Err(TooLarge)
    } else {
        Ok(bytes.freeze())
    })
}

/// Why this request does not get through. A page in a browser can neither leave out `Origin` where it may
/// choose headers, nor sign, and the engine runs nothing unsigned; a name that was pointed at this machine shows in
/// `Host`.
pub(super) fn refusal(head: &Parts) -> Option<&'static str> {
    if head.headers.contains_key(http::header::ORIGIN) {
        return Some(
            "Waterwheel answers programs and not web pages: the request has an Origin header",
        );
    }
    let asked = head.uri.host();
    if !asked.is_none_or(is_loopback) || !host(&head.headers).is_some_and(is_loopback) {
        return Some(
            "Waterwheel answers only requests to this machine: \
             the Host header must be localhost, 127.0.0.1 or [::1]",
        );
    }
    None
}

/// The `Host` header without its port.
fn host(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(http::header::HOST)?.to_str().ok()?;
    let Some((name, port)) = value.rsplit_once(':') else {
        return Some(value);
    };
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(name)
    } else {
        Some(value)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: Option<&str>, more: &[(&str, &str)]) -> Option<&'static str> {
        let mut request = Request::post("/");
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).unwrap().into_parts().0)
    }

    const SIGNED: (&str, &str) = (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/dynamodb/aws4_request, Signature=0",
    );

    #[test]
    fn names_of_this_machine_get_through_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:8700",
            "127.0.0.1:1",
            "[::1]:8700",
            "[::1]",
            "dynamodb.us-east-1.localhost:80",
        ] {
            assert_eq!(refused(Some(host), &[SIGNED]), None, "{host}");
        }
    }

    #[test]
    fn other_names_do_not() {
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:8700",
            "notlocalhost",
            "10.0.0.1",
            "localhost@example.com",
            "",
        ] {
            let reason = refused(Some(host), &[SIGNED]).unwrap_or_default();
            assert!(reason.contains("Host header"), "{host}: {reason}");
        }
        assert!(refused(None, &[SIGNED]).is_some());
    }

    #[test]
    fn web_pages_do_not() {
        let page = refused(Some("localhost"), &[SIGNED, ("Origin", "null")]);
        assert!(page.unwrap().contains("Origin"));
    }
}

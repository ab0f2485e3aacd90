//! The port as other programs see it, and the command line that opens it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use waterwheel::engine::server::{self, ListenError};

use crate::wire::{over_the_port, world};

const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=AKIAANYKEY/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00\r\n";
const WHO_AM_I: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn form_request(headers: &str) -> String {
    let length = WHO_AM_I.len();
    format!("POST / HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{WHO_AM_I}")
}

/// Sends bytes and reads until the server closes; answers what came.
async fn converse(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn only_signed_requests_of_this_machine_get_through_the_port() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let ask = async |headers: &str| {
        let headers = format!("Connection: close\r\n{headers}");
        converse(listening.port(), &form_request(&headers)).await
    };
    let local = "Host: localhost:8700\r\n";
    let answer = ask(&format!("{local}{SIGNED}")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("<Arn>arn:aws:iam::123456789012:root</Arn>"),
        "{answer}"
    );

    let page = ask(&format!("{local}{SIGNED}Origin: http://localhost:8700\r\n")).await;
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    assert!(page.contains("Origin header"), "{page}");
    let rebound = ask(&format!("Host: example.com\r\n{SIGNED}")).await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    assert!(rebound.contains("requests to this machine"), "{rebound}");
    let unsigned = ask(local).await;
    assert!(unsigned.starts_with("HTTP/1.1 403"), "{unsigned}");
    assert!(
        unsigned.contains("missing Authentication Token"),
        "{unsigned}"
    );

    let preflight = "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
                     Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n";
    let answer = converse(listening.port(), preflight).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(
        !answer.to_lowercase().contains("access-control"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{SIGNED}Content-Length: 99999999999\r\n\r\n"
    );
    let answer = converse(listening.port(), &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_connection_stays_open_until_the_port_closes() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let port = listening.port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for _ in 0..2 {
        let request = form_request(&format!("Host: localhost\r\n{SIGNED}"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"</GetCallerIdentityResponse>") {
            answer.push(stream.read_u8().await.unwrap());
        }
    }
    listening.stop().await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_way_out() {
    let host = world();
    let first = server::listen(host.engine().clone(), 0).await.unwrap();
    let second = server::listen(host.engine().clone(), first.port()).await;
    let error = second.unwrap_err();
    assert!(matches!(error, ListenError::InUse(port) if port == first.port()));
    let expected = format!(
        "port {} is in use; choose another with --port",
        first.port()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn arguments_that_make_no_sense_end_with_code_two() {
    for (arguments, complaint) in [
        (&["fly"][..], "fly"),
        (&["--port", "1"][..], "--port"),
        (&["serve", "--port", "many"][..], "many"),
        (&["serve", "--port"][..], "--port"),
        (&["serve", "--delays", "slow"][..], "slow"),
        (&["serve", "--latest-gap", "wide"][..], "wide"),
        (&["serve", "--filters", "few"][..], "few"),
    ] {
        let output = program(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(complaint), "{said}");
        assert!(output.stdout.is_empty());
    }
    let version = program(&["--version"]).output().unwrap();
    assert_eq!(
        version.stdout,
        concat!("waterwheel ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()
    );
    let help = program(&["--help"]).output().unwrap();
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("serve [--port N]")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn serving_ends_at_sigterm_and_leaves_a_folder_that_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut first = Serving::start(&["--data", data]);
    let sqs = aws_sdk_sqs::Client::new(&over_the_port(&first.endpoint));
    sqs.create_queue().queue_name("kept").send().await.unwrap();

    let rival = program(&["serve", "--port", "0", "--data", data])
        .output()
        .unwrap();
    let said = String::from_utf8(rival.stderr).unwrap();
    assert_eq!(rival.status.code(), Some(1), "{said}");
    assert!(said.contains("is open in another Waterwheel"), "{said}");
    first.end("-TERM");

    let mut second = Serving::start(&["--data", data]);
    let sqs = aws_sdk_sqs::Client::new(&over_the_port(&second.endpoint));
    sqs.get_queue_url().queue_name("kept").send().await.unwrap();
    second.end("-INT");
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waterwheel"));
    command.args(arguments);
    command
}

/// `waterwheel serve` in a process of its own; killed with this value.
#[cfg(unix)]
pub(crate) struct Serving {
    child: Child,
    pub(crate) endpoint: String,
}

#[cfg(unix)]
impl Serving {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = program(&["serve", "--port", "0"]);
        command.args(arguments);
        Self::of(command)
    }

    /// The same with its temporary files in this folder.
    pub(crate) fn start_in(temporary: &std::path::Path) -> Self {
        let mut command = program(&["serve", "--port", "0"]);
        command.env("TMPDIR", temporary);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let endpoint = line.trim_end().strip_prefix("waterwheel listening on ");
        let endpoint = endpoint.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
        Self { child, endpoint }
    }

    /// Ends it at this instant, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits for that.
    pub(crate) fn end(&mut self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
    }
}

#[cfg(unix)]
impl Drop for Serving {
    fn drop(&mut self) {
        // Fails where the process has ended already, as it should have.
        self.child.kill().ok();
    }
}

/// A request to DynamoDB as bytes; `more` are further headers.
fn to_dynamodb(operation: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{SIGNED}\
         Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n{more}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn answered(port: u16, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    (head, answer[end + 4..].to_vec())
}

#[tokio::test]
async fn a_load_balancer_hears_that_the_service_is_up() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (head, body) = answered(listening.port(), request).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("x-amz-crc32: 3128867991"), "{head}");
    assert_eq!(body, b"healthy: dynamodb.us-east-1.amazonaws.com ");
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_and_not_cut_off() {
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let body = vec![b' '; 17 * 1024 * 1024];
    let request = to_dynamodb("ListTables", "", &body);
    let (head, _) = answered(listening.port(), &request).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
}

#[tokio::test]
async fn requests_and_answers_may_be_compressed() {
    const LIST_TABLES: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let host = world();
    let listening = server::listen(host.engine().clone(), 0).await.unwrap();
    let more = "Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\n";
    let request = to_dynamodb("ListTables", more, LIST_TABLES);
    let (head, body) = answered(listening.port(), &request).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(body.starts_with(b"\x1f\x8b"));
    let sum = format!("x-amz-crc32: {}", crc32fast::hash(&body));
    assert!(head.contains(&sum), "{head}");
    let broken = to_dynamodb("ListTables", more, b"{}");
    let (head, _) = answered(listening.port(), &broken).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
}

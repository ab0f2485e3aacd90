//! The least that can give events to a program: a Runtime API that counts, on one thread, without a cloud behind it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use waterwheel::clock::Clock;

/// What a program does without an engine.
pub(crate) struct Bare {
    /// From its start to its first question.
    pub(crate) cold: Duration,
    /// Events a second.
    pub(crate) rate: f64,
}

enum Said {
    Asked,
    Answered,
}

/// Runs a program on so many of the same event.
pub(crate) async fn measure(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    event: &str,
    events: usize,
) -> anyhow::Result<Bare> {
    let clock = Clock::real();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (tell, mut said) = mpsc::unbounded_channel();
    let stopwatch = clock.stopwatch();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "bare")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "bare")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bare")
        .env("QUIET", "1")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let event: Arc<str> = event.into();
    let left = Arc::new(AtomicUsize::new(events));
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (event, left, tell) = (Arc::clone(&event), Arc::clone(&left), tell.clone());
            tokio::spawn(async move { converse(stream, &event, &left, &tell).await.ok() });
        }
        #[expect(unreachable_code, reason = "it gives the block its type")]
        Ok::<_, std::io::Error>(())
    });
    said.recv().await.context("it asks")?;
    let cold = stopwatch.elapsed();
    let mut answered = 0;
    while answered < events {
        let it = said.recv().await.context("it answers")?;
        answered += usize::from(matches!(it, Said::Answered));
    }
    let took = stopwatch.elapsed().saturating_sub(cold);
    serving.abort();
    child.kill().await?;
    Ok(Bare {
        cold,
        rate: f64::from(u32::try_from(events)?) / took.as_secs_f64(),
    })
}

async fn converse(
    stream: TcpStream,
    event: &str,
    left: &AtomicUsize,
    tell: &mpsc::UnboundedSender<Said>,
) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0_usize);
        stream.read_line(&mut first).await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? <= 2 {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        let answer = if first.starts_with("GET") {
            tell.send(Said::Asked)?;
            let has_more =
                left.try_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1));
            if has_more.is_err() {
                std::future::pending::<()>().await;
            }
            format!(
                "{head}Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bare\r\n\
                 Lambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000000\r\nContent-Length: {}\r\n\r\n{event}",
                event.len()
            )
        } else {
            tell.send(Said::Answered)?;
            format!("{head}Content-Length: 2\r\n\r\n{{}}")
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

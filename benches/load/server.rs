//! A server under load: started here or only addressed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use waterwheel::clock::Clock;

use crate::http::{Connection, request};
use crate::say;

/// How long a server may take to answer first.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of the CPU times in `/proc`.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    started: Option<Started>,
}

struct Started {
    words: Vec<String>,
    process: Child,
    ready: Duration,
    /// Lives as long as the server.
    _folder: tempfile::TempDir,
}

impl Server {
    /// `what` is `http://127.0.0.1:8000` or a command.
    pub(crate) async fn start(what: &str, clock: &Clock) -> anyhow::Result<Self> {
        if let Some(place) = what.strip_prefix("http://") {
            let place = place
                .trim_end_matches('/')
                .replace("localhost", "127.0.0.1");
            return Ok(Self {
                address: place
                    .parse()
                    .context("an endpoint is http://ADDRESS:PORT")?,
                started: None,
            });
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy();
        let fill = |it: &str| {
            it.replace("{port}", &port.to_string())
                .replace("{data}", &data)
        };
        let words: Vec<String> = what.split_whitespace().map(fill).collect();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (process, ready) = launch(&words, address, clock).await?;
        let started = Started {
            words,
            process,
            ready,
            _folder: folder,
        };
        Ok(Self {
            address,
            started: Some(started),
        })
    }

    /// Ends the server and starts it on the same folder.
    pub(crate) async fn start_again(&mut self, clock: &Clock) -> anyhow::Result<()> {
        if let Some(started) = &mut self.started {
            end(&mut started.process)?;
            (started.process, started.ready) = launch(&started.words, self.address, clock).await?;
        }
        Ok(())
    }

    /// Says how long it took to start, and how much memory it takes.
    pub(crate) fn tell(&mut self, with: &str) -> anyhow::Result<()> {
        let Some(started) = &self.started else {
            return Ok(());
        };
        let memory = self.resident_kilobytes().map_or_else(String::new, |it| {
            format!(", {} MB resident", it.div_ceil(1024))
        });
        let ready = started.ready.as_secs_f64() * 1000.0;
        say(&format!(
            "{}: ready in {ready:.0} ms with {with}{memory}",
            started.words[0]
        ))?;
        Ok(())
    }

    /// CPU time so far, where the system tells it.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let id = self.started.as_ref()?.process.id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name of the program may hold spaces and ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
        Some(TICK * ticks.sum::<Result<u32, _>>().ok()?)
    }

    fn resident_kilobytes(&self) -> Option<u64> {
        let id = self.started.as_ref()?.process.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(started) = &mut self.started {
            end(&mut started.process).ok();
        }
    }
}

async fn launch(
    words: &[String],
    address: SocketAddr,
    clock: &Clock,
) -> anyhow::Result<(Child, Duration)> {
    let (program, arguments) = words.split_first().context("a command has a program")?;
    let stopwatch = clock.stopwatch();
    let mut process = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{program} does not start"))?;
    while !answers(address).await {
        if stopwatch.elapsed() > PATIENCE {
            end(&mut process)?;
            anyhow::bail!("{program} does not answer on {address}");
        }
        clock.sleep(Duration::from_millis(1)).await;
    }
    Ok((process, stopwatch.elapsed()))
}

async fn answers(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    connection.call(&request("ListTables", "{}")).await.is_ok()
}

/// Asks the process to end, as a user would, and waits for it.
fn end(process: &mut Child) -> std::io::Result<()> {
    let asked = Command::new("kill").arg(process.id().to_string()).status();
    if !asked.is_ok_and(|it| it.success()) {
        process.kill()?;
    }
    process.wait()?;
    Ok(())
}

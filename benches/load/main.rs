//! Load over HTTP, as programs make it: one table of calls a second, for one server or two side by side.
//!
//! ```text
//! cargo bench --bench load                                   # starts `waterwheel serve` on a folder of its own
//! cargo bench --bench load -- --endpoint http://127.0.0.1:8000
//! cargo bench --bench load -- --beside 'other-server --port {port}' --beside-items 10000
//! ```
//!
//! A server is an address, or a command that is started; `{port}` and `{data}` in it become a free port and an empty
//! folder. Of a started server its CPU time for each call is told as well: that is steadier than calls a second where
//! others use the machine. Rounds of both servers alternate, so that a busy machine slows both.

mod http;
mod server;
mod work;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use lexopt::prelude::*;
use waterwheel::clock::Clock;

use server::Server;
use work::{CALLS, Measured, Table};

/// Items of the smaller tables.
const FEW: u64 = 1000;

struct Plan {
    /// Servers by what starts them, and items of the larger tables of each.
    servers: Vec<(String, u64)>,
    connections: Vec<usize>,
    round: Duration,
    rounds: usize,
    /// Only calls whose name contains it.
    only: String,
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::read()?;
    // One thread: the load must leave the machine to the server.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&plan))
}

async fn run(plan: &Plan) -> anyhow::Result<()> {
    let clock = Clock::real();
    let mut servers = Vec::new();
    for (what, _) in &plan.servers {
        let mut server = Server::start(what, &clock).await?;
        server.tell("an empty folder")?;
        servers.push(server);
    }
    heading(plan)?;
    for size in ["small", "large"] {
        let is_large = size == "large";
        let items = |at: usize| if is_large { plan.servers[at].1 } else { FEW };
        if is_large && (0..servers.len()).all(|at| items(at) <= FEW) {
            break;
        }
        for streams in [false, true] {
            let mut tables = Vec::new();
            for (at, server) in servers.iter().enumerate() {
                tables.push(Table::fill(server, streams, size, items(at)).await?);
            }
            rows(plan, &clock, &servers, &mut tables).await?;
        }
    }
    for server in &mut servers {
        server.start_again(&clock).await?;
        server.tell("what it holds now")?;
    }
    Ok(())
}

async fn rows(
    plan: &Plan,
    clock: &Clock,
    servers: &[Server],
    tables: &mut [Table],
) -> anyhow::Result<()> {
    for call in CALLS.iter().filter(|it| it.name().contains(&plan.only)) {
        let mut line = format!(
            "{:<22}{:<7}{:>14}",
            call.name(),
            if tables[0].streams { "on" } else { "off" },
            items_of(tables)
        );
        for connections in &plan.connections {
            let mut rounds = vec![Vec::new(); servers.len()];
            for _ in 0..plan.rounds {
                for ((server, table), rounds) in servers.iter().zip(&mut *tables).zip(&mut rounds) {
                    let load = table.load(*call, *connections, plan.round);
                    rounds.push(load.run(server, clock).await?);
                }
            }
            let measured: Vec<Measured> = rounds.into_iter().map(Measured::median).collect();
            for it in &measured {
                write!(
                    line,
                    "{:>10.0}{:>8.1}{:>8}",
                    it.per_second,
                    micros(it.half_within),
                    it.cpu
                        .map_or("-".to_owned(), |it| format!("{:.1}", micros(it)))
                )?;
            }
            if let [ours, other] = &measured[..] {
                write!(line, "{:>8.1}x", ours.per_second / other.per_second)?;
            }
        }
        say(&line)?;
    }
    Ok(())
}

/// `1000000/10000` where both servers hold different numbers of items.
fn items_of(tables: &[Table]) -> String {
    let mut numbers: Vec<String> = tables.iter().map(|it| it.items.to_string()).collect();
    numbers.dedup();
    numbers.join("/")
}

fn heading(plan: &Plan) -> anyhow::Result<()> {
    say(&format!(
        "\nmedian of {} rounds of {:?}; calls a second, half of the calls within µs, µs of the server's CPU for a call\n",
        plan.rounds, plan.round
    ))?;
    let mut lines = [
        format!("{:43}", ""),
        format!("{:<22}{:<7}{:>14}", "", "stream", "items"),
    ];
    for connections in &plan.connections {
        for at in 0..plan.servers.len() {
            let whose = if at == 0 { "" } else { ", beside" };
            write!(
                lines[0],
                "{:>26}",
                format!("{connections} connections{whose}")
            )?;
            write!(lines[1], "{:>10}{:>8}{:>8}", "calls/s", "µs", "CPU µs")?;
        }
        if plan.servers.len() == 2 {
            write!(lines[0], "{:>9}", "")?;
            write!(lines[1], "{:>9}", "ratio")?;
        }
    }
    say(&lines.join("\n"))?;
    Ok(())
}

impl Plan {
    fn read() -> anyhow::Result<Self> {
        let ours = concat!(
            env!("CARGO_BIN_EXE_waterwheel"),
            " serve --port {port} --data {data}"
        );
        let mut ours = (ours.to_owned(), 1_000_000);
        let mut beside = (String::new(), 10_000);
        let mut plan = Self {
            servers: Vec::new(),
            connections: vec![1, 16],
            round: Duration::from_millis(800),
            rounds: 3,
            only: String::new(),
        };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("endpoint") => ours.0 = arguments.value()?.parse()?,
                Long("items") => ours.1 = arguments.value()?.parse()?,
                Long("beside") => beside.0 = arguments.value()?.parse()?,
                Long("beside-items") => beside.1 = arguments.value()?.parse()?,
                Long("connections") => {
                    let list = arguments.value()?.string()?;
                    let numbers = list.split(',').map(str::parse);
                    plan.connections = numbers.collect::<Result<_, _>>()?;
                }
                Long("round") => {
                    plan.round = Duration::try_from_secs_f64(arguments.value()?.parse()?)?;
                }
                Long("rounds") => plan.rounds = arguments.value()?.parse()?,
                Long("only") => plan.only = arguments.value()?.parse()?,
                // What cargo says to every bench.
                Long("bench") => (),
                other => return Err(other.unexpected().into()),
            }
        }
        plan.servers.push(ours);
        plan.servers
            .extend(Some(beside).filter(|it| !it.0.is_empty()));
        anyhow::ensure!(
            plan.rounds > 0 && !plan.connections.contains(&0),
            "nothing to measure"
        );
        Ok(plan)
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

//! The command line: a window, or `serve`.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::connector::SECRET;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::lambda::process::{Interpreter, Processes};
use waterwheel::engine::store::Durability;
use waterwheel::engine::{Assumed, Engine, Options, Pace, server, streams};

/// Calls are short and make many small things: the system's allocator would be a fifth of their cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Waterwheel: DynamoDB tables, their streams and the functions they trigger

  waterwheel                                    open the window
  waterwheel serve [--port N] [--data FOLDER]   a simulated AWS on http://127.0.0.1:N, 8700 unless said otherwise,
                                                kept in FOLDER, or forgotten at the end
  waterwheel --help | --version

Options of serve
  --power-safe             answer a write when it would survive loss of power, not only the process being killed
  --strict-keys            refuse access keys but the one printed at the start and those issued for roles
  --throttle               refuse requests beyond the provisioned capacity of tables and global indexes
  --gsi-lag MILLISECONDS   how long reads of global indexes do not see a change, 0 unless said otherwise
  --ttl-delay SECONDS      how long items stay after their time to live is over, 10 unless said otherwise
  --settle MILLISECONDS    how long states like UPDATING, CREATING or ENABLING last at least, 0 unless said otherwise
  --filters NUMBER         how many filters a trigger may have, 5 unless said otherwise; AWS raises its quota to 10
  --shards N               open shards a new stream begins with, 1 unless said otherwise
  --shard-period SECONDS   how old a shard gets before it is rolled over, at least 60; for ever unless said otherwise
  --split-rate RECORDS     records a second that a shard takes for ten seconds without being split, any number unless
                           said otherwise
  --stream-limits          refuse a third reader of a shard, and DescribeStream and ListStreams more than 10 and 5 times
                           a second
  --delays WORD            how long triggers are Creating, Updating, Disabling and so on: instant, quick (a fifth of a
                           second, unless said otherwise) or aws (10 to 60 seconds, and minutes until they poll)
  --latest-gap ON          on or off: whether triggers with LATEST skip what is written before their first poll;
                           off unless said otherwise, on with --delays aws
  --poll WORD              when triggers look for new records: 4/s (four times a second, unless said otherwise) or
                           as-written (at once)
  --node WORD              what runs nodejs functions: auto (this machine's Node, or the JavaScript engine inside where
                           there is none, unless said otherwise), embedded (the engine inside), or the path of a Node
  --python WORD            what runs python functions: auto (this machine's Python, unless said otherwise), or a path
  --isolate                run functions in a sandbox of bubblewrap's (bwrap, Linux), where they see nothing of your folder
  --debug NAME[:PORT]      let a debugger attach to this function at 127.0.0.1:PORT, 9229 unless said otherwise; nothing
                           takes too long while one is attached
  --assume NAME=VALUE      how triggers do what is not known of AWS; see docs/triggers.md for the names and values.
                           May be given more than once
";

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    let misused = error.is::<lexopt::Error>();
    writeln!(std::io::stderr(), "waterwheel: {error}").ok();
    ExitCode::from(1 + u8::from(misused))
}

fn run() -> anyhow::Result<()> {
    let mut arguments = lexopt::Parser::from_env();
    let (mut serves, mut port) = (false, server::PORT);
    let mut options = Settings::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return say(HELP),
            Short('V') | Long("version") => {
                return say(concat!("waterwheel ", env!("CARGO_PKG_VERSION"), "\n"));
            }
            Value(word) if word == "serve" && !serves => serves = true,
            Long("port") if serves => port = arguments.value()?.parse()?,
            Long("data") if serves => options.folder = Some(arguments.value()?.into()),
            Long("power-safe") if serves => options.power_safe = true,
            Long("strict-keys") if serves => options.strict_keys = true,
            Long("throttle") if serves => options.throttle = true,
            Long("gsi-lag") if serves => {
                options.gsi_lag = Duration::from_millis(arguments.value()?.parse()?);
            }
            Long("ttl-delay") if serves => {
                options.ttl_delay = Some(Duration::from_secs(arguments.value()?.parse()?));
            }
            Long("settle") if serves => {
                options.settle = Duration::from_millis(arguments.value()?.parse()?);
            }
            Long("filters") if serves => options.filters_max = Some(arguments.value()?.parse()?),
            Long("shards") if serves => {
                options.streams.shards = arguments.value()?.parse_with(shards)?;
            }
            Long("shard-period") if serves => {
                options.streams.period = Some(arguments.value()?.parse_with(shard_period)?);
            }
            Long("split-rate") if serves => {
                options.streams.split_rate = Some(arguments.value()?.parse()?);
            }
            Long("stream-limits") if serves => options.streams.has_limits = true,
            Long("delays") if serves => options.delays = arguments.value()?.parse()?,
            Long("latest-gap") if serves => {
                options.latest_gap = Some(arguments.value()?.parse_with(on_or_off)?);
            }
            Long("assume") if serves => {
                let text = arguments.value()?;
                let assumed = &mut options.assumed;
                text.parse_with(|text| assumed.set(text))?;
            }
            Long("node") if serves => {
                options.processes.node = arguments.value()?.parse_with(node)?;
            }
            Long("python") if serves => options.processes.python = arguments.value()?.parse()?,
            Long("isolate") if serves => options.processes.isolated = true,
            Long("debug") if serves => options.processes.debug = Some(arguments.value()?.parse()?),
            Long("poll") if serves => options.poll = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    if !serves {
        return waterwheel::ui::run().map_err(anyhow::Error::msg);
    }
    let strict = options.strict_keys;
    let listening = |engine: &Engine, endpoint: &str| {
        say(&format!("waterwheel listening on {endpoint}\n")).ok();
        if strict {
            let key = engine.issue_key(&Principal::Root);
            say(&format!(
                "access key id {key}, secret access key {SECRET}\n"
            ))
            .ok();
        }
    };
    tokio::runtime::Runtime::new()?
        .block_on(async { Ok(server::serve(options.with_clock(), port, listening).await?) })
}

/// What may be said of `serve`. The clock wants a runtime, so the engine's options come later.
#[derive(Default)]
struct Settings {
    folder: Option<PathBuf>,
    power_safe: bool,
    strict_keys: bool,
    throttle: bool,
    gsi_lag: Duration,
    ttl_delay: Option<Duration>,
    settle: Duration,
    filters_max: Option<usize>,
    streams: streams::Settings,
    delays: Delays,
    latest_gap: Option<bool>,
    poll: Pace,
    assumed: Assumed,
    processes: Processes,
}

impl Settings {
    fn with_clock(self) -> Options {
        let usual = Options::temporary(Clock::real());
        Options {
            folder: self.folder,
            durability: if self.power_safe {
                Durability::Power
            } else {
                Durability::Process
            },
            strict_keys: self.strict_keys,
            throttle: self.throttle,
            gsi_lag: self.gsi_lag,
            ttl_delay: self.ttl_delay.unwrap_or(usual.ttl_delay),
            settle: self.settle,
            filters_max: self.filters_max.unwrap_or(usual.filters_max),
            streams: self.streams,
            delays: self.delays,
            latest_gap: self.latest_gap,
            poll: self.poll,
            assumed: self.assumed,
            processes: Some(self.processes),
            ..usual
        }
    }
}

fn shards(text: &str) -> Result<NonZeroU32, String> {
    let count = text
        .parse()
        .ok()
        .filter(|it: &NonZeroU32| it.get() <= streams::SHARDS_MAX);
    count.ok_or_else(|| format!("not a number from 1 to {}", streams::SHARDS_MAX))
}

fn shard_period(text: &str) -> Result<Duration, String> {
    let least = streams::PERIOD_MIN;
    let period = text.parse().ok().map(Duration::from_secs);
    period
        .filter(|it| *it >= least)
        .ok_or_else(|| format!("not a number of seconds from {} on", least.as_secs()))
}

fn node(word: &str) -> Result<Option<Interpreter>, String> {
    match word {
        "embedded" => Ok(None),
        word => word.parse().map(Some),
    }
}

fn on_or_off(word: &str) -> Result<bool, String> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("\"{word}\" is neither on nor off")),
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

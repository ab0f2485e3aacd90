//! Worlds by seed: random tables, writes, shards that split, settings of triggers, functions that fail, hang and answer in
//! part, injected faults, jumps of the clock and restarts in the middle. What must hold always holds (`judge`), and the
//! same seed gives the same log.
//!
//! Every `cargo test` plays some of them on both of two threads, and some of these twice.
//! `WATERWHEEL_SEEDS=10000 cargo test --release --test it -- --nocapture simulation` plays so many
//! (`WATERWHEEL_SEEDS=5000..10000`: these), and
//! `WATERWHEEL_SEED=7 cargo test --test it -- --nocapture simulation` plays one twice and prints its log.

mod deeds;
mod dice;
mod judge;
mod program;
mod script;
mod template;
mod told;
mod truth;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use template::Template;
use waterwheel::clock::Clock;

/// Seeds of a usual run, and how long that may take.
const SEEDS: u64 = 60;
const TIME_MAX: Duration = Duration::from_secs(6);
/// One of so many worlds is played twice.
const AGAIN: u64 = 5;
const THREADS: usize = 2;
/// Lines of the log that a failure shows.
const LINES_SHOWN: usize = 60;

/// How a world went.
struct Played {
    log: Vec<String>,
    verdict: Result<(), String>,
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let builder = builder.enable_time().start_paused(true);
    builder.build().unwrap()
}

fn play(seed: u64, template: &Template) -> Played {
    let runtime = runtime();
    let log = told::Log::default();
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(script::play(seed, template, log.clone()))
    }));
    let verdict = played.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()));
        Err(words.unwrap_or_else(|| "it broke down".to_owned()))
    });
    Played {
        log: log.lines(),
        verdict,
    }
}

/// Plays it, and where that is asked for again, to see whether it goes the same way.
fn play_well(seed: u64, template: &Template, again: bool) -> Played {
    let mut played = play(seed, template);
    if again && played.verdict.is_ok() {
        let second = play(seed, template).log;
        let lines = played.log.iter().zip(&second);
        let differs = lines.enumerate().find(|(_, (one, other))| one != other);
        if let Some((at, (one, other))) = differs {
            let why = format!("line {at} goes another way the second time:\n{one}\n{other}");
            played.verdict = Err(why);
            played.log.truncate(at);
        } else if played.log.len() != second.len() {
            played.verdict = Err("the second time it ends elsewhere".to_owned());
        }
    }
    played
}

#[expect(clippy::print_stderr, reason = "a long run has to show where it is")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// Plays worlds until they are over or `is_over`; what failed, and how many were played.
fn play_all(seeds: Range<u64>, is_over: impl Fn() -> bool + Sync) -> (Vec<String>, u64) {
    let (next, played) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let failures: Mutex<Vec<String>> = Mutex::default();
    let template = Template::new();
    let work = || {
        while !is_over() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let Played { log, verdict } = play_well(seed, &template, seed.is_multiple_of(AGAIN));
            if let Err(why) = verdict {
                let from = log.len().saturating_sub(LINES_SHOWN);
                let end = log[from..].join("\n");
                say(&format!("seed {seed}: {why}"));
                failures.lock().push(format!(
                    "WATERWHEEL_SEED={seed} cargo test --test it -- --nocapture simulation\n{end}\n{why}"
                ));
            }
            let count = played.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(500) {
                say(&format!("{count} worlds"));
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(work);
        }
    });
    (failures.into_inner(), played.into_inner())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(text: &str) -> u64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is no number of worlds"))
}

#[test]
fn what_must_hold_holds_in_every_world_and_a_seed_gives_the_same_log() {
    if let Some(seed) = variable("WATERWHEEL_SEED") {
        let Played { log, verdict } = play_well(number(&seed), &Template::new(), true);
        say(&log.join("\n"));
        verdict.unwrap();
        return;
    }
    let asked = variable("WATERWHEEL_SEEDS");
    let seeds = match asked.as_deref().map(|it| it.split_once("..").ok_or(it)) {
        None => 0..SEEDS,
        Some(Ok((from, to))) => number(from)..number(to),
        Some(Err(count)) => 0..number(count),
    };
    let stopwatch = Clock::real().stopwatch();
    let is_over = || asked.is_none() && stopwatch.elapsed() > TIME_MAX;
    let (failures, played) = play_all(seeds, is_over);
    assert!(
        failures.is_empty(),
        "{} of {played} worlds failed:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    say(&format!("{played} worlds in {:.1?}", stopwatch.elapsed()));
}

//! Hours of writes beside a shard that is blocked: does memory stay where it is?
//! `cargo run --release --example soak -- [MINUTES] [WRITES_A_SECOND]`; an hour of a thousand where nothing is said.
//!
//! Items of a table with two shards are overwritten at this rate. On one shard the trigger keeps up; on the other a
//! record fails again and again, and everything behind it waits. One line a minute says what happened. Ends with an
//! error where the process grew by more than 64 MB after the first sixth of the time, or could not keep the rate.

#[path = "../benches/triggers/world.rs"]
mod world;

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use waterwheel::clock::Clock;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::story::Follower;
use waterwheel::engine::{Options, streams};
use waterwheel::mapping::progress::{Outcome, What};
use world::{POISON, World, begun, say};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MINUTES: u64 = 60;
const RATE: u64 = 1000;
/// Different items.
const ITEMS: u64 = 10_000;
/// Items of one request.
const PAGE: u64 = 25;
/// How far the memory may grow after the first sixth of the time, in MB.
const GROWTH_MAX: f64 = 64.0;
/// Share of the rate that has to be reached.
const RATE_SHARE_MIN: f64 = 0.95;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| match arguments.next() {
        Some(text) => text.parse().context("give minutes and writes a second"),
        None => Ok(default),
    };
    let (minutes, rate) = (number(MINUTES)?, number(RATE)?);
    ensure!(minutes > 1 && rate > 0, "two minutes at least, and a write");
    let folder = tempfile::tempdir()?;
    let world = World::open(Options {
        folder: Some(folder.path().to_owned()),
        delays: Delays::Instant,
        streams: streams::Settings {
            shards: NonZeroU32::new(2).context("two shards")?,
            ..streams::Settings::default()
        },
        ..Options::temporary(Clock::real())
    })
    .await?;
    let (_, mut progress) = world.host.engine().watch();
    let stream = world.table("orders").await?;
    world.trigger(&stream).await?;
    world.put("orders", POISON, 0).await?;
    let blocked = begun(&mut progress, POISON).await?;
    let verdict = soak(&world, &mut progress, &blocked, minutes, rate).await;
    world.host.close().await;
    verdict
}

/// What one minute brought.
#[derive(Default)]
struct Minute {
    written: u64,
    /// Calls of the shard that keeps up, their records, and the age of the oldest of these.
    calls: u64,
    delivered: usize,
    age: Duration,
    /// Calls of the blocked one.
    failed: u64,
}

async fn soak(
    world: &World,
    progress: &mut Follower,
    blocked: &str,
    minutes: u64,
    rate: u64,
) -> anyhow::Result<()> {
    say("minute  writes/s  delivered/s   calls  oldest s  failed  disk MB  memory MB  grown MB")?;
    let warm_after = (minutes / 6).max(1);
    let begin = world.clock.now();
    let mut warm = None;
    let (mut page, mut total) = (0, 0);
    let mut grown: f64 = 0.0;
    for minute in 1..=minutes {
        let end = begin + Duration::from_mins(minute);
        let mut now = Minute::default();
        while world.clock.now() < end {
            let due = begin + Duration::from_secs_f64(float(page * PAGE) / float(rate));
            world.clock.sleep_until(due.min(end)).await;
            if due < end {
                let ids = (page * PAGE..(page + 1) * PAGE).map(|it| (it % ITEMS).to_string());
                let version = usize::try_from(page * PAGE / ITEMS)? + 1;
                world.put_all("orders", ids, version).await?;
                page += 1;
                now.written += PAGE;
            }
            now.hear(progress, blocked)?;
        }
        if minute > warm_after {
            total += now.written;
        }
        let memory = memory_mb()?;
        if minute == warm_after {
            warm = Some(memory);
        }
        let more = warm.map(|warm| memory - warm);
        grown = more.map_or(grown, |more| more.max(grown));
        now.say(world, minute, memory, more)?;
    }
    let reached = float(total) / float((minutes - warm_after) * 60) / float(rate);
    say(&format!(
        "memory grew by {grown:.0} MB at most after minute {warm_after}; {:.0} % of {rate} writes a second",
        reached * 100.0
    ))?;
    ensure!(grown <= GROWTH_MAX, "it may grow by {GROWTH_MAX} MB");
    ensure!(
        reached >= RATE_SHARE_MIN,
        "this machine does not keep the rate"
    );
    Ok(())
}

impl Minute {
    /// Takes what was told of meanwhile.
    fn hear(&mut self, progress: &mut Follower, blocked: &str) -> anyhow::Result<()> {
        while let Some(next) = progress.try_next() {
            match next.what {
                What::Invoking { records, .. } if *next.shard != *blocked => {
                    self.calls += 1;
                    self.delivered += records.len();
                    let oldest = records.first().map_or(next.at, |it| it.created);
                    let age = next.at.duration_since(oldest).unwrap_or_default();
                    self.age = self.age.max(age);
                }
                What::Invoked { outcome, .. } if *next.shard == *blocked => {
                    ensure!(outcome != Outcome::Succeeded, "the poison was taken");
                    // At first the function may not be ready.
                    self.failed += u64::from(outcome == Outcome::Failed);
                }
                What::Skipped { steps } => anyhow::bail!("{steps} steps were missed"),
                _ => {}
            }
        }
        Ok(())
    }

    fn say(
        &self,
        world: &World,
        minute: u64,
        memory: f64,
        more: Option<f64>,
    ) -> anyhow::Result<()> {
        let disk = float(world.host.engine().store().disk_bytes()) / MB;
        let more = more.map_or_else(String::new, |more| format!("{more:+.1}"));
        say(&format!(
            "{minute:>6} {:>9.0} {:>12.0} {:>7} {:>9.1} {:>7} {disk:>8.0} {memory:>10.1} {more:>9}",
            float(self.written) / 60.0,
            float(u64::try_from(self.delivered)?) / 60.0,
            self.calls,
            self.age.as_secs_f64(),
            self.failed,
        ))?;
        Ok(())
    }
}

const MB: f64 = 1024.0 * 1024.0;

/// Resident memory of this process.
fn memory_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("only Linux tells")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.split_whitespace().next());
    Ok(kilobytes.context("VmRSS")?.parse::<f64>()? / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

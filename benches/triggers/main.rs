//! From a write to the function: `cargo bench --bench triggers`, or `cargo bench --bench triggers -- drain` for one row.
//!
//! How long a put takes until the function has answered, read as written and four times a second, also beside a shard
//! that is blocked by a record that fails; how fast a backlog is drained; what idle triggers cost. The function is
//! JavaScript inside this process and reads its event. The first row is what the machine itself takes to wake one thread
//! and be woken by it, at the same pace: about six such turns are in every row below.

mod drain;
mod world;

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use drain::drained;
use waterwheel::clock::Clock;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::story::Follower;
use waterwheel::engine::{Options, streams};
use waterwheel::ids::Ids;
use waterwheel::mapping::pace::Pace;
use waterwheel::mapping::progress::What;
use world::{POISON, World, begun, say};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can be asked for by name; all of it otherwise.
const ROWS: [&str; 4] = ["latency", "failing", "idle", "drain"];
/// Writes a second, and how many of them.
const RATE: u32 = 50;
const WRITES: usize = 500;
const BACKLOG: usize = 100_000;
const IDLE: usize = 100;
const IDLE_SECS: u64 = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let named: Vec<String> = std::env::args().collect();
    let named: Vec<_> = named
        .iter()
        .filter(|it| ROWS.contains(&it.as_str()))
        .collect();
    let wants = |row: &str| named.is_empty() || named.iter().any(|it| *it == row);
    let paces = [Pace::AsWritten, Pace::FourPerSecond];
    if wants("latency") {
        wake_up().await?;
        for pace in paces {
            latency(pace).await?;
        }
    }
    if wants("failing") {
        for pace in paces {
            latency_beside_a_failing_shard(pace).await?;
        }
    }
    if wants("idle") {
        for pace in paces {
            idle(pace).await?;
        }
    }
    if wants("drain") {
        drain().await?;
    }
    Ok(())
}

async fn world(pace: Pace, shards: u32) -> anyhow::Result<World> {
    World::open(Options {
        delays: Delays::Instant,
        poll: pace,
        streams: streams::Settings {
            shards: NonZeroU32::new(shards).context("a shard")?,
            ..streams::Settings::default()
        },
        ..Options::temporary(Clock::real())
    })
    .await
}

async fn latency(pace: Pace) -> anyhow::Result<()> {
    let world = world(pace, 1).await?;
    let stream = world.table("orders").await?;
    let (_, mut progress) = world.host.engine().watch();
    world.trigger(&stream).await?;
    // What comes first also loads the code.
    world.put("orders", "0", 0).await?;
    begun(&mut progress, "0").await?;
    let ids: Vec<String> = (1..=WRITES).map(|id| id.to_string()).collect();
    measure("put to handler", pace, &world, &mut progress, &ids).await?;
    world.host.close().await;
    Ok(())
}

/// Two shards: on one a record fails again and again, on the other it is measured.
async fn latency_beside_a_failing_shard(pace: Pace) -> anyhow::Result<()> {
    let world = world(pace, 2).await?;
    let stream = world.table("orders").await?;
    let (_, mut progress) = world.host.engine().watch();
    world.trigger(&stream).await?;
    world.put("orders", POISON, 0).await?;
    let blocked = begun(&mut progress, POISON).await?;
    let ids: Vec<String> = (0..WRITES * 4).map(|id| id.to_string()).collect();
    for page in ids.chunks(25) {
        world.put_all("orders", page.iter().cloned(), 0).await?;
    }
    // Those of the blocked shard wait behind the record that fails.
    let mut fast: Vec<String> = Vec::new();
    while fast.len() < WRITES {
        let next = progress.next().await.context("the cloud is gone")?;
        if let What::Invoking { records, .. } = next.what
            && next.shard != blocked
        {
            fast.extend(records.iter().map(|it| it.key.to_string()));
        }
    }
    // Until what is left of them is delivered as well.
    world.clock.sleep(Duration::from_secs(3)).await;
    fast.truncate(WRITES);
    let what = "beside a failing shard";
    measure(what, pace, &world, &mut progress, &fast).await?;
    world.host.close().await;
    Ok(())
}

/// Writes these items one after the other, each when the last one's function has begun.
async fn measure(
    what: &str,
    pace: Pace,
    world: &World,
    progress: &mut Follower,
    ids: &[String],
) -> anyhow::Result<()> {
    let writes = match pace {
        Pace::AsWritten => ids.len(),
        Pace::FourPerSecond => ids.len() / 4,
    };
    let dice = Ids::seeded(1);
    let mut times = Vec::with_capacity(writes);
    let mut next = world.clock.now();
    for (version, id) in (1..).zip(&ids[..writes]) {
        next = match pace {
            Pace::AsWritten => next + Duration::from_secs(1) / RATE,
            // Any time between two polls, each as likely.
            Pace::FourPerSecond => world.clock.now() + Duration::from_millis(dice.number() % 250),
        };
        world.clock.sleep_until(next).await;
        let stopwatch = world.clock.stopwatch();
        world.put("orders", id, version).await?;
        begun(progress, id).await?;
        times.push(stopwatch.elapsed());
    }
    tell(what, &pace.to_string(), times)
}

/// A thread that sleeps is woken, and wakes the one that waits for it.
async fn wake_up() -> anyhow::Result<()> {
    let clock = Clock::real();
    let (ask, asked) = std::sync::mpsc::channel::<tokio::sync::oneshot::Sender<()>>();
    let other = std::thread::spawn(move || {
        for answer in asked {
            answer.send(()).ok();
        }
    });
    let mut times = Vec::with_capacity(WRITES);
    let mut next = clock.now();
    for _ in 0..WRITES {
        next += Duration::from_secs(1) / RATE;
        clock.sleep_until(next).await;
        let stopwatch = clock.stopwatch();
        let (answer, answered) = tokio::sync::oneshot::channel();
        ask.send(answer)?;
        answered.await?;
        times.push(stopwatch.elapsed());
    }
    drop(ask);
    ensure!(other.join().is_ok(), "the other thread ended");
    tell("a bare wake-up", "", times)
}

fn tell(what: &str, pace: &str, mut times: Vec<Duration>) -> anyhow::Result<()> {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    say(&format!(
        "{what:<22} {pace:<10} p1 {:7.2} ms   p50 {:7.2} ms   p99 {:7.2} ms",
        at(1),
        at(50),
        at(99)
    ))?;
    Ok(())
}

async fn drain() -> anyhow::Result<()> {
    let world = world(Pace::AsWritten, 1).await?;
    let rate = drained(&world, BACKLOG).await?;
    say(&format!(
        "a backlog of {BACKLOG}, batches of 100 {rate:>10.0} records a second"
    ))?;
    world.host.close().await;
    Ok(())
}

async fn idle(pace: Pace) -> anyhow::Result<()> {
    let world = world(pace, 1).await?;
    for number in 0..IDLE {
        let stream = world.table(&format!("idle-{number}")).await?;
        world.trigger(&stream).await?;
    }
    world.clock.sleep(Duration::from_secs(2)).await;
    let before = cpu_secs()?;
    world.clock.sleep(Duration::from_secs(IDLE_SECS)).await;
    let share = (cpu_secs()? - before) / f64::from(u32::try_from(IDLE_SECS)?) * 100.0;
    say(&format!(
        "{IDLE} idle triggers, {pace:<10} {share:7.1} % of a core"
    ))?;
    world.host.close().await;
    Ok(())
}

/// Processor time of this process so far.
fn cpu_secs() -> anyhow::Result<f64> {
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").context("only Linux tells")?;
    let (_, fields) = stat.rsplit_once(')').context("a process")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("its times")?;
    Ok((user + system) / TICKS)
}

//! Functions as processes: `cargo bench --bench runtimes`, or `cargo bench --bench runtimes -- Python` for one of them.
//!
//! Cold start, invocations of a warm environment and the drain of a backlog in Python, JavaScript and Rust, beside a bare
//! loop of the Runtime API with the same handler and the same batches.

mod bare;
#[path = "../triggers/drain.rs"]
mod drain;
#[path = "../triggers/world.rs"]
#[expect(dead_code, reason = "other measures use more of it")]
mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{LastUpdateStatus, LogType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use drain::drained;
use serde_json::json;
use waterwheel::clock::Clock;
use waterwheel::engine::Options;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::lambda::process::Processes;
use waterwheel::mapping::pace::Pace;
use world::{Reader, World, say, zipped};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BACKLOG: usize = 100_000;
const BATCH: usize = 100;
const COLD_STARTS: usize = 10;
const WARM: usize = 2000;

const PYTHON: &str = "import time
def handler(event, context):
    began = time.perf_counter_ns()
    seen = 0
    for record in event.get('Records', ()):
        seen += len(record['dynamodb']['NewImage']['note']['S'])
    return { 'seen': seen, 'nanos': time.perf_counter_ns() - began }
";
const NODE: &str = "exports.handler = async (event) => {
    const began = process.hrtime.bigint();
    let seen = 0;
    for (const record of event.Records ?? []) seen += record.dynamodb.NewImage.note.S.length;
    return { seen, nanos: Number(process.hrtime.bigint() - began) };
};";

struct Language {
    name: &'static str,
    runtime: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    /// The program of the bare loop and its arguments; none of either where the function speaks for itself.
    program: PathBuf,
    bare: Option<(&'static str, &'static str)>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rust = build()?;
    let languages = [
        Language {
            name: "Python",
            runtime: "python3.13",
            file: "index.py",
            bytes: PYTHON.into(),
            program: "python3".into(),
            bare: Some(("bare.py", include_str!("bare.py"))),
        },
        Language {
            name: "Node.js",
            runtime: "nodejs22.x",
            file: "index.js",
            bytes: NODE.into(),
            program: "node".into(),
            bare: Some(("bare.cjs", include_str!("bare.cjs"))),
        },
        Language {
            name: "Rust",
            runtime: "provided.al2023",
            file: "bootstrap",
            bytes: std::fs::read(&rust)?,
            program: rust,
            bare: None,
        },
    ];
    say(&format!(
        "{:<8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>13} {:>13} {:>7}",
        "",
        "cold start",
        "bare",
        "warm p50",
        "by SDK",
        "bare",
        "invocations",
        "records",
        "bare records",
        "share"
    ))?;
    let named: Vec<String> = std::env::args().collect();
    let is_named = |it: &Language| named.iter().any(|name| name == it.name);
    let some_are_named = languages.iter().any(is_named);
    for language in languages {
        if some_are_named && !is_named(&language) {
            continue;
        }
        row(&language).await?;
    }
    say(
        "warm p50: an invocation without the handler's own time; by SDK: with what the SDK does around it; bare: a turn of the bare loop",
    )
    .map_err(Into::into)
}

/// All that is measured of one language.
async fn row(language: &Language) -> anyhow::Result<()> {
    let empty = bare(language, EMPTY, WARM).await?;
    let bare = bare(language, &batch(), BACKLOG / BATCH).await?;
    let cold = cold(language).await?;
    // As pollers and connections do: a thread that waits for the runtime is another one to wake.
    let world = world(language).await?;
    let warm = tokio::spawn(warm(world)).await??;
    let world = self::world(language).await?;
    let records = drained(&world, BACKLOG).await?;
    world.host.close().await;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let bare_records = bare.rate * 100.0;
    say(&format!(
        "{:<8} {:>7.1} ms {:>7.1} ms {:>7.3} ms {:>7.3} ms {:>7.3} ms {rate:>10.0}/s {records:>11.0}/s {bare_records:>11.0}/s {:>5.0} %",
        language.name,
        millis(cold),
        millis(bare.cold),
        millis(warm.engine),
        millis(warm.sdk),
        1e3 / empty.rate,
        records / bare_records * 100.0,
        rate = warm.rate,
    ))
    .map_err(Into::into)
}

async fn world(language: &Language) -> anyhow::Result<World> {
    let options = Options {
        delays: Delays::Instant,
        poll: Pace::AsWritten,
        processes: Some(Processes::default()),
        ..Options::temporary(Clock::real())
    };
    let reader = Reader {
        runtime: language.runtime,
        zip: zipped(language.file, &language.bytes)?,
    };
    let world = World::with(options, reader).await?;
    settled(&world).await?;
    Ok(world)
}

/// Waits until the function can be invoked as it is now.
async fn settled(world: &World) -> anyhow::Result<()> {
    loop {
        let asked = world.lambda.get_function_configuration();
        let it = asked.function_name("reader").send().await?;
        if it.last_update_status == Some(LastUpdateStatus::Successful) {
            return Ok(());
        }
        world.clock.sleep(Duration::from_millis(20)).await;
    }
}

/// The answer and the end of the log.
async fn invoke(world: &World, event: &str) -> anyhow::Result<(serde_json::Value, String)> {
    let asked = world.lambda.invoke().function_name("reader");
    let asked = asked.log_type(LogType::Tail).payload(Blob::new(event));
    let output = asked.send().await?;
    let log = STANDARD.decode(output.log_result().context("a log")?)?;
    let log = String::from_utf8(log)?;
    ensure!(output.function_error().is_none(), "{log}");
    let payload = output.payload.context("an answer")?;
    Ok((serde_json::from_slice(payload.as_ref())?, log))
}

/// The middle of what the log calls `Init Duration`.
async fn cold(language: &Language) -> anyhow::Result<Duration> {
    let world = world(language).await?;
    let mut times = Vec::new();
    for number in 0..COLD_STARTS {
        let (_, log) = invoke(&world, EMPTY).await?;
        let (_, rest) = log.rsplit_once("Init Duration: ").context("a cold start")?;
        let (millis, _) = rest.split_once(" ms").context("a duration")?;
        times.push(Duration::from_secs_f64(millis.parse::<f64>()? / 1e3));
        let change = world.lambda.update_function_configuration();
        let change = change.function_name("reader");
        change.description(number.to_string()).send().await?;
        settled(&world).await?;
    }
    world.host.close().await;
    times.sort();
    Ok(times[COLD_STARTS / 2])
}

/// Invocations of a warm environment, one after the other.
struct Warm {
    /// The middle of what they take without their handler, at the engine's door.
    engine: Duration,
    /// The same with all that the SDK does before and after.
    sdk: Duration,
    /// Invocations a second at the engine's door.
    rate: f64,
}

async fn warm(world: World) -> anyhow::Result<Warm> {
    let (mut sdk, mut engine) = (Vec::new(), Vec::new());
    let own = |answer: &serde_json::Value| {
        Duration::from_nanos(answer["nanos"].as_u64().unwrap_or_default())
    };
    invoke(&world, EMPTY).await?;
    for _ in 0..WARM {
        let stopwatch = world.clock.stopwatch();
        let (answer, _) = invoke(&world, EMPTY).await?;
        sdk.push(stopwatch.elapsed().saturating_sub(own(&answer)));
    }
    let mut whole = Duration::ZERO;
    for _ in 0..WARM {
        let request = http::Request::post("/2015-03-31/functions/reader/invocations")
            .header("X-Amz-Log-Type", "Tail")
            .header("Authorization", AUTHORIZATION)
            .body(Bytes::from_static(EMPTY.as_bytes()))?;
        let stopwatch = world.clock.stopwatch();
        let response = world.host.engine().handle(request).await;
        let took = stopwatch.elapsed();
        ensure!(response.status() == 200, "{:?}", response.body());
        let answer = serde_json::from_slice(response.body())?;
        engine.push(took.saturating_sub(own(&answer)));
        whole += took;
    }
    world.host.close().await;
    sdk.sort();
    engine.sort();
    Ok(Warm {
        engine: engine[WARM / 2],
        sdk: sdk[WARM / 2],
        rate: f64::from(u32::try_from(WARM)?) / whole.as_secs_f64(),
    })
}

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/lambda/aws4_request, \
                             SignedHeaders=host, Signature=00";
const EMPTY: &str = r#"{"Records":[]}"#;

async fn bare(language: &Language, event: &str, events: usize) -> anyhow::Result<bare::Bare> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
    let mut arguments = Vec::new();
    if let Some((name, text)) = language.bare {
        write(language.file, &language.bytes)?;
        write(name, text.as_bytes())?;
        arguments.push(name);
    }
    bare::measure(&language.program, &arguments, folder.path(), event, events).await
}

/// An event as a trigger delivers it.
fn batch() -> String {
    let record = |number: usize| {
        let image = json!({ "id": { "S": number.to_string() }, "note": { "S": "0".repeat(180) } });
        json!({
            "eventID": format!("{number:032x}"), "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_767_225_600, "Keys": { "id": { "S": number.to_string() } },
                "NewImage": image, "SequenceNumber": format!("{number:021}"), "SizeBytes": 200,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/backlog/stream/2026-01-01T00:00:00.000",
        })
    };
    json!({ "Records": (0..BATCH).map(record).collect::<Vec<_>>() }).to_string()
}

/// The function in Rust, optimized.
fn build() -> anyhow::Result<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rust-function");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-function");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let cargo = cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(project.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    ensure!(
        cargo.status()?.success(),
        "examples/rust-function is not built"
    );
    Ok(target.join("release/bootstrap"))
}

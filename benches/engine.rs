//! What the engine itself costs, without HTTP and without the SDK: `cargo bench --bench engine`.
//!
//! Requests that are ready go to `Engine::handle`, one after another and then from several callers at once; the bare
//! store does what a put with a stream record has it do: it reads the item that is overwritten, for the old image, and
//! writes as many bytes under the same keys, as many pairs to a commit. What it takes without the reading is shown, too. Rounds alternate,
//! so that a busy machine slows everything alike.

use std::io::Write as _;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use waterwheel::clock::Clock;
use waterwheel::engine::dynamodb::value::Attribute;
use waterwheel::engine::store::{Commit, Durability, Shelf, Store, keys};
use waterwheel::engine::{Engine, EngineHost, Options};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 75;
const CALLS: usize = 1000;
/// Callers at once.
const CALLERS: [usize; 2] = [1, 16];
/// Items that calls are made on.
const BUSY: usize = 1000;
/// Bytes of a stored item, and of its stream record with both images.
const ITEM: usize = 236;
const RECORD: usize = 513;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let clock = Clock::real();
    let host = EngineHost::open(Options::temporary(clock.clone()))?;
    let engine = host.engine();
    for (table, streams) in [("plain", false), ("streamed", true)] {
        let mut request = json!({
            "TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        });
        if streams {
            request["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        }
        call(engine, http("CreateTable", request.to_string())?).await?;
    }
    let store = Store::open(None, Durability::Process)?;
    let mut written = 0;
    for callers in CALLERS {
        let mut times = [const { Vec::new() }; 5];
        for _ in 0..ROUNDS {
            let puts = |table: &str| requests("PutItem", |at| put(table, at, written + at));
            let (plain, streamed) = (puts("plain")?, puts("streamed")?);
            let gets = requests("GetItem", |at| {
                let key = json!({"id": {"S": (at % BUSY).to_string()}});
                json!({"TableName": "streamed", "Key": key}).to_string()
            })?;
            times[0].push(calls(engine, &clock, callers, plain).await?);
            times[1].push(calls(engine, &clock, callers, streamed).await?);
            times[2].push(bare(&store, &clock, callers, written, Shelf::Items).await?);
            // A shelf of which nothing is kept in memory.
            times[3].push(bare(&store, &clock, callers, written, Shelf::Messages).await?);
            times[4].push(calls(engine, &clock, callers, gets).await?);
            written += CALLS;
        }
        let [put, streamed, bare, writes, get] = times.map(median);
        say(&match callers {
            1 => format!("median of {ROUNDS} rounds of {CALLS} calls, one after another"),
            _ => format!("the same from {callers} callers at once"),
        })?;
        row("PutItem", put)?;
        row("PutItem with a stream of both images", streamed)?;
        row("the bare store, the same bytes", bare)?;
        row("without reading the old image", writes)?;
        row("GetItem", get)?;
        let share = |bare: Duration| bare.as_secs_f64() / streamed.as_secs_f64() * 100.0;
        say(&format!(
            "a put with a stream reaches {:.0} % of the bare store, {:.0} % of one that reads nothing",
            share(bare),
            share(writes)
        ))?;
    }
    host.close().await;
    Ok(())
}

async fn call(engine: &Engine, request: Request<Bytes>) -> anyhow::Result<()> {
    let response = engine.handle(request).await;
    ensure!(response.status() == 200, "{:?}", response.body());
    Ok(())
}

/// A request as it comes from the port.
fn http(operation: &str, body: String) -> anyhow::Result<Request<Bytes>> {
    let request = Request::post("/")
        .header("Host", "localhost")
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host, Signature=00",
        );
    Ok(request.body(body.into())?)
}

/// Time of one call.
async fn calls(
    engine: &Engine,
    clock: &Clock,
    callers: usize,
    mut requests: Vec<Request<Bytes>>,
) -> anyhow::Result<Duration> {
    let share = requests.len().div_ceil(callers);
    let mut shares = Vec::new();
    while !requests.is_empty() {
        shares.push(requests.split_off(requests.len().saturating_sub(share)));
    }
    let stopwatch = clock.stopwatch();
    let mut tasks = JoinSet::new();
    for share in shares {
        let engine = engine.clone();
        tasks.spawn(async move {
            for request in share {
                call(&engine, request).await?;
                if callers > 1 {
                    tokio::task::yield_now().await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(stopwatch.elapsed() / u32::try_from(CALLS)?)
}

/// Time of one commit of an item on this shelf; on that of items with a look at what was there.
async fn bare(
    store: &Store,
    clock: &Clock,
    callers: usize,
    first: usize,
    shelf: Shelf,
) -> anyhow::Result<Duration> {
    let bytes = |length: usize, number: usize| {
        let mut bytes = vec![b'x'; length];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let stopwatch = clock.stopwatch();
    let share = CALLS.div_ceil(callers);
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        tasks.spawn(async move {
            for at in caller * share..CALLS.min((caller + 1) * share) {
                let number = first + at;
                let mut commit = Commit::default();
                let key = keys::partition(1, &Attribute::S((at % BUSY).to_string()));
                if shelf == Shelf::Items {
                    std::hint::black_box(store.get(shelf, &key)?);
                }
                commit.put(shelf, key, bytes(ITEM, number));
                commit.put(Shelf::Records, bytes(16, number), bytes(RECORD, number));
                commit.put(Shelf::Documents, bytes(13, 0), bytes(16, number));
                store.commit(commit)?;
                if callers > 1 {
                    tokio::task::yield_now().await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(stopwatch.elapsed() / u32::try_from(CALLS)?)
}

fn requests(
    operation: &str,
    body: impl Fn(usize) -> String,
) -> anyhow::Result<Vec<Request<Bytes>>> {
    (0..CALLS).map(|at| http(operation, body(at))).collect()
}

/// An item of about 230 bytes, never as it was before.
fn put(table: &str, at: usize, version: usize) -> String {
    let item: Value = json!({
        "id": {"S": (at % BUSY).to_string()}, "version": {"N": version.to_string()},
        "customer": {"S": "c-1234567890"}, "note": {"S": "x".repeat(180)},
    });
    json!({"TableName": table, "Item": item}).to_string()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn row(what: &str, time: Duration) -> std::io::Result<()> {
    let micros = time.as_secs_f64() * 1e6;
    say(&format!(
        "{what:<40}{micros:>8.1} µs{:>10.0} a second",
        1e6 / micros
    ))
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

//! From a write to the function: `cargo bench --bench triggers`.
//!
//! How long a put takes until the function has answered, read as written and four times a second; how fast a backlog is
//! drained; what idle triggers cost. The function is JavaScript inside this process and reads its event.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ScalarAttributeType, StreamSpecification, StreamViewType, WriteRequest,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionCode, Runtime};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::delays::Delays;
use waterwheel::engine::story::Follower;
use waterwheel::engine::{EngineHost, Options};
use waterwheel::ids::Ids;
use waterwheel::mapping::pace::Pace;
use waterwheel::mapping::progress::{Outcome, What};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*"],"Resource":"*"}]}"#;
const CODE: &str = "exports.handler = async (event) => {
    let seen = 0;
    for (const record of event.Records) seen += record.dynamodb.NewImage.note.S.length;
    return { seen };
};";

/// Writes a second, and how many of them.
const RATE: u32 = 50;
const WRITES: usize = 500;
const BACKLOG: usize = 100_000;
const IDLE: usize = 100;
const IDLE_SECS: u64 = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    for pace in [Pace::AsWritten, Pace::FourPerSecond] {
        latency(pace).await?;
    }
    for pace in [Pace::AsWritten, Pace::FourPerSecond] {
        idle(pace).await?;
    }
    drain().await
}

/// A cloud with a role and a function.
struct World {
    host: EngineHost,
    clock: Clock,
    dynamodb: aws_sdk_dynamodb::Client,
    lambda: aws_sdk_lambda::Client,
}

impl World {
    async fn new(pace: Pace) -> anyhow::Result<Self> {
        let clock = Clock::real();
        let host = EngineHost::open(Options {
            delays: Delays::Instant,
            poll: pace,
            ..Options::temporary(clock.clone())
        })?;
        let config = host.engine().sdk_config(&Principal::Root);
        let iam = aws_sdk_iam::Client::new(&config);
        let role = iam.create_role().role_name("worker");
        let role = role.assume_role_policy_document(TRUST).send().await?;
        let allow = iam.put_role_policy().role_name("worker").policy_name("p");
        allow.policy_document(POLICY).send().await?;
        let world = Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            clock,
            host,
        };
        let code = FunctionCode::builder().zip_file(Blob::new(zipped(CODE)?));
        let create = world.lambda.create_function().function_name("reader");
        let create = create
            .runtime(Runtime::from("nodejs22.x"))
            .handler("index.handler");
        let create = create.timeout(60).code(code.build());
        let arn = role.role.context("a role")?.arn;
        create.role(arn).send().await?;
        Ok(world)
    }

    /// A table with a stream of both images; gives the stream's ARN.
    async fn table(&self, name: &str) -> anyhow::Result<String> {
        let key = KeySchemaElement::builder()
            .attribute_name("id")
            .key_type(KeyType::Hash);
        let id = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages);
        let create = self.dynamodb.create_table().table_name(name);
        let create = create
            .key_schema(key.build()?)
            .attribute_definitions(id.build()?)
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream.build()?);
        let table = create.send().await?.table_description.context("a table")?;
        table.latest_stream_arn.context("a stream")
    }

    async fn trigger(&self, stream_arn: &str) -> anyhow::Result<()> {
        let create = self.lambda.create_event_source_mapping();
        let create = create
            .event_source_arn(stream_arn)
            .function_name("reader")
            .batch_size(100)
            .starting_position(EventSourcePosition::TrimHorizon);
        create.send().await?;
        Ok(())
    }

    async fn put(&self, table: &str, id: usize) -> anyhow::Result<()> {
        let put = self.dynamodb.put_item().table_name(table);
        let put = put.item("id", AttributeValue::S(id.to_string()));
        put.item("note", AttributeValue::S("x".repeat(180)))
            .send()
            .await?;
        Ok(())
    }
}

async fn latency(pace: Pace) -> anyhow::Result<()> {
    let world = World::new(pace).await?;
    let stream = world.table("orders").await?;
    let (_, mut progress) = world.host.engine().watch();
    world.trigger(&stream).await?;
    // What comes first also loads the code.
    world.put("orders", 0).await?;
    begun(&mut progress).await?;
    let writes = match pace {
        Pace::AsWritten => WRITES,
        Pace::FourPerSecond => WRITES / 4,
    };
    let dice = Ids::seeded(1);
    let mut times = Vec::with_capacity(writes);
    let mut next = world.clock.now();
    for id in 1..=writes {
        next = match pace {
            Pace::AsWritten => next + Duration::from_secs(1) / RATE,
            // Any time between two polls, each as likely.
            Pace::FourPerSecond => world.clock.now() + Duration::from_millis(dice.number() % 250),
        };
        world.clock.sleep_until(next).await;
        let stopwatch = world.clock.stopwatch();
        world.put("orders", id).await?;
        begun(&mut progress).await?;
        times.push(stopwatch.elapsed());
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    say(&format!(
        "put to handler, {pace:<10} p1 {:7.2} ms   p50 {:7.2} ms   p99 {:7.2} ms",
        at(1),
        at(50),
        at(99)
    ))?;
    world.host.close().await;
    Ok(())
}

/// Waits until the next invocation begins.
async fn begun(progress: &mut Follower) -> anyhow::Result<()> {
    loop {
        let next = progress.next().await.context("the cloud is gone")?;
        if let What::Invoking { .. } = next.what {
            return Ok(());
        }
    }
}

async fn drain() -> anyhow::Result<()> {
    let world = World::new(Pace::AsWritten).await?;
    let stream = world.table("backlog").await?;
    for page in (0..BACKLOG).collect::<Vec<_>>().chunks(25) {
        let writes = page.iter().map(|id| {
            let put = PutRequest::builder()
                .item("id", AttributeValue::S(id.to_string()))
                .item("note", AttributeValue::S("x".repeat(180)));
            Ok(WriteRequest::builder().put_request(put.build()?).build())
        });
        let writes = writes.collect::<anyhow::Result<Vec<_>>>()?;
        let batch = world.dynamodb.batch_write_item();
        batch.request_items("backlog", writes).send().await?;
    }
    let (_, mut progress) = world.host.engine().watch();
    let stopwatch = world.clock.stopwatch();
    world.trigger(&stream).await?;
    let mut seen = 0;
    while seen < BACKLOG {
        match progress.next().await.context("the cloud is gone")?.what {
            What::Invoked {
                outcome, answer, ..
            } => {
                ensure!(outcome == Outcome::Succeeded, "{}", answer.payload);
            }
            What::Invoking { records, .. } => seen += records.len(),
            What::Skipped { .. } => anyhow::bail!("too much progress at once"),
            _ => {}
        }
    }
    let rate = f64::from(u32::try_from(BACKLOG)?) / stopwatch.elapsed().as_secs_f64();
    say(&format!(
        "a backlog of {BACKLOG}, batches of 100 {rate:>10.0} records a second"
    ))?;
    world.host.close().await;
    Ok(())
}

async fn idle(pace: Pace) -> anyhow::Result<()> {
    let world = World::new(pace).await?;
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

fn zipped(code: &str) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("index.js", zip::write::SimpleFileOptions::default())?;
    zip.write_all(code.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

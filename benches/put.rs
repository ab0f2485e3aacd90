//! What stored stream records cost: puts, and polls at the tip, with a thousand and with a million of them.
//!
//! `cargo bench --bench put`, or `cargo bench --bench put -- RECORDS` for another number than a million. Everything
//! goes through the SDK, in process. Rounds of both worlds alternate, so that a busy machine slows both.

use std::io::Write as _;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ScalarAttributeType, StreamSpecification, StreamViewType, WriteRequest,
};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

const TABLE: &str = "orders";
const FEW: u64 = 1000;
const MANY: u64 = 1_000_000;
/// Items that are overwritten again and again.
const ITEMS: u64 = 1000;
const ROUNDS: usize = 21;
const CALLS: u64 = 500;
/// Full pages of records that are read.
const PAGES: usize = 50;
/// Most writes of one batch.
const BATCH: u64 = 25;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let many = std::env::args().find_map(|it| it.parse().ok());
    let many = many.unwrap_or(MANY);
    let clock = Clock::real();
    let mut large = World::with(&clock, many).await?;
    let (mut few_puts, mut many_puts) = (Vec::new(), Vec::new());
    let (mut few_polls, mut many_polls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut small = World::with(&clock, FEW).await?;
        few_puts.push(small.puts(&clock).await?);
        few_polls.push(small.polls(&clock).await?);
        small.host.close().await;
        many_puts.push(large.puts(&clock).await?);
        many_polls.push(large.polls(&clock).await?);
    }
    say(&format!(
        "median of {ROUNDS} rounds of {CALLS} calls, one after another"
    ))?;
    compare("PutItem", few_puts, many_puts, many)?;
    compare("GetRecords at the tip", few_polls, many_polls, many)?;
    let read = large.read(&clock).await?;
    say(&format!("GetRecords of full pages: {read:.0} records/s"))?;
    large.host.close().await;
    Ok(())
}

/// A table with a stream of new and old images.
struct World {
    host: EngineHost,
    client: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    written: u64,
}

impl World {
    /// Filled with so many stream records, batch after batch.
    async fn with(clock: &Clock, records: u64) -> anyhow::Result<Self> {
        let host = EngineHost::open(Options::temporary(clock.clone()))?;
        let config = host.engine().sdk_config(&Principal::Root);
        let mut world = Self {
            client: aws_sdk_dynamodb::Client::new(&config),
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            host,
            written: 0,
        };
        create_table(&world.client).await?;
        let stopwatch = clock.stopwatch();
        while world.written < records {
            let writes = (0..BATCH.min(records - world.written)).map(|_| world.write());
            let writes = writes.collect::<anyhow::Result<Vec<_>>>()?;
            let request = world.client.batch_write_item().request_items(TABLE, writes);
            let left = request.send().await?.unprocessed_items;
            anyhow::ensure!(left.is_none_or(|it| it.is_empty()), "items were left over");
        }
        if records > FEW {
            let rate = per_second(records, stopwatch.elapsed());
            say(&format!(
                "{records} records written in batches: {rate:.0}/s"
            ))?;
        }
        Ok(world)
    }

    /// The next item: one of a thousand, about 200 bytes, never as it was before.
    fn item(&mut self) -> [(&'static str, AttributeValue); 4] {
        self.written += 1;
        [
            ("id", S((self.written % ITEMS).to_string())),
            ("version", N(self.written.to_string())),
            ("customer", S("c-1234567890".to_owned())),
            ("note", S("x".repeat(150))),
        ]
    }

    fn write(&mut self) -> anyhow::Result<WriteRequest> {
        let item = self.item().into_iter();
        let item = item.fold(PutRequest::builder(), |put, (name, value)| {
            put.item(name, value)
        });
        Ok(WriteRequest::builder().put_request(item.build()?).build())
    }

    /// Time of one put.
    async fn puts(&mut self, clock: &Clock) -> anyhow::Result<Duration> {
        let stopwatch = clock.stopwatch();
        for _ in 0..CALLS {
            let put = self.client.put_item().table_name(TABLE);
            let item = self.item().into_iter();
            let put = item.fold(put, |put, (name, value)| put.item(name, value));
            put.send().await?;
        }
        Ok(stopwatch.elapsed() / u32::try_from(CALLS)?)
    }

    /// Time of one poll that finds nothing.
    async fn polls(&self, clock: &Clock) -> anyhow::Result<Duration> {
        let mut iterator = self.iterator(ShardIteratorType::Latest).await?;
        let stopwatch = clock.stopwatch();
        for _ in 0..CALLS {
            let poll = self.streams.get_records().set_shard_iterator(iterator);
            let page = poll.send().await?;
            anyhow::ensure!(page.records().is_empty(), "the tip has records");
            iterator = page.next_shard_iterator;
        }
        Ok(stopwatch.elapsed() / u32::try_from(CALLS)?)
    }

    /// Records a second, read page by page from the oldest on.
    async fn read(&self, clock: &Clock) -> anyhow::Result<f64> {
        let mut iterator = self.iterator(ShardIteratorType::TrimHorizon).await?;
        let stopwatch = clock.stopwatch();
        let mut read = 0;
        for _ in 0..PAGES {
            let poll = self.streams.get_records().set_shard_iterator(iterator);
            let page = poll.send().await?;
            read += page.records().len() as u64;
            iterator = page.next_shard_iterator;
        }
        Ok(per_second(read, stopwatch.elapsed()))
    }

    async fn iterator(&self, kind: ShardIteratorType) -> anyhow::Result<Option<String>> {
        let listed = self.streams.list_streams().send().await?;
        let stream = listed.streams().first().and_then(|it| it.stream_arn());
        let described = self
            .streams
            .describe_stream()
            .set_stream_arn(stream.map(str::to_owned));
        let description = described.send().await?.stream_description;
        let shard = description.as_ref().and_then(|it| it.shards().first());
        let iterator = self
            .streams
            .get_shard_iterator()
            .set_stream_arn(stream.map(str::to_owned))
            .set_shard_id(shard.and_then(|it| it.shard_id().map(str::to_owned)))
            .shard_iterator_type(kind);
        Ok(iterator.send().await?.shard_iterator)
    }
}

async fn create_table(client: &aws_sdk_dynamodb::Client) -> anyhow::Result<()> {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages);
    let request = client
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(id.build()?)
        .key_schema(key.build()?)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream.build()?);
    request.send().await?;
    Ok(())
}

fn compare(
    what: &str,
    few: Vec<Duration>,
    many: Vec<Duration>,
    records: u64,
) -> std::io::Result<()> {
    let (few, many) = (median(few), median(many));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    say(&format!(
        "{what}: {few:?} with {FEW} records stored, {many:?} with {records} ({:.0}/s); ratio {ratio:.2}",
        per_second(1, many)
    ))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn per_second(count: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let count = count as f64;
    count / time.as_secs_f64()
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

//! What a call costs, signed by the SDK and answered in process: `cargo bench --bench call`.

use std::io::Write as _;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType,
};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

const TABLE: &str = "orders";
const CALLS: usize = 5000;
const ITEM_BYTES: usize = 500;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let clock = Clock::real();
    let host = EngineHost::open(Options::temporary(clock.clone()))?;
    let client = Client::new(&host.engine().sdk_config(&Principal::Root));
    create_table(&client).await?;

    let stopwatch = clock.stopwatch();
    for number in 0..CALLS {
        put(&client, number).await?;
    }
    say("put with stream record", stopwatch.elapsed())?;

    let stopwatch = clock.stopwatch();
    for number in 0..CALLS {
        let key = S(number.to_string());
        let found = client.get_item().table_name(TABLE).key("id", key).send();
        anyhow::ensure!(found.await?.item.is_some(), "item {number} is missing");
    }
    say("get", stopwatch.elapsed())?;

    let stopwatch = clock.stopwatch();
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..8 {
        let client = client.clone();
        lanes.spawn(async move {
            for number in (lane..CALLS).step_by(8) {
                put(&client, number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    say("put, eight at once", stopwatch.elapsed())?;
    host.close().await;
    Ok(())
}

async fn create_table(client: &Client) -> anyhow::Result<()> {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages);
    client
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(id.build()?)
        .key_schema(key.build()?)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream.build()?)
        .send()
        .await?;
    Ok(())
}

async fn put(client: &Client, number: usize) -> anyhow::Result<()> {
    let put = client.put_item().table_name(TABLE);
    put.item("id", S(number.to_string()))
        .item("text", S("x".repeat(ITEM_BYTES)))
        .send()
        .await?;
    Ok(())
}

fn say(what: &str, took: std::time::Duration) -> anyhow::Result<()> {
    let calls = u32::try_from(CALLS)?;
    let each = took / calls;
    let per_second = f64::from(calls) / took.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{what:<24} {:>6} µs a call {per_second:>8.0} a second",
        each.as_micros()
    )?;
    Ok(())
}

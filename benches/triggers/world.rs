//! A cloud with a role and a function that reads its events, for whatever measures triggers.

use std::io::Write as _;

use anyhow::Context as _;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ScalarAttributeType, StreamSpecification, StreamViewType, WriteRequest,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, EventSourcePosition, FunctionCode, Runtime};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::story::Follower;
use waterwheel::engine::{EngineHost, Options};
use waterwheel::mapping::progress::What;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*"],"Resource":"*"}]}"#;
/// Throws where this item is in the batch.
pub(crate) const POISON: &str = "poison";
const CODE: &str = "exports.handler = async (event) => {
    let seen = 0;
    for (const record of event.Records) {
        if (record.dynamodb.Keys.id.S === 'poison') throw new Error('poison');
        seen += record.dynamodb.NewImage.note.S.length;
    }
    return { seen };
};";

pub(crate) struct World {
    pub(crate) host: EngineHost,
    pub(crate) clock: Clock,
    dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
}

/// A function that reads its events.
pub(crate) struct Reader {
    pub(crate) runtime: &'static str,
    pub(crate) zip: Vec<u8>,
}

impl World {
    /// With a function in JavaScript.
    pub(crate) async fn open(options: Options) -> anyhow::Result<Self> {
        let runtime = "nodejs22.x";
        let zip = zipped("index.js", CODE.as_bytes())?;
        Self::with(options, Reader { runtime, zip }).await
    }

    /// With the function `reader`; what is written in JavaScript or Python is in `index`.
    pub(crate) async fn with(options: Options, reader: Reader) -> anyhow::Result<Self> {
        let clock = options.clock.clone();
        let host = EngineHost::open(options)?;
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
        let code = FunctionCode::builder().zip_file(Blob::new(reader.zip));
        let create = world.lambda.create_function().function_name("reader");
        let create = create
            .runtime(Runtime::from(reader.runtime))
            .handler("index.handler");
        let quiet = Environment::builder().variables("QUIET", "1").build();
        let create = create.environment(quiet);
        let create = create.timeout(60).memory_size(512).code(code.build());
        let arn = role.role.context("a role")?.arn;
        create.role(arn).send().await?;
        Ok(world)
    }

    /// A table with a stream of both images; gives the stream's ARN.
    pub(crate) async fn table(&self, name: &str) -> anyhow::Result<String> {
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

    /// From the oldest record on, in batches of 100.
    pub(crate) async fn trigger(&self, stream_arn: &str) -> anyhow::Result<()> {
        let create = self.lambda.create_event_source_mapping();
        let create = create
            .event_source_arn(stream_arn)
            .function_name("reader")
            .batch_size(100)
            .starting_position(EventSourcePosition::TrimHorizon);
        create.send().await?;
        Ok(())
    }

    /// An item of 200 bytes; `version` tells it from what was there.
    pub(crate) async fn put(&self, table: &str, id: &str, version: usize) -> anyhow::Result<()> {
        let put = self.dynamodb.put_item().table_name(table);
        let put = put.item("id", AttributeValue::S(id.to_owned()));
        put.item("note", note(version)).send().await?;
        Ok(())
    }

    /// Up to 25 of them at once.
    pub(crate) async fn put_all(
        &self,
        table: &str,
        ids: impl IntoIterator<Item = String>,
        version: usize,
    ) -> anyhow::Result<()> {
        let writes = ids.into_iter().map(|id| {
            let put = PutRequest::builder()
                .item("id", AttributeValue::S(id))
                .item("note", note(version));
            Ok(WriteRequest::builder().put_request(put.build()?).build())
        });
        let writes = writes.collect::<anyhow::Result<Vec<_>>>()?;
        let batch = self.dynamodb.batch_write_item();
        batch.request_items(table, writes).send().await?;
        Ok(())
    }
}

fn note(version: usize) -> AttributeValue {
    AttributeValue::S(format!("{version:0>180}"))
}

/// Waits until an invocation with this item begins; the id of its shard.
pub(crate) async fn begun(
    progress: &mut Follower,
    id: &str,
) -> anyhow::Result<std::sync::Arc<str>> {
    loop {
        let next = progress.next().await.context("the cloud is gone")?;
        if let What::Invoking { records, .. } = next.what
            && records.iter().any(|it| &*it.key == id)
        {
            return Ok(next.shard);
        }
    }
}

/// A package of one file, which may be executed.
pub(crate) fn zipped(name: &str, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file(name, options)?;
    zip.write_all(bytes)?;
    Ok(zip.finish()?.into_inner())
}

pub(crate) fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

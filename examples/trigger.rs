//! A table, its stream and a function that reads it, in this process and without a window.
//!
//! `cargo run --example trigger`

use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_dynamodb::types::StreamViewType;
use waterwheel::aws::dynamodb::{self, KeyPart, NewTable, PutRule};
use waterwheel::aws::lambda::{self, Code, NewFunction, NewMapping};
use waterwheel::aws::{Aws, iam, local, samples};
use waterwheel::clock::Clock;
use waterwheel::engine::Options;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::config::StartingPosition;
use waterwheel::mapping::progress::What;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let aws = Aws::embedded(Options::temporary(Clock::real()))?;
    let table = dynamodb::create_table(
        aws.clone(),
        NewTable {
            stream: Some(StreamViewType::NewAndOldImages),
            ..NewTable::new("greetings", KeyPart::text("id"))
        },
    );
    let stream_arn = table.await?.latest_stream_arn.unwrap_or_default();
    let role = iam::NewRole {
        name: "reader".to_owned(),
        attached: vec![iam::MANAGED_TRIGGER_POLICIES[0].1.to_owned()],
        ..iam::NewRole::default()
    };
    let role_arn = iam::create_role(aws.clone(), role).await?.arn;
    let sample = samples::TEMPLATES[0];
    let code = vec![(sample.path.to_owned(), sample.text.to_owned())];
    let function = NewFunction::new("greet", sample.handler, &role_arn, Code::Files(code));
    lambda::create_function(aws.clone(), function).await?;
    let config = MappingConfig {
        starting_position: StartingPosition::TrimHorizon,
        ..MappingConfig::default()
    };
    let mapping = NewMapping {
        function: "greet".to_owned(),
        stream_arn,
        config,
        enabled: true,
    };
    lambda::create_mapping(aws.clone(), mapping).await?;

    let (_, mut progress) = local::watch(&aws)?;
    let (item, _) = dynamodb::item_from_json(r#"{"id": "1", "text": "hello"}"#)?;
    dynamodb::put_item(aws.clone(), "greetings".to_owned(), item, PutRule::Any).await?;

    loop {
        let next = tokio::time::timeout(Duration::from_secs(10), progress.next());
        if let What::Invoked { answer, .. } = next.await?.context("the cloud is gone")?.what {
            anyhow::ensure!(answer.function_error.is_none(), "{}", answer.payload);
            std::io::Write::write_all(&mut std::io::stdout(), answer.log_tail.as_bytes())?;
            return Ok(());
        }
    }
}

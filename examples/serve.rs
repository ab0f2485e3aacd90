//! The simulated cloud on a port, for boto3, the AWS CLI or any SDK: `cargo run --example serve`.
//!
//! ```text
//! export AWS_ENDPOINT_URL=http://127.0.0.1:8700 AWS_REGION=us-east-1
//! export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
//! aws dynamodb list-tables
//! ```

use std::io::Write as _;

use waterwheel::clock::Clock;
use waterwheel::engine::{EngineHost, Options, server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let host = EngineHost::open(Options::temporary(Clock::real()))?;
    let listening = server::listen(host.engine().clone(), server::PORT).await?;
    writeln!(
        std::io::stdout(),
        "listening on {}; Ctrl-C ends it",
        listening.endpoint()
    )?;
    tokio::signal::ctrl_c().await?;
    listening.stop().await;
    host.close().await;
    Ok(())
}

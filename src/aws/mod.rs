//! What the console may ask for: one function per wish, over the official SDK clients.
//!
//! The clients are the same whatever cloud is behind them; only [`connection`] tells clouds apart.

pub mod connection;
pub mod control;
pub mod demo;
pub mod dynamodb;
pub mod error;
pub mod faults;
pub mod files;
pub mod folders;
pub mod gate;
pub mod iam;
pub mod lambda;
pub mod local;
pub mod logs;
mod profiles;
pub mod s3;
pub mod samples;
pub mod settings;
pub mod shards;
pub mod sns;
pub mod sqs;
pub mod streams;
pub mod whatif;
pub mod world;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use connection::Connection;
pub use error::Error;

use crate::clock::Clock;
use crate::engine::Engine;

/// What kind of cloud this is; decides the badge and what may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The engine inside this process.
    Local,
    /// Another endpoint: an emulator.
    Endpoint,
    /// Amazon's.
    Aws,
}

/// A cheap bundle of clients for one connection.
#[derive(Clone)]
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    lambda: aws_sdk_lambda::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    s3: aws_sdk_s3::Client,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    clock: Clock,
    gate: Arc<gate::Gate>,
    about: Arc<About>,
    local: Option<local::Local>,
}

/// What the badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub ground: Ground,
    /// `demo-world`, a profile name, or the endpoint's host.
    pub label: String,
    pub region: String,
    /// The label suggests production: `prod`, `live`.
    pub production: bool,
}

impl Aws {
    pub fn about(&self) -> &About {
        &self.about
    }

    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// How long this connection has been open; goes on while the cloud's time stands still.
    pub fn uptime(&self) -> Duration {
        self.clock.uptime()
    }

    /// Read-only until unlocked, on AWS.
    pub fn gate(&self) -> &gate::Gate {
        &self.gate
    }

    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    fn engine(&self) -> Result<&Engine, Error> {
        self.local
            .as_ref()
            .map(local::Local::engine)
            .ok_or_else(|| Error::input("only the local cloud can do this"))
    }
}

/// Questions asked at once by [`together`].
const TOGETHER_MAX: usize = 8;

/// Asks many questions, some at a time; the answers come in the order of the questions.
async fn together<T: Send + 'static>(
    questions: impl IntoIterator<Item = impl Future<Output = Result<T, Error>> + Send + 'static>,
) -> Result<Vec<T>, Error> {
    let mut questions = questions.into_iter().enumerate();
    let mut asked = tokio::task::JoinSet::new();
    let mut answers = std::collections::BTreeMap::new();
    loop {
        while asked.len() < TOGETHER_MAX
            && let Some((at, question)) = questions.next()
        {
            asked.spawn(async move { (at, question.await) });
        }
        match asked.join_next().await {
            Some(Ok((at, answer))) => answers.insert(at, answer?),
            Some(Err(error)) => return Err(Error::stopped(error.to_string())),
            None => return Ok(answers.into_values().collect()),
        };
    }
}

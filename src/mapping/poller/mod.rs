//! The driver of a mapping: finds shards, runs one task for each, performs steps. Decides nothing.
//!
//! It is only another AWS client, so it works on any cloud its clients reach: it reads the stream
//! and writes dead letters as one caller and invokes as another.

mod asks;
mod calls;
mod door;
mod follow;
mod reader;
mod replay;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodbstreams::types::KeyType;
use aws_smithy_runtime_api::client::auth::SharedAuthScheme;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use tokio::task::{JoinError, JoinSet};

use super::consumer::{Checkpoint, Place, Rules};
use super::lineage::{Ended, Lineage, Start, Stream};
use super::progress::{Progress, What};
use super::record::SequenceNumber;
use super::signal;
use super::words;
use crate::clock::Clock;
use crate::ids::Ids;
pub use asks::Followed;
pub use door::{AsRecords, Door, Exchange, Records};
pub use trouble::Trouble;

/// Told of everything a poller does, in order per shard.
pub type Watch = Arc<dyn Fn(Progress) + Send + Sync>;
/// Told where a shard would go on after a restart; what it returns late is lost then.
pub type Save = Arc<dyn Fn(&str, &Checkpoint) + Send + Sync>;

/// Gives, by its id, a signal that changes whenever a shard is written to or closed. Without one a shard that is read
/// as it is written to is looked at now and then.
pub type Wake = Arc<dyn Fn(&str) -> Option<signal::Receiver<()>> + Send + Sync>;

/// Clients that never retry by themselves: waiting is decided by the shard consumers.
#[derive(Clone, Debug)]
pub struct Clients {
    streams: aws_sdk_dynamodbstreams::Client,
    lambda: aws_sdk_lambda::Client,
    /// Where records are read and functions called, if not by the SDK.
    doors: Option<Doors>,
    s3: aws_sdk_s3::Client,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
}

#[derive(Clone, Debug)]
struct Doors {
    reading: Door,
    invoking: Door,
}

/// What a poller is told while it runs.
#[derive(Clone, Debug)]
pub enum Control {
    /// Go on under these settings, which apply to retries under way as well; or begin nothing while it is paused.
    Run { rules: Arc<Rules>, is_paused: bool },
    /// Begin nothing new and end when the running invocations have returned.
    Stop,
}

/// One event source mapping at work.
#[derive(Clone)]
pub struct Poller {
    /// UUID of the mapping.
    pub mapping: Arc<str>,
    pub stream_arn: Arc<str>,
    /// As the mapping names it, qualifier included.
    pub function_arn: Arc<str>,
    /// By shard id. Without any, the starting position of the settings holds; with some, shards
    /// that are not among them are new and read from their beginning.
    pub checkpoints: BTreeMap<String, Checkpoint>,
    pub clients: Clients,
    pub clock: Clock,
    /// For letters about batches that never had a request id.
    pub ids: Ids,
    pub watch: Watch,
    pub save: Save,
    pub wake: Option<Wake>,
    /// Filled with the shards it follows.
    pub followed: Followed,
}

impl Clients {
    /// `reader` reads the stream and writes dead letters, `invoker` calls the function.
    pub fn new(reader: &SdkConfig, invoker: &SdkConfig) -> Self {
        let once = RetryConfig::disabled();
        let streams = aws_sdk_dynamodbstreams::config::Builder::from(reader);
        let sns = aws_sdk_sns::config::Builder::from(reader);
        let sqs = aws_sdk_sqs::config::Builder::from(reader);
        // Names of buckets in front of the host are for clouds with a name service of their own.
        let s3 = aws_sdk_s3::config::Builder::from(reader).force_path_style(true);
        // A function may be silent for as long as it runs.
        let lambda = aws_sdk_lambda::config::Builder::from(invoker)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self {
            streams: aws_sdk_dynamodbstreams::Client::from_conf(
                streams.retry_config(once.clone()).build(),
            ),
            s3: aws_sdk_s3::Client::from_conf(s3.retry_config(once.clone()).build()),
            sns: aws_sdk_sns::Client::from_conf(sns.retry_config(once.clone()).build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.retry_config(once.clone()).build()),
            lambda: aws_sdk_lambda::Client::from_conf(lambda.retry_config(once).build()),
            doors: None,
        }
    }

    /// The same for a cloud in this process: with another way to sign what looks at the stream, and reading records and
    /// calling functions there without the SDK.
    #[must_use]
    pub fn inside(self, looking: SharedAuthScheme, reading: Door, invoking: Door) -> Self {
        let streams = self.streams.config().to_builder();
        Self {
            streams: aws_sdk_dynamodbstreams::Client::from_conf(
                streams.push_auth_scheme(looking).build(),
            ),
            doors: Some(Doors { reading, invoking }),
            ..self
        }
    }
}

impl Poller {
    /// Works until it is told to stop, or whoever controls it is gone. Dropping it breaks off
    /// invocations under way; their records are delivered again from the checkpoint.
    pub async fn run(self, mut control: signal::Receiver<Control>) {
        let mut lineage = Lineage::new(&self.checkpoints, self.clock.now());
        let mut shards: JoinSet<Ended> = JoinSet::new();
        let mut discover_at = self.clock.now();
        loop {
            let rules = match &*control.borrow_and_update() {
                Control::Run { rules, .. } => Some(Arc::clone(rules)),
                Control::Stop => None,
            };
            if rules.is_none() && shards.is_empty() {
                return;
            }
            if let Some(rules) = &rules
                && self.clock.now() >= discover_at
            {
                let found = self.discover(&mut lineage, rules, shards.is_empty()).await;
                for start in found {
                    shards.spawn(follow::follow(
                        self.line(&start),
                        start.from,
                        control.clone(),
                        self.followed.enter(&start.shard),
                    ));
                }
                discover_at = self.clock.now() + lineage.wait();
            }
            tokio::select! {
                biased;
                Some(ended) = shards.join_next() => match ended {
                    Ok(ended) => {
                        self.followed.leave(&ended.shard);
                        lineage.ended(ended);
                        // Children of a shard that was used up are there already.
                        discover_at = self.clock.now();
                    }
                    Err(broken) => resume_unwind(broken),
                },
                changed = control.changed() => if changed.is_err() {
                    return;
                },
                () = self.clock.sleep_until(discover_at), if rules.is_some() => {}
            }
        }
    }

    fn line(&self, start: &Start) -> Line {
        Line {
            place: Arc::new(Place {
                mapping: Arc::clone(&self.mapping),
                shard: Arc::clone(&start.shard),
                stream_arn: Arc::clone(&self.stream_arn),
                function_arn: Arc::clone(&self.function_arn),
            }),
            keys: Arc::clone(&start.keys),
            beginning: start.beginning.clone(),
            clients: self.clients.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            watch: Arc::clone(&self.watch),
            save: Arc::clone(&self.save),
            written: self.wake.as_ref().and_then(|wake| wake(&start.shard)),
        }
    }

    /// Shards that can be begun now.
    async fn discover(&self, lineage: &mut Lineage, rules: &Rules, is_idle: bool) -> Vec<Start> {
        match self.describe().await {
            Ok(stream) => {
                if lineage.setbacks > 0 && is_idle {
                    self.tell_result("No records processed");
                }
                lineage.setbacks = 0;
                for lost in lineage.lost(&stream, &self.save) {
                    let reason = if lost.is_unseen {
                        words::SHARD_UNSEEN.to_owned()
                    } else {
                        words::SHARD_GONE.to_owned()
                    };
                    let after = lost.after;
                    self.tell(Arc::clone(&lost.shard), What::Trimmed { after, reason });
                    self.tell(lost.shard, What::ShardClosed);
                }
                lineage.begin(&stream, rules, &self.save)
            }
            Err(trouble) => {
                lineage.setbacks += 1;
                let until = self.clock.now() + lineage.wait();
                // While shards are read, they tell of the same trouble.
                if is_idle {
                    let problem = trouble.with_stream(&self.stream_arn);
                    self.tell_result(&format!("PROBLEM: {problem}"));
                    let setbacks = lineage.setbacks;
                    let failed = What::PollFailed {
                        problem,
                        request_id: trouble.request_id,
                        setbacks,
                        until,
                    };
                    self.tell(Arc::from(""), failed);
                }
                Vec::new()
            }
        }
    }

    async fn describe(&self) -> Result<Stream, Trouble> {
        let mut stream = Stream::default();
        let mut after = None;
        loop {
            let page = self
                .clients
                .streams
                .describe_stream()
                .stream_arn(&*self.stream_arn)
                .set_exclusive_start_shard_id(after)
                .send()
                .await?;
            let page = page.stream_description.unwrap_or_else(|| {
                aws_sdk_dynamodbstreams::types::StreamDescription::builder().build()
            });
            let mut keys = page.key_schema.unwrap_or_default();
            keys.sort_by_key(|key| key.key_type != KeyType::Hash);
            stream.keys = keys.into_iter().map(|key| key.attribute_name).collect();
            stream.shards.extend(page.shards.unwrap_or_default());
            after = page.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(stream);
            }
        }
    }

    fn tell_result(&self, text: &str) {
        let text = text.to_owned();
        self.tell(Arc::from(""), What::Result { text });
    }

    fn tell(&self, shard: Arc<str>, what: What) {
        (self.watch)(Progress {
            mapping: Arc::clone(&self.mapping),
            shard,
            at: self.clock.now(),
            what,
        });
    }
}

/// All that the task of one shard reaches.
#[derive(Clone)]
struct Line {
    place: Arc<Place>,
    /// Names of the key attributes, partition key first.
    keys: Arc<[String]>,
    /// Where the shard begins, if what is gone of it is to be told.
    beginning: Option<SequenceNumber>,
    clients: Clients,
    clock: Clock,
    ids: Ids,
    watch: Watch,
    save: Save,
    /// Changes whenever the shard does.
    written: Option<signal::Receiver<()>>,
}

impl Line {
    fn tell(&self, what: What) {
        (self.watch)(Progress {
            mapping: Arc::clone(&self.place.mapping),
            shard: Arc::clone(&self.place.shard),
            at: self.clock.now(),
            what,
        });
    }
}

/// A task is only ever cancelled together with this one, so what is left is its panic.
fn resume_unwind(broken: JoinError) {
    if let Ok(panic) = broken.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}

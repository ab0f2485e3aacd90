//! A world of tables, triggers and functions on disk: how it is made, how its time passes, how it is closed and killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::store::OpenError;
use waterwheel::engine::story::Follower;
use waterwheel::engine::{Engine, EngineHost, Options, Threads};
use waterwheel::mapping::record::SequenceNumber;

use super::dice::{mood, options, pick};
use super::program::Stage;
use super::template::{FUNCTIONS, Template};
use super::told::{Log, Told};
use super::truth::{Truth, learn};
use crate::lab::Lab;
use crate::tables::call;

/// 2026-01-01T00:00:00Z
pub(super) const START_MILLIS: u64 = 1_767_225_600_000;
/// Closing takes less; how much depends on the machine.
const CLOSES: Duration = Duration::from_secs(5);

pub(super) struct World {
    pub(super) dice: Rng,
    pub(super) log: Log,
    pub(super) stage: Arc<Stage>,
    pub(super) triggers: Vec<Trigger>,
    /// By stream, everything that was ever in it.
    pub(super) truth: BTreeMap<String, Truth>,
    pub(super) told: Vec<Told>,
    pub(super) tables: Vec<Table>,
    pub(super) functions: Vec<String>,
    /// ARN and URL.
    pub(super) queue: (String, String),
    /// The last version written of any item.
    pub(super) versions: u32,
    /// Whether the role may do its work.
    pub(super) is_allowed: bool,
    pub(super) is_throttled: bool,
    /// Empty while the world is closed.
    lab: Option<Lab>,
    progress: Follower,
    options: Options,
    seed: u64,
    _folder: TempDir,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) stream: String,
}

/// A trigger, and what it was told to do when.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub(super) uuid: String,
    pub(super) function: String,
    pub(super) stream: String,
    pub(super) settings: Vec<(SystemTime, Value)>,
    /// Records it does not begin with.
    pub(super) before: BTreeSet<SequenceNumber>,
    /// Records that were about to go when it was made: it may begin with them.
    pub(super) fading: BTreeSet<SequenceNumber>,
    pub(super) is_enabled: bool,
    pub(super) is_gone: bool,
}

impl World {
    pub(super) async fn new(seed: u64, template: &Template, log: Log) -> Self {
        let mut dice = Rng::with_seed(seed);
        let clock = Clock::at(from_epoch_millis(START_MILLIS));
        let (folder, stage) = (template.copy(), Stage::seeded(seed, &log));
        let base = Options {
            folder: Some(folder.path().to_owned()),
            seed: Some(seed),
            threads: Threads::One,
            programs: Some(stage.programs(&clock)),
            ..Options::temporary(clock)
        };
        let options = options(&mut dice, base);
        let lab = Lab::with(options.clone());
        let (_, progress) = lab.host.engine().watch();
        let functions = pick(&mut dice, [1, 1, 2]);
        let mut world = Self {
            dice,
            log,
            stage,
            triggers: Vec::new(),
            truth: BTreeMap::new(),
            told: Vec::new(),
            tables: Vec::new(),
            functions: FUNCTIONS[..functions]
                .iter()
                .map(ToString::to_string)
                .collect(),
            queue: template.queue.clone(),
            versions: 0,
            is_allowed: true,
            is_throttled: false,
            lab: Some(lab),
            progress,
            options,
            seed,
            _folder: folder,
        };
        for n in 0..pick(&mut world.dice, [1, 1, 2]) {
            world.make_table(format!("orders-{n}")).await;
        }
        for function in world.functions.clone() {
            let mood = mood(&mut world.dice);
            world.behave(&function, mood);
        }
        let Options {
            streams,
            poll,
            delays,
            assumed,
            ..
        } = &world.options;
        let (tables, shards) = (world.tables.len(), streams.shards);
        world.say(&format!(
            "{tables} tables of {shards} shards, {poll:?}, {delays:?}, {assumed:?}"
        ));
        world
    }

    async fn make_table(&mut self, name: String) {
        let create = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        let made = call(self.engine(), "CreateTable", create).await.unwrap();
        let stream = made["TableDescription"]["LatestStreamArn"]
            .as_str()
            .unwrap()
            .to_owned();
        while self.engine().read(|it| it.tables[&name].status != "ACTIVE") {
            self.sleep(Duration::from_millis(10)).await;
        }
        self.tables.push(Table { name, stream });
    }

    pub(super) fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }

    pub(super) fn engine(&self) -> &Engine {
        self.lab().host.engine()
    }

    pub(super) fn now(&self) -> SystemTime {
        self.options.clock.now()
    }

    pub(super) fn say(&self, line: &str) {
        self.log.say(self.now(), line);
    }

    pub(super) async fn sleep(&mut self, time: Duration) {
        self.options.clock.sleep(time).await;
        self.listen();
    }

    /// Passes over some time; what falls due is done at once.
    pub(super) async fn jump(&mut self, by: Duration) {
        if by > Duration::from_hours(12) {
            self.learn().await;
        }
        self.say(&format!("jump {by:?}"));
        self.engine().set_clock(None, by).unwrap();
        self.sleep(Duration::from_millis(100)).await;
    }

    /// Closes the engine wherever it is, orderly or not, and opens it again after a while.
    pub(super) async fn reopen(&mut self, after: Duration, is_killed: bool) {
        if after > Duration::from_hours(12) {
            self.learn().await;
        }
        self.listen();
        self.say(if is_killed { "kill" } else { "close" });
        let clock = self.options.clock.clone();
        let lab = self.lab.take().unwrap();
        if is_killed {
            drop(lab);
        } else {
            let closed = clock.now();
            lab.close().await;
            clock.sleep_until(closed + CLOSES).await;
        }
        clock.advance(after);
        // No two engines draw the same ids.
        self.seed = self.seed.wrapping_add(1 << 32);
        self.options.seed = Some(self.seed);
        let host = loop {
            match EngineHost::open(self.options.clone()) {
                Ok(host) => break host,
                // Tasks that were broken off still hold it.
                Err(OpenError::Locked(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        self.listen();
        self.told.push(Told::Reopened);
        self.progress = host.engine().watch().1;
        self.lab = Some(Lab::of(host));
        self.say(&format!("open, {after:?} later"));
    }

    /// Takes down what is in the streams, past all trouble.
    pub(super) async fn learn(&mut self) {
        self.trouble(true);
        let engine = self.engine().clone();
        for table in &self.tables {
            let known = self.truth.entry(table.stream.clone()).or_default();
            learn(&engine, &table.stream, known).await;
        }
    }

    /// Every letter in the queue.
    pub(super) async fn letters(&self) -> Vec<Value> {
        let mut letters = Vec::new();
        loop {
            let page = self.lab().sqs.receive_message().queue_url(&self.queue.1);
            let page = page.max_number_of_messages(10).visibility_timeout(3600);
            let messages = page.send().await.unwrap().messages.unwrap_or_default();
            for message in &messages {
                letters.push(serde_json::from_str(message.body().unwrap()).unwrap());
            }
            if messages.len() < 10 {
                return letters;
            }
        }
    }

    /// Takes in what was told meanwhile.
    fn listen(&mut self) {
        while let Some(progress) = self.progress.try_next() {
            self.log.tell(&progress);
            self.told.push(Told::Progress(progress));
        }
    }
}

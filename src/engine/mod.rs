//! A simulated AWS in one process: `Engine::handle` answers HTTP requests, whoever sends them.
//!
//! Knows no operation by name: services list their own in `operations()`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::ids::Ids;
use crate::mapping::Progress;
pub use crate::mapping::assumed::Assumed;
use crate::mapping::config::FILTERS_MAX;
pub use crate::mapping::pace::Pace;

mod beside;
pub mod call;
mod checkpoints;
pub mod connector;
pub mod control;
pub mod delays;
pub mod dynamodb;
pub mod faults;
mod handle;
pub mod iam;
pub mod lambda;
pub mod logs;
pub mod pollers;
pub mod s3;
pub mod saved;
pub mod server;
pub mod settings;
mod signers;
pub mod sns;
pub mod sqs;
pub mod state;
pub mod store;
pub mod story;
pub mod streams;
pub mod sts;
pub mod supervisor;
pub mod wire;
mod world_clock;

pub use beside::Threads;
use call::{Account, Answer, Call, Fault, Principal, Run};
use delays::Delays;
use state::State;
use store::{Durability, OpenError, Store};

/// How to open an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the world is kept; `None` forgets it at the end.
    pub folder: Option<PathBuf>,
    pub clock: Clock,
    /// The same seed gives the same ids.
    pub seed: Option<u64>,
    pub durability: Durability,
    /// Whose world it is where the folder does not say yet.
    pub account: Account,
    /// Refuse access keys the engine did not issue.
    pub strict_keys: bool,
    /// Judge calls of roles by their policies.
    pub enforce_iam: bool,
    /// Refuse requests beyond the provisioned capacity of tables and global indexes.
    pub throttle: bool,
    /// How long reads of global indexes do not see a change; nothing lags after a restart.
    pub gsi_lag: Duration,
    /// How long an item stays after its time to live is over; days on AWS.
    pub ttl_delay: Duration,
    /// How long passing states of tables and indexes (`UPDATING`, `ENABLING`) last at least.
    pub settle: Duration,
    /// Most filters of an event source mapping; AWS raises the quota of five to ten for those who ask.
    pub filters_max: usize,
    pub streams: streams::Settings,
    /// How long event source mappings take from one state to the next.
    pub delays: Delays,
    /// Whether a mapping that starts at the latest record skips what is written before its first poll, as one of AWS
    /// may; otherwise it begins where it was made or first enabled. `None` leaves it to the delays.
    pub latest_gap: Option<bool>,
    /// When triggers look for new records.
    pub poll: Pace,
    /// How triggers do what is not known of AWS.
    pub assumed: Assumed,
    /// How much of what triggers did is kept on disk.
    pub story: story::Settings,
    /// Where slow work is done.
    pub threads: Threads,
    /// Programs that are run instead of what is in the packages of functions, where there are any.
    pub programs: Option<lambda::environment::HostPrograms>,
    /// How functions run as processes of this machine; `None` runs none, and `nodejs` functions inside this one. Processes
    /// take real time: they are nothing for a runtime whose time is paused.
    pub processes: Option<lambda::process::Processes>,
}

impl Options {
    /// A world of its own that is forgotten at the end.
    pub fn temporary(clock: Clock) -> Self {
        Self {
            folder: None,
            clock,
            seed: None,
            durability: Durability::Process,
            account: Account {
                id: "123456789012".to_owned(),
                region: "us-east-1".to_owned(),
            },
            strict_keys: false,
            enforce_iam: true,
            throttle: false,
            gsi_lag: Duration::ZERO,
            ttl_delay: Duration::from_secs(10),
            settle: Duration::ZERO,
            filters_max: FILTERS_MAX,
            streams: streams::Settings::default(),
            delays: Delays::default(),
            latest_gap: None,
            poll: Pace::default(),
            assumed: Assumed::default(),
            story: story::Settings::default(),
            threads: Threads::default(),
            programs: None,
            processes: None,
        }
    }
}

/// Most API calls kept for the activity list.
const CALLS_MAX: usize = 500;

/// One answered request, for the activity list.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    pub at: std::time::SystemTime,
    pub service: &'static str,
    pub operation: &'static str,
    pub status: u16,
    /// AWS's error code where the answer was an error.
    pub code: Option<&'static str>,
    pub took: Duration,
    pub principal: Principal,
    /// What it was about: a table, function, role or queue name; may be empty.
    pub subject: String,
    /// What was made to go wrong with it, in a few words; empty for most.
    pub injected: String,
}

impl ApiCall {
    fn repeats(&self, other: &Self) -> bool {
        self.operation == other.operation
            && self.service == other.service
            && self.code == other.code
            && self.subject == other.subject
            && self.injected == other.injected
            && self.principal == other.principal
    }
}

/// The simulated cloud. Cheap to clone; clones are the same cloud.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    /// As it was opened; what can change since is among the settings.
    options: Options,
    settings: settings::Live,
    account: Arc<Account>,
    store: Store,
    ids: Ids,
    state: Mutex<State>,
    /// Rung after every change of the state; the supervisor listens.
    changed: Notify,
    story: story::Story,
    calls: Mutex<std::collections::VecDeque<ApiCall>>,
    /// Calls ever answered: root's, and everybody's.
    calls_answered: (AtomicU64, AtomicU64),
    keys: signers::Live,
    faults: faults::Faults,
    control: control::Live,
    dynamodb: dynamodb::Live,
    streams: streams::Live,
    lambda: lambda::Live,
    logs: logs::Live,
    pollers: pollers::Live,
    s3: s3::Live,
    sqs: sqs::Live,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("folder", &self.0.store.folder())
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.0.ids
    }

    pub fn account(&self) -> &Arc<Account> {
        &self.0.account
    }

    pub fn durability(&self) -> Durability {
        self.0.options.durability
    }

    /// Refuse access keys the engine did not issue.
    pub fn has_strict_keys(&self) -> bool {
        self.0.options.strict_keys
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn faults(&self) -> &faults::Faults {
        &self.0.faults
    }

    pub fn control(&self) -> &control::Live {
        &self.0.control
    }

    pub fn dynamodb(&self) -> &dynamodb::Live {
        &self.0.dynamodb
    }

    pub fn streams(&self) -> &streams::Live {
        &self.0.streams
    }

    pub fn lambda(&self) -> &lambda::Live {
        &self.0.lambda
    }

    pub fn logs(&self) -> &logs::Live {
        &self.0.logs
    }

    pub fn pollers(&self) -> &pollers::Live {
        &self.0.pollers
    }

    pub fn s3(&self) -> &s3::Live {
        &self.0.s3
    }

    pub fn sqs(&self) -> &sqs::Live {
        &self.0.sqs
    }

    /// Looks at the control plane. Keep it short: it holds the one lock.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.lock())
    }

    /// Changes the control plane, saves it, and wakes the supervisor. Nothing is kept when `change` fails.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut state = self.0.state.lock();
        let mut next = state.clone();
        let value = change(&mut next)?;
        saved::save(&self.0.store, &next)?;
        *state = next;
        drop(state);
        self.0.changed.notify_one();
        Ok(value)
    }

    /// Resolves after the next change of the control plane.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Tells watchers what a poller did, and keeps it for those who come later.
    pub fn report(&self, progress: Progress) {
        self.0.story.tell(progress);
    }

    /// What is kept of the past, without polls that found nothing, and everything from now on. The first to ask waits
    /// until what a former process kept is read.
    pub fn watch(&self) -> (Vec<Progress>, story::Follower) {
        self.0.story.watch(&self.0.store)
    }

    /// What AWS's metrics count of a mapping, by shard; nothing of what a former process counted.
    pub fn metrics(&self, uuid: &str) -> BTreeMap<Arc<str>, story::Minutes> {
        self.0.story.metrics(uuid, self.clock().now())
    }

    /// Writes what pollers did to disk, as far as it was not written yet.
    fn keep_story(&self) -> Result<(), store::StoreError> {
        let settings = &self.0.options.story;
        self.0.story.keep(&self.0.store, settings)
    }

    /// Forgets what the pollers of a deleted mapping did.
    fn forget_mapping(&self, uuid: &str) -> Result<(), store::StoreError> {
        self.0.story.forget(&self.0.store, |it| it == uuid)
    }

    /// Forgets what pollers did and which calls were made: the world was wiped.
    pub fn forget_story(&self) -> Result<(), store::StoreError> {
        self.0.calls.lock().clear();
        self.0.story.forget(&self.0.store, |_| true)
    }

    /// How many calls were answered so far: root's, and everybody's. Cheap to ask.
    pub fn calls_answered(&self) -> (u64, u64) {
        let (root, all) = &self.0.calls_answered;
        (root.load(Ordering::Relaxed), all.load(Ordering::Relaxed))
    }

    /// The last API calls, oldest first.
    pub fn recent_calls(&self) -> Vec<ApiCall> {
        self.0.calls.lock().iter().cloned().collect()
    }

    fn log_call(&self, call: ApiCall) {
        let mut calls = self.0.calls.lock();
        // Pollers read four times a second: of reads that went well only the last is kept.
        if call.code.is_none() && reads(call.operation) {
            // There is one at most, and of what is read often it is near the end.
            if let Some(at) = calls.iter().rposition(|known| call.repeats(known)) {
                calls.remove(at);
            }
        }
        if calls.len() == CALLS_MAX {
            calls.pop_front();
        }
        let by_root = call.principal == Principal::Root;
        calls.push_back(call);
        let (root, all) = &self.0.calls_answered;
        root.fetch_add(u64::from(by_root), Ordering::Relaxed);
        all.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs an operation that does not wait and whose caller may make it.
    fn run(&self, run: Run, operation: &str, call: &Call) -> Answer {
        match run {
            Run::Now(run) if reads(operation) => self.read(|state| {
                // Readers get a copy so that one signature serves all rows.
                run(&mut state.clone(), call)
            }),
            Run::Now(run) => self.change(|state| run(state, call)),
            Run::Data(run) | Run::Item(_, run) => run(self, call),
            Run::Later(_) => Err(Fault::internal("this operation waits")),
        }
    }
}

fn reads(operation: &str) -> bool {
    ["Get", "Head", "List", "Describe", "Simulate"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}

/// Owns an engine and its background tasks; they stop when it is dropped.
pub struct EngineHost {
    engine: Engine,
    tasks: tokio::task::JoinSet<()>,
}

impl EngineHost {
    /// Opens the world and lets its pollers go on from their checkpoints. Needs a tokio runtime.
    pub fn open(mut options: Options) -> Result<Self, OpenError> {
        let store = Store::open(options.folder.as_deref(), options.durability)?;
        let mut state = saved::load(&store, &options.account)?;
        if let Some(account) = &state.account {
            options.account.clone_from(account);
        }
        world_clock::restore(&options.clock, &state);
        let unfinished = std::mem::take(&mut state.scratch);
        state.trash.extend(unfinished);
        let ids = options.seed.map_or_else(Ids::random, Ids::seeded);
        let engine = Engine(Arc::new(Inner {
            account: Arc::new(options.account.clone()),
            settings: settings::Live::new(settings::Settings::of(&options)),
            options,
            store,
            ids,
            state: Mutex::new(state),
            changed: Notify::new(),
            story: story::Story::default(),
            calls: Mutex::default(),
            calls_answered: Default::default(),
            keys: signers::Live::default(),
            faults: faults::Faults::default(),
            control: control::Live::default(),
            dynamodb: dynamodb::Live::default(),
            streams: streams::Live::default(),
            lambda: lambda::Live::default(),
            logs: logs::Live::default(),
            pollers: pollers::Live::default(),
            s3: s3::Live::default(),
            sqs: sqs::Live::default(),
        }));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(supervisor::run(engine.clone()));
        tasks.spawn(lambda::run_queue(engine.clone()));
        tasks.spawn(lambda::run_follows(engine.clone()));
        tasks.spawn(lambda::run_outside(engine.clone()));
        tasks.spawn(dynamodb::run_chores(engine.clone()));
        tasks.spawn(streams::run_chores(engine.clone()));
        tasks.spawn(story::run(engine.clone()));
        Ok(Self { engine, tasks })
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Stops every background task and waits for it, so that the data folder can be opened again.
    pub async fn close(mut self) {
        const PATIENCE: u32 = 2000;
        self.tasks.shutdown().await;
        self.engine.lambda().end().await;
        // On a full disk it goes on as far ahead as it ever was.
        drop(self.engine.keep_clock());
        if !self.engine.store().is_temporary() {
            // Nor does it keep what there is no room for.
            drop(self.engine.keep_story());
        }
        // Tasks of tasks are dropped a moment later than their owner. The folder is free when
        // nobody else holds the engine; connections of the user's may do so for longer.
        let clock = self.engine.clock().clone();
        for _ in 0..PATIENCE {
            if Arc::strong_count(&self.engine.0) == 1 {
                break;
            }
            clock.wait(Duration::from_millis(1)).await;
        }
        // What cannot be sorted away is read from the journals again.
        if let Some(Inner { store, .. }) = Arc::into_inner(self.engine.0)
            && store.settle().is_ok()
        {
            for _ in 0..PATIENCE {
                if store.is_settled() {
                    break;
                }
                clock.wait(Duration::from_millis(1)).await;
            }
            store.close().ok();
        }
    }
}

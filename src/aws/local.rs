//! What only the cloud inside this process can do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use parking_lot::Mutex;

use super::error::Kind;
use super::{Aws, Error, dynamodb, iam, lambda, logs, sqs};
use crate::engine::call::{Fault, Principal};
use crate::engine::connector::SECRET;
use crate::engine::server::{self, Listening};
use crate::engine::state::State;
use crate::engine::store::Shelf;
use crate::engine::{Engine, EngineHost, Options};
use crate::mapping::Progress;

/// The port offered first.
pub use crate::engine::server::PORT;
pub use crate::engine::story::Follower;

/// An engine that lives as long as somebody holds it, and its port.
#[derive(Clone)]
pub struct Local {
    host: Arc<EngineHost>,
    port: Arc<Mutex<Option<Listening>>>,
}

/// The world inside this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub folder: PathBuf,
    /// Forgotten at the end.
    pub temporary: bool,
    pub disk_bytes: u64,
    /// The open port.
    pub port: Option<u16>,
    /// `http://127.0.0.1:8700` while a port is open.
    pub endpoint: Option<String>,
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// For other programs; everything is allowed to it.
    pub access_key: String,
    pub secret_key: String,
}

/// One answered API call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    pub at: SystemTime,
    /// `dynamodb`
    pub service: &'static str,
    /// `PutItem`
    pub operation: String,
    /// HTTP status.
    pub status: u16,
    /// AWS's error code where the answer was an error.
    pub code: Option<&'static str>,
    pub took: Duration,
    /// `you`, a role's name, or a service's.
    pub caller: String,
    /// What it was about: a table, function, role or queue name; may be empty.
    pub subject: String,
    /// What an injected fault did to it, in a few words; empty for most.
    pub injected: String,
}

impl Local {
    pub(super) fn open(options: Options) -> Result<Self, Error> {
        let host = EngineHost::open(options).map_err(|error| Error::input(error.to_string()))?;
        Ok(Self {
            host: Arc::new(host),
            port: Arc::default(),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.host.engine()
    }

    pub(super) fn sdk_config(&self) -> SdkConfig {
        self.engine().sdk_config(&Principal::Root)
    }
}

/// Where the world is, how large it is and how to reach it.
pub async fn status(aws: Aws) -> Result<Status, Error> {
    let engine = aws.engine()?.clone();
    let store = engine.store().clone();
    let disk_bytes = tokio::task::spawn_blocking(move || store.disk_bytes())
        .await
        .map_err(|error| Error::stopped(error.to_string()))?;
    let (port, endpoint) = match &*aws.local()?.port.lock() {
        Some(listening) => (Some(listening.port()), Some(listening.endpoint())),
        None => (None, None),
    };
    Ok(Status {
        folder: engine.store().folder().to_owned(),
        temporary: engine.store().is_temporary(),
        disk_bytes,
        port,
        endpoint,
        region: engine.account().region.clone(),
        account: engine.account().id.clone(),
        access_key: engine.issue_key(&Principal::Root),
        secret_key: SECRET.to_owned(),
    })
}

/// The keys that sign in as the account itself: id and secret. Other ids count as the account's too unless the cloud
/// is strict; `None` outside the local cloud.
pub fn account_keys(aws: &Aws) -> Option<(String, &'static str)> {
    let engine = aws.engine().ok()?;
    Some((engine.issue_key(&Principal::Root), SECRET))
}

/// Opens a loopback port for other programs, 0 takes any; closes the one before. Returns the port.
pub async fn open_port(aws: Aws, port: u16) -> Result<u16, Error> {
    close_port(aws.clone()).await?;
    let listening = server::listen(aws.engine()?.clone(), port)
        .await
        .map_err(|error| Error::input(error.to_string()))?;
    let port = listening.port();
    *aws.local()?.port.lock() = Some(listening);
    Ok(port)
}

/// Closes the port after the requests under way; fine when none is open.
pub async fn close_port(aws: Aws) -> Result<(), Error> {
    let listening = aws.local()?.port.lock().take();
    if let Some(listening) = listening {
        listening.stop().await;
    }
    Ok(())
}

/// How many calls were answered so far: the user's own, and everybody's. Cheap: ask it every frame.
pub fn calls_answered(aws: &Aws) -> (u64, u64) {
    aws.engine().map_or((0, 0), Engine::calls_answered)
}

/// The last API calls, whoever made them, oldest first.
pub fn calls(aws: &Aws) -> Result<Vec<CallRow>, Error> {
    let row = |call: crate::engine::ApiCall| CallRow {
        at: call.at,
        service: call.service,
        operation: call.operation.to_owned(),
        status: call.status,
        code: call.code,
        took: call.took,
        caller: match call.principal {
            Principal::Root => "you".to_owned(),
            Principal::Role { role, .. } => role,
            Principal::User { name, .. } | Principal::Service(name) => name,
        },
        subject: call.subject,
        injected: call.injected,
    };
    Ok(aws.engine()?.recent_calls().into_iter().map(row).collect())
}

/// The same for those who wait for everything.
#[expect(clippy::unused_async, reason = "panels ask verbs through `Remote`")]
pub async fn recent_calls(aws: Aws) -> Result<Vec<CallRow>, Error> {
    calls(&aws)
}

/// What was injected into the answer with this request id, in a few words; `None` for most.
pub fn injected(aws: &Aws, request_id: &str) -> Option<Arc<str>> {
    aws.engine().ok()?.faults().injected(request_id)
}

/// What pollers did so far, and everything from now on. Ask once per connection.
pub fn watch(aws: &Aws) -> Result<(Vec<Progress>, Follower), Error> {
    Ok(aws.engine()?.watch())
}

/// Wipes the world: triggers, functions, tables with their streams, queues, topics, buckets, roles and logs, and
/// the story of what pollers did. The folder and the port stay.
pub async fn reset(aws: Aws) -> Result<(), Error> {
    let engine = aws.engine()?.clone();
    // Through the API first, so that whatever runs for these things comes to its end.
    delete_mappings(&aws).await?;
    for function in lambda::list_functions(aws.clone()).await? {
        let name = function.function_name.unwrap_or_default();
        lambda::delete_function(aws.clone(), name).await?;
    }
    for table in dynamodb::list_tables(aws.clone()).await? {
        let name = table.table_name.unwrap_or_default();
        dynamodb::delete_table(aws.clone(), name).await?;
    }
    for queue in sqs::list_queues(aws.clone()).await? {
        sqs::delete_queue(aws.clone(), queue.url).await?;
    }
    for role in iam::list_roles(aws.clone()).await? {
        iam::delete_role(aws.clone(), role.role_name).await?;
    }
    for group in logs::list_groups(aws.clone()).await? {
        logs::delete_group(aws.clone(), group.name).await?;
    }
    // What outlives its owner on AWS: streams for a day, policies, code.
    engine.change(|state| {
        *state = State {
            account: state.account.take(),
            clock_ahead_millis: state.clock_ahead_millis,
            next_store_id: state.next_store_id,
            ..State::default()
        };
        Ok(())
    })?;
    let wiped = tokio::task::spawn_blocking(move || {
        engine.forget_story()?;
        let mut shelves = WIPED.into_iter();
        shelves.try_for_each(|shelf| engine.store().clear(shelf, &[]))
    });
    wiped
        .await
        .map_err(|error| Error::stopped(error.to_string()))?
        .map_err(|error| Error::input(error.to_string()))
}

/// Everything but the control plane's own documents.
const WIPED: [Shelf; 9] = [
    Shelf::Items,
    Shelf::Indexes,
    Shelf::Records,
    Shelf::Logs,
    Shelf::Messages,
    Shelf::Code,
    Shelf::Checkpoints,
    Shelf::Objects,
    Shelf::Stories,
];

/// Deletes every mapping and waits until they are gone.
async fn delete_mappings(aws: &Aws) -> Result<(), Error> {
    for _ in 0..500 {
        let mappings = lambda::list_mappings(aws.clone()).await?;
        if mappings.is_empty() {
            return Ok(());
        }
        for mapping in mappings {
            let deleting = mapping.state() == Some("Deleting");
            if let (false, Some(uuid)) = (deleting, mapping.uuid) {
                match lambda::delete_mapping(aws.clone(), uuid).await {
                    Ok(()) => (),
                    // Still being made or changed, or gone meanwhile: the next look tells.
                    Err(error) if PASSING.contains(&error.code.as_str()) => (),
                    Err(error) => return Err(error),
                }
            }
        }
        aws.clock.wait(aws.pace()).await;
    }
    Err(Error::stopped("some triggers are still being deleted"))
}

const PASSING: [&str; 2] = ["ResourceInUseException", "ResourceNotFoundException"];

impl Aws {
    fn local(&self) -> Result<&Local, Error> {
        self.local
            .as_ref()
            .ok_or_else(|| Error::input("only the local cloud can do this"))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self {
            kind: Kind::Service,
            code: fault.code.to_owned(),
            ..Self::input(fault.message)
        }
    }
}

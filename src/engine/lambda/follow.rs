//! Functions that follow a file or a folder of the user's: deployed again whenever something in it is saved.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::folder;
use crate::engine::Engine;
use crate::engine::call::Principal;

/// Saving in an editor is several steps; so long nothing must have happened before the folder is read.
const QUIET: Duration = Duration::from_millis(100);
/// How often it is tried again while the folder is gone, or the function busy.
const RETRY: Duration = Duration::from_secs(1);

/// How a function follows its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// When code of the folder was deployed last, by the world's clock; `None` while it never differed.
    pub deployed: Option<SystemTime>,
    /// Why what is there now is not deployed.
    pub problem: Option<String>,
}

#[derive(Default)]
pub struct Follows {
    /// By name of the function.
    told: Mutex<BTreeMap<String, Told>>,
    /// Rung when another function, or another folder, is to be followed.
    changed: Notify,
}

impl Follows {
    pub fn told(&self, function: &str) -> Told {
        let told = self.told.lock();
        told.get(function).cloned().unwrap_or_default()
    }

    /// What is to be followed has changed.
    pub fn ring(&self) {
        self.changed.notify_one();
    }

    fn tell(&self, function: &str, change: impl FnOnce(&mut Told)) {
        change(self.told.lock().entry(function.to_owned()).or_default());
    }
}

/// Follows whatever the state says, until it is dropped.
pub async fn run_follows(engine: Engine) {
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<String, (String, AbortHandle)> = BTreeMap::new();
    loop {
        let wanted: BTreeMap<String, String> = engine.read(|state| {
            let functions = state.functions.iter();
            let following = functions.filter_map(|(name, it)| Some((name, it.follows.as_ref()?)));
            following
                .map(|(name, path)| (name.clone(), path.clone()))
                .collect()
        });
        running.retain(|name, (path, task)| {
            let stays = wanted.get(name) == Some(path);
            if !stays {
                task.abort();
            }
            stays
        });
        let follows = &engine.lambda().follows;
        follows
            .told
            .lock()
            .retain(|name, _| running.contains_key(name));
        for (name, path) in wanted {
            let follow = |name: &str| follow(engine.clone(), name.to_owned(), PathBuf::from(&path));
            if let Entry::Vacant(free) = running.entry(name) {
                let task = tasks.spawn(follow(free.key()));
                free.insert((path, task));
            }
        }
        tokio::select! {
            () = follows.changed.notified() => {}
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Deploys what is at the path, and again after every change.
async fn follow(engine: Engine, function: String, path: PathBuf) {
    let (bell, mut rung) = mpsc::channel(1);
    let clock = engine.clock().clone();
    loop {
        // Listened to before it is read, so that nothing that is saved meanwhile is missed.
        let watched = watch(&path, bell.clone());
        let done = deploy(&engine, &function, &path).await;
        let problem = match (&watched, done) {
            (_, Err(problem)) => Some(problem),
            (Err(problem), Ok(())) => Some(problem.clone()),
            (Ok(_), Ok(())) => None,
        };
        let has_problem = problem.is_some();
        let follows = &engine.lambda().follows;
        follows.tell(&function, |told| told.problem = problem);
        if has_problem {
            tokio::select! {
                _ = rung.recv() => {}
                () = clock.wait(RETRY) => {}
            }
        } else if rung.recv().await.is_none() {
            return;
        }
        loop {
            tokio::select! {
                biased;
                _ = rung.recv() => {}
                () = clock.wait(QUIET) => break,
            }
        }
    }
}

/// Rings whenever something is saved there, while the watcher lives.
fn watch(path: &Path, bell: mpsc::Sender<()>) -> Result<notify::RecommendedWatcher, String> {
    let failed = |error: notify::Error| format!("{} cannot be watched: {error}", path.display());
    let is_folder = path.is_dir();
    let file = path.to_owned();
    let heard = move |event: notify::Result<notify::Event>| {
        let is_ours = match &event {
            Ok(event) => is_change(event.kind) && (is_folder || event.paths.contains(&file)),
            Err(_) => true,
        };
        if is_ours {
            // One that waits to be heard is enough.
            bell.try_send(()).ok();
        }
    };
    let mut watcher = notify::recommended_watcher(heard).map_err(failed)?;
    // Editors put another file in the place of the one they save.
    let (place, mode) = match path.parent() {
        Some(parent) if !is_folder => (parent, RecursiveMode::NonRecursive),
        _ => (path, RecursiveMode::Recursive),
    };
    watcher.watch(place, mode).map_err(failed)?;
    Ok(watcher)
}

/// Reading is none.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Deploys what is there, unless the function runs it already.
async fn deploy(engine: &Engine, function: &str, path: &Path) -> Result<(), String> {
    let path = path.to_owned();
    let package = engine.beside(move || {
        let zip = folder::package(&path)?;
        let sha256 = STANDARD.encode(Sha256::digest(&zip));
        Ok::<_, String>((zip, sha256))
    });
    let (zip, sha256) = package.await.map_err(|fault| fault.message)??;
    let deployed = engine.read(|state| {
        let function = state.functions.get(function);
        function.map(|it| it.latest.code_sha256.clone())
    });
    if deployed.is_none_or(|it| it == sha256) {
        return Ok(());
    }
    let body = json!({ "ZipFile": STANDARD.encode(zip) });
    let authorization = engine.authorization(&Principal::Root, "lambda");
    let request = http::Request::put(format!("/2015-03-31/functions/{function}/code"))
        .header("content-type", "application/json")
        .header("authorization", authorization)
        .body(Bytes::from(body.to_string()))
        .map_err(|error| error.to_string())?;
    let response = engine.handle(request).await;
    if !response.status().is_success() {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let message = body.get("message").or_else(|| body.get("Message"));
        let message = message.and_then(Value::as_str).unwrap_or("it was refused");
        return Err(message.to_owned());
    }
    let now = engine.clock().now();
    let follows = &engine.lambda().follows;
    follows.tell(function, |told| told.deployed = Some(now));
    Ok(())
}

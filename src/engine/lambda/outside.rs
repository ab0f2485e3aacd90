//! What functions share that run as processes: their folder, and a door to the engine where no port is open.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::Live;
use super::process::Home;
use crate::engine::call::Fault;
use crate::engine::{Engine, server};

/// How often it is looked for processes at rest that nobody needs any more.
const SWEEP: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Outside {
    home: Mutex<Option<Arc<Home>>>,
    is_wanted: Notify,
    /// The URL of the door, or why it cannot be opened; nothing before anybody asked.
    door: watch::Sender<Option<Result<String, String>>>,
}

impl Outside {
    pub(super) fn door(&self) -> Option<String> {
        self.door.borrow().clone()?.ok()
    }
}

impl Live {
    /// The folder of all processes, made for the first one.
    pub(super) async fn home(&self, engine: &Engine) -> Result<Arc<Home>, Fault> {
        if let Some(home) = &*self.outside.home.lock() {
            return Ok(Arc::clone(home));
        }
        let made = engine.beside(Home::open).await?;
        let made = made.map_err(|error| {
            Fault::internal(format!("functions have no temporary folder: {error}"))
        })?;
        Ok(Arc::clone(self.outside.home.lock().get_or_insert(made)))
    }

    /// Opens a port for functions where none is open for everybody.
    pub(super) async fn open_door(&self) -> Result<(), Fault> {
        self.outside.is_wanted.notify_one();
        if self.endpoint().is_some() {
            return Ok(());
        }
        let mut door = self.outside.door.subscribe();
        let opened = door.wait_for(Option::is_some).await;
        match opened.as_deref() {
            Ok(Some(Err(why))) => Err(Fault::internal(format!(
                "no port for functions can be opened: {why}"
            ))),
            _ => Ok(()),
        }
    }

    /// Ends every process at rest, and waits for all that end. Whoever runs keeps its own.
    pub(in crate::engine) async fn end(&self) {
        self.pool.clear();
        let home = self.outside.home.lock().take();
        if let Some(home) = home {
            tokio::task::spawn_blocking(move || home.wait()).await.ok();
        }
    }
}

/// Opens the door when it is wanted and holds it open until dropped, and meanwhile ends processes that nobody uses; at the
/// end it ends those at rest.
pub async fn run(engine: Engine) {
    let _end = AtEnd(&engine);
    let outside = &engine.lambda().outside;
    outside.is_wanted.notified().await;
    let mut door = None;
    loop {
        if door.is_none() && engine.lambda().endpoint().is_none() {
            let opened = server::open_door(engine.clone()).await;
            let url = match &opened {
                Ok(door) => Ok(door.endpoint()),
                Err(error) => Err(error.to_string()),
            };
            outside.door.send_replace(Some(url));
            door = opened.ok();
        }
        tokio::select! {
            () = outside.is_wanted.notified() => (),
            () = engine.clock().wait(SWEEP) => engine.lambda().pool.sweep(engine.clock().now()),
        }
    }
}

struct AtEnd<'a>(&'a Engine);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.lambda().pool.clear();
    }
}

//! The story of what pollers did: the last of it in memory for whoever asks, and more of it on disk, so that it outlives
//! the process.
//!
//! Telling a step costs a place in memory and nothing else: it is written behind the teller, several steps at once, by a
//! task that reads what is in memory. What goes from there before it was written is counted and told.

mod block;
mod follower;
mod keeper;
mod keys;
mod metrics;
mod ring;
#[cfg(test)]
mod testing;
mod unit;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Engine;
use super::store::{Store, StoreError};
use crate::mapping::progress::{Progress, What};
pub use follower::Follower;
use keeper::Keeper;
use metrics::Counters;
pub use metrics::{Counts, IteratorAge, MINUTES_MAX, Minute, Minutes};
use ring::{Ring, Room};

/// What is in memory.
const ROOM: Room = Room {
    steps: 20_000,
    bytes: 64 * 1024 * 1024,
};
/// How long steps wait for others to be written with them.
const GROUP: Duration = Duration::from_millis(250);

/// How much is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most batches of one mapping, those that were split off others included.
    pub batches_max: usize,
    /// Most bytes of one mapping.
    pub bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batches_max: 1000,
            bytes_max: 32 * 1024 * 1024,
        }
    }
}

#[derive(Debug)]
pub(super) struct Story {
    ring: Arc<Mutex<Ring>>,
    /// Changes with everything told.
    told: watch::Sender<()>,
    /// Changes with everything that is to be kept.
    kept: watch::Sender<()>,
    /// Always locked before the ring.
    keeper: Mutex<Keeper>,
    counters: Mutex<Counters>,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            ring: Arc::new(Mutex::new(Ring::new(ROOM))),
            told: watch::Sender::new(()),
            kept: watch::Sender::new(()),
            keeper: Mutex::new(Keeper::new()),
            counters: Mutex::default(),
        }
    }
}

impl Story {
    pub(super) fn tell(&self, progress: Progress) {
        // Four polls a second that found nothing would push everything else out.
        let is_kept = !matches!(progress.what, What::Polled { records: 0, .. });
        self.counters.lock().take(&progress);
        self.ring.lock().push(progress);
        self.told.send_replace(());
        if is_kept {
            self.kept.send_replace(());
        }
    }

    /// What is in memory and on disk, as far as it fits, without polls that found nothing, and everything from now on.
    pub(super) fn watch(&self, store: &Store) -> (Vec<Progress>, Follower) {
        let past = self.keeper.lock().past(store);
        let mut ring = self.ring.lock();
        // Where the folder cannot be read, there is the rest.
        ring.prepend(past.unwrap_or_default());
        let follower = Follower::new(
            Arc::clone(&self.ring),
            ring.end_place(),
            self.told.subscribe(),
        );
        (ring.all(), follower)
    }

    /// What was counted of one mapping in the last three hours, by shard.
    pub(super) fn metrics(&self, uuid: &str, now: SystemTime) -> BTreeMap<Arc<str>, Minutes> {
        self.counters.lock().of(uuid, now)
    }

    /// Writes what was not written yet.
    pub(super) fn keep(&self, store: &Store, settings: &Settings) -> Result<(), StoreError> {
        self.keeper.lock().keep(&self.ring, store, settings)
    }

    /// Forgets mappings, in memory and on disk.
    pub(super) fn forget(
        &self,
        store: &Store,
        is_gone: impl Fn(&str) -> bool,
    ) -> Result<(), StoreError> {
        let mut keeper = self.keeper.lock();
        self.ring.lock().forget(&is_gone);
        self.counters.lock().forget(&is_gone);
        keeper.forget(store, &is_gone)
    }
}

/// Keeps the story until it is dropped.
pub(super) async fn run(engine: Engine) {
    if engine.store().is_temporary() {
        return;
    }
    // What was left of mappings when the process was killed while they were deleted.
    let known = engine.clone();
    let prune = move || {
        let is_gone = |uuid: &str| known.read(|state| !state.mappings.contains_key(uuid));
        known.0.story.keeper.lock().forget(known.store(), is_gone)
    };
    // What is left behind on a full disk is looked for again the next time.
    drop(engine.beside(prune).await);
    let clock = engine.clock().clone();
    let mut kept = engine.0.story.kept.subscribe();
    kept.mark_changed();
    while kept.changed().await.is_ok() {
        clock.wait(GROUP).await;
        kept.mark_unchanged();
        let worker = engine.clone();
        // Steps that could not be written are counted, and told with the next ones.
        drop(engine.beside(move || worker.keep_story()).await);
    }
}

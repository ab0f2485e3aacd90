//! Reads the story while it is told, at its own pace.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::ring::{Next, Place, Ring};
use crate::mapping::progress::{Progress, What};

/// Gives every step told from some moment on, polls that found nothing included. Whoever is too slow is told how many
/// steps went meanwhile, by one of [`What::Skipped`] that names neither mapping nor shard. Cheap to clone; a clone
/// goes on from the same place.
#[derive(Clone, Debug)]
pub struct Follower {
    ring: Arc<Mutex<Ring>>,
    place: Place,
    /// Changes with every step; closed with the engine.
    told: watch::Receiver<()>,
}

impl Follower {
    pub(super) fn new(ring: Arc<Mutex<Ring>>, place: Place, told: watch::Receiver<()>) -> Self {
        Self { ring, place, told }
    }

    /// The next step, where there is one already.
    pub fn try_next(&mut self) -> Option<Progress> {
        let ring = self.ring.lock();
        match ring.next(&mut self.place) {
            Next::Step(progress) => Some(progress),
            Next::Nothing => None,
            Next::Skipped(steps) => {
                let next = ring.next(&mut self.place.clone());
                let at = match next {
                    Next::Step(progress) => progress.at,
                    Next::Nothing | Next::Skipped(_) => std::time::SystemTime::UNIX_EPOCH,
                };
                Some(Progress {
                    mapping: Arc::from(""),
                    shard: Arc::from(""),
                    at,
                    what: What::Skipped { steps },
                })
            }
        }
    }

    /// The next step, once there is one; `None` when the engine is gone and nothing is left.
    pub async fn next(&mut self) -> Option<Progress> {
        loop {
            self.told.mark_unchanged();
            if let Some(progress) = self.try_next() {
                return Some(progress);
            }
            if self.told.changed().await.is_err() {
                return self.try_next();
            }
        }
    }

    /// Goes on behind everything told so far.
    pub fn skip_to_end(&mut self) {
        self.place = self.ring.lock().end_place();
    }

    /// Nothing more was told so far.
    pub fn is_at_end(&self) -> bool {
        self.ring.lock().is_read(self.place)
    }
}

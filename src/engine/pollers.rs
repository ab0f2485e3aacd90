//! The pollers at work, for whoever looks at them or holds them. Starts and stops none: the supervisor does.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Engine;
use crate::mapping::consumer::Rules;
use crate::mapping::poller::{Control, Followed};
use crate::mapping::signal;

/// By UUID of their mappings.
#[derive(Default)]
pub struct Live(Mutex<BTreeMap<String, Held>>);

/// One poller. Cheap to clone; clones hold the same one.
#[derive(Clone, Debug)]
pub struct Held {
    control: Arc<signal::Sender<Control>>,
    followed: Followed,
}

/// The poller of a mapping, while it works.
pub fn get(engine: &Engine, uuid: &str) -> Option<Held> {
    engine.pollers().0.lock().get(uuid).cloned()
}

/// Pauses the poller of a mapping or lets it go on, as the state says.
pub fn settle(engine: &Engine, uuid: &str) {
    // The state is read under the lock: of two who settle at once, the later one knows it better.
    if let Some(held) = engine.pollers().0.lock().get(uuid) {
        held.pause(is_paused(engine, uuid));
    }
}

pub(super) fn enter(engine: &Engine, uuid: &str, held: &Held) {
    let mut pollers = engine.pollers().0.lock();
    held.pause(is_paused(engine, uuid));
    pollers.insert(uuid.to_owned(), held.clone());
}

pub(super) fn leave(engine: &Engine, uuid: &str) {
    engine.pollers().0.lock().remove(uuid);
}

fn is_paused(engine: &Engine, uuid: &str) -> bool {
    engine.read(|state| state.mappings.get(uuid).is_some_and(|it| it.paused))
}

impl Held {
    /// The other end is for [`crate::mapping::poller::Poller::run`].
    pub(super) fn new(rules: Rules) -> (Self, signal::Receiver<Control>) {
        let (control, controlled) = signal::channel(Control::Run {
            rules: Arc::new(rules),
            is_paused: false,
        });
        let held = Self {
            control: Arc::new(control),
            followed: Followed::default(),
        };
        (held, controlled)
    }

    pub fn followed(&self) -> &Followed {
        &self.followed
    }

    fn pause(&self, pause: bool) {
        self.control.send_if_modified(|control| match control {
            Control::Run { is_paused, .. } => std::mem::replace(is_paused, pause) != pause,
            Control::Stop => false,
        });
    }

    pub(super) fn apply(&self, new: Rules) {
        self.control.send_modify(|control| {
            if let Control::Run { rules, .. } = control {
                *rules = Arc::new(new);
            }
        });
    }

    pub(super) fn stop(&self) {
        self.control.send(Control::Stop);
    }
}

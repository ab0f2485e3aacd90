//! Asynchronous invocations: accepted at once, run later, tried again twice.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::invoke::{Request, run};
use crate::engine::Engine;
use crate::engine::call::Fault;

/// Most events that wait to be taken up.
const WAITING_MAX: usize = 10_000;
/// Pauses before the second and the third attempt after a function error.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// Pause after the first throttle; it doubles with each further one.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
const THROTTLE_PAUSE_MAX: Duration = Duration::from_mins(5);
/// Older events are dropped.
const AGE_MAX: Duration = Duration::from_hours(6);

/// One event on its way to a function.
pub(super) struct Queued {
    request: Request,
    accepted: SystemTime,
}

impl Queued {
    pub(super) fn new(request: Request, accepted: SystemTime) -> Self {
        Self { request, accepted }
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Queued>>,
    rung: Notify,
}

impl Queue {
    pub(super) fn add(&self, queued: Queued) -> Result<(), Fault> {
        let mut waiting = self.waiting.lock();
        if waiting.len() == WAITING_MAX {
            let message = "Too many asynchronous invocations are waiting.";
            return Err(Fault::new(429, "TooManyRequestsException", message));
        }
        waiting.push_back(queued);
        drop(waiting);
        self.rung.notify_one();
        Ok(())
    }
}

/// Runs accepted events until dropped; dropping stops those that run.
pub async fn run_queue(engine: Engine) {
    let mut running = JoinSet::new();
    loop {
        let queue = &engine.lambda().queue;
        while let Some(queued) = { queue.waiting.lock().pop_front() } {
            running.spawn(deliver(engine.clone(), queued));
        }
        tokio::select! {
            () = queue.rung.notified() => (),
            Some(_) = running.join_next() => (),
        }
    }
}

/// One event to its end: answered, failed three times, too old, or the function is gone.
async fn deliver(engine: Engine, queued: Queued) {
    let mut failures = RETRY_PAUSES.iter();
    let mut throttle_pause = THROTTLE_PAUSE;
    loop {
        let pause = match run(&engine, queued.request.clone()).await {
            Ok(finished) if finished.ended.is_ok() => return,
            Ok(_) => match failures.next() {
                Some(pause) => *pause,
                None => return,
            },
            Err(fault) if fault.status == 429 || fault.status >= 500 => {
                let pause = throttle_pause;
                throttle_pause = (throttle_pause * 2).min(THROTTLE_PAUSE_MAX);
                pause
            }
            Err(_) => return,
        };
        let now = engine.clock().now();
        if now + pause > queued.accepted + AGE_MAX {
            return;
        }
        engine.clock().sleep(pause).await;
    }
}

//! Execution environments at rest, and how many invocations run. Runs none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde_json::json;

use super::concurrency::CONCURRENCY;
use super::environment::ExecutionEnvironment;
use crate::engine::call::Fault;
use crate::engine::state::{State, Version};

/// Most environments of one function that are kept for later.
const IDLE_MAX: usize = 64;
/// How long an environment is kept without an invocation.
const IDLE_TIME_MAX: Duration = Duration::from_mins(10);

/// An environment that has served at least one invocation.
pub(super) struct Warm {
    pub(super) environment: Box<dyn ExecutionEnvironment>,
    pub(super) log_stream: String,
    /// [`Pool::generation`] when it was started.
    pub(super) generation: u64,
}

/// By function name.
#[derive(Default)]
pub(super) struct Pool {
    functions: Mutex<BTreeMap<String, Seats>>,
    generation: AtomicU64,
}

#[derive(Default)]
struct Seats {
    running: u32,
    idle: Vec<Idle>,
}

struct Idle {
    warm: Warm,
    /// Whose code and settings the environment has.
    version: Arc<Version>,
    since: SystemTime,
}

impl Idle {
    fn is_old(&self, now: SystemTime) -> bool {
        now.duration_since(self.since).unwrap_or_default() >= IDLE_TIME_MAX
    }

    /// Publishing gives `$LATEST` another revision, but neither other code nor other settings.
    fn is_of(&self, version: &Version) -> bool {
        let own = &self.version;
        own.version == version.version
            && own.last_modified == version.last_modified
            && own.code_sha256 == version.code_sha256
    }
}

impl Pool {
    /// Counts an invocation of this version, or refuses it; also the warmest environment, where there is one. Limits
    /// are those of the function, for all of its versions.
    /// Every success is to be ended with [`Self::leave`].
    pub(super) fn enter(
        &self,
        state: &State,
        version: &Version,
        now: SystemTime,
    ) -> Result<Option<Warm>, Fault> {
        let mut functions = self.functions.lock();
        let running = |seats: Option<&Seats>| seats.map_or(0, |seats| seats.running);
        let function = state.functions.get(&version.name);
        match function.and_then(|it| it.reserved_concurrency) {
            Some(reserved) if running(functions.get(&version.name)) >= reserved => {
                return Err(throttled(
                    "ReservedFunctionConcurrentInvocationLimitExceeded",
                ));
            }
            Some(_) => (),
            None => {
                let reserves = |name: &str| {
                    let known = state.functions.get(name);
                    known.is_some_and(|it| it.reserved_concurrency.is_some())
                };
                let reserved: u32 = state
                    .functions
                    .values()
                    .filter_map(|it| it.reserved_concurrency)
                    .sum();
                let unreserved: u32 = functions
                    .iter()
                    .filter(|(name, _)| !reserves(name))
                    .map(|(_, seats)| seats.running)
                    .sum();
                if unreserved >= CONCURRENCY.saturating_sub(reserved) {
                    return Err(throttled("ConcurrentInvocationLimitExceeded"));
                }
            }
        }
        let seats = functions.entry(version.name.clone()).or_default();
        seats.running += 1;
        let (idle, gone): (Vec<_>, Vec<_>) = seats.idle.drain(..).partition(|idle| {
            let is_former = idle.version.version == version.version && !idle.is_of(version);
            !is_former && !idle.is_old(now)
        });
        seats.idle = idle;
        let warmest = seats.idle.iter().rposition(|idle| idle.is_of(version));
        let warmest = warmest.map(|at| seats.idle.remove(at).warm);
        // The end of a program may take a while: not under the lock.
        drop(functions);
        drop(gone);
        Ok(warmest)
    }

    /// An invocation is over; its environment is kept when it may serve another.
    pub(super) fn leave(&self, version: &Arc<Version>, warm: Option<Warm>, now: SystemTime) {
        let mut functions = self.functions.lock();
        let Some(seats) = functions.get_mut(&version.name) else {
            return;
        };
        seats.running = seats.running.saturating_sub(1);
        let gone = match warm {
            Some(warm) if seats.idle.len() < IDLE_MAX && warm.generation == self.generation() => {
                seats.idle.push(Idle {
                    warm,
                    version: Arc::clone(version),
                    since: now,
                });
                None
            }
            other => other,
        };
        if seats.running == 0 && seats.idle.is_empty() {
            functions.remove(&version.name);
        }
        drop(functions);
        drop(gone);
    }

    /// Environments of former generations are not kept.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Drops environments that have rested for long.
    pub(super) fn sweep(&self, now: SystemTime) {
        let mut functions = self.functions.lock();
        let mut gone = Vec::new();
        for seats in functions.values_mut() {
            gone.extend(seats.idle.extract_if(.., |idle| idle.is_old(now)));
        }
        drop(functions);
        drop(gone);
    }

    /// Drops every environment at rest, and those that run when they come to rest.
    pub(super) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let mut functions = self.functions.lock();
        let gone: Vec<_> = functions
            .values_mut()
            .map(|seats| std::mem::take(&mut seats.idle))
            .collect();
        drop(functions);
        drop(gone);
    }

    /// Drops the environments of a function that is gone, or of one version of it.
    pub(super) fn forget(&self, name: &str, version: Option<&str>) {
        let gone = self.functions.lock().get_mut(name).map(|seats| {
            let (gone, kept) = std::mem::take(&mut seats.idle)
                .into_iter()
                .partition::<Vec<_>, _>(|idle| {
                    version.is_none_or(|version| idle.version.version == version)
                });
            seats.idle = kept;
            gone
        });
        drop(gone);
    }
}

fn throttled(reason: &str) -> Fault {
    Fault {
        extra: Some(json!({ "Reason": reason })),
        ..Fault::new(429, "TooManyRequestsException", "Rate Exceeded.")
    }
}

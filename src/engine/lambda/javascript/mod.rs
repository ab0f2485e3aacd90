//! Node functions on QuickJS: one program per environment, run on a blocking thread in slices.
//!
//! A slice ends when the program waits for a timer. The waiting is the clock's, so that a paused runtime
//! makes a function's timers virtual; they and the deadline go on while the world's time stands still. Knows no function, no log group and no permission.

mod bridge;
mod host;
mod loader;
mod sandbox;

use std::sync::Arc;
use std::time::Duration;

use super::environment::{
    Blueprint, BoxFuture, Ended, ExecutionEnvironment, Failure, Init, Invocation, Ran,
};
use crate::clock::Mode;
use host::Host;
use sandbox::{Ask, Sandbox, Turn};

/// Longest start of an environment.
const INIT_MAX: Duration = Duration::from_secs(10);
/// How long past its deadline a program may take to notice it.
const GRACE: Duration = Duration::from_millis(250);

/// An environment of a `nodejs` runtime. The program starts with the first invocation.
pub struct JavaScript {
    blueprint: Arc<Blueprint>,
    host: Arc<Host>,
    sandbox: Option<Sandbox>,
}

impl JavaScript {
    pub fn new(blueprint: Blueprint) -> Self {
        let host = Arc::new(Host::new(&blueprint));
        Self {
            blueprint: Arc::new(blueprint),
            host,
            sandbox: None,
        }
    }

    async fn serve(&mut self, invocation: Invocation) -> Ran {
        let clock = self.blueprint.clock.clone();
        let request_id = invocation.request_id.clone();
        let init = match self.sandbox {
            Some(_) => None,
            None => Some(self.start(&request_id).await),
        };
        let (init, failed) = match init {
            None => (None, None),
            Some((init, failed)) => (Some(init), failed),
        };
        self.host.begin(Some(&request_id));
        let (started, began) = (clock.now(), clock.uptime());
        let ended = if let Some(failed) = failed {
            failed
        } else {
            let timeout = self.blueprint.timeout;
            let end = self.run(Ask::Invoke(Box::new(invocation)), timeout);
            end.await.ended(&request_id)
        };
        self.host.begin(None);
        let is_late = ended == Ended::TimedOut;
        let took = if is_late {
            self.blueprint.timeout
        } else {
            clock.since(began)
        };
        let mut ended_at = clock.now();
        if is_late && clock.mode() == Mode::Running {
            // A program that only computes takes none of a paused runtime's time.
            ended_at = ended_at.max(started + took);
        }
        Ran {
            took,
            ended_at,
            ended,
            init,
            lines: self.host.take_lines(),
            started,
            memory_used_mb: self.host.memory_mb(),
            is_reusable: self.sandbox.is_some(),
        }
    }

    /// Starts the program; the second half says why it could not be started.
    async fn start(&mut self, request_id: &str) -> (Init, Option<Ended>) {
        let clock = self.blueprint.clock.clone();
        let (started, began) = (clock.now(), clock.uptime());
        let end = self.run(Ask::Load, INIT_MAX).await;
        let failed = match end.ended(request_id) {
            Ended::Answered(_) => None,
            failed => Some(failed),
        };
        let init = Init {
            started,
            took: clock.since(began),
            ended_at: clock.now(),
            lines: self.host.take_lines(),
            is_successful: failed.is_none(),
            runs_on: "embedded JavaScript engine".to_owned(),
        };
        (init, failed)
    }

    /// Runs one phase of the program to its end. The sandbox is gone when it may not be used again.
    async fn run(&mut self, ask: Ask, most: Duration) -> End {
        let clock = self.blueprint.clock.clone();
        let deadline = clock.uptime() + most;
        // Whoever drops this future stops the program at its next interrupt.
        let _watch = self.host.watch(deadline);
        let mut sandbox = self.sandbox.take();
        let mut ask = Some(ask);
        loop {
            let (former, next) = (sandbox.take(), ask.take());
            let (blueprint, host) = (Arc::clone(&self.blueprint), Arc::clone(&self.host));
            let slice = move || slice(former, &blueprint, &host, next);
            let slice = tokio::task::spawn_blocking(slice);
            let (left, turn) = tokio::select! {
                done = slice => match done {
                    Ok(done) => done,
                    Err(_) => return End::Died("Runtime exited with error: signal: aborted".to_owned()),
                },
                // Deep inside the interpreter nothing asks whether to stop. The thread ends when it can.
                () = clock.wait_until(deadline + GRACE) => return End::TimedOut,
            };
            match turn {
                Turn::Waiting(time) => {
                    sandbox = left;
                    let wakes = clock.uptime() + time;
                    clock.wait_until(wakes.min(deadline)).await;
                    if wakes >= deadline {
                        return End::TimedOut;
                    }
                }
                Turn::Interrupted => return End::of_interrupt(self.host.exit_code()),
                Turn::OutOfMemory => return End::OutOfMemory,
                Turn::Done { result, is_fatal } => {
                    self.sandbox = left.filter(|_| !is_fatal);
                    return End::Done(result);
                }
            }
        }
    }
}

impl ExecutionEnvironment for JavaScript {
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran> {
        Box::pin(self.serve(invocation))
    }
}

/// How a phase of the program ended.
enum End {
    Done(Result<String, Failure>),
    TimedOut,
    OutOfMemory,
    /// The program is gone, for this reason.
    Died(String),
}

impl End {
    fn of_interrupt(exit_code: Option<i32>) -> Self {
        match exit_code {
            None => Self::TimedOut,
            Some(0) => Self::Died("Runtime exited without providing a reason".to_owned()),
            Some(code) => Self::Died(format!("Runtime exited with error: exit status {code}")),
        }
    }

    fn ended(self, request_id: &str) -> Ended {
        let died =
            |kind: &str, what: &str| Ended::Failed(Failure::of_program(kind, request_id, what));
        match self {
            Self::Done(Ok(answer)) => Ended::Answered(answer),
            Self::Done(Err(failure)) => Ended::Failed(failure),
            Self::TimedOut => Ended::TimedOut,
            Self::OutOfMemory => died(
                "Runtime.OutOfMemory",
                "Runtime exited with error: signal: killed",
            ),
            Self::Died(what) => died("Runtime.ExitError", &what),
        }
    }
}

/// One stretch of work on a blocking thread. The sandbox comes back when the program can go on.
fn slice(
    sandbox: Option<Sandbox>,
    blueprint: &Blueprint,
    host: &Arc<Host>,
    ask: Option<Ask>,
) -> (Option<Sandbox>, Turn) {
    host.resume();
    let sandbox = match sandbox {
        Some(sandbox) => sandbox,
        None => match Sandbox::open(blueprint, host) {
            Ok(sandbox) => sandbox,
            Err(turn) => return (None, turn),
        },
    };
    let turn = match ask {
        Some(ask) => sandbox.begin(&ask).err(),
        None => None,
    };
    let turn = turn.unwrap_or_else(|| sandbox.turn());
    if matches!(turn, Turn::OutOfMemory) {
        host.measured(u64::from(blueprint.memory_mb) << 20);
    } else if host.wants_measure() {
        host.measured(sandbox.memory_bytes());
    }
    match turn {
        Turn::Interrupted | Turn::OutOfMemory => (None, turn),
        Turn::Waiting(_) | Turn::Done { .. } => (Some(sandbox), turn),
    }
}

#[cfg(test)]
mod tests;

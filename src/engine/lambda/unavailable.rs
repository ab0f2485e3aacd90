//! Functions that nothing here can run: every invocation is a function error that says what is missing.

use std::time::Duration;

use super::environment::{BoxFuture, Ended, ExecutionEnvironment, Failure, Invocation, Ran};
use crate::clock::Clock;

pub(super) struct Unavailable {
    clock: Clock,
    why: String,
}

impl Unavailable {
    pub(super) fn new(clock: Clock, why: String) -> Self {
        Self { clock, why }
    }
}

impl ExecutionEnvironment for Unavailable {
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran> {
        let started = self.clock.now();
        let ended = Ended::Failed(Failure::of_program(
            "Runtime.Unavailable",
            &invocation.request_id,
            &self.why,
        ));
        Box::pin(std::future::ready(Ran {
            ended,
            init: None,
            lines: Vec::new(),
            started,
            took: Duration::ZERO,
            ended_at: started,
            memory_used_mb: 1,
            is_reusable: false,
        }))
    }
}

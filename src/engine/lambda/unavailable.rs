//! Runtimes this version does not run: every invocation is a function error that says so.

use super::environment::{
    Blueprint, BoxFuture, Ended, ExecutionEnvironment, Failure, Invocation, Ran,
};
use std::time::Duration;

pub(super) struct Unavailable {
    blueprint: Blueprint,
}

impl Unavailable {
    pub(super) fn new(blueprint: Blueprint) -> Self {
        Self { blueprint }
    }
}

impl ExecutionEnvironment for Unavailable {
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran> {
        let started = self.blueprint.clock.now();
        let what = format!(
            "the runtime {} is not run by this version of Waterwheel; functions with a nodejs runtime run inside the app",
            self.blueprint.runtime
        );
        let ended = Ended::Failed(Failure::of_program(
            "Runtime.Unavailable",
            &invocation.request_id,
            &what,
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

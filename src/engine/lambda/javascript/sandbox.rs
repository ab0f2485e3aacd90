//! One QuickJS program: opened, asked, and run until it waits or is done. Blocks its thread.

use std::sync::Arc;
use std::time::Duration;

use rquickjs::{Context, Ctx, Function, Object, Runtime, Value};

use super::bridge;
use super::host::Host;
use super::loader::{ModuleLoader, ModuleResolver};
use crate::engine::lambda::environment::{Blueprint, Failure, Invocation};

/// What stays of a blocking thread's two mebibytes is for the host.
const STACK_BYTES: usize = 1536 * 1024;
/// The hidden global through which host and runtime files find each other.
pub(super) const INTERNALS: &str = "__runtime__";

/// The files every program begins with, in order. The rest is read when it is asked for.
const PRELUDE: [(&str, &str); 6] = [
    (
        "/var/runtime/trace.js",
        include_str!("../../../../assets/runtime/trace.js"),
    ),
    (
        "/var/runtime/loop.js",
        include_str!("../../../../assets/runtime/loop.js"),
    ),
    (
        "/var/runtime/console.js",
        include_str!("../../../../assets/runtime/console.js"),
    ),
    (
        "/var/runtime/process.js",
        include_str!("../../../../assets/runtime/process.js"),
    ),
    (
        "/var/runtime/modules.js",
        include_str!("../../../../assets/runtime/modules.js"),
    ),
    (
        "/var/runtime/index.mjs",
        include_str!("../../../../assets/runtime/handler.js"),
    ),
];

/// What the program shall do next.
pub(super) enum Ask {
    Load,
    Invoke(Box<Invocation>),
}

/// Why a stretch of work ended.
pub(super) enum Turn {
    /// Nothing to do for this long.
    Waiting(Duration),
    Done {
        result: Result<String, Failure>,
        /// The program may not be used again.
        is_fatal: bool,
    },
    /// By the deadline, by `process.exit`, or because nobody wants the answer any more.
    Interrupted,
    OutOfMemory,
}

/// Fields are dropped in this order: values before their context, the context before its runtime.
pub(super) struct Sandbox {
    context: Context,
    runtime: Runtime,
    host: Arc<Host>,
    memory_bytes_max: usize,
    handler: String,
}

impl Sandbox {
    pub(super) fn open(blueprint: &Blueprint, host: &Arc<Host>) -> Result<Self, Turn> {
        let no_memory = |_: rquickjs::Error| Turn::OutOfMemory;
        let runtime = Runtime::new().map_err(no_memory)?;
        let memory_bytes_max = blueprint.memory_mb as usize * 1024 * 1024;
        runtime.set_memory_limit(memory_bytes_max);
        runtime.set_max_stack_size(STACK_BYTES);
        runtime.set_loader(ModuleResolver, ModuleLoader);
        let watched = Arc::clone(host);
        runtime.set_interrupt_handler(Some(Box::new(move || watched.must_stop())));
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            |ctx, promise, reason, is_handled| {
                let told = internals(&ctx)
                    .and_then(|it| it.get::<_, Function<'_>>("rejected"))
                    .and_then(|it| it.call::<_, ()>((promise, reason, is_handled)));
                // Only a program without memory cannot be told; it ends anyway.
                drop(told);
            },
        )));
        let context = Context::full(&runtime).map_err(no_memory)?;
        let sandbox = Self {
            context,
            runtime,
            host: Arc::clone(host),
            memory_bytes_max,
            handler: blueprint.handler.clone(),
        };
        sandbox.enter(|ctx| begin_runtime(ctx, blueprint, host))?;
        Ok(sandbox)
    }

    pub(super) fn begin(&self, ask: &Ask) -> Result<(), Turn> {
        self.enter(|ctx| {
            let internals = internals(ctx)?;
            match ask {
                Ask::Load => internals
                    .get::<_, Function<'_>>("load")?
                    .call((self.handler.as_str(),)),
                Ask::Invoke(invocation) => {
                    let facts = Object::new(ctx.clone())?;
                    facts.set("requestId", invocation.request_id.as_str())?;
                    facts.set("functionArn", invocation.function_arn.as_str())?;
                    facts.set("traceId", invocation.trace_id.as_str())?;
                    if let Some(client) = &invocation.client_context {
                        facts.set("clientContext", client.as_str())?;
                    }
                    internals
                        .get::<_, Function<'_>>("invoke")?
                        .call((invocation.event.as_str(), facts))
                }
            }
        })
    }

    /// Runs until the program waits for a timer or its phase is over.
    pub(super) fn turn(&self) -> Turn {
        let turned = self.enter(|ctx| {
            let internals = internals(ctx)?;
            let turn: Function<'_> = internals.get("turn")?;
            loop {
                while ctx.execute_pending_job() {
                    if self.host.is_stopped() {
                        return Ok(Turn::Interrupted);
                    }
                }
                let wait: f64 = turn.call(())?;
                if wait > 0.0 {
                    return Ok(Turn::Waiting(Duration::from_secs_f64(wait / 1000.0)));
                }
                // Between things to do, -1 and -2 mean that there is nothing left.
                if wait < 0.0 {
                    return outcome(&internals);
                }
            }
        });
        turned.unwrap_or_else(|turn| turn)
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        u64::try_from(self.runtime.memory_usage().malloc_size).unwrap_or_default()
    }

    /// Does something with the program; what goes wrong is told apart by what happened to the program.
    fn enter<T>(
        &self,
        work: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, Turn> {
        let (done, thrown) = self.context.with(|ctx| match work(&ctx) {
            Ok(done) => (Some(done), None),
            Err(rquickjs::Error::Exception) => (None, Some(described(&ctx.catch()))),
            Err(error) => (None, Some(error.to_string())),
        });
        match (done, thrown) {
            _ if self.host.is_stopped() => Err(Turn::Interrupted),
            (Some(done), _) => Ok(done),
            (None, thrown) => Err(self.broken(&thrown.unwrap_or_default())),
        }
    }

    /// The runtime files themselves failed: memory is short, or they are wrong.
    fn broken(&self, thrown: &str) -> Turn {
        let nearly_full = self.memory_bytes() >= self.memory_bytes_max as u64 / 8 * 7;
        if nearly_full || thrown.is_empty() || thrown.contains("out of memory") {
            return Turn::OutOfMemory;
        }
        let payload = serde_json::json!({ "errorType": "Runtime.Unknown", "errorMessage": thrown });
        Turn::Done {
            result: Err(Failure {
                kind: "Runtime.Unknown".to_owned(),
                payload: payload.to_string(),
            }),
            is_fatal: true,
        }
    }
}

pub(super) fn internals<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    ctx.globals().get(INTERNALS)
}

fn begin_runtime(ctx: &Ctx<'_>, blueprint: &Blueprint, host: &Arc<Host>) -> rquickjs::Result<()> {
    let internals = Object::new(ctx.clone())?;
    internals.set("facts", bridge::facts(ctx, blueprint)?)?;
    ctx.globals().prop(
        INTERNALS,
        rquickjs::object::Property::from(internals.clone()),
    )?;
    let host = bridge::object(ctx, host)?;
    for (name, source) in PRELUDE {
        let begin: Function<'_> = bridge::evaluate(ctx, source, name)?;
        begin.call::<_, ()>((host.clone(), internals.clone()))?;
    }
    Ok(())
}

fn outcome(internals: &Object<'_>) -> rquickjs::Result<Turn> {
    let known: Object<'_> = internals.get::<_, Function<'_>>("outcome")?.call(())?;
    if known.get::<_, Option<bool>>("isOutOfMemory")? == Some(true) {
        return Ok(Turn::OutOfMemory);
    }
    let body: String = known.get("body")?;
    let kind: Option<String> = known.get("type")?;
    let is_fatal: Option<bool> = known.get("isFatal")?;
    Ok(Turn::Done {
        result: match kind {
            None => Ok(body),
            Some(kind) => Err(Failure {
                kind,
                payload: body,
            }),
        },
        is_fatal: is_fatal == Some(true),
    })
}

/// What was thrown, for people; empty when it was nothing, as when memory is gone.
fn described(thrown: &Value<'_>) -> String {
    let exception = thrown.as_exception();
    exception
        .and_then(rquickjs::Exception::message)
        .or_else(|| thrown.as_string().and_then(|it| it.to_string().ok()))
        .unwrap_or_default()
}

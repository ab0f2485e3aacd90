//! Functions as child processes of this machine that speak the Runtime API on loopback.
//!
//! Time here is real: a program has no other. Knows no function, no log group and no permission.

mod api;
mod child;
mod debug;
mod desk;
mod home;
mod isolation;
mod others;
mod output;
mod programs;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use self::api::Api;
use self::child::Child;
pub use self::debug::Debug;
use self::desk::{Desk, Heard};
use self::home::Code;
pub(super) use self::home::Home;
use self::isolation::Places;
use self::output::Output;
pub(super) use self::programs::Missing;
use self::programs::Program;
pub use self::programs::{Interpreter, Processes};
use super::environment::{
    Blueprint, BoxFuture, Ended, ExecutionEnvironment, Failure, Init, Invocation, Line, LogFormat,
    Ran,
};
use crate::clock::{Clock, epoch_millis};

/// Longest start of an environment.
const INIT_MAX: Duration = Duration::from_secs(10);
/// How often a running program's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A program that was looked at so short a time ago has not come to use much more.
const LOOK_HOLDS: Duration = Duration::from_millis(5);
/// How long a program's last words may be under way when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// An environment that is a process. It begins with the first invocation.
pub(super) struct Process {
    blueprint: Arc<Blueprint>,
    home: Arc<Home>,
    code: Arc<Code>,
    program: Program,
    /// What starts the sandbox, where there is to be one.
    bwrap: Option<PathBuf>,
    running: Option<Running>,
}

/// A program that runs; dropping it ends the program and whatever that started.
struct Running {
    child: Option<Child>,
    desk: Arc<Desk>,
    heard: UnboundedReceiver<Heard>,
    output: Output,
    home: Arc<Home>,
    code: Arc<Code>,
    folder: PathBuf,
    is_sandbox: bool,
    /// The most memory that was seen, in bytes.
    peak: u64,
    /// By the clock's uptime.
    looked: Option<Duration>,
    api: Api,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            let folder = std::mem::take(&mut self.folder);
            self.home.end(child, folder, Arc::clone(&self.code));
        }
    }
}

/// How a phase of the program ended.
enum End {
    Heard(Heard),
    TimedOut,
    OutOfMemory,
    /// The program is gone, for this reason.
    Died(String),
    /// It cannot be started at all.
    Invalid(String),
}

impl Process {
    /// Writes the package to disk and looks for the program: slow.
    pub(super) fn prepare(
        processes: &Processes,
        home: &Arc<Home>,
        blueprint: Arc<Blueprint>,
    ) -> Result<Self, Missing> {
        let unpacked = home.code(&blueprint.code_sha256, &blueprint.package);
        let code = unpacked.map_err(|error| {
            Missing::Because(format!(
                "the package cannot be written to a temporary folder: {error}"
            ))
        })?;
        let program = programs::program(processes, home, &code, &blueprint)?;
        let bwrap = processes.isolated.then(isolation::find).transpose()?;
        Ok(Self {
            blueprint,
            home: Arc::clone(home),
            code,
            program,
            bwrap,
            running: None,
        })
    }

    async fn serve(&mut self, invocation: Invocation) -> Ran {
        let clock = self.blueprint.clock.clone();
        let request_id = invocation.request_id.clone();
        if self.running.as_mut().is_some_and(Running::has_ended) {
            self.running = None;
        }
        let (mut init, mut end) = (None, None);
        if self.running.is_none() {
            let (how, failed) = self.start().await;
            (init, end) = (Some(how), failed);
        }
        let (mut started, mut began) = (clock.now(), clock.uptime());
        if end.is_none() {
            let mut last = self.run(invocation).await;
            if init.is_none()
                && let Some(invocation) = self.not_taken(&last)
            {
                // The program went between two invocations, which concerns neither.
                let (how, failed) = self.start().await;
                init = Some(how);
                (started, began) = (clock.now(), clock.uptime());
                last = match failed {
                    None => self.run(invocation).await,
                    Some(failed) => failed,
                };
            }
            end = Some(last);
        }
        let took = clock.since(began);
        let (lines, memory_used_mb) = self.leave().await;
        let end = end.unwrap_or(End::TimedOut);
        let is_over = !matches!(&end, End::Heard(Heard::Answered(_) | Heard::Failed(_)));
        if is_over {
            self.running = None;
        }
        let ended = end.ended(&request_id);
        Ran {
            took: if ended == Ended::TimedOut {
                self.blueprint.timeout
            } else {
                took
            },
            ended_at: clock.now(),
            ended,
            init,
            lines,
            started,
            memory_used_mb,
            is_reusable: self.running.is_some(),
        }
    }

    /// Starts the program; the second half says why it could not be started.
    async fn start(&mut self) -> (Init, Option<End>) {
        let clock = self.blueprint.clock.clone();
        let (started, began) = (clock.now(), clock.uptime());
        self.running = None;
        let failed = match self.spawn().await {
            Err(error) => Some(End::Invalid(self.why_not(&error))),
            Ok(running) => {
                let running = self.running.insert(running);
                let debug = self.program.debug.as_ref();
                match running.wait(&self.blueprint, debug, INIT_MAX).await {
                    End::Heard(Heard::Ready) => None,
                    failed => Some(failed),
                }
            }
        };
        let took = clock.since(began);
        let (lines, _) = self.leave().await;
        let init = Init {
            started,
            took,
            ended_at: clock.now(),
            lines,
            is_successful: failed.is_none(),
            runs_on: self.program.runs_on.clone(),
        };
        (init, failed)
    }

    /// Gives the program its event and waits for the answer.
    async fn run(&mut self, invocation: Invocation) -> End {
        let Some(running) = &mut self.running else {
            return End::TimedOut;
        };
        let timeout = self.blueprint.timeout;
        let deadline = self.blueprint.clock.machine() + timeout;
        running.desk.lay(desk::Order {
            invocation,
            deadline_millis: epoch_millis(deadline),
        });
        let debug = self.program.debug.as_ref();
        running.wait(&self.blueprint, debug, timeout).await
    }

    /// The event of a program that ended before it asked for it.
    fn not_taken(&self, end: &End) -> Option<Invocation> {
        let running = self
            .running
            .as_ref()
            .filter(|_| matches!(end, End::Died(_)));
        Some(running?.desk.take_back()?.invocation)
    }

    /// What was written, and the most memory used, at the end of a phase.
    async fn leave(&mut self) -> (Vec<Line>, u32) {
        let Some(running) = &mut self.running else {
            return (Vec::new(), 1);
        };
        running.output.drain().await;
        let clock = &self.blueprint.clock;
        if running.looked.is_none_or(|at| clock.since(at) > LOOK_HOLDS) {
            running.look(clock);
        }
        let megabytes = u32::try_from(running.peak.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        (running.output.take_lines(), megabytes)
    }

    async fn spawn(&mut self) -> io::Result<Running> {
        let (desk, heard) = Desk::new();
        let api = Api::open(Arc::clone(&desk)).await?;
        let folder = self.home.environment()?;
        let (output, stdout, stderr) = Output::open(self.blueprint.clock.clone())?;
        let runtime = self.home.runtime();
        let places = Places {
            task: self.code.folder(),
            runtime: &runtime,
            temporary: &folder,
        };
        let program = match &self.bwrap {
            Some(bwrap) => isolation::wrapped(&self.program, bwrap, &places),
            None => self.program.clone(),
        };
        let child = Child::start(child::Order {
            program: program.path,
            arguments: program.arguments,
            variables: self.variables(&api.address, &places),
            folder: self.code.folder().to_owned(),
            stdout,
            stderr,
            mark: format!("AWS_LAMBDA_RUNTIME_API={}", api.address),
        })?;
        self.home.guard(child.pid());
        Ok(Running {
            child: Some(child),
            desk,
            heard,
            output,
            home: Arc::clone(&self.home),
            code: Arc::clone(&self.code),
            folder,
            is_sandbox: self.bwrap.is_some(),
            peak: 1,
            looked: None,
            api,
        })
    }

    /// Lambda's variables with the places of this machine, then the user's.
    fn variables(&self, api: &str, places: &Places<'_>) -> Vec<(OsString, OsString)> {
        let seen = |place: &Path| match self.bwrap {
            Some(_) => places.inside(place),
            None => place.to_owned(),
        };
        let (task, temporary) = (seen(places.task), seen(places.temporary));
        let libraries = [task.clone(), task.join("lib")];
        let libraries = std::env::join_paths(libraries).unwrap_or_default();
        let places = [
            ("AWS_LAMBDA_RUNTIME_API", OsString::from(api)),
            ("HOME", temporary.clone().into()),
            ("LAMBDA_RUNTIME_DIR", seen(places.runtime).into()),
            ("LAMBDA_TASK_ROOT", task.into()),
            ("LD_LIBRARY_PATH", libraries),
            ("NODE_PATH", OsString::new()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("TMPDIR", temporary.into()),
            #[cfg(windows)]
            (
                "SYSTEMROOT",
                std::env::var_os("SYSTEMROOT").unwrap_or_default(),
            ),
            #[cfg(windows)]
            ("TEMP", places.temporary.into()),
        ];
        let blueprint = &self.blueprint;
        let mut variables: std::collections::BTreeMap<OsString, OsString> = blueprint
            .variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        variables.extend(places.map(|(name, value)| (name.into(), value)));
        if let LogFormat::Json(level) = blueprint.log_format {
            variables.insert("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into());
            variables.insert("AWS_LAMBDA_LOG_LEVEL".into(), level.name().into());
        }
        let is_provided = programs::is_provided(&blueprint.runtime);
        variables.retain(|name, value| {
            let is_foreign = is_provided && name == "AWS_EXECUTION_ENV";
            !is_foreign && !value.is_empty()
        });
        let users = blueprint.environment.iter();
        variables.extend(users.map(|(name, value)| (name.into(), value.into())));
        variables.into_iter().collect()
    }

    /// In Lambda's words.
    fn why_not(&self, error: &io::Error) -> String {
        let path = &self.program.path;
        let own = path.strip_prefix(self.code.folder()).ok();
        let shown = own.map_or_else(
            || path.display().to_string(),
            |own| format!("{}/{}", isolation::TASK, own.display()),
        );
        if own.is_some() && !path.exists() {
            return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
                .to_owned();
        }
        match error.kind() {
            io::ErrorKind::PermissionDenied => format!("fork/exec {shown}: permission denied"),
            io::ErrorKind::NotFound => format!("fork/exec {shown}: no such file or directory"),
            _ => format!("fork/exec {shown}: {error}"),
        }
    }
}

impl ExecutionEnvironment for Process {
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran> {
        Box::pin(self.serve(invocation))
    }
}

impl Running {
    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(Child::has_ended)
    }

    /// How much memory the program has, in bytes; 0 where nobody tells.
    fn look(&mut self, clock: &Clock) -> u64 {
        self.looked = Some(clock.uptime());
        let child = self.child.as_ref();
        let memory = child.and_then(|it| it.memory_bytes(self.is_sandbox));
        memory.map_or(0, |it| {
            self.peak = self.peak.max(it.peak);
            it.now
        })
    }

    /// Waits until the program says something or ends, and meanwhile reads what it writes.
    async fn wait(&mut self, blueprint: &Blueprint, debug: Option<&Debug>, most: Duration) -> End {
        let clock = &blueprint.clock;
        let memory_most = u64::from(blueprint.memory_mb) << 20;
        let mut late = pin!(clock.wait_until(clock.uptime() + most));
        let mut look = pin!(clock.wait(LOOK));
        loop {
            let Some(child) = &mut self.child else {
                return End::TimedOut;
            };
            tokio::select! {
                biased;
                Some(heard) = self.heard.recv() => return End::Heard(heard),
                never = self.api.serve() => match never {},
                () = late.as_mut() => {
                    if !debug.is_some_and(Debug::is_attached) {
                        return End::TimedOut;
                    }
                    late.set(clock.wait_until(clock.uptime() + LOOK));
                }
                () = look.as_mut() => {
                    if self.look(clock) > memory_most {
                        return End::OutOfMemory;
                    }
                    look.set(clock.wait(LOOK));
                }
                why = child.wait() => {
                    return tokio::select! {
                        biased;
                        Some(heard) = self.heard.recv() => End::Heard(heard),
                        never = self.api.serve() => match never {},
                        () = clock.wait(LAST_WORDS) => End::Died(why),
                    };
                }
                () = self.output.read() => (),
            }
        }
    }
}

impl End {
    fn ended(self, request_id: &str) -> Ended {
        let died =
            |kind: &str, what: &str| Ended::Failed(Failure::of_program(kind, request_id, what));
        match self {
            Self::Heard(Heard::Answered(answer)) => Ended::Answered(answer),
            Self::Heard(Heard::Failed(failure) | Heard::CannotStart(failure)) => {
                Ended::Failed(failure)
            }
            Self::TimedOut | Self::Heard(Heard::Ready) => Ended::TimedOut,
            Self::OutOfMemory => died(
                "Runtime.OutOfMemory",
                "Runtime exited with error: signal: killed",
            ),
            Self::Died(what) => died("Runtime.ExitError", &what),
            Self::Invalid(what) => died("Runtime.InvalidEntrypoint", &what),
        }
    }
}

//! One child process and everything it starts: begun, watched, and ended as a whole.
//!
//! On Unix a child leads a process group of its own, which is killed with it. On Linux what left the group is found by
//! the address of the Runtime API in its variables, and memory and open files are limited; macOS has only the group,
//! Windows only the child itself.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

/// Most files a program may have open, as on Lambda.
#[cfg(target_os = "linux")]
const FILES_MAX: u64 = 1024;
/// Rounds of looking for what a program started, while it starts more.
#[cfg(target_os = "linux")]
const ROUNDS_MAX: u32 = 1000;

/// What to start.
pub(super) struct Order {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// All that the program sees of the environment.
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) folder: PathBuf,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
    /// `NAME=value` of a variable that no other program has.
    pub(super) mark: String,
}

/// A running program. [`Self::end`] ends it and whatever it started.
pub(super) struct Child {
    inner: tokio::process::Child,
    pid: u32,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux shows the variables of others")
    )]
    mark: String,
}

impl Child {
    pub(super) fn start(order: Order) -> io::Result<Self> {
        let mut command = Command::new(&order.program);
        command
            .args(order.arguments)
            .env_clear()
            .envs(order.variables)
            .current_dir(order.folder)
            .stdin(Stdio::null())
            .stdout(order.stdout)
            .stderr(order.stderr)
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let inner = spawn(&mut command)?;
        let pid = inner.id().unwrap_or_default();
        limit(pid);
        Ok(Self {
            inner,
            pid,
            mark: order.mark,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the child's own end; what it started may go on.
    pub(super) async fn wait(&mut self) -> String {
        match self.inner.wait().await {
            Ok(status) => ending(status),
            Err(error) => format!("Runtime cannot be watched: {error}"),
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.inner.try_wait(), Ok(None))
    }

    /// The most memory the child had at any time, and what it has now; nothing where the system does not tell. Of a
    /// sandbox it is that of the program inside.
    pub(super) fn memory_bytes(&self, is_sandbox: bool) -> Option<Memory> {
        let pid = if is_sandbox {
            innermost(self.pid)
        } else {
            self.pid
        };
        memory_of(pid)
    }

    /// Kills the child and whatever it started, and waits until they are gone.
    pub(super) fn end(mut self) {
        self.kill_group();
        self.inner.start_kill().ok();
        self.kill_strays();
        self.reap();
    }

    #[cfg(unix)]
    fn kill_group(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};

        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process_group(pid, Signal::KILL).ok();
        }
    }

    #[cfg(not(unix))]
    fn kill_group(&self) {}

    /// Kills what left the group, until there is nothing more.
    #[cfg(target_os = "linux")]
    fn kill_strays(&self) {
        use rustix::process::{Pid, Signal, kill_process};

        let mut mark = self.mark.clone().into_bytes();
        mark.push(0);
        for _ in 0..ROUNDS_MAX {
            let strays = marked(&mark);
            if strays.is_empty() {
                return;
            }
            for pid in strays.into_iter().filter_map(Pid::from_raw) {
                kill_process(pid, Signal::KILL).ok();
            }
            std::thread::yield_now();
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn kill_strays(&self) {}

    #[cfg(unix)]
    fn reap(&mut self) {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let (Some(pid), Ok(None)) = (pid, self.inner.try_wait()) {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // It fails when somebody else has seen the end, which is as good.
            waitid(WaitId::Pid(pid), ended).ok();
        }
        self.inner.try_wait().ok();
    }

    #[cfg(not(unix))]
    fn reap(&mut self) {
        self.inner.try_wait().ok();
    }
}

pub(super) struct Memory {
    pub(super) peak: u64,
    pub(super) now: u64,
}

/// A file that was written a moment ago may still be open in a child that another thread just made.
fn spawn(command: &mut Command) -> io::Result<tokio::process::Child> {
    const TRIES: u32 = 1000;
    for _ in 0..TRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::yield_now();
            }
            spawned => return spawned,
        }
    }
    command.spawn()
}

/// `Runtime exited with error: exit status 3`, in Lambda's words.
#[cfg(unix)]
fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;

    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, signal) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
    }
}

#[cfg(not(unix))]
fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => "Runtime exited without providing a reason".to_owned(),
        code => format!(
            "Runtime exited with error: exit status {}",
            code.unwrap_or(1)
        ),
    }
}

/// As the Go programs of Lambda name them.
#[cfg(unix)]
fn signal_name(signal: Option<i32>) -> String {
    use rustix::process::Signal;

    let signal = signal.unwrap_or_default();
    let names = [
        (Signal::ABORT, "aborted"),
        (Signal::ALARM, "alarm clock"),
        (Signal::BUS, "bus error"),
        (Signal::FPE, "floating point exception"),
        (Signal::HUP, "hangup"),
        (Signal::ILL, "illegal instruction"),
        (Signal::INT, "interrupt"),
        (Signal::KILL, "killed"),
        (Signal::PIPE, "broken pipe"),
        (Signal::QUIT, "quit"),
        (Signal::SEGV, "segmentation fault"),
        (Signal::TERM, "terminated"),
        (Signal::TRAP, "trace/breakpoint trap"),
    ];
    let name = names.iter().find(|(known, _)| known.as_raw() == signal);
    name.map_or_else(
        || format!("signal {signal}"),
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(target_os = "linux")]
fn limit(pid: u32) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let most = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    // A child that has ended already has no limits to set.
    prlimit(pid, Resource::Core, most(0)).ok();
    prlimit(pid, Resource::Nofile, most(FILES_MAX)).ok();
}

#[cfg(not(target_os = "linux"))]
fn limit(_pid: u32) {}

#[cfg(target_os = "linux")]
fn memory_of(pid: u32) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Memory {
        peak: of("VmHWM:")?,
        now: of("VmRSS:")?,
    })
}

/// The first child of the first child, and so on, as far as a sandbox has processes of its own: two.
#[cfg(target_os = "linux")]
fn innermost(pid: u32) -> u32 {
    let mut pid = pid;
    for _ in 0..2 {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let first = children
            .ok()
            .and_then(|it| it.split_whitespace().next()?.parse().ok());
        pid = first.unwrap_or(pid);
    }
    pid
}

#[cfg(not(target_os = "linux"))]
fn innermost(pid: u32) -> u32 {
    pid
}

#[cfg(not(target_os = "linux"))]
fn memory_of(_pid: u32) -> Option<Memory> {
    None
}

/// Processes of this user that have a variable, as they were started.
#[cfg(target_os = "linux")]
fn marked(mark: &[u8]) -> Vec<i32> {
    let Ok(all) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let has_mark = |pid: &i32| {
        let variables = std::fs::read(format!("/proc/{pid}/environ"));
        variables.is_ok_and(|it| it.windows(mark.len()).any(|part| part == mark))
    };
    all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(has_mark)
        .collect()
}

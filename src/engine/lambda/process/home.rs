//! What the child processes of one engine share: a folder for their files, and whoever clears up when all else fails.
//!
//! The folder lies where the system keeps temporary files and goes with the engine. Should this process be killed, a
//! shell that waits for that kills the children and removes the folder; what is left all the same, the next engine to
//! start removes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::child::Child;
use super::programs::Found;
use crate::engine::lambda::package::Package;

const PREFIX: &str = "waterwheel-functions-";
const LOCK: &str = "in-use";
/// Our side of a program in a language without a Runtime API client of its own.
const RUNTIME_FILES: [(&str, &str); 3] = [
    (
        "bootstrap.py",
        include_str!("../../../../assets/runtimes/bootstrap.py"),
    ),
    (
        "waterwheel_runtime.py",
        include_str!("../../../../assets/runtimes/waterwheel_runtime.py"),
    ),
    (
        "bootstrap.cjs",
        include_str!("../../../../assets/runtimes/bootstrap.cjs"),
    ),
];

pub(in crate::engine::lambda) struct Home {
    folder: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
    guard: Mutex<Option<guard::Guard>>,
    codes: Mutex<BTreeMap<String, Weak<Code>>>,
    environments: AtomicU64,
    /// Programs that are being ended.
    ends: Mutex<Vec<JoinHandle<()>>>,
    /// Interpreters of this machine, by what was looked for.
    pub(super) found: Mutex<BTreeMap<String, Option<Found>>>,
}

impl Home {
    pub(in crate::engine::lambda) fn open() -> io::Result<Arc<Self>> {
        let all = std::env::temp_dir();
        // Programs tell their place without links in it.
        #[cfg(unix)]
        let all = all.canonicalize()?;
        sweep(&all);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&all)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        let runtime = folder.path().join("runtime");
        fs::create_dir(&runtime)?;
        for (name, text) in RUNTIME_FILES {
            fs::write(runtime.join(name), text)?;
        }
        // The same file as the JavaScript engine inside runs, where it is an expression.
        let handler = include_str!("../../../../assets/runtime/handler.js");
        let module = format!("module.exports = {handler}");
        fs::write(runtime.join("handler.cjs"), module)?;
        let guard = guard::Guard::start(folder.path());
        Ok(Arc::new(Self {
            folder: folder.keep(),
            _lock: lock,
            guard: Mutex::new(guard),
            codes: Mutex::default(),
            environments: AtomicU64::new(0),
            ends: Mutex::default(),
            found: Mutex::default(),
        }))
    }

    /// Where our own files for programs lie.
    pub(super) fn runtime(&self) -> PathBuf {
        self.folder.join("runtime")
    }

    /// The files of a package, on disk once for all who use them at the time. Slow for large ones.
    pub(super) fn code(self: &Arc<Self>, sha256: &str, package: &Package) -> io::Result<Arc<Code>> {
        let mut codes = self.codes.lock();
        codes.retain(|_, code| code.strong_count() > 0);
        if let Some(code) = codes.get(sha256).and_then(Weak::upgrade) {
            return Ok(code);
        }
        let number = self.environments.fetch_add(1, Ordering::Relaxed);
        let code = Arc::new(Code {
            folder: self.folder.join(format!("code-{number}")),
            _home: Arc::clone(self),
        });
        code.write(package)?;
        codes.insert(sha256.to_owned(), Arc::downgrade(&code));
        Ok(code)
    }

    /// An empty folder for one environment.
    pub(super) fn environment(&self) -> io::Result<PathBuf> {
        let number = self.environments.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("environment-{number}"));
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// A program is to be killed should this process be killed.
    pub(super) fn guard(&self, pid: u32) {
        if let Some(guard) = &mut *self.guard.lock() {
            guard.add(pid);
        }
    }

    /// Ends a program beside the caller and then removes its folder; [`Self::wait`] waits for that.
    pub(super) fn end(self: &Arc<Self>, child: Child, folder: PathBuf, code: Arc<Code>) {
        let home = Arc::clone(self);
        let pid = child.pid();
        let work = move || {
            child.end();
            if let Some(guard) = &mut *home.guard.lock() {
                guard.forget(pid);
            }
            remove(&folder);
            drop(code);
        };
        let mut ends = self.ends.lock();
        ends.retain(|end| !end.is_finished());
        // Without a thread the child is killed all the same, as it is dropped with the work.
        ends.extend(std::thread::Builder::new().spawn(work));
    }

    /// Waits until every program that was being ended has ended. Blocks.
    pub(in crate::engine::lambda) fn wait(&self) {
        let ends = std::mem::take(&mut *self.ends.lock());
        for end in ends {
            end.join().ok();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        remove(&self.folder);
        drop(self.guard.lock().take());
    }
}

/// The files of one package.
pub(super) struct Code {
    folder: PathBuf,
    /// Its folder holds ours.
    _home: Arc<Home>,
}

impl Code {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, package: &Package) -> io::Result<()> {
        fs::create_dir(&self.folder)?;
        for (path, bytes) in &package.files {
            let file = self.folder.join(path);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, bytes)?;
            protect(&file, package.executables.contains(path))?;
        }
        Ok(())
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Nobody writes to the files of a package, as on Lambda.
#[cfg(unix)]
fn protect(file: &Path, is_executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = if is_executable { 0o555 } else { 0o444 };
    fs::set_permissions(file, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn protect(_file: &Path, _is_executable: bool) -> io::Result<()> {
    Ok(())
}

/// Removes a folder, also when a program took the right to do so from its own folders.
fn remove(folder: &Path) {
    if fs::remove_dir_all(folder).is_ok() {
        return;
    }
    #[cfg(unix)]
    open_up(folder);
    fs::remove_dir_all(folder).ok();
}

#[cfg(unix)]
fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).ok();
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let inner = entries.filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(inner.map(|it| it.path()));
    }
}

/// Removes folders whose engine was killed, together with whoever should have cleared up after it.
fn sweep(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            remove(&entry.path());
        }
    }
}

#[cfg(unix)]
mod guard {
    use std::io::Write as _;
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Child, ChildStdin, Command, Stdio};

    /// Reads of programs that begin and end; when we are gone, kills those that have not ended.
    const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while read -r word group; do
  case $word in
    add) groups="$groups$group " ;;
    end) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done
chmod -R u+w "$0"
rm -rf "$0"
"#;

    /// A shell that outlives this process by a moment.
    pub(super) struct Guard {
        input: Option<ChildStdin>,
        shell: Child,
    }

    impl Guard {
        /// None where there is no shell: what is left is removed by the next engine then.
        pub(super) fn start(folder: &Path) -> Option<Self> {
            let mut command = Command::new("/bin/sh");
            let path = std::env::var_os("PATH").unwrap_or_default();
            command
                .args(["-c", SCRIPT])
                .arg(folder)
                .env_clear()
                .env("PATH", path)
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0);
            let mut shell = command.spawn().ok()?;
            let input = shell.stdin.take();
            Some(Self { input, shell })
        }

        pub(super) fn add(&mut self, pid: u32) {
            self.say("add", pid);
        }

        pub(super) fn forget(&mut self, pid: u32) {
            self.say("end", pid);
        }

        fn say(&mut self, word: &str, pid: u32) {
            if let Some(input) = &mut self.input {
                writeln!(input, "{word} {pid}").ok();
            }
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            drop(self.input.take());
            self.shell.wait().ok();
        }
    }
}

#[cfg(not(unix))]
mod guard {
    use std::path::Path;

    pub(super) struct Guard;

    impl Guard {
        pub(super) fn start(_folder: &Path) -> Option<Self> {
            None
        }

        pub(super) fn add(&mut self, _pid: u32) {}

        pub(super) fn forget(&mut self, _pid: u32) {}
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_goes_with_whoever_uses_it() {
        let home = Home::open().unwrap();
        let folder = home.folder.clone();
        let mut package = Package::default();
        package.files.insert("a/b.py".to_owned(), "1".into());
        let code = home.code("x", &package).unwrap();
        let same = home.code("x", &package).unwrap();
        assert!(Arc::ptr_eq(&code, &same));
        assert_eq!(
            fs::read_to_string(code.folder().join("a/b.py")).unwrap(),
            "1"
        );
        let own = home.environment().unwrap();
        let code_folder = code.folder().to_owned();
        drop((code, same));
        assert!(own.exists() && !code_folder.exists());
        drop(home);
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_nobody_uses_is_swept_away() {
        let all = TempDir::new().unwrap();
        let make = |name: &str| {
            let folder = all.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&folder).unwrap();
            (File::create(folder.join(LOCK)).unwrap(), folder)
        };
        let (used, kept) = make("1");
        used.lock().unwrap();
        let (_, gone) = make("2");
        sweep(all.path());
        assert!(kept.exists() && !gone.exists());
    }
}

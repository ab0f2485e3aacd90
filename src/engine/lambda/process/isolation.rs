//! A program in a sandbox of bubblewrap's (`bwrap`, Linux): it sees the machine's files but not its user's, and can write
//! nowhere but to a folder of its own.
//!
//! <https://github.com/containers/bubblewrap>

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::programs::{Missing, Program};

/// Where the package and the folder of its own lie for the program, as on Lambda.
pub(super) const TASK: &str = "/var/task";
const RUNTIME: &str = "/var/runtime";
const TEMPORARY: &str = "/tmp";

/// Folders of this machine that the program sees at other places.
pub(super) struct Places<'a> {
    pub(super) task: &'a Path,
    pub(super) runtime: &'a Path,
    pub(super) temporary: &'a Path,
}

impl Places<'_> {
    /// Where the program finds this file.
    pub(super) fn inside(&self, file: &Path) -> PathBuf {
        let all = [
            (self.task, TASK),
            (self.runtime, RUNTIME),
            (self.temporary, TEMPORARY),
        ];
        let seen = all.into_iter().find_map(|(outside, inside)| {
            let rest = file.strip_prefix(outside).ok()?;
            let inside = PathBuf::from(inside);
            // Joining nothing would leave a slash at the end.
            Some(if rest.as_os_str().is_empty() {
                inside
            } else {
                inside.join(rest)
            })
        });
        seen.unwrap_or_else(|| file.to_owned())
    }
}

/// What starts the sandbox, found once.
pub(super) fn find() -> Result<PathBuf, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).map(|it| it.join("bwrap"));
    folders.find(|it| it.is_file()).ok_or_else(|| {
        Missing::Because(
            "functions are to be isolated, but bubblewrap was not found; install it (apt install bubblewrap) or leave out --isolate"
                .to_owned(),
        )
    })
}

/// The same program inside the sandbox.
pub(super) fn wrapped(program: &Program, bwrap: &Path, places: &Places<'_>) -> Program {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut say = |words: &[&std::ffi::OsStr]| arguments.extend(words.iter().map(OsString::from));
    let word = std::ffi::OsStr::new;
    for flag in [
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
    ] {
        say(&[word(flag)]);
    }
    say(&[word("--ro-bind"), word("/"), word("/")]);
    say(&[word("--dev"), word("/dev")]);
    say(&[word("--proc"), word("/proc")]);
    // The user's files, and behind them the interpreter where it is one of these.
    if let Some(home) = std::env::home_dir().filter(|it| it.is_dir()) {
        say(&[word("--tmpfs"), home.as_os_str()]);
        let prefix = program.path.parent().and_then(Path::parent);
        if let Some(prefix) = prefix.filter(|it| it.starts_with(&home)) {
            say(&[word("--ro-bind"), prefix.as_os_str(), prefix.as_os_str()]);
        }
    }
    say(&[word("--tmpfs"), word("/var")]);
    for (outside, inside) in [(places.task, TASK), (places.runtime, RUNTIME)] {
        say(&[word("--ro-bind"), outside.as_os_str(), word(inside)]);
    }
    say(&[
        word("--bind"),
        places.temporary.as_os_str(),
        word(TEMPORARY),
    ]);
    say(&[word("--chdir"), word(TASK), word("--")]);
    say(&[places.inside(&program.path).as_os_str()]);
    let own = program.arguments.iter();
    let own = own.map(|it| places.inside(Path::new(it)).into_os_string());
    arguments.extend(own);
    Program {
        path: bwrap.to_owned(),
        arguments,
        ..program.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_of_its_files_where_it_sees_them() {
        let places = Places {
            task: Path::new("/t/code-1"),
            runtime: Path::new("/t/runtime"),
            temporary: Path::new("/t/environment-2"),
        };
        let program = Program {
            path: "/t/code-1/bootstrap".into(),
            arguments: vec!["-x".into(), "/t/runtime/bootstrap.py".into()],
            runs_on: "x".to_owned(),
            debug: None,
        };
        let inside = wrapped(&program, Path::new("/usr/bin/bwrap"), &places);
        let words: Vec<&str> = inside
            .arguments
            .iter()
            .filter_map(|it| it.to_str())
            .collect();
        assert!(words.ends_with(&[
            "--",
            "/var/task/bootstrap",
            "-x",
            "/var/runtime/bootstrap.py"
        ]));
        assert_eq!(places.inside(places.task), Path::new("/var/task"));
        assert_eq!(places.inside(Path::new("/usr/bin")), Path::new("/usr/bin"));
    }
}

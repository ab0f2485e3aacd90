//! Which program of this machine runs a function, and what is missing where there is none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use super::debug::Debug;
use super::home::{Code, Home};
use super::others;
use crate::engine::lambda::environment::Blueprint;

/// How functions run as processes of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processes {
    /// What runs `nodejs*`; `None` is the JavaScript engine inside.
    pub node: Option<Interpreter>,
    /// What runs `python3.*`.
    pub python: Interpreter,
    /// Run programs in a sandbox of bubblewrap's.
    pub isolated: bool,
    pub debug: Option<Debug>,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            node: Some(Interpreter::Auto),
            python: Interpreter::Auto,
            isolated: false,
            debug: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpreter {
    /// The one on the `PATH`: of the function's own version, or whichever there is.
    Auto,
    At(PathBuf),
}

impl FromStr for Interpreter {
    type Err = String;

    /// `auto` or a path.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "" => Err("neither auto nor a path".to_owned()),
            path => Ok(Self::At(path.into())),
        }
    }
}

/// What picks the JavaScript engine inside for one function: this variable of its own, set to `embedded`.
const NODE_OF_FUNCTION: &str = "WATERWHEEL_NODE";

/// An interpreter of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) version: String,
}

/// How to start a function.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// `Node.js 22.12.0 (/usr/bin/node)`
    pub(super) runs_on: String,
    /// Where it listens for a debugger.
    pub(super) debug: Option<Debug>,
}

/// Why there is no program for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::lambda) enum Missing {
    /// The JavaScript engine inside serves it.
    Embedded,
    /// What to do about it.
    Because(String),
}

/// What runs this function. Asks the machine, which is slow the first time.
pub(super) fn program(
    processes: &Processes,
    home: &Home,
    code: &Code,
    blueprint: &Blueprint,
) -> Result<Program, Missing> {
    let runtime = blueprint.runtime.as_str();
    let own = |name: &str| OsString::from(home.runtime().join(name));
    let name = blueprint.variables.get("AWS_LAMBDA_FUNCTION_NAME");
    let debug = processes.debug.clone();
    let debug = debug.filter(|it| Some(&it.function) == name);
    if runtime.starts_with("nodejs") {
        let picked = blueprint.environment.get(NODE_OF_FUNCTION);
        let wanted = processes.node.as_ref();
        let wanted = wanted.filter(|_| picked.is_none_or(|it| it != "embedded"));
        let found = node(home, wanted.ok_or(Missing::Embedded)?)?;
        let heap = u64::from(blueprint.memory_mb) * 9 / 10;
        let heap = format!("--max-old-space-size={heap}");
        let mut arguments = vec![heap.into()];
        arguments.extend(debug.as_ref().map(Debug::node));
        arguments.push(own("bootstrap.cjs"));
        return Ok(Program {
            runs_on: format!("Node.js {} ({})", found.version, found.path.display()),
            path: found.path,
            arguments,
            debug,
        });
    }
    if let Some(version) = runtime.strip_prefix("python3.") {
        let found = python(home, &processes.python, version)?;
        let mut arguments = vec!["-X".into(), "utf8".into()];
        if let Some(debug) = &debug {
            has_debugpy(&found)?;
            arguments.extend(debug.python());
        }
        arguments.push(own("bootstrap.py"));
        return Ok(Program {
            runs_on: format!("Python {} ({})", found.version, found.path.display()),
            path: found.path,
            arguments,
            debug,
        });
    }
    if is_provided(runtime) {
        return Ok(Program {
            path: code.folder().join("bootstrap"),
            arguments: Vec::new(),
            runs_on: "the package's bootstrap".to_owned(),
            debug: None,
        });
    }
    others::program(home, code, blueprint)
}

/// Whether the package brings the program.
pub(super) fn is_provided(runtime: &str) -> bool {
    runtime == "custom" || runtime.starts_with("provided")
}

fn has_debugpy(python: &Found) -> Result<(), Missing> {
    let asked = Command::new(&python.path)
        .args(["-c", "import debugpy"])
        .output();
    if asked.is_ok_and(|it| it.status.success()) {
        return Ok(());
    }
    let path = python.path.display();
    Err(Missing::Because(format!(
        "a debugger of Python needs the module debugpy; install it with: {path} -m pip install debugpy"
    )))
}

fn node(home: &Home, wanted: &Interpreter) -> Result<Found, Missing> {
    let ask = ["-p", "process.execPath + '\\n' + process.versions.node"];
    match wanted {
        Interpreter::Auto => find(home, "node", &ask).ok_or(Missing::Embedded),
        Interpreter::At(path) => at(home, path, &ask, "Node.js"),
    }
}

fn python(home: &Home, wanted: &Interpreter, version: &str) -> Result<Found, Missing> {
    let ask = [
        "-c",
        "import sys; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3]); sys.exit(sys.version_info < (3, 8))",
    ];
    match wanted {
        Interpreter::Auto => {
            let names = [
                format!("python3.{version}"),
                "python3".to_owned(),
                "python".to_owned(),
            ];
            let found = names.iter().find_map(|name| find(home, name, &ask));
            found.ok_or_else(|| {
                Missing::Because(format!(
                    "no Python was found on the PATH; install python3.{version} (or any Python from 3.8 on), or name one with --python PATH"
                ))
            })
        }
        Interpreter::At(path) => at(home, path, &ask, "Python from 3.8 on"),
    }
}

fn at(home: &Home, path: &Path, ask: &[&str], what: &str) -> Result<Found, Missing> {
    let found = find(home, &path.to_string_lossy(), ask);
    found.ok_or_else(|| Missing::Because(format!("{} is no {what}", path.display())))
}

/// A shim leads to the interpreter itself, which starts in half the time.
pub(super) fn find(home: &Home, name: &str, ask: &[&str]) -> Option<Found> {
    if let Some(known) = home.found.lock().get(name) {
        return known.clone();
    }
    let asked = Command::new(name)
        .args(ask)
        .current_dir(home.runtime())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let found = asked.ok().filter(|it| it.status.success()).and_then(|it| {
        let said = String::from_utf8(it.stdout).ok()?;
        let (path, version) = said.trim().split_once('\n')?;
        Some(Found {
            path: path.trim().into(),
            version: version.trim().to_owned(),
        })
    });
    home.found.lock().insert(name.to_owned(), found.clone());
    found
}

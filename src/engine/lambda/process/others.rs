//! Runtimes that bring their own client of the Runtime API: Java, .NET and Ruby, where they and it are installed.

use std::ffi::OsString;

use super::home::{Code, Home};
use super::programs::{Found, Missing, Program, find};
use crate::engine::lambda::environment::Blueprint;

const JAVA_CLIENT: &str = "aws-lambda-java-runtime-interface-client";
const JAVA_CLASS: &str = "com/amazonaws/services/lambda/runtime/api/client/AWSLambda";
const DOTNET_CLIENT: &str = "Amazon.Lambda.RuntimeSupport.dll";
const RUBY_CLIENT: &str = "aws_lambda_ric";

/// What runs this function.
pub(super) fn program(home: &Home, code: &Code, blueprint: &Blueprint) -> Result<Program, Missing> {
    let runtime = blueprint.runtime.as_str();
    if runtime.starts_with("java") {
        java(home, code, blueprint)
    } else if runtime.starts_with("dotnet") {
        dotnet(home, code, blueprint)
    } else if runtime.starts_with("ruby") {
        ruby(home, blueprint)
    } else if runtime == "go1.x" {
        Err(because(
            "the runtime go1.x is not run; build the function with the module aws-lambda-go as bootstrap for provided.al2023",
        ))
    } else {
        Err(because(&format!(
            "the runtime {runtime} is not run; take python3.12 or a later one"
        )))
    }
}

fn java(home: &Home, code: &Code, blueprint: &Blueprint) -> Result<Program, Missing> {
    let files = &blueprint.package.files;
    let class = format!("{JAVA_CLASS}.class");
    let is_client = |path: &String| *path == class || path.contains(JAVA_CLIENT);
    if !files.keys().any(is_client) {
        return Err(because(&format!(
            "Java functions need {JAVA_CLIENT} (com.amazonaws) in the lib folder of their package; add it there"
        )));
    }
    let found = interpreter(home, "java", &["-version"], "Java (a JDK or JRE)")?;
    let task = code.folder();
    let classes = std::env::join_paths([task.to_owned(), task.join("lib").join("*")]);
    let arguments = vec![
        "-cp".into(),
        classes.unwrap_or_default(),
        JAVA_CLASS.replace('/', ".").into(),
        OsString::from(&blueprint.handler),
    ];
    Ok(run(found, "Java", arguments))
}

fn dotnet(home: &Home, code: &Code, blueprint: &Blueprint) -> Result<Program, Missing> {
    let found = interpreter(home, "dotnet", &["--version"], ".NET (its runtime or SDK)")?;
    let file = |name: String| OsString::from(code.folder().join(name));
    let Some((assembly, _)) = blueprint.handler.split_once("::") else {
        // The assembly is a program that speaks for itself.
        let program = file(format!("{}.dll", blueprint.handler));
        return Ok(run(found, ".NET", vec![program]));
    };
    if !blueprint.package.files.contains_key(DOTNET_CLIENT) {
        return Err(because(
            ".NET functions need Amazon.Lambda.RuntimeSupport in their package; add it with: dotnet add package Amazon.Lambda.RuntimeSupport",
        ));
    }
    let arguments = vec![
        "exec".into(),
        "--depsfile".into(),
        file(format!("{assembly}.deps.json")),
        "--runtimeconfig".into(),
        file(format!("{assembly}.runtimeconfig.json")),
        file(DOTNET_CLIENT.to_owned()),
        OsString::from(&blueprint.handler),
    ];
    Ok(run(found, ".NET", arguments))
}

fn ruby(home: &Home, blueprint: &Blueprint) -> Result<Program, Missing> {
    let ask = [
        "-e",
        "puts Gem.bin_path('aws_lambda_ric', 'aws_lambda_ric'), RUBY_VERSION",
    ];
    let client = find(home, "ruby", &ask);
    let client = client.ok_or_else(|| {
        because(&format!(
            "Ruby functions need Ruby and its gem {RUBY_CLIENT}; install Ruby, then: gem install {RUBY_CLIENT}"
        ))
    })?;
    let arguments = vec![
        OsString::from(client.path.clone()),
        OsString::from(&blueprint.handler),
    ];
    let found = Found {
        path: "ruby".into(),
        ..client
    };
    Ok(run(found, "Ruby", arguments))
}

/// What is on the `PATH`, whichever version: it answers with success when asked.
fn interpreter(home: &Home, name: &str, ask: &[&str], what: &str) -> Result<Found, Missing> {
    if let Some(known) = home.found.lock().get(name) {
        return known.clone().ok_or_else(|| missing(what));
    }
    let asked = std::process::Command::new(name).args(ask).output();
    let found = asked.ok().filter(|it| it.status.success()).map(|it| {
        // Java tells its version where errors go.
        let said = [it.stdout, it.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        Found {
            path: name.into(),
            version: said.lines().next().unwrap_or_default().to_owned(),
        }
    });
    home.found.lock().insert(name.to_owned(), found.clone());
    found.ok_or_else(|| missing(what))
}

fn missing(what: &str) -> Missing {
    because(&format!(
        "no {what} was found on the PATH; install it and begin again"
    ))
}

fn because(why: &str) -> Missing {
    Missing::Because(why.to_owned())
}

fn run(found: Found, name: &str, arguments: Vec<OsString>) -> Program {
    Program {
        runs_on: format!("{name} {} ({})", found.version, found.path.display()),
        path: found.path,
        arguments,
        debug: None,
    }
}

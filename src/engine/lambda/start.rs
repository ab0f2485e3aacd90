//! A cold environment: which kind of program runs a function, and what it finds there. Runs none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::environment::{Blueprint, ExecutionEnvironment};
use super::javascript::JavaScript;
use super::permissions::role_name;
use super::pool::Warm;
use super::process::{Missing, Process};
use super::settings;
use super::unavailable::Unavailable;
use crate::engine::Engine;
use crate::engine::call::{Fault, Principal};
use crate::engine::state::Version;
use crate::ids::Ids;

/// Makes a cold environment: the program begins with its first invocation.
pub(super) async fn start(
    engine: &Engine,
    function: &Version,
    now: SystemTime,
) -> Result<Warm, Fault> {
    let date = &crate::clock::iso_secs(now)[..10];
    let log_stream = format!(
        "{}/[{}]{}",
        date.replace('-', "/"),
        function.version,
        engine.ids().hex(32)
    );
    let generation = engine.lambda().pool.generation();
    let programs = engine.0.options.programs.as_ref();
    let environment = match programs.and_then(|it| it.start(&function.name)) {
        Some(environment) => environment,
        None => environment(engine, blueprint(engine, function, &log_stream).await?).await?,
    };
    Ok(Warm {
        environment,
        log_stream,
        generation,
    })
}

async fn blueprint(
    engine: &Engine,
    function: &Version,
    log_stream: &str,
) -> Result<Blueprint, Fault> {
    let opening = (engine.clone(), function.code_sha256.clone());
    let open = move || {
        let (engine, sha256) = opening;
        engine.lambda().packages.open(&engine, &sha256)
    };
    let package = engine.beside(open).await??;
    Ok(Blueprint {
        runtime: function.runtime.clone(),
        handler: function.handler.clone(),
        memory_mb: function.memory_mb,
        timeout: Duration::from_secs(u64::from(function.timeout_secs)),
        variables: variables(engine, function, log_stream),
        environment: function.environment.clone(),
        package,
        code_sha256: function.code_sha256.clone(),
        log_format: settings::log_format(function),
        clock: engine.clock().clone(),
        // Dice of its own: programs run beside each other, and one must not change what another throws.
        ids: Ids::seeded(engine.ids().number()),
    })
}

/// A process of this machine where there are such, and a program for it; otherwise the engine inside.
async fn environment(
    engine: &Engine,
    mut blueprint: Blueprint,
) -> Result<Box<dyn ExecutionEnvironment>, Fault> {
    let is_node = blueprint.runtime.starts_with("nodejs");
    let lambda = engine.lambda();
    let missing = if let Some(processes) = &engine.0.options.processes {
        let home = lambda.home(engine).await?;
        lambda.open_door().await?;
        name_endpoint(engine, &mut blueprint);
        let (processes, blueprint) = (processes.clone(), Arc::new(blueprint.clone()));
        let prepare = move || Process::prepare(&processes, &home, blueprint);
        match engine.beside(prepare).await? {
            Ok(process) => return Ok(Box::new(process)),
            Err(missing) => missing,
        }
    } else if is_node {
        Missing::Embedded
    } else {
        Missing::Because(format!(
            "the runtime {} is not run by this version of Waterwheel; functions with a nodejs runtime run inside the app",
            blueprint.runtime
        ))
    };
    Ok(match missing {
        Missing::Embedded => {
            name_endpoint(engine, &mut blueprint);
            Box::new(JavaScript::new(blueprint))
        }
        Missing::Because(why) => Box::new(Unavailable::new(blueprint.clock, why)),
    })
}

/// No variable of Lambda's, but every SDK takes it: the program's own calls come back here.
fn name_endpoint(engine: &Engine, blueprint: &mut Blueprint) {
    if let Some(url) = engine.lambda().endpoint() {
        let name = "AWS_ENDPOINT_URL".to_owned();
        blueprint.variables.insert(name, url);
    }
}

/// What the program finds in its environment: Lambda's variables.
fn variables(engine: &Engine, function: &Version, log_stream: &str) -> BTreeMap<String, String> {
    let role = Principal::Role {
        role: role_name(&function.role),
        session: function.name.clone(),
    };
    let region = &engine.account().region;
    let memory = function.memory_mb.to_string();
    let execution = format!("AWS_Lambda_{}", function.runtime);
    let group = settings::log_group(function);
    let key = engine.issue_key(&role);
    let secret = engine.ids().hex(40);
    let token = engine.ids().hex(64);
    let own = [
        ("AWS_ACCESS_KEY_ID", key.as_str()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EXECUTION_ENV", &execution),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &function.version),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("AWS_REGION", region),
        ("AWS_SECRET_ACCESS_KEY", &secret),
        ("AWS_SESSION_TOKEN", &token),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LANG", "en_US.UTF-8"),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        (
            "NODE_PATH",
            "/opt/nodejs/node_modules:/var/runtime/node_modules",
        ),
        (
            "PATH",
            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        ),
        ("TZ", ":UTC"),
        ("_HANDLER", &function.handler),
    ];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.collect()
}

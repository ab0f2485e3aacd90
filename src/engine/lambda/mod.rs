//! Lambda: functions, event source mappings and invocations.
//!
//! The control plane is operations on the state; packages lie in the store under their SHA-256.

mod aliases;
mod checks;
mod code;
mod concurrency;
pub mod environment;
mod filter_keys;
pub mod folder;
mod follow;
mod functions;
mod injected;
mod invoke;
pub mod javascript;
mod mapping_settings;
mod mappings;
mod names;
mod outside;
pub mod package;
mod permissions;
mod pool;
pub mod process;
mod queue;
mod report;
mod settings;
mod shapes;
mod start;
mod tags;
mod targets;
#[cfg(test)]
mod testing;
mod unavailable;
mod versions;
mod written;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Engine;
use super::call::{Fault, Operation, Run, any_resource};
pub use filter_keys::{set_key_usable, trouble as filter_trouble};
pub use follow::run_follows;
pub use mapping_settings::is_for_other_sources;
pub use mappings::proposed as proposed_settings;
pub use names::LATEST;
pub use outside::run as run_outside;
pub use package::Package;
pub use permissions::{NOT_ASSUMABLE, is_assumable};
pub use queue::run_queue;
pub use settings::{RUNTIMES, log_group};
pub use targets::version_of;

/// In-memory parts.
#[derive(Default)]
pub struct Live {
    packages: code::Packages,
    pool: pool::Pool,
    queue: queue::Queue,
    endpoint: Mutex<Option<String>>,
    pub follows: follow::Follows,
    outside: outside::Outside,
}

impl Live {
    /// Where programs reach this cloud, `http://127.0.0.1:8700`: functions that start from now on are told, and those that
    /// were told something else are not called again.
    pub fn set_endpoint(&self, url: Option<String>) {
        *self.endpoint.lock() = url;
        self.pool.clear();
    }

    /// The port that is open for everybody, or else the one for functions.
    fn endpoint(&self) -> Option<String> {
        let open = self.endpoint.lock().clone();
        open.or_else(|| self.outside.door())
    }
}

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// The files of the package of a function's `$LATEST`, by path. 404 where there is no such function.
pub fn code_of(engine: &Engine, name: &str) -> Result<Vec<(String, Bytes)>, Fault> {
    let sha256 = engine.read(|state| {
        let function = state.functions.get(name);
        function.map(|it| it.latest.code_sha256.clone())
    });
    let sha256 = sha256.ok_or_else(|| {
        let arn = names::function_arn(engine.account(), name);
        checks::not_found(format!("Function not found: {arn}"))
    })?;
    let package = engine.lambda().packages.open(engine, &sha256)?;
    let files = package.files.iter();
    Ok(files
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect())
}

const OPERATIONS: &[Operation] = &[
    Operation::new(
        "CreateFunction",
        "POST /2015-03-31/functions",
        "lambda:CreateFunction",
        names::resource,
        Run::Later(functions::create),
    ),
    Operation::new(
        "ListFunctions",
        "GET /2015-03-31/functions",
        "lambda:ListFunctions",
        any_resource,
        Run::Now(functions::list),
    ),
    Operation::new(
        "GetFunction",
        "GET /2015-03-31/functions/{FunctionName}",
        "lambda:GetFunction",
        names::resource,
        Run::Now(functions::get),
    ),
    Operation::new(
        "DeleteFunction",
        "DELETE /2015-03-31/functions/{FunctionName}",
        "lambda:DeleteFunction",
        names::resource,
        Run::Data(functions::delete),
    ),
    Operation::new(
        "GetFunctionConfiguration",
        "GET /2015-03-31/functions/{FunctionName}/configuration",
        "lambda:GetFunctionConfiguration",
        names::resource,
        Run::Now(functions::get_configuration),
    ),
    Operation::new(
        "UpdateFunctionConfiguration",
        "PUT /2015-03-31/functions/{FunctionName}/configuration",
        "lambda:UpdateFunctionConfiguration",
        names::resource,
        Run::Data(functions::update_configuration),
    ),
    Operation::new(
        "UpdateFunctionCode",
        "PUT /2015-03-31/functions/{FunctionName}/code",
        "lambda:UpdateFunctionCode",
        names::resource,
        Run::Later(functions::update_code),
    ),
    Operation::new(
        "GetFunctionPackage",
        "GET /2015-03-31/functions/{FunctionName}/package",
        "lambda:GetFunction",
        names::resource,
        Run::Data(functions::package),
    ),
    Operation::new(
        "PublishVersion",
        "POST /2015-03-31/functions/{FunctionName}/versions",
        "lambda:PublishVersion",
        names::resource,
        Run::Now(versions::publish),
    ),
    Operation::new(
        "ListVersionsByFunction",
        "GET /2015-03-31/functions/{FunctionName}/versions",
        "lambda:ListVersionsByFunction",
        names::resource,
        Run::Now(versions::list),
    ),
    Operation::new(
        "CreateAlias",
        "POST /2015-03-31/functions/{FunctionName}/aliases",
        "lambda:CreateAlias",
        names::resource,
        Run::Now(aliases::create),
    ),
    Operation::new(
        "ListAliases",
        "GET /2015-03-31/functions/{FunctionName}/aliases",
        "lambda:ListAliases",
        names::resource,
        Run::Now(aliases::list),
    ),
    Operation::new(
        "GetAlias",
        "GET /2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "lambda:GetAlias",
        names::resource,
        Run::Now(aliases::get),
    ),
    Operation::new(
        "UpdateAlias",
        "PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "lambda:UpdateAlias",
        names::resource,
        Run::Now(aliases::update),
    ),
    Operation::new(
        "DeleteAlias",
        "DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "lambda:DeleteAlias",
        names::resource,
        Run::Now(aliases::delete),
    ),
    Operation::new(
        "Invoke",
        "POST /2015-03-31/functions/{FunctionName}/invocations",
        "lambda:InvokeFunction",
        names::resource,
        Run::Later(invoke::invoke),
    ),
    Operation::new(
        "PutFunctionConcurrency",
        "PUT /2017-10-31/functions/{FunctionName}/concurrency",
        "lambda:PutFunctionConcurrency",
        names::resource,
        Run::Now(concurrency::put),
    ),
    Operation::new(
        "GetFunctionConcurrency",
        "GET /2019-09-30/functions/{FunctionName}/concurrency",
        "lambda:GetFunctionConcurrency",
        names::resource,
        Run::Now(concurrency::get),
    ),
    Operation::new(
        "DeleteFunctionConcurrency",
        "DELETE /2017-10-31/functions/{FunctionName}/concurrency",
        "lambda:DeleteFunctionConcurrency",
        names::resource,
        Run::Now(concurrency::delete),
    ),
    Operation::new(
        "TagResource",
        "POST /2017-03-31/tags/{Resource}",
        "lambda:TagResource",
        tags::resource,
        Run::Now(tags::tag),
    ),
    Operation::new(
        "UntagResource",
        "DELETE /2017-03-31/tags/{Resource}",
        "lambda:UntagResource",
        tags::resource,
        Run::Now(tags::untag),
    ),
    Operation::new(
        "ListTags",
        "GET /2017-03-31/tags/{Resource}",
        "lambda:ListTags",
        tags::resource,
        Run::Now(tags::list),
    ),
    Operation::new(
        "CreateEventSourceMapping",
        "POST /2015-03-31/event-source-mappings",
        "",
        any_resource,
        Run::Data(mappings::create),
    ),
    Operation::new(
        "ListEventSourceMappings",
        "GET /2015-03-31/event-source-mappings",
        "lambda:ListEventSourceMappings",
        any_resource,
        Run::Now(mappings::list),
    ),
    Operation::new(
        "GetEventSourceMapping",
        "GET /2015-03-31/event-source-mappings/{UUID}",
        "",
        any_resource,
        Run::Data(mappings::get),
    ),
    Operation::new(
        "UpdateEventSourceMapping",
        "PUT /2015-03-31/event-source-mappings/{UUID}",
        "",
        any_resource,
        Run::Data(mappings::update),
    ),
    Operation::new(
        "DeleteEventSourceMapping",
        "DELETE /2015-03-31/event-source-mappings/{UUID}",
        "",
        any_resource,
        Run::Data(mappings::delete),
    ),
];

//! The settings of a function: what a request may say of them, and how Lambda shows them. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::checks::{Checks, invalid, whole};
use super::environment::{Level, LogFormat};
use crate::clock::iso_millis;
use crate::engine::call::Fault;
use crate::engine::state::Version;

/// Every runtime of the current API model, old ones included: the enum never forgets.
pub const RUNTIMES: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "nodejs26.x",
    "java8",
    "java8.al2",
    "java8.al2023",
    "java11",
    "java11.al2023",
    "java17",
    "java17.al2023",
    "java21",
    "java25",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
    "provided",
    "provided.al2",
    "provided.al2023",
    "custom",
];

const ROLE_PATTERN: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
const TIMEOUT_SECS: (i64, i64) = (1, 900);
const MEMORY_MB: (i64, i64) = (128, 10_240);
const EPHEMERAL_MB: (i64, i64) = (512, 10_240);
const ENVIRONMENT_BYTES_MAX: usize = 4096;

/// Members that are kept as they are given and shown again.
const KEPT: [&str; 9] = [
    "DeadLetterConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
];

/// Variables Lambda sets itself.
const RESERVED: [&str; 22] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "TZ",
];

/// Checks every setting that is given, in the order AWS does: form first, then meaning.
pub(super) fn check(input: &Value) -> Result<(), Fault> {
    let mut checks = Checks::default();
    if let Some(timeout) = whole(input, "Timeout")? {
        checks.range("timeout", timeout, TIMEOUT_SECS);
    }
    if let Some(memory) = whole(input, "MemorySize")? {
        checks.range("memorySize", memory, MEMORY_MB);
    }
    if let Some(size) = whole(&input["EphemeralStorage"], "Size")? {
        checks.range("ephemeralStorage.size", size, EPHEMERAL_MB);
    }
    if let Some(handler) = input["Handler"].as_str() {
        let fits = !handler.is_empty() && !handler.contains(char::is_whitespace);
        checks.pattern("handler", handler, fits, r"[^\s]+");
        checks.length("handler", handler, 128);
    }
    if let Some(description) = input["Description"].as_str() {
        checks.length("description", description, 256);
    }
    if let Some(role) = input["Role"].as_str() {
        checks.pattern("role", role, is_role_arn(role), ROLE_PATTERN);
    }
    for architecture in input["Architectures"].as_array().into_iter().flatten() {
        let value = architecture.as_str().unwrap_or_default();
        checks.one_of("architectures", value, &["x86_64", "arm64"]);
    }
    if let Some(format) = input["LoggingConfig"]["LogFormat"].as_str() {
        checks.one_of("loggingConfig.logFormat", format, &["JSON", "Text"]);
    }
    check_variable_names(input, &mut checks);
    checks.finish()?;
    check_runtime(input)?;
    check_environment(input)
}

/// Writes the settings that are given; the rest stays.
pub(super) fn apply(function: &mut Version, input: &Value) -> Result<(), Fault> {
    let text = |member: &str| input[member].as_str().map(str::to_owned);
    if let Some(runtime) = text("Runtime") {
        function.runtime = runtime;
    }
    if let Some(handler) = text("Handler") {
        function.handler = handler;
    }
    if let Some(role) = text("Role") {
        function.role = role;
    }
    if let Some(description) = text("Description") {
        function.description = description;
    }
    let number =
        |member| Ok::<_, Fault>(whole(input, member)?.and_then(|it| u32::try_from(it).ok()));
    if let Some(timeout) = number("Timeout")? {
        function.timeout_secs = timeout;
    }
    if let Some(memory) = number("MemorySize")? {
        function.memory_mb = memory;
    }
    if !input["Environment"].is_null() {
        function.environment = variables(input);
    }
    for member in KEPT {
        match input.get(member) {
            None | Some(Value::Null) => (),
            Some(value) => {
                function.settings.insert(member.to_owned(), value.clone());
            }
        }
    }
    Ok(())
}

/// `FunctionConfiguration` as Lambda shows it at this time, with the ARN of the function itself.
pub(super) fn shown(function: &Version, now: SystemTime) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("FunctionName", function.name.as_str().into());
    put("FunctionArn", function.arn.as_str().into());
    put("Runtime", function.runtime.as_str().into());
    put("Role", function.role.as_str().into());
    put("Handler", function.handler.as_str().into());
    put("CodeSize", function.code_size.into());
    let description = function.published_as.as_ref();
    let description = description.unwrap_or(&function.description);
    put("Description", description.as_str().into());
    put("Timeout", function.timeout_secs.into());
    put("MemorySize", function.memory_mb.into());
    let modified = iso_millis(function.last_modified).replace('Z', "+0000");
    put("LastModified", modified.into());
    put("CodeSha256", function.code_sha256.as_str().into());
    put("Version", function.version.as_str().into());
    if !function.environment.is_empty() {
        put("Environment", json!({ "Variables": function.environment }));
    }
    put("RevisionId", function.revision_id.as_str().into());
    put("PackageType", "Zip".into());
    for (name, value) in shown_settings(function) {
        put(name, value);
    }
    for (name, value) in shown_progress(function, now) {
        put(name, value.into());
    }
    out
}

/// `arn:aws:lambda:us-east-1::runtime:<64 hex>`; the same for the same runtime.
pub(super) fn runtime_version_arn(function: &Version) -> String {
    let region = function.arn.split(':').nth(3).unwrap_or_default();
    let digest = Sha256::digest(function.runtime.as_bytes());
    let mut arn = format!("arn:aws:lambda:{region}::runtime:");
    for byte in digest {
        arn.extend(char::from_digit(u32::from(byte >> 4), 16));
        arn.extend(char::from_digit(u32::from(byte & 15), 16));
    }
    arn
}

/// Where the function's lines go: `/aws/lambda/<name>` unless its settings name another group.
pub fn log_group(function: &Version) -> String {
    function
        .settings
        .get("LoggingConfig")
        .and_then(|it| it["LogGroup"].as_str())
        .map_or_else(|| format!("/aws/lambda/{}", function.name), str::to_owned)
}

/// How the function's lines look.
pub(super) fn log_format(function: &Version) -> LogFormat {
    let logging = function.settings.get("LoggingConfig");
    let member = |name: &str| logging.and_then(|it| it[name].as_str());
    if member("LogFormat") != Some("JSON") {
        return LogFormat::Text;
    }
    let level = member("ApplicationLogLevel").and_then(Level::parse);
    LogFormat::Json(level.unwrap_or_default())
}

/// Whether the function is still being made.
pub(super) fn is_pending(function: &Version, now: SystemTime) -> bool {
    function.created && now < function.ready_at
}

/// Whether an update of the function has not ended yet.
pub(super) fn is_updating(function: &Version, now: SystemTime) -> bool {
    !function.created && now < function.ready_at
}

fn shown_settings(function: &Version) -> Vec<(&'static str, Value)> {
    let setting = |name: &str| function.settings.get(name);
    let mut logging = json!({ "LogFormat": "Text", "LogGroup": log_group(function) });
    if let (Some(Value::Object(given)), Value::Object(shown)) =
        (setting("LoggingConfig"), &mut logging)
    {
        shown.extend(given.clone());
    }
    if logging["LogFormat"] == "JSON" {
        for level in ["ApplicationLogLevel", "SystemLogLevel"] {
            if logging[level].is_null() {
                logging[level] = "INFO".into();
            }
        }
    }
    let apply_on = setting("SnapStart").map_or(json!("None"), |it| it["ApplyOn"].clone());
    let or = |name: &str, default: Value| setting(name).cloned().unwrap_or(default);
    let mut out = vec![
        ("Architectures", or("Architectures", json!(["x86_64"]))),
        (
            "EphemeralStorage",
            or("EphemeralStorage", json!({ "Size": 512 })),
        ),
        (
            "TracingConfig",
            or("TracingConfig", json!({ "Mode": "PassThrough" })),
        ),
        (
            "SnapStart",
            json!({ "ApplyOn": apply_on, "OptimizationStatus": "Off" }),
        ),
        ("LoggingConfig", logging),
        (
            "RuntimeVersionConfig",
            json!({ "RuntimeVersionArn": runtime_version_arn(function) }),
        ),
    ];
    for name in ["DeadLetterConfig", "FileSystemConfigs", "KMSKeyArn"] {
        if let Some(value) = setting(name) {
            out.push((name, value.clone()));
        }
    }
    if let Some(Value::Array(arns)) = setting("Layers") {
        let layers = arns.iter().map(|arn| json!({ "Arn": arn, "CodeSize": 0 }));
        out.push(("Layers", layers.collect()));
    }
    if let Some(Value::Object(given)) = setting("VpcConfig") {
        let mut vpc = given.clone();
        vpc.entry("VpcId").or_insert_with(|| "".into());
        out.push(("VpcConfig", vpc.into()));
    }
    out
}

fn shown_progress(function: &Version, now: SystemTime) -> Vec<(&'static str, &'static str)> {
    const REASON: &str = "The function is being created.";
    if is_pending(function, now) {
        vec![
            ("State", "Pending"),
            ("StateReason", REASON),
            ("StateReasonCode", "Creating"),
        ]
    } else if is_updating(function, now) {
        // The reason is worded like this on AWS although nothing is created.
        vec![
            ("State", "Active"),
            ("LastUpdateStatus", "InProgress"),
            ("LastUpdateStatusReason", REASON),
            ("LastUpdateStatusReasonCode", "Creating"),
        ]
    } else {
        vec![("State", "Active"), ("LastUpdateStatus", "Successful")]
    }
}

fn check_variable_names(input: &Value, checks: &mut Checks) {
    const PATTERN: &str = "[a-zA-Z]([a-zA-Z0-9_])+";
    for name in variables(input).into_keys() {
        let reserved = RESERVED.contains(&name.as_str());
        let mut bytes = name.bytes();
        let fits = bytes.next().is_some_and(|it| it.is_ascii_alphabetic())
            && bytes.len() > 0
            && bytes.all(|it| it.is_ascii_alphanumeric() || it == b'_');
        if !fits && !reserved {
            let constraint = format!(
                "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: {PATTERN}]"
            );
            checks.violated("environment.variables", &name, &constraint);
        }
    }
}

fn check_runtime(input: &Value) -> Result<(), Fault> {
    match input["Runtime"].as_str() {
        Some(runtime) if !RUNTIMES.contains(&runtime) => Err(invalid(format!(
            "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
            RUNTIMES.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn check_environment(input: &Value) -> Result<(), Fault> {
    let variables = variables(input);
    let reserved: Vec<&str> = RESERVED
        .into_iter()
        .filter(|name| variables.contains_key(*name) && *name != "TZ")
        .collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let measured = json!(variables).to_string();
    if measured.len() > ENVIRONMENT_BYTES_MAX {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(())
}

fn variables(input: &Value) -> BTreeMap<String, String> {
    let given = input["Environment"]["Variables"].as_object();
    given
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let path = resource
        .strip_prefix("role")
        .map(|it| it.strip_prefix('/').unwrap_or(it));
    arn == "arn"
        && (partition.is_empty() || partition.starts_with("aws"))
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && path.is_some_and(|path| {
            !path.is_empty()
                && path
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&it))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(input: &Value) -> (&'static str, String) {
        let fault = check(input).unwrap_err();
        (fault.code, fault.message)
    }

    #[test]
    fn a_role_must_be_an_arn() {
        let (code, message) = refusal(&json!({ "Role": "r1" }));
        assert_eq!(code, "ValidationException");
        assert_eq!(
            message,
            r"1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
        );
        let good = json!({ "Role": "arn:aws:iam::111122223333:role/service-role/reader" });
        assert!(check(&good).is_ok());
    }

    #[test]
    fn an_unknown_runtime_is_refused() {
        let (code, message) = refusal(&json!({ "Runtime": "non-existent-runtime" }));
        assert_eq!(code, "InvalidParameterValueException");
        assert!(message.starts_with(
            "Value non-existent-runtime at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs, "
        ));
        assert!(message.ends_with("] or be a valid ARN"));
        assert!(check(&json!({ "Runtime": "python3.15" })).is_ok());
    }

    #[test]
    fn numbers_keep_to_their_limits() {
        let (code, message) = refusal(&json!({ "Timeout": 901, "MemorySize": 127 }));
        assert_eq!(code, "ValidationException");
        assert_eq!(
            message,
            "2 validation errors detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900; Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"
        );
    }

    #[test]
    fn an_environment_above_four_kilobytes_is_refused_with_what_was_measured() {
        let (code, message) =
            refusal(&json!({ "Environment": { "Variables": { "BIG": "x".repeat(4096) } } }));
        assert_eq!(code, "InvalidParameterValueException");
        assert!(message.contains("exceeded the 4KB limit. String measured: {\"BIG\":\"xxx"));
        let (_, message) =
            refusal(&json!({ "Environment": { "Variables": { "AWS_REGION": "x" } } }));
        assert!(message.ends_with("Reserved keys used in this request: AWS_REGION"));
        let (_, message) = refusal(&json!({ "Environment": { "Variables": { "1a": "x" } } }));
        assert!(message.contains("Map keys must satisfy constraint"));
    }
}

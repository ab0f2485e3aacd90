//! The host as an object that runtime files call, and the files themselves.
#![expect(
    clippy::needless_pass_by_value,
    reason = "QuickJS hands arguments over by value"
)]

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD,
};
use md5::Md5;
use rquickjs::context::EvalOptions;
use rquickjs::function::Opt;
use rquickjs::promise::PromiseState;
use rquickjs::{
    Array, Ctx, Error, FromJs, Function, IntoJs as _, Module, Object, Promise, TypedArray, Value,
};
use sha2::{Digest as _, Sha256};

use super::host::Host;
use super::loader;
use crate::engine::lambda::environment::{Blueprint, LogFormat};

/// Built-in modules, read when they are asked for.
const BUILTINS: [(&str, &str); 10] = [
    (
        "assert",
        include_str!("../../../../assets/runtime/assert.js"),
    ),
    (
        "buffer",
        include_str!("../../../../assets/runtime/buffer.js"),
    ),
    (
        "crypto",
        include_str!("../../../../assets/runtime/crypto.js"),
    ),
    (
        "events",
        include_str!("../../../../assets/runtime/events.js"),
    ),
    (
        "inspect",
        include_str!("../../../../assets/runtime/inspect.js"),
    ),
    ("path", include_str!("../../../../assets/runtime/path.js")),
    (
        "structured-clone",
        include_str!("../../../../assets/runtime/structured-clone.js"),
    ),
    (
        "timers",
        include_str!("../../../../assets/runtime/timers.js"),
    ),
    ("util", include_str!("../../../../assets/runtime/util.js")),
    (
        "util-dynamodb",
        include_str!("../../../../assets/runtime/util-dynamodb.js"),
    ),
];

/// The newest release of each line of Node that Lambda runs.
const NODE_VERSIONS: [(&str, &str); 5] = [
    ("18", "18.20.8"),
    ("20", "20.19.5"),
    ("22", "22.21.1"),
    ("24", "24.11.1"),
    ("26", "26.0.0"),
];

/// The object through which runtime files reach the engine.
pub(super) fn object<'js>(ctx: &Ctx<'js>, host: &Arc<Host>) -> rquickjs::Result<Object<'js>> {
    let out = Object::new(ctx.clone())?;
    set_engine_calls(&out, host)?;
    set_code_calls(&out)?;
    set_byte_calls(&out)?;
    Ok(out)
}

/// What the runtime files know of their function.
pub(super) fn facts<'js>(ctx: &Ctx<'js>, blueprint: &Blueprint) -> rquickjs::Result<Object<'js>> {
    let environment = Object::new(ctx.clone())?;
    for (name, value) in blueprint.all_variables() {
        environment.set(name, value)?;
    }
    let facts = Object::new(ctx.clone())?;
    facts.set("environment", environment)?;
    facts.set("version", node_version(&blueprint.runtime))?;
    facts.set("arch", "x64")?;
    facts.set("hasJsonLogs", blueprint.log_format != LogFormat::Text)?;
    Ok(facts)
}

/// Evaluates a script under this name; lines and columns count from its first character.
pub(super) fn evaluate<'js, T: FromJs<'js>>(
    ctx: &Ctx<'js>,
    source: impl Into<Vec<u8>>,
    name: &str,
) -> rquickjs::Result<T> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

fn set_engine_calls(out: &Object<'_>, host: &Arc<Host>) -> rquickjs::Result<()> {
    let ctx = out.ctx();
    let shared = || Arc::clone(host);
    let host = shared();
    let log = move |level: String, text: String, json: Opt<String>| {
        host.log(&level, &text, json.0.as_deref());
    };
    out.set("log", Function::new(ctx.clone(), log)?)?;
    let host = shared();
    let raw = move |text: String| host.raw(&text);
    out.set("raw", Function::new(ctx.clone(), raw)?)?;
    let host = shared();
    out.set(
        "now",
        Function::new(ctx.clone(), move || host.now_millis())?,
    )?;
    let host = shared();
    let uptime = move || host.uptime_millis();
    out.set("uptime", Function::new(ctx.clone(), uptime)?)?;
    let host = shared();
    let remaining = move || host.remaining_millis();
    out.set("remaining", Function::new(ctx.clone(), remaining)?)?;
    let host = shared();
    out.set("random", Function::new(ctx.clone(), move || host.random())?)?;
    let host = shared();
    out.set("uuid", Function::new(ctx.clone(), move || host.uuid())?)?;
    let host = shared();
    let exit = move |code: i32| host.exit(code);
    out.set("exit", Function::new(ctx.clone(), exit)?)?;
    let host = shared();
    let memory = move || host.memory_bytes();
    out.set("memory", Function::new(ctx.clone(), memory)?)?;
    let host = shared();
    let read = move |path: String| host.file(&path).map(str::to_owned);
    out.set("read", Function::new(ctx.clone(), read)?)?;
    let host = shared();
    let kind = move |path: String| host.kind(&path);
    out.set("kind", Function::new(ctx.clone(), kind)?)
}

fn set_code_calls(out: &Object<'_>) -> rquickjs::Result<()> {
    let ctx = out.ctx();
    out.set("builtin", Function::new(ctx.clone(), builtin)?)?;
    out.set("evaluate", Function::new(ctx.clone(), script)?)?;
    out.set("tryModule", Function::new(ctx.clone(), try_module)?)?;
    out.set("importLater", Function::new(ctx.clone(), import_later)?)?;
    out.set("importNow", Function::new(ctx.clone(), import_now)?)?;
    out.set("peek", Function::new(ctx.clone(), peek)?)
}

fn set_byte_calls(out: &Object<'_>) -> rquickjs::Result<()> {
    let ctx = out.ctx();
    out.set("encode", Function::new(ctx.clone(), encode)?)?;
    out.set("decode", Function::new(ctx.clone(), decode)?)?;
    out.set("toBase64", Function::new(ctx.clone(), to_base64)?)?;
    out.set("fromBase64", Function::new(ctx.clone(), from_base64)?)?;
    out.set("digest", Function::new(ctx.clone(), digest)?)
}

fn builtin(ctx: Ctx<'_>, name: String) -> rquickjs::Result<Value<'_>> {
    let found = BUILTINS.iter().find(|(known, _)| *known == name);
    match found {
        Some((name, source)) => evaluate(&ctx, *source, &format!("/var/runtime/{name}.js")),
        None => Err(Error::new_loading(&name)),
    }
}

fn script(ctx: Ctx<'_>, source: String, name: String) -> rquickjs::Result<Value<'_>> {
    evaluate(&ctx, source, &name)
}

/// True when this is an ES module, false when it is not one either, otherwise why it cannot be linked.
fn try_module(ctx: Ctx<'_>, source: String, name: String) -> rquickjs::Result<Value<'_>> {
    match loader::declare(&ctx, &name, source) {
        Ok(_) => true.into_js(&ctx),
        Err(Error::Exception) => {
            let thrown = ctx.catch();
            let is_syntax = thrown
                .as_object()
                .and_then(|it| it.get::<_, String>("name").ok())
                .is_some_and(|name| name == "SyntaxError");
            if is_syntax {
                Ok(thrown)
            } else {
                // It could be read; what it imports is another matter.
                true.into_js(&ctx)
            }
        }
        Err(error) => Err(error),
    }
}

fn import_later(ctx: Ctx<'_>, name: String) -> rquickjs::Result<Promise<'_>> {
    Module::import(&ctx, name)
}

/// The namespace of a module that does not wait for anything.
fn import_now(ctx: Ctx<'_>, name: String) -> rquickjs::Result<Object<'_>> {
    let path = name.trim_start_matches("file://").to_owned();
    match Module::import(&ctx, name)?.finish() {
        Err(Error::WouldBlock) => {
            let message = format!(
                "require() cannot be used on an ESM graph with top-level await. Use import() instead. From {path}"
            );
            Err(rquickjs::Exception::throw_message(&ctx, &message))
        }
        finished => finished,
    }
}

/// `['pending']`, or the state and the result of a promise.
fn peek<'js>(ctx: Ctx<'js>, promise: Promise<'js>) -> rquickjs::Result<Array<'js>> {
    let out = Array::new(ctx.clone())?;
    match promise.state() {
        PromiseState::Pending => out.set(0, "pending")?,
        PromiseState::Resolved => {
            out.set(0, "fulfilled")?;
            out.set(1, promise.result::<Value<'_>>().transpose()?)?;
        }
        PromiseState::Rejected => {
            out.set(0, "rejected")?;
            // Reading a rejection throws it.
            if promise.result::<Value<'_>>().is_some() {
                out.set(1, ctx.catch())?;
            }
        }
    }
    Ok(out)
}

fn encode(ctx: Ctx<'_>, text: String) -> rquickjs::Result<TypedArray<'_, u8>> {
    TypedArray::new(ctx, text.into_bytes())
}

// Bytes come as plain arrays: there is no safe look into the memory of a typed one.
fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn to_base64(bytes: Vec<u8>, is_for_urls: bool) -> String {
    if is_for_urls {
        URL_SAFE_NO_PAD.encode(bytes)
    } else {
        STANDARD.encode(bytes)
    }
}

/// Both alphabets, with or without padding; ends at the first character that is of neither.
fn from_base64(ctx: Ctx<'_>, text: String) -> rquickjs::Result<TypedArray<'_, u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut digits: String = text
        .chars()
        .filter(|it| !it.is_ascii_whitespace())
        .map(|it| match it {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .take_while(|it| it.is_ascii_alphanumeric() || matches!(it, '+' | '/'))
        .collect();
    // One digit alone is less than a byte.
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    let decoded = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(digits);
    TypedArray::new(ctx, decoded.unwrap_or_default())
}

fn digest(ctx: Ctx<'_>, name: String, bytes: Vec<u8>) -> rquickjs::Result<TypedArray<'_, u8>> {
    let digest = if name == "md5" {
        Md5::digest(bytes).to_vec()
    } else {
        Sha256::digest(bytes).to_vec()
    };
    TypedArray::new(ctx, digest)
}

/// `nodejs22.x` as the number of a release.
fn node_version(runtime: &str) -> String {
    let line = runtime
        .trim_start_matches("nodejs")
        .trim_end_matches("-edge")
        .trim_end_matches(".x");
    let known = NODE_VERSIONS.iter().find(|(major, _)| *major == line);
    match known {
        Some((_, version)) => (*version).to_owned(),
        None if line.is_empty() => "0.10.42".to_owned(),
        None if line.contains('.') => format!("{line}.0"),
        None => format!("{line}.0.0"),
    }
}

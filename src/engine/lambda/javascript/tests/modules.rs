//! How programs are found and put together.

use serde_json::{Value, json};

use super::{answer, blueprint, failure, lines, run, run_with};
use crate::engine::lambda::environment::Ran;

async fn run_files(files: &[(&str, &str)]) -> Ran {
    run_with(blueprint(files), json!({})).await
}

async fn run_as(handler: &str, files: &[(&str, &str)]) -> Ran {
    let mut blueprint = blueprint(files);
    handler.clone_into(&mut blueprint.handler);
    run_with(blueprint, json!({})).await
}

#[tokio::test(start_paused = true)]
async fn an_es_module_exports_its_handler() {
    let source = "export const handler = async (event) => import.meta.url;";
    let url = json!("file:///var/task/index.mjs");
    assert_eq!(answer(&run_files(&[("index.mjs", source)]).await), url);
    let typed = [
        (
            "index.js",
            "export const handler = async () => import.meta.dirname",
        ),
        ("package.json", r#"{"type": "module"}"#),
    ];
    assert_eq!(answer(&run_files(&typed).await), json!("/var/task"));
    let untyped = [("index.js", "export async function handler() { return 1 }")];
    assert_eq!(answer(&run_files(&untyped).await), json!(1));
    let waits = [(
        "index.js",
        "const n = await Promise.resolve(4); export const handler = async () => n",
    )];
    assert_eq!(answer(&run_files(&waits).await), json!(4));
    let waits = [(
        "index.mjs",
        "await new Promise(r => setTimeout(r, 500)); export const handler = async () => 5",
    )];
    assert_eq!(answer(&run_files(&waits).await), json!(5));
}

#[tokio::test(start_paused = true)]
async fn es_modules_import_each_other_commonjs_and_json() {
    let files = [
        (
            "index.mjs",
            "import { add } from './lib/add.mjs';\nimport old, { twice } from './old.cjs';\nimport data from './data.json' with { type: 'json' };\nimport { readFileSync } from './named.js';\nimport * as all from 'small';\nconst { late } = await import('./lib/late.mjs');\nexport const handler = async () => [add(1, 2), old.twice(2), twice(3), data.n, readFileSync, all.default, late];",
        ),
        ("lib/add.mjs", "export const add = (a, b) => a + b;"),
        ("lib/late.mjs", "export const late = 'late';"),
        (
            "old.cjs",
            "module.exports = { twice: (n) => n * 2, class: 1 };",
        ),
        ("named.js", "exports.readFileSync = 'named';"),
        ("data.json", r#"{"n": 7}"#),
        (
            "node_modules/small/package.json",
            r#"{"name": "small", "exports": {".": {"import": "./m.mjs", "require": "./m.cjs"}}}"#,
        ),
        ("node_modules/small/m.mjs", "export default 'esm';"),
        ("node_modules/small/m.cjs", "module.exports = 'cjs';"),
    ];
    assert_eq!(
        answer(&run_files(&files).await),
        json!([3, 4, 6, 7, "named", "esm", "late"])
    );
}

#[tokio::test(start_paused = true)]
async fn commonjs_requires_files_folders_packages_and_json() {
    let files = [
        (
            "index.js",
            "const a = require('./a');\nconst folder = require('./folder');\nconst pkg = require('pkg');\nconst deep = require('pkg/lib/deep');\nconst scoped = require('@me/scoped');\nconst { n } = require('./data.json');\nconst esm = require('./esm.mjs');\nexports.handler = async () => [a.name, folder, pkg, deep, scoped, n, esm.default, a === require('./a.js'), __filename, __dirname, module.id];",
        ),
        (
            "a.js",
            "exports.name = require('./b').name + '!'; this.x = 1;",
        ),
        (
            "b.js",
            "const a = require('./a'); exports.name = typeof a.name;",
        ),
        (
            "folder/index.js",
            "module.exports = require('../data').n + 1;",
        ),
        ("data.json", r#"{"n": 7}"#),
        ("esm.mjs", "export default 'esm';"),
        ("node_modules/pkg/package.json", r#"{"main": "lib/main"}"#),
        ("node_modules/pkg/lib/main.js", "module.exports = 'main';"),
        ("node_modules/pkg/lib/deep.js", "module.exports = 'deep';"),
        (
            "node_modules/@me/scoped/index.js",
            "module.exports = 'scoped';",
        ),
    ];
    assert_eq!(
        answer(&run_files(&files).await),
        json!([
            "undefined!",
            8,
            "main",
            "deep",
            "scoped",
            7,
            "esm",
            true,
            "/var/task/index.js",
            "/var/task",
            "/var/task/index.js"
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_lie_in_a_folder_and_in_an_object() {
    let files = [(
        "src/app.js",
        "exports.on = { change: async () => 'changed' }",
    )];
    assert_eq!(
        answer(&run_as("src/app.on.change", &files).await),
        json!("changed")
    );
    let files = [("app.mjs", "export default { run: async () => 1 }")];
    assert_eq!(answer(&run_as("app.default.run", &files).await), json!(1));
}

#[track_caller]
fn check_not_loaded(ran: &Ran, kind: &str, message: &str) {
    let failed = failure(ran);
    assert_eq!(failed["errorType"], kind, "{failed}");
    assert_eq!(failed["errorMessage"], message, "{failed}");
    assert!(!ran.is_reusable);
    let init = ran.init.as_ref().unwrap();
    assert!(!init.is_successful);
    let line = &init.lines.last().unwrap().1;
    assert!(
        line.contains("\tundefined\tERROR\tUncaught Exception \t{\"errorType\":"),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_not_there_is_named() {
    let files = [("index.js", "exports.handler = async () => 1; exports.n = 1")];
    for (handler, kind, message) in [
        (
            "other.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'other'\nRequire stack:\n- /var/runtime/index.mjs",
        ),
        (
            "index.main",
            "Runtime.HandlerNotFound",
            "index.main is undefined or not exported",
        ),
        (
            "index.n",
            "Runtime.HandlerNotFound",
            "index.n is not a function",
        ),
        ("index", "Runtime.MalformedHandlerName", "Bad handler"),
    ] {
        check_not_loaded(&run_as(handler, &files).await, kind, message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_cannot_be_loaded_says_why() {
    let lib = ("lib/a.js", "require('./gone')");
    for (file, source, kind, message) in [
        (
            "index.js",
            "const a = require('./lib/a')",
            "Runtime.ImportModuleError",
            "Error: Cannot find module './gone'\nRequire stack:\n- /var/task/lib/a.js\n- /var/task/index.js\n- /var/runtime/index.mjs",
        ),
        (
            "index.mjs",
            "import 'left-pad'",
            "Error",
            "Cannot find package 'left-pad' imported from /var/task/index.mjs",
        ),
        (
            "index.js",
            "import 'left-pad'; export const handler = 1",
            "Error",
            "Cannot find package 'left-pad' imported from /var/task/index.js",
        ),
        (
            "index.mjs",
            "import './gone.mjs'",
            "Error",
            "Cannot find module '/var/task/gone.mjs' imported from /var/task/index.mjs",
        ),
        (
            "index.js",
            "throw new TypeError('at start')",
            "TypeError",
            "at start",
        ),
    ] {
        let ran = run_files(&[(file, source), lib]).await;
        check_not_loaded(&ran, kind, message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_syntax_error_names_its_place() {
    for (file, place) in [
        ("index.js", "/var/task/index.js:3:"),
        ("index.mjs", "file:///var/task/index.mjs:3:"),
    ] {
        let ran = run_files(&[(file, "\n\nconst = 1;\n")]).await;
        let failed = failure(&ran);
        assert_eq!(failed["errorType"], "Runtime.UserCodeSyntaxError");
        let message = failed["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("SyntaxError: "), "{failed}");
        let trace = failed["trace"][1].as_str().unwrap();
        assert!(trace.starts_with(&format!("    at {place}")), "{failed}");
    }
    let mixed = "import fs from 'path';\nexport const handler = async () => {\n  retrun 1;\n};\n";
    let failed = failure(&run_files(&[("index.js", mixed)]).await);
    assert_eq!(failed["errorType"], "Runtime.UserCodeSyntaxError");
    assert!(
        failed["trace"][1].as_str().unwrap().contains("index.js:3:"),
        "{failed}"
    );
}

#[tokio::test(start_paused = true)]
async fn errors_of_an_es_module_name_its_url() {
    let source = "export const handler = async () => {\n  throw new Error('x');\n};\n";
    let ran = run_files(&[("index.mjs", source)]).await;
    assert_eq!(
        failure(&ran)["trace"][1],
        "    at handler (file:///var/task/index.mjs:2:13)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_context_and_the_environment_are_those_of_lambda() {
    let source = "exports.handler = async (event, context) => [context.functionName, context.functionVersion, context.memoryLimitInMB, context.awsRequestId, context.invokedFunctionArn, typeof context.getRemainingTimeInMillis(), process.env.STAGE, process.env._X_AMZN_TRACE_ID, process.env.GONE ?? null, process.version.split('.')[0], event]";
    let ran = run_with(
        blueprint(&[("index.js", source)]),
        json!({ "ä": ["😀", 1.5] }),
    )
    .await;
    assert_eq!(
        answer(&ran),
        json!([
            "bill", "$LATEST", "128", "r-1", "arn:aws:lambda:us-east-1:123456789012:function:bill",
            "number", "test", "Root=1-0", null, "v22", { "ä": ["😀", 1.5] }
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn built_in_modules_are_there_with_and_without_their_prefix() {
    let source = r"
const util = require('util'); const path = require('node:path'); const assert = require('assert');
const EventEmitter = require('events'); const { Buffer } = require('node:buffer'); const crypto = require('crypto');
exports.handler = async () => {
  const out = {};
  out.inspect = util.inspect({ a: { b: { c: {} } } }, { depth: 0 });
  out.format = util.format('%s=%d %j', 'a', 1, { b: 2 });
  await util.promisify(setTimeout)(5);
  out.promisified = await util.promisify((a, done) => done(null, a + 1))(1);
  out.path = [path.join('/a', '../b', 'c.js'), path.basename('/x/y.js', '.js'), path.extname('a.b.c'), path.dirname('/a/b'), path.resolve('x'), path.relative('/a/b', '/a/c')];
  class Bus extends EventEmitter {}
  const bus = new Bus(); const seen = [];
  bus.on('x', (n) => seen.push(n)); bus.once('x', (n) => seen.push(-n));
  bus.emit('x', 1); bus.emit('x', 2); out.events = seen;
  function Old() { EventEmitter.call(this); } util.inherits(Old, EventEmitter);
  out.old = new Old().emit('nothing');
  out.base64 = Buffer.from('grüße').toString('base64'); out.back = Buffer.from('Z3LDvMOfZQ==', 'base64').toString();
  out.hex = Buffer.concat([Buffer.from([1, 255]), Buffer.from('0a', 'hex')]).toString('hex');
  out.buffer = JSON.stringify(Buffer.from('hi')); out.shown = util.inspect(Buffer.from('hi'));
  out.url = Buffer.from([251, 255]).toString('base64url');
  out.text = new TextDecoder().decode(new TextEncoder().encode('ä'));
  out.atob = atob('aGk='); out.btoa = btoa('hi');
  out.hash = crypto.createHash('sha256').update('abc').digest('hex').slice(0, 8);
  out.uuid = /^[0-9a-f-]{36}$/.test(crypto.randomUUID()) && /^[0-9a-f-]{36}$/.test(globalThis.crypto.randomUUID());
  const copy = structuredClone({ d: new Date(0), m: new Map([[1, [2]]]) }); out.clone = [copy.d.getTime(), copy.m.get(1)[0]];
  try { assert.deepStrictEqual({ a: [1] }, { a: [2] }); } catch (e) { out.assert = [e.name, e.code]; }
  assert.deepEqual({ a: new Set([1]) }, { a: new Set(['1']) }); assert.throws(() => { throw new Error('x') }, /x/); assert.ok(true);
  out.random = Math.random() !== Math.random();
  out.mem = process.memoryUsage().heapUsed >= 0; out.cwd = process.cwd();
  out.timers = await require('timers/promises').setTimeout(5, 'v');
  return out;
};";
    let expected = json!({
        "inspect": "{ a: [Object] }", "format": "a=1 {\"b\":2}", "promisified": 2,
        "path": ["/b/c.js", "y", ".c", "/a", "/var/task/x", "../c"], "events": [1, -1, 2], "old": false,
        "base64": "Z3LDvMOfZQ==", "back": "grüße", "hex": "01ff0a",
        "buffer": "{\"type\":\"Buffer\",\"data\":[104,105]}", "shown": "<Buffer 68 69>", "url": "-_8",
        "text": "ä", "atob": "hi", "btoa": "aGk=", "hash": "ba7816bf", "uuid": true, "clone": [0, 2],
        "assert": ["AssertionError", "ERR_ASSERTION"], "random": true, "mem": true, "cwd": "/var/task",
        "timers": "v",
    });
    let ran = run(source).await;
    assert_eq!(answer(&ran), expected, "{:?}", lines(&ran));
    let esm = "import { join } from 'node:path'; import util, { format } from 'util'; import { unmarshall } from '@aws-sdk/util-dynamodb';\nexport const handler = async () => [join('a', 'b'), util.format === format, unmarshall({ n: { N: '1' } })];";
    assert_eq!(
        answer(&run_files(&[("index.mjs", esm)]).await),
        json!(["a/b", true, { "n": 1 }])
    );
}

#[tokio::test(start_paused = true)]
async fn dynamodb_values_are_unmarshalled_and_marshalled() {
    let source = "const { marshall, unmarshall } = require('@aws-sdk/util-dynamodb');
exports.handler = async () => {
  const item = unmarshall({ id: { S: 'a' }, n: { N: '42.5' }, b: { BOOL: true }, z: { NULL: true }, l: { L: [{ S: 'x' }, { N: '1' }] }, m: { M: { k: { S: 'v' } } }, ss: { SS: ['p', 'q'] }, ns: { NS: ['1', '2'] }, big: { N: '9007199254740993' } });
  const out = [item.id, item.n, item.b, item.z, item.l, item.m, [...item.ss], [...item.ns], String(item.big)];
  return [out, marshall({ a: 1, b: 'x', c: [true, null], d: { e: new Set(['s']) }, f: undefined }, { removeUndefinedValues: true })];
};";
    assert_eq!(
        answer(&run(source).await),
        json!([
            ["a", 42.5, true, null, ["x", 1], { "k": "v" }, ["p", "q"], [1, 2], "9007199254740993"],
            {
                "a": { "N": "1" }, "b": { "S": "x" }, "c": { "L": [{ "BOOL": true }, { "NULL": true }] },
                "d": { "M": { "e": { "SS": ["s"] } } },
            }
        ])
    );
    let strict = "const { marshall } = require('@aws-sdk/util-dynamodb'); exports.handler = async () => marshall({ a: undefined })";
    let failed = failure(&run(strict).await);
    assert_eq!(
        failed["errorMessage"],
        "Pass options.removeUndefinedValues=true to remove undefined values from map/array/set."
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_runtime_does_not_bring_is_not_found() {
    for name in ["fs", "node:http", "@aws-sdk/client-dynamodb", "aws-sdk"] {
        let ran = run(&format!("require('{name}')")).await;
        let failed = failure(&ran);
        assert_eq!(failed["errorType"], "Runtime.ImportModuleError", "{name}");
        let message = failed["errorMessage"].as_str().unwrap();
        assert!(
            message.starts_with(&format!(
                "Error: Cannot find module '{name}'\nRequire stack:"
            )),
            "{message}"
        );
    }
    let ran = run("exports.handler = async () => [typeof fetch, typeof XMLHttpRequest, typeof require('util').types]").await;
    assert_eq!(answer(&ran), json!(["undefined", "undefined", "object"]));
    assert_eq!(answer(&run("exports.handler = async () => globalThis.__runtime__ === undefined ? 1 : Object.keys(globalThis)").await), json!(Vec::<Value>::new()));
}

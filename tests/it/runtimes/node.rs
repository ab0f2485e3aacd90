//! Node functions on this machine's Node.

use super::{Source, has, invoke, logged, options, package, world};
use crate::lab::Lab;

fn source<'a>(files: &'a [(&'a str, &'a str)]) -> Source<'a> {
    Source {
        runtime: "nodejs22.x",
        handler: "index.handler",
        files,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_gets_its_event_and_its_context() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    let code = r"
import fs from 'node:fs';
console.log('loading');
let count = 0;
export const handler = async (event, context) => {
  count += 1;
  const left = context.getRemainingTimeInMillis();
  return {
    event, count, name: context.functionName, version: context.functionVersion, memory: context.memoryLimitInMB,
    arn: context.invokedFunctionArn, id: context.awsRequestId, group: context.logGroupName, left: left > 0 && left <= 20000,
    trace: process.env._X_AMZN_TRACE_ID.slice(0, 7), here: process.cwd() === process.env.LAMBDA_TASK_ROOT,
    real: fs.existsSync('index.mjs'), execution: process.env.AWS_EXECUTION_ENV,
  };
};
";
    source(&[("index.mjs", code)])
        .create(&lab.lambda, "asked")
        .await;
    let answer = invoke(&lab.lambda, "asked", r#"{"a": [1, null, "ü"]}"#).await;
    let got = answer.json();
    assert_eq!(got["event"], serde_json::json!({ "a": [1, null, "ü"] }));
    assert_eq!((&got["count"], &got["name"]), (&1.into(), &"asked".into()));
    assert_eq!(
        (&got["version"], &got["memory"]),
        (&"$LATEST".into(), &"512".into())
    );
    assert_eq!(
        got["arn"],
        "arn:aws:lambda:us-east-1:123456789012:function:asked"
    );
    let start = format!("START RequestId: {} ", got["id"].as_str().unwrap());
    assert!(answer.log.contains(&start));
    for holds in ["left", "here", "real"] {
        assert_eq!(got[holds], true, "{holds}");
    }
    assert_eq!(
        (&got["trace"], &got["execution"]),
        (&"Root=1-".into(), &"AWS_Lambda_nodejs22.x".into())
    );
    assert!(
        answer.lines()[0].ends_with("Z\tundefined\tINFO\tloading"),
        "{answer:?}"
    );
    assert!(answer.log.contains("\tRuns On: Node.js "), "{answer:?}");
    assert_eq!(invoke(&lab.lambda, "asked", "{}").await.json()["count"], 2);
    lab.close().await;
}

/// Handlers, what they answer, and whether the environment ends with that.
const STYLES: [(&str, &str, bool); 15] = [
    (
        "(e, c, done) => { setTimeout(() => done(null, 'late'), 20); }",
        "\"late\"",
        false,
    ),
    (
        "(e, c, done) => { done(null, 1); setTimeout(() => { e.x = 1; }, 20); }",
        "1",
        false,
    ),
    (
        "(e, c) => { c.callbackWaitsForEmptyEventLoop = false; c.succeed({ a: 1 }); }",
        r#"{"a":1}"#,
        false,
    ),
    ("() => 5", "null", false),
    ("async () => {}", "null", false),
    ("() => Promise.resolve([1])", "[1]", false),
    (
        "async () => { throw new RangeError('boom'); }",
        "RangeError: boom",
        false,
    ),
    ("(e, c, done) => { done('text'); }", "string: text", false),
    (
        "() => { throw new TypeError('at once'); }",
        "TypeError: at once",
        false,
    ),
    (
        "async () => { const a = {}; a.a = a; return a; }",
        "Error: Unable to stringify response body",
        false,
    ),
    (
        "async () => { await new Promise(() => {}); }",
        "Runtime.NodeJsExit: ",
        true,
    ),
    (
        "() => { setTimeout(() => { throw new Error('later'); }, 5); }",
        "Error: later",
        true,
    ),
    (
        "() => { Promise.reject(new Error('nobody')); setTimeout(() => {}, 50); }",
        "Runtime.UnhandledPromiseRejection: Error: nobody",
        true,
    ),
    (
        "async () => { process.exit(0); }",
        "Runtime.ExitError: Error: Runtime exited without providing a reason",
        true,
    ),
    (
        "async () => { process.exit(7); }",
        "Runtime.ExitError: Error: Runtime exited with error: exit status 7",
        true,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_every_style_end_as_on_lambda() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    for (at, (handler, expected, ends)) in STYLES.into_iter().enumerate() {
        let name = format!("f{at}");
        let code = format!("exports.handler = {handler};");
        source(&[("index.js", &code)])
            .create(&lab.lambda, &name)
            .await;
        for is_second in [false, true] {
            let answer = invoke(&lab.lambda, &name, "{}").await;
            if answer.is_error {
                let got = answer.json();
                let text = got["errorMessage"].as_str().unwrap();
                let text = text
                    .split_once("Error: Runtime")
                    .map_or_else(|| text.to_owned(), |(_, it)| format!("Error: Runtime{it}"));
                let shown = format!("{}: {text}", got["errorType"].as_str().unwrap());
                assert!(shown.starts_with(expected), "{handler}: {shown}");
            } else {
                assert_eq!(answer.payload, expected, "{handler}");
            }
            assert_eq!(answer.is_cold(), ends || !is_second, "{handler}");
        }
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_has_the_places_it_would_have_on_lambda() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    let code = "exports.handler = async () => {\n  console.log('two\\nlines', { a: 1 });\n  throw new RangeError('boom');\n};\n";
    source(&[("index.js", code)])
        .create(&lab.lambda, "fails")
        .await;
    let answer = invoke(&lab.lambda, "fails", "{}").await;
    let got = answer.json();
    assert_eq!(got["trace"][0], "RangeError: boom");
    assert!(
        got["trace"][1]
            .as_str()
            .unwrap()
            .ends_with("(/var/task/index.js:3:9)"),
        "{got}"
    );
    let lines = logged(&lab, "fails").await;
    assert!(
        lines
            .iter()
            .any(|it| it.ends_with("\tINFO\ttwo\rlines { a: 1 }")),
        "{lines:?}"
    );
    let error = lines
        .iter()
        .find(|it| it.contains("\tERROR\tInvoke Error \t{"))
        .unwrap();
    assert!(
        error.contains(
            r#""errorType":"RangeError","errorMessage":"boom","stack":["RangeError: boom""#
        )
    );
    lab.close().await;
}

type Files = &'static [(&'static str, &'static str)];

const PLAIN: &str =
    "exports.handler = async () => 'cjs'; exports.deep = { in: async () => 'deep' };";
const MODULE: &str = "export const handler = async () => 'esm';";
/// Names of handlers, packages, and what they answer.
const GOOD: [(&str, Files, &str); 6] = [
    ("index.handler", &[("index.cjs", PLAIN)], "\"cjs\""),
    ("lib/a.deep.in", &[("lib/a.js", PLAIN)], "\"deep\""),
    (
        "index.handler",
        &[
            ("index.js", MODULE),
            ("package.json", r#"{"type": "module"}"#),
        ],
        "\"esm\"",
    ),
    (
        "index.handler",
        &[("index.mjs", MODULE), ("index.js", PLAIN)],
        "\"cjs\"",
    ),
    ("pkg.handler", &[("pkg/index.js", PLAIN)], "\"cjs\""),
    (
        "x.handler",
        &[
            ("node_modules/x/main.js", PLAIN),
            ("node_modules/x/package.json", r#"{"main": "main.js"}"#),
        ],
        "\"cjs\"",
    ),
];
/// Names of handlers and why they cannot be loaded.
const BAD: [(&str, &str, &str); 6] = [
    (
        "none.handler",
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'none'",
    ),
    (
        "index.none",
        "Runtime.HandlerNotFound",
        "index.none is undefined or not exported",
    ),
    ("index", "Runtime.MalformedHandlerName", "Bad handler"),
    (
        "syntax.handler",
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: ",
    ),
    ("throws.handler", "Error", "at the start"),
    ("waits.handler", "Runtime.NodeJsExit", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_is_found_where_lambda_looks_for_it() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    for (at, (handler, files, expected)) in GOOD.into_iter().enumerate() {
        let source = Source {
            runtime: "nodejs20.x",
            handler,
            files,
        };
        source.create(&lab.lambda, &format!("good{at}")).await;
        let answer = invoke(&lab.lambda, &format!("good{at}"), "{}").await;
        assert_eq!(answer.payload, expected, "{handler}");
    }
    for (at, (handler, kind, message)) in BAD.into_iter().enumerate() {
        let files = [
            ("index.js", PLAIN),
            ("syntax.js", "exports.handler = ("),
            ("throws.js", "throw new Error('at the start');"),
            (
                "waits.mjs",
                "await new Promise(() => {}); export const handler = 1;",
            ),
        ];
        let source = Source {
            runtime: "nodejs24.x",
            handler,
            files: &files,
        };
        source.create(&lab.lambda, &format!("bad{at}")).await;
        let answer = invoke(&lab.lambda, &format!("bad{at}"), "{}").await;
        let got = answer.json();
        assert_eq!(got["errorType"], kind, "{handler}");
        assert!(
            got["errorMessage"].as_str().unwrap().starts_with(message),
            "{got}"
        );
        assert!(
            answer.log.contains("Phase: init\tStatus: error"),
            "{answer:?}"
        );
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_inside_serves_who_picks_it_and_says_so() {
    let lab = world().await;
    let picked = aws_sdk_lambda::types::Environment::builder();
    let picked = picked.variables("WATERWHEEL_NODE", "embedded").build();
    let code = "exports.handler = async () => 1;";
    let settings = |it: super::CreateFunction| it.environment(picked);
    source(&[("index.js", code)])
        .create_with(&lab.lambda, "inside", settings)
        .await;
    let answer = invoke(&lab.lambda, "inside", "{}").await;
    assert!(
        answer
            .log
            .contains("\tRuns On: embedded JavaScript engine\n"),
        "{answer:?}"
    );
    lab.close().await;
    let mut options = options();
    options.processes.as_mut().unwrap().node = Some("/no/such/node".parse().unwrap());
    let lab = Lab::with(options);
    lab.role("worker").await;
    source(&[("index.js", code)])
        .create(&lab.lambda, "missing")
        .await;
    let got = invoke(&lab.lambda, "missing", "{}").await.json();
    assert!(
        got["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("/no/such/node is no Node.js"),
        "{got}"
    );
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_code_runs_in_a_new_process() {
    if !has("node") {
        return;
    }
    let lab = world().await;
    source(&[("index.js", "exports.handler = async () => 1;")])
        .create(&lab.lambda, "changes")
        .await;
    assert_eq!(invoke(&lab.lambda, "changes", "{}").await.payload, "1");
    let update = lab.lambda.update_function_code().function_name("changes");
    let zip = package(&[("index.js", "exports.handler = async () => 2;")]);
    update
        .zip_file(aws_sdk_lambda::primitives::Blob::new(zip))
        .send()
        .await
        .unwrap();
    lab.sleep(1).await;
    let answer = invoke(&lab.lambda, "changes", "{}").await;
    assert_eq!((answer.payload.as_str(), answer.is_cold()), ("2", true));
    lab.close().await;
}

//! Programs as users write them, run as Lambda runs them.

mod modules;
mod output;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::JavaScript;
use crate::clock::{Clock, from_epoch_millis};
use crate::engine::lambda::environment::{
    Blueprint, Ended, ExecutionEnvironment as _, Invocation, LogFormat, Ran,
};
use crate::engine::lambda::package::Package;
use crate::ids::Ids;

fn blueprint(files: &[(&str, &str)]) -> Blueprint {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), Bytes::from((*text).to_owned())))
        .collect();
    let variables = [
        ("AWS_LAMBDA_FUNCTION_NAME", "bill"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("STAGE", "test"),
    ];
    Blueprint {
        runtime: "nodejs22.x".to_owned(),
        handler: "index.handler".to_owned(),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        variables: variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        package: Arc::new(Package {
            files,
            ..Package::default()
        }),
        environment: BTreeMap::new(),
        code_sha256: String::new(),
        log_format: LogFormat::Text,
        clock: Clock::at(from_epoch_millis(1_767_225_600_000)),
        ids: Ids::seeded(1),
    }
}

fn invocation(event: &Value) -> Invocation {
    Invocation {
        request_id: "r-1".to_owned(),
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:bill".to_owned(),
        event: event.to_string(),
        client_context: None,
        trace_id: "Root=1-0".to_owned(),
    }
}

async fn run_with(blueprint: Blueprint, event: Value) -> Ran {
    JavaScript::new(blueprint).invoke(invocation(&event)).await
}

/// Runs `index.js` with an empty event.
async fn run(source: &str) -> Ran {
    run_with(blueprint(&[("index.js", source)]), json!({})).await
}

#[track_caller]
fn answer(ran: &Ran) -> Value {
    match &ran.ended {
        Ended::Answered(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?} {:?}", ran.lines),
    }
}

#[track_caller]
fn failure(ran: &Ran) -> Value {
    match &ran.ended {
        Ended::Failed(failure) => serde_json::from_str(&failure.payload).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn lines(ran: &Ran) -> Vec<&str> {
    ran.lines.iter().map(|(_, line)| line.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_async_handler_answers_with_what_it_returns() {
    let ran = run("exports.handler = async (event) => ({ hello: 'world' })").await;
    assert_eq!(answer(&ran), json!({ "hello": "world" }));
    assert!(ran.is_reusable);
    assert!(ran.init.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_callback_handler_answers_through_its_callback() {
    let ran = run("exports.handler = (event, context, callback) => callback(null, 'done')").await;
    assert_eq!(answer(&ran), json!("done"));
    let ran =
        run("exports.handler = (e, c, callback) => { setTimeout(() => callback(null, 7), 50) }")
            .await;
    assert_eq!(answer(&ran), json!(7));
    let ran = run("exports.handler = (e, c, callback) => { callback(new TypeError('no')) }").await;
    assert_eq!(failure(&ran)["errorType"], "TypeError");
    let ran = run("exports.handler = (e, c, callback) => { callback('text') }").await;
    assert_eq!(
        failure(&ran),
        json!({ "errorType": "string", "errorMessage": "text", "trace": [] })
    );
}

#[tokio::test(start_paused = true)]
async fn a_callback_waits_for_the_event_loop_unless_told_otherwise() {
    let waits = "exports.handler = (e, context, callback) => { LINE setTimeout(() => console.log('late'), 100); callback(null, 1) }";
    let ran = run(&waits.replace("LINE", "")).await;
    assert_eq!(answer(&ran), json!(1));
    assert_eq!(ran.took, Duration::from_millis(100));
    assert_eq!(ran.lines.len(), 1);
    let ran = run(&waits.replace("LINE", "context.callbackWaitsForEmptyEventLoop = false;")).await;
    assert_eq!(answer(&ran), json!(1));
    assert_eq!(ran.took, Duration::ZERO);
    for way in ["context.succeed(2)", "context.done(null, 2)"] {
        let ran = run(&format!("exports.handler = (e, context) => {{ {way} }}")).await;
        assert_eq!(answer(&ran), json!(2));
    }
    let ran = run("exports.handler = (e, context) => context.fail(new Error('f'))").await;
    assert_eq!(failure(&ran)["errorMessage"], "f");
}

#[tokio::test(start_paused = true)]
async fn callbacks_are_gone_from_node_24_on() {
    let newer = |source: &str| {
        let mut blueprint = blueprint(&[("index.js", source)]);
        blueprint.runtime = "nodejs24.x".to_owned();
        run_with(blueprint, json!({}))
    };
    let ran = newer("exports.handler = (event, context, callback) => callback(null, 1)").await;
    assert_eq!(
        failure(&ran)["errorType"],
        "Runtime.CallbackHandlerDeprecated"
    );
    let ran = newer("exports.handler = () => 5").await;
    assert_eq!(answer(&ran), json!(5));
    let ran = run("exports.handler = () => 5").await;
    assert_eq!(answer(&ran), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_returns_nothing_answers_null() {
    assert_eq!(
        answer(&run("exports.handler = async () => {}").await),
        Value::Null
    );
    assert_eq!(
        answer(&run("exports.handler = () => {}").await),
        Value::Null
    );
    assert_eq!(
        answer(&run("exports.handler = async () => [undefined, NaN, () => 1]").await),
        json!([null, null, null])
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_json_is_a_function_error() {
    let ran = run("exports.handler = async () => 1n").await;
    assert_eq!(
        failure(&ran)["errorMessage"],
        "Unable to stringify response body"
    );
    let ran = run("exports.handler = async () => { const a = {}; a.a = a; return a }").await;
    assert_eq!(failure(&ran)["errorType"], "Error");
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_never_settles_is_an_unexpected_exit() {
    let ran = run("exports.handler = async () => { await new Promise(() => {}) }").await;
    assert_eq!(failure(&ran)["errorType"], "Runtime.NodeJsExit");
    assert!(!ran.is_reusable);
    let ran = run("exports.handler = () => new Promise(() => {})").await;
    assert_eq!(answer(&ran), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_thrown_error_names_its_type_and_place() {
    let source = "class BadRecord extends Error {\n  constructor(m) { super(m); this.name = 'BadRecord'; this.code = 'E1'; }\n}\nfunction check(r) {\n  throw new BadRecord(`bad ${r}`);\n}\nexports.handler = async () => check(3);\n";
    let ran = run(source).await;
    let failed = failure(&ran);
    assert_eq!(failed["errorType"], "BadRecord");
    assert_eq!(failed["errorMessage"], "bad 3");
    assert_eq!(
        failed["trace"],
        json!([
            "Error: bad 3",
            "    at check (/var/task/index.js:5:30)",
            "    at exports.handler (/var/task/index.js:7:31)"
        ])
    );
    assert_eq!(
        lines(&ran),
        [
            "2026-01-01T00:00:00.000Z\tr-1\tERROR\tInvoke Error \t{\"errorType\":\"BadRecord\",\"errorMessage\":\"bad 3\",\"code\":\"E1\",\"name\":\"BadRecord\",\"stack\":[\"Error: bad 3\",\"    at check (/var/task/index.js:5:30)\",\"    at exports.handler (/var/task/index.js:7:31)\"]}"
        ]
    );
    assert!(ran.is_reusable);
}

#[tokio::test(start_paused = true)]
async fn the_first_line_keeps_its_columns() {
    let ran = run("exports.handler = async () => { throw new Error('one') }").await;
    assert_eq!(
        failure(&ran)["trace"][1],
        "    at exports.handler (/var/task/index.js:1:43)"
    );
}

#[tokio::test(start_paused = true)]
async fn anything_may_be_thrown() {
    for (thrown, kind, message) in [
        ("'text'", "string", "text"),
        ("42", "number", "42"),
        ("{ a: 1 }", "object", "[object Object]"),
        ("null", "string", "handled"),
        (
            "Object.create(null)",
            "handled",
            "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
        ),
    ] {
        let source = format!("exports.handler = async () => {{ throw {thrown} }}");
        let failed = failure(&run(&source).await);
        assert_eq!(failed["errorType"], kind, "{thrown}");
        assert_eq!(failed["errorMessage"], message, "{thrown}");
        assert_eq!(failed["trace"], json!([]), "{thrown}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_outside_the_handlers_promise_end_the_program() {
    let ran = run("exports.handler = async () => { setTimeout(() => { throw new Error('t') }, 1); await new Promise(r => setTimeout(r, 10)) }").await;
    assert_eq!(failure(&ran)["errorMessage"], "t");
    assert!(lines(&ran)[0].contains("\tERROR\tUncaught Exception \t{"));
    assert!(!ran.is_reusable);
    let ran = run("exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 10)) }").await;
    assert_eq!(
        failure(&ran)["errorType"],
        "Runtime.UnhandledPromiseRejection"
    );
    assert_eq!(failure(&ran)["errorMessage"], "Error: lost");
    assert!(lines(&ran)[0].contains("\tERROR\tUnhandled Promise Rejection \t{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"Error: lost\",\"reason\":{\"errorType\":\"Error\""), "{:?}", lines(&ran));
    let ran = run("exports.handler = async () => { const p = Promise.reject(1); p.catch(() => {}); return 1 }").await;
    assert_eq!(answer(&ran), json!(1));
    let ran = run("exports.handler = async () => { queueMicrotask(() => { throw new Error('m') }); await new Promise(r => setTimeout(r, 10)) }").await;
    assert_eq!(failure(&ran)["errorMessage"], "m");
}

#[tokio::test(start_paused = true)]
async fn an_endless_loop_is_stopped_at_the_deadline() {
    let mut blueprint = blueprint(&[(
        "index.js",
        "exports.handler = async () => { try { while (true) {} } catch {} }",
    )]);
    blueprint.timeout = Duration::from_millis(100);
    let mut environment = JavaScript::new(blueprint);
    let ran = environment.invoke(invocation(&json!({}))).await;
    assert_eq!(ran.ended, Ended::TimedOut);
    assert_eq!(ran.took, Duration::from_millis(100));
    assert!(!ran.is_reusable);
    let again = environment.invoke(invocation(&json!({}))).await;
    assert!(again.init.is_some());
}

#[tokio::test(start_paused = true)]
async fn waiting_is_stopped_at_the_deadline_without_real_time() {
    let ran = run("exports.handler = async () => { console.log('a'); await new Promise(r => setTimeout(r, 60000)) }").await;
    assert_eq!(ran.ended, Ended::TimedOut);
    assert_eq!(ran.took, Duration::from_secs(3));
    assert_eq!(ran.lines.len(), 1);
    assert!(!ran.is_reusable);
    let ran = run("exports.handler = async (e, c) => { await new Promise(r => setTimeout(r, 1000)); return [c.getRemainingTimeInMillis(), Date.now(), new Date().toISOString()] }").await;
    assert_eq!(
        answer(&ran),
        json!([2000, 1_767_225_601_000_u64, "2026-01-01T00:00:01.000Z"])
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_without_memory_is_killed() {
    for source in [
        "exports.handler = async () => { const a = []; for (;;) a.push(new Array(1000).fill(1.5)) }",
        "const a = []; for (;;) a.push(new Array(1000).fill(a.length)); exports.handler = 1",
        "exports.handler = async () => { setTimeout(() => { const a = []; for (;;) a.push({ a: 1.5 }) }, 1); await new Promise(r => setTimeout(r, 10)) }",
    ] {
        let blueprint = Blueprint {
            // A busy machine may take seconds to fill the memory.
            timeout: Duration::from_mins(5),
            ..blueprint(&[("index.js", source)])
        };
        let ran = run_with(blueprint, json!({})).await;
        assert_eq!(
            failure(&ran),
            json!({
                "errorType": "Runtime.OutOfMemory",
                "errorMessage": "RequestId: r-1 Error: Runtime exited with error: signal: killed",
            }),
            "{source}"
        );
        assert!(!ran.is_reusable);
    }
}

#[tokio::test(start_paused = true)]
async fn endless_recursion_is_a_range_error() {
    let ran = run("function f() { return f() + 1 } exports.handler = async () => f()").await;
    assert_eq!(failure(&ran)["errorType"], "RangeError");
    assert_eq!(
        failure(&ran)["errorMessage"],
        "Maximum call stack size exceeded"
    );
    assert!(ran.is_reusable);
}

#[tokio::test(start_paused = true)]
async fn a_missing_value_is_named_as_in_node() {
    let ran = run("exports.handler = async (event) => event.Records[0].dynamodb").await;
    assert_eq!(
        failure(&ran)["errorMessage"],
        "Cannot read properties of undefined (reading '0')"
    );
    assert_eq!(
        failure(&ran)["trace"][0],
        "TypeError: Cannot read properties of undefined (reading '0')"
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_cannot_change_how_it_is_judged() {
    let ran = run("Object.prototype.isFatal = true; Object.prototype.type = 'x'; Object.prototype.isOutOfMemory = true; exports.handler = async () => 1").await;
    assert_eq!(answer(&ran), json!(1));
    assert!(ran.is_reusable);
    let ran = run(
        "JSON.stringify = null; Promise.prototype.then = null; exports.handler = async () => 1",
    )
    .await;
    assert!(!ran.is_reusable);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_asks_for_nothing_is_stopped_all_the_same() {
    for source in [
        "exports.handler = async () => /(a+)+b/.test('a'.repeat(40))",
        "exports.handler = async () => { const f = () => { Promise.resolve().then(f) }; f(); await new Promise(() => {}) }",
        "exports.handler = async () => { const a = []; a[4294967294] = 1; return a.map((x) => x).length }",
    ] {
        let mut blueprint = blueprint(&[("index.js", source)]);
        blueprint.timeout = Duration::from_millis(50);
        let ran = run_with(blueprint, json!({})).await;
        assert_eq!(ran.ended, Ended::TimedOut, "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exit_ends_the_program() {
    for (code, what) in [
        ("0", "Runtime exited without providing a reason"),
        ("3", "Runtime exited with error: exit status 3"),
    ] {
        let ran = run(&format!(
            "exports.handler = async () => {{ try {{ process.exit({code}) }} finally {{ console.log('no') }} }}"
        ))
        .await;
        assert_eq!(failure(&ran)["errorType"], "Runtime.ExitError");
        assert_eq!(
            failure(&ran)["errorMessage"],
            format!("RequestId: r-1 Error: {what}")
        );
        assert!(ran.lines.is_empty());
        assert!(!ran.is_reusable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_warm_environment_keeps_what_modules_remember() {
    let source = "console.log('init'); let n = 0; exports.handler = async () => ++n";
    let mut environment = JavaScript::new(blueprint(&[("index.js", source)]));
    for count in 1..=3 {
        let ran = environment.invoke(invocation(&json!({}))).await;
        assert_eq!(answer(&ran), json!(count));
        match ran.init {
            Some(init) => {
                assert_eq!(count, 1);
                assert_eq!(
                    init.lines[0].1,
                    "2026-01-01T00:00:00.000Z\tundefined\tINFO\tinit"
                );
            }
            None => assert!(count > 1),
        }
        assert!(ran.lines.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_left_over_goes_on_with_the_next_invocation() {
    let source = "exports.handler = async (e) => { if (e.first) setTimeout(() => console.log('tick'), 100); else await new Promise(r => setTimeout(r, 200)) }";
    let mut environment = JavaScript::new(blueprint(&[("index.js", source)]));
    let first = environment
        .invoke(invocation(&json!({ "first": true })))
        .await;
    assert!(first.lines.is_empty());
    let second = environment.invoke(invocation(&json!({}))).await;
    assert_eq!(
        lines(&second),
        ["2026-01-01T00:00:00.100Z\tr-1\tINFO\ttick"]
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_an_invocation_stops_its_program() {
    let endless = "exports.handler = async () => { for (;;) {} }";
    let mut blueprint = blueprint(&[("index.js", endless)]);
    blueprint.timeout = Duration::from_mins(15);
    let clock = blueprint.clock.clone();
    let mut environment = JavaScript::new(blueprint);
    let stopwatch = clock.stopwatch();
    {
        let work = environment.invoke(invocation(&json!({})));
        let mut work = std::pin::pin!(work);
        for _ in 0..50 {
            let step = tokio::task::spawn_blocking(|| ());
            tokio::select! { _ = &mut work => unreachable!(), done = step => done.unwrap() }
        }
    }
    // The runtime ends with this test only when its blocking threads do.
    assert!(stopwatch.elapsed() < Duration::from_mins(1));
}

//! Invocations through their operation, without a wire.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::engine::call::{Body, Reply};
use crate::engine::lambda::testing::{Lab, TRUST, new_function};
use crate::engine::server;

async fn invoke(lab: &Lab, input: Value, payload: &str) -> Reply {
    lab.run("Invoke", input, payload).await.unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let found = reply.headers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}

fn payload(reply: &Reply) -> Value {
    match &reply.body {
        Body::Blob(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn tail(reply: &Reply) -> String {
    let encoded = header(reply, "x-amz-log-result").unwrap();
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

async fn lab_with(source: &str, more: Value) -> Lab {
    let lab = Lab::new();
    lab.function("f", ("index.js", source), more).await;
    lab
}

fn asked() -> Value {
    json!({ "FunctionName": "f", "LogType": "Tail" })
}

#[tokio::test(start_paused = true)]
async fn a_cold_and_a_warm_invocation_write_the_lines_of_lambda() {
    let source = "exports.handler = async (event, context) => { console.log('got', event.n); return context.invokedFunctionArn }";
    let lab = lab_with(source, json!({})).await;
    let cold = invoke(&lab, asked(), r#"{"n": 1}"#).await;
    assert_eq!(cold.status, 200);
    assert_eq!(header(&cold, "x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(header(&cold, "x-amz-function-error"), None);
    assert_eq!(
        payload(&cold),
        "arn:aws:lambda:us-east-1:123456789012:function:f"
    );
    let text = tail(&cold);
    let lines: Vec<&str> = text.lines().collect();
    let id = lines[1]
        .strip_prefix("START RequestId: ")
        .and_then(|it| it.strip_suffix(" Version: $LATEST"))
        .unwrap();
    assert!(lines[0].starts_with("INIT_START Runtime Version: nodejs:22.v"));
    assert!(lines[0].contains("\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:"));
    assert_eq!(
        lines[2],
        format!("2026-01-01T00:00:01.000Z\t{id}\tINFO\tgot 1")
    );
    assert_eq!(lines[3], format!("END RequestId: {id}"));
    assert!(lines[4].starts_with(&format!("REPORT RequestId: {id}\tDuration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: ")));
    assert!(lines[4].ends_with(" MB\tInit Duration: 0.00 ms\t"));
    let warm = invoke(&lab, asked(), r#"{"n": 2}"#).await;
    let text = tail(&warm);
    assert!(text.starts_with("START RequestId: "));
    assert!(text.ends_with(" MB\t\n"));
    let group = lab
        .engine()
        .read(|state| state.log_groups["/aws/lambda/f"].clone());
    assert_eq!(group.streams.len(), 1);
    let stream = group.streams.keys().next().unwrap();
    assert!(stream.starts_with("2026/01/01/[$LATEST]"), "{stream}");
    assert_eq!(stream.len(), "2026/01/01/[$LATEST]".len() + 32);
}

#[tokio::test(start_paused = true)]
async fn a_function_error_is_a_success_of_the_call() {
    let lab = lab_with(
        "exports.handler = async () => { throw new Error('boom') }",
        json!({}),
    )
    .await;
    let reply = invoke(&lab, asked(), "{}").await;
    assert_eq!(reply.status, 200);
    assert_eq!(header(&reply, "x-amz-function-error"), Some("Unhandled"));
    assert_eq!(payload(&reply)["errorMessage"], "boom");
    assert!(tail(&reply).contains("\tERROR\tInvoke Error \t{\"errorType\":\"Error\""));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_told_in_the_answer_and_in_the_log() {
    let source = "exports.handler = async () => new Promise(r => setTimeout(r, 60000))";
    let lab = lab_with(source, json!({ "Timeout": 5 })).await;
    let started = lab.engine().clock().now();
    let reply = invoke(&lab, asked(), "{}").await;
    let took = lab.engine().clock().now().duration_since(started).unwrap();
    assert_eq!(took, Duration::from_secs(5));
    let failed = payload(&reply);
    assert_eq!(failed["errorType"], "Sandbox.Timedout");
    let message = failed["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: "));
    assert!(message.ends_with(" Error: Task timed out after 5.00 seconds"));
    let text = tail(&reply);
    assert!(text.contains(" Task timed out after 5.00 seconds\nEND RequestId: "));
    assert!(text.contains("\tDuration: 5000.00 ms\tBilled Duration: 5000 ms\t"));
    assert!(text.ends_with("Status: timeout\n"));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_cannot_start_fails_every_invocation() {
    let lab = lab_with("require('left-pad')", json!({})).await;
    for _ in 0..2 {
        let reply = invoke(&lab, asked(), "{}").await;
        let failed = payload(&reply);
        assert_eq!(failed["errorType"], "Runtime.ImportModuleError");
        assert_eq!(
            failed["errorMessage"],
            "Error: Cannot find module 'left-pad'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs"
        );
        let text = tail(&reply);
        assert!(text.contains(
            "\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\""
        ));
        assert!(text.contains(
            " ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\nSTART RequestId"
        ));
        assert!(text.ends_with("Status: error\tError Type: Runtime.ImportModuleError\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn other_runtimes_are_kept_but_not_run() {
    let lab = lab_with("x", json!({ "Runtime": "python3.14" })).await;
    let reply = invoke(&lab, asked(), "{}").await;
    assert_eq!(header(&reply, "x-amz-function-error"), Some("Unhandled"));
    let failed = payload(&reply);
    assert_eq!(failed["errorType"], "Runtime.Unavailable");
    assert!(
        failed["errorMessage"]
            .as_str()
            .unwrap()
            .contains("the runtime python3.14 is not run by this version")
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_checks_and_an_event_is_run_later() {
    let lab = lab_with("let n = 0; exports.handler = async () => { n++; console.log('run', n); if (n < 3) throw new Error('again') }", json!({})).await;
    let kind = |kind: &str| json!({ "FunctionName": "f", "InvocationType": kind });
    assert_eq!(invoke(&lab, kind("DryRun"), "{}").await.status, 204);
    assert_eq!(invoke(&lab, kind("Event"), "{}").await.status, 202);
    lab.sleep(Duration::from_secs(1)).await;
    let reply = invoke(&lab, asked(), "{}").await;
    assert!(tail(&reply).contains("\tINFO\trun 2\n"));
    lab.sleep(Duration::from_mins(1)).await;
    let reply = invoke(&lab, asked(), "{}").await;
    assert!(tail(&reply).contains("\tINFO\trun 4\n"));
    lab.sleep(Duration::from_mins(5)).await;
    let reply = invoke(&lab, asked(), "{}").await;
    assert!(tail(&reply).contains("\tINFO\trun 5\n"));
    let fault = lab.refusal("Invoke", kind("Never")).await;
    assert_eq!(fault.code, "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_an_event_is_refused() {
    let lab = lab_with("exports.handler = async (event) => event", json!({})).await;
    assert_eq!(payload(&invoke(&lab, asked(), "").await), json!({}));
    let fault = lab.run("Invoke", asked(), "{not json").await.unwrap_err();
    assert_eq!(
        (fault.status, fault.code),
        (400, "InvalidRequestContentException")
    );
    assert!(
        fault
            .message
            .starts_with("Could not parse request body into json: ")
    );
    let big = format!("\"{}\"", "x".repeat(6_291_456));
    let fault = lab.run("Invoke", asked(), &big).await.unwrap_err();
    assert_eq!(
        (fault.status, fault.code),
        (413, "RequestTooLargeException")
    );
    assert_eq!(
        fault.message,
        "6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    );
    let fault = lab
        .run("Invoke", json!({ "FunctionName": "gone" }), "{}")
        .await;
    assert_eq!(fault.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn an_answer_too_large_is_a_function_error() {
    let source = "exports.handler = async () => 'x'.repeat(6291556)";
    let lab = lab_with(source, json!({})).await;
    let failed = payload(&invoke(&lab, asked(), "{}").await);
    assert_eq!(
        failed,
        json!({
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_still_made_is_not_invoked() {
    let lab = Lab::new();
    let source = "exports.handler = async () => 1";
    lab.call("CreateFunction", new_function("f", &[("index.js", source)]))
        .await;
    let fault = lab.run("Invoke", asked(), "{}").await.unwrap_err();
    assert_eq!(
        (fault.status, fault.code),
        (409, "ResourceConflictException")
    );
    assert_eq!(
        fault.message,
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    );
}

#[tokio::test(start_paused = true)]
async fn reserved_concurrency_throttles() {
    let source =
        "exports.handler = async (e) => { await new Promise(r => setTimeout(r, 1000)); return e }";
    let lab = lab_with(source, json!({})).await;
    let reserve =
        |count: u32| json!({ "FunctionName": "f", "ReservedConcurrentExecutions": count });
    lab.call("PutFunctionConcurrency", reserve(2)).await;
    let one = || lab.run("Invoke", asked(), "1");
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert!(a.is_ok() && b.is_ok());
    let fault = c.unwrap_err();
    assert_eq!(
        (fault.status, fault.code),
        (429, "TooManyRequestsException")
    );
    assert_eq!(fault.message, "Rate Exceeded.");
    assert_eq!(
        fault.extra.unwrap()["Reason"],
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    );
    assert!(one().await.is_ok());
    lab.call("PutFunctionConcurrency", reserve(0)).await;
    assert!(one().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_invocation_frees_its_place() {
    let source = "exports.handler = async () => new Promise(r => setTimeout(r, 1000))";
    let lab = lab_with(source, json!({})).await;
    let reserve = json!({ "FunctionName": "f", "ReservedConcurrentExecutions": 1 });
    lab.call("PutFunctionConcurrency", reserve).await;
    tokio::select! {
        _ = lab.run("Invoke", asked(), "1") => unreachable!(),
        () = lab.sleep(Duration::from_millis(100)) => (),
    }
    assert!(lab.run("Invoke", asked(), "1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn new_code_and_new_settings_start_new_environments() {
    let source = "let n = 0; exports.handler = async () => [++n, process.env.STAGE]";
    let lab = lab_with(source, json!({})).await;
    assert_eq!(payload(&invoke(&lab, asked(), "").await), json!([1, null]));
    assert_eq!(payload(&invoke(&lab, asked(), "").await), json!([2, null]));
    let stage = json!({ "FunctionName": "f", "Environment": { "Variables": { "STAGE": "x" } } });
    lab.call("UpdateFunctionConfiguration", stage).await;
    lab.sleep(Duration::from_secs(1)).await;
    assert_eq!(payload(&invoke(&lab, asked(), "").await), json!([1, "x"]));
    let mut input = new_function("f", &[("index.js", "exports.handler = async () => 'new'")]);
    let zip = input["Code"]["ZipFile"].take();
    let code = json!({ "FunctionName": "f", "ZipFile": zip });
    lab.call("UpdateFunctionCode", code).await;
    assert_eq!(payload(&invoke(&lab, asked(), "").await), json!("new"));
}

#[tokio::test(start_paused = true)]
async fn without_permission_there_is_no_log_but_a_tail() {
    let lab = lab_with("exports.handler = async () => console.log('x')", json!({})).await;
    lab.role("worker", TRUST, &[]);
    let reply = invoke(&lab, asked(), "{}").await;
    assert!(tail(&reply).contains("\tINFO\tx\n"));
    assert!(lab.engine().read(|state| state.log_groups.is_empty()));
    let basic = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:CreateLogGroup","Resource":"arn:aws:logs:us-east-1:123456789012:*"},{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*"]}]}"#;
    lab.role("worker", TRUST, &[basic]);
    invoke(&lab, asked(), "{}").await;
    assert!(
        lab.engine()
            .read(|state| state.log_groups.contains_key("/aws/lambda/f"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_in_json_is_json_throughout() {
    let source = "exports.handler = async () => { console.log('x'); throw new Error('e') }";
    let lab = lab_with(source, json!({ "LoggingConfig": { "LogFormat": "JSON" } })).await;
    let text = tail(&invoke(&lab, asked(), "{}").await);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["type"], "platform.initStart");
    assert_eq!(lines[1]["type"], "platform.start");
    assert_eq!(lines[2]["message"], "x");
    assert_eq!(lines[3]["message"]["errorMessage"], "e");
    assert_eq!(lines[4]["type"], "platform.report");
    assert_eq!(lines[4]["record"]["status"], "error");
    assert_eq!(lines.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_starts_is_told_where_its_calls_reach_this_cloud() {
    let source = "exports.handler = async () => process.env.AWS_ENDPOINT_URL ?? 'nowhere'";
    let lab = lab_with(source, json!({})).await;
    assert_eq!(payload(&invoke(&lab, asked(), "{}").await), "nowhere");
    let listening = server::listen(lab.engine().clone(), 0).await.unwrap();
    lab.function("g", ("index.js", source), json!({})).await;
    let asked_g = json!({ "FunctionName": "g" });
    let told = payload(&invoke(&lab, asked_g, "{}").await);
    assert_eq!(told, listening.endpoint());
    let own = json!({ "Environment": { "Variables": { "AWS_ENDPOINT_URL": "http://mine" } } });
    lab.function("h", ("index.js", source), own).await;
    let asked_h = json!({ "FunctionName": "h" });
    let told = payload(&invoke(&lab, asked_h, "{}").await);
    assert_eq!(told, "http://mine");
    listening.stop().await;
    lab.function("i", ("index.js", source), json!({})).await;
    let asked_i = json!({ "FunctionName": "i" });
    assert_eq!(payload(&invoke(&lab, asked_i, "{}").await), "nowhere");
}

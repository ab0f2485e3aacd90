//! A package's own `bootstrap` on the Runtime API.

use std::time::Duration;

use super::{Source, has, invoke, world};

/// A small client of the Runtime API; what it does with an event is put in the place of `HANDLE`.
const BOOTSTRAP: &str = r#"#!/usr/bin/env -S python3 -u
import json, os, sys, urllib.error, urllib.request
api = "http://%s/2018-06-01/runtime/" % os.environ["AWS_LAMBDA_RUNTIME_API"]
def post(path, body, kind=None):
    headers = {"Lambda-Runtime-Function-Error-Type": kind} if kind else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(api + path, body, headers)) as it:
            return it.status, it.read().decode()
    except urllib.error.HTTPError as it:
        return it.code, it.read().decode()
INIT
while True:
    with urllib.request.urlopen(api + "invocation/next") as it:
        headers, event = it.headers, json.load(it)
    request = headers["Lambda-Runtime-Aws-Request-Id"]
    def answer(value):
        return post("invocation/%s/response" % request, json.dumps(value).encode())
    HANDLE
"#;

fn bootstrap(init: &str, handle: &str) -> String {
    let handle = handle.replace('\n', "\n    ");
    BOOTSTRAP.replace("INIT", init).replace("HANDLE", &handle)
}

fn source<'a>(files: &'a [(&'a str, &'a str)]) -> Source<'a> {
    Source {
        runtime: "provided.al2023",
        handler: "anything",
        files,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_serves_one_invocation_after_the_other() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let text = bootstrap(
        "print('starts'); count = 0",
        "count += 1\nprint('event', event['n'])\nremaining = int(headers['Lambda-Runtime-Deadline-Ms'])\nanswer({'n': event['n'] + 1, 'count': count, 'arn': headers['Lambda-Runtime-Invoked-Function-Arn'], 'handler': os.environ['_HANDLER'], 'execution': os.environ.get('AWS_EXECUTION_ENV'), 'own': os.environ['OWN'], 'home': os.environ.get('HOME'), 'names': sorted(os.environ)})",
    );
    let files = [("bootstrap", text.as_str())];
    let own = aws_sdk_lambda::types::Environment::builder();
    let own = own.variables("OWN", "mine").build();
    let create = |it: super::CreateFunction| it.environment(own);
    source(&files).create_with(&lab.lambda, "own", create).await;
    let first = invoke(&lab.lambda, "own", r#"{"n": 1}"#).await;
    let answer = first.json();
    assert_eq!((&answer["n"], &answer["count"]), (&2.into(), &1.into()));
    assert_eq!(answer["handler"], "anything");
    assert_eq!(answer["execution"], serde_json::Value::Null);
    assert_eq!(answer["own"], "mine");
    let names = answer["names"].as_array().unwrap();
    assert!(names.contains(&"AWS_SESSION_TOKEN".into()));
    assert!(names.contains(&"AWS_ENDPOINT_URL".into()));
    // Nothing comes from whoever started us.
    assert!(
        !names
            .iter()
            .any(|it| it.as_str().unwrap().starts_with("CARGO"))
    );
    assert_eq!(first.lines(), ["starts", "event 1"]);
    assert!(first.is_cold(), "{first:?}");
    let start = "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: ";
    assert!(first.log.starts_with(start), "{first:?}");
    let second = invoke(&lab.lambda, "own", r#"{"n": 5}"#).await;
    assert_eq!(second.json()["count"], 2);
    assert_eq!(second.lines(), ["event 5"]);
    assert!(!second.is_cold());
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bootstrap_says_wrongly_is_refused_in_words_of_the_runtime_api() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let text = bootstrap(
        "",
        "said = [post('invocation/x/response', b'1'), post('init/error', b'{}'), post('nothing', b'')]\nanswer(said)\nsaid = answer(said)\nprint(said[0], said[1])\n",
    );
    let files = [("bootstrap", text.as_str())];
    source(&files).create(&lab.lambda, "rude").await;
    let answer = invoke(&lab.lambda, "rude", "{}").await.json();
    assert_eq!(answer[0][0], 400);
    assert!(answer[0][1].as_str().unwrap().contains("InvalidRequestID"));
    assert_eq!(answer[1][0], 403);
    assert!(
        answer[1][1]
            .as_str()
            .unwrap()
            .contains("InvalidStateTransition")
    );
    assert_eq!(answer[2][0], 404);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_bootstrap_are_the_callers() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let failure = r#"b'{"errorType": "Mine", "errorMessage": "no"}'"#;
    let text = bootstrap(
        "",
        &format!("post('invocation/%s/error' % request, {failure}, 'Runtime.Mine')"),
    );
    let files = [("bootstrap", text.as_str())];
    source(&files).create(&lab.lambda, "fails").await;
    for is_cold in [true, false] {
        let answer = invoke(&lab.lambda, "fails", "{}").await;
        assert!(answer.is_error);
        assert_eq!(answer.json()["errorType"], "Mine");
        assert_eq!(answer.is_cold(), is_cold);
    }
    let text = bootstrap(
        &format!("post('init/error', {failure}, 'Runtime.Mine')"),
        "",
    );
    let files = [("bootstrap", text.as_str())];
    source(&files).create(&lab.lambda, "unable").await;
    let answer = invoke(&lab.lambda, "unable", "{}").await;
    assert_eq!(answer.json()["errorMessage"], "no");
    let report = "Phase: init\tStatus: error\tError Type: Runtime.Mine";
    assert!(answer.log.contains(report), "{answer:?}");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_that_cannot_be_run_is_an_invalid_entrypoint() {
    let lab = world().await;
    let cases: [(&str, &str, &str); 4] = [
        (
            "main",
            "",
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        ),
        (
            "bootstrap",
            "print(1)",
            "fork/exec /var/task/bootstrap: permission denied",
        ),
        (
            "bootstrap",
            "#!/no/such/thing\n",
            "fork/exec /var/task/bootstrap: no such file or directory",
        ),
        (
            "bootstrap",
            "#!/bin/sh\nexit 3\n",
            "Runtime exited with error: exit status 3",
        ),
    ];
    for (at, (name, text, words)) in cases.into_iter().enumerate() {
        let function = format!("f{at}");
        source(&[(name, text)]).create(&lab.lambda, &function).await;
        let answer = invoke(&lab.lambda, &function, "{}").await;
        let said = answer.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(
            answer.is_error && said.ends_with(&format!(" Error: {words}")),
            "{answer:?}"
        );
        let kind = if at == 3 {
            "Runtime.ExitError"
        } else {
            "Runtime.InvalidEntrypoint"
        };
        assert_eq!(answer.json()["errorType"], kind);
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_takes_too_long_is_killed_and_begins_anew() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let text = bootstrap(
        "import time",
        "print('before')\ntime.sleep(event['secs'])\nanswer(1)",
    );
    let files = [("bootstrap", text.as_str())];
    source(&files)
        .create_with(&lab.lambda, "slow", |it| it.timeout(1))
        .await;
    let began = lab.now();
    let late = invoke(&lab.lambda, "slow", r#"{"secs": 60}"#).await;
    assert!(lab.now().duration_since(began).unwrap() < Duration::from_secs(20));
    assert_eq!(late.json()["errorType"], "Sandbox.Timedout");
    let message = late.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Error: Task timed out after 1.00 seconds"));
    assert_eq!(late.lines()[0], "before");
    let again = invoke(&lab.lambda, "slow", r#"{"secs": 0}"#).await;
    assert!(!again.is_error && again.is_cold(), "{again:?}");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_at_the_same_time_have_an_environment_each() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let text = bootstrap("import time", "time.sleep(0.3)\nanswer(os.getpid())");
    let files = [("bootstrap", text.as_str())];
    source(&files).create(&lab.lambda, "busy").await;
    let (a, b) = tokio::join!(
        invoke(&lab.lambda, "busy", "{}"),
        invoke(&lab.lambda, "busy", "{}")
    );
    assert_ne!(a.payload, b.payload);
    let c = invoke(&lab.lambda, "busy", "{}").await;
    assert!(c.payload == a.payload || c.payload == b.payload);
    lab.close().await;
}

//! Python functions on this machine's Python.

use super::{Source, has, invoke, logged, world};

fn source<'a>(files: &'a [(&'a str, &'a str)]) -> Source<'a> {
    Source {
        runtime: "python3.13",
        handler: "app.handler",
        files,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_gets_its_event_and_its_context() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let code = r#"
import os
from decimal import Decimal
print("loading")
count = 0
def handler(event, context):
    global count
    count += 1
    left = context.get_remaining_time_in_millis()
    return {
        "event": event, "count": count, "name": context.function_name, "version": context.function_version,
        "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn, "id": context.aws_request_id,
        "group": context.log_group_name, "stream": context.log_stream_name, "identity": context.identity.cognito_identity_id,
        "context": context.client_context, "tenant": context.tenant_id, "left": 0 < left <= 20000,
        "trace": os.environ["_X_AMZN_TRACE_ID"][:7], "here": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
        "number": [Decimal("1.50"), Decimal("2")], "text": "ä", "execution": os.environ["AWS_EXECUTION_ENV"],
    }
"#;
    source(&[("app.py", code)])
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
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:asked";
    assert_eq!(got["arn"], arn);
    assert!(answer.log.contains(&format!(
        "START RequestId: {} ",
        got["id"].as_str().unwrap()
    )));
    assert_eq!(got["group"], "/aws/lambda/asked");
    for empty in ["identity", "context", "tenant"] {
        assert!(got[empty].is_null(), "{empty}");
    }
    assert_eq!((&got["left"], &got["here"]), (&true.into(), &true.into()));
    assert_eq!(
        (&got["trace"], &got["execution"]),
        (&"Root=1-".into(), &"AWS_Lambda_python3.13".into())
    );
    assert!(
        answer
            .payload
            .contains(r#""number": [1.50, 2], "text": "ä""#),
        "{}",
        answer.payload
    );
    assert_eq!(answer.lines(), ["loading"]);
    assert!(answer.log.contains("\tRuns On: Python 3."), "{answer:?}");
    assert_eq!(invoke(&lab.lambda, "asked", "{}").await.json()["count"], 2);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_is_answered_and_logged_as_lambda_does() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let code =
        "def handler(event, context):\n    inner()\n\ndef inner():\n    raise KeyError('boom')\n";
    source(&[("app.py", code)])
        .create(&lab.lambda, "fails")
        .await;
    let answer = invoke(&lab.lambda, "fails", "{}").await;
    let got = answer.json();
    assert_eq!(
        (&got["errorType"], &got["errorMessage"]),
        (&"KeyError".into(), &"'boom'".into())
    );
    assert_eq!(
        got["stackTrace"],
        serde_json::json!([
            "  File \"/var/task/app.py\", line 2, in handler\n    inner()\n",
            "  File \"/var/task/app.py\", line 5, in inner\n    raise KeyError('boom')\n",
        ])
    );
    assert_eq!(got["requestId"].as_str().unwrap().len(), 36);
    let lines = logged(&lab, "fails").await;
    let line = lines.iter().find(|it| it.starts_with("[ERROR]")).unwrap();
    assert!(line.starts_with(
        "[ERROR] KeyError: 'boom'\rTraceback (most recent call last):\r\u{a0}\u{a0}File"
    ));
    assert!(!invoke(&lab.lambda, "fails", "{}").await.is_cold());
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_cannot_be_loaded_says_why() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let cases = [
        (
            "x.f",
            "",
            "Runtime.ImportModuleError",
            "Unable to import module 'x': No module named 'x'",
        ),
        (
            "app",
            "",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "app.f",
            "",
            "Runtime.HandlerNotFound",
            "Handler 'f' missing on module 'app'",
        ),
        (
            "sys.f",
            "",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        ),
        (
            "app.f",
            "def f(:",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': invalid syntax (app.py, line 1)",
        ),
        ("app.f", "1 / 0", "ZeroDivisionError", "division by zero"),
    ];
    for (at, (handler, code, kind, message)) in cases.into_iter().enumerate() {
        let name = format!("f{at}");
        let files = [("app.py", code)];
        let source = Source {
            runtime: "python3.12",
            handler,
            files: &files,
        };
        source.create(&lab.lambda, &name).await;
        let answer = invoke(&lab.lambda, &name, "{}").await;
        let got = answer.json();
        assert_eq!(
            (&got["errorType"], &got["errorMessage"]),
            (&kind.into(), &message.into())
        );
        assert!(
            answer.log.contains("Phase: init\tStatus: error"),
            "{answer:?}"
        );
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_a_marshal_error() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let code = "def handler(event, context):\n    return b'[1]' if event else {1}\n";
    source(&[("app.py", code)]).create(&lab.lambda, "odd").await;
    let got = invoke(&lab.lambda, "odd", "{}").await.json();
    assert_eq!(got["errorType"], "Runtime.MarshalError");
    assert_eq!(
        got["errorMessage"],
        "Unable to marshal response: Object of type set is not JSON serializable"
    );
    assert_eq!(invoke(&lab.lambda, "odd", "1").await.payload, "[1]");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logging_module_writes_in_lambdas_formats() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let code = "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(event, context):\n    logging.info('two\\nlines')\n    logging.debug('unseen')\n    print('raw')\n    return context.aws_request_id\n";
    source(&[("app.py", code)])
        .create(&lab.lambda, "logs")
        .await;
    let answer = invoke(&lab.lambda, "logs", "{}").await;
    let lines = answer.lines();
    let id = answer.json().as_str().unwrap().to_owned();
    let (head, rest) = (&lines[0][..7], &lines[0][31..]);
    assert_eq!(
        (head, rest),
        ("[INFO]\t", format!("\t{id}\ttwo\rlines").as_str()),
        "{lines:?}"
    );
    assert_eq!(lines[1], "raw");
    let json = aws_sdk_lambda::types::LoggingConfig::builder();
    let json = json
        .log_format(aws_sdk_lambda::types::LogFormat::Json)
        .build();
    let with_json = |it: super::CreateFunction| it.logging_config(json);
    source(&[("app.py", code)])
        .create_with(&lab.lambda, "json", with_json)
        .await;
    let answer = invoke(&lab.lambda, "json", "{}").await;
    let line = answer.log.lines().find(|it| it.contains("two")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"INFO".into(), &"two\nlines".into())
    );
    assert_eq!(line["requestId"], answer.json());
    lab.close().await;
}

/// Signs badly, as the engine only looks who signs.
#[tokio::test(flavor = "multi_thread")]
async fn the_functions_own_calls_are_its_roles() {
    if !has("python3") {
        return;
    }
    let lab = world().await;
    let code = r#"
import json, os, urllib.error, urllib.request
def call(service, body, kind, target):
    signed = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": signed % (os.environ["AWS_ACCESS_KEY_ID"], service), "Content-Type": kind, "X-Amz-Target": target}
    headers["X-Amz-Security-Token"] = os.environ["AWS_SESSION_TOKEN"]
    try:
        with urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)) as it:
            return it.read().decode()
    except urllib.error.HTTPError as it:
        return it.read().decode()
def handler(event, context):
    who = call("sts", b"Action=GetCallerIdentity&Version=2011-06-15", "application/x-www-form-urlencoded", "")
    tables = call("dynamodb", b"{}", "application/x-amz-json-1.0", "DynamoDB_20120810.ListTables")
    return [who, tables]
"#;
    source(&[("app.py", code)])
        .create(&lab.lambda, "calls")
        .await;
    lab.table("seen").await;
    let got = invoke(&lab.lambda, "calls", "{}").await.json();
    let who = got[0].as_str().unwrap();
    assert!(who.contains(":assumed-role/worker/calls<"), "{who}");
    assert_eq!(got[1], r#"{"TableNames":["seen"]}"#);
    let logs_only = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#;
    lab.allow("worker", logs_only).await;
    let got = invoke(&lab.lambda, "calls", "{}").await.json();
    let refused = got[1].as_str().unwrap();
    assert!(
        refused.contains("AccessDeniedException") && refused.contains("assumed-role/worker/calls"),
        "{refused}"
    );
    // A port that opens is told to the next environment.
    let listening = waterwheel::engine::server::listen(lab.host.engine().clone(), 0)
        .await
        .unwrap();
    let answer = invoke(&lab.lambda, "calls", "{}").await;
    assert!(
        answer.is_cold() && answer.payload.contains("assumed-role/worker/calls"),
        "{answer:?}"
    );
    listening.stop().await;
    lab.close().await;
}

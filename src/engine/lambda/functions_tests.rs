//! Functions through their operations, without a wire.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::call::Principal;
use crate::engine::lambda::code_of;
use crate::engine::lambda::testing::{EVERYTHING, Lab, TRUST, new_function};

const HELLO: (&str, &str) = ("index.js", "exports.handler = async () => 'hello'");

fn with(name: &str, member: &str, value: Value) -> Value {
    let mut input = new_function(name, &[HELLO]);
    input[member] = value;
    input
}

#[tokio::test(start_paused = true)]
async fn a_new_function_is_pending_and_then_active() {
    let lab = Lab::new();
    let made = lab
        .call("CreateFunction", new_function("hello", &[HELLO]))
        .await;
    assert_eq!(
        made["FunctionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:hello"
    );
    assert_eq!(made["State"], "Pending");
    assert_eq!(made["StateReason"], "The function is being created.");
    assert_eq!(made["StateReasonCode"], "Creating");
    assert_eq!(made["Timeout"], 3);
    assert_eq!(made["MemorySize"], 128);
    assert_eq!(made["LastModified"], "2026-01-01T00:00:00.000+0000");
    assert_eq!(made["LoggingConfig"]["LogGroup"], "/aws/lambda/hello");
    let busy = lab
        .refusal(
            "UpdateFunctionConfiguration",
            json!({ "FunctionName": "hello", "Timeout": 5 }),
        )
        .await;
    assert_eq!((busy.status, busy.code), (409, "ResourceConflictException"));
    lab.sleep(Duration::from_secs(1)).await;
    let got = lab
        .call("GetFunction", json!({ "FunctionName": "hello" }))
        .await;
    assert_eq!(got["Configuration"]["State"], "Active");
    assert_eq!(got["Configuration"]["LastUpdateStatus"], "Successful");
    assert_eq!(got["Code"]["RepositoryType"], "S3");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_once() {
    let lab = Lab::new();
    lab.call("CreateFunction", new_function("hello", &[HELLO]))
        .await;
    let fault = lab
        .refusal("CreateFunction", new_function("hello", &[HELLO]))
        .await;
    assert_eq!(
        (fault.status, fault.code),
        (409, "ResourceConflictException")
    );
    assert_eq!(fault.message, "Function already exist: hello");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_lambda_cannot_assume_is_refused() {
    let lab = Lab::new();
    lab.role(
        "other",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
        &[],
    );
    for role in ["other", "missing"] {
        let arn = format!("arn:aws:iam::123456789012:role/{role}");
        let fault = lab
            .refusal("CreateFunction", with("hello", "Role", json!(arn)))
            .await;
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert_eq!(
            fault.message,
            "The role defined for the function cannot be assumed by Lambda."
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_needs_pass_role() {
    let mut lab = Lab::new();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}"#;
    lab.role("developer", TRUST, &[policy]);
    lab.role("admin", TRUST, &[EVERYTHING]);
    let role = |name: &str| Principal::Role {
        role: name.to_owned(),
        session: "me".to_owned(),
    };
    lab.principal = role("developer");
    let fault = lab
        .refusal("CreateFunction", new_function("hello", &[HELLO]))
        .await;
    assert_eq!((fault.status, fault.code), (403, "AccessDeniedException"));
    assert!(
        fault.message.starts_with(
            "User: arn:aws:sts::123456789012:assumed-role/developer/me is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/worker"
        ),
        "{}",
        fault.message
    );
    lab.principal = role("admin");
    lab.call("CreateFunction", new_function("hello", &[HELLO]))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_needs_role_runtime_handler_and_code() {
    let lab = Lab::new();
    let message = async |member: &str| {
        let input = with("hello", member, Value::Null);
        lab.refusal("CreateFunction", input).await.message
    };
    let mandatory = "Runtime and Handler are mandatory parameters for functions created with deployment packages.";
    assert_eq!(message("Runtime").await, mandatory);
    assert_eq!(message("Handler").await, mandatory);
    assert_eq!(
        message("Code").await,
        "Please provide a source for function code."
    );
    assert_eq!(
        message("Role").await,
        "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null"
    );
    for runtime in ["python3.14", "provided.al2023", "java25"] {
        let input = with(&runtime.replace('.', "-"), "Runtime", json!(runtime));
        lab.call("CreateFunction", input).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_is_in_progress_for_a_moment() {
    let lab = Lab::new();
    lab.function("hello", HELLO, json!({})).await;
    let input = json!({
        "FunctionName": "function:hello", "Timeout": 30, "MemorySize": 256, "Description": "d",
        "Environment": { "Variables": { "STAGE": "test" } },
    });
    let updated = lab.call("UpdateFunctionConfiguration", input).await;
    assert_eq!(updated["Timeout"], 30);
    assert_eq!(updated["Environment"]["Variables"]["STAGE"], "test");
    assert_eq!(updated["LastUpdateStatus"], "InProgress");
    let fault = lab
        .refusal(
            "UpdateFunctionConfiguration",
            json!({ "FunctionName": "hello" }),
        )
        .await;
    assert_eq!(
        fault.message,
        "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:us-east-1:123456789012:function:hello"
    );
    lab.sleep(Duration::from_secs(1)).await;
    let stale = lab
        .refusal(
            "UpdateFunctionConfiguration",
            json!({ "FunctionName": "hello", "RevisionId": "x" }),
        )
        .await;
    assert_eq!(
        (stale.status, stale.code),
        (412, "PreconditionFailedException")
    );
}

#[tokio::test(start_paused = true)]
async fn new_code_replaces_the_old_and_the_old_is_forgotten() {
    let lab = Lab::new();
    lab.function("hello", HELLO, json!({})).await;
    lab.function("twin", HELLO, json!({})).await;
    let old = lab
        .call(
            "GetFunctionConfiguration",
            json!({ "FunctionName": "hello" }),
        )
        .await;
    let mut input = new_function("hello", &[("index.mjs", "export const handler = 1")]);
    let zip = input["Code"]["ZipFile"].take();
    let updated = lab
        .call(
            "UpdateFunctionCode",
            json!({ "FunctionName": "hello", "ZipFile": zip }),
        )
        .await;
    assert_ne!(updated["CodeSha256"], old["CodeSha256"]);
    assert_ne!(updated["RevisionId"], old["RevisionId"]);
    let files = code_of(lab.engine(), "hello").unwrap();
    assert_eq!(files[0].0, "index.mjs");
    assert_eq!(code_of(lab.engine(), "twin").unwrap()[0].0, "index.js");
    lab.call("DeleteFunction", json!({ "FunctionName": "twin" }))
        .await;
    let sha256 = old["CodeSha256"].as_str().unwrap();
    assert!(crate::engine::lambda::code::stored(lab.engine(), sha256).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_missing_function_is_named_by_its_arn() {
    let lab = Lab::new();
    lab.function("hello", HELLO, json!({})).await;
    for (name, arn) in [("gone", "gone"), ("hello:v1", "hello:v1")] {
        let fault = lab
            .refusal("GetFunction", json!({ "FunctionName": name }))
            .await;
        assert_eq!(
            (fault.status, fault.code),
            (404, "ResourceNotFoundException")
        );
        assert_eq!(
            fault.message,
            format!("Function not found: arn:aws:lambda:us-east-1:123456789012:function:{arn}")
        );
    }
    let got = lab
        .call(
            "GetFunctionConfiguration",
            json!({ "FunctionName": "hello", "Qualifier": "$LATEST" }),
        )
        .await;
    assert_eq!(
        got["FunctionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:hello:$LATEST"
    );
}

#[tokio::test(start_paused = true)]
async fn functions_are_listed_in_pages() {
    let lab = Lab::new();
    for name in ["a", "b", "c"] {
        lab.function(name, HELLO, json!({})).await;
    }
    let first = lab.call("ListFunctions", json!({ "MaxItems": 2 })).await;
    assert_eq!(first["Functions"].as_array().unwrap().len(), 2);
    let second = lab
        .call("ListFunctions", json!({ "Marker": first["NextMarker"] }))
        .await;
    assert_eq!(second["Functions"][0]["FunctionName"], "c");
    assert_eq!(second["NextMarker"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_reserved_within_the_account() {
    let lab = Lab::new();
    lab.function("a", HELLO, json!({})).await;
    let put = |count: i64| json!({ "FunctionName": "a", "ReservedConcurrentExecutions": count });
    assert_eq!(
        lab.call("PutFunctionConcurrency", put(900)).await,
        json!({ "ReservedConcurrentExecutions": 900 })
    );
    let fault = lab.refusal("PutFunctionConcurrency", put(901)).await;
    assert_eq!(
        fault.message,
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    );
    let name = json!({ "FunctionName": "a" });
    lab.call("DeleteFunctionConcurrency", name.clone()).await;
    assert_eq!(lab.call("GetFunctionConcurrency", name).await, json!({}));
}

#[tokio::test(start_paused = true)]
async fn tags_are_set_shown_and_limited() {
    let lab = Lab::new();
    lab.function("a", HELLO, json!({ "Tags": { "k": "v" } }))
        .await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:a";
    lab.call(
        "TagResource",
        json!({ "Resource": arn, "Tags": { "team": "x" } }),
    )
    .await;
    lab.call(
        "UntagResource",
        json!({ "Resource": arn, "TagKeys": ["k"] }),
    )
    .await;
    let tags = lab.call("ListTags", json!({ "Resource": arn })).await;
    assert_eq!(tags, json!({ "Tags": { "team": "x" } }));
    let many: serde_json::Map<String, Value> =
        (0..50).map(|it| (format!("t{it}"), "v".into())).collect();
    let fault = lab
        .refusal("TagResource", json!({ "Resource": arn, "Tags": many }))
        .await;
    assert_eq!(fault.message, "Number of tags exceeds resource tag limit.");
    let fault = lab.refusal("ListTags", json!({ "Resource": "x" })).await;
    assert_eq!(fault.code, "ValidationException");
    assert!(fault.message.contains("at 'resource' failed to satisfy"));
}

//! Published versions through their operations, without a wire.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::engine::call::{Body, Reply};
use crate::engine::lambda::code::stored;
use crate::engine::lambda::testing::{Lab, TRUST, body, new_function, row};
use crate::engine::state::Function;

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// Answers with what it knows of itself.
fn source(answer: &str) -> String {
    format!(
        "exports.handler = async (event, context) => ['{answer}', context.functionVersion, \
         context.invokedFunctionArn, process.env.AWS_LAMBDA_FUNCTION_VERSION, context.logStreamName]"
    )
}

async fn lab() -> Lab {
    let lab = Lab::new();
    lab.function(
        "f",
        ("index.js", &source("one")),
        json!({ "Description": "first" }),
    )
    .await;
    lab
}

async fn update(lab: &Lab, answer: &str, more: Value) -> Value {
    let mut input = new_function("f", &[("index.js", &source(answer))]);
    let mut asked = json!({ "FunctionName": "f", "ZipFile": input["Code"]["ZipFile"].take() });
    for (member, value) in more.as_object().unwrap() {
        asked[member] = value.clone();
    }
    let updated = lab.call("UpdateFunctionCode", asked).await;
    lab.sleep(Duration::from_secs(1)).await;
    updated
}

async fn publish(lab: &Lab) -> Value {
    lab.call("PublishVersion", json!({ "FunctionName": "f" }))
        .await
}

async fn invoke(lab: &Lab, input: Value) -> (Reply, Value) {
    let reply = lab.run("Invoke", input, "{}").await.unwrap();
    let payload = match &reply.body {
        Body::Blob(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    (reply, payload)
}

fn tail(reply: &Reply) -> String {
    let mut headers = reply.headers.iter();
    let (_, encoded) = headers.find(|(it, _)| it == "x-amz-log-result").unwrap();
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

fn labels(listed: &Value) -> Vec<String> {
    let versions = listed["Versions"].as_array().unwrap().iter();
    versions
        .map(|it| it["Version"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_version_keeps_the_code_and_the_settings_it_was_published_with() {
    let lab = lab().await;
    let input = json!({ "FunctionName": "f", "Description": "kept" });
    let reply = lab.run("PublishVersion", input, "").await.unwrap();
    assert_eq!(reply.status, 201);
    let published = body(reply);
    assert_eq!(published["FunctionArn"], format!("{ARN}:1"));
    assert_eq!(published["Version"], "1");
    assert_eq!(published["Description"], "kept");
    assert_eq!(published["State"], "Active");
    assert_eq!(published["LastUpdateStatus"], "Successful");
    update(&lab, "two", json!({})).await;
    let settings = json!({ "FunctionName": "f", "Timeout": 30, "Description": "second" });
    lab.call("UpdateFunctionConfiguration", settings).await;
    lab.sleep(Duration::from_secs(1)).await;

    let asked = json!({ "FunctionName": "f", "Qualifier": "1" });
    let kept = lab.call("GetFunctionConfiguration", asked.clone()).await;
    assert_eq!(kept, published);
    let got = lab.call("GetFunction", asked.clone()).await;
    assert_eq!(got["Configuration"], published);
    let location = got["Code"]["Location"].as_str().unwrap();
    assert!(location.ends_with("/f/package?Qualifier=1"), "{location}");
    let (reply, answer) = invoke(&lab, asked).await;
    let header = |name: &str| reply.headers.iter().find(|(it, _)| it == name);
    assert_eq!(header("x-amz-executed-version").unwrap().1, "1");
    let arn = format!("{ARN}:1");
    assert_eq!(answer.as_array().unwrap()[..4], ["one", "1", &arn, "1"]);
    let stream = answer[4].as_str().unwrap();
    assert!(stream.starts_with("2026/01/01/[1]"), "{stream}");
    let (_, answer) = invoke(&lab, json!({ "FunctionName": "f:$LATEST" })).await;
    assert_eq!(answer[0], "two");
    assert_eq!(answer[2], format!("{ARN}:$LATEST"));
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_which_version_ran() {
    let lab = lab().await;
    publish(&lab).await;
    let input = json!({ "FunctionName": "f:1" });
    invoke(&lab, input.clone()).await;
    let group = lab
        .engine()
        .read(|state| state.log_groups["/aws/lambda/f"].clone());
    assert_eq!(group.streams.len(), 1);
    let json_log = json!({ "FunctionName": "f", "LoggingConfig": { "LogFormat": "JSON" } });
    lab.call("UpdateFunctionConfiguration", json_log).await;
    lab.sleep(Duration::from_secs(1)).await;
    assert_eq!(publish(&lab).await["Version"], "2");
    let (reply, _) = invoke(&lab, json!({ "FunctionName": "f:1", "LogType": "Tail" })).await;
    assert!(tail(&reply).contains(" Version: 1\n"), "{}", tail(&reply));
    let (reply, _) = invoke(&lab, json!({ "FunctionName": "f:2", "LogType": "Tail" })).await;
    assert!(
        tail(&reply).contains(r#""version":"2""#),
        "{}",
        tail(&reply)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_code_and_settings_are_published_once() {
    let lab = lab().await;
    let first = publish(&lab).await;
    let again = json!({ "FunctionName": "f", "Description": "another" });
    assert_eq!(lab.call("PublishVersion", again).await, first);
    let same = update(&lab, "one", json!({ "Publish": true })).await;
    assert_eq!(same["Version"], "1");
    let described = json!({ "FunctionName": "f", "Description": "another" });
    lab.call("UpdateFunctionConfiguration", described).await;
    lab.sleep(Duration::from_secs(1)).await;
    assert_eq!(publish(&lab).await["Version"], "2");
    // A version that is gone is made anew, under a number of its own.
    let gone = json!({ "FunctionName": "f", "Qualifier": "2" });
    lab.call("DeleteFunction", gone).await;
    assert_eq!(publish(&lab).await["Version"], "3");
}

#[tokio::test(start_paused = true)]
async fn a_publication_changes_the_revision_of_latest_but_nothing_that_runs() {
    let lab = lab().await;
    let revision = async || {
        let got = lab
            .call("GetFunction", json!({ "FunctionName": "f" }))
            .await;
        got["Configuration"]["RevisionId"].clone()
    };
    let (before, _) = (
        revision().await,
        invoke(&lab, json!({ "FunctionName": "f" })).await,
    );
    let stale = json!({ "FunctionName": "f", "RevisionId": "x" });
    let fault = lab.refusal("PublishVersion", stale).await;
    assert_eq!(
        (fault.status, fault.code),
        (412, "PreconditionFailedException")
    );
    let input = json!({ "FunctionName": "f", "RevisionId": before });
    let published = lab.call("PublishVersion", input).await;
    let after = revision().await;
    assert_ne!(after, before);
    assert_ne!(published["RevisionId"], after);
    publish(&lab).await;
    assert_eq!(revision().await, after);
    let input = json!({ "FunctionName": "f", "LogType": "Tail" });
    let (reply, _) = invoke(&lab, input).await;
    assert!(
        tail(&reply).starts_with("START "),
        "the environment is warm"
    );
}

#[tokio::test(start_paused = true)]
async fn each_version_has_environments_of_its_own() {
    let counting = "let n = 0; exports.handler = async () => ++n";
    let lab = Lab::new();
    lab.function("f", ("index.js", counting), json!({})).await;
    publish(&lab).await;
    for (name, expected) in [("f", 1), ("f:1", 1), ("f", 2), ("f:1", 2)] {
        let (_, answer) = invoke(&lab, json!({ "FunctionName": name })).await;
        assert_eq!(answer, expected, "{name}");
    }
    lab.call("DeleteFunction", json!({ "FunctionName": "f:1" }))
        .await;
    let (_, answer) = invoke(&lab, json!({ "FunctionName": "f" })).await;
    assert_eq!(answer, 3);
}

#[tokio::test(start_paused = true)]
async fn other_code_than_was_meant_is_not_published() {
    let lab = lab().await;
    let got = lab
        .call("GetFunction", json!({ "FunctionName": "f" }))
        .await;
    let sha256 = got["Configuration"]["CodeSha256"].as_str().unwrap();
    let input = |sha256: &str| json!({ "FunctionName": "f", "CodeSha256": sha256 });
    let fault = lab.refusal("PublishVersion", input("other")).await;
    assert_eq!(fault.code, "InvalidParameterValueException");
    assert_eq!(
        fault.message,
        format!(
            "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({sha256}). Please try again with the CodeSHA256 in $LATEST."
        )
    );
    lab.call("PublishVersion", input(sha256)).await;
}

#[tokio::test(start_paused = true)]
async fn only_a_function_at_rest_is_published() {
    let lab = Lab::new();
    let made = lab
        .call("CreateFunction", new_function("f", &[("index.js", "")]))
        .await;
    assert_eq!(made["Version"], "$LATEST");
    let fault = lab
        .refusal("PublishVersion", json!({ "FunctionName": "f" }))
        .await;
    assert_eq!(
        (fault.status, fault.code),
        (409, "ResourceConflictException")
    );
    lab.sleep(Duration::from_secs(1)).await;
    let fault = lab
        .refusal("PublishVersion", json!({ "FunctionName": "f:1" }))
        .await;
    assert!(
        fault
            .message
            .starts_with("This operation is permitted on Lambda functions only.")
    );
    let fault = lab
        .refusal("PublishVersion", json!({ "FunctionName": "g" }))
        .await;
    assert_eq!(
        fault.message,
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g"
    );
    let elsewhere = json!({ "FunctionName": "f", "PublishTo": "LATEST_PUBLISHED" });
    let fault = lab.refusal("PublishVersion", elsewhere).await;
    assert!(fault.message.starts_with("PublishTo is for functions"));
}

#[tokio::test(start_paused = true)]
async fn a_creation_and_an_update_may_publish() {
    let lab = Lab::new();
    let mut input = new_function("f", &[("index.js", &source("one"))]);
    input["Publish"] = json!(true);
    let made = lab.call("CreateFunction", input).await;
    assert_eq!(made["FunctionArn"], ARN);
    assert_eq!(
        (&made["Version"], &made["State"]),
        (&json!("1"), &json!("Pending"))
    );
    let busy = lab
        .run("Invoke", json!({ "FunctionName": "f:1" }), "{}")
        .await;
    assert_eq!(busy.unwrap_err().code, "ResourceConflictException");
    lab.sleep(Duration::from_secs(1)).await;
    let (_, answer) = invoke(&lab, json!({ "FunctionName": "f:1" })).await;
    assert_eq!(answer[0], "one");

    let dry = update(&lab, "two", json!({ "Publish": true, "DryRun": true })).await;
    assert_eq!(dry["Version"], "$LATEST");
    let updated = update(&lab, "two", json!({ "Publish": true })).await;
    assert_eq!(updated["FunctionArn"], format!("{ARN}:2"));
    assert_eq!(updated["State"], "Pending");
    assert_eq!(updated["LastUpdateStatus"], Value::Null);
    let (_, answer) = invoke(&lab, json!({ "FunctionName": "f:2" })).await;
    assert_eq!(answer[0], "two");
}

#[tokio::test(start_paused = true)]
async fn versions_are_listed_behind_latest_in_pages() {
    let lab = lab().await;
    for answer in ["two", "three", "four"] {
        update(&lab, answer, json!({ "Publish": true })).await;
    }
    let input = json!({ "FunctionName": "f", "MaxItems": 2 });
    let first = lab.call("ListVersionsByFunction", input).await;
    assert_eq!(labels(&first), ["$LATEST", "1"]);
    assert_eq!(
        first["Versions"][0]["FunctionArn"],
        format!("{ARN}:$LATEST")
    );
    assert_eq!(first["Versions"][1]["FunctionArn"], format!("{ARN}:1"));
    assert_eq!(first["Versions"][1]["State"], Value::Null);
    let input = json!({ "FunctionName": "f", "Marker": first["NextMarker"] });
    let second = lab.call("ListVersionsByFunction", input).await;
    assert_eq!(labels(&second), ["2", "3"]);
    assert_eq!(second["NextMarker"], Value::Null);

    lab.function("g", ("index.js", ""), json!({})).await;
    let mut seen = Vec::new();
    let mut marker = Value::Null;
    loop {
        let input = json!({ "FunctionVersion": "ALL", "MaxItems": 2, "Marker": marker });
        let page = lab.call("ListFunctions", input).await;
        for it in page["Functions"].as_array().unwrap() {
            seen.push(it["FunctionArn"].as_str().unwrap().to_owned());
        }
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    let arn = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    assert_eq!(
        seen,
        ["f:$LATEST", "f:1", "f:2", "f:3", "g:$LATEST"].map(arn)
    );
    let plain = lab.call("ListFunctions", json!({})).await;
    assert_eq!(plain["Functions"].as_array().unwrap().len(), 2);
    let fault = lab
        .refusal("ListFunctions", json!({ "FunctionVersion": "1" }))
        .await;
    assert!(
        fault
            .message
            .ends_with("Member must satisfy enum value set: [ALL]")
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_is_deleted_alone_and_a_function_with_all_of_them() {
    let lab = lab().await;
    let first = publish(&lab).await;
    update(&lab, "two", json!({ "Publish": true })).await;
    let sha256 = |it: &Value| it["CodeSha256"].as_str().unwrap().to_owned();
    let kept = lab
        .call("GetFunctionConfiguration", json!({ "FunctionName": "f:2" }))
        .await;
    assert!(
        stored(lab.engine(), &sha256(&first)).is_ok(),
        "a version uses it"
    );
    let name = |qualifier: &str| json!({ "FunctionName": "f", "Qualifier": qualifier });
    for (qualifier, message) in [
        (
            "$LATEST",
            "$LATEST version cannot be deleted without deleting the function.",
        ),
        ("live", "Deletion of aliases is not currently supported."),
    ] {
        let fault = lab.refusal("DeleteFunction", name(qualifier)).await;
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert_eq!(fault.message, message);
    }
    for qualifier in ["1", "1", "99", "99999999999999999999999"] {
        let reply = lab
            .run("DeleteFunction", name(qualifier), "")
            .await
            .unwrap();
        assert_eq!(reply.status, 204);
    }
    assert!(stored(lab.engine(), &sha256(&first)).is_err());
    let listed = lab
        .call("ListVersionsByFunction", json!({ "FunctionName": "f" }))
        .await;
    assert_eq!(labels(&listed), ["$LATEST", "2"]);
    let fault = lab.refusal("GetFunction", name("1")).await;
    assert_eq!(fault.message, format!("Function not found: {ARN}:1"));
    lab.call("DeleteFunction", json!({ "FunctionName": "f" }))
        .await;
    assert!(stored(lab.engine(), &sha256(&kept)).is_err());
    let fault = lab.refusal("DeleteFunction", name("2")).await;
    assert_eq!(
        (fault.status, fault.message),
        (404, format!("Function not found: {ARN}"))
    );
    // Numbers begin again with a function made anew.
    lab.function("f", ("index.js", ""), json!({})).await;
    assert_eq!(publish(&lab).await["Version"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_version_runs_as_the_role_it_was_published_with() {
    let lab = lab().await;
    publish(&lab).await;
    lab.role("other", TRUST, &[]);
    let other = "arn:aws:iam::123456789012:role/other";
    let settings = json!({ "FunctionName": "f", "Role": other });
    lab.call("UpdateFunctionConfiguration", settings).await;
    lab.sleep(Duration::from_secs(1)).await;
    lab.engine()
        .change(|state| {
            state.roles.remove("other");
            Ok(())
        })
        .unwrap();
    let fault = lab
        .run("Invoke", json!({ "FunctionName": "f" }), "{}")
        .await;
    assert_eq!(fault.unwrap_err().code, "AccessDeniedException");
    invoke(&lab, json!({ "FunctionName": "f:1" })).await;
}

#[tokio::test(start_paused = true)]
async fn policies_name_the_version_that_is_called() {
    let lab = lab().await;
    for (input, expected) in [
        (json!({ "FunctionName": "f" }), ARN.to_owned()),
        (json!({ "FunctionName": "f:1" }), format!("{ARN}:1")),
        (
            json!({ "FunctionName": "f", "Qualifier": "1" }),
            format!("{ARN}:1"),
        ),
    ] {
        let call = lab.asked("Invoke", input);
        assert_eq!((row("Invoke").resource)(&call), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_qualifier_must_look_like_one() {
    let lab = lab().await;
    for (qualifier, constraint) in [
        (
            "invalid!",
            r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
        ),
        (
            &"a".repeat(129),
            "Member must have length less than or equal to 128",
        ),
    ] {
        let input = json!({ "FunctionName": "f", "Qualifier": qualifier });
        let fault = lab.refusal("GetFunction", input).await;
        assert_eq!(fault.code, "ValidationException");
        assert_eq!(
            fault.message,
            format!(
                "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: {constraint}"
            )
        );
    }
    let input = json!({ "FunctionName": "f:1", "Qualifier": "2" });
    let fault = lab.refusal("Invoke", input).await;
    assert_eq!(
        fault.message,
        "The derived qualifier from the function name does not match the specified qualifier."
    );
    for qualifier in ["$latest", "01", "-1", &"q".repeat(128)] {
        let input = json!({ "FunctionName": "f", "Qualifier": qualifier });
        let fault = lab.refusal("Invoke", input).await;
        assert_eq!(
            (fault.status, fault.code),
            (404, "ResourceNotFoundException")
        );
        assert_eq!(
            fault.message,
            format!("Function not found: {ARN}:{qualifier}")
        );
    }
    let fault = lab.refusal("Invoke", json!({ "FunctionName": "g" })).await;
    assert_eq!(
        fault.message,
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g:$LATEST"
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_of_an_older_folder_has_no_versions_yet() {
    let lab = lab().await;
    let function = lab.engine().read(|state| state.functions["f"].clone());
    let mut saved = json!(function);
    for member in [
        "version",
        "published_as",
        "published",
        "last_published",
        "aliases",
    ] {
        assert!(
            saved.as_object_mut().unwrap().remove(member).is_some(),
            "{member}"
        );
    }
    let read: Function = serde_json::from_str(&saved.to_string()).unwrap();
    assert_eq!(read, function);
    publish(&lab).await;
    let published = lab.engine().read(|state| state.functions["f"].clone());
    let read: Function = serde_json::from_str(&json!(published).to_string()).unwrap();
    assert_eq!(read, published);
}

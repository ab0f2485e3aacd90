//! Event source mappings through their operations: every refusal word for word, and the states.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::call::Fault;
use crate::engine::lambda::testing::{EVERYTHING, Lab, STREAM, TRUST};

const HELLO: (&str, &str) = ("index.js", "exports.handler = async () => 'hello'");

async fn lab() -> Lab {
    let lab = Lab::new();
    lab.function("bill", HELLO, json!({})).await;
    lab
}

fn mapping(more: &Value) -> Value {
    let mut input = json!({
        "FunctionName": "bill", "EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON",
    });
    for (member, value) in more.as_object().unwrap() {
        input[member] = value.clone();
    }
    input
}

/// Lets every passing state end.
async fn settle(lab: &Lab) {
    lab.sleep(Duration::from_secs(1)).await;
}

async fn refused(lab: &Lab, more: Value) -> Fault {
    lab.refusal("CreateEventSourceMapping", mapping(&more))
        .await
}

#[tokio::test(start_paused = true)]
async fn a_bare_mapping_comes_back_with_every_option_spelled_out() {
    let lab = lab().await;
    let made = lab
        .run("CreateEventSourceMapping", mapping(&json!({})), "")
        .await
        .unwrap();
    assert_eq!(made.status, 202);
    let made = crate::engine::lambda::testing::body(made);
    let uuid = made["UUID"].as_str().unwrap().to_owned();
    assert_eq!(uuid.len(), 36);
    assert_eq!(
        made,
        json!({
            "BatchSize": 100, "BisectBatchOnFunctionError": false, "DestinationConfig": {"OnFailure": {}},
            "EventSourceArn": STREAM,
            "EventSourceMappingArn": format!("arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{uuid}"),
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:bill",
            "FunctionResponseTypes": [], "LastModified": 1_767_225_601.0,
            "LastProcessingResult": "No records processed",
            "MaximumBatchingWindowInSeconds": 0, "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1, "ParallelizationFactor": 1, "StartingPosition": "TRIM_HORIZON",
            "State": "Creating", "StateTransitionReason": "User action", "TumblingWindowInSeconds": 0,
            "UUID": uuid,
        })
    );
    let got = lab
        .call("GetEventSourceMapping", json!({ "UUID": uuid }))
        .await;
    assert_eq!(got["UUID"], made["UUID"]);
}

#[tokio::test(start_paused = true)]
async fn the_words_of_every_refusal_are_those_of_lambda() {
    let lab = lab().await;
    let gone = STREAM.replace("orders", "gone");
    let invalid = "InvalidParameterValueException";
    let cases = [
        (json!({"StartingPosition": null}), invalid, "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.".to_owned()),
        (json!({"StartingPosition": "invalid"}), "ValidationException", "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]".to_owned()),
        (json!({"StartingPosition": "AT_TIMESTAMP"}), invalid, format!("Unsupported starting position for arn type: {STREAM}")),
        (json!({"EventSourceArn": null}), invalid, "Unrecognized event source.".to_owned()),
        (json!({"EventSourceArn": "arn:aws:s3:::bucket"}), invalid, "Unrecognized event source.".to_owned()),
        (json!({"FunctionName": "gone"}), invalid, "Function does not exist".to_owned()),
        (json!({"FunctionName": "bill:v1"}), invalid, "Function does not exist".to_owned()),
        (json!({"FunctionName": null}), "ValidationException", "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null".to_owned()),
        (json!({"EventSourceArn": gone}), invalid, format!("Stream not found: {gone}")),
        (json!({"FilterCriteria": {"Filters": [{"Pattern": "{bad"}]}}), invalid, "Invalid filter pattern definition.".to_owned()),
        (json!({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}}}), invalid, "Unsupported DestinationConfig parameter for given event source mapping type.".to_owned()),
        (json!({"MaximumRecordAgeInSeconds": 59}), invalid, "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)".to_owned()),
        (json!({"MaximumRecordAgeInSeconds": 0}), invalid, "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)".to_owned()),
        (json!({"BatchSize": 10_001}), "ValidationException", "1 validation error detected: Value '10001' at 'batchSize' failed to satisfy constraint: Member must have value less than or equal to 10000".to_owned()),
        (json!({"BatchSize": 0}), "ValidationException", "1 validation error detected: Value '0' at 'batchSize' failed to satisfy constraint: Member must have value greater than or equal to 1".to_owned()),
        (json!({"MaximumRetryAttempts": -2}), "ValidationException", "1 validation error detected: Value '-2' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value greater than or equal to -1".to_owned()),
        (json!({"FunctionResponseTypes": ["x"]}), "ValidationException", "1 validation error detected: Value '[x]' at 'functionResponseTypes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]".to_owned()),
    ];
    for (more, code, message) in cases {
        let fault = refused(&lab, more.clone()).await;
        assert_eq!((fault.status, fault.code), (400, code), "{more}");
        assert_eq!(fault.message, message, "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_contradict_each_other_are_refused() {
    let lab = lab().await;
    let six: Vec<Value> = (0..6).map(|_| json!({ "Pattern": "{}" })).collect();
    let long = format!("{{\"a\":[\"{}\"]}}", "x".repeat(4096));
    for more in [
        json!({"TumblingWindowInSeconds": 60, "ParallelizationFactor": 2}),
        json!({"FilterCriteria": {"Filters": six}}),
        json!({"FilterCriteria": {"Filters": [{"Pattern": long}]}}),
        json!({"DestinationConfig": {"OnFailure": {"Destination": "nowhere"}}}),
        json!({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q.fifo"}}}),
        json!({"ScalingConfig": {"MaximumConcurrency": 2}}),
        json!({"MetricsConfig": {"Metrics": ["Nonsense"]}}),
    ] {
        assert_eq!(refused(&lab, more.clone()).await.status, 400, "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_other_sources_may_have_a_stream_may_not() {
    let lab = lab().await;
    let one = json!({"a": 1});
    for (member, value) in [
        ("AmazonManagedKafkaEventSourceConfig", one.clone()),
        ("DocumentDBEventSourceConfig", one.clone()),
        ("LoggingConfig", json!({"SystemLogLevel": "INFO"})),
        ("MetricsConfig", json!({"Metrics": ["ErrorCount"]})),
        (
            "MetricsConfig",
            json!({"Metrics": ["EventCount", "KafkaMetrics"]}),
        ),
        ("ProvisionedPollerConfig", json!({"MinimumPollers": 1})),
        ("Queues", json!(["q"])),
        ("ScalingConfig", json!({"MaximumConcurrency": 2})),
        ("SelfManagedEventSource", one.clone()),
        ("SelfManagedKafkaEventSourceConfig", one.clone()),
        ("SourceAccessConfigurations", json!([one])),
        ("StartingPositionTimestamp", json!(1_767_225_600)),
        ("Topics", json!(["t"])),
    ] {
        let fault = refused(&lab, json!({ member: value })).await;
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert_eq!(
            fault.message,
            format!("Unsupported {member} parameter for given event source mapping type.")
        );
    }
    let empty = json!({
        "LoggingConfig": {}, "MetricsConfig": {"Metrics": []}, "Queues": [], "ScalingConfig": {},
        "SourceAccessConfigurations": [],
    });
    let made = lab.call("CreateEventSourceMapping", mapping(&empty)).await;
    assert_eq!(made["MetricsConfig"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_form_of_everything_is_judged_before_its_meaning_and_in_one_message() {
    let lab = lab().await;
    let fault = refused(
        &lab,
        json!({
            "FunctionName": "a b", "EventSourceArn": "no arn", "StartingPosition": "x", "BatchSize": 0,
            "KMSKeyArn": "key", "Tags": {"": "x"}, "FilterCriteria": {"Filters": [{"Pattern": "{bad"}]},
        }),
    )
    .await;
    assert_eq!(fault.code, "ValidationException");
    let (count, rest) = fault.message.split_once(" validation errors").unwrap();
    assert_eq!(count, "6");
    for member in [
        "'no arn' at 'eventSourceArn'",
        "'a b' at 'functionName'",
        "'x' at 'startingPosition'",
        "'0' at 'batchSize'",
        "'key' at 'kMSKeyArn'",
        "'{=x}' at 'tags'",
    ] {
        assert!(rest.contains(member), "{member}: {rest}");
    }
    let fault = refused(&lab, json!({"Enabled": "no", "FunctionName": "a b"})).await;
    assert_eq!(fault.code, "SerializationException");
}

#[tokio::test(start_paused = true)]
async fn failures_go_to_standard_queues_standard_topics_and_buckets() {
    let lab = lab().await;
    let to = |arn: &str| json!({"DestinationConfig": {"OnFailure": {"Destination": arn}}});
    for arn in [
        "arn:aws:lambda:us-east-1:123456789012:function:bill",
        "arn:aws:kinesis:us-east-1:123456789012:stream/s",
        "arn:aws:events:us-east-1:123456789012:event-bus/b",
    ] {
        let fault = refused(&lab, to(arn)).await;
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert_eq!(
            fault.message,
            format!("The destination ARN {arn} is invalid.")
        );
    }
    for (arn, fits) in [
        ("arn:aws:sqs:us-east-1:123456789012:dead", true),
        ("arn:aws:sns:us-east-1:123456789012:dead", true),
        ("arn:aws:s3:::dead.fifo", true),
        ("kafka://dead", true),
        ("kafka://.dead", false),
        ("arn:aws:sqs:nowhere:123456789012:dead", false),
        ("arn:aws:sqs:us-east-1:123:dead", false),
    ] {
        let answer = lab
            .run("CreateEventSourceMapping", mapping(&to(arn)), "")
            .await;
        match answer {
            Ok(_) => assert!(fits, "{arn}"),
            Err(fault) => assert_eq!(fault.code == "ValidationException", !fits, "{arn}"),
        }
    }
    let fault = refused(&lab, json!({"DestinationConfig": {"OnFailure": {}}})).await;
    assert_eq!(
        fault.message,
        "The Destination field is required for an OnFailure configuration."
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_does_not_look_at_what_only_a_creation_carries() {
    let lab = lab().await;
    let made = lab
        .call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    settle(&lab).await;
    let update = json!({
        "UUID": made["UUID"], "StartingPosition": "nowhere", "EventSourceArn": 7, "Tags": [],
        "Topics": ["t"], "StartingPositionTimestamp": "never", "BatchSize": 5,
    });
    let answered = lab.call("UpdateEventSourceMapping", update).await;
    assert_eq!(answered["StartingPosition"], "TRIM_HORIZON");
    settle(&lab).await;
    let refused = lab
        .refusal(
            "UpdateEventSourceMapping",
            json!({ "UUID": made["UUID"], "ScalingConfig": {"MaximumConcurrency": 2} }),
        )
        .await;
    assert_eq!(
        refused.message,
        "Unsupported ScalingConfig parameter for given event source mapping type."
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_can_no_longer_be_read_is_not_found() {
    let lab = lab().await;
    let switched_off = lab.engine().change(|state| {
        let now = lab.engine().clock().now();
        state.streams.get_mut(STREAM).unwrap().disabled = Some(now);
        Ok(())
    });
    switched_off.unwrap();
    lab.call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    lab.sleep(Duration::from_hours(25)).await;
    let fault = refused(&lab, json!({ "FunctionName": "bill:$LATEST" })).await;
    assert_eq!(fault.message, format!("Stream not found: {STREAM}"));
}

#[tokio::test(start_paused = true)]
async fn tags_of_a_mapping_are_kept_listed_and_taken_away() {
    let lab = lab().await;
    let made = lab
        .call(
            "CreateEventSourceMapping",
            mapping(&json!({"Tags": {"team": "a", "cost centre": ""}})),
        )
        .await;
    assert_eq!(made["Tags"], Value::Null);
    let arn = &made["EventSourceMappingArn"];
    lab.call(
        "TagResource",
        json!({ "Resource": arn, "Tags": {"team": "b"} }),
    )
    .await;
    lab.call(
        "UntagResource",
        json!({ "Resource": arn, "TagKeys": ["cost centre", "none"] }),
    )
    .await;
    let tags = lab.call("ListTags", json!({ "Resource": arn })).await;
    assert_eq!(tags, json!({"Tags": {"team": "b"}}));
    for (operation, input, code, words) in [
        (
            "TagResource",
            json!({}),
            "ValidationException",
            "Value null at 'tags' failed",
        ),
        (
            "UntagResource",
            json!({}),
            "ValidationException",
            "Value null at 'tagKeys' failed",
        ),
        (
            "TagResource",
            json!({"Tags": {"k".repeat(129): "v"}}),
            "ValidationException",
            "Map keys must satisfy constraint: [Member must have length less than or equal to 128",
        ),
        (
            "TagResource",
            json!({"Tags": {"k": "v".repeat(257)}}),
            "ValidationException",
            "Map value must satisfy constraint: [Member must have length less than or equal to 256",
        ),
        (
            "TagResource",
            json!({"Tags": {"AWS:k": "v"}}),
            "InvalidParameterValueException",
            "aws: prefixed tag key names are not allowed for external use.",
        ),
        (
            "TagResource",
            json!({"Tags": {"k": 7}}),
            "SerializationException",
            "can not be converted to an String",
        ),
    ] {
        let mut input = input;
        input["Resource"] = arn.clone();
        let fault = lab.refusal(operation, input).await;
        assert_eq!(fault.code, code, "{words}");
        assert!(fault.message.contains(words), "{}", fault.message);
    }
    let many: serde_json::Map<String, Value> =
        (0..51).map(|it| (format!("k{it}"), json!("v"))).collect();
    let fault = refused(&lab, json!({ "Tags": many })).await;
    assert_eq!(fault.message, "Number of tags exceeds resource tag limit.");
}

#[tokio::test(start_paused = true)]
async fn what_only_seems_wrong_is_accepted() {
    let lab = lab().await;
    let more = json!({
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "MaximumRetryAttempts": -1,
        "FilterCriteria": {"Filters": []}, "FunctionName": "bill:$LATEST",
    });
    let made = lab.call("CreateEventSourceMapping", mapping(&more)).await;
    assert_eq!(
        made["FunctionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:bill:$LATEST"
    );
    assert_eq!(made["FilterCriteria"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_same_function_on_the_same_stream_is_a_conflict() {
    let lab = lab().await;
    let made = lab
        .call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    let fault = refused(&lab, json!({})).await;
    assert_eq!(
        (fault.status, fault.code),
        (409, "ResourceConflictException")
    );
    assert_eq!(
        fault.message,
        format!(
            "The event source arn (\" {STREAM} \") and function (\" bill \") provided mapping already exists. Please update or delete the existing mapping with UUID {}",
            made["UUID"].as_str().unwrap()
        )
    );
    let other = STREAM.replace("00.000", "01.000");
    lab.stream(&other);
    lab.call(
        "CreateEventSourceMapping",
        mapping(&json!({ "EventSourceArn": other })),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_execution_role_must_be_able_to_read_the_stream_and_fill_the_destination() {
    let lab = lab().await;
    let reader = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:DescribeStream"],"Resource":"*"}]}"#;
    lab.role("worker", TRUST, &[reader]);
    let fault = refused(&lab, json!({})).await;
    assert_eq!(fault.code, "InvalidParameterValueException");
    assert_eq!(
        fault.message,
        format!(
            "Cannot access stream {STREAM}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
        )
    );
    let lister = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:ListStreams","Resource":"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*"}}"#;
    lab.role("worker", TRUST, &[reader, lister]);
    let queue = json!({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:dead"}}});
    let fault = refused(&lab, queue.clone()).await;
    assert_eq!(
        fault.message,
        "The provided execution role does not have permissions to call SendMessage on SQS"
    );
    lab.role("worker", TRUST, &[EVERYTHING]);
    let made = lab.call("CreateEventSourceMapping", mapping(&queue)).await;
    assert_eq!(
        made["DestinationConfig"]["OnFailure"]["Destination"],
        "arn:aws:sqs:us-east-1:123456789012:dead"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_uuid_is_not_found() {
    let lab = lab().await;
    for operation in [
        "GetEventSourceMapping",
        "UpdateEventSourceMapping",
        "DeleteEventSourceMapping",
    ] {
        let fault = lab.refusal(operation, json!({ "UUID": "x" })).await;
        assert_eq!(
            (fault.status, fault.code),
            (404, "ResourceNotFoundException")
        );
        assert_eq!(fault.message, "The resource you requested does not exist.");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_in_a_passing_state_is_in_use() {
    let lab = lab().await;
    let made = lab
        .call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    let uuid = json!({ "UUID": made["UUID"] });
    let fault = lab.refusal("DeleteEventSourceMapping", uuid.clone()).await;
    assert_eq!((fault.status, fault.code), (400, "ResourceInUseException"));
    assert_eq!(
        fault.message,
        "Cannot delete the event source mapping because it is in use."
    );
    settle(&lab).await;
    let deleted = lab.call("DeleteEventSourceMapping", uuid).await;
    assert_eq!(deleted["State"], "Deleting");
}

#[tokio::test(start_paused = true)]
async fn an_update_passes_through_its_state_and_changes_what_it_names() {
    let lab = lab().await;
    let made = lab
        .call(
            "CreateEventSourceMapping",
            mapping(&json!({
                "FilterCriteria": {"Filters": [{"Pattern": "{\"eventName\":[\"INSERT\"]}"}]},
                "MaximumRetryAttempts": 3,
            })),
        )
        .await;
    let uuid = &made["UUID"];
    settle(&lab).await;
    let answered = lab
        .call(
            "UpdateEventSourceMapping",
            json!({ "UUID": uuid, "BatchSize": 7, "FilterCriteria": {}, "MaximumRetryAttempts": -1 }),
        )
        .await;
    let former = (json!("Updating"), json!(100));
    assert_eq!(
        (answered["State"].clone(), answered["BatchSize"].clone()),
        former
    );
    let got = lab
        .call("GetEventSourceMapping", json!({ "UUID": uuid }))
        .await;
    assert_eq!((got["State"].clone(), got["BatchSize"].clone()), former);
    let listed = lab.call("ListEventSourceMappings", json!({})).await;
    assert_eq!(listed["EventSourceMappings"][0], got);
    settle(&lab).await;
    let got = lab
        .call("GetEventSourceMapping", json!({ "UUID": uuid }))
        .await;
    assert_eq!(
        (&got["State"], &got["BatchSize"]),
        (&json!("Enabled"), &json!(7))
    );
    assert_eq!(got["FilterCriteria"], Value::Null);
    assert_eq!(got["MaximumRetryAttempts"], -1);
    for (enabled, passing, stable) in [
        (false, "Disabling", "Disabled"),
        (true, "Enabling", "Enabled"),
    ] {
        let input = json!({ "UUID": uuid, "Enabled": enabled });
        let answered = lab.call("UpdateEventSourceMapping", input).await;
        assert_eq!(answered["State"], passing);
        settle(&lab).await;
        let got = lab
            .call("GetEventSourceMapping", json!({ "UUID": uuid }))
            .await;
        assert_eq!(got["State"], stable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_taken_as_soon_as_an_update_asks_for_it() {
    let lab = lab().await;
    lab.function("mail", HELLO, json!({})).await;
    let made = lab
        .call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    settle(&lab).await;
    let update = json!({ "UUID": made["UUID"], "FunctionName": "mail" });
    let answered = lab.call("UpdateEventSourceMapping", update).await;
    assert_eq!(answered["FunctionArn"], made["FunctionArn"]);
    for taken in ["bill", "mail"] {
        let fault = refused(&lab, json!({ "FunctionName": taken })).await;
        assert_eq!(fault.code, "ResourceConflictException", "{taken}");
    }
    settle(&lab).await;
    let freed = lab
        .call("CreateEventSourceMapping", mapping(&json!({})))
        .await;
    settle(&lab).await;
    let back = json!({ "UUID": made["UUID"], "FunctionName": "bill" });
    let fault = lab.refusal("UpdateEventSourceMapping", back).await;
    assert_eq!(fault.code, "ResourceConflictException");
    assert!(fault.message.ends_with(freed["UUID"].as_str().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_filtered_and_paged_without_asking_whether_things_exist() {
    let lab = lab().await;
    lab.function("mail", HELLO, json!({})).await;
    for function in ["bill", "mail"] {
        let input = mapping(&json!({ "FunctionName": function }));
        lab.call("CreateEventSourceMapping", input).await;
    }
    let count = async |input: Value| {
        let rows = lab.call("ListEventSourceMappings", input).await;
        rows["EventSourceMappings"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({})).await, 2);
    assert_eq!(count(json!({ "FunctionName": "mail" })).await, 1);
    assert_eq!(count(json!({ "EventSourceArn": STREAM })).await, 2);
    assert_eq!(count(json!({ "FunctionName": "gone" })).await, 0);
    let first = lab
        .call("ListEventSourceMappings", json!({ "MaxItems": 1 }))
        .await;
    assert_eq!(count(json!({ "Marker": first["NextMarker"] })).await, 1);
}

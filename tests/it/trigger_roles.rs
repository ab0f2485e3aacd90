//! Who must be allowed what for a trigger to be made and to work: callers, execution roles, users of filter keys.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::create_event_source_mapping::CreateEventSourceMappingOutput as Made;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    DestinationConfig, EventSourcePosition, Filter, FilterCriteria, OnFailure,
};
use waterwheel::engine::call::Principal;
use waterwheel::engine::lambda::set_key_usable;
use waterwheel::mapping::progress::What;

use crate::lab::{CreateTrigger, Lab, Story};

const QUIET: &str = "exports.handler = async () => {};";
const THROWS: &str = "exports.handler = async () => { throw new Error('boom'); };";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const DISTRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const NOT_ASSUMABLE: &str = "The role defined for the function cannot be assumed by Lambda.";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k";

fn policy(statements: &[(&str, &[&str], &str)]) -> String {
    let statements = statements.iter().map(|(effect, actions, resource)| {
        serde_json::json!({ "Effect": effect, "Action": actions, "Resource": resource })
    });
    let statements: Vec<_> = statements.collect();
    serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn code_and_words<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> (String, String) {
    let error = answer.err().unwrap();
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

/// A client of a session `me` of this role.
fn as_role(lab: &Lab, role: &str) -> aws_sdk_lambda::Client {
    let principal = Principal::Role {
        role: role.to_owned(),
        session: "me".to_owned(),
    };
    aws_sdk_lambda::Client::new(&lab.host.engine().sdk_config(&principal))
}

fn asked(client: &aws_sdk_lambda::Client, stream: &str, function: &str) -> CreateTrigger {
    client
        .create_event_source_mapping()
        .event_source_arn(stream)
        .function_name(function)
        .starting_position(EventSourcePosition::TrimHorizon)
}

fn to(arn: &str) -> DestinationConfig {
    let on_failure = OnFailure::builder().destination(arn).build();
    DestinationConfig::builder().on_failure(on_failure).build()
}

fn only_big() -> FilterCriteria {
    let pattern = r#"{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"big"}]}}}}"#;
    let filter = Filter::builder().pattern(pattern).build();
    FilterCriteria::builder().filters(filter).build()
}

async fn trust(lab: &Lab, role: &str, document: &str) {
    let update = lab.iam.update_assume_role_policy().role_name(role);
    update.policy_document(document).send().await.unwrap();
}

async fn result(lab: &Lab, uuid: &str) -> String {
    let trigger = lab.trigger_now(uuid).await;
    trigger.last_processing_result.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_function_gets_a_role_only_from_those_who_may_pass_it_to_lambda() {
    let lab = Lab::new().await;
    lab.function("bill", QUIET).await;
    let other = lab.role("other").await;
    lab.role("me").await;
    let mine = as_role(&lab, "me");
    let update = async || {
        let update = mine.update_function_configuration().function_name("bill");
        update.role(&other).send().await
    };
    lab.allow("me", &policy(&[("Allow", &["lambda:*"], "*")]))
        .await;
    assert_eq!(
        code_and_words(update().await),
        (
            "AccessDeniedException".to_owned(),
            format!(
                "User: arn:aws:sts::123456789012:assumed-role/me/me is not authorized to perform: iam:PassRole on resource: {other} because no identity-based policy allows the iam:PassRole action"
            )
        )
    );
    let passing = |to: &str| {
        serde_json::json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "lambda:*", "Resource": "*" },
            { "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
              "Condition": { "StringEquals": { "iam:PassedToService": to } } },
        ]})
        .to_string()
    };
    lab.allow("me", &passing("ec2.amazonaws.com")).await;
    assert_eq!(code_and_words(update().await).0, "AccessDeniedException");
    lab.allow("me", &passing("lambda.amazonaws.com")).await;
    trust(&lab, "other", DISTRUST).await;
    assert_eq!(
        code_and_words(update().await),
        (
            "InvalidParameterValueException".to_owned(),
            NOT_ASSUMABLE.to_owned()
        )
    );
    trust(&lab, "other", TRUST).await;
    assert_eq!(update().await.unwrap().role(), Some(other.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_be_bound_to_the_triggers_of_some_functions() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    for name in ["bill", "ship"] {
        lab.function(name, QUIET).await;
    }
    lab.role("me").await;
    let mine = as_role(&lab, "me");
    lab.allow("me", &policy(&[("Allow", &["lambda:GetFunction"], "*")]))
        .await;
    let denied = |action: &str, resource: &str| {
        (
            "AccessDeniedException".to_owned(),
            format!(
                "User: arn:aws:sts::123456789012:assumed-role/me/me is not authorized to perform: lambda:{action} on resource: {resource} because no identity-based policy allows the lambda:{action} action"
            ),
        )
    };
    let refused = asked(&mine, &stream, "bill").send().await;
    assert_eq!(
        code_and_words(refused),
        denied("CreateEventSourceMapping", "*")
    );
    let bound = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "lambda:*EventSourceMapping", "Resource": "*",
        "Condition": { "ArnLike": { "lambda:FunctionArn": "arn:aws:lambda:*:*:function:bill" } },
    }]});
    lab.allow("me", &bound.to_string()).await;
    let made = asked(&mine, &stream, "bill").send().await.unwrap();
    let (uuid, arn) = (made.uuid.unwrap(), made.event_source_mapping_arn.unwrap());
    lab.settle(&uuid, "Enabled").await;
    assert_eq!(
        code_and_words(asked(&mine, &stream, "ship").send().await).0,
        "AccessDeniedException"
    );
    let update = || mine.update_event_source_mapping().uuid(&uuid);
    assert_eq!(
        code_and_words(update().function_name("ship").send().await),
        denied("UpdateEventSourceMapping", &arn)
    );
    update().batch_size(5).send().await.unwrap();
    lab.settle(&uuid, "Enabled").await;
    let of_ship = lab.trigger(&stream, "ship", |it| it).await;
    let get = |uuid: &str| mine.get_event_source_mapping().uuid(uuid).send();
    assert!(get(&uuid).await.is_ok());
    assert_eq!(
        code_and_words(get(&of_ship).await).0,
        "AccessDeniedException"
    );
    let delete = |uuid: &str| mine.delete_event_source_mapping().uuid(uuid).send();
    assert_eq!(
        code_and_words(delete(&of_ship).await).0,
        "AccessDeniedException"
    );
    assert!(delete(&uuid).await.is_ok());
    let listed = mine.list_event_source_mappings().send().await;
    assert_eq!(
        code_and_words(listed),
        denied("ListEventSourceMappings", "*")
    );
}

#[tokio::test(start_paused = true)]
async fn a_trigger_is_made_only_where_its_role_may_read_the_stream() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let actions = [
        "GetRecords",
        "GetShardIterator",
        "DescribeStream",
        "ListStreams",
    ];
    let words = format!(
        "Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    );
    for missing in actions {
        let missing = format!("dynamodb:{missing}");
        lab.allow(
            "worker",
            &policy(&[("Allow", &["*"], "*"), ("Deny", &[&missing], "*")]),
        )
        .await;
        let refused = asked(&lab.lambda, &stream, "bill").send().await;
        assert_eq!(
            code_and_words(refused),
            ("InvalidParameterValueException".to_owned(), words.clone()),
            "{missing}"
        );
    }
    // What is known of the role's own calls is known here, too.
    let bound = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*",
        "Condition": {
            "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::123456789012:role/worker" },
            "StringEquals": { "aws:RequestedRegion": "us-east-1" },
            "DateGreaterThan": { "aws:CurrentTime": "2025-01-01T00:00:00Z" },
        },
    }]});
    lab.allow("worker", &bound.to_string()).await;
    lab.trigger(&stream, "bill", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_taken_only_where_the_role_may_write_to_it() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let words = |operation: &str, service: &str| {
        format!(
            "The provided execution role does not have permissions to call {operation} on {service}"
        )
    };
    for (arn, denied, operation, service) in [
        (
            "arn:aws:sqs:us-east-1:123456789012:dead",
            "sqs:SendMessage",
            "SendMessage",
            "SQS",
        ),
        (
            "arn:aws:sns:us-east-1:123456789012:dead",
            "sns:Publish",
            "Publish",
            "SNS",
        ),
        ("arn:aws:s3:::dead", "s3:PutObject", "PutObject", "S3"),
        ("arn:aws:s3:::dead", "s3:ListBucket", "ListBucket", "S3"),
    ] {
        lab.allow(
            "worker",
            &policy(&[("Allow", &["*"], "*"), ("Deny", &[denied], "*")]),
        )
        .await;
        let create = asked(&lab.lambda, &stream, "bill").destination_config(to(arn));
        assert_eq!(
            code_and_words(create.send().await),
            (
                "InvalidParameterValueException".to_owned(),
                words(operation, service)
            )
        );
    }
    lab.allow("worker", &policy(&[("Allow", &["*"], "*")]))
        .await;
    let queue = to("arn:aws:sqs:us-east-1:123456789012:dead");
    let uuid = lab
        .trigger(&stream, "bill", |it| it.destination_config(queue.clone()))
        .await;
    // Another function is another role.
    let reader = lab.role("reader").await;
    lab.allow("reader", &policy(&[("Allow", &["dynamodb:*"], "*")]))
        .await;
    lab.function("ship", QUIET).await;
    let assign = lab.lambda.update_function_configuration();
    assign
        .function_name("ship")
        .role(reader)
        .send()
        .await
        .unwrap();
    let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
    assert_eq!(
        code_and_words(update.function_name("ship").send().await).1,
        words("SendMessage", "SQS")
    );
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_the_role_may_not_send_is_lost_and_the_trigger_goes_on() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, url) = lab.queue("dead").await;
    lab.function("bill", THROWS).await;
    lab.trigger(&stream, "bill", |it| {
        it.maximum_retry_attempts(0).destination_config(to(&queue))
    })
    .await;
    lab.allow(
        "worker",
        &policy(&[("Allow", &["dynamodb:*", "logs:*"], "*")]),
    )
    .await;
    lab.put("orders", ["1"]).await;
    lab.sleep(5).await;
    let errors: Vec<_> = Story::of(&lab)
        .all()
        .into_iter()
        .filter_map(|it| match it.what {
            What::Delivered { error, .. } => error,
            _ => None,
        })
        .collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].contains("User: arn:aws:sts::123456789012:assumed-role/worker/bill is not authorized to perform: sqs:sendmessage"),
        "{errors:?}"
    );
    lab.recode("bill", QUIET).await;
    lab.put("orders", ["2"]).await;
    lab.sleep(5).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"], ["2"]]);
    assert!(lab.messages(&url).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_no_longer_trusts_lambda_stops_polls_and_calls_until_it_does() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let invoke = || {
        lab.lambda
            .invoke()
            .function_name("bill")
            .payload(Blob::new("{}"))
            .send()
    };
    assert!(invoke().await.is_ok());
    trust(&lab, "worker", DISTRUST).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(10).await;
    assert_eq!(
        result(&lab, &uuid).await,
        format!("PROBLEM: {NOT_ASSUMABLE}")
    );
    assert_eq!(
        code_and_words(invoke().await),
        ("AccessDeniedException".to_owned(), NOT_ASSUMABLE.to_owned())
    );
    assert_eq!(lab.trigger_now(&uuid).await.state(), Some("Enabled"));
    assert!(Story::of(&lab).deliveries().is_empty());
    trust(&lab, "worker", TRUST).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    assert_eq!(result(&lab, &uuid).await, "OK");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_deleted_and_made_again_is_waited_for() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let inline = lab.iam.delete_role_policy().role_name("worker");
    inline.policy_name("p").send().await.unwrap();
    let delete = lab.iam.delete_role().role_name("worker");
    delete.send().await.unwrap();
    lab.put("orders", ["1"]).await;
    lab.sleep(10).await;
    assert_eq!(
        result(&lab, &uuid).await,
        format!("PROBLEM: {NOT_ASSUMABLE}")
    );
    lab.role("worker").await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_function_are_judged_as_its_role() {
    let lab = Lab::new().await;
    lab.table("orders").await;
    lab.allow("worker", &policy(&[("Allow", &["logs:*"], "*")]))
        .await;
    let session = Principal::Role {
        role: "worker".to_owned(),
        session: "bill".to_owned(),
    };
    let client = aws_sdk_dynamodb::Client::new(&lab.host.engine().sdk_config(&session));
    let put = client.put_item().table_name("orders");
    let put = put.item("id", AttributeValue::S("1".to_owned()));
    assert_eq!(
        code_and_words(put.send().await),
        (
            "AccessDeniedException".to_owned(),
            "User: arn:aws:sts::123456789012:assumed-role/worker/bill is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/orders because no identity-based policy allows the dynamodb:PutItem action".to_owned()
        )
    );
}

/// A trigger with filters that a key encrypts.
async fn locked(lab: &Lab, stream: &str) -> Made {
    let create = asked(&lab.lambda, stream, "bill").filter_criteria(only_big());
    let made = create.kms_key_arn(KEY).send().await.unwrap();
    lab.settle(made.uuid().unwrap(), "Enabled").await;
    made
}

#[tokio::test(start_paused = true)]
async fn filters_under_a_key_are_shown_to_those_who_may_decrypt_them() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let made = locked(&lab, &stream).await;
    assert_eq!(made.kms_key_arn(), Some(KEY));
    assert!(made.filter_criteria.is_some());
    let uuid = made.uuid.unwrap();
    let listed = lab
        .lambda
        .list_event_source_mappings()
        .send()
        .await
        .unwrap();
    let row = &listed.event_source_mappings()[0];
    assert!(row.filter_criteria().is_none() && row.filter_criteria_error().is_none());
    assert_eq!(row.kms_key_arn(), Some(KEY));

    lab.role("me").await;
    let mine = as_role(&lab, "me");
    let get = || mine.get_event_source_mapping().uuid(&uuid).send();
    lab.allow("me", &policy(&[("Allow", &["lambda:*"], "*")]))
        .await;
    let shown = get().await.unwrap();
    assert!(shown.filter_criteria.is_none());
    let error = shown.filter_criteria_error.unwrap();
    assert_eq!(error.error_code(), Some("KMSAccessDeniedException"));
    assert_eq!(
        error.message().unwrap(),
        format!(
            "Lambda was unable to decrypt your filter criteria because KMS access was denied. Please check your KMS key settings. KMS Exception: AccessDeniedException KMS Message: User: arn:aws:sts::123456789012:assumed-role/me/me is not authorized to perform: kms:Decrypt on resource: {KEY} because no identity-based policy allows the kms:Decrypt action"
        )
    );
    let bound = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "lambda:*", "Resource": "*" },
        { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY, "Condition": { "StringEquals": {
            "kms:EncryptionContext:aws:lambda:EventSourceArn": stream,
            "kms:EncryptionContext:aws:lambda:FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:bill",
        }}},
    ]});
    lab.allow("me", &bound.to_string()).await;
    let shown = get().await.unwrap();
    assert_eq!(shown.filter_criteria, Some(only_big()));
    let unlocked = lab.lambda.update_event_source_mapping().uuid(&uuid);
    unlocked.kms_key_arn("").send().await.unwrap();
    lab.settle(&uuid, "Enabled").await;
    let listed = lab
        .lambda
        .list_event_source_mappings()
        .send()
        .await
        .unwrap();
    let row = &listed.event_source_mappings()[0];
    assert_eq!(row.kms_key_arn(), None);
    assert_eq!(row.filter_criteria(), Some(&only_big()));
}

#[tokio::test(start_paused = true)]
async fn a_trigger_rests_while_the_key_of_its_filters_cannot_be_used() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", QUIET).await;
    let uuid = locked(&lab, &stream).await.uuid.unwrap();
    let declare = |is_usable| set_key_usable(lab.host.engine(), KEY, is_usable).unwrap();
    declare(false);
    lab.sleep(1).await;
    lab.put("orders", ["big", "small"]).await;
    lab.sleep(5).await;
    let trigger = lab.trigger_now(&uuid).await;
    let error = trigger.filter_criteria_error.unwrap();
    assert_eq!(error.error_code(), Some("KMSDisabledException"));
    let words = error.message.unwrap();
    assert!(
        words.ends_with(&format!("KMS Message: {KEY} is disabled.")),
        "{words}"
    );
    assert!(trigger.filter_criteria.is_none());
    assert_eq!(trigger.state.as_deref(), Some("Enabled"));
    assert_eq!(
        trigger.last_processing_result.unwrap(),
        format!("PROBLEM: {words}")
    );
    assert!(Story::of(&lab).deliveries().is_empty());
    declare(true);
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["big"]]);
    assert_eq!(result(&lab, &uuid).await, "OK");
}

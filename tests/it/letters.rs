//! Letters about lost records: to queues and to topics, and what becomes of those that cannot be sent.

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::types::{DestinationConfig, OnFailure};
use serde_json::Value;
use waterwheel::mapping::progress::What;
use waterwheel::ui::live::Live;
use waterwheel::ui::live::story::Status;

use crate::lab::{CreateTrigger, Lab, Story};

const THROWS: &str = "exports.handler = async () => { throw new Error('no') }";
/// The lab's policy without the right to send letters.
const SILENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*"],"Resource":"*"}]}"#;
const LOUD: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","logs:*","sns:Publish","sqs:SendMessage"],"Resource":"*"}]}"#;

/// Gives every batch of one record up after one attempt.
fn lossy(create: CreateTrigger, destination: &str) -> CreateTrigger {
    let on_failure = OnFailure::builder().destination(destination).build();
    create
        .batch_size(1)
        .maximum_retry_attempts(0)
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build())
}

/// Destinations of the letters sent so far, and why they did not arrive.
fn sent(lab: &Lab) -> Vec<(String, Option<String>)> {
    let all = Story::of(lab).all().into_iter();
    all.filter_map(|it| match it.what {
        What::Delivered {
            destination, error, ..
        } => Some((destination, error)),
        _ => None,
    })
    .collect()
}

/// A letter without what differs between any two.
fn anonymous(letter: &Value) -> Value {
    let mut letter = letter.clone();
    letter["requestContext"]["requestId"] = "id".into();
    letter["requestContext"]["functionArn"] = "arn".into();
    letter["timestamp"] = "now".into();
    letter
}

#[tokio::test(start_paused = true)]
async fn a_topic_gets_the_same_letter_as_a_queue() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, url) = lab.queue("lost").await;
    let (topic, heard) = lab.topic("lost").await;
    for (function, destination) in [("one", &queue), ("two", &topic)] {
        lab.function(function, THROWS).await;
        lab.trigger(&stream, function, |it| lossy(it, destination))
            .await;
    }
    lab.put("orders", ["1"]).await;
    lab.sleep(5).await;
    let by_queue = lab.messages(&url).await;
    let by_topic = lab.messages(&heard).await;
    assert_eq!((by_queue.len(), by_topic.len()), (1, 1));
    let letter = &by_topic[0];
    let condition = &letter["requestContext"]["condition"];
    assert_eq!(condition, "RetryAttemptsExhausted");
    assert_eq!(letter["DDBStreamBatchInfo"]["streamArn"], stream.as_str());
    assert_eq!(anonymous(letter), anonymous(&by_queue[0]));
    let mut told = sent(&lab);
    told.sort();
    assert_eq!(told, [(topic, None), (queue, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_may_not_be_sent_is_lost_and_told_so() {
    let lab = Lab::new().await;
    let (queue, url) = lab.queue("lost").await;
    let (topic, heard) = lab.topic("lost").await;
    let cases = [
        (
            queue,
            url,
            "sqs:sendmessage",
            "AmazonSQS",
            "AccessDeniedException",
        ),
        (
            topic,
            heard,
            "SNS:Publish",
            "AmazonSNS",
            "AuthorizationError",
        ),
    ];
    for (nth, (destination, url, action, service, code)) in cases.into_iter().enumerate() {
        lab.allow("worker", LOUD).await;
        let (table, function) = (format!("orders-{nth}"), format!("fails-{nth}"));
        let stream = lab.table(&table).await;
        lab.function(&function, THROWS).await;
        let uuid = lab
            .trigger(&stream, &function, |it| lossy(it, &destination))
            .await;
        lab.allow("worker", SILENT).await;
        let before = sent(&lab).len();
        lab.put(&table, ["denied"]).await;
        lab.sleep(5).await;
        assert!(lab.messages(&url).await.is_empty());
        let told = sent(&lab).split_off(before);
        let (to, error) = told.last().unwrap();
        assert_eq!(to, &destination);
        let error = error.as_deref().unwrap();
        let words = format!(
            "User: arn:aws:sts::123456789012:assumed-role/worker/{function} is not authorized to perform: {action} on resource: {destination} because no identity-based policy allows the {action} action (Service: {service}; Status Code: 403; Error Code: {code}; Request ID: "
        );
        assert!(error.starts_with(&words), "{error}");
        // The shard goes on, and the next letter arrives once it may.
        lab.allow("worker", LOUD).await;
        lab.put(&table, ["allowed"]).await;
        lab.sleep(5).await;
        assert_eq!(lab.messages(&url).await.len(), 1);
        let trigger = lab.trigger_now(&uuid).await;
        assert_eq!(trigger.state(), Some("Enabled"));
        // The console counts one record as lost and one as delivered.
        let mut live = Live::default();
        for step in Story::of(&lab).all() {
            live.take(&step);
        }
        let story = live.mapping(&uuid).unwrap();
        assert_eq!((story.funnel.dropped, story.funnel.delivered), (1, 1));
        let ends: Vec<Status> = story.batches().map(|(_, batch)| batch.status()).collect();
        assert_eq!(ends, [Status::Dropped, Status::Delivered]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_to_a_topic_that_is_gone_is_lost_and_told_so() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (topic, heard) = lab.topic("lost").await;
    lab.function("fails", THROWS).await;
    lab.trigger(&stream, "fails", |it| lossy(it, &topic)).await;
    let delete = lab.sns.delete_topic().topic_arn(&topic);
    delete.send().await.unwrap();
    lab.put("orders", ["1", "2"]).await;
    lab.sleep(5).await;
    assert!(lab.messages(&heard).await.is_empty());
    let told = sent(&lab);
    assert_eq!(told.len(), 2);
    for (_, error) in told {
        let error = error.unwrap();
        let words = "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: ";
        assert!(error.starts_with(words), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_needs_a_role_that_may_send_its_letters() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, _) = lab.queue("lost").await;
    let (topic, _) = lab.topic("lost").await;
    lab.function("fails", THROWS).await;
    lab.allow("worker", SILENT).await;
    for (destination, call) in [(queue, "SendMessage on SQS"), (topic, "Publish on SNS")] {
        let create = lab.lambda.create_event_source_mapping();
        let create = create.event_source_arn(&stream).function_name("fails");
        let create = create.starting_position("LATEST".into());
        let refused = lossy(create, &destination).send().await.unwrap_err();
        let refused = refused.into_service_error();
        assert!(refused.is_invalid_parameter_value_exception());
        assert_eq!(
            refused.message(),
            Some(
                format!("The provided execution role does not have permissions to call {call}")
                    .as_str()
            )
        );
    }
}

//! SNS as its SDK sees it.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::subscribe::builders::SubscribeFluentBuilder as Subscribe;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::{MessageAttributeValue as Value, PublishBatchRequestEntry as Entry, Tag};
use aws_sdk_sqs::types::Message;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::call::Principal;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::engine::{EngineHost, Options};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lost";
pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:heard";

pub(crate) struct World {
    pub(crate) host: EngineHost,
    pub(crate) sns: Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

impl World {
    /// With a topic and a queue.
    pub(crate) async fn new() -> Self {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        let world = Self::open(Options::temporary(clock));
        let made = world.sns.create_topic().name("lost").send().await.unwrap();
        assert_eq!(made.topic_arn(), Some(TOPIC));
        world.queue("heard").await;
        world
    }

    fn open(options: Options) -> Self {
        let host = EngineHost::open(options).unwrap();
        let config = host.engine().sdk_config(&Principal::Root);
        Self {
            sns: Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            host,
        }
    }

    pub(crate) async fn queue(&self, name: &str) {
        self.sqs
            .create_queue()
            .queue_name(name)
            .send()
            .await
            .unwrap();
    }

    pub(crate) fn subscribe(&self, queue: &str) -> Subscribe {
        let subscribe = self.sns.subscribe().topic_arn(TOPIC);
        subscribe.protocol("sqs").endpoint(queue)
    }

    pub(crate) async fn subscribed(&self, attributes: &[(&str, &str)]) -> String {
        let mut subscribe = self.subscribe(QUEUE);
        for (name, value) in attributes {
            subscribe = subscribe.attributes(*name, *value);
        }
        subscribe.send().await.unwrap().subscription_arn.unwrap()
    }

    pub(crate) async fn publish(&self, message: &str) -> String {
        let publish = self.sns.publish().topic_arn(TOPIC).message(message);
        publish.send().await.unwrap().message_id.unwrap()
    }

    pub(crate) async fn received(&self, queue: &str) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(queue);
        let receive = receive
            .max_number_of_messages(10)
            .message_attribute_names("All");
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        let received = self.received(queue).await;
        received.into_iter().filter_map(|it| it.body).collect()
    }
}

pub(crate) fn text(kind: &str, value: &str) -> Value {
    let value = Value::builder().data_type(kind).string_value(value);
    value.build().unwrap()
}

/// Code and message of a refusal.
pub(crate) fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    answer: Result<T, SdkError<E>>,
) -> (String, String) {
    let error = answer.unwrap_err();
    let error = error.as_service_error().unwrap();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

pub(crate) fn invalid(reason: &str) -> (String, String) {
    (
        "InvalidParameter".to_owned(),
        format!("Invalid parameter: {reason}"),
    )
}

pub(crate) fn not_found(message: &str) -> (String, String) {
    ("NotFound".to_owned(), message.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_queue_hears_of_a_message_in_its_envelope() {
    let world = World::new().await;
    let subscription = world.subscribed(&[]).await;
    assert!(subscription.starts_with(&format!("{TOPIC}:")));
    let blob = Value::builder().data_type("Binary");
    let blob = blob.binary_value(Blob::new([2, 3, 4])).build().unwrap();
    let publish = world.sns.publish().target_arn(TOPIC).message("text \"1\"");
    let publish = publish
        .subject("Hello")
        .message_attributes("kind", text("String", "an <b> & c"))
        .message_attributes("blob", blob);
    let id = publish.send().await.unwrap().message_id.unwrap();
    let body = world.bodies("heard").await.remove(0);
    assert!(
        body.starts_with("{\n  \"Type\" : \"Notification\",\n"),
        "{body}"
    );
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["MessageId"], id.as_str());
    assert_eq!(body["TopicArn"], TOPIC);
    assert_eq!(body["Subject"], "Hello");
    assert_eq!(body["Message"], "text \"1\"");
    assert_eq!(body["Timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(body["SignatureVersion"], "1");
    let attributes = serde_json::json!({
        "kind": {"Type": "String", "Value": "an <b> & c"},
        "blob": {"Type": "Binary", "Value": "AgME"},
    });
    assert_eq!(body["MessageAttributes"], attributes);
    let unsubscribe = body["UnsubscribeURL"].as_str().unwrap();
    assert!(unsubscribe.ends_with(&subscription), "{unsubscribe}");
}

#[tokio::test(start_paused = true)]
async fn a_raw_message_is_what_was_published_with_its_attributes() {
    let world = World::new().await;
    world.subscribed(&[("RawMessageDelivery", "true")]).await;
    let publish = world.sns.publish().topic_arn(TOPIC).message("raw");
    let publish = publish.message_attributes("attr1", text("Number", "19.12"));
    publish.send().await.unwrap();
    let got = world.received("heard").await.remove(0);
    assert_eq!(got.body(), Some("raw"));
    // Recorded from AWS.
    assert_eq!(
        got.md5_of_message_attributes(),
        Some("1f07082409022a373fa2a2601f82b3cb")
    );
    let attributes = got.message_attributes.unwrap();
    assert_eq!(attributes["attr1"].string_value(), Some("19.12"));
    assert_eq!(attributes["attr1"].data_type(), "Number");
}

#[tokio::test(start_paused = true)]
async fn a_filter_policy_decides_what_a_queue_hears() {
    let world = World::new().await;
    let policy = r#"{"n":[{"numeric":[">",0,"<=",100]}]}"#;
    let raw = ("RawMessageDelivery", "true");
    let subscription = world.subscribed(&[("FilterPolicy", policy), raw]).await;
    for (body, number) in [("in", "99"), ("out", "111")] {
        let publish = world.sns.publish().topic_arn(TOPIC).message(body);
        let publish = publish.message_attributes("n", text("Number", number));
        publish.send().await.unwrap();
    }
    world.publish("without").await;
    assert_eq!(world.bodies("heard").await, ["in"]);
    let set = async |name: &str, value: &str| {
        let set = world.sns.set_subscription_attributes();
        let set = set.subscription_arn(&subscription).attribute_name(name);
        set.attribute_value(value).send().await.unwrap();
    };
    set("FilterPolicy", "").await;
    world.publish("any").await;
    assert_eq!(world.bodies("heard").await, ["any"]);
    set("FilterPolicyScope", "MessageBody").await;
    set("FilterPolicy", r#"{"o":{"k":[{"prefix":"auto-"}]}}"#).await;
    for body in [r#"{"o":{"k":"auto-1"}}"#, r#"{"o":{"k":"1"}}"#, "no JSON"] {
        world.publish(body).await;
    }
    assert_eq!(world.bodies("heard").await, [r#"{"o":{"k":"auto-1"}}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_message_may_say_something_else_to_queues() {
    let world = World::new().await;
    world.subscribed(&[("RawMessageDelivery", "true")]).await;
    let publish = async |message: &str| {
        let publish = world.sns.publish().topic_arn(TOPIC).message(message);
        publish.message_structure("json").send().await
    };
    publish(r#"{"default":"d","sqs":"{\"field\":\"value\"}"}"#)
        .await
        .unwrap();
    publish(r#"{"default":"d","http":"h"}"#).await.unwrap();
    let bodies = world.bodies("heard").await;
    assert_eq!(bodies, [r#"{"field":"value"}"#, "d"]);
    let none = invalid("Message Structure - No default entry in JSON message body");
    assert_eq!(refused(publish(r#"{"sqs":"s"}"#).await), none);
    assert_eq!(refused(publish(r#"{"default":{"a":1}}"#).await), none);
    assert_eq!(
        refused(publish("no JSON").await),
        invalid("Message Structure - JSON message body failed to parse")
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_delivered_in_order_or_refused_as_a_whole() {
    let world = World::new().await;
    world.subscribed(&[("RawMessageDelivery", "true")]).await;
    let entry = |id: &str, message: &str| {
        let entry = Entry::builder().id(id).message(message);
        entry.build().unwrap()
    };
    let batch = async |entries: Vec<Entry>| {
        let batch = world.sns.publish_batch().topic_arn(TOPIC);
        batch
            .set_publish_batch_request_entries(Some(entries))
            .send()
            .await
    };
    let sent = batch(vec![entry("b", "1"), entry("a", "2")]).await.unwrap();
    let ids: Vec<_> = sent.successful().iter().filter_map(|it| it.id()).collect();
    assert_eq!(ids, ["b", "a"]);
    assert!(sent.failed().is_empty());
    assert_eq!(world.bodies("heard").await, ["1", "2"]);

    let code = |refused: (String, String)| refused.0;
    let many = (0..11).map(|at| entry(&at.to_string(), "x")).collect();
    assert_eq!(
        refused(batch(many).await),
        (
            "TooManyEntriesInBatchRequest".to_owned(),
            "The batch request contains more entries than permissible.".to_owned()
        )
    );
    let twice = vec![entry("a", "1"), entry("a", "2")];
    assert_eq!(
        refused(batch(twice).await),
        (
            "BatchEntryIdsNotDistinct".to_owned(),
            "Two or more batch entries in the request have the same Id.".to_owned()
        )
    );
    assert_eq!(
        refused(batch(vec![entry("message.id", "1")]).await).1,
        "The Id of a batch entry in the batch request contains an impermissible character: message.id"
    );
    let long = "a".repeat(81);
    assert_eq!(
        refused(batch(vec![entry(&long, "1")]).await).1,
        format!("The Id of a batch entry in the batch request is too long: {long}")
    );
    assert_eq!(code(refused(batch(vec![]).await)), "EmptyBatchRequest");
    let half = "x".repeat(131_073);
    let large = vec![entry("a", &half), entry("b", &half)];
    assert_eq!(
        refused(batch(large).await),
        (
            "BatchRequestTooLong".to_owned(),
            "The length of all the messages put together is more than the limit.".to_owned()
        )
    );
    assert_eq!(
        refused(batch(vec![entry("a", "good"), entry("b", "")]).await),
        invalid("Empty message")
    );
    let untyped = Value::builder().data_type("String").build().unwrap();
    let bad = Entry::builder().id("a").message("m");
    let bad = bad.message_attributes("attr1", untyped).build().unwrap();
    assert_eq!(
        code(refused(batch(vec![bad]).await)),
        "ParameterValueInvalid"
    );
    assert!(world.bodies("heard").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_topic_tells_of_itself_and_of_its_subscriptions() {
    let world = World::new().await;
    let got = async || {
        let got = world.sns.get_topic_attributes().topic_arn(TOPIC);
        let got = got.send().await.unwrap().attributes.unwrap();
        BTreeMap::from_iter(got)
    };
    let first = got().await;
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "DisplayName",
            "EffectiveDeliveryPolicy",
            "Owner",
            "Policy",
            "SubscriptionsConfirmed",
            "SubscriptionsDeleted",
            "SubscriptionsPending",
            "TopicArn"
        ]
    );
    assert_eq!(first["Owner"], "123456789012");
    let policy: serde_json::Value = serde_json::from_str(&first["Policy"]).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], TOPIC);
    let subscription = world.subscribed(&[]).await;
    let set = |name: &str, value: &str| {
        let set = world.sns.set_topic_attributes().topic_arn(TOPIC);
        set.attribute_name(name).attribute_value(value).send()
    };
    set("DisplayName", "Lost & found").await.unwrap();
    let second = got().await;
    assert_eq!(second["SubscriptionsConfirmed"], "1");
    assert_eq!(second["DisplayName"], "Lost & found");
    let unsubscribe = || {
        world
            .sns
            .unsubscribe()
            .subscription_arn(&subscription)
            .send()
    };
    unsubscribe().await.unwrap();
    unsubscribe().await.unwrap();
    let third = got().await;
    assert_eq!(
        (
            third["SubscriptionsConfirmed"].as_str(),
            third["SubscriptionsDeleted"].as_str()
        ),
        ("0", "1")
    );
    for name in ["FifoTopic", "Nonsense"] {
        assert_eq!(refused(set(name, "false").await), invalid("AttributeName"));
    }
    let unknown = world
        .sns
        .get_topic_attributes()
        .topic_arn(format!("{TOPIC}2"));
    assert_eq!(
        refused(unknown.send().await),
        not_found("Topic does not exist")
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_tells_of_itself() {
    let world = World::new().await;
    let subscription = world.subscribed(&[("RawMessageDelivery", "true")]).await;
    let got = world.sns.get_subscription_attributes();
    let got = got.subscription_arn(&subscription).send().await.unwrap();
    let got = BTreeMap::from_iter(got.attributes.unwrap());
    let expected = [
        ("ConfirmationWasAuthenticated", "true"),
        ("Endpoint", QUEUE),
        ("Owner", "123456789012"),
        ("PendingConfirmation", "false"),
        ("Protocol", "sqs"),
        ("RawMessageDelivery", "true"),
        ("SubscriptionArn", &subscription),
        ("SubscriptionPrincipal", "arn:aws:iam::123456789012:root"),
        ("TopicArn", TOPIC),
    ];
    let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(got, expected);
    // The same again is the same subscription, whether or not it says how.
    assert_eq!(world.subscribed(&[]).await, subscription);
    assert_eq!(
        world.subscribed(&[("RawMessageDelivery", "true")]).await,
        subscription
    );
    let other = world
        .subscribe(QUEUE)
        .attributes("RawMessageDelivery", "false");
    assert_eq!(
        refused(other.send().await),
        invalid("Attributes Reason: Subscription already exists with different attributes")
    );
    let by_topic = world.sns.list_subscriptions_by_topic().topic_arn(TOPIC);
    let by_topic = by_topic.send().await.unwrap();
    let all = world.sns.list_subscriptions().send().await.unwrap();
    for found in [by_topic.subscriptions(), all.subscriptions()] {
        let [found] = found else { panic!("{found:?}") };
        assert_eq!(found.subscription_arn(), Some(subscription.as_str()));
        assert_eq!(found.endpoint(), Some(QUEUE));
        assert_eq!(
            (found.protocol(), found.owner()),
            (Some("sqs"), Some("123456789012"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tags_of_a_topic_come_change_and_go() {
    let world = World::new().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let tags = async || {
        let tags = world.sns.list_tags_for_resource().resource_arn(TOPIC);
        let tags = tags.send().await.unwrap();
        let tags = tags.tags().iter();
        tags.map(|it| format!("{}={}", it.key(), it.value()))
            .collect::<Vec<_>>()
    };
    assert!(tags().await.is_empty());
    let set = world.sns.tag_resource().resource_arn(TOPIC);
    let set = set.tags(tag("k1", "v1")).tags(tag("k2", "v2"));
    set.send().await.unwrap();
    let untag = world.sns.untag_resource().resource_arn(TOPIC);
    untag.tag_keys("k1").send().await.unwrap();
    let set = world.sns.tag_resource().resource_arn(TOPIC);
    set.tags(tag("k2", "v2b")).send().await.unwrap();
    assert_eq!(tags().await, ["k2=v2b"]);
    let unknown = world.sns.list_tags_for_resource();
    let unknown = unknown.resource_arn(format!("{TOPIC}2")).send().await;
    let unknown = unknown.unwrap_err().into_service_error();
    assert!(unknown.is_resource_not_found_exception(), "{unknown:?}");
}

#[tokio::test(start_paused = true)]
async fn long_lists_come_in_pages_of_a_hundred() {
    let world = World::new().await;
    for at in 0..120 {
        let create = world.sns.create_topic().name(format!("t{at:03}"));
        create.send().await.unwrap();
        world
            .subscribe(&format!("{QUEUE}{at}"))
            .send()
            .await
            .unwrap();
    }
    let first = world.sns.list_topics().send().await.unwrap();
    assert_eq!(first.topics().len(), 100);
    let all = world.sns.list_topics().into_paginator().items().send();
    assert_eq!(all.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 121);
    let by_topic = world.sns.list_subscriptions_by_topic().topic_arn(TOPIC);
    let all = by_topic.into_paginator().items().send();
    assert_eq!(all.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 120);
    let bad = world.sns.list_topics().next_token("?").send().await;
    assert_eq!(refused(bad), invalid("NextToken"));
    // A deleted topic takes its subscriptions along; deleting it again is fine.
    for _ in 0..2 {
        let delete = world.sns.delete_topic().topic_arn(TOPIC);
        delete.send().await.unwrap();
    }
    let rest = world.sns.list_subscriptions().send().await.unwrap();
    assert!(rest.subscriptions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_goes_to_the_dead_letter_queue() {
    let world = World::new().await;
    world.queue("dead").await;
    let dead = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead"}"#;
    let raw = ("RawMessageDelivery", "true");
    world.subscribed(&[("RedrivePolicy", dead), raw]).await;
    world
        .subscribe(&format!("{QUEUE}-not"))
        .send()
        .await
        .unwrap();
    world
        .sqs
        .delete_queue()
        .queue_url("heard")
        .send()
        .await
        .unwrap();
    let publish = world.sns.publish().topic_arn(TOPIC).message("late");
    let publish = publish.message_attributes("n", text("Number", "111"));
    publish.send().await.unwrap();
    let got = world.received("dead").await.remove(0);
    assert_eq!(got.body(), Some("late"));
    assert_eq!(
        got.message_attributes().unwrap()["n"].string_value(),
        Some("111")
    );
    // The list of calls tells what became of it.
    let calls = world.host.engine().recent_calls();
    let sent: Vec<_> = calls
        .iter()
        .filter(|call| call.operation == "SendMessage")
        .map(|call| (call.subject.as_str(), call.code))
        .collect();
    let none = Some("QueueDoesNotExist");
    assert_eq!(sent.len(), 3);
    for one in [("heard", none), ("dead", None), ("heard-not", none)] {
        assert!(sent.contains(&one), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_and_the_list_of_calls_know_topics() {
    let world = World::new().await;
    let engine = world.host.engine();
    engine
        .faults()
        .set(1, vec![Rule::always("sns:Publish", Kind::Throttle)]);
    let once = aws_sdk_sns::config::Builder::from(&engine.sdk_config(&Principal::Root));
    let once = once.retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled());
    let once = Client::from_conf(once.build());
    let publish = once.publish().topic_arn(TOPIC).message("m").send().await;
    let error = publish.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 429);
    assert_eq!(error.into_service_error().code(), Some("Throttled"));
    let calls = engine.recent_calls();
    let call = calls
        .iter()
        .find(|call| call.operation == "Publish")
        .unwrap();
    assert_eq!(
        (call.service, call.status, call.subject.as_str()),
        ("sns", 429, TOPIC)
    );
    let call = calls
        .iter()
        .find(|call| call.operation == "CreateTopic")
        .unwrap();
    assert_eq!(call.subject, "lost");
}

#[tokio::test]
async fn topics_and_subscriptions_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::real();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::temporary(clock.clone())
    };
    let subscription = {
        let world = World::open(options());
        world.sns.create_topic().name("lost").send().await.unwrap();
        world.queue("heard").await;
        let subscription = world.subscribed(&[("RawMessageDelivery", "true")]).await;
        let World { host, .. } = world;
        host.close().await;
        subscription
    };
    let world = World::open(options());
    world.publish("again").await;
    assert_eq!(world.bodies("heard").await, ["again"]);
    assert_eq!(world.subscribed(&[]).await, subscription);
}

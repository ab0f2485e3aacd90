//! What SNS refuses, in AWS's words.

use aws_sdk_sns::Client;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::{MessageAttributeValue as Value, PublishBatchRequestEntry as Entry, Tag};
use waterwheel::engine::call::Principal;

use crate::topics::{QUEUE, TOPIC, World, invalid, not_found, refused, text};

/// Recorded from AWS.
#[tokio::test(start_paused = true)]
async fn messages_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let publish = |topic: &str| world.sns.publish().topic_arn(topic);
    let good = || publish(TOPIC).message("m");
    for (topic, parts) in [("random", 1), ("random:x", 2), ("", 1)] {
        assert_eq!(
            refused(publish(topic).message("m").send().await),
            invalid(&format!(
                "TopicArn Reason: An ARN must have at least 6 elements, not {parts}"
            ))
        );
    }
    let elsewhere = "arn:aws:sns:eu-west-1:123456789012:lost";
    let far = refused(publish(elsewhere).message("m").send().await);
    assert_eq!(far, invalid("TopicArn"));
    let unknown = format!("{TOPIC}-not");
    let unknown = refused(publish(&unknown).message("m").send().await);
    assert_eq!(unknown, not_found("Topic does not exist"));
    let nowhere = refused(world.sns.publish().message("m").send().await);
    assert_eq!(
        nowhere,
        invalid("TopicArn or TargetArn Reason: no value for required parameter")
    );
    let empty = refused(publish(TOPIC).message("").send().await);
    assert_eq!(empty, invalid("Empty message"));
    assert_eq!(refused(good().subject("").send().await), invalid("Subject"));
    let number = text("Number", "1");
    // Name, type and value count.
    let room = 262_144 - "attr1Number1".len();
    let long = |length: usize| {
        let publish = publish(TOPIC).message("a".repeat(length));
        publish.message_attributes("attr1", number.clone()).send()
    };
    assert_eq!(refused(long(room + 1).await), invalid("Message too long"));
    long(room).await.unwrap();
}

/// Recorded from AWS.
#[tokio::test(start_paused = true)]
async fn attributes_of_messages_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let good = || world.sns.publish().topic_arn(TOPIC).message("m");
    let attribute = |kind: &str| Value::builder().data_type(kind);
    let blob = || Blob::new([1]);
    let cases = [
        (
            attribute("String").string_value(""),
            "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'.",
        ),
        (
            attribute("String"),
            "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'.",
        ),
        (
            attribute("Binary").binary_value(Blob::new([])),
            "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'Binary'.",
        ),
        (
            attribute("String").binary_value(blob()),
            "The message attribute 'attr1' with type 'String' must use field 'String'.",
        ),
        (
            attribute("Number").binary_value(blob()),
            "The message attribute 'attr1' with type 'Number' must use field 'String'.",
        ),
        (
            attribute("Binary").string_value("x"),
            "The message attribute 'attr1' with type 'Binary' must use field 'Binary'.",
        ),
        (
            attribute("InvalidType").string_value("x"),
            "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
        ),
    ];
    for (value, words) in cases {
        let value = value.build().unwrap();
        let answer = good().message_attributes("attr1", value).send().await;
        let expected = ("ParameterValueInvalid".to_owned(), words.to_owned());
        assert_eq!(refused(answer), expected);
    }
    let names = [
        (
            "a^b",
            "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
        ),
        (
            ".a",
            "Invalid message attribute name starting with character '.' was found.",
        ),
        (
            "a.",
            "Invalid message attribute name ending with character '.' was found.",
        ),
        (
            "a..b",
            "Message attribute name can not have successive '.' character.",
        ),
    ];
    for (name, words) in names {
        let answer = good().message_attributes(name, text("String", "x")).send();
        assert_eq!(refused(answer.await).1, words);
    }
}

#[tokio::test(start_paused = true)]
async fn topics_are_made_once_and_refused_by_name() {
    let world = World::new().await;
    let create = |name: &str| world.sns.create_topic().name(name);
    let bad = ["", "a b", "a.b", "a!", "x.fifo", "-\u{e9}"];
    for name in bad {
        assert_eq!(
            refused(create(name).send().await),
            invalid("Topic Name"),
            "{name}"
        );
    }
    let long = create(&"a".repeat(257)).send().await;
    assert_eq!(refused(long), invalid("Topic Name"));
    let fifo = create("x.fifo").attributes("FifoTopic", "true");
    assert!(refused(fifo.send().await).1.contains("not supported here"));
    let fifo = create("x").attributes("FifoTopic", "true");
    assert_eq!(refused(fifo.send().await), invalid("Topic Name"));
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let made = create("t").attributes("DisplayName", "One");
    let made = made.tags(tag("k", "v")).send().await.unwrap();
    for again in [create("t"), create("t").attributes("DisplayName", "One")] {
        assert_eq!(again.send().await.unwrap().topic_arn, made.topic_arn);
    }
    let again = create("t").tags(tag("k", "v")).send().await.unwrap();
    assert_eq!(again.topic_arn, made.topic_arn);
    let differs = invalid("Attributes Reason: Topic already exists with different attributes");
    for (name, value) in [("DisplayName", "Two"), ("SignatureVersion", "2")] {
        let other = create("t").attributes(name, value).send().await;
        assert_eq!(refused(other), differs);
    }
    let other = create("t").tags(tag("k", "w")).send().await;
    assert_eq!(
        refused(other),
        invalid("Tags Reason: Topic already exists with different tags")
    );
    let twice = create("u").tags(tag("k", "v")).tags(tag("k", "w"));
    assert_eq!(
        refused(twice.send().await),
        invalid("Duplicated keys are not allowed.")
    );
}

/// Recorded from AWS.
#[tokio::test(start_paused = true)]
async fn subscriptions_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let subscribe = |protocol: &str, endpoint: &str| {
        let subscribe = world.sns.subscribe().topic_arn(TOPIC);
        subscribe.protocol(protocol).endpoint(endpoint)
    };
    assert_eq!(
        refused(subscribe("test-protocol", QUEUE).send().await),
        invalid("Amazon SNS does not support this protocol string: test-protocol")
    );
    let email = refused(subscribe("email", "a@example.com").send().await);
    assert!(email.1.contains("email is not supported here"), "{email:?}");
    for endpoint in [
        "unknown",
        "https://sqs.us-east-1.amazonaws.com/123456789012/heard",
    ] {
        let answer = subscribe("sqs", endpoint).send().await;
        assert_eq!(refused(answer), invalid("SQS endpoint ARN"));
    }
    let fifo = subscribe("sqs", &format!("{QUEUE}.fifo")).send().await;
    assert_eq!(
        refused(fifo),
        invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )
    );
    let wrong = subscribe("sqs", QUEUE).attributes("RawMessageDelivery", "wrongvalue");
    assert_eq!(
        refused(wrong.send().await),
        invalid(
            "Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."
        )
    );
    let wrong = subscribe("sqs", QUEUE).attributes("FilterPolicy", "invalid-json");
    let wrong = refused(wrong.send().await);
    assert_eq!(
        wrong,
        invalid(
            "Attributes Reason: FilterPolicy: failed to parse JSON. Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 8]"
        )
    );
    let unknown = world.sns.subscribe().topic_arn(format!("{TOPIC}2"));
    let unknown = unknown.protocol("sqs").endpoint(QUEUE).send().await;
    assert_eq!(refused(unknown), not_found("Topic does not exist"));
    // A queue that is not there may be subscribed.
    subscribe("sqs", &format!("{QUEUE}-not"))
        .send()
        .await
        .unwrap();
}

/// Recorded from AWS.
#[tokio::test(start_paused = true)]
async fn attributes_of_subscriptions_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let subscription = world.subscribed(&[]).await;
    let set = |name: &str, value: &str| {
        let set = world.sns.set_subscription_attributes();
        let set = set.subscription_arn(&subscription).attribute_name(name);
        set.attribute_value(value).send()
    };
    let cases = [
        ("FakeAttribute", "x", "AttributeName"),
        (
            "RawMessageDelivery",
            "test-ValUe",
            "RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.",
        ),
        (
            "RawMessageDelivery",
            "",
            "RawMessageDelivery: Invalid value []. Must be true or false.",
        ),
        (
            "FilterPolicyScope",
            "RandomValue",
            "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes",
        ),
        (
            "FilterPolicy",
            r#"{"object":{"key":["x"]}}"#,
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        (
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"fake-arn"}"#,
            "RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
        (
            "RedrivePolicy",
            "{invalidjson}",
            "RedrivePolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]",
        ),
        (
            "RedrivePolicy",
            r#"{"maxReceiveCount":3}"#,
            "RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown.",
        ),
    ];
    for (name, value, words) in cases {
        assert_eq!(refused(set(name, value).await), invalid(words));
    }
}

/// Recorded from AWS.
#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_gone_is_not_found_and_may_go_again() {
    let world = World::new().await;
    let subscription = world.subscribed(&[]).await;
    let set = |name: &str, value: &str| {
        let set = world.sns.set_subscription_attributes();
        let set = set.subscription_arn(&subscription).attribute_name(name);
        set.attribute_value(value).send()
    };
    let unsubscribe = |arn: &str| world.sns.unsubscribe().subscription_arn(arn).send();
    let cases = [
        (
            "randomstring",
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            "arn:aws:sns:us-east-1:random",
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5",
        ),
        (
            "arn:aws:sns:us-east-1:111111111111:random",
            "SubscriptionId",
        ),
        (
            "",
            "SubscriptionArn Reason: no value for required parameter",
        ),
    ];
    for (arn, words) in cases {
        assert_eq!(refused(unsubscribe(arn).await), invalid(words));
    }
    unsubscribe(&subscription).await.unwrap();
    let gone = not_found("Subscription does not exist");
    assert_eq!(refused(set("RawMessageDelivery", "true").await), gone);
    let get = world.sns.get_subscription_attributes();
    let get = get.subscription_arn(&subscription).send().await;
    assert_eq!(refused(get), gone);
}

#[tokio::test(start_paused = true)]
async fn a_role_may_do_with_topics_what_its_policies_say() {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

    let world = World::new().await;
    let engine = world.host.engine();
    let iam = aws_sdk_iam::Client::new(&engine.sdk_config(&Principal::Root));
    let role = iam.create_role().role_name("worker");
    let role = role.assume_role_policy_document(TRUST).send();
    role.await.unwrap();
    let worker = Principal::Role {
        role: "worker".to_owned(),
        session: "s".to_owned(),
    };
    let sns = Client::new(&engine.sdk_config(&worker));
    let publish = |topic: &str| sns.publish().topic_arn(topic).message("m").send();
    let denied = |action: &str, resource: &str| {
        let who = "arn:aws:sts::123456789012:assumed-role/worker/s";
        let words = format!(
            "User: {who} is not authorized to perform: SNS:{action} on resource: {resource} because no identity-based policy allows the SNS:{action} action"
        );
        ("AuthorizationError".to_owned(), words)
    };
    assert_eq!(refused(publish(TOPIC).await), denied("Publish", TOPIC));
    let all = "arn:aws:sns:us-east-1:123456789012:*";
    assert_eq!(
        refused(sns.list_topics().send().await),
        denied("ListTopics", all)
    );
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sns:Publish","Resource":"{TOPIC}"}}]}}"#
    );
    let policy = iam.put_role_policy().role_name("worker").policy_name("p");
    let policy = policy.policy_document(document).send();
    policy.await.unwrap();
    publish(TOPIC).await.unwrap();
    let entry = Entry::builder().id("a").message("m").build().unwrap();
    let batch = sns.publish_batch().topic_arn(TOPIC);
    let batch = batch.publish_batch_request_entries(entry).send();
    batch.await.unwrap();
    // Whoever may not know of a topic is not told that it is not there.
    let other = format!("{TOPIC}2");
    assert_eq!(refused(publish(&other).await), denied("Publish", &other));
    let create = sns.create_topic().name("new").send().await;
    let new = "arn:aws:sns:us-east-1:123456789012:new";
    assert_eq!(refused(create), denied("CreateTopic", new));
}

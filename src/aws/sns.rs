//! Topics: on-failure destinations that tell others.

use super::{Aws, Error};
use crate::arn::Arn;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub arn: String,
}

impl Topic {
    fn of(arn: String) -> Self {
        let parsed = arn.parse::<Arn>();
        let name = parsed.map_or_else(|_| arn.clone(), |arn| arn.name().to_owned());
        Self { name, arn }
    }
}

/// Every topic.
pub async fn list_topics(aws: Aws) -> Result<Vec<Topic>, Error> {
    let mut topics = Vec::new();
    let mut pages = aws.sns.list_topics().into_paginator().items().send();
    while let Some(topic) = pages.next().await {
        topics.extend(topic?.topic_arn.map(Topic::of));
    }
    Ok(topics)
}

/// Makes a standard topic, or gives the one with this name.
pub async fn create_topic(aws: Aws, name: String) -> Result<Topic, Error> {
    let answer = aws.sns.create_topic().name(name).send().await?;
    let arn = answer.topic_arn;
    arn.map(Topic::of)
        .ok_or_else(|| Error::odd("CreateTopic", "TopicArn"))
}

/// Lets a queue hear of what is published; answers the subscription's ARN. `is_raw`: without the envelope.
pub async fn subscribe_queue(
    aws: Aws,
    topic_arn: String,
    queue_arn: String,
    is_raw: bool,
) -> Result<String, Error> {
    let answer = aws
        .sns
        .subscribe()
        .topic_arn(topic_arn)
        .protocol("sqs")
        .endpoint(queue_arn)
        .attributes("RawMessageDelivery", is_raw.to_string())
        .return_subscription_arn(true)
        .send()
        .await?;
    Ok(answer.subscription_arn.unwrap_or_default())
}

/// Publishes a message and returns its id.
pub async fn publish(aws: Aws, topic_arn: String, message: String) -> Result<String, Error> {
    let answer = aws
        .sns
        .publish()
        .topic_arn(topic_arn)
        .message(message)
        .send()
        .await?;
    Ok(answer.message_id.unwrap_or_default())
}

/// Deletes a topic with its subscriptions; fine when it is gone.
pub async fn delete_topic(aws: Aws, arn: String) -> Result<(), Error> {
    aws.sns.delete_topic().topic_arn(arn).send().await?;
    Ok(())
}

//! Queues: on-failure destinations and what arrived there.

use super::{Aws, Error};

/// A queue and how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub url: String,
    pub arn: String,
    pub visible: u64,
    pub in_flight: u64,
}

/// Every queue with its counts.
pub async fn list_queues(aws: Aws) -> Result<Vec<Queue>, Error> {
    let mut queues = Vec::new();
    let mut pages = aws.sqs.list_queues().into_paginator().items().send();
    while let Some(url) = pages.next().await {
        queues.push(queue(&aws, url?).await?);
    }
    Ok(queues)
}

async fn queue(aws: &Aws, url: String) -> Result<Queue, Error> {
    use aws_sdk_sqs::types::QueueAttributeName as Name;
    let answer = aws
        .sqs
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(Name::All)
        .send()
        .await?;
    let attributes = answer.attributes.unwrap_or_default();
    let text = |name: Name| attributes.get(&name).cloned().unwrap_or_default();
    let arn = text(Name::QueueArn);
    Ok(Queue {
        name: arn.rsplit(':').next().unwrap_or_default().to_owned(),
        visible: text(Name::ApproximateNumberOfMessages).parse().unwrap_or(0),
        in_flight: text(Name::ApproximateNumberOfMessagesNotVisible)
            .parse()
            .unwrap_or(0),
        arn,
        url,
    })
}

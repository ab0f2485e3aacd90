//! Queues: on-failure destinations and what arrived there.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName as Attribute,
    QueueAttributeName as Name,
};

use super::{Aws, Error, together};
use crate::clock::from_epoch_millis;

/// A queue and how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub url: String,
    pub arn: String,
    pub visible: u64,
    pub in_flight: u64,
}

/// A message that was looked at; it stays in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub sent: Option<SystemTime>,
    /// How often it was received, this time included.
    pub received: u32,
    /// Deletes it.
    pub receipt: String,
}

/// Most messages one look shows.
pub const PEEK_MAX: usize = 100;
/// How long a look may hide messages if it is broken off.
const PEEK_SECS: i32 = 15;

/// Every queue with its counts.
pub async fn list_queues(aws: Aws) -> Result<Vec<Queue>, Error> {
    let mut urls = Vec::new();
    let mut pages = aws.sqs.list_queues().into_paginator().items().send();
    while let Some(url) = pages.next().await {
        urls.push(url?);
    }
    let look = |url| {
        let aws = aws.clone();
        async move {
            match queue(&aws, url).await {
                // Deleted between the two calls.
                Err(error) if error.code.ends_with("QueueDoesNotExist") => Ok(None),
                found => found.map(Some),
            }
        }
    };
    let queues = together(urls.into_iter().map(look)).await?;
    Ok(queues.into_iter().flatten().collect())
}

/// Makes a standard queue, or gives the one with this name.
pub async fn create_queue(aws: Aws, name: String) -> Result<Queue, Error> {
    let answer = aws.sqs.create_queue().queue_name(name).send().await?;
    let url = answer
        .queue_url
        .ok_or_else(|| Error::odd("CreateQueue", "QueueUrl"))?;
    queue(&aws, url).await
}

/// Up to [`PEEK_MAX`] messages, oldest first; all of them are visible again afterwards. Counts as
/// receiving them, which a locked connection refuses.
pub async fn peek(aws: Aws, url: String) -> Result<Vec<Message>, Error> {
    let mut found = BTreeMap::new();
    let mut looked = Ok(());
    while found.len() < PEEK_MAX {
        let answer = aws
            .sqs
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .visibility_timeout(PEEK_SECS)
            .message_system_attribute_names(Attribute::All)
            .send()
            .await;
        let messages = match answer {
            Ok(answer) => answer.messages.unwrap_or_default(),
            Err(error) => {
                looked = Err(Error::from(error));
                break;
            }
        };
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let message = message_of(message);
            found.insert((message.sent, message.id.clone()), message);
        }
    }
    let found: Vec<Message> = found.into_values().collect();
    let released = release(&aws, &url, &found).await;
    looked.and(released).map(|()| found)
}

/// Deletes a message by the receipt of the last look at it; fine when it is gone.
pub async fn delete_message(aws: Aws, url: String, receipt: String) -> Result<(), Error> {
    aws.sqs
        .delete_message()
        .queue_url(url)
        .receipt_handle(receipt)
        .send()
        .await?;
    Ok(())
}

/// Deletes every message.
pub async fn purge(aws: Aws, url: String) -> Result<(), Error> {
    aws.sqs.purge_queue().queue_url(url).send().await?;
    Ok(())
}

/// Deletes a queue with its messages.
pub async fn delete_queue(aws: Aws, url: String) -> Result<(), Error> {
    aws.sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

/// Sends a message and returns its id.
pub async fn send(aws: Aws, url: String, body: String) -> Result<String, Error> {
    let answer = aws
        .sqs
        .send_message()
        .queue_url(url)
        .message_body(body)
        .send()
        .await?;
    Ok(answer.message_id.unwrap_or_default())
}

async fn queue(aws: &Aws, url: String) -> Result<Queue, Error> {
    let answer = aws
        .sqs
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(Name::All)
        .send()
        .await?;
    let attributes = answer.attributes.unwrap_or_default();
    let text = |name: Name| attributes.get(&name).cloned().unwrap_or_default();
    let number = |name: Name| text(name).parse().unwrap_or(0);
    let arn = text(Name::QueueArn);
    Ok(Queue {
        name: arn.rsplit(':').next().unwrap_or_default().to_owned(),
        visible: number(Name::ApproximateNumberOfMessages),
        in_flight: number(Name::ApproximateNumberOfMessagesNotVisible),
        arn,
        url,
    })
}

fn message_of(message: aws_sdk_sqs::types::Message) -> Message {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name: Attribute| attributes.get(&name).and_then(|it| it.parse::<u64>().ok());
    Message {
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        sent: number(Attribute::SentTimestamp).map(from_epoch_millis),
        received: number(Attribute::ApproximateReceiveCount)
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or(1),
        receipt: message.receipt_handle.unwrap_or_default(),
    }
}

/// Makes messages visible again.
async fn release(aws: &Aws, url: &str, messages: &[Message]) -> Result<(), Error> {
    for ten in messages.chunks(10) {
        let entry = |(at, message): (usize, &Message)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(at.to_string())
                .receipt_handle(&message.receipt)
                .visibility_timeout(0)
                .build()
        };
        let entries: Result<Vec<_>, _> = ten.iter().enumerate().map(entry).collect();
        aws.sqs
            .change_message_visibility_batch()
            .queue_url(url)
            .set_entries(Some(entries?))
            .send()
            .await?;
    }
    Ok(())
}

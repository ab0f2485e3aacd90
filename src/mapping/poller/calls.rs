//! The calls a shard's task makes beside reading: the function, and the letter about lost records.

use std::sync::Arc;

use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::trouble::Trouble;
use super::{Clients, Line, Records};
use crate::arn::Arn;
use crate::clock::Clock;
use crate::mapping::answer::{dead_letter, dead_object};
use crate::mapping::assumed::LetterPayload;
use crate::mapping::consumer::{Discard, Page};
use crate::mapping::progress::{Answer, What};
use crate::mapping::record::Record;

/// What a function's cloud says when it was called.
pub(super) struct Reply {
    pub(super) request_id: String,
    pub(super) status: u16,
    pub(super) function_error: Option<String>,
    pub(super) executed_version: String,
    pub(super) payload: Bytes,
    /// The end of the log in base64.
    pub(super) log_result: Option<String>,
}

impl Clients {
    /// The next records of a shard. `keys` are the names of the key attributes, partition key first.
    pub async fn read(
        &self,
        iterator: String,
        stream_arn: &str,
        keys: &Arc<[String]>,
    ) -> Result<Records, Trouble> {
        if let Some(doors) = &self.doors {
            return doors.reading.records(&iterator, keys).await;
        }
        let request = self.streams.get_records().shard_iterator(iterator);
        let reply = request.limit(Page::RECORDS_MAX.into()).send().await?;
        let records = reply.records.unwrap_or_default();
        let records = records.iter();
        Ok(Records {
            records: records
                .map(|record| Record::from_stream(record, stream_arn, keys))
                .collect(),
            next: reply.next_shard_iterator,
        })
    }

    /// Calls a function and waits for its answer; trouble on the way is an answer, too.
    pub async fn invoke(&self, function_arn: &str, clock: &Clock, payload: String) -> Answer {
        let began = clock.uptime();
        let reply = match &self.doors {
            Some(doors) => doors.invoking.invoke(function_arn, payload).await,
            None => self.invoke_by_sdk(function_arn, payload).await,
        };
        let took = clock.since(began);
        match reply {
            Ok(reply) => Answer {
                request_id: reply.request_id,
                status: reply.status,
                function_error: reply.function_error,
                executed_version: reply.executed_version,
                payload: text(&reply.payload),
                log_tail: reply.log_result.map_or_else(String::new, |log| {
                    text(&BASE64_STANDARD.decode(log).unwrap_or_default())
                }),
                took,
            },
            Err(trouble) => Answer {
                request_id: trouble.request_id.clone(),
                status: trouble.status,
                function_error: None,
                executed_version: String::new(),
                payload: trouble.words("AWSLambda"),
                log_tail: String::new(),
                took,
            },
        }
    }

    async fn invoke_by_sdk(&self, function_arn: &str, payload: String) -> Result<Reply, Trouble> {
        let request = self
            .lambda
            .invoke()
            .function_name(function_arn)
            .invocation_type(InvocationType::RequestResponse)
            .log_type(LogType::Tail)
            .payload(Blob::new(payload));
        let reply = request.send().await?;
        Ok(Reply {
            request_id: reply.request_id().unwrap_or_default().to_owned(),
            status: u16::try_from(reply.status_code).unwrap_or_default(),
            function_error: reply.function_error,
            executed_version: reply.executed_version.unwrap_or_default(),
            payload: reply
                .payload
                .map(Blob::into_inner)
                .unwrap_or_default()
                .into(),
            log_result: reply.log_result,
        })
    }
}

impl Line {
    pub(super) async fn invoke(&self, payload: String) -> Answer {
        let function = &self.place.function_arn;
        self.clients.invoke(function, &self.clock, payload).await
    }

    /// Sends the letter about lost records; `None` where there is nowhere to send it, or no record.
    pub(super) async fn deliver(
        &self,
        lost: &Discard,
        destination: Option<String>,
        payload: LetterPayload,
    ) -> Option<What> {
        let destination = destination?;
        if lost.records.is_empty() {
            return None;
        }
        let now = self.clock.now();
        let letter = dead_letter(lost, &self.place, &self.ids.uuid(), now);
        let (destination, sent) = match destination.parse::<Arn>() {
            Ok(arn) if arn.service == "s3" => {
                let id = self.ids.uuid();
                let (key, text) = dead_object(&letter, lost, &self.place, &id, payload, now);
                let sent = self.put_object(&arn, &key, text).await;
                (format!("{destination}/{key}"), sent)
            }
            _ => {
                let sent = self.send(&destination, letter.to_string()).await;
                (destination, sent)
            }
        };
        Some(What::Delivered {
            batch: lost.batch,
            records: lost.records.len(),
            destination,
            body: Arc::new(letter),
            error: sent.err(),
        })
    }

    async fn send(&self, destination: &str, body: String) -> Result<(), String> {
        let arn: Arn = destination.parse().map_err(|error| format!("{error}"))?;
        match arn.service.as_str() {
            "sqs" => {
                let request = self.clients.sqs.send_message().queue_url(queue_url(&arn));
                let sent = request.message_body(body).send().await;
                sent.map(drop)
                    .map_err(|error| Trouble::from(error).words("AmazonSQS"))
            }
            "sns" => {
                let request = self.clients.sns.publish().topic_arn(destination);
                let sent = request.message(body).send().await;
                sent.map(drop)
                    .map_err(|error| Trouble::from(error).words("AmazonSNS"))
            }
            other => Err(format!(
                "letters can be sent to SQS queues, SNS topics and S3 buckets only, not to {other}"
            )),
        }
    }

    async fn put_object(&self, bucket: &Arn, key: &str, text: String) -> Result<(), String> {
        let request = self.clients.s3.put_object().bucket(&bucket.resource);
        let body = ByteStream::from(text.into_bytes());
        match request.key(key).body(body).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Trouble::from(error).words("Amazon S3")),
        }
    }
}

/// The URL AWS gives a queue, so that the role needs no permission to look it up.
fn queue_url(arn: &Arn) -> String {
    let suffix = if arn.partition == "aws-cn" { ".cn" } else { "" };
    let Arn {
        region,
        account,
        resource,
        ..
    } = arn;
    format!("https://sqs.{region}.amazonaws.com{suffix}/{account}/{resource}")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_addressed_without_looking_it_up() {
        let arn: Arn = "arn:aws:sqs:eu-west-1:123456789012:lost".parse().unwrap();
        assert_eq!(
            queue_url(&arn),
            "https://sqs.eu-west-1.amazonaws.com/123456789012/lost"
        );
    }
}

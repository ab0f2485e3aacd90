//! From a topic to the queues that hear of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::notification::Notification;
use super::publish::Message;
use super::{find, policy, redrive, subscriptions};
use crate::clock::iso_millis;
use crate::engine::call::{Call, Fault, Principal};
use crate::engine::state::Subscription;
use crate::engine::{ApiCall, Engine, sqs};

/// Who sends to the queues.
const SERVICE: &str = "sns.amazonaws.com";

/// A topic's subscriptions when a message came.
pub(super) struct Hearers {
    topic: String,
    signature_version: String,
    subscriptions: Vec<Subscription>,
}

impl Hearers {
    /// Those of the topic that `member` of the request names.
    pub(super) fn of(engine: &Engine, call: &Call, member: &str) -> Result<Self, Fault> {
        engine.read(|state| {
            let topic = find(state, call, member)?;
            let version = topic.attributes.get("SignatureVersion");
            Ok(Self {
                topic: topic.arn.clone(),
                signature_version: version.map_or("1", String::as_str).to_owned(),
                subscriptions: subscriptions::of_topic(state, &topic.arn)
                    .cloned()
                    .collect(),
            })
        })
    }

    /// Hands a message to every queue whose filter policy lets it pass. What cannot be delivered goes to the
    /// subscription's dead-letter queue or is lost: the publisher is never told, the list of calls is.
    pub(super) fn tell(&self, engine: &Engine, call: &Call, message: &Message) {
        for subscription in &self.subscriptions {
            let attributes = &subscription.attributes;
            if !policy::passes(attributes, &message.body, &message.attributes) {
                continue;
            }
            let input = self.request(call, subscription, message);
            if send(engine, call, &subscription.endpoint, &input) {
                continue;
            }
            let policy = attributes.get("RedrivePolicy");
            if let Some(queue) = policy.and_then(|it| redrive::queue(it)) {
                send(engine, call, &queue, &input);
            }
        }
    }

    /// The members of the `SendMessage` that a subscription gets.
    fn request(&self, call: &Call, subscription: &Subscription, message: &Message) -> Value {
        if is_raw(&subscription.attributes) {
            return json!({ "MessageBody": message.body, "MessageAttributes": message.attributes });
        }
        let notification = Notification {
            message_id: &message.id,
            topic: &self.topic,
            subscription: &subscription.arn,
            subject: message.subject.as_deref(),
            message: &message.body,
            timestamp: &iso_millis(call.now),
            signature_version: &self.signature_version,
            region: &call.account.region,
            attributes: &message.attributes,
        };
        json!({ "MessageBody": notification.text() })
    }
}

fn is_raw(attributes: &BTreeMap<String, String>) -> bool {
    attributes
        .get("RawMessageDelivery")
        .is_some_and(|it| it == "true")
}

/// Whether the queue took it.
fn send(engine: &Engine, call: &Call, queue: &str, input: &Value) -> bool {
    let principal = Principal::Service(SERVICE.to_owned());
    let sent = sqs::deliver(engine, call, &principal, queue, input);
    let fault = sent.as_ref().err();
    engine.log_call(ApiCall {
        at: call.now,
        service: "sqs",
        operation: "SendMessage",
        status: fault.map_or(200, |fault| fault.status),
        code: fault.map(|fault| fault.code),
        took: Duration::ZERO,
        principal,
        subject: queue.rsplit(':').next().unwrap_or(queue).to_owned(),
        injected: String::new(),
    });
    sent.is_ok()
}

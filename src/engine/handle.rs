//! One request, one answer: wire, signature, permission, injected faults, the operation. Knows no operation by name.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;
use serde_json::Value;

use super::call::{Answer, Call, Fault, Operation, Principal, Run};
use super::faults::{AnswerLost, Fate};
use super::wire::{Input, Wire};
use super::{
    ApiCall, Engine, control, dynamodb, faults, iam, lambda, logs, s3, sns, sqs, streams, sts,
};
use crate::mapping::poller::AsRecords;

impl Engine {
    /// Answers one AWS request, whoever sends it. Never fails: what goes wrong is an answer too.
    ///
    /// An answer that an injected fault loses carries [`AnswerLost`] among its extensions;
    /// whoever sends answers on must break the connection instead.
    pub async fn handle(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let (head, body) = request.into_parts();
        let wire = Wire::of(&head, &body);
        let request_id = wire.request_id(self.ids());
        let started = self.clock().uptime();
        let mut record = ApiCall {
            at: self.clock().now(),
            service: wire.service(),
            operation: "",
            status: 200,
            code: None,
            took: std::time::Duration::ZERO,
            principal: Principal::Root,
            subject: String::new(),
            injected: String::new(),
        };
        let mut answer_lost = false;
        let answer = match self.decode(wire, &head, &body, &request_id, &mut record) {
            Err(fault) => Err(fault),
            Ok((operation, mut call)) => {
                // Whoever made everything fail must be able to take that back.
                let fate = match call.service {
                    control::SERVICE => Fate::default(),
                    _ => self.faults().fate(&call, &record.subject),
                };
                answer_lost = fate.answer_lost;
                record.injected = fate.words;
                if !fate.delay.is_zero() {
                    self.clock().sleep(fate.delay).await;
                    call.now = self.clock().now();
                }
                match (fate.strike, operation.run) {
                    (Some(strike), _) => Err(strike.fault(&call, operation)),
                    (None, Run::Later(run)) => {
                        let work = async {
                            self.permit(operation, &call)?;
                            run(self.clone(), call).await
                        };
                        shielded(work).await
                    }
                    (None, run) => {
                        let work = || {
                            self.permit(operation, &call)?;
                            self.run(run, operation.name, &call)
                        };
                        caught(work).unwrap_or_else(Err)
                    }
                }
            }
        };
        let answer = match self.store().safe().await {
            Ok(()) => answer,
            Err(error) => Err(error.into()),
        };
        record.took = self.clock().since(started);
        match &answer {
            Ok(reply) => record.status = reply.status,
            Err(fault) => (record.status, record.code) = (fault.status, Some(fault.code)),
        }
        let injected = self.injected(&mut record, &answer, &request_id);
        let mut response = wire.encode(record.operation, answer, &request_id);
        self.log_call(record);
        if let Some(words) = injected {
            response.headers_mut().insert(faults::HEADER, words);
        }
        if answer_lost {
            response.extensions_mut().insert(AnswerLost);
        }
        response
    }

    /// Tells of what was injected, also instead of a handler: the list of calls, whoever knows the request id, and, as
    /// a header, the caller.
    fn injected(
        &self,
        record: &mut ApiCall,
        answer: &Answer,
        request_id: &str,
    ) -> Option<HeaderValue> {
        if self.faults().is_empty() && record.injected.is_empty() {
            return None;
        }
        let headers = answer.iter().flat_map(|reply| &reply.headers);
        for (_, words) in headers.filter(|(name, _)| name == faults::HEADER) {
            if !record.injected.is_empty() {
                record.injected.push_str(", ");
            }
            record.injected.push_str(words);
        }
        if record.injected.is_empty() {
            return None;
        }
        self.faults().mark(request_id, &record.injected);
        HeaderValue::from_str(&record.injected).ok()
    }

    /// The request as a call, once it is known what it asks and by whom.
    fn decode(
        &self,
        wire: Wire,
        head: &Parts,
        body: &Bytes,
        request_id: &str,
        record: &mut ApiCall,
    ) -> Result<(&'static Operation, Call), Fault> {
        if body.len() > wire.body_bytes_max() {
            return Err(wire.too_large());
        }
        let row = wire.row(head, body, operations(wire.service()))?;
        record.operation = row.name;
        let key = wire
            .access_key(head)
            .ok_or_else(|| wire.unsigned(&head.headers))?;
        let signer = self.signer(&key).ok_or_else(|| wire.unknown_key())?;
        if let Principal::User { .. } = signer.principal {
            self.key_used(&key, record.at, wire.service());
        }
        record.principal = signer.principal.clone();
        let Input {
            members: input,
            plain,
            payload,
        } = wire.input(head, body, row)?;
        record.subject = match &plain {
            Some(plain) => plain.table.clone(),
            None => subject(&input),
        };
        let call = Call {
            service: wire.service(),
            operation: row.name,
            principal: signer.principal,
            session_policies: signer.session_policies,
            input,
            plain,
            payload,
            record_keys: head
                .extensions
                .get()
                .map(|AsRecords { keys }| Arc::clone(keys)),
            now: record.at,
            ids: self.ids().clone(),
            account: Arc::clone(self.account()),
            request_id: request_id.to_owned(),
        };
        Ok((row, call))
    }

    /// Whether the caller may ask for that.
    fn permit(&self, operation: &Operation, call: &Call) -> Result<(), Fault> {
        if call.service == control::SERVICE {
            control::permit(call)?;
        }
        // Where no policy has a say, the resource need not be named.
        let is_judged = || self.read(|state| iam::is_judged(state, &call.principal));
        if self.enforces_iam() && !operation.action.is_empty() && is_judged() {
            let resource = (operation.resource)(call);
            self.read(|state| iam::authorize_call(state, call, operation.action, &resource))?;
        }
        Ok(())
    }
}

/// Names of the simulated services, which is all but the engine's own.
pub(super) const SERVICES: [&str; 9] = [
    "dynamodb", "streams", "lambda", "iam", "sts", "logs", "s3", "sns", "sqs",
];

/// The operations of a service; none where there is no such service.
pub(super) fn operations(service: &str) -> &'static [Operation] {
    match service {
        "dynamodb" => dynamodb::operations(),
        "streams" => streams::operations(),
        "lambda" => lambda::operations(),
        "iam" => iam::operations(),
        "sts" => sts::operations(),
        "logs" => logs::operations(),
        "s3" => s3::operations(),
        "sns" => sns::operations(),
        "sqs" => sqs::operations(),
        control::SERVICE => control::operations(),
        _ => &[],
    }
}

/// A panic of an operation is our bug and not the caller's: it becomes an answer, and nothing else dies of it.
async fn shielded(work: impl Future<Output = Answer>) -> Answer {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| {
        caught(|| work.as_mut().poll(cx)).unwrap_or_else(|fault| Poll::Ready(Err(fault)))
    })
    .await
}

/// What the work comes to, or the fault that tells of its panic.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason was given");
        Fault::internal(format!(
            "Waterwheel failed while it answered this request: {reason}"
        ))
    })
}

/// What a request is about, for the list of calls: the name of a table, function, role, queue, topic or bucket, or a
/// statement.
fn subject(input: &Value) -> String {
    const MEMBERS: [&str; 18] = [
        "TableName",
        "FunctionName",
        "RoleName",
        "QueueName",
        "QueueUrl",
        "Bucket",
        "logGroupName",
        "UUID",
        "StreamArn",
        "ResourceArn",
        "Resource",
        "PolicyArn",
        "PolicyName",
        "Statement",
        "TopicArn",
        "TargetArn",
        "SubscriptionArn",
        // Of a topic to be made.
        "Name",
    ];
    let named = input.as_object().into_iter().flatten();
    let named = named.filter_map(|(member, value)| {
        let at = MEMBERS.iter().position(|it| *it == member)?;
        Some((at, value.as_str()?))
    });
    let text = named.min_by_key(|(at, _)| *at).map_or("", |(_, text)| text);
    match text.strip_prefix("http") {
        Some(url) => url.rsplit('/').next().unwrap_or(url).to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_panic_becomes_an_answer_that_says_so() {
        let answer = shielded(async { panic!("row {} is missing", 7) }).await;
        let fault = answer.unwrap_err();
        assert_eq!((fault.status, fault.code), (500, "InternalServerError"));
        assert!(
            fault.message.contains("row 7 is missing"),
            "{}",
            fault.message
        );
    }

    #[test]
    fn a_call_is_about_what_it_names() {
        assert_eq!(
            subject(&json!({"TableName": "orders", "Limit": 3})),
            "orders"
        );
        let url = "http://sqs.us-east-1.amazonaws.com/123456789012/lost";
        assert_eq!(subject(&json!({ "QueueUrl": url })), "lost");
        assert_eq!(subject(&json!({})), "");
    }
}

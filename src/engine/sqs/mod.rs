//! Queues: destinations of what functions could not process. Standard queues only.
//!
//! Queues are part of the state; messages are kept in the store only.

mod attributes;
mod checksum;
mod input;
mod queues;
mod receive;
mod send;
mod shelf;

use serde_json::Value;
use tokio::sync::Notify;

use super::Engine;
use super::call::{Call, Fault, Operation, Principal, Run, any_resource};
use super::state::{Queue, State};

/// In-memory parts.
#[derive(Default)]
pub struct Live {
    numbers: shelf::Numbers,
    /// Rung when a message may have become visible earlier than was known.
    arrived: Notify,
}

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// Sends what another service, `principal`, hands on in answer to `call`: `input` has the members of a `SendMessage`,
/// `queue` is an ARN. Nobody asks whether the service may.
pub fn deliver(
    engine: &Engine,
    call: &Call,
    principal: &Principal,
    queue: &str,
    input: &Value,
) -> Result<(), Fault> {
    send::deliver(engine, call, principal, queue, input)
}

const OPERATIONS: &[Operation] = &[
    row("CreateQueue", "sqs:CreateQueue", Run::Now(queues::create)),
    row("GetQueueUrl", "sqs:GetQueueUrl", Run::Now(queues::get_url)),
    Operation {
        resource: any_resource,
        ..row("ListQueues", "sqs:ListQueues", Run::Now(queues::list))
    },
    row(
        "GetQueueAttributes",
        "sqs:GetQueueAttributes",
        Run::Data(attributes::get),
    ),
    row(
        "SetQueueAttributes",
        "sqs:SetQueueAttributes",
        Run::Now(attributes::set),
    ),
    row("DeleteQueue", "sqs:DeleteQueue", Run::Data(queues::delete)),
    row("PurgeQueue", "sqs:PurgeQueue", Run::Data(queues::purge)),
    row("TagQueue", "sqs:TagQueue", Run::Now(queues::tag)),
    row("UntagQueue", "sqs:UntagQueue", Run::Now(queues::untag)),
    row(
        "ListQueueTags",
        "sqs:ListQueueTags",
        Run::Now(queues::list_tags),
    ),
    row("SendMessage", "sqs:SendMessage", Run::Data(send::one)),
    row(
        "SendMessageBatch",
        "sqs:SendMessage",
        Run::Data(send::batch),
    ),
    row(
        "ReceiveMessage",
        "sqs:ReceiveMessage",
        Run::Later(receive::receive),
    ),
    row(
        "DeleteMessage",
        "sqs:DeleteMessage",
        Run::Data(receive::delete),
    ),
    row(
        "DeleteMessageBatch",
        "sqs:DeleteMessage",
        Run::Data(receive::delete_batch),
    ),
    row(
        "ChangeMessageVisibility",
        "sqs:ChangeMessageVisibility",
        Run::Data(receive::change_visibility),
    ),
    row(
        "ChangeMessageVisibilityBatch",
        "sqs:ChangeMessageVisibility",
        Run::Data(receive::change_visibility_batch),
    ),
];

const fn row(name: &'static str, action: &'static str, run: Run) -> Operation {
    Operation {
        name,
        http: "",
        action,
        resource: queue_arn,
        run,
    }
}

fn queue_arn(call: &Call) -> String {
    let name = call.text("QueueName").or_else(|| queue_name(call).ok());
    call.account
        .arn("sqs", name.unwrap_or_default())
        .to_string()
}

/// The name in `QueueUrl`: its last segment, whatever host stands before it.
fn queue_name(call: &Call) -> Result<&str, Fault> {
    let url = call
        .text("QueueUrl")
        .ok_or_else(|| input::missing("QueueUrl"))?;
    let name = url.trim_end_matches('/').rsplit('/').next();
    Ok(name.unwrap_or(url))
}

/// The queue that `QueueUrl` names.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Queue, Fault> {
    let name = queue_name(call)?;
    state.queues.get(name).ok_or_else(no_queue)
}

fn find_mut<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut Queue, Fault> {
    let name = queue_name(call)?;
    state.queues.get_mut(name).ok_or_else(no_queue)
}

fn no_queue() -> Fault {
    Fault::new(
        400,
        "QueueDoesNotExist",
        "The specified queue does not exist.",
    )
}

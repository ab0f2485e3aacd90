//! Operations on queues and their tags.

use serde_json::{Map, Value, json};

use super::shelf::Messages;
use super::{attributes, find, find_mut, input};
use crate::engine::Engine;
use crate::engine::call::{Account, Answer, Call, Fault, Reply};
use crate::engine::state::{Queue, State};

/// Queues of one page.
const PAGE_MAX: u64 = 1000;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = call
        .text("QueueName")
        .ok_or_else(|| input::missing("QueueName"))?;
    if name.contains('.') && name.rsplit('.').next() == Some("fifo")
        || call.input.pointer("/Attributes/FifoQueue").is_some()
    {
        return Err(Fault::new(
            400,
            "UnsupportedOperation",
            "FIFO queues are not supported here. Create a standard queue.",
        ));
    }
    let valid = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if name.is_empty() || name.len() > 80 || !name.chars().all(valid) {
        return Err(input::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let given = attributes::given(call)?;
    if let Some(known) = state.queues.get(name) {
        let differs = given
            .iter()
            .find(|(name, value)| attributes::setting(known, name) != value.as_str());
        return match differs {
            None => Ok(json!({ "QueueUrl": known.url }).into()),
            Some((attribute, _)) => Err(Fault::new(
                400,
                "QueueNameExists",
                format!(
                    "A queue already exists with the same name and a different value for attribute {attribute}"
                ),
            )),
        };
    }
    let url = queue_url(&call.account, name);
    let mut queue = Queue {
        name: name.to_owned(),
        arn: call.account.arn("sqs", name).to_string(),
        url: url.clone(),
        created: call.now,
        store_id: state.take_store_id(),
        attributes: given,
        tags: std::collections::BTreeMap::new(),
    };
    add_tags(&mut queue, call.input.get("tags"));
    state.queues.insert(name.to_owned(), queue);
    Ok(json!({ "QueueUrl": url }).into())
}

pub(super) fn get_url(state: &mut State, call: &Call) -> Answer {
    let name = call
        .text("QueueName")
        .ok_or_else(|| input::missing("QueueName"))?;
    let queue = state.queues.get(name).ok_or_else(super::no_queue)?;
    Ok(json!({ "QueueUrl": queue.url }).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("QueueNamePrefix").unwrap_or_default();
    // Only a caller who says how many it wants is told that there are more.
    let limit = input::number(&call.input, "MaxResults", PAGE_MAX)?;
    let most = usize::try_from(limit.unwrap_or(PAGE_MAX)).unwrap_or(usize::MAX);
    let after = call.text("NextToken").unwrap_or_default();
    let found: Vec<&Queue> = state
        .queues
        .values()
        .filter(|queue| queue.name.starts_with(prefix) && queue.name.as_str() > after)
        .collect();
    let shown = &found[..found.len().min(most)];
    let mut answer = Map::new();
    if !shown.is_empty() {
        let urls = shown.iter().map(|queue| json!(queue.url)).collect();
        answer.insert("QueueUrls".to_owned(), Value::Array(urls));
    }
    if let Some(last) = shown
        .last()
        .filter(|_| limit.is_some() && shown.len() < found.len())
    {
        answer.insert("NextToken".to_owned(), json!(last.name));
    }
    Ok(Value::Object(answer).into())
}

pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let queue = engine.change(|state| {
        let name = find(state, call)?.name.clone();
        state.queues.remove(&name).ok_or_else(super::no_queue)
    })?;
    forget_messages(engine, &queue)
}

pub(super) fn purge(engine: &Engine, call: &Call) -> Answer {
    let queue = engine.read(|state| find(state, call).cloned())?;
    forget_messages(engine, &queue)
}

pub(super) fn tag(state: &mut State, call: &Call) -> Answer {
    add_tags(find_mut(state, call)?, call.input.get("Tags"));
    Ok(nothing())
}

pub(super) fn untag(state: &mut State, call: &Call) -> Answer {
    let keys = input::texts(&call.input, "TagKeys");
    find_mut(state, call)?
        .tags
        .retain(|key, _| !keys.contains(key));
    Ok(nothing())
}

pub(super) fn list_tags(state: &mut State, call: &Call) -> Answer {
    Ok(json!({ "Tags": find(state, call)?.tags }).into())
}

pub(super) fn nothing() -> Reply {
    Reply::from(json!({}))
}

/// Clients send every request to their endpoint; the host in the URL only tells the region.
fn queue_url(account: &Account, name: &str) -> String {
    let Account { id, region } = account;
    format!("https://sqs.{region}.amazonaws.com/{id}/{name}")
}

fn add_tags(queue: &mut Queue, tags: Option<&Value>) {
    let tags = tags.and_then(Value::as_object);
    for (key, value) in tags.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().to_owned();
        queue.tags.insert(key.clone(), value);
    }
}

fn forget_messages(engine: &Engine, queue: &Queue) -> Answer {
    let live = engine.sqs();
    Messages::lock(engine.store(), &live.numbers, queue.store_id).clear()?;
    // Those who wait for messages of a deleted queue are told so.
    live.arrived.notify_waiters();
    Ok(nothing())
}

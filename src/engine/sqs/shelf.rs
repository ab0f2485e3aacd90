//! Messages in the store: in the order they were sent, and in the order they become visible.
//! Knows no requests and no queue settings.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::store::{Commit, Shelf, Store, StoreError, prefix_end};

/// The next number of each queue used since the start. Held while a queue's messages change,
/// so that no message is handed out twice.
#[derive(Default)]
pub(super) struct Numbers(Mutex<BTreeMap<u64, u64>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    /// Order in the queue.
    pub(super) number: u64,
    /// `MessageId`.
    pub(super) id: String,
    pub(super) body: String,
    /// `MessageAttributes` as sent; an empty object when there are none.
    pub(super) attributes: Value,
    /// Attributes that SQS itself keeps: `SenderId`, `AWSTraceHeader`.
    pub(super) system: BTreeMap<String, String>,
    /// Times are milliseconds since 1970.
    pub(super) sent: u64,
    pub(super) visible: u64,
    pub(super) first_received: Option<u64>,
    /// `ApproximateReceiveCount`.
    pub(super) receives: u64,
    /// Of the last receive; part of its receipt handle.
    pub(super) receipt: String,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) visible: u64,
    pub(super) in_flight: u64,
    /// Sent with a delay that has not passed.
    pub(super) delayed: u64,
}

/// The messages of one queue, while nobody else changes any.
pub(super) struct Messages<'a> {
    store: &'a Store,
    store_id: u64,
    numbers: MutexGuard<'a, BTreeMap<u64, u64>>,
}

impl<'a> Messages<'a> {
    pub(super) fn lock(store: &'a Store, numbers: &'a Numbers, store_id: u64) -> Self {
        Self {
            store,
            store_id,
            numbers: numbers.0.lock(),
        }
    }

    /// Adds messages in their order; their numbers are given here.
    pub(super) fn add(&mut self, messages: Vec<Message>) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        self.add_to(&mut commit, self.store_id, messages)?;
        self.store.commit(commit)
    }

    pub(super) fn get(&self, number: u64) -> Result<Option<Message>, StoreError> {
        let found = self
            .store
            .get(Shelf::Messages, &message_key(self.store_id, number))?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The oldest message.
    pub(super) fn first(&self) -> Result<Option<Message>, StoreError> {
        let found = self
            .store
            .list(Shelf::Messages, &prefix(self.store_id, BY_NUMBER), 1)?;
        Ok(found
            .first()
            .and_then(|(_, bytes)| serde_json::from_slice(bytes).ok()))
    }

    /// Up to `limit` messages that are visible at `now`, those that have waited longest first.
    pub(super) fn visible(&self, now: u64, limit: usize) -> Result<Vec<Message>, StoreError> {
        let mut numbers = Vec::new();
        self.scan_visible(|visible, number, _| {
            let is_due = visible <= now;
            if is_due {
                numbers.push(number);
            }
            is_due && numbers.len() < limit
        })?;
        let found = numbers.into_iter().map(|number| self.get(number));
        Ok(found
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// When the next message becomes visible; milliseconds since 1970.
    pub(super) fn next_visible(&self) -> Result<Option<u64>, StoreError> {
        let mut next = None;
        self.scan_visible(|visible, _, _| {
            next = Some(visible);
            false
        })?;
        Ok(next)
    }

    pub(super) fn counts(&self, now: u64) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        self.scan_visible(|visible, _, was_received| {
            if visible <= now {
                counts.visible += 1;
            } else if was_received {
                counts.in_flight += 1;
            } else {
                counts.delayed += 1;
            }
            true
        })?;
        Ok(counts)
    }

    /// Replaces messages by their changed selves.
    pub(super) fn update(&self, changed: &[(Message, Message)]) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        for (before, after) in changed {
            // A key may stand only once in a commit.
            if before.visible != after.visible {
                commit.remove(Shelf::Messages, visibility_key(self.store_id, before));
            }
            put_to(&mut commit, self.store_id, after);
        }
        self.store.commit(commit)
    }

    pub(super) fn remove(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        for message in messages {
            remove_from(&mut commit, self.store_id, message);
        }
        self.store.commit(commit)
    }

    /// Takes messages out of this queue and puts them into another, at once.
    pub(super) fn move_to(
        &mut self,
        store_id: u64,
        messages: Vec<Message>,
    ) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        for message in &messages {
            remove_from(&mut commit, self.store_id, message);
        }
        self.add_to(&mut commit, store_id, messages)?;
        self.store.commit(commit)
    }

    pub(super) fn clear(&self) -> Result<(), StoreError> {
        self.store
            .clear(Shelf::Messages, &self.store_id.to_be_bytes())
    }

    fn add_to(
        &mut self,
        commit: &mut Commit,
        store_id: u64,
        messages: Vec<Message>,
    ) -> Result<(), StoreError> {
        let mut next = match self.numbers.get(&store_id) {
            Some(next) => *next,
            None => last_number(self.store, store_id)? + 1,
        };
        for mut message in messages {
            message.number = next;
            next += 1;
            put_to(commit, store_id, &message);
        }
        self.numbers.insert(store_id, next);
        Ok(())
    }

    /// Visits (visible at, number, received before) from the first to become visible.
    fn scan_visible(
        &self,
        mut visit: impl FnMut(u64, u64, bool) -> bool,
    ) -> Result<(), StoreError> {
        let from = prefix(self.store_id, BY_VISIBILITY);
        let to = prefix_end(&from);
        let upper = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(from.as_slice()), upper);
        self.store
            .scan(Shelf::Messages, range, false, |key, value| {
                match (number_at(key, 9), number_at(key, 17)) {
                    (Some(visible), Some(number)) => visit(visible, number, value == [1]),
                    // The bytes are none of ours.
                    _ => true,
                }
            })
    }
}

const BY_NUMBER: u8 = 0;
const BY_VISIBILITY: u8 = 1;

fn put_to(commit: &mut Commit, store_id: u64, message: &Message) {
    // A message is plain data with text keys: it always has a JSON form.
    let bytes = serde_json::to_vec(message).unwrap_or_default();
    commit.put(
        Shelf::Messages,
        message_key(store_id, message.number),
        bytes,
    );
    let was_received = u8::from(message.receives > 0);
    commit.put(
        Shelf::Messages,
        visibility_key(store_id, message),
        vec![was_received],
    );
}

fn remove_from(commit: &mut Commit, store_id: u64, message: &Message) {
    commit.remove(Shelf::Messages, message_key(store_id, message.number));
    commit.remove(Shelf::Messages, visibility_key(store_id, message));
}

fn last_number(store: &Store, store_id: u64) -> Result<u64, StoreError> {
    let from = prefix(store_id, BY_NUMBER);
    let to = prefix(store_id, BY_VISIBILITY);
    let mut last = 0;
    let range = (
        Bound::Included(from.as_slice()),
        Bound::Excluded(to.as_slice()),
    );
    store.scan(Shelf::Messages, range, true, |key, _| {
        last = number_at(key, 9).unwrap_or(0);
        false
    })?;
    Ok(last)
}

fn prefix(store_id: u64, order: u8) -> Vec<u8> {
    let mut key = store_id.to_be_bytes().to_vec();
    key.push(order);
    key
}

fn message_key(store_id: u64, number: u64) -> Vec<u8> {
    let mut key = prefix(store_id, BY_NUMBER);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn visibility_key(store_id: u64, message: &Message) -> Vec<u8> {
    let mut key = prefix(store_id, BY_VISIBILITY);
    key.extend_from_slice(&message.visible.to_be_bytes());
    key.extend_from_slice(&message.number.to_be_bytes());
    key
}

fn number_at(key: &[u8], from: usize) -> Option<u64> {
    let bytes = key.get(from..from + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::Durability;

    fn message(id: &str, visible: u64) -> Message {
        Message {
            number: 0,
            id: id.to_owned(),
            body: String::new(),
            attributes: serde_json::json!({}),
            system: BTreeMap::new(),
            sent: 1,
            visible,
            first_received: None,
            receives: 0,
            receipt: String::new(),
        }
    }

    fn ids(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.id.as_str()).collect()
    }

    #[test]
    fn messages_become_visible_in_order_of_time_and_then_of_sending() {
        let store = Store::open(None, Durability::Process).unwrap();
        let numbers = Numbers::default();
        let mut queue = Messages::lock(&store, &numbers, 1);
        let sent = vec![
            message("b", 10),
            message("a", 5),
            message("c", 10),
            message("d", 99),
        ];
        queue.add(sent).unwrap();
        assert_eq!(ids(&queue.visible(10, 10).unwrap()), ["a", "b", "c"]);
        assert_eq!(ids(&queue.visible(10, 2).unwrap()), ["a", "b"]);
        assert_eq!(queue.next_visible().unwrap(), Some(5));
        let before = queue.visible(10, 1).unwrap().remove(0);
        let mut after = before.clone();
        (after.visible, after.receives) = (50, 1);
        queue.update(&[(before, after.clone())]).unwrap();
        let counts = queue.counts(10).unwrap();
        assert_eq!(
            (counts.visible, counts.in_flight, counts.delayed),
            (2, 1, 1)
        );
        queue.remove(&[after]).unwrap();
        assert_eq!(ids(&queue.visible(100, 10).unwrap()), ["b", "c", "d"]);
    }

    #[test]
    fn numbers_go_on_after_a_restart_and_queues_are_apart() {
        let store = Store::open(None, Durability::Process).unwrap();
        let numbers = Numbers::default();
        Messages::lock(&store, &numbers, 1)
            .add(vec![message("a", 1)])
            .unwrap();
        let numbers = Numbers::default();
        let mut queue = Messages::lock(&store, &numbers, 1);
        queue.add(vec![message("b", 1)]).unwrap();
        let found = queue.visible(1, 10).unwrap();
        assert_eq!(ids(&found), ["a", "b"]);
        queue.move_to(2, vec![found[0].clone()]).unwrap();
        assert_eq!(ids(&queue.visible(1, 10).unwrap()), ["b"]);
        queue.clear().unwrap();
        drop(queue);
        let other = Messages::lock(&store, &numbers, 2);
        assert_eq!(other.first().unwrap().unwrap().id, "a");
    }
}

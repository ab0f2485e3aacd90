//! Log events in the store, ordered by time and then by arrival. Knows no groups and no requests.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::Mutex;

use crate::engine::store::{Commit, Shelf, Store, StoreError, prefix_end};

/// In-memory parts: what is known of each stream written to since the start.
#[derive(Default)]
pub struct Live(Mutex<BTreeMap<u64, Known>>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    newest: Position,
    events: usize,
}

/// Events kept of one stream; the oldest go, some thousands at once, so that a function that runs
/// for days does not fill the disk.
const EVENTS_MAX: usize = if cfg!(test) { 1_000 } else { 100_000 };
const DROPPED_AT_ONCE: usize = EVENTS_MAX / 10;

/// Where an event stands in its stream: milliseconds since 1970, then a number that counts from 1
/// within the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) millis: u64,
    pub(super) number: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) position: Position,
    /// Milliseconds since 1970.
    pub(super) ingested: u64,
    pub(super) message: String,
}

/// Adds lines (milliseconds, text) in their order; lines of one millisecond keep it.
pub(super) fn add<'a>(
    store: &Store,
    live: &Live,
    store_id: u64,
    ingested: u64,
    lines: impl Iterator<Item = (u64, &'a str)>,
) -> Result<(), StoreError> {
    let mut streams = live.0.lock();
    let Known {
        mut newest,
        mut events,
    } = match streams.get(&store_id) {
        Some(known) => *known,
        None => learn(store, store_id)?,
    };
    let mut commit = Commit::default();
    // Positions of this commit that are older than the newest: the store does not know them yet.
    let mut older: BTreeMap<u64, u64> = BTreeMap::new();
    for (millis, line) in lines {
        let number = match millis.cmp(&newest.millis) {
            Ordering::Greater => 1,
            Ordering::Equal => newest.number + 1,
            Ordering::Less => {
                let before = match older.get(&millis) {
                    Some(number) => *number,
                    None => last_number(store, store_id, millis)?,
                };
                older.insert(millis, before + 1);
                before + 1
            }
        };
        let position = Position { millis, number };
        newest = newest.max(position);
        let mut value = ingested.to_be_bytes().to_vec();
        value.extend_from_slice(line.as_bytes());
        commit.put(Shelf::Logs, key(store_id, position), value);
        events += 1;
    }
    if commit.is_empty() {
        return Ok(());
    }
    store.commit(commit)?;
    if events >= EVENTS_MAX + DROPPED_AT_ONCE {
        events -= drop_oldest(store, store_id, u64::MAX, events - EVENTS_MAX)?;
    }
    streams.insert(store_id, Known { newest, events });
    Ok(())
}

/// Visits events strictly between two positions, from the old or from the new end, until `visit` says false.
pub(super) fn scan(
    store: &Store,
    store_id: u64,
    after: Position,
    before: Position,
    newest_first: bool,
    mut visit: impl FnMut(Event) -> bool,
) -> Result<(), StoreError> {
    let from = key(store_id, after);
    let to = key(store_id, before);
    let range = (
        Bound::Excluded(from.as_slice()),
        Bound::Excluded(to.as_slice()),
    );
    store.scan(Shelf::Logs, range, newest_first, |key, value| {
        event(key, value).is_none_or(&mut visit)
    })
}

/// The oldest event of a stream.
pub(super) fn first(store: &Store, store_id: u64) -> Result<Option<Event>, StoreError> {
    end(store, store_id, false)
}

/// The newest event of a stream.
pub(super) fn last(store: &Store, store_id: u64) -> Result<Option<Event>, StoreError> {
    end(store, store_id, true)
}

/// Forgets events from before a millisecond, some thousands at a time.
pub(super) fn expire(
    store: &Store,
    live: &Live,
    store_id: u64,
    before: u64,
) -> Result<(), StoreError> {
    let mut streams = live.0.lock();
    let dropped = drop_oldest(store, store_id, before, DROPPED_AT_ONCE)?;
    if let Some(known) = streams.get_mut(&store_id) {
        known.events = known.events.saturating_sub(dropped);
    }
    Ok(())
}

/// Forgets every event of a stream.
pub(super) fn clear(store: &Store, live: &Live, store_id: u64) -> Result<(), StoreError> {
    live.0.lock().remove(&store_id);
    store.clear(Shelf::Logs, &store_id.to_be_bytes())
}

fn learn(store: &Store, store_id: u64) -> Result<Known, StoreError> {
    let mut known = Known::default();
    scan(store, store_id, Position::default(), LAST, false, |event| {
        known.newest = event.position;
        known.events += 1;
        true
    })?;
    Ok(known)
}

/// Removes up to `most` events from before a millisecond; returns how many.
fn drop_oldest(
    store: &Store,
    store_id: u64,
    before: u64,
    most: usize,
) -> Result<usize, StoreError> {
    let mut commit = Commit::default();
    let mut dropped = 0;
    let until = Position {
        millis: before,
        number: 0,
    };
    scan(
        store,
        store_id,
        Position::default(),
        until,
        false,
        |event| {
            commit.remove(Shelf::Logs, key(store_id, event.position));
            dropped += 1;
            dropped < most
        },
    )?;
    if dropped > 0 {
        store.commit(commit)?;
    }
    Ok(dropped)
}

/// After every event.
const LAST: Position = Position {
    millis: u64::MAX,
    number: u64::MAX,
};

fn end(store: &Store, store_id: u64, newest: bool) -> Result<Option<Event>, StoreError> {
    let mut found = None;
    scan(
        store,
        store_id,
        Position::default(),
        LAST,
        newest,
        |event| {
            found = Some(event);
            false
        },
    )?;
    Ok(found)
}

/// The greatest number in use at a millisecond; 0 where there is none.
fn last_number(store: &Store, store_id: u64, millis: u64) -> Result<u64, StoreError> {
    let mut prefix = store_id.to_be_bytes().to_vec();
    prefix.extend_from_slice(&millis.to_be_bytes());
    let end = prefix_end(&prefix);
    let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut number = 0;
    let range = (Bound::Included(prefix.as_slice()), upper);
    store.scan(Shelf::Logs, range, true, |key, value| {
        number = event(key, value).map_or(0, |event| event.position.number);
        false
    })?;
    Ok(number)
}

fn key(store_id: u64, position: Position) -> Vec<u8> {
    let mut key = store_id.to_be_bytes().to_vec();
    key.extend_from_slice(&position.millis.to_be_bytes());
    key.extend_from_slice(&position.number.to_be_bytes());
    key
}

/// `None` where the bytes are none of ours.
fn event(key: &[u8], value: &[u8]) -> Option<Event> {
    let number = |bytes: Option<&[u8]>| Some(u64::from_be_bytes(bytes?.try_into().ok()?));
    Some(Event {
        position: Position {
            millis: number(key.get(8..16))?,
            number: number(key.get(16..24))?,
        },
        ingested: number(value.get(..8))?,
        message: String::from_utf8_lossy(value.get(8..)?).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::Durability;

    fn messages(store: &Store, store_id: u64) -> Vec<String> {
        let mut found = Vec::new();
        scan(store, store_id, Position::default(), LAST, false, |event| {
            found.push(event.message);
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn events_of_one_millisecond_keep_their_order_also_after_a_restart() {
        let store = Store::open(None, Durability::Process).unwrap();
        let add = |live: &Live, lines: &[(u64, &str)]| {
            add(&store, live, 7, 1, lines.iter().copied()).unwrap();
        };
        let live = Live::default();
        add(&live, &[(5, "b"), (5, "c"), (6, "e")]);
        add(&live, &[(5, "d"), (4, "a"), (6, "f")]);
        add(&Live::default(), &[(6, "g"), (6, "h")]);
        assert_eq!(messages(&store, 7).concat(), "abcdefgh");
        assert_eq!(messages(&store, 8).len(), 0);
        assert_eq!(last(&store, 7).unwrap().unwrap().message, "h");
        assert_eq!(first(&store, 7).unwrap().unwrap().message, "a");
        clear(&store, &live, 7).unwrap();
        assert_eq!(first(&store, 7).unwrap(), None);
    }

    #[test]
    fn the_oldest_events_of_a_long_stream_go() {
        let store = Store::open(None, Durability::Process).unwrap();
        let live = Live::default();
        for _ in 0..2 {
            let half = (EVENTS_MAX + DROPPED_AT_ONCE) as u64 / 2;
            let lines = (0..half).map(|at| (at, "x"));
            add(&store, &live, 1, 0, lines).unwrap();
        }
        assert_eq!(messages(&store, 1).len(), EVENTS_MAX);
        assert_eq!(learn(&store, 1).unwrap().events, EVENTS_MAX);
        assert_eq!(first(&store, 1).unwrap().unwrap().position.millis, 50);
        expire(&store, &live, 1, 60).unwrap();
        assert_eq!(first(&store, 1).unwrap().unwrap().position.millis, 60);
    }
}

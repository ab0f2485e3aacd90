//! Streams and their shards as the control plane keeps them: opened, closed, forgotten. Pure: no store, no clock.
//!
//! A table has one enabled stream at most; a switched-off stream and the stream of a deleted table stay readable for
//! 24 hours. Everything here is written for several shards of a stream, chosen by the hash of the partition key.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use crate::clock::{epoch_millis, iso_millis};
use crate::engine::call::Fault;
use crate::engine::state::{Shard, State, Stream, Table, ViewType};
use crate::ids::Ids;

/// How long a record can be read.
pub const RETENTION: Duration = Duration::from_hours(24);

/// How many numbers a shard has to itself, so that no two shards of a table's streams give the same one and those of a
/// child are higher than those of its parent. At a hundred thousand writes a second they would last four months.
const NUMBERS: u64 = 1 << 40;

/// First digit of every sequence number: 21 digits, as AWS's have.
const LEAD: char = '1';
const DIGITS: usize = 20;

/// A record's number within its shard as AWS would write it: 21 digits.
pub fn sequence_number(number: u64) -> String {
    format!("{LEAD}{number:0DIGITS$}")
}

/// The opposite of [`sequence_number`]; `None` for numbers no shard here ever gave.
pub fn number_of(sequence_number: &str) -> Option<u64> {
    let digits = sequence_number.strip_prefix(LEAD)?;
    (digits.len() == DIGITS && digits.bytes().all(|it| it.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Starts a new stream of the table with as many open shards, which share out its partition keys. The table has to know
/// it afterwards.
pub fn open(
    state: &mut State,
    table: &Table,
    view_type: ViewType,
    count: NonZeroU32,
    (now, ids): (SystemTime, &Ids),
) -> String {
    let (arn, label) = unused_arn(state, &table.arn, now);
    let store_id = state.take_store_id();
    let mut stream = Stream {
        arn: arn.clone(),
        label,
        table: table.name.clone(),
        store_id,
        view_type,
        keys: table.keys.clone(),
        created: now,
        disabled: None,
        shards: Vec::new(),
    };
    let older = state.streams.values().filter(|it| it.table == table.name);
    let older = older.filter_map(unused_number).max();
    let mut starting = older.unwrap_or_default().max(epoch_millis(now) * 1000);
    for hash_range in parts((0, u64::MAX), count) {
        stream.shards.push(Shard {
            id: shard_id(now, ids),
            parent: None,
            store_id: state.take_store_id(),
            starting: sequence_number(starting),
            ending: None,
            hash_range,
            created: now,
        });
        starting += NUMBERS;
    }
    state.streams.insert(arn.clone(), stream);
    arn
}

/// Switches a stream off. `last_of` tells the number of a shard's last record, if it has any.
pub fn close(stream: &mut Stream, now: SystemTime, last_of: impl Fn(&Shard) -> Option<u64>) {
    stream.disabled = Some(now);
    for shard in stream.shards.iter_mut().filter(|it| it.ending.is_none()) {
        // An empty shard ends where it began.
        let last = last_of(shard).map_or_else(|| shard.starting.clone(), sequence_number);
        shard.ending = Some(last);
    }
}

/// Closes an open shard and goes on in as many children, which share out its partition keys: one when a shard is
/// rolled over, two when it is split. `last` is the number of its last record.
pub fn replace(
    state: &mut State,
    stream_arn: &str,
    shard: &str,
    children: NonZeroU32,
    last: Option<u64>,
    (now, ids): (SystemTime, &Ids),
) -> Result<(), Fault> {
    let mut store_ids: Vec<u64> = (0..children.get()).map(|_| state.take_store_id()).collect();
    let not_open = || Fault::validation(format!("{shard} is not an open shard"));
    let stream = state.streams.get_mut(stream_arn).ok_or_else(not_open)?;
    let unused = unused_number(stream).unwrap_or_default();
    let mut shards = stream.shards.iter_mut();
    let parent = shards
        .find(|it| it.id == shard && it.ending.is_none())
        .ok_or_else(not_open)?;
    let parts: Vec<(u64, u64)> = parts(parent.hash_range, children).collect();
    if parts.len() < store_ids.len() {
        return Err(Fault::validation(format!(
            "{shard} takes too few partition keys to be split"
        )));
    }
    let ending = last.unwrap_or_else(|| first_number(parent));
    parent.ending = Some(sequence_number(ending));
    let parent = parent.id.clone();
    let mut starting = unused.max(ending + 1);
    for hash_range in parts {
        stream.shards.push(Shard {
            id: shard_id(now, ids),
            parent: Some(parent.clone()),
            store_id: store_ids.pop().unwrap_or_default(),
            starting: sequence_number(starting),
            ending: None,
            hash_range,
            created: now,
        });
        starting += NUMBERS;
    }
    Ok(())
}

/// Whether a switched-off stream is past its 24 hours.
pub fn is_forgotten(stream: &Stream, now: SystemTime) -> bool {
    stream.disabled.is_some_and(|at| at + RETENTION <= now)
}

/// The shards of a stream that can still hold readable records: open ones, and those closed within 24 hours. A shard
/// was closed when its first child was opened.
pub fn readable(stream: &Stream, now: SystemTime) -> impl Iterator<Item = &Shard> {
    let old = stream.shards.iter().filter(move |it| is_old(it, now));
    let gone: BTreeSet<&str> = old.filter_map(|it| it.parent.as_deref()).collect();
    let shards = stream.shards.iter();
    shards.filter(move |it| !gone.contains(it.id.as_str()))
}

/// The readable shard of this id.
pub fn find<'a>(stream: &'a Stream, id: &str, now: SystemTime) -> Option<&'a Shard> {
    let mut shards = stream.shards.iter();
    let is_gone = |it: &Shard| it.parent.as_deref() == Some(id) && is_old(it, now);
    let found = stream.shards.iter().find(|it| it.id == id)?;
    (!shards.any(is_gone)).then_some(found)
}

/// When [`forget`] finds something of this stream, unless more is closed before.
pub fn forgets_at(stream: &Stream) -> Option<SystemTime> {
    let known: BTreeSet<&str> = stream.shards.iter().map(|it| it.id.as_str()).collect();
    let of_known = |it: &&Shard| it.parent.as_deref().is_some_and(|it| known.contains(it));
    let closed = stream.shards.iter().filter(of_known).map(|it| it.created);
    let first = closed.chain(stream.disabled).min()?;
    Some(first + RETENTION)
}

/// Removes streams and shards that are past their time and gives the key prefixes of their records.
pub fn forget(state: &mut State, now: SystemTime) -> Vec<u64> {
    let mut prefixes = Vec::new();
    for stream in state.streams.values_mut() {
        let is_forgotten = is_forgotten(stream, now);
        let kept: BTreeSet<u64> = readable(stream, now)
            .filter(|_| !is_forgotten)
            .map(|it| it.store_id)
            .collect();
        let gone = stream
            .shards
            .extract_if(.., |it| !kept.contains(&it.store_id));
        prefixes.extend(gone.map(|it| it.store_id));
    }
    state.streams.retain(|_, it| !is_forgotten(it, now));
    prefixes
}

/// First number a shard may hold.
pub fn first_number(shard: &Shard) -> u64 {
    number_of(&shard.starting).unwrap_or_default()
}

fn shard_id(now: SystemTime, ids: &Ids) -> String {
    format!("shardId-{:020}-{}", epoch_millis(now), ids.hex(8))
}

fn is_old(shard: &Shard, now: SystemTime) -> bool {
    shard.created + RETENTION <= now
}

/// The first number that no shard of the stream has to itself; shards opened later have higher ones.
fn unused_number(stream: &Stream) -> Option<u64> {
    let last = stream.shards.iter().map(first_number).max();
    last.map(|it| it + NUMBERS)
}

/// As many parts of a range of hashes, about equal; fewer where there are fewer hashes.
fn parts((low, high): (u64, u64), count: NonZeroU32) -> impl Iterator<Item = (u64, u64)> {
    let width = u128::from(high - low) + 1;
    let count = u128::from(count.get()).min(width);
    let edge = move |number: u128| u128::from(low) + width * number / count;
    (0..count).map(move |number| (saturated(edge(number)), saturated(edge(number + 1) - 1)))
}

fn saturated(hash: u128) -> u64 {
    u64::try_from(hash).unwrap_or(u64::MAX)
}

/// Labels are times in milliseconds; two of one table never agree.
fn unused_arn(state: &State, table_arn: &str, now: SystemTime) -> (String, String) {
    let mut at = now;
    loop {
        let label = iso_millis(at).trim_end_matches('Z').to_owned();
        let arn = format!("{table_arn}/stream/{label}");
        if !state.streams.contains_key(&arn) {
            return (arn, label);
        }
        at += Duration::from_millis(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_out_all_hashes_and_nothing_twice() {
        for (range, count) in [
            ((0, u64::MAX), 1),
            ((0, u64::MAX), 7),
            ((5, 14), 3),
            ((5, 6), 2),
            ((9, 9), 2),
        ] {
            let parts: Vec<_> = parts(range, NonZeroU32::new(count).unwrap()).collect();
            assert_eq!((parts[0].0, parts[parts.len() - 1].1), range);
            for pair in parts.windows(2) {
                assert_eq!(pair[0].1 + 1, pair[1].0);
            }
            assert!(parts.iter().all(|it| it.0 <= it.1), "{parts:?}");
            let fitting = u128::from(count).min(u128::from(range.1 - range.0) + 1);
            assert_eq!(parts.len() as u128, fitting);
        }
    }

    #[test]
    fn sequence_numbers_have_21_digits_and_keep_their_order() {
        assert_eq!(sequence_number(5_391_461_882), "100000000005391461882");
        assert_eq!(number_of("100000000005391461882"), Some(5_391_461_882));
        assert!(sequence_number(9) < sequence_number(10));
        assert_eq!(sequence_number(u64::MAX).len(), 21);
        assert_eq!(number_of(&sequence_number(u64::MAX)), Some(u64::MAX));
        for wrong in [
            "",
            "1",
            "200000000005391461882",
            "1000000000053914618x2",
            "199999999999999999999",
        ] {
            assert_eq!(number_of(wrong), None, "{wrong}");
        }
    }
}

//! Streams and their shards as the control plane keeps them: opened, closed, forgotten. Pure: no store, no clock.
//!
//! A table has one enabled stream at most; a switched-off stream and the stream of a deleted table stay readable for
//! 24 hours. Everything here is written for several shards of a stream, chosen by the hash of the partition key.

use std::time::{Duration, SystemTime};

use crate::clock::{epoch_millis, iso_millis};
use crate::engine::call::Fault;
use crate::engine::state::{Shard, State, Stream, Table, ViewType};
use crate::ids::Ids;

/// How long a record can be read.
pub const RETENTION: Duration = Duration::from_hours(24);

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

/// Starts a new stream with one open shard for the table. The table has to know it afterwards.
pub fn open(
    state: &mut State,
    table: &Table,
    view_type: ViewType,
    now: SystemTime,
    ids: &Ids,
) -> String {
    let (arn, label) = unused_arn(state, &table.arn, now);
    let store_id = state.take_store_id();
    // Higher than any number of an older stream of the table, which would need a million records a second.
    let starting = epoch_millis(now).saturating_mul(1000);
    let shard = Shard {
        id: shard_id(now, ids),
        parent: None,
        store_id: state.take_store_id(),
        starting: sequence_number(starting),
        ending: None,
        hash_range: (0, u64::MAX),
        created: now,
    };
    state.streams.insert(
        arn.clone(),
        Stream {
            arn: arn.clone(),
            label,
            table: table.name.clone(),
            store_id,
            view_type,
            keys: table.keys.clone(),
            created: now,
            disabled: None,
            shards: vec![shard],
        },
    );
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
    children: u64,
    last: Option<u64>,
    (now, ids): (SystemTime, &Ids),
) -> Result<(), Fault> {
    let mut store_ids: Vec<u64> = (0..children).map(|_| state.take_store_id()).collect();
    let stream = state.streams.get_mut(stream_arn);
    let (shards, parent) = stream
        .and_then(|it| {
            let at = it.shards.iter().position(|it| it.id == shard)?;
            Some((&mut it.shards, at))
        })
        .filter(|(shards, at)| shards[*at].ending.is_none())
        .ok_or_else(|| Fault::validation(format!("{shard} is not an open shard")))?;
    let parent = &mut shards[parent];
    let ending = last.unwrap_or_else(|| first_number(parent));
    parent.ending = Some(sequence_number(ending));
    let (low, high) = parent.hash_range;
    let share = ((u128::from(high) - u128::from(low) + 1) / u128::from(children.max(1))).max(1);
    let parent_id = parent.id.clone();
    for number in 0..children {
        let from = u128::from(low) + share * u128::from(number);
        let to = if number + 1 == children {
            u128::from(high)
        } else {
            from + share - 1
        };
        shards.push(Shard {
            id: shard_id(now, ids),
            parent: Some(parent_id.clone()),
            store_id: store_ids.pop().unwrap_or_default(),
            starting: sequence_number(ending + 1),
            ending: None,
            hash_range: (saturated(from), saturated(to)),
            created: now,
        });
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
    stream.shards.iter().filter(move |shard| {
        let is_old = |child: &Shard| child.created + RETENTION <= now;
        let mut children = stream.shards.iter();
        !children.any(|it| it.parent.as_ref() == Some(&shard.id) && is_old(it))
    })
}

/// Removes streams and shards that are past their time and gives the key prefixes of their records.
pub fn forget(state: &mut State, now: SystemTime) -> Vec<u64> {
    let mut prefixes = Vec::new();
    for stream in state.streams.values_mut() {
        let kept: Vec<u64> = readable(stream, now).map(|it| it.store_id).collect();
        let is_forgotten = is_forgotten(stream, now);
        stream.shards.retain(|it| {
            let keep = kept.contains(&it.store_id) && !is_forgotten;
            if !keep {
                prefixes.push(it.store_id);
            }
            keep
        });
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

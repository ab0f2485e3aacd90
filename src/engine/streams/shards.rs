//! Streams and their shards as the control plane keeps them: opened, closed, forgotten. Pure: no store, no clock.
//!
//! A table has one enabled stream at most; a switched-off stream and the stream of a deleted table stay readable for
//! 24 hours. Everything here is written for several shards of a stream, chosen by the hash of the partition key.

use std::time::{Duration, SystemTime};

use crate::arn::Arn;
use crate::clock::{epoch_millis, iso_millis};
use crate::engine::call::Call;
use crate::engine::state::{Shard, State, Stream, Table, ViewType};

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
pub fn open(state: &mut State, table: &Table, view_type: ViewType, call: &Call) -> String {
    let (arn, label) = unused_arn(state, &table.arn, call.now);
    let store_id = state.take_store_id();
    let shard = open_shard(state, call, None, (0, u64::MAX));
    state.streams.insert(
        arn.clone(),
        Stream {
            arn: arn.clone(),
            label,
            table: table.name.clone(),
            store_id,
            view_type,
            keys: table.keys.clone(),
            created: call.now,
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

/// Whether a switched-off stream is past its 24 hours.
pub fn is_forgotten(stream: &Stream, now: SystemTime) -> bool {
    stream.disabled.is_some_and(|at| at + RETENTION <= now)
}

/// Removes streams that are past their time and gives the key prefixes of their records.
pub fn forget(state: &mut State, now: SystemTime) -> Vec<u64> {
    let mut prefixes = Vec::new();
    state.streams.retain(|_, stream| {
        let forgotten = is_forgotten(stream, now);
        if forgotten {
            prefixes.extend(stream.shards.iter().map(|it| it.store_id));
        }
        !forgotten
    });
    prefixes
}

/// First number a shard may hold.
pub fn first_number(shard: &Shard) -> u64 {
    number_of(&shard.starting).unwrap_or_default()
}

fn open_shard(
    state: &mut State,
    call: &Call,
    parent: Option<&Shard>,
    hash_range: (u64, u64),
) -> Shard {
    let millis = epoch_millis(call.now);
    // Higher than any number of an older shard of the table, which would need a million records a second.
    let starting = parent.map_or(millis.saturating_mul(1000), |it| {
        it.ending
            .as_deref()
            .and_then(number_of)
            .map_or_else(|| first_number(it), |last| last + 1)
    });
    Shard {
        id: format!("shardId-{millis:020}-{}", call.ids.hex(8)),
        parent: parent.map(|it| it.id.clone()),
        store_id: state.take_store_id(),
        starting: sequence_number(starting),
        ending: None,
        hash_range,
        created: call.now,
    }
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

/// The table's ARN in a stream's.
pub fn table_arn(stream_arn: &Arn) -> Option<Arn> {
    let (table, _) = stream_arn.resource.split_once("/stream/")?;
    Some(Arn {
        resource: table.to_owned(),
        ..stream_arn.clone()
    })
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

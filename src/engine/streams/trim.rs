//! Records trimmed on their user's wish, as if they were older than 24 hours.

use std::time::SystemTime;

use super::shards::{first_number, number_of};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::Shard;

/// Up to where a stream is trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Everything there is.
    Tip,
    /// Records that are older.
    Before(SystemTime),
    /// Records of one shard up to this one, by their sequence number.
    UpTo { shard: String, number: String },
}

/// Lets nobody read what lies before the horizon any more.
pub fn trim(engine: &Engine, stream_arn: &str, horizon: &Horizon) -> Result<(), Fault> {
    let stream = engine.read(|state| state.streams.get(stream_arn).cloned());
    let stream = stream.ok_or_else(|| not_found(&format!("Stream: {stream_arn}")))?;
    let is_meant = |it: &&Shard| match horizon {
        Horizon::UpTo { shard, .. } => it.id == *shard,
        Horizon::Tip | Horizon::Before(_) => true,
    };
    let mut meant = stream.shards.iter().filter(is_meant).peekable();
    if let (None, Horizon::UpTo { shard, .. }) = (meant.peek(), horizon) {
        return Err(not_found(&format!(
            "Shard: {shard} in Stream: {stream_arn}"
        )));
    }
    for shard in meant {
        let tip = engine.streams().tip(engine.store(), shard)?;
        let floor = match horizon {
            Horizon::Tip => tip.next(),
            Horizon::Before(time) => tip.first_since(engine.store(), *time)?,
            Horizon::UpTo { number, .. } => {
                let number = number_of(number);
                let is_there = |it: &u64| (first_number(shard)..tip.next()).contains(it);
                let number = number.filter(is_there);
                number.ok_or_else(|| Fault::validation("Invalid SequenceNumber"))? + 1
            }
        };
        tip.raise_floor(engine.store(), floor)?;
    }
    engine.streams().wake_chores();
    Ok(())
}

/// What who asks for a stream or a shard is told that is not there.
pub fn not_found(what: &str) -> Fault {
    let message = format!("Requested resource not found: {what} not found");
    Fault::new(400, "ResourceNotFoundException", message)
}

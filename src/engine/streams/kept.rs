//! What is kept of a stream, shard by shard: for those who look at it, not for those who read it.

use std::time::{Duration, SystemTime};

use super::not_found;
use super::shards::{self, RETENTION, first_number, sequence_number};
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::Shard;

/// A stream and its shards.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub table: String,
    pub is_on: bool,
    /// By id, which is by age.
    pub shards: Vec<KeptShard>,
}

/// One shard.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptShard {
    pub id: String,
    /// It may be gone.
    pub parent: Option<String>,
    pub opened: SystemTime,
    /// `None` while it is open.
    pub closed: Option<SystemTime>,
    /// The part of all partition keys it takes, 0 to 1.
    pub key_share: f64,
    /// Records that can be read.
    pub records: u64,
    /// Records it had that cannot be read any more.
    pub trimmed: u64,
    /// Sequence numbers of the first and the last record that can be read.
    pub range: Option<(String, String)>,
}

/// Looks at a stream that can still be read.
pub fn kept(engine: &Engine, stream_arn: &str) -> Result<Kept, Fault> {
    let now = engine.clock().now();
    let stream = engine.read(|state| state.streams.get(stream_arn).cloned());
    let stream = stream.filter(|it| !shards::is_forgotten(it, now));
    let stream = stream.ok_or_else(|| not_found(&format!("Stream: {stream_arn}")))?;
    let closed = |shard: &Shard| {
        shard.ending.as_ref()?;
        let mut all = stream.shards.iter();
        let child = all.find(|it| it.parent.as_ref() == Some(&shard.id));
        child.map(|it| it.created).or(stream.disabled)
    };
    let mut found = Vec::new();
    for shard in shards::readable(&stream, now) {
        let tip = engine.streams().tip(engine.store(), shard)?;
        let horizon = now - RETENTION + Duration::from_millis(1);
        let first = tip.first_since(engine.store(), horizon)?;
        let next = tip.next().max(first);
        found.push(KeptShard {
            id: shard.id.clone(),
            parent: shard.parent.clone(),
            opened: shard.created,
            closed: closed(shard),
            key_share: share(shard.hash_range),
            records: next - first,
            trimmed: first - first_number(shard),
            range: (next > first).then(|| (sequence_number(first), sequence_number(next - 1))),
        });
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Kept {
        is_on: stream.disabled.is_none(),
        table: stream.table,
        shards: found,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of the range needs no exact digits"
)]
fn share((low, high): (u64, u64)) -> f64 {
    (high - low) as f64 / u64::MAX as f64
}

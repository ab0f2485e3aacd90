//! How far each mapping has come on each shard, in the store: one entry for a mapping and shard.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::call::Fault;
use super::state::{Mapping, Shard, State};
use super::store::Shelf;
use super::streams::{self, shards::sequence_number};
use crate::mapping::config::StartingPosition;
use crate::mapping::consumer::{Checkpoint, Position};
use crate::mapping::record::SequenceNumber;

/// By shard id, of a mapping that begins to poll or goes on.
pub(super) fn load(
    engine: &Engine,
    mapping: &Mapping,
) -> Result<BTreeMap<String, Checkpoint>, Fault> {
    engine.read(|state| begin(engine, state, mapping))
}

/// By shard id. A mapping that never began gets where it begins on every shard there is now, and keeps that: what is
/// written from now on is never missed, and of what becomes too old before it is read the poller can tell.
pub(super) fn begin(
    engine: &Engine,
    state: &State,
    mapping: &Mapping,
) -> Result<BTreeMap<String, Checkpoint>, Fault> {
    let mut found = list(engine, &mapping.uuid)?;
    if found.is_empty() {
        let stream = state.streams.get(&mapping.stream_arn);
        for shard in stream.into_iter().flat_map(|stream| &stream.shards) {
            let position = match mapping.config.starting_position {
                StartingPosition::Latest => end(engine, shard)?,
                StartingPosition::TrimHorizon => oldest(engine, shard)?,
            };
            let checkpoint = Checkpoint::from(position);
            save(engine, &mapping.uuid, &shard.id, &checkpoint)?;
            found.insert(shard.id.clone(), checkpoint);
        }
    }
    Ok(found)
}

/// By shard id, those that are kept of a mapping.
pub(super) fn list(engine: &Engine, uuid: &str) -> Result<BTreeMap<String, Checkpoint>, Fault> {
    let prefix = key(uuid, "");
    let mut found = BTreeMap::new();
    for (key, value) in engine
        .store()
        .list(Shelf::Checkpoints, &prefix, usize::MAX)?
    {
        let shard = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        let checkpoint = serde_json::from_slice(&value)
            .map_err(|error| Fault::internal(format!("a checkpoint cannot be read: {error}")))?;
        found.insert(shard, checkpoint);
    }
    Ok(found)
}

pub(super) fn save(
    engine: &Engine,
    uuid: &str,
    shard: &str,
    checkpoint: &Checkpoint,
) -> Result<(), Fault> {
    let value =
        serde_json::to_vec(checkpoint).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(engine
        .store()
        .put(Shelf::Checkpoints, key(uuid, shard), value)?)
}

/// Forgets everything of a mapping.
pub(super) fn clear(engine: &Engine, uuid: &str) -> Result<(), Fault> {
    Ok(engine.store().clear(Shelf::Checkpoints, &key(uuid, ""))?)
}

/// Forgets checkpoints on shards that are no longer there. Those of shards that were not read to their end stay until
/// the poller has told of it; those of parents whose children were not begun yet, or it would think it never saw them;
/// and so does the last one of a mapping: with none it would begin anew, at its starting position.
pub(super) fn prune(engine: &Engine) -> Result<(), Fault> {
    let known: Vec<(String, BTreeMap<String, Option<String>>)> = engine.read(|state| {
        let mappings = state.mappings.values();
        let shards = |arn: &String| state.streams.get(arn).map(|it| it.shards.iter());
        let parents = |arn| {
            let shards = shards(arn).into_iter().flatten();
            shards
                .map(|it| (it.id.clone(), it.parent.clone()))
                .collect()
        };
        mappings
            .map(|it| (it.uuid.clone(), parents(&it.stream_arn)))
            .collect()
    });
    for (uuid, shards) in known {
        let kept = list(engine, &uuid)?;
        let unbegun = shards.iter().filter(|(id, _)| !kept.contains_key(*id));
        let awaited: BTreeSet<&str> = unbegun.filter_map(|it| it.1.as_deref()).collect();
        let is_needed = |(id, checkpoint): &(&String, &Checkpoint)| {
            shards.contains_key(*id)
                || checkpoint.position != Position::Finished
                || awaited.contains(id.as_str())
        };
        let (needed, gone): (Vec<_>, Vec<_>) = kept.iter().partition(is_needed);
        let spared = usize::from(needed.is_empty());
        for (id, _) in gone.into_iter().rev().skip(spared) {
            engine.store().remove(Shelf::Checkpoints, key(&uuid, id))?;
        }
    }
    Ok(())
}

/// Behind everything that is in a shard now.
fn end(engine: &Engine, shard: &Shard) -> Result<Position, Fault> {
    if shard.ending.is_some() {
        return Ok(Position::Finished);
    }
    let last = engine.streams().tip(engine.store(), shard)?.last(shard);
    Ok(last.map_or(Position::TrimHorizon, after))
}

/// In front of everything that can be read of a shard now.
fn oldest(engine: &Engine, shard: &Shard) -> Result<Position, Fault> {
    let begins = streams::begins_late(engine, shard, engine.clock().now())?;
    Ok(begins.map_or(Position::TrimHorizon, |number| after(number - 1)))
}

fn after(number: u64) -> Position {
    Position::After(SequenceNumber::new(&sequence_number(number)))
}

fn key(uuid: &str, shard: &str) -> Vec<u8> {
    format!("{uuid}/{shard}").into_bytes()
}

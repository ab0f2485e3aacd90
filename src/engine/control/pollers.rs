//! Holding the poller of a mapping: pause, step, skip, and how it stands.
//!
//! Pausing is kept in the state, so it survives new settings, a poller that is begun anew and the end of the process.
//! Lambda's own API does not show it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{input, without_nulls};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Later};
use crate::engine::checkpoints;
use crate::engine::pollers::{self, Held};
use crate::engine::state::{Mapping, MappingState};
use crate::mapping::consumer::{BatchStanding, By, LaneStanding, Position, Skip, Standing};
use crate::mapping::record::{Record, SequenceNumber};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPoller {
    #[serde(rename = "UUID")]
    uuid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StepPoller {
    #[serde(rename = "UUID")]
    uuid: String,
    by: StepBy,
    shard_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum StepBy {
    Poll,
    Batch,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SkipRecord {
    #[serde(rename = "UUID")]
    uuid: String,
    shard_id: String,
    sequence_number: String,
}

pub(super) fn get(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let asked: OfPoller = input(&call)?;
        standing(&engine, &asked.uuid).await
    })
}

pub(super) fn pause(engine: Engine, call: Call) -> Later {
    Box::pin(async move { hold(&engine, &call, true).await })
}

pub(super) fn resume(engine: Engine, call: Call) -> Later {
    Box::pin(async move { hold(&engine, &call, false).await })
}

async fn hold(engine: &Engine, call: &Call, paused: bool) -> Answer {
    let asked: OfPoller = input(call)?;
    engine.change(|state| {
        let mapping = state.mappings.get_mut(&asked.uuid);
        mapping.ok_or_else(|| unknown(&asked.uuid))?.paused = paused;
        Ok(())
    })?;
    pollers::settle(engine, &asked.uuid);
    // Each shard answers after it has heard of it: nothing new is begun behind this answer.
    standing(engine, &asked.uuid).await
}

pub(super) fn step(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let asked: StepPoller = input(&call)?;
        let by = match asked.by {
            StepBy::Poll => By::Poll,
            StepBy::Batch => By::Batch,
        };
        let held = at_work(&engine, &asked.uuid)?;
        let shards = match asked.shard_id {
            Some(shard) => vec![shard.into()],
            None => held.followed().shards(),
        };
        let mut answers = Vec::new();
        let mut refusals = Vec::new();
        for shard in shards {
            let stepped = held.followed().step(&shard, by).await;
            match stepped.ok_or_else(|| not_followed(&held, &shard))? {
                Ok(()) => answers.push(json!({ "ShardId": &*shard, "Stepped": true })),
                Err(why) => {
                    refusals.push(format!("{shard}: {why}"));
                    answers.push(json!({ "ShardId": &*shard, "Stepped": false, "Reason": why }));
                }
            }
        }
        if refusals.len() == answers.len() {
            let why = if refusals.is_empty() {
                "no shard is read at this moment".to_owned()
            } else {
                refusals.join("; ")
            };
            return Err(Fault::validation(format!("Nothing to step: {why}")));
        }
        Ok(json!({ "Shards": answers }).into())
    })
}

pub(super) fn skip(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let asked: SkipRecord = input(&call)?;
        let held = at_work(&engine, &asked.uuid)?;
        let number = SequenceNumber::new(&asked.sequence_number);
        let skipped = held.followed().skip(&asked.shard_id, number).await;
        let skipped = skipped.ok_or_else(|| not_followed(&held, &asked.shard_id))?;
        let when = skipped.map_err(|why| not_found(format!("Nothing to skip: {why}")))?;
        let when = match when {
            Skip::Now => "NOW",
            Skip::WhenAnswered => "WHEN_ANSWERED",
        };
        Ok(json!({ "Skipped": when }).into())
    })
}

pub(super) fn mapping(engine: &Engine, uuid: &str) -> Result<Mapping, Fault> {
    let found = engine.read(|state| state.mappings.get(uuid).cloned());
    found.ok_or_else(|| unknown(uuid))
}

fn at_work(engine: &Engine, uuid: &str) -> Result<Held, Fault> {
    let mapping = mapping(engine, uuid)?;
    pollers::get(engine, uuid).ok_or_else(|| {
        let why = match mapping.state {
            MappingState::Disabled | MappingState::Disabling => {
                "it is disabled: enable it with UpdateEventSourceMapping".to_owned()
            }
            _ => mapping.last_processing_result,
        };
        Fault::validation(format!("Mapping {uuid} does not poll now: {why}"))
    })
}

fn unknown(uuid: &str) -> Fault {
    not_found(format!(
        "There is no event source mapping {uuid}; ListEventSourceMappings of Lambda names those there are"
    ))
}

fn not_followed(held: &Held, shard: &str) -> Fault {
    let shards = held.followed().shards().join(", ");
    not_found(format!(
        "Shard {shard} is not read at this moment; those that are: {shards}"
    ))
}

pub(super) fn not_found(message: String) -> Fault {
    Fault::new(400, "ResourceNotFoundException", message)
}

async fn standing(engine: &Engine, uuid: &str) -> Answer {
    let mapping = mapping(engine, uuid)?;
    let mut shards = BTreeMap::new();
    for (shard, checkpoint) in checkpoints::list(engine, uuid)? {
        let rest = json!({
            "ShardId": shard,
            "Followed": false,
            "Checkpoint": position(&checkpoint.position),
        });
        shards.insert(shard, rest);
    }
    let held = pollers::get(engine, uuid);
    if let Some(held) = &held {
        for shard in held.followed().shards() {
            if let Some(standing) = held.followed().standing(&shard).await {
                shards.insert(shard.to_string(), shard_now(&shard, &standing));
            }
        }
    }
    Ok(json!({
        "UUID": mapping.uuid,
        "State": mapping.state,
        "Paused": mapping.paused,
        "Polling": held.is_some(),
        "LastProcessingResult": mapping.last_processing_result,
        "Shards": shards.into_values().collect::<Vec<Value>>(),
    })
    .into())
}

fn shard_now(shard: &str, standing: &Standing) -> Value {
    without_nulls(json!({
        "ShardId": shard,
        "Followed": true,
        "Paused": standing.is_paused,
        "Position": position(&standing.read),
        "Checkpoint": position(&standing.checkpoint),
        "PollUnderWay": standing.is_polling,
        "Lanes": standing.lanes.iter().map(lane).collect::<Vec<Value>>(),
        "Next": standing.waits,
        "NextAt": standing.until.map(epoch_secs),
        "PollRefusal": standing.poll_refusal,
        "BatchRefusal": standing.batch_refusal,
    }))
}

fn position(position: &Position) -> Value {
    match position {
        Position::TrimHorizon => json!({ "Type": "TRIM_HORIZON" }),
        Position::Latest(since) => json!({ "Type": "LATEST", "Since": epoch_secs(*since) }),
        Position::After(number) => {
            json!({ "Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number.as_str() })
        }
        Position::Finished => json!({ "Type": "FINISHED" }),
    }
}

fn lane(lane: &LaneStanding) -> Value {
    let first = lane.first_queued.first();
    without_nulls(json!({
        "Queued": lane.queued,
        "FirstQueued": text(first.map(|it| &it.sequence_number)),
        "LastQueued": text(lane.last_queued.as_ref()),
        "QueuedRecords": lane.first_queued.iter().map(queued).collect::<Vec<Value>>(),
        "GivingUp": lane.is_discarding,
        "Batches": lane.batches.iter().map(batch).collect::<Vec<Value>>(),
    }))
}

fn queued(record: &Record) -> Value {
    json!({
        "SequenceNumber": record.sequence_number.as_str(),
        "EventName": record.event_name.as_str(),
        "Key": &*record.key,
        "Created": epoch_secs(record.created),
    })
}

fn batch(batch: &BatchStanding) -> Value {
    without_nulls(json!({
        "Batch": batch.id.0,
        "Parent": batch.parent.map(|it| it.0),
        "Records": batch.records,
        "FirstSequenceNumber": text(batch.first.as_ref()),
        "LastSequenceNumber": text(batch.last.as_ref()),
        "Attempts": batch.attempts,
        "UnderWay": batch.is_under_way,
        "NotBefore": epoch_secs(batch.not_before),
        "Trouble": Some(&batch.trouble).filter(|it| !it.is_empty()),
    }))
}

fn text(number: Option<&SequenceNumber>) -> Option<&str> {
    number.map(SequenceNumber::as_str)
}

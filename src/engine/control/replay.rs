//! Records delivered once more to the function of a mapping, as they were or edited. Touches neither poller nor
//! checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::pollers::{mapping, not_found};
use super::{input, without_nulls};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Later};
use crate::engine::{streams, supervisor};
use crate::mapping::PAYLOAD_BYTES_MAX;
use crate::mapping::assumed::Assumed;
use crate::mapping::consumer::Place;
use crate::mapping::poller::Clients;
use crate::mapping::progress::{self, BatchId, Outcome, Progress, TumblingWindow, What};
use crate::mapping::record::{Record, SequenceNumber};
use crate::mapping::replay::{self, Replay};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReplayBatch {
    #[serde(rename = "UUID")]
    uuid: String,
    shard_id: String,
    batch: Option<u64>,
    sequence_numbers: Option<Vec<String>>,
    half: Option<Half>,
    /// Any JSON value, null included.
    #[serde(default, deserialize_with = "given")]
    event: Option<Value>,
    /// Shows the event and sends nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Half {
    First,
    Second,
}

fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

pub(super) fn run(engine: Engine, call: Call) -> Later {
    Box::pin(async move { replay(&engine, &call).await })
}

async fn replay(engine: &Engine, call: &Call) -> Answer {
    let asked: ReplayBatch = input(call)?;
    let mapping = mapping(engine, &asked.uuid)?;
    let clients = supervisor::clients_of(engine, &mapping).ok_or_else(|| {
        let arn = &mapping.function_arn;
        not_found(format!(
            "There is no function {arn}: create it, or let the mapping name another one"
        ))
    })?;
    let place = Place {
        mapping: mapping.uuid.as_str().into(),
        shard: asked.shard_id.as_str().into(),
        stream_arn: mapping.stream_arn.as_str().into(),
        function_arn: mapping.function_arn.as_str().into(),
    };
    let keys = keys(engine, &mapping.stream_arn);
    let (records, window) = records(engine, &clients, &place, &keys, &asked).await?;
    let replay = chosen(
        &asked,
        &place,
        &keys,
        &records,
        window,
        engine.settings().assumed,
    )?;
    let bytes = replay.event().len();
    if bytes > PAYLOAD_BYTES_MAX {
        return Err(Fault::validation(format!(
            "The event has {bytes} bytes, and a call takes at most {PAYLOAD_BYTES_MAX}: choose fewer records"
        )));
    }
    let numbers: Vec<&str> = replay
        .records
        .iter()
        .map(|it| it.sequence_number.as_str())
        .collect();
    let head = json!({
        "Batch": asked.batch,
        "SequenceNumbers": numbers,
        "Edited": replay.is_edited,
    });
    if asked.dry_run {
        let mut answer = head;
        answer["Event"] = replay.event().into();
        return Ok(without_nulls(answer).into());
    }
    let event = replay.event().to_owned();
    let answer = clients.invoke(&place.function_arn, engine.clock(), event);
    let answer = Arc::new(answer.await);
    let (outcome, reason) = replay.judge(&mapping.config, &answer);
    let reply = told(head, &outcome, &reason, &answer);
    engine.report(Progress {
        mapping: place.mapping,
        shard: place.shard,
        at: engine.clock().now(),
        what: What::Replayed {
            batch: asked.batch.map(BatchId),
            records: replay.records,
            is_edited: replay.is_edited,
            outcome,
            answer,
            reason,
        },
    });
    Ok(reply.into())
}

/// What is to be sent of these records.
fn chosen(
    asked: &ReplayBatch,
    place: &Place,
    keys: &[String],
    records: &Arc<[Record]>,
    window: Option<TumblingWindow>,
    assumed: Assumed,
) -> Result<Replay, Fault> {
    let half = match asked.half {
        None => Arc::clone(records),
        Some(Half::First) => replay::Half::First.of(records, assumed).into(),
        Some(Half::Second) => replay::Half::Second.of(records, assumed).into(),
    };
    if let Some(event) = &asked.event {
        return Ok(Replay::of(half, place, window).edited(event, keys));
    }
    if half.is_empty() && !window.is_some_and(|it| it.is_final) {
        return Err(Fault::validation(
            "There is no record in what was chosen: leave Half out, or name SequenceNumbers",
        ));
    }
    Ok(Replay::of(half, place, window))
}

fn told(mut reply: Value, outcome: &Outcome, reason: &str, answer: &progress::Answer) -> Value {
    let (outcome, from) = match outcome {
        Outcome::Succeeded => ("SUCCEEDED", None),
        Outcome::FailedFrom(number) => ("FAILED_FROM", Some(number.as_str())),
        Outcome::Failed => ("FAILED", None),
        Outcome::Throttled => ("THROTTLED", None),
    };
    reply["Outcome"] = outcome.into();
    reply["FailedFrom"] = from.into();
    reply["Reason"] = reason.into();
    reply["StatusCode"] = answer.status.into();
    reply["FunctionError"] = answer.function_error.as_deref().into();
    reply["ExecutedVersion"] = answer.executed_version.as_str().into();
    reply["Payload"] = answer.payload.as_str().into();
    reply["LogTail"] = answer.log_tail.as_str().into();
    reply["RequestId"] = answer.request_id.as_str().into();
    reply["DurationInMilliseconds"] = u64::try_from(answer.took.as_millis())
        .unwrap_or(u64::MAX)
        .into();
    without_nulls(reply)
}

/// Names of the key attributes of the stream's table, partition key first.
fn keys(engine: &Engine, stream_arn: &str) -> Vec<String> {
    engine.read(|state| {
        let stream = state.streams.get(stream_arn);
        stream.map_or_else(Vec::new, |it| streams::key_names(&it.keys))
    })
}

/// The records that are asked for, in their order: from the story, and from the stream what that knows no more.
async fn records(
    engine: &Engine,
    clients: &Clients,
    place: &Place,
    keys: &[String],
    asked: &ReplayBatch,
) -> Result<(Arc<[Record]>, Option<TumblingWindow>), Fault> {
    let (story, _) = engine.watch();
    let story: Vec<What> = story
        .into_iter()
        .filter(|step| step.mapping == place.mapping && step.shard == place.shard)
        .map(|step| step.what)
        .collect();
    let batch = asked
        .batch
        .and_then(|batch| batch_of(&story, BatchId(batch)));
    let window = batch.as_ref().and_then(|(_, window)| *window);
    let Some(numbers) = &asked.sequence_numbers else {
        return match (batch, asked.batch) {
            (Some((records, window)), _) => Ok((records, window)),
            (None, _) if asked.event.is_some() => Ok((Arc::default(), None)),
            (None, None) => Err(Fault::validation(
                "Nothing to replay: name a Batch, SequenceNumbers or an Event",
            )),
            (None, Some(batch)) => Err(not_found(format!(
                "The story of shard {} has no batch {batch}, or no longer: name its records by SequenceNumbers",
                place.shard
            ))),
        };
    };
    let mut known: BTreeMap<SequenceNumber, Record> = BTreeMap::new();
    for record in story.iter().flat_map(records_of) {
        known.insert(record.sequence_number.clone(), record.clone());
    }
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for number in numbers {
        if number.is_empty() || !number.bytes().all(|it| it.is_ascii_digit()) {
            return Err(Fault::validation(format!(
                "\"{number}\" is no sequence number: those have 21 to 40 digits"
            )));
        }
        match known.remove(&SequenceNumber::new(number)) {
            Some(record) => found.push(record),
            None => missing.push(SequenceNumber::new(number)),
        }
    }
    // One that was named twice is not missing.
    missing.retain(|number| !found.iter().any(|it| it.sequence_number == *number));
    let again = clients.read_again(place, keys, missing).await;
    found.extend(again.map_err(not_found)?);
    found.sort_by(|a, b| a.sequence_number.cmp(&b.sequence_number));
    Ok((found.into(), window))
}

/// What a batch was delivered with, or would have been.
fn batch_of(story: &[What], wanted: BatchId) -> Option<(Arc<[Record]>, Option<TumblingWindow>)> {
    story.iter().rev().find_map(|what| match what {
        What::Invoking {
            batch,
            records,
            window,
            ..
        } if *batch == wanted => Some((Arc::clone(records), *window)),
        What::Discarded { batch, records, .. } if *batch == wanted => {
            Some((Arc::clone(records), None))
        }
        _ => None,
    })
}

fn records_of(what: &What) -> Vec<&Record> {
    match what {
        What::Invoking { records, .. } | What::Discarded { records, .. } => {
            records.iter().collect()
        }
        What::FilteredOut { records } => records.iter().map(|it| &it.record).collect(),
        What::RecordSkipped { record, .. } => vec![record],
        _ => Vec::new(),
    }
}

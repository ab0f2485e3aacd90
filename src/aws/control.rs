//! The control service of the local cloud: its pollers held, records taken out of the way, batches delivered once more.
//!
//! What changes something is asked of the service, like any other call. How a poller stands and what is counted of it
//! are read in place: they are looked at again and again, and would push everything else out of the list of calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::Kind;
use super::gate::Refused as Locked;
use super::{Aws, Error};
use crate::engine::control;
use crate::engine::pollers;
use crate::mapping::consumer::{By, Skip, Standing};
use crate::mapping::record::SequenceNumber;

pub use crate::engine::control::Counted;
pub use crate::engine::story::{Minute, Minutes};

/// A poller at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Poller {
    pub is_paused: bool,
    /// A disabled trigger has no poller; neither has one whose stream cannot be read yet.
    pub is_at_work: bool,
    /// Shards that are read, by id.
    pub shards: Vec<(Arc<str>, Standing)>,
}

/// Records of one shard to be delivered once more.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Of the mapping.
    pub uuid: String,
    pub shard: String,
    /// The batch they came in, for the story.
    pub batch: Option<u64>,
    pub of: Of,
}

/// What of it is delivered.
#[derive(Clone, Debug, PartialEq)]
pub enum Of {
    Batch,
    /// As bisecting would halve it.
    FirstHalf,
    SecondHalf,
    Records(Vec<SequenceNumber>),
    /// This event in place of the poller's, whatever it holds.
    Event(Value),
}

/// UUIDs of the mappings whose pollers are paused; none outside the local cloud. Cheap: ask it every frame.
pub fn paused(aws: &Aws) -> BTreeSet<String> {
    let Ok(engine) = aws.engine() else {
        return BTreeSet::new();
    };
    engine.read(|state| {
        let paused = state.mappings.iter().filter(|(_, it)| it.paused);
        paused.map(|(uuid, _)| uuid.clone()).collect()
    })
}

/// Whether the poller of this mapping is paused; `None` outside the local cloud, whose pollers nobody can hold, and
/// where there is no such mapping. Cheap: ask it every frame.
pub fn is_paused(aws: &Aws, uuid: &str) -> Option<bool> {
    let engine = aws.engine().ok()?;
    engine.read(|state| state.mappings.get(uuid).map(|it| it.paused))
}

/// How a poller stands.
pub async fn poller(aws: Aws, uuid: String) -> Result<Poller, Error> {
    let held = pollers::get(aws.engine()?, &uuid);
    let mut shards = Vec::new();
    if let Some(held) = &held {
        for shard in held.followed().shards() {
            if let Some(standing) = held.followed().standing(&shard).await {
                shards.push((shard, standing));
            }
        }
    }
    Ok(Poller {
        is_paused: is_paused(&aws, &uuid).unwrap_or_default(),
        is_at_work: held.is_some(),
        shards,
    })
}

/// What is counted of a mapping, as AWS's metrics count it; refused outside the local cloud and where there is no such
/// mapping.
pub fn counted(aws: &Aws, uuid: &str) -> Result<Counted, Error> {
    Ok(control::counted(aws.engine()?, uuid)?)
}

/// From now on it begins nothing; what is under way may end. Kept across restarts, until it is resumed.
pub async fn pause_poller(aws: Aws, uuid: String) -> Result<(), Error> {
    let paused = ask(&aws, "PausePoller", json!({ "UUID": uuid })).await;
    paused.map(drop)
}

/// It goes on by itself; what fell due meanwhile is judged now.
pub async fn resume_poller(aws: Aws, uuid: String) -> Result<(), Error> {
    let resumed = ask(&aws, "ResumePoller", json!({ "UUID": uuid })).await;
    resumed.map(drop)
}

/// Lets one poll, or one attempt of one batch, through: on this shard, or on every one. How many shards did.
pub async fn step_poller(
    aws: Aws,
    uuid: String,
    by: By,
    shard: Option<String>,
) -> Result<usize, Error> {
    let mut input = json!({ "UUID": uuid, "By": match by {
        By::Poll => "POLL",
        By::Batch => "BATCH",
    }});
    if let Some(shard) = shard {
        input["ShardId"] = shard.into();
    }
    let answer = ask(&aws, "StepPoller", input).await?;
    let shards = answer["Shards"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(shards.iter().filter(|it| it["Stepped"] == true).count())
}

/// Takes a record out of whatever it waits in: it is not delivered, and no letter is written.
pub async fn skip_record(
    aws: Aws,
    uuid: String,
    shard: String,
    number: SequenceNumber,
) -> Result<Skip, Error> {
    let input = json!({ "UUID": uuid, "ShardId": shard, "SequenceNumber": number.as_str() });
    let answer = ask(&aws, "SkipRecord", input).await?;
    match answer["Skipped"].as_str() {
        Some("NOW") => Ok(Skip::Now),
        Some("WHEN_ANSWERED") => Ok(Skip::WhenAnswered),
        _ => Err(Error::odd("SkipRecord", "Skipped")),
    }
}

/// Delivers records once more, to the code of now; no checkpoint moves. The request id of the call, by which the story
/// tells of it.
pub async fn replay(aws: Aws, replay: Replay) -> Result<String, Error> {
    let answer = ask(&aws, "ReplayBatch", replay.input()).await?;
    let id = answer["RequestId"].as_str();
    id.map(str::to_owned)
        .ok_or_else(|| Error::odd("ReplayBatch", "RequestId"))
}

/// The event that a replay would send, as JSON text; nothing is sent.
pub async fn replayed_event(aws: Aws, replay: Replay) -> Result<String, Error> {
    let mut input = replay.input();
    input["DryRun"] = true.into();
    let answer = ask(&aws, "ReplayBatch", input).await?;
    let event = answer["Event"].as_str();
    event
        .map(str::to_owned)
        .ok_or_else(|| Error::odd("ReplayBatch", "Event"))
}

impl Replay {
    fn input(&self) -> Value {
        let mut input = json!({ "UUID": self.uuid, "ShardId": self.shard });
        if let Some(batch) = self.batch {
            input["Batch"] = batch.into();
        }
        match &self.of {
            Of::Batch => {}
            Of::FirstHalf => input["Half"] = "FIRST".into(),
            Of::SecondHalf => input["Half"] = "SECOND".into(),
            Of::Records(numbers) => {
                let numbers = numbers.iter().map(SequenceNumber::as_str);
                input["SequenceNumbers"] = numbers.collect();
            }
            Of::Event(event) => input["Event"] = event.clone(),
        }
        input
    }
}

/// One call of the control service. A locked connection sends no change, whoever would answer it.
pub(super) async fn ask(aws: &Aws, operation: &str, input: Value) -> Result<Value, Error> {
    let engine = aws.engine()?;
    aws.gate.judge(operation)?;
    Ok(control::ask(engine, operation, &input).await?)
}

impl From<Locked> for Error {
    fn from(locked: Locked) -> Self {
        Self {
            kind: Kind::ReadOnly,
            ..Self::input(locked.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_names_what_it_is_of() {
        let input = |of| {
            let replay = Replay {
                uuid: "u".to_owned(),
                shard: "s".to_owned(),
                batch: Some(7),
                of,
            };
            let mut input = replay.input();
            for member in ["UUID", "ShardId", "Batch"] {
                input.as_object_mut().unwrap().remove(member).unwrap();
            }
            input
        };
        assert_eq!(input(Of::Batch), json!({}));
        assert_eq!(input(Of::SecondHalf), json!({ "Half": "SECOND" }));
        let number = SequenceNumber::new(&"1".repeat(21));
        let numbers = json!({ "SequenceNumbers": ["1".repeat(21)] });
        assert_eq!(input(Of::Records(vec![number])), numbers);
        assert_eq!(input(Of::Event(json!(null))), json!({ "Event": null }));
    }
}

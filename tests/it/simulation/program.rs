//! The functions of a simulated world: programs of the host's that fail, hang and answer in part as the seed has it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use waterwheel::clock::Clock;
use waterwheel::engine::lambda::environment::{
    BoxFuture, Ended, ExecutionEnvironment, Failure, HostPrograms, Invocation, Ran,
};
use waterwheel::mapping::record::SequenceNumber;

use super::told::{Log, brief};

/// What the functions of a world may take; a hanging one takes longer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

/// How a function behaves: of a hundred calls so many end like this. The rest goes well.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mood {
    pub(super) fails: u8,
    pub(super) hangs: u8,
    pub(super) answers_in_part: u8,
    pub(super) answers_nonsense: u8,
    /// Of a hundred records so many never go well.
    pub(super) poison: u8,
    /// How long a call takes at most.
    pub(super) millis: u64,
}

/// One call as the function saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) function: String,
    pub(super) stream: String,
    pub(super) numbers: Vec<SequenceNumber>,
    pub(super) bytes: usize,
    /// Shard, begin and count so far of a window that ends with this call.
    pub(super) ending: Option<(String, String, u64)>,
}

/// What all functions of a world share.
#[derive(Default)]
pub(super) struct Stage {
    seed: u64,
    moods: Mutex<BTreeMap<String, Mood>>,
    tries: Mutex<BTreeMap<Tried, u32>>,
    seen: Mutex<Vec<Seen>>,
    log: Log,
}

/// A batch: function, first record, how many records.
type Tried = (String, Option<SequenceNumber>, usize);

struct Program {
    function: String,
    clock: Clock,
    stage: Arc<Stage>,
}

impl Stage {
    pub(super) fn seeded(seed: u64, log: &Log) -> Arc<Self> {
        Arc::new(Self {
            seed,
            log: log.clone(),
            ..Self::default()
        })
    }

    pub(super) fn programs(self: &Arc<Self>, clock: &Clock) -> HostPrograms {
        let (stage, clock) = (Arc::clone(self), clock.clone());
        HostPrograms::new(move |function| {
            Some(Box::new(Program {
                function: function.to_owned(),
                clock: clock.clone(),
                stage: Arc::clone(&stage),
            }))
        })
    }

    pub(super) fn set(&self, function: &str, mood: Mood) {
        self.moods.lock().insert(function.to_owned(), mood);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// Dice for one try of one batch: what else happens meanwhile changes nothing.
    fn dice(&self, thrown_for: impl std::hash::Hash) -> fastrand::Rng {
        let mut hasher = DefaultHasher::new();
        (self.seed, thrown_for).hash(&mut hasher);
        fastrand::Rng::with_seed(hasher.finish())
    }
}

impl ExecutionEnvironment for Program {
    fn invoke(&mut self, invocation: Invocation) -> BoxFuture<'_, Ran> {
        Box::pin(async move {
            let started = self.clock.now();
            let (takes, ended) = self.decide(&invocation.event);
            self.clock.wait(takes).await;
            Ran {
                ended,
                init: None,
                lines: Vec::new(),
                started,
                took: takes,
                ended_at: self.clock.now(),
                memory_used_mb: 1,
                is_reusable: true,
            }
        })
    }
}

impl Program {
    fn decide(&self, text: &str) -> (Duration, Ended) {
        let event: Value = serde_json::from_str(text).unwrap();
        let records = event["Records"].as_array().unwrap();
        let number = |it: &Value| {
            let number = it["dynamodb"]["SequenceNumber"].as_str().unwrap();
            SequenceNumber::new(number)
        };
        let numbers: Vec<SequenceNumber> = records.iter().map(number).collect();
        self.note(&event, &numbers, text.len());
        let batch = (
            self.function.clone(),
            numbers.first().cloned(),
            numbers.len(),
        );
        let mut tries = self.stage.tries.lock();
        let tried = tries.entry(batch.clone()).or_default();
        *tried += 1;
        let mut dice = self.stage.dice((&batch, *tried));
        let moods = self.stage.moods.lock();
        let mood = moods.get(&self.function).copied().unwrap_or_default();
        let takes = Duration::from_millis(dice.u64(..=mood.millis));
        let poison = numbers
            .iter()
            .position(|it| self.stage.dice(it).u8(..100) < mood.poison);
        if poison.is_some() && dice.bool() {
            return (takes, failed());
        }
        let rolled = dice.u8(..100);
        let (fails, hangs) = (mood.fails, mood.fails + mood.hangs);
        let in_part = hangs + mood.answers_in_part;
        if rolled < fails {
            (takes, failed())
        } else if rolled < hangs {
            (TIMEOUT, Ended::TimedOut)
        } else if rolled < in_part && !numbers.is_empty() {
            let from = poison.unwrap_or_else(|| dice.usize(..numbers.len()));
            (takes, answered(&event, &numbers, Some(from)))
        } else if rolled < in_part + mood.answers_nonsense {
            (takes, Ended::Answered(nonsense(&mut dice)))
        } else if poison.is_some() {
            (takes, answered(&event, &numbers, poison))
        } else {
            (takes, answered(&event, &numbers, None))
        }
    }

    fn note(&self, event: &Value, numbers: &[SequenceNumber], bytes: usize) {
        let stream = match event.get("eventSourceARN") {
            Some(arn) => arn,
            None => &event["Records"][0]["eventSourceARN"],
        };
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let ending = (event["isFinalInvokeForWindow"] == true).then(|| {
            let sum = event["state"]["n"].as_u64().unwrap_or(0);
            (
                text(&event["shardId"]),
                text(&event["window"]["start"]),
                sum,
            )
        });
        let names: Vec<String> = numbers.iter().map(brief).collect();
        let end = if ending.is_some() { ", final" } else { "" };
        let line = format!(
            "  {} is called with {}{end}",
            self.function,
            names.join(" ")
        );
        self.stage.log.say(self.clock.now(), &line);
        self.stage.seen.lock().push(Seen {
            function: self.function.clone(),
            stream: text(stream),
            numbers: numbers.to_vec(),
            bytes,
            ending,
        });
    }
}

/// Whoever does not ask for state or failures overlooks them.
fn answered(event: &Value, numbers: &[SequenceNumber], failed_from: Option<usize>) -> Ended {
    let before = event["state"]["n"].as_u64().unwrap_or(0);
    let done = failed_from.unwrap_or(numbers.len()) as u64;
    let mut answer = json!({ "state": { "n": before + done } });
    if let Some(from) = failed_from {
        answer["batchItemFailures"] = json!([{ "itemIdentifier": numbers[from].as_str() }]);
    }
    Ended::Answered(answer.to_string())
}

fn nonsense(dice: &mut fastrand::Rng) -> String {
    let answers = [
        "\"done\"",
        "5",
        "{}",
        "null",
        r#"{"state":5}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"123"}]}"#,
        r#"{"state":{},"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":"all"}"#,
    ];
    answers[dice.usize(..answers.len())].to_owned()
}

fn failed() -> Ended {
    Ended::Failed(Failure {
        kind: "Error".to_owned(),
        payload: json!({ "errorType": "Error", "errorMessage": "boom" }).to_string(),
    })
}

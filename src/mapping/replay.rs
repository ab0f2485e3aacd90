//! Records delivered once more by hand: which event, and what its answer means. Pure; no consumer takes notice.

use std::sync::Arc;

use serde_json::Value;

use super::answer::{self, Asked};
use super::assumed::{Assumed, WindowsBegin};
use super::config::MappingConfig;
use super::consumer::Place;
use super::payload::{self, WindowCall};
use super::progress::{Answer, Outcome, TumblingWindow};
use super::record::Record;
use super::window::Window;
use super::words;

/// One half of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    First,
    Second,
}

/// What is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    pub records: Arc<[Record]>,
    /// The tumbling window the records were delivered in. What state it had is not known: it is sent empty.
    pub window: Option<TumblingWindow>,
    pub is_edited: bool,
    event: String,
    wants_state: bool,
}

impl Half {
    /// As bisecting halves a batch.
    pub fn of(self, records: &[Record], assumed: Assumed) -> &[Record] {
        let (first, second) = records.split_at(assumed.first_half(records.len()));
        match self {
            Self::First => first,
            Self::Second => second,
        }
    }
}

impl Replay {
    /// The event is what a poller would send.
    pub fn of(records: Arc<[Record]>, place: &Place, window: Option<TumblingWindow>) -> Self {
        let begun = window.map(|it| {
            let length = it.end.duration_since(it.start).unwrap_or_default();
            let secs = u32::try_from(length.as_secs()).unwrap_or(1);
            // As it began, wherever windows begin now.
            Window::of(it.start, secs, WindowsBegin::Record)
        });
        let call = begun
            .as_ref()
            .zip(window)
            .map(|(begun, window)| WindowCall {
                window: begun,
                shard: &place.shard,
                stream_arn: &place.stream_arn,
                is_final: window.is_final,
                is_terminated_early: false,
            });
        Self {
            event: payload::event(&records, call),
            wants_state: window.is_some_and(|it| !it.is_final),
            records,
            window,
            is_edited: false,
        }
    }

    /// This event instead, whatever it holds. `keys` are the names of the key attributes, for people.
    #[must_use]
    pub fn edited(self, event: &Value, keys: &[String]) -> Self {
        let records = event.get("Records").and_then(Value::as_array);
        let records = records.into_iter().flatten();
        let is_final = event.get("isFinalInvokeForWindow") == Some(&Value::Bool(true));
        Self {
            records: records
                .map(|record| Record::from_event(record.clone(), keys))
                .collect(),
            event: event.to_string(),
            wants_state: event.get("window").is_some_and(Value::is_object) && !is_final,
            is_edited: true,
            ..self
        }
    }

    /// JSON text.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// What the mapping would make of the answer, and why in words.
    pub fn judge(&self, config: &MappingConfig, answer: &Answer) -> (Outcome, String) {
        let is_final = self.window.is_some_and(|it| it.is_final);
        let verdict = answer::judge(
            answer,
            Asked {
                records: &self.records,
                reports_failures: config.report_batch_item_failures && !is_final,
                wants_state: self.wants_state,
            },
        );
        let reason = match verdict.outcome {
            Outcome::Succeeded => {
                let count = words::count(self.records.len(), "record");
                format!("{count} would be done")
            }
            _ => verdict.reason,
        };
        (verdict.outcome, reason)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::consumer::tests::{answer, failing_from, records, start, thrown};

    fn place() -> Place {
        Place {
            mapping: Arc::from("uuid"),
            shard: Arc::from("shardId-1"),
            stream_arn: Arc::from("stream-arn"),
            function_arn: Arc::from("function-arn"),
        }
    }

    fn partial() -> MappingConfig {
        MappingConfig {
            report_batch_item_failures: true,
            ..MappingConfig::default()
        }
    }

    #[test]
    fn the_halves_are_those_of_bisecting() {
        let all = records(1..=3);
        assert_eq!(Half::First.of(&all, Assumed::default()), &all[..2]);
        assert_eq!(Half::Second.of(&all, Assumed::default()), &all[2..]);
        assert!(Half::Second.of(&all[..1], Assumed::default()).is_empty());
    }

    #[test]
    fn the_event_is_what_a_poller_sends() {
        let all = records(1..=2);
        let replay = Replay::of(all.clone().into(), &place(), None);
        assert_eq!(replay.event(), payload::event(&all, None));
        let window = TumblingWindow {
            start: start(),
            end: start() + std::time::Duration::from_mins(2),
            is_final: false,
        };
        let replay = Replay::of(all.into(), &place(), Some(window));
        let event: Value = serde_json::from_str(replay.event()).unwrap();
        assert_eq!(event["window"]["end"], crate::clock::iso_secs(window.end));
        assert_eq!(event["state"], json!({}));
        assert_eq!(event["isFinalInvokeForWindow"], false);
        let (outcome, reason) = replay.judge(&MappingConfig::default(), &answer("null"));
        assert_eq!(outcome, Outcome::Failed);
        assert!(reason.contains("no state"), "{reason}");
    }

    #[test]
    fn a_window_that_began_with_its_record_is_sent_as_it_was() {
        let start = start() + std::time::Duration::from_secs(3);
        let window = TumblingWindow {
            start,
            end: start + std::time::Duration::from_secs(10),
            is_final: false,
        };
        let replay = Replay::of(records(1..=1).into(), &place(), Some(window));
        let event: Value = serde_json::from_str(replay.event()).unwrap();
        assert_eq!(event["window"]["start"], crate::clock::iso_secs(start));
        assert_eq!(event["window"]["end"], crate::clock::iso_secs(window.end));
    }

    #[test]
    fn answers_mean_what_they_mean_to_the_mapping() {
        let replay = Replay::of(records(1..=2).into(), &place(), None);
        let judged = |config: &MappingConfig, answer: &Answer| replay.judge(config, answer);
        let (outcome, reason) = judged(&partial(), &answer("null"));
        assert_eq!(
            (outcome, reason.as_str()),
            (Outcome::Succeeded, "2 records would be done")
        );
        let number = replay.records[1].sequence_number.clone();
        let (outcome, _) = judged(&partial(), &failing_from(2));
        assert_eq!(outcome, Outcome::FailedFrom(number));
        let (outcome, _) = judged(&MappingConfig::default(), &failing_from(2));
        assert_eq!(outcome, Outcome::Succeeded);
        let (outcome, reason) = judged(&partial(), &thrown());
        assert_eq!(
            (outcome, reason.as_str()),
            (Outcome::Failed, "function error: Error: boom")
        );
    }

    #[test]
    fn an_edited_event_is_sent_as_it_is_and_its_own_records_count() {
        let event = json!({ "Records": [{
            "eventID": "e", "eventName": "REMOVE",
            "dynamodb": { "Keys": { "id": { "S": "x" } }, "SequenceNumber": "000000000000000000009" },
        }]});
        let replay = Replay::of(records(1..=2).into(), &place(), None);
        let replay = replay.edited(&event, &["id".to_owned()]);
        assert_eq!(replay.event(), event.to_string());
        assert_eq!(&*replay.records[0].key, "x");
        let (outcome, _) = replay.judge(&partial(), &failing_from(9));
        assert!(matches!(outcome, Outcome::FailedFrom(_)));
        let (outcome, _) = replay.judge(&partial(), &failing_from(1));
        assert_eq!(outcome, Outcome::Failed);
        assert!(replay.edited(&json!(7), &[]).records.is_empty());
    }
}

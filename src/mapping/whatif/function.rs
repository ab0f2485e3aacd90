//! The model at work: takes calls and says how long they run and what they answer. Pure.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::durations::Line;
use super::model::{Failure, Model};
use super::stretch::Stretch;
use crate::ids::Ids;
use crate::mapping::filter::Filters;
use crate::mapping::progress::Answer;
use crate::mapping::record::Record;

/// How long an environment is kept without a call, as the engine's are.
const IDLE_TIME_MAX: Duration = Duration::from_mins(10);

pub(super) struct Function<'a> {
    model: &'a Model,
    durations: Line,
    ids: Ids,
    running: u32,
    /// Environments at rest, by the end of their last call.
    idle: Vec<SystemTime>,
    /// Calls that were not throttled.
    calls: u64,
    /// With the deliveries of a record that fail.
    poisons: Vec<(Filters, u32)>,
    /// By shard and record of the stretch.
    seen: Vec<Vec<Seen>>,
}

/// What became of one record so far.
#[derive(Clone, Copy, Default)]
struct Seen {
    deliveries: u32,
    /// One bit for each pattern it matches; known from the first delivery on.
    poisons: u8,
    /// How many of its first deliveries fail whatever it matches.
    fails: u32,
}

impl Seen {
    /// A record that was not delivered yet.
    fn of(record: &Record, model: &Model) -> Self {
        let named = model.failures.iter().filter_map(|failure| match failure {
            Failure::Records(records) => records.get(&record.sequence_number).copied(),
            _ => None,
        });
        Self {
            fails: named.max().unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// A call under way.
pub(super) struct Called {
    pub(super) answer: Arc<Answer>,
    pub(super) took: Duration,
    pub(super) kind: Kind,
    pub(super) is_cold: bool,
    /// Records that had been delivered exactly once before.
    pub(super) again: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ran,
    TimedOut,
    /// It never ran.
    Throttled,
}

/// What a call is about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) shard: usize,
    pub(super) records: &'a [Record],
    /// `ReportBatchItemFailures` is on.
    pub(super) may_report: bool,
    /// The call belongs to a tumbling window.
    pub(super) wants_state: bool,
}

impl<'a> Function<'a> {
    pub(super) fn new(model: &'a Model, stretch: &Stretch, seed: u64) -> Self {
        let poisons = model.failures.iter().filter_map(|failure| match failure {
            Failure::Matching {
                pattern,
                deliveries,
            } => {
                // A plan with another pattern was refused.
                let filters = Filters::parse(std::slice::from_ref(pattern)).ok()?;
                Some((filters, deliveries.unwrap_or(u32::MAX)))
            }
            Failure::EveryNth(_) | Failure::Share(_) | Failure::Records(_) => None,
        });
        let shards = stretch.shards.iter();
        Self {
            durations: Line::new(&model.durations),
            ids: Ids::seeded(seed),
            running: 0,
            idle: Vec::new(),
            calls: 0,
            poisons: poisons.collect(),
            seen: shards
                .map(|shard| {
                    let records = shard.records.iter();
                    records.map(|it| Seen::of(&it.record, model)).collect()
                })
                .collect(),
            model,
        }
    }

    /// Nothing is known of what a record adds to the time of a call.
    pub(super) fn is_flat(&self) -> bool {
        self.durations.is_flat
    }

    /// Begins a call, which is to be ended with [`Self::returned`] unless it was throttled. `places` are those of the
    /// records in their shard.
    pub(super) fn call(
        &mut self,
        asked: Asked<'_>,
        places: impl Iterator<Item = usize>,
        now: SystemTime,
    ) -> Called {
        if self
            .model
            .concurrency_max
            .is_some_and(|most| self.running >= most)
        {
            return Called {
                answer: Arc::new(answer(429, "Rate Exceeded.")),
                took: Duration::ZERO,
                kind: Kind::Throttled,
                is_cold: false,
                again: 0,
            };
        }
        self.calls += 1;
        self.running += 1;
        let is_cold = self.is_cold(now);
        let mut failed = Vec::new();
        let mut again = 0;
        for (record, place) in asked.records.iter().zip(places) {
            let before = self.deliver(asked.shard, place, record);
            again += usize::from(before.deliveries == 1);
            if self.fails(before) {
                failed.push(record);
            }
        }
        let took = self
            .durations
            .took(asked.records.len(), || self.ids.number());
        let timeout = self.model.timeout.filter(|timeout| took > *timeout);
        let mut answer = match timeout {
            Some(timeout) => timed_out(timeout),
            None => self.answer(asked, &failed),
        };
        let cold = if is_cold {
            self.model.cold_start
        } else {
            Duration::ZERO
        };
        answer.took = timeout.unwrap_or(took) + cold;
        Called {
            took: answer.took,
            answer: Arc::new(answer),
            kind: match timeout {
                Some(_) => Kind::TimedOut,
                None => Kind::Ran,
            },
            is_cold,
            again,
        }
    }

    /// A call that ran is over.
    pub(super) fn returned(&mut self, now: SystemTime) {
        self.running = self.running.saturating_sub(1);
        self.idle.push(now);
    }

    /// Takes the warmest environment at rest, or begins a new one.
    fn is_cold(&mut self, now: SystemTime) -> bool {
        match self.idle.pop() {
            Some(since) if since + IDLE_TIME_MAX > now => false,
            Some(_) => {
                // The others rest for longer still.
                self.idle.clear();
                true
            }
            None => true,
        }
    }

    /// Counts a delivery; what was before.
    fn deliver(&mut self, shard: usize, place: usize, record: &Record) -> Seen {
        let Some(seen) = self.seen.get_mut(shard).and_then(|it| it.get_mut(place)) else {
            return Seen::default();
        };
        if seen.deliveries == 0 {
            for (at, (filters, _)) in self.poisons.iter().enumerate() {
                seen.poisons |= u8::from(filters.pass_event(&record.event)) << at;
            }
        }
        let before = *seen;
        seen.deliveries = seen.deliveries.saturating_add(1);
        before
    }

    fn fails(&self, before: Seen) -> bool {
        let poisons = self.poisons.iter().enumerate();
        before.deliveries < before.fails
            || before.poisons != 0
                && poisons.into_iter().any(|(at, (_, deliveries))| {
                    before.poisons & (1 << at) != 0 && before.deliveries < *deliveries
                })
    }

    fn answer(&mut self, asked: Asked<'_>, failed: &[&Record]) -> Answer {
        if let Some(why) = self.whole_call_fails() {
            return thrown(&why);
        }
        let Some(first) = failed.first() else {
            let fine = if asked.wants_state {
                r#"{"state":{}}"#
            } else {
                "null"
            };
            return answer(200, fine);
        };
        if !(asked.may_report && self.model.reports_failures) {
            return thrown(&format!("record of {} failed", first.key));
        }
        let number = |record: &&Record| json!({ "itemIdentifier": record.sequence_number });
        let mut body =
            json!({ "batchItemFailures": failed.iter().map(number).collect::<Vec<Value>>() });
        if asked.wants_state {
            body["state"] = json!({});
        }
        answer(200, &body.to_string())
    }

    fn whole_call_fails(&mut self) -> Option<String> {
        let model = self.model;
        for failure in &model.failures {
            match failure {
                Failure::EveryNth(nth) if self.calls.is_multiple_of(u64::from(*nth)) => {
                    return Some(format!("every call of {nth} fails"));
                }
                Failure::Share(share) if self.share() < *share => {
                    return Some(format!("a share of {share} fails"));
                }
                _ => {}
            }
        }
        None
    }

    /// From 0 to below 1.
    fn share(&self) -> f64 {
        let bits = u32::try_from(self.ids.number() >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

fn answer(status: u16, payload: &str) -> Answer {
    Answer {
        request_id: String::new(),
        status,
        function_error: None,
        executed_version: String::new(),
        payload: payload.to_owned(),
        log_tail: String::new(),
        took: Duration::ZERO,
    }
}

fn thrown(message: &str) -> Answer {
    let body = json!({ "errorType": "Model", "errorMessage": message });
    Answer {
        function_error: Some("Unhandled".to_owned()),
        ..answer(200, &body.to_string())
    }
}

fn timed_out(timeout: Duration) -> Answer {
    let secs = timeout.as_secs_f64();
    let body = json!({
        "errorType": "Sandbox.Timedout",
        "errorMessage": format!("Task timed out after {secs:.2} seconds"),
    });
    Answer {
        function_error: Some("Unhandled".to_owned()),
        ..answer(200, &body.to_string())
    }
}

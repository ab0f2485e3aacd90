//! The log of a world: what was done to it and what its pollers told, in an order that a seed gives again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use waterwheel::clock::epoch_millis;
use waterwheel::mapping::progress::{BatchId, Outcome, Progress, What};
use waterwheel::mapping::record::{Record, SequenceNumber};

/// One thing that the judge has to know.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Progress(Progress),
    /// The engine was closed and opened again: what was under way is lost.
    Reopened,
}

/// What users see, as lines for people; clones share them.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    /// Short names, in the order of their first appearance.
    shards: BTreeMap<String, usize>,
    mappings: BTreeMap<String, usize>,
}

impl Log {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().lines.clone()
    }

    pub(super) fn say(&self, at: SystemTime, line: &str) {
        self.0.lock().lines.push(format!("{} {line}", time(at)));
    }

    pub(super) fn tell(&self, progress: &Progress) {
        let Some(what) = words(&progress.what) else {
            return;
        };
        let mut log = self.0.lock();
        let short = |names: &mut BTreeMap<String, usize>, name: &str| {
            let count = names.len();
            *names.entry(name.to_owned()).or_insert(count)
        };
        let mapping = short(&mut log.mappings, &progress.mapping);
        let shard = match &*progress.shard {
            "" => String::new(),
            shard => format!(" s{}", short(&mut log.shards, shard)),
        };
        let line = format!("{}   m{mapping}{shard} {what}", time(progress.at));
        log.lines.push(line);
    }
}

fn time(at: SystemTime) -> String {
    let millis = epoch_millis(at) - super::world::START_MILLIS;
    format!("{:>9}.{:03}", millis / 1000, millis % 1000)
}

/// Without ids, which say nothing.
fn words(what: &What) -> Option<String> {
    Some(match what {
        What::Polled { records: 0, .. } | What::Waiting { .. } | What::Replayed { .. } => {
            return None;
        }
        What::Polled { records, .. } => format!("polled {records}"),
        What::ShardOpened => "opened".to_owned(),
        What::ShardClosed => "closed".to_owned(),
        What::Trimmed { after, reason } => format!(
            "trimmed behind {}: {reason}",
            after.as_ref().map_or("nothing".to_owned(), brief)
        ),
        What::PollFailed {
            problem, setbacks, ..
        } => format!("poll failed ({setbacks}): {}", known(problem)),
        What::FilteredOut { records } => {
            let records: Vec<&Record> = records.iter().map(|it| &it.record).collect();
            format!("filtered out {}", named(records))
        }
        What::Invoking {
            batch,
            attempt,
            lane,
            window,
            records,
            ..
        } => {
            let window = window.map_or(String::new(), |it| {
                let end = if it.is_final { ", final" } else { "" };
                format!(", window {}{end}", time(it.start).trim())
            });
            format!(
                "{} attempt {attempt} lane {lane}{window}: {}",
                number(*batch),
                named(records.iter())
            )
        }
        What::Invoked { batch, outcome, .. } => {
            let outcome = match outcome {
                Outcome::Succeeded => "succeeded".to_owned(),
                Outcome::FailedFrom(from) => format!("failed from {}", brief(from)),
                Outcome::Failed => "failed".to_owned(),
                Outcome::Throttled => "throttled".to_owned(),
            };
            format!("{} {outcome}", number(*batch))
        }
        What::Split { batch, reason, .. } => format!("{} {}", number(*batch), known(reason)),
        What::Discarded {
            batch,
            records,
            condition,
            attempts,
            ..
        } => {
            format!(
                "{} gives up after {attempts}, {condition:?}: {}",
                number(*batch),
                named(records.iter())
            )
        }
        What::RecordSkipped { record, .. } => format!("skipped {}", named([record])),
        What::Delivered { batch, error, .. } => match error {
            None => format!("{} letter sent", number(*batch)),
            Some(error) => format!("{} letter lost: {}", number(*batch), known(error)),
        },
        What::Checkpoint { sequence_number } => format!("checkpoint {}", brief(sequence_number)),
        What::Result { text } => format!("result {}", known(text)),
        What::Skipped { steps } => format!("{steps} steps missing"),
    })
}

fn number(batch: BatchId) -> String {
    format!("b{}", batch.0)
}

fn named<'a>(records: impl IntoIterator<Item = &'a Record>) -> String {
    let names = records
        .into_iter()
        .map(|it| format!("{}:{}", it.key, brief(&it.sequence_number)));
    names.collect::<Vec<_>>().join(" ")
}

/// The number within its shard, of which each has 2^40.
pub(super) fn brief(number: &SequenceNumber) -> String {
    let digits: u64 = number.as_str()[1..].parse().unwrap_or_default();
    (digits % (1 << 40)).to_string()
}

/// Without ids and ARNs, which stand in the later half of what AWS says.
fn known(text: &str) -> String {
    let end = text.find("Request ID").unwrap_or(text.len());
    let words = text[..end].split_whitespace();
    let words = words.map(|it| if it.contains("arn:") { "…" } else { it });
    words.collect::<Vec<_>>().join(" ")
}

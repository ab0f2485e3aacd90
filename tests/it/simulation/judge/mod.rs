//! What must hold of every world, whatever happened to it.
//!
//! Of every trigger: each record it begins with is processed, filtered out, given up with a reason, or was told to be
//! gone; no change of an item is handed over before the earlier ones are settled; checkpoints never go back and stand
//! behind nothing unsettled; batches keep to their size, their window and 6 MB, and to as many at once as were asked for;
//! filters mean what they say; nothing too old is handed over; windows end with the sum of what was processed in them;
//! letters are sent for what is given up. Settings hold from when they were asked for until shortly after the next ones.

mod letters;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use waterwheel::clock::{iso_millis, iso_secs};
use waterwheel::mapping::progress::{BatchId, Outcome, Progress, What};
use waterwheel::mapping::record::{Record, SequenceNumber};

use super::program::Seen;
use super::told::{Told, brief};
use super::truth::{Truth, Written};
use super::world::{Trigger, World};

const DAY: Duration = Duration::from_hours(24);
const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

type Verdict = Result<(), String>;

/// One trigger on trial.
struct Trial<'a> {
    trigger: &'a Trigger,
    truth: &'a Truth,
    /// Changes of each item, in order.
    by_key: BTreeMap<&'a str, Vec<&'a SequenceNumber>>,
    settled: BTreeSet<SequenceNumber>,
    runs: BTreeMap<Arc<str>, Run>,
    /// By shard and begin of a window: how many records were processed in it.
    sums: BTreeMap<(String, String), u64>,
    /// What was handed over, to be compared with what the function saw.
    handed: BTreeMap<Vec<SequenceNumber>, usize>,
}

/// One shard, from when a consumer of it begins.
#[derive(Default)]
struct Run {
    is_begun: bool,
    under_way: BTreeMap<BatchId, Arc<[Record]>>,
    checkpoint: Option<SequenceNumber>,
    /// Given up, and no letter sent yet.
    owes: BTreeSet<BatchId>,
    windows: BTreeMap<BatchId, String>,
}

/// What is left to do, in words.
pub(super) fn pending(world: &World) -> Option<String> {
    world.triggers.iter().enumerate().find_map(|(at, trigger)| {
        if trigger.is_gone {
            return None;
        }
        let mut trial = Trial::new(trigger, &world.truth[&trigger.stream]);
        // What is wrong ends the waiting, and is told in the end.
        trial.hear_all(&world.told).ok()?;
        let left = trial.left()?;
        Some(format!("trigger {at}: {left}"))
    })
}

pub(super) fn judge(world: &World, letters: &[Value]) -> Verdict {
    let seen = world.stage.seen();
    for (at, trigger) in world.triggers.iter().enumerate() {
        let mut trial = Trial::new(trigger, &world.truth[&trigger.stream]);
        let is_same =
            |it: &&Trigger| it.function == trigger.function && it.stream == trigger.stream;
        // Of two in a row nobody knows whose call it was.
        let is_only = world.triggers.iter().filter(is_same).count() == 1;
        trial
            .hear_all(&world.told)
            .and_then(|()| trial.end())
            .and_then(|()| {
                if is_only {
                    trial.compare(&seen)
                } else {
                    Ok(())
                }
            })
            .map_err(|why| format!("trigger {at}: {why}"))?;
    }
    let largest = seen.iter().map(|it| it.bytes).max().unwrap_or(0);
    ensure(largest <= PAYLOAD_BYTES_MAX, || {
        format!("an event has {largest} bytes")
    })?;
    letters::compare(world, letters)
}

impl<'a> Trial<'a> {
    fn new(trigger: &'a Trigger, truth: &'a Truth) -> Self {
        let mut by_key: BTreeMap<&str, Vec<&SequenceNumber>> = BTreeMap::new();
        for (number, written) in &truth.records {
            by_key.entry(&written.key).or_default().push(number);
        }
        Self {
            trigger,
            truth,
            by_key,
            settled: trigger.before.union(&trigger.fading).cloned().collect(),
            runs: BTreeMap::new(),
            sums: BTreeMap::new(),
            handed: BTreeMap::new(),
        }
    }

    fn hear_all(&mut self, told: &[Told]) -> Verdict {
        for told in told {
            match told {
                Told::Reopened => {
                    for run in self.runs.values_mut() {
                        run.under_way.clear();
                        run.owes.clear();
                    }
                }
                Told::Progress(progress) if *progress.mapping == *self.trigger.uuid => {
                    self.hear(progress).map_err(|why| {
                        let time = iso_millis(progress.at);
                        format!("{time}, shard {}: {why}", progress.shard)
                    })?;
                }
                Told::Progress(_) => {}
            }
        }
        Ok(())
    }

    fn hear(&mut self, progress: &Progress) -> Verdict {
        let (shard, at) = (&progress.shard, progress.at);
        let run = self.runs.entry(Arc::clone(shard)).or_default();
        match &progress.what {
            What::ShardOpened => {
                run.is_begun = true;
                run.owes.clear();
                let is_idle = run.under_way.is_empty();
                ensure(is_idle, || "opened while batches are under way".to_owned())
            }
            What::ShardClosed => {
                let is_idle = run.under_way.is_empty();
                ensure(is_idle, || "closed while batches are under way".to_owned())?;
                match self.unsettled(|_, written| *written.shard == **shard) {
                    Some(open) => Err(format!("closed, though {open}")),
                    None => Ok(()),
                }
            }
            What::FilteredOut { records } => {
                for filtered in records.iter() {
                    self.may_filter(at, &filtered.record.sequence_number)?;
                    self.settled.insert(filtered.record.sequence_number.clone());
                }
                Ok(())
            }
            What::Trimmed { after, reason } => {
                let is_unseen = reason.contains("unseen");
                ensure(!is_unseen || !run.is_begun, || {
                    "it is said to be unseen, though it was begun".to_owned()
                })?;
                let mut gone = vec![&**shard];
                if is_unseen {
                    // Of several in a row only the last has a name: streams tell of no shards but those that are there, and
                    // of their parents. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Shard.html
                    let before = self.truth.ancestors(shard);
                    gone.extend(before.take_while(|it| !self.runs.contains_key(*it)));
                }
                self.trimmed(&gone, at, after.as_ref());
                Ok(())
            }
            What::Invoking { .. } => self.invoking(progress),
            What::Invoked { batch, outcome, .. } => self.invoked(shard, *batch, outcome),
            What::Discarded {
                batch,
                records,
                condition,
                attempts,
                ..
            } => {
                self.may_discard(at, records, *condition, *attempts)?;
                if self.owes_letter(at) && !records.is_empty() {
                    let run = self.runs.entry(Arc::clone(shard)).or_default();
                    run.owes.insert(*batch);
                }
                self.settle(records)
            }
            What::Delivered { batch, .. } => {
                run.owes.remove(batch);
                Ok(())
            }
            What::Checkpoint { sequence_number } => self.checkpoint(shard, sequence_number),
            What::Skipped { steps } => Err(format!("{steps} steps are missing")),
            _ => Ok(()),
        }
    }

    /// Only what is a day old may be gone.
    fn trimmed(&mut self, shards: &[&str], at: SystemTime, after: Option<&SequenceNumber>) {
        let is_gone = |number: &SequenceNumber, written: &Written| {
            shards.contains(&written.shard.as_str())
                && after.is_none_or(|after| number > after)
                && written.created + DAY <= at
        };
        let gone = self
            .truth
            .records
            .iter()
            .filter(|(number, written)| is_gone(number, written));
        self.settled.extend(gone.map(|(number, _)| number.clone()));
    }

    fn invoking(&mut self, progress: &Progress) -> Verdict {
        let What::Invoking {
            batch,
            attempt,
            records,
            window,
            reason,
            ..
        } = &progress.what
        else {
            return Ok(());
        };
        self.may_invoke(&progress.shard, progress.at, records)?;
        if *attempt == 1 {
            self.may_send(progress.at, records, reason)?;
        }
        let may_be_empty = window.is_some_and(|it| it.is_final);
        ensure(!records.is_empty() || may_be_empty, || {
            "a batch of nothing".to_owned()
        })?;
        let run = self.runs.entry(Arc::clone(&progress.shard)).or_default();
        if let Some(window) = window {
            run.windows.insert(*batch, iso_secs(window.start));
        }
        let before = run.under_way.insert(*batch, Arc::clone(records));
        ensure(before.is_none(), || {
            format!("batch {} is under way twice", batch.0)
        })?;
        let numbers = records.iter().map(|it| it.sequence_number.clone());
        *self.handed.entry(numbers.collect()).or_default() += 1;
        Ok(())
    }

    fn invoked(&mut self, shard: &Arc<str>, batch: BatchId, outcome: &Outcome) -> Verdict {
        let run = self.runs.entry(Arc::clone(shard)).or_default();
        let Some(records) = run.under_way.remove(&batch) else {
            let number = batch.0;
            return Err(format!(
                "an answer to batch {number}, which is not under way"
            ));
        };
        let done = match outcome {
            Outcome::Succeeded => records.len(),
            Outcome::FailedFrom(from) => records.partition_point(|it| it.sequence_number < *from),
            Outcome::Failed | Outcome::Throttled => 0,
        };
        if let Some(window) = run.windows.get(&batch) {
            let sum = self.sums.entry((shard.to_string(), window.clone()));
            *sum.or_default() += done as u64;
        }
        self.settle(&records[..done])
    }

    fn checkpoint(&mut self, shard: &Arc<str>, number: &SequenceNumber) -> Verdict {
        let run = self.runs.entry(Arc::clone(shard)).or_default();
        let last = run.checkpoint.replace(number.clone());
        ensure(last.is_none_or(|last| last < *number), || {
            format!("the checkpoint goes back to {}", brief(number))
        })?;
        match self.unsettled(|it, written| *written.shard == **shard && it <= number) {
            Some(open) => Err(format!(
                "the checkpoint is {}, though {open}",
                brief(number)
            )),
            None => Ok(()),
        }
    }

    fn settle(&mut self, records: &[Record]) -> Verdict {
        for record in records {
            let number = &record.sequence_number;
            let open = self.earlier(record).find(|it| !self.settled.contains(*it));
            if let Some(open) = open {
                let (number, open) = (brief(number), brief(open));
                return Err(format!("{}:{number} is settled before {open}", record.key));
            }
            self.settled.insert(number.clone());
        }
        Ok(())
    }

    /// Changes of the same item before this one.
    fn earlier(&self, record: &Record) -> impl Iterator<Item = &'a SequenceNumber> {
        let changes = self.by_key.get(&*record.key).cloned().unwrap_or_default();
        let number = record.sequence_number.clone();
        changes.into_iter().take_while(move |it| **it < number)
    }

    /// What was never settled, in words.
    fn left(&self) -> Option<String> {
        let under_way = self.runs.values().any(|run| !run.under_way.is_empty());
        if under_way {
            return Some("batches are under way".to_owned());
        }
        self.unsettled(|_, _| true)
    }

    fn end(&self) -> Verdict {
        if self.trigger.is_gone {
            return Ok(());
        }
        if let Some(left) = self.left() {
            return Err(format!("in the end {left}"));
        }
        match self.runs.values().find_map(|run| run.owes.first()) {
            Some(batch) => Err(format!("no letter about batch {}", batch.0)),
            None => Ok(()),
        }
    }

    /// The function saw what was handed over, and windows end with the sum of what was processed.
    fn compare(&mut self, seen: &[Seen]) -> Verdict {
        let settings = &self.trigger.settings;
        let is_constant = |name: &str| {
            settings
                .iter()
                .all(|(_, it)| it[name] == settings[0].1[name])
        };
        let sums = is_constant("TumblingWindowInSeconds")
            && is_constant("FunctionResponseTypes")
            && settings[0].1["FunctionResponseTypes"] != json!([]);
        let is_own =
            |it: &&Seen| it.function == self.trigger.function && it.stream == self.trigger.stream;
        for seen in seen.iter().filter(is_own) {
            if let Some(count) = self.handed.get_mut(&seen.numbers).filter(|it| **it > 0) {
                *count -= 1;
            } else if !self.trigger.is_gone {
                let numbers = &seen.numbers;
                return Err(format!(
                    "the function saw what was not handed over: {numbers:?}"
                ));
            }
            if let (Some((shard, start, sum)), true) = (&seen.ending, sums) {
                let processed = self.sums.get(&(shard.clone(), start.clone())).copied();
                ensure(processed.unwrap_or(0) == *sum, || {
                    format!("the window {start} of {shard} ends with {sum}, not {processed:?}")
                })?;
            }
        }
        Ok(())
    }

    fn unsettled(&self, is_asked: impl Fn(&SequenceNumber, &Written) -> bool) -> Option<String> {
        let mut open = self.truth.records.iter().filter(|(number, written)| {
            !self.settled.contains(*number) && is_asked(number, written)
        });
        let (number, written) = open.next()?;
        let (key, shard) = (&written.key, &written.shard);
        Some(format!("{key}:{} of {shard} is unsettled", brief(number)))
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(why()) }
}

//! The story of one batch and of everything split off it, line by line. Pure.

use super::data::{self, Mark, Part};
use crate::mapping::progress::{Condition, Outcome};
use crate::ui::live::shard::ShardStory;
use crate::ui::live::story::{Attempt, BatchStory};
use crate::ui::time;

/// One line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) depth: usize,
    pub(super) batch: u64,
    /// What it leads to; `None` for a line that only explains.
    pub(super) part: Option<Part>,
    pub(super) sign: Sign,
    pub(super) text: String,
    /// Why, in words; may be empty.
    pub(super) detail: String,
    /// A word that stands out behind the text.
    pub(super) tag: Option<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Mark(Mark),
    Split,
    Wait,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// The line names the poison record.
    Poison,
    /// A fault was injected: which.
    Injected(String),
    /// The event was edited before it was replayed.
    Edited,
}

impl Tag {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Poison => "poison record".to_owned(),
            Self::Injected(words) => format!("injected: {words}"),
            Self::Edited => "edited".to_owned(),
        }
    }
}

/// What was injected into the answer with this request id, if anything was.
pub(super) type Injected<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The story of a root batch in reading order.
pub(super) fn tree(shard: &ShardStory, root: u64, injected: Injected<'_>) -> Vec<Line> {
    let attempts = || shard.batches.values().flat_map(|it| &it.attempts);
    let mut teller = Teller {
        shard,
        injected,
        has_lanes: attempts().any(|it| it.lane > 0),
        lines: Vec::new(),
    };
    if let Some(batch) = shard.batches.get(&root) {
        teller.tell(batch, 0);
    }
    teller.lines
}

struct Teller<'a> {
    shard: &'a ShardStory,
    injected: Injected<'a>,
    /// More than one batch is delivered at once.
    has_lanes: bool,
    lines: Vec<Line>,
}

impl Teller<'_> {
    fn tell(&mut self, batch: &BatchStory, depth: usize) {
        let line = |part, sign, text, detail: &str| Line {
            depth,
            batch: batch.id,
            part,
            sign,
            text,
            detail: detail.to_owned(),
            tag: None,
        };
        // The wait it is in is told apart from these.
        let over = batch.waits.len() - usize::from(batch.wait().is_some());
        for nth in 0..=batch.attempts.len() {
            if let Some(at) = nth.checked_sub(1) {
                let attempt = &batch.attempts[at];
                let sign = Sign::Mark(Mark::of(attempt));
                let text = self.attempt(attempt);
                let mut line = line(Some(Part::Attempt(at)), sign, text, &attempt.reason);
                let answer = attempt.answer.as_ref();
                let words = answer.and_then(|it| (self.injected)(&it.request_id));
                line.tag = words.map(Tag::Injected);
                self.lines.push(line);
            }
            let waits = batch.waits[..over].iter().filter(|it| it.behind == nth);
            let waits = waits.map(|it| line(None, Sign::Wait, it.reason.clone(), ""));
            self.lines.extend(waits);
            let skipped = batch.skipped.iter().filter(|it| it.behind == nth);
            let skipped = skipped.map(|it| {
                let text = format!("Skipped {}", it.record.key);
                line(None, Sign::Mark(Mark::Skipped), text, &it.reason)
            });
            self.lines.extend(skipped);
        }
        if let Some(given_up) = &batch.given_up {
            let why = match given_up.condition {
                Condition::RetryAttemptsExhausted => "no attempts left",
                Condition::RecordAgeExceeded => "too old",
            };
            let text = format!("Gave up {} · {why}", data::records(given_up.records.len()));
            let sign = Sign::Mark(data::end_mark(batch));
            let mut line = line(Some(Part::End), sign, text, &given_up.reason);
            line.tag = batch.poison().map(|_| Tag::Poison);
            self.lines.push(line);
        }
        if let Some(reason) = &batch.split_reason {
            self.lines
                .push(line(None, Sign::Split, "Split".to_owned(), reason));
            for child in &batch.children {
                if let Some(child) = self.shard.batches.get(child) {
                    self.tell(child, depth + 1);
                }
            }
        }
        for (index, replay) in batch.replays.iter().enumerate() {
            let count = data::records(replay.records.len());
            let word = outcome_word(&replay.outcome);
            let text = format!("Replay {} · {count} · {word}", index + 1);
            let sign = Sign::Mark(Mark::of_replay(replay));
            let mut line = line(Some(Part::Replay(index)), sign, text, &replay.reason);
            let injected = (self.injected)(&replay.answer.request_id).map(Tag::Injected);
            line.tag = injected.or(replay.is_edited.then_some(Tag::Edited));
            self.lines.push(line);
        }
    }

    /// `Attempt 1 · 4 records · ok · lane 2 · window until 12:05:00`
    fn attempt(&self, attempt: &Attempt) -> String {
        let Attempt { number, lane, .. } = attempt;
        let count = data::records(attempt.records.len());
        let word = Mark::of(attempt).word();
        let lane = if self.has_lanes {
            format!(" · lane {}", lane + 1)
        } else {
            String::new()
        };
        let window = attempt.window.map_or_else(String::new, |window| {
            let end = time::clock_secs(window.end);
            let call = if window.is_final { ", final call" } else { "" };
            format!(" · window until {end}{call}")
        });
        format!("Attempt {number} · {count} · {word}{lane}{window}")
    }
}

/// What came of a replay, in a word.
pub(super) fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "ok",
        Outcome::FailedFrom(_) => "partly ok",
        Outcome::Failed => "failed",
        Outcome::Throttled => "throttled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::progress::{BatchId, TumblingWindow, What};
    use crate::ui::live::testing::{at, discarded, record, replayed, skipped, split, step, tried};

    fn texts(steps: Vec<What>, injected: Injected<'_>) -> Vec<String> {
        let mut live = crate::ui::live::Live::default();
        for what in steps {
            live.take(&step(0, what));
        }
        let shard = live
            .mappings
            .values()
            .next()
            .unwrap()
            .shards
            .values()
            .next();
        let lines = tree(shard.unwrap(), 1, injected);
        lines
            .into_iter()
            .map(|line| {
                let tag = line
                    .tag
                    .map_or_else(String::new, |it| format!(" [{}]", it.words()));
                format!("{}{}{tag}", "  ".repeat(line.depth), line.text)
            })
            .collect()
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn every_step_of_a_batch_has_its_line() {
        let records = [record(1), record(2), record(3)];
        let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
        steps.push(skipped(Some(1), record(1), 2));
        steps.push(What::Waiting {
            batch: Some(BatchId(1)),
            until: at(1),
            reason: "waits 1 s before attempt 2 of 3: function error".to_owned(),
        });
        steps.extend(tried(1, 2, &records[1..], Outcome::Failed));
        steps.push(split(1, [2, 3]));
        steps.extend(tried(2, 1, &records[1..2], Outcome::Succeeded));
        steps.extend(tried(3, 1, &records[2..], Outcome::Failed));
        steps.push(discarded(3, &records[2..]));
        steps.push(replayed(Some(1), &records[..1], Outcome::Succeeded));
        let injected = |id: &str| (id == "r3.1").then(|| "timeout".to_owned());
        assert_eq!(
            texts(steps, &injected),
            [
                "Attempt 1 · 3 records · failed",
                "waits 1 s before attempt 2 of 3: function error",
                "Skipped item-1",
                "Attempt 2 · 2 records · failed",
                "Split",
                "  Attempt 1 · 1 record · ok",
                "  Attempt 1 · 1 record · failed [injected: timeout]",
                "  Gave up 1 record · no attempts left [poison record]",
                "Replay 1 · 1 record · ok",
            ]
        );
    }

    #[test]
    fn lanes_and_windows_are_told_where_there_are_any() {
        let mut steps: Vec<What> = Vec::new();
        for (batch, lane) in [(1, 0), (2, 1)] {
            let [mut begins, ends] = tried(batch, 1, &[record(1)], Outcome::Succeeded);
            if let What::Invoking {
                lane: of, window, ..
            } = &mut begins
            {
                *of = lane;
                *window = Some(TumblingWindow {
                    start: at(0),
                    end: at(120),
                    is_final: true,
                });
            }
            steps.extend([begins, ends]);
        }
        let words = "Attempt 1 · 1 record · ok · lane 1 · window until 00:02:00, final call";
        assert_eq!(texts(steps, &nothing), [words]);
    }
}

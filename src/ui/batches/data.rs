//! Batch stories as rows of the list and marks on the lanes. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::mapping::progress::Outcome;
use crate::ui::live::shard::{Note, Noted, ShardStory};
use crate::ui::live::story::{Attempt, BatchStory, Replay, Status};

/// What can be looked at on a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Part(u64, Part),
    /// By its number.
    Note(u64),
}

/// A part of a batch's story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Index into its attempts.
    Attempt(usize),
    /// Index into its replays.
    Replay(usize),
    /// How it was given up.
    End,
}

/// What one mark on a lane or one line of the tree says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    InFlight,
    Interrupted,
    Succeeded,
    Partial,
    Throttled,
    Failed,
    Dropped,
    Delivered,
    Skipped,
    ReplayOk,
    ReplayFailed,
    Filtered,
    PollFailed,
    Trimmed,
}

impl Mark {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::InFlight => "in flight",
            Self::Interrupted => "interrupted",
            Self::Succeeded => "ok",
            Self::Partial => "partly ok",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Dropped => "given up",
            Self::Delivered => "gave up, delivered",
            Self::Skipped => "skipped",
            Self::ReplayOk => "replayed, ok",
            Self::ReplayFailed => "replayed, failed",
            Self::Filtered => "filtered out",
            Self::PollFailed => "polls failed",
            Self::Trimmed => "trimmed",
        }
    }

    /// Something that deserves a look.
    pub(super) fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::Succeeded
                | Self::InFlight
                | Self::Interrupted
                | Self::ReplayOk
                | Self::ReplayFailed
                | Self::Filtered
        )
    }

    pub(super) fn of_replay(replay: &Replay) -> Self {
        match replay.outcome {
            Outcome::Succeeded => Self::ReplayOk,
            _ => Self::ReplayFailed,
        }
    }

    fn of_note(note: &Note) -> Self {
        match &note.what {
            Noted::Filtered(_) => Self::Filtered,
            Noted::Skipped(_) => Self::Skipped,
            Noted::Replayed(replay) => Self::of_replay(replay),
            Noted::PollFailed(_) => Self::PollFailed,
            Noted::Trimmed(_) => Self::Trimmed,
        }
    }

    pub(super) fn of(attempt: &Attempt) -> Self {
        match &attempt.outcome {
            None if attempt.interrupted => Self::Interrupted,
            None => Self::InFlight,
            Some(Outcome::Succeeded) => Self::Succeeded,
            Some(Outcome::FailedFrom(_)) => Self::Partial,
            Some(Outcome::Throttled) => Self::Throttled,
            Some(Outcome::Failed) => Self::Failed,
        }
    }
}

/// A point of a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    pub(super) target: Target,
    /// 0 is the lane's main line.
    pub(super) row: usize,
    pub(super) at: SystemTime,
    pub(super) mark: Mark,
}

/// Where a failed batch forks into its halves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fork {
    pub(super) at: SystemTime,
    pub(super) from_row: usize,
    pub(super) to_row: usize,
}

/// One shard's lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lane {
    pub(super) dots: Vec<Dot>,
    pub(super) forks: Vec<Fork>,
    pub(super) rows: usize,
}

/// Lays out the batches that were busy after `since`. The first half of a split goes on in its
/// parent's row, the second gets a row below.
pub(super) fn lane(shard: &ShardStory, since: SystemTime) -> Lane {
    let mut lane = Lane {
        rows: 1,
        ..Lane::default()
    };
    for root in shard.roots() {
        let mut next_row = 1;
        place(shard, root, 0, since, &mut next_row, &mut lane);
        lane.rows = lane.rows.max(next_row);
    }
    for note in shard.notes.iter().filter(|it| it.at >= since) {
        lane.dots.push(Dot {
            target: Target::Note(note.number),
            row: 0,
            at: note.at,
            mark: Mark::of_note(note),
        });
    }
    if lane.dots.iter().all(|dot| dot.row == 0) {
        lane.rows = 1;
    }
    lane
}

fn place(
    shard: &ShardStory,
    batch: &BatchStory,
    row: usize,
    since: SystemTime,
    next_row: &mut usize,
    lane: &mut Lane,
) {
    let mut dot = |part, at, mark| {
        if at >= since {
            lane.dots.push(Dot {
                target: Target::Part(batch.id, part),
                row,
                at,
                mark,
            });
        }
    };
    for (index, attempt) in batch.attempts.iter().enumerate() {
        dot(Part::Attempt(index), attempt.began, Mark::of(attempt));
    }
    for skipped in &batch.skipped {
        let last = batch.attempts.len().saturating_sub(1);
        dot(Part::Attempt(last), skipped.at, Mark::Skipped);
    }
    for (index, replay) in batch.replays.iter().enumerate() {
        dot(Part::Replay(index), replay.at, Mark::of_replay(replay));
    }
    if let Some(given_up) = &batch.given_up {
        dot(Part::End, given_up.at, end_mark(batch));
    }
    let ended = batch.ended.unwrap_or(batch.began);
    for (nth, child) in batch.children.iter().enumerate() {
        let Some(child) = shard.batches.get(child) else {
            continue;
        };
        let child_row = if nth == 0 {
            row
        } else {
            *next_row += 1;
            *next_row - 1
        };
        if child_row != row && ended >= since {
            lane.forks.push(Fork {
                at: ended,
                from_row: row,
                to_row: child_row,
            });
        }
        place(shard, child, child_row, since, next_row, lane);
    }
}

pub(super) fn end_mark(batch: &BatchStory) -> Mark {
    if batch.status() == Status::Delivered {
        Mark::Delivered
    } else {
        Mark::Dropped
    }
}

/// `1 record`, `8 records`.
pub(in crate::ui) fn records(count: usize) -> String {
    if count == 1 {
        "1 record".to_owned()
    } else {
        format!("{count} records")
    }
}

/// One row of the list: a root batch summed up with everything that was split off it, or a note.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) shard: Arc<str>,
    pub(super) key: Key,
    pub(super) began: SystemTime,
    pub(super) mark: Mark,
    /// `8 records · 1×`
    pub(super) words: String,
    /// For those who hear it.
    pub(super) name: String,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A root batch.
    Batch(u64),
    Note(u64),
}

/// Root batches and notes of every shard, newest first, at most `limit`.
pub(super) fn rows(shards: &BTreeMap<Arc<str>, ShardStory>, limit: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = shards
        .iter()
        .flat_map(|(id, shard)| {
            let batches = shard.roots().rev().take(limit);
            let batches = batches.map(move |root| batch_row(id, shard, root));
            let notes = shard.notes.iter().rev().take(limit);
            batches.chain(notes.map(move |note| note_row(id, note)))
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.began, row.key)));
    rows.truncate(limit);
    rows
}

fn batch_row(id: &Arc<str>, shard: &ShardStory, root: &BatchStory) -> Row {
    let mark = worst(shard, root);
    let count = records(root.records.len());
    let replays = if has_replays(shard, root) {
        "replayed · "
    } else {
        ""
    };
    Row {
        shard: Arc::clone(id),
        key: Key::Batch(root.id),
        began: root.began,
        mark,
        words: format!("{replays}{count} · {}×", attempts(shard, root)),
        name: format!("Batch {}, {}, {count}", root.id, mark.word()),
    }
}

fn note_row(id: &Arc<str>, note: &Note) -> Row {
    let mark = Mark::of_note(note);
    let words = match &note.what {
        Noted::Filtered(filtered) => format!("{} filtered out", records(filtered.len())),
        Noted::Skipped(skipped) => format!("skipped {}", skipped.record.key),
        Noted::Replayed(replay) => format!("replayed {}", records(replay.records.len())),
        Noted::PollFailed(trouble) => polls_failed(trouble.setbacks),
        Noted::Trimmed(_) => "records were gone".to_owned(),
    };
    Row {
        shard: Arc::clone(id),
        key: Key::Note(note.number),
        began: note.at,
        mark,
        name: format!("Note, {words}"),
        words,
    }
}

/// `1 poll failed`, `3 polls failed`.
pub(in crate::ui) fn polls_failed(count: u32) -> String {
    match count {
        1 => "1 poll failed".to_owned(),
        polls => format!("{polls} polls failed"),
    }
}

fn has_replays(shard: &ShardStory, batch: &BatchStory) -> bool {
    let mut children = batch.children.iter();
    !batch.replays.is_empty()
        || children.any(|child| {
            let child = shard.batches.get(child);
            child.is_some_and(|child| has_replays(shard, child))
        })
}

fn attempts(shard: &ShardStory, batch: &BatchStory) -> usize {
    let children = batch.children.iter();
    let below: usize = children
        .filter_map(|child| shard.batches.get(child))
        .map(|child| attempts(shard, child))
        .sum();
    batch.attempts.len() + below
}

/// What a whole family came to: the worst of its ends.
fn worst(shard: &ShardStory, batch: &BatchStory) -> Mark {
    let own = match batch.status() {
        Status::InFlight => Mark::InFlight,
        Status::Interrupted => Mark::Interrupted,
        Status::Succeeded | Status::Split => Mark::Succeeded,
        Status::Partial => Mark::Partial,
        Status::Skipped => Mark::Skipped,
        Status::Retrying => batch.attempts.last().map_or(Mark::Failed, Mark::of),
        Status::Dropped => Mark::Dropped,
        Status::Delivered => Mark::Delivered,
    };
    let rank = |mark: Mark| match mark {
        Mark::Interrupted => 1,
        Mark::Partial => 2,
        Mark::InFlight => 3,
        Mark::Skipped => 4,
        Mark::Throttled => 5,
        Mark::Delivered => 6,
        Mark::Dropped => 7,
        Mark::Failed => 8,
        // Of a batch's own end there is none but success.
        _ => 0,
    };
    batch
        .children
        .iter()
        .filter_map(|child| shard.batches.get(child))
        .map(|child| worst(shard, child))
        .chain([own])
        .max_by_key(|mark| rank(*mark))
        .unwrap_or(own)
}

/// The batch below `root` that was given up with one record, if any: the poison.
pub(super) fn poisoned(shard: &ShardStory, root: u64) -> Option<&BatchStory> {
    let batch = shard.batches.get(&root)?;
    if batch.poison().is_some() {
        return Some(batch);
    }
    batch
        .children
        .iter()
        .find_map(|child| poisoned(shard, *child))
}

/// First `file:line` of the function's own code in an error answer: `index.mjs:14:22` gives 14.
pub(super) fn error_line(payload: &str) -> Option<u32> {
    let at = payload.find(".mjs:").map(|at| at + 5);
    let at = at.or_else(|| payload.find(".js:").map(|at| at + 4))?;
    let digits: String = payload[at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_error_is_read_from_its_trace() {
        let payload = r#"{"errorType":"TypeError","trace":["TypeError: x","    at handler (index.mjs:14:22)"]}"#;
        assert_eq!(error_line(payload), Some(14));
        assert_eq!(error_line("null"), None);
    }

    #[test]
    fn one_record_is_not_records() {
        assert_eq!(records(1), "1 record");
        assert_eq!(records(0), "0 records");
    }
}

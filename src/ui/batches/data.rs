//! Batch stories as rows, marks and lines to draw. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::mapping::progress::{Condition, Outcome};
use crate::ui::live::story::{Attempt, BatchStory, ShardStory, Status};

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
    pub(super) batch: u64,
    /// Index into the batch's attempts; `None` for its end without success.
    pub(super) attempt: Option<usize>,
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
    for (index, attempt) in batch.attempts.iter().enumerate() {
        if attempt.began >= since {
            lane.dots.push(Dot {
                batch: batch.id,
                attempt: Some(index),
                row,
                at: attempt.began,
                mark: Mark::of(attempt),
            });
        }
    }
    if let Some(given_up) = &batch.given_up
        && given_up.at >= since
    {
        lane.dots.push(Dot {
            batch: batch.id,
            attempt: None,
            row,
            at: given_up.at,
            mark: end_mark(batch),
        });
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

fn end_mark(batch: &BatchStory) -> Mark {
    if batch.status() == Status::Delivered {
        Mark::Delivered
    } else {
        Mark::Dropped
    }
}

/// One line of the retry and split tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) depth: usize,
    pub(super) batch: u64,
    /// Index into the batch's attempts, where the line is one.
    pub(super) attempt: Option<usize>,
    /// `None` for a line that only explains: a split.
    pub(super) mark: Option<Mark>,
    pub(super) text: String,
    /// Why, in words; may be empty.
    pub(super) detail: String,
    /// The line names the poison record.
    pub(super) poison: bool,
}

/// The story of a root batch, line by line, in reading order.
pub(super) fn tree(shard: &ShardStory, root: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(batch) = shard.batches.get(&root) {
        tell(shard, batch, 0, &mut lines);
    }
    lines
}

fn tell(shard: &ShardStory, batch: &BatchStory, depth: usize, lines: &mut Vec<Line>) {
    let line = |attempt, mark, text: String, detail: &str| Line {
        depth,
        batch: batch.id,
        attempt,
        mark,
        text,
        detail: detail.to_owned(),
        poison: false,
    };
    for (index, attempt) in batch.attempts.iter().enumerate() {
        let mark = Mark::of(attempt);
        let text = format!(
            "Attempt {} · {} · {}",
            attempt.number,
            records(attempt.records.len()),
            mark.word()
        );
        lines.push(line(Some(index), Some(mark), text, &attempt.reason));
    }
    if let Some(given_up) = &batch.given_up {
        let why = match given_up.condition {
            Condition::RetryAttemptsExhausted => "no attempts left",
            Condition::RecordAgeExceeded => "too old",
        };
        let text = format!("Gave up {} · {why}", records(given_up.records.len()));
        let mut line = line(None, Some(end_mark(batch)), text, &given_up.reason);
        line.poison = batch.poison().is_some();
        lines.push(line);
    }
    if let Some(reason) = &batch.split_reason {
        lines.push(line(None, None, "Split".to_owned(), reason));
        for child in &batch.children {
            if let Some(child) = shard.batches.get(child) {
                tell(shard, child, depth + 1, lines);
            }
        }
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

/// One row of the list: a root batch summed up with everything that was split off it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) shard: std::sync::Arc<str>,
    pub(super) batch: u64,
    pub(super) began: SystemTime,
    pub(super) records: usize,
    pub(super) attempts: usize,
    pub(super) mark: Mark,
}

/// Root batches of every shard, newest first, at most `limit`.
pub(super) fn summaries(
    shards: &BTreeMap<std::sync::Arc<str>, ShardStory>,
    limit: usize,
) -> Vec<Summary> {
    let mut rows: Vec<Summary> = shards
        .iter()
        .flat_map(|(id, shard)| {
            shard.roots().rev().take(limit).map(|root| Summary {
                shard: std::sync::Arc::clone(id),
                batch: root.id,
                began: root.began,
                records: root.records.len(),
                attempts: attempts(shard, root),
                mark: worst(shard, root),
            })
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.began, row.batch)));
    rows.truncate(limit);
    rows
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
        Status::Retrying => batch.attempts.last().map_or(Mark::Failed, Mark::of),
        Status::Dropped => Mark::Dropped,
        Status::Delivered => Mark::Delivered,
    };
    let rank = |mark: Mark| match mark {
        Mark::Succeeded => 0,
        Mark::Interrupted => 1,
        Mark::Partial => 2,
        Mark::InFlight => 3,
        Mark::Throttled => 4,
        Mark::Delivered => 5,
        Mark::Dropped => 6,
        Mark::Failed => 7,
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

//! Which records of a feed are shown, and how they read in a grid.

use std::collections::BTreeMap;
use std::ops::Range;

use egui::{Label, RichText, Ui};
use serde_json::Value;

use crate::aws::streams::{Feed, Row};
use crate::mapping::filter::Pattern;
use crate::ui::live::{Fate, Live};
use crate::ui::names::short_shard;
use crate::ui::widgets::chip::{self, Change};
use crate::ui::widgets::{Column, Health, Rows, diff_view};
use crate::ui::{theme, time};

/// What the user typed into the filter field, understood.
#[derive(Debug, Default)]
pub(super) enum Filter {
    #[default]
    All,
    /// Lower-case text looked for in key, kind and images.
    Text(String),
    /// A pattern as Lambda's filter criteria have them.
    Pattern(Pattern),
}

impl Filter {
    /// Text beginning with a brace is a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            Ok(Self::All)
        } else if text.starts_with('{') {
            Pattern::parse(text)
                .map(Self::Pattern)
                .map_err(|error| error.reason)
        } else {
            Ok(Self::Text(text.to_lowercase()))
        }
    }

    fn passes(&self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Text(text) => {
                let record = &row.record;
                record.key.to_lowercase().contains(text)
                    || record.event_name.as_str().to_lowercase().contains(text)
                    || record.event.to_string().to_lowercase().contains(text)
            }
            Self::Pattern(pattern) => pattern.matches(&row.record.event),
        }
    }
}

/// Positions of the records that pass, counted from the first record the feed ever had.
#[derive(Debug, Default)]
pub(super) struct Shown {
    positions: std::collections::VecDeque<u64>,
    seen: u64,
    version: Option<u64>,
}

impl Shown {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) fn len(&self) -> u64 {
        count(self.positions.len())
    }

    /// Looks at what is new in the feed. Returns how many rows fell out at the beginning.
    pub(super) fn update(&mut self, feed: &Feed, filter: &Filter, key: Option<&str>) -> u64 {
        let version = feed.version();
        if self.version == Some(version) {
            return 0;
        }
        self.version = Some(version);
        let first = feed.skipped();
        feed.look(|rows| {
            let end = first + count(rows.len());
            if end < self.seen {
                // The feed was cleared.
                self.positions.clear();
                self.seen = first;
            }
            let from = usize::try_from(self.seen.saturating_sub(first)).unwrap_or(usize::MAX);
            for (nth, row) in rows.iter().enumerate().skip(from) {
                let wanted = key.is_none_or(|key| *row.record.key == *key);
                if wanted && filter.passes(row) {
                    self.positions.push_back(first + count(nth));
                }
            }
            self.seen = end;
        });
        let before = self.positions.len();
        while self.positions.front().is_some_and(|at| *at < first) {
            self.positions.pop_front();
        }
        count(before - self.positions.len())
    }

    pub(super) fn get(&self, feed: &Feed, row: u64) -> Option<Row> {
        let position = *self.positions.get(usize::try_from(row).ok()?)?;
        let nth = usize::try_from(position.checked_sub(feed.skipped())?).ok()?;
        feed.look(|rows| rows.get(nth).cloned())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

pub(super) fn columns() -> [Column; 6] {
    [
        Column::new("Time", 96.0).note("UTC"),
        Column::new("Shard", 84.0),
        Column::new("Kind", 84.0),
        Column::new("Fate", 96.0),
        Column::new("Key", 220.0),
        Column::new("Change", 320.0),
    ]
}

/// The grid's view of the feed; rows on screen are copied out once a frame.
pub(super) struct Records<'a> {
    pub(super) feed: &'a Feed,
    pub(super) shown: &'a Shown,
    pub(super) live: &'a Live,
    pub(super) cache: BTreeMap<u64, (Row, String)>,
}

impl Records<'_> {
    fn load(&self, row: u64) -> Option<(Row, String)> {
        let found = self.shown.get(self.feed, row)?;
        let summary = summary(&found.record.event);
        Some((found, summary))
    }
}

impl Rows for Records<'_> {
    fn prepare(&mut self, rows: Range<u64>) {
        for row in rows {
            if let Some(loaded) = self.load(row) {
                self.cache.insert(row, loaded);
            }
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: u64, column: usize) {
        let Some((row, summary)) = self.cache.get(&row) else {
            return;
        };
        let tokens = theme::of(ui);
        let record = &row.record;
        let mono = |text: &str, color| RichText::new(text).monospace().color(color);
        let text = match column {
            0 => mono(&time::clock_secs(record.created), tokens.text_muted),
            1 => mono(short_shard(&row.shard), tokens.text_muted),
            2 => {
                if let Some(change) = Change::of(record.event_name.as_str()) {
                    chip::change(ui, change);
                }
                return;
            }
            3 => {
                if let Some(fate) = self.live.fate(&record.sequence_number) {
                    chip::health(ui, health(fate), fate.word());
                }
                return;
            }
            4 => mono(&record.key, tokens.text_strong),
            _ => mono(summary, tokens.text),
        };
        ui.add(Label::new(text).truncate().selectable(false));
    }

    fn label(&self, row: u64) -> String {
        self.load(row).map_or_else(String::new, |(found, _)| {
            let record = &found.record;
            let kind = record.event_name.as_str();
            format!("Record {}, {kind}, key {}", row + 1, record.key)
        })
    }

    fn text(&self, row: u64, column: usize) -> String {
        let Some((found, summary)) = self.load(row) else {
            return String::new();
        };
        let record = &found.record;
        match column {
            0 => time::date_time(record.created),
            1 => found.shard.to_string(),
            2 => record.event_name.as_str().to_owned(),
            3 => self
                .live
                .fate(&record.sequence_number)
                .map_or_else(String::new, |fate| fate.word().to_owned()),
            4 => record.key.to_string(),
            _ => summary,
        }
    }
}

fn health(fate: Fate) -> Health {
    match fate {
        Fate::FilteredOut => Health::Filtered,
        Fate::InFlight => Health::InFlight,
        Fate::Succeeded => Health::Ok,
        Fate::Retrying => Health::Retry,
        Fate::Skipped => Health::Idle,
        Fate::Dropped => Health::Failed,
        Fate::Delivered => Health::Delivered,
    }
}

/// An image of a record, if it has one: `NewImage`, `OldImage`.
pub(super) fn image<'e>(event: &'e Value, name: &str) -> Option<&'e Value> {
    event.get("dynamodb")?.get(name)
}

/// What changed, in one line.
fn summary(event: &Value) -> String {
    let (old, new) = (image(event, "OldImage"), image(event, "NewImage"));
    let members = |image: &Value| image.as_object().map_or(0, serde_json::Map::len);
    let attributes = |count: usize| {
        if count == 1 {
            "1 attribute".to_owned()
        } else {
            format!("{count} attributes")
        }
    };
    match (old, new) {
        (Some(_), Some(_)) => diff_view::summary(&diff_view::differences(old, new)),
        (Some(image), None) | (None, Some(image)) => attributes(members(image)),
        (None, None) => "keys only".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::mapping::Record;
    use crate::mapping::record::{EventName, SequenceNumber};

    fn row(number: usize, key: &str) -> Row {
        Row {
            shard: "shardId-1".into(),
            record: Record {
                sequence_number: SequenceNumber::new(&number.to_string()),
                event_id: "e".into(),
                event_name: EventName::Insert,
                key: key.into(),
                created: SystemTime::UNIX_EPOCH,
                size_bytes: 1,
                event: json!({"eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": key}}}})
                    .into(),
            },
        }
    }

    #[test]
    fn only_records_that_pass_are_shown_and_new_ones_are_added() {
        let feed = Feed::default();
        let mut shown = Shown::default();
        let filter = Filter::parse("CUST-7").unwrap();
        feed.push([row(1, "cust-7"), row(2, "cust-8")]);
        shown.update(&feed, &filter, None);
        assert_eq!(shown.len(), 1);
        feed.push([row(3, "cust-7")]);
        shown.update(&feed, &filter, None);
        assert_eq!(shown.len(), 2);
        let second = shown.get(&feed, 1).unwrap();
        assert_eq!(second.record.sequence_number.as_str(), "3");
    }

    #[test]
    fn a_pattern_filters_as_lambda_does() {
        let filter = Filter::parse(r#"{"eventName":["REMOVE"]}"#).unwrap();
        assert!(!filter.passes(&row(1, "a")));
        assert!(Filter::parse("{\"eventName\":").is_err());
    }

    #[test]
    fn a_cleared_feed_shows_nothing_old() {
        let feed = Feed::default();
        let mut shown = Shown::default();
        feed.push([row(1, "a"), row(2, "b")]);
        shown.update(&feed, &Filter::All, None);
        feed.clear();
        feed.push([row(3, "c")]);
        shown.update(&feed, &Filter::All, None);
        assert_eq!(shown.len(), 1);
    }
}

//! Steps as bytes: some of one unit's at a time, with the records that were not in an earlier block of the unit.
//!
//! A block is the length of its head, the head as JSON, and the texts of its records one after the other: the texts are
//! most of it, and are copied as they are. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::mapping::filter::Rejection;
use crate::mapping::progress::{Answer, FilteredRecord, Progress, What};
use crate::mapping::record::{Event, EventName, Record, SequenceNumber};

/// Longest answer of a function that is kept whole; of a longer one this much is kept.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A unit's steps that are not written yet, and how its records are counted.
#[derive(Debug, Default)]
pub(super) struct Draft {
    head: Head,
    texts: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Head {
    /// Ids of shards.
    shards: Vec<Arc<str>>,
    steps: Vec<Line>,
    /// Number in the unit of the first record in this block.
    first: u32,
    records: Vec<Bare>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Numbers of a mapping's steps go up.
    no: u64,
    /// Index into `shards`.
    shard: usize,
    at_nanos: u64,
    /// Without its records.
    what: What,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Span>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    because: Vec<Vec<Rejection>>,
}

/// Some of a unit's records that follow on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A record without its text: sequence number, event id, name, key, seconds since 1970, size in the stream, bytes of
/// the text.
#[derive(Debug, Serialize, Deserialize)]
struct Bare(
    SequenceNumber,
    Arc<str>,
    EventName,
    Arc<str>,
    u64,
    u64,
    usize,
);

impl Draft {
    pub(super) fn new(first: u32) -> Self {
        Self {
            head: Head {
                first,
                ..Head::default()
            },
            texts: String::new(),
        }
    }

    /// How many steps it holds.
    pub(super) fn steps(&self) -> usize {
        self.head.steps.len()
    }

    /// Number in the unit of the next record.
    pub(super) fn records_end(&self) -> u32 {
        self.next_span(0).first
    }

    /// Bytes of texts so far.
    pub(super) fn bytes(&self) -> usize {
        self.texts.len()
    }

    /// Takes records in; where they are.
    pub(super) fn add_records(&mut self, records: &[Record]) -> Span {
        let span = self.next_span(records.len());
        for record in records {
            self.texts.push_str(record.event.text());
            self.head
                .records
                .push(bare(record, record.event.text().len()));
        }
        span
    }

    /// Takes records in that did not pass: what identifies them, without their texts.
    fn add_filtered(&mut self, records: &[FilteredRecord]) -> Span {
        let span = self.next_span(records.len());
        let bares = records.iter().map(|it| bare(&it.record, 0));
        self.head.records.extend(bares);
        span
    }

    /// Adds a step whose records are there already.
    pub(super) fn add(&mut self, no: u64, progress: &Progress, records: Option<Span>) {
        let (mut records, mut because) = (records, Vec::new());
        if let What::FilteredOut { records: filtered } = &progress.what {
            records = Some(self.add_filtered(filtered));
            because = filtered.iter().map(|it| it.because.clone()).collect();
        }
        let shards = &mut self.head.shards;
        let known = shards.iter().position(|it| *it == progress.shard);
        let shard = known.unwrap_or_else(|| {
            shards.push(Arc::clone(&progress.shard));
            shards.len() - 1
        });
        self.head.steps.push(Line {
            no,
            shard,
            at_nanos: nanos(progress.at),
            what: without_records(&progress.what),
            records,
            because,
        });
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, &self.head)?;
        let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(self.texts.as_bytes());
        Ok(bytes)
    }

    fn next_span(&self, count: usize) -> Span {
        Span {
            first: self.head.first + number(self.head.records.len()),
            count: number(count),
        }
    }
}

/// The steps of one unit, with their numbers, from its blocks in order. What cannot be read is left out.
pub(super) fn decode<'b>(
    mapping: &Arc<str>,
    blocks: impl IntoIterator<Item = &'b [u8]>,
) -> Vec<(u64, Progress)> {
    let mut records: BTreeMap<u32, Record> = BTreeMap::new();
    let mut steps = Vec::new();
    for block in blocks {
        let Some((head, mut texts)) = read(block) else {
            continue;
        };
        for (number, record) in (head.first..).zip(head.records) {
            let length = record.6.min(texts.len());
            let (text, rest) = texts.split_at_checked(length).unwrap_or(("", ""));
            texts = rest;
            records.insert(number, whole(record, text));
        }
        let shards = head.shards;
        steps.extend(head.steps.into_iter().filter_map(|line| {
            let shard = Arc::clone(shards.get(line.shard)?);
            let span = line.records.map_or(0..0, |span| {
                span.first..span.first.saturating_add(span.count)
            });
            let of = records.range(span).map(|(_, record)| record.clone());
            let progress = Progress {
                mapping: Arc::clone(mapping),
                shard,
                at: SystemTime::UNIX_EPOCH + Duration::from_nanos(line.at_nanos),
                what: with_records(line.what, of, line.because),
            };
            Some((line.no, progress))
        }));
    }
    steps
}

fn read(block: &[u8]) -> Option<(Head, &str)> {
    let (length, rest) = block.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (head, texts) = rest.split_at_checked(length)?;
    Some((
        serde_json::from_slice(head).ok()?,
        std::str::from_utf8(texts).ok()?,
    ))
}

fn bare(record: &Record, text: usize) -> Bare {
    let created = record.created.duration_since(SystemTime::UNIX_EPOCH);
    Bare(
        record.sequence_number.clone(),
        Arc::clone(&record.event_id),
        record.event_name,
        Arc::clone(&record.key),
        created.unwrap_or_default().as_secs(),
        record.size_bytes,
        text,
    )
}

fn whole(bare: Bare, text: &str) -> Record {
    let Bare(sequence_number, event_id, event_name, key, created, size_bytes, _) = bare;
    let text = if text.is_empty() { "null" } else { text };
    Record {
        sequence_number,
        event_id,
        event_name,
        key,
        created: SystemTime::UNIX_EPOCH + Duration::from_secs(created),
        size_bytes,
        event: Event::from(text.to_owned()),
    }
}

fn without_records(what: &What) -> What {
    let mut what = match what {
        // Not cloned with all its records only to drop them.
        What::FilteredOut { .. } => What::FilteredOut {
            records: Arc::default(),
        },
        what => what.clone(),
    };
    match &mut what {
        What::Invoking { records, .. } | What::Discarded { records, .. } => {
            *records = Arc::default();
        }
        What::Invoked { answer, .. } if answer.payload.len() > ANSWER_BYTES_MAX => {
            *answer = Arc::new(shortened(answer));
        }
        _ => {}
    }
    what
}

fn with_records(
    mut what: What,
    found: impl Iterator<Item = Record>,
    because: Vec<Vec<Rejection>>,
) -> What {
    match &mut what {
        What::Invoking { records, .. } | What::Discarded { records, .. } => {
            *records = found.collect();
        }
        What::FilteredOut { records } => {
            let pairs = found.zip(because);
            *records = pairs
                .map(|(record, because)| FilteredRecord { record, because })
                .collect();
        }
        _ => {}
    }
    what
}

fn shortened(answer: &Answer) -> Answer {
    let payload = &answer.payload;
    let end = payload.floor_char_boundary(ANSWER_BYTES_MAX);
    let rest = payload.len() - end;
    Answer {
        payload: format!("{}… ({rest} bytes more were not kept)", &payload[..end]),
        request_id: answer.request_id.clone(),
        status: answer.status,
        function_error: answer.function_error.clone(),
        executed_version: answer.executed_version.clone(),
        log_tail: answer.log_tail.clone(),
        took: answer.took,
    }
}

fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

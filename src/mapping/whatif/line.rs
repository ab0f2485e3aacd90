//! One shard of the stretch while it is played: what of it was read and asked for. Pure.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::stretch::{Shard, Written};
use crate::mapping::consumer::{POLL_EVERY, Page, RETENTION, ShardConsumer};
use crate::mapping::record::Record;
use crate::mapping::words::RECORDS_GONE;

/// Most bytes of one page, by the `SizeBytes` of its records.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) struct Line<'a> {
    pub(super) shard: &'a Shard,
    /// None before its time has come and after its end.
    pub(super) consumer: Option<ShardConsumer>,
    pub(super) is_over: bool,
    /// A wake that is due at another time is no longer wanted.
    pub(super) wake: Option<SystemTime>,
    /// The next record to be read.
    next: usize,
    /// The next record whose writing is to be told to a shard that is read as it is written to.
    heard: usize,
    /// Records of the page that is on its way.
    reading: Option<usize>,
    /// When calls under way return.
    calls: Vec<SystemTime>,
    /// Where a batch was found last.
    hint: usize,
    pub(super) polls: u64,
    /// Empty polls before the next one that need not be played.
    skipped: u64,
    /// Records gone before they were read.
    pub(super) trimmed: u64,
}

/// A page on its way: these records, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    from: usize,
    to: usize,
    is_last: bool,
    has_gap: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(shard: &'a Shard) -> Self {
        Self {
            shard,
            consumer: None,
            is_over: false,
            wake: None,
            next: 0,
            heard: 0,
            reading: None,
            calls: Vec::new(),
            hint: 0,
            polls: 0,
            skipped: 0,
            trimmed: 0,
        }
    }

    /// Asks for a page as the driver does: what is there now, up to the limits of a page.
    pub(super) fn ask(&mut self, now: SystemTime) -> Asked {
        self.polls += 1 + std::mem::take(&mut self.skipped);
        let records = &self.shard.records;
        let before = self.next;
        while self
            .at(self.next)
            .is_some_and(|it| it.at + RETENTION <= now)
        {
            self.next += 1;
        }
        let has_gap = self.next > before;
        self.trimmed += (self.next - before) as u64;
        let from = self.next;
        let mut bytes = 0_u64;
        while self.next - from < usize::from(Page::RECORDS_MAX)
            && let Some(written) = self.at(self.next)
            && written.at <= now
        {
            bytes = bytes.saturating_add(written.record.size_bytes);
            if bytes > PAGE_BYTES_MAX && self.next > from {
                break;
            }
            self.next += 1;
        }
        self.hear(now);
        self.reading = Some(self.next - from);
        Asked {
            from,
            to: self.next,
            is_last: self.next == records.len()
                && self.shard.closed.is_some_and(|closed| closed <= now),
            has_gap,
        }
    }

    /// The page arrives.
    pub(super) fn page(&mut self, asked: &Asked) -> Page {
        self.reading = None;
        let records = self.shard.records.get(asked.from..asked.to);
        Page {
            records: records
                .unwrap_or_default()
                .iter()
                .map(|it| it.record.clone())
                .collect(),
            is_last: asked.is_last,
            gap: asked.has_gap.then(|| RECORDS_GONE.to_owned()),
        }
    }

    /// When the next record was written that was not told yet.
    pub(super) fn next_word(&self) -> Option<SystemTime> {
        self.at(self.heard).map(|it| it.at).or_else(|| {
            let closed = self.shard.closed?;
            (self.heard == self.shard.records.len()).then_some(closed)
        })
    }

    /// Everything written until now is known of.
    pub(super) fn hear(&mut self, now: SystemTime) {
        while self.at(self.heard).is_some_and(|it| it.at <= now) {
            self.heard += 1;
        }
        if self.heard == self.shard.records.len() && self.shard.closed.is_some_and(|it| it <= now) {
            self.heard += 1;
        }
    }

    /// Nothing will happen any more to a shard that stays open.
    pub(super) fn is_settled(&self) -> bool {
        let is_read = self.next == self.shard.records.len() && self.reading.unwrap_or(0) == 0;
        is_read && self.is_idle() && self.shard.closed.is_none()
    }

    /// Leaves out polls that would find nothing and change nothing, all but the last of them: when to wake instead of
    /// `until`.
    pub(super) fn skip_empty_polls(
        &mut self,
        until: SystemTime,
        now: SystemTime,
        poll_latency: Duration,
    ) -> SystemTime {
        let Some(consumer) = &self.consumer else {
            return until;
        };
        // An empty page tells how far a tumbling window has come.
        if self.reading.is_some() || consumer.has_window() {
            return until;
        }
        let written = self.at(self.next).map(|it| it.at).or(self.shard.closed);
        let returned = self.calls.iter().copied().min();
        let next = [written, returned, consumer.due(now)];
        let Some(next) = next.into_iter().flatten().min() else {
            return until;
        };
        let every = POLL_EVERY.max(poll_latency);
        let ahead = next.duration_since(until).unwrap_or_default();
        let empty = ahead.as_nanos().div_ceil(every.as_nanos());
        let skipped = u32::try_from(empty.saturating_sub(1)).unwrap_or(u32::MAX);
        self.skipped = u64::from(skipped);
        until + every * skipped
    }

    /// A call was made that returns then.
    pub(super) fn called(&mut self, returns: SystemTime) {
        self.calls.push(returns);
    }

    /// A call that was to return now has.
    pub(super) fn returned(&mut self, now: SystemTime) {
        if let Some(at) = self.calls.iter().position(|it| *it == now) {
            self.calls.swap_remove(at);
        }
    }

    /// Places in the shard of the records of a batch.
    pub(super) fn places(&mut self, records: &[Record]) -> Vec<usize> {
        let written = &self.shard.records;
        let mut at = self.hint;
        let mut places = Vec::with_capacity(records.len());
        for record in records {
            let number = &record.sequence_number;
            let is_here = |it: &Written| it.record.sequence_number == *number;
            // Most often one of the next; the records between them are of other lanes or were filtered out.
            let near = written.iter().skip(at).take(8).position(is_here);
            at = match near {
                Some(further) => at + further,
                None => written.partition_point(|it| it.record.sequence_number < *number),
            };
            places.push(at);
            at += 1;
        }
        self.hint = at;
        places
    }

    pub(super) fn id(&self) -> Arc<str> {
        Arc::clone(&self.shard.id)
    }

    fn at(&self, place: usize) -> Option<&'a Written> {
        self.shard.records.get(place)
    }

    fn is_idle(&self) -> bool {
        let consumer = self.consumer.as_ref();
        consumer.is_some_and(ShardConsumer::is_idle)
    }
}

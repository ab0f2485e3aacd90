//! Which records of a shard are done, and how far the checkpoint may move. Pure.

use std::collections::VecDeque;

use crate::mapping::record::{Record, SequenceNumber};

/// How many places done records may take before they are gathered.
const DONE_MIN: usize = 256;

/// Records read and not yet behind the checkpoint, in order. Neighbours that are done are gathered into one now and
/// then, so the size stays in proportion to the number of unfinished records.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    /// Entries that are done.
    done: usize,
    /// What the checkpoint may move to.
    reached: Option<SequenceNumber>,
}

/// A record; a done one may stand for the done ones right before it.
#[derive(Debug)]
struct Entry {
    number: SequenceNumber,
    is_done: bool,
}

impl Ledger {
    /// Records come in their order.
    pub(super) fn add(&mut self, record: &Record) {
        self.entries.push_back(Entry {
            number: record.sequence_number.clone(),
            is_done: false,
        });
    }

    /// Records of one batch, in their order.
    pub(super) fn done<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        let mut at = 0;
        for record in records {
            let number = &record.sequence_number;
            // Most often the next one; otherwise it lies further back.
            if self.entries.get(at).is_none_or(|it| it.number != *number) {
                at = self.entries.partition_point(|it| it.number < *number);
            }
            let Some(entry) = self.entries.get_mut(at) else {
                continue;
            };
            if entry.number == *number && !entry.is_done {
                entry.is_done = true;
                self.done += 1;
            }
            at += 1;
        }
        self.pop();
        if self.done > DONE_MIN && self.done * 3 > self.entries.len() * 2 {
            self.gather();
        }
    }

    /// Moves the checkpoint behind everything that is done; the new one where it moved.
    pub(super) fn advance(&mut self) -> Option<SequenceNumber> {
        self.reached.take()
    }

    fn pop(&mut self) {
        while let Some(first) = self.entries.pop_front_if(|first| first.is_done) {
            self.done -= 1;
            self.reached = Some(first.number);
        }
    }

    /// Leaves of done neighbours only the last.
    fn gather(&mut self) {
        let mut kept: VecDeque<Entry> = VecDeque::with_capacity(self.entries.len() - self.done + 1);
        for entry in self.entries.drain(..) {
            match kept.back_mut() {
                Some(last) if last.is_done && entry.is_done => *last = entry,
                _ => kept.push_back(entry),
            }
        }
        self.done = kept.iter().filter(|entry| entry.is_done).count();
        self.entries = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::consumer::tests::records;

    #[test]
    fn the_checkpoint_is_behind_the_lowest_unfinished_record() {
        let all = records(1..=4);
        let mut ledger = Ledger::default();
        for record in &all {
            ledger.add(record);
        }
        ledger.done(&all[1..3]);
        assert_eq!(ledger.advance(), None);
        ledger.done(&all[..1]);
        assert_eq!(ledger.advance(), Some(all[2].sequence_number.clone()));
        ledger.done(&all[3..]);
        assert_eq!(ledger.advance(), Some(all[3].sequence_number.clone()));
        assert!(ledger.entries.is_empty());
    }

    #[test]
    fn done_neighbours_take_few_places() {
        let all = records(1..=10_000);
        let mut ledger = Ledger::default();
        for record in &all {
            ledger.add(record);
        }
        for record in all.iter().skip(1).rev() {
            ledger.done(std::slice::from_ref(record));
        }
        assert!(ledger.entries.len() <= 2 + DONE_MIN, "{ledger:?}");
        ledger.done(&all[..1]);
        assert_eq!(ledger.advance(), Some(all[9_999].sequence_number.clone()));
    }
}

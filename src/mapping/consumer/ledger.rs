//! Which records of a shard are done, and how far the checkpoint may move. Pure.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::mapping::record::{Record, SequenceNumber};

/// Records read and not yet behind the checkpoint, in order. Neighbours that are done are kept as
/// one, so the size is at most twice the number of unfinished records.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Whether each is done; a done one stands for the done ones right before it.
    entries: BTreeMap<SequenceNumber, bool>,
}

impl Ledger {
    pub(super) fn add(&mut self, record: &Record) {
        self.entries.insert(record.sequence_number.clone(), false);
    }

    pub(super) fn done(&mut self, records: &[Record]) {
        for record in records {
            self.done_one(&record.sequence_number);
        }
    }

    /// Moves the checkpoint behind everything that is done; the new one where it moved.
    pub(super) fn advance(&mut self) -> Option<SequenceNumber> {
        let mut reached = None;
        while let Some(entry) = self.entries.first_entry()
            && *entry.get()
        {
            reached = Some(entry.remove_entry().0);
        }
        reached
    }

    fn done_one(&mut self, number: &SequenceNumber) {
        let next = (Bound::Excluded(number), Bound::Unbounded);
        let next_is_done = self
            .entries
            .range(next)
            .next()
            .is_some_and(|(_, done)| *done);
        if next_is_done {
            self.entries.remove(number);
        } else {
            self.entries.insert(number.clone(), true);
        }
        let before = self.entries.range(..number).next_back();
        if let Some((before, true)) = before.map(|(number, done)| (number.clone(), *done)) {
            self.entries.remove(&before);
        }
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
    fn done_neighbours_take_one_place() {
        let all = records(1..=1000);
        let mut ledger = Ledger::default();
        for record in &all {
            ledger.add(record);
        }
        for record in all.iter().skip(1).rev() {
            ledger.done(std::slice::from_ref(record));
        }
        assert_eq!(ledger.entries.len(), 2);
        ledger.done(&all[..1]);
        assert_eq!(ledger.advance(), Some(all[999].sequence_number.clone()));
    }
}

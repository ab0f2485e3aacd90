//! Where each shard ends: kept in memory, so that a poll at the tip asks no store and costs the same however much is
//! stored. The store is the truth: a tip not known yet is read from the shard's last record.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::SystemTime;

use parking_lot::RwLock;
use tokio::sync::Notify;

use super::limits::Limits;
use super::records::Stored;
use super::shards::{RETENTION, first_number};
use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::call::Fault;
use crate::engine::state::Shard;
use crate::engine::store::{Commit, Shelf, Store, StoreError, keys};
use crate::mapping::signal;

/// Records removed by one trim at most.
const TRIM_MAX: u64 = 8192;

/// Ends of shards, by the shard's `store_id`, and who read what a moment ago.
#[derive(Default)]
pub struct Live {
    tips: RwLock<BTreeMap<u64, Arc<Tip>>>,
    pub(super) limits: Limits,
    /// Rung when the chores have to look again.
    pub(super) chores: Notify,
}

/// The end of one shard. Only who holds the table's lock may move it.
#[derive(Debug)]
pub struct Tip {
    shard: u64,
    next: AtomicU64,
    /// No record below this number is stored.
    oldest: AtomicU64,
    /// No record below this number may be read: its user trimmed it before its time.
    floor: AtomicU64,
    /// Time of the youngest record, in milliseconds since 1970.
    youngest: AtomicU64,
    /// Rings whenever there is something new to read.
    bell: signal::Sender<()>,
}

/// What a trim left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trimmed {
    /// More records are past their time.
    Some,
    /// The oldest record that can be removed one day was made then.
    All(Option<SystemTime>),
}

impl Live {
    pub fn tip(&self, store: &Store, shard: &Shard) -> Result<Arc<Tip>, StoreError> {
        self.tip_of(store, shard.store_id, first_number(shard))
    }

    /// By the shard's `store_id` and the number of its first record.
    pub fn tip_of(&self, store: &Store, shard: u64, first: u64) -> Result<Arc<Tip>, StoreError> {
        if let Some(tip) = self.tips.read().get(&shard) {
            return Ok(Arc::clone(tip));
        }
        let mut tips = self.tips.write();
        if let Some(tip) = tips.get(&shard) {
            return Ok(Arc::clone(tip));
        }
        let (mut next, mut youngest) = (first, 0);
        let (from, to) = whole(shard);
        store.scan(
            Shelf::Records,
            (
                from.as_ref().map(Vec::as_slice),
                to.as_ref().map(Vec::as_slice),
            ),
            true,
            |key, last| {
                next = keys::record_number(key).map_or(first, |last| last + 1);
                // One that cannot be read is told of by whoever reads it.
                youngest = Stored::decode(last).map_or(0, |it| epoch_millis(it.created()));
                false
            },
        )?;
        let floor = store.get(Shelf::Documents, &floor_key(shard))?;
        let floor = floor.and_then(|it| it[..].try_into().ok());
        let floor = floor.map_or(first, u64::from_be_bytes);
        let tip = Arc::new(Tip {
            shard,
            next: AtomicU64::new(next),
            oldest: AtomicU64::new(first),
            floor: AtomicU64::new(floor),
            youngest: AtomicU64::new(youngest),
            bell: signal::Sender::new(()),
        });
        tips.insert(shard, Arc::clone(&tip));
        Ok(tip)
    }

    /// Lets the chores look at what is due now.
    pub fn wake_chores(&self) {
        self.chores.notify_one();
    }

    /// Forgets shards whose records are gone for good.
    pub fn forget(&self, shards: &[u64]) {
        let mut tips = self.tips.write();
        for shard in shards {
            tips.remove(shard);
            self.limits.forget(*shard);
        }
    }
}

impl Tip {
    /// Key of a record in the store.
    pub fn key(&self, number: u64) -> [u8; 16] {
        keys::record(self.shard, number)
    }

    /// Number of the next record.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Lets readers see every record below `next`; call it after their commit.
    pub fn publish(&self, next: u64) {
        self.next.store(next, Ordering::Release);
        self.ring();
    }

    /// Tells readers who wait that there is something new: records, or that the shard was closed.
    pub fn ring(&self) {
        // Who listens from now on looks afterwards, and finds what was written.
        fence(Ordering::SeqCst);
        if self.bell.receiver_count() > 0 {
            self.bell.send(());
        }
    }

    /// Changes whenever the shard does.
    pub fn bell(&self) -> signal::Receiver<()> {
        let bell = self.bell.subscribe();
        fence(Ordering::SeqCst);
        bell
    }

    /// Time of a record that is written next: that of its request, unless an earlier record is younger. So times ascend
    /// in a shard even when requests overtake each other on the way to the table's lock.
    pub fn time(&self, requested: SystemTime) -> SystemTime {
        let millis = epoch_millis(requested);
        from_epoch_millis(
            self.youngest
                .fetch_max(millis, Ordering::Relaxed)
                .max(millis),
        )
    }

    /// Number of the last record, if the shard ever had one.
    pub fn last(&self, shard: &Shard) -> Option<u64> {
        let next = self.next();
        (next > first_number(shard)).then(|| next - 1)
    }

    /// Number of the first record that is at least as young as `since`; `next` when all are older. Numbers are
    /// dense and times ascend, so it halves its way.
    pub(super) fn first_since(&self, store: &Store, since: SystemTime) -> Result<u64, Fault> {
        let oldest = self.oldest.load(Ordering::Relaxed).max(self.floor());
        let (mut low, mut high) = (oldest, self.next());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at_or_after(store, middle)? {
                Some((number, created)) if created < since => low = number + 1,
                _ => high = middle,
            }
        }
        Ok(self
            .at_or_after(store, low)?
            .map_or(low, |(number, _)| number))
    }

    /// Number and time of the first record from `number` on.
    pub(super) fn at_or_after(
        &self,
        store: &Store,
        number: u64,
    ) -> Result<Option<(u64, SystemTime)>, Fault> {
        let mut found = None;
        self.visit(store, number, |number, record| {
            found = Some((number, record.created()));
            false
        })?;
        Ok(found)
    }

    /// No record below this number may be read.
    fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Nobody reads records below this number from now on, also after a restart; the chores remove them.
    pub(super) fn raise_floor(&self, store: &Store, floor: u64) -> Result<(), StoreError> {
        if floor > self.floor() {
            let number = floor.to_be_bytes().to_vec();
            store.put(Shelf::Documents, floor_key(self.shard), number)?;
            self.floor.fetch_max(floor, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Records from `number` up to the tip that may be read, until `visit` returns false.
    pub(super) fn visit(
        &self,
        store: &Store,
        number: u64,
        visit: impl FnMut(u64, Stored<'_>) -> bool,
    ) -> Result<(), Fault> {
        self.visit_stored(store, number.max(self.floor()), visit)
    }

    /// The same with those that are to be removed.
    fn visit_stored(
        &self,
        store: &Store,
        number: u64,
        mut visit: impl FnMut(u64, Stored<'_>) -> bool,
    ) -> Result<(), Fault> {
        let from = self.key(number);
        let to = self.key(self.next());
        let mut unreadable = None;
        store.scan(
            Shelf::Records,
            (Bound::Included(&from), Bound::Excluded(&to)),
            false,
            |key, value| match (keys::record_number(key), Stored::decode(value)) {
                (Some(number), Ok(record)) => visit(number, record),
                (_, Err(error)) => {
                    unreadable = Some(error);
                    false
                }
                (None, Ok(_)) => false,
            },
        )?;
        unreadable.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Removes some of the records nobody may read any more; the last one stays, it is what the tip is read from. Only
    /// one caller at a time.
    pub(super) fn trim(&self, store: &Store, now: SystemTime) -> Result<Trimmed, Fault> {
        let last = self.next().saturating_sub(1);
        let mut commit = Commit::default();
        let mut end = self.oldest.load(Ordering::Relaxed);
        let mut left = TRIM_MAX;
        let mut trimmed = Trimmed::All(None);
        let floor = self.floor();
        self.visit_stored(store, end, |number, record| {
            if number == last {
                return false;
            }
            if number >= floor && record.created() + RETENTION > now {
                trimmed = Trimmed::All(Some(record.created()));
                return false;
            }
            if left == 0 {
                trimmed = Trimmed::Some;
                return false;
            }
            commit.remove(Shelf::Records, self.key(number));
            end = number + 1;
            left -= 1;
            true
        })?;
        if !commit.is_empty() {
            store.commit(commit)?;
        }
        self.oldest.store(end, Ordering::Relaxed);
        Ok(trimmed)
    }
}

/// Where it is kept on [`Shelf::Documents`] up to where a shard was trimmed before its time.
pub fn floor_key(shard: u64) -> Vec<u8> {
    let mut key = b"floor".to_vec();
    key.extend_from_slice(&shard.to_be_bytes());
    key
}

fn whole(shard: u64) -> keys::Range {
    (
        Bound::Included(keys::record(shard, 0).to_vec()),
        Bound::Included(keys::record(shard, u64::MAX).to_vec()),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::state::ViewType;
    use crate::engine::store::Durability;
    use crate::engine::streams::records::{Change, encode};
    use crate::engine::streams::shards::sequence_number;

    fn at(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + secs)
    }

    fn shard() -> Shard {
        Shard {
            id: "shard".to_owned(),
            parent: None,
            store_id: 7,
            starting: sequence_number(100),
            ending: None,
            hash_range: (0, u64::MAX),
            created: at(0),
        }
    }

    fn write(store: &Store, tip: &Tip, requested: SystemTime) {
        let change = Change {
            keys: &[],
            old: None,
            new: Some(&[]),
            at: tip.time(requested),
            id: [0; 16],
            expired: false,
        };
        let number = tip.next();
        let record = encode(ViewType::KeysOnly, &change);
        store.put(Shelf::Records, tip.key(number), record).unwrap();
        tip.publish(number + 1);
    }

    #[test]
    fn times_ascend_where_requests_overtake_each_other_also_across_a_restart() {
        let store = Store::open(None, Durability::Process).unwrap();
        let tip = Live::default().tip(&store, &shard()).unwrap();
        for requested in [5, 9, 7] {
            write(&store, &tip, at(requested));
        }
        let again = Live::default().tip(&store, &shard()).unwrap();
        assert_eq!(again.next(), 103);
        write(&store, &again, at(8));
        write(&store, &again, at(10));
        let mut times = Vec::new();
        again
            .visit(&store, 100, |_, record| {
                times.push(record.created());
                true
            })
            .unwrap();
        assert_eq!(times, [at(5), at(9), at(9), at(9), at(10)]);
        assert_eq!(again.first_since(&store, at(6)).unwrap(), 101);
        assert_eq!(again.first_since(&store, at(10)).unwrap(), 104);
    }

    #[test]
    fn a_trim_leaves_what_is_young_and_the_last_record() {
        let store = Store::open(None, Durability::Process).unwrap();
        let tip = Live::default().tip(&store, &shard()).unwrap();
        assert_eq!(tip.trim(&store, at(0)).unwrap(), Trimmed::All(None));
        for requested in [1, 2, 3] {
            write(&store, &tip, at(requested));
        }
        let day = |secs| at(secs) + RETENTION;
        let numbers = || {
            let kept = store.list(Shelf::Records, &[], usize::MAX).unwrap();
            let numbers = kept.iter().filter_map(|(key, _)| keys::record_number(key));
            numbers.collect::<Vec<u64>>()
        };
        assert_eq!(tip.trim(&store, day(1)).unwrap(), Trimmed::All(Some(at(2))));
        assert_eq!(numbers(), [101, 102]);
        assert_eq!(tip.trim(&store, day(9)).unwrap(), Trimmed::All(None));
        assert_eq!(numbers(), [102]);
        assert_eq!(Live::default().tip(&store, &shard()).unwrap().next(), 103);
        write(&store, &tip, day(9));
        assert_eq!(tip.trim(&store, day(9)).unwrap(), Trimmed::All(None));
        assert_eq!(numbers(), [103]);
    }

    #[test]
    fn a_trim_removes_only_so_many_at_once() {
        let store = Store::open(None, Durability::Process).unwrap();
        let tip = Live::default().tip(&store, &shard()).unwrap();
        for _ in 0..TRIM_MAX + 2 {
            write(&store, &tip, at(1));
        }
        let later = at(1) + RETENTION;
        assert_eq!(tip.trim(&store, later).unwrap(), Trimmed::Some);
        assert_eq!(tip.trim(&store, later).unwrap(), Trimmed::All(None));
        let kept = store.list(Shelf::Records, &[], usize::MAX).unwrap();
        assert_eq!(kept.len(), 1);
    }
}

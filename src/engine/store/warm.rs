//! Pairs of a shelf kept in memory, by the ranges that were read. What is read or overwritten again and again comes
//! from here: the store below keeps every version of a pair for a while, and a scan has to pass them all.
//!
//! Never stale: a commit happens under the lock of this, so nobody sees one without the other.

use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::Slice;
use parking_lot::{RwLock, RwLockWriteGuard};

/// A key or a value; its clones share the bytes.
pub type Shared = Slice;

/// Bytes kept of one shelf; one more, and everything is forgotten.
const BYTES_MAX: usize = 48 * 1024 * 1024;
/// What a pair or range takes beside its bytes.
const OVERHEAD: usize = 96;
/// Pairs given at once, so that nobody waits for a long scan.
const AT_ONCE: usize = 128;
/// Most changes remembered for one scan under way.
const CHANGES_MAX: usize = 4096;

/// What is kept of one shelf.
#[derive(Default)]
pub(super) struct Warm(RwLock<Kept>);

/// Keys from `.0` on, before `.1`.
pub(super) type Span = (Vec<u8>, Vec<u8>);

#[derive(Default)]
pub(super) struct Kept {
    pairs: BTreeMap<Shared, Shared>,
    /// Where `pairs` has every pair of the store: beginnings to ends. They neither overlap nor touch.
    ranges: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
    commits: u64,
    begun: u64,
    scans: Vec<Scan>,
}

/// A scan of the store under way, and what was committed since it began.
struct Scan {
    id: u64,
    changes: Vec<(Shared, Option<Shared>)>,
}

impl Warm {
    /// To be held from before a commit until [`Kept::changed`].
    pub(super) fn lock(&self) -> RwLockWriteGuard<'_, Kept> {
        self.0.write()
    }

    /// The value, when it is known whether there is one; otherwise what [`Self::keep`] wants to be told.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Shared>, u64> {
        let kept = self.0.read();
        // What is kept lies in a known range.
        match kept.pairs.get(key) {
            None if !kept.covers(key) => Err(kept.commits),
            found => Ok(found.cloned()),
        }
    }

    /// Keeps a pair that was read, unless there was a commit meanwhile.
    pub(super) fn keep(&self, key: &[u8], value: &Shared, commits: u64) {
        let mut kept = self.0.write();
        if kept.commits == commits {
            kept.insert(key.into(), value.clone());
            kept.cover(key.to_vec(), after(key));
            kept.shrink();
        }
    }

    /// Moves the first known pairs of the span out of it, or in reverse the last; `None` when it is not known what
    /// comes there.
    pub(super) fn take(&self, span: &mut Span, reverse: bool) -> Option<Vec<(Shared, Shared)>> {
        let kept = self.0.read();
        let (begin, end) = kept.range_at(span, reverse)?;
        let from = begin.max(&span.0).as_slice();
        let to = end.min(&span.1).as_slice();
        let inside = (Bound::Included(from), Bound::Excluded(to));
        let found = kept.pairs.range::<[u8], _>(inside);
        let shared = |(key, value): (&Shared, &Shared)| (key.clone(), value.clone());
        let pairs: Vec<_> = if reverse {
            found.rev().take(AT_ONCE).map(shared).collect()
        } else {
            found.take(AT_ONCE).map(shared).collect()
        };
        let is_all = pairs.len() < AT_ONCE;
        match pairs.last().filter(|_| !is_all) {
            Some((key, _)) if reverse => span.1 = key.to_vec(),
            Some((key, _)) => span.0 = after(key),
            None if reverse => span.1 = from.to_vec(),
            None => span.0 = to.to_vec(),
        }
        Some(pairs)
    }

    /// To be called before the store is scanned.
    pub(super) fn begin(&self) -> u64 {
        let mut kept = self.0.write();
        kept.begun += 1;
        let id = kept.begun;
        kept.scans.push(Scan {
            id,
            changes: Vec::new(),
        });
        id
    }

    /// Keeps all pairs of a span as a scan saw them; `None` when it is not worth it.
    pub(super) fn end(&self, scan: u64, seen: Option<(Span, Vec<(Shared, Shared)>)>) {
        let mut kept = self.0.write();
        let Some(at) = kept.scans.iter().position(|it| it.id == scan) else {
            // There were too many changes.
            return;
        };
        let changes = kept.scans.remove(at).changes;
        let Some(((from, to), pairs)) = seen else {
            return;
        };
        for (key, value) in pairs {
            // What is kept already is younger than what the scan saw.
            if !kept.covers(&key) {
                kept.insert(key, value);
            }
        }
        let is_inside = |key: &[u8]| from.as_slice() <= key && key < to.as_slice();
        let changes = changes.into_iter().filter(|(key, _)| is_inside(key));
        for (key, value) in changes.collect::<Vec<_>>() {
            kept.set(key, value);
        }
        kept.cover(from, to);
        kept.shrink();
    }
}

impl Kept {
    /// A pair was committed, or its removal.
    pub(super) fn changed(&mut self, key: &Shared, value: Option<&Shared>) {
        self.commits += 1;
        if let Some((kept, value)) = self.pairs.get_mut(&**key).zip(value)
            && self.scans.is_empty()
        {
            self.bytes = self.bytes + value.len() - kept.len();
            kept.clone_from(value);
            self.shrink();
            return;
        }
        let is_kept = self.covers(key);
        if !is_kept && self.scans.is_empty() {
            return;
        }
        for scan in &mut self.scans {
            scan.changes.push((key.clone(), value.cloned()));
        }
        self.scans.retain(|it| it.changes.len() <= CHANGES_MAX);
        if is_kept {
            self.set(key.clone(), value.cloned());
            self.shrink();
        }
    }

    /// Forgets everything: what is stored is not known any more.
    pub(super) fn forget(&mut self) {
        self.commits += 1;
        self.scans.clear();
        self.pairs.clear();
        self.ranges.clear();
        self.bytes = 0;
    }

    fn covers(&self, key: &[u8]) -> bool {
        let before = self.last_range(key);
        before.is_some_and(|(_, end)| key < end.as_slice())
    }

    /// The range that has the first keys of the span, or in reverse the last.
    fn range_at(&self, (from, to): &Span, reverse: bool) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let found = if reverse {
            let before = (Bound::Unbounded, Bound::Excluded(to.as_slice()));
            self.ranges.range::<[u8], _>(before).next_back()
        } else {
            self.last_range(from)
        };
        found.filter(|(_, end)| if reverse { *end >= to } else { *end > from })
    }

    /// The last range that begins at the key or before.
    fn last_range(&self, key: &[u8]) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let up_to = (Bound::Unbounded, Bound::Included(key));
        self.ranges.range::<[u8], _>(up_to).next_back()
    }

    fn set(&mut self, key: Shared, value: Option<Shared>) {
        match value {
            Some(value) => self.insert(key, value),
            None => {
                if let Some(old) = self.pairs.remove(&key) {
                    self.bytes -= key.len() + old.len() + OVERHEAD;
                }
            }
        }
    }

    fn insert(&mut self, key: Shared, value: Shared) {
        let length = key.len();
        self.bytes += value.len();
        match self.pairs.insert(key, value) {
            Some(old) => self.bytes -= old.len(),
            None => self.bytes += length + OVERHEAD,
        }
    }

    /// Makes these keys part of `ranges`.
    fn cover(&mut self, mut from: Vec<u8>, mut to: Vec<u8>) {
        if let Some((begin, end)) = self.ranges.range_mut::<Vec<u8>, _>(..=&from).next_back()
            && *end >= from
        {
            if *end >= to {
                return;
            }
            from.clone_from(begin);
        }
        let touched = self.ranges.range::<Vec<u8>, _>(&from..=&to);
        for begin in touched.map(|it| it.0.clone()).collect::<Vec<_>>() {
            if let Some(end) = self.ranges.remove(&begin) {
                self.bytes -= begin.len() + end.len() + OVERHEAD;
                to = to.max(end);
            }
        }
        self.bytes += from.len() + to.len() + OVERHEAD;
        self.ranges.insert(from, to);
    }

    fn shrink(&mut self) {
        if self.bytes > BYTES_MAX {
            self.pairs.clear();
            self.ranges.clear();
            self.bytes = 0;
        }
    }
}

/// The next key after this one.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (Shared, Shared) {
        (key.as_bytes().into(), value.as_bytes().into())
    }

    fn span(from: &str, to: &str) -> Span {
        (from.as_bytes().to_vec(), to.as_bytes().to_vec())
    }

    fn texts(warm: &Warm, from: &str, to: &str) -> Option<String> {
        let mut rest = span(from, to);
        let pairs = warm.take(&mut rest, false)?;
        if rest.0 < rest.1 {
            return None;
        }
        let text = |it: &Shared| String::from_utf8(it.to_vec()).unwrap();
        Some(
            pairs
                .iter()
                .map(|(key, value)| text(key) + &text(value))
                .collect(),
        )
    }

    #[test]
    fn a_range_is_known_when_all_of_it_was_read() {
        let warm = Warm::default();
        let scan = warm.begin();
        warm.end(
            scan,
            Some((span("b", "d"), vec![pair("b", "1"), pair("c", "2")])),
        );
        assert_eq!(texts(&warm, "b", "d").unwrap(), "b1c2");
        assert_eq!(texts(&warm, "c", "d").unwrap(), "c2");
        assert_eq!(texts(&warm, "a", "c"), None);
        assert_eq!(texts(&warm, "c", "e"), None);
        assert!(matches!(warm.get(b"bb"), Ok(None)));
        assert!(warm.get(b"d").is_err());
        let scan = warm.begin();
        warm.end(scan, Some((span("d", "f"), vec![pair("e", "3")])));
        assert_eq!(texts(&warm, "b", "f").unwrap(), "b1c2e3");
    }

    #[test]
    fn what_is_committed_during_a_scan_counts() {
        let warm = Warm::default();
        let scan = warm.begin();
        warm.lock()
            .changed(&b"b"[..].into(), Some(&b"new"[..].into()));
        warm.lock().changed(&b"c"[..].into(), None);
        warm.end(
            scan,
            Some((span("a", "d"), vec![pair("b", "old"), pair("c", "old")])),
        );
        assert_eq!(texts(&warm, "a", "d").unwrap(), "bnew");
        warm.lock()
            .changed(&b"b"[..].into(), Some(&b"newer"[..].into()));
        assert_eq!(texts(&warm, "a", "d").unwrap(), "bnewer");
    }

    #[test]
    fn a_pair_read_before_a_commit_is_not_kept() {
        let warm = Warm::default();
        let before = warm.get(b"a").unwrap_err();
        warm.lock()
            .changed(&b"a"[..].into(), Some(&b"new"[..].into()));
        warm.keep(b"a", &b"old"[..].into(), before);
        let now = warm.get(b"a").unwrap_err();
        warm.keep(b"a", &b"new"[..].into(), now);
        assert_eq!(&*warm.get(b"a").unwrap().unwrap(), b"new");
    }

    #[test]
    fn what_is_kept_stays_small() {
        let warm = Warm::default();
        let value = vec![0; 1024 * 1024];
        for number in 0..100_u8 {
            let commits = warm.get(&[number]).unwrap_err();
            warm.keep(&[number], &value.as_slice().into(), commits);
            let kept = warm.lock();
            let bytes = |(key, value): (&Shared, &Shared)| key.len() + value.len() + OVERHEAD;
            let ends = |(from, to): (&Vec<u8>, &Vec<u8>)| from.len() + to.len() + OVERHEAD;
            let counted: usize = kept.pairs.iter().map(bytes).sum();
            assert_eq!(
                kept.bytes,
                counted + kept.ranges.iter().map(ends).sum::<usize>()
            );
            assert!(kept.bytes <= BYTES_MAX);
        }
    }
}

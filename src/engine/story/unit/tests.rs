//! What is kept of one mapping, and what goes.

use super::*;
use crate::engine::store::Store;
use crate::engine::story::block;
use crate::engine::story::testing::*;

/// One mapping and where it is kept.
struct Desk {
    kept: Kept,
    store: Store,
    settings: Settings,
}

impl Desk {
    fn new(batches_max: usize, bytes_max: usize) -> Self {
        Self {
            kept: Kept::default(),
            store: Store::open(None, crate::engine::store::Durability::Process).unwrap(),
            settings: Settings {
                batches_max,
                bytes_max,
            },
        }
    }

    fn write(&mut self, secs: u64, steps: impl IntoIterator<Item = What>) {
        for what in steps {
            self.kept.take(&told("m", secs, what));
        }
        let mut commit = Commit::default();
        self.kept.write("m", &self.settings, &mut commit);
        self.store.commit(commit).unwrap();
        let bytes: usize = self.kept.units.values().map(Unit::bytes).sum();
        assert!(bytes <= self.settings.bytes_max);
    }

    fn found(&self) -> Vec<What> {
        let mut steps = Vec::new();
        for number in self.kept.units.keys() {
            let blocks = keys::blocks("m", *number);
            let blocks = self
                .store
                .list(Shelf::Stories, &blocks, usize::MAX)
                .unwrap();
            let blocks = blocks.iter().map(|(_, bytes)| bytes.as_slice());
            steps.extend(block::decode(&Arc::from("m"), blocks));
        }
        steps.sort_by_key(|(no, _)| *no);
        steps
            .into_iter()
            .map(|(_, progress)| progress.what)
            .collect()
    }

    fn batches(&self) -> Vec<u64> {
        let begun = self.found().into_iter().filter_map(|what| match what {
            What::Invoking {
                batch, attempt: 1, ..
            } => Some(batch.0),
            _ => None,
        });
        begun.collect()
    }

    /// Keys in the store.
    fn entries(&self) -> usize {
        self.store
            .list(Shelf::Stories, b"", usize::MAX)
            .unwrap()
            .len()
    }
}

#[test]
fn the_last_batches_are_kept() {
    let mut desk = Desk::new(10, usize::MAX);
    for batch in 1..=50 {
        desk.write(batch, success(batch, &records(batch..batch + 3)));
    }
    assert_eq!(desk.batches(), (41..=50).collect::<Vec<_>>());
    // A block and an entry for each unit.
    assert_eq!(desk.entries(), 20);
    assert!(desk.kept.growing.len() <= 10 && desk.kept.by_batch.len() <= 10);
}

#[test]
fn bytes_are_bounded() {
    let mut desk = Desk::new(1000, 100_000);
    for batch in 1..=20 {
        let large: Arc<[Record]> = [record(batch, 20_000)].into();
        desk.write(batch, success(batch, &large));
    }
    assert_eq!(desk.batches(), [17, 18, 19, 20]);
}

#[test]
fn a_batch_that_is_still_tried_outlives_those_that_are_done() {
    let mut desk = Desk::new(5, usize::MAX);
    let blocked: Arc<[Record]> = [record(1, 5_000)].into();
    desk.write(
        0,
        [invoking(1, 1, &blocked), invoked(1, 1, Outcome::Failed)],
    );
    for batch in 2..=30 {
        desk.write(batch, success(batch, &records(batch..batch + 1)));
    }
    desk.write(
        60,
        [invoking(1, 2, &blocked), invoked(1, 2, Outcome::Failed)],
    );
    assert_eq!(desk.batches(), [1, 27, 28, 29, 30]);
    let found = desk.found();
    // Its records are kept once and told with every attempt.
    assert_eq!(found[0], invoking(1, 1, &blocked));
    assert!(found.contains(&invoking(1, 2, &blocked)));
    assert!(desk.kept.units[&0].bytes() < 10_000);
    // Nothing is heard of it any more: its poller has ended.
    for batch in 31..=36 {
        desk.write(3600 + batch, success(batch, &records(batch..batch + 1)));
    }
    assert_eq!(desk.batches(), (32..=36).collect::<Vec<_>>());
}

#[test]
fn halves_are_kept_with_the_batch_they_come_from() {
    let mut desk = Desk::new(3, usize::MAX);
    let all = records(0..4);
    let (head, tail): (Arc<[Record]>, Arc<[Record]>) = (all[..2].into(), all[2..].into());
    let mut steps = vec![
        invoking(1, 1, &all),
        invoked(1, 1, Outcome::Failed),
        split(1, [2, 3]),
    ];
    steps.extend(success(2, &head));
    steps.extend([invoking(3, 1, &tail), invoked(3, 1, Outcome::Failed)]);
    desk.write(0, steps.clone());
    let last = [discarded(3, &tail)];
    desk.write(1, last.clone());
    steps.extend(last);
    assert_eq!(desk.found(), steps);
    assert_eq!(desk.kept.units.len(), 1);
    assert!(desk.kept.growing[&0].open.is_empty());
    desk.write(2, success(4, &all));
    assert_eq!(desk.batches(), [4]);
    assert_eq!(desk.entries(), 2);
}

#[test]
fn of_what_is_tried_for_hours_the_beginning_and_the_end_are_kept() {
    let mut desk = Desk::new(10, 100_000);
    let blocked = records(0..3);
    for attempt in 1..=200 {
        let answer = "x".repeat(5_000);
        desk.write(
            u64::from(attempt) * 60,
            [
                invoking(1, attempt, &blocked),
                answered(1, attempt, Outcome::Failed, answer),
            ],
        );
    }
    let attempts: Vec<u32> = desk
        .found()
        .into_iter()
        .filter_map(|what| match what {
            What::Invoking {
                attempt, records, ..
            } => {
                assert_eq!(records, blocked);
                Some(attempt)
            }
            _ => None,
        })
        .collect();
    assert_eq!((attempts[0], attempts.last()), (1, Some(&200)));
    assert!((5..20).contains(&attempts.len()), "{attempts:?}");
    let unit = &desk.kept.units[&0];
    assert_eq!(unit.steps() + unit.skipped, 400);
}

#[test]
fn steps_without_batches_are_bounded_as_well() {
    let mut desk = Desk::new(10, 1_000_000);
    for page in 0..500 {
        desk.write(page, [filtered(&records(page * 100..page * 100 + 100))]);
    }
    assert!(desk.kept.units.len() > 2);
    let told = desk.found();
    assert_eq!(
        told.last(),
        Some(&without_texts(&filtered(&records(49_900..50_000))))
    );
    assert!(told.len() < 100);
}

/// As they are kept.
fn without_texts(what: &What) -> What {
    let What::FilteredOut { records } = what else {
        return what.clone();
    };
    let bare = records.iter().cloned().map(|mut it| {
        it.record.event = "null".to_owned().into();
        it
    });
    What::FilteredOut {
        records: bare.collect(),
    }
}

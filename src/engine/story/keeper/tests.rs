//! The story on disk, from what is in memory.

use super::*;
use crate::engine::store::Durability;
use crate::engine::story::ring::Room;
use crate::engine::story::testing::*;
use crate::mapping::progress::Outcome;

fn store() -> Store {
    Store::open(None, Durability::Process).unwrap()
}

fn ring(steps: usize) -> Mutex<Ring> {
    Mutex::new(Ring::new(Room {
        steps,
        bytes: 1_000_000,
    }))
}

fn keep(keeper: &mut Keeper, ring: &Mutex<Ring>, store: &Store) {
    keeper.keep(ring, store, &Settings::default()).unwrap();
}

/// What the next process finds.
fn past(store: &Store) -> Vec<Progress> {
    Keeper::new().past(store).unwrap()
}

#[test]
fn what_was_told_is_there_for_the_next_process() {
    let (store, ring) = (store(), ring(100));
    let mut keeper = Keeper::new();
    let mut steps = Vec::new();
    for batch in 0..5 {
        for mapping in ["a", "b"] {
            let tell = |what| told(mapping, batch, what);
            steps.extend(success(batch, &records(batch..batch + 2)).map(tell));
        }
    }
    for chunk in steps.chunks(7) {
        for progress in chunk {
            ring.lock().push(progress.clone());
        }
        keep(&mut keeper, &ring, &store);
    }
    let mut next = Keeper::new();
    let found = next.past(&store).unwrap();
    for mapping in ["a", "b"] {
        let of = |all: &[Progress]| -> Vec<Progress> {
            let of = all.iter().filter(|it| &*it.mapping == mapping);
            of.cloned().collect()
        };
        assert_eq!(of(&found), of(&steps));
    }
    assert!(found.is_sorted_by_key(|it| it.at));
    // Once: from then on it is in memory.
    assert_eq!(next.past(&store).unwrap(), []);
}

#[test]
fn another_process_goes_on_behind_what_was_kept() {
    let store = store();
    for process in 0..3 {
        let ring = ring(100);
        let mut keeper = Keeper::new();
        for what in success(process, &records(process..process + 1)) {
            ring.lock().push(told("m", process, what));
        }
        keep(&mut keeper, &ring, &store);
        // Who asks later is told of the former processes only.
        let steps = usize::try_from(process).unwrap() * 3;
        assert_eq!(keeper.past(&store).unwrap().len(), steps);
    }
    let checkpoints: Vec<_> = past(&store)
        .into_iter()
        .filter(|it| matches!(it.what, What::Checkpoint { .. }))
        .map(|it| it.what)
        .collect();
    assert_eq!(checkpoints, [0, 1, 2].map(checkpoint));
}

#[test]
fn steps_that_went_before_they_were_written_are_counted() {
    let (store, ring) = (store(), ring(4));
    let mut keeper = Keeper::new();
    ring.lock().push(step(checkpoint(0)));
    keep(&mut keeper, &ring, &store);
    for number in 1..=10 {
        ring.lock().push(step(checkpoint(number)));
    }
    keep(&mut keeper, &ring, &store);
    let found: Vec<What> = past(&store).into_iter().map(|it| it.what).collect();
    assert_eq!(found[..2], [checkpoint(0), What::Skipped { steps: 6 }]);
    assert_eq!(found[2..], [7, 8, 9, 10].map(checkpoint));
}

#[test]
fn a_story_goes_with_its_mapping() {
    let (store, ring) = (store(), ring(100));
    let mut keeper = Keeper::new();
    for mapping in ["gone", "stays"] {
        for what in success(1, &records(0..2)) {
            ring.lock().push(told(mapping, 0, what));
        }
    }
    keep(&mut keeper, &ring, &store);
    keeper.forget(&store, |uuid| uuid == "gone").unwrap();
    let found = past(&store);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|it| &*it.mapping == "stays"));
    // Another process finds nothing of it either, and forgets the rest.
    Keeper::new().forget(&store, |_| true).unwrap();
    assert_eq!(store.list(Shelf::Stories, b"", usize::MAX).unwrap(), []);
}

#[test]
fn large_pasts_are_told_from_their_end_with_what_is_missing_counted() {
    let (store, ring) = (store(), ring(1000));
    let mut keeper = Keeper::new();
    let settings = Settings {
        bytes_max: 3 * LOAD_BYTES_MAX,
        ..Settings::default()
    };
    for batch in 0..80 {
        let large: Arc<[_]> = [record(batch, 800_000)].into();
        for what in success(batch, &large) {
            ring.lock().push(told("m", batch, what));
        }
        keeper.keep(&ring, &store, &settings).unwrap();
    }
    let found = past(&store);
    let What::Skipped { steps } = found[0].what else {
        panic!("what is missing comes first")
    };
    assert_eq!(found.len() - 1 + usize::try_from(steps).unwrap(), 240);
    assert!(found.len() > 100, "{}", found.len());
    assert_eq!(found.last().unwrap().what, checkpoint(79));
}

#[test]
fn every_commit_alone_is_a_story() {
    // A process that is killed leaves any prefix of its commits.
    let (store, ring) = (store(), ring(100));
    let mut keeper = Keeper::new();
    let all = records(0..2);
    let steps = [
        invoking(1, 1, &all),
        invoked(1, 1, Outcome::Failed),
        invoking(1, 2, &all),
        invoked(1, 2, Outcome::Succeeded),
    ];
    for end in 0..steps.len() {
        ring.lock().push(step(steps[end].clone()));
        keep(&mut keeper, &ring, &store);
        let found: Vec<What> = past(&store).into_iter().map(|it| it.what).collect();
        assert_eq!(found, steps[..=end]);
    }
}

//! Commits, reads and folders of the store.

use super::*;

#[test]
fn a_second_open_of_the_same_folder_says_that_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Store::open(Some(folder.path()), Durability::Process).unwrap();
    let second = Store::open(Some(folder.path()), Durability::Process);
    assert!(matches!(second, Err(OpenError::Locked(_))));
}

#[test]
fn what_was_committed_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
        let mut commit = Commit::default();
        commit.put(Shelf::Items, b"a1".to_vec(), b"x".to_vec());
        commit.put(Shelf::Records, b"r".to_vec(), b"y".to_vec());
        store.commit(commit).unwrap();
    }
    let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
    assert_eq!(&*store.get(Shelf::Items, b"a1").unwrap().unwrap(), b"x");
    assert_eq!(store.list(Shelf::Records, b"", 10).unwrap().len(), 1);
    store.clear(Shelf::Items, b"a").unwrap();
    assert!(store.get(Shelf::Items, b"a1").unwrap().is_none());
}

#[test]
fn a_shelf_without_a_write_is_empty_and_is_there_with_its_first_one() {
    let folder = tempfile::tempdir().unwrap();
    for found in [None, Some(b"late")] {
        let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
        let frozen = store.frozen();
        let mut seen = 0;
        let count = |_: &[u8], _: &[u8]| {
            seen += 1;
            Ok(true)
        };
        frozen.scan(Shelf::Objects, b"k", false, count).unwrap();
        assert_eq!(seen, usize::from(found.is_some()));
        for shelf in [Shelf::Items, Shelf::Objects] {
            let stored = store.get(shelf, b"key").unwrap();
            assert_eq!(stored.as_deref(), found.map(|it| &it[..]));
            let listed = store.list(shelf, b"k", 10).unwrap();
            assert_eq!(listed.len(), usize::from(found.is_some()));
            store.remove(shelf, b"no".to_vec()).unwrap();
            store.put(shelf, b"key".to_vec(), b"late".to_vec()).unwrap();
            assert_eq!(&*store.get(shelf, b"key").unwrap().unwrap(), b"late");
        }
    }
}

#[test]
fn a_closed_folder_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5_u8 {
        let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
        let mut found = Vec::new();
        store
            .scan(
                Shelf::Items,
                (Bound::Unbounded, Bound::Unbounded),
                false,
                |key, value| {
                    found.push((key.to_vec(), value.to_vec()));
                    true
                },
            )
            .unwrap();
        let mut wanted: Vec<Pair> = (0..round).map(|it| (vec![1, it], vec![it])).collect();
        if let Some(last) = round.checked_sub(1) {
            wanted.insert(0, (vec![0], vec![last]));
        }
        assert_eq!(found, wanted);
        store
            .put(Shelf::Items, vec![1, round], vec![round])
            .unwrap();
        store.put(Shelf::Items, vec![0], vec![round]).unwrap();
        // The third time nothing is sorted away: as if the process had been killed.
        if round != 2 {
            store.settle().unwrap();
            while !store.is_settled() {
                std::thread::yield_now();
            }
            store.close().unwrap();
            let journals = journals(folder.path()).unwrap();
            assert_eq!(journals.len(), 1);
            assert_eq!(std::fs::metadata(&journals[0]).unwrap().len(), 0);
        }
    }
}

#[test]
fn shelves_are_in_the_order_of_their_names() {
    for (at, (shelf, _)) in SHELVES.iter().enumerate() {
        assert_eq!(*shelf as usize, at);
    }
}

/// Random commits, reads and scans of two threads against a map.
#[test]
fn what_is_kept_in_memory_says_what_is_stored() {
    use std::collections::BTreeMap;

    let store = Store::open(None, Durability::Process).unwrap();
    let ids = crate::ids::Ids::seeded(11);
    let dice = |sides: u64| ids.number() % sides;
    let key = |number: u64| format!("{number:03}").into_bytes();
    let mut model = BTreeMap::new();
    std::thread::scope(|threads| {
        let (reader, stop) = (
            store.clone(),
            Arc::new(std::sync::atomic::AtomicBool::new(false)),
        );
        let stopped = Arc::clone(&stop);
        threads.spawn(move || {
            // Fills the memory again and again while the other thread writes.
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                reader.list(Shelf::Items, b"1", 40).unwrap();
            }
        });
        for round in 0..2000_u64 {
            let mut commit = Commit::default();
            for _ in 0..=dice(3) {
                let key = key(dice(300));
                if dice(4) == 0 {
                    model.remove(&key);
                    commit.remove(Shelf::Items, key);
                } else {
                    let value = round.to_string().into_bytes();
                    model.insert(key.clone(), value.clone());
                    commit.put(Shelf::Items, key, value);
                }
            }
            store.commit(commit).unwrap();
            let one = key(dice(300));
            assert_eq!(
                store.get(Shelf::Items, &one).unwrap().as_deref(),
                model.get(&one).map(Vec::as_slice)
            );
            let (from, to) = (key(dice(300)), key(dice(300)));
            let (reverse, limit) = (dice(2) == 0, 1 + dice(200));
            let mut found = Vec::new();
            let range = (Bound::Excluded(&*from), Bound::Included(&*to));
            let visit = |key: &[u8], value: &[u8]| {
                found.push((key.to_vec(), value.to_vec()));
                (found.len() as u64) < limit
            };
            store.scan(Shelf::Items, range, reverse, visit).unwrap();
            let inside = model.iter().filter(|(key, _)| from < **key && **key <= to);
            let mut wanted: Vec<Pair> = inside.map(|(a, b)| (a.clone(), b.clone())).collect();
            if reverse {
                wanted.reverse();
            }
            wanted.truncate(usize::try_from(limit).unwrap());
            assert_eq!(found, wanted, "round {round}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn the_end_of_a_prefix_carries_over() {
    assert_eq!(prefix_end(&[1, 255]), Some(vec![2]));
    assert_eq!(prefix_end(&[255]), None);
}

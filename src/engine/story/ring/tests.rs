//! What stays in memory, and what those who read it find.

use super::*;
use crate::engine::story::testing::*;
use crate::mapping::progress::Outcome;

const ROOM: Room = Room {
    steps: 100,
    bytes: 1_000_000,
};

fn numbers(ring: &Ring) -> Vec<String> {
    let checkpoints = ring.all().into_iter().filter_map(|it| match it.what {
        What::Checkpoint { sequence_number } => Some(sequence_number.to_string()),
        _ => None,
    });
    checkpoints
        .map(|it| it.trim_start_matches('0').to_owned())
        .collect()
}

fn poll(records: usize) -> Progress {
    step(What::Polled {
        records,
        behind: None,
    })
}

#[test]
fn a_hundred_thousand_steps_with_large_records_stay_within_the_room() {
    let room = Room {
        steps: 20_000,
        bytes: 64 * 1024 * 1024,
    };
    let mut ring = Ring::new(room);
    let large: Arc<[Record]> = (0..10).map(|it| record(it, 400_000)).collect();
    for batch in 0..20_000 {
        // Each with texts of its own: nothing is shared between batches.
        let records = if batch % 100 == 0 {
            let own = large.iter().map(|it| Record {
                event: it.event.text().to_owned().into(),
                ..it.clone()
            });
            own.collect()
        } else {
            records(batch..batch + 10)
        };
        for what in [
            invoking(batch, 1, &records),
            answered(batch, 1, Outcome::Failed, "x".repeat(10_000)),
            invoking(batch, 2, &records),
            invoked(batch, 2, Outcome::Succeeded),
            checkpoint(batch),
        ] {
            ring.push(step(what));
            assert!(ring.bytes() <= room.bytes && ring.steps.len() <= room.steps);
        }
    }
    assert!(ring.bytes() > room.bytes / 2);
    // What is really held is what was weighed, but for what steps take besides.
    let mut texts = std::collections::BTreeMap::new();
    for progress in ring.all() {
        if let What::Invoking { records, .. } = progress.what {
            for record in records.iter() {
                let text = record.event.text();
                texts.insert(text.as_ptr() as usize, text.len());
            }
        }
    }
    assert!(texts.values().sum::<usize>() <= ring.bytes());
    assert!(ring.batches.len() <= ring.steps.len());
}

#[test]
fn a_batch_weighs_once_until_its_last_step_has_gone() {
    let mut ring = Ring::new(Room { steps: 3, ..ROOM });
    let records: Arc<[Record]> = [record(1, 50_000)].into();
    for attempt in 1..=5 {
        ring.push(step(invoking(1, attempt, &records)));
        assert!((50_000..60_000).contains(&ring.bytes()), "{}", ring.bytes());
    }
    for number in 1..=3 {
        ring.push(step(checkpoint(number)));
    }
    assert_eq!(ring.bytes(), 3 * STEP_BYTES);
    assert!(ring.batches.is_empty());
}

#[test]
fn a_slow_reader_is_told_how_many_steps_it_missed() {
    let mut ring = Ring::new(Room { steps: 3, ..ROOM });
    let mut place = ring.end_place();
    for number in 1..=5 {
        ring.push(poll(0));
        ring.push(step(checkpoint(number)));
    }
    assert_eq!(ring.next(&mut place), Next::Skipped(2));
    let mut found = Vec::new();
    while let Next::Step(progress) = ring.next(&mut place) {
        found.push(progress.what.clone());
    }
    // Polls that found nothing are found where they were made; those before what was missed come first.
    assert_eq!(found.len(), 5 + 3);
    assert_eq!(found[2], poll(0).what);
    assert_eq!(found[3], checkpoint(3));
    assert_eq!(found.last(), Some(&checkpoint(5)));
    assert!(ring.is_read(place));
    assert_eq!(ring.next(&mut place), Next::Nothing);
}

#[test]
fn empty_polls_do_not_push_the_story_out() {
    let mut ring = Ring::new(ROOM);
    ring.push(step(checkpoint(1)));
    for _ in 0..10_000 {
        ring.push(poll(0));
    }
    assert_eq!(numbers(&ring), ["1"]);
    assert_eq!(ring.polls.len(), POLLS_MAX);
}

#[test]
fn the_past_is_put_in_front_as_far_as_it_fits() {
    let mut ring = Ring::new(Room { steps: 5, ..ROOM });
    let mut place = ring.end_place();
    ring.push(step(checkpoint(10)));
    ring.prepend((1..=9).map(|it| step(checkpoint(it))).collect());
    assert_eq!(numbers(&ring), ["7", "8", "9", "10"]);
    assert_eq!(ring.all()[0].what, What::Skipped { steps: 6 });
    // Who read before goes on where it was.
    assert_eq!(ring.next(&mut place), Next::Step(step(checkpoint(10))));
    assert_eq!(ring.next(&mut place), Next::Nothing);
}

#[test]
fn a_forgotten_mapping_leaves_no_gap() {
    let mut ring = Ring::new(ROOM);
    let mut place = ring.end_place();
    let records = records(0..3);
    ring.push(told("gone", 0, invoking(1, 1, &records)));
    ring.push(told("stays", 0, checkpoint(1)));
    ring.push(told("gone", 0, poll(0).what));
    ring.forget(|mapping| mapping == "gone");
    assert_eq!(ring.bytes(), STEP_BYTES);
    assert_eq!(
        ring.read(&mut place.clone(), 10),
        [(0, told("stays", 0, checkpoint(1)))]
    );
    assert_eq!(
        ring.next(&mut place),
        Next::Step(told("stays", 0, checkpoint(1)))
    );
    assert_eq!(ring.next(&mut place), Next::Nothing);
}

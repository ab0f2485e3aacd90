//! Steps to bytes and back.

use super::*;
use crate::engine::story::testing::*;
use crate::mapping::progress::Outcome;

fn uuid() -> Arc<str> {
    Arc::from("m")
}

#[test]
fn steps_come_back_as_they_were() {
    let all = records(0..4);
    let mut first = Draft::new(0);
    let span = first.add_records(&all);
    let steps = [
        step(invoking(1, 1, &all)),
        step(invoked(1, 1, Outcome::Failed)),
        step(split(1, [2, 3])),
    ];
    first.add(1, &steps[0], Some(span));
    first.add(2, &steps[1], None);
    first.add(3, &steps[2], None);
    let mut second = Draft::new(first.records_end());
    let half: Arc<[Record]> = all[2..].into();
    let of = Span { first: 2, count: 2 };
    let last = [
        step(What::PollFailed {
            problem: "no".to_owned(),
            request_id: "r".to_owned(),
            setbacks: 1,
            until: at(5),
        }),
        step(invoking(3, 1, &half)),
        step(discarded(3, &half)),
    ];
    second.add(4, &last[0], None);
    second.add(5, &last[1], Some(of));
    second.add(6, &last[2], Some(of));
    let blocks = [first.encode().unwrap(), second.encode().unwrap()];
    let found = decode(&uuid(), blocks.iter().map(Vec::as_slice));
    let wanted: Vec<_> = steps.into_iter().chain(last).collect();
    assert_eq!(
        found.iter().map(|it| it.0).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(found.into_iter().map(|it| it.1).collect::<Vec<_>>(), wanted);
}

#[test]
fn of_records_that_did_not_pass_the_verdict_is_kept_and_not_the_text() {
    let all = records(0..2);
    let mut draft = Draft::new(0);
    let progress = step(filtered(&all));
    draft.add(1, &progress, None);
    assert_eq!(draft.bytes(), 0);
    let found = decode(&uuid(), [draft.encode().unwrap().as_slice()]);
    let (What::FilteredOut { records: found }, What::FilteredOut { records: told }) =
        (&found[0].1.what, &progress.what)
    else {
        panic!("records that did not pass")
    };
    assert_eq!(found.len(), 2);
    for (found, told) in found.iter().zip(told.iter()) {
        assert_eq!(found.because, told.because);
        assert_eq!(found.record.key, told.record.key);
        assert_eq!(found.record.event.text(), "null");
    }
}

#[test]
fn a_long_answer_is_cut_and_says_so() {
    let mut draft = Draft::new(0);
    let long = "ü".repeat(ANSWER_BYTES_MAX);
    draft.add(1, &step(answered(1, 1, Outcome::Succeeded, long)), None);
    let bytes = draft.encode().unwrap();
    assert!(bytes.len() < ANSWER_BYTES_MAX + 2000);
    let found = decode(&uuid(), [bytes.as_slice()]);
    let What::Invoked { answer, .. } = &found[0].1.what else {
        panic!("an answer")
    };
    let rest = format!("… ({ANSWER_BYTES_MAX} bytes more were not kept)");
    assert!(answer.payload.ends_with(&rest));
}

#[test]
fn bytes_that_are_no_block_are_left_out() {
    let all = records(0..2);
    let mut draft = Draft::new(0);
    let span = draft.add_records(&all);
    draft.add(1, &step(invoking(1, 1, &all)), Some(span));
    let whole = draft.encode().unwrap();
    for end in 0..whole.len() {
        decode(&uuid(), [&whole[..end]]);
    }
    let long = [&u32::MAX.to_le_bytes()[..], b"{}"].concat();
    assert_eq!(
        decode(&uuid(), [long.as_slice(), whole.as_slice()]).len(),
        1
    );
}

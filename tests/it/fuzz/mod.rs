//! Properties that have to hold for inputs nobody thought of, and that no input makes the program panic.
//!
//! A normal run tries few of them. `PROPTEST_CASES=100000 cargo test --test it fuzz::` tries more, and
//! `PROPTEST_RNG_SEED=8` others. Failures are shrunk to the smallest input that fails.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

mod codec;
mod expressions;
mod keys;
mod numbers;
mod partiql;
mod shapes;
mod wire;

/// Tries so many inputs, or as many as the environment asks for.
fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let given = |name: &str| std::env::var_os(name).is_some();
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if !given("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !given("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(20_261_121);
    }
    let mut runner = TestRunner::new(config);
    if let Err(failure) = runner.run(strategy, test) {
        panic!("{failure}");
    }
}

/// Text that is damaged in a few places: pieces go, come twice, or are put in.
fn damaged(
    texts: &'static [&'static str],
    pieces: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let change = (
        0..3_u8,
        any::<u16>(),
        0..12_usize,
        prop::sample::select(pieces),
    );
    let changes = prop::collection::vec(change, 0..5);
    (prop::sample::select(texts), changes).prop_map(|(text, changes)| {
        let mut text: Vec<char> = text.chars().collect();
        for (kind, place, length, piece) in changes {
            let from = usize::from(place) % (text.len() + 1);
            let to = (from + length).min(text.len());
            match kind {
                0 => drop(text.drain(from..to)),
                1 => {
                    let copy: Vec<char> = text[from..to].to_vec();
                    text.splice(from..from, copy);
                }
                _ => drop(text.splice(from..from, piece.chars())),
            }
        }
        text.into_iter().collect()
    })
}

/// Any characters, also those no grammar knows.
fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..40).prop_map(|it| it.into_iter().collect())
}

/// Pieces in any order.
fn soup(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec((prop::sample::select(pieces), any::<bool>()), 0..30);
    pieces.prop_map(|pieces| {
        let mut text = String::new();
        for (piece, is_apart) in pieces {
            text.push_str(piece);
            if is_apart {
                text.push(' ');
            }
        }
        text
    })
}

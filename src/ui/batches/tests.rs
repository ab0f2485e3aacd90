//! The screen on a story told by hand.

use std::cell::RefCell;
use std::time::Duration;

use egui::accesskit::Toggled;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::*;
use crate::aws::{Aws, Connection};
use crate::mapping::progress::{BatchId, Outcome, What};
use crate::ui::catalog::Catalog;
use crate::ui::cx::Settings;
use crate::ui::live::testing::{
    MAPPING, SHARD, at, discarded, filtered, poll_failed, record, replayed, skipped, split, step,
    tried,
};
use crate::ui::widgets::icon;

struct World {
    panel: BatchesPanel,
    live: Live,
    aws: Aws,
    /// Whatever is asked of the cloud is answered in its time.
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn told(steps: Vec<(u64, What)>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let opened = runtime.block_on(Connection::Embedded { folder: None }.open());
        let mut world = Self {
            panel: BatchesPanel::default(),
            live: Live::default(),
            aws: opened.unwrap(),
            runtime,
        };
        world.tell(steps);
        world
    }

    fn tell(&mut self, steps: Vec<(u64, What)>) {
        for (secs, what) in steps {
            self.live.take(&step(secs, what));
        }
    }

    fn ui(&mut self, ui: &mut Ui) {
        let (catalog, settings) = (Catalog::default(), Settings::default());
        let wishes = RefCell::default();
        let ctx = ui.ctx().clone();
        let cx = Cx {
            aws: &self.aws,
            catalog: &catalog,
            live: &self.live,
            runtime: self.runtime.handle(),
            ctx: &ctx,
            now: at(1000),
            uptime: Duration::ZERO,
            settings: &settings,
            wishes: &wishes,
        };
        self.panel.ui(ui, &cx);
    }
}

fn screen(world: World) -> Harness<'static, World> {
    let mut harness = Harness::builder()
        .with_size([1400.0, 860.0])
        .with_max_steps(20)
        .with_context_setup(|ctx| {
            theme::install(ctx);
            icon::install(ctx);
        })
        .build_ui_state(|ui, world: &mut World| world.ui(ui), world);
    harness.run();
    harness
}

/// Batches of one record each, begun in the seconds of their numbers.
fn batches(numbers: std::ops::RangeInclusive<u64>) -> Vec<(u64, What)> {
    let steps = numbers.flat_map(|number| {
        let [begins, ends] = tried(number, 1, &[record(1)], Outcome::Succeeded);
        [(number, begins), (number, ends)]
    });
    steps.collect()
}

/// The rows of the list that are marked as chosen and lie within the list.
fn chosen(harness: &Harness<'_, World>) -> Vec<String> {
    let rows = harness.query_all_by_label_contains("Batch ");
    rows.filter_map(|node| {
        let node = node.accesskit_node();
        let label = node.label()?;
        let is_row = label.ends_with("1 record");
        (is_row && node.toggled() == Some(Toggled::True)).then_some(label)
    })
    .collect()
}

fn says(harness: &Harness<'_, World>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

#[test]
fn the_row_of_the_batch_whose_story_is_shown_is_in_sight_and_marked() {
    let mut harness = screen(World::told(batches(1..=200)));
    let route = Route::Batch(MAPPING.to_owned(), SHARD.to_owned(), 40);
    harness.state_mut().panel.open(&route);
    harness.run();
    assert_eq!(chosen(&harness), ["Batch 40, ok, 1 record"]);
    // More come above it, and it stays.
    let row = |harness: &Harness<'_, World>| {
        let row = harness.get_by_label("Batch 40, ok, 1 record");
        row.rect().top()
    };
    let before = row(&harness);
    harness.state_mut().tell(batches(201..=230));
    harness.run();
    assert_eq!(chosen(&harness), ["Batch 40, ok, 1 record"]);
    assert!((row(&harness) - before).abs() < 1.0);
}

#[test]
fn keys_walk_what_is_listed() {
    let mut steps = batches(1..=5);
    let [begins, ends] = tried(6, 1, &[record(1)], Outcome::Failed);
    steps.extend([(6, begins), (6, ends)]);
    steps.extend(batches(7..=9));
    let mut harness = screen(World::told(steps));
    // The newest trouble is shown until something is chosen.
    assert_eq!(chosen(&harness), ["Batch 6, failed, 1 record"]);
    harness.key_press(egui::Key::J);
    harness.run();
    assert_eq!(chosen(&harness), ["Batch 5, ok, 1 record"]);
    harness.get_by_label("Only trouble").click();
    harness.run();
    harness.key_press(egui::Key::K);
    harness.run();
    assert_eq!(chosen(&harness), ["Batch 6, failed, 1 record"]);
}

#[test]
fn what_happened_to_a_batch_is_told_in_words() {
    let records = [record(1), record(2), record(3)];
    let mut steps: Vec<What> = tried(1, 1, &records, Outcome::Failed).into();
    steps.push(skipped(Some(1), record(1), 2));
    steps.push(split(1, [2, 3]));
    steps.extend(tried(2, 1, &records[1..2], Outcome::Succeeded));
    steps.extend(tried(3, 1, &records[2..], Outcome::Failed));
    steps.push(discarded(3, &records[2..]));
    steps.push(replayed(Some(3), &records[2..], Outcome::Succeeded));
    let steps = steps.into_iter().map(|what| (5, what)).collect();
    let mut harness = screen(World::told(steps));
    for words in [
        "Skipped item-1. skipped by hand: counts as done",
        "Gave up 1 record · no attempts left, poison record",
        "Replay 1 · 1 record · ok",
    ] {
        assert!(says(&harness, words), "{words}");
    }
    harness.get_by_label_contains("Replay 1 · 1 record").click();
    harness.run();
    for words in [
        "Batch 3, replay 1",
        "No checkpoint moved",
        "1 record would be done",
    ] {
        assert!(says(&harness, words), "{words}");
    }
    assert!(harness.query_by_label("Poison record").is_none());
    harness.get_by_label("Logs").click();
    harness.run();
    assert!(says(&harness, "START"));
}

#[test]
fn what_waits_says_why_and_the_record_in_the_way_can_be_skipped() {
    let mut steps: Vec<What> = tried(1, 1, &[record(1)], Outcome::Failed).into();
    steps.push(What::Waiting {
        batch: Some(BatchId(1)),
        until: at(1004),
        reason: "waits 4 s before attempt 2 of 3: function error".to_owned(),
    });
    let steps = steps.into_iter().map(|what| (999, what)).collect();
    let mut harness = screen(World::told(steps));
    assert!(says(&harness, "waits 4 s before attempt 2 of 3"));
    assert!(says(&harness, "next in 4.0 s"));
    harness.get_by_label("Skip record…").click();
    harness.run();
    assert!(says(&harness, "Skip record item-1?"));
    assert!(says(&harness, "is not delivered and goes nowhere"));
    harness.get_by_label("Cancel").click();
    harness.run();
    assert!(!says(&harness, "Skip record item-1?"));
}

#[test]
fn what_happened_to_no_batch_is_listed_too() {
    let mut steps = batches(1..=1);
    steps.extend([
        (10, filtered(record(1))),
        (11, filtered(record(2))),
        (20, skipped(None, record(3), 0)),
        (30, replayed(Some(77), &[record(4)], Outcome::Failed)),
        (40, poll_failed(1, 41)),
        (41, poll_failed(2, 1003)),
    ]);
    let mut harness = screen(World::told(steps));
    let mut look = |row: &str, words: &[&str]| {
        harness.get_by_label(row).click();
        harness.run();
        for words in words {
            assert!(says(&harness, words), "{row}: {words}");
        }
    };
    look(
        "Note, 2 records filtered out",
        &[
            "No filter let these records through",
            r#"filter 1: eventName is "INSERT", the pattern wants ["REMOVE"]"#,
        ],
    );
    look("Note, skipped item-3", &["item-3", "skipped by hand"]);
    look(
        "Note, replayed 1 record",
        &["Replay, failed", "No checkpoint moved"],
    );
    look(
        "Note, 2 polls failed",
        &[
            "Rate exceeded",
            "First failed at 00:00:40.000",
            "Polls again at",
        ],
    );
}

#[test]
fn an_event_that_is_no_json_is_refused_and_nothing_typed_is_lost() {
    let mut harness = screen(World::told(batches(1..=1)));
    harness.get_by_label("Replay").click();
    harness.run();
    assert!(says(&harness, "Batch, 1 record"));
    let world = harness.state_mut();
    let place = (MAPPING.to_owned(), SHARD.into(), 1);
    world.panel.replaying.edit(place.clone(), "{}".to_owned());
    harness.run();
    let editor = harness.get_by_label("Edited event");
    editor.focus();
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    harness
        .get_by_label("Edited event")
        .type_text("{\"Records\": oops");
    harness.run();
    assert!(says(
        &harness,
        "This is not JSON: expected value at line 1 column 13"
    ));
    let button = harness.get_by_label("Replay edited event");
    assert!(button.accesskit_node().is_disabled());
    // Looking elsewhere keeps it.
    harness.get_by_label("Response").click();
    harness.run();
    harness.get_by_label("Replay").click();
    harness.run();
    let drafts = &harness.state().panel.replaying.drafts;
    assert_eq!(drafts[&place].editor.text(), "{\"Records\": oops");
}

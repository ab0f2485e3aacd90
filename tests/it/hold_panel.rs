//! Control of a trigger in the console, on an embedded cloud: pausing, stepping, skipping and replaying by clicks and keys.

use std::time::Duration;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use waterwheel::aws::dynamodb::{self, PutRule, item_from_dynamodb_json};
use waterwheel::aws::lambda::{self, Code};
use waterwheel::aws::{control, demo};
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::config::StartingPosition;
use waterwheel::ui::{Listing, Route};

use crate::console::Lab;

const NONE: Modifiers = Modifiers::NONE;
const SECOND: Duration = Duration::from_secs(1);
/// Fails on the customer "poison", and says how many orders it was given.
const TOUCHY: &str = r#"export const handler = async (event) => {
    console.log("got " + event.Records.length);
    if (event.Records.some((it) => it.dynamodb.Keys.customer.S === "poison")) throw new Error("ouch");
    return { fine: true };
};"#;

/// A console on a trigger that retries batches of four for as long as it takes; its UUID.
pub(crate) fn shop() -> (Lab, String) {
    let mut lab = Lab::paused();
    let aws = lab.aws.clone();
    let uuid = lab.runtime.block_on(async {
        let built = demo::build(aws.clone()).await.unwrap();
        let files = vec![(demo::FILE.to_owned(), TOUCHY.to_owned())];
        lambda::update_code(aws.clone(), demo::FUNCTION.to_owned(), Code::Files(files))
            .await
            .unwrap();
        waterwheel::clock::Clock::real().sleep(2 * SECOND).await;
        let config = MappingConfig {
            batch_size: 4,
            starting_position: StartingPosition::TrimHorizon,
            ..MappingConfig::default()
        };
        let uuid = built.mapping;
        lambda::update_mapping(aws, uuid.clone(), config, Some(true), None)
            .await
            .unwrap();
        uuid
    });
    lab.pass(2 * SECOND);
    let all = waterwheel::ui::Action::Reload(Listing::All);
    lab.harness.state_mut().wish(all);
    lab.settle();
    (lab, uuid)
}

impl Lab {
    /// Writes an order of each of these customers.
    pub(crate) fn order(&mut self, customers: &[&str]) {
        let aws = self.aws.clone();
        self.runtime.block_on(async {
            for customer in customers {
                let json = format!(r#"{{"customer":{{"S":"{customer}"}},"order":{{"S":"1"}}}}"#);
                let item = item_from_dynamodb_json(&json).unwrap();
                let table = demo::TABLE.to_owned();
                dynamodb::put_item(aws.clone(), table, item, PutRule::Any)
                    .await
                    .unwrap();
            }
        });
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(words);
        found.next().is_some()
    }

    #[track_caller]
    pub(crate) fn must_say(&self, words: &str) {
        assert!(self.says(words), "nothing says \"{words}\"");
    }
}

#[test]
fn a_poller_is_paused_stepped_and_resumed_on_the_page_of_its_trigger() {
    let (mut lab, uuid) = shop();
    lab.go(Route::Trigger(uuid.clone()));
    assert!(lab.shows("polling"));
    lab.click("Pause poller");
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(true));
    lab.must_say("Paused: nothing new is read or delivered. No record that was read waits.");
    lab.must_say("Enabled, paused");
    lab.order(&["a", "b"]);
    lab.pass(SECOND);
    // Nothing was read: there is no batch to step.
    let batch = lab.harness.get_by_label("Step one batch");
    assert!(batch.accesskit_node().is_disabled());
    lab.must_say("no record waits: step by a poll first");
    lab.click("Step one poll");
    lab.pass(SECOND);
    lab.must_say("2 records wait.");
    lab.must_say("2 records wait to be put into a batch");
    lab.shots("trigger_paused");
    lab.click("Step one batch");
    lab.pass(SECOND);
    lab.must_say("No record that was read waits.");
    lab.must_say("Let one attempt through");
    lab.click("Resume poller");
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(false));
    assert!(!lab.says("Paused:"));
}

#[test]
fn keys_hold_the_poller_unless_something_is_typed() {
    let (mut lab, uuid) = shop();
    lab.go(Route::Trigger(uuid.clone()));
    let is_paused = |lab: &Lab| control::is_paused(&lab.aws, &uuid).unwrap();
    lab.press(NONE, Key::P);
    assert!(is_paused(&lab));
    lab.order(&["a"]);
    lab.press(Modifiers::SHIFT, Key::S);
    lab.pass(SECOND);
    lab.must_say("1 record waits.");
    lab.press(NONE, Key::S);
    lab.pass(SECOND);
    lab.must_say("No record that was read waits.");
    lab.press(NONE, Key::P);
    assert!(!is_paused(&lab));
    lab.press(Modifiers::COMMAND, Key::K);
    lab.press(NONE, Key::P);
    assert!(!is_paused(&lab));
}

#[test]
fn the_palette_holds_pollers_and_going_back_does_not_do_it_again() {
    let (mut lab, uuid) = shop();
    let run = |lab: &mut Lab, words: &str| {
        lab.press(Modifiers::COMMAND, Key::K);
        lab.harness.get_by_label("Palette").type_text(words);
        lab.harness.run();
        lab.press(NONE, Key::Enter);
    };
    run(&mut lab, "pause poller of");
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(true));
    lab.go(Route::Logs);
    run(&mut lab, "resume poller of");
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(false));
    lab.press(Modifiers::ALT, Key::ArrowLeft);
    lab.press(Modifiers::ALT, Key::ArrowLeft);
    lab.settle();
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(false));
    run(&mut lab, "skip the record that blocks");
    lab.must_say("No record blocks Orders › on-order");
}

#[test]
fn what_blocks_the_shard_is_named_and_its_record_is_skipped_after_a_question() {
    let (mut lab, uuid) = shop();
    lab.go(Route::Trigger(uuid.clone()));
    lab.order(&["poison"]);
    lab.pass(SECOND);
    lab.must_say("blocks this shard");
    lab.must_say("function error: Error: ouch");
    lab.must_say("next attempt in");
    lab.shots("trigger_blocked");
    lab.click("Pause poller");
    lab.must_say("next attempt when it is stepped or resumed");
    lab.click("Skip record…");
    lab.must_say("Skip record poison / 1?");
    lab.must_say("It is not delivered and goes nowhere");
    lab.shots("skip_record");
    lab.press(NONE, Key::Escape);
    assert!(!lab.says("Skip record poison / 1?"));
    lab.click("Skip record…");
    lab.click("Skip record poison / 1");
    lab.pass(SECOND);
    lab.must_say("Skipped record poison / 1");
    lab.must_say("No record that was read waits.");
    assert!(!lab.says("blocks this shard"));
    lab.must_say("Skipped by hand");
    lab.go(Route::Batches);
    lab.must_say("Skipped poison / 1. skipped by hand: counts as done");
}

#[test]
fn a_record_of_a_batch_of_several_is_chosen_from_a_list() {
    let (mut lab, _) = shop();
    lab.click("Triggers");
    lab.click("Pause poller");
    lab.order(&["a", "poison", "b"]);
    lab.click("Step one poll");
    lab.pass(SECOND);
    lab.click("Step one batch");
    lab.pass(SECOND);
    lab.must_say("blocks this shard");
    lab.click("Skip record…");
    lab.click("INSERT poison / 1");
    lab.click("Skip record poison / 1");
    lab.pass(SECOND);
    lab.click("Resume poller");
    lab.pass(SECOND);
    assert!(!lab.says("blocks this shard"));
    lab.must_say("Nothing waits");
}

#[test]
fn a_record_that_waits_for_its_batch_is_skipped_and_the_function_never_gets_it() {
    let (mut lab, uuid) = shop();
    let config = MappingConfig {
        batch_size: 100,
        batching_window_secs: 300,
        starting_position: StartingPosition::TrimHorizon,
        ..MappingConfig::default()
    };
    let update = lambda::update_mapping(lab.aws.clone(), uuid.clone(), config, None, None);
    lab.ask(update);
    lab.pass(2 * SECOND);
    lab.reload();
    lab.go(Route::Trigger(uuid));
    lab.click("Pause poller");
    let many: Vec<String> = (1..=21).map(|nth| format!("c{nth}")).collect();
    let many = many.iter().map(String::as_str);
    let customers: Vec<&str> = ["a", "poison"].into_iter().chain(many).collect();
    lab.order(&customers);
    lab.click("Step one poll");
    lab.pass(SECOND);
    lab.must_say("23 records wait to be put into a batch");
    lab.click("Skip record…");
    lab.must_say("3 more: offered when they have moved up");
    assert!(lab.shows("INSERT c18 / 1") && !lab.shows("INSERT c19 / 1"));
    lab.shots("skip_queued_menu");
    lab.click("INSERT poison / 1");
    lab.must_say("Skip record poison / 1?");
    lab.must_say("waits for its batch in shard");
    lab.shots("skip_queued");
    lab.click("Skip record poison / 1");
    lab.pass(SECOND);
    lab.must_say("Skipped record poison / 1");
    lab.must_say("22 records wait to be put into a batch");
    lab.must_say("Skipped by hand");
    lab.shots("skipped_queued");
    // The function would throw if it were given the record.
    lab.click("Step one batch");
    lab.pass(SECOND);
    lab.must_say("No record that was read waits.");
    assert!(!lab.says("blocks this shard"));
    lab.go(Route::Batches);
    lab.click("Note, skipped poison / 1");
    lab.must_say("before it was in a batch that is kept: it counts as done");
    lab.go(Route::Logs);
    lab.must_say("got 22");
}

#[test]
fn a_batch_is_replayed_whole_by_halves_and_by_records_and_no_checkpoint_moves() {
    let (mut lab, uuid) = shop();
    lab.go(Route::Trigger(uuid.clone()));
    lab.click("Pause poller");
    lab.order(&["a", "poison", "b"]);
    lab.click("Step one poll");
    lab.pass(SECOND);
    lab.click("Step one batch");
    lab.pass(SECOND);
    lab.go(Route::Batches);
    lab.must_say("Batch 1, attempt 1");
    lab.press(NONE, Key::R);
    lab.pass(SECOND);
    lab.must_say("Batch 1, replay 1");
    lab.must_say("No checkpoint moved, no letter was written");
    lab.must_say("function error: Error: ouch");
    lab.shots("replay_answer");
    lab.click_last("Logs");
    lab.must_say("got 3");
    lab.click("Replay");
    lab.click("Second half, 1 record");
    lab.click_last("Replay");
    lab.pass(SECOND);
    lab.must_say("Batch 1, replay 2");
    lab.must_say("1 record would be done");
    lab.click("Replay");
    lab.click("Single records");
    lab.must_say("Tick a record");
    lab.click("INSERT a / 1");
    lab.click("Dry run");
    lab.must_say("This would be sent. Nothing was.");
    lab.shots("replay_dry_run");
    lab.click_last("Replay");
    lab.pass(SECOND);
    lab.must_say("Batch 1, replay 3");
    lab.must_say("paused, 3 records wait, batch 1 blocks");
}

#[test]
fn an_edited_event_is_replayed_and_kept_when_it_is_refused() {
    let (mut lab, _) = shop();
    lab.order(&["poison"]);
    lab.pass(SECOND);
    lab.go(Route::Batches);
    lab.click("Edit and replay…");
    lab.pass(SECOND);
    let text = |lab: &Lab| {
        let editor = lab.harness.get_by_label("Edited event");
        editor.accesskit_node().value().unwrap_or_default()
    };
    let event = text(&lab);
    assert!(event.contains("\"poison\""), "{event}");
    lab.retype("Edited event", &event.replace("\"poison\"", "\"cured\""));
    // A function that is gone refuses it, and nothing typed is lost.
    let aws = lab.aws.clone();
    let name = || demo::FUNCTION.to_owned();
    lab.runtime
        .block_on(lambda::delete_function(aws, name()))
        .unwrap();
    lab.click("Replay edited event");
    lab.pass(SECOND);
    lab.must_say("There is no function");
    lab.shots("replay_refused");
    assert!(text(&lab).contains("cured"));
    let aws = lab.aws.clone();
    lab.runtime.block_on(demo::build(aws)).unwrap();
    lab.pass(2 * SECOND);
    lab.click("Replay edited event");
    lab.pass(SECOND);
    lab.must_say("Batch 1, replay 1");
    assert!(lab.shows("edited event"));
}

#[test]
fn a_locked_connection_holds_nothing() {
    let (mut lab, uuid) = shop();
    lab.go(Route::Trigger(uuid.clone()));
    lab.harness.state().aws().unwrap().gate().lock();
    lab.click("Pause poller");
    lab.must_say("This connection is read-only: PausePoller was not sent");
    assert_eq!(control::is_paused(&lab.aws, &uuid), Some(false));
}

impl Lab {
    /// The lowest control of this name: there are others in the rail and among the tabs.
    pub(crate) fn click_last(&mut self, label: &str) {
        let all = self.harness.query_all_by_label(label);
        let y = |node: &egui_kittest::Node<'_>| node.rect().top();
        let lowest = all.max_by(|one, other| y(one).total_cmp(&y(other)));
        lowest.unwrap().click();
        self.harness.run();
        self.settle();
    }

    /// Pictures for people to look at, where `SHOTS` names a folder.
    pub(crate) fn shots(&mut self, what: &str) {
        let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
            return;
        };
        for (name, theme) in [
            ("light", egui::ThemePreference::Light),
            ("dark", egui::ThemePreference::Dark),
        ] {
            self.harness.ctx.set_theme(theme);
            self.harness.run();
            let path = folder.join(format!("{what}_{name}.png"));
            crate::render::shot(&mut self.harness, path);
        }
    }

    fn retype(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.run();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }
}

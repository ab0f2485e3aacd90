//! The page "What if": other settings of a trigger tried on what its stream still holds.

use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::demo::{self, Writer};
use waterwheel::aws::dynamodb::{PutRule, delete_table, item_from_dynamodb_json, put_item};
use waterwheel::aws::shards::{self, ShardRow};
use waterwheel::aws::{lambda, settings, world};
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;

/// A console at the page of the demo's trigger, with so many orders in its stream.
fn lab(theme: egui::Theme, orders: usize) -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let mut lab = Lab::sized(settings, [1600.0, 1400.0], theme);
    lab.ask(demo::build(lab.aws.clone()));
    order(&lab, orders);
    open(&mut lab);
    lab
}

fn order(lab: &Lab, orders: usize) {
    for nth in 0..orders {
        let json = format!(r#"{{"customer":{{"S":"c"}},"order":{{"S":"{nth}"}}}}"#);
        let item = item_from_dynamodb_json(&json).unwrap();
        let table = demo::TABLE.to_owned();
        lab.ask(put_item(lab.aws.clone(), table, item, PutRule::Any));
    }
}

/// The same on paused time; the shard with the orders was split behind them.
fn split(orders: usize) -> Lab {
    let mut lab = Lab::paused_sized([1600.0, 1400.0]);
    lab.ask(demo::build(lab.aws.clone()));
    order(&lab, orders);
    let first = all_shards(&lab)[0].id.clone();
    lab.ask(shards::split(lab.aws.clone(), stream(&lab), first));
    open(&mut lab);
    lab
}

fn stream(lab: &Lab) -> String {
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    mappings[0].event_source_arn().unwrap().to_owned()
}

fn all_shards(lab: &Lab) -> Vec<ShardRow> {
    lab.ask(shards::list(lab.aws.clone(), stream(lab)))
}

/// The last digits of a shard's id.
fn short(shard: &ShardRow) -> String {
    shard.id.rsplit('-').next().unwrap().to_owned()
}

fn open(lab: &mut Lab) {
    lab.reload();
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    lab.go(Route::Trigger(mappings[0].uuid.clone().unwrap()));
    lab.until("the trigger is there", |it| {
        it.query_by_label("What if…").is_some()
    });
    lab.click("What if…");
}

/// The demo as it is after some seconds: batches that succeeded, and a bad order.
fn write(lab: &Lab, time: Duration) {
    let steer = Arc::new(Writer::new(1, Some(Duration::from_secs(1))));
    let clock = waterwheel::clock::Clock::real();
    lab.runtime.block_on(async {
        let writing = tokio::spawn(demo::writer(lab.aws.clone(), steer));
        clock.sleep(time).await;
        writing.abort();
    });
}

fn run(lab: &mut Lab) {
    lab.harness.get_by_label("Run").click();
    lab.harness.run();
    // It plays on a thread of its own.
    lab.wait_for("the report", |it| {
        it.query_by_label("Side by side").is_some() && it.query_by_label("Run").is_some()
    });
}

#[test]
fn other_settings_are_compared_with_those_in_force() {
    let mut lab = lab(egui::Theme::Dark, 12);
    assert!(lab.shows("Nothing tried yet"));
    let proposed = "Batch size";
    lab.type_into(proposed, "many");
    assert!(lab.shows("Put right first: Batch size: Must be 1–10,000"));
    lab.type_into(proposed, "1");
    lab.click("a chosen time");
    run(&mut lab);
    assert!(lab.shows("Invocations"));
    assert!(lab.shows("Records per invocation"));
    let mut charts = lab
        .harness
        .query_all_by_label_contains("Calls by number of records, 1: ");
    assert!(charts.next().is_some());
    drop(charts);
    lab.type_into(proposed, "2");
    assert!(lab.shows("changed since this report"));
    lab.click("As they are now");
    run(&mut lab);
    assert!(lab.shows("Both do exactly the same with these records"));
    // What was typed and found is still there after a look elsewhere.
    lab.click("Back to the trigger");
    lab.click("What if…");
    assert!(lab.shows("Side by side"));
}

#[test]
fn a_stream_without_records_says_so_and_keeps_what_was_typed() {
    let mut lab = lab(egui::Theme::Dark, 0);
    lab.type_into("Batch size", "7");
    lab.click("a chosen time");
    lab.harness.get_by_label("Run").click();
    lab.harness.run();
    lab.wait_for("the refusal", |it| {
        it.query_by_label_contains("There is no record in this stretch")
            .is_some()
    });
    assert!(lab.shows("Run"));
}

#[test]
fn one_shard_is_played_at_a_pace_of_its_own() {
    let mut lab = split(12);
    let shard = short(&all_shards(&lab)[0]);
    lab.must_say("The engine is set to 4/s. AWS polls a shard four times a second");
    let list = lab.harness.get_by_role_and_label(Role::ComboBox, "Shard");
    list.click();
    lab.settle();
    lab.shots("whatif_shards");
    lab.press(Modifiers::NONE, Key::Escape);
    lab.choose("Shard", &format!("{shard} closed, 12 records"));
    lab.must_say("Played alone, it waits for no parent");
    lab.click("a chosen time");
    run(&mut lab);
    assert!(lab.shows("12 records") && lab.shows("polled 4/s"));
    assert!(lab.shows(&format!("shard {shard}")));
    lab.shots("whatif_shard");
    // The same, said otherwise.
    lab.click("4/s");
    assert!(!lab.shows("changed since this report"));
    lab.click("as written");
    assert!(lab.shows("changed since this report"));
    run(&mut lab);
    assert!(lab.shows("polled as written"));
    lab.choose("Shard", "All 3 shards");
    assert!(lab.shows("changed since this report"));
    run(&mut lab);
    assert!(lab.shows("3 shards"));
    // What the engine is set to is asked anew, too.
    lab.click("as set now");
    run(&mut lab);
    let changes = [("Poll".to_owned(), "as-written".into())];
    lab.ask(settings::change(
        lab.aws.clone(),
        changes.into_iter().collect(),
    ));
    lab.settle();
    assert!(lab.shows("changed since this report"));
    lab.must_say("The engine is set to as written.");
}

#[test]
fn a_shard_that_is_gone_says_so_and_so_does_a_stream() {
    let mut lab = split(1);
    let all = all_shards(&lab);
    lab.choose("Shard", &format!("{} closed, 1 record", short(&all[0])));
    assert!(!lab.says("is gone with its records"));
    let day = Duration::from_hours(25);
    lab.ask(world::set_clock(lab.aws.clone(), None, day));
    lab.pass(Duration::from_secs(3));
    let gone = format!("Shard {} is gone with its records", short(&all[0]));
    lab.must_say(&format!("{gone}: choose another"));
    lab.must_say(&format!("Put right first: {gone}"));
    lab.shots("whatif_shard_gone");
    lab.choose("Shard", &format!("{} open, no records", short(&all[1])));
    assert!(!lab.says("is gone with its records"));
    let table = demo::TABLE.to_owned();
    lab.ask(delete_table(lab.aws.clone(), table));
    lab.ask(world::set_clock(lab.aws.clone(), None, day));
    lab.pass(Duration::from_secs(3));
    lab.must_say("Stream: arn:aws:dynamodb");
    lab.shots("whatif_stream_gone");
}

#[test]
fn a_report_that_was_stopped_leaves_the_one_before_as_it_was() {
    let mut lab = lab(egui::Theme::Dark, 3);
    lab.click("a chosen time");
    run(&mut lab);
    lab.type_into("Batch size", "1");
    lab.harness.get_by_label("Run").click();
    lab.harness.run();
    lab.harness.get_by_label("Stop").click();
    lab.harness.run();
    lab.settle();
    assert!(lab.shows("changed since this report"));
}

/// Pictures for people to look at, where `SHOTS` names a folder.
#[test]
fn the_page_can_be_drawn_without_a_display() {
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let shot = |lab: &mut Lab, what: &str| {
            let path = folder.join(format!("whatif-{what}-{name}.png"));
            crate::render::shot(&mut lab.harness, path);
        };
        let mut lab = lab(theme, 0);
        write(&lab, Duration::from_secs(12));
        open(&mut lab);
        shot(&mut lab, "empty");
        lab.type_into("Batch size", "3");
        lab.type_into("Concurrent batches per shard", "4");
        lab.click("Split batch on error");
        run(&mut lab);
        shot(&mut lab, "report");
        lab.click("as chosen");
        lab.type_into("Bad records", "{\"eventName\":");
        lab.type_into("Batch window", "700");
        shot(&mut lab, "wrong");
    }
}

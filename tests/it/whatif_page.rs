//! The page "What if": other settings of a trigger tried on what its stream still holds.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::demo::{self, Writer};
use waterwheel::aws::dynamodb::{PutRule, item_from_dynamodb_json, put_item};
use waterwheel::aws::lambda;
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
    for nth in 0..orders {
        let json = format!(r#"{{"customer":{{"S":"c"}},"order":{{"S":"{nth}"}}}}"#);
        let item = item_from_dynamodb_json(&json).unwrap();
        let table = demo::TABLE.to_owned();
        lab.ask(put_item(lab.aws.clone(), table, item, PutRule::Any));
    }
    open(&mut lab);
    lab
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

//! The screen of the local cloud: the engine's settings, shown and changed.

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::settings;
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;

/// A console high enough to show the whole screen: what is scrolled away cannot be clicked.
fn lab() -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let mut lab = Lab::sized(settings, [1440.0, 2000.0], egui::Theme::Dark);
    lab.go(Route::LocalCloud);
    lab
}

fn in_force(lab: &Lab, name: &str) -> serde_json::Value {
    let values = settings::in_force(&lab.aws).unwrap();
    values.get(name).cloned().unwrap_or_default()
}

#[test]
fn settings_are_changed_together_and_say_so_before() {
    let mut lab = lab();
    assert!(lab.shows("Poll pace: polls 4/s"));
    lab.click("as written");
    lab.type_into("Shards of a new stream", "4");
    lab.click("Limits of readers");
    assert!(lab.shows("Poll pace: 4/s → as-written"));
    assert!(lab.shows("Limits of readers: off → on"));
    assert_eq!(in_force(&lab, "Shards"), 1);
    lab.click("Apply 3 changes");
    lab.until("they are taken", |it| {
        it.query_by_label("Nothing to apply").is_some()
    });
    assert_eq!(in_force(&lab, "Poll"), "as-written");
    assert_eq!(in_force(&lab, "Shards"), 4);
    assert_eq!(in_force(&lab, "StreamLimits"), true);
    assert!(lab.shows("Poll pace: polls as written"));
}

#[test]
fn what_the_engine_refuses_stands_beside_its_field_and_stays_typed() {
    let mut lab = lab();
    lab.click("Refuse requests beyond the provisioned capacity");
    lab.type_into("Roll shards over after", "30");
    lab.click("Apply 2 changes");
    let words = "ShardPeriodInSeconds must be 0, which is never, or 60 to 31536000";
    lab.until("it is refused", |it| it.query_by_label(words).is_some());
    assert_eq!(in_force(&lab, "Throttle"), false);
    assert!(lab.shows("Roll shards over after: 0 → 30"));
    lab.type_into("Roll shards over after", "90");
    assert!(!lab.shows(words));
    lab.click("Apply 2 changes");
    lab.until("they are taken", |it| {
        it.query_by_label("Nothing to apply").is_some()
    });
    assert_eq!(in_force(&lab, "ShardPeriodInSeconds"), 90);
}

#[test]
fn what_is_no_number_is_not_sent_and_can_be_discarded() {
    let mut lab = lab();
    lab.type_into("Filters of a trigger", "many");
    assert!(lab.shows("Must be a whole number between 1 and 1,000"));
    lab.click("Apply 1 change");
    assert!(lab.shows("Filters of a trigger: 5 → many"));
    lab.click("Discard");
    assert!(lab.shows("Nothing to apply"));
}

#[test]
fn settings_changed_by_others_show_where_nothing_was_typed() {
    let mut lab = lab();
    lab.type_into("Shards of a new stream", "3");
    let changes = serde_json::json!({"FiltersMax": 9, "Poll": "as-written"});
    let changes = changes.as_object().cloned().unwrap();
    lab.ask(settings::change(lab.aws.clone(), changes));
    lab.settle();
    assert!(lab.shows("Poll pace: polls as written"));
    assert!(lab.shows("Apply 1 change"));
    lab.click("Apply 1 change");
    lab.until("it is taken", |it| {
        it.query_by_label("Nothing to apply").is_some()
    });
    assert_eq!(in_force(&lab, "FiltersMax"), 9);
    assert_eq!(in_force(&lab, "Shards"), 3);
}

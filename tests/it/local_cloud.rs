//! The screen of the local cloud: the engine's settings and injected faults, shown and changed.

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{faults, settings};
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;

/// A console high enough to show the whole screen: what is scrolled away cannot be clicked.
fn lab() -> Lab {
    lab_in(egui::Theme::Dark)
}

fn lab_in(theme: egui::Theme) -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let mut lab = Lab::sized(settings, [1440.0, 2000.0], theme);
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

fn choose(lab: &mut Lab, field: &str, choice: &str) {
    lab.click(field);
    lab.click(choice);
}

#[test]
fn a_rule_has_everything_that_the_engine_knows_of_rules() {
    let mut lab = lab();
    lab.type_into("Seed", "42");
    choose(&mut lab, "What goes wrong", "Delay");
    lab.type_into("Only about", "Orders");
    lab.type_into("Share of calls", "12.5");
    lab.type_into("Spare first", "3");
    lab.type_into("Then strike among", "20");
    lab.type_into("At least", "5");
    lab.type_into("At most", "2");
    assert!(lab.shows("Must not be less than the least"));
    lab.type_into("At most", "50");
    lab.click("Add fault");
    lab.until("the rule is listed", |it| {
        it.query_by_label("Rule 1, Delay of dynamodb:*, on, struck 0 of 0")
            .is_some()
    });
    assert!(lab.shows("12.5 % of calls, among 20, after 3, by 5 ms to 50 ms"));
    assert!(lab.shows("seed 42"));
    assert!(lab.shows("1 fault rule"));

    choose(&mut lab, "What goes wrong", "FunctionError");
    lab.type_into("Error type", "TypeError");
    lab.type_into("Error message", "qty is missing");
    lab.click("Add fault");
    lab.until("the rule is listed", |it| {
        it.query_by_label("Rule 2, FunctionError of lambda:Invoke, on, struck 0 of 0")
            .is_some()
    });
    let rules = faults::rules(&lab.aws);
    let error = ("TypeError".to_owned(), "qty is missing".to_owned());
    assert_eq!(rules[1].error, Some(error));
}

#[test]
fn rules_are_switched_removed_and_counted_anew_one_by_one() {
    let mut lab = lab();
    lab.type_into("Calls", "dynamodb:ListTables");
    lab.type_into("Spare first", "100");
    lab.click("Add fault");
    lab.reload();
    let seen =
        |lab: &Lab| -> Vec<u64> { faults::rules(&lab.aws).iter().map(|it| it.seen).collect() };
    assert_eq!(seen(&lab), [1]);
    lab.type_into("Calls", "dynamodb:*");
    lab.click("Add fault");
    lab.reload();
    assert_eq!(seen(&lab)[0], 2);
    lab.click("Rule 1 is on");
    assert!(!faults::rules(&lab.aws)[0].is_on);
    assert!(lab.shows("1 fault rule"));
    lab.reload();
    assert_eq!(seen(&lab)[0], 2);
    lab.type_into("Seed", "5");
    lab.click("Count anew");
    assert_eq!(seen(&lab), [0, 0]);
    assert!(lab.shows("seed 5"));
    lab.click("Remove rule 1");
    lab.click("Remove rule 2");
    assert!(faults::rules(&lab.aws).is_empty());
}

#[test]
fn a_rule_that_names_no_call_is_refused_beside_its_calls() {
    let mut lab = lab();
    lab.type_into("Calls", "dynamodb:PutItm");
    lab.click("Add fault");
    lab.until("it is refused", |it| {
        it.query_by_label_contains("Calls \"dynamodb:PutItm\" names no operation")
            .is_some()
    });
    lab.type_into("Calls", "dynamodb:PutItem");
    assert!(
        lab.harness
            .query_by_label_contains("names no operation")
            .is_none()
    );
    lab.click("Add fault");
    assert_eq!(faults::rules(&lab.aws).len(), 1);
}

/// Pictures for people to look at, where `SHOTS` names a folder.
#[test]
fn the_screen_can_be_drawn_without_a_display() {
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let shot = |lab: &mut Lab, what: &str| {
            let path = folder.join(format!("local-{what}-{name}.png"));
            crate::render::shot(&mut lab.harness, path);
        };
        let mut lab = lab_in(theme);
        shot(&mut lab, "empty");
        lab.click("as written");
        lab.type_into("Roll shards over after", "30");
        lab.type_into("Filters of a trigger", "none");
        lab.type_into("Filters of a trigger", "7");
        lab.click("Apply 3 changes");
        lab.type_into("Seed", "42");
        lab.click("Add fault");
        choose(&mut lab, "What goes wrong", "Delay");
        lab.type_into("Only about", "Orders");
        lab.type_into("Share of calls", "12.5");
        lab.type_into("Spare first", "3");
        lab.click("Add fault");
        lab.click("Rule 1 is on");
        choose(&mut lab, "What goes wrong", "FunctionError");
        lab.type_into("Calls", "dynamodb:PutItem");
        lab.click("Add fault");
        lab.settle();
        shot(&mut lab, "full");
    }
}

//! The versions and aliases of a function in the console, as a user would publish and point them.

use std::time::Duration;

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{demo, lambda};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;
use crate::render::shot;
use crate::roles_panel::fill;

const FUNCTION: &str = "on-order";

fn versions(lab: &Lab) -> lambda::Versions {
    lab.ask(lambda::list_versions(lab.aws.clone(), FUNCTION.to_owned()))
}

/// The demo's function, its versions in view, and the stream that triggers it.
fn lab() -> (Lab, String) {
    lab_on(Lab::new())
}

fn lab_on(mut lab: Lab) -> (Lab, String) {
    let stream = lab.ask(demo::build(lab.aws.clone())).stream_arn;
    lab.harness.state_mut().wish(Action::Reload(Listing::All));
    lab.harness.step();
    lab.settle();
    lab.go(Route::Function(FUNCTION.to_owned()));
    lab.click("Versions");
    lab.until("there is $LATEST", |it| {
        it.query_by_label("$LATEST").is_some()
    });
    (lab, stream)
}

/// Chooses from a list.
fn choose(lab: &mut Lab, list: &str, what: &str) {
    lab.harness
        .get_by_role_and_label(Role::ComboBox, list)
        .click();
    lab.harness.run();
    lab.harness
        .get_by_role_and_label(Role::Button, what)
        .click();
    lab.harness.run();
    lab.settle();
}

#[test]
fn a_version_is_published_pointed_to_and_deleted() {
    let (mut lab, _) = lab();
    lab.type_into("Description of the version", "the first");
    lab.click("Publish version");
    lab.until("it is told", |it| {
        it.query_by_label("Published version 1 of on-order")
            .is_some()
    });
    lab.until("it is listed", |it| {
        it.query_by_label("the first").is_some()
    });
    lab.click("Publish version");
    lab.until("nothing is new", |it| {
        it.query_by_label("Nothing changed since version 1 of on-order")
            .is_some()
    });

    lab.type_into("Alias", "live");
    choose(&mut lab, "Version", "1");
    lab.click("Create alias");
    lab.until("it points", |it| {
        it.query_by_label("points to version 1").is_some()
    });
    if let Some(folder) = std::env::var_os("SHOTS") {
        let path = std::path::Path::new(&folder).join("versions.png");
        shot(&mut lab.harness, path);
    }
    assert!(!lab.shows("Delete version 1…"), "an alias points to it");
    let alias = versions(&lab).aliases.remove(0);
    assert_eq!(
        (alias.name(), alias.function_version()),
        (Some("live"), Some("1"))
    );

    lab.click("Edit alias live");
    choose(&mut lab, "Version", "$LATEST");
    lab.click("Save alias");
    lab.until("it points elsewhere", |it| {
        it.query_by_label("points to version $LATEST").is_some()
    });
    lab.type_into("Alias", "half typed");
    lab.click("Delete version 1…");
    lab.click("Delete version 1");
    lab.until("it is gone", |it| it.query_by_label("the first").is_none());
    let typed = lab.harness.get_by_role_and_label(Role::TextInput, "Alias");
    assert_eq!(typed.value().as_deref(), Some("half typed"));
    lab.click("Delete alias live…");
    lab.click("Delete alias live");
    lab.until("no alias is left", |it| {
        it.query_by_label("No alias points to a version yet")
            .is_some()
    });
    assert_eq!(versions(&lab).versions.len(), 1);
}

/// Version 1, and an alias that points to it.
fn publish_as_live(lab: &Lab) {
    let publish = lambda::publish_version(lab.aws.clone(), FUNCTION.to_owned(), String::new());
    assert_eq!(lab.ask(publish), "1");
    let plan = lambda::AliasPlan {
        function: FUNCTION.to_owned(),
        name: "live".to_owned(),
        version: "1".to_owned(),
        share: None,
        is_new: true,
    };
    lab.ask(lambda::put_alias(lab.aws.clone(), plan));
}

/// The ARN of what the only trigger calls.
fn called(lab: &Lab) -> String {
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    mappings[0].function_arn().unwrap().to_owned()
}

#[test]
fn a_trigger_is_edited_to_call_an_alias_and_back_and_the_form_tells_before() {
    // A change takes a while to come into force.
    let settling = Duration::from_secs(10);
    let (mut lab, _) = lab_on(Lab::paused());
    lab.pass(settling);
    publish_as_live(&lab);
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    lab.go(Route::Trigger(mappings[0].uuid.clone().unwrap()));
    let edit = |lab: &mut Lab| {
        lab.until("the trigger is settled", |it| {
            it.query_by_label("Edit").is_some() && it.query_by_label("Updating").is_none()
        });
        lab.click("Edit");
        lab.until("there is a choice", |it| {
            let mut boxes = it.query_all_by_role_and_label(Role::ComboBox, "Version or alias");
            boxes.next().is_some()
        });
    };
    edit(&mut lab);
    assert!(lab.shows("Nothing yet"));
    lab.shots("trigger_edit");
    choose(&mut lab, "Version or alias", "live");
    assert!(lab.shows("on-order → on-order:live"));
    fill(&mut lab, Role::TextInput, "Batch size", "7");
    lab.shots("trigger_edit_changed");
    fill(&mut lab, Role::TextInput, "Batch size", "many");
    assert!(lab.shows("Correct Batch size"));
    lab.shots("trigger_edit_wrong");
    fill(&mut lab, Role::TextInput, "Batch size", "10");
    lab.click("Save trigger");
    lab.until("it is told", |it| {
        let mut told = it.query_all_by_label("Updating the trigger");
        told.next().is_some()
    });
    lab.pass(settling);
    assert!(called(&lab).ends_with(":function:on-order:live"));
    lab.reload();
    edit(&mut lab);
    choose(&mut lab, "Version or alias", "The function itself");
    assert!(lab.shows("on-order:live → on-order"));
    lab.click("Save trigger");
    lab.until("it is saved", |it| it.query_by_label("Edit").is_some());
    lab.pass(settling);
    assert!(called(&lab).ends_with(":function:on-order"));
}

#[test]
fn the_test_tab_calls_a_version_or_an_alias() {
    let (mut lab, _) = lab();
    let call = |lab: &mut Lab, name: &str| {
        lab.click_last("Test");
        lab.until("it answers", |it| {
            it.query_by_label(name).is_some()
                && it.query_by_label("Execution result: succeeded").is_some()
        });
    };
    let event = r#"{"Records":[]}"#.to_owned();
    lab.go(Route::TestEvent(FUNCTION.to_owned(), event));
    assert!(!lab.says("Version or alias"), "there is nothing to choose");
    lab.shots("test_tab_latest");
    lab.click("Versions");
    publish_as_live(&lab);
    lab.click("Test");
    lab.until("there is a choice", |it| {
        let mut boxes = it.query_all_by_role_and_label(Role::ComboBox, "Version or alias");
        boxes.next().is_some()
    });
    lab.click_last("Test");
    lab.until("it answers", |it| {
        it.query_by_label("Execution result: succeeded").is_some()
    });
    choose(&mut lab, "Version or alias", "live");
    call(&mut lab, "on-order:live");
    assert!(lab.shows("1"), "the executed version");
    lab.shots("test_tab_alias");
    lab.ask(lambda::delete_alias(
        lab.aws.clone(),
        FUNCTION.to_owned(),
        "live".to_owned(),
    ));
    lab.click_last("Test");
    lab.until("it is refused", |it| {
        it.query_by_label("ResourceNotFoundException").is_some()
    });
    lab.shots("test_tab_gone");
}

#[test]
fn a_new_trigger_may_call_an_alias() {
    let (mut lab, stream) = lab();
    let function = FUNCTION.to_owned();
    publish_as_live(&lab);
    lab.go(Route::NewTrigger {
        stream_arn: Some(stream),
        function: Some(function),
    });
    let twice = "This function already has a trigger on this stream";
    lab.until("the function is called", |it| {
        it.query_by_label(twice).is_some()
    });
    choose(&mut lab, "Version or alias", "live");
    lab.until("the alias is not", |it| it.query_by_label(twice).is_none());
    lab.click("Create trigger");
    lab.settle();
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    let mut arns = mappings.iter().filter_map(|it| it.function_arn());
    assert!(arns.any(|it| it.ends_with(":function:on-order:live")));
}

//! The versions and aliases of a function in the console, as a user would publish and point them.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{demo, lambda};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;
use crate::render::shot;

const FUNCTION: &str = "on-order";

fn versions(lab: &Lab) -> lambda::Versions {
    lab.ask(lambda::list_versions(lab.aws.clone(), FUNCTION.to_owned()))
}

/// The demo's function, its versions in view, and the stream that triggers it.
fn lab() -> (Lab, String) {
    let mut lab = Lab::new();
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

#[test]
fn a_new_trigger_may_call_an_alias() {
    let (mut lab, stream) = lab();
    let function = FUNCTION.to_owned();
    lab.ask(lambda::publish_version(
        lab.aws.clone(),
        function.clone(),
        String::new(),
    ));
    let plan = lambda::AliasPlan {
        function: function.clone(),
        name: "live".to_owned(),
        version: "1".to_owned(),
        share: None,
        is_new: true,
    };
    lab.ask(lambda::put_alias(lab.aws.clone(), plan));
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

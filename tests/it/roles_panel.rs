//! The Roles screen on an embedded cloud: roles made, broken, judged and mended as a user would do it.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{Aws, demo, iam};
use waterwheel::ui::{Action, Listing, Route, Settings};

use crate::console::Lab;
use crate::render::shot;

const STREAMS: &str = "AWSLambdaDynamoDBExecutionRole";

fn aws(lab: &Lab) -> Aws {
    lab.harness.state().aws().unwrap().clone()
}

/// The demo's world, known to the console.
fn with_demo(mut lab: Lab) -> Lab {
    let aws = aws(&lab);
    lab.runtime.block_on(demo::build(aws)).unwrap();
    lab.harness.state_mut().wish(Action::Reload(Listing::All));
    lab.harness.step();
    lab.settle();
    lab
}

fn detail(lab: &Lab, role: &str) -> iam::RoleDetail {
    let role = iam::get_role(aws(lab), role.to_owned());
    lab.runtime.block_on(role).unwrap()
}

fn until_shown(lab: &mut Lab, label: &str) {
    lab.until(label, |it| it.query_all_by_label(label).next().is_some());
}

fn until_gone(lab: &mut Lab, label: &str) {
    let what = format!("{label} is gone");
    lab.until(&what, |it| it.query_all_by_label(label).next().is_none());
}

/// Scrolls to a button and clicks it.
fn click(lab: &mut Lab, label: &str) {
    lab.harness.get_by_label(label).scroll_to_me();
    lab.harness.run();
    lab.click(label);
}

/// Replaces what a field holds.
pub(crate) fn fill(lab: &mut Lab, role: Role, field: &str, text: &str) {
    lab.harness.get_by_role_and_label(role, field).focus();
    lab.harness.run();
    lab.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    lab.harness.run();
    lab.harness
        .get_by_role_and_label(role, field)
        .type_text(text);
    lab.harness.run();
}

/// Clicks a button of a question, whose words the button behind it may share.
fn confirm(lab: &mut Lab, words: &str) {
    lab.harness
        .get_by_role_and_label(Role::Button, words)
        .click();
    lab.harness.run();
    lab.settle();
}

/// Writes pictures for people where `SHOTS` names a folder.
fn picture(lab: &mut Lab, name: &str) {
    if let Some(folder) = std::env::var_os("SHOTS") {
        let path = std::path::Path::new(&folder).join(format!("roles-{name}.png"));
        shot(&mut lab.harness, path);
    }
}

fn lab(theme: egui::Theme) -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    Lab::sized(settings, [1440.0, 900.0], theme)
}

#[test]
fn a_role_is_created_broken_judged_and_mended() {
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let mut lab = with_demo(lab(theme));
        lab.go(Route::NewRole);
        lab.click("Create role");
        assert!(lab.shows("Type a name"));
        fill(&mut lab, Role::TextInput, "Role name", "biller");
        picture(&mut lab, &format!("wizard-{name}"));
        lab.click("Create role");
        until_shown(&mut lab, "trusted by lambda.amazonaws.com");
        assert_eq!(lab.route(), Route::Role("biller".to_owned()));
        assert_eq!(detail(&lab, "biller").attached.len(), 1);

        // AWS's policy reads the stream and writes logs, but sends nothing to the queue.
        until_shown(&mut lab, "No: 1 of 9 checks fails");
        picture(&mut lab, &format!("one-fails-{name}"));
        lab.click(&format!("Detach {STREAMS}…"));
        confirm(&mut lab, &format!("Detach {STREAMS}"));
        until_shown(&mut lab, "No: 8 of 9 checks fail");
        picture(&mut lab, &format!("no-{name}"));

        lab.click("Fix…");
        assert!(lab.shows("Add inline policy waterwheel-on-order"));
        picture(&mut lab, &format!("fix-least-{name}"));
        lab.click("Attach the AWS managed policy");
        assert!(lab.shows(&format!("Attach managed policy {STREAMS}")));
        until_shown(&mut lab, "Apply fix");
        picture(&mut lab, &format!("fix-managed-{name}"));
        click(&mut lab, "Apply fix");
        until_shown(&mut lab, "Yes");
        until_gone(&mut lab, "Apply fix");
        let made = detail(&lab, "biller");
        assert_eq!(made.attached[0].name, STREAMS);
        assert_eq!(made.inline[0].name, "waterwheel-on-order");
        assert!(!made.inline[0].document.contains("GetRecords"));
        picture(&mut lab, &format!("yes-{name}"));
        lab.click("Resource summary");
        picture(&mut lab, &format!("by-action-{name}"));
        lab.click("By resource");
        picture(&mut lab, &format!("by-resource-{name}"));
        if std::env::var_os("SHOTS").is_none() {
            break;
        }
    }
}

#[test]
fn the_least_fix_names_only_what_is_missing() {
    let mut lab = with_demo(Lab::new());
    let stream = detail(&lab, demo::ROLE).inline[0].document.clone();
    let wrong = stream.replace("table/Orders/", "table/Order/");
    let put = iam::put_inline(
        aws(&lab),
        demo::ROLE.to_owned(),
        "read-orders-stream".to_owned(),
        wrong,
    );
    lab.runtime.block_on(put).unwrap();
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "No: 3 of 9 checks fail");
    assert!(
        lab.harness
            .query_all_by_label_contains("the table name differs: Order")
            .next()
            .is_some()
    );
    picture(&mut lab, "closest");
    lab.click("Fix…");
    click(&mut lab, "Apply fix");
    until_shown(&mut lab, "Yes");
    let made = detail(&lab, demo::ROLE);
    let added = made
        .inline
        .iter()
        .find(|it| it.name == "waterwheel-on-order");
    let added = &added.unwrap().document;
    assert!(
        added.contains("GetRecords") && !added.contains("sqs:"),
        "{added}"
    );
}

#[test]
fn lambda_that_is_not_trusted_is_let_in_by_the_fix() {
    let mut lab = with_demo(Lab::new());
    let trust = iam::LAMBDA_TRUST.replace("lambda.", "ec2.");
    let changed = iam::update_trust(aws(&lab), demo::ROLE.to_owned(), trust);
    lab.runtime.block_on(changed).unwrap();
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "No: 1 of 9 checks fails");
    lab.click("Fix…");
    assert!(lab.shows("Change the trust policy"));
    picture(&mut lab, "trust-fix");
    click(&mut lab, "Apply fix");
    until_shown(&mut lab, "Yes");
    assert!(lab.shows("trusted by ec2.amazonaws.com, lambda.amazonaws.com"));
}

#[test]
fn broken_json_never_leaves_its_field_and_a_refusal_keeps_what_was_typed() {
    let mut lab = with_demo(Lab::new());
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "New inline policy");
    lab.click("New inline policy");
    fill(&mut lab, Role::TextInput, "Policy name", "extra");
    let document = "Policy document";
    fill(
        &mut lab,
        Role::MultilineTextInput,
        document,
        "{\"Statement\": [",
    );
    assert!(
        lab.harness
            .query_all_by_label_contains("Line 1: not JSON")
            .next()
            .is_some()
    );
    picture(&mut lab, "broken-json");
    click(&mut lab, "Save policy");
    assert_eq!(detail(&lab, demo::ROLE).inline.len(), 1);

    // Fine as far as the console can tell; the service knows better.
    let odd = r#"{"Version":"1999","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#;
    fill(&mut lab, Role::MultilineTextInput, document, odd);
    click(&mut lab, "Save policy");
    until_shown(&mut lab, "Copy details");
    picture(&mut lab, "refused");
    let field = lab
        .harness
        .get_by_role_and_label(Role::MultilineTextInput, document);
    assert_eq!(
        egui_kittest::kittest::NodeT::accesskit_node(&field)
            .value()
            .unwrap(),
        odd
    );

    let good = odd.replace("1999", "2012-10-17");
    fill(&mut lab, Role::MultilineTextInput, document, &good);
    click(&mut lab, "Save policy");
    until_shown(&mut lab, "Edit policy extra");
    assert_eq!(detail(&lab, demo::ROLE).inline.len(), 2);
    lab.click("Delete policy extra…");
    confirm(&mut lab, "Delete policy extra");
    until_gone(&mut lab, "Edit policy extra");
    assert_eq!(detail(&lab, demo::ROLE).inline.len(), 1);
}

#[test]
fn a_policy_is_attached_by_its_arn_and_an_unknown_one_is_refused_in_place() {
    let mut lab = with_demo(Lab::new());
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "ARN of the policy to attach");
    let field = "ARN of the policy to attach";
    let unknown = "arn:aws:iam::aws:policy/NoSuchPolicy";
    fill(&mut lab, Role::TextInput, field, unknown);
    lab.click("Attach");
    until_shown(&mut lab, "Copy details");
    picture(&mut lab, "unknown-policy");
    let known = iam::MANAGED_TRIGGER_POLICIES[1].1;
    fill(&mut lab, Role::TextInput, field, known);
    lab.press(Modifiers::NONE, Key::Enter);
    until_shown(&mut lab, "Show policy AWSLambdaBasicExecutionRole");
    until_gone(&mut lab, "Copy details");
    lab.click("Show policy AWSLambdaBasicExecutionRole");
    picture(&mut lab, "attached");
}

#[test]
fn the_trust_policy_is_edited_as_json() {
    let mut lab = with_demo(Lab::new());
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "Trust policy");
    lab.click("Trust policy");
    picture(&mut lab, "trust");
    lab.click("Edit trust policy");
    let trust = iam::LAMBDA_TRUST.replace("lambda.", "events.");
    let document = "Trust policy document";
    fill(&mut lab, Role::MultilineTextInput, document, &trust);
    picture(&mut lab, "trust-edit");
    click(&mut lab, "Save trust policy");
    until_shown(&mut lab, "trusted by events.amazonaws.com");
    until_shown(&mut lab, "No: 1 of 9 checks fails");
}

#[test]
fn deleting_a_role_says_who_uses_it_and_wants_its_name() {
    let mut lab = with_demo(Lab::new());
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "Yes");
    lab.click("Delete role…");
    assert!(
        lab.harness
            .query_all_by_label_contains("Used by on-order")
            .next()
            .is_some()
    );
    picture(&mut lab, "delete");
    let asked = format!("Type {} to confirm", demo::ROLE);
    fill(&mut lab, Role::TextInput, &asked, demo::ROLE);
    confirm(&mut lab, &format!("Delete role {}", demo::ROLE));
    until_shown(&mut lab, "No roles yet");
    assert_eq!(lab.route(), Route::Roles);
    picture(&mut lab, "empty");
}

#[test]
fn a_read_only_connection_refuses_in_place_and_keeps_the_form() {
    let mut lab = with_demo(Lab::new());
    aws(&lab).gate().lock();
    lab.go(Route::NewRole);
    fill(&mut lab, Role::TextInput, "Role name", "biller");
    lab.click("Create role");
    until_shown(&mut lab, "Read-only connection");
    picture(&mut lab, "read-only");
    lab.click("Overview");
    lab.go(Route::NewRole);
    let name = lab
        .harness
        .get_by_role_and_label(Role::TextInput, "Role name");
    assert_eq!(
        egui_kittest::kittest::NodeT::accesskit_node(&name)
            .value()
            .unwrap(),
        "biller"
    );
}

#[test]
fn least_privilege_is_shown_before_it_is_sent() {
    let mut lab = with_demo(Lab::new());
    lab.go(Route::NewRole);
    fill(&mut lab, Role::TextInput, "Role name", "narrow");
    lab.click("Least privilege");
    lab.click("Create role");
    assert!(lab.shows("Choose a table whose stream is on"));
    lab.harness
        .get_by_role_and_label(Role::ComboBox, "Stream")
        .click();
    lab.harness.run();
    lab.click("Orders stream");
    fill(
        &mut lab,
        Role::TextInput,
        "Log group",
        "/aws/lambda/on-order",
    );
    assert!(lab.shows("PutRolePolicy read-Orders-stream"));
    picture(&mut lab, "wizard-least");
    lab.click("Create role");
    until_shown(&mut lab, "No: 1 of 9 checks fails");
    assert!(lab.shows("on-order-role"));
    picture(&mut lab, "other-role");
}

#[test]
fn what_was_typed_for_one_role_is_there_after_a_look_at_another() {
    let mut lab = with_demo(Lab::new());
    let other = iam::NewRole {
        name: "other".to_owned(),
        ..iam::NewRole::default()
    };
    let made = iam::create_role(aws(&lab), other);
    lab.runtime.block_on(made).unwrap();
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "New inline policy");
    lab.click("New inline policy");
    fill(&mut lab, Role::TextInput, "Policy name", "extra");
    lab.go(Route::Role("other".to_owned()));
    until_shown(&mut lab, "None lives in this role");
    assert!(!lab.shows("Policy document"));
    lab.go(Route::Role(demo::ROLE.to_owned()));
    assert!(lab.shows("Policy document"));
    lab.press(Modifiers::COMMAND, Key::S);
    until_shown(&mut lab, "Edit policy extra");
}

#[test]
fn the_smallest_window_holds_a_role_and_the_wizard() {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let small = Lab::sized(settings, [1100.0, 700.0], egui::Theme::Dark);
    let mut lab = with_demo(small);
    lab.go(Route::Role(demo::ROLE.to_owned()));
    until_shown(&mut lab, "Yes");
    picture(&mut lab, "small");
    lab.go(Route::NewRole);
    lab.click("Others, by a trust policy");
    picture(&mut lab, "small-wizard");
}

#[test]
fn a_role_that_is_not_there_says_so_and_is_asked_for_again() {
    let mut lab = Lab::new();
    lab.go(Route::Role("late".to_owned()));
    until_shown(&mut lab, "Copy details");
    picture(&mut lab, "missing");
    let late = iam::NewRole {
        name: "late".to_owned(),
        ..iam::NewRole::default()
    };
    let made = iam::create_role(aws(&lab), late);
    lab.runtime.block_on(made).unwrap();
    lab.click("Try again");
    until_shown(&mut lab, "trusted by lambda.amazonaws.com");
    until_gone(&mut lab, "Copy details");
}

//! From a trigger that is denied to one that runs, by clicks: the banner, the fix and its preview, and the way back.

use std::time::Duration;

use aws_sdk_iam::Client;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{demo, iam, local};
use waterwheel::mapping::progress::{Outcome, What};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;
use crate::hold_panel::shop;
use crate::wire::over_the_port;

const SECOND: Duration = Duration::from_secs(1);
const POLICY: &str = "read-orders-stream";
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}]}"#;

fn reload(lab: &mut Lab) {
    let all = Action::Reload(Listing::All);
    lab.harness.state_mut().wish(all);
    lab.settle();
}

/// Batches delivered so far.
fn calls(lab: &Lab) -> usize {
    let (told, _) = local::watch(&lab.aws).unwrap();
    let is_delivered = |what: &What| {
        matches!(
            what,
            What::Invoked {
                outcome: Outcome::Succeeded,
                ..
            }
        )
    };
    told.iter().filter(|it| is_delivered(&it.what)).count()
}

fn put_policy(lab: &Lab, document: &str) {
    let (role, policy) = (demo::ROLE.to_owned(), POLICY.to_owned());
    let put = iam::put_inline(lab.aws.clone(), role, policy, document.to_owned());
    lab.ask(put);
}

#[test]
fn a_denied_trigger_leads_to_its_fix_and_runs() {
    let (mut lab, uuid) = shop();
    lab.order(&["anna"]);
    lab.pass(3 * SECOND);
    let before = calls(&lab);
    assert!(before > 0);

    put_policy(&lab, NOTHING);
    lab.order(&["ben"]);
    lab.pass(10 * SECOND);
    assert_eq!(calls(&lab), before);
    lab.go(Route::Trigger(uuid.clone()));
    assert!(lab.shows("denied"));
    lab.must_say("Please ensure the role can perform");
    lab.shots("denied_trigger");

    lab.click("Fix role…");
    lab.until("the fix is shown", |it| {
        it.query_all_by_label("Apply fix").next().is_some()
    });
    assert!(lab.shows("Add inline policy waterwheel-on-order"));
    lab.must_say("dynamodb:GetRecords");
    lab.shots("denied_fix");
    lab.click("Apply fix");
    lab.until("the role is mended", |it| {
        it.query_all_by_label("Yes").next().is_some()
    });
    lab.shots("denied_mended");
    lab.harness
        .get_all_by_label("Show trigger")
        .last()
        .unwrap()
        .click();
    lab.harness.run();
    lab.settle();
    assert_eq!(lab.route(), Route::Trigger(uuid.clone()));
    lab.pass(60 * SECOND);
    assert!(!lab.shows("denied"));
    assert!(calls(&lab) > before);
    lab.shots("denied_runs");
}

#[test]
fn a_letter_that_is_denied_leads_to_the_fix_too() {
    let mut lab = Lab::paused();
    let built = lab.ask(demo::build(lab.aws.clone()));
    let group = format!("/aws/lambda/{}", demo::FUNCTION);
    let needs = iam::trigger_needs(&built.stream_arn, None, &group);
    put_policy(&lab, &iam::policy_for(&needs));
    lab.pass(3 * SECOND);
    reload(&mut lab);
    // An order without a quantity, which the demo's function does not survive.
    lab.order(&["anna"]);
    lab.pass(60 * SECOND);
    let (told, _) = local::watch(&lab.aws).unwrap();
    let lost = told.iter().find_map(|it| match &it.what {
        What::Delivered { batch, error, .. } if error.is_some() => {
            Some((it.shard.to_string(), batch.0))
        }
        _ => None,
    });
    let (shard, batch) = lost.unwrap();
    lab.go(Route::Batch(built.mapping, shard, batch));
    lab.click("Dead letter");
    lab.must_say("Not delivered: User: arn:aws:sts::123456789012:assumed-role/on-order-role");
    lab.shots("denied_letter");
    lab.click("Fix role…");
    lab.until("the fix is shown", |it| {
        it.query_all_by_label("Apply fix").next().is_some()
    });
    lab.must_say("sqs:SendMessage");
    lab.click("Apply fix");
    lab.until("the role is mended", |it| {
        it.query_all_by_label("Yes").next().is_some()
    });
}

#[test]
fn the_form_of_a_trigger_shows_what_would_mend_the_role_before_it_is_done() {
    let mut lab = Lab::new();
    let built = lab.ask(demo::build(lab.aws.clone()));
    put_policy(&lab, NOTHING);
    reload(&mut lab);
    lab.go(Route::NewTrigger {
        stream_arn: Some(built.stream_arn),
        function: Some(demo::FUNCTION.to_owned()),
    });
    lab.until("the role is judged", |it| {
        it.query_by_label("Fix…").is_some()
    });
    let policies = |lab: &Lab| {
        let detail = iam::get_role(lab.aws.clone(), demo::ROLE.to_owned());
        lab.ask(detail).inline.len()
    };
    lab.click("Fix…");
    lab.until("the fix is shown", |it| {
        it.query_by_label("Apply fix").is_some()
    });
    assert!(lab.shows("Fix role on-order-role"));
    assert!(lab.shows("Add inline policy waterwheel-on-order"));
    lab.must_say("dynamodb:GetRecords");
    assert_eq!(policies(&lab), 1, "nothing is done yet");
    lab.shots("form_fix");
    lab.click("Attach the AWS managed policy");
    assert!(lab.shows("Attach managed policy AWSLambdaDynamoDBExecutionRole"));
    lab.press(Modifiers::NONE, Key::Escape);
    assert!(!lab.shows("Apply fix"));
    assert_eq!(policies(&lab), 1);
    lab.click("Fix…");
    lab.until("the fix is shown again", |it| {
        it.query_by_label("Apply fix").is_some()
    });
    // Refused: what is shown stays, with the reason.
    lab.harness.state().aws().unwrap().gate().lock();
    lab.click("Apply fix");
    lab.must_say("Read-only connection");
    lab.shots("form_fix_refused");
    lab.harness.state().aws().unwrap().gate().unlock();
    lab.click("Apply fix");
    lab.until("the role is mended", |it| {
        it.query_by_label("Fix…").is_none() && it.query_by_label("Apply fix").is_none()
    });
    lab.must_say("Role on-order-role may do all");
    assert!(lab.shows("Changed role on-order-role"));
    assert_eq!(policies(&lab), 2);
    lab.shots("form_fixed");
}

/// Goes on by Tab until this has the focus.
fn tab_to(lab: &mut Lab, label: &str) -> usize {
    for tabs in 0..60 {
        let mut found = lab.harness.query_all_by_label(label);
        if found.any(|it| it.is_focused()) {
            return tabs;
        }
        drop(found);
        lab.press(Modifiers::NONE, Key::Tab);
    }
    panic!("{label} is not reached by Tab");
}

#[test]
fn a_role_is_mended_from_the_overview_by_keyboard_alone() {
    let (mut lab, _) = shop();
    put_policy(&lab, NOTHING);
    lab.order(&["anna"]);
    lab.pass(10 * SECOND);
    lab.go(Route::Overview);
    lab.until("the trouble is told", |it| {
        it.query_by_label("Fix role…").is_some()
    });
    lab.shots("overview_denied");
    tab_to(&mut lab, "Fix role…");
    lab.shots("overview_denied_focus");
    lab.press(Modifiers::NONE, Key::Enter);
    lab.until("the fix is shown", |it| {
        it.query_by_label("Apply fix").is_some()
    });
    lab.shots("fix_by_keyboard");
    // Held a moment too long, Enter changes nothing.
    lab.press(Modifiers::NONE, Key::Enter);
    assert!(lab.shows("Apply fix"));
    assert!(tab_to(&mut lab, "Apply fix") <= 2);
    lab.press(Modifiers::NONE, Key::Enter);
    lab.until("the role is mended", |it| {
        it.query_all_by_label("Yes").next().is_some()
    });
    lab.press(Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(lab.route(), Route::Overview);
    lab.pass(60 * SECOND);
    assert!(!lab.shows("Fix role…"));
    lab.shots("overview_mended");
}

#[test]
fn a_boundary_is_shown_and_said_to_be_what_denies() {
    let mut lab = Lab::new();
    lab.ask(demo::build(lab.aws.clone()));
    reload(&mut lab);
    let aws = lab.aws.clone();
    lab.runtime.block_on(async {
        let port = local::open_port(aws.clone(), 0).await.unwrap();
        let iam = Client::new(&over_the_port(&format!("http://127.0.0.1:{port}")));
        let create = iam.create_policy().policy_name("only-queues");
        let made = create.policy_document(NOTHING).send().await.unwrap();
        let bound = iam.put_role_permissions_boundary().role_name(demo::ROLE);
        let arn = made.policy.unwrap().arn.unwrap();
        bound.permissions_boundary(arn).send().await.unwrap();
        local::close_port(aws).await.unwrap();
    });
    lab.go(Route::Role(demo::ROLE.to_owned()));
    lab.until("the checks are there", |it| {
        it.query_all_by_label_contains("checks fail")
            .next()
            .is_some()
    });
    lab.must_say("beyond the permissions boundary");
    assert!(lab.shows("Permissions boundary"));
    lab.click("Fix…");
    lab.must_say("The permissions boundary only-queues");
    lab.click("Show policy only-queues");
    lab.shots("role_boundary");
}

#[test]
fn the_keys_of_the_account_are_shown_to_be_copied() {
    let mut lab = Lab::new();
    lab.go(Route::Connections);
    assert!(lab.shows("Copy access key") && lab.shows("Copy secret"));
    lab.must_say("AKIA");
    lab.shots("account_keys");
}

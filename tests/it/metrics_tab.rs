//! The metrics of a trigger in the console: counted by the minute, summed or by shard, and what shows where there are none.

use std::time::Duration;

use serde_json::json;
use waterwheel::aws::dynamodb::{PutRule, item_from_dynamodb_json, put_item};
use waterwheel::aws::{control, demo, lambda, shards, sqs, world};
use waterwheel::mapping::MappingConfig;
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;
use crate::hold_panel::shop;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const FILTER: &str = r#"{"dynamodb":{"Keys":{"customer":{"S":[{"anything-but":["unwanted"]}]}}}}"#;

/// A console at the metrics of a trigger that gives up after two retries and tells a queue.
fn lab() -> (Lab, String) {
    let (mut lab, uuid) = shop();
    let aws = lab.aws.clone();
    let queue = lab.ask(sqs::list_queues(aws.clone())).remove(0);
    let config = MappingConfig {
        retry_attempts_max: Some(2),
        bisect_on_function_error: true,
        on_failure: Some(queue.arn),
        filters: vec![FILTER.to_owned()],
        ..MappingConfig::default()
    };
    lab.ask(lambda::update_mapping(
        aws,
        uuid.clone(),
        config,
        Some(true),
        None,
    ));
    lab.pass(2 * SECOND);
    lab.harness.state_mut().wish(Action::Reload(Listing::All));
    lab.settle();
    lab.go(Route::Trigger(uuid.clone()));
    lab.click("Metrics");
    (lab, uuid)
}

/// Splits the shard that is open in two.
fn split(lab: &mut Lab, uuid: &str) -> Vec<String> {
    let counted = control::counted(&lab.aws, uuid).unwrap();
    let shard = counted.shards.keys().next().unwrap().to_string();
    let mappings = lab.ask(lambda::list_mappings(lab.aws.clone()));
    let stream = mappings[0].event_source_arn().unwrap().to_owned();
    lab.ask(shards::split(lab.aws.clone(), stream, shard))
}

#[test]
fn a_trigger_s_metrics_are_shown_by_the_minute_under_aws_s_names() {
    let (mut lab, _) = lab();
    lab.must_say("No records yet");
    lab.shots("metrics_empty");
    lab.order(&["a", "b", "unwanted"]);
    lab.pass(MINUTE);
    lab.order(&["c", "poison"]);
    lab.pass(MINUTE);
    for told in [
        "PolledEventCount: 5 in the last hour",
        "FilteredOutEventCount: 1 in the last hour",
        "OnFailureDestinationDeliveredEventCount: 1 in the last hour",
        "DroppedEventCount: 0 in the last hour",
        "IteratorAge: ",
        "AWS would not publish these counts: Enable metrics is off",
    ] {
        lab.must_say(told);
    }
    // No metrics of the console's own doing among the calls it made.
    lab.click("Show activity");
    assert!(!lab.says("GetMappingMetrics"));
    lab.click("Hide activity");
    lab.ask(world::set_clock(lab.aws.clone(), None, 70 * MINUTE));
    lab.pass(2 * SECOND);
    lab.must_say("No records in the last hour");
    lab.shots("metrics_quiet");
    lab.click("3 h");
    lab.must_say("PolledEventCount: 5 in the last 3 hours");
}

#[test]
fn metrics_are_summed_or_those_of_one_shard() {
    let (mut lab, uuid) = lab();
    lab.order(&["a", "b", "c"]);
    lab.pass(MINUTE);
    lab.must_say("PolledEventCount: 3 in");
    assert!(!lab.shows("Shard"), "there is nothing to choose from");
    let children = split(&mut lab, &uuid);
    lab.pass(10 * SECOND);
    lab.order(&["d", "e", "f", "g", "h", "i"]);
    lab.pass(MINUTE);
    lab.must_say("PolledEventCount: 9 in");
    lab.choose("Shard", children[0].rsplit('-').next().unwrap());
    assert!(!lab.says("PolledEventCount: 9 in"));
    lab.choose("Shard", "All 3 shards");
    lab.must_say("PolledEventCount: 9 in");
}

#[test]
fn metrics_of_a_trigger_that_is_gone_say_so() {
    let (mut lab, uuid) = lab();
    lab.ask(lambda::delete_mapping(lab.aws.clone(), uuid));
    lab.pass(MINUTE);
    lab.must_say("There is no event source mapping");
    lab.shots("metrics_gone");
}

/// Pictures for people to look at, where `SHOTS` names a folder.
#[test]
fn metrics_can_be_drawn_without_a_display() {
    if std::env::var_os("SHOTS").is_none() {
        return;
    }
    let (mut lab, uuid) = lab();
    for nth in 0..50_usize {
        let many = 1 + (nth * 7 + nth * nth) % 13;
        let mut customers: Vec<String> = (0..many).map(|it| format!("{nth}-{it}")).collect();
        if nth % 4 == 0 {
            customers.push("unwanted".to_owned());
        }
        if nth % 9 == 3 {
            customers.push("poison".to_owned());
        }
        if nth == 25 {
            split(&mut lab, &uuid);
        }
        for customer in customers {
            let key = json!({ "customer": { "S": customer }, "order": { "S": nth.to_string() } });
            let item = item_from_dynamodb_json(&key.to_string()).unwrap();
            let table = demo::TABLE.to_owned();
            lab.ask(put_item(lab.aws.clone(), table, item, PutRule::Any));
        }
        lab.pass(MINUTE);
    }
    lab.shots("metrics_hour");
    lab.click("3 h");
    lab.shots("metrics_three_hours");
    lab.click("1 h");
    lab.harness.hover_at(egui::pos2(330.0, 625.0));
    lab.harness.run();
    lab.shots("metrics_pointed");
    lab.harness.set_size(egui::vec2(1100.0, 700.0));
    lab.harness.run();
    lab.shots("metrics_small");
}

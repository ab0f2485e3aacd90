//! Aliases of functions, and triggers that call versions and aliases, through the official SDK.

use std::collections::BTreeMap;

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, InvocationType};
use serde_json::json;
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::mapping::progress::What;

use crate::control::told;
use crate::lab::{Lab, Story, fast_folder};
use crate::versions::{invoke, publish, telling};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:bill";

/// The function `bill` with versions 1 and 2, and the alias `live` of 1.
async fn two_versions(lab: &Lab) {
    lab.function("bill", &telling("one")).await;
    publish(lab, "bill").await;
    lab.recode("bill", &telling("two")).await;
    publish(lab, "bill").await;
    let create = lab.lambda.create_alias().function_name("bill").name("live");
    create.function_version("1").send().await.unwrap();
}

/// A trigger that has handed one record to the alias `live` of these versions: its UUID.
async fn called_once(lab: &Lab) -> String {
    let stream = lab.table("orders").await;
    two_versions(lab).await;
    let uuid = lab.trigger(&stream, "bill:live", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    uuid
}

fn weights(version: &str, weight: f64) -> AliasRoutingConfiguration {
    let routing = AliasRoutingConfiguration::builder();
    routing.additional_version_weights(version, weight).build()
}

async fn point(lab: &Lab, version: &str) {
    let update = lab.lambda.update_alias().function_name("bill").name("live");
    update.function_version(version).send().await.unwrap();
}

/// The versions that ran, in order.
fn executed(lab: &Lab) -> Vec<String> {
    let told = Story::of(lab).all().into_iter();
    told.filter_map(|it| match it.what {
        What::Invoked { answer, .. } if answer.status == 200 => {
            Some(answer.executed_version.clone())
        }
        _ => None,
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn an_alias_lives_from_creation_to_deletion_also_across_a_restart() {
    let folder = fast_folder();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let lab = Lab::open(clock.clone(), Some(folder.path()));
    lab.role("worker").await;
    two_versions(&lab).await;
    let update = lab.lambda.update_alias().function_name("bill").name("live");
    let update = update.description("d").routing_config(weights("2", 1.0));
    let before = update.send().await.unwrap();
    lab.close().await;

    let lab = Lab::open(clock, Some(folder.path()));
    let get = lab.lambda.get_alias().function_name("bill").name("live");
    let alias = get.send().await.unwrap();
    assert_eq!(alias.alias_arn(), Some(&*format!("{ARN}:live")));
    assert_eq!(alias.description(), Some("d"));
    assert_eq!(alias.routing_config(), Some(&weights("2", 1.0)));
    assert_eq!(alias.revision_id(), before.revision_id());
    let (version, answer) = invoke(&lab, "bill", Some("live")).await;
    assert_eq!(version, "2");
    assert_eq!(answer, json!(["two", "2", format!("{ARN}:live")]));
    for name in ["a", "b"] {
        let create = lab.lambda.create_alias().function_name("bill").name(name);
        create.function_version("2").send().await.unwrap();
    }
    let list = lab.lambda.list_aliases().function_name("bill");
    let mut pages = list.into_paginator().page_size(2).items().send();
    let mut names = Vec::new();
    while let Some(alias) = pages.next().await {
        names.push(alias.unwrap().name.unwrap());
    }
    assert_eq!(names, ["a", "b", "live"]);
    let stale = lab.lambda.update_alias().function_name("bill").name("live");
    let stale = stale.revision_id("stale").send().await.unwrap_err();
    assert!(
        stale
            .into_service_error()
            .is_precondition_failed_exception()
    );
    let delete = lab.lambda.delete_function().function_name("bill");
    let held = delete.qualifier("1").send().await.unwrap_err();
    assert_eq!(
        held.into_service_error().message(),
        Some("Unable to delete version because the following aliases reference it: [live]")
    );
    let delete = lab.lambda.delete_alias().function_name("bill").name("live");
    delete.send().await.unwrap();
    let get = lab.lambda.get_alias().function_name("bill").name("live");
    let gone = get.send().await.unwrap_err().into_service_error();
    assert!(gone.is_resource_not_found_exception());
    assert_eq!(
        gone.message(),
        Some(&*format!("Cannot find alias arn: {ARN}:live"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_trigger_shows_and_is_listed_by_the_qualifier_it_was_given() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    two_versions(&lab).await;
    for name in ["bill", "bill:1", &format!("{ARN}:live"), "function:bill:2"] {
        let uuid = lab.trigger(&stream, name, |it| it).await;
        let shown = lab.trigger_now(&uuid).await.function_arn.unwrap();
        let qualifier = name.rsplit(':').next().unwrap();
        let expected = if name == "bill" {
            ARN.to_owned()
        } else {
            format!("{ARN}:{qualifier}")
        };
        assert_eq!(shown, expected);
        let list = lab.lambda.list_event_source_mappings().function_name(name);
        let listed = list.send().await.unwrap().event_source_mappings.unwrap();
        let listed: Vec<_> = listed.iter().map(|it| it.uuid().unwrap()).collect();
        assert_eq!(listed, [uuid], "{name}");
    }
    let long = "a".repeat(128);
    let create = lab.lambda.create_alias().function_name("bill").name(&long);
    create.function_version("1").send().await.unwrap();
    lab.put("orders", ["1"]).await;
    lab.trigger(&stream, &format!("bill:{long}"), |it| it).await;
    lab.sleep(2).await;
    assert_eq!(executed(&lab).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_weighted_alias_shares_the_batches_of_a_trigger() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    two_versions(&lab).await;
    let update = lab.lambda.update_alias().function_name("bill").name("live");
    let routing = weights("2", 0.5);
    update.routing_config(routing).send().await.unwrap();
    let ids: Vec<String> = (100..140).map(|it| it.to_string()).collect();
    lab.put("orders", ids.iter().map(String::as_str)).await;
    lab.trigger(&stream, "bill:live", |it| it.batch_size(1))
        .await;
    lab.sleep(60).await;
    let mut shares: BTreeMap<String, usize> = BTreeMap::new();
    for version in executed(&lab) {
        *shares.entry(version).or_default() += 1;
    }
    assert_eq!(shares.values().sum::<usize>(), 40);
    assert!(shares["1"] > 8 && shares["2"] > 8, "{shares:?}");
    let delivered: Vec<String> = Story::of(&lab).deliveries().concat();
    assert_eq!(delivered, ids);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_begins_without_its_alias_waits_for_it() {
    let lab = Lab::new().await;
    let uuid = called_once(&lab).await;
    let switch = async |on: bool, state: &str| {
        let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
        update.enabled(on).send().await.unwrap();
        lab.settle(&uuid, state).await;
    };
    switch(false, "Disabled").await;
    let delete = lab.lambda.delete_alias().function_name("bill").name("live");
    delete.send().await.unwrap();
    lab.put("orders", ["2"]).await;
    switch(true, "Enabled").await;
    lab.sleep(5).await;
    let result = lab.trigger_now(&uuid).await.last_processing_result.unwrap();
    let missing = format!(
        "PROBLEM: Function not found: {ARN}:live (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: "
    );
    assert!(result.starts_with(&missing), "{result}");
    let create = lab.lambda.create_alias().function_name("bill").name("live");
    create.function_version("2").send().await.unwrap();
    lab.sleep(5).await;
    assert_eq!(executed(&lab), ["1", "2"]);
    assert_eq!(Story::of(&lab).deliveries().concat(), ["1", "2"]);
    let now = lab.trigger_now(&uuid).await;
    assert_eq!(now.last_processing_result(), Some("OK"));
}

#[tokio::test(start_paused = true)]
async fn a_trigger_reads_as_the_role_of_the_version_its_alias_points_to() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let narrow = lab.role("narrow").await;
    lab.allow(
        "narrow",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#,
    )
    .await;
    two_versions(&lab).await;
    let update = lab.lambda.update_function_configuration();
    let update = update.function_name("bill").role(narrow);
    update.send().await.unwrap();
    lab.sleep(1).await;
    assert_eq!(publish(&lab, "bill").await, "3");
    let create = lab.lambda.create_event_source_mapping();
    let create = create.function_name("bill:3").event_source_arn(&stream);
    let create = create.starting_position("TRIM_HORIZON".into());
    let refused = create.send().await.unwrap_err().into_service_error();
    assert!(
        refused
            .message()
            .unwrap()
            .starts_with("Cannot access stream")
    );

    let uuid = lab.trigger(&stream, "bill:live", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    point(&lab, "3").await;
    lab.sleep(1).await;
    lab.put("orders", ["2"]).await;
    lab.sleep(5).await;
    let result = lab.trigger_now(&uuid).await.last_processing_result.unwrap();
    assert!(
        result.starts_with("PROBLEM: Cannot access stream"),
        "{result}"
    );
    point(&lab, "2").await;
    lab.sleep(5).await;
    assert_eq!(executed(&lab), ["1", "2"]);
    assert_eq!(Story::of(&lab).deliveries().concat(), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_for_an_alias_runs_the_version_it_points_to_when_it_was_accepted() {
    let lab = Lab::new().await;
    let code =
        "exports.handler = async (event, context) => console.log('ran', context.functionVersion);";
    lab.function("bill", code).await;
    publish(&lab, "bill").await;
    let create = lab.lambda.create_alias().function_name("bill").name("live");
    create.function_version("1").send().await.unwrap();
    let invoke = lab.lambda.invoke().function_name("bill").qualifier("live");
    let accepted = invoke.invocation_type(InvocationType::Event).send().await;
    assert_eq!(accepted.unwrap().status_code, 202);
    lab.sleep(1).await;
    let events = lab.logs.filter_log_events();
    let events = events.log_group_name("/aws/lambda/bill").send().await;
    let events = events.unwrap().events.unwrap();
    let ran = |it: &&str| it.ends_with("\tINFO\tran 1\n") || it.ends_with("\tINFO\tran 1");
    assert_eq!(
        events
            .iter()
            .filter_map(|it| it.message())
            .filter(ran)
            .count(),
        1
    );
    let invoke = lab.lambda.invoke().function_name("bill").qualifier("gone");
    let refused = invoke.invocation_type(InvocationType::Event).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("ResourceNotFoundException"));
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_an_alias_is_replayed_on_the_version_it_points_to_now() {
    let lab = Lab::new().await;
    let uuid = called_once(&lab).await;
    let poller = told(&lab, "GetPoller", json!({ "UUID": uuid })).await;
    let shard = &poller["Shards"][0]["ShardId"];
    let batch = json!({ "UUID": uuid, "ShardId": shard, "Batch": 1 });
    for version in ["1", "2"] {
        point(&lab, version).await;
        let again = told(&lab, "ReplayBatch", batch.clone()).await;
        assert_eq!(again["ExecutedVersion"], version, "{again}");
    }
    assert_eq!(executed(&lab), ["1"]);
}

//! Triggers as their owner sees them: from a write to a log line, through failures and restarts.

use std::time::Duration;

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::types::{
    DestinationConfig, EventSourcePosition, Filter, FilterCriteria, FunctionResponseType, OnFailure,
};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::mapping::assumed::UpdateAnswers;
use waterwheel::mapping::progress::What;

use crate::lab::{Lab, Story};

/// Logs the id of every record.
const LOGS: &str = r"exports.handler = async (event) => {
    for (const record of event.Records) console.log('saw ' + record.dynamodb.Keys.id.S);
};";
const THROWS: &str = "exports.handler = async () => { throw new Error('boom'); };";
/// Throws where a record with id `bad` is in the batch.
const CHOOSES: &str = r"exports.handler = async (event) => {
    if (event.Records.some((record) => record.dynamodb.Keys.id.S === 'bad')) throw new Error('boom');
};";

async fn log_lines(lab: &Lab, function: &str) -> Vec<String> {
    let group = format!("/aws/lambda/{function}");
    let found = lab.logs.filter_log_events().log_group_name(group);
    let events = found.send().await.unwrap().events.unwrap_or_default();
    let seen = |message: &String| message.contains("saw ");
    let messages = events.into_iter().filter_map(|event| event.message);
    messages.filter(seen).collect()
}

fn to(queue: &str) -> DestinationConfig {
    let on_failure = OnFailure::builder().destination(queue).build();
    DestinationConfig::builder().on_failure(on_failure).build()
}

#[tokio::test(start_paused = true)]
async fn an_idle_trigger_polls_its_shard_exactly_2400_times_in_ten_minutes() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let (_, mut watch) = lab.host.engine().watch();
    lab.trigger(&stream, "bill", |it| it).await;
    let mut polls = Vec::new();
    while polls
        .get(1)
        .is_none_or(|second| lab.now() < *second + Duration::from_secs(601))
    {
        lab.sleep(10).await;
        while let Some(progress) = watch.try_next() {
            if matches!(progress.what, What::Polled { .. }) {
                polls.push(progress.at);
            }
        }
    }
    // The first comes at once, the others on quarters of seconds.
    let end = polls[1] + Duration::from_mins(10);
    assert_eq!(polls[1..].iter().filter(|at| **at < end).count(), 2400);
    // What nobody watched does not push the story out.
    assert!(Story::of(&lab).polls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_becomes_a_log_line() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(
        trigger.last_processing_result(),
        Some("No records processed")
    );
    lab.put("orders", ["a"]).await;
    lab.sleep(2).await;
    let lines = log_lines(&lab, "bill").await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("saw a"), "{lines:?}");
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(trigger.last_processing_result(), Some("OK"));
    let story = Story::of(&lab).all();
    let answer = story.into_iter().find_map(|it| match it.what {
        What::Invoked { answer, .. } => Some(answer),
        _ => None,
    });
    assert!(answer.unwrap().log_tail.contains("saw a"));
}

#[tokio::test(start_paused = true)]
async fn only_records_that_pass_the_filter_arrive() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let pattern = r#"{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"big"}]}}}}"#;
    let filters = FilterCriteria::builder().filters(Filter::builder().pattern(pattern).build());
    lab.trigger(&stream, "bill", |it| {
        it.filter_criteria(filters.clone().build())
    })
    .await;
    lab.put("orders", ["small-1", "big-1", "small-2", "big-2"])
        .await;
    lab.sleep(2).await;
    let delivered: Vec<String> = Story::of(&lab).deliveries().concat();
    assert_eq!(delivered, ["big-1", "big-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_ends_in_the_queue_and_everything_else_is_processed() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, url) = lab.queue("lost").await;
    lab.function("bill", CHOOSES).await;
    lab.put("orders", ["1", "2", "3", "4", "5", "6", "bad", "8"])
        .await;
    let uuid = lab
        .trigger(&stream, "bill", |it| {
            it.bisect_batch_on_function_error(true)
                .maximum_retry_attempts(1)
                .destination_config(to(&queue))
        })
        .await;
    lab.sleep(20).await;
    let letters = lab.messages(&url).await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(letter["responseContext"]["functionError"], "Unhandled");
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    let lost: Vec<_> = Story::of(&lab)
        .all()
        .into_iter()
        .filter_map(|it| match it.what {
            What::Discarded { records, .. } => Some(crate::lab::ids(&records)),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [["bad"]]);
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(trigger.last_processing_result(), Some("OK"));
}

#[tokio::test(start_paused = true)]
async fn a_partial_failure_delivers_the_bad_record_five_times() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, url) = lab.queue("lost").await;
    let code = r"exports.handler = async (event) => ({
        batchItemFailures: event.Records
            .filter((record) => record.dynamodb.Keys.id.S === 'bad')
            .map((record) => ({ itemIdentifier: record.dynamodb.SequenceNumber })),
    });";
    lab.function("bill", code).await;
    lab.put("orders", ["1", "2", "bad"]).await;
    lab.trigger(&stream, "bill", |it| {
        it.function_response_types(FunctionResponseType::ReportBatchItemFailures)
            .maximum_retry_attempts(3)
            .destination_config(to(&queue))
    })
    .await;
    lab.sleep(30).await;
    assert_eq!(Story::of(&lab).counts()["bad"], 5);
    let letter = &lab.messages(&url).await[0];
    assert_eq!(letter["requestContext"]["approximateInvokeCount"], 4);
    assert_eq!(
        letter["responseContext"]["functionError"],
        serde_json::Value::Null
    );
    assert_eq!(letter["responseContext"]["statusCode"], 200);
}

#[tokio::test(start_paused = true)]
async fn a_tumbling_window_sums_up_and_ends_with_a_final_call() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let code = r"exports.handler = async (event) => {
        const n = (event.state.n || 0) + event.Records.length;
        if (event.isFinalInvokeForWindow) console.log('saw ' + n);
        return { state: { n } };
    };";
    lab.function("sum", code).await;
    lab.trigger(&stream, "sum", |it| it.tumbling_window_in_seconds(30))
        .await;
    for id in ["a", "b", "c"] {
        lab.put("orders", [id]).await;
        lab.sleep(1).await;
    }
    lab.sleep(40).await;
    let lines = log_lines(&lab, "sum").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("saw 3"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_function_without_concurrency_is_tried_again_until_it_has_some() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let none = lab.lambda.put_function_concurrency().function_name("bill");
    none.reserved_concurrent_executions(0).send().await.unwrap();
    let uuid = lab
        .trigger(&stream, "bill", |it| it.maximum_retry_attempts(0))
        .await;
    lab.put("orders", ["1", "2"]).await;
    lab.sleep(60).await;
    let result = lab.trigger_now(&uuid).await.last_processing_result.unwrap();
    assert!(result.starts_with("PROBLEM: Rate Exceeded."), "{result}");
    let some = lab
        .lambda
        .delete_function_concurrency()
        .function_name("bill");
    some.send().await.unwrap();
    lab.sleep(90).await;
    assert_eq!(log_lines(&lab, "bill").await.len(), 2);
    assert!(
        !Story::of(&lab)
            .all()
            .iter()
            .any(|it| matches!(it.what, What::Discarded { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_disabled_trigger_goes_on_where_it_stopped() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    let switch = |on: bool| {
        lab.lambda
            .update_event_source_mapping()
            .uuid(&uuid)
            .enabled(on)
    };
    assert_eq!(
        switch(false).send().await.unwrap().state(),
        Some("Disabling")
    );
    lab.settle(&uuid, "Disabled").await;
    lab.put("orders", ["2", "3"]).await;
    lab.sleep(10).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
    assert_eq!(switch(true).send().await.unwrap().state(), Some("Enabling"));
    lab.settle(&uuid, "Enabled").await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [vec!["1"], vec!["2", "3"]]);
    // Batches of one shard never share a number.
    let numbers: Vec<u64> = Story::of(&lab)
        .all()
        .iter()
        .filter_map(|it| match it.what {
            What::Invoking { batch, .. } => Some(batch.0),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_update_reaches_retries_under_way() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", THROWS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(20).await;
    assert!(Story::of(&lab).deliveries().len() > 4);
    let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
    let updating = update.maximum_retry_attempts(2).send().await.unwrap();
    assert_eq!(updating.state(), Some("Updating"));
    lab.settle(&uuid, "Enabled").await;
    lab.sleep(1).await;
    let lost = Story::of(&lab).all();
    assert!(
        lost.iter()
            .any(|it| matches!(it.what, What::Discarded { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_is_answered_with_the_settings_before_or_after() {
    for (answers, batch_size) in [(UpdateAnswers::Before, 100), (UpdateAnswers::After, 7)] {
        let lab = Lab::new().await;
        let engine = lab.host.engine();
        engine.change_settings(|it| it.assumed.update_answers = answers);
        let stream = lab.table("orders").await;
        lab.function("bill", "exports.handler = async () => {};")
            .await;
        let uuid = lab.trigger(&stream, "bill", |it| it).await;
        let update = lab.lambda.update_event_source_mapping().uuid(&uuid);
        let updating = update.batch_size(7).send().await.unwrap();
        assert_eq!(updating.batch_size(), Some(batch_size));
        assert_eq!(updating.state(), Some("Updating"));
        // Read again it is as it was until then.
        assert_eq!(lab.trigger_now(&uuid).await.batch_size(), Some(100));
        lab.settle(&uuid, "Enabled").await;
        assert_eq!(lab.trigger_now(&uuid).await.batch_size(), Some(7));
        lab.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_trigger_is_gone_and_its_table_writes_on() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(2).await;
    let delete = lab.lambda.delete_event_source_mapping().uuid(&uuid);
    assert_eq!(delete.send().await.unwrap().state(), Some("Deleting"));
    lab.sleep(2).await;
    let get = lab
        .lambda
        .get_event_source_mapping()
        .uuid(&uuid)
        .send()
        .await;
    let error = get.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
    lab.put("orders", ["2"]).await;
    lab.sleep(5).await;
    assert_eq!(log_lines(&lab, "bill").await.len(), 1);
    // Its story went with it, and a new one knows nothing of its checkpoint.
    assert_eq!(Story::of(&lab).all(), []);
    lab.trigger(&stream, "bill", |it| it).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1", "2"]]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_outlives_its_function_and_works_again_with_a_new_one() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let delete = lab.lambda.delete_function().function_name("bill");
    delete.send().await.unwrap();
    lab.put("orders", ["1"]).await;
    lab.sleep(5).await;
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(trigger.state(), Some("Enabled"));
    let result = trigger.last_processing_result.unwrap();
    assert!(
        result.starts_with("PROBLEM: Function not found: arn:aws:lambda:us-east-1:123456789012:function:bill (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: "),
        "{result}"
    );
    lab.function("bill", LOGS).await;
    lab.sleep(60).await;
    assert_eq!(log_lines(&lab, "bill").await.len(), 1);
    let trigger = lab.trigger_now(&uuid).await;
    assert_eq!(trigger.last_processing_result(), Some("OK"));
}

#[tokio::test(start_paused = true)]
async fn two_triggers_of_one_stream_both_see_everything() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    for name in ["bill", "ship"] {
        lab.function(name, LOGS).await;
        lab.trigger(&stream, name, |it| it).await;
    }
    lab.put("orders", ["1", "2"]).await;
    lab.sleep(2).await;
    assert_eq!(log_lines(&lab, "bill").await.len(), 2);
    assert_eq!(log_lines(&lab, "ship").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_behind_the_checkpoint_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let open = || Lab::open(clock.clone(), Some(folder.path()));
    let lab = open();
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    lab.put("orders", ["before"]).await;
    let latest = |it: crate::lab::CreateTrigger| it.starting_position(EventSourcePosition::Latest);
    let uuid = lab.trigger(&stream, "bill", latest).await;
    // Closed before anything was delivered: LATEST stays what it was.
    lab.close().await;

    let lab = open();
    assert_eq!(lab.trigger_now(&uuid).await.state(), Some("Enabled"));
    let switch = lab.lambda.update_event_source_mapping().uuid(&uuid);
    switch.enabled(false).send().await.unwrap();
    lab.settle(&uuid, "Disabled").await;
    lab.put("orders", ["1", "2"]).await;
    lab.close().await;

    let lab = open();
    let switch = lab.lambda.update_event_source_mapping().uuid(&uuid);
    switch.enabled(true).send().await.unwrap();
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1", "2"]]);
    lab.close().await;

    let lab = open();
    lab.put("orders", ["3"]).await;
    lab.sleep(2).await;
    assert_eq!(Story::of(&lab).deliveries(), [["3"]]);
    assert_eq!(log_lines(&lab, "bill").await.len(), 3);
    lab.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_of_a_deleted_table_stays_and_a_new_table_does_not_fire_it() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    lab.dynamodb
        .delete_table()
        .table_name("orders")
        .send()
        .await
        .unwrap();
    lab.sleep(5).await;
    let again = lab.table("orders").await;
    assert_ne!(again, stream);
    lab.put("orders", ["1"]).await;
    lab.sleep(5).await;
    assert_eq!(lab.trigger_now(&uuid).await.state(), Some("Enabled"));
    assert!(Story::of(&lab).deliveries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn corrected_code_frees_a_blocked_shard() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", THROWS).await;
    lab.trigger(&stream, "bill", |it| it.batch_size(1)).await;
    lab.put("orders", ["1", "2"]).await;
    lab.sleep(30).await;
    assert!(Story::of(&lab).deliveries().iter().all(|ids| ids == &["1"]));
    lab.recode("bill", LOGS).await;
    lab.sleep(90).await;
    let lines = log_lines(&lab, "bill").await;
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("saw 1") && lines[1].contains("saw 2"));
}

#[tokio::test(start_paused = true)]
async fn order_per_item_is_kept_over_ten_lanes() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    lab.trigger(&stream, "bill", |it| {
        it.parallelization_factor(10).batch_size(2)
    })
    .await;
    for round in 0..6 {
        for id in ["a", "b", "c", "d", "e"] {
            let put = lab.dynamodb.put_item().table_name("orders");
            put.item(
                "id",
                aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned()),
            )
            .item(
                "round",
                aws_sdk_dynamodb::types::AttributeValue::N(round.to_string()),
            )
            .send()
            .await
            .unwrap();
        }
    }
    lab.sleep(5).await;
    let story = Story::of(&lab).all();
    let records = story.into_iter().filter_map(|it| match it.what {
        What::Invoking { records, .. } => Some(records),
        _ => None,
    });
    let records: Vec<_> = records.flat_map(|it| it.to_vec()).collect();
    assert_eq!(records.len(), 30);
    for id in ["a", "b", "c", "d", "e"] {
        let of_item = records.iter().filter(|it| &*it.key == id);
        let numbers: Vec<_> = of_item.map(|it| it.sequence_number.clone()).collect();
        assert_eq!(numbers.len(), 6);
        assert!(numbers.is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_role_of_the_function_reads_the_stream_from_then_on() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", LOGS).await;
    let uuid = lab.trigger(&stream, "bill", |it| it).await;
    let blind = lab.role("blind").await;
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"dynamodb:*","Resource":"*"}]}"#;
    lab.allow("blind", deny).await;
    let assign = async |role: &str| {
        let update = lab.lambda.update_function_configuration();
        let update = update.function_name("bill").role(role);
        update.send().await.unwrap();
        lab.sleep(3).await;
    };
    assign(&blind).await;
    lab.put("orders", ["1"]).await;
    lab.sleep(5).await;
    let result = lab.trigger_now(&uuid).await.last_processing_result.unwrap();
    assert!(
        result.starts_with("PROBLEM: Cannot access stream"),
        "{result}"
    );
    assign("arn:aws:iam::123456789012:role/worker").await;
    lab.sleep(5).await;
    assert_eq!(Story::of(&lab).deliveries(), [["1"]]);
}

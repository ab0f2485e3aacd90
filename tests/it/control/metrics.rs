//! What AWS counts of triggers, read through the control service, on paused time.

use aws_sdk_lambda::types::{
    DestinationConfig, EventSourceMappingMetric, EventSourceMappingMetricsConfig, Filter,
    FilterCriteria, OnFailure,
};
use serde_json::{Value, json};

use super::{refused, told, with};
use crate::lab::Lab;

/// Throws where a record with id `bad` is in the batch.
const TOUCHY: &str = r"exports.handler = async (event) => {
    if (event.Records.some((record) => record.dynamodb.Keys.id.S === 'bad')) throw new Error('boom');
};";
/// Keeps one item back.
const FILTER: &str = r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":["unwanted"]}]}}}}"#;

async fn metrics(lab: &Lab, uuid: &str, more: Value) -> Value {
    told(lab, "GetMappingMetrics", with(uuid, more)).await
}

#[tokio::test(start_paused = true)]
async fn records_are_counted_as_awss_metrics_count_events() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let (queue, _) = lab.queue("lost").await;
    lab.function("bill", TOUCHY).await;
    lab.put("orders", ["1", "unwanted", "bad", "2"]).await;
    let uuid = lab
        .trigger(&stream, "bill", |it| {
            let filter = Filter::builder().pattern(FILTER);
            let on_failure = OnFailure::builder().destination(&queue);
            let metrics = EventSourceMappingMetricsConfig::builder()
                .metrics(EventSourceMappingMetric::EventCount);
            it.maximum_retry_attempts(0)
                .bisect_batch_on_function_error(true)
                .filter_criteria(FilterCriteria::builder().filters(filter.build()).build())
                .destination_config(
                    DestinationConfig::builder()
                        .on_failure(on_failure.build())
                        .build(),
                )
                .metrics_config(metrics.build())
        })
        .await;
    lab.sleep(90).await;
    let now = metrics(&lab, &uuid, json!({})).await;
    // [1, bad, 2] fails, [1, bad] fails, [1] is done, [bad] fails and is given up, [2] is done.
    let total = &now["Total"];
    for (name, expected) in [
        ("PolledEventCount", 4),
        ("FilteredOutEventCount", 1),
        ("InvokedEventCount", 3 + 2 + 1 + 1 + 1),
        ("FailedInvokeEventCount", 3 + 2 + 1),
        ("DroppedEventCount", 0),
        ("OnFailureDestinationDeliveredEventCount", 1),
    ] {
        assert_eq!(total[name], expected, "{name}: {now:#}");
    }
    assert_eq!(total["IteratorAge"]["SampleCount"], 5);
    assert_eq!(now["IsEventCountPublished"], true);
    let shard = &now["Shards"][0];
    assert_eq!(shard["Total"], *total);
    assert!(shard["ShardId"].as_str().unwrap().starts_with("shardId-"));
    // An idle trigger is heard of as well.
    let minutes = now["Minutes"].as_array().unwrap();
    assert!(minutes.len() > 1);
    let last = minutes.last().unwrap();
    assert_eq!(last["PolledEventCount"], 0);
    assert_eq!(last.get("IteratorAge"), None);
    let since = metrics(&lab, &uuid, json!({ "Since": last["Timestamp"] })).await;
    assert_eq!(since["Minutes"], json!([last]));
    let until = metrics(&lab, &uuid, json!({ "Until": 0 })).await;
    assert_eq!(
        (&until["Minutes"], &until["Shards"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_destination_what_is_given_up_is_dropped_and_old_minutes_go() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", TOUCHY).await;
    lab.put("orders", ["bad"]).await;
    let uuid = lab
        .trigger(&stream, "bill", |it| it.maximum_retry_attempts(0))
        .await;
    lab.sleep(5).await;
    let now = metrics(&lab, &uuid, json!({})).await;
    assert_eq!(now["Total"]["DroppedEventCount"], 1);
    assert_eq!(now["IsEventCountPublished"], false);
    told(&lab, "SetClock", json!({ "AdvanceSeconds": 4 * 3600 })).await;
    lab.sleep(5).await;
    let later = metrics(&lab, &uuid, json!({})).await;
    assert_eq!(later["Total"]["DroppedEventCount"], 0);
    let unknown = refused(&lab, "GetMappingMetrics", json!({ "UUID": "none" })).await;
    assert_eq!(unknown.code, "ResourceNotFoundException");
    let wrong = json!({ "UUID": uuid, "Since": -1 });
    let wrong = refused(&lab, "GetMappingMetrics", wrong).await;
    assert!(wrong.message.contains("seconds since 1970"), "{wrong}");
}

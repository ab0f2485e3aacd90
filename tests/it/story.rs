//! What triggers did, as it is told, kept and told again by the next process.

use std::sync::Arc;

use aws_sdk_lambda::types::{DestinationConfig, Filter, FilterCriteria, OnFailure};
use waterwheel::engine::Options;
use waterwheel::engine::story::Settings;
use waterwheel::mapping::Progress;
use waterwheel::mapping::progress::{FilteredRecord, Outcome, What};

use crate::lab::{Lab, Story};

const CHOOSES: &str = r"exports.handler = async (event) => {
    console.log('saw ' + event.Records.map((record) => record.dynamodb.Keys.id.S));
    if (event.Records.some((record) => record.dynamodb.Keys.id.S === 'bad')) throw new Error('boom');
};";
const PATTERN: &str = r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":"small"}]}}}}"#;

/// A table, a queue and a function that fails on one record, with a trigger that bisects; the trigger's UUID.
async fn failing(lab: &Lab) -> String {
    let stream = lab.table("orders").await;
    let (queue, _) = lab.queue("lost").await;
    lab.function("bill", CHOOSES).await;
    let filter = Filter::builder().pattern(PATTERN).build();
    let filters = FilterCriteria::builder().filters(filter).build();
    let on_failure = OnFailure::builder().destination(&queue).build();
    let destination = DestinationConfig::builder().on_failure(on_failure).build();
    lab.put("orders", ["1", "small", "2", "bad", "3"]).await;
    lab.trigger(&stream, "bill", |it| {
        it.bisect_batch_on_function_error(true)
            .maximum_retry_attempts(1)
            .filter_criteria(filters.clone())
            .destination_config(destination.clone())
    })
    .await
}

/// As it is kept: of records that did not pass, not the text.
fn kept(mut progress: Progress) -> Progress {
    if let What::FilteredOut { records } = &mut progress.what {
        let bare = records.iter().cloned().map(|mut it: FilteredRecord| {
            it.record.event = "null".to_owned().into();
            it
        });
        *records = bare.collect();
    }
    progress
}

fn opened(lab: &Lab, folder: &std::path::Path, story: Settings) -> Lab {
    Lab::with(Options {
        folder: Some(folder.to_owned()),
        seed: Some(7),
        story,
        ..Options::temporary(lab.clock.clone())
    })
}

#[tokio::test(start_paused = true)]
async fn the_story_of_a_failed_batch_is_told_again_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let lab = opened(&Lab::new().await, folder.path(), Settings::default());
    lab.role("worker").await;
    failing(&lab).await;
    lab.sleep(30).await;
    let told = Story::of(&lab).all();
    lab.close().await;

    let again = Lab::open(lab_clock(&told), Some(folder.path()));
    let found = Story::before(&again).all();
    assert_eq!(found, told.into_iter().map(kept).collect::<Vec<_>>());
    let filtered = found.iter().find_map(|it| match &it.what {
        What::FilteredOut { records } => Some(records),
        _ => None,
    });
    assert_eq!(
        filtered.unwrap()[0].because[0].words(),
        r#"filter 1: dynamodb.Keys.id.S is "small", the pattern wants [{"anything-but":"small"}]"#
    );
    let failed = found.iter().find_map(|it| match &it.what {
        What::Invoked {
            outcome: Outcome::Failed,
            answer,
            ..
        } => Some(answer),
        _ => None,
    });
    let failed = failed.unwrap();
    assert!(failed.payload.contains("boom"), "{}", failed.payload);
    assert!(failed.log_tail.contains("saw 1,2,bad,3"));
    let request = format!("START RequestId: {}", failed.request_id);
    assert!(failed.log_tail.contains(&request));
    assert!(found.iter().any(|it| matches!(it.what, What::Split { .. })));
    let lost = found.iter().find_map(|it| match &it.what {
        What::Discarded { records, .. } => Some(Arc::clone(records)),
        _ => None,
    });
    assert_eq!(lost.unwrap()[0].event["dynamodb"]["Keys"]["id"]["S"], "bad");
    let delivered = |it: &Progress| matches!(it.what, What::Delivered { error: None, .. });
    assert!(found.iter().any(delivered));
    again.close().await;
}

/// One that goes on where the last one was.
fn lab_clock(told: &[Progress]) -> waterwheel::clock::Clock {
    waterwheel::clock::Clock::at(told.last().unwrap().at)
}

#[tokio::test(start_paused = true)]
async fn the_last_batches_of_a_trigger_are_kept_and_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let story = Settings {
        batches_max: 5,
        ..Settings::default()
    };
    let first = Lab::new().await;
    let lab = opened(&first, folder.path(), story);
    lab.role("worker").await;
    let stream = lab.table("orders").await;
    lab.function("bill", "exports.handler = async () => {};")
        .await;
    let uuid = lab.trigger(&stream, "bill", |it| it.batch_size(1)).await;
    for id in 1..=12 {
        lab.put("orders", [id.to_string().as_str()]).await;
        lab.sleep(1).await;
    }
    lab.close().await;

    let lab = opened(&first, folder.path(), story);
    let ids = ["8", "9", "10", "11", "12"];
    assert_eq!(Story::before(&lab).deliveries(), ids.map(|id| [id]));
    let delete = lab.lambda.delete_event_source_mapping().uuid(&uuid);
    delete.send().await.unwrap();
    lab.sleep(5).await;
    assert_eq!(lab.host.engine().watch().0, []);
    lab.close().await;
    let lab = opened(&first, folder.path(), story);
    assert_eq!(lab.host.engine().watch().0, []);
    lab.close().await;
}

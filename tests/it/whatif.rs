//! A what-if of what the engine recorded tells what the engine did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::progress::{Progress, What};
use waterwheel::mapping::whatif::{
    Durations, Failure, Model, Plan, Sample, Shard, Stretch, Written, run_told,
};

use crate::lab::{Lab, Story, ids};

/// Takes 100 ms and 20 ms for every record, and throws where a record with id `bad` is in the batch.
const SLOW: &str = r"exports.handler = async (event) => {
    await new Promise((done) => setTimeout(done, 100 + 20 * event.Records.length));
    if (event.Records.some((record) => record.dynamodb.Keys.id.S === 'bad')) throw new Error('boom');
};";

/// What was delivered and given up, in order: with the attempt, or the attempts that were made.
fn happened(story: &[Progress]) -> Vec<(&'static str, u32, Vec<String>)> {
    let told = story.iter().filter_map(|progress| match &progress.what {
        What::Invoking {
            attempt, records, ..
        } => Some(("invoked", *attempt, ids(records))),
        What::Discarded {
            attempts, records, ..
        } => Some(("given up", *attempts, ids(records))),
        _ => None,
    });
    told.collect()
}

/// How long the calls took that were recorded.
fn samples(story: &[Progress]) -> Vec<Sample> {
    let mut sizes = BTreeMap::new();
    let mut samples = Vec::new();
    for progress in story {
        match &progress.what {
            What::Invoking { batch, records, .. } => {
                sizes.insert(*batch, u32::try_from(records.len()).unwrap());
            }
            What::Invoked { batch, answer, .. } => samples.push(Sample {
                records: sizes[batch],
                took: answer.took,
            }),
            _ => {}
        }
    }
    samples
}

/// The stretch that the story tells of; every item was written once, at this time.
fn stretch(story: &[Progress], times: &BTreeMap<&str, SystemTime>) -> Stretch {
    let mut recorded = BTreeMap::new();
    for progress in story {
        if let What::Invoking { records, .. } = &progress.what {
            for record in records.iter() {
                let at = times[&*record.key];
                let record = record.clone();
                recorded.insert(record.sequence_number.clone(), Written { at, record });
            }
        }
    }
    let first = first_poll(story);
    Stretch {
        shards: vec![Shard {
            id: Arc::clone(&first.shard),
            parent: None,
            opened: first.at,
            closed: None,
            records: recorded.into_values().collect(),
        }],
    }
}

fn first_poll(story: &[Progress]) -> &Progress {
    let polled = |it: &&Progress| matches!(it.what, What::Polled { .. });
    story.iter().find(polled).unwrap()
}

/// When calls began.
fn begins(story: &[Progress]) -> Vec<SystemTime> {
    let began = |it: &&Progress| matches!(it.what, What::Invoking { .. });
    story.iter().filter(began).map(|it| it.at).collect()
}

#[tokio::test(start_paused = true)]
async fn a_what_if_of_a_recorded_stretch_tells_what_happened() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("bill", SLOW).await;
    let mut times = BTreeMap::new();
    for id in ["1", "2", "3", "4", "5", "6", "bad", "8"] {
        lab.put("orders", [id]).await;
        times.insert(id, lab.now());
    }
    lab.trigger(&stream, "bill", |it| {
        it.batch_size(8)
            .bisect_batch_on_function_error(true)
            .maximum_retry_attempts(1)
    })
    .await;
    for id in ["9", "10", "11"] {
        lab.sleep(7).await;
        lab.put("orders", [id]).await;
        times.insert(id, lab.now());
    }
    lab.sleep(30).await;
    let story = Story::of(&lab).all();
    let stretch = stretch(&story, &times);
    assert_eq!(stretch.len(), 11);
    let config = MappingConfig {
        batch_size: 8,
        bisect_on_function_error: true,
        retry_attempts_max: Some(1),
        ..MappingConfig::default()
    };
    let model = Model {
        durations: Durations::Measured(samples(&story)),
        failures: vec![Failure::Matching {
            pattern: r#"{"dynamodb":{"Keys":{"id":{"S":["bad"]}}}}"#.to_owned(),
            deliveries: None,
        }],
        ..Model::default()
    };
    let plan = Plan {
        starts: Some(first_poll(&story).at),
        ..Plan::new(config, model)
    };
    let mut played = Vec::new();
    let report = run_told(&stretch, &plan, &|| false, &mut |it| played.push(it)).unwrap();
    assert_eq!(happened(&played), happened(&story));
    assert!(happened(&story).contains(&("given up", 2, vec!["bad".to_owned()])));
    for (played, recorded) in begins(&played).into_iter().zip(begins(&story)) {
        let late = played.duration_since(recorded).unwrap_or_default();
        let early = recorded.duration_since(played).unwrap_or_default();
        assert!(late.max(early) < Duration::from_millis(300));
    }
    let total = report.total;
    assert_eq!((total.processed, total.discarded_by_attempts), (10, 1));
}

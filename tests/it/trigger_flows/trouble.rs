//! Trouble that no function makes, and trouble that is another shard's.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::engine::streams::Settings;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::progress::What;

use crate::lab::{Lab, Story};
use crate::poller::{Keys, Said, Tap, fine, oldest, refused, thrown};

/// Refused three times, then fine: tried again with the whole batch, and never given up.
async fn is_no_attempt(status: u16, code: &'static str) {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2"]).await;
    let config = MappingConfig {
        retry_attempts_max: Some(0),
        bisect_on_function_error: true,
        report_batch_item_failures: true,
        ..oldest()
    };
    let calls = Mutex::new(0);
    let tap = Tap::open(&lab, &stream, config, BTreeMap::new(), move |_| {
        *calls.lock() += 1;
        match *calls.lock() {
            1..=3 => refused(status, code, "not now"),
            _ => fine(),
        }
    });
    lab.sleep(10).await;
    assert_eq!(tap.story.deliveries(), [["1", "2"]; 4], "{status} {code}");
    let words = format!("(Service: AWSLambda; Status Code: {status}; Error Code: {code}; ");
    let results = tap.story.results();
    assert!(results[0].contains(&words), "{results:?}");
    assert_eq!(results.last().unwrap(), "OK");
    tap.stop().await;
}

#[tokio::test(start_paused = true)]
async fn trouble_on_the_way_to_a_function_counts_as_no_attempt() {
    for (status, code) in [
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (409, "ResourceConflictException"),
        (429, "TooManyRequestsException"),
        (500, "ServiceException"),
        (502, "EC2UnexpectedException"),
        (503, "ServiceUnavailableException"),
    ] {
        is_no_attempt(status, code).await;
    }
    // The connection breaks after the function ran.
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.put("orders", ["1", "2"]).await;
    lab.function("bill", "exports.handler = async () => {};")
        .await;
    let faults = lab.host.engine().faults();
    faults.set(1, vec![Rule::always("lambda:Invoke", Kind::AnswerLost)]);
    lab.trigger(&stream, "bill", |it| {
        it.maximum_retry_attempts(0)
            .bisect_batch_on_function_error(true)
    })
    .await;
    lab.sleep(3).await;
    lab.host.engine().faults().clear();
    lab.sleep(10).await;
    let story = Story::of(&lab);
    assert!(story.deliveries().len() > 3);
    assert!(story.deliveries().iter().all(|it| it == &["1", "2"]));
    assert_eq!(story.results().last().unwrap(), "OK");
    let given_up = |it: &What| matches!(it, What::Discarded { .. } | What::Split { .. });
    assert!(!story.all().iter().any(|it| given_up(&it.what)));
}

/// When the records of every shard but that of the item `1` were delivered.
async fn beside(neighbour: impl Fn() -> Said + Send + Sync + 'static) -> Vec<(SystemTime, Keys)> {
    let lab = Lab::streaming(Settings {
        shards: NonZeroU32::new(2).unwrap(),
        ..Settings::default()
    })
    .await;
    let stream = lab.table("orders").await;
    let ids: Vec<String> = (1..=20).map(|it| it.to_string()).collect();
    let told: Arc<Mutex<Vec<(SystemTime, Keys)>>> = Arc::default();
    let (kept, clock) = (Arc::clone(&told), lab.clock.clone());
    let config = MappingConfig {
        batch_size: 3,
        ..oldest()
    };
    // Which items are neighbours is known from a first round that goes well.
    let near: Arc<Mutex<Option<Keys>>> = Arc::default();
    let known = Arc::clone(&near);
    let tap = Tap::open(
        &lab,
        &stream,
        config,
        BTreeMap::new(),
        move |keys| match &*known.lock() {
            None => fine(),
            Some(near) if near.contains(&keys[0]) => neighbour(),
            Some(_) => {
                kept.lock().push((clock.now(), keys));
                fine()
            }
        },
    );
    lab.put("orders", ids.iter().map(String::as_str)).await;
    lab.sleep(5).await;
    let (mut shards, mut first) = (BTreeMap::new(), None);
    for it in tap.story.all() {
        if let What::Invoking { records, .. } = it.what {
            let keys = crate::lab::ids(&records);
            if keys.contains(&"1".to_owned()) {
                first = Some(Arc::clone(&it.shard));
            }
            shards.entry(it.shard).or_insert(Vec::new()).extend(keys);
        }
    }
    assert_eq!(shards.len(), 2);
    *near.lock() = shards.remove(&first.unwrap());
    for round in 0..20 {
        let item = |id: &String| {
            let put = lab.dynamodb.put_item().table_name("orders");
            let n = aws_sdk_dynamodb::types::AttributeValue::N(round.to_string());
            let id = aws_sdk_dynamodb::types::AttributeValue::S(id.clone());
            put.item("id", id).item("n", n).send()
        };
        for id in &ids {
            item(id).await.unwrap();
        }
        lab.clock.sleep(Duration::from_millis(700)).await;
    }
    lab.sleep(5).await;
    tap.stop().await;
    let told = told.lock().clone();
    assert!(told.len() > 40, "{}", told.len());
    told
}

#[tokio::test(start_paused = true)]
async fn one_failing_shard_never_slows_another() {
    let undisturbed = beside(fine).await;
    assert_eq!(beside(thrown).await, undisturbed);
    let throttled = || refused(429, "TooManyRequestsException", "Rate Exceeded.");
    assert_eq!(beside(throttled).await, undisturbed);
    let hanging = || Said {
        after: Duration::from_mins(1),
        ..fine()
    };
    assert_eq!(beside(hanging).await, undisturbed);
}

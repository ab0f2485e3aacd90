//! Settings that change while the engine runs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{refused, told};
use crate::lab::{Lab, polls};

async fn set(lab: &Lab, settings: Value) -> Value {
    told(lab, "SetEngineSettings", settings).await["Settings"].clone()
}

#[tokio::test(start_paused = true)]
async fn settings_change_while_the_engine_runs() {
    let lab = Lab::new().await;
    let wanted = json!({
        "Poll": "as-written", "Delays": "instant", "LatestGap": true, "FiltersMax": 10, "Shards": 2,
        "ShardPeriodInSeconds": 14400, "SplitRate": 500, "StreamLimits": true, "Throttle": true,
        "GsiLagInMilliseconds": 300, "TtlDelayInSeconds": 0, "SettleInMilliseconds": 50, "EnforceIam": false,
        "RetryFirstInMilliseconds": 100, "RetryMaxInMilliseconds": 5000, "LargerHalf": "second",
        "FailureBlocks": "shard", "WindowsBegin": "record", "LetterPayload": "object", "ReportedFailures": "ok",
        "BatchSizeCounts": "read", "UpdateAnswers": "after", "StreamEnds": "gone",
    });
    let settings = set(&lab, wanted.clone()).await;
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&settings[name], value, "{name}");
    }
    let engine = told(&lab, "GetEngine", json!({})).await;
    assert_eq!(engine["Settings"], settings);
    let never = set(&lab, json!({"ShardPeriodInSeconds": 0, "SplitRate": 0})).await;
    assert_eq!(never.get("ShardPeriodInSeconds"), None);
    assert_eq!(never.get("SplitRate"), None);
    assert_eq!(never["Shards"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_running_trigger_takes_up_another_pace() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    lab.function("listen", "exports.handler = async () => {};")
        .await;
    lab.trigger(&stream, "listen", |it| it).await;
    let (_, mut watch) = lab.host.engine().watch();
    let mut polls = || polls(&mut watch);
    set(&lab, json!({"Poll": "as-written"})).await;
    lab.sleep(1).await;
    polls();
    lab.sleep(20).await;
    assert!((3..=5).contains(&polls()));
    set(&lab, json!({"Poll": "4/s"})).await;
    lab.sleep(1).await;
    polls();
    lab.sleep(20).await;
    assert_eq!(polls(), 80);
}

#[tokio::test(start_paused = true)]
async fn shards_are_rolled_over_from_the_moment_it_is_wanted() {
    let lab = Lab::new().await;
    let stream = lab.table("orders").await;
    let count = || {
        lab.host
            .engine()
            .read(|state| state.streams[&stream].shards.len())
    };
    lab.sleep(3600).await;
    assert_eq!(count(), 1);
    set(&lab, json!({"ShardPeriodInSeconds": 60})).await;
    lab.clock.wait(Duration::from_secs(1)).await;
    assert_eq!(count(), 2);
    lab.sleep(120).await;
    assert_eq!(count(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_set_is_refused_as_a_whole() {
    let lab = Lab::new().await;
    for (input, words) in [
        (json!({}), "GetEngine names them"),
        (
            json!({"Poll": "fast"}),
            "Poll: \"fast\" is neither as-written nor 4/s",
        ),
        (
            json!({"Throttle": true, "Delays": "slow"}),
            "Delays: \"slow\" is none of",
        ),
        (
            json!({"Throttle": true, "Shards": 0}),
            "Shards must be 1 to 100",
        ),
        (
            json!({"Throttle": true, "ShardPeriodInSeconds": 59}),
            "must be 0, which is never, or 60 to",
        ),
        (json!({"Throttle": true, "FiltersMax": 0}), "at least 1"),
        (
            json!({"Throttle": true, "TtlDelayInSeconds": u64::MAX}),
            "a year at most",
        ),
        (
            json!({"Throttle": true, "StrictKeys": true}),
            "cannot change while it runs",
        ),
        (json!({"Trottle": true}), "unknown field `Trottle`"),
    ] {
        let refused = refused(&lab, "SetEngineSettings", input.clone()).await;
        assert_eq!(refused.code, "ValidationException", "{input}");
        assert!(refused.message.contains(words), "{input}: {refused}");
    }
    assert!(!lab.host.engine().throttles());
}

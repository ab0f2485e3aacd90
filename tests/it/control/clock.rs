//! The world's time through the control service.

use std::time::Duration;

use serde_json::json;

use super::{refused, told};
use crate::lab::Lab;

#[tokio::test(start_paused = true)]
async fn the_clock_is_read_and_set() {
    let lab = Lab::new().await;
    let running = told(&lab, "GetClock", json!({})).await;
    let start = 1_767_225_600.0;
    assert_eq!(
        running,
        json!({"Mode": "RUNNING", "Now": start, "AheadSeconds": 0.0})
    );
    let manual = told(&lab, "SetClock", json!({"Mode": "MANUAL"})).await;
    assert_eq!(manual["Mode"], "MANUAL");
    lab.clock.wait(Duration::from_mins(1)).await;
    let stood = told(&lab, "GetClock", json!({})).await;
    assert_eq!(
        stood,
        json!({"Mode": "MANUAL", "Now": start, "AheadSeconds": -60.0})
    );
    let jumped = told(&lab, "SetClock", json!({"AdvanceSeconds": 90_060.5})).await;
    assert_eq!(
        jumped,
        json!({"Mode": "MANUAL", "Now": start + 90_060.5, "AheadSeconds": 90_000.5})
    );
    let both = json!({"Mode": "RUNNING", "AdvanceSeconds": 0.5});
    let goes = told(&lab, "SetClock", both).await;
    assert_eq!(
        goes,
        json!({"Mode": "RUNNING", "Now": start + 90_061.0, "AheadSeconds": 90_001.0})
    );
    assert_eq!(told(&lab, "GetEngine", json!({})).await["Clock"], goes);
}

#[tokio::test(start_paused = true)]
async fn time_cannot_be_set_to_what_it_cannot_be() {
    let lab = Lab::new().await;
    for (input, words) in [
        (json!({}), "needs a Mode"),
        (json!({"Mode": "STOPPED"}), "neither RUNNING nor MANUAL"),
        (json!({"AdvanceSeconds": -1}), "only goes forward"),
        (json!({"AdvanceSeconds": 1e300}), "only goes forward"),
        (json!({"AdvanceSeconds": 1e11}), "a hundred years"),
        (json!({"AdvanceSeconds": "60"}), "invalid type"),
        (json!({"Advance": 1}), "unknown field `Advance`"),
    ] {
        let refused = refused(&lab, "SetClock", input.clone()).await;
        assert_eq!(refused.code, "ValidationException", "{input}");
        assert!(refused.message.contains(words), "{input}: {refused}");
    }
    let still = told(&lab, "GetClock", json!({})).await;
    assert_eq!(still["Mode"], "RUNNING");
}

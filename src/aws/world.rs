//! The local cloud's time, and what else is not as on AWS.

use std::time::Duration;

use serde_json::json;

use super::control::ask;
use super::{Aws, Error};
use crate::clock::Mode;

/// What is not as on AWS by the user's own doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Time stands still between jumps.
    pub is_manual: bool,
    /// How far jumps have brought time ahead of the machine's; below zero after it stood still.
    pub ahead_millis: i64,
    /// Rules of injected faults that are on.
    pub rules: usize,
}

/// Cheap: ask it every frame. `None` elsewhere than in the local cloud.
pub fn marks(aws: &Aws) -> Option<Marks> {
    let engine = aws.engine().ok()?;
    Some(Marks {
        is_manual: engine.clock().mode() == Mode::Manual,
        ahead_millis: engine.clock().ahead_millis(),
        rules: engine.faults().on(),
    })
}

/// Lets time stand still or go on, where one is wanted, and jumps ahead.
pub async fn set_clock(aws: Aws, is_manual: Option<bool>, by: Duration) -> Result<(), Error> {
    let mut input = json!({ "AdvanceSeconds": by.as_secs_f64() });
    if let Some(is_manual) = is_manual {
        input["Mode"] = if is_manual { "MANUAL" } else { "RUNNING" }.into();
    }
    ask(&aws, "SetClock", input).await?;
    Ok(())
}

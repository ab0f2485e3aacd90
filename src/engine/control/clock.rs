//! The world's time: read it, let it stand still or go on, jump ahead.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Nothing, input};
use crate::clock::{Mode, epoch_secs};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Set {
    mode: Option<String>,
    advance_seconds: Option<f64>,
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let Nothing {} = input(call)?;
    Ok(described(engine).into())
}

pub(super) fn set(engine: &Engine, call: &Call) -> Answer {
    let Set {
        mode,
        advance_seconds,
    } = input(call)?;
    if mode.is_none() && advance_seconds.is_none() {
        return Err(Fault::validation(
            "SetClock needs a Mode, AdvanceSeconds, or both",
        ));
    }
    let mode = match mode.as_deref() {
        None => None,
        Some("RUNNING") => Some(Mode::Running),
        Some("MANUAL") => Some(Mode::Manual),
        Some(other) => {
            let message = format!("Mode: \"{other}\" is neither RUNNING nor MANUAL");
            return Err(Fault::validation(message));
        }
    };
    let by = Duration::try_from_secs_f64(advance_seconds.unwrap_or_default());
    let by = by.map_err(|_range| {
        Fault::validation("AdvanceSeconds: time only goes forward, give a number from 0 on")
    })?;
    engine.set_clock(mode, by)?;
    Ok(described(engine).into())
}

/// As `GetClock` answers.
pub(super) fn described(engine: &Engine) -> Value {
    let clock = engine.clock();
    let ahead = Duration::from_millis(clock.ahead_millis().unsigned_abs()).as_secs_f64();
    json!({
        "Mode": match clock.mode() {
            Mode::Running => "RUNNING",
            Mode::Manual => "MANUAL",
        },
        "Now": epoch_secs(clock.now()),
        "AheadSeconds": if clock.ahead_millis() < 0 { -ahead } else { ahead },
    })
}

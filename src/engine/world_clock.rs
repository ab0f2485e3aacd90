//! The world's time: set to manual and jumped by its user, and kept ahead across a restart.

use std::time::Duration;

use super::Engine;
use super::call::Fault;
use super::state::State;
use crate::clock::{Clock, Mode};

/// As far ahead as jumps may bring a world: a hundred years, in milliseconds.
const AHEAD_MAX: i64 = 100 * 365 * 24 * 3600 * 1000;

impl Engine {
    /// Lets the world's time stand still or go on, where a mode is given, and then jumps ahead. What falls due is done
    /// a moment later, by whoever waited for it.
    ///
    /// How far ahead the world is gets saved before it jumps: what is written then is not younger than its past.
    pub fn set_clock(&self, mode: Option<Mode>, by: Duration) -> Result<(), Fault> {
        let clock = self.clock();
        let by_millis = i64::try_from(by.as_micros().div_ceil(1000)).unwrap_or(i64::MAX);
        let ahead = clock.ahead_millis().saturating_add(by_millis);
        if !by.is_zero() && ahead > AHEAD_MAX {
            return Err(Fault::validation(
                "AdvanceSeconds: the clock cannot be set further than a hundred years ahead",
            ));
        }
        self.keep_ahead(ahead, |kept, ahead| kept < ahead)?;
        if let Some(mode) = mode {
            clock.set(mode);
        }
        clock.advance(by);
        Ok(())
    }

    /// Keeps how far ahead the world ends. While it ran, more was kept where its time stood still.
    pub(super) fn keep_clock(&self) -> Result<(), Fault> {
        let ahead = self.clock().ahead_millis();
        self.keep_ahead(ahead, |kept, ahead| kept != ahead)
    }

    fn keep_ahead(&self, millis: i64, differs: impl Fn(u64, u64) -> bool) -> Result<(), Fault> {
        let millis = u64::try_from(millis).unwrap_or_default();
        if !self.read(|state| differs(state.clock_ahead_millis, millis)) {
            return Ok(());
        }
        self.change(|state| {
            state.clock_ahead_millis = millis;
            Ok(())
        })
    }
}

/// Lets a world go on as far ahead as it was when it ended. One whose clock somebody holds still is left alone.
pub(super) fn restore(clock: &Clock, state: &State) {
    let kept = i64::try_from(state.clock_ahead_millis).unwrap_or(AHEAD_MAX);
    let missing = kept.min(AHEAD_MAX).saturating_sub(clock.ahead_millis());
    if clock.mode() == Mode::Running && kept > 0 {
        clock.advance(Duration::from_millis(
            u64::try_from(missing).unwrap_or_default(),
        ));
    }
}

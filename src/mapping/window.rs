//! Tumbling windows: which one a record belongs to, and the state its calls hand on. Pure.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html>

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::assumed::WindowsBegin;

/// Largest state one shard may carry, as JSON text; beyond it the window ends early.
pub const STATE_BYTES_MAX: usize = 1024 * 1024;

/// One window of one shard that has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// A multiple of the length since 1970, unless set otherwise; the end is not part of it.
    pub start: SystemTime,
    /// 1 to 900.
    pub secs: u32,
    state: Value,
    state_bytes: usize,
}

impl Window {
    /// The window a record created then belongs to, with empty state.
    pub fn at(created: SystemTime, secs: u32) -> Self {
        Self::of(created, secs, WindowsBegin::Epoch)
    }

    /// The same where windows begin like this.
    pub fn of(created: SystemTime, secs: u32, begin: WindowsBegin) -> Self {
        let since = created
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let multiple = match begin {
            WindowsBegin::Epoch => u64::from(secs.max(1)),
            WindowsBegin::Record => 1,
        };
        let start = Duration::from_secs(since.as_secs() / multiple * multiple);
        Self {
            start: SystemTime::UNIX_EPOCH + start,
            secs,
            state: json!({}),
            state_bytes: 2,
        }
    }

    pub fn end(&self) -> SystemTime {
        self.start + Duration::from_secs(u64::from(self.secs))
    }

    /// What the last call returned under `state`.
    pub fn state(&self) -> &Value {
        &self.state
    }

    /// Length of the state as JSON text.
    pub fn state_bytes(&self) -> usize {
        self.state_bytes
    }

    pub fn set_state(&mut self, state: Value) {
        self.state_bytes = super::payload::json_bytes(&state);
        self.state = state;
    }

    /// More state than a shard may carry: the window has to end now.
    pub fn is_too_full(&self) -> bool {
        self.state_bytes > STATE_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{from_epoch_millis, iso_secs};

    #[test]
    fn windows_are_aligned_and_do_not_overlap() {
        let first = Window::at(from_epoch_millis(1_767_225_719_000), 120);
        assert_eq!(iso_secs(first.start), "2026-01-01T00:00:00Z");
        assert_eq!(iso_secs(first.end()), "2026-01-01T00:02:00Z");
        let next = Window::at(first.end(), 120);
        assert_eq!(next.start, first.end());
    }

    #[test]
    fn a_window_is_too_full_beyond_one_megabyte_of_state() {
        let mut window = Window::at(SystemTime::UNIX_EPOCH, 1);
        window.set_state(Value::from("x".repeat(STATE_BYTES_MAX - 2)));
        assert!(!window.is_too_full());
        window.set_state(Value::from("x".repeat(STATE_BYTES_MAX - 1)));
        assert!(window.is_too_full());
    }
}

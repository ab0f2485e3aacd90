//! Time. The only file that may ask for it; wall time is derived from tokio's clock,
//! so a paused runtime makes a whole world virtual.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use time::OffsetDateTime;

/// Where the program gets its time from. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch: SystemTime,
    started: tokio::time::Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the file that may ask")]
impl Clock {
    /// Wall time of this machine.
    pub fn real() -> Self {
        Self::at(SystemTime::now())
    }

    /// A clock that reads `epoch` at this moment and goes on from there with tokio's clock.
    pub fn at(epoch: SystemTime) -> Self {
        Self {
            epoch,
            started: tokio::time::Instant::now(),
        }
    }

    pub fn now(&self) -> SystemTime {
        self.epoch + self.started.elapsed()
    }

    /// Returns at once when `at` has passed.
    pub async fn sleep_until(&self, at: SystemTime) {
        let from_epoch = at.duration_since(self.epoch).unwrap_or_default();
        tokio::time::sleep_until(self.started + from_epoch).await;
    }

    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Real elapsed time, for code that runs outside the runtime (a JavaScript interrupt).
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}

/// Measures real time, whatever the runtime's clock does.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Milliseconds since 1970; zero before.
pub fn epoch_millis(at: SystemTime) -> u64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970 with a fraction of milliseconds, as AWS's JSON wires carry times.
pub fn epoch_secs(at: SystemTime) -> f64 {
    let millis = epoch_millis(at);
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact until the year 287,396: below 2^53 milliseconds"
    )]
    let secs = millis as f64 / 1000.0;
    secs
}

/// The inverse of [`epoch_millis`].
pub fn from_epoch_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

/// `2026-01-01T00:00:00.000Z`
pub fn iso_millis(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// `2026-01-01T00:00:00Z`
pub fn iso_secs(at: SystemTime) -> String {
    let text = iso_millis(at);
    format!("{}Z", &text[..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_passes_at_once_when_the_runtime_is_paused() {
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(iso_millis(clock.now()), "2026-01-01T01:00:00.000Z");
        assert_eq!(iso_secs(clock.now()), "2026-01-01T01:00:00Z");
    }
}

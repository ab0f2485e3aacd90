//! Time. The only file that may ask for it; wall time is derived from tokio's clock,
//! so a paused runtime makes a whole world virtual.
//!
//! A clock can be set to manual, where time stands still, be jumped ahead, and be set going again. Whatever is the
//! world's holds to it: ages of records and iterators, pollers, batching windows, retries and their pauses, mapping
//! states, chores of tables and streams, time to live, visibility of messages, rates and capacity, asynchronous
//! invocations, idle environments, the times in answers and logs, injected delays, `Date` in functions.
//!
//! What lies between programs goes on ([`Clock::uptime`]), because nobody could wait for it otherwise: the deadline
//! and the timers of a running function, how long a call or an invocation took, a caller's wait for messages
//! (`WaitTimeSeconds`), connections, and how often the console looks. A paused runtime makes these virtual as well.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use parking_lot::Mutex;
use time::OffsetDateTime;

/// Where the program gets its time from. Cheap to clone; clones agree, also on what is done to the clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Face>);

/// Whether time goes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Running,
    /// It stands still between jumps.
    Manual,
}

#[derive(Debug)]
struct Face {
    epoch: SystemTime,
    started: tokio::time::Instant,
    /// Odd while somebody sets the clock, so that readers see all of a change or nothing.
    turns: AtomicU64,
    /// Where a manual clock stands, in nanoseconds since `epoch`; [`GOES`] on one that runs.
    stands: AtomicU64,
    /// Nanoseconds by which a running clock is ahead of its uptime; below zero after it stood still.
    ahead: AtomicI64,
    /// Whoever waits for the clock, by the time they wait for. Held by who sets the clock.
    sleepers: Mutex<BTreeMap<(SystemTime, u64), Waker>>,
    /// Tells apart those who wait for the same time.
    slept: AtomicU64,
}

const GOES: u64 = u64::MAX;
/// As far as a clock can be set, in nanoseconds since `epoch`: 250 years.
const FARTHEST: u64 = 250 * 365 * 24 * 3600 * 1_000_000_000;

#[expect(clippy::disallowed_methods, reason = "this is the file that may ask")]
impl Clock {
    /// Wall time of this machine.
    pub fn real() -> Self {
        Self::at(SystemTime::now())
    }

    /// A clock that reads `epoch` at this moment and goes on from there with tokio's clock.
    pub fn at(epoch: SystemTime) -> Self {
        Self(Arc::new(Face {
            epoch,
            started: tokio::time::Instant::now(),
            turns: AtomicU64::new(0),
            stands: AtomicU64::new(GOES),
            ahead: AtomicI64::new(0),
            sleepers: Mutex::default(),
            slept: AtomicU64::new(0),
        }))
    }

    /// Never earlier than what anybody was told before, whatever is done to the clock.
    pub fn now(&self) -> SystemTime {
        self.0.epoch + Duration::from_nanos(self.0.read())
    }

    /// Returns at once when `at` has passed.
    pub async fn sleep_until(&self, at: SystemTime) {
        loop {
            let changed = self.0.changed(at);
            match self.0.timer(at) {
                Some(timer) => tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(timer) => {}
                    () = changed => {}
                },
                None if self.now() >= at => tokio::task::consume_budget().await,
                None => changed.await,
            }
            if self.now() >= at {
                return;
            }
        }
    }

    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }

    /// Time since the clock was made. It goes on whatever is done to the clock.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// How long it is since the clock had this uptime.
    pub fn since(&self, uptime: Duration) -> Duration {
        self.uptime().saturating_sub(uptime)
    }

    /// Returns at once when the clock has been up for so long.
    pub async fn wait_until(&self, uptime: Duration) {
        tokio::time::sleep_until(self.0.started + uptime).await;
    }

    /// As [`Self::sleep`], for waits that go on whatever is done to the clock.
    pub async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub fn mode(&self) -> Mode {
        match self.0.stands.load(Ordering::SeqCst) {
            GOES => Mode::Running,
            _ => Mode::Manual,
        }
    }

    /// Lets time stand still, or go on from where it stands.
    pub fn set(&self, mode: Mode) {
        self.0.change(|face| {
            let stands = face.stands.load(Ordering::SeqCst);
            match mode {
                Mode::Manual if stands == GOES => {
                    let reads = shifted(face.uptime(), face.ahead.load(Ordering::SeqCst));
                    face.stands.store(reads.min(GOES - 1), Ordering::SeqCst);
                }
                Mode::Running if stands != GOES => {
                    let ahead = difference(stands, face.uptime());
                    face.ahead.store(ahead, Ordering::SeqCst);
                    face.stands.store(GOES, Ordering::SeqCst);
                }
                Mode::Manual | Mode::Running => {}
            }
        });
    }

    /// Jumps ahead, at most to 250 years after the clock was made. Whoever waited for the time in between is woken,
    /// in the order of what they wait for.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(FARTHEST);
        self.0.change(|face| {
            let stands = face.stands.load(Ordering::SeqCst);
            let far = |reads: u64| reads.saturating_add(by).min(FARTHEST.max(reads));
            if stands == GOES {
                let (uptime, ahead) = (face.uptime(), face.ahead.load(Ordering::SeqCst));
                let ahead = difference(far(shifted(uptime, ahead)), uptime);
                face.ahead.store(ahead, Ordering::SeqCst);
            } else {
                face.stands.store(far(stands), Ordering::SeqCst);
            }
        });
    }

    /// How far jumps have brought the clock ahead of where it would be without; below zero after it stood still
    /// for longer. In milliseconds.
    pub fn ahead_millis(&self) -> i64 {
        let nanos = match self.0.stands.load(Ordering::SeqCst) {
            GOES => self.0.ahead.load(Ordering::SeqCst),
            stands => difference(stands, self.0.uptime()),
        };
        nanos / 1_000_000
    }

    /// The wall time of this machine, for programs that have no other.
    pub fn machine(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Real elapsed time, for code that runs outside the runtime (a JavaScript interrupt).
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }
}

impl Face {
    fn uptime(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(FARTHEST)
    }

    /// Nanoseconds since `epoch`. No lock: a reader that met a change looks again.
    fn read(&self) -> u64 {
        loop {
            let turns = self.turns.load(Ordering::SeqCst);
            let reads = match self.stands.load(Ordering::SeqCst) {
                GOES => shifted(self.uptime(), self.ahead.load(Ordering::SeqCst)),
                stands => stands,
            };
            if turns.is_multiple_of(2) && self.turns.load(Ordering::SeqCst) == turns {
                return reads;
            }
            std::hint::spin_loop();
        }
    }

    /// When a running clock will read `at`; `None` on one that stands.
    fn timer(&self, at: SystemTime) -> Option<tokio::time::Instant> {
        if self.stands.load(Ordering::SeqCst) != GOES {
            return None;
        }
        let from_epoch = at.duration_since(self.epoch).unwrap_or_default();
        let ahead = self.ahead.load(Ordering::SeqCst);
        let lead = Duration::from_nanos(ahead.unsigned_abs());
        let from_start = if ahead < 0 {
            from_epoch.saturating_add(lead)
        } else {
            from_epoch.saturating_sub(lead)
        };
        let farthest = Duration::from_nanos(FARTHEST);
        Some(self.started + from_start.min(farthest))
    }

    fn change(&self, change: impl FnOnce(&Self)) {
        let mut sleepers = self.sleepers.lock();
        self.turns.fetch_add(1, Ordering::SeqCst);
        change(self);
        self.turns.fetch_add(1, Ordering::SeqCst);
        let woken = std::mem::take(&mut *sleepers);
        drop(sleepers);
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    /// Resolves when the clock is set from now on. `at` is what is waited for.
    fn changed(&self, at: SystemTime) -> Changed<'_> {
        Changed {
            face: self,
            turns: self.turns.load(Ordering::SeqCst),
            place: (at, self.slept.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

struct Changed<'a> {
    face: &'a Face,
    /// As they were when this was made.
    turns: u64,
    place: (SystemTime, u64),
}

impl Future for Changed<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = self.face.sleepers.lock();
        if self.face.turns.load(Ordering::SeqCst) != self.turns {
            return Poll::Ready(());
        }
        let waker = sleepers
            .entry(self.place)
            .or_insert_with(|| cx.waker().clone());
        waker.clone_from(cx.waker());
        Poll::Pending
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        self.face.sleepers.lock().remove(&self.place);
    }
}

/// `uptime` plus `ahead`, not below zero.
fn shifted(uptime: u64, ahead: i64) -> u64 {
    uptime.saturating_add_signed(ahead)
}

/// What has to be added to `uptime` to read `reads`.
fn difference(reads: u64, uptime: u64) -> i64 {
    let (reads, uptime) = (i128::from(reads), i128::from(uptime));
    i64::try_from(reads - uptime).unwrap_or(i64::MAX)
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
    use std::sync::atomic::AtomicBool;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> Clock {
        Clock::at(from_epoch_millis(1_767_225_600_000))
    }

    /// Lets everybody who was woken come to rest.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Notes when each of these waits is over.
    fn sleepers(clock: &Clock, hours: &[u32]) -> Arc<Mutex<Vec<u32>>> {
        let woken: Arc<Mutex<Vec<u32>>> = Arc::default();
        for hours in hours.iter().copied() {
            let (clock, woken) = (clock.clone(), Arc::clone(&woken));
            tokio::spawn(async move {
                clock.sleep(HOUR * hours).await;
                woken.lock().push(hours);
            });
        }
        woken
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_passes_at_once_when_the_runtime_is_paused() {
        let clock = clock();
        clock.sleep(HOUR).await;
        assert_eq!(iso_millis(clock.now()), "2026-01-01T01:00:00.000Z");
        assert_eq!(iso_secs(clock.now()), "2026-01-01T01:00:00Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_manual_clock_stands_still_between_jumps() {
        let clock = clock();
        clock.set(Mode::Manual);
        let began = clock.now();
        clock.wait(HOUR).await;
        assert_eq!((clock.now(), clock.mode()), (began, Mode::Manual));
        assert_eq!((clock.uptime(), clock.ahead_millis()), (HOUR, -3_600_000));
        clock.clone().advance(SECOND);
        assert_eq!(clock.now(), began + SECOND);
        clock.set(Mode::Manual);
        clock.set(Mode::Running);
        assert_eq!(clock.now(), began + SECOND);
        clock.sleep(HOUR).await;
        assert_eq!(clock.now(), began + SECOND + HOUR);
        assert_eq!(clock.ahead_millis(), -3_599_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_wakes_those_whose_time_has_come_in_order_of_time() {
        for mode in [Mode::Running, Mode::Manual] {
            let clock = clock();
            clock.set(mode);
            let woken = sleepers(&clock, &[30, 3, 24, 1, 25]);
            settle().await;
            clock.advance(HOUR * 25);
            settle().await;
            assert_eq!(*woken.lock(), [1, 3, 24, 25], "{mode:?}");
            clock.advance(HOUR * 5);
            settle().await;
            assert_eq!(woken.lock().len(), 5, "{mode:?}");
            assert!(clock.0.sleepers.lock().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_clock_that_jumped_goes_on_from_there() {
        let clock = clock();
        let began = clock.now();
        let woken = sleepers(&clock, &[3]);
        settle().await;
        clock.advance(HOUR);
        clock.wait(Duration::from_mins(119)).await;
        assert_eq!(woken.lock().len(), 0);
        clock.wait(Duration::from_mins(2)).await;
        assert_eq!(woken.lock().len(), 1);
        assert_eq!(clock.now(), began + Duration::from_mins(181));
        assert_eq!(clock.ahead_millis(), 3_600_000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sleeps_while_time_stands_goes_on_when_it_goes() {
        let clock = clock();
        let before = sleepers(&clock, &[1]);
        settle().await;
        clock.set(Mode::Manual);
        let while_it_stands = sleepers(&clock, &[2]);
        clock.wait(HOUR * 5).await;
        assert!(before.lock().is_empty() && while_it_stands.lock().is_empty());
        clock.set(Mode::Running);
        clock.wait(HOUR + SECOND).await;
        assert_eq!((before.lock().len(), while_it_stands.lock().len()), (1, 0));
        clock.wait(HOUR).await;
        assert_eq!(while_it_stands.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_passed_is_not_waited_for() {
        let clock = clock();
        clock.set(Mode::Manual);
        clock.sleep_until(clock.now()).await;
        clock.sleep_until(SystemTime::UNIX_EPOCH).await;
        clock.wait_until(Duration::ZERO).await;
        assert_eq!(clock.uptime(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_no_farther_than_it_can_tell() {
        for mode in [Mode::Running, Mode::Manual] {
            let clock = clock();
            clock.set(mode);
            clock.advance(Duration::MAX);
            clock.advance(Duration::MAX);
            assert_eq!(&iso_secs(clock.now())[..4], "2275", "{mode:?}");
            clock.set(Mode::Running);
            clock.sleep(SECOND).await;
        }
    }

    #[test]
    fn time_never_runs_backwards_while_others_set_the_clock() {
        let clock = clock();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    let mut last = clock.now();
                    while !is_over.load(Ordering::Relaxed) {
                        let now = clock.now();
                        assert!(now >= last);
                        last = now;
                    }
                });
            }
            for turn in 0..20_000 {
                clock.set([Mode::Manual, Mode::Running][turn % 2]);
                clock.advance(Duration::from_nanos(turn as u64 % 3));
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }
}

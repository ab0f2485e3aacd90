//! Settings of an engine that can change while it runs. They begin as its options say and are not kept.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::delays::Delays;
use super::{Assumed, Engine, Options, Pace, streams};

/// What the [`Options`] of the same names mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub enforce_iam: bool,
    pub throttle: bool,
    /// Whole milliseconds.
    pub gsi_lag: Duration,
    /// Whole milliseconds.
    pub ttl_delay: Duration,
    pub settle: Duration,
    pub filters_max: usize,
    pub streams: streams::Settings,
    pub delays: Delays,
    pub latest_gap: Option<bool>,
    pub poll: Pace,
    pub assumed: Assumed,
}

impl Settings {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            enforce_iam: options.enforce_iam,
            throttle: options.throttle,
            gsi_lag: options.gsi_lag,
            ttl_delay: options.ttl_delay,
            settle: options.settle,
            filters_max: options.filters_max,
            streams: options.streams,
            delays: options.delays,
            latest_gap: options.latest_gap,
            poll: options.poll,
            assumed: options.assumed,
        }
    }

    /// Only those who want AWS's delays want what they lead to.
    pub fn has_latest_gap(&self) -> bool {
        self.latest_gap.unwrap_or(self.delays == Delays::Aws)
    }
}

/// The settings in force. What every request asks for is kept beside them without a lock.
pub(super) struct Live {
    all: RwLock<Settings>,
    enforce_iam: AtomicBool,
    throttle: AtomicBool,
    gsi_lag_millis: AtomicU64,
    ttl_delay_millis: AtomicU64,
    stream_limits: AtomicBool,
}

impl Live {
    pub(super) fn new(settings: Settings) -> Self {
        let live = Self {
            all: RwLock::new(settings),
            enforce_iam: AtomicBool::default(),
            throttle: AtomicBool::default(),
            gsi_lag_millis: AtomicU64::default(),
            ttl_delay_millis: AtomicU64::default(),
            stream_limits: AtomicBool::default(),
        };
        live.spread(&settings);
        live
    }

    fn spread(&self, settings: &Settings) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let gsi_lag = millis(settings.gsi_lag);
        let ttl_delay = millis(settings.ttl_delay);
        self.enforce_iam
            .store(settings.enforce_iam, Ordering::Relaxed);
        self.throttle.store(settings.throttle, Ordering::Relaxed);
        self.gsi_lag_millis.store(gsi_lag, Ordering::Relaxed);
        self.ttl_delay_millis.store(ttl_delay, Ordering::Relaxed);
        let limits = settings.streams.has_limits;
        self.stream_limits.store(limits, Ordering::Relaxed);
    }
}

impl Engine {
    /// All settings in force. Takes a lock: whoever is asked for every request has a way of its own.
    pub fn settings(&self) -> Settings {
        *self.0.settings.all.read()
    }

    /// Judge calls of roles by their policies.
    pub fn enforces_iam(&self) -> bool {
        self.0.settings.enforce_iam.load(Ordering::Relaxed)
    }

    /// Refuse requests beyond the provisioned capacity.
    pub fn throttles(&self) -> bool {
        self.0.settings.throttle.load(Ordering::Relaxed)
    }

    pub fn gsi_lag(&self) -> Duration {
        Duration::from_millis(self.0.settings.gsi_lag_millis.load(Ordering::Relaxed))
    }

    pub fn ttl_delay(&self) -> Duration {
        Duration::from_millis(self.0.settings.ttl_delay_millis.load(Ordering::Relaxed))
    }

    /// Refuse a third reader of a shard, and calls of streams that come too often.
    pub fn has_stream_limits(&self) -> bool {
        self.0.settings.stream_limits.load(Ordering::Relaxed)
    }

    /// Changes settings for what happens from now on; pollers and chores take them up at once.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut all = self.0.settings.all.write();
        let before = *all;
        change(&mut all);
        self.0.settings.spread(&all);
        if all.gsi_lag != before.gsi_lag {
            self.dynamodb().forget_lag();
        }
        drop(all);
        self.0.changed.notify_one();
        self.dynamodb().wake_chores();
        self.streams().wake_chores();
    }
}

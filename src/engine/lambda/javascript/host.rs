//! What a program can ask of the engine: time, files, its log, dice. No network and no disk. Knows no JavaScript.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::clock::{Clock, Stopwatch};
use crate::engine::lambda::environment::{Blueprint, Line, LogFormat};
use crate::engine::lambda::package::Package;
use crate::engine::lambda::written::Written;
use crate::ids::Ids;

const SLICES_PER_MEASURE: u64 = 16;
const LONG_SLICE: Duration = Duration::from_millis(5);
const ROOT: &str = "/var/task/";

/// The engine's side of one program.
pub(super) struct Host {
    package: Arc<Package>,
    log_format: LogFormat,
    clock: Clock,
    ids: Ids,
    now: Mutex<Now>,
    /// Set by an interrupt that was obeyed.
    is_stopped: AtomicBool,
    slices: AtomicU64,
    memory_bytes: AtomicU64,
    memory_bytes_peak: AtomicU64,
}

/// What changes from phase to phase.
struct Now {
    request_id: Option<String>,
    written: Written,
    /// By the clock's uptime.
    deadline: Duration,
    /// Real time since the slice began, and how much it may take.
    slice: Option<(Stopwatch, Duration)>,
    is_unwanted: Arc<AtomicBool>,
    exit_code: Option<i32>,
}

/// Stops the program when it is dropped.
pub(super) struct Watch(Arc<AtomicBool>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Host {
    pub(super) fn new(blueprint: &Blueprint) -> Self {
        let now = Now {
            request_id: None,
            written: Written::default(),
            deadline: blueprint.clock.uptime(),
            slice: None,
            is_unwanted: Arc::default(),
            exit_code: None,
        };
        Self {
            package: Arc::clone(&blueprint.package),
            log_format: blueprint.log_format,
            clock: blueprint.clock.clone(),
            ids: blueprint.ids.clone(),
            now: Mutex::new(now),
            is_stopped: AtomicBool::new(false),
            slices: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
            memory_bytes_peak: AtomicU64::new(0),
        }
    }

    /// Lines carry this request from now on.
    pub(super) fn begin(&self, request_id: Option<&str>) {
        self.now.lock().request_id = request_id.map(str::to_owned);
    }

    /// A phase begins that must end by this time of the clock's uptime.
    pub(super) fn watch(&self, deadline: Duration) -> Watch {
        let mut now = self.now.lock();
        now.deadline = deadline;
        now.exit_code = None;
        now.is_unwanted = Arc::default();
        self.is_stopped.store(false, Ordering::Relaxed);
        Watch(Arc::clone(&now.is_unwanted))
    }

    /// A slice begins: the rest of the time until the deadline is real time now.
    pub(super) fn resume(&self) {
        let mut now = self.now.lock();
        let left = now.deadline.saturating_sub(self.clock.uptime());
        now.slice = Some((self.clock.stopwatch(), left));
    }

    /// Asked by the interpreter every few thousand steps.
    pub(super) fn must_stop(&self) -> bool {
        let now = self.now.lock();
        let is_late = now
            .slice
            .is_some_and(|(stopwatch, most)| stopwatch.elapsed() >= most);
        let stops = is_late || now.exit_code.is_some() || now.is_unwanted.load(Ordering::Relaxed);
        if stops {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
        stops
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        self.now.lock().exit_code
    }

    pub(super) fn take_lines(&self) -> Vec<Line> {
        self.now.lock().written.take()
    }

    /// Measuring walks the whole heap: after long slices, and now and then after short ones.
    pub(super) fn wants_measure(&self) -> bool {
        let slice = self.now.lock().slice;
        let is_long = slice.is_some_and(|(stopwatch, _)| stopwatch.elapsed() >= LONG_SLICE);
        let slices = self.slices.fetch_add(1, Ordering::Relaxed);
        is_long || slices.is_multiple_of(SLICES_PER_MEASURE)
    }

    pub(super) fn measured(&self, bytes: u64) {
        self.memory_bytes.store(bytes, Ordering::Relaxed);
        self.memory_bytes_peak.fetch_max(bytes, Ordering::Relaxed);
    }

    /// The most that was used at the end of any slice, rounded up.
    pub(super) fn memory_mb(&self) -> u32 {
        let peak = self.memory_bytes_peak.load(Ordering::Relaxed);
        u32::try_from(peak.div_ceil(1024 * 1024)).unwrap_or(u32::MAX)
    }

    /// A line in the format of the function; `json` is the message as a JSON value, where it is more than a text.
    pub(super) fn log(&self, level: &str, text: &str, json: Option<&str>) {
        let at = self.clock.now();
        let mut now = self.now.lock();
        let request_id = now.request_id.as_deref();
        let json = json.and_then(|it| serde_json::from_str(it).ok());
        let line = self.log_format.line(at, request_id, level, text, json);
        if let Some(line) = line {
            now.written.add(at, line);
        }
    }

    pub(super) fn raw(&self, text: &str) {
        let at = self.clock.now();
        self.now.lock().written.add(at, text.replace('\n', "\r"));
    }

    /// Milliseconds since 1970 with their fraction.
    pub(super) fn now_millis(&self) -> f64 {
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64() * 1000.0
    }

    /// Milliseconds with their fraction that go on while the world's time stands still.
    pub(super) fn uptime_millis(&self) -> f64 {
        self.clock.uptime().as_secs_f64() * 1000.0
    }

    pub(super) fn uuid(&self) -> String {
        self.ids.uuid()
    }

    /// Ends the program at its next interrupt.
    pub(super) fn exit(&self, code: i32) {
        self.now.lock().exit_code = Some(code);
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn remaining_millis(&self) -> f64 {
        let deadline = self.now.lock().deadline;
        deadline.saturating_sub(self.clock.uptime()).as_secs_f64() * 1000.0
    }

    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.package.text(path.strip_prefix(ROOT)?)
    }

    /// 1 for a file, 2 for a folder, 0 for nothing.
    pub(super) fn kind(&self, path: &str) -> i32 {
        let Some(path) = format!("{path}/").strip_prefix(ROOT).map(str::to_owned) else {
            return 0;
        };
        let path = path.trim_end_matches('/');
        if self.package.files.contains_key(path) {
            1
        } else if self.package.has_folder(path) {
            2
        } else {
            0
        }
    }

    /// From 0 up to 1, with all the digits a double has.
    pub(super) fn random(&self) -> f64 {
        // 32 bits and 21 more: exactly the 53 a double holds.
        let bits = self.ids.number();
        let high = u32::try_from(bits >> 32).unwrap_or_default();
        let low = u32::try_from(bits & 0x1f_ffff).unwrap_or_default();
        (f64::from(high) + f64::from(low) / 2_097_152.0) / 4_294_967_296.0
    }
}

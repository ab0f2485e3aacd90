//! Injected faults by rule and seed: they act before or after a call or instead of a handler, never inside.

mod plan;
mod subject;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::call::{Call, Fault, Operation};

pub use plan::Plan;

/// The header of answers that tells what was injected: `throttle`, `delay of 2 s, lost answer`.
pub const HEADER: &str = "x-waterwheel-injected";

/// Answers that are remembered to be injected.
const MARKS_MAX: usize = 4096;

/// What goes wrong, how often, with which calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `service:Operation` as in `dynamodb:PutItem`; `*` stands for any run of characters.
    pub calls: String,
    /// Name or ARN of a table, function, role, queue, topic or bucket the call is about, `*` as above; any where it is
    /// left out.
    pub subject: Option<String>,
    /// From 0, never, to 1, always.
    pub probability: f64,
    /// So many of the calls it names are spared first.
    pub skip: u64,
    /// Of the others only so many may be struck; all where it is left out.
    pub first: Option<u64>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Refused before it ran, as the service words it.
    Throttle,
    /// Failed before it ran.
    InternalError,
    /// Refused before it ran as if no policy allowed it.
    AccessDenied,
    /// Answered later, by any time between these, each as likely. The time is the world's.
    Delay { least: Duration, most: Duration },
    /// It ran, and its answer never arrived: the connection breaks.
    AnswerLost,
    /// An invocation: the handler does not run, and the answer is that it threw this.
    FunctionError {
        /// `errorType`
        kind: String,
        message: String,
    },
    /// An invocation: the handler does not run, and the function's timeout passes. The time is the world's.
    Timeout,
    /// `GetRecords`: the iterator is too old.
    ExpiredIterator,
    /// `GetRecords` and `GetShardIterator`: the position is gone.
    TrimmedData,
}

/// The names of the kinds.
pub const KINDS: [&str; 9] = [
    "Throttle",
    "InternalError",
    "AccessDenied",
    "Delay",
    "AnswerLost",
    "FunctionError",
    "Timeout",
    "ExpiredIterator",
    "TrimmedData",
];

impl Kind {
    /// Later by exactly this time.
    pub fn delay(time: Duration) -> Self {
        Self::Delay {
            least: time,
            most: time,
        }
    }

    /// One of [`KINDS`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "Throttle",
            Self::InternalError => "InternalError",
            Self::AccessDenied => "AccessDenied",
            Self::Delay { .. } => "Delay",
            Self::AnswerLost => "AnswerLost",
            Self::FunctionError { .. } => "FunctionError",
            Self::Timeout => "Timeout",
            Self::ExpiredIterator => "ExpiredIterator",
            Self::TrimmedData => "TrimmedData",
        }
    }

    /// In a few words, for the list of calls.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::InternalError => "internal error",
            Self::AccessDenied => "denial",
            Self::Delay { .. } => "delay",
            Self::AnswerLost => "lost answer",
            Self::FunctionError { .. } => "function error",
            Self::Timeout => "timeout",
            Self::ExpiredIterator => "expired iterator",
            Self::TrimmedData => "trimmed data",
        }
    }

    fn refusal(&self) -> Option<Strike> {
        match self {
            Self::Throttle => Some(Strike::Throttle),
            Self::InternalError => Some(Strike::InternalError),
            Self::AccessDenied => Some(Strike::AccessDenied),
            Self::ExpiredIterator => Some(Strike::ExpiredIterator),
            Self::TrimmedData => Some(Strike::TrimmedData),
            Self::Delay { .. } | Self::AnswerLost | Self::FunctionError { .. } | Self::Timeout => {
                None
            }
        }
    }

    /// It takes the handler's place.
    fn is_of_run(&self) -> bool {
        matches!(self, Self::FunctionError { .. } | Self::Timeout)
    }

    /// Whether this can happen to such a call: `streams:GetRecords`.
    pub fn can_strike(&self, call: &str) -> bool {
        match self {
            Self::FunctionError { .. } | Self::Timeout => call == INVOKE,
            Self::ExpiredIterator => call == "streams:GetRecords",
            Self::TrimmedData => matches!(call, "streams:GetRecords" | "streams:GetShardIterator"),
            Self::Throttle
            | Self::InternalError
            | Self::AccessDenied
            | Self::Delay { .. }
            | Self::AnswerLost => true,
        }
    }
}

const INVOKE: &str = "lambda:Invoke";

impl Rule {
    /// A rule that always applies.
    pub fn always(calls: &str, kind: Kind) -> Self {
        Self {
            calls: calls.to_owned(),
            subject: None,
            probability: 1.0,
            skip: 0,
            first: None,
            kind,
        }
    }

    /// Whether its pattern fits this `service:Operation`.
    pub fn names_call(&self, call: &str) -> bool {
        fits(&self.calls, call)
    }
}

/// The rules in force; none at first.
#[derive(Default)]
pub struct Faults {
    /// There are rules: asked for every call.
    is_on: AtomicBool,
    plan: RwLock<Option<Arc<Plan>>>,
    /// Request ids of the last answers that were injected, and what was.
    marks: Mutex<VecDeque<(String, Arc<str>)>>,
}

/// A rule and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// From 1; stays while other rules come and go.
    pub number: u64,
    /// A rule that is off strikes and counts nothing.
    pub is_on: bool,
    pub rule: Rule,
    /// Calls it names since it was put in force.
    pub seen: u64,
    /// Those of them it struck.
    pub struck: u64,
}

/// Marks a response that must not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke before the answer arrived")]
pub struct AnswerLost;

/// What happens to one call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fate {
    pub(super) delay: Duration,
    pub(super) strike: Option<Strike>,
    pub(super) answer_lost: bool,
    /// In a few words, for the list of calls; empty where nothing happens.
    pub(super) words: String,
}

/// The refusal a call gets instead of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    Throttle,
    InternalError,
    AccessDenied,
    ExpiredIterator,
    TrimmedData,
}

impl Faults {
    /// Puts rules in force instead of the former ones; the same seed lets them strike the same calls again: of each rule
    /// the same ones among those it names, whatever other rules there are.
    pub fn set(&self, seed: u64, rules: Vec<Rule>) {
        self.put(&mut self.plan.write(), Plan::new(seed, rules));
    }

    /// Changes the rules; nothing happens where that fails. Rules that stay go on counting.
    pub fn change<E>(&self, change: impl FnOnce(&mut Plan) -> Result<(), E>) -> Result<(), E> {
        let mut all = self.plan.write();
        let mut plan = all.as_deref().cloned().unwrap_or_default();
        change(&mut plan)?;
        self.put(&mut all, plan);
        Ok(())
    }

    fn put(&self, all: &mut Option<Arc<Plan>>, plan: Plan) {
        self.is_on.store(!plan.is_empty(), Ordering::Release);
        *all = (!plan.is_empty()).then(|| Arc::new(plan));
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        let mut plan = self.plan.write();
        self.is_on.store(false, Ordering::Release);
        *plan = None;
    }

    /// How many rules are on. Cheap to ask.
    pub fn on(&self) -> usize {
        self.plan().map_or(0, |plan| plan.on())
    }

    /// There is no rule, on or off.
    pub fn is_empty(&self) -> bool {
        !self.is_on.load(Ordering::Acquire)
    }

    /// The seed, and the rules in order with what came of them.
    pub fn counts(&self) -> (u64, Vec<Count>) {
        let Some(plan) = self.plan() else {
            return (0, Vec::new());
        };
        (plan.seed(), plan.counts())
    }

    /// What was injected into the answer with this request id, while it is remembered.
    pub fn injected(&self, request_id: &str) -> Option<Arc<str>> {
        let marks = self.marks.lock();
        let mark = marks.iter().rev().find(|(known, _)| known == request_id);
        mark.map(|(_, words)| Arc::clone(words))
    }

    pub(super) fn mark(&self, request_id: &str, words: &str) {
        let mut marks = self.marks.lock();
        if marks.len() == MARKS_MAX {
            marks.pop_front();
        }
        marks.push_back((request_id.to_owned(), Arc::from(words)));
    }

    /// `shown` is what the list of calls says the call is about.
    pub(super) fn fate(&self, call: &Call, shown: &str) -> Fate {
        let mut fate = Fate::default();
        let Some(plan) = self.plan() else {
            return fate;
        };
        let subjects = || subject::names(call, shown);
        for strike in plan.strikes(call.service, call.operation, false, &subjects) {
            strike.befall(&mut fate);
        }
        fate
    }

    /// What happens instead of this run of a function: its error, or its timeout. `arn` is as its caller named it.
    pub(super) fn fate_of_run(&self, function: &str, arn: &str) -> Option<Kind> {
        let plan = self.plan()?;
        let subjects = || vec![function.to_owned(), arn.to_owned()];
        let struck = plan.strikes("lambda", "Invoke", true, &subjects);
        Some(struck.first()?.strike().kind.clone())
    }

    fn plan(&self) -> Option<Arc<Plan>> {
        if self.is_empty() {
            return None;
        }
        self.plan.read().clone()
    }
}

impl Strike {
    /// The refusal as the call's service words it.
    pub(super) fn fault(self, call: &Call, operation: &Operation) -> Fault {
        words::fault(self, call, operation)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            starts.into_iter().any(|at| fits(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;

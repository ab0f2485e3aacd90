//! Injected faults by rule and seed: they act before or after a call, never inside.

use std::time::Duration;

use parking_lot::Mutex;

use super::call::Fault;
use crate::ids::Ids;

/// What goes wrong, how often, with which calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `service:Operation` as in `dynamodb:PutItem`; `*` stands for any run of characters.
    pub calls: String,
    /// From 0, never, to 1, always.
    pub probability: f64,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Refused before it ran, as the service words it.
    Throttle,
    /// Failed before it ran.
    InternalError,
    /// Answered later.
    Delay(Duration),
    /// It ran, and its answer never arrived: the connection breaks.
    AnswerLost,
}

impl Rule {
    /// A rule that always applies.
    pub fn always(calls: &str, kind: Kind) -> Self {
        Self {
            calls: calls.to_owned(),
            probability: 1.0,
            kind,
        }
    }
}

/// The rules in force; none at first.
#[derive(Default)]
pub struct Faults(Mutex<Option<Plan>>);

struct Plan {
    rules: Vec<Rule>,
    dice: Ids,
}

/// Marks a response that must not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke before the answer arrived")]
pub struct AnswerLost;

/// What happens to one call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fate {
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
    pub(super) answer_lost: bool,
}

impl Faults {
    /// Puts rules in force instead of the former ones; the same seed lets them strike the same calls again.
    pub fn set(&self, seed: u64, rules: Vec<Rule>) {
        let dice = Ids::seeded(seed);
        *self.0.lock() = Some(Plan { rules, dice });
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        *self.0.lock() = None;
    }

    pub(super) fn fate(&self, service: &str, operation: &str) -> Fate {
        let mut fate = Fate::default();
        let plan = self.0.lock();
        let Some(plan) = plan.as_ref() else {
            return fate;
        };
        let call = format!("{service}:{operation}");
        for rule in plan.rules.iter().filter(|rule| fits(&rule.calls, &call)) {
            if !strikes(rule.probability, plan.dice.number()) {
                continue;
            }
            match rule.kind {
                Kind::Throttle => fate.fault = Some(throttled(service)),
                Kind::InternalError => fate.fault = Some(failed(service)),
                Kind::Delay(time) => fate.delay += time,
                Kind::AnswerLost => fate.answer_lost = true,
            }
        }
        fate
    }
}

fn strikes(probability: f64, rolled: u64) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of the range needs no exact digits"
    )]
    let share = rolled as f64 / u64::MAX as f64;
    share < probability || probability >= 1.0
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

fn throttled(service: &str) -> Fault {
    match service {
        "dynamodb" => Fault::new(
            400,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. \
             Consider increasing your provisioning level with the UpdateTable API.",
        ),
        "lambda" => {
            let mut fault = Fault::new(429, "TooManyRequestsException", "Rate Exceeded.");
            let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
            fault.extra = Some(serde_json::json!({ "Reason": reason }));
            fault
        }
        "s3" => Fault::new(503, "SlowDown", "Please reduce your request rate."),
        "sns" => Fault::new(429, "Throttled", "Rate exceeded"),
        "sqs" => Fault::new(403, "RequestThrottled", "Request is throttled."),
        _ => Fault::new(400, "ThrottlingException", "Rate exceeded"),
    }
}

fn failed(service: &str) -> Fault {
    match service {
        "lambda" => Fault::new(
            500,
            "ServiceException",
            "An error occurred and the request cannot be processed.",
        ),
        "logs" => Fault::new(
            503,
            "ServiceUnavailableException",
            "The service cannot complete the request.",
        ),
        "s3" => Fault::new(
            500,
            "InternalError",
            "We encountered an internal error. Please try again.",
        ),
        _ => Fault::internal("Internal server error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_only_the_calls_it_names() {
        let faults = Faults::default();
        faults.set(1, vec![Rule::always("dynamodb:*Item", Kind::Throttle)]);
        let code = |operation| {
            let fate = faults.fate("dynamodb", operation);
            fate.fault.map(|fault| fault.code)
        };
        assert_eq!(
            code("PutItem"),
            Some("ProvisionedThroughputExceededException")
        );
        assert_eq!(code("PutItems"), None);
        assert_eq!(code("Query"), None);
        faults.clear();
        assert_eq!(code("PutItem"), None);
    }

    #[test]
    fn one_seed_strikes_the_same_calls() {
        let struck = |seed| {
            let faults = Faults::default();
            let rule = Rule {
                probability: 0.3,
                ..Rule::always("*", Kind::AnswerLost)
            };
            faults.set(seed, vec![rule]);
            let fates = (0..100).map(|_| faults.fate("lambda", "Invoke").answer_lost);
            fates.collect::<Vec<_>>()
        };
        assert_eq!(struck(7), struck(7));
        assert_ne!(struck(7), struck(8));
        let count = struck(7).into_iter().filter(|struck| *struck).count();
        assert!((10..50).contains(&count), "{count} of 100 at 0.3");
    }
}

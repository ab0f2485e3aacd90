//! Rules of injected faults: put in force, counted, taken back.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Nothing, input, millis, without_nulls};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::faults::{Count, KINDS, Kind, Rule};
use crate::engine::handle::{SERVICES, operations};

/// Most rules at once.
const RULES_MAX: usize = 100;
/// Longest delay, in milliseconds: an hour.
const DELAY_MAX: u64 = 3_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Put {
    seed: Option<u64>,
    rules: Vec<RuleInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RuleInput {
    calls: String,
    subject: Option<String>,
    probability: Option<f64>,
    #[serde(default)]
    skip: u64,
    first: Option<NonZeroU64>,
    kind: String,
    min_milliseconds: Option<u64>,
    max_milliseconds: Option<u64>,
    error_type: Option<String>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Switch {
    rule_id: u64,
    state: State,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    On,
    Off,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Restart {
    seed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Delete {
    rule_ids: Option<Vec<u64>>,
}

pub(super) fn put(engine: &Engine, call: &Call) -> Answer {
    let Put { seed, rules } = input(call)?;
    let rules = checked(rules)?;
    let seed = seed.unwrap_or_else(|| thrown(engine));
    engine.faults().set(seed, rules);
    Ok(described(engine).into())
}

/// Beside the rules there are, which go on counting.
pub(super) fn add(engine: &Engine, call: &Call) -> Answer {
    let Put { seed, rules } = input(call)?;
    let rules = checked(rules)?;
    engine.faults().change(|plan| {
        if plan.is_empty() {
            *plan = plan.restarted(seed.unwrap_or_else(|| thrown(engine)));
        } else if seed.is_some_and(|it| it != plan.seed()) {
            return Err(Fault::validation(format!(
                "Seed: the rules in force have the seed {}; RestartFaultRules gives them another",
                plan.seed()
            )));
        }
        if plan.len() + rules.len() > RULES_MAX {
            return Err(Fault::validation(format!(
                "Rules: there are {} rules in force, and {RULES_MAX} at most",
                plan.len()
            )));
        }
        plan.add(rules);
        Ok(())
    })?;
    Ok(described(engine).into())
}

pub(super) fn switch(engine: &Engine, call: &Call) -> Answer {
    let Switch { rule_id, state } = input(call)?;
    engine.faults().change(|plan| {
        if plan.switch(rule_id, matches!(state, State::On)) {
            Ok(())
        } else {
            Err(unknown(rule_id))
        }
    })?;
    Ok(described(engine).into())
}

/// All rules count from zero again.
pub(super) fn restart(engine: &Engine, call: &Call) -> Answer {
    let Restart { seed } = input(call)?;
    engine.faults().change(|plan| {
        *plan = plan.restarted(seed.unwrap_or_else(|| thrown(engine)));
        Ok::<(), Fault>(())
    })?;
    Ok(described(engine).into())
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let Nothing {} = input(call)?;
    Ok(described(engine).into())
}

/// Those that are named, or all.
pub(super) fn delete(engine: &Engine, call: &Call) -> Answer {
    let Delete { rule_ids } = input(call)?;
    match rule_ids {
        None => engine.faults().clear(),
        Some(ids) => engine
            .faults()
            .change(|plan| plan.remove(&ids).map_err(unknown))?,
    }
    Ok(json!({}).into())
}

fn checked(rules: Vec<RuleInput>) -> Result<Vec<Rule>, Fault> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(Fault::validation(format!(
            "Rules: give 1 to {RULES_MAX} rules; DeleteFaultRules takes all away"
        )));
    }
    let rules = (1..).zip(rules).map(|(number, rule)| {
        rule.checked()
            .map_err(|wrong| Fault::validation(format!("Rules: in rule {number}, {wrong}")))
    });
    rules.collect()
}

/// Half of the digits: programs read numbers up to 2^53.
fn thrown(engine: &Engine) -> u64 {
    engine.ids().number() >> 32
}

fn unknown(rule_id: u64) -> Fault {
    let message = format!("there is no rule {rule_id}; GetFaultRules names those in force");
    Fault::new(400, "ResourceNotFoundException", message)
}

impl RuleInput {
    fn checked(self) -> Result<Rule, String> {
        let probability = self.probability.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err("Probability must be from 0 to 1".to_owned());
        }
        let kind = self.kind()?;
        let rule = Rule {
            calls: self.calls,
            subject: self.subject,
            probability,
            skip: self.skip,
            first: self.first.map(NonZeroU64::get),
            kind,
        };
        let known = SERVICES.into_iter().flat_map(|service| {
            let names = operations(service).iter();
            names.map(move |it| format!("{service}:{}", it.name))
        });
        let named: Vec<String> = known.filter(|call| rule.names_call(call)).collect();
        let calls = &rule.calls;
        if named.is_empty() {
            return Err(format!(
                "Calls \"{calls}\" names no operation of the simulated services; write service:Operation as in \
                 dynamodb:PutItem, with * for any text"
            ));
        }
        if !named.iter().any(|call| rule.kind.can_strike(call)) {
            let kind = rule.kind.name();
            return Err(format!(
                "{kind} cannot happen to what Calls \"{calls}\" names"
            ));
        }
        Ok(rule)
    }

    fn kind(&self) -> Result<Kind, String> {
        let is_of = |kind: &str| self.kind == kind;
        if !is_of("Delay") && (self.min_milliseconds.is_some() || self.max_milliseconds.is_some()) {
            return Err("MinMilliseconds and MaxMilliseconds belong to the kind Delay".to_owned());
        }
        if !is_of("FunctionError") && (self.error_type.is_some() || self.error_message.is_some()) {
            return Err("ErrorType and ErrorMessage belong to the kind FunctionError".to_owned());
        }
        Ok(match self.kind.as_str() {
            "Throttle" => Kind::Throttle,
            "InternalError" => Kind::InternalError,
            "AccessDenied" => Kind::AccessDenied,
            "AnswerLost" => Kind::AnswerLost,
            "Timeout" => Kind::Timeout,
            "ExpiredIterator" => Kind::ExpiredIterator,
            "TrimmedData" => Kind::TrimmedData,
            "Delay" => self.delay()?,
            "FunctionError" => Kind::FunctionError {
                kind: self
                    .error_type
                    .clone()
                    .unwrap_or_else(|| "Error".to_owned()),
                message: (self.error_message.clone()).unwrap_or_else(|| "injected".to_owned()),
            },
            other => {
                let kinds = KINDS.join(", ");
                return Err(format!("Kind \"{other}\" is none of {kinds}"));
            }
        })
    }

    fn delay(&self) -> Result<Kind, String> {
        let most = self.max_milliseconds.or(self.min_milliseconds);
        let least = self.min_milliseconds.unwrap_or_default();
        match most {
            Some(most) if (1..=DELAY_MAX).contains(&most) && least <= most => Ok(Kind::Delay {
                least: Duration::from_millis(least),
                most: Duration::from_millis(most),
            }),
            _ => Err(format!(
                "a Delay needs MinMilliseconds, MaxMilliseconds or both, in this order, up to {DELAY_MAX}"
            )),
        }
    }
}

/// As `GetFaultRules` answers.
fn described(engine: &Engine) -> Value {
    if engine.faults().is_empty() {
        return json!({ "Rules": [] });
    }
    let (seed, rules) = engine.faults().counts();
    let rules: Vec<Value> = rules.iter().map(described_rule).collect();
    json!({ "Seed": seed, "Rules": rules })
}

fn described_rule(count: &Count) -> Value {
    let rule = &count.rule;
    let mut shown = json!({
        "RuleId": count.number,
        "State": if count.is_on { "ON" } else { "OFF" },
        "Calls": rule.calls,
        "Subject": rule.subject,
        "Probability": rule.probability,
        "Skip": rule.skip,
        "First": rule.first,
        "Kind": rule.kind.name(),
        "Seen": count.seen,
        "Struck": count.struck,
    });
    match &rule.kind {
        Kind::Delay { least, most } => {
            shown["MinMilliseconds"] = millis(*least).into();
            shown["MaxMilliseconds"] = millis(*most).into();
        }
        Kind::FunctionError { kind, message } => {
            shown["ErrorType"] = kind.as_str().into();
            shown["ErrorMessage"] = message.as_str().into();
        }
        _ => {}
    }
    without_nulls(shown)
}

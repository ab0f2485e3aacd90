//! The faults injected into the local cloud: rules, and what came of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::control::ask;
use super::{Aws, Error};
pub use crate::engine::faults::KINDS;
use crate::engine::faults::{Count, Kind};

/// One rule and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRow {
    /// Its number among the rules; stays while others come and go.
    pub number: u64,
    /// An off rule strikes and counts nothing.
    pub is_on: bool,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// `dynamodb:PutItem`, `*`
    pub calls: String,
    /// Empty where it does not matter what a call is about.
    pub subject: String,
    pub percent: f64,
    /// Calls it spares first.
    pub skip: u64,
    /// Calls after these that it may strike; all where there is none.
    pub first: Option<u64>,
    /// Least and most of a delay.
    pub delay: Option<(Duration, Duration)>,
    /// `errorType` and message of a function error.
    pub error: Option<(String, String)>,
    pub seen: u64,
    pub struck: u64,
}

/// A rule to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewFault {
    /// One of [`KINDS`].
    pub kind: &'static str,
    pub calls: String,
    /// Empty where it does not matter what a call is about.
    pub subject: String,
    /// 0 to 100.
    pub percent: f64,
    /// Calls it spares first.
    pub skip: i64,
    /// Calls after these that it may strike.
    pub first: Option<i64>,
    /// Least and most milliseconds, for delays.
    pub delay: Option<(i64, i64)>,
    /// Type and message, for function errors; what is empty is left to the engine.
    pub error: Option<(String, String)>,
}

/// The rules in force, in order. Cheap.
pub fn rules(aws: &Aws) -> Vec<FaultRow> {
    let counts = aws.engine().map(|engine| engine.faults().counts().1);
    counts.unwrap_or_default().into_iter().map(row).collect()
}

/// What decides whom the rules strike; `None` while there are no rules. Cheap.
pub fn seed(aws: &Aws) -> Option<u64> {
    let faults = aws.engine().ok()?.faults();
    (!faults.is_empty()).then(|| faults.counts().0)
}

fn row(count: Count) -> FaultRow {
    let rule = count.rule;
    FaultRow {
        number: count.number,
        is_on: count.is_on,
        kind: rule.kind.name(),
        calls: rule.calls,
        subject: rule.subject.unwrap_or_default(),
        percent: rule.probability * 100.0,
        skip: rule.skip,
        first: rule.first,
        seen: count.seen,
        struck: count.struck,
        delay: match &rule.kind {
            Kind::Delay { least, most } => Some((*least, *most)),
            _ => None,
        },
        error: match rule.kind {
            Kind::FunctionError { kind, message } => Some((kind, message)),
            _ => None,
        },
    }
}

/// Puts one more rule in force. The seed is for the first one; where there are rules, theirs holds.
pub async fn add(aws: Aws, new: NewFault, seed: Option<u64>) -> Result<(), Error> {
    let mut rule = json!({
        "Kind": new.kind,
        "Calls": new.calls,
        "Probability": new.percent / 100.0,
        "Skip": new.skip,
    });
    if !new.subject.is_empty() {
        rule["Subject"] = new.subject.into();
    }
    if let Some(first) = new.first {
        rule["First"] = first.into();
    }
    if let Some((least, most)) = new.delay {
        rule["MinMilliseconds"] = least.into();
        rule["MaxMilliseconds"] = most.into();
    }
    if let Some((kind, message)) = new.error {
        for (name, text) in [("ErrorType", kind), ("ErrorMessage", message)] {
            if !text.is_empty() {
                rule[name] = text.into();
            }
        }
    }
    let mut input = json!({ "Rules": [rule] });
    if let Some(seed) = seed {
        input["Seed"] = seed.into();
    }
    send(&aws, "AddFaultRules", input).await
}

/// Takes a rule away, by its number.
pub async fn remove(aws: Aws, number: u64) -> Result<(), Error> {
    send(&aws, "DeleteFaultRules", json!({ "RuleIds": [number] })).await
}

pub async fn switch(aws: Aws, number: u64, is_on: bool) -> Result<(), Error> {
    let state = if is_on { "ON" } else { "OFF" };
    let input = json!({ "RuleId": number, "State": state });
    send(&aws, "SwitchFaultRule", input).await
}

/// Lets all rules count from zero again, by this seed or a thrown one.
pub async fn restart(aws: Aws, seed: Option<u64>) -> Result<(), Error> {
    let input = seed.map_or_else(|| json!({}), |seed| json!({ "Seed": seed }));
    send(&aws, "RestartFaultRules", input).await
}

async fn send(aws: &Aws, operation: &str, input: Value) -> Result<(), Error> {
    ask(aws, operation, input).await?;
    Ok(())
}

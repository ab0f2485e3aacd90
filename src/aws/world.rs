//! The local cloud's time, and the faults injected into it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Aws, Error};
use crate::clock::Mode;
use crate::engine::Engine;
use crate::engine::control::ask;
pub use crate::engine::faults::KINDS;
use crate::engine::faults::{Count, Kind};

/// What is not as on AWS by the user's own doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Time stands still between jumps.
    pub is_manual: bool,
    /// How far jumps have brought time ahead of the machine's; below zero after it stood still.
    pub ahead_millis: i64,
    /// Rules of injected faults in force.
    pub rules: usize,
}

/// One rule and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRow {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// `dynamodb:PutItem`, `*`
    pub calls: String,
    /// Empty where it does not matter what a call is about.
    pub subject: String,
    pub percent: f64,
    pub seen: u64,
    pub struck: u64,
}

/// A rule to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFault {
    /// One of [`KINDS`].
    pub kind: &'static str,
    pub calls: String,
    /// Empty where it does not matter what a call is about.
    pub subject: String,
    /// 1 to 100.
    pub percent: i64,
    /// For delays.
    pub millis: i64,
}

/// Cheap: ask it every frame. `None` elsewhere than in the local cloud.
pub fn marks(aws: &Aws) -> Option<Marks> {
    let engine = aws.engine().ok()?;
    Some(Marks {
        is_manual: engine.clock().mode() == Mode::Manual,
        ahead_millis: engine.clock().ahead_millis(),
        rules: engine.faults().len(),
    })
}

/// The rules in force, in order. Cheap.
pub fn fault_rules(aws: &Aws) -> Vec<FaultRow> {
    let counts = aws.engine().map(|engine| engine.faults().counts().1);
    let row = |count: Count| FaultRow {
        kind: count.rule.kind.name(),
        calls: count.rule.calls,
        subject: count.rule.subject.unwrap_or_default(),
        percent: count.rule.probability * 100.0,
        seen: count.seen,
        struck: count.struck,
    };
    counts.unwrap_or_default().into_iter().map(row).collect()
}

/// Lets time stand still or go on, where one is wanted, and jumps ahead.
pub async fn set_clock(aws: Aws, is_manual: Option<bool>, by: Duration) -> Result<(), Error> {
    let mut input = json!({ "AdvanceSeconds": by.as_secs_f64() });
    if let Some(is_manual) = is_manual {
        input["Mode"] = if is_manual { "MANUAL" } else { "RUNNING" }.into();
    }
    ask(aws.engine()?, "SetClock", &input).await?;
    Ok(())
}

/// Puts one more rule in force; all count from zero again.
pub async fn add_fault(aws: Aws, new: NewFault) -> Result<(), Error> {
    let engine = aws.engine()?;
    let mut rule = json!({
        "Kind": new.kind,
        "Calls": new.calls,
        "Probability": f64::from(u8::try_from(new.percent).unwrap_or(100)) / 100.0,
    });
    if !new.subject.is_empty() {
        rule["Subject"] = new.subject.into();
    }
    if new.kind == Kind::delay(Duration::ZERO).name() {
        rule["MinMilliseconds"] = new.millis.into();
    }
    let (seed, mut rules) = rules(engine).await?;
    rules.push(rule);
    put(engine, seed, rules).await
}

/// Takes a rule away, by its place; the others count from zero again.
pub async fn remove_fault(aws: Aws, nth: usize) -> Result<(), Error> {
    let engine = aws.engine()?;
    let (seed, mut rules) = rules(engine).await?;
    if nth < rules.len() {
        rules.remove(nth);
    }
    if rules.is_empty() {
        ask(engine, "DeleteFaultRules", &json!({})).await?;
        return Ok(());
    }
    put(engine, seed, rules).await
}

/// The seed and the rules as they were put.
async fn rules(engine: &Engine) -> Result<(Value, Vec<Value>), Error> {
    let told = ask(engine, "GetFaultRules", &json!({})).await?;
    let mut rules = told["Rules"].as_array().cloned().unwrap_or_default();
    for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
        rule.remove("Seen");
        rule.remove("Struck");
    }
    Ok((told["Seed"].clone(), rules))
}

async fn put(engine: &Engine, seed: Value, rules: Vec<Value>) -> Result<(), Error> {
    let input = json!({ "Seed": seed, "Rules": rules });
    ask(engine, "PutFaultRules", &input).await?;
    Ok(())
}

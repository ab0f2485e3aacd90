//! The rules in force, each with its number and its counts. Rules that come or go leave the counts of others alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Count, Fate, Kind, Rule, fits};
use crate::ids;
use crate::mapping::words::span;

/// Rules and what decides whom they strike. Clones share their counts.
#[derive(Clone, Default)]
pub struct Plan {
    seed: u64,
    /// The number the next rule gets; numbers begin with 1 and are not given twice.
    next: u64,
    rules: Vec<Arc<Ruled>>,
}

struct Ruled {
    number: u64,
    rule: Rule,
    is_on: AtomicBool,
    seen: AtomicU64,
    struck: AtomicU64,
}

impl Ruled {
    fn new(number: u64, rule: Rule, is_on: bool) -> Arc<Self> {
        Arc::new(Self {
            number,
            rule,
            is_on: AtomicBool::new(is_on),
            seen: AtomicU64::new(0),
            struck: AtomicU64::new(0),
        })
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }
}

impl Plan {
    pub fn new(seed: u64, rules: Vec<Rule>) -> Self {
        let mut plan = Self {
            seed,
            ..Self::default()
        };
        plan.add(rules);
        plan
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Rules beside those there are.
    pub fn add(&mut self, rules: Vec<Rule>) {
        for rule in rules {
            self.next += 1;
            self.rules.push(Ruled::new(self.next, rule, true));
        }
    }

    /// Takes the rules with these numbers away, or none and answers one that there is not.
    pub fn remove(&mut self, numbers: &[u64]) -> Result<(), u64> {
        let is_there = |number: &u64| self.rules.iter().any(|it| it.number == *number);
        if let Some(unknown) = numbers.iter().find(|it| !is_there(it)) {
            return Err(*unknown);
        }
        self.rules.retain(|it| !numbers.contains(&it.number));
        Ok(())
    }

    /// A rule that is off names no call. False where there is no such rule.
    pub fn switch(&self, number: u64, is_on: bool) -> bool {
        let found = self.rules.iter().find(|it| it.number == number);
        if let Some(ruled) = found {
            ruled.is_on.store(is_on, Ordering::Release);
        }
        found.is_some()
    }

    /// The same rules with all counts at zero, by this seed.
    #[must_use]
    pub fn restarted(&self, seed: u64) -> Self {
        let anew = |it: &Arc<Ruled>| Ruled::new(it.number, it.rule.clone(), it.is_on());
        Self {
            seed,
            next: self.next,
            rules: self.rules.iter().map(anew).collect(),
        }
    }

    /// Every rule with what came of it.
    pub(super) fn counts(&self) -> Vec<Count> {
        let count = |ruled: &Arc<Ruled>| Count {
            number: ruled.number,
            is_on: ruled.is_on(),
            rule: ruled.rule.clone(),
            // In this order, so that never more are struck than seen.
            struck: ruled.struck.load(Ordering::SeqCst),
            seen: ruled.seen.load(Ordering::SeqCst),
        };
        self.rules.iter().map(count).collect()
    }

    pub(super) fn on(&self) -> usize {
        self.rules.iter().filter(|it| it.is_on()).count()
    }

    /// The rules whose turn it is to strike this call: those of handlers, or the others.
    pub(super) fn strikes(
        &self,
        service: &str,
        operation: &str,
        is_run: bool,
        subjects: &dyn Fn() -> Vec<String>,
    ) -> Vec<Struck<'_>> {
        let call = format!("{service}:{operation}");
        let mut known: Option<Vec<String>> = None;
        let mut struck = Vec::new();
        for ruled in &self.rules {
            let rule = &ruled.rule;
            if rule.kind.is_of_run() != is_run
                || !rule.kind.can_strike(&call)
                || !rule.names_call(&call)
                || !ruled.is_on()
            {
                continue;
            }
            if let Some(pattern) = &rule.subject {
                let mut names = known.get_or_insert_with(subjects).iter();
                if !names.any(|name| fits(pattern, name)) {
                    continue;
                }
            }
            let nth = ruled.seen.fetch_add(1, Ordering::SeqCst);
            let is_open =
                nth >= rule.skip && rule.first.is_none_or(|first| nth - rule.skip < first);
            let throw = |what| ids::thrown(self.seed, &[ruled.number - 1, nth, what]);
            if is_open && is_thrown(rule.probability, throw(0)) {
                let thrown = throw(1);
                struck.push(Struck { ruled, thrown });
            }
        }
        struck
    }
}

/// A rule that may strike a call, and a throw of the dice of its own for it.
pub(super) struct Struck<'a> {
    ruled: &'a Ruled,
    thrown: u64,
}

impl<'a> Struck<'a> {
    pub(super) fn strike(&self) -> &'a Rule {
        self.ruled.struck.fetch_add(1, Ordering::SeqCst);
        &self.ruled.rule
    }

    /// A call is refused once: by the first rule of those that would.
    pub(super) fn befall(&self, fate: &mut Fate) {
        let refusal = self.ruled.rule.kind.refusal();
        if refusal.is_some() && fate.strike.is_some() {
            return;
        }
        fate.strike = fate.strike.or(refusal);
        let kind = &self.strike().kind;
        let words = if let Kind::Delay { least, most } = kind {
            let range = most.saturating_sub(*least).as_millis();
            let millis = u128::from(self.thrown) % (range + 1);
            let delay = *least + Duration::from_millis(u64::try_from(millis).unwrap_or_default());
            fate.delay += delay;
            format!("delay of {}", span(delay))
        } else {
            fate.answer_lost |= *kind == Kind::AnswerLost;
            kind.words().to_owned()
        };
        if !fate.words.is_empty() {
            fate.words.push_str(", ");
        }
        fate.words.push_str(&words);
    }
}

fn is_thrown(probability: f64, thrown: u64) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of the range needs no exact digits"
    )]
    let share = thrown as f64 / u64::MAX as f64;
    share < probability || probability >= 1.0
}

//! Filter policies of subscriptions: which messages a queue hears of. Pure.
//!
//! They look like filter patterns of triggers but have operators, limits and refusals of their own.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

mod cidr;
mod parse;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::attributes::Place;
use crate::engine::call::Fault;
use crate::mapping::filter::scalars;
use cidr::Cidr;
use parse::{Member, Node};

/// `FilterPolicyScope`: what a policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    MessageAttributes,
    MessageBody,
}

impl Scope {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::MessageAttributes, Self::MessageBody]
            .into_iter()
            .find(|scope| scope.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MessageAttributes => "MessageAttributes",
            Self::MessageBody => "MessageBody",
        }
    }

    /// The scope among a subscription's attributes.
    pub(super) fn of(attributes: &BTreeMap<String, String>) -> Self {
        let given = attributes.get("FilterPolicyScope");
        given
            .and_then(|name| Self::parse(name))
            .unwrap_or(Self::MessageAttributes)
    }
}

/// One alternative of a leaf.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Equals(Value),
    /// Texts or numbers.
    AnythingBut(Vec<Value>),
    AnythingButPrefix(String),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    Numeric(Range),
    Exists(bool),
    Cidr(Cidr),
}

/// Bounds with whether they belong to the range.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    bottom: Option<(f64, bool)>,
    top: Option<(f64, bool)>,
}

/// Attributes that must match, by their paths joined with dots; every path has its alternatives.
type Rule = BTreeMap<String, Vec<Test>>;

/// Names at the top of a policy.
const KEYS_MAX: usize = 5;
/// Combinations of the values of a policy, each counted as often as it is deep.
const COMBINATIONS_MAX: u64 = 150;

/// Refuses a policy in AWS's words.
pub(super) fn check(text: &str, scope: Scope, place: Place) -> Result<(), Fault> {
    let refuse = |reason: String| Err(place.refuse(format!("FilterPolicy: {reason}")));
    if let Err(error) = super::json::check(text) {
        return refuse(format!("failed to parse JSON. {error}"));
    }
    let members = match parse::policy(text) {
        Ok(members) => members,
        Err(reason) => return refuse(reason),
    };
    if members.len() > KEYS_MAX {
        return refuse(format!(
            "Filter policy can not have more than {KEYS_MAX} keys"
        ));
    }
    if combinations(&members, 1, 1) > COMBINATIONS_MAX {
        return refuse("Filter policy is too complex".to_owned());
    }
    if scope == Scope::MessageAttributes && is_nested(&members) {
        return Err(place.refuse(
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ));
    }
    Ok(())
}

/// Whether a subscription with these attributes hears of a message. `attributes` are the message's, as published.
pub(super) fn passes(
    subscription: &BTreeMap<String, String>,
    body: &str,
    attributes: &Map<String, Value>,
) -> bool {
    let Some(text) = subscription.get("FilterPolicy") else {
        return true;
    };
    let looked_at = match Scope::of(subscription) {
        Scope::MessageAttributes => Value::Object(facts(attributes)),
        Scope::MessageBody => match serde_json::from_str(body) {
            Ok(Value::Object(members)) => Value::Object(members),
            _ => return false,
        },
    };
    // Policies are checked before they are kept; one that cannot be read lets nothing pass.
    parse::policy(text).is_ok_and(|members| {
        let mut rules = vec![Rule::new()];
        expand(&members, "", &mut rules);
        rules.iter().any(|rule| {
            let wishes: Vec<Wish<'_>> = rule
                .iter()
                .map(|(path, tests)| (path.as_str(), tests.as_slice()))
                .collect();
            fulfils(&looked_at, &wishes)
        })
    })
}

/// Message attributes as values; a policy does not see binary ones.
fn facts(attributes: &Map<String, Value>) -> Map<String, Value> {
    let value = |attribute: &Value| {
        let text = attribute["StringValue"].as_str()?;
        match attribute["DataType"].as_str()? {
            "String.Array" => serde_json::from_str(text).ok(),
            kind if kind.starts_with("Number") => {
                let number: Number = serde_json::from_str(text.trim()).ok()?;
                Some(Value::Number(number))
            }
            _ => Some(text.into()),
        }
    };
    attributes
        .iter()
        .filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?)))
        .collect()
}

/// As AWS counts: values of a leaf times its depth, multiplied over the leaves; alternatives add up.
fn combinations(members: &[Member], depth: u64, before: u64) -> u64 {
    members.iter().fold(before, |count, member| match member {
        Member::Field(_, Node::Leaf(tests)) => count
            .saturating_mul(tests.len() as u64)
            .saturating_mul(depth),
        Member::Field(_, Node::Branch(inner)) => combinations(inner, depth + 1, count),
        Member::Either(branches) => branches
            .iter()
            .map(|branch| combinations(branch, depth, count))
            .fold(0, u64::saturating_add),
    })
}

fn is_nested(members: &[Member]) -> bool {
    members.iter().any(|member| match member {
        Member::Field(_, node) => matches!(node, Node::Branch(_)),
        Member::Either(branches) => branches.iter().any(|branch| is_nested(branch)),
    })
}

/// Adds what members want to every rule; each alternative makes rules of its own. [`combinations`] bounds their number.
fn expand(members: &[Member], path: &str, rules: &mut Vec<Rule>) {
    for member in members {
        match member {
            Member::Field(name, node) => {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match node {
                    Node::Branch(inner) => expand(inner, &path, rules),
                    Node::Leaf(tests) => {
                        for rule in rules.iter_mut() {
                            rule.insert(path.clone(), tests.clone());
                        }
                    }
                }
            }
            Member::Either(branches) => {
                let before = std::mem::take(rules);
                for branch in branches {
                    let mut with = before.clone();
                    expand(branch, path, &mut with);
                    rules.extend(with);
                }
            }
        }
    }
}

/// What is left of a path, and the alternatives at its end.
type Wish<'a> = (&'a str, &'a [Test]);

/// All wishes hold below a value; of a list, below the same element.
fn fulfils(value: &Value, wishes: &[Wish<'_>]) -> bool {
    let members = match value {
        Value::Array(elements) if !elements.is_empty() => {
            return elements.iter().any(|element| fulfils(element, wishes));
        }
        Value::Object(members) => members,
        _ => return wishes.iter().all(|(_, tests)| hold(tests, None)),
    };
    let mut below: BTreeMap<&str, Vec<Wish<'_>>> = BTreeMap::new();
    for (path, tests) in wishes {
        // `a.b` is the member of that name, or `b` within `a`.
        let found: Vec<(&str, &str)> = members
            .keys()
            .filter_map(|name| {
                let rest = path.strip_prefix(name.as_str())?;
                let rest = if rest.is_empty() {
                    Some(rest)
                } else {
                    rest.strip_prefix('.')
                };
                Some((name.as_str(), rest?))
            })
            .collect();
        match found.as_slice() {
            [] if !hold(tests, None) => return false,
            [] => {}
            [(name, rest)] => below.entry(name).or_default().push((rest, tests)),
            several => {
                let one = |(name, rest): &(&str, &str)| reach(&members[*name], &[(rest, tests)]);
                if !several.iter().any(one) {
                    return false;
                }
            }
        }
    }
    below
        .into_iter()
        .all(|(name, wishes)| reach(&members[name], &wishes))
}

/// Wishes for a member: those at their end look at it, the others go on below.
fn reach(value: &Value, wishes: &[Wish<'_>]) -> bool {
    let (ends, deeper): (Vec<_>, Vec<_>) = wishes.iter().partition(|(rest, _)| rest.is_empty());
    ends.iter().all(|(_, tests)| hold(tests, Some(value)))
        && (deeper.is_empty() || fulfils(value, &deeper))
}

fn hold(tests: &[Test], value: Option<&Value>) -> bool {
    let mut found = Vec::new();
    scalars(value, &mut found);
    tests.iter().any(|test| match test {
        Test::Exists(wanted) => *wanted != found.is_empty(),
        other => found.iter().any(|value| other.holds(value)),
    })
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(wanted) => same(wanted, value),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|it| same(it, value)),
            Self::AnythingButPrefix(head) => text.is_some_and(|it| !it.starts_with(head.as_str())),
            Self::Prefix(head) => text.is_some_and(|it| it.starts_with(head.as_str())),
            Self::Suffix(tail) => text.is_some_and(|it| it.ends_with(tail.as_str())),
            Self::EqualsIgnoreCase(wanted) => {
                text.is_some_and(|it| it.to_lowercase() == wanted.to_lowercase())
            }
            Self::Numeric(range) => value.as_f64().is_some_and(|it| range.contains(it)),
            Self::Exists(wanted) => *wanted,
            Self::Cidr(cidr) => text.is_some_and(|it| cidr.contains(it)),
        }
    }
}

impl Range {
    #[expect(
        clippy::float_cmp,
        reason = "equal means equal: the policy names the number"
    )]
    fn contains(self, value: f64) -> bool {
        let over = |(bound, belongs)| value > bound || belongs && value == bound;
        let under = |(bound, belongs)| value < bound || belongs && value == bound;
        self.bottom.is_none_or(over) && self.top.is_none_or(under)
    }
}

/// Numbers are the same whatever their form.
fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Number(wanted), Value::Number(value)) => {
            let whole = |it: &Number| it.as_i64().is_some() || it.as_u64().is_some();
            if whole(wanted) && whole(value) {
                wanted == value
            } else {
                wanted.as_f64() == value.as_f64()
            }
        }
        _ => wanted == value,
    }
}

#[cfg(test)]
mod tests;

//! Why a record does not pass: the first leaf of each pattern that says no. Pure, and bounded in size.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Branch, Leaf, Node, Pattern, Tests};

/// Most leaves told of one record. Every pattern has room for one: more than ten filters are never allowed.
pub const REJECTIONS_MAX: usize = 16;
/// Longest text of what was found; what is longer ends in `…`.
pub const FOUND_BYTES_MAX: usize = 256;

/// A leaf that did not let a record through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Number of the filter, from 1.
    pub filter: usize,
    /// Its path, what it wanted and what was found, the latter at most [`FOUND_BYTES_MAX`] long.
    pub leaf: Leaf,
}

impl Rejection {
    /// `filter 1: dynamodb.NewImage.status.S is "packed", the pattern wants ["shipped"]`
    pub fn words(&self) -> String {
        let Self { filter, leaf } = self;
        let alternative = leaf.alternative;
        let alternative =
            alternative.map_or_else(String::new, |number| format!(", alternative {number}"));
        let hint = leaf
            .hint
            .map_or_else(String::new, |hint| format!("; {}", hint.words()));
        format!("filter {filter}{alternative}: {}{hint}", leaf.words())
    }
}

/// For a record none of the patterns lets through.
pub(super) fn rejections(patterns: &[Pattern], event: &Value) -> Vec<Rejection> {
    let mut found = Vec::with_capacity(patterns.len());
    for (at, pattern) in patterns.iter().enumerate() {
        let mut leaves = Vec::new();
        // Those that come later have room for one each.
        let room = REJECTIONS_MAX.saturating_sub(found.len() + (patterns.len() - at - 1));
        pattern.0.reject(None, Some(event), room, &mut leaves);
        found.extend(leaves.into_iter().map(|leaf| Rejection {
            filter: at + 1,
            leaf,
        }));
    }
    found.truncate(REJECTIONS_MAX);
    found
}

impl Branch {
    /// The first leaf that says no; where none of several alternatives holds, the first of each.
    fn reject(
        &self,
        alternative: Option<usize>,
        value: Option<&Value>,
        room: usize,
        leaves: &mut Vec<Leaf>,
    ) {
        // No element of a list holds: the first one stands for all.
        let value = match value {
            Some(Value::Array(elements)) if !elements.is_empty() => elements.first(),
            other => other,
        };
        for (name, node) in &self.fields {
            let inner = value.and_then(|value| value.get(name));
            match node {
                Node::Branch(branch) if !branch.matches(inner) => {
                    return branch.reject(alternative, inner, room, leaves);
                }
                Node::Leaf(tests) if !tests.hold(inner) => {
                    if leaves.len() < room {
                        leaves.push(tests.rejecting(alternative, inner));
                    }
                    return;
                }
                Node::Branch(_) | Node::Leaf(_) => {}
            }
        }
        let fails = |group: &&Vec<Self>| !group.iter().any(|branch| branch.matches(value));
        let group = self.any_of.iter().find(fails);
        for (at, branch) in group.into_iter().flatten().enumerate() {
            branch.reject(Some(at + 1), value, room, leaves);
        }
    }
}

impl Tests {
    fn rejecting(&self, alternative: Option<usize>, value: Option<&Value>) -> Leaf {
        Leaf {
            path: Arc::clone(&self.path),
            wanted: Arc::clone(&self.text),
            actual: value.map(|value| short(value).into()),
            matched: false,
            alternative,
            hint: self.hint(value),
        }
    }
}

/// The JSON text of a value, without writing more of it than is kept.
fn short(value: &Value) -> String {
    let mut text = Short(String::new());
    if write!(text, "{value}").is_err() {
        text.0.push('…');
    }
    text.0
}

struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = FOUND_BYTES_MAX - '…'.len_utf8() - self.0.len();
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        self.0.push_str(&more[..more.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::filter::Filters;
    use crate::mapping::record::Event;

    #[track_caller]
    fn told(patterns: &[Value], event: Value) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(Value::to_string).collect();
        let filters = Filters::parse(&patterns).unwrap();
        let rejections = filters.judge(&Event::from(event)).unwrap_err();
        rejections.iter().map(Rejection::words).collect()
    }

    #[test]
    fn each_filter_tells_of_the_first_leaf_that_says_no() {
        let status = json!({"dynamodb": {"NewImage": {"status": {"S": ["shipped"]}}}});
        let event =
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": {"status": {"S": "packed"}}}});
        let removed = json!({"eventName": ["REMOVE"], "dynamodb": {"Keys": {"id": {"S": ["x"]}}}});
        assert_eq!(
            told(&[status, removed], event),
            [
                r#"filter 1: dynamodb.NewImage.status.S is "packed", the pattern wants ["shipped"]"#,
                r#"filter 2: eventName is "INSERT", the pattern wants ["REMOVE"]"#,
            ]
        );
    }

    #[test]
    fn every_alternative_that_fails_is_told() {
        let either = json!({"eventName": ["INSERT"], "$or": [{"a": [1]}, {"b": {"c": [2]}}]});
        let event = json!({"eventName": "INSERT", "a": 5});
        assert_eq!(
            told(&[either], event),
            [
                "filter 1, alternative 1: a is 5, the pattern wants [1]",
                "filter 1, alternative 2: b.c is not there, the pattern wants [2]",
            ]
        );
    }

    #[test]
    fn a_likely_mistake_is_named() {
        let numeric = json!({"n": {"N": [{"numeric": [">", 1]}]}});
        let told = told(&[numeric], json!({"n": {"N": "2"}}));
        assert!(
            told[0]
                .ends_with("; a value of type N is text in the record: numeric never matches it")
        );
    }

    #[test]
    fn what_is_told_is_bounded() {
        let many: Vec<Value> = (0..100).map(|it| json!({"a": [it]})).collect();
        let patterns = [json!({"$or": many}), json!({"b": ["x"]})];
        let event = json!({"a": "ü".repeat(400_000)});
        let texts: Vec<String> = patterns.iter().map(Value::to_string).collect();
        let filters = Filters::parse(&texts).unwrap();
        let rejections = filters.judge(&Event::from(event)).unwrap_err();
        assert_eq!(rejections.len(), REJECTIONS_MAX);
        assert_eq!(rejections.last().unwrap().filter, 2);
        for rejection in &rejections {
            let found = rejection.leaf.actual.as_deref().unwrap_or_default();
            assert!(found.len() <= FOUND_BYTES_MAX, "{}", found.len());
        }
    }
}

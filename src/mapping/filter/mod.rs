//! Filter patterns: which records may pass, and for the others which leaf says no. Pure.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

mod needs;
mod parse;
mod verdict;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Event;
use needs::Needs;
pub use verdict::{FOUND_BYTES_MAX, REJECTIONS_MAX, Rejection};

/// The filters of one mapping: a record passes when any pattern matches, or when there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    patterns: Vec<Pattern>,
    /// What all of them together look at.
    needs: Needs,
}

/// One `FilterCriteria.Filters[].Pattern`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Branch);

/// AWS's words for a pattern it does not understand; `reason` says more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid filter pattern definition.")]
pub struct BadPattern {
    /// What is wrong and where: `dynamodb.Keys.id.S: write the values as a list, ["x"]`.
    pub reason: String,
}

/// What one leaf of a pattern says about one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// `dynamodb.NewImage.status.S`
    pub path: Arc<str>,
    /// The alternatives as JSON text: `["shipped"]`.
    pub wanted: Arc<str>,
    /// JSON text of what is there; `None` when nothing is.
    pub actual: Option<Arc<str>>,
    pub matched: bool,
    /// Number of the `$or` alternative this leaf belongs to, from 1.
    pub alternative: Option<usize>,
    /// A likely mistake in the pattern.
    pub hint: Option<Hint>,
}

/// A likely mistake in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hint {
    NumberIsText,
    TypeIsMissing,
}

impl Hint {
    pub fn words(self) -> &'static str {
        match self {
            Self::NumberIsText => {
                "a value of type N is text in the record: numeric never matches it"
            }
            Self::TypeIsMissing => "name the attribute's type as well, as in {\"S\": [\"x\"]}",
        }
    }
}

impl Filters {
    pub fn parse(patterns: &[String]) -> Result<Self, BadPattern> {
        let patterns = patterns.iter().map(|text| Pattern::parse(text));
        let patterns: Vec<Pattern> = patterns.collect::<Result<_, _>>()?;
        let mut needs = Needs::default();
        for Pattern(branch) in &patterns {
            needs.add(branch);
        }
        Ok(Self { patterns, needs })
    }

    /// Whether a record with this event, as the function would receive it, passes.
    pub fn pass(&self, event: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(event))
    }

    /// The same, and why it does not pass: for each pattern the leaf that said no. Of an event that nobody looked into
    /// yet, only what the patterns look at is read, and nothing is remembered: records are kept for long.
    pub fn judge(&self, event: &Event) -> Result<(), Vec<Rejection>> {
        if self.patterns.is_empty() {
            return Ok(());
        }
        let value = self.look(event);
        if self.pass(&value) {
            return Ok(());
        }
        Err(verdict::rejections(&self.patterns, &value))
    }

    /// The same, without a reason.
    pub fn pass_event(&self, event: &Event) -> bool {
        self.patterns.is_empty() || self.pass(&self.look(event))
    }

    fn look<'a>(&self, event: &'a Event) -> Cow<'a, Value> {
        let value = event.value_if_read();
        value.map_or_else(|| Cow::Owned(self.needs.read(event.text())), Cow::Borrowed)
    }

    /// The patterns, in the order given.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        parse::pattern(text).map(Self)
    }

    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(Some(event))
    }

    /// Every leaf with its verdict, in the order of the pattern.
    pub fn explain(&self, event: &Value) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.0.explain(None, Some(event), &mut leaves);
        leaves
    }
}

impl Leaf {
    /// `dynamodb.NewImage.status.S is "packed", the pattern wants ["shipped"]`
    pub fn words(&self) -> String {
        let Self { path, wanted, .. } = self;
        match &self.actual {
            Some(actual) => format!("{path} is {actual}, the pattern wants {wanted}"),
            None => format!("{path} is not there, the pattern wants {wanted}"),
        }
    }
}

/// Fields that must all hold, and groups of alternatives of which one each must.
#[derive(Clone, Debug, Default, PartialEq)]
struct Branch {
    fields: Vec<(String, Node)>,
    any_of: Vec<Vec<Self>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Branch(Branch),
    Leaf(Tests),
}

/// Alternatives of one leaf.
#[derive(Clone, Debug, PartialEq)]
struct Tests {
    any: Vec<Test>,
    /// Names from the top, with dots between them.
    path: Arc<str>,
    /// As typed, for people.
    text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Text, number, boolean or null; numbers are the same when their text is.
    Equals(Value),
    AnythingBut(Vec<Value>),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    /// Every comparison holds.
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Branch {
    fn matches(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(elements)) = value
            && !elements.is_empty()
        {
            return elements.iter().any(|element| self.matches(Some(element)));
        }
        self.fields.iter().all(|(name, node)| {
            let inner = value.and_then(|value| value.get(name));
            match node {
                Node::Branch(branch) => branch.matches(inner),
                Node::Leaf(tests) => tests.hold(inner),
            }
        }) && self
            .any_of
            .iter()
            .all(|group| group.iter().any(|branch| branch.matches(value)))
    }

    fn explain(&self, alternative: Option<usize>, value: Option<&Value>, leaves: &mut Vec<Leaf>) {
        // Of a list, the element that matches tells most; otherwise the first.
        let value = match value {
            Some(Value::Array(elements)) => elements
                .iter()
                .find(|element| self.matches(Some(element)))
                .or_else(|| elements.first()),
            other => other,
        };
        for (name, node) in &self.fields {
            let inner = value.and_then(|value| value.get(name));
            match node {
                Node::Branch(branch) => branch.explain(alternative, inner, leaves),
                Node::Leaf(tests) => leaves.push(Leaf {
                    path: Arc::clone(&tests.path),
                    wanted: Arc::clone(&tests.text),
                    actual: inner.map(|inner| inner.to_string().into()),
                    matched: tests.hold(inner),
                    alternative,
                    hint: tests.hint(inner),
                }),
            }
        }
        for group in &self.any_of {
            for (at, branch) in group.iter().enumerate() {
                branch.explain(Some(at + 1), value, leaves);
            }
        }
    }
}

impl Tests {
    fn hold(&self, value: Option<&Value>) -> bool {
        let mut found = Vec::new();
        scalars(value, &mut found);
        self.any.iter().any(|test| match test {
            // Only leaves exist: nothing below this path, or an object, is no leaf.
            Test::Exists(wanted) => *wanted != found.is_empty(),
            other => found.iter().any(|value| other.holds(value)),
        })
    }

    fn hint(&self, value: Option<&Value>) -> Option<Hint> {
        const TYPES: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"];
        let numeric = self.any.iter().any(|test| matches!(test, Test::Numeric(_)));
        match value {
            Some(Value::String(_)) if numeric => Some(Hint::NumberIsText),
            Some(Value::Object(members)) => members
                .keys()
                .any(|name| TYPES.contains(&name.as_str()))
                .then_some(Hint::TypeIsMissing),
            _ => None,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equals(wanted) => same(wanted, value),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|it| same(it, value)),
            Self::Prefix(head) => value.as_str().is_some_and(|it| it.starts_with(head)),
            Self::Suffix(tail) => value.as_str().is_some_and(|it| it.ends_with(tail)),
            Self::EqualsIgnoreCase(wanted) => value
                .as_str()
                .is_some_and(|it| it.to_lowercase() == wanted.to_lowercase()),
            Self::Numeric(bounds) => value
                .as_f64()
                .is_some_and(|it| bounds.iter().all(|(how, bound)| how.holds(it, *bound))),
            Self::Exists(wanted) => *wanted,
        }
    }
}

impl Comparison {
    #[expect(
        clippy::float_cmp,
        reason = "equal means equal: the pattern names the number"
    )]
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Number(wanted), Value::Number(value)) => wanted.to_string() == value.to_string(),
        _ => wanted == value,
    }
}

/// The leaves at a path: the value itself, or the elements of a list; an object has none.
pub fn scalars<'a>(value: Option<&'a Value>, found: &mut Vec<&'a Value>) {
    match value {
        None | Some(Value::Object(_)) => {}
        Some(Value::Array(elements)) => {
            for element in elements {
                scalars(Some(element), found);
            }
        }
        Some(scalar) => found.push(scalar),
    }
}

#[cfg(test)]
mod tests;

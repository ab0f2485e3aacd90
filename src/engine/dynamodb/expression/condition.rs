//! Conditions and filters: reading them with AWS's checks, and asking an item.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ast::Path;
use super::placeholders::{Placeholders, check_words};
use super::reader::Reader;
use super::{functions, parser, syntax};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Attribute, Item, Number};

/// A condition whose placeholders are filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Compare(Comparator, Operand, Operand),
    /// Inclusive.
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    /// The operand is of this datatype: `S`, `N`, ….
    HasType(Operand, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Path(Path),
    Value(Attribute),
    /// Bytes of a string or binary, members of a set, list or map; nothing for other types.
    Size(Box<Self>),
}

/// Reads a condition; `kind` is `ConditionExpression` or `FilterExpression`.
pub fn parse(
    kind: &'static str,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Condition, Fault> {
    let condition = parser::condition(kind, text)?;
    let leaves = condition.leaves();
    functions::check_condition_names(kind, leaves.iter().copied())?;
    functions::check_condition_places(kind, leaves.iter().copied())?;
    for operand in leaves.iter().flat_map(|it| &it.operands) {
        syntax::walk(operand, &mut |it| match it {
            syntax::Operand::Path(path) => check_words(kind, path),
            syntax::Operand::Value(_) | syntax::Operand::Call(_) => Ok(()),
        })?;
    }
    Reader::new(kind, placeholders).condition(&condition)
}

impl Condition {
    /// Whether the item fulfils it. An item that does not exist is an empty one.
    pub fn matches(&self, item: &Item) -> bool {
        match self {
            Self::Compare(comparator, left, right) => {
                comparator.holds(left.value(item).as_deref(), right.value(item).as_deref())
            }
            Self::Between(value, low, high) => {
                let (low, high) = (low.value(item), high.value(item));
                value.value(item).is_some_and(|it| {
                    Comparator::GreaterOrEqual.holds(Some(&it), low.as_deref())
                        && Comparator::LessOrEqual.holds(Some(&it), high.as_deref())
                })
            }
            Self::In(value, list) => value.value(item).is_some_and(|it| {
                list.iter()
                    .any(|other| other.value(item) == Some(Cow::Borrowed(&*it)))
            }),
            Self::Exists(path) => path.find(item).is_some(),
            Self::NotExists(path) => path.find(item).is_none(),
            Self::HasType(operand, datatype) => operand
                .value(item)
                .is_some_and(|it| it.type_name() == datatype),
            Self::BeginsWith(whole, start) => both(whole, start, item, begins_with),
            Self::Contains(whole, part) => both(whole, part, item, contains),
            Self::Not(inner) => !inner.matches(item),
            Self::And(all) => all.iter().all(|it| it.matches(item)),
            Self::Or(all) => all.iter().any(|it| it.matches(item)),
        }
    }

    /// Every path it reads, from left to right.
    pub fn paths(&self) -> Vec<&Path> {
        let operands: Vec<&Operand> = match self {
            Self::Exists(path) | Self::NotExists(path) => return vec![path],
            Self::Not(inner) => return inner.paths(),
            Self::And(all) | Self::Or(all) => return all.iter().flat_map(Self::paths).collect(),
            Self::HasType(one, _) => vec![one],
            Self::Compare(_, one, two) | Self::BeginsWith(one, two) | Self::Contains(one, two) => {
                vec![one, two]
            }
            Self::Between(value, low, high) => vec![value, low, high],
            Self::In(value, list) => std::iter::once(value).chain(list).collect(),
        };
        operands.into_iter().filter_map(Operand::path).collect()
    }
}

impl Comparator {
    /// Whether it holds between two operands. An operand that does not exist is unequal to everything.
    pub fn holds(self, left: Option<&Attribute>, right: Option<&Attribute>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return self == Self::NotEqual;
        };
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => compare(left, right).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => compare(left, right).is_some_and(Ordering::is_le),
            Self::Greater => compare(left, right).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => compare(left, right).is_some_and(Ordering::is_ge),
        }
    }

    /// The comparator for swapped operands.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    /// From its sign.
    pub(super) fn read(text: &str) -> Self {
        match text {
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => Self::Equal,
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, item: &'a Item) -> Option<Cow<'a, Attribute>> {
        match self {
            Self::Path(path) => path.find(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(value)),
            Self::Size(of) => {
                let count = i64::try_from(count(&*of.value(item)?)?).ok()?;
                Some(Cow::Owned(Attribute::N(Number::from(count))))
            }
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Value(_) => None,
            Self::Size(of) => of.path(),
        }
    }
}

/// The order of two values of one ordered type: numbers by value, strings and binaries by bytes.
pub fn compare(left: &Attribute, right: &Attribute) -> Option<Ordering> {
    match (left, right) {
        (Attribute::S(left), Attribute::S(right)) => Some(left.cmp(right)),
        (Attribute::N(left), Attribute::N(right)) => Some(left.cmp(right)),
        (Attribute::B(left), Attribute::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whether a string or binary starts with another of its type.
pub fn begins_with(whole: &Attribute, start: &Attribute) -> bool {
    match (whole, start) {
        (Attribute::S(whole), Attribute::S(start)) => whole.starts_with(start),
        (Attribute::B(whole), Attribute::B(start)) => whole.starts_with(start),
        _ => false,
    }
}

/// Whether a string or binary has this part, or a set or list this member.
pub fn contains(whole: &Attribute, part: &Attribute) -> bool {
    match (whole, part) {
        (Attribute::S(whole), Attribute::S(part)) => whole.contains(part),
        (Attribute::B(whole), Attribute::B(part)) => {
            part.is_empty() || whole.windows(part.len()).any(|it| it == part)
        }
        (Attribute::Ss(set), Attribute::S(member)) => set.contains(member),
        (Attribute::Ns(set), Attribute::N(member)) => set.contains(member),
        (Attribute::Bs(set), Attribute::B(member)) => set.contains(member),
        (Attribute::L(list), member) => list.contains(member),
        _ => false,
    }
}

fn both(
    left: &Operand,
    right: &Operand,
    item: &Item,
    test: fn(&Attribute, &Attribute) -> bool,
) -> bool {
    match (left.value(item), right.value(item)) {
        (Some(left), Some(right)) => test(&left, &right),
        _ => false,
    }
}

fn count(value: &Attribute) -> Option<usize> {
    match value {
        Attribute::S(text) => Some(text.len()),
        Attribute::B(bytes) => Some(bytes.len()),
        Attribute::M(map) => Some(map.len()),
        Attribute::L(list) => Some(list.len()),
        Attribute::Ss(set) => Some(set.len()),
        Attribute::Ns(set) => Some(set.len()),
        Attribute::Bs(set) => Some(set.len()),
        Attribute::N(_) | Attribute::Bool(_) | Attribute::Null => None,
    }
}

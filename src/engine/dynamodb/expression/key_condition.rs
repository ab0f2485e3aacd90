//! Key conditions of a query: one partition, and a range of its sort keys.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html>

use std::cmp::Ordering;

use super::condition::{self, Comparator, Condition, Operand};
use super::placeholders::Placeholders;
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::Attribute;
use crate::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};

/// Which items a query reads.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCondition {
    pub partition: Attribute,
    /// Of the further attributes of an index's partition key.
    pub more_partition: Vec<Attribute>,
    /// Of the first attributes of an index's sort key, when the condition is on a later one.
    pub leading: Vec<Attribute>,
    pub sort: Option<SortCondition>,
}

/// What a key attribute has to be; values are of its type once bound to a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum SortCondition {
    Equal(Attribute),
    Less(Attribute),
    LessOrEqual(Attribute),
    Greater(Attribute),
    GreaterOrEqual(Attribute),
    /// Inclusive.
    Between(Attribute, Attribute),
    BeginsWith(Attribute),
}

/// Conditions on attributes that were not yet looked up in a key schema: a query is checked this far before its table
/// is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unbound(pub Vec<(String, SortCondition)>);

/// Reads a key condition for these keys; `kind` is `KeyConditionExpression`.
pub fn parse(
    kind: &'static str,
    text: &str,
    placeholders: &mut Placeholders,
    keys: &KeySchema,
) -> Result<KeyCondition, Fault> {
    read(kind, text, placeholders)?.bind(keys)
}

/// Reads a key condition without knowing the keys.
pub fn read(
    kind: &'static str,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Unbound, Fault> {
    let condition = condition::parse(kind, text, placeholders)?;
    let mut found = Unbound::default();
    found.collect(condition)?;
    Ok(found)
}

impl SortCondition {
    /// Whether a value of the attribute's type fulfils it.
    pub fn matches(&self, value: &Attribute) -> bool {
        let order = |other| condition::compare(value, other);
        match self {
            Self::Equal(other) => value == other,
            Self::Less(other) => order(other).is_some_and(Ordering::is_lt),
            Self::LessOrEqual(other) => order(other).is_some_and(Ordering::is_le),
            Self::Greater(other) => order(other).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual(other) => order(other).is_some_and(Ordering::is_ge),
            Self::Between(low, high) => {
                order(low).is_some_and(Ordering::is_ge) && order(high).is_some_and(Ordering::is_le)
            }
            Self::BeginsWith(start) => condition::begins_with(value, start),
        }
    }

    pub(in crate::engine::dynamodb) fn values(&self) -> Vec<&Attribute> {
        match self {
            Self::Equal(one)
            | Self::Less(one)
            | Self::LessOrEqual(one)
            | Self::Greater(one)
            | Self::GreaterOrEqual(one)
            | Self::BeginsWith(one) => vec![one],
            Self::Between(low, high) => vec![low, high],
        }
    }
}

impl Unbound {
    /// The conditions on a table's or an index's keys.
    pub fn bind(mut self, keys: &KeySchema) -> Result<KeyCondition, Fault> {
        if keys.more != MoreKeys::default() {
            return self.bind_many(keys);
        }
        if self.0.is_empty() || self.0.len() > 2 {
            return Err(Fault::validation("Conditions can be of length 1 or 2 only"));
        }
        if keys.sort.is_none() && self.0.len() > 1 {
            return Err(not_supported());
        }
        let partition = self.take(&keys.partition)?;
        let partition = partition.ok_or_else(|| missed(&keys.partition))?;
        let sort = match &keys.sort {
            Some(key) => self.take(key)?,
            None => None,
        };
        match (&keys.sort, self.0.is_empty()) {
            (Some(key), false) => return Err(missed(key)),
            (None, false) => return Err(not_supported()),
            (_, true) => (),
        }
        let SortCondition::Equal(partition) = partition else {
            return Err(not_supported());
        };
        Ok(KeyCondition {
            partition,
            more_partition: Vec::new(),
            leading: Vec::new(),
            sort,
        })
    }

    /// Keys of several attributes: equality on the whole partition key; on the sort key from its first attribute on,
    /// without gaps, equality on all but the last.
    fn bind_many(mut self, keys: &KeySchema) -> Result<KeyCondition, Fault> {
        let mut partition = Vec::new();
        for key in std::iter::once(&keys.partition).chain(&keys.more.partition) {
            match self.take(key)? {
                Some(SortCondition::Equal(value)) => partition.push(value),
                Some(_) => return Err(not_supported()),
                None => return Err(missed(key)),
            }
        }
        let mut leading = Vec::new();
        let mut last: Option<SortCondition> = None;
        let mut missing = None;
        for key in keys.sort.iter().chain(&keys.more.sort) {
            let Some(condition) = self.take(key)? else {
                missing = missing.or(Some(key));
                continue;
            };
            if let Some(missing) = missing {
                return Err(missed(missing));
            }
            match last.replace(condition) {
                None => {}
                Some(SortCondition::Equal(value)) => leading.push(value),
                Some(_) => return Err(not_supported()),
            }
        }
        if !self.0.is_empty() {
            return Err(not_supported());
        }
        Ok(KeyCondition {
            partition: partition.remove(0),
            more_partition: partition,
            leading,
            sort: last,
        })
    }

    fn take(&mut self, key: &KeyAttribute) -> Result<Option<SortCondition>, Fault> {
        let Some(at) = self.0.iter().position(|(name, _)| *name == key.name) else {
            return Ok(None);
        };
        let (_, condition) = self.0.swap_remove(at);
        for value in condition.values() {
            check_value(key, value)?;
        }
        Ok(Some(condition))
    }

    fn collect(&mut self, condition: Condition) -> Result<(), Fault> {
        match condition {
            Condition::And(all) => all.into_iter().try_for_each(|it| self.collect(it)),
            Condition::Or(_) => Err(not_here("OR")),
            Condition::Not(_) => Err(not_here("NOT")),
            Condition::In(..) => Err(not_here("IN")),
            Condition::Exists(_) => Err(not_here("attribute_exists")),
            Condition::NotExists(_) => Err(not_here("attribute_not_exists")),
            Condition::HasType(..) => Err(not_here("attribute_type")),
            Condition::Contains(..) => Err(not_here("contains")),
            Condition::Compare(Comparator::NotEqual, ..) => Err(not_here("<>")),
            Condition::Compare(comparator, left, right) => {
                let is_flipped = !matches!(left, Operand::Path(_));
                let (name, mut values) = split(vec![left, right])?;
                let value = values.pop().ok_or_else(no_key)?;
                let comparator = if is_flipped {
                    comparator.flipped()
                } else {
                    comparator
                };
                self.add(name, compared(comparator, value))
            }
            Condition::Between(value, low, high) => {
                check_first(&value, "BETWEEN")?;
                let (name, mut values) = split(vec![value, low, high])?;
                let high = values.pop().ok_or_else(no_key)?;
                let low = values.pop().ok_or_else(no_key)?;
                self.add(name, SortCondition::Between(low, high))
            }
            Condition::BeginsWith(whole, start) => {
                check_first(&whole, "begins_with")?;
                let (name, mut values) = split(vec![whole, start])?;
                let start = values.pop().ok_or_else(no_key)?;
                self.add(name, SortCondition::BeginsWith(start))
            }
        }
    }

    fn add(&mut self, name: String, condition: SortCondition) -> Result<(), Fault> {
        if self.0.iter().any(|(known, _)| *known == name) {
            return Err(Fault::validation(
                "KeyConditionExpressions must only contain one condition per key",
            ));
        }
        self.0.push((name, condition));
        Ok(())
    }
}

fn compared(comparator: Comparator, value: Attribute) -> SortCondition {
    match comparator {
        Comparator::Less => SortCondition::Less(value),
        Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
        Comparator::Greater => SortCondition::Greater(value),
        Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
        Comparator::Equal | Comparator::NotEqual => SortCondition::Equal(value),
    }
}

/// The one attribute among the operands, and the values.
fn split(operands: Vec<Operand>) -> Result<(String, Vec<Attribute>), Fault> {
    let mut name = None;
    let mut values = Vec::new();
    for operand in operands {
        match operand {
            Operand::Value(value) => values.push(value),
            Operand::Size(_) => {
                return Err(Fault::validation(
                    "KeyConditionExpressions cannot contain nested operations",
                ));
            }
            Operand::Path(_) if name.is_some() => {
                return Err(in_condition(
                    "Multiple attribute names used in one condition",
                ));
            }
            Operand::Path(path) if path.is_nested() => {
                return Err(Fault::validation(
                    "KeyConditionExpressions cannot have conditions on nested attributes",
                ));
            }
            Operand::Path(path) => name = Some(path.head().to_owned()),
        }
    }
    Ok((name.ok_or_else(no_key)?, values))
}

fn check_first(operand: &Operand, operator: &str) -> Result<(), Fault> {
    match operand {
        Operand::Path(_) => Ok(()),
        Operand::Value(_) | Operand::Size(_) => Err(in_condition(&format!(
            "{operator} operator must have the key attribute as its first operand"
        ))),
    }
}

pub(in crate::engine::dynamodb) fn check_value(
    key: &KeyAttribute,
    value: &Attribute,
) -> Result<(), Fault> {
    let empty = match (key.kind, value) {
        (KeyType::S, Attribute::S(text)) => text.is_empty().then_some("string"),
        (KeyType::B, Attribute::B(bytes)) => bytes.is_empty().then_some("binary"),
        (KeyType::N, Attribute::N(_)) => None,
        _ => {
            return Err(Fault::validation(
                "One or more parameter values were invalid: Condition parameter type does not match schema type",
            ));
        }
    };
    match empty {
        None => Ok(()),
        Some(datatype) => Err(Fault::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {datatype} value. Key: {}",
            key.name
        ))),
    }
}

fn not_here(operator: &str) -> Fault {
    Fault::validation(format!(
        "Invalid operator used in KeyConditionExpression: {operator}"
    ))
}

fn in_condition(words: &str) -> Fault {
    Fault::validation(format!(
        "Invalid condition in KeyConditionExpression: {words}"
    ))
}

fn no_key() -> Fault {
    in_condition("No key attribute specified")
}

fn missed(key: &KeyAttribute) -> Fault {
    Fault::validation(format!(
        "Query condition missed key schema element: {}",
        key.name
    ))
}

fn not_supported() -> Fault {
    Fault::validation("Query key condition not supported")
}

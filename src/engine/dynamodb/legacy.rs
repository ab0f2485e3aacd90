//! The parameters from before there were expressions, read into the same trees: `Expected`, `AttributeUpdates`,
//! `KeyConditions`, `QueryFilter`, `ScanFilter`, `ConditionalOperator`, `AttributesToGet`. Pure.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html>

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::expression::ast::Path;
use super::expression::condition::{Comparator, Condition, Operand, compare};
use super::expression::key_condition::{SortCondition, Unbound};
use super::expression::projection::Projection;
use super::expression::update::{Action, Source, Update};
use super::schema::{invalid, text};
use super::tables::given;
use super::value::{Attribute, check_name};
use crate::engine::call::Fault;

/// What `Expected`, `QueryFilter` or `ScanFilter` demands; nothing when it is absent or empty.
pub(super) fn condition(input: &Value, member: &str) -> Result<Option<Condition>, Fault> {
    let conditions = members(input, member)?;
    let operator = given(input, "ConditionalOperator").and_then(Value::as_str);
    if operator.is_some() && conditions.is_empty() {
        return Err(Fault::validation(
            "ConditionalOperator cannot be used without Filter or Expected",
        ));
    }
    if operator.is_some() && conditions.len() == 1 {
        return Err(Fault::validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ));
    }
    let mut all = Vec::with_capacity(conditions.len());
    for (name, condition) in conditions {
        let comparison = if member == "Expected" {
            expected(name, condition)?
        } else {
            Comparison::read(name, condition)?
        };
        all.push(comparison.condition()?);
    }
    Ok(match (operator, all.len()) {
        (_, 0) => None,
        (_, 1) => all.pop(),
        (Some("OR"), _) => Some(Condition::Or(all)),
        _ => Some(Condition::And(all)),
    })
}

/// What `AttributeUpdates` changes; nothing when it is absent or empty.
pub(super) fn updates(input: &Value) -> Result<Option<Update>, Fault> {
    let updates = members(input, "AttributeUpdates")?;
    if updates.is_empty() {
        return Ok(None);
    }
    let mut actions = Vec::new();
    for (name, update) in updates {
        let value = given(update, "Value");
        let value = value.map(Attribute::from_json).transpose()?;
        let action = given(update, "Action").and_then(Value::as_str);
        actions.push(action_of(Path::top(name), action.unwrap_or("PUT"), value)?);
    }
    Ok(Some(Update {
        actions,
        is_legacy: true,
    }))
}

/// What `KeyConditions` says of the keys.
pub(super) fn key_conditions(input: &Value) -> Result<Option<Unbound>, Fault> {
    if given(input, "KeyConditions").is_none() {
        return Ok(None);
    }
    let mut found = Unbound::default();
    let mut is_indexable = true;
    for (name, condition) in members(input, "KeyConditions")? {
        let comparison = Comparison::read(name, condition)?;
        comparison.check()?;
        match comparison.on_key() {
            Some(condition) => found.0.push((name.to_owned(), condition)),
            None => is_indexable = false,
        }
    }
    if is_indexable {
        return Ok(Some(found));
    }
    Err(Fault::validation(
        "Attempted conditional constraint is not an indexable operation",
    ))
}

/// What `AttributesToGet` wants.
pub(super) fn projection(input: &Value) -> Result<Option<Projection>, Fault> {
    let Some(names) = given(input, "AttributesToGet").and_then(Value::as_array) else {
        return Ok(None);
    };
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(invalid(&format!(
                "Duplicate value in attribute name: {name}"
            )));
        }
    }
    Ok(Some(Projection::new(
        names.into_iter().map(Path::top).collect(),
    )))
}

/// One attribute, a `ComparisonOperator` and its arguments.
struct Comparison<'a> {
    name: &'a str,
    operator: &'a str,
    values: Vec<Attribute>,
}

impl<'a> Comparison<'a> {
    /// A condition with `ComparisonOperator` and `AttributeValueList`.
    fn read(name: &'a str, condition: &'a Value) -> Result<Self, Fault> {
        let values = given(condition, "AttributeValueList").and_then(Value::as_array);
        let values = values.into_iter().flatten().map(Attribute::from_json);
        Ok(Self {
            name,
            operator: text(condition, "ComparisonOperator"),
            values: values.collect::<Result<_, _>>()?,
        })
    }

    /// Number and types of the arguments.
    fn check(&self) -> Result<(), Fault> {
        let Self {
            operator, values, ..
        } = self;
        let fits = match *operator {
            "NULL" | "NOT_NULL" => values.is_empty(),
            "BETWEEN" => values.len() == 2,
            "IN" => !values.is_empty(),
            _ => values.len() == 1,
        };
        if !fits {
            return Err(invalid(&format!(
                "Invalid number of argument(s) for the {operator} ComparisonOperator"
            )));
        }
        let Some(datatype) = values.first().map(Attribute::type_name) else {
            return Ok(());
        };
        if values.iter().any(|it| it.type_name() != datatype) {
            return Err(invalid(
                "AttributeValues inside AttributeValueList must be of same type",
            ));
        }
        let allowed: &[&str] = match *operator {
            "EQ" | "NE" => return Ok(()),
            "BEGINS_WITH" => &["S", "B"],
            _ => &["S", "N", "B"],
        };
        if !allowed.contains(&datatype) {
            return Err(invalid(&format!(
                "ComparisonOperator {operator} is not valid for {datatype} AttributeValue type"
            )));
        }
        match &values[..] {
            [low, high]
                if *operator == "BETWEEN" && compare(low, high) == Some(Ordering::Greater) =>
            {
                Err(Fault::validation(
                    "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
                ))
            }
            _ => Ok(()),
        }
    }

    fn condition(self) -> Result<Condition, Fault> {
        self.check()?;
        let path = Path::top(self.name);
        let place = Operand::Path(path.clone());
        let mut values = self.values.into_iter().map(Operand::Value);
        let mut next = || values.next().unwrap_or(Operand::Value(Attribute::Null));
        let comparator = match self.operator {
            "NULL" => return Ok(Condition::NotExists(path)),
            "NOT_NULL" => return Ok(Condition::Exists(path)),
            "CONTAINS" => return Ok(Condition::Contains(place, next())),
            "NOT_CONTAINS" => {
                return Ok(Condition::Not(Box::new(Condition::Contains(place, next()))));
            }
            "BEGINS_WITH" => return Ok(Condition::BeginsWith(place, next())),
            "BETWEEN" => return Ok(Condition::Between(place, next(), next())),
            "IN" => return Ok(Condition::In(place, values.collect())),
            "NE" => Comparator::NotEqual,
            "LE" => Comparator::LessOrEqual,
            "LT" => Comparator::Less,
            "GE" => Comparator::GreaterOrEqual,
            "GT" => Comparator::Greater,
            _ => Comparator::Equal,
        };
        Ok(Condition::Compare(comparator, place, next()))
    }

    /// The same on a key; `None` for what no key can be asked.
    fn on_key(self) -> Option<SortCondition> {
        let mut values = self.values.into_iter();
        let first = values.next()?;
        Some(match self.operator {
            "EQ" => SortCondition::Equal(first),
            "LE" => SortCondition::LessOrEqual(first),
            "LT" => SortCondition::Less(first),
            "GE" => SortCondition::GreaterOrEqual(first),
            "GT" => SortCondition::Greater(first),
            "BEGINS_WITH" => SortCondition::BeginsWith(first),
            "BETWEEN" => SortCondition::Between(first, values.next()?),
            _ => return None,
        })
    }
}

/// One attribute of `Expected`, in either of its two forms.
fn expected<'a>(name: &'a str, condition: &'a Value) -> Result<Comparison<'a>, Fault> {
    let refuse = |words: &str| Err(invalid(&format!("{words} for Attribute: {name}")));
    let value = given(condition, "Value");
    let list = given(condition, "AttributeValueList");
    let exists = given(condition, "Exists").and_then(flag);
    if value.is_some() && list.is_some() {
        return refuse("Value and AttributeValueList cannot be used together");
    }
    if let Some(operator) = given(condition, "ComparisonOperator").and_then(Value::as_str) {
        if exists.is_some() {
            return refuse("Exists and ComparisonOperator cannot be used together");
        }
        let takes_none = matches!(operator, "NULL" | "NOT_NULL");
        if !takes_none && value.is_none() && list.is_none() {
            return refuse(&format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {operator}"
            ));
        }
        let mut comparison = Comparison::read(name, condition)?;
        if let Some(value) = value {
            comparison.values.push(Attribute::from_json(value)?);
        }
        return Ok(comparison);
    }
    if list.is_some() {
        return refuse("AttributeValueList can only be used with a ComparisonOperator");
    }
    let (operator, values) = match (exists, value) {
        (Some(false), None) => ("NULL", Vec::new()),
        (Some(false), Some(_)) => {
            return refuse("Value cannot be used when Exists is set to false");
        }
        (_, Some(value)) => ("EQ", vec![Attribute::from_json(value)?]),
        (Some(true), None) => return refuse("Value must be provided when Exists is true"),
        (None, None) => return refuse("Value must be provided when Exists is null"),
    };
    Ok(Comparison {
        name,
        operator,
        values,
    })
}

fn action_of(path: Path, action: &str, value: Option<Attribute>) -> Result<Action, Fault> {
    let Some(value) = value else {
        return match action {
            "DELETE" => Ok(Action::Remove(path)),
            _ => Err(invalid(
                "Only DELETE action is allowed when no attribute value is specified",
            )),
        };
    };
    let is_set = matches!(
        value,
        Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_)
    );
    match (action, value) {
        ("DELETE", value) if is_set => Ok(Action::Delete(path, value)),
        ("DELETE", value) => Err(invalid(&format!(
            "DELETE action with value is not supported for the type {}",
            value.type_name()
        ))),
        ("ADD", value @ Attribute::N(_)) => Ok(Action::Add(path, value)),
        ("ADD", value) if is_set => Ok(Action::Add(path, value)),
        // Not documented: a list is appended to.
        ("ADD", value @ Attribute::L(_)) => {
            let none = Box::new(Source::Value(Attribute::L(Vec::new())));
            let list = Source::IfNotExists(path.clone(), none);
            let whole = Source::ListAppend(Box::new(list), Box::new(Source::Value(value)));
            Ok(Action::Set(path, whole))
        }
        ("ADD", value) => Err(invalid(&format!(
            "ADD action is not supported for the type {}",
            value.type_name()
        ))),
        (_, value) => Ok(Action::Set(path, Source::Value(value))),
    }
}

/// The attributes a parameter speaks of; none when it is absent.
fn members<'a>(input: &'a Value, member: &str) -> Result<Vec<(&'a str, &'a Value)>, Fault> {
    let members: Option<&Map<String, Value>> = given(input, member).and_then(Value::as_object);
    let members = members.into_iter().flatten();
    members
        .map(|(name, it)| check_name(name).map(|()| (name.as_str(), it)))
        .collect()
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
        _ => value.as_bool(),
    }
}

#[cfg(test)]
mod tests;

//! Violations of a request's constraints, gathered and worded as AWS's front door words them. Pure.

use std::fmt::Display;

use serde_json::Value;

use super::shapes::wrong_type;
use crate::engine::call::Fault;

/// What is wrong with a request so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<String>);

impl Checks {
    /// `Value '0' at 'batchSize' failed to satisfy constraint: …`
    pub(super) fn violated(&mut self, member: &str, value: impl Display, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
        ));
    }

    pub(super) fn missing(&mut self, member: &str) {
        self.0.push(null_at(member));
    }

    /// Inclusive on both sides.
    pub(super) fn range(&mut self, member: &str, value: i64, (least, most): (i64, i64)) {
        if value < least {
            let constraint = format!("Member must have value greater than or equal to {least}");
            self.violated(member, value, &constraint);
        } else if value > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            self.violated(member, value, &constraint);
        }
    }

    /// In characters, inclusive.
    pub(super) fn length(&mut self, member: &str, value: &str, most: usize) {
        if value.chars().count() > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.violated(member, value, &constraint);
        }
    }

    pub(super) fn pattern(&mut self, member: &str, value: &str, fits: bool, pattern: &str) {
        if !fits {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.violated(member, value, &constraint);
        }
    }

    pub(super) fn one_of(&mut self, member: &str, value: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                allowed.join(", ")
            );
            self.violated(member, value, &constraint);
        }
    }

    pub(super) fn finish(self) -> Result<(), Fault> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(Fault::validation(one_violation(&self.0[0]))),
            count => Err(Fault::validation(format!(
                "{count} validation errors detected: {}",
                self.0.join("; ")
            ))),
        }
    }
}

pub(super) fn null_at(member: &str) -> String {
    format!("Value null at '{member}' failed to satisfy constraint: Member must not be null")
}

pub(super) fn one_violation(violation: &str) -> String {
    format!("1 validation error detected: {violation}")
}

/// 400 `InvalidParameterValueException`
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(400, "InvalidParameterValueException", message)
}

/// 409 `ResourceConflictException`
pub(super) fn conflict(message: impl Into<String>) -> Fault {
    Fault::new(409, "ResourceConflictException", message)
}

/// 404 `ResourceNotFoundException`
pub(super) fn not_found(message: impl Into<String>) -> Fault {
    Fault::new(404, "ResourceNotFoundException", message)
}

/// A whole number, also where the wire left it a text; an error when there is something else.
pub(super) fn whole(input: &Value, member: &str) -> Result<Option<i64>, Fault> {
    let given = match input.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(given) => given,
    };
    let number = match given {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .map(Some)
        .ok_or_else(|| wrong_type(given, Some("Integer")))
}

/// A flag, also where the wire left it a text.
pub(super) fn flag(input: &Value, member: &str) -> Option<bool> {
    match input.get(member)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_counted_and_joined() {
        let mut checks = Checks::default();
        checks.range("batchSize", 10_001, (1, 10_000));
        assert_eq!(
            std::mem::take(&mut checks).finish().unwrap_err().message,
            "1 validation error detected: Value '10001' at 'batchSize' failed to satisfy constraint: \
             Member must have value less than or equal to 10000"
        );
        checks.missing("role");
        checks.length("handler", "abc", 2);
        let fault = checks.finish().unwrap_err();
        assert!(fault.message.starts_with("2 validation errors detected: "));
        assert!(fault.message.contains("be null; Value 'abc' at 'handler'"));
        assert!(Checks::default().finish().is_ok());
    }

    #[test]
    fn a_number_may_come_as_a_text() {
        let input = serde_json::json!({"a": "5", "b": 7, "c": "x"});
        assert_eq!(whole(&input, "a").unwrap(), Some(5));
        assert_eq!(whole(&input, "b").unwrap(), Some(7));
        assert!(whole(&input, "c").is_err());
    }
}

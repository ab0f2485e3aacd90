//! The expressions of one request, read in AWS's order before its table is looked for. Pure.

use serde_json::Value;

use super::expression::condition::{self, Condition};
use super::expression::key_condition::{self, Unbound};
use super::expression::placeholders::Placeholders;
use super::expression::projection::{self, Projection};
use super::expression::update::{self, Update};
use super::legacy;
use crate::engine::call::Fault;

pub(super) const UPDATE: &str = "UpdateExpression";
pub(super) const CONDITION: &str = "ConditionExpression";
pub(super) const KEY_CONDITION: &str = "KeyConditionExpression";
pub(super) const FILTER: &str = "FilterExpression";
pub(super) const PROJECTION: &str = "ProjectionExpression";

/// The parameters an expression replaced, in the order in which AWS names them.
fn replaced_by(kinds: &[&'static str]) -> Vec<&'static str> {
    let filter = if kinds.contains(&KEY_CONDITION) {
        "QueryFilter"
    } else {
        "ScanFilter"
    };
    let replaced = [
        (PROJECTION, "AttributesToGet"),
        (UPDATE, "AttributeUpdates"),
        (CONDITION, "Expected"),
        (FILTER, filter),
        (CONDITION, "ConditionalOperator"),
        (FILTER, "ConditionalOperator"),
        (KEY_CONDITION, "KeyConditions"),
    ];
    let replaced = replaced.into_iter().filter(|(it, _)| kinds.contains(it));
    replaced.map(|(_, parameter)| parameter).collect()
}

/// What a request's expressions say.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    pub update: Option<Update>,
    pub condition: Option<Condition>,
    pub key_condition: Option<Unbound>,
    pub filter: Option<Condition>,
    pub projection: Option<Projection>,
}

impl Clauses {
    /// Checks which parameters go together; values of items are checked between this and [`Self::read`].
    pub(super) fn check(input: &Value, kinds: &[&'static str]) -> Result<(), Fault> {
        let given = |name: &&str| input.get(*name).is_some_and(|it| !it.is_null());
        let expressions: Vec<&str> = kinds.iter().copied().filter(|it| given(it)).collect();
        // `KeyConditions` go with any expression but the one that replaced them.
        let stays = |it: &&str| *it != "KeyConditions" || given(&KEY_CONDITION);
        let legacy = replaced_by(kinds).into_iter().filter(given);
        let legacy: Vec<&str> = legacy.filter(stays).collect();
        if !expressions.is_empty() && !legacy.is_empty() {
            return Err(Fault::validation(format!(
                "Can not use both expression and non-expression parameters in the same request: \
                 Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                legacy.join(", "),
                expressions.join(", ")
            )));
        }
        if expressions.is_empty() && given(&"ExpressionAttributeNames") {
            return Err(Fault::validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        let with_values: Vec<&str> = kinds
            .iter()
            .copied()
            .filter(|it| *it != PROJECTION)
            .collect();
        let has_none = !with_values.iter().any(given);
        if has_none && !with_values.is_empty() && given(&"ExpressionAttributeValues") {
            let verb = if with_values.len() == 1 { "is" } else { "are" };
            return Err(Fault::validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                with_values.join(" and ")
            )));
        }
        Ok(())
    }

    /// Reads every expression of these kinds that is there.
    pub(super) fn read(input: &Value, kinds: &[&'static str]) -> Result<Self, Fault> {
        let text = |kind: &'static str| {
            let text = input.get(kind).and_then(Value::as_str);
            text.filter(|_| kinds.contains(&kind))
        };
        let mut names = Placeholders::new(input)?;
        let mut clauses = Self::default();
        if let Some(text) = text(UPDATE) {
            clauses.update = Some(update::parse(UPDATE, text, &mut names)?);
        }
        if let Some(text) = text(CONDITION) {
            clauses.condition = Some(condition::parse(CONDITION, text, &mut names)?);
        }
        if let Some(text) = text(KEY_CONDITION) {
            clauses.key_condition = Some(key_condition::read(KEY_CONDITION, text, &mut names)?);
        }
        if let Some(text) = text(FILTER) {
            clauses.filter = Some(condition::parse(FILTER, text, &mut names)?);
        }
        if let Some(text) = text(PROJECTION) {
            clauses.projection = Some(projection::parse(PROJECTION, text, &mut names)?);
        }
        names.finish()?;
        clauses.read_legacy(input, kinds)?;
        Ok(clauses)
    }

    fn read_legacy(&mut self, input: &Value, kinds: &[&'static str]) -> Result<(), Fault> {
        for parameter in replaced_by(kinds) {
            match parameter {
                "AttributesToGet" => fill(&mut self.projection, legacy::projection(input)?),
                "AttributeUpdates" => fill(&mut self.update, legacy::updates(input)?),
                "Expected" => fill(&mut self.condition, legacy::condition(input, parameter)?),
                "QueryFilter" | "ScanFilter" => {
                    fill(&mut self.filter, legacy::condition(input, parameter)?);
                }
                "KeyConditions" => fill(&mut self.key_condition, legacy::key_conditions(input)?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn fill<T>(clause: &mut Option<T>, legacy: Option<T>) {
    if legacy.is_some() {
        *clause = legacy;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_that_exclude_each_other_are_refused_in_the_words_of_aws() {
        for (input, kinds, message) in [
            (
                json!({"Expected": {}, "ConditionExpression": "a = b"}),
                &[CONDITION][..],
                "Can not use both expression and non-expression parameters in the same request: \
                 Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
            ),
            (
                json!({"ExpressionAttributeValues": {":v": {"S": "x"}}}),
                &[CONDITION],
                "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
            ),
            (
                json!({"ExpressionAttributeValues": {":v": {"S": "x"}}}),
                &[UPDATE, CONDITION],
                "ExpressionAttributeValues can only be specified when using expressions: \
                 UpdateExpression and ConditionExpression are null",
            ),
            (
                json!({"ExpressionAttributeNames": {"#n": "x"}}),
                &[PROJECTION],
                "ExpressionAttributeNames can only be specified when using expressions",
            ),
        ] {
            assert_eq!(Clauses::check(&input, kinds).unwrap_err().message, message);
        }
    }

    #[test]
    fn attributes_to_get_is_a_projection() {
        let clauses =
            Clauses::read(&json!({"AttributesToGet": ["a", "b"]}), &[PROJECTION]).unwrap();
        assert_eq!(clauses.projection.unwrap().paths().len(), 2);
        let twice = Clauses::read(&json!({"AttributesToGet": ["a", "a"]}), &[PROJECTION]);
        assert!(twice.unwrap_err().message.ends_with("attribute name: a"));
    }
}

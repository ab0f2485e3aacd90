//! Policy documents from their JSON, and what makes one malformed. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Clause, Condition, Effect, Policy, Principals, Statement};

/// Why a text is no policy: IAM's words, then where and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

const TOP_LEVEL: &[&str] = &["Version", "Id", "Statement"];
const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPALS: &[&str] = &["AWS", "Service", "Federated", "CanonicalUser"];
const VERSIONS: &[&str] = &["2012-10-17", "2008-10-17"];
/// Reads a document; `policy` is the name its statements go by.
pub fn parse(policy: &str, text: &str) -> Result<Policy, Malformed> {
    let document: Value = serde_json::from_str(text).map_err(|error| syntax(error.to_string()))?;
    let Value::Object(members) = &document else {
        return Err(syntax("a policy is a JSON object"));
    };
    refuse_unknown(members, TOP_LEVEL, "the policy")?;
    let version = match members.get("Version") {
        None => None,
        Some(Value::String(version)) if VERSIONS.contains(&version.as_str()) => {
            Some(version.clone())
        }
        Some(other) => {
            return Err(Malformed(format!(
                "Policy document must be version 2012-10-17 or greater. (Version is {other})"
            )));
        }
    };
    let statements = match members.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        Some(_) => return Err(syntax("Statement must be an object or a list of objects")),
        None => return Err(syntax("Statement is missing")),
    };
    let has_variables = version.as_deref() == Some("2012-10-17");
    let mut sids = BTreeSet::new();
    let statements = statements
        .iter()
        .enumerate()
        .map(|(index, statement)| {
            let place = Place { number: index + 1 };
            let statement = place.statement(policy, statement, has_variables)?;
            if let Some(sid) = &statement.sid
                && !sid.is_empty()
                && !sids.insert(sid.clone())
            {
                return Err(Malformed(format!(
                    "Statement IDs (SID) in a single policy must be unique. ({sid} stands twice)"
                )));
            }
            Ok(statement)
        })
        .collect::<Result<_, _>>()?;
    Ok(Policy {
        version,
        statements,
    })
}

/// Where in the document we are, for messages.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) number: usize,
}

impl Place {
    pub(super) fn refused(self, words: &str) -> Malformed {
        Malformed(format!("{words} (statement {})", self.number))
    }

    pub(super) fn wrong(self, what: impl std::fmt::Display) -> Malformed {
        syntax(format!("statement {}: {what}", self.number))
    }

    fn statement(
        self,
        policy: &str,
        value: &Value,
        has_variables: bool,
    ) -> Result<Statement, Malformed> {
        let Value::Object(members) = value else {
            return Err(self.wrong("it must be an object"));
        };
        refuse_unknown(members, ELEMENTS, &format!("statement {}", self.number))?;
        let effect = match members.get("Effect") {
            Some(Value::String(effect)) if effect == "Allow" => Effect::Allow,
            Some(Value::String(effect)) if effect == "Deny" => Effect::Deny,
            Some(other) => {
                return Err(self.wrong(format!("Effect is {other}; it must be Allow or Deny")));
            }
            None => return Err(self.wrong("Effect is missing")),
        };
        let sid = match members.get("Sid") {
            None => None,
            Some(Value::String(sid)) => Some(sid.clone()),
            Some(_) => return Err(self.wrong("Sid must be a text")),
        };
        let actions = self
            .clause(members, "Action", "NotAction")?
            .ok_or_else(|| self.refused("Policy statement must contain actions."))?;
        Ok(Statement {
            policy: policy.into(),
            number: self.number,
            sid,
            effect,
            principals: self.principals(members, "Principal")?,
            not_principals: self.principals(members, "NotPrincipal")?,
            actions,
            resources: self.clause(members, "Resource", "NotResource")?,
            conditions: self.conditions(members)?,
            has_variables,
        })
    }

    fn clause(
        self,
        members: &Map<String, Value>,
        only: &str,
        all_but: &str,
    ) -> Result<Option<Clause>, Malformed> {
        match (members.get(only), members.get(all_but)) {
            (Some(_), Some(_)) => {
                Err(self.wrong(format!("{only} and {all_but} exclude each other; keep one")))
            }
            (Some(value), None) => Ok(Some(Clause::AnyOf(self.texts(only, value)?))),
            (None, Some(value)) => Ok(Some(Clause::NoneOf(self.texts(all_but, value)?))),
            (None, None) => Ok(None),
        }
    }

    /// A text or a list of texts, not empty.
    fn texts(self, element: &str, value: &Value) -> Result<Vec<String>, Malformed> {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        let texts: Option<Vec<String>> = values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect();
        match texts {
            Some(texts) if !texts.is_empty() => Ok(texts),
            _ => Err(self.wrong(format!("{element} must be a text or a list of texts"))),
        }
    }

    fn principals(
        self,
        members: &Map<String, Value>,
        element: &str,
    ) -> Result<Option<Principals>, Malformed> {
        let listed = match members.get(element) {
            None => return Ok(None),
            Some(Value::String(anyone)) if anyone == "*" => return Ok(Some(Principals::Anyone)),
            Some(Value::Object(listed)) if !listed.is_empty() => listed,
            Some(_) => {
                return Err(self.wrong(format!(
                    "{element} must be \"*\" or an object like {{\"Service\": \"lambda.amazonaws.com\"}}"
                )));
            }
        };
        let mut found = Vec::new();
        for (kind, value) in listed {
            if !PRINCIPALS.contains(&kind.as_str()) {
                let kinds = PRINCIPALS.join(", ");
                return Err(self.wrong(format!("{element} knows {kinds}, not {kind}")));
            }
            for text in self.texts(element, value)? {
                found.push((kind.clone(), text));
            }
        }
        Ok(Some(Principals::Listed(found)))
    }

    fn conditions(self, members: &Map<String, Value>) -> Result<Vec<Condition>, Malformed> {
        let operators = match members.get("Condition") {
            None => return Ok(Vec::new()),
            Some(Value::Object(operators)) => operators,
            Some(_) => return Err(self.wrong("Condition must be an object")),
        };
        let mut found = Vec::new();
        for (operator, keys) in operators {
            let Value::Object(keys) = keys else {
                return Err(self.wrong(format!(
                    "Condition {operator} must be an object of keys and values"
                )));
            };
            for (key, values) in keys {
                let values = self.condition_values(operator, key, values)?;
                let condition = Condition::new(operator, key, values).ok_or_else(|| {
                    self.refused(&format!("Invalid Condition type : {operator}."))
                })?;
                found.push(condition);
            }
        }
        Ok(found)
    }

    /// Numbers and booleans may be written without quotes.
    fn condition_values(
        self,
        operator: &str,
        key: &str,
        value: &Value,
    ) -> Result<Vec<String>, Malformed> {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        let texts: Option<Vec<String>> = values
            .iter()
            .map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(it) => Some(it.to_string()),
                _ => None,
            })
            .collect();
        texts.ok_or_else(|| {
            self.wrong(format!(
                "Condition {operator} of {key} must be a text or a list of texts"
            ))
        })
    }
}

fn syntax(what: impl std::fmt::Display) -> Malformed {
    Malformed(format!("Syntax errors in policy. ({what})"))
}

fn refuse_unknown(
    members: &Map<String, Value>,
    known: &[&str],
    place: &str,
) -> Result<(), Malformed> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(syntax(format!(
            "{place} has an unknown element {unknown}; known are {}",
            known.join(", ")
        ))),
    }
}

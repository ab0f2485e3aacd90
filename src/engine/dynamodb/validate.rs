//! The checks AWS makes before it looks at what a request means: types of members, then their constraints, all
//! violations in one message. Pure; knows no operation (see `shapes`).

use serde_json::Value;

use crate::engine::call::Fault;

/// Most violations named in one message.
const VIOLATIONS_MAX: usize = 10;

/// A member of a request, as the service model declares it.
#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub required: bool,
    pub shape: Shape,
}

/// What a member may be.
#[derive(Debug)]
pub enum Shape {
    /// Bytes of UTF-8, smallest and largest; largest 0 when there is no limit.
    Text(usize, usize),
    /// A text of letters, digits and `_.-`.
    Name(usize, usize),
    Enum(&'static [&'static str]),
    /// Whole numbers, smallest and largest.
    Integer(i64, i64),
    Flag,
    /// Its name in the service model and its members.
    Structure(&'static str, &'static [Member]),
    /// Fewest and most elements; most 0 when there is no limit.
    List(usize, usize, &'static Self),
    /// By names of the request's own.
    Map(&'static Self),
    /// Checked where it is read: attribute values, expressions.
    Object,
}

impl Member {
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            required: false,
            shape,
        }
    }

    pub const fn required(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            required: true,
            shape,
        }
    }
}

/// Checks a request: first that every member has the right type, then every constraint.
pub fn check(input: &Value, members: &[Member]) -> Result<(), Fault> {
    types(input, members)?;
    let mut violations = Vec::new();
    constraints(input, members, "", &mut violations);
    report(&violations)
}

/// The fault for these violations, each `Value … at '…' failed to satisfy constraint: …`.
pub fn report(violations: &[String]) -> Result<(), Fault> {
    if violations.is_empty() {
        return Ok(());
    }
    let shown = &violations[..violations.len().min(VIOLATIONS_MAX)];
    let errors = if shown.len() == 1 { "error" } else { "errors" };
    Err(Fault::validation(format!(
        "{} validation {errors} detected: {}",
        shown.len(),
        shown.join("; ")
    )))
}

/// One violation, in AWS's words.
pub fn violation(value: &str, path: &str, constraint: &str) -> String {
    format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}")
}

/// A fault of one violation, for constraints that depend on more than the member.
pub fn violated(value: &str, path: &str, constraint: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: {}",
        violation(&format!("'{value}'"), path, constraint)
    ))
}

fn types(input: &Value, members: &[Member]) -> Result<(), Fault> {
    for member in members {
        match input.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => typed(value, &member.shape)?,
        }
    }
    Ok(())
}

fn typed(value: &Value, shape: &Shape) -> Result<(), Fault> {
    match (shape, value) {
        (Shape::Text(..) | Shape::Name(..) | Shape::Enum(_), Value::String(_))
        | (Shape::Integer(..), Value::Number(_))
        | (Shape::Flag, Value::Bool(_))
        | (Shape::Object, Value::Object(_)) => Ok(()),
        (Shape::Flag, Value::String(text))
            if ["true", "false"].contains(&text.to_lowercase().as_str()) =>
        {
            Ok(())
        }
        (Shape::Structure(_, members), Value::Object(_)) => types(value, members),
        (Shape::List(_, _, of), Value::Array(elements)) => {
            elements.iter().try_for_each(|it| typed(it, of))
        }
        (Shape::Map(of), Value::Object(members)) => members
            .values()
            .filter(|it| !it.is_null())
            .try_for_each(|it| typed(it, of)),
        _ => Err(Fault::new(
            400,
            "SerializationException",
            wrong_type(value, shape),
        )),
    }
}

fn wrong_type(value: &Value, shape: &Shape) -> String {
    let wanted = match shape {
        Shape::Text(..) | Shape::Name(..) | Shape::Enum(_) => "String",
        Shape::Integer(..) => "Integer",
        Shape::Flag => "Boolean",
        Shape::Structure(..) | Shape::List(..) | Shape::Map(_) | Shape::Object => {
            return match (shape, value) {
                (Shape::List(..), Value::Object(_)) => {
                    "Start of structure or map found where not expected".to_owned()
                }
                (Shape::Structure(name, _), Value::Array(_)) => format!(
                    "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{name}"
                ),
                _ => "Unexpected field type".to_owned(),
            };
        }
    };
    match value {
        Value::Null => format!("NULL_VALUE cannot be converted to {wanted}"),
        Value::Bool(true) => format!("TRUE_VALUE cannot be converted to {wanted}"),
        Value::Bool(false) => format!("FALSE_VALUE cannot be converted to {wanted}"),
        Value::Number(it) if it.is_f64() => {
            format!("DECIMAL_VALUE cannot be converted to {wanted}")
        }
        Value::Number(_) => format!("NUMBER_VALUE cannot be converted to {wanted}"),
        Value::String(_) => format!("STRING_VALUE cannot be converted to {wanted}"),
        Value::Array(_) => format!("Unrecognized collection type class java.lang.{wanted}"),
        Value::Object(_) => "Start of structure or map found where not expected".to_owned(),
    }
}

fn constraints(input: &Value, members: &[Member], within: &str, violations: &mut Vec<String>) {
    for member in members {
        let path = || format!("{within}{}", lower_first(member.name));
        match input.get(member.name) {
            None | Some(Value::Null) if member.required => {
                violations.push(violation("null", &path(), "Member must not be null"));
            }
            None | Some(Value::Null) => {}
            Some(value) => constrained(value, &member.shape, &path, violations),
        }
    }
}

fn constrained(
    value: &Value,
    shape: &Shape,
    path: &dyn Fn() -> String,
    violations: &mut Vec<String>,
) {
    let mut broken = |constraint: String| {
        let shown = format!("'{}'", in_words(value, shape));
        violations.push(violation(&shown, &path(), &constraint));
    };
    match shape {
        Shape::Text(min, max) => length(text(value).len(), *min, *max, &mut broken),
        Shape::Name(min, max) => {
            // The pattern comes first in AWS's messages.
            if !is_name(text(value)) && !text(value).is_empty() {
                broken(
                    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+".to_owned(),
                );
            }
            length(text(value).len(), *min, *max, &mut broken);
        }
        Shape::Enum(values) => {
            if !values.contains(&text(value)) {
                broken(format!(
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                ));
            }
        }
        Shape::Integer(min, max) => {
            let number = value.as_f64().unwrap_or_default();
            #[expect(
                clippy::cast_precision_loss,
                reason = "limits are far below 2^53, where the loss begins"
            )]
            if number < *min as f64 {
                broken(format!(
                    "Member must have value greater than or equal to {min}"
                ));
            } else if number > *max as f64 {
                broken(format!(
                    "Member must have value less than or equal to {max}"
                ));
            }
        }
        Shape::Structure(_, members) => {
            constraints(value, members, &format!("{}.", path()), violations);
        }
        Shape::List(min, max, of) => {
            let elements = value.as_array().map_or(&[][..], Vec::as_slice);
            length(elements.len(), *min, *max, &mut broken);
            for (at, element) in elements.iter().enumerate() {
                let path = || format!("{}.{}.member", path(), at + 1);
                constrained(element, of, &path, violations);
            }
        }
        Shape::Map(of) => {
            for (name, member) in value.as_object().into_iter().flatten() {
                let path = || format!("{}.{name}.member", path());
                if !member.is_null() {
                    constrained(member, of, &path, violations);
                }
            }
        }
        Shape::Flag | Shape::Object => {}
    }
}

fn length(length: usize, min: usize, max: usize, broken: &mut dyn FnMut(String)) {
    if length < min {
        broken(format!(
            "Member must have length greater than or equal to {min}"
        ));
    } else if max > 0 && length > max {
        broken(format!(
            "Member must have length less than or equal to {max}"
        ));
    }
}

/// Whether the text is made of letters, digits and `_.-` alone.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it))
}

/// A value as AWS prints it in messages: Java's way.
fn in_words(value: &Value, shape: &Shape) -> String {
    match (shape, value) {
        (Shape::Structure(name, members), Value::Object(_)) => {
            let mut words = format!("{name}(");
            let given = members
                .iter()
                .filter_map(|it| Some((it, value.get(it.name)?)));
            for (at, (member, value)) in given.enumerate() {
                let comma = if at == 0 { "" } else { ", " };
                words += comma;
                words += &lower_first(member.name);
                words += "=";
                words += &in_words(value, &member.shape);
            }
            words + ")"
        }
        (Shape::List(_, _, of), Value::Array(elements)) => {
            let words: Vec<String> = elements.iter().map(|it| in_words(it, of)).collect();
            format!("[{}]", words.join(", "))
        }
        (Shape::Map(of), Value::Object(members)) => {
            let words: Vec<String> = members
                .iter()
                .map(|(name, it)| format!("{name}={}", in_words(it, of)))
                .collect();
            format!("{{{}}}", words.join(", "))
        }
        (_, Value::String(text)) => text.clone(),
        _ => value.to_string(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static KEY: Shape = Shape::Structure(
        "KeySchemaElement",
        &[
            Member::required("AttributeName", Shape::Text(1, 255)),
            Member::required("KeyType", Shape::Enum(&["HASH", "RANGE"])),
        ],
    );
    static MEMBERS: &[Member] = &[
        Member::required("KeySchema", Shape::List(1, 2, &KEY)),
        Member::new("IndexName", Shape::Name(3, 255)),
        Member::new("Limit", Shape::Integer(1, 100)),
        Member::new("ConsistentRead", Shape::Flag),
    ];

    fn words(input: &Value) -> String {
        check(input, MEMBERS).unwrap_err().message
    }

    #[test]
    fn violations_are_worded_as_aws_words_them() {
        let key = json!({"AttributeName": "a", "KeyType": "HASH"});
        assert_eq!(
            check(&json!({"KeySchema": [key], "Limit": 100}), MEMBERS),
            Ok(())
        );
        assert_eq!(
            words(&json!({})),
            "1 validation error detected: Value null at 'keySchema' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(
            words(&json!({"KeySchema": [{"AttributeName": "a", "KeyType": "X"}]})),
            "1 validation error detected: Value 'X' at 'keySchema.1.member.keyType' failed to satisfy constraint: \
             Member must satisfy enum value set: [HASH, RANGE]"
        );
        assert_eq!(
            words(&json!({"KeySchema": [], "Limit": 0})),
            "2 validation errors detected: Value '[]' at 'keySchema' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; Value '0' at 'limit' failed to satisfy constraint: \
             Member must have value greater than or equal to 1"
        );
        assert_eq!(
            words(&json!({"KeySchema": [key, key, key]})),
            "1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), \
             KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=a, keyType=HASH)]' \
             at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
        );
        assert_eq!(
            words(&json!({"KeySchema": [key], "IndexName": "a;"})),
            "2 validation errors detected: Value 'a;' at 'indexName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at 'indexName' \
             failed to satisfy constraint: Member must have length greater than or equal to 3"
        );
    }

    #[test]
    fn a_member_of_the_wrong_type_is_refused_before_anything_else() {
        for (input, message) in [
            (
                json!({"Limit": "1"}),
                "STRING_VALUE cannot be converted to Integer",
            ),
            (
                json!({"ConsistentRead": 1}),
                "NUMBER_VALUE cannot be converted to Boolean",
            ),
            (
                json!({"IndexName": true}),
                "TRUE_VALUE cannot be converted to String",
            ),
            (json!({"KeySchema": "x"}), "Unexpected field type"),
            (
                json!({"KeySchema": [[]]}),
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement",
            ),
        ] {
            let fault = check(&input, MEMBERS).unwrap_err();
            assert_eq!(fault.code, "SerializationException");
            assert_eq!(fault.message, message);
        }
    }
}

//! The checks AWS makes before it looks at what a request means: types of members, then their constraints, all
//! violations in one message. Pure; knows no operation (see `shapes`).

use serde_json::Value;

use super::value::binary;
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
    /// Whole numbers of 64 bits.
    Long(i64, i64),
    Flag,
    Blob,
    /// Its name in the service model and its members.
    Structure(&'static str, &'static [Member]),
    /// Fewest and most elements; most 0 when there is no limit.
    List(usize, usize, &'static Self),
    /// By names of the request's own.
    Map(&'static Self),
    /// An attribute value; checked where it is read.
    Value,
}

/// What an attribute value is to those who only look at types.
static ATTRIBUTE_VALUE: Shape = Shape::Structure(
    "AttributeValue",
    &[
        Member::new("S", TEXT),
        Member::new("N", TEXT),
        Member::new("B", Shape::Blob),
        Member::new("BOOL", Shape::Flag),
        Member::new("NULL", Shape::Flag),
        Member::new("M", Shape::Map(&Shape::Value)),
        Member::new("L", Shape::List(0, 0, &Shape::Value)),
        Member::new("SS", Shape::List(0, 0, &TEXT)),
        Member::new("NS", Shape::List(0, 0, &TEXT)),
        Member::new("BS", Shape::List(0, 0, &Shape::Blob)),
    ],
);
const TEXT: Shape = Shape::Text(0, 0);
const TABLE_NAME: Member = Member::required("TableName", TEXT);

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

/// Checks a request: first that every member has the right type (attribute values wait, see [`sooner`]), then every
/// constraint.
pub fn check(input: &Value, members: &[Member]) -> Result<(), Fault> {
    types(input, members, Depth::Members)?;
    let mut violations = Vec::new();
    constraints(input, members, "", &mut violations);
    report(&violations)
}

/// The fault AWS gives where an operation gave this one. AWS reads a whole request before it judges any of it; here
/// that is only done for requests that fail.
pub fn sooner(input: &Value, members: &[Member], fault: Fault) -> Fault {
    const LATER: [&str; 3] = [
        "ValidationException",
        "SerializationException",
        "ResourceNotFoundException",
    ];
    if !LATER.contains(&fault.code) {
        return fault;
    }
    let of_table = types(input, &[TABLE_NAME], Depth::Whole);
    let typed = of_table.and_then(|()| types(input, members, Depth::Whole));
    if let Err(sooner) = typed {
        return sooner;
    }
    let null_table = "1 validation error detected: Value null at 'tableName'";
    if !fault.message.starts_with(null_table) {
        return fault;
    }
    let mut violations = Vec::new();
    constraints(input, members, "", &mut violations);
    constraints(input, &[TABLE_NAME], "", &mut violations);
    report(&violations).err().unwrap_or(fault)
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

/// How far types are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Not into attribute values.
    Members,
    Whole,
}

/// Where a value stands: AWS words a wrong one differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    /// In a list or map.
    Element,
}

fn types(input: &Value, members: &[Member], depth: Depth) -> Result<(), Fault> {
    for member in members {
        match input.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => typed(value, &member.shape, depth, Place::Member)?,
        }
    }
    Ok(())
}

fn typed(value: &Value, shape: &Shape, depth: Depth, place: Place) -> Result<(), Fault> {
    let each = |of: &Shape, it: &Value| match it {
        Value::Null => Ok(()),
        _ => typed(it, of, depth, Place::Element),
    };
    match (shape, value) {
        (Shape::Text(..) | Shape::Name(..) | Shape::Enum(_), Value::String(_))
        | (Shape::Integer(..) | Shape::Long(..), Value::Number(_))
        | (Shape::Flag, Value::Bool(_)) => Ok(()),
        (Shape::Flag, Value::String(text)) if is_flag(text) => Ok(()),
        (Shape::Blob, _) => binary(value).map(drop),
        (Shape::Value, _) | (Shape::Map(Shape::Value), Value::Object(_))
            if depth == Depth::Members =>
        {
            Ok(())
        }
        (Shape::Value, _) => typed(value, &ATTRIBUTE_VALUE, depth, place),
        (Shape::Structure(_, members), Value::Object(_)) => types(value, members, depth),
        (Shape::List(_, _, of), Value::Array(elements)) => {
            elements.iter().try_for_each(|it| each(of, it))
        }
        (Shape::Map(of), Value::Object(members)) => {
            members.values().try_for_each(|it| each(of, it))
        }
        _ => Err(Fault::new(
            400,
            "SerializationException",
            wrong_type(value, shape, place),
        )),
    }
}

fn is_flag(text: &str) -> bool {
    ["true", "false", "yes", "no", "1", "0"].contains(&text.to_ascii_lowercase().as_str())
}

fn wrong_type(value: &Value, shape: &Shape, place: Place) -> String {
    let wanted = match shape {
        Shape::Text(..) | Shape::Name(..) | Shape::Enum(_) => "String",
        Shape::Integer(..) => "Integer",
        Shape::Long(..) => "Long",
        Shape::Flag => "Boolean",
        Shape::Structure(..) | Shape::List(..) | Shape::Map(_) | Shape::Value | Shape::Blob => {
            return match (shape, value) {
                (Shape::List(..), Value::Object(_)) => {
                    "Start of structure or map found where not expected".to_owned()
                }
                (Shape::Structure(..), Value::Array(_)) => {
                    format!("Unrecognized collection type class {}", class(shape))
                }
                (Shape::Map(_), Value::Array(_)) => {
                    format!("Unrecognized collection type {}", class(shape))
                }
                (Shape::Structure(..), _) if place == Place::Element => {
                    "Unexpected value type in payload".to_owned()
                }
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
        Value::String(_) if wanted == "Boolean" => {
            "Unexpected token received from parser".to_owned()
        }
        Value::String(_) => format!("STRING_VALUE cannot be converted to {wanted}"),
        Value::Array(_) => format!("Unrecognized collection type class {}", class(shape)),
        Value::Object(_) => "Start of structure or map found where not expected".to_owned(),
    }
}

/// The shape's class, which shows in messages.
fn class(shape: &Shape) -> String {
    match shape {
        Shape::Text(..) | Shape::Name(..) | Shape::Enum(_) => "java.lang.String".to_owned(),
        Shape::Integer(..) => "java.lang.Integer".to_owned(),
        Shape::Long(..) => "java.lang.Long".to_owned(),
        Shape::Flag => "java.lang.Boolean".to_owned(),
        Shape::Blob => "java.nio.ByteBuffer".to_owned(),
        Shape::Value => "com.amazonaws.dynamodb.v20120810.AttributeValue".to_owned(),
        Shape::Structure(name, _) => format!("com.amazonaws.dynamodb.v20120810.{name}"),
        Shape::List(_, _, of) => format!("java.util.List<{}>", class(of)),
        Shape::Map(of) => format!("java.util.Map<java.lang.String, {}>", class(of)),
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
        Shape::Integer(min, max) | Shape::Long(min, max) => {
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
        Shape::Flag | Shape::Blob | Shape::Value => {}
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

/// A whole number of a request; one with decimals loses them, as in AWS's parser.
pub fn integer(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "losing decimals is the point, and a number out of range is clamped"
    )]
    let truncated = || value.as_f64().map(|it| it as i64);
    value.as_i64().or_else(truncated)
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
        Member::new("Units", Shape::Long(1, i64::MAX)),
        Member::new("Key", Shape::Map(&Shape::Value)),
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
                json!({"Units": 1.5, "ConsistentRead": 1}),
                "NUMBER_VALUE cannot be converted to Boolean",
            ),
            (
                json!({"ConsistentRead": "x"}),
                "Unexpected token received from parser",
            ),
            (
                json!({"IndexName": true}),
                "TRUE_VALUE cannot be converted to String",
            ),
            (
                json!({"IndexName": []}),
                "Unrecognized collection type class java.lang.String",
            ),
            (json!({"KeySchema": "x"}), "Unexpected field type"),
            (
                json!({"KeySchema": ["x"]}),
                "Unexpected value type in payload",
            ),
            (
                json!({"KeySchema": [[]]}),
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement",
            ),
            (
                json!({"Key": []}),
                "Unrecognized collection type java.util.Map<java.lang.String, \
                 com.amazonaws.dynamodb.v20120810.AttributeValue>",
            ),
            (json!({"Key": 1}), "Unexpected field type"),
        ] {
            let fault = check(&input, MEMBERS).unwrap_err();
            assert_eq!(fault.code, "SerializationException");
            assert_eq!(fault.message, message);
        }
    }

    #[test]
    fn values_of_a_request_that_fails_are_looked_at_first() {
        let failed = || Fault::validation("anything");
        for (value, message) in [
            (json!("a"), "Unexpected value type in payload"),
            (
                json!({"S": 1}),
                "NUMBER_VALUE cannot be converted to String",
            ),
            (
                json!({"BOOL": 1}),
                "NUMBER_VALUE cannot be converted to Boolean",
            ),
            (json!({"SS": "a"}), "Unexpected field type"),
            (
                json!({"M": {"a": {"L": [{"B": true}]}}}),
                "only base-64-encoded strings are convertible to bytes",
            ),
            (
                json!({"M": []}),
                "Unrecognized collection type java.util.Map<java.lang.String, \
                 com.amazonaws.dynamodb.v20120810.AttributeValue>",
            ),
            (json!({"S": "a", "L": [null]}), "anything"),
        ] {
            let input = json!({"TableName": "t", "Key": {"a": value}});
            assert_eq!(sooner(&input, MEMBERS, failed()).message, message);
        }
        let table = json!({"TableName": 1});
        let words = "NUMBER_VALUE cannot be converted to String";
        assert_eq!(sooner(&table, MEMBERS, failed()).message, words);
        let other = Fault::new(400, "ConditionalCheckFailedException", "no");
        assert_eq!(sooner(&table, MEMBERS, other.clone()), other);
    }
}

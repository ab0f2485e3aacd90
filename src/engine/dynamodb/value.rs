//! Attribute values: reading them from requests with AWS's checks, writing them to answers, their sizes.
//! Pure; knows no tables, keys or expressions.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::engine::call::Fault;

pub use super::number::Number;

/// Deepest nesting of maps and lists in one attribute.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(super) const DEPTH_MAX: usize = 32;
/// Longest attribute name; the published 64 KB are one too many.
const NAME_BYTES_MAX: usize = 65_535;

/// A top-level attribute name to its value.
pub type Item = BTreeMap<String, Attribute>;

/// A value in one of DynamoDB's ten types. Nesting is never deeper than 32 levels when read by [`Self::from_json`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(BTreeMap<String, Self>),
    L(Vec<Self>),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
}

impl Attribute {
    /// Reads `{"S": "text"}`. Faults are worded as AWS words them, without the name of the attribute.
    pub fn from_json(json: &Value) -> Result<Self, Fault> {
        read(json, 0)
    }

    /// `{"S": "text"}`; numbers in normal form, sets in order.
    pub fn to_json(&self) -> Value {
        let value = match self {
            Self::S(text) => Value::from(text.as_str()),
            Self::N(number) => Value::from(number.to_string()),
            Self::B(bytes) => Value::from(STANDARD.encode(bytes)),
            Self::Bool(it) => Value::Bool(*it),
            Self::Null => Value::Bool(true),
            Self::M(map) => item_to_json(map),
            Self::L(list) => list.iter().map(Self::to_json).collect(),
            Self::Ss(set) => set.iter().map(String::as_str).collect(),
            Self::Ns(set) => set.iter().map(Number::to_string).collect(),
            Self::Bs(set) => set.iter().map(|it| STANDARD.encode(it)).collect(),
        };
        Value::Object(Map::from_iter([(self.type_name().to_owned(), value)]))
    }

    /// Bytes it counts for in an item's size.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::M(map) => 3 + map.len() + item_size(map),
            Self::L(list) => 3 + list.iter().map(|it| 1 + it.size()).sum::<usize>(),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(|it| it.size()).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }

    /// `S`, `N`, `B`, `BOOL`, `NULL`, `M`, `L`, `SS`, `NS` or `BS`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// Levels of maps and lists: 0 for `{"S": "a"}`, 1 for `{"L": []}`.
    pub fn depth(&self) -> usize {
        match self {
            Self::M(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            Self::L(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// Reads `{"name": {"S": "text"}, …}`.
pub fn item_from_json(json: &Value) -> Result<Item, Fault> {
    if let Value::Object(members) = json {
        members.keys().try_for_each(|name| check_name(name))?;
    }
    read_map(json, 0)
}

/// A top-level attribute name has between 1 byte and 64 KB less one.
pub fn check_name(name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        Err(Fault::validation("Empty attribute name"))
    } else if name.len() > NAME_BYTES_MAX {
        Err(Fault::validation(
            "Attribute name is too large, must be less than 65536 bytes",
        ))
    } else {
        Ok(())
    }
}

/// A value that grew by an update may be nested no deeper than one that was sent.
pub fn check_depth(attribute: &Attribute) -> Result<(), Fault> {
    if attribute.depth() > DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(())
}

/// `{"name": {"S": "text"}, …}` in the order of names.
pub fn item_to_json(item: &Item) -> Value {
    let members = item.iter().map(|(name, it)| (name.clone(), it.to_json()));
    Value::Object(members.collect())
}

/// Bytes of an item: names and values.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, it)| name.len() + it.size()).sum()
}

fn read(json: &Value, depth: usize) -> Result<Attribute, Fault> {
    let members = match json {
        Value::Object(members) => members,
        Value::Null => return Err(nothing_set()),
        _ => return Err(not_a_structure(json)),
    };
    let mut found = Vec::new();
    for (datatype, value) in members {
        // The service drops null members and those it does not know before it looks at the value.
        if value.is_null() {
            continue;
        }
        found.extend(read_typed(datatype, value, depth)?);
    }
    let several = found.len() > 1;
    match found.pop() {
        Some(attribute) if !several => Ok(attribute),
        Some(_) => Err(Fault::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        )),
        None => Err(nothing_set()),
    }
}

fn nothing_set() -> Fault {
    Fault::validation(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    )
}

fn read_typed(datatype: &str, value: &Value, depth: usize) -> Result<Option<Attribute>, Fault> {
    Ok(Some(match datatype {
        "S" => Attribute::S(text(value)?.to_owned()),
        "N" => Attribute::N(Number::parse(text(value)?)?),
        "B" => Attribute::B(binary(value)?),
        "BOOL" => Attribute::Bool(boolean(value)?),
        "NULL" if boolean(value)? => Attribute::Null,
        "NULL" => {
            return Err(invalid(
                "Null attribute value types must have the value of true",
            ));
        }
        "M" => Attribute::M(read_map(value, deeper(depth)?)?),
        "L" => {
            let depth = deeper(depth)?;
            let members = list(value)?.iter().map(|it| read(it, depth));
            Attribute::L(members.collect::<Result<_, _>>()?)
        }
        "SS" => Attribute::Ss(read_texts(value)?),
        "NS" => Attribute::Ns(read_numbers(value)?),
        "BS" => Attribute::Bs(read_binaries(value)?),
        _ => return Ok(None),
    }))
}

fn read_map(json: &Value, depth: usize) -> Result<Item, Fault> {
    let Value::Object(members) = json else {
        return Err(not_a_structure(json));
    };
    let members = members
        .iter()
        .map(|(name, value)| Ok((name.clone(), read(value, depth)?)));
    members.collect()
}

fn read_texts(value: &Value) -> Result<BTreeSet<String>, Fault> {
    let texts = list(value)?
        .iter()
        .map(text)
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err(invalid("An string set  may not be empty"));
    }
    let set: BTreeSet<String> = texts.iter().map(|it| (*it).to_owned()).collect();
    if set.len() < texts.len() {
        let all = texts.join(", ");
        return Err(invalid(&format!(
            "Input collection [{all}] contains duplicates."
        )));
    }
    Ok(set)
}

fn read_numbers(value: &Value) -> Result<BTreeSet<Number>, Fault> {
    let numbers = list(value)?
        .iter()
        .map(|it| Number::parse(text(it)?))
        .collect::<Result<Vec<_>, Fault>>()?;
    if numbers.is_empty() {
        return Err(invalid("An number set  may not be empty"));
    }
    let set: BTreeSet<Number> = numbers.iter().copied().collect();
    if set.len() < numbers.len() {
        return Err(Fault::validation("Input collection contains duplicates"));
    }
    Ok(set)
}

fn read_binaries(value: &Value) -> Result<BTreeSet<Vec<u8>>, Fault> {
    let binaries = list(value)?
        .iter()
        .map(binary)
        .collect::<Result<Vec<_>, _>>()?;
    if binaries.is_empty() {
        return Err(invalid("Binary sets should not be empty"));
    }
    let set: BTreeSet<Vec<u8>> = binaries.iter().cloned().collect();
    if set.len() < binaries.len() {
        let all: Vec<String> = binaries.iter().map(|it| STANDARD.encode(it)).collect();
        // No space before "of": so the service words it.
        return Err(invalid(&format!(
            "Input collection [{}]of type BS contains duplicates.",
            all.join(", ")
        )));
    }
    Ok(set)
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth == DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(depth + 1)
}

fn too_deep() -> Fault {
    Fault::validation(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
    )
}

fn text(value: &Value) -> Result<&str, Fault> {
    value
        .as_str()
        .ok_or_else(|| wrong_shape(value, "class java.lang.String", "String"))
}

fn boolean(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Bool(it) => Ok(*it),
        Value::String(it) => match it.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            _ => Err(serialization("Unexpected token received from parser")),
        },
        _ => Err(wrong_shape(value, "class java.lang.Boolean", "Boolean")),
    }
}

fn list(value: &Value) -> Result<&Vec<Value>, Fault> {
    value.as_array().ok_or_else(|| {
        serialization(match value {
            Value::Object(_) => "Start of structure or map found where not expected",
            _ => "Unexpected field type",
        })
    })
}

/// Bytes of a text in base 64.
pub fn binary(value: &Value) -> Result<Vec<u8>, Fault> {
    let text = match value {
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => {
            return Err(wrong_shape(value, "class java.nio.ByteBuffer", "Blob"));
        }
        _ => {
            return Err(serialization(
                "only base-64-encoded strings are convertible to bytes",
            ));
        }
    };
    if !text.len().is_multiple_of(4) {
        return Err(serialization(&format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
            text.len()
        )));
    }
    // The misspelling is the service's.
    STANDARD
        .decode(text)
        .map_err(|_invalid| serialization("Invalid last non-pad Base64 character dectected"))
}

/// What the service says when JSON of one kind stands where another belongs.
fn wrong_shape(value: &Value, class: &str, wanted: &str) -> Fault {
    serialization(&match value {
        Value::Null => format!("NULL_VALUE cannot be converted to {wanted}"),
        Value::Bool(true) => format!("TRUE_VALUE cannot be converted to {wanted}"),
        Value::Bool(false) => format!("FALSE_VALUE cannot be converted to {wanted}"),
        Value::Number(it) if it.is_f64() => {
            format!("DECIMAL_VALUE cannot be converted to {wanted}")
        }
        Value::Number(_) => format!("NUMBER_VALUE cannot be converted to {wanted}"),
        Value::String(_) => format!("STRING_VALUE cannot be converted to {wanted}"),
        Value::Array(_) => format!("Unrecognized collection type {class}"),
        Value::Object(_) => "Start of structure or map found where not expected".to_owned(),
    })
}

fn not_a_structure(value: &Value) -> Fault {
    serialization(match value {
        Value::Array(_) => {
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"
        }
        _ => "Unexpected value type in payload",
    })
}

fn serialization(message: &str) -> Fault {
    Fault::new(400, "SerializationException", message)
}

fn invalid(message: &str) -> Fault {
    Fault::validation(format!(
        "One or more parameter values were invalid: {message}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(json: &Value) -> String {
        Attribute::from_json(json).unwrap_err().message
    }

    const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({"S": "leaf"}), |inner, level| {
            // Not `json!`, which would copy the inner value recursively.
            let object = |name: &str, it| Value::Object(Map::from_iter([(name.to_owned(), it)]));
            if level % 2 == 0 {
                object("L", Value::Array(vec![inner]))
            } else {
                object("M", object("a", inner))
            }
        })
    }

    #[test]
    fn a_value_of_each_type_comes_back_as_it_was() {
        for json in [
            json!({"S": ""}),
            json!({"S": "héllo"}),
            json!({"N": "-1.5"}),
            json!({"B": ""}),
            json!({"B": "AAEC"}),
            json!({"BOOL": false}),
            json!({"NULL": true}),
            json!({"M": {}}),
            json!({"L": []}),
            json!({"M": {"a": {"L": [{"N": "1"}, {"M": {"b": {"NULL": true}}}]}}}),
            json!({"SS": ["", "a", "b"]}),
            json!({"NS": ["-1", "2", "10"]}),
            json!({"BS": ["AA==", "AQ=="]}),
        ] {
            assert_eq!(Attribute::from_json(&json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn an_invalid_value_is_refused_in_the_words_of_aws() {
        let prefix = "One or more parameter values were invalid: ";
        for (json, words) in [
            (json!({}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()),
            (json!({"X": "a"}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()),
            (Value::Null, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()),
            (json!({"S": null}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()),
            (json!({"S": "a", "N": "1"}), "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes".to_owned()),
            (json!({"NULL": false}), format!("{prefix}Null attribute value types must have the value of true")),
            (json!({"SS": []}), format!("{prefix}An string set  may not be empty")),
            (json!({"NS": []}), format!("{prefix}An number set  may not be empty")),
            (json!({"BS": []}), format!("{prefix}Binary sets should not be empty")),
            (json!({"SS": ["a", "b", "a"]}), format!("{prefix}Input collection [a, b, a] contains duplicates.")),
            (json!({"NS": ["1", "1.0"]}), "Input collection contains duplicates".to_owned()),
            (json!({"BS": ["AA==", "AA=="]}), format!("{prefix}Input collection [AA==, AA==]of type BS contains duplicates.")),
            (json!({"NS": ["1", "x"]}), "The parameter cannot be converted to a numeric value: x".to_owned()),
            (json!({"L": [{}]}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()),
            (json!({"S": 1}), "NUMBER_VALUE cannot be converted to String".to_owned()),
            (json!({"N": 1.5}), "DECIMAL_VALUE cannot be converted to String".to_owned()),
            (json!({"N": true}), "TRUE_VALUE cannot be converted to String".to_owned()),
            (json!({"S": {}}), "Start of structure or map found where not expected".to_owned()),
            (json!({"S": []}), "Unrecognized collection type class java.lang.String".to_owned()),
            (json!({"SS": "a"}), "Unexpected field type".to_owned()),
            (json!({"B": "a"}), "Base64 encoded length is expected a multiple of 4 bytes but found: 1".to_owned()),
            (json!({"B": "????"}), "Invalid last non-pad Base64 character dectected".to_owned()),
            (json!({"B": "YX=="}), "Invalid last non-pad Base64 character dectected".to_owned()),
            (json!({"B": 1}), "only base-64-encoded strings are convertible to bytes".to_owned()),
            (json!({"BOOL": "maybe"}), "Unexpected token received from parser".to_owned()),
            (json!({"S": "a", "N": "b"}), "The parameter cannot be converted to a numeric value: b".to_owned()),
            (json!({"S": "a", "N": "1", "SS": []}), format!("{prefix}An string set  may not be empty")),
            (json!({"NULL": "no"}), format!("{prefix}Null attribute value types must have the value of true")),
        ] {
            assert_eq!(refused(&json), words, "{json}");
        }
    }

    #[test]
    fn nesting_ends_at_thirty_two_levels() {
        let deepest = Attribute::from_json(&nested(32)).unwrap();
        assert_eq!(deepest.depth(), 32);
        assert_eq!(refused(&nested(33)), TOO_DEEP);
    }

    #[test]
    fn nesting_of_ten_thousand_levels_is_refused_without_a_crash() {
        let json = nested(10_000);
        assert_eq!(refused(&json), TOO_DEEP);
        // Dropping it recurses, and only this test ever builds one so deep.
        std::mem::forget(json);
    }

    #[test]
    fn sizes_follow_the_published_rules() {
        for (json, bytes) in [
            (json!({"S": "héllo"}), 6),
            (json!({"N": "42"}), 2),
            (json!({"N": "100"}), 2),
            (json!({"N": "123"}), 3),
            (json!({"N": "-123"}), 4),
            (json!({"B": "AAEC"}), 3),
            (json!({"BOOL": true}), 1),
            (json!({"NULL": true}), 1),
            (json!({"M": {}}), 3),
            (json!({"L": []}), 3),
            (json!({"L": [{"S": "ab"}, {"S": "c"}]}), 8),
            (json!({"M": {"key": {"S": "ab"}}}), 9),
            (json!({"SS": ["a", "bcd"]}), 4),
            (json!({"NS": ["1", "22"]}), 4),
            (json!({"BS": ["AAEC", "AA=="]}), 4),
        ] {
            assert_eq!(Attribute::from_json(&json).unwrap().size(), bytes, "{json}");
        }
        let item = json!({"Username": {"S": "Fred"}});
        assert_eq!(item_size(&item_from_json(&item).unwrap()), 12);
    }

    #[test]
    fn an_item_comes_back_in_the_order_of_names() {
        let item = item_from_json(&json!({"b": {"N": "1"}, "a": {"S": "x"}})).unwrap();
        assert_eq!(
            item_to_json(&item).to_string(),
            r#"{"a":{"S":"x"},"b":{"N":"1"}}"#
        );
        assert_eq!(
            item_from_json(&json!({"": {"S": "x"}}))
                .unwrap_err()
                .message,
            "Empty attribute name"
        );
        let long = "a".repeat(65_536);
        assert!(item_from_json(&json!({long: {"S": "x"}})).is_err());
        assert_eq!(
            item_from_json(&json!([])).unwrap_err().code,
            "SerializationException"
        );
    }
}

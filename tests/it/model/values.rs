//! Attribute values as the model sees them: JSON of the wire in one agreed form. Knows nothing of the engine's types.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Attribute names to values like `{"S": "text"}`.
pub(super) type Item = BTreeMap<String, Value>;

/// Decimal places the model can tell apart.
const PLACES: usize = 6;

/// `S`, `N`, …
pub(super) fn kind(value: &Value) -> &str {
    value.as_object().unwrap().keys().next().unwrap()
}

/// What stands beside the kind.
pub(super) fn inner(value: &Value) -> &Value {
    value.as_object().unwrap().values().next().unwrap()
}

/// A number in millionths.
pub(super) fn decimal(text: &str) -> i128 {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let power: i32 = power.parse().unwrap();
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    let shift = i32::try_from(PLACES).unwrap() + power - i32::try_from(fraction.len()).unwrap();
    digits * 10_i128.pow(u32::try_from(shift).unwrap())
}

/// The plainest text of a number in millionths.
pub(super) fn plain(millionths: i128) -> String {
    let digits = format!("{:0>width$}", millionths.abs(), width = PLACES + 1);
    let (whole, fraction) = digits.split_at(digits.len() - PLACES);
    let text = format!("{whole}.{fraction}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let sign = if millionths < 0 { "-" } else { "" };
    format!("{sign}{text}")
}

/// The same value with plain numbers and sets in order.
pub(super) fn normal(value: &Value) -> Value {
    let content = inner(value);
    let texts = || content.as_array().unwrap().iter().map(text_of);
    match kind(value) {
        "N" => json!({"N": plain(decimal(text_of(content)))}),
        "NS" => {
            let mut set: Vec<i128> = texts().map(decimal).collect();
            set.sort_unstable();
            json!({"NS": set.into_iter().map(plain).collect::<Vec<_>>()})
        }
        same @ ("SS" | "BS") => {
            let mut set: Vec<&str> = texts().collect();
            set.sort_unstable();
            json!({same: set})
        }
        "L" => json!({"L": content.as_array().unwrap().iter().map(normal).collect::<Vec<_>>()}),
        "M" => json!({"M": to_json(&normal_item(content))}),
        _ => value.clone(),
    }
}

/// An item as an answer or a request has it.
pub(super) fn normal_item(item: &Value) -> Item {
    let members = item.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), normal(value)))
        .collect()
}

pub(super) fn to_json(item: &Item) -> Value {
    let members = item.iter().map(|(name, it)| (name.clone(), it.clone()));
    Value::Object(members.collect())
}

pub(super) fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Members of a list or set.
pub(super) fn members(value: &Value) -> &Vec<Value> {
    inner(value).as_array().unwrap()
}

pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    STANDARD.decode(text_of(inner(value))).unwrap()
}

/// Of two numbers, strings or binaries.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (kind(left), kind(right)) {
        ("S", "S") => Some(text_of(inner(left)).cmp(text_of(inner(right)))),
        ("N", "N") => Some(number_of(left).cmp(&number_of(right))),
        ("B", "B") => Some(bytes_of(left).cmp(&bytes_of(right))),
        _ => None,
    }
}

pub(super) fn number_of(value: &Value) -> i128 {
    decimal(text_of(inner(value)))
}

#[test]
fn numbers_have_one_plain_text() {
    for (text, expected) in [
        ("1.50", "1.5"),
        ("15e-1", "1.5"),
        ("-0", "0"),
        ("0.25", "0.25"),
        ("12e1", "120"),
        ("-7.0", "-7"),
    ] {
        assert_eq!(plain(decimal(text)), expected);
    }
}

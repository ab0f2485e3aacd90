//! Facts about expressions, told through their public functions.

use serde_json::{Value, json};

use super::placeholders::Placeholders;
use super::{condition, projection, update};
use crate::engine::dynamodb::value::{Item, item_from_json};

mod conditions;
mod key_conditions;
mod projections;
mod refusals;
mod syntax;
mod updates;

/// Placeholders from plain maps; `{}` means none.
fn placeholders(names: &Value, values: &Value) -> Placeholders {
    let mut input = json!({});
    for (member, map) in [
        ("ExpressionAttributeNames", names),
        ("ExpressionAttributeValues", values),
    ] {
        if map.as_object().is_some_and(|it| !it.is_empty()) {
            input[member] = map.clone();
        }
    }
    Placeholders::new(&input).unwrap()
}

fn item(json: &Value) -> Item {
    item_from_json(json).unwrap()
}

/// The message after `Invalid …Expression: `, or everything when it is not of that form.
fn refusal(kind: &'static str, text: &str, names: &Value, values: &Value) -> String {
    let mut placeholders = placeholders(names, values);
    let fault = match kind {
        "UpdateExpression" => update::parse(kind, text, &mut placeholders).map(drop),
        "ProjectionExpression" => projection::parse(kind, text, &mut placeholders).map(drop),
        _ => condition::parse(kind, text, &mut placeholders).map(drop),
    };
    let Err(fault) = fault else {
        panic!("accepted: {text}");
    };
    assert_eq!((fault.status, fault.code), (400, "ValidationException"));
    let prefix = format!("Invalid {kind}: ");
    match fault.message.strip_prefix(&prefix) {
        Some(words) => words.to_owned(),
        None => fault.message,
    }
}

fn check(kind: &'static str, names: &Value, values: &Value, cases: &[(&str, &str)]) {
    for (text, words) in cases {
        assert_eq!(refusal(kind, text, names, values), *words, "{text}");
    }
}

//! The parsers of expressions: every text is read or refused.

use serde_json::{Value, json};
use waterwheel::engine::call::Fault;
use waterwheel::engine::dynamodb::expression::placeholders::Placeholders;
use waterwheel::engine::dynamodb::expression::{condition, key_condition, projection, update};
use waterwheel::engine::dynamodb::value::{Item, item_from_json};
use waterwheel::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};

use super::{any_text, check, damaged, soup};

const VALID: &[&str] = &[
    "attribute_exists(pk) AND NOT (size(tags) > :n OR #a.b[0] BETWEEN :n AND :n)",
    "a IN (:s, :n, :l) or contains(b, :s) and begins_with(#a, :s)",
    "attribute_type(a[0][1].b, :t) AND a <> :l",
    "pk = :s AND sk BETWEEN :n AND :n",
    "pk = :s and begins_with (sk, :s)",
    "SET a = a + :n, b[3] = if_not_exists(b[2], :l), c = list_append(:l, c) REMOVE d.e, h ADD f :n DELETE g :ss",
    "REMOVE a[0], a[1] SET b = :n - c",
    "e, b.c[0], #a.#b[12], d[0][0]",
];

const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "=",
    "<",
    ">",
    "<>",
    "<=",
    ">=",
    "+",
    "-",
    "#a",
    "#b",
    "#",
    ":n",
    ":s",
    ":l",
    ":ss",
    ":",
    ":missing",
    "a",
    "b",
    "pk",
    "sk",
    "size",
    "AND",
    "or",
    "NOT",
    "IN",
    "BETWEEN",
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "attribute_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "if_not_exists",
    "list_append",
    "name",
    "0",
    "99999999999999999999",
    "[0]",
    "[99999999999999999999]",
    "\"",
    "'",
    "é",
    "\0",
    "\n",
    "((((((((",
    "NOT NOT NOT ",
];

fn placeholders() -> Placeholders {
    let input = json!({
        "ExpressionAttributeNames": {"#a": "a", "#b": "b"},
        "ExpressionAttributeValues": {
            ":n": {"N": "1"}, ":s": {"S": "a"}, ":t": {"S": "N"}, ":l": {"L": [{"N": "2"}]}, ":ss": {"SS": ["x"]},
        },
    });
    Placeholders::new(&input).unwrap()
}

fn keys() -> KeySchema {
    let key = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    KeySchema {
        partition: key("pk", KeyType::S),
        sort: Some(key("sk", KeyType::N)),
        more: MoreKeys::default(),
    }
}

fn items() -> Vec<Item> {
    let of = |item: Value| item_from_json(&item).unwrap();
    vec![
        Item::new(),
        of(json!({
            "pk": {"S": "p"}, "sk": {"N": "1"}, "a": {"M": {"b": {"L": [{"N": "3"}, {"S": "x"}]}}},
            "b": {"L": [{"M": {"c": {"N": "1"}}}]}, "c": {"N": "38"}, "d": {"M": {"e": {"S": ""}}}, "f": {"N": "1E125"},
            "g": {"SS": ["x", "y"]},
        })),
        of(
            json!({"a": {"N": "1"}, "b": {"S": "a"}, "c": {"L": []}, "f": {"BS": ["AA=="]}, "g": {"NS": ["1"]}}),
        ),
    ]
}

/// Reads the text as all that it might be; what was read is used as well.
fn read_all(text: &str, items: &[Item]) {
    let unwell = |fault: Fault| {
        assert_eq!(
            (fault.status, fault.code),
            (400, "ValidationException"),
            "{text}"
        );
        assert!(!fault.message.is_empty());
    };
    match condition::parse("ConditionExpression", text, &mut placeholders()) {
        Ok(condition) => {
            for item in items {
                condition.matches(item);
            }
        }
        Err(fault) => unwell(fault),
    }
    match update::parse("UpdateExpression", text, &mut placeholders()) {
        Ok(update) => {
            for item in items {
                if let Err(fault) = update.apply(item, &keys()) {
                    unwell(fault);
                }
            }
        }
        Err(fault) => unwell(fault),
    }
    match projection::parse("ProjectionExpression", text, &mut placeholders()) {
        Ok(projection) => {
            for item in items {
                projection.apply(item);
            }
        }
        Err(fault) => unwell(fault),
    }
    if let Err(fault) =
        key_condition::parse("KeyConditionExpression", text, &mut placeholders(), &keys())
    {
        unwell(fault);
    }
}

#[test]
fn any_text_is_an_expression_or_refused() {
    let items = items();
    check(
        300,
        &(any_text(), soup(PIECES), damaged(VALID, PIECES)),
        |(any, soup, damaged)| {
            for text in [any, soup, damaged] {
                read_all(&text, &items);
            }
            Ok(())
        },
    );
}

#[test]
fn texts_that_nest_without_end_are_refused() {
    let items = items();
    for (open, close) in [
        ("(", ")"),
        ("NOT ", ""),
        ("NOT (", ")"),
        ("size(", ")"),
        ("a[0]", ""),
        ("a.", "a"),
        ("if_not_exists(a, ", ")"),
        ("list_append(", ")"),
        ("a = :n AND ", "a = :n"),
        ("SET a = ", ""),
        ("[", "]"),
        ("- ", ""),
        ("a,", "a"),
    ] {
        for depth in [300, 100_000] {
            let text = format!("{}{}", open.repeat(depth), close.repeat(depth));
            read_all(&text, &items);
            read_all(&format!("SET a = {text}"), &items);
        }
    }
}

#[test]
fn the_texts_to_be_damaged_are_read_as_they_are() {
    for text in &VALID[..3] {
        let read = condition::parse("ConditionExpression", text, &mut placeholders());
        assert!(read.is_ok(), "{text}: {read:?}");
    }
    for text in &VALID[5..7] {
        let read = update::parse("UpdateExpression", text, &mut placeholders());
        assert!(read.is_ok(), "{text}: {read:?}");
    }
    let read = projection::parse("ProjectionExpression", VALID[7], &mut placeholders());
    assert!(read.is_ok(), "{read:?}");
}

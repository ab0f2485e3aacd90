//! What updates do to items, and what they answer.

use serde_json::{Value, json};

use super::super::update::{self, Applied};
use super::{item, placeholders};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Item, item_to_json};
use crate::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};

fn keys() -> KeySchema {
    let key = |name: &str| KeyAttribute {
        name: name.to_owned(),
        kind: KeyType::S,
    };
    KeySchema {
        partition: key("pk"),
        sort: Some(key("sk")),
        more: MoreKeys::default(),
    }
}

/// Values every case may use.
fn values() -> Value {
    json!({
        ":1": {"N": "1"}, ":2": {"N": "2"}, ":7": {"N": "7"}, ":big": {"N": "9e125"}, ":1e50": {"N": "1e50"},
        ":s": {"S": "new"}, ":t": {"S": "other"},
        ":l": {"L": [{"S": "x"}]}, ":m": {"M": {"k": {"M": {}}}}, ":none": {"L": []},
        ":ss": {"SS": ["b", "c"]}, ":ab": {"SS": ["a", "b"]}, ":ns": {"NS": ["1"]}, ":bs": {"BS": ["AQ=="]},
    })
}

fn run(text: &str, from: &Item) -> Result<Applied, Fault> {
    let mut placeholders = placeholders(&json!({"#a": "a", "#dot": "a.b", "#n": "n"}), &values());
    update::parse("UpdateExpression", text, &mut placeholders)
        .unwrap_or_else(|fault| panic!("{text}: {}", fault.message))
        .apply(from, &keys())
}

fn sample() -> Value {
    json!({
        "pk": {"S": "p"}, "sk": {"S": "s"},
        "a": {"S": "old"},
        "n": {"N": "5"},
        "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]},
        "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}, "c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}}},
        "ss": {"SS": ["a", "b"]},
    })
}

/// Applies to the sample; gives what became of one attribute, null when it is gone.
fn after(text: &str, attribute: &str) -> Value {
    let applied =
        run(text, &item(&sample())).unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
    item_to_json(&applied.item)[attribute].clone()
}

fn refusal(text: &str, from: &Value) -> String {
    match run(text, &item(from)) {
        Ok(_) => panic!("accepted: {text}"),
        Err(fault) => fault.message,
    }
}

#[test]
fn set_writes_what_it_computes() {
    for (text, attribute, expected) in [
        ("SET a = :s", "a", json!({"S": "new"})),
        ("sEt new1=:s", "new1", json!({"S": "new"})),
        ("SET b = a", "b", json!({"S": "old"})),
        ("SET a = a", "a", json!({"S": "old"})),
        ("SET #a = :1, b = :2", "b", json!({"N": "2"})),
        ("SET #dot = :1", "a.b", json!({"N": "1"})),
        ("SET b = pk", "b", json!({"S": "p"})),
        ("SET n = n + :7", "n", json!({"N": "12"})),
        ("SET n = :7 - n", "n", json!({"N": "2"})),
        ("SET b = (n - :7)", "b", json!({"N": "-2"})),
        ("SET b = ((n) + (m.x))", "b", json!({"N": "6"})),
        ("SET b = (n) + (m.x)", "b", json!({"N": "6"})),
        ("SET b = :1 + :2", "b", json!({"N": "3"})),
        ("SET b = if_not_exists(q, :7)", "b", json!({"N": "7"})),
        ("SET n = if_not_exists(n, :7)", "n", json!({"N": "5"})),
        ("SET q = if_not_exists(q, :7) + :1", "q", json!({"N": "8"})),
        (
            "SET b = if_not_exists(q, if_not_exists(w, n))",
            "b",
            json!({"N": "5"}),
        ),
        ("SET b = if_not_exists(n, q)", "b", json!({"N": "5"})),
        (
            "SET b = list_append(:l, :l)",
            "b",
            json!({"L": [{"S": "x"}, {"S": "x"}]}),
        ),
        (
            "SET m.c = list_append(m.c, :l)",
            "m",
            json!({"M": {"c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}, {"S": "x"}]}, "x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}}}),
        ),
        (
            "SET q = list_append(if_not_exists(q, :none), :l)",
            "q",
            json!({"L": [{"S": "x"}]}),
        ),
        ("SET b = m.y.z", "b", json!({"S": "deep"})),
    ] {
        assert_eq!(after(text, attribute), expected, "{text}");
    }
}

#[test]
fn set_reaches_into_maps_and_lists() {
    for (text, attribute, expected) in [
        (
            "SET m.y.z = :s",
            "m",
            json!({"M": {"c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}, "x": {"N": "1"}, "y": {"M": {"z": {"S": "new"}}}}}),
        ),
        (
            "SET m.y = :1 REMOVE m.c",
            "m",
            json!({"M": {"x": {"N": "1"}, "y": {"N": "1"}}}),
        ),
        (
            "SET l[1] = :s",
            "l",
            json!({"L": [{"N": "0"}, {"S": "new"}, {"N": "2"}, {"N": "3"}]}),
        ),
        (
            "SET l[4] = :s",
            "l",
            json!({"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}, {"S": "new"}]}),
        ),
        (
            "SET l[84] = :1, l[37] = :2, l[50] = :s",
            "l",
            json!({"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}, {"N": "2"}, {"S": "new"}, {"N": "1"}]}),
        ),
        (
            "SET m.c[0] = m.c[2]",
            "m",
            json!({"M": {"c": {"L": [{"N": "3"}, {"N": "2"}, {"N": "3"}]}, "x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}}}),
        ),
    ] {
        assert_eq!(after(text, attribute), expected, "{text}");
    }
}

#[test]
fn every_right_hand_side_means_the_item_as_it_was() {
    assert_eq!(after("SET a = n, n = a", "n"), json!({"S": "old"}));
    assert_eq!(after("SET b = a REMOVE a", "b"), json!({"S": "old"}));
    assert_eq!(after("REMOVE a SET b = a", "a"), Value::Null);
    assert_eq!(
        after("SET l[0] = l[1], l[1] = l[0]", "l")["L"][1],
        json!({"N": "0"})
    );
    assert!(refusal("SET x = :1, y = x", &sample()).contains("does not exist in the item"));
}

#[test]
fn every_list_index_means_the_list_as_it_was() {
    let set = json!({"L": [{"N": "0"}, {"N": "2"}, {"S": "new"}]});
    for (text, expected) in [
        ("REMOVE l[1] SET l[3] = :s", set.clone()),
        ("SET l[3] = :s REMOVE l[1]", set),
        ("REMOVE l[0], l[2]", json!({"L": [{"N": "1"}, {"N": "3"}]})),
        ("REMOVE l[2], l[0], l[1]", json!({"L": [{"N": "3"}]})),
        (
            "REMOVE l[3], l[0] SET l[9] = :s",
            json!({"L": [{"N": "1"}, {"N": "2"}, {"S": "new"}]}),
        ),
        ("REMOVE l[0], l[1], l[2], l[3]", json!({"L": []})),
        (
            "REMOVE l[17]",
            json!({"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]}),
        ),
        (
            "SET l[9] = :s REMOVE l[4]",
            json!({"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}, {"S": "new"}]}),
        ),
        (
            "ADD l[0] :7 REMOVE l[1], l[2]",
            json!({"L": [{"N": "7"}, {"N": "3"}]}),
        ),
    ] {
        assert_eq!(after(text, "l"), expected, "{text}");
    }
    let nested =
        item(&json!({"l": {"L": [{"N": "0"}, {"M": {"a": {"N": "1"}, "b": {"N": "2"}}}]}}));
    let applied = run("REMOVE l[0], l[1].a", &nested).unwrap();
    assert_eq!(
        item_to_json(&applied.item),
        json!({"l": {"L": [{"M": {"b": {"N": "2"}}}]}})
    );
}

#[test]
fn remove_takes_away_what_is_there() {
    for (text, attribute, expected) in [
        ("REMOVE a", "a", Value::Null),
        ("remove q", "q", Value::Null),
        (
            "REMOVE m.y.z",
            "m",
            json!({"M": {"c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}, "x": {"N": "1"}, "y": {"M": {}}}}),
        ),
        ("REMOVE m.q, a", "a", Value::Null),
    ] {
        assert_eq!(after(text, attribute), expected, "{text}");
    }
}

#[test]
fn add_counts_and_joins() {
    for (text, attribute, expected) in [
        ("ADD n :7", "n", json!({"N": "12"})),
        ("ADD q :7", "q", json!({"N": "7"})),
        (
            "add m.x :7",
            "m",
            json!({"M": {"c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}, "x": {"N": "8"}, "y": {"M": {"z": {"S": "deep"}}}}}),
        ),
        ("ADD ss :ss", "ss", json!({"SS": ["a", "b", "c"]})),
        ("ADD q :ss", "q", json!({"SS": ["b", "c"]})),
        ("ADD q :bs, n :1", "q", json!({"BS": ["AQ=="]})),
    ] {
        assert_eq!(after(text, attribute), expected, "{text}");
    }
}

#[test]
fn delete_takes_members_and_leaves_no_empty_set() {
    for (text, attribute, expected) in [
        ("DELETE ss :ss", "ss", json!({"SS": ["a"]})),
        ("DELETE ss :ab", "ss", Value::Null),
        ("DELETE q :ab", "q", Value::Null),
    ] {
        assert_eq!(after(text, attribute), expected, "{text}");
    }
}

#[test]
fn an_update_that_does_not_fit_the_item_is_refused_in_the_words_of_aws() {
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    let datatype = "An operand in the update expression has an incorrect data type";
    let path = "The document path provided in the update expression is invalid for update";
    let overflow =
        "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for (text, words) in [
        ("SET b = q", missing),
        ("SET b = m.q", missing),
        ("SET b = q + :1", missing),
        ("SET b = list_append(q, :l)", missing),
        ("SET b = if_not_exists(q, w)", missing),
        ("SET b = a + :1", datatype),
        ("SET b = :1 - l", datatype),
        ("SET b = list_append(a, :l)", datatype),
        ("SET b = list_append(:l, ss)", datatype),
        ("ADD a :1", datatype),
        ("ADD n :ss", datatype),
        ("ADD l :ss", datatype),
        ("ADD ss :ns", datatype),
        ("DELETE ss :ns", datatype),
        ("DELETE n :ns", datatype),
        ("SET a.c = :1", path),
        ("SET l.c = :1", path),
        ("SET q.c = :1", path),
        ("SET m[0] = :1", path),
        ("SET q[0] = :1", path),
        ("SET l[9].c = :1", path),
        ("REMOVE a.c", path),
        ("REMOVE l.c", path),
        ("REMOVE q.c", path),
        ("REMOVE q[0]", path),
        ("ADD q.c :1", path),
        ("DELETE q.c :ss", path),
        ("SET b = :big + :big", overflow),
        ("SET b = :1e50 + :1", overflow),
    ] {
        assert_eq!(refusal(text, &sample()), words, "{text}");
    }
}

#[test]
fn key_attributes_are_not_updated() {
    let words = |key: &str| {
        format!(
            "One or more parameter values were invalid: Cannot update attribute {key}. This attribute is part of the key"
        )
    };
    for (text, key) in [
        ("SET pk = :s", "pk"),
        ("SET a = :s, sk = :s", "sk"),
        ("REMOVE pk", "pk"),
        ("ADD sk :1", "sk"),
        ("DELETE pk :ss", "pk"),
        ("SET pk.a = :s", "pk"),
    ] {
        assert_eq!(refusal(text, &sample()), words(key), "{text}");
    }
}

#[test]
fn an_item_that_does_not_exist_is_made_by_set_and_add_only() {
    let none = Item::new();
    for (text, expected, creates) in [
        ("SET a = :1", json!({"a": {"N": "1"}}), true),
        ("ADD a :1", json!({"a": {"N": "1"}}), true),
        ("REMOVE a", json!({}), false),
        ("REMOVE x.y, z[0]", json!({}), false),
        ("DELETE a :ss", json!({}), false),
    ] {
        let mut placeholders = placeholders(&json!({}), &values());
        let update = update::parse("UpdateExpression", text, &mut placeholders).unwrap();
        assert_eq!(update.creates_item(), creates, "{text}");
        let applied = update.apply(&none, &keys()).unwrap();
        assert_eq!(item_to_json(&applied.item), expected, "{text}");
    }
    assert!(refusal("SET a = pk", &json!({})).contains("does not exist in the item"));
    assert!(refusal("SET c.c = :1", &json!({})).contains("invalid for update"));
}

#[test]
fn only_the_touched_paths_are_answered() {
    for (text, old, new) in [
        (
            "SET a = :s, b = :1",
            json!({"a": {"S": "old"}}),
            json!({"a": {"S": "new"}, "b": {"N": "1"}}),
        ),
        (
            "SET a = a",
            json!({"a": {"S": "old"}}),
            json!({"a": {"S": "old"}}),
        ),
        ("REMOVE a", json!({"a": {"S": "old"}}), json!({})),
        ("SET b = :1", json!({}), json!({"b": {"N": "1"}})),
        (
            "SET m.x = :7",
            json!({"m": {"M": {"x": {"N": "1"}}}}),
            json!({"m": {"M": {"x": {"N": "7"}}}}),
        ),
        (
            "SET m.c[1] = :7",
            json!({"m": {"M": {"c": {"L": [{"N": "2"}]}}}}),
            json!({"m": {"M": {"c": {"L": [{"N": "7"}]}}}}),
        ),
        (
            "SET m.c[1] = :7, m.x = :2",
            json!({"m": {"M": {"c": {"L": [{"N": "2"}]}, "x": {"N": "1"}}}}),
            json!({"m": {"M": {"c": {"L": [{"N": "7"}]}, "x": {"N": "2"}}}}),
        ),
        (
            "SET m.new1 = :7",
            json!({}),
            json!({"m": {"M": {"new1": {"N": "7"}}}}),
        ),
        (
            "REMOVE m.c[1], m.c[9]",
            json!({"m": {"M": {"c": {"L": [{"N": "2"}]}}}}),
            json!({"m": {"M": {"c": {"L": [{"N": "3"}]}}}}),
        ),
        ("SET m.c[100] = :7", json!({}), json!({})),
        (
            "ADD n :1 DELETE ss :ab",
            json!({"n": {"N": "5"}, "ss": {"SS": ["a", "b"]}}),
            json!({"n": {"N": "6"}}),
        ),
    ] {
        let applied = run(text, &item(&sample())).unwrap();
        assert_eq!(item_to_json(&applied.updated_old), old, "{text}");
        assert_eq!(item_to_json(&applied.updated_new), new, "{text}");
    }
}

#[test]
fn an_update_may_not_nest_deeper_than_an_item_may() {
    let deep = (0..31).fold(json!({"M": {}}), |inner, _| json!({"M": {"d": inner}}));
    let path = format!("a{}", ".d".repeat(31));
    let from = item(&json!({"a": deep}));
    let error = run(&format!("SET {path} = :m"), &from);
    assert!(
        error
            .unwrap_err()
            .message
            .starts_with("Nesting Levels have exceeded")
    );
    assert!(run(&format!("SET {path} = :1"), &from).is_ok());
}

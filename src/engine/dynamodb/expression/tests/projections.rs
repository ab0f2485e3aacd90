//! What a projection leaves of an item.

use serde_json::{Value, json};

use super::super::projection;
use super::{item, placeholders};
use crate::engine::dynamodb::value::item_to_json;

fn project(text: &str) -> Value {
    let whole = item(&json!({
        "pk": {"S": "p"},
        "a": {"M": {
            "b": {"L": [{"N": "2"}, {"N": "4"}, {"M": {"x": {"S": "hi"}, "y": {"S": "yo"}}}]},
            "c": {"N": "5"},
            "e": {"M": {}},
        }},
        "b": {"S": "hello"},
        "a.b": {"S": "dotted"},
        "l": {"L": [{"S": "l0"}, {"S": "l1"}, {"S": "l2"}]},
    }));
    let mut placeholders = placeholders(&json!({"#ab": "a.b", "#a": "a", "#b": "b"}), &json!({}));
    let projection = projection::parse("ProjectionExpression", text, &mut placeholders).unwrap();
    item_to_json(&projection.apply(&whole))
}

#[test]
fn a_projection_keeps_the_shape_of_the_item() {
    for (text, expected) in [
        ("pk", json!({"pk": {"S": "p"}})),
        ("b, pk", json!({"b": {"S": "hello"}, "pk": {"S": "p"}})),
        ("a.c", json!({"a": {"M": {"c": {"N": "5"}}}})),
        ("#a.c", json!({"a": {"M": {"c": {"N": "5"}}}})),
        ("#ab", json!({"a.b": {"S": "dotted"}})),
        ("a.b[0]", json!({"a": {"M": {"b": {"L": [{"N": "2"}]}}}})),
        (
            "a.b[2].y",
            json!({"a": {"M": {"b": {"L": [{"M": {"y": {"S": "yo"}}}]}}}}),
        ),
        (
            "a.b[0],a.c",
            json!({"a": {"M": {"b": {"L": [{"N": "2"}]}, "c": {"N": "5"}}}}),
        ),
        ("a.e", json!({"a": {"M": {"e": {"M": {}}}}})),
        (
            "a.x, a.b[0], x, a.b[3].x",
            json!({"a": {"M": {"b": {"L": [{"N": "2"}]}}}}),
        ),
    ] {
        assert_eq!(project(text), expected, "{text}");
    }
}

#[test]
fn elements_of_a_list_close_up_in_the_order_of_their_indexes() {
    assert_eq!(
        project("l[2], l[0]"),
        json!({"l": {"L": [{"S": "l0"}, {"S": "l2"}]}})
    );
    assert_eq!(
        project("a.b[2].x, a.b[1]"),
        json!({"a": {"M": {"b": {"L": [{"N": "4"}, {"M": {"x": {"S": "hi"}}}]}}}})
    );
}

#[test]
fn a_path_to_nothing_leaves_nothing() {
    for text in [
        "x",
        "a.x",
        "a.x.y",
        "a.b[3]",
        "a.b[3].x",
        "a.b.x",
        "a[0]",
        "a.b[0].x",
        "a.b[0][0]",
        "b.x",
        "a.e.x",
    ] {
        assert_eq!(project(text), json!({}), "{text}");
    }
}

#[test]
fn paths_that_only_share_a_beginning_do_not_overlap() {
    for text in [
        "a.b, a.c",
        "a.b.d, a.b.e",
        "a[1], a[2]",
        "a.b, a.c[1]",
        "a, ab",
    ] {
        project(text);
    }
}

//! Which items fulfil a condition.

use serde_json::{Value, json};

use super::super::condition;
use super::{item, placeholders};

/// One attribute of every type.
fn sample() -> Value {
    json!({
        "pk": {"S": "key"},
        "s": {"S": "hello"},
        "n": {"N": "5"},
        "b": {"B": "AQID"},
        "t": {"BOOL": true},
        "z": {"NULL": true},
        "l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"x": {"N": "3"}}}, {"SS": ["q"]}]},
        "m": {"M": {"x": {"N": "1"}, "y": {"L": [{"N": "-1"}, {"N": "2"}]}}},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.50"]},
        "bs": {"BS": ["AQ==", "Ag=="]},
        "a.b": {"S": "dotted"},
    })
}

/// Values every case may use.
fn values() -> Value {
    json!({
        ":hello": {"S": "hello"}, ":hell": {"S": "hell"}, ":ell": {"S": "ell"}, ":empty": {"S": ""},
        ":zebra": {"S": "zebra"}, ":a": {"S": "a"}, ":two": {"S": "two"}, ":q": {"SS": ["q"]},
        ":0": {"N": "0"}, ":1": {"N": "1"}, ":2": {"N": "2"}, ":3": {"N": "3"}, ":4": {"N": "4"},
        ":5": {"N": "5.0"}, ":10": {"N": "10"}, ":n25": {"N": "2.5"}, ":s5": {"S": "5"},
        ":b": {"B": "AQID"}, ":b1": {"B": "AQ=="}, ":b2": {"B": "Ag=="}, ":b23": {"B": "AgM="}, ":b9": {"B": "CQ=="},
        ":true": {"BOOL": true}, ":false": {"BOOL": false}, ":null": {"NULL": true},
        ":ba": {"SS": ["b", "a"]}, ":ab_l": {"L": [{"S": "a"}]}, ":x1": {"M": {"x": {"N": "3.0"}}},
        ":S": {"S": "S"}, ":N": {"S": "N"}, ":B": {"S": "B"}, ":BOOL": {"S": "BOOL"}, ":NULL": {"S": "NULL"},
        ":L": {"S": "L"}, ":M": {"S": "M"}, ":SS": {"S": "SS"}, ":NS": {"S": "NS"}, ":BS": {"S": "BS"},
    })
}

fn check(cases: &[(&str, bool)]) {
    let item = item(&sample());
    for (text, expected) in cases {
        let names = json!({"#dotted": "a.b", "#m": "m", "#x": "x", "#size": "size"});
        let mut placeholders = placeholders(&names, &values());
        let condition = condition::parse("FilterExpression", text, &mut placeholders)
            .unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
        assert_eq!(condition.matches(&item), *expected, "{text}");
    }
}

#[test]
fn values_of_one_type_are_compared_by_value() {
    check(&[
        ("n = :5", true),
        ("n <> :5", false),
        ("n < :10", true),
        ("n < :5", false),
        ("n <= :5", true),
        ("n > :4", true),
        ("n > :5", false),
        ("n >= :5", true),
        (":10 > n", true),
        ("s = :hello", true),
        ("s > :hell", true),
        ("s < :zebra", true),
        ("b = :b", true),
        ("b > :b1", true),
        ("b < :b2", true),
        ("t = :true", true),
        ("t = :false", false),
        ("t <> :false", true),
        ("z = :null", true),
        ("ss = :ba", true),
        ("l[2] = :x1", true),
        ("m.x < m.y[1]", true),
        ("m.x < m.y[0]", false),
        (":1 = :1", true),
    ]);
}

#[test]
fn values_of_different_types_are_unequal_and_in_no_order() {
    check(&[
        ("n = :s5", false),
        ("n <> :s5", true),
        ("n < :zebra", false),
        ("n >= :zebra", false),
        ("NOT n < :zebra", true),
        ("l < :1", false),
        (":1 < l", false),
        ("s between :0 and :10", false),
        ("b = :hello", false),
    ]);
}

#[test]
fn an_attribute_that_does_not_exist_is_unequal_to_everything() {
    check(&[
        ("q = :1", false),
        ("q <> :1", true),
        ("q <> w", true),
        ("q = w", false),
        ("q < :1", false),
        ("q >= w", false),
        ("q BETWEEN w AND v", false),
        ("q IN (:1)", false),
        ("s IN (q, :hello)", true),
        ("begins_with(q, :hell)", false),
        ("contains(q, :1)", false),
        ("contains(l, q)", false),
        ("attribute_type(q, :S)", false),
        ("size(q) = :0", false),
        ("m.q.w = :1", false),
        ("m.y[9] = :1", false),
    ]);
}

#[test]
fn between_includes_its_bounds() {
    check(&[
        ("n BETWEEN :1 AND :10", true),
        ("n BETWEEN :5 AND :10", true),
        ("n BETWEEN :1 AND :5", true),
        ("n BETWEEN :0 AND :4", false),
        ("s between :hell and :zebra", true),
        ("b between :b1 and :b2", true),
        ("m.x BeTwEeN :0 aNd n", true),
        ("n between n1 and m.x", false),
        (":3 between m.x and n", true),
        ("size(s) between :4 and :5", true),
        ("n BETWEEN :1 AND :10 AND s = :hello", true),
        ("s = :hello AND n BETWEEN :1 AND :4 OR t = :true", true),
    ]);
}

#[test]
fn in_finds_one_equal_value() {
    check(&[
        ("n IN (:1, :5)", true),
        ("n in (:1)", false),
        ("s IN (:5, :hello)", true),
        ("ss IN (:ba)", true),
        ("l[1] IN (s, :two)", true),
        ("size(s) IN (:1, :5)", true),
    ]);
}

#[test]
fn functions_look_at_existence_and_type() {
    check(&[
        ("attribute_exists(s)", true),
        ("attribute_exists (m.y[1])", true),
        ("attribute_exists(m.y[2])", false),
        ("attribute_exists(l[2].x)", true),
        ("attribute_exists(s.x)", false),
        ("attribute_exists(s[0])", false),
        ("attribute_not_exists(q)", true),
        ("attribute_not_exists(z)", false),
        ("attribute_exists(#dotted)", true),
        ("attribute_exists(#m.#x)", true),
        ("attribute_not_exists(#size)", true),
        ("attribute_type(s, :S)", true),
        ("attribute_type(n, :N)", true),
        ("attribute_type(b, :B)", true),
        ("attribute_type(t, :BOOL)", true),
        ("attribute_type(z, :NULL)", true),
        ("attribute_type(l, :L)", true),
        ("attribute_type(m, :M)", true),
        ("attribute_type(ss, :SS)", true),
        ("attribute_type(ns, :NS)", true),
        ("attribute_type(bs, :BS)", true),
        ("attribute_type(s, :N)", false),
        ("attribute_type(:1, :N)", true),
    ]);
}

#[test]
fn functions_look_into_strings_binaries_sets_and_lists() {
    check(&[
        ("begins_with(s, :hell)", true),
        ("begins_with(s, :ell)", false),
        ("begins_with(s, :empty)", true),
        ("begins_with(b, :b1)", true),
        ("begins_with(b, :b2)", false),
        ("begins_with(n, :hell)", false),
        ("begins_with(:hello, s)", true),
        ("contains(s, :ell)", true),
        ("contains(s, :zebra)", false),
        ("contains(b, :b23)", true),
        ("contains(b, :b9)", false),
        ("contains(ss, :a)", true),
        ("contains(ss, :two)", false),
        ("contains(ns, :n25)", true),
        ("contains(ns, :s5)", false),
        ("contains(bs, :b2)", true),
        ("contains(l, :1)", true),
        ("contains(l, :two)", true),
        ("contains(l, :x1)", true),
        ("contains(l, :q)", true),
        ("contains(l, :ab_l)", false),
        ("contains(m, :a)", false),
        ("contains(:hello, :ell)", true),
    ]);
}

#[test]
fn size_counts_bytes_or_members() {
    check(&[
        ("size(s) = :5", true),
        ("size(b) = :3", true),
        ("size(ss) = :2", true),
        ("size(ns) = :2", true),
        ("size(bs) = :2", true),
        ("size(l) = :4", true),
        ("size(m) = :2", true),
        ("size(n) = :1", false),
        ("size(t) = :1", false),
        ("size(s) = :hello", false),
        ("size(s) = n", true),
        ("size(s) > size(l)", true),
        ("(size(s)) <> :4", true),
        (":4 < size(s)", true),
    ]);
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    check(&[
        ("n = :5 AND s = :hello", true),
        ("n = :5 and s = :two", false),
        ("n = :4 oR s = :hello", true),
        ("n = :4 OR s = :two", false),
        ("NOT n = :4", true),
        ("nOt n = :5", false),
        ("NOT NOT NOT NOT n = :5", true),
        ("NOT n = :5 AND n = :4", false),
        ("NOT (n = :5 AND n = :4)", true),
        ("NOT n = :4 OR n = :4", true),
        ("n = :5 OR n = :4 AND n = :3", true),
        ("(n = :5 OR n = :4) AND n = :3", false),
        ("n = :3 AND n = :4 OR n = :5", true),
        ("n = :3 AND (n = :4 OR n = :5)", false),
        ("NOT attribute_exists(q) AND t = :true", true),
    ]);
}

#[test]
fn one_pair_of_parentheses_may_stand_around_anything() {
    check(&[
        ("(n = :5)", true),
        ("(n) = (:5)", true),
        ("((n) = (:5))", true),
        ("(attribute_exists(s))", true),
        (
            "(attribute_exists(s)) AND (NOT (attribute_exists(q)))",
            true,
        ),
        ("NOT (n) = :4", true),
        ("(n) between (:1) and (:10)", true),
        ("(n) in ((:5), :1)", true),
        ("attribute_exists((s))", true),
        ("(m.y)[1] = :2", true),
        ("(m).x = :1", true),
        ("((m).y)[0] < :0", true),
        ("(n = :5 AND (s = :hello)) OR (q = :1)", true),
    ]);
}

#[test]
fn a_deep_condition_is_read_and_asked_without_recursion_trouble() {
    let depth = 149;
    let text = format!("n < :4{}{}", " or (n < :4".repeat(depth), ")".repeat(depth));
    check(&[(text.as_str(), false)]);
    let text = format!("{}n < :4", "not ".repeat(299));
    check(&[(text.as_str(), true)]);
}

#[test]
fn an_item_that_does_not_exist_is_an_empty_one() {
    let mut placeholders = placeholders(&json!({}), &json!({}));
    let condition = condition::parse(
        "ConditionExpression",
        "attribute_not_exists(pk)",
        &mut placeholders,
    )
    .unwrap();
    assert!(condition.matches(&item(&json!({}))));
    assert!(!condition.matches(&item(&sample())));
}

#[test]
fn the_paths_a_condition_reads_are_told() {
    let mut placeholders = placeholders(&json!({"#x": "x"}), &json!({":v": {"N": "1"}}));
    let text = "a.b = :v AND (size(c) > d[1] OR NOT begins_with(e, f)) AND g IN (h, :v) AND attribute_exists(#x)";
    let condition = condition::parse("FilterExpression", text, &mut placeholders).unwrap();
    let paths: Vec<String> = condition.paths().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "[a, b]", "[c]", "[d, [1]]", "[e]", "[f]", "[g]", "[h]", "[x]"
        ]
    );
}

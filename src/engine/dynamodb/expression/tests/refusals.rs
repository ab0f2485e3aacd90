//! What well-formed expressions are refused for, in the words of AWS.

use serde_json::{Value, json};

use super::super::placeholders::Placeholders;
use super::super::{condition, update};
use super::{check, placeholders, refusal};

/// `text => words`.
const CONDITION_FUNCTIONS: &str = "
nearby(a) = :v => Invalid function name; function: nearby
Attribute_Exists((a), #a) => Invalid function name; function: Attribute_Exists
a=b and nonsense((:w)) > a => Invalid function name; function: nonsense
if_not_exists(a, b) = :v => The function is not allowed in a condition expression; function: if_not_exists
list_append(a, b) = :v => The function is not allowed in a condition expression; function: list_append
size(a) => The function is not allowed to be used this way in an expression; function: size
a = b AND (size(a)) => The function is not allowed to be used this way in an expression; function: size
attribute_exists(a) < :v => The function is not allowed to be used this way in an expression; function: attribute_exists
size(contains(b, c)) = a => The function is not allowed to be used this way in an expression; function: contains
a between b and attribute_exists(c) => The function is not allowed to be used this way in an expression; function: attribute_exists
a in (b, begins_with(c, d)) => The function is not allowed to be used this way in an expression; function: begins_with
";

const UPDATE_FUNCTIONS: &str = "
SET a = twice_2(b) => Invalid function name; function: twice_2
SET a = LIST_APPEND(b, c) => Invalid function name; function: LIST_APPEND
SET a = size(b) => The function is not allowed in an update expression; function: size
SET a = list_append(contains(b, c), d) => The function is not allowed in an update expression; function: contains
SET a = list_append(list_append(b, c), d) => The function is not allowed to be used this way in an expression; function: list_append
";

/// `:x` is the string "x", `:y` the string "y".
const OPERANDS: &str = "
attribute_exists(:S) and b=c => Operator or function requires a document path; operator or function: attribute_exists
attribute_not_exists(size(:S)) => Operator or function requires a document path; operator or function: attribute_not_exists
size(size(a)) > :N => Incorrect operand type for operator or function; operator or function: size, operand type: N
attribute_type(a, :N) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N
attribute_type(a, size(b)) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N
attribute_type(a, b) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}
attribute_type(a, :S) => Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}
a = a => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]
#a <> a => The first operand must be distinct from the remaining operands for this operator or function; operator: <>, first operand: [a]
begins_with(m.l[0].#a, m.l[0].a) => The first operand must be distinct from the remaining operands for this operator or function; operator: begins_with, first operand: [m, l, [0], a]
a between :N and :S => The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}
c between :y and :x => The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:y}, upper bound operand: AttributeValue: {S:x}
a[4294967296] = :N => List index is not within the allowable range; index: [4294967296]
";

fn check_table(kind: &'static str, names: &Value, values: &Value, table: &str) {
    let cases: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|it| it.split_once(" => "))
        .collect();
    check(kind, names, values, &cases);
}

#[test]
fn functions_are_refused_where_they_do_not_belong() {
    let (none, values) = (json!({}), json!({":v": {"S": "S"}}));
    check_table("ConditionExpression", &none, &values, CONDITION_FUNCTIONS);
    check_table("UpdateExpression", &none, &values, UPDATE_FUNCTIONS);
}

#[test]
fn odd_operands_of_conditions_are_refused() {
    let names = json!({"#a": "a"});
    let mut values = one_of_each();
    values[":x"] = json!({"S": "x"});
    values[":y"] = json!({"S": "y"});
    check_table("FilterExpression", &names, &values, OPERANDS);
}

/// One value of each type under its own name.
fn one_of_each() -> Value {
    json!({
        ":S": {"S": "a"}, ":N": {"N": "1"}, ":B": {"B": "YQ=="}, ":BOOL": {"BOOL": true}, ":NULL": {"NULL": true},
        ":SS": {"SS": ["a"]}, ":NS": {"NS": ["1"]}, ":BS": {"BS": ["YQ=="]}, ":M": {"M": {}}, ":L": {"L": []},
    })
}

#[test]
fn a_reserved_word_needs_a_placeholder() {
    let none = json!({});
    let words =
        |word: &str| format!("Attribute name is a reserved keyword; reserved keyword: {word}");
    for (kind, text, word) in [
        ("FilterExpression", "status = :v", "status"),
        ("FilterExpression", ":a < zOnE", "zOnE"),
        (
            "FilterExpression",
            "attribute_exists(comment, #a)",
            "comment",
        ),
        ("FilterExpression", "a.name = :v", "name"),
        ("UpdateExpression", "SET #c = :c SET oWner = b", "oWner"),
        (
            "UpdateExpression",
            "SET a = list_append(items, :v)",
            "items",
        ),
        ("UpdateExpression", " remove Region ", "Region"),
        ("ProjectionExpression", "#a,LeVel", "LeVel"),
        ("ProjectionExpression", "a.tYpe", "tYpe"),
    ] {
        assert_eq!(refusal(kind, text, &none, &none), words(word), "{text}");
    }
}

#[test]
fn operands_are_counted() {
    let (none, values) = (json!({}), json!({":v": {"S": "S"}}));
    let words = |name: &str, count: usize| {
        format!(
            "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
        )
    };
    for (kind, text, name, count) in [
        (
            "FilterExpression",
            "attribute_exists(a, b)",
            "attribute_exists",
            2,
        ),
        ("FilterExpression", "attribute_type(a)", "attribute_type", 1),
        ("FilterExpression", "begins_with(a, b, c)", "begins_with", 3),
        ("FilterExpression", "contains(a)", "contains", 1),
        ("FilterExpression", "size(a, b) > c", "size", 2),
        (
            "UpdateExpression",
            "SET a = if_not_exists(c)",
            "if_not_exists",
            1,
        ),
        (
            "UpdateExpression",
            "SET a = list_append(b, c, d)",
            "list_append",
            3,
        ),
    ] {
        assert_eq!(
            refusal(kind, text, &none, &values),
            words(name, count),
            "{text}"
        );
    }
    let list = vec![":v"; 101].join(",");
    let text = format!("a IN ({list})");
    let words = "The IN operator is provided with too many operands; number of operands: 101";
    check(
        "FilterExpression",
        &none,
        &values,
        &[(text.as_str(), words)],
    );
    let text = format!("a IN ({})", vec![":v"; 100].join(","));
    let mut placeholders = placeholders(&none, &values);
    assert!(condition::parse("FilterExpression", &text, &mut placeholders).is_ok());
}

#[test]
fn operands_of_a_wrong_type_are_refused() {
    let all = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"];
    let ordered: &[&str] = &["S", "N", "B"];
    for (kind, text, name, allowed) in [
        (
            "FilterExpression",
            "begins_with(a, :?)",
            "begins_with",
            ["S", "B"].as_slice(),
        ),
        (
            "FilterExpression",
            "begins_with(:?, a)",
            "begins_with",
            &["S", "B"],
        ),
        (
            "FilterExpression",
            "size(:?) > a",
            "size",
            &["S", "B", "SS", "NS", "BS", "M", "L"],
        ),
        ("FilterExpression", "a < :?", "<", ordered),
        ("FilterExpression", ":? >= a", ">=", ordered),
        ("FilterExpression", "a between :? and b", "BETWEEN", ordered),
        ("FilterExpression", "a = :?", "=", &all),
        ("FilterExpression", "contains(a, :?)", "contains", &all),
        (
            "UpdateExpression",
            "SET a = list_append(a, :?)",
            "list_append",
            &["L"],
        ),
        ("UpdateExpression", "SET a = a + :?", "+", &["N"]),
        ("UpdateExpression", "SET a = :? - a", "-", &["N"]),
        (
            "UpdateExpression",
            "SET a = if_not_exists(a, :?)",
            "if_not_exists",
            &all,
        ),
    ] {
        for datatype in all {
            let text = text.replace('?', datatype);
            let mut placeholders = placeholders(&json!({}), &one_of_each());
            let parsed = match kind {
                "UpdateExpression" => update::parse(kind, &text, &mut placeholders).map(drop),
                _ => condition::parse(kind, &text, &mut placeholders).map(drop),
            };
            let words = format!(
                "Invalid {kind}: Incorrect operand type for operator or function; operator or function: {name}, operand type: {datatype}"
            );
            match parsed {
                Ok(()) => assert!(allowed.contains(&datatype), "{text}"),
                Err(fault) => {
                    assert_eq!((fault.message, allowed.contains(&datatype)), (words, false));
                }
            }
        }
    }
}

#[test]
fn add_and_delete_say_operand_types_in_full() {
    let words = |section: &str, name: &str| {
        format!(
            "Incorrect operand type for operator or function; operator: {section}, operand type: {name}, typeSet: ALLOWED_FOR_{section}_OPERAND"
        )
    };
    for (value, name) in [
        (":S", "STRING"),
        (":B", "BINARY"),
        (":BOOL", "BOOLEAN"),
        (":NULL", "NULL"),
        (":M", "MAP"),
        (":L", "LIST"),
    ] {
        for section in ["ADD", "DELETE"] {
            let text = format!("{section} a.b {value}");
            assert_eq!(
                refusal("UpdateExpression", &text, &json!({}), &one_of_each()),
                words(section, name)
            );
        }
    }
    let text = "DELETE a :N";
    assert_eq!(
        refusal("UpdateExpression", text, &json!({}), &one_of_each()),
        words("DELETE", "NUMBER")
    );
}

#[test]
fn sections_of_an_update_stand_once() {
    let none = json!({});
    for (text, section) in [
        ("SET a = b SET c = d", "SET"),
        ("REMOVE d SET a = #b REMOVE e", "REMOVE"),
        ("ADD d :e SET a = b ADD #e :f", "ADD"),
        ("DELETE d :e REMOVE a DELETE e :f", "DELETE"),
    ] {
        let words =
            format!("The \"{section}\" section can only be used once in an update expression;");
        assert_eq!(refusal("UpdateExpression", text, &none, &none), words);
    }
}

/// `text => overlap or conflict; path one; path two`.
const PATHS: &str = "
SET a = b REMOVE a => overlap; [a]; [a]
SET a = b, a.b = b => overlap; [a]; [a, b]
SET a.b.c = b, a.b = b => overlap; [a, b, c]; [a, b]
SET a[1] = b, a[1][1] = b => overlap; [a, [1]]; [a, [1], [1]]
SET #c[2].#d = a, #c[2] = b => overlap; [c, [2], [3]]; [c, [2]]
SET e[1] = a, e.b = a, d.x = a, d = b => overlap; [d, x]; [d]
remove a[0] SET a.#c = b => conflict; [a, [0]]; [a, c]
a, #a => overlap; [a]; [a]
e[0], e.x, #c.y, c => overlap; [c, y]; [c]
c.x[1], #c[1] => conflict; [c, x, [1]]; [c, [1]]
c[3].x, #c.#d.x => conflict; [c, [3], x]; [c, [3], x]
";

#[test]
fn overlapping_and_conflicting_paths_are_refused() {
    let names = json!({"#a": "a", "#c": "c", "#d": "[3]"});
    for (text, words) in PATHS.lines().filter_map(|it| it.split_once(" => ")) {
        let [verb, one, two] = words.split("; ").collect::<Vec<_>>()[..] else {
            panic!("{words}");
        };
        let words = format!(
            "Two document paths {verb} with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}"
        );
        let kind = if text.contains('=') || text.contains("remove") {
            "UpdateExpression"
        } else {
            "ProjectionExpression"
        };
        assert_eq!(refusal(kind, text, &names, &json!({})), words, "{text}");
    }
}

#[test]
fn placeholders_have_to_be_defined() {
    let (names, values) = (json!({"#a": "a"}), json!({":a": {"S": "a"}}));
    let name = |it: &str| {
        format!(
            "An expression attribute name used in the document path is not defined; attribute name: {it}"
        )
    };
    let value = |it: &str| {
        format!(
            "An expression attribute value used in expression is not defined; attribute value: {it}"
        )
    };
    for (kind, text, words) in [
        (
            "FilterExpression",
            "attribute_exists(#P.one, :a) and b=c",
            name("#P"),
        ),
        (
            "FilterExpression",
            "(#P in (:x, :y)) and #Q between :x and :y",
            name("#P"),
        ),
        ("FilterExpression", ":x < :y", value(":x")),
        (
            "FilterExpression",
            "a = b AND contains(:w, #a, #b)",
            value(":w"),
        ),
        ("UpdateExpression", "SET #c = list_append(:c)", name("#c")),
        (
            "UpdateExpression",
            "SET #a = if_not_exists(:c)",
            value(":c"),
        ),
        ("UpdateExpression", "SET b = :v", value(":v")),
        ("UpdateExpression", "SET b = :v, c = #d", name("#d")),
        ("UpdateExpression", "ADD b :v", value(":v")),
        ("ProjectionExpression", "a,b,#x", name("#x")),
    ] {
        assert_eq!(refusal(kind, text, &names, &values), words, "{text}");
    }
}

#[test]
fn placeholders_have_to_be_used() {
    let (names, values) = (
        json!({"#a": "a", "#b": "b"}),
        json!({":v": {"N": "1"}, ":w": {"N": "2"}}),
    );
    let mut some = placeholders(&names, &values);
    update::parse("UpdateExpression", "SET #a = :v", &mut some).unwrap();
    let fault = some.clone().finish().unwrap_err();
    assert_eq!(
        fault.message,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"
    );
    condition::parse("ConditionExpression", "#b = :v OR #a = :v", &mut some).unwrap();
    let fault = some.clone().finish().unwrap_err();
    assert_eq!(
        fault.message,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    );
    condition::parse("ConditionExpression", "#b = :w", &mut some).unwrap();
    some.finish().unwrap();
    let fault = placeholders(&names, &json!({})).finish().unwrap_err();
    assert_eq!(
        fault.message,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    );
}

#[test]
fn malformed_placeholders_are_refused() {
    for (input, words) in [
        (
            json!({"ExpressionAttributeNames": {}}),
            "ExpressionAttributeNames must not be empty",
        ),
        (
            json!({"ExpressionAttributeNames": {"a": "b"}}),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"",
        ),
        (
            json!({"ExpressionAttributeNames": {"#": "b"}}),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"",
        ),
        (
            json!({"ExpressionAttributeNames": {"#a-b": "b"}}),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"",
        ),
        (
            json!({"ExpressionAttributeValues": {}}),
            "ExpressionAttributeValues must not be empty",
        ),
        (
            json!({"ExpressionAttributeValues": {"b": {"S": "a"}}}),
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"b\"",
        ),
        (
            json!({"ExpressionAttributeValues": {":b": {}}}),
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :b",
        ),
        (
            json!({"ExpressionAttributeValues": {":b": {"SS": []}}}),
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :b",
        ),
        (
            json!({"ExpressionAttributeValues": {":b": {"N": "x"}}}),
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b",
        ),
        (
            json!({"ExpressionAttributeValues": {":b": {"S": 1}}}),
            "NUMBER_VALUE cannot be converted to String",
        ),
    ] {
        assert_eq!(Placeholders::new(&input).unwrap_err().message, words);
    }
}

//! Which items a query reads, and which key conditions it refuses.

use serde_json::{Value, json};

use super::super::key_condition::{self, KeyCondition, SortCondition};
use super::placeholders;
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::Attribute;
use crate::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};

fn keys(sort: Option<KeyType>) -> KeySchema {
    let key = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    KeySchema {
        partition: key("pk", KeyType::S),
        sort: sort.map(|kind| key("sk", kind)),
        more: MoreKeys::default(),
    }
}

fn values() -> Value {
    json!({
        ":p": {"S": "p"}, ":1": {"N": "1"}, ":2": {"N": "2"}, ":a": {"S": "a"}, ":b": {"S": "b"},
        ":empty": {"S": ""}, ":S": {"S": "S"},
    })
}

fn read(text: &str, keys: &KeySchema) -> Result<KeyCondition, Fault> {
    let mut placeholders = placeholders(&json!({"#pk": "pk", "#sk": "sk"}), &values());
    key_condition::parse("KeyConditionExpression", text, &mut placeholders, keys)
}

fn number(text: &str) -> Attribute {
    Attribute::from_json(&json!({"N": text})).unwrap()
}

#[test]
fn a_partition_may_stand_alone_or_with_a_range_in_either_order() {
    let partition = Attribute::S("p".to_owned());
    let keys = keys(Some(KeyType::N));
    let (one, two) = (number("1"), number("2"));
    for (text, sort) in [
        ("pk = :p", None),
        (" pk  =   :p ", None),
        (":p = pk", None),
        ("(pk = :p)", None),
        (
            "#pk = :p AND #sk = :1",
            Some(SortCondition::Equal(one.clone())),
        ),
        (
            "pk = :p AND sk < :1",
            Some(SortCondition::Less(one.clone())),
        ),
        (
            "pk = :p AND sk <= :1",
            Some(SortCondition::LessOrEqual(one.clone())),
        ),
        (
            "pk = :p AND sk > :1",
            Some(SortCondition::Greater(one.clone())),
        ),
        (
            "pk = :p AND sk >= :1",
            Some(SortCondition::GreaterOrEqual(one.clone())),
        ),
        (
            "pk = :p AND :1 < sk",
            Some(SortCondition::Greater(one.clone())),
        ),
        (
            "pk = :p AND :1 >= sk",
            Some(SortCondition::LessOrEqual(one.clone())),
        ),
        (
            "sk = :1 AND pk = :p",
            Some(SortCondition::Equal(one.clone())),
        ),
        (
            "((sk = :1) AND (pk = :p))",
            Some(SortCondition::Equal(one.clone())),
        ),
        (
            "pk = :p AnD sk BeTwEeN :1 aNd :2",
            Some(SortCondition::Between(one.clone(), two.clone())),
        ),
    ] {
        let expected = KeyCondition {
            more_partition: Vec::new(),
            leading: Vec::new(),
            partition: partition.clone(),
            sort,
        };
        assert_eq!(read(text, &keys).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_text_range_may_be_a_beginning() {
    let read = read("pk = :p and begins_with(sk, :a)", &keys(Some(KeyType::S))).unwrap();
    assert_eq!(
        read.sort,
        Some(SortCondition::BeginsWith(Attribute::S("a".to_owned())))
    );
}

#[test]
fn a_sort_condition_can_be_asked_about_a_value() {
    let sort = |text: &str| {
        let text = format!("pk = :p and {text}");
        read(&text, &keys(Some(KeyType::N))).unwrap().sort.unwrap()
    };
    for (text, fulfilled) in [
        ("sk = :1", [false, true, false, false]),
        ("sk < :1", [true, false, false, false]),
        ("sk <= :1", [true, true, false, false]),
        ("sk > :1", [false, false, true, true]),
        ("sk >= :2", [false, false, true, true]),
        ("sk between :1 and :2", [false, true, true, false]),
    ] {
        let condition = sort(text);
        let found = ["0.5", "1.0", "2", "10"].map(|it| condition.matches(&number(it)));
        assert_eq!(found, fulfilled, "{text}");
    }
}

/// `text => words`.
const REFUSALS: &str = r#"
pk = :p AND c!=:1 => Invalid KeyConditionExpression: Syntax error; token: "!", near: "c!="
pk => Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "pk"
pk = :missing => Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :missing
pk = :p AND nearby(sk, :1) => Invalid KeyConditionExpression: Invalid function name; function: nearby
pk = :p AND begins_with(sk, :1) => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
sk = :1 OR pk = :p => Invalid operator used in KeyConditionExpression: OR
NOT sk = :1 AND pk = :p => Invalid operator used in KeyConditionExpression: NOT
pk = :p AND sk <> :1 => Invalid operator used in KeyConditionExpression: <>
pk = :p AND sk IN (:1) => Invalid operator used in KeyConditionExpression: IN
pk = :p AND attribute_exists(sk) => Invalid operator used in KeyConditionExpression: attribute_exists
attribute_not_exists(pk) => Invalid operator used in KeyConditionExpression: attribute_not_exists
contains(tags, :a) => Invalid operator used in KeyConditionExpression: contains
attribute_type(sk, :S) => Invalid operator used in KeyConditionExpression: attribute_type
:a between :a and sk and pk = :p => Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand
begins_with(:a, sk) => Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand
size(sk) > :1 AND pk = :p => KeyConditionExpressions cannot contain nested operations
pk = size(x.y) => KeyConditionExpressions cannot contain nested operations
pk = sk => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
begins_with(pk, sk) => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
pk = :p AND sk.part = :1 => KeyConditionExpressions cannot have conditions on nested attributes
:p = :a => Invalid condition in KeyConditionExpression: No key attribute specified
pk = :p AND pk = :p => KeyConditionExpressions must only contain one condition per key
pk = :p AND sk >= :1 AND sk <= :2 => KeyConditionExpressions must only contain one condition per key
pk = :p AND sk < :1 AND a < :1 => Conditions can be of length 1 or 2 only
sk = :1 => Query condition missed key schema element: pk
color = :a => Query condition missed key schema element: pk
pk = :p AND a < :1 => Query condition missed key schema element: sk
pk < :p => Query key condition not supported
begins_with(pk, :p) AND sk = :1 => Query key condition not supported
pk = :1 => One or more parameter values were invalid: Condition parameter type does not match schema type
pk = :p AND sk = :a => One or more parameter values were invalid: Condition parameter type does not match schema type
pk = :empty => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk
"#;

#[test]
fn a_key_condition_that_is_none_is_refused_in_the_words_of_aws() {
    let composite = keys(Some(KeyType::N));
    for (text, words) in REFUSALS.lines().filter_map(|it| it.split_once(" => ")) {
        assert_eq!(read(text, &composite).unwrap_err().message, words, "{text}");
    }
    let fault = read("", &composite).unwrap_err();
    assert_eq!(
        fault.message,
        "Invalid KeyConditionExpression: The expression can not be empty;"
    );
    let fault = read("pk = :p AND sk = :1", &keys(None)).unwrap_err();
    assert_eq!(fault.message, "Query key condition not supported");
}

//! The legacy parameters: what they mean and what is refused.

use serde_json::json;

use super::*;
use crate::engine::dynamodb::value::{Item, item_from_json};
use crate::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};

fn order() -> Item {
    item_from_json(&json!({
        "id": {"S": "o-1"}, "total": {"N": "12"}, "note": {"S": "fragile glass"},
        "tags": {"SS": ["new", "paid"]}, "lines": {"L": [{"S": "a"}]}, "flag": {"BOOL": true},
    }))
    .unwrap()
}

fn holds(member: &str, input: &Value) -> bool {
    let condition = condition(input, member).unwrap();
    condition.is_none_or(|it| it.matches(&order()))
}

#[test]
fn every_operator_asks_what_its_expression_asks() {
    for (name, operator, values, expected) in [
        ("total", "EQ", json!([{"N": "12.0"}]), true),
        ("flag", "EQ", json!([{"BOOL": true}]), true),
        ("lines", "EQ", json!([{"L": [{"S": "a"}]}]), true),
        ("total", "NE", json!([{"N": "12"}]), false),
        ("none", "NE", json!([{"N": "12"}]), true),
        ("total", "LE", json!([{"N": "12"}]), true),
        ("total", "LT", json!([{"N": "12"}]), false),
        ("total", "GE", json!([{"N": "12"}]), true),
        ("total", "GT", json!([{"N": "11"}]), true),
        ("total", "GT", json!([{"S": "11"}]), false),
        ("none", "NULL", json!([]), true),
        ("total", "NULL", json!([]), false),
        ("total", "NOT_NULL", json!([]), true),
        ("note", "CONTAINS", json!([{"S": "gla"}]), true),
        ("tags", "CONTAINS", json!([{"S": "paid"}]), true),
        ("tags", "NOT_CONTAINS", json!([{"S": "paid"}]), false),
        ("note", "BEGINS_WITH", json!([{"S": "frag"}]), true),
        ("total", "IN", json!([{"N": "1"}, {"N": "12"}]), true),
        ("total", "IN", json!([{"N": "1"}]), false),
        ("total", "BETWEEN", json!([{"N": "1"}, {"N": "12"}]), true),
    ] {
        let one = json!({name: {"ComparisonOperator": operator, "AttributeValueList": values}});
        for member in ["Expected", "ScanFilter", "QueryFilter"] {
            let input = json!({ member: one });
            assert_eq!(
                holds(member, &input),
                expected,
                "{name} {operator} {values}"
            );
        }
    }
}

#[test]
fn expected_knows_value_and_exists() {
    for (one, expected) in [
        (json!({"total": {"Value": {"N": "12"}}}), true),
        (
            json!({"total": {"Value": {"N": "12"}, "Exists": true}}),
            true,
        ),
        (json!({"total": {"Value": {"N": "13"}}}), false),
        (json!({"total": {"Exists": false}}), false),
        (json!({"none": {"Exists": false}}), true),
        (
            json!({"total": {"Value": {"N": "2"}, "ComparisonOperator": "GT"}}),
            true,
        ),
        (json!({}), true),
    ] {
        assert_eq!(
            holds("Expected", &json!({ "Expected": one })),
            expected,
            "{one}"
        );
    }
}

#[test]
fn conditions_are_joined_by_the_operator() {
    let both = json!({
        "total": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "12"}]},
        "note": {"ComparisonOperator": "NULL"},
    });
    let with = |operator: Value| json!({"ScanFilter": both, "ConditionalOperator": operator});
    assert!(holds("ScanFilter", &with(json!("OR"))));
    assert!(!holds("ScanFilter", &with(json!("AND"))));
    assert!(!holds("ScanFilter", &with(Value::Null)));
}

fn refused(member: &str, input: &Value) -> String {
    let fault = match member {
        "AttributeUpdates" => updates(input).unwrap_err(),
        "KeyConditions" => key_conditions(input).unwrap_err(),
        _ => condition(input, member).unwrap_err(),
    };
    fault.message
}

const INVALID: &str = "One or more parameter values were invalid: ";

#[test]
fn wrong_expectations_are_refused_in_the_words_of_aws() {
    for (one, words) in [
        (
            json!({}),
            "Value must be provided when Exists is null for Attribute: a",
        ),
        (
            json!({"Exists": true}),
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (
            json!({"Exists": false, "Value": {"S": "x"}}),
            "Value cannot be used when Exists is set to false for Attribute: a",
        ),
        (
            json!({"Exists": false, "ComparisonOperator": "NULL"}),
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            json!({"Value": {"S": "x"}, "AttributeValueList": [{"S": "x"}], "ComparisonOperator": "EQ"}),
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            json!({"AttributeValueList": [{"S": "x"}]}),
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            json!({"ComparisonOperator": "EQ"}),
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            json!({"ComparisonOperator": "NULL", "Value": {"S": "x"}}),
            "Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
    ] {
        let input = json!({"Expected": {"a": one}});
        assert_eq!(
            refused("Expected", &input),
            format!("{INVALID}{words}"),
            "{one}"
        );
    }
}

#[test]
fn wrong_arguments_are_refused_in_the_words_of_aws() {
    for (operator, values, words) in [
        (
            "EQ",
            json!([]),
            "Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            "NOT_NULL",
            json!([{"S": "x"}]),
            "Invalid number of argument(s) for the NOT_NULL ComparisonOperator",
        ),
        (
            "IN",
            json!([]),
            "Invalid number of argument(s) for the IN ComparisonOperator",
        ),
        (
            "BETWEEN",
            json!([{"S": "x"}]),
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        (
            "IN",
            json!([{"S": "x"}, {"N": "1"}]),
            "AttributeValues inside AttributeValueList must be of same type",
        ),
        (
            "BEGINS_WITH",
            json!([{"N": "1"}]),
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
        (
            "CONTAINS",
            json!([{"SS": ["x"]}]),
            "ComparisonOperator CONTAINS is not valid for SS AttributeValue type",
        ),
        (
            "GT",
            json!([{"L": []}]),
            "ComparisonOperator GT is not valid for L AttributeValue type",
        ),
    ] {
        let one = json!({"ComparisonOperator": operator, "AttributeValueList": values});
        for member in ["ScanFilter", "QueryFilter", "KeyConditions"] {
            let input = json!({member: {"a": one}});
            assert_eq!(
                refused(member, &input),
                format!("{INVALID}{words}"),
                "{operator}"
            );
        }
    }
    let bounds =
        json!({"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "1"}]});
    assert_eq!(
        refused("ScanFilter", &json!({"ScanFilter": {"a": bounds}})),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    );
}

#[test]
fn an_operator_needs_two_conditions() {
    for (input, words) in [
        (
            json!({"ConditionalOperator": "OR"}),
            "ConditionalOperator cannot be used without Filter or Expected",
        ),
        (
            json!({"ConditionalOperator": "OR", "ScanFilter": {"a": {"ComparisonOperator": "NULL"}}}),
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
    ] {
        assert_eq!(refused("ScanFilter", &input), words);
    }
}

fn keys() -> KeySchema {
    let key = |name: &str| KeyAttribute {
        name: name.to_owned(),
        kind: KeyType::S,
    };
    KeySchema {
        partition: key("id"),
        sort: Some(key("at")),
        more: MoreKeys::default(),
    }
}

#[test]
fn attribute_updates_change_an_item_as_their_expressions_do() {
    for (name, update, after) in [
        ("total", json!({"Value": {"N": "1"}}), json!({"N": "1"})),
        (
            "total",
            json!({"Action": "PUT", "Value": {"S": "x"}}),
            json!({"S": "x"}),
        ),
        (
            "total",
            json!({"Action": "ADD", "Value": {"N": "-2"}}),
            json!({"N": "10"}),
        ),
        (
            "fresh",
            json!({"Action": "ADD", "Value": {"N": "3"}}),
            json!({"N": "3"}),
        ),
        (
            "tags",
            json!({"Action": "ADD", "Value": {"SS": ["sent"]}}),
            json!({"SS": ["new", "paid", "sent"]}),
        ),
        (
            "tags",
            json!({"Action": "DELETE", "Value": {"SS": ["paid"]}}),
            json!({"SS": ["new"]}),
        ),
        (
            "tags",
            json!({"Action": "DELETE", "Value": {"SS": ["paid", "new"]}}),
            Value::Null,
        ),
        ("total", json!({"Action": "DELETE"}), Value::Null),
        (
            "lines",
            json!({"Action": "ADD", "Value": {"L": [{"S": "b"}]}}),
            json!({"L": [{"S": "a"}, {"S": "b"}]}),
        ),
    ] {
        let update = updates(&json!({"AttributeUpdates": {name: update}}))
            .unwrap()
            .unwrap();
        let item = update.apply(&order(), &keys()).unwrap().item;
        let found = item.get(name).map_or(Value::Null, Attribute::to_json);
        assert_eq!(found, after, "{name}");
    }
}

#[test]
fn no_updates_are_as_good_as_none() {
    assert_eq!(updates(&json!({})), Ok(None));
    assert_eq!(updates(&json!({"AttributeUpdates": {}})), Ok(None));
}

#[test]
fn wrong_updates_are_refused_in_the_words_of_aws() {
    for (update, words) in [
        (
            json!({}),
            "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            json!({"Action": "ADD"}),
            "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            json!({"Action": "DELETE", "Value": {"N": "1"}}),
            "DELETE action with value is not supported for the type N",
        ),
        (
            json!({"Action": "ADD", "Value": {"S": "x"}}),
            "ADD action is not supported for the type S",
        ),
    ] {
        let input = json!({"AttributeUpdates": {"a": update}});
        assert_eq!(
            refused("AttributeUpdates", &input),
            format!("{INVALID}{words}")
        );
    }
    let update = json!({"AttributeUpdates": {"note": {"Action": "ADD", "Value": {"N": "1"}}}});
    let update = updates(&update).unwrap().unwrap();
    assert_eq!(
        update.apply(&order(), &keys()).unwrap_err().message,
        "Type mismatch for attribute to update"
    );
    let key = json!({"AttributeUpdates": {"id": {"Value": {"S": "x"}}}});
    assert_eq!(
        updates(&key)
            .unwrap()
            .unwrap()
            .check_keys(&keys())
            .unwrap_err()
            .message,
        format!("{INVALID}Cannot update attribute id. This attribute is part of the key")
    );
}

#[test]
fn key_conditions_choose_a_partition_and_a_range() {
    let one = |operator: &str, values: Value| json!({"ComparisonOperator": operator, "AttributeValueList": values});
    let both = json!({"KeyConditions": {
        "id": one("EQ", json!([{"S": "o-1"}])),
        "at": one("BETWEEN", json!([{"S": "a"}, {"S": "b"}])),
    }});
    let bound = key_conditions(&both)
        .unwrap()
        .unwrap()
        .bind(&keys())
        .unwrap();
    assert_eq!(bound.partition, Attribute::S("o-1".to_owned()));
    assert!(matches!(bound.sort, Some(SortCondition::Between(..))));
    for (operator, values) in [
        ("NE", json!([{"S": "a"}])),
        ("CONTAINS", json!([{"S": "a"}])),
        ("NULL", json!([])),
        ("IN", json!([{"S": "a"}])),
    ] {
        let input = json!({"KeyConditions": {"id": one(operator, values)}});
        assert_eq!(
            refused("KeyConditions", &input),
            "Attempted conditional constraint is not an indexable operation"
        );
    }
    let ranged = json!({"KeyConditions": {"id": one("GT", json!([{"S": "a"}]))}});
    let refused = key_conditions(&ranged).unwrap().unwrap().bind(&keys());
    assert_eq!(
        refused.unwrap_err().message,
        "Query key condition not supported"
    );
}

#[test]
fn attributes_to_get_is_a_projection() {
    let wanted = projection(&json!({"AttributesToGet": ["total", "none"]}))
        .unwrap()
        .unwrap();
    assert_eq!(wanted.apply(&order()).keys().collect::<Vec<_>>(), ["total"]);
    let twice = projection(&json!({"AttributesToGet": ["a", "a"]}));
    assert!(twice.unwrap_err().message.ends_with("attribute name: a"));
}

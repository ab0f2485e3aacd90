//! What AWS was seen to do with filter patterns, as facts.

use serde_json::{Value, json};

use super::*;

/// As a function would receive it.
fn shipped() -> Value {
    json!({
        "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_678_831_218.0,
            "Keys": { "id": { "S": "a" } },
            "NewImage": {
                "id": { "S": "a" },
                "status": { "S": "shipped" },
                "total": { "N": "101" },
                "tags": { "SS": ["red", "blue"] },
                "lines": { "L": [{ "S": "x" }, { "N": "2" }] },
                "note": { "S": "" },
                "gone": { "NULL": true }
            },
            "SizeBytes": 26
        },
        "userIdentity": { "type": "Service", "principalId": "dynamodb.amazonaws.com" }
    })
}

#[track_caller]
fn check(pattern: &Value, matches: bool) {
    let parsed = Pattern::parse(&pattern.to_string()).unwrap();
    assert_eq!(parsed.matches(&shipped()), matches, "{pattern}");
}

/// A pattern on one member of the new image.
fn image(inner: &Value) -> Value {
    json!({ "dynamodb": { "NewImage": inner } })
}

#[track_caller]
fn refused(text: &str) -> String {
    let error = Pattern::parse(text).unwrap_err();
    assert_eq!(error.to_string(), "Invalid filter pattern definition.");
    error.reason
}

#[test]
fn no_filter_lets_everything_pass_and_any_of_several_does() {
    assert!(Filters::default().pass(&shipped()));
    let either = [r#"{"eventName":["REMOVE"]}"#, r#"{"eventName":["INSERT"]}"#];
    let either = Filters::parse(&either.map(str::to_owned)).unwrap();
    assert!(either.pass(&shipped()));
    let neither = Filters::parse(&[r#"{"eventName":["REMOVE"]}"#.to_owned()]).unwrap();
    assert!(!neither.pass(&shipped()));
}

#[test]
fn keys_beside_dynamodb_can_be_filtered_on() {
    check(&json!({ "eventName": ["INSERT", "MODIFY"] }), true);
    check(&json!({ "eventSource": ["aws:dynamodb"] }), true);
    check(
        &json!({ "userIdentity": { "type": ["Service"], "principalId": ["dynamodb.amazonaws.com"] } }),
        true,
    );
    check(&json!({ "eventName": ["INSERT"], "eventID": ["2"] }), false);
}

#[test]
fn numeric_never_matches_a_value_of_type_n_but_its_text_does() {
    check(
        &image(&json!({ "total": { "N": [{ "numeric": ["=", 101] }] } })),
        false,
    );
    check(
        &image(&json!({ "total": { "N": [{ "numeric": [">", 0] }] } })),
        false,
    );
    check(&image(&json!({ "total": { "N": ["101"] } })), true);
    check(&image(&json!({ "total": { "N": [101] } })), false);
    check(
        &image(&json!({ "total": { "N": [{ "anything-but": "101" }] } })),
        false,
    );
    check(
        &image(&json!({ "total": { "N": [{ "anything-but": ["102"] }] } })),
        true,
    );
}

#[test]
fn numeric_works_on_numbers_of_the_record_itself() {
    let created = |test: Value| json!({ "dynamodb": { "ApproximateCreationDateTime": [test] } });
    check(&created(json!({ "numeric": [">", 1_678_831_217] })), true);
    check(
        &created(json!({ "numeric": [">", 1_678_831_217, "<=", 1_678_831_218] })),
        true,
    );
    check(&created(json!({ "numeric": ["<", 1_678_831_218] })), false);
    check(
        &json!({ "dynamodb": { "SizeBytes": [{ "numeric": ["=", 26] }] } }),
        true,
    );
    check(&json!({ "dynamodb": { "SizeBytes": [26] } }), true);
}

#[test]
fn exists_looks_at_leaves_only() {
    // `status` holds an object, so there is never a leaf at that path.
    check(&image(&json!({ "status": [{ "exists": false }] })), true);
    check(&image(&json!({ "status": [{ "exists": true }] })), false);
    check(
        &image(&json!({ "status": { "S": [{ "exists": true }] } })),
        true,
    );
    check(
        &image(&json!({ "status": { "S": [{ "exists": false }] } })),
        false,
    );
    check(
        &image(&json!({ "status": { "N": [{ "exists": false }] } })),
        true,
    );
    check(
        &image(&json!({ "absent": { "S": [{ "exists": false }] } })),
        true,
    );
    check(
        &json!({ "dynamodb": { "OldImage": { "a": { "S": [{ "exists": false }] } } } }),
        true,
    );
}

#[test]
fn the_type_of_an_attribute_belongs_into_the_pattern() {
    check(&image(&json!({ "status": ["shipped"] })), false);
    check(&image(&json!({ "status": { "S": ["shipped"] } })), true);
    check(&image(&json!({ "status": { "S": ["Shipped"] } })), false);
}

#[test]
fn text_operators() {
    check(
        &image(&json!({ "status": { "S": [{ "prefix": "ship" }] } })),
        true,
    );
    check(
        &image(&json!({ "status": { "S": [{ "prefix": "hip" }] } })),
        false,
    );
    check(
        &image(&json!({ "status": { "S": [{ "suffix": "ped" }] } })),
        true,
    );
    check(
        &image(&json!({ "status": { "S": [{ "equals-ignore-case": "SHIPPED" }] } })),
        true,
    );
    check(
        &image(&json!({ "status": { "S": [{ "anything-but": ["packed"] }] } })),
        true,
    );
    check(
        &image(&json!({ "status": { "S": [{ "anything-but": "shipped" }] } })),
        false,
    );
    check(
        &image(&json!({ "absent": { "S": [{ "anything-but": "x" }] } })),
        false,
    );
    check(&image(&json!({ "note": { "S": [""] } })), true);
    check(&image(&json!({ "status": { "S": [""] } })), false);
}

#[test]
fn null_is_json_null_not_the_null_type() {
    check(&image(&json!({ "gone": { "NULL": [null] } })), false);
    check(&image(&json!({ "gone": { "NULL": [true] } })), true);
    let parsed = Pattern::parse(r#"{"a":[null]}"#).unwrap();
    assert!(parsed.matches(&json!({ "a": null })));
    assert!(!parsed.matches(&json!({})));
}

#[test]
fn or_takes_any_alternative_beside_the_other_fields() {
    let either = json!([{ "eventName": ["REMOVE"] }, { "dynamodb": { "SizeBytes": [26] } }]);
    check(&json!({ "$or": either.clone() }), true);
    check(&json!({ "$or": either.clone(), "eventID": ["1"] }), true);
    check(&json!({ "$or": either, "eventID": ["2"] }), false);
    let inside = json!([{ "status": { "S": ["packed"] } }, { "id": { "S": ["a"] } }]);
    check(&image(&json!({ "$or": inside })), true);
}

#[test]
fn any_element_of_a_list_or_set_may_match() {
    check(&image(&json!({ "tags": { "SS": ["blue"] } })), true);
    check(&image(&json!({ "tags": { "SS": ["green"] } })), false);
    check(&image(&json!({ "lines": { "L": { "S": ["x"] } } })), true);
    check(&image(&json!({ "lines": { "L": { "N": ["3"] } } })), false);
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let pattern = Pattern::parse(r#"{"eventName":["REMOVE"],"eventName":["INSERT"]}"#).unwrap();
    assert!(pattern.matches(&shipped()));
}

#[test]
fn what_is_no_pattern_is_refused_with_the_place() {
    refused("{");
    refused("[]");
    refused(r#"{"a":"x"}"#);
    refused(r#"{"a":[]}"#);
    refused(r#"{"a":{}}"#);
    refused(r#"{"a":[["x"]]}"#);
    refused(r#"{"a":[{"numeric":[">"]}]}"#);
    refused(r#"{"a":[{"numeric":["=",1,"<",2]}]}"#);
    refused(r#"{"a":[{"numeric":["!=",1]}]}"#);
    refused(r#"{"a":[{"exists":"yes"}]}"#);
    refused(r#"{"a":[{"prefix":1}]}"#);
    refused(r#"{"a":[{"prefix":"x","suffix":"y"}]}"#);
    refused(r#"{"$or":{"a":["x"]}}"#);
    refused(r#"{"$or":[]}"#);
    let reason = refused(r#"{"dynamodb":{"Keys":{"id":{"S":[{"like":"x"}]}}}}"#);
    assert_eq!(reason, "dynamodb.Keys.id.S: there is no operator like");
}

#[test]
fn every_leaf_tells_what_it_found() {
    let pattern = json!({
        "eventName": ["INSERT"],
        "dynamodb": { "NewImage": {
            "status": { "S": ["packed"] },
            "total": { "N": [{ "numeric": [">", 100] }] },
            "id": ["a"],
            "absent": { "S": ["x"] }
        } }
    });
    let leaves = Pattern::parse(&pattern.to_string())
        .unwrap()
        .explain(&shipped());
    let verdicts: Vec<(&str, bool)> = leaves
        .iter()
        .map(|leaf| (&*leaf.path, leaf.matched))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("eventName", true),
            ("dynamodb.NewImage.status.S", false),
            ("dynamodb.NewImage.total.N", false),
            ("dynamodb.NewImage.id", false),
            ("dynamodb.NewImage.absent.S", false),
        ]
    );
    assert_eq!(
        leaves[1].words(),
        "dynamodb.NewImage.status.S is \"shipped\", the pattern wants [\"packed\"]"
    );
    assert_eq!(leaves[2].hint, Some(Hint::NumberIsText));
    assert_eq!(leaves[3].hint, Some(Hint::TypeIsMissing));
    assert_eq!(
        leaves[4].words(),
        "dynamodb.NewImage.absent.S is not there, the pattern wants [\"x\"]"
    );
}

#[test]
fn alternatives_are_numbered_in_an_explanation() {
    let pattern = r#"{"$or":[{"eventName":["REMOVE"]},{"eventName":["INSERT"]}]}"#;
    let leaves = Pattern::parse(pattern).unwrap().explain(&shipped());
    let told: Vec<_> = leaves
        .iter()
        .map(|leaf| (leaf.alternative, leaf.matched))
        .collect();
    assert_eq!(told, [(Some(1), false), (Some(2), true)]);
}

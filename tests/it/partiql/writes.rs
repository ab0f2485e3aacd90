//! What `UPDATE`, `DELETE` and `INSERT` do to an item.

use serde_json::json;
use waterwheel::engine::Engine;

use super::{execute, item, with};
use crate::tables::{call, make, put, refusal, world};

/// A table with one item of many types.
async fn with_item(engine: &Engine) {
    make(engine, "tbl", false, json!({})).await;
    put(
        engine,
        "tbl",
        json!({
            "pk": {"S": "a"}, "n": {"N": "1"}, "l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
            "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, "ss": {"SS": ["a", "b"]},
        }),
    )
    .await;
}

#[tokio::test]
async fn an_update_changes_one_item_that_exists() {
    let host = world();
    let engine = host.engine();
    with_item(engine).await;
    for (changes, expected) in [
        (
            "SET n = n + 2, m.x = 5 RETURNING MODIFIED NEW *",
            json!([{"m": {"M": {"x": {"N": "5"}}}, "n": {"N": "3"}}]),
        ),
        (
            "SET n = 10 - n SET o = n RETURNING MODIFIED OLD *",
            json!([{"n": {"N": "3"}}]),
        ),
        ("REMOVE o RETURNING MODIFIED NEW *", json!([])),
        (
            "SET l[2] = 'z', l[0] = 'x' RETURNING MODIFIED NEW *",
            json!([{"l": {"L": [{"S": "x"}, {"S": "z"}]}}]),
        ),
        (
            "REMOVE l[0] REMOVE l[1] RETURNING MODIFIED OLD *",
            json!([{"l": {"L": [{"S": "x"}, {"S": "b"}]}}]),
        ),
        (
            "SET l = LIST_APPEND([1], l) RETURNING MODIFIED NEW *",
            json!([{"l": {"L": [{"N": "1"}, {"S": "z"}]}}]),
        ),
        (
            "SET ss = set_add(ss, <<'c', 'a'>>) RETURNING MODIFIED NEW *",
            json!([{"ss": {"SS": ["a", "b", "c"]}}]),
        ),
        (
            "SET ss = set_delete(ss, <<'a', 'b', 'c'>>) RETURNING MODIFIED NEW *",
            json!([]),
        ),
        (
            "SET ns = set_add(ns, <<1, 2>>) RETURNING MODIFIED NEW *",
            json!([{"ns": {"NS": ["1", "2"]}}]),
        ),
        ("SET copy = n, d = {'a': [NULL, FALSE]}", json!([])),
        (
            "REMOVE m REMOVE l REMOVE ns REMOVE d RETURNING ALL NEW *",
            json!([{"copy": {"N": "7"}, "n": {"N": "7"}, "pk": {"S": "a"}}]),
        ),
    ] {
        let (changes, returning) = changes
            .split_once(" RETURNING")
            .map_or((changes, String::new()), |(one, two)| {
                (one, format!(" RETURNING{two}"))
            });
        let statement = format!("UPDATE \"tbl\" {changes} WHERE pk = 'a'{returning}");
        let answer = execute(engine, &statement).await;
        let answer = answer.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(answer["Items"], expected, "{statement}");
    }
    host.close().await;
}

const REFUSED_UPDATES: &[(&str, &str)] = &[
    (
        "UPDATE tbl SET n = 1",
        "Where clause does not contain a mandatory equality on all key attributes",
    ),
    (
        "UPDATE tbl SET n = 1 WHERE n = 1",
        "Where clause does not contain a mandatory equality on all key attributes",
    ),
    (
        "UPDATE tbl SET n = 1 WHERE pk = 'a' OR pk = 'b'",
        "Where clause does not contain a mandatory equality on all key attributes",
    ),
    (
        "DELETE FROM tbl WHERE pk > 'a'",
        "Where clause does not contain a mandatory equality on all key attributes",
    ),
    (
        "UPDATE tbl SET pk = 'b' WHERE pk = 'a'",
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    ),
    (
        "UPDATE tbl SET n = 1 WHERE pk = 1",
        "The provided key element does not match the schema",
    ),
    (
        "UPDATE tbl SET nope[0] = 1 WHERE pk = 'a'",
        "The document path provided in the update expression is invalid for update",
    ),
    (
        "UPDATE tbl SET n = n + 'x' WHERE pk = 'a'",
        "Incorrect operand type for operator or function; operator or function: +, operand type: S",
    ),
    (
        "UPDATE tbl SET n = 1 REMOVE n WHERE pk = 'a'",
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], \
         path two: [n]",
    ),
    (
        "UPDATE tbl SET x = set_add(n, <<'x'>>) WHERE pk = 'a'",
        "The first argument to SET_ADD must equal the assignment value at 1:20:7",
    ),
    (
        "UPDATE tbl SET n = set_add(n, 'x') WHERE pk = 'a'",
        "The second argument to SET_ADD must be a value with type SET at 1:28:1",
    ),
    (
        "UPDATE tbl SET n = set_delete(n) WHERE pk = 'a'",
        "SET_DELETE must have exactly two arguments at 1:20:10",
    ),
    (
        "UPDATE tbl SET n = set_add(n, <<'x'>>) WHERE pk = 'a'",
        "An operand in the update expression has an incorrect data type",
    ),
    (
        "UPDATE tbl SET n = <<>> WHERE pk = 'a'",
        "Empty bags are not supported",
    ),
    (
        "UPDATE tbl SET n = <<'x', 'x'>> WHERE pk = 'a'",
        "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
    ),
    (
        "UPDATE tbl SET n = if_not_exists(n, 1) WHERE pk = 'a'",
        "Unrecognized function: if_not_exists at 1:20:13",
    ),
];

#[tokio::test]
async fn an_update_that_cannot_be_is_refused_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    with_item(engine).await;
    for (statement, message) in REFUSED_UPDATES {
        let refused = refusal(execute(engine, statement).await);
        assert_eq!(
            refused,
            format!("ValidationException: {message}"),
            "{statement}"
        );
    }
    host.close().await;
}

#[tokio::test]
async fn a_condition_beyond_the_key_stops_a_write() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    put(engine, "tbl", json!({"pk": {"S": "a"}, "n": {"N": "1"}})).await;
    let failed = "ConditionalCheckFailedException: The conditional request failed";
    for statement in [
        "UPDATE tbl SET n = 2 WHERE pk = 'a' AND n = 5",
        "UPDATE tbl SET n = 2 WHERE pk = 'missing'",
        "UPDATE tbl SET n = 2 WHERE pk = 'missing' AND attribute_not_exists(pk)",
        "UPDATE tbl SET n = 2 WHERE pk = 'a' AND pk = 'b'",
        "FROM tbl WHERE pk = 'a' AND n > 5 SET n = 2",
        "DELETE FROM tbl WHERE pk = 'a' AND NOT n = 1",
    ] {
        assert_eq!(
            refusal(execute(engine, statement).await),
            failed,
            "{statement}"
        );
    }
    assert_eq!(item(engine, "tbl", "a").await["n"], json!({"N": "1"}));
    let more = json!({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    let told = with(engine, "DELETE FROM tbl WHERE pk = 'a' AND n = 2", more).await;
    assert_eq!(told.unwrap_err()["Item"]["n"], json!({"N": "1"}));
    // Nothing to delete is nothing to check.
    for statement in [
        "DELETE FROM tbl WHERE pk = 'missing' AND n = 5",
        "DELETE FROM tbl WHERE pk = 'missing' RETURNING ALL OLD *",
    ] {
        assert_eq!(execute(engine, statement).await, Ok(json!({"Items": []})));
    }
    execute(engine, "FROM tbl WHERE pk = 'a' AND n = 1 SET n = 2")
        .await
        .unwrap();
    assert_eq!(item(engine, "tbl", "a").await["n"], json!({"N": "2"}));
    host.close().await;
}

#[tokio::test]
async fn what_is_not_stored_leaves_no_record() {
    let host = world();
    let engine = host.engine();
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}});
    make(engine, "tbl", false, stream).await;
    for statement in [
        "INSERT INTO tbl VALUE {'pk': 'a', 'n': 1}",
        "UPDATE tbl SET n = 1 WHERE pk = 'a'",
        "UPDATE tbl SET n = 2 WHERE pk = 'a'",
        "DELETE FROM tbl WHERE pk = 'missing'",
        "DELETE FROM tbl WHERE pk = 'a'",
    ] {
        execute(engine, statement).await.unwrap();
    }
    let table = call(engine, "DescribeTable", json!({"TableName": "tbl"}))
        .await
        .unwrap();
    let stream = table["Table"]["LatestStreamArn"].as_str().unwrap();
    let records = crate::streams::records(engine, stream).await;
    let names: Vec<&str> = records
        .iter()
        .map(|it| it["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    host.close().await;
}

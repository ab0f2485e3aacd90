//! What a `SELECT` finds, in which order, and what it costs.

use serde_json::{Value, json};
use waterwheel::engine::Engine;

use super::{execute, found, with};
use crate::tables::{make, put, refusal, world};

/// A table with sort keys and two partitions of three items.
async fn sorted(engine: &Engine) {
    make(engine, "tbl", true, json!({})).await;
    for (pk, n) in [("a", 1), ("b", 10)] {
        for at in 0..3 {
            let n = (n * (at + 1)).to_string();
            let sk = format!("s{at}");
            put(
                engine,
                "tbl",
                json!({"pk": {"S": pk}, "sk": {"S": sk}, "n": {"N": n}}),
            )
            .await;
        }
    }
}

const CONDITIONS: &[(&str, bool)] = &[
    ("n = 5", true),
    ("5 = n", true),
    ("n != 5", false),
    ("n <> 4 AND n >= 5.0 AND n < 5.1e0", true),
    ("n BETWEEN 5 AND 6", true),
    ("n NOT BETWEEN 5 AND 6", false),
    ("n IN [1, 5]", true),
    ("n IN (1, 5)", true),
    ("n NOT IN (1, 5)", false),
    ("text = 'straw' OR n = 6", true),
    ("NOT (text = 'straw' OR n = 6)", false),
    ("begins_with(text, 'st')", true),
    ("NOT begins_with(\"text\", 'x')", true),
    (
        "contains(text, 'raw') AND contains(ss, 'x') AND contains(ll, 1)",
        true,
    ),
    ("size(text) = 5 AND size(ss) = 2", true),
    ("attribute_type(ss, 'SS')", true),
    ("attribute_type(ss, 'S')", false),
    (
        "attribute_exists(map.sub) AND attribute_not_exists(map.other)",
        true,
    ),
    ("ATTRIBUTE_EXISTS(n) = true", true),
    ("attribute_exists(n) = false", false),
    ("nope IS MISSING AND n IS NOT MISSING", true),
    ("nope = MISSING", true),
    ("n <> MISSING", true),
    ("nul IS NULL", true),
    ("text IS NULL", false),
    ("text IS NOT NULL", true),
    (
        "flag IS BOOL AND text IS STRING AND n IS INT AND ss IS BAG",
        true,
    ),
    ("text IS BOOL", false),
    ("ll[1].d = 'in'", true),
    ("map.sub = 'v' AND map['sub'] = 'v'", true),
    ("map = {'sub': 'v'} AND ss = <<'y', 'x'>>", true),
    ("flag = TRUE AND nul = NULL", true),
    ("n < 'text'", false),
    ("nope = 1", false),
    ("nope <> 1", true),
];

#[tokio::test]
async fn conditions_choose_items_as_in_sql() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    put(
        engine,
        "tbl",
        json!({
            "pk": {"S": "a"}, "text": {"S": "straw"}, "n": {"N": "5"}, "nul": {"NULL": true},
            "flag": {"BOOL": true}, "ss": {"SS": ["x", "y"]}, "ll": {"L": [{"N": "1"}, {"M": {"d": {"S": "in"}}}]},
            "map": {"M": {"sub": {"S": "v"}}}, "bytes": {"B": "AAEC"},
        }),
    )
    .await;
    for (condition, holds) in CONDITIONS {
        let statement = format!("SELECT pk FROM tbl WHERE pk = 'a' AND {condition}");
        let items = found(engine, &statement, "pk").await;
        assert_eq!(items.len(), usize::from(*holds), "{condition}");
    }
    let parameters = json!({"Parameters": [{"S": "a"}, {"SS": ["y", "x"]}, {"B": "AAEC"}]});
    let statement = "SELECT pk FROM tbl WHERE pk = ? AND ss = ? AND bytes = ?";
    let answer = with(engine, statement, parameters).await.unwrap();
    assert_eq!(answer["Items"], json!([{"pk": {"S": "a"}}]));
    host.close().await;
}

#[tokio::test]
async fn a_selected_path_is_named_by_its_end() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    let deep = json!({"M": {"b": {"L": [{"S": "x"}, {"M": {"c": {"N": "1"}}}]}}});
    put(
        engine,
        "tbl",
        json!({"pk": {"S": "a"}, "a": deep, "o": {"S": "other"}}),
    )
    .await;
    let statement = "SELECT pk, a.b[0], a.b[1].c, nope FROM tbl WHERE pk = 'a'";
    let answer = execute(engine, statement).await.unwrap();
    assert_eq!(
        answer["Items"],
        json!([{"b[0]": {"S": "x"}, "c": {"N": "1"}, "pk": {"S": "a"}}])
    );
    host.close().await;
}

const READS: &[(&str, &str, f64)] = &[
    ("WHERE pk = 'a'", "1 2 3", 0.5),
    ("WHERE pk = 'a' AND sk = 's1'", "2", 0.5),
    ("WHERE pk = 'a' AND sk > 's0'", "2 3", 0.5),
    ("WHERE pk = 'a' AND sk >= 's0' AND sk < 's2'", "1 2", 0.5),
    ("WHERE pk = 'a' AND sk BETWEEN 's1' AND 's2'", "2 3", 0.5),
    ("WHERE pk = 'a' AND begins_with(sk, 's')", "1 2 3", 0.5),
    ("WHERE pk = 'a' AND sk IN ['s2', 's0', 'nope']", "1 3", 1.5),
    ("WHERE pk = 'a' AND (sk = 's0' OR sk = 's2')", "1 3", 1.0),
    ("WHERE pk IN ['b', 'a'] AND sk = 's0'", "10 1", 1.0),
    ("WHERE pk = 'b' OR pk = 'a'", "10 20 30 1 2 3", 1.0),
    (
        "WHERE pk = 'a' AND NOT sk = 's1' OR pk = 'a' AND sk = 's1'",
        "1 2 3",
        0.5,
    ),
    ("WHERE pk = 'a' AND pk = 'b'", "", 0.5),
    ("WHERE pk = 'a' ORDER BY sk DESC", "3 2 1", 0.5),
    (
        "WHERE pk = 'a' AND sk IN ['s0', 's2'] ORDER BY sk DESC",
        "3 1",
        1.0,
    ),
    (
        "WHERE pk IN ['b', 'a'] ORDER BY pk, sk DESC",
        "3 2 1 30 20 10",
        1.0,
    ),
    (
        "WHERE pk IN ['a', 'b'] ORDER BY pk DESC",
        "10 20 30 1 2 3",
        1.0,
    ),
    ("WHERE n = 20", "20", 0.5),
    ("WHERE pk = 'a' OR n = 20", "1 2 3 20", 0.5),
];

const REFUSED_READS: &[(&str, &str)] = &[
    (
        "ORDER BY sk",
        "Must have WHERE clause in the statement when using ORDER BY clause.",
    ),
    (
        "WHERE n = 1 ORDER BY sk",
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
    ),
    (
        "WHERE pk = 'a' ORDER BY n",
        "Variable reference n in ORDER BY clause must be part of the primary key",
    ),
    (
        "WHERE pk = 'a' AND n = 1 OR pk = 'a' AND sk = 's2'",
        "Overlapping conditions with range keys are not supported in where clause",
    ),
    (
        "WHERE pk = 5",
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    ),
    (
        "WHERE pk = ''",
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
         empty string value. Key: pk",
    ),
    (
        "WHERE pk = true",
        "Key value must be of type S, N, or B. Key name: pk, Key type: BOOL",
    ),
];

#[tokio::test]
async fn keys_in_a_condition_decide_what_is_read() {
    let host = world();
    let engine = host.engine();
    sorted(engine).await;
    for (rest, expected, units) in READS {
        let statement = format!("SELECT * FROM tbl {rest}");
        let more = json!({"ReturnConsumedCapacity": "TOTAL"});
        let answer = with(engine, &statement, more).await.unwrap();
        let items = answer["Items"].as_array().unwrap();
        let numbers: Vec<&str> = items
            .iter()
            .map(|it| it["n"]["N"].as_str().unwrap())
            .collect();
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        let mut numbers = numbers;
        if rest.contains("n = 20") {
            // A scan goes by the hash of partitions.
            numbers.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(numbers, expected, "{rest}");
        assert_eq!(
            answer["ConsumedCapacity"]["CapacityUnits"],
            json!(units),
            "{rest}"
        );
    }
    host.close().await;
}

#[tokio::test]
async fn keys_and_orders_that_cannot_be_are_refused_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    sorted(engine).await;
    for (rest, message) in REFUSED_READS {
        let refused = refusal(execute(engine, &format!("SELECT * FROM tbl {rest}")).await);
        assert_eq!(refused, format!("ValidationException: {message}"));
    }
    host.close().await;
}

/// A condition on keys and `n`, nested at random.
fn random_condition(random: &mut fastrand::Rng, depth: u8) -> String {
    if depth > 0 && random.u8(0..3) > 0 {
        let left = random_condition(random, depth - 1);
        let right = random_condition(random, depth - 1);
        return match random.u8(0..5) {
            0 | 1 => format!("({left} AND {right})"),
            2 | 3 => format!("({left} OR {right})"),
            _ => format!("NOT ({left})"),
        };
    }
    let pk = random.choice(["a", "b", "c"]).unwrap();
    let (low, high) = (random.u8(0..3), random.u8(2..4));
    match random.u8(0..9) {
        0 | 1 => format!("pk = '{pk}'"),
        2 => format!("pk IN ['{pk}', 'b']"),
        3 => format!("sk = 's{low}'"),
        4 => format!("'s{low}' < sk"),
        5 => format!("sk BETWEEN 's{low}' AND 's{high}'"),
        6 => format!("sk IN ('s{low}', 's{high}')"),
        7 => format!("begins_with(sk, 's{low}')"),
        _ => format!("n >= {}", random.u8(0..30)),
    }
}

#[tokio::test]
async fn keys_never_change_what_a_condition_means() {
    let host = world();
    let engine = host.engine();
    sorted(engine).await;
    let mut random = fastrand::Rng::with_seed(4);
    let mut answered = 0;
    for _ in 0..400 {
        let condition = random_condition(&mut random, 3);
        let statement = format!("SELECT n FROM tbl WHERE {condition}");
        let Ok(answer) = execute(engine, &statement).await else {
            // Overlapping ranges are refused.
            continue;
        };
        answered += 1;
        // No item has the attribute, and no key is named in every case: a scan.
        let all = format!("SELECT n FROM tbl WHERE ({condition}) OR nope = 1");
        let numbers = |items: &Value| {
            let items = items["Items"].as_array().unwrap();
            let mut numbers: Vec<String> = items.iter().map(Value::to_string).collect();
            numbers.sort_unstable();
            numbers
        };
        let scanned = execute(engine, &all).await.unwrap();
        assert_eq!(numbers(&answer), numbers(&scanned), "{condition}");
    }
    assert!(answered > 200, "only {answered} were answered");
    host.close().await;
}

/// How many items each page has, and their sort keys.
async fn pages(engine: &Engine, statement: &str, limit: &Value) -> (Vec<usize>, Vec<String>) {
    let mut token = Value::Null;
    let mut counts = Vec::new();
    let mut seen = Vec::new();
    loop {
        let more = json!({"Limit": limit, "NextToken": token});
        let answer = with(engine, statement, more).await.unwrap();
        let items = answer["Items"].as_array().unwrap();
        counts.push(items.len());
        seen.extend(
            items
                .iter()
                .map(|it| it["sk"]["S"].as_str().unwrap().to_owned()),
        );
        assert_eq!(
            answer.get("NextToken").is_some(),
            answer.get("LastEvaluatedKey").is_some()
        );
        match answer.get("NextToken") {
            Some(next) => token = next.clone(),
            None => return (counts, seen),
        }
    }
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", true, json!({})).await;
    for at in 0..25 {
        let item =
            json!({"pk": {"S": format!("p{:02}", at % 2)}, "sk": {"S": format!("s{at:02}")}});
        put(engine, "tbl", item).await;
    }
    let keys: Vec<String> = (0..12).map(|at| format!("'s{at:02}'")).collect();
    let of_keys = format!(
        "SELECT sk FROM tbl WHERE pk IN ['p00', 'p01'] AND sk IN [{}]",
        keys.join(", ")
    );
    for (statement, limit, expected) in [
        ("SELECT sk FROM tbl", json!(10), vec![10, 10, 5]),
        (
            "SELECT sk FROM tbl WHERE pk = 'p00'",
            json!(5),
            vec![5, 5, 3],
        ),
        (
            "SELECT sk FROM tbl WHERE pk = 'p00' ORDER BY sk DESC",
            json!(7),
            vec![7, 6],
        ),
        // Pages of keys have ten items at most.
        (
            "SELECT sk FROM tbl WHERE pk IN ['p00', 'p01']",
            Value::Null,
            vec![10, 10, 5],
        ),
        (
            "SELECT sk FROM tbl WHERE pk IN ['p00', 'p01']",
            json!(20),
            vec![10, 10, 5],
        ),
        (&of_keys, Value::Null, vec![10, 2]),
        (
            "SELECT sk FROM tbl WHERE pk = 'p00' AND sk = 's00'",
            json!(1),
            vec![1],
        ),
    ] {
        let (counts, mut seen) = pages(engine, statement, &limit).await;
        assert_eq!(counts, expected, "{statement}");
        let total = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), total, "{statement}");
    }
    let first = with(engine, "SELECT sk FROM tbl", json!({"Limit": 1}))
        .await
        .unwrap();
    let token = first["NextToken"].clone();
    let other = with(engine, "SELECT pk FROM tbl", json!({ "NextToken": token })).await;
    assert_eq!(
        refusal(other),
        "ValidationException: NextToken does not match request"
    );
    let wrong = with(engine, "SELECT pk FROM tbl", json!({"NextToken": "x"})).await;
    assert_eq!(refusal(wrong), "ValidationException: Invalid NextToken");
    host.close().await;
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", true, json!({})).await;
    for at in 0..4 {
        let item =
            json!({"pk": {"S": "p"}, "sk": {"S": at.to_string()}, "x": {"S": "x".repeat(390_000)}});
        put(engine, "tbl", item).await;
    }
    let answer = execute(engine, "SELECT sk FROM tbl WHERE pk = 'p'")
        .await
        .unwrap();
    assert_eq!(answer["Items"].as_array().unwrap().len(), 3);
    assert_eq!(answer["LastEvaluatedKey"]["sk"], json!({"S": "2"}));
    let token = answer["NextToken"].clone();
    let rest = with(
        engine,
        "SELECT sk FROM tbl WHERE pk = 'p'",
        json!({ "NextToken": token }),
    );
    let rest = rest.await.unwrap();
    assert_eq!(rest["Items"], json!([{"sk": {"S": "3"}}]));
    assert_eq!(rest.get("NextToken"), None);
    host.close().await;
}

/// A table with an index of either kind and three items, two of which are in both.
async fn indexed(engine: &Engine) {
    let definition = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let more = json!({
        "AttributeDefinitions": [definition("g"), definition("l")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-g", "KeySchema": [key("g", "HASH")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["carried"]},
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "by-l", "KeySchema": [key("pk", "HASH"), key("l", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    make(engine, "tbl", true, more).await;
    for at in 0..3 {
        let text = |prefix: &str| json!({"S": format!("{prefix}{at}")});
        let mut item =
            json!({"pk": {"S": "p"}, "sk": text("s"), "carried": text("c"), "other": text("o")});
        if at < 2 {
            item["g"] = json!({"S": "x"});
            item["l"] = text("l");
        }
        put(engine, "tbl", item).await;
    }
}

#[tokio::test]
async fn an_index_answers_with_what_it_carries() {
    let host = world();
    let engine = host.engine();
    indexed(engine).await;
    let capacity = json!({"ReturnConsumedCapacity": "INDEXES"});
    let by_g = "SELECT * FROM \"tbl\".\"by-g\" WHERE g = 'x'";
    let answer = with(engine, by_g, capacity.clone()).await.unwrap();
    assert_eq!(answer["Items"].as_array().unwrap().len(), 2);
    assert!(answer["Items"][0].get("other").is_none());
    let consumed = &answer["ConsumedCapacity"];
    assert_eq!(consumed["Table"]["CapacityUnits"], json!(0.0));
    assert_eq!(
        consumed["GlobalSecondaryIndexes"]["by-g"]["CapacityUnits"],
        json!(0.5)
    );

    // A local index gets from the table what it does not carry; the table is charged for it.
    let by_l = "SELECT other FROM \"tbl\".\"by-l\" WHERE pk = 'p' ORDER BY l DESC";
    let answer = with(engine, by_l, capacity).await.unwrap();
    assert_eq!(
        answer["Items"],
        json!([{"other": {"S": "o1"}}, {"other": {"S": "o0"}}])
    );
    assert_eq!(
        answer["ConsumedCapacity"]["Table"]["CapacityUnits"],
        json!(1.0)
    );

    let unkeyed = "SELECT sk FROM \"tbl\".\"by-l\" WHERE other = 'o1'";
    assert!(found(engine, unkeyed, "sk").await.is_empty());
    let negated = "SELECT sk FROM \"tbl\".\"by-g\" WHERE NOT other = 'o1'";
    assert_eq!(found(engine, negated, "sk").await.len(), 2);
    host.close().await;
}

const REFUSED_OF_INDEXES: &[(&str, &str)] = &[
    (
        "SELECT * FROM \"tbl\".\"nope\" WHERE pk = 'p'",
        "The table does not have the specified index",
    ),
    (
        "SELECT other FROM \"tbl\".\"by-g\" WHERE g = 'x'",
        "One or more parameter values were invalid: Global secondary index by-g does not project [other]",
    ),
    (
        "SELECT sk FROM \"tbl\".\"by-g\" WHERE g = 'x' AND other = 'o1'",
        "One or more parameter values were invalid: Secondary index by-g does not project one or more filter \
         attributes: [other]",
    ),
    (
        "SELECT sk FROM \"tbl\".\"by-l\" WHERE pk = 'p' AND other IS MISSING",
        "One or more parameter values were invalid: Secondary index by-l does not project one or more filter \
         attributes: [other]",
    ),
];

#[tokio::test]
async fn what_an_index_does_not_carry_is_refused_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    indexed(engine).await;
    let by_g = "SELECT * FROM \"tbl\".\"by-g\" WHERE g = 'x'";
    for (statement, message) in REFUSED_OF_INDEXES {
        let refused = refusal(execute(engine, statement).await);
        assert_eq!(refused, format!("ValidationException: {message}"));
    }
    let consistent = with(engine, by_g, json!({"ConsistentRead": true})).await;
    assert_eq!(
        refusal(consistent),
        "ValidationException: Strongly consistent read is not supported on Global Secondary Indexes"
    );
    host.close().await;
}

//! PartiQL as the SDK sees it, and in the JSON of the wire where exact words matter.

use serde_json::{Value, json};
use waterwheel::engine::Engine;

use crate::tables::{call, dynamodb, make, refusal, s, world};

mod many;
mod reads;
mod writes;

const MALFORMED: &str = "ValidationException: Statement wasn't well formed, can't be processed: ";

async fn execute(engine: &Engine, statement: &str) -> Result<Value, Value> {
    call(engine, "ExecuteStatement", json!({"Statement": statement})).await
}

async fn with(engine: &Engine, statement: &str, more: Value) -> Result<Value, Value> {
    let mut request = json!({"Statement": statement});
    for (member, value) in more.as_object().unwrap() {
        request[member] = value.clone();
    }
    call(engine, "ExecuteStatement", request).await
}

/// The items a statement finds, in the order of the answer, by one text or number attribute.
async fn found(engine: &Engine, statement: &str, attribute: &str) -> Vec<String> {
    let answer = execute(engine, statement).await;
    let answer = answer.unwrap_or_else(|error| panic!("{statement}: {error}"));
    let items = answer["Items"].as_array().unwrap();
    let text = |item: &Value| {
        let value = item[attribute]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap();
        value.as_str().unwrap().to_owned()
    };
    items.iter().map(text).collect()
}

async fn item(engine: &Engine, table: &str, pk: &str) -> Value {
    let key = json!({"TableName": table, "Key": {"pk": {"S": pk}}});
    let got = call(engine, "GetItem", key).await.unwrap();
    got.get("Item").cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn the_sdk_inserts_selects_updates_and_deletes() {
    let host = world();
    let client = dynamodb(host.engine());
    make(host.engine(), "tbl", false, json!({})).await;
    let execute = |statement: &str| client.execute_statement().statement(statement);
    let inserted = execute("INSERT INTO \"tbl\" VALUE {'pk': ?, 'n': 1, 'tags': <<'x', 'y'>>}")
        .parameters(s("a"))
        .send()
        .await
        .unwrap();
    assert!(inserted.items().is_empty());
    let twice = execute("INSERT INTO \"tbl\" VALUE {'pk': 'a'}")
        .send()
        .await;
    let error = twice.unwrap_err().into_service_error();
    assert!(error.is_duplicate_item_exception(), "{error:?}");
    assert_eq!(
        error.meta().message(),
        Some("Duplicate primary key exists in table")
    );
    let updated =
        execute("UPDATE \"tbl\" SET n = n + 1 REMOVE tags WHERE pk = ? RETURNING ALL NEW *")
            .parameters(s("a"))
            .send()
            .await
            .unwrap();
    let item = &updated.items()[0];
    assert_eq!(item["n"].as_n().unwrap(), "2");
    assert!(!item.contains_key("tags"));
    let selected = execute("SELECT n FROM \"tbl\" WHERE pk = 'a' AND n > 1");
    let selected = selected.consistent_read(true).send().await.unwrap();
    assert_eq!(selected.items().len(), 1);
    assert_eq!(selected.next_token(), None);
    let deleted = execute("DELETE FROM \"tbl\" WHERE pk = 'a' RETURNING ALL OLD *");
    assert_eq!(deleted.send().await.unwrap().items()[0]["pk"], s("a"));
    let gone = execute("SELECT * FROM \"tbl\"").send().await.unwrap();
    assert!(gone.items().is_empty());
    host.close().await;
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    let deep = format!("SELECT * FROM tbl WHERE {}", "(".repeat(4000));
    for (statement, message) in [
        ("SLECT * FROM tbl", format!("{MALFORMED}Expected data manipulation")),
        (&deep, format!("{MALFORMED}Expression is nested too deeply")),
        ("SELECT * FROM nope WHERE pk = 'a'", "ResourceNotFoundException: Requested resource not found".to_owned()),
        ("INSERT INTO nope VALUE {'pk': 'a'}", "ResourceNotFoundException: Requested resource not found".to_owned()),
        (
            "SELECT * FROM nope WHERE pk = 'a' AND val < true",
            "ValidationException: Incorrect operand type for operator or function; operator or function: <, \
             operand type: BOOL".to_owned(),
        ),
        (
            "SELECT * FROM tbl WHERE pk = ?",
            "ValidationException: Number of parameters in request and statement don't match.".to_owned(),
        ),
        (
            "SELECT * FROM tbl WHERE n = 1e126",
            "ValidationException: Number overflow. Attempting to store a number with magnitude larger than \
             supported range under root".to_owned(),
        ),
        (
            "INSERT INTO tbl VALUE {'pk': 'a', 'l': [1, {'x': 1e-131}]}",
            "ValidationException: Number underflow. Attempting to store a number with magnitude smaller than \
             supported range under root.l[1].x".to_owned(),
        ),
        (
            "INSERT INTO tbl VALUE {'n': 1}",
            "ValidationException: One or more parameter values were invalid: Missing the key pk in the item".to_owned(),
        ),
        ("EXISTS(SELECT * FROM tbl WHERE pk = 'a' AND n = 1)", "ValidationException: EXISTS() is only supported within ExecuteTransaction".to_owned()),
        ("SELECT * FROM tbl WHERE EXISTS(pk)", "ValidationException: Unrecognized function: exists at 1:25:6".to_owned()),
        (
            "SELECT * FROM tbl WHERE attribute_exists('pk')",
            "ValidationException: Operator or function requires a document path; operator or function: \
             attribute_exists".to_owned(),
        ),
        (
            "SELECT * FROM tbl WHERE attribute_exists(a, b)",
            "ValidationException: Incorrect number of operands for operator or function; operator or function: \
             attribute_exists, number of operands: 2".to_owned(),
        ),
    ] {
        assert_eq!(refusal(execute(engine, statement).await), message, "{statement:.60}");
    }
    let long = format!("SELECT * FROM tbl WHERE pk = '{}'", "x".repeat(8192));
    let refused = refusal(execute(engine, &long).await);
    assert!(refused.ends_with("at 'statement' failed to satisfy constraint: Member must have length less than or equal to 8192"));
    let more = json!({"Parameters": [{"S": "a"}, {"S": "b"}]});
    let surplus = with(engine, "SELECT * FROM tbl WHERE pk = ?", more).await;
    assert_eq!(
        refusal(surplus),
        "ValidationException: Number of parameters in request and statement don't match."
    );
    host.close().await;
}

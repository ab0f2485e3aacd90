//! The behaviour cases of `tests/cases`: requests of the wire and what DynamoDB answers to them.
//!
//! A file is an object of cases, named as facts. A case is a list of steps: operation, request, expectation. The
//! expectation is an object whose members the answer has to have (`null`: must not have), or the error's code and
//! words (those before `…`); `{"error": …}` joins both. `@` stands for a text no other case uses, `#300` for
//! 300 letters, and `{"$": "name"}` for what a former step kept by an expectation `{"$name": "/pointer"}`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use waterwheel::engine::Engine;

use crate::tables::{call, make, refusal, world};

type Kept = BTreeMap<String, Value>;

/// How many there are of them at least.
const CASES_MIN: usize = 200;

#[tokio::test]
async fn requests_are_answered_as_dynamodb_documents_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let mut count = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let cases: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        let host = world();
        tables(host.engine()).await;
        for (number, (name, steps)) in cases.iter().enumerate() {
            count += 1;
            let unique = format!("case{number}");
            let steps: Value =
                serde_json::from_str(&steps.to_string().replace('@', &unique)).unwrap();
            if let Err(why) = run(host.engine(), &steps).await {
                let file = file.file_stem().unwrap().to_string_lossy();
                failures.push(format!("{file}: {name}\n{why}"));
            }
        }
        host.close().await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count >= CASES_MIN, "{count}");
}

/// The tables every file finds.
async fn tables(engine: &Engine) {
    make(engine, "plain", false, json!({})).await;
    make(engine, "sorted", true, json!({})).await;
    let stream = json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
    make(
        engine,
        "streamed",
        false,
        json!({"StreamSpecification": stream}),
    )
    .await;
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let bytes = json!({
        "TableName": "bytes", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [key("pk", "HASH")],
        "AttributeDefinitions": [attribute("pk", "B")],
    });
    call(engine, "CreateTable", bytes).await.unwrap();
    let numbered = json!({
        "TableName": "numbered", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "AttributeDefinitions": [
            attribute("pk", "S"), attribute("sk", "N"), attribute("g", "S"), attribute("h", "N"), attribute("l", "S"),
        ],
        "LocalSecondaryIndexes": [{
            "IndexName": "by_l", "KeySchema": [key("pk", "HASH"), key("l", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_g", "KeySchema": [key("g", "HASH"), key("h", "RANGE")],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "few", "KeySchema": [key("g", "HASH")],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
            },
        ],
    });
    call(engine, "CreateTable", numbered).await.unwrap();
}

async fn run(engine: &Engine, steps: &Value) -> Result<(), String> {
    let mut kept = Kept::new();
    for (number, step) in steps.as_array().unwrap().iter().enumerate() {
        let [operation, request, expected] = step.as_array().unwrap().as_slice() else {
            panic!("{step}");
        };
        let request = filled(request, &kept);
        let answer = call(engine, operation.as_str().unwrap(), request).await;
        let shown = answer
            .as_ref()
            .map_or_else(Value::clone, Value::clone)
            .to_string();
        compare(answer, &filled(expected, &kept), &mut kept)
            .map_err(|why| format!("  step {number}: {why}\n  answer {shown:.600}"))?;
    }
    Ok(())
}

/// With what was kept in its places.
fn filled(value: &Value, kept: &Kept) -> Value {
    match value {
        Value::Object(members) if members.contains_key("$") => {
            kept[members["$"].as_str().unwrap()].clone()
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, it)| (name.clone(), filled(it, kept)));
            Value::Object(members.collect())
        }
        Value::Array(members) => members.iter().map(|it| filled(it, kept)).collect(),
        Value::String(text) => Value::String(long(text)),
        other => other.clone(),
    }
}

/// `#3` as `xxx`.
fn long(text: &str) -> String {
    let Some((before, after)) = text.split_once('#') else {
        return text.to_owned();
    };
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse() {
        Ok(count) => format!("{before}{}{}", "x".repeat(count), &after[digits.len()..]),
        Err(_) => text.to_owned(),
    }
}

fn compare(answer: Result<Value, Value>, expected: &Value, kept: &mut Kept) -> Result<(), String> {
    let words = expected.as_str().or_else(|| expected["error"].as_str());
    let body = match (&answer, words) {
        (Ok(body), None) | (Err(body), Some(_)) => body.clone(),
        (Ok(_), Some(words)) => return Err(format!("accepted, not {words}")),
        (Err(_), None) => return Err("refused".to_owned()),
    };
    if let Some(words) = words {
        let told = refusal(answer);
        let fits = match words.strip_suffix('…') {
            Some(beginning) => told.starts_with(beginning),
            None => told == words,
        };
        if !fits {
            return Err(format!("{told}\n  instead of {words}"));
        }
    }
    for (member, wanted) in expected.as_object().into_iter().flatten() {
        if member == "error" {
            continue;
        }
        if let Some(name) = member.strip_prefix('$') {
            let found = body.pointer(wanted.as_str().unwrap());
            kept.insert(name.to_owned(), found.cloned().unwrap_or(Value::Null));
            continue;
        }
        // A member by its name, or by its path.
        let found = match member.strip_prefix('/') {
            Some(_) => body.pointer(member),
            None => body.get(member),
        };
        if found.unwrap_or(&Value::Null) != wanted {
            return Err(format!("{member} is not {wanted}"));
        }
    }
    Ok(())
}

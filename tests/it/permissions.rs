//! Requests that name several tables or take several actions: each is judged.

use aws_sdk_dynamodb::Client;
use serde_json::{Value, json};
use waterwheel::engine::call::Principal;
use waterwheel::engine::{Engine, EngineHost};

use crate::tables::{call_as, make, put, world};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A role whose policy has these statements.
async fn role(host: &EngineHost, statements: Value) -> Principal {
    let iam = aws_sdk_iam::Client::new(&host.engine().sdk_config(&Principal::Root));
    let role = iam.create_role().role_name("worker");
    let role = role.assume_role_policy_document(TRUST);
    role.send().await.unwrap();
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let policy = iam.put_role_policy().role_name("worker").policy_name("p");
    let policy = policy.policy_document(document.to_string());
    policy.send().await.unwrap();
    Principal::Role {
        role: "worker".to_owned(),
        session: "s".to_owned(),
    }
}

fn allow(actions: &[&str], table: &str) -> Value {
    let resource = format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}");
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// What the role is told: `fine`, or the action and the resource it may not have.
async fn asked(engine: &Engine, principal: &Principal, operation: &str, input: Value) -> String {
    match call_as(engine, principal, operation, input).await {
        Ok(_) => "fine".to_owned(),
        Err(error) => denied(
            error["message"]
                .as_str()
                .or(error["Message"].as_str())
                .unwrap(),
        ),
    }
}

fn denied(message: &str) -> String {
    let prefix = "User: arn:aws:sts::123456789012:assumed-role/worker/s is not authorized to perform: dynamodb:";
    let rest = message.strip_prefix(prefix).unwrap_or(message);
    let (action, rest) = rest.split_once(" on resource: ").unwrap_or((rest, ""));
    let resource = rest.split_once(":table/").map_or("", |(_, rest)| rest);
    let resource = resource.split(' ').next().unwrap_or_default();
    format!("{action} {resource}")
}

#[tokio::test]
async fn every_table_of_a_batch_is_judged() {
    let host = world();
    let engine = host.engine();
    for table in ["one", "two"] {
        make(engine, table, false, json!({})).await;
    }
    let actions = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"];
    let worker = role(&host, json!([allow(&actions, "one")])).await;
    let keys = json!({"Keys": [{"pk": {"S": "a"}}]});
    let puts = json!([{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]);
    for (operation, part) in [("BatchGetItem", &keys), ("BatchWriteItem", &puts)] {
        let own = json!({"RequestItems": {"one": part}});
        assert_eq!(asked(engine, &worker, operation, own).await, "fine");
        let both = json!({"RequestItems": {"one": part, "two": part}});
        assert_eq!(
            asked(engine, &worker, operation, both).await,
            format!("{operation} two")
        );
    }
    host.close().await;
}

#[tokio::test]
async fn a_transaction_needs_the_permissions_of_its_parts() {
    let host = world();
    let engine = host.engine();
    for table in ["one", "two"] {
        make(engine, table, false, json!({})).await;
    }
    let worker = role(
        &host,
        json!([
            allow(&["dynamodb:PutItem", "dynamodb:GetItem"], "one"),
            allow(
                &["dynamodb:ConditionCheckItem", "dynamodb:DeleteItem"],
                "two"
            ),
        ]),
    )
    .await;
    let key = |table: &str, id: &str| json!({"TableName": table, "Key": {"pk": {"S": id}}});
    let with = |mut part: Value, member: &str, value: &str| {
        part[member] = json!(value);
        part
    };
    let put = json!({"Put": {"TableName": "one", "Item": {"pk": {"S": "a"}}}});
    let condition = "attribute_not_exists(pk)";
    let check = |table: &str| json!({"ConditionCheck": with(key(table, "b"), "ConditionExpression", condition)});
    let update = json!({"Update": with(key("two", "c"), "UpdateExpression", "REMOVE x")});
    let delete = json!({"Delete": key("two", "d")});
    let get = |table: &str| json!({"Get": key(table, "a")});
    for (operation, items, answer) in [
        (
            "TransactWriteItems",
            json!([put, check("two"), delete]),
            "fine",
        ),
        (
            "TransactWriteItems",
            json!([put, check("one")]),
            "ConditionCheckItem one",
        ),
        (
            "TransactWriteItems",
            json!([put, delete, update]),
            "UpdateItem two",
        ),
        ("TransactGetItems", json!([get("one")]), "fine"),
        (
            "TransactGetItems",
            json!([get("one"), get("two")]),
            "GetItem two",
        ),
    ] {
        let input = json!({ "TransactItems": items });
        assert_eq!(
            asked(engine, &worker, operation, input).await,
            answer,
            "{operation}"
        );
    }
    host.close().await;
}

/// A table with an index, and a role that may do some things with it in PartiQL.
async fn partial(host: &EngineHost) -> Principal {
    let engine = host.engine();
    let by_n = json!({
        "AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-n", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    make(engine, "one", false, by_n).await;
    put(engine, "one", json!({"pk": {"S": "a"}, "n": {"N": "1"}})).await;
    let mut no_scans = allow(&["dynamodb:PartiQLSelect"], "one");
    no_scans["Effect"] = json!("Deny");
    no_scans["Condition"] = json!({"Bool": {"dynamodb:FullTableScan": "true"}});
    let mut within = allow(&["dynamodb:PartiQLDelete"], "one");
    within["Condition"] =
        json!({"StringEquals": {"dynamodb:EnclosingOperation": "ExecuteTransaction"}});
    role(
        host,
        json!([
            allow(&["dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"], "one"),
            no_scans,
            within,
        ]),
    )
    .await
}

#[tokio::test]
async fn a_statement_is_judged_by_what_it_does() {
    let host = world();
    let engine = host.engine();
    let worker = partial(&host).await;
    for (statement, answer) in [
        ("SELECT * FROM one WHERE pk = 'a'", "fine"),
        ("SELECT * FROM one WHERE n = 1", "PartiQLSelect one"),
        (
            "SELECT * FROM one.\"by-n\" WHERE n = 1",
            "PartiQLSelect one/index/by-n",
        ),
        ("SELECT * FROM two", "PartiQLSelect two"),
        ("UPDATE one SET n = 2 WHERE pk = 'a'", "fine"),
        ("INSERT INTO one VALUE {'pk': 'b'}", "PartiQLInsert one"),
        ("DELETE FROM one WHERE pk = 'a'", "PartiQLDelete one"),
    ] {
        let input = json!({ "Statement": statement });
        let answered = asked(engine, &worker, "ExecuteStatement", input).await;
        assert_eq!(answered, answer, "{statement}");
    }
    host.close().await;
}

#[tokio::test]
async fn each_statement_of_many_is_judged() {
    let host = world();
    let engine = host.engine();
    let worker = partial(&host).await;
    let client = Client::new(&engine.sdk_config(&worker));
    let batch = [
        "UPDATE one SET n = 3 WHERE pk = 'a'",
        "INSERT INTO one VALUE {'pk': 'b'}",
    ];
    let batch = batch.map(|it| {
        let request = aws_sdk_dynamodb::types::BatchStatementRequest::builder();
        request.statement(it).build().unwrap()
    });
    let answer = client
        .batch_execute_statement()
        .set_statements(Some(batch.into()));
    let responses = answer.send().await.unwrap().responses.unwrap();
    assert!(responses[0].error().is_none());
    let error = responses[1].error().unwrap();
    assert_eq!(error.code().unwrap().as_str(), "AccessDenied");
    assert_eq!(denied(error.message().unwrap()), "PartiQLInsert one");
    for (statements, answer) in [
        (vec!["DELETE FROM one WHERE pk = 'a'"], "fine"),
        (
            vec![
                "DELETE FROM one WHERE pk = 'c'",
                "INSERT INTO one VALUE {'pk': 'b'}",
            ],
            "PartiQLInsert one",
        ),
    ] {
        let statements: Vec<Value> = statements
            .iter()
            .map(|it| json!({ "Statement": it }))
            .collect();
        let input = json!({ "TransactStatements": statements });
        assert_eq!(
            asked(engine, &worker, "ExecuteTransaction", input).await,
            answer
        );
    }
    host.close().await;
}

/// May touch items of its own only, and of them these attributes.
fn own_items() -> Value {
    let mut own = allow(&["dynamodb:*"], "orders");
    own["Resource"] = json!([
        "arn:aws:dynamodb:*:*:table/orders",
        "arn:aws:dynamodb:*:*:table/orders/index/*"
    ]);
    own["Condition"] = json!({
        "ForAllValues:StringEquals": {
            "dynamodb:LeadingKeys": ["worker"],
            "dynamodb:Attributes": ["pk", "sk", "n", "amount"],
        },
        "StringEqualsIfExists": { "dynamodb:Select": "SPECIFIC_ATTRIBUTES" },
    });
    json!([own])
}

fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}})
}

fn query(pk: &str, projection: &str) -> (&'static str, Value) {
    let mut input = json!({
        "TableName": "orders",
        "KeyConditionExpression": "#k = :k",
        "ExpressionAttributeNames": {"#k": "pk"},
        "ExpressionAttributeValues": {":k": {"S": pk}},
    });
    if !projection.is_empty() {
        input["ProjectionExpression"] = json!(projection);
    }
    ("Query", input)
}

fn update(pk: &str, expression: &str) -> (&'static str, Value) {
    let input = json!({
        "TableName": "orders", "Key": key(pk), "UpdateExpression": expression,
        "ExpressionAttributeValues": {":v": {"N": "1"}},
    });
    ("UpdateItem", input)
}

#[tokio::test]
async fn a_role_may_be_bound_to_its_own_items_and_some_attributes() {
    let host = world();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    let worker = role(&host, own_items()).await;
    let get = |pk: &str, more: Value| {
        let mut input = json!({"TableName": "orders", "Key": key(pk)});
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        ("GetItem", input)
    };
    let put = |item: Value| ("PutItem", json!({"TableName": "orders", "Item": item}));
    let batch = |keys: &[&str]| {
        let keys: Vec<Value> = keys.iter().map(|it| key(it)).collect();
        (
            "BatchGetItem",
            json!({"RequestItems": {"orders": {"Keys": keys}}}),
        )
    };
    let transact = |pk: &str| {
        let item = json!({"Put": {"TableName": "orders", "Item": key(pk)}});
        ("TransactWriteItems", json!({"TransactItems": [item]}))
    };
    for ((operation, input), is_fine) in [
        (get("worker", json!({})), true),
        (get("other", json!({})), false),
        (
            get("worker", json!({"ProjectionExpression": "amount"})),
            true,
        ),
        (
            get(
                "worker",
                json!({"ProjectionExpression": "amount, secret.a"}),
            ),
            false,
        ),
        (get("worker", json!({"AttributesToGet": ["secret"]})), false),
        (put(json!({"pk": {"S": "worker"}, "n": {"N": "1"}})), true),
        (
            put(json!({"pk": {"S": "worker"}, "secret": {"N": "1"}})),
            false,
        ),
        (put(json!({"pk": {"S": "other"}})), false),
        (update("worker", "SET amount = :v"), true),
        (update("worker", "SET secret = :v"), false),
        (update("other", "SET amount = :v"), false),
        (query("worker", "pk, amount"), true),
        (query("worker", "pk, secret"), false),
        (query("worker", ""), false),
        (query("other", "pk"), false),
        (batch(&["worker"]), true),
        (batch(&["worker", "other"]), false),
        (transact("worker"), true),
        (transact("other"), false),
    ] {
        let answered = asked(engine, &worker, operation, input.clone()).await;
        assert_eq!(
            answered == "fine",
            is_fine,
            "{operation} {input}: {answered}"
        );
    }
    host.close().await;
}

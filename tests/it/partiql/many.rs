//! Batches and transactions of statements.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::execute_transaction::{
    ExecuteTransactionError, ExecuteTransactionOutput,
};
use aws_sdk_dynamodb::types::{
    BatchStatementRequest, BatchStatementResponse, ParameterizedStatement,
};
use serde_json::{Value, json};
use waterwheel::engine::Engine;

use super::item;
use crate::tables::{call, dynamodb, make, put, refusal, world};

async fn batch(engine: &Engine, statements: &[&str]) -> Vec<BatchStatementResponse> {
    let statements = statements.iter().map(|it| {
        let request = BatchStatementRequest::builder();
        request.statement(*it).build().unwrap()
    });
    let request = dynamodb(engine).batch_execute_statement();
    let request = request.set_statements(Some(statements.collect()));
    request.send().await.unwrap().responses.unwrap()
}

async fn transaction(
    engine: &Engine,
    statements: &[&str],
    token: Option<&str>,
) -> Result<ExecuteTransactionOutput, ExecuteTransactionError> {
    let statements = statements.iter().map(|it| {
        let statement = ParameterizedStatement::builder();
        statement.statement(*it).build().unwrap()
    });
    let request = dynamodb(engine).execute_transaction();
    let request = request.set_transact_statements(Some(statements.collect()));
    let request = request.set_client_request_token(token.map(str::to_owned));
    request.send().await.map_err(SdkError::into_service_error)
}

#[tokio::test]
async fn statements_of_a_batch_succeed_or_fail_on_their_own() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    let responses = batch(
        engine,
        &[
            "INSERT INTO tbl VALUE {'pk': 'a', 'n': 1}",
            "INSERT INTO tbl VALUE {'pk': 'a'}",
            "UPDATE tbl SET n = 2 WHERE pk = 'a' RETURNING ALL NEW *",
            "UPDATE tbl SET n = 2 WHERE pk = 'nope'",
            "DELETE FROM other WHERE pk = 'a'",
            "SLECT",
        ],
    )
    .await;
    let codes: Vec<String> = responses
        .iter()
        .map(|it| {
            it.error()
                .and_then(|it| it.code())
                .map_or("", |it| it.as_str())
                .to_owned()
        })
        .collect();
    assert_eq!(
        codes,
        [
            "",
            "DuplicateItem",
            "",
            "ConditionalCheckFailed",
            "ResourceNotFound",
            "ValidationError"
        ]
    );
    assert_eq!(responses[2].item().unwrap()["n"].as_n().unwrap(), "2");
    assert_eq!(responses[0].table_name(), Some("tbl"));
    let responses = batch(
        engine,
        &[
            "SELECT n FROM tbl WHERE pk = 'a'",
            "SELECT * FROM tbl WHERE pk = 'nope'",
            "SELECT * FROM tbl WHERE pk = 'a' AND n = 2",
        ],
    )
    .await;
    assert_eq!(responses[0].item().unwrap()["n"].as_n().unwrap(), "2");
    assert!(responses[1].item().is_none() && responses[1].error().is_none());
    assert_eq!(
        responses[2].error().unwrap().message(),
        Some(
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
        )
    );
    let statement = |text: &str| json!({"Statement": text});
    let mixed = json!({"Statements": [
        statement("SELECT * FROM tbl WHERE pk = 'a'"), statement("DELETE FROM tbl WHERE pk = 'a'"),
    ]});
    assert!(
        refusal(call(engine, "BatchExecuteStatement", mixed).await)
            .starts_with("ValidationException")
    );
    assert_ne!(item(engine, "tbl", "a").await, Value::Null);
    host.close().await;
}

#[tokio::test]
async fn a_transaction_of_statements_happens_or_does_not() {
    let host = world();
    let engine = host.engine();
    make(engine, "one", false, json!({})).await;
    make(engine, "two", false, json!({})).await;
    put(
        engine,
        "two",
        json!({"pk": {"S": "there"}, "n": {"N": "1"}}),
    )
    .await;
    let failed = transaction(
        engine,
        &[
            "INSERT INTO one VALUE {'pk': 'a'}",
            "INSERT INTO two VALUE {'pk': 'there'}",
            "UPDATE two SET n = 2 WHERE pk = 'nope'",
        ],
        None,
    );
    let error = failed.await.unwrap_err();
    let ExecuteTransactionError::TransactionCanceledException(error) = error else {
        panic!("{error:?}");
    };
    let codes: Vec<&str> = error
        .cancellation_reasons()
        .iter()
        .map(|it| it.code().unwrap())
        .collect();
    assert_eq!(codes, ["None", "DuplicateItem", "ConditionalCheckFailed"]);
    assert_eq!(item(engine, "one", "a").await, Value::Null);

    let guarded = [
        "EXISTS(SELECT * FROM two WHERE pk = 'there' AND n = 1)",
        "INSERT INTO one VALUE {'pk': 'a', 'n': 0}",
    ];
    assert!(
        transaction(engine, &guarded, None)
            .await
            .unwrap()
            .responses()
            .is_empty()
    );
    assert_ne!(item(engine, "one", "a").await, Value::Null);
    let read = transaction(
        engine,
        &[
            "SELECT n FROM two WHERE pk = 'there'",
            "SELECT * FROM two WHERE pk = 'nope'",
        ],
        None,
    );
    let read = read.await.unwrap();
    assert_eq!(
        read.responses()[0].item().unwrap()["n"].as_n().unwrap(),
        "1"
    );
    assert!(read.responses()[1].item().is_none());
    host.close().await;
}

#[tokio::test]
async fn a_transaction_of_one_token_happens_once() {
    let host = world();
    let engine = host.engine();
    make(engine, "one", false, json!({})).await;
    put(engine, "one", json!({"pk": {"S": "a"}, "n": {"N": "0"}})).await;
    for _ in 0..2 {
        transaction(
            engine,
            &["UPDATE one SET n = n + 1 WHERE pk = 'a'"],
            Some("token"),
        )
        .await
        .unwrap();
    }
    assert_eq!(item(engine, "one", "a").await["n"], json!({"N": "1"}));
    let other = transaction(
        engine,
        &["UPDATE one SET n = n + 2 WHERE pk = 'a'"],
        Some("token"),
    );
    let error = other.await.unwrap_err();
    assert!(
        error.is_idempotent_parameter_mismatch_exception(),
        "{error:?}"
    );
    host.close().await;
}

#[tokio::test]
async fn a_transaction_is_refused_in_the_words_of_aws() {
    let host = world();
    let engine = host.engine();
    make(engine, "tbl", false, json!({})).await;
    let first = "ValidationException: Validation failed in TransactStatements[0]: ";
    for (statements, message) in [
        (vec!["SELECT * FROM tbl WHERE"], format!("{first}Statement wasn't well formed, can't be processed: Unexpected term")),
        (
            vec!["UPDATE tbl SET n = 1 WHERE pk = 'a' RETURNING ALL NEW *"],
            format!("{first}RETURNING clause is not supported in ExecuteTransaction."),
        ),
        (
            vec!["SELECT * FROM tbl.i WHERE pk = 'a'"],
            format!("{first}Reads on indices are not supported within transactions."),
        ),
        (
            vec!["SELECT * FROM tbl WHERE pk = 'a' AND attribute_exists(n)"],
            format!("{first}Select statements within ExecuteTransaction must specify the primary key in the where clause."),
        ),
        (
            vec!["EXISTS(SELECT * FROM tbl WHERE pk = 'a')"],
            format!("{first}EXISTS() must contain a single item read with additional condition"),
        ),
        (
            vec!["DELETE FROM tbl WHERE pk = 'a'", "UPDATE tbl SET n = 1 WHERE pk = 'a'"],
            "ValidationException: Transaction request cannot include multiple operations on one item".to_owned(),
        ),
    ] {
        let statements: Vec<Value> = statements.into_iter().map(|it| json!({ "Statement": it })).collect();
        let answer = call(engine, "ExecuteTransaction", json!({ "TransactStatements": statements })).await;
        assert_eq!(refusal(answer), message);
    }
    put(engine, "tbl", json!({"pk": {"S": "a"}, "n": {"N": "0"}})).await;
    let request = json!({
        "ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL",
        "TransactStatements": [{"Statement": "UPDATE tbl SET n = n + 1 WHERE pk = 'a'"}],
    });
    for units in ["WriteCapacityUnits", "ReadCapacityUnits"] {
        let answer = call(engine, "ExecuteTransaction", request.clone())
            .await
            .unwrap();
        assert_eq!(answer["Responses"], json!([]));
        assert_eq!(answer["ConsumedCapacity"][0][units], json!(2.0));
    }
    host.close().await;
}

//! `BatchExecuteStatement`: many statements, each for itself.

use serde_json::{Value, json};

use super::read::Read;
use super::statement::{Bound, Work, change, found};
use super::write::Kind;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::dynamodb::capacity::{self, Units, read_units};
use crate::engine::dynamodb::schema::elements;
use crate::engine::dynamodb::value::item_to_json;
use crate::engine::dynamodb::{fitness, items, shapes, validate};

pub(in crate::engine::dynamodb) fn batch_execute_statement(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::BATCH_EXECUTE_STATEMENT)?;
    let statements = elements(&call.input, "Statements");
    let bound: Vec<Result<Bound, Fault>> = statements.iter().map(Bound::of).collect();
    let mut kinds = bound.iter().flatten().map(Bound::is_read);
    if let Some(first) = kinds.next()
        && kinds.any(|it| it != first)
    {
        return Err(Fault::validation(
            "The statements of a batch must either all be reads or all be writes",
        ));
    }
    let mut responses = Vec::new();
    let mut consumed = Vec::new();
    for bound in bound {
        let mut response = json!({});
        let done = bound.and_then(|bound| {
            response["TableName"] = Value::from(bound.table.as_str());
            bound.permit(engine, call)?;
            run(engine, call, &bound)
        });
        match done {
            Ok((item, capacity)) => {
                if let Some(item) = item {
                    response["Item"] = item;
                }
                consumed.extend(capacity);
            }
            Err(fault) if fault.status >= 500 => return Err(fault),
            Err(fault) => response["Error"] = error(&fault),
        }
        responses.push(response);
    }
    let mut answer = json!({ "Responses": responses });
    if !consumed.is_empty() {
        answer["ConsumedCapacity"] = Value::Array(consumed);
    }
    Ok(Reply::from(answer))
}

/// The item and the consumed capacity of one statement.
fn run(
    engine: &Engine,
    call: &Call,
    bound: &Bound,
) -> Result<(Option<Value>, Option<Value>), Fault> {
    match &bound.work {
        Work::Read(read) => get(engine, call, &bound.table, read),
        Work::Write(write) if matches!(write.kind, Kind::Check) => Err(Fault::validation(
            "EXISTS() is only supported within ExecuteTransaction",
        )),
        Work::Write(write) => {
            let mut answer = change(engine, call, write)?;
            let item = answer["Items"].get_mut(0).map(Value::take);
            let consumed = answer.get_mut("ConsumedCapacity").map(Value::take);
            Ok((item, consumed))
        }
    }
}

fn get(
    engine: &Engine,
    call: &Call,
    name: &str,
    read: &Read,
) -> Result<(Option<Value>, Option<Value>), Fault> {
    let table = found(engine, name)?;
    let key = read.only_key(&table).ok_or_else(|| {
        Fault::validation(
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
        )
    })?;
    fitness::check_key(&table.keys, &key)?;
    let (item, size) = items::read(engine, &table, &key)?;
    let units = Units::new(read_units(size, read.consistent));
    let item = item.map(|it| item_to_json(&read.project(it)));
    Ok((item, capacity::consumed(call, &table, &units)))
}

/// `BatchStatementError`: codes without the endings that exceptions have.
fn error(fault: &Fault) -> Value {
    let code = match fault.code {
        "ValidationException" | "SerializationException" => "ValidationError",
        "ThrottlingException" => "ThrottlingError",
        code => code.strip_suffix("Exception").unwrap_or(code),
    };
    let mut error = json!({"Code": code, "Message": fault.message});
    if let Some(item) = fault.extra.as_ref().and_then(|it| it.get("Item")) {
        error["Item"] = item.clone();
    }
    error
}

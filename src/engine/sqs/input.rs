//! Reading requests of SQS, one message or a batch of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::engine::call::{Answer, Call, Fault};

/// Entries of one batch.
const ENTRIES_MAX: usize = 10;

pub(super) fn missing(member: &str) -> Fault {
    Fault::new(
        400,
        "MissingParameter",
        format!("The request must contain the parameter {member}."),
    )
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(400, "InvalidParameterValue", message)
}

/// A whole number from 0 to `max`, written as a number or as text.
pub(super) fn number(input: &Value, member: &str, max: u64) -> Result<Option<u64>, Fault> {
    let value = match input.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    match text.parse() {
        Ok(number) if number <= max => Ok(Some(number)),
        _ => Err(invalid(format!(
            "Value {text} for parameter {member} is invalid. Reason: Must be between 0 and {max}, if provided."
        ))),
    }
}

/// The texts of a list; an absent one is empty.
pub(super) fn texts(input: &Value, member: &str) -> Vec<String> {
    let list = input.get(member).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// `Entries` with their ids, checked.
fn entries(call: &Call) -> Result<Vec<(&str, &Value)>, Fault> {
    let fault = |code, message: String| Err(Fault::new(400, code, message));
    let list = call.input.get("Entries").and_then(Value::as_array);
    let list = list.map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        let message = format!(
            "There should be at least one {}RequestEntry in the request.",
            call.operation
        );
        return fault("EmptyBatchRequest", message);
    }
    if list.len() > ENTRIES_MAX {
        let message = format!(
            "Maximum number of entries per request are {ENTRIES_MAX}. You have sent {}.",
            list.len()
        );
        return fault("TooManyEntriesInBatchRequest", message);
    }
    let mut ids = BTreeSet::new();
    let mut found = Vec::new();
    for entry in list {
        let id = entry.get("Id").and_then(Value::as_str).unwrap_or_default();
        let valid = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(valid) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
            return fault("InvalidBatchEntryId", message.to_owned());
        }
        if !ids.insert(id) {
            return fault("BatchEntryIdsNotDistinct", format!("Id {id} repeated."));
        }
        found.push((id, entry));
    }
    Ok(found)
}

/// Runs `work` for every entry; what one does wrong is reported for that one.
pub(super) fn each_entry(
    call: &Call,
    mut work: impl FnMut(&Value) -> Result<Map<String, Value>, Fault>,
) -> Answer {
    let mut successful = Vec::new();
    let mut failed = Vec::new();
    for (id, entry) in entries(call)? {
        match work(entry) {
            Ok(mut result) => {
                result.insert("Id".to_owned(), json!(id));
                successful.push(Value::Object(result));
            }
            Err(fault) => failed.push(json!({
                "Id": id,
                "SenderFault": fault.status < 500,
                "Code": fault.code,
                "Message": fault.message,
            })),
        }
    }
    let mut answer = Map::new();
    answer.insert("Successful".to_owned(), Value::Array(successful));
    if !failed.is_empty() {
        answer.insert("Failed".to_owned(), Value::Array(failed));
    }
    Ok(Value::Object(answer).into())
}

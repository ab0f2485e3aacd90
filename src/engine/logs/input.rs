//! Reading requests of CloudWatch Logs and paging their lists.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::engine::call::{Call, Fault, Reply};

pub(super) fn group_name<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    let name = call.text(member).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })?;
    let valid = |it: char| it.is_ascii_alphanumeric() || ".-_/#".contains(it);
    if name.is_empty() || name.len() > 512 || !name.chars().all(valid) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    Ok(name)
}

/// From `logGroupName`, or from `logGroupIdentifier` or `resourceArn`: a name or an ARN.
pub(super) fn group_of(call: &Call) -> Result<&str, Fault> {
    let identifier = call.text("logGroupIdentifier");
    let Some(identifier) = identifier.or_else(|| call.text("resourceArn")) else {
        return group_name(call, "logGroupName");
    };
    if call.text("logGroupName").is_some() {
        return Err(invalid(
            "LogGroupName and LogGroupIdentifier are mutually exclusive parameters.",
        ));
    }
    let name = identifier
        .split_once(":log-group:")
        .map_or(identifier, |(_, name)| name);
    Ok(name.strip_suffix(":*").unwrap_or(name))
}

pub(super) fn stream_name(call: &Call) -> Result<&str, Fault> {
    let name = call.text("logStreamName").unwrap_or_default();
    if name.is_empty() || name.chars().count() > 512 || name.contains([':', '*']) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*"
        )));
    }
    Ok(name)
}

/// `limit` within 1 and `most`; `most` when the request does not say.
pub(super) fn limit(call: &Call, most: usize) -> Result<usize, Fault> {
    let given = match call.input.get("limit") {
        None | Some(Value::Null) => return Ok(most),
        Some(given) => given,
    };
    given
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| (1..=most).contains(limit))
        .ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value '{given}' at 'limit' failed to satisfy constraint: Member must have value between 1 and {most}"
            ))
        })
}

/// Milliseconds since 1970.
pub(super) fn millis(call: &Call, member: &str) -> Option<u64> {
    let value = call.input.get(member)?;
    // Times before 1970 are as good as 1970.
    value.as_u64().or_else(|| value.as_i64().map(|_| 0))
}

/// Some items of a list, and the name to go on after.
pub(super) struct Page<'a, T> {
    pub(super) items: &'a [T],
    next: Option<String>,
}

impl<T> Page<'_, T> {
    pub(super) fn answer(&self, member: &str, shown: Vec<Value>) -> Reply {
        let mut answer = Map::new();
        answer.insert(member.to_owned(), Value::Array(shown));
        if let Some(last) = &self.next {
            answer.insert("nextToken".to_owned(), json!(URL_SAFE_NO_PAD.encode(last)));
        }
        Reply::from(Value::Object(answer))
    }
}

/// The items after the one that `nextToken` names.
pub(super) fn page<'a, T>(
    call: &Call,
    most: usize,
    items: &'a [T],
    name: impl Fn(&T) -> &str,
) -> Result<Page<'a, T>, Fault> {
    let most = limit(call, most)?;
    let from = match call.text("nextToken") {
        None => 0,
        Some(token) => {
            let last = decoded(token)?;
            let at = items.iter().position(|item| name(item) == last);
            at.map_or(items.len(), |at| at + 1)
        }
    };
    let until = items.len().min(from + most);
    let is_last = until == items.len();
    Ok(Page {
        items: &items[from..until],
        next: items[from..until]
            .last()
            .filter(|_| !is_last)
            .map(|item| name(item).to_owned()),
    })
}

/// The text in a token of ours.
pub(super) fn decoded(token: &str) -> Result<String, Fault> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid("The specified nextToken is invalid."))
}

pub(super) fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(400, "InvalidParameterException", message)
}

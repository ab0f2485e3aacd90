//! Reading requests of the query wire, where numbers and booleans are text, and paging their answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::engine::call::{Call, Fault};

/// Items of a page when the request does not say.
const PAGE: usize = 100;

/// A text that has to be there.
pub(super) fn required<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    call.text(member).ok_or_else(|| {
        constraint(&format!(
            "Value at '{}' failed to satisfy constraint: Member must not be null",
            lower_first(member)
        ))
    })
}

/// The name of a role or policy: letters, digits and `+=,.@_-`.
pub(super) fn name<'a>(call: &'a Call, member: &str, chars_max: usize) -> Result<&'a str, Fault> {
    let name = required(call, member)?;
    let shown = lower_first(member);
    if name.is_empty() || name.chars().count() > chars_max {
        let (word, limit) = if name.is_empty() {
            ("greater", 1)
        } else {
            ("less", chars_max)
        };
        return Err(constraint(&format!(
            "Value '{name}' at '{shown}' failed to satisfy constraint: Member must have length {word} than or equal to {limit}"
        )));
    }
    let valid = |it: char| it.is_ascii_alphanumeric() || "_+=,.@-".contains(it);
    if !name.chars().all(valid) {
        return Err(validation(format!(
            "The specified value for {shown} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )));
    }
    Ok(name)
}

/// `/` or `/a/b/`; `/` when the request does not say.
pub(super) fn path(call: &Call) -> Result<&str, Fault> {
    path_of(call, "Path")
}

/// As [`path`], under another name.
pub(super) fn path_of<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    let path = call.text(member).unwrap_or("/");
    let valid = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && path.bytes().all(|it| it.is_ascii_graphic());
    if valid {
        return Ok(path);
    }
    Err(validation(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    ))
}

/// An ARN of a policy.
pub(super) fn policy_arn<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    let arn = required(call, member)?;
    if arn.len() < 20 {
        let shown = lower_first(member);
        return Err(constraint(&format!(
            "Value '{arn}' at '{shown}' failed to satisfy constraint: Member must have length greater than or equal to 20"
        )));
    }
    if !arn.starts_with("arn:") {
        return Err(Fault::new(
            400,
            "InvalidInput",
            format!("ARN {arn} is not valid."),
        ));
    }
    Ok(arn)
}

/// A whole number within limits, written as text or as a number.
pub(super) fn number(call: &Call, member: &str, min: u32, max: u32) -> Result<Option<u32>, Fault> {
    let value = match call.input.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let shown = lower_first(member);
    let limit = |word: &str, limit: u32| {
        constraint(&format!(
            "Value '{text}' at '{shown}' failed to satisfy constraint: Member must have value {word} than or equal to {limit}"
        ))
    };
    match text.parse::<i64>() {
        Ok(number) if number < i64::from(min) => Err(limit("greater", min)),
        Ok(number) => match u32::try_from(number) {
            Ok(number) if number <= max => Ok(Some(number)),
            _ => Err(limit("less", max)),
        },
        Err(_) => Err(Fault::new(
            400,
            "MalformedInput",
            format!("{text} is not a valid value for {member}"),
        )),
    }
}

pub(super) fn boolean(call: &Call, member: &str) -> bool {
    match call.input.get(member) {
        Some(Value::Bool(it)) => *it,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The texts of a list; an absent one is empty.
pub(super) fn texts(call: &Call, member: &str) -> Vec<String> {
    let list = call.input.get(member).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// `Tags`, a list of `Key` and `Value`.
pub(super) fn tags(call: &Call) -> Result<Vec<(String, String)>, Fault> {
    let list = call.input.get("Tags").and_then(Value::as_array);
    let mut found: Vec<(String, String)> = Vec::new();
    for tag in list.into_iter().flatten() {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).map(str::to_owned);
        let key = text("Key").filter(|key| !key.is_empty() && key.chars().count() <= 128);
        let value = text("Value").unwrap_or_default();
        let Some(key) = key else {
            return Err(constraint(
                "Value at 'tags' failed to satisfy constraint: a tag key has 1 to 128 characters",
            ));
        };
        if found.iter().any(|(it, _)| it.eq_ignore_ascii_case(&key)) {
            return Err(Fault::new(
                400,
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        found.push((key, value));
    }
    Ok(found)
}

/// One page of `items` under `member`, with `IsTruncated` and `Marker` as the request asks.
pub(super) fn page<T>(
    call: &Call,
    member: &str,
    items: &[T],
    key: impl Fn(&T) -> &str,
    show: impl Fn(&T) -> Value,
) -> Result<Map<String, Value>, Fault> {
    let most = number(call, "MaxItems", 1, 1000)?.map_or(PAGE, |it| it as usize);
    let from = match call.text("Marker") {
        None => 0,
        Some(marker) => {
            let last = URL_SAFE_NO_PAD
                .decode(marker)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| validation("Invalid Marker."))?;
            // The item may be gone by now: then its place in the order counts.
            items
                .iter()
                .position(|item| key(item) == last)
                .map(|at| at + 1)
                .or_else(|| items.iter().position(|item| *key(item) > *last))
                .unwrap_or(items.len())
        }
    };
    let shown = &items[from..items.len().min(from + most)];
    let is_truncated = from + shown.len() < items.len();
    let mut answer = Map::new();
    answer.insert(member.to_owned(), shown.iter().map(show).collect());
    answer.insert("IsTruncated".to_owned(), Value::from(is_truncated));
    if let Some(last) = shown.last().filter(|_| is_truncated) {
        let marker = URL_SAFE_NO_PAD.encode(key(last));
        answer.insert("Marker".to_owned(), Value::from(marker));
    }
    Ok(answer)
}

/// Documents travel with everything but letters, digits and `-._~` percent-encoded.
pub(super) fn url_encoded(document: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(document, KEPT).to_string()
}

pub(super) fn validation(message: impl Into<String>) -> Fault {
    Fault::new(400, "ValidationError", message)
}

pub(super) fn no_such_entity(message: impl Into<String>) -> Fault {
    Fault::new(404, "NoSuchEntity", message)
}

pub(super) fn limit_exceeded(message: impl Into<String>) -> Fault {
    Fault::new(409, "LimitExceeded", message)
}

pub(super) fn constraint(what: &str) -> Fault {
    validation(format!("1 validation error detected: {what}"))
}

/// AWS names members in messages as in `roleName`.
fn lower_first(member: &str) -> String {
    let mut chars = member.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

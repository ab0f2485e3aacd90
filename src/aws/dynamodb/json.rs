//! Items as JSON text, both ways. Pure. Numbers keep all their digits: they never become floats.
//!
//! DynamoDB JSON (`{"id":{"S":"1"}}`) carries every type. Plain JSON (`{"id":"1"}`) is what people
//! like to read; sets become arrays and binaries base64 text, and come back as lists and texts.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::Item;
use crate::aws::Error;

/// How an item is written as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonForm {
    #[default]
    Plain,
    DynamoDb,
}

/// Indented text, attributes in alphabetical order.
pub fn item_to_plain_json(item: &Item) -> String {
    let mut out = String::new();
    write_map(&mut out, item, Some(0));
    out
}

/// Indented text, attributes in alphabetical order.
pub fn item_to_dynamodb_json(item: &Item) -> String {
    format!("{:#}", map_to_value(item))
}

/// One line of JSON, attributes in alphabetical order.
pub fn item_to_line(item: &Item, form: JsonForm) -> String {
    match form {
        JsonForm::DynamoDb => map_to_value(item).to_string(),
        JsonForm::Plain => {
            let mut out = String::new();
            write_map(&mut out, item, None);
            out
        }
    }
}

/// An item from either form, and which one it was. DynamoDB JSON is recognized when every
/// attribute is an object of one type descriptor; `{"Item": …}` as in exports is fine too.
pub fn item_from_json(text: &str) -> Result<(Item, JsonForm), Error> {
    let value = parse_object(text)?;
    let inner = match value.get("Item") {
        Some(Value::Object(inner)) if value.len() == 1 && looks_typed(inner) => inner,
        _ => &value,
    };
    if looks_typed(inner) {
        return Ok((typed_item(inner)?, JsonForm::DynamoDb));
    }
    Ok((item_from_plain_json(text)?, JsonForm::Plain))
}

/// An item from DynamoDB JSON: an object of attributes.
pub fn item_from_dynamodb_json(text: &str) -> Result<Item, Error> {
    typed_item(&parse_object(text)?)
}

/// An item from plain JSON: an object. Arrays become lists, whole numbers keep every digit.
pub fn item_from_plain_json(text: &str) -> Result<Item, Error> {
    match attribute_from_plain_json(text)? {
        AttributeValue::M(item) => Ok(item),
        _ => Err(Error::input("an item has to be a JSON object")),
    }
}

/// One value as compact plain JSON.
pub fn attribute_to_plain_json(value: &AttributeValue) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None);
    out
}

/// One value as people read it in a cell: texts without quotes, the rest as compact plain JSON.
pub fn attribute_text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) => text.clone(),
        other => attribute_to_plain_json(other),
    }
}

/// One value from plain JSON text.
pub fn attribute_from_plain_json(text: &str) -> Result<AttributeValue, Error> {
    serde_json::from_str::<Value>(text).map_err(|error| not_json(&error))?;
    let tagged: Value = serde_json::from_str(&tagged(text)).map_err(|error| not_json(&error))?;
    from_tagged(tagged)
}

/// One value with its type: `{"N":"12"}`.
pub fn attribute_to_dynamodb_json(value: &AttributeValue) -> Value {
    let blob = |it: &Blob| Value::from(BASE64.encode(it.as_ref()));
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(digits) => json!({ "N": digits }),
        AttributeValue::B(bytes) => json!({ "B": blob(bytes) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => {
            json!({ "BS": blobs.iter().map(blob).collect::<Vec<_>>() })
        }
        AttributeValue::L(list) => {
            json!({ "L": list.iter().map(attribute_to_dynamodb_json).collect::<Vec<_>>() })
        }
        AttributeValue::M(map) => json!({ "M": map_to_value(map) }),
        // Types newer than this program have no JSON we know.
        _ => json!({ "NULL": true }),
    }
}

/// The inverse of [`attribute_to_dynamodb_json`].
pub fn attribute_from_dynamodb_json(value: &Value) -> Result<AttributeValue, Error> {
    let wrong = || {
        Error::input(format!(
            "{value} is not DynamoDB JSON; a value looks like {{\"S\":\"text\"}} or {{\"N\":\"12\"}}"
        ))
    };
    let (kind, inner) = match value.as_object() {
        Some(map) if map.len() == 1 => map.iter().next().ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let text = |it: &Value| it.as_str().map(str::to_owned).ok_or_else(wrong);
    let bytes = |it: &Value| {
        let decoded = BASE64.decode(text(it)?).map_err(|error| {
            Error::input(format!(
                "{it} is not base64, as a binary value has to be: {error}"
            ))
        })?;
        Ok::<_, Error>(Blob::new(decoded))
    };
    let list = || inner.as_array().ok_or_else(wrong);
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text(inner)?),
        "N" => AttributeValue::N(text(inner)?),
        "B" => AttributeValue::B(bytes(inner)?),
        "BOOL" => AttributeValue::Bool(inner.as_bool().ok_or_else(wrong)?),
        "NULL" if inner == &Value::Bool(true) => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(list()?.iter().map(text).collect::<Result<_, _>>()?),
        "NS" => AttributeValue::Ns(list()?.iter().map(text).collect::<Result<_, _>>()?),
        "BS" => AttributeValue::Bs(list()?.iter().map(bytes).collect::<Result<_, _>>()?),
        "L" => {
            let values = list()?.iter().map(attribute_from_dynamodb_json);
            AttributeValue::L(values.collect::<Result<_, _>>()?)
        }
        "M" => AttributeValue::M(typed_item(inner.as_object().ok_or_else(wrong)?)?),
        _ => return Err(wrong()),
    })
}

fn not_json(error: &serde_json::Error) -> Error {
    Error::input(format!("this is not JSON: {error}"))
}

fn parse_object(text: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str(text).map_err(|error| not_json(&error))? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::input("an item has to be a JSON object")),
    }
}

const DESCRIPTORS: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];

fn looks_typed(map: &Map<String, Value>) -> bool {
    let typed = |value: &Value| {
        value.as_object().is_some_and(|it| {
            it.len() == 1 && it.keys().all(|key| DESCRIPTORS.contains(&key.as_str()))
        })
    };
    !map.is_empty() && map.values().all(typed)
}

fn typed_item(map: &Map<String, Value>) -> Result<Item, Error> {
    map.iter()
        .map(|(name, value)| {
            let value = attribute_from_dynamodb_json(value).map_err(|error| Error {
                message: format!("{name}: {}", error.message),
                ..error
            })?;
            Ok((name.clone(), value))
        })
        .collect()
}

fn map_to_value(item: &Item) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    let typed = |(name, value): (&String, &AttributeValue)| {
        (name.clone(), attribute_to_dynamodb_json(value))
    };
    Value::Object(sorted.into_iter().map(typed).collect())
}

/// Rewrites JSON so that serde need not read a number: `7` becomes `["n","7"]` and `[…]` becomes
/// `["a",[…]]`. The text has been found to be JSON before.
fn tagged(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '-' | '0'..='9' => rest
                .find(|it: char| !matches!(it, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match first {
            '-' | '0'..='9' => out.extend(["[\"n\",\"", token, "\"]"]),
            '[' => out.push_str("[\"a\",["),
            ']' => out.push_str("]]"),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out
}

/// Bytes of the string literal at the start of the text, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, it) in text.char_indices().skip(1) {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => (),
        }
    }
    text.len()
}

fn from_tagged(value: Value) -> Result<AttributeValue, Error> {
    Ok(match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(flag),
        Value::String(text) => AttributeValue::S(text),
        Value::Object(map) => AttributeValue::M(
            map.into_iter()
                .map(|(name, value)| Ok((name, from_tagged(value)?)))
                .collect::<Result<_, Error>>()?,
        ),
        Value::Array(mut pair) => match pair.pop() {
            Some(Value::String(digits)) => AttributeValue::N(digits),
            Some(Value::Array(list)) => {
                let list = list.into_iter().map(from_tagged);
                AttributeValue::L(list.collect::<Result<_, _>>()?)
            }
            _ => return Err(Error::input("this is not JSON")),
        },
        Value::Number(_) => return Err(Error::input("this is not JSON")),
    })
}

/// `indent` counts levels of two spaces; `None` writes one line.
fn write_value(out: &mut String, value: &AttributeValue, indent: Option<usize>) {
    let quoted = |text: &str| Value::from(text).to_string();
    match value {
        AttributeValue::S(text) => out.push_str(&quoted(text)),
        AttributeValue::N(digits) => out.push_str(&json_number(digits)),
        AttributeValue::B(bytes) => out.push_str(&quoted(&BASE64.encode(bytes.as_ref()))),
        AttributeValue::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        AttributeValue::Ss(texts) => write_list(out, texts, indent, |out, text, _| {
            out.push_str(&quoted(text));
        }),
        AttributeValue::Ns(numbers) => write_list(out, numbers, indent, |out, digits, _| {
            out.push_str(&json_number(digits));
        }),
        AttributeValue::Bs(blobs) => write_list(out, blobs, indent, |out, bytes, _| {
            out.push_str(&quoted(&BASE64.encode(bytes.as_ref())));
        }),
        AttributeValue::L(list) => write_list(out, list, indent, write_value),
        AttributeValue::M(map) => write_map(out, map, indent),
        _ => out.push_str("null"),
    }
}

/// JSON allows neither a leading zero, dot or plus; the service gives none, another cloud might.
fn json_number(digits: &str) -> String {
    if serde_json::from_str::<serde_json::Number>(digits).is_ok() {
        digits.to_owned()
    } else {
        Value::from(digits).to_string()
    }
}

fn write_list<T>(
    out: &mut String,
    list: &[T],
    indent: Option<usize>,
    write: impl Fn(&mut String, &T, Option<usize>),
) {
    let inner = indent.map(|it| it + 1);
    out.push('[');
    for (at, value) in list.iter().enumerate() {
        start_line(out, at, inner);
        write(out, value, inner);
    }
    if !list.is_empty() {
        end_line(out, indent);
    }
    out.push(']');
}

fn write_map(out: &mut String, map: &Item, indent: Option<usize>) {
    let sorted: BTreeMap<_, _> = map.iter().collect();
    let inner = indent.map(|it| it + 1);
    out.push('{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        start_line(out, at, inner);
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push_str(if inner.is_some() { ": " } else { ":" });
        write_value(out, value, inner);
    }
    if !map.is_empty() {
        end_line(out, indent);
    }
    out.push('}');
}

fn start_line(out: &mut String, at: usize, indent: Option<usize>) {
    if at > 0 {
        out.push(',');
    }
    end_line(out, indent);
}

fn end_line(out: &mut String, indent: Option<usize>) {
    if let Some(levels) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", levels));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 38 digits, the most a number may have.
    const LONG: &str = "12345678901234567890123456789012345678";

    fn every_type() -> Item {
        let text = |it: &str| AttributeValue::S(it.to_owned());
        let number = |it: &str| AttributeValue::N(it.to_owned());
        let blob = |it: &[u8]| Blob::new(it);
        [
            ("s", text("tab\t \"quoted\" [1] {2} – ü \\")),
            ("n", number(LONG)),
            (
                "small",
                number("-0.00000000000000000000000000000000000012345"),
            ),
            ("power", number("1E+125")),
            ("b", AttributeValue::B(blob(&[0, 255, 7]))),
            ("bool", AttributeValue::Bool(false)),
            ("null", AttributeValue::Null(true)),
            (
                "ss",
                AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]),
            ),
            (
                "ns",
                AttributeValue::Ns(vec!["1".to_owned(), LONG.to_owned()]),
            ),
            ("bs", AttributeValue::Bs(vec![blob(b"x"), blob(b"")])),
            (
                "l",
                AttributeValue::L(vec![
                    number("1.10"),
                    AttributeValue::L(vec![]),
                    AttributeValue::M(Item::new()),
                    AttributeValue::M(one("deep", number(LONG))),
                ]),
            ),
            (
                "m",
                AttributeValue::M(one("S", text("a map with a type's name"))),
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn one(name: &str, value: AttributeValue) -> Item {
        Item::from([(name.to_owned(), value)])
    }

    #[test]
    fn dynamodb_json_carries_every_type_there_and_back() {
        let item = every_type();
        for text in [
            item_to_dynamodb_json(&item),
            item_to_line(&item, JsonForm::DynamoDb),
        ] {
            assert_eq!(item_from_dynamodb_json(&text).unwrap(), item);
            let (again, form) = item_from_json(&text).unwrap();
            assert_eq!((again, form), (item.clone(), JsonForm::DynamoDb));
        }
    }

    #[test]
    fn plain_json_keeps_all_that_json_knows_and_every_digit() {
        let mut item = every_type();
        for lossy in ["b", "ss", "ns", "bs"] {
            item.remove(lossy);
        }
        for text in [
            item_to_plain_json(&item),
            item_to_line(&item, JsonForm::Plain),
        ] {
            assert_eq!(item_from_plain_json(&text).unwrap(), item);
            let (again, form) = item_from_json(&text).unwrap();
            assert_eq!((again, form), (item.clone(), JsonForm::Plain));
        }
    }

    #[test]
    fn plain_json_turns_sets_into_lists_and_binaries_into_base64() {
        let text = item_to_line(&every_type(), JsonForm::Plain);
        assert!(text.contains(r#""ss":["a","b"]"#), "{text}");
        assert!(text.contains(&format!(r#""ns":[1,{LONG}]"#)), "{text}");
        assert!(text.contains(r#""b":"AP8H""#), "{text}");
    }

    #[test]
    fn indented_text_reads_like_other_tools_write_it() {
        let item = one("a", AttributeValue::L(vec![AttributeValue::Null(true)]));
        assert_eq!(item_to_plain_json(&item), "{\n  \"a\": [\n    null\n  ]\n}");
        assert_eq!(item_to_plain_json(&Item::new()), "{}");
    }

    #[test]
    fn exported_lines_with_an_item_around_are_dynamodb_json() {
        let (item, form) = item_from_json(r#"{"Item":{"id":{"S":"1"}}}"#).unwrap();
        assert_eq!(form, JsonForm::DynamoDb);
        assert_eq!(item["id"], AttributeValue::S("1".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let words = |text: &str| item_from_json(text).unwrap_err().message;
        assert!(words("{\"a\":}").contains("not JSON"));
        assert!(words("[1]").contains("object"));
        assert!(words(r#"{"a":{"N":12}}"#).starts_with("a: "));
        assert!(words(r#"{"a":{"B":"*"}}"#).contains("base64"));
    }
}

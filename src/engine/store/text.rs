//! Stored items as JSON text, byte by byte: an answer of many items is never built as values first. Pure.
//!
//! Says the same as `dynamodb::value` says of a decoded item: names in order, numbers in normal form.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::codec::{self, DEPTH_MAX, Reader, Unreadable, encode_item};
use crate::engine::dynamodb::value::{Item, Number};

/// Appends `{"name": {"S": "text"}, …}` of a stored item.
pub fn push_stored(out: &mut Vec<u8>, item: &[u8]) -> Result<(), Unreadable> {
    let mut from = Reader(item);
    from.count()?;
    push_map(out, &mut from, DEPTH_MAX)
}

/// Appends the same with the members of these names first, in their order.
pub fn push_ordered(out: &mut Vec<u8>, item: &[u8], first: &[String]) -> Result<(), Unreadable> {
    let mut from = Reader(item);
    from.count()?;
    let mut members = Vec::new();
    for _ in 0..from.count()? {
        let mut text = Vec::new();
        let name = from.text()?;
        push_text(&mut text, name);
        text.push(b':');
        push_attribute(&mut text, &mut from, DEPTH_MAX)?;
        members.push((name, text));
    }
    // The others stay in the order of their names.
    members.sort_by_key(|(name, _)| {
        let at = first.iter().position(|it| it == name);
        at.unwrap_or(first.len())
    });
    out.push(b'{');
    for (at, (_, text)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(text);
    }
    out.push(b'}');
    Ok(())
}

/// Appends the same of an item that was computed: projected, or a key.
pub fn push_item(out: &mut Vec<u8>, item: &Item) -> Result<(), Unreadable> {
    push_stored(out, &encode_item(item))
}

/// Appends a text in quotes.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    // Without a branch for each byte: nearly every text is plain.
    if bytes.iter().fold(false, |any, byte| any | is_special(byte)) {
        // Writing to memory never fails.
        serde_json::to_writer(out, text).ok();
    } else {
        push_plain(out, bytes);
    }
}

fn push_plain(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(bytes);
    out.push(b'"');
}

fn push_map(out: &mut Vec<u8>, from: &mut Reader<'_>, depth: usize) -> Result<(), Unreadable> {
    push_each(out, from, *b"{}", |out, from| {
        push_utf8(out, from)?;
        out.push(b':');
        push_attribute(out, from, depth)
    })
}

/// Appends so many elements as the count in front says, between brackets.
fn push_each(
    out: &mut Vec<u8>,
    from: &mut Reader<'_>,
    [open, close]: [u8; 2],
    mut one: impl FnMut(&mut Vec<u8>, &mut Reader<'_>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    out.push(open);
    for at in 0..from.count()? {
        if at > 0 {
            out.push(b',');
        }
        one(out, from)?;
    }
    out.push(close);
    Ok(())
}

/// `depth` is how many levels of maps and lists may follow.
fn push_attribute(
    out: &mut Vec<u8>,
    from: &mut Reader<'_>,
    depth: usize,
) -> Result<(), Unreadable> {
    let below = depth.checked_sub(1).ok_or(Unreadable);
    let tag = from.byte()?;
    let name: &[u8] = match tag {
        codec::S => br#"{"S":"#,
        codec::B => br#"{"B":"#,
        codec::FALSE => br#"{"BOOL":false"#,
        codec::TRUE => br#"{"BOOL":true"#,
        codec::NULL => br#"{"NULL":true"#,
        codec::M => br#"{"M":"#,
        codec::L => br#"{"L":"#,
        codec::SS => br#"{"SS":"#,
        codec::NS => br#"{"NS":"#,
        codec::BS => br#"{"BS":"#,
        _ => br#"{"N":"#,
    };
    out.extend_from_slice(name);
    match tag {
        codec::S => push_utf8(out, from)?,
        codec::B => push_base64(out, from)?,
        codec::FALSE | codec::TRUE | codec::NULL => (),
        codec::M => push_map(out, from, below?)?,
        codec::L => {
            let below = below?;
            push_each(out, from, *b"[]", |out, from| {
                push_attribute(out, from, below)
            })?;
        }
        codec::SS => push_each(out, from, *b"[]", push_utf8)?,
        codec::NS => push_each(out, from, *b"[]", |out, from| {
            let tag = from.byte()?;
            push_number(out, from.decimal(tag)?);
            Ok(())
        })?,
        codec::BS => push_each(out, from, *b"[]", push_base64)?,
        _ if tag & !codec::NEGATIVE == codec::N => push_number(out, from.decimal(tag)?),
        _ => return Err(Unreadable),
    }
    out.push(b'}');
    Ok(())
}

fn push_utf8(out: &mut Vec<u8>, from: &mut Reader<'_>) -> Result<(), Unreadable> {
    push_text(out, from.text()?);
    Ok(())
}

fn push_base64(out: &mut Vec<u8>, from: &mut Reader<'_>) -> Result<(), Unreadable> {
    push_plain(out, STANDARD.encode(from.bytes()?).as_bytes());
    Ok(())
}

fn push_number(out: &mut Vec<u8>, number: Number) {
    let (negative, coefficient, exponent) = number.parts();
    // Writing to memory never fails.
    match u64::try_from(coefficient) {
        Ok(whole) if exponent == 0 => {
            let sign = if negative { "-" } else { "" };
            write!(out, r#""{sign}{whole}""#).ok();
        }
        _ => {
            write!(out, r#""{number}""#).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::dynamodb::value::{item_from_json, item_to_json};

    #[test]
    fn the_text_of_a_stored_item_says_what_its_value_says() {
        let item = item_from_json(&json!({
            "s": {"S": "h\"é\\llo\n\u{1}"}, "empty": {"S": ""}, "b": {"B": "AAEC"}, "yes": {"BOOL": true},
            "no": {"BOOL": false}, "null": {"NULL": true}, "zero": {"N": "0"}, "small": {"N": "-1.5E-100"},
            "below": {"N": "-7"}, "ten": {"N": "10"}, "large": {"N": "99999999999999999999999999999999999999"},
            "m": {"M": {"a \"name\"": {"L": [{"N": "1"}, {"M": {}}, {"L": []}]}}},
            "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["3", "-2"]}, "bs": {"BS": ["AQ==", "AA=="]}
        }))
        .unwrap();
        let mut text = Vec::new();
        push_item(&mut text, &item).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value, item_to_json(&item));
        assert_eq!(text, item_to_json(&item).to_string().into_bytes());
    }

    #[test]
    fn members_come_in_the_order_that_is_asked_for() {
        let item = json!({"a": {"S": "1"}, "b": {"N": "2"}, "c": {"B": "AA=="}, "d": {"S": "4"}});
        let item = encode_item(&item_from_json(&item).unwrap());
        let first = ["c".to_owned(), "none".to_owned(), "b".to_owned()];
        let mut text = Vec::new();
        push_ordered(&mut text, &item, &first).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            r#"{"c":{"B":"AA=="},"b":{"N":"2"},"a":{"S":"1"},"d":{"S":"4"}}"#
        );
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_crash() {
        let item =
            item_from_json(&json!({"a": {"L": [{"N": "1.5"}, {"SS": ["x"]}, {"B": "AAEC"}]}}));
        let bytes = encode_item(&item.unwrap());
        for length in 0..bytes.len() {
            assert!(push_stored(&mut Vec::new(), &bytes[..length]).is_err());
            assert!(push_ordered(&mut Vec::new(), &bytes[..length], &[]).is_err());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            // It may say something else, but it returns.
            push_stored(&mut Vec::new(), &damaged).ok();
        }
    }
}

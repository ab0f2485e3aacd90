//! Requests that hold nothing but a table's name and an item or key: most puts and gets do. They are read at once,
//! without the detour over JSON values. Anything unusual is left to the reader of every other request, which knows
//! the words for it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::value::{Attribute, DEPTH_MAX, Item, Number, check_name};

/// All that such a request holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// The table's name or ARN as it was sent.
    pub table: String,
    /// The item or key.
    pub item: Item,
}

/// The table and the item under `member`; `None` when the request holds anything else or anything that would be
/// refused.
pub(in crate::engine) fn read(body: &[u8], member: &str) -> Option<Plain> {
    // Checked at once, which is cheaper than text by text.
    let body = std::str::from_utf8(body).ok()?;
    let mut from = serde_json::Deserializer::from_str(body);
    let read = Request(member).deserialize(&mut from).ok()?;
    from.end().ok()?;
    Some(read)
}

/// A request by the name of the member that holds its item.
struct Request<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Request<'_> {
    type Value = Plain;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_> {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table and an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut table, mut item) = (None, None);
        while let Some(name) = map.next_key::<&str>()? {
            let is_new = match name {
                "TableName" => table.replace(map.next_value::<String>()?).is_none(),
                name if name == self.0 => item
                    .replace(map.next_value_seed(Members { depth: 0 })?)
                    .is_none(),
                _ => false,
            };
            if !is_new {
                return Err(unusual());
            }
        }
        let (table, item) = table.zip(item).ok_or_else(unusual)?;
        let is_named = |name: &String| check_name(name).is_ok();
        if item.keys().all(is_named) {
            Ok(Plain { table, item })
        } else {
            Err(unusual())
        }
    }
}

/// Attributes by name.
struct Members {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Item, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(One { depth: self.depth })?;
            if item.insert(name, value).is_some() {
                return Err(unusual());
            }
        }
        Ok(item)
    }
}

/// One attribute.
struct One {
    depth: usize,
}

impl One {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth == DEPTH_MAX {
            return Err(unusual());
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for One {
    type Value = Attribute;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Attribute, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = Attribute;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let attribute = match map.next_key::<&str>()? {
            Some("S") => Attribute::S(map.next_value()?),
            Some("N") => Attribute::N(map.next_value_seed(Decimal)?),
            Some("B") => Attribute::B(map.next_value_seed(Base64)?),
            Some("BOOL") => Attribute::Bool(map.next_value()?),
            Some("NULL") if map.next_value::<bool>()? => Attribute::Null,
            Some("M") => Attribute::M(map.next_value_seed(Members {
                depth: self.deeper()?,
            })?),
            Some("L") => Attribute::L(map.next_value_seed(Elements {
                depth: self.deeper()?,
            })?),
            Some("SS") => Attribute::Ss(set(map.next_value()?)?),
            Some("NS") => Attribute::Ns(set(map.next_value_seed(Many(Decimal))?)?),
            Some("BS") => Attribute::Bs(set(map.next_value_seed(Many(Base64))?)?),
            _ => return Err(unusual()),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(attribute),
            Some(_) => Err(unusual()),
        }
    }
}

/// The attributes of a list.
struct Elements {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<Attribute>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Attribute>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of attributes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(one) = list.next_element_seed(One { depth: self.depth })? {
            elements.push(one);
        }
        Ok(elements)
    }
}

/// What may stand in a set beside texts.
#[derive(Clone, Copy)]
struct Decimal;
#[derive(Clone, Copy)]
struct Base64;

impl<'de> DeserializeSeed<'de> for Decimal {
    type Value = Number;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Number, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Decimal {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number as a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        Number::parse(text).map_err(|_refused| unusual())
    }
}

impl<'de> DeserializeSeed<'de> for Base64 {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Base64 {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes in base 64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        STANDARD.decode(text).map_err(|_refused| unusual())
    }
}

/// A list of these.
struct Many<T>(T);

impl<'de, T: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Many<T> {
    type Value = Vec<T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeSeed<'de> + Copy> Visitor<'de> for Many<T> {
    type Value = Vec<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element_seed(self.0)? {
            all.push(one);
        }
        Ok(all)
    }
}

fn set<T: Ord, E: Error>(all: Vec<T>) -> Result<BTreeSet<T>, E> {
    let length = all.len();
    let set: BTreeSet<T> = all.into_iter().collect();
    if set.is_empty() || set.len() < length {
        return Err(unusual());
    }
    Ok(set)
}

fn unusual<E: Error>() -> E {
    E::custom("not a plain request")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::value::item_from_json;
    use super::*;

    fn item(json: &Value) -> Option<Item> {
        let body = json!({"TableName": "t", "Item": json}).to_string();
        let plain = read(body.as_bytes(), "Item")?;
        assert_eq!(plain.table, "t");
        Some(plain.item)
    }

    #[test]
    fn a_plain_item_is_what_it_is_to_the_reader_of_any_request() {
        for json in [
            json!({}),
            json!({"a": {"S": ""}, "b": {"S": "h\u{e9}\"\n\\llo"}, "": {"S": "no name"}}),
            json!({"n": {"N": "-1.50"}, "b": {"B": "AAEC"}, "e": {"B": ""}}),
            json!({"t": {"BOOL": true}, "f": {"BOOL": false}, "z": {"NULL": true}}),
            json!({"m": {"M": {"a": {"L": [{"N": "1"}, {"M": {"": {"NULL": true}}}]}}}, "l": {"L": []}}),
            json!({"s": {"SS": ["b", "a"]}, "n": {"NS": ["10", "2"]}, "b": {"BS": ["AA==", "AQ=="]}}),
        ] {
            let Some(plain) = item(&json) else {
                assert!(json.get("").is_some(), "{json}");
                continue;
            };
            assert_eq!(Ok(plain), item_from_json(&json), "{json}");
        }
        let deep = |levels: usize| {
            (0..levels).fold(json!({"S": "leaf"}), |inner, _| json!({"L": [inner]}))
        };
        assert!(item(&json!({"a": deep(32)})).is_some());
        assert!(item(&json!({"a": deep(33)})).is_none());
    }

    #[test]
    fn anything_unusual_is_left_to_the_other_reader() {
        for json in [
            json!({"a": {}}),
            json!({"a": {"X": "a"}}),
            json!({"a": {"S": null}}),
            json!({"a": {"S": 1}}),
            json!({"a": {"S": "a", "N": "1"}}),
            json!({"a": {"N": "x"}}),
            json!({"a": {"N": 1}}),
            json!({"a": {"B": "a"}}),
            json!({"a": {"BOOL": "true"}}),
            json!({"a": {"NULL": false}}),
            json!({"a": {"SS": []}}),
            json!({"a": {"SS": ["a", "a"]}}),
            json!({"a": {"NS": ["1", "1.0"]}}),
            json!({"a": {"BS": ["AA==", "AA=="]}}),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(item(&json), None, "{json}");
        }
        for body in [
            r#"{"TableName": "t"}"#,
            r#"{"Item": {}}"#,
            r#"{"TableName": 1, "Item": {}}"#,
            r#"{"TableName": "t", "Item": {}, "ReturnValues": "NONE"}"#,
            r#"{"TableName": "t", "Item": {}, "Item": {}}"#,
            r#"{"TableName": "t", "Item": {"a": {"S": "1"}, "a": {"S": "2"}}}"#,
            r#"{"TableName": "t", "Item": {"a": {"S": "1", "S": "2"}}}"#,
            r#"{"TableName": "t", "Item": {}} x"#,
            r#"["TableName"]"#,
            "",
        ] {
            assert_eq!(read(body.as_bytes(), "Item"), None, "{body}");
        }
    }
}

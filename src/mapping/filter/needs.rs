//! Reads of a record's text only the members that patterns look at. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Branch, Node};

/// What is looked at, at one place of a record and below it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Needs {
    /// These members; of lists, those of every element.
    Members(Vec<(String, Self)>),
    /// Whatever is there.
    All,
}

impl Default for Needs {
    fn default() -> Self {
        Self::Members(Vec::new())
    }
}

impl Needs {
    /// Adds what this part of a pattern looks at.
    pub(super) fn add(&mut self, branch: &Branch) {
        let Self::Members(members) = self else { return };
        for (name, node) in &branch.fields {
            let known = members.iter().position(|(it, _)| it == name);
            let at = known.unwrap_or_else(|| {
                members.push((name.clone(), Self::default()));
                members.len() - 1
            });
            match node {
                Node::Branch(inner) => members[at].1.add(inner),
                Node::Leaf(_) => members[at].1 = Self::All,
            }
        }
        for inner in branch.any_of.iter().flatten() {
            self.add(inner);
        }
    }

    /// The record without what is not looked at; null where the text is no JSON.
    pub(super) fn read(&self, text: &str) -> Value {
        let mut from = serde_json::Deserializer::from_str(text);
        let read = self.deserialize(&mut from);
        // What follows the record would make the text no JSON.
        let read = read.and_then(|value| from.end().map(|()| value));
        read.unwrap_or_default()
    }
}

impl<'de> DeserializeSeed<'de> for &Needs {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self {
            Needs::All => Value::deserialize(from),
            Needs::Members(members) => from.deserialize_any(Members(members)),
        }
    }
}

/// Keeps wanted members. A scalar, where members are looked for, has none: it may as well be null.
struct Members<'a>(&'a [(String, Needs)]);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(Name(name)) = from.next_key()? {
            match self.0.iter().find(|(it, _)| *it == name) {
                Some((name, needs)) => {
                    kept.insert(name.clone(), from.next_value_seed(needs)?);
                }
                None => {
                    from.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(element) = from.next_element_seed(Element(self.0))? {
            kept.push(element);
        }
        Ok(Value::Array(kept))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// One element of a list: the same members of it.
struct Element<'a>(&'a [(String, Needs)]);

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(Members(self.0))
    }
}

/// A name that is not copied unless it is escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Filters, Pattern};
    use super::*;

    fn needs(patterns: &[&str]) -> Needs {
        let mut needs = Needs::default();
        for text in patterns {
            let Pattern(branch) = Pattern::parse(text).unwrap();
            needs.add(&branch);
        }
        needs
    }

    #[test]
    fn only_what_patterns_look_at_is_kept() {
        let needs = needs(&[
            r#"{"a":{"b":["x"]},"$or":[{"c":[1]},{"a":{"d":[{"exists":false}]}}]}"#,
            r#"{"e":{"f":["y"]}}"#,
        ]);
        let text = json!({
            "a": [{ "b": "x", "z": 1 }, { "d": { "deep": [1, 2] } }, "text", 1.5, true, null],
            "c": { "all": 1 },
            "e": -3,
            "z": { "a": 1 },
        });
        assert_eq!(
            needs.read(&text.to_string()),
            json!({
                "a": [{ "b": "x" }, { "d": { "deep": [1, 2] } }, null, null, null, null],
                "c": { "all": 1 },
                "e": null,
            })
        );
        assert_eq!(needs.read("{} no JSON"), Value::Null);
        assert_eq!(
            needs.read(r#"{"\u0063":1,"c":"last wins"}"#)["c"],
            "last wins"
        );
    }

    #[test]
    fn a_record_passes_by_its_text_as_by_its_value() {
        let patterns = [
            r#"{"eventName":["INSERT"]}"#,
            r#"{"dynamodb":{"NewImage":{"status":{"S":["shipped"]}}}}"#,
            r#"{"dynamodb":{"NewImage":{"status":[{"exists":false}]}}}"#,
            r#"{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"a"}]}}},"$or":[{"eventName":["INSERT"]},{"dynamodb":{"SizeBytes":[{"numeric":[">",10]}]}}]}"#,
            r#"{"tags":{"name":["x"]}}"#,
        ];
        let events = [
            json!({ "eventName": "INSERT" }),
            json!({ "eventName": "MODIFY", "dynamodb": { "Keys": { "id": { "S": "abc" } }, "SizeBytes": 11 } }),
            json!({ "dynamodb": { "NewImage": { "status": { "S": "shipped" }, "other": { "N": "1" } } } }),
            json!({ "tags": [{ "name": "y" }, { "name": ["x", "z"] }], "dynamodb": { "NewImage": {} } }),
            json!([]),
            json!("text"),
        ];
        for pattern in patterns {
            let filters = Filters::parse(&[pattern.to_owned()]).unwrap();
            for event in &events {
                let text = crate::mapping::record::Event::from(event.to_string());
                assert_eq!(
                    filters.judge(&text).is_ok(),
                    filters.pass(event),
                    "{pattern} of {event}"
                );
                assert!(text.value_if_read().is_none());
            }
        }
    }
}

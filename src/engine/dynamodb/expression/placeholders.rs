//! `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request, and which of them expressions used.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ast::{Element, Path};
use super::{invalid, reserved, syntax};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Attribute, check_name};

/// Most steps of a document path.
const PATH_MAX: usize = 32;
/// Longest placeholder, its `#` or `:` included.
const KEY_BYTES_MAX: usize = 255;

/// What stands behind `#names` and `:values`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placeholders {
    names: BTreeMap<String, Entry<String>>,
    values: BTreeMap<String, Entry<Attribute>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry<T> {
    content: T,
    is_used: bool,
}

impl Placeholders {
    /// Reads both members of a request (or of one action of a transaction); absent ones are empty.
    pub fn new(input: &Value) -> Result<Self, Fault> {
        let names = members(input, "ExpressionAttributeNames", '#')?;
        let values = members(input, "ExpressionAttributeValues", ':')?;
        Ok(Self {
            names: names
                .into_iter()
                .map(|(key, value)| Ok((key.to_owned(), Entry::new(read_name(key, value)?))))
                .collect::<Result<_, Fault>>()?,
            values: values
                .into_iter()
                .map(|(key, value)| Ok((key.to_owned(), Entry::new(read_value(key, value)?))))
                .collect::<Result<_, Fault>>()?,
        })
    }

    /// Refuses what no expression used. To be asked after the last expression is parsed.
    pub fn finish(self) -> Result<(), Fault> {
        check_used("ExpressionAttributeNames", &self.names)?;
        check_used("ExpressionAttributeValues", &self.values)
    }

    /// The path with its names filled in.
    pub(super) fn path(
        &mut self,
        kind: &'static str,
        path: &syntax::Path<'_>,
    ) -> Result<Path, Fault> {
        let mut elements = Vec::with_capacity(path.len());
        for step in path {
            elements.push(match step {
                syntax::Step::Word(word) => Element::Name((*word).to_owned()),
                syntax::Step::Placeholder(key) => Element::Name(self.name(kind, key)?),
                syntax::Step::Index(digits) => Element::Index(read_index(kind, digits)?),
            });
        }
        if elements.len() > PATH_MAX {
            let levels = elements.len();
            return Err(invalid(
                kind,
                format_args!(
                    "The document path has too many nesting levels; nesting levels: {levels}"
                ),
            ));
        }
        Ok(Path::from_elements(elements))
    }

    /// The value, which counts as used from now on.
    pub(super) fn value(&mut self, kind: &'static str, key: &str) -> Result<&Attribute, Fault> {
        self.values.get_mut(key).map(Entry::content).ok_or_else(|| {
            invalid(
                kind,
                format_args!(
                    "An expression attribute value used in expression is not defined; attribute value: {key}"
                ),
            )
        })
    }

    fn name(&mut self, kind: &'static str, key: &str) -> Result<String, Fault> {
        self.names.get_mut(key).map(|it| it.content().clone()).ok_or_else(|| {
            invalid(
                kind,
                format_args!(
                    "An expression attribute name used in the document path is not defined; attribute name: {key}"
                ),
            )
        })
    }
}

impl<T> Entry<T> {
    fn new(content: T) -> Self {
        Self {
            content,
            is_used: false,
        }
    }

    fn content(&mut self) -> &T {
        self.is_used = true;
        &self.content
    }
}

/// Reserved words and indexes out of range in a path as written.
pub(super) fn check_words(kind: &'static str, path: &syntax::Path<'_>) -> Result<(), Fault> {
    for step in path {
        match step {
            syntax::Step::Word(word) if reserved::is_reserved(word) => {
                return Err(invalid(
                    kind,
                    format_args!("Attribute name is a reserved keyword; reserved keyword: {word}"),
                ));
            }
            syntax::Step::Index(digits) => {
                read_index(kind, digits)?;
            }
            syntax::Step::Word(_) | syntax::Step::Placeholder(_) => (),
        }
    }
    Ok(())
}

fn read_index(kind: &'static str, digits: &str) -> Result<usize, Fault> {
    digits
        .parse::<i32>()
        .ok()
        .and_then(|it| usize::try_from(it).ok())
        .ok_or_else(|| {
            invalid(
                kind,
                format_args!("List index is not within the allowable range; index: [{digits}]"),
            )
        })
}

fn members<'a>(
    input: &'a Value,
    member: &str,
    mark: char,
) -> Result<Vec<(&'a str, &'a Value)>, Fault> {
    let members = match input.get(member) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => {
            return Err(Fault::new(
                400,
                "SerializationException",
                "Unexpected field type",
            ));
        }
    };
    if members.is_empty() {
        return Err(Fault::validation(format!("{member} must not be empty")));
    }
    for key in members.keys() {
        let name = key.strip_prefix(mark).unwrap_or_default();
        let is_word = name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_');
        if name.is_empty() || !is_word {
            return Err(Fault::validation(format!(
                "{member} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Fault::validation(format!(
                "{member} contains invalid key: The expression attribute map contains a key that is too long; key: \"{key}\""
            )));
        }
    }
    Ok(members.iter().map(|(key, it)| (key.as_str(), it)).collect())
}

fn read_name(key: &str, value: &Value) -> Result<String, Fault> {
    let Some(name) = value.as_str() else {
        let words = "Unexpected value type in payload";
        return Err(Fault::new(400, "SerializationException", words));
    };
    check_name(name).map_err(|fault| in_member("ExpressionAttributeNames", key, fault))?;
    Ok(name.to_owned())
}

fn read_value(key: &str, value: &Value) -> Result<Attribute, Fault> {
    Attribute::from_json(value).map_err(|fault| in_member("ExpressionAttributeValues", key, fault))
}

/// Says where an invalid value stands; a shape error stays as it is.
fn in_member(member: &str, key: &str, fault: Fault) -> Fault {
    if fault.code != "ValidationException" {
        return fault;
    }
    let words = fault.message;
    Fault::validation(format!(
        "{member} contains invalid value: {words} for key {key}"
    ))
}

fn check_used<T>(member: &str, entries: &BTreeMap<String, Entry<T>>) -> Result<(), Fault> {
    let unused: Vec<&str> = entries
        .iter()
        .filter(|(_, entry)| !entry.is_used)
        .map(|(key, _)| key.as_str())
        .collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(Fault::validation(format!(
        "Value provided in {member} unused in expressions: keys: {{{}}}",
        unused.join(", ")
    )))
}

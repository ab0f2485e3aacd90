//! Literals and parameters to attribute values, with the service's checks. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Expr, Node, Place};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Attribute, Number, check_depth};

/// The values for `?`, in the order of the statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(pub &'a [Attribute]);

impl Parameters<'_> {
    fn get(&self, at: usize) -> Result<&Attribute, Fault> {
        self.0.get(at).ok_or_else(count_mismatch)
    }
}

pub(super) fn count_mismatch() -> Fault {
    Fault::validation("Number of parameters in request and statement don't match.")
}

/// Whether the expression is one that [`value`] reads.
pub(super) fn is_value(expr: &Expr) -> bool {
    matches!(
        expr.node,
        Node::Parameter(_)
            | Node::Text(_)
            | Node::Number(_)
            | Node::Bool(_)
            | Node::Null
            | Node::List(_)
            | Node::Bag(_)
            | Node::Struct(_)
    )
}

/// The value of a literal or parameter.
pub(super) fn value(expr: &Expr, parameters: Parameters<'_>) -> Result<Attribute, Fault> {
    let value = read(expr, parameters, &Key::Root)?;
    check_depth(&value)?;
    Ok(value)
}

/// The way down to a part of a value, as errors print it: `root.x[1]`.
enum Key<'a> {
    Root,
    Name(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl std::fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Name(above, name) => write!(f, "{above}.{name}"),
            Self::Index(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

fn read(expr: &Expr, parameters: Parameters<'_>, key: &Key<'_>) -> Result<Attribute, Fault> {
    Ok(match &expr.node {
        Node::Parameter(at) => parameters.get(*at)?.clone(),
        Node::Text(text) => Attribute::S(text.clone()),
        Node::Number(text) => Attribute::N(number(text, key)?),
        Node::Bool(it) => Attribute::Bool(*it),
        Node::Null => Attribute::Null,
        Node::List(elements) => Attribute::L(
            elements
                .iter()
                .enumerate()
                .map(|(index, it)| read(it, parameters, &Key::Index(key, index)))
                .collect::<Result<_, _>>()?,
        ),
        Node::Bag(elements) => set(elements, parameters, key)?,
        Node::Struct(members) => {
            let mut map = BTreeMap::new();
            for (name, member) in members {
                let Attribute::S(name) = read(name, parameters, key)? else {
                    return Err(unsupported(&name.node, key, name.place));
                };
                let value = read(member, parameters, &Key::Name(key, &name))?;
                map.insert(name, value);
            }
            Attribute::M(map)
        }
        node => return Err(unsupported(node, key, expr.place)),
    })
}

fn number(text: &str, key: &Key<'_>) -> Result<Number, Fault> {
    Number::parse(text).map_err(|fault| Fault::validation(format!("{} under {key}", fault.message)))
}

/// A bag is a set: of texts, of numbers or of binaries.
fn set(elements: &[Expr], parameters: Parameters<'_>, key: &Key<'_>) -> Result<Attribute, Fault> {
    let mut values = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        values.push(read(element, parameters, &Key::Index(key, index))?);
    }
    let Some(first) = values.first() else {
        return Err(Fault::validation("Empty bags are not supported"));
    };
    let mut texts = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    let mut binaries = BTreeSet::new();
    let mut is_new = true;
    for value in &values {
        is_new &= match (first, value) {
            (Attribute::S(_), Attribute::S(text)) => texts.insert(text.clone()),
            (Attribute::N(_), Attribute::N(number)) => numbers.insert(*number),
            (Attribute::B(_), Attribute::B(bytes)) => binaries.insert(bytes.clone()),
            (
                Attribute::S(_) | Attribute::N(_) | Attribute::B(_),
                Attribute::S(_) | Attribute::N(_) | Attribute::B(_),
            ) => {
                return Err(Fault::validation(
                    "Bags with elements of different types are not supported",
                ));
            }
            (_, other) => {
                return Err(Fault::validation(format!(
                    "Unsupported data type: {} in a bag under key {key}",
                    other.type_name()
                )));
            }
        };
    }
    if !is_new {
        return Err(duplicates(&values));
    }
    Ok(match first {
        Attribute::S(_) => Attribute::Ss(texts),
        Attribute::N(_) => Attribute::Ns(numbers),
        _ => Attribute::Bs(binaries),
    })
}

fn duplicates(values: &[Attribute]) -> Fault {
    let texts: Vec<String> = values
        .iter()
        .map(|it| match it {
            Attribute::S(text) => text.clone(),
            Attribute::N(number) => number.to_string(),
            other => {
                let json = other.to_json();
                let text = json["B"].as_str().unwrap_or_default();
                text.to_owned()
            }
        })
        .collect();
    Fault::validation(format!(
        "One or more parameter values were invalid: Input collection [{}] contains duplicates.",
        texts.join(", ")
    ))
}

fn unsupported(node: &Node, key: &Key<'_>, place: Place) -> Fault {
    let what = match node {
        Node::Call(name, _) => name.clone(),
        Node::Path(path) => path.head().to_owned(),
        node => node.name().to_owned(),
    };
    Fault::validation(format!(
        "Unsupported data type: {what} under key {key} at {place}"
    ))
}

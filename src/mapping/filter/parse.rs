//! From the text of a filter pattern to its tree, or the reason why not. Pure.

use serde_json::{Map, Value};

use super::{BadPattern, Branch, Comparison, Node, Test, Tests};

/// A JSON object; where a key stands twice, the last one counts.
pub(super) fn pattern(text: &str) -> Result<Branch, BadPattern> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| bad("", &format!("not JSON: {error}")))?;
    match value {
        Value::Object(members) => branch(&members, ""),
        _ => Err(bad("", "a pattern is an object, {…}")),
    }
}

fn branch(members: &Map<String, Value>, path: &str) -> Result<Branch, BadPattern> {
    let mut found = Branch::default();
    for (name, value) in members {
        let here = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            Value::Array(branches) if name == "$or" => {
                found.any_of.push(alternatives(branches, path, &here)?);
            }
            _ if name == "$or" => return Err(bad(&here, "write the alternatives as a list")),
            Value::Object(inner) if inner.is_empty() => {
                return Err(bad(&here, "an empty object wants nothing; leave it out"));
            }
            Value::Object(inner) => {
                let node = Node::Branch(branch(inner, &here)?);
                found.fields.push((name.clone(), node));
            }
            Value::Array(values) => {
                let node = Node::Leaf(tests(values, value, &here)?);
                found.fields.push((name.clone(), node));
            }
            _ => return Err(bad(&here, "write the values as a list, [\"x\"]")),
        }
    }
    Ok(found)
}

fn alternatives(branches: &[Value], path: &str, here: &str) -> Result<Vec<Branch>, BadPattern> {
    if branches.is_empty() {
        return Err(bad(here, "the list of alternatives is empty"));
    }
    let parse = |value: &Value| match value {
        Value::Object(members) if !members.is_empty() => branch(members, path),
        _ => Err(bad(
            here,
            "an alternative is an object that wants something",
        )),
    };
    branches.iter().map(parse).collect()
}

fn tests(values: &[Value], whole: &Value, path: &str) -> Result<Tests, BadPattern> {
    if values.is_empty() {
        return Err(bad(path, "the list of values is empty"));
    }
    let any = values.iter().map(|value| match value {
        Value::Object(members) => operator(members, path),
        Value::Array(_) => Err(bad(path, "a list within a list")),
        scalar => Ok(Test::Equals(scalar.clone())),
    });
    Ok(Tests {
        any: any.collect::<Result<_, _>>()?,
        path: path.into(),
        text: whole.to_string().into(),
    })
}

fn operator(members: &Map<String, Value>, path: &str) -> Result<Test, BadPattern> {
    let mut members = members.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err(bad(path, "an operator is an object with one key"));
    };
    match (name.as_str(), value) {
        ("prefix", Value::String(head)) => Ok(Test::Prefix(head.clone())),
        ("suffix", Value::String(tail)) => Ok(Test::Suffix(tail.clone())),
        ("equals-ignore-case", Value::String(text)) => Ok(Test::EqualsIgnoreCase(text.clone())),
        ("exists", Value::Bool(wanted)) => Ok(Test::Exists(*wanted)),
        ("anything-but", Value::Array(values))
            if !values.is_empty() && values.iter().all(is_text_or_number) =>
        {
            Ok(Test::AnythingBut(values.clone()))
        }
        ("anything-but", scalar) if is_text_or_number(scalar) => {
            Ok(Test::AnythingBut(vec![scalar.clone()]))
        }
        ("numeric", Value::Array(parts)) => numeric(parts).ok_or_else(|| {
            let reason = "numeric takes [\"=\", 1] or bounds such as [\">\", 0, \"<=\", 5]";
            bad(path, reason)
        }),
        ("prefix" | "suffix" | "equals-ignore-case", _) => {
            Err(bad(path, &format!("{name} takes a text")))
        }
        ("exists", _) => Err(bad(path, "exists takes true or false")),
        ("anything-but", _) => Err(bad(path, "anything-but takes texts or numbers")),
        ("numeric", _) => Err(bad(path, "numeric takes a list")),
        _ => Err(bad(path, &format!("there is no operator {name}"))),
    }
}

/// `["=", n]`, one bound, or a lower and an upper one.
fn numeric(parts: &[Value]) -> Option<Test> {
    let (pairs, []) = parts.as_chunks::<2>() else {
        return None;
    };
    let mut bounds = Vec::new();
    for [how, bound] in pairs {
        let how = match how.as_str()? {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        bounds.push((how, bound.as_f64()?));
    }
    let lower = |how: Comparison| matches!(how, Comparison::Greater | Comparison::GreaterOrEqual);
    let sound = match bounds.as_slice() {
        [_] => true,
        [(first, _), (second, _)] => {
            ![first, second].contains(&&Comparison::Equal) && lower(*first) != lower(*second)
        }
        _ => false,
    };
    sound.then_some(Test::Numeric(bounds))
}

fn is_text_or_number(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

fn bad(path: &str, reason: &str) -> BadPattern {
    BadPattern {
        reason: if path.is_empty() {
            reason.to_owned()
        } else {
            format!("{path}: {reason}")
        },
    }
}

//! What DynamoDB asks of an item before it takes it, and plain JSON brought back to the types an item had. Pure.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::data::{Source, kind_of};
use crate::aws::dynamodb::{Item, KeyPart};
use crate::ui::widgets::node::number_problem;

/// What is wrong with an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// `items[0].qty`
    pub(super) path: String,
    pub(super) message: String,
}

/// Everything that is wrong with an item for a table with these sources, the table's own first.
pub(super) fn problems(item: &Item, sources: &[Source]) -> Vec<Problem> {
    let mut found = Vec::new();
    for (nth, source) in sources.iter().enumerate() {
        for part in std::iter::once(&source.partition).chain(&source.sort) {
            let what = match &source.index {
                None => "The table's key",
                Some(index) => &format!("The key of index {index}"),
            };
            match item.get(&part.name) {
                None if nth == 0 => note(
                    &mut found,
                    &part.name,
                    format!("{what} needs this attribute"),
                ),
                None => (),
                Some(value) => {
                    if let Some(message) = key_problem(value, part, what) {
                        note(&mut found, &part.name, message);
                    }
                }
            }
        }
    }
    let mut names: Vec<_> = item.keys().collect();
    names.sort();
    for name in names {
        if name.is_empty() {
            note(&mut found, "", "An attribute needs a name".to_owned());
        }
        value_problems(&item[name], name, &mut found);
    }
    found
}

fn note(found: &mut Vec<Problem>, path: &str, message: String) {
    let path = path.to_owned();
    // A sort key shared by table and index is wrong once.
    if !found.iter().any(|it: &Problem| it.path == path) {
        found.push(Problem { path, message });
    }
}

fn key_problem(value: &AttributeValue, part: &KeyPart, what: &str) -> Option<String> {
    let wanted = part.kind.as_str();
    let kind = kind_of(value);
    if kind != wanted {
        return Some(format!("{what} is of type {wanted}, not {kind}"));
    }
    let is_empty = match value {
        AttributeValue::S(text) => text.is_empty(),
        AttributeValue::B(bytes) => bytes.as_ref().is_empty(),
        _ => false,
    };
    is_empty.then(|| format!("{what} cannot be empty"))
}

fn value_problems(value: &AttributeValue, path: &str, found: &mut Vec<Problem>) {
    let mut numbers = |digits: &String| {
        if let Some(problem) = number_problem(digits) {
            note(found, path, format!("{problem}: {digits}"));
        }
    };
    match value {
        AttributeValue::N(digits) => numbers(digits),
        AttributeValue::Ns(set) => {
            set.iter().for_each(numbers);
            set_problems(set, path, found);
        }
        AttributeValue::Ss(set) => set_problems(set, path, found),
        AttributeValue::Bs(set) => {
            let bytes: Vec<&[u8]> = set.iter().map(AsRef::as_ref).collect();
            set_problems(&bytes, path, found);
        }
        AttributeValue::L(list) => {
            for (nth, element) in list.iter().enumerate() {
                value_problems(element, &format!("{path}[{nth}]"), found);
            }
        }
        AttributeValue::M(map) => {
            let mut names: Vec<_> = map.keys().collect();
            names.sort();
            for name in names {
                value_problems(&map[name], &format!("{path}.{name}"), found);
            }
        }
        _ => (),
    }
}

fn set_problems<T: Ord>(set: &[T], path: &str, found: &mut Vec<Problem>) {
    let distinct: BTreeSet<&T> = set.iter().collect();
    if set.is_empty() {
        note(found, path, "A set cannot be empty".to_owned());
    } else if distinct.len() < set.len() {
        note(found, path, "A set has each element once".to_owned());
    }
}

/// An item read from plain JSON, where sets look like lists and binaries like texts, with the types
/// the former item had at the same places.
pub(super) fn retyped(item: Item, former: &Item) -> Item {
    let retype = |(name, value): (String, AttributeValue)| {
        let value = match former.get(&name) {
            Some(former) => retyped_value(value, former),
            None => value,
        };
        (name, value)
    };
    item.into_iter().map(retype).collect()
}

fn retyped_value(value: AttributeValue, former: &AttributeValue) -> AttributeValue {
    match (value, former) {
        (AttributeValue::M(map), AttributeValue::M(former)) => {
            AttributeValue::M(retyped(map, former))
        }
        (AttributeValue::L(list), AttributeValue::L(former)) => {
            let retype = |(nth, value)| match former.get(nth) {
                Some(former) => retyped_value(value, former),
                None => value,
            };
            AttributeValue::L(list.into_iter().enumerate().map(retype).collect())
        }
        (AttributeValue::S(text), AttributeValue::B(_)) => {
            blob(&text).map_or(AttributeValue::S(text), AttributeValue::B)
        }
        (AttributeValue::L(list), AttributeValue::Ss(_)) => {
            all(list, AttributeValue::Ss, |it| it.as_s().ok().cloned())
        }
        (AttributeValue::L(list), AttributeValue::Ns(_)) => {
            all(list, AttributeValue::Ns, |it| it.as_n().ok().cloned())
        }
        (AttributeValue::L(list), AttributeValue::Bs(_)) => {
            all(list, AttributeValue::Bs, |it| blob(it.as_s().ok()?))
        }
        (value, _) => value,
    }
}

fn blob(text: &str) -> Option<Blob> {
    BASE64.decode(text).ok().map(Blob::new)
}

/// A set when every element fits into it, otherwise the list it was. An empty list stays one: there are no empty sets.
fn all<T>(
    list: Vec<AttributeValue>,
    set: impl Fn(Vec<T>) -> AttributeValue,
    element: impl Fn(&AttributeValue) -> Option<T>,
) -> AttributeValue {
    let elements: Option<Vec<T>> = list.iter().map(element).collect();
    match elements {
        Some(elements) if !elements.is_empty() => set(elements),
        _ => AttributeValue::L(list),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::dynamodb::{item_from_dynamodb_json, item_from_plain_json, item_to_plain_json};
    use aws_sdk_dynamodb::types::ScalarAttributeType;

    fn sources() -> Vec<Source> {
        let source = |index: Option<&str>, partition, kind| Source {
            index: index.map(str::to_owned),
            partition: KeyPart::text(partition),
            sort: Some(KeyPart {
                name: "n".to_owned(),
                kind,
            }),
            is_whole: true,
        };
        vec![
            source(None, "pk", ScalarAttributeType::N),
            source(Some("by-status"), "status", ScalarAttributeType::N),
        ]
    }

    fn check(json: &str, expected: &[&str]) {
        let item = item_from_dynamodb_json(json).unwrap();
        let found = problems(&item, &sources());
        let words: Vec<_> = found
            .iter()
            .map(|it| format!("{}: {}", it.path, it.message))
            .collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn keys_have_to_be_there_and_of_their_type() {
        check(
            r#"{"pk":{"N":"1"}}"#,
            &[
                "pk: The table's key is of type S, not N",
                "n: The table's key needs this attribute",
            ],
        );
        check(
            r#"{"pk":{"S":""},"n":{"N":"1"},"status":{"S":""}}"#,
            &[
                "pk: The table's key cannot be empty",
                "status: The key of index by-status cannot be empty",
            ],
        );
        check(r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#, &[]);
    }

    #[test]
    fn numbers_and_sets_are_checked_wherever_they_are() {
        check(
            r#"{"pk":{"S":"a"},"n":{"N":"1"},"items":{"L":[{"M":{"qty":{"N":"two"}}}]},"tags":{"SS":["a","a"]},"none":{"NS":[]}}"#,
            &[
                "items[0].qty: Not a number: two",
                "none: A set cannot be empty",
                "tags: A set has each element once",
            ],
        );
    }

    #[test]
    fn sets_and_binaries_survive_a_walk_through_plain_json() {
        let item = item_from_dynamodb_json(
            r#"{"tags":{"SS":["a","b"]},"m":{"M":{"ns":{"NS":["1","2.50"]},"b":{"B":"AQI="}}},"bs":{"BS":["AQI="]},"l":{"L":[{"SS":["x"]}]}}"#,
        )
        .unwrap();
        let plain = item_from_plain_json(&item_to_plain_json(&item)).unwrap();
        assert_ne!(plain, item);
        assert_eq!(retyped(plain, &item), item);
    }

    #[test]
    fn a_value_that_no_longer_fits_its_set_becomes_what_it_looks_like() {
        let former = item_from_dynamodb_json(r#"{"tags":{"SS":["a"]}}"#).unwrap();
        for text in [r#"{"tags":["a",1]}"#, r#"{"tags":[]}"#, r#"{"tags":"a"}"#] {
            let item = item_from_plain_json(text).unwrap();
            assert_eq!(retyped(item.clone(), &former), item);
        }
    }
}

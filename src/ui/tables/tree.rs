//! Items to and from the tree that edits them. Pure.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::aws::dynamodb::Item;
use crate::ui::widgets::node::{Members, Node, join};

/// The attributes of an item: the key first, the rest by name.
pub(super) fn members(item: &Item, keys: &[String]) -> Members {
    let mut names: Vec<&String> = item.keys().collect();
    let place = |name: &str| keys.iter().position(|key| key == name);
    names.sort_by_key(|name| (place(name).unwrap_or(keys.len()), *name));
    let member = |name: &String| (name.clone(), node(&item[name]));
    names.into_iter().map(member).collect()
}

/// The item of a tree, or the first thing that is no value.
pub(super) fn item(members: &Members) -> Result<Item, String> {
    inside(members, "")
}

fn node(value: &AttributeValue) -> Node {
    let base64 = |bytes: &Blob| BASE64.encode(bytes.as_ref());
    match value {
        AttributeValue::S(text) => Node::S(text.clone()),
        AttributeValue::N(digits) => Node::N(digits.clone()),
        AttributeValue::B(bytes) => Node::B(base64(bytes)),
        AttributeValue::Bool(flag) => Node::Bool(*flag),
        AttributeValue::M(map) => Node::M(members(map, &[])),
        AttributeValue::L(list) => Node::L(list.iter().map(node).collect()),
        AttributeValue::Ss(set) => Node::Ss(set.clone()),
        AttributeValue::Ns(set) => Node::Ns(set.clone()),
        AttributeValue::Bs(set) => Node::Bs(set.iter().map(base64).collect()),
        _ => Node::Null,
    }
}

fn inside(members: &Members, path: &str) -> Result<Item, String> {
    let mut item = Item::new();
    for (name, node) in members {
        let here = join(path, name);
        let value = value(node, &here)?;
        if item.insert(name.clone(), value).is_some() {
            return Err(format!("{here}: another attribute has this name"));
        }
    }
    Ok(item)
}

fn value(node: &Node, path: &str) -> Result<AttributeValue, String> {
    let bytes = |text: &String| {
        let decoded = BASE64.decode(text.trim());
        let decoded = decoded.map_err(|error| format!("{path}: not base64: {error}"))?;
        Ok::<_, String>(Blob::new(decoded))
    };
    let trimmed = |digits: &String| digits.trim().to_owned();
    Ok(match node {
        Node::S(text) => AttributeValue::S(text.clone()),
        Node::N(digits) => AttributeValue::N(trimmed(digits)),
        Node::B(text) => AttributeValue::B(bytes(text)?),
        Node::Bool(flag) => AttributeValue::Bool(*flag),
        Node::Null => AttributeValue::Null(true),
        Node::M(members) => AttributeValue::M(inside(members, path)?),
        Node::L(elements) => {
            let elements = elements.iter().enumerate();
            let values = elements.map(|(nth, it)| value(it, &format!("{path}[{nth}]")));
            AttributeValue::L(values.collect::<Result<_, _>>()?)
        }
        Node::Ss(set) => AttributeValue::Ss(set.clone()),
        Node::Ns(set) => AttributeValue::Ns(set.iter().map(trimmed).collect()),
        Node::Bs(set) => AttributeValue::Bs(set.iter().map(bytes).collect::<Result<_, _>>()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::dynamodb::item_from_dynamodb_json;

    #[test]
    fn an_item_comes_back_from_the_tree_as_it_was() {
        let original = item_from_dynamodb_json(
            r#"{"pk":{"S":""},"a":{"L":[{"M":{"n":{"N":"1.50"}}},{"NULL":true}]},"b":{"B":"AQI="},
            "bs":{"BS":["AQI="]},"ns":{"NS":["1","2"]},"ss":{"SS":["x"]},"t":{"BOOL":true}}"#,
        )
        .unwrap();
        let tree = members(&original, &["pk".to_owned()]);
        assert_eq!(tree[0].0, "pk");
        assert_eq!(tree[1].0, "a");
        assert_eq!(item(&tree).unwrap(), original);
    }

    #[test]
    fn what_is_no_value_is_named_by_its_place() {
        let list = Node::L(vec![Node::B("%".to_owned())]);
        let error = item(&vec![("files".to_owned(), list)]).unwrap_err();
        assert!(error.starts_with("files[0]: not base64"), "{error}");
        let twice = vec![("a".to_owned(), Node::Null), ("a".to_owned(), Node::Null)];
        assert_eq!(
            item(&twice).unwrap_err(),
            "a: another attribute has this name"
        );
    }
}

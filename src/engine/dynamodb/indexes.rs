//! Entries of items in secondary indexes: which, under what key, with which attributes.

use crate::engine::dynamodb::value::{Attribute, Item};
use crate::engine::state::{Index, KeyAttribute, KeySchema, KeyType, Projection};
use crate::engine::store::codec::encode_item;
use crate::engine::store::keys;

/// An index entry as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: Vec<u8>,
    /// The projected item, encoded.
    pub item: Vec<u8>,
}

impl Entry {
    /// The item's entry, if it has one: it needs every key attribute of the index, of the right type.
    pub(super) fn of(index: &Index, table: &KeySchema, item: &Item) -> Option<Self> {
        if !fits(index, item) {
            return None;
        }
        let key = keys::index_key(index.store_id, &index.keys, table, item)?;
        let item = if index.projection == Projection::All {
            encode_item(item)
        } else {
            let projected = item
                .iter()
                .filter(|(name, _)| carries(index, table, name))
                .map(|(name, value)| (name.clone(), value.clone()));
            encode_item(&projected.collect())
        };
        Some(Self { key, item })
    }
}

/// Whether the index carries this top-level attribute.
pub(super) fn carries(index: &Index, table: &KeySchema, name: &str) -> bool {
    let is_key = |keys: &KeySchema| key_attributes(keys).any(|it| it.name == name);
    is_key(&index.keys)
        || is_key(table)
        || match &index.projection {
            Projection::All => true,
            Projection::KeysOnly => false,
            Projection::Include(names) => names.iter().any(|it| it == name),
        }
}

/// Partition key, then sort key, with all their attributes.
pub(super) fn key_attributes(keys: &KeySchema) -> impl Iterator<Item = &KeyAttribute> {
    partition_attributes(keys).chain(sort_attributes(keys))
}

/// Names of the key attributes.
pub(super) fn key_names(keys: &KeySchema) -> impl Iterator<Item = &String> {
    key_attributes(keys).map(|it| &it.name)
}

/// Attributes of the partition key; more than one only in a global index.
pub(super) fn partition_attributes(keys: &KeySchema) -> impl Iterator<Item = &KeyAttribute> {
    std::iter::once(&keys.partition).chain(&keys.more.partition)
}

/// Attributes of the sort key, in the order they sort by; more than one only in a global index.
pub(super) fn sort_attributes(keys: &KeySchema) -> impl Iterator<Item = &KeyAttribute> {
    keys.sort.iter().chain(&keys.more.sort)
}

/// Whether a value has the type the key wants.
pub(super) fn has_type(key: &KeyAttribute, value: &Attribute) -> bool {
    matches!(
        (key.kind, value),
        (KeyType::S, Attribute::S(_))
            | (KeyType::N, Attribute::N(_))
            | (KeyType::B, Attribute::B(_))
    )
}

/// Items that were there before the index may have key attributes of other types: they stay outside.
pub(super) fn fits(index: &Index, item: &Item) -> bool {
    key_attributes(&index.keys).all(|key| {
        item.get(&key.name).is_some_and(|value| {
            let is_empty = match value {
                Attribute::S(text) => text.is_empty(),
                Attribute::B(bytes) => bytes.is_empty(),
                _ => false,
            };
            has_type(key, value) && !is_empty
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::dynamodb::value::item_from_json;
    use crate::engine::state::MoreKeys;
    use crate::engine::store::codec::decode_item;

    #[test]
    fn an_entry_carries_keys_and_what_the_projection_names() {
        let key = |name: &str| KeyAttribute {
            name: name.to_owned(),
            kind: KeyType::S,
        };
        let table = KeySchema {
            partition: key("id"),
            sort: None,
            more: MoreKeys::default(),
        };
        let index = |projection| Index {
            name: "by_kind".to_owned(),
            store_id: 2,
            global: true,
            keys: KeySchema {
                partition: key("kind"),
                sort: None,
                more: MoreKeys::default(),
            },
            projection,
            status: "ACTIVE".to_owned(),
            backfilling: None,
            throughput: None,
            settings: std::collections::BTreeMap::new(),
        };
        let item = item_from_json(&json!({
            "id": {"S": "1"}, "kind": {"S": "k"}, "a": {"N": "1"}, "b": {"N": "2"}
        }))
        .unwrap();
        for (projection, names) in [
            (Projection::All, vec!["a", "b", "id", "kind"]),
            (Projection::KeysOnly, vec!["id", "kind"]),
            (
                Projection::Include(vec!["b".to_owned()]),
                vec!["b", "id", "kind"],
            ),
        ] {
            let entry = Entry::of(&index(projection), &table, &item).unwrap();
            let carried = decode_item(&entry.item).unwrap();
            assert_eq!(carried.keys().collect::<Vec<_>>(), names);
        }
        let bare = item_from_json(&json!({"id": {"S": "1"}})).unwrap();
        assert_eq!(Entry::of(&index(Projection::All), &table, &bare), None);
    }
}

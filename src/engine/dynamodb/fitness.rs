//! Whether items and keys fit their table: key attributes there, of the right type, not empty, not too large. Pure.

use super::indexes::{has_type, key_attributes, partition_attributes, sort_attributes};
use super::schema::invalid;
use super::value::{Attribute, Item, item_size};
use crate::engine::call::Fault;
use crate::engine::state::{KeyAttribute, KeySchema, KeyType, Table};

/// Most bytes of an item.
const ITEM_MAX: usize = 400 * 1024;
const PARTITION_KEY_MAX: usize = 2048;
const SORT_KEY_MAX: usize = 1024;

/// Refuses an item that is too large to be put.
pub(super) fn check_size(item: &Item) -> Result<(), Fault> {
    if item_size(item) > ITEM_MAX {
        return Err(Fault::validation(
            "Item size has exceeded the maximum allowed size",
        ));
    }
    Ok(())
}

/// Refuses an item that grew too large by an update.
pub(super) fn check_updated_size(item: &Item) -> Result<(), Fault> {
    if item_size(item) > ITEM_MAX {
        return Err(Fault::validation(
            "Item size to update has exceeded the maximum allowed size",
        ));
    }
    Ok(())
}

/// Checks an item to be stored and gives its key.
pub(super) fn check_item(table: &Table, item: &Item) -> Result<Item, Fault> {
    check_new(table, item)?;
    Ok(key_of(&table.keys, item))
}

/// Checks an item to be stored.
pub(super) fn check_new(table: &Table, item: &Item) -> Result<(), Fault> {
    for (key, size_max) in with_limits(&table.keys) {
        let Some(value) = item.get(&key.name) else {
            return Err(invalid(&format!(
                "Missing the key {} in the item",
                key.name
            )));
        };
        if !has_type(key, value) {
            return Err(invalid(&format!(
                "Type mismatch for key {} expected: {} actual: {}",
                key.name,
                kind_name(key.kind),
                value.type_name()
            )));
        }
        check_key_value(key, value, size_max)?;
    }
    check_index_keys(table, item)
}

/// Checks the index keys of an item: they may be missing, but not of another type.
pub(super) fn check_index_keys(table: &Table, item: &Item) -> Result<(), Fault> {
    for index in table.indexes.iter().filter(|it| it.status != "DELETING") {
        for (key, size_max) in with_limits(&index.keys) {
            let Some(value) = item.get(&key.name) else {
                continue;
            };
            if !has_type(key, value) {
                return Err(invalid(&format!(
                    "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
                    key.name,
                    kind_name(key.kind),
                    value.type_name(),
                    index.name
                )));
            }
            if let Some(kind) = empty_kind(value) {
                return Err(Fault::validation(format!(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not \
                     supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. \
                     IndexName: {}, IndexKey: {}",
                    index.name, key.name
                )));
            }
            check_key_size(value, size_max)?;
        }
    }
    Ok(())
}

/// Checks a `Key`: the key attributes and nothing else.
pub(super) fn check_key(keys: &KeySchema, key: &Item) -> Result<(), Fault> {
    if key.len() != key_attributes(keys).count() {
        return Err(mismatch());
    }
    for (attribute, size_max) in with_limits(keys) {
        let value = key.get(&attribute.name).ok_or_else(mismatch)?;
        if !has_type(attribute, value) {
            return Err(mismatch());
        }
        check_key_value(attribute, value, size_max)?;
    }
    Ok(())
}

/// The key attributes of an item.
pub(super) fn key_of(keys: &KeySchema, item: &Item) -> Item {
    key_attributes(keys)
        .filter_map(|key| Some((key.name.clone(), item.get(&key.name)?.clone())))
        .collect()
}

fn with_limits(keys: &KeySchema) -> impl Iterator<Item = (&KeyAttribute, usize)> {
    let partition = partition_attributes(keys).map(|it| (it, PARTITION_KEY_MAX));
    partition.chain(sort_attributes(keys).map(|it| (it, SORT_KEY_MAX)))
}

fn check_key_value(key: &KeyAttribute, value: &Attribute, size_max: usize) -> Result<(), Fault> {
    if let Some(kind) = empty_kind(value) {
        return Err(Fault::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty {kind} value. Key: {}",
            key.name
        )));
    }
    check_key_size(value, size_max)
}

fn check_key_size(value: &Attribute, size_max: usize) -> Result<(), Fault> {
    let size = match value {
        Attribute::S(text) => text.len(),
        Attribute::B(bytes) => bytes.len(),
        _ => 0,
    };
    if size <= size_max {
        return Ok(());
    }
    // No space before 2048: so the service words it.
    Err(invalid(if size_max == PARTITION_KEY_MAX {
        "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    } else {
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    }))
}

fn empty_kind(value: &Attribute) -> Option<&'static str> {
    match value {
        Attribute::S(text) if text.is_empty() => Some("string"),
        Attribute::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

fn kind_name(kind: KeyType) -> &'static str {
    match kind {
        KeyType::S => "S",
        KeyType::N => "N",
        KeyType::B => "B",
    }
}

fn mismatch() -> Fault {
    Fault::validation("The provided key element does not match the schema")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::dynamodb::value::item_from_json;
    use crate::engine::state::MoreKeys;

    fn keys() -> KeySchema {
        let key = |name: &str, kind| KeyAttribute {
            name: name.to_owned(),
            kind,
        };
        KeySchema {
            partition: key("pk", KeyType::S),
            sort: Some(key("sk", KeyType::N)),
            more: MoreKeys::default(),
        }
    }

    fn refused(json: &Value) -> String {
        let item = item_from_json(json).unwrap();
        check_key(&keys(), &item).unwrap_err().message
    }

    #[test]
    fn a_key_has_the_key_attributes_and_nothing_else() {
        let fits = item_from_json(&json!({"pk": {"S": "a"}, "sk": {"N": "1"}})).unwrap();
        assert_eq!(check_key(&keys(), &fits), Ok(()));
        let mismatch = "The provided key element does not match the schema";
        for json in [
            json!({"pk": {"S": "a"}}),
            json!({"pk": {"S": "a"}, "sk": {"S": "1"}}),
            json!({"pk": {"S": "a"}, "other": {"N": "1"}}),
            json!({"pk": {"S": "a"}, "sk": {"N": "1"}, "other": {"N": "1"}}),
        ] {
            assert_eq!(refused(&json), mismatch);
        }
        assert_eq!(
            refused(&json!({"pk": {"S": ""}, "sk": {"N": "1"}})),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty string value. Key: pk"
        );
        assert_eq!(
            refused(&json!({"pk": {"S": "a".repeat(2049)}, "sk": {"N": "1"}})),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
        );
    }

    #[test]
    fn an_item_may_have_400_kilobytes() {
        let item = |bytes: usize| Item::from([("a".to_owned(), Attribute::S("x".repeat(bytes)))]);
        assert_eq!(check_size(&item(ITEM_MAX - 1)), Ok(()));
        assert!(check_size(&item(ITEM_MAX)).is_err());
    }
}

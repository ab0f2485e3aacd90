//! Keys and indexes of a table as a request defines them, checked in AWS's order with AWS's words. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::indexes::key_attributes;
use super::tables;
use crate::engine::call::Fault;
use crate::engine::state::{Index, KeyAttribute, KeySchema, KeyType, MoreKeys, Projection};

const LOCAL_MAX: usize = 5;
const GLOBAL_MAX: usize = 20;
/// Most attributes that all indexes of a table name in their projections.
const PROJECTED_MAX: usize = 100;
/// Key attributes of one kind in a global index.
const KEYS_MAX: usize = 4;

/// What a request says of one index. Its shape was checked before.
pub(super) struct IndexRequest<'a> {
    pub input: &'a Value,
    pub global: bool,
}

/// `AttributeDefinitions`, in the order of the request.
pub(super) fn attributes(input: &Value) -> Result<Vec<KeyAttribute>, Fault> {
    let mut attributes: Vec<KeyAttribute> = Vec::new();
    for definition in elements(input, "AttributeDefinitions") {
        let name = text(definition, "AttributeName");
        if attributes.iter().any(|it| it.name == name) {
            return Err(Fault::validation(format!(
                "Attribute Name is duplicated: {name}"
            )));
        }
        attributes.push(KeyAttribute {
            name: name.to_owned(),
            kind: match text(definition, "AttributeType") {
                "N" => KeyType::N,
                "B" => KeyType::B,
                _ => KeyType::S,
            },
        });
    }
    Ok(attributes)
}

/// `KeySchema` of a global index, which may have several attributes of each kind.
fn global_keys(input: &Value, attributes: &[KeyAttribute]) -> Result<KeySchema, Fault> {
    let elements = elements(input, "KeySchema");
    if !is_many(elements) {
        return keys(input, attributes);
    }
    many_keys(elements, defined(elements, attributes)?)
}

/// `KeySchema` of a table or an index.
pub(super) fn keys(input: &Value, attributes: &[KeyAttribute]) -> Result<KeySchema, Fault> {
    let elements = elements(input, "KeySchema");
    let found = defined(elements, attributes)?;
    if let [first, second] = &found[..]
        && first.name == second.name
    {
        return Err(Fault::validation(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    for (element, (place, kind)) in elements
        .iter()
        .zip([("first", "HASH"), ("second", "RANGE")])
    {
        if text(element, "KeyType") != kind {
            return Err(Fault::validation(format!(
                "Invalid KeySchema: The {place} KeySchemaElement is not a {kind} key type"
            )));
        }
    }
    let mut found = found.into_iter();
    let partition = found.next().ok_or_else(|| {
        Fault::validation("Invalid KeySchema: Some index key attribute have no definition")
    })?;
    Ok(KeySchema {
        partition,
        sort: found.next(),
        more: MoreKeys::default(),
    })
}

/// The definitions of key attributes.
fn defined(elements: &[Value], attributes: &[KeyAttribute]) -> Result<Vec<KeyAttribute>, Fault> {
    let names: Vec<&str> = elements
        .iter()
        .map(|it| text(it, "AttributeName"))
        .collect();
    if names.len() > attributes.len() {
        return Err(Fault::validation(
            "Invalid KeySchema: Some index key attribute have no definition",
        ));
    }
    let find = |name: &str| attributes.iter().find(|it| it.name == name).cloned();
    let found: Vec<KeyAttribute> = names.iter().filter_map(|it| find(it)).collect();
    if found.len() < names.len() {
        return Err(invalid(&format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
            names.join(", "),
            join(attributes)
        )));
    }
    Ok(found)
}

/// Whether a key has more attributes of one kind than tables may have.
fn is_many(elements: &[Value]) -> bool {
    let count = |kind: &str| {
        elements
            .iter()
            .filter(|it| text(it, "KeyType") == kind)
            .count()
    };
    count("HASH") > 1 || elements.len() > 2
}

/// The key of a global index with several attributes, partition keys first.
fn many_keys(elements: &[Value], found: Vec<KeyAttribute>) -> Result<KeySchema, Fault> {
    let mut partition = Vec::new();
    let mut sort = Vec::new();
    for (element, key) in elements.iter().zip(found) {
        let is_repeated = |known: &Vec<KeyAttribute>| known.iter().any(|it| it.name == key.name);
        if is_repeated(&partition) || is_repeated(&sort) {
            return Err(Fault::validation(format!(
                "Invalid KeySchema: The attribute {} is in the KeySchema more than once",
                key.name
            )));
        }
        match text(element, "KeyType") {
            "HASH" if sort.is_empty() => partition.push(key),
            "HASH" => {
                return Err(Fault::validation(
                    "Invalid KeySchema: HASH key elements must come before RANGE key elements",
                ));
            }
            _ => sort.push(key),
        }
    }
    for (keys, kind) in [(&partition, "HASH"), (&sort, "RANGE")] {
        if keys.len() > KEYS_MAX {
            return Err(Fault::validation(format!(
                "Invalid KeySchema: The number of {kind} key elements exceeds the limit of {KEYS_MAX}"
            )));
        }
    }
    if partition.is_empty() {
        return Err(Fault::validation(
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ));
    }
    let first = partition.remove(0);
    let mut sort = sort.into_iter();
    Ok(KeySchema {
        partition: first,
        sort: sort.next(),
        more: MoreKeys {
            partition,
            sort: sort.collect(),
        },
    })
}

/// The indexes a new table is asked for, without their key prefixes.
pub(super) fn indexes(
    input: &Value,
    table: &KeySchema,
    attributes: &[KeyAttribute],
    pay_per_request: bool,
) -> Result<Vec<Index>, Fault> {
    let mut indexes: Vec<Index> = Vec::new();
    for (member, global) in [
        ("LocalSecondaryIndexes", false),
        ("GlobalSecondaryIndexes", true),
    ] {
        let Some(wanted) = input.get(member).filter(|it| !it.is_null()) else {
            continue;
        };
        let wanted = wanted.as_array().map_or(&[][..], Vec::as_slice);
        if wanted.is_empty() {
            return Err(invalid(&format!("List of {member} is empty")));
        }
        if !global && table.sort.is_none() {
            return Err(invalid(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
            ));
        }
        for input in wanted {
            let request = IndexRequest { input, global };
            let index = index(&request, table, attributes, pay_per_request)?;
            if indexes.iter().any(|it| it.name == index.name) {
                return Err(invalid(&format!("Duplicate index name: {}", index.name)));
            }
            indexes.push(index);
        }
        if !global && wanted.len() > LOCAL_MAX {
            return Err(invalid(
                "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
            ));
        }
        if wanted.len() > GLOBAL_MAX {
            return Err(invalid(
                "GlobalSecondaryIndex count exceeds the per-table limit of 20",
            ));
        }
    }
    check_projected(&indexes)?;
    Ok(indexes)
}

/// Refuses more projected attributes than one table may have in all its indexes.
pub(super) fn check_projected(indexes: &[Index]) -> Result<(), Fault> {
    let count = indexes.iter().map(|it| match &it.projection {
        Projection::Include(names) => names.len(),
        Projection::All | Projection::KeysOnly => 0,
    });
    if count.sum::<usize>() <= PROJECTED_MAX {
        return Ok(());
    }
    Err(invalid(
        "Total number of NonKeyAttributes of all indexes exceeds the per-table limit of 100",
    ))
}

/// One index, without its key prefix.
pub(super) fn index(
    request: &IndexRequest<'_>,
    table: &KeySchema,
    attributes: &[KeyAttribute],
    pay_per_request: bool,
) -> Result<Index, Fault> {
    let name = text(request.input, "IndexName");
    let keys = if request.global {
        global_keys(request.input, attributes)?
    } else {
        keys(request.input, attributes)?
    };
    if !request.global {
        if keys.sort.is_none() {
            return Err(invalid(&format!(
                "Index KeySchema does not have a range key for index: {name}"
            )));
        }
        if keys.partition.name != table.partition.name {
            return Err(invalid(&format!(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. \
                 index hash key: {}, table hash key: {}",
                keys.partition.name, table.partition.name
            )));
        }
    }
    let throughput = request
        .input
        .get("ProvisionedThroughput")
        .filter(|it| !it.is_null());
    if request.global && pay_per_request && throughput.is_some() {
        return Err(invalid(&format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )));
    }
    if request.global && !pay_per_request && throughput.is_none() {
        return Err(invalid(&format!(
            "ProvisionedThroughput is not specified for index: {name}"
        )));
    }
    Ok(Index {
        name: name.to_owned(),
        store_id: 0,
        global: request.global,
        keys,
        projection: projection(request.input)?,
        status: "CREATING".to_owned(),
        backfilling: None,
        throughput: throughput.cloned(),
        settings: tables::kept(request.input, &tables::KEPT_OF_INDEXES),
    })
}

/// Refuses definitions no key uses.
pub(super) fn check_all_used(
    attributes: &[KeyAttribute],
    table: &KeySchema,
    indexes: &[Index],
) -> Result<(), Fault> {
    let used: BTreeSet<&str> = std::iter::once(table)
        .chain(indexes.iter().map(|it| &it.keys))
        .flat_map(key_attributes)
        .map(|it| it.name.as_str())
        .collect();
    if used.len() == attributes.len() {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    let used: Vec<&str> = used.into_iter().collect();
    Err(invalid(&format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        join(attributes),
        used.join(", ")
    )))
}

fn projection(input: &Value) -> Result<Projection, Fault> {
    let projection = &input["Projection"];
    let kind = projection.get("ProjectionType").and_then(Value::as_str);
    let names = projection
        .get("NonKeyAttributes")
        .and_then(Value::as_array)
        .map(|names| {
            let names = names.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        });
    match (kind, names) {
        (None, _) => Err(invalid("Unknown ProjectionType: null")),
        (Some("INCLUDE"), None) => Err(invalid(
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        )),
        (Some("INCLUDE"), Some(names)) => {
            let mut seen = BTreeSet::new();
            match names.iter().find(|it| !seen.insert(it.as_str())) {
                Some(twice) => Err(invalid(&format!(
                    "Duplicate element in NonKeyAttributes: {twice}"
                ))),
                None => Ok(Projection::Include(names)),
            }
        }
        (Some(kind), Some(_)) => Err(invalid(&format!(
            "ProjectionType is {kind}, but NonKeyAttributes is specified"
        ))),
        (Some("KEYS_ONLY"), None) => Ok(Projection::KeysOnly),
        (Some(_), None) => Ok(Projection::All),
    }
}

/// `One or more parameter values were invalid: …`
pub(super) fn invalid(words: &str) -> Fault {
    Fault::validation(format!(
        "One or more parameter values were invalid: {words}"
    ))
}

/// A list of the request, empty when it is not there.
pub(super) fn elements<'a>(input: &'a Value, member: &str) -> &'a [Value] {
    input
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A text of the request, empty when it is not there.
pub(super) fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn join(attributes: &[KeyAttribute]) -> String {
    let names: Vec<&str> = attributes.iter().map(|it| it.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(input: &Value) -> Result<(KeySchema, Vec<Index>), Fault> {
        let attributes = attributes(input)?;
        let keys = keys(input, &attributes)?;
        let indexes = indexes(input, &keys, &attributes, true)?;
        check_all_used(&attributes, &keys, &indexes)?;
        Ok((keys, indexes))
    }

    fn request(attributes: &str, keys: &str) -> Value {
        let definitions: Vec<Value> = attributes
            .split_whitespace()
            .map(|it| json!({"AttributeName": it, "AttributeType": "S"}))
            .collect();
        json!({"AttributeDefinitions": definitions, "KeySchema": schema(keys)})
    }

    fn schema(keys: &str) -> Vec<Value> {
        keys.split_whitespace()
            .zip(["HASH", "RANGE"])
            .map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}))
            .collect()
    }

    fn with_index(mut request: Value, member: &str, keys: &str, projection: &Value) -> Value {
        request[member] =
            json!([{"IndexName": "by_x", "KeySchema": schema(keys), "Projection": projection}]);
        request
    }

    #[test]
    fn a_table_with_both_kinds_of_index_is_understood() {
        let include = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]});
        let request = with_index(
            request("a b x", "a b"),
            "LocalSecondaryIndexes",
            "a x",
            &include,
        );
        let (keys, indexes) = table(&request).unwrap();
        assert_eq!(keys.sort.unwrap().name, "b");
        assert_eq!(
            indexes[0].projection,
            Projection::Include(vec!["n".to_owned()])
        );
        assert!(!indexes[0].global);
    }

    fn check(request: &Value, words: &str) {
        assert_eq!(table(request).unwrap_err().message, words);
    }

    fn check_invalid(request: &Value, words: &str) {
        let prefix = "One or more parameter values were invalid: ";
        check(request, &format!("{prefix}{words}"));
    }

    #[test]
    fn wrong_keys_are_refused_in_the_words_of_aws() {
        check(
            &request("a", "a a"),
            "Invalid KeySchema: Some index key attribute have no definition",
        );
        check(
            &request("a b", "a a"),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        );
        check(&request("a a", "a"), "Attribute Name is duplicated: a");
        check_invalid(
            &request("a b", "a c"),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [a, c], \
             AttributeDefinitions: [a, b]",
        );
        check_invalid(
            &request("a b", "a"),
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        );
    }

    #[test]
    fn wrong_indexes_are_refused_in_the_words_of_aws() {
        let all = json!({"ProjectionType": "ALL"});
        let local = |attributes, table, index| {
            let request = request(attributes, table);
            with_index(request, "LocalSecondaryIndexes", index, &all)
        };
        let global = |attributes, projection: &Value| {
            let request = request(attributes, "a");
            with_index(request, "GlobalSecondaryIndexes", "x", projection)
        };
        check_invalid(
            &local("a x", "a", "a x"),
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        );
        check_invalid(
            &local("a b x", "a b", "x b"),
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: by_x. \
             index hash key: x, table hash key: a",
        );
        check_invalid(
            &global("a x y", &all),
            "Some AttributeDefinitions are not used. AttributeDefinitions: [a, x, y], keys used: [a, x]",
        );
        let contradiction = json!({"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["n"]});
        check_invalid(
            &global("a x", &contradiction),
            "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
        );
        check_invalid(&global("a x", &json!({})), "Unknown ProjectionType: null");
    }
}

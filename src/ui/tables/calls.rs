//! The calls behind the buttons, as text: what AWS will be sent. Pure.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

use crate::aws::dynamodb::{
    IndexProjection, Item, KeyPart, NewTable, PutRule, attribute_to_dynamodb_json,
};
use crate::ui::widgets::json_view::pretty;

/// Keys shown of a batch.
const SHOWN_MAX: usize = 10;

/// An operation and its input.
pub(super) fn call(operation: &str, input: &Value) -> String {
    format!("{operation} {}", pretty(input))
}

/// Writing an item to a table with this partition key.
pub(super) fn put(table: &str, partition: &str, item: &Item, rule: PutRule) -> String {
    let mut input = json!({ "TableName": table, "Item": typed(item) });
    if let Some(condition) = rule.condition(partition, item) {
        input["ConditionExpression"] = condition.expression.into();
        let names: BTreeMap<_, _> = condition.names.into_iter().collect();
        input["ExpressionAttributeNames"] = json!(names);
        if !condition.values.is_empty() {
            input["ExpressionAttributeValues"] = typed(&condition.values);
        }
    }
    call("PutItem", &input)
}

/// Deleting items: one call for one, batches for more.
pub(super) fn delete(table: &str, keys: &[Item]) -> String {
    if let [key] = keys {
        let input = json!({ "TableName": table, "Key": typed(key) });
        return call("DeleteItem", &input);
    }
    let request = |key: &Item| json!({ "DeleteRequest": { "Key": typed(key) } });
    let shown: Vec<_> = keys.iter().take(SHOWN_MAX).map(request).collect();
    let text = call(
        "BatchWriteItem",
        &json!({ "RequestItems": { table: shown } }),
    );
    match keys.len().saturating_sub(SHOWN_MAX) {
        0 => text,
        more => format!("{text}\nand {more} more, 25 per call"),
    }
}

/// The input of `CreateTable`.
pub(super) fn create_table(table: &NewTable) -> Value {
    let keys = |partition: &KeyPart, sort: Option<&KeyPart>| -> Vec<Value> {
        let hash = json!({ "AttributeName": partition.name, "KeyType": "HASH" });
        let range = sort.map(|it| json!({ "AttributeName": it.name, "KeyType": "RANGE" }));
        std::iter::once(hash).chain(range).collect()
    };
    let of_indexes = table
        .indexes
        .iter()
        .flat_map(|it| std::iter::once(&it.partition).chain(&it.sort));
    let parts: BTreeMap<&str, &str> = std::iter::once(&table.partition)
        .chain(&table.sort)
        .chain(of_indexes)
        .map(|it| (it.name.as_str(), it.kind.as_str()))
        .collect();
    let definitions: Vec<_> = parts
        .into_iter()
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
        .collect();
    let mut input = json!({
        "TableName": table.name,
        "KeySchema": keys(&table.partition, table.sort.as_ref()),
        "AttributeDefinitions": definitions,
        "BillingMode": if table.provisioned.is_some() { "PROVISIONED" } else { "PAY_PER_REQUEST" },
    });
    let throughput = table
        .provisioned
        .map(|(read, write)| json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write }));
    if let Some(throughput) = &throughput {
        input["ProvisionedThroughput"] = throughput.clone();
    }
    for (is_global, member) in [
        (true, "GlobalSecondaryIndexes"),
        (false, "LocalSecondaryIndexes"),
    ] {
        let indexes: Vec<_> = table
            .indexes
            .iter()
            .filter(|it| it.global == is_global)
            .map(|it| {
                let mut index = json!({
                    "IndexName": it.name,
                    "KeySchema": keys(&it.partition, it.sort.as_ref()),
                    "Projection": projection(&it.projection),
                });
                if let Some(throughput) = throughput.as_ref().filter(|_| is_global) {
                    index["ProvisionedThroughput"] = throughput.clone();
                }
                index
            })
            .collect();
        if !indexes.is_empty() {
            input[member] = indexes.into();
        }
    }
    if let Some(view) = &table.stream {
        input["StreamSpecification"] =
            json!({ "StreamEnabled": true, "StreamViewType": view.as_str() });
    }
    if table.is_protected {
        input["DeletionProtectionEnabled"] = true.into();
    }
    input
}

fn projection(projection: &IndexProjection) -> Value {
    match projection {
        IndexProjection::All => json!({ "ProjectionType": "ALL" }),
        IndexProjection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
        IndexProjection::Include(names) => {
            json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names })
        }
    }
}

/// An item as DynamoDB JSON, attributes in alphabetical order.
pub(super) fn typed(item: &HashMap<String, AttributeValue>) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    let members: Map<_, _> = sorted
        .into_iter()
        .map(|(name, value)| (name.clone(), attribute_to_dynamodb_json(value)))
        .collect();
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::dynamodb::item_from_dynamodb_json;

    #[test]
    fn the_call_of_an_edit_names_what_must_not_have_changed() {
        let item = item_from_dynamodb_json(r#"{"pk":{"S":"a"},"n":{"N":"2"}}"#).unwrap();
        let former = item_from_dynamodb_json(r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#).unwrap();
        let text = put("T", "pk", &item, PutRule::OnlyIfUnchanged(former));
        let input: Value = serde_json::from_str(text.strip_prefix("PutItem ").unwrap()).unwrap();
        assert_eq!(input["ConditionExpression"], "#g0 = :g0 AND #g1 = :g1");
        assert_eq!(input["ExpressionAttributeValues"][":g0"], json!({"N": "1"}));
        assert_eq!(input["Item"]["n"], json!({"N": "2"}));
        let text = put("T", "pk", &item, PutRule::OnlyNew);
        assert!(text.contains("attribute_not_exists(#g0)"), "{text}");
        assert!(!put("T", "pk", &item, PutRule::Any).contains("Condition"));
    }

    #[test]
    fn a_long_batch_is_shown_in_part() {
        let key = |nth: usize| item_from_dynamodb_json(&format!(r#"{{"pk":{{"S":"{nth}"}}}}"#));
        let keys: Vec<_> = (0..12).map(|nth| key(nth).unwrap()).collect();
        assert!(delete("T", &keys[..1]).starts_with("DeleteItem {"));
        assert!(delete("T", &keys).ends_with("and 2 more, 25 per call"));
    }
}

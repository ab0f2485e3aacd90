//! Tables as AWS describes them. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::indexes::{partition_attributes, sort_attributes};
use super::tally::Tally;
use crate::clock::epoch_secs;
use crate::engine::state::{Index, KeySchema, Projection, Restored, Stream, Table};

/// What a description adds to a table: how much is in it, and its newest stream.
pub struct Facts<'a> {
    /// By the `store_id` of the table and of its indexes.
    pub tally: &'a dyn Fn(u64) -> Tally,
    pub stream: Option<&'a Stream>,
}

/// `TableDescription`.
pub fn table(table: &Table, facts: &Facts<'_>) -> Value {
    let tally = (facts.tally)(table.store_id);
    let mut description = json!({
        "AttributeDefinitions": table
            .attributes
            .iter()
            .map(|it| json!({"AttributeName": it.name, "AttributeType": it.kind}))
            .collect::<Vec<_>>(),
        "TableName": table.name,
        "KeySchema": key_schema(&table.keys),
        "TableStatus": table.status,
        "CreationDateTime": epoch_secs(table.created),
        "ProvisionedThroughput": throughput(table.throughput.as_ref()),
        "TableSizeBytes": tally.bytes,
        "ItemCount": tally.items,
        "TableArn": table.arn,
        "TableId": table.id,
        "DeletionProtectionEnabled": table.deletion_protection,
    });
    for (member, global) in [
        ("LocalSecondaryIndexes", false),
        ("GlobalSecondaryIndexes", true),
    ] {
        let indexes: Vec<Value> = table
            .indexes
            .iter()
            .filter(|it| it.global == global)
            .map(|it| index(it, table, (facts.tally)(it.store_id)))
            .collect();
        if !indexes.is_empty() {
            description[member] = Value::Array(indexes);
        }
    }
    let since = table.settings.get(super::tables::ON_DEMAND_SINCE);
    if let Some(since) = since {
        description["BillingModeSummary"] = json!({
            "BillingMode": if table.pay_per_request { "PAY_PER_REQUEST" } else { "PROVISIONED" },
            "LastUpdateToPayPerRequestDateTime": since,
        });
    }
    description["WarmThroughput"] = warm(&table.settings, table.throughput.as_ref());
    if let Some(most) = table.settings.get("OnDemandThroughput") {
        description["OnDemandThroughput"] = most.clone();
    }
    let encryption = table
        .settings
        .get("SSESpecification")
        .and_then(|it| encryption(it, table));
    if let Some(encryption) = encryption {
        description["SSEDescription"] = encryption;
    }
    if let Some(class) = table.settings.get("TableClass") {
        description["TableClassSummary"] = json!({ "TableClass": class });
    }
    if let Some(restored) = &table.restored {
        description["RestoreSummary"] = restore_summary(restored);
    }
    if let Some(stream) = facts.stream {
        description["LatestStreamArn"] = json!(stream.arn);
        description["LatestStreamLabel"] = json!(stream.label);
        if stream.disabled.is_none() {
            description["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": stream.view_type});
        }
    }
    description
}

fn restore_summary(restored: &Restored) -> Value {
    let mut summary = json!({
        "SourceTableArn": restored.table,
        "RestoreDateTime": epoch_secs(restored.at),
        "RestoreInProgress": restored.source.is_some(),
    });
    if let Some(backup) = &restored.backup {
        summary["SourceBackupArn"] = json!(backup);
    }
    summary
}

/// `KeySchema`.
pub fn key_schema(keys: &KeySchema) -> Value {
    let partition = partition_attributes(keys).map(|key| (key, "HASH"));
    partition
        .chain(sort_attributes(keys).map(|key| (key, "RANGE")))
        .map(|(key, kind)| json!({"AttributeName": key.name, "KeyType": kind}))
        .collect()
}

fn index(index: &Index, table: &Table, tally: Tally) -> Value {
    let mut projection = json!({});
    projection["ProjectionType"] = json!(match &index.projection {
        Projection::All => "ALL",
        Projection::KeysOnly => "KEYS_ONLY",
        Projection::Include(names) => {
            projection["NonKeyAttributes"] = json!(names);
            "INCLUDE"
        }
    });
    let mut description = json!({
        "IndexName": index.name,
        "KeySchema": key_schema(&index.keys),
        "Projection": projection,
        "IndexSizeBytes": tally.bytes,
        "ItemCount": tally.items,
        "IndexArn": format!("{}/index/{}", table.arn, index.name),
    });
    if index.global {
        description["IndexStatus"] = json!(index.status);
        description["ProvisionedThroughput"] = throughput(index.throughput.as_ref());
        description["WarmThroughput"] = warm(&index.settings, index.throughput.as_ref());
        if let Some(most) = index.settings.get("OnDemandThroughput") {
            description["OnDemandThroughput"] = most.clone();
        }
        if let Some(backfilling) = index.backfilling {
            description["Backfilling"] = json!(backfilling);
        }
    }
    description
}

/// `WarmThroughput`: what the table can take at once. Settled here as soon as it is asked for.
fn warm(settings: &BTreeMap<String, Value>, provisioned: Option<&Value>) -> Value {
    let asked = settings.get("WarmThroughput");
    let units = |member: &str, provisioned_member: &str, on_demand: u64| {
        let asked = asked.and_then(|it| it[member].as_u64());
        let usual = provisioned.map_or(on_demand, |it| {
            it[provisioned_member].as_u64().unwrap_or_default()
        });
        asked.unwrap_or(usual)
    };
    json!({
        "ReadUnitsPerSecond": units("ReadUnitsPerSecond", "ReadCapacityUnits", 12_000),
        "WriteUnitsPerSecond": units("WriteUnitsPerSecond", "WriteCapacityUnits", 4_000),
        "Status": "ACTIVE",
    })
}

/// `SSEDescription`; tables that are encrypted with the service's own key have none.
fn encryption(specification: &Value, table: &Table) -> Option<Value> {
    if specification["Enabled"].as_bool() != Some(true) {
        return None;
    }
    let start = table.arn.split(":table/").next().unwrap_or_default();
    let start = start.replacen(":dynamodb:", ":kms:", 1);
    let key = match specification["KMSMasterKeyId"].as_str() {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(alias) if alias.starts_with("alias/") => format!("{start}:{alias}"),
        Some(id) => format!("{start}:key/{id}"),
        None => format!("{start}:alias/aws/dynamodb"),
    };
    Some(json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}))
}

fn throughput(given: Option<&Value>) -> Value {
    let units = |member: &str| given.and_then(|it| it.get(member)).cloned();
    json!({
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": units("ReadCapacityUnits").unwrap_or_else(|| json!(0)),
        "WriteCapacityUnits": units("WriteCapacityUnits").unwrap_or_else(|| json!(0)),
    })
}

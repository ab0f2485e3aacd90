//! On-demand backups: real copies of a table at one moment, in the same data folder.

use std::sync::Arc;

use serde_json::{Value, json};

use super::validate::{Member, Shape};
use super::{copies, describe, names, passing, restore, tables, tally, validate};
use crate::clock::{epoch_millis, epoch_secs};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Backup, State, Table};

const LIST_MAX: usize = 100;
const UNITS: [&str; 2] = ["ReadCapacityUnits", "WriteCapacityUnits"];
const BACKUP_ARN: Member = Member::required("BackupArn", Shape::Text(37, 1024));
static CREATE: &[Member] = &[Member::required("BackupName", Shape::Name(3, 255))];
static NAMED: &[Member] = &[BACKUP_ARN];
static LIST: &[Member] = &[
    Member::new("Limit", Shape::Integer(1, 100)),
    Member::new("ExclusiveStartBackupArn", Shape::Text(37, 1024)),
    Member::new(
        "BackupType",
        Shape::Enum(&["USER", "SYSTEM", "AWS_BACKUP", "ALL"]),
    ),
];
static RESTORE: &[Member] = &[
    BACKUP_ARN,
    Member::new(
        "BillingModeOverride",
        Shape::Enum(&["PROVISIONED", "PAY_PER_REQUEST"]),
    ),
];

pub(super) fn create_backup(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, CREATE)?;
    let store = engine.store();
    let begun = tables::locked_with(engine, &name, |table, tallies| {
        check_usable(table)?;
        let tally = tallies.get(store, table.store_id)?;
        Ok((Arc::clone(table), tally, store.frozen()))
    });
    let (table, tally, frozen) = begun.map_err(|fault| not_found(fault, &name))?;
    let (store_id, view_type) = engine.change(|state| {
        let store_id = state.take_store_id();
        state.scratch.push(store_id);
        let stream = table.stream.as_ref().and_then(|it| state.streams.get(it));
        Ok((store_id, stream.map(|it| it.view_type)))
    })?;
    copies::copy(&frozen, store, table.store_id, store_id)?;
    let id = format!("{:014}-{}", epoch_millis(call.now), call.ids.hex(8));
    let backup = Backup {
        arn: format!("{}/backup/{id}", table.arn),
        name: call.text("BackupName").unwrap_or_default().to_owned(),
        created: call.now,
        store_id,
        items: tally.items,
        bytes: tally.bytes,
        table,
        view_type,
    };
    // Done already; the answer says what AWS says at this moment.
    let details = details(&backup, "CREATING");
    engine.change(|state| {
        state.scratch.retain(|it| *it != store_id);
        state.backups.insert(backup.arn.clone(), backup);
        Ok(())
    })?;
    Ok(Reply::from(json!({ "BackupDetails": details })))
}

pub(super) fn describe_backup(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, NAMED)?;
    engine.read(|state| {
        let description = description(find(state, call)?, "AVAILABLE");
        Ok(Reply::from(json!({ "BackupDescription": description })))
    })
}

pub(super) fn delete_backup(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, NAMED)?;
    let description = engine.change(|state| {
        let backup = find(state, call)?.clone();
        let is_read = |table: &Arc<Table>| {
            let restored = table.restored.as_ref();
            restored.and_then(|it| it.source) == Some(backup.store_id)
        };
        if state.tables.values().any(is_read) {
            return Err(Fault::new(
                400,
                "BackupInUseException",
                format!("Backup is being restored to a table: {}", backup.arn),
            ));
        }
        state.backups.remove(&backup.arn);
        state.trash.push(backup.store_id);
        Ok(description(&backup, "DELETED"))
    })?;
    engine.dynamodb().bell.ring();
    Ok(Reply::from(json!({ "BackupDescription": description })))
}

pub(super) fn list_backups(engine: &Engine, call: &Call) -> Answer {
    let table = names::checked(call.text("TableName"), 1).transpose()?;
    validate::check(&call.input, LIST)?;
    let limit = call.input["Limit"].as_u64();
    let limit = limit.and_then(|it| usize::try_from(it).ok());
    let bound = |member: &str| call.input[member].as_f64();
    let (from, to) = (bound("TimeRangeLowerBound"), bound("TimeRangeUpperBound"));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Fault::validation(
            "TimeRangeLowerBound must be before TimeRangeUpperBound",
        ));
    }
    let after = call.text("ExclusiveStartBackupArn");
    let is_kind = matches!(call.text("BackupType"), None | Some("USER" | "ALL"));
    engine.read(|state| {
        let mut found: Vec<&Backup> = state
            .backups
            .values()
            .filter(|it| is_kind && table.is_none_or(|name| it.table.name == name))
            .filter(|it| from.is_none_or(|from| epoch_secs(it.created) >= from))
            .filter(|it| to.is_none_or(|to| epoch_secs(it.created) < to))
            .collect();
        found.sort_by_key(|it| place(&it.arn));
        if let Some(after) = after {
            found.retain(|it| place(&it.arn) > place(after));
        }
        let page = &found[..found.len().min(limit.unwrap_or(LIST_MAX))];
        let summaries: Vec<Value> = page.iter().map(|it| summary(it)).collect();
        let mut answer = json!({ "BackupSummaries": summaries });
        if let (Some(last), true) = (page.last(), page.len() < found.len()) {
            answer["LastEvaluatedBackupArn"] = json!(last.arn);
        }
        Ok(Reply::from(answer))
    })
}

pub(super) fn restore_table_from_backup(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, RESTORE)?;
    let name = restore::target(engine, call)?;
    let backup = engine.read(|state| find(state, call).cloned())?;
    let source = restore::Source {
        table: &backup.table,
        store_id: backup.store_id,
        backup: Some(backup.arn.clone()),
        drops: false,
    };
    restore::begin(engine, call, name, &source)
}

/// Backups name a missing table in an error of their own.
pub(super) fn not_found(fault: Fault, name: &str) -> Fault {
    if fault.code == "ResourceNotFoundException" {
        return Fault::new(
            400,
            "TableNotFoundException",
            format!("Table not found: {name}"),
        );
    }
    fault
}

/// Refuses a table that is being made or deleted.
pub(super) fn check_usable(table: &Table) -> Result<(), Fault> {
    passing::check_active(table).map_err(|fault| Fault {
        code: "TableInUseException",
        ..fault
    })
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Backup, Fault> {
    let arn = call.text("BackupArn").unwrap_or_default();
    state.backups.get(arn).ok_or_else(|| {
        Fault::new(
            400,
            "BackupNotFoundException",
            format!("Backup not found: {arn}"),
        )
    })
}

/// Backups follow each other by the time in their ARN.
fn place(arn: &str) -> (&str, &str) {
    let id = arn.rsplit('/').next().unwrap_or_default();
    (id, arn)
}

fn details(backup: &Backup, status: &str) -> Value {
    json!({
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.bytes,
        "BackupStatus": status,
        "BackupType": "USER",
        "BackupCreationDateTime": epoch_secs(backup.created),
    })
}

fn summary(backup: &Backup) -> Value {
    let mut summary = details(backup, "AVAILABLE");
    summary["TableName"] = json!(backup.table.name);
    summary["TableId"] = json!(backup.table.id);
    summary["TableArn"] = json!(backup.table.arn);
    summary
}

fn description(backup: &Backup, status: &str) -> Value {
    let table = &backup.table;
    let tally = tally::Tally {
        items: backup.items,
        bytes: backup.bytes,
    };
    let facts = describe::Facts {
        tally: &|_| tally,
        stream: None,
    };
    let described = describe::table(table, &facts);
    let pick = |from: &Value, members: &[&str]| -> Value {
        let found = members
            .iter()
            .filter_map(|it| Some(((*it).to_owned(), from.get(*it)?.clone())));
        Value::Object(found.collect())
    };
    let mut source = pick(
        &described,
        &[
            "TableName",
            "TableId",
            "TableArn",
            "KeySchema",
            "OnDemandThroughput",
        ],
    );
    source["TableSizeBytes"] = json!(backup.bytes);
    source["ItemCount"] = json!(backup.items);
    source["TableCreationDateTime"] = json!(epoch_secs(table.created));
    source["BillingMode"] = json!(if table.pay_per_request {
        "PAY_PER_REQUEST"
    } else {
        "PROVISIONED"
    });
    source["ProvisionedThroughput"] = pick(&described["ProvisionedThroughput"], &UNITS);
    let mut features = pick(&described, &["SSEDescription"]);
    for member in ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"] {
        let Some(indexes) = described[member].as_array() else {
            continue;
        };
        let told = indexes.iter().map(|index| {
            let mut told = pick(
                index,
                &["IndexName", "KeySchema", "Projection", "OnDemandThroughput"],
            );
            if let Some(units) = index.get("ProvisionedThroughput") {
                told["ProvisionedThroughput"] = pick(units, &UNITS);
            }
            told
        });
        features[member] = told.collect();
    }
    if let Some(view_type) = backup.view_type {
        features["StreamDescription"] = json!({"StreamEnabled": true, "StreamViewType": view_type});
    }
    if let Some(expiry) = &table.expiry {
        features["TimeToLiveDescription"] =
            json!({"TimeToLiveStatus": expiry.status, "AttributeName": expiry.attribute});
    }
    json!({
        "BackupDetails": details(backup, status),
        "SourceTableDetails": source,
        "SourceTableFeatureDetails": features,
    })
}

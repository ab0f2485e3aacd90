//! Point-in-time recovery: switched on and off, and tables restored to a former moment.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::backups::{check_usable, not_found};
use super::validate::{Member, Shape};
use super::{copies, names, restore, tables, validate};
use crate::clock::{epoch_secs, iso_millis};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Table, Undo};

const DAYS_MAX: u32 = 35;
static UPDATE: &[Member] = &[Member::required(
    "PointInTimeRecoverySpecification",
    Shape::Structure(
        "PointInTimeRecoverySpecification",
        &[
            Member::required("PointInTimeRecoveryEnabled", Shape::Flag),
            Member::new("RecoveryPeriodInDays", Shape::Integer(1, 35)),
        ],
    ),
)];
static RESTORE: &[Member] = &[
    Member::new("SourceTableArn", Shape::Text(1, 1024)),
    Member::new("SourceTableName", Shape::Name(3, 255)),
    Member::new("UseLatestRestorableTime", Shape::Flag),
    Member::new(
        "BillingModeOverride",
        Shape::Enum(&["PROVISIONED", "PAY_PER_REQUEST"]),
    ),
];

pub(super) fn describe_continuous_backups(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    let table = engine.read(|state| tables::managed(state, &name).map(Arc::clone));
    let table = table.map_err(|fault| not_found(fault, &name))?;
    Ok(answer(&table, call.now))
}

pub(super) fn update_continuous_backups(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, UPDATE)?;
    let specification = &call.input["PointInTimeRecoverySpecification"];
    let enable = specification["PointInTimeRecoveryEnabled"].as_bool() == Some(true);
    let days = specification["RecoveryPeriodInDays"].as_u64();
    let days = days.and_then(|it| u32::try_from(it).ok());
    if !enable && days.is_some() {
        return Err(Fault::validation(
            "RecoveryPeriodInDays can only be specified when PointInTimeRecoveryEnabled is true",
        ));
    }
    let changed = tables::locked(engine, &name, |table| {
        check_usable(table)?;
        let mut table = Table::clone(table);
        engine.change(|state| {
            match (&mut table.undo, enable) {
                (Some(undo), true) => undo.days = days.unwrap_or(undo.days),
                (undo @ None, true) => {
                    *undo = Some(Undo {
                        store_id: state.take_store_id(),
                        since: call.now,
                        days: days.unwrap_or(DAYS_MAX),
                    });
                }
                (undo, false) => state.trash.extend(undo.take().map(|it| it.store_id)),
            }
            state.tables.insert(name.clone(), Arc::new(table.clone()));
            Ok(table)
        })
    });
    let table = changed.map_err(|fault| not_found(fault, &name))?;
    engine.dynamodb().bell.ring();
    Ok(answer(&table, call.now))
}

pub(super) fn restore_table_to_point_in_time(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, RESTORE)?;
    let source = call.text("SourceTableArn");
    let source = source.or_else(|| call.text("SourceTableName"));
    let source = names::checked(source, 1).unwrap_or_else(|| {
        Err(Fault::validation(
            "One of SourceTableName or SourceTableArn must be provided",
        ))
    })?;
    let name = restore::target(engine, call)?;
    let store = engine.store();
    let begun = tables::locked(engine, source, |table| {
        check_usable(table)?;
        let undo = table.undo.clone().ok_or_else(|| unavailable(source))?;
        let at = moment(call, &undo)?;
        Ok((Arc::clone(table), undo, at, store.frozen()))
    });
    let (table, undo, at, frozen) = begun.map_err(|fault| not_found(fault, source))?;
    let store_id = engine.change(|state| {
        let store_id = state.take_store_id();
        state.scratch.push(store_id);
        Ok(store_id)
    })?;
    copies::copy(&frozen, store, table.store_id, store_id)?;
    copies::take_back(&frozen, store, &undo, at, store_id)?;
    let source = restore::Source {
        table: &table,
        store_id,
        backup: None,
        drops: true,
    };
    restore::begin(engine, call, name, &source)
}

/// The moment a request wants, if the table can go there.
fn moment(call: &Call, undo: &Undo) -> Result<SystemTime, Fault> {
    let latest = call.input["UseLatestRestorableTime"].as_bool() == Some(true);
    let at = match (latest, call.input["RestoreDateTime"].as_f64()) {
        (true, None) => return Ok(call.now),
        (false, Some(secs)) if secs.is_finite() && secs >= 0.0 => {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs_f64(secs.min(1e11)))
        }
        (true, Some(_)) => {
            return Err(Fault::validation(
                "RestoreDateTime and UseLatestRestorableTime cannot be specified at the same time",
            ));
        }
        _ => {
            return Err(Fault::validation(
                "One of RestoreDateTime or UseLatestRestorableTime must be provided",
            ));
        }
    };
    // A time is given in seconds, with parts of them or without; the table knows milliseconds.
    let earliest = copies::earliest(undo, call.now);
    match at {
        Some(at) if epoch_secs(at) >= epoch_secs(earliest).floor() && at <= call.now => Ok(at),
        _ => Err(Fault::new(
            400,
            "InvalidRestoreTimeException",
            format!(
                "RestoreDateTime must be between {} and {}",
                iso_millis(earliest),
                iso_millis(call.now)
            ),
        )),
    }
}

fn unavailable(name: &str) -> Fault {
    Fault::new(
        400,
        "PointInTimeRecoveryUnavailableException",
        format!("Point in time recovery is not enabled for table '{name}'"),
    )
}

fn answer(table: &Table, now: SystemTime) -> Reply {
    let recovery: Value = match &table.undo {
        None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
        Some(undo) => json!({
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": undo.days,
            "EarliestRestorableDateTime": epoch_secs(copies::earliest(undo, now)),
            "LatestRestorableDateTime": epoch_secs(now),
        }),
    };
    Reply::from(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": recovery,
    }}))
}

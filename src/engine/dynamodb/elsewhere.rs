//! Operations that need what is not here: S3 buckets, Kinesis streams, other regions, auto scaling, vectors. What can
//! be said truly is said (there are no exports); everything else is refused, and the refusal names what is missing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::validate::{Member, Shape};
use super::{names, tables, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};

static EXPORT: &[Member] = &[
    Member::required("TableArn", Shape::Text(1, 1024)),
    Member::required("S3Bucket", Shape::Text(0, 255)),
    Member::new("ExportFormat", Shape::Enum(&["DYNAMODB_JSON", "ION"])),
    Member::new(
        "ExportType",
        Shape::Enum(&["FULL_EXPORT", "INCREMENTAL_EXPORT"]),
    ),
];
static IMPORT: &[Member] = &[
    Member::required(
        "S3BucketSource",
        Shape::Structure(
            "S3BucketSource",
            &[Member::required("S3Bucket", Shape::Text(0, 255))],
        ),
    ),
    Member::required("InputFormat", Shape::Enum(&["DYNAMODB_JSON", "ION", "CSV"])),
    Member::required(
        "TableCreationParameters",
        Shape::Structure(
            "TableCreationParameters",
            &[Member::required("TableName", Shape::Name(3, 255))],
        ),
    ),
];
static EXPORT_ARN: &[Member] = &[Member::required("ExportArn", Shape::Text(37, 1024))];
static IMPORT_ARN: &[Member] = &[Member::required("ImportArn", Shape::Text(37, 1024))];
static STREAM_ARN: &[Member] = &[Member::required("StreamArn", Shape::Text(37, 1024))];

pub(super) fn export_table(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, EXPORT)?;
    let arn = call.text("TableArn").unwrap_or_default();
    let name = names::in_arn(arn).unwrap_or(arn);
    let table = engine.read(|state| state.tables.get(name).map(Arc::clone));
    let table = table.ok_or_else(|| {
        let words = format!("Table not found: {name}");
        Fault::new(400, "TableNotFoundException", words)
    })?;
    if table.undo.is_none() {
        return Err(Fault::new(
            400,
            "PointInTimeRecoveryUnavailableException",
            format!("Point in time recovery is not enabled for table '{name}'"),
        ));
    }
    Err(missing(
        call,
        "S3: there is no bucket to export to. Scan the table instead",
    ))
}

pub(super) fn import_table(_: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, IMPORT)?;
    Err(missing(
        call,
        "S3: there is no bucket to import from. Create the table and write the items with BatchWriteItem instead",
    ))
}

pub(super) fn describe_export(_: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, EXPORT_ARN)?;
    let arn = call.text("ExportArn").unwrap_or_default();
    let words = format!("Export not found: {arn}");
    Err(Fault::new(400, "ExportNotFoundException", words))
}

pub(super) fn describe_import(_: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, IMPORT_ARN)?;
    let arn = call.text("ImportArn").unwrap_or_default();
    let words = format!("Import not found: {arn}");
    Err(Fault::new(400, "ImportNotFoundException", words))
}

pub(super) fn list_exports(_: &Engine, call: &Call) -> Answer {
    none(call, "ExportSummaries")
}

pub(super) fn list_imports(_: &Engine, call: &Call) -> Answer {
    none(call, "ImportSummaryList")
}

pub(super) fn list_global_tables(_: &Engine, call: &Call) -> Answer {
    none(call, "GlobalTables")
}

/// `DescribeGlobalTable`, `UpdateGlobalTable` and those of their settings.
pub(super) fn global_table(_: &Engine, call: &Call) -> Answer {
    static NAMED: &[Member] = &[Member::required("GlobalTableName", Shape::Name(3, 255))];
    validate::check(&call.input, NAMED)?;
    let name = call.text("GlobalTableName").unwrap_or_default();
    Err(Fault::new(
        400,
        "GlobalTableNotFoundException",
        format!("Global table not found: Global table with name: '{name}' does not exist."),
    ))
}

/// `CreateGlobalTable`, and auto scaling of replicas.
pub(super) fn replicas(_: &Engine, call: &Call) -> Answer {
    Err(missing(call, "other regions and replicas in them"))
}

pub(super) fn search_vectors(_: &Engine, call: &Call) -> Answer {
    Err(missing(call, "vector indexes"))
}

pub(super) fn describe_kinesis(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    engine.read(|state| tables::managed(state, &name).map(|_| ()))?;
    Ok(Reply::from(
        json!({"TableName": name, "KinesisDataStreamDestinations": []}),
    ))
}

/// `EnableKinesisStreamingDestination`, and its change and end.
pub(super) fn kinesis(engine: &Engine, call: &Call) -> Answer {
    let name = names::of_table(call, 1)?;
    validate::check(&call.input, STREAM_ARN)?;
    engine.read(|state| tables::managed(state, &name).map(|_| ()))?;
    let arn = call.text("StreamArn").unwrap_or_default();
    Err(Fault::new(
        400,
        "ResourceNotFoundException",
        format!(
            "Requested resource not found: Waterwheel has no Kinesis Data Streams, so there is no stream {arn}. Use \
             DynamoDB Streams instead"
        ),
    ))
}

fn none(call: &Call, member: &str) -> Answer {
    validate::check(&call.input, &[])?;
    Ok(Reply::from(json!({ member: Value::Array(Vec::new()) })))
}

fn missing(call: &Call, what: &str) -> Fault {
    Fault::validation(format!(
        "{} cannot be done here: Waterwheel has no {what}",
        call.operation
    ))
}

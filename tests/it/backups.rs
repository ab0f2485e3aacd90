//! Copies of tables: on-demand backups, restores, and a table as it was at a former moment. And operations that
//! need what is not here.

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    BackupStatus, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TableStatus,
};
use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{Engine, EngineHost, Options};

use crate::tables::{call, dynamodb, make, put, refusal, world};

const START: u64 = 1_767_225_600;

fn open(clock: &Clock, folder: Option<&Path>) -> EngineHost {
    EngineHost::open(Options {
        folder: folder.map(Path::to_owned),
        ..Options::temporary(clock.clone())
    })
    .unwrap()
}

async fn orders(engine: &Engine) {
    let more = json!({
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        "Tags": [{"Key": "team", "Value": "blue"}],
    });
    make(engine, "orders", false, more).await;
}

async fn write(engine: &Engine, ids: std::ops::Range<usize>, kind: &str) {
    for id in ids {
        let item = json!({"pk": {"S": format!("{id:04}")}, "kind": {"S": kind}});
        put(engine, "orders", item).await;
    }
}

/// Kinds by id, read from the table or one of its indexes.
async fn kinds(engine: &Engine, table: &str, index: Option<&str>) -> Vec<(String, String)> {
    let mut input = json!({ "TableName": table });
    if let Some(index) = index {
        input["IndexName"] = json!(index);
    }
    let answer = call(engine, "Scan", input).await.unwrap();
    assert_eq!(answer.get("LastEvaluatedKey"), None);
    let items = answer["Items"].as_array().unwrap().iter();
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let mut kinds: Vec<_> = items.map(|it| (text(it, "pk"), text(it, "kind"))).collect();
    kinds.sort();
    kinds
}

async fn described(engine: &Engine, table: &str) -> Value {
    let input = json!({ "TableName": table });
    let answer = call(engine, "DescribeTable", input).await.unwrap();
    answer["Table"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_restored_as_the_table_was_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(from_epoch_millis(START * 1000));
    let host = open(&clock, Some(folder.path()));
    let engine = host.engine();
    orders(engine).await;
    write(engine, 0..1200, "a").await;
    let client = dynamodb(engine);
    let create = client.create_backup().table_name("orders");
    let made = create.backup_name("monday").send().await.unwrap();
    let made = made.backup_details.unwrap();
    assert_eq!(made.backup_status, BackupStatus::Creating);
    let arn = made.backup_arn;
    assert!(arn.contains(":table/orders/backup/0176722560"), "{arn}");
    write(engine, 0..50, "b").await;

    let described_backup = client.describe_backup().backup_arn(&arn).send().await;
    let description = described_backup.unwrap().backup_description.unwrap();
    let details = description.backup_details.unwrap();
    assert_eq!(details.backup_status, BackupStatus::Available);
    let source = description.source_table_details.unwrap();
    assert_eq!(
        (source.item_count, source.table_name.as_str()),
        (Some(1200), "orders")
    );
    let features = description.source_table_feature_details.unwrap();
    assert!(features.stream_description.unwrap().stream_enabled);
    assert_eq!(features.global_secondary_indexes.unwrap().len(), 1);

    let restore = client.restore_table_from_backup().backup_arn(&arn);
    let restoring = restore.target_table_name("copy").send().await.unwrap();
    let table = restoring.table_description.unwrap();
    assert_eq!(table.table_status, Some(TableStatus::Creating));
    assert!(table.restore_summary.unwrap().restore_in_progress);
    // Closed in the middle of it.
    drop(client);
    host.close().await;

    let host = open(&clock, Some(folder.path()));
    let engine = host.engine();
    clock.sleep(Duration::from_secs(1)).await;
    let table = described(engine, "copy").await;
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["ItemCount"], 1200);
    assert_eq!(table["GlobalSecondaryIndexes"][0]["ItemCount"], 1200);
    assert_eq!(table["RestoreSummary"]["SourceBackupArn"], json!(arn));
    assert_eq!(table["RestoreSummary"]["RestoreInProgress"], false);
    assert_eq!(table.get("LatestStreamArn"), None);
    let tags = json!({ "ResourceArn": table["TableArn"] });
    let tags = call(engine, "ListTagsOfResource", tags).await.unwrap();
    assert_eq!(tags["Tags"], json!([]));
    let found = kinds(engine, "copy", None).await;
    assert_eq!(found.len(), 1200);
    assert!(found.iter().all(|(_, kind)| kind == "a"));
    assert_eq!(kinds(engine, "copy", Some("by_kind")).await, found);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_backup_outlives_its_table_and_may_be_restored_in_part() {
    let clock = Clock::at(from_epoch_millis(START * 1000));
    let host = open(&clock, None);
    let engine = host.engine();
    orders(engine).await;
    write(engine, 0..30, "a").await;
    let create = json!({"TableName": "orders", "BackupName": "one"});
    let made = call(engine, "CreateBackup", create).await.unwrap();
    let arn = made["BackupDetails"]["BackupArn"].clone();
    call(engine, "DeleteTable", json!({"TableName": "orders"}))
        .await
        .unwrap();
    let bare = json!({
        "BackupArn": arn, "TargetTableName": "bare", "GlobalSecondaryIndexOverride": [],
        "BillingModeOverride": "PROVISIONED",
        "ProvisionedThroughputOverride": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
    });
    call(engine, "RestoreTableFromBackup", bare).await.unwrap();
    clock.sleep(Duration::from_secs(1)).await;
    let table = described(engine, "bare").await;
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table.get("GlobalSecondaryIndexes"), None);
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 4);
    let gone = json!({ "BackupArn": arn });
    let gone = call(engine, "DeleteBackup", gone).await.unwrap();
    let status = &gone["BackupDescription"]["BackupDetails"]["BackupStatus"];
    assert_eq!(status, "DELETED");
    assert_eq!(kinds(engine, "bare", None).await.len(), 30);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn backups_are_listed_in_pages_by_table_and_time() {
    let clock = Clock::at(from_epoch_millis(START * 1000));
    let host = open(&clock, None);
    let engine = host.engine();
    orders(engine).await;
    make(engine, "other", false, json!({})).await;
    for (table, name) in [
        ("orders", "one"),
        ("other", "two"),
        ("orders", "three"),
        ("orders", "four"),
    ] {
        let input = json!({"TableName": table, "BackupName": name});
        call(engine, "CreateBackup", input).await.unwrap();
        clock.sleep(Duration::from_secs(100)).await;
    }
    let list = async |input: Value| {
        let answer = call(engine, "ListBackups", input).await.unwrap();
        let summaries = answer["BackupSummaries"].as_array().unwrap().iter();
        let names: Vec<String> = summaries
            .map(|it| it["BackupName"].as_str().unwrap().to_owned())
            .collect();
        (names, answer.get("LastEvaluatedBackupArn").cloned())
    };
    assert_eq!(list(json!({})).await.0, ["one", "two", "three", "four"]);
    let (names, last) = list(json!({"TableName": "orders", "Limit": 2})).await;
    assert_eq!(names, ["one", "three"]);
    let rest = json!({"TableName": "orders", "ExclusiveStartBackupArn": last.unwrap()});
    assert_eq!(list(rest).await, (vec!["four".to_owned()], None));
    let between = json!({"TimeRangeLowerBound": START + 50, "TimeRangeUpperBound": START + 250});
    assert_eq!(list(between).await.0, ["two", "three"]);
    assert!(list(json!({"BackupType": "SYSTEM"})).await.0.is_empty());
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_table_goes_back_to_any_moment_since_recovery_was_switched_on() {
    let clock = Clock::at(from_epoch_millis(START * 1000));
    let host = open(&clock, None);
    let (engine, client) = (host.engine(), dynamodb(host.engine()));
    orders(engine).await;
    write(engine, 0..20, "a").await;
    let late = json!({
        "SourceTableName": "orders", "TargetTableName": "copy", "UseLatestRestorableTime": true,
    });
    assert_eq!(
        refusal(call(engine, "RestoreTableToPointInTime", late.clone()).await),
        "PointInTimeRecoveryUnavailableException: Point in time recovery is not enabled for table 'orders'"
    );
    let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
    let update = client.update_continuous_backups().table_name("orders");
    let update = update.point_in_time_recovery_specification(on.build().unwrap());
    let answer = update.send().await.unwrap();
    let told = answer.continuous_backups_description.unwrap();
    let told = told.point_in_time_recovery_description.unwrap();
    let enabled = Some(PointInTimeRecoveryStatus::Enabled);
    assert_eq!(told.point_in_time_recovery_status, enabled);
    assert_eq!(told.recovery_period_in_days, Some(35));

    let mut expected = vec![kinds(engine, "orders", None).await];
    for (round, kind) in ["b", "c", "d"].into_iter().enumerate() {
        clock.sleep(Duration::from_secs(10)).await;
        write(engine, round * 5..round * 5 + 10, kind).await;
        let delete = json!({"TableName": "orders", "Key": {"pk": {"S": format!("{round:04}")}}});
        call(engine, "DeleteItem", delete).await.unwrap();
        expected.push(kinds(engine, "orders", None).await);
    }
    for (at, expected) in expected.iter().enumerate() {
        let name = format!("copy-{at}");
        let restore = json!({
            "SourceTableName": "orders", "TargetTableName": name,
            "RestoreDateTime": START + 10 * at as u64 + if at == 0 { 0 } else { 5 },
        });
        clock.sleep(Duration::from_secs(10)).await;
        call(engine, "RestoreTableToPointInTime", restore)
            .await
            .unwrap();
        assert_eq!(kinds(engine, &name, None).await, *expected, "{at}");
        assert_eq!(kinds(engine, &name, Some("by_kind")).await, *expected);
    }
    call(engine, "RestoreTableToPointInTime", late)
        .await
        .unwrap();
    assert_eq!(kinds(engine, "copy", None).await, expected[3]);
    let early = json!({
        "SourceTableName": "orders", "TargetTableName": "early", "RestoreDateTime": START - 100,
    });
    assert!(
        refusal(call(engine, "RestoreTableToPointInTime", early).await)
            .starts_with("InvalidRestoreTimeException")
    );
    host.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let host = world();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/backup/01489602797149-73d8d5bc";
    for (operation, input, words) in [
        (
            "CreateBackup",
            json!({"TableName": "nothing", "BackupName": "one"}),
            "TableNotFoundException: Table not found: nothing".to_owned(),
        ),
        (
            "DescribeBackup",
            json!({ "BackupArn": arn }),
            format!("BackupNotFoundException: Backup not found: {arn}"),
        ),
        (
            "DescribeExport",
            json!({ "ExportArn": arn }),
            format!("ExportNotFoundException: Export not found: {arn}"),
        ),
        (
            "ExportTableToPointInTime",
            json!({"TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/orders", "S3Bucket": "b"}),
            "PointInTimeRecoveryUnavailableException: Point in time recovery is not enabled for table 'orders'"
                .to_owned(),
        ),
        (
            "ImportTable",
            json!({"S3BucketSource": {"S3Bucket": "b"}, "InputFormat": "CSV", "TableCreationParameters": {"TableName": "new"}}),
            "ValidationException: ImportTable cannot be done here: Waterwheel has no S3: there is no bucket to import \
             from. Create the table and write the items with BatchWriteItem instead"
                .to_owned(),
        ),
        (
            "DescribeGlobalTable",
            json!({"GlobalTableName": "orders"}),
            "GlobalTableNotFoundException: Global table not found: Global table with name: 'orders' does not exist."
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(call(engine, operation, input).await), words);
    }
    for (operation, member) in [
        ("ListExports", "ExportSummaries"),
        ("ListImports", "ImportSummaryList"),
        ("ListGlobalTables", "GlobalTables"),
    ] {
        let answer = call(engine, operation, json!({})).await.unwrap();
        assert_eq!(answer[member], json!([]));
    }
    let taken = json!({"BackupArn": arn, "TargetTableName": "orders"});
    assert_eq!(
        refusal(call(engine, "RestoreTableFromBackup", taken).await),
        "TableAlreadyExistsException: Table already exists: orders"
    );
    let unknown = refusal(call(engine, "MakeCoffee", json!({})).await);
    assert!(unknown.starts_with("UnknownOperationException"));
    host.close().await;
}

#[tokio::test]
async fn a_resource_policy_is_kept_with_its_revision() {
    let host = world();
    let engine = host.engine();
    make(engine, "orders", false, json!({})).await;
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders";
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "dynamodb:GetItem", "Resource": arn,
    }]})
    .to_string();
    let named = json!({ "ResourceArn": arn });
    assert_eq!(
        refusal(call(engine, "GetResourcePolicy", named.clone()).await),
        format!(
            "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: {arn}"
        )
    );
    let put = |expected: Value| {
        let mut input = json!({"ResourceArn": arn, "Policy": document});
        input["ExpectedRevisionId"] = expected;
        call(engine, "PutResourcePolicy", input)
    };
    let made = put(json!("NO_POLICY")).await.unwrap();
    assert_eq!(put(Value::Null).await.unwrap(), made);
    assert!(refusal(put(json!("1")).await).starts_with("PolicyNotFoundException"));
    let kept = call(engine, "GetResourcePolicy", named.clone())
        .await
        .unwrap();
    assert_eq!(kept["Policy"], json!(document));
    assert_eq!(kept["RevisionId"], made["RevisionId"]);
    let wrong = json!({"ResourceArn": arn, "Policy": "{"});
    assert!(refusal(call(engine, "PutResourcePolicy", wrong).await).contains("malformed"));
    call(engine, "DeleteResourcePolicy", named.clone())
        .await
        .unwrap();
    let again = call(engine, "DeleteResourcePolicy", named).await.unwrap();
    assert_eq!(again, json!({}));
    host.close().await;
}

#[tokio::test]
async fn contributor_insights_are_kept_as_a_setting() {
    let host = world();
    let engine = host.engine();
    orders(engine).await;
    let named = json!({"TableName": "orders", "IndexName": "by_kind"});
    let told = call(engine, "DescribeContributorInsights", named.clone())
        .await
        .unwrap();
    assert_eq!(told["ContributorInsightsStatus"], "DISABLED");
    let mut enable = named.clone();
    enable["ContributorInsightsAction"] = json!("ENABLE");
    let answer = call(engine, "UpdateContributorInsights", enable)
        .await
        .unwrap();
    assert_eq!(answer["ContributorInsightsStatus"], "ENABLING");
    let told = call(engine, "DescribeContributorInsights", named)
        .await
        .unwrap();
    assert_eq!(told["ContributorInsightsStatus"], "ENABLED");
    let list = call(engine, "ListContributorInsights", json!({}))
        .await
        .unwrap();
    assert_eq!(
        list["ContributorInsightsSummaries"][0]["IndexName"],
        "by_kind"
    );
    host.close().await;
}

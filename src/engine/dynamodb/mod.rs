//! DynamoDB: tables and items. Its operations, one row each. May not know mappings or functions.

use super::Engine;
use super::call::{Answer, Call, Later, Operation, Run, any_resource};

mod backups;
mod batch;
mod capacity;
mod chores;
mod claims;
mod clauses;
mod copies;
pub mod describe;
mod elsewhere;
mod expiry;
pub mod expression;
pub(super) mod facts;
mod filling;
mod fitness;
mod indexes;
mod insights;
mod items;
mod lag;
mod legacy;
mod limits;
mod names;
pub mod number;
mod page;
pub mod partiql;
mod passing;
mod permission;
pub(super) mod plain;
mod query;
mod recovery;
mod resource_policies;
mod restore;
mod schema;
pub mod shapes;
mod tables;
mod tags;
pub mod tally;
mod throttle;
mod tokens;
mod transact;
mod ttl;
mod update_table;
pub mod validate;
pub mod value;
mod write;

use validate::Member;

pub(super) use chores::run as run_chores;
pub(super) use tables::locked;
pub use write::Live;

/// Clears what was put into the state's trash, soon.
pub(super) fn clear_trash(engine: &Engine) {
    engine.dynamodb().bell.ring();
}

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "BatchExecuteStatement",
        http: "",
        // Judged statement by statement.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::BATCH_EXECUTE_STATEMENT,
                partiql::batch_execute_statement,
            )
        }),
    },
    Operation {
        name: "BatchGetItem",
        http: "",
        // Judged table by table.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::BATCH_GET, batch::batch_get_item)
        }),
    },
    Operation {
        name: "BatchWriteItem",
        http: "",
        // Judged table by table.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::BATCH_WRITE, batch::batch_write_item)
        }),
    },
    Operation {
        name: "CreateBackup",
        http: "",
        action: "dynamodb:CreateBackup",
        resource: names::table_arn,
        run: Run::Later(|engine, call| aside(engine, call, backups::create_backup)),
    },
    Operation {
        name: "CreateGlobalTable",
        http: "",
        action: "dynamodb:CreateGlobalTable",
        resource: any_resource,
        run: Run::Data(elsewhere::replicas),
    },
    Operation {
        name: "CreateTable",
        http: "",
        action: "dynamodb:CreateTable",
        resource: names::table_arn,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::CREATE_TABLE, tables::create_table)
        }),
    },
    Operation {
        name: "DeleteBackup",
        http: "",
        action: "dynamodb:DeleteBackup",
        resource: names::backup_arn,
        run: Run::Data(backups::delete_backup),
    },
    Operation {
        name: "DeleteItem",
        http: "",
        action: "dynamodb:DeleteItem",
        resource: names::table_arn,
        run: Run::Item("Key", |engine, call| {
            whole(engine, call, shapes::DELETE_ITEM, items::delete_item)
        }),
    },
    Operation {
        name: "DeleteResourcePolicy",
        http: "",
        action: "dynamodb:DeleteResourcePolicy",
        resource: names::resource_arn,
        run: Run::Data(resource_policies::delete_resource_policy),
    },
    Operation {
        name: "DeleteTable",
        http: "",
        action: "dynamodb:DeleteTable",
        resource: names::table_arn,
        run: Run::Later(|engine, call| {
            aside(engine, call, |engine, call| {
                whole(engine, call, shapes::NOTHING, tables::delete_table)
            })
        }),
    },
    Operation {
        name: "DescribeBackup",
        http: "",
        action: "dynamodb:DescribeBackup",
        resource: names::backup_arn,
        run: Run::Data(backups::describe_backup),
    },
    Operation {
        name: "DescribeContinuousBackups",
        http: "",
        action: "dynamodb:DescribeContinuousBackups",
        resource: names::table_arn,
        run: Run::Data(recovery::describe_continuous_backups),
    },
    Operation {
        name: "DescribeContributorInsights",
        http: "",
        action: "dynamodb:DescribeContributorInsights",
        resource: names::table_arn,
        run: Run::Data(insights::describe),
    },
    Operation {
        name: "DescribeEndpoints",
        http: "",
        action: "dynamodb:DescribeEndpoints",
        resource: any_resource,
        run: Run::Data(limits::describe_endpoints),
    },
    Operation {
        name: "DescribeExport",
        http: "",
        action: "dynamodb:DescribeExport",
        resource: any_resource,
        run: Run::Data(elsewhere::describe_export),
    },
    Operation {
        name: "DescribeGlobalTable",
        http: "",
        action: "dynamodb:DescribeGlobalTable",
        resource: any_resource,
        run: Run::Data(elsewhere::global_table),
    },
    Operation {
        name: "DescribeGlobalTableSettings",
        http: "",
        action: "dynamodb:DescribeGlobalTableSettings",
        resource: any_resource,
        run: Run::Data(elsewhere::global_table),
    },
    Operation {
        name: "DescribeImport",
        http: "",
        action: "dynamodb:DescribeImport",
        resource: any_resource,
        run: Run::Data(elsewhere::describe_import),
    },
    Operation {
        name: "DescribeKinesisStreamingDestination",
        http: "",
        action: "dynamodb:DescribeKinesisStreamingDestination",
        resource: names::table_arn,
        run: Run::Data(elsewhere::describe_kinesis),
    },
    Operation {
        name: "DescribeLimits",
        http: "",
        action: "dynamodb:DescribeLimits",
        resource: any_resource,
        run: Run::Data(limits::describe_limits),
    },
    Operation {
        name: "DescribeTable",
        http: "",
        action: "dynamodb:DescribeTable",
        resource: names::table_arn,
        run: Run::Data(|engine, call| whole(engine, call, shapes::NOTHING, tables::describe_table)),
    },
    Operation {
        name: "DescribeTableReplicaAutoScaling",
        http: "",
        action: "dynamodb:DescribeTableReplicaAutoScaling",
        resource: names::table_arn,
        run: Run::Data(elsewhere::replicas),
    },
    Operation {
        name: "DescribeTimeToLive",
        http: "",
        action: "dynamodb:DescribeTimeToLive",
        resource: names::table_arn,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::NOTHING, ttl::describe_time_to_live)
        }),
    },
    Operation {
        name: "DisableKinesisStreamingDestination",
        http: "",
        action: "dynamodb:DisableKinesisStreamingDestination",
        resource: names::table_arn,
        run: Run::Data(elsewhere::kinesis),
    },
    Operation {
        name: "EnableKinesisStreamingDestination",
        http: "",
        action: "dynamodb:EnableKinesisStreamingDestination",
        resource: names::table_arn,
        run: Run::Data(elsewhere::kinesis),
    },
    Operation {
        name: "ExecuteStatement",
        http: "",
        // Judged statement by statement.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::EXECUTE_STATEMENT,
                partiql::execute_statement,
            )
        }),
    },
    Operation {
        name: "ExecuteTransaction",
        http: "",
        // Judged statement by statement.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::EXECUTE_TRANSACTION,
                partiql::execute_transaction,
            )
        }),
    },
    Operation {
        name: "ExportTableToPointInTime",
        http: "",
        action: "dynamodb:ExportTableToPointInTime",
        resource: names::exported_arn,
        run: Run::Data(elsewhere::export_table),
    },
    Operation {
        name: "GetItem",
        http: "",
        action: "dynamodb:GetItem",
        resource: names::table_arn,
        run: Run::Item("Key", |engine, call| {
            whole(engine, call, shapes::GET_ITEM, items::get_item)
        }),
    },
    Operation {
        name: "GetResourcePolicy",
        http: "",
        action: "dynamodb:GetResourcePolicy",
        resource: names::resource_arn,
        run: Run::Data(resource_policies::get_resource_policy),
    },
    Operation {
        name: "ImportTable",
        http: "",
        action: "dynamodb:ImportTable",
        resource: any_resource,
        run: Run::Data(elsewhere::import_table),
    },
    Operation {
        name: "ListBackups",
        http: "",
        action: "dynamodb:ListBackups",
        resource: any_resource,
        run: Run::Data(backups::list_backups),
    },
    Operation {
        name: "ListContributorInsights",
        http: "",
        action: "dynamodb:ListContributorInsights",
        resource: any_resource,
        run: Run::Data(insights::list),
    },
    Operation {
        name: "ListExports",
        http: "",
        action: "dynamodb:ListExports",
        resource: any_resource,
        run: Run::Data(elsewhere::list_exports),
    },
    Operation {
        name: "ListGlobalTables",
        http: "",
        action: "dynamodb:ListGlobalTables",
        resource: any_resource,
        run: Run::Data(elsewhere::list_global_tables),
    },
    Operation {
        name: "ListImports",
        http: "",
        action: "dynamodb:ListImports",
        resource: any_resource,
        run: Run::Data(elsewhere::list_imports),
    },
    Operation {
        name: "ListTables",
        http: "",
        action: "dynamodb:ListTables",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::LIST_TABLES, tables::list_tables)
        }),
    },
    Operation {
        name: "ListTagsOfResource",
        http: "",
        action: "dynamodb:ListTagsOfResource",
        resource: names::resource_arn,
        run: Run::Data(|engine, call| whole(engine, call, shapes::LIST_TAGS, tags::list_tags)),
    },
    Operation {
        name: "PutItem",
        http: "",
        action: "dynamodb:PutItem",
        resource: names::table_arn,
        run: Run::Item("Item", |engine, call| {
            whole(engine, call, shapes::PUT_ITEM, items::put_item)
        }),
    },
    Operation {
        name: "PutResourcePolicy",
        http: "",
        action: "dynamodb:PutResourcePolicy",
        resource: names::resource_arn,
        run: Run::Data(resource_policies::put_resource_policy),
    },
    Operation {
        name: "Query",
        http: "",
        action: "dynamodb:Query",
        resource: names::index_arn,
        run: Run::Data(|engine, call| whole(engine, call, shapes::QUERY, query::query)),
    },
    Operation {
        name: "RestoreTableFromBackup",
        http: "",
        action: "dynamodb:RestoreTableFromBackup",
        resource: names::backup_arn,
        run: Run::Later(|engine, call| aside(engine, call, backups::restore_table_from_backup)),
    },
    Operation {
        name: "RestoreTableToPointInTime",
        http: "",
        action: "dynamodb:RestoreTableToPointInTime",
        resource: names::source_table_arn,
        run: Run::Later(|engine, call| {
            aside(engine, call, recovery::restore_table_to_point_in_time)
        }),
    },
    Operation {
        name: "Scan",
        http: "",
        action: "dynamodb:Scan",
        resource: names::index_arn,
        run: Run::Data(|engine, call| whole(engine, call, shapes::SCAN, query::scan)),
    },
    Operation {
        name: "SearchVectors",
        http: "",
        action: "dynamodb:SearchVectors",
        resource: names::index_arn,
        run: Run::Data(elsewhere::search_vectors),
    },
    Operation {
        name: "TagResource",
        http: "",
        action: "dynamodb:TagResource",
        resource: names::resource_arn,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::TAG_RESOURCE, tags::tag_resource)
        }),
    },
    Operation {
        name: "TransactGetItems",
        http: "",
        // Judged table by table.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::TRANSACT_GET_ITEMS,
                transact::transact_get_items,
            )
        }),
    },
    Operation {
        name: "TransactWriteItems",
        http: "",
        // Judged table by table.
        action: "",
        resource: any_resource,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::TRANSACT_WRITE_ITEMS,
                transact::transact_write_items,
            )
        }),
    },
    Operation {
        name: "UntagResource",
        http: "",
        action: "dynamodb:UntagResource",
        resource: names::resource_arn,
        run: Run::Data(|engine, call| {
            whole(engine, call, shapes::UNTAG_RESOURCE, tags::untag_resource)
        }),
    },
    Operation {
        name: "UpdateContinuousBackups",
        http: "",
        action: "dynamodb:UpdateContinuousBackups",
        resource: names::table_arn,
        run: Run::Data(recovery::update_continuous_backups),
    },
    Operation {
        name: "UpdateContributorInsights",
        http: "",
        action: "dynamodb:UpdateContributorInsights",
        resource: names::table_arn,
        run: Run::Data(insights::update),
    },
    Operation {
        name: "UpdateGlobalTable",
        http: "",
        action: "dynamodb:UpdateGlobalTable",
        resource: any_resource,
        run: Run::Data(elsewhere::global_table),
    },
    Operation {
        name: "UpdateGlobalTableSettings",
        http: "",
        action: "dynamodb:UpdateGlobalTableSettings",
        resource: any_resource,
        run: Run::Data(elsewhere::global_table),
    },
    Operation {
        name: "UpdateItem",
        http: "",
        action: "dynamodb:UpdateItem",
        resource: names::table_arn,
        run: Run::Data(|engine, call| whole(engine, call, shapes::UPDATE_ITEM, items::update_item)),
    },
    Operation {
        name: "UpdateKinesisStreamingDestination",
        http: "",
        action: "dynamodb:UpdateKinesisStreamingDestination",
        resource: names::table_arn,
        run: Run::Data(elsewhere::kinesis),
    },
    Operation {
        name: "UpdateTable",
        http: "",
        action: "dynamodb:UpdateTable",
        resource: names::table_arn,
        run: Run::Later(|engine, call| {
            aside(engine, call, |engine, call| {
                whole(
                    engine,
                    call,
                    shapes::UPDATE_TABLE,
                    update_table::update_table,
                )
            })
        }),
    },
    Operation {
        name: "UpdateTableReplicaAutoScaling",
        http: "",
        action: "dynamodb:UpdateTableReplicaAutoScaling",
        resource: names::table_arn,
        run: Run::Data(elsewhere::replicas),
    },
    Operation {
        name: "UpdateTimeToLive",
        http: "",
        action: "dynamodb:UpdateTimeToLive",
        resource: names::table_arn,
        run: Run::Data(|engine, call| {
            whole(
                engine,
                call,
                shapes::UPDATE_TIME_TO_LIVE,
                ttl::update_time_to_live,
            )
        }),
    },
];

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// Runs an operation. What it refuses is refused for the reason AWS would find first, knowing the whole request.
fn whole(
    engine: &Engine,
    call: &Call,
    members: &[Member],
    work: fn(&Engine, &Call) -> Answer,
) -> Answer {
    let own = names::check_own(call);
    let answer = own.and_then(|()| work(engine, call));
    answer.map_err(|fault| validate::sooner(&call.input, members, fault))
}

/// Runs work that may go through a whole table beside the runtime's own threads.
fn aside(engine: Engine, call: Call, work: fn(&Engine, &Call) -> Answer) -> Later {
    Box::pin(async move {
        let worker = engine.clone();
        engine.beside(move || work(&worker, &call)).await?
    })
}

//! DynamoDB: tables and items. Its operations, one row each. May not know mappings or functions.

use super::Engine;
use super::call::{Answer, Call, Fault, Later, Operation, Run, any_resource};

mod batch;
mod capacity;
mod chores;
mod clauses;
pub mod describe;
mod expiry;
pub mod expression;
mod filling;
mod fitness;
mod indexes;
mod items;
mod legacy;
mod limits;
mod names;
pub mod number;
mod page;
mod passing;
mod query;
mod schema;
pub mod shapes;
mod tables;
mod tags;
pub mod tally;
mod tokens;
mod transact;
mod ttl;
mod update_table;
pub mod validate;
pub mod value;
mod write;

pub(super) use chores::run as run_chores;
pub(super) use tables::locked;
pub use write::Live;

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "BatchGetItem",
        http: "",
        action: "dynamodb:BatchGetItem",
        resource: names::first_table_arn,
        run: Run::Data(batch::batch_get_item),
    },
    Operation {
        name: "BatchWriteItem",
        http: "",
        action: "dynamodb:BatchWriteItem",
        resource: names::first_table_arn,
        run: Run::Data(batch::batch_write_item),
    },
    Operation {
        name: "CreateTable",
        http: "",
        action: "dynamodb:CreateTable",
        resource: names::table_arn,
        run: Run::Data(tables::create_table),
    },
    Operation {
        name: "DeleteItem",
        http: "",
        action: "dynamodb:DeleteItem",
        resource: names::table_arn,
        run: Run::Data(items::delete_item),
    },
    Operation {
        name: "DeleteTable",
        http: "",
        action: "dynamodb:DeleteTable",
        resource: names::table_arn,
        run: Run::Later(|engine, call| aside(engine, call, tables::delete_table)),
    },
    Operation {
        name: "DescribeEndpoints",
        http: "",
        action: "dynamodb:DescribeEndpoints",
        resource: any_resource,
        run: Run::Data(limits::describe_endpoints),
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
        run: Run::Data(tables::describe_table),
    },
    Operation {
        name: "DescribeTimeToLive",
        http: "",
        action: "dynamodb:DescribeTimeToLive",
        resource: names::table_arn,
        run: Run::Data(ttl::describe_time_to_live),
    },
    Operation {
        name: "GetItem",
        http: "",
        action: "dynamodb:GetItem",
        resource: names::table_arn,
        run: Run::Data(items::get_item),
    },
    Operation {
        name: "ListTables",
        http: "",
        action: "dynamodb:ListTables",
        resource: any_resource,
        run: Run::Data(tables::list_tables),
    },
    Operation {
        name: "ListTagsOfResource",
        http: "",
        action: "dynamodb:ListTagsOfResource",
        resource: names::resource_arn,
        run: Run::Data(tags::list_tags),
    },
    Operation {
        name: "PutItem",
        http: "",
        action: "dynamodb:PutItem",
        resource: names::table_arn,
        run: Run::Data(items::put_item),
    },
    Operation {
        name: "Query",
        http: "",
        action: "dynamodb:Query",
        resource: names::index_arn,
        run: Run::Data(query::query),
    },
    Operation {
        name: "Scan",
        http: "",
        action: "dynamodb:Scan",
        resource: names::index_arn,
        run: Run::Data(query::scan),
    },
    Operation {
        name: "TagResource",
        http: "",
        action: "dynamodb:TagResource",
        resource: names::resource_arn,
        run: Run::Data(tags::tag_resource),
    },
    Operation {
        name: "TransactGetItems",
        http: "",
        action: "dynamodb:TransactGetItems",
        resource: names::first_table_arn,
        run: Run::Data(transact::transact_get_items),
    },
    Operation {
        name: "TransactWriteItems",
        http: "",
        action: "dynamodb:TransactWriteItems",
        resource: names::first_table_arn,
        run: Run::Data(transact::transact_write_items),
    },
    Operation {
        name: "UntagResource",
        http: "",
        action: "dynamodb:UntagResource",
        resource: names::resource_arn,
        run: Run::Data(tags::untag_resource),
    },
    Operation {
        name: "UpdateItem",
        http: "",
        action: "dynamodb:UpdateItem",
        resource: names::table_arn,
        run: Run::Data(items::update_item),
    },
    Operation {
        name: "UpdateTable",
        http: "",
        action: "dynamodb:UpdateTable",
        resource: names::table_arn,
        run: Run::Later(|engine, call| aside(engine, call, update_table::update_table)),
    },
    Operation {
        name: "UpdateTimeToLive",
        http: "",
        action: "dynamodb:UpdateTimeToLive",
        resource: names::table_arn,
        run: Run::Data(ttl::update_time_to_live),
    },
];

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// Runs work that may go through a whole table beside the runtime's own threads.
fn aside(engine: Engine, call: Call, work: fn(&Engine, &Call) -> Answer) -> Later {
    let done = tokio::task::spawn_blocking(move || work(&engine, &call));
    Box::pin(async {
        done.await
            .unwrap_or_else(|error| Err(Fault::internal(error.to_string())))
    })
}

//! Tables and items.

use aws_sdk_dynamodb::types::TableDescription;

use super::{Aws, Error};

/// Every table, described.
pub async fn list_tables(aws: Aws) -> Result<Vec<TableDescription>, Error> {
    let mut tables = Vec::new();
    let mut pages = aws.dynamodb.list_tables().into_paginator().items().send();
    while let Some(name) = pages.next().await {
        let described = aws
            .dynamodb
            .describe_table()
            .table_name(name?)
            .send()
            .await?;
        tables.extend(described.table);
    }
    Ok(tables)
}

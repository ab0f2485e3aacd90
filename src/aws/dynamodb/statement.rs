//! Statements in PartiQL.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::Item;
use crate::aws::{Aws, Error};

/// What a statement gave, or the next part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementPage {
    /// What was selected, or what a write was asked to return.
    pub items: Vec<Item>,
    /// Goes on with the same statement and parameters; `None` at the end.
    pub next: Option<String>,
    /// Capacity units; `None` where the service does not say.
    pub consumed: Option<f64>,
}

/// Runs one statement, whatever it does; `next_token` is `StatementPage::next` of the page before. To a read-only
/// connection every statement is a change, for it might be one.
pub async fn execute_statement(
    aws: Aws,
    statement: String,
    parameters: Vec<AttributeValue>,
    limit: Option<u32>,
    next_token: Option<String>,
) -> Result<StatementPage, Error> {
    let answer = aws
        .dynamodb
        .execute_statement()
        .statement(statement)
        .set_parameters(Some(parameters).filter(|it| !it.is_empty()))
        .set_limit(limit.map(|it| i32::try_from(it).unwrap_or(i32::MAX)))
        .set_next_token(next_token)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await?;
    Ok(StatementPage {
        items: answer.items.unwrap_or_default(),
        next: answer.next_token,
        consumed: answer.consumed_capacity.and_then(|it| it.capacity_units),
    })
}

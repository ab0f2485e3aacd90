//! DynamoDB's expressions: one lexer, one parser, one tree. Pure: no store, no requests, no tables.
//!
//! Text goes through [`lexer`] and [`parser`] (syntax errors), then through the checks of its kind in the order in
//! which AWS makes them, and comes out as a tree that no longer knows placeholders: [`condition::Condition`],
//! [`update::Update`], [`projection::Projection`] or [`key_condition::KeyCondition`].
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html>

use crate::engine::call::Fault;

mod apply;
pub mod ast;
pub mod condition;
mod functions;
pub mod key_condition;
mod lexer;
mod parser;
pub mod placeholders;
pub mod projection;
mod reader;
mod reserved;
mod syntax;
#[cfg(test)]
mod tests;
pub mod update;

/// `Invalid ConditionExpression: …`, where `kind` is the request's member.
fn invalid(kind: &str, words: impl std::fmt::Display) -> Fault {
    Fault::validation(format!("Invalid {kind}: {words}"))
}

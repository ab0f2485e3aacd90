//! DynamoDB's PartiQL: `ExecuteStatement`, `BatchExecuteStatement` and `ExecuteTransaction`.
//!
//! A statement goes through the lexer and the parser ([`parse`]: syntax errors), then its parameters are filled in and
//! it becomes the conditions and updates that expressions use (`conditions`, `updates`, `values`), then `plan` finds
//! the keys in its `WHERE`, and `read` or `write` does what it says.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html>

pub mod ast;
mod batch;
mod conditions;
mod keywords;
mod lexer;
mod parser;
mod plan;
mod read;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;
mod updates;
mod values;
mod write;

pub(super) use batch::batch_execute_statement;
pub(super) use statement::execute_statement;
pub(super) use transaction::execute_transaction;

pub use ast::Statement;
pub use parser::parse;

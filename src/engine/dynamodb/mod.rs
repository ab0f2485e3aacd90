//! dynamodb.

use super::call::Operation;

pub mod expression;
pub mod number;
pub mod value;

/// In-memory parts.
#[derive(Default)]
pub struct Live;

pub fn operations() -> &'static [Operation] {
    &[]
}

//! lambda.

use super::call::Operation;

/// In-memory parts.
#[derive(Default)]
pub struct Live;

pub fn operations() -> &'static [Operation] {
    &[]
}

//! sts.

use super::call::Operation;

pub fn operations() -> &'static [Operation] {
    &[]
}

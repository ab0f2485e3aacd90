//! What a qualifier leads to: `$LATEST` or a published version. Pure.

use std::sync::Arc;

use super::names::{LATEST, Reference};
use crate::engine::state::{Function, State, Version};

/// The version a qualifier names; `$LATEST` where there is none.
pub(super) fn version<'f>(
    function: &'f Function,
    qualifier: Option<&str>,
) -> Option<&'f Arc<Version>> {
    match qualifier {
        None | Some(LATEST) => Some(&function.latest),
        Some(number) => published(function, number),
    }
}

/// The version that the ARN of a function, of a version or of an alias leads to.
pub fn version_of<'s>(state: &'s State, function_arn: &str) -> Option<&'s Arc<Version>> {
    let reference = Reference::parse(function_arn)?;
    let function = state.functions.get(&reference.name)?;
    version(function, reference.qualifier.as_deref())
}

/// A published version by its number, written as AWS writes it.
pub(super) fn published<'f>(function: &'f Function, number: &str) -> Option<&'f Arc<Version>> {
    let version = function.published.get(&number.parse().ok()?)?;
    (version.version == number).then_some(version)
}

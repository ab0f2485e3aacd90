//! What a qualifier leads to: `$LATEST`, a published version, or what an alias points to. Pure.

use std::sync::Arc;

use super::names::{LATEST, Reference};
use crate::engine::state::{Alias, Function, State, Version};
use crate::ids::Ids;

/// The version a qualifier names, or the one its alias mainly points to; `$LATEST` where there is no qualifier.
pub(super) fn version<'f>(
    function: &'f Function,
    qualifier: Option<&str>,
) -> Option<&'f Arc<Version>> {
    let named = match alias(function, qualifier) {
        Some(alias) => Some(alias.version.as_str()),
        None => qualifier,
    };
    match named {
        None | Some(LATEST) => Some(&function.latest),
        Some(number) => published(function, number),
    }
}

/// The version that runs now: of the two of an alias one by its weight.
pub(super) fn drawn<'f>(
    function: &'f Function,
    qualifier: Option<&str>,
    dice: &Ids,
) -> Option<&'f Arc<Version>> {
    let share = alias(function, qualifier).and_then(|it| it.share.as_ref());
    match share {
        Some(share) if thrown(dice) < share.weight => published(function, &share.version),
        _ => version(function, qualifier),
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

fn alias<'f>(function: &'f Function, qualifier: Option<&str>) -> Option<&'f Alias> {
    function.aliases.get(qualifier?)
}

/// From 0 up to, but never, 1.
fn thrown(dice: &Ids) -> f64 {
    let half = u32::try_from(dice.number() >> 32).unwrap_or(u32::MAX);
    f64::from(half) / 4_294_967_296.0
}

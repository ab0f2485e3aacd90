//! Reserved concurrency: how many invocations of all versions of a function may run at once.

use serde_json::json;

use super::checks::{Checks, invalid, whole};
use super::functions::no_content;
use super::names::{self, Reference};
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::State;

/// Concurrent executions of the account.
pub(super) const CONCURRENCY: u32 = 1000;
/// What must stay for functions that reserve nothing.
const UNRESERVED_MIN: u32 = 100;

/// `PutFunctionConcurrency`
pub(super) fn put(state: &mut State, call: &Call) -> Answer {
    let asked = whole(&call.input, "ReservedConcurrentExecutions")?;
    let mut checks = Checks::default();
    match asked {
        None => checks.missing("reservedConcurrentExecutions"),
        Some(asked) => checks.range("reservedConcurrentExecutions", asked, (0, i64::MAX)),
    }
    checks.finish()?;
    // This operation names a missing function by its `$LATEST`.
    let name = name(state, call, Reference::or_latest)?;
    let asked = u32::try_from(asked.unwrap_or_default()).unwrap_or(u32::MAX);
    let others: u32 = state
        .functions
        .iter()
        .filter(|(other, _)| **other != name)
        .filter_map(|(_, function)| function.reserved_concurrency)
        .sum();
    if asked > CONCURRENCY - UNRESERVED_MIN - others.min(CONCURRENCY - UNRESERVED_MIN) {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
        )));
    }
    set(state, &name, Some(asked));
    Ok(json!({ "ReservedConcurrentExecutions": asked }).into())
}

/// `GetFunctionConcurrency`
pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let name = name(state, call, |it| it)?;
    let function = state.functions.get(&name);
    Ok(match function.and_then(|it| it.reserved_concurrency) {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    }
    .into())
}

/// `DeleteFunctionConcurrency`
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let name = name(state, call, |it| it)?;
    set(state, &name, None);
    Ok(no_content())
}

/// The function's; here not even `$LATEST` may be named.
fn name(state: &State, call: &Call, missing: fn(Reference) -> Reference) -> Result<String, Fault> {
    let reference = names::reference(call)?;
    if reference.qualifier.is_some() {
        return Err(names::whole_only());
    }
    match names::function(state, &reference, &call.account) {
        Some(_) => Ok(reference.name),
        None => Err(names::missing(&missing(reference), &call.account)),
    }
}

fn set(state: &mut State, name: &str, reserved: Option<u32>) {
    if let Some(function) = state.functions.get_mut(name) {
        function.reserved_concurrency = reserved;
    }
}

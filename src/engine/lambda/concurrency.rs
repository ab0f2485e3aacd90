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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::engine::lambda::testing::Lab;

    const SLOW: (&str, &str) = (
        "index.js",
        "exports.handler = () => new Promise((done) => setTimeout(done, 1000))",
    );

    /// The function `f` with a version, and the alias `live` of that.
    async fn lab() -> Lab {
        let lab = Lab::new();
        lab.function("f", SLOW, json!({})).await;
        let name = json!({ "FunctionName": "f" });
        lab.call("PublishVersion", name).await;
        let alias = json!({ "FunctionName": "f", "Name": "live", "FunctionVersion": "1" });
        lab.call("CreateAlias", alias).await;
        lab
    }

    async fn reserve(lab: &Lab, count: u32) {
        let input = json!({ "FunctionName": "f", "ReservedConcurrentExecutions": count });
        lab.call("PutFunctionConcurrency", input).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_reserved_is_for_all_versions_together() {
        let lab = lab().await;
        reserve(&lab, 1).await;
        let running = lab.run("Invoke", json!({ "FunctionName": "f" }), "{}");
        let refused = async {
            lab.sleep(Duration::from_millis(500)).await;
            let input = json!({ "FunctionName": "f:1" });
            lab.run("Invoke", input, "{}").await.unwrap_err()
        };
        let (ran, refused) = tokio::join!(running, refused);
        ran.unwrap();
        assert_eq!(
            (refused.status, refused.code),
            (429, "TooManyRequestsException")
        );
        assert_eq!(
            refused.extra.unwrap()["Reason"],
            "ReservedFunctionConcurrentInvocationLimitExceeded"
        );
        reserve(&lab, 0).await;
        for name in ["f", "f:1", "f:live", "f:$LATEST"] {
            let fault = lab.run("Invoke", json!({ "FunctionName": name }), "{}");
            assert_eq!(fault.await.unwrap_err().status, 429, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_whole_function_reserves() {
        let lab = lab().await;
        for name in ["f:1", "f:live", "f:$LATEST"] {
            for operation in ["Put", "Get", "Delete"] {
                let operation = format!("{operation}FunctionConcurrency");
                let input = json!({ "FunctionName": name, "ReservedConcurrentExecutions": 1 });
                let fault = lab.refusal(&operation, input).await;
                assert_eq!(fault.code, "InvalidParameterValueException");
                assert_eq!(
                    fault.message,
                    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."
                );
            }
        }
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:none";
        for (operation, arn) in [
            ("PutFunctionConcurrency", &*format!("{arn}:$LATEST")),
            ("GetFunctionConcurrency", arn),
        ] {
            let input = json!({ "FunctionName": "none", "ReservedConcurrentExecutions": 1 });
            let fault = lab.refusal(operation, input).await;
            assert_eq!(
                (fault.status, fault.code),
                (404, "ResourceNotFoundException")
            );
            assert_eq!(fault.message, format!("Function not found: {arn}"));
        }
    }
}

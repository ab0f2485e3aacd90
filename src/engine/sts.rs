//! STS: who am I.

use serde_json::json;

use super::call::{Answer, Call, Operation, Principal, Run, any_resource};
use super::state::State;

static OPERATIONS: [Operation; 1] = [Operation {
    name: "GetCallerIdentity",
    http: "",
    // AWS lets everyone ask, whatever policies say.
    action: "",
    resource: any_resource,
    run: Run::Now(get_caller_identity),
}];

pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

fn get_caller_identity(state: &mut State, call: &Call) -> Answer {
    let account = &call.account;
    let user_id = match &call.principal {
        Principal::Root => account.id.clone(),
        Principal::Role { role, session } => {
            let id = state.roles.get(role).map_or("", |role| role.id.as_str());
            format!("{id}:{session}")
        }
        Principal::Service(name) => name.clone(),
    };
    Ok(json!({
        "UserId": user_id,
        "Account": account.id,
        "Arn": call.principal.arn(account),
    })
    .into())
}

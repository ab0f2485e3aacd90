//! STS: who am I, and let me be that role. Sessions last as long as the engine; nothing expires.

use std::time::Duration;

use serde_json::json;

use super::Engine;
use super::call::{Answer, Call, Fault, Operation, Principal, Run, any_resource};
use super::connector;
use super::iam;
use super::state::State;
use crate::clock;

static OPERATIONS: [Operation; 2] = [
    Operation {
        name: "AssumeRole",
        http: "",
        // Who is named by the role's trust policy needs no policy of their own: both are asked together.
        action: "",
        resource: any_resource,
        run: Run::Data(assume_role),
    },
    Operation {
        name: "GetCallerIdentity",
        http: "",
        // AWS lets everyone ask, whatever policies say.
        action: "",
        resource: any_resource,
        run: Run::Now(get_caller_identity),
    },
];

/// Shortest session, in seconds.
const SESSION_SECS_MIN: u32 = 900;
/// Session when nothing is asked, in seconds.
const SESSION_SECS: u32 = 3600;

pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

fn get_caller_identity(state: &mut State, call: &Call) -> Answer {
    let account = &call.account;
    let user_id = match &call.principal {
        Principal::Root => account.id.clone(),
        Principal::Role { role, session } => {
            let known = state.roles.get(role).ok_or_else(|| {
                let message = "The security token included in the request is invalid.";
                Fault::new(403, "InvalidClientTokenId", message)
            })?;
            format!("{}:{session}", known.id)
        }
        Principal::User { name, .. } => {
            let known = state.users.get(name);
            known.map_or_else(String::new, |user| user.id.clone())
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

fn assume_role(engine: &Engine, call: &Call) -> Answer {
    let arn = required(call, "RoleArn")?;
    let session = required(call, "RoleSessionName")?;
    if !is_session_name(session) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let account = &call.account;
    let caller = call.principal.arn(account);
    let limits = engine.read(|state| iam::session_policies(state, call))?;
    let found = engine.read(|state| {
        let role = state.roles.values().find(|role| role.arn == arn)?;
        let may = !engine.enforces_iam() || iam::authorize_assuming(state, call, role, facts(call));
        may.then(|| (role.name.clone(), role.id.clone(), role.max_session_secs))
    });
    // AWS says the same of a role that does not exist, so that nobody can probe for names.
    let (role, id, max_secs) = found.ok_or_else(|| {
        let message = format!(
            "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        );
        Fault::new(403, "AccessDenied", message)
    })?;
    let secs = session_secs(call, max_secs)?;
    let principal = Principal::Role {
        role,
        session: session.to_owned(),
    };
    let key = match limits {
        Some(limits) => engine.issue_limited_key(&principal, limits),
        None => engine.issue_key(&principal),
    };
    let expires = call.now + Duration::from_secs(secs.into());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": connector::SECRET,
            "SessionToken": call.ids.hex(64),
            "Expiration": clock::iso_secs(expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{id}:{session}"),
            "Arn": principal.arn(account),
        },
    })
    .into())
}

fn facts(call: &Call) -> Vec<(&'static str, String)> {
    [
        ("ExternalId", "sts:ExternalId"),
        ("RoleSessionName", "sts:RoleSessionName"),
    ]
    .into_iter()
    .filter_map(|(member, key)| Some((key, call.text(member)?.to_owned())))
    .collect()
}

fn session_secs(call: &Call, max_secs: u32) -> Result<u32, Fault> {
    let Some(asked) = call.text("DurationSeconds") else {
        return Ok(SESSION_SECS.min(max_secs));
    };
    match asked.parse() {
        Ok(secs) if secs > max_secs => Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )),
        Ok(secs) if secs >= SESSION_SECS_MIN => Ok(secs),
        _ => Err(invalid(format!(
            "1 validation error detected: Value '{asked}' at 'durationSeconds' failed to satisfy constraint: \
             Member must have value greater than or equal to {SESSION_SECS_MIN}"
        ))),
    }
}

fn required<'a>(call: &'a Call, member: &str) -> Result<&'a str, Fault> {
    call.text(member).ok_or_else(|| {
        let mut name = member.to_owned();
        name[..1].make_ascii_lowercase();
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(400, "ValidationError", message)
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

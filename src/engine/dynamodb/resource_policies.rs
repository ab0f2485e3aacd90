//! Policies of tables and streams: kept and returned here; `iam` judges by them.

use serde_json::json;

use super::validate::{Member, Shape};
use super::{names, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::iam::policy::parse;
use crate::engine::state::{ResourcePolicy, State};

/// Bytes of a document, white space counted.
const SIZE_MAX: usize = 20 * 1024;
/// What `ExpectedRevisionId` is where no policy is expected.
const NONE_EXPECTED: &str = "NO_POLICY";
const ARN: Member = Member::required("ResourceArn", Shape::Text(1, 1283));
const REVISION: Member = Member::new("ExpectedRevisionId", Shape::Text(1, 255));
static PUT: &[Member] = &[
    ARN,
    Member::required("Policy", Shape::Text(0, 0)),
    REVISION,
    Member::new("ConfirmRemoveSelfResourceAccess", Shape::Flag),
];
static GET: &[Member] = &[ARN];
static DELETE: &[Member] = &[ARN, REVISION];

pub(super) fn put_resource_policy(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, PUT)?;
    let document = call.text("Policy").unwrap_or_default();
    check(document)?;
    let revision = engine.change(|state| {
        let arn = resource(state, call)?;
        let known = state.resource_policies.get(&arn);
        if let Some(expected) = call.text("ExpectedRevisionId") {
            let current = known.map_or(NONE_EXPECTED, |it| it.revision.as_str());
            if expected != current {
                return Err(other_revision(&arn));
            }
        }
        // The same document again changes nothing.
        if let Some(known) = known.filter(|it| it.document == document) {
            return Ok(known.revision.clone());
        }
        let policy = ResourcePolicy {
            document: document.to_owned(),
            revision: revision(call),
        };
        let revision = policy.revision.clone();
        state.resource_policies.insert(arn, policy);
        Ok(revision)
    })?;
    Ok(Reply::from(json!({ "RevisionId": revision })))
}

pub(super) fn get_resource_policy(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, GET)?;
    engine.read(|state| {
        let arn = resource(state, call)?;
        let policy = state
            .resource_policies
            .get(&arn)
            .ok_or_else(|| not_found(&arn))?;
        Ok(Reply::from(
            json!({"Policy": policy.document, "RevisionId": policy.revision}),
        ))
    })
}

/// Also well where there is no policy.
pub(super) fn delete_resource_policy(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, DELETE)?;
    let removed = engine.change(|state| {
        let arn = resource(state, call)?;
        let known = state.resource_policies.get(&arn);
        if let Some(expected) = call.text("ExpectedRevisionId") {
            match known {
                None => return Err(not_found(&arn)),
                Some(known) if known.revision != expected => return Err(other_revision(&arn)),
                Some(_) => {}
            }
        }
        Ok(state.resource_policies.remove(&arn))
    })?;
    Ok(Reply::from(match removed {
        Some(policy) => json!({"RevisionId": policy.revision}),
        None => json!({}),
    }))
}

/// The policy a new table is asked for.
pub(super) fn of_new_table(call: &Call) -> Result<Option<ResourcePolicy>, Fault> {
    let Some(document) = call.text("ResourcePolicy") else {
        return Ok(None);
    };
    check(document)?;
    Ok(Some(ResourcePolicy {
        document: document.to_owned(),
        revision: revision(call),
    }))
}

fn check(document: &str) -> Result<(), Fault> {
    if document.len() > SIZE_MAX {
        return Err(Fault::validation(
            "Resource-based policy size exceeds the limit of 20 KB",
        ));
    }
    match parse("the resource policy", document) {
        Ok(_) => Ok(()),
        Err(malformed) => Err(Fault::validation(format!(
            "Resource-based policy is malformed: {}",
            malformed.0
        ))),
    }
}

/// Milliseconds and random digits, as long as the service's.
fn revision(call: &Call) -> String {
    let millis = crate::clock::epoch_millis(call.now);
    format!("{millis}{}", call.ids.number() % 1_000_000)
}

/// The ARN of a request when there is such a table or stream.
fn resource(state: &State, call: &Call) -> Result<String, Fault> {
    let arn = call.text("ResourceArn").unwrap_or_default();
    let is_table = names::in_arn(arn)
        .and_then(|name| state.tables.get(name))
        .is_some_and(|it| it.arn == arn);
    if is_table || state.streams.contains_key(arn) {
        return Ok(arn.to_owned());
    }
    Err(Fault::new(
        400,
        "ResourceNotFoundException",
        format!("Requested resource not found: ResourcArn: {arn} not found"),
    ))
}

fn not_found(arn: &str) -> Fault {
    Fault::new(
        400,
        "PolicyNotFoundException",
        format!("Resource-based policy not found for the provided ResourceArn: {arn}"),
    )
}

fn other_revision(arn: &str) -> Fault {
    Fault::new(
        400,
        "PolicyNotFoundException",
        format!(
            "Resource-based policy with the expected revision was not found for the provided ResourceArn: {arn}"
        ),
    )
}

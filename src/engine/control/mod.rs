//! The engine's own service: look at it, hold its pollers, try things again. Only the account itself may call it.
//!
//! On the wire of DynamoDB, with `Waterwheel_20260101.` before the operation's name; `docs/control.md` describes every
//! operation. It works while everything else is made to fail: injected faults never strike it.

mod clock;
mod door;
mod engine;
mod faults;
mod folders;
mod metrics;
mod pollers;
mod replay;
mod settings;
mod shards;
mod simulate;

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::{Call, Fault, Operation, Principal, Run, any_resource};
use crate::clock::from_epoch_millis;

pub use door::{Refused, ask, ask_as};
pub use metrics::{Counted, counted};
pub use settings::{TIME_MAX, described as settings};
pub use simulate::Live;

/// The name requests are signed for.
pub const SERVICE: &str = "waterwheel";
/// What stands before an operation's name in `X-Amz-Target`.
pub const TARGET: &str = "Waterwheel_20260101.";

static OPERATIONS: &[Operation] = &[
    row("GetEngine", Run::Data(engine::get)),
    row("GetPoller", Run::Later(pollers::get)),
    row("PausePoller", Run::Later(pollers::pause)),
    row("ResumePoller", Run::Later(pollers::resume)),
    row("StepPoller", Run::Later(pollers::step)),
    row("SkipRecord", Run::Later(pollers::skip)),
    row("ReplayBatch", Run::Later(replay::run)),
    row("GetMappingMetrics", Run::Data(metrics::get)),
    row("SimulateMapping", Run::Later(simulate::run)),
    row("SetEngineSettings", Run::Data(settings::set)),
    row("GetStream", Run::Data(shards::get)),
    row("RollShard", Run::Data(shards::roll)),
    row("SplitShard", Run::Data(shards::split)),
    row("TrimStream", Run::Data(shards::trim)),
    row("GetClock", Run::Data(clock::get)),
    row("SetClock", Run::Data(clock::set)),
    row("PutFaultRules", Run::Data(faults::put)),
    row("FollowFolder", Run::Later(folders::follow)),
    row("UnfollowFolder", Run::Data(folders::unfollow)),
    row("ListFollowedFolders", Run::Data(folders::list)),
    row("GetFaultRules", Run::Data(faults::get)),
    row("AddFaultRules", Run::Data(faults::add)),
    row("SwitchFaultRule", Run::Data(faults::switch)),
    row("RestartFaultRules", Run::Data(faults::restart)),
    row("DeleteFaultRules", Run::Data(faults::delete)),
];

pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const fn row(name: &'static str, run: Run) -> Operation {
    // Policies cannot give what only root has; see `permit`.
    Operation::new(name, "", "", any_resource, run)
}

/// Roles and services have no business here, whatever their policies say.
pub(super) fn permit(call: &Call) -> Result<(), Fault> {
    if call.principal == Principal::Root {
        return Ok(());
    }
    let who = call.principal.arn(&call.account);
    let operation = call.operation;
    Err(Fault::new(
        400,
        "AccessDeniedException",
        format!(
            "User: {who} is not authorized to perform: {SERVICE}:{operation}: only the account itself controls the \
             engine. Sign the request with a key that is not a role's."
        ),
    ))
}

/// The input of operations that take none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The request's members; one that the operation does not know is refused, with those it knows.
fn input<T: DeserializeOwned>(call: &Call) -> Result<T, Fault> {
    T::deserialize(&call.input)
        .map_err(|error| Fault::validation(format!("{}: {error}", call.operation)))
}

/// What there is not is left out, as AWS does it.
fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970, to the millisecond: records are that exact.
fn time(member: &str, secs: Option<f64>) -> Result<Option<SystemTime>, Fault> {
    /// The year 9999.
    const LAST: f64 = 253_370_764_800.0;
    let Some(secs) = secs else { return Ok(None) };
    let millis = Duration::try_from_secs_f64((secs * 1000.0).round()).ok();
    let millis = millis.filter(|_| secs < LAST);
    millis
        .map(|millis| Some(from_epoch_millis(millis.as_secs())))
        .ok_or_else(|| Fault::validation(format!("{member}: give a time in seconds since 1970")))
}

//! The engine's settings: those in force, and changing them while it runs.

use serde_json::{Map, Value};

use super::control::ask;
use super::{Aws, Error};
use crate::engine::control;
pub use crate::engine::control::TIME_MAX;
pub use crate::engine::streams::SHARDS_MAX;
use crate::mapping::pace::Pace;

/// By the names `docs/control.md` gives them; what is never done is left out.
pub type Values = Map<String, Value>;

/// Cheap: ask it every frame. `None` elsewhere than in the local cloud.
pub fn in_force(aws: &Aws) -> Option<Values> {
    match control::settings(aws.engine().ok()?) {
        Value::Object(values) => Some(values),
        _ => None,
    }
}

/// How often triggers read. Cheap: ask it every frame. `None` elsewhere than in the local cloud.
pub fn pace(aws: &Aws) -> Option<Pace> {
    Some(aws.engine().ok()?.settings().poll)
}

/// Changes these settings, all or none. A refusal begins with the name of the setting it is about.
pub async fn change(aws: Aws, changes: Values) -> Result<(), Error> {
    ask(&aws, "SetEngineSettings", Value::Object(changes)).await?;
    Ok(())
}

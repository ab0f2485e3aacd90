//! What this engine is and which settings are in force.

use serde_json::json;

use super::{Nothing, clock, input, settings, without_nulls};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call};

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let Nothing {} = input(call)?;
    let store = engine.store();
    let folder = (!store.is_temporary()).then(|| store.folder().display().to_string());
    let (mappings, paused) = engine.read(|state| {
        let paused = state.mappings.values().filter(|it| it.paused);
        let paused: Vec<String> = paused.map(|it| it.uuid.clone()).collect();
        (state.mappings.len(), paused)
    });
    Ok(without_nulls(json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "Account": engine.account().id,
        "Region": engine.account().region,
        "Folder": folder,
        "Clock": clock::described(engine),
        "Settings": settings::described(engine),
        "Mappings": mappings,
        "PausedPollers": paused,
    }))
    .into())
}

//! Functions that follow a file or a folder: begun, ended, listed.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Nothing, input, without_nulls};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Later};
use crate::engine::lambda::folder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Follow {
    function_name: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Unfollow {
    function_name: String,
}

/// Refuses what could not be deployed now, before anything is changed.
pub(super) fn follow(engine: Engine, call: Call) -> Later {
    Box::pin(async move {
        let asked: Follow = input(&call)?;
        let path = PathBuf::from(&asked.path);
        if !path.is_absolute() {
            return Err(Fault::validation(format!(
                "Path: \"{}\" is relative, give it from the root on",
                asked.path
            )));
        }
        let package = engine.beside(move || folder::package(&path).map(|_| ()));
        package
            .await?
            .map_err(|wrong| Fault::validation(format!("Path: {wrong}")))?;
        set(&engine, &asked.function_name, Some(asked.path))?;
        Ok(shown(&engine, &asked.function_name).into())
    })
}

/// What is deployed stays.
pub(super) fn unfollow(engine: &Engine, call: &Call) -> Answer {
    let asked: Unfollow = input(call)?;
    set(engine, &asked.function_name, None)?;
    Ok(json!({}).into())
}

pub(super) fn list(engine: &Engine, call: &Call) -> Answer {
    let Nothing {} = input(call)?;
    let names: Vec<String> = engine.read(|state| {
        let functions = state.functions.iter();
        let following = functions.filter(|(_, it)| it.follows.is_some());
        following.map(|(name, _)| name.clone()).collect()
    });
    let rows: Vec<Value> = names.iter().map(|name| shown(engine, name)).collect();
    Ok(json!({ "Folders": rows }).into())
}

fn set(engine: &Engine, function: &str, path: Option<String>) -> Result<(), Fault> {
    engine.change(|state| {
        let found = state.functions.get_mut(function).ok_or_else(|| {
            Fault::new(
                400,
                "ResourceNotFoundException",
                format!("FunctionName: there is no function \"{function}\""),
            )
        })?;
        found.follows = path;
        Ok(())
    })?;
    engine.lambda().follows.ring();
    Ok(())
}

fn shown(engine: &Engine, function: &str) -> Value {
    let path = engine.read(|state| {
        let function = state.functions.get(function);
        function.and_then(|it| it.follows.clone())
    });
    let told = engine.lambda().follows.told(function);
    without_nulls(json!({
        "FunctionName": function,
        "Path": path,
        "Deployed": told.deployed.map(epoch_secs),
        "Problem": told.problem,
    }))
}

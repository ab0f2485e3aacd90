//! Functions of the local cloud that follow a file or a folder of this machine.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use super::control::ask;
use super::{Aws, Error};

/// What a function follows, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    pub path: PathBuf,
    /// When something of it was deployed last since the cloud was opened.
    pub deployed: Option<SystemTime>,
    /// Why what is there now is not deployed.
    pub problem: Option<String>,
}

/// What this function follows; `None` outside the local cloud as well. Cheap: ask it every frame.
pub fn followed(aws: &Aws, function: &str) -> Option<Followed> {
    let engine = aws.engine().ok()?;
    let path = engine.read(|state| state.functions.get(function)?.follows.clone())?;
    let told = engine.lambda().follows.told(function);
    Some(Followed {
        path: PathBuf::from(path),
        deployed: told.deployed,
        problem: told.problem,
    })
}

/// Deploys what is there now, and again whenever it is saved. A relative path counts from the current folder.
pub async fn follow(aws: Aws, function: String, path: PathBuf) -> Result<(), Error> {
    let whole =
        std::path::absolute(&path).map_err(|error| super::files::unreadable(&path, &error))?;
    let input = json!({ "FunctionName": function, "Path": text(&whole)? });
    ask(&aws, "FollowFolder", input).await?;
    Ok(())
}

/// What is deployed stays.
pub async fn unfollow(aws: Aws, function: String) -> Result<(), Error> {
    ask(&aws, "UnfollowFolder", json!({ "FunctionName": function })).await?;
    Ok(())
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| {
        Error::input(format!(
            "{} is not UTF-8, which the cloud cannot keep",
            path.display()
        ))
    })
}

//! `DeleteObject` and `DeleteObjects`.

use serde_json::{Map, Value, json};

use super::{arn_of, checksum, conditions, find, malformed, objects, permitted, shelf};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Reply};

/// Keys of one request.
const KEYS_MAX: usize = 1000;

/// What is not there counts as deleted.
pub(super) fn one(engine: &Engine, call: &Call) -> Answer {
    objects::check_version(call)?;
    let key = call.text("Key").unwrap_or_default();
    objects::check_key(key)?;
    let _writing = engine.s3().writing.lock();
    let bucket = engine.read(|state| find(state, call).cloned())?;
    if call.text("IfMatch").is_some() {
        let meta = shelf::meta(engine.store(), bucket.store_id, key)?;
        conditions::of_write(call, meta.as_ref())?;
    }
    shelf::remove(engine.store(), bucket.store_id, [key])?;
    Ok(Reply {
        status: 204,
        headers: Vec::new(),
        body: Body::Empty,
    })
}

pub(super) fn many(engine: &Engine, call: &Call) -> Answer {
    checksum::verified(call)?;
    let delete = call.input.get("Delete").ok_or_else(malformed)?;
    let is_quiet = text(delete, "Quiet") == Some("true");
    let asked = delete.get("Object").and_then(Value::as_array);
    let asked = asked
        .filter(|it| (1..=KEYS_MAX).contains(&it.len()))
        .ok_or_else(malformed)?;
    let _writing = engine.s3().writing.lock();
    let bucket = engine.read(|state| find(state, call).cloned())?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    let mut gone = Vec::new();
    for object in asked {
        let key = text(object, "Key").ok_or_else(malformed)?;
        match check_one(engine, call, object, key) {
            Ok(()) => {
                gone.push(key);
                deleted.push(json!({ "Key": key }));
            }
            Err(fault) => errors.push(json!({
                "Key": key,
                "Code": fault.code,
                "Message": fault.message,
            })),
        }
    }
    shelf::remove(engine.store(), bucket.store_id, gone)?;
    let mut result = Map::new();
    if !is_quiet {
        result.insert("Deleted".to_owned(), deleted.into());
    }
    result.insert("Error".to_owned(), errors.into());
    Ok(json!({ "DeleteResult": result }).into())
}

fn check_one(engine: &Engine, call: &Call, object: &Value, key: &str) -> Result<(), Fault> {
    objects::check_key(key)?;
    match text(object, "VersionId") {
        None | Some("" | "null") => (),
        Some(_) => {
            let message = "The specified version does not exist.";
            return Err(Fault::new(404, "NoSuchVersion", message));
        }
    }
    let resource = arn_of(call, key);
    permitted(engine, call, "s3:DeleteObject", &resource, Vec::new())
}

/// The text of an element: the only one of its name.
fn text<'a>(element: &'a Value, name: &str) -> Option<&'a str> {
    element.get(name)?.get(0)?.as_str()
}

//! Access keys of users. A key's secret is told once and not kept: signatures are not checked.

use serde_json::{Map, Value, json};

use super::entities::nothing;
use super::input::{self, limit_exceeded, no_such_entity};
use super::users;
use crate::clock::iso_secs;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Principal};
use crate::engine::state::{AccessKey, State};

/// Access keys of one user.
const KEYS_MAX: usize = 2;
/// Characters of a secret.
const SECRET_CHARS: usize = 40;

/// Whose an access key is.
pub enum Whose {
    User(Principal),
    /// It is inactive, or was deleted.
    Refused,
    /// There never was such a key of a user.
    Nobody,
}

/// Whose the access key with this id is, where users have it.
pub fn whose(state: &State, id: &str) -> Whose {
    if state.deleted_keys.contains(id) {
        return Whose::Refused;
    }
    let Some(key) = state.access_keys.get(id) else {
        return Whose::Nobody;
    };
    match state.users.get(&key.user) {
        Some(user) if key.is_active => Whose::User(Principal::User {
            path: user.path.clone(),
            name: user.name.clone(),
        }),
        _ => Whose::Refused,
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let user = users::find(state, users::name(call)?)?.name.clone();
    if of_user(state, &user).count() == KEYS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}"
        )));
    }
    let id = call.ids.key("AKIA", 16);
    let key = AccessKey {
        user,
        is_active: true,
        created: call.now,
    };
    let mut shown = describe(&id, &key);
    shown.insert(
        "SecretAccessKey".to_owned(),
        json!(call.ids.hex(SECRET_CHARS)),
    );
    state.access_keys.insert(id, key);
    Ok(json!({ "AccessKey": shown }).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let user = &users::find(state, users::name(call)?)?.name;
    let keys: Vec<(&String, &AccessKey)> = of_user(state, user).collect();
    let mut page = input::page(
        call,
        "AccessKeyMetadata",
        &keys,
        |(id, _)| id,
        |(id, key)| Value::Object(describe(id, key)),
    )?;
    page.insert("UserName".to_owned(), json!(user));
    Ok(Value::Object(page).into())
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let is_active = match input::required(call, "Status")? {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(input::constraint(&format!(
                "Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]"
            )));
        }
    };
    let id = own_key(state, call)?;
    if let Some(key) = state.access_keys.get_mut(&id) {
        key.is_active = is_active;
    }
    Ok(nothing())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = own_key(state, call)?;
    state.access_keys.remove(&id);
    state.deleted_keys.insert(id);
    Ok(nothing())
}

/// What was used before the engine was opened is forgotten.
pub(super) fn last_used(engine: &Engine, call: &Call) -> Answer {
    let id = input::required(call, "AccessKeyId")?;
    let user = engine.read(|state| state.access_keys.get(id).map(|key| key.user.clone()));
    let user = user.ok_or_else(|| missing(id))?;
    let mut shown = json!({ "ServiceName": "N/A", "Region": "N/A" });
    if let Some((at, service)) = engine.last_use(id) {
        shown = json!({
            "LastUsedDate": iso_secs(at),
            "ServiceName": service,
            "Region": call.account.region,
        });
    }
    Ok(json!({ "UserName": user, "AccessKeyLastUsed": shown }).into())
}

/// The id of a key that the request names, which has to be the user's.
fn own_key(state: &State, call: &Call) -> Result<String, Fault> {
    let user = &users::find(state, users::name(call)?)?.name;
    let id = input::required(call, "AccessKeyId")?;
    match state.access_keys.get(id) {
        Some(key) if key.user == *user => Ok(id.to_owned()),
        _ => Err(missing(id)),
    }
}

fn of_user<'a>(
    state: &'a State,
    user: &'a str,
) -> impl Iterator<Item = (&'a String, &'a AccessKey)> {
    state
        .access_keys
        .iter()
        .filter(move |(_, key)| key.user == user)
}

fn missing(id: &str) -> Fault {
    no_such_entity(format!("The Access Key with id {id} cannot be found."))
}

fn describe(id: &str, key: &AccessKey) -> Map<String, Value> {
    let status = if key.is_active { "Active" } else { "Inactive" };
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("UserName", json!(key.user));
    set("AccessKeyId", json!(id));
    set("Status", json!(status));
    set("CreateDate", json!(iso_secs(key.created)));
    shown
}

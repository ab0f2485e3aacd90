//! Operations on users alone: the user itself. Their keys are in `keys`.

use serde_json::{Map, Value, json};

use super::entities::{self, Kind, conflict, nothing};
use super::input;
use crate::clock::iso_secs;
use crate::engine::call::{Answer, Call, Fault, Principal};
use crate::engine::state::{State, User};

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let name = Kind::User.name(call)?;
    let path = input::path(call)?;
    let grants = entities::first_grants(state, call)?;
    check_free(state, name)?;
    let user = User {
        name: name.to_owned(),
        arn: arn(call, path, name),
        id: call.ids.key("AIDA", 17),
        path: path.to_owned(),
        created: call.now,
        grants,
    };
    let answer = json!({ "User": describe(&user, true) });
    state.users.insert(name.to_owned(), user);
    Ok(answer.into())
}

/// Without a name, the caller.
pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    if call.text("UserName").is_none() && call.principal == Principal::Root {
        let account = &call.account;
        // AWS tells when the account was made; nobody knows here.
        let root = json!({
            "UserId": account.id,
            "Arn": call.principal.arn(account),
            "CreateDate": iso_secs(call.now),
        });
        return Ok(json!({ "User": root }).into());
    }
    let user = find(state, name(call)?)?;
    Ok(json!({ "User": describe(user, true) }).into())
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let users: Vec<&User> = state
        .users
        .values()
        .filter(|user| user.path.starts_with(prefix))
        .collect();
    let page = input::page(
        call,
        "Users",
        &users,
        |user| &user.name,
        |user| Value::Object(describe(user, false)),
    )?;
    Ok(Value::Object(page).into())
}

/// Another name, another path, or both; its keys and policies go with it.
pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let name = Kind::User.name(call)?;
    find(state, name)?;
    let new_name = match call.text("NewUserName") {
        None => name,
        Some(_) => input::name(call, "NewUserName", entities::NAME_CHARS_MAX)?,
    };
    if !new_name.eq_ignore_ascii_case(name) {
        check_free(state, new_name)?;
    }
    let new_path = match call.text("NewPath") {
        None => None,
        Some(_) => Some(input::path_of(call, "NewPath")?),
    };
    let Some(mut user) = state.users.remove(name) else {
        return Err(Kind::User.missing(name));
    };
    if let Some(path) = new_path {
        path.clone_into(&mut user.path);
    }
    new_name.clone_into(&mut user.name);
    user.arn = arn(call, &user.path, new_name);
    for key in state.access_keys.values_mut() {
        if key.user == name {
            new_name.clone_into(&mut key.user);
        }
    }
    state.users.insert(new_name.to_owned(), user);
    Ok(nothing())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let name = Kind::User.name(call)?;
    let user = find(state, name)?;
    if state.access_keys.values().any(|key| key.user == name) {
        return Err(conflict(
            "Cannot delete entity, must delete access keys first.",
        ));
    }
    entities::check_deletable(&user.grants)?;
    state.users.remove(name);
    Ok(nothing())
}

/// There are no groups; clients ask before they delete a user.
pub(super) fn list_groups(state: &mut State, call: &Call) -> Answer {
    find(state, Kind::User.name(call)?)?;
    Ok(json!({ "Groups": [], "IsTruncated": false }).into())
}

/// The user that a request names, or who makes it.
pub(super) fn name(call: &Call) -> Result<&str, Fault> {
    match &call.principal {
        Principal::User { name, .. } if call.text("UserName").is_none() => Ok(name),
        _ if call.text("UserName").is_none() => Err(input::validation(
            "Must specify userName when calling with non-User credentials",
        )),
        _ => Kind::User.name(call),
    }
}

pub(super) fn find<'a>(state: &'a State, name: &str) -> Result<&'a User, Fault> {
    state
        .users
        .get(name)
        .ok_or_else(|| Kind::User.missing(name))
}

/// Names of users are the same in upper and lower case.
fn check_free(state: &State, name: &str) -> Result<(), Fault> {
    if !state.users.keys().any(|it| it.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(Fault::new(
        409,
        "EntityAlreadyExists",
        format!("User with name {name} already exists."),
    ))
}

fn arn(call: &Call, path: &str, name: &str) -> String {
    call.account
        .arn("iam", format!("user{path}{name}"))
        .to_string()
}

fn describe(user: &User, with_grants: bool) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut set = |member: &str, value: Value| shown.insert(member.to_owned(), value);
    set("Path", json!(user.path));
    set("UserName", json!(user.name));
    set("UserId", json!(user.id));
    set("Arn", json!(user.arn));
    set("CreateDate", json!(iso_secs(user.created)));
    if with_grants {
        entities::show_grants(&user.grants, &mut shown);
    }
    shown
}

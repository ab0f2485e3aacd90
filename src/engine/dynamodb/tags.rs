//! Tags of tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::schema::{elements, text};
use super::{names, shapes, tables, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Reply};
use crate::engine::state::{State, Table};

const TAGS_MAX: usize = 50;

pub(super) fn tag_resource(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::TAG_RESOURCE)?;
    let tags = read(elements(&call.input, "Tags"))?;
    if tags.is_empty() {
        return Err(Fault::validation(
            "Atleast one Tag needs to be provided as Input.",
        ));
    }
    change(engine, call, |all| {
        all.extend(tags);
        if all.len() > TAGS_MAX {
            return Err(Fault::validation(
                "Number of Tags exceed the current limit for the provided ResourceArn",
            ));
        }
        Ok(())
    })
}

pub(super) fn untag_resource(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::UNTAG_RESOURCE)?;
    let keys = elements(&call.input, "TagKeys");
    if keys.is_empty() {
        return Err(Fault::validation(
            "Atleast one Tag Key needs to be provided as Input.",
        ));
    }
    change(engine, call, |all| {
        all.retain(|key, _| !keys.iter().any(|it| it.as_str() == Some(key)));
        Ok(())
    })
}

pub(super) fn list_tags(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::LIST_TAGS)?;
    engine.read(|state| {
        let tags: Vec<Value> = tagged(state, call)?
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        Ok(Reply::from(json!({ "Tags": tags })))
    })
}

/// `Tags` of a request.
pub(super) fn read(tags: &[Value]) -> Result<BTreeMap<String, String>, Fault> {
    let mut read = BTreeMap::new();
    for tag in tags {
        let key = text(tag, "Key");
        if key.starts_with("aws:") {
            return Err(Fault::validation(format!(
                "Tag Key cannot be prefixed with aws:, Key: {key}"
            )));
        }
        let value = text(tag, "Value").to_owned();
        if read.insert(key.to_owned(), value).is_some() {
            return Err(Fault::validation(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )));
        }
    }
    if read.len() > TAGS_MAX {
        return Err(Fault::validation(
            "Number of Tags exceed the current limit for the provided ResourceArn",
        ));
    }
    Ok(read)
}

fn change(
    engine: &Engine,
    call: &Call,
    change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), Fault>,
) -> Answer {
    let name = engine.read(|state| tagged(state, call).map(|it| it.name.clone()))?;
    tables::locked(engine, &name, |table| {
        let mut table = Table::clone(table);
        change(&mut table.tags)?;
        engine.change(|state| {
            state.tables.insert(name.clone(), Arc::new(table));
            Ok(())
        })
    })?;
    Ok(Reply {
        status: 200,
        headers: Vec::new(),
        body: Body::Empty,
    })
}

/// The table that `ResourceArn` names.
fn tagged<'a>(state: &'a State, call: &Call) -> Result<&'a Table, Fault> {
    let arn = call.text("ResourceArn").unwrap_or_default();
    if !arn.starts_with("arn:") {
        return Err(super::schema::invalid(&format!(
            "ARNs must start with 'arn:': {arn}"
        )));
    }
    let name = names::in_arn(arn).ok_or_else(|| {
        Fault::validation(format!(
            "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
        ))
    })?;
    if !arn.starts_with(&format!("{}/", call.account.arn("dynamodb", "table"))) {
        return Err(Fault::new(
            400,
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: dynamodb:{} on resource: {arn}",
                call.principal.arn(&call.account),
                call.operation
            ),
        ));
    }
    let table = tables::managed(state, name).map_err(|_unknown| {
        Fault::new(
            400,
            "ResourceNotFoundException",
            format!("Requested resource not found: ResourcArn: {arn} not found"),
        )
    })?;
    Ok(table)
}

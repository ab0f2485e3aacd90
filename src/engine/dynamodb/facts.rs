//! What policies may ask of a request to a table: which items and which attributes it is about.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::clauses::{CONDITION, Clauses, FILTER, KEY_CONDITION, PROJECTION, UPDATE};
use super::expression::key_condition::SortCondition;
use super::expression::projection::Projection;
use super::expression::update::Update;
use super::value::Attribute;
use crate::engine::call::Call;
use crate::engine::state::{State, Table};

/// Condition keys and their values; a key of several values comes several times.
pub(in crate::engine) type Facts = Vec<(&'static str, String)>;

const LEADING_KEYS: &str = "dynamodb:LeadingKeys";
const ATTRIBUTES: &str = "dynamodb:Attributes";

/// What is known of a call about this table or index. What cannot be read is left out: the operation refuses it.
pub(in crate::engine) fn of(state: &State, call: &Call, resource: &str) -> Facts {
    let mut found = Found::default();
    let path = resource.split_once(":table/").map_or("", |(_, it)| it);
    let (name, index) = match path.split_once("/index/") {
        Some((name, index)) => (name, Some(index)),
        None => (path, None),
    };
    if let Some(table) = state.tables.get(name) {
        found.call(table, index, call);
    }
    found.facts()
}

/// What is known of one of the actions of a transaction.
pub(super) fn of_part(state: &State, table: &str, part: &Value) -> Facts {
    let mut found = Found::default();
    if let Some(table) = state.tables.get(table) {
        found.part(table, None, part);
    }
    found.facts()
}

#[derive(Default)]
struct Found {
    leading: BTreeSet<String>,
    attributes: BTreeSet<String>,
    /// Parameters of the request that are keys themselves.
    parameters: Facts,
}

impl Found {
    fn facts(self) -> Facts {
        let leading = self.leading.into_iter().map(|it| (LEADING_KEYS, it));
        let attributes = self.attributes.into_iter().map(|it| (ATTRIBUTES, it));
        let mut facts = self.parameters;
        facts.extend(leading.chain(attributes));
        facts
    }

    fn call(&mut self, table: &Table, index: Option<&str>, call: &Call) {
        if let Some(plain) = &call.plain {
            let partition = plain.item.get(&table.keys.partition.name);
            self.leading.extend(partition.and_then(text));
            self.attributes.extend(plain.item.keys().cloned());
            return;
        }
        for (member, key) in [
            ("ReturnValues", "dynamodb:ReturnValues"),
            ("ReturnConsumedCapacity", "dynamodb:ReturnConsumedCapacity"),
        ] {
            let given = call.text(member).map(|it| (key, it.to_owned()));
            self.parameters.extend(given);
        }
        match call.operation {
            "BatchGetItem" | "BatchWriteItem" => self.batch(table, call),
            "Query" | "Scan" => {
                let select = ("dynamodb:Select", select(&call.input, index));
                self.parameters.push(select);
                self.part(table, index, &call.input);
            }
            _ => self.part(table, index, &call.input),
        }
    }

    /// `RequestItems` names a table as the request does: by name or ARN.
    fn batch(&mut self, table: &Table, call: &Call) {
        let requests = call.input.get("RequestItems").and_then(Value::as_object);
        let own = requests
            .into_iter()
            .flatten()
            .filter(|(name, _)| **name == table.name || **name == table.arn);
        for (_, request) in own {
            self.names(request, &[PROJECTION]);
            let keys = request.get("Keys").and_then(Value::as_array);
            for key in keys.into_iter().flatten() {
                self.item(table, key);
            }
            for write in request.as_array().into_iter().flatten() {
                self.item(table, &write["PutRequest"]["Item"]);
                self.item(table, &write["DeleteRequest"]["Key"]);
            }
        }
    }

    /// An item or a key, and the expressions beside it.
    fn part(&mut self, table: &Table, index: Option<&str>, part: &Value) {
        self.item(table, &part["Item"]);
        self.item(table, &part["Key"]);
        let kinds: &[&'static str] = if part.get("Key").is_some() || part.get("Item").is_some() {
            &[UPDATE, CONDITION, PROJECTION]
        } else {
            &[KEY_CONDITION, FILTER, PROJECTION]
        };
        let Some(clauses) = self.names(part, kinds) else {
            return;
        };
        let index = index.and_then(|name| table.indexes.iter().find(|it| it.name == name));
        let keys = index.map_or(&table.keys, |it| &it.keys);
        for (name, condition) in clauses.key_condition.into_iter().flat_map(|it| it.0) {
            if name == keys.partition.name
                && let SortCondition::Equal(value) = &condition
            {
                self.leading.extend(text(value));
            }
            self.attributes.insert(name);
        }
    }

    fn item(&mut self, table: &Table, item: &Value) {
        let Some(members) = item.as_object() else {
            return;
        };
        let partition = members.get(&table.keys.partition.name);
        let partition = partition.and_then(|it| Attribute::from_json(it).ok());
        self.leading.extend(partition.as_ref().and_then(text));
        self.attributes.extend(members.keys().cloned());
    }

    /// The attributes that expressions name; what they say where they can be read.
    fn names(&mut self, part: &Value, kinds: &[&'static str]) -> Option<Clauses> {
        let clauses = Clauses::read(part, kinds).ok()?;
        let conditions = clauses.condition.iter().chain(&clauses.filter);
        let conditions = conditions.flat_map(|it| it.paths());
        let updates = clauses.update.iter().flat_map(Update::paths);
        let wanted = clauses.projection.iter().flat_map(Projection::paths);
        let paths = conditions.chain(updates).chain(wanted);
        self.attributes
            .extend(paths.map(|path| path.head().to_owned()));
        Some(clauses)
    }
}

/// `Select` as it is, or as it is meant where the request leaves it out.
fn select(input: &Value, index: Option<&str>) -> String {
    let given = |member: &str| input.get(member).is_some_and(|it| !it.is_null());
    let meant = if given(PROJECTION) || given("AttributesToGet") {
        "SPECIFIC_ATTRIBUTES"
    } else if index.is_some() {
        "ALL_PROJECTED_ATTRIBUTES"
    } else {
        "ALL_ATTRIBUTES"
    };
    let asked = input.get("Select").and_then(Value::as_str);
    asked.unwrap_or(meant).to_owned()
}

/// A key as policies compare it.
fn text(value: &Attribute) -> Option<String> {
    match value {
        Attribute::S(text) => Some(text.clone()),
        Attribute::N(number) => Some(number.to_string()),
        Attribute::B(bytes) => Some(STANDARD.encode(bytes)),
        _ => None,
    }
}

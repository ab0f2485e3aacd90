//! `ExecuteStatement`, and what all three operations do with one statement: parameters, permission, running it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ast::{Action, Source};
use super::parse;
use super::read::{Fingerprint, Read};
use super::values::{Parameters, count_mismatch};
use super::write::{Kind, Write};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::dynamodb::items::wants_failed_item;
use crate::engine::dynamodb::permission::permit;
use crate::engine::dynamodb::schema::{elements, text};
use crate::engine::dynamodb::value::{Attribute, item_to_json};
use crate::engine::dynamodb::write::{Locks, table};
use crate::engine::dynamodb::{capacity, names, shapes, validate};
use crate::engine::state::Table;

/// One statement of a request, its parameters filled in.
pub(super) struct Bound {
    /// The table's name.
    pub(super) table: String,
    index: Option<String>,
    pub(super) work: Work,
}

pub(super) enum Work {
    Read(Box<Read>),
    Write(Box<Write>),
}

pub(in crate::engine::dynamodb) fn execute_statement(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::EXECUTE_STATEMENT)?;
    let bound = Bound::of(&call.input)?;
    bound.permit(engine, call)?;
    match &bound.work {
        Work::Read(read) => select(engine, call, &bound.table, read),
        Work::Write(write) if matches!(write.kind, Kind::Check) => Err(Fault::validation(
            "EXISTS() is only supported within ExecuteTransaction",
        )),
        Work::Write(write) => change(engine, call, write).map(Reply::from),
    }
}

impl Bound {
    /// Reads a statement with its parameters: `Statement`, `Parameters` and how it is to be run.
    pub(super) fn of(input: &Value) -> Result<Self, Fault> {
        let statement = parse(text(input, "Statement"))?;
        let given = elements(input, "Parameters");
        let values: Vec<Attribute> = given
            .iter()
            .map(Attribute::from_json)
            .collect::<Result<_, _>>()?;
        if values.len() != statement.parameters {
            return Err(count_mismatch());
        }
        let parameters = Parameters(&values);
        let consistent = input["ConsistentRead"].as_bool().unwrap_or(false);
        let wants_failed_item = wants_failed_item(input);
        let write =
            |write: Write| Work::Write(Box::new(write.telling_failed_items(wants_failed_item)));
        match statement.action {
            Action::Select(select) => Self::on(&select.from.clone(), |_| {
                Ok(Work::Read(Box::new(Read::of(
                    select, parameters, consistent,
                )?)))
            }),
            Action::Insert(insert) => Self::on(&insert.into, |table| {
                Ok(write(Write::insert(table, &insert, parameters)?))
            }),
            Action::Update(update) => Self::on(&update.table, |table| {
                let made = Write::update(table, &update.changes, parameters)?;
                let made = made.matching(update.condition.as_ref(), parameters)?;
                Ok(write(made.returning(update.returning)))
            }),
            Action::Delete(delete) => Self::on(&delete.from, |table| {
                let made = Write::delete(table).matching(delete.condition.as_ref(), parameters)?;
                Ok(write(made.returning(delete.returning)))
            }),
            Action::Exists(select) => Self::on(&select.from, |table| {
                Ok(write(Write::check(table, &select, parameters)?))
            }),
        }
    }

    fn on(
        source: &Source,
        work: impl FnOnce(String) -> Result<Work, Fault>,
    ) -> Result<Self, Fault> {
        let name = source.table.as_str();
        let table = names::checked(Some(name), 1)
            .unwrap_or(Ok(name))?
            .to_owned();
        Ok(Self {
            index: source.index.clone(),
            work: work(table.clone())?,
            table,
        })
    }

    /// Whether it is a read, or what goes with writes.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.work, Work::Read(_))
    }

    /// Whether the caller may run it.
    pub(super) fn permit(&self, engine: &Engine, call: &Call) -> Result<(), Fault> {
        if !engine.enforces_iam() {
            return Ok(());
        }
        let mut facts = Vec::new();
        let action = match &self.work {
            Work::Read(read) => {
                if let Some(is_scan) = self.scans(engine, read) {
                    facts.push(("dynamodb:FullTableScan", is_scan.to_string()));
                }
                "dynamodb:PartiQLSelect"
            }
            Work::Write(write) => match write.kind {
                Kind::Insert(_) => "dynamodb:PartiQLInsert",
                Kind::Update(_) => "dynamodb:PartiQLUpdate",
                Kind::Delete => "dynamodb:PartiQLDelete",
                Kind::Check => "dynamodb:PartiQLSelect",
            },
        };
        let table = names::arn_of(call, &self.table);
        let resource = match &self.index {
            Some(index) => format!("{table}/index/{index}"),
            None => table,
        };
        if call.operation == "ExecuteTransaction" {
            facts.push(("dynamodb:EnclosingOperation", call.operation.to_owned()));
        }
        permit(engine, call, action, &resource, facts)
    }

    /// Whether the read goes through the whole table or index; `None` when that does not exist.
    fn scans(&self, engine: &Engine, read: &Read) -> Option<bool> {
        let table = found(engine, &self.table).ok()?;
        let reading = read.reading(&table).ok()?;
        Some(reading.plan.is_scan)
    }
}

/// The table of this name.
pub(super) fn found(engine: &Engine, name: &str) -> Result<Arc<Table>, Fault> {
    engine.read(|state| table(state, name).map(Arc::clone))
}

fn select(engine: &Engine, call: &Call, name: &str, read: &Read) -> Answer {
    let table = found(engine, name)?;
    let reading = read.reading(&table)?;
    let statement = Fingerprint::of(text(&call.input, "Statement"), &call.input["Parameters"]);
    let from = call
        .text("NextToken")
        .map(|token| reading.position(&statement, token))
        .transpose()?;
    let limit = call.input["Limit"].as_u64();
    let limit = limit.and_then(|it| usize::try_from(it).ok());
    let page = reading.page(engine, limit, from.as_ref())?;
    let mut answer = json!({"Items": page.items.iter().map(item_to_json).collect::<Vec<_>>()});
    if let Some((key, position)) = &page.last {
        answer["NextToken"] = Value::from(position.token(&statement));
        answer["LastEvaluatedKey"] = item_to_json(key);
    }
    if let Some(consumed) = capacity::consumed(call, &table, &page.units) {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(Reply::from(answer))
}

/// Makes one write happen; gives `Items` and `ConsumedCapacity`.
pub(super) fn change(engine: &Engine, call: &Call, write: &Write) -> Result<Value, Fault> {
    let locks = Locks::of(engine, &[&write.table])?;
    let mut batch = locks.open(call, engine)?;
    let table = batch.table(&write.table)?;
    batch.check_free(&table, &write.check_key(&table)?)?;
    let plan = write.plan(&batch)?;
    let units = write.perform(&mut batch, &plan)?;
    batch.commit()?;
    let returned: Vec<Value> = plan.returned.iter().map(item_to_json).collect();
    let mut answer = json!({ "Items": returned });
    if let Some(consumed) = capacity::consumed(call, &table, &units) {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(answer)
}

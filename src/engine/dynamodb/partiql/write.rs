//! `INSERT`, `UPDATE`, `DELETE` and the checks of transactions: one item each.

use serde_json::json;

use super::ast::{self, Change, Returning, Select};
use super::conditions::condition;
use super::plan::single_item;
use super::updates::update;
use super::values::{Parameters, value};
use crate::engine::call::Fault;
use crate::engine::dynamodb::capacity::{Units, write_units};
use crate::engine::dynamodb::clauses::Clauses;
use crate::engine::dynamodb::expression::ast::Path;
use crate::engine::dynamodb::expression::condition::Condition;
use crate::engine::dynamodb::fitness;
use crate::engine::dynamodb::items::{Updated, check_condition};
use crate::engine::dynamodb::value::{Attribute, Item, check_name};
use crate::engine::dynamodb::write::{self, Batch};
use crate::engine::state::{KeySchema, Table};
use crate::engine::store::codec::{decode_item, size_of};

/// A statement that changes or checks one item; its parameters are filled in.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) table: String,
    pub(super) kind: Kind,
    condition: Option<Condition>,
    pub(super) returning: Option<Returning>,
    /// `ReturnValuesOnConditionCheckFailure` is `ALL_OLD`.
    wants_failed_item: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Insert(Item),
    Update(Box<Clauses>),
    Delete,
    Check,
}

/// What a write does, once it was checked against the stored item.
pub(super) struct Planned {
    pub(super) key: Item,
    pub(super) old: write::Stored,
    pub(super) new: Option<Item>,
    /// What `RETURNING` asks for; never empty.
    pub(super) returned: Option<Item>,
}

impl Write {
    pub(super) fn insert(
        table: String,
        insert: &ast::Insert,
        parameters: Parameters<'_>,
    ) -> Result<Self, Fault> {
        let Attribute::M(item) = value(&insert.value, parameters)? else {
            return Err(Fault::validation(
                "The value of an INSERT statement must be a map of attributes",
            ));
        };
        item.keys().try_for_each(|name| check_name(name))?;
        Ok(Self::new(table, Kind::Insert(item), None))
    }

    pub(super) fn update(
        table: String,
        changes: &[Change],
        parameters: Parameters<'_>,
    ) -> Result<Self, Fault> {
        let clauses = Clauses {
            update: Some(update(changes, parameters)?),
            ..Clauses::default()
        };
        Ok(Self::new(table, Kind::Update(Box::new(clauses)), None))
    }

    pub(super) fn delete(table: String) -> Self {
        Self::new(table, Kind::Delete, None)
    }

    /// `EXISTS(SELECT …)`.
    pub(super) fn check(
        table: String,
        select: &Select,
        parameters: Parameters<'_>,
    ) -> Result<Self, Fault> {
        Self::new(table, Kind::Check, None).matching(select.condition.as_ref(), parameters)
    }

    /// With a `WHERE`.
    pub(super) fn matching(
        mut self,
        expr: Option<&ast::Expr>,
        parameters: Parameters<'_>,
    ) -> Result<Self, Fault> {
        self.condition = expr.map(|it| condition(it, parameters)).transpose()?;
        Ok(self)
    }

    pub(super) fn returning(self, returning: Option<Returning>) -> Self {
        Self { returning, ..self }
    }

    pub(super) fn telling_failed_items(self, wants_failed_item: bool) -> Self {
        Self {
            wants_failed_item,
            ..self
        }
    }

    fn new(table: String, kind: Kind, condition: Option<Condition>) -> Self {
        Self {
            table,
            kind,
            condition,
            returning: None,
            wants_failed_item: false,
        }
    }

    /// The key of its item, and what else it asks of the item.
    fn key(&self, keys: &KeySchema) -> Result<(Item, Vec<Condition>), Fault> {
        if let Kind::Insert(item) = &self.kind {
            return Ok((fitness::key_of(keys, item), Vec::new()));
        }
        single_item(self.condition.as_ref(), keys).ok_or_else(|| {
            Fault::validation(
                "Where clause does not contain a mandatory equality on all key attributes",
            )
        })
    }

    /// What no stored item can mend; gives the key.
    pub(super) fn check_key(&self, table: &Table) -> Result<Item, Fault> {
        let (key, rest) = self.key(&table.keys)?;
        match &self.kind {
            Kind::Insert(item) => {
                fitness::check_size(item)?;
                return fitness::check_item(table, item);
            }
            Kind::Update(clauses) => {
                if let Some(update) = &clauses.update {
                    update.check_keys(&table.keys)?;
                }
            }
            Kind::Check if rest.is_empty() => {
                return Err(Fault::validation(
                    "EXISTS() must contain a single item read with additional condition",
                ));
            }
            Kind::Delete | Kind::Check => (),
        }
        fitness::check_key(&table.keys, &key)?;
        Ok(key)
    }

    /// Checks the statement against the stored item.
    pub(super) fn plan(&self, batch: &Batch<'_>) -> Result<Planned, Fault> {
        let table = batch.table(&self.table)?;
        let key = self.check_key(&table)?;
        let (_, rest) = self.key(&table.keys)?;
        let old = batch.read(&table, &key)?;
        let mut planned = Planned {
            key,
            old,
            new: None,
            returned: None,
        };
        match &self.kind {
            Kind::Insert(item) => {
                if planned.old.item().is_some() {
                    return Err(duplicate(&planned, self.wants_failed_item)?);
                }
                planned.new = Some(item.clone());
            }
            Kind::Update(clauses) => {
                self.test(&planned, &existing(&table.keys, rest))?;
                let item = planned.old.item().map(decode_item).transpose()?;
                let updated = Updated::of(clauses, &table, &planned.key, item)?;
                planned.returned = self.returning.and_then(|it| returned(it, &updated));
                planned.new = updated.new;
            }
            // Where there is nothing there is nothing to do, whatever is asked of it.
            Kind::Delete if planned.old.item().is_none() => (),
            Kind::Delete => {
                self.test(&planned, &Condition::And(rest))?;
                if self.returning.is_some() {
                    planned.returned = planned.old.item().map(decode_item).transpose()?;
                }
            }
            Kind::Check => self.test(&planned, &existing(&table.keys, rest))?,
        }
        Ok(planned)
    }

    fn test(&self, planned: &Planned, condition: &Condition) -> Result<(), Fault> {
        check_condition(Some(condition), planned.old.item(), self.wants_failed_item)
    }

    /// Adds what was planned to the batch.
    pub(super) fn perform(&self, batch: &mut Batch<'_>, plan: &Planned) -> Result<Units, Fault> {
        if matches!(self.kind, Kind::Check) {
            let size = plan.old.item().map(size_of).transpose()?;
            return Ok(Units::new(write_units(size, None)));
        }
        let change = write::Change {
            keys: &plan.key,
            old: &plan.old,
            new: plan.new.as_ref(),
            expired: false,
        };
        batch.change(&self.table, &change)
    }
}

/// The condition of statements that never make an item.
fn existing(keys: &KeySchema, rest: Vec<Condition>) -> Condition {
    let exists = Condition::Exists(Path::top(keys.partition.name.as_str()));
    Condition::And(std::iter::once(exists).chain(rest).collect())
}

fn returned(returning: Returning, updated: &Updated) -> Option<Item> {
    let item = match (returning.all, returning.new) {
        (true, true) => updated.new.as_ref(),
        (true, false) => updated.old.as_ref(),
        (false, true) => Some(&updated.touched_new),
        (false, false) => Some(&updated.touched_old),
    };
    item.filter(|it| !it.is_empty()).cloned()
}

fn duplicate(planned: &Planned, wants_item: bool) -> Result<Fault, Fault> {
    let mut fault = Fault::new(
        400,
        "DuplicateItemException",
        "Duplicate primary key exists in table",
    );
    if let Some(old) = planned.old.item().filter(|_| wants_item) {
        let item = crate::engine::dynamodb::value::item_to_json(&decode_item(old)?);
        fault.extra = Some(json!({ "Item": item }));
    }
    Ok(fault)
}

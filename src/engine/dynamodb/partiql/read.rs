//! `SELECT`: one page of what a plan visits.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ast::Select;
use super::conditions::condition;
use super::plan::{Plan, is_keyed, single_item};
use super::values::Parameters;
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::dynamodb::capacity::{Units, read_units};
use crate::engine::dynamodb::expression::ast::{Element, Path};
use crate::engine::dynamodb::expression::condition::Condition;
use crate::engine::dynamodb::indexes::carries;
use crate::engine::dynamodb::lag;
use crate::engine::dynamodb::schema::invalid;
use crate::engine::dynamodb::throttle::{self, Kind};
use crate::engine::dynamodb::value::Item;
use crate::engine::dynamodb::{fitness, items, passing};
use crate::engine::state::{Index, KeySchema, Projection as Carried, Table};
use crate::engine::store::Shelf;
use crate::engine::store::codec::{decode_item, size_of};
use crate::engine::store::keys::{self, Range};

/// Bytes after which a page ends, before filters.
const BYTES_MAX: usize = 1024 * 1024;
/// Items of a page that goes from key to key.
const ITEMS_OF_KEYS_MAX: usize = 10;

/// A `SELECT` whose parameters are filled in.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) select: Select,
    pub(super) condition: Option<Condition>,
    pub(super) consistent: bool,
}

impl Read {
    pub(super) fn of(
        select: Select,
        parameters: Parameters<'_>,
        consistent: bool,
    ) -> Result<Self, Fault> {
        let read = select.condition.as_ref();
        let condition = read.map(|it| condition(it, parameters)).transpose()?;
        Ok(Self {
            select,
            condition,
            consistent,
        })
    }

    /// The key of the only item that it can find, when it asks for a key and nothing else.
    pub(super) fn only_key(&self, table: &Table) -> Option<Item> {
        if self.select.from.index.is_some() {
            return None;
        }
        let (key, rest) = single_item(self.condition.as_ref(), &table.keys)?;
        rest.is_empty().then_some(key)
    }

    /// The wanted part of an item.
    pub(super) fn project(&self, item: Item) -> Item {
        let Some(paths) = &self.select.projection else {
            return item;
        };
        paths
            .iter()
            .filter_map(|path| Some((column(path), path.find(&item)?.clone())))
            .collect()
    }

    /// What it visits of this table.
    pub(super) fn reading<'a>(&'a self, table: &'a Arc<Table>) -> Result<Reading<'a>, Fault> {
        let index = match &self.select.from.index {
            None => None,
            Some(name) => Some(passing::readable(table, name, || {
                "The table does not have the specified index".to_owned()
            })?),
        };
        let found = index.and_then(|at| table.indexes.get(at));
        let keys = found.map_or(&table.keys, |it| &it.keys);
        let store_id = found.map_or(table.store_id, |it| it.store_id);
        let mut plan = Plan::of(&self.select, self.condition.as_ref(), keys, store_id)?;
        // Many items may have one key of an index.
        plan.is_exact &= index.is_none();
        let mut reading = Reading {
            read: self,
            table,
            index,
            plan,
            fetches: false,
        };
        if let Some(index) = found {
            reading.fetches = self.check_index(table, index)?;
        }
        Ok(reading)
    }

    /// What the index cannot give; whether items come from the table.
    fn check_index(&self, table: &Table, index: &Index) -> Result<bool, Fault> {
        if index.global && self.consistent {
            return Err(Fault::validation(
                "Strongly consistent read is not supported on Global Secondary Indexes",
            ));
        }
        let lacking = |paths: Vec<&Path>| {
            let mut names: Vec<String> = Vec::new();
            for path in paths {
                let name = path.head();
                if !carries(index, &table.keys, name) && !names.iter().any(|it| it == name) {
                    names.push(name.to_owned());
                }
            }
            names
        };
        let filtered = self.condition.as_ref().map(Condition::paths);
        let filtered = lacking(filtered.unwrap_or_default());
        if !filtered.is_empty() && is_keyed(self.condition.as_ref(), &index.keys) {
            return Err(invalid(&format!(
                "Secondary index {} does not project one or more filter attributes: [{}]",
                index.name,
                filtered.join(", ")
            )));
        }
        let wanted = lacking(self.select.projection.iter().flatten().collect());
        if !wanted.is_empty() && index.global {
            return Err(invalid(&format!(
                "Global secondary index {} does not project [{}]",
                index.name,
                wanted.join(", ")
            )));
        }
        Ok(!wanted.is_empty() && index.projection != Carried::All)
    }
}

/// A read of a table that was found.
pub(super) struct Reading<'a> {
    read: &'a Read,
    table: &'a Arc<Table>,
    /// Place in the table's list.
    index: Option<usize>,
    pub(super) plan: Plan,
    /// Wanted attributes are not in the local index: items come from the table.
    fetches: bool,
}

/// What one page found.
#[derive(Default)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) units: Units,
    /// The keys of the last item, and where to go on after it.
    pub(super) last: Option<(Item, Position)>,
}

/// A range of the plan and the key of the last item in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    range: usize,
    key: Vec<u8>,
}

impl Position {
    /// `NextToken`, good for this statement only.
    pub(super) fn token(&self, statement: &Fingerprint) -> String {
        let mut bytes = statement.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(&(self.range as u64).to_be_bytes());
        bytes.extend_from_slice(&self.key);
        STANDARD.encode(bytes)
    }
}

/// A page while it is read.
#[derive(Default)]
struct Progress {
    items: Vec<Item>,
    scanned: usize,
    bytes: usize,
    units: f64,
    /// Units for items fetched from the table.
    fetched: f64,
    last: Option<(Item, Position)>,
    is_full: bool,
}

impl Reading<'_> {
    /// Reads one page, from the beginning or after a position.
    pub(super) fn page(
        &self,
        engine: &Engine,
        limit: Option<usize>,
        from: Option<&Position>,
    ) -> Result<Page, Fault> {
        let now = engine.clock().now();
        throttle::admit(engine, self.table, self.index, Kind::Read, now)?;
        let mut progress = Progress::default();
        let first = from.map_or(0, |it| it.range);
        for (at, range) in self.plan.ranges.iter().enumerate().skip(first) {
            let mut range = range.clone();
            if let Some(from) = from.filter(|it| it.range == at) {
                if self.plan.is_exact {
                    // Its only item was there.
                    continue;
                }
                let place = Bound::Excluded(from.key.clone());
                if self.plan.reverse {
                    range.1 = place;
                } else {
                    range.0 = place;
                }
            }
            self.visit_range(engine, &mut progress, at, &range, limit)?;
            if progress.is_full {
                break;
            }
        }
        let read = progress.units;
        let units = match self.index {
            None => Units::new(read),
            Some(index) => Units {
                table: progress.fetched,
                indexes: vec![(index, read)],
            },
        };
        throttle::take(engine, self.table, &units, Kind::Read, now);
        Ok(Page {
            items: progress.items,
            units,
            last: progress.last.filter(|_| progress.is_full),
        })
    }

    fn visit_range(
        &self,
        engine: &Engine,
        progress: &mut Progress,
        at: usize,
        range: &Range,
        limit: Option<usize>,
    ) -> Result<(), Fault> {
        let shelf = if self.index.is_some() {
            Shelf::Indexes
        } else {
            Shelf::Items
        };
        // A page that goes from key to key ends only where there is one more item.
        let several = self.plan.ranges.len() > 1;
        let items_max = if several {
            Some(limit.unwrap_or(usize::MAX).min(ITEMS_OF_KEYS_MAX))
        } else {
            limit.filter(|_| !self.plan.is_exact)
        };
        let before = progress.bytes;
        let mut failed = None;
        let index = self.index.and_then(|at| self.table.indexes.get(at));
        lag::scan_any(
            engine,
            shelf,
            index,
            range,
            self.plan.reverse,
            |key, value| {
                if several && items_max == Some(progress.scanned) {
                    progress.is_full = true;
                    return false;
                }
                let position = Position {
                    range: at,
                    key: key.to_vec(),
                };
                if let Err(fault) = self.visit(engine, progress, value, position) {
                    failed = Some(fault);
                    return false;
                }
                let is_enough = !several && items_max == Some(progress.scanned);
                progress.is_full = is_enough || progress.bytes >= BYTES_MAX;
                !progress.is_full
            },
        )?;
        if !progress.is_full || progress.bytes > before {
            progress.units += read_units(progress.bytes - before, self.read.consistent);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Takes one stored item into the page.
    fn visit(
        &self,
        engine: &Engine,
        progress: &mut Progress,
        value: &[u8],
        position: Position,
    ) -> Result<(), Fault> {
        let mut item = decode_item(value)?;
        progress.bytes += size_of(value)?;
        progress.scanned += 1;
        let mut keys = fitness::key_of(self.keys(), &item);
        keys.extend(fitness::key_of(&self.table.keys, &item));
        let condition = self.read.condition.as_ref();
        let is_wanted = condition.is_none_or(|it| it.matches(&item));
        if self.fetches {
            let key = fitness::key_of(&self.table.keys, &item);
            let (found, size) = items::read(engine, self.table, &key)?;
            progress.fetched += read_units(size, self.read.consistent);
            item = found.unwrap_or(item);
        }
        progress.last = Some((keys, position));
        if is_wanted {
            progress.items.push(self.read.project(item));
        }
        Ok(())
    }

    fn keys(&self) -> &KeySchema {
        let index = self.index.and_then(|at| self.table.indexes.get(at));
        index.map_or(&self.table.keys, |it| &it.keys)
    }

    /// The opposite of [`Position::token`].
    pub(super) fn position(&self, statement: &Fingerprint, token: &str) -> Result<Position, Fault> {
        let invalid = || Fault::validation("Invalid NextToken");
        let bytes = STANDARD.decode(token).map_err(|_not_ours| invalid())?;
        let (head, key) = bytes.split_at_checked(16).ok_or_else(invalid)?;
        let (hash, range) = head.split_at(8);
        if hash != statement.0.to_be_bytes() {
            return Err(Fault::validation("NextToken does not match request"));
        }
        let range = u64::from_be_bytes(range.try_into().unwrap_or_default());
        let range = usize::try_from(range).map_err(|_too_large| invalid())?;
        let within = self.plan.ranges.get(range);
        if within.is_none_or(|it| !keys::contains(it, key)) {
            return Err(invalid());
        }
        Ok(Position {
            range,
            key: key.to_vec(),
        })
    }
}

/// What tells a statement with its parameters from any other.
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(statement: &str, parameters: &serde_json::Value) -> Self {
        let mut hasher = DefaultHasher::new();
        statement.hash(&mut hasher);
        parameters.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The name a path gets in the answer: its last part, with the indexes that follow a name.
fn column(path: &Path) -> String {
    let mut column = path.head().to_owned();
    for element in path.rest() {
        match element {
            Element::Name(name) => column.clone_from(name),
            Element::Index(index) => column = format!("{column}[{index}]"),
        }
    }
    column
}

//! One page of a table or an index, as `Query` and `Scan` read it: bounds in, items and where to go on out.

use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};

use super::capacity::{self, Units, read_units};
use super::clauses::Clauses;
use super::expression::ast::Path;
use super::expression::condition::Condition;
use super::expression::projection::Projection;
use super::indexes::{carries, key_attributes};
use super::items;
use super::lag;
use super::schema::invalid;
use super::throttle::{self, Kind};
use super::value::{Item, item_from_json, item_to_json};
use super::{fitness, passing, validate, write};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Index, KeySchema, Projection as Carried, Table};
use crate::engine::store::codec::{decode_item, size_of};
use crate::engine::store::keys::{self, Range};
use crate::engine::store::{Shelf, text};

/// Bytes after which a page ends, before filters.
const BYTES_MAX: usize = 1024 * 1024;

/// What is read, and what of it is wanted.
pub(super) struct Reading {
    pub(super) table: Arc<Table>,
    /// Place in the table's list.
    pub(super) index: Option<usize>,
    consistent: bool,
    limit: Option<usize>,
    filter: Option<Condition>,
    projection: Option<Projection>,
    count_only: bool,
    /// Wanted attributes are not in the local index: items come from the table.
    fetches: bool,
}

/// What one page read.
#[derive(Default)]
struct Page {
    /// JSON text of the items, with commas between them.
    items: Vec<u8>,
    matched: usize,
    scanned: usize,
    bytes: usize,
    /// Units for items fetched from the table.
    fetched: f64,
    last: Option<Item>,
    is_full: bool,
}

impl Reading {
    /// The table and index of a request whose expressions were read.
    pub(super) fn of(
        engine: &Engine,
        call: &Call,
        name: &str,
        clauses: Clauses,
    ) -> Result<Self, Fault> {
        let table = engine.read(|state| write::table(state, name).map(Arc::clone))?;
        let index = call
            .text("IndexName")
            .map(|name| {
                passing::readable(&table, name, || {
                    format!("The table does not have the specified index: {name}")
                })
            })
            .transpose()?;
        let limit = validate::integer(&call.input["Limit"]);
        let mut reading = Self {
            table,
            index,
            consistent: call.input["ConsistentRead"].as_bool().unwrap_or(false),
            limit: limit.and_then(|it| usize::try_from(it).ok()),
            filter: clauses.filter,
            projection: clauses.projection,
            count_only: call.text("Select") == Some("COUNT"),
            fetches: false,
        };
        reading.check_index(call)?;
        Ok(reading)
    }

    pub(super) fn keys(&self) -> &KeySchema {
        self.found_index()
            .map_or(&self.table.keys, |index| &index.keys)
    }

    /// Key prefix of what is read.
    pub(super) fn store_id(&self) -> u64 {
        self.found_index()
            .map_or(self.table.store_id, |index| index.store_id)
    }

    pub(super) fn filter(&self) -> Option<&Condition> {
        self.filter.as_ref()
    }

    fn found_index(&self) -> Option<&Index> {
        self.table.indexes.get(self.index?)
    }

    /// What the index cannot give.
    fn check_index(&mut self, call: &Call) -> Result<(), Fault> {
        let Some(index) = self.index.and_then(|at| self.table.indexes.get(at)) else {
            return Ok(());
        };
        if index.global && self.consistent {
            return Err(Fault::validation(
                "Consistent reads are not supported on global secondary indexes",
            ));
        }
        let wants_all = call.text("Select") == Some("ALL_ATTRIBUTES");
        if wants_all && index.global && index.projection != Carried::All {
            return Err(invalid(&format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection \
                 type is not ALL",
                index.name
            )));
        }
        let mut missing: Vec<&str> = self
            .projection
            .iter()
            .flat_map(Projection::paths)
            .map(Path::head)
            .filter(|name| !carries(index, &self.table.keys, name))
            .collect();
        missing.dedup();
        if index.global && !missing.is_empty() {
            return Err(invalid(&format!(
                "Global secondary index {} does not project {}",
                index.name,
                missing.join(", ")
            )));
        }
        self.fetches = index.projection != Carried::All && (wants_all || !missing.is_empty());
        Ok(())
    }

    /// `ExclusiveStartKey`: the keys of what is read and of the table, and nothing else. A scan of a table says what is
    /// wrong with it, everything else only that something is.
    pub(super) fn check_start(&self, start: &Item, is_query: bool) -> Result<(), Fault> {
        let refuse = |words: &str| {
            Fault::validation(if self.index.is_some() || is_query {
                "The provided starting key is invalid".to_owned()
            } else {
                format!("The provided starting key is invalid: {words}")
            })
        };
        let wanted = self.key_of(start);
        if wanted.len() != start.len() || start.len() != self.key_names().len() {
            return Err(refuse("The provided key element does not match the schema"));
        }
        for keys in [self.keys(), &self.table.keys] {
            let key = fitness::key_of(keys, start);
            fitness::check_key(keys, &key).map_err(|fault| refuse(&fault.message))?;
        }
        Ok(())
    }

    /// Place of a start key in the store.
    pub(super) fn place_of(&self, start: &Item) -> Option<Vec<u8>> {
        match self.found_index() {
            None => keys::item_key(self.table.store_id, &self.table.keys, start),
            Some(index) => keys::index_key(index.store_id, &index.keys, &self.table.keys, start),
        }
    }

    /// Reads one page and gives the whole answer.
    pub(super) fn answer(
        &self,
        engine: &Engine,
        call: &Call,
        mut range: Range,
        start: Option<&Item>,
        reverse: bool,
    ) -> Answer {
        if let Some(place) = start.and_then(|it| self.place_of(it)) {
            if reverse {
                range.1 = Bound::Excluded(place);
            } else {
                range.0 = Bound::Excluded(place);
            }
        }
        throttle::admit(engine, &self.table, self.index, Kind::Read, call.now)?;
        let page = self.page(engine, &range, reverse)?;
        let mut answer = json!({"Count": page.matched, "ScannedCount": page.scanned});
        if let Some(last) = page.last.filter(|_| page.is_full) {
            answer["LastEvaluatedKey"] = item_to_json(&last);
        }
        let units = read_units(page.bytes, self.consistent);
        let units = match self.index {
            None => Units::new(units),
            Some(index) => Units {
                table: page.fetched,
                indexes: vec![(index, units)],
            },
        };
        throttle::take(engine, &self.table, &units, Kind::Read, call.now);
        if let Some(consumed) = capacity::consumed(call, &self.table, &units) {
            answer["ConsumedCapacity"] = consumed;
        }
        if self.count_only {
            return Ok(Reply::from(answer));
        }
        Ok(Reply::text(with_items(page.items, &answer)))
    }

    fn page(&self, engine: &Engine, range: &Range, reverse: bool) -> Result<Page, Fault> {
        let shelf = if self.index.is_some() {
            Shelf::Indexes
        } else {
            Shelf::Items
        };
        let mut page = Page::default();
        let mut failed = None;
        let visit = |_: &[u8], value: &[u8]| match self.visit(engine, &mut page, value) {
            Ok(goes_on) => goes_on,
            Err(fault) => {
                failed = Some(fault);
                false
            }
        };
        let found = self.found_index();
        lag::scan_any(engine, shelf, found, range, reverse, visit)?;
        failed.map_or(Ok(page), Err)
    }

    /// Takes one stored item into the page; false when the page is full.
    fn visit(&self, engine: &Engine, page: &mut Page, value: &[u8]) -> Result<bool, Fault> {
        page.bytes += size_of(value)?;
        page.scanned += 1;
        page.is_full = self.limit == Some(page.scanned) || page.bytes >= BYTES_MAX;
        let is_wanted_whole = !self.fetches && self.filter.is_none() && self.projection.is_none();
        if is_wanted_whole && !page.is_full {
            page.matched += 1;
            if !self.count_only {
                text::push_stored(page.next(), value)?;
            }
            return Ok(true);
        }
        let mut item = decode_item(value)?;
        if page.is_full {
            page.last = Some(self.key_of(&item));
        }
        if self.fetches {
            let key = fitness::key_of(&self.table.keys, &item);
            let (found, size) = items::read(engine, &self.table, &key)?;
            page.fetched += read_units(size, self.consistent);
            item = found.unwrap_or(item);
        }
        if self.filter.as_ref().is_none_or(|it| it.matches(&item)) {
            page.matched += 1;
            if !self.count_only {
                let projected = self.projection.as_ref().map(|it| it.apply(&item));
                text::push_item(page.next(), projected.as_ref().unwrap_or(&item))?;
            }
        }
        Ok(!page.is_full)
    }

    fn key_of(&self, item: &Item) -> Item {
        let mut key = fitness::key_of(self.keys(), item);
        key.extend(fitness::key_of(&self.table.keys, item));
        key
    }

    fn key_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = [self.keys(), &self.table.keys]
            .into_iter()
            .flat_map(key_attributes)
            .map(|it| it.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Page {
    /// Where the text of the next item goes.
    fn next(&mut self) -> &mut Vec<u8> {
        if !self.items.is_empty() {
            self.items.push(b',');
        }
        &mut self.items
    }
}

/// The other members of an answer, `Items` behind them.
fn with_items(items: Vec<u8>, others: &Value) -> Vec<u8> {
    let mut answer = others.to_string().into_bytes();
    answer.pop();
    answer.reserve(items.len() + 16);
    answer.extend_from_slice(br#","Items":["#);
    answer.extend(items);
    answer.extend_from_slice(b"]}");
    answer
}

/// `ExclusiveStartKey` of a request, its values checked.
pub(super) fn start_key(call: &Call) -> Result<Option<Item>, Fault> {
    let start = call
        .input
        .get("ExclusiveStartKey")
        .filter(|it| !it.is_null());
    start
        .map(item_from_json)
        .transpose()
        .map_err(|fault| Fault {
            message: format!("The provided starting key is invalid: {}", fault.message),
            ..fault
        })
}

/// Refuses a `Select` that contradicts the rest.
pub(super) fn check_select(call: &Call) -> Result<(), Fault> {
    let given = |member: &&&str| call.input.get(**member).is_some_and(|it| !it.is_null());
    let projection = ["ProjectionExpression", "AttributesToGet"]
        .iter()
        .find(given)
        .copied();
    let words = match (call.text("Select"), projection) {
        (Some("SPECIFIC_ATTRIBUTES"), None) => {
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                .to_owned()
        }
        (Some("ALL_PROJECTED_ATTRIBUTES"), None) if call.text("IndexName").is_none() => {
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned()
        }
        (Some("COUNT"), Some(member)) => {
            format!("Cannot specify the {member} when choosing to get only the Count")
        }
        (Some(select @ ("ALL_ATTRIBUTES" | "ALL_PROJECTED_ATTRIBUTES")), Some(member)) => {
            format!("Cannot specify the {member} when choosing to get {select}")
        }
        _ => return Ok(()),
    };
    Err(invalid(&words))
}

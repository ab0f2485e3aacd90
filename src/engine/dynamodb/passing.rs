//! Passing states of tables and their global indexes: what they become and what is refused meanwhile. Pure.

use std::time::SystemTime;

use crate::engine::call::Fault;
use crate::engine::state::{Index, Table};

/// Refuses changes of a table that is still being made, changed or deleted.
pub(super) fn check_active(table: &Table) -> Result<(), Fault> {
    let doing = match table.status.as_str() {
        "CREATING" => "created",
        "UPDATING" => "updated",
        "DELETING" => "deleted",
        _ => return Ok(()),
    };
    Err(in_use(&format!("Table is being {doing}: {}", table.name)))
}

/// `Attempt to change a resource which is still in use: …`
pub(super) fn in_use(words: &str) -> Fault {
    Fault::new(
        400,
        "ResourceInUseException",
        format!("Attempt to change a resource which is still in use: {words}"),
    )
}

/// Puts the table into a passing state.
pub(super) fn begin(table: &mut Table, status: &str, now: SystemTime) {
    status.clone_into(&mut table.status);
    table.since = Some(now);
}

/// Ends the passing state of a table that is not being deleted; gives the key prefixes nobody needs any more. An
/// index that was added begins to be filled; one that came with its table is empty and ready.
pub(super) fn end(table: &mut Table) -> Vec<u64> {
    "ACTIVE".clone_into(&mut table.status);
    let is_going = |it: &Index| it.status == "DELETING";
    let gone = table.indexes.iter().filter(|it| is_going(it));
    let gone = gone.map(|it| it.store_id).collect();
    table.indexes.retain(|it| !is_going(it));
    for index in &mut table.indexes {
        match (index.status.as_str(), index.backfilling) {
            ("CREATING", Some(_)) => index.backfilling = Some(true),
            ("CREATING", None) => "ACTIVE".clone_into(&mut index.status),
            _ => {}
        }
    }
    gone
}

/// The place of an index that can be read; `missing` words that there is none.
pub(super) fn readable(
    table: &Table,
    name: &str,
    missing: impl FnOnce() -> String,
) -> Result<usize, Fault> {
    let place = table.indexes.iter().position(|it| it.name == name);
    match place.map(|at| (at, table.indexes[at].status.as_str())) {
        Some((at, "ACTIVE")) => Ok(at),
        Some((_, "CREATING")) => Err(Fault::validation(format!(
            "Cannot read from backfilling global secondary index: {name}"
        ))),
        _ => Err(Fault::validation(missing())),
    }
}

/// Whether the index is being filled.
pub(super) fn is_filling(index: &Index) -> bool {
    index.status == "CREATING" && index.backfilling == Some(true)
}

/// Key prefixes of everything a table keeps.
pub(super) fn store_ids(table: &Table) -> impl Iterator<Item = u64> {
    let indexes = table.indexes.iter().map(|it| it.store_id);
    let expiry = table.expiry.iter().map(|it| it.store_id);
    let undo = table.undo.iter().map(|it| it.store_id);
    let own = std::iter::once(table.store_id).chain(indexes);
    own.chain(expiry).chain(undo)
}

//! Throttling by provisioned capacity, when the options want it. What a table or a global index does not use is kept
//! for five minutes; a request goes through while anything is left, and takes what it used. On-demand tables are never
//! throttled. A new table begins with five minutes of its capacity.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html>

use std::collections::HashMap;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::capacity::Units;
use super::indexes;
use super::write::Change;
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::{Index, Table};
use crate::engine::store::codec::decode_item;

const BURST_SECS: f64 = 300.0;
const EXCEEDED: &str = "ProvisionedThroughputExceededException";

/// Units left, by the `store_id` of a table or global index.
#[derive(Default)]
pub(super) struct Buckets(Mutex<HashMap<(u64, Kind), Bucket>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Read,
    Write,
}

struct Bucket {
    units: f64,
    rate: f64,
    at: SystemTime,
}

impl Bucket {
    fn refill(&mut self, rate: f64, now: SystemTime) {
        let secs = now.duration_since(self.at).unwrap_or_default();
        let most = rate * BURST_SECS;
        self.units = (self.units + secs.as_secs_f64() * rate).min(most);
        self.rate = rate;
        self.at = self.at.max(now);
    }
}

/// Refuses a request on a table, or on one of its indexes, when nothing is left for it.
pub(super) fn admit(
    engine: &Engine,
    table: &Table,
    index: Option<usize>,
    kind: Kind,
    now: SystemTime,
) -> Result<(), Fault> {
    if !throttles(engine, table) {
        return Ok(());
    }
    // Local indexes live on the table's capacity.
    let index = index.and_then(|at| table.indexes.get(at));
    let index = index.filter(|it| it.global);
    let (store_id, throughput) = match index {
        Some(index) => (index.store_id, index.throughput.as_ref()),
        None => (table.store_id, table.throughput.as_ref()),
    };
    let left = engine
        .dynamodb()
        .buckets
        .with(store_id, kind, rate(throughput, kind), now, |it| it.units);
    if left > 0.0 {
        Ok(())
    } else {
        Err(exceeded(table, index, kind))
    }
}

/// Refuses a write when nothing is left for the table, or for a global index that has an entry of the item.
pub(super) fn admit_write(
    engine: &Engine,
    table: &Table,
    change: &Change<'_>,
    now: SystemTime,
) -> Result<(), Fault> {
    // The service's own deletions are free.
    if change.expired || !throttles(engine, table) {
        return Ok(());
    }
    admit(engine, table, None, Kind::Write, now)?;
    let old = change.old.item().map(decode_item).transpose()?;
    for (at, index) in table.indexes.iter().enumerate() {
        let items = old.iter().chain(change.new);
        if index.global && items.into_iter().any(|it| indexes::fits(index, it)) {
            admit(engine, table, Some(at), Kind::Write, now)?;
        }
    }
    Ok(())
}

/// Takes what a request used.
pub(super) fn take(engine: &Engine, table: &Table, units: &Units, kind: Kind, now: SystemTime) {
    if !throttles(engine, table) {
        return;
    }
    let buckets = &engine.dynamodb().buckets;
    let mut of_table = units.table;
    for (at, units) in &units.indexes {
        match table.indexes.get(*at) {
            Some(index) if index.global => {
                let rate = rate(index.throughput.as_ref(), kind);
                buckets.with(index.store_id, kind, rate, now, |it| it.units -= units);
            }
            _ => of_table += units,
        }
    }
    let rate = rate(table.throughput.as_ref(), kind);
    buckets.with(table.store_id, kind, rate, now, |it| it.units -= of_table);
}

/// Whether this is the refusal of a throttled request.
pub(super) fn is_refusal(fault: &Fault) -> bool {
    fault.code == EXCEEDED
}

impl Buckets {
    fn with<T>(
        &self,
        store_id: u64,
        kind: Kind,
        rate: f64,
        now: SystemTime,
        work: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let mut buckets = self.0.lock();
        let bucket = buckets.entry((store_id, kind)).or_insert(Bucket {
            units: rate * BURST_SECS,
            rate,
            at: now,
        });
        bucket.refill(rate, now);
        work(bucket)
    }
}

fn throttles(engine: &Engine, table: &Table) -> bool {
    engine.throttles() && !table.pay_per_request
}

/// Units a second.
fn rate(throughput: Option<&Value>, kind: Kind) -> f64 {
    let member = match kind {
        Kind::Read => "ReadCapacityUnits",
        Kind::Write => "WriteCapacityUnits",
    };
    throughput
        .and_then(|it| it[member].as_f64())
        .unwrap_or_default()
}

fn exceeded(table: &Table, index: Option<&Index>, kind: Kind) -> Fault {
    let what = match kind {
        Kind::Read => "Read",
        Kind::Write => "Write",
    };
    let (message, reason, resource) = match index {
        None => (
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
            format!("Table{what}ProvisionedThroughputExceeded"),
            table.arn.clone(),
        ),
        Some(index) => (
            "The level of configured provisioned throughput for one or more global secondary indexes of the table was \
             exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes \
             with the UpdateTable API",
            format!("Index{what}ProvisionedThroughputExceeded"),
            format!("{}/index/{}", table.arn, index.name),
        ),
    };
    let mut fault = Fault::new(400, EXCEEDED, message);
    fault.extra = Some(json!({"ThrottlingReasons": [{"reason": reason, "resource": resource}]}));
    fault
}

//! Capacity units and how answers tell of them. Pure.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use serde_json::{Map, Value, json};

use crate::engine::call::Call;
use crate::engine::state::Table;

const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

/// What a request took: of the table and of its indexes, by their place in the table's list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Units {
    pub table: f64,
    pub indexes: Vec<(usize, f64)>,
}

impl Units {
    pub(super) fn new(table: f64) -> Self {
        Self {
            table,
            indexes: Vec::new(),
        }
    }

    /// Together with another request on the same table.
    pub(super) fn add(&mut self, other: &Self) {
        self.table += other.table;
        for (at, units) in &other.indexes {
            match self.indexes.iter_mut().find(|(it, _)| it == at) {
                Some((_, sum)) => *sum += units,
                None => self.indexes.push((*at, *units)),
            }
        }
    }

    /// Every unit counted this many times: transactions take two.
    pub(super) fn times(mut self, factor: f64) -> Self {
        self.table *= factor;
        for (_, units) in &mut self.indexes {
            *units *= factor;
        }
        self
    }
}

/// Units of a write of one item: the larger of both images counts.
pub(super) fn write_units(old: Option<usize>, new: Option<usize>) -> f64 {
    let size = old.unwrap_or(0).max(new.unwrap_or(0));
    units(size, WRITE_UNIT_BYTES)
}

/// Units of a read of so many bytes; half when it need not be consistent.
pub(super) fn read_units(bytes: usize, consistent: bool) -> f64 {
    units(bytes, READ_UNIT_BYTES) * if consistent { 1.0 } else { 0.5 }
}

/// `ConsumedCapacity`, when the call asks for it.
pub(super) fn consumed(call: &Call, table: &Table, written: &Units) -> Option<Value> {
    let wanted = call.text("ReturnConsumedCapacity")?;
    if wanted == "NONE" {
        return None;
    }
    let sum: f64 = written.indexes.iter().map(|(_, units)| units).sum();
    let mut answer = json!({"TableName": table.name, "CapacityUnits": written.table + sum});
    if wanted == "INDEXES" {
        answer["Table"] = json!({"CapacityUnits": written.table});
        for (member, global) in [
            ("LocalSecondaryIndexes", false),
            ("GlobalSecondaryIndexes", true),
        ] {
            let indexes: Map<String, Value> = written
                .indexes
                .iter()
                .filter_map(|(at, units)| Some((table.indexes.get(*at)?, units)))
                .filter(|(index, _)| index.global == global)
                .map(|(index, units)| (index.name.clone(), json!({ "CapacityUnits": units })))
                .collect();
            if !indexes.is_empty() {
                answer[member] = Value::Object(indexes);
            }
        }
    }
    Some(answer)
}

fn units(bytes: usize, unit: usize) -> f64 {
    let units = bytes.div_ceil(unit).max(1);
    u32::try_from(units).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_published_rules() {
        let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-9, "{left} {right}");
        close(write_units(None, Some(1024)), 1.0);
        close(write_units(Some(3000), Some(10)), 3.0);
        close(write_units(None, None), 1.0);
        close(read_units(4097, true), 2.0);
        close(read_units(4096, false), 0.5);
        close(read_units(0, false), 0.5);
        let mut sum = Units::new(1.0);
        sum.add(&Units {
            table: 2.0,
            indexes: vec![(0, 1.0)],
        });
        close(sum.clone().times(2.0).table, 6.0);
        assert_eq!(sum.indexes.len(), 1);
    }
}

//! The keys in a `WHERE`: which item a write means, and which partitions a read has to look at. Pure.

use std::ops::Bound;

use super::ast::Select;
use crate::engine::call::Fault;
use crate::engine::dynamodb::expression::ast::Path;
use crate::engine::dynamodb::expression::condition::{Comparator, Condition, Operand, compare};
use crate::engine::dynamodb::expression::key_condition::{SortCondition, check_value};
use crate::engine::dynamodb::indexes::key_attributes;
use crate::engine::dynamodb::query::sorted;
use crate::engine::dynamodb::value::{Attribute, Item};
use crate::engine::state::{KeyAttribute, KeySchema};
use crate::engine::store::keys::{self, Range};

/// Most partitions one statement may name.
const PARTITIONS_MAX: usize = 50;
/// Most ways to fulfil a condition that are told apart; a condition with more of them is only a filter.
const BRANCHES_MAX: usize = 1000;

/// The one item that a condition names by all of its key, and what else it asks of the item.
pub(super) fn single_item(
    condition: Option<&Condition>,
    keys: &KeySchema,
) -> Option<(Item, Vec<Condition>)> {
    let mut key = Item::new();
    let mut rest = Vec::new();
    for part in conjuncts(condition?) {
        match equality(part).filter(|(path, _)| is_key(keys, path)) {
            Some((path, value)) if !key.contains_key(path.head()) => {
                key.insert(path.head().to_owned(), value.clone());
            }
            _ => rest.push(part.clone()),
        }
    }
    (key.len() == key_attributes(keys).count()).then_some((key, rest))
}

/// Whether a read is narrowed by its partition key at the top of its condition.
pub(super) fn is_keyed(condition: Option<&Condition>, keys: &KeySchema) -> bool {
    let parts = condition.map(conjuncts).unwrap_or_default();
    parts.into_iter().any(|part| match part {
        Condition::In(Operand::Path(path), _) => names(path, &keys.partition),
        _ => equality(part).is_some_and(|(path, _)| names(path, &keys.partition)),
    })
}

/// What a read visits, in order.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) ranges: Vec<Range>,
    pub(super) reverse: bool,
    pub(super) is_scan: bool,
    /// Every range is one whole primary key.
    pub(super) is_exact: bool,
}

impl Plan {
    /// Of a statement that reads what has these keys and this prefix in the store.
    pub(super) fn of(
        select: &Select,
        condition: Option<&Condition>,
        keys: &KeySchema,
        store_id: u64,
    ) -> Result<Self, Fault> {
        let branches =
            condition.map_or_else(|| vec![Branch::default()], |it| Branch::all(it, keys));
        // A branch knows one partition attribute only: where there are more, the filter decides.
        let is_scan =
            !keys.more.partition.is_empty() || branches.iter().any(|it| it.partition.is_none());
        check_order(select, keys, is_scan)?;
        if is_scan {
            return Ok(Self {
                ranges: vec![keys::segment(store_id, 0, 1)],
                reverse: false,
                is_scan,
                is_exact: false,
            });
        }
        let mut partitions: Vec<(Attribute, Vec<Part>)> = Vec::new();
        let mut is_exact = true;
        for branch in branches {
            let Some(partition) = &branch.partition else {
                continue;
            };
            branch.check(keys)?;
            is_exact &= keys.sort.is_none() || branch.is_exact();
            let part = branch.part(store_id, partition);
            match partitions.iter_mut().find(|(it, _)| it == partition) {
                Some((_, parts)) => parts.push(part),
                None => partitions.push((partition.clone(), vec![part])),
            }
        }
        if partitions.len() > PARTITIONS_MAX {
            return Err(Fault::validation(format!(
                "The WHERE clause names too many hash key values; number of values: {}, maximum: {PARTITIONS_MAX}",
                partitions.len()
            )));
        }
        let reverse = descends(select, keys.sort.as_ref());
        sort_partitions(select, keys, &mut partitions)?;
        let mut ranges = Vec::new();
        for (_, parts) in partitions {
            let mut united = unite(parts)?;
            if reverse {
                united.reverse();
            }
            ranges.append(&mut united);
        }
        Ok(Self {
            ranges,
            reverse,
            is_scan,
            is_exact,
        })
    }
}

/// One way to fulfil a condition, as far as keys go.
#[derive(Clone, Debug, Default, PartialEq)]
struct Branch {
    partition: Option<Attribute>,
    sort: Vec<SortCondition>,
    /// It says which sort keys are not wanted; that only filters.
    negates_sort: bool,
}

/// The sort keys that a branch reads of its partition.
struct Part {
    range: Range,
    negates_sort: bool,
}

impl Branch {
    /// All ways; a condition on nothing but other attributes is one way without keys.
    fn all(condition: &Condition, keys: &KeySchema) -> Vec<Self> {
        let found = match condition {
            Condition::And(parts) => {
                let mut product = vec![Self::default()];
                for part in parts {
                    let more = Self::all(part, keys);
                    if product.len() * more.len() <= BRANCHES_MAX {
                        let joined = product
                            .iter()
                            .flat_map(|left| more.iter().map(|right| left.and(right)));
                        product = joined.collect();
                    }
                }
                product
            }
            Condition::Or(parts) => {
                let mut all: Vec<Self> = Vec::new();
                for branch in parts.iter().flat_map(|it| Self::all(it, keys)) {
                    if all.len() <= BRANCHES_MAX && !all.contains(&branch) {
                        all.push(branch);
                    }
                }
                all
            }
            leaf => Self::of_leaf(leaf, keys),
        };
        if found.is_empty() || found.len() > BRANCHES_MAX {
            return vec![Self::default()];
        }
        found
    }

    fn of_leaf(leaf: &Condition, keys: &KeySchema) -> Vec<Self> {
        let is_sort = |path: &Path| keys.sort.as_ref().is_some_and(|key| names(path, key));
        if let Condition::In(Operand::Path(path), list) = leaf
            && is_key(keys, path)
        {
            let values = list.iter().map(|it| match it {
                Operand::Value(value) => Some(value.clone()),
                _ => None,
            });
            let Some(values) = values.collect::<Option<Vec<_>>>() else {
                return vec![Self::default()];
            };
            return if is_sort(path) {
                values
                    .into_iter()
                    .map(|it| Self::sort(SortCondition::Equal(it)))
                    .collect()
            } else {
                values.into_iter().map(Self::partition).collect()
            };
        }
        if let Some((path, value)) = equality(leaf)
            && names(path, &keys.partition)
        {
            return vec![Self::partition(value.clone())];
        }
        if let Some((path, condition)) = sort_condition(leaf)
            && is_sort(path)
        {
            return vec![Self::sort(condition)];
        }
        vec![Self {
            negates_sort: leaf.paths().into_iter().any(is_sort),
            ..Self::default()
        }]
    }

    fn partition(value: Attribute) -> Self {
        Self {
            partition: Some(value),
            ..Self::default()
        }
    }

    fn sort(condition: SortCondition) -> Self {
        Self {
            sort: vec![condition],
            ..Self::default()
        }
    }

    fn and(&self, other: &Self) -> Self {
        let sort = self.sort.iter().chain(&other.sort);
        Self {
            // Two different values are never fulfilled together; the filter sees to that.
            partition: self.partition.clone().or_else(|| other.partition.clone()),
            sort: sort.cloned().collect(),
            negates_sort: self.negates_sort || other.negates_sort,
        }
    }

    /// Whether the keys it names have the types of the schema.
    fn check(&self, keys: &KeySchema) -> Result<(), Fault> {
        if let Some(value) = &self.partition {
            check_key_type(&keys.partition, value)?;
        }
        if let Some(key) = &keys.sort {
            for value in self.sort.iter().flat_map(SortCondition::values) {
                check_key_type(key, value)?;
            }
        }
        Ok(())
    }

    fn is_exact(&self) -> bool {
        self.sort
            .iter()
            .any(|it| matches!(it, SortCondition::Equal(_)))
    }

    fn part(&self, store_id: u64, partition: &Attribute) -> Part {
        let prefix = keys::partition(store_id, partition);
        let whole = keys::sorted(&prefix, &sorted(None));
        let ranges = self
            .sort
            .iter()
            .map(|it| keys::sorted(&prefix, &sorted(Some(it))));
        Part {
            range: ranges.fold(whole, intersect),
            negates_sort: self.negates_sort,
        }
    }
}

/// Parts of one partition as ranges that do not overlap, in order.
fn unite(mut parts: Vec<Part>) -> Result<Vec<Range>, Fault> {
    parts.retain(|it| !is_empty(&it.range));
    for (at, one) in parts.iter().enumerate() {
        for two in &parts[at + 1..] {
            let is_free = one.negates_sort || two.negates_sort || one.range == two.range;
            if !is_free && !is_empty(&intersect(one.range.clone(), two.range.clone())) {
                return Err(Fault::validation(
                    "Overlapping conditions with range keys are not supported in where clause",
                ));
            }
        }
    }
    parts.sort_by(|one, two| lower(&one.range).cmp(&lower(&two.range)));
    let mut united: Vec<Range> = Vec::new();
    for Part { range, .. } in parts {
        match united.last_mut() {
            Some(last) if !is_empty(&intersect(last.clone(), range.clone())) => {
                if upper(&range) > upper(last) {
                    last.1 = range.1;
                }
            }
            _ => united.push(range),
        }
    }
    Ok(united)
}

fn intersect(one: Range, two: Range) -> Range {
    let from = if lower(&two) > lower(&one) {
        two.0.clone()
    } else {
        one.0.clone()
    };
    let to = if upper(&two) < upper(&one) {
        two.1
    } else {
        one.1
    };
    (from, to)
}

/// Orders lower ends: at the same key, the one that includes it begins earlier.
fn lower(range: &Range) -> (&[u8], bool) {
    match &range.0 {
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
        Bound::Unbounded => (&[], false),
    }
}

/// Orders upper ends: nothing is above the open one.
fn upper(range: &Range) -> (bool, &[u8], bool) {
    match &range.1 {
        Bound::Included(key) => (false, key, true),
        Bound::Excluded(key) => (false, key, false),
        Bound::Unbounded => (true, &[], false),
    }
}

fn is_empty(range: &Range) -> bool {
    match (&range.0, &range.1) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Included(to) | Bound::Excluded(to),
        ) => from >= to,
    }
}

/// `ORDER BY` knows keys only, and only where partitions are named.
fn check_order(select: &Select, keys: &KeySchema, is_scan: bool) -> Result<(), Fault> {
    if select.order.is_empty() {
        return Ok(());
    }
    if select.condition.is_none() {
        return Err(Fault::validation(
            "Must have WHERE clause in the statement when using ORDER BY clause.",
        ));
    }
    if is_scan {
        return Err(Fault::validation(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ));
    }
    match select.order.iter().find(|(path, _)| !is_key(keys, path)) {
        None => Ok(()),
        Some((path, _)) => Err(Fault::validation(format!(
            "Variable reference {} in ORDER BY clause must be part of the primary key",
            path.head()
        ))),
    }
}

/// Partitions in the order that is asked for, or as they were named.
fn sort_partitions(
    select: &Select,
    keys: &KeySchema,
    partitions: &mut [(Attribute, Vec<Part>)],
) -> Result<(), Fault> {
    let Some((first, _)) = select.order.first() else {
        return Ok(());
    };
    if partitions.len() > 1 && !names(first, &keys.partition) {
        return Err(Fault::validation(
            "The hash key must come first in ORDER BY clause when the WHERE clause names more than one of its values",
        ));
    }
    let descends = descends(select, Some(&keys.partition));
    partitions.sort_by(|(one, _), (two, _)| {
        let order = compare(one, two).unwrap_or(std::cmp::Ordering::Equal);
        if descends { order.reverse() } else { order }
    });
    Ok(())
}

fn descends(select: &Select, key: Option<&KeyAttribute>) -> bool {
    let is_this = |path: &Path| key.is_some_and(|key| names(path, key));
    let wanted = select.order.iter().find(|(path, _)| is_this(path));
    wanted.is_some_and(|(_, descends)| *descends)
}

fn check_key_type(key: &KeyAttribute, value: &Attribute) -> Result<(), Fault> {
    if matches!(value, Attribute::S(_) | Attribute::N(_) | Attribute::B(_)) {
        return check_value(key, value);
    }
    Err(Fault::validation(format!(
        "Key value must be of type S, N, or B. Key name: {}, Key type: {}",
        key.name,
        value.type_name()
    )))
}

/// What has to hold together.
fn conjuncts(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// `path = value`, either way round.
fn equality(condition: &Condition) -> Option<(&Path, &Attribute)> {
    match condition {
        Condition::Compare(Comparator::Equal, Operand::Path(path), Operand::Value(value))
        | Condition::Compare(Comparator::Equal, Operand::Value(value), Operand::Path(path)) => {
            Some((path, value))
        }
        _ => None,
    }
}

/// What a query may ask of a sort key.
fn sort_condition(condition: &Condition) -> Option<(&Path, SortCondition)> {
    Some(match condition {
        Condition::Compare(comparator, Operand::Path(path), Operand::Value(value)) => {
            (path, compared(*comparator, value)?)
        }
        Condition::Compare(comparator, Operand::Value(value), Operand::Path(path)) => {
            (path, compared(comparator.flipped(), value)?)
        }
        Condition::Between(Operand::Path(path), Operand::Value(low), Operand::Value(high)) => {
            (path, SortCondition::Between(low.clone(), high.clone()))
        }
        Condition::BeginsWith(Operand::Path(path), Operand::Value(start)) => {
            (path, SortCondition::BeginsWith(start.clone()))
        }
        _ => return None,
    })
}

fn compared(comparator: Comparator, value: &Attribute) -> Option<SortCondition> {
    let value = value.clone();
    Some(match comparator {
        Comparator::Equal => SortCondition::Equal(value),
        Comparator::NotEqual => return None,
        Comparator::Less => SortCondition::Less(value),
        Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
        Comparator::Greater => SortCondition::Greater(value),
        Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
    })
}

fn is_key(keys: &KeySchema, path: &Path) -> bool {
    key_attributes(keys).any(|key| names(path, key))
}

fn names(path: &Path, key: &KeyAttribute) -> bool {
    !path.is_nested() && path.head() == key.name
}

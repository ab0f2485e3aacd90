//! `Query` and `Scan`: which keys are read. What comes of them is in `page`.

use super::clauses::{Clauses, FILTER, KEY_CONDITION, PROJECTION};
use super::expression::key_condition::{KeyCondition, SortCondition};
use super::indexes::{key_attributes, partition_attributes, sort_attributes};
use super::page::{Reading, check_select, start_key};
use super::value::Item;
use super::{names, shapes, tables, validate};
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::store::keys::{self, Range, Sorted};

pub(super) fn query(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[PROJECTION, FILTER, KEY_CONDITION];
    let name = names::of_items(call)?;
    validate::check(&call.input, shapes::QUERY)?;
    if validate::integer(&call.input["Limit"]).is_some_and(|it| it < 1) {
        return Err(Fault::validation(
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: \
             Member must have value greater than or equal to 1",
        ));
    }
    Clauses::check(&call.input, KINDS)?;
    let start = start_key(call)?;
    check_select(call)?;
    let mut clauses = Clauses::read(&call.input, KINDS)?;
    let condition = clauses.key_condition.take().ok_or_else(|| {
        Fault::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let reading = Reading::of(engine, call, name, clauses)?;
    let condition = condition.bind(reading.keys())?;
    if let Some(start) = &start {
        reading.check_start(start, true)?;
        check_start(&reading, &condition, start)?;
    }
    check_filter(&reading, call)?;
    let range = range(reading.store_id(), &condition);
    let reverse = call.input["ScanIndexForward"].as_bool() == Some(false);
    reading.answer(engine, call, range, start.as_ref(), reverse)
}

pub(super) fn scan(engine: &Engine, call: &Call) -> Answer {
    const KINDS: &[&str] = &[PROJECTION, FILTER];
    let name = names::of_items(call)?;
    validate::check(&call.input, shapes::SCAN)?;
    Clauses::check(&call.input, KINDS)?;
    let start = start_key(call)?;
    let (segment, segments) = segments(call)?;
    check_select(call)?;
    let clauses = Clauses::read(&call.input, KINDS)?;
    let reading = Reading::of(engine, call, name, clauses)?;
    let range = keys::segment(reading.store_id(), segment, segments);
    if let Some(start) = &start {
        reading.check_start(start, false)?;
        let place = reading.place_of(start).unwrap_or_default();
        if !keys::contains(&range, &place) {
            return Err(Fault::validation(format!(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with \
                 correct Segment. TotalSegments: {segments} Segment: {segment}"
            )));
        }
    }
    reading.answer(engine, call, range, start.as_ref(), false)
}

/// The segment to scan and how many there are.
fn segments(call: &Call) -> Result<(u32, u32), Fault> {
    let number = |member: &str| {
        let number = validate::integer(call.input.get(member)?)?;
        u32::try_from(number).ok()
    };
    match (number("Segment"), number("TotalSegments")) {
        (None, None) => Ok((0, 1)),
        (Some(_), None) => Err(Fault::validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter \
             is present",
        )),
        (None, Some(_)) => Err(Fault::validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments \
             is present",
        )),
        (Some(segment), Some(total)) if segment < total => Ok((segment, total)),
        (Some(segment), Some(total)) => Err(Fault::validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} \
             is not less than TotalSegments: {total}"
        ))),
    }
}

/// A query goes on within its own bounds only.
fn check_start(reading: &Reading, condition: &KeyCondition, start: &Item) -> Result<(), Fault> {
    let keys = reading.keys();
    let partition = std::iter::once(&condition.partition).chain(&condition.more_partition);
    let mut pairs = partition_attributes(keys).zip(partition);
    if !pairs.all(|(key, value)| start.get(&key.name) == Some(value)) {
        return Err(Fault::validation(
            "The provided starting key is outside query boundaries based on provided conditions",
        ));
    }
    let mut sort = sort_attributes(keys).map(|key| start.get(&key.name));
    let is_led = condition
        .leading
        .iter()
        .all(|value| sort.next().flatten() == Some(value));
    match (&condition.sort, sort.next().flatten()) {
        (Some(condition), Some(value)) if !is_led || !condition.matches(value) => Err(
            Fault::validation("The provided starting key does not match the range key predicate"),
        ),
        _ => Ok(()),
    }
}

/// Where the items of a condition are.
pub(super) fn range(store_id: u64, condition: &KeyCondition) -> Range {
    let more: Vec<_> = condition.more_partition.iter().collect();
    let partition = keys::partition_of(store_id, &condition.partition, &more);
    let place = keys::within(partition, &condition.leading);
    keys::sorted(&place, &sorted(condition.sort.as_ref()))
}

/// A query's filter may not look at the keys it is queried by.
fn check_filter(reading: &Reading, call: &Call) -> Result<(), Fault> {
    let paths = reading.filter().map(|it| it.paths()).unwrap_or_default();
    let named = |name: &str| paths.iter().any(|it| it.head() == name);
    match key_attributes(reading.keys()).find(|key| named(&key.name)) {
        None => Ok(()),
        Some(key) => Err(Fault::validation(format!(
            "{} can only contain non-primary key attributes: Primary key attribute: {}",
            if tables::given(&call.input, FILTER).is_some() {
                "Filter Expression"
            } else {
                "QueryFilter"
            },
            key.name
        ))),
    }
}

pub(super) fn sorted(condition: Option<&SortCondition>) -> Sorted<'_> {
    match condition {
        None => Sorted::All,
        Some(SortCondition::Equal(value)) => Sorted::Equal(value),
        Some(SortCondition::Less(value)) => Sorted::Below(value),
        Some(SortCondition::LessOrEqual(value)) => Sorted::UpTo(value),
        Some(SortCondition::Greater(value)) => Sorted::Above(value),
        Some(SortCondition::GreaterOrEqual(value)) => Sorted::From(value),
        Some(SortCondition::Between(low, high)) => Sorted::Between(low, high),
        Some(SortCondition::BeginsWith(start)) => Sorted::BeginsWith(start),
    }
}

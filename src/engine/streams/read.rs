//! Reading a shard: where to begin (`GetShardIterator`) and what comes next (`GetRecords`).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::iterators::ShardIterator;
use super::records::{Source, Stored};
use super::shards::{RETENTION, first_number, number_of, sequence_number};
use super::{Tip, find, shards};
use crate::engine::Engine;
use crate::engine::call::{Answer, Body, Call, Fault, Reply};
use crate::engine::dynamodb::{shapes, validate};
use crate::engine::state::{Shard, ViewType};
use crate::engine::store::codec::Unreadable;
use crate::engine::store::text;
use crate::mapping::poller::Records;
use crate::mapping::record::Record;

/// Most records in one answer, and most bytes by their `SizeBytes`.
const RECORDS_MAX: u64 = 1000;
const BYTES_MAX: usize = 1024 * 1024;

pub(super) fn get_shard_iterator(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::GET_SHARD_ITERATOR)?;
    let arn = call.text("StreamArn").unwrap_or_default();
    let id = call.text("ShardId").unwrap_or_default();
    let shard = engine.read(|state| {
        let stream = find(&state.streams, arn, call)?;
        let shard = shards::find(stream, id, call.now);
        shard.cloned().ok_or_else(|| {
            Fault::new(
                400,
                "ResourceNotFoundException",
                format!("Requested resource not found: Shard: {id} in Stream: {arn} not found"),
            )
        })
    })?;
    let tip = engine.streams().tip(engine.store(), &shard)?;
    let (next, from_oldest) = begin(engine, call, &shard, &tip)?;
    let iterator = ShardIterator {
        stream: arn.to_owned(),
        shard: shard.id,
        next,
        from_oldest,
        issued: call.now,
        reader: if engine.has_stream_limits() {
            engine.ids().number()
        } else {
            0
        },
    };
    Ok(Reply::from(json!({"ShardIterator": iterator.to_text()})))
}

/// Number of the first record wanted, and whether the oldest one there is will do instead.
fn begin(engine: &Engine, call: &Call, shard: &Shard, tip: &Tip) -> Result<(u64, bool), Fault> {
    let kind = call.text("ShardIteratorType").unwrap_or_default();
    let number = call.text("SequenceNumber");
    let by_number = matches!(kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
    if by_number != number.is_some() {
        let needs = if by_number {
            "requires"
        } else {
            "must not have"
        };
        return Err(Fault::validation(format!(
            "ShardIteratorType {kind} {needs} a SequenceNumber"
        )));
    }
    let next = tip.next();
    match kind {
        "LATEST" => Ok((next, false)),
        "AT_TIMESTAMP" => {
            let since = timestamp(call)?;
            Ok((tip.first_since(engine.store(), since)?, true))
        }
        "TRIM_HORIZON" => Ok((first_number(shard), true)),
        _ => {
            let number = number.and_then(number_of).filter(|it| {
                // A shard that was empty when it was closed ends where it began.
                (first_number(shard)..next.max(first_number(shard) + 1)).contains(it)
            });
            let number = number.ok_or_else(|| Fault::validation("Invalid SequenceNumber"))?;
            let after = u64::from(kind == "AFTER_SEQUENCE_NUMBER");
            let wanted = (number + after).min(next);
            refuse_trimmed(engine, tip, wanted, call.now)?;
            Ok((wanted, false))
        }
    }
}

/// `Timestamp`: seconds with a fraction.
fn timestamp(call: &Call) -> Result<SystemTime, Fault> {
    let secs = call
        .input
        .get("Timestamp")
        .and_then(Value::as_f64)
        .ok_or_else(|| Fault::validation("ShardIteratorType AT_TIMESTAMP requires a Timestamp"))?;
    let since = Duration::try_from_secs_f64(secs)
        .map(|since| SystemTime::UNIX_EPOCH + since)
        .map_err(|_range| Fault::validation("Invalid Timestamp"))?;
    if since > call.now {
        return Err(Fault::validation("Timestamp can not be in the future"));
    }
    Ok(since)
}

/// Records that are gone, by age or removed, cannot be read any more.
fn refuse_trimmed(engine: &Engine, tip: &Tip, from: u64, now: SystemTime) -> Result<(), Fault> {
    if from >= tip.next() {
        return Ok(());
    }
    match tip.at_or_after(engine.store(), from)? {
        Some((number, created)) if number == from && created + RETENTION > now => Ok(()),
        _ => Err(trimmed()),
    }
}

/// What who asks for records is told that are gone.
pub(in crate::engine) fn trimmed() -> Fault {
    Fault::new(
        400,
        "TrimmedDataAccessException",
        "The data you are trying to access has been trimmed",
    )
}

pub(super) fn get_records(engine: &Engine, call: &Call) -> Answer {
    validate::check(&call.input, shapes::GET_RECORDS)?;
    let limit = call.input.get("Limit").and_then(Value::as_u64);
    if limit.is_some_and(|it| it > RECORDS_MAX) {
        return Err(Fault::new(
            400,
            "LimitExceededException",
            format!("Limit must not be greater than {RECORDS_MAX}"),
        ));
    }
    let text = call.text("ShardIterator").unwrap_or_default();
    let mut iterator = ShardIterator::parse(text, call.now)?;
    let place = Place::find(engine, call, &iterator)?;
    if engine.has_stream_limits() {
        let limits = &engine.streams().limits;
        limits.read(place.store_id, iterator.reader, call.now)?;
    }
    let mut page = Page::of(call);
    if iterator.next < place.tip.next() {
        if iterator.from_oldest {
            iterator.next = oldest(engine, &place.tip, iterator.next, call.now)?;
        } else {
            refuse_trimmed(engine, &place.tip, iterator.next, call.now)?;
        }
        let limit = usize::try_from(limit.unwrap_or(RECORDS_MAX)).unwrap_or_default();
        fill(&mut page, engine, call, &place, &mut iterator, limit)?;
    }
    let goes_on = !place.closed || iterator.next < place.tip.next();
    iterator.issued = call.now;
    Ok(page.reply(goes_on.then(|| iterator.to_text())))
}

/// The records of one answer.
enum Page {
    /// JSON text, with commas between them.
    Text(Vec<u8>),
    Records(Vec<Record>),
}

impl Page {
    fn of(call: &Call) -> Self {
        match call.record_keys {
            Some(_) => Self::Records(Vec::new()),
            None => Self::Text(br#"{"Records":["#.to_vec()),
        }
    }

    fn push(
        &mut self,
        record: &Stored<'_>,
        number: &str,
        source: &Source<'_>,
    ) -> Result<(), Unreadable> {
        match self {
            Self::Text(text) => {
                if !text.ends_with(b"[") {
                    text.push(b',');
                }
                record.push_text(text, number, source)
            }
            Self::Records(records) => {
                records.push(record.record(number, source)?);
                Ok(())
            }
        }
    }

    fn reply(self, next: Option<String>) -> Reply {
        match self {
            Self::Text(mut answer) => {
                answer.push(b']');
                if let Some(next) = next {
                    answer.extend_from_slice(br#","NextShardIterator":"#);
                    text::push_text(&mut answer, &next);
                }
                answer.push(b'}');
                Reply::text(answer)
            }
            Self::Records(records) => Reply {
                status: 200,
                headers: Vec::new(),
                body: Body::Records(Records { records, next }),
            },
        }
    }
}

/// First number from `from` on whose record is not past its time.
fn oldest(engine: &Engine, tip: &Tip, from: u64, now: SystemTime) -> Result<u64, Fault> {
    match tip.at_or_after(engine.store(), from)? {
        Some((number, created)) if created + RETENTION > now => Ok(number),
        _ => {
            let horizon = now - RETENTION + Duration::from_millis(1);
            Ok(tip.first_since(engine.store(), horizon)?.max(from))
        }
    }
}

/// Number of the oldest record of a shard that can be read now, or of the next one to come; `None` where that is the
/// shard's first.
pub(in crate::engine) fn begins_late(
    engine: &Engine,
    shard: &Shard,
    now: SystemTime,
) -> Result<Option<u64>, Fault> {
    let tip = engine.streams().tip(engine.store(), shard)?;
    let first = first_number(shard);
    let oldest = oldest(engine, &tip, first, now)?;
    Ok((oldest > first).then_some(oldest))
}

/// Puts records on the page; the iterator moves behind the last.
fn fill(
    page: &mut Page,
    engine: &Engine,
    call: &Call,
    place: &Place,
    iterator: &mut ShardIterator,
    limit: usize,
) -> Result<(), Fault> {
    let stream_arn = iterator.stream.clone();
    let source = Source {
        stream_arn: &stream_arn,
        region: &call.account.region,
        view: place.view_type,
        keys: call.record_keys.as_deref().unwrap_or_default(),
    };
    let (mut count, mut bytes) = (0, 0);
    let mut failed = None;
    place
        .tip
        .visit(engine.store(), iterator.next, |number, record| {
            let size = record.size_bytes().unwrap_or_default();
            if count == limit || (bytes + size > BYTES_MAX && count > 0) {
                return false;
            }
            if let Err(error) = page.push(&record, &sequence_number(number), &source) {
                failed = Some(error);
                return false;
            }
            count += 1;
            bytes += size;
            iterator.next = number + 1;
            // A record was read: what follows it is wanted without a gap.
            iterator.from_oldest = false;
            true
        })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// The shard an iterator points into.
struct Place {
    view_type: ViewType,
    closed: bool,
    store_id: u64,
    tip: Arc<Tip>,
}

impl Place {
    fn find(engine: &Engine, call: &Call, iterator: &ShardIterator) -> Result<Self, Fault> {
        // Closed is asked before the tip: the tip of a closed shard is final.
        let (view_type, shard) = engine.read(|state| {
            let stream = find(&state.streams, &iterator.stream, call)?;
            // Iterators are only given for shards that are there.
            let shard = shards::find(stream, &iterator.shard, call.now).ok_or_else(trimmed)?;
            Ok::<_, Fault>((stream.view_type, shard.clone()))
        })?;
        Ok(Self {
            view_type,
            closed: shard.ending.is_some(),
            store_id: shard.store_id,
            tip: engine.streams().tip(engine.store(), &shard)?,
        })
    }
}

//! What is still in a stream, read at once for whoever plays it again. Reads the store; asks nobody for permission.

use std::time::{Duration, SystemTime};

use super::records::{Source, Stored};
use super::shards::{RETENTION, number_of, sequence_number};
use super::{Tip, shards, trim};
use crate::clock::epoch_secs;
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::{KeySchema, Shard, Stream};
use crate::mapping::whatif;

/// Which records; all that can be read where nothing is said. Both ends belong to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    pub since: Option<SystemTime>,
    pub until: Option<SystemTime>,
    /// One shard only.
    pub shard: Option<String>,
    /// Sequence numbers of that shard.
    pub first: Option<String>,
    pub last: Option<String>,
}

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub records: u64,
    /// Of the texts that functions receive.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 250_000,
            bytes: 128 * 1024 * 1024,
        }
    }
}

/// A shard and the numbers of its records that are wanted, the second not among them.
struct Part {
    shard: Shard,
    from: u64,
    to: u64,
}

/// Reads records with the milliseconds of their writing, which no reader of the stream is told. `is_cancelled` is asked
/// now and then.
///
/// # Errors
/// Fails where there is no such stream or shard, where the range makes no sense or has too much in it, and, without a
/// word, where it was called off.
pub fn past(
    engine: &Engine,
    stream_arn: &str,
    range: &Range,
    limits: Limits,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<whatif::Stretch, Fault> {
    let now = engine.clock().now();
    let found = engine.read(|state| state.streams.get(stream_arn).cloned());
    let stream = found.filter(|it| !shards::is_forgotten(it, now));
    let stream = stream.ok_or_else(|| trim::not_found(&format!("Stream: {stream_arn}")))?;
    let readable: Vec<Shard> = shards::readable(&stream, now).cloned().collect();
    let wanted = wanted(&readable, range, &stream)?;
    let horizon = now - RETENTION + Duration::from_millis(1);
    let since = range.since.map_or(horizon, |it| it.max(horizon));
    let mut parts = Vec::new();
    for shard in wanted {
        let (from, to) = ends(engine, &shard, since, range)?;
        parts.push(Part { shard, from, to });
    }
    let count: u64 = parts.iter().map(Part::count).sum();
    if count > limits.records {
        return Err(too_many(engine, &parts, count, limits.records, now)?);
    }
    // Shards that were over before, and those that came later, have no part in it.
    let begin = parts.iter().filter(|it| it.count() > 0);
    let begin = begin.filter_map(|it| first_time(engine, it).transpose());
    let begin = begin.collect::<Result<Vec<SystemTime>, Fault>>()?;
    let begin = begin.into_iter().min().unwrap_or(since);
    let mut reading = Reading {
        engine,
        stream: &stream,
        keys: key_names(&stream.keys),
        limits,
        bytes: 0,
        is_cancelled,
    };
    let mut stretch = whatif::Stretch::default();
    for part in &parts {
        let closed = closed(&stream, &part.shard);
        let is_over = closed.is_some_and(|it| it < begin);
        let is_later = range.until.is_some_and(|it| it < part.shard.created);
        if part.count() == 0 && (is_over || is_later) {
            continue;
        }
        let records = reading.read(part)?;
        let last = records.last().map(|it| it.at);
        let closed = closed.filter(|it| range.until.is_none_or(|until| *it <= until));
        stretch.shards.push(whatif::Shard {
            id: part.shard.id.as_str().into(),
            parent: part.shard.parent.as_deref().map(Into::into),
            opened: part.shard.created,
            // Clocks can be set back.
            closed: closed.map(|it| last.map_or(it, |last| it.max(last))),
            records,
        });
    }
    Ok(stretch)
}

/// Names of the key attributes, partition key first.
pub fn key_names(keys: &KeySchema) -> Vec<String> {
    let keys = [Some(&keys.partition), keys.sort.as_ref()];
    keys.into_iter()
        .flatten()
        .map(|it| it.name.clone())
        .collect()
}

fn wanted(readable: &[Shard], range: &Range, stream: &Stream) -> Result<Vec<Shard>, Fault> {
    let Some(id) = &range.shard else {
        if range.first.is_some() || range.last.is_some() {
            return Err(Fault::validation(
                "FirstSequenceNumber and LastSequenceNumber are those of one shard: name it by ShardId",
            ));
        }
        return Ok(readable.to_vec());
    };
    let found = readable.iter().find(|it| it.id == *id);
    let found = found.ok_or_else(|| {
        let arn = &stream.arn;
        trim::not_found(&format!("Shard: {id} in Stream: {arn}"))
    })?;
    Ok(vec![found.clone()])
}

/// Numbers of the first record that is wanted and of the first behind it that is not.
fn ends(
    engine: &Engine,
    shard: &Shard,
    since: SystemTime,
    range: &Range,
) -> Result<(u64, u64), Fault> {
    let tip = engine.streams().tip(engine.store(), shard)?;
    let mut from = tip.first_since(engine.store(), since)?;
    let mut to = tip.next();
    if let Some(until) = range
        .until
        .and_then(|it| it.checked_add(Duration::from_millis(1)))
    {
        to = to.min(tip.first_since(engine.store(), until)?);
    }
    if let Some(first) = &range.first {
        from = from.max(numbered(first)?);
    }
    if let Some(last) = &range.last {
        to = to.min(numbered(last)?.saturating_add(1));
    }
    Ok((from, to))
}

fn numbered(text: &str) -> Result<u64, Fault> {
    number_of(text).ok_or_else(|| {
        Fault::validation(format!(
            "\"{text}\" is no sequence number of this stream: those have 21 digits"
        ))
    })
}

fn first_time(engine: &Engine, part: &Part) -> Result<Option<SystemTime>, Fault> {
    let tip = engine.streams().tip(engine.store(), &part.shard)?;
    let found = tip.at_or_after(engine.store(), part.from)?;
    Ok(found.map(|(_, created)| created))
}

/// When a shard was: with its first child, or with its stream.
fn closed(stream: &Stream, shard: &Shard) -> Option<SystemTime> {
    shard.ending.as_ref()?;
    let of_shard = |it: &&Shard| it.parent.as_deref() == Some(shard.id.as_str());
    let children = stream.shards.iter().filter(of_shard).map(|it| it.created);
    children.min().or(stream.disabled)
}

/// Says from when on there are few enough.
fn too_many(
    engine: &Engine,
    parts: &[Part],
    count: u64,
    most: u64,
    now: SystemTime,
) -> Result<Fault, Fault> {
    let mut tips: Vec<(&Part, std::sync::Arc<Tip>)> = Vec::new();
    for part in parts {
        tips.push((part, engine.streams().tip(engine.store(), &part.shard)?));
    }
    let (mut few, mut many) = (0, RETENTION.as_secs());
    // Seconds before now: few enough records, and too many.
    while many - few > 1 {
        let middle = few.midpoint(many);
        let since = now - Duration::from_secs(middle);
        let mut count = 0;
        for (part, tip) in &tips {
            let from = tip.first_since(engine.store(), since)?.max(part.from);
            count += part.to.saturating_sub(from);
        }
        if count > most {
            many = middle;
        } else {
            few = middle;
        }
    }
    let since = epoch_secs(now - Duration::from_secs(few)).ceil();
    Ok(over(format!(
        "The stretch has {count} records, and a simulation takes at most {most}: begin it with Since {since} or later, \
         end it with Until, or name a ShardId"
    )))
}

fn over(message: String) -> Fault {
    Fault::new(400, "LimitExceededException", message)
}

impl Part {
    fn count(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

struct Reading<'a> {
    engine: &'a Engine,
    stream: &'a Stream,
    keys: Vec<String>,
    limits: Limits,
    bytes: usize,
    is_cancelled: &'a dyn Fn() -> bool,
}

impl Reading<'_> {
    fn read(&mut self, part: &Part) -> Result<Vec<whatif::Written>, Fault> {
        const ASK_EVERY: usize = 1024;
        let tip = self
            .engine
            .streams()
            .tip(self.engine.store(), &part.shard)?;
        let mut records = Vec::new();
        let mut failed = None;
        let store = self.engine.store();
        tip.visit(store, part.from, |number, stored| {
            if number >= part.to {
                return false;
            }
            let is_asked = records.len() % ASK_EVERY == ASK_EVERY - 1;
            let read = if is_asked && (self.is_cancelled)() {
                Err(over(String::new()))
            } else {
                self.record(number, stored)
            };
            match read {
                Ok(written) => records.push(written),
                Err(fault) => failed = Some(fault),
            }
            failed.is_none()
        })?;
        failed.map_or(Ok(records), Err)
    }

    fn record(&mut self, number: u64, stored: Stored<'_>) -> Result<whatif::Written, Fault> {
        let at = stored.created();
        let source = Source {
            stream_arn: &self.stream.arn,
            region: &self.engine.account().region,
            view: self.stream.view_type,
            keys: &self.keys,
        };
        let record = stored.record(&sequence_number(number), &source)?;
        self.bytes += record.event.text().len();
        if self.bytes > self.limits.bytes {
            let most = self.limits.bytes / 1024 / 1024;
            return Err(over(format!(
                "The records of the stretch have more than {most} MB, and a simulation takes no more: choose a shorter \
                 one with Since and Until, or name a ShardId"
            )));
        }
        Ok(whatif::Written { at, record })
    }
}

//! Writing and reading log events: `PutLogEvents`, `GetLogEvents`, `FilterLogEvents`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::events::{self, Event, Position};
use super::groups::{expired_before, find, find_stream, no_stream};
use super::input::{self, invalid};
use super::pattern::Pattern;
use crate::clock::epoch_millis;
use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Fault};
use crate::engine::state::LogStream;

/// Events of one request or answer.
const EVENTS_MAX: usize = 10_000;
/// Bytes of one request or answer, with [`OVERHEAD`] for every event.
const BYTES_MAX: usize = 1_048_576;
const OVERHEAD: usize = 26;
const STREAMS_MAX: usize = 100;
const DAY_MILLIS: u64 = 24 * 3600 * 1000;
/// Events may come from this far ahead, and from this far back.
const NEW_MAX: Duration = Duration::from_hours(2);
const OLD_MAX: Duration = Duration::from_hours(14 * 24);

pub(super) fn put(engine: &Engine, call: &Call) -> Answer {
    let (group, stream) = engine.read(|state| find_stream(state, call))?;
    let lines = lines(call)?;
    let now = epoch_millis(call.now);
    let too_new = epoch_millis(call.now + NEW_MAX);
    let too_old = call.now.checked_sub(OLD_MAX).map_or(0, epoch_millis);
    let expired = expired_before(&group, call.now);
    // Lines are in order of time: those that are refused stand at the ends.
    let count = |is_refused: &dyn Fn(u64) -> bool| {
        lines.iter().take_while(|(at, _)| is_refused(*at)).count()
    };
    let old = count(&|at| at < too_old);
    let gone = count(&|at| at < expired);
    let new = lines.partition_point(|(at, _)| *at <= too_new);
    let kept = lines
        .iter()
        .skip(old.max(gone))
        .take(new - old.max(gone).min(new));
    events::add(
        engine.store(),
        engine.logs(),
        stream.store_id,
        now,
        kept.copied(),
    )?;
    if expired > 0 {
        events::expire(engine.store(), engine.logs(), stream.store_id, expired)?;
    }
    let mut rejected = Map::new();
    if old > 0 {
        rejected.insert("tooOldLogEventEndIndex".to_owned(), json!(old));
    }
    if gone > 0 {
        rejected.insert("expiredLogEventEndIndex".to_owned(), json!(gone));
    }
    if new < lines.len() {
        rejected.insert("tooNewLogEventStartIndex".to_owned(), json!(new));
    }
    // Tokens mean nothing to AWS any more, but some clients want to see one.
    let mut answer = json!({ "nextSequenceToken": format!("{now:056}") });
    if !rejected.is_empty() {
        answer["rejectedLogEventsInfo"] = Value::Object(rejected);
    }
    Ok(answer.into())
}

pub(super) fn get(engine: &Engine, call: &Call) -> Answer {
    let (group, stream) = engine.read(|state| find_stream(state, call))?;
    let most = input::limit(call, EVENTS_MAX)?;
    let from = input::millis(call, "startTime")
        .unwrap_or(0)
        .max(expired_before(&group, call.now));
    let mut after = at_millis(from);
    let mut before = at_millis(input::millis(call, "endTime").unwrap_or(u64::MAX));
    let mut is_forward = call.input.get("startFromHead") == Some(&Value::Bool(true));
    let mut here = after;
    if let Some(token) = call.text("nextToken") {
        (is_forward, here) =
            position(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?;
        if is_forward {
            after = after.max(here);
        } else {
            before = before.min(here);
        }
    }
    let mut found: Vec<Event> = Vec::new();
    let mut bytes = 0;
    events::scan(
        engine.store(),
        stream.store_id,
        after,
        before,
        !is_forward,
        |event| {
            bytes += event.message.len() + OVERHEAD;
            // One event is returned however large it is.
            let fits = bytes <= BYTES_MAX || found.is_empty();
            if fits {
                found.push(event);
            }
            fits && found.len() < most
        },
    )?;
    if !is_forward {
        found.reverse();
    }
    // At the end of the stream the token stays what it was: that is how clients know.
    let first = found.first().map_or(here, |event| event.position);
    let last = found.last().map_or(here, |event| event.position);
    let shown: Vec<Value> = found
        .iter()
        .map(|event| {
            json!({
                "timestamp": event.position.millis,
                "message": event.message,
                "ingestionTime": event.ingested,
            })
        })
        .collect();
    Ok(json!({
        "events": shown,
        "nextForwardToken": token('f', last),
        "nextBackwardToken": token('b', first),
    })
    .into())
}

/// Place of an event among all streams of its group: time, stream, number.
type Place = (u64, String, u64);

pub(super) fn filter(engine: &Engine, call: &Call) -> Answer {
    let group = engine.read(|state| find(state, call).cloned())?;
    let pattern = Pattern::parse(call.text("filterPattern").unwrap_or_default())
        .map_err(|reason| invalid(format!("Invalid filter pattern: {reason}")))?;
    let most = input::limit(call, EVENTS_MAX)?;
    let from = input::millis(call, "startTime")
        .unwrap_or(0)
        .max(expired_before(&group, call.now));
    let until = input::millis(call, "endTime").map_or(u64::MAX, |end| end.saturating_add(1));
    let resume = call.text("nextToken").map(place).transpose()?;
    // The first events after `resume`, and one more that tells whether there is another page.
    let mut found: BTreeMap<Place, (u64, Event)> = BTreeMap::new();
    for stream in wanted_streams(call, &group.streams)? {
        let after = at_millis(from).max(resume_in(resume.as_ref(), &stream.name));
        let scanned = |event: Event| {
            let Position { millis, number } = event.position;
            let place = (millis, stream.name.clone(), number);
            if found.len() > most
                && found
                    .last_key_value()
                    .is_some_and(|(last, _)| place > *last)
            {
                return false;
            }
            if pattern.matches(&event.message) {
                found.insert(place, (stream.store_id, event));
                if found.len() > most + 1 {
                    found.pop_last();
                }
            }
            true
        };
        events::scan(
            engine.store(),
            stream.store_id,
            after,
            at_millis(until),
            false,
            scanned,
        )?;
    }
    let mut bytes = 0;
    let shown: Vec<(&Place, Value)> = found
        .iter()
        .take(most)
        .take_while(|(_, (_, event))| {
            let is_first = bytes == 0;
            bytes += event.message.len() + OVERHEAD;
            is_first || bytes <= BYTES_MAX
        })
        .map(|(place, (store_id, event))| (place, show_filtered(place, *store_id, event)))
        .collect();
    let next =
        shown
            .last()
            .filter(|_| shown.len() < found.len())
            .map(|((millis, stream, number), _)| {
                input::encoded(&format!("{millis}:{number}:{stream}"))
            });
    let events: Vec<Value> = shown.into_iter().map(|(_, event)| event).collect();
    let mut answer = json!({ "events": events, "searchedLogStreams": [] });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer.into())
}

/// The lines of a request (milliseconds, text), checked as CloudWatch checks them.
fn lines(call: &Call) -> Result<Vec<(u64, &str)>, Fault> {
    let given = call.input.get("logEvents").and_then(Value::as_array);
    let given = given.map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() || given.len() > EVENTS_MAX {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and {EVENTS_MAX}"
        )));
    }
    let lines = given
        .iter()
        .enumerate()
        .map(|(index, event)| line(index, event))
        .collect::<Result<Vec<_>, _>>()?;
    if !lines.is_sorted_by_key(|(at, _)| *at) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    if lines[lines.len() - 1].0 - lines[0].0 > DAY_MILLIS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let bytes: usize = lines.iter().map(|(_, text)| text.len() + OVERHEAD).sum();
    if bytes > BYTES_MAX {
        return Err(invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BYTES_MAX}"
        )));
    }
    Ok(lines)
}

fn line(index: usize, event: &Value) -> Result<(u64, &str), Fault> {
    let missing = |member: &str| {
        invalid(format!(
            "1 validation error detected: Value at 'logEvents.{}.member.{member}' failed to satisfy constraint: Member must not be null",
            index + 1
        ))
    };
    let at = event.get("timestamp").and_then(Value::as_u64);
    let message = event.get("message").and_then(Value::as_str);
    let at = at.ok_or_else(|| missing("timestamp"))?;
    let message = message.filter(|it| !it.is_empty());
    Ok((at, message.ok_or_else(|| missing("message"))?))
}

fn wanted_streams<'a>(
    call: &Call,
    streams: &'a BTreeMap<String, LogStream>,
) -> Result<Vec<&'a LogStream>, Fault> {
    let prefix = call.text("logStreamNamePrefix");
    let Some(names) = call.input.get("logStreamNames").and_then(Value::as_array) else {
        let prefix = prefix.unwrap_or_default();
        let has_prefix = |stream: &&LogStream| stream.name.starts_with(prefix);
        return Ok(streams.values().filter(has_prefix).collect());
    };
    if prefix.is_some() {
        return Err(invalid(
            "LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.",
        ));
    }
    if names.is_empty() || names.len() > STREAMS_MAX {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: Member must have length between 1 and {STREAMS_MAX}"
        )));
    }
    names
        .iter()
        .map(|name| {
            let name = name.as_str().unwrap_or_default();
            streams.get(name).ok_or_else(no_stream)
        })
        .collect()
}

/// The position after which a stream goes on, when the last page ended at `resume`.
fn resume_in(resume: Option<&Place>, stream: &str) -> Position {
    let Some((millis, last, number)) = resume else {
        return Position::default();
    };
    match stream.cmp(last) {
        std::cmp::Ordering::Less => at_millis(millis.saturating_add(1)),
        std::cmp::Ordering::Equal => Position {
            millis: *millis,
            number: *number,
        },
        std::cmp::Ordering::Greater => at_millis(*millis),
    }
}

fn show_filtered((millis, stream, number): &Place, store_id: u64, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": millis,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": format!("{millis:020}{store_id:016}{number:020}"),
    })
}

/// Before the first event of a millisecond: numbers count from 1.
fn at_millis(millis: u64) -> Position {
    Position { millis, number: 0 }
}

/// `f/` goes on after a position, `b/` goes back before it.
fn token(direction: char, Position { millis, number }: Position) -> String {
    format!("{direction}/{millis:020}{number:020}/s")
}

fn position(token: &str) -> Option<(bool, Position)> {
    let (direction, rest) = token.split_once('/')?;
    let digits = rest.strip_suffix("/s")?;
    let position = Position {
        millis: digits.get(..20)?.parse().ok()?,
        number: digits.get(20..)?.parse().ok()?,
    };
    match direction {
        "f" => Some((true, position)),
        "b" => Some((false, position)),
        _ => None,
    }
}

fn place(token: &str) -> Result<Place, Fault> {
    let text = input::decoded(token)?;
    let mut parts = text.splitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    let (millis, number) = (number(), number());
    match (millis, number, parts.next()) {
        (Some(millis), Some(number), Some(stream)) => Ok((millis, stream.to_owned(), number)),
        _ => Err(invalid("The specified nextToken is invalid.")),
    }
}

//! Follows a stream: finds shards, reads each four times a second, parents before children.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodbstreams::types::Shard;

use super::{Feed, From, PAGE_MAX, Place, Row, describe, iterator, keys_of, page};
use crate::aws::error::Kind;
use crate::aws::{Aws, Error};
use crate::mapping::record::SequenceNumber;

/// As often as Lambda reads a shard.
const POLL: Duration = Duration::from_millis(250);
/// How often shards are looked for.
const DISCOVER: Duration = Duration::from_secs(5);

/// Brings every record of a stream from here on into the feed until it is dropped. Returns only
/// when it cannot go on: the stream is gone, or the credentials are no good. A sequence number
/// begins in the shard that holds it; shards before that one are left out, open ones beside it are read whole.
pub async fn tail(aws: Aws, arn: String, from: From, feed: Arc<Feed>) -> Result<(), Error> {
    let mut shards: BTreeMap<String, Reading> = BTreeMap::new();
    let mut start = Start::First(from);
    let keys = Vec::new();
    let mut place = Place { arn, keys };
    let mut look_again = aws.clock.uptime();
    loop {
        if !feed.is_paused() {
            let mut trouble = None;
            if aws.clock.uptime() >= look_again {
                look_again = aws.clock.uptime() + DISCOVER;
                match describe(aws.clone(), place.arn.clone()).await {
                    Ok(stream) => {
                        for shard in stream.shards() {
                            take_on(&mut shards, shard, &start);
                        }
                        place.keys = keys_of(&stream);
                        start = Start::Later;
                    }
                    Err(error) => trouble = Some(tolerable(error)?),
                }
            }
            let finished = poll_all(&aws, &place, &mut shards, &feed, &mut trouble).await?;
            if finished {
                // Children of a closed shard are there already.
                look_again = aws.clock.uptime();
            }
            feed.polled(trouble);
        }
        aws.clock.wait(POLL).await;
    }
}

/// What newly found shards are read from.
enum Start {
    /// The wish, for those found first.
    First(From),
    /// Everything, for those that open later.
    Later,
}

/// How far one shard has been read.
struct Reading {
    parent: Option<String>,
    /// Where to begin again when the iterator is lost.
    from: From,
    iterator: Option<String>,
    done: bool,
}

fn take_on(shards: &mut BTreeMap<String, Reading>, shard: &Shard, start: &Start) {
    let Some(id) = shard.shard_id() else {
        return;
    };
    if shards.contains_key(id) {
        return;
    }
    let range = shard.sequence_number_range();
    let first = range.and_then(|it| it.starting_sequence_number());
    let last = range.and_then(|it| it.ending_sequence_number());
    let (from, done) = match start {
        Start::Later | Start::First(From::TrimHorizon) => (From::TrimHorizon, false),
        Start::First(From::Latest) => (From::Latest, last.is_some()),
        Start::First(From::At(number) | From::After(number))
            if first.is_some_and(|it| SequenceNumber::new(it) > *number) =>
        {
            (From::TrimHorizon, false)
        }
        Start::First(from @ (From::At(number) | From::After(number))) => {
            let before = last.is_some_and(|it| SequenceNumber::new(it) < *number);
            (from.clone(), before)
        }
    };
    let reading = Reading {
        parent: shard.parent_shard_id().map(str::to_owned),
        from,
        iterator: None,
        done,
    };
    shards.insert(id.to_owned(), reading);
}

/// One poll of every shard whose parent is finished. True when a shard came to its end.
async fn poll_all(
    aws: &Aws,
    place: &Place,
    shards: &mut BTreeMap<String, Reading>,
    feed: &Feed,
    trouble: &mut Option<String>,
) -> Result<bool, Error> {
    let ready: Vec<String> = shards
        .iter()
        .filter(|(_, it)| !it.done)
        .filter(|(_, it)| {
            let parent = it.parent.as_ref().and_then(|parent| shards.get(parent));
            parent.is_none_or(|parent| parent.done)
        })
        .map(|(id, _)| id.clone())
        .collect();
    let mut finished = false;
    for id in ready {
        if let Some(reading) = shards.get_mut(&id) {
            if let Err(error) = poll(aws, place, &id, reading, feed).await {
                *trouble = recover(error, reading)?.or(trouble.take());
            }
            finished |= reading.done;
        }
    }
    Ok(finished)
}

async fn poll(
    aws: &Aws,
    place: &Place,
    id: &str,
    reading: &mut Reading,
    feed: &Feed,
) -> Result<(), Error> {
    let iterator = match reading.iterator.clone() {
        Some(iterator) => iterator,
        None => iterator(aws, &place.arn, id, &reading.from).await?,
    };
    let page = page(aws, place, iterator, PAGE_MAX).await?;
    reading.done = page.next.is_none();
    reading.iterator = page.next;
    if let Some(last) = page.records.last() {
        reading.from = From::After(last.sequence_number.clone());
        let shard: Arc<str> = Arc::from(id);
        feed.push(page.records.into_iter().map(|record| Row {
            shard: Arc::clone(&shard),
            record,
        }));
    }
    Ok(())
}

/// What to do about a failed poll of one shard: nothing to say, something to show, or give up.
fn recover(error: Error, reading: &mut Reading) -> Result<Option<String>, Error> {
    match error.code.as_str() {
        "ExpiredIteratorException" => {
            reading.iterator = None;
            let lost = reading.from == From::Latest;
            Ok(lost.then(|| "the position expired; records in between may be missing".to_owned()))
        }
        "TrimmedDataAccessException" => {
            reading.iterator = None;
            reading.from = From::TrimHorizon;
            Ok(Some("records older than 24 hours are gone".to_owned()))
        }
        // An open shard does not say where it ends: this number is beyond it, in another one.
        "ValidationException" if matches!(reading.from, From::At(_) | From::After(_)) => {
            reading.from = From::TrimHorizon;
            Ok(None)
        }
        // The shard itself was trimmed away.
        "ResourceNotFoundException" => {
            reading.done = true;
            Ok(None)
        }
        _ => tolerable(error).map(Some),
    }
}

/// Words for trouble that may pass by itself.
fn tolerable(error: Error) -> Result<String, Error> {
    let hopeless = matches!(error.kind, Kind::Credentials | Kind::Input | Kind::ReadOnly)
        || matches!(
            error.code.as_str(),
            "ResourceNotFoundException" | "AccessDeniedException"
        );
    if hopeless {
        Err(error)
    } else {
        Ok(error.message)
    }
}

//! Streams, shards and records. Following a stream as it grows is in `tail`.

mod feed;
mod tail;

use aws_sdk_dynamodbstreams::types::{KeyType, ShardIteratorType, Stream, StreamDescription};

pub use feed::{Feed, ROWS_MAX, Row};
pub use tail::tail;

use super::{Aws, Error};
use crate::mapping::Record;
use crate::mapping::record::SequenceNumber;

/// Where reading begins in a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// The oldest record that is kept.
    TrimHorizon,
    /// Records written from now on.
    #[default]
    Latest,
    After(SequenceNumber),
    At(SequenceNumber),
}

/// Every stream, those that are off but still kept included; of one table or of all.
pub async fn list_streams(aws: Aws, table: Option<String>) -> Result<Vec<Stream>, Error> {
    let mut found = Vec::new();
    let mut start = None;
    loop {
        let answer = aws
            .streams
            .list_streams()
            .set_table_name(table.clone())
            .set_exclusive_start_stream_arn(start)
            .send()
            .await?;
        found.extend(answer.streams.unwrap_or_default());
        start = answer.last_evaluated_stream_arn;
        if start.is_none() {
            return Ok(found);
        }
    }
}

/// A stream with all its shards, oldest first as the service lists them.
pub async fn describe(aws: Aws, arn: String) -> Result<StreamDescription, Error> {
    let mut shards = Vec::new();
    let mut start = None;
    loop {
        let answer = aws
            .streams
            .describe_stream()
            .stream_arn(&arn)
            .set_exclusive_start_shard_id(start)
            .send()
            .await?;
        let mut stream = answer
            .stream_description
            .ok_or_else(|| Error::odd("DescribeStream", "StreamDescription"))?;
        shards.extend(stream.shards.take().unwrap_or_default());
        start = stream.last_evaluated_shard_id.take();
        if start.is_none() {
            stream.shards = Some(shards);
            return Ok(stream);
        }
    }
}

/// Up to `limit` records of one shard, oldest first; fewer at its end or at the tip of the stream.
pub async fn records(
    aws: Aws,
    arn: String,
    shard: String,
    from: From,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    // Away from the tip, AWS answers with empty pages now and then; an engine in process does not.
    let empties_max = if aws.is_local() { 1 } else { 5 };
    let answer = aws.streams.describe_stream().stream_arn(&arn);
    let stream = answer.limit(1).send().await?.stream_description;
    let place = Place {
        keys: stream.as_ref().map(keys_of).unwrap_or_default(),
        arn,
    };
    let mut found = Vec::new();
    let mut empties = 0;
    let mut next = Some(iterator(&aws, &place.arn, &shard, &from).await?);
    while let Some(iterator) = next.take()
        && found.len() < limit
        && empties < empties_max
    {
        let page = page(&aws, &place, iterator, limit - found.len()).await?;
        empties = if page.records.is_empty() {
            empties + 1
        } else {
            0
        };
        found.extend(page.records);
        next = page.next;
    }
    Ok(found)
}

/// What records are read from.
struct Place {
    arn: String,
    /// Names of the key attributes, partition key first.
    keys: Vec<String>,
}

fn keys_of(stream: &StreamDescription) -> Vec<String> {
    let mut keys: Vec<_> = stream.key_schema().iter().collect();
    keys.sort_by_key(|key| key.key_type != KeyType::Hash);
    keys.into_iter()
        .map(|key| key.attribute_name.clone())
        .collect()
}

/// One answer to `GetRecords`.
struct StreamPage {
    records: Vec<Record>,
    /// `None` when the shard is closed and read to its end.
    next: Option<String>,
}

async fn iterator(aws: &Aws, arn: &str, shard: &str, from: &From) -> Result<String, Error> {
    let (kind, number) = match from {
        From::TrimHorizon => (ShardIteratorType::TrimHorizon, None),
        From::Latest => (ShardIteratorType::Latest, None),
        From::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number)),
        From::At(number) => (ShardIteratorType::AtSequenceNumber, Some(number)),
    };
    let answer = aws
        .streams
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard)
        .shard_iterator_type(kind)
        .set_sequence_number(number.map(SequenceNumber::to_string))
        .send()
        .await?;
    answer
        .shard_iterator
        .ok_or_else(|| Error::odd("GetShardIterator", "ShardIterator"))
}

/// Most records `GetRecords` gives.
const PAGE_MAX: usize = 1000;

async fn page(
    aws: &Aws,
    place: &Place,
    iterator: String,
    limit: usize,
) -> Result<StreamPage, Error> {
    let answer = aws
        .streams
        .get_records()
        .shard_iterator(iterator)
        .limit(i32::try_from(limit.min(PAGE_MAX)).unwrap_or(1000))
        .send()
        .await?;
    Ok(StreamPage {
        records: answer
            .records
            .unwrap_or_default()
            .iter()
            .map(|it| Record::from_stream(it, &place.arn, &place.keys))
            .collect(),
        next: answer.next_shard_iterator,
    })
}

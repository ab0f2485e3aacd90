//! Reads one shard: keeps the iterator, and gets a new one when it is lost.

use std::time::Duration;

use aws_sdk_dynamodbstreams::primitives::DateTime;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;

use super::trouble::Trouble;
use super::{Line, Records};
use crate::mapping::consumer::{Page, Position, RETENTION};
use crate::mapping::record::SequenceNumber;
use crate::mapping::words::{RECORDS_GONE, SHARD_GONE};

/// An expired iterator, then a position that was trimmed: a third trouble is told.
const TRIES: usize = 3;
/// How long "from now on" may be asked for as such; later, the moment itself is asked for.
const LATEST_HOLDS: Duration = Duration::from_secs(1);

pub(super) struct Reader {
    line: Line,
    iterator: Option<String>,
    /// The position is gone from the stream: go on at the oldest record there is.
    is_trimmed: bool,
    /// Where the shard begins. Asking for it shows whether that is gone.
    beginning: Option<SequenceNumber>,
}

impl Reader {
    pub(super) fn new(line: Line) -> Self {
        Self {
            beginning: line.beginning.clone(),
            line,
            iterator: None,
            is_trimmed: false,
        }
    }

    /// The next page behind `position`, which is where the last page ended.
    pub(super) async fn read(&mut self, position: &Position) -> Result<Page, Trouble> {
        let mut tries = 0;
        loop {
            tries += 1;
            let trouble = match self.try_to_read(position).await {
                Ok(page) => return Ok(page),
                Err(trouble) => trouble,
            };
            match trouble.code.as_str() {
                "ExpiredIteratorException" if tries < TRIES => self.iterator = None,
                "TrimmedDataAccessException" if tries < TRIES => {
                    self.iterator = None;
                    self.is_trimmed = true;
                }
                // Nor is it sure that a cloud gives an iterator for a number that no record needs to have.
                "ValidationException" if self.iterator.is_none() && self.beginning.is_some() => {
                    self.beginning = None;
                }
                // The stream is there, but this shard has grown too old to be.
                "ResourceNotFoundException" if trouble.message.contains("Shard:") => {
                    return Ok(Page {
                        records: Vec::new(),
                        is_last: true,
                        gap: Some(SHARD_GONE.to_owned()),
                    });
                }
                _ => return Err(trouble),
            }
        }
    }

    async fn try_to_read(&mut self, position: &Position) -> Result<Page, Trouble> {
        let iterator = match self.iterator.clone() {
            Some(iterator) => iterator,
            None => self.iterator(position).await?,
        };
        self.iterator = Some(iterator.clone());
        let Line {
            clients,
            place,
            keys,
            ..
        } = &self.line;
        let Records { records, next } = clients.read(iterator, &place.stream_arn, keys).await?;
        self.iterator = next;
        let gap = std::mem::take(&mut self.is_trimmed).then(|| RECORDS_GONE.to_owned());
        Ok(Page {
            records,
            is_last: self.iterator.is_none(),
            gap,
        })
    }

    async fn iterator(&self, position: &Position) -> Result<String, Trouble> {
        let place = &self.line.place;
        let request = self
            .line
            .clients
            .streams
            .get_shard_iterator()
            .stream_arn(&*place.stream_arn)
            .shard_id(&*place.shard);
        let now = self.line.clock.now();
        let request = match position {
            _ if self.is_trimmed => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Position::TrimHorizon | Position::Finished => match &self.beginning {
                Some(beginning) => request
                    .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                    .sequence_number(beginning.as_str()),
                None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            },
            Position::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(number.as_str()),
            Position::Latest(since) if now < *since + LATEST_HOLDS => {
                request.shard_iterator_type(ShardIteratorType::Latest)
            }
            // Either nothing of the shard is gone, or what is may be younger than that.
            Position::Latest(since) if now >= *since + RETENTION && self.beginning.is_some() => {
                request
                    .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                    .set_sequence_number(self.beginning.as_ref().map(ToString::to_string))
            }
            Position::Latest(since) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from(*since)),
        };
        let reply = request.send().await?;
        Ok(reply.shard_iterator.unwrap_or_default())
    }
}

//! Reading records once more, beside a poller and with its clients.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_dynamodbstreams::types::ShardIteratorType;

use super::Clients;
use super::trouble::Trouble;
use crate::mapping::consumer::{Page, Place};
use crate::mapping::record::{Record, SequenceNumber};

const NOT_THERE: [&str; 2] = ["TrimmedDataAccessException", "ValidationException"];

impl Clients {
    /// The records of a shard with these sequence numbers, in their order. `Err` says which is not there, or what went
    /// wrong.
    pub async fn read_again(
        &self,
        place: &Place,
        keys: &[String],
        mut numbers: Vec<SequenceNumber>,
    ) -> Result<Vec<Record>, String> {
        numbers.sort();
        numbers.dedup();
        let mut missing: VecDeque<SequenceNumber> = numbers.into();
        let mut found = Vec::new();
        while let Some(next) = missing.front() {
            let mut page = match self.page_at(place, keys, next).await {
                Ok(page) => page,
                // A number the shard never gave, or no longer has.
                Err(trouble) if NOT_THERE.contains(&trouble.code.as_str()) => BTreeMap::new(),
                Err(trouble) => return Err(trouble.with_stream(&place.stream_arn)),
            };
            let Some(first) = page.remove(next) else {
                return Err(format!(
                    "record {next} is not in shard {} of the stream, or no longer: records are kept for 24 hours",
                    place.shard
                ));
            };
            found.push(first);
            missing.pop_front();
            while let Some(record) = missing.front().and_then(|next| page.remove(next)) {
                found.push(record);
                missing.pop_front();
            }
        }
        Ok(found)
    }

    /// The page that begins with this record, if that is there.
    async fn page_at(
        &self,
        place: &Place,
        keys: &[String],
        number: &SequenceNumber,
    ) -> Result<BTreeMap<SequenceNumber, Record>, Trouble> {
        let iterator = self
            .streams
            .get_shard_iterator()
            .stream_arn(&*place.stream_arn)
            .shard_id(&*place.shard)
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .sequence_number(number.as_str())
            .send()
            .await?;
        let request = self.streams.get_records().limit(Page::RECORDS_MAX.into());
        let request = request.set_shard_iterator(iterator.shard_iterator);
        let records = request.send().await?.records.unwrap_or_default();
        let read = records
            .iter()
            .map(|record| Record::from_stream(record, &place.stream_arn, keys));
        Ok(read
            .map(|record| (record.sequence_number.clone(), record))
            .collect())
    }
}

//! Shard iterators: opaque to users, a position in a shard and the time it was given to us. Pure.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::call::Fault;

/// How long an iterator can be used.
const LIFETIME: Duration = Duration::from_mins(15);

/// A place in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardIterator {
    pub stream: String,
    pub shard: String,
    /// Number of the first record it reads.
    pub next: u64,
    /// Begin with the oldest record there is when this one is gone (`TRIM_HORIZON`), instead of refusing.
    pub from_oldest: bool,
    pub issued: SystemTime,
    /// Who reads: the same in all iterators that follow from one; 0 where nobody counts readers.
    pub reader: u64,
}

impl ShardIterator {
    /// The stream's ARN, `|1|`, and the rest in base64: so AWS's look.
    pub(super) fn to_text(&self) -> String {
        let rest = format!(
            "{}|{}|{}|{}|{}",
            self.shard,
            self.next,
            u8::from(self.from_oldest),
            epoch_millis(self.issued),
            self.reader
        );
        format!("{}|1|{}", self.stream, STANDARD.encode(rest))
    }

    /// Faults for texts that are no iterators and for those older than 15 minutes.
    pub(super) fn parse(text: &str, now: SystemTime) -> Result<Self, Fault> {
        let iterator =
            Self::read(text).ok_or_else(|| Fault::validation("Invalid ShardIterator"))?;
        if iterator.issued + LIFETIME < now {
            return Err(expired_iterator());
        }
        Ok(iterator)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '|');
        let (stream, version, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let rest = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let mut rest = rest.split('|');
        let iterator = Self {
            stream: stream.to_owned(),
            shard: rest.next()?.to_owned(),
            next: rest.next()?.parse().ok()?,
            from_oldest: rest.next()? == "1",
            issued: from_epoch_millis(rest.next()?.parse().ok()?),
            // Older versions did not say it.
            reader: rest.next().map_or(Some(0), |it| it.parse().ok())?,
        };
        (version == "1").then_some(iterator)
    }
}

/// What who comes with an iterator is told that is older than 15 minutes.
pub(in crate::engine) fn expired_iterator() -> Fault {
    Fault::new(
        400,
        "ExpiredIteratorException",
        "The provided iterator exceeds the maximum age allowed",
    )
}

/// The stream an iterator's text names, whether it is valid or not.
pub(in crate::engine) fn stream_of(text: &str) -> &str {
    text.split('|').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterator() -> ShardIterator {
        ShardIterator {
            stream:
                "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"
                    .to_owned(),
            shard: "shardId-00000001573689847184-864758bb".to_owned(),
            next: 42,
            from_oldest: true,
            issued: from_epoch_millis(1_795_284_314_123),
            reader: 7,
        }
    }

    #[test]
    fn an_iterator_comes_back_as_it_was_until_15_minutes_have_passed() {
        let text = iterator().to_text();
        assert!(text.len() <= 2048);
        let issued = iterator().issued;
        assert_eq!(
            ShardIterator::parse(&text, issued + LIFETIME),
            Ok(iterator())
        );
        assert_eq!(stream_of(&text), iterator().stream);
        let late = issued + LIFETIME + Duration::from_millis(1);
        assert_eq!(
            ShardIterator::parse(&text, late).unwrap_err().code,
            "ExpiredIteratorException"
        );
    }

    #[test]
    fn iterators_of_versions_that_did_not_count_readers_still_hold() {
        let iterator = iterator();
        let millis = epoch_millis(iterator.issued);
        let rest = STANDARD.encode(format!("{}|42|1|{millis}", iterator.shard));
        let text = format!("{}|1|{rest}", iterator.stream);
        let expected = ShardIterator {
            reader: 0,
            ..iterator
        };
        assert_eq!(ShardIterator::parse(&text, expected.issued), Ok(expected));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "a|1|", "a|1|????", "a|2|eA==", "a|1|eHx5fHp8MQ=="] {
            let fault = ShardIterator::parse(text, iterator().issued).unwrap_err();
            assert_eq!(fault.code, "ValidationException", "{text}");
        }
    }
}

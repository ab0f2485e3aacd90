//! What AWS's documents leave open and nobody has recorded: how Waterwheel does it unless told otherwise. No I/O.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Each one of two ways to do something, known by its word.
macro_rules! ways {
    ($($(#[$about:meta])* $name:ident { $(#[$one:meta])* $usual:ident $word:literal, $(#[$two:meta])* $other:ident $others:literal })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$one])*
            #[default]
            $usual,
            $(#[$two])*
            $other,
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::$usual => $word,
                    Self::$other => $others,
                })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $word => Ok(Self::$usual),
                    $others => Ok(Self::$other),
                    _ => Err(format!("\"{word}\" is neither {} nor {}", $word, $others)),
                }
            }
        }
    )*};
}

ways! {
    /// Which half of an odd number of records is the larger when a batch is split.
    LargerHalf { First "first", Second "second" }
    /// What waits while a batch that failed is tried again, of a shard that is read by several batches at once.
    FailureBlocks {
        /// Records of the same lane.
        Lane "lane",
        /// The whole shard.
        Shard "shard"
    }
    /// Where tumbling windows begin.
    WindowsBegin {
        /// At multiples of their length since 1970.
        Epoch "epoch",
        /// With the second of their first record.
        Record "record"
    }
    /// What `payload` is in the object a bucket gets about lost records.
    LetterPayload {
        /// The event as JSON text.
        Text "text",
        /// The event itself.
        Object "object"
    }
    /// What `LastProcessingResult` says after an answer that reports some records as failed.
    ReportedFailures {
        /// `PROBLEM: Function call failed`
        Problem "problem",
        /// `OK`
        Ok "ok"
    }
    /// Which records count until a batch is full.
    BatchSizeCounts {
        /// Those that no filter kept out.
        Kept "kept",
        /// All that were read.
        Read "read"
    }
    /// Which settings `UpdateEventSourceMapping` answers with.
    UpdateAnswers {
        /// As they were.
        Before "before",
        /// As they will be.
        After "after"
    }
    /// When the stream of a table that is deleted is switched off.
    StreamEnds {
        /// With `DeleteTable`.
        Asked "asked",
        /// When the table is gone.
        Gone "gone"
    }
}

/// How what is not known of AWS is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// The wait after the first answer that moved nothing; every further one doubles it. Whole milliseconds.
    pub retry_first: Duration,
    /// The longest of these waits. Whole milliseconds.
    pub retry_max: Duration,
    pub larger_half: LargerHalf,
    pub failure_blocks: FailureBlocks,
    pub windows_begin: WindowsBegin,
    pub letter_payload: LetterPayload,
    pub reported_failures: ReportedFailures,
    pub batch_size_counts: BatchSizeCounts,
    pub update_answers: UpdateAnswers,
    pub stream_ends: StreamEnds,
}

impl Default for Assumed {
    fn default() -> Self {
        Self {
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_mins(1),
            larger_half: LargerHalf::default(),
            failure_blocks: FailureBlocks::default(),
            windows_begin: WindowsBegin::default(),
            letter_payload: LetterPayload::default(),
            reported_failures: ReportedFailures::default(),
            batch_size_counts: BatchSizeCounts::default(),
            update_answers: UpdateAnswers::default(),
            stream_ends: StreamEnds::default(),
        }
    }
}

/// `first` after the first setback, twice as long after every further one.
pub(super) fn doubled(first: Duration, setbacks: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(setbacks.saturating_sub(1)))
}

impl Assumed {
    /// The wait after so many answers in a row that moved nothing.
    pub fn backoff(&self, setbacks: u32) -> Duration {
        doubled(self.retry_first, setbacks).min(self.retry_max)
    }

    /// Records in the first half of this many.
    pub fn first_half(&self, count: usize) -> usize {
        match self.larger_half {
            LargerHalf::First => count.div_ceil(2),
            LargerHalf::Second => count / 2,
        }
    }

    /// Sets what `NAME=VALUE` says: `retry-first` and `retry-max` in milliseconds, the others by a word.
    ///
    /// # Errors
    /// What is wrong with the text, with the names or values there are.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("\"{text}\" is not NAME=VALUE"))?;
        let millis = || {
            let millis = u64::from_str(value).ok().filter(|it| *it > 0);
            millis
                .map(Duration::from_millis)
                .ok_or_else(|| format!("\"{value}\" is no whole number of milliseconds above 0"))
        };
        match name {
            "retry-first" => self.retry_first = millis()?,
            "retry-max" => self.retry_max = millis()?,
            "larger-half" => self.larger_half = value.parse()?,
            "failure-blocks" => self.failure_blocks = value.parse()?,
            "windows-begin" => self.windows_begin = value.parse()?,
            "letter-payload" => self.letter_payload = value.parse()?,
            "reported-failures" => self.reported_failures = value.parse()?,
            "batch-size-counts" => self.batch_size_counts = value.parse()?,
            "update-answers" => self.update_answers = value.parse()?,
            "stream-ends" => self.stream_ends = value.parse()?,
            _ => {
                return Err(format!(
                    "\"{name}\" is none of retry-first, retry-max, larger-half, failure-blocks, windows-begin, \
                     letter-payload, reported-failures, batch-size-counts, update-answers and stream-ends"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_from_half_a_second_to_a_minute() {
        let usual = Assumed::default();
        let waits: Vec<u128> = (1..=9).map(|it| usual.backoff(it).as_millis()).collect();
        assert_eq!(
            waits,
            [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(usual.backoff(u32::MAX), usual.retry_max);
    }

    #[test]
    fn everything_assumed_can_be_set_by_its_name() {
        let mut assumed = Assumed::default();
        for text in [
            "retry-first=100",
            "retry-max=2000",
            "larger-half=second",
            "failure-blocks=shard",
            "windows-begin=record",
            "letter-payload=object",
            "reported-failures=ok",
            "batch-size-counts=read",
            "update-answers=after",
            "stream-ends=gone",
        ] {
            assumed.set(text).unwrap();
        }
        let other = Assumed {
            retry_first: Duration::from_millis(100),
            retry_max: Duration::from_secs(2),
            larger_half: LargerHalf::Second,
            failure_blocks: FailureBlocks::Shard,
            windows_begin: WindowsBegin::Record,
            letter_payload: LetterPayload::Object,
            reported_failures: ReportedFailures::Ok,
            batch_size_counts: BatchSizeCounts::Read,
            update_answers: UpdateAnswers::After,
            stream_ends: StreamEnds::Gone,
        };
        assert_eq!(assumed, other);
        for (text, told) in [
            ("larger-half", "NAME=VALUE"),
            ("larger-half=third", "neither first nor second"),
            ("retry-max=-1", "no whole number"),
            ("retry-first=0", "above 0"),
            ("halves=first", "none of retry-first"),
        ] {
            let wrong = assumed.set(text).unwrap_err();
            assert!(wrong.contains(told), "{text}: {wrong}");
        }
        assert_eq!(assumed, other);
    }
}

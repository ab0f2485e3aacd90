//! Numbers and times in words for people, and what is said in more than one place. Pure; decides nothing.

use std::time::Duration;

pub(super) const RECORDS_GONE: &str =
    "goes on at the oldest record: those before it were older than 24 hours";
/// Whether anything was left in it cannot be told any more.
pub(super) const SHARD_GONE: &str =
    "the shard is gone: what was not read of it was older than 24 hours";
/// Of several in a row only the last has a name.
pub(super) const SHARD_UNSEEN: &str = "the shard came and went unseen: what was in it, or in others before it, was older than 24 hours";

/// `1 record`, `3 records`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `250 ms`, `1.2 s`, `60 s`, `24 h`.
pub(crate) fn span(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..100_000 if !millis.is_multiple_of(1000) => {
            format!("{}.{} s", millis / 1000, millis % 1000 / 100)
        }
        _ if time.as_secs() >= 7200 && time.as_secs().is_multiple_of(3600) => {
            format!("{} h", time.as_secs() / 3600)
        }
        _ => format!("{} s", time.as_secs()),
    }
}

/// `attempt 2 of 4`, or `attempt 2` where there is no limit.
pub(super) fn attempt(number: u32, retries_max: Option<u32>) -> String {
    match retries_max {
        Some(retries) => format!("attempt {number} of {}", retries.saturating_add(1)),
        None => format!("attempt {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_they_can_be() {
        assert_eq!(span(Duration::from_millis(250)), "250 ms");
        assert_eq!(span(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(span(Duration::from_mins(1)), "60 s");
        assert_eq!(span(Duration::from_hours(24)), "24 h");
    }

    #[test]
    fn one_record_is_not_records() {
        assert_eq!(count(1, "record"), "1 record");
        assert_eq!(count(0, "record"), "0 records");
        assert_eq!(attempt(2, Some(3)), "attempt 2 of 4");
        assert_eq!(attempt(2, None), "attempt 2");
    }
}

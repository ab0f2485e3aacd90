//! Entries of a table's items by the time they end, so that what is over is found without a scan. Pure.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html>

use std::ops::Bound;
use std::time::{Duration, SystemTime};

use super::value::{Attribute, Item, Number};
use crate::clock::epoch_millis;
use crate::engine::state::Expiry;
use crate::engine::store::keys::Range;
use crate::engine::store::prefix_end;

/// Items that ended longer ago than this stay: their time was hardly meant.
const PAST_MAX: Duration = Duration::from_hours(5 * 365 * 24);

/// Key of the item's entry; `None` when the item never ends. `item_key` is its key in the table.
pub(super) fn entry(expiry: &Expiry, item_key: &[u8], item: &Item) -> Option<Vec<u8>> {
    let Some(Attribute::N(number)) = item.get(&expiry.attribute) else {
        return None;
    };
    let mut key = place(expiry, whole_secs(*number)?);
    key.extend_from_slice(item_key.get(8..)?);
    Some(key)
}

/// When the item of an entry ends, in seconds since 1970, and the item's key in the table.
pub(super) fn item_of(entry: &[u8], table_store_id: u64) -> Option<(u64, Vec<u8>)> {
    let secs = u64::from_be_bytes(entry.get(8..16)?.try_into().ok()?);
    let mut key = table_store_id.to_be_bytes().to_vec();
    key.extend_from_slice(entry.get(16..)?);
    Some((secs, key))
}

/// Entries that are or will be over, those of the last five years first.
pub(super) fn from(expiry: &Expiry, now: SystemTime) -> Range {
    let first = now.checked_sub(PAST_MAX).unwrap_or(SystemTime::UNIX_EPOCH);
    let end = prefix_end(&expiry.store_id.to_be_bytes());
    (
        Bound::Included(place(expiry, epoch_millis(first).div_ceil(1000))),
        end.map_or(Bound::Unbounded, Bound::Excluded),
    )
}

/// When an item goes, in seconds since 1970: so long after its end, or after it was written with an end that was over.
pub(super) fn goes(ends: u64, written: &[u8], delay: Duration) -> u64 {
    let written = written.try_into().map_or(0, u64::from_be_bytes);
    let from = Duration::from_secs(ends).max(Duration::from_millis(written));
    let goes = from.saturating_add(delay);
    goes.as_secs() + u64::from(goes.subsec_nanos() > 0 && goes.as_secs() < u64::MAX)
}

/// What an entry holds: when it was written.
pub(super) fn written(at: SystemTime) -> Vec<u8> {
    epoch_millis(at).to_be_bytes().to_vec()
}

/// Whether an item of this end would ever go.
pub(super) fn ever_goes(ends: u64, now: SystemTime) -> bool {
    Duration::from_secs(ends).saturating_add(PAST_MAX) >= Duration::from_millis(epoch_millis(now))
}

fn place(expiry: &Expiry, secs: u64) -> Vec<u8> {
    let mut key = expiry.store_id.to_be_bytes().to_vec();
    key.extend_from_slice(&secs.to_be_bytes());
    key
}

/// Parts of a second do not count; `None` before 1970 and beyond 64 bits.
fn whole_secs(number: Number) -> Option<u64> {
    let (negative, coefficient, exponent) = number.parts();
    let power = 10_u128.checked_pow(u32::from(exponent.unsigned_abs()));
    let secs = match (exponent < 0, power) {
        (true, Some(power)) => coefficient / power,
        (true, None) => 0,
        (false, Some(power)) => coefficient.checked_mul(power)?,
        (false, None) => return number.is_zero().then_some(0),
    };
    if negative && !number.is_zero() {
        return None;
    }
    u64::try_from(secs).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::keys::contains;

    fn expiry() -> Expiry {
        Expiry {
            attribute: "ttl".to_owned(),
            store_id: 9,
            status: "ENABLED".to_owned(),
            since: SystemTime::UNIX_EPOCH,
        }
    }

    fn of(value: Attribute) -> Option<u64> {
        let item = Item::from([("ttl".to_owned(), value)]);
        let entry = entry(&expiry(), b"\0\0\0\0\0\0\0\x01key", &item)?;
        let (secs, key) = item_of(&entry, 1).unwrap();
        assert_eq!(key, b"\0\0\0\0\0\0\0\x01key");
        Some(secs)
    }

    #[test]
    fn only_numbers_of_seconds_end_an_item() {
        let number = |text: &str| of(Attribute::N(Number::parse(text).unwrap()));
        assert_eq!(number("1767225600"), Some(1_767_225_600));
        assert_eq!(number("1.7672256E9"), Some(1_767_225_600));
        assert_eq!(number("1767225600.9"), Some(1_767_225_600));
        assert_eq!(number("1E-130"), Some(0));
        assert_eq!(number("-1"), None);
        assert_eq!(number("1E+125"), None);
        assert_eq!(of(Attribute::S("1767225600".to_owned())), None);
    }

    #[test]
    fn an_item_goes_a_while_after_its_end_and_after_it_was_written() {
        let delay = Duration::from_secs(10);
        let at = |millis: u64| millis.to_be_bytes();
        assert_eq!(goes(100, &at(50_000), delay), 110);
        assert_eq!(goes(100, &at(200_001), delay), 211);
        assert_eq!(goes(u64::MAX, &at(0), delay), u64::MAX);
    }

    #[test]
    fn what_ended_more_than_five_years_ago_stays() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_123);
        let range = from(&expiry(), now);
        let has = |secs| contains(&range, &place(&expiry(), secs));
        assert!(has(1_767_225_600) && has(1_700_000_000) && has(u64::MAX));
        assert!(!has(1_600_000_000) && !has(0));
    }
}

//! Order-preserving key bytes: byte order in the store is DynamoDB's order of keys.
//!
//! Pure; reads and writes nothing. Every key begins with the `store_id` of its table, index or shard. An item's key
//! goes on with the hash of its partition key, so that a scan, cut into segments of the hash, sees every partition
//! once, and a query reads one partition in the order of its sort keys.

use std::ops::Bound;

use super::prefix_end;
use crate::engine::dynamodb::value::{Attribute, Item, Number};
use crate::engine::state::KeySchema;

/// A range of keys as [`super::Store::scan`] takes it.
pub type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Which sort keys of a partition are wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Sorted<'a> {
    All,
    Equal(&'a Attribute),
    Below(&'a Attribute),
    UpTo(&'a Attribute),
    Above(&'a Attribute),
    From(&'a Attribute),
    /// Both ends are wanted.
    Between(&'a Attribute, &'a Attribute),
    BeginsWith(&'a Attribute),
}

/// Digits before the end of a number's coefficient in key bytes.
const DIGITS: u32 = 38;
/// Added to a number's magnitude, which is at least -130.
const MAGNITUDE_OFFSET: i16 = 1000;

/// Key of an item in its table; `None` when it lacks a key attribute.
pub fn item_key(store_id: u64, keys: &KeySchema, item: &Item) -> Option<Vec<u8>> {
    let mut key = if keys.more.partition.is_empty() {
        partition(store_id, item.get(&keys.partition.name)?)
    } else {
        let more = keys.more.partition.iter().map(|it| item.get(&it.name));
        let more = more.collect::<Option<Vec<_>>>()?;
        partition_of(store_id, item.get(&keys.partition.name)?, &more)
    };
    for sort in keys.sort.iter().chain(&keys.more.sort) {
        push(&mut key, item.get(&sort.name)?);
    }
    Some(key)
}

/// Key of an item's entry in an index. The table's key follows the index's, so that entries with equal index keys
/// live side by side. `None` when the item lacks a key attribute.
pub fn index_key(
    store_id: u64,
    index: &KeySchema,
    table: &KeySchema,
    item: &Item,
) -> Option<Vec<u8>> {
    let mut key = item_key(store_id, index, item)?;
    push(&mut key, item.get(&table.partition.name)?);
    if let Some(sort) = &table.sort {
        push(&mut key, item.get(&sort.name)?);
    }
    Some(key)
}

/// Beginning of every key with this partition key.
pub fn partition(store_id: u64, value: &Attribute) -> Vec<u8> {
    partition_of(store_id, value, &[])
}

/// The same for a partition key of several attributes.
pub fn partition_of(store_id: u64, value: &Attribute, more: &[&Attribute]) -> Vec<u8> {
    const HASH_AT: usize = 8;
    const VALUE_AT: usize = 16;
    let mut key = Vec::with_capacity(96);
    key.extend_from_slice(&store_id.to_be_bytes());
    key.extend_from_slice(&[0; VALUE_AT - HASH_AT]);
    push(&mut key, value);
    for value in more {
        push(&mut key, value);
    }
    let hash = hash(&key[VALUE_AT..]);
    key[HASH_AT..VALUE_AT].copy_from_slice(&hash.to_be_bytes());
    key
}

/// Hash of the partition key in the key of an item: the place of its partition in a scan, and what chooses its shard.
pub fn hash_in(key: &[u8]) -> Option<u64> {
    second_word(key)
}

/// The part of a partition whose sort keys begin with these attributes.
pub fn within(mut partition: Vec<u8>, leading: &[Attribute]) -> Vec<u8> {
    for value in leading {
        push(&mut partition, value);
    }
    partition
}

/// The part of a partition (see [`partition`] and [`within`]) whose sort keys, or next attributes of them, are wanted.
pub fn sorted(partition: &[u8], wanted: &Sorted<'_>) -> Range {
    let at = |value: &Attribute| {
        let mut key = partition.to_vec();
        push(&mut key, value);
        key
    };
    let first = || Bound::Included(partition.to_vec());
    let last = || before_end(partition);
    match wanted {
        Sorted::All => (first(), last()),
        Sorted::Equal(value) => (Bound::Included(at(value)), before_end(&at(value))),
        Sorted::Below(value) => (first(), Bound::Excluded(at(value))),
        Sorted::UpTo(value) => (first(), before_end(&at(value))),
        Sorted::Above(value) => (from_end(&at(value)), last()),
        Sorted::From(value) => (Bound::Included(at(value)), last()),
        Sorted::Between(low, high) => (Bound::Included(at(low)), before_end(&at(high))),
        Sorted::BeginsWith(value) => {
            let mut key = partition.to_vec();
            push_open(&mut key, bytes_of(value));
            let end = before_end(&key);
            (Bound::Included(key), end)
        }
    }
}

/// Part `segment` (from 0) of `total` equal parts of a table or index, by hash.
pub fn segment(store_id: u64, segment: u32, total: u32) -> Range {
    let total = u128::from(total.max(1));
    let edge = |number: u32| {
        let hash = (u128::from(number) << 64) / total;
        let mut key = store_id.to_be_bytes().to_vec();
        u64::try_from(hash).ok().map(|hash| {
            key.extend_from_slice(&hash.to_be_bytes());
            key
        })
    };
    let end =
        edge(segment + 1).map_or_else(|| before_end(&store_id.to_be_bytes()), Bound::Excluded);
    (edge(segment).map_or(Bound::Unbounded, Bound::Included), end)
}

/// Key of a stream record.
pub fn record(shard: u64, number: u64) -> [u8; 16] {
    (u128::from(shard) << 64 | u128::from(number)).to_be_bytes()
}

/// The number in a stream record's key.
pub fn record_number(key: &[u8]) -> Option<u64> {
    second_word(key)
}

/// Whether a key lies in a range.
pub fn contains(range: &Range, key: &[u8]) -> bool {
    let after = match &range.0 {
        Bound::Included(from) => from.as_slice() <= key,
        Bound::Excluded(from) => from.as_slice() < key,
        Bound::Unbounded => true,
    };
    after
        && match &range.1 {
            Bound::Included(to) => key <= to.as_slice(),
            Bound::Excluded(to) => key < to.as_slice(),
            Bound::Unbounded => true,
        }
}

fn second_word(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(8..16)?.try_into().ok()?))
}

fn before_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded)
}

/// Everything after the keys that begin with `prefix`.
fn from_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    // Only a prefix of bytes 255 has no end, and a store_id is never that large.
    prefix_end(prefix).map_or(Bound::Unbounded, Bound::Included)
}

/// Appends a key attribute in a form that orders as DynamoDB orders and is never the beginning of another's.
fn push(key: &mut Vec<u8>, value: &Attribute) {
    match value {
        Attribute::N(number) => push_number(key, *number),
        other => {
            push_open(key, bytes_of(other));
            key.extend_from_slice(&[0, 1]);
        }
    }
}

/// Bytes without their end: 0 becomes 0 255, so that the end (0 1) sorts before every continuation.
fn push_open(key: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        key.push(*byte);
        if *byte == 0 {
            key.push(255);
        }
    }
}

/// Sign, magnitude, digits aligned to 38; those of negative numbers complemented.
fn push_number(key: &mut Vec<u8>, number: Number) {
    if number.is_zero() {
        key.push(1);
        return;
    }
    let (negative, coefficient, _) = number.parts();
    let digits = coefficient * 10_u128.pow(DIGITS - number.digits());
    let magnitude = (number.magnitude() + MAGNITUDE_OFFSET).unsigned_abs();
    if negative {
        key.push(0);
        key.extend_from_slice(&(!magnitude).to_be_bytes());
        key.extend_from_slice(&(!digits).to_be_bytes());
    } else {
        key.push(2);
        key.extend_from_slice(&magnitude.to_be_bytes());
        key.extend_from_slice(&digits.to_be_bytes());
    }
}

/// Text and binary as they are; other types are never keys.
fn bytes_of(value: &Attribute) -> &[u8] {
    match value {
        Attribute::S(text) => text.as_bytes(),
        Attribute::B(bytes) => bytes,
        _ => &[],
    }
}

/// FNV-1a with a finish that spreads short keys over the whole range. Stored: it may never change.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::state::{KeyAttribute, KeyType, MoreKeys};

    fn s(text: &str) -> Attribute {
        Attribute::S(text.to_owned())
    }

    fn n(text: &str) -> Attribute {
        Attribute::N(Number::parse(text).unwrap())
    }

    fn bytes(value: &Attribute) -> Vec<u8> {
        let mut key = Vec::new();
        push(&mut key, value);
        key
    }

    #[test]
    fn numbers_order_by_value() {
        let ordered = [
            "-9.9999999999999999999999999999999999999E+125",
            "-1000",
            "-100.5",
            "-100",
            "-99",
            "-1",
            "-0.5",
            "-1E-130",
            "0",
            "1E-130",
            "0.05",
            "0.5",
            "0.51",
            "1",
            "2",
            "9.99",
            "10",
            "11",
            "100",
            "1E+125",
            "9.9999999999999999999999999999999999999E+125",
        ];
        let keys: Vec<_> = ordered.iter().map(|it| bytes(&n(it))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(bytes(&n("1.50")), bytes(&n("1.5")));
    }

    #[test]
    fn texts_order_by_their_bytes_even_with_zeros_inside() {
        let ordered = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "aa", "b", "é"];
        let keys: Vec<_> = ordered.iter().map(|it| bytes(&s(it))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        let binaries = [
            vec![],
            vec![0],
            vec![0, 255],
            vec![1],
            vec![255],
            vec![255, 0],
        ];
        let keys: Vec<_> = binaries
            .iter()
            .map(|it| bytes(&Attribute::B(it.clone())))
            .collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn no_key_is_the_beginning_of_another() {
        let values = [
            s(""),
            s("a"),
            s("a\0"),
            s("ab"),
            n("0"),
            n("1"),
            n("-1"),
            n("12"),
        ];
        for (at, one) in values.iter().enumerate() {
            for (other_at, other) in values.iter().enumerate() {
                let same_type = one.type_name() == other.type_name();
                assert!(at == other_at || !same_type || !bytes(other).starts_with(&bytes(one)));
            }
        }
    }

    #[test]
    fn a_sort_condition_takes_exactly_the_keys_it_names() {
        let home = partition(7, &s("p"));
        let check = |wanted: &Sorted<'_>, expected: &[&str]| {
            let range = sorted(&home, wanted);
            let found: Vec<&str> = ["a", "ab", "abc", "ac", "b"]
                .into_iter()
                .filter(|it| {
                    let mut key = home.clone();
                    push(&mut key, &s(it));
                    contains(&range, &key)
                })
                .collect();
            assert_eq!(found, expected, "{wanted:?}");
        };
        check(&Sorted::All, &["a", "ab", "abc", "ac", "b"]);
        check(&Sorted::Equal(&s("ab")), &["ab"]);
        check(&Sorted::Below(&s("ab")), &["a"]);
        check(&Sorted::UpTo(&s("ab")), &["a", "ab"]);
        check(&Sorted::Above(&s("ab")), &["abc", "ac", "b"]);
        check(&Sorted::From(&s("ab")), &["ab", "abc", "ac", "b"]);
        check(&Sorted::Between(&s("ab"), &s("ac")), &["ab", "abc", "ac"]);
        check(&Sorted::BeginsWith(&s("ab")), &["ab", "abc"]);
    }

    #[test]
    fn segments_share_out_every_partition_once() {
        let whole = segment(7, 0, 1);
        for number in 0..200 {
            let key = partition(7, &s(&number.to_string()));
            assert!(contains(&whole, &key));
            let hits = (0..7).filter(|it| contains(&segment(7, *it, 7), &key));
            assert_eq!(hits.count(), 1);
        }
        assert!(!contains(&whole, &partition(8, &s("0"))));
    }

    #[test]
    fn an_item_without_an_index_key_has_no_entry() {
        let attribute = |name: &str, kind| KeyAttribute {
            name: name.to_owned(),
            kind,
        };
        let table = KeySchema {
            partition: attribute("id", KeyType::S),
            sort: None,
            more: MoreKeys::default(),
        };
        let index = KeySchema {
            partition: attribute("kind", KeyType::S),
            sort: Some(attribute("at", KeyType::N)),
            more: MoreKeys::default(),
        };
        let mut item = Item::from([("id".to_owned(), s("a")), ("kind".to_owned(), s("k"))]);
        assert_eq!(index_key(1, &index, &table, &item), None);
        item.insert("at".to_owned(), n("1"));
        let entry = index_key(1, &index, &table, &item).unwrap();
        assert!(entry.starts_with(&partition(1, &s("k"))));
        assert!(
            item_key(2, &table, &item)
                .unwrap()
                .ends_with(&bytes(&s("a")))
        );
    }

    #[test]
    fn a_record_key_gives_its_number_back() {
        assert_eq!(record_number(&record(3, 99)), Some(99));
        assert!(record(3, 9) < record(3, 10));
    }
}

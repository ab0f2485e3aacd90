//! Bytes of the store: items come back as they were, and damaged bytes are refused.

use proptest::prelude::*;
use waterwheel::engine::dynamodb::value::{item_from_json, item_size, item_to_json};
use waterwheel::engine::store::codec::{decode_item, encode_item, size_of};
use waterwheel::engine::streams::records::Stored;

use super::check;
use super::shapes::item;

/// Everything that reads stored bytes.
fn read_all(bytes: &[u8]) {
    drop(decode_item(bytes));
    assert!(size_of(bytes).is_err() || !bytes.is_empty());
    if let Ok(record) = Stored::decode(bytes) {
        record.created();
        assert!(record.size_bytes().is_err() || !bytes.is_empty());
    }
}

#[test]
fn items_come_back_as_they_were() {
    check(300, &item(), |item| {
        let bytes = encode_item(&item);
        assert_eq!(decode_item(&bytes).as_ref(), Ok(&item));
        assert_eq!(size_of(&bytes), Ok(item_size(&item)));
        if !item.contains_key("") {
            assert_eq!(item_from_json(&item_to_json(&item)), Ok(item));
        }
        Ok(())
    });
}

#[test]
fn damaged_bytes_are_refused_or_read_but_never_panic() {
    let damage = prop::collection::vec((any::<u16>(), any::<u8>(), 0..4_u8), 1..5);
    let any_bytes = prop::collection::vec(any::<u8>(), 0..60);
    check(300, &(item(), damage, any_bytes), |(item, damage, any)| {
        let mut bytes = encode_item(&item);
        for (place, byte, kind) in damage {
            let at = usize::from(place) % (bytes.len() + 1);
            match kind {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => (),
            }
            read_all(&bytes);
        }
        read_all(&any);
        Ok(())
    });
}

#[test]
fn bytes_that_nest_without_end_are_refused() {
    // One attribute with an empty name: lists of one list, maps of one map.
    for level in [&[8_u8, 1][..], &[7, 1, 0]] {
        let mut bytes = vec![1, 1, 0];
        bytes.extend(level.repeat(100_000));
        assert!(decode_item(&bytes).is_err());
    }
}

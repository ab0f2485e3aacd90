//! Key bytes: their order is the order of the values, for every pair.

use std::cmp::Ordering;

use proptest::prelude::*;
use waterwheel::engine::dynamodb::value::{Attribute, Item};
use waterwheel::engine::state::{KeyAttribute, KeySchema, KeyType, MoreKeys};
use waterwheel::engine::store::keys::{self, Sorted};

use super::check;
use super::shapes::{bytes, number, text};

fn schema(kind: KeyType) -> KeySchema {
    let key = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    KeySchema {
        partition: key("pk", KeyType::S),
        sort: Some(key("sk", kind)),
        more: MoreKeys::default(),
    }
}

/// The key of an item in the partition of this text.
fn key(keys: &KeySchema, pk: &str, sk: &Attribute) -> Vec<u8> {
    let item = Item::from([
        ("pk".to_owned(), Attribute::S(pk.to_owned())),
        ("sk".to_owned(), sk.clone()),
    ]);
    keys::item_key(7, keys, &item).unwrap()
}

type Order = fn(&Attribute, &Attribute) -> Ordering;

/// Three values of one type, by DynamoDB's order of that type.
fn values() -> impl Strategy<Value = (KeyType, [Attribute; 3], Order)> {
    let of = |kind, order: Order| {
        move |(one, two, three): (Attribute, Attribute, Attribute)| (kind, [one, two, three], order)
    };
    let texts = text().prop_map(Attribute::S).boxed();
    let numbers = number().prop_map(Attribute::N).boxed();
    let binaries = bytes().prop_map(Attribute::B).boxed();
    let three = |it: BoxedStrategy<Attribute>| (it.clone(), it.clone(), it);
    prop_oneof![
        three(texts).prop_map(of(KeyType::S, by_text)),
        three(numbers).prop_map(of(KeyType::N, by_number)),
        three(binaries).prop_map(of(KeyType::B, by_bytes)),
    ]
}

fn by_text(one: &Attribute, two: &Attribute) -> Ordering {
    let (Attribute::S(one), Attribute::S(two)) = (one, two) else {
        panic!("no texts");
    };
    one.as_bytes().cmp(two.as_bytes())
}

fn by_number(one: &Attribute, two: &Attribute) -> Ordering {
    let (Attribute::N(one), Attribute::N(two)) = (one, two) else {
        panic!("no numbers");
    };
    one.cmp(two)
}

fn by_bytes(one: &Attribute, two: &Attribute) -> Ordering {
    let (Attribute::B(one), Attribute::B(two)) = (one, two) else {
        panic!("no binaries");
    };
    one.cmp(two)
}

#[test]
fn keys_order_as_their_values_do() {
    check(1000, &values(), |(kind, [one, two, _], order)| {
        let schema = schema(kind);
        let (left, right) = (key(&schema, "p", &one), key(&schema, "p", &two));
        assert_eq!(left.cmp(&right), order(&one, &two), "{one:?} {two:?}");
        let is_beginning = left.len() < right.len() && right.starts_with(&left);
        assert!(!is_beginning, "{one:?} {two:?}");
        Ok(())
    });
}

#[test]
fn a_sort_condition_takes_the_keys_that_fulfil_it_and_no_others() {
    let all = (values(), text(), text());
    check(600, &all, |((kind, [at, low, high], order), pk, other)| {
        let schema = schema(kind);
        let home = keys::partition(7, &Attribute::S(pk.clone()));
        let place = key(&schema, &pk, &at);
        let to_low = order(&at, &low);
        let mut wanted = vec![
            (Sorted::All, true),
            (Sorted::Equal(&low), to_low.is_eq()),
            (Sorted::Below(&low), to_low.is_lt()),
            (Sorted::UpTo(&low), to_low.is_le()),
            (Sorted::Above(&low), to_low.is_gt()),
            (Sorted::From(&low), to_low.is_ge()),
        ];
        if order(&low, &high).is_le() {
            let is_between = to_low.is_ge() && order(&at, &high).is_le();
            wanted.push((Sorted::Between(&low, &high), is_between));
        }
        match (&at, &low) {
            (Attribute::S(at), Attribute::S(start)) => {
                wanted.push((Sorted::BeginsWith(&low), at.starts_with(start.as_str())));
            }
            (Attribute::B(at), Attribute::B(start)) => {
                wanted.push((Sorted::BeginsWith(&low), at.starts_with(start)));
            }
            _ => (),
        }
        for (wanted, expected) in wanted {
            let range = keys::sorted(&home, &wanted);
            assert_eq!(
                keys::contains(&range, &place),
                expected,
                "{at:?} {wanted:?}"
            );
            let elsewhere = key(&schema, &other, &at);
            assert!(
                pk == other || !keys::contains(&range, &elsewhere),
                "{wanted:?}"
            );
        }
        Ok(())
    });
}

#[test]
fn every_key_lies_in_one_segment() {
    check(200, &(text(), 1..40_u32), |(pk, total)| {
        let key = keys::partition(7, &Attribute::S(pk));
        let hits = (0..total).filter(|it| keys::contains(&keys::segment(7, *it, total), &key));
        assert_eq!(hits.count(), 1);
        Ok(())
    });
}

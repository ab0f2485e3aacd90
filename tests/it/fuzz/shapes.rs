//! Random attribute values, as Rust values.

use proptest::prelude::*;
use waterwheel::engine::dynamodb::value::{Attribute, Item, Number};

/// Text with zeros and common beginnings.
pub(super) fn text() -> impl Strategy<Value = String> {
    let letters = prop_oneof![
        6 => prop::sample::select(vec!['a', 'b', '\0', '\u{1}', 'é', '\u{7f}', '\u{10ffff}']),
        1 => any::<char>(),
    ];
    prop::collection::vec(letters, 0..6).prop_map(|it| it.into_iter().collect())
}

pub(super) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(vec![0_u8, 1, 2, 254, 255]),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..6)
}

/// Every number there is, in its parts.
pub(super) fn number() -> impl Strategy<Value = Number> {
    let coefficient = prop_oneof![
        3 => (0..1000_u32).prop_map(u128::from),
        1 => any::<u64>().prop_map(u128::from),
        1 => 10_u128.pow(37)..10_u128.pow(38),
    ];
    let exponent = prop_oneof![3 => -4..5_i16, 1 => -170..126_i16];
    (any::<bool>(), coefficient, exponent)
        .prop_filter_map("out of range", |(sign, digits, power)| {
            Number::from_parts(sign, digits, power)
        })
}

pub(super) fn attribute() -> impl Strategy<Value = Attribute> {
    let leaf = prop_oneof![
        text().prop_map(Attribute::S),
        number().prop_map(Attribute::N),
        bytes().prop_map(Attribute::B),
        any::<bool>().prop_map(Attribute::Bool),
        Just(Attribute::Null),
        prop::collection::btree_set(text(), 1..4).prop_map(Attribute::Ss),
        prop::collection::vec(number(), 1..4)
            .prop_map(|it| Attribute::Ns(it.into_iter().collect())),
        prop::collection::btree_set(bytes(), 1..4).prop_map(Attribute::Bs),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Attribute::L),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(Attribute::M),
        ]
    })
}

pub(super) fn item() -> impl Strategy<Value = Item> {
    prop::collection::btree_map(text(), attribute(), 0..5)
}

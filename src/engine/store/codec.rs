//! Items and stream records to bytes and back. Pure; knows no tables and no keys.
//!
//! Equal items have equal bytes: names and sets are in order, numbers in normal form.

use super::super::dynamodb::value::{Attribute, Item, Number, item_size};

/// Bytes that are not what this program wrote: the data folder is damaged or newer than the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data folder holds bytes this version cannot read")]
pub struct Unreadable;

impl From<Unreadable> for crate::engine::call::Fault {
    fn from(error: Unreadable) -> Self {
        Self::internal(error.to_string())
    }
}

/// Deeper than any item that was accepted: bytes that say so are damaged, and reading on would exhaust the stack.
pub(super) const DEPTH_MAX: usize = 64;

pub(super) const S: u8 = 1;
pub(super) const N: u8 = 2;
pub(super) const B: u8 = 3;
pub(super) const FALSE: u8 = 4;
pub(super) const TRUE: u8 = 5;
pub(super) const NULL: u8 = 6;
pub(super) const M: u8 = 7;
pub(super) const L: u8 = 8;
pub(super) const SS: u8 = 9;
pub(super) const NS: u8 = 10;
pub(super) const BS: u8 = 11;
/// Set on [`N`] when the number is below zero.
pub(super) const NEGATIVE: u8 = 0x80;

/// An item with its size in front, so that the size can be told without reading the item.
pub fn encode_item(item: &Item) -> Vec<u8> {
    let size = item_size(item);
    let mut out = Vec::with_capacity(size + size / 4 + 16);
    push_count(&mut out, size);
    push_map(&mut out, item);
    out
}

/// The attributes of these names that an item has, as [`encode_item`] writes an item of nothing else.
pub fn encode_some<'a>(item: &Item, names: impl Iterator<Item = &'a String>) -> Vec<u8> {
    let mut some: Vec<_> = names.filter_map(|it| item.get_key_value(it)).collect();
    some.sort_unstable_by_key(|(name, _)| *name);
    let size = some.iter().map(|(name, it)| name.len() + it.size()).sum();
    let mut out = Vec::with_capacity(size + size / 4 + 16);
    push_count(&mut out, size);
    push_pairs(&mut out, some.into_iter());
    out
}

pub fn decode_item(bytes: &[u8]) -> Result<Item, Unreadable> {
    let mut from = Reader(bytes);
    from.count()?;
    from.map(DEPTH_MAX)
}

/// DynamoDB's size of an encoded item, in bytes.
pub fn size_of(bytes: &[u8]) -> Result<usize, Unreadable> {
    Reader(bytes).count()
}

/// Appends a length that [`Reader::count`] reads back.
pub fn push_count(out: &mut Vec<u8>, count: usize) {
    push_varint(out, count as u128);
}

/// Appends bytes that [`Reader::bytes`] reads back.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Takes values off the front of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    pub fn count(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(self.varint()?).map_err(|_too_large| Unreadable)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.count()?;
        self.take(length)
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn number(&mut self) -> Result<u64, Unreadable> {
        let bytes = self.take(8)?.try_into().map_err(|_length| Unreadable)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn varint(&mut self) -> Result<u128, Unreadable> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u128::from(first));
        }
        let mut value = u128::from(first & 0x7f);
        for shift in (7..128).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Unreadable)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.bytes()?).map_err(|_utf8| Unreadable)
    }

    fn map(&mut self, depth: usize) -> Result<Item, Unreadable> {
        let count = self.count()?;
        (0..count)
            .map(|_| Ok((self.text()?.to_owned(), self.attribute(depth)?)))
            .collect()
    }

    /// `depth` is how many levels of maps and lists may follow.
    fn attribute(&mut self, depth: usize) -> Result<Attribute, Unreadable> {
        let below = depth.checked_sub(1).ok_or(Unreadable);
        let tag = self.byte()?;
        Ok(match tag {
            S => Attribute::S(self.text()?.to_owned()),
            B => Attribute::B(self.bytes()?.to_vec()),
            FALSE => Attribute::Bool(false),
            TRUE => Attribute::Bool(true),
            NULL => Attribute::Null,
            M => Attribute::M(self.map(below?)?),
            L => {
                let below = below?;
                Attribute::L(self.many(|from| from.attribute(below))?)
            }
            SS => Attribute::Ss(self.many(|from| from.text().map(str::to_owned))?),
            NS => Attribute::Ns(self.many(|from| {
                let tag = from.byte()?;
                from.decimal(tag)
            })?),
            BS => Attribute::Bs(self.many(|from| from.bytes().map(<[u8]>::to_vec))?),
            _ if tag & !NEGATIVE == N => Attribute::N(self.decimal(tag)?),
            _ => return Err(Unreadable),
        })
    }

    pub(super) fn decimal(&mut self, tag: u8) -> Result<Number, Unreadable> {
        let exponent = self.take(2)?.try_into().map_err(|_length| Unreadable)?;
        let coefficient = self.varint()?;
        Number::from_parts(
            tag & NEGATIVE != 0,
            coefficient,
            i16::from_be_bytes(exponent),
        )
        .ok_or(Unreadable)
    }

    fn many<T, C: FromIterator<T>>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<C, Unreadable> {
        let count = self.count()?;
        (0..count).map(|_| one(self)).collect()
    }
}

fn push_varint(out: &mut Vec<u8>, mut value: u128) {
    loop {
        // Only the low seven bits are kept.
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn push_map(out: &mut Vec<u8>, map: &Item) {
    push_pairs(out, map.iter());
}

fn push_pairs<'a>(
    out: &mut Vec<u8>,
    pairs: impl ExactSizeIterator<Item = (&'a String, &'a Attribute)>,
) {
    push_count(out, pairs.len());
    for (name, value) in pairs {
        push_bytes(out, name.as_bytes());
        push_attribute(out, value);
    }
}

fn push_attribute(out: &mut Vec<u8>, value: &Attribute) {
    match value {
        Attribute::S(text) => {
            out.push(S);
            push_bytes(out, text.as_bytes());
        }
        Attribute::N(number) => push_number(out, *number),
        Attribute::B(bytes) => {
            out.push(B);
            push_bytes(out, bytes);
        }
        Attribute::Bool(it) => out.push(if *it { TRUE } else { FALSE }),
        Attribute::Null => out.push(NULL),
        Attribute::M(map) => {
            out.push(M);
            push_map(out, map);
        }
        Attribute::L(list) => {
            push_many(out, L, list.len());
            for it in list {
                push_attribute(out, it);
            }
        }
        Attribute::Ss(set) => {
            push_many(out, SS, set.len());
            for it in set {
                push_bytes(out, it.as_bytes());
            }
        }
        Attribute::Ns(set) => {
            push_many(out, NS, set.len());
            for it in set {
                push_number(out, *it);
            }
        }
        Attribute::Bs(set) => {
            push_many(out, BS, set.len());
            for it in set {
                push_bytes(out, it);
            }
        }
    }
}

fn push_many(out: &mut Vec<u8>, tag: u8, count: usize) {
    out.push(tag);
    push_count(out, count);
}

fn push_number(out: &mut Vec<u8>, number: Number) {
    let (negative, coefficient, exponent) = number.parts();
    out.push(if negative { N | NEGATIVE } else { N });
    out.extend_from_slice(&exponent.to_be_bytes());
    push_varint(out, coefficient);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::dynamodb::value::item_from_json;

    fn sample() -> Item {
        item_from_json(&json!({
            "s": {"S": "héllo"}, "empty": {"S": ""}, "b": {"B": "AAEC"}, "yes": {"BOOL": true}, "no": {"BOOL": false},
            "null": {"NULL": true}, "zero": {"N": "0"}, "small": {"N": "-1.5E-100"},
            "large": {"N": "99999999999999999999999999999999999999"},
            "m": {"M": {"a": {"L": [{"N": "1"}, {"M": {}}, {"L": []}]}}},
            "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["3", "-2"]}, "bs": {"BS": ["AQ==", "AA=="]}
        }))
        .unwrap()
    }

    #[test]
    fn an_item_of_every_type_comes_back_as_it_was() {
        let item = sample();
        let bytes = encode_item(&item);
        assert_eq!(decode_item(&bytes).unwrap(), item);
        assert_eq!(size_of(&bytes).unwrap(), item_size(&item));
    }

    #[test]
    fn equal_items_have_equal_bytes() {
        let one = item_from_json(&json!({"a": {"N": "1.0"}, "b": {"SS": ["x", "y"]}})).unwrap();
        let other = item_from_json(&json!({"b": {"SS": ["y", "x"]}, "a": {"N": "1"}})).unwrap();
        assert_eq!(encode_item(&one), encode_item(&other));
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_crash() {
        let bytes = encode_item(&sample());
        for length in 0..bytes.len() {
            assert!(decode_item(&bytes[..length]).is_err());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            // It may decode to something else, but it returns.
            drop(decode_item(&damaged));
        }
    }
}

//! Identifiers: the only source of randomness, seeded so that a run can be repeated.

use std::sync::Arc;

use parking_lot::Mutex;

/// Makes identifiers in AWS's forms. Clones share one sequence.
#[derive(Clone, Debug)]
pub struct Ids(Arc<Mutex<fastrand::Rng>>);

/// Dice that know no order: always the same for a seed and a place, whoever throws at other places.
pub fn thrown(seed: u64, place: &[u64]) -> u64 {
    place.iter().fold(seed, |state, part| {
        // The golden ratio keeps neighbours apart.
        let next = state ^ part.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        fastrand::Rng::with_seed(next).u64(..)
    })
}

impl Ids {
    /// The same seed gives the same identifiers in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// From the machine's entropy.
    pub fn random() -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::new())))
    }

    pub fn number(&self) -> u64 {
        self.0.lock().u64(..)
    }

    pub fn long_number(&self) -> u128 {
        let mut rng = self.0.lock();
        u128::from(rng.u64(..)) << 64 | u128::from(rng.u64(..))
    }

    /// `digits` lower-case hexadecimal digits.
    pub fn hex(&self, digits: usize) -> String {
        let mut rng = self.0.lock();
        let mut text = String::with_capacity(digits.next_multiple_of(16));
        for _ in 0..digits.div_ceil(16) {
            let number = rng.u64(..);
            text.extend((0..16).rev().map(|at| digit(number >> (4 * at))));
        }
        text.truncate(digits);
        text
    }

    /// A version-4 UUID in its 36-character form: request ids, mapping ids, revision ids.
    pub fn uuid(&self) -> String {
        let hex = self.hex(32);
        let mut uuid = String::with_capacity(36);
        for part in [
            &hex[..8],
            "-",
            &hex[8..12],
            "-4",
            &hex[13..16],
            "-a",
            &hex[17..20],
            "-",
            &hex[20..32],
        ] {
            uuid.push_str(part);
        }
        uuid
    }

    /// `prefix` followed by `length` upper-case letters and digits, as in `AROA…` and `AKIA…`.
    pub fn key(&self, prefix: &str, length: usize) -> String {
        self.key_between(prefix, length, "")
    }

    /// The same with something behind it.
    pub fn key_between(&self, prefix: &str, length: usize, suffix: &str) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut rng = self.0.lock();
        let mut key = String::with_capacity(prefix.len() + length + suffix.len());
        key.push_str(prefix);
        let mut left = length;
        while left > 0 {
            // Five bits a letter.
            let bits = rng.u64(..);
            let letters: [u8; 12] = std::array::from_fn(|at| {
                ALPHABET[usize::from((bits >> (5 * at)).to_le_bytes()[0] & 31)]
            });
            let count = left.min(letters.len());
            key.push_str(std::str::from_utf8(&letters[..count]).unwrap_or_default());
            left -= count;
        }
        key.push_str(suffix);
        key
    }
}

/// The lowest four bits as a hexadecimal digit.
fn digit(number: u64) -> char {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    char::from(DIGITS[usize::from(number.to_le_bytes()[0] & 15)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        assert_eq!(Ids::seeded(7).uuid(), Ids::seeded(7).uuid());
        assert_ne!(Ids::seeded(7).uuid(), Ids::seeded(8).uuid());
        assert_eq!(Ids::seeded(1).uuid().len(), 36);
        assert_eq!(Ids::seeded(1).key("AROA", 17).len(), 21);
    }
}

//! Numbers against a slow and independent decimal arithmetic.

use std::cmp::Ordering;

use proptest::prelude::*;
use waterwheel::engine::dynamodb::number::Number;

use super::{any_text, check, soup};

const PIECES: &[&str] = &[
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E",
    "00000",
    "99999999999999999999",
    "12",
    "125",
    "130",
    " ",
    "é",
    "_",
    "nan",
    "e-",
    "E+",
];

/// Digits, most significant first without zeros at the ends, and the power of ten of the last one.
#[derive(Clone, Debug, PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    power: i64,
}

impl Decimal {
    fn new(negative: bool, mut digits: Vec<u8>, mut power: i64) -> Self {
        while digits.last() == Some(&0) {
            digits.pop();
            power += 1;
        }
        let zeros = digits.iter().take_while(|it| **it == 0).count();
        digits.drain(..zeros);
        if digits.is_empty() {
            Self {
                negative: false,
                digits,
                power: 0,
            }
        } else {
            Self {
                negative,
                digits,
                power,
            }
        }
    }

    /// `None` when it is not written as a number.
    fn read(text: &str) -> Option<Self> {
        let mut left = text.chars().peekable();
        let sign = |left: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let sign = left.next_if(|it| *it == '-' || *it == '+');
            sign == Some('-')
        };
        let negative = sign(&mut left);
        let mut digits = Vec::new();
        let mut power = 0;
        let mut after_point = false;
        while let Some(letter) = left.next_if(|it| it.is_ascii_digit() || *it == '.') {
            match letter.to_digit(10) {
                None if after_point => return None,
                None => after_point = true,
                Some(digit) => {
                    digits.push(u8::try_from(digit).unwrap());
                    power -= i64::from(after_point);
                }
            }
        }
        if digits.is_empty() {
            return None;
        }
        if left.next_if(|it| *it == 'e' || *it == 'E').is_some() {
            let is_small = sign(&mut left);
            let mut exponent = 0_i64;
            left.peek()?;
            while let Some(digit) = left.next_if(char::is_ascii_digit) {
                let digit = i64::from(digit.to_digit(10).unwrap());
                exponent = (exponent * 10 + digit).min(1_000_000_000);
            }
            power += if is_small { -exponent } else { exponent };
        }
        left.next()
            .is_none()
            .then(|| Self::new(negative, digits, power))
    }

    /// Power of ten of the first digit.
    fn magnitude(&self) -> i64 {
        self.power + i64::try_from(self.digits.len()).unwrap() - 1
    }

    /// Whether DynamoDB can hold it.
    fn fits(&self) -> bool {
        self.digits.is_empty()
            || self.digits.len() <= 38 && (-130..=125).contains(&self.magnitude())
    }

    /// Digits down to a power, most significant last.
    fn down_to(&self, power: i64) -> Vec<u8> {
        let zeros = usize::try_from(self.power - power).unwrap();
        let mut digits = vec![0; zeros];
        digits.extend(self.digits.iter().rev());
        digits
    }

    fn sum(&self, other: &Self) -> Self {
        if self.digits.is_empty() {
            return other.clone();
        }
        if other.digits.is_empty() {
            return self.clone();
        }
        let power = self.power.min(other.power);
        let (one, two) = (self.down_to(power), other.down_to(power));
        let signed = |digits: &[u8], at: usize, negative: bool| {
            let digit = i32::from(digits.get(at).copied().unwrap_or(0));
            if negative { -digit } else { digit }
        };
        let places = one.len().max(two.len()) + 1;
        let sums: Vec<i32> = (0..places)
            .map(|at| signed(&one, at, self.negative) + signed(&two, at, other.negative))
            .collect();
        let negative = sums
            .iter()
            .rev()
            .find(|it| **it != 0)
            .is_some_and(|it| *it < 0);
        let mut carry = 0;
        let mut digits: Vec<u8> = sums
            .into_iter()
            .map(|sum| {
                let sum = if negative { -sum } else { sum } + carry;
                carry = sum.div_euclid(10);
                u8::try_from(sum.rem_euclid(10)).unwrap()
            })
            .collect();
        digits.reverse();
        Self::new(negative, digits, power)
    }

    /// Zero has no sign.
    fn opposite(&self) -> Self {
        Self::new(!self.negative, self.digits.clone(), self.power)
    }

    fn order(&self, other: &Self) -> Ordering {
        let difference = self.sum(&other.opposite());
        match (difference.digits.is_empty(), difference.negative) {
            (true, _) => Ordering::Equal,
            (_, true) => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

/// Texts of numbers, many of them near the limits.
fn number() -> impl Strategy<Value = String> {
    let digits = prop_oneof![
        4 => prop::collection::vec(0..10_u8, 1..6),
        2 => prop::collection::vec(0..10_u8, 30..40),
        1 => prop::collection::vec(prop_oneof![Just(9_u8), Just(0)], 1..45),
    ];
    let power = prop_oneof![
        4 => -6..7_i64,
        1 => -172..-120_i64,
        1 => 80..130_i64,
        1 => -200..200_i64,
    ];
    (any::<bool>(), digits, power, 0..4_u8).prop_map(|(negative, digits, power, form)| {
        let digits: String = digits.into_iter().map(|it| char::from(b'0' + it)).collect();
        let sign = if negative { "-" } else { "" };
        match form {
            0 => format!("{sign}{digits}e{power}"),
            1 => format!("{sign}{digits}E{power:+}"),
            2 => {
                let power = power + i64::try_from(digits.len()).unwrap();
                format!("{sign}.{digits}e{power}")
            }
            _ => format!("{sign}{}.{}E{power}", &digits[..1], &digits[1..]),
        }
    })
}

fn assert_is(number: &Number, decimal: &Decimal) {
    let text = number.to_string();
    assert_eq!(Decimal::read(&text).as_ref(), Some(decimal));
    assert!(!text.contains(['e', 'E', '+']), "{text}");
    assert!(
        text == "0" || !text.ends_with('.') && !text.starts_with('.'),
        "{text}"
    );
    let fraction = text.split_once('.').map(|it| it.1);
    assert!(fraction.is_none_or(|it| !it.ends_with('0')), "{text}");
    assert_eq!(Number::parse(&text).as_ref(), Ok(number));
}

#[test]
fn texts_are_the_numbers_they_say_or_refused() {
    check(500, &(number(), soup(PIECES), any_text()), |texts| {
        for text in [texts.0, texts.1, texts.2] {
            let expected = Decimal::read(&text);
            let fits = expected.as_ref().is_some_and(Decimal::fits);
            match (Number::parse(&text), expected) {
                (Ok(number), Some(decimal)) if fits => assert_is(&number, &decimal),
                (Err(fault), _) if !fits => assert_eq!(fault.code, "ValidationException"),
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
        Ok(())
    });
}

#[test]
fn sums_differences_and_order_are_exact() {
    check(800, &(number(), number()), |(one, two)| {
        let (Ok(left), Ok(right)) = (Number::parse(&one), Number::parse(&two)) else {
            return Ok(());
        };
        let (one, two) = (Decimal::read(&one).unwrap(), Decimal::read(&two).unwrap());
        let opposite = two.opposite();
        let results = [
            (left.add(&right), one.sum(&two)),
            (left.subtract(&right), one.sum(&opposite)),
        ];
        for (found, expected) in results {
            match found {
                Ok(number) => assert_is(&number, &expected),
                Err(fault) => {
                    assert!(!expected.fits(), "{expected:?}: {fault:?}");
                }
            }
        }
        assert_eq!(left.cmp(&right), one.order(&two));
        assert_eq!(left == right, one == two);
        Ok(())
    });
}

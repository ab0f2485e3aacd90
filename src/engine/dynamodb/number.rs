//! DynamoDB's number: 38 exact decimal digits. Pure arithmetic; knows no attributes.
//!
//! Limits: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>

use std::cmp::Ordering;
use std::fmt;

use crate::engine::call::Fault;

/// Most significant digits a number may have.
const DIGITS_MAX: u32 = 38;
/// Power of ten of the leading digit of the largest number: 9.99…E+125.
const MAGNITUDE_MAX: i64 = 125;
/// Power of ten of the leading digit of the smallest positive number: 1E-130.
const MAGNITUDE_MIN: i64 = -130;

/// A decimal number: `± coefficient × 10^exponent`.
///
/// Kept in normal form (the coefficient does not end in a zero digit, zero is `+ 0 × 10^0`), so that derived
/// equality and hashing are by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

impl Number {
    pub const ZERO: Self = Self {
        negative: false,
        coefficient: 0,
        exponent: 0,
    };

    /// Reads `-12.5`, `1e10`, `.5`, `007`. The fault is worded as AWS words it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let Some(written) = Written::read(text) else {
            return Err(Fault::validation(if text.is_empty() {
                "The parameter cannot be converted to a numeric value".to_owned()
            } else {
                format!("The parameter cannot be converted to a numeric value: {text}")
            }));
        };
        written.number()
    }

    /// Sign (true when below zero), coefficient below 10^38 and power of ten.
    pub fn parts(self) -> (bool, u128, i16) {
        (self.negative, self.coefficient, self.exponent)
    }

    /// The opposite of [`Self::parts`]; `None` when it is not a number DynamoDB can hold. Any form is accepted.
    pub fn from_parts(negative: bool, coefficient: u128, exponent: i16) -> Option<Self> {
        Self::normal(negative, coefficient, i64::from(exponent)).ok()
    }

    pub fn is_negative(self) -> bool {
        self.negative
    }

    pub fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// Power of ten of the leading digit: 2 for 123, -1 for 0.5. Zero has none and gives 0.
    pub fn magnitude(self) -> i16 {
        let digits = i16::try_from(self.digits()).unwrap_or(0);
        self.exponent + digits - 1
    }

    /// Significant digits; 1 for zero.
    pub fn digits(self) -> u32 {
        digits_of(self.coefficient)
    }

    /// Bytes this number counts for in an item's size: one, one for each pair of digits that is not all zeros at
    /// the ends, and one for a minus. Pairs are counted from the decimal point, so 1.5 takes a byte more than 15.
    pub fn size(self) -> usize {
        if self.is_zero() {
            return 1;
        }
        let pairs = self.magnitude().div_euclid(2) - self.exponent.div_euclid(2) + 1;
        1 + usize::from(pairs.unsigned_abs()) + usize::from(self.negative)
    }

    /// The exact sum. When it needs more than 38 digits the service calls that an overflow, too.
    pub fn add(&self, other: &Self) -> Result<Self, Fault> {
        if self.is_zero() {
            return Ok(*other);
        }
        if other.is_zero() {
            return Ok(*self);
        }
        let (coarse, fine) = if self.exponent >= other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        // When scaling overflows 128 bits the exact sum has more than 38 digits: its last one is `fine`'s, not zero.
        let scaled = u32::try_from(coarse.exponent - fine.exponent)
            .ok()
            .and_then(|power| 10_u128.checked_pow(power))
            .and_then(|factor| coarse.coefficient.checked_mul(factor))
            .ok_or_else(overflow)?;
        let exponent = i64::from(fine.exponent);
        let sum = if coarse.negative == fine.negative {
            let sum = scaled.checked_add(fine.coefficient).ok_or_else(overflow)?;
            Self::normal(fine.negative, sum, exponent)
        } else if scaled >= fine.coefficient {
            Self::normal(coarse.negative, scaled - fine.coefficient, exponent)
        } else {
            Self::normal(fine.negative, fine.coefficient - scaled, exponent)
        };
        sum.map_err(|fault| {
            if fault == too_many_digits() {
                overflow()
            } else {
                fault
            }
        })
    }

    /// The exact difference; faults as [`Self::add`].
    pub fn subtract(&self, other: &Self) -> Result<Self, Fault> {
        self.add(&other.negate())
    }

    /// The value as a count, when it is a whole number of 64 bits.
    pub fn to_i64(self) -> Option<i64> {
        let power = u32::try_from(self.exponent).ok()?;
        let magnitude = self.coefficient.checked_mul(10_u128.checked_pow(power)?)?;
        let magnitude = i128::try_from(magnitude).ok()?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    fn negate(self) -> Self {
        Self {
            negative: !self.negative && !self.is_zero(),
            ..self
        }
    }

    fn normal(negative: bool, mut coefficient: u128, mut exponent: i64) -> Result<Self, Fault> {
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = digits_of(coefficient);
        check(exponent + i64::from(digits) - 1, digits)?;
        Ok(Self {
            negative,
            coefficient,
            // Never the default: `check` bounds it to -167..=125.
            exponent: i16::try_from(exponent).unwrap_or_default(),
        })
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::normal(value < 0, u128::from(value.unsigned_abs()), 0).unwrap_or(Self::ZERO)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.signum(), other.signum()) {
            (1, 1) => self.cmp_magnitude(*other),
            (-1, -1) => other.cmp_magnitude(*self),
            (left, right) => left.cmp(&right),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Number {
    fn signum(self) -> i8 {
        if self.is_zero() {
            0
        } else if self.negative {
            -1
        } else {
            1
        }
    }

    fn cmp_magnitude(self, other: Self) -> Ordering {
        let aligned = |it: Self| it.coefficient * 10_u128.pow(DIGITS_MAX - it.digits());
        self.magnitude()
            .cmp(&other.magnitude())
            .then_with(|| aligned(self).cmp(&aligned(other)))
    }
}

/// Plain decimal without an exponent, as DynamoDB answers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.coefficient.to_string();
        let mut text = String::with_capacity(digits.len() + 2);
        if self.negative {
            text.push('-');
        }
        if let Ok(zeros) = usize::try_from(self.exponent) {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', zeros));
        } else {
            let after = usize::from(self.exponent.unsigned_abs());
            if let Some(before) = digits.len().checked_sub(after).filter(|it| *it > 0) {
                text.push_str(&digits[..before]);
                text.push('.');
                text.push_str(&digits[before..]);
            } else {
                text.push_str("0.");
                text.extend(std::iter::repeat_n('0', after - digits.len()));
                text.push_str(&digits);
            }
        }
        f.write_str(&text)
    }
}

/// What a decimal text says, before any limit.
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (negative, rest) = sign(text);
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            None => (rest, 0),
            Some(at) => {
                let (negative, digits) = sign(&rest[at + 1..]);
                if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
                    return None;
                }
                // More digits than an i64 holds are far out of range anyway.
                let power = digits.parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
                (&rest[..at], if negative { -power } else { power })
            }
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = whole.bytes().chain(fraction.bytes()).peekable();
        digits.peek()?;
        digits.all(|it| it.is_ascii_digit()).then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    fn number(&self) -> Result<Number, Fault> {
        let all = self.whole.len() + self.fraction.len();
        let digit = |at: usize| {
            let whole = self.whole.as_bytes();
            whole
                .get(at)
                .or_else(|| self.fraction.as_bytes().get(at - whole.len()))
                .copied()
                .unwrap_or(b'0')
        };
        let Some(first) = (0..all).find(|at| digit(*at) != b'0') else {
            return Ok(Number::ZERO);
        };
        let last = (0..all).rfind(|at| digit(*at) != b'0').unwrap_or(first);
        let magnitude = self.exponent + as_i64(self.whole.len()) - 1 - as_i64(first);
        let digits = last - first + 1;
        check(magnitude, u32::try_from(digits).unwrap_or(u32::MAX))?;
        let coefficient = (first..=last).fold(0_u128, |sum, at| {
            sum * 10 + u128::from(digit(at).wrapping_sub(b'0'))
        });
        Number::normal(self.negative, coefficient, magnitude + 1 - as_i64(digits))
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

fn digits_of(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().unwrap_or(0) + 1
}

fn check(magnitude: i64, digits: u32) -> Result<(), Fault> {
    if magnitude > MAGNITUDE_MAX {
        Err(overflow())
    } else if magnitude < MAGNITUDE_MIN {
        Err(Fault::validation(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ))
    } else if digits > DIGITS_MAX {
        Err(too_many_digits())
    } else {
        Ok(())
    }
}

fn overflow() -> Fault {
    Fault::validation(
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    )
}

fn too_many_digits() -> Fault {
    Fault::validation("Attempting to store more than 38 significant digits in a Number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn a_number_is_answered_in_plain_decimal_normal_form() {
        for (written, normal) in [
            ("0", "0"),
            ("-0", "0"),
            ("0e999999999999999999999", "0"),
            ("-0.000", "0"),
            ("007", "7"),
            ("+1", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.50", "1.5"),
            ("100", "100"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("12e-1", "1.2"),
            ("-12.34e-4", "-0.001234"),
            ("0.00000000000000000000000000000000000000000001e44", "1"),
            ("-5e-1", "-0.5"),
        ] {
            assert_eq!(number(written).to_string(), normal, "{written}");
        }
        let longest = "99999999999999999999999999999999999999";
        assert_eq!(number(longest).to_string(), longest);
        assert_eq!(number("1e125").to_string(), format!("1{}", "0".repeat(125)));
        assert_eq!(
            number("1e-130").to_string(),
            format!("0.{}1", "0".repeat(129))
        );
    }

    #[test]
    fn a_text_that_is_no_number_is_refused() {
        for text in [
            "abc", " 1", "1 ", "1e", "--1", ".", "1.2.3", "NaN", "Infinity", "0x1",
        ] {
            assert_eq!(
                Number::parse(text).unwrap_err().message,
                format!("The parameter cannot be converted to a numeric value: {text}")
            );
        }
        assert_eq!(
            Number::parse("").unwrap_err().message,
            "The parameter cannot be converted to a numeric value"
        );
    }

    #[test]
    fn a_number_out_of_limits_is_refused_in_the_words_of_aws() {
        let over = "Number overflow. Attempting to store a number with magnitude larger than supported range";
        let under = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
        let long = "Attempting to store more than 38 significant digits in a Number";
        for (text, words) in [
            ("1e126", over),
            ("-1e126", over),
            ("10e125", over),
            ("1e99999999999999999999", over),
            ("1e-131", under),
            ("0.1e-130", under),
            ("1e-99999999999999999999", under),
            ("123456789012345678901234567890123456789", long),
            ("1.00000000000000000000000000000000000001", long),
        ] {
            assert_eq!(Number::parse(text).unwrap_err().message, words, "{text}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let sorted = [
            "-1e125", "-100", "-99.5", "-2", "-0.001", "-1e-130", "0", "1e-130", "0.5", "1", "1.5",
            "2", "10", "99", "100", "1e125",
        ];
        for (at, left) in sorted.iter().enumerate() {
            for (other, right) in sorted.iter().enumerate() {
                assert_eq!(
                    number(left).cmp(&number(right)),
                    at.cmp(&other),
                    "{left} {right}"
                );
            }
        }
        assert_eq!(number("1.0"), number("1"));
    }

    /// `left right sum difference`.
    const SUMS: &str = "
        1 2 3 -1
        0.1 0.2 0.3 -0.1
        5 5 10 0
        -5 5 0 -10
        0 7 7 -7
        7 0 7 7
        -0.5 -100 -100.5 99.5
        99999999999999999999999999999999999999 1 1e38 99999999999999999999999999999999999998
        1e20 1e-17 100000000000000000000.00000000000000001 99999999999999999999.99999999999999999
        ";

    #[test]
    fn sums_and_differences_are_exact() {
        for line in SUMS.lines().filter(|it| !it.trim().is_empty()) {
            let numbers: Vec<Number> = line.split_whitespace().map(number).collect();
            let [left, right, sum, difference] = numbers[..] else {
                panic!("{line}");
            };
            assert_eq!(left.add(&right).unwrap(), sum, "{line}");
            assert_eq!(left.subtract(&right).unwrap(), difference, "{line}");
        }
    }

    #[test]
    fn a_sum_that_needs_more_digits_or_range_is_refused() {
        let largest = "9.9999999999999999999999999999999999999e125";
        for (left, right) in [
            (largest, "1e125"),
            ("1e20", "1e-18"),
            ("1e125", "1e-130"),
            ("1e38", "-0.1"),
            ("1e50", "1"),
        ] {
            let fault = number(left).add(&number(right)).unwrap_err();
            assert!(fault.message.starts_with("Number overflow"), "{left}");
        }
    }

    #[test]
    fn sizes_count_pairs_of_digits_from_the_decimal_point() {
        let sizes = "0:1 -0:1 1:2 12:2 123:3 1234:3 12345678901234567890123456789012345678:20 0042:2 100:2 1010:3 \
            0.0000001:2 1E125:2 1E-100:2 1.5:3 15:2 1.234:4 3.14159:5 123456:4 100.5:4 0.15:2 -42:3";
        for (text, bytes) in sizes.split_whitespace().filter_map(|it| it.split_once(':')) {
            assert_eq!(number(text).size().to_string(), bytes, "{text}");
        }
    }

    #[test]
    fn parts_give_the_number_back() {
        for text in ["0", "-12.5", "1e125", "-1e-130", "42"] {
            let (negative, coefficient, exponent) = number(text).parts();
            assert_eq!(
                Number::from_parts(negative, coefficient, exponent),
                Some(number(text))
            );
        }
        assert_eq!(Number::from_parts(true, 0, 9), Some(Number::ZERO));
        assert_eq!(Number::from_parts(false, 10_u128.pow(38) + 1, 0), None);
        assert_eq!(Number::from(-120_i64), number("-120"));
        assert_eq!(number("-120").to_i64(), Some(-120));
        assert_eq!(number("1.5").to_i64(), None);
    }
}

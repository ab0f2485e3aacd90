//! Condition operators of policies. Pure.

use std::cmp::Ordering;
use std::net::IpAddr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Context, pattern};

/// One operator on one key: `"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// As written: `ForAnyValue:StringLikeIfExists`.
    pub operator: String,
    pub key: String,
    pub values: Vec<String>,
    test: Test,
    negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
}

/// Which of the request's values have to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// No prefix: the key has one value.
    One,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// What one value of the policy asks of one value of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Text,
    TextIgnoringCase,
    Like,
    Number(Compare),
    Date(Compare),
    Bool,
    Address,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Name, test, negated.
const OPERATORS: &[(&str, Test, bool)] = &[
    ("StringEquals", Test::Text, false),
    ("StringNotEquals", Test::Text, true),
    ("StringEqualsIgnoreCase", Test::TextIgnoringCase, false),
    ("StringNotEqualsIgnoreCase", Test::TextIgnoringCase, true),
    ("StringLike", Test::Like, false),
    ("StringNotLike", Test::Like, true),
    ("NumericEquals", Test::Number(Compare::Equal), false),
    ("NumericNotEquals", Test::Number(Compare::Equal), true),
    ("NumericLessThan", Test::Number(Compare::Less), false),
    (
        "NumericLessThanEquals",
        Test::Number(Compare::AtMost),
        false,
    ),
    ("NumericGreaterThan", Test::Number(Compare::Greater), false),
    (
        "NumericGreaterThanEquals",
        Test::Number(Compare::AtLeast),
        false,
    ),
    ("DateEquals", Test::Date(Compare::Equal), false),
    ("DateNotEquals", Test::Date(Compare::Equal), true),
    ("DateLessThan", Test::Date(Compare::Less), false),
    ("DateLessThanEquals", Test::Date(Compare::AtMost), false),
    ("DateGreaterThan", Test::Date(Compare::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Compare::AtLeast), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Text, false),
    ("IpAddress", Test::Address, false),
    ("NotIpAddress", Test::Address, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnLike", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Condition {
    /// `None` where there is no such operator.
    pub fn new(operator: &str, key: &str, values: Vec<String>) -> Option<Self> {
        let (quantifier, name) = match operator.split_once(':') {
            None => (Quantifier::One, operator),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(_) => return None,
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, test, negated) = OPERATORS.iter().find(|(it, ..)| *it == name)?;
        if *test == Test::Null && if_exists {
            return None;
        }
        Some(Self {
            operator: operator.to_owned(),
            key: key.to_owned(),
            values,
            test: *test,
            negated: *negated,
            if_exists,
            quantifier,
        })
    }

    /// Whether the request's values of the key pass.
    pub fn holds(&self, context: &Context, has_variables: bool) -> bool {
        let given = context.get(&self.key);
        if self.test == Test::Null {
            let absent = given.is_none_or(<[String]>::is_empty);
            return self
                .values
                .iter()
                .any(|value| value.eq_ignore_ascii_case(if absent { "true" } else { "false" }));
        }
        let Some(given) = given else {
            // An absent key passes "all of them" and every negated operator, but not "any of them".
            return self.if_exists
                || match self.quantifier {
                    Quantifier::One => self.negated,
                    Quantifier::All => true,
                    Quantifier::Any => false,
                };
        };
        // A value whose variable is not known never helps, whichever way the operator counts.
        let passes = |given: &String| {
            let mut found = self
                .values
                .iter()
                .map(|wanted| self.accepts(wanted, given, context, has_variables));
            if self.negated {
                found.all(|it| it == Some(false))
            } else {
                found.any(|it| it == Some(true))
            }
        };
        match self.quantifier {
            Quantifier::All => given.iter().all(passes),
            Quantifier::One if self.negated => given.iter().all(passes),
            Quantifier::One | Quantifier::Any => given.iter().any(passes),
        }
    }

    /// `None` where the value has a variable that the request does not know.
    fn accepts(
        &self,
        wanted: &str,
        given: &str,
        context: &Context,
        has_variables: bool,
    ) -> Option<bool> {
        if matches!(self.test, Test::Like | Test::Arn) {
            let wanted = pattern::expand(wanted, context, has_variables)?;
            return Some(match self.test {
                Test::Like => pattern::matches(&wanted, given),
                _ => pattern::matches_arn(&wanted, given),
            });
        }
        let wanted = pattern::expand_literal(wanted, context, has_variables)?;
        Some(match self.test {
            Test::Text => wanted == given,
            Test::TextIgnoringCase => wanted.to_lowercase() == given.to_lowercase(),
            Test::Number(compare) => number(given)
                .zip(number(&wanted))
                .and_then(|(given, wanted)| given.partial_cmp(&wanted))
                .is_some_and(|order| compare.accepts(order)),
            Test::Date(compare) => date(given)
                .zip(date(&wanted))
                .is_some_and(|(given, wanted)| compare.accepts(given.cmp(&wanted))),
            Test::Bool => wanted.eq_ignore_ascii_case(given),
            Test::Address => in_network(given, &wanted),
            Test::Like | Test::Arn | Test::Null => false,
        })
    }
}

impl Compare {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|it: &f64| it.is_finite())
}

/// Seconds since 1970, or ISO 8601 down to the day, the minute or the second.
fn date(text: &str) -> Option<OffsetDateTime> {
    if let Ok(secs) = text.parse::<i64>() {
        return OffsetDateTime::from_unix_timestamp(secs).ok();
    }
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        // 2026-01-01T00:00Z
        17 => format!("{}:00Z", text.strip_suffix('Z')?),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&full, &Rfc3339).ok()
}

/// `network` is an address or `203.0.113.0/24`.
fn in_network(address: &str, network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        None => (network, None),
        Some((base, length)) => (base, Some(length)),
    };
    let bits = |text: &str| match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(it) => Some((u128::from(u32::from(it)) << 96, 32)),
        IpAddr::V6(it) => Some((u128::from(it), 128)),
    };
    let (Some((given, width)), Some((base, base_width))) = (bits(address), bits(base)) else {
        return false;
    };
    let length: u32 = match length.map(str::parse) {
        None => width,
        Some(Ok(length)) if length <= width => length,
        Some(_) => return false,
    };
    // Shifting by the whole width is not defined; a prefix of zero bits takes everything.
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    width == base_width && given & mask == base & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, wanted: &[&str], given: Option<&[&str]>) -> bool {
        let texts = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
        let condition = Condition::new(operator, "aws:Key", texts(wanted)).unwrap();
        let mut context = Context::default().with("aws:username", "ann");
        if let Some(given) = given {
            context.set("AWS:key", texts(given));
        }
        condition.holds(&context, true)
    }

    #[test]
    fn every_operator_compares_as_its_name_says() {
        for (operator, wanted, given, expected) in [
            ("StringEquals", "a", "a", true),
            ("StringEquals", "a", "A", false),
            ("StringEquals", "a*", "ab", false),
            ("StringEquals", "${aws:username}", "ann", true),
            ("StringEquals", "${aws:userid}", "${aws:userid}", false),
            ("StringNotEquals", "a", "b", true),
            ("StringEqualsIgnoreCase", "a", "A", true),
            ("StringNotEqualsIgnoreCase", "a", "A", false),
            ("StringLike", "a*", "ab", true),
            ("StringNotLike", "a*", "ab", false),
            ("NumericEquals", "10", "10.0", true),
            ("NumericNotEquals", "10", "11", true),
            ("NumericLessThan", "10", "9", true),
            ("NumericLessThanEquals", "10", "10", true),
            ("NumericGreaterThan", "10", "10", false),
            ("NumericGreaterThanEquals", "10", "10", true),
            ("NumericEquals", "ten", "ten", false),
            ("DateLessThan", "2026-01-02", "2026-01-01T23:59:59Z", true),
            (
                "DateGreaterThan",
                "2026-01-01T00:00Z",
                "2026-01-01T00:00:00.001Z",
                true,
            ),
            ("DateEquals", "1767225600", "2026-01-01T00:00:00Z", true),
            ("DateNotEquals", "1767225600", "2026-01-01", false),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", true),
            ("IpAddress", "203.0.113.0/24", "203.0.113.77", true),
            ("IpAddress", "203.0.113.0/24", "203.0.114.1", false),
            ("IpAddress", "0.0.0.0/0", "8.8.8.8", true),
            ("IpAddress", "203.0.113.7", "203.0.113.7", true),
            ("IpAddress", "2001:db8::/32", "2001:db8::1", true),
            ("IpAddress", "0.0.0.0/0", "2001:db8::1", false),
            ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", true),
            (
                "ArnEquals",
                "arn:aws:sns:*:*:t*",
                "arn:aws:sns:us-east-1:1:topic",
                true,
            ),
            (
                "ArnLike",
                "arn:aws:sns:*:topic",
                "arn:aws:sns:us-east-1:1:topic",
                false,
            ),
            (
                "ArnNotLike",
                "arn:aws:sns:*:*:t*",
                "arn:aws:sns:us-east-1:1:q",
                true,
            ),
            ("Null", "false", "x", true),
            ("Null", "true", "x", false),
        ] {
            let found = holds(operator, &[wanted], Some(&[given]));
            assert_eq!(found, expected, "{operator} {wanted} {given}");
        }
    }

    #[test]
    fn an_absent_key_fails_unless_the_operator_is_negated_or_says_if_exists() {
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringEqualsIfExists", true),
            ("StringNotEquals", true),
            ("NumericLessThan", false),
            ("NotIpAddress", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringEqualsIfExists", true),
        ] {
            assert_eq!(holds(operator, &["1"], None), expected, "{operator}");
        }
        assert!(holds("Null", &["true"], None));
        assert!(!holds("Null", &["false"], None));
    }

    #[test]
    fn several_values_are_alternatives_and_several_keys_values_are_quantified() {
        for (operator, wanted, given, expected) in [
            ("StringEquals", &["a", "b"][..], &["b"][..], true),
            ("StringNotEquals", &["a", "b"], &["b"], false),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "b"], true),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], false),
            ("ForAllValues:StringEquals", &["a"], &[], true),
            ("ForAnyValue:StringEquals", &["a", "b"], &["c", "b"], true),
            ("ForAnyValue:StringEquals", &["a"], &["c"], false),
            ("ForAnyValue:StringEquals", &["a"], &[], false),
            ("ForAllValues:StringNotLike", &["a*"], &["b", "c"], true),
            ("ForAllValues:StringNotLike", &["a*"], &["b", "a"], false),
            ("ForAnyValue:StringNotEquals", &["a"], &["a", "b"], true),
        ] {
            let found = holds(operator, wanted, Some(given));
            assert_eq!(found, expected, "{operator} {wanted:?} {given:?}");
        }
    }

    #[test]
    fn an_unknown_operator_is_none() {
        for operator in [
            "StringEqual",
            "ForEachValue:StringEquals",
            "NullIfExists",
            "bool",
        ] {
            assert!(
                Condition::new(operator, "k", Vec::new()).is_none(),
                "{operator}"
            );
        }
    }
}

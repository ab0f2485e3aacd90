//! Wildcards and variables in policies. Pure.

use super::Context;

/// A pattern whose variables have been replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Char(char),
    /// `?`
    AnyOne,
    /// `*`
    AnyRun,
    /// `?` that takes no colon.
    OneInPart,
    /// `*` that takes no colon.
    RunInPart,
}

impl Piece {
    fn of(written: char) -> Self {
        match written {
            '*' => Self::AnyRun,
            '?' => Self::AnyOne,
            other => Self::Char(other),
        }
    }

    /// The same piece in an ARN part that ends at the next colon.
    fn in_part(self) -> Self {
        match self {
            Self::AnyOne => Self::OneInPart,
            Self::AnyRun => Self::RunInPart,
            other => other,
        }
    }
}

/// Reads wildcards and replaces `${key}` by its one value; `None` when it has none.
/// A replaced value is literal, also where it contains `*`.
pub(super) fn expand(text: &str, context: &Context, has_variables: bool) -> Option<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if has_variables
            && let Some((name, after)) = rest
                .strip_prefix("${")
                .and_then(|inner| inner.split_once('}'))
        {
            pieces.extend(variable(name, context)?.chars().map(Piece::Char));
            rest = after;
            continue;
        }
        pieces.push(Piece::of(next));
        rest = &rest[next.len_utf8()..];
    }
    Some(pieces)
}

/// As [`expand`], for operators that know no wildcards.
pub(super) fn expand_literal(text: &str, context: &Context, has_variables: bool) -> Option<String> {
    let pieces = expand(text, context, has_variables)?;
    Some(
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Char(it) => it,
                Piece::AnyOne | Piece::OneInPart => '?',
                Piece::AnyRun | Piece::RunInPart => '*',
            })
            .collect(),
    )
}

/// `${*}`, `${?}` and `${$}` are the characters themselves; `${key, 'other'}` has a default.
fn variable(inner: &str, context: &Context) -> Option<String> {
    if matches!(inner, "*" | "?" | "$") {
        return Some(inner.to_owned());
    }
    let (key, default) = match inner.split_once(',') {
        None => (inner.trim(), None),
        Some((key, default)) => (
            key.trim(),
            default
                .trim()
                .strip_prefix('\'')
                .and_then(|it| it.strip_suffix('\'')),
        ),
    };
    match context.get(key) {
        Some([value]) => Some(value.clone()),
        _ => default.map(str::to_owned),
    }
}

/// `*` takes any run of characters, `?` exactly one; everything else takes itself.
pub(super) fn matches(pattern: &[Piece], text: &str) -> bool {
    matches_as(pattern.iter().copied(), text, |a, b| a == b)
}

/// Wildcards without variables, as written.
pub(super) fn matches_text(pattern: &str, text: &str) -> bool {
    matches_as(pattern.chars().map(Piece::of), text, |a, b| a == b)
}

/// Actions are the same in upper and lower case.
pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    matches_as(pattern.chars().map(Piece::of), action, |a, b| {
        a.eq_ignore_ascii_case(&b)
    })
}

/// Takes as little as it can for a run, and more where what follows does not match. Only the last run needs to take
/// more, or, where that may take no colon and one is next, the last that may: a part of an ARN ends at the first colon,
/// however much the runs in it take.
fn matches_as(
    mut pattern: impl Iterator<Item = Piece> + Clone,
    text: &str,
    is_same: impl Fn(char, char) -> bool,
) -> bool {
    let mut text = text.chars();
    // What follows a run, and what was left of the text when it had taken as much as it has.
    let (mut after_run, mut after_run_in_part) = (None, None);
    loop {
        let (mut left, mut untaken) = (pattern.clone(), text.clone());
        let fits = match (left.next(), untaken.next()) {
            (Some(Piece::AnyRun), _) => {
                after_run = Some((left.clone(), text.clone()));
                after_run_in_part = None;
                pattern = left;
                continue;
            }
            (Some(Piece::RunInPart), _) => {
                after_run_in_part = Some((left.clone(), text.clone()));
                pattern = left;
                continue;
            }
            (None, None) => return true,
            (Some(Piece::Char(wanted)), Some(next)) => is_same(wanted, next),
            (Some(Piece::AnyOne), Some(_)) => true,
            (Some(Piece::OneInPart), Some(next)) => next != ':',
            _ => false,
        };
        if fits {
            (pattern, text) = (left, untaken);
            continue;
        }
        if let Some((behind, taken)) = &mut after_run_in_part {
            if taken.next().is_some_and(|next| next != ':') {
                (pattern, text) = (behind.clone(), taken.clone());
                continue;
            }
            after_run_in_part = None;
        }
        let Some((behind, taken)) = &mut after_run else {
            return false;
        };
        if taken.next().is_none() {
            return false;
        }
        (pattern, text) = (behind.clone(), taken.clone());
    }
}

/// A resource: wildcards stay in their part of the ARN, but a `*` at the end of a part may reach on.
/// Parts left out at the end are `*`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub(super) fn matches_resource(pattern: &[Piece], arn: &str) -> bool {
    if pattern == [Piece::AnyRun] {
        return true;
    }
    let mut whole = whole_arn(pattern);
    if matches(&whole, arn) {
        return true;
    }
    whole.extend([Piece::Char(':'), Piece::AnyRun]);
    (2..6).contains(&parts(pattern).len()) && matches(&whole, arn)
}

/// The pattern with wildcards that stay in their part.
fn whole_arn(pattern: &[Piece]) -> Vec<Piece> {
    let parts = parts(pattern);
    let last = parts.len() - 1;
    let mut whole = Vec::with_capacity(pattern.len() + 2);
    for (index, part) in parts.iter().enumerate() {
        if index == last {
            whole.extend_from_slice(part);
        } else {
            whole.extend(part.iter().map(|piece| piece.in_part()));
            if part.last() == Some(&Piece::AnyRun) {
                whole.pop();
                whole.push(Piece::AnyRun);
            }
            whole.push(Piece::Char(':'));
        }
    }
    whole
}

/// A value of an ARN condition: each of the six parts is compared with its own.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
pub(super) fn matches_arn(pattern: &[Piece], arn: &str) -> bool {
    let wanted = parts(pattern);
    let given: Vec<&str> = arn.splitn(6, ':').collect();
    wanted == [[Piece::AnyRun]]
        || (wanted.len() == given.len()
            && wanted
                .iter()
                .zip(given)
                .all(|(pattern, part)| matches(pattern, part)))
}

/// Up to six parts between colons; the last keeps its colons.
fn parts(pattern: &[Piece]) -> Vec<&[Piece]> {
    pattern
        .splitn(6, |piece| *piece == Piece::Char(':'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_file_names() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*b*", "abcb", true),
            ("*b*b*", "abc", false),
            ("ab", "abc", false),
            ("a**", "a", true),
            ("äö?", "äöü", true),
        ] {
            assert_eq!(matches_text(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_of_a_resource_reaches_over_colons_only_at_the_end_of_a_part() {
        let arn =
            "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000";
        // Pattern, as a resource, as a value of an ARN condition.
        for (pattern, resource, condition) in [
            ("*", true, true),
            ("arn:*", true, false),
            ("arn:aws:dynamodb", true, false),
            ("arn:aws:dynamodb:*:*:table/Orders/stream/*", true, true),
            ("arn:aws:dynamodb:*:*:*", true, true),
            ("arn:aws:dynamodb:*:table/Orders/stream/*", true, false),
            (
                "arn:aws:dynamodb:us-*:123456789012:table/Orders/*",
                true,
                true,
            ),
            ("arn:aws:dynamodb:us-*:table/Orders/*", true, false),
            ("arn:aws:dynamodb:us-*-1:table/Orders/*", false, false),
            (
                "arn:aws:dynamodb:us-*:123456789012:table/Orders",
                false,
                false,
            ),
            (
                "arn:aws:dynamodb:us-east-1?123456789012:table/Orders/*",
                false,
                false,
            ),
            (
                "arn:aws:dynamodb:us-east-?:123456789012:table/Orders/*",
                true,
                true,
            ),
            ("arn:aws:dynamodb:*:*:table/orders/stream/*", false, false),
            ("arn:aws:sqs", false, false),
        ] {
            let pieces = expand(pattern, &Context::default(), true).unwrap();
            assert_eq!(matches_resource(&pieces, arn), resource, "{pattern}");
            assert_eq!(matches_arn(&pieces, arn), condition, "{pattern}");
        }
    }

    /// Tries every way.
    fn matches_slowly(pattern: &[Piece], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((Piece::AnyRun, rest)) => {
                (0..=text.len()).any(|taken| matches_slowly(rest, &text[taken..]))
            }
            Some((Piece::RunInPart, rest)) => (0..=text.len())
                .take_while(|taken| !text[..*taken].contains(&':'))
                .any(|taken| matches_slowly(rest, &text[taken..])),
            Some((piece, rest)) => text.split_first().is_some_and(|(next, text)| {
                let fits = match piece {
                    Piece::Char(wanted) => wanted == next,
                    Piece::OneInPart => *next != ':',
                    _ => true,
                };
                fits && matches_slowly(rest, text)
            }),
        }
    }

    /// Every text of up to `length` of these characters.
    fn texts(characters: &str, length: u32) -> Vec<String> {
        let mut found = vec![String::new()];
        let mut from = 0;
        for _ in 0..length {
            let longer: Vec<String> = found[from..]
                .iter()
                .flat_map(|text| characters.chars().map(move |next| format!("{text}{next}")))
                .collect();
            from = found.len();
            found.extend(longer);
        }
        found
    }

    #[test]
    fn every_short_pattern_matches_what_trying_every_way_matches() {
        let given = texts("ab:", 5);
        for written in texts("a:*?", 5) {
            let pattern: Vec<Piece> = written.chars().map(Piece::of).collect();
            let whole = whole_arn(&pattern);
            for text in &given {
                let chars: Vec<char> = text.chars().collect();
                for pattern in [&pattern, &whole] {
                    assert_eq!(
                        matches(pattern, text),
                        matches_slowly(pattern, &chars),
                        "{pattern:?} {text}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_still_quick() {
        assert!(!matches_text(
            &format!("{}b", "*a".repeat(40)),
            &"a".repeat(300)
        ));
    }

    #[test]
    fn a_variable_is_replaced_literally_and_fails_without_a_value() {
        let context = Context::default().with("aws:username", "a*");
        let pieces = expand("home/${aws:username}/*", &context, true).unwrap();
        assert!(matches(&pieces, "home/a*/x"));
        assert!(!matches(&pieces, "home/ab/x"));
        assert_eq!(expand("${aws:userid}", &context, true), None);
        assert!(expand("${aws:userid}", &context, false).is_some());
        let default = expand_literal("${aws:userid, 'nobody'}${*}", &context, true);
        assert_eq!(default.as_deref(), Some("nobody*"));
    }
}

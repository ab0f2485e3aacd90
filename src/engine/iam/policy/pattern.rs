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
        pieces.push(match next {
            '*' => Piece::AnyRun,
            '?' => Piece::AnyOne,
            other => Piece::Char(other),
        });
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
                Piece::AnyOne => '?',
                Piece::AnyRun => '*',
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
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // Where to go on after the last `*` when the rest does not match.
    let mut retry: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Piece::AnyRun) => {
                retry = Some((at + 1, from));
                at += 1;
            }
            Some(Piece::AnyOne) => {
                at += 1;
                from += 1;
            }
            Some(Piece::Char(it)) if *it == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match retry {
                Some((star, taken)) => {
                    at = star;
                    from = taken + 1;
                    retry = Some((star, from));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|piece| *piece == Piece::AnyRun)
}

/// Wildcards without variables, as written.
pub(super) fn matches_text(pattern: &str, text: &str) -> bool {
    expand(pattern, &Context::default(), false).is_some_and(|pattern| matches(&pattern, text))
}

/// Actions are the same in upper and lower case.
pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    matches_text(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Part by part: a `*` does not reach over the colons between the first six parts.
/// Parts left out at the end are `*`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub(super) fn matches_arn(pattern: &[Piece], arn: &str) -> bool {
    if pattern == [Piece::AnyRun] {
        return true;
    }
    let wanted: Vec<&[Piece]> = pattern
        .splitn(6, |piece| *piece == Piece::Char(':'))
        .collect();
    let given: Vec<&str> = arn.splitn(6, ':').collect();
    if given.len() < 6 {
        return matches(pattern, arn);
    }
    given.iter().enumerate().all(|(index, part)| {
        wanted
            .get(index)
            .is_none_or(|pattern| matches(pattern, part))
    })
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
    fn a_star_does_not_reach_over_the_parts_of_an_arn() {
        let arn =
            "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000";
        for (pattern, expected) in [
            ("*", true),
            ("arn:*", true),
            ("arn:aws:dynamodb", true),
            ("arn:aws:dynamodb:*:*:table/Orders/stream/*", true),
            ("arn:aws:dynamodb:*:*:*", true),
            ("arn:aws:dynamodb:*:table/Orders/stream/*", false),
            ("arn:aws:dynamodb:us-*:123456789012:table/Orders/*", true),
            ("arn:aws:dynamodb:us-*:123456789012:table/Orders", false),
            ("arn:aws:sqs", false),
        ] {
            let pieces = expand(pattern, &Context::default(), true).unwrap();
            assert_eq!(matches_arn(&pieces, arn), expected, "{pattern}");
        }
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

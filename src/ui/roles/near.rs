//! The statement that came closest to allowing something, and what kept it from it, in words. Pure.

use super::data::Source;
use super::documents::{Statement, matches};

/// `inline "stream" allows it on …:table/Order/stream/* (the table name differs: Order)`;
/// `None` where no statement has to do with it.
pub(super) fn closest(sources: &[Source], action: &str, resource: &str) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for source in sources {
        for statement in source.statements.iter().filter(|it| it.allows) {
            let Some((nearness, words)) = miss(statement, action, resource) else {
                continue;
            };
            if best.as_ref().is_none_or(|(most, _)| nearness > *most) {
                best = Some((nearness, format!("{} {words}", source.title())));
            }
        }
    }
    best.map(|(_, words)| words)
}

/// How near, greater is nearer, and what differs.
fn miss(statement: &Statement, action: &str, resource: &str) -> Option<(usize, String)> {
    let acts = statement.covers_action(action);
    let covers = statement.covers_resource(resource);
    match (acts, covers) {
        (true, true) if !statement.conditions.is_empty() => {
            let keys = statement.conditions.join(", ");
            Some((100, format!("allows it under a condition on {keys}")))
        }
        (true, false) if statement.resources.is_but => {
            Some((50, "leaves this resource out by NotResource".to_owned()))
        }
        (true, false) => statement
            .resources
            .items
            .iter()
            .map(|pattern| {
                let (same, why) = difference(pattern, resource);
                (
                    50 + same,
                    format!("allows it on {}{why}", shortened(pattern)),
                )
            })
            // The first of equals, as people read from the top.
            .rev()
            .max_by_key(|(nearness, _)| *nearness),
        (false, true) => misspelt(&statement.actions.items, action).map(|other| {
            let words = format!("allows {other} there, which is spelled differently");
            (40, words)
        }),
        _ => None,
    }
}

/// How much of two ARNs agrees, and the first part that does not.
fn difference(pattern: &str, resource: &str) -> (usize, String) {
    let (wanted, given) = (parts(pattern), parts(resource));
    let names = part_names(&given);
    let mut same = 0;
    let mut first = None;
    for (nth, part) in given.iter().enumerate() {
        match wanted.get(nth) {
            // Earlier parts tell more: a former stream of the table is nearer than another table's.
            Some(it) if matches(it, part) => same += given.len() - nth,
            Some(it) if first.is_none() => {
                first = Some(match names.get(nth).copied().unwrap_or_default() {
                    "" => String::new(),
                    name => format!(" (the {name} differs: {it})"),
                });
            }
            _ => (),
        }
    }
    (same, first.unwrap_or_default())
}

/// The five heads of an ARN, then what its resource is made of.
fn parts(arn: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    if parts.len() == 6 {
        let resource = parts.remove(5);
        let splits = if parts[2] == "logs" { ':' } else { '/' };
        parts.extend(resource.split(splits));
    }
    parts
}

fn part_names(parts: &[&str]) -> &'static [&'static str] {
    match parts.get(2).copied().unwrap_or_default() {
        "dynamodb" => &[
            "",
            "partition",
            "service",
            "region",
            "account",
            "kind",
            "table name",
            "kind",
            "stream label",
        ],
        "sqs" => &[
            "",
            "partition",
            "service",
            "region",
            "account",
            "queue name",
        ],
        "sns" => &[
            "",
            "partition",
            "service",
            "region",
            "account",
            "topic name",
        ],
        "logs" => &[
            "",
            "partition",
            "service",
            "region",
            "account",
            "kind",
            "log group",
        ],
        _ => &["", "partition", "service", "region", "account", "resource"],
    }
}

/// Without the heads that are the same everywhere.
fn shortened(pattern: &str) -> String {
    match pattern.splitn(6, ':').nth(5) {
        Some(resource) => format!("…:{resource}"),
        None => pattern.to_owned(),
    }
}

/// An action of the same service that is one or two letters away.
fn misspelt<'a>(actions: &'a [String], wanted: &str) -> Option<&'a str> {
    let service = wanted.split(':').next()?;
    let close = |it: &&String| it.split(':').next() == Some(service) && distance(it, wanted) <= 2;
    actions.iter().find(close).map(String::as_str)
}

/// Letters to add, drop or change.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (nth, a) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], nth + 1);
        for (at, b) in other.iter().enumerate() {
            let cost = usize::from(a != *b);
            let best = (diagonal + cost).min(row[at] + 1).min(row[at + 1] + 1);
            diagonal = std::mem::replace(&mut row[at + 1], best);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::super::data::Facts;
    use super::super::data::tests::{STREAM, role};
    use super::*;

    fn near(statement: &str, action: &str) -> Option<String> {
        let document = format!("{{\"Statement\":[{statement}]}}");
        let facts = Facts::of(&role(&[("stream", &document)]));
        closest(&facts.sources, action, STREAM)
    }

    #[test]
    fn a_misspelt_table_is_named() {
        let statement = r#"{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/Order/stream/*"}"#;
        assert_eq!(
            near(statement, "dynamodb:GetRecords").unwrap(),
            "inline \"stream\" allows it on …:table/Order/stream/* (the table name differs: Order)"
        );
    }

    #[test]
    fn the_stream_of_a_former_table_is_told_from_another_table() {
        let statement = r#"{"Effect":"Allow","Action":"dynamodb:GetRecords","Resource":[
            "arn:aws:dynamodb:eu-west-1:111122223333:table/Other/stream/2026-01-01T00:00:00.000",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/Orders/stream/2025-12-31T00:00:00.000"]}"#;
        let words = near(statement, "dynamodb:GetRecords").unwrap();
        assert!(words.contains("the stream label differs: 2025"), "{words}");
    }

    #[test]
    fn a_misspelt_action_is_named_and_others_are_not() {
        let statement = |action: &str| {
            format!("{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"*\"}}")
        };
        let words = near(&statement("dynamodb:GetRecord"), "dynamodb:GetRecords").unwrap();
        assert!(words.contains("dynamodb:GetRecord there"), "{words}");
        assert_eq!(
            near(&statement("s3:GetObject"), "dynamodb:GetRecords"),
            None
        );
    }

    #[test]
    fn denials_are_never_the_closest() {
        let statement = r#"{"Effect":"Deny","Action":"dynamodb:*","Resource":"arn:aws:sqs:::q"}"#;
        assert_eq!(near(statement, "dynamodb:GetRecords"), None);
    }
}

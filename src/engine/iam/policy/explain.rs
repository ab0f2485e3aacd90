//! The statement that came closest to allowing a request, and why it missed, in words for people. Pure.

use super::{Clause, Condition, Context, Effect, NearMiss, Statement, pattern};

/// Names of an ARN's parts, for people.
const PARTS: [&str; 5] = ["prefix", "partition", "service", "region", "account"];

/// Actions named at most.
const SHOWN: usize = 4;

/// `None` where no statement has to do with the request.
pub(super) fn closest(
    statements: &[Statement],
    action: &str,
    resource: &str,
    context: &Context,
) -> Option<NearMiss> {
    let mut best: Option<(usize, NearMiss)> = None;
    for statement in statements {
        if statement.effect != Effect::Allow {
            continue;
        }
        let Some((nearness, why)) = miss(statement, action, resource, context) else {
            continue;
        };
        if best.as_ref().is_none_or(|(most, _)| nearness > *most) {
            let near = NearMiss {
                policy: statement.policy.to_string(),
                statement: statement.label(),
                why,
            };
            best = Some((nearness, near));
        }
    }
    best.map(|(_, near)| near)
}

/// How near a statement comes, greater is nearer, and what keeps it from matching.
fn miss(
    statement: &Statement,
    action: &str,
    resource: &str,
    context: &Context,
) -> Option<(usize, String)> {
    let acts = statement.matches_action(action);
    let covers = statement.matches_resource(resource, context);
    match (acts, covers) {
        (true, true) => statement
            .unmet(context)
            .map(|condition| (1000, unmet_condition(condition, context))),
        (true, false) => {
            let resources = statement.resources.as_ref()?;
            Some(other_resource(resources, resource, context))
        }
        (false, true) => other_action(&statement.actions, action),
        (false, false) => None,
    }
}

fn unmet_condition(condition: &Condition, context: &Context) -> String {
    let given = match context.get(&condition.key) {
        None | Some([]) => "the request has none".to_owned(),
        Some(values) => format!("the request has {}", values.join(", ")),
    };
    format!(
        "allows it under a condition that does not hold: {} {} {}; {given}",
        condition.key,
        condition.operator,
        condition.values.join(", ")
    )
}

fn other_resource(resources: &Clause, resource: &str, context: &Context) -> (usize, String) {
    if let Clause::NoneOf(patterns) = resources {
        let list = patterns.join(", ");
        return (500, format!("leaves this resource out: NotResource {list}"));
    }
    resources
        .patterns()
        .iter()
        .map(|pattern| {
            let (same, difference) = difference(pattern, resource, context);
            (500 + same, format!("allows it on {pattern}: {difference}"))
        })
        // The first of equals, as people read from the top.
        .rev()
        .max_by_key(|(nearness, _)| *nearness)
        .unwrap_or_default()
}

/// How many parts are the same, and the first one that differs, in words.
fn difference(wanted: &str, given: &str, context: &Context) -> (usize, String) {
    let same = |wanted: &str, given: &str| {
        pattern::expand(wanted, context, true)
            .is_some_and(|pattern| pattern::matches(&pattern, given))
    };
    let wanted_parts: Vec<&str> = wanted.splitn(6, ':').collect();
    let given_parts: Vec<&str> = given.splitn(6, ':').collect();
    if wanted_parts.len() < 6 || given_parts.len() < 6 {
        return (0, format!("the request is about {given}"));
    }
    let mut equal = 0;
    let mut other = Vec::new();
    for (index, name) in PARTS.iter().enumerate() {
        if same(wanted_parts[index], given_parts[index]) {
            equal += 1;
        } else {
            let (wanted, given) = (wanted_parts[index], given_parts[index]);
            other.push(format!("the {name} differs ({wanted}, not {given})"));
        }
    }
    if same(wanted_parts[5], given_parts[5]) {
        equal += 10;
    } else {
        let (segments, why) = segment_difference(given_parts[2], wanted_parts[5], given_parts[5]);
        equal += segments;
        other.push(why);
    }
    (equal, other.join(" and "))
}

/// Compares `table/Order/stream/*` with `table/Orders/stream/2026`, segment by segment.
fn segment_difference(service: &str, wanted: &str, given: &str) -> (usize, String) {
    // A stream label has colons, a log group slashes: the first separator tells the real one.
    let separator = given.chars().find(|it| "/:".contains(*it)).unwrap_or('/');
    let split = |text: &str| -> Vec<String> { text.split(separator).map(str::to_owned).collect() };
    let (wanted, given) = (split(wanted), split(given));
    let first = wanted
        .iter()
        .zip(&given)
        .position(|(wanted, given)| !pattern::matches_text(wanted, given));
    let Some(at) = first else {
        let why = if wanted.len() < given.len() {
            let kind = given.get(wanted.len()).map_or("", String::as_str);
            format!("it ends before {separator}{kind}")
        } else {
            let kind = wanted.get(given.len()).map_or("", String::as_str);
            format!("it is about a {kind} of it only")
        };
        return (wanted.len().min(given.len()), why);
    };
    let what = match (at, given.len()) {
        (0, 1) => match service {
            "sqs" => "queue name".to_owned(),
            "sns" => "topic name".to_owned(),
            "s3" => "bucket name".to_owned(),
            _ => "name".to_owned(),
        },
        (at, _) if at % 2 == 0 => "kind of resource".to_owned(),
        (at, _) => match given[at - 1].as_str() {
            "stream" => "stream label".to_owned(),
            "log-group" => "log group name".to_owned(),
            "log-stream" => "log stream name".to_owned(),
            kind => format!("{kind} name"),
        },
    };
    let how = if wanted[at].eq_ignore_ascii_case(&given[at]) {
        "differs in upper and lower case"
    } else {
        "differs"
    };
    (
        at,
        format!("the {what} {how} ({}, not {})", wanted[at], given[at]),
    )
}

fn other_action(actions: &Clause, action: &str) -> Option<(usize, String)> {
    if let Clause::NoneOf(patterns) = actions {
        let list = patterns.join(", ");
        return Some((400, format!("leaves this action out: NotAction {list}")));
    }
    let (service, name) = action.split_once(':')?;
    let same_service: Vec<&str> = actions
        .patterns()
        .iter()
        .filter(|pattern| {
            pattern
                .split_once(':')
                .is_some_and(|(vendor, _)| pattern::matches_action(vendor, service))
        })
        .map(String::as_str)
        .collect();
    let nearest = same_service.iter().min_by_key(|pattern| {
        let other = pattern.split_once(':').map_or("", |(_, name)| name);
        edits(&other.to_lowercase(), &name.to_lowercase())
    })?;
    let other = nearest.split_once(':').map_or("", |(_, name)| name);
    if edits(&other.to_lowercase(), &name.to_lowercase()) <= 2 {
        return Some((450, format!("allows {nearest} on it, not {action}")));
    }
    let mut list = same_service[..same_service.len().min(SHOWN)].join(", ");
    if same_service.len() > SHOWN {
        list.push('…');
    }
    Some((100, format!("allows only {list} on it")))
}

/// Least number of characters to insert, delete or replace.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

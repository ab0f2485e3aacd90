//! Two reports side by side. Pure.

use serde::{Deserialize, Serialize};

use Wish::{Less, More, Nothing};

use super::report::{Report, Tally};

/// One number of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// `Iterator age, maximum`
    pub name: String,
    /// `s`, `records`, …; empty for plain counts.
    pub unit: String,
    pub now: f64,
    pub proposed: f64,
    /// `proposed` less `now`.
    pub difference: f64,
    pub verdict: Better,
}

/// Which of two numbers one would rather have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub enum Better {
    Now,
    Proposed,
    /// They are the same, or neither is better by itself.
    Neither,
}

/// What is wished of a number.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Less,
    More,
    Nothing,
}

/// Every row, in the order in which they are shown; those that are the same, too.
pub fn compare(now: &Report, proposed: &Report) -> Vec<Row> {
    let (a, b) = (&now.total, &proposed.total);
    let row = |name: &str, unit: &str, wish, of: &dyn Fn(&Tally) -> f64| {
        row(name, unit, wish, of(a), of(b))
    };
    let count = |name: &str, unit: &str, wish, of: fn(&Tally) -> u64| {
        row(name, unit, wish, &|it| float(of(it)))
    };
    let millis = |name: &str, wish, of: fn(&Tally) -> u64| {
        row(name, "s", wish, &|it| float(of(it)) / 1000.0)
    };
    vec![
        count("Records processed", "records", More, |it| it.processed),
        count("Records filtered out", "records", Nothing, |it| {
            it.filtered_out
        }),
        count(
            "Records discarded, attempts used up",
            "records",
            Less,
            |it| it.discarded_by_attempts,
        ),
        count("Records discarded, too old", "records", Less, |it| {
            it.discarded_by_age
        }),
        count(
            "Records lost before they were read",
            "records",
            Less,
            |it| it.trimmed,
        ),
        count("Records delivered more than once", "records", Less, |it| {
            it.delivered_again
        }),
        millis("Iterator age, maximum", Less, |it| {
            it.iterator_age_maximum_in_milliseconds
        }),
        millis("Iterator age, average", Less, |it| {
            it.iterator_age_average_in_milliseconds
        }),
        millis("Done after the last record", Less, |it| {
            it.behind_in_milliseconds
        }),
        count("Invocations", "", Less, |it| it.invocations),
        row("Records per invocation", "records", Nothing, &|it| {
            super::series::rounded(float(it.deliveries) / float(it.invocations.max(1)), 1)
        }),
        count("Failed invocations", "", Less, |it| it.failures),
        count("Timeouts among them", "", Less, |it| it.timeouts),
        count("Partial batch responses", "", Nothing, |it| {
            it.partial_failures
        }),
        count("Throttles", "", Less, |it| it.throttles),
        count("Retries", "", Less, |it| it.retries),
        count("Splits", "", Nothing, |it| it.splits),
        count("Concurrency, maximum", "", Nothing, |it| {
            u64::from(it.concurrency_maximum)
        }),
        count("Cold starts", "", Less, |it| it.cold_starts),
        millis("Duration of all invocations", Less, |it| {
            it.duration_in_milliseconds
        }),
        row("Cost estimate", "GB-s", Less, &|it| it.gigabyte_seconds),
        count("Polls", "", Nothing, |it| it.polls),
    ]
}

fn row(name: &str, unit: &str, wish: Wish, now: f64, proposed: f64) -> Row {
    let less = if proposed < now {
        Better::Proposed
    } else {
        Better::Now
    };
    let more = if proposed < now {
        Better::Now
    } else {
        Better::Proposed
    };
    let is_same = (proposed - now).abs() < 1e-9;
    Row {
        name: name.to_owned(),
        unit: unit.to_owned(),
        now,
        proposed,
        difference: super::series::rounded(proposed - now, 6),
        verdict: match wish {
            _ if is_same => Better::Neither,
            Less => less,
            More => more,
            Nothing => Better::Neither,
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

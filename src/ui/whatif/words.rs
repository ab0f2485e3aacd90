//! Numbers of reports as people read them. Pure.

use crate::ui::widgets::form::grouped;

/// `1,204`, `0.25 s`, `12.5 GB-s`; at most three decimals, fewer for large numbers.
pub(super) fn number(value: f64, unit: &str) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.parse::<i64>().map_or(text, grouped)
    };
    let text = if text == "-0" { "0".to_owned() } else { text };
    // The name of a row says what it counts.
    match unit {
        "" | "records" => text,
        unit => format!("{text} {unit}"),
    }
}

/// With its sign: `+3`, `-0.5 s`.
pub(super) fn difference(value: f64, unit: &str) -> String {
    let text = number(value, unit);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_say_something() {
        for (value, unit, words) in [
            (0.0, "", "0"),
            (1204.0, "records", "1,204"),
            (0.2501, "s", "0.25 s"),
            (12.34, "s", "12.3 s"),
            (-0.000_01, "s", "0 s"),
            (86_400.4, "s", "86,400 s"),
        ] {
            assert_eq!(number(value, unit), words);
        }
        assert_eq!(difference(3.0, ""), "+3");
        assert_eq!(difference(-1.5, "s"), "-1.5 s");
    }
}

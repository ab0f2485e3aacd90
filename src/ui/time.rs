//! Times as people read them. Knows no clock: every function is told the time.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::macros::format_description;

/// `12:04:31.220`, UTC.
pub fn clock(at: SystemTime) -> String {
    let form = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
    OffsetDateTime::from(at).format(form).unwrap_or_default()
}

/// `12:04:31`, UTC.
pub fn clock_secs(at: SystemTime) -> String {
    let form = format_description!("[hour]:[minute]:[second]");
    OffsetDateTime::from(at).format(form).unwrap_or_default()
}

/// `12:04`, UTC.
pub fn clock_minutes(at: SystemTime) -> String {
    let form = format_description!("[hour]:[minute]");
    OffsetDateTime::from(at).format(form).unwrap_or_default()
}

/// `2026-11-21 12:04:31 UTC`.
pub fn date_time(at: SystemTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from(at).format(form).unwrap_or_default()
}

/// `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`.
pub fn ago(at: SystemTime, now: SystemTime) -> String {
    let Ok(passed) = now.duration_since(at) else {
        return "just now".to_owned();
    };
    match passed.as_secs() {
        0..=1 => "just now".to_owned(),
        s @ 2..=59 => format!("{s} s ago"),
        s @ 60..=3599 => format!("{} min ago", s / 60),
        s @ 3600..=172_799 => format!("{} h ago", s / 3600),
        s => format!("{} days ago", s / 86_400),
    }
}

/// `380 µs`, `38 ms`, `4.2 s`, `1 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0 if duration.as_millis() == 0 => format!("{} µs", duration.as_micros()),
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=3599 => format!("{} min {} s", secs / 60, secs % 60),
        3600..=86_399 => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
        _ => format!("{} d {} h", secs / 86_400, secs % 86_400 / 3600),
    }
}

/// How long [`ago`] stays true.
pub fn ago_changes_in(at: SystemTime, now: SystemTime) -> Duration {
    let passed = now.duration_since(at).unwrap_or_default();
    let step = match passed.as_secs() {
        0..=59 => 1,
        60..=3599 => 60,
        _ => 3600,
    };
    Duration::from_secs(step - passed.as_secs() % step)
}

/// A label that says how long ago it was and keeps itself true; the exact time on hover.
pub fn ago_ui(ui: &mut egui::Ui, at: SystemTime, now: SystemTime) -> egui::Response {
    ui.ctx().request_repaint_after(ago_changes_in(at, now));
    ui.weak(ago(at, now)).on_hover_text(date_time(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rounded_down_to_one_unit() {
        let then = SystemTime::UNIX_EPOCH;
        let after = |secs| ago(then, then + Duration::from_secs(secs));
        assert_eq!(after(1), "just now");
        assert_eq!(after(59), "59 s ago");
        assert_eq!(after(119), "1 min ago");
        assert_eq!(after(7200), "2 h ago");
        assert_eq!(after(200_000), "2 days ago");
        assert_eq!(ago(then + Duration::from_secs(9), then), "just now");
    }

    #[test]
    fn spans_keep_two_units_at_most() {
        assert_eq!(span(Duration::from_micros(380)), "380 µs");
        assert_eq!(span(Duration::from_millis(38)), "38 ms");
        assert_eq!(span(Duration::from_millis(4200)), "4.2 s");
        assert_eq!(span(Duration::from_secs(80)), "1 min 20 s");
        assert_eq!(span(Duration::from_mins(125)), "2 h 5 min");
    }

    #[test]
    fn the_clock_shows_milliseconds() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(43_471_220);
        assert_eq!(clock(moment), "12:04:31.220");
        assert_eq!(clock_secs(moment), "12:04:31");
        assert_eq!(clock_minutes(moment), "12:04");
        assert_eq!(date_time(moment), "1970-01-01 12:04:31 UTC");
    }
}

//! Log lines as rows of a grid.

use egui::{Label, RichText, Ui};

use crate::aws::logs::LogLine;
use crate::ui::widgets::Rows;
use crate::ui::{theme, time};

pub(super) struct Lines<'a>(pub(super) &'a [LogLine]);

impl Lines<'_> {
    fn line(&self, row: u64) -> Option<&LogLine> {
        self.0.get(usize::try_from(row).ok()?)
    }
}

impl Rows for Lines<'_> {
    fn cell(&mut self, ui: &mut Ui, row: u64, column: usize) {
        let Some(line) = self.line(row) else { return };
        let tokens = theme::of(ui);
        let level = level(&line.message);
        let color = match level {
            "ERROR" => tokens.failed,
            "WARN" => tokens.retry,
            "" => tokens.text_muted,
            _ => tokens.text,
        };
        let text = match column {
            0 => RichText::new(time::clock(line.at)).color(tokens.text_muted),
            1 => RichText::new(level).color(color),
            _ => RichText::new(one_line(&line.message)).color(color),
        };
        ui.add(Label::new(text.monospace()).truncate().selectable(false));
    }

    fn label(&self, row: u64) -> String {
        self.line(row).map_or_else(String::new, |line| {
            format!("Log line {}, {}", row + 1, one_line(&line.message))
        })
    }

    fn text(&self, row: u64, column: usize) -> String {
        let Some(line) = self.line(row) else {
            return String::new();
        };
        match column {
            0 => time::date_time(line.at),
            1 => level(&line.message).to_owned(),
            _ => line.message.clone(),
        }
    }
}

/// The level of a line, empty for the platform's own (START, END, REPORT).
fn level(message: &str) -> &'static str {
    let platform = [
        "START RequestId",
        "END RequestId",
        "REPORT RequestId",
        "INIT_START",
    ];
    if platform.iter().any(|it| message.starts_with(it)) {
        return "";
    }
    let third = message.split('\t').nth(2).unwrap_or_default();
    let known = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    if let Some(level) = known.iter().find(|level| **level == third) {
        return level;
    }
    if message.contains("[ERROR]") || message.contains("Task timed out") {
        return "ERROR";
    }
    "INFO"
}

/// What was said, without the time and request id that stand in columns of their own.
fn one_line(message: &str) -> String {
    let mut parts = message.trim_end().splitn(4, '\t');
    let said = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(time), Some(_), Some(_), Some(said)) if time.ends_with('Z') => said,
        _ => message.trim_end(),
    };
    said.replace(['\r', '\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_line_shows_what_was_said_and_its_level() {
        let line = "2026-01-01T00:00:00.000Z\tabc\tERROR\tno\rqty";
        assert_eq!(level(line), "ERROR");
        assert_eq!(one_line(line), "no qty");
    }

    #[test]
    fn the_platforms_own_lines_have_no_level() {
        assert_eq!(level("START RequestId: a Version: $LATEST"), "");
        assert_eq!(
            level("2026-01-01T00:00:03.000Z a Task timed out after 3.00 seconds"),
            "ERROR"
        );
        assert_eq!(level("hello"), "INFO");
    }
}

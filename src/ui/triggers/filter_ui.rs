//! Which of the stream's records the filters keep, and why one is not kept, leaf by leaf.

use egui::{RichText, Ui};

use crate::mapping::Record;
use crate::mapping::filter::{Filters, Leaf, Pattern};
use crate::ui::theme;
use crate::ui::widgets::{Icon, icon};

/// Records offered for a closer look.
const LISTED_MAX: usize = 50;

/// Draws the verdicts for the newest records; `chosen` is the record explained, newest first.
pub(super) fn show(ui: &mut Ui, filters: &[String], records: &[Record], chosen: &mut usize) {
    let patterns: Vec<String> = filters
        .iter()
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty())
        .collect();
    let Ok(parsed) = Filters::parse(&patterns) else {
        return;
    };
    if patterns.is_empty() || records.is_empty() {
        return;
    }
    let newest: Vec<&Record> = records.iter().rev().take(LISTED_MAX).collect();
    *chosen = (*chosen).min(newest.len() - 1);
    let tokens = theme::of(ui);
    ui.add_space(theme::GUTTER);
    ui.horizontal(|ui| {
        ui.weak("Tried on");
        let record = newest[*chosen];
        let text = |record: &Record| format!("{} {}", record.event_name.as_str(), record.key);
        let picker = egui::ComboBox::new("filter record", "")
            .selected_text(text(record))
            .width(280.0)
            .show_ui(ui, |ui| {
                for (nth, record) in newest.iter().enumerate() {
                    let mark = if parsed.pass(&record.event) {
                        "kept"
                    } else {
                        "skipped"
                    };
                    let words = format!("{mark} · {}", text(record));
                    ui.selectable_value(chosen, nth, words);
                }
            });
        picker
            .response
            .accessible_name("Record to try the filters on");
        let (sign, color, words) = if parsed.pass(&record.event) {
            (Icon::Ok, tokens.ok, "kept")
        } else {
            (Icon::Filtered, tokens.filtered, "skipped")
        };
        icon::show(ui, sign, color);
        ui.colored_label(color, words);
    });
    let record = newest[*chosen];
    for text in &patterns {
        if let Ok(pattern) = Pattern::parse(text) {
            for leaf in pattern.explain(&record.event) {
                leaf_ui(ui, &leaf);
            }
        }
    }
}

fn leaf_ui(ui: &mut Ui, leaf: &Leaf) {
    let tokens = theme::of(ui);
    ui.horizontal_wrapped(|ui| {
        let (sign, color) = if leaf.matched {
            (Icon::Ok, tokens.ok)
        } else {
            (Icon::Failed, tokens.filtered)
        };
        icon::show(ui, sign, color);
        ui.label(RichText::new(&*leaf.path).monospace());
        let actual = leaf.actual.as_deref().unwrap_or("nothing");
        ui.label(format!("is {actual}, wanted {}", leaf.wanted));
        if let Some(hint) = leaf.hint {
            ui.colored_label(tokens.retry, hint.words());
        }
    });
}

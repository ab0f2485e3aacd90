//! The sheet of keyboard shortcuts.

use egui::{Context, Id, Modal, RichText, Ui};

use super::commands::Command;
use super::theme;

/// Keys that belong to screens, in the words of their buttons.
const ON_SCREENS: &[(&str, &[(&str, &str)])] = &[
    (
        "Lists and grids",
        &[
            ("J  K  ↓  ↑", "Next and previous row"),
            ("Shift ↓  Shift ↑", "Choose more rows"),
            ("Enter", "Open"),
            ("Ctrl A", "Choose all"),
            ("Ctrl C", "Copy chosen rows"),
        ],
    ),
    (
        "Stream",
        &[
            ("Space", "Pause or go on"),
            ("D", "Show what changed"),
            ("F", "Filter"),
            ("Shift F", "Follow this key"),
            ("T", "Make a test event"),
        ],
    ),
    (
        "Items and code",
        &[
            ("Ctrl Enter", "Run the query or the test"),
            ("Ctrl S", "Save, deploy or commit"),
            ("Ctrl F", "Find in code"),
            ("Ctrl Z", "Undo"),
            ("Esc", "Close or go back"),
        ],
    ),
    (
        "Batches and triggers",
        &[
            ("P", "Pause or resume the poller"),
            ("S", "Step one batch of a paused poller"),
            ("Shift S", "Step one poll of a paused poller"),
            ("R", "Replay the batch"),
        ],
    ),
];

/// Draws the sheet; false when it was closed.
pub(super) fn ui(ctx: &Context) -> bool {
    let frame = theme::dialog(&ctx.global_style());
    let modal = Modal::new(Id::unique("shortcuts"))
        .frame(frame)
        .show(ctx, |ui| {
            ui.set_width(720.0);
            let closed = ui
                .horizontal(|ui| {
                    let title = RichText::new("Keyboard shortcuts").text_style(theme::title());
                    ui.label(title.strong());
                    let corner = egui::Layout::right_to_left(egui::Align::Center);
                    ui.with_layout(corner, |ui| ui.button("Close").clicked())
                        .inner
                })
                .inner;
            ui.add_space(theme::GUTTER);
            ui.columns_const(|[left, right]| {
                console_ui(left);
                for (title, rows) in ON_SCREENS {
                    group_ui(right, title, rows.iter().copied());
                }
            });
            closed
        });
    !(modal.inner || modal.should_close())
}

fn console_ui(ui: &mut Ui) {
    let ctx = ui.ctx().clone();
    let mut rows = vec![
        ("Ctrl 1 … 9".to_owned(), "Screens of the rail"),
        ("?".to_owned(), Command::Shortcuts.title()),
    ];
    for command in Command::ALL {
        if let Some(keys) = command.keys().first() {
            rows.push((ctx.format_shortcut(keys).replace('+', " "), command.title()));
        }
    }
    let rows = rows.iter().map(|(keys, words)| (keys.as_str(), *words));
    group_ui(ui, "Everywhere", rows);
}

fn group_ui<'a>(ui: &mut Ui, title: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    let tokens = theme::of(ui);
    ui.label(RichText::new(title).small().color(tokens.text_muted));
    egui::Grid::new(title)
        .num_columns(2)
        .min_col_width(136.0)
        .show(ui, |ui| {
            for (keys, words) in rows {
                ui.label(RichText::new(keys).monospace().color(tokens.text_strong));
                ui.label(words);
                ui.end_row();
            }
        });
    ui.add_space(theme::GUTTER);
}

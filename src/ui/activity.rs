//! The drawer at the bottom: the API calls of the local cloud, as they happen.

use egui::{Align, Layout, RichText, Sense, Ui};

use super::cx::Cx;
use super::widgets::data_grid::Rows;
use super::widgets::{Column, DataGrid, Health, Icon, Selection, chip, icon};
use super::{theme, time};
use crate::aws::local::{self, CallRow};

pub(super) const CLOSED: f32 = 28.0;
pub(super) const OPEN: f32 = 220.0;
/// Calls named while the drawer is closed.
const NAMED_CLOSED: usize = 3;

/// The last API calls and how they are shown.
#[derive(Default)]
pub(super) struct Activity {
    pub(super) is_open: bool,
    /// Calls of pollers and functions as well.
    everyone: bool,
    calls: Vec<CallRow>,
    /// How many there had been when they were taken.
    seen: u64,
    /// What is listed, newest last: indices into the calls.
    listed: Vec<usize>,
    selection: Selection,
}

/// Who the user is among the callers.
const YOU: &str = "you";

impl Activity {
    /// Takes the calls when there are new ones of those that are shown. Pollers never end, so theirs
    /// count only while they are looked at.
    pub(super) fn update(&mut self, cx: &Cx<'_>) {
        let (mine, all) = local::calls_answered(cx.aws);
        let count = if self.everyone && self.is_open {
            all
        } else {
            mine
        };
        if count != self.seen {
            self.seen = count;
            self.calls = local::calls(cx.aws).unwrap_or_default();
            self.list();
        }
    }

    fn list(&mut self) {
        let calls = &self.calls;
        self.listed = (0..calls.len())
            .filter(|nth| self.everyone || calls[*nth].caller == YOU)
            .collect();
        self.selection.clear();
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let head = self.head_ui(ui, cx);
        if head {
            self.is_open = !self.is_open;
        }
        if self.is_open {
            self.calls_ui(ui);
        }
    }

    /// True when it was clicked.
    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> bool {
        let mut clicked = false;
        let row = egui::vec2(ui.available_width(), CLOSED - 1.0);
        let layout = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(row, layout, |ui| {
            ui.add_space(8.0);
            let (sign, name) = if self.is_open {
                (Icon::ChevronDown, "Hide activity")
            } else {
                (Icon::ChevronUp, "Show activity")
            };
            let words = (RichText::new("Activity").small(), icon::text(sign).small());
            let button = egui::Button::new(words).frame_when_inactive(false);
            clicked = icon::add(ui, button, name).clicked();
            if !cx.aws.is_local() {
                ui.weak(RichText::new("API calls are recorded in the local cloud only").small());
                return;
            }
            if self.is_open {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(8.0);
                    let words = RichText::new("Pollers and functions as well").small();
                    if ui.checkbox(&mut self.everyone, words).changed() {
                        // Taken again at the next frame.
                        self.seen = 0;
                    }
                });
            } else {
                self.last_ui(ui);
            }
        });
        clicked
    }

    fn last_ui(&self, ui: &mut Ui) {
        let calls = &self.calls;
        for nth in self.listed.iter().rev().take(NAMED_CLOSED) {
            let call = &calls[*nth];
            let (health, word) = verdict(call);
            let at = time::clock(call.at);
            let name = format!("{} {} {at}", call.operation, call.subject);
            ui.weak(RichText::new(name).small());
            if !call.injected.is_empty() {
                ui.weak(RichText::new("injected:").small());
            }
            if health != Health::Ok {
                let color = health.color(theme::of(ui));
                ui.label(RichText::new(word).small().color(color));
            }
            ui.add_space(theme::GUTTER);
        }
    }

    /// The grid of calls, in all the room there is.
    pub(super) fn calls_ui(&mut self, ui: &mut Ui) {
        let calls = &self.calls;
        if self.listed.is_empty() {
            ui.centered_and_justified(|ui| ui.weak("No calls yet"));
            return;
        }
        let columns = [
            Column::new("Time", 120.0).note("UTC"),
            Column::new("Service", 90.0),
            Column::new("Operation", 220.0),
            Column::new("About", 240.0),
            Column::new("Answer", 240.0),
            Column::new("Took", 90.0).right(),
            Column::new("Caller", 180.0),
        ];
        let mut rows = Calls {
            calls,
            listed: &self.listed,
        };
        DataGrid::new("API calls", &columns, self.listed.len() as u64)
            .stick_to_bottom(true)
            .show(ui, &mut self.selection, &mut rows);
    }
}

fn verdict(call: &CallRow) -> (Health, String) {
    match (call.status, call.code) {
        (200..=299, _) => (Health::Ok, call.status.to_string()),
        (429, code) => (Health::Retry, code.unwrap_or("throttled").to_owned()),
        (status, Some(code)) => (Health::Failed, format!("{status} {code}")),
        (status, None) => (Health::Failed, status.to_string()),
    }
}

/// The answer in words, with what was made to go wrong.
fn answer(call: &CallRow) -> String {
    let (_, words) = verdict(call);
    if call.injected.is_empty() {
        words
    } else {
        format!("{words} (injected: {})", call.injected)
    }
}

struct Calls<'a> {
    calls: &'a [CallRow],
    listed: &'a [usize],
}

impl Calls<'_> {
    fn at(&self, row: u64) -> Option<&CallRow> {
        let nth = self.listed.get(usize::try_from(row).ok()?)?;
        self.calls.get(*nth)
    }
}

impl Rows for Calls<'_> {
    fn cell(&mut self, ui: &mut Ui, row: u64, column: usize) {
        let Some(call) = self.at(row) else { return };
        let tokens = theme::of(ui);
        if column == 4 {
            let (health, words) = verdict(call);
            chip::dot(ui, health, &words);
            let color = if health == Health::Ok {
                tokens.text_muted
            } else {
                health.color(tokens)
            };
            ui.label(RichText::new(words).color(color));
            if !call.injected.is_empty() {
                chip::plain(ui, "injected").on_hover_text(&call.injected);
            }
            return;
        }
        let text = RichText::new(self.text(row, column));
        ui.add(
            egui::Label::new(match column {
                0 | 5 => text.monospace().color(tokens.text_muted),
                2 => text.color(tokens.text_strong),
                3 => text.monospace(),
                _ => text.color(tokens.text_muted),
            })
            .sense(Sense::empty()),
        );
    }

    fn label(&self, row: u64) -> String {
        let Some(call) = self.at(row) else {
            return String::new();
        };
        format!("{} {}, {}", call.operation, call.subject, answer(call))
    }

    fn text(&self, row: u64, column: usize) -> String {
        let Some(call) = self.at(row) else {
            return String::new();
        };
        match column {
            0 => time::clock(call.at),
            1 => call.service.to_owned(),
            2 => call.operation.clone(),
            3 => call.subject.clone(),
            4 => answer(call),
            5 => time::span(call.took),
            _ => call.caller.clone(),
        }
    }
}

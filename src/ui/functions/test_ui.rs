//! Calls a function by hand: an event to edit, and everything that came back.

use egui::{Key, KeyboardShortcut, Modifiers, RichText, Ui};
use serde_json::Value;

use crate::aws::{self, samples};
use crate::mapping::progress::Answer;
use crate::ui::qualifier::Qualifier;
use crate::ui::widgets::{CodeEditor, Icon, column, icon, json_view};
use crate::ui::{Cx, Remote, theme, time};

/// What is called without a version or an alias.
const LATEST: &str = "$LATEST";
const RUN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);

pub(super) struct TestTab {
    event: CodeEditor,
    qualifier: Qualifier,
    result: Remote<Called>,
    /// What is wrong with the event.
    wrong: Option<String>,
}

/// What came back, and of what.
struct Called {
    /// `on-order`, `on-order:live`
    name: String,
    answer: Answer,
}

impl Default for TestTab {
    fn default() -> Self {
        let text = samples::EVENTS.first().map_or("{}", |it| it.text);
        Self {
            event: CodeEditor::new(text, "json"),
            qualifier: Qualifier::default(),
            result: Remote::default(),
            wrong: None,
        }
    }
}

impl TestTab {
    pub(super) fn set_event(&mut self, event: String) {
        self.event.set_text(event);
        self.wrong = None;
        self.result.clear();
    }

    /// The tab was opened: there may be other versions and aliases now.
    pub(super) fn look_again(&mut self) {
        self.qualifier.ask_again();
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str, undeployed: bool) {
        self.result.poll();
        self.qualifier.poll(cx, name);
        let size = ui.available_size();
        ui.horizontal_top(|ui| {
            let half = (size.x - theme::SECTION_GAP) / 2.0;
            column(ui, half, size.y, |ui| self.event_ui(ui, cx));
            ui.separator();
            let rest = ui.available_width();
            column(ui, rest, size.y, |ui| self.result_ui(ui, undeployed));
        });
    }

    fn event_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let run_pressed = ui.input_mut(|input| input.consume_shortcut(&RUN));
        ui.horizontal(|ui| {
            ui.label(RichText::new("Test event").text_style(theme::subtitle()));
            let picker = egui::ComboBox::new("event template", "")
                .selected_text("Template")
                .show_ui(ui, |ui| {
                    for event in samples::EVENTS {
                        if ui.selectable_label(false, event.name).clicked() {
                            self.event.set_text(event.text);
                            self.wrong = None;
                        }
                    }
                });
            picker.response.accessible_name("Event template");
            if ui.button("Format").clicked() {
                match serde_json::from_str::<Value>(self.event.text()) {
                    Ok(value) => self.event.set_text(json_view::pretty(&value)),
                    Err(error) => self.wrong = Some(error.to_string()),
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let busy = self.result.is_pending();
                let test = ui.add_enabled_ui(!busy, |ui| {
                    icon::primary(ui, Icon::Play, "Test").on_hover_text("Ctrl Enter")
                });
                if test.inner.clicked() || (run_pressed && !busy) {
                    self.run(cx);
                }
                self.qualifier.picker_ui(ui, LATEST);
            });
        });
        if let Some(error) = self.qualifier.error() {
            crate::ui::remote::error_ui(ui, error);
        }
        if let Some(wrong) = &self.wrong {
            let tokens = theme::of(ui);
            ui.colored_label(tokens.failed, format!("The event is not JSON: {wrong}"));
        }
        if self.event.ui(ui, "Test event") {
            self.wrong = None;
        }
    }

    fn run(&mut self, cx: &Cx<'_>) {
        if let Err(error) = serde_json::from_str::<Value>(self.event.text()) {
            self.wrong = Some(error.to_string());
            return;
        }
        self.wrong = None;
        let payload = self.event.text().to_owned();
        let name = self.qualifier.name();
        let answer = aws::lambda::invoke(cx.aws.clone(), name.clone(), payload);
        self.result.start(cx, async move {
            let answer = answer.await?;
            Ok(Called { name, answer })
        });
    }

    fn result_ui(&mut self, ui: &mut Ui, undeployed: bool) {
        ui.label(RichText::new("Result").text_style(theme::subtitle()));
        // What was published does not change any more.
        if undeployed && self.qualifier.chosen().is_empty() {
            let tokens = theme::of(ui);
            ui.colored_label(
                tokens.retry,
                "The code was changed and not deployed: the test runs what is deployed",
            );
        }
        if let Some(error) = self.result.error() {
            crate::ui::remote::error_ui(ui, error);
        }
        if self.result.is_pending() {
            crate::ui::remote::loading_ui(ui);
        }
        let Some(called) = self.result.value() else {
            if self.result.is_idle() {
                ui.weak("Choose Test to call the function with this event");
            }
            return;
        };
        egui::ScrollArea::both()
            .id_salt("test result")
            .auto_shrink(false)
            .show(ui, |ui| answer_ui(ui, called));
    }
}

fn answer_ui(ui: &mut Ui, called: &Called) {
    let answer = &called.answer;
    let tokens = theme::of(ui);
    ui.horizontal(|ui| {
        let failed = answer.function_error.is_some();
        let (sign, color, words) = if failed {
            (Icon::Failed, tokens.failed, "Execution result: failed")
        } else {
            (Icon::Ok, tokens.ok, "Execution result: succeeded")
        };
        icon::show(ui, sign, color);
        ui.label(RichText::new(words).strong().color(color));
        ui.weak(time::span(answer.took));
    });
    egui::Grid::new("answer facts")
        .num_columns(2)
        .spacing([24.0, 4.0])
        .show(ui, |ui| {
            let mut row = |name: &str, value: &str| {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            };
            row("Called", &called.name);
            row("Request id", &answer.request_id);
            row("Executed version", &answer.executed_version);
            for (name, value) in report(&answer.log_tail) {
                row(&name, &value);
            }
        });
    ui.add_space(theme::GUTTER);
    ui.label(RichText::new("Returned").strong());
    let payload = serde_json::from_str::<Value>(&answer.payload).map_or_else(
        |_| answer.payload.clone(),
        |value| json_view::pretty(&value),
    );
    ui.add(egui::Label::new(RichText::new(payload).monospace()).extend());
    ui.add_space(theme::GUTTER);
    ui.label(RichText::new("Log").strong());
    let log = answer.log_tail.trim_end().replace('\r', "\n");
    let log = if log.is_empty() {
        "No log lines".to_owned()
    } else {
        log
    };
    ui.add(egui::Label::new(RichText::new(log).monospace()).extend());
}

/// The facts of the log's REPORT line: duration, billed duration, memory.
fn report(log: &str) -> Vec<(String, String)> {
    let line = log.lines().rev().find(|it| it.starts_with("REPORT "));
    let facts = line.unwrap_or_default().split('\t').skip(1);
    facts
        .filter_map(|fact| fact.trim().split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_line_gives_duration_and_memory() {
        let log = "END RequestId: a\nREPORT RequestId: a\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t";
        let facts = report(log);
        assert_eq!(facts[0], ("Duration".to_owned(), "1.23 ms".to_owned()));
        assert_eq!(facts.len(), 3);
    }
}

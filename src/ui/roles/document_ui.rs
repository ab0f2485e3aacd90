//! A policy document being edited: code, what is wrong with it beside its line and below, and what is not saved yet.

use egui::{Key, KeyboardShortcut, Modifiers, RichText, Ui};

use super::documents::{self, Kind, Violation};
use crate::ui::theme;
use crate::ui::widgets::{CodeEditor, Icon, Mark, form, icon};

const SAVE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::S);

/// Height of the editors of this screen.
pub(super) const HEIGHT: f32 = 260.0;

pub(super) struct DocumentEditor {
    kind: Kind,
    editor: CodeEditor,
    saved: String,
    violation: Option<Violation>,
}

impl DocumentEditor {
    pub(super) fn new(kind: Kind, document: &str) -> Self {
        let text = documents::pretty(document);
        Self {
            kind,
            editor: CodeEditor::new(text.clone(), "json"),
            violation: documents::violation(kind, &text),
            saved: text,
        }
    }

    pub(super) fn text(&self) -> &str {
        self.editor.text()
    }

    pub(super) fn is_changed(&self) -> bool {
        self.editor.text() != self.saved
    }

    /// Fit to be sent, as far as can be told from here.
    pub(super) fn is_fine(&self) -> bool {
        self.violation.is_none()
    }

    /// `name` is the editor's accessible name.
    pub(super) fn ui(&mut self, ui: &mut Ui, name: &str, height: f32) {
        let tokens = theme::of(ui);
        egui::Frame::new()
            .stroke(egui::Stroke::new(1.0, tokens.line_strong))
            .corner_radius(4)
            .show(ui, |ui| {
                let size = egui::vec2(ui.available_width(), height);
                ui.allocate_ui(size, |ui| {
                    if self.editor.ui(ui, name) {
                        self.judge();
                    }
                });
            });
        match &self.violation {
            Some(it) => form::violation(ui, &format!("Line {}: {}", it.line, it.message)),
            None => {
                ui.horizontal(|ui| {
                    icon::show(ui, Icon::Ok, tokens.ok);
                    ui.weak(RichText::new("Valid JSON with every member it needs").small());
                });
            }
        }
    }

    fn judge(&mut self) {
        self.violation = documents::violation(self.kind, self.editor.text());
        let marks = self.violation.iter().map(|it| Mark {
            line: it.line,
            message: it.message.clone(),
        });
        self.editor.set_marks(marks.collect());
    }
}

/// Ctrl S, once.
pub(super) fn save_pressed(ui: &Ui) -> bool {
    ui.input_mut(|input| input.consume_shortcut(&SAVE))
}

/// A document to read, not to edit; long lines scroll.
pub(super) fn document_ui(ui: &mut Ui, name: &str, document: &str) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .fill(tokens.canvas)
        .stroke(egui::Stroke::new(1.0, tokens.line))
        .inner_margin(theme::GUTTER)
        .show(ui, |ui| {
            egui::ScrollArea::horizontal()
                .id_salt(("document", name))
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    let text = RichText::new(documents::pretty(document)).monospace();
                    ui.add(egui::Label::new(text).selectable(true).extend());
                });
        });
}

//! The question before something that cannot be taken back. Esc says no; dangerous things want their name typed.

use egui::{Context, Id, Key, Modal, RichText, TextEdit};

use super::icon::{self, Icon};
use crate::ui::theme;

/// A question that is open. Keep it in an `Option` and draw it every frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirm {
    /// `Delete table Orders`; also the words of the button.
    pub verb: String,
    /// What will happen, one paragraph each.
    pub consequences: Vec<String>,
    /// The user has to type exactly this.
    pub name_to_type: Option<String>,
    /// The equivalent call, shown in full.
    pub call: Option<String>,
    typed: String,
}

impl Confirm {
    /// `verb` says verb and object, and so does the button.
    pub fn new(verb: impl Into<String>) -> Self {
        Self {
            verb: verb.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn consequence(mut self, text: impl Into<String>) -> Self {
        self.consequences.push(text.into());
        self
    }

    #[must_use]
    pub fn type_to_confirm(mut self, name: impl Into<String>) -> Self {
        self.name_to_type = Some(name.into());
        self
    }

    /// Shows the exact API call.
    #[must_use]
    pub fn call(mut self, call: impl Into<String>) -> Self {
        self.call = Some(call.into());
        self
    }

    /// Draws it over everything. `Some(true)` is yes, `Some(false)` is no; drop the question then.
    pub fn ui(&mut self, ctx: &Context) -> Option<bool> {
        let mut answer = None;
        let frame = theme::dialog(&ctx.global_style());
        let modal = Modal::new(Id::unique("confirm"))
            .frame(frame)
            .show(ctx, |ui| {
                ui.set_width(440.0);
                let tokens = theme::of(ui);
                ui.label(
                    RichText::new(format!("{}?", self.verb))
                        .text_style(theme::title())
                        .color(tokens.text_strong),
                );
                for text in &self.consequences {
                    ui.label(text);
                }
                if let Some(call) = &self.call {
                    ui.label(RichText::new(call).monospace().color(tokens.text_muted));
                }
                let mut entered = false;
                if let Some(name) = &self.name_to_type {
                    let asked = ui.label(format!("Type {name} to confirm"));
                    let field = TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY);
                    let field = ui.add(field).labelled_by(asked.id);
                    entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                    if !ui.memory(|memory| memory.focused().is_some()) {
                        field.request_focus();
                    }
                }
                ui.add_space(theme::GUTTER);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let allowed = self.is_satisfied();
                    ui.add_enabled_ui(allowed, |ui| {
                        let words = RichText::new(&self.verb).color(tokens.failed);
                        let button =
                            egui::Button::new(words).stroke(egui::Stroke::new(1.0, tokens.failed));
                        if icon::add(ui, button, &self.verb).clicked() || (entered && allowed) {
                            answer = Some(true);
                        }
                    });
                    if ui.button("Cancel").clicked() {
                        answer = Some(false);
                    }
                });
            });
        if modal.should_close() {
            answer = Some(false);
        }
        answer
    }

    fn is_satisfied(&self) -> bool {
        self.name_to_type
            .as_ref()
            .is_none_or(|name| *name == self.typed)
    }
}

/// An icon that warns, with words: shown where something deserves a second look.
pub fn warning(ui: &mut egui::Ui, words: &str) -> egui::Response {
    ui.horizontal(|ui| {
        let color = theme::of(ui).retry;
        icon::show(ui, Icon::Warning, color);
        ui.label(words)
    })
    .inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::{Harness, kittest::Queryable as _};

    fn harness(question: Confirm) -> Harness<'static, (Confirm, Option<bool>)> {
        let mut harness = Harness::builder()
            .with_context_setup(|ctx| {
                theme::install(ctx);
                icon::install(ctx);
            })
            .build_ui_state(
                |ui, (question, answer): &mut (Confirm, Option<bool>)| {
                    *answer = answer.or(question.ui(ui.ctx()));
                },
                (question, None),
            );
        harness.run();
        harness
    }

    #[test]
    fn a_dangerous_thing_wants_its_name_typed() {
        let mut it = harness(Confirm::new("Delete table Orders").type_to_confirm("Orders"));
        it.get_by_label("Delete table Orders").click();
        it.run();
        assert_eq!(it.state().1, None);
        it.get_by_label("Type Orders to confirm")
            .type_text("Orders");
        it.run();
        it.key_press(Key::Enter);
        it.run();
        assert_eq!(it.state().1, Some(true));
    }

    #[test]
    fn escape_means_no() {
        let mut it = harness(Confirm::new("Purge queue orders-dlq").call("PurgeQueue"));
        it.key_press(Key::Escape);
        it.run();
        assert_eq!(it.state().1, Some(false));
    }
}

//! Which version or alias of its function a new trigger is to call.

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::Ui;

use crate::aws::{self, lambda::Versions};
use crate::ui::widgets::form;
use crate::ui::{Cx, Remote};

const LATEST: &str = "$LATEST";
const NONE: &str = "The function itself";

#[derive(Default)]
pub(super) struct QualifierForm {
    /// Empty for the function itself.
    chosen: String,
    /// The function whose versions and aliases are listed.
    function: String,
    listed: Remote<Versions>,
    /// The name that was asked for, with its qualifier.
    asked: String,
    called: Remote<FunctionConfiguration>,
}

impl QualifierForm {
    /// Asks for what belongs to this function.
    pub(super) fn poll(&mut self, cx: &Cx<'_>, function: &str) {
        if self.function != function {
            *self = Self {
                function: function.to_owned(),
                ..Self::default()
            };
            let list = aws::lambda::list_versions(cx.aws.clone(), function.to_owned());
            self.listed.start(cx, list);
        }
        self.listed.poll();
        self.called.poll();
        let name = self.name();
        if !self.chosen.is_empty() && self.asked != name {
            self.asked.clone_from(&name);
            self.called.clear();
            let get = aws::lambda::get_configuration(cx.aws.clone(), name);
            self.called.start(cx, get);
        }
    }

    /// As the API has it: `bill`, `bill:live`.
    pub(super) fn name(&self) -> String {
        if self.chosen.is_empty() {
            return self.function.clone();
        }
        format!("{}:{}", self.function, self.chosen)
    }

    /// The settings of what is called, once they are there; `function` are those of the function itself.
    pub(super) fn called<'a>(
        &'a self,
        function: Option<&'a FunctionConfiguration>,
    ) -> Option<&'a FunctionConfiguration> {
        if self.chosen.is_empty() {
            return function;
        }
        self.called.value()
    }

    /// Nothing where there is nothing to choose from.
    pub(super) fn ui(&mut self, ui: &mut Ui) {
        let Some(listed) = self.listed.value() else {
            return;
        };
        let aliases = listed.aliases.iter().filter_map(|it| it.name());
        let versions = listed.versions.iter().filter_map(|it| it.version());
        let versions = versions.filter(|it| *it != LATEST);
        let choices: Vec<&str> = aliases.chain(versions).collect();
        if choices.is_empty() {
            return;
        }
        let shown = if self.chosen.is_empty() {
            NONE
        } else {
            &self.chosen
        }
        .to_owned();
        let help = "An alias is followed with every batch";
        form::row(ui, "Version or alias", help, None, |ui| {
            egui::ComboBox::new("qualifier", "")
                .selected_text(shown)
                .width(280.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut self.chosen, String::new(), NONE);
                    for choice in choices {
                        ui.selectable_value(&mut self.chosen, choice.to_owned(), choice);
                    }
                });
        });
        if let Some(error) = self.called.error() {
            crate::ui::remote::error_ui(ui, error);
        }
    }
}

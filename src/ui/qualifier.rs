//! Which version or alias of a function is meant: a choice, where there is one.

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::Ui;

use super::names::qualified;
use super::widgets::form;
use super::{Cx, Remote, remote};
use crate::aws::{self, lambda::Versions};

const LATEST: &str = "$LATEST";
const WIDTH: f32 = 280.0;

#[derive(Default)]
pub(super) struct Qualifier {
    /// Empty for the function itself.
    chosen: String,
    /// The function whose versions and aliases are listed.
    function: String,
    listed: Remote<Versions>,
    /// What is listed may have changed.
    is_stale: bool,
    /// The name that was asked for, with its qualifier.
    asked: String,
    called: Remote<FunctionConfiguration>,
}

impl Qualifier {
    /// One that is chosen already; empty for the function itself.
    pub(super) fn of(function: &str, chosen: &str) -> Self {
        Self {
            chosen: chosen.to_owned(),
            function: function.to_owned(),
            ..Self::default()
        }
    }

    /// Asks for what belongs to this function. Another function than before has nothing chosen.
    pub(super) fn poll(&mut self, cx: &Cx<'_>, function: &str) {
        if self.function != function {
            *self = Self::of(function, "");
        }
        if self.listed.is_idle() || self.is_stale {
            self.is_stale = false;
            let list = aws::lambda::list_versions(cx.aws.clone(), function.to_owned());
            self.listed.start(cx, list);
        }
        self.listed.poll();
    }

    /// Asks again what there is to choose from; what is shown stays until the answer comes.
    pub(super) fn ask_again(&mut self) {
        self.is_stale = true;
    }

    /// Asks for the settings of what is chosen as well.
    pub(super) fn poll_called(&mut self, cx: &Cx<'_>) {
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
        qualified(&self.function, &self.chosen)
    }

    /// Empty for the function itself.
    pub(super) fn chosen(&self) -> &str {
        &self.chosen
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

    /// A row of a form; nothing where there is nothing to choose from.
    pub(super) fn row_ui(&mut self, ui: &mut Ui) {
        if self.listed.error().is_none() && !self.is_choice() {
            return;
        }
        let help = "An alias is followed with every batch";
        form::row(ui, "Version or alias", help, None, |ui| {
            self.box_ui(ui, "The function itself", WIDTH);
        });
        for error in [self.listed.error(), self.called.error()]
            .into_iter()
            .flatten()
        {
            remote::error_ui(ui, error);
        }
    }

    /// The choice alone, with these words for the function itself; nothing where there is nothing to choose from.
    pub(super) fn picker_ui(&mut self, ui: &mut Ui, itself: &str) {
        if self.is_choice() {
            let picker = self.box_ui(ui, itself, 96.0);
            picker.accessible_name("Version or alias");
        }
    }

    /// Why there is nothing to choose from.
    pub(super) fn error(&self) -> Option<&aws::Error> {
        self.listed.error()
    }

    fn is_choice(&self) -> bool {
        !self.chosen.is_empty() || !self.choices().is_empty()
    }

    /// Aliases by name, then versions by number; what was chosen before it went is among them.
    fn choices(&self) -> Vec<String> {
        let listed = self.listed.value().into_iter();
        let mut choices: Vec<String> = listed
            .flat_map(|it| {
                let aliases = it.aliases.iter().filter_map(|it| it.name());
                let versions = it.versions.iter().filter_map(|it| it.version());
                aliases.chain(versions.filter(|it| *it != LATEST))
            })
            .map(str::to_owned)
            .collect();
        if !self.chosen.is_empty() && !choices.contains(&self.chosen) {
            choices.push(self.chosen.clone());
        }
        choices
    }

    fn box_ui(&mut self, ui: &mut Ui, itself: &str, width: f32) -> egui::Response {
        let shown = if self.chosen.is_empty() {
            itself
        } else {
            &self.chosen
        };
        egui::ComboBox::new("qualifier", "")
            .selected_text(shown.to_owned())
            .width(width)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut self.chosen, String::new(), itself);
                for choice in self.choices() {
                    ui.selectable_value(&mut self.chosen, choice.clone(), choice);
                }
            })
            .response
    }
}

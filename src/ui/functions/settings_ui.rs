//! A function's settings: handler, role, timeout, memory, environment.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::{RichText, Ui};

use crate::aws::{self, lambda::FunctionSettings};
use crate::ui::widgets::form::{self, Number};
use crate::ui::widgets::{Icon, icon};
use crate::ui::{Action, Cx, Remote, Toast, theme};

#[derive(Default)]
pub(super) struct SettingsTab {
    handler: String,
    role_arn: String,
    description: String,
    timeout: Number,
    memory: Number,
    environment: Vec<(String, String)>,
    saving: Remote<()>,
}

impl SettingsTab {
    pub(super) fn load(&mut self, function: &FunctionConfiguration) {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        self.handler = text(function.handler());
        self.role_arn = text(function.role());
        self.description = text(function.description());
        self.timeout = Number::of(function.timeout().map(i64::from));
        self.memory = Number::of(function.memory_size().map(i64::from));
        let variables = function.environment().and_then(|it| it.variables());
        self.environment = variables
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.environment.sort();
    }

    /// True when something was saved.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str) -> bool {
        let mut saved = false;
        if self.saving.poll() && self.saving.error().is_none() {
            cx.send(Action::Toast(Toast::good(format!(
                "Saved the settings of {name}"
            ))));
            saved = true;
        }
        if let Some(error) = self.saving.error() {
            crate::ui::remote::error_ui(ui, error);
        }
        egui::ScrollArea::vertical()
            .id_salt("settings")
            .auto_shrink(false)
            .show(ui, |ui| {
                form::text(
                    ui,
                    "Handler",
                    &mut self.handler,
                    "File and exported name: index.handler",
                    None,
                );
                role_ui(ui, cx, &mut self.role_arn);
                form::text(ui, "Description", &mut self.description, "", None);
                form::number(
                    ui,
                    "Timeout",
                    &mut self.timeout,
                    &(1..=900),
                    "s",
                    "The function is stopped after this long",
                );
                form::number(ui, "Memory", &mut self.memory, &(128..=10_240), "MB", "");
                ui.add_space(theme::GUTTER);
                environment_ui(ui, &mut self.environment);
                ui.add_space(theme::SECTION_GAP);
                self.save_ui(ui, cx, name);
            });
        saved
    }

    fn save_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str) {
        let timeout = self.timeout.value(&(1..=900));
        let memory = self.memory.value(&(128..=10_240));
        let (Ok(timeout), Ok(memory)) = (timeout, memory) else {
            ui.weak("Correct the numbers first");
            return;
        };
        let busy = self.saving.is_pending();
        let save = ui.add_enabled_ui(!busy, |ui| icon::primary(ui, Icon::Save, "Save settings"));
        if save.inner.clicked() {
            let number = |value: Option<i64>| value.and_then(|it| u32::try_from(it).ok());
            let variables: BTreeMap<String, String> = self
                .environment
                .iter()
                .filter(|(name, _)| !name.trim().is_empty())
                .cloned()
                .collect();
            let settings = FunctionSettings {
                name: name.to_owned(),
                handler: Some(self.handler.clone()),
                role_arn: Some(self.role_arn.clone()),
                timeout_secs: number(timeout),
                memory_mb: number(memory),
                environment: Some(variables),
                description: Some(self.description.clone()),
                ..FunctionSettings::default()
            };
            let update = aws::lambda::update_configuration(cx.aws.clone(), settings);
            self.saving
                .start(cx, async move { update.await.map(|_| ()) });
        }
    }
}

/// The execution role, among those that are known.
pub(super) fn role_ui(ui: &mut Ui, cx: &Cx<'_>, role_arn: &mut String) {
    let help = "What the function, and the trigger that calls it, may do";
    form::row(ui, "Execution role", help, None, |ui| {
        let roles = cx.catalog.roles.value();
        let known: Vec<_> = roles.into_iter().flatten().collect();
        let current = known.iter().find(|it| it.arn() == role_arn.as_str());
        let text = current.map_or(role_arn.as_str(), |it| it.role_name());
        let text = if text.is_empty() {
            "Choose a role"
        } else {
            text
        }
        .to_owned();
        egui::ComboBox::new("execution role", "")
            .selected_text(text)
            .width(280.0)
            .show_ui(ui, |ui| {
                for role in known {
                    let arn = role.arn().to_owned();
                    ui.selectable_value(role_arn, arn, role.role_name());
                }
            });
    });
}

fn environment_ui(ui: &mut Ui, variables: &mut Vec<(String, String)>) {
    ui.label(RichText::new("Environment variables").text_style(theme::subtitle()));
    let mut removed = None;
    for (nth, (name, value)) in variables.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(name)
                .hint_text("NAME")
                .desired_width(180.0);
            ui.add(field)
                .accessible_name(format!("Name of variable {}", nth + 1));
            let field = egui::TextEdit::singleline(value)
                .hint_text("value")
                .desired_width(320.0);
            ui.add(field)
                .accessible_name(format!("Value of variable {}", nth + 1));
            if icon::only(ui, Icon::Trash, &format!("Remove variable {}", nth + 1)).clicked() {
                removed = Some(nth);
            }
        });
    }
    if let Some(nth) = removed {
        variables.remove(nth);
    }
    if icon::button(ui, Icon::Plus, "Add variable").clicked() {
        variables.push((String::new(), String::new()));
    }
}

//! The settings of a trigger being edited, and what saving them would change.

use aws_sdk_lambda::types::EventSourceMappingConfiguration as Mapping;
use egui::{RichText, Ui};

use super::facts_ui::{settings, yes_no};
use super::form::{Destinations, Form, label_of};
use crate::aws::lambda;
use crate::mapping::MappingConfig;
use crate::ui::names::{function_of, qualified_of, qualifier_of};
use crate::ui::qualifier::Qualifier;
use crate::ui::widgets::diff_view::{Difference, Kind, diff_grid};
use crate::ui::widgets::{Icon, icon};
use crate::ui::{Cx, theme};

pub(super) struct Editing {
    form: Form,
    qualifier: Qualifier,
}

/// What is to be saved.
pub(super) struct Saved {
    pub(super) config: MappingConfig,
    pub(super) enabled: bool,
    /// With its version or alias; none where it stays as it is.
    pub(super) function: Option<String>,
}

/// A setting as people call it, and its value.
type Setting = (String, String);

impl Editing {
    pub(super) fn of(mapping: &Mapping) -> Self {
        Self {
            form: Form::of(&lambda::config_of(mapping), is_on(mapping)),
            qualifier: Qualifier::of(function_of(mapping), qualifier_of(mapping)),
        }
    }

    /// The form, and beside it what would change. What is to be saved when that was asked for.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        mapping: &Mapping,
        is_saving: bool,
    ) -> Option<Saved> {
        self.qualifier.poll(cx, function_of(mapping));
        let mut saved = None;
        egui::Panel::right("what changes")
            .default_size(400.0)
            .size_range(300.0..=560.0)
            .show(ui, |ui| {
                egui::ScrollArea::vertical()
                    .id_salt("what changes")
                    .auto_shrink(false)
                    .show(ui, |ui| saved = self.changes_ui(ui, mapping, is_saving));
            });
        egui::CentralPanel::default().show(ui, |ui| {
            egui::ScrollArea::vertical()
                .id_salt("edit trigger")
                .auto_shrink(false)
                .show(ui, |ui| self.form_ui(ui, cx));
        });
        saved
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.qualifier.row_ui(ui);
        self.form.batching_ui(ui);
        self.form.failure_ui(ui, Destinations::of(cx));
        self.form.filters_ui(ui);
        self.form.other_ui(ui);
        ui.weak("Table and starting position cannot be changed: make a new trigger for that");
    }

    fn changes_ui(&self, ui: &mut Ui, mapping: &Mapping, is_saving: bool) -> Option<Saved> {
        ui.add_space(4.0);
        ui.label(RichText::new("What changes").text_style(theme::subtitle()));
        let config = match self.form.config() {
            Ok(config) => config,
            Err(wrong) => {
                let words: Vec<&str> = wrong.iter().map(|(field, _)| label_of(field)).collect();
                let color = theme::of(ui).failed;
                ui.colored_label(color, format!("Correct {}", words.join(", ")));
                return None;
            }
        };
        let function = self.qualifier.name();
        let before = all(
            &qualified_of(mapping),
            is_on(mapping),
            &lambda::config_of(mapping),
        );
        let found = differences(&before, &all(&function, self.form.enabled, &config));
        if found.is_empty() {
            ui.weak("Nothing yet");
        } else {
            diff_grid(ui, &found);
        }
        ui.add_space(theme::GUTTER);
        let can = !found.is_empty() && !is_saving;
        let words = if is_saving {
            "Saving…"
        } else {
            "Save trigger"
        };
        let save = ui.add_enabled_ui(can, |ui| icon::primary(ui, Icon::Save, words));
        save.inner.clicked().then(|| Saved {
            config,
            enabled: self.form.enabled,
            function: Some(function).filter(|it| *it != qualified_of(mapping)),
        })
    }
}

/// Whether it is enabled, or about to be.
fn is_on(mapping: &Mapping) -> bool {
    !matches!(mapping.state(), Some("Disabled" | "Disabling"))
}

fn all(function: &str, enabled: bool, config: &MappingConfig) -> Vec<Setting> {
    let own = [
        ("Function".to_owned(), function.to_owned()),
        ("Active".to_owned(), yes_no(enabled)),
    ];
    own.into_iter().chain(settings(config)).collect()
}

/// What is not the same in both, in their order.
fn differences(before: &[Setting], after: &[Setting]) -> Vec<Difference> {
    let value = |all: &[Setting], name: &str| {
        let found = all.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone())
    };
    let gone = before
        .iter()
        .filter(|(name, _)| value(after, name).is_none());
    let names = after.iter().chain(gone).map(|(name, _)| name);
    let found = names.filter_map(|name| {
        let (old, new) = (value(before, name), value(after, name));
        let kind = match (&old, &new) {
            _ if old == new => return None,
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        Some(Difference {
            path: name.clone(),
            kind,
            old,
            new,
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_change_is_told_with_what_it_was() {
        let old = MappingConfig {
            filters: vec!["a".to_owned(), "b".to_owned()],
            ..MappingConfig::default()
        };
        let new = MappingConfig {
            batch_size: 4,
            kms_key: Some("arn".to_owned()),
            filters: vec!["a".to_owned()],
            ..MappingConfig::default()
        };
        let found = differences(&all("bill", true, &old), &all("bill:live", true, &new));
        let told: Vec<(&str, Kind)> = found.iter().map(|it| (it.path.as_str(), it.kind)).collect();
        let expected = [
            ("Function", Kind::Changed),
            ("Batch size", Kind::Changed),
            ("KMS key", Kind::Added),
            ("Filter 2", Kind::Removed),
        ];
        assert_eq!(told, expected);
        let sides = (found[0].old.as_deref(), found[0].new.as_deref());
        assert_eq!(sides, (Some("bill"), Some("bill:live")));
        let same = differences(&all("bill", true, &old), &all("bill", true, &old));
        assert_eq!(same, []);
    }
}

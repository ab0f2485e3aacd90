//! The settings of a trigger, as a list.

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use egui::{RichText, Ui};

use crate::aws::lambda;
use crate::mapping::MappingConfig;
use crate::mapping::config::PARAMETERS;

pub(super) fn show(ui: &mut Ui, mapping: &EventSourceMappingConfiguration, result: &str) {
    egui::Grid::new("trigger facts")
        .num_columns(2)
        .spacing([24.0, 6.0])
        .show(ui, |ui| {
            let mut row = |name: &str, value: String| {
                ui.weak(name);
                ui.add(egui::Label::new(RichText::new(value).monospace()).truncate());
                ui.end_row();
            };
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            row("Last processing result", result.to_owned());
            row(
                "State transition reason",
                text(mapping.state_transition_reason()),
            );
            let position = mapping
                .starting_position()
                .map(aws_sdk_lambda::types::EventSourcePosition::as_str);
            row("Starting position", text(position));
            for (name, value) in settings(&lambda::config_of(mapping)) {
                row(&name, value);
            }
            if let Some(error) = mapping.filter_criteria_error() {
                row("Filters", text(error.message()));
            }
            row("Event source", text(mapping.event_source_arn()));
            row("Function", text(mapping.function_arn()));
            row("UUID", text(mapping.uuid()));
        });
}

/// What can be changed of a trigger, as the form calls it, with its values.
pub(super) fn settings(config: &MappingConfig) -> Vec<(String, String)> {
    let numbers = PARAMETERS.iter().map(|parameter| {
        let value = (parameter.get)(config).map(i64::from).or(parameter.none);
        (parameter.label, value.unwrap_or_default().to_string())
    });
    let destination = config.on_failure.clone();
    let others = [
        (
            "Split batch on error",
            yes_no(config.bisect_on_function_error),
        ),
        (
            "Report batch item failures",
            yes_no(config.report_batch_item_failures),
        ),
        (
            "On-failure destination",
            destination.unwrap_or_else(|| "none".to_owned()),
        ),
        ("Enable metrics", yes_no(config.event_count_metrics)),
    ];
    let key = config.kms_key.clone().map(|key| ("KMS key", key));
    let named = numbers.chain(others).chain(key);
    let named = named.map(|(name, value)| (name.to_owned(), value));
    let filters = config.filters.iter().enumerate();
    let filters = filters.map(|(nth, it)| (format!("Filter {}", nth + 1), it.clone()));
    named.chain(filters).collect()
}

pub(super) fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

//! The settings of a trigger, as a list.

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use egui::{RichText, Ui};

use crate::aws::lambda;

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
            let config = lambda::config_of(mapping);
            for parameter in crate::mapping::config::PARAMETERS {
                let value = (parameter.get)(&config).map(i64::from).or(parameter.none);
                row(parameter.label, value.unwrap_or_default().to_string());
            }
            row(
                "Split batch on error",
                yes_no(config.bisect_on_function_error),
            );
            row(
                "Report batch item failures",
                yes_no(config.report_batch_item_failures),
            );
            let destination = config.on_failure.clone();
            row(
                "On-failure destination",
                destination.unwrap_or_else(|| "none".to_owned()),
            );
            if let Some(key) = &config.kms_key {
                row("KMS key", key.clone());
            }
            if let Some(error) = mapping.filter_criteria_error() {
                row("Filters", text(error.message()));
            }
            for (nth, filter) in config.filters.iter().enumerate() {
                row(&format!("Filter {}", nth + 1), filter.clone());
            }
            row("Event source", text(mapping.event_source_arn()));
            row("Function", text(mapping.function_arn()));
            row("UUID", text(mapping.uuid()));
        });
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

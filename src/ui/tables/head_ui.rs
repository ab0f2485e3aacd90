//! Draws what stands over every tab of a table: its name, state and stream.

use aws_sdk_dynamodb::types::{BillingMode, TableDescription, TableStatus};
use egui::{RichText, Ui};

use super::data::has_stream;
use super::views::ViewType;
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Route, theme};

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription) {
    ui.horizontal(|ui| {
        let name = table.table_name().unwrap_or_default();
        ui.label(RichText::new(name).text_style(theme::title()));
        status_ui(ui, table);
        let count = table.item_count().unwrap_or_default();
        let items = if count == 1 { "item" } else { "items" };
        let view = table
            .stream_specification()
            .filter(|it| it.stream_enabled());
        let view = view.and_then(|it| it.stream_view_type());
        let stream = match view.and_then(ViewType::of) {
            Some(view) => format!("stream with {}", view.words().to_lowercase()),
            None => "no stream".to_owned(),
        };
        let words = format!("{} · {} {items} · {stream}", billing(table), grouped(count));
        let facts = ui.weak(words);
        if !cx.aws.is_local() {
            facts.on_hover_text("AWS counts items every six hours or so");
        }
        if has_stream(table)
            && let Some(arn) = table.latest_stream_arn()
        {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::button(ui, Icon::Stream, "Open stream").clicked() {
                    cx.send(Action::Go(Route::Stream(arn.to_owned())));
                }
            });
        }
    });
}

fn status_ui(ui: &mut Ui, table: &TableDescription) {
    let status = table.table_status();
    let words = status.map_or("unknown", TableStatus::as_str).to_lowercase();
    let health = match status {
        Some(TableStatus::Active) => Health::Ok,
        Some(TableStatus::Creating | TableStatus::Updating) => Health::InFlight,
        Some(TableStatus::InaccessibleEncryptionCredentials) => Health::Failed,
        _ => Health::Retry,
    };
    chip::health(ui, health, &words);
}

/// `on demand`, or the provisioned units.
pub(super) fn billing(table: &TableDescription) -> String {
    let mode = table
        .billing_mode_summary()
        .and_then(|it| it.billing_mode());
    if mode == Some(&BillingMode::PayPerRequest) {
        return "on demand".to_owned();
    }
    let units = table.provisioned_throughput();
    let read = units
        .and_then(aws_sdk_dynamodb::types::ProvisionedThroughputDescription::read_capacity_units);
    let write = units
        .and_then(aws_sdk_dynamodb::types::ProvisionedThroughputDescription::write_capacity_units);
    match (read, write) {
        (Some(read), Some(write)) => {
            format!("{} read, {} write units", grouped(read), grouped(write))
        }
        _ => "provisioned".to_owned(),
    }
}

//! The triggers that read a table's stream, or one of its former streams.

use std::time::Duration;

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_lambda::types::EventSourceMappingConfiguration as Mapping;
use egui::Ui;

use super::data::has_stream;
use crate::ui::cx::Listing;
use crate::ui::names::function_of;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::{Column, Health, Icon, ListEvent, chip, empty_state, icon, table_list};
use crate::ui::{Action, Cx, Route};

/// How often to look at a trigger that is between two states.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// The triggers tab.
#[derive(Default)]
pub(super) struct TriggersTab {
    chosen: Option<usize>,
    looked: Option<Duration>,
}

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut TriggersTab) {
    let mappings = &cx.catalog.mappings;
    egui::CentralPanel::default().show(ui, |ui| {
        if let Some(error) = mappings.error() {
            error_ui(ui, error);
        }
        let Some(all) = mappings.value() else {
            if mappings.is_pending() {
                loading_ui(ui);
            }
            return;
        };
        let of_table: Vec<&Mapping> = all.iter().filter(|it| reads(it, table)).collect();
        tab.look_again(cx, &of_table);
        if of_table.is_empty() {
            return empty_ui(ui, cx, table);
        }
        ui.horizontal(|ui| {
            if has_stream(table) && icon::button(ui, Icon::Plus, "Add trigger…").clicked() {
                cx.send(new_trigger(table));
            }
            if icon::only(ui, Icon::Refresh, "Reload triggers").clicked() {
                cx.send(Action::Reload(Listing::Mappings));
            }
        });
        ui.add_space(4.0);
        list_ui(ui, cx, table, &of_table, &mut tab.chosen);
    });
}

impl TriggersTab {
    fn look_again(&mut self, cx: &Cx<'_>, triggers: &[&Mapping]) {
        let settled = |it: &&Mapping| matches!(it.state(), Some("Enabled" | "Disabled") | None);
        if triggers.iter().all(settled) || cx.catalog.mappings.is_pending() {
            return;
        }
        let waited = self.looked.map(|it| cx.since(it));
        match waited.and_then(|waited| LOOK_AGAIN.checked_sub(waited)) {
            Some(left) if !left.is_zero() => cx.ctx.request_repaint_after(left),
            _ => {
                self.looked = Some(cx.uptime);
                cx.send(Action::Reload(Listing::Mappings));
            }
        }
    }
}

fn list_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    table: &TableDescription,
    triggers: &[&Mapping],
    chosen: &mut Option<usize>,
) {
    let columns = [
        Column::new("Function", 220.0),
        Column::new("State", 110.0),
        Column::new("Batch size", 90.0),
        Column::new("Reads", 130.0),
        Column::new("Last result", 320.0),
        Column::new("", 110.0),
    ];
    let label = |row: usize| {
        let it = triggers[row];
        format!(
            "Trigger of {}, {}",
            function_of(it),
            it.state().unwrap_or_default()
        )
    };
    let mut opened = None;
    let event = table_list(
        ui,
        "Triggers",
        &columns,
        triggers.len(),
        *chosen,
        label,
        |ui, row, column| {
            let it = triggers[row];
            match column {
                0 => {
                    ui.label(function_of(it));
                }
                1 => state_ui(ui, it.state().unwrap_or_default()),
                2 => {
                    let size = it.batch_size().map(|it| it.to_string());
                    ui.label(size.unwrap_or_default());
                }
                3 => {
                    let is_current = it.event_source_arn() == table.latest_stream_arn();
                    ui.weak(if is_current {
                        "this stream"
                    } else {
                        "a former stream"
                    });
                }
                4 => {
                    ui.label(it.last_processing_result().unwrap_or("nothing yet"));
                }
                _ => {
                    let name = format!("Open trigger of {}", function_of(it));
                    if ui.link("Open trigger").accessible_name(name).clicked() {
                        opened = it.uuid();
                    }
                }
            }
        },
    );
    match event {
        Some(ListEvent::Chosen(row)) => *chosen = Some(row),
        Some(ListEvent::Opened(row)) => opened = triggers.get(row).and_then(|it| it.uuid()),
        None => (),
    }
    if let Some(uuid) = opened {
        cx.send(Action::Go(Route::Trigger(uuid.to_owned())));
    }
}

fn state_ui(ui: &mut Ui, state: &str) {
    let health = match state {
        "Enabled" => Health::Ok,
        "Disabled" => Health::Idle,
        _ => Health::InFlight,
    };
    chip::health(ui, health, state);
}

fn empty_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription) {
    if has_stream(table) {
        let why = "A trigger reads the stream and calls a function with batches of its records.";
        if empty_state(
            ui,
            Icon::Trigger,
            "No triggers yet",
            why,
            Some((Icon::Plus, "Add trigger…")),
        ) {
            cx.send(new_trigger(table));
        }
    } else {
        let why = "A trigger reads a stream. Turn the stream on first, in the Stream tab.";
        empty_state(ui, Icon::Trigger, "No stream, no triggers", why, None);
    }
}

fn new_trigger(table: &TableDescription) -> Action {
    Action::Go(Route::NewTrigger {
        stream_arn: table.latest_stream_arn().map(str::to_owned),
        function: None,
    })
}

/// Any stream of the table: ARNs of streams begin with the table's.
fn reads(mapping: &Mapping, table: &TableDescription) -> bool {
    let (Some(source), Some(table)) = (mapping.event_source_arn(), table.table_arn()) else {
        return false;
    };
    let rest = source.strip_prefix(table);
    rest.is_some_and(|rest| rest.starts_with("/stream/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_belongs_to_the_table_whose_stream_it_reads() {
        let table = TableDescription::builder()
            .table_arn("arn:aws:dynamodb:us-east-1:123456789012:table/Orders")
            .build();
        let mapping = |source: &str| {
            let arn = format!("arn:aws:dynamodb:us-east-1:123456789012:table/{source}");
            Mapping::builder().event_source_arn(arn).build()
        };
        assert!(reads(&mapping("Orders/stream/2026"), &table));
        assert!(!reads(&mapping("Orders2/stream/2026"), &table));
    }
}

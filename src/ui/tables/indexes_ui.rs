//! The indexes of a table.

use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription as Global, KeySchemaElement,
    LocalSecondaryIndexDescription as Local, Projection, ProjectionType, TableDescription,
};
use egui::{RichText, Ui};

use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Column, Icon, ListEvent, chip, empty_state, table_list};

/// An index as a row.
struct Row {
    name: String,
    is_global: bool,
    keys: String,
    carries: String,
    state: String,
    items: i64,
}

/// Returns the index whose items the user wants to see.
pub(super) fn show(
    ui: &mut Ui,
    table: &TableDescription,
    chosen: &mut Option<usize>,
) -> Option<String> {
    let rows = rows(table);
    let mut read = None;
    egui::CentralPanel::default().show(ui, |ui| {
        if rows.is_empty() {
            let why = "An index finds items by other attributes than the table's key. Choose indexes when a table is made.";
            empty_state(ui, Icon::Sort, "No indexes", why, None);
            return;
        }
        let columns = [
            Column::new("Name", 220.0),
            Column::new("Kind", 80.0),
            Column::new("Keys", 260.0),
            Column::new("Carries", 220.0),
            Column::new("State", 90.0),
            Column::new("Items", 90.0),
            Column::new("", 110.0),
        ];
        let label = |row: usize| format!("Index {}, {}", rows[row].name, rows[row].keys);
        let event = table_list(
            ui,
            "Indexes",
            &columns,
            rows.len(),
            *chosen,
            label,
            |ui, row, column| {
                if cell_ui(ui, &rows[row], column) {
                    read = Some(rows[row].name.clone());
                }
            },
        );
        match event {
            Some(ListEvent::Chosen(row)) => *chosen = Some(row),
            Some(ListEvent::Opened(row)) => read = rows.get(row).map(|it| it.name.clone()),
            None => (),
        }
    });
    read
}

/// True when the index's items are wanted.
fn cell_ui(ui: &mut Ui, row: &Row, column: usize) -> bool {
    match column {
        0 => {
            ui.label(&row.name);
        }
        1 => {
            chip::plain(ui, if row.is_global { "global" } else { "local" });
        }
        2 => {
            ui.label(RichText::new(&row.keys).monospace());
        }
        3 => {
            ui.label(&row.carries);
        }
        4 => {
            ui.weak(&row.state);
        }
        5 => {
            ui.label(grouped(row.items));
        }
        _ => {
            let link = ui.link("Show items");
            return link
                .accessible_name(format!("Show items of {}", row.name))
                .clicked();
        }
    }
    false
}

fn rows(table: &TableDescription) -> Vec<Row> {
    let global = table.global_secondary_indexes().iter().map(global_row);
    let local = table.local_secondary_indexes().iter().map(local_row);
    let mut rows: Vec<Row> = global.chain(local).collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

fn global_row(index: &Global) -> Row {
    let state = index.index_status().map(|it| it.as_str().to_lowercase());
    Row {
        name: index.index_name().unwrap_or_default().to_owned(),
        is_global: true,
        keys: keys(index.key_schema()),
        carries: carries(index.projection()),
        state: state.unwrap_or_default(),
        items: index.item_count().unwrap_or_default(),
    }
}

fn local_row(index: &Local) -> Row {
    Row {
        name: index.index_name().unwrap_or_default().to_owned(),
        is_global: false,
        keys: keys(index.key_schema()),
        carries: carries(index.projection()),
        // A local index lives and dies with its table.
        state: "active".to_owned(),
        items: index.item_count().unwrap_or_default(),
    }
}

fn keys(schema: &[KeySchemaElement]) -> String {
    let names: Vec<_> = schema
        .iter()
        .map(KeySchemaElement::attribute_name)
        .collect();
    names.join(" / ")
}

fn carries(projection: Option<&Projection>) -> String {
    match projection.and_then(Projection::projection_type) {
        Some(ProjectionType::All) => "whole items".to_owned(),
        Some(ProjectionType::KeysOnly) => "keys only".to_owned(),
        Some(ProjectionType::Include) => {
            let names = projection.map(Projection::non_key_attributes);
            format!("keys, {}", names.unwrap_or_default().join(", "))
        }
        _ => String::new(),
    }
}

//! A short list with columns: roles, triggers, queues. For what fits on a few screens; long ones want a `DataGrid`.

use egui::{RichText, Role, Sense, Ui};
use egui_extras::{Column as Width, TableBuilder};

use super::Column;
use crate::ui::theme;

/// What the user did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEvent {
    /// Click: choose it.
    Chosen(usize),
    /// Double click, or Enter while it is focused.
    Opened(usize),
}

/// Draws the rows; `cell` draws one cell, `label` names a row for assistive technology.
/// The last column takes what room is left.
pub fn table_list(
    ui: &mut Ui,
    name: &str,
    columns: &[Column],
    rows: usize,
    chosen: Option<usize>,
    label: impl Fn(usize) -> String,
    mut cell: impl FnMut(&mut Ui, usize, usize),
) -> Option<ListEvent> {
    let mut event = None;
    let scope = ui.push_id(("list", name), |ui| {
        ui.style_mut().interaction.selectable_labels = false;
        let mut table = TableBuilder::new(ui)
            .sense(Sense::click())
            .striped(false)
            .vscroll(true)
            .auto_shrink([false, true])
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
        for (nth, column) in columns.iter().enumerate() {
            let width = if nth + 1 == columns.len() {
                Width::remainder().at_least(60.0)
            } else {
                Width::initial(column.width).at_least(40.0).resizable(true)
            };
            table = table.column(width.clip(true));
        }
        let table = table.header(24.0, |mut header| {
            for column in columns {
                header.col(|ui| {
                    let tokens = theme::of(ui);
                    ui.label(RichText::new(&column.name).small().color(tokens.text_muted));
                });
            }
        });
        table.body(|body| {
            body.rows(theme::ROW, rows, |mut row| {
                let nth = row.index();
                row.set_selected(chosen == Some(nth));
                for column in 0..columns.len() {
                    row.col(|ui| cell(ui, nth, column));
                }
                let response = row.response();
                let rect = response.interact_rect;
                response.ctx.accesskit_node_builder(response.id, |node| {
                    node.set_role(Role::Row);
                    // The node is the first cell's; the row is as wide as all of them.
                    node.set_bounds(egui::accesskit::Rect {
                        x0: rect.min.x.into(),
                        y0: rect.min.y.into(),
                        x1: rect.max.x.into(),
                        y1: rect.max.y.into(),
                    });
                    node.set_label(label(nth));
                    node.set_row_index(nth);
                    node.set_selected(chosen == Some(nth));
                });
                let enter = response.has_focus()
                    && response
                        .ctx
                        .input(|input| input.key_pressed(egui::Key::Enter));
                if response.double_clicked() || enter {
                    event = Some(ListEvent::Opened(nth));
                } else if response.clicked() {
                    event = Some(ListEvent::Chosen(nth));
                }
            });
        });
    });
    ui.ctx().accesskit_node_builder(scope.response.id, |node| {
        node.set_role(Role::Table);
        node.set_label(name);
        node.set_row_count(rows);
        node.set_column_count(columns.len());
    });
    event
}

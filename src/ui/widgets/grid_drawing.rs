//! What the table below a data grid asks for: heads, rows and cells of one frame.

use std::collections::BTreeSet;
use std::ops::Range;

use egui::{Align, Response, Role, Sense, Stroke, Ui};
use egui_table::{CellInfo, HeaderCellInfo, PrefetchInfo, TableDelegate};

use super::Selection;
use super::data_grid::{DataGrid, Rows};
use crate::ui::theme;

/// Room at both sides of a cell.
const PADDING: f32 = 8.0;

/// One frame of a grid.
pub(super) struct Drawing<'a, 'b> {
    pub(super) grid: &'b DataGrid<'a>,
    pub(super) rows: &'b mut dyn Rows,
    pub(super) selection: &'b mut Selection,
    /// Rows that have their node: those with sticky columns are drawn twice.
    pub(super) named: BTreeSet<u64>,
    pub(super) visible: Range<u64>,
    pub(super) opened: Option<u64>,
    pub(super) head: Option<usize>,
    pub(super) focused: bool,
    pub(super) clicked: bool,
}

impl TableDelegate for Drawing<'_, '_> {
    fn default_row_height(&self) -> f32 {
        self.grid.row_height
    }

    fn prepare(&mut self, info: &PrefetchInfo) {
        self.visible = info.visible_rows.clone();
        self.rows.prepare(info.visible_rows.clone());
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let Some(column) = self.grid.columns.get(cell.col_range.start) else {
            return;
        };
        let rect = ui.max_rect();
        let tokens = theme::of(ui);
        ui.painter().rect_filled(rect, 0.0, tokens.panel);
        let line = Stroke::new(1.0, tokens.line_strong);
        ui.painter()
            .hline(rect.x_range(), rect.bottom() - 0.5, line);
        if cell.col_range.end < self.grid.columns.len() {
            let short = rect.shrink2(egui::vec2(0.0, 6.0));
            let line = Stroke::new(1.0, tokens.line);
            ui.painter()
                .vline(rect.right() - 0.5, short.y_range(), line);
        }
        let id = ui.unique_id().with("head");
        let response = ui.interact(rect.shrink2(egui::vec2(6.0, 0.0)), id, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(Role::ColumnHeader, true, format!("Column {}", column.name))
        });
        if response.clicked() {
            self.head = Some(cell.col_range.start);
        }
        let color = if response.hovered() {
            tokens.text_strong
        } else {
            tokens.text_muted
        };
        let name = egui::RichText::new(&column.name).small().color(color);
        let name = egui::Label::new(name).selectable(false).truncate();
        let note = (!column.note.is_empty()).then(|| {
            let note = egui::RichText::new(&column.note).small();
            egui::Label::new(note.color(tokens.text_faint)).selectable(false)
        });
        let sorted = self.grid.sorted.filter(|it| it.0 == cell.col_range.start);
        let sign = sorted.map(|(_, ascending)| {
            if ascending {
                super::Icon::ChevronUp
            } else {
                super::Icon::ChevronDown
            }
        });
        let backwards = column.align == Align::Max;
        padded(ui, column.align, |ui| {
            // Right to left is drawn backwards.
            if backwards {
                sign.map(|sign| super::icon::show(ui, sign, tokens.accent));
                note.map(|note| ui.add(note));
                ui.add(name);
            } else {
                ui.add(name);
                note.map(|note| ui.add(note));
                sign.map(|sign| super::icon::show(ui, sign, tokens.accent));
            }
        });
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let rect = ui.max_rect().intersect(ui.clip_rect());
        let tokens = theme::of(ui);
        let chosen = self.selection.contains(row);
        let id = ui.unique_id().with("row");
        let response = ui.interact(rect, id, Sense::click());
        let wash = if chosen {
            Some(tokens.selection)
        } else if response.hovered() {
            Some(tokens.hover)
        } else {
            self.rows.tint(row)
        };
        if let Some(wash) = wash {
            ui.painter().rect_filled(rect, 0.0, wash);
        }
        ui.painter().hline(
            rect.x_range(),
            rect.bottom() - 0.5,
            Stroke::new(1.0, tokens.line),
        );
        if self.focused && self.selection.cursor() == Some(row) {
            let ring = Stroke::new(1.0, tokens.accent);
            ui.painter()
                .rect_stroke(rect, 0.0, ring, egui::StrokeKind::Inside);
        }
        if self.named.insert(row) {
            let label = self.rows.label(row);
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_role(Role::Row);
                node.set_label(label);
                node.set_row_index(usize::try_from(row).unwrap_or(usize::MAX));
                node.set_selected(chosen);
            });
        }
        self.answer(ui, &response, row);
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let Some(column) = self.grid.columns.get(cell.col_nr) else {
            return;
        };
        padded(ui, column.align, |ui| {
            self.rows.cell(ui, cell.row_nr, cell.col_nr);
        });
    }
}

impl Drawing<'_, '_> {
    fn answer(&mut self, ui: &Ui, response: &Response, row: u64) {
        if response.clicked() {
            let modifiers = ui.input(|input| input.modifiers);
            self.selection.click(row, modifiers);
            self.clicked = true;
        }
        if response.double_clicked() {
            self.opened = Some(row);
        }
        if response.secondary_clicked() && !self.selection.contains(row) {
            self.selection.set(row);
        }
        if self.rows.has_menu() {
            response.context_menu(|ui| self.rows.menu(ui, row));
        }
    }
}

/// The inside of a cell. Measured only when the column is being fitted, so that long text does not widen it.
fn padded(ui: &mut Ui, align: Align, body: impl FnOnce(&mut Ui)) {
    let rect = ui.max_rect().shrink2(egui::vec2(PADDING, 0.0));
    let layout = if align == Align::Max {
        egui::Layout::right_to_left(Align::Center)
    } else {
        egui::Layout::left_to_right(Align::Center)
    };
    let sizing = ui.is_sizing_pass();
    let mut builder = egui::UiBuilder::new().max_rect(rect).layout(layout);
    if sizing {
        builder = builder.sizing_pass();
    }
    let mut inner = ui.new_child(builder);
    inner.style_mut().interaction.selectable_labels = false;
    inner.style_mut().wrap_mode = Some(if sizing {
        egui::TextWrapMode::Extend
    } else {
        egui::TextWrapMode::Truncate
    });
    body(&mut inner);
    if sizing {
        ui.allocate_rect(
            inner.min_rect().expand2(egui::vec2(PADDING, 0.0)),
            Sense::hover(),
        );
    }
}

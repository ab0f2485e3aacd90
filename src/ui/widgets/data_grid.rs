//! A table of any length: draws what is visible, with selection, keyboard and the roles of a table for assistive technology.
//!
//! Rows are asked for by index, so a grid costs the same with ten rows and with two hundred thousand.
//! Keep it below a million rows: positions are single precision.

use std::collections::BTreeSet;
use std::ops::Range;

use egui::{Align, Color32, Id, Key, Modifiers, Response, Role, Sense, Stroke, Ui};
use egui_table::{CellInfo, HeaderCellInfo, HeaderRow, PrefetchInfo, TableDelegate, TableState};

use super::Selection;
use crate::ui::theme;

/// A column: its head, and how wide it is until the user says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Tells columns apart across frames; widths are remembered under it.
    pub id: String,
    pub name: String,
    /// Small words after the name: a type, a unit.
    pub note: String,
    pub width: f32,
    pub align: Align,
}

impl Column {
    pub fn new(name: impl Into<String>, width: f32) -> Self {
        let name = name.into();
        Self {
            id: name.clone(),
            name,
            note: String::new(),
            width,
            align: Align::Min,
        }
    }

    /// Numbers stand at the right edge.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.align = Align::Max;
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Where the rows come from.
pub trait Rows {
    /// Draws one cell. The `Ui` is as wide as the column less its padding; text is cut, not wrapped.
    fn cell(&mut self, ui: &mut Ui, row: u64, column: usize);

    /// What a screen reader and a test call the row: `Record 3, INSERT, key cust-7`.
    fn label(&self, row: u64) -> String;

    /// One cell as text, for the clipboard.
    fn text(&self, row: u64, column: usize) -> String;

    /// These rows will be drawn.
    fn prepare(&mut self, _rows: Range<u64>) {}

    /// A wash over the row: staged, in flight.
    fn tint(&self, _row: u64) -> Option<Color32> {
        None
    }

    /// The row's context menu; it is chosen by then.
    fn menu(&mut self, _ui: &mut Ui, _row: u64) {}

    fn has_menu(&self) -> bool {
        false
    }
}

/// What the user did to a grid in this frame.
#[derive(Debug)]
pub struct GridResponse {
    /// Enter or double click on this row.
    pub opened: Option<u64>,
    /// The selection is not what it was.
    pub changed: bool,
    /// Click on this column's head.
    pub head: Option<usize>,
    /// What was drawn.
    pub visible: Range<u64>,
    pub response: Response,
}

/// A grid about to be shown.
#[must_use = "call show"]
pub struct DataGrid<'a> {
    id: Id,
    name: &'a str,
    columns: &'a [Column],
    rows: u64,
    row_height: f32,
    sticky: usize,
    stick_to_bottom: bool,
    main: bool,
    sorted: Option<(usize, bool)>,
    scroll_to: Option<u64>,
}

impl<'a> DataGrid<'a> {
    /// `name` is what assistive technology calls the table, and its identity within the screen.
    pub fn new(name: &'a str, columns: &'a [Column], rows: u64) -> Self {
        Self {
            id: Id::NULL,
            name,
            columns,
            rows,
            row_height: theme::ROW_COMPACT,
            sticky: 0,
            stick_to_bottom: false,
            main: false,
            sorted: None,
            scroll_to: None,
        }
    }

    pub fn row_height(mut self, height: f32) -> Self {
        self.row_height = height;
        self
    }

    /// This many columns stay when the others scroll.
    pub fn sticky(mut self, columns: usize) -> Self {
        self.sticky = columns;
        self
    }

    /// New rows come at the end and are followed as long as the user does not scroll away.
    pub fn stick_to_bottom(mut self, stick: bool) -> Self {
        self.stick_to_bottom = stick;
        self
    }

    /// The grid the screen is about: it hears the keyboard whenever nothing else has the focus.
    pub fn main(mut self) -> Self {
        self.main = true;
        self
    }

    /// Marks the head of the column the rows are sorted by, ascending or not.
    pub fn sorted(mut self, column: usize, ascending: bool) -> Self {
        self.sorted = Some((column, ascending));
        self
    }

    /// Brings this row into view.
    pub fn scroll_to(mut self, row: Option<u64>) -> Self {
        self.scroll_to = row;
        self
    }

    /// Draws it in all the room there is.
    pub fn show(
        mut self,
        ui: &mut Ui,
        selection: &mut Selection,
        rows: &mut dyn Rows,
    ) -> GridResponse {
        self.id = ui.make_persistent_id(("data grid", self.name));
        let before = selection.clone();
        let room = ui.available_rect_before_wrap();
        let response = ui.interact(room, self.id, Sense::FOCUSABLE);
        let keys = self.keys(ui, &response, selection, rows);
        let salt = self.id.with("table");
        let mut table = egui_table::Table::new()
            .id_salt(salt)
            .num_rows(self.rows)
            .columns(table_columns(self.columns))
            .num_sticky_cols(self.sticky.min(self.columns.len()))
            .headers([HeaderRow::new(HEAD_HEIGHT)])
            .stick_to_bottom(self.stick_to_bottom);
        if let Some(row) = keys.scroll_to.or(self.scroll_to)
            && row < self.rows
        {
            table = table.scroll_to_row(row, None);
        }

        let mut drawing = Drawing {
            grid: &self,
            rows,
            selection,
            named: BTreeSet::new(),
            visible: 0..0,
            opened: keys.opened,
            head: None,
            focused: response.has_focus(),
            clicked: false,
        };
        ui.scope(|ui| {
            // The table's own lines between columns would be louder than the rows.
            ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
            remember_widths(ui, table.get_id(ui), self.columns, room.width());
            table.show(ui, &mut drawing);
        });
        let Drawing {
            opened,
            head,
            visible,
            clicked,
            ..
        } = drawing;
        if clicked {
            response.request_focus();
        }
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_role(Role::Table);
            node.set_label(self.name);
            node.set_row_count(usize::try_from(self.rows).unwrap_or(usize::MAX));
            node.set_column_count(self.columns.len());
        });
        GridResponse {
            opened,
            changed: *selection != before,
            head,
            visible,
            response,
        }
    }

    fn keys(
        &self,
        ui: &Ui,
        response: &Response,
        selection: &mut Selection,
        rows: &dyn Rows,
    ) -> Keys {
        let focused = ui.memory(|memory| memory.focused());
        let hears = response.has_focus() || (self.main && focused.is_none());
        let mut keys = Keys::default();
        if !hears || !ui.is_enabled() || egui::Popup::is_any_open(ui.ctx()) {
            return keys;
        }
        if response.has_focus() {
            let arrows = egui::EventFilter {
                vertical_arrows: true,
                ..egui::EventFilter::default()
            };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(self.id, arrows));
        }
        let page = ((response.rect.height() - HEAD_HEIGHT) / self.row_height).max(1.0) as i64;
        for (key, by) in [
            (Key::ArrowDown, 1),
            (Key::J, 1),
            (Key::ArrowUp, -1),
            (Key::K, -1),
            (Key::PageDown, page),
            (Key::PageUp, -page),
            (Key::Home, i64::MIN),
            (Key::End, i64::MAX),
        ] {
            for extend in [false, true] {
                let modifiers = if extend {
                    Modifiers::SHIFT
                } else {
                    Modifiers::NONE
                };
                if pressed(ui, modifiers, key) {
                    keys.scroll_to = selection.step(by, extend, self.rows);
                }
            }
        }
        if pressed(ui, Modifiers::COMMAND, Key::A) {
            selection.all(self.rows);
        }
        if selection.cursor().is_some() && pressed(ui, Modifiers::NONE, Key::Enter) {
            keys.opened = selection.cursor();
        }
        if !selection.is_empty() && ui.input(|input| input.events.contains(&egui::Event::Copy)) {
            ui.copy_text(self.clipboard(selection, rows));
        }
        keys
    }

    /// Chosen rows, tabs between cells.
    fn clipboard(&self, selection: &Selection, rows: &dyn Rows) -> String {
        let line = |row| {
            let cells = (0..self.columns.len()).map(|column| rows.text(row, column));
            cells.collect::<Vec<_>>().join("\t")
        };
        selection.rows().map(line).collect::<Vec<_>>().join("\n")
    }
}

const HEAD_HEIGHT: f32 = 24.0;
const PADDING: f32 = 8.0;
const SCROLL_BAR: f32 = 12.0;
const NARROWEST: f32 = 36.0;
const WIDEST: f32 = 1600.0;

#[derive(Default)]
struct Keys {
    opened: Option<u64>,
    scroll_to: Option<u64>,
}

fn pressed(ui: &Ui, modifiers: Modifiers, key: Key) -> bool {
    ui.input_mut(|input| {
        // Exactly these modifiers: `consume_key` would take Ctrl-K for K.
        let exact = input.modifiers.matches_exact(modifiers);
        exact && input.consume_key(modifiers, key)
    })
}

fn id_of(column: &Column) -> Id {
    Id::unique(("column", &column.id))
}

fn table_columns(columns: &[Column]) -> Vec<egui_table::Column> {
    let last = columns.len().saturating_sub(1);
    let table_column = |(nth, column): (usize, &Column)| {
        egui_table::Column::new(column.width)
            .range(NARROWEST..=WIDEST)
            .resizable(nth < last)
            .id(id_of(column))
    };
    columns.iter().enumerate().map(table_column).collect()
}

/// The table would begin by fitting every column to its content; it is told the widths instead.
/// The last column takes the room that is left.
fn remember_widths(ui: &Ui, table: Id, columns: &[Column], room: f32) {
    let Some((last, others)) = columns.split_last() else {
        return;
    };
    let before = TableState::load(ui.ctx(), table);
    let mut state = before.clone().unwrap_or_default();
    let mut taken = 0.0;
    for column in others {
        let width = state.col_widths.entry(id_of(column));
        taken += *width.or_insert(column.width);
    }
    let rest = (room - taken - SCROLL_BAR).max(last.width).round();
    let changed = state.col_widths.insert(id_of(last), rest) != Some(rest);
    if changed || before.is_none() {
        state.store(ui.ctx(), table);
    }
}

struct Drawing<'a, 'b> {
    grid: &'b DataGrid<'a>,
    rows: &'b mut dyn Rows,
    selection: &'b mut Selection,
    /// Rows that have their node: those with sticky columns are drawn twice.
    named: BTreeSet<u64>,
    visible: Range<u64>,
    opened: Option<u64>,
    head: Option<usize>,
    focused: bool,
    clicked: bool,
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

//! A table of any length: draws what is visible, with selection, keyboard and the roles of a table for assistive technology.
//!
//! Rows are asked for by index, so a grid costs the same with ten rows and with two hundred thousand.
//! Keep it below a million rows: positions are single precision.

#![expect(clippy::cast_possible_truncation, reason = "rows on a screen are few")]

use std::collections::BTreeSet;
use std::ops::Range;

use egui::{Align, Color32, Id, Key, Modifiers, Response, Role, Sense, Stroke, Ui};
use egui_table::{HeaderRow, TableState};

use super::Selection;
use super::grid_drawing::Drawing;
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
    pub(super) columns: &'a [Column],
    pub(super) rows: u64,
    pub(super) row_height: f32,
    sticky: usize,
    stick_to_bottom: bool,
    main: bool,
    pub(super) sorted: Option<(usize, bool)>,
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
        let focused = ui.memory(egui::Memory::focused);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::icon;
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    /// Rows that are their own numbers.
    struct Numbers;

    impl Rows for Numbers {
        fn cell(&mut self, ui: &mut Ui, row: u64, column: usize) {
            ui.label(self.text(row, column));
        }

        fn label(&self, row: u64) -> String {
            format!("Row {row}")
        }

        fn text(&self, row: u64, column: usize) -> String {
            format!("{row}.{column}")
        }
    }

    #[derive(Default)]
    struct State {
        selection: Selection,
        opened: Option<u64>,
        visible: Range<u64>,
    }

    fn harness(rows: u64) -> Harness<'static, State> {
        let columns = [Column::new("One", 80.0), Column::new("Two", 80.0).right()];
        let mut harness = Harness::builder()
            .with_size([400.0, 300.0])
            .with_context_setup(|ctx| {
                theme::install(ctx);
                icon::install(ctx);
            })
            .build_ui_state(
                move |ui, state: &mut State| {
                    let grid = DataGrid::new("Numbers", &columns, rows).sticky(1);
                    let it = grid.show(ui, &mut state.selection, &mut Numbers);
                    state.opened = state.opened.or(it.opened);
                    state.visible = it.visible;
                },
                State::default(),
            );
        harness.run();
        harness
    }

    #[test]
    fn a_click_chooses_and_arrows_go_on_from_there() {
        let mut it = harness(100);
        it.get_by_label("Row 2").click();
        it.run();
        it.key_press(Key::ArrowDown);
        it.run();
        it.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        it.run();
        assert_eq!(it.state().selection.rows().collect::<Vec<_>>(), [3, 4]);
        it.key_press(Key::Enter);
        it.run();
        assert_eq!(it.state().opened, Some(4));
    }

    #[test]
    fn the_end_of_a_long_table_is_one_key_away_and_only_the_visible_is_drawn() {
        let mut it = harness(100_000);
        it.get_by_label("Row 0").click();
        it.run();
        it.key_press(Key::End);
        it.run();
        it.run();
        assert!(it.query_by_label("Row 99999").is_some());
        assert!(it.state().visible.end - it.state().visible.start < 20);
    }

    #[test]
    fn chosen_rows_are_copied_with_tabs() {
        let mut it = harness(9);
        it.get_by_label("Row 1").click();
        it.run();
        it.key_press_modifiers(Modifiers::SHIFT, Key::J);
        it.run();
        it.event(egui::Event::Copy);
        it.step();
        let copied = egui::OutputCommand::CopyText("1.0\t1.1\n2.0\t2.1".to_owned());
        assert!(it.output().platform_output.commands.contains(&copied));
    }

    #[test]
    fn assistive_technology_sees_a_table() {
        let it = harness(9);
        let table = it.get_by_role_and_label(Role::Table, "Numbers");
        assert_eq!(table.accesskit_node().data().row_count(), Some(9));
        assert!(
            it.query_by_role_and_label(Role::ColumnHeader, "Column Two")
                .is_some()
        );
    }
}

//! Items as rows of a grid.

#![expect(clippy::cast_precision_loss, reason = "characters in a column are few")]

use aws_sdk_dynamodb::types::{AttributeValue, TableDescription};
use egui::{Label, RichText, Ui};

use super::data::{Facts, Sheet, cell_text, moment};
use crate::aws::dynamodb::key_text;
use crate::ui::widgets::{Column, Icon, Rows, icon};
use crate::ui::{theme, time};

/// What the user wants done with the chosen rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Edit,
    Duplicate,
    Delete,
    CopyPlain,
    CopyTyped,
    /// Query the items that share this one's partition key.
    SameKey,
}

/// The sign that a number may be a moment.
const CLOCK: f32 = 12.0;

/// Columns for the attributes that are not hidden, as wide as what they hold.
pub(super) fn columns(facts: &[&Facts]) -> Vec<Column> {
    const CHARACTER: f32 = 7.6;
    const SIGN: f32 = 20.0;
    let column = |it: &&Facts| {
        let head = it.name.chars().count() + it.note().chars().count() + 3;
        let widest = if it.is_key { 36 } else { 28 };
        let cell = it.longest.min(widest);
        let sign = if it.is_numeric() { SIGN } else { 0.0 };
        let width = (head.max(cell) as f32 * CHARACTER + 18.0 + sign).clamp(64.0, 320.0);
        let column = Column::new(&it.name, width).note(it.note());
        if it.is_numeric() {
            column.right()
        } else {
            column
        }
    };
    let mut columns: Vec<Column> = facts.iter().map(column).collect();
    // The last column takes what room is left; numbers would stand far from the rest.
    if facts.last().is_some_and(|it| it.is_numeric()) {
        columns.push(Column::new("", 36.0));
    }
    columns
}

/// The grid's view of a sheet.
pub(super) struct ItemRows<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) table: &'a TableDescription,
    /// Attributes of the columns, in their order.
    pub(super) columns: &'a [&'a Facts],
    /// How many rows are chosen.
    pub(super) chosen: usize,
    pub(super) wish: Option<Wish>,
}

impl ItemRows<'_> {
    fn value(&self, row: u64, column: usize) -> Option<&AttributeValue> {
        self.sheet.get(row)?.get(&self.columns.get(column)?.name)
    }
}

impl Rows for ItemRows<'_> {
    fn cell(&mut self, ui: &mut Ui, row: u64, column: usize) {
        let (Some(value), Some(facts)) = (self.value(row, column), self.columns.get(column)) else {
            return;
        };
        let tokens = theme::of(ui);
        let text = cell_text(value);
        let (text, color) = match value {
            AttributeValue::S(content) if content.is_empty() => {
                ("\"\"".to_owned(), tokens.text_muted)
            }
            AttributeValue::Null(_) | AttributeValue::B(_) | AttributeValue::Bs(_) => {
                (text, tokens.text_muted)
            }
            _ if facts.is_key => (text, tokens.text_strong),
            _ => (text, tokens.text),
        };
        let when = match value {
            AttributeValue::N(digits) => moment(digits),
            _ => None,
        };
        if when.is_some() && facts.is_numeric() {
            let size = egui::Vec2::splat(CLOCK);
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            icon::paint(
                ui.painter(),
                rect.center(),
                Icon::Clock,
                CLOCK,
                tokens.text_faint,
            );
        }
        let cell = Label::new(RichText::new(text).monospace().color(color));
        let cell = ui.add(cell.truncate().selectable(false));
        if let Some(when) = when {
            cell.on_hover_text(time::date_time(when));
        }
    }

    fn label(&self, row: u64) -> String {
        self.sheet.get(row).map_or_else(String::new, |item| {
            format!("Item {}, key {}", row + 1, key_text(self.table, item))
        })
    }

    fn text(&self, row: u64, column: usize) -> String {
        self.value(row, column).map(cell_text).unwrap_or_default()
    }

    fn menu(&mut self, ui: &mut Ui, _row: u64) {
        let delete = match self.chosen {
            0 | 1 => "Delete…".to_owned(),
            many => format!("Delete {many} items…"),
        };
        let one = self.chosen <= 1;
        for (wish, sign, words, enabled) in [
            (Wish::Edit, Icon::Edit, "Edit", one),
            (Wish::Duplicate, Icon::Plus, "Duplicate", one),
            (Wish::SameKey, Icon::Search, "Query this partition key", one),
            (Wish::CopyPlain, Icon::Copy, "Copy as JSON", true),
            (Wish::CopyTyped, Icon::Copy, "Copy as DynamoDB JSON", true),
            (Wish::Delete, Icon::Trash, delete.as_str(), true),
        ] {
            ui.add_enabled_ui(enabled, |ui| {
                if icon::button(ui, sign, words).clicked() {
                    self.wish = Some(wish);
                    ui.close();
                }
            });
        }
    }

    fn has_menu(&self) -> bool {
        true
    }
}

//! Draws the list of tables at the left.

use aws_sdk_dynamodb::types::TableDescription;
use egui::{RichText, Sense, TextStyle, Ui, Vec2, WidgetInfo};

use super::data::{has_stream, sources};
use crate::ui::cx::Listing;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Icon, icon};
use crate::ui::{Action, Cx, Route, theme};

/// What is chosen: a table and the index that is read, if one is.
pub(super) struct Chosen<'a> {
    pub(super) table: &'a str,
    pub(super) index: Option<&'a str>,
}

/// Returns the index of the chosen table that the user wants to read.
pub(super) fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    search: &mut String,
    chosen: Option<&Chosen<'_>>,
) -> Option<String> {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Tables").text_style(theme::subtitle()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon::only(ui, Icon::Plus, "New table…").clicked() {
                cx.send(Action::Go(Route::NewTable));
            }
            if icon::only(ui, Icon::Refresh, "Reload tables").clicked() {
                cx.send(Action::Reload(Listing::Tables));
            }
        });
    });
    let field = egui::TextEdit::singleline(search)
        .hint_text("Search")
        .desired_width(f32::INFINITY);
    ui.add(field).accessible_name("Search tables");
    ui.add_space(4.0);
    let tables = &cx.catalog.tables;
    if let Some(error) = tables.error() {
        error_ui(ui, error);
    }
    let Some(all) = tables.value() else {
        if tables.is_pending() {
            loading_ui(ui);
        }
        return None;
    };
    let wanted = search.to_lowercase();
    let mut matching = all
        .iter()
        .filter(|it| {
            it.table_name()
                .is_some_and(|it| it.to_lowercase().contains(&wanted))
        })
        .peekable();
    if matching.peek().is_none() {
        let words = if all.is_empty() {
            "No tables yet"
        } else {
            "No table has this in its name"
        };
        ui.weak(words);
    }
    let mut wanted = None;
    egui::ScrollArea::vertical()
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for table in matching {
                let name = table.table_name().unwrap_or_default();
                let chosen = chosen.filter(|it| it.table == name);
                if row_ui(ui, table, chosen.is_some()) {
                    cx.send(Action::Go(Route::Table(name.to_owned())));
                }
                let Some(chosen) = chosen else { continue };
                for index in sources(table).into_iter().filter_map(|it| it.index) {
                    if index_ui(ui, &index, chosen.index == Some(&index)) {
                        wanted = Some(index);
                    }
                }
            }
        });
    wanted
}

/// An index under its table; true when clicked.
fn index_ui(ui: &mut Ui, name: &str, is_read: bool) -> bool {
    ui.horizontal(|ui| {
        ui.add_space(14.0);
        let words = RichText::new(name).small();
        let row = egui::Button::selectable(is_read, words)
            .truncate()
            // An empty right side keeps the name at the left.
            .right_text("")
            .min_size(Vec2::new(ui.available_width(), theme::ROW_COMPACT));
        icon::add(ui, row, &format!("Index {name}")).clicked()
    })
    .inner
}

/// A table's name, its count and whether it has a stream; true when clicked.
fn row_ui(ui: &mut Ui, table: &TableDescription, is_chosen: bool) -> bool {
    let tokens = theme::of(ui);
    let name = table.table_name().unwrap_or_default();
    let count = grouped(table.item_count().unwrap_or_default());
    let size = Vec2::new(ui.available_width(), theme::ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let with_stream = has_stream(table);
    response.widget_info(|| {
        let stream = if with_stream { ", stream on" } else { "" };
        let words = format!("Table {name}, {count} items{stream}");
        WidgetInfo::selected(egui::Role::Button, true, is_chosen, words)
    });
    let fill = if is_chosen {
        Some(tokens.selection)
    } else if response.hovered() {
        Some(tokens.hover)
    } else {
        None
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 4.0, fill);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(2.0, tokens.accent);
        ui.painter()
            .rect_stroke(rect, 4.0, ring, egui::StrokeKind::Inside);
    }
    let small = TextStyle::Small.resolve(ui.style());
    let count = ui.painter().layout_no_wrap(count, small, tokens.text_muted);
    let mut right = rect.right() - 8.0 - count.size().x;
    let at = egui::pos2(right, rect.center().y - count.size().y / 2.0);
    ui.painter().galley(at, count, tokens.text_muted);
    if with_stream {
        right -= 14.0;
        let center = egui::pos2(right, rect.center().y);
        icon::paint(ui.painter(), center, Icon::Stream, 14.0, tokens.text_muted);
        right -= 8.0;
    }
    let color = if is_chosen {
        tokens.text_strong
    } else {
        tokens.text
    };
    let font = TextStyle::Body.resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(right - rect.left() - 16.0);
    let text = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let at = egui::pos2(rect.left() + 8.0, rect.center().y - text.size().y / 2.0);
    ui.painter().galley(at, text, color);
    response.on_hover_text(name).clicked()
}

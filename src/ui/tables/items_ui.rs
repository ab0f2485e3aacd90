//! Draws a table's items: the read bar, the grid, the line under it, the editor beside it.

use aws_sdk_dynamodb::types::TableDescription;
use egui::{Key, RichText, Ui};

use super::data::sources;
use super::editor::Editor;
use super::editor_ui::{self, Outcome};
use super::grid::{ItemRows, Wish, columns};
use super::items::ItemsTab;
use super::query::Field;
use super::query_ui;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{DataGrid, Icon, empty_state, icon};
use crate::ui::{Cx, theme};

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    tab.poll(cx, table);
    keys(ui, cx, table, tab);
    let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 8));
    egui::Panel::top("read bar")
        .resizable(false)
        .frame(frame)
        .show(ui, |ui| bar_ui(ui, cx, table, tab));
    if let Some(mut editor) = tab.editor.take() {
        let outcome = egui::Panel::right("item editor")
            .default_size(420.0)
            .size_range(320.0..=640.0)
            .show(ui, |ui| editor_ui::show(ui, cx, table, &mut editor))
            .inner;
        tab.editor = Some(editor);
        match outcome {
            Some(Outcome::Close) => tab.replace(None, table),
            Some(Outcome::Delete(item)) => tab.ask_to_delete(cx, table, &[item]),
            Some(Outcome::Duplicate(item)) => {
                tab.replace(Some(Editor::duplicate(item, table)), table);
            }
            None => (),
        }
    }
    egui::Panel::bottom("items status")
        .resizable(false)
        .show(ui, |ui| status_ui(ui, cx, table, tab));
    egui::CentralPanel::default()
        .frame(egui::Frame::new())
        .show(ui, |ui| grid_ui(ui, cx, table, tab));
    questions_ui(cx, table, tab);
}

fn keys(ui: &Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    let typing = ui.ctx().text_edit_focused() || egui::Popup::is_any_open(ui.ctx());
    let asking = tab.deleting.is_some() || tab.dropping.is_some();
    if typing || asking {
        return;
    }
    let pressed = |key| {
        let none = egui::Modifiers::NONE;
        ui.input(|input| input.modifiers.is_none() && input.key_pressed(key))
            && ui.input_mut(|input| input.consume_key(none, key))
    };
    if !tab.selection.is_empty() && pressed(Key::Delete) {
        tab.grant(cx, table, Wish::Delete);
    }
    if pressed(Key::F) {
        query_ui::add_filter(&mut tab.form, &mut tab.bar);
    }
    if pressed(Key::Q) {
        tab.bar.focus(Field::Partition);
    }
    if tab.editor.is_some() && pressed(Key::Escape) {
        tab.replace(None, table);
    }
}

fn bar_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    let sources = sources(table);
    let Some(source) = tab.source(&sources) else {
        return;
    };
    let wrong = tab.wrong(table.table_name().unwrap_or_default(), &source);
    let shown = query_ui::Shown {
        sources: &sources,
        source: &source,
        wrong: &wrong,
        facts: tab.sheet.facts(),
        is_reading: tab.reading.is_pending(),
    };
    if query_ui::show(ui, &mut tab.form, &mut tab.bar, &shown) {
        tab.read(cx, table);
    }
    for error in [tab.reading.error(), tab.deleted.error()]
        .into_iter()
        .flatten()
    {
        error_ui(ui, error);
    }
}

fn grid_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    if tab.sheet.is_empty() {
        return empty_ui(ui, table, tab);
    }
    let shown = tab.shown();
    let columns = columns(&shown);
    let mut grid = DataGrid::new("Items", &columns, tab.sheet.len())
        .main()
        .sticky(shown.iter().take_while(|it| it.is_key).count())
        .scroll_to(tab.scroll_to);
    if let Some((name, ascending)) = tab.sheet.sorted()
        && let Some(nth) = shown.iter().position(|it| it.name == name)
    {
        grid = grid.sorted(nth, ascending);
    }
    let mut selection = tab.selection.clone();
    let mut rows = ItemRows {
        sheet: &tab.sheet,
        table,
        columns: &shown,
        chosen: selection.len(),
        wish: None,
    };
    let answer = grid.show(ui, &mut selection, &mut rows);
    let wish = rows.wish;
    let head = answer.head.and_then(|nth| shown.get(nth));
    let head = head.map(|it| it.name.clone());
    tab.scroll_to = None;
    tab.selection = selection;
    if let Some(name) = head {
        tab.sheet.sort_by(&name);
        tab.selection.clear();
    }
    if let Some(row) = answer.opened {
        tab.open(cx, table, row, false);
    }
    if let Some(wish) = wish {
        tab.grant(cx, table, wish);
    }
}

fn empty_ui(ui: &mut Ui, table: &TableDescription, tab: &mut ItemsTab) {
    if tab.reading.is_pending() && tab.totals.pages == 0 {
        ui.add_space(theme::GUTTER);
        loading_ui(ui);
        return;
    }
    if tab.reading.error().is_some() {
        return;
    }
    let asked = tab.request.as_ref();
    let is_narrow = asked.is_some_and(|it| !it.filter.is_empty() || !it.key_condition.is_empty());
    if is_narrow {
        let why = if tab.totals.next.is_some() {
            "None of the items looked at so far passes. Load more to look further."
        } else {
            "No item has this key and passes the filters."
        };
        empty_state(ui, Icon::Search, "Nothing found", why, None);
        return;
    }
    let (title, why) = if asked.is_some_and(|it| it.index.is_some()) {
        (
            "No items in this index",
            "An index holds the items that have its key attributes.",
        )
    } else {
        (
            "No items yet",
            "Create one, import a file of JSON lines, or write with any SDK.",
        )
    };
    if empty_state(ui, Icon::Table, title, why, Some("Create item")) {
        tab.replace(Some(Editor::create(table)), table);
    }
}

/// How much is loaded and what it cost; more of it; what to do with the chosen rows.
fn status_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    ui.horizontal(|ui| {
        ui.label(loaded_words(tab));
        if let Some(units) = tab.totals.consumed {
            let last = tab.totals.last_consumed.unwrap_or_default();
            ui.weak(format!("{} RCU", units_text(units)))
                .on_hover_text(format!(
                    "Read capacity units of all pages; the last page took {}",
                    units_text(last)
                ));
        }
        ui.add_enabled_ui(
            tab.totals.next.is_some() && !tab.reading.is_pending(),
            |ui| {
                if ui.button("Load more").clicked() {
                    tab.read_more(cx);
                }
            },
        );
        if tab.selection.len() > 1 {
            ui.separator();
            let count = tab.selection.len();
            ui.label(format!("{count} chosen"));
            if icon::button(ui, Icon::Trash, &format!("Delete {count} items…")).clicked() {
                tab.grant(cx, table, Wish::Delete);
            }
        }
        if tab.deleted.is_pending() || tab.opening.is_some() {
            loading_ui(ui);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon::primary(ui, Icon::Plus, "Create item").clicked() {
                tab.replace(Some(Editor::create(table)), table);
            }
            columns_ui(ui, tab);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let sources = sources(table);
                if let Some(source) = tab.source(&sources)
                    && query_ui::page_ui(ui, &mut tab.form, &source)
                {
                    tab.read(cx, table);
                }
            });
        });
    });
}

fn loaded_words(tab: &ItemsTab) -> String {
    let number = |count: u64| grouped(i64::try_from(count).unwrap_or(i64::MAX));
    let loaded = tab.sheet.len();
    let all = if tab.totals.next.is_none() { "all" } else { "" };
    let items = if loaded == 1 { "item" } else { "items" };
    let mut words = format!("{} {items}", number(loaded));
    if tab.totals.pages > 0 && !all.is_empty() {
        words.push_str(", all");
    }
    if tab.totals.scanned != loaded {
        words.push_str(&format!(" of {} scanned", number(tab.totals.scanned)));
    }
    words
}

/// `0.5`, `12`, without noise.
fn units_text(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn columns_ui(ui: &mut Ui, tab: &mut ItemsTab) {
    let button = icon::only(ui, Icon::Columns, "Choose columns");
    egui::Popup::menu(&button)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.label(RichText::new("Columns").text_style(theme::subtitle()));
            let names: Vec<(String, bool)> = tab
                .sheet
                .facts()
                .iter()
                .map(|it| (it.name.clone(), it.is_key))
                .collect();
            egui::ScrollArea::vertical()
                .max_height(360.0)
                .show(ui, |ui| {
                    for (name, is_key) in names {
                        let mut is_shown = !tab.hidden.contains(&name);
                        let changed = ui
                            .add_enabled_ui(!is_key, |ui| {
                                ui.checkbox(&mut is_shown, &name).changed()
                            })
                            .inner;
                        if changed && is_shown {
                            tab.hidden.remove(&name);
                        } else if changed {
                            tab.hidden.insert(name);
                        }
                    }
                });
            if !tab.hidden.is_empty() && ui.button("Show all").clicked() {
                tab.hidden.clear();
            }
        });
}

fn questions_ui(cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    if let Some((confirm, _)) = &mut tab.deleting
        && let Some(yes) = confirm.ui(cx.ctx)
        && let Some((_, keys)) = tab.deleting.take()
        && yes
    {
        tab.delete(cx, table, keys);
    }
    if let Some((confirm, _)) = &mut tab.dropping
        && let Some(yes) = confirm.ui(cx.ctx)
        && let Some((_, next)) = tab.dropping.take()
        && yes
    {
        tab.put_in_place(next);
    }
}

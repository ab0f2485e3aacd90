//! Draws a table's items: the read bar, the grid, the line under it, the editor beside it.

use aws_sdk_dynamodb::types::TableDescription;
use egui::{Key, Modifiers, RichText, Ui};

use super::data::sources;
use super::editor::Editor;
use super::editor_ui::{self, Outcome};
use super::grid::{ItemRows, Wish, columns};
use super::items::ItemsTab;
use super::query::Field;
use super::query_ui;
use super::transfer::{self, Transfer, Way};
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{DataGrid, Icon, empty_state, icon};
use crate::ui::{Cx, theme};

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    tab.poll(cx, table);
    keys(ui, cx, table, tab);
    egui::Panel::top("read bar")
        .resizable(false)
        .frame(super::strip(ui, 8))
        .show(ui, |ui| bar_ui(ui, cx, table, tab));
    transfer::show(ui, cx, table, tab);
    if let Some(mut editor) = tab.editor.take() {
        let outcome = egui::Panel::right("item editor")
            .default_size(420.0)
            .size_range(320.0..=640.0)
            .show(ui, |ui| editor_ui::show(ui, cx, table, &mut editor))
            .inner;
        tab.view = editor.view;
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
        .frame(super::strip(ui, 6))
        .show(ui, |ui| status_ui(ui, cx, table, tab));
    egui::CentralPanel::default()
        .frame(egui::Frame::new().fill(theme::of(ui).panel))
        .show(ui, |ui| grid_ui(ui, cx, table, tab));
    questions_ui(cx, table, tab);
    // The editor has its own use for these keys, and was asked first.
    if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter)) {
        tab.read(cx, table);
    }
}

fn keys(ui: &Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    let typing = ui.ctx().text_edit_focused() || egui::Popup::is_any_open(ui.ctx());
    let asking = tab.deleting.is_some() || tab.dropping.is_some();
    if typing || asking {
        return;
    }
    let pressed = |key| {
        let none = Modifiers::NONE;
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
    for error in [tab.reading.error(), tab.deleted.error(), tab.undone.error()]
        .into_iter()
        .flatten()
    {
        error_ui(ui, error);
    }
}

fn grid_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    if tab.sheet.is_empty() {
        return empty_ui(ui, tab);
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

fn empty_ui(ui: &mut Ui, tab: &ItemsTab) {
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
            "Make a new item, import a file of JSON lines, or write with any SDK.",
        )
    };
    empty_state(ui, Icon::Table, title, why, None);
}

/// What can be done with the table's items, from the right.
pub(super) fn actions_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    if icon::primary(ui, Icon::Plus, "New item").clicked() {
        tab.replace(Some(Editor::create(table)), table);
    }
    if icon::button(ui, Icon::Export, "Export…").clicked() {
        tab.transfer = Some(Transfer::new(Way::Out, tab.selection.len()));
    }
    if icon::button(ui, Icon::Import, "Import…").clicked() {
        tab.transfer = Some(Transfer::new(Way::In, 0));
    }
    columns_ui(ui, cx, table, tab);
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
        if tab.totals.next.is_some() {
            ui.add_enabled_ui(!tab.reading.is_pending(), |ui| {
                if ui.button("Load more").clicked() {
                    tab.read_more(cx);
                }
            });
        }
        chosen_ui(ui, cx, table, tab);
        if tab.deleted.is_pending() || tab.undone.is_pending() || tab.opening.is_some() {
            loading_ui(ui);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let sources = sources(table);
            if let Some(source) = tab.source(&sources)
                && query_ui::page_ui(ui, &mut tab.form, &source)
            {
                tab.read(cx, table);
            }
        });
    });
}

/// What can be done with several rows, or was done.
fn chosen_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    if tab.selection.len() > 1 {
        ui.separator();
        let count = tab.selection.len();
        ui.label(format!("{count} chosen"));
        if icon::button(ui, Icon::Trash, &format!("Delete {count} items…")).clicked() {
            tab.grant(cx, table, Wish::Delete);
        }
    }
    let can_undo = cx.aws.is_local() && !tab.undo.is_empty() && tab.deleted.is_idle();
    if can_undo && !tab.undone.is_pending() {
        ui.separator();
        ui.weak(match tab.undo.len() {
            1 => "1 item deleted".to_owned(),
            many => format!("{many} items deleted"),
        });
        if icon::button(ui, Icon::Replay, "Undo")
            .on_hover_text("Writes what was deleted again")
            .clicked()
        {
            tab.take_back(cx, table);
        }
    }
}

fn loaded_words(tab: &ItemsTab) -> String {
    let loaded = tab.sheet.len();
    let items = if loaded == 1 { "item" } else { "items" };
    let is_narrow = tab.request.as_ref().is_some_and(|it| !it.filter.is_empty());
    match (is_narrow, tab.totals.next.is_some()) {
        _ if tab.totals.pages == 0 => String::new(),
        (true, _) => format!(
            "{} found, {} scanned",
            grouped(loaded),
            grouped(tab.totals.scanned)
        ),
        (false, true) => format!("{} {items} so far", grouped(loaded)),
        (false, false) => format!("{} {items}", grouped(loaded)),
    }
}

/// `0.5`, `12`, without noise.
fn units_text(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn columns_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    let button = icon::only(ui, Icon::Columns, "Choose columns");
    let mut changed = Vec::new();
    egui::Popup::menu(&button)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.label(RichText::new("Columns").text_style(theme::subtitle()));
            let scroll = egui::ScrollArea::vertical().max_height(360.0);
            scroll.show(ui, |ui| {
                for facts in tab.sheet.facts() {
                    let mut is_shown = !tab.is_hidden(&facts.name);
                    ui.add_enabled_ui(!facts.is_key, |ui| {
                        if ui.checkbox(&mut is_shown, &facts.name).changed() {
                            changed.push((facts.name.clone(), !is_shown));
                        }
                    });
                }
            });
        });
    for (name, hide) in changed {
        tab.hide(cx, table, &name, hide);
    }
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
        tab.put_in_place(next, table);
    }
}

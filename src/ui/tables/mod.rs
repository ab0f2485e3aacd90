//! Tables: the list, a table's items, its stream, triggers, indexes and settings, and a form for new tables.

mod calls;
mod data;
mod editor;
mod editor_ui;
mod grid;
mod head_ui;
mod indexes_ui;
mod items;
mod items_ui;
mod lineage;
mod list_ui;
mod query;
mod query_ui;
mod rules;
mod sample_ui;
mod settings_ui;
mod shards_ui;
mod stream_ui;
mod transfer;
mod tree;
mod triggers_ui;
mod views;
mod wizard;
mod wizard_ui;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use egui::Ui;

use super::cx::{Action, Cx, Listing, Route};
use super::remote::loading_ui;
use super::widgets::{Icon, empty_state};
use super::{Panel, theme};
use items::ItemsTab;
use settings_ui::SettingsTab;
use stream_ui::StreamTab;
use triggers_ui::TriggersTab;
use wizard_ui::Wizard;

/// How often to look at a table that is being made or changed.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// What is shown of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Items,
    Indexes,
    Stream,
    Triggers,
    Settings,
}

const TABS: [(Tab, &str); 5] = [
    (Tab::Items, "Items"),
    (Tab::Indexes, "Indexes"),
    (Tab::Stream, "Stream"),
    (Tab::Triggers, "Triggers"),
    (Tab::Settings, "Settings"),
];

/// A table that was looked at; kept, so that coming back finds it as it was left.
#[derive(Default)]
struct View {
    tab: Tab,
    items: ItemsTab,
    index: Option<usize>,
    stream: StreamTab,
    triggers: TriggersTab,
    settings: SettingsTab,
}

#[derive(Default)]
pub struct TablesPanel {
    search: String,
    chosen: Option<String>,
    views: BTreeMap<String, View>,
    wizard: Wizard,
    /// The form for a new table is shown in place of a table.
    in_wizard: bool,
    /// When tables that are being made or changed were last asked after.
    looked: Option<Duration>,
}

impl Panel for TablesPanel {
    fn title(&self) -> &'static str {
        "Tables"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Tables => self.in_wizard = false,
            Route::Table(name) => {
                self.in_wizard = false;
                self.chosen = Some(name.clone());
            }
            Route::NewTable => {
                self.in_wizard = true;
                self.wizard.enter();
            }
            _ => return false,
        }
        true
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.settle(cx);
        let chosen = self.chosen.as_deref().filter(|_| !self.in_wizard);
        let chosen = chosen.map(|table| list_ui::Chosen {
            table,
            index: self.views.get(table).and_then(View::index),
        });
        let index = egui::Panel::left("tables")
            .default_size(240.0)
            .size_range(180.0..=360.0)
            .show(ui, |ui| {
                list_ui::show(ui, cx, &mut self.search, chosen.as_ref())
            })
            .inner;
        if let Some(index) = index {
            self.read_index(cx, index);
        }
        egui::CentralPanel::default()
            .frame(egui::Frame::new())
            .show(ui, |ui| {
                if self.in_wizard {
                    self.wizard.ui(ui, cx);
                } else {
                    self.table_ui(ui, cx);
                }
            });
    }
}

impl TablesPanel {
    /// Chooses the first table where the user has not and looking costs nothing; forgets tables that are gone.
    fn settle(&mut self, cx: &Cx<'_>) {
        let Some(tables) = cx.catalog.tables.value() else {
            return;
        };
        if self.chosen.is_none() && cx.aws.is_local() {
            let first = tables.iter().find_map(TableDescription::table_name);
            self.chosen = first.map(str::to_owned);
        }
        let unsettled = tables
            .iter()
            .any(|it| it.table_status() != Some(&TableStatus::Active));
        if !unsettled || cx.catalog.tables.is_pending() {
            return;
        }
        let waited = self.looked.map(|it| cx.since(it));
        match waited.and_then(|waited| LOOK_AGAIN.checked_sub(waited)) {
            Some(left) if !left.is_zero() => cx.ctx.request_repaint_after(left),
            _ => {
                self.looked = Some(cx.uptime);
                cx.send(Action::Reload(Listing::Tables));
            }
        }
    }

    fn read_index(&mut self, cx: &Cx<'_>, index: String) {
        let Some(name) = &self.chosen else { return };
        let mut tables = cx.catalog.tables.value().into_iter().flatten();
        let table = tables.find(|it| it.table_name() == Some(name));
        if let (Some(table), Some(view)) = (table, self.views.get_mut(name)) {
            view.tab = Tab::Items;
            view.items.read_index(cx, table, index);
        }
    }

    fn table_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let tables = &cx.catalog.tables;
        let Some(name) = self.chosen.clone() else {
            return none_ui(ui, cx);
        };
        let all = tables.value().into_iter().flatten();
        let table = all.into_iter().find(|it| it.table_name() == Some(&name));
        let Some(table) = table else {
            if tables.is_pending() {
                egui::Frame::new().inner_margin(12).show(ui, loading_ui);
            } else if tables.error().is_none() {
                let why = "It was deleted, or it belongs to another account or region.";
                let title = format!("There is no table {name}");
                if empty_state(
                    ui,
                    Icon::Table,
                    &title,
                    why,
                    Some((Icon::Plus, "New table…")),
                ) {
                    cx.send(Action::Go(Route::NewTable));
                }
            }
            return;
        };
        let view = self.views.entry(name.clone()).or_default();
        if view.ui(ui, cx, table) {
            self.views.remove(&name);
            self.chosen = None;
        }
    }
}

impl View {
    /// The index whose items are shown.
    fn index(&self) -> Option<&str> {
        let read = self.items.request.as_ref()?;
        read.index.as_deref().filter(|_| self.tab == Tab::Items)
    }

    /// True when the table was deleted.
    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription) -> bool {
        egui::Panel::top("table head")
            .resizable(false)
            .frame(strip(ui, 6))
            .show(ui, |ui| {
                head_ui::show(ui, cx, table);
                ui.horizontal(|ui| {
                    for (tab, words) in TABS {
                        // The rail has a button of the same words.
                        ui.selectable_value(&mut self.tab, tab, words)
                            .accessible_name(format!("{words} tab"));
                    }
                    if self.tab == Tab::Items {
                        let backwards = egui::Layout::right_to_left(egui::Align::Center);
                        ui.with_layout(backwards, |ui| {
                            items_ui::actions_ui(ui, cx, table, &mut self.items);
                        });
                    }
                });
            });
        match self.tab {
            Tab::Items => items_ui::show(ui, cx, table, &mut self.items),
            Tab::Indexes => {
                if let Some(index) = indexes_ui::show(ui, table, &mut self.index) {
                    self.items.read_index(cx, table, index);
                    self.tab = Tab::Items;
                }
            }
            Tab::Stream => stream_ui::show(ui, cx, table, &mut self.stream),
            Tab::Triggers => triggers_ui::show(ui, cx, table, &mut self.triggers),
            Tab::Settings => return settings_ui::show(ui, cx, table, &mut self.settings),
        }
        false
    }
}

/// The frame of a strip of controls, in line with the cells of the grid.
fn strip(ui: &Ui, vertical: i8) -> egui::Frame {
    egui::Frame::new()
        .fill(theme::of(ui).panel)
        .inner_margin(egui::Margin::symmetric(8, vertical))
}

fn none_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let tables = &cx.catalog.tables;
    match tables.value() {
        None if tables.is_pending() => {
            egui::Frame::new().inner_margin(12).show(ui, loading_ui);
        }
        // The list at the left says what failed.
        None => (),
        Some(all) if all.is_empty() => {
            let why = "A table keeps items; its stream tells functions about every change.";
            if empty_state(
                ui,
                Icon::Table,
                "No tables yet",
                why,
                Some((Icon::Plus, "New table…")),
            ) {
                cx.send(Action::Go(Route::NewTable));
            }
        }
        Some(_) => {
            let why = "Reading items of a table on AWS is paid for, so nothing is read before you choose.";
            empty_state(ui, Icon::Table, "Choose a table", why, None);
        }
    }
}

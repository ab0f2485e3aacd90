//! A table's facts, its deletion protection, and its end.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::TableDescription;
use egui::{RichText, Ui};
use serde_json::json;

use super::calls;
use super::head_ui::billing;
use super::stream_ui::{arn_ui, card};
use crate::aws::dynamodb;
use crate::ui::cx::Listing;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Confirm, Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Remote, Route, Toast, theme, time};

/// The settings tab.
#[derive(Default)]
pub(super) struct SettingsTab {
    protecting: Remote<TableDescription>,
    deleting: Remote<()>,
    confirm: Option<(Confirm, Change)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Protect(bool),
    Delete,
}

/// True when the table is gone.
pub(super) fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    table: &TableDescription,
    tab: &mut SettingsTab,
) -> bool {
    let name = table.table_name().unwrap_or_default();
    if tab.protecting.poll() && tab.protecting.take().is_some() {
        cx.send(Action::Reload(Listing::Tables));
    }
    if tab.deleting.poll() && tab.deleting.take().is_some() {
        cx.send(Action::Toast(Toast::good(format!("Deleted table {name}"))));
        cx.send(Action::Reload(Listing::Tables));
        cx.send(Action::Go(Route::Tables));
        return true;
    }
    theme::page(ui, |ui| {
        for error in [tab.protecting.error(), tab.deleting.error()]
            .into_iter()
            .flatten()
        {
            error_ui(ui, error);
        }
        card(ui, |ui| facts_ui(ui, table));
        ui.add_space(theme::GUTTER);
        card(ui, |ui| protection_ui(ui, cx, table, tab));
        ui.add_space(theme::GUTTER);
        card(ui, |ui| delete_ui(ui, cx, table, tab));
    });
    if let Some((confirm, _)) = &mut tab.confirm
        && let Some(yes) = confirm.ui(cx.ctx)
        && let Some((_, change)) = tab.confirm.take()
        && yes
    {
        start(cx, name, tab, change);
    }
    false
}

fn facts_ui(ui: &mut Ui, table: &TableDescription) {
    ui.label(RichText::new("Table").text_style(theme::subtitle()));
    if let Some(arn) = table.table_arn() {
        arn_ui(ui, "Table ARN", arn);
    }
    let created = table.creation_date_time().map_or_else(String::new, |it| {
        SystemTime::try_from(*it).map_or_else(|_| String::new(), time::date_time)
    });
    let bytes = table.table_size_bytes().unwrap_or_default();
    let class = table.table_class_summary().and_then(|it| it.table_class());
    egui::Grid::new("table facts")
        .num_columns(2)
        .spacing([24.0, 6.0])
        .show(ui, |ui| {
            let mut row = |name: &str, value: String| {
                ui.weak(name);
                ui.label(value);
                ui.end_row();
            };
            row("Created", created);
            row("Capacity", billing(table));
            row("Size", format!("{} bytes", grouped(bytes)));
            row("Items", grouped(table.item_count().unwrap_or_default()));
            if let Some(class) = class {
                row("Class", class.as_str().to_lowercase().replace('_', " "));
            }
        });
}

fn protection_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut SettingsTab) {
    let is_protected = table.deletion_protection_enabled() == Some(true);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Deletion protection").text_style(theme::subtitle()));
        if is_protected {
            chip::health(ui, Health::Ok, "on");
        } else {
            chip::health(ui, Health::Idle, "off");
        }
        if tab.protecting.is_pending() {
            loading_ui(ui);
        }
    });
    ui.weak("While it is on, the service refuses to delete the table, whoever asks");
    ui.add_space(4.0);
    let words = if is_protected {
        "Turn protection off"
    } else {
        "Turn protection on"
    };
    ui.add_enabled_ui(!tab.protecting.is_pending(), |ui| {
        if icon::button(ui, Icon::Lock, words).clicked() {
            let change = Change::Protect(!is_protected);
            let name = table.table_name().unwrap_or_default();
            if cx.aws.is_local() {
                start(cx, name, tab, change);
            } else {
                let input =
                    json!({ "TableName": name, "DeletionProtectionEnabled": !is_protected });
                let confirm = Confirm::new(words).call(calls::call("UpdateTable", &input));
                tab.confirm = Some((confirm, change));
            }
        }
    });
}

fn delete_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut SettingsTab) {
    ui.label(RichText::new("Delete table").text_style(theme::subtitle()));
    ui.weak("Items, indexes and the stream go with it; triggers that read the stream stay and find nothing");
    ui.add_space(4.0);
    let is_protected = table.deletion_protection_enabled() == Some(true);
    ui.horizontal(|ui| {
        let free = !is_protected && !tab.deleting.is_pending();
        ui.add_enabled_ui(free, |ui| {
            let button = icon::button(ui, Icon::Trash, "Delete table…");
            if button
                .on_disabled_hover_text("Turn deletion protection off first")
                .clicked()
            {
                tab.confirm = Some((question(cx, table), Change::Delete));
            }
        });
        if tab.deleting.is_pending() {
            loading_ui(ui);
            ui.weak("Waiting until the table is gone");
        }
        if is_protected {
            ui.weak("Protected from deletion");
        }
    });
}

fn question(cx: &Cx<'_>, table: &TableDescription) -> Confirm {
    let name = table.table_name().unwrap_or_default();
    let items = grouped(table.item_count().unwrap_or_default());
    let place = &cx.aws.about().label;
    let confirm = Confirm::new(format!("Delete table {name}"))
        .consequence(format!("{items} items in {place} are lost for good."))
        .type_to_confirm(name);
    if cx.aws.is_local() {
        confirm
    } else {
        confirm.call(calls::call("DeleteTable", &json!({ "TableName": name })))
    }
}

fn start(cx: &Cx<'_>, name: &str, tab: &mut SettingsTab, change: Change) {
    let (aws, name) = (cx.aws.clone(), name.to_owned());
    match change {
        Change::Protect(on) => {
            let set = dynamodb::set_protection(aws, name, on);
            tab.protecting.start(cx, set);
        }
        Change::Delete => tab.deleting.start(cx, dynamodb::delete_table(aws, name)),
    }
}

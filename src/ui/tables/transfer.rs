//! Items from a file and into one, as JSON lines: a strip over the grid with its progress.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::types::TableDescription;
use egui::{RichText, Ui};

use super::items::ItemsTab;
use crate::aws::dynamodb::{Item, JsonForm, ReadRequest};
use crate::aws::files::{self, Counter, FileKind};
use crate::ui::remote::error_ui;
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Confirm, Icon, PathBox, icon};
use crate::ui::{Action, Cx, Remote, Toast, theme};

/// How often a count that grows is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Which way items go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// Which items go into the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    /// Read again, to the end.
    #[default]
    Everything,
    Loaded,
    Chosen,
}

/// An import or export, about to run or running.
pub(super) struct Transfer {
    way: Way,
    which: Which,
    form: JsonForm,
    path: PathBox,
    picking: Remote<Option<PathBuf>>,
    /// Items done.
    running: Remote<u64>,
    counter: Counter,
    confirm: Option<Confirm>,
}

impl Transfer {
    pub(super) fn new(way: Way, chosen: usize) -> Self {
        Self {
            way,
            // Several rows are chosen for a purpose.
            which: if chosen > 1 {
                Which::Chosen
            } else {
                Which::Everything
            },
            form: JsonForm::default(),
            path: PathBox::default(),
            picking: Remote::default(),
            running: Remote::default(),
            counter: Counter::default(),
            confirm: None,
        }
    }

    /// Takes what has arrived; true when it is done and something was written to the table.
    fn poll(&mut self, cx: &Cx<'_>) -> Option<bool> {
        if self.picking.poll()
            && let Some(path) = self.picking.take().flatten()
        {
            self.path.text = path.display().to_string();
        }
        if self.running.is_pending() {
            cx.ctx.request_repaint_after(TICK);
        }
        if !self.running.poll() {
            return None;
        }
        let Some(count) = self.running.take() else {
            // What was written before the error is there.
            return (self.way == Way::In).then_some(false);
        };
        let count = grouped(count);
        let words = match self.way {
            Way::In => format!("Imported {count} items"),
            Way::Out => format!("Exported {count} items to {}", self.path.text.trim()),
        };
        cx.send(Action::Toast(Toast::good(words)));
        Some(true)
    }

    fn browse(&mut self, cx: &Cx<'_>, table: &str) {
        match self.way {
            Way::In => self.picking.start(cx, files::pick_open(FileKind::Items)),
            Way::Out => {
                let name = format!("{table}.jsonl");
                let pick = files::pick_save(FileKind::Items, name);
                self.picking.start(cx, pick);
            }
        }
    }

    fn import(&mut self, cx: &Cx<'_>, table: &str) {
        let Some(path) = self.path.path() else { return };
        self.counter = Counter::default();
        let counter = Counter::clone(&self.counter);
        let import = files::import_items(cx.aws.clone(), table.to_owned(), path, counter);
        self.running
            .start(cx, async move { import.await.map(|done| done.written) });
    }

    fn export(&mut self, cx: &Cx<'_>, request: ReadRequest, items: Vec<Item>) {
        let Some(path) = self.path.path() else { return };
        self.counter = Counter::default();
        let counter = Counter::clone(&self.counter);
        if self.which == Which::Everything {
            let request = ReadRequest {
                start: None,
                limit: None,
                ..request
            };
            let export = files::export_items(cx.aws.clone(), request, path, self.form, counter);
            self.running.start(cx, export);
        } else {
            let save = files::save_items(items, path, self.form);
            self.running.start(cx, save);
        }
    }
}

/// Draws the strip if there is one.
pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut ItemsTab) {
    let Some(mut transfer) = tab.transfer.take() else {
        return;
    };
    let done = transfer.poll(cx);
    if done.is_some() && transfer.way == Way::In {
        tab.changed(cx, table, None);
    }
    if done == Some(true) {
        return;
    }
    let name = table.table_name().unwrap_or_default();
    let mut is_open = true;
    egui::Panel::top("transfer")
        .resizable(false)
        .frame(super::strip(ui, 8))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                let title = match transfer.way {
                    Way::In => "Import items",
                    Way::Out => "Export items",
                };
                ui.label(RichText::new(title).text_style(theme::subtitle()));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if icon::only(ui, Icon::Close, "Close").clicked() {
                        is_open = false;
                    }
                });
            });
            match transfer.way {
                Way::In => import_ui(ui, cx, name, &mut transfer),
                Way::Out => export_ui(ui, cx, name, &mut transfer, tab),
            }
            for error in [transfer.picking.error(), transfer.running.error()]
                .into_iter()
                .flatten()
            {
                error_ui(ui, error);
            }
        });
    if let Some(confirm) = &mut transfer.confirm
        && let Some(yes) = confirm.ui(cx.ctx)
    {
        transfer.confirm = None;
        if yes {
            transfer.import(cx, name);
        }
    }
    if is_open {
        tab.transfer = Some(transfer);
    }
}

fn import_ui(ui: &mut Ui, cx: &Cx<'_>, table: &str, transfer: &mut Transfer) {
    ui.weak("One item to a line, as JSON or DynamoDB JSON. The whole file is checked before the first item is written; items with the same key are replaced.");
    ui.horizontal(|ui| {
        path_ui(ui, cx, table, transfer);
        let ready = transfer.path.path().is_some() && !transfer.running.is_pending();
        ui.add_enabled_ui(ready, |ui| {
            if icon::primary(ui, Icon::Import, "Import").clicked() {
                if cx.aws.is_local() {
                    transfer.import(cx, table);
                } else {
                    let place = &cx.aws.about().label;
                    let confirm = Confirm::new(format!("Import items into {table}"))
                        .consequence(format!(
                            "Every line of the file is written into {table} in {place}."
                        ))
                        .call("BatchWriteItem, 25 PutRequests per call");
                    transfer.confirm = Some(confirm);
                }
            }
        });
        count_ui(ui, transfer);
    });
}

fn export_ui(ui: &mut Ui, cx: &Cx<'_>, table: &str, transfer: &mut Transfer, tab: &ItemsTab) {
    let request = tab.request.clone().unwrap_or_default();
    let is_narrow = !request.filter.is_empty() || !request.key_condition.is_empty();
    let everything = match (&request.index, is_narrow) {
        (None, false) => "Whole table".to_owned(),
        (Some(index), false) => format!("Whole index {index}"),
        (_, true) => "Everything this read finds".to_owned(),
    };
    ui.horizontal(|ui| {
        ui.radio_value(&mut transfer.which, Which::Everything, everything);
        let loaded = format!("Loaded items ({})", tab.sheet.len());
        ui.radio_value(&mut transfer.which, Which::Loaded, loaded);
        ui.add_enabled_ui(!tab.selection.is_empty(), |ui| {
            let chosen = format!("Chosen items ({})", tab.selection.len());
            ui.radio_value(&mut transfer.which, Which::Chosen, chosen);
        });
        ui.separator();
        ui.radio_value(&mut transfer.form, JsonForm::Plain, "JSON lines");
        ui.radio_value(
            &mut transfer.form,
            JsonForm::DynamoDb,
            "DynamoDB JSON lines",
        )
        .on_hover_text("Keeps sets and binary values");
    });
    ui.horizontal(|ui| {
        path_ui(ui, cx, table, transfer);
        let ready = transfer.path.path().is_some() && !transfer.running.is_pending();
        ui.add_enabled_ui(ready, |ui| {
            if icon::primary(ui, Icon::Export, "Export").clicked() {
                let items = match transfer.which {
                    Which::Everything => Vec::new(),
                    Which::Loaded => tab.sheet.items().cloned().collect(),
                    Which::Chosen => tab.chosen().cloned().collect(),
                };
                transfer.export(cx, request, items);
            }
        });
        count_ui(ui, transfer);
    });
}

fn path_ui(ui: &mut Ui, cx: &Cx<'_>, table: &str, transfer: &mut Transfer) {
    let name = match transfer.way {
        Way::In => "File to import",
        Way::Out => "File to export to",
    };
    if transfer.path.ui(ui, name) {
        transfer.browse(cx, table);
    }
}

fn count_ui(ui: &mut Ui, transfer: &Transfer) {
    if transfer.running.is_pending() {
        let count = transfer.counter.load(Ordering::Acquire);
        let count = grouped(count);
        let words = format!("{count} items written…");
        ui.label(&words)
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &words));
    }
}

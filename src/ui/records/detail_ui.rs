//! One record: what changed, each image, the raw event, and where it went.

use egui::{RichText, Ui};
use serde_json::{Value, json};

use super::rows::image;
use crate::aws::streams::Row;
use crate::ui::save_as::SaveAs;
use crate::ui::widgets::chip::{self, Change};
use crate::ui::widgets::{Icon, JsonView, diff_view, icon, json_view};
use crate::ui::{Action, Cx, Route, Toast, names, theme, time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Diff,
    New,
    Old,
    Raw,
}

/// What the user looks at in the inspector.
pub(super) struct Detail {
    tab: Tab,
    only_changed: bool,
    save: SaveAs,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            tab: Tab::default(),
            only_changed: true,
            save: SaveAs::default(),
        }
    }
}

impl Detail {
    pub(super) fn show_diff(&mut self) {
        self.tab = Tab::Diff;
    }
}

/// Returns the key to follow when the user asked for that.
pub(super) fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    row: &Row,
    view: &str,
    detail: &mut Detail,
) -> Option<String> {
    let record = &row.record;
    head_ui(ui, row);
    rejections_ui(ui, cx, row);
    let mut follow = None;
    ui.horizontal_wrapped(|ui| {
        if icon::button(ui, Icon::Eye, "Follow this item")
            .on_hover_text("Shift F")
            .clicked()
        {
            follow = Some(record.key.to_string());
        }
        if cx.live.batch_of(&record.sequence_number).is_some()
            && icon::button(ui, Icon::Batch, "Open batch story")
                .on_hover_text("Enter")
                .clicked()
        {
            open_story(cx, row);
        }
        test_event_ui(ui, cx, row);
        if icon::button(ui, Icon::Copy, "Copy as JSON").clicked() {
            ui.ctx().copy_text(json_view::pretty(&record.event));
            cx.send(Action::Toast(Toast::good("Copied the record as JSON")));
        }
        let name = format!("record-{}.json", record.sequence_number);
        let text = || json_view::pretty(&record.event);
        detail.save.ui(ui, cx, &name, text);
    });
    ui.separator();
    ui.horizontal(|ui| {
        ui.selectable_value(&mut detail.tab, Tab::Diff, "Diff");
        ui.selectable_value(&mut detail.tab, Tab::New, "New");
        ui.selectable_value(&mut detail.tab, Tab::Old, "Old");
        ui.selectable_value(&mut detail.tab, Tab::Raw, "Raw");
    });
    let (old, new) = (
        image(&record.event, "OldImage"),
        image(&record.event, "NewImage"),
    );
    egui::ScrollArea::both()
        .id_salt("record detail")
        .auto_shrink(false)
        .show(ui, |ui| match detail.tab {
            Tab::Diff if old.is_none() && new.is_none() => missing_ui(ui, view),
            Tab::Diff => {
                let found = diff_view::differences(old, new);
                diff_view(ui, &found, &mut detail.only_changed);
                if old.is_none() != new.is_none() && view != "NEW_AND_OLD_IMAGES" {
                    missing_ui(ui, view);
                }
            }
            Tab::New => image_ui(ui, "New image", new, view),
            Tab::Old => image_ui(ui, "Old image", old, view),
            Tab::Raw => JsonView::new("Raw record", &record.event)
                .open_depth(4)
                .show(ui),
        });
    follow
}

/// Kind, key, time, size and position.
fn head_ui(ui: &mut Ui, row: &Row) {
    let record = &row.record;
    ui.horizontal_wrapped(|ui| {
        if let Some(change) = Change::of(record.event_name.as_str()) {
            chip::change(ui, change);
        }
        ui.label(RichText::new(&*record.key).monospace().strong());
    });
    ui.horizontal_wrapped(|ui| {
        ui.weak(time::date_time(record.created));
        ui.weak(format!("{} bytes", record.size_bytes));
        ui.label(
            RichText::new(record.sequence_number.short())
                .monospace()
                .weak(),
        )
        .on_hover_text(record.sequence_number.as_str());
    });
}

/// Which leaf of which trigger's filters did not let the record through.
fn rejections_ui(ui: &mut Ui, cx: &Cx<'_>, row: &Row) {
    let tokens = theme::of(ui);
    for rejected in cx.live.rejections(&row.record.sequence_number) {
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, Icon::Filtered, tokens.filtered);
            ui.label("Filtered out by");
            ui.label(RichText::new(names::trigger(cx, &rejected.mapping)).strong());
        });
        for rejection in &rejected.because {
            ui.label(rejection.words());
        }
    }
}

/// Shows the batch that had this record, if a poller of ours took it.
pub(super) fn open_story(cx: &Cx<'_>, row: &Row) {
    match cx.live.batch_of(&row.record.sequence_number) {
        Some((uuid, shard, batch)) => {
            let route = Route::Batch(uuid.to_string(), shard.to_string(), batch);
            cx.send(Action::Go(route));
        }
        None => cx.send(Action::Toast(Toast::bad(
            "No batch of a local trigger had this record",
        ))),
    }
}

fn test_event_ui(ui: &mut Ui, cx: &Cx<'_>, row: &Row) {
    let functions = cx.catalog.functions.value();
    let names: Vec<&str> = functions
        .into_iter()
        .flatten()
        .filter_map(|it| it.function_name())
        .collect();
    if names.is_empty() {
        return;
    }
    let event = || json_view::pretty(&json!({ "Records": [&*row.record.event] }));
    ui.menu_button("Make test event for…", |ui| {
        for name in names {
            if ui.button(name).clicked() {
                let route = Route::TestEvent(name.to_owned(), event());
                cx.send(Action::Go(route));
                ui.close();
            }
        }
    });
}

fn image_ui(ui: &mut Ui, name: &str, image: Option<&Value>, view: &str) {
    match image {
        Some(image) => JsonView::new(name, image).open_depth(4).show(ui),
        None => missing_ui(ui, view),
    }
}

/// Why an image is not there.
fn missing_ui(ui: &mut Ui, view: &str) {
    let why = match view {
        "KEYS_ONLY" => {
            "This stream's view type is KEYS_ONLY: its records carry no images, only keys."
        }
        "NEW_IMAGE" => {
            "This stream's view type is NEW_IMAGE: records carry the item as it became, not as it was."
        }
        "OLD_IMAGE" => {
            "This stream's view type is OLD_IMAGE: records carry the item as it was, not as it became."
        }
        _ => "This change has no such image: an INSERT has no old one, a REMOVE no new one.",
    };
    ui.weak(why);
}

//! Draws the item editor.

use aws_sdk_dynamodb::types::TableDescription;
use egui::{Key, Modifiers, RichText, Ui};

use super::editor::{Editor, View};
use crate::aws::dynamodb::Item;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::form::violation;
use crate::ui::widgets::{Icon, confirm, diff_view, icon};
use crate::ui::{Cx, theme};

/// What the user wants beyond the editor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Close,
    Delete(Item),
    Duplicate(Item),
}

/// Problems listed before the rest is only counted.
const PROBLEMS_MAX: usize = 4;

pub(super) fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    table: &TableDescription,
    editor: &mut Editor,
) -> Option<Outcome> {
    let mut outcome = head_ui(ui, table, editor);
    egui::Panel::bottom("item actions")
        .resizable(false)
        .frame(egui::Frame::new().inner_margin(egui::Margin::symmetric(0, 8)))
        .show(ui, |ui| {
            outcome = outcome.take().or(foot_ui(ui, cx, table, editor));
        });
    if editor.conflict.is_some() {
        egui::Panel::top("item conflict")
            .resizable(true)
            .default_size(240.0)
            .frame(egui::Frame::new().inner_margin(egui::Margin::symmetric(0, 4)))
            .show(ui, |ui| conflict_ui(ui, cx, table, editor));
    }
    let changed = match editor.view {
        View::Tree => editor.tree.ui(ui),
        View::Plain | View::Typed => editor.text.ui(ui, "Item as JSON"),
    };
    if changed {
        editor.read(table);
    }
    confirm_ui(cx, table, editor);
    outcome
}

fn head_ui(ui: &mut Ui, table: &TableDescription, editor: &mut Editor) -> Option<Outcome> {
    let mut outcome = None;
    ui.horizontal(|ui| {
        let title = RichText::new(editor.title(table)).text_style(theme::subtitle());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon::only(ui, Icon::Close, "Close the item").clicked() {
                outcome = Some(Outcome::Close);
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(title).truncate());
            });
        });
    });
    ui.horizontal(|ui| {
        for (view, words) in [
            (View::Tree, "Tree"),
            (View::Plain, "JSON"),
            (View::Typed, "DynamoDB JSON"),
        ] {
            let here = editor.view == view;
            let enabled = here || editor.typed.is_ok();
            ui.add_enabled_ui(enabled, |ui| {
                if ui.selectable_label(here, words).clicked() && !here {
                    editor.show_as(view, table);
                }
            });
        }
        if editor.is_dirty() {
            ui.weak("not saved");
        }
    });
    ui.add_space(4.0);
    outcome
}

fn foot_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    table: &TableDescription,
    editor: &mut Editor,
) -> Option<Outcome> {
    problems_ui(ui, editor);
    if let Some(error) = editor.saving.error() {
        error_ui(ui, error);
    }
    let mut outcome = None;
    ui.horizontal(|ui| {
        let (words, sign) = if editor.original.is_some() {
            ("Save changes", Icon::Save)
        } else {
            ("Create item", Icon::Plus)
        };
        let mut save = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::S));
        ui.add_enabled_ui(editor.is_worth_saving(), |ui| {
            save |= icon::primary(ui, sign, words)
                .on_hover_text("Ctrl S")
                .clicked();
        });
        if save && editor.is_worth_saving() {
            editor.save(cx, table);
        }
        ui.add_enabled_ui(editor.is_dirty(), |ui| {
            if ui.button("Revert").clicked() {
                editor.revert(table);
            }
        });
        if editor.saving.is_pending() {
            loading_ui(ui);
        }
        if let Some(original) = &editor.original {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Trash, "Delete this item").clicked() {
                    outcome = Some(Outcome::Delete(original.clone()));
                }
                if icon::only(ui, Icon::Copy, "Duplicate this item").clicked() {
                    outcome = Some(Outcome::Duplicate(original.clone()));
                }
            });
        }
    });
    outcome
}

fn problems_ui(ui: &mut Ui, editor: &Editor) {
    if !editor.complains() {
        return;
    }
    if let Err(message) = &editor.typed {
        violation(ui, message);
    }
    for problem in editor.problems.iter().take(PROBLEMS_MAX) {
        violation(ui, &format!("{}: {}", problem.path, problem.message));
    }
    let more = editor.problems.len().saturating_sub(PROBLEMS_MAX);
    if more > 0 {
        ui.weak(format!("and {more} more"));
    }
}

fn conflict_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, editor: &mut Editor) {
    let Some(conflict) = &editor.conflict else {
        return;
    };
    if let Some(error) = conflict.stored.error() {
        error_ui(ui, error);
    }
    let Some(stored) = conflict.stored.value() else {
        loading_ui(ui);
        return;
    };
    let title = match (stored, &editor.original) {
        (Some(_), Some(_)) => "The item has changed since you loaded it",
        (Some(_), None) => "An item with this key exists already",
        (None, _) => "The item was deleted since you loaded it",
    };
    let exists = stored.is_some();
    confirm::warning(ui, title);
    if let Some(changes) = editor.changed_meanwhile().filter(|it| !it.is_empty()) {
        ui.label(format!("Changed meanwhile: {changes}"));
    }
    let mut only_changed = conflict.only_changed;
    ui.horizontal(|ui| {
        let overwrite = if exists {
            "Overwrite"
        } else {
            "Write it again"
        };
        if ui.button(overwrite).clicked() {
            editor.overwrite(cx, table);
        }
        let reload = if exists {
            "Reload and drop my changes"
        } else {
            "Drop my changes"
        };
        if ui.button(reload).clicked() {
            editor.reload(table);
        }
    });
    if let Some(found) = editor.against_stored() {
        ui.weak(RichText::new("What overwriting would change").small());
        egui::ScrollArea::both()
            .id_salt("conflict")
            .auto_shrink(false)
            .show(ui, |ui| {
                diff_view(ui, &found, &mut only_changed);
            });
    }
    if let Some(conflict) = &mut editor.conflict {
        conflict.only_changed = only_changed;
    }
}

fn confirm_ui(cx: &Cx<'_>, table: &TableDescription, editor: &mut Editor) {
    let Some((confirm, _)) = &mut editor.confirm else {
        return;
    };
    let answer = confirm.ui(cx.ctx);
    if answer.is_some()
        && let Some((_, rule)) = editor.confirm.take()
        && answer == Some(true)
    {
        editor.send(cx, table, rule);
    }
}

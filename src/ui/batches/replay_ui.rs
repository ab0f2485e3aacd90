//! The tab that delivers a batch once more: whole, a half, single records, or with an edited event.

use egui::{RichText, Ui};

use super::BatchesPanel;
use super::attempt_ui::{Tab, code_ui, function_of};
use super::data::records;
use super::replaying::{Choice, Place, replay};
use crate::aws::control::Of;
use crate::ui::live::story::BatchStory;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Cx, remote, theme};

const REPLAY_HELP: &str =
    "R: deliver it once more to the function as its code is now. No checkpoint moves.";
/// Room for the records to be chosen from.
const RECORDS_HEIGHT: f32 = 160.0;

/// The shortest way: the whole batch at once, or on to its event.
pub(super) fn button_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &mut BatchesPanel, batch: &BatchStory) {
    if !cx.aws.is_local() {
        return;
    }
    let words = match batch.records.len() {
        1 => "Replay record",
        _ => "Replay batch",
    };
    ui.add_enabled_ui(!panel.replaying.is_pending(), |ui| {
        let button = icon::button(ui, Icon::Replay, words).on_hover_text(REPLAY_HELP);
        if button.clicked() {
            panel.replay_batch(cx);
        }
        if icon::button(ui, Icon::Edit, "Edit and replay…").clicked() {
            panel.tab = Tab::Replay;
            if let Some(place) = panel.place()
                && !panel.replaying.drafts.contains_key(&place)
            {
                panel.replaying.choice = Choice::Batch;
                panel.replaying.fetch(cx, &place, true);
            }
        }
    });
}

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, panel: &mut BatchesPanel, batch: &BatchStory) {
    let Some(place) = panel.place() else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.label("Delivers records once more to");
        let function = function_of(cx, panel).unwrap_or_else(|| "the function".to_owned());
        ui.label(RichText::new(function).strong());
        ui.label("as its code is now. No checkpoint moves.");
    });
    if let Some(error) = panel.replaying.error() {
        remote::error_ui(ui, error);
    }
    if panel.replaying.drafts.contains_key(&place) {
        draft_ui(ui, cx, panel, &place);
        return;
    }
    choice_ui(ui, panel, batch);
    buttons_ui(ui, cx, panel, &place);
    if panel.replaying.is_pending() {
        remote::loading_ui(ui);
    }
    let event = panel.replaying.event.as_ref();
    if let Some((_, event)) = event.filter(|(of, _)| *of == place) {
        ui.add_space(theme::GUTTER);
        ui.horizontal(|ui| {
            chip::health(ui, Health::Idle, "dry run");
            ui.label("This would be sent. Nothing was.");
        });
        egui::ScrollArea::both()
            .id_salt("dry run")
            .auto_shrink(false)
            .show(ui, |ui| code_ui(ui, event));
    }
}

/// Which of the records.
fn choice_ui(ui: &mut Ui, panel: &mut BatchesPanel, batch: &BatchStory) {
    let size = batch.records.len();
    let first = size.div_ceil(2);
    let replaying = &mut panel.replaying;
    ui.horizontal_wrapped(|ui| {
        let mut choice = |choice, words: String| {
            ui.radio_value(&mut replaying.choice, choice, words);
        };
        choice(Choice::Batch, format!("Batch, {}", records(size)));
        if size > 1 {
            choice(Choice::FirstHalf, format!("First half, {}", records(first)));
            let second = records(size - first);
            choice(Choice::SecondHalf, format!("Second half, {second}"));
            choice(Choice::Records, "Single records".to_owned());
        } else {
            replaying.choice = Choice::Batch;
        }
    });
    if replaying.choice != Choice::Records {
        return;
    }
    egui::ScrollArea::vertical()
        .id_salt("records to replay")
        .max_height(RECORDS_HEIGHT)
        .auto_shrink([false, true])
        .show_rows(ui, theme::ROW, size, |ui, range| {
            for record in &batch.records[range] {
                let number = &record.sequence_number;
                let mut is_chosen = replaying.records.contains(number);
                let words = format!("{} {}", record.event_name.as_str(), record.key);
                let room = egui::vec2(ui.available_width(), theme::ROW);
                let layout = egui::Layout::left_to_right(egui::Align::Center);
                let row = ui.allocate_ui_with_layout(room, layout, |ui| {
                    ui.set_min_size(room);
                    let changed = ui.checkbox(&mut is_chosen, words).changed();
                    ui.label(RichText::new(number.short()).monospace().weak())
                        .on_hover_text(number.as_str());
                    changed
                });
                if row.inner && is_chosen {
                    replaying.records.insert(number.clone());
                } else if row.inner {
                    replaying.records.remove(number);
                }
            }
        });
}

fn buttons_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &mut BatchesPanel, place: &Place) {
    let of = panel.replaying.of();
    let nothing = matches!(&of, Of::Records(numbers) if numbers.is_empty());
    let can = !panel.replaying.is_pending() && !nothing;
    ui.horizontal_wrapped(|ui| {
        ui.add_enabled_ui(can, |ui| {
            if icon::primary(ui, Icon::Replay, "Replay").clicked() {
                panel.replaying.send(cx, replay(place, of));
            }
            let button = icon::button(ui, Icon::Eye, "Dry run");
            if button
                .on_hover_text("Shows the event and sends nothing")
                .clicked()
            {
                panel.replaying.fetch(cx, place, false);
            }
            if icon::button(ui, Icon::Edit, "Edit the event…").clicked() {
                panel.replaying.fetch(cx, place, true);
            }
        });
        if nothing {
            ui.weak("Tick a record");
        }
    });
}

/// The event in the editor; it stays as it was typed, whatever is answered.
fn draft_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &mut BatchesPanel, place: &Place) {
    let is_pending = panel.replaying.is_pending();
    let Some(draft) = panel.replaying.drafts.get_mut(place) else {
        return;
    };
    let mut send = false;
    let mut discard = false;
    ui.horizontal_wrapped(|ui| {
        let can = draft.fault.is_none() && !is_pending;
        ui.add_enabled_ui(can, |ui| {
            let button = icon::primary(ui, Icon::Replay, "Replay edited event");
            send = button.clicked();
        });
        discard = icon::button(ui, Icon::Close, "Discard this event").clicked();
        if is_pending {
            remote::loading_ui(ui);
        }
    });
    if let Some(fault) = &draft.fault {
        let tokens = theme::of(ui);
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, Icon::Failed, tokens.failed);
            ui.colored_label(tokens.failed, fault);
        });
    }
    if draft.editor.ui(ui, "Edited event") {
        draft.check();
    }
    if discard {
        panel.replaying.drafts.remove(place);
    } else if send && let Some(event) = draft.check() {
        panel.replaying.send(cx, replay(place, Of::Event(event)));
    }
}

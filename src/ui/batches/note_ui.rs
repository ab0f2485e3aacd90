//! What happened to no batch: records filtered out, skipped or replayed apart from one, polls that failed, records gone.

use std::sync::Arc;

use egui::{RichText, Ui};

use super::BatchesPanel;
use super::attempt_ui::{code_ui, logs_ui, replayed_ui, request, response_ui};
use super::data::{polls_failed, records};
use super::lines::outcome_word;
use crate::aws::control::{Of, Replay};
use crate::aws::local;
use crate::mapping::progress::FilteredRecord;
use crate::mapping::record::Record;
use crate::ui::live::shard::{Note, Noted, PollTrouble, ShardStory};
use crate::ui::live::story::Skipped;
use crate::ui::widgets::json_view::pretty;
use crate::ui::widgets::{Change, Health, Icon, chip, icon};
use crate::ui::{Cx, denied, remote, theme, time};

/// In the place of the tree: what it was, and when.
pub(super) fn head_ui(ui: &mut Ui, cx: &Cx<'_>, shard: &ShardStory, number: u64) {
    let Some(note) = shard.notes.iter().find(|it| it.number == number) else {
        ui.weak("This is no longer kept");
        return;
    };
    let (title, words) = match &note.what {
        Noted::Filtered(filtered) => (
            format!("{} filtered out", records(filtered.len())),
            "No filter let these records through: they count as done and were never delivered.",
        ),
        Noted::Skipped(_) => (
            "Record skipped".to_owned(),
            "It was taken out by hand before it was in a batch that is kept: it counts as done.",
        ),
        Noted::Replayed(replay) => (
            format!("Replay of {}", records(replay.records.len())),
            "These records were delivered once more by hand, not as part of a batch that is kept.",
        ),
        Noted::PollFailed(trouble) => (
            polls_failed(trouble.setbacks),
            "The shard could not be read; it is tried again, more slowly each time.",
        ),
        Noted::Trimmed(_) => (
            "Records were gone".to_owned(),
            "They were removed from the stream before the poller read them: nobody gets them.",
        ),
    };
    ui.label(RichText::new(title).text_style(theme::subtitle()));
    ui.horizontal_wrapped(|ui| {
        ui.weak(time::date_time(note.at));
        if let Noted::PollFailed(trouble) = &note.what
            && let Some(words) = local::injected(cx.aws, &trouble.request_id)
        {
            chip::health(ui, Health::Retry, &format!("injected: {words}"));
        }
    });
    ui.add_space(4.0);
    ui.label(words);
}

/// In the place of an attempt.
pub(super) fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    panel: &mut BatchesPanel,
    shard: &Arc<str>,
    note: &Note,
) {
    if let Some(error) = panel.replaying.error() {
        remote::error_ui(ui, error);
    }
    egui::ScrollArea::vertical()
        .id_salt("note")
        .auto_shrink(false)
        .show(ui, |ui| match &note.what {
            Noted::Filtered(filtered) => {
                for filtered in filtered {
                    filtered_ui(ui, filtered);
                }
            }
            Noted::Skipped(skipped) => skipped_ui(ui, cx, panel, shard, skipped),
            Noted::Replayed(replay) => {
                let word = outcome_word(&replay.outcome);
                let took = time::span(replay.answer.took);
                let title = format!("Replay, {word}, took {took}");
                ui.label(RichText::new(title).text_style(theme::subtitle()));
                ui.label(&replay.reason);
                replayed_ui(ui, replay);
                let numbers = replay.records.iter();
                let numbers = numbers.map(|it| it.sequence_number.clone()).collect();
                if !replay.is_edited {
                    replay_ui(ui, cx, panel, shard, Of::Records(numbers));
                }
                ui.separator();
                response_ui(ui, cx, Some(&replay.answer));
                ui.separator();
                logs_ui(ui, cx, panel, Some(&replay.answer));
                ui.separator();
                ui.weak("What was sent");
                code_ui(ui, &pretty(&request(&replay.records)));
            }
            Noted::PollFailed(trouble) => {
                poll_failed_ui(ui, cx, trouble);
                let trigger = panel.mapping.as_deref().unwrap_or_default();
                denied::fix_ui(ui, cx, trigger, &trouble.problem);
            }
            Noted::Trimmed(reason) => {
                ui.label(reason);
            }
        });
}

fn filtered_ui(ui: &mut Ui, filtered: &FilteredRecord) {
    record_ui(ui, &filtered.record);
    for rejection in &filtered.because {
        ui.label(rejection.words());
    }
    ui.add_space(theme::GUTTER);
}

fn record_ui(ui: &mut Ui, record: &Record) {
    ui.horizontal_wrapped(|ui| {
        if let Some(change) = Change::of(record.event_name.as_str()) {
            chip::change(ui, change);
        }
        ui.label(RichText::new(&*record.key).monospace().strong());
        let number = &record.sequence_number;
        ui.label(RichText::new(number.short()).monospace().weak())
            .on_hover_text(number.as_str());
    });
}

fn skipped_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    panel: &mut BatchesPanel,
    shard: &Arc<str>,
    skipped: &Skipped,
) {
    record_ui(ui, &skipped.record);
    ui.label(&skipped.reason);
    let number = skipped.record.sequence_number.clone();
    replay_ui(ui, cx, panel, shard, Of::Records(vec![number]));
    ui.separator();
    code_ui(ui, &pretty(&skipped.record.event));
}

fn poll_failed_ui(ui: &mut Ui, cx: &Cx<'_>, trouble: &PollTrouble) {
    let tokens = theme::of(ui);
    ui.horizontal_wrapped(|ui| {
        icon::show(ui, Icon::Failed, tokens.failed);
        ui.label(&trouble.problem);
    });
    ui.weak(format!("First failed at {}", time::clock(trouble.since)));
    if trouble.until > cx.now {
        ui.weak(format!("Polls again at {}", time::clock(trouble.until)));
    }
}

/// Delivers records that are in no batch that is kept.
fn replay_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &mut BatchesPanel, shard: &Arc<str>, of: Of) {
    let Some(uuid) = panel.mapping.clone().filter(|_| cx.aws.is_local()) else {
        return;
    };
    ui.add_enabled_ui(!panel.replaying.is_pending(), |ui| {
        if icon::button(ui, Icon::Replay, "Replay").clicked() {
            let replay = Replay {
                uuid,
                shard: shard.to_string(),
                batch: None,
                of,
            };
            panel.replaying.send(cx, replay);
        }
    });
}

//! The funnel of a trigger: how many records came how far, and what held the others up.

use egui::{RichText, Ui};

use crate::aws::local;
use crate::mapping::filter::Rejection;
use crate::ui::live::MappingStory;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Cx, theme};

/// AWS's event-count metrics, in the order of the pipeline, and what was done by hand.
pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory) {
    let tokens = theme::of(ui);
    let funnel = &story.funnel;
    ui.horizontal_wrapped(|ui| {
        let stages = [
            ("Polled", funnel.polled, tokens.text_strong),
            ("Filtered out", funnel.filtered_out, tokens.filtered),
            ("Invoked", funnel.invoked, tokens.text_strong),
            ("Succeeded", funnel.succeeded, tokens.ok),
            ("Failed invoke", funnel.failed, tokens.retry),
            ("Dropped", funnel.dropped, tokens.failed),
            ("Delivered on failure", funnel.delivered, tokens.failed),
        ];
        // Of these there are none without somebody's doing.
        let rare = [
            ("Skipped by hand", funnel.skipped, tokens.retry),
            ("Replayed calls", funnel.replays, tokens.accent),
            ("Failed polls", funnel.polls_failed, tokens.failed),
        ];
        let rare = rare.into_iter().filter(|(_, count, _)| *count > 0);
        for (name, count, color) in stages.into_iter().chain(rare) {
            ui.vertical(|ui| {
                ui.set_width(112.0);
                let color = if count == 0 { tokens.text_muted } else { color };
                ui.label(
                    RichText::new(count.to_string())
                        .text_style(theme::metric())
                        .color(color),
                );
                ui.label(RichText::new(name).small().color(tokens.text_muted));
            });
        }
    });
    ui.weak(
        RichText::new("Records of the batches that are kept, and since then; retries count again")
            .small(),
    );
    last_filtered_ui(ui, story);
    poll_trouble_ui(ui, cx, story);
    ui.separator();
}

/// Which leaf said no to the last record that did not pass.
fn last_filtered_ui(ui: &mut Ui, story: &MappingStory) {
    let Some(filtered) = story.last_filtered() else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        icon::show(ui, Icon::Filtered, theme::of(ui).filtered);
        ui.weak("Filtered out last");
        ui.label(RichText::new(&*filtered.record.key).monospace());
        let because: Vec<String> = filtered.because.iter().map(Rejection::words).collect();
        ui.label(because.join("; "));
    });
}

/// No shard can be listed: that is no shard's trouble, so none tells of it.
fn poll_trouble_ui(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory) {
    let unlisted = story.shards.iter().filter(|(id, _)| id.is_empty());
    for trouble in unlisted.filter_map(|(_, shard)| shard.poll_trouble.as_ref()) {
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, Icon::Failed, theme::of(ui).failed);
            ui.label(format!(
                "The stream's shards cannot be listed: {}",
                trouble.problem
            ));
            if let Some(words) = local::injected(cx.aws, &trouble.request_id) {
                chip::health(ui, Health::Retry, &format!("injected: {words}"));
            }
        });
    }
}

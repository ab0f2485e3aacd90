//! How a poller stands, shard by shard: what waits, what blocks, and when it is tried again.

use std::sync::Arc;
use std::time::Duration;

use egui::{RichText, Ui};

use super::Poll;
use crate::aws::local;
use crate::mapping::consumer::{BatchStanding, LaneStanding, Standing};
use crate::mapping::record::SequenceNumber;
use crate::ui::batches::{polls_failed, records};
use crate::ui::cx::{Action, Cx, Route};
use crate::ui::denied;
use crate::ui::live::shard::ShardStory;
use crate::ui::names::short_shard;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{theme, time};

/// Batches told of in each lane; the others are counted.
const BATCHES_MAX: usize = 4;
const NAME: f32 = 84.0;

impl Poll {
    /// A block of words; nothing outside the local cloud.
    pub(in crate::ui) fn standing_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(poller) = self.standing.value().cloned() else {
            if let Some(error) = self.standing.error() {
                crate::ui::remote::error_ui(ui, error);
            }
            return;
        };
        if poller.is_paused {
            let waiting: usize = poller.shards.iter().map(|(_, it)| waiting(it)).sum();
            let words = match waiting {
                0 => "Paused: nothing new is read or delivered. No record that was read waits."
                    .to_owned(),
                1 => "Paused: nothing new is read or delivered. 1 record waits.".to_owned(),
                many => {
                    format!("Paused: nothing new is read or delivered. {many} records wait.")
                }
            };
            ui.label(words);
        }
        if poller.is_at_work && poller.shards.is_empty() {
            ui.weak("No shard is read at this moment");
        }
        let story = cx.live.mapping(&self.uuid);
        for (id, standing) in &poller.shards {
            let told = story.and_then(|it| it.shards.get(id));
            ui.horizontal_top(|ui| {
                let name = RichText::new(short_shard(id)).monospace();
                let width = egui::vec2(NAME, theme::ROW_COMPACT);
                let layout = egui::Layout::left_to_right(egui::Align::Center);
                ui.allocate_ui_with_layout(width, layout, |ui| {
                    ui.set_min_width(NAME);
                    ui.label(name).on_hover_text(&**id);
                });
                ui.vertical(|ui| self.shard_ui(ui, cx, (id, standing), told));
            });
        }
    }

    fn shard_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        (id, standing): (&Arc<str>, &Standing),
        told: Option<&ShardStory>,
    ) {
        if let Some(trouble) = told.and_then(|it| it.poll_trouble.as_ref()) {
            ui.horizontal_wrapped(|ui| {
                let polls = polls_failed(trouble.setbacks);
                chip::health(ui, Health::Failed, &polls);
                next_ui(ui, cx, "polls again", trouble.until, standing.is_paused);
                // What blames the role stands above, with the way to mend it.
                if !denied::blames_role(&trouble.problem) {
                    ui.label(&trouble.problem);
                }
                if let Some(words) = local::injected(cx.aws, &trouble.request_id) {
                    chip::health(ui, Health::Retry, &format!("injected: {words}"));
                }
            });
        }
        let lanes = standing.lanes.len();
        for (nth, lane) in standing.lanes.iter().enumerate() {
            let name = (lanes > 1).then(|| format!("Lane {}: ", nth + 1));
            for (place, batch) in lane.batches.iter().take(BATCHES_MAX).enumerate() {
                let is_first = place == 0;
                self.batch_ui(ui, cx, (id, standing), (name.as_deref(), batch), is_first);
            }
            self.rest_ui(ui, id, name.as_deref(), lane);
        }
        if standing.lanes.iter().all(is_idle) {
            let words = if standing.is_polling {
                "A poll is under way"
            } else {
                "Nothing waits"
            };
            ui.weak(words);
        }
        if let Some(wait) = told.and_then(|it| it.wait.as_ref())
            && wait.until > cx.now
        {
            ui.weak(format!("Gathers records: {}", wait.reason));
        }
    }

    fn batch_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        (shard, standing): (&Arc<str>, &Standing),
        (lane, batch): (Option<&str>, &BatchStanding),
        is_first: bool,
    ) {
        let blocks = is_first && !batch.trouble.is_empty();
        ui.horizontal_wrapped(|ui| {
            let lane = lane.unwrap_or_default();
            if blocks {
                let what = if lane.is_empty() { "shard" } else { "lane" };
                let words = format!("{lane}batch {} blocks this {what}", batch.id.0);
                chip::health(ui, Health::Failed, &words);
            } else {
                ui.label(format!("{lane}Batch {}", batch.id.0));
            }
            ui.label(batch_words(batch));
            if batch.is_under_way {
                chip::health(ui, Health::InFlight, "under way");
            } else if blocks {
                next_ui(ui, cx, "next attempt", batch.not_before, standing.is_paused);
            }
            let uuid = self.uuid.clone();
            if icon::button(ui, Icon::Batch, "Open batch story").clicked() {
                let route = Route::Batch(uuid.clone(), shard.to_string(), batch.id.0);
                cx.send(Action::Go(route));
            }
            if let Some(story) = cx.live.batch(&uuid, shard, batch.id.0) {
                self.skip_ui(ui, cx, shard, story);
            }
        });
        if !batch.trouble.is_empty() {
            ui.weak(&batch.trouble);
        }
    }

    /// What a lane has beyond its first batches.
    fn rest_ui(&mut self, ui: &mut Ui, shard: &Arc<str>, name: Option<&str>, lane: &LaneStanding) {
        let name = name.unwrap_or_default();
        let more = lane.batches.len().saturating_sub(BATCHES_MAX);
        if more > 0 {
            ui.weak(format!("{name}{more} more batches wait their turn"));
        }
        if lane.is_discarding {
            ui.label(format!("{name}Records are being given up"));
        }
        let Some(first) = lane.first_queued.first() else {
            return;
        };
        let queued = records(lane.queued);
        let verb = if lane.queued == 1 { "waits" } else { "wait" };
        let range = range(Some(&first.sequence_number), lane.last_queued.as_ref());
        ui.horizontal_wrapped(|ui| {
            ui.label(format!("{name}{queued} {verb} to be put into a batch"));
            ui.label(RichText::new(range).monospace().weak());
            self.skip_queued_ui(ui, shard, lane);
        });
    }
}

/// `next attempt in 4.0 s`; a paused poller looks at no timer.
fn next_ui(ui: &mut Ui, cx: &Cx<'_>, what: &str, at: std::time::SystemTime, is_paused: bool) {
    let words = match at.duration_since(cx.now) {
        _ if is_paused => format!("{what} when it is stepped or resumed"),
        Ok(left) if !left.is_zero() => {
            ui.ctx().request_repaint_after(Duration::from_millis(200));
            format!("{what} in {}", time::span(left))
        }
        _ => format!("{what} now"),
    };
    ui.weak(words);
}

/// `4 records, 1000…397 – 1000…404, 3 attempts so far`
fn batch_words(batch: &BatchStanding) -> String {
    let count = records(batch.records);
    let range = range(batch.first.as_ref(), batch.last.as_ref());
    let attempts = match batch.attempts {
        0 => "waits its turn".to_owned(),
        1 => "1 attempt so far".to_owned(),
        many => format!("{many} attempts so far"),
    };
    if range.is_empty() {
        format!("{count}, {attempts}")
    } else {
        format!("{count}, {range}, {attempts}")
    }
}

fn range(first: Option<&SequenceNumber>, last: Option<&SequenceNumber>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => first.short(),
        (Some(first), Some(last)) => format!("{} – {}", first.short(), last.short()),
        _ => String::new(),
    }
}

fn is_idle(lane: &LaneStanding) -> bool {
    lane.batches.is_empty() && lane.queued == 0 && !lane.is_discarding
}

/// Records that were read and are not done.
pub(in crate::ui) fn waiting(standing: &Standing) -> usize {
    let lanes = standing.lanes.iter();
    lanes
        .map(|lane| lane.queued + lane.batches.iter().map(|it| it.records).sum::<usize>())
        .sum()
}

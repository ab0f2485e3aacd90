//! Batches: the timeline of every shard, the retry and split tree of one batch, an attempt in detail, and replaying it.

mod attempt_ui;
mod data;
mod lanes_ui;
mod lines;
mod list_ui;
mod note_ui;
mod replay_ui;
mod replaying;
#[cfg(test)]
mod tests;
mod tree_ui;

use std::sync::Arc;
use std::time::Duration;

use egui::{RichText, Ui};

use super::cx::{Cx, Route};
use super::live::{Live, MappingStory};
use super::poller::Poll;
use super::save_as::SaveAs;
use super::widgets::{Icon, column, empty_state};
use super::{Panel, names, theme};
use attempt_ui::Tab;
use data::{Key, Mark, Part, Target};
pub(super) use data::{polls_failed, records};
use list_ui::List;
use replaying::Replaying;

/// Root batches listed.
const LISTED_MAX: usize = 500;
/// Time shown on the lanes, in seconds; the last is everything kept.
const ZOOMS: [(&str, u64); 4] = [("30 s", 30), ("2 min", 120), ("10 min", 600), ("All", 0)];

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selected {
    shard: Arc<str>,
    /// The row of the list: the root batch whose tree is shown, or a note.
    row: Key,
    /// What is shown in detail.
    target: Target,
}

#[derive(Default)]
pub struct BatchesPanel {
    /// UUID; the first mapping where `None`.
    mapping: Option<String>,
    selected: Option<Selected>,
    /// Follow the newest trouble until the user chooses a batch.
    chosen: bool,
    zoom: usize,
    tab: Tab,
    list: List,
    save: SaveAs,
    poll: Poll,
    replaying: Replaying,
}

impl Panel for BatchesPanel {
    fn title(&self) -> &'static str {
        "Batches"
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Batches => true,
            Route::Batch(uuid, shard, batch) => {
                self.mapping = Some(uuid.clone());
                self.selected = Some(Selected {
                    shard: shard.as_str().into(),
                    row: Key::Batch(*batch),
                    target: Target::Part(*batch, Part::Attempt(0)),
                });
                self.chosen = true;
                true
            }
            _ => false,
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.settle(cx.live);
        self.head_ui(ui, cx);
        let Some(story) = self.story(cx.live) else {
            empty_ui(ui, cx);
            return;
        };
        let uuid = self.mapping.clone().unwrap_or_default();
        self.poll.settle(ui, cx, &uuid);
        self.poll.keys(ui, cx);
        self.replayed(cx, story);
        self.keys(ui, cx, story);
        if cx.aws.is_local() {
            self.poll.bar_ui(ui, cx);
            ui.add_space(theme::GUTTER);
        }
        lanes_ui::show(ui, cx, story, self);
        ui.add_space(theme::GUTTER);
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            ui.set_height(height);
            let width = ui.available_width();
            let list = (width * 0.26).clamp(220.0, 330.0);
            let tree = (width * 0.33).clamp(260.0, 460.0);
            column(ui, list, height, |ui| self.list_ui(ui, story));
            ui.separator();
            column(ui, tree, height, |ui| tree_ui::show(ui, cx, story, self));
            ui.separator();
            let rest = ui.available_width();
            column(ui, rest, height, |ui| {
                attempt_ui::show(ui, cx, story, self);
            });
        });
    }
}

impl BatchesPanel {
    fn story<'l>(&self, live: &'l Live) -> Option<&'l MappingStory> {
        live.mapping(self.mapping.as_deref()?)
    }

    /// Chooses a mapping and a batch where the user has not.
    fn settle(&mut self, live: &Live) {
        let known = |uuid: &String| live.mapping(uuid).is_some();
        if !self.mapping.as_ref().is_some_and(known) && !self.chosen {
            let busiest = live
                .mappings
                .iter()
                .max_by_key(|(_, story)| story.funnel.invocations);
            self.mapping = busiest.map(|(uuid, _)| uuid.to_string());
        }
        let Some(story) = self.story(live) else {
            return;
        };
        if let Some(selected) = &mut self.selected
            && let Some(shard) = story.shards.get(&selected.shard)
            && let Target::Part(batch, _) = selected.target
        {
            selected.row = Key::Batch(shard.root_of(batch));
        }
        if !self.chosen {
            let rows = data::rows(&story.shards, LISTED_MAX);
            let batches = || {
                let batches = rows.iter();
                batches.filter(|row| matches!(row.key, Key::Batch(_)))
            };
            let trouble = batches().find(|row| row.mark.is_trouble());
            if let Some(row) = trouble.or(batches().next()).or(rows.first()) {
                self.select(story, row);
            }
        }
    }

    /// Shows a row of the list.
    fn select(&mut self, story: &MappingStory, row: &data::Row) {
        match row.key {
            Key::Batch(root) => self.select_root(story, Arc::clone(&row.shard), root),
            Key::Note(number) => {
                self.selected = Some(Selected {
                    shard: Arc::clone(&row.shard),
                    row: row.key,
                    target: Target::Note(number),
                });
            }
        }
    }

    fn select_part(&mut self, shard: &Arc<str>, root: u64, batch: u64, part: Part) {
        self.chosen = true;
        self.selected = Some(Selected {
            shard: Arc::clone(shard),
            row: Key::Batch(root),
            target: Target::Part(batch, part),
        });
    }

    /// Shows a whole family; its poison first, else its newest attempt.
    fn select_root(&mut self, story: &MappingStory, shard: Arc<str>, root: u64) {
        let poisoned = story
            .shards
            .get(&shard)
            .and_then(|shard| data::poisoned(shard, root));
        let batch = poisoned.map_or(root, |batch| batch.id);
        let attempts = story
            .shards
            .get(&shard)
            .and_then(|shard| shard.batches.get(&batch))
            .map_or(0, |batch| batch.attempts.len());
        self.selected = Some(Selected {
            shard,
            row: Key::Batch(root),
            target: Target::Part(
                batch,
                attempts.checked_sub(1).map_or(Part::End, Part::Attempt),
            ),
        });
    }

    /// Shows the answer of a replay as soon as the story tells of it.
    fn replayed(&mut self, cx: &Cx<'_>, story: &MappingStory) {
        let Some((shard, request_id)) = self.replaying.settle(cx) else {
            return;
        };
        let Some(told) = story.shards.get(&shard) else {
            return;
        };
        let target = match told.replay_of(&request_id) {
            Some((batch, nth)) => Target::Part(batch, Part::Replay(nth)),
            None => match told.replay_note(&request_id) {
                Some(number) => Target::Note(number),
                None => return,
            },
        };
        self.replaying.shown();
        let row = match target {
            Target::Part(batch, _) => Key::Batch(told.root_of(batch)),
            Target::Note(number) => Key::Note(number),
        };
        self.chosen = true;
        self.tab = Tab::Response;
        self.selected = Some(Selected { shard, row, target });
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Batches").text_style(theme::title()));
            ui.add_space(theme::GUTTER);
            self.mapping_picker_ui(ui, cx);
            if let Some(result) = self.story(cx.live).and_then(|it| it.result.as_deref()) {
                ui.weak("Last result").on_hover_text("LastProcessingResult");
                let room = (ui.available_width() - 260.0).max(60.0);
                ui.scope(|ui| {
                    ui.set_max_width(room);
                    ui.add(egui::Label::new(result).truncate());
                });
            }
            if cx.live.skipped > 0 {
                let tokens = theme::of(ui);
                let text = format!("{} steps skipped", cx.live.skipped);
                ui.colored_label(tokens.retry, text)
                    .on_hover_text("More happened than could be shown");
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                for (nth, (name, _)) in ZOOMS.iter().enumerate().rev() {
                    ui.selectable_value(&mut self.zoom, nth, *name);
                }
                ui.weak("Show");
            });
        });
        ui.add_space(theme::GUTTER);
    }

    fn mapping_picker_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let name = |uuid: &str| names::trigger(cx, uuid);
        let current = self
            .mapping
            .as_deref()
            .map_or_else(|| "No trigger".to_owned(), name);
        let picked = egui::ComboBox::new("batches trigger", "")
            .selected_text(current)
            .width(260.0)
            .show_ui(ui, |ui| {
                let mut picked = None;
                for uuid in cx.live.mappings.keys() {
                    let is_current = self.mapping.as_deref() == Some(uuid);
                    if ui.selectable_label(is_current, name(uuid)).clicked() {
                        picked = Some(uuid.to_string());
                    }
                }
                picked
            });
        picked
            .response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Trigger"));
        if let Some(uuid) = picked.inner.flatten() {
            self.mapping = Some(uuid);
            self.selected = None;
            self.chosen = false;
        }
    }

    /// How far back the lanes show; `None` is everything.
    fn window(&self) -> Option<Duration> {
        let (_, secs) = ZOOMS[self.zoom.min(ZOOMS.len() - 1)];
        (secs > 0).then(|| Duration::from_secs(secs))
    }
}

/// The icon and colour of a mark; the word goes with them.
fn mark_look(mark: Mark, tokens: &theme::Tokens) -> (Icon, egui::Color32) {
    match mark {
        Mark::InFlight => (Icon::Play, tokens.accent),
        Mark::Succeeded => (Icon::Ok, tokens.ok),
        Mark::Interrupted => (Icon::Half, tokens.text_muted),
        Mark::Partial | Mark::Throttled => (Icon::Half, tokens.retry),
        Mark::Failed | Mark::Dropped => (Icon::Failed, tokens.failed),
        Mark::Delivered => (Icon::Envelope, tokens.failed),
        Mark::Skipped => (Icon::Step, tokens.retry),
        Mark::ReplayOk => (Icon::Replay, tokens.ok),
        Mark::ReplayFailed => (Icon::Replay, tokens.failed),
        Mark::Filtered => (Icon::Filtered, tokens.filtered),
        Mark::PollFailed => (Icon::Warning, tokens.failed),
        Mark::Trimmed => (Icon::Trash, tokens.failed),
    }
}

fn empty_ui(ui: &mut Ui, cx: &Cx<'_>) {
    if !cx.aws.is_local() {
        let why = "AWS does not show the batches of its own pollers. Batches of triggers in the local cloud show here.";
        empty_state(ui, Icon::Batch, "No batches to see", why, None);
        return;
    }
    let why = "A batch is what one call of a function gets from a stream. Add a trigger and write an item: \
               each batch shows here with its attempts, waits, splits and log lines.";
    if empty_state(
        ui,
        Icon::Batch,
        "No batches yet",
        why,
        Some((Icon::Plus, "Add trigger…")),
    ) {
        cx.send(super::Action::Go(Route::NewTrigger {
            stream_arn: None,
            function: None,
        }));
    }
}

//! Batches: the timeline of every shard, the retry and split tree of one batch, an attempt in detail.

mod attempt_ui;
mod data;
mod lanes_ui;
mod tree_ui;

use std::sync::Arc;
use std::time::Duration;

use egui::{Key, RichText, Ui};

use super::cx::{Cx, Route};
use super::live::{Live, MappingStory};
use super::save_as::SaveAs;
use super::widgets::{Icon, column, empty_state, icon};
use super::{Panel, names, theme};
use attempt_ui::Tab;
use data::Mark;
pub(super) use data::records;

/// Root batches listed.
const LISTED_MAX: usize = 500;
/// Time shown on the lanes, in seconds; the last is everything kept.
const ZOOMS: [(&str, u64); 4] = [("30 s", 30), ("2 min", 120), ("10 min", 600), ("All", 0)];

/// The batch and attempt looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selected {
    shard: Arc<str>,
    /// The root batch, whose tree is shown.
    root: u64,
    /// The batch of the attempt that is shown in detail.
    batch: u64,
    /// Index into its attempts; `None` shows how it was given up.
    attempt: Option<usize>,
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
    only_trouble: bool,
    save: SaveAs,
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
                    root: *batch,
                    batch: *batch,
                    attempt: Some(0),
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
        self.keys(ui, story);
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
        {
            selected.root = shard.root_of(selected.batch);
        }
        if !self.chosen {
            let rows = data::summaries(&story.shards, LISTED_MAX);
            let trouble = rows.iter().find(|row| is_trouble(row.mark));
            if let Some(row) = trouble.or(rows.first()) {
                self.select_root(story, Arc::clone(&row.shard), row.batch);
            }
        }
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
            root,
            batch,
            attempt: attempts.checked_sub(1),
        });
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

    fn list_ui(&mut self, ui: &mut Ui, story: &MappingStory) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Batches").text_style(theme::subtitle()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.checkbox(&mut self.only_trouble, "Only trouble");
            });
        });
        let mut rows = data::summaries(&story.shards, LISTED_MAX);
        if self.only_trouble {
            rows.retain(|row| is_trouble(row.mark));
        }
        if rows.is_empty() {
            let words = if self.only_trouble {
                "No batch failed so far"
            } else {
                "No batch yet"
            };
            ui.weak(words);
            return;
        }
        egui::ScrollArea::vertical()
            .id_salt("batch list")
            .auto_shrink(false)
            .show_rows(ui, theme::ROW_COMPACT, rows.len(), |ui, range| {
                for row in &rows[range] {
                    if summary_ui(ui, row, self.is_root(row)).clicked() {
                        self.chosen = true;
                        self.select_root(story, Arc::clone(&row.shard), row.batch);
                    }
                }
            });
    }

    fn is_root(&self, row: &data::Summary) -> bool {
        let selected = self.selected.as_ref();
        selected.is_some_and(|it| it.root == row.batch && it.shard == row.shard)
    }

    /// J and K, or the arrows, walk the list while no text field has the focus.
    fn keys(&mut self, ui: &Ui, story: &MappingStory) {
        if ui.ctx().text_edit_focused() {
            return;
        }
        let step = ui.input(|input| {
            let down = input.key_pressed(Key::J) || input.key_pressed(Key::ArrowDown);
            let up = input.key_pressed(Key::K) || input.key_pressed(Key::ArrowUp);
            i32::from(down) - i32::from(up)
        });
        if step == 0 {
            return;
        }
        let rows = data::summaries(&story.shards, LISTED_MAX);
        let at = rows.iter().position(|row| self.is_root(row));
        let next = match (at, step) {
            (None, _) => 0,
            (Some(at), 1) => at + 1,
            (Some(at), _) => at.saturating_sub(1),
        };
        if let Some(row) = rows.get(next) {
            self.chosen = true;
            self.select_root(story, Arc::clone(&row.shard), row.batch);
        }
    }

    /// How far back the lanes show; `None` is everything.
    fn window(&self) -> Option<Duration> {
        let (_, secs) = ZOOMS[self.zoom.min(ZOOMS.len() - 1)];
        (secs > 0).then(|| Duration::from_secs(secs))
    }
}

fn is_trouble(mark: Mark) -> bool {
    !matches!(mark, Mark::Succeeded | Mark::InFlight | Mark::Interrupted)
}

fn summary_ui(ui: &mut Ui, row: &data::Summary, selected: bool) -> egui::Response {
    let tokens = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(
        egui::vec2(ui.available_width(), theme::ROW_COMPACT),
        egui::Sense::click(),
    );
    response.widget_info(|| {
        let text = format!(
            "Batch {}, {}, {}",
            row.batch,
            row.mark.word(),
            records(row.records)
        );
        egui::WidgetInfo::selected(egui::Role::Button, true, selected, text)
    });
    if selected {
        ui.painter().rect_filled(rect, 4, tokens.selection);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4, tokens.hover);
    }
    let small = egui::TextStyle::Small.resolve(ui.style());
    let mono = egui::TextStyle::Monospace.resolve(ui.style());
    let y = rect.center().y;
    let (symbol, color) = mark_look(row.mark, tokens);
    let painter = ui.painter();
    icon::paint(
        painter,
        egui::pos2(rect.left() + 12.0, y),
        symbol,
        13.0,
        color,
    );
    let text = |x: f32, align, words: String, font: &egui::FontId, color| {
        painter.text(egui::pos2(x, y), align, words, font.clone(), color);
    };
    let time = super::time::clock(row.began);
    text(
        rect.left() + 26.0,
        egui::Align2::LEFT_CENTER,
        time,
        &mono,
        tokens.text,
    );
    let right = format!("{} · {}×", records(row.records), row.attempts);
    text(
        rect.right() - 8.0,
        egui::Align2::RIGHT_CENTER,
        right,
        &small,
        tokens.text_muted,
    );
    response
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
    if empty_state(ui, Icon::Batch, "No batches yet", why, Some("Add trigger…")) {
        cx.send(super::Action::Go(Route::NewTrigger {
            stream_arn: None,
            function: None,
        }));
    }
}

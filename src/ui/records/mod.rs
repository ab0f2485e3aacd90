//! Stream records: a live tail with its shards, and each record old against new.

mod detail_ui;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_dynamodbstreams::types::StreamDescription;
use egui::{Key, RichText, Ui};

use super::cx::{Action, Cx, Route};
use super::widgets::{DataGrid, Icon, Selection, empty_state, icon};
use super::{Panel, Remote, names, theme};
use crate::aws::streams::{Feed, From, Row};
use crate::aws::{self};
use detail_ui::Detail;
use rows::{Filter, Records, Shown};

/// Where a tail begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Start {
    Latest,
    #[default]
    TrimHorizon,
}

impl Start {
    fn words(self) -> &'static str {
        match self {
            Self::Latest => "Latest: only new records",
            Self::TrimHorizon => "Trim horizon: everything kept",
        }
    }
}

#[derive(Default)]
pub struct RecordsPanel {
    stream: Option<String>,
    start: Start,
    feed: Arc<Feed>,
    tail: Remote<()>,
    described: Remote<StreamDescription>,
    filter_text: String,
    filter: Filter,
    filter_error: Option<String>,
    /// Only records of this item.
    key: Option<String>,
    shown: Shown,
    selection: Selection,
    detail: Detail,
}

impl Panel for RecordsPanel {
    fn title(&self) -> &'static str {
        "Streams"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Streams => true,
            Route::Stream(arn) => {
                if self.stream.as_ref() != Some(arn) {
                    self.choose(arn.clone());
                }
                true
            }
            _ => false,
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.settle(cx);
        self.keys(ui);
        theme::toolbar(ui, |ui| self.head_ui(ui, cx));
        if self.stream.is_none() {
            none_ui(ui, cx);
            return;
        }
        for error in [self.tail.error(), self.described.error()]
            .into_iter()
            .flatten()
        {
            super::remote::error_ui(ui, error);
        }
        let dropped = self
            .shown
            .update(&self.feed, &self.filter, self.key.as_deref());
        self.selection.drop_first(dropped);
        egui::Panel::left("shards")
            .default_size(190.0)
            .size_range(150.0..=300.0)
            .show(ui, |ui| self.shards_ui(ui, cx));
        let chosen = self.chosen();
        if let Some(row) = &chosen {
            egui::Panel::right("record")
                .default_size(420.0)
                .size_range(320.0..=640.0)
                .show(ui, |ui| {
                    let view = self.described.value().and_then(|it| it.stream_view_type());
                    let view = view.map_or("", |it| it.as_str());
                    if let Some(key) = detail_ui::show(ui, cx, row, view, &mut self.detail) {
                        self.follow_key(Some(key));
                    }
                });
        }
        egui::CentralPanel::default().show(ui, |ui| self.grid_ui(ui, cx));
    }
}

impl RecordsPanel {
    fn choose(&mut self, arn: String) {
        self.stream = Some(arn);
        self.tail.clear();
        self.described.clear();
        self.key = None;
        self.selection.clear();
        self.shown.reset();
    }

    /// Chooses a stream where the user has not, and starts what is not running.
    fn settle(&mut self, cx: &Cx<'_>) {
        if self.stream.is_none()
            && let Some((_, arn)) = streams(cx).first()
        {
            self.choose(arn.clone());
        }
        self.tail.poll();
        self.described.poll();
        let Some(arn) = self.stream.clone() else {
            return;
        };
        if self.described.is_idle() {
            let described = aws::streams::describe(cx.aws.clone(), arn.clone());
            self.described.start(cx, described);
        }
        if self.tail.is_idle() {
            let ctx = cx.ctx.clone();
            self.feed = Arc::new(Feed::waking(move || {
                ctx.request_repaint_after(Duration::from_millis(33));
            }));
            self.shown.reset();
            self.selection.clear();
            let from = match self.start {
                Start::Latest => From::Latest,
                Start::TrimHorizon => From::TrimHorizon,
            };
            let tail = aws::streams::tail(cx.aws.clone(), arn, from, Arc::clone(&self.feed));
            self.tail.start(cx, tail);
        }
    }

    fn chosen(&self) -> Option<Row> {
        self.shown.get(&self.feed, self.selection.cursor()?)
    }

    fn follow_key(&mut self, key: Option<String>) {
        self.key = key;
        self.shown.reset();
        self.selection.clear();
    }

    fn keys(&mut self, ui: &Ui) {
        if ui.ctx().text_edit_focused() {
            return;
        }
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if pressed(Key::Space) && ui.ctx().memory(|memory| memory.focused().is_none()) {
            self.feed.pause(!self.feed.is_paused());
        }
        if ui.input(|input| input.modifiers.shift && input.key_pressed(Key::F)) {
            let key = self.chosen().map(|row| row.record.key.to_string());
            self.follow_key(key);
        } else if pressed(Key::D) {
            self.detail.show_diff();
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            self.stream_picker_ui(ui, cx);
            let paused = self.feed.is_paused();
            let (sign, words) = if paused {
                (Icon::Play, "Resume")
            } else {
                (Icon::Pause, "Pause")
            };
            if icon::button(ui, sign, words)
                .on_hover_text("Space")
                .clicked()
            {
                self.feed.pause(!paused);
            }
            let before = self.start;
            let picker = egui::ComboBox::new("tail start", "")
                .selected_text(self.start.words())
                .width(220.0)
                .show_ui(ui, |ui| {
                    for start in [Start::TrimHorizon, Start::Latest] {
                        ui.selectable_value(&mut self.start, start, start.words());
                    }
                });
            picker.response.accessible_name("Start of the tail");
            if self.start != before {
                self.tail.clear();
            }
            self.filter_ui(ui);
        });
        ui.horizontal(|ui| {
            self.state_ui(ui);
        });
        ui.add_space(4.0);
    }

    fn stream_picker_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let known = streams(cx);
        let name = |arn: &str| {
            let found = known.iter().find(|(_, it)| it == arn);
            found.map_or_else(|| arn.to_owned(), |(name, _)| name.clone())
        };
        let text = self.stream.as_deref().map_or("No stream".to_owned(), name);
        let mut picked = None;
        let picker = egui::ComboBox::new("stream", "")
            .selected_text(RichText::new(text).text_style(theme::subtitle()))
            .width(180.0)
            .show_ui(ui, |ui| {
                for (name, arn) in &known {
                    let is_current = self.stream.as_ref() == Some(arn);
                    if ui.selectable_label(is_current, name).clicked() {
                        picked = Some(arn.clone());
                    }
                }
            });
        picker.response.accessible_name("Stream");
        if let Some(arn) = picked {
            cx.send(Action::Go(Route::Stream(arn)));
        }
    }

    fn filter_ui(&mut self, ui: &mut Ui) {
        let field = egui::TextEdit::singleline(&mut self.filter_text)
            .hint_text("Filter: text, or a pattern such as {\"eventName\":[\"INSERT\"]}")
            .desired_width(f32::INFINITY);
        let field = ui.add(field).accessible_name("Filter records");
        if field.changed() {
            match Filter::parse(&self.filter_text) {
                Ok(filter) => {
                    self.filter = filter;
                    self.filter_error = None;
                    self.shown.reset();
                    self.selection.clear();
                }
                Err(reason) => self.filter_error = Some(reason),
            }
        }
    }

    /// One line: is it following, how much is there, what was left out.
    fn state_ui(&mut self, ui: &mut Ui) {
        let tokens = theme::of(ui);
        let (word, color) = if self.feed.is_paused() {
            ("paused", tokens.retry)
        } else if self.tail.is_pending() {
            ("following", tokens.ok)
        } else {
            ("stopped", tokens.text_muted)
        };
        ui.colored_label(color, word);
        let kept = self.feed.len();
        ui.weak(format!("{} shown of {kept} kept", self.shown.len()));
        if self.feed.skipped() > 0 {
            ui.colored_label(tokens.retry, format!("{} skipped", self.feed.skipped()))
                .on_hover_text("The oldest records made room for new ones");
        }
        if let Some(key) = self.key.clone() {
            ui.label(format!("only item {key}"));
            if icon::only(ui, Icon::Close, "Show all items").clicked() {
                self.follow_key(None);
            }
        }
        if let Some(reason) = &self.filter_error {
            ui.colored_label(tokens.failed, reason);
        }
        if let Some(trouble) = self.feed.trouble() {
            ui.colored_label(tokens.failed, format!("Last poll failed: {trouble}"));
        }
        if !self.feed.is_empty() && icon::only(ui, Icon::Trash, "Clear the list").clicked() {
            self.feed.clear();
            self.selection.clear();
        }
    }

    fn shards_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Shards").text_style(theme::subtitle()));
            if icon::only(ui, Icon::Refresh, "Reload shards").clicked()
                && let Some(arn) = self.stream.clone()
            {
                let described = aws::streams::describe(cx.aws.clone(), arn);
                self.described.start(cx, described);
            }
        });
        self.described.ui(ui, |ui, stream| {
            let status = stream.stream_status().map_or("", |it| it.as_str());
            let view = stream.stream_view_type().map_or("", |it| it.as_str());
            ui.weak(format!(
                "{status} · {}",
                view.replace('_', " ").to_lowercase()
            ));
            ui.add_space(4.0);
            for shard in stream.shards() {
                shard_ui(ui, shard);
            }
        });
    }

    fn grid_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.shown.len() == 0 {
            let (title, why) = if self.feed.is_empty() {
                (
                    "No records yet",
                    "Write, change or delete an item: its record shows here within a quarter of a second.",
                )
            } else {
                (
                    "No record passes the filter",
                    "Records are kept; clear the filter to see them.",
                )
            };
            empty_state(ui, Icon::Stream, title, why, None);
            return;
        }
        let columns = rows::columns();
        let mut records = Records {
            feed: &self.feed,
            shown: &self.shown,
            live: cx.live,
            cache: BTreeMap::new(),
        };
        let grid = DataGrid::new("Stream records", &columns, self.shown.len())
            .stick_to_bottom(!self.feed.is_paused())
            .main()
            .show(ui, &mut self.selection, &mut records);
        if grid.opened.is_some()
            && let Some(row) = self.chosen()
        {
            detail_ui::open_story(cx, &row);
        }
    }
}

fn shard_ui(ui: &mut Ui, shard: &aws_sdk_dynamodbstreams::types::Shard) {
    let tokens = theme::of(ui);
    let id = shard.shard_id().unwrap_or_default();
    let closed = shard
        .sequence_number_range()
        .is_some_and(|it| it.ending_sequence_number().is_some());
    ui.horizontal(|ui| {
        if shard.parent_shard_id().is_some() {
            ui.add_space(12.0);
        }
        icon::show(ui, Icon::Shard, tokens.text_muted);
        ui.label(RichText::new(names::short_shard(id)).monospace())
            .on_hover_text(id);
        ui.weak(if closed { "closed" } else { "open" });
    });
}

/// Tables that have a stream: name and ARN.
fn streams(cx: &Cx<'_>) -> Vec<(String, String)> {
    let tables = cx.catalog.tables.value();
    let found = tables.into_iter().flatten().filter_map(|table| {
        let arn = TableDescription::latest_stream_arn(table)?;
        Some((table.table_name()?.to_owned(), arn.to_owned()))
    });
    found.collect()
}

fn none_ui(ui: &mut Ui, cx: &Cx<'_>) {
    if cx.catalog.tables.is_pending() {
        super::remote::loading_ui(ui);
        return;
    }
    let why = "A stream holds every change of a table's items for 24 hours. Turn one on in a table's settings.";
    if empty_state(
        ui,
        Icon::Stream,
        "No streams",
        why,
        Some((Icon::Table, "Open tables")),
    ) {
        cx.send(Action::Go(Route::Tables));
    }
}

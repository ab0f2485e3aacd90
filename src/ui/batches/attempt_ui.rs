//! One attempt in detail: what was sent, what came back, the log, the times, and the dead letter.

use egui::{RichText, Ui};
use serde_json::{Value, json};

use super::data::{self, Mark, Part, Target};
use super::lines::outcome_word;
use super::{BatchesPanel, mark_look, note_ui, replay_ui};
use crate::aws::local;
use crate::mapping::progress::{Answer, TumblingWindow};
use crate::mapping::record::Record;
use crate::ui::live::MappingStory;
use crate::ui::live::story::{Attempt, BatchStory, Replay};
use crate::ui::widgets::json_view::pretty;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Route, Toast, denied, names, theme, time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Response,
    Request,
    Logs,
    Timing,
    DeadLetter,
    Replay,
}

/// One call of the function: an attempt of the poller, or a replay.
pub(super) enum Seen<'a> {
    Attempt(&'a Attempt),
    Replay(usize, &'a Replay),
}

impl<'a> Seen<'a> {
    fn of(batch: &'a BatchStory, part: Part) -> Option<Self> {
        match part {
            Part::Replay(nth) => Some(Self::Replay(nth, batch.replays.get(nth)?)),
            Part::Attempt(nth) => batch.attempts.get(nth).map(Self::Attempt),
            Part::End => batch.attempts.last().map(Self::Attempt),
        }
    }

    fn records(&self) -> &'a [Record] {
        match self {
            Self::Attempt(it) => &it.records,
            Self::Replay(_, it) => &it.records,
        }
    }

    fn answer(&self) -> Option<&'a Answer> {
        match self {
            Self::Attempt(it) => it.answer.as_deref(),
            Self::Replay(_, it) => Some(&it.answer),
        }
    }

    fn reason(&self) -> &'a str {
        match self {
            Self::Attempt(it) => &it.reason,
            Self::Replay(_, it) => &it.reason,
        }
    }

    fn mark(&self) -> Mark {
        match self {
            Self::Attempt(it) => Mark::of(it),
            Self::Replay(_, it) => Mark::of_replay(it),
        }
    }
}

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory, panel: &mut BatchesPanel) {
    let Some(selected) = panel.selected.clone() else {
        return;
    };
    let Some(shard) = story.shards.get(&selected.shard) else {
        return;
    };
    let (batch, part) = match selected.target {
        Target::Part(batch, part) => (batch, part),
        Target::Note(number) => {
            let note = shard.notes.iter().find(|it| it.number == number);
            if let Some(note) = note {
                note_ui::show(ui, cx, panel, &selected.shard, note);
            }
            return;
        }
    };
    let Some(batch) = shard.batches.get(&batch) else {
        return;
    };
    let seen = Seen::of(batch, part);
    head_ui(ui, batch, seen.as_ref());
    if let Some(Seen::Replay(_, replay)) = &seen {
        replayed_ui(ui, replay);
    } else {
        poison_ui(ui, cx, batch, seen.as_ref());
    }
    actions_ui(ui, cx, panel, batch, seen.as_ref());
    ui.horizontal_wrapped(|ui| {
        let mut tab = |tab, words| ui.selectable_value(&mut panel.tab, tab, words);
        tab(Tab::Response, "Response");
        tab(Tab::Request, "Request");
        tab(Tab::Logs, "Logs");
        tab(Tab::Timing, "Timing");
        if batch.given_up.is_some() {
            tab(Tab::DeadLetter, "Dead letter");
        }
        if cx.aws.is_local() {
            tab(Tab::Replay, "Replay");
        }
    });
    ui.separator();
    if panel.tab == Tab::Replay {
        replay_ui::show(ui, cx, panel, batch);
        return;
    }
    egui::ScrollArea::both()
        .id_salt("attempt")
        .auto_shrink(false)
        .show(ui, |ui| match (panel.tab, seen) {
            (Tab::DeadLetter, _) => {
                let trigger = panel.mapping.as_deref().unwrap_or_default();
                dead_letter_ui(ui, cx, trigger, batch);
            }
            (_, None) => {
                ui.weak("It was never sent");
            }
            (Tab::Request, Some(seen)) => code_ui(ui, &pretty(&request(seen.records()))),
            (Tab::Logs, Some(seen)) => logs_ui(ui, cx, panel, seen.answer()),
            (Tab::Timing, Some(seen)) => timing_ui(ui, batch, &seen),
            (_, Some(seen)) => response_ui(ui, cx, seen.answer()),
        });
}

fn head_ui(ui: &mut Ui, batch: &BatchStory, seen: Option<&Seen<'_>>) {
    let tokens = theme::of(ui);
    ui.horizontal_wrapped(|ui| {
        let Some(seen) = seen else {
            let words = if batch.given_up.is_some() {
                "Given up"
            } else {
                "Waits its turn"
            };
            ui.label(RichText::new(words).text_style(theme::subtitle()));
            return;
        };
        let (symbol, color) = mark_look(seen.mark(), tokens);
        icon::show(ui, symbol, color);
        let (what, word) = match seen {
            Seen::Attempt(it) => (format!("attempt {}", it.number), seen.mark().word()),
            Seen::Replay(nth, it) => (format!("replay {}", nth + 1), outcome_word(&it.outcome)),
        };
        let title = format!("Batch {}, {what}", batch.id);
        ui.label(RichText::new(title).text_style(theme::subtitle()));
        ui.colored_label(color, word);
        if let Some(answer) = seen.answer() {
            ui.weak(format!("took {}", time::span(answer.took)));
        }
    });
    let reason = seen.map_or("", Seen::reason);
    if !reason.is_empty() {
        ui.label(reason);
    }
}

/// A replay is never taken for what the poller did.
pub(super) fn replayed_ui(ui: &mut Ui, replay: &Replay) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .stroke(egui::Stroke::new(1.0, tokens.accent))
        .corner_radius(4)
        .inner_margin(theme::GUTTER)
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                chip::health(ui, Health::InFlight, "replay");
                if replay.is_edited {
                    chip::health(ui, Health::InFlight, "edited event");
                }
                ui.label(
                    "Delivered once more by hand. No checkpoint moved, no letter was written, and the poller took no \
                     notice.",
                );
            });
        });
}

/// Names the record that could not be processed.
fn poison_ui(ui: &mut Ui, cx: &Cx<'_>, batch: &BatchStory, seen: Option<&Seen<'_>>) {
    let Some(record) = batch.poison() else {
        return;
    };
    let tokens = theme::of(ui);
    egui::Frame::new()
        .stroke(egui::Stroke::new(1.0, tokens.failed))
        .corner_radius(4)
        .inner_margin(theme::GUTTER)
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                icon::show(ui, Icon::Failed, tokens.failed);
                ui.label(RichText::new("Poison record").strong());
                ui.label(RichText::new(&*record.key).monospace());
                ui.label(record.event_name.as_str());
                ui.weak(format!(
                    "sequence number {}",
                    record.sequence_number.short()
                ))
                .on_hover_text(record.sequence_number.as_str());
            });
            let error = seen
                .and_then(Seen::answer)
                .and_then(|answer| error_words(&answer.payload));
            if let Some(error) = error {
                ui.label(error);
            }
            if let Some(arn) = record.event.get("eventSourceARN").and_then(Value::as_str)
                && ui.link("Open the stream").clicked()
            {
                cx.send(Action::Go(Route::Stream(arn.to_owned())));
            }
        });
}

fn actions_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    panel: &mut BatchesPanel,
    batch: &BatchStory,
    seen: Option<&Seen<'_>>,
) {
    let function = function_of(cx, panel);
    let records = seen.map_or(&*batch.records, Seen::records);
    ui.horizontal_wrapped(|ui| {
        replay_ui::button_ui(ui, cx, panel, batch);
        if let Some(function) = &function {
            let payload = seen.and_then(Seen::answer);
            let line = payload.and_then(|answer| data::error_line(&answer.payload));
            if let Some(line) = line
                && icon::button(ui, Icon::Open, &format!("Open line {line}")).clicked()
            {
                cx.send(Action::Go(Route::FunctionLine(function.clone(), line)));
            }
            if icon::button(ui, Icon::Function, "Make test event").clicked() {
                let event = pretty(&request(records));
                cx.send(Action::Go(Route::TestEvent(function.clone(), event)));
            }
        }
        if icon::button(ui, Icon::Copy, "Copy as JSON").clicked() {
            ui.ctx().copy_text(pretty(&story_json(batch)));
            cx.send(Action::Toast(Toast::good("Copied the batch as JSON")));
        }
        let name = format!("batch-{}.json", batch.id);
        panel.save.ui(ui, cx, &name, || pretty(&story_json(batch)));
    });
}

pub(super) fn function_of(cx: &Cx<'_>, panel: &BatchesPanel) -> Option<String> {
    let all = cx.catalog.mappings.value()?;
    let mapping = all
        .iter()
        .find(|it| it.uuid() == panel.mapping.as_deref())?;
    Some(names::function_of(mapping).to_owned())
}

pub(super) fn response_ui(ui: &mut Ui, cx: &Cx<'_>, answer: Option<&Answer>) {
    let tokens = theme::of(ui);
    let Some(answer) = answer else {
        ui.weak("Not answered yet");
        return;
    };
    if let Some(words) = local::injected(cx.aws, &answer.request_id) {
        chip::health(ui, Health::Retry, &format!("injected: {words}"));
    }
    if let Some(error) = &answer.function_error {
        ui.horizontal(|ui| {
            ui.colored_label(tokens.failed, format!("Function error: {error}"));
            ui.weak(format!("HTTP status {}", answer.status));
        });
    } else {
        ui.weak(format!("HTTP status {}", answer.status));
    }
    let parsed: Result<Value, _> = serde_json::from_str(&answer.payload);
    code_ui(
        ui,
        &parsed.map_or_else(|_| answer.payload.clone(), |value| pretty(&value)),
    );
}

pub(super) fn logs_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &BatchesPanel, answer: Option<&Answer>) {
    if let Some(answer) = answer.filter(|it| it.status == 200 && !it.request_id.is_empty())
        && let Some(function) = function_of(cx, panel)
        && icon::button(ui, Icon::Logs, "Open the lines of this request")
            .on_hover_text(&answer.request_id)
            .clicked()
    {
        let group = log_group(cx, &function);
        cx.send(Action::Go(Route::Invocation(
            group,
            answer.request_id.clone(),
        )));
    }
    match answer {
        None => ui.weak("Not answered yet"),
        Some(answer) if answer.log_tail.is_empty() => {
            ui.weak("No log lines. The role may not be allowed to write logs.")
        }
        Some(answer) => {
            ui.weak("Last 4 KB of this invocation's log");
            let text = RichText::new(answer.log_tail.trim_end()).monospace();
            ui.add(egui::Label::new(text).selectable(true).extend())
        }
    };
}

fn timing_ui(ui: &mut Ui, batch: &BatchStory, seen: &Seen<'_>) {
    egui::Grid::new("timing")
        .num_columns(2)
        .spacing([24.0, 6.0])
        .show(ui, |ui| {
            let mut row = |name: &str, value: String| {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            };
            let began = match seen {
                Seen::Replay(_, it) => {
                    row("Replay was answered", time::clock(it.at));
                    it.at.checked_sub(it.answer.took).unwrap_or(it.at)
                }
                Seen::Attempt(it) => {
                    row("Attempt began", time::clock(it.began));
                    row("Sent because", it.why.clone());
                    row("Lane", lane_words(it.lane));
                    if let Some(window) = &it.window {
                        row("Tumbling window", window_words(window));
                    }
                    it.began
                }
            };
            if let Some(answer) = seen.answer() {
                row("Took", time::span(answer.took));
                row("Request id", answer.request_id.clone());
                row("Executed version", answer.executed_version.clone());
            }
            let age = |record: &Record| {
                let age = began.duration_since(record.created);
                time::span(age.unwrap_or_default())
            };
            if let Some(oldest) = seen.records().first() {
                row("Age of the first record", age(oldest));
            }
            if let Some(newest) = seen.records().last() {
                row("Iterator age", age(newest));
            }
            let bytes: u64 = seen.records().iter().map(|it| it.size_bytes).sum();
            row("Record bytes", bytes.to_string());
            row("Batch began", time::clock(batch.began));
            if let Some(ended) = batch.ended {
                row("Batch ended", time::clock(ended));
            }
        });
}

/// Where a function logs to.
fn log_group(cx: &Cx<'_>, function: &str) -> String {
    let functions = cx.catalog.functions.value().into_iter().flatten();
    let mut found = functions.filter(|it| it.function_name() == Some(function));
    let group = found.find_map(|it| it.logging_config()?.log_group());
    group.map_or_else(|| format!("/aws/lambda/{function}"), str::to_owned)
}

/// Lanes are counted from 1 for people.
fn lane_words(lane: usize) -> String {
    format!("{} of the shard's concurrent batches", lane + 1)
}

fn window_words(window: &TumblingWindow) -> String {
    let TumblingWindow {
        start,
        end,
        is_final,
    } = window;
    let end_words = if *is_final { ", its final call" } else { "" };
    let (start, end) = (time::clock_secs(*start), time::clock_secs(*end));
    format!("{start} – {end}{end_words}")
}

fn dead_letter_ui(ui: &mut Ui, cx: &Cx<'_>, trigger: &str, batch: &BatchStory) {
    let tokens = theme::of(ui);
    match &batch.delivery {
        None => {
            ui.label("No on-failure destination is set: the records were dropped and are only in the stream, for 24 hours.");
            if cx.aws.is_local() {
                ui.weak("The tab Replay delivers them once more.");
            }
        }
        Some(delivery) => {
            ui.horizontal_wrapped(|ui| {
                ui.weak("Sent to");
                ui.label(RichText::new(&delivery.destination).monospace());
                ui.weak(time::clock(delivery.at));
            });
            if let Some(error) = &delivery.error {
                ui.colored_label(tokens.failed, format!("Not delivered: {error}"));
                denied::fix_ui(ui, cx, trigger, error);
            }
            code_ui(ui, &pretty(&delivery.body));
        }
    }
}

pub(super) fn code_ui(ui: &mut Ui, text: &str) {
    let font = egui::TextStyle::Monospace.resolve(ui.style());
    let colors = theme::code(theme::of(ui), ui.visuals().dark_mode, &font);
    let layout =
        egui_extras::syntax_highlighting::highlight(ui.ctx(), ui.style(), &colors, text, "json");
    ui.add(egui::Label::new(layout).selectable(true).extend());
}

/// The event the function got.
pub(super) fn request(records: &[Record]) -> Value {
    let records: Vec<&Value> = records.iter().map(|record| &*record.event).collect();
    json!({ "Records": records })
}

fn story_json(batch: &BatchStory) -> Value {
    let attempts: Vec<Value> = batch
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "attempt": attempt.number,
                "began": time::date_time(attempt.began),
                "sentBecause": attempt.why,
                "lane": attempt.lane,
                "window": attempt.window,
                "event": request(&attempt.records),
                "outcome": attempt.outcome,
                "answer": attempt.answer.as_deref(),
                "reason": attempt.reason,
            })
        })
        .collect();
    let replays: Vec<Value> = batch
        .replays
        .iter()
        .map(|replay| {
            json!({
                "at": time::date_time(replay.at),
                "isEdited": replay.is_edited,
                "event": request(&replay.records),
                "outcome": replay.outcome,
                "answer": *replay.answer,
                "reason": replay.reason,
            })
        })
        .collect();
    let skipped = batch.skipped.iter().map(|it| &*it.record.event);
    json!({
        "batch": batch.id,
        "parent": batch.parent,
        "attempts": attempts,
        "skipped": skipped.collect::<Vec<&Value>>(),
        "replays": replays,
        "split": batch.split_reason,
        "deadLetter": batch.delivery.as_ref().map(|it| &*it.body),
    })
}

/// `TypeError: Cannot read …` from an error answer.
fn error_words(payload: &str) -> Option<String> {
    let value: Value = serde_json::from_str(payload).ok()?;
    let kind = value.get("errorType")?.as_str()?;
    let message = value
        .get("errorMessage")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(format!("{kind}: {message}"))
}

//! One attempt in detail: what was sent, what came back, the log, the times, and the dead letter.

use egui::{RichText, Ui};
use serde_json::{Value, json};

use super::data;
use super::{BatchesPanel, mark_look};
use crate::aws::local;
use crate::mapping::progress::TumblingWindow;
use crate::mapping::record::Record;
use crate::ui::live::MappingStory;
use crate::ui::live::story::{Attempt, BatchStory};
use crate::ui::widgets::json_view::pretty;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Route, Toast, names, theme, time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Response,
    Request,
    Logs,
    Timing,
    DeadLetter,
}

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory, panel: &mut BatchesPanel) {
    let Some(selected) = panel.selected.clone() else {
        return;
    };
    let batch = story
        .shards
        .get(&selected.shard)
        .and_then(|shard| shard.batches.get(&selected.batch));
    let Some(batch) = batch else {
        return;
    };
    let attempt = selected
        .attempt
        .or(batch.attempts.len().checked_sub(1))
        .and_then(|nth| batch.attempts.get(nth));
    head_ui(ui, batch, attempt);
    poison_ui(ui, cx, batch, attempt);
    actions_ui(ui, cx, panel, batch, attempt);
    ui.horizontal(|ui| {
        ui.selectable_value(&mut panel.tab, Tab::Response, "Response");
        ui.selectable_value(&mut panel.tab, Tab::Request, "Request");
        ui.selectable_value(&mut panel.tab, Tab::Logs, "Logs");
        ui.selectable_value(&mut panel.tab, Tab::Timing, "Timing");
        if batch.given_up.is_some() {
            ui.selectable_value(&mut panel.tab, Tab::DeadLetter, "Dead letter");
        }
    });
    ui.separator();
    egui::ScrollArea::both()
        .id_salt("attempt")
        .auto_shrink(false)
        .show(ui, |ui| match (panel.tab, attempt) {
            (Tab::DeadLetter, _) => dead_letter_ui(ui, batch),
            (_, None) => {
                ui.weak("Given up before it was ever sent");
            }
            (Tab::Response, Some(attempt)) => response_ui(ui, cx, attempt),
            (Tab::Request, Some(attempt)) => code_ui(ui, &pretty(&request(&attempt.records))),
            (Tab::Logs, Some(attempt)) => logs_ui(ui, cx, panel, attempt),
            (Tab::Timing, Some(attempt)) => timing_ui(ui, batch, attempt),
        });
}

fn head_ui(ui: &mut Ui, batch: &BatchStory, attempt: Option<&Attempt>) {
    let tokens = theme::of(ui);
    ui.horizontal_wrapped(|ui| {
        let Some(attempt) = attempt else {
            ui.label(RichText::new("Given up").text_style(theme::subtitle()));
            return;
        };
        let mark = data::Mark::of(attempt);
        let (symbol, color) = mark_look(mark, tokens);
        icon::show(ui, symbol, color);
        let title = format!("Batch {}, attempt {}", batch.id, attempt.number);
        ui.label(RichText::new(title).text_style(theme::subtitle()));
        ui.colored_label(color, mark.word());
        if let Some(answer) = &attempt.answer {
            ui.weak(format!("took {}", time::span(answer.took)));
        }
    });
    if let Some(attempt) = attempt
        && !attempt.reason.is_empty()
    {
        ui.label(&attempt.reason);
    }
}

/// Names the record that could not be processed.
fn poison_ui(ui: &mut Ui, cx: &Cx<'_>, batch: &BatchStory, attempt: Option<&Attempt>) {
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
            let error = attempt
                .and_then(|it| it.answer.as_ref())
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
    attempt: Option<&Attempt>,
) {
    let function = function_of(cx, panel);
    let records = attempt.map_or(&*batch.records, |it| &*it.records);
    ui.horizontal_wrapped(|ui| {
        if let Some(function) = &function {
            let payload = attempt.and_then(|it| it.answer.as_ref());
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

fn function_of(cx: &Cx<'_>, panel: &BatchesPanel) -> Option<String> {
    let all = cx.catalog.mappings.value()?;
    let mapping = all
        .iter()
        .find(|it| it.uuid() == panel.mapping.as_deref())?;
    Some(names::function_of(mapping).to_owned())
}

fn response_ui(ui: &mut Ui, cx: &Cx<'_>, attempt: &Attempt) {
    let tokens = theme::of(ui);
    let Some(answer) = &attempt.answer else {
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

fn logs_ui(ui: &mut Ui, cx: &Cx<'_>, panel: &BatchesPanel, attempt: &Attempt) {
    let answer = attempt.answer.as_ref();
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
    match &attempt.answer {
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

fn timing_ui(ui: &mut Ui, batch: &BatchStory, attempt: &Attempt) {
    egui::Grid::new("timing")
        .num_columns(2)
        .spacing([24.0, 6.0])
        .show(ui, |ui| {
            let mut row = |name: &str, value: String| {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            };
            row("Attempt began", time::clock(attempt.began));
            row("Sent because", attempt.why.clone());
            row("Lane", lane_words(attempt.lane));
            if let Some(window) = &attempt.window {
                row("Tumbling window", window_words(window));
            }
            if let Some(answer) = &attempt.answer {
                row("Took", time::span(answer.took));
                row("Request id", answer.request_id.clone());
                row("Executed version", answer.executed_version.clone());
            }
            if let Some(oldest) = attempt.records.first() {
                let age = attempt.began.duration_since(oldest.created);
                row(
                    "Age of the first record",
                    time::span(age.unwrap_or_default()),
                );
            }
            if let Some(newest) = attempt.records.last() {
                let age = attempt.began.duration_since(newest.created);
                row("Iterator age", time::span(age.unwrap_or_default()));
            }
            let bytes: u64 = attempt.records.iter().map(|it| it.size_bytes).sum();
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
    format!("{} – {}{end_words}", time::clock(*start), time::clock(*end))
}

fn dead_letter_ui(ui: &mut Ui, batch: &BatchStory) {
    let tokens = theme::of(ui);
    match &batch.delivery {
        None => {
            ui.label("No on-failure destination is set: the records were dropped and are only in the stream, for 24 hours.");
        }
        Some(delivery) => {
            ui.horizontal_wrapped(|ui| {
                ui.weak("Sent to");
                ui.label(RichText::new(&delivery.destination).monospace());
                ui.weak(time::clock(delivery.at));
            });
            if let Some(error) = &delivery.error {
                ui.colored_label(tokens.failed, format!("Not delivered: {error}"));
            }
            code_ui(ui, &pretty(&delivery.body));
        }
    }
}

fn code_ui(ui: &mut Ui, text: &str) {
    let font = egui::TextStyle::Monospace.resolve(ui.style());
    let colors = theme::code(theme::of(ui), ui.visuals().dark_mode, &font);
    let layout =
        egui_extras::syntax_highlighting::highlight(ui.ctx(), ui.style(), &colors, text, "json");
    ui.add(egui::Label::new(layout).selectable(true).extend());
}

/// The event the function got.
fn request(records: &[Record]) -> Value {
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
    json!({
        "batch": batch.id,
        "parent": batch.parent,
        "attempts": attempts,
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

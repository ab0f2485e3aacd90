//! What came of a what-if: both configurations number by number, over time, and what went wrong.

use std::time::Duration;

use egui::{Align, Layout, RichText, Ui, vec2};

use super::chart;
use super::words::{difference, number};
use crate::aws::whatif::{Answer, Question};
use crate::mapping::whatif::{Better, Note, Report, Row};
use crate::ui::names::{self, short_shard};
use crate::ui::widgets::form::counted;
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{theme, time};

/// Narrower, the charts stand one below the other.
const TWO_CHARTS: f32 = 760.0;
const NUMBER: f32 = 92.0;
const NAME: f32 = 250.0;

/// What the user looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Also the numbers that are the same.
    all: bool,
    /// What went wrong with the settings as they are.
    notes_now: bool,
}

pub(super) fn show(ui: &mut Ui, asked: &Question, answer: &Answer, view: &mut View) {
    facts_ui(ui, asked, answer);
    ui.add_space(theme::GUTTER);
    comparison_ui(ui, &answer.comparison, view);
    ui.add_space(theme::GUTTER);
    charts_ui(ui, &answer.now.report, &answer.proposed.report);
    ui.add_space(theme::GUTTER);
    notes_ui(ui, answer, view);
}

/// What was played, and what to bear in mind.
fn facts_ui(ui: &mut Ui, asked: &Question, answer: &Answer) {
    let stretch = &answer.stretch;
    let function = &answer.function;
    ui.horizontal_wrapped(|ui| {
        chip::plain(ui, &counted(stretch.records, "record"));
        match &asked.shard {
            Some(id) => {
                chip::plain(ui, &format!("shard {}", short_shard(id))).on_hover_text(id);
            }
            None => drop(chip::plain(ui, &counted(stretch.shards, "shard"))),
        }
        let secs = (stretch.last - stretch.first).max(0.0);
        if let Ok(span) = Duration::try_from_secs_f64(secs) {
            chip::plain(ui, &format!("written within {}", time::span(span)));
        }
        chip::plain(ui, &format!("polled {}", names::pace(asked.pace)));
        let measured = match function.samples {
            Some(samples) => format!("{} measured", counted(samples, "call")),
            None => "durations as chosen".to_owned(),
        };
        chip::plain(ui, &measured);
        if function.failing_records > 0 {
            let words = format!("{} bad", counted(function.failing_records, "record"));
            chip::health(ui, Health::Retry, &words);
        }
    });
    let all = answer.remarks.iter();
    let all = all.chain(&answer.now.report.remarks);
    let mut told: Vec<&str> = Vec::new();
    for remark in all.chain(&answer.proposed.report.remarks) {
        if told.contains(&remark.as_str()) {
            continue;
        }
        told.push(remark);
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, Icon::Info, theme::of(ui).text_muted);
            ui.label(RichText::new(remark).small());
        });
    }
}

fn comparison_ui(ui: &mut Ui, rows: &[Row], view: &mut View) {
    let is_same = |row: &&Row| row.difference.abs() < 1e-9;
    let same = rows.iter().filter(is_same).count();
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let tokens = theme::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Side by side").text_style(theme::subtitle()));
            let better = |of| rows.iter().filter(|it| it.verdict == of).count();
            let words = format!("{} better", better(Better::Proposed));
            chip::health(ui, Health::Ok, &words);
            let words = format!("{} worse", better(Better::Now));
            chip::health(ui, Health::Retry, &words);
            ui.checkbox(&mut view.all, format!("Also the {same} that are the same"));
        });
        if same == rows.len() && !view.all {
            ui.weak("Both do exactly the same with these records");
            return;
        }
        egui::Grid::new("comparison")
            .num_columns(5)
            .spacing([12.0, 4.0])
            .min_row_height(20.0)
            .show(ui, |ui| {
                let head = |words: &str| RichText::new(words).small().color(tokens.text_muted);
                ui.label("");
                for words in ["Now", "Proposed", "Difference"] {
                    right_ui(ui, head(words));
                }
                ui.label("");
                ui.end_row();
                for row in rows.iter().filter(|row| view.all || !is_same(row)) {
                    row_ui(ui, row);
                }
            });
    });
}

fn row_ui(ui: &mut Ui, row: &Row) {
    let tokens = theme::of(ui);
    let is_same = row.difference.abs() < 1e-9;
    let (sign, words, color) = match row.verdict {
        Better::Proposed => (Some(Icon::Ok), "better", tokens.ok),
        Better::Now => (Some(Icon::Half), "worse", tokens.retry),
        Better::Neither if is_same => (None, "", tokens.text_muted),
        Better::Neither => (None, "different", tokens.text_muted),
    };
    let text = if is_same {
        tokens.text_muted
    } else {
        tokens.text
    };
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(NAME, 18.0), layout, |ui| {
        ui.set_min_width(NAME);
        ui.label(RichText::new(&row.name).color(text));
    });
    right_ui(ui, RichText::new(number(row.now, &row.unit)).color(text));
    let proposed = RichText::new(number(row.proposed, &row.unit));
    let proposed = if is_same {
        proposed.color(text)
    } else {
        proposed.color(tokens.text_strong)
    };
    right_ui(ui, proposed);
    let by = if is_same {
        "–".to_owned()
    } else {
        difference(row.difference, &row.unit)
    };
    right_ui(ui, RichText::new(by).color(color));
    ui.horizontal(|ui| {
        if let Some(sign) = sign {
            icon::show(ui, sign, color);
        }
        if !words.is_empty() {
            ui.label(RichText::new(words).small().color(color));
        }
    });
    ui.end_row();
}

fn right_ui(ui: &mut Ui, text: RichText) {
    let layout = Layout::right_to_left(Align::Center);
    ui.allocate_ui_with_layout(vec2(NUMBER, 18.0), layout, |ui| {
        ui.set_min_width(NUMBER);
        ui.label(text);
    });
}

fn charts_ui(ui: &mut Ui, now: &Report, proposed: &Report) {
    let age = |ui: &mut Ui| {
        card(ui, |ui| {
            let title = "Iterator age, highest of each interval";
            chart::levels_ui(ui, title, "s", &now.iterator_age, &proposed.iterator_age);
        });
    };
    let concurrency = |ui: &mut Ui| {
        card(ui, |ui| {
            let title = "Calls at once";
            chart::levels_ui(ui, title, "", &now.concurrency, &proposed.concurrency);
        });
    };
    let sizes = |ui: &mut Ui| {
        card(ui, |ui| {
            let title = "Calls by number of records";
            chart::sizes_ui(ui, title, &now.batch_sizes, &proposed.batch_sizes);
        });
    };
    age(ui);
    ui.add_space(theme::GUTTER);
    if ui.available_width() < TWO_CHARTS {
        sizes(ui);
        ui.add_space(theme::GUTTER);
        concurrency(ui);
    } else {
        ui.columns(2, |columns| {
            sizes(&mut columns[0]);
            concurrency(&mut columns[1]);
        });
    }
}

fn card(ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        body(ui);
    });
}

/// The first things of each kind that went another way than a success.
fn notes_ui(ui: &mut Ui, answer: &Answer, view: &mut View) {
    card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new("What went wrong").text_style(theme::subtitle()));
            ui.selectable_value(&mut view.notes_now, false, "Proposed");
            ui.selectable_value(&mut view.notes_now, true, "Now");
        });
        let side = if view.notes_now {
            &answer.now
        } else {
            &answer.proposed
        };
        if side.report.notes.is_empty() {
            ui.weak("Every call succeeded at once");
        }
        for note in &side.report.notes {
            note_ui(ui, note);
        }
    });
}

fn note_ui(ui: &mut Ui, note: &Note) {
    let health = match note.kind.as_str() {
        "discarded" | "trimmed" => Health::Failed,
        "split" => Health::Idle,
        _ => Health::Retry,
    };
    ui.horizontal_wrapped(|ui| {
        let after = format!(
            "+{}",
            time::span(Duration::from_millis(note.after_milliseconds))
        );
        ui.label(RichText::new(after).monospace());
        chip::health(ui, health, &note.kind);
        ui.label(RichText::new(short_shard(&note.shard_id)).monospace())
            .on_hover_text(&note.shard_id);
        let records = ui.label(counted(note.records, "record"));
        if !note.sequence_number.is_empty() {
            records.on_hover_text(format!("from {}", note.sequence_number));
        }
        ui.weak(&note.reason);
    });
}

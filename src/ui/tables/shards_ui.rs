//! The shards of a table's stream: their descent and what is kept of them; rolled over, split and trimmed by hand.

use std::time::Duration;

use egui::{RichText, Stroke, Ui, pos2, vec2};

use super::lineage::{Line, Place, places};
use super::stream_ui::card;
use crate::aws::shards::{self, ShardRow, Trim};
use crate::ui::names::short_shard;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::shard_list::{ShardList, state};
use crate::ui::widgets::form::{self, grouped};
use crate::ui::widgets::{Column, Confirm, Icon, chip, icon, table_list};
use crate::ui::{Action, Cx, Remote, Toast, theme, time};

/// Between two columns of the lineage.
const STEP: f32 = 14.0;
const DOT: f32 = 4.0;
/// Records are kept for a day.
const MINUTES_MAX: i64 = 24 * 60;

/// The card "Shards".
pub(super) struct ShardsCard {
    list: ShardList,
    /// What was done, in words.
    changing: Remote<String>,
    question: Option<(Confirm, Wish)>,
    /// Trim by age, not everything.
    by_age: bool,
    minutes: form::Number,
}

impl Default for ShardsCard {
    fn default() -> Self {
        Self {
            list: ShardList::default(),
            changing: Remote::default(),
            question: None,
            by_age: false,
            minutes: form::Number::of(Some(60)),
        }
    }
}

/// What the user wants done.
#[derive(Clone, Debug, PartialEq)]
enum Wish {
    Roll(String),
    Split(String),
    Trim(Trim),
}

impl ShardsCard {
    /// `table` is who owns the stream.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, arn: &str, table: &str) {
        self.settle(cx, arn);
        card(ui, |ui| {
            self.head_ui(ui, cx);
            if let Some(error) = self.changing.error() {
                error_ui(ui, error);
            }
            let mut wish = None;
            let shards = self.list.shards();
            shards.ui(ui, |ui, shards| wish = list_ui(ui, cx, shards));
            if let Some(wish) = wish {
                self.ask(table, wish);
            }
            if cx.aws.is_local() && self.list.shards().value().is_some() {
                ui.add_space(theme::GUTTER);
                self.trim_ui(ui, cx, table);
            }
        });
    }

    /// Over everything; call it outside of scrolled areas.
    pub(super) fn question_ui(&mut self, cx: &Cx<'_>) {
        if let Some((confirm, _)) = &mut self.question
            && let Some(yes) = confirm.ui(cx.ctx)
            && let Some((_, wish)) = self.question.take()
            && yes
        {
            self.start(cx, wish);
        }
    }

    fn settle(&mut self, cx: &Cx<'_>, arn: &str) {
        if self.changing.poll() {
            if let Some(words) = self.changing.take() {
                cx.send(Action::Toast(Toast::good(words)));
            }
            self.list.look_again();
        }
        if self.list.look(cx, arn) {
            *self = Self {
                list: std::mem::take(&mut self.list),
                ..Self::default()
            };
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let tokens = theme::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Shards").text_style(theme::subtitle()));
            if let Some(shards) = self.list.shards().value() {
                let open = shards.iter().filter(|it| it.is_open).count();
                chip::plain(ui, &format!("{open} open"));
                chip::plain(ui, &format!("{} closed", shards.len() - open));
            }
            if self.changing.is_pending() {
                loading_ui(ui);
            }
            if !cx.aws.is_local() && icon::only(ui, Icon::Refresh, "Reload shards").clicked() {
                self.list.look_again();
            }
        });
        let words = if cx.aws.is_local() {
            "On AWS shards roll over about every four hours, and split when they take too much. Here you do it by hand, or the engine's settings do."
        } else {
            "AWS rolls shards over and splits them by itself. By hand, only the local cloud does it, and only there is known what each shard keeps."
        };
        ui.label(RichText::new(words).small().color(tokens.text_muted));
    }

    fn trim_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, table: &str) {
        form::choice(
            ui,
            "Trim",
            &mut self.by_age,
            &[(false, "everything"), (true, "by age")],
            "What is trimmed can be read no more, as if it were older than 24 hours",
        );
        let range = 1..=MINUTES_MAX;
        if self.by_age {
            form::number(ui, "Older than", &mut self.minutes, &range, "min", "");
        }
        let minutes = self.minutes.value(&range).ok().flatten();
        let before = minutes.and_then(|it| {
            let age = Duration::from_mins(u64::try_from(it).ok()?);
            cx.now.checked_sub(age)
        });
        let trim = if self.by_age {
            before.map(Trim::Before)
        } else {
            Some(Trim::Everything)
        };
        form::row(ui, "", "", None, |ui| {
            let is_free = trim.is_some() && !self.changing.is_pending();
            ui.add_enabled_ui(is_free, |ui| {
                if icon::button(ui, Icon::Trash, "Trim stream…").clicked()
                    && let Some(trim) = trim
                {
                    self.ask(table, Wish::Trim(trim));
                }
            });
        });
    }

    fn ask(&mut self, table: &str, wish: Wish) {
        let shards = self.list.shards().value().map_or(&[][..], Vec::as_slice);
        self.question = Some((question(table, shards, &wish), wish));
    }

    fn start(&mut self, cx: &Cx<'_>, wish: Wish) {
        let (aws, arn) = (cx.aws.clone(), self.list.arn().to_owned());
        self.changing.start(cx, async move {
            let replaced = |shard: &str, children: &[String]| {
                let children: Vec<&str> = children.iter().map(|it| short_shard(it)).collect();
                format!(
                    "Shard {} goes on in {}",
                    short_shard(shard),
                    children.join(" and ")
                )
            };
            Ok(match wish {
                Wish::Roll(shard) => {
                    let children = shards::roll(aws, arn, shard.clone()).await?;
                    replaced(&shard, &children)
                }
                Wish::Split(shard) => {
                    let children = shards::split(aws, arn, shard.clone()).await?;
                    replaced(&shard, &children)
                }
                Wish::Trim(what) => {
                    shards::trim(aws, arn, what).await?;
                    "The stream was trimmed".to_owned()
                }
            })
        });
    }
}

/// What would happen, and whether it should.
fn question(table: &str, shards: &[ShardRow], wish: &Wish) -> Confirm {
    let records = |shard: Option<&str>| {
        let meant = shards
            .iter()
            .filter(|it| shard.is_none_or(|id| it.id == id));
        let kept = meant.filter_map(|it| it.kept.as_ref());
        kept.map(|it| it.records).sum()
    };
    let stays = |shard: &str| match records(Some(shard)) {
        0 => "It holds no records.".to_owned(),
        1 => "The record in it stays readable.".to_owned(),
        many => format!("The {} records in it stay readable.", grouped(many)),
    };
    match wish {
        Wish::Roll(shard) => Confirm::new(format!("Roll shard {} over", short_shard(shard)))
            .consequence("The shard is closed. Its keys go on in one new shard.")
            .consequence(stays(shard))
            .consequence("Triggers finish this shard before they read the new one."),
        Wish::Split(shard) => Confirm::new(format!("Split shard {}", short_shard(shard)))
            .consequence(
                "The shard is closed. Its keys go on in two new shards, half of them in each.",
            )
            .consequence(stays(shard))
            .consequence("Triggers finish this shard, then read both new ones at the same time."),
        Wish::Trim(what) => {
            let (verb, gone) = match what {
                Trim::Everything => (
                    format!("Trim the stream of {table}"),
                    all_of(records(None), "this stream"),
                ),
                Trim::Before(before) => (
                    format!("Trim the stream of {table}"),
                    format!(
                        "No record written before {} can be read any more.",
                        time::date_time(*before)
                    ),
                ),
                Trim::Shard { shard, .. } => (
                    format!("Trim shard {}", short_shard(shard)),
                    all_of(records(Some(shard)), "this shard"),
                ),
            };
            Confirm::new(verb)
                .consequence(gone)
                .consequence("Triggers that have not read these records never get them; their batches tell how many were missed.")
                .consequence("This cannot be undone.")
        }
    }
}

fn all_of(records: u64, what: &str) -> String {
    match records {
        0 => format!("There is no record in {what} now."),
        1 => format!("The one record in {what} can be read no more."),
        many => format!(
            "All {} records in {what} can be read no more.",
            grouped(many)
        ),
    }
}

/// Returns what the user asked to be done to one of them.
fn list_ui(ui: &mut Ui, cx: &Cx<'_>, shards: &[ShardRow]) -> Option<Wish> {
    let places = places(shards);
    let widest = places.iter().map(|it| it.column).max().unwrap_or_default();
    let mut columns = vec![
        Column::new("Shard", lineage_width(widest.max(5)) + 90.0),
        Column::new("State", 92.0),
    ];
    if cx.aws.is_local() {
        columns.extend([
            Column::new("Keys", 64.0),
            Column::new("Records", 150.0),
            Column::new("Opened", 100.0),
            Column::new("Closed", 100.0),
            Column::new("", 100.0),
        ]);
    }
    let mut wish = None;
    table_list(
        ui,
        "Shards",
        &columns,
        places.len(),
        None,
        |nth| row_words(&shards[places[nth].nth]),
        |ui, nth, column| {
            let shard = &shards[places[nth].nth];
            match column {
                0 => id_ui(ui, &places[nth], shard),
                1 => state_ui(ui, shard),
                _ => {
                    if let Some(asked) = kept_ui(ui, cx, shard, column) {
                        wish = Some(asked);
                    }
                }
            }
        },
    );
    wish
}

/// `Shard 0a1b2c3d, open, 12 records`
fn row_words(shard: &ShardRow) -> String {
    let (_, state) = state(shard);
    let kept = shard.kept.as_ref();
    let kept = kept.map_or(String::new(), |it| format!(", {}", records_words(it)));
    format!("Shard {}, {state}{kept}", short_shard(&shard.id))
}

fn records_words(kept: &shards::Kept) -> String {
    match (kept.records, kept.trimmed) {
        (0, 0) => "none".to_owned(),
        (kept, 0) => grouped(kept),
        (kept, trimmed) => format!("{}, {} trimmed", grouped(kept), grouped(trimmed)),
    }
}

fn state_ui(ui: &mut Ui, shard: &ShardRow) {
    let (health, words) = state(shard);
    chip::health(ui, health, words);
}

fn kept_ui(ui: &mut Ui, cx: &Cx<'_>, shard: &ShardRow, column: usize) -> Option<Wish> {
    let kept = shard.kept.as_ref()?;
    match column {
        2 => {
            ui.label(share_words(kept.key_share));
        }
        3 => {
            ui.label(records_words(kept));
        }
        4 => time_ui(ui, cx, kept.opened),
        5 => match kept.closed {
            Some(closed) => time_ui(ui, cx, closed),
            None => drop(ui.weak("–")),
        },
        _ => return actions_ui(ui, shard, kept),
    }
    None
}

fn actions_ui(ui: &mut Ui, shard: &ShardRow, kept: &shards::Kept) -> Option<Wish> {
    let id = short_shard(&shard.id);
    let mut wish = None;
    ui.spacing_mut().item_spacing.x = 2.0;
    ui.add_enabled_ui(shard.is_open, |ui| {
        if icon::only(ui, Icon::Replay, &format!("Roll shard {id} over…")).clicked() {
            wish = Some(Wish::Roll(shard.id.clone()));
        }
        if icon::only(ui, Icon::Split, &format!("Split shard {id}…")).clicked() {
            wish = Some(Wish::Split(shard.id.clone()));
        }
    });
    ui.add_enabled_ui(kept.last.is_some(), |ui| {
        if icon::only(ui, Icon::Trash, &format!("Trim shard {id}…")).clicked()
            && let Some(last) = kept.last.clone()
        {
            wish = Some(Wish::Trim(Trim::Shard {
                shard: shard.id.clone(),
                last,
            }));
        }
    });
    wish
}

fn time_ui(ui: &mut Ui, cx: &Cx<'_>, at: std::time::SystemTime) {
    ui.label(time::ago(at, cx.now))
        .on_hover_text(time::date_time(at));
}

/// `100 %`, `12.5 %`
fn share_words(share: f64) -> String {
    let percent = format!("{:.1}", share * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

#[expect(clippy::cast_precision_loss, reason = "columns are few")]
fn lineage_width(column: usize) -> f32 {
    (column + 1) as f32 * STEP + DOT
}

/// The lines of its descent, its dot and its name.
fn id_ui(ui: &mut Ui, place: &Place, shard: &ShardRow) {
    let tokens = theme::of(ui);
    let row = ui.max_rect();
    let size = vec2(lineage_width(place.column), row.height());
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    // Rows touch: lines go on from one to the next.
    let (top, middle, bottom) = (rect.top() - 2.0, rect.center().y, rect.bottom() + 2.0);
    #[expect(clippy::cast_precision_loss, reason = "columns are few")]
    let x = |column: usize| rect.left() + DOT + 1.0 + column as f32 * STEP;
    let painter = ui.painter();
    let line = Stroke::new(1.0, tokens.line_strong);
    for piece in &place.lines {
        match *piece {
            Line::Through(column) => painter.vline(x(column), top..=bottom, line),
            Line::Up(column) => painter.vline(x(column), top..=middle - DOT, line),
            Line::Down(column) => painter.vline(x(column), middle + DOT..=bottom, line),
            Line::Branch { column, goes_on } => {
                let end = if goes_on { bottom } else { middle };
                painter.vline(x(column), top..=end, line);
                painter.hline(x(column)..=x(column + 1) - DOT, middle, line)
            }
        };
    }
    let at = pos2(x(place.column), middle);
    if shard.is_open {
        painter.circle_filled(at, DOT, tokens.ok);
    } else {
        let ring = Stroke::new(1.5, tokens.text_muted);
        painter.circle_stroke(at, DOT - 0.75, ring);
    }
    ui.label(RichText::new(short_shard(&shard.id)).monospace())
        .on_hover_text(&shard.id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_one_decimal_where_it_says_something() {
        for (share, words) in [
            (1.0, "100 %"),
            (0.5, "50 %"),
            (0.125, "12.5 %"),
            (0.0, "0 %"),
        ] {
            assert_eq!(share_words(share), words);
        }
    }
}

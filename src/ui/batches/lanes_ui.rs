//! The timeline: one lane per shard, a dot per attempt, forks where a batch was split.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use egui::{Align2, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::data::{self, Key, Lane, Mark, Target};
use super::{BatchesPanel, Selected, mark_look};
use crate::mapping::consumer::Standing;
use crate::ui::live::MappingStory;
use crate::ui::live::shard::ShardStory;
use crate::ui::names::short_shard;
use crate::ui::widgets::{elided, icon};
use crate::ui::{Cx, theme, time};

const ROW: f32 = 18.0;
const DOT: f32 = 12.0;
/// Room for the shard's name.
const NAME: f32 = 96.0;
/// Room for what the shard is doing now.
const STATE: f32 = 220.0;
/// Most rows drawn for one shard; deeper forks are in the tree.
const ROWS_MAX: usize = 7;
const HEIGHT_MAX: f32 = 240.0;

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory, panel: &mut BatchesPanel) {
    let (since, until) = span(cx, story, panel);
    let lanes: Vec<(&Arc<str>, &ShardStory, Lane)> = story
        .shards
        .iter()
        // What concerns no shard is only worth a line while no shard can be read.
        .filter(|(id, shard)| !id.is_empty() || shard.poll_trouble.is_some())
        .map(|(id, shard)| (id, shard, data::lane(shard, since)))
        .collect();
    egui::ScrollArea::vertical()
        .id_salt("lanes")
        .max_height(HEIGHT_MAX)
        .show(ui, |ui| {
            for (id, shard, lane) in &lanes {
                lane_ui(ui, cx, (id, shard, lane), (since, until), panel);
            }
            axis_ui(ui, since, until);
        });
}

/// What time the lanes cover. When nothing happens the picture stands still.
fn span(cx: &Cx<'_>, story: &MappingStory, panel: &BatchesPanel) -> (SystemTime, SystemTime) {
    let batches = || {
        story
            .shards
            .values()
            .flat_map(|shard| shard.batches.values())
    };
    let notes = || {
        let shards = story.shards.values();
        shards.flat_map(|shard| shard.notes.iter().map(|it| it.at))
    };
    let ends = batches().map(|batch| batch.ended.unwrap_or(cx.now));
    let last = ends.chain(notes()).max().unwrap_or(cx.now);
    let until = last + Duration::from_secs(1);
    let began = batches().map(|batch| batch.began).chain(notes());
    let first = began.min().unwrap_or(until);
    let since = match panel.window() {
        Some(window) => until.checked_sub(window).unwrap_or(first),
        None => first,
    };
    (since, until)
}

fn lane_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    (id, shard, lane): (&Arc<str>, &ShardStory, &Lane),
    (since, until): (SystemTime, SystemTime),
    panel: &mut BatchesPanel,
) {
    let tokens = theme::of(ui);
    let rows = lane.rows.clamp(1, ROWS_MAX);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    let height = rows as f32 * ROW + 8.0;
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let track = Rect::from_min_max(
        pos2(rect.left() + NAME, rect.top() + 4.0),
        pos2(rect.right() - STATE, rect.bottom() - 4.0),
    );
    let x = |at: SystemTime| track.left() + track.width() * share(at, since, until);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    let y = |row: usize| track.top() + ROW * (row.min(ROWS_MAX - 1) as f32 + 0.5);

    let painter = ui.painter().with_clip_rect(rect);
    painter.hline(track.x_range(), y(0), Stroke::new(1.0, tokens.line_strong));
    forks_ui(&painter, lane, tokens, x, y);
    let pointer = response.interact_pointer_pos();
    let mut nearest: Option<(f32, usize)> = None;
    // Trouble is painted last, so that it is never hidden.
    let mut order: Vec<usize> = (0..lane.dots.len()).collect();
    order.sort_by_key(|nth| !matches!(lane.dots[*nth].mark, Mark::Filtered | Mark::Succeeded));
    for nth in order {
        let dot = lane.dots[nth];
        let center = pos2(x(dot.at), y(dot.row));
        let (symbol, color) = mark_look(dot.mark, tokens);
        if is_selected(panel, id, dot) {
            painter.circle_stroke(center, DOT * 0.8, Stroke::new(2.0, tokens.accent));
        }
        painter.circle_filled(center, DOT * 0.55, tokens.canvas);
        icon::paint(&painter, center, symbol, DOT, color);
        let distance = pointer.map(|at| at.distance(center));
        if let Some(distance) = distance
            && nearest.is_none_or(|(best, _)| distance < best)
        {
            nearest = Some((distance, nth));
        }
    }
    name_ui(ui, id, pos2(rect.left(), y(0)));
    let state = Rect::from_min_max(pos2(track.right() + 12.0, rect.top()), rect.max);
    let words = state_ui(ui, cx, (shard, panel.poll.shard(id)), state, y(0));
    response.widget_info(|| {
        let marks = lane.dots.len();
        let text = format!("Shard {}, {marks} marks, {words}", short_shard(id));
        egui::WidgetInfo::labeled(egui::Role::Button, true, text)
    });
    if response.clicked()
        && let Some((distance, nth)) = nearest
        && distance < 24.0
    {
        let dot = lane.dots[nth];
        panel.chosen = true;
        let row = match dot.target {
            Target::Part(batch, _) => Key::Batch(shard.root_of(batch)),
            Target::Note(number) => Key::Note(number),
        };
        panel.selected = Some(Selected {
            shard: Arc::clone(id),
            row,
            target: dot.target,
        });
    }
    let trouble = shard.poll_trouble.as_ref().map(|it| it.problem.as_str());
    let lines = [Some(&**id), shard.trimmed.as_deref(), trouble];
    let lines: Vec<&str> = lines.into_iter().flatten().collect();
    response.on_hover_text(lines.join("\n"));
}

fn forks_ui(
    painter: &egui::Painter,
    lane: &Lane,
    tokens: &theme::Tokens,
    x: impl Fn(SystemTime) -> f32,
    y: impl Fn(usize) -> f32,
) {
    let line = Stroke::new(1.5, tokens.text_faint);
    for fork in &lane.forks {
        let from = pos2(x(fork.at), y(fork.from_row));
        let corner = pos2(from.x, y(fork.to_row));
        painter.line_segment([from, corner], line);
        let dots = lane.dots.iter().filter(|dot| dot.row == fork.to_row);
        let end = dots.map(|dot| x(dot.at)).fold(from.x + DOT, f32::max);
        painter.line_segment([corner, pos2(end, corner.y)], line);
    }
}

fn name_ui(ui: &Ui, shard: &str, at: egui::Pos2) {
    let font = egui::TextStyle::Monospace.resolve(ui.style());
    let color = theme::of(ui).text;
    ui.painter()
        .text(at, Align2::LEFT_CENTER, short_shard(shard), font, color);
}

/// What the shard is doing, in words.
fn state_ui(
    ui: &Ui,
    cx: &Cx<'_>,
    (shard, standing): (&ShardStory, Option<&Standing>),
    rect: Rect,
    y: f32,
) -> String {
    let tokens = theme::of(ui);
    let (text, color) = match standing.filter(|it| it.is_paused) {
        Some(standing) => (paused_words(shard, standing), tokens.retry),
        None => state_words(cx, shard, tokens),
    };
    let font = egui::TextStyle::Small.resolve(ui.style());
    let words = elided(ui, &text, font, color, rect.width());
    let top = y - words.size().y / 2.0;
    ui.painter().galley(pos2(rect.left(), top), words, color);
    text
}

/// `paused, 3 records wait, batch 7 blocks`
fn paused_words(shard: &ShardStory, standing: &Standing) -> String {
    let blocked = shard.blocked_by();
    let by = blocked.map_or_else(String::new, |it| format!(", batch {} blocks", it.id));
    match crate::ui::poller::waiting(standing) {
        0 => "paused, nothing waits".to_owned(),
        1 => format!("paused, 1 record waits{by}"),
        many => format!("paused, {many} records wait{by}"),
    }
}

fn state_words(cx: &Cx<'_>, shard: &ShardStory, tokens: &theme::Tokens) -> (String, egui::Color32) {
    if let Some(batch) = shard.blocked_by() {
        let held = cx.now.duration_since(batch.began).unwrap_or_default();
        let text = format!("blocked {} by batch {}", time::span(held), batch.id);
        return (text, tokens.failed);
    }
    if shard.poll_trouble.is_some() {
        return (poll_words(cx, shard), tokens.failed);
    }
    if shard.closed && shard.trimmed.is_some() {
        return ("closed, trimmed".to_owned(), tokens.failed);
    }
    let gathering = shard.wait.as_ref().filter(|it| it.until > cx.now);
    let text = match gathering {
        _ if shard.closed => "closed".to_owned(),
        Some(wait) => wait.reason.clone(),
        None => format!("lag {}", time::span(shard.behind.unwrap_or_default())),
    };
    (text, tokens.text_muted)
}

/// `3 polls failed, again in 2.0 s`
fn poll_words(cx: &Cx<'_>, shard: &ShardStory) -> String {
    let Some(trouble) = &shard.poll_trouble else {
        return String::new();
    };
    let polls = data::polls_failed(trouble.setbacks);
    match trouble.until.duration_since(cx.now) {
        Ok(left) if !left.is_zero() => {
            cx.ctx.request_repaint_after(Duration::from_millis(200));
            format!("{polls}, again in {}", time::span(left))
        }
        _ => format!("{polls}, polling again"),
    }
}

fn axis_ui(ui: &mut Ui, since: SystemTime, until: SystemTime) {
    let tokens = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    let left = rect.left() + NAME;
    let width = rect.width() - NAME - STATE;
    let font = egui::TextStyle::Small.resolve(ui.style());
    let length = until.duration_since(since).unwrap_or_default();
    for quarter in 0..=4_u32 {
        let at = since + length * quarter / 4;
        #[expect(clippy::cast_precision_loss, reason = "quarters")]
        let x = left + width * quarter as f32 / 4.0;
        let align = match quarter {
            0 => Align2::LEFT_CENTER,
            4 => Align2::RIGHT_CENTER,
            _ => Align2::CENTER_CENTER,
        };
        let text = time::clock_secs(at);
        ui.painter().text(
            pos2(x, rect.center().y),
            align,
            text,
            font.clone(),
            tokens.text_muted,
        );
    }
}

fn is_selected(panel: &BatchesPanel, shard: &Arc<str>, dot: data::Dot) -> bool {
    panel
        .selected
        .as_ref()
        .is_some_and(|selected| selected.target == dot.target && selected.shard == *shard)
}

/// Where `at` lies between `since` and `until`, 0 to 1.
fn share(at: SystemTime, since: SystemTime, until: SystemTime) -> f32 {
    let whole = until
        .duration_since(since)
        .unwrap_or_default()
        .as_secs_f32();
    let part = at.duration_since(since).unwrap_or_default().as_secs_f32();
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

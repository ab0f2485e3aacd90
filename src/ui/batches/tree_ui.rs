//! The retry and split tree of one batch.

use std::sync::Arc;

use egui::{RichText, Sense, Stroke, Ui, pos2, vec2};

use super::data::{self, Key, Target};
use super::lines::{self, Line, Sign, Tag};
use super::{BatchesPanel, mark_look};
use crate::aws::local;
use crate::ui::live::MappingStory;
use crate::ui::live::shard::ShardStory;
use crate::ui::widgets::{Icon, elided, icon};
use crate::ui::{Cx, theme, time};

const INDENT: f32 = 18.0;

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory, panel: &mut BatchesPanel) {
    let Some(selected) = panel.selected.clone() else {
        ui.weak("Choose a batch");
        return;
    };
    let shard = story.shards.get(&selected.shard);
    let root = match selected.row {
        Key::Batch(root) => root,
        Key::Note(number) => {
            if let Some(shard) = shard {
                super::note_ui::head_ui(ui, cx, shard, number);
            }
            return;
        }
    };
    let Some((shard, root)) = shard.and_then(|it| Some((it, it.batches.get(&root)?))) else {
        ui.weak("This batch is no longer kept");
        return;
    };
    // As high as the head of the list beside it.
    ui.horizontal(|ui| {
        let title = format!("Batch {}", root.id);
        ui.label(RichText::new(title).text_style(theme::subtitle()));
    });
    let range = match (root.first(), root.last()) {
        (Some(first), Some(last)) if first == last => first.short(),
        (Some(first), Some(last)) => format!("{} – {}", first.short(), last.short()),
        _ => String::new(),
    };
    ui.horizontal_wrapped(|ui| {
        ui.weak(data::records(root.records.len()));
        ui.label(RichText::new(range).monospace().weak());
        ui.weak(format!("began {}", time::clock(root.began)));
    });
    ui.add_space(4.0);
    let injected = |id: &str| local::injected(cx.aws, id).map(|it| it.to_string());
    let lines = lines::tree(shard, root.id, &injected);
    egui::ScrollArea::vertical()
        .id_salt("tree")
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for line in &lines {
                let target = line.part.map(|part| Target::Part(line.batch, part));
                let is_selected = target == Some(selected.target);
                let clicked = line_ui(ui, line, is_selected).clicked();
                if let Some(part) = line.part.filter(|_| clicked) {
                    panel.select_part(&selected.shard, root.id, line.batch, part);
                }
            }
            waits_ui(ui, cx, shard, root.id);
            skips_ui(ui, cx, panel, &selected.shard, (shard, root.id));
        });
}

fn line_ui(ui: &mut Ui, line: &Line, selected: bool) -> egui::Response {
    let tokens = theme::of(ui);
    let detail = !line.detail.is_empty();
    let height = if detail { 36.0 } else { theme::ROW_COMPACT };
    let sense = match line.part {
        Some(_) => Sense::click(),
        None => Sense::hover(),
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), sense);
    response.widget_info(|| {
        let tag = line.tag.as_ref();
        let tag = tag.map_or_else(String::new, |it| format!(", {}", it.words()));
        let text = format!("{}{tag}. {}", line.text, line.detail);
        match line.part {
            Some(_) => egui::WidgetInfo::selected(egui::Role::Button, true, selected, text),
            None => egui::WidgetInfo::labeled(egui::Role::Label, true, text),
        }
    });
    let painter = ui.painter().with_clip_rect(rect);
    if selected {
        painter.rect_filled(rect, 4, tokens.selection);
    } else if response.hovered() && line.part.is_some() {
        painter.rect_filled(rect, 4, tokens.hover);
    }
    #[expect(clippy::cast_precision_loss, reason = "a tree is at most 14 deep")]
    let left = rect.left() + 4.0 + INDENT * line.depth as f32;
    for depth in 1..=line.depth {
        #[expect(clippy::cast_precision_loss, reason = "a tree is at most 14 deep")]
        let x = rect.left() + INDENT * depth as f32 - 4.0;
        painter.vline(x, rect.y_range(), Stroke::new(1.0, tokens.line_strong));
    }
    let y = rect.top() + 11.0;
    let (symbol, color) = match line.sign {
        Sign::Mark(mark) => mark_look(mark, tokens),
        Sign::Split => (Icon::Split, tokens.text_muted),
        Sign::Wait => (Icon::Clock, tokens.text_muted),
    };
    icon::paint(&painter, pos2(left + 8.0, y), symbol, 13.0, color);
    words_ui(
        ui,
        &painter,
        line,
        egui::Rect::from_min_max(pos2(left + 20.0, rect.top()), rect.max),
    );
    let whole = if detail { &line.detail } else { &line.text };
    response.on_hover_text(whole)
}

/// The text with its tag, and why below.
fn words_ui(ui: &Ui, painter: &egui::Painter, line: &Line, rect: egui::Rect) {
    let tokens = theme::of(ui);
    let body = egui::TextStyle::Body.resolve(ui.style());
    let small = egui::TextStyle::Small.resolve(ui.style());
    let room = rect.width() - 4.0;
    let paint = |right: f32, down: f32, words: Arc<egui::Galley>| {
        let at = rect.min + vec2(right, down - words.size().y / 2.0);
        painter.galley(at, words, tokens.text);
    };
    let (font, color) = match line.sign {
        Sign::Wait => (small.clone(), tokens.text_muted),
        _ => (body, tokens.text_strong),
    };
    if let Some(tag) = &line.tag {
        let hue = match tag {
            Tag::Poison => tokens.failed,
            Tag::Injected(_) => tokens.retry,
            Tag::Edited => tokens.accent,
        };
        // The tag is never cut off, so it gets its room before the text does.
        let words = elided(ui, &tag.words(), small.clone(), hue, room);
        let room = room - words.size().x - theme::GUTTER;
        let text = elided(ui, &line.text, font, color, room);
        paint(text.size().x + theme::GUTTER, 11.0, words);
        paint(0.0, 11.0, text);
    } else {
        paint(0.0, 11.0, elided(ui, &line.text, font, color, room));
    }
    if !line.detail.is_empty() {
        let words = elided(ui, &line.detail, small, tokens.text_muted, room);
        paint(0.0, 26.0, words);
    }
}

/// What the family is waiting for right now.
fn waits_ui(ui: &mut Ui, cx: &Cx<'_>, shard: &ShardStory, root: u64) {
    for batch in shard.batches.values() {
        let Some(wait) = batch.wait() else { continue };
        if shard.root_of(batch.id) != root {
            continue;
        }
        let left = wait.until.duration_since(cx.now).unwrap_or_default();
        let tokens = theme::of(ui);
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, Icon::Half, tokens.retry);
            ui.label(&wait.reason);
            if !left.is_zero() {
                ui.weak(format!("next in {}", time::span(left)));
                ui.ctx()
                    .request_repaint_after(std::time::Duration::from_millis(200));
            }
        });
    }
}

/// What blocks the shard can be taken out of the way here.
fn skips_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    panel: &mut BatchesPanel,
    id: &Arc<str>,
    (shard, root): (&ShardStory, u64),
) {
    let Some(blocking) = shard.blocked_by() else {
        return;
    };
    if shard.root_of(blocking.id) == root {
        ui.add_space(theme::GUTTER);
        ui.horizontal_wrapped(|ui| panel.poll.skip_ui(ui, cx, id, blocking));
    }
}

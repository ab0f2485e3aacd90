//! The retry and split tree of one batch.

use std::sync::Arc;

use egui::{RichText, Sense, Stroke, Ui, pos2, vec2};

use super::data::{self, Line};
use super::{BatchesPanel, Selected, mark_look};
use crate::ui::live::MappingStory;
use crate::ui::widgets::{Icon, icon};
use crate::ui::{Cx, theme, time};

const INDENT: f32 = 18.0;

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, story: &MappingStory, panel: &mut BatchesPanel) {
    let Some(selected) = panel.selected.clone() else {
        ui.weak("Choose a batch");
        return;
    };
    let shard = story.shards.get(&selected.shard);
    let Some((shard, root)) = shard.and_then(|it| Some((it, it.batches.get(&selected.root)?)))
    else {
        ui.weak("This batch is no longer kept");
        return;
    };
    ui.label(RichText::new(format!("Batch {}", root.id)).text_style(theme::subtitle()));
    let range = match (root.first(), root.last()) {
        (Some(first), Some(last)) => format!("{} – {}", first.short(), last.short()),
        _ => String::new(),
    };
    ui.horizontal_wrapped(|ui| {
        ui.weak(data::records(root.records.len()));
        ui.label(RichText::new(range).monospace().weak());
        ui.weak(format!("began {}", time::clock(root.began)));
    });
    ui.add_space(4.0);
    let lines = data::tree(shard, root.id);
    egui::ScrollArea::vertical()
        .id_salt("tree")
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for line in &lines {
                let is_selected = line.batch == selected.batch
                    && line.attempt == selected.attempt
                    && line.mark.is_some();
                if line_ui(ui, line, is_selected).clicked() && line.mark.is_some() {
                    panel.chosen = true;
                    panel.selected = Some(Selected {
                        shard: Arc::clone(&selected.shard),
                        root: selected.root,
                        batch: line.batch,
                        attempt: line.attempt,
                    });
                }
            }
            waits_ui(ui, cx, shard, root.id);
        });
}

fn line_ui(ui: &mut Ui, line: &Line, selected: bool) -> egui::Response {
    let tokens = theme::of(ui);
    let detail = !line.detail.is_empty();
    let height = if detail { 36.0 } else { theme::ROW_COMPACT };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| {
        let text = format!("{}. {}", line.text, line.detail);
        egui::WidgetInfo::selected(egui::Role::Button, true, selected, text)
    });
    let painter = ui.painter().with_clip_rect(rect);
    if selected {
        painter.rect_filled(rect, 4, tokens.selection);
    } else if response.hovered() {
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
    let (symbol, color) = match line.mark {
        Some(mark) => mark_look(mark, tokens),
        None => (Icon::Split, tokens.text_muted),
    };
    icon::paint(&painter, pos2(left + 8.0, y), symbol, 13.0, color);
    let body = egui::TextStyle::Body.resolve(ui.style());
    let small = egui::TextStyle::Small.resolve(ui.style());
    let words = painter.text(
        pos2(left + 20.0, y),
        egui::Align2::LEFT_CENTER,
        &line.text,
        body,
        tokens.text_strong,
    );
    if line.poison {
        painter.text(
            words.right_center() + vec2(8.0, 0.0),
            egui::Align2::LEFT_CENTER,
            "poison record",
            small.clone(),
            tokens.failed,
        );
    }
    if detail {
        painter.text(
            pos2(left + 20.0, rect.top() + 26.0),
            egui::Align2::LEFT_CENTER,
            &line.detail,
            small,
            tokens.text_muted,
        );
    }
    response.on_hover_text(&line.detail)
}

/// What the family is waiting for right now.
fn waits_ui(ui: &mut Ui, cx: &Cx<'_>, shard: &crate::ui::live::story::ShardStory, root: u64) {
    for batch in shard.batches.values() {
        let Some(wait) = &batch.wait else { continue };
        if shard.root_of(batch.id) != root || !batch.is_open() {
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

//! One pipeline as boxes and edges; every box is a named button.

use egui::{Align2, Color32, Rect, Response, Sense, Stroke, Ui, pos2, vec2};

use super::data::{Card, Edge, Pipeline};
use crate::ui::widgets::{Icon, elided, icon};
use crate::ui::{Action, Cx, Route, theme};

const HEIGHT: f32 = 84.0;
/// Share of a box and the edge after it that the edge takes.
const EDGE: f32 = 0.30;
const ICONS: [Icon; 5] = [
    Icon::Table,
    Icon::Stream,
    Icon::Plug,
    Icon::Function,
    Icon::Envelope,
];
const KINDS: [&str; 5] = ["Table", "Stream", "Trigger", "Function", "Destination"];

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, pipeline: &Pipeline) {
    let width = ui.available_width().min(1500.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    // Five boxes, four edges.
    let step = width / (5.0 - EDGE);
    let size = vec2(step * (1.0 - EDGE), HEIGHT);
    let at = |nth: usize| {
        #[expect(clippy::cast_precision_loss, reason = "five boxes")]
        let left = rect.left() + step * nth as f32;
        Rect::from_min_size(pos2(left, rect.top()), size)
    };
    for (nth, edge) in pipeline.edges.iter().enumerate() {
        let (from, to) = (at(nth), at(nth + 1));
        let ends = (from.right_center(), to.left_center());
        let fails = nth == 3;
        edge_ui(ui, edge, ends, fails && pipeline.queue.is_none());
    }
    let routes = [
        Route::Table(pipeline.table.clone()),
        Route::Stream(pipeline.stream_arn.clone()),
        Route::Trigger(pipeline.uuid.clone()),
        Route::Function(pipeline.function.clone()),
        Route::Batches,
    ];
    for (nth, (card, route)) in pipeline.boxes.iter().zip(routes).enumerate() {
        let id = ui.scope_id().with(("pipeline", &pipeline.uuid, nth));
        let response = ui.interact(at(nth), id, Sense::click());
        box_ui(ui, card, (ICONS[nth], KINDS[nth]), at(nth), &response);
        if response.clicked() {
            cx.send(Action::Go(route));
        }
    }
}

fn box_ui(ui: &Ui, card: &Card, (sign, kind): (Icon, &str), rect: Rect, response: &Response) {
    let tokens = theme::of(ui);
    response.widget_info(|| {
        let name = if card.title == kind {
            card.title.clone()
        } else {
            format!("{kind} {}", card.title)
        };
        let text = format!("{name}, {}", card.lines.join(", "));
        egui::WidgetInfo::labeled(egui::Role::Button, true, text)
    });
    let painter = ui.painter().with_clip_rect(rect.expand(2.0));
    let (fill, line) = if response.has_focus() {
        (tokens.hover, Stroke::new(2.0, tokens.accent))
    } else if response.hovered() {
        (tokens.hover, Stroke::new(1.0, tokens.text_muted))
    } else {
        (tokens.raised, Stroke::new(1.0, tokens.line_strong))
    };
    painter.rect(rect, 4, fill, line, egui::StrokeKind::Inside);
    let left = rect.left() + 12.0;
    icon::paint(
        &painter,
        pos2(left + 7.0, rect.top() + 20.0),
        sign,
        15.0,
        tokens.text_muted,
    );
    let line_ui = |at: egui::Pos2, font, words: &str, color| {
        let words = elided(ui, words, font, color, rect.right() - 8.0 - at.x);
        painter.galley(at - vec2(0.0, words.size().y / 2.0), words, color);
    };
    let at = pos2(left + 22.0, rect.top() + 20.0);
    let title = theme::subtitle().resolve(ui.style());
    line_ui(at, title, &card.title, tokens.text_strong);
    let body = egui::TextStyle::Body.resolve(ui.style());
    for (nth, line) in card.lines.iter().enumerate() {
        let last = nth + 1 == card.lines.len();
        let color = if card.trouble && last {
            tokens.failed
        } else {
            tokens.text_muted
        };
        #[expect(clippy::cast_precision_loss, reason = "two lines")]
        let y = rect.top() + 44.0 + 20.0 * nth as f32;
        line_ui(pos2(left, y), body.clone(), line, color);
    }
}

fn edge_ui(ui: &Ui, edge: &Edge, (from, to): (egui::Pos2, egui::Pos2), dashed: bool) {
    let tokens = theme::of(ui);
    let painter = ui.painter();
    let color = if edge.moving {
        tokens.accent
    } else {
        tokens.line_strong
    };
    #[expect(clippy::cast_possible_truncation, reason = "a line's width")]
    let width = 1.0 + (edge.per_sec.max(0.0) + 1.0).log10() as f32;
    let (start, end) = (from + vec2(2.0, 0.0), to - vec2(3.0, 0.0));
    let stroke = Stroke::new(width, color);
    if dashed {
        painter.extend(egui::Shape::dashed_line(&[start, end], stroke, 4.0, 4.0));
    } else {
        painter.line_segment([start, end], stroke);
    }
    for side in [-4.0, 4.0] {
        painter.line_segment([end, end + vec2(-5.0, side)], stroke);
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let middle = from.lerp(to, 0.5);
    if edge.per_sec > 0.0 {
        painter.text(
            middle - vec2(0.0, 6.0),
            Align2::CENTER_BOTTOM,
            format!("{}/s", rate(edge.per_sec)),
            font.clone(),
            tokens.text,
        );
    }
    painter.text(
        middle + vec2(0.0, 6.0),
        Align2::CENTER_TOP,
        &edge.total,
        font,
        tokens.text_muted,
    );
}

fn rate(per_sec: f64) -> String {
    if per_sec < 10.0 {
        format!("{per_sec:.1}")
    } else {
        format!("{per_sec:.0}")
    }
}

/// A bar per second; the highest fills the height and is named.
pub(super) fn bars(ui: &mut Ui, values: &[f32], color: Color32, name: &str) {
    let tokens = theme::of(ui);
    let width = ui.available_width() - 70.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::hover());
    let peak = values.iter().copied().fold(0.0, f32::max);
    let total: f32 = values.iter().sum();
    response.widget_info(|| {
        let text = format!("{name}: {total} in the last 2 minutes, at most {peak} a second");
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let painter = ui.painter();
    painter.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, tokens.line));
    #[expect(clippy::cast_precision_loss, reason = "two minutes of seconds")]
    let step = rect.width() / values.len().max(1) as f32;
    for (nth, value) in values.iter().enumerate() {
        if *value > 0.0 && peak > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "two minutes of seconds")]
            let left = rect.left() + step * nth as f32;
            let top = rect.bottom() - (rect.height() - 1.0) * value / peak;
            let bar =
                Rect::from_min_max(pos2(left, top), pos2(left + step.max(1.0), rect.bottom()));
            painter.rect_filled(bar, 0, color);
        }
    }
    ui.weak(format!("{total:.0}"));
}

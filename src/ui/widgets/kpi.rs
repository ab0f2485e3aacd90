//! A number that matters: label, value, the last minute as a line, and what it changed by.

#![expect(
    clippy::cast_precision_loss,
    reason = "rows and columns on a screen are few"
)]

use egui::{Align2, Color32, Rect, Response, Sense, Stroke, TextStyle, Ui, Vec2};

use super::Health;
use crate::ui::theme;

/// One tile.
#[derive(Clone, Debug)]
pub struct Kpi<'a> {
    /// `Records filtered out`
    pub label: &'a str,
    /// As shown: `12,480`, `0.3 s`.
    pub value: String,
    /// Oldest first; empty draws no line.
    pub history: &'a [f32],
    /// `+42 in the last minute`; may be empty.
    pub delta: String,
    pub health: Health,
}

const SIZE: Vec2 = Vec2::new(176.0, 76.0);

/// Draws the tile. A click means: show what this counts.
pub fn kpi(ui: &mut Ui, tile: &Kpi<'_>) -> Response {
    let tokens = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(SIZE, Sense::click());
    response.widget_info(|| {
        let name = format!("{}, {}", tile.label, tile.value);
        egui::WidgetInfo::labeled(egui::Role::Button, true, name)
    });
    let line = if response.has_focus() {
        Stroke::new(2.0, tokens.accent)
    } else if response.hovered() {
        Stroke::new(1.0, tokens.line_strong)
    } else {
        Stroke::new(1.0, tokens.line)
    };
    let painter = ui.painter();
    painter.rect(rect, 6.0, tokens.panel, line, egui::StrokeKind::Inside);
    let inside = rect.shrink2(Vec2::new(12.0, 8.0));
    let text = |style: TextStyle| style.resolve(ui.style());
    let small = text(TextStyle::Small);
    painter.text(
        inside.left_top(),
        Align2::LEFT_TOP,
        tile.label,
        small.clone(),
        tokens.text_muted,
    );
    let value = match tile.health {
        Health::Idle | Health::Ok => tokens.text_strong,
        other => other.color(tokens),
    };
    let at = inside.left_top() + Vec2::new(0.0, 17.0);
    painter.text(
        at,
        Align2::LEFT_TOP,
        &tile.value,
        text(theme::metric()),
        value,
    );
    painter.text(
        inside.left_bottom(),
        Align2::LEFT_BOTTOM,
        &tile.delta,
        small,
        tokens.text_muted,
    );
    let chart = Rect::from_min_max(
        inside.center_top() + Vec2::new(16.0, 18.0),
        inside.max - Vec2::new(0.0, 18.0),
    );
    line_in(ui, chart, tile.history, tile.health.color(tokens));
    response
}

/// A line of values, oldest first, scaled to its largest. Known to nobody: the number beside it says it in words.
pub fn sparkline(ui: &mut Ui, size: Vec2, values: &[f32], color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    line_in(ui, rect, values, color);
    response
}

fn line_in(ui: &Ui, rect: Rect, values: &[f32], color: Color32) {
    if values.len() < 2 {
        return;
    }
    let most = values
        .iter()
        .copied()
        .fold(0.0, f32::max)
        .max(f32::MIN_POSITIVE);
    let step = rect.width() / (values.len() - 1) as f32;
    let points: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(nth, value)| {
            let x = rect.left() + step * nth as f32;
            egui::pos2(
                x,
                rect.bottom() - 1.0 - (value / most) * (rect.height() - 2.0),
            )
        })
        .collect();
    let painter = ui.painter_at(rect.expand(1.0));
    for pair in points.windows(2) {
        let under = vec![
            pair[0],
            pair[1],
            egui::pos2(pair[1].x, rect.bottom()),
            egui::pos2(pair[0].x, rect.bottom()),
        ];
        let wash = color.gamma_multiply(0.12);
        painter.add(egui::Shape::convex_polygon(under, wash, Stroke::NONE));
    }
    painter.line(points, Stroke::new(1.5, color));
}

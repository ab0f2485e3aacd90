//! Two configurations over time, and their batches by size: small charts, drawn by us. Known to assistive technology by
//! a sentence each.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels, intervals and calls on a screen are few"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, TextStyle, Ui, Vec2,
    pos2, vec2,
};

use super::words::number;
use crate::mapping::whatif::{BatchSize, Levels};
use crate::ui::theme::{self, Tokens};
use crate::ui::time;
use crate::ui::widgets::form::grouped;

const HEIGHT: f32 = 150.0;
/// Room for the numbers at the left, below, and the head.
const LEFT: f32 = 52.0;
const BELOW: f32 = 20.0;
const HEAD: f32 = 24.0;

/// What both charts have around them.
struct Plot {
    rect: Rect,
    /// The value at the top.
    most: f64,
    painter: Painter,
    small: egui::FontId,
}

impl Plot {
    fn new(ui: &Ui, whole: Rect, title: &str, most: f64, unit: &str) -> Self {
        let tokens = theme::of(ui);
        let rect = Rect::from_min_max(whole.min + vec2(LEFT, HEAD), whole.max - vec2(8.0, BELOW));
        let plot = Self {
            rect,
            most: nice(most),
            painter: ui.painter_at(whole),
            small: TextStyle::Small.resolve(ui.style()),
        };
        plot.text(whole.left_top(), Align2::LEFT_TOP, title, tokens.text);
        for share in [0.0, 0.5, 1.0] {
            let value = plot.most * share;
            let y = plot.y(value);
            plot.painter
                .hline(rect.x_range(), y, Stroke::new(1.0, tokens.line));
            // There is no half of a call.
            if unit.is_empty() && value.fract() != 0.0 {
                continue;
            }
            let words = number(value, unit);
            let at = pos2(rect.left() - 6.0, y);
            plot.text(at, Align2::RIGHT_CENTER, &words, tokens.text_muted);
        }
        plot.legend(whole, tokens);
        plot
    }

    fn y(&self, value: f64) -> f32 {
        let share = (value / self.most) as f32;
        self.rect.bottom() - share * self.rect.height()
    }

    fn text(&self, at: Pos2, align: Align2, words: &str, color: Color32) -> Rect {
        self.painter
            .text(at, align, words, self.small.clone(), color)
    }

    fn legend(&self, whole: Rect, tokens: &Tokens) {
        let mut right = whole.right() - 8.0;
        for (words, is_proposed) in [("proposed", true), ("now", false)] {
            let at = pos2(right, whole.top());
            let drawn = self.text(at, Align2::RIGHT_TOP, words, tokens.text_muted);
            let y = drawn.center().y;
            let ends = [pos2(drawn.left() - 22.0, y), pos2(drawn.left() - 6.0, y)];
            self.line(&ends, is_proposed, tokens);
            right = drawn.left() - 34.0;
        }
    }

    /// What is proposed is drawn through, what is now is dashed.
    fn line(&self, points: &[Pos2], is_proposed: bool, tokens: &Tokens) {
        let stroke = Stroke::new(1.5, color(is_proposed, tokens));
        if is_proposed {
            self.painter.line(points.to_vec(), stroke);
        } else {
            self.painter
                .extend(Shape::dashed_line(points, stroke, 4.0, 3.0));
        }
    }
}

fn color(is_proposed: bool, tokens: &Tokens) -> Color32 {
    if is_proposed {
        tokens.accent
    } else {
        tokens.text_muted
    }
}

/// A level of both over the time of the stretch: the highest of each interval.
pub(super) fn levels_ui(
    ui: &mut Ui,
    title: &str,
    unit: &str,
    now: &Levels,
    proposed: &Levels,
) -> Response {
    let (whole, response) = room(ui);
    let most = highest(now).max(highest(proposed));
    let words = format!(
        "{title}: at most {} now, {} proposed",
        number(highest(now), unit),
        number(highest(proposed), unit)
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &words));
    let tokens = theme::of(ui);
    let plot = Plot::new(ui, whole, title, most, unit);
    let span = lasts(now).max(lasts(proposed)).max(1.0);
    let (left, right) = (plot.rect.left_bottom(), plot.rect.right_bottom());
    let below = vec2(0.0, 4.0);
    plot.text(
        left + below,
        Align2::LEFT_TOP,
        "first record",
        tokens.text_muted,
    );
    let end = format!("+{}", time::span(Duration::from_secs_f64(span / 1000.0)));
    plot.text(right + below, Align2::RIGHT_TOP, &end, tokens.text_muted);
    for (levels, is_proposed) in [(now, false), (proposed, true)] {
        let interval = levels.interval_in_milliseconds as f64;
        let point = |nth: usize, value: f64| {
            let middle = (nth as f64 + 0.5) * interval;
            let x = plot.rect.left() + (middle / span) as f32 * plot.rect.width();
            pos2(x, plot.y(value))
        };
        let measured = levels.levels.iter().enumerate();
        let measured = measured.filter(|(_, level)| level.is_measured);
        let points: Vec<Pos2> = measured.map(|(nth, it)| point(nth, it.maximum)).collect();
        if let [alone] = points[..] {
            plot.painter
                .circle_filled(alone, 2.5, color(is_proposed, tokens));
        } else {
            plot.line(&points, is_proposed, tokens);
        }
    }
    if let Some(at) = response.hover_pos().filter(|at| plot.rect.contains(*at)) {
        let share = (at.x - plot.rect.left()) / plot.rect.width();
        let millis = f64::from(share) * span;
        let stroke = Stroke::new(1.0, tokens.line_strong);
        plot.painter.vline(at.x, plot.rect.y_range(), stroke);
        let told =
            |levels| level_at(levels, millis).map_or("–".to_owned(), |it| number(it, unit));
        let after = time::span(Duration::from_secs_f64(millis / 1000.0));
        let words = format!("+{after}: now {}, proposed {}", told(now), told(proposed));
        return response.on_hover_text(words);
    }
    response
}

/// How many calls had how many records.
pub(super) fn sizes_ui(ui: &mut Ui, title: &str, now: &[BatchSize], proposed: &[BatchSize]) {
    let mut sizes: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for size in now {
        sizes.entry(size.up_to).or_default().0 += size.calls;
    }
    for size in proposed {
        sizes.entry(size.up_to).or_default().1 += size.calls;
    }
    let (whole, response) = room(ui);
    let words = sizes.iter().map(|(up_to, (now, proposed))| {
        format!("{}: {now} now, {proposed} proposed", size_words(*up_to))
    });
    let words: Vec<String> = words.collect();
    let name = format!("{title}, {}", words.join("; "));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    let tokens = theme::of(ui);
    let most = sizes.values().map(|(a, b)| *a.max(b)).max().unwrap_or(1);
    let plot = Plot::new(ui, whole, title, most as f64, "");
    let step = plot.rect.width() / sizes.len().max(1) as f32;
    let bar = (step * 0.36).min(28.0);
    for (nth, (up_to, (now, proposed))) in sizes.iter().enumerate() {
        let middle = plot.rect.left() + step * (nth as f32 + 0.5);
        for (calls, is_proposed) in [(now, false), (proposed, true)] {
            let left = if is_proposed {
                middle + 1.0
            } else {
                middle - bar - 1.0
            };
            let rect = Rect::from_min_max(
                pos2(left, plot.y(*calls as f64)),
                pos2(left + bar, plot.rect.bottom()),
            );
            bar_ui(&plot, rect, is_proposed, tokens);
        }
        let at = pos2(middle, plot.rect.bottom() + 4.0);
        plot.text(
            at,
            Align2::CENTER_TOP,
            &size_words(*up_to),
            tokens.text_muted,
        );
    }
    if let Some(at) = response.hover_pos().filter(|at| plot.rect.contains(*at)) {
        let nth = ((at.x - plot.rect.left()) / step) as usize;
        if let Some(words) = words.get(nth) {
            response.on_hover_text(format!("Records {words}"));
        }
    }
}

/// What is now is an outline, what is proposed is filled.
fn bar_ui(plot: &Plot, rect: Rect, is_proposed: bool, tokens: &Tokens) {
    let color = color(is_proposed, tokens);
    if rect.height() < 0.5 {
        return;
    }
    if is_proposed {
        plot.painter.rect_filled(rect, 1.0, color);
    } else {
        let wash = color.gamma_multiply(0.25);
        let stroke = Stroke::new(1.0, color);
        plot.painter
            .rect(rect, 1.0, wash, stroke, egui::StrokeKind::Inside);
    }
}

fn room(ui: &mut Ui) -> (Rect, Response) {
    let size = Vec2::new(ui.available_width(), HEIGHT);
    ui.allocate_exact_size(size, Sense::hover())
}

/// `7`, `≤ 200`
fn size_words(up_to: u32) -> String {
    if up_to <= 10 {
        up_to.to_string()
    } else {
        format!("≤ {}", grouped(up_to))
    }
}

fn highest(levels: &Levels) -> f64 {
    let all = levels.levels.iter().filter(|it| it.is_measured);
    all.map(|it| it.maximum).fold(0.0, f64::max)
}

/// Milliseconds of all intervals.
fn lasts(levels: &Levels) -> f64 {
    levels.interval_in_milliseconds as f64 * levels.levels.len() as f64
}

fn level_at(levels: &Levels, millis: f64) -> Option<f64> {
    let nth = (millis / levels.interval_in_milliseconds.max(1) as f64) as usize;
    let level = levels.levels.get(nth).filter(|it| it.is_measured)?;
    Some(level.maximum)
}

/// The next short number: 1, 2, 3, 4, 5, 6, 8 or 10 times a power of ten.
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].map(|it| it * power);
    steps.into_iter().find(|it| *it >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_short_number() {
        for (most, end) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (6.34, 8.0),
            (47.0, 50.0),
            (730.0, 800.0),
        ] {
            assert!((nice(most) - end).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn large_batches_are_known_by_their_range() {
        assert_eq!(size_words(7), "7");
        assert_eq!(size_words(2000), "≤ 2,000");
    }
}

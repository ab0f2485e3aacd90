//! One metric as a tile: its name, what it comes to, the latest value, and a bar for every minute or three. Known to
//! assistive technology by a sentence.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels and bars on a screen are few"
)]

use std::sync::Arc;

use egui::{Align2, Color32, Galley, Rect, Sense, Stroke, TextStyle, Ui, pos2, vec2};

use super::series::{BARS, Metric, Series};
use crate::ui::widgets::{Health, elided, icon};
use crate::ui::{theme, time};

/// Narrower than this the longest of AWS's names would be cut.
pub(super) const WIDTH_MIN: f32 = 296.0;
const HEIGHT: f32 = 126.0;
const BARS_HEIGHT: f32 = 44.0;
const SIGN: f32 = 13.0;

pub(super) fn show(ui: &mut Ui, series: &Series, width: f32) {
    let tokens = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let words = sentence(series);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &words));
    let line = Stroke::new(1.0, tokens.line);
    ui.painter()
        .rect(rect, 6.0, tokens.panel, line, egui::StrokeKind::Inside);
    let inside = rect.shrink2(vec2(theme::PANEL_PADDING, 9.0));
    head_ui(ui, series, inside);
    numbers_ui(ui, series, inside);
    let bars = Rect::from_min_max(
        pos2(inside.left(), inside.bottom() - 17.0 - BARS_HEIGHT),
        pos2(inside.right(), inside.bottom() - 17.0),
    );
    let pointed = response.hover_pos().filter(|at| bars.contains(*at));
    let step = bars.width() / BARS as f32;
    let pointed = pointed.map(|at| ((at.x - bars.left()) / step) as usize);
    bars_ui(ui, series, bars, pointed);
    axis_ui(ui, series, inside);
    let metric = series.metric;
    match pointed.and_then(|nth| Some((nth, series.bars.get(nth)?))) {
        Some((nth, value)) => response.on_hover_text(bar_words(series, nth, *value)),
        None => response.on_hover_text(metric.words()),
    };
}

fn head_ui(ui: &Ui, series: &Series, inside: Rect) {
    let tokens = theme::of(ui);
    let health = series.metric.health();
    let center = inside.left_top() + vec2(SIGN / 2.0, 7.0);
    let color = health.color(tokens);
    icon::paint(ui.painter(), center, series.metric.sign(), SIGN, color);
    let left = inside.left() + SIGN + 6.0;
    let name = small(ui, series.metric.name(), tokens.text, inside.right() - left);
    ui.painter()
        .galley(pos2(left, inside.top()), name, tokens.text);
}

/// What it comes to at the left, the latest value at the right.
fn numbers_ui(ui: &Ui, series: &Series, inside: Rect) {
    let tokens = theme::of(ui);
    let painter = ui.painter();
    let baseline = inside.top() + 38.0;
    let is_bad = !matches!(series.metric.health(), Health::Idle | Health::InFlight);
    let color = match series.whole {
        None | Some(0) => tokens.text_muted,
        Some(_) if is_bad => series.metric.health().color(tokens),
        Some(_) => tokens.text_strong,
    };
    let whole = series.whole.map(|it| series.metric.text(it));
    let whole = whole.unwrap_or_else(|| "–".to_owned());
    let font = theme::title().resolve(ui.style());
    let at = pos2(inside.left(), baseline + 4.0);
    let drawn = painter.text(at, Align2::LEFT_BOTTOM, whole, font, color);
    let latest = match series.latest {
        Some((at, value)) => format!(
            "latest {} at {}",
            series.metric.text(value),
            time::clock_minutes(at)
        ),
        None => String::new(),
    };
    let latest = small(ui, &latest, tokens.text_muted, inside.width());
    let left = inside.right() - latest.size().x;
    let below = baseline - latest.size().y + 1.0;
    let room = left - drawn.right() - 14.0;
    painter.galley(pos2(left, below), latest, tokens.text_muted);
    let what = small(ui, &what(series), tokens.text_muted, room);
    painter.galley(pos2(drawn.right() + 6.0, below), what, tokens.text_muted);
}

/// What the large number is.
fn what(series: &Series) -> String {
    match series.average {
        Some(average) => format!("at most, {} on average", series.metric.text(average)),
        None if series.metric == Metric::IteratorAge => {
            format!("no call {}", series.period.words())
        }
        None => series.period.words().to_owned(),
    }
}

fn bars_ui(ui: &Ui, series: &Series, rect: Rect, pointed: Option<usize>) {
    let tokens = theme::of(ui);
    let painter = ui.painter();
    let health = series.metric.health();
    let color = health.color(tokens);
    let peak = series.peak().max(1) as f32;
    let step = rect.width() / BARS as f32;
    let edge = |nth: usize| (rect.left() + step * nth as f32).round();
    if let Some(nth) = pointed {
        let behind = Rect::from_x_y_ranges(edge(nth)..=edge(nth + 1), rect.y_range());
        painter.rect_filled(behind, 0.0, tokens.hover);
    }
    for (nth, value) in series.bars.iter().enumerate() {
        let Some(value) = value.filter(|it| *it > 0) else {
            continue;
        };
        // The smallest is seen as well.
        let height = (rect.height() * value as f32 / peak).max(2.0).round();
        let bar = Rect::from_min_max(
            pos2(edge(nth), rect.bottom() - height),
            pos2((edge(nth + 1) - 1.0).max(edge(nth) + 1.0), rect.bottom()),
        );
        if health == Health::Delivered {
            // Given up, and kept: hollow, as everywhere.
            let stroke = Stroke::new(1.0, color);
            let kind = egui::StrokeKind::Inside;
            painter.rect(bar, 0.0, color.gamma_multiply(0.25), stroke, kind);
        } else {
            painter.rect_filled(bar, 0.0, color);
        }
    }
    let line = Stroke::new(1.0, tokens.line_strong);
    painter.hline(rect.x_range(), rect.bottom().round() + 0.5, line);
}

/// From when to when, and how high the highest bar is.
fn axis_ui(ui: &Ui, series: &Series, inside: Rect) {
    let tokens = theme::of(ui);
    let small = TextStyle::Small.resolve(ui.style());
    let text = |at, align, words: String| {
        ui.painter()
            .text(at, align, words, small.clone(), tokens.text_muted);
    };
    let (_, last) = series.span_of(BARS - 1);
    let begins = time::clock_minutes(series.begins);
    text(inside.left_bottom(), Align2::LEFT_BOTTOM, begins);
    let ends = format!("{} UTC", time::clock_minutes(last));
    text(inside.right_bottom(), Align2::RIGHT_BOTTOM, ends);
    if series.peak() > 0 {
        let words = format!("highest bar {}", series.metric.text(series.peak()));
        text(inside.center_bottom(), Align2::CENTER_BOTTOM, words);
    }
}

fn small(ui: &Ui, words: &str, color: Color32, width: f32) -> Arc<Galley> {
    let font = TextStyle::Small.resolve(ui.style());
    elided(ui, words, font, color, width)
}

/// `14:05 UTC: 12 records`
fn bar_words(series: &Series, nth: usize, value: Option<u64>) -> String {
    let (first, last) = series.span_of(nth);
    let when = if first == last {
        time::clock_minutes(first)
    } else {
        let (first, last) = (time::clock_minutes(first), time::clock_minutes(last));
        format!("{first} – {last}")
    };
    let what = match (series.metric, value) {
        (Metric::IteratorAge, None) => "no call".to_owned(),
        (Metric::IteratorAge, Some(value)) => format!("at most {}", series.metric.text(value)),
        (_, None) => "nothing is known of the poller".to_owned(),
        (_, Some(1)) => "1 record".to_owned(),
        (_, Some(value)) => format!("{} records", series.metric.text(value)),
    };
    format!("{when} UTC: {what}")
}

fn sentence(series: &Series) -> String {
    let metric = series.metric;
    let whole = series.whole.map_or_else(
        || "nothing".to_owned(),
        |it| format!("{} {}", metric.text(it), what(series)),
    );
    let latest = series.latest.map_or_else(String::new, |(at, value)| {
        let at = time::clock_minutes(at);
        format!(", latest {} at {at} UTC", metric.text(value))
    });
    format!("{}: {whole}{latest}. {}", metric.name(), metric.words())
}

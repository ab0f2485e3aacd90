//! The local cloud's time: a card of its screen, and the badge in the top bar.

use std::time::Duration;

use egui::{RichText, Ui};

use super::cx::Cx;
use super::remote::{self, Remote};
use super::widgets::{Health, Icon, chip, icon};
use super::{theme, time};
use crate::aws::world::{self, Marks};

/// Jumps offered.
const JUMPS: [(&str, Duration); 3] = [
    ("Jump 1 min", Duration::from_mins(1)),
    ("Jump 1 h", Duration::from_hours(1)),
    ("Jump 25 h", Duration::from_hours(25)),
];
/// Clocks that differ by less count as equal, in milliseconds.
const AHEAD_SHOWN: i64 = 1000;

/// The card "Time".
#[derive(Default)]
pub(super) struct World {
    changing: Remote<()>,
}

impl World {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.changing.poll();
        let Some(marks) = world::marks(cx.aws) else {
            return;
        };
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.label(RichText::new("Time").text_style(theme::subtitle()));
            self.clock_ui(ui, cx, &marks);
            if let Some(error) = self.changing.error() {
                remote::error_ui(ui, error);
            }
        });
        ui.add_space(theme::GUTTER);
    }

    fn clock_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, marks: &Marks) {
        let tokens = theme::of(ui);
        ui.horizontal_wrapped(|ui| {
            let now = time::date_time(cx.now);
            ui.label(RichText::new(now).monospace().color(tokens.text_strong));
            if marks.is_manual {
                chip::health(ui, Health::Retry, "time stands still");
            } else {
                chip::health(ui, Health::Ok, "time goes");
                ui.ctx().request_repaint_after(Duration::from_secs(1));
            }
            if let Some(words) = ahead_words(marks) {
                chip::health(ui, Health::Retry, &words);
            }
        });
        ui.horizontal_wrapped(|ui| {
            let (sign, words) = if marks.is_manual {
                (Icon::Play, "Let time go on")
            } else {
                (Icon::Pause, "Stop time")
            };
            if icon::button(ui, sign, words).clicked() {
                let set = world::set_clock(cx.aws.clone(), Some(!marks.is_manual), Duration::ZERO);
                self.changing.start(cx, set);
            }
            for (words, by) in JUMPS {
                if icon::button(ui, Icon::Step, words).clicked() {
                    let set = world::set_clock(cx.aws.clone(), None, by);
                    self.changing.start(cx, set);
                }
            }
        });
        let words = "Everything in this cloud holds to its time. It never runs backwards, and a jump is for good.";
        ui.label(RichText::new(words).small().color(tokens.text_muted));
    }
}

/// What is not as on AWS by the user's own doing, in the top bar; true when clicked.
pub(super) fn badge_ui(ui: &mut Ui, cx: &Cx<'_>) -> bool {
    let Some(words) = world::marks(cx.aws).and_then(|marks| badge_words(&marks)) else {
        return false;
    };
    let color = theme::of(ui).retry;
    let button = egui::Button::new(RichText::new(&words).small().color(color));
    icon::add(ui, button, &words)
        .on_hover_text("Faults and time of the local cloud")
        .clicked()
}

fn badge_words(marks: &Marks) -> Option<String> {
    let mut words = Vec::new();
    if marks.is_manual {
        words.push("time stands still".to_owned());
    }
    words.extend(ahead_words(marks));
    match marks.rules {
        0 => {}
        1 => words.push("1 fault rule".to_owned()),
        many => words.push(format!("{many} fault rules")),
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn ahead_words(marks: &Marks) -> Option<String> {
    let by = time::span(Duration::from_millis(marks.ahead_millis.unsigned_abs()));
    match marks.ahead_millis {
        // While it stands it falls behind all the time.
        AHEAD_SHOWN.. => Some(format!("{by} ahead")),
        millis if millis <= -AHEAD_SHOWN && !marks.is_manual => Some(format!("{by} behind")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_says_what_is_not_as_usual() {
        let marks = |is_manual, ahead_millis, rules| Marks {
            is_manual,
            ahead_millis,
            rules,
        };
        for (marks, words) in [
            (marks(false, 0, 0), None),
            (marks(false, 999, 0), None),
            (marks(false, 90_000_000, 0), Some("1 d 1 h ahead")),
            (marks(true, -5_000, 0), Some("time stands still")),
            (marks(false, -5_000, 1), Some("5.0 s behind, 1 fault rule")),
            (marks(true, 0, 2), Some("time stands still, 2 fault rules")),
        ] {
            assert_eq!(badge_words(&marks).as_deref(), words);
        }
    }
}

//! Faults injected into the local cloud: a card of its screen. What is typed stays, right or wrong.

use std::time::Duration;

use egui::{RichText, TextEdit, Ui};

use super::cx::Cx;
use super::remote::{self, Remote};
use super::theme;
use super::time;
use super::widgets::{Column, Health, Icon, chip, form, icon, table_list};
use crate::aws::faults::{self, FaultRow, KINDS, NewFault};

const FIELD: f32 = 200.0;
/// Narrower, the form stands in one column.
const TWO_COLUMNS: f32 = 1000.0;
/// Most calls that can be spared or counted here.
const CALLS_MAX: i64 = 1_000_000;
const DELAY_MAX: i64 = 3_600_000;
/// Counts are looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The card "Injected faults".
pub(super) struct Faults {
    changing: Remote<()>,
    /// The rule that is being added is what failed, not another wish.
    is_adding: bool,
    seed: String,
    kind: &'static str,
    calls: String,
    subject: String,
    percent: String,
    skip: form::Number,
    first: form::Number,
    least: form::Number,
    most: form::Number,
    error_type: String,
    error_message: String,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            changing: Remote::default(),
            is_adding: false,
            seed: String::new(),
            kind: KINDS[0],
            calls: usual_calls(KINDS[0]).to_owned(),
            subject: String::new(),
            percent: "100".to_owned(),
            skip: form::Number::of(Some(0)),
            first: form::Number::default(),
            least: form::Number::of(Some(1000)),
            most: form::Number::of(Some(1000)),
            error_type: String::new(),
            error_message: String::new(),
        }
    }
}

/// What a kind is mostly tried on.
fn usual_calls(kind: &str) -> &'static str {
    match kind {
        "FunctionError" | "Timeout" => "lambda:Invoke",
        "ExpiredIterator" => "streams:GetRecords",
        "TrimmedData" => "streams:Get*",
        _ => "dynamodb:*",
    }
}

fn meaning(kind: &str) -> &'static str {
    match kind {
        "Throttle" => "Refused before it ran, as the service throttles",
        "InternalError" => "Refused before it ran, as an error of the service",
        "AccessDenied" => "Refused before it ran, as if no policy allowed it",
        "Delay" => "Answered later, by the world's time",
        "AnswerLost" => "It runs, and the connection breaks before the answer",
        "FunctionError" => "The handler does not run; the answer is that it threw",
        "Timeout" => "The handler does not run; its timeout passes",
        "ExpiredIterator" => "The iterator is too old; readers ask for another",
        "TrimmedData" => "The position is gone; readers go on at the oldest record",
        _ => "",
    }
}

impl Faults {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.changing.poll();
        let rules = faults::rules(cx.aws);
        let seed = faults::seed(cx.aws);
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let tokens = theme::of(ui);
            ui.horizontal(|ui| {
                ui.label(RichText::new("Injected faults").text_style(theme::subtitle()));
                if let Some(seed) = seed {
                    chip::plain(ui, &format!("seed {seed}"));
                }
                if self.changing.is_pending() {
                    remote::loading_ui(ui);
                }
            });
            if rules.is_empty() {
                let words = "Nothing goes wrong by itself. A rule makes calls fail, wait or lose their answer, so that you see how triggers and programs take it.";
                ui.label(RichText::new(words).small().color(tokens.text_muted));
            } else {
                ui.ctx().request_repaint_after(LOOK_AGAIN);
                self.rules_ui(ui, cx, &rules);
            }
            ui.add_space(theme::GUTTER);
            self.seed_ui(ui, cx, seed);
            if !self.is_adding
                && let Some(error) = self.changing.error()
            {
                remote::error_ui(ui, error);
            }
            ui.separator();
            self.add_ui(ui, cx);
        });
        ui.add_space(theme::GUTTER);
    }

    fn rules_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, rules: &[FaultRow]) {
        let column = |name: &str, width| Column::new(name, width);
        let columns = [
            column("On", 44.0),
            column("Fault", 150.0),
            column("Strikes", 200.0),
            column("Where", 160.0),
            column("How often", 330.0),
            column("Seen", 80.0),
            column("Struck", 80.0),
            column("", 60.0),
        ];
        let words = |nth: usize| {
            let rule: &FaultRow = &rules[nth];
            let (number, kind, calls) = (rule.number, rule.kind, &rule.calls);
            let state = if rule.is_on { "on" } else { "off" };
            let (struck, seen) = (rule.struck, rule.seen);
            format!("Rule {number}, {kind} of {calls}, {state}, struck {struck} of {seen}")
        };
        table_list(
            ui,
            "Fault rules",
            &columns,
            rules.len(),
            None,
            words,
            |ui, nth, column| {
                self.rule_ui(ui, cx, &rules[nth], column);
            },
        );
    }

    fn rule_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, rule: &FaultRow, column: usize) {
        let number = rule.number;
        match column {
            0 => {
                let mut is_on = rule.is_on;
                let name = format!("Rule {number} is on");
                let switched = ui.checkbox(&mut is_on, "").accessible_name(name);
                if switched.changed() {
                    let switch = faults::switch(cx.aws.clone(), number, is_on);
                    self.is_adding = false;
                    self.changing.start(cx, switch);
                }
            }
            1 => {
                let health = if rule.is_on {
                    Health::Retry
                } else {
                    Health::Idle
                };
                chip::health(ui, health, rule.kind).on_hover_text(meaning(rule.kind));
            }
            2 => cell(ui, RichText::new(&rule.calls).monospace()),
            3 if rule.subject.is_empty() => drop(ui.weak("anything")),
            3 => cell(ui, RichText::new(&rule.subject)),
            4 => cell(ui, RichText::new(which_words(rule))),
            5 => drop(ui.label(form::grouped(rule.seen))),
            6 => drop(ui.label(form::grouped(rule.struck))),
            _ => {
                let name = format!("Remove rule {number}");
                if icon::only(ui, Icon::Trash, &name).clicked() {
                    self.is_adding = false;
                    self.changing
                        .start(cx, faults::remove(cx.aws.clone(), number));
                }
            }
        }
    }

    /// What decides whom rules strike, and counting anew.
    fn seed_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, in_force: Option<u64>) {
        let typed = self.seed();
        let wrong = typed.as_ref().err().map(String::as_str);
        let help = "The same seed strikes the same calls again. Thrown where it is empty";
        form::row(ui, "Seed", help, wrong, |ui| {
            let width = FIELD - 60.0;
            ui.add(TextEdit::singleline(&mut self.seed).desired_width(width));
            let is_free = typed.is_ok() && !self.changing.is_pending();
            if in_force.is_none() {
                return;
            }
            ui.add_enabled_ui(is_free, |ui| {
                let again = icon::button(ui, Icon::Replay, "Count anew")
                    .on_hover_text("All rules count from zero again, by this seed");
                if again.clicked() {
                    let seed = typed.clone().ok().flatten();
                    self.is_adding = false;
                    self.changing
                        .start(cx, faults::restart(cx.aws.clone(), seed));
                }
            });
        });
    }

    fn add_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let calls_wrong = self.refusal(true);
        let rest_wrong = self.refusal(false);
        if ui.available_width() < TWO_COLUMNS {
            self.what_ui(ui, calls_wrong.as_deref());
            self.when_ui(ui);
        } else {
            ui.columns(2, |columns| {
                self.what_ui(&mut columns[0], calls_wrong.as_deref());
                self.when_ui(&mut columns[1]);
            });
        }
        let new = self.new_fault();
        // Rules there are have a seed of theirs.
        let seed = match faults::seed(cx.aws) {
            Some(_) => Ok(None),
            None => self.seed(),
        };
        form::row(ui, "", "", rest_wrong.as_deref(), |ui| {
            let is_ready = new.is_some() && seed.is_ok() && !self.changing.is_pending();
            ui.add_enabled_ui(is_ready, |ui| {
                if icon::button(ui, Icon::Plus, "Add fault").clicked()
                    && let (Some(new), Ok(seed)) = (new, seed)
                {
                    self.is_adding = true;
                    self.changing
                        .start(cx, faults::add(cx.aws.clone(), new, seed));
                }
            });
        });
    }

    /// What goes wrong with which calls.
    fn what_ui(&mut self, ui: &mut Ui, calls_wrong: Option<&str>) {
        let before = self.kind;
        form::row(ui, "What goes wrong", meaning(before), None, |ui| {
            egui::ComboBox::from_id_salt("kind of fault")
                .width(FIELD)
                .selected_text(self.kind)
                .show_ui(ui, |ui| {
                    for kind in KINDS {
                        ui.selectable_value(&mut self.kind, kind, kind)
                            .on_hover_text(meaning(kind));
                    }
                });
        });
        if self.kind != before && self.calls == usual_calls(before) {
            usual_calls(self.kind).clone_into(&mut self.calls);
        }
        let help = "service:Operation, with * for any text: lambda:Invoke, streams:Get*, *";
        if form::text(ui, "Calls", &mut self.calls, help, calls_wrong) && calls_wrong.is_some() {
            self.changing.clear();
        }
        let help = "Name of a table, function or queue, with * for any text; all where it is empty";
        form::text(ui, "Only about", &mut self.subject, help, None);
        if self.kind == "FunctionError" {
            let help = "errorType of the answer; Error where it is empty";
            form::text(ui, "Error type", &mut self.error_type, help, None);
            form::text(ui, "Error message", &mut self.error_message, "", None);
        }
    }

    /// How many of them.
    fn when_ui(&mut self, ui: &mut Ui) {
        let wrong = self.percent().err();
        let help = "Each call by a throw of its own; 0.5 is one in two hundred";
        form::row(ui, "Share of calls", help, wrong.as_deref(), |ui| {
            let field = TextEdit::singleline(&mut self.percent)
                .desired_width(96.0)
                .align(egui::Align2::RIGHT_CENTER);
            ui.add(field);
            ui.label("%");
        });
        let range = 0..=CALLS_MAX;
        form::number(ui, "Spare first", &mut self.skip, &range, "calls", "");
        let range = 1..=CALLS_MAX;
        let help = "Among so many calls after these; among all where it is empty";
        form::number(
            ui,
            "Then strike among",
            &mut self.first,
            &range,
            "calls",
            help,
        );
        if self.kind == "Delay" {
            let range = 0..=DELAY_MAX;
            form::number(ui, "At least", &mut self.least, &range, "ms", "");
            let wrong = self.delay().err();
            let range = 1..=DELAY_MAX;
            let help = "Any time in between, each as likely";
            form::number_or(
                ui,
                "At most",
                &mut self.most,
                &range,
                "ms",
                help,
                wrong.as_deref(),
            );
        }
    }

    /// What the engine said of the rule that was to be added: of its calls, or of the rest.
    fn refusal(&self, of_calls: bool) -> Option<String> {
        let error = self.changing.error().filter(|_| self.is_adding)?;
        let words = error.message.strip_prefix("Rules: in rule 1, ");
        let words = words.unwrap_or(&error.message);
        (words.contains("Calls \"") == of_calls).then(|| words.to_owned())
    }

    /// As typed, where it can be.
    fn new_fault(&self) -> Option<NewFault> {
        Some(NewFault {
            kind: self.kind,
            calls: self.calls.trim().to_owned(),
            subject: self.subject.trim().to_owned(),
            percent: self.percent().ok()?,
            skip: self.skip.value(&(0..=CALLS_MAX)).ok()?.unwrap_or_default(),
            first: self.first.value(&(1..=CALLS_MAX)).ok()?,
            delay: match self.kind {
                "Delay" => Some(self.delay().ok()?),
                _ => None,
            },
            error: (self.kind == "FunctionError").then(|| {
                let trimmed = |text: &str| text.trim().to_owned();
                (trimmed(&self.error_type), trimmed(&self.error_message))
            }),
        })
    }

    fn percent(&self) -> Result<f64, String> {
        let typed = self.percent.trim().parse().ok();
        typed
            .filter(|it| *it > 0.0 && *it <= 100.0)
            .ok_or_else(|| "Must be a number above 0, up to 100".to_owned())
    }

    /// Least and most milliseconds.
    fn delay(&self) -> Result<(i64, i64), String> {
        let least = self.least.value(&(0..=DELAY_MAX))?.unwrap_or_default();
        let most = self.most.value(&(1..=DELAY_MAX))?.unwrap_or(least);
        if most < least.max(1) {
            return Err("Must not be less than the least".to_owned());
        }
        Ok((least, most))
    }

    /// `None` where nothing was typed.
    fn seed(&self) -> Result<Option<u64>, String> {
        let text = self.seed.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let seed = text.parse().ok();
        seed.map(Some)
            .ok_or_else(|| "Must be a whole number, at most 20 digits long".to_owned())
    }
}

/// Text of any length in a cell, whole on hover.
fn cell(ui: &mut Ui, text: RichText) {
    let whole = text.text().to_owned();
    ui.add(egui::Label::new(text).truncate())
        .on_hover_text(whole);
}

/// `half of them`-like words: share, skip, first, and what belongs to the kind.
fn which_words(rule: &FaultRow) -> String {
    let mut words = Vec::new();
    let percent = format!("{:.2}", rule.percent);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    words.push(match percent {
        "100" => "every call".to_owned(),
        percent => format!("{percent} % of calls"),
    });
    if let Some(first) = rule.first {
        words.push(format!("among {}", form::grouped(first)));
    }
    if rule.skip > 0 {
        words.push(format!("after {}", form::grouped(rule.skip)));
    }
    if let Some((least, most)) = rule.delay {
        words.push(if least == most {
            format!("by {}", time::span(most))
        } else {
            format!("by {} to {}", time::span(least), time::span(most))
        });
    }
    if let Some((kind, message)) = &rule.error {
        words.push(format!("{kind}: {message}"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> FaultRow {
        FaultRow {
            number: 1,
            is_on: true,
            kind: "Delay",
            calls: "*".to_owned(),
            subject: String::new(),
            percent: 100.0,
            skip: 0,
            first: None,
            delay: None,
            error: None,
            seen: 0,
            struck: 0,
        }
    }

    #[test]
    fn a_rule_says_which_calls_it_strikes() {
        assert_eq!(which_words(&rule()), "every call");
        let some = FaultRow {
            percent: 0.5,
            skip: 3,
            first: Some(2000),
            delay: Some((Duration::from_millis(5), Duration::from_secs(2))),
            ..rule()
        };
        let words = "0.5 % of calls, among 2,000, after 3, by 5 ms to 2.0 s";
        assert_eq!(which_words(&some), words);
    }

    #[test]
    fn a_delay_that_ends_before_it_begins_is_refused() {
        let faults = Faults {
            kind: "Delay",
            least: form::Number::of(Some(9)),
            most: form::Number::of(Some(5)),
            ..Faults::default()
        };
        assert!(faults.delay().is_err());
        assert_eq!(faults.new_fault(), None);
    }
}

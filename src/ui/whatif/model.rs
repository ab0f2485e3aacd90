//! What stands in for the function in a what-if: the last part of its form.

use egui::{RichText, TextEdit, Ui};

use crate::aws::whatif::{Failure, Failures, Function};
use crate::mapping::filter::Pattern;
use crate::ui::theme;
use crate::ui::widgets::form::{self, Number};

const SECS_MAX: i64 = 900;
const MILLIS_MAX: i64 = 900_000;

/// Where failures come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fails {
    #[default]
    AsRecorded,
    Never,
    Chosen,
}

/// As typed, right or wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    given: bool,
    call_millis: Number,
    record_millis: Number,
    cold_start: Number,
    timeout: Number,
    memory: Number,
    concurrency: Number,
    reports: bool,
    fails: Fails,
    share: String,
    every_nth: Number,
    pattern: String,
    deliveries: Number,
    seed: Number,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            given: false,
            call_millis: Number::of(Some(100)),
            record_millis: Number::of(Some(0)),
            cold_start: Number::default(),
            timeout: Number::default(),
            memory: Number::default(),
            concurrency: Number::default(),
            reports: true,
            fails: Fails::default(),
            share: String::new(),
            every_nth: Number::default(),
            pattern: String::new(),
            deliveries: Number::default(),
            seed: Number::of(Some(1)),
        }
    }
}

impl Model {
    /// `refusal` is what the engine found wrong with failures or durations.
    pub(super) fn ui(&mut self, ui: &mut Ui, refusal: Option<&str>) {
        head_ui(ui, "Function");
        self.durations_ui(ui, refusal.filter(|it| it.contains("uration")));
        self.failures_ui(ui, refusal.filter(|it| it.contains("Failures")));
        self.limits_ui(ui);
    }

    fn durations_ui(&mut self, ui: &mut Ui, refusal: Option<&str>) {
        let help =
            "As measured: drawn from the calls the batch story knows, longer for more records";
        form::row(ui, "A call takes", help, refusal, |ui| {
            ui.radio_value(&mut self.given, false, "as long as measured");
            ui.radio_value(&mut self.given, true, "a chosen time");
        });
        if self.given {
            let range = 0..=MILLIS_MAX;
            form::number(ui, "Each call", &mut self.call_millis, &range, "ms", "");
            form::number(
                ui,
                "And each record",
                &mut self.record_millis,
                &range,
                "ms",
                "",
            );
        }
    }

    fn failures_ui(&mut self, ui: &mut Ui, refusal: Option<&str>) {
        let help = "As recorded: the records that failed, as often as they did";
        form::row(ui, "It fails", help, refusal, |ui| {
            ui.radio_value(&mut self.fails, Fails::AsRecorded, "as recorded");
            ui.radio_value(&mut self.fails, Fails::Never, "never");
            ui.radio_value(&mut self.fails, Fails::Chosen, "as chosen");
        });
        if self.fails == Fails::Chosen {
            let wrong = self.share().err();
            form::row(ui, "Share of calls", "", wrong.as_deref(), |ui| {
                let field = TextEdit::singleline(&mut self.share)
                    .desired_width(96.0)
                    .align(egui::Align2::RIGHT_CENTER);
                ui.add(field);
                ui.label("%");
            });
            let range = 1..=MILLIS_MAX;
            form::number(ui, "Every nth call", &mut self.every_nth, &range, "", "");
            let wrong = self.pattern().err();
            let help = "Calls with a record that matches this filter pattern";
            form::text(ui, "Bad records", &mut self.pattern, help, wrong.as_deref());
            let help = "In so many first deliveries of such a record; always where it is empty";
            let range = 1..=10_000;
            form::number(
                ui,
                "Deliveries that fail",
                &mut self.deliveries,
                &range,
                "",
                help,
            );
        }
        let help = "Where batch item failures are reported; otherwise it throws";
        form::check(
            ui,
            "It names the records that failed",
            &mut self.reports,
            help,
        );
    }

    fn limits_ui(&mut self, ui: &mut Ui) {
        let own = "The function's own where it is empty";
        form::number(ui, "Timeout", &mut self.timeout, &(1..=SECS_MAX), "s", own);
        let range = 0..=10_000;
        form::number(
            ui,
            "Calls at once",
            &mut self.concurrency,
            &range,
            "at most",
            own,
        );
        let help = "The function's own where it is empty. For the estimate of cost: it makes no call faster";
        form::number(ui, "Memory", &mut self.memory, &(128..=10_240), "MB", help);
        let range = 0..=MILLIS_MAX;
        let help = "Added to the first call of an environment. Measured calls have theirs in them";
        form::number(ui, "Cold start", &mut self.cold_start, &range, "ms", help);
        let range = 0..=MILLIS_MAX;
        let help = "Decides what is drawn: the same seed gives the same report";
        form::number(ui, "Seed", &mut self.seed, &range, "", help);
    }

    pub(super) fn seed(&self) -> Result<u64, String> {
        let seed = self.seed.value(&(0..=MILLIS_MAX))?.unwrap_or(1);
        Ok(u64::try_from(seed).unwrap_or(1))
    }

    /// The model, or the first thing that is wrong with it.
    pub(super) fn function(&self) -> Result<Function, String> {
        let millis = |number: &Number| number.value(&(0..=MILLIS_MAX)).map(|it| it.map(float));
        let duration = if self.given {
            let call = millis(&self.call_millis)?.unwrap_or_default();
            Some((call, millis(&self.record_millis)?.unwrap_or_default()))
        } else {
            None
        };
        let failures = match self.fails {
            Fails::AsRecorded => Failures::AsRecorded,
            Fails::Never => Failures::Chosen(Vec::new()),
            Fails::Chosen => Failures::Chosen(self.chosen()?),
        };
        Ok(Function {
            duration,
            cold_start_millis: millis(&self.cold_start)?,
            timeout_secs: self.timeout.value(&(1..=SECS_MAX))?,
            memory_mb: self.memory.value(&(128..=10_240))?,
            concurrency: self.concurrency.value(&(0..=10_000))?,
            reports_failures: self.reports,
            failures,
        })
    }

    fn chosen(&self) -> Result<Vec<Failure>, String> {
        let share = self.share()?.map(|it| Failure::Share(it / 100.0));
        let nth = self.every_nth.value(&(1..=MILLIS_MAX))?;
        let deliveries = self.deliveries.value(&(1..=10_000))?;
        let matching = self.pattern()?.map(|pattern| Failure::Matching {
            pattern,
            deliveries,
        });
        let all = [share, nth.map(Failure::EveryNth), matching];
        Ok(all.into_iter().flatten().collect())
    }

    fn share(&self) -> Result<Option<f64>, String> {
        let text = self.share.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let share = text.parse().ok();
        share
            .filter(|it| (0.0..=100.0).contains(it))
            .map(Some)
            .ok_or_else(|| "Must be a number from 0 to 100".to_owned())
    }

    fn pattern(&self) -> Result<Option<String>, String> {
        let text = self.pattern.trim();
        if text.is_empty() {
            return Ok(None);
        }
        match Pattern::parse(text) {
            Ok(_) => Ok(Some(text.to_owned())),
            Err(error) => Err(error.reason),
        }
    }
}

/// Head of a group of the form.
pub(super) fn head_ui(ui: &mut Ui, words: &str) {
    ui.add_space(theme::GUTTER);
    let color = theme::of(ui).text_strong;
    ui.label(
        RichText::new(words)
            .text_style(theme::subtitle())
            .color(color),
    );
    ui.add_space(2.0);
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_model_is_the_function_as_it_was_recorded() {
        let function = Model::default().function().unwrap();
        assert_eq!(function.duration, None);
        assert_eq!(function.failures, Failures::AsRecorded);
        assert_eq!(function.timeout_secs, None);
    }

    #[test]
    fn chosen_failures_are_those_that_were_filled_in() {
        let mut model = Model {
            fails: Fails::Chosen,
            share: "2.5".to_owned(),
            ..Model::default()
        };
        let expected = Failures::Chosen(vec![Failure::Share(0.025)]);
        assert_eq!(model.function().unwrap().failures, expected);
        model.pattern = "{".to_owned();
        assert!(model.function().is_err());
    }
}

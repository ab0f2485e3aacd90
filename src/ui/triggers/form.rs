//! The settings of a trigger as a form: every row follows from `mapping::config::PARAMETERS`. Keeps what was typed.

use egui::{RichText, TextEdit, Ui};

use crate::aws::s3::Bucket;
use crate::aws::sns::Topic;
use crate::aws::sqs::Queue;
use crate::mapping::MappingConfig;
use crate::mapping::config::{
    FILTERS_MAX, PARAMETERS, PATTERN_CHARS_MAX, Parameter, StartingPosition,
};
use crate::mapping::filter::Pattern;
use crate::ui::widgets::form::{self, grouped};
use crate::ui::widgets::{Icon, icon};
use crate::ui::{Cx, theme};

/// What the user typed, right or wrong.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the form"
)]
pub(in crate::ui) struct Form {
    /// As typed, in the order of `PARAMETERS`.
    numbers: Vec<String>,
    pub(super) starting_position: StartingPosition,
    bisect: bool,
    report_failures: bool,
    event_count: bool,
    /// ARN; empty is none.
    pub(super) on_failure: String,
    pub(super) filters: Vec<String>,
    /// ARN; empty is none.
    kms_key: String,
    pub(super) enabled: bool,
}

/// What letters about lost records may be sent to.
#[derive(Clone, Copy)]
pub(super) struct Destinations<'a> {
    queues: &'a [Queue],
    topics: &'a [Topic],
    buckets: &'a [Bucket],
}

impl<'a> Destinations<'a> {
    /// What the catalog knows of.
    pub(super) fn of(cx: &Cx<'a>) -> Self {
        let catalog = cx.catalog;
        Self {
            queues: catalog.queues.value().map_or(&[][..], Vec::as_slice),
            topics: catalog.topics.value().map_or(&[][..], Vec::as_slice),
            buckets: catalog.buckets.value().map_or(&[][..], Vec::as_slice),
        }
    }
}

/// A field and what is wrong with it.
pub(in crate::ui) type Violation = (&'static str, String);

const DESTINATION: &str = "On-failure destination";

impl Form {
    pub(in crate::ui) fn of(config: &MappingConfig, enabled: bool) -> Self {
        let typed = |row: &Parameter| {
            let value = (row.get)(config).map(i64::from);
            value.or(row.none).unwrap_or_default().to_string()
        };
        Self {
            numbers: PARAMETERS.iter().map(typed).collect(),
            starting_position: config.starting_position,
            bisect: config.bisect_on_function_error,
            report_failures: config.report_batch_item_failures,
            event_count: config.event_count_metrics,
            on_failure: config.on_failure.clone().unwrap_or_default(),
            filters: config.filters.clone(),
            kms_key: config.kms_key.clone().unwrap_or_default(),
            enabled,
        }
    }

    /// The settings, or everything that is wrong with them.
    pub(in crate::ui) fn config(&self) -> Result<MappingConfig, Vec<Violation>> {
        let mut config = MappingConfig {
            starting_position: self.starting_position,
            bisect_on_function_error: self.bisect,
            report_batch_item_failures: self.report_failures,
            event_count_metrics: self.event_count,
            ..MappingConfig::default()
        };
        let mut wrong = Vec::new();
        for (row, typed) in PARAMETERS.iter().zip(&self.numbers) {
            match number(row, typed) {
                Ok(value) => (row.set)(&mut config, value),
                Err(words) => wrong.push((row.name, words)),
            }
        }
        if config.tumbling_window_secs.is_some() && config.parallelization_factor > 1 {
            let words = "A tumbling window needs 1 concurrent batch per shard".to_owned();
            wrong.push(("ParallelizationFactor", words));
        }
        let arn = self.on_failure.trim();
        if !arn.is_empty() {
            if arn.parse::<crate::arn::Arn>().is_err() {
                let words =
                    "Must be the ARN of an SQS queue, an SNS topic or an S3 bucket".to_owned();
                wrong.push(("OnFailure", words));
            }
            config.on_failure = Some(arn.to_owned());
        }
        let key = self.kms_key.trim();
        if !key.is_empty() {
            if key.parse::<crate::arn::Arn>().is_err() {
                wrong.push(("KMSKeyArn", "Must be the ARN of a KMS key".to_owned()));
            }
            config.kms_key = Some(key.to_owned());
        }
        for filter in &self.filters {
            if filter.trim().is_empty() {
                continue;
            }
            if let Some(words) = filter_violation(filter) {
                wrong.push(("FilterCriteria", words));
            }
            config.filters.push(filter.trim().to_owned());
        }
        if wrong.is_empty() {
            Ok(config)
        } else {
            Err(wrong)
        }
    }

    /// How records are gathered into batches.
    pub(super) fn batching_ui(&mut self, ui: &mut Ui) {
        self.batches_ui(ui, None);
    }

    /// What happens when the function fails.
    pub(super) fn failure_ui(&mut self, ui: &mut Ui, known: Destinations<'_>) {
        self.failing_ui(ui, None);
        self.destination_ui(ui, known);
    }

    /// All settings that decide over records, each with the one in force beside it: for settings that are only tried.
    pub(in crate::ui) fn tried_ui(&mut self, ui: &mut Ui, now: &MappingConfig) {
        self.batches_ui(ui, Some(now));
        self.failing_ui(ui, Some(now));
        self.patterns_ui(ui);
        let now: Vec<&str> = now.filters.iter().map(String::as_str).collect();
        let words = if now.is_empty() {
            "now none".to_owned()
        } else {
            format!("now {}", now.join(" or "))
        };
        let color = theme::of(ui).text_muted;
        ui.label(RichText::new(words).small().color(color));
    }

    fn batches_ui(&mut self, ui: &mut Ui, now: Option<&MappingConfig>) {
        for name in [
            "BatchSize",
            "MaximumBatchingWindowInSeconds",
            "ParallelizationFactor",
            "TumblingWindowInSeconds",
        ] {
            self.number_ui(ui, name, now);
        }
    }

    fn failing_ui(&mut self, ui: &mut Ui, now: Option<&MappingConfig>) {
        self.number_ui(ui, "MaximumRetryAttempts", now);
        self.number_ui(ui, "MaximumRecordAgeInSeconds", now);
        let help = "Halve a failed batch and try both halves; splitting uses up no retries";
        let bisect = now.map(|it| it.bisect_on_function_error);
        switch_ui(ui, "Split batch on error", &mut self.bisect, help, bisect);
        let help = "The function may name the records that failed; the rest counts as done";
        let label = "Report batch item failures";
        let report = now.map(|it| it.report_batch_item_failures);
        switch_ui(ui, label, &mut self.report_failures, help, report);
    }

    fn destination_ui(&mut self, ui: &mut Ui, known: Destinations<'_>) {
        let help = "Receives details about a batch that was given up; only a bucket receives its records, too";
        let wrong = self.violation("OnFailure");
        form::row(ui, DESTINATION, help, wrong.as_deref(), |ui| {
            let field = TextEdit::singleline(&mut self.on_failure)
                .hint_text("ARN, or none")
                .desired_width(320.0);
            ui.add(field);
            let queues = known.queues.iter().map(|it| (&it.name, &it.arn));
            let topics = known.topics.iter().map(|it| (&it.name, &it.arn));
            let buckets = known.buckets.iter().map(|it| (&it.name, &it.arn));
            known_ui(ui, "Queues", queues, &mut self.on_failure);
            known_ui(ui, "Topics", topics, &mut self.on_failure);
            known_ui(ui, "Buckets", buckets, &mut self.on_failure);
        });
    }

    /// The patterns; any of them lets a record pass.
    pub(super) fn filters_ui(&mut self, ui: &mut Ui) {
        self.patterns_ui(ui);
        let wrong = self.violation("KMSKeyArn");
        let help =
            "AWS encrypts the stored patterns with this key; the local cloud only keeps its ARN";
        form::text(
            ui,
            "KMS key (optional)",
            &mut self.kms_key,
            help,
            wrong.as_deref(),
        );
    }

    fn patterns_ui(&mut self, ui: &mut Ui) {
        let mut removed = None;
        for (nth, filter) in self.filters.iter_mut().enumerate() {
            let wrong = filter_violation(filter);
            let label = format!("Filter {}", nth + 1);
            form::row(ui, &label, "", wrong.as_deref(), |ui| {
                let field = TextEdit::multiline(filter)
                    .code_editor()
                    .desired_rows(2)
                    .hint_text("{\"eventName\":[\"INSERT\"]}")
                    .desired_width(360.0);
                ui.add(field);
                if icon::only(ui, Icon::Trash, &format!("Remove filter {}", nth + 1)).clicked() {
                    removed = Some(nth);
                }
            });
        }
        if let Some(nth) = removed {
            self.filters.remove(nth);
        }
        ui.horizontal(|ui| {
            let full = self.filters.len() >= FILTERS_MAX;
            let add = ui.add_enabled_ui(!full, |ui| icon::button(ui, Icon::Plus, "Add filter"));
            if add.inner.clicked() {
                self.filters.push("{\"eventName\":[\"INSERT\"]}".to_owned());
            }
            ui.weak(if full {
                "At most 5 filters"
            } else {
                "Records no filter lets through are skipped and count as done"
            });
        });
    }

    pub(super) fn other_ui(&mut self, ui: &mut Ui) {
        form::check(
            ui,
            "Activate trigger",
            &mut self.enabled,
            "Start polling at once; leave it off to create the trigger disabled",
        );
        form::check(
            ui,
            "Enable metrics",
            &mut self.event_count,
            "Publishes the event-count metrics; on AWS they cost extra",
        );
    }

    fn number_ui(&mut self, ui: &mut Ui, name: &str, now: Option<&MappingConfig>) {
        let found = PARAMETERS.iter().zip(&mut self.numbers);
        let Some((row, typed)) = found.into_iter().find(|(row, _)| row.name == name) else {
            return;
        };
        let wrong = number(row, typed).err();
        form::row(ui, row.label, row.help, wrong.as_deref(), |ui| {
            let field = TextEdit::singleline(typed)
                .desired_width(96.0)
                .align(egui::Align2::RIGHT_CENTER);
            ui.add(field);
            ui.label(row.unit);
            let tokens = theme::of(ui);
            ui.label(RichText::new(bounds(row)).small().color(tokens.text_muted));
            if let Some(now) = now {
                let in_force = (row.get)(now);
                let words = in_force.map(i64::from).or(row.none).unwrap_or_default();
                let differs = number(row, typed).ok() != Some(in_force);
                now_ui(ui, &grouped(words), differs);
            }
        });
    }

    fn violation(&self, field: &str) -> Option<String> {
        let wrong = self.config().err()?;
        let found = wrong.into_iter().find(|(name, _)| *name == field);
        found.map(|(_, words)| words)
    }
}

/// A check box, with what is in force beside it.
fn switch_ui(ui: &mut Ui, label: &str, value: &mut bool, help: &str, now: Option<bool>) {
    form::row(ui, "", help, None, |ui| {
        ui.checkbox(value, label);
        if let Some(now) = now {
            now_ui(ui, if now { "on" } else { "off" }, now != *value);
        }
    });
}

/// What is in force.
fn now_ui(ui: &mut Ui, words: &str, differs: bool) {
    let tokens = theme::of(ui);
    let color = if differs {
        tokens.accent
    } else {
        tokens.text_muted
    };
    ui.label(RichText::new(format!("now {words}")).small().color(color));
}

/// The number of a row, `None` for AWS's "no limit" or "off".
fn number(row: &Parameter, typed: &str) -> Result<Option<u32>, String> {
    let wrong = || format!("Must be {}", bounds(row));
    let value: i64 = typed
        .trim()
        .replace([',', '_'], "")
        .parse()
        .map_err(|_not_a_number| wrong())?;
    if Some(value) == row.none {
        return Ok(None);
    }
    let value = u32::try_from(value).map_err(|_negative| wrong())?;
    let (least, most) = row.range;
    if (least..=most).contains(&value) {
        Ok(Some(value))
    } else {
        Err(wrong())
    }
}

/// `1–10,000`, `-1 or 60–604,800`.
fn bounds(row: &Parameter) -> String {
    let (least, most) = row.range;
    let range = format!("{}–{}", grouped(least), grouped(most));
    match row.none {
        Some(none) if none < i64::from(least) && none + 1 == i64::from(least) => {
            format!("{none}–{}", grouped(most))
        }
        Some(none) => format!("{none} or {range}"),
        None => range,
    }
}

/// What the form calls a field of the API.
pub(in crate::ui) fn label_of(field: &'static str) -> &'static str {
    match field {
        "OnFailure" => DESTINATION,
        "KMSKeyArn" => "KMS key",
        "FilterCriteria" => "the filters",
        _ => {
            let row = PARAMETERS.iter().find(|it| it.name == field);
            row.map_or(field, |it| it.label)
        }
    }
}

fn filter_violation(filter: &str) -> Option<String> {
    let filter = filter.trim();
    if filter.is_empty() {
        return None;
    }
    if filter.chars().count() > PATTERN_CHARS_MAX {
        return Some(format!("At most {} characters", grouped(4096)));
    }
    Pattern::parse(filter).err().map(|error| error.reason)
}

/// A menu of names that chooses an ARN.
fn known_ui<'a>(
    ui: &mut Ui,
    label: &str,
    known: impl Iterator<Item = (&'a String, &'a String)>,
    chosen: &mut String,
) {
    ui.menu_button(label, |ui| {
        let mut known = known.peekable();
        if known.peek().is_none() {
            ui.weak(format!("No {} yet", label.to_lowercase()));
        }
        for (name, arn) in known {
            if ui.button(name).clicked() {
                chosen.clone_from(arn);
                ui.close();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form::of(&MappingConfig::default(), true)
    }

    #[test]
    fn an_untouched_form_gives_the_settings_it_came_from() {
        assert_eq!(form().config(), Ok(MappingConfig::default()));
    }

    #[test]
    fn a_record_age_below_a_minute_is_refused_and_minus_one_is_no_limit() {
        let nth = PARAMETERS
            .iter()
            .position(|row| row.name == "MaximumRecordAgeInSeconds")
            .unwrap();
        let mut form = form();
        form.numbers[nth] = "30".to_owned();
        let wrong = form.config().unwrap_err();
        assert_eq!(wrong[0].1, "Must be -1 or 60–604,800");
        form.numbers[nth] = "-1".to_owned();
        assert_eq!(form.config().unwrap().record_age_secs_max, None);
    }

    #[test]
    fn a_key_that_is_not_an_arn_is_refused() {
        let mut form = form();
        form.kms_key = "my key".to_owned();
        assert_eq!(form.config().unwrap_err()[0].0, "KMSKeyArn");
        form.kms_key = "arn:aws:kms:us-east-1:111122223333:key/k".to_owned();
        assert!(form.config().unwrap().kms_key.is_some());
    }

    #[test]
    fn topics_and_buckets_are_chosen_like_queues() {
        use egui_kittest::{Harness, kittest::Queryable as _};

        let topics = [Topic {
            name: "lost-orders".to_owned(),
            arn: "arn:aws:sns:us-east-1:111122223333:lost-orders".to_owned(),
        }];
        let buckets = [Bucket {
            name: "lost-batches".to_owned(),
            arn: "arn:aws:s3:::lost-batches".to_owned(),
        }];
        let mut it = Harness::builder()
            .with_context_setup(|ctx| {
                theme::install(ctx);
                icon::install(ctx);
            })
            .build_ui_state(
                |ui, form: &mut Form| {
                    let known = Destinations {
                        queues: &[],
                        topics: &topics,
                        buckets: &buckets,
                    };
                    form.failure_ui(ui, known);
                },
                form(),
            );
        it.run();
        it.get_by_label("Queues").click();
        it.run();
        it.get_by_label("No queues yet");
        it.get_by_label("Topics").click();
        it.run();
        it.get_by_label("lost-orders").click();
        it.run();
        let config = it.state().config().unwrap();
        assert_eq!(config.on_failure.as_deref(), Some(&*topics[0].arn));
        it.get_by_label("Buckets").click();
        it.run();
        it.get_by_label("lost-batches").click();
        it.run();
        let config = it.state().config().unwrap();
        assert_eq!(config.on_failure.as_deref(), Some(&*buckets[0].arn));
    }

    #[test]
    fn what_was_typed_stays_when_it_is_wrong() {
        let mut form = form();
        form.numbers[0] = "many".to_owned();
        assert!(form.config().is_err());
        assert_eq!(form.numbers[0], "many");
    }
}

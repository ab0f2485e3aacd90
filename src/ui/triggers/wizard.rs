//! A new trigger: one page with every DynamoDB parameter; at the right, what it will do and whether it can.

use std::time::Duration;

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::{RichText, Ui};

use super::filter_ui;
use super::form::{Destinations, Form, label_of};
use super::preflight::{self, Check, Fix, Plan, Verdictness};
use crate::aws::iam::Verdict;
use crate::aws::lambda::NewMapping;
use crate::aws::sqs::Queue;
use crate::aws::{self};
use crate::mapping::config::StartingPosition;
use crate::mapping::{MappingConfig, Record};
use crate::ui::qualifier::Qualifier;
use crate::ui::roles::{Mended, Mending};
use crate::ui::widgets::{Icon, form, icon, json_view, remark};
use crate::ui::{Action, Cx, Listing, Remote, Route, Toast, theme};

/// Records of the stream looked at for the forecast.
const SAMPLE_MAX: usize = 1000;

pub(super) enum Event {
    None,
    Cancelled,
    Created(String),
}

pub(super) struct Wizard {
    stream_arn: String,
    function: String,
    qualifier: Qualifier,
    form: Form,
    creating: Remote<String>,
    /// What was asked of IAM, and the answer.
    asked: Option<(String, Vec<(String, String)>)>,
    verdicts: Remote<Vec<Verdict>>,
    sampled: Option<String>,
    sample: Remote<Vec<Record>>,
    /// What would mend the role, shown before it is done.
    mending: Option<Mending>,
    adding: Remote<Queue>,
    show_call: bool,
    /// Violations show after the first try.
    tried: bool,
    why_not: usize,
}

impl Wizard {
    pub(super) fn new(stream_arn: Option<String>, function: Option<String>) -> Self {
        Self {
            stream_arn: stream_arn.unwrap_or_default(),
            function: function.unwrap_or_default(),
            qualifier: Qualifier::default(),
            form: Form::of(&MappingConfig::default(), true),
            creating: Remote::default(),
            asked: None,
            verdicts: Remote::default(),
            sampled: None,
            sample: Remote::default(),
            mending: None,
            adding: Remote::default(),
            show_call: false,
            tried: false,
            why_not: 0,
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        if self.creating.poll()
            && let Some(uuid) = self.creating.take()
        {
            return Event::Created(uuid);
        }
        self.poll(cx);
        ui.label(RichText::new("New trigger").text_style(theme::title()));
        ui.add_space(theme::GUTTER);
        let mut event = Event::None;
        egui::Panel::bottom("trigger buttons").show(ui, |ui| {
            ui.add_space(6.0);
            if let Some(error) = self.creating.error() {
                crate::ui::remote::error_ui(ui, error);
            }
            event = self.buttons_ui(ui, cx);
            ui.add_space(4.0);
        });
        egui::Panel::right("what it will do")
            .default_size(420.0)
            .size_range(320.0..=560.0)
            .show(ui, |ui| {
                egui::ScrollArea::vertical()
                    .auto_shrink(false)
                    .show(ui, |ui| self.outlook_ui(ui, cx));
            });
        egui::CentralPanel::default().show(ui, |ui| {
            egui::ScrollArea::vertical()
                .auto_shrink(false)
                .show(ui, |ui| self.form_ui(ui, cx));
        });
        self.mend_ui(ui, cx);
        event
    }

    /// The preview of what would mend the role, while it is open.
    fn mend_ui(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let mending = self.mending.as_mut();
        let Some(ended) = mending.and_then(|it| it.ui(ui.ctx(), cx)) else {
            return;
        };
        self.mending = None;
        if ended == Mended::Applied {
            self.asked = None;
        }
    }

    fn poll(&mut self, cx: &Cx<'_>) {
        self.verdicts.poll();
        self.sample.poll();
        if !self.function.is_empty() {
            self.qualifier.poll(cx, &self.function);
            self.qualifier.poll_called(cx);
        }
        if self.adding.poll()
            && let Some(queue) = self.adding.take()
        {
            cx.send(Action::Reload(Listing::Queues));
            cx.send(Action::Toast(Toast::good(format!(
                "Created queue {}",
                queue.name
            ))));
            self.form.on_failure = queue.arn;
        }
        if self.sampled.as_ref() != Some(&self.stream_arn) && !self.stream_arn.is_empty() {
            self.sampled = Some(self.stream_arn.clone());
            self.sample.clear();
            let sample = preflight::sample(cx.aws.clone(), self.stream_arn.clone(), SAMPLE_MAX);
            self.sample.start(cx, sample);
        }
        let Some(role) = self.role(cx) else { return };
        if self.stream_arn.is_empty() || self.verdicts.is_pending() {
            return;
        }
        let config = self.form.config().unwrap_or_default();
        let needs = preflight::needs(&self.stream_arn, &config, &self.function);
        let asked = Some((role.clone(), needs.clone()));
        if self.asked != asked {
            self.asked = asked;
            self.verdicts
                .start(cx, aws::iam::check(cx.aws.clone(), role, needs));
        }
    }

    /// The role of what is called.
    fn role(&self, cx: &Cx<'_>) -> Option<String> {
        self.called(cx)?.role().map(str::to_owned)
    }

    /// The settings of the function, version or alias that is called.
    fn called<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a FunctionConfiguration> {
        let functions = cx.catalog.functions.value().into_iter().flatten();
        let mut named = functions.filter(|it| it.function_name() == Some(&self.function));
        self.qualifier.called(named.next())
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        block(ui, "Source", |ui| self.source_ui(ui, cx));
        block(ui, "Function", |ui| self.function_ui(ui, cx));
        block(ui, "Batching", |ui| self.form.batching_ui(ui));
        let known = Destinations::of(cx);
        block(ui, "Failure", |ui| self.form.failure_ui(ui, known));
        block(ui, "Filter criteria", |ui| {
            self.form.filters_ui(ui);
            if let Some(records) = self.sample.value() {
                filter_ui::show(ui, &self.form.filters, records, &mut self.why_not);
            }
        });
        block(ui, "Start", |ui| self.form.other_ui(ui));
    }

    fn source_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let wrong = self.tried && self.stream_arn.is_empty();
        let wrong = wrong.then_some("Choose a table whose stream is on");
        let help = "The table whose stream is read; it cannot be changed later";
        form::row(ui, "DynamoDB table", help, wrong, |ui| {
            let tables = cx.catalog.tables.value();
            let known: Vec<(&str, &str)> = tables
                .into_iter()
                .flatten()
                .filter_map(|it| Some((it.table_name()?, it.latest_stream_arn()?)))
                .collect();
            let current = known.iter().find(|(_, arn)| *arn == self.stream_arn);
            let text = current.map_or("Choose a table", |(name, _)| name);
            egui::ComboBox::new("table", "")
                .selected_text(text)
                .width(280.0)
                .show_ui(ui, |ui| {
                    for (name, arn) in &known {
                        ui.selectable_value(&mut self.stream_arn, (*arn).to_owned(), *name);
                    }
                    if known.is_empty() {
                        ui.weak("No table has a stream yet");
                    }
                });
        });
        let choices = [
            (StartingPosition::Latest, "Latest"),
            (StartingPosition::TrimHorizon, "Trim horizon"),
        ];
        let waiting = self.sample.value().map_or(0, Vec::len);
        let help = match self.form.starting_position {
            StartingPosition::Latest => "Only records written after polling has begun".to_owned(),
            StartingPosition::TrimHorizon if waiting >= SAMPLE_MAX => {
                format!(
                    "Delivers what is in the stream now, {waiting} records or more, then follows"
                )
            }
            StartingPosition::TrimHorizon => {
                format!("Delivers the {waiting} records that are in the stream now, then follows")
            }
        };
        let position = &mut self.form.starting_position;
        form::choice(ui, "Starting position", position, &choices, &help);
    }

    fn function_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let wrong = self.tried && self.function.is_empty();
        let wrong = wrong.then_some("Choose a function");
        form::row(ui, "Function", "Called with each batch", wrong, |ui| {
            let functions = cx.catalog.functions.value();
            let names: Vec<&str> = functions
                .into_iter()
                .flatten()
                .filter_map(|it| it.function_name())
                .collect();
            let text = if self.function.is_empty() {
                "Choose a function"
            } else {
                &self.function
            }
            .to_owned();
            egui::ComboBox::new("function", "")
                .selected_text(text)
                .width(280.0)
                .show_ui(ui, |ui| {
                    for name in &names {
                        ui.selectable_value(&mut self.function, (*name).to_owned(), *name);
                    }
                    if names.is_empty() {
                        ui.weak("No functions yet");
                    }
                });
            if ui.link("New function…").clicked() {
                cx.send(Action::Go(Route::NewFunction));
            }
        });
        self.qualifier.row_ui(ui);
    }

    fn outlook_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.label(RichText::new("What this will do").text_style(theme::subtitle()));
        let config = self.form.config();
        match (&config, self.sample.value()) {
            (_, None) if self.sample.is_pending() => crate::ui::remote::loading_ui(ui),
            (_, None) => {
                ui.weak("Choose a table to see what the trigger makes of its records");
            }
            (Err(_), _) => {
                ui.weak("Correct the settings first");
            }
            (Ok(config), Some(records)) => forecast_ui(ui, records, config),
        }
        if let Some(error) = self.sample.error() {
            crate::ui::remote::error_ui(ui, error);
        }
        ui.add_space(theme::SECTION_GAP);
        ui.label(RichText::new("Preflight").text_style(theme::subtitle()));
        if self.stream_arn.is_empty() || self.function.is_empty() {
            ui.weak("Choose a table and a function");
            return;
        }
        let config = config.unwrap_or_default();
        let tables = cx.catalog.tables.value().map_or(&[][..], Vec::as_slice);
        let plan = Plan {
            table: tables
                .iter()
                .find(|it| it.latest_stream_arn() == Some(&self.stream_arn)),
            stream_arn: &self.stream_arn,
            function: self.called(cx),
            mappings: cx.catalog.mappings.value().map_or(&[][..], Vec::as_slice),
            config: &config,
            verdicts: self.verdicts.value().map(Vec::as_slice),
        };
        let checks = preflight::checks(&plan);
        for check in &checks {
            self.check_ui(ui, cx, check);
        }
        if self.verdicts.is_pending() || self.adding.is_pending() {
            crate::ui::remote::loading_ui(ui);
        }
        let errors = [self.verdicts.error(), self.adding.error()];
        for error in errors.into_iter().flatten() {
            crate::ui::remote::error_ui(ui, error);
        }
    }

    fn check_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, check: &Check) {
        let tokens = theme::of(ui);
        let (sign, color) = match check.verdict {
            Verdictness::Good => (Icon::Ok, tokens.ok),
            Verdictness::Warning => (Icon::Half, tokens.retry),
            Verdictness::Bad => (Icon::Failed, tokens.failed),
        };
        let clicked = remark(ui, (sign, color), &check.words, |ui| {
            let fix = check.fix.as_ref()?;
            let button = match fix {
                Fix::Role(role) => ui
                    .button("Fix…")
                    .on_hover_text(format!("Show what would mend {role}, before it is done")),
                Fix::AddQueue(name) => ui.button(format!("Add queue {name}")),
                Fix::OpenTrigger(_) => ui.button("Open it"),
            };
            button.clicked().then_some(fix)
        });
        if let Some(fix) = clicked {
            self.mend(cx, fix);
        }
    }

    fn mend(&mut self, cx: &Cx<'_>, fix: &Fix) {
        match fix {
            Fix::Role(role) => {
                let policy = format!("waterwheel-{}", self.function);
                let verdicts = self.verdicts.value().cloned().unwrap_or_default();
                self.mending = Some(Mending::new(role.clone(), policy, verdicts));
            }
            Fix::AddQueue(name) => {
                let queue = aws::sqs::create_queue(cx.aws.clone(), name.clone());
                self.adding.start(cx, queue);
            }
            Fix::OpenTrigger(uuid) => cx.send(Action::Go(Route::Trigger(uuid.clone()))),
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        let mut event = Event::None;
        let config = self.form.config();
        if self.show_call
            && let Ok(config) = &config
        {
            let mut call = config.to_aws();
            call["FunctionName"] = self.qualifier.name().into();
            call["EventSourceArn"] = self.stream_arn.clone().into();
            call["Enabled"] = self.form.enabled.into();
            let text = format!("CreateEventSourceMapping\n{}", json_view::pretty(&call));
            egui::ScrollArea::vertical()
                .max_height(220.0)
                .show(ui, |ui| {
                    ui.add(egui::Label::new(RichText::new(text).monospace()).selectable(true));
                });
        }
        ui.horizontal(|ui| {
            let busy = self.creating.is_pending();
            let words = if busy {
                "Creating…"
            } else {
                "Create trigger"
            };
            let create = ui.add_enabled_ui(!busy, |ui| icon::primary(ui, Icon::Check, words));
            if create.inner.clicked() {
                self.tried = true;
                if let Ok(config) = &config
                    && !self.stream_arn.is_empty()
                    && !self.function.is_empty()
                {
                    self.create(cx, config.clone());
                }
            }
            if ui.button("Cancel").clicked() {
                event = Event::Cancelled;
            }
            ui.checkbox(&mut self.show_call, "Show API call");
            if let Err(wrong) = &config {
                let tokens = theme::of(ui);
                let words: Vec<&str> = wrong.iter().map(|(field, _)| label_of(field)).collect();
                ui.colored_label(tokens.failed, format!("Correct {}", words.join(", ")));
            }
        });
        event
    }

    fn create(&mut self, cx: &Cx<'_>, config: MappingConfig) {
        let new = NewMapping {
            function: self.qualifier.name(),
            stream_arn: self.stream_arn.clone(),
            config,
            enabled: self.form.enabled,
        };
        let made = aws::lambda::create_mapping(cx.aws.clone(), new);
        self.creating.start(cx, async move {
            let mapping = made.await?;
            Ok(mapping.uuid.unwrap_or_default())
        });
    }
}

/// A block of the form with a head.
fn block(ui: &mut Ui, title: &str, body: impl FnOnce(&mut Ui)) {
    ui.label(RichText::new(title).text_style(theme::subtitle()));
    ui.add_space(4.0);
    body(ui);
    ui.add_space(theme::SECTION_GAP);
}

fn forecast_ui(ui: &mut Ui, records: &[Record], config: &MappingConfig) {
    let Some(forecast) = preflight::forecast(records, config) else {
        return;
    };
    if forecast.records == 0 {
        ui.label("The stream holds no records yet, so there is nothing to try the settings on.");
        return;
    }
    let share = forecast.kept * 100 / forecast.records;
    ui.label(format!("On the last {} records:", forecast.records));
    ui.weak(preflight::kinds(records));
    ui.label(format!("filters keep {} ({share} %)", forecast.kept));
    ui.label(format!(
        "at least {} calls, the largest {} bytes of records",
        forecast.calls, forecast.largest_bytes
    ));
    if config.batching_window_secs > 0 {
        let window = Duration::from_secs(config.batching_window_secs.into());
        ui.label(format!(
            "adds up to {} of delay to gather fuller batches",
            crate::ui::time::span(window)
        ));
    }
    if config.tumbling_window_secs.is_some() {
        ui.label("one more call at the end of each window, even without records");
    }
}

//! "What if…": other settings of a trigger tried on the records still in its stream, beside those it has. In the local
//! cloud only. What is typed stays; nothing is invoked and nothing moves.

mod chart;
mod model;
mod report_ui;
mod stretch;
mod words;

use aws_sdk_lambda::types::EventSourceMappingConfiguration as Mapping;
use egui::{RichText, Ui};

use super::cx::{Action, Cx, Route};
use super::remote::{error_ui, loading_ui};
use super::triggers::form::{Form, label_of};
use super::widgets::{Health, Icon, chip, empty_state, icon};
use super::{Remote, names, theme};
use crate::aws::lambda;
use crate::aws::whatif::{self, Answer, Question};
use model::{Model, head_ui};
use report_ui::View;
use stretch::Stretch;

/// The page of one trigger.
pub(super) struct WhatIf {
    uuid: String,
    /// What is proposed, as typed; the trigger's settings at first.
    proposed: Option<Form>,
    stretch: Stretch,
    model: Model,
    /// With what it is of.
    run: Remote<(Question, Answer)>,
    view: View,
}

impl WhatIf {
    pub(super) fn new(uuid: String) -> Self {
        Self {
            uuid,
            proposed: None,
            stretch: Stretch::default(),
            model: Model::default(),
            run: Remote::default(),
            view: View::default(),
        }
    }

    /// Whose page it is.
    pub(super) fn uuid(&self) -> &str {
        &self.uuid
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.run.poll();
        let back = || Action::Go(Route::Trigger(self.uuid.clone()));
        if !cx.aws.is_local() {
            let why = "What a trigger would have done is played by the engine of the local cloud, from the records and batches it has kept.";
            let title = "Only the local cloud can try settings";
            if empty_state(
                ui,
                Icon::Cloud,
                title,
                why,
                Some((Icon::ArrowLeft, "Back to the trigger")),
            ) {
                cx.send(back());
            }
            return;
        }
        let mappings = cx.catalog.mappings.value().into_iter().flatten();
        let mapping = mappings
            .into_iter()
            .find(|it| it.uuid() == Some(self.uuid.as_str()));
        let Some(mapping) = mapping.cloned() else {
            if cx.catalog.mappings.is_pending() {
                loading_ui(ui);
            } else if empty_state(
                ui,
                Icon::Trigger,
                "There is no such trigger",
                "It was deleted, or it belongs to another cloud.",
                Some((Icon::ArrowLeft, "Back to the trigger")),
            ) {
                cx.send(Action::Go(Route::Triggers));
            }
            return;
        };
        let stream = mapping.event_source_arn().unwrap_or_default();
        self.stretch.look(cx, stream);
        let question = self.question(cx);
        self.head_ui(ui, cx, &mapping, question.as_ref().ok());
        egui::Panel::left("what-if settings")
            .default_size(620.0)
            .size_range(420.0..=760.0)
            .show(ui, |ui| {
                egui::ScrollArea::vertical()
                    .id_salt("what-if form")
                    .auto_shrink(false)
                    .show(ui, |ui| self.form_ui(ui, cx, &mapping));
            });
        egui::CentralPanel::default().show(ui, |ui| {
            egui::ScrollArea::vertical()
                .id_salt("what-if report")
                .auto_shrink(false)
                .show(ui, |ui| self.answer_ui(ui, cx, question));
        });
    }

    /// What would be asked now, or why nothing can be.
    fn question(&self, cx: &Cx<'_>) -> Result<Question, String> {
        let form = self.proposed.as_ref();
        let form = form.ok_or_else(|| "The trigger is on its way".to_owned())?;
        let proposed = form.config().map_err(|wrong| {
            let first = wrong.first().map(|(field, words)| {
                let field = label_of(field);
                format!("{field}: {words}")
            });
            first.unwrap_or_default()
        })?;
        Ok(Question {
            uuid: self.uuid.clone(),
            proposed,
            since: self.stretch.since(cx.now)?,
            shard: self.stretch.shard()?,
            pace: self.stretch.pace(cx),
            function: self.model.function()?,
            seed: self.model.seed()?,
        })
    }

    fn start(&mut self, cx: &Cx<'_>, question: Question) {
        let answer = whatif::simulate(cx.aws.clone(), question.clone());
        self.run
            .start(cx, async move { Ok((question, answer.await?)) });
    }

    fn head_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        mapping: &Mapping,
        question: Option<&Question>,
    ) {
        ui.horizontal(|ui| {
            if icon::only(ui, Icon::ArrowLeft, "Back to the trigger").clicked() {
                cx.send(Action::Go(Route::Trigger(self.uuid.clone())));
            }
            ui.label(RichText::new("What if").text_style(theme::title()));
            let name = names::trigger_of(mapping);
            ui.label(RichText::new(name).text_style(theme::subtitle()));
            if self.run.is_pending() {
                chip::health(ui, Health::InFlight, "playing");
            } else if self.is_stale(question) {
                chip::health(ui, Health::Retry, "changed since this report");
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if self.run.is_pending() {
                    if icon::button(ui, Icon::Stop, "Stop").clicked() {
                        // Dropping the question calls it off; the report before stays.
                        self.run.stop();
                    }
                    return;
                }
                ui.add_enabled_ui(question.is_some(), |ui| {
                    if icon::primary(ui, Icon::Play, "Run").clicked()
                        && let Some(question) = question
                    {
                        self.start(cx, question.clone());
                    }
                });
            });
        });
        ui.add_space(theme::GUTTER);
    }

    /// There is a report, and it is of something else than what is typed now.
    fn is_stale(&self, question: Option<&Question>) -> bool {
        let Some((asked, _)) = self.run.value() else {
            return false;
        };
        // Time goes on: how old records may be is said in minutes.
        let aged = |it: &Question| Question {
            since: it.since.map(|_| std::time::SystemTime::UNIX_EPOCH),
            ..it.clone()
        };
        question.is_none_or(|it| aged(it) != aged(asked))
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, mapping: &Mapping) {
        let config = lambda::config_of(mapping);
        let proposed = self.proposed.get_or_insert_with(|| Form::of(&config, true));
        head_ui(ui, "Proposed settings");
        ui.horizontal(|ui| {
            ui.weak("Beside each field stands what is in force");
            let is_changed = *proposed != Form::of(&config, true);
            ui.add_enabled_ui(is_changed, |ui| {
                if ui.button("As they are now").clicked() {
                    *proposed = Form::of(&config, true);
                }
            });
        });
        proposed.tried_ui(ui, &config);
        self.stretch.ui(ui, cx);
        let refusal = self.run.error().map(|it| it.message.clone());
        self.model.ui(ui, refusal.as_deref());
    }

    fn answer_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, question: Result<Question, String>) {
        if let Err(wrong) = &question {
            super::widgets::confirm::warning(ui, &format!("Put right first: {wrong}"));
        }
        if let Some(error) = self.run.error() {
            error_ui(ui, error);
        }
        if let Some((asked, answer)) = self.run.value() {
            report_ui::show(ui, asked, answer, &mut self.view);
            return;
        }
        if self.run.is_pending() {
            loading_ui(ui);
            return;
        }
        let why = "Change settings at the left and run: the records still in the stream are played once as the trigger is and once as proposed. Nothing is invoked and nothing moves.";
        let button = question.is_ok().then_some((Icon::Play, "Run what if"));
        if empty_state(ui, Icon::Replay, "Nothing tried yet", why, button)
            && let Ok(question) = question
        {
            self.start(cx, question);
        }
    }
}

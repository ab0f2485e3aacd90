//! Triggers: event source mappings with state and last result; enable, hold, edit, delete, and the wizard for new ones.

mod edit_ui;
mod facts_ui;
mod filter_ui;
pub(super) mod form;
mod funnel_ui;
mod metrics;
mod preflight;
mod wizard;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use egui::{RichText, Ui};

use super::cx::{Action, Cx, Listing, Route, Toast};
use super::denied;
use super::live::Live;
use super::names::{function_of, table_of};
use super::poller::Poll;
use super::whatif::WhatIf;
use super::widgets::{
    Column, Confirm, Health, Icon, ListEvent, chip, empty_state, icon, table_list,
};
use super::{Panel, Remote, names, theme};
use crate::aws::{control, lambda};
use edit_ui::{Editing, Saved};
use metrics::Metrics;
use wizard::Wizard;

/// While a trigger is between two states, it is asked about this often.
const SETTLING: Duration = Duration::from_millis(300);

/// What is shown of the chosen trigger; elsewhere than in the local cloud there is only its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Status,
    Metrics,
}

#[derive(Default)]
pub struct TriggersPanel {
    chosen: Option<String>,
    tab: Tab,
    metrics: Metrics,
    wizard: Option<Wizard>,
    /// What is tried of a trigger, kept while other screens are shown.
    whatif: Option<WhatIf>,
    is_trying: bool,
    /// The settings being edited, of the chosen trigger.
    editing: Option<Editing>,
    changing: Remote<&'static str>,
    confirm: Option<Confirm>,
    asked: Option<Duration>,
    poll: Poll,
}

impl Panel for TriggersPanel {
    fn title(&self) -> &'static str {
        "Triggers"
    }

    fn open(&mut self, to: &Route) -> bool {
        self.is_trying = matches!(to, Route::WhatIf(_));
        match to {
            Route::Triggers => self.wizard = None,
            Route::WhatIf(uuid) => {
                if self.whatif.as_ref().is_none_or(|it| it.uuid() != uuid) {
                    self.whatif = Some(WhatIf::new(uuid.clone()));
                }
            }
            Route::Trigger(uuid) => {
                self.wizard = None;
                self.editing = None;
                self.chosen = Some(uuid.clone());
            }
            Route::Hold(uuid, hold) => {
                self.wizard = None;
                self.editing = None;
                self.chosen = Some(uuid.clone());
                self.tab = Tab::Status;
                self.poll.want(*hold);
            }
            Route::NewTrigger {
                stream_arn,
                function,
            } => self.wizard = Some(Wizard::new(stream_arn.clone(), function.clone())),
            _ => return false,
        }
        true
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if let Some(whatif) = self.whatif.as_mut().filter(|_| self.is_trying) {
            whatif.ui(ui, cx);
            return;
        }
        if let Some(wizard) = &mut self.wizard {
            match wizard.ui(ui, cx) {
                wizard::Event::None => {}
                wizard::Event::Cancelled => cx.send(Action::Go(Route::Triggers)),
                wizard::Event::Created(uuid) => {
                    cx.send(Action::Reload(Listing::Mappings));
                    cx.send(Action::Toast(Toast::good("Created the trigger")));
                    cx.send(Action::Go(Route::Trigger(uuid)));
                }
            }
            return;
        }
        if self.changing.poll()
            && let Some(words) = self.changing.take()
        {
            cx.send(Action::Reload(Listing::Mappings));
            cx.send(Action::Toast(Toast::good(words)));
            self.editing = None;
        }
        self.watch_settling(cx);
        head_ui(ui, cx);
        if let Some(error) = self.changing.error() {
            super::remote::error_ui(ui, error);
        }
        let Some(mappings) = cx.catalog.mappings.value() else {
            if let Some(error) = cx.catalog.mappings.error() {
                super::remote::error_ui(ui, error);
            } else {
                super::remote::loading_ui(ui);
            }
            return;
        };
        if mappings.is_empty() {
            let why = "A trigger polls a table's stream four times a second and calls a function with each batch.";
            if empty_state(
                ui,
                Icon::Plug,
                "No triggers yet",
                why,
                Some((Icon::Plus, "Add trigger…")),
            ) {
                cx.send(new_trigger());
            }
            return;
        }
        let chosen = mappings
            .iter()
            .find(|it| it.uuid() == self.chosen.as_deref())
            .or_else(|| mappings.first())
            .cloned();
        if let Some(mapping) = &chosen {
            let uuid = mapping.uuid().unwrap_or_default();
            self.poll.settle(ui, cx, uuid);
            if self.editing.is_none() && self.confirm.is_none() {
                self.poll.keys(ui, cx);
            }
            egui::Panel::bottom("trigger")
                .default_size(430.0)
                .size_range(240.0..=640.0)
                .resizable(true)
                .show(ui, |ui| self.detail_ui(ui, cx, mapping));
        }
        egui::CentralPanel::default().show(ui, |ui| self.list_ui(ui, cx, mappings));
        self.confirm_ui(ui, cx, chosen.as_ref());
    }
}

impl TriggersPanel {
    /// Passing states end by themselves: looks again until they have.
    fn watch_settling(&mut self, cx: &Cx<'_>) {
        let passing = cx.catalog.mappings.value().is_some_and(|all| {
            all.iter().any(|it| {
                let state = it.state().unwrap_or_default();
                state != "Enabled" && state != "Disabled"
            })
        });
        if !passing {
            self.asked = None;
            return;
        }
        let waited = self.asked.map_or(Duration::ZERO, |at| cx.since(at));
        if self.asked.is_none() || waited >= SETTLING {
            if self.asked.is_some() {
                cx.send(Action::Reload(Listing::Mappings));
            }
            self.asked = Some(cx.uptime);
        }
        cx.ctx.request_repaint_after(SETTLING);
    }

    fn list_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, mappings: &[EventSourceMappingConfiguration]) {
        let columns = [
            Column::new("Table", 160.0),
            Column::new("Function", 180.0),
            Column::new("State", 150.0),
            Column::new("Batch", 120.0),
            Column::new("Delivered", 110.0),
            Column::new("Last processing result", 320.0),
        ];
        let at = mappings
            .iter()
            .position(|it| it.uuid() == self.chosen.as_deref())
            .unwrap_or(0);
        let paused = control::paused(cx.aws);
        let label = |row: usize| {
            let mapping = &mappings[row];
            let state = mapping.state().unwrap_or_default();
            let is_paused = paused.contains(mapping.uuid().unwrap_or_default());
            format!(
                "Trigger {} to {}, {state}{}",
                table_of(mapping),
                function_of(mapping),
                if is_paused { ", paused" } else { "" }
            )
        };
        let event = table_list(
            ui,
            "Triggers",
            &columns,
            mappings.len(),
            Some(at),
            label,
            |ui, row, column| match column {
                2 => state_ui(ui, &mappings[row], &paused),
                _ => cell_ui(ui, &mappings[row], column, cx.live),
            },
        );
        if let Some(ListEvent::Chosen(row) | ListEvent::Opened(row)) = event {
            self.chosen = mappings[row].uuid().map(str::to_owned);
            self.editing = None;
        }
    }

    fn detail_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, mapping: &EventSourceMappingConfiguration) {
        ui.add_space(4.0);
        self.actions_ui(ui, cx, mapping);
        if let Some(editing) = &mut self.editing {
            let is_saving = self.changing.is_pending();
            if let Some(saved) = editing.ui(ui, cx, mapping, is_saving) {
                self.save(cx, mapping, saved);
            }
            return;
        }
        let is_local = cx.aws.is_local();
        if is_local {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut self.tab, Tab::Status, "Status");
                ui.selectable_value(&mut self.tab, Tab::Metrics, "Metrics");
            });
            ui.separator();
        }
        let is_counted = is_local && self.tab == Tab::Metrics;
        egui::ScrollArea::vertical()
            .id_salt(("trigger", is_counted))
            .auto_shrink(false)
            .show(ui, |ui| {
                let uuid = mapping.uuid().unwrap_or_default();
                denied::banner_ui(ui, cx, uuid, result_of(mapping, cx.live));
                if is_counted {
                    self.metrics.ui(ui, cx, uuid);
                    return;
                }
                if is_local {
                    self.poll.bar_ui(ui, cx);
                    self.poll.standing_ui(ui, cx);
                    ui.separator();
                }
                if let Some(story) = mapping.uuid().and_then(|uuid| cx.live.mapping(uuid)) {
                    funnel_ui::show(ui, cx, story);
                }
                facts_ui::show(ui, mapping, result_of(mapping, cx.live));
            });
    }

    fn actions_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, mapping: &EventSourceMappingConfiguration) {
        let uuid = mapping.uuid().unwrap_or_default().to_owned();
        let state = mapping.state().unwrap_or_default();
        ui.horizontal(|ui| {
            let name = names::trigger_of(mapping);
            ui.label(RichText::new(name).text_style(theme::subtitle()));
            state_ui(ui, mapping, &control::paused(cx.aws));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let busy = self.changing.is_pending();
                if icon::only(ui, Icon::Trash, "Delete trigger…").clicked() {
                    let confirm = Confirm::new("Delete trigger")
                        .consequence("Its checkpoint is forgotten. Table and function stay.")
                        .call(format!("DeleteEventSourceMapping UUID={uuid}"));
                    self.confirm = Some(confirm);
                }
                let words = if self.editing.is_some() {
                    "Cancel edit"
                } else {
                    "Edit"
                };
                // Saving a form without the filters would remove them.
                let is_readable = mapping.filter_criteria_error().is_none();
                let button =
                    ui.add_enabled_ui(is_readable, |ui| icon::button(ui, Icon::Edit, words));
                if button.inner.clicked() {
                    self.editing = match self.editing {
                        None => Some(Editing::of(mapping)),
                        Some(_) => None,
                    };
                }
                let enable = state == "Disabled";
                let (sign, words) = if enable {
                    (Icon::Play, "Enable")
                } else {
                    (Icon::Pause, "Disable")
                };
                let settled = matches!(state, "Enabled" | "Disabled") && !busy;
                let button = ui.add_enabled_ui(settled, |ui| icon::button(ui, sign, words));
                if button.inner.clicked() {
                    let change = lambda::set_mapping_enabled(cx.aws.clone(), uuid.clone(), enable);
                    let done = if enable {
                        "Enabling the trigger"
                    } else {
                        "Disabling the trigger"
                    };
                    self.changing
                        .start(cx, async move { change.await.map(|_| done) });
                }
                if cx.aws.is_local()
                    && icon::button(ui, Icon::Wheel, "What if…")
                        .on_hover_text("Try other settings on the records still in the stream")
                        .clicked()
                {
                    cx.send(Action::Go(Route::WhatIf(uuid.clone())));
                }
                if icon::button(ui, Icon::Batch, "Batches").clicked() {
                    cx.send(Action::Go(Route::Batches));
                }
            });
        });
    }

    fn save(&mut self, cx: &Cx<'_>, mapping: &EventSourceMappingConfiguration, saved: Saved) {
        let uuid = mapping.uuid().unwrap_or_default().to_owned();
        let Saved {
            config,
            enabled,
            function,
        } = saved;
        let aws = cx.aws.clone();
        let change = lambda::update_mapping(aws, uuid, config, Some(enabled), function);
        self.changing.start(
            cx,
            async move { change.await.map(|_| "Updating the trigger") },
        );
    }

    fn confirm_ui(
        &mut self,
        ui: &Ui,
        cx: &Cx<'_>,
        chosen: Option<&EventSourceMappingConfiguration>,
    ) {
        let Some(answer) = self.confirm.as_mut().and_then(|it| it.ui(ui.ctx())) else {
            return;
        };
        self.confirm = None;
        if answer && let Some(uuid) = chosen.and_then(|it| it.uuid()) {
            let change = lambda::delete_mapping(cx.aws.clone(), uuid.to_owned());
            self.changing.start(
                cx,
                async move { change.await.map(|()| "Deleting the trigger") },
            );
        }
    }
}

fn head_ui(ui: &mut Ui, cx: &Cx<'_>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Triggers").text_style(theme::title()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon::primary(ui, Icon::Plus, "Add trigger…").clicked() {
                cx.send(new_trigger());
            }
            if icon::only(ui, Icon::Refresh, "Reload triggers").clicked() {
                cx.send(Action::Reload(Listing::Mappings));
            }
        });
    });
    ui.add_space(theme::GUTTER);
}

fn new_trigger() -> Action {
    Action::Go(Route::NewTrigger {
        stream_arn: None,
        function: None,
    })
}

fn cell_ui(ui: &mut Ui, mapping: &EventSourceMappingConfiguration, column: usize, live: &Live) {
    let tokens = theme::of(ui);
    let (words, color) = match column {
        0 => (table_of(mapping).to_owned(), tokens.text_strong),
        1 => (function_of(mapping).to_owned(), tokens.text_strong),
        3 => {
            let size = mapping.batch_size().unwrap_or_default();
            let window = mapping.maximum_batching_window_in_seconds();
            let words = format!("{size} · {} s", window.unwrap_or_default());
            (words, tokens.text)
        }
        4 => {
            let story = mapping.uuid().and_then(|uuid| live.mapping(uuid));
            let count = story.map_or(0, |it| it.funnel.succeeded);
            (count.to_string(), tokens.text)
        }
        _ => {
            let result = result_of(mapping, live);
            let color = if result.starts_with("PROBLEM") {
                tokens.failed
            } else {
                tokens.text
            };
            (result.to_owned(), color)
        }
    };
    let label = egui::Label::new(RichText::new(&words).color(color)).truncate();
    ui.add(label).on_hover_text(words);
}

/// The last processing result: what the poller said last, where it was heard, or what the listing says.
fn result_of<'a>(mapping: &'a EventSourceMappingConfiguration, live: &'a Live) -> &'a str {
    let story = mapping.uuid().and_then(|uuid| live.mapping(uuid));
    let told = story.and_then(|it| it.result.as_deref());
    told.or(mapping.last_processing_result())
        .unwrap_or_default()
}

fn state_ui(ui: &mut Ui, mapping: &EventSourceMappingConfiguration, paused: &BTreeSet<String>) {
    let state = mapping.state().unwrap_or_default();
    let health = match state {
        "Enabled" => Health::Ok,
        "Disabled" => Health::Filtered,
        _ => Health::InFlight,
    };
    chip::health(ui, health, state);
    if paused.contains(mapping.uuid().unwrap_or_default()) {
        chip::health(ui, Health::Retry, "paused");
    }
}

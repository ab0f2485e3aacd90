//! "Can this role run this trigger?": the question, IAM's answer action by action, and the way to mend it.

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use egui::{RichText, Ui};

use super::data::{self, Answer, Check, Facts};
use super::fix_ui::Fixing;
use super::pickers;
use crate::arn::Arn;
use crate::aws::iam::{Decision, RoleDetail, Verdict, trigger_needs};
use crate::aws::{self, Ground};
use crate::ui::names::{function_of, table_of};
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Remote, Route, remote, theme};

const ACTION_WIDTH: f32 = 220.0;
/// Reasons take half of what is left, up to this.
const REASON_WIDTH: f32 = 420.0;

/// What is asked of IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    role_arn: String,
    stream_arn: String,
    function: String,
    on_failure: Option<String>,
}

#[derive(Default)]
pub(super) struct CheckCard {
    /// A trigger's UUID; otherwise stream, function and queue are asked about.
    trigger: Option<String>,
    stream_arn: String,
    function: String,
    queue: String,
    /// A first choice was made, by us or by the user.
    is_chosen: bool,
    asked: Option<Question>,
    /// The question is as before, but the role may have changed.
    is_stale: bool,
    verdicts: Remote<Vec<Verdict>>,
    fixing: Option<Fixing>,
    /// The way to mend it is shown once it is known that something has to be mended.
    wants_fix: bool,
}

impl CheckCard {
    /// Asks about this trigger, and shows what would mend the role for it.
    pub(super) fn fix(&mut self, trigger: &str) {
        self.trigger = Some(trigger.to_owned());
        self.is_chosen = true;
        self.is_stale = true;
        self.wants_fix = true;
    }

    /// Asks again: the role was changed.
    pub(super) fn ask_again(&mut self) {
        self.is_stale = true;
    }

    /// True when the role was mended.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        detail: &RoleDetail,
        facts: &Facts,
    ) -> bool {
        self.choose(cx, detail);
        let question = self.question(cx, detail);
        self.ask(cx, question.as_ref());
        self.verdicts.poll();
        let verdicts = self.verdicts.value().filter(|_| question.is_some());
        let checks = verdicts.map(|it| facts.checks(it));
        let mut mended = false;
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            self.head_ui(ui, detail, checks.as_deref());
            self.question_ui(ui, cx);
            if let Some(question) = &question {
                function_ui(ui, cx, detail, &question.function);
            } else {
                ui.weak("Choose a stream and the function that reads it");
            }
            if let Some(error) = self.verdicts.error() {
                remote::error_ui(ui, error);
            }
            let Some(checks) = checks else {
                if self.verdicts.is_pending() {
                    remote::loading_ui(ui);
                }
                return;
            };
            // An answer from before says nothing of the role as it is now.
            if self.wants_fix && !self.verdicts.is_pending() {
                self.wants_fix = false;
                let fails = checks.iter().any(Check::fails);
                self.fixing = fails.then(|| Fixing::of(self.trigger.clone()));
            }
            ui.add_space(4.0);
            checks_ui(ui, facts, &checks);
            if cx.aws.about().ground == Ground::Aws {
                let words = "Judged by IAM's policy simulator from the role's own policies. Service control policies and policies of the resources are not judged.";
                ui.label(RichText::new(words).small().color(theme::of(ui).text_muted));
            }
            if let (Some(fixing), Some(question)) = (&mut self.fixing, &question) {
                let policy = format!("waterwheel-{}", question.function);
                match fixing.ui(ui, cx, detail, &checks, &policy) {
                    super::fix_ui::Event::None => (),
                    super::fix_ui::Event::Closed => self.fixing = None,
                    super::fix_ui::Event::Mended => mended = true,
                }
            }
        });
        if mended {
            self.fixing = None;
            self.is_stale = true;
        }
        mended
    }

    /// Begins with a trigger whose function has this role, or with what there is.
    fn choose(&mut self, cx: &Cx<'_>, detail: &RoleDetail) {
        let (Some(mappings), Some(functions), Some(tables)) = (
            cx.catalog.mappings.value(),
            cx.catalog.functions.value(),
            cx.catalog.tables.value(),
        ) else {
            return;
        };
        if let Some(uuid) = &self.trigger
            && !mappings.iter().any(|it| it.uuid() == Some(uuid))
        {
            self.trigger = None;
            self.is_chosen = false;
        }
        if self.is_chosen {
            return;
        }
        let role = detail.role.arn();
        let own = functions.iter().find(|it| it.role() == Some(role));
        let own_arn = own.and_then(|it| it.function_arn());
        let trigger = mappings
            .iter()
            .find(|it| own_arn.is_some() && it.function_arn() == own_arn)
            .or_else(|| mappings.first().filter(|_| own.is_none()));
        self.trigger = trigger.and_then(|it| it.uuid()).map(str::to_owned);
        let function = own.or_else(|| functions.first());
        let stream = tables.iter().find_map(|it| it.latest_stream_arn());
        if let (None, Some(stream), Some(function)) = (&self.trigger, stream, function) {
            stream.clone_into(&mut self.stream_arn);
            function
                .function_name()
                .unwrap_or_default()
                .clone_into(&mut self.function);
        }
        self.is_chosen = trigger.is_some() || stream.is_some() && function.is_some();
    }

    fn question(&self, cx: &Cx<'_>, detail: &RoleDetail) -> Option<Question> {
        let role_arn = detail.role.arn().to_owned();
        if let Some(uuid) = &self.trigger {
            let mapping = cx.catalog.mappings.value()?;
            let mapping = mapping.iter().find(|it| it.uuid() == Some(uuid))?;
            return Some(Question {
                role_arn,
                stream_arn: mapping.event_source_arn()?.to_owned(),
                function: function_of(mapping).to_owned(),
                on_failure: aws::lambda::config_of(mapping).on_failure,
            });
        }
        let is_whole = !self.stream_arn.is_empty() && !self.function.is_empty();
        is_whole.then(|| Question {
            role_arn,
            stream_arn: self.stream_arn.clone(),
            function: self.function.clone(),
            on_failure: Some(self.queue.clone()).filter(|it| !it.is_empty()),
        })
    }

    fn ask(&mut self, cx: &Cx<'_>, question: Option<&Question>) {
        let Some(question) = question else { return };
        if self.asked.as_ref() != Some(question) {
            self.verdicts.clear();
            self.fixing = None;
            self.asked = Some(question.clone());
            self.is_stale = true;
        }
        if std::mem::take(&mut self.is_stale) {
            let role = question.role_arn.clone();
            let check = aws::iam::check(cx.aws.clone(), role, needs(question));
            self.verdicts.start(cx, check);
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, detail: &RoleDetail, checks: Option<&[Check]>) {
        ui.horizontal(|ui| {
            let title = RichText::new("Can this role run this trigger?");
            ui.label(title.text_style(theme::subtitle()));
            let Some(checks) = checks else { return };
            let (answer, words) = data::answer(checks);
            let health = match answer {
                Answer::Yes => Health::Ok,
                Answer::WithoutLogs => Health::Retry,
                Answer::CannotTell => Health::Idle,
                Answer::No => Health::Failed,
            };
            chip::health(ui, health, &words);
            if checks.iter().any(Check::fails) && self.fixing.is_none() {
                let role = detail.role.role_name();
                if icon::button(ui, Icon::Edit, "Fix…")
                    .on_hover_text(format!("Show what would mend {role}, before it is done"))
                    .clicked()
                {
                    self.fixing = Some(Fixing::of(self.trigger.clone()));
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Refresh, "Check again").clicked() {
                    self.is_stale = true;
                }
                if self.verdicts.is_pending() {
                    remote::loading_ui(ui);
                }
            });
        });
    }

    fn question_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let mappings = cx.catalog.mappings.value().map_or(&[][..], Vec::as_slice);
        ui.horizontal_wrapped(|ui| {
            if !mappings.is_empty() {
                let current = mappings
                    .iter()
                    .find(|it| it.uuid() == self.trigger.as_deref());
                let other = "Another stream and function";
                let text = current.map_or_else(|| other.to_owned(), name_of);
                let picker = egui::ComboBox::new("trigger to check", "")
                    .selected_text(text)
                    .width(280.0)
                    .truncate()
                    .show_ui(ui, |ui| {
                        for mapping in mappings {
                            let value = mapping.uuid().map(str::to_owned);
                            ui.selectable_value(&mut self.trigger, value, name_of(mapping));
                        }
                        ui.selectable_value(&mut self.trigger, None, other);
                    });
                picker.response.accessible_name("Trigger");
            }
            if let Some(uuid) = &self.trigger
                && ui.link("Show trigger").clicked()
            {
                cx.send(Action::Go(Route::Trigger(uuid.clone())));
            }
            if self.trigger.is_none() {
                pickers::stream_ui(ui, cx, &mut self.stream_arn);
                pickers::function_ui(ui, cx, &mut self.function);
                pickers::queue_ui(ui, cx, &mut self.queue);
                self.is_chosen |= !self.stream_arn.is_empty();
            }
        });
    }
}

/// Says so when the function has another role: the answer is about this one.
fn function_ui(ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail, name: &str) {
    let functions = cx.catalog.functions.value();
    let function = functions
        .into_iter()
        .flatten()
        .find(|it| it.function_name() == Some(name));
    let role = function.and_then(|it| it.role());
    if let Some(role) = role.filter(|it| *it != detail.role.arn())
        && let Ok(arn) = role.parse::<Arn>()
    {
        ui.horizontal(|ui| {
            icon::show(ui, Icon::Info, theme::of(ui).text_muted);
            ui.weak(format!("{name} runs as another role:"));
            if ui.link(arn.name()).clicked() {
                cx.send(Action::Go(Route::Role(arn.name().to_owned())));
            }
        });
    }
}

fn checks_ui(ui: &mut Ui, facts: &Facts, checks: &[Check]) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for check in checks {
            check_ui(ui, facts, check);
        }
    });
    // One refusal leaves many checks open: it is said once.
    let mut said: Vec<&str> = Vec::new();
    for check in checks {
        if let Decision::CannotTell { why } = &check.decision
            && !said.contains(&why.as_str())
        {
            said.push(why);
            ui.horizontal_wrapped(|ui| {
                icon::show(ui, Icon::Info, theme::of(ui).text_muted);
                ui.weak(why);
            });
        }
    }
}

fn check_ui(ui: &mut Ui, facts: &Facts, check: &Check) {
    let tokens = theme::of(ui);
    let (health, words) = match check.decision {
        Decision::Allowed { .. } => (Health::Ok, "passes"),
        Decision::Denied { .. } | Decision::Bounded | Decision::NoStatement => {
            (Health::Failed, "fails")
        }
        Decision::CannotTell { .. } => (Health::Idle, "open"),
    };
    let reason = facts.reason(check);
    ui.horizontal(|ui| {
        chip::dot(ui, health, words);
        let start = ui.cursor().left();
        let action = RichText::new(&check.action).color(tokens.text_strong);
        let action = if check.action == data::ASSUMED {
            action
        } else {
            action.monospace()
        };
        ui.label(action);
        ui.add_space((start + ACTION_WIDTH - ui.cursor().left()).max(0.0));
        let color = match health {
            Health::Failed => tokens.failed,
            _ => tokens.text,
        };
        let room = ui.available_width();
        let width = (room / 2.0).min(REASON_WIDTH);
        let width = if check.resource.is_empty() {
            room
        } else {
            width
        };
        let size = egui::vec2(width, theme::ROW_COMPACT);
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(size, layout, |ui| {
            ui.set_min_width(width);
            let reason = RichText::new(&reason).color(color);
            ui.add(egui::Label::new(reason).truncate());
        });
        if !check.resource.is_empty() {
            let resource = RichText::new(tail(&check.resource)).monospace();
            ui.add(egui::Label::new(resource.color(tokens.text_muted)).truncate())
                .on_hover_text(&check.resource);
        }
    });
    if let Some(near) = &check.near {
        ui.horizontal_wrapped(|ui| {
            ui.add_space(24.0);
            ui.weak(RichText::new(format!("closest: {near}")).small());
        });
    }
}

/// `Orders to on-order`.
fn name_of(mapping: &EventSourceMappingConfiguration) -> String {
    format!("{} to {}", table_of(mapping), function_of(mapping))
}

/// What the role must be allowed. Streams are listed by Lambda for this stream only.
fn needs(question: &Question) -> Vec<(String, String)> {
    let group = format!("/aws/lambda/{}", question.function);
    let needs = trigger_needs(&question.stream_arn, question.on_failure.as_deref(), &group);
    let own = |(action, resource): (String, String)| {
        let resource = if action == "dynamodb:ListStreams" {
            question.stream_arn.clone()
        } else {
            resource
        };
        (action, resource)
    };
    needs.into_iter().map(own).collect()
}

/// An ARN without the heads that are the same everywhere.
fn tail(resource: &str) -> String {
    let arn: Result<Arn, _> = resource.parse();
    arn.map_or_else(|_| resource.to_owned(), |it| it.resource)
}

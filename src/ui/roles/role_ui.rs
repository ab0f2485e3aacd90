//! One role: what it is, whether it fits its trigger, its policies and who may assume it.

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::{RichText, Ui};

use super::check_ui::CheckCard;
use super::data::Facts;
use super::document_ui::{DocumentEditor, HEIGHT, document_ui, save_pressed};
use super::documents::Kind;
use super::policies_ui::PoliciesTab;
use super::summary_ui::SummaryTab;
use crate::aws;
use crate::aws::iam::{Decision, RoleDetail};
use crate::ui::widgets::{Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Remote, Route, Toast, remote, theme, time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Policies,
    Trust,
    Summary,
}

/// The role that is shown.
pub(super) struct Open {
    pub(super) name: String,
    detail: Remote<RoleDetail>,
    /// What `detail` says, worked out when it arrived.
    facts: Option<Facts>,
    check: CheckCard,
    tab: Tab,
    policies: PoliciesTab,
    trust: TrustTab,
    summary: SummaryTab,
}

#[derive(Default)]
struct TrustTab {
    editing: Option<DocumentEditor>,
    saving: Remote<()>,
}

impl Open {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            detail: Remote::default(),
            facts: None,
            check: CheckCard::default(),
            tab: Tab::default(),
            policies: PoliciesTab::default(),
            trust: TrustTab::default(),
            summary: SummaryTab::default(),
        }
    }

    /// Something was typed and not saved.
    pub(super) fn is_changed(&self) -> bool {
        let trust = self.trust.editing.as_ref();
        self.policies.is_changed() || trust.is_some_and(DocumentEditor::is_changed)
    }

    /// Managed policies that a deletion detaches first.
    pub(super) fn attached(&self) -> impl Iterator<Item = &str> {
        let detail = self.detail.value();
        detail
            .into_iter()
            .flat_map(|it| it.attached.iter().map(|it| it.name.as_str()))
    }

    /// Asks again; what is shown stays until the answer comes.
    pub(super) fn reload(&mut self, cx: &Cx<'_>) {
        let detail = aws::iam::get_role(cx.aws.clone(), self.name.clone());
        self.detail.start(cx, detail);
        self.check.ask_again();
    }

    /// Shows what would mend it for this trigger.
    pub(super) fn fix(&mut self, trigger: &str) {
        self.check.fix(trigger);
        // It may have been changed since it was read.
        self.detail.clear();
    }

    /// True when "Delete role…" was clicked.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> bool {
        if self.detail.is_idle() {
            self.reload(cx);
        }
        if self.detail.poll() {
            self.facts = self.detail.value().map(Facts::of);
        }
        let delete = self.head_ui(ui);
        if let Some(error) = self.detail.error() {
            remote::error_ui(ui, error);
        }
        let (Some(detail), Some(facts)) = (self.detail.value(), &self.facts) else {
            if self.detail.is_pending() {
                remote::loading_ui(ui);
            } else {
                ui.add_space(theme::GUTTER);
                if icon::button(ui, Icon::Refresh, "Try again").clicked() {
                    self.reload(cx);
                }
            }
            return delete;
        };
        facts_ui(ui, cx, detail);
        ui.add_space(theme::GUTTER);
        let mut changed = self.check.ui(ui, cx, detail, facts);
        ui.add_space(theme::SECTION_GAP);
        ui.horizontal(|ui| {
            for (tab, name) in [
                (Tab::Policies, "Policies"),
                (Tab::Trust, "Trust policy"),
                (Tab::Summary, "Resource summary"),
            ] {
                ui.selectable_value(&mut self.tab, tab, name);
            }
        });
        ui.separator();
        changed |= match self.tab {
            Tab::Policies => self.policies.ui(ui, cx, detail),
            Tab::Trust => self.trust.ui(ui, cx, detail),
            Tab::Summary => {
                self.summary.ui(ui, facts);
                false
            }
        };
        if changed {
            self.reload(cx);
        }
        delete
    }

    fn head_ui(&self, ui: &mut Ui) -> bool {
        let mut delete = false;
        ui.horizontal(|ui| {
            let title = RichText::new(&self.name).text_style(theme::title());
            ui.label(title.color(theme::of(ui).text_strong));
            if let Some(facts) = &self.facts {
                trusted_ui(ui, facts);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if self.detail.value().is_some() {
                    delete = icon::only(ui, Icon::Trash, "Delete role…").clicked();
                    if self.detail.is_pending() {
                        remote::loading_ui(ui);
                    }
                }
            });
        });
        delete
    }
}

impl TrustTab {
    /// True when the trust policy was changed.
    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail) -> bool {
        if self.saving.poll() && self.saving.error().is_none() {
            self.editing = None;
            cx.send(Action::Toast(Toast::good("Changed the trust policy")));
            return true;
        }
        let Some(editor) = &mut self.editing else {
            ui.horizontal(|ui| {
                ui.weak("Says who may assume this role");
                if icon::button(ui, Icon::Edit, "Edit trust policy").clicked() {
                    self.saving.clear();
                    self.editing = Some(DocumentEditor::new(Kind::Trust, &detail.trust));
                }
            });
            document_ui(ui, "trust", &detail.trust);
            return false;
        };
        editor.ui(ui, "Trust policy document", HEIGHT);
        if let Some(error) = self.saving.error() {
            remote::error_ui(ui, error);
        }
        let mut closed = false;
        ui.horizontal(|ui| {
            let busy = self.saving.is_pending();
            let words = if busy {
                "Saving…"
            } else {
                "Save trust policy"
            };
            let can = editor.is_fine() && !busy;
            let save = ui.add_enabled_ui(can, |ui| icon::primary(ui, Icon::Save, words));
            if save.inner.on_hover_text("Ctrl S").clicked() || can && save_pressed(ui) {
                let role = detail.role.role_name().to_owned();
                let text = editor.text().to_owned();
                let saved = aws::iam::update_trust(cx.aws.clone(), role, text);
                self.saving.start(cx, saved);
            }
            closed = ui.button("Cancel").clicked();
            if editor.is_changed() {
                ui.weak("not saved yet");
            }
        });
        if closed {
            self.editing = None;
            self.saving.clear();
        }
        false
    }
}

/// Functions that run as this role.
pub(super) fn users_of<'a>(
    cx: &'a Cx<'_>,
    is_role: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = &'a str> {
    let functions = cx.catalog.functions.value().into_iter().flatten();
    functions
        .filter(move |it| it.role().is_some_and(&is_role))
        .filter_map(FunctionConfiguration::function_name)
}

fn trusted_ui(ui: &mut Ui, facts: &Facts) {
    let (health, words) = match facts.lambda {
        Decision::Allowed { .. } => (Health::Ok, "Lambda may assume it"),
        Decision::CannotTell { .. } => (Health::Idle, "Lambda may assume it under a condition"),
        _ => (Health::Failed, "Lambda may not assume it"),
    };
    let who = if facts.trusted.is_empty() {
        "nobody".to_owned()
    } else {
        facts.trusted.join(", ")
    };
    chip::health(ui, health, &format!("trusted by {who}")).on_hover_text(words);
}

fn facts_ui(ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail) {
    let tokens = theme::of(ui);
    let role = &detail.role;
    ui.horizontal(|ui| {
        ui.label(RichText::new(role.arn()).monospace().color(tokens.text));
        if icon::only(ui, Icon::Copy, "Copy ARN").clicked() {
            ui.copy_text(role.arn().to_owned());
        }
    });
    ui.horizontal_wrapped(|ui| {
        if let Ok(created) = std::time::SystemTime::try_from(*role.create_date()) {
            ui.weak(format!("created {}", time::date_time(created)));
        }
        let users: Vec<&str> = users_of(cx, |arn| arn == role.arn()).collect();
        if users.is_empty() {
            ui.weak("· no function runs as it");
        } else {
            ui.weak("· used by");
        }
        for name in users {
            if ui.link(name).clicked() {
                cx.send(Action::Go(Route::Function(name.to_owned())));
            }
        }
        if let Some(boundary) = &detail.boundary {
            ui.weak("· permissions boundary");
            ui.label(&boundary.name).on_hover_text(&boundary.arn);
        }
    });
}

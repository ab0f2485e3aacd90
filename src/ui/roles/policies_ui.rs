//! A role's permissions: managed policies to attach and detach, policies that live in the role to write and delete.

use egui::{RichText, Ui};

use super::document_ui::{DocumentEditor, HEIGHT, document_ui, save_pressed};
use super::documents::{self, Kind};
use crate::aws;
use crate::aws::iam::{AttachedPolicy, InlinePolicy, MANAGED_TRIGGER_POLICIES, RoleDetail};
use crate::ui::widgets::{Confirm, Icon, form, icon};
use crate::ui::{Action, Cx, Remote, Toast, remote, theme};

/// A policy of the role being written.
struct Editing {
    /// Its name before; none for a new one.
    original: Option<String>,
    name: String,
    document: DocumentEditor,
    saving: Remote<()>,
    /// Violations of the name show after the first try.
    tried: bool,
    /// It was scrolled to when it opened.
    is_seen: bool,
}

/// What a question is about.
enum Asked {
    Detach(AttachedPolicy),
    Delete(String),
}

#[derive(Default)]
pub(super) struct PoliciesTab {
    arn: String,
    attaching: Remote<()>,
    removing: Remote<()>,
    asked: Option<(Asked, Confirm)>,
    editing: Option<Editing>,
    /// Policies whose documents are shown: ARNs of managed ones, names of inline ones.
    shown: Vec<String>,
}

impl PoliciesTab {
    /// True when the role was changed.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail) -> bool {
        let changed = self.poll(cx);
        ui.label(RichText::new("Managed policies").text_style(theme::subtitle()));
        if detail.attached.is_empty() {
            ui.weak("None is attached");
        }
        for policy in &detail.attached {
            self.attached_ui(ui, policy);
        }
        self.attach_ui(ui, cx, detail);
        ui.add_space(theme::SECTION_GAP);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Inline policies").text_style(theme::subtitle()));
            if self.editing.is_none() && icon::button(ui, Icon::Plus, "New inline policy").clicked()
            {
                self.editing = Some(Editing::new(None, "", &documents::template()));
            }
        });
        if detail.inline.is_empty() && self.editing.is_none() {
            ui.weak("None lives in this role");
        }
        for policy in &detail.inline {
            self.inline_ui(ui, cx, detail, policy);
        }
        if self.edits(None) {
            self.editing_ui(ui, cx, detail);
        }
        if let Some(boundary) = &detail.boundary {
            ui.add_space(theme::SECTION_GAP);
            ui.label(RichText::new("Permissions boundary").text_style(theme::subtitle()));
            ui.weak("Allows nothing by itself: what it does not allow, no policy above can");
            self.boundary_ui(ui, boundary);
        }
        if let Some(error) = self.removing.error() {
            remote::error_ui(ui, error);
        }
        self.confirm_ui(ui, cx, detail);
        changed
    }

    /// Something was typed and not saved.
    pub(super) fn is_changed(&self) -> bool {
        self.editing.as_ref().is_some_and(|it| {
            it.document.is_changed() || it.original.is_none() && !it.name.is_empty()
        })
    }

    fn poll(&mut self, cx: &Cx<'_>) -> bool {
        let mut changed = false;
        let mut done = |slot: &mut Remote<()>, words: &str| {
            let arrived = slot.poll() && slot.error().is_none();
            if arrived {
                cx.send(Action::Toast(Toast::good(words)));
                changed = true;
            }
            arrived
        };
        if done(&mut self.attaching, "Attached the policy") {
            self.arn.clear();
        }
        done(&mut self.removing, "Removed the policy");
        if let Some(editing) = &mut self.editing
            && done(
                &mut editing.saving,
                &format!("Saved policy {}", editing.name),
            )
        {
            self.editing = None;
        }
        changed
    }

    /// Whether this policy, or a new one, is being written.
    fn edits(&self, original: Option<&str>) -> bool {
        let editing = self.editing.as_ref();
        editing.is_some_and(|it| it.original.as_deref() == original)
    }

    fn attached_ui(&mut self, ui: &mut Ui, policy: &AttachedPolicy) {
        let mut is_shown = false;
        ui.horizontal(|ui| {
            is_shown = self.fold_ui(ui, &policy.name, &policy.arn);
            ui.label(RichText::new(&policy.name).color(theme::of(ui).text_strong));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let words = format!("Detach {}…", policy.name);
                if icon::only(ui, Icon::Close, &words).clicked() {
                    let confirm = Confirm::new(format!("Detach {}", policy.name)).consequence(
                        "The role loses what only this policy allows. The policy itself stays.",
                    );
                    self.asked = Some((Asked::Detach(policy.clone()), confirm));
                }
                let arn = RichText::new(&policy.arn).monospace();
                let arn = arn.color(theme::of(ui).text_muted);
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(arn).truncate());
                });
            });
        });
        if is_shown {
            managed_ui(ui, &policy.arn, policy);
        }
    }

    fn boundary_ui(&mut self, ui: &mut Ui, policy: &AttachedPolicy) {
        // It may be attached as well.
        let key = format!("boundary {}", policy.arn);
        let mut is_shown = false;
        ui.horizontal(|ui| {
            is_shown = self.fold_ui(ui, &policy.name, &key);
            ui.label(RichText::new(&policy.name).color(theme::of(ui).text_strong));
            let arn = RichText::new(&policy.arn).monospace();
            ui.label(arn.color(theme::of(ui).text_muted));
        });
        if is_shown {
            managed_ui(ui, &key, policy);
        }
    }

    fn attach_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail) {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let picker = egui::ComboBox::new("policy to attach", "")
                .selected_text("Policies for triggers")
                .width(200.0)
                .show_ui(ui, |ui| {
                    for (name, arn, about) in MANAGED_TRIGGER_POLICIES {
                        let attached = detail.attached.iter().any(|it| it.arn == arn);
                        ui.add_enabled_ui(!attached, |ui| {
                            let words = if attached {
                                format!("{name} (attached)")
                            } else {
                                name.to_owned()
                            };
                            let entry = ui.selectable_label(self.arn == arn, words);
                            if entry.on_hover_text(about).clicked() {
                                arn.clone_into(&mut self.arn);
                            }
                        });
                    }
                });
            picker.response.accessible_name("Policies for triggers");
            let field = egui::TextEdit::singleline(&mut self.arn)
                .hint_text("or the ARN of any policy")
                .font(egui::TextStyle::Monospace)
                .desired_width((ui.available_width() - 120.0).clamp(120.0, 560.0));
            let field = ui.add(field).accessible_name("ARN of the policy to attach");
            let entered = field.lost_focus() && ui.input(|it| it.key_pressed(egui::Key::Enter));
            let can = !self.arn.trim().is_empty() && !self.attaching.is_pending();
            let button = ui.add_enabled_ui(can, |ui| icon::button(ui, Icon::Plug, "Attach"));
            if can && (button.inner.clicked() || entered) {
                let role = detail.role.role_name().to_owned();
                let attach = aws::iam::attach(cx.aws.clone(), role, self.arn.trim().to_owned());
                self.attaching.start(cx, attach);
            }
        });
        if let Some(error) = self.attaching.error() {
            remote::error_ui(ui, error);
        }
    }

    fn inline_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail, policy: &InlinePolicy) {
        if self.edits(Some(&policy.name)) {
            self.editing_ui(ui, cx, detail);
            return;
        }
        let mut is_shown = false;
        ui.horizontal(|ui| {
            is_shown = self.fold_ui(ui, &policy.name, &policy.name);
            ui.label(RichText::new(&policy.name).color(theme::of(ui).text_strong));
            ui.weak(summary(&policy.document));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let words = format!("Delete policy {}…", policy.name);
                if icon::only(ui, Icon::Trash, &words).clicked() {
                    let confirm = Confirm::new(format!("Delete policy {}", policy.name))
                        .consequence("Its document lives only in this role and is gone with it.");
                    self.asked = Some((Asked::Delete(policy.name.clone()), confirm));
                }
                let words = format!("Edit policy {}", policy.name);
                // One at a time: what is typed is never thrown away by a click elsewhere.
                let free = self.editing.is_none();
                let edit = ui.add_enabled_ui(free, |ui| icon::only(ui, Icon::Edit, &words));
                if edit.inner.clicked() {
                    let name = Some(policy.name.clone());
                    self.editing = Some(Editing::new(name, &policy.name, &policy.document));
                }
            });
        });
        if is_shown {
            document_ui(ui, &policy.name, &policy.document);
        }
    }

    /// Folds a policy's document in and out; true while it is out.
    fn fold_ui(&mut self, ui: &mut Ui, name: &str, key: &str) -> bool {
        let is_shown = self.shown.iter().any(|it| it == key);
        let (sign, verb) = if is_shown {
            (Icon::ChevronDown, "Hide")
        } else {
            (Icon::ChevronRight, "Show")
        };
        if icon::only(ui, sign, &format!("{verb} policy {name}")).clicked() {
            if is_shown {
                self.shown.retain(|it| it != key);
            } else {
                self.shown.push(key.to_owned());
            }
        }
        is_shown
    }

    fn editing_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &RoleDetail) {
        let Some(editing) = &mut self.editing else {
            return;
        };
        let mut closed = false;
        let card = theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            if let Some(name) = &editing.original {
                ui.label(RichText::new(name).color(theme::of(ui).text_strong));
            } else {
                let wrong = editing
                    .tried
                    .then(|| name_violation(&editing.name))
                    .flatten();
                let help = "Letters, digits and + = , . @ - _";
                let name = &mut editing.name;
                form::text(ui, "Policy name", name, help, wrong.as_deref());
            }
            editing.document.ui(ui, "Policy document", HEIGHT);
            if let Some(error) = editing.saving.error() {
                remote::error_ui(ui, error);
            }
            ui.horizontal(|ui| {
                let busy = editing.saving.is_pending();
                let words = if busy { "Saving…" } else { "Save policy" };
                let can = editing.document.is_fine() && !busy;
                let save = ui.add_enabled_ui(can, |ui| icon::primary(ui, Icon::Save, words));
                if save.inner.on_hover_text("Ctrl S").clicked() || can && save_pressed(ui) {
                    editing.tried = true;
                    editing.save(cx, detail);
                }
                closed = ui.button("Cancel").clicked();
                if editing.document.is_changed() {
                    ui.weak("not saved yet");
                }
            });
        });
        if !editing.is_seen {
            editing.is_seen = true;
            card.response.scroll_to_me(None);
        }
        if closed {
            self.editing = None;
        }
    }

    fn confirm_ui(&mut self, ui: &Ui, cx: &Cx<'_>, detail: &RoleDetail) {
        let Some((_, confirm)) = &mut self.asked else {
            return;
        };
        let Some(answer) = confirm.ui(ui.ctx()) else {
            return;
        };
        let Some((asked, _)) = self.asked.take().filter(|_| answer) else {
            return;
        };
        let (aws, role) = (cx.aws.clone(), detail.role.role_name().to_owned());
        match asked {
            Asked::Detach(policy) => {
                let gone = aws::iam::detach(aws, role, policy.arn);
                self.removing.start(cx, gone);
            }
            Asked::Delete(policy) => {
                let gone = aws::iam::delete_inline(aws, role, policy);
                self.removing.start(cx, gone);
            }
        }
    }
}

impl Editing {
    fn new(original: Option<String>, name: &str, document: &str) -> Self {
        Self {
            original,
            name: name.to_owned(),
            document: DocumentEditor::new(Kind::Permissions, document),
            saving: Remote::default(),
            tried: false,
            is_seen: false,
        }
    }

    fn save(&mut self, cx: &Cx<'_>, detail: &RoleDetail) {
        if name_violation(&self.name).is_some() {
            return;
        }
        let role = detail.role.role_name().to_owned();
        let (name, text) = (self.name.trim().to_owned(), self.document.text().to_owned());
        let saved = aws::iam::put_inline(cx.aws.clone(), role, name, text);
        self.saving.start(cx, saved);
    }
}

fn managed_ui(ui: &mut Ui, id: &str, policy: &AttachedPolicy) {
    match &policy.document {
        Some(document) => document_ui(ui, id, document),
        None => {
            ui.weak("This connection may not read the policy's document");
        }
    }
}

/// `3 statements, 7 actions`.
fn summary(document: &str) -> String {
    let all = documents::statements(document);
    let actions: usize = all.iter().map(|it| it.actions.items.len()).sum();
    let count = |number: usize, noun: &str| form::counted(number as u64, noun);
    format!(
        "{}, {}",
        count(all.len(), "statement"),
        count(actions, "action")
    )
}

/// What is wrong with the name of a role or a policy; IAM's rule for both.
pub(super) fn name_violation(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() {
        return Some("Type a name".to_owned());
    }
    let fine = |it: char| it.is_ascii_alphanumeric() || "+=,.@-_".contains(it);
    name.chars()
        .find(|it| !fine(*it))
        .map(|it| format!("\"{it}\" is not allowed; use letters, digits and + = , . @ - _"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slash_is_refused_and_says_which_letter() {
        assert!(name_violation("a/b").is_some_and(|it| it.contains("\"/\"")));
        assert_eq!(name_violation("read-orders_2@x"), None);
        assert!(name_violation("  ").is_some());
    }

    #[test]
    fn a_policy_is_summed_up_by_its_numbers() {
        assert_eq!(summary(&documents::template()), "1 statement, 1 action");
        assert_eq!(summary("{}"), "0 statements, 0 actions");
    }
}

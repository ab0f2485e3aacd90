//! A new execution role: who may assume it and what it may do, with the documents shown before they are sent.

use egui::{RichText, Ui};

use super::document_ui::{DocumentEditor, HEIGHT, document_ui};
use super::documents::Kind;
use super::pickers;
use super::policies_ui::name_violation;
use crate::aws;
use crate::aws::iam::{
    InlinePolicy, LAMBDA_TRUST, MANAGED_TRIGGER_POLICIES, NewRole, policy_for, trigger_needs,
};
use crate::ui::widgets::{Icon, form, icon};
use crate::ui::{Cx, Remote, names, remote, theme};

pub(super) enum Event {
    None,
    Cancelled,
    Created(String),
}

/// Who may assume the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trusted {
    Lambda,
    Custom,
}

/// Where its permissions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permissions {
    Managed,
    Least,
    None,
}

pub(super) struct Wizard {
    name: String,
    trusted: Trusted,
    trust: DocumentEditor,
    permissions: Permissions,
    /// Which of the managed policies are attached, in their order.
    managed: [bool; 2],
    stream_arn: String,
    queue: String,
    log_group: String,
    creating: Remote<String>,
    /// Violations show after the first try.
    tried: bool,
}

impl Default for Wizard {
    fn default() -> Self {
        Self {
            name: String::new(),
            trusted: Trusted::Lambda,
            trust: DocumentEditor::new(Kind::Trust, LAMBDA_TRUST),
            permissions: Permissions::Managed,
            managed: [true, false],
            stream_arn: String::new(),
            queue: String::new(),
            log_group: "/aws/lambda/".to_owned(),
            creating: Remote::default(),
            tried: false,
        }
    }
}

impl Wizard {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        if self.creating.poll()
            && let Some(name) = self.creating.take()
        {
            return Event::Created(name);
        }
        let tokens = theme::of(ui);
        let pane = egui::Frame::new()
            .fill(tokens.panel)
            .inner_margin(theme::PAGE);
        egui::Panel::right("what will be made")
            .default_size(480.0)
            .size_range(300.0..=640.0)
            .frame(pane)
            .show(ui, |ui| {
                egui::ScrollArea::vertical()
                    .auto_shrink(false)
                    .show(ui, |ui| self.preview_ui(ui));
            });
        let frame = egui::Frame::new().fill(tokens.canvas);
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| theme::page(ui, |ui| self.form_ui(ui, cx)))
            .inner
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        let tokens = theme::of(ui);
        let title = RichText::new("New role").text_style(theme::title());
        ui.label(title.color(tokens.text_strong));
        ui.weak("An execution role: Lambda assumes it to run a function and to read its stream");
        ui.add_space(theme::SECTION_GAP);
        let wrong = self.tried.then(|| role_violation(&self.name)).flatten();
        let help = "Up to 64 letters, digits and + = , . @ - _";
        form::text(ui, "Role name", &mut self.name, help, wrong.as_deref());
        let choices = [
            (Trusted::Lambda, "Lambda"),
            (Trusted::Custom, "Others, by a trust policy"),
        ];
        let help = match self.trusted {
            Trusted::Lambda => "lambda.amazonaws.com may assume the role",
            Trusted::Custom => "",
        };
        form::choice(ui, "Trusted entity", &mut self.trusted, &choices, help);
        if self.trusted == Trusted::Custom {
            self.trust.ui(ui, "Trust policy document", HEIGHT);
            ui.add_space(theme::GUTTER);
        }
        self.permissions_ui(ui, cx);
        if let Some(error) = self.creating.error() {
            remote::error_ui(ui, error);
        }
        ui.add_space(theme::GUTTER);
        self.buttons_ui(ui, cx)
    }

    fn permissions_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let choices = [
            (Permissions::Managed, "AWS managed policies"),
            (Permissions::Least, "Least privilege"),
            (Permissions::None, "None yet"),
        ];
        let help = match self.permissions {
            Permissions::Managed => "Kept by AWS; they allow more than one trigger needs",
            Permissions::Least => "An inline policy for just this stream, queue and log group",
            Permissions::None => "The role is of no use to a trigger until a policy is added",
        };
        form::choice(ui, "Permissions", &mut self.permissions, &choices, help);
        match self.permissions {
            Permissions::Managed => {
                for (on, (name, _, about)) in self.managed.iter_mut().zip(MANAGED_TRIGGER_POLICIES)
                {
                    form::check(ui, name, on, about);
                }
            }
            Permissions::Least => self.least_ui(ui, cx),
            Permissions::None => (),
        }
    }

    fn least_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let wrong = self.tried && self.stream_arn.is_empty();
        let wrong = wrong.then_some("Choose a table whose stream is on");
        form::row(ui, "Stream", "Read by the trigger", wrong, |ui| {
            pickers::stream_ui(ui, cx, &mut self.stream_arn);
        });
        let help = "Where given-up batches are reported";
        form::row(ui, "On-failure queue", help, None, |ui| {
            pickers::queue_ui(ui, cx, &mut self.queue);
        });
        let wrong = self.tried && self.log_group.trim().is_empty();
        let wrong = wrong.then_some("Type the name of a log group, or * for any");
        let help = "/aws/lambda/ and the function's name; the function need not exist yet";
        form::text(ui, "Log group", &mut self.log_group, help, wrong);
    }

    fn preview_ui(&self, ui: &mut Ui) {
        ui.label(RichText::new("What will be made").text_style(theme::subtitle()));
        let new = self.new_role();
        let name = if new.name.is_empty() {
            "…".to_owned()
        } else {
            new.name.clone()
        };
        step_ui(ui, 1, &format!("CreateRole {name}"));
        document_ui(ui, "trust", &new.trust);
        let mut nth = 1;
        for policy in &new.inline {
            nth += 1;
            step_ui(ui, nth, &format!("PutRolePolicy {}", policy.name));
            document_ui(ui, &policy.name, &policy.document);
        }
        for arn in &new.attached {
            nth += 1;
            step_ui(ui, nth, "AttachRolePolicy");
            let arn = RichText::new(arn).monospace();
            ui.add(egui::Label::new(arn).wrap());
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        let mut event = Event::None;
        ui.horizontal(|ui| {
            let busy = self.creating.is_pending();
            let words = if busy { "Creating…" } else { "Create role" };
            let create = ui.add_enabled_ui(!busy, |ui| icon::primary(ui, Icon::Check, words));
            if create.inner.clicked() {
                self.tried = true;
                self.create(cx);
            }
            if ui.button("Cancel").clicked() {
                event = Event::Cancelled;
            }
        });
        event
    }

    fn create(&mut self, cx: &Cx<'_>) {
        let is_least = self.permissions == Permissions::Least;
        if role_violation(&self.name).is_some()
            || self.trusted == Trusted::Custom && !self.trust.is_fine()
            || is_least && (self.stream_arn.is_empty() || self.log_group.trim().is_empty())
        {
            return;
        }
        let new = self.new_role();
        let name = new.name.clone();
        let made = aws::iam::create_role(cx.aws.clone(), new);
        self.creating
            .start(cx, async move { made.await.map(|_| name) });
    }

    /// The role as it is filled in so far.
    fn new_role(&self) -> NewRole {
        let trust = match self.trusted {
            Trusted::Lambda => LAMBDA_TRUST.to_owned(),
            Trusted::Custom => self.trust.text().to_owned(),
        };
        let mut new = NewRole {
            name: self.name.trim().to_owned(),
            trust,
            ..NewRole::default()
        };
        match self.permissions {
            Permissions::Managed => {
                let chosen = self.managed.iter().zip(MANAGED_TRIGGER_POLICIES);
                let chosen = chosen.filter(|(on, _)| **on);
                new.attached = chosen.map(|(_, (_, arn, _))| arn.to_owned()).collect();
            }
            Permissions::Least if !self.stream_arn.is_empty() => {
                let queue = Some(self.queue.as_str()).filter(|it| !it.is_empty());
                let needs = trigger_needs(&self.stream_arn, queue, self.log_group.trim());
                new.inline = vec![InlinePolicy {
                    name: format!(
                        "read-{}-stream",
                        names::stream_table(&self.stream_arn).unwrap_or_default()
                    ),
                    document: policy_for(&needs),
                }];
            }
            Permissions::Least | Permissions::None => (),
        }
        new
    }
}

fn step_ui(ui: &mut Ui, nth: usize, words: &str) {
    ui.add_space(theme::GUTTER);
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("{nth}.")).color(theme::of(ui).text_muted));
        ui.label(RichText::new(words).color(theme::of(ui).text_strong));
    });
}

/// What is wrong with a role's name.
fn role_violation(name: &str) -> Option<String> {
    if name.trim().len() > 64 {
        return Some("At most 64 characters".to_owned());
    }
    name_violation(name)
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::STREAM;
    use super::*;

    #[test]
    fn a_role_begins_with_what_the_tutorial_attaches() {
        let new = Wizard::default().new_role();
        assert_eq!(new.attached, [MANAGED_TRIGGER_POLICIES[0].1]);
        assert_eq!(new.trust, LAMBDA_TRUST);
        assert!(new.inline.is_empty());
    }

    #[test]
    fn least_privilege_names_the_stream_and_attaches_nothing() {
        let wizard = Wizard {
            permissions: Permissions::Least,
            stream_arn: STREAM.to_owned(),
            log_group: "/aws/lambda/f".to_owned(),
            ..Wizard::default()
        };
        let new = wizard.new_role();
        assert!(new.attached.is_empty());
        assert_eq!(new.inline[0].name, "read-Orders-stream");
        assert!(new.inline[0].document.contains("log-group:/aws/lambda/f"));
        assert!(!new.inline[0].document.contains("sqs:"));
    }

    #[test]
    fn a_name_of_65_letters_is_too_long() {
        assert!(role_violation(&"a".repeat(65)).is_some());
        assert_eq!(role_violation(&"a".repeat(64)), None);
    }
}

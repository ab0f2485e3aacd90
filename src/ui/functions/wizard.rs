//! A new function: a name, code to begin with, and a role, which can be made on the way.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egui::{RichText, Ui};

use super::settings_ui::role_ui;
use crate::aws::iam::NewRole;
use crate::aws::lambda::{Code, NewFunction};
use crate::aws::{self, Aws, Error, files, samples};
use crate::ui::widgets::form::{self, Number};
use crate::ui::widgets::{Icon, PathBox, icon};
use crate::ui::{Cx, Remote, theme};

pub(super) enum Event {
    None,
    Cancelled,
    Created(String),
}

/// Where the code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Template(usize),
    Disk,
}

pub(super) struct Wizard {
    name: String,
    source: Source,
    path: PathBox,
    /// Deploy it again whenever it is saved; for the local cloud only.
    follow: bool,
    runtime: String,
    handler: String,
    /// Make a role of its own instead of taking one.
    new_role: bool,
    role_arn: String,
    timeout: Number,
    memory: Number,
    creating: Remote<String>,
    picking: Remote<Option<PathBuf>>,
    /// Violations show after the first try.
    tried: bool,
}

impl Default for Wizard {
    fn default() -> Self {
        let mut wizard = Self {
            name: String::new(),
            source: Source::Template(0),
            path: PathBox::default(),
            follow: false,
            runtime: String::new(),
            handler: String::new(),
            new_role: true,
            role_arn: String::new(),
            timeout: Number::of(Some(3)),
            memory: Number::of(Some(128)),
            creating: Remote::default(),
            picking: Remote::default(),
            tried: false,
        };
        wizard.take_template(0);
        wizard
    }
}

/// Runtimes offered; a template or the user may name another.
const RUNTIMES: [&str; 6] = [
    "nodejs24.x",
    "nodejs22.x",
    "python3.13",
    "python3.12",
    "provided.al2023",
    "provided.al2",
];

impl Wizard {
    fn take_template(&mut self, nth: usize) {
        self.source = Source::Template(nth);
        if let Some(template) = samples::TEMPLATES.get(nth) {
            template.runtime.clone_into(&mut self.runtime);
            template.handler.clone_into(&mut self.handler);
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        if self.creating.poll()
            && let Some(name) = self.creating.take()
        {
            return Event::Created(name);
        }
        if self.picking.poll()
            && let Some(path) = self.picking.take().flatten()
        {
            self.path.text = path.display().to_string();
        }
        egui::CentralPanel::default()
            .frame(egui::Frame::new().inner_margin(theme::PAGE))
            .show(ui, |ui| self.page_ui(ui, cx))
            .inner
    }

    fn page_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        ui.label(RichText::new("New function").text_style(theme::title()));
        ui.add_space(theme::GUTTER);
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.set_max_width(820.0);
                self.form_ui(ui, cx);
                for error in [self.creating.error(), self.picking.error()]
                    .into_iter()
                    .flatten()
                {
                    crate::ui::remote::error_ui(ui, error);
                }
                ui.add_space(theme::GUTTER);
                self.buttons_ui(ui, cx)
            })
            .inner
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let wrong = self.tried.then(|| name_violation(&self.name)).flatten();
        let help = "Letters, digits, hyphens and underscores";
        form::text(ui, "Function name", &mut self.name, help, wrong.as_deref());
        self.source_ui(ui, cx);
        form::row(ui, "Runtime", self.runtime_help(cx), None, |ui| {
            egui::ComboBox::new("runtime", "")
                .selected_text(&self.runtime)
                .show_ui(ui, |ui| {
                    for runtime in RUNTIMES {
                        ui.selectable_value(&mut self.runtime, runtime.to_owned(), runtime);
                    }
                });
        });
        let help = "File and exported name: index.handler";
        form::text(ui, "Handler", &mut self.handler, help, None);
        let choices = [(true, "Create a new role"), (false, "Use an existing role")];
        let help = if self.new_role {
            "Trusted by Lambda; may write logs and read DynamoDB streams (AWSLambdaDynamoDBExecutionRole)"
        } else {
            ""
        };
        form::choice(ui, "Permissions", &mut self.new_role, &choices, help);
        if !self.new_role {
            role_ui(ui, cx, &mut self.role_arn);
            if self.tried && self.role_arn.is_empty() {
                form::violation(ui, "Choose a role, or let a new one be made");
            }
        }
        form::number(ui, "Timeout", &mut self.timeout, &(1..=900), "s", "");
        form::number(ui, "Memory", &mut self.memory, &(128..=10_240), "MB", "");
    }

    fn runtime_help(&self, cx: &Cx<'_>) -> &'static str {
        let is = |family: &str| self.runtime.starts_with(family);
        match () {
            () if !cx.aws.is_local() => "",
            () if is("nodejs") => {
                "Runs on this machine's Node, or on the engine inside where there is none"
            }
            () if is("python") => "Runs on this machine's Python 3",
            () if is("provided") => "Runs the program named bootstrap in the package",
            () => "The local cloud stores it, and says what is missing to run it",
        }
    }

    fn source_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let about = match self.source {
            Source::Template(nth) => samples::TEMPLATES.get(nth).map_or("", |it| it.about),
            Source::Disk => "A file, a folder or a zip package",
        };
        form::row(ui, "Code", about, None, |ui| {
            let text = match self.source {
                Source::Template(nth) => samples::TEMPLATES.get(nth).map_or("", |it| it.name),
                Source::Disk => "From disk",
            };
            let mut picked = None;
            egui::ComboBox::new("code source", "")
                .selected_text(text)
                .width(280.0)
                .show_ui(ui, |ui| {
                    for (nth, template) in samples::TEMPLATES.iter().enumerate() {
                        let current = self.source == Source::Template(nth);
                        if ui.selectable_label(current, template.name).clicked() {
                            picked = Some(Source::Template(nth));
                        }
                    }
                    let current = self.source == Source::Disk;
                    if ui.selectable_label(current, "From disk").clicked() {
                        picked = Some(Source::Disk);
                    }
                });
            match picked {
                Some(Source::Template(nth)) => self.take_template(nth),
                Some(Source::Disk) => self.source = Source::Disk,
                None => {}
            }
        });
        if self.source == Source::Disk {
            form::row(ui, "Path", "", None, |ui| {
                if self.path.ui(ui, "Path of the code") {
                    self.picking.start(cx, files::pick_folder());
                }
            });
            if self.tried && self.path.path().is_none() {
                form::violation(ui, "Type the path of a file, a folder or a zip package");
            }
            if cx.aws.is_local() {
                form::row(ui, "", "", None, |ui| {
                    ui.checkbox(&mut self.follow, "Deploy it again whenever it is saved");
                });
            }
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Event {
        let mut event = Event::None;
        ui.horizontal(|ui| {
            let busy = self.creating.is_pending();
            let words = if busy {
                "Creating…"
            } else {
                "Create function"
            };
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
        let (Ok(timeout), Ok(memory)) = (
            self.timeout.value(&(1..=900)),
            self.memory.value(&(128..=10_240)),
        ) else {
            return;
        };
        if name_violation(&self.name).is_some() || (!self.new_role && self.role_arn.is_empty()) {
            return;
        }
        let source = match self.source {
            Source::Template(nth) => samples::TEMPLATES
                .get(nth)
                .map(|it| Ok(vec![(it.path.to_owned(), it.text.to_owned())])),
            Source::Disk => self.path.path().map(Err),
        };
        let Some(source) = source else { return };
        let number = |value: Option<i64>, otherwise| {
            value
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(otherwise)
        };
        let new = NewFunction {
            name: self.name.trim().to_owned(),
            runtime: self.runtime.clone(),
            handler: self.handler.clone(),
            role_arn: self.role_arn.clone(),
            code: Code::Files(Vec::new()),
            timeout_secs: number(timeout, 3),
            memory_mb: number(memory, 128),
            environment: BTreeMap::new(),
            description: String::new(),
        };
        let (aws, new_role) = (cx.aws.clone(), self.new_role);
        let follows = source.as_ref().err().cloned();
        let follows = follows.filter(|_| self.follow && cx.aws.is_local());
        let create = create(aws.clone(), new, source, new_role);
        self.creating.start(cx, async move {
            let created = create.await?;
            if let Some(path) = follows {
                aws::folders::follow(aws, created.clone(), path).await?;
            }
            Ok(created)
        });
    }
}

/// Loads the code, makes the role where one is wanted, then the function.
async fn create(
    aws: Aws,
    mut new: NewFunction,
    source: Result<Vec<(String, String)>, PathBuf>,
    new_role: bool,
) -> Result<String, Error> {
    new.code = match source {
        Ok(files) => Code::Files(files),
        Err(path) => files::load_code(path).await?,
    };
    if new_role {
        let role = NewRole {
            name: format!("{}-role", new.name),
            trust: aws::iam::LAMBDA_TRUST.to_owned(),
            inline: Vec::new(),
            attached: vec![aws::iam::MANAGED_TRIGGER_POLICIES[0].1.to_owned()],
        };
        new.role_arn = aws::iam::create_role(aws.clone(), role).await?.arn;
    }
    let name = new.name.clone();
    aws::lambda::create_function(aws, new).await?;
    Ok(name)
}

/// What is wrong with a function's name.
fn name_violation(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() {
        return Some("Type a name".to_owned());
    }
    if name.len() > 64 {
        return Some("At most 64 characters".to_owned());
    }
    let fine = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    name.chars()
        .find(|it| !fine(*it))
        .map(|it| format!("\"{it}\" is not allowed; use letters, digits, hyphens and underscores"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_blank_is_refused_and_says_why() {
        assert!(name_violation("on order").is_some());
        assert!(name_violation("").is_some());
        assert_eq!(name_violation("on-order_2"), None);
    }
}

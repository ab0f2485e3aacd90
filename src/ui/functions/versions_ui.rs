//! A function's versions, and the aliases that point to them: published, pointed elsewhere, deleted.

use aws_sdk_lambda::types::{AliasConfiguration, FunctionConfiguration};
use egui::{RichText, Ui};

use crate::aws::{self, lambda::AliasPlan, lambda::Versions};
use crate::ui::widgets::form::{self, Number};
use crate::ui::widgets::{Confirm, Icon, chip, icon};
use crate::ui::{Action, Cx, Remote, Toast, theme};

const LATEST: &str = "$LATEST";

#[derive(Default)]
pub(super) struct VersionsTab {
    listed: Remote<Versions>,
    /// Of the next version.
    description: String,
    publishing: Remote<String>,
    form: AliasForm,
    saving: Remote<()>,
    deleting: Remote<()>,
    confirm: Option<(Confirm, Doomed)>,
}

/// What is typed of an alias.
#[derive(Default)]
struct AliasForm {
    name: String,
    version: String,
    /// Empty where the alias points to one version only.
    second: String,
    percent: Number,
}

/// What a question is about.
enum Doomed {
    Version(String),
    Alias(String),
}

impl VersionsTab {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, function: &str) {
        self.poll(cx, function);
        let errors = [
            self.publishing.error(),
            self.saving.error(),
            self.deleting.error(),
        ];
        for error in errors.into_iter().flatten() {
            crate::ui::remote::error_ui(ui, error);
        }
        egui::ScrollArea::vertical()
            .id_salt("versions")
            .auto_shrink(false)
            .show(ui, |ui| {
                self.publish_ui(ui, cx, function);
                ui.add_space(theme::GUTTER);
                let doomed = self.listed.ui(ui, |ui, listed| {
                    let doomed = versions_ui(ui, listed);
                    ui.add_space(theme::SECTION_GAP);
                    ui.label(RichText::new("Aliases").text_style(theme::subtitle()));
                    aliases_ui(ui, listed, &mut self.form).or(doomed)
                });
                if let Some(doomed) = doomed.flatten() {
                    self.confirm = Some((doomed.question(), doomed));
                }
                self.alias_ui(ui, cx, function);
            });
        self.confirm_ui(ui, cx, function);
    }

    fn poll(&mut self, cx: &Cx<'_>, function: &str) {
        if self.publishing.poll()
            && let Some(version) = self.publishing.take()
        {
            let known = self.listed.value().into_iter().flat_map(|it| &it.versions);
            let words = if known.into_iter().any(|it| it.version() == Some(&version)) {
                format!("Nothing changed since version {version} of {function}")
            } else {
                format!("Published version {version} of {function}")
            };
            cx.send(Action::Toast(Toast::good(words)));
            self.description.clear();
            self.reload(cx, function);
        }
        if self.saving.poll() && self.saving.error().is_none() {
            self.form = AliasForm::default();
            self.reload(cx, function);
        }
        if self.deleting.poll() && self.deleting.error().is_none() {
            self.reload(cx, function);
        }
        self.listed.poll();
        if self.listed.is_idle() {
            self.reload(cx, function);
        }
    }

    fn reload(&mut self, cx: &Cx<'_>, function: &str) {
        let list = aws::lambda::list_versions(cx.aws.clone(), function.to_owned());
        self.listed.start(cx, list);
    }

    fn publish_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, function: &str) {
        ui.label(RichText::new("Versions").text_style(theme::subtitle()));
        ui.weak("A version keeps the code and the settings the function has now");
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut self.description)
                .hint_text("Description (optional)")
                .desired_width(280.0);
            ui.add(field).accessible_name("Description of the version");
            let is_free = !self.publishing.is_pending();
            let publish = ui.add_enabled_ui(is_free, |ui| {
                icon::primary(ui, Icon::Plus, "Publish version")
            });
            if publish.inner.clicked() {
                let description = self.description.trim().to_owned();
                let name = function.to_owned();
                let publish = aws::lambda::publish_version(cx.aws.clone(), name, description);
                self.publishing.start(cx, publish);
            }
        });
    }

    fn alias_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, function: &str) {
        let Some(listed) = self.listed.value() else {
            return;
        };
        ui.add_space(theme::GUTTER);
        let form = &mut self.form;
        let versions: Vec<&str> = labels(&listed.versions).collect();
        let help = "Letters, digits, - and _, not digits alone: live";
        form::text(ui, "Alias", &mut form.name, help, None);
        version_ui(
            ui,
            "Version",
            &mut form.version,
            &versions,
            "Choose a version",
        );
        let numbers: Vec<&str> = versions.into_iter().filter(|it| *it != LATEST).collect();
        version_ui(ui, "Second version", &mut form.second, &numbers, "None");
        if !form.second.is_empty() {
            let help = "How many of the invocations go to the second version";
            form::number(ui, "Its share", &mut form.percent, &(0..=100), "%", help);
        }
        let name = form.name.trim().to_owned();
        let is_new = !listed.aliases.iter().any(|it| it.name() == Some(&name));
        let plan = form.plan(function, name, is_new);
        let words = if is_new { "Create alias" } else { "Save alias" };
        let can_save = plan.is_some() && !self.saving.is_pending();
        let save = ui.add_enabled_ui(can_save, |ui| icon::button(ui, Icon::Save, words));
        if save.inner.clicked()
            && let Some(plan) = plan
        {
            let put = aws::lambda::put_alias(cx.aws.clone(), plan);
            self.saving.start(cx, put);
        }
    }

    fn confirm_ui(&mut self, ui: &Ui, cx: &Cx<'_>, function: &str) {
        let Some((confirm, _)) = &mut self.confirm else {
            return;
        };
        let Some(answer) = confirm.ui(ui.ctx()) else {
            return;
        };
        let doomed = self.confirm.take().map(|(_, doomed)| doomed);
        if !answer {
            return;
        }
        let (aws, function) = (cx.aws.clone(), function.to_owned());
        match doomed {
            Some(Doomed::Version(version)) => {
                let gone = aws::lambda::delete_version(aws, function, version);
                self.deleting.start(cx, gone);
            }
            Some(Doomed::Alias(alias)) => {
                let gone = aws::lambda::delete_alias(aws, function, alias);
                self.deleting.start(cx, gone);
            }
            None => {}
        }
    }
}

impl AliasForm {
    fn of(alias: &AliasConfiguration) -> Self {
        let (second, percent) = share(alias).unwrap_or_default();
        Self {
            name: alias.name().unwrap_or_default().to_owned(),
            version: alias.function_version().unwrap_or_default().to_owned(),
            percent: Number::of((!second.is_empty()).then_some(percent)),
            second,
        }
    }

    /// `None` while something is missing or wrong.
    fn plan(&self, function: &str, name: String, is_new: bool) -> Option<AliasPlan> {
        let share = if self.second.is_empty() {
            None
        } else {
            let percent = self.percent.value(&(0..=100)).ok()??;
            let percent = u8::try_from(percent).ok()?;
            Some((self.second.clone(), f64::from(percent) / 100.0))
        };
        let is_whole = !name.is_empty() && !self.version.is_empty();
        is_whole.then(|| AliasPlan {
            function: function.to_owned(),
            name,
            version: self.version.clone(),
            share,
            is_new,
        })
    }
}

impl Doomed {
    fn question(&self) -> Confirm {
        match self {
            Self::Version(version) => Confirm::new(format!("Delete version {version}"))
                .consequence("Its code and settings are gone. Triggers that call it wait."),
            Self::Alias(alias) => Confirm::new(format!("Delete alias {alias}"))
                .consequence("Triggers that call it wait until there is an alias of that name."),
        }
    }
}

/// What is asked to be deleted.
fn versions_ui(ui: &mut Ui, listed: &Versions) -> Option<Doomed> {
    let mut doomed = None;
    egui::Grid::new("versions")
        .num_columns(6)
        .striped(true)
        .spacing([24.0, 6.0])
        .show(ui, |ui| {
            for head in [
                "Version",
                "Aliases",
                "Description",
                "Modified (UTC)",
                "Code SHA-256",
                "",
            ] {
                ui.weak(head);
            }
            ui.end_row();
            for version in &listed.versions {
                let number = version.version().unwrap_or_default();
                ui.label(RichText::new(number).monospace());
                ui.horizontal(|ui| {
                    for alias in pointing_to(listed, number) {
                        chip::plain(ui, alias.name().unwrap_or_default());
                    }
                });
                ui.label(version.description().unwrap_or_default());
                let modified = version.last_modified().unwrap_or_default();
                ui.weak(
                    modified
                        .split('.')
                        .next()
                        .unwrap_or_default()
                        .replace('T', " "),
                );
                let code = version.code_sha256().unwrap_or_default();
                ui.label(RichText::new(code.get(..8).unwrap_or(code)).monospace())
                    .on_hover_text(code);
                let is_free = number != LATEST && pointing_to(listed, number).next().is_none();
                if is_free
                    && icon::only(ui, Icon::Trash, &format!("Delete version {number}…")).clicked()
                {
                    doomed = Some(Doomed::Version(number.to_owned()));
                }
                ui.end_row();
            }
        });
    doomed
}

fn aliases_ui(ui: &mut Ui, listed: &Versions, form: &mut AliasForm) -> Option<Doomed> {
    let mut doomed = None;
    if listed.aliases.is_empty() {
        ui.weak("No alias points to a version yet");
    }
    for alias in &listed.aliases {
        let name = alias.name().unwrap_or_default();
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).monospace());
            ui.label(words(alias));
            if icon::only(ui, Icon::Edit, &format!("Edit alias {name}")).clicked() {
                *form = AliasForm::of(alias);
            }
            if icon::only(ui, Icon::Trash, &format!("Delete alias {name}…")).clicked() {
                doomed = Some(Doomed::Alias(name.to_owned()));
            }
        });
    }
    doomed
}

fn version_ui(ui: &mut Ui, label: &str, value: &mut String, versions: &[&str], none: &str) {
    form::row(ui, label, "", None, |ui| {
        let shown = if value.is_empty() {
            none
        } else {
            value.as_str()
        };
        egui::ComboBox::new(label, "")
            .selected_text(shown.to_owned())
            .width(160.0)
            .show_ui(ui, |ui| {
                ui.selectable_value(value, String::new(), none);
                for version in versions {
                    ui.selectable_value(value, (*version).to_owned(), *version);
                }
            });
    });
}

fn labels(versions: &[FunctionConfiguration]) -> impl Iterator<Item = &str> {
    versions.iter().filter_map(|it| it.version())
}

/// The aliases that lead to a version, mainly or in part.
fn pointing_to<'l>(
    listed: &'l Versions,
    version: &'l str,
) -> impl Iterator<Item = &'l AliasConfiguration> {
    listed.aliases.iter().filter(move |alias| {
        alias.function_version() == Some(version)
            || share(alias).is_some_and(|(second, _)| second == version)
    })
}

/// `points to version 1, and with 25 % to version 2`
fn words(alias: &AliasConfiguration) -> String {
    let version = alias.function_version().unwrap_or_default();
    match share(alias) {
        Some((second, percent)) => {
            format!("points to version {version}, and with {percent} % to version {second}")
        }
        None => format!("points to version {version}"),
    }
}

/// The second version of an alias, and its share in percent.
fn share(alias: &AliasConfiguration) -> Option<(String, i64)> {
    let weights = alias.routing_config()?.additional_version_weights()?;
    let (version, weight) = weights.iter().next()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a weight is between 0 and 1"
    )]
    let percent = (weight * 100.0).round() as i64;
    Some((version.clone(), percent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_lambda::types::AliasRoutingConfiguration;

    fn alias(weight: Option<f64>) -> AliasConfiguration {
        let routing = AliasRoutingConfiguration::builder();
        let routing = weight.map(|it| routing.additional_version_weights("2", it).build());
        AliasConfiguration::builder()
            .name("live")
            .function_version("1")
            .set_routing_config(routing)
            .build()
    }

    #[test]
    fn an_alias_is_told_with_the_share_of_its_second_version() {
        assert_eq!(words(&alias(None)), "points to version 1");
        assert_eq!(
            words(&alias(Some(0.29))),
            "points to version 1, and with 29 % to version 2"
        );
    }

    #[test]
    fn what_is_edited_is_what_would_be_saved() {
        let form = AliasForm::of(&alias(Some(0.25)));
        let plan = form.plan("bill", "live".to_owned(), false).unwrap();
        assert_eq!(plan.version, "1");
        assert_eq!(plan.share, Some(("2".to_owned(), 0.25)));
        let form = AliasForm::of(&alias(None));
        assert_eq!(
            form.plan("bill", "live".to_owned(), false).unwrap().share,
            None
        );
        assert_eq!(form.plan("bill", String::new(), true), None);
        let unsure = AliasForm {
            second: "2".to_owned(),
            ..AliasForm::of(&alias(None))
        };
        assert_eq!(unsure.plan("bill", "live".to_owned(), false), None);
    }
}

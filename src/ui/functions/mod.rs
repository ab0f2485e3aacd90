//! Functions: the list, and one function's code, test, settings, versions and triggers.

mod code_ui;
mod settings_ui;
mod test_ui;
mod versions_ui;
mod wizard;

use aws_sdk_lambda::types::FunctionConfiguration;
use egui::{RichText, Ui};

use super::cx::{Action, Cx, Listing, Route, Toast};
use super::widgets::{Confirm, Health, Icon, chip, empty_state, icon};
use super::{Panel, Remote, names, theme};
use crate::arn::Arn;
use crate::aws::lambda::FunctionDetail;
use crate::aws::{self};
use code_ui::CodeTab;
use settings_ui::SettingsTab;
use test_ui::TestTab;
use versions_ui::VersionsTab;
use wizard::Wizard;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Code,
    Test,
    Configuration,
    Versions,
    Triggers,
}

/// The function that is shown.
struct Open {
    name: String,
    detail: Remote<FunctionDetail>,
    code: CodeTab,
    test: TestTab,
    settings: SettingsTab,
    versions: VersionsTab,
    /// A line to show once the code is there.
    line: Option<u32>,
}

#[derive(Default)]
pub struct FunctionsPanel {
    search: String,
    open: Option<Open>,
    tab: Tab,
    wizard: Option<Wizard>,
    confirm: Option<Confirm>,
    deleting: Remote<()>,
    /// An event that came from elsewhere, for the test tab.
    event: Option<String>,
}

impl Panel for FunctionsPanel {
    fn title(&self) -> &'static str {
        "Functions"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Functions => self.wizard = None,
            Route::Function(name) => self.show(name, None),
            Route::FunctionLine(name, line) => {
                self.show(name, Some(*line));
                self.tab = Tab::Code;
            }
            Route::TestEvent(name, event) => {
                self.show(name, None);
                self.tab = Tab::Test;
                self.event = Some(event.clone());
            }
            Route::NewFunction => self.wizard = Some(Wizard::default()),
            _ => return false,
        }
        true
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.wizard.is_some() {
            self.wizard_ui(ui, cx);
            return;
        }
        self.poll(cx);
        egui::Panel::left("functions")
            .default_size(240.0)
            .size_range(180.0..=360.0)
            .show(ui, |ui| self.list_ui(ui, cx));
        egui::CentralPanel::default().show(ui, |ui| self.function_ui(ui, cx));
        self.confirm_ui(ui, cx);
    }
}

impl FunctionsPanel {
    fn show(&mut self, name: &str, line: Option<u32>) {
        self.wizard = None;
        match &mut self.open {
            Some(open) if open.name == name => {
                if line.is_some() {
                    open.line = line;
                    // Only reload what the user did not change.
                    if !open.code.is_changed() {
                        open.detail.clear();
                    }
                }
            }
            _ => {
                self.open = Some(Open {
                    name: name.to_owned(),
                    detail: Remote::default(),
                    code: CodeTab::default(),
                    test: TestTab::default(),
                    settings: SettingsTab::default(),
                    versions: VersionsTab::default(),
                    line,
                });
            }
        }
    }

    fn poll(&mut self, cx: &Cx<'_>) {
        if self.open.is_none()
            && let Some(first) = cx.catalog.functions.value().and_then(|all| all.first())
        {
            let name = first.function_name().unwrap_or_default().to_owned();
            self.show(&name, None);
        }
        if self.deleting.poll() && self.deleting.error().is_none() {
            cx.send(Action::Reload(Listing::All));
            self.open = None;
        }
        let Some(open) = &mut self.open else { return };
        if open.detail.is_idle() {
            let detail = aws::lambda::get_function(cx.aws.clone(), open.name.clone());
            open.detail.start(cx, detail);
        }
        if open.detail.poll()
            && let Some(detail) = open.detail.value()
        {
            open.code.load(detail);
            open.settings.load(&detail.configuration);
        }
        if open.detail.value().is_some()
            && let Some(line) = open.line.take()
        {
            open.code.go_to(line);
        }
        if let Some(event) = self.event.take() {
            open.test.look_again();
            open.test.set_event(event);
        }
    }

    fn list_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Functions").text_style(theme::subtitle()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Plus, "New function…").clicked() {
                    cx.send(Action::Go(Route::NewFunction));
                }
                if icon::only(ui, Icon::Refresh, "Reload functions").clicked() {
                    cx.send(Action::Reload(Listing::Functions));
                }
            });
        });
        let search = egui::TextEdit::singleline(&mut self.search)
            .hint_text("Search")
            .desired_width(f32::INFINITY);
        ui.add(search).accessible_name("Search functions");
        ui.add_space(4.0);
        let wanted = self.search.to_lowercase();
        let shown = self.open.as_ref().map(|open| open.name.as_str());
        cx.catalog.functions.ui(ui, |ui, functions| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                for function in functions {
                    let name = function.function_name().unwrap_or_default();
                    if name.to_lowercase().contains(&wanted)
                        && list_row_ui(ui, function, shown == Some(name)).clicked()
                    {
                        cx.send(Action::Go(Route::Function(name.to_owned())));
                    }
                }
            });
        });
    }

    fn function_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.open.is_none() {
            if cx.catalog.functions.is_pending() {
                super::remote::loading_ui(ui);
                return;
            }
            let why = "A function is code that a trigger calls with each batch of records.";
            if empty_state(
                ui,
                Icon::Function,
                "No functions yet",
                why,
                Some((Icon::Plus, "New function…")),
            ) {
                cx.send(Action::Go(Route::NewFunction));
            }
            return;
        }
        self.head_ui(ui, cx);
        if let Some(error) = self.deleting.error() {
            super::remote::error_ui(ui, error);
        }
        let Some(open) = &mut self.open else { return };
        if let Some(error) = open.detail.error() {
            super::remote::error_ui(ui, error);
        }
        let before = self.tab;
        ui.horizontal(|ui| {
            for (tab, name) in [
                (Tab::Code, "Code"),
                (Tab::Test, "Test"),
                (Tab::Configuration, "Configuration"),
                (Tab::Versions, "Versions"),
                (Tab::Triggers, "Triggers"),
            ] {
                ui.selectable_value(&mut self.tab, tab, name);
            }
        });
        if self.tab != before {
            open.test.look_again();
        }
        ui.separator();
        let Some(detail) = open.detail.value() else {
            if open.detail.is_pending() {
                super::remote::loading_ui(ui);
            }
            return;
        };
        let changed = match self.tab {
            Tab::Code => open.code.ui(ui, cx, detail),
            Tab::Test => {
                open.test.ui(ui, cx, &open.name, open.code.is_changed());
                false
            }
            Tab::Configuration => open.settings.ui(ui, cx, &open.name),
            Tab::Versions => {
                open.versions.ui(ui, cx, &open.name);
                false
            }
            Tab::Triggers => {
                triggers_ui(ui, cx, &open.name);
                false
            }
        };
        if changed {
            open.detail.clear();
            open.versions = VersionsTab::default();
            cx.send(Action::Reload(Listing::Functions));
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(open) = &self.open else { return };
        let name = open.name.clone();
        ui.horizontal(|ui| {
            ui.label(RichText::new(&name).text_style(theme::title()));
            if let Some(detail) = open.detail.value() {
                let configuration = &detail.configuration;
                state_ui(ui, configuration);
                if let Some(role) = configuration.role()
                    && let Ok(arn) = role.parse::<Arn>()
                    && ui.link(format!("role {}", arn.name())).clicked()
                {
                    cx.send(Action::Go(Route::Role(arn.name().to_owned())));
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Trash, "Delete function…").clicked() {
                    let confirm = Confirm::new(format!("Delete function {name}"))
                        .consequence("Its code, versions and aliases are gone. Its triggers stay and report a problem.")
                        .type_to_confirm(name.clone());
                    self.confirm = Some(confirm);
                }
                if icon::button(ui, Icon::Logs, "Logs").clicked() {
                    cx.send(Action::Go(Route::LogGroup(format!("/aws/lambda/{name}"))));
                }
                if icon::button(ui, Icon::Plug, "Add trigger…").clicked() {
                    cx.send(Action::Go(Route::NewTrigger {
                        stream_arn: None,
                        function: Some(name.clone()),
                    }));
                }
            });
        });
    }

    fn confirm_ui(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let Some(answer) = self.confirm.as_mut().and_then(|it| it.ui(ui.ctx())) else {
            return;
        };
        self.confirm = None;
        if answer && let Some(open) = &self.open {
            let gone = aws::lambda::delete_function(cx.aws.clone(), open.name.clone());
            self.deleting.start(cx, gone);
        }
    }

    fn wizard_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(wizard) = &mut self.wizard else {
            return;
        };
        match wizard.ui(ui, cx) {
            wizard::Event::None => {}
            wizard::Event::Cancelled => cx.send(Action::Go(Route::Functions)),
            wizard::Event::Created(name) => {
                cx.send(Action::Reload(Listing::All));
                cx.send(Action::Toast(Toast::good(format!(
                    "Created function {name}"
                ))));
                self.open = None;
                self.tab = Tab::Code;
                cx.send(Action::Go(Route::Function(name)));
            }
        }
    }
}

fn list_row_ui(ui: &mut Ui, function: &FunctionConfiguration, chosen: bool) -> egui::Response {
    let name = function.function_name().unwrap_or_default();
    let runtime = function.runtime().map_or("", |it| it.as_str());
    let tokens = theme::of(ui);
    let button = egui::Button::selectable(
        chosen,
        (
            RichText::new(name),
            RichText::new(runtime).small().color(tokens.text_muted),
        ),
    )
    .truncate()
    .min_size(egui::vec2(ui.available_width(), theme::ROW));
    icon::add(ui, button, name)
}

fn state_ui(ui: &mut Ui, function: &FunctionConfiguration) {
    let runtime = function.runtime().map_or("", |it| it.as_str());
    chip::plain(ui, runtime);
    let state = function.state().map_or("", |it| it.as_str());
    let health = match state {
        "Active" => Health::Ok,
        "Pending" => Health::InFlight,
        _ => Health::Failed,
    };
    chip::health(ui, health, state);
}

fn triggers_ui(ui: &mut Ui, cx: &Cx<'_>, function: &str) {
    let mappings = cx.catalog.mappings.value();
    let mut any = false;
    for mapping in mappings.into_iter().flatten() {
        if names::function_of(mapping) != function {
            continue;
        }
        any = true;
        let uuid = mapping.uuid().unwrap_or_default();
        ui.horizontal(|ui| {
            let words = format!("DynamoDB: {}", names::table_of(mapping));
            if icon::button(ui, Icon::Plug, &words).clicked() {
                cx.send(Action::Go(Route::Trigger(uuid.to_owned())));
            }
            ui.label(mapping.state().unwrap_or_default());
            ui.weak(mapping.last_processing_result().unwrap_or_default());
        });
    }
    if !any {
        ui.weak("No trigger calls this function yet");
        if icon::primary(ui, Icon::Plus, "Add trigger…").clicked() {
            cx.send(Action::Go(Route::NewTrigger {
                stream_arn: None,
                function: Some(function.to_owned()),
            }));
        }
    }
}

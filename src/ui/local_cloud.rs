//! The local cloud: its port for other programs, its data folder, its time and faults, its settings, its last API calls,
//! and starting over.

use std::time::Duration;

use egui::{RichText, Ui};

use super::activity::Activity;
use super::cx::{Action, Cx, Listing, Route, Toast};
use super::engine_settings::EngineSettings;
use super::faults::Faults;
use super::remote::Remote;
use super::widgets::{Confirm, Health, Icon, chip, confirm, empty_state, form, icon};
use super::world::World;
use super::{Panel, theme};
use crate::aws::Aws;
use crate::aws::local::{self, PORT, Status};

/// The words to type before everything is wiped.
const RESET_WORDS: &str = "reset";
const CALLS_HEIGHT: f32 = 300.0;
/// The size on disk is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

pub(super) struct LocalCloudPanel {
    status: Remote<Status>,
    opening: Remote<u16>,
    closing: Remote<()>,
    resetting: Remote<()>,
    question: Option<Confirm>,
    port: form::Number,
    form: Form,
    calls: Activity,
    world: World,
    faults: Faults,
    settings: EngineSettings,
    looked: Option<Duration>,
}

impl Default for LocalCloudPanel {
    fn default() -> Self {
        let mut calls = Activity::default();
        calls.is_open = true;
        Self {
            status: Remote::default(),
            opening: Remote::default(),
            closing: Remote::default(),
            resetting: Remote::default(),
            question: None,
            port: form::Number::of(Some(i64::from(PORT))),
            form: Form::Shell,
            calls,
            world: World::default(),
            faults: Faults::default(),
            settings: EngineSettings::default(),
            looked: None,
        }
    }
}

/// In whose words the settings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Shell,
    PowerShell,
    Python,
    JavaScript,
}

impl Panel for LocalCloudPanel {
    fn title(&self) -> &'static str {
        "Local cloud"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        // The size may have changed since the last visit.
        self.looked = None;
        *to == Route::LocalCloud
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if !cx.aws.is_local() {
            let why = "The open connection leads elsewhere. The local cloud runs inside this program and needs no account.";
            let button = Some((Icon::Plug, "Choose a connection"));
            if empty_state(ui, Icon::Cloud, "This is not the local cloud", why, button) {
                cx.send(Action::Go(Route::Connections));
            }
            return;
        }
        self.poll(cx);
        theme::page(ui, |ui| {
            ui.horizontal(|ui| {
                let title = RichText::new("Local cloud").text_style(theme::title());
                ui.label(title.color(theme::of(ui).text_strong));
                chip::health(ui, Health::Ok, "running");
                if let Some(status) = self.status.value() {
                    chip::plain(ui, &format!("account {}", status.account));
                    chip::plain(ui, &status.region);
                }
            });
            ui.add_space(theme::GUTTER);
            // What is shown does not depend on what the buttons do to the slot.
            let status = self.status.value().cloned();
            self.status.ui(ui, |_, _| ());
            if let Some(status) = status {
                self.port_ui(ui, cx, &status);
                self.data_ui(ui, cx, &status);
            }
            self.world.ui(ui, cx);
            self.faults.ui(ui, cx);
            self.settings.ui(ui, cx);
            theme::card(ui).show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                ui.label(RichText::new("Recent API calls").text_style(theme::subtitle()));
                let size = egui::vec2(ui.available_width(), CALLS_HEIGHT);
                ui.allocate_ui(size, |ui| self.calls.calls_ui(ui));
            });
        });
        self.question_ui(cx);
    }
}

impl LocalCloudPanel {
    fn poll(&mut self, cx: &Cx<'_>) {
        let mut stale = self.opening.poll();
        stale |= self.closing.poll();
        if self.resetting.poll() {
            stale = true;
            if self.resetting.error().is_none() {
                cx.send(Action::Toast(Toast::good("The local cloud is empty again")));
            }
            cx.send(Action::Reload(Listing::All));
        }
        self.status.poll();
        self.calls.update(cx);
        let age = self.looked.map(|at| cx.since(at));
        if stale || age.is_none_or(|age| age >= LOOK_AGAIN) {
            self.looked = Some(cx.uptime);
            self.status.start(cx, local::status(cx.aws.clone()));
        }
    }

    fn port_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, status: &Status) {
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let tokens = theme::of(ui);
            ui.label(RichText::new("Endpoint for other programs").text_style(theme::subtitle()));
            let Some(endpoint) = &status.endpoint else {
                let words = "Closed. Open a port to use this cloud from the AWS CLI, boto3 or any SDK on this computer.";
                ui.label(RichText::new(words).color(tokens.text_muted));
                let range = 0..=65_535;
                form::number(ui, "Port", &mut self.port, &range, "", "0 takes any free one");
                let wanted = self.port.value(&range).ok().flatten();
                let wanted = wanted.and_then(|it| u16::try_from(it).ok());
                let error = self.opening.error().map(|error| error.message.clone());
                form::row(ui, "", "", error.as_deref(), |ui| {
                    ui.add_enabled_ui(wanted.is_some() && !self.opening.is_pending(), |ui| {
                        if icon::button(ui, Icon::Plug, "Open port").clicked() {
                            let port = wanted.unwrap_or(PORT);
                            self.opening.start(cx, local::open_port(cx.aws.clone(), port));
                        }
                    });
                });
                return;
            };
            ui.horizontal(|ui| {
                chip::health(ui, Health::Ok, "open");
                ui.label(RichText::new(endpoint).monospace().color(tokens.text_strong));
                if icon::only(ui, Icon::Copy, "Copy endpoint").clicked() {
                    ui.copy_text(endpoint.clone());
                }
                if ui.button("Close port").clicked() {
                    self.closing.start(cx, local::close_port(cx.aws.clone()));
                }
            });
            keys_ui(ui, cx.aws);
            self.settings_ui(ui, status, endpoint);
        });
        ui.add_space(theme::GUTTER);
    }

    /// What other programs have to be told, ready to be copied.
    fn settings_ui(&mut self, ui: &mut Ui, status: &Status, endpoint: &str) {
        ui.horizontal(|ui| {
            for (form, words) in [
                (Form::Shell, "Shell"),
                (Form::PowerShell, "PowerShell"),
                (Form::Python, "Python"),
                (Form::JavaScript, "JavaScript"),
            ] {
                ui.selectable_value(&mut self.form, form, words);
            }
            let text = settings(self.form, status, endpoint);
            if icon::button(ui, Icon::Copy, "Copy settings").clicked() {
                ui.copy_text(text);
            }
        });
        let tokens = theme::of(ui);
        egui::Frame::new()
            .fill(tokens.canvas)
            .inner_margin(theme::GUTTER)
            .show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                let text = settings(self.form, status, endpoint);
                ui.label(RichText::new(text).monospace());
            });
    }

    fn data_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, status: &Status) {
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let tokens = theme::of(ui);
            ui.label(RichText::new("Data").text_style(theme::subtitle()));
            ui.horizontal(|ui| {
                let folder = status.folder.display().to_string();
                ui.label(RichText::new(&folder).monospace());
                if icon::only(ui, Icon::Copy, "Copy data folder").clicked() {
                    ui.copy_text(folder);
                }
                chip::plain(ui, &bytes(status.disk_bytes));
                if status.temporary {
                    chip::health(ui, Health::Retry, "forgotten when the window closes");
                }
            });
            ui.horizontal(|ui| {
                if icon::button(ui, Icon::Folder, "Use another data folder…").clicked() {
                    cx.send(Action::Go(Route::Connections));
                }
                let words = RichText::new("Reset…").color(tokens.failed);
                ui.add_enabled_ui(!self.resetting.is_pending(), |ui| {
                    let button = egui::Button::new(words);
                    if icon::add(ui, button, "Reset the local cloud…").clicked() {
                        self.question = Some(
                            Confirm::new("Reset the local cloud")
                                .consequence("Every table, stream, function, trigger, role, queue and log line in it is deleted.")
                                .consequence("This cannot be undone.")
                                .type_to_confirm(RESET_WORDS),
                        );
                    }
                });
            });
            if let Some(error) = self.resetting.error() {
                super::remote::error_ui(ui, error);
            }
            if status.disk_bytes > 10_000_000_000 {
                confirm::warning(ui, "The data folder is larger than 10 GB");
            }
        });
        ui.add_space(theme::GUTTER);
    }

    fn question_ui(&mut self, cx: &Cx<'_>) {
        let answer = self.question.as_mut().and_then(|it| it.ui(cx.ctx));
        if answer.is_some() {
            self.question = None;
        }
        if answer == Some(true) {
            self.resetting.start(cx, local::reset(cx.aws.clone()));
        }
    }
}

/// The keys that sign in as the account itself, ready to be copied; nothing outside the local cloud.
pub(super) fn keys_ui(ui: &mut Ui, aws: &Aws) {
    let Some((key, secret)) = local::account_keys(aws) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        for (words, value, copy) in [
            ("Access key", key.as_str(), "Copy access key"),
            ("Secret", secret, "Copy secret"),
        ] {
            ui.weak(words);
            ui.label(RichText::new(value).monospace());
            if icon::only(ui, Icon::Copy, copy).clicked() {
                ui.copy_text(value.to_owned());
            }
        }
        ui.weak("sign in as the account itself, which may do everything");
    });
}

fn settings(form: Form, status: &Status, endpoint: &str) -> String {
    let (region, key, secret) = (&status.region, &status.access_key, &status.secret_key);
    let names = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", region),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    let each = |line: fn(&str, &str) -> String| {
        let lines = names.iter().map(|(name, value)| line(name, value));
        lines.collect::<Vec<_>>().join("\n")
    };
    match form {
        Form::Shell => each(|name, value| format!("export {name}={value}")),
        Form::PowerShell => each(|name, value| format!("$env:{name} = \"{value}\"")),
        Form::Python => format!(
            "import boto3\n\nsession = boto3.Session(\n    region_name=\"{region}\",\n    aws_access_key_id=\"{key}\",\n    aws_secret_access_key=\"{secret}\",\n)\ndynamodb = session.client(\"dynamodb\", endpoint_url=\"{endpoint}\")"
        ),
        Form::JavaScript => format!(
            "import {{ DynamoDBClient }} from \"@aws-sdk/client-dynamodb\";\n\nconst dynamodb = new DynamoDBClient({{\n  endpoint: \"{endpoint}\",\n  region: \"{region}\",\n  credentials: {{ accessKeyId: \"{key}\", secretAccessKey: \"{secret}\" }},\n}});"
        ),
    }
}

/// `640 B`, `18 kB`, `2.4 MB`, `1.2 GB`.
fn bytes(count: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", count / unit, count % unit * 10 / unit);
    match count {
        0..=999 => format!("{count} B"),
        1_000..=999_999 => format!("{} kB", count / 1_000),
        1_000_000..=999_999_999 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_one_decimal_at_most() {
        for (count, text) in [
            (640, "640 B"),
            (18_400, "18 kB"),
            (2_450_000, "2.4 MB"),
            (1_200_000_000, "1.2 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn settings_name_the_endpoint_in_every_form() {
        let status = Status {
            folder: "/tmp/world".into(),
            temporary: false,
            disk_bytes: 0,
            port: Some(8700),
            endpoint: None,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            access_key: "AKIA1".to_owned(),
            secret_key: "secret".to_owned(),
        };
        for form in [
            Form::Shell,
            Form::PowerShell,
            Form::Python,
            Form::JavaScript,
        ] {
            let text = settings(form, &status, "http://127.0.0.1:8700");
            assert!(text.contains("http://127.0.0.1:8700") && text.contains("AKIA1"));
        }
    }
}

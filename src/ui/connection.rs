//! Connections: the local cloud, the profiles of AWS, any other endpoint; and the lock of the open one.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use egui::{Context, RichText, Ui};
use tokio::runtime::Handle;

use super::remote::{self, Remote};
use super::widgets::{Confirm, Health, Icon, PathBox, chip, confirm, form, icon};
use super::{local_cloud, theme, time};
use crate::aws::connection::{Kind, Profile, profiles};
use crate::aws::{self, Aws, Connection, Ground};

/// How long writes stay allowed after an unlock.
pub(super) const UNLOCKED_FOR: Duration = Duration::from_mins(10);

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    Open(Connection),
    Unlock,
    Lock,
}

/// What the screen may know of the console.
pub(super) struct View<'a> {
    pub(super) runtime: &'a Handle,
    pub(super) open: Option<&'a Aws>,
    /// The connection being opened or open.
    pub(super) wanted: Option<&'a Connection>,
    pub(super) is_opening: bool,
    /// Why the last one could not be opened.
    pub(super) error: Option<&'a aws::Error>,
    pub(super) unlocked_until: Option<SystemTime>,
}

/// The screen.
pub(super) struct Connections {
    profiles: Remote<Vec<Profile>>,
    /// Overrides the profile's region where typed.
    region: String,
    url: String,
    url_region: String,
    folder: PathBox,
    picking: Remote<Option<PathBuf>>,
    unlocking: Option<Confirm>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            profiles: Remote::default(),
            region: String::new(),
            url: "http://localhost:8000".to_owned(),
            url_region: "us-east-1".to_owned(),
            folder: PathBox::folder(""),
            picking: Remote::default(),
            unlocking: None,
        }
    }
}

impl Connections {
    /// Takes what has arrived; asks for the profiles the first time.
    pub(super) fn update(&mut self, runtime: &Handle, ctx: &Context) {
        if self.profiles.is_idle() {
            self.read_profiles(runtime, ctx);
        }
        self.profiles.poll();
        if self.picking.poll()
            && let Some(Some(path)) = self.picking.take()
        {
            self.folder.text = path.display().to_string();
        }
    }

    fn read_profiles(&mut self, runtime: &Handle, ctx: &Context) {
        self.profiles
            .start_on(runtime, ctx, async { Ok(profiles().await) });
    }

    pub(super) fn profiles(&self) -> Option<&[Profile]> {
        self.profiles.value().map(Vec::as_slice)
    }

    /// Opens the question before writes are allowed.
    pub(super) fn ask_unlock(&mut self, aws: &Aws) {
        let about = aws.about();
        let mut question = Confirm::new("Unlock for 10 minutes").consequence(format!(
            "Changes will be sent to {} in {}. The connection locks itself again.",
            about.label, about.region
        ));
        if about.production {
            question = question.type_to_confirm(&about.label);
        }
        self.unlocking = Some(question);
    }

    /// The question, over everything; true when the answer was yes.
    pub(super) fn question_ui(&mut self, ctx: &Context) -> bool {
        let answer = self.unlocking.as_mut().and_then(|it| it.ui(ctx));
        if answer.is_some() {
            self.unlocking = None;
        }
        answer == Some(true)
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, view: &View<'_>) -> Option<Ask> {
        theme::page(ui, |ui| {
            ui.set_max_width(860.0);
            ui.label(
                RichText::new("Connections")
                    .text_style(theme::title())
                    .color(theme::of(ui).text_strong),
            );
            if let Some(error) = view.error {
                remote::error_ui(ui, error);
            }
            let mut ask = open_ui(ui, view);
            ask = ask.or(self.local_ui(ui, view));
            ask = ask.or(self.profiles_ui(ui, view));
            ask.or(self.endpoint_ui(ui))
        })
    }

    fn local_ui(&mut self, ui: &mut Ui, view: &View<'_>) -> Option<Ask> {
        let mut ask = None;
        section(ui, Icon::Cloud, "Local cloud", |ui| {
            ui.label(
                RichText::new("Runs inside this program: no account, no network, no Docker.")
                    .color(theme::of(ui).text_muted),
            );
            ui.horizontal(|ui| {
                if icon::button(ui, Icon::Play, "Open my local cloud").clicked() {
                    ask = Some(Ask::Open(Connection::local()));
                }
                let hint = "A world that is forgotten when the window closes";
                let temporary = ui.button("Open a temporary one").on_hover_text(hint);
                if temporary.clicked() {
                    ask = Some(Ask::Open(Connection::Embedded { folder: None }));
                }
            });
            form::row(ui, "Another data folder", "", None, |ui| {
                if self.folder.ui(ui, "Data folder") {
                    let ctx = ui.ctx().clone();
                    let work = aws::files::pick_folder();
                    self.picking.start_on(view.runtime, &ctx, work);
                }
                let folder = self.folder.path();
                ui.add_enabled_ui(folder.is_some(), |ui| {
                    if ui.button("Open folder").clicked() {
                        ask = Some(Ask::Open(Connection::Embedded { folder }));
                    }
                });
            });
            if let Some(error) = self.picking.error() {
                form::violation(ui, &error.message);
            }
        });
        ask
    }

    fn profiles_ui(&mut self, ui: &mut Ui, view: &View<'_>) -> Option<Ask> {
        let mut ask = None;
        section(ui, Icon::Globe, "AWS", |ui| {
            ui.horizontal(|ui| {
                ui.label(
                    RichText::new("Profiles of your ~/.aws files. They open read-only.")
                        .color(theme::of(ui).text_muted),
                );
                if icon::only(ui, Icon::Refresh, "Read the profiles again").clicked() {
                    let ctx = ui.ctx().clone();
                    self.read_profiles(view.runtime, &ctx);
                }
            });
            form::text(
                ui,
                "Region",
                &mut self.region,
                "Leave empty to use the profile's own",
                None,
            );
            let region = Some(self.region.trim().to_owned()).filter(|it| !it.is_empty());
            let Some(found) = self.profiles.value() else {
                remote::loading_ui(ui);
                return;
            };
            if found.is_empty() {
                confirm::warning(
                    ui,
                    "No profiles were found. `aws configure` or `aws configure sso` makes one.",
                );
            }
            for profile in found {
                if profile_ui(ui, profile, region.as_deref(), view) {
                    ask = Some(Ask::Open(Connection::Aws {
                        profile: Some(profile.name.clone()),
                        region: region.clone(),
                    }));
                }
            }
            let hint = "Access key in the environment, container or instance role";
            let chain = ui.button("Use the default credentials").on_hover_text(hint);
            if chain.clicked() {
                ask = Some(Ask::Open(Connection::Aws {
                    profile: None,
                    region,
                }));
            }
        });
        ask
    }

    fn endpoint_ui(&mut self, ui: &mut Ui) -> Option<Ask> {
        let mut ask = None;
        section(ui, Icon::Plug, "Another endpoint", |ui| {
            ui.label(
                RichText::new("DynamoDB Local, Alternator, or any other emulator.")
                    .color(theme::of(ui).text_muted),
            );
            form::text(ui, "Address", &mut self.url, "", None);
            form::text(ui, "Endpoint region", &mut self.url_region, "", None);
            if ui.button("Connect to the endpoint").clicked() {
                ask = Some(Ask::Open(Connection::Endpoint {
                    url: self.url.trim().to_owned(),
                    region: self.url_region.trim().to_owned(),
                }));
            }
        });
        ask
    }
}

/// The open connection and its lock.
fn open_ui(ui: &mut Ui, view: &View<'_>) -> Option<Ask> {
    let mut ask = None;
    let aws = view.open?;
    let about = aws.about();
    let tokens = theme::of(ui);
    theme::card(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            chip::health(ui, Health::Ok, "connected");
            ui.label(RichText::new(&about.label).strong());
            ui.label(RichText::new(&about.region).color(tokens.text_muted));
            if view.is_opening {
                remote::loading_ui(ui);
            }
            if about.ground == Ground::Local {
                return;
            }
            let corner = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(corner, |ui| {
                if aws.gate().is_locked() {
                    if icon::button(ui, Icon::Unlock, "Unlock for 10 minutes…").clicked() {
                        ask = Some(Ask::Unlock);
                    }
                    chip::plain(ui, "read-only");
                } else {
                    if icon::button(ui, Icon::Lock, "Lock now").clicked() {
                        ask = Some(Ask::Lock);
                    }
                    if let Some(until) = view.unlocked_until {
                        let left = until.duration_since(aws.now()).unwrap_or_default();
                        let words = format!("writes allowed for {}", time::span(left));
                        chip::health(ui, Health::Retry, &words);
                        ui.ctx().request_repaint_after(Duration::from_secs(1));
                    }
                }
            });
        });
        local_cloud::keys_ui(ui, aws);
    });
    ask
}

fn section(ui: &mut Ui, sign: Icon, title: &str, body: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::GUTTER);
    theme::card(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let tokens = theme::of(ui);
        ui.horizontal(|ui| {
            icon::show(ui, sign, tokens.text_muted);
            let title = RichText::new(title).text_style(theme::subtitle());
            ui.label(title.color(tokens.text_strong));
        });
        body(ui);
    });
}

/// One profile; true when it shall be opened.
fn profile_ui(ui: &mut Ui, profile: &Profile, region: Option<&str>, view: &View<'_>) -> bool {
    let tokens = theme::of(ui);
    let mut open = false;
    ui.horizontal(|ui| {
        ui.set_min_height(theme::ROW_FORM);
        let opening = view.is_opening
            && matches!(view.wanted, Some(Connection::Aws { profile: Some(name), .. }) if *name == profile.name);
        let name = format!("Connect to {}", profile.name);
        if icon::add(ui, egui::Button::new("Connect"), &name).clicked() {
            open = true;
        }
        ui.add_sized(
            [200.0, 20.0],
            egui::Label::new(RichText::new(&profile.name).color(tokens.text_strong)).truncate(),
        );
        let region = region.or(profile.region.as_deref()).unwrap_or("no region");
        ui.label(RichText::new(region).color(tokens.text_muted));
        chip::plain(ui, kind_in_words(profile.kind));
        if profile.looks_like_production {
            let word = RichText::new("PRODUCTION").small().color(tokens.env_prod);
            ui.label(word);
        }
        if profile.kind == Kind::Sso {
            let now = view.open.map(Aws::now);
            match (profile.signed_in_until, now) {
                (None, _) => {
                    chip::health(ui, Health::Retry, "not signed in");
                }
                (Some(until), Some(now)) if until <= now => {
                    chip::health(ui, Health::Retry, "sign-in expired");
                }
                _ => (),
            }
        }
        if opening {
            remote::loading_ui(ui);
        }
    });
    open
}

fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Static => "access key",
        Kind::Sso => "SSO",
        Kind::AssumeRole => "assumes a role",
        Kind::Process => "credential process",
        Kind::Other => "other",
    }
}

//! Roles: the list, one role with its policies and its fitness for a trigger, and the wizard that creates an execution role.

mod check_ui;
mod data;
mod document_ui;
mod documents;
mod fix;
mod fix_ui;
mod mend_ui;
mod near;
mod pickers;
mod policies_ui;
mod role_ui;
mod summary_ui;
mod wizard;

use aws_sdk_iam::types::Role;
use egui::{RichText, Ui};

use super::cx::{Action, Cx, Listing, Route, Toast};
use super::widgets::{Confirm, Icon, empty_state, icon};
use super::{Panel, Remote, remote, theme};
use crate::aws;
pub(super) use mend_ui::{Mended, Mending};
use role_ui::Open;
use wizard::Wizard;

#[derive(Default)]
pub struct RolesPanel {
    search: String,
    open: Option<Open>,
    /// Roles left with something typed and not saved.
    kept: Vec<Open>,
    /// What was typed stays when the user looks elsewhere.
    wizard: Option<Wizard>,
    is_creating: bool,
    confirm: Option<Confirm>,
    /// The name of the role that is gone.
    deleting: Remote<String>,
}

impl Panel for RolesPanel {
    fn title(&self) -> &'static str {
        "Roles"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Roles => self.is_creating = false,
            Route::Role(name) => self.show(name),
            Route::FixRole { role, trigger } => {
                self.show(role);
                if let Some(open) = &mut self.open {
                    open.fix(trigger);
                }
            }
            Route::NewRole => self.is_creating = true,
            _ => return false,
        }
        true
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.is_creating {
            self.wizard_ui(ui, cx);
            return;
        }
        self.poll(cx);
        egui::Panel::left("roles")
            .default_size(240.0)
            .size_range(180.0..=360.0)
            .show(ui, |ui| self.list_ui(ui, cx));
        let frame = egui::Frame::new().fill(theme::of(ui).canvas);
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| self.role_ui(ui, cx));
        self.confirm_ui(ui, cx);
    }
}

impl RolesPanel {
    fn show(&mut self, name: &str) {
        self.is_creating = false;
        if self.open.as_ref().is_some_and(|open| open.name == name) {
            return;
        }
        let before = self.kept.iter().position(|it| it.name == name);
        let next = match before {
            Some(nth) => self.kept.remove(nth),
            None => Open::new(name),
        };
        let last = self.open.replace(next);
        self.kept.extend(last.filter(Open::is_changed));
        self.deleting.clear();
    }

    fn poll(&mut self, cx: &Cx<'_>) {
        if self.deleting.poll()
            && let Some(name) = self.deleting.take()
        {
            cx.send(Action::Reload(Listing::Roles));
            cx.send(Action::Toast(Toast::good(format!("Deleted role {name}"))));
            cx.send(Action::Go(Route::Roles));
            self.open = None;
            return;
        }
        // A listing that is being asked again may still name what is gone.
        if self.open.is_none()
            && !cx.catalog.roles.is_pending()
            && let Some(first) = cx.catalog.roles.value().and_then(|all| all.first())
        {
            self.show(first.role_name());
        }
    }

    fn list_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Roles").text_style(theme::subtitle()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Plus, "New role…").clicked() {
                    cx.send(Action::Go(Route::NewRole));
                }
                if icon::only(ui, Icon::Refresh, "Reload roles").clicked() {
                    cx.send(Action::Reload(Listing::Roles));
                    if let Some(open) = &mut self.open {
                        open.reload(cx);
                    }
                }
            });
        });
        let search = egui::TextEdit::singleline(&mut self.search)
            .hint_text("Search")
            .desired_width(f32::INFINITY);
        ui.add(search).accessible_name("Search roles");
        ui.add_space(4.0);
        let wanted = self.search.to_lowercase();
        let shown = self.open.as_ref().map(|open| open.name.as_str());
        cx.catalog.roles.ui(ui, |ui, roles| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                let mut any = false;
                for role in roles {
                    let name = role.role_name();
                    if !name.to_lowercase().contains(&wanted) {
                        continue;
                    }
                    any = true;
                    if list_row_ui(ui, role, shown == Some(name)).clicked() {
                        cx.send(Action::Go(Route::Role(name.to_owned())));
                    }
                }
                if !any && !roles.is_empty() {
                    ui.weak("No role has such a name");
                }
            });
        });
    }

    fn role_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(open) = &mut self.open else {
            if cx.catalog.roles.is_pending() {
                theme::page(ui, remote::loading_ui);
                return;
            }
            let why = "A role says what a function and the trigger that calls it may do. Every function needs one.";
            let button = Some((Icon::Plus, "New role…"));
            if cx.catalog.roles.error().is_none()
                && empty_state(ui, Icon::Role, "No roles yet", why, button)
            {
                cx.send(Action::Go(Route::NewRole));
            }
            return;
        };
        let deleting = &self.deleting;
        let delete = theme::page(ui, |ui| {
            if let Some(error) = deleting.error() {
                remote::error_ui(ui, error);
            }
            // Fields of one role are not those of the next.
            ui.push_id(open.name.clone(), |ui| open.ui(ui, cx)).inner
        });
        if delete {
            self.confirm = Some(question(open, cx));
        }
    }

    fn confirm_ui(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let Some(answer) = self.confirm.as_mut().and_then(|it| it.ui(ui.ctx())) else {
            return;
        };
        self.confirm = None;
        if answer && let Some(open) = &self.open {
            let (aws, name) = (cx.aws.clone(), open.name.clone());
            self.deleting.start(cx, async move {
                aws::iam::delete_role(aws, name.clone()).await?;
                Ok(name)
            });
        }
    }

    fn wizard_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let wizard = self.wizard.get_or_insert_default();
        match wizard.ui(ui, cx) {
            wizard::Event::None => {}
            wizard::Event::Cancelled => {
                self.wizard = None;
                cx.send(Action::Go(Route::Roles));
            }
            wizard::Event::Created(name) => {
                self.wizard = None;
                cx.send(Action::Reload(Listing::Roles));
                cx.send(Action::Toast(Toast::good(format!("Created role {name}"))));
                cx.send(Action::Go(Route::Role(name)));
            }
        }
    }
}

/// What deleting the role that is shown would do.
fn question(open: &Open, cx: &Cx<'_>) -> Confirm {
    let name = &open.name;
    let tail = format!("/{name}");
    let users: Vec<&str> = role_ui::users_of(cx, |arn| arn.ends_with(&tail)).collect();
    let mut confirm = Confirm::new(format!("Delete role {name}"));
    confirm = if users.is_empty() {
        confirm.consequence("No function runs as it.")
    } else {
        confirm.consequence(format!(
            "Used by {}: what runs as it fails from then on, and its triggers stop reading.",
            users.join(", ")
        ))
    };
    let attached: Vec<&str> = open.attached().collect();
    if !attached.is_empty() {
        confirm = confirm.consequence(format!(
            "Detaches {} first. Its inline policies are gone with it.",
            attached.join(", ")
        ));
    }
    confirm.type_to_confirm(name.clone())
}

fn list_row_ui(ui: &mut Ui, role: &Role, chosen: bool) -> egui::Response {
    let button = egui::Button::selectable(chosen, role.role_name())
        .truncate()
        .min_size(egui::vec2(ui.available_width(), theme::ROW));
    icon::add(ui, button, role.role_name()).on_hover_text(role.arn())
}

//! The changes that would mend a role, shown as a diff before they are made.

use egui::{RichText, Ui};

use super::data::Check;
use super::fix::{self, Change, Line, Plan, Way};
use crate::aws;
use crate::aws::iam::RoleDetail;
use crate::ui::widgets::{Icon, icon, remark};
use crate::ui::{Action, Cx, Remote, Route, Toast, remote, theme};

pub(super) enum Event {
    None,
    Closed,
    Mended,
}

/// Where the preview is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// On the page of the role.
    Card,
    /// Over another panel; what would change takes so many points at most and scrolls.
    Dialog { height: f32 },
}

#[derive(Default)]
pub(super) struct Fixing {
    /// UUID of the trigger it is for, to lead back to.
    trigger: Option<String>,
    /// It was scrolled to and took the keyboard when it opened.
    is_seen: bool,
    way: Way,
    applying: Remote<()>,
    /// Document of the managed policy that would be attached.
    managed: Remote<String>,
    managed_arn: Option<String>,
}

impl Fixing {
    pub(super) fn of(trigger: Option<String>) -> Self {
        Self {
            trigger,
            ..Self::default()
        }
    }

    /// Below the checks it follows from.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        detail: &RoleDetail,
        checks: &[Check],
        policy: &str,
    ) -> Event {
        ui.add_space(theme::GUTTER);
        ui.separator();
        let is_first = !self.is_seen;
        let event = self.preview_ui(ui, cx, detail, checks, policy, Place::Card);
        if is_first {
            ui.scroll_to_cursor(Some(egui::Align::BOTTOM));
        }
        event
    }

    /// What would change, and the buttons that do it or leave it.
    pub(super) fn preview_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        detail: &RoleDetail,
        checks: &[Check],
        policy: &str,
        place: Place,
    ) -> Event {
        let role = detail.role.role_name();
        self.managed.poll();
        if self.applying.poll() && self.applying.error().is_none() {
            let mut toast = Toast::good(format!("Changed role {role}"));
            let back = self.trigger.take();
            toast.link = back.map(|it| ("Show trigger".to_owned(), Route::Trigger(it)));
            cx.send(Action::Toast(toast));
            return Event::Mended;
        }
        let plan = fix::plan(detail, checks, self.way, policy);
        self.look_up(cx, &plan.changes);
        let event = self.bar_ui(ui, cx, role, &plan.changes, place);
        if let Some(error) = self.applying.error() {
            remote::error_ui(ui, error);
        }
        match place {
            Place::Card => self.plan_ui(ui, &plan),
            Place::Dialog { height } => {
                egui::ScrollArea::vertical()
                    .max_height(height)
                    .min_scrolled_height(height)
                    .show(ui, |ui| self.plan_ui(ui, &plan));
            }
        }
        event
    }

    fn plan_ui(&self, ui: &mut Ui, plan: &Plan) {
        for words in &plan.left {
            let sign = (Icon::Warning, theme::of(ui).retry);
            remark(ui, sign, words, |_| ());
        }
        for change in &plan.changes {
            ui.label(RichText::new(change.title()).color(theme::of(ui).text_strong));
            diff_ui(ui, &change.lines(self.managed.value().map(String::as_str)));
        }
        if plan.changes.is_empty() && plan.left.is_empty() {
            ui.weak("Nothing is missing any more");
        }
    }

    /// The choice of a way, and the buttons over what they would do.
    fn bar_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        role: &str,
        changes: &[Change],
        place: Place,
    ) -> Event {
        let mut event = Event::None;
        ui.horizontal(|ui| {
            if place == Place::Card {
                ui.label(RichText::new("Fix").text_style(theme::subtitle()));
                ui.add_space(theme::GUTTER);
            }
            let way = &mut self.way;
            let least = ui.radio_value(way, Way::Least, "Least privilege: an inline policy");
            ui.radio_value(way, Way::Managed, "Attach the AWS managed policy");
            // From here the keyboard goes on to the buttons; Enter alone changes nothing.
            if !self.is_seen {
                self.is_seen = true;
                least.request_focus();
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let busy = self.applying.is_pending();
                let words = if busy { "Applying…" } else { "Apply fix" };
                let can = !busy && !changes.is_empty();
                let apply = ui.add_enabled_ui(can, |ui| icon::primary(ui, Icon::Check, words));
                if apply.inner.clicked() {
                    let mend = fix::apply(cx.aws.clone(), role.to_owned(), changes.to_vec());
                    self.applying.start(cx, mend);
                }
                let words = match place {
                    Place::Card => "Close fix",
                    Place::Dialog { .. } => "Cancel",
                };
                if ui.button(words).clicked() {
                    event = Event::Closed;
                }
            });
        });
        event
    }

    /// Asks what the managed policy says, once.
    fn look_up(&mut self, cx: &Cx<'_>, changes: &[Change]) {
        let wanted = changes.iter().find_map(|it| match it {
            Change::Attach { arn, .. } => Some(arn.clone()),
            _ => None,
        });
        if let Some(arn) = wanted
            && self.managed_arn.as_ref() != Some(&arn)
        {
            self.managed_arn = Some(arn.clone());
            self.managed.clear();
            let document = aws::iam::managed_policy(cx.aws.clone(), arn);
            self.managed.start(cx, document);
        }
    }
}

/// Old and new text, line by line.
pub(super) fn diff_ui(ui: &mut Ui, lines: &[Line]) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .fill(tokens.canvas)
        .stroke(egui::Stroke::new(1.0, tokens.line))
        .inner_margin(theme::GUTTER)
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            for (sign, text) in lines {
                let color = match sign {
                    '+' => tokens.insert,
                    '-' => tokens.remove,
                    _ => tokens.text_muted,
                };
                let line = RichText::new(format!("{sign} {text}")).monospace();
                ui.add(egui::Label::new(line.color(color)).wrap());
            }
        });
}

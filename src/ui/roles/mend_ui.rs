//! What would mend a role, over whatever panel found out that it has to be: the preview of the page of the role.

use egui::{Context, Id, Modal, RichText};

use super::data::Facts;
use super::fix_ui::{Event, Fixing, Place};
use crate::aws;
use crate::aws::iam::{RoleDetail, Verdict};
use crate::ui::{Cx, Remote, remote, theme};

const WIDTH: f32 = 760.0;

/// A preview that is open. Keep it in an `Option` and draw it every frame.
pub(in crate::ui) struct Mending {
    role: String,
    /// Name of the inline policy that is added or extended.
    policy: String,
    /// Why it has to be mended.
    verdicts: Vec<Verdict>,
    detail: Remote<RoleDetail>,
    fixing: Fixing,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Mended {
    Applied,
    Cancelled,
}

impl Mending {
    pub(in crate::ui) fn new(role: String, policy: String, verdicts: Vec<Verdict>) -> Self {
        Self {
            role,
            policy,
            verdicts,
            detail: Remote::default(),
            fixing: Fixing::default(),
        }
    }

    /// Draws it over everything; drop it when it has ended.
    pub(in crate::ui) fn ui(&mut self, ctx: &Context, cx: &Cx<'_>) -> Option<Mended> {
        if self.detail.is_idle() {
            let detail = aws::iam::get_role(cx.aws.clone(), self.role.clone());
            self.detail.start(cx, detail);
        }
        self.detail.poll();
        let mut ended = None;
        let frame = theme::dialog(&ctx.global_style());
        let modal = Modal::new(Id::unique("mend a role")).frame(frame);
        let modal = modal.show(ctx, |ui| {
            ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::PAGE_MARGIN));
            let title = format!("Fix role {}", self.role);
            let title = RichText::new(title).text_style(theme::title());
            ui.label(title.color(theme::of(ui).text_strong));
            if let Some(error) = self.detail.error() {
                remote::error_ui(ui, error);
            }
            let Some(detail) = self.detail.value() else {
                if self.detail.is_pending() {
                    remote::loading_ui(ui);
                }
                if ui.button("Cancel").clicked() {
                    ended = Some(Mended::Cancelled);
                }
                return;
            };
            let checks = Facts::of(detail).checks(&self.verdicts);
            let height = ui.ctx().content_rect().height() * 0.6;
            let place = Place::Dialog { height };
            let (fixing, policy) = (&mut self.fixing, &self.policy);
            match fixing.preview_ui(ui, cx, detail, &checks, policy, place) {
                Event::None => (),
                Event::Closed => ended = Some(Mended::Cancelled),
                Event::Mended => ended = Some(Mended::Applied),
            }
        });
        if modal.should_close() {
            ended = ended.or(Some(Mended::Cancelled));
        }
        ended
    }
}

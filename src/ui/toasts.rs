//! Short messages in the corner, and the list of all that were shown.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use egui::{Align2, Area, Frame, Id, Order, Ui, Vec2};

use super::cx::{Action, Cx, Toast, Tone};
use super::widgets::{Icon, icon};
use super::{theme, time};

/// How long a toast stays: bad news longer.
const GOOD_FOR: Duration = Duration::from_secs(4);
const BAD_FOR: Duration = Duration::from_secs(10);
/// Most toasts on the screen at once and most kept in the list.
const SHOWN_MAX: usize = 4;
const KEPT_MAX: usize = 100;
const WIDTH: f32 = 360.0;

struct Note {
    toast: Toast,
    at: SystemTime,
    /// When it was shown first, by the cloud's uptime.
    since: Duration,
    /// Still in the corner.
    fresh: bool,
}

/// Toasts and notifications, newest last.
#[derive(Default)]
pub(super) struct Toasts {
    notes: VecDeque<Note>,
    unread: usize,
}

impl Toasts {
    pub(super) fn push(&mut self, toast: Toast, cx: &Cx<'_>) {
        if self.notes.len() == KEPT_MAX {
            self.notes.pop_front();
        }
        self.unread += 1;
        self.notes.push_back(Note {
            toast,
            at: cx.now,
            since: cx.uptime,
            fresh: true,
        });
    }

    pub(super) fn unread(&self) -> usize {
        self.unread
    }

    /// The toasts in the corner, over everything but the drawer of this height.
    pub(super) fn corner_ui(&mut self, ctx: &egui::Context, cx: &Cx<'_>, drawer: f32) {
        self.expire(ctx, cx);
        if !self.notes.iter().any(|note| note.fresh) {
            return;
        }
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, Vec2::new(-16.0, -drawer - 16.0))
            .show(ctx, |ui| {
                let fresh = self.notes.iter_mut().filter(|note| note.fresh);
                let surplus = fresh.count().saturating_sub(SHOWN_MAX);
                for note in self
                    .notes
                    .iter_mut()
                    .filter(|note| note.fresh)
                    .skip(surplus)
                {
                    toast_ui(ui, note, cx);
                }
            });
    }

    /// All of them, newest first.
    pub(super) fn list_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.unread = 0;
        if self.notes.is_empty() {
            ui.weak("Nothing has happened yet");
            return;
        }
        egui::ScrollArea::vertical()
            .max_height(360.0)
            .show(ui, |ui| {
                for note in self.notes.iter().rev() {
                    ui.horizontal_top(|ui| {
                        sign_ui(ui, note.toast.tone);
                        ui.vertical(|ui| {
                            ui.label(&note.toast.text);
                            ui.horizontal(|ui| {
                                time::ago_ui(ui, note.at, cx.now);
                                link_ui(ui, &note.toast, cx);
                            });
                        });
                    });
                }
            });
    }

    fn expire(&mut self, ctx: &egui::Context, cx: &Cx<'_>) {
        for note in self.notes.iter_mut().filter(|note| note.fresh) {
            let stays = match note.toast.tone {
                Tone::Good | Tone::Neutral => GOOD_FOR,
                Tone::Bad => BAD_FOR,
            };
            match stays.checked_sub(cx.since(note.since)) {
                Some(left) if !left.is_zero() => ctx.request_repaint_after(left),
                _ => note.fresh = false,
            }
        }
    }
}

fn toast_ui(ui: &mut Ui, note: &mut Note, cx: &Cx<'_>) {
    let tokens = theme::of(ui);
    Frame::popup(ui.style())
        .stroke(egui::Stroke::new(1.0, tokens.line_strong))
        .inner_margin(theme::PANEL_PADDING)
        .show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.horizontal_top(|ui| {
                sign_ui(ui, note.toast.tone);
                let room = ui.available_width() - 40.0;
                ui.vertical(|ui| {
                    ui.set_max_width(room);
                    let words = ui.label(&note.toast.text);
                    ui.ctx().accesskit_node_builder(words.id, |node| {
                        node.set_live(egui::accesskit::Live::Polite);
                    });
                    link_ui(ui, &note.toast, cx);
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
                    if icon::only(ui, Icon::Close, "Dismiss").clicked() {
                        note.fresh = false;
                    }
                });
            });
        });
}

fn link_ui(ui: &mut Ui, toast: &Toast, cx: &Cx<'_>) {
    if let Some((words, route)) = &toast.link
        && ui.small_button(words).clicked()
    {
        cx.send(Action::Go(route.clone()));
    }
}

fn sign_ui(ui: &mut Ui, tone: Tone) {
    let tokens = theme::of(ui);
    let (sign, color) = match tone {
        Tone::Good => (Icon::Check, tokens.ok),
        Tone::Bad => (Icon::Failed, tokens.failed),
        Tone::Neutral => (Icon::Info, tokens.text_muted),
    };
    icon::show(ui, sign, color);
}

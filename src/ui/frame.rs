//! How the window is divided: stripe, top bar, rail, drawer, and the screen in the middle. Draws the console's frame.

use egui::{CentralPanel, Frame, Margin, Panel as Side, Ui};

use super::commands::Command;
use super::connection::View;
use super::console::Console;
use super::cx::{Action, Route};
use super::top_bar::Ask;
use super::{activity, rail, remote, shortcuts, theme, top_bar, welcome};

impl Console {
    /// Draws one frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.keys(&ctx);
        self.stripe_ui(ui);
        if self.is_welcoming() {
            self.welcome_ui(ui);
        } else {
            self.top_ui(ui);
            self.rail_ui(ui);
            self.drawer_ui(ui);
            self.main_ui(ui);
        }
        self.over_ui(ui);
        if self.has_wishes() {
            ctx.request_repaint();
        }
    }

    fn stripe_ui(&self, ui: &mut Ui) {
        let tokens = theme::of(ui);
        let color = self.cloud.as_ref().map_or(tokens.line, |cloud| {
            top_bar::environment(cloud.aws.about(), tokens).1
        });
        Side::top("stripe")
            .exact_size(top_bar::STRIPE)
            .frame(Frame::new().fill(color))
            .show_separator_line(false)
            .show(ui, |_| ());
    }

    fn welcome_ui(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(theme::of(ui).canvas);
        let begin = CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| {
                let ready = self.cloud.is_some();
                welcome::ui(ui, self.connections.profiles(), ready)
            })
            .inner;
        if let Some(how) = begin {
            self.begin(how);
        }
    }

    fn top_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let mut settings = self.settings.clone();
        let history = std::mem::take(&mut self.history);
        let frame = Frame::new()
            .fill(theme::of(ui).panel)
            .inner_margin(Margin::symmetric(12, 6));
        let ask = Side::top("top bar")
            .exact_size(top_bar::HEIGHT)
            .frame(frame)
            .show(ui, |ui| {
                let drawn = self.with_cx(&ctx, |cx, rest| {
                    top_bar::ui(ui, Some(cx), &mut settings, rest.toasts, &history)
                });
                drawn.unwrap_or_else(|| {
                    let toasts = &mut self.toasts;
                    top_bar::ui(ui, None, &mut settings, toasts, &history)
                })
            })
            .inner;
        self.history = history;
        if settings.theme != self.settings.theme {
            self.set_theme(&ctx, settings.theme);
        }
        if (settings.zoom - self.settings.zoom).abs() > f32::EPSILON {
            self.set_zoom(&ctx, settings.zoom);
        }
        self.settings = settings;
        match ask {
            Some(Ask::Run(command)) => self.run(&ctx, command),
            Some(Ask::Connections) => self.wish(Action::Go(Route::Connections)),
            None => (),
        }
    }

    fn rail_ui(&mut self, ui: &mut Ui) {
        let width = if self.rail_wide {
            rail::WIDE
        } else {
            rail::NARROW
        };
        let frame = Frame::new()
            .fill(theme::of(ui).panel)
            .inner_margin(Margin::symmetric(0, 6));
        let on_connections = self.on_connections();
        let (screens, current) = match &self.cloud {
            Some(cloud) => (&cloud.screens[..], cloud.current),
            None => (&[][..], None),
        };
        let wide = &mut self.rail_wide;
        let wanted = Side::left("rail")
            .exact_size(width)
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| {
                rail::ui(ui, screens, current, on_connections, wide)
            })
            .inner;
        if let Some(route) = wanted {
            self.wish(Action::Go(route));
        }
    }

    fn drawer_height(&self) -> f32 {
        if self.activity.is_open {
            activity::OPEN
        } else {
            activity::CLOSED
        }
    }

    fn drawer_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let height = self.drawer_height();
        let frame = Frame::new().fill(theme::of(ui).panel);
        Side::bottom("activity")
            .exact_size(height)
            .frame(frame)
            .show(ui, |ui| {
                self.with_cx(&ctx, |cx, rest| rest.activity.ui(ui, cx));
            });
    }

    fn main_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let frame = Frame::new().fill(theme::of(ui).canvas);
        CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            if self.on_connections() {
                self.connections_ui(ui);
                return;
            }
            let drawn = self.with_cx(&ctx, |cx, rest| {
                let shown = rest.current.and_then(|nth| rest.screens.get_mut(nth));
                if let Some(screen) = shown {
                    let margin = if screen.panel.fills() {
                        Margin::ZERO
                    } else {
                        theme::PAGE
                    };
                    Frame::new().inner_margin(margin).show(ui, |ui| {
                        ui.push_id(screen.panel.title(), |ui| screen.panel.ui(ui, cx));
                    });
                }
            });
            if drawn.is_none() {
                theme::page(ui, remote::loading_ui);
            }
        });
    }

    fn connections_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let view = View {
            runtime: &self.runtime,
            open: self.cloud.as_ref().map(|cloud| &cloud.aws),
            wanted: self.wanted.as_ref(),
            is_opening: self.opening.is_pending(),
            error: self.opening.error(),
            unlocked_until: self.cloud.as_ref().and_then(|cloud| cloud.unlocked_until),
        };
        if let Some(ask) = self.connections.ui(ui, &view) {
            self.answer(&ctx, ask);
        }
    }

    fn over_ui(&mut self, ui: &Ui) {
        let ctx = ui.ctx().clone();
        let drawer = self.drawer_height();
        self.with_cx(&ctx, |cx, rest| rest.toasts.corner_ui(&ctx, cx, drawer));
        if self.palette.is_open() {
            let entries = self.offered(&ctx);
            if let Some(choice) = self.palette.ui(&ctx, &entries) {
                self.choose(&ctx, choice);
            }
        }
        if self.shortcuts_open && !shortcuts::ui(&ctx) {
            self.run(&ctx, Command::Shortcuts);
        }
        if self.connections.question_ui(&ctx) {
            self.unlock();
        }
    }
}

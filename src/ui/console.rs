//! The whole window: one connection, its panels, and what lies around them. Draws; decides nothing about clouds.

use std::cell::RefCell;

use egui::{CentralPanel, Context, Frame, Panel as Side, Ui};
use tokio::runtime::Handle;

use super::catalog::Catalog;
use super::cx::{Action, Cx, Listing, Route, Settings};
use super::history::History;
use super::live::Live;
use super::toasts::Toasts;
use super::top_bar::{self, Ask};
use super::widgets::icon;
use super::{Screen, rail, screens, theme};
use crate::aws::Aws;

/// An open connection and everything that is known about it.
struct Cloud {
    aws: Aws,
    catalog: Catalog,
    live: Live,
    screens: Vec<Screen>,
    /// Which screen is shown.
    current: Option<usize>,
}

/// The console. Runs in an eframe window and, the very same, in a test harness.
pub struct Console {
    runtime: Handle,
    settings: Settings,
    cloud: Option<Cloud>,
    history: History,
    toasts: Toasts,
    wishes: RefCell<Vec<Action>>,
    rail_wide: bool,
    /// The connections screen is shown in place of a panel.
    on_connections: bool,
}

impl Console {
    /// A console without a connection. `runtime` runs what panels ask for.
    pub fn new(ctx: &Context, runtime: Handle, settings: Settings) -> Self {
        theme::install(ctx);
        icon::install(ctx);
        ctx.set_theme(settings.theme);
        ctx.set_zoom_factor(settings.zoom);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        Self {
            runtime,
            settings,
            cloud: None,
            history: History::default(),
            toasts: Toasts::default(),
            wishes: RefCell::default(),
            rail_wide: false,
            on_connections: false,
        }
    }

    /// Shows this cloud from now on; what was known of the former one is dropped.
    pub fn connect(&mut self, aws: Aws) {
        self.cloud = Some(Cloud {
            aws,
            catalog: Catalog::default(),
            live: Live::default(),
            screens: screens(),
            current: None,
        });
        self.history = History::default();
        self.on_connections = false;
        self.wish(Action::Reload(Listing::All));
        let first = self.settings.last_route.clone().unwrap_or(Route::Overview);
        self.wish(Action::Go(first));
    }

    /// What the user chose so far.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the user is.
    pub fn route(&self) -> Option<&Route> {
        self.history.current()
    }

    /// Asks as a panel would; granted at the next frame.
    pub fn wish(&mut self, action: Action) {
        self.wishes.get_mut().push(action);
    }

    /// Takes what has arrived; also while the window is hidden.
    pub fn update(&mut self, ctx: &Context) {
        if let Some(cloud) = &mut self.cloud {
            cloud.live.drain();
            cloud.catalog.poll();
        }
        self.grant(ctx);
    }

    /// Draws one frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        self.keys(ui.ctx());
        self.stripe_ui(ui);
        self.top_ui(ui);
        self.rail_ui(ui);
        self.main_ui(ui);
        self.over_ui(ui.ctx());
        if !self.wishes.get_mut().is_empty() {
            ui.ctx().request_repaint();
        }
    }

    /// Lets a closure see the panels' view of the world.
    fn with_cx<R>(
        &mut self,
        ctx: &Context,
        body: impl FnOnce(&Cx<'_>, Rest<'_>) -> R,
    ) -> Option<R> {
        let cloud = self.cloud.as_mut()?;
        let cx = Cx {
            aws: &cloud.aws,
            catalog: &cloud.catalog,
            live: &cloud.live,
            runtime: &self.runtime,
            ctx,
            now: cloud.aws.now(),
            settings: &self.settings,
            wishes: &self.wishes,
        };
        let rest = Rest {
            screens: &mut cloud.screens,
            current: &mut cloud.current,
            toasts: &mut self.toasts,
        };
        Some(body(&cx, rest))
    }

    fn grant(&mut self, ctx: &Context) {
        for action in self.wishes.take() {
            match action {
                Action::Go(route) => {
                    self.history.push(route.clone());
                    self.show(ctx, &route);
                }
                Action::Toast(toast) => {
                    self.with_cx(ctx, |cx, rest| rest.toasts.push(toast, cx.now));
                }
                Action::Reload(which) => self.reload(ctx, which),
            }
        }
    }

    fn reload(&mut self, ctx: &Context, which: Listing) {
        // The catalog is lent to `Cx`, so it is taken out while it asks.
        let Some(cloud) = &mut self.cloud else { return };
        let mut catalog = std::mem::take(&mut cloud.catalog);
        self.with_cx(ctx, |cx, _| catalog.reload(which, cx));
        if let Some(cloud) = &mut self.cloud {
            cloud.catalog = catalog;
        }
    }

    /// Gives the route to the panel it belongs to.
    fn show(&mut self, ctx: &Context, route: &Route) {
        self.on_connections = *route == Route::Connections;
        self.settings.last_route = Some(route.clone());
        self.with_cx(ctx, |_, rest| {
            let taken = rest
                .screens
                .iter_mut()
                .position(|screen| screen.panel.open(route) || screen.home == *route);
            if taken.is_some() {
                *rest.current = taken;
            }
        });
    }

    fn keys(&mut self, ctx: &Context) {
        use egui::{Key, Modifiers};
        let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
        if pressed(Modifiers::ALT, Key::ArrowLeft) {
            self.travel(ctx, History::back);
        }
        if pressed(Modifiers::ALT, Key::ArrowRight) {
            self.travel(ctx, History::forward);
        }
        if pressed(Modifiers::NONE, Key::F5) || pressed(Modifiers::COMMAND, Key::R) {
            self.wish(Action::Reload(Listing::All));
        }
        let digits = [
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
        ];
        for (nth, key) in digits.into_iter().enumerate() {
            if pressed(Modifiers::COMMAND, key)
                && let Some(cloud) = &self.cloud
                && let Some(screen) = cloud.screens.get(nth)
            {
                let home = screen.home.clone();
                self.wish(Action::Go(home));
            }
        }
        for (key, by) in [(Key::Plus, 0.1), (Key::Equals, 0.1), (Key::Minus, -0.1)] {
            if pressed(Modifiers::COMMAND, key) {
                self.settings.zoom = top_bar::zoomed(self.settings.zoom, by);
                ctx.set_zoom_factor(self.settings.zoom);
            }
        }
        if pressed(Modifiers::COMMAND, Key::Num0) {
            self.settings.zoom = 1.0;
            ctx.set_zoom_factor(1.0);
        }
    }

    fn travel(&mut self, ctx: &Context, step: fn(&mut History) -> Option<Route>) {
        if let Some(route) = step(&mut self.history) {
            self.show(ctx, &route);
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

    fn top_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let mut settings = self.settings.clone();
        let history = std::mem::take(&mut self.history);
        let frame = Frame::new()
            .fill(theme::of(ui).panel)
            .inner_margin(egui::Margin::symmetric(12, 6));
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
        self.adopt(&ctx, settings);
        match ask {
            Some(Ask::Back) => self.travel(&ctx, History::back),
            Some(Ask::Forward) => self.travel(&ctx, History::forward),
            Some(Ask::Connections) => self.wish(Action::Go(Route::Connections)),
            Some(Ask::Palette | Ask::Shortcuts) | None => (),
        }
    }

    fn adopt(&mut self, ctx: &Context, settings: Settings) {
        if settings.theme != self.settings.theme {
            ctx.set_theme(settings.theme);
        }
        if (settings.zoom - self.settings.zoom).abs() > f32::EPSILON {
            ctx.set_zoom_factor(settings.zoom);
        }
        self.settings = settings;
    }

    fn rail_ui(&mut self, ui: &mut Ui) {
        let width = if self.rail_wide {
            rail::WIDE
        } else {
            rail::NARROW
        };
        let frame = Frame::new()
            .fill(theme::of(ui).panel)
            .inner_margin(egui::Margin::symmetric(0, 6));
        let (screens, current) = self
            .cloud
            .as_ref()
            .map_or((&[][..], None), |cloud| (&cloud.screens[..], cloud.current));
        let wanted = Side::left("rail")
            .exact_size(width)
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| {
                rail::ui(
                    ui,
                    screens,
                    current,
                    self.on_connections,
                    &mut self.rail_wide,
                )
            })
            .inner;
        if let Some(route) = wanted {
            self.wish(Action::Go(route));
        }
    }

    fn main_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let frame = Frame::new().fill(theme::of(ui).canvas);
        CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            self.with_cx(&ctx, |cx, rest| {
                let shown = rest.current.and_then(|nth| rest.screens.get_mut(nth));
                if let Some(screen) = shown {
                    ui.push_id(screen.panel.title(), |ui| screen.panel.ui(ui, cx));
                }
            });
        });
    }

    fn over_ui(&mut self, ctx: &Context) {
        self.with_cx(ctx, |cx, rest| rest.toasts.corner_ui(ctx, cx));
    }
}

/// What the console may still change while panels look at the rest.
struct Rest<'a> {
    screens: &'a mut Vec<Screen>,
    current: &'a mut Option<usize>,
    toasts: &'a mut Toasts,
}

impl eframe::App for Console {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

//! The whole window: one connection, its panels, and what lies around them. Draws; decides nothing about clouds.

use std::cell::RefCell;
use std::time::SystemTime;

use egui::Context;
use tokio::runtime::Handle;

use super::activity::Activity;
use super::catalog::Catalog;
use super::commands::{self, Command};
use super::connection::{self, Connections};
use super::cx::{Action, Cx, Listing, Route, Settings, Toast};
use super::history::History;
use super::live::Live;
use super::palette::{self, Choice, Palette};
use super::remote::{Remote, Waker};
use super::toasts::Toasts;
use super::welcome::Begin;
use super::widgets::icon;
use super::{Screen, screens, theme, top_bar};
use crate::aws::{self, Aws, Connection, local};
use crate::mapping::Progress;
use crate::mapping::progress::What;

/// An open connection and everything that is known about it.
pub(super) struct Cloud {
    pub(super) aws: Aws,
    pub(super) catalog: Catalog,
    pub(super) live: Live,
    pub(super) screens: Vec<Screen>,
    /// Which screen is shown.
    pub(super) current: Option<usize>,
    /// When writes are refused again.
    pub(super) unlocked_until: Option<SystemTime>,
    /// Wakes the window when pollers did something.
    _waker: Option<Waker>,
}

/// The console. Runs in an eframe window and, the very same, in a test harness.
pub struct Console {
    pub(super) runtime: Handle,
    pub(super) settings: Settings,
    pub(super) cloud: Option<Cloud>,
    pub(super) opening: Remote<Aws>,
    /// The connection being opened, or open.
    pub(super) wanted: Option<Connection>,
    pub(super) connections: Connections,
    pub(super) history: History,
    pub(super) toasts: Toasts,
    pub(super) palette: Palette,
    pub(super) activity: Activity,
    wishes: RefCell<Vec<Action>>,
    pub(super) rail_wide: bool,
    pub(super) shortcuts_open: bool,
}

/// What the console may still change while panels look at the rest.
pub(super) struct Rest<'a> {
    pub(super) screens: &'a mut Vec<Screen>,
    pub(super) current: &'a mut Option<usize>,
    pub(super) toasts: &'a mut Toasts,
    pub(super) activity: &'a mut Activity,
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
            opening: Remote::default(),
            wanted: None,
            connections: Connections::default(),
            history: History::default(),
            toasts: Toasts::default(),
            palette: Palette::default(),
            activity: Activity::default(),
            wishes: RefCell::default(),
            rail_wide: false,
            shortcuts_open: false,
        }
    }

    /// Opens the connection of the last time, or the local cloud.
    pub fn start(&mut self, ctx: &Context) {
        let last = self.settings.connection.clone();
        self.open(ctx, last.unwrap_or_else(Connection::local));
    }

    /// Opens a connection; the present one stays until the new one is there.
    pub fn open(&mut self, ctx: &Context, connection: Connection) {
        self.wanted = Some(connection.clone());
        self.opening
            .start_on(&self.runtime, ctx, async move { connection.open().await });
    }

    /// Shows this cloud from now on; what was known of the former one is dropped.
    pub fn connect(&mut self, ctx: &Context, aws: Aws) {
        // What was asked for in this very frame counts as asked before.
        self.grant(ctx);
        let mut live = Live::default();
        let mut waker = None;
        if let Ok((past, feed)) = local::watch(&aws) {
            let news = feed.clone();
            waker = Some(Waker::new(&self.runtime, ctx, news, is_worth_a_frame));
            live.follow(past, feed);
        }
        // What was asked for while there was no cloud yet, or looked at the last time, need not be in
        // another cloud.
        let wanted = self.cloud.is_none().then(|| {
            let asked = self.history.current().cloned();
            asked.or_else(|| self.settings.last_route.clone())
        });
        self.cloud = Some(Cloud {
            aws,
            catalog: Catalog::default(),
            live,
            screens: screens(),
            current: None,
            unlocked_until: None,
            _waker: waker,
        });
        self.history = History::default();
        let was_open = self.activity.is_open;
        self.activity = Activity::default();
        self.activity.is_open = was_open;
        self.wish(Action::Reload(Listing::All));
        let first = match wanted.flatten() {
            Some(route) if route != Route::Connections => route,
            _ => Route::Overview,
        };
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

    /// The open connection.
    pub fn aws(&self) -> Option<&Aws> {
        self.cloud.as_ref().map(|cloud| &cloud.aws)
    }

    /// Asks as a panel would; granted at the next frame.
    pub fn wish(&mut self, action: Action) {
        self.wishes.get_mut().push(action);
    }

    /// Takes what has arrived; also while the window is hidden.
    pub fn update(&mut self, ctx: &Context) {
        if self.opening.poll()
            && let Some(aws) = self.opening.take()
        {
            self.settings.connection.clone_from(&self.wanted);
            self.connect(ctx, aws);
        }
        self.connections.update(&self.runtime, ctx);
        if let Some(cloud) = &mut self.cloud {
            cloud.live.drain();
            if cloud.live.has_backlog() {
                ctx.request_repaint();
            }
            cloud.catalog.poll();
        }
        self.with_cx(ctx, |cx, rest| rest.activity.update(cx));
        self.relock(ctx);
        self.grant(ctx);
    }

    pub(super) fn is_welcoming(&self) -> bool {
        !self.settings.welcomed
    }

    pub(super) fn on_connections(&self) -> bool {
        self.route() == Some(&Route::Connections)
            || self.cloud.is_none()
                && (self.opening.error().is_some() || !self.opening.is_pending())
    }

    /// Answers the welcome screen.
    pub(super) fn begin(&mut self, how: Begin) {
        self.settings.welcomed = true;
        self.wish(Action::Go(match how {
            Begin::Demo => Route::Demo,
            Begin::Empty => Route::Overview,
            Begin::Aws => Route::Connections,
        }));
    }

    /// Lets a closure see the panels' view of the world.
    pub(super) fn with_cx<R>(
        &mut self,
        ctx: &Context,
        body: impl FnOnce(&Cx<'_>, Rest<'_>) -> R,
    ) -> Option<R> {
        let cloud = self.cloud.as_mut()?;
        // The time is the runtime's, also where that one's does not pass by itself.
        let _time = self.runtime.enter();
        let cx = Cx {
            aws: &cloud.aws,
            catalog: &cloud.catalog,
            live: &cloud.live,
            runtime: &self.runtime,
            ctx,
            now: cloud.aws.now(),
            uptime: cloud.aws.uptime(),
            settings: &self.settings,
            wishes: &self.wishes,
        };
        let rest = Rest {
            screens: &mut cloud.screens,
            current: &mut cloud.current,
            toasts: &mut self.toasts,
            activity: &mut self.activity,
        };
        Some(body(&cx, rest))
    }

    pub(super) fn has_wishes(&self) -> bool {
        !self.wishes.borrow().is_empty()
    }

    fn grant(&mut self, ctx: &Context) {
        for action in self.wishes.take() {
            match action {
                Action::Go(route) => {
                    self.history.push(route.clone());
                    self.show(ctx, &route);
                }
                Action::Toast(toast) => {
                    self.with_cx(ctx, |cx, rest| rest.toasts.push(toast, cx));
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
        self.settings.last_route = Some(route.place());
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

    pub(super) fn keys(&mut self, ctx: &Context) {
        for command in commands::pressed(ctx) {
            self.run(ctx, command);
        }
        if let Some(nth) = commands::pressed_digit(ctx)
            && let Some(cloud) = &self.cloud
            && let Some(screen) = cloud.screens.get(nth)
        {
            let home = screen.home.clone();
            self.wish(Action::Go(home));
        }
    }

    pub(super) fn run(&mut self, ctx: &Context, command: Command) {
        let zoom = self.settings.zoom;
        match command {
            Command::Palette if self.palette.is_open() => self.palette.close(),
            Command::Palette => self.palette.open(),
            Command::Shortcuts => self.shortcuts_open = !self.shortcuts_open,
            Command::Back => self.travel(ctx, History::back),
            Command::Forward => self.travel(ctx, History::forward),
            Command::Refresh => self.wish(Action::Reload(Listing::All)),
            Command::Unlock => {
                if let Some(cloud) = &self.cloud {
                    self.connections.ask_unlock(&cloud.aws);
                }
            }
            Command::Lock => self.lock(),
            Command::Activity => self.activity.is_open = !self.activity.is_open,
            Command::Rail => self.rail_wide = !self.rail_wide,
            Command::Dark => self.set_theme(ctx, egui::ThemePreference::Dark),
            Command::Light => self.set_theme(ctx, egui::ThemePreference::Light),
            Command::System => self.set_theme(ctx, egui::ThemePreference::System),
            Command::Larger => self.set_zoom(ctx, top_bar::zoomed(zoom, 0.1)),
            Command::Smaller => self.set_zoom(ctx, top_bar::zoomed(zoom, -0.1)),
            Command::ActualSize => self.set_zoom(ctx, 1.0),
            Command::NewTable
            | Command::NewFunction
            | Command::NewTrigger
            | Command::NewRole
            | Command::Demo
            | Command::Connections => {
                if let Some(route) = command.route() {
                    self.settings.welcomed = true;
                    self.wish(Action::Go(route));
                }
            }
        }
    }

    /// Everything the palette can offer now.
    pub(super) fn offered(&self, ctx: &Context) -> Vec<palette::Entry> {
        let offered: Vec<Command> = Command::ALL
            .into_iter()
            .filter(|command| self.offers(*command))
            .collect();
        let (screens, known) = match &self.cloud {
            Some(cloud) => (&cloud.screens[..], Some((&cloud.aws, &cloud.catalog))),
            None => (&[][..], None),
        };
        palette::entries(ctx, &offered, screens, known)
    }

    /// Whether a command makes sense now.
    fn offers(&self, command: Command) -> bool {
        let locked = self.aws().map(|aws| aws.gate().is_locked());
        let is_aws = self
            .aws()
            .is_some_and(|aws| aws.about().ground == aws::Ground::Aws);
        match command {
            Command::Palette => false,
            Command::Unlock => is_aws && locked == Some(true),
            Command::Lock => is_aws && locked == Some(false),
            Command::Demo => self.cloud.is_some() && !is_aws,
            Command::NewTable
            | Command::NewFunction
            | Command::NewTrigger
            | Command::NewRole
            | Command::Refresh => self.cloud.is_some(),
            _ => true,
        }
    }

    pub(super) fn choose(&mut self, ctx: &Context, choice: Choice) {
        match choice {
            Choice::Go(route) => {
                self.settings.welcomed = true;
                self.wish(Action::Go(route));
            }
            Choice::Run(command) => self.run(ctx, command),
        }
    }

    pub(super) fn travel(&mut self, ctx: &Context, step: fn(&mut History) -> Option<Route>) {
        if let Some(route) = step(&mut self.history) {
            self.show(ctx, &route);
        }
    }

    pub(super) fn set_theme(&mut self, ctx: &Context, theme: egui::ThemePreference) {
        self.settings.theme = theme;
        ctx.set_theme(theme);
    }

    pub(super) fn set_zoom(&mut self, ctx: &Context, zoom: f32) {
        self.settings.zoom = zoom;
        ctx.set_zoom_factor(zoom);
    }

    pub(super) fn answer(&mut self, ctx: &Context, ask: connection::Ask) {
        match ask {
            connection::Ask::Open(connection) => {
                self.settings.welcomed = true;
                self.open(ctx, connection);
            }
            connection::Ask::Unlock => self.run(ctx, Command::Unlock),
            connection::Ask::Lock => self.lock(),
        }
    }

    pub(super) fn unlock(&mut self) {
        let Some(cloud) = &mut self.cloud else { return };
        cloud.aws.gate().unlock();
        cloud.unlocked_until = Some(cloud.aws.now() + connection::UNLOCKED_FOR);
        let text = format!(
            "Writes to {} are allowed for 10 minutes",
            cloud.aws.about().label
        );
        self.wish(Action::Toast(Toast::good(text)));
    }

    fn lock(&mut self) {
        let Some(cloud) = &mut self.cloud else { return };
        cloud.aws.gate().lock();
        cloud.unlocked_until = None;
        let text = format!("{} is read-only again", cloud.aws.about().label);
        self.wish(Action::Toast(Toast::good(text)));
    }

    /// Locks when the time is over, and makes sure to be there then.
    fn relock(&mut self, ctx: &Context) {
        let Some(cloud) = &self.cloud else { return };
        let Some(until) = cloud.unlocked_until else {
            return;
        };
        match until.duration_since(cloud.aws.now()) {
            Ok(left) if !left.is_zero() => ctx.request_repaint_after(left),
            _ => self.lock(),
        }
    }
}

/// Empty polls come four times a second from every shard and change nothing that is drawn.
fn is_worth_a_frame(progress: &Progress) -> bool {
    !matches!(progress.what, What::Polled { records: 0, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_while_the_cloud_arrives_is_shown() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let opened = runtime.block_on(Connection::Embedded { folder: None }.open());
        let ctx = Context::default();
        let mut console = Console::new(&ctx, runtime.handle().clone(), Settings::default());
        console.wish(Action::Go(Route::NewRole));
        console.connect(&ctx, opened.unwrap());
        console.update(&ctx);
        assert_eq!(console.route(), Some(&Route::NewRole));
    }
}

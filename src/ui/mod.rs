//! The console: owns the connection, the catalog, the panels and what is live; draws one frame at a time.

mod activity;
pub mod batches;
pub mod catalog;
mod commands;
mod connection;
pub mod console;
pub mod cx;
mod denied;
mod engine_settings;
mod faults;
mod frame;
pub mod functions;
mod fuzzy;
mod history;
pub mod live;
mod local_cloud;
pub mod logs;
mod names;
pub mod overview;
mod palette;
mod poller;
mod qualifier;
mod rail;
pub mod records;
pub mod remote;
pub mod roles;
pub mod save_as;
mod shard_list;
mod shortcuts;
pub mod tables;
pub mod theme;
pub mod time;
mod toasts;
mod top_bar;
pub mod triggers;
mod welcome;
mod whatif;
pub mod widgets;
mod window;
mod world;

pub use console::Console;
pub use cx::{Action, Cx, Hold, Listing, Route, Settings, Toast};
pub use remote::Remote;
pub use window::run;

use widgets::Icon;

/// One screen.
pub trait Panel {
    /// What the rail and the palette call it.
    fn title(&self) -> &'static str;

    /// Polls what it waits for, then draws.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &Cx<'_>);

    /// Draws to the edges, because it has panes of its own; others get the page's margin.
    fn fills(&self) -> bool {
        false
    }

    /// Takes the route when it is this panel's; true when it was.
    fn open(&mut self, _to: &Route) -> bool {
        false
    }
}

/// A panel and its place in the rail.
pub struct Screen {
    /// Where the rail leads.
    pub home: Route,
    pub icon: Icon,
    pub panel: Box<dyn Panel>,
}

impl Screen {
    fn new(home: Route, icon: Icon, panel: impl Panel + 'static) -> Self {
        Self {
            home,
            icon,
            panel: Box::new(panel),
        }
    }
}

/// Every panel, in the order of the rail; fresh ones, since what a panel knows belongs to one connection.
///
/// A new panel is its file, its `mod` line and its line here:
/// `Screen::new(Route::Tables, Icon::Table, tables::TablesPanel::default()),`
pub fn screens() -> Vec<Screen> {
    vec![
        Screen::new(
            Route::Overview,
            Icon::Overview,
            overview::OverviewPanel::default(),
        ),
        Screen::new(Route::Tables, Icon::Table, tables::TablesPanel::default()),
        Screen::new(
            Route::Streams,
            Icon::Stream,
            records::RecordsPanel::default(),
        ),
        Screen::new(
            Route::Functions,
            Icon::Function,
            functions::FunctionsPanel::default(),
        ),
        Screen::new(Route::Roles, Icon::Role, roles::RolesPanel::default()),
        Screen::new(
            Route::Triggers,
            Icon::Trigger,
            triggers::TriggersPanel::default(),
        ),
        Screen::new(
            Route::Batches,
            Icon::Batch,
            batches::BatchesPanel::default(),
        ),
        Screen::new(Route::Logs, Icon::Logs, logs::LogsPanel::default()),
        Screen::new(
            Route::LocalCloud,
            Icon::Cloud,
            local_cloud::LocalCloudPanel::default(),
        ),
    ]
}

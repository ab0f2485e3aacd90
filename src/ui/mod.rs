//! The console: owns the connection, the catalog, the panels and what is live; draws one frame at a time.

pub mod catalog;
pub mod cx;
pub mod live;
pub mod remote;
pub mod theme;
pub mod widgets;

pub use cx::{Action, Cx, Listing, Route, Settings, Toast};
pub use remote::Remote;

/// One screen.
pub trait Panel {
    /// What the rail and the palette call it.
    fn title(&self) -> &'static str;

    /// Polls what it waits for, then draws.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &Cx<'_>);

    /// Takes the route when it is this panel's; true when it was.
    fn open(&mut self, _to: &Route) -> bool {
        false
    }
}

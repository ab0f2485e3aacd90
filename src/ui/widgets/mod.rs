//! Building blocks: know egui and plain data, nothing of the cloud.

pub mod chip;
pub mod confirm;
pub mod data_grid;
mod empty_state;
pub mod form;
pub mod icon;
mod selection;

pub use confirm::Confirm;
pub use data_grid::{Column, DataGrid, Rows};
pub use empty_state::empty_state;
pub use icon::Icon;
pub use selection::Selection;

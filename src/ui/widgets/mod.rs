//! Building blocks: know egui and plain data, nothing of the cloud.

mod attribute_rows;
mod attribute_tree;
pub mod chip;
mod code_editor;
mod column;
pub mod confirm;
pub mod data_grid;
pub mod diff_view;
mod elided;
mod empty_state;
pub mod form;
mod form_menu;
mod grid_drawing;
pub mod icon;
pub mod json_view;
mod kpi;
pub mod node;
mod path_box;
mod selection;
mod table_list;

pub use attribute_tree::AttributeTree;
pub use chip::{Change, Health};
pub use code_editor::{CodeEditor, Mark};
pub use column::column;
pub use confirm::Confirm;
pub use data_grid::{Column, DataGrid, Rows};
pub use diff_view::diff_view;
pub use elided::elided;
pub use empty_state::empty_state;
pub use form_menu::form_menu;
pub use icon::Icon;
pub use json_view::JsonView;
pub use kpi::{Kpi, kpi, sparkline};
pub use path_box::PathBox;
pub use selection::Selection;
pub use table_list::{ListEvent, table_list};

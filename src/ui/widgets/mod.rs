//! Building blocks: know egui and plain data, nothing of the cloud.

pub mod icon;

pub use icon::Icon;

//! Widgets: know egui and plain data, never `Cx`, `aws` or `mapping`.

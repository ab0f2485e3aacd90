//! One column of a screen whose columns stand side by side.

use egui::{Align, Layout, Ui, vec2};

/// Lays `body` out from the top, this wide and this high.
pub fn column(ui: &mut Ui, width: f32, height: f32, body: impl FnOnce(&mut Ui)) {
    let layout = Layout::top_down(Align::Min);
    ui.allocate_ui_with_layout(vec2(width, height), layout, |ui| {
        ui.set_width(width);
        body(ui);
    });
}

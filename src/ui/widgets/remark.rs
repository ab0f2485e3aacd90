//! A sign with words beside it, however many lines they take.

use egui::{Color32, Ui, WidgetText};

use super::icon::{self, Icon};

/// The words stay beside the sign; what `more` draws stands below them.
pub fn remark<R>(
    ui: &mut Ui,
    (sign, color): (Icon, Color32),
    words: impl Into<WidgetText>,
    more: impl FnOnce(&mut Ui) -> R,
) -> R {
    ui.horizontal_top(|ui| {
        icon::show(ui, sign, color);
        ui.vertical(|ui| {
            ui.add(egui::Label::new(words).wrap());
            more(ui)
        })
        .inner
    })
    .inner
}

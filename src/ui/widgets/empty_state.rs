//! What a place shows when nothing is in it: what it is, why it is empty, and one way on.

use egui::{RichText, Ui};

use super::icon::{self, Icon};
use crate::ui::theme;

/// Draws it in the middle of the room; true when the button was clicked.
pub fn empty_state(
    ui: &mut Ui,
    sign: Icon,
    title: &str,
    why: &str,
    button: Option<(Icon, &str)>,
) -> bool {
    let tokens = theme::of(ui);
    let mut clicked = false;
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space(((room - 160.0) * 0.4).max(24.0));
        let drawing = icon::text(sign).size(28.0).color(tokens.text_faint);
        ui.add(egui::Label::new(drawing).selectable(false))
            .accessible_name("");
        ui.add_space(4.0);
        ui.label(
            RichText::new(title)
                .text_style(theme::subtitle())
                .color(tokens.text_strong),
        );
        ui.scope(|ui| {
            ui.set_max_width(460.0);
            ui.label(RichText::new(why).color(tokens.text_muted));
        });
        if let Some((icon, words)) = button {
            ui.add_space(8.0);
            clicked = icon::primary(ui, icon, words).clicked();
        }
    });
    clicked
}

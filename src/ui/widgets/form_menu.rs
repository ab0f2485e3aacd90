//! A button that opens a few fields below itself.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Order, Popup, PopupCloseBehavior, Ui};

/// Stays open while its fields are clicked and typed into, and what they offer is chosen from. A click elsewhere and
/// Escape close it, and `ui.close()` inside.
pub fn form_menu(ui: &mut Ui, words: &str, fields: impl FnOnce(&mut Ui)) {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::IgnoreClicks);
    let (button, open) = MenuButton::new(words).config(config).ui(ui, fields);
    if open.is_none() {
        return;
    }
    let clicked = ui.input(|input| {
        let pointer = &input.pointer;
        pointer.interact_pos().filter(|_| pointer.any_click())
    });
    let is_elsewhere = clicked.is_some_and(|at| {
        // Lists of completions are popups of their own.
        let layer = ui.ctx().layer_id_at(at);
        layer.is_none_or(|it| it.order < Order::Foreground) && !button.rect.contains(at)
    });
    if is_elsewhere {
        Popup::close_id(ui.ctx(), Popup::default_response_id(&button));
    }
}

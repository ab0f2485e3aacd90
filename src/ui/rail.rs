//! The rail: one button for each screen, icons alone or with their names.

use egui::{Align2, Rect, Response, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo};

use super::Screen;
use super::cx::Route;
use super::theme;
use super::widgets::{Icon, icon};

pub(super) const NARROW: f32 = 52.0;
pub(super) const WIDE: f32 = 200.0;
const BUTTON_HEIGHT: f32 = 40.0;
const ICON_SIZE: f32 = 18.0;

/// Draws the rail; where the user wants to go.
pub(super) fn ui(
    ui: &mut Ui,
    screens: &[Screen],
    current: Option<usize>,
    on_connections: bool,
    wide: &mut bool,
) -> Option<Route> {
    let mut wanted = None;
    ui.spacing_mut().item_spacing.y = 2.0;
    for (nth, screen) in screens.iter().enumerate() {
        let here = current == Some(nth) && !on_connections;
        let shortcut = (nth < 9).then(|| format!("Ctrl {}", nth + 1));
        let button = button_ui(ui, screen.icon, screen.panel.title(), here, *wide);
        if hint(button, screen.panel.title(), shortcut.as_deref()).clicked() {
            wanted = Some(screen.home.clone());
        }
    }
    ui.with_layout(egui::Layout::bottom_up(egui::Align::Min), |ui| {
        let (sign, words) = if *wide {
            (Icon::ChevronLeft, "Collapse the rail")
        } else {
            (Icon::ChevronRight, "Expand the rail")
        };
        if hint(button_ui(ui, sign, words, false, *wide), words, None).clicked() {
            *wide = !*wide;
        }
        let connections = button_ui(ui, Icon::Plug, "Connections", on_connections, *wide);
        if hint(connections, "Connections", None).clicked() {
            wanted = Some(Route::Connections);
        }
    });
    wanted
}

fn hint(response: Response, name: &str, shortcut: Option<&str>) -> Response {
    match shortcut {
        Some(keys) => response.on_hover_text(format!("{name}   {keys}")),
        None => response.on_hover_text(name),
    }
}

#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two facts about how it is drawn"
)]
fn button_ui(ui: &mut Ui, sign: Icon, name: &str, here: bool, wide: bool) -> Response {
    let tokens = theme::of(ui);
    let size = Vec2::new(ui.available_width(), BUTTON_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, here, name));
    let color = if here || response.hovered() {
        tokens.text_strong
    } else {
        tokens.text_muted
    };
    let plate = rect.shrink2(Vec2::new(6.0, 1.0));
    if here {
        ui.painter().rect_filled(plate, 4.0, tokens.selection);
        let bar = Rect::from_min_size(
            rect.left_top() + Vec2::new(0.0, 8.0),
            Vec2::new(2.0, BUTTON_HEIGHT - 16.0),
        );
        ui.painter().rect_filled(bar, 0.0, tokens.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(plate, 4.0, tokens.hover);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(2.0, tokens.accent);
        ui.painter()
            .rect_stroke(plate, 4.0, ring, egui::StrokeKind::Inside);
    }
    let center = egui::pos2(rect.left() + NARROW / 2.0, rect.center().y);
    let sign_color = if here { tokens.accent } else { color };
    icon::paint(ui.painter(), center, sign, ICON_SIZE, sign_color);
    if wide {
        let font = TextStyle::Body.resolve(ui.style());
        let at = egui::pos2(rect.left() + NARROW, rect.center().y);
        ui.painter()
            .text(at, Align2::LEFT_CENTER, name, font, color);
    }
    response
}

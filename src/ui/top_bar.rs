//! The top bar: which cloud this is, the way to everything, and what is live.

use std::time::Duration;

use egui::{Align, Button, Layout, RichText, Sense, Stroke, Ui, Vec2};

use super::commands::Command;
use super::cx::{Action, Cx, Route, Settings};
use super::history::History;
use super::names;
use super::theme::{self, Tokens};
use super::toasts::Toasts;
use super::widgets::{Icon, icon};
use super::world;
use crate::aws::{About, Ground, settings};
use crate::mapping::pace::Pace;

pub(super) const HEIGHT: f32 = 44.0;
/// The stripe of the environment, over everything.
pub(super) const STRIPE: f32 = 3.0;
const SEARCH_WIDTH: f32 = 360.0;
/// Width of a window from which on the pace of polls is shown.
const PACE_FROM: f32 = 1000.0;
/// While data moves it is asked again after this whether it still does.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the user asked of the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Run(Command),
    Connections,
}

/// The environment's word and colour.
pub(super) fn environment(about: &About, tokens: &Tokens) -> (&'static str, egui::Color32) {
    match about.ground {
        _ if about.production => ("PRODUCTION", tokens.env_prod),
        Ground::Local => ("LOCAL", tokens.env_local),
        Ground::Endpoint => ("ENDPOINT", tokens.env_aws),
        Ground::Aws => ("AWS", tokens.env_aws),
    }
}

/// Draws the bar. `cx` is absent while no cloud is open.
pub(super) fn ui(
    ui: &mut Ui,
    cx: Option<&Cx<'_>>,
    settings: &mut Settings,
    toasts: &mut Toasts,
    history: &History,
) -> Option<Ask> {
    let mut ask = None;
    let whole = ui.available_rect_before_wrap();
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let back = ui.add_enabled_ui(history.can_go_back(), |ui| {
            icon::only(ui, Icon::ArrowLeft, "Back (Alt Left)")
        });
        if back.inner.clicked() {
            ask = Some(Ask::Run(Command::Back));
        }
        let forward = ui.add_enabled_ui(history.can_go_forward(), |ui| {
            icon::only(ui, Icon::ArrowRight, "Forward (Alt Right)")
        });
        if forward.inner.clicked() {
            ask = Some(Ask::Run(Command::Forward));
        }
        if badge_ui(ui, cx.map(|cx| cx.aws.about())) {
            ask = Some(Ask::Connections);
        }
        if let Some(cx) = cx
            && world::badge_ui(ui, cx)
        {
            cx.send(Action::Go(Route::LocalCloud));
        }
        if let Some(cx) = cx
            && cx.aws.gate().is_locked()
            && icon::button(ui, Icon::Lock, "Read-only")
                .on_hover_text("Unlock for 10 minutes…")
                .clicked()
        {
            ask = Some(Ask::Run(Command::Unlock));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            settings_ui(ui, settings, &mut ask);
            if let Some(cx) = cx {
                bell_ui(ui, toasts, cx);
                live_ui(ui, cx);
            }
        });
    });
    if search_ui(ui, whole) {
        ask = Some(Ask::Run(Command::Palette));
    }
    ask
}

/// `LOCAL  demo-world  us-east-1`; true when clicked.
fn badge_ui(ui: &mut Ui, about: Option<&About>) -> bool {
    let tokens = theme::of(ui);
    let Some(about) = about else {
        return ui.button("Not connected").clicked();
    };
    let (word, color) = environment(about, tokens);
    let drawn = (
        RichText::new(word).color(color).small().strong(),
        RichText::new(&about.label).color(tokens.text_strong),
        RichText::new(&about.region).color(tokens.text_muted),
        icon::text(Icon::ChevronDown).color(tokens.text_muted),
    );
    let name = format!("Connection: {word} {} {}", about.label, about.region);
    icon::add(ui, Button::new(drawn).frame_when_inactive(false), &name)
        .on_hover_text("Choose another connection")
        .clicked()
}

/// The wide button in the middle that opens the palette.
fn search_ui(ui: &mut Ui, bar: egui::Rect) -> bool {
    let tokens = theme::of(ui);
    let size = Vec2::new(SEARCH_WIDTH, 28.0);
    let rect = egui::Rect::from_center_size(bar.center(), size);
    let response = ui.interact(rect, ui.scope_id().with("search"), Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, "Search or run a command")
    });
    let line = if response.has_focus() {
        Stroke::new(2.0, tokens.accent)
    } else if response.hovered() {
        Stroke::new(1.0, tokens.line_strong)
    } else {
        Stroke::new(1.0, tokens.line)
    };
    let painter = ui.painter();
    painter.rect(rect, 4.0, tokens.canvas, line, egui::StrokeKind::Inside);
    let middle = rect.center().y;
    let sign = egui::pos2(rect.left() + 16.0, middle);
    icon::paint(painter, sign, Icon::Search, 14.0, tokens.text_muted);
    painter.text(
        egui::pos2(rect.left() + 30.0, middle),
        egui::Align2::LEFT_CENTER,
        "Search or run a command",
        egui::TextStyle::Body.resolve(ui.style()),
        tokens.text_muted,
    );
    painter.text(
        egui::pos2(rect.right() - 10.0, middle),
        egui::Align2::RIGHT_CENTER,
        "Ctrl K",
        egui::TextStyle::Small.resolve(ui.style()),
        tokens.text_muted,
    );
    response.clicked()
}

/// Whether pollers are at work, from what they reported last.
fn live_ui(ui: &mut Ui, cx: &Cx<'_>) {
    if !cx.aws.is_local() {
        return;
    }
    let tokens = theme::of(ui);
    pace_ui(ui, cx);
    let moving = cx
        .live
        .mappings
        .values()
        .any(|it| it.polled_rate.is_moving(cx.now) || it.invoked_rate.is_moving(cx.now));
    if moving {
        ui.ctx().request_repaint_after(LOOK_AGAIN);
        ui.label(RichText::new("live").small().color(tokens.accent));
        icon::show(ui, Icon::Ok, tokens.accent);
    } else {
        ui.label(RichText::new("idle").small().color(tokens.text_muted));
        icon::show(ui, Icon::Filtered, tokens.text_muted);
    }
}

/// How often triggers read; leads to where it is changed.
fn pace_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let Some(pace) = settings::pace(cx.aws) else {
        return;
    };
    // Not where the way to everything needs the room.
    if ui.ctx().content_rect().width() < PACE_FROM {
        return;
    }
    let words = format!("polls {}", names::pace(pace));
    let why = match pace {
        Pace::FourPerSecond => "Triggers read their shards four times a second, as on AWS",
        Pace::AsWritten => {
            "Triggers read what was written at once, not four times a second as on AWS"
        }
    };
    let color = theme::of(ui).text_muted;
    let drawn = RichText::new(&words).small().color(color);
    let button = Button::new(drawn).frame_when_inactive(false);
    if icon::add(ui, button, &format!("Poll pace: {words}"))
        .on_hover_text(why)
        .clicked()
    {
        cx.send(Action::Go(Route::LocalCloud));
    }
}

fn bell_ui(ui: &mut Ui, toasts: &mut Toasts, cx: &Cx<'_>) {
    let name = match toasts.unread() {
        0 => "Notifications".to_owned(),
        1 => "Notifications, 1 new".to_owned(),
        n => format!("Notifications, {n} new"),
    };
    let bell = icon::only(ui, Icon::Bell, &name);
    if toasts.unread() > 0 {
        let at = bell.rect.right_top() + Vec2::new(-7.0, 6.0);
        ui.painter().circle_filled(at, 3.0, theme::of(ui).accent);
    }
    egui::Popup::from_toggle_button_response(&bell)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .width(380.0)
        .show(|ui| toasts.list_ui(ui, cx));
}

fn settings_ui(ui: &mut Ui, settings: &mut Settings, ask: &mut Option<Ask>) {
    let button = icon::only(ui, Icon::Settings, "Settings");
    egui::Popup::from_toggle_button_response(&button)
        .frame(theme::dialog(ui.style()).inner_margin(theme::PANEL_PADDING))
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.set_min_width(220.0);
            ui.label(RichText::new("Theme").small());
            ui.horizontal(|ui| {
                use egui::ThemePreference as Theme;
                ui.selectable_value(&mut settings.theme, Theme::System, "System");
                ui.selectable_value(&mut settings.theme, Theme::Dark, "Dark");
                ui.selectable_value(&mut settings.theme, Theme::Light, "Light");
            });
            ui.label(RichText::new("Zoom").small());
            ui.horizontal(|ui| {
                if icon::only(ui, Icon::Minus, "Smaller").clicked() {
                    settings.zoom = zoomed(settings.zoom, -0.1);
                }
                ui.label(format!("{:.0} %", settings.zoom * 100.0));
                if icon::only(ui, Icon::Plus, "Larger").clicked() {
                    settings.zoom = zoomed(settings.zoom, 0.1);
                }
            });
            ui.checkbox(&mut settings.reduced_motion, "Reduce motion");
            ui.separator();
            if icon::button(ui, Icon::Keyboard, "Keyboard shortcuts").clicked() {
                *ask = Some(Ask::Run(Command::Shortcuts));
                ui.close();
            }
        });
}

/// Steps of a tenth between 80 and 200 %.
pub(super) fn zoomed(zoom: f32, by: f32) -> f32 {
    (((zoom + by) * 10.0).round() / 10.0).clamp(0.8, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoom_moves_in_tenths_within_its_limits() {
        assert!((zoomed(1.0, 0.1) - 1.1).abs() < 1e-6);
        assert!((zoomed(0.8, -0.1) - 0.8).abs() < 1e-6);
        assert!((zoomed(2.0, 0.1) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn production_outranks_the_kind_of_cloud() {
        let about = About {
            ground: Ground::Aws,
            label: "shop-prod".to_owned(),
            region: "eu-west-1".to_owned(),
            production: true,
        };
        assert_eq!(environment(&about, &theme::DARK).0, "PRODUCTION");
    }
}

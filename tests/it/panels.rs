//! Every panel in the list, drawn on a cloud with nothing in it: by being listed, a panel is tested.

use egui_kittest::kittest::Queryable as _;
use waterwheel::ui::{self, Settings};

use crate::console::Lab;

const THEMES: [(&str, egui::Theme); 2] =
    [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)];

#[test]
fn every_panel_draws_itself_empty_in_both_themes() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let settings = Settings {
            welcomed: true,
            ..Settings::default()
        };
        let mut lab = Lab::sized(settings, [1440.0, 900.0], theme);
        for screen in ui::screens() {
            lab.go(screen.home.clone());
            assert_eq!(lab.route(), screen.home, "{}", screen.panel.title());
            // Names every input and misses no glyph: the harness checks both.
            lab.harness.run();
        }
    }
}

#[test]
fn every_panel_fits_the_smallest_window_and_the_largest_zoom() {
    for (size, zoom) in [([1100.0, 700.0], 1.0), ([1440.0, 900.0], 2.0)] {
        let settings = Settings {
            welcomed: true,
            zoom,
            ..Settings::default()
        };
        let mut lab = Lab::sized(settings, size, egui::Theme::Dark);
        for screen in ui::screens() {
            lab.go(screen.home);
        }
    }
}

#[test]
fn titles_and_homes_are_unique() {
    let screens = ui::screens();
    for (nth, one) in screens.iter().enumerate() {
        for other in &screens[nth + 1..] {
            assert_ne!(one.panel.title(), other.panel.title());
            assert_ne!(one.home, other.home);
        }
    }
}

/// Pictures of what lies around panels, likewise.
#[test]
fn the_frame_can_be_drawn_without_a_display() {
    use egui::{Key, Modifiers};
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in THEMES {
        let shot = |lab: &mut Lab, what: &str| {
            crate::render::shot(&mut lab.harness, folder.join(format!("{what}_{name}.png")));
        };
        let size = [1440.0, 900.0];
        let mut lab = Lab::sized(Settings::default(), size, theme);
        shot(&mut lab, "welcome");
        lab.press(Modifiers::NONE, Key::Enter);
        shot(&mut lab, "demo");
        lab.press(Modifiers::COMMAND, Key::K);
        lab.harness.get_by_label("Palette").type_text("ord");
        lab.harness.run();
        shot(&mut lab, "palette");
        lab.press(Modifiers::NONE, Key::Escape);
        lab.go(ui::Route::Connections);
        shot(&mut lab, "connections");
        lab.press(Modifiers::COMMAND, Key::J);
        lab.press(Modifiers::COMMAND, Key::B);
        let toast = ui::Toast::good("Created table Orders");
        let state = lab.harness.state_mut();
        state.wish(ui::Action::Toast(toast));
        state.wish(ui::Action::Toast(ui::Toast::bad(
            "Could not delete role billing: it is used by a function",
        )));
        lab.settle();
        shot(&mut lab, "drawer");
        lab.harness.event(egui::Event::Text("?".to_owned()));
        lab.settle();
        shot(&mut lab, "shortcuts");
        lab.press(Modifiers::NONE, Key::Escape);
        lab.click("Settings");
        shot(&mut lab, "settings");
        lab.press(Modifiers::NONE, Key::Escape);
        lab.go(ui::Route::LocalCloud);
        lab.until("the status is there", |it| {
            it.query_by_label("Reset the local cloud…").is_some()
        });
        lab.click("Reset the local cloud…");
        shot(&mut lab, "confirm");
    }
}

/// Pictures of every panel for people to look at, where `SHOTS` names a folder.
#[test]
fn every_panel_can_be_drawn_without_a_display() {
    let folder = std::env::var_os("SHOTS").map(std::path::PathBuf::from);
    for (name, theme) in THEMES {
        let settings = Settings {
            welcomed: true,
            ..Settings::default()
        };
        let mut lab = Lab::sized(settings, [1440.0, 900.0], theme);
        for screen in ui::screens() {
            lab.go(screen.home.clone());
            let title = screen.panel.title().to_lowercase().replace(' ', "_");
            if let Some(folder) = &folder {
                let path = folder.join(format!("{title}_{name}.png"));
                crate::render::shot(&mut lab.harness, path);
            } else {
                lab.harness.render().unwrap();
                break;
            }
        }
    }
}

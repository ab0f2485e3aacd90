//! Every panel in the list, drawn on a cloud with nothing in it: by being listed, a panel is tested.

use waterwheel::ui::{self, Settings};

use crate::console::Lab;

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

/// Pictures of every panel for people to look at, where `SHOTS` names a folder.
#[test]
fn every_panel_can_be_drawn_without_a_display() {
    let folder = std::env::var_os("SHOTS").map(std::path::PathBuf::from);
    let themes = [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)];
    for (name, theme) in themes {
        let settings = Settings {
            welcomed: true,
            ..Settings::default()
        };
        let mut lab = Lab::sized(settings, [1440.0, 900.0], theme);
        for screen in ui::screens() {
            lab.go(screen.home.clone());
            let title = screen.panel.title().to_lowercase().replace(' ', "_");
            match &folder {
                Some(folder) => {
                    let path = folder.join(format!("{title}_{name}.png"));
                    crate::render::shot(&mut lab.harness, path);
                }
                None => {
                    lab.harness.render().unwrap();
                    break;
                }
            }
        }
    }
}

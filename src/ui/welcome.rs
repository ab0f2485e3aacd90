//! The first screen of a new user: three ways to begin, the first of them one key away.

use egui::{Align, Key, Layout, Response, RichText, Sense, Stroke, TextStyle, Ui, Vec2};

use super::theme;
use super::widgets::{Icon, icon};
use crate::aws::connection::Profile;

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Demo,
    Empty,
    Aws,
}

struct Way {
    begin: Begin,
    sign: Icon,
    title: &'static str,
    words: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        begin: Begin::Demo,
        sign: Icon::Play,
        title: "Run the demo pipeline",
        words: "Orders flow from a table through its stream into a function. One of them will break it, and you will see which.",
    },
    Way {
        begin: Begin::Empty,
        sign: Icon::Plus,
        title: "Start empty",
        words: "A local cloud inside this program. Create a table, write a handler, connect them.",
    },
    Way {
        begin: Begin::Aws,
        sign: Icon::Cloud,
        title: "Connect to AWS…",
        words: "",
    },
];

const CARD: Vec2 = Vec2::new(272.0, 190.0);

/// Draws it; `ready` is whether the local cloud is open by now. What the user chose.
pub(super) fn ui(ui: &mut Ui, profiles: Option<&[Profile]>, ready: bool) -> Option<Begin> {
    let mut begin = None;
    let tokens = theme::of(ui);
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room * 0.5 - 220.0).max(24.0));
        let (place, _) = ui.allocate_exact_size(Vec2::splat(48.0), Sense::hover());
        icon::paint(
            ui.painter(),
            place.center(),
            Icon::Wheel,
            44.0,
            tokens.accent,
        );
        ui.add_space(4.0);
        let name = RichText::new("Waterwheel").text_style(theme::metric());
        ui.label(name.color(tokens.text_strong));
        ui.label(
            RichText::new(
                "Tables, their streams, and the functions they trigger, all on one screen",
            )
            .color(tokens.text_muted),
        );
        ui.add_space(theme::SECTION_GAP + 8.0);
        let width = CARD.x * 3.0 + theme::SECTION_GAP * 2.0;
        ui.allocate_ui_with_layout(
            Vec2::new(width, CARD.y),
            Layout::left_to_right(Align::Min),
            |ui| {
                ui.spacing_mut().item_spacing.x = theme::SECTION_GAP;
                for way in &WAYS {
                    let response = way_ui(ui, way, profiles);
                    let nobody = ui.memory(|memory| memory.focused().is_none());
                    if way.begin == Begin::Demo && nobody {
                        response.request_focus();
                    }
                    let enter =
                        response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                    if response.clicked() || enter {
                        begin = Some(way.begin);
                    }
                }
            },
        );
        ui.add_space(theme::SECTION_GAP);
        let note = if ready {
            "Nothing leaves this computer until you connect to AWS"
        } else {
            "Starting the local cloud…"
        };
        ui.label(RichText::new(note).small().color(tokens.text_muted));
    });
    begin
}

fn way_ui(ui: &mut Ui, way: &Way, profiles: Option<&[Profile]>) -> Response {
    let tokens = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(CARD, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, way.title));
    let line = if response.has_focus() {
        Stroke::new(2.0, tokens.accent)
    } else if response.hovered() {
        Stroke::new(1.0, tokens.text_muted)
    } else {
        Stroke::new(1.0, tokens.line_strong)
    };
    ui.painter()
        .rect(rect, 6.0, tokens.panel, line, egui::StrokeKind::Inside);
    let inside = rect.shrink(18.0);
    let painter = ui.painter();
    let sign = inside.left_top() + Vec2::new(12.0, 12.0);
    let color = if way.begin == Begin::Demo {
        tokens.accent
    } else {
        tokens.text_muted
    };
    icon::paint(painter, sign, way.sign, 24.0, color);
    painter.text(
        inside.left_top() + Vec2::new(0.0, 40.0),
        egui::Align2::LEFT_TOP,
        way.title,
        theme::title().resolve(ui.style()),
        tokens.text_strong,
    );
    let words = if way.begin == Begin::Aws {
        profiles_in_words(profiles)
    } else {
        way.words.to_owned()
    };
    let font = TextStyle::Body.resolve(ui.style());
    let galley = painter.layout(words, font, tokens.text_muted, inside.width());
    painter.galley(
        inside.left_top() + Vec2::new(0.0, 68.0),
        galley,
        tokens.text_muted,
    );
    if response.has_focus() {
        painter.text(
            inside.left_bottom(),
            egui::Align2::LEFT_BOTTOM,
            "Press Enter",
            TextStyle::Small.resolve(ui.style()),
            tokens.accent,
        );
    }
    response
}

/// `Read-only until you unlock it. 3 profiles: default, shop-dev, shop-prod`
fn profiles_in_words(profiles: Option<&[Profile]>) -> String {
    const NAMED_MAX: usize = 3;
    let safe = "Read-only until you unlock it.";
    match profiles {
        None => safe.to_owned(),
        Some([]) => format!("{safe} No profiles were found in ~/.aws."),
        Some(found) => {
            let names: Vec<&str> = found
                .iter()
                .take(NAMED_MAX)
                .map(|it| it.name.as_str())
                .collect();
            let more = if found.len() > NAMED_MAX { ", …" } else { "" };
            let plural = if found.len() == 1 { "" } else { "s" };
            let count = found.len();
            format!("{safe} {count} profile{plural}: {}{more}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::connection::Kind;

    #[test]
    fn profiles_are_counted_and_the_first_are_named() {
        let profile = |name: &str| Profile {
            name: name.to_owned(),
            region: None,
            kind: Kind::Sso,
            looks_like_production: false,
            signed_in_until: None,
        };
        let all: Vec<_> = ["a", "b", "c", "d"].map(profile).into();
        assert!(profiles_in_words(Some(&all)).ends_with("4 profiles: a, b, c, …"));
        assert!(profiles_in_words(Some(&all[..1])).ends_with("1 profile: a"));
        assert!(profiles_in_words(Some(&[])).contains("No profiles"));
    }
}

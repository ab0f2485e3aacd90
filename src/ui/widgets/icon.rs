//! Our own icons: stroke drawings on a 16 px grid, installed as glyphs so that they sit in text and take its colour.
//!
//! Draw them through [`only`], [`button`] or [`show`]: these give assistive technology words instead of glyphs.

#![expect(
    clippy::cast_precision_loss,
    reason = "rows and columns on a screen are few"
)]

use egui::{Button, Color32, Response, RichText, Ui, Vec2, WidgetText};

macro_rules! icons {
    ($($name:ident => $file:literal,)*) => {
        /// Every icon there is; each has a file of that name in `assets/icons`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Icon { $($name,)* }

        const DRAWINGS: &[(Icon, &[u8])] = &[
            $((Icon::$name, include_bytes!(concat!("../../../assets/icons/", $file, ".svg"))),)*
        ];
    };
}

icons! {
    ArrowLeft => "arrow_left",
    ArrowRight => "arrow_right",
    Batch => "batch",
    Bell => "bell",
    Check => "check",
    ChevronDown => "chevron_down",
    ChevronLeft => "chevron_left",
    ChevronRight => "chevron_right",
    ChevronUp => "chevron_up",
    Clock => "clock",
    Close => "close",
    Cloud => "cloud",
    Columns => "columns",
    Copy => "copy",
    Database => "database",
    Edit => "edit",
    Envelope => "envelope",
    Export => "export",
    Eye => "eye",
    Failed => "failed",
    File => "file",
    Filter => "filter",
    Filtered => "filtered",
    Folder => "folder",
    Function => "function",
    Globe => "globe",
    Half => "half",
    Help => "help",
    Import => "import",
    Info => "info",
    Keyboard => "keyboard",
    Lock => "lock",
    Logs => "logs",
    Minus => "minus",
    Moon => "moon",
    More => "more",
    Ok => "ok",
    Open => "open",
    Overview => "overview",
    Pause => "pause",
    Play => "play",
    Plug => "plug",
    Plus => "plus",
    Queue => "queue",
    Refresh => "refresh",
    Replay => "replay",
    Role => "role",
    Save => "save",
    Search => "search",
    Settings => "settings",
    Shard => "shard",
    Sort => "sort",
    Split => "split",
    Star => "star",
    Step => "step",
    Stop => "stop",
    Stream => "stream",
    Sun => "sun",
    Table => "table",
    Terminal => "terminal",
    Trash => "trash",
    Trigger => "trigger",
    Unlock => "unlock",
    User => "user",
    Warning => "warning",
    Wheel => "wheel",
}

impl Icon {
    /// Its character, in the private use area.
    pub fn glyph(self) -> char {
        char::from_u32(FIRST + self as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

const ONLY_WIDTH: f32 = 28.0;
const ONLY_SIZE: f32 = 16.0;
const FIRST: u32 = 0xE900;
/// Icons are a little larger than the text around them and hang below its baseline.
const HEIGHT_EM: f32 = 1.2;
const BELOW_BASELINE_EM: f32 = 0.26;

/// Makes the icons known. Call once, before the first frame.
pub fn install(ctx: &egui::Context) {
    for (icon, drawing) in DRAWINGS {
        if let Ok(glyph) = egui_extras::SvgGlyph::from_bytes(drawing) {
            let glyph = glyph
                .with_height(HEIGHT_EM)
                .with_baseline_offset(-BELOW_BASELINE_EM)
                .with_color(false);
            ctx.add_glyph_rasterizer(glyph.into_rasterizer(icon.glyph()));
        }
    }
}

/// For text that is drawn, never for text that is read: name the widget it ends up in.
pub fn text(icon: Icon) -> RichText {
    RichText::new(String::from(icon.glyph()))
}

/// An icon and words; known by the words alone.
pub fn button(ui: &mut Ui, icon: Icon, words: &str) -> Response {
    add(ui, Button::new((text(icon), words)), words)
}

/// The one button a screen is about.
pub fn primary(ui: &mut Ui, icon: Icon, words: &str) -> Response {
    let tokens = crate::ui::theme::of(ui);
    let drawn = (
        text(icon).color(tokens.on_accent),
        RichText::new(words).color(tokens.on_accent),
    );
    add(
        ui,
        Button::new(drawn)
            .fill(tokens.accent)
            .stroke(egui::Stroke::NONE),
        words,
    )
}

/// An icon alone, 28 by 28, known by its name, which shows on hover.
pub fn only(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = Vec2::new(0.0, 2.0);
        let size = Vec2::new(ONLY_WIDTH, ui.spacing().interact_size.y);
        let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
        let button = Button::new("").frame_when_inactive(false).min_size(size);
        let response = ui.put(rect, button).accessible_name(name);
        let tokens = crate::ui::theme::of(ui);
        let color = if !ui.is_enabled() {
            tokens.text_faint
        } else if response.hovered() || response.has_focus() {
            tokens.text_strong
        } else {
            tokens.text
        };
        paint(ui.painter(), rect.center(), icon, ONLY_SIZE, color);
        response.on_hover_text(name)
    })
    .inner
}

/// Any button, known by these words whatever it draws.
pub fn add(ui: &mut Ui, button: Button<'_>, name: &str) -> Response {
    ui.add(button).accessible_name(name)
}

/// Just the drawing, known to nobody: say in words what it says.
pub fn show(ui: &mut Ui, icon: Icon, color: Color32) -> Response {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let glyph =
        WidgetText::from(text(icon).color(color)).into_galley(ui, None, f32::INFINITY, font);
    let (rect, response) = ui.allocate_exact_size(glyph.size(), egui::Sense::hover());
    ui.painter().galley(rect.min, glyph, color);
    response
}

/// Paints an icon centred on a point, `size` points high.
pub fn paint(painter: &egui::Painter, center: egui::Pos2, icon: Icon, size: f32, color: Color32) {
    painter.text(
        center,
        egui::Align2::CENTER_CENTER,
        icon.glyph(),
        egui::FontId::proportional(size / HEIGHT_EM),
        color,
    );
}

/// An icon as a picture for the system: in the accent's colour on a plate.
pub fn picture(icon: Icon, side: u32, tokens: &crate::ui::theme::Tokens) -> egui::IconData {
    let mut rgba = Vec::new();
    let drawing = DRAWINGS.iter().find(|(it, _)| *it == icon);
    let glyph = drawing
        .and_then(|(_, svg)| egui_extras::SvgGlyph::from_bytes(svg).ok())
        .and_then(|glyph| glyph.with_color(false).rasterize(side as f32));
    if let Some(glyph) = glyph {
        for pixel in &glyph.bitmap.image.pixels {
            let share = f32::from(pixel.a()) / 255.0;
            let mixed = tokens.panel.lerp_to_gamma(tokens.accent, share);
            rgba.extend(mixed.to_array());
        }
    }
    egui::IconData {
        rgba,
        width: side,
        height: side,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_can_be_drawn_and_stays_in_its_grid() {
        for (icon, drawing) in DRAWINGS {
            let glyph = egui_extras::SvgGlyph::from_bytes(drawing)
                .unwrap_or_else(|error| panic!("{icon:?}: {error}"))
                .rasterize(32.0)
                .unwrap_or_else(|| panic!("{icon:?} draws nothing"));
            assert!(
                glyph
                    .bitmap
                    .image
                    .pixels
                    .iter()
                    .any(|pixel| pixel.a() > 128),
                "{icon:?} is blank"
            );
        }
    }

    #[test]
    fn glyphs_are_distinct_and_private() {
        for (nth, (icon, _)) in DRAWINGS.iter().enumerate() {
            assert_eq!(icon.glyph() as u32, FIRST + u32::try_from(nth).unwrap());
        }
    }
}

//! Colours, spacing and text styles. The only file that may name a colour.
//!
//! Two families never mix: data hues say what a record is, health hues say how it went.

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Vec2};
use egui_extras::syntax_highlighting::{CodeTheme, TokenType};

/// Every colour of one theme. Widgets ask [`of`] and never see hexadecimals.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    pub canvas: Color32,
    pub panel: Color32,
    pub raised: Color32,
    pub hover: Color32,
    pub line: Color32,
    pub line_strong: Color32,
    pub text_strong: Color32,
    pub text: Color32,
    pub text_muted: Color32,
    /// Decoration only: rulers and row numbers. Too faint to read.
    pub text_faint: Color32,
    /// Selection, focus, primary buttons, in flight.
    pub accent: Color32,
    /// Text on a filled accent.
    pub on_accent: Color32,
    pub insert: Color32,
    pub modify: Color32,
    pub remove: Color32,
    pub ok: Color32,
    pub retry: Color32,
    pub failed: Color32,
    pub filtered: Color32,
    pub env_local: Color32,
    pub env_aws: Color32,
    pub env_prod: Color32,
    /// Behind selected rows.
    pub selection: Color32,
    /// Code: quiet, so that it is not read as data or health.
    pub code_keyword: Color32,
    pub code_string: Color32,
    pub code_number: Color32,
    pub code_function: Color32,
    pub code_comment: Color32,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that names colours"
)]
const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb(
        ((rgb >> 16) & 0xFF) as u8,
        ((rgb >> 8) & 0xFF) as u8,
        (rgb & 0xFF) as u8,
    )
}

pub static DARK: Tokens = Tokens {
    canvas: hex(0x0E_1116),
    panel: hex(0x14_181F),
    raised: hex(0x1B_2028),
    hover: hex(0x23_2A34),
    line: hex(0x26_2D37),
    line_strong: hex(0x3A_4452),
    text_strong: hex(0xF2_F5F9),
    text: hex(0xC9_D1DC),
    text_muted: hex(0x94_A0B1),
    text_faint: hex(0x6B_7787),
    accent: hex(0xA9_9BFF),
    on_accent: hex(0x14_1026),
    insert: hex(0x2B_E0E6),
    modify: hex(0x5A_9DFA),
    remove: hex(0xDB_72A9),
    ok: hex(0x84_F08C),
    retry: hex(0xED_B81B),
    failed: hex(0xF2_673F),
    filtered: hex(0x89_95A6),
    env_local: hex(0xA9_9BFF),
    env_aws: hex(0x89_95A6),
    env_prod: hex(0xFF_9B52),
    selection: hex(0x2C_2A4A),
    code_keyword: hex(0xB9_AEE8),
    code_string: hex(0xA9_C3A0),
    code_number: hex(0xD6_B98C),
    code_function: hex(0x9C_C3E6),
    code_comment: hex(0x94_A0B1),
};

pub static LIGHT: Tokens = Tokens {
    canvas: hex(0xF4_F6F9),
    panel: hex(0xFF_FFFF),
    raised: hex(0xFF_FFFF),
    hover: hex(0xE9_EDF3),
    line: hex(0xDC_E1E8),
    line_strong: hex(0xB8_C1CC),
    text_strong: hex(0x10_151C),
    text: hex(0x2B_3440),
    text_muted: hex(0x56_616F),
    text_faint: hex(0x78_8392),
    accent: hex(0x54_43C9),
    on_accent: hex(0xFF_FFFF),
    insert: hex(0x0C_7179),
    modify: hex(0x0A_559A),
    remove: hex(0x6A_0F4E),
    ok: hex(0x2F_6F3F),
    retry: hex(0x87_6305),
    failed: hex(0x8C_150C),
    filtered: hex(0x61_6C7A),
    env_local: hex(0x54_43C9),
    env_aws: hex(0x61_6C7A),
    env_prod: hex(0xA8_4300),
    selection: hex(0xE4_E0FA),
    code_keyword: hex(0x5B_4BA8),
    code_string: hex(0x3D_6137),
    code_number: hex(0x7A_5210),
    code_function: hex(0x2B_5C86),
    code_comment: hex(0x56_616F),
};

/// The tokens of the theme this `Ui` is drawn in.
pub fn of(ui: &egui::Ui) -> &'static Tokens {
    if ui.visuals().dark_mode {
        &DARK
    } else {
        &LIGHT
    }
}

/// Spacing in points; the base unit is 4.
pub const GUTTER: f32 = 8.0;
pub const PANEL_PADDING: f32 = 12.0;
pub const DIALOG_PADDING: f32 = 20.0;
pub const SECTION_GAP: f32 = 16.0;
pub const PAGE_MARGIN: f32 = 20.0;
/// Around every screen that does not fill the window with panes.
pub const PAGE: Margin = Margin {
    left: 20,
    right: 20,
    top: 16,
    bottom: 8,
};
/// Height of a row of items, records or log lines.
pub const ROW_COMPACT: f32 = 22.0;
pub const ROW: f32 = 28.0;
pub const ROW_FORM: f32 = 32.0;

/// Text styles beyond egui's own Body, Button, Monospace and Small.
pub fn metric() -> TextStyle {
    TextStyle::Name("metric".into())
}

/// Screen titles.
pub fn title() -> TextStyle {
    TextStyle::Heading
}

/// Heads of panels and groups.
pub fn subtitle() -> TextStyle {
    TextStyle::Name("subtitle".into())
}

/// Sets fonts, sizes, spacing and both themes' colours. Call once, before the first frame.
pub fn install(ctx: &egui::Context) {
    let mut fonts = egui::FontDefinitions::default();
    // The proportional font lacks arrows and box drawing; the monospaced one has them.
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional) {
        family.push("Hack".into());
    }
    ctx.set_fonts(fonts);
    ctx.set_style_of(egui::Theme::Dark, style(&DARK, true));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT, false));
}

/// Highlighting of code in this theme's own colours.
pub fn code(tokens: &Tokens, dark: bool, font: &FontId) -> CodeTheme {
    let mut theme = if dark {
        CodeTheme::dark(font.size)
    } else {
        CodeTheme::light(font.size)
    };
    for (token, color) in [
        (TokenType::Comment, tokens.code_comment),
        (TokenType::Function, tokens.code_function),
        (TokenType::Keyword, tokens.code_keyword),
        (TokenType::Literal, tokens.text),
        (TokenType::StringLiteral, tokens.code_string),
        (TokenType::Punctuation, tokens.text_muted),
        (TokenType::Whitespace, tokens.text),
    ] {
        *theme.format_mut(token) = egui::TextFormat::simple(font.clone(), color);
    }
    theme
}

/// The frame of a card: a group that stands on the canvas.
pub fn card(ui: &egui::Ui) -> egui::Frame {
    let tokens = of(ui);
    egui::Frame::new()
        .fill(tokens.panel)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(6)
        .inner_margin(PANEL_PADDING)
}

/// A strip of controls over panes, with a hairline under it.
pub fn toolbar<R>(ui: &mut egui::Ui, body: impl FnOnce(&mut egui::Ui) -> R) -> R {
    egui::Panel::top("toolbar")
        .frame(
            egui::Frame::new()
                .fill(of(ui).panel)
                .inner_margin(Margin::symmetric(12, 8)),
        )
        .show(ui, body)
        .inner
}

/// The frame of a window over the screen.
pub fn dialog(ui: &egui::Style) -> egui::Frame {
    egui::Frame::popup(ui).inner_margin(DIALOG_PADDING)
}

/// A page: scrolls, with the margin every screen without panes of its own has.
pub fn page<R>(ui: &mut egui::Ui, body: impl FnOnce(&mut egui::Ui) -> R) -> R {
    egui::ScrollArea::vertical()
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new().inner_margin(PAGE).show(ui, body).inner
        })
        .inner
}

fn style(tokens: &Tokens, dark: bool) -> egui::Style {
    let mut style = egui::Style {
        visuals: visuals(tokens, dark),
        ..egui::Style::default()
    };
    let text = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (metric(), text(22.0)),
        (title(), text(17.0)),
        (subtitle(), text(14.0)),
        (TextStyle::Body, text(13.0)),
        (TextStyle::Button, text(13.0)),
        (
            TextStyle::Monospace,
            FontId::new(12.5, FontFamily::Monospace),
        ),
        (TextStyle::Small, text(11.5)),
    ]
    .into();
    style.spacing.item_spacing = Vec2::new(8.0, 6.0);
    style.spacing.button_padding = Vec2::new(10.0, 4.0);
    style.spacing.interact_size = Vec2::new(28.0, 24.0);
    style.spacing.window_margin = Margin::same(12);
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.combo_width = 140.0;
    style.spacing.scroll = egui::style::ScrollStyle::solid();
    style.animation_time = 0.0;
    style
}

#[expect(clippy::too_many_lines, reason = "a table of colours")]
fn visuals(tokens: &Tokens, dark: bool) -> egui::Visuals {
    let mut visuals = if dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    visuals.panel_fill = tokens.panel;
    visuals.window_fill = tokens.raised;
    visuals.extreme_bg_color = tokens.canvas;
    visuals.faint_bg_color = tokens.hover;
    visuals.code_bg_color = tokens.canvas;
    visuals.window_stroke = Stroke::new(1.0, tokens.line_strong);
    visuals.window_corner_radius = CornerRadius::same(6);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.hyperlink_color = tokens.accent;
    visuals.warn_fg_color = tokens.retry;
    visuals.error_fg_color = tokens.failed;
    visuals.weak_text_color = Some(tokens.text_muted);
    visuals.selection.bg_fill = tokens.selection;
    visuals.selection.stroke = Stroke::new(1.0, tokens.accent);
    visuals.text_cursor.stroke = Stroke::new(1.5, tokens.accent);
    visuals.text_cursor.blink = false;
    let shadow = egui::Shadow {
        offset: [0, 3],
        blur: 16,
        spread: 0,
        color: Color32::from_black_alpha(if dark { 120 } else { 36 }),
    };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    let radius = CornerRadius::same(4);
    let widgets = &mut visuals.widgets;
    let paint = |widget: &mut egui::style::WidgetVisuals, fill, line, text| {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    };
    paint(
        &mut widgets.noninteractive,
        tokens.panel,
        tokens.line,
        tokens.text,
    );
    paint(
        &mut widgets.inactive,
        tokens.raised,
        tokens.line_strong,
        tokens.text,
    );
    paint(
        &mut widgets.hovered,
        tokens.hover,
        tokens.text_muted,
        tokens.text_strong,
    );
    paint(
        &mut widgets.active,
        tokens.hover,
        tokens.accent,
        tokens.text_strong,
    );
    // The ring around what has the focus.
    widgets.active.bg_stroke.width = 2.0;
    paint(
        &mut widgets.open,
        tokens.hover,
        tokens.line_strong,
        tokens.text_strong,
    );
    visuals
}

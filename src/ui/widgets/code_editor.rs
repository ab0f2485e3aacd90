//! Code to edit: line numbers, highlighting, a marked line, find. Meant for files of up to some thousand lines.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "rows on a screen are few and not negative"
)]

use egui::text::{CCursor, CCursorRange};
use egui::{Id, Key, Modifiers, RichText, ScrollArea, TextEdit, TextStyle, Ui};
use egui_extras::syntax_highlighting::{CodeTheme, highlight};

use super::icon::{self, Icon};
use crate::ui::theme;

/// A file being edited.
#[derive(Clone, Debug, Default)]
pub struct CodeEditor {
    text: String,
    /// `js`, `ts`, `json`, `py`, `rs`, `sh`, `yaml`, `toml`, `sql`; others stay plain.
    language: String,
    marks: Vec<Mark>,
    /// Line and column of the cursor, counted from 1.
    cursor: (u32, u32),
    /// Where the cursor shall go at the next frame: a range of characters.
    jump: Option<(usize, usize)>,
    find: Option<Find>,
}

/// A line with something to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Counted from 1.
    pub line: u32,
    pub message: String,
}

#[derive(Clone, Debug, Default)]
struct Find {
    needle: String,
    focus: bool,
}

impl CodeEditor {
    pub fn new(text: impl Into<String>, language: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            language: language.into(),
            cursor: (1, 1),
            ..Self::default()
        }
    }

    /// The language of a file, by its name.
    pub fn language_of(path: &str) -> &'static str {
        match path.rsplit('.').next().unwrap_or_default() {
            "js" | "mjs" | "cjs" | "jsx" => "js",
            "ts" | "tsx" | "mts" => "ts",
            "json" => "json",
            "py" => "py",
            "rs" => "rs",
            "sh" => "sh",
            "yaml" | "yml" => "yaml",
            "toml" => "toml",
            "sql" => "sql",
            _ => "txt",
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn set_text(&mut self, text: impl Into<String>) {
        self.text = text.into();
    }

    /// Line and column of the cursor, counted from 1.
    pub fn cursor(&self) -> (u32, u32) {
        self.cursor
    }

    /// Puts the cursor at the start of a line, counted from 1, and shows it.
    pub fn go_to(&mut self, line: u32) {
        let line = line.max(1) as usize;
        let start: usize = self
            .text
            .split_inclusive('\n')
            .take(line - 1)
            .map(|it| it.chars().count())
            .sum();
        self.jump = Some((start, start));
    }

    /// Lines with a message; replaces the former ones.
    pub fn set_marks(&mut self, marks: Vec<Mark>) {
        self.marks = marks;
    }

    /// Draws the editor in all the room there is; true when the text was changed. `name` is its accessible name.
    pub fn ui(&mut self, ui: &mut Ui, name: &str) -> bool {
        let id = ui.make_persistent_id(("code", name));
        self.keys(ui, id);
        self.find_ui(ui, id);
        let tokens = theme::of(ui);
        let frame = egui::Frame::new().fill(tokens.canvas).inner_margin(4);
        let mut changed = false;
        frame.show(ui, |ui| {
            ScrollArea::both()
                .id_salt(id.with("scroll"))
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = 0.0;
                        let gutter = self.gutter_width(ui);
                        let left = ui.cursor().left();
                        ui.add_space(gutter);
                        changed = self.text_ui(ui, id, name, left);
                    });
                });
        });
        changed
    }

    fn text_ui(&mut self, ui: &mut Ui, id: Id, name: &str, gutter_left: f32) -> bool {
        let language = self.language.clone();
        let theme_of_code = code_theme(ui);
        let mut layouter = move |ui: &Ui, buffer: &dyn egui::TextBuffer, _wrap: f32| {
            let mut job = highlight(
                ui.ctx(),
                ui.style(),
                &theme_of_code,
                buffer.as_str(),
                &language,
            );
            job.wrap.max_width = f32::INFINITY;
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        if let Some((from, to)) = self.jump.take() {
            let mut state = egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
            let range = CCursorRange::two(CCursor::new(from), CCursor::new(to));
            state.cursor.set_char_range(Some(range));
            state.store(ui.ctx(), id);
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let rows = (ui.available_height() / 17.0).max(4.0) as usize;
        let output = TextEdit::multiline(&mut self.text)
            .id(id)
            .code_editor()
            .frame(egui::Frame::NONE)
            .desired_width(f32::INFINITY)
            .desired_rows(rows)
            .layouter(&mut layouter)
            .show(ui);
        if let Some(range) = output.cursor_range {
            self.cursor = line_and_column(&self.text, range.primary.index.into());
        }
        let response = output.response.response.accessible_name(name);
        self.gutter_ui(ui, gutter_left, output.galley_pos, &output.galley);
        response.changed()
    }

    fn gutter_width(&self, ui: &Ui) -> f32 {
        let digits = self.text.lines().count().max(1).to_string().len().max(2);
        let font = TextStyle::Monospace.resolve(ui.style());
        let digit = ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0'));
        digit * digits as f32 + 24.0
    }

    /// Numbers beside the lines that are visible, and what the marks say behind them.
    fn gutter_ui(&self, ui: &Ui, left: f32, origin: egui::Pos2, galley: &egui::Galley) {
        let tokens = theme::of(ui);
        let font = TextStyle::Monospace.resolve(ui.style());
        let right = left + self.gutter_width(ui) - 12.0;
        let painter = ui.painter();
        let clip = ui.clip_rect();
        let mut number = 0_u32;
        let mut starts_line = true;
        for row in &galley.rows {
            if starts_line {
                number += 1;
                let area = row.rect().translate(origin.to_vec2());
                if area.bottom() >= clip.top() && area.top() <= clip.bottom() {
                    let here = self.cursor.0 == number;
                    let color = if here { tokens.text } else { tokens.text_faint };
                    let at = egui::pos2(right, area.center().y);
                    let align = egui::Align2::RIGHT_CENTER;
                    painter.text(at, align, number, font.clone(), color);
                    for mark in self.marks.iter().filter(|mark| mark.line == number) {
                        mark_ui(ui, mark, area, left, clip);
                    }
                }
            }
            starts_line = row.ends_with_newline;
        }
    }

    fn keys(&mut self, ui: &Ui, id: Id) {
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let inside = ui.memory(|memory| memory.has_focus(id) || memory.has_focus(id.with("find")));
        if inside && pressed(Modifiers::COMMAND, Key::F) {
            let needle = self.find.take().unwrap_or_default().needle;
            self.find = Some(Find {
                needle,
                focus: true,
            });
        }
        if self.find.is_some() && inside && pressed(Modifiers::NONE, Key::Escape) {
            self.find = None;
            ui.memory_mut(|memory| memory.request_focus(id));
        }
    }

    fn find_ui(&mut self, ui: &mut Ui, id: Id) {
        let Some(find) = &mut self.find else { return };
        let mut go = None;
        let mut close = false;
        let found = self.text.matches(find.needle.as_str()).count();
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut find.needle)
                .id(id.with("find"))
                .hint_text("Find")
                .desired_width(220.0);
            let field = ui.add(field).accessible_name("Find in file");
            if std::mem::take(&mut find.focus) {
                field.request_focus();
            }
            if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                go = Some(!ui.input(|input| input.modifiers.shift));
                find.focus = true;
            }
            if icon::only(ui, Icon::ChevronUp, "Previous match").clicked() {
                go = Some(false);
            }
            if icon::only(ui, Icon::ChevronDown, "Next match").clicked() {
                go = Some(true);
            }
            if !find.needle.is_empty() {
                ui.weak(RichText::new(format!("{found} found")).small());
            }
            close = icon::only(ui, Icon::Close, "Close find").clicked();
        });
        let needle = find.needle.clone();
        if close {
            self.find = None;
        }
        if let Some(forward) = go {
            let at = char_of(&self.text, self.cursor);
            self.jump = next_match(&self.text, &needle, at, forward);
        }
    }
}

fn mark_ui(ui: &Ui, mark: &Mark, area: egui::Rect, left: f32, clip: egui::Rect) {
    let tokens = theme::of(ui);
    let line = egui::Rect::from_x_y_ranges(left..=clip.right(), area.y_range());
    let painter = ui.painter();
    painter.rect_filled(line, 0.0, tokens.failed.gamma_multiply(0.12));
    let sign = egui::pos2(left + 6.0, area.center().y);
    icon::paint(painter, sign, Icon::Failed, 10.0, tokens.failed);
    painter.text(
        egui::pos2(area.right() + 24.0, area.center().y),
        egui::Align2::LEFT_CENTER,
        &mark.message,
        TextStyle::Small.resolve(ui.style()),
        tokens.failed,
    );
}

/// Highlighting in the console's own colours.
fn code_theme(ui: &Ui) -> CodeTheme {
    let font = TextStyle::Monospace.resolve(ui.style());
    theme::code(theme::of(ui), ui.visuals().dark_mode, &font)
}

fn line_and_column(text: &str, at: usize) -> (u32, u32) {
    let (mut line, mut column) = (1, 1);
    for character in text.chars().take(at) {
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}

fn char_of(text: &str, (line, column): (u32, u32)) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1) as usize)
        .map(|it| it.chars().count())
        .sum();
    before + column.saturating_sub(1) as usize
}

/// The next place of the needle after (or before) a character, around the end; as a range of characters.
fn next_match(text: &str, needle: &str, at: usize, forward: bool) -> Option<(usize, usize)> {
    if needle.is_empty() {
        return None;
    }
    let length = needle.chars().count();
    let starts: Vec<usize> = text
        .match_indices(needle)
        .map(|(byte, _)| text[..byte].chars().count())
        .collect();
    // The cursor stands at the end of the match it is on.
    let found = if forward {
        starts.iter().find(|start| **start >= at).or(starts.first())
    } else {
        let before = |start: &&usize| **start + length < at;
        starts.iter().rev().find(before).or(starts.last())
    };
    found.map(|start| (*start, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::{Harness, kittest::Queryable as _};

    #[test]
    fn lines_and_columns_count_from_one_and_by_characters() {
        let text = "añb\ncd";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 3), (1, 4));
        assert_eq!(line_and_column(text, 5), (2, 2));
        assert_eq!(char_of(text, (2, 2)), 5);
    }

    #[test]
    fn finding_goes_round_in_both_directions() {
        let text = "one two one";
        assert_eq!(next_match(text, "one", 0, true), Some((0, 3)));
        assert_eq!(next_match(text, "one", 3, true), Some((8, 11)));
        assert_eq!(next_match(text, "one", 11, true), Some((0, 3)));
        assert_eq!(next_match(text, "one", 11, false), Some((0, 3)));
        assert_eq!(next_match(text, "one", 3, false), Some((8, 11)));
        assert_eq!(next_match(text, "none", 3, false), None);
    }

    #[test]
    fn going_to_a_line_puts_the_cursor_there() {
        let mut editor = CodeEditor::new("a\nb\nc\n", "js");
        editor.go_to(3);
        let mut harness = Harness::builder()
            .with_context_setup(icon::install)
            .build_ui_state(
                |ui, editor: &mut CodeEditor| {
                    editor.ui(ui, "index.mjs");
                },
                editor,
            );
        harness.run();
        assert_eq!(harness.state().cursor(), (3, 1));
        harness.get_by_label("index.mjs").type_text("x");
        harness.run();
        assert_eq!(harness.state().text(), "a\nb\nxc\n");
        assert_eq!(harness.state().cursor(), (3, 2));
    }
}

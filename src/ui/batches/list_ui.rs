//! The list of batches and notes, newest first. Keeps what is chosen in sight and in its place while more arrive above.

use std::sync::Arc;

use egui::{Key as Button, RichText, Ui};

use super::data::{self, Key, Row};
use super::{BatchesPanel, LISTED_MAX, mark_look};
use crate::ui::live::MappingStory;
use crate::ui::widgets::{elided, icon};
use crate::ui::{Cx, theme, time};

/// Where the list is scrolled to.
#[derive(Default)]
pub(super) struct List {
    only_trouble: bool,
    offset: f32,
    /// Where it goes when it is drawn next.
    jump: Option<f32>,
    /// What was chosen in the last frame, and where it was.
    chosen: Option<(Arc<str>, Key, usize)>,
}

impl List {
    /// Where to scroll to, so that the chosen row stays where it was, or comes in sight when it was chosen elsewhere.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred rows")]
    fn offset_for(&self, chosen: Option<&(Arc<str>, Key, usize)>, row: f32, height: f32) -> f32 {
        let Some((shard, key, at)) = chosen else {
            return self.offset;
        };
        let place = |at: usize| at as f32 * row;
        let is_in_sight = |offset: f32, at: usize| {
            let top = place(at);
            top >= offset && top + row <= offset + height
        };
        match &self.chosen {
            Some((of, was, before)) if of == shard && was == key => {
                // Who looks at the newest wants to see them come.
                let follows = is_in_sight(self.offset, *before) || self.offset > 0.0;
                if follows {
                    (self.offset + place(*at) - place(*before)).max(0.0)
                } else {
                    self.offset
                }
            }
            _ if is_in_sight(self.offset, *at) => self.offset,
            _ => (place(*at) - (height - row) / 2.0).max(0.0),
        }
    }
}

impl BatchesPanel {
    pub(super) fn list_ui(&mut self, ui: &mut Ui, story: &MappingStory) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Batches").text_style(theme::subtitle()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.checkbox(&mut self.list.only_trouble, "Only trouble");
            });
        });
        let rows = self.rows(story);
        if rows.is_empty() {
            let words = if self.list.only_trouble {
                "No batch failed so far"
            } else {
                "No batch yet"
            };
            ui.weak(words);
            return;
        }
        let height = theme::ROW_COMPACT + ui.spacing().item_spacing.y;
        let chosen = self.place_in(&rows);
        let mut area = egui::ScrollArea::vertical()
            .id_salt("batch list")
            .auto_shrink(false);
        if let Some(jump) = self.list.jump.take() {
            area = area.vertical_scroll_offset(jump);
        }
        let mut clicked = None;
        let shown = area.show_rows(ui, theme::ROW_COMPACT, rows.len(), |ui, range| {
            for row in &rows[range] {
                if row_ui(ui, row, self.is_chosen(row)).clicked() {
                    clicked = Some(row.clone());
                }
            }
        });
        self.list.offset = shown.state.clamped_offset().y;
        let room = shown.inner_rect.height();
        let offset = self.list.offset_for(chosen.as_ref(), height, room);
        let offset = offset.min((shown.content_size.y - room).max(0.0));
        self.list.chosen = chosen;
        // How far it can be scrolled is only known now, so it is drawn again.
        if (offset - self.list.offset).abs() > 0.5 {
            self.list.jump = Some(offset);
            ui.ctx()
                .request_discard("the chosen batch moved in the list");
        }
        if let Some(row) = clicked {
            self.chosen = true;
            self.select(story, &row);
        }
    }

    /// J and K, or the arrows, walk the list, and R replays, while no text field has the focus.
    pub(super) fn keys(&mut self, ui: &Ui, cx: &Cx<'_>, story: &MappingStory) {
        if ui.ctx().text_edit_focused() {
            return;
        }
        let (step, replay) = ui.input(|input| {
            let plain = !input.modifiers.command && !input.modifiers.alt;
            let pressed = |key| plain && input.key_pressed(key);
            let down = pressed(Button::J) || pressed(Button::ArrowDown);
            let up = pressed(Button::K) || pressed(Button::ArrowUp);
            (i32::from(down) - i32::from(up), pressed(Button::R))
        });
        if replay {
            self.replay_batch(cx);
        }
        if step == 0 {
            return;
        }
        let rows = self.rows(story);
        let next = match (self.place_in(&rows), step) {
            (None, _) => 0,
            (Some((.., at)), 1) => at + 1,
            (Some((.., at)), _) => at.saturating_sub(1),
        };
        if let Some(row) = rows.get(next) {
            self.chosen = true;
            self.select(story, row);
        }
    }

    /// What is listed.
    fn rows(&self, story: &MappingStory) -> Vec<Row> {
        let mut rows = data::rows(&story.shards, LISTED_MAX);
        if self.list.only_trouble {
            rows.retain(|row| row.mark.is_trouble());
        }
        rows
    }

    fn place_in(&self, rows: &[Row]) -> Option<(Arc<str>, Key, usize)> {
        let at = rows.iter().position(|row| self.is_chosen(row))?;
        Some((Arc::clone(&rows[at].shard), rows[at].key, at))
    }

    fn is_chosen(&self, row: &Row) -> bool {
        let selected = self.selected.as_ref();
        selected.is_some_and(|it| it.row == row.key && it.shard == row.shard)
    }
}

fn row_ui(ui: &mut Ui, row: &Row, selected: bool) -> egui::Response {
    let tokens = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(
        egui::vec2(ui.available_width(), theme::ROW_COMPACT),
        egui::Sense::click(),
    );
    response
        .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &row.name));
    if selected {
        ui.painter().rect_filled(rect, 4, tokens.selection);
        // Told apart from a row the pointer happens to be over.
        let edge = egui::Rect::from_min_size(rect.min, egui::vec2(3.0, rect.height()));
        ui.painter().rect_filled(edge, 2, tokens.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4, tokens.hover);
    }
    let small = egui::TextStyle::Small.resolve(ui.style());
    let mono = egui::TextStyle::Monospace.resolve(ui.style());
    let y = rect.center().y;
    let (symbol, color) = mark_look(row.mark, tokens);
    let painter = ui.painter().with_clip_rect(rect);
    let sign = egui::pos2(rect.left() + 14.0, y);
    icon::paint(&painter, sign, symbol, 13.0, color);
    let began = painter.text(
        egui::pos2(rect.left() + 28.0, y),
        egui::Align2::LEFT_CENTER,
        time::clock(row.began),
        mono,
        tokens.text,
    );
    let room = rect.right() - 8.0 - (began.right() + theme::GUTTER);
    let words = elided(ui, &row.words, small, tokens.text_muted, room);
    let at = egui::pos2(
        rect.right() - 8.0 - words.size().x,
        y - words.size().y / 2.0,
    );
    painter.galley(at, words, tokens.text_muted);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: f32 = 20.0;
    const HEIGHT: f32 = 100.0;

    fn chosen(at: usize) -> (Arc<str>, Key, usize) {
        ("s".into(), Key::Batch(1), at)
    }

    fn offset(offset: f32, before: Option<usize>, at: usize) -> f32 {
        let list = List {
            only_trouble: false,
            offset,
            jump: None,
            chosen: before.map(chosen),
        };
        list.offset_for(Some(&chosen(at)), ROW, HEIGHT)
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "whole numbers")]
    fn what_is_chosen_stays_in_its_place() {
        // Chosen elsewhere, far down: it comes to the middle.
        assert_eq!(offset(0.0, None, 50), 960.0);
        // In sight already.
        assert_eq!(offset(0.0, None, 3), 0.0);
        // More came above it.
        assert_eq!(offset(960.0, Some(50), 53), 1020.0);
        assert_eq!(offset(0.0, Some(2), 4), 40.0);
        // The user went up to see the newest come.
        assert_eq!(offset(0.0, Some(50), 53), 0.0);
    }
}

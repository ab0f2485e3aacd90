//! The rows of an attribute tree: draws them and notes what is asked of them. Keeps nothing.

#![expect(
    clippy::cast_precision_loss,
    reason = "rows and columns on a screen are few"
)]

use std::collections::HashSet;

use egui::{ComboBox, Id, Key, Modifiers, Response, RichText, TextEdit, TextStyle, Ui};

use super::icon::{self, Icon};
use super::node::{self, Flaw, Members, Node, Type};
use crate::ui::theme;

const INDENT: f32 = 18.0;
const NAME_WIDTH: f32 = 132.0;
const TYPE_WIDTH: f32 = 64.0;
const ROW: f32 = 26.0;
/// The button at the end of a row and the gap before it.
const REMOVE_WIDTH: f32 = 34.0;

/// The rows of one frame: what they may fold and ask for.
pub(super) struct Rows<'a> {
    pub(super) keys: &'a [String],
    pub(super) folded: &'a mut HashSet<String>,
    pub(super) flaws: &'a [Flaw],
    pub(super) focus: Option<String>,
    pub(super) next_focus: Option<String>,
    pub(super) changed: bool,
}

/// What the keys or buttons of a row asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Remove,
    AddBelow,
}

impl Rows<'_> {
    pub(super) fn members_ui(
        &mut self,
        ui: &mut Ui,
        members: &mut Members,
        path: &str,
        depth: usize,
    ) {
        let mut asked = None;
        #[expect(
            clippy::needless_range_loop,
            reason = "a name is read again after it was changed"
        )]
        for nth in 0..members.len() {
            let here = node::join(path, &members[nth].0);
            let is_key = depth == 0 && self.keys.contains(&members[nth].0);
            ui.push_id(nth, |ui| {
                let (name, node) = &mut members[nth];
                if let Some(ask) = self.row_ui(ui, Some(name), node, &here, depth, is_key) {
                    asked = Some((nth, ask));
                }
                // The name may just have been changed.
                let here = node::join(path, &members[nth].0);
                self.inside_ui(ui, &mut members[nth].1, &here, depth);
            });
        }
        match asked {
            Some((nth, Ask::Remove)) => {
                members.remove(nth);
                self.changed = true;
            }
            Some((nth, Ask::AddBelow)) => self.add_member(members, nth + 1, path),
            None => (),
        }
        let words = if depth == 0 {
            "Add attribute".to_owned()
        } else {
            format!("Add to {path}")
        };
        if self.add_ui(ui, &words, depth) {
            let at = members.len();
            self.add_member(members, at, path);
        }
    }

    fn add_member(&mut self, members: &mut Members, at: usize, path: &str) {
        let taken = |name: &str| members.iter().any(|(other, _)| other == name);
        let fresh = (1..=members.len() + 1)
            .map(|nth| format!("new{nth}"))
            .find(|name| !taken(name));
        let name = fresh.unwrap_or_default();
        self.next_focus = Some(node::join(path, &name));
        members.insert(at, (name, Node::S(String::new())));
        self.changed = true;
    }

    fn inside_ui(&mut self, ui: &mut Ui, node: &mut Node, path: &str, depth: usize) {
        if self.folded.contains(path) {
            return;
        }
        match node {
            Node::M(members) => self.members_ui(ui, members, path, depth + 1),
            Node::L(elements) => self.elements_ui(ui, elements, path, depth + 1),
            Node::Ss(set) => self.set_ui(ui, set, Type::S, path, depth + 1),
            Node::Ns(set) => self.set_ui(ui, set, Type::N, path, depth + 1),
            Node::Bs(set) => self.set_ui(ui, set, Type::B, path, depth + 1),
            _ => (),
        }
    }

    fn elements_ui(&mut self, ui: &mut Ui, elements: &mut Vec<Node>, path: &str, depth: usize) {
        let mut asked = None;
        #[expect(clippy::needless_range_loop, reason = "an element is drawn twice")]
        for nth in 0..elements.len() {
            let here = format!("{path}[{nth}]");
            ui.push_id(nth, |ui| {
                let element = &mut elements[nth];
                if let Some(ask) = self.row_ui(ui, None, element, &here, depth, false) {
                    asked = Some((nth, ask));
                }
                self.inside_ui(ui, element, &here, depth);
            });
        }
        let like = |elements: &[Node], nth: usize| {
            let kind = elements.get(nth).map_or(Type::S, Node::kind);
            Node::Null.retyped(kind)
        };
        let mut add = None;
        match asked {
            Some((nth, Ask::Remove)) => {
                elements.remove(nth);
                self.changed = true;
            }
            Some((nth, Ask::AddBelow)) => add = Some(nth + 1),
            None => (),
        }
        if self.add_ui(ui, &format!("Add to {path}"), depth) {
            add = Some(elements.len());
        }
        if let Some(at) = add {
            let fresh = like(elements, at.saturating_sub(1));
            elements.insert(at, fresh);
            self.next_focus = Some(format!("{path}[{at}]"));
            self.changed = true;
        }
    }

    fn set_ui(&mut self, ui: &mut Ui, set: &mut Vec<String>, kind: Type, path: &str, depth: usize) {
        let mut removed = None;
        for (nth, text) in set.iter_mut().enumerate() {
            let here = format!("{path}[{nth}]");
            ui.push_id(nth, |ui| {
                self.line(ui, depth, |rows, ui| {
                    ui.add_space(INDENT);
                    let flaw = match kind {
                        Type::N => node::number_problem(text),
                        Type::B => node::binary_problem(text),
                        _ => None,
                    };
                    let room = (ui.available_width() - REMOVE_WIDTH).max(60.0);
                    let field = text_ui(ui, text, &format!("{here} value"), room, flaw);
                    rows.focus_if(&here, &field);
                    rows.changed |= field.changed();
                    if icon::only(ui, Icon::Close, &format!("Remove {here}")).clicked() {
                        removed = Some(nth);
                    }
                });
            });
        }
        if let Some(nth) = removed {
            set.remove(nth);
            self.changed = true;
        }
        if self.add_ui(ui, &format!("Add to {path}"), depth) {
            self.next_focus = Some(format!("{path}[{}]", set.len()));
            set.push(String::new());
            self.changed = true;
        }
    }

    /// One attribute or element. What its keys and buttons asked for.
    fn row_ui(
        &mut self,
        ui: &mut Ui,
        name: Option<&mut String>,
        node: &mut Node,
        path: &str,
        depth: usize,
        is_key: bool,
    ) -> Option<Ask> {
        let mut ask = None;
        let mut fields = Vec::new();
        self.line(ui, depth, |rows, ui| {
            rows.fold_ui(ui, node, path);
            fields.push(rows.name_ui(ui, name, path, is_key));
            rows.type_ui(ui, node, path, is_key);
            fields.extend(rows.value_ui(ui, node, path));
            if !is_key && icon::only(ui, Icon::Close, &format!("Remove {path}")).clicked() {
                ask = Some(Ask::Remove);
            }
        });
        let focused = fields.iter().flatten().any(Response::has_focus);
        if focused {
            const REMOVE: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
            ui.input_mut(|input| {
                if input.consume_key(Modifiers::COMMAND, Key::Enter) {
                    ask = Some(Ask::AddBelow);
                }
                if !is_key && input.consume_key(REMOVE, Key::Backspace) {
                    ask = Some(Ask::Remove);
                }
            });
        }
        ask
    }

    /// A line of the tree; lines out of sight only take their room.
    fn line(&mut self, ui: &mut Ui, depth: usize, body: impl FnOnce(&mut Self, &mut Ui)) {
        let size = egui::vec2(ui.available_width(), ROW);
        let rect = egui::Rect::from_min_size(ui.cursor().min, size);
        if !ui.is_rect_visible(rect) && self.focus.is_none() {
            ui.allocate_space(size);
            return;
        }
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(size, layout, |ui| {
            ui.set_min_height(ROW);
            ui.spacing_mut().item_spacing.x = 6.0;
            let quiet = egui::Stroke::new(1.0, theme::of(ui).line);
            ui.visuals_mut().widgets.inactive.bg_stroke = quiet;
            for level in 0..depth {
                let x = rect.left() + INDENT * level as f32 + INDENT / 2.0;
                let line = egui::Stroke::new(1.0, theme::of(ui).line);
                ui.painter().vline(x, rect.y_range(), line);
            }
            ui.add_space(INDENT * depth as f32);
            body(self, ui);
        });
    }

    fn fold_ui(&mut self, ui: &mut Ui, node: &Node, path: &str) {
        if node.size().is_none() {
            ui.add_space(INDENT);
            return;
        }
        let open = !self.folded.contains(path);
        let (sign, name) = if open {
            (Icon::ChevronDown, format!("Fold {path}"))
        } else {
            (Icon::ChevronRight, format!("Unfold {path}"))
        };
        let size = egui::vec2(INDENT - 6.0, ROW - 4.0);
        let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::DisclosureTriangle, true, open, &name)
        });
        let tokens = theme::of(ui);
        let color = if response.hovered() || response.has_focus() {
            tokens.accent
        } else {
            tokens.text_muted
        };
        icon::paint(ui.painter(), rect.center(), sign, 12.0, color);
        if response.clicked() && !self.folded.remove(path) {
            self.folded.insert(path.to_owned());
        }
    }

    fn name_ui(
        &mut self,
        ui: &mut Ui,
        name: Option<&mut String>,
        path: &str,
        is_key: bool,
    ) -> Option<Response> {
        let tokens = theme::of(ui);
        let Some(name) = name else {
            let index = path.rfind('[').map_or(path, |at| &path[at..]);
            let words = RichText::new(index).monospace().color(tokens.text_muted);
            ui.add(egui::Label::new(words).selectable(false));
            return None;
        };
        if is_key {
            ui.allocate_ui(egui::vec2(NAME_WIDTH, ROW), |ui| {
                ui.set_min_width(NAME_WIDTH);
                ui.add_space(4.0);
                let words = RichText::new(&*name).monospace().color(tokens.text_strong);
                ui.add(egui::Label::new(words).truncate());
                icon::show(ui, Icon::Role, tokens.text_muted).on_hover_text("Part of the key");
            });
            return None;
        }
        let flaw = self.flaw_at(path, |message| message.contains("name"));
        let field = text_ui(ui, name, &format!("{path} name"), NAME_WIDTH, flaw);
        self.focus_if(path, &field);
        self.changed |= field.changed();
        Some(field)
    }

    fn type_ui(&mut self, ui: &mut Ui, node: &mut Node, path: &str, is_key: bool) {
        let kind = node.kind();
        if is_key {
            let words = RichText::new(kind.sign()).monospace();
            ui.add_sized([TYPE_WIDTH, ROW], egui::Label::new(words).selectable(false));
            return;
        }
        let mut wanted = kind;
        ui.name_inputs(format!("{path} type"), |ui| {
            ComboBox::from_id_salt("type")
                .width(TYPE_WIDTH)
                .selected_text(RichText::new(kind.sign()).monospace())
                .show_ui(ui, |ui| {
                    for it in Type::ALL {
                        let words = format!("{:<5}{}", it.sign(), it.word());
                        ui.selectable_value(&mut wanted, it, RichText::new(words).monospace());
                    }
                });
        });
        if wanted != kind {
            *node = std::mem::replace(node, Node::Null).retyped(wanted);
            self.changed = true;
        }
    }

    #[expect(
        clippy::option_option,
        reason = "no field, a field without a response, a field with one"
    )]
    fn value_ui(&mut self, ui: &mut Ui, node: &mut Node, path: &str) -> Option<Option<Response>> {
        let name = format!("{path} value");
        let room = (ui.available_width() - REMOVE_WIDTH).max(60.0);
        let field = match node {
            Node::S(text) => {
                let lines = text.matches('\n').count();
                if lines > 0 {
                    ui.weak(RichText::new(format!("{} lines", lines + 1)).small());
                }
                text_ui(
                    ui,
                    text,
                    &name,
                    (ui.available_width() - REMOVE_WIDTH).max(60.0),
                    None,
                )
            }
            Node::N(text) => {
                let flaw = node::number_problem(text);
                let field = text_ui(ui, text, &name, room, flaw);
                match date_of(text) {
                    Some(date) => field.on_hover_text(date),
                    None => field,
                }
            }
            Node::B(text) => {
                let flaw = node::binary_problem(text);
                text_ui(ui, text, &name, room, flaw)
            }
            Node::Bool(flag) => {
                let field = ui.checkbox(flag, "").accessible_name(&name);
                ui.weak(if *flag { "true" } else { "false" });
                ui.add_space((ui.available_width() - REMOVE_WIDTH + 6.0).max(0.0));
                field
            }
            Node::Null => {
                ui.weak("null");
                ui.add_space((ui.available_width() - REMOVE_WIDTH + 6.0).max(0.0));
                return None;
            }
            other => {
                let count = other.size().unwrap_or_default();
                let plural = if count == 1 { "" } else { "s" };
                ui.weak(RichText::new(format!("{count} element{plural}")).small());
                ui.add_space((ui.available_width() - REMOVE_WIDTH + 6.0).max(0.0));
                return None;
            }
        };
        if path.ends_with(']') {
            self.focus_if(path, &field);
        }
        self.changed |= field.changed();
        Some(Some(field))
    }

    /// A quiet button under the members of a map, list or set; true when clicked.
    fn add_ui(&mut self, ui: &mut Ui, words: &str, depth: usize) -> bool {
        let mut clicked = false;
        self.line(ui, depth, |_, ui| {
            ui.add_space(INDENT - 6.0);
            let color = theme::of(ui).text_muted;
            let shown = if depth == 0 { words } else { "Add" };
            let drawn = (
                icon::text(Icon::Plus).small().color(color),
                RichText::new(shown).small().color(color),
            );
            let button = egui::Button::new(drawn).frame_when_inactive(false);
            clicked = icon::add(ui, button, words).clicked();
        });
        clicked
    }

    fn focus_if(&mut self, path: &str, field: &Response) {
        if self.focus.as_deref() == Some(path) {
            field.request_focus();
            field.scroll_to_me(None);
            select_all(&field.ctx, field.id);
            self.focus = None;
        }
    }

    fn flaw_at(&self, path: &str, about: impl Fn(&str) -> bool) -> Option<&'static str> {
        let found = self
            .flaws
            .iter()
            .find(|it| it.path == path && about(&it.message));
        found.map(|_| "Another attribute has this name, or it has none")
    }
}

fn text_ui(ui: &mut Ui, text: &mut String, name: &str, width: f32, flaw: Option<&str>) -> Response {
    let tokens = theme::of(ui);
    let field = TextEdit::singleline(text)
        .font(TextStyle::Monospace)
        .align(egui::Align2::LEFT_CENTER)
        .margin(egui::Margin::symmetric(6, 3))
        .desired_width(width - 12.0);
    let field = ui
        .add_sized([width, ROW - 4.0], field)
        .accessible_name(name);
    let Some(flaw) = flaw else { return field };
    let line = egui::Stroke::new(1.0, tokens.failed);
    ui.painter()
        .rect_stroke(field.rect, 4.0, line, egui::StrokeKind::Inside);
    field.on_hover_text(flaw)
}

fn select_all(ctx: &egui::Context, field: Id) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::text_edit::TextEditState::load(ctx, field).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(usize::MAX));
    state.cursor.set_char_range(Some(all));
    state.store(ctx, field);
}

/// The moment a number means when it looks like one: seconds or milliseconds since 1970.
fn date_of(text: &str) -> Option<String> {
    const YEAR_2001: u64 = 978_307_200;
    const YEAR_2100: u64 = 4_102_444_800;
    let number: u64 = text.parse().ok()?;
    let secs = match number {
        YEAR_2001..=YEAR_2100 => number,
        _ if (YEAR_2001..=YEAR_2100).contains(&(number / 1000)) => number / 1000,
        _ => return None,
    };
    let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(secs);
    Some(crate::ui::time::date_time(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_recognised() {
        assert_eq!(
            date_of("1762041600").as_deref(),
            Some("2025-11-02 00:00:00 UTC")
        );
        assert_eq!(
            date_of("1762041600000").as_deref(),
            Some("2025-11-02 00:00:00 UTC")
        );
        assert_eq!(date_of("41"), None);
    }
}

//! JSON to read: coloured, folded, copied by path or by value. Never edits.

#![expect(
    clippy::cast_precision_loss,
    reason = "rows and columns on a screen are few"
)]

use std::collections::HashSet;

use egui::{FontId, RichText, ScrollArea, Sense, TextFormat, TextStyle, Ui, text::LayoutJob};
use serde_json::Value;

use super::icon::{self, Icon};
use crate::ui::theme::{self, Tokens};

/// A value about to be shown.
#[must_use = "call show"]
pub struct JsonView<'a> {
    value: &'a Value,
    name: &'a str,
    open_depth: usize,
    max_height: f32,
}

impl<'a> JsonView<'a> {
    /// `name` says what it is, to assistive technology and to the memory of what is folded.
    pub fn new(name: &'a str, value: &'a Value) -> Self {
        Self {
            value,
            name,
            open_depth: 3,
            max_height: f32::INFINITY,
        }
    }

    /// Levels that are open until the user folds them.
    pub fn open_depth(mut self, depth: usize) -> Self {
        self.open_depth = depth;
        self
    }

    pub fn max_height(mut self, height: f32) -> Self {
        self.max_height = height;
        self
    }

    pub fn show(self, ui: &mut Ui) {
        let id = ui.make_persistent_id(("json", self.name));
        let mut toggled: Toggled = ui.data_mut(|data| data.get_temp(id).unwrap_or_default());
        let mut lines = Vec::new();
        let root = Place {
            path: String::new(),
            key: None,
            depth: 0,
            last: true,
        };
        flatten(self.value, root, self.open_depth, &toggled, &mut lines);
        ui.horizontal(|ui| {
            ui.weak(RichText::new(self.name).small());
            if icon::only(ui, Icon::Copy, "Copy JSON").clicked() {
                ui.copy_text(pretty(self.value));
            }
        });
        let gap = std::mem::replace(&mut ui.spacing_mut().item_spacing.y, 0.0);
        ScrollArea::both()
            .id_salt(id)
            .max_height(self.max_height)
            .auto_shrink([false, true])
            .show_rows(ui, LINE, lines.len(), |ui, range| {
                for line in &lines[range] {
                    line_ui(ui, line, &mut toggled);
                }
            });
        ui.spacing_mut().item_spacing.y = gap;
        ui.data_mut(|data| data.insert_temp(id, toggled));
    }
}

/// The way JSON is written everywhere in the console.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Paths whose fold is not what the depth says.
type Toggled = HashSet<String>;

const LINE: f32 = 18.0;
const INDENT: f32 = 14.0;

struct Place {
    /// `items[0].sku`
    path: String,
    key: Option<String>,
    depth: usize,
    last: bool,
}

struct Line<'a> {
    place: Place,
    what: What<'a>,
}

enum What<'a> {
    Leaf(&'a Value),
    /// An object or array and whether it is open.
    Branch(&'a Value, bool),
    Close(&'static str),
}

fn flatten<'a>(
    value: &'a Value,
    place: Place,
    open_depth: usize,
    toggled: &Toggled,
    lines: &mut Vec<Line<'a>>,
) {
    let length = match value {
        Value::Object(members) => members.len(),
        Value::Array(elements) => elements.len(),
        _ => 0,
    };
    if length == 0 {
        lines.push(Line {
            place,
            what: What::Leaf(value),
        });
        return;
    }
    let open = (place.depth < open_depth) != toggled.contains(&place.path);
    let (path, depth, last) = (place.path.clone(), place.depth, place.last);
    lines.push(Line {
        place,
        what: What::Branch(value, open),
    });
    if !open {
        return;
    }
    let close = match value {
        Value::Object(members) => {
            for (nth, (key, member)) in members.iter().enumerate() {
                let inner = Place {
                    path: join(&path, key),
                    key: Some(key.clone()),
                    depth: depth + 1,
                    last: nth + 1 == length,
                };
                flatten(member, inner, open_depth, toggled, lines);
            }
            "}"
        }
        Value::Array(elements) => {
            for (nth, element) in elements.iter().enumerate() {
                let inner = Place {
                    path: format!("{path}[{nth}]"),
                    key: None,
                    depth: depth + 1,
                    last: nth + 1 == length,
                };
                flatten(element, inner, open_depth, toggled, lines);
            }
            "]"
        }
        _ => return,
    };
    let place = Place {
        path,
        key: None,
        depth,
        last,
    };
    lines.push(Line {
        place,
        what: What::Close(close),
    });
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn line_ui(ui: &mut Ui, line: &Line<'_>, toggled: &mut Toggled) {
    let tokens = theme::of(ui);
    let font = TextStyle::Monospace.resolve(ui.style());
    let galley = ui.painter().layout_job(job(line, &font, tokens));
    let indent = INDENT * line.place.depth as f32 + INDENT;
    let size = egui::vec2(indent + galley.size().x, LINE);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let text = galley.text().trim_end_matches(',').to_owned();
    if let What::Branch(_, open) = line.what {
        let sign = if open {
            Icon::ChevronDown
        } else {
            Icon::ChevronRight
        };
        let at = egui::pos2(rect.left() + indent - INDENT / 2.0 - 1.0, rect.center().y);
        icon::paint(ui.painter(), at, sign, 11.0, tokens.text_muted);
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::DisclosureTriangle, true, open, &text)
        });
        if response.clicked() && !toggled.remove(&line.place.path) {
            toggled.insert(line.place.path.clone());
        }
    } else {
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
    }
    if response.hovered() {
        ui.painter().rect_filled(rect, 2.0, tokens.hover);
    }
    let at = egui::pos2(
        rect.left() + indent,
        rect.center().y - galley.size().y / 2.0,
    );
    ui.painter().galley(at, galley, tokens.text);
    response.context_menu(|ui| {
        if let What::Leaf(value) | What::Branch(value, _) = line.what
            && ui.button("Copy value").clicked()
        {
            ui.copy_text(match value {
                Value::String(text) => text.clone(),
                other => pretty(other),
            });
            ui.close();
        }
        if !line.place.path.is_empty() && ui.button("Copy path").clicked() {
            ui.copy_text(line.place.path.clone());
            ui.close();
        }
    });
}

fn job(line: &Line<'_>, font: &FontId, tokens: &Tokens) -> LayoutJob {
    let mut job = LayoutJob::default();
    let mut add = |text: &str, color| {
        job.append(text, 0.0, TextFormat::simple(font.clone(), color));
    };
    if let Some(key) = &line.place.key {
        add(&Value::from(key.as_str()).to_string(), tokens.text);
        add(": ", tokens.text_muted);
    }
    match &line.what {
        What::Leaf(value) => {
            let color = match value {
                Value::String(_) => tokens.code_string,
                Value::Number(_) => tokens.code_number,
                Value::Bool(_) | Value::Null => tokens.code_keyword,
                Value::Array(_) | Value::Object(_) => tokens.text_muted,
            };
            add(&value.to_string(), color);
        }
        What::Branch(Value::Array(elements), open) => {
            add("[", tokens.text_muted);
            if !open {
                add(&format!(" {} … ]", elements.len()), tokens.text_muted);
            }
        }
        What::Branch(value, open) => {
            add("{", tokens.text_muted);
            if !open {
                let members = value.as_object().map_or(0, serde_json::Map::len);
                add(&format!(" {members} … }}"), tokens.text_muted);
            }
        }
        What::Close(close) => add(close, tokens.text_muted),
    }
    if !line.place.last && !matches!(line.what, What::Branch(_, true)) {
        add(",", tokens.text_muted);
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::{Harness, kittest::Queryable as _};
    use serde_json::json;

    #[test]
    fn a_branch_folds_and_opens_by_a_click() {
        let value = json!({"items": [{"sku": "A1"}], "total": 41.5});
        let mut harness = Harness::builder()
            .with_context_setup(icon::install)
            .build_ui(|ui| JsonView::new("Order", &value).show(ui));
        assert!(harness.query_by_label("\"sku\": \"A1\"").is_some());
        harness.get_by_label("\"items\": [").click();
        harness.run();
        assert!(harness.query_by_label("\"sku\": \"A1\"").is_none());
        harness.get_by_label("\"items\": [ 1 … ]").click();
        harness.run();
        assert!(harness.query_by_label("\"sku\": \"A1\"").is_some());
    }
}

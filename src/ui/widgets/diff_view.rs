//! What changed between two images of an item, attribute by attribute.
//!
//! Images are in DynamoDB's JSON (`{"total": {"N": "41.5"}}`), as stream records carry them.

use egui::text::LayoutJob;
use egui::{FontId, RichText, TextFormat, TextStyle, Ui};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::ui::theme::{self, Tokens};

/// What happened to one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Changed,
    Removed,
    Same,
}

/// One attribute, or one place inside a map or list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `items[0].sku`
    pub path: String,
    pub kind: Kind,
    /// As text, with the type only where it changed.
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Compares two images; either may be missing. Maps and lists are compared inside.
pub fn differences(old: Option<&Value>, new: Option<&Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    let none = serde_json::Map::new();
    let members = |image: Option<&'_ Value>| image.and_then(Value::as_object).cloned();
    let (old, new) = (
        members(old).unwrap_or_else(|| none.clone()),
        members(new).unwrap_or(none),
    );
    compare_members(&old, &new, "", &mut found);
    found
}

/// `status PENDING → PAID, +coupon`: a summary for one line.
pub fn summary(found: &[Difference]) -> String {
    let words = found.iter().filter_map(|it| match it.kind {
        Kind::Same => None,
        Kind::Added => Some(format!("+{}", it.path)),
        Kind::Removed => Some(format!("-{}", it.path)),
        Kind::Changed => {
            let side = |text: &Option<String>| shortened(text.as_deref().unwrap_or_default());
            Some(format!("{} {} → {}", it.path, side(&it.old), side(&it.new)))
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Draws the differences; `only_changed` is the user's switch.
pub fn diff_view(ui: &mut Ui, found: &[Difference], only_changed: &mut bool) {
    let same = found.iter().filter(|it| it.kind == Kind::Same).count();
    ui.horizontal(|ui| {
        ui.checkbox(only_changed, "Only changed");
        if *only_changed && same > 0 {
            ui.weak(RichText::new(format!("{same} unchanged hidden")).small());
        }
    });
    let only_changed = *only_changed;
    let shown = found.iter();
    grid_ui(
        ui,
        shown.filter(|it| !only_changed || it.kind != Kind::Same),
    );
}

/// Draws the differences alone.
pub fn diff_grid(ui: &mut Ui, found: &[Difference]) {
    grid_ui(ui, found.iter());
}

fn grid_ui<'a>(ui: &mut Ui, shown: impl Iterator<Item = &'a Difference>) {
    egui::Grid::new("diff")
        .num_columns(3)
        .min_col_width(0.0)
        .spacing([10.0, 4.0])
        .show(ui, |ui| {
            for it in shown {
                row_ui(ui, it);
                ui.end_row();
            }
        });
}

fn row_ui(ui: &mut Ui, it: &Difference) {
    let tokens = theme::of(ui);
    let (sign, color) = look(it.kind, tokens);
    let mono = |text: &str| RichText::new(text).monospace();
    let top = egui::Layout::left_to_right(egui::Align::Min);
    ui.with_layout(top, |ui| ui.label(mono(sign).color(color)));
    ui.with_layout(top, |ui| ui.label(mono(&it.path).color(tokens.text_muted)));
    let font = TextStyle::Monospace.resolve(ui.style());
    let width = ui.available_width().max(120.0);
    let job = |text: &str, color| {
        let mut job = LayoutJob::simple(text.to_owned(), font.clone(), color, width);
        job.wrap.break_anywhere = true;
        job
    };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        match (&it.old, &it.new) {
            (Some(old), Some(new)) if it.kind == Kind::Changed => {
                if is_short(old) && is_short(new) {
                    let mut both = LayoutJob::default();
                    let plain = |color| TextFormat::simple(font.clone(), color);
                    both.append(old, 0.0, plain(tokens.text_muted));
                    both.append(" → ", 0.0, plain(tokens.text_muted));
                    both.append(new, 0.0, plain(color));
                    ui.label(both);
                } else {
                    let (before, after) = words(old, new, &font, tokens);
                    ui.label(before);
                    ui.label(after);
                }
            }
            (None, Some(new)) => {
                ui.label(job(new, color));
            }
            (Some(old), None) => {
                let mut job = job(old, color);
                for section in &mut job.sections {
                    section.format.strikethrough = egui::Stroke::new(1.0, color);
                }
                ui.label(job);
            }
            (Some(text), _) => {
                ui.label(job(text, tokens.text_muted));
            }
            (None, None) => (),
        }
    });
}

/// Short enough to stand on one line with its other side.
fn is_short(text: &str) -> bool {
    text.chars().count() <= 20
}

fn look(kind: Kind, tokens: &Tokens) -> (&'static str, egui::Color32) {
    match kind {
        Kind::Added => ("+", tokens.insert),
        Kind::Changed => ("~", tokens.modify),
        Kind::Removed => ("-", tokens.remove),
        Kind::Same => (" ", tokens.text_muted),
    }
}

/// Both sides with the words that differ marked.
fn words(old: &str, new: &str, font: &FontId, tokens: &Tokens) -> (LayoutJob, LayoutJob) {
    let diff = TextDiff::from_unicode_words(old, new);
    let (mut before, mut after) = (LayoutJob::default(), LayoutJob::default());
    let plain = TextFormat::simple(font.clone(), tokens.text);
    let marked = |color: egui::Color32| TextFormat {
        background: color.gamma_multiply(0.18),
        ..TextFormat::simple(font.clone(), color)
    };
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                before.append(change.value(), 0.0, plain.clone());
                after.append(change.value(), 0.0, plain.clone());
            }
            ChangeTag::Delete => before.append(change.value(), 0.0, marked(tokens.remove)),
            ChangeTag::Insert => after.append(change.value(), 0.0, marked(tokens.insert)),
        }
    }
    (before, after)
}

type Members = serde_json::Map<String, Value>;

fn compare_members(old: &Members, new: &Members, path: &str, found: &mut Vec<Difference>) {
    let join = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    let added = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(added) {
        compare(old.get(key), new.get(key), join(key), found);
    }
}

fn compare(old: Option<&Value>, new: Option<&Value>, path: String, found: &mut Vec<Difference>) {
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        if let (Some(old), Some(new)) = (inner(old, "M"), inner(new, "M"))
            && let (Some(old), Some(new)) = (old.as_object(), new.as_object())
        {
            return compare_members(old, new, &path, found);
        }
        if let (Some(old), Some(new)) = (inner(old, "L"), inner(new, "L"))
            && let (Some(old), Some(new)) = (old.as_array(), new.as_array())
        {
            for nth in 0..old.len().max(new.len()) {
                compare(old.get(nth), new.get(nth), format!("{path}[{nth}]"), found);
            }
            return;
        }
    }
    let kind = match (old, new) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        (old, new) if old == new => Kind::Same,
        _ => Kind::Changed,
    };
    let typed = kind == Kind::Changed && old.and_then(type_of) != new.and_then(type_of);
    let text = |value: &Value| match type_of(value) {
        Some(name) if typed => format!("{name} {}", plain(value)),
        _ => plain(value),
    };
    found.push(Difference {
        path,
        kind,
        old: old.map(text),
        new: new.map(text),
    });
}

fn inner<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    value.as_object().filter(|it| it.len() == 1)?.get(kind)
}

fn type_of(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|it| it.len() == 1)?;
    members.keys().next().map(String::as_str)
}

/// A typed value without its types: `41.50`, `["a", "b"]`.
fn plain(value: &Value) -> String {
    let Some(name) = type_of(value) else {
        return value.to_string();
    };
    let content = &value[name];
    match (name, content) {
        ("S" | "N" | "B", Value::String(text)) => text.clone(),
        ("BOOL", flag) => flag.to_string(),
        ("NULL", _) => "null".to_owned(),
        ("L", Value::Array(elements)) => {
            let parts: Vec<_> = elements.iter().map(plain).collect();
            format!("[{}]", parts.join(", "))
        }
        ("M", Value::Object(members)) => {
            let parts: Vec<_> = members
                .iter()
                .map(|(key, member)| format!("{key}: {}", plain(member)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        ("SS" | "NS" | "BS", Value::Array(elements)) => {
            let parts: Vec<_> = elements.iter().filter_map(Value::as_str).collect();
            format!("{{{}}}", parts.join(", "))
        }
        (_, other) => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 24;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST - 1).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
    fn check(old: Value, new: Value, expected: &str) {
        assert_eq!(summary(&differences(Some(&old), Some(&new))), expected);
    }

    #[test]
    fn attributes_are_added_changed_and_removed() {
        check(
            json!({"status": {"S": "PENDING"}, "coupon": {"S": "BF26"}, "id": {"S": "1"}}),
            json!({"status": {"S": "PAID"}, "id": {"S": "1"}, "total": {"N": "39"}}),
            "status PENDING → PAID, -coupon, +total",
        );
    }

    #[test]
    fn maps_and_lists_are_compared_inside() {
        check(
            json!({"items": {"L": [{"M": {"sku": {"S": "A1"}, "qty": {"N": "1"}}}]}}),
            json!({"items": {"L": [{"M": {"sku": {"S": "A1"}, "qty": {"N": "2"}}}, {"S": "gift"}]}}),
            "items[0].qty 1 → 2, +items[1]",
        );
    }

    #[test]
    fn a_change_of_type_names_both_types() {
        check(
            json!({"total": {"S": "41.5"}}),
            json!({"total": {"N": "41.5"}}),
            "total S 41.5 → N 41.5",
        );
    }

    #[test]
    fn a_missing_image_makes_everything_added_or_removed() {
        let image = json!({"id": {"S": "1"}, "tags": {"SS": ["a", "b"]}});
        let added = differences(None, Some(&image));
        assert!(added.iter().all(|it| it.kind == Kind::Added));
        assert_eq!(added[1].new.as_deref(), Some("{a, b}"));
        let removed = differences(Some(&image), None);
        assert!(removed.iter().all(|it| it.kind == Kind::Removed));
    }

    #[test]
    fn unchanged_attributes_are_kept_for_those_who_want_to_see_them() {
        let image = json!({"id": {"S": "1"}});
        let found = differences(Some(&image), Some(&image));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, Kind::Same);
        assert_eq!(summary(&found), "");
    }
}

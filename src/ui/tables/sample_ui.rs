//! Draws a sample record: coloured JSON, a typed value to a line.

use egui::{TextStyle, Ui};
use egui_extras::syntax_highlighting::highlight;
use serde_json::Value;

use super::views::ViewType;
use crate::aws::dynamodb::KeyPart;
use crate::ui::theme;

pub(super) fn show(ui: &mut Ui, view: ViewType, partition: &KeyPart, sort: Option<&KeyPart>) {
    let text = text(&view.sample(partition, sort));
    let font = TextStyle::Monospace.resolve(ui.style());
    let colors = theme::code(theme::of(ui), ui.visuals().dark_mode, &font);
    let mut job = highlight(ui.ctx(), ui.style(), &colors, &text, "json");
    job.wrap.max_width = ui.available_width();
    job.wrap.break_anywhere = true;
    ui.add(egui::Label::new(job).selectable(true));
}

/// Indented JSON with typed values (`{"S": "a"}`) in one line.
fn text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if members.values().any(Value::is_object) => {
            let pad = "  ".repeat(depth + 1);
            out.push_str("{\n");
            for (nth, (name, member)) in members.iter().enumerate() {
                let comma = if nth + 1 == members.len() { "" } else { "," };
                out.extend([pad.as_str(), "\"", name, "\": "]);
                write(out, member, depth + 1);
                out.extend([comma, "\n"]);
            }
            out.extend(["  ".repeat(depth).as_str(), "}"]);
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, member)| format!("\"{name}\": {member}"))
                .collect();
            out.extend(["{", &members.join(", "), "}"]);
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_json_with_a_typed_value_to_a_line() {
        let sample = ViewType::Keys.sample(&KeyPart::text("pk"), None);
        let text = text(&sample);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), sample);
        assert!(
            text.contains("\n      \"pk\": {\"S\": \"c-1001\"}\n"),
            "{text}"
        );
    }
}

//! Choosing among what the catalog lists: streams, functions, queues. Values are ARNs and names, empty when nothing is chosen.

use egui::{ComboBox, Ui};

use crate::ui::Cx;

const WIDTH: f32 = 280.0;

/// A table's stream, by its ARN.
pub(super) fn stream_ui(ui: &mut Ui, cx: &Cx<'_>, arn: &mut String) {
    let known: Vec<(String, String)> = cx
        .catalog
        .tables
        .value()
        .into_iter()
        .flatten()
        .filter_map(|it| Some((it.latest_stream_arn()?, it.table_name()?)))
        .map(|(arn, name)| (arn.to_owned(), format!("{name} stream")))
        .collect();
    pick(ui, "Stream", arn, &known, "Choose a stream", None);
}

/// A function, by its name.
pub(super) fn function_ui(ui: &mut Ui, cx: &Cx<'_>, name: &mut String) {
    let known: Vec<(String, String)> = cx
        .catalog
        .functions
        .value()
        .into_iter()
        .flatten()
        .filter_map(|it| it.function_name())
        .map(|it| (it.to_owned(), it.to_owned()))
        .collect();
    pick(ui, "Function", name, &known, "Choose a function", None);
}

/// A queue, by its ARN; may be none.
pub(super) fn queue_ui(ui: &mut Ui, cx: &Cx<'_>, arn: &mut String) {
    let known: Vec<(String, String)> = cx
        .catalog
        .queues
        .value()
        .into_iter()
        .flatten()
        .map(|it| (it.arn.clone(), it.name.clone()))
        .collect();
    let none = "No on-failure queue";
    pick(ui, "On-failure queue", arn, &known, none, Some(none));
}

fn pick(
    ui: &mut Ui,
    name: &str,
    value: &mut String,
    known: &[(String, String)],
    hint: &str,
    none: Option<&str>,
) {
    let current = known.iter().find(|(it, _)| it == value);
    let text = match current {
        Some((_, words)) => words.as_str(),
        None if value.is_empty() => hint,
        None => value.as_str(),
    }
    .to_owned();
    let picker = ComboBox::new(("pick", name), "")
        .selected_text(text)
        .width(WIDTH)
        .truncate()
        .show_ui(ui, |ui| {
            if let Some(none) = none {
                ui.selectable_value(value, String::new(), none);
            }
            for (it, words) in known {
                ui.selectable_value(value, it.clone(), words);
            }
            if known.is_empty() {
                ui.weak("There is none yet");
            }
        });
    picker.response.accessible_name(name);
}
